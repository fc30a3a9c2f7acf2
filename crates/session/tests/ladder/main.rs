//! One session on the virtual clock: what goes in, what has to come out, in which order.

#![expect(clippy::unwrap_used, reason = "what a test has written itself can be read")]

mod basicsynth;
mod grammars;
mod recognizing;
mod recording;
mod references;
mod replying;
mod rfc_examples;
mod signalling;
mod speaking;
mod turn_end;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mrcp::recognizer::RecognizerConfig;
use mrcp::recorder::RecorderConfig;
use mrcp::synthesizer::SynthesizerConfig;
use mrcp::{ChannelId, EventName, HeaderName, Message, Method, Request, RequestId, Resource};
use session::{
    CallerInput, CallerSound, CloseCause, CodecOrder, DescriptionConfig, FromConversation, GrammarConfig, Heard, Input,
    InputKind, Output, PromptEnd, RequestIds, ResultStyle, Session, SessionConfig, SrtpPolicy, ToConversation,
};
use sip::dialog::DialogConfig;
use sip::endpoint::IncomingInvite;
use sip::{DialogKey, Flow, MessageLimits, Seed, ServerKey, Signal, Transport};
use speech::nlsml::InstanceForm;
use speech::{Calendar, Hypothesis, Language};
use testkit::Clock;

const PREFIX: &str = "0123456789abcdef";

fn config() -> Arc<SessionConfig> {
    Arc::new(SessionConfig {
        dialog: Arc::new(DialogConfig::default()),
        description: DescriptionConfig {
            mrcp_port: 1544,
            codecs: vec![media::Codec::Pcmu],
            ptime_ms: 20,
            codec_order: CodecOrder::Offer,
            srtp: SrtpPolicy::Optional,
            has_clips: false,
            connection_reuse: false,
            cmid_optional: true,
            families: session::Families::BOTH,
        },
        recognizer: Arc::new(RecognizerConfig::default()),
        synthesizer: Arc::new(SynthesizerConfig::default()),
        recorder: Arc::new(RecorderConfig::default()),
        clips: None,
        grammars: Arc::new(GrammarConfig { stored_max: 3, compile_here_bytes_max: 1_000, ..GrammarConfig::default() }),
        language: Language::English,
        results: ResultStyle {
            format: speech::ResultFormat::Nlsml,
            instance: InstanceForm::Json,
            namespaced: true,
            no_input: true,
            barge_in: true,
        },
        request_ids: RequestIds::Session,
        first_request_wait: Some(Duration::from_secs(60)),
        silent_peer: session::SilentPeer::EndsSession,
        connection_grace: Duration::from_secs(2),
    })
}

fn sdp(resource: &str, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=application 9 TCP/MRCPv2 1\r\n\
         a=setup:active\r\na=connection:new\r\na=resource:{resource}\r\na=cmid:1\r\nm=audio 4000 RTP/AVP 0\r\n\
         a={direction}\r\na=mid:1\r\n"
    )
}

fn request(method: &str, cseq: u32, to_tag: &str, body: &str) -> sip::Request {
    let text = format!(
        "{method} sip:127.0.0.1:8060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bK{cseq}{method}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:pbx@127.0.0.1>;tag=a\r\nTo: <sip:127.0.0.1>{to_tag}\r\nCall-ID: c1\r\n\
         CSeq: {cseq} {method}\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    match sip::Message::parse(&Bytes::from(text), &MessageLimits::default()).unwrap() {
        sip::Message::Request(request) => request,
        sip::Message::Response(_) => panic!("a request"),
    }
}

/// A session with its clock, and everything that it has put out.
struct Ladder {
    clock: Clock,
    session: Session,
    outputs: Vec<Output>,
    channel: ChannelId,
    next_request: u32,
}

impl Ladder {
    fn offered(resource: Resource) -> Self {
        Self::offered_by(resource, config())
    }

