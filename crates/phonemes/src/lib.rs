//! How text is spoken, for synthesizers that cannot find out themselves.
//!
//! [`English`] turns English text into the phonemes of Piper voices, from a lexicon and letter-to-sound rules that are
//! prepared with the models; no espeak-ng is needed. [`spoken_english()`] and [`spoken_chinese()`] write numbers, times and
//! symbols out as words, and are useful before any synthesizer. [`Simplified`] writes what a recognizer heard in simplified
//! characters.
//!
//! ```no_run
//! # use std::path::Path;
//! let english = phonemes::English::load(Path::new("lexicon.txt"), Path::new("letters.txt"))?;
//! assert_eq!(english.phonemes("Hello, world."), ["həlˈoʊ, wˈɜːld."]);
//! # Ok::<(), phonemes::LoadError>(())
//! ```
//!
//! In reading order: `english` (text to sentences of phonemes), `word` (one word), `table` (the two files), `ipa` (the
//! lexicon's alphabet as the voice's), `spoken_english`, `spoken_chinese`, `simplified`.

mod english;
mod ipa;
mod simplified;
mod spoken_chinese;
mod spoken_english;
mod table;
mod word;

pub use english::English;
pub use simplified::Simplified;
pub use spoken_chinese::spoken_chinese;
pub use spoken_english::spoken_english;
pub use table::LoadError;
