//! What voices need of a text before they can speak it.

mod speakable;

pub(crate) use speakable::speakable;