    fn offered_by(resource: Resource, config: Arc<SessionConfig>) -> Self {
        let clock = Clock::new();
        let speaks = matches!(resource, Resource::SpeechSynth | Resource::BasicSynth);
        let direction = if speaks { "recvonly" } else { "sendonly" };
        let invite = IncomingInvite {
            transaction: ServerKey(1),
            dialog: DialogKey(1),
            local_tag: "b".to_owned(),
            request: request("INVITE", 1, "", &sdp(resource.name(), direction)),
            flow: Flow {
                transport: Transport::Udp,
                local: "127.0.0.1:8060".parse().unwrap(),
                remote: "127.0.0.1:5090".parse().unwrap(),
            },
        };
        let noon = Calendar::new(clock.now(), "2026-11-25T12:00".parse().unwrap());
        let session = Session::new(config, PREFIX.to_owned(), Seed(7), clock.now(), invite).with_calendar(noon);
        let channel = ChannelId::new(PREFIX, resource).unwrap();
        let mut ladder = Self { clock, session, outputs: Vec::new(), channel, next_request: 1 };
        ladder.drain();
        ladder
    }

    /// Accepted, acknowledged, and with nothing left over.
    fn established(resource: Resource) -> Self {
        let mut ladder = Self::offered(resource);
        let reservation = ladder.reservation();
        ladder.accept(&reservation);
        ladder
    }

    fn accept(&mut self, reservation: &session::Reservation) {
        let ports = reservation.legs.iter().map(|(leg, _)| (*leg, 20_000)).collect();
        self.input(Input::Reserved { local: [127, 0, 0, 1].into(), ports });
        self.input(Input::Sip(Signal::Ack { request: Box::new(request("ACK", 1, ";tag=b", "")) }));
        self.outputs.clear();
    }

    fn reservation(&mut self) -> session::Reservation {
        let at = self.outputs.iter().position(|output| matches!(output, Output::Reserve(_))).expect("a reservation");
        match self.outputs.remove(at) {
            Output::Reserve(reservation) => reservation,
            _ => unreachable!("found by its kind"),
        }
    }

    fn input(&mut self, input: Input) {
        self.session.handle_input(self.clock.now(), input);
        self.drain();
    }

    fn drain(&mut self) {
        self.outputs.extend(std::iter::from_fn(|| self.session.poll_output()));
    }

    /// Moves time on, firing what becomes due on the way.
    fn pass(&mut self, ms: u64) {
        let end = self.clock.now() + Duration::from_millis(ms);
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.clock.advance_to(due);
            self.session.handle_timeout(self.clock.now());
            self.drain();
        }
        self.clock.advance_to(end);
    }

    fn send(&mut self, method: Method, headers: &[(HeaderName, &str)], body: &str) -> RequestId {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        let mut request = Request::new(self.channel.clone(), id, method);
        for (name, value) in headers {
            request.headers.push(name.clone(), *value);
        }
        request.body = Bytes::copy_from_slice(body.as_bytes());
        self.input(Input::Mrcp(request));
        id
    }

    fn messages(&self) -> Vec<String> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::Mrcp { message: Message::Response(response), .. } => {
                    Some(format!("{} {}", response.status.code(), response.state))
                }
                Output::Mrcp { message: Message::Event(event), .. } => {
                    let cause = event.headers.text(&HeaderName::CompletionCause).unwrap_or_default();
                    Some(format!("{} {} {cause}", event.name.as_str(), event.state).trim_end().to_owned())
                }
                _ => None,
            })
            .collect()
    }

    fn sip(&self) -> Vec<String> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::Sip(sip::Command::Respond { response, .. }) => Some(response.status.code().to_string()),
                Output::Sip(sip::Command::Send { request, .. }) => Some(request.method.as_str().to_owned()),
                _ => None,
            })
            .collect()
    }

    fn listen_key(&self) -> session::ListenKey {
        let key = |output: &Output| match output {
            Output::Listen { key, .. } => Some(*key),
            _ => None,
        };
        self.outputs.iter().find_map(key).expect("it listens")
    }

    fn listened_leg(&self) -> session::LegId {
        let leg = |output: &Output| match output {
            Output::Listen { leg, .. } => Some(*leg),
            _ => None,
        };
        self.outputs.iter().find_map(leg).expect("it listens")
    }

    fn result(&self) -> speech::nlsml::NlsmlResult {
        let body = |output: &Output| match output {
            Output::Mrcp { message: Message::Event(event), .. } if !event.body.is_empty() => Some(event.body.clone()),
            _ => None,
        };
        let body = self.outputs.iter().find_map(body).expect("a result");
        speech::nlsml::read(std::str::from_utf8(&body).unwrap()).unwrap()
    }

    fn position(&self, wanted: impl Fn(&Output) -> bool) -> usize {
        self.outputs.iter().position(wanted).expect("the output")
    }
}

