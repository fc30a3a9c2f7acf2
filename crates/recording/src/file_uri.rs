//! `file:` URIs as paths below a folder.

use std::path::{Component, Path, PathBuf};

use percent_encoding::percent_decode_str;

/// The path that a `file:` URI names, relative to `root`. `None` when it names anything else: another host, a path that is
/// not below the folder as it is written, one with `..`, `.`, empty or encoded-away parts.
pub(crate) fn below(root: &Path, uri: &str) -> Option<PathBuf> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") || rest.contains(['?', '#']) {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        Some(authority) => {
            let (host, _) = authority.split_once('/')?;
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return None;
            }
            authority.get(host.len()..)?
        }
        None => rest,
    };
    let mut decoded = PathBuf::from("/");
    for part in path.strip_prefix('/')?.split('/') {
        let part = percent_decode_str(part).decode_utf8().ok()?;
        let is_name = !part.is_empty() && part != "." && part != ".." && !part.contains(['/', '\\', '\0']);
        // Control characters have no place in a name, and would have one in logs.
        if !is_name || part.chars().any(char::is_control) {
            return None;
        }
        decoded.push(&*part);
    }
    let relative = decoded.strip_prefix(root).ok()?;
    let is_plain = relative.components().all(|component| matches!(component, Component::Normal(_)));
    (is_plain && relative.file_name().is_some()).then(|| relative.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(uri: &str) -> Option<String> {
        below(Path::new("/var/messages"), uri).map(|path| path.display().to_string())
    }

    #[test]
    fn a_path_below_the_folder_is_taken() {
        assert_eq!(path("file:///var/messages/a.wav").as_deref(), Some("a.wav"));
        assert_eq!(path("FILE://localhost/var/messages/box%201/a.wav").as_deref(), Some("box 1/a.wav"));
        assert_eq!(path("file:/var/messages/%E4%BD%A0.wav").as_deref(), Some("你.wav"));
    }

    #[test]
    fn rcd_007_a_path_elsewhere_is_not_however_it_is_written() {
        for uri in [
            "file:///etc/passwd",
            "file:///var/messages",
            "file:///var/messages/",
            "file:///var/messages/../x",
            "file:///var/messages/a/../../x",
            "file:///var/messages/%2e%2e/x",
            "file:///var/messages/..%2fx",
            "file:///var/messages/%2E%2E%2Fx",
            "file:///var/messages/a%00.wav",
            "file:///var/messages/a%0a.wav",
            "file:///var/messages/./x",
            "file:///var/messages//x",
            "file:///var/messages/..%5cx",
            "file:///var/messages/%ff",
            "file:///var/messages2/x",
            "file:///var//messages/x",
            "file:///var/x/../messages/x",
            "file://host/var/messages/x",
            "file://",
            "file:x",
            "file:///var/messages/x?y",
            "http://host/var/messages/x",
            "/var/messages/x",
            "",
        ] {
            assert_eq!(path(uri), None, "{uri}");
        }
    }
}
