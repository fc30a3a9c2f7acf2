use super::*;
use crate::segments;

fn ssml(body: &str) -> Vec<Segment> {
    segments("application/ssml+xml", body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn kind(content_type: &str, body: &str) -> SpeechMarkupErrorKind {
    segments(content_type, body.as_bytes()).unwrap_err().kind
}

fn words(text: &str) -> Segment {
    Segment::Text { text: text.into(), language: None, voice: None, gender: None, prosody: Prosody::default() }
}

/// The words of all texts, pauses as `|`, other segments by their first letter.
fn outline(segments: &[Segment]) -> String {
    let part = |segment: &Segment| match segment {
        Segment::Text { text, .. } => text.clone(),
        Segment::Break { ms } => format!("|{ms}|"),
        Segment::Audio { src, fallback } => format!("A({src} {})", outline(fallback)),
        Segment::Mark { name } => format!("M({name})"),
        Segment::DialogReply(uri) => format!("D({uri})"),
    };
    segments.iter().map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn syn_033_plain_text_is_spoken_as_it_is() {
    assert_eq!(segments("text/plain", b" Hello,\n world "), Ok(vec![words("Hello, world")]));
    assert_eq!(segments("text/plain; charset=utf-8", "你好\r\n世界".as_bytes()), Ok(vec![words("你好世界")]));
    assert_eq!(outline(&segments("text/plain", b"One.\n\nTwo.").unwrap()), "One./Two.");
    assert_eq!(segments("text/plain", b"a\xff\xfeb"), Ok(vec![words("ab")]));
    assert_eq!(segments("text/plain", b" \r\n "), Ok(vec![]));
    assert_eq!(segments("text/plain", b"5 < 6 & <b>"), Ok(vec![words("5 < 6 & <b>")]));
}

#[test]
fn markup_in_a_plain_body_is_still_markup() {
    assert_eq!(outline(&segments("text/plain", b"<speak>Hello <break time='1s'/></speak>").unwrap()), "Hello/|1000|");
}

#[test]
fn a_dialog_reply_is_found_wherever_it_may_stand() {
    let expected = "D(dialog:reply?conversation=c1&flow=survey)";
    let uri = "dialog:reply?conversation=c1&flow=survey";
    assert_eq!(outline(&segments("text/plain", format!(" {uri}\r\n").as_bytes()).unwrap()), expected);
    assert_eq!(outline(&segments("text/uri-list", format!("# x\n{uri}\n").as_bytes()).unwrap()), expected);
    let markup = format!("<speak>Hi <audio src=\"{}\">no</audio></speak>", uri.replace('&', "&amp;"));
    assert_eq!(outline(&ssml(&markup)), format!("Hi/{expected}"));
    // The bare & of a dialplan that does not know XML.
    assert_eq!(outline(&ssml(&format!("<speak><audio src=\"{uri}\"/></speak>"))), expected);
    assert_eq!(kind("text/plain", "dialog:ask"), SpeechMarkupErrorKind::Uri);
    assert_eq!(segments("text/plain", b"dialog: I said"), Ok(vec![words("dialog: I said")]));
}

#[test]
fn a_uri_list_is_played_in_order() {
    let list = b"http://example.com/a.wav\r\n\r\nfile:///b.wav\n";
    assert_eq!(outline(&segments("text/uri-list", list).unwrap()), "A(http://example.com/a.wav )/A(file:///b.wav )");
    assert_eq!(kind("text/uri-list", "not a uri"), SpeechMarkupErrorKind::Uri);
}

#[test]
fn syn_048_sentences_are_segments_and_inline_markup_is_not() {
    let body = "<?xml version=\"1.0\"?><speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"en-US\">\
        <p><s>Welcome to <emphasis>our</emphasis> clinic.</s> <s>Please <w>hold</w>.</s></p> Bye <unknown>now</unknown></speak>";
    assert_eq!(outline(&ssml(body)), "Welcome to our clinic./Please hold./Bye now");
}

#[test]
fn syn_048_breaks_have_a_length() {
    for (attributes, expected) in [
        ("time='250ms'", "|250|"),
        ("time='2s'", "|2000|"),
        ("time='+0.5s'", "|500|"),
        ("time='999s'", "|60000|"),
        ("", "|400|"),
        ("strength='strong'", "|700|"),
        ("strength='none'", ""),
        ("time='soon'", "|400|"),
        ("time='0ms'", ""),
    ] {
        assert_eq!(outline(&ssml(&format!("<speak><break {attributes}/></speak>"))), expected, "{attributes}");
    }
}

#[test]
fn syn_048_voices_languages_and_prosody_reach_the_words() {
    let body = "<speak xml:lang='en-US'>a <voice name='amy bob'>b <prosody rate='slow' volume='50%'>c \
        <prosody rate='50%'>d</prosody></prosody></voice><voice gender='male' xml:lang='zh-CN'>好</voice> \
        <lang xml:lang='fr'>e</lang></speak>";
    let found: Vec<_> = ssml(body)
        .into_iter()
        .map(|segment| match segment {
            Segment::Text { text, language, voice, gender, prosody } => {
                (text, language, voice, gender, prosody.rate, prosody.volume)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let english = Some(Language::English);
    let amy = Some("amy bob".to_owned());
    assert_eq!(
        found,
        [
            ("a".to_owned(), english, None, None, 1.0, 1.0),
            ("b".to_owned(), english, amy.clone(), None, 1.0, 1.0),
            ("c".to_owned(), english, amy.clone(), None, 0.8, 0.5),
            ("d".to_owned(), english, amy, None, 0.4, 0.5),
            ("好".to_owned(), Some(Language::Chinese), None, Some(Gender::Male), 1.0, 1.0),
            ("e".to_owned(), english, None, None, 1.0, 1.0),
        ]
    );
}

#[test]
fn syn_048_words_are_read_as_the_markup_says() {
    let body = "<speak>Dial <say-as interpret-as='digits'>12</say-as>, <sub alias='W three C'>W3C</sub>, \
        <phoneme ph='x'>tomato</phoneme><mark name='here'/>, now</speak>";
    assert_eq!(outline(&ssml(body)), "Dial one two, W three C, tomato/M(here)/, now");
}

#[test]
fn syn_048_audio_keeps_its_fallback() {
    let body = "<speak><audio src='a.wav'>Hello <break time='1s'/></audio><audio>only words</audio><audio src='b.wav'><desc>x</desc></audio></speak>";
    assert_eq!(outline(&ssml(body)), "A(a.wav Hello/|1000|)/only words/A(b.wav )");
}

#[test]
fn references_that_freeswitch_broke_are_repaired() {
    for (body, expected) in [
        ("<speak>&pound22909;&poundx7684; &pound35;</speak>", "好的 #"),
        ("<speak>&#22909; fish &amp; chips</speak>", "好 fish & chips"),
        ("<speak>fish & chips, A&B; 5 &lt; 6 &pound38;</speak>", "fish & chips, A&B; 5 < 6 &"),
        ("<speak>caf&eacute;&nbsp;now &bogus; &pound;5</speak>", "café now &bogus; £5"),
        ("<speak>&pound60;b&pound62;</speak>", "<b>"),
    ] {
        assert_eq!(outline(&ssml(body)), expected, "{body}");
    }
}

#[test]
fn syn_037_faulty_markup_is_an_error_with_its_place() {
    let error = segments("application/ssml+xml", b"<speak>\n  <p>a</s></speak>").unwrap_err();
    assert_eq!(error.kind, SpeechMarkupErrorKind::Syntax);
    assert_eq!(error.position.map(|(line, _)| line), Some(2));
    for body in ["", "Hello", "<speak>", "<speech/>", "<speak>&", "<!DOCTYPE s [<!ENTITY a 'b'>]><speak>&a;</speak>"] {
        assert_eq!(kind("application/ssml+xml", body), SpeechMarkupErrorKind::Syntax, "{body}");
    }
    assert_eq!(kind("application/pls+xml", "<lexicon/>"), SpeechMarkupErrorKind::UnsupportedMediaType);
}

#[test]
fn huge_bodies_are_refused() {
    assert_eq!(kind("text/plain", &"a".repeat(300_000)), SpeechMarkupErrorKind::TooLarge);
    assert_eq!(kind("text/plain", &"a ".repeat(60_000)), SpeechMarkupErrorKind::TooLarge);
    let deep = format!("<speak>{}{}</speak>", "<p>".repeat(100), "</p>".repeat(100));
    assert_eq!(kind("application/ssml+xml", &deep), SpeechMarkupErrorKind::TooLarge);
    let many = format!("<speak>{}</speak>", "<break/>".repeat(2_001));
    assert_eq!(kind("application/ssml+xml", &many), SpeechMarkupErrorKind::TooLarge);
}

#[test]
fn every_truncation_is_an_error_or_speech_and_no_panic() {
    let body =
        "<?xml version='1.0'?><speak>&#22909; <audio src='dialog:reply?x=1'>你好</audio><break time='1s'/></speak>"
            .as_bytes();
    for cut in 0..body.len() {
        assert!(segments("application/ssml+xml", &body[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn syn_048_the_whole_of_ssml_1_is_read_and_what_is_said_about_it_is_not_spoken() {
    let body = "<?xml version='1.0'?><speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' xml:lang='en-US' \
        xml:base='http://192.0.2.1/prompts/'><meta name='a' content='b'/><metadata><x>not this</x></metadata>\
        <lexicon uri='names.pls' type='application/pls+xml'/><lexicon uri='session:more'/>\
        <p><s>One <emphasis level='strong'>two</emphasis>.</s><s><phoneme alphabet='ipa' ph='x'>three</phoneme></s></p>\
        <p><voice gender='female' age='30' variant='2'>four</voice> <prosody contour='(0%,+20Hz)' range='high' \
        duration='2s' rate='fast'>five</prosody><audio src='a.wav'><desc>not this</desc>six</audio></p></speak>";
    let document = crate::document("application/ssml+xml", body.as_bytes()).unwrap();
    assert_eq!(outline(&document.segments), "One two./three/four/five/A(a.wav six)");
    assert!(document.is_markup);
    assert_eq!(document.lexicons, ["names.pls", "session:more"]);
    assert_eq!(document.base.as_deref(), Some("http://192.0.2.1/prompts/"));
}

#[test]
fn syn_047_syn_049_a_synthesizer_of_clips_has_four_elements_and_refuses_the_others_by_name() {
    let body = "<speak><metadata><rdf/></metadata><p>Your code is <say-as interpret-as='digits'>12</say-as>\
        <mark name='m'/><audio src='a.wav'>x</audio></p></speak>";
    let document = crate::basic_document("application/ssml+xml", body.as_bytes()).unwrap();
    assert_eq!(outline(&document.segments), "Your code is one two/M(m)/A(a.wav x)");
    for element in ["prosody", "voice", "emphasis", "phoneme", "sub", "lexicon"] {
        let body = format!("<speak>a\n<{element}>b</{element}></speak>");
        let error = crate::basic_document("application/ssml+xml", body.as_bytes()).unwrap_err();
        assert_eq!(error.kind, SpeechMarkupErrorKind::Syntax);
        assert_eq!(error.to_string(), format!("basicsynth has no <{element}> (line 2, column 1)"));
    }
}