const PLAIN: (HeaderName, &str) = (HeaderName::ContentType, "text/plain");
const URI_LIST: (HeaderName, &str) = (HeaderName::ContentType, "text/uri-list");

#[test]
fn con_006_nothing_is_answered_before_ports_and_places_are_had_and_the_channel_is_known_before_the_answer() {
    let mut ladder = Ladder::offered(Resource::SpeechRecog);
    assert!(ladder.sip().is_empty());
    let (leg, _) = ladder.reservation().legs[0];
    ladder.input(Input::Reserved { local: [127, 0, 0, 1].into(), ports: vec![(leg, 20_000)] });
    let registered = ladder.position(|output| matches!(output, Output::RegisterChannel(_)));
    let opened = ladder.position(|output| matches!(output, Output::OpenLeg { .. }));
    let answered = ladder.position(|output| matches!(output, Output::Sip(sip::Command::Respond { .. })));
    assert!(registered < answered && opened < answered);
    assert_eq!(ladder.sip(), ["200"]);
}

#[test]
fn ses_048_without_a_place_the_invite_gets_503_and_the_session_is_over() {
    let mut ladder = Ladder::offered(Resource::SpeechSynth);
    ladder.input(Input::ReservationRefused { reason: "ports" });
    assert_eq!(ladder.sip(), ["503"]);
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::Closed { cause: CloseCause::Refused })));
}

#[test]
fn ses_019_a_bye_in_the_middle_of_a_recognition_completes_it_and_closes_everything() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "builtin:speech/transcribe");
    let bye = Signal::Request {
        transaction: ServerKey(2),
        request: Box::new(request("BYE", 2, ";tag=b", "")),
        flow: Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:8060".parse().unwrap(),
            remote: "127.0.0.1:5090".parse().unwrap(),
        },
    };
    ladder.input(Input::Sip(bye));
    assert_eq!(ladder.messages()[1], "RECOGNITION-COMPLETE COMPLETE 006 recognizer-error");
    let stopped = ladder.position(|output| matches!(output, Output::StopListening { .. }));
    let closed_leg = ladder.position(|output| matches!(output, Output::CloseLeg { .. }));
    let forgotten = ladder.position(|output| matches!(output, Output::ForgetChannel(_)));
    let closed = ladder.position(|output| matches!(output, Output::Closed { cause: CloseCause::Bye }));
    assert!(stopped < closed_leg && closed_leg < forgotten && forgotten < closed);
    assert_eq!(closed, ladder.outputs.len() - 1, "nothing follows the end");
}

#[test]
fn ses_020_a_lost_control_connection_is_waited_for_and_then_ends_in_complete_and_bye() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[PLAIN], "Hello.");
    ladder.outputs.clear();
    ladder.input(Input::ConnectionLost { channels: vec![ladder.channel.clone()] });
    ladder.pass(1_900);
    assert!(ladder.sip().is_empty());
    ladder.pass(200);
    assert_eq!(ladder.messages(), ["SPEAK-COMPLETE COMPLETE 004 error"]);
    let completed = ladder.position(|output| matches!(output, Output::Mrcp { .. }));
    let bye = ladder.position(|output| matches!(output, Output::Sip(sip::Command::Send { .. })));
    assert!(completed < bye);
    assert_eq!(ladder.sip(), ["BYE"]);
}

#[test]
fn a_request_on_a_new_connection_keeps_the_session() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.input(Input::ConnectionLost { channels: vec![ladder.channel.clone()] });
    ladder.pass(1_000);
    ladder.send(Method::GetParams, &[], "");
    ladder.pass(5_000);
    assert!(ladder.sip().is_empty());
}

