//! From headers to the parameters of a request (RFC 6787 §9.4).

use super::config::RecognizerDefaults;
use super::output::RecognizeParams;
use crate::HeaderName as H;
use crate::fetch_params::fetch_params;
use crate::params::Effective;

/// The parameters of one RECOGNIZE.
pub(super) fn recognize_params(effective: Effective<'_>, defaults: &RecognizerDefaults) -> RecognizeParams {
    let duration = |name, otherwise| effective.duration(name).unwrap_or(otherwise);
    let n_best = effective.integer(H::NBestListLength).map_or(defaults.n_best_list_length, saturate);
    RecognizeParams {
        speech_language: effective.text(H::SpeechLanguage),
        confidence_threshold: effective.fraction(H::ConfidenceThreshold, defaults.confidence_threshold),
        sensitivity_level: effective.fraction(H::SensitivityLevel, defaults.sensitivity_level),
        speed_vs_accuracy: effective.fraction(H::SpeedVsAccuracy, defaults.speed_vs_accuracy),
        n_best_list_length: n_best,
        no_input_timeout: duration(H::NoInputTimeout, defaults.no_input_timeout),
        recognition_timeout: duration(H::RecognitionTimeout, defaults.recognition_timeout),
        speech_complete_timeout: duration(H::SpeechCompleteTimeout, defaults.speech_complete_timeout),
        speech_incomplete_timeout: duration(H::SpeechIncompleteTimeout, defaults.speech_incomplete_timeout),
        dtmf_interdigit_timeout: duration(H::DtmfInterdigitTimeout, defaults.dtmf_interdigit_timeout),
        dtmf_term_timeout: duration(H::DtmfTermTimeout, defaults.dtmf_term_timeout),
        dtmf_term_char: effective.text(H::DtmfTermChar).and_then(|text| text.chars().next()),
        start_input_timers: effective.boolean(H::StartInputTimers, true),
        save_waveform: effective.boolean(H::SaveWaveform, false),
        media_type: effective.text(H::MediaType),
        accept: effective.text(H::Accept),
        fetch: fetch_params(effective),
        logging_tag: effective.text(H::LoggingTag),
        vendor: effective.vendor(),
    }
}

fn saturate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
