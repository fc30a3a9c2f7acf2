//! Fetching for many sessions: shared connections and cache, own cookies and shares.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue};
use metrics::{counter, gauge, histogram};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::cache::{Cache, Lookup};
use crate::config::FetchConfig;
use crate::cookies::Cookies;
use crate::error::{FetchError, SetupError};
use crate::guard::Guard;
use crate::{clock, file, web};

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it was found after redirects, without fragment: what relative URIs in it are relative to.
    pub location: String,
    /// Its media type, where the origin or the file's name tells.
    pub content_type: Option<String>,
    /// What it says, without content coding.
    pub content: Bytes,
}

/// What to fetch.
#[derive(Debug, Clone)]
pub struct Request {
    /// An absolute URI.
    pub uri: String,
    /// What it is for: a label in metrics and logs.
    pub purpose: &'static str,
    /// The media types that are wanted, for Accept.
    pub accept: &'static str,
    /// How long the asker wants to wait, within the configuration's limit.
    pub timeout: Option<Duration>,
    /// Directives for the cache, in the form of the request header Cache-Control; perhaps empty.
    pub cache_control: String,
}

impl Request {
    /// A request without wishes.
    pub fn new(uri: impl Into<String>, purpose: &'static str) -> Self {
        Self { uri: uri.into(), purpose, accept: "*/*", timeout: None, cache_control: String::new() }
    }
}

/// What came of a request.
#[derive(Debug)]
pub struct Answer {
    /// The document, or why there is none.
    pub outcome: Result<Document, FetchError>,
    /// Cookies that origins set on the way, each with Domain and Path, as values of Set-Cookie.
    pub set_cookies: Vec<String>,
}

/// What all sessions share.
#[derive(Debug, Clone)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: FetchConfig,
    /// Without symbolic links.
    file_root: Option<PathBuf>,
    guard: Guard,
    client: reqwest::Client,
    cache: Mutex<Cache>,
    places: Semaphore,
}

/// Fetches for one session; dropped with it, and its cookies too.
#[derive(Debug, Clone)]
pub struct SessionFetcher {
    shared: Arc<Shared>,
    own: Arc<Own>,
}

#[derive(Debug)]
struct Own {
    cookies: Mutex<Cookies>,
    places: Semaphore,
}

impl Fetcher {
    /// Nothing is fetched yet.
    ///
    /// # Errors
    /// When a file or folder of the configuration cannot be used, or the program has installed no crypto provider.
    pub fn new(config: FetchConfig) -> Result<Self, SetupError> {
        let file_root = match &config.file_root {
            None => None,
            Some(path) => {
                let root = std::fs::canonicalize(path)
                    .map_err(|source| SetupError::FileRoot { path: path.clone(), source })?;
                Some(root)
            }
        };
        let guard = Guard::new(&config.allowed_networks);
        let client = web::client(&config, guard.clone())?;
        let cache = Mutex::new(Cache::new(config.cache_bytes_max));
        let places = Semaphore::new(config.concurrent_max);
        Ok(Self { shared: Arc::new(Shared { config, file_root, guard, client, cache, places }) })
    }

    /// For a new session.
    pub fn session(&self) -> SessionFetcher {
        let own = Own {
            cookies: Mutex::new(Cookies::default()),
            places: Semaphore::new(self.shared.config.concurrent_per_session_max),
        };
        SessionFetcher { shared: Arc::clone(&self.shared), own: Arc::new(own) }
    }
}

impl SessionFetcher {
    /// Takes over cookies of the client: values of Set-Cookie. `origin` stands in for a missing Domain or Path.
    pub fn store_cookies(&self, set_cookies: &[String], origin: Option<&str>) {
        let origin = origin.and_then(|origin| Url::parse(origin).ok()).filter(Url::has_host);
        for cookie in set_cookies {
            let taken = self.cookies().take_from_client(cookie, origin.as_ref(), self.shared.config.cookies_max);
            counter!("fetch_cookies_total", "taken" => if taken { "yes" } else { "no" }).increment(1);
        }
    }

