use std::{fmt, time::Duration};

use eventsource_stream::Eventsource as _;
use futures::{StreamExt as _, stream::BoxStream};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};

use super::{OpenAiConfig, budget, thinking::ThinkingFilter};
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
    #[error("the provider answered {status}")]
    Status {
        /// The status.
        status: StatusCode,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// No words came in time.
    #[error("the provider said nothing in time")]
    FirstToken,
    /// The reply did not go on, or was not complete, in time.
    #[error("the provider did not finish in time")]
    Total,
    /// The reply is not what the API promises.
    #[error("the provider's reply is not understood: {0}")]
    Reply(&'static str),
    /// The conversation has used up its tokens.
    #[error("the conversation has used up its tokens")]
    Budget,
    /// Every provider is being left alone after failures.
    #[error("every provider is being left alone after failures")]
    Resting,
}

impl ProviderError {
    /// A short name for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "configuration",
            Self::Connection(_) => "connection",
            Self::Status { .. } => "status",
            Self::FirstToken => "first-token",
            Self::Total => "total",
            Self::Reply(_) => "reply",
            Self::Budget => "budget",
            Self::Resting => "resting",
        }
    }

    /// How long to wait before the same request may be tried again; `None` when that would not help.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { status, retry_after } => {
                let is_passing = *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
                is_passing.then(|| retry_after.unwrap_or(RETRY_WAIT))
            }
            Self::Connection(_) => Some(RETRY_WAIT),
            Self::Configuration(_) | Self::FirstToken | Self::Total | Self::Reply(_) | Self::Budget | Self::Resting => {
                None
            }
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

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.config.model
    }

    /// How long the first words may take.
    pub(super) fn first_token_timeout(&self) -> Duration {
        self.config.first_token_timeout
    }

    /// Asks for a reply once, and waits until `deadline` for its first words.
    pub(super) async fn begin(&self, request: &ModelRequest, deadline: Instant) -> Result<ReplyStream, ProviderError> {
        let begun = Instant::now();
        let total = begun.checked_add(self.config.total_timeout).unwrap_or(begun);
        let opened = timeout_at(deadline, self.open(request)).await;
        let events = opened.map_err(|_| ProviderError::FirstToken)??;
        let mut stream = ReplyStream {
            events,
            total,
            patience: self.config.next_token_timeout,
            thinking: ThinkingFilter::default(),
            finished: false,
            first: None,
            usage: Usage { model: self.config.model.clone(), ..Usage::default() },
        };
        stream.usage.tokens_in = u32::try_from(self.context_tokens(request)).unwrap_or(u32::MAX);
        let first = timeout_at(deadline, stream.read()).await.map_err(|_| ProviderError::FirstToken)??;
        stream.usage.first_token = begun.elapsed();
        stream.first = Some(first);
        Ok(stream)
    }

    fn context_tokens(&self, request: &ModelRequest) -> usize {
        let history = budget::fitting(&request.system, &request.history, self.config.context_tokens_max);
        budget::request_tokens(&request.system, history)
    }

    async fn open(&self, request: &ModelRequest) -> Result<EventStream, ProviderError> {
        let body = body(&self.config, request);
        let mut post = self.http.post(self.url.clone()).json(&body);
        if let Some(key) = &self.config.key {
            post = post.bearer_auth(key.reveal());
        }
        // The address may hold a secret: errors go without it.
        let response = post.send().await.map_err(|err| ProviderError::Connection(err.without_url()))?;
        if response.status() != StatusCode::OK {
            let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
            return Err(ProviderError::Status {
                status: response.status(),
                retry_after: wait.map(Duration::from_secs),
            });
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

/// What a reply cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// The model that wrote it.
    pub model: String,
    /// From the request to the first words.
    pub first_token: Duration,
    /// Tokens that were read: as the server says, or else as estimated.
    pub tokens_in: u32,
    /// Tokens that were written: as the server says, or else as estimated.
    pub tokens_out: u32,
}

/// A reply as it is written.
pub struct ReplyStream {
    events: EventStream,
    /// The first words, or an end without any; taken by the first [`Self::next`].
    first: Option<Option<String>>,
    total: Instant,
    /// Between two pieces.
    patience: Duration,
    thinking: ThinkingFilter,
    /// The model has said why it stopped.
    finished: bool,
    usage: Usage,
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
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let now = Instant::now();
        let next = now.checked_add(self.patience).unwrap_or(now);
        timeout_at(next.min(self.total), self.read()).await.map_err(|_| ProviderError::Total)?
    }

    /// What the reply has cost so far.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    async fn read(&mut self) -> Result<Option<String>, ProviderError> {
        loop {
            let data = match self.events.next().await {
                Some(data) => data?,
                None if self.finished => return Ok(self.last()),
                None => return Err(ProviderError::Reply("it ends in the middle")),
            };
            if data.trim() == "[DONE]" {
                self.finished = true;
                return Ok(self.last());
            }
            let chunk: Chunk =
                serde_json::from_str(&data).map_err(|_| ProviderError::Reply("an event is not a chunk"))?;
            if chunk.error.is_some() {
                return Err(ProviderError::Reply("it holds an error"));
            }
            if let Some(usage) = chunk.usage {
                self.usage.tokens_in = usage.prompt_tokens;
                self.usage.tokens_out = usage.completion_tokens;
            }
            // Chunks without a choice carry statistics.
            let Some(choice) = chunk.choices.into_iter().next() else { continue };
            self.finished |= choice.finish_reason.is_some();
            let words = choice.delta.content.unwrap_or_default();
            if chunk.usage.is_none() {
                let written = u32::try_from(budget::tokens(&words)).unwrap_or(u32::MAX);
                self.usage.tokens_out = self.usage.tokens_out.saturating_add(written);
            }
            let words = self.thinking.push(&words);
            if !words.is_empty() {
                return Ok(Some(words));
            }
        }
    }

    /// What was held back at the end.
    fn last(&mut self) -> Option<String> {
        Some(self.thinking.finish()).filter(|words| !words.is_empty())
    }
}

fn body(config: &OpenAiConfig, request: &ModelRequest) -> Map<String, Value> {
    let history = budget::fitting(&request.system, &request.history, config.context_tokens_max);
    let lines = history.iter().map(|line| {
        let role = if line.by_caller { "user" } else { "assistant" };
        json!({"role": role, "content": line.text})
    });
    let messages: Vec<Value> =
        std::iter::once(json!({"role": "system", "content": request.system})).chain(lines).collect();
    // An f32 as it was written, and not as the nearest f64.
    let temperature: f64 = config.temperature.to_string().parse().unwrap_or(0.3);
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(config.model));
    body.insert("messages".to_owned(), Value::Array(messages));
    body.insert("stream".to_owned(), json!(true));
    body.insert("temperature".to_owned(), json!(temperature));
    body.insert("max_tokens".to_owned(), json!(config.tokens_max));
    config.preset.shape(&mut body);
    body
}

/// One event of the stream, with no more of it required than is used: "compatible" servers leave much out.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    usage: Option<ChunkUsage>,
}

#[derive(Clone, Copy, Deserialize)]
struct ChunkUsage {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
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
