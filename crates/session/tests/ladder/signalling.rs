//! Several channels in one dialog: how they come and go, and what they share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mrcp::{ChannelId, HeaderName, Message, Method, Request, RequestId, Resource};
use session::{CloseCause, Heard, Input, Output, RequestIds, Session, SessionConfig};
use sip::endpoint::IncomingInvite;
use sip::{DialogKey, Flow, Seed, ServerKey, Signal, Transport};
use testkit::Clock;

use super::{PLAIN, PREFIX, URI_LIST, config, request};

pub(super) const RECOGNIZER: &str = "m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:speechrecog\r\n\
    a=cmid:1\r\n";
pub(super) const SYNTHESIZER: &str = "m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:speechsynth\r\n\
    a=cmid:1\r\n";
pub(super) const AUDIO: &str = "m=audio 4000 RTP/AVP 0\r\na=mid:1\r\n";

/// A session whose ports and places are granted at once, unless it is said otherwise.
pub(super) struct Call {
    clock: Clock,
    session: Session,
    pub(super) outputs: Vec<Output>,
    grants: bool,
    cseq: u32,
}

fn flow() -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "127.0.0.1:8060".parse().unwrap(),
        remote: "127.0.0.1:5090".parse().unwrap(),
    }
}

fn sdp(lines: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{lines}")
}

impl Call {
    fn new(config: Arc<SessionConfig>, body: &str) -> Self {
        let clock = Clock::new();
        let invite = IncomingInvite {
            transaction: ServerKey(1),
            dialog: DialogKey(1),
            local_tag: "b".to_owned(),
            request: request("INVITE", 1, "", body),
            flow: flow(),
        };
        let session = Session::new(config, PREFIX.to_owned(), Seed(7), clock.now(), invite);
        let mut call = Self { clock, session, outputs: Vec::new(), grants: true, cseq: 1 };
        call.drain();
        call
    }

    /// Accepted and acknowledged.
    pub(super) fn of(lines: &str) -> Self {
        Self::with(config(), lines)
    }

    fn with(config: Arc<SessionConfig>, lines: &str) -> Self {
        let mut call = Self::new(config, &sdp(lines));
        assert_eq!(call.sip(), ["200"]);
        call.acknowledge();
        call
    }

    fn acknowledge(&mut self) {
        self.input(Input::Sip(Signal::Ack { request: Box::new(request("ACK", self.cseq, ";tag=b", "")) }));
        self.outputs.clear();
    }

    /// An in-dialog request; what it was answered, if it was at once.
    fn ask(&mut self, method: &str, body: &str) -> Vec<String> {
        self.outputs.clear();
        self.cseq += 1;
        let transaction = ServerKey(u64::from(self.cseq));
        let request = Box::new(request(method, self.cseq, ";tag=b", body));
        self.input(Input::Sip(Signal::Request { transaction, request, flow: flow() }));
        self.sip()
    }

    fn reinvite(&mut self, lines: &str) -> Vec<String> {
        let answer = self.ask("INVITE", &sdp(lines));
        if answer == ["200"] {
            let outputs = std::mem::take(&mut self.outputs);
            self.acknowledge();
            self.outputs = outputs;
        }
        answer
    }

