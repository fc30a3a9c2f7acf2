//! What a synthesizer channel does with SPEAK and CONTROL, on a real leg: what is checked are the samples of its packets.

use std::collections::VecDeque;
use std::sync::Arc;

use media::{ClockRate, Codec, Leg, LegCommand, LegConfig, LegMedia, PcmBuffer, PlaySpan, UtteranceId};
use mrcp::synthesizer::{NtpAnchor, SynthesizerConfig};
use mrcp::{HeaderName, Message, Method, Resource};
use session::{FetchFailure, FetchKey, Fetched, Input, LegId, Output, SessionConfig, Speaker};

use super::{Ladder, PLAIN, config};

const SSML: (HeaderName, &str) = (HeaderName::ContentType, "application/ssml+xml");
/// Each text lasts so many samples; the n-th text that is synthesized first has the values from n × 10,000.
const TEXT_SAMPLES: u64 = 8_000;
const TEXT_VALUES: i16 = 10_000;
/// The fade of a stop.
const FADE_SAMPLES: usize = 160;

/// A session whose outputs are carried out: an engine that speaks at once, and a leg.
pub(super) struct Stage {
    pub(super) ladder: Ladder,
    leg: Leg,
    leg_id: LegId,
    texts: Vec<String>,
    pub(super) samples: Vec<i16>,
    /// Everything that was said to the client, as `messages` of the ladder tells it, with its Speech-Marker.
    said: Vec<String>,
    answers: VecDeque<Input>,
    fetches: Vec<(FetchKey, String)>,
    /// How much longer the synthesis tells its end than it is done.
    tells_late: bool,
    late: VecDeque<Input>,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(Resource::SpeechSynth, config())
    }

    pub(super) fn with(resource: Resource, config: Arc<SessionConfig>) -> Self {
        let mut ladder = Ladder::offered_by(resource, config);
        let reservation = ladder.reservation();
        let (leg_id, _) = reservation.legs[0];
        ladder.accept(&reservation);
        let media = LegMedia::new(Codec::L16, 96);
        let leg = Leg::new(LegConfig::new(media, ClockRate::Hz8000, 1), ladder.clock.now());
        Self {
            ladder,
            leg,
            leg_id,
            texts: Vec::new(),
            samples: Vec::new(),
            said: Vec::new(),
            answers: VecDeque::new(),
            fetches: Vec::new(),
            tells_late: false,
            late: VecDeque::new(),
        }
    }

    pub(super) fn send(&mut self, method: Method, headers: &[(HeaderName, &str)], body: &str) {
        self.ladder.send(method, headers, body);
        self.carry_out();
    }

    /// Lets time pass, in ticks of the leg.
    pub(super) fn run(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.leg.tick(self.ladder.clock.now());
            while let Some(packet) = self.leg.poll_packet() {
                let payload = packet.get(12..).unwrap();
                self.samples.extend(payload.chunks(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])));
            }
            while let Some(event) = self.leg.poll_event() {
                self.ladder.input(Input::Leg { leg: self.leg_id, event });
                self.carry_out();
            }
            if let Some(input) = self.late.pop_front() {
                self.ladder.input(input);
                self.carry_out();
            }
            self.ladder.pass(10);
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        loop {
            for output in std::mem::take(&mut self.ladder.outputs) {
                self.carry(output);
            }
            let Some(answer) = self.answers.pop_front() else { return };
            self.ladder.input(answer);
        }
    }

    fn carry(&mut self, output: Output) {
        match output {
            Output::Synthesize { utterance, leg, what, span, .. } => {
                let text = match &what.speaker {
                    Speaker::Voice => what.text.clone(),
                    Speaker::Clips(words) => format!("clips {}", words.join(" ")),
                };
                let known = self.texts.iter().position(|known| *known == text);
                let index = known.unwrap_or_else(|| {
                    self.texts.push(text);
                    self.texts.len() - 1
                });
                let length = (TEXT_SAMPLES as f32 / what.prosody.rate).round() as u64;
                let first = i16::try_from(index).unwrap() * TEXT_VALUES;
                let samples: Vec<i16> = (0..length).map(|at| first + (at as f32 * what.prosody.rate) as i16).collect();
                self.play(utterance, &samples, span);
                let told = Input::Synthesized { utterance, leg, outcome: Ok(length) };
                if self.tells_late { self.late.push_back(told) } else { self.answers.push_back(told) }
            }
            Output::Silence { utterance, samples, span, .. } => {
                self.play(utterance, &vec![-1; usize::try_from(samples).unwrap()], span);
            }
            Output::StopPlaying { .. } => {
                let now = self.ladder.clock.now();
                self.leg.command(now, LegCommand::Stop { utterance: None, fade_ms: 20 });
            }
            Output::Pause { .. } => self.leg.command(self.ladder.clock.now(), LegCommand::Pause),
            Output::Resume { .. } => self.leg.command(self.ladder.clock.now(), LegCommand::Resume),
            Output::Fetch { key, request } => self.fetches.push((key, request.uri)),
            Output::Mrcp { message, .. } => self.said.push(line(&message)),
            _ => {}
        }
    }

    fn play(&mut self, utterance: UtteranceId, samples: &[i16], span: PlaySpan) {
        let audio = PcmBuffer::from_samples(8000, samples);
        self.leg.command(self.ladder.clock.now(), LegCommand::Play { utterance, audio, span });
    }

    #[track_caller]
    pub(super) fn expect(&mut self, lines: &[&str]) {
        assert_eq!(std::mem::take(&mut self.said), lines);
    }

    /// The samples that were sent, without the silence that fills the last packet of each run.
    fn heard(&self) -> Vec<(i16, i16)> {
        runs(&self.samples)
    }
}

