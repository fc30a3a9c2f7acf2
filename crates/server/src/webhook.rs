//! Records delivered by webhook: signed, tried again, and kept in a directory until they have arrived.
//!
//! The headers are those of Standard Webhooks: `webhook-id`, the same for every try, so that a receiver can tell a repetition;
//! `webhook-timestamp`, seconds since 1970; `webhook-signature`, `v1,` and the Base64 of the HMAC-SHA256 of `id.timestamp.body`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use fetch::{FetchError, Fetcher, Post};
use hmac::{Hmac, KeyInit as _, Mac as _};
use metrics::{counter, gauge};
use sha2::Sha256;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::WebhookConfig;

/// The longest wait between two tries.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// Why there is no webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The outbox cannot be used.
    #[error("the outbox {path} cannot be used")]
    Outbox {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The secret cannot be read.
    #[error("the secret of the webhook cannot be read from {from}")]
    Secret {
        /// The file or variable.
        from: String,
    },
    /// The secret is not what it says that it is.
    #[error("the secret of the webhook begins with whsec_, and what follows is not Base64")]
    NotBase64,
}

/// Where records are put that are to be delivered.
#[derive(Clone)]
pub(crate) struct Webhook {
    outbox: Arc<Outbox>,
}

struct Outbox {
    directory: PathBuf,
    letters_max: usize,
    /// Something new is there.
    arrived: Notify,
}

/// A record on its way.
struct Letter {
    /// Its file, and `webhook-id`.
    name: String,
    tries: u32,
    due: Instant,
}

impl Webhook {
    /// Opens the outbox and begins to deliver what is left in it.
    ///
    /// # Errors
    /// When the outbox or the secret cannot be used.
    pub(crate) fn start(
        config: &WebhookConfig,
        fetcher: &Fetcher,
        stop: CancellationToken,
    ) -> Result<Self, WebhookError> {
        let failed = |source| WebhookError::Outbox { path: config.outbox.clone(), source };
        std::fs::create_dir_all(config.outbox.join(DEAD)).map_err(failed)?;
        let secret = secret(config)?;
        let (directory, letters_max) = (config.outbox.clone(), config.outbox_max);
        let outbox = Arc::new(Outbox { directory, letters_max, arrived: Notify::new() });
        let deliverer = Deliverer {
            outbox: Arc::clone(&outbox),
            fetcher: fetcher.session(),
            url: config.url.clone(),
            secret,
            timeout: config.timeout,
            tries_max: config.retries.saturating_add(1),
            wait_first: config.retry_first,
        };
        crate::tasks::spawn("webhook", deliverer.run(stop));
        Ok(Self { outbox })
    }

    /// Puts a record into the outbox. When there is no room, or no disk, it is not delivered, and counted.
    pub(crate) async fn send(&self, record: &str) {
        let letters = self.outbox.names().await.len();
        if letters >= self.outbox.letters_max {
            counter!("webhook_records_dropped_total", "reason" => "full").increment(1);
            tracing::error!(letters, "the outbox of the webhook is full: a record is not delivered");
            return;
        }
        let id = format!("msg_{:020}{:08x}", clock::unix_now().as_nanos(), crate::shared::Random.u32());
        let path = self.outbox.directory.join(format!("{id}.json"));
        match crate::conversation_record::write(&path, record).await {
            Ok(()) => self.outbox.arrived.notify_one(),
            Err(error) => {
                counter!("webhook_records_dropped_total", "reason" => "write").increment(1);
                tracing::error!(error = %error, "a record could not be put into the outbox of the webhook");
            }
        }
    }
}

/// Directory, below the outbox, of records that nobody took.
const DEAD: &str = "dead";

impl Outbox {
    /// The names of the letters that are there, oldest first.
    async fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let Ok(mut entries) = tokio::fs::read_dir(&self.directory).await else { return names };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let name = entry.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_suffix(".json").map(str::to_owned));
        }
        names.sort();
        names
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.json"))
    }
}

struct Deliverer {
    outbox: Arc<Outbox>,
    fetcher: fetch::SessionFetcher,
    url: String,
    secret: Vec<u8>,
    timeout: Duration,
    tries_max: u32,
    wait_first: Duration,
}

