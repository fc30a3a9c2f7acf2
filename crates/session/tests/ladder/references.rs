//! What a SPEAK says by reference: documents in their order, parts of its body, and recordings.

use session::{AudioSource, FetchFailure, FetchKey, Fetched, LoadedAudio};

use super::*;

const SSML: (HeaderName, &str) = (HeaderName::ContentType, "application/ssml+xml");

fn document(location: &str, content_type: &str, content: &str) -> Result<Fetched, FetchFailure> {
    Ok(Fetched {
        location: location.to_owned(),
        content_type: Some(content_type.to_owned()),
        content: Bytes::copy_from_slice(content.as_bytes()),
        set_cookies: Vec::new(),
    })
}

fn missing(cause: &str) -> FetchFailure {
    FetchFailure { cause: cause.to_owned(), reason: "it is not there".to_owned(), ..FetchFailure::default() }
}

fn speak(content: &str) -> String {
    format!("<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"en-US\">{content}</speak>")
}

impl Ladder {
    /// The recordings that were asked for and not looked at yet: key and URI, or the media type of an inline one.
    fn asked_audio(&mut self) -> Vec<(FetchKey, String)> {
        let mut asked = Vec::new();
        self.outputs.retain(|output| match output {
            Output::LoadAudio { key, source, .. } => {
                asked.push((
                    *key,
                    match source {
                        AudioSource::Uri(request) => request.uri.clone(),
                        AudioSource::Inline { content_type, .. } => content_type.clone(),
                    },
                ));
                false
            }
            _ => true,
        });
        asked
    }

    fn ready(&mut self, key: FetchKey) {
        self.input(Input::AudioLoaded { key, outcome: Ok(LoadedAudio { samples: 800, set_cookies: Vec::new() }) });
    }

    /// What sounds, in order, every utterance being played to its end.
    fn heard(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let started: Vec<(media::UtteranceId, session::LegId, String)> = self
                .outputs
                .iter()
                .filter_map(|output| match output {
                    Output::Synthesize { utterance, leg, what, .. } => Some((*utterance, *leg, what.text.clone())),
                    Output::PlayLoaded { utterance, leg, key, .. } => Some((*utterance, *leg, format!("{key:?}"))),
                    _ => None,
                })
                .collect();
            let Some((utterance, leg, what)) = started.get(heard.len()).cloned() else { return heard };
            heard.push(what);
            let event = media::LegEvent::PlayoutFinished {
                utterance,
                at: self.clock.now(),
                played_ms: 100,
                position_samples: 800,
                outcome: media::PlayoutOutcome::Completed,
            };
            self.input(Input::Leg { leg, event });
        }
    }

    fn abandoned(&self, key: FetchKey) -> bool {
        self.outputs.iter().any(|output| matches!(output, Output::Abandon { key: abandoned } if *abandoned == key))
    }
}

#[test]
fn syn_034_documents_of_a_list_are_spoken_in_its_order_whenever_they_come() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    let list = "# three\r\nhttp://pbx.example/1.ssml\r\nhttps://pbx.example/2\r\nhttp://pbx.example/3.wav\r\n";
    ladder.send(Method::Speak, &[URI_LIST], list);
    let asked = ladder.asked();
    assert_eq!(asked.len(), 3);
    ladder.input(Input::Fetched { key: asked[2].0, outcome: document(&asked[2].1, "audio/wav", "RIFF") });
    let (recording, kind) = ladder.asked_audio().remove(0);
    assert_eq!(kind, "audio/wav");
    ladder.input(Input::Fetched { key: asked[1].0, outcome: document(&asked[1].1, "text/plain", "Second.") });
    ladder.ready(recording);
    assert!(ladder.messages().is_empty(), "one is missing");
    let first = document(&asked[0].1, "application/ssml+xml", &speak("First."));
    ladder.input(Input::Fetched { key: asked[0].0, outcome: first });
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS"]);
    assert_eq!(ladder.heard(), ["First.".to_owned(), "Second.".to_owned(), format!("{recording:?}")]);
}

#[test]
fn syn_035_the_parts_of_a_body_are_spoken_in_order_and_audio_parts_where_markup_refers_to_them() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    let ssml = speak("Before <audio src=\"cid:clip@pbx\"/> after.");
    let body = format!(
        "--x\r\nContent-Type: text/plain\r\n\r\nPlain.\r\n--x\r\nContent-Type: audio/basic\r\nContent-ID: <clip@pbx>\r\n\r\n\
         noise\r\n--x\r\nContent-Type: application/ssml+xml\r\n\r\n{ssml}\r\n--x--"
    );
    let mixed = (HeaderName::ContentType, "multipart/mixed; boundary=x");
    ladder.send(Method::Speak, &[mixed], &body);
    let (clip, kind) = ladder.asked_audio().remove(0);
    assert_eq!(kind, "audio/basic");
    ladder.ready(clip);
    assert_eq!(ladder.heard(), ["Plain.".to_owned(), "Before".to_owned(), format!("{clip:?}"), "after.".to_owned()]);
    assert!(ladder.asked_audio().is_empty(), "it is loaded once");
}

#[test]
fn int_001_the_older_name_of_ssml_is_understood() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    let older = (HeaderName::ContentType, "application/synthesis+ssml");
    ladder.send(Method::Speak, &[older], &speak("Hello."));
    assert_eq!(ladder.heard(), ["Hello."]);
}

