//! Random operations on one session with several channels.

use std::time::Instant;

use mrcp::{ChannelId, HeaderName as H, Method, Request, RequestId, Resource};

use super::world::World;

const METHODS: [Method; 18] = [
    Method::Speak,
    Method::Recognize,
    Method::Record,
    Method::Stop,
    Method::Speak,
    Method::Recognize,
    Method::Record,
    Method::Stop,
    Method::Pause,
    Method::Resume,
    Method::BargeInOccurred,
    Method::Control,
    Method::DefineLexicon,
    Method::DefineGrammar,
    Method::Interpret,
    Method::GetResult,
    Method::StartInputTimers,
    Method::SetParams,
];

/// Content types with bodies of theirs.
const BODIES: [(&str, &str); 10] = [
    ("text/plain", "Hello there. How are you?"),
    ("text/uri-list", "builtin:speech/transcribe"),
    ("text/uri-list", "builtin:dtmf/digits?length=2\r\nbuiltin:grammar/boolean"),
    ("text/uri-list", "builtin:speech/dialog"),
    ("text/uri-list", "http://example.com/a.wav"),
    ("application/ssml+xml", "<speak version='1.0' xml:lang='en'>One <mark name='m'/> two <break time='1s'/></speak>"),
    ("application/ssml+xml", "<speak version='1.0' xml:lang='en'><audio src='http://example.com/a.wav'/></speak>"),
    ("application/srgs+xml", "<grammar/>"),
    ("", ""),
    ("image/png", "x"),
];

const HEADERS: [(H, &str); 12] = [
    (H::CancelIfQueue, "true"),
    (H::NoInputTimeout, "100"),
    (H::StartInputTimers, "false"),
    (H::RecognitionMode, "hotword"),
    (H::MediaType, "audio/wav"),
    (H::RecordUri, ""),
    (H::FinalSilence, "100"),
    (H::InterpretText, "yes"),
    (H::JumpSize, "+1 Second"),
    (H::KillOnBargeIn, "false"),
    (H::SaveWaveform, "true"),
    (H::ContentId, "<g@x>"),
];

/// Lines of offers; each subset of them is one.
const LINES: [&str; 4] = ["speechrecog", "speechsynth", "recorder", "audio"];

/// Runs the operations that `bytes` spell on a session with a recognizer, a synthesizer and a recorder, then ends it.
/// Whatever happens: every request has exactly one response, nothing follows COMPLETE or a successful STOP, outputs are
/// bounded, no request is open at the end, and nothing follows the end.
pub fn operations(epoch: Instant, bytes: &[u8]) {
    let mut world = World::new(epoch);
    let mut sip = Sip { cseq: 0 };
    world.datagram(sip.invite("", 0b1111).as_bytes());
    let tag = world.local_tag().unwrap_or_default();
    world.datagram(sip.ack(&tag).as_bytes());
    let mut id = 0_u32;
    for operation in bytes.chunks(4) {
        let byte = |at: usize| operation.get(at).copied().unwrap_or(0);
        match byte(0) % 16 {
            0..=6 => {
                id += 1;
                let used = if byte(0) >= 250 { id.saturating_sub(1) } else { id };
                world.request(request(used, byte(1), byte(2), byte(3)));
            }
            7 => {
                world.datagram(sip.invite(&tag, byte(1) | 0b1000).as_bytes());
                world.datagram(sip.ack(&tag).as_bytes());
            }
            8 if byte(1) % 16 == 0 => world.datagram(sip.bye(&tag).as_bytes()),
            8 if byte(1) % 16 == 1 => world.lose_connection(),
            _ => world.happen(byte(1), byte(2)),
        }
    }
    world.finish();
}

fn request(id: u32, method: u8, body: u8, headers: u8) -> Request {
    let method = METHODS.get(usize::from(method) % METHODS.len()).cloned().unwrap_or(Method::Stop);
    let resource = match method {
        Method::Speak | Method::Pause | Method::Resume | Method::BargeInOccurred | Method::Control => {
            Resource::SpeechSynth
        }
        Method::Record => Resource::Recorder,
        Method::Stop | Method::SetParams | Method::StartInputTimers => match headers % 3 {
            0 => Resource::SpeechSynth,
            1 => Resource::Recorder,
            _ => Resource::SpeechRecog,
        },
        _ => Resource::SpeechRecog,
    };
    let channel = ChannelId::new(super::world::PREFIX, resource).unwrap_or_else(|_| unreachable!("letters and digits"));
    let mut request = Request::new(channel, RequestId(id), method);
    let (content_type, content) = BODIES.get(usize::from(body) % BODIES.len()).copied().unwrap_or_default();
    if !content_type.is_empty() {
        request.headers.push(H::ContentType, content_type);
        request.body = content.into();
    }
    for (at, (name, value)) in HEADERS.iter().enumerate() {
        // Every header comes with some numbers and not with others.
        if (usize::from(headers) + at) % 4 == 0 {
            request.headers.push(name.clone(), *value);
        }
    }
    request
}

/// The client's half of one dialog.
struct Sip {
    cseq: u32,
}

impl Sip {
    fn message(&self, method: &str, tag: &str, body: &str) -> String {
        let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let cseq = self.cseq;
        format!(
            "{method} sip:192.0.2.9:8060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{cseq}{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:a@192.0.2.1>;tag=a\r\nTo: <sip:192.0.2.9>{tag}\r\nCall-ID: c\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:a@192.0.2.1>\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// An offer of the lines whose bits are set; the others have port 0.
    fn invite(&mut self, tag: &str, lines: u8) -> String {
        self.cseq += 1;
        let mut body = String::from("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n");
        for (at, line) in LINES.iter().enumerate() {
            let is_offered = lines >> at & 1 == 1;
            match *line {
                "audio" => {
                    let port = if is_offered { 4_000 } else { 0 };
                    body.push_str(&format!(
                        "m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=mid:1\r\n"
                    ));
                }
                resource => {
                    let port = if is_offered { 9 } else { 0 };
                    body.push_str(&format!(
                        "m=application {port} TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\n\
                         a=resource:{resource}\r\na=cmid:1\r\n"
                    ));
                }
            }
        }
        self.message("INVITE", tag, &body)
    }

    fn ack(&self, tag: &str) -> String {
        self.message("ACK", tag, "")
    }

    fn bye(&mut self, tag: &str) -> String {
        self.cseq += 1;
        self.message("BYE", tag, "")
    }
}
