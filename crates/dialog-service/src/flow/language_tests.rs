//! The parts of the language beside questions: sentences, notices, policy, listening, secrets, answers, notes of a model.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use speech::Language;

use super::{Act, BargeIn, CallerInput, Expects, Flow, FlowRun, Need, Sentiment, Step, ToolResult, Words};

const FLOW: &str = r"
flow: parts
version: '3'
languages: [en]
start: hello
variables: { name: '' }
slots:
  code: { type: digits, min: 4, max: 4, secret: true }
  phone: { type: digits, min: 7, max: 12 }
  color: { type: choice, options: { red: { en: [red, crimson] }, blue: { en: [blue] } } }
  story: { type: text }
form: { properties: { phone: { anyOf: [{ type: 'null' }, { pattern: '^5' }] } } }
defaults: { give_up: bye, reprompt: { en: Sorry? }, silence: { en: Hello? }, voice: { en: amy } }
policy:
  barge_in: dtmf-only
  backchannels: { en: [uh huh] }
  fillers: { en: [One moment.] }
  filler_after_ms: 900
  silence_prompts: { en: [Still there?] }
  call_max_s: 60
  time_over: { en: Time is up. }
  speculation: true
intents: { price: { en: [how much, price] } }
mandatory:
  legal: { say: { en: This is recorded. }, before: [color] }
  last: { say: { en: Reports come by mail. }, before: [end] }
rules:
  - { include: emergency, goto: nurse }
knowledge:
  shop:
    - { id: open, hears: { en: [open] }, answer: { en: We are open. } }
    - { id: open-sunday, hears: { en: [open on sunday] }, answer: { en: Closed on Sunday. } }
summary: { en: 'Color {color|none}.' }
follow_ups:
  - { when: { slot: color, is: red }, note: { en: 'Paint {name|it} red.' } }
  - { when: { intent: price }, note: { en: Send a price list. } }
  - { when: { outcome: done }, note: { en: File it. } }
