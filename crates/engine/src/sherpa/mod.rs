//! sherpa-onnx: recognition, synthesis and voice activity with local models.
//!
//! Models come from the manifest of crate `models`, whose sizes and sums are checked before native code sees a file, or
//! from the configuration, whose files are looked at as far as that is possible: a bad model can end the process.
//!
//! One loaded model serves all workers. The library keeps nothing between calls but what it keeps in a stream, and a
//! stream belongs to one job.

mod catalog;
mod confidence;
mod detector;
mod model_file;
mod piece_decoder;
mod recognizer;
mod streaming_decoder;
mod synthesizer;
mod voice;

pub(crate) use recognizer::SherpaRecognizer;
pub(crate) use synthesizer::SherpaSynthesizer;

/// A path as the library takes it.
fn path(path: &std::path::Path) -> Option<String> {
    Some(path.to_string_lossy().into_owned())
}

/// 16-bit samples as the library takes them.
fn to_float(samples: &[i16]) -> Vec<f32> {
    let mut converted = Vec::with_capacity(samples.len());
    media::resample::to_f32(samples, &mut converted);
    converted
}

/// The rate that recognizers and detectors are given, as the library takes it.
#[expect(clippy::cast_possible_wrap, reason = "16000")]
const RATE_HZ: i32 = crate::recognition::RATE_HZ as i32;
