use std::collections::HashMap;

use prost::Message as _;

use crate::{DESCRIPTOR_SET, v1};

fn round_trip<M: prost::Message + Default + PartialEq + std::fmt::Debug>(message: &M) {
    let bytes = message.encode_to_vec();
    assert_eq!(&M::decode(bytes.as_slice()).unwrap(), message);
    for end in 0..bytes.len() {
        // A cut message is an error or a shorter message, and never the whole one.
        assert!(M::decode(&bytes[..end]).map_or(true, |cut| &cut != message), "cut at {end}");
    }
}

#[test]
fn a_turn_survives_the_wire() {
    let hypothesis = |transcript: &str, confidence| v1::Hypothesis {
        transcript: transcript.into(),
        confidence,
        language: "zh-CN".into(),
    };
    round_trip(&v1::TakeTurnRequest {
        conversation_id: "call-1".into(),
        turn_id: 3,
        input: Some(v1::CallerInput {
            kind: v1::caller_input::Kind::Speech.into(),
            transcript: "大概六分".into(),
            confidence: 0.75,
            language: "zh-CN".into(),
            hypotheses: vec![hypothesis("大概六分", 0.75), hypothesis("大概流分", 0.25)],
            dtmf: String::new(),
            timing: Some(v1::Timing { speech_started_ms: 10_000, speech_ended_ms: 11_200, turn_ended_ms: 11_800 }),
        }),
        heard: Some(v1::Heard { turn_id: 2, text: "How bad".into(), complete: false, played_ms: 400 }),
        speculation: 2,
    });
}

#[test]
fn every_action_survives_the_wire() {
    use v1::{action::Kind, turn_event::Event};
    let actions = [
        Kind::Continue(v1::Continue {}),
        Kind::Transfer(v1::Transfer { target: "nurse".into(), summary: "chest pain".into() }),
        Kind::Hangup(v1::Hangup { reason: "completed".into() }),
        Kind::Custom(v1::Custom {
            name: "collect".into(),
            params: HashMap::from([("digits".to_owned(), "4".to_owned())]),
        }),
    ];
    for kind in actions {
        round_trip(&v1::TurnEvent { turn_id: 1, event: Some(Event::Action(v1::Action { kind: Some(kind) })) });
    }
}

#[test]
fn a_forbidden_barge_in_is_sent() {
    let absent = v1::Text { text: "Hello.".into(), ..v1::Text::default() };
    let forbidden = v1::Text { barge_in: v1::BargeIn::NotAllowed.into(), ..absent.clone() };
    assert_ne!(absent.encode_to_vec(), forbidden.encode_to_vec());
}

#[test]
fn the_descriptor_set_names_the_service_and_keeps_its_comments() {
    let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap();
    let file = set.file.iter().find(|file| file.package() == "voxgate.dialog.v1").unwrap();
    let service = &file.service[0];
    assert_eq!(service.name(), "Dialog");
    let methods: Vec<&str> = service.method.iter().map(|method| method.name()).collect();
    assert_eq!(
        methods,
        ["GetCapabilities", "StartConversation", "TakeTurn", "SettleTurn", "Interrupt", "EndConversation",]
    );
    assert!([1, 2].iter().all(|&method: &usize| service.method[method].server_streaming()));
    assert!(file.source_code_info.is_some());
}
