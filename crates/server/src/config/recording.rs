//! `[recorder]` and `[storage]`: how the resource recorder behaves, and where recordings are.

use std::net::SocketAddr;
use std::time::Duration;

use recording::StorageConfig;
use toml::Table;

use super::reader::{Mistake, Section};

/// `[recorder]`: defaults and limits of the recorder resource.
#[derive(Debug, Clone)]
pub struct RecorderConfig {
    /// No-Input-Timeout where the client gives none.
    pub no_input_timeout: Duration,
    /// Final-Silence where the client gives none; zero: silence never ends a recording.
    pub final_silence: Duration,
    /// The longest recording.
    pub max_time_max: Duration,
    /// Threads that write recordings.
    pub workers: usize,
}

/// `[storage]`: where recordings are kept and served.
#[derive(Debug, Clone)]
pub struct RecordingStorageConfig {
    /// The folders and the quota.
    pub folders: StorageConfig,
    /// Where recordings are served; `None`: by the listener of `[http]`.
    pub listen: Option<SocketAddr>,
    /// What their URIs begin with; `None`: the address of the listener.
    pub base_url: Option<String>,
    /// How long recordings are kept after their session has ended.
    pub linger: Duration,
}

pub(super) fn read_recorder(root: &mut Table, mistakes: &mut Vec<Mistake>) -> RecorderConfig {
    let mut section = Section::take(root, "recorder", mistakes);
    let config = RecorderConfig {
        no_input_timeout: section.millis("no_input_timeout_ms", 7_000, 0..=3_600_000),
        final_silence: section.millis("final_silence_ms", 3_000, 0..=3_600_000),
        max_time_max: section.seconds("max_time_s", 3_600, 1..=86_400),
        workers: section.count("workers", 1, 1..=64),
    };
    section.finish();
    config
}

pub(super) fn read_storage(root: &mut Table, mistakes: &mut Vec<Mistake>) -> RecordingStorageConfig {
    let mut section = Section::take(root, "storage", mistakes);
    let config = RecordingStorageConfig {
        folders: StorageConfig {
            directory: section.text("directory").map(Into::into),
            bytes_max: u64::try_from(section.count("bytes_max", 1 << 30, 1..=1 << 44)).unwrap_or(1 << 30),
            file_root: section.text("file_root").map(Into::into),
        },
        listen: section.parsed("listen", None, |text| {
            text.parse().map(Some).map_err(|_| "must be an address and port, such as 0.0.0.0:9061".to_owned())
        }),
        base_url: section.parsed("base_url", None, |text| {
            let is_web = text.starts_with("http://") || text.starts_with("https://");
            let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte));
            if is_web && is_plain {
                Ok(Some(text.trim_end_matches('/').to_owned()))
            } else {
                Err("must be an http or https URL".to_owned())
            }
        }),
        linger: section.seconds("linger_s", 0, 0..=604_800),
    };
    section.finish();
    config
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn mistakes_about_storage_are_told_with_their_keys() {
        let told = |text: &str| format!("{:?}", Config::parse(text).unwrap_err());
        assert!(told("[storage]\nbase_url = \"ftp://x\"").contains("storage.base_url"));
        assert!(told("[storage]\nlisten = \"nowhere\"").contains("storage.listen"));
        assert!(told("[storage]\nfolder = \"/\"").contains("unknown key"));
        assert!(told("[recorder]\nmax_time_s = 0").contains("recorder.max_time_s"));
        let config = Config::parse("[storage]\nbase_url = \"https://pbx.example/rec/\"").unwrap();
        assert_eq!(config.storage.base_url.as_deref(), Some("https://pbx.example/rec"));
    }
}