#[test]
fn the_final_words_are_asked_for_when_the_silence_was_long_enough_and_come_back_as_nlsml() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "builtin:grammar/boolean");
    let key = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Listen { key, .. } => Some(*key),
            _ => None,
        })
        .expect("it listens");
    let hypotheses = vec![Hypothesis::new("Yes, please.", 0.9, Language::English)];
    ladder.pass(1_000);
    ladder.input(Input::Heard { key, heard: Heard::SpeechStarted { offset: Duration::ZERO } });
    ladder.pass(600);
    ladder.input(Input::Heard {
        key,
        heard: Heard::SpeechEnded { offset: Duration::from_millis(600), silence: Duration::from_millis(180) },
    });
    ladder.input(Input::Heard { key, heard: Heard::Hypotheses { hypotheses: hypotheses.clone(), is_final: false } });
    ladder.pass(319);
    assert!(!ladder.outputs.iter().any(|output| matches!(output, Output::FinishListening { .. })));
    ladder.pass(1);
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::FinishListening { .. })), "500 ms of silence");
    ladder.input(Input::Heard { key, heard: Heard::Hypotheses { hypotheses, is_final: true } });
    assert_eq!(
        ladder.messages(),
        ["200 IN-PROGRESS", "START-OF-INPUT IN-PROGRESS", "RECOGNITION-COMPLETE COMPLETE 000 success"]
    );
    let body = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Mrcp { message: Message::Event(event), .. } if !event.body.is_empty() => Some(event.body.clone()),
            _ => None,
        })
        .expect("a result");
    let result = speech::nlsml::read(std::str::from_utf8(&body).unwrap()).unwrap();
    assert_eq!(result.interpretations[0].instance, Some(serde_json::json!("true")), "a scalar is written as text");
}

#[test]
fn a_day_that_is_told_relative_to_today_is_resolved_by_the_calendar_of_the_session() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    // A session that is never used ends by itself.
    ladder.send(Method::GetParams, &[], "");
    // Noon and twelve hours: the next day.
    ladder.pass(12 * 3_600_000);
    ladder.send(Method::Recognize, &[URI_LIST], "builtin:grammar/date");
    let key = ladder.listen_key();
    let hypotheses = vec![Hypothesis::new("明天", 0.9, Language::Chinese)];
    ladder.input(Input::Heard { key, heard: Heard::SpeechStarted { offset: Duration::ZERO } });
    ladder.input(Input::Heard {
        key,
        heard: Heard::SpeechEnded { offset: Duration::from_millis(600), silence: Duration::from_millis(180) },
    });
    ladder.pass(2_000);
    ladder.input(Input::Heard { key, heard: Heard::Hypotheses { hypotheses, is_final: true } });
    assert_eq!(ladder.result().interpretations[0].instance, Some(serde_json::json!("20261127")));
}

#[test]
fn int_006_dtm_015_dictation_and_keyed_digits_are_active_together_and_the_keys_come_back_as_keys() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "builtin:speech/transcribe\nbuiltin:dtmf/digits?length=2");
    let leg = ladder.listened_leg();
    for digit in ['4', '2'].map(|key| media::DtmfDigit::from_char(key).unwrap()) {
        ladder.input(Input::Leg { leg, event: media::LegEvent::Dtmf { digit, duration_ms: 100 } });
    }
    ladder.pass(10_000);
    let result = ladder.result();
    assert_eq!(result.interpretations[0].grammar.as_deref(), Some("builtin:dtmf/digits?length=2"));
    assert_eq!(result.interpretations[0].instance, Some(serde_json::json!("42")));
    assert!(
        matches!(&result.interpretations[0].input, speech::nlsml::Input::Matched { text, mode: Some(speech::InputMode::Dtmf) } if text == "4 2")
    );
}