/// Runs of values that grow by one, as first and last; single values, which fades leave, are left out.
fn runs(samples: &[i16]) -> Vec<(i16, i16)> {
    let mut runs: Vec<(i16, i16)> = Vec::new();
    for sample in samples {
        match runs.last_mut() {
            Some((_, last)) if sample.checked_sub(1) == Some(*last) => *last = *sample,
            _ => runs.push((*sample, *sample)),
        }
    }
    runs.retain(|(first, last)| last - first > 20);
    runs
}

fn line(message: &Message) -> String {
    let (start, headers) = match message {
        Message::Response(response) => (format!("{} {}", response.status.code(), response.state), &response.headers),
        Message::Event(event) => (format!("{} {}", event.name.as_str(), event.state), &event.headers),
        Message::Request(_) => panic!("a server sends no requests"),
    };
    let mark = headers.text(&HeaderName::SpeechMarker).and_then(|value| value.split_once(';')).map(|(_, name)| name);
    let restart = headers.text(&HeaderName::SpeakRestart).map(|_| "restart");
    let cause = headers.text(&HeaderName::CompletionCause);
    [Some(start.as_str()), mark, restart, cause].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

const COMPLETE: &str = "SPEAK-COMPLETE COMPLETE 000 normal";

fn timed() -> Arc<SessionConfig> {
    let ntp = Some(NtpAnchor { at: testkit::epoch(), ntp: 1 << 60 });
    let synthesizer = Arc::new(SynthesizerConfig { ntp, ..SynthesizerConfig::default() });
    Arc::new(SessionConfig { synthesizer, ..(*config()).clone() })
}

#[test]
fn syn_007_marks_are_told_in_order_when_what_follows_them_sounds() {
    let mut stage = Stage::with(Resource::SpeechSynth, timed());
    let body = "<speak><mark name='a'/>One one. <mark name='b'/>Two two.<mark name='c'/><break time='500ms'/>\
        <mark name='d'/>Three three.<mark name='e'/></speak>";
    stage.send(Method::Speak, &[SSML], body);
    let start = stage.ladder.clock.elapsed_ms();
    let mut told = Vec::new();
    for _ in 0..400 {
        stage.run(10);
        let at = stage.ladder.clock.elapsed_ms() - start - 10;
        told.extend(std::mem::take(&mut stage.said).into_iter().map(|line| (at, line)));
    }
    let expected = [
        (0, "200 IN-PROGRESS"),
        (0, "SPEECH-MARKER IN-PROGRESS a"),
        (1_000, "SPEECH-MARKER IN-PROGRESS b"),
        (2_000, "SPEECH-MARKER IN-PROGRESS c"),
        (2_500, "SPEECH-MARKER IN-PROGRESS d"),
        (3_500, "SPEECH-MARKER IN-PROGRESS e"),
        (3_690, "SPEAK-COMPLETE COMPLETE e 000 normal"),
    ];
    assert_eq!(told, expected.map(|(at, line)| (at, line.to_owned())));
    assert_eq!(stage.samples.len(), 3 * 8_000 + 4_000, "nothing is between them but the pause");
}

#[test]
fn syn_001_syn_003_audio_begins_at_once_and_its_end_is_told_after_the_last_packet() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "One one.");
    stage.expect(&["200 IN-PROGRESS"]);
    stage.run(20);
    assert!(!stage.samples.is_empty(), "the first packet leaves at the first tick");
    stage.run(980);
    stage.expect(&[]);
    assert_eq!(stage.samples.len(), 8_000);
    stage.run(300);
    stage.expect(&[COMPLETE]);
}

