//! From headers to the parameters of a request (RFC 6787 §8.4).

use super::config::SynthesizerDefaults;
use super::output::{FetchHint, Prosody, SpeakParams, SpeechChange, Voice};
use super::speech_length::{JumpSize, LengthFault, SpeakLength};
use crate::fetch_params::fetch_params;
use crate::params::{Effective, HeaderFault};
use crate::{Entity, HeaderName as H, Headers, StatusCode};

/// What no voice here has: refused, since leaving it out would speak otherwise than asked.
const BEYOND_US: [H; 4] = [H::SpeakerProfile, H::ProsodyContour, H::ProsodyRange, H::ProsodyDuration];
/// A voice is not changed in the middle of what it says (§8.4.6).
const VOICE: [H; 4] = [H::VoiceGender, H::VoiceAge, H::VoiceVariant, H::VoiceName];

/// The headers of a SPEAK that are refused with 403.
pub(super) fn refused_by_speak(headers: &Headers) -> Option<HeaderFault> {
    refused(headers, |name| BEYOND_US.contains(name))
}

/// The headers of a CONTROL that are refused with 403 (§8.4.6, §8.4.7).
pub(super) fn refused_by_control(headers: &Headers) -> Option<HeaderFault> {
    refused(headers, |name| BEYOND_US.contains(name) || VOICE.contains(name))
}

fn refused(headers: &Headers, is_refused: impl Fn(&H) -> bool) -> Option<HeaderFault> {
    let headers: Headers = headers.iter().filter(|header| is_refused(&header.name)).cloned().collect();
    (!headers.is_empty()).then_some(HeaderFault { status: StatusCode::UNSUPPORTED_HEADER, headers })
}

/// Jump-Size, Speak-Length and the prosody of a SPEAK or CONTROL itself.
pub(super) fn speech_change(headers: &Headers) -> Result<SpeechChange, HeaderFault> {
    let fault = |name: H, fault: LengthFault| HeaderFault {
        status: match fault {
            LengthFault::Illegal => StatusCode::ILLEGAL_HEADER_VALUE,
            LengthFault::Unit => StatusCode::UNSUPPORTED_HEADER_VALUE,
        },
        headers: lengths(headers).iter().filter(|header| header.name == name).cloned().collect(),
    };
    let jump = headers.text(&H::JumpSize).map(JumpSize::parse).transpose();
    let length = headers.text(&H::SpeakLength).map(SpeakLength::parse).transpose();
    let own = |name: H| headers.text(&name).map(str::to_owned);
    Ok(SpeechChange {
        jump: jump.map_err(|error| fault(H::JumpSize, error))?,
        length: length.map_err(|error| fault(H::SpeakLength, error))?,
        rate: own(H::ProsodyRate),
        pitch: own(H::ProsodyPitch),
        volume: own(H::ProsodyVolume),
    })
}

/// The headers that say where and how long.
pub(super) fn lengths(headers: &Headers) -> Headers {
    headers.iter().filter(|header| matches!(header.name, H::JumpSize | H::SpeakLength)).cloned().collect()
}

/// What to speak and how.
pub(super) fn speak_params(
    content: Entity,
    change: SpeechChange,
    effective: Effective<'_>,
    defaults: &SynthesizerDefaults,
) -> SpeakParams {
    SpeakParams {
        content,
        jump: change.jump,
        length: change.length,
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
            rate: effective.text(H::ProsodyRate),
            volume: effective.text(H::ProsodyVolume),
        },
        lexicons: effective.text(H::LexiconSearchOrder).as_deref().and_then(lexicon_uris),
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

/// `<uri> <uri>` (§8.4.17); `None` for anything else.
pub(crate) fn lexicon_uris(value: &str) -> Option<Vec<String>> {
    let uris: Vec<&str> = value.split_ascii_whitespace().collect();
    let bare = |uri: &str| Some(uri.strip_prefix('<')?.strip_suffix('>')?.to_owned());
    let is_absolute =
        |uri: &String| uri.split_once(':').is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty());
    uris.into_iter().map(|uri| bare(uri).filter(is_absolute)).collect()
}
