//! From headers to the parameters of a request (RFC 6787 §9.4).

use super::config::RecognizerConfig;
use super::output::{RecognitionMode, RecognizeParams, ResultConstraints};
use crate::HeaderName as H;
use crate::Headers;
use crate::fetch_params::fetch_params;
use crate::params::Effective;

/// What a request may have and nothing here acts on: it succeeds, and 201 says that a header was ignored. The engines have
/// one way to decode.
pub(super) const WITHOUT_EFFECT: [H; 1] = [H::SpeedVsAccuracy];

/// The parameters of one RECOGNIZE.
pub(super) fn recognize_params(effective: Effective<'_>, config: &RecognizerConfig) -> RecognizeParams {
    let defaults = &config.defaults;
    let duration = |name, otherwise| effective.duration(name).unwrap_or(otherwise);
    let n_best = effective.integer(H::NBestListLength).map_or(defaults.n_best_list_length, saturate);
    RecognizeParams {
        speech_language: effective.text(H::SpeechLanguage),
        confidence_threshold: effective.fraction(H::ConfidenceThreshold, defaults.confidence_threshold),
        sensitivity_level: effective.fraction(H::SensitivityLevel, defaults.sensitivity_level),
        speed_vs_accuracy: effective.fraction(H::SpeedVsAccuracy, defaults.speed_vs_accuracy),
        n_best_list_length: n_best.clamp(1, config.n_best_max.max(1)),
        mode: match effective.text(H::RecognitionMode) {
            Some(mode) if mode.eq_ignore_ascii_case("hotword") => RecognitionMode::Hotword {
                min: effective.duration(H::HotwordMinDuration),
                max: effective.duration(H::HotwordMaxDuration),
            },
            Some(_) | None => RecognitionMode::Normal,
        },
        early_no_match: effective.boolean(H::EarlyNoMatch, false),
        no_input_timeout: duration(H::NoInputTimeout, defaults.no_input_timeout),
        recognition_timeout: duration(H::RecognitionTimeout, defaults.recognition_timeout),
        speech_complete_timeout: duration(H::SpeechCompleteTimeout, defaults.speech_complete_timeout),
        speech_incomplete_timeout: duration(H::SpeechIncompleteTimeout, defaults.speech_incomplete_timeout),
        asked_complete_timeout: effective.duration(H::SpeechCompleteTimeout),
        asked_incomplete_timeout: effective.duration(H::SpeechIncompleteTimeout),
        dtmf_interdigit_timeout: duration(H::DtmfInterdigitTimeout, defaults.dtmf_interdigit_timeout),
        dtmf_term_timeout: duration(H::DtmfTermTimeout, defaults.dtmf_term_timeout),
        dtmf_term_char: effective.text(H::DtmfTermChar).and_then(|text| text.chars().next()),
        start_input_timers: effective.boolean(H::StartInputTimers, true),
        save_waveform: effective.boolean(H::SaveWaveform, false),
        media_type: effective.text(H::MediaType),
        accept: effective.text(H::Accept),
        input_waveform_uri: effective.text(H::InputWaveformUri),
        fetch: fetch_params(effective),
        logging_tag: effective.text(H::LoggingTag),
        vendor: effective.vendor(),
    }
}

/// What a GET-RESULT asks for itself (§9.11).
pub(super) fn result_constraints(headers: &Headers, config: &RecognizerConfig) -> ResultConstraints {
    let n_best = headers.integer(&H::NBestListLength).ok().flatten().map(saturate);
    ResultConstraints {
        confidence_threshold: headers.fraction(&H::ConfidenceThreshold).ok().flatten(),
        n_best_list_length: n_best.map(|n_best| n_best.clamp(1, config.n_best_max.max(1))),
        accept: headers.text(&H::Accept).map(str::to_owned),
    }
}

fn saturate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
