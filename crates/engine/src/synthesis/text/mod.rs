//! What voices need of a text before they can speak it.

#[cfg(any(feature = "sherpa", test))]
mod runs;
mod speakable;

#[cfg(feature = "sherpa")]
pub(crate) use runs::runs;
pub(crate) use speakable::speakable;