#[test]
fn syn_038_a_recording_that_cannot_be_had_fails_the_speak_and_is_named() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    let base = (HeaderName::ContentBase, "http://pbx.example/prompts/");
    ladder.send(Method::Speak, &[SSML, base], &speak("Hello <audio src=\"a.wav\"/> and <audio src=\"b.wav\"/>"));
    let asked = ladder.asked_audio();
    assert_eq!(asked[0].1, "http://pbx.example/prompts/a.wav");
    ladder.input(Input::AudioLoaded { key: asked[0].0, outcome: Err(missing("404")) });
    assert_eq!(ladder.answer(), "407 003");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUri), "http://pbx.example/prompts/a.wav");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUriCause), "404");
    assert!(ladder.abandoned(asked[1].0));
    assert_eq!(ladder.heard().len(), 0);
}

#[test]
fn syn_038_what_markup_says_instead_is_spoken_and_that_is_no_failure() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    let markup =
        "<audio src=\"http://pbx.example/a.wav\"><audio src=\"http://pbx.example/b.wav\">Instead.</audio></audio>";
    ladder.send(Method::Speak, &[SSML], &speak(markup));
    let (first, _) = ladder.asked_audio().remove(0);
    ladder.input(Input::AudioLoaded { key: first, outcome: Err(missing("404")) });
    let (second, uri) = ladder.asked_audio().remove(0);
    assert_eq!(uri, "http://pbx.example/b.wav");
    ladder.input(Input::AudioLoaded { key: second, outcome: Err(missing("timeout")) });
    assert_eq!(ladder.answer(), "200");
    assert_eq!(ladder.heard(), ["Instead."]);
}

#[test]
fn syn_038_a_document_that_cannot_be_had_fails_the_speak_and_is_named() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[URI_LIST], "http://pbx.example/a.ssml\nhttp://pbx.example/b.ssml");
    let asked = ladder.asked();
    ladder.input(Input::Fetched { key: asked[1].0, outcome: Err(missing("refused")) });
    assert_eq!(ladder.answer(), "407 003");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUri), "http://pbx.example/b.ssml");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUriCause), "refused");
    assert!(ladder.abandoned(asked[0].0));
}

#[test]
fn a_recording_in_a_document_is_relative_to_where_the_document_was_found() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[URI_LIST], "http://pbx.example/a.ssml");
    let (key, _) = ladder.asked_one();
    let found = document("http://moved.example/x/a.ssml", "application/ssml+xml", &speak("<audio src=\"b.wav\"/>"));
    ladder.input(Input::Fetched { key, outcome: found });
    assert_eq!(ladder.asked_audio()[0].1, "http://moved.example/x/b.wav");
}

#[test]
fn con_012_a_stop_while_speech_is_fetched_gives_it_up() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[SSML], &speak("<audio src=\"http://pbx.example/a.wav\"/>"));
    let (key, _) = ladder.asked_audio().remove(0);
    ladder.send(Method::Stop, &[], "");
    assert!(ladder.abandoned(key));
    let before = ladder.outputs.len();
    ladder.ready(key);
    assert_eq!(ladder.outputs.len(), before, "what comes late changes nothing");
}

#[test]
fn syn_041_a_queued_speak_is_fetched_ahead_by_default_and_with_safe_only_when_it_is_spoken() {
    let markup = speak("<audio src=\"http://pbx.example/a.wav\"/>");
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[PLAIN], "First.");
    ladder.send(Method::Speak, &[SSML], &markup);
    assert_eq!(ladder.asked_audio().len(), 1);

    for hint in [HeaderName::FetchHint, HeaderName::AudioFetchHint] {
        let mut ladder = Ladder::established(Resource::SpeechSynth);
        ladder.send(Method::Speak, &[PLAIN], "First.");
        ladder.send(Method::Speak, &[SSML, (hint, "safe")], &markup);
        assert_eq!(ladder.messages(), ["200 IN-PROGRESS", "200 PENDING"]);
        assert!(ladder.asked_audio().is_empty(), "it is not referenced yet");
        assert_eq!(ladder.heard(), ["First."]);
        ladder.pass(1_000);
        let (key, _) = ladder.asked_audio().remove(0);
        ladder.input(Input::AudioLoaded { key, outcome: Err(missing("404")) });
        ladder.pass(1_000);
        let last = ladder.messages().pop().unwrap();
        assert_eq!(last, "SPEAK-COMPLETE COMPLETE 003 uri-failure");
    }
}

#[test]
fn a_recording_is_kept_until_its_speak_is_over() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[SSML], &speak("<audio src=\"http://pbx.example/a.wav\"/>"));
    let (key, _) = ladder.asked_audio().remove(0);
    ladder.ready(key);
    assert!(!ladder.abandoned(key));
    ladder.send(Method::Stop, &[], "");
    assert!(ladder.abandoned(key));
}

#[test]
fn ghf_024_cookies_set_while_speech_is_fetched_come_with_speak_complete() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[URI_LIST], "http://pbx.example/a.txt");
    let (key, uri) = ladder.asked_one();
    let mut outcome = document(&uri, "text/plain", "Hello.");
    if let Ok(fetched) = &mut outcome {
        fetched.set_cookies = vec!["a=1; Domain=pbx.example; Path=/".to_owned()];
    }
    ladder.input(Input::Fetched { key, outcome });
    ladder.heard();
    ladder.pass(1_000);
    let told = ladder.outputs.iter().find_map(|output| match output {
        Output::Mrcp { message: Message::Event(event), .. } => event.headers.text(&HeaderName::SetCookie),
        _ => None,
    });
    assert!(told.is_some_and(|told| told.starts_with("a=1;") && told.contains("Age=")), "{told:?}");
}