#[test]
fn a_dialog_turn_goes_to_the_conversation_and_its_answer_becomes_the_result() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "builtin:speech/dialog?conversation=c7");
    let (key, part) = ladder.outputs.iter().fold((None, None), |(key, part), output| match output {
        Output::Listen { key, .. } => (Some(*key), part),
        Output::Converse { part, what: ToConversation::ListenerAttached { details, .. } } => {
            assert_eq!(details.conversation.as_deref(), Some("c7"));
            (key, Some(*part))
        }
        _ => (key, part),
    });
    let (key, part) = (key.unwrap(), part.unwrap());
    ladder.outputs.clear();
    ladder.input(Input::Heard { key, heard: Heard::SpeechStarted { offset: Duration::ZERO } });
    assert_eq!(sounds(&ladder), [CallerSound::Began]);
    assert!(ladder.messages().is_empty(), "no START-OF-INPUT before it is known to be input");
    ladder.pass(400);
    ladder.input(Input::Conversation { part, what: FromConversation::YieldFloor });
    assert_eq!(ladder.messages(), ["START-OF-INPUT IN-PROGRESS"]);
    let hypotheses = vec![Hypothesis::new("six", 0.8, Language::English)];
    ladder.input(Input::Heard {
        key,
        heard: Heard::SpeechEnded { offset: Duration::from_millis(600), silence: Duration::from_millis(180) },
    });
    ladder.input(Input::Heard { key, heard: Heard::Hypotheses { hypotheses: hypotheses.clone(), is_final: false } });
    ladder.pass(500);
    ladder.input(Input::Heard { key, heard: Heard::Hypotheses { hypotheses: hypotheses.clone(), is_final: true } });
    assert!(ladder.outputs.iter().any(|output| matches!(
        output,
        Output::Converse { what: ToConversation::CallerTurn { input: CallerInput::Speech(heard), .. }, .. }
            if *heard == hypotheses
    )));
    let instance = serde_json::json!({ "transcript": "six", "action": "continue" });
    let what = FromConversation::Complete {
        instance,
        input: "six".to_owned(),
        confidence: 0.8,
        kind: Some(InputKind::Speech),
    };
    ladder.input(Input::Conversation { part, what });
    assert_eq!(ladder.messages().last().unwrap(), "RECOGNITION-COMPLETE COMPLETE 000 success");
    let told = ladder
        .outputs
        .iter()
        .filter(|output| matches!(output, Output::Converse { what: ToConversation::ListenerDetached, .. }));
    assert_eq!(told.count(), 0, "a turn that was told is not detached");
}

/// What the conversation was told of the caller's sounds.
fn sounds(ladder: &Ladder) -> Vec<CallerSound> {
    let sound = |output: &Output| match output {
        Output::Converse { what: ToConversation::Sound(sound), .. } => Some(sound.clone()),
        _ => None,
    };
    ladder.outputs.iter().filter_map(sound).collect()
}

/// A RECOGNIZE of a conversation that has heard "six" and its pause, and whose conversation has not answered.
fn undecided() -> (Ladder, session::ListenKey, session::PartKey) {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "builtin:speech/dialog?conversation=c7");
    let key = ladder.listen_key();
    let part = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Converse { part, what: ToConversation::ListenerAttached { .. } } => Some(*part),
            _ => None,
        })
        .expect("it listens");
    ladder.outputs.clear();
    ladder.input(Input::Heard { key, heard: Heard::SpeechStarted { offset: Duration::ZERO } });
    ladder.pass(400);
    ladder.input(Input::Heard {
        key,
        heard: Heard::SpeechEnded { offset: Duration::from_millis(400), silence: Duration::from_millis(180) },
    });
    let hypotheses = vec![Hypothesis::new("six", 0.8, Language::English)];
    ladder.input(Input::Heard { key, heard: Heard::Hypotheses { hypotheses, is_final: false } });
    (ladder, key, part)
}

#[test]
fn what_was_heard_before_the_caller_had_the_floor_counts_from_when_it_was_heard() {
    let (mut ladder, _, part) = undecided();
    assert!(ladder.messages().is_empty());
    // Long enough for the silence to have ended the turn.
    ladder.pass(2_000);
    ladder.input(Input::Conversation { part, what: FromConversation::YieldFloor });
    ladder.pass(0);
    assert_eq!(ladder.messages(), ["START-OF-INPUT IN-PROGRESS"]);
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::FinishListening { .. })));
}

