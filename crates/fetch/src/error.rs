//! Why there is no document.

use std::path::PathBuf;

/// Why there is no document. Nothing here names more of the URI than its host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Not an absolute URI.
    #[error("it is not an absolute URI")]
    NotAUri,
    /// A scheme that is not served, or not by configuration.
    #[error("the scheme {0:?} is not served")]
    Scheme(String),
    /// The host is, or resolves to, an address that may not be reached.
    #[error("the host lies in a network that may not be reached")]
    PrivateAddress,
    /// A file outside of the folder that is served, or none that can be read.
    #[error("there is no such file in the folder that is served")]
    NoSuchFile,
    /// The name of the host is unknown.
    #[error("the name of the host cannot be resolved")]
    UnknownHost,
    /// No connection, or it broke off.
    #[error("the server cannot be reached")]
    Unreachable,
    /// The server's certificate is not trusted, or TLS failed otherwise.
    #[error("there is no secure connection to the server")]
    Tls,
    /// Anything else than 200.
    #[error("the server answered {0}")]
    Status(u16),
    /// Too many redirects, or one to nowhere.
    #[error("there are too many redirects, or one leads nowhere")]
    Redirects,
    /// Longer than allowed.
    #[error("the document is longer than {0} bytes")]
    TooLarge(usize),
    /// The answer is not HTTP, or its encoding is broken.
    #[error("the answer cannot be read")]
    Malformed,
    /// Time is up.
    #[error("it took longer than {} ms", .0.as_millis())]
    Timeout(std::time::Duration),
}

impl FetchError {
    /// For Failed-URI-Cause (RFC 6787 section 8.4.13): the status of HTTP, or one word.
    pub fn cause(&self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            other => other.label().to_owned(),
        }
    }

    /// Label in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotAUri => "not-a-uri",
            Self::Scheme(_) => "scheme",
            Self::PrivateAddress => "refused",
            Self::NoSuchFile => "no-such-file",
            Self::UnknownHost => "unknown-host",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Status(_) => "status",
            Self::Redirects => "redirects",
            Self::TooLarge(_) => "too-large",
            Self::Malformed => "malformed",
            Self::Timeout(_) => "timeout",
        }
    }
}

/// Why nothing can be fetched at all: the configuration is wrong.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The folder for `file:` URIs.
    #[error("the folder {} cannot be used", path.display())]
    FileRoot {
        /// As configured.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file with certificates.
    #[error("the certificates in {} cannot be read", path.display())]
    CaFile {
        /// As configured.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file has no certificate.
    #[error("there is no certificate in {}", path.display())]
    NoCertificate {
        /// As configured.
        path: PathBuf,
    },
    /// The HTTP client.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    /// The program has to install one first.
    #[error("no rustls crypto provider is installed")]
    NoCryptoProvider,
}
