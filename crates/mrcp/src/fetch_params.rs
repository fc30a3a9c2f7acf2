//! How the documents that a request refers to may be fetched (RFC 6787 §6.2.12, §6.2.13).

use std::time::Duration;

use crate::HeaderName;
use crate::params::Effective;

/// How the documents that a request refers to may be fetched: its own headers, else what SET-PARAMS said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchParams {
    /// `Fetch-Timeout`, for each document. The server has its own value where the client gives none, and a highest one.
    pub timeout: Option<Duration>,
    /// `Cache-Control`.
    pub cache_control: CacheControl,
}

/// `Cache-Control` (§6.2.13): what a client puts up with from a cache. The document's own rules come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// Content may be this old, in seconds.
    pub max_age: Option<u64>,
    /// Content may have expired.
    pub max_stale: Option<MaxStale>,
    /// Content must stay fresh for this long, in seconds.
    pub min_fresh: Option<u64>,
}

/// How long ago content may have expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxStale {
    /// Any time ago.
    Any,
    /// At most so many seconds ago.
    Seconds(u64),
}

impl CacheControl {
    /// Reads the header's value: directives of §6.2.13 separated by commas, perhaps none. `None` for anything else.
    pub fn parse(value: &str) -> Option<Self> {
        let mut parsed = Self::default();
        for directive in value.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            let (name, seconds) = match directive.split_once('=') {
                Some((name, seconds)) => (name.trim(), Some(delta_seconds(seconds.trim())?)),
                None => (directive, None),
            };
            match (name.to_ascii_lowercase().as_str(), seconds) {
                ("max-age", Some(seconds)) => parsed.max_age = Some(seconds),
                ("min-fresh", Some(seconds)) => parsed.min_fresh = Some(seconds),
                ("max-stale", Some(seconds)) => parsed.max_stale = Some(MaxStale::Seconds(seconds)),
                ("max-stale", None) => parsed.max_stale = Some(MaxStale::Any),
                _ => return None,
            }
        }
        Some(parsed)
    }
}

impl std::fmt::Display for CacheControl {
    /// The header's value, empty when nothing is asked.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let max_stale = self.max_stale.map(|stale| match stale {
            MaxStale::Any => "max-stale".to_owned(),
            MaxStale::Seconds(seconds) => format!("max-stale={seconds}"),
        });
        let directives = [
            self.max_age.map(|seconds| format!("max-age={seconds}")),
            max_stale,
            self.min_fresh.map(|seconds| format!("min-fresh={seconds}")),
        ];
        f.write_str(&directives.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// `delta-seconds`: 1–19 digits.
fn delta_seconds(text: &str) -> Option<u64> {
    let is_plain = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

/// What holds for one request, whose headers have been checked.
pub(crate) fn fetch_params(effective: Effective<'_>) -> FetchParams {
    FetchParams {
        timeout: effective.duration(HeaderName::FetchTimeout),
        cache_control: effective
            .text(HeaderName::CacheControl)
            .and_then(|value| CacheControl::parse(&value))
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ghf_021_the_directives_of_a_client_are_read() {
        let parsed = CacheControl::parse("max-age=60, Max-Stale , min-fresh=5").unwrap();
        assert_eq!(parsed, CacheControl { max_age: Some(60), max_stale: Some(MaxStale::Any), min_fresh: Some(5) });
        assert_eq!(CacheControl::parse("max-stale=7").unwrap().max_stale, Some(MaxStale::Seconds(7)));
        assert_eq!(CacheControl::parse(""), Some(CacheControl::default()));
    }

    #[test]
    fn what_is_no_directive_of_mrcp_is_not_read() {
        for wrong in ["no-cache", "max-age", "max-age=soon", "max-age=-1", "max-age=12345678901234567890", "min-fresh"]
        {
            assert_eq!(CacheControl::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn printed_directives_are_read_again(
            max_age in proptest::option::of(0_u64..1_000_000),
            stale in proptest::option::of(proptest::option::of(0_u64..1_000_000)),
            min_fresh in proptest::option::of(0_u64..1_000_000),
        ) {
            let max_stale = stale.map(|seconds| seconds.map_or(MaxStale::Any, MaxStale::Seconds));
            let control = CacheControl { max_age, max_stale, min_fresh };
            prop_assert_eq!(CacheControl::parse(&control.to_string()), Some(control));
        }
    }
}
