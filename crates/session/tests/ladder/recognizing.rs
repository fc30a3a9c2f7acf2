//! The recognizer's channels: from audio, keys and text to results.

use super::*;
use speech::nlsml::NlsmlResult;

const SRGS: (HeaderName, &str) = (HeaderName::ContentType, "application/srgs+xml");
const CITIES: &str = "<?xml version=\"1.0\"?><grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" \
                      xml:lang=\"en-US\" root=\"r\"><rule id=\"r\"><one-of><item>london</item><item>paris</item>\
                      <item>stop it</item></one-of></rule></grammar>";

impl Ladder {
    fn recognize(&mut self, headers: &[(HeaderName, &str)], uri: &str) -> RequestId {
        let mut all = vec![URI_LIST, (HeaderName::CancelIfQueue, "false")];
        all.extend_from_slice(headers);
        self.send(Method::Recognize, &all, uri)
    }

    /// The listening that was asked for last.
    fn listening(&self) -> session::ListenKey {
        let keys = self.outputs.iter().rev().find_map(|output| match output {
            Output::Listen { key, .. } => Some(*key),
            _ => None,
        });
        keys.expect("it listens")
    }

    fn hear(&mut self, heard: Heard) {
        let key = self.listening();
        self.input(Input::Heard { key, heard });
    }

    /// The caller says something, and is silent for long enough.
    fn say(&mut self, hypotheses: &[(&str, f32)]) {
        let hypotheses: Vec<Hypothesis> = hypotheses
            .iter()
            .map(|(text, confidence)| Hypothesis::new(*text, *confidence, Language::English))
            .collect();
        self.hear(Heard::SpeechStarted { offset: Duration::from_millis(300) });
        self.pass(600);
        self.hear(Heard::SpeechEnded { offset: Duration::from_millis(900), silence: Duration::ZERO });
        self.hear(Heard::Hypotheses { hypotheses: hypotheses.clone(), is_final: false });
        self.pass(1_000);
        self.hear(Heard::Hypotheses { hypotheses, is_final: true });
    }

    fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            let digit = media::DtmfDigit::from_char(key).unwrap();
            let event = media::LegEvent::Dtmf { digit, duration_ms: 80 };
            self.input(Input::Leg { leg: session::LegId(0), event });
        }
    }

    fn last_result(&self) -> NlsmlResult {
        let body = self.outputs.iter().rev().find_map(|output| match output {
            Output::Mrcp { message, .. } if !message.body().is_empty() => Some(message.body().clone()),
            _ => None,
        });
        speech::nlsml::read(std::str::from_utf8(&body.expect("a result")).unwrap()).unwrap()
    }

    fn last(&self) -> String {
        self.messages().last().cloned().unwrap_or_default()
    }

    fn header(&self, name: &HeaderName) -> Option<String> {
        self.outputs.iter().rev().find_map(|output| match output {
            Output::Mrcp { message, .. } => message.headers().text(name).map(str::to_owned),
            _ => None,
        })
    }
}

#[test]
fn rec_001_every_kind_of_grammar_starts_a_recognition() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let define = [SRGS, (HeaderName::ContentId, "<cities@client>")];
    ladder.send(Method::DefineGrammar, &define, CITIES);
    let grammars = [
        (URI_LIST, "builtin:speech/transcribe"),
        (URI_LIST, "session:cities@client\nbuiltin:dtmf/digits"),
        (
            (HeaderName::ContentType, "text/grammar-ref-list"),
            "<session:cities@client>;weight=\"2\"\r\nbuiltin:dtmf/digits",
        ),
        (SRGS, CITIES),
    ];
    for (content_type, body) in grammars {
        ladder.outputs.clear();
        ladder.send(Method::Recognize, &[content_type, (HeaderName::CancelIfQueue, "false")], body);
        assert_eq!(ladder.messages(), ["200 IN-PROGRESS"], "{body}");
        ladder.send(Method::Stop, &[], "");
    }
}

