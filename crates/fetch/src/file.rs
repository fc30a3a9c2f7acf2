//! `file:` URIs: whatever lies below one folder, and nothing else.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use url::Url;

use crate::error::FetchError;
use crate::fetcher::Document;

/// Reads the file that the URI names. `root` has no symbolic links in it.
///
/// Percent-encodings and `..` are resolved by the URL parser, symbolic links by the file system; what comes out has to lie
/// below `root`. Only regular files are read, so that no device or pipe holds a fetch.
pub(crate) async fn read(root: &Path, url: &Url, bytes_max: usize) -> Result<Document, FetchError> {
    let path = url.to_file_path().map_err(|()| FetchError::NoSuchFile)?;
    let path = below(root, path).await?;
    let metadata = tokio::fs::metadata(&path).await.map_err(|_| FetchError::NoSuchFile)?;
    if !metadata.is_file() {
        return Err(FetchError::NoSuchFile);
    }
    let file = tokio::fs::File::open(&path).await.map_err(|_| FetchError::NoSuchFile)?;
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    file.take(limit).read_to_end(&mut content).await.map_err(|_| FetchError::NoSuchFile)?;
    if content.len() > bytes_max {
        return Err(FetchError::TooLarge(bytes_max));
    }
    Ok(Document {
        location: url.to_string(),
        content_type: media_type(&path).map(str::to_owned),
        content: Bytes::from(content),
    })
}

async fn below(root: &Path, path: PathBuf) -> Result<PathBuf, FetchError> {
    let real = tokio::fs::canonicalize(&path).await.map_err(|_| FetchError::NoSuchFile)?;
    if real.starts_with(root) { Ok(real) } else { Err(FetchError::NoSuchFile) }
}

/// By the name's ending, since files have no headers.
fn media_type(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match ending.as_str() {
        "grxml" => "application/srgs+xml",
        "gram" | "abnf" => "application/srgs",
        "ssml" => "application/ssml+xml",
        "xml" => "application/xml",
        "pls" => "application/pls+xml",
        "txt" => "text/plain",
        "wav" => "audio/wav",
        "ulaw" | "ul" | "pcmu" => "audio/basic",
        "au" => "audio/basic",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_uri(root: &Path, uri: &str) -> Result<Bytes, FetchError> {
        let root = std::fs::canonicalize(root).unwrap();
        read(&root, &Url::parse(uri).unwrap(), 100).await.map(|document| document.content)
    }

    fn uri(path: &Path) -> String {
        Url::from_file_path(path).unwrap().to_string()
    }

    #[tokio::test]
    async fn a_file_below_the_folder_is_read_and_its_ending_tells_its_type() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        let path = folder.path().join("inner/a b.grxml");
        std::fs::write(&path, "<grammar/>").unwrap();
        let root = std::fs::canonicalize(folder.path()).unwrap();
        let document = read(&root, &Url::parse(&uri(&path)).unwrap(), 100).await.unwrap();
        assert_eq!(document.content, "<grammar/>");
        assert_eq!(document.content_type.as_deref(), Some("application/srgs+xml"));
    }

    #[tokio::test]
    async fn sec_013_nothing_outside_of_the_folder_is_read_by_dots_encodings_or_links() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("open"), "open").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("links")).unwrap();
        let inside = uri(folder.path());
        let name = outside.path().file_name().unwrap().to_str().unwrap().to_owned();
        for hostile in [
            "file:///etc/passwd".to_owned(),
            format!("{inside}/../{name}/secret"),
            format!("{inside}/%2e%2e/{name}/secret"),
            format!("{inside}/..%2f{name}%2fsecret"),
            format!("{inside}/link"),
            format!("{inside}/links/secret"),
            format!("{inside}/open%00"),
            format!("file://elsewhere{}", folder.path().join("open").display()),
            inside.clone(),
            format!("{inside}-other/open"),
        ] {
            assert_eq!(read_uri(folder.path(), &hostile).await, Err(FetchError::NoSuchFile), "{hostile}");
        }
        assert_eq!(read_uri(folder.path(), &format!("{inside}/open")).await.unwrap(), "open");
    }

    #[tokio::test]
    async fn sec_011_a_file_over_the_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        std::fs::write(&path, [0; 101]).unwrap();
        assert_eq!(read_uri(folder.path(), &uri(&path)).await, Err(FetchError::TooLarge(100)));
    }
}