#[test]
fn syn_021_a_jump_ahead_lands_on_the_very_sample() {
    for tells_late in [false, true] {
        let mut stage = Stage::new();
        stage.tells_late = tells_late;
        stage.send(Method::Speak, &[PLAIN], "One one.\n\nTwo two.\n\nThree three.");
        stage.run(500);
        stage.send(Method::Control, &[(HeaderName::JumpSize, "+1 Second")], "");
        stage.run(3_000);
        stage.expect(&["200 IN-PROGRESS", "200 COMPLETE", COMPLETE]);
        let stopped = stage.samples.iter().position(|sample| *sample >= TEXT_VALUES).unwrap();
        // The fade was played, and a second after its end is where it goes on.
        let from = i16::try_from(stopped % 8_000).unwrap();
        assert!(stopped > 4_000 && stopped <= 4_000 + 2 * FADE_SAMPLES, "{stopped}");
        assert_eq!(stage.heard()[1..], [(TEXT_VALUES + from, 17_999), (20_000, 27_999)], "{tells_late}");
    }
}

#[test]
fn syn_023_a_jump_past_the_end_completes_and_the_next_begins_at_its_beginning() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "One one.\n\nTwo two.");
    stage.send(Method::Speak, &[PLAIN], "Three three.");
    stage.run(300);
    stage.send(Method::Control, &[(HeaderName::JumpSize, "+9999 Second")], "");
    stage.run(1_500);
    stage.expect(&["200 IN-PROGRESS", "200 PENDING", "200 COMPLETE", COMPLETE, "SPEECH-MARKER IN-PROGRESS", COMPLETE]);
    assert_eq!(stage.heard().last(), Some(&(20_000, 27_999)));
}

#[test]
fn syn_024_a_jump_before_the_start_restarts_and_says_so() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "One one.\n\nTwo two.");
    stage.run(1_500);
    stage.send(Method::Control, &[(HeaderName::JumpSize, "-9999 Second")], "");
    stage.run(2_500);
    stage.expect(&["200 IN-PROGRESS", "200 COMPLETE restart", COMPLETE]);
    let heard = stage.heard();
    assert_eq!(heard[heard.len() - 2..], [(0, 7_999), (10_000, 17_999)]);
}

#[test]
fn a_jump_back_crosses_into_what_was_spoken_before() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "One one.\n\nTwo two.\n\nThree three.");
    stage.run(1_500);
    stage.send(Method::Control, &[(HeaderName::JumpSize, "-1 Second")], "");
    stage.run(3_000);
    stage.expect(&["200 IN-PROGRESS", "200 COMPLETE", COMPLETE]);
    let heard = stage.heard();
    let (first, last) = heard[heard.len() - 3];
    assert!((4_000..=4_000 + 2 * FADE_SAMPLES as i16).contains(&first), "{first}");
    assert_eq!((last, &heard[heard.len() - 2..]), (7_999, &[(10_000, 17_999), (20_000, 27_999)][..]));
}

#[test]
fn a_jump_to_a_tag_passes_it_and_one_that_is_not_there_is_refused() {
    let mut stage = Stage::with(Resource::SpeechSynth, timed());
    let body = "<speak>One one. <mark name='x'/>Two two. <mark name='there'/>Three three.</speak>";
    stage.send(Method::Speak, &[SSML], body);
    stage.run(200);
    stage.send(Method::Control, &[(HeaderName::JumpSize, "nowhere Tag")], "");
    stage.send(Method::Control, &[(HeaderName::JumpSize, "there Tag")], "");
    stage.run(1_500);
    stage.expect(&[
        "200 IN-PROGRESS",
        "409 COMPLETE",
        "200 COMPLETE",
        "SPEECH-MARKER IN-PROGRESS there",
        "SPEAK-COMPLETE COMPLETE there 000 normal",
    ]);
    // The second text had been synthesized ahead, so the third is the third.
    assert_eq!(stage.heard().last(), Some(&(20_000, 27_999)));
}

