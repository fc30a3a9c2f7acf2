//! Grammars by URI: fetched before DEFINE-GRAMMAR and RECOGNIZE are answered, kept under their names, given up when they
//! are not wanted any more.

use std::fmt::Write;

use mrcp::Response;
use session::{FetchFailure, FetchKey, Fetched};

use super::*;

const SRGS: (HeaderName, &str) = (HeaderName::ContentType, "application/srgs+xml");
const MENU: (HeaderName, &str) = (HeaderName::ContentId, "<menu@form.store>");

fn choices(words: &[&str]) -> String {
    let mut items = String::new();
    for word in words {
        write!(items, "<item>{word}</item>").unwrap();
    }
    format!(
        "<grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" xml:lang=\"en-US\" root=\"r\">\
         <rule id=\"r\" scope=\"public\"><one-of>{items}</one-of></rule></grammar>"
    )
}

pub(crate) fn fetched(location: &str, content: String) -> Result<Fetched, FetchFailure> {
    Ok(Fetched {
        location: location.to_owned(),
        content_type: Some("application/srgs+xml".to_owned()),
        content: content.into(),
        set_cookies: Vec::new(),
    })
}

impl Ladder {
    /// What was asked for and not looked at yet.
    pub(crate) fn asked(&mut self) -> Vec<(FetchKey, String)> {
        let mut asked = Vec::new();
        self.outputs.retain(|output| match output {
            Output::Fetch { key, request } => {
                asked.push((*key, request.uri.clone()));
                false
            }
            _ => true,
        });
        asked
    }

    pub(crate) fn asked_one(&mut self) -> (FetchKey, String) {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }

    pub(crate) fn last_response(&self) -> &Response {
        let responses = self.outputs.iter().filter_map(|output| match output {
            Output::Mrcp { message: Message::Response(response), .. } => Some(response),
            _ => None,
        });
        responses.last().expect("a response")
    }

    /// Status and completion cause of the last response.
    pub(crate) fn answer(&self) -> String {
        let response = self.last_response();
        let cause = response.headers.text(&HeaderName::CompletionCause).unwrap_or_default();
        format!("{} {}", response.status.code(), cause.get(..3).unwrap_or_default()).trim_end().to_owned()
    }

    pub(crate) fn answer_header(&self, name: &HeaderName) -> &str {
        self.last_response().headers.text(name).unwrap_or_default()
    }

    /// The result of a RECOGNIZE in which these words are heard.
    fn hears(&mut self, words: &str) -> String {
        let key = self
            .outputs
            .iter()
            .rev()
            .find_map(|output| match output {
                Output::Listen { key, .. } => Some(*key),
                _ => None,
            })
            .expect("it listens");
        let hypotheses = vec![Hypothesis::new(words, 1.0, Language::English)];
        self.input(Input::Heard { key, heard: Heard::Hypotheses { hypotheses, is_final: true } });
        self.pass(100);
        let events = self.outputs.iter().filter_map(|output| match output {
            Output::Mrcp { message: Message::Event(event), .. } if event.name == EventName::RecognitionComplete => {
                Some(String::from_utf8_lossy(&event.body).into_owned())
            }
            _ => None,
        });
        events.last().expect("a result")
    }
}

#[test]
fn grm_004_grm_013_ghf_011_ghf_012_an_inline_grammar_is_kept_under_its_name_for_the_session() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::DefineGrammar, &[SRGS, MENU], &choices(&["sales", "billing"]));
    assert_eq!(ladder.answer(), "200 000");
    ladder.send(Method::Recognize, &[URI_LIST], "session:menu@form.store");
    assert_eq!(ladder.answer(), "200");
    let result = ladder.hears("billing");
    assert!(result.contains("grammar=\"session:menu@form.store\"") && result.contains("billing"), "{result}");
}

