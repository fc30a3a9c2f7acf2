//! What `basicsynth` channels do: clips, and a voice in their place.

use std::sync::Arc;

use mrcp::{HeaderName, Method, Resource};
use session::{ClipIndex, Output, SessionConfig};
use speech::Language;

use super::speaking::Stage;
use super::{Ladder, config};

const SSML: (HeaderName, &str) = (HeaderName::ContentType, "application/ssml+xml");

fn with_clips(words: &str) -> Arc<SessionConfig> {
    let mut clips = ClipIndex::default();
    for word in words.split(' ') {
        clips.add(Language::English, word);
    }
    let mut config = (*config()).clone();
    config.description.has_clips = true;
    Arc::new(SessionConfig { clips: Some(Arc::new(clips)), ..config })
}

#[test]
fn syn_047_clips_say_digits_numbers_times_and_pass_marks() {
    let mut stage = Stage::with(Resource::BasicSynth, with_clips("your code is one two seven twenty one pm"));
    let body = "<speak>Your code is <say-as interpret-as='digits'>127</say-as><mark name='m'/>\
        <say-as interpret-as='cardinal'>21</say-as> <say-as interpret-as='vxml:time'>0720p</say-as></speak>";
    stage.send(Method::Speak, &[SSML], body);
    stage.run(2_500);
    stage.expect(&["200 IN-PROGRESS", "SPEECH-MARKER IN-PROGRESS m", "SPEAK-COMPLETE COMPLETE 000 normal"]);
    assert_eq!(stage.samples.len(), 16_000, "the clips of one text are one piece of audio");
}

#[test]
fn syn_047_clips_need_no_place_of_an_engine_and_a_voice_does() {
    for (config, expected) in [(with_clips("one"), 0), (config(), 1)] {
        let mut ladder = Ladder::offered_by(Resource::BasicSynth, config);
        let reservation = ladder.reservation();
        assert_eq!((reservation.legs.len(), reservation.synthesizers), (1, expected));
    }
}

#[test]
fn syn_047_without_clips_a_voice_says_the_words() {
    let mut ladder = Ladder::established(Resource::BasicSynth);
    ladder.send(Method::Speak, &[SSML], "<speak>Dial <say-as interpret-as='digits'>12</say-as></speak>");
    let spoken = ladder.outputs.iter().find_map(|output| match output {
        Output::Synthesize { what, .. } => Some((what.text.clone(), what.speaker.clone())),
        _ => None,
    });
    assert_eq!(spoken, Some(("Dial one two".to_owned(), session::Speaker::Voice)));
}

#[test]
fn syn_049_an_element_that_clips_cannot_do_is_a_parse_failure_and_a_word_without_a_clip_an_error() {
    for (body, expected) in [
        ("<speak><prosody rate='fast'>one</prosody></speak>", "407 COMPLETE 002 parse-failure"),
        ("<speak>one hippopotamus</speak>", "407 COMPLETE 004 error"),
        ("<speak><audio src='dialog:reply?conversation=c'/></speak>", "407 COMPLETE 004 error"),
        ("<speak>one</speak>", "200 IN-PROGRESS"),
    ] {
        let mut stage = Stage::with(Resource::BasicSynth, with_clips("one"));
        stage.send(Method::Speak, &[SSML], body);
        stage.expect(&[expected]);
    }
}
