//! What can be said of a model file without loading it.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// Looks at a file that the configuration names; says what is wrong with it.
pub(super) fn fault(path: &Path) -> Option<String> {
    let wrong = |what: &str| Some(format!("{}: {what}", path.display()));
    let length = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return wrong("not a file"),
        Ok(metadata) => metadata.len(),
        Err(error) => return wrong(&error.to_string()),
    };
    let mut head = [0; 64];
    let count = match File::open(path).and_then(|mut file| file.read(&mut head)) {
        Ok(count) => count,
        Err(error) => return wrong(&error.to_string()),
    };
    let head = head.get(..count).unwrap_or_default();
    if head.starts_with(b"version https://git-lfs") {
        return wrong("a Git LFS pointer, not the file itself");
    }
    if head.starts_with(b"<") && head.to_ascii_lowercase().windows(4).any(|word| word == b"html") {
        return wrong("a web page, not a model");
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        // A ModelProto begins with its IR version: field 1, a small number.
        Some("onnx") if length < 100 || !matches!(head, [0x08, version, ..] if *version < 64) => {
            wrong("not an ONNX model, or cut off")
        }
        // A flatbuffer with this identifier.
        Some("ort") if length < 100 || head.get(4..8) != Some(b"ORTM".as_slice()) => {
            wrong("not a model in ORT format, or cut off")
        }
        Some("txt") if std::str::from_utf8(head).is_err_and(|error| error.error_len().is_some()) => {
            wrong("not a text file")
        }
        _ if length == 0 => wrong("empty"),
        _ => None,
    }
}

/// What tells one version of a file from another, cheaply: name, length and time of modification.
pub(super) fn version(path: &Path) -> String {
    let metadata = fs::metadata(path).ok();
    let length = metadata.as_ref().map_or(0, fs::Metadata::len);
    let modified = metadata.and_then(|metadata| metadata.modified().ok());
    let nanos = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |t| t.as_nanos());
    format!("{}:{length}:{nanos}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(name: &str, content: &[u8]) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        fault(&path)
    }

    #[test]
    fn what_is_clearly_no_model_is_refused() {
        assert!(fault(Path::new("/nowhere/model.onnx")).unwrap().contains("model.onnx"));
        assert!(fault_of("m.onnx", b"").is_some());
        assert!(fault_of("m.onnx", &[7; 5000]).is_some());
        assert!(fault_of("m.ort", &[0; 5000]).is_some());
        assert!(fault_of("m.onnx", b"version https://git-lfs.github.com/spec/v1\n").unwrap().contains("LFS"));
        assert!(fault_of("m.onnx", b"<!DOCTYPE html><html>").unwrap().contains("web page"));
        assert!(fault_of("tokens.txt", &[0xff, 0xfe, 0xff]).is_some());
    }

    #[test]
    fn what_looks_right_is_accepted() {
        let mut onnx = vec![8, 8];
        onnx.resize(2000, 1);
        assert_eq!(fault_of("m.onnx", &onnx), None);
        assert_eq!(fault_of("tokens.txt", "a 1\n你 2\n".as_bytes()), None);
    }
}