#[test]
fn int_003_int_004_a_name_without_brackets_and_domain_is_one() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let bare = (HeaderName::ContentId, "request1");
    ladder.send(Method::DefineGrammar, &[SRGS, bare], &choices(&["yes"]));
    let unqueued = (HeaderName::CancelIfQueue, "false");
    ladder.send(Method::Recognize, &[URI_LIST, unqueued], "session:request1\n");
    assert_eq!(ladder.answer(), "200");
}

#[test]
fn int_001_the_older_name_of_srgs_is_understood() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let older = (HeaderName::ContentType, "application/grammar+xml");
    ladder.send(Method::DefineGrammar, &[older, MENU], &choices(&["yes"]));
    assert_eq!(ladder.answer(), "200 000");
}

#[test]
fn grm_004_a_grammar_without_a_name_is_taken_for_its_request() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[SRGS], &choices(&["yes"]));
    assert_eq!(ladder.answer(), "200");
}

#[test]
fn grm_006_a_name_that_is_defined_again_stands_for_the_new_words_alone() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::DefineGrammar, &[SRGS, MENU], &choices(&["sales"]));
    ladder.send(Method::DefineGrammar, &[SRGS, MENU], &choices(&["billing"]));
    ladder.send(Method::Recognize, &[URI_LIST], "session:menu@form.store");
    assert!(ladder.hears("sales").contains("nomatch"));
    ladder.send(Method::Recognize, &[URI_LIST], "session:menu@form.store");
    assert!(ladder.hears("billing").contains("billing"));
}

#[test]
fn grm_007_grm_014_a_name_without_a_grammar_is_as_if_it_had_never_been() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::DefineGrammar, &[SRGS, MENU], &choices(&["sales"]));
    ladder.send(Method::DefineGrammar, &[MENU], "");
    assert_eq!(ladder.answer(), "200 000");
    ladder.send(Method::Recognize, &[URI_LIST], "session:menu@form.store");
    assert_eq!(ladder.answer(), "407 009");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUri), "session:menu@form.store");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUriCause), "undefined");
}

#[test]
fn grm_005_more_grammars_than_there_is_room_for_are_refused() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    for name in ["a", "b", "c"] {
        ladder.send(Method::DefineGrammar, &[SRGS, (HeaderName::ContentId, name)], &choices(&["yes"]));
        assert_eq!(ladder.answer(), "200 000");
    }
    ladder.send(Method::DefineGrammar, &[SRGS, (HeaderName::ContentId, "d")], &choices(&["yes"]));
    assert_eq!(ladder.answer(), "407 016");
    ladder.send(Method::DefineGrammar, &[SRGS, (HeaderName::ContentId, "a")], &choices(&["no"]));
    assert_eq!(ladder.answer(), "200 000", "a name that is known takes no more room");
}

#[test]
fn rec_043_grm_009_a_grammar_by_uri_is_fetched_and_compiled_before_the_answer() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::DefineGrammar, &[URI_LIST, MENU], "http://pbx.example/menu.grxml\r\n");
    let (key, uri) = ladder.asked_one();
    assert_eq!(uri, "http://pbx.example/menu.grxml");
    assert!(ladder.messages().is_empty(), "not before it is there");
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, choices(&["sales"])) });
    assert_eq!(ladder.answer(), "200 000");
    ladder.send(Method::Recognize, &[URI_LIST], "session:menu@form.store");
    assert!(ladder.asked().is_empty(), "it is kept");
    assert!(ladder.hears("sales").contains("session:menu@form.store"));
}

