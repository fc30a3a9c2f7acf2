//! From headers to the parameters of a request (RFC 6787 §8.4).

use super::config::SynthesizerDefaults;
use super::output::{FetchHint, Prosody, SpeakParams, Voice};
use crate::fetch_params::fetch_params;
use crate::params::Effective;
use crate::{Entity, HeaderName as H};

/// What to speak and how.
pub(super) fn speak_params(content: Entity, effective: Effective<'_>, defaults: &SynthesizerDefaults) -> SpeakParams {
    SpeakParams {
        content,
        fetch: fetch_params(effective),
        fetch_hint: fetch_hint(effective, H::FetchHint),
        audio_fetch_hint: fetch_hint(effective, H::AudioFetchHint),
        kill_on_barge_in: effective.boolean(H::KillOnBargeIn, defaults.kill_on_barge_in),
        speech_language: effective.text(H::SpeechLanguage),
        voice: Voice {
            name: effective.text(H::VoiceName),
            gender: effective.text(H::VoiceGender),
            age: effective.integer(H::VoiceAge),
            variant: effective.integer(H::VoiceVariant),
        },
        prosody: Prosody {
            pitch: effective.text(H::ProsodyPitch),
            contour: effective.text(H::ProsodyContour),
            range: effective.text(H::ProsodyRange),
            rate: effective.text(H::ProsodyRate),
            duration: effective.text(H::ProsodyDuration),
            volume: effective.text(H::ProsodyVolume),
        },
        logging_tag: effective.text(H::LoggingTag),
        vendor: effective.vendor(),
    }
}

fn fetch_hint(effective: Effective<'_>, name: H) -> FetchHint {
    match effective.text(name) {
        Some(hint) if hint.eq_ignore_ascii_case("safe") => FetchHint::Safe,
        _ => FetchHint::Prefetch,
    }
}