#[test]
fn what_is_dismissed_is_forgotten_and_the_engine_listens_anew() {
    let (mut ladder, key, part) = undecided();
    ladder.outputs.clear();
    ladder.input(Input::Conversation { part, what: FromConversation::Dismiss });
    assert!(matches!(
        ladder.outputs.as_slice(),
        [Output::StopListening { key: old, .. }, Output::Listen { key: new, .. }] if *old == key && *new != key
    ));
    let key = ladder.listen_key();
    ladder.outputs.clear();
    ladder.pass(5_000);
    assert!(ladder.messages().is_empty());
    ladder.input(Input::Heard { key, heard: Heard::SpeechStarted { offset: Duration::ZERO } });
    assert_eq!(sounds(&ladder), [CallerSound::Began], "it asks again");
}

#[test]
fn a_key_is_input_at_once() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "builtin:speech/dialog?conversation=c7");
    let leg = ladder.listened_leg();
    ladder.outputs.clear();
    let digit = media::DtmfDigit::from_char('5').unwrap();
    ladder.input(Input::Leg { leg, event: media::LegEvent::Dtmf { digit, duration_ms: 0 } });
    assert_eq!(sounds(&ladder), [CallerSound::Keyed]);
    assert_eq!(ladder.messages(), ["START-OF-INPUT IN-PROGRESS"]);
}

#[test]
fn a_prompt_is_hushed_and_goes_on_without_a_word_to_the_client() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[PLAIN], "dialog:reply?conversation=c7");
    let part = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Converse { part, what: ToConversation::SpeakerAttached(_) } => Some(*part),
            _ => None,
        })
        .expect("it asks the conversation");
    ladder.outputs.clear();
    ladder.input(Input::Conversation { part, what: FromConversation::Hush });
    ladder.input(Input::Conversation { part, what: FromConversation::Unhush });
    assert!(matches!(ladder.outputs.as_slice(), [Output::Hush { .. }, Output::Unhush { .. }]), "{:?}", ladder.outputs);
}

#[test]
fn silence_in_a_conversation_is_a_turn_and_a_stop_is_none() {
    for (stops, expected) in [(false, true), (true, false)] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        ladder.send(
            Method::Recognize,
            &[URI_LIST, (HeaderName::NoInputTimeout, "1000")],
            "builtin:speech/dialog?conversation=c7",
        );
        if stops {
            ladder.send(Method::Stop, &[], "");
        }
        ladder.pass(1_100);
        let silence = ladder.outputs.iter().any(|output| {
            matches!(
                output,
                Output::Converse { what: ToConversation::CallerTurn { input: CallerInput::NoInput, .. }, .. }
            )
        });
        assert_eq!(silence, expected);
    }
}

#[test]
fn a_reply_is_spoken_clause_by_clause_and_a_barge_in_tells_how_much_was_heard() {
    let mut ladder = Ladder::established(Resource::SpeechSynth);
    ladder.send(Method::Speak, &[PLAIN], "dialog:reply?conversation=c7");
    let part = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Converse { part, what: ToConversation::SpeakerAttached(_) } => Some(*part),
            _ => None,
        })
        .expect("it asks the conversation");
    let say = |text: &str| FromConversation::Say {
        text: text.to_owned(),
        markup: None,
        language: Language::English,
        voice: None,
        cacheable: true,
    };
    ladder.input(Input::Conversation { part, what: say("First.") });
    ladder.input(Input::Conversation { part, what: say("Second.") });
    let (utterance, leg) = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Synthesize { utterance, leg, .. } => Some((*utterance, *leg)),
            _ => None,
        })
        .expect("it speaks at once");
    ladder.pass(100);
    ladder.input(Input::Conversation { part, what: FromConversation::StopPlayout });
    assert_eq!(ladder.messages().last().unwrap(), "SPEAK-COMPLETE COMPLETE 001 barge-in");
    let event = media::LegEvent::PlayoutFinished {
        utterance,
        at: ladder.clock.now(),
        played_ms: 80,
        position_samples: 640,
        outcome: media::PlayoutOutcome::Stopped,
    };
    ladder.input(Input::Leg { leg, event });
    let progress = ladder
        .outputs
        .iter()
        .find_map(|output| match output {
            Output::Converse { what: ToConversation::PromptDone { end: PromptEnd::Stopped, progress }, .. } => {
                Some(*progress)
            }
            _ => None,
        })
        .expect("the conversation hears of the end");
    assert_eq!((progress.clauses, progress.partial_ms), (0, 80));
}