#[test]
fn rec_056_nls_011_sec_017_a_script_that_fails_completes_with_012_and_the_words() {
    for tag in ["throw new Error()", "while (true) {}"] {
        let grammar = format!(
            "<grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" xml:lang=\"en-US\" root=\"r\" \
             tag-format=\"semantics/1.0\"><rule id=\"r\">london<tag>{tag}</tag></rule></grammar>"
        );
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.send(Method::Recognize, &[SRGS, (HeaderName::CancelIfQueue, "false")], &grammar);
        ladder.say(&[("london", 0.8)]);
        assert_eq!(ladder.last(), "RECOGNITION-COMPLETE COMPLETE 012 semantics-failure", "{tag}");
        let [only] = ladder.last_result().interpretations.try_into().unwrap();
        assert_eq!(only.instance, None);
        assert!(matches!(only.input, speech::nlsml::Input::Matched { text, .. } if text == "london"));
    }
}

#[test]
fn silence_ends_with_a_document_that_says_so_where_that_is_wanted() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[(HeaderName::NoInputTimeout, "1000")], "builtin:grammar/digits");
    ladder.pass(1_100);
    assert_eq!(ladder.last(), "RECOGNITION-COMPLETE COMPLETE 002 no-input-timeout");
    let [only] = ladder.last_result().interpretations.try_into().unwrap();
    assert_eq!((only.grammar.as_deref(), only.instance), (Some("builtin:grammar/digits"), None));
    assert!(matches!(only.input, speech::nlsml::Input::NoInput));
}

#[test]
fn keys_that_match_after_words_that_do_not_make_a_mixed_result() {
    let keyed = |said: &str| {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.recognize(&[], "builtin:grammar/boolean\nbuiltin:dtmf/digits?length=2");
        ladder.hear(Heard::SpeechStarted { offset: Duration::from_millis(300) });
        ladder.pass(300);
        ladder.hear(Heard::SpeechEnded { offset: Duration::from_millis(600), silence: Duration::ZERO });
        let hypotheses = vec![Hypothesis::new(said, 0.6, Language::English)];
        ladder.hear(Heard::Hypotheses { hypotheses, is_final: false });
        ladder.press("42");
        ladder.pass(100);
        assert_eq!(ladder.last(), "RECOGNITION-COMPLETE COMPLETE 000 success");
        String::from_utf8(
            ladder
                .outputs
                .iter()
                .rev()
                .find_map(|output| match output {
                    Output::Mrcp { message, .. } if !message.body().is_empty() => Some(message.body().to_vec()),
                    _ => None,
                })
                .unwrap(),
        )
        .unwrap()
    };
    let mixed = keyed("banana");
    assert!(mixed.contains("<nomatch>banana</nomatch></input><input mode=\"dtmf\""), "{mixed}");
    assert!(mixed.contains("4 2</input></input>"), "{mixed}");
    // What matched, and was taken over by keys, was no mistake.
    assert!(!keyed("yes").contains("nomatch"));
}

#[test]
fn rec_031_a_match_has_to_be_surer_than_the_threshold() {
    for (threshold, cause) in [("0.79", "000 success"), ("0.8", "001 no-match"), ("1.0", "001 no-match")] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.recognize(&[(HeaderName::ConfidenceThreshold, threshold)], "builtin:speech/transcribe");
        ladder.say(&[("london", 0.8)]);
        assert_eq!(ladder.last(), format!("RECOGNITION-COMPLETE COMPLETE {cause}"), "{threshold}");
    }
}

#[test]
fn rec_032_nls_004_alternatives_come_best_first_and_above_the_threshold() {
    let said = [("london", 0.9), ("paris", 0.6), ("rome", 0.2)];
    for (asked, found) in [(None, vec!["london"]), (Some("5"), vec!["london", "paris"])] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        let mut headers = vec![(HeaderName::ConfidenceThreshold, "0.5")];
        headers.extend(asked.map(|n_best| (HeaderName::NBestListLength, n_best)));
        ladder.recognize(&headers, "builtin:speech/transcribe");
        ladder.say(&said);
        let result = ladder.last_result();
        let instances: Vec<_> =
            result.interpretations.iter().map(|one| one.instance.as_ref().unwrap().as_str().unwrap()).collect();
        assert_eq!(instances, found);
        assert!(result.interpretations.is_sorted_by(|a, b| a.confidence >= b.confidence));
    }
}

