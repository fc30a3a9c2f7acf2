//! `[fetch]`: what may be fetched for clients, and how much of it.

use fetch::FetchConfig;
use toml::Table;

use super::reader::{Mistake, Section};

pub(super) fn read(root: &mut Table, product: &str, mistakes: &mut Vec<Mistake>) -> FetchConfig {
    let mut section = Section::take(root, "fetch", mistakes);
    let defaults = FetchConfig::default();
    let config = FetchConfig {
        plain_http: section.flag("plain_http", defaults.plain_http),
        file_root: section.text("file_root").map(Into::into),
        allowed_networks: section.list("allowed_networks", Vec::new(), |text| {
            text.parse().map_err(|error: fetch::NetworkError| error.to_string())
        }),
        ca_file: section.text("ca_file").map(Into::into),
        timeout: section.millis("timeout_ms", 5_000, 1..=600_000),
        timeout_max: section.millis("timeout_ms_max", 20_000, 1..=600_000),
        document_bytes_max: section.count("document_bytes_max", defaults.document_bytes_max, 1_024..=1 << 30),
        redirects_max: u32::try_from(section.integer("redirects_max", 5, 0..=50)).unwrap_or(5),
        concurrent_max: section.count("concurrent_max", defaults.concurrent_max, 1..=10_000),
        concurrent_per_session_max: section.count(
            "concurrent_per_session_max",
            defaults.concurrent_per_session_max,
            1..=1_000,
        ),
        cache_bytes_max: section.count("cache_bytes_max", defaults.cache_bytes_max, 0..=1 << 40),
        product: product.to_owned(),
        ..defaults
    };
    if config.timeout > config.timeout_max {
        section.reject("timeout_ms", config.timeout.as_millis(), "must not be above fetch.timeout_ms_max");
    }
    section.finish();
    config
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::Config;

    #[test]
    fn sec_012_sec_013_files_and_private_networks_are_closed_unless_they_are_named() {
        let closed = Config::default().fetch;
        assert_eq!((closed.file_root, closed.allowed_networks.len()), (None, 0));
        let open =
            Config::parse("[fetch]\nfile_root = \"/srv\"\nallowed_networks = [\"10.0.0.0/8\", \"::1\"]").unwrap();
        assert_eq!(open.fetch.file_root.as_deref(), Some(std::path::Path::new("/srv")));
        assert_eq!(open.fetch.allowed_networks.len(), 2);
    }

    #[test]
    fn mistakes_are_told_with_their_key() {
        let told = |text: &str| {
            let mistakes = Config::parse(text).unwrap_err();
            mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert!(told("[fetch]\nallowed_networks = [\"home\"]").contains("fetch.allowed_networks"));
        assert!(told("[fetch]\ntimeout_ms = 30000").contains("fetch.timeout_ms_max"));
        assert!(told("[fetch]\nroot = \"/\"").contains("unknown key"));
        assert_eq!(Config::parse("[fetch]\ntimeout_ms = 100").unwrap().fetch.timeout, Duration::from_millis(100));
    }
}
