use std::{fmt, time::Duration};

use super::Preset;

/// Where the language model is and how long it may take.
#[derive(Debug, Clone)]
pub struct OpenAiConfig {
    /// How the server differs from others.
    pub preset: Preset,
    /// Up to and including the version, for example `http://127.0.0.1:8080/v1`.
    pub base_url: String,
    /// The model's name.
    pub model: String,
    /// Sent as a bearer token; local servers need none.
    pub key: Option<ApiKey>,
    /// For a connection to come about.
    pub connect_timeout: Duration,
    /// From the request to the first words. What is later than this is not worth waiting for: the caller hears silence.
    pub first_token_timeout: Duration,
    /// Between two pieces of the reply.
    pub next_token_timeout: Duration,
    /// From the request to the end of the reply.
    pub total_timeout: Duration,
    /// 0 to 2; lower is more predictable.
    pub temperature: f32,
    /// Tokens of one reply.
    pub tokens_max: u32,
    /// About how many tokens of system text and history are sent; the oldest lines are left out.
    pub context_tokens_max: usize,
}

impl OpenAiConfig {
    /// The defaults for `model` at `base_url`, without a key.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            preset: Preset::Plain,
            base_url: base_url.into(),
            model: model.into(),
            key: None,
            connect_timeout: Duration::from_secs(1),
            first_token_timeout: Duration::from_millis(1800),
            next_token_timeout: Duration::from_millis(1800),
            total_timeout: Duration::from_secs(20),
            temperature: 0.3,
            tokens_max: 200,
            context_tokens_max: 6_000,
        }
    }
}

/// A secret. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key in the environment variable `name`; `None` when it is not set or empty.
    pub fn from_environment(name: &str) -> Option<Self> {
        std::env::var(name).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).map(Self)
    }

    /// The key in the file at `path`, without white space around it.
    ///
    /// # Errors
    /// When the file cannot be read or holds no key.
    pub fn from_file(path: &std::path::Path) -> std::io::Result<Self> {
        let key = std::fs::read_to_string(path)?;
        match key.trim() {
            "" => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the file is empty")),
            key => Ok(Self(key.to_owned())),
        }
    }

    /// A key from elsewhere.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}
