//! What a recognizer is told at construction.

use std::time::Duration;

use crate::HeaderName;
use crate::IgnoredHeaders;

/// Settings of every recognizer.
#[derive(Debug, Clone, PartialEq)]
pub struct RecognizerConfig {
    /// Least time between `200 IN-PROGRESS` and RECOGNITION-COMPLETE. Stock clients lose the event or hang when it comes
    /// within 5 ms of the response.
    pub completion_gap: Duration,
    /// How long grammars may take to load before the request fails with `grammar-load-failure`.
    pub grammar_timeout: Duration,
    /// How long the final result may take after [`Output::Finish`](super::Output::Finish) before the request fails with
    /// `recognizer-error`.
    pub result_timeout: Duration,
    /// Most RECOGNIZE requests waiting behind the active one; another is answered 407.
    pub pending_max: usize,
    /// Most DEFINE-GRAMMAR requests being worked on at once; another is answered 407.
    pub definitions_max: usize,
    /// Most bytes that a compressed body may have once it is decoded.
    pub decoded_bytes_max: usize,
    /// Most digits kept from before a RECOGNIZE, and most digits in one DTMF input.
    pub digits_max: usize,
    /// Whether a RECOGNIZE without `Cancel-If-Queue` is answered 406, as RFC 6787 §9.4.27 has it. The RFC's own examples
    /// leave it out, and so do old clients: without this it means `false`.
    pub cancel_if_queue_required: bool,
    /// Whether `Recognition-Mode: hotword` is offered; without this it is answered 409.
    pub hotword: bool,
    /// Most alternatives in a result, whatever `N-Best-List-Length` asks for.
    pub n_best_max: u32,
    /// Speech that begins so soon after the recognition has begun to listen was going on already: `speech-too-early`.
    /// `None`: it is heard, because a caller who answers early is meant to be understood.
    pub speech_too_early_within: Option<Duration>,
    /// How long after the beginning of speech a key still takes over from it: its tone is heard as speech before the
    /// event comes, and a cough is no answer. Later the speech stands and keys wait for the next RECOGNIZE.
    pub key_takes_over_within: Duration,
    /// Languages that `Speech-Language` may name in SET-PARAMS, as tags or primary subtags; empty: any.
    pub languages: Vec<String>,
    /// What a request with headers that do not apply to it is answered.
    pub ignored_headers: IgnoredHeaders,
    /// Values for what neither the request nor SET-PARAMS says.
    pub defaults: RecognizerDefaults,
}

/// Values for what neither the request nor SET-PARAMS says (RFC 6787 §9.4).
#[derive(Debug, Clone, PartialEq)]
pub struct RecognizerDefaults {
    /// `Confidence-Threshold`, 0.0–1.0.
    pub confidence_threshold: f32,
    /// `Sensitivity-Level`, 0.0–1.0.
    pub sensitivity_level: f32,
    /// `Speed-Vs-Accuracy`, 0.0 fast – 1.0 accurate.
    pub speed_vs_accuracy: f32,
    /// `N-Best-List-Length`, at least 1.
    pub n_best_list_length: u32,
    /// `No-Input-Timeout`.
    pub no_input_timeout: Duration,
    /// `Recognition-Timeout`, from the start of input.
    pub recognition_timeout: Duration,
    /// `Speech-Complete-Timeout`: silence after a full match.
    pub speech_complete_timeout: Duration,
    /// `Speech-Incomplete-Timeout`: silence after a partial match, or one that could go on.
    pub speech_incomplete_timeout: Duration,
    /// `DTMF-Interdigit-Timeout`.
    pub dtmf_interdigit_timeout: Duration,
    /// `DTMF-Term-Timeout`.
    pub dtmf_term_timeout: Duration,
    /// `DTMF-Term-Char`.
    pub dtmf_term_char: Option<char>,
    /// `Speech-Language`.
    pub speech_language: Option<String>,
}

impl Default for RecognizerConfig {
    fn default() -> Self {
        Self {
            completion_gap: Duration::from_millis(20),
            grammar_timeout: Duration::from_secs(10),
            result_timeout: Duration::from_secs(10),
            pending_max: 8,
            definitions_max: 16,
            decoded_bytes_max: 4 << 20,
            digits_max: 64,
            cancel_if_queue_required: false,
            hotword: true,
            n_best_max: 10,
            speech_too_early_within: None,
            key_takes_over_within: Duration::from_secs(1),
            languages: Vec::new(),
            ignored_headers: IgnoredHeaders::Success,
            defaults: RecognizerDefaults::default(),
        }
    }
}

impl Default for RecognizerDefaults {
    /// The RFC's values where it has them (§9.4.7, §9.4.17, §9.4.18).
    fn default() -> Self {
        Self {
            confidence_threshold: 0.0,
            sensitivity_level: 0.5,
            speed_vs_accuracy: 0.5,
            n_best_list_length: 1,
            no_input_timeout: Duration::from_secs(7),
            recognition_timeout: Duration::from_secs(10),
            speech_complete_timeout: Duration::from_millis(500),
            speech_incomplete_timeout: Duration::from_millis(1000),
            dtmf_interdigit_timeout: Duration::from_secs(5),
            dtmf_term_timeout: Duration::from_secs(10),
            dtmf_term_char: None,
            speech_language: None,
        }
    }
}

impl RecognizerDefaults {
    /// The parameters as GET-PARAMS shows them.
    pub(super) fn as_headers(&self) -> Vec<(HeaderName, String)> {
        let ms = |duration: Duration| duration.as_millis().to_string();
        let mut headers = vec![
            (HeaderName::ConfidenceThreshold, self.confidence_threshold.to_string()),
            (HeaderName::SensitivityLevel, self.sensitivity_level.to_string()),
            (HeaderName::SpeedVsAccuracy, self.speed_vs_accuracy.to_string()),
            (HeaderName::NBestListLength, self.n_best_list_length.to_string()),
            (HeaderName::NoInputTimeout, ms(self.no_input_timeout)),
            (HeaderName::RecognitionTimeout, ms(self.recognition_timeout)),
            (HeaderName::SpeechCompleteTimeout, ms(self.speech_complete_timeout)),
            (HeaderName::SpeechIncompleteTimeout, ms(self.speech_incomplete_timeout)),
            (HeaderName::DtmfInterdigitTimeout, ms(self.dtmf_interdigit_timeout)),
            (HeaderName::DtmfTermTimeout, ms(self.dtmf_term_timeout)),
            (HeaderName::DtmfTermChar, self.dtmf_term_char.map(String::from).unwrap_or_default()),
        ];
        if let Some(language) = &self.speech_language {
            headers.push((HeaderName::SpeechLanguage, language.clone()));
        }
        headers
    }
}
