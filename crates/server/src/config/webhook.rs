//! `[dialog.webhook]`: where records are delivered.

use std::path::PathBuf;
use std::time::Duration;

use toml::Table;

use super::reader::{Mistake, Section};

/// `[dialog.webhook]`
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// Where records are posted.
    pub url: String,
    /// File with the secret that signs them.
    pub secret_file: Option<PathBuf>,
    /// Environment variable with it, where no file is named.
    pub secret_env: Option<String>,
    /// Time for one delivery.
    pub timeout: Duration,
    /// Tries after the first.
    pub retries: u32,
    /// The wait before the second try; it doubles each time.
    pub retry_first: Duration,
    /// Directory of records that have not arrived.
    pub outbox: PathBuf,
    /// Most records in it; further ones are not delivered.
    pub outbox_max: usize,
}

/// `table` is `[dialog.webhook]`.
pub(super) fn read(table: Table, mistakes: &mut Vec<Mistake>) -> WebhookConfig {
    let mut wrapped = Table::from_iter([("dialog.webhook".to_owned(), toml::Value::Table(table))]);
    let mut section = Section::take(&mut wrapped, "dialog.webhook", mistakes);
    let config = WebhookConfig {
        url: section.text("url").unwrap_or_default(),
        secret_file: section.text("secret_file").map(PathBuf::from),
        secret_env: section.text("secret_env").filter(|name| !name.is_empty()),
        timeout: section.millis("timeout_ms", 10_000, 100..=120_000),
        retries: u32::try_from(section.integer("retries", 12, 0..=1_000)).unwrap_or(12),
        retry_first: section.millis("retry_first_ms", 1_000, 10..=600_000),
        outbox: section.text("outbox").map(PathBuf::from).unwrap_or_default(),
        outbox_max: section.count("outbox_max", 10_000, 1..=1_000_000),
    };
    let is_url =
        ["http://", "https://"].iter().any(|scheme| config.url.len() > scheme.len() && config.url.starts_with(scheme));
    if !is_url {
        section.reject("url", &config.url, "must be a URL such as https://example.com/calls");
    }
    if config.secret_file.is_some() == config.secret_env.is_some() {
        section.reject("secret_file", "", "is needed, or secret_env, and not both");
    }
    if config.outbox.as_os_str().is_empty() {
        section.reject("outbox", "\"\"", "is needed: records wait there until they have arrived");
    }
    section.finish();
    config
}
