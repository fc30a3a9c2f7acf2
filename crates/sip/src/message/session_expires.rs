//! Session-Expires and Min-SE (RFC 4028).

use std::fmt;

use super::grammar::{number, whole};
use super::params::Params;

/// Which side of the transaction refreshes the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The sender of the request.
    Uac,
    /// The sender of the response.
    Uas,
}

/// The value of Session-Expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionExpires {
    /// Seconds until the session ends unless it is refreshed.
    pub seconds: u32,
    /// Who refreshes, if it is said.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Reads a value that is all of `text`.
    pub fn parse(text: &str) -> Option<Self> {
        let (seconds, params) = whole((number, Params::parse_generic), text)?;
        let refresher = match params.value("refresher") {
            Some(role) if role.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(role) if role.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            Some(_) => return None,
            None => None,
        };
        Some(Self { seconds, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seconds.fmt(f)?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

/// Reads the value of Min-SE, in seconds.
pub(crate) fn min_se(text: &str) -> Option<u32> {
    whole((number, Params::parse_generic), text).map(|(seconds, _)| seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refresher_is_read_and_printed() {
        for text in ["600", "120;refresher=uac", "90;refresher=uas"] {
            assert_eq!(SessionExpires::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(SessionExpires::parse("x"), None);
        assert_eq!(SessionExpires::parse("90;refresher=us"), None);
        assert_eq!(SessionExpires::parse("99999999999"), None);
        assert_eq!(min_se("120;x"), Some(120));
    }
}