#[test]
fn rec_038_rec_039_get_result_has_more_alternatives_or_fewer_as_often_as_it_is_asked() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[], "builtin:speech/transcribe");
    ladder.say(&[("london", 0.9), ("paris", 0.6), ("rome", 0.2)]);
    for (headers, count) in [
        (vec![(HeaderName::NBestListLength, "3")], 3),
        (vec![(HeaderName::NBestListLength, "3"), (HeaderName::ConfidenceThreshold, "0.5")], 2),
        (vec![], 1),
    ] {
        ladder.send(Method::GetResult, &headers, "");
        assert_eq!(ladder.last(), "200 COMPLETE");
        assert_eq!(ladder.last_result().interpretations.len(), count);
    }
    ladder.send(Method::GetResult, &[(HeaderName::ConfidenceThreshold, "0.95")], "");
    assert_eq!(ladder.header(&HeaderName::CompletionCause).as_deref(), Some("001 no-match"));
    ladder.recognize(&[], "builtin:speech/transcribe");
    ladder.send(Method::GetResult, &[], "");
    assert_eq!(ladder.last(), "402 COMPLETE");
}

#[test]
fn rec_039_the_result_of_keys_is_kept_too() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[], "builtin:dtmf/digits?length=2");
    ladder.press("42");
    ladder.pass(20);
    ladder.send(Method::GetResult, &[], "");
    assert_eq!(ladder.last_result().interpretations[0].instance, Some(serde_json::json!("42")));
}

#[test]
fn rec_025_a_hotword_is_found_inside_a_sentence_and_other_speech_is_forgotten() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let headers = [SRGS, (HeaderName::CancelIfQueue, "false"), (HeaderName::RecognitionMode, "hotword")];
    ladder.send(Method::Recognize, &headers, CITIES);
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::Listen { partials: true, .. })));
    let first = ladder.listening();
    ladder.hear(Heard::SpeechStarted { offset: Duration::from_millis(300) });
    ladder.hear(Heard::Partial { text: "what a nice day it is".to_owned() });
    ladder.pass(600);
    ladder.hear(Heard::SpeechEnded { offset: Duration::from_millis(900), silence: Duration::ZERO });
    let other = vec![Hypothesis::new("what a nice day it is", 0.9, Language::English)];
    ladder.hear(Heard::Hypotheses { hypotheses: other, is_final: false });
    ladder.pass(1_000);
    let second = ladder.listening();
    assert_ne!(first, second, "the engine begins anew");
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::StopListening { key, .. } if *key == first)));
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS"]);
    // What the first listening still says is of the past.
    ladder.input(Input::Heard { key: first, heard: Heard::Partial { text: "stop it".to_owned() } });
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS"]);
    ladder.hear(Heard::SpeechStarted { offset: Duration::ZERO });
    ladder.hear(Heard::Partial { text: "would you please stop it".to_owned() });
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::FinishListening { key } if *key == second)));
    let hypotheses = vec![Hypothesis::new("would you please stop it at once", 0.8, Language::English)];
    ladder.hear(Heard::Hypotheses { hypotheses, is_final: true });
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS", "RECOGNITION-COMPLETE COMPLETE 000 success"]);
    assert_eq!(ladder.last_result().interpretations[0].instance, Some(serde_json::json!("stop it")));
}

