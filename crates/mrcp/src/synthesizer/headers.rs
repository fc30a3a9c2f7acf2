//! Which headers a synthesizer's methods have (RFC 6787 §8.4), and the parameters made of them.

use super::config::SynthesizerDefaults;
use super::output::{Prosody, SpeakParams, Voice};
use crate::params::Effective;
use crate::{HeaderName as H, Request};

/// What SET-PARAMS and GET-PARAMS know.
pub(super) const PARAMETERS: [H; 16] = [
    H::KillOnBargeIn,
    H::SpeakerProfile,
    H::VoiceGender,
    H::VoiceAge,
    H::VoiceVariant,
    H::VoiceName,
    H::ProsodyPitch,
    H::ProsodyContour,
    H::ProsodyRange,
    H::ProsodyRate,
    H::ProsodyDuration,
    H::ProsodyVolume,
    H::SpeechLanguage,
    H::FetchHint,
    H::AudioFetchHint,
    H::LexiconSearchOrder,
];

/// What SPEAK has. Of `Jump-Size` and `Speak-Length`, see the machine.
pub(super) const OF_SPEAK: [H; 18] = [
    H::KillOnBargeIn,
    H::SpeakerProfile,
    H::VoiceGender,
    H::VoiceAge,
    H::VoiceVariant,
    H::VoiceName,
    H::ProsodyPitch,
    H::ProsodyContour,
    H::ProsodyRange,
    H::ProsodyRate,
    H::ProsodyDuration,
    H::ProsodyVolume,
    H::SpeechLanguage,
    H::FetchHint,
    H::AudioFetchHint,
    H::LexiconSearchOrder,
    H::JumpSize,
    H::SpeakLength,
];

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
