//! The one place where the server reads the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, tz::TimeZone};
use speech::Calendar;

/// Now, on the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "the shells' one clock; cores are told the time from here")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Now, since 1970.
#[expect(clippy::disallowed_methods, reason = "the shells' one clock")]
pub(crate) fn unix_now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// From the epoch of NTP, 1900, to that of Unix, 1970, in seconds.
const NTP_TO_UNIX_SECONDS: u64 = 2_208_988_800;

/// Now as 64-bit NTP time: seconds since 1900 and 32 binary places (RFC 3550, section 4).
#[expect(clippy::disallowed_methods, reason = "the shells' one clock")]
pub(crate) fn ntp_now() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since_1970.as_secs().wrapping_add(NTP_TO_UNIX_SECONDS);
    let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
    (seconds << 32) | fraction
}

/// A calendar that knows which day it is in `zone`.
pub(crate) fn calendar(zone: &TimeZone) -> Calendar {
    Calendar::new(now(), Timestamp::now().to_zoned(zone.clone()).datetime())
}