states:
  hello:
    say:
      - { text: { en: Listen. }, barge_in: no, voice: { en: bob } }
      - { ssml: { en: 'Hi <emphasis>{name|you}</emphasis>.' } }
      - { play: { en: 'https://media.example/a.wav' }, text: { en: A song. } }
      - { text: { en: Key your code. }, cacheable: false }
    ask: code
    next: phone
  phone: { say: { en: 'Your number?' }, ask: phone, next: color }
  color:
    say: { en: 'Red or blue?' }
    barge_in: allowed
    ask: color
    listening: { hints: { en: [scarlet] }, no_input_timeout_ms: 4000, complete_silence_ms: 300, incomplete_silence_ms: 1200 }
    next: story
  story: { say: { en: 'Why?' }, ask: story, next: questions }
  questions:
    say: { en: Ask me. }
    answer:
      knowledge: shop
      unknown: { en: Not known. }
      silence: { en: What? }
      exits: [{ hears: { en: [that's all] }, or_no: true, goto: bye }]
      give_up: bye
  bye: { say: { en: Bye. }, hangup: done }
  nurse: { say: { en: A nurse. }, transfer: { target: nurse } }
";

fn run(name: &str) -> (FlowRun, Step) {
    let flow = Arc::new(Flow::load("parts.yaml", FLOW).unwrap_or_else(|errors| panic!("{errors}")));
    let mut run = FlowRun::new(flow, Some(Language::English), [("name".to_owned(), name.to_owned())]);
    let step = run.start();
    (run, step)
}

fn says(run: &mut FlowRun, turn: u32, words: &str) -> Step {
    run.answer(turn, &CallerInput::Speech(vec![words.to_owned()]))
}

fn keys(run: &mut FlowRun, turn: u32, digits: &str) -> Step {
    run.answer(turn, &CallerInput::Dtmf(digits.to_owned()))
}

fn words(step: &Step) -> Vec<&str> {
    step.said.iter().map(|said| said.text.as_str()).collect()
}

/// As far as the color.
fn to_the_color(run: &mut FlowRun) -> Step {
    keys(run, 1, "1234#");
    says(run, 2, "five five five one two three four")
}

#[test]
fn sentences_have_options_of_their_own() {
    let (_, greeting) = run("A & <b>");
    assert_eq!(words(&greeting), ["Listen.", "Hi A & <b>.", "A song.", "Key your code."]);
    let [listen, hi, song, code] = greeting.said.as_slice() else { panic!("{greeting:?}") };
    assert_eq!((listen.barge_in, listen.voice.as_str(), listen.cacheable), (BargeIn::NotAllowed, "bob", true));
    assert_eq!(hi.words, Words::Ssml("Hi <emphasis>A &amp; &lt;b&gt;</emphasis>.".to_owned()));
    assert_eq!((hi.voice.as_str(), hi.cacheable), ("amy", false));
    assert_eq!(song.words, Words::Recording("https://media.example/a.wav".to_owned()));
    assert_eq!((code.barge_in, code.cacheable), (BargeIn::ByPolicy, false));
}

#[test]
fn the_policy_comes_with_the_greeting() {
    let (mut run, greeting) = run("");
    let policy = greeting.policy.unwrap();
    assert_eq!((policy.barge_in, policy.filler_after_ms, policy.call_max_ms), (BargeIn::DtmfOnly, 900, 60_000));
    assert_eq!(
        (policy.fillers[0].as_str(), policy.time_over.as_str(), policy.speculation),
        ("One moment.", "Time is up.", true)
    );
    assert_eq!(keys(&mut run, 1, "1").policy, None);
}

#[test]
fn a_secret_is_keyed_and_never_shown() {
    let (mut run, greeting) = run("");
    assert!(
        matches!(greeting.act, Some(Act::CollectDtmf { digits_max: 4, ref terminators, .. }) if terminators == "#")
    );
    let spoken = says(&mut run, 1, "one two three four");
    assert_eq!(spoken.intent.as_deref(), Some("unclear"));
    assert!(matches!(spoken.act, Some(Act::CollectDtmf { .. })));
    let taken = keys(&mut run, 2, "1234");
    assert_eq!(words(&taken), ["Your number?"]);
    assert_eq!(run.form()["code"], json!("••••"));
    let shown = format!("{:?} {:?}", run.transcript(), run.evidence().collect::<Vec<_>>());
    assert!(!shown.contains("1234"), "{shown}");
}

#[test]
fn listening_follows_from_the_slot_and_the_question() {
    let (mut run, greeting) = run("");
    let listening = greeting.listening.unwrap();
    assert_eq!((listening.expects, listening.digits_min, listening.digits_max), (Expects::Digits, 4, 4));
    let phone = keys(&mut run, 1, "1234").listening.unwrap();
    assert_eq!((phone.expects, phone.digits_min, phone.digits_max), (Expects::Digits, 7, 12));
    let color = says(&mut run, 2, "five five five one two three four").listening.unwrap();
    assert_eq!((color.expects, color.no_input_timeout_ms, color.complete_silence_ms), (Expects::Choice, 4000, 300));
    assert_eq!(color.hints, ["scarlet", "red", "crimson", "blue"]);
    assert_eq!(says(&mut run, 3, "red").listening.unwrap().expects, Expects::Open);
    assert_eq!(says(&mut run, 4, "because").listening, None);
}

#[test]
fn mandatory_sentences_are_said_once_before_their_states_and_not_before_an_emergency() {
    let (mut run, _) = run("");
    let color = to_the_color(&mut run);
    assert_eq!(words(&color), ["This is recorded.", "Red or blue?"]);
    assert_eq!((color.said[0].barge_in, color.said[1].barge_in), (BargeIn::NotAllowed, BargeIn::Allowed));
    let mut urgent = run.clone();
    assert_eq!(words(&says(&mut urgent, 3, "I have chest pain")), ["A nurse."]);
    says(&mut run, 3, "red");
    says(&mut run, 4, "because");
    assert_eq!(words(&says(&mut run, 5, "that's all")), ["Reports come by mail.", "Bye."]);
}

#[test]
fn a_clone_is_a_conversation_that_could_have_been() {
    let (mut run, _) = run("");
    to_the_color(&mut run);
    let mut tried = run.clone();
    says(&mut tried, 3, "red");
    assert_eq!((&tried.form()["color"], &run.form()["color"]), (&json!("red"), &Value::Null));
    assert_eq!(run.transcript().lines().count() + 2, tried.transcript().lines().count());
}

#[test]
fn the_longest_phrase_answers_a_question() {
    let (mut run, _) = run("");
    to_the_color(&mut run);
    says(&mut run, 3, "red");
    says(&mut run, 4, "because");
    let mut ask = |turn, question: &str| {
        let step = says(&mut run, turn, question);
        let Some(Need::Lookup(request)) = step.need else { panic!("{step:?}") };
        let found = run.flow().look_up(&request);
        words(&run.looked_up(turn, found)).join(" ")
    };
    assert_eq!(ask(5, "are you open on Sunday"), "Closed on Sunday.");
    assert_eq!(ask(6, "are you open"), "We are open.");
    assert_eq!(ask(7, "elephants?"), "Not known.");
}

#[test]
fn the_record_is_written_by_rules() {
    let (mut run, _) = run("the door");
    to_the_color(&mut run);
    let step = says(&mut run, 3, "red, and how much is it, thank you");
    assert_eq!((step.intents.as_slice(), step.sentiment), (&["price".to_owned()][..], Some(Sentiment::Positive)));
    assert_eq!(run.summary("done"), "Color red.");
    assert_eq!(run.follow_ups("done"), ["Paint the door red.", "Send a price list.", "File it."]);
    let evidence: Vec<(&str, &str, u32)> =
        run.evidence().map(|(slot, evidence)| (slot, evidence.quote.as_str(), evidence.turn)).collect();
    assert_eq!(evidence[2], ("color", "red, and how much is it, thank you", 3));
}

#[test]
fn a_value_that_the_form_does_not_allow_is_left_empty() {
    let (mut run, _) = run("");
    keys(&mut run, 1, "1234");
    says(&mut run, 2, "six six six one two three four");
    assert_eq!(run.form()["phone"], Value::Null);
    let (mut run, _) = self::run("");
    to_the_color(&mut run);
    assert_eq!(run.form()["phone"], json!("5551234"));
}

#[test]
fn progress_is_written_down_and_goes_on() {
    let (mut run, _) = run("Ann");
    to_the_color(&mut run);
    let written = serde_json::to_string(run.progress()).unwrap();
    let mut again = FlowRun::resume(Arc::clone(run.flow()), serde_json::from_str(&written).unwrap()).unwrap();
    assert_eq!(says(&mut again, 3, "blue"), says(&mut run, 3, "blue"));
    assert_eq!(again.transcript(), run.transcript());
    let other = "flow: o\nlanguages: [en]\nstart: e\nstates: { e: { say: { en: Bye. }, hangup: done } }\n";
    let other = Arc::new(Flow::load("o", other).unwrap());
    assert!(FlowRun::resume(other, run.progress().clone()).is_none());
}

#[test]
fn a_tool_result_that_nobody_waits_for_changes_nothing() {
    let (mut run, _) = run("");
    let before = run.form();
    let step = run.tool_answered(1, &ToolResult::Answered(json!({})), Duration::ZERO);
    assert_eq!((step.said.len(), run.form()), (0, before));
}

#[test]
fn a_model_notes_what_the_slots_take() {
    const LED: &str = "flow: led\nlanguages: [en]\nstart: talk\n\
        slots: { n: { type: number, min: 1, max: 5, whole: true }, c: { type: choice, options: { a: { en: [ay] }, b: { en: [bee] } } } }\n\
        forbidden: { phrases: { en: [promise] }, instead: { en: I cannot say. } }\n\
        states:\n  talk:\n    goal: Find the number.\n    say: { en: Hi. }\n    converse:\n      provider: openai\n      system: { en: Be kind. }\n\
        \x20     fallback: { en: Again? }\n      fills: [n, c]\n      exits: { end: it is over }\n      give_up: end\n\
        \x20 end: { say: { en: Bye. }, hangup: done }\n";
    let flow = Arc::new(Flow::load("led", LED).unwrap_or_else(|errors| panic!("{errors}")));
    let mut run = FlowRun::new(flow, None, []);
    run.start();
    let step = says(&mut run, 1, "three of them, ay");
    let Some(Need::Model(request)) = step.need else { panic!("{step:?}") };
    assert!(
        request.system.contains("Your goal: Find the number.") && request.system.contains("n, c"),
        "{}",
        request.system
    );
    assert!(request.guard.is_some());
    let notes = json!({ "n": 3, "c": "ay", "x": 1 });
    let step = run.model_replied(1, "Three.", None, notes.as_object().unwrap());
    assert!(step.form_changed);
    assert_eq!(Value::Object(run.form()), json!({ "n": 3, "c": "a" }));
    let notes = json!({ "n": 9 });
    run.model_replied(1, "Nine.", Some("end"), notes.as_object().unwrap());
    assert_eq!(run.form()["n"], json!(3), "what the slot does not take is no value");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    for (from, to, told) in [
        ("{ ssml: { en: 'Hi <emphasis>{name|you}</emphasis>.' } }", "{ ssml: { en: 'Hi <em>' } }", "not well-formed"),
        ("text: { en: A song. }", "barge_in: no", "a recording needs a text"),
        ("filler_after_ms: 900", "filler_after_ms: soon", "invalid u32"),
        ("  time_over: { en: Time is up. }\n", "", "call_max_s and time_over belong together"),
        ("before: [color]", "before: [colour]", "there is no state \"colour\""),
        ("include: emergency", "include: lottery", "there is no list \"lottery\""),
        ("knowledge: shop", "knowledge: shops", "there is no knowledge \"shops\""),
        ("id: open-sunday", "id: open", "there is another answer \"open\""),
        ("'Color {color|none}.'", "'{code}'", "is a secret"),
        ("when: { intent: price }", "when: { intent: prize }", "there is no intent"),
        ("when: { outcome: done }", "when: { outcome: done, intent: price }", "needs one of"),
        ("min: 7, max: 12", "min: 12, max: 7", "digits need a min and a max"),
        ("barge_in: allowed", "barge_in: sometimes", "barge_in may be"),
        ("type: text }", "type: text, secret: true }", "secret may be given"),
        ("pattern: '^5'", "pattern: 5", "JSON Schema"),
        ("story: { type: text }", "story: { type: text, pattern: '[' }", "no regular expression"),
    ] {
        assert!(FLOW.contains(from), "{from}");
        let errors = Flow::load("parts.yaml", &FLOW.replacen(from, to, 1)).map(|_| ()).unwrap_err();
        assert!(errors.to_string().contains(told), "{to}: {errors}");
        assert!(errors.errors.iter().all(|error| error.line > 0), "{errors}");
    }
}

#[test]
fn a_script_that_says_what_is_forbidden_does_not_load() {
    let spoiled = FLOW.replace("summary:", "forbidden: { phrases: { en: [bye] }, instead: { en: No. } }\nsummary:");
    let errors = Flow::load("parts.yaml", &spoiled).map(|_| ()).unwrap_err().to_string();
    assert!(errors.contains("the state \"bye\" says what is forbidden"), "{errors}");
}
