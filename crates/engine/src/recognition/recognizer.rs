//! What an engine has to provide to recognize speech.

use speech::Language;

use super::decode::{DecodeRequest, Decoded};
use super::voice::VoiceDetector;
use crate::{EngineError, ListenSpec, ListeningConfig};

/// A loaded engine.
pub(crate) trait Recognizer: Send + Sync {
    /// How `language` is recognized; `None` when it is not.
    fn mode(&self, language: Language) -> Option<RecognizerMode>;

    /// A detector at the beginning of a stream, as sensitive as `spec` says, for audio that came at the rate it names.
    fn voice_detector(
        &self,
        config: &ListeningConfig,
        spec: &ListenSpec,
    ) -> Result<Box<dyn VoiceDetector>, EngineError>;

    /// A decoder for one stream whose mode is [`RecognizerMode::Pieces`].
    fn piece_decoder(&self, spec: &ListenSpec) -> Result<Box<dyn PieceDecoder>, EngineError>;

    /// A decoder for one stream whose mode is [`RecognizerMode::Streaming`].
    fn streaming_decoder(&self, spec: &ListenSpec) -> Result<Box<dyn StreamingDecoder>, EngineError>;
}

/// How a language is recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecognizerMode {
    /// Whole pieces of audio are decoded.
    Pieces {
        /// Whether there is a model fast enough for partials.
        partials: bool,
    },
    /// Text grows with the audio.
    Streaming,
}

/// Decodes pieces of one stream. Workers call it, possibly several at the same time.
pub(crate) trait PieceDecoder: Send + Sync {
    /// Turns a piece of audio into text. May take long.
    fn decode(&self, request: &DecodeRequest) -> Result<Decoded, EngineError>;
}

/// Decodes one stream as it comes. One worker at a time has it.
pub(crate) trait StreamingDecoder: Send {
    /// Takes the next samples, at [`super::decode::RATE_HZ`], and says what was heard since the beginning. With
    /// `is_last`, what the model holds back for want of context is given too.
    fn advance(&mut self, samples: &[i16], is_last: bool) -> Result<Decoded, EngineError>;
}
