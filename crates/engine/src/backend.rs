//! The engine that the configuration names.

use std::sync::Arc;

use crate::fake::{FakeRecognizer, FakeSynthesizer};
use crate::recognition::Recognizer;
use crate::synthesis::Synthesizer;
use crate::{Backend, EngineConfig, EngineError};

/// Loads the recognizer.
pub(crate) fn recognizer(config: &EngineConfig) -> Result<Arc<dyn Recognizer>, EngineError> {
    match &config.backend {
        Backend::Fake(fake) => Ok(Arc::new(FakeRecognizer::new(fake))),
        #[cfg(feature = "sherpa")]
        Backend::Sherpa(sherpa) => Ok(Arc::new(crate::sherpa::SherpaRecognizer::load(sherpa, config)?)),
        #[cfg(not(feature = "sherpa"))]
        Backend::Sherpa(_) => Err(not_built()),
    }
}

/// Loads the synthesizer.
pub(crate) fn synthesizer(config: &EngineConfig) -> Result<Arc<dyn Synthesizer>, EngineError> {
    match &config.backend {
        Backend::Fake(fake) => Ok(Arc::new(FakeSynthesizer::new(fake))),
        #[cfg(feature = "sherpa")]
        Backend::Sherpa(sherpa) => Ok(Arc::new(crate::sherpa::SherpaSynthesizer::load(sherpa)?)),
        #[cfg(not(feature = "sherpa"))]
        Backend::Sherpa(_) => Err(not_built()),
    }
}

#[cfg(not(feature = "sherpa"))]
fn not_built() -> EngineError {
    EngineError::new(
        crate::EngineErrorKind::Unavailable,
        "this program was built without sherpa-onnx; build it with the feature `sherpa`, or use the fake engine",
    )
}
