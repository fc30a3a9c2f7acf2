use std::{fmt, time::Duration};

use eventsource_stream::Eventsource as _;
use futures::{StreamExt as _, stream::BoxStream};
use reqwest::{StatusCode, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout_at};

use super::OpenAiConfig;
use crate::flow::ModelRequest;

/// All of one reply on the wire: far more than tokens_max tokens in their JSON.
const REPLY_BYTES_MAX: usize = 1024 * 1024;
/// The wait before a refused request is tried again.
const RETRY_WAIT: Duration = Duration::from_millis(200);

/// Why there is no reply, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The configuration cannot be used.
    #[error("the provider cannot be used: {0}")]
    Configuration(String),
    /// No connection, or it broke.
    #[error("the connection to the provider failed")]
    Connection(#[source] reqwest::Error),
    /// It answered with an HTTP error.
    #[error("the provider answered {0}")]
    Status(StatusCode),
    /// No words came in time.
    #[error("the provider said nothing in time")]
    FirstToken,
    /// The reply was not complete in time.
    #[error("the provider did not finish in time")]
    Total,
    /// The reply is not what the API promises.
    #[error("the provider's reply is not understood: {0}")]
    Reply(&'static str),
}

impl ProviderError {
    /// A short name for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "configuration",
            Self::Connection(_) => "connection",
            Self::Status(_) => "status",
            Self::FirstToken => "first-token",
            Self::Total => "total",
            Self::Reply(_) => "reply",
        }
    }

    /// Trying once more may help.
    fn is_passing(&self) -> bool {
        match self {
            Self::Status(status) => *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
            Self::Connection(_) => true,
            Self::Configuration(_) | Self::FirstToken | Self::Total | Self::Reply(_) => false,
        }
    }
}

/// A provider. Cheap to clone; connections are shared.
#[derive(Debug, Clone)]
pub struct OpenAi {
    http: reqwest::Client,
    url: reqwest::Url,
    config: OpenAiConfig,
}

impl OpenAi {
    /// A provider as configured; nothing is sent yet.
    ///
    /// # Errors
    /// [`ProviderError::Configuration`] when the base URL is not one, or the program has not installed a rustls crypto provider.
    pub fn new(config: OpenAiConfig) -> Result<Self, ProviderError> {
        let address = format!("{}/chat/completions", config.base_url.trim_end_matches('/'));
        let url = reqwest::Url::parse(&address).map_err(|err| ProviderError::Configuration(err.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ProviderError::Configuration("the base URL must be http or https".to_owned()));
        }
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // The HTTP client would panic.
            return Err(ProviderError::Configuration("no rustls crypto provider is installed".to_owned()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(config.connect_timeout)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|err| ProviderError::Configuration(err.to_string()))?;
        Ok(Self { http, url, config })
    }

    /// Asks for a reply and streams it. A refused request is tried once more if there is time.
    ///
    /// # Errors
    /// Whatever prevents the reply from beginning.
    pub async fn reply(&self, request: &ModelRequest) -> Result<ReplyStream, ProviderError> {
        let begun = Instant::now();
        let first = begun.checked_add(self.config.first_token_timeout).unwrap_or(begun);
        let total = begun.checked_add(self.config.total_timeout).unwrap_or(begun);
        let opened = timeout_at(first.min(total), async {
            match self.open(request).await {
                Err(err) if err.is_passing() => {
                    tracing::debug!(kind = err.kind(), "the provider is asked once more");
                    sleep(RETRY_WAIT).await;
                    self.open(request).await
                }
                opened => opened,
            }
        });
        let events = opened.await.map_err(|_| ProviderError::FirstToken)??;
        Ok(ReplyStream { events, first: Some(first), total, finished: false })
    }

    async fn open(&self, request: &ModelRequest) -> Result<EventStream, ProviderError> {
        let body = Body::new(&self.config, request);
        let mut post = self.http.post(self.url.clone()).json(&body);
        if let Some(key) = &self.config.key {
            post = post.bearer_auth(key.reveal());
        }
        // The address may hold a secret: errors go without it.
        let response = post.send().await.map_err(|err| ProviderError::Connection(err.without_url()))?;
        if response.status() != StatusCode::OK {
            return Err(ProviderError::Status(response.status()));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if !kind.starts_with("text/event-stream") {
            return Err(ProviderError::Reply("it is not an event stream"));
        }
        let mut room = REPLY_BYTES_MAX;
        let bytes = response.bytes_stream().map(move |chunk| {
            let chunk = chunk.map_err(|err| ProviderError::Connection(err.without_url()))?;
            room = room.checked_sub(chunk.len()).ok_or(ProviderError::Reply("it is too long"))?;
            Ok::<_, ProviderError>(chunk)
        });
        let events = bytes.eventsource().map(|event| match event {
            Ok(event) => Ok(event.data),
            Err(eventsource_stream::EventStreamError::Transport(err)) => Err(err),
            Err(eventsource_stream::EventStreamError::Utf8(_)) => Err(ProviderError::Reply("it is not UTF-8")),
            Err(eventsource_stream::EventStreamError::Parser(_)) => {
                Err(ProviderError::Reply("it is not an event stream"))
            }
        });
        Ok(events.boxed())
    }
}

type EventStream = BoxStream<'static, Result<String, ProviderError>>;

/// A reply as it is written.
pub struct ReplyStream {
    events: EventStream,
    /// Until the first words have come.
    first: Option<Instant>,
    total: Instant,
    /// The model has said why it stopped.
    finished: bool,
}

impl fmt::Debug for ReplyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").field("finished", &self.finished).finish_non_exhaustive()
    }
}

impl ReplyStream {
    /// The next words; `None` at the end of the reply.
    ///
    /// # Errors
    /// When the reply is late, cut off or not understood. Nothing follows an error.
    pub async fn next(&mut self) -> Result<Option<String>, ProviderError> {
        loop {
            let deadline = self.first.unwrap_or(self.total).min(self.total);
            let late = if self.first.is_some() { ProviderError::FirstToken } else { ProviderError::Total };
            let event = timeout_at(deadline, self.events.next()).await.map_err(|_| late)?;
            let data = match event {
                Some(data) => data?,
                None if self.finished => return Ok(None),
                None => return Err(ProviderError::Reply("it ends in the middle")),
            };
            if data.trim() == "[DONE]" {
                return Ok(None);
            }
            let chunk: Chunk =
                serde_json::from_str(&data).map_err(|_| ProviderError::Reply("an event is not a chunk"))?;
            if chunk.error.is_some() {
                return Err(ProviderError::Reply("it holds an error"));
            }
            // Chunks without a choice carry statistics.
            let Some(choice) = chunk.choices.into_iter().next() else { continue };
            self.finished |= choice.finish_reason.is_some();
            if let Some(words) = choice.delta.content.filter(|words| !words.is_empty()) {
                self.first = None;
                return Ok(Some(words));
            }
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    temperature: f32,
    max_tokens: u32,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> Body<'a> {
    fn new(config: &'a OpenAiConfig, request: &'a ModelRequest) -> Self {
        let system = Message { role: "system", content: &request.system };
        let history = request
            .history
            .iter()
            .map(|line| Message { role: if line.by_caller { "user" } else { "assistant" }, content: &line.text });
        Self {
            model: &config.model,
            messages: std::iter::once(system).chain(history).collect(),
            stream: true,
            temperature: config.temperature,
            max_tokens: config.tokens_max,
        }
    }
}

/// One event of the stream, with no more of it required than is used: "compatible" servers leave much out.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
}