#[test]
fn syn_025_a_speak_may_begin_later_and_beyond_its_end_is_silence() {
    for (jump, expected) in [
        ("+1 Second", vec![(10_000, 17_999)]),
        ("1 Second", vec![(10_000, 17_999)]),
        ("-1 Second", vec![(0, 7_999), (10_000, 17_999)]),
        ("+2 Second", vec![]),
        ("+9999999 Second", vec![]),
        ("m Tag", vec![(0, 7_999)]),
    ] {
        let mut stage = Stage::new();
        let body = "<speak>One one. <mark name='m'/>Two two.</speak>";
        stage.send(Method::Speak, &[SSML, (HeaderName::JumpSize, jump)], body);
        stage.run(2_500);
        assert_eq!(stage.heard(), expected, "{jump}");
        assert_eq!(stage.said.last().map(String::as_str), Some(COMPLETE), "{jump}");
    }
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[SSML, (HeaderName::JumpSize, "m Tag")], "<speak>One.</speak>");
    stage.expect(&["409 COMPLETE"]);
}

#[test]
fn syn_027_a_length_ends_speech_to_the_sample_and_at_the_mark() {
    for tells_late in [false, true] {
        for (headers, expected) in [
            (vec![(HeaderName::SpeakLength, "1 Second")], 8_000),
            (vec![(HeaderName::SpeakLength, "2 Second")], 16_000),
            (vec![(HeaderName::SpeakLength, "99 Second")], 24_000),
            (vec![(HeaderName::SpeakLength, "m Tag")], 16_000),
            (vec![(HeaderName::SpeakLength, "nowhere Tag")], 24_000),
            (vec![(HeaderName::JumpSize, "+1 Second"), (HeaderName::SpeakLength, "1 Second")], 8_000),
        ] {
            let mut stage = Stage::new();
            stage.tells_late = tells_late;
            let body = "<speak>One one. Two two. <mark name='m'/>Three three.</speak>".replace(". T", ".</s><s>T");
            let body = body
                .replace("<speak>", "<speak><s>")
                .replace("</speak>", "</s></speak>")
                .replace(". <mark", ".</s><mark");
            let body = body.replace("/>Three", "/><s>Three");
            let mut all = vec![SSML];
            all.extend(headers.clone());
            stage.send(Method::Speak, &all, &body);
            stage.run(4_000);
            assert_eq!(stage.samples.len(), expected, "{headers:?}");
            assert_eq!(stage.said.last().map(String::as_str), Some(COMPLETE));
        }
    }
}

#[test]
fn syn_027_a_length_may_be_set_while_speaking() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "One one.\n\nTwo two.\n\nThree three.");
    stage.run(500);
    stage.send(Method::Control, &[(HeaderName::SpeakLength, "1 Second")], "");
    stage.run(3_000);
    stage.expect(&["200 IN-PROGRESS", "200 COMPLETE", COMPLETE]);
    let faded = stage.samples.len() - 8_000;
    assert!((4_000..=4_000 + 2 * FADE_SAMPLES).contains(&faded), "{faded}");
}

#[test]
fn syn_021_a_change_of_rate_goes_on_at_the_same_place_of_the_text() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "One one.\n\nTwo two.");
    stage.run(480);
    stage.send(Method::Control, &[(HeaderName::ProsodyRate, "200%")], "");
    stage.run(2_000);
    stage.expect(&["200 IN-PROGRESS", "200 COMPLETE", COMPLETE]);
    // Half of the first text in its own time, all else in half of it; the value tells the place in the text.
    let expected = 4_000 + (4_000 + 8_000) / 2;
    assert!(stage.samples.len().abs_diff(expected) < 400, "{}", stage.samples.len());
    let after: Vec<i16> = stage.samples.iter().copied().filter(|sample| (4_200..8_000).contains(sample)).collect();
    assert!(after.windows(2).all(|pair| pair[1] - pair[0] == 2), "no text is left out or repeated");
}

