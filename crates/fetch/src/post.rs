//! Telling somebody by POST: by the rules of fetches.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use metrics::counter;

use crate::error::FetchError;
use crate::fetcher::SessionFetcher;
use crate::web;

/// What to tell.
#[derive(Debug, Clone)]
pub struct Post {
    /// An absolute `http` or `https` URI.
    pub uri: String,
    /// Headers, `Content-Type` among them.
    pub headers: Vec<(&'static str, String)>,
    /// The content.
    pub content: Bytes,
    /// How long it may take, whatever the configuration says of fetches.
    pub timeout: Duration,
}

impl SessionFetcher {
    /// Posts. No redirect is followed: content is not sent where nobody asked for it. Any status of the 200s is a success.
    ///
    /// # Errors
    /// Why nobody was told, as far as we know.
    pub async fn post(&self, post: Post) -> Result<(), FetchError> {
        let timeout = post.timeout;
        let outcome = match tokio::time::timeout(timeout, self.post_in_time(post)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Timeout(timeout)),
        };
        let label = outcome.as_ref().map_or_else(FetchError::label, |()| "success");
        counter!("fetches_total", "purpose" => "post", "outcome" => label).increment(1);
        outcome
    }

    async fn post_in_time(&self, post: Post) -> Result<(), FetchError> {
        let url = self.store_url(&post.uri)?;
        let _places = self.places().await;
        let mut headers = HeaderMap::new();
        for (name, value) in post.headers {
            let value = HeaderValue::from_str(&value).map_err(|_| FetchError::Malformed)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        web::post(self.client(), url, headers, post.content).await
    }
}
