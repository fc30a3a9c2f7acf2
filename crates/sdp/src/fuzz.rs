//! Entry points of the fuzz targets, also run over the committed corpora by the tests.

use crate::{AnswerLine, Codec, ControlAnswer, Local, Media, SessionDescription, answer, negotiate};

/// Parses arbitrary bytes; what parses prints and parses to the same, and can be answered line by line.
pub fn session(bytes: &[u8]) {
    let Ok(offer) = SessionDescription::parse(bytes) else { return };
    let printed = offer.to_string();
    let again = SessionDescription::parse(printed.as_bytes());
    assert_eq!(again.as_ref().map(ToString::to_string), Ok(printed), "what is printed parses and prints the same");

    let codecs = [Codec::PCMU, Codec::PCMA, Codec::L16_8000, Codec::L16_16000];
    let lines: Vec<AnswerLine> = offer
        .media
        .iter()
        .map(|media| match media {
            Media::Control(control) if control.allows_passive_answer() => {
                AnswerLine::Control(ControlAnswer::new(1544, "1@speechrecog"))
            }
            Media::Audio(audio) => match negotiate(audio, &codecs) {
                Some(accepted) => {
                    let key = accepted.crypto.as_ref().map(|crypto| crypto.material.clone());
                    AnswerLine::Audio { port: 20_000, accepted, key }
                }
                None => AnswerLine::Refuse,
            },
            Media::Control(_) | Media::Other(_) => AnswerLine::Refuse,
        })
        .collect();
    let local = Local { address: [192, 0, 2, 9].into(), session_id: 1, version: 1 };
    let answered = answer(&offer, &lines, &local).map(|answer| answer.media.len());
    assert_eq!(answered, Ok(offer.media.len()), "an answer has a line for each line of the offer");
}
