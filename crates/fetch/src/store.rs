//! Storing what a client wants to have elsewhere: the other direction, by the same rules.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderValue};
use metrics::counter;
use url::Url;

use crate::error::FetchError;
use crate::fetcher::SessionFetcher;
use crate::web;

/// What to store.
#[derive(Debug)]
pub struct Upload {
    /// An absolute `http` or `https` URI.
    pub uri: String,
    /// Its media type.
    pub content_type: String,
    /// The content, from where the file stands; sent as it is read.
    pub content: tokio::fs::File,
    /// How much of it there is.
    pub length: u64,
    /// How long the client wants to wait, within the configuration's limit.
    pub timeout: Option<Duration>,
}

impl SessionFetcher {
    /// Whether something may be stored under a URI, as far as can be said without asking anybody.
    ///
    /// # Errors
    /// Why not.
    pub fn may_store(&self, uri: &str) -> Result<(), FetchError> {
        self.store_url(uri).map(|_| ())
    }

    /// Stores by PUT. No redirect is followed: content is not sent where nobody asked for it.
    ///
    /// # Errors
    /// Why it is not stored, as far as we know.
    pub async fn store(&self, upload: Upload) -> Result<(), FetchError> {
        let timeout = upload.timeout.unwrap_or(self.config().timeout).min(self.config().timeout_max);
        let outcome = match tokio::time::timeout(timeout, self.store_in_time(upload)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Timeout(timeout)),
        };
        let label = outcome.as_ref().map_or_else(FetchError::label, |()| "success");
        counter!("fetches_total", "purpose" => "store", "outcome" => label).increment(1);
        outcome
    }

    async fn store_in_time(&self, upload: Upload) -> Result<(), FetchError> {
        let url = self.store_url(&upload.uri)?;
        let _places = self.places().await;
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_str(&upload.content_type).map_err(|_| FetchError::Malformed)?;
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CONTENT_LENGTH, upload.length.into());
        if let Some(cookie) = self.cookie_for(&url).and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
            headers.insert(COOKIE, cookie);
        }
        web::put(self.client(), url, headers, upload.content).await
    }

    pub(crate) fn store_url(&self, uri: &str) -> Result<Url, FetchError> {
        let mut url = Url::parse(uri.trim()).map_err(|_| FetchError::NotAUri)?;
        url.set_fragment(None);
        match url.scheme() {
            "https" => {}
            "http" if self.config().plain_http => {}
            other => return Err(FetchError::Scheme(other.to_owned())),
        }
        self.guard().check(&url)?;
        Ok(url)
    }
}