impl Deliverer {
    async fn run(self, stop: CancellationToken) {
        let mut letters: Vec<Letter> = Vec::new();
        loop {
            self.take_in(&mut letters).await;
            let now = clock::now();
            let next = letters.iter().enumerate().min_by_key(|(_, letter)| letter.due);
            let due = match next {
                Some((at, letter)) if letter.due <= now => {
                    let mut letter = letters.swap_remove(at);
                    let tried = tokio::select! {
                        tried = self.deliver(&letter.name) => tried,
                        () = stop.cancelled() => return,
                    };
                    if let Some(again) = self.settle(&mut letter, tried).await {
                        letter.due = again;
                        letters.push(letter);
                    }
                    continue;
                }
                Some((_, letter)) => Some(letter.due),
                None => None,
            };
            tokio::select! {
                () = self.outbox.arrived.notified() => {}
                () = crate::net::sip::sleep_until(due) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Takes note of what is in the outbox.
    async fn take_in(&self, letters: &mut Vec<Letter>) {
        let known: HashSet<String> = letters.iter().map(|letter| letter.name.clone()).collect();
        let now = clock::now();
        for name in self.outbox.names().await {
            if !known.contains(&name) {
                letters.push(Letter { name, tries: 0, due: now });
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        gauge!("webhook_outbox_records").set(letters.len() as f64);
    }

    async fn deliver(&self, name: &str) -> Result<(), Undelivered> {
        let body = tokio::fs::read(self.outbox.path(name)).await.map_err(|_| Undelivered::Gone)?;
        let timestamp = clock::unix_now().as_secs().to_string();
        let signature = sign(&self.secret, name, &timestamp, &body);
        let post = Post {
            uri: self.url.clone(),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("webhook-id", name.to_owned()),
                ("webhook-timestamp", timestamp),
                ("webhook-signature", signature),
            ],
            content: Bytes::from(body),
            timeout: self.timeout,
        };
        self.fetcher.post(post).await.map_err(|error| Undelivered::of(&error))
    }

    /// What becomes of a letter; when it is tried again, if it is.
    async fn settle(&self, letter: &mut Letter, tried: Result<(), Undelivered>) -> Option<Instant> {
        let path = self.outbox.path(&letter.name);
        letter.tries = letter.tries.saturating_add(1);
        let reason = match tried {
            Ok(()) => {
                counter!("webhook_deliveries_total", "outcome" => "delivered").increment(1);
                forget(&path).await;
                return None;
            }
            Err(Undelivered::Gone) => return None,
            Err(Undelivered::Later(reason)) if letter.tries < self.tries_max => {
                counter!("webhook_deliveries_total", "outcome" => "failed").increment(1);
                tracing::info!(id = %letter.name, tries = letter.tries, reason, "a record was not delivered; it is tried again");
                let wait = self.wait_first.saturating_mul(1 << letter.tries.min(16).saturating_sub(1)).min(WAIT_MAX);
                return Some(clock::now() + wait);
            }
            Err(Undelivered::Later(reason) | Undelivered::Refused(reason)) => reason,
        };
        counter!("webhook_deliveries_total", "outcome" => "dead").increment(1);
        tracing::error!(id = %letter.name, tries = letter.tries, reason, "a record was not delivered and is not tried again");
        let dead = self.outbox.directory.join(DEAD).join(format!("{}.json", letter.name));
        if let Err(error) = tokio::fs::rename(&path, &dead).await {
            tracing::error!(error = %error, "a record that was not delivered could not be put aside");
            forget(&path).await;
        }
        None
    }
}

async fn forget(path: &Path) {
    if let Err(error) = tokio::fs::remove_file(path).await {
        tracing::error!(error = %error, "a record that was delivered could not be removed from the outbox");
    }
}

/// Why a record did not arrive.
enum Undelivered {
    /// Its file is gone.
    Gone,
    /// It may arrive later.
    Later(String),
    /// The receiver does not want it.
    Refused(String),
}

impl Undelivered {
    fn of(error: &FetchError) -> Self {
        match error {
            FetchError::Status(408 | 409 | 425 | 429 | 500..=599) => Self::Later(error.to_string()),
            FetchError::Status(_) => Self::Refused(error.to_string()),
            // What the rules of fetches forbid today an operator may allow tomorrow, but not while this process runs.
            FetchError::Scheme(_) | FetchError::NotAUri | FetchError::PrivateAddress => {
                Self::Refused(error.to_string())
            }
            other => Self::Later(other.to_string()),
        }
    }
}

/// `webhook-signature` of a message.
fn sign(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    // Keys of any length are keys.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

/// The secret: Base64 behind `whsec_`, as the field writes it, or the text itself.
fn secret(config: &WebhookConfig) -> Result<Vec<u8>, WebhookError> {
    let missing = |from: &str| WebhookError::Secret { from: from.to_owned() };
    let text = match (&config.secret_file, &config.secret_env) {
        (Some(path), _) => std::fs::read_to_string(path).map_err(|_| missing(&path.display().to_string()))?,
        (None, Some(name)) => std::env::var(name).map_err(|_| missing(name))?,
        (None, None) => String::new(),
    };
    let text = text.trim();
    if text.is_empty() {
        let from =
            config.secret_file.as_ref().map(|path| path.display().to_string()).or_else(|| config.secret_env.clone());
        return Err(missing(&from.unwrap_or_default()));
    }
    match text.strip_prefix("whsec_") {
        Some(encoded) => BASE64.decode(encoded).map_err(|_| WebhookError::NotBase64),
        None => Ok(text.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests;