#[test]
fn rec_055_a_language_that_nobody_serves_is_refused_and_one_that_no_engine_hears_completes_so() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[(HeaderName::SpeechLanguage, "hi-IN")], "builtin:speech/transcribe");
    assert_eq!(ladder.last(), "407 COMPLETE");
    assert_eq!(ladder.header(&HeaderName::CompletionCause).as_deref(), Some("010 language-unsupported"));
    ladder.recognize(&[(HeaderName::SpeechLanguage, "zh-CN")], "builtin:speech/transcribe");
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::Listen { language: Language::Chinese, .. })));
    ladder.hear(Heard::LanguageUnsupported);
    ladder.pass(20);
    assert_eq!(ladder.last(), "RECOGNITION-COMPLETE COMPLETE 010 language-unsupported");
}

#[test]
fn rec_068_keys_are_all_that_dtmfrecog_takes() {
    let mut ladder = Ladder::established(Resource::DtmfRecog);
    for (uri, refused) in [
        ("builtin:speech/transcribe", true),
        ("builtin:dtmf/digits\nbuiltin:speech/transcribe", true),
        ("builtin:dtmf/digits?length=2", false),
    ] {
        ladder.outputs.clear();
        ladder.recognize(&[], uri);
        if refused {
            assert_eq!(ladder.messages(), ["407 COMPLETE"]);
            let cause = ladder.header(&HeaderName::CompletionCause);
            assert_eq!(cause.as_deref(), Some("016 grammar-definition-failure"));
        }
    }
    assert!(!ladder.outputs.iter().any(|output| matches!(output, Output::Listen { .. })), "no engine listens");
    ladder.press("42");
    ladder.pass(20);
    assert_eq!(
        ladder.messages(),
        ["200 IN-PROGRESS", "START-OF-INPUT IN-PROGRESS", "RECOGNITION-COMPLETE COMPLETE 000 success"]
    );
    ladder.send(Method::DefineGrammar, &[SRGS, (HeaderName::ContentId, "g")], CITIES);
    assert_eq!(ladder.header(&HeaderName::CompletionCause).as_deref(), Some("016 grammar-definition-failure"));
}

#[test]
fn rec_068_dtmfrecog_needs_no_place_of_an_engine() {
    let mut ladder = Ladder::offered(Resource::DtmfRecog);
    let reservation = ladder.reservation();
    assert_eq!((reservation.recognizers, reservation.legs.len()), (0, 1));
}

#[test]
fn rec_069_with_grammars_of_keys_alone_nobody_listens_to_speech() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[], "builtin:dtmf/digits");
    assert!(!ladder.outputs.iter().any(|output| matches!(output, Output::Listen { .. })));
}

#[test]
fn rec_070_int_006_speech_and_keys_are_taken_by_one_recognition_and_the_first_wins() {
    const BOTH: &str = "builtin:speech/transcribe\nbuiltin:dtmf/digits?length=1";
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[], BOTH);
    ladder.press("4");
    ladder.pass(20);
    let result = ladder.last_result();
    assert_eq!(result.interpretations[0].instance, Some(serde_json::json!("4")));
    assert_eq!(result.interpretations[0].grammar.as_deref(), Some("builtin:dtmf/digits?length=1"));
    ladder.recognize(&[], BOTH);
    ladder.say(&[("four", 0.9)]);
    assert_eq!(ladder.last_result().interpretations[0].instance, Some(serde_json::json!("four")));
}

#[test]
fn dtm_015_keys_stand_apart_in_the_input_and_together_in_the_instance() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[(HeaderName::DtmfTermChar, "#")], "builtin:dtmf/digits");
    ladder.press("1234#");
    ladder.pass(20);
    let body = ladder.outputs.iter().rev().find_map(|output| match output {
        Output::Mrcp { message, .. } if !message.body().is_empty() => Some(message.body().clone()),
        _ => None,
    });
    let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
    assert!(
        body.contains("mode=\"dtmf\" confidence=\"1.00\">1 2 3 4</input>") && body.contains("1234</instance>"),
        "{body}"
    );
}