#[test]
fn grm_013_grm_009_the_result_names_the_uri_by_which_a_grammar_was_activated() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let list = "# a list\r\nhttps://pbx.example/a.grxml\r\nbuiltin:dtmf/digits\r\nfile:///srv/b.grxml\r\n";
    ladder.send(Method::Recognize, &[URI_LIST], list);
    let asked = ladder.asked();
    assert_eq!(
        asked.iter().map(|(_, uri)| uri.as_str()).collect::<Vec<_>>(),
        ["https://pbx.example/a.grxml", "file:///srv/b.grxml"]
    );
    for ((key, uri), word) in asked.into_iter().rev().zip(["second", "first"]) {
        ladder.input(Input::Fetched { key, outcome: fetched(&uri, choices(&[word])) });
    }
    assert_eq!(ladder.answer(), "200");
    let result = ladder.hears("second");
    assert!(result.contains("grammar=\"file:///srv/b.grxml\""), "{result}");
}

#[test]
fn rec_041_rec_059_each_failure_has_its_cause_and_a_uri_is_named() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::DefineGrammar, &[URI_LIST, MENU], "http://pbx.example/gone.grxml");
    let (key, _) = ladder.asked_one();
    let failure = FetchFailure {
        cause: "404".to_owned(),
        reason: "the server answered 404".to_owned(),
        ..FetchFailure::default()
    };
    ladder.input(Input::Fetched { key, outcome: Err(failure) });
    assert_eq!(ladder.answer(), "407 009");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUri), "http://pbx.example/gone.grxml");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUriCause), "404");

    ladder.send(Method::DefineGrammar, &[URI_LIST, MENU], "http://pbx.example/broken.grxml");
    let (key, uri) = ladder.asked_one();
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, "<grammar".to_owned()) });
    assert_eq!(ladder.answer(), "407 005");

    let klingon = (HeaderName::SpeechLanguage, "tlh");
    ladder.send(Method::DefineGrammar, &[URI_LIST, MENU, klingon], "http://pbx.example/menu.grxml");
    assert_eq!(ladder.answer(), "407 010");

    ladder.send(Method::DefineGrammar, &[URI_LIST, MENU], "http://pbx.example/slow.grxml");
    ladder.pass(60_000);
    assert_eq!(ladder.answer(), "407 004");
}

#[test]
fn grm_022_a_type_of_grammar_that_is_not_understood_is_refused() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let gsl = (HeaderName::ContentType, "application/x-nuance-gsl");
    ladder.send(Method::DefineGrammar, &[gsl, MENU], "[yes no]");
    assert_eq!(ladder.answer(), "408 004");
}

#[test]
fn grm_008_grm_012_the_grammars_of_a_multipart_body_are_in_its_order_and_may_refer_to_each_other() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let body = format!(
        "--break\r\nContent-Type:text/uri-list\r\n\r\nsession:request1@form-level.store\r\n--break\r\n\
         Content-Type:application/srgs+xml\r\nContent-ID:<request1@form-level.store>\r\n\r\n{}\r\n--break--",
        choices(&["yes"])
    );
    let mixed = (HeaderName::ContentType, "multipart/mixed; boundary=\"break\"");
    ladder.send(Method::Recognize, &[mixed], &body);
    assert_eq!(ladder.answer(), "200");
    assert!(ladder.hears("yes").contains("session:request1@form-level.store"));
}

#[test]
fn ghf_013_a_relative_uri_is_relative_to_content_base() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let base = (HeaderName::ContentBase, "http://pbx.example/grammars/");
    ladder.send(Method::Recognize, &[URI_LIST, base], "menu.grxml");
    assert_eq!(ladder.asked_one().1, "http://pbx.example/grammars/menu.grxml");
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "menu.grxml");
    assert_eq!(ladder.answer(), "407 009");
}

#[test]
fn ghf_016_content_location_is_a_base_where_there_is_no_other() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let location = (HeaderName::ContentLocation, "http://pbx.example/lists/main");
    ladder.send(Method::Recognize, &[URI_LIST, location], "menu.grxml");
    assert_eq!(ladder.asked_one().1, "http://pbx.example/lists/menu.grxml");
}