#[test]
fn syn_020_syn_021_a_jump_while_paused_is_heard_after_resume() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "One one.\n\nTwo two.");
    stage.run(400);
    stage.send(Method::Pause, &[], "");
    stage.run(300);
    stage.send(Method::Control, &[(HeaderName::JumpSize, "+1 Second")], "");
    stage.run(300);
    assert_eq!(stage.samples.len(), 3_200, "paused speech says nothing");
    stage.send(Method::Resume, &[], "");
    stage.run(2_000);
    stage.expect(&["200 IN-PROGRESS", "200 COMPLETE", "200 COMPLETE", "200 COMPLETE", COMPLETE]);
    assert_eq!(stage.heard(), [(0, 3_199), (13_200, 17_999)], "to the sample: nothing had to fade");
}

#[test]
fn two_controls_are_done_one_after_the_other() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "One one.\n\nTwo two.\n\nThree three.");
    stage.run(200);
    stage.send(Method::Control, &[(HeaderName::JumpSize, "+1 Second")], "");
    stage.send(Method::Control, &[(HeaderName::JumpSize, "+1 Second")], "");
    stage.run(2_000);
    stage.expect(&["200 IN-PROGRESS", "200 COMPLETE", "200 COMPLETE", COMPLETE]);
    let (first, last) = stage.heard().last().copied().unwrap();
    assert!((21_600..22_200).contains(&first) && last == 27_999, "{first}");
}

#[test]
fn syn_010_syn_014_a_stop_while_a_jump_is_under_way_ends_it() {
    for method in [Method::Stop, Method::BargeInOccurred] {
        let mut stage = Stage::new();
        stage.send(Method::Speak, &[PLAIN], "One one.\n\nTwo two.");
        stage.run(200);
        stage.send(Method::Control, &[(HeaderName::JumpSize, "+1 Second")], "");
        stage.send(method, &[], "");
        let before = stage.samples.len();
        stage.run(1_000);
        stage.expect(&["200 IN-PROGRESS", "200 COMPLETE", "200 COMPLETE"]);
        assert!(stage.samples.len() - before <= 2 * FADE_SAMPLES, "silent within 60 ms");
    }
}

#[test]
fn what_a_conversation_says_cannot_be_jumped_in() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "dialog:reply?conversation=c1");
    stage.send(Method::Control, &[(HeaderName::JumpSize, "+1 Second")], "");
    stage.send(Method::Stop, &[], "");
    stage.send(Method::Speak, &[PLAIN, (HeaderName::SpeakLength, "3 Second")], "dialog:reply?conversation=c1");
    stage.expect(&["200 IN-PROGRESS", "409 COMPLETE", "200 COMPLETE", "409 COMPLETE"]);
}

#[test]
fn syn_030_prosody_headers_are_for_plain_text_only() {
    for (kind, body, expected) in [(PLAIN, "One one.", 4_000), (SSML, "<speak>One one.</speak>", 8_000)] {
        let mut stage = Stage::new();
        stage.send(Method::SetParams, &[(HeaderName::ProsodyRate, "200%")], "");
        stage.send(Method::Speak, &[kind], body);
        stage.run(1_500);
        assert_eq!(stage.samples.len(), expected, "{body}");
    }
}

#[test]
fn syn_029_markup_beats_the_request_and_the_request_beats_the_channel() {
    let voice = |set: &str, own: Option<&str>, body: &str| {
        let mut ladder = Ladder::established(Resource::SpeechSynth);
        ladder.send(Method::SetParams, &[(HeaderName::VoiceName, set)], "");
        let mut headers = vec![SSML];
        headers.extend(own.map(|name| (HeaderName::VoiceName, name)));
        ladder.send(Method::Speak, &headers, body);
        ladder.outputs.iter().find_map(|output| match output {
            Output::Synthesize { what, .. } => what.voice.clone(),
            _ => None,
        })
    };
    let marked = "<speak><voice name='amy'>Hello.</voice></speak>";
    assert_eq!(voice("carol", None, "<speak>Hello.</speak>").as_deref(), Some("carol"));
    assert_eq!(voice("carol", Some("bob"), "<speak>Hello.</speak>").as_deref(), Some("bob"));
    assert_eq!(voice("carol", Some("bob"), marked).as_deref(), Some("amy"));
}

