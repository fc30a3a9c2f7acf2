//! What a synthesizer is told at construction.

use std::time::{Duration, Instant};

use crate::HeaderName;
use crate::IgnoredHeaders;

/// Settings of every synthesizer.
#[derive(Debug, Clone, PartialEq)]
pub struct SynthesizerConfig {
    /// Least time between `200 IN-PROGRESS` and SPEAK-COMPLETE. Stock clients lose the event or hang when it comes within
    /// 5 ms of the response.
    pub completion_gap: Duration,
    /// Time between the last packet and SPEAK-COMPLETE: a stock client drops the audio that is still under way when the
    /// event comes. Not waited for when another SPEAK follows at once.
    pub completion_tail: Duration,
    /// How long markup may take to be prepared before the request fails with `error`.
    pub prepare_timeout: Duration,
    /// Most SPEAK requests waiting behind the active one; another is answered 407.
    pub pending_max: usize,
    /// Most bytes that a compressed body may have once it is decoded.
    pub decoded_bytes_max: usize,
    /// Languages that `Speech-Language` may name in SET-PARAMS, as tags or primary subtags; empty: any.
    pub languages: Vec<String>,
    /// What a request with headers that do not apply to it is answered.
    pub ignored_headers: IgnoredHeaders,
    /// Voices that `Voice-Name` may name; empty: any. `default` may always be said.
    pub voices: Vec<String>,
    /// Whether a SPEAK that was PENDING tells its start by a SPEECH-MARKER without a name, as §8.13 demands. Stock clients take any
    /// SPEECH-MARKER that they did not ask for as an end.
    pub start_markers: bool,
    /// When set, responses and events carry `Speech-Marker` with a timestamp (§8.4.8).
    pub ntp: Option<NtpAnchor>,
    /// Values for what neither the request nor SET-PARAMS says.
    pub defaults: SynthesizerDefaults,
}

/// Ties the machine's time to the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NtpAnchor {
    /// An instant.
    pub at: Instant,
    /// The same as 64-bit NTP time: seconds since 1900 and a binary fraction.
    pub ntp: u64,
}

impl NtpAnchor {
    /// The NTP time of an instant.
    pub fn ntp_at(&self, instant: Instant) -> u64 {
        let fraction = |duration: Duration| {
            let seconds = duration.as_secs().wrapping_shl(32);
            seconds.wrapping_add((u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000)
        };
        match instant.checked_duration_since(self.at) {
            Some(after) => self.ntp.wrapping_add(fraction(after)),
            None => self.ntp.wrapping_sub(fraction(self.at.saturating_duration_since(instant))),
        }
    }
}

/// Values for what neither the request nor SET-PARAMS says (RFC 6787 §8.4).
#[derive(Debug, Clone, PartialEq)]
pub struct SynthesizerDefaults {
    /// `Kill-On-Barge-In`.
    pub kill_on_barge_in: bool,
    /// `Speech-Language`.
    pub speech_language: Option<String>,
    /// `Voice-Name`.
    pub voice_name: Option<String>,
}

impl Default for SynthesizerConfig {
    fn default() -> Self {
        Self {
            completion_gap: Duration::from_millis(20),
            completion_tail: Duration::from_millis(200),
            prepare_timeout: Duration::from_secs(10),
            pending_max: 16,
            decoded_bytes_max: 4 << 20,
            languages: Vec::new(),
            ignored_headers: IgnoredHeaders::Success,
            voices: Vec::new(),
            start_markers: true,
            ntp: None,
            defaults: SynthesizerDefaults::default(),
        }
    }
}

impl Default for SynthesizerDefaults {
    fn default() -> Self {
        Self { kill_on_barge_in: true, speech_language: None, voice_name: None }
    }
}

impl SynthesizerDefaults {
    /// The parameters as GET-PARAMS shows them.
    pub(super) fn as_headers(&self) -> Vec<(HeaderName, String)> {
        let mut headers = vec![(HeaderName::KillOnBargeIn, self.kill_on_barge_in.to_string())];
        headers.extend(self.speech_language.clone().map(|language| (HeaderName::SpeechLanguage, language)));
        headers.extend(self.voice_name.clone().map(|name| (HeaderName::VoiceName, name)));
        headers
    }
}