#[test]
fn con_012_a_stop_while_a_grammar_is_fetched_gives_the_fetch_up_and_others_are_answered_meanwhile() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "http://pbx.example/slow.grxml");
    let (key, uri) = ladder.asked_one();
    ladder.send(Method::GetParams, &[], "");
    assert_eq!(ladder.answer(), "200");
    ladder.send(Method::Stop, &[], "");
    assert!(
        ladder.outputs.iter().any(|output| matches!(output, Output::Abandon { key: abandoned } if *abandoned == key))
    );
    let before = ladder.outputs.len();
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, choices(&["late"])) });
    assert_eq!(ladder.outputs.len(), before, "what comes late changes nothing");
}

#[test]
fn con_012_a_long_grammar_is_compiled_elsewhere() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let words: Vec<String> = (0..100).map(|n| format!("word{n}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    ladder.send(Method::DefineGrammar, &[SRGS, MENU], &choices(&words));
    assert!(ladder.messages().is_empty());
    let at = ladder.position(|output| matches!(output, Output::Compile { .. }));
    let Output::Compile { key, job } = ladder.outputs.remove(at) else { unreachable!("found by its kind") };
    ladder.send(Method::GetParams, &[], "");
    assert_eq!(ladder.answer(), "200", "nothing waits behind it");
    ladder.input(Input::Compiled { key, compiled: job.run() });
    assert_eq!(ladder.answer(), "200 000");
}

#[test]
fn ghf_019_fetch_timeout_and_cache_control_go_with_the_fetch_and_those_of_a_request_come_first() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let timeout = |ms| (HeaderName::FetchTimeout, ms);
    ladder.send(Method::SetParams, &[timeout("700"), (HeaderName::CacheControl, "max-age=5")], "");
    ladder.send(Method::Recognize, &[URI_LIST, timeout("300")], "http://pbx.example/a.grxml");
    let params = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Fetch { request, .. } => Some(request.params.clone()),
            _ => None,
        })
        .unwrap();
    assert_eq!(params.timeout, Some(Duration::from_millis(300)));
    assert_eq!(params.cache_control.to_string(), "max-age=5");
}

#[test]
fn ghf_022_a_cache_control_that_is_none_is_refused() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::SetParams, &[(HeaderName::CacheControl, "no-cache")], "");
    assert_eq!(ladder.answer(), "404");
    ladder.send(Method::SetParams, &[(HeaderName::CacheControl, "max-stale, min-fresh=3")], "");
    assert_eq!(ladder.answer(), "200");
}

#[test]
fn ghf_024_cookies_of_the_client_go_to_the_shell_and_those_of_origins_come_with_the_final_message() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let cookie = (HeaderName::SetCookie, "id=7; Domain=pbx.example; Path=/; Age=3");
    ladder.send(Method::Recognize, &[URI_LIST, cookie], "http://pbx.example/a.grxml");
    let at = ladder.position(|output| matches!(output, Output::StoreCookies { .. }));
    let asked_at = ladder.position(|output| matches!(output, Output::Fetch { .. }));
    assert!(at < asked_at, "they are used for what the request itself names");
    let Output::StoreCookies { cookies, origin } = &ladder.outputs[at] else { unreachable!("found by its kind") };
    assert_eq!(cookies, &["id=7; Domain=pbx.example; Path=/; Age=3"]);
    assert_eq!(origin.as_deref(), Some("http://pbx.example/a.grxml"));

    let (key, uri) = ladder.asked_one();
    let mut outcome = fetched(&uri, choices(&["yes"]));
    if let Ok(fetched) = &mut outcome {
        fetched.set_cookies = vec!["new=1; Domain=pbx.example; Path=/".to_owned()];
    }
    ladder.input(Input::Fetched { key, outcome });
    assert_eq!(ladder.answer_header(&HeaderName::SetCookie), "", "the response is not the last message");
    ladder.pass(2_000);
    ladder.hears("yes");
    let told = ladder.outputs.iter().rev().find_map(|output| match output {
        Output::Mrcp { message: Message::Event(event), .. } => event.headers.text(&HeaderName::SetCookie),
        _ => None,
    });
    assert_eq!(told, Some("new=1; Domain=pbx.example; Path=/; Age=2"));
}