#[test]
fn syn_031_markup_that_names_no_known_voice_keeps_the_voice_of_the_request() {
    let voices = vec!["Amy".to_owned(), "tall bob".to_owned()];
    let synthesizer = Arc::new(SynthesizerConfig { voices, ..SynthesizerConfig::default() });
    let config = Arc::new(SessionConfig { synthesizer, ..(*config()).clone() });
    for (named, expected) in [("amy", "Amy"), ("carol tall bob", "Amy"), ("tall bob", "tall bob"), ("carol", "Amy")] {
        let mut ladder = Ladder::offered_by(Resource::SpeechSynth, Arc::clone(&config));
        let reservation = ladder.reservation();
        ladder.accept(&reservation);
        let body = format!("<speak><voice name='{named}'>Hello.</voice></speak>");
        ladder.send(Method::Speak, &[SSML, (HeaderName::VoiceName, "amy")], &body);
        let voice = ladder.outputs.iter().find_map(|output| match output {
            Output::Synthesize { what, .. } => what.voice.clone(),
            _ => None,
        });
        assert_eq!(voice.as_deref(), Some(expected), "{named}");
    }
}

#[test]
fn syn_032_syn_033_syn_036_syn_037_syn_040_what_cannot_be_spoken_is_told_in_the_response() {
    for (kind, language, body, expected) in [
        ("text/plain;charset=utf-8", "en-GB", "नमस्ते", "200 IN-PROGRESS"),
        ("application/synthesis+ssml", "zh-CN", "<speak>你好</speak>", "200 IN-PROGRESS"),
        ("application/x-foo", "en", "Hello.", "408 COMPLETE 004 error"),
        ("application/ssml+xml", "en", "<speak><p>Hello.</speak>", "407 COMPLETE 002 parse-failure"),
        ("application/ssml+xml", "en", "<speech>Hello.</speech>", "407 COMPLETE 002 parse-failure"),
        ("text/plain", "fr-FR", "Bonjour.", "407 COMPLETE 005 language-unsupported"),
        ("text/plain", "en_US", "Hello.", "404 COMPLETE"),
    ] {
        let mut stage = Stage::new();
        let headers = [(HeaderName::ContentType, kind), (HeaderName::SpeechLanguage, language)];
        stage.send(Method::Speak, &headers, body);
        stage.expect(&[expected]);
    }
}

#[test]
fn syn_051_an_empty_body_is_spoken_in_no_time() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "");
    stage.run(500);
    stage.expect(&["200 IN-PROGRESS", COMPLETE]);
    assert!(stage.samples.is_empty());
}

#[test]
fn syn_052_a_bye_ends_the_leg_before_the_channel() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[PLAIN], "One one.");
    stage.run(100);
    stage.ladder.input(Input::Close { cause: session::CloseCause::Drained });
    let stopped = stage.ladder.position(|output| matches!(output, Output::StopPlaying { .. }));
    let closed = stage.ladder.position(|output| matches!(output, Output::CloseLeg { .. }));
    assert!(stopped < closed);
}

const PLS: (HeaderName, &str) = (HeaderName::ContentType, "application/pls+xml");

fn lexicon(alias: &str) -> String {
    format!(
        "<lexicon version='1.0' xml:lang='en' xmlns='http://www.w3.org/2005/01/pronunciation-lexicon'>\
         <lexeme><grapheme>W3C</grapheme><alias>{alias}</alias></lexeme></lexicon>"
    )
}

impl Stage {
    fn define(&mut self, name: &str, alias: &str) {
        self.send(Method::DefineLexicon, &[PLS, (HeaderName::ContentId, name)], &lexicon(alias));
    }

    /// What is spoken for `W3C`.
    fn spoken(&mut self, headers: &[(HeaderName, &str)], markup: &str) -> String {
        let mut all = vec![SSML];
        all.extend_from_slice(headers);
        self.texts.clear();
        self.send(Method::Speak, &all, &format!("<speak>{markup}W3C</speak>"));
        let spoken = self.texts.first().cloned().unwrap_or_default();
        self.send(Method::Stop, &[], "");
        self.run(100);
        spoken
    }

    fn fetched(&mut self, outcome: Result<&str, &str>) {
        let (key, location) = self.fetches.remove(0);
        let outcome = match outcome {
            Ok(content) => Ok(Fetched {
                location,
                content_type: None,
                content: content.as_bytes().to_vec().into(),
                set_cookies: Vec::new(),
            }),
            Err(cause) => {
                Err(FetchFailure { cause: cause.to_owned(), reason: cause.to_owned(), ..FetchFailure::default() })
            }
        };
        self.ladder.input(Input::Fetched { key, outcome });
        self.carry_out();
    }
}

