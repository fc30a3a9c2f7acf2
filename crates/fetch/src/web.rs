//! One request over `http` or `https`, and what its answer means.

use std::error::Error;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Client;
use url::Url;

use crate::config::FetchConfig;
use crate::error::{FetchError, SetupError};
use crate::guard::{AllRefused, Guard, NotResolved};

/// What an origin answered.
#[derive(Debug)]
pub(crate) enum Response {
    /// A document, with the head of the answer for the cache.
    Document { head: http::Response<()>, content: Bytes },
    /// What is in the cache is still right.
    NotModified { head: http::Response<()> },
    /// It is elsewhere.
    Redirect { to: Url },
}

/// The client of all fetches. It follows no redirect by itself: each is a reference by somebody else again.
pub(crate) fn client(config: &FetchConfig, guard: Guard) -> Result<Client, SetupError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The HTTP client would panic.
        return Err(SetupError::NoCryptoProvider);
    }
    let mut builder = Client::builder()
        .user_agent(&config.product)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(config.concurrent_per_session_max)
        .dns_resolver(guard);
    if let Some(path) = &config.ca_file {
        let ca = |source| SetupError::CaFile { path: path.clone(), source };
        let pem = std::fs::read(path).map_err(ca)?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(SetupError::Client)?;
        if certificates.is_empty() {
            return Err(SetupError::NoCertificate { path: path.clone() });
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(SetupError::Client)
}

/// Asks once. Cookies that the origin sets are appended to `set_cookies` as they are.
pub(crate) async fn ask(
    client: &Client,
    url: &Url,
    mut headers: HeaderMap,
    cookie: Option<&str>,
    bytes_max: usize,
    set_cookies: &mut Vec<String>,
) -> Result<Response, FetchError> {
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(cookie).ok()) {
        headers.insert(COOKIE, cookie);
    }
    let mut response = client.get(url.clone()).headers(headers).send().await.map_err(|error| failure(&error))?;
    let of_origin = response.headers().get_all(SET_COOKIE).iter();
    set_cookies.extend(of_origin.filter_map(|cookie| cookie.to_str().ok()).map(str::to_owned));
    let mut head = http::Response::new(());
    *head.status_mut() = response.status();
    *head.headers_mut() = response.headers().clone();
    match response.status() {
        StatusCode::OK => {
            let is_announced = |length: u64| usize::try_from(length).is_ok_and(|length| length > bytes_max);
            if response.content_length().is_some_and(is_announced) {
                return Err(FetchError::TooLarge(bytes_max));
            }
            let mut content = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
                if content.len() + chunk.len() > bytes_max {
                    return Err(FetchError::TooLarge(bytes_max));
                }
                content.extend_from_slice(&chunk);
            }
            Ok(Response::Document { head, content: content.freeze() })
        }
        StatusCode::NOT_MODIFIED => Ok(Response::NotModified { head }),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            let location = head.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            let to = location.and_then(|location| url.join(location).ok()).ok_or(FetchError::Redirects)?;
            Ok(Response::Redirect { to })
        }
        other => Err(FetchError::Status(other.as_u16())),
    }
}

/// Stores once.
pub(crate) async fn put(
    client: &Client,
    url: Url,
    headers: HeaderMap,
    content: tokio::fs::File,
) -> Result<(), FetchError> {
    let response = client.put(url).headers(headers).body(content).send().await.map_err(|error| failure(&error))?;
    if response.status().is_success() { Ok(()) } else { Err(FetchError::Status(response.status().as_u16())) }
}

/// Posts once.
pub(crate) async fn post(client: &Client, url: Url, headers: HeaderMap, content: Bytes) -> Result<(), FetchError> {
    let response = client.post(url).headers(headers).body(content).send().await.map_err(|error| failure(&error))?;
    if response.status().is_success() { Ok(()) } else { Err(FetchError::Status(response.status().as_u16())) }
}

/// The media type of an answer.
pub(crate) fn content_type(head: &http::Response<()>) -> Option<String> {
    head.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned)
}

fn failure(error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(now) = cause {
        if now.is::<AllRefused>() {
            return FetchError::PrivateAddress;
        }
        if now.is::<NotResolved>() {
            return FetchError::UnknownHost;
        }
        if now.is::<rustls::Error>() {
            return FetchError::Tls;
        }
        // What an I/O error wraps is not among its sources, only the source of that.
        let wrapped = now.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => now.source(),
        };
    }
    if error.is_connect() || error.is_timeout() { FetchError::Unreachable } else { FetchError::Malformed }
}