    pub(super) fn input(&mut self, input: Input) {
        self.session.handle_input(self.clock.now(), input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            if let Output::Reserve(reservation) = &output {
                let ports = reservation.legs.iter().map(|(leg, _)| (*leg, 20_000)).collect();
                let answer = match self.grants {
                    true => Input::Reserved { local: [127, 0, 0, 1].into(), ports },
                    false => Input::ReservationRefused { reason: "ports" },
                };
                self.outputs.push(output);
                self.session.handle_input(self.clock.now(), answer);
            } else {
                self.outputs.push(output);
            }
        }
    }

    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.clock.now() + Duration::from_millis(ms);
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.clock.advance_to(due);
            self.session.handle_timeout(self.clock.now());
            self.drain();
        }
        self.clock.advance_to(end);
    }

    fn send(&mut self, resource: Resource, id: u32, method: Method, headers: &[(HeaderName, &str)], body: &str) {
        let channel = ChannelId::new(PREFIX, resource).unwrap();
        let mut request = Request::new(channel, RequestId(id), method);
        for (name, value) in headers {
            request.headers.push(name.clone(), *value);
        }
        request.body = Bytes::copy_from_slice(body.as_bytes());
        self.input(Input::Mrcp(request));
    }

    fn speak(&mut self, id: u32) {
        self.send(Resource::SpeechSynth, id, Method::Speak, &[PLAIN], "Hello.");
    }

    fn recognize(&mut self, id: u32) {
        self.send(Resource::SpeechRecog, id, Method::Recognize, &[URI_LIST], "builtin:speech/transcribe");
    }

    /// What was said on the channels since the last look.
    fn said(&mut self) -> Vec<String> {
        let said = self.outputs.iter().filter_map(|output| match output {
            Output::Mrcp { channel, message } => {
                let what = match message {
                    Message::Response(response) => format!("{} {} {}", response.id, response.status, response.state),
                    Message::Event(event) => format!("{} {} {}", event.name.as_str(), event.id, event.state),
                    Message::Request(_) => panic!("a server sends no requests"),
                };
                Some(format!("{}: {what}", channel.resource_name()))
            }
            _ => None,
        });
        let said = said.collect();
        self.outputs.retain(|output| !matches!(output, Output::Mrcp { .. }));
        said
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

    fn forgotten(&self) -> Vec<&str> {
        let forgotten = self.outputs.iter().filter_map(|output| match output {
            Output::ForgetChannel(channel) => Some(channel.resource_name()),
            _ => None,
        });
        forgotten.collect()
    }

    fn closed(&self) -> Option<CloseCause> {
        self.outputs.iter().find_map(|output| match output {
            Output::Closed { cause } => Some(*cause),
            _ => None,
        })
    }
}

#[test]
fn frm_017_frm_018_request_ids_rise_over_all_channels_of_a_session() {
    let mut call = Call::of(&format!("{RECOGNIZER}{SYNTHESIZER}{AUDIO}"));
    call.send(Resource::SpeechSynth, 5, Method::GetParams, &[(HeaderName::VoiceName, "")], "");
    call.send(Resource::SpeechRecog, 5, Method::Stop, &[], "");
    call.send(Resource::SpeechRecog, 6, Method::Stop, &[], "");
    assert_eq!(
        call.said(),
        ["speechsynth: 5 200 COMPLETE", "speechrecog: 5 410 COMPLETE", "speechrecog: 6 200 COMPLETE"]
    );
}

#[test]
fn frm_018_clients_that_number_each_channel_by_itself_are_served_where_it_is_so_set() {
    let config = Arc::new(SessionConfig { request_ids: RequestIds::Channel, ..(*config()).clone() });
    let mut call = Call::with(config, &format!("{RECOGNIZER}{SYNTHESIZER}{AUDIO}"));
    call.send(Resource::SpeechSynth, 5, Method::Stop, &[], "");
    call.send(Resource::SpeechRecog, 5, Method::Stop, &[], "");
    call.send(Resource::SpeechRecog, 5, Method::Stop, &[], "");
    assert_eq!(
        call.said(),
        ["speechsynth: 5 200 COMPLETE", "speechrecog: 5 200 COMPLETE", "speechrecog: 5 410 COMPLETE"]
    );
}

#[test]
fn ses_014_a_channel_is_added_while_another_speaks() {
    let mut call = Call::of(&format!("{SYNTHESIZER}{AUDIO}"));
    call.speak(1);
    assert_eq!(call.said(), ["speechsynth: 1 200 IN-PROGRESS"]);
    assert_eq!(call.reinvite(&format!("{SYNTHESIZER}{AUDIO}{RECOGNIZER}")), ["200"]);
    assert_eq!(call.said(), Vec::<String>::new(), "the SPEAK is not touched");
    call.recognize(2);
    assert_eq!(call.said(), ["speechrecog: 2 200 IN-PROGRESS"]);
}

#[test]
fn ses_015_an_addition_that_cannot_be_had_leaves_what_runs() {
    let mut call = Call::of(&format!("{SYNTHESIZER}{AUDIO}"));
    call.speak(1);
    call.said();
    let verifier = RECOGNIZER.replace("speechrecog", "speakverify");
    assert_eq!(call.reinvite(&format!("{SYNTHESIZER}{AUDIO}{verifier}")), ["488"]);
    call.grants = false;
    assert_eq!(call.reinvite(&format!("{SYNTHESIZER}{AUDIO}{RECOGNIZER}")), ["503"]);
    assert!(call.forgotten().is_empty() && call.closed().is_none());
    call.send(Resource::SpeechSynth, 2, Method::Stop, &[], "");
    assert_eq!(call.said(), ["speechsynth: 2 200 COMPLETE"]);
    call.grants = true;
    assert_eq!(call.reinvite(&format!("{SYNTHESIZER}{AUDIO}{RECOGNIZER}")), ["200"]);
}