#[test]
fn rec_060_rec_064_a_text_is_interpreted_as_if_it_had_been_said_and_surely() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let headers = [SRGS, (HeaderName::ContentId, "<c@x>"), (HeaderName::InterpretText, "paris")];
    ladder.send(Method::Interpret, &headers, CITIES);
    ladder.pass(20);
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS", "INTERPRETATION-COMPLETE COMPLETE 000 success"]);
    let result = ladder.last_result();
    assert_eq!(result.interpretations[0].instance, Some(serde_json::json!("paris")));
    assert!((result.interpretations[0].confidence - 1.0).abs() < f32::EPSILON);
    let body = String::from_utf8(
        ladder
            .outputs
            .iter()
            .rev()
            .find_map(|output| match output {
                Output::Mrcp { message, .. } if !message.body().is_empty() => Some(message.body().to_vec()),
                _ => None,
            })
            .unwrap(),
    )
    .unwrap();
    assert!(!body.contains("timestamp"), "{body}");
    ladder.send(Method::Interpret, &[URI_LIST, (HeaderName::InterpretText, "1 2")], "builtin:dtmf/digits");
    ladder.pass(20);
    assert_eq!(ladder.last_result().interpretations[0].instance, Some(serde_json::json!("12")));
    ladder.send(Method::Interpret, &[SRGS, (HeaderName::InterpretText, "tokyo")], CITIES);
    ladder.pass(20);
    assert_eq!(ladder.last(), "INTERPRETATION-COMPLETE COMPLETE 001 no-match");
}

#[test]
fn rec_058_every_recognition_listens_anew_to_what_comes_after_it() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    assert!(ladder.outputs.is_empty(), "nothing is captured before");
    ladder.recognize(&[], "builtin:speech/transcribe");
    let first = ladder.listening();
    ladder.say(&[("london", 0.9)]);
    ladder.pass(20);
    ladder.outputs.clear();
    ladder.recognize(&[], "builtin:speech/transcribe");
    assert_ne!(ladder.listening(), first);
    ladder.input(Input::Heard { key: first, heard: Heard::SpeechStarted { offset: Duration::ZERO } });
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS"]);
}

#[test]
fn rec_033_the_sensitivity_asked_for_reaches_the_engine() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[(HeaderName::SensitivityLevel, "0.8")], "builtin:speech/transcribe");
    assert!(
        ladder.outputs.iter().any(|output| matches!(output, Output::Listen { sensitivity: 80, partials: false, .. }))
    );
}

#[test]
fn rec_072_a_client_that_dies_frees_the_engine() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[], "builtin:speech/transcribe");
    ladder.input(Input::ConnectionLost { channels: vec![ladder.channel.clone()] });
    ladder.pass(2_100);
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::StopListening { .. })));
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::CloseLeg { .. })));
}

#[test]
fn int_002_int_003_int_004_stock_clients_define_grammars_with_bare_names_and_lists_without_line_ends() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::DefineGrammar, &[SRGS, (HeaderName::ContentId, "demo-grammar-1")], CITIES);
    assert_eq!(ladder.messages(), ["200 COMPLETE"]);
    for list in ["session:demo-grammar-1\n", "session:demo-grammar-1"] {
        ladder.recognize(&[(HeaderName::DtmfTermChar, "#")], list);
        ladder.say(&[("paris", 0.9)]);
        assert_eq!(ladder.last(), "RECOGNITION-COMPLETE COMPLETE 000 success");
        let result = ladder.last_result();
        assert_eq!(result.interpretations[0].grammar.as_deref(), Some("session:demo-grammar-1"));
    }
}

#[test]
fn int_005_builtins_are_known_however_clients_write_them() {
    for uri in [
        "builtin:speech/transcribe?",
        "builtin:grammar/boolean?language=zh-CN;y=1;n=2 builtin",
        "builtin:grammar/digits?length=4;language=en-US",
    ] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.recognize(&[], uri);
        assert_eq!(ladder.messages(), ["200 IN-PROGRESS"], "{uri}");
    }
}

