//! The speaking half of the fake engine.

use speech::Language;

use super::fault::strike;
use super::tone_code::{self, BYTE_MS, PREAMBLE_MS};
use super::{FakeConfig, FakeFault};
use crate::pool::JobContext;
use crate::synthesis::{ChunkSink, Clause, Synthesizer, VoiceName, speakable};
use crate::{EngineError, EngineErrorKind, SynthesisSpec};

/// Says texts in tone code. Rate and pitch change nothing, so that the code stays readable.
pub(crate) struct FakeSynthesizer {
    bytes_max: usize,
    faults: Vec<FakeFault>,
}

/// The voice's own rate.
const RATE_HZ: u32 = 16_000;

/// The voice of each language.
const VOICES: [(&str, Language); 2] = [("fake-en", Language::English), ("fake-zh", Language::Chinese)];

impl FakeSynthesizer {
    pub(crate) fn new(config: &FakeConfig) -> Self {
        let bytes_max = config.speech_ms_max.saturating_sub(PREAMBLE_MS) / BYTE_MS;
        Self { bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX), faults: config.faults.clone() }
    }
}

impl Synthesizer for FakeSynthesizer {
    fn speaks(&self, _language: Language) -> bool {
        true
    }

    fn voices(&self) -> Vec<VoiceName> {
        VOICES.iter().map(|(name, language)| VoiceName { name: (*name).to_owned(), language: *language }).collect()
    }

    fn plan(&self, spec: &SynthesisSpec) -> Result<Vec<Clause>, EngineError> {
        let voice = match &spec.voice {
            Some(wanted) => VOICES.iter().position(|(name, _)| name == wanted),
            None => VOICES.iter().position(|(_, language)| *language == spec.language),
        };
        let Some(voice) = voice else {
            return Err(EngineError::new(EngineErrorKind::Voice, "the fake engine has the voices fake-en and fake-zh"));
        };
        let text = speakable(&spec.text);
        let Some(text) = text.get(..text.floor_char_boundary(self.bytes_max)).filter(|text| !text.is_empty()) else {
            return Ok(Vec::new());
        };
        Ok(vec![Clause {
            text: text.to_owned(),
            language: spec.language,
            voice,
            fingerprint: format!("fake/{voice}"),
            sample_rate_hz: RATE_HZ,
            speed: 1.0,
            pitch: 1.0,
            edges: None,
        }])
    }

    fn speak(&self, clause: &Clause, context: &JobContext, mut sink: ChunkSink) -> Result<(), EngineError> {
        strike(&self.faults, &clause.text)?;
        for chunk in tone_code::encode(&clause.text, RATE_HZ).chunks(RATE_HZ as usize / 2) {
            if context.is_cancelled() || !sink(chunk) {
                break;
            }
        }
        Ok(())
    }
}
