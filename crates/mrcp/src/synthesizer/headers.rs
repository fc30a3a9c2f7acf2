//! From headers to the parameters of a request (RFC 6787 §8.4).

use super::config::SynthesizerDefaults;
use super::output::{Prosody, SpeakParams, Voice};
use crate::params::Effective;
use crate::{HeaderName as H, Request};

/// What to speak and how. `content_type` is the request's.
pub(super) fn speak_params(
    request: &Request,
    content_type: &str,
    effective: Effective<'_>,
    defaults: &SynthesizerDefaults,
) -> SpeakParams {
    SpeakParams {
        content_type: content_type.to_owned(),
        body: request.body.clone(),
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
