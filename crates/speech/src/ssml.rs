//! Reading of SSML, plain text and URI lists.

use crate::{Prosody, Segment, SpeechMarkupError};

pub(crate) fn segments(_content_type: &str, body: &[u8]) -> Result<Vec<Segment>, SpeechMarkupError> {
    let text = String::from_utf8_lossy(body).trim().to_owned();
    Ok(vec![Segment::Text { text, language: None, voice: None, gender: None, prosody: Prosody::default() }])
}