#[test]
fn int_009_an_interpretation_has_grammar_confidence_one_instance_and_one_input() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.recognize(&[], "builtin:speech/transcribe");
    ladder.say(&[("london", 0.9)]);
    let body = ladder.outputs.iter().rev().find_map(|output| match output {
        Output::Mrcp { message, .. } if !message.body().is_empty() => Some(message.body().to_vec()),
        _ => None,
    });
    let body = String::from_utf8(body.unwrap()).unwrap();
    assert!(body.contains("<interpretation grammar=\"builtin:speech/transcribe\" confidence=\"0.90\">"), "{body}");
    assert_eq!((body.matches("<instance>").count(), body.matches("<input mode=\"speech\"").count()), (1, 1), "{body}");
}

const ROUTES: &str = "<?xml version=\"1.0\"?><grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" \
                      xml:lang=\"en-US\" root=\"r\"><rule id=\"r\"><one-of><item>from london</item>\
                      <item>from paris to rome</item><item>from paris</item></one-of></rule></grammar>";

#[test]
fn rec_026_rec_027_rec_028_rec_029_the_grammar_decides_how_long_the_silence_has_to_be() {
    let timeouts = [(HeaderName::SpeechCompleteTimeout, "300"), (HeaderName::SpeechIncompleteTimeout, "900")];
    for (said, silence_ms, cause) in [
        ("from london", 300, "000 success"),
        ("from paris", 900, "000 success"),
        ("from paris to", 900, "013 partial-match"),
        ("good morning", 900, "001 no-match"),
    ] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.send(Method::Recognize, &[SRGS, timeouts[0].clone(), timeouts[1].clone()], ROUTES);
        let hypotheses = vec![Hypothesis::new(said, 0.9, Language::English)];
        ladder.hear(Heard::SpeechStarted { offset: Duration::ZERO });
        ladder.pass(500);
        ladder.hear(Heard::SpeechEnded { offset: Duration::from_millis(500), silence: Duration::ZERO });
        ladder.hear(Heard::Hypotheses { hypotheses: hypotheses.clone(), is_final: false });
        let is_asked =
            |ladder: &Ladder| ladder.outputs.iter().any(|output| matches!(output, Output::FinishListening { .. }));
        ladder.pass(silence_ms - 1);
        assert!(!is_asked(&ladder), "{said}");
        ladder.pass(1);
        assert!(is_asked(&ladder), "{said}");
        ladder.hear(Heard::Hypotheses { hypotheses, is_final: true });
        assert_eq!(ladder.last(), format!("RECOGNITION-COMPLETE COMPLETE {cause}"), "{said}");
    }
}

#[test]
fn rec_022_at_the_recognition_timeout_the_grammar_tells_full_partial_and_no_match_apart() {
    for (said, cause) in [
        ("from paris", "008 success-maxtime"),
        ("from paris to", "014 partial-match-maxtime"),
        ("good morning", "015 no-match-maxtime"),
    ] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.send(Method::Recognize, &[SRGS, (HeaderName::RecognitionTimeout, "2000")], ROUTES);
        ladder.hear(Heard::SpeechStarted { offset: Duration::ZERO });
        ladder.pass(2_000);
        let hypotheses = vec![Hypothesis::new(said, 0.9, Language::English)];
        ladder.hear(Heard::Hypotheses { hypotheses, is_final: true });
        assert_eq!(ladder.last(), format!("RECOGNITION-COMPLETE COMPLETE {cause}"), "{said}");
    }
}

#[test]
fn rec_030_words_that_no_grammar_takes_end_speech_early_if_that_is_asked_for() {
    for (early, ends) in [("true", true), ("false", false)] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.send(Method::Recognize, &[SRGS, (HeaderName::EarlyNoMatch, early)], ROUTES);
        ladder.hear(Heard::SpeechStarted { offset: Duration::ZERO });
        for text in ["from", "from par", "from paris t"] {
            ladder.hear(Heard::Partial { text: text.to_owned() });
            assert!(!ladder.outputs.iter().any(|output| matches!(output, Output::FinishListening { .. })), "{text}");
        }
        ladder.hear(Heard::Partial { text: "from here to".to_owned() });
        assert_eq!(ladder.outputs.iter().any(|output| matches!(output, Output::FinishListening { .. })), ends);
    }
}

