use std::sync::Arc;

use serde_json::{Value, json};
use speech::Language;

use super::{Act, BargeIn, CallerInput, Flow, FlowRun, Outcome, Step};

const FOLLOW_UP: &str = include_str!("../../flows/follow-up.yaml");

/// One conversation, driven turn by turn.
struct Call {
    run: FlowRun,
    turn: u32,
}

impl Call {
    fn new(flow: Flow, language: Language, variables: &[(&str, &str)]) -> (Self, Step) {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut run = FlowRun::new(Arc::new(flow), Some(language), variables);
        let step = run.start();
        (Self { run, turn: 0 }, step)
    }

    fn follow_up(language: Language, variables: &[(&str, &str)]) -> (Self, Step) {
        Self::new(Flow::load("follow-up.yaml", FOLLOW_UP).unwrap(), language, variables)
    }

    fn does(&mut self, input: &CallerInput) -> Step {
        self.turn += 1;
        self.run.answer(self.turn, input)
    }

    fn says(&mut self, words: &str) -> Step {
        self.does(&CallerInput::Speech(vec![words.to_owned()]))
    }
}

fn words(step: &Step) -> String {
    step.said.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn hangup(reason: &str) -> Option<Act> {
    Some(Act::Hangup { reason: reason.to_owned() })
}

#[test]
fn the_english_survey_ends_with_the_filled_form() {
    let (mut call, greeting) = Call::follow_up(Language::English, &[("name", "Mrs. Green")]);
    assert!(words(&greeting).starts_with("Hello Mrs. Green, this is the clinic"), "{greeting:?}");
    assert!(words(&greeting).ends_with("how strong is your pain today?"));
    assert!(words(&call.says("about six")).contains("fever"));
    assert!(words(&call.says("no I haven't")).contains("wound"));
    assert!(words(&call.says("it is a bit red")).contains("medication"));
    assert!(words(&call.says("yes every day")).contains("the doctor should know"));
    assert!(words(&call.says("when may I drive again")).contains("book a follow-up visit"));
    assert!(words(&call.says("yes please")).contains("Which day"));
    let last = call.says("next Tuesday would be fine");
    assert!(words(&last).ends_with("Goodbye."), "{last:?}");
    assert_eq!(last.act, hangup("completed"));
    assert_eq!(*call.run.outcome(), Outcome::HungUp("completed".to_owned()));
    assert_eq!(
        Value::Object(call.run.form()),
        json!({
            "pain_score": 6, "fever": false, "wound_problem": true, "medication_taken": true,
            "comment": "when may I drive again", "wants_visit": true, "visit_day": "next-tuesday",
        })
    );
}

#[test]
fn the_chinese_survey_ends_with_the_filled_form() {
    let (mut call, greeting) = Call::follow_up(Language::Chinese, &[("name", "王女士")]);
    assert!(words(&greeting).starts_with("王女士，这里是术后随访中心"), "{greeting:?}");
    assert!(words(&call.says("大概六分")).contains("发烧"));
    assert!(words(&call.says("没有")).contains("伤口"));
    assert!(words(&call.says("没有")).contains("吃药"));
    assert!(words(&call.says("都按时吃了")).contains("医生"));
    assert!(words(&call.says("走路有一点慢")).contains("复诊"));
    assert!(words(&call.says("好的")).contains("哪一天"));
    let last = call.says("下周一吧");
    assert!(words(&last).ends_with("再见。"), "{last:?}");
    assert_eq!(last.act, hangup("completed"));
    assert_eq!(
        Value::Object(call.run.form()),
        json!({
            "pain_score": 6, "fever": false, "wound_problem": false, "medication_taken": true,
            "comment": "走路有一点慢", "wants_visit": true, "visit_day": "next-monday",
        })
    );
}

#[test]
fn without_a_name_the_greeting_is_still_a_sentence() {
    let (_, english) = Call::follow_up(Language::English, &[]);
    assert!(words(&english).starts_with("Hello there, this is the clinic"));
    let (_, chinese) = Call::follow_up(Language::Chinese, &[("name", " ")]);
    assert!(words(&chinese).starts_with("您好，这里是"));
}

#[test]
fn an_answer_that_is_not_understood_is_asked_again() {
    let (mut call, _) = Call::follow_up(Language::English, &[]);
    let again = call.says("banana");
    assert!(words(&again).starts_with("Please give me a number"));
    assert_eq!((again.intent.as_deref(), again.form_changed), (Some("unclear"), false));
    assert!(words(&call.says("six")).contains("fever"));
}

#[test]
fn a_score_out_of_range_is_asked_again_with_the_range() {
    let (mut call, _) = Call::follow_up(Language::Chinese, &[]);
    assert!(words(&call.says("十二分")).contains("零到十之间"));
    assert!(words(&call.says("七分")).contains("发烧"));
    assert_eq!(call.run.form()["pain_score"], json!(7));
}

#[test]
fn a_general_reprompt_is_followed_by_the_question() {
    let (mut call, _) = Call::follow_up(Language::English, &[]);
    call.says("three");
    let again = call.says("banana");
    assert_eq!(words(&again), "Sorry, I did not get that. Have you had a fever since the operation?");
}

#[test]
fn the_third_wrong_answer_gives_the_question_up() {
    let (mut call, _) = Call::follow_up(Language::English, &[]);
    call.says("banana");
    call.says("banana");
    assert!(words(&call.says("banana")).contains("fever"));
    assert_eq!(call.run.form()["pain_score"], Value::Null);
}

#[test]
fn three_silent_turns_in_a_row_end_the_call() {
    let (mut call, _) = Call::follow_up(Language::English, &[]);
    assert!(words(&call.does(&CallerInput::NoInput)).starts_with("I could not hear you. From zero"));
    call.says("six");
    call.does(&CallerInput::NoInput);
    call.does(&CallerInput::NoInput);
    let last = call.does(&CallerInput::NoInput);
    assert_eq!(last.act, hangup("no-answer"));
    assert_eq!(call.run.form()["pain_score"], json!(6));
}

#[test]
fn a_request_to_repeat_is_no_wrong_answer() {
    let (mut call, _) = Call::follow_up(Language::Chinese, &[]);
    for _ in 0..2 {
        let again = call.says("请再说一遍");
        assert_eq!(again.intent.as_deref(), Some("repeat"));
        assert!(words(&again).starts_with("请问您现在的疼痛有几分"));
    }
    assert!(words(&call.says("五分")).contains("发烧"));
}

#[test]
fn a_chinese_answer_in_other_characters_is_understood() {
    let (mut call, _) = Call::follow_up(Language::Chinese, &[]);
    assert!(words(&call.says("大概流分")).contains("发烧"));
    assert!(words(&call.says("美有")).contains("伤口"));
    let form = call.run.form();
    assert_eq!((&form["pain_score"], &form["fever"]), (&json!(6), &json!(false)));
}

#[test]
fn an_emergency_is_transferred_whatever_was_asked() {
    for (language, alarm) in [(Language::English, "I have chest pain"), (Language::Chinese, "我胸口疼")] {
        let (mut call, _) = Call::follow_up(language, &[("nurse", "8100")]);
        call.says("6");
        let step = call.says(alarm);
        assert_eq!(step.intent.as_deref(), Some("emergency"));
        assert!(step.said.iter().all(|said| said.barge_in == BargeIn::NotAllowed));
        let Some(Act::Transfer { target, summary }) = step.act else { panic!("{:?}", step.act) };
        assert_eq!(target, "8100");
        assert!(summary.contains("Pain 6") && summary.contains("fever not asked"), "{summary}");
        assert_eq!(*call.run.outcome(), Outcome::Transferred);
    }
}

#[test]
fn a_denied_emergency_is_an_ordinary_answer() {
    let (mut call, _) = Call::follow_up(Language::English, &[]);
    call.says("two");
    let step = call.says("no, and no chest pain either");
    assert_eq!(step.act, None);
    assert_eq!(call.run.form()["fever"], json!(false));
}

#[test]
fn strong_pain_is_answered_with_sympathy() {
    let (mut call, _) = Call::follow_up(Language::English, &[]);
    assert!(words(&call.says("nine")).starts_with("I am sorry to hear that."));
}

#[test]
fn keys_answer_the_survey_too() {
    let (mut call, _) = Call::follow_up(Language::English, &[]);
    call.does(&CallerInput::Dtmf("6#".to_owned()));
    call.does(&CallerInput::Dtmf("2".to_owned()));
    let form = call.run.form();
    assert_eq!((&form["pain_score"], &form["fever"]), (&json!(6), &json!(false)));
}

#[test]
fn fixed_prompts_are_worth_caching_and_personal_ones_are_not() {
    let (_, greeting) = Call::follow_up(Language::English, &[("name", "Ann")]);
    assert_eq!(greeting.said.iter().map(|said| said.cacheable).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn nothing_is_said_after_the_end() {
    let (mut call, _) = Call::follow_up(Language::English, &[]);
    assert!(call.says("chest pain").act.is_some());
    assert_eq!(call.says("hello?"), Step::default());
}

#[test]
fn the_transcript_holds_what_was_heard() {
    let (mut call, _) = Call::follow_up(Language::English, &[]);
    call.run.heard(0, "Hello there, this is", false);
    call.says("six");
    let lines: Vec<(u32, bool, &str)> =
        call.run.transcript().lines().map(|line| (line.turn, line.by_caller, line.text.as_str())).collect();
    assert_eq!(
        lines,
        [(0, false, "Hello there, this is"), (1, true, "six"), (1, false, "Have you had a fever since the operation?"),]
    );
}

mod confirmation {
    use super::*;

    const FLOW: &str = r"
flow: order
languages: [en]
start: count
slots:
  count: { type: number, min: 1, max: 9, whole: true }
defaults:
  give_up: bye
  reprompt: { en: Sorry? }
  silence: { en: Hello? }
states:
  count:
    say: { en: How many? }
    ask: count
    confirm: { en: 'Is it {count}?' }
    next: done
  done:
    say: { en: '{count} it is.' }
    hangup: ordered
  bye:
    hangup: unclear
";

    fn call() -> Call {
        Call::new(Flow::load("order.yaml", FLOW).unwrap(), Language::English, &[]).0
    }

    #[test]
    fn a_value_is_taken_when_the_caller_agrees() {
        let mut call = call();
        assert_eq!(words(&call.says("three")), "Is it 3?");
        assert_eq!(call.run.form()["count"], Value::Null);
        assert_eq!(words(&call.says("yes")), "3 it is.");
        assert_eq!(call.run.form()["count"], json!(3));
    }

    #[test]
    fn a_value_that_is_denied_is_asked_again() {
        let mut call = call();
        call.says("three");
        assert_eq!(words(&call.says("no")), "How many?");
        assert_eq!(words(&call.says("four")), "Is it 4?");
    }

    #[test]
    fn a_correction_in_the_same_breath_is_confirmed() {
        let mut call = call();
        call.says("three");
        assert_eq!(words(&call.says("no, seven")), "Is it 7?");
        assert_eq!(words(&call.says("yes")), "7 it is.");
    }

    #[test]
    fn endless_denial_gives_up() {
        let mut call = call();
        call.says("three");
        call.says("no");
        call.says("three");
        call.says("no");
        call.says("three");
        assert_eq!(call.says("no").act, hangup("unclear"));
    }
}

mod loading {
    use super::*;

    /// A flow that loads, to be spoiled.
    const GOOD: &str = r"flow: small
languages: [en, zh]
start: ask
variables:
  name: ''
slots:
  yes: { type: boolean }
states:
  ask:
    say: { en: 'Well {name}?', zh: 好吗？ }
    ask: yes
    reprompt: { en: Pardon?, zh: 什么？ }
    silence: { en: Hello?, zh: 喂？ }
    give_up: end
    branch:
      - { when: { slot: yes, is: true }, goto: end }
    next: other
  other:
    next: end
  end:
    hangup: done
";

    /// The errors after `from` was replaced by `to`.
    fn errors(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        Flow::load("small.yaml", &GOOD.replace(from, to)).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_small_flow_loads() {
        Flow::load("small.yaml", GOOD).unwrap();
    }

    #[test]
    fn an_unknown_state_is_named_with_its_line() {
        assert_eq!(errors("next: other", "next: othre"), "small.yaml:17:11: there is no state \"othre\"");
        assert_eq!(errors("start: ask", "start: begin"), "small.yaml:3:8: there is no state \"begin\"");
    }

    #[test]
    fn a_state_that_cannot_be_reached_is_named() {
        assert_eq!(errors("next: other\n", "next: end\n"), "small.yaml:18:3: the state \"other\" cannot be reached");
    }

    #[test]
    fn a_state_without_a_way_out_is_named() {
        let text = errors("    hangup: done", "    next: ask");
        assert!(text.contains("the state \"ask\" cannot come to a hang-up or a transfer"), "{text}");
    }

    #[test]
    fn a_round_without_the_caller_is_named() {
        let text = errors("  other:\n    next: end", "  other:\n    next: other");
        assert!(
            text.contains("18:3: the state \"other\" comes back to itself without the caller")
                || text.contains("cannot come to"),
            "{text}"
        );
    }

    #[test]
    fn a_missing_translation_is_named() {
        let text = errors(", zh: 什么？ }", " }");
        assert!(text.starts_with("small.yaml:12:15: the text for zh-CN is missing"), "{text}");
    }

    #[test]
    fn a_place_that_nothing_fills_is_named() {
        let text = errors("{name}", "{nmae}");
        assert!(text.contains("{nmae} is neither a variable nor a slot"), "{text}");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let text = errors("    give_up: end", "    giveup: end");
        assert!(text.starts_with("small.yaml:14:"), "{text}");
        assert!(text.contains("giveup"), "{text}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = errors("next: other", "next: nowhere").lines().count()
            + Flow::load("x", &GOOD.replace("next: other", "next: nowhere").replace("start: ask", "start: nobody"))
                .unwrap_err()
                .errors
                .len();
        assert_eq!(text, 3);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (from, to) in [
            ("type: boolean", "type: bool"),
            ("type: boolean", "type: number, min: 3, max: 1"),
            ("type: boolean", "type: number"),
            ("type: boolean", "type: boolean, min: 1"),
            ("hangup: done", "hangup: done\n    transfer: { target: x }"),
            ("hangup: done", "hangup: done\n    next: ask"),
            ("is: true", "is: true, filled: true"),
            ("slot: yes, is", "slot: no_such, is"),
            ("languages: [en, zh]", "languages: [en, xx]"),
            ("languages: [en, zh]", "languages: []"),
            ("languages: [en, zh]", "languages: [en, en-GB]"),
            ("    give_up: end\n", ""),
            ("    ask: yes", "    ask: yes\n    attempts: 0"),
            ("{name}", "{name"),
            ("flow: small", "flow: ''"),
            ("flow: small", "flow: [small]"),
            ("  other:", "  end:"),
        ] {
            errors(from, to);
        }
    }

    #[test]
    fn nothing_that_is_cut_off_panics() {
        for end in (0..GOOD.len()).filter(|end| GOOD.is_char_boundary(*end)) {
            let _ = Flow::load("cut", &GOOD[..end]);
        }
    }
}

mod documents {
    use super::*;

    /// The YAML block of the developer's page that is a whole flow.
    fn example() -> &'static str {
        let page = include_str!("../../../../docs/DIALOG-SERVICE.md");
        let block = page.split("```yaml\n").find(|block| block.starts_with("flow: ")).unwrap();
        block.split("```").next().unwrap()
    }

    #[test]
    fn the_example_of_the_developers_page_loads_and_runs() {
        let (mut call, greeting) = Call::new(Flow::load("example", example()).unwrap(), Language::English, &[]);
        assert_eq!(words(&greeting), "Hello there. For how many people?");
        assert_eq!(words(&call.says("eight")), "8, is that right?");
        let last = call.says("yes");
        assert_eq!(last.act, Some(Act::Transfer { target: "manager".into(), summary: "A table for 8.".into() }));
    }
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    fn input() -> impl Strategy<Value = CallerInput> {
        let words = prop_oneof![
            Just("yes"),
            Just("no"),
            Just("about six"),
            Just("twelve"),
            Just("pardon"),
            Just("banana"),
            Just("next tuesday"),
            Just("没有"),
            Just("好的"),
            Just("六分"),
            Just("再说一遍"),
            Just(""),
        ];
        prop_oneof![
            6 => proptest::collection::vec(words.prop_map(str::to_owned), 0..3).prop_map(CallerInput::Speech),
            1 => "[0-9*#]{0,3}".prop_map(CallerInput::Dtmf),
            1 => ".{0,20}".prop_map(|text| CallerInput::Speech(vec![text])),
            1 => Just(CallerInput::NoInput),
            1 => Just(CallerInput::NoMatch),
        ]
    }

    proptest! {
        #[test]
        fn the_survey_answers_every_turn_until_it_ends_and_it_ends(
            inputs in proptest::collection::vec(input(), 200),
            chinese in any::<bool>(),
        ) {
            let language = if chinese { Language::Chinese } else { Language::English };
            let (mut call, _) = Call::follow_up(language, &[]);
            for input in &inputs {
                let step = call.does(input);
                let whole = |text: &str| !text.trim().is_empty() && !text.contains(['{', '}']);
                prop_assert!(step.said.iter().all(|said| whole(&said.text)), "a sentence");
                prop_assert!(!step.said.is_empty(), "{input:?} is answered");
                if *call.run.outcome() != Outcome::Open {
                    prop_assert!(matches!(step.act, Some(Act::Hangup { .. } | Act::Transfer { .. })), "an end");
                    break;
                }
                prop_assert_eq!(step.act, None);
            }
            // Seven questions of three attempts with three repetitions each are fewer turns than there were.
            prop_assert!(*call.run.outcome() != Outcome::Open);
            if let Some(pain) = call.run.form()["pain_score"].as_i64() {
                prop_assert!((0..=10).contains(&pain));
            }
        }
    }
}
