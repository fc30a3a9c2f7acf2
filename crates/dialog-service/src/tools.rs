use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::{
    config::ToolsConfig,
    flow::{ToolMethod, ToolRequest, ToolResult},
};

/// Why tools cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ToolClientError {
    /// A header's name or value cannot be sent.
    #[error("the header {0:?} cannot be sent")]
    Header(String),
    /// The HTTP client cannot be made.
    #[error("{0}")]
    Client(String),
}

/// Asks other programs what flows want to know from them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ToolClient {
    /// `None` where no host may be asked.
    http: Option<reqwest::Client>,
    hosts: Vec<String>,
    answer_bytes_max: usize,
}

impl ToolClient {
    pub(crate) fn new(config: ToolsConfig) -> Result<Self, ToolClientError> {
        let http = (!config.hosts.is_empty()).then(|| client(&config)).transpose()?;
        Ok(Self { http, hosts: config.hosts, answer_bytes_max: config.answer_bytes_max })
    }

    /// Uses a tool once. A failure has a reason without anything of the caller's in it.
    pub(crate) async fn call(&self, conversation: &str, request: &ToolRequest) -> (ToolResult, Duration) {
        let begun = Instant::now();
        let result = match timeout(request.timeout, self.ask(conversation, request)).await {
            Ok(Ok(answer)) => ToolResult::Answered(answer),
            Ok(Err(why)) => ToolResult::Failed(why),
            Err(_) => ToolResult::Failed("it did not answer in time".to_owned()),
        };
        let took = begun.elapsed();
        let outcome = match &result {
            ToolResult::Answered(_) => "done",
            ToolResult::Failed(why) => {
                tracing::warn!(tool = request.name, why, "a tool failed");
                "failed"
            }
        };
        metrics::counter!("dialog_tool_calls_total", "outcome" => outcome).increment(1);
        metrics::histogram!("dialog_tool_seconds").record(took.as_secs_f64());
        (result, took)
    }

    async fn ask(&self, conversation: &str, request: &ToolRequest) -> Result<Value, String> {
        let http = self.http.as_ref().ok_or("no host may be asked")?;
        let url = reqwest::Url::parse(&request.url).map_err(|_| "the address is none")?;
        if !self.allows(&url) {
            return Err("the host may not be asked".to_owned());
        }
        let asking = match request.method {
            ToolMethod::Get => http.get(url),
            ToolMethod::Delete => http.delete(url),
            ToolMethod::Post => http.post(url),
            ToolMethod::Put => http.put(url),
        };
        let asking = match request.method {
            ToolMethod::Get | ToolMethod::Delete => {
                let pairs = request.arguments.iter().filter(|(_, value)| !value.is_null());
                let pairs = pairs.map(|(name, value)| match value {
                    Value::String(text) => (name.clone(), text.clone()),
                    other => (name.clone(), other.to_string()),
                });
                // Put together by hand: the client's own encoder is a feature that nothing else needs.
                let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                if query.is_empty() { asking } else { with_query(asking, &query)? }
            }
            ToolMethod::Post | ToolMethod::Put => asking.json(&request.arguments),
        };
        let asking = match &request.idempotency {
            Some((header, value)) => asking.header(header, format!("{conversation}-{value}")),
            None => asking,
        };
        let response = asking.send().await.map_err(|_| "no connection, or it broke")?;
        if !response.status().is_success() {
            return Err(format!("it answered {}", response.status().as_u16()));
        }
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| "the answer was cut off")?;
            if body.len().saturating_add(chunk.len()) > self.answer_bytes_max {
                return Err("the answer is too long".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| "the answer is no JSON".to_owned())
    }

    fn allows(&self, url: &reqwest::Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let with_port = url.port().map(|port| format!("{host}:{port}"));
        let asked = with_port.as_deref().unwrap_or(host);
        matches!(url.scheme(), "http" | "https") && self.hosts.iter().any(|allowed| allowed == asked)
    }
}

/// The same request with a query.
fn with_query(asking: reqwest::RequestBuilder, query: &str) -> Result<reqwest::RequestBuilder, String> {
    let (client, request) = asking.build_split();
    let mut request = request.map_err(|_| "the request cannot be made")?;
    let own = request.url().query().map(|own| format!("{own}&{query}"));
    request.url_mut().set_query(Some(own.as_deref().unwrap_or(query)));
    Ok(reqwest::RequestBuilder::from_parts(client, request))
}

fn client(config: &ToolsConfig) -> Result<reqwest::Client, ToolClientError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The HTTP client would panic.
        return Err(ToolClientError::Client("no rustls crypto provider is installed".to_owned()));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        let wrong = || ToolClientError::Header(name.clone());
        let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
    }
    reqwest::Client::builder()
        .connect_timeout(config.connect_timeout)
        .default_headers(headers)
        // A redirect would leave the hosts that were allowed.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|err| ToolClientError::Client(err.to_string()))
}
