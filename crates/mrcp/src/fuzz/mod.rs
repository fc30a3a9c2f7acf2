//! Entry points of the fuzz targets. The tests run them over the committed corpora and over random bytes, so the laws in
//! here are the laws of the crate: each target panics when one is broken.

mod laws;
mod operations;
mod recognizer;
mod recorder;
mod synthesizer;
mod wire;

pub use recognizer::recognizer;
pub use recorder::recorder;
pub use synthesizer::synthesizer;
pub use wire::{connection, message};