#[test]
fn syn_043_syn_044_syn_046_a_defined_lexicon_changes_words_until_it_is_unloaded() {
    let mut stage = Stage::new();
    assert_eq!(stage.spoken(&[], ""), "W3C");
    stage.define("<a>", "first");
    assert_eq!(stage.spoken(&[], ""), "first");
    stage.define("a", "second");
    assert_eq!(stage.spoken(&[], ""), "second", "the same name replaces");
    stage.send(Method::DefineLexicon, &[(HeaderName::LoadLexicon, "false"), (HeaderName::ContentId, "a")], "");
    assert_eq!(stage.spoken(&[], ""), "W3C");
    stage.said.clear();
    stage.send(Method::DefineLexicon, &[PLS, (HeaderName::ContentId, "b")], "<speak/>");
    let other = (HeaderName::ContentType, "application/x-lexicon");
    stage.send(Method::DefineLexicon, &[other, (HeaderName::ContentId, "b")], "b");
    stage.expect(&["407 COMPLETE 006 lexicon-load-failure", "407 COMPLETE 006 lexicon-load-failure"]);
}

#[test]
fn syn_045_the_search_order_decides_and_the_markup_before_it() {
    let mut stage = Stage::new();
    stage.define("a", "first");
    stage.define("b", "second");
    let order = (HeaderName::LexiconSearchOrder, "<session:b> <session:a>");
    assert_eq!(stage.spoken(&[], ""), "first");
    assert_eq!(stage.spoken(std::slice::from_ref(&order), ""), "second");
    assert_eq!(stage.spoken(&[order], "<lexicon uri='session:a'/>"), "first");
    stage.said.clear();
    stage.spoken(&[(HeaderName::LexiconSearchOrder, "<session:gone>")], "");
    assert_eq!(stage.said.first().map(String::as_str), Some("407 COMPLETE 006 lexicon-load-failure"));
}

#[test]
fn syn_040_syn_043_a_lexicon_by_uri_is_fetched_and_what_needs_it_waits() {
    let mut stage = Stage::new();
    let list = (HeaderName::ContentType, "text/uri-list");
    let base = (HeaderName::ContentBase, "http://192.0.2.1/lexicons/");
    stage.send(Method::DefineLexicon, &[list.clone(), base], "# names\r\nnames.pls\r\n");
    assert_eq!(stage.fetches[0].1, "http://192.0.2.1/lexicons/names.pls");
    stage.send(Method::Speak, &[PLAIN], "W3C");
    stage.expect(&[]);
    stage.fetched(Ok(&lexicon("fetched")));
    stage.expect(&["200 COMPLETE", "200 IN-PROGRESS"]);
    assert_eq!(stage.texts, ["fetched"]);
    stage.send(Method::Stop, &[], "");
    stage.run(100);
    stage.said.clear();
    stage.send(Method::DefineLexicon, &[list], "http://192.0.2.1/gone.pls");
    stage.fetched(Err("404"));
    stage.expect(&["407 COMPLETE 006 lexicon-load-failure"]);
    // A lexicon that only the markup names is fetched for it.
    stage.texts.clear();
    stage.send(Method::Speak, &[SSML], "<speak><lexicon uri='http://192.0.2.1/own.pls'/>W3C</speak>");
    stage.fetched(Ok(&lexicon("own")));
    assert_eq!(stage.texts, ["own"]);
    stage.send(Method::Stop, &[], "");
    stage.run(100);
    stage.said.clear();
    stage.send(Method::Speak, &[SSML], "<speak><lexicon uri='http://192.0.2.1/none.pls'/>W3C</speak>");
    stage.fetched(Err("timeout"));
    stage.expect(&["407 COMPLETE 006 lexicon-load-failure"]);
}

#[test]
fn a_stop_gives_up_what_is_fetched_for_a_speak() {
    let mut stage = Stage::new();
    stage.send(Method::Speak, &[SSML], "<speak><lexicon uri='http://192.0.2.1/own.pls'/>W3C</speak>");
    stage.send(Method::Stop, &[], "");
    stage.expect(&["200 IN-PROGRESS", "200 COMPLETE"]);
    stage.fetched(Ok(&lexicon("own")));
    stage.run(100);
    assert!(stage.texts.is_empty() && stage.samples.is_empty());
}