/// A grammar with a public rule `main`, which is its root, a public rule `other` and a private rule `hidden`.
fn with_rules(main: &str) -> String {
    format!(
        "<grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" xml:lang=\"en-US\" root=\"main\">\
         <rule id=\"main\" scope=\"public\">{main}</rule><rule id=\"other\" scope=\"public\">goodbye</rule>\
         <rule id=\"hidden\">nobody</rule></grammar>"
    )
}

#[test]
fn grm_015_a_fragment_selects_a_public_rule() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "http://pbx.example/g.grxml#other");
    let (key, uri) = ladder.asked_one();
    assert_eq!(uri, "http://pbx.example/g.grxml");
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, with_rules("hello")) });
    let result = ladder.hears("goodbye");
    assert!(result.contains("grammar=\"http://pbx.example/g.grxml#other\""), "{result}");

    ladder.send(Method::DefineGrammar, &[SRGS, MENU], &with_rules("hello"));
    ladder.send(Method::Recognize, &[URI_LIST], "session:menu@form.store#other");
    assert_eq!(ladder.answer(), "200");
    assert!(ladder.hears("goodbye").contains("session:menu@form.store#other"));
    for private in ["session:menu@form.store#hidden", "session:menu@form.store#missing"] {
        ladder.send(Method::Recognize, &[URI_LIST], private);
        assert!(ladder.answer().starts_with("407"), "{private}: {}", ladder.answer());
    }
}

#[test]
fn a_grammar_without_a_root_is_defined_for_its_rules_and_not_used_as_a_whole() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let rootless = with_rules("hello").replace(" root=\"main\"", "");
    ladder.send(Method::DefineGrammar, &[SRGS, MENU], &rootless);
    assert_eq!(ladder.answer(), "200 000");
    ladder.send(Method::Recognize, &[URI_LIST], "session:menu@form.store");
    assert_eq!(ladder.answer(), "407 005");
    ladder.send(Method::Recognize, &[SRGS], &rootless);
    assert_eq!(ladder.answer(), "407 005");
    ladder.send(Method::Recognize, &[URI_LIST], "session:menu@form.store#other");
    assert_eq!(ladder.answer(), "200");
    assert!(ladder.hears("goodbye").contains("session:menu@form.store#other"));
}

#[test]
fn the_lexicon_of_a_grammar_is_fetched_and_speaks_of_its_words() {
    const LEXICON: &str = "<lexicon version=\"1.0\" alphabet=\"ipa\" xml:lang=\"en-US\">\
        <lexeme><grapheme>W3C</grapheme><alias>World Wide Web Consortium</alias></lexeme></lexicon>";
    let grammar = with_rules("W3C").replace("<rule id=\"main\"", "<lexicon uri=\"words.pls\"/><rule id=\"main\"");
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "http://pbx.example/menus/g.grxml");
    let (key, uri) = ladder.asked_one();
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, grammar.clone()) });
    let (key, uri) = ladder.asked_one();
    assert_eq!(uri, "http://pbx.example/menus/words.pls");
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, LEXICON.to_owned()) });
    assert_eq!(ladder.answer(), "200");
    let result = ladder.hears("the World Wide Web Consortium");
    assert!(result.contains("W3C"), "{result}");

    ladder.send(Method::Recognize, &[URI_LIST], "http://pbx.example/menus/other.grxml");
    let (key, uri) = ladder.asked_one();
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, grammar) });
    let (key, _) = ladder.asked_one();
    let failure = FetchFailure { cause: "404".to_owned(), reason: "not found".to_owned(), ..FetchFailure::default() };
    ladder.input(Input::Fetched { key, outcome: Err(failure) });
    assert_eq!(ladder.answer(), "407 009");
}

