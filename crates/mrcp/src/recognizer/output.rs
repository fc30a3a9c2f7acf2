//! What a recognizer wants done.

use std::sync::Arc;
use std::time::Duration;

use super::input::InputModes;
use crate::{FetchParams, GrammarRef, Message, RequestId, VendorParameters};

/// What a recognizer wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Hear nothing but keys for this recognition: the engine is not needed any more.
    HearKeysOnly {
        /// The RECOGNIZE.
        request_id: RequestId,
    },
    /// Send this to the client on the channel's connection.
    Send(Message),
    /// Compile these and keep them for the session; answer with `GrammarDefined`.
    DefineGrammar {
        /// The DEFINE-GRAMMAR.
        request_id: RequestId,
        /// The grammars; an inline one has the Content-ID by which `session:` URIs name it. It replaces an earlier one.
        grammars: Vec<GrammarRef>,
        /// The language of grammars that name none.
        language: Option<String>,
        /// How grammars that it refers to may be fetched.
        fetch: FetchParams,
    },
    /// The grammars of this DEFINE-GRAMMAR, RECOGNIZE or INTERPRET are not wanted any more, loaded or not.
    AbandonGrammars {
        /// The request.
        request_id: RequestId,
    },
    /// Forget what was defined under this Content-ID (a DEFINE-GRAMMAR without a body). It may be unknown.
    ForgetGrammar {
        /// The identifier without angle brackets.
        content_id: String,
    },
    /// Find and compile the grammars of a RECOGNIZE or INTERPRET; answer with `GrammarsLoaded`.
    LoadGrammars {
        /// The RECOGNIZE or INTERPRET.
        request_id: RequestId,
        /// The grammars in the order of precedence.
        grammars: Vec<GrammarRef>,
        /// The request's parameters.
        params: Arc<RecognizeParams>,
        /// What they are for.
        purpose: GrammarPurpose,
    },
    /// Begin to listen: audio from now on belongs to this recognition.
    Listen {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// What to listen for.
        modes: InputModes,
        /// The request's parameters.
        params: Arc<RecognizeParams>,
    },
    /// Match these digits against the DTMF grammars; answer with `DtmfMatched`.
    MatchDtmf {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// All digits so far, without the terminator.
        digits: String,
    },
    /// The input has ended: answer with `Recognized`.
    Finish {
        /// The RECOGNIZE.
        request_id: RequestId,
        /// What the result is of.
        input: FinishedInput,
    },
    /// What was heard matches nothing (hotword mode): forget it, and listen on from here. Nothing of before may come.
    ListenAgain {
        /// The RECOGNIZE.
        request_id: RequestId,
    },
    /// Interpret this text with the grammars that were loaded; answer with `Interpreted`.
    Interpret {
        /// The INTERPRET.
        request_id: RequestId,
        /// The text.
        text: String,
        /// The request's parameters.
        params: Arc<RecognizeParams>,
    },
    /// Write the last result again; answer with `Recomputed`.
    Recompute {
        /// The GET-RESULT.
        request_id: RequestId,
        /// What it asks for.
        constraints: ResultConstraints,
    },
    /// Stop listening, drop what was heard, free the engine.
    StopListening {
        /// The RECOGNIZE.
        request_id: RequestId,
    },
}

/// What a result is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishedInput {
    /// The speech heard since `Listen`.
    Speech,
    /// These digits, without the terminator.
    Dtmf {
        /// The digits.
        digits: String,
    },
}

/// What grammars are loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrammarPurpose {
    /// To recognize what the caller says or keys.
    Recognize,
    /// To interpret a text.
    Interpret,
}

/// What a GET-RESULT asks for; what it leaves out stays as the RECOGNIZE had it.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultConstraints {
    /// `Confidence-Threshold`, 0.0–1.0.
    pub confidence_threshold: Option<f32>,
    /// `N-Best-List-Length`, at least 1.
    pub n_best_list_length: Option<u32>,
    /// `Accept`.
    pub accept: Option<String>,
}

/// `Recognition-Mode` (§9.4.26).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecognitionMode {
    /// All that is said or keyed is matched, and what does not match is a no-match.
    Normal,
    /// Looks for words or keys of the grammars, through other speech.
    Hotword {
        /// `Hotword-Min-Duration`: shorter utterances do not count.
        min: Option<Duration>,
        /// `Hotword-Max-Duration`: longer utterances do not count.
        max: Option<Duration>,
    },
}

impl RecognitionMode {
    /// Whether it is hotword mode.
    pub const fn is_hotword(self) -> bool {
        matches!(self, Self::Hotword { .. })
    }
}

/// The parameters of one RECOGNIZE: its own headers, else what SET-PARAMS said, else the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct RecognizeParams {
    /// `Speech-Language`.
    pub speech_language: Option<String>,
    /// `Confidence-Threshold`, 0.0–1.0.
    pub confidence_threshold: f32,
    /// `Sensitivity-Level`, 0.0–1.0.
    pub sensitivity_level: f32,
    /// `Speed-Vs-Accuracy`, 0.0–1.0.
    pub speed_vs_accuracy: f32,
    /// `N-Best-List-Length`, at least 1.
    pub n_best_list_length: u32,
    /// `Recognition-Mode`.
    pub mode: RecognitionMode,
    /// `Early-No-Match`.
    pub early_no_match: bool,
    /// `No-Input-Timeout`. Zero expires at once.
    pub no_input_timeout: Duration,
    /// `Recognition-Timeout`, from the start of input.
    pub recognition_timeout: Duration,
    /// `Speech-Complete-Timeout`.
    pub speech_complete_timeout: Duration,
    /// `Speech-Incomplete-Timeout`.
    pub speech_incomplete_timeout: Duration,
    /// `Speech-Complete-Timeout`, where the client has said it.
    pub asked_complete_timeout: Option<Duration>,
    /// `Speech-Incomplete-Timeout`, where the client has said it.
    pub asked_incomplete_timeout: Option<Duration>,
    /// `DTMF-Interdigit-Timeout`.
    pub dtmf_interdigit_timeout: Duration,
    /// `DTMF-Term-Timeout`.
    pub dtmf_term_timeout: Duration,
    /// `DTMF-Term-Char`.
    pub dtmf_term_char: Option<char>,
    /// `Start-Input-Timers`.
    pub start_input_timers: bool,
    /// `Save-Waveform`.
    pub save_waveform: bool,
    /// `Media-Type` of a saved waveform.
    pub media_type: Option<String>,
    /// `Accept`.
    pub accept: Option<String>,
    /// `Input-Waveform-URI`: what is recognized instead of the call's audio (§9.4.10).
    pub input_waveform_uri: Option<String>,
    /// How grammars and audio that it refers to may be fetched.
    pub fetch: FetchParams,
    /// `Logging-Tag`.
    pub logging_tag: Option<String>,
    /// `Vendor-Specific-Parameters`: those of SET-PARAMS, then those of the request over them.
    pub vendor: VendorParameters,
}