#[test]
fn ghf_001_ghf_002_nls_001_results_are_written_as_the_client_accepts_them_or_not_at_all() {
    let content_type = |ladder: &Ladder| ladder.header(&HeaderName::ContentType);
    for (accept, expected) in [
        (None, Some("application/nlsml+xml")),
        (Some("application/emma+xml"), Some("application/emma+xml")),
        (Some("application/emma+xml;q=0.4, */*"), Some("application/nlsml+xml")),
        (Some("image/png"), None),
    ] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        let headers: Vec<_> = accept.map(|accept| (HeaderName::Accept, accept)).into_iter().collect();
        ladder.recognize(&headers, "builtin:speech/transcribe");
        if expected.is_none() {
            assert_eq!(ladder.messages(), ["409 COMPLETE"]);
            assert_eq!(ladder.header(&HeaderName::Accept).as_deref(), accept);
            continue;
        }
        ladder.say(&[("london", 0.9)]);
        assert_eq!(content_type(&ladder).as_deref(), expected, "{accept:?}");
        ladder.send(Method::GetResult, &[(HeaderName::Accept, "application/emma+xml")], "");
        assert_eq!(content_type(&ladder).as_deref(), Some("application/emma+xml"));
        ladder.send(Method::GetResult, &[(HeaderName::Accept, "text/plain")], "");
        assert_eq!(ladder.last(), "409 COMPLETE");
    }
    // What SET-PARAMS says holds for all.
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::SetParams, &[(HeaderName::Accept, "application/emma+xml")], "");
    ladder.recognize(&[], "builtin:speech/transcribe");
    ladder.say(&[("london", 0.9)]);
    assert_eq!(content_type(&ladder).as_deref(), Some("application/emma+xml"));
}

#[test]
fn dtm_016_a_grammar_of_keys_names_them_in_every_way() {
    let grammar = |item: &str| {
        format!(
            "<?xml version=\"1.0\"?><grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" \
             mode=\"dtmf\" root=\"r\"><rule id=\"r\">{item}</rule></grammar>"
        )
    };
    for (item, keys) in
        [("1 2 * #", "12*#"), ("dtmf-1 dtmf-star dtmf-pound", "1*#"), ("star pound A D", "*#AD"), ("123", "123")]
    {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.send(Method::Recognize, &[SRGS], &grammar(item));
        ladder.press(keys);
        ladder.pass(20);
        assert_eq!(ladder.last(), "RECOGNITION-COMPLETE COMPLETE 000 success", "{item}");
    }
}

#[test]
fn rec_014_a_result_is_nlsml_with_an_instance_and_an_input_whatever_came_of_it() {
    for (said, confidence) in [("from london", 0.9), ("from paris to", 0.9), ("hello", 0.9), ("", 0.0)] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.send(Method::Recognize, &[SRGS, (HeaderName::ContentId, "<g@x>")], ROUTES);
        ladder.say(&[(said, confidence)]);
        assert_eq!(ladder.header(&HeaderName::ContentType).as_deref(), Some("application/nlsml+xml"));
        let body = ladder.outputs.iter().rev().find_map(|output| match output {
            Output::Mrcp { message, .. } if !message.body().is_empty() => Some(message.body().to_vec()),
            _ => None,
        });
        let body = String::from_utf8(body.unwrap()).unwrap();
        assert!(body.contains("<result xmlns=\"urn:ietf:params:xml:ns:mrcpv2\""), "{body}");
        let at = |element: &str| body.find(element).unwrap_or_else(|| panic!("no {element} in {body}"));
        assert!(at("<interpretation") < at("<instance") && at("<instance") < at("<input"), "{body}");
    }
}