#[test]
fn grm_017_ghf_013_what_a_grammar_refers_to_is_fetched_relative_to_where_it_was_found() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::DefineGrammar, &[URI_LIST, MENU], "http://pbx.example/menus/main.grxml");
    let (key, _) = ladder.asked_one();
    let main = with_rules("call <ruleref uri=\"names.grxml\"/>");
    ladder.input(Input::Fetched { key, outcome: fetched("http://elsewhere.example/moved/main.grxml", main) });
    assert!(ladder.messages().is_empty(), "a part is missing");
    let (key, uri) = ladder.asked_one();
    assert_eq!(uri, "http://elsewhere.example/moved/names.grxml");
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, choices(&["anna", "bob"])) });
    assert_eq!(ladder.answer(), "200 000");
    ladder.send(Method::Recognize, &[URI_LIST], "session:menu@form.store");
    assert!(ladder.hears("call bob").contains("call bob"));
}

#[test]
fn grm_017_a_part_that_cannot_be_had_fails_the_grammar_and_is_named() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let base = (HeaderName::ContentBase, "http://pbx.example/menus/");
    let two = with_rules("<ruleref uri=\"a.grxml\"/> <ruleref uri=\"b.grxml\"/>");
    ladder.send(Method::DefineGrammar, &[SRGS, MENU, base], &two);
    let asked = ladder.asked();
    assert_eq!(asked.len(), 2);
    let failure = FetchFailure { cause: "timeout".to_owned(), ..FetchFailure::default() };
    ladder.input(Input::Fetched { key: asked[0].0, outcome: Err(failure) });
    assert_eq!(ladder.answer(), "407 009");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUri), "http://pbx.example/menus/a.grxml");
    assert_eq!(ladder.answer_header(&HeaderName::FailedUriCause), "timeout");
    let abandoned = |output: &Output| matches!(output, Output::Abandon { key } if *key == asked[1].0);
    assert!(ladder.outputs.iter().any(abandoned), "nobody waits for the other one any more");
}

#[test]
fn grm_017_grammars_that_refer_to_each_other_are_fetched_once_each() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::DefineGrammar, &[URI_LIST, MENU], "http://pbx.example/a.grxml");
    let (key, uri) = ladder.asked_one();
    let to = |other: &str| with_rules(&format!("on <item repeat=\"0-1\"><ruleref uri=\"{other}#main\"/></item>"));
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, to("b.grxml")) });
    let (key, uri) = ladder.asked_one();
    ladder.input(Input::Fetched { key, outcome: fetched(&uri, to("a.grxml")) });
    assert!(ladder.asked().is_empty());
    assert_eq!(ladder.answer(), "200 000");
}

#[test]
fn rec_059_a_queued_recognize_whose_grammar_cannot_be_had_says_so_when_its_turn_comes() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let queue = (HeaderName::CancelIfQueue, "false");
    ladder.send(Method::Recognize, &[URI_LIST, queue.clone()], "builtin:grammar/boolean");
    ladder.send(Method::Recognize, &[URI_LIST, queue], "http://pbx.example/gone.grxml");
    ladder.hears("yes");
    let (key, _) = ladder.asked_one();
    let failure = FetchFailure { cause: "404".to_owned(), ..FetchFailure::default() };
    ladder.input(Input::Fetched { key, outcome: Err(failure) });
    ladder.pass(100);
    let last = ladder.outputs.iter().rev().find_map(|output| match output {
        Output::Mrcp { message: Message::Event(event), .. } => Some(event),
        _ => None,
    });
    let header = |name| last.unwrap().headers.text(&name).unwrap_or_default();
    assert_eq!(header(HeaderName::CompletionCause), "009 uri-failure");
    assert_eq!(header(HeaderName::FailedUri), "http://pbx.example/gone.grxml");
    assert_eq!(header(HeaderName::FailedUriCause), "404");
}
