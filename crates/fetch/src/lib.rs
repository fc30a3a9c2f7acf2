//! Documents by URI: `http`, `https` and `file`, for whoever is sent references by somebody else.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use fetch::{FetchConfig, Fetcher, Request};
//!
//! let fetcher = Fetcher::new(FetchConfig::default())?;   // one for the server: connections and cache
//! let session = fetcher.session();                       // one for each session: cookies, fair share
//! let answer = session.fetch(Request::new("https://example.com/menu.grxml", "grammar")).await;
//! let document = answer.outcome?;
//! # Ok(()) }
//! ```
//!
//! References come from clients, so none is trusted: the scheme has to be one that is served, a host may not lie in a
//! private network unless the configuration says so (asked after name resolution, with the connection going to the very
//! address that was asked about, and again after each redirect), a file has to lie below the configured folder, and size,
//! time, redirects and fetches at a time are bounded. A document is cached by the rules of HTTP (RFC 9111).

mod cache;
mod clock;
mod config;
mod cookies;
mod error;
mod fetcher;
mod file;
mod guard;
mod post;
mod store;
mod web;

pub use config::{FetchConfig, Network, NetworkError};
pub use error::{FetchError, SetupError};
pub use fetcher::{Answer, Document, Fetcher, Request, SessionFetcher};
pub use post::Post;
pub use store::Upload;
