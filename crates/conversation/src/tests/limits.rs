use serde_json::{Map, json};

use super::*;
use crate::ConversationLimits;

fn limited(limits: ConversationLimits) -> Call {
    Call::with(ConversationConfig { limits, ..ConversationConfig::default() })
}

#[test]
fn a_reply_over_its_size_is_cut_and_counted() {
    let mut call = limited(ConversationLimits { reply_bytes_max: 10, ..ConversationLimits::default() });
    call.send(speaks(1));
    assert_eq!(said(&call.send(text(0, "Hello there, my friend."))), ["Hello ther"]);
    assert_eq!(said(&call.send(text(0, "More."))), [""; 0]);
    assert_eq!(call.conversation.counters().over_limit, 18);
}

#[test]
fn a_cut_does_not_split_a_character() {
    let mut call = limited(ConversationLimits { reply_bytes_max: 7, ..ConversationLimits::default() });
    call.send(speaks(1));
    assert_eq!(said(&call.send(text(0, "您好吗"))), ["您好"]);
}

#[test]
fn clauses_over_their_number_are_dropped_and_the_fallback_still_speaks() {
    let mut call = limited(ConversationLimits { reply_clauses_max: 2, ..ConversationLimits::default() });
    call.send(speaks(1));
    for words in ["One.", "Two.", "Three."] {
        call.send(text(0, words));
    }
    assert_eq!(call.conversation.counters().over_limit, 6);
    assert!(!said(&call.wait(4_000)).is_empty());
}

#[test]
fn a_form_over_its_size_leaves_the_one_before() {
    let mut call = limited(ConversationLimits { form_bytes_max: 20, ..ConversationLimits::default() });
    call.send(speaks(1));
    let form = |text: &str| service(0, ServiceEvent::Slots(Map::from_iter([("a".to_owned(), json!(text))])));
    call.send(form("small"));
    call.send(form("far too large for it"));
    call.send(ended(0));
    call.send(played_out(1));
    call.send(listens(1));
    let outputs = call.send(says(1, "hm"));
    assert_eq!(turn_result(&outputs, 1).turn.slots["a"], json!("small"));
}

#[test]
fn variables_over_their_number_or_size_are_dropped_and_the_later_value_wins() {
    let limits = ConversationLimits { variables_max: 2, variable_bytes_max: 6, ..ConversationLimits::default() };
    let mut call = limited(limits);
    let variables = [("a", "1"), ("a", "2"), ("b", "too long"), ("c", "3"), ("d", "4")];
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let outputs = call.send(Input::SpeakerAttached {
        speaker: SpeakerKey(1),
        details: CallDetails { variables, ..CallDetails::default() },
    });
    let [Output::Service(ServiceCommand::Start(details))] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!(details.variables, [("a".to_owned(), "2".to_owned()), ("c".to_owned(), "3".to_owned())]);
    assert_eq!(call.conversation.counters().over_limit, 2);
}

#[test]
fn hypotheses_over_their_number_are_left_out() {
    let mut call = Call::greeted();
    call.send(listens(1));
    let many = (0..20).map(|n| Hypothesis::new(format!("reading {n}"), 0.5, Language::English)).collect();
    let outputs = call.send(turn(1, CallerInput::Speech(many)));
    assert_eq!(taken(&outputs).hypotheses.len(), ConversationLimits::default().hypotheses_max);
}