    /// Fetches. Dropping the future ends the fetch.
    pub async fn fetch(&self, request: Request) -> Answer {
        let began = clock::now();
        let config = &self.shared.config;
        let timeout = request.timeout.unwrap_or(config.timeout).min(config.timeout_max);
        let mut set_cookies = Vec::new();
        let outcome = match tokio::time::timeout(timeout, self.fetch_in_time(&request, &mut set_cookies)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Timeout(timeout)),
        };
        let took = clock::now().saturating_duration_since(began);
        let label = outcome.as_ref().map_or_else(FetchError::label, |_| "success");
        counter!("fetches_total", "purpose" => request.purpose, "outcome" => label).increment(1);
        histogram!("fetch_seconds", "purpose" => request.purpose).record(took.as_secs_f64());
        log(&request, &outcome, took);
        Answer { outcome, set_cookies }
    }

    async fn fetch_in_time(&self, request: &Request, told: &mut Vec<String>) -> Result<Document, FetchError> {
        let mut url = Url::parse(request.uri.trim()).map_err(|_| FetchError::NotAUri)?;
        url.set_fragment(None);
        // Closed semaphores would be a place that is free for ever; they are never closed.
        let _own_place = self.own.places.acquire().await;
        let _place = self.shared.places.acquire().await;
        for _ in 0..=self.shared.config.redirects_max {
            match url.scheme() {
                "https" => {}
                "http" if self.shared.config.plain_http => {}
                "file" => {
                    let root = self.shared.file_root.as_deref();
                    let root = root.ok_or_else(|| FetchError::Scheme("file".to_owned()))?;
                    return file::read(root, &url, self.shared.config.document_bytes_max).await;
                }
                other => return Err(FetchError::Scheme(other.to_owned())),
            }
            self.shared.guard.check(&url)?;
            match self.hop(request, &url, told).await? {
                Hop::Found(document) => return Ok(document),
                // A server may not send us to our own files.
                Hop::Redirect(to) if to.scheme() == "file" => return Err(FetchError::Scheme("file".to_owned())),
                Hop::Redirect(mut to) => {
                    to.set_fragment(None);
                    url = to;
                }
            }
        }
        Err(FetchError::Redirects)
    }

    /// One step: from the cache, or from the origin.
    async fn hop(&self, request: &Request, url: &Url, told: &mut Vec<String>) -> Result<Hop, FetchError> {
        let key = url.as_str();
        let cookie = self.cookies().for_request(url);
        let asked = cache_request(request, key)?;
        // What is fetched with cookies is for their owner alone.
        let is_shared = cookie.is_none();
        let lookup = if is_shared { self.cache().lookup(key, &asked, clock::wall()) } else { Lookup::Absent };
        let headers = match lookup {
            Lookup::Fresh(document) => {
                counter!("fetch_cache_total", "result" => "hit").increment(1);
                return Ok(Hop::Found(document));
            }
            Lookup::Stale(headers) => headers,
            Lookup::Absent => asked.headers().clone(),
        };
        let response = self.ask(url, headers, cookie.as_deref(), told).await?;
        let (head, content) = match response {
            web::Response::Redirect { to } => return Ok(Hop::Redirect(to)),
            web::Response::Document { head, content } => (head, content),
            web::Response::NotModified { head } => {
                let unchanged = self.cache().not_modified(key, &asked, &head, clock::wall());
                if let Some(document) = unchanged {
                    counter!("fetch_cache_total", "result" => "revalidated").increment(1);
                    return Ok(Hop::Found(document));
                }
                // It left the cache meanwhile, or the origin speaks of something else: once more, without conditions.
                match self.ask(url, asked.headers().clone(), cookie.as_deref(), told).await? {
                    web::Response::Redirect { to } => return Ok(Hop::Redirect(to)),
                    web::Response::Document { head, content } => (head, content),
                    web::Response::NotModified { .. } => return Err(FetchError::Status(304)),
                }
            }
        };
        counter!("fetch_cache_total", "result" => "miss").increment(1);
        let document = Document { location: key.to_owned(), content_type: web::content_type(&head), content };
        if is_shared && !head.headers().contains_key(http::header::SET_COOKIE) {
            let mut cache = self.cache();
            cache.store(key, &asked, &head, &document, clock::wall());
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            gauge!("fetch_cache_bytes").set(cache.bytes() as f64);
        }
        Ok(Hop::Found(document))
    }

    async fn ask(
        &self,
        url: &Url,
        headers: HeaderMap,
        cookie: Option<&str>,
        told: &mut Vec<String>,
    ) -> Result<web::Response, FetchError> {
        let mut set_cookies = Vec::new();
        let config = &self.shared.config;
        let response =
            web::ask(&self.shared.client, url, headers, cookie, config.document_bytes_max, &mut set_cookies).await;
        let mut cookies = self.cookies();
        told.extend(set_cookies.iter().filter_map(|cookie| cookies.take_from_origin(cookie, url, config.cookies_max)));
        response
    }

    /// A place among the fetches of all sessions and of this one.
    pub(crate) async fn places(&self) -> (SemaphorePermit<'_>, SemaphorePermit<'_>) {
        // In this order everywhere, so that nobody who waits for a place of his own holds one of all.
        let own = self.own.places.acquire().await;
        let shared = self.shared.places.acquire().await;
        match (own, shared) {
            (Ok(own), Ok(shared)) => (own, shared),
            // Closed semaphores would be a place that is free for ever; they are never closed.
            (_, _) => std::future::pending().await,
        }
    }

    pub(crate) fn config(&self) -> &FetchConfig {
        &self.shared.config
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.shared.guard
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.shared.client
    }

    pub(crate) fn cookie_for(&self, url: &Url) -> Option<String> {
        self.cookies().for_request(url)
    }

    fn cookies(&self) -> MutexGuard<'_, Cookies> {
        self.own.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.shared.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one step led.
enum Hop {
    Found(Document),
    Redirect(Url),
}

/// The request as the cache has to see it.
fn cache_request(request: &Request, uri: &str) -> Result<http::Request<()>, FetchError> {
    let mut asked = http::Request::new(());
    *asked.uri_mut() = uri.parse().map_err(|_| FetchError::NotAUri)?;
    asked.headers_mut().insert(ACCEPT, HeaderValue::from_static(request.accept));
    if let Ok(directives) = HeaderValue::from_str(&request.cache_control)
        && !request.cache_control.is_empty()
    {
        asked.headers_mut().insert(CACHE_CONTROL, directives);
    }
    Ok(asked)
}

/// One line for each fetch: the place without user, password, query and fragment, which may be secrets.
fn log(request: &Request, outcome: &Result<Document, FetchError>, took: Duration) {
    let place = Url::parse(request.uri.trim()).map_or_else(
        |_| String::new(),
        |url| format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path()),
    );
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(document) => {
            let bytes = document.content.len();
            tracing::debug!(purpose = request.purpose, place, bytes, ms, "fetched");
        }
        Err(error) => tracing::info!(purpose = request.purpose, place, ms, error = %error, "not fetched"),
    }
}