#[test]
fn ses_016_con_004_a_released_channel_completes_its_requests_and_is_gone() {
    let mut call = Call::of(&format!("{RECOGNIZER}{SYNTHESIZER}{AUDIO}"));
    call.recognize(1);
    call.said();
    let released = RECOGNIZER.replace("m=application 9", "m=application 0");
    assert_eq!(call.reinvite(&format!("{released}{SYNTHESIZER}{AUDIO}")), ["200"]);
    assert_eq!(call.said(), ["speechrecog: RECOGNITION-COMPLETE 1 COMPLETE"]);
    assert_eq!(call.forgotten(), ["speechrecog"]);
    call.send(Resource::SpeechRecog, 2, Method::Stop, &[], "");
    call.speak(3);
    assert_eq!(call.said(), ["speechrecog: 2 405 COMPLETE", "speechsynth: 3 200 IN-PROGRESS"]);
}

#[test]
fn ses_019_ses_021_a_lost_connection_ends_all_channels_of_the_dialog() {
    let mut call = Call::of(&format!("{RECOGNIZER}{SYNTHESIZER}{AUDIO}"));
    call.recognize(1);
    call.speak(2);
    call.said();
    // Only one of the two was used over it.
    let lost = vec![ChannelId::new(PREFIX, Resource::SpeechSynth).unwrap()];
    call.input(Input::ConnectionLost { channels: lost });
    call.pass(2_000);
    let mut said = call.said();
    said.sort();
    assert_eq!(said, ["speechrecog: RECOGNITION-COMPLETE 1 COMPLETE", "speechsynth: SPEAK-COMPLETE 2 COMPLETE"]);
    assert_eq!(call.sip(), ["BYE"]);
    assert_eq!(call.forgotten().len(), 2);
}

#[test]
fn con_007_a_client_that_asks_for_nothing_is_hung_up_on() {
    let mut call = Call::of(&format!("{SYNTHESIZER}{AUDIO}"));
    call.pass(59_999);
    assert!(call.sip().is_empty());
    call.pass(1);
    assert_eq!(call.sip(), ["BYE"]);
    let mut call = Call::of(&format!("{SYNTHESIZER}{AUDIO}"));
    call.pass(59_000);
    call.send(Resource::SpeechSynth, 1, Method::Stop, &[], "");
    call.pass(30_000);
    assert!(call.sip().is_empty(), "one request is enough");
}

#[test]
fn con_007_a_channel_may_be_used_before_the_ack_has_come() {
    let mut call = Call::new(config(), &sdp(&format!("{SYNTHESIZER}{AUDIO}")));
    call.speak(1);
    assert_eq!(call.said(), ["speechsynth: 1 200 IN-PROGRESS"]);
    call.acknowledge();
    call.pass(60_000);
    assert!(!call.sip().contains(&"BYE".to_owned()));
}

#[test]
fn ses_039_an_invite_without_an_offer_gets_488() {
    assert_eq!(Call::new(config(), "").sip(), ["488"]);
}

#[test]
fn ses_040_a_session_begins_without_channels_and_gets_them_later() {
    let mut call = Call::of("");
    assert_eq!(call.reinvite(&format!("{SYNTHESIZER}{AUDIO}")), ["200"]);
    call.speak(1);
    assert_eq!(call.said(), ["speechsynth: 1 200 IN-PROGRESS"]);
    let released = format!("{SYNTHESIZER}{AUDIO}").replace("m=application 9", "m=application 0").replace("4000", "0");
    assert_eq!(call.reinvite(&released), ["200"]);
    assert_eq!(call.said(), ["speechsynth: SPEAK-COMPLETE 1 COMPLETE"]);
    assert_eq!(call.reinvite(&format!("{SYNTHESIZER}{AUDIO}")), ["200"]);
}

#[test]
fn ses_043_a_reinvite_after_the_end_is_not_answered_by_the_session() {
    let mut call = Call::of(&format!("{SYNTHESIZER}{AUDIO}"));
    assert_eq!(call.ask("BYE", ""), ["200"]);
    assert_eq!(call.closed(), Some(CloseCause::Bye));
    assert!(call.ask("INVITE", &sdp(SYNTHESIZER)).is_empty());
}

