//! The exchanges of RFC 6787, played: our sessions answer each request as the RFC's server does.

use mrcp::{Framer, Limits, Message, RequestId, RequestState};
use session::{Fetched, Input, Output, RecordingEvent};

use super::signalling::{AUDIO, Call, RECOGNIZER, SYNTHESIZER};

/// Requests that we answer otherwise, with our answer and why. By the number of the example.
const OTHERWISE: &[(&str, &str, &str)] = &[
    ("031", "", "is answered when the leg has said where it stopped"),
    ("033", "409 COMPLETE", "jumps by words"),
    ("045", "407 COMPLETE", "the grammar is not closed"),
    ("049", "407 COMPLETE", "names a grammar that was not defined"),
    ("062", "402 COMPLETE", "there is no result yet"),
    ("069", "401 COMPLETE", "enrollment"),
    ("071", "401 COMPLETE", "enrollment"),
    ("073", "401 COMPLETE", "enrollment"),
    ("075", "401 COMPLETE", "enrollment"),
    ("077", "401 COMPLETE", "enrollment"),
    ("089", "406 COMPLETE", "a RECORD without Media-Type"),
    ("092", "410 COMPLETE", "has the identifier of the RECORD before it"),
    ("094", "406 COMPLETE", "a RECORD without Media-Type"),
];

/// A grammar for whatever the examples refer to.
const GRAMMAR: &str = "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='r'>\
    <rule id='r' scope='public'>yes</rule>\
    <rule id='startPolite' scope='public'>please</rule><rule id='endPolite' scope='public'>thanks</rule></grammar>";

fn message(bytes: &[u8]) -> Option<Message> {
    let mut framer = Framer::new(Limits::default());
    framer.push(bytes);
    framer.next_message()?.ok()
}

/// Gives the session what it asks for, until it asks for nothing more.
fn serve(call: &mut Call) {
    let is_wanted =
        |output: &Output| matches!(output, Output::Fetch { .. } | Output::Compile { .. } | Output::Record { .. });
    while let Some(at) = call.outputs.iter().position(is_wanted) {
        match call.outputs.remove(at) {
            Output::Fetch { key, request } => {
                let document = Fetched {
                    location: request.uri,
                    content_type: Some("application/srgs+xml".to_owned()),
                    content: GRAMMAR.into(),
                    set_cookies: Vec::new(),
                };
                call.input(Input::Fetched { key, outcome: Ok(document) });
            }
            Output::Compile { key, job } => call.input(Input::Compiled { key, compiled: job.run() }),
            Output::Record { key, .. } => call.input(Input::Recording { key, what: RecordingEvent::Started }),
            _ => {}
        }
    }
}

/// Status and state of the response to a request, so far.
fn answer(call: &Call, id: RequestId) -> Option<(u16, RequestState)> {
    call.outputs.iter().rev().find_map(|output| match output {
        Output::Mrcp { message: Message::Response(response), .. } if response.id == id => {
            Some((response.status.code(), response.state))
        }
        _ => None,
    })
}

#[test]
fn the_exchanges_of_rfc_6787_are_answered_as_there() {
    let Some(directory) = testkit::shared_material("suites/rfc6787-examples") else { return };
    let manifest = std::fs::read_to_string(directory.join("manifest.json")).unwrap();
    let exchanges: Vec<serde_json::Value> = serde_json::from_str(&manifest).unwrap();
    let mut answered = 0;
    let mut differences = Vec::new();
    for exchange in &exchanges {
        let recorder = RECOGNIZER.replace("speechrecog", "recorder");
        let mut call = Call::of(&format!("{RECOGNIZER}{SYNTHESIZER}{recorder}{AUDIO}"));
        let mut asked: Option<(String, RequestId)> = None;
        for file in exchange["messages"].as_array().unwrap().iter().map(|message| message["file"].as_str().unwrap()) {
            let Some(number) = file.strip_prefix("mrcp/").and_then(|name| name.get(..3)) else { continue };
            match message(&std::fs::read(directory.join(file)).unwrap()) {
                Some(Message::Request(mut request)) => {
                    asked = None;
                    let Some(resource) = request.channel.resource() else { continue };
                    if resource == mrcp::Resource::SpeakVerify {
                        continue;
                    }
                    request.channel = mrcp::ChannelId::new(super::PREFIX, resource).unwrap();
                    asked = Some((number.to_owned(), request.id));
                    call.input(Input::Mrcp(request));
                    serve(&mut call);
                    call.pass(10);
                }
                Some(Message::Response(theirs)) => {
                    let Some((number, id)) = asked.take().filter(|(_, id)| *id == theirs.id) else { continue };
                    let ours = answer(&call, id).map(|(status, state)| format!("{status} {state}")).unwrap_or_default();
                    let expected = OTHERWISE.iter().find(|(known, ..)| *known == number).map_or_else(
                        || format!("{} {}", theirs.status, theirs.state),
                        |(_, ours, _)| (*ours).to_owned(),
                    );
                    answered += 1;
                    if ours != expected {
                        differences.push(format!("{number}: {ours}, not {expected}"));
                    }
                }
                Some(Message::Event(_)) | None => {}
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(answered > 30, "only {answered} requests were answered");
}
