//! Session timers (RFC 4028).

use std::time::{Duration, Instant};

use super::io::SessionTimerConfig;
use crate::{Refresher, Request, SessionExpires};

/// The smallest interval that the RFC allows, in seconds (RFC 4028, 5).
pub(super) const MIN_SE_S: u32 = 90;

/// Whether the session ends by itself, and who keeps it alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionTimer {
    /// The session does not expire.
    Off,
    /// We refresh it.
    Refreshing { interval_s: u32, refresh_at: Option<Instant>, expires_at: Instant },
    /// The peer refreshes it.
    Watching { expires_at: Instant },
}

/// What a UAS answers about session timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) expires: SessionExpires,
    /// The UAC knows session timers, so the response can say Require: timer.
    pub(super) is_known_to_peer: bool,
}

impl SessionTimer {
    /// Starts anew: from now, `expires.seconds` are left.
    pub(super) fn started(now: Instant, interval_s: u32, we_refresh: bool) -> Self {
        // The BYE leaves a third of the interval before the end, or 32 s if that is less (RFC 4028, 10).
        let margin = (interval_s / 3).min(32);
        let expires_at = now + Duration::from_secs(u64::from(interval_s - margin));
        if we_refresh {
            let refresh_at = Some(now + Duration::from_secs(u64::from(interval_s / 2)));
            Self::Refreshing { interval_s, refresh_at, expires_at }
        } else {
            Self::Watching { expires_at }
        }
    }

    /// When the session is over unless it is refreshed.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        match self {
            Self::Off => None,
            Self::Refreshing { expires_at, .. } | Self::Watching { expires_at } => Some(*expires_at),
        }
    }

    /// When a refresh of ours is due.
    pub(super) fn refresh_at(&self) -> Option<Instant> {
        match self {
            Self::Refreshing { refresh_at, .. } => *refresh_at,
            Self::Off | Self::Watching { .. } => None,
        }
    }

    /// The interval that our refresh proposes.
    pub(super) fn interval_s(&self) -> Option<u32> {
        match self {
            Self::Refreshing { interval_s, .. } => Some(*interval_s),
            Self::Off | Self::Watching { .. } => None,
        }
    }

    /// A refresh of ours is on its way.
    pub(super) fn refresh_sent(&mut self) {
        if let Self::Refreshing { refresh_at, .. } = self {
            *refresh_at = None;
        }
    }

    /// The refresh failed: another attempt half-way to the end, unless that is near.
    pub(super) fn refresh_failed(&mut self, now: Instant) {
        if let Self::Refreshing { refresh_at, expires_at, .. } = self {
            let left = expires_at.saturating_duration_since(now);
            *refresh_at = (left > Duration::from_secs(8)).then(|| now + left / 2);
        }
    }

    /// The peer wants at least `min_se_s` (422): the refresh is due again at once with that.
    pub(super) fn raise(&mut self, now: Instant, min_se_s: u32) {
        if let Self::Refreshing { interval_s, refresh_at, .. } = self {
            *interval_s = (*interval_s).max(min_se_s);
            *refresh_at = Some(now);
        }
    }
}

/// Decides as UAS about session timers (RFC 4028, 9): what the 2xx says, nothing if there is no timer.
///
/// # Errors
/// The interval that the peer asks for is too small: the Min-SE for the 422.
pub(super) fn agree(request: &Request, config: Option<SessionTimerConfig>) -> Result<Option<Agreed>, u32> {
    let requested = request.session_expires();
    let is_known_to_peer = request.supports("timer");
    let min_se_s = config.map_or(MIN_SE_S, |config| config.min_se_s.max(MIN_SE_S));
    let seconds = match (requested, config) {
        (Some(SessionExpires { seconds, .. }), _) if seconds < min_se_s && is_known_to_peer => return Err(min_se_s),
        (Some(SessionExpires { seconds, .. }), Some(config)) => seconds.min(config.expires_s),
        (Some(SessionExpires { seconds, .. }), None) => seconds,
        (None, Some(config)) => config.expires_s,
        (None, None) => return Ok(None),
    };
    let seconds = seconds.max(min_se_s).max(request.min_se().unwrap_or(0));
    let refresher = match requested.and_then(|requested| requested.refresher) {
        _ if !is_known_to_peer => Refresher::Uas,
        Some(refresher) => refresher,
        None => Refresher::Uac,
    };
    Ok(Some(Agreed { expires: SessionExpires { seconds, refresher: Some(refresher) }, is_known_to_peer }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Headers, Known, Method, NameAddr, Uri};

    fn agreed(fields: &[(Known, &str)]) -> Result<Option<String>, u32> {
        let uri = Uri::parse("sip:a").unwrap();
        let mut request = Request::options(uri.clone(), NameAddr::new(uri), "x".to_owned());
        request.method = Method::Invite;
        request.headers = Headers::new();
        fields.iter().for_each(|(name, value)| request.headers.push(*name, *value));
        let agreed = agree(&request, Some(SessionTimerConfig { expires_s: 600, min_se_s: 120 }))?;
        Ok(agreed.map(|agreed| format!("{} {}", agreed.expires, agreed.is_known_to_peer)))
    }

    #[test]
    fn a_client_that_knows_timers_refreshes() {
        assert_eq!(agreed(&[(Known::Supported, "timer, 100rel")]), Ok(Some("600;refresher=uac true".to_owned())));
    }

    #[test]
    fn a_client_that_does_not_know_timers_is_refreshed_by_us() {
        assert_eq!(agreed(&[]), Ok(Some("600;refresher=uas false".to_owned())));
    }

    #[test]
    fn the_client_may_choose_the_refresher_and_a_shorter_interval() {
        let fields = [(Known::Supported, "timer"), (Known::SessionExpires, "300;refresher=uas")];
        assert_eq!(agreed(&fields), Ok(Some("300;refresher=uas true".to_owned())));
    }

    #[test]
    fn an_interval_below_the_minimum_is_refused_with_the_minimum() {
        assert_eq!(agreed(&[(Known::Supported, "timer"), (Known::SessionExpires, "119")]), Err(120));
    }

    #[test]
    fn the_interval_is_not_shortened_below_the_clients_min_se() {
        let fields = [(Known::Supported, "timer"), (Known::SessionExpires, "1800"), (Known::MinSe, "900")];
        assert_eq!(agreed(&fields), Ok(Some("900;refresher=uac true".to_owned())));
    }
}