#[test]
fn gen_014_parameters_belong_to_one_channel() {
    let mut call = Call::of(&format!("{RECOGNIZER}{SYNTHESIZER}{AUDIO}"));
    call.send(Resource::SpeechSynth, 1, Method::SetParams, &[(HeaderName::SpeechLanguage, "zh-CN")], "");
    call.send(Resource::SpeechRecog, 2, Method::GetParams, &[(HeaderName::SpeechLanguage, "")], "");
    let values: Vec<String> = call
        .outputs
        .iter()
        .filter_map(|output| match output {
            Output::Mrcp { message, .. } => message.headers().speech_language().map(str::to_owned),
            _ => None,
        })
        .collect();
    assert_eq!(values, [""]);
}

#[test]
fn ses_023_one_leg_hears_and_speaks() {
    let mut call = Call::of(&format!("{RECOGNIZER}{SYNTHESIZER}{AUDIO}"));
    call.recognize(1);
    call.speak(2);
    let legs = |wanted: fn(&Output) -> Option<session::LegId>| call.outputs.iter().find_map(wanted);
    let heard = legs(|output| match output {
        Output::Listen { leg, .. } => Some(*leg),
        _ => None,
    });
    let spoken = legs(|output| match output {
        Output::Synthesize { leg, .. } => Some(*leg),
        _ => None,
    });
    assert_eq!((heard.is_some(), heard), (true, spoken));
}

#[test]
fn ses_025_ses_026_without_audio_a_recognition_fails_and_other_methods_work() {
    let mut call = Call::of(&RECOGNIZER.replace("a=cmid:1\r\n", ""));
    call.recognize(1);
    call.send(Resource::SpeechRecog, 2, Method::GetParams, &[(HeaderName::NoInputTimeout, "")], "");
    assert_eq!(call.said(), ["speechrecog: 1 407 COMPLETE", "speechrecog: 2 200 COMPLETE"]);
}

#[test]
fn con_012_a_request_that_waits_holds_up_no_other_channel() {
    let mut call = Call::of(&format!("{RECOGNIZER}{SYNTHESIZER}{AUDIO}"));
    call.recognize(1);
    call.said();
    // Nothing comes from the engine; the other channel is answered all the same.
    call.speak(2);
    call.send(Resource::SpeechSynth, 3, Method::Stop, &[], "");
    assert_eq!(call.said(), ["speechsynth: 2 200 IN-PROGRESS", "speechsynth: 3 200 COMPLETE"]);
}

#[test]
fn rec_072_ses_019_a_bye_ends_the_listening() {
    let mut call = Call::of(&format!("{RECOGNIZER}{AUDIO}"));
    call.recognize(1);
    let key = call.outputs.iter().find_map(|output| match output {
        Output::Listen { key, .. } => Some(*key),
        _ => None,
    });
    call.ask("BYE", "");
    assert!(call.outputs.iter().any(|output| matches!(output, Output::StopListening { .. })));
    let before = call.outputs.len();
    call.input(Input::Heard { key: key.unwrap(), heard: Heard::SpeechStarted { offset: Duration::ZERO } });
    call.pass(60_000);
    assert_eq!(call.outputs.len(), before, "nothing follows the end");
}

#[test]
fn rtp_010_ses_028_two_generators_on_one_stream_get_488() {
    let basic = SYNTHESIZER.replace("speechsynth", "basicsynth");
    assert_eq!(Call::new(config(), &sdp(&format!("{SYNTHESIZER}{basic}{AUDIO}"))).sip(), ["488"]);
    // Each on a stream of its own.
    let basic = basic.replace("a=cmid:1", "a=cmid:2");
    let second = AUDIO.replace("4000", "4002").replace("a=mid:1", "a=mid:2");
    assert_eq!(Call::new(config(), &sdp(&format!("{SYNTHESIZER}{basic}{AUDIO}{second}"))).sip(), ["200"]);
}

#[test]
fn ses_029_audio_reaches_every_resource_of_its_stream() {
    let recorder = RECOGNIZER.replace("speechrecog", "recorder");
    let mut call = Call::of(&format!("{RECOGNIZER}{recorder}{AUDIO}"));
    call.recognize(1);
    call.send(
        Resource::Recorder,
        2,
        Method::Record,
        &[(HeaderName::MediaType, "audio/wav"), (HeaderName::RecordUri, "")],
        "",
    );
    let listens = call.outputs.iter().find_map(|output| match output {
        Output::Listen { leg, .. } => Some(*leg),
        _ => None,
    });
    let records = call.outputs.iter().find_map(|output| match output {
        Output::Record { leg, .. } => Some(*leg),
        _ => None,
    });
    assert!(listens.is_some() && listens == records, "{listens:?} {records:?}");
}
