//! A recorder in a session, and the waveforms of a recognizer.

use std::time::Duration;

use mrcp::recorder::{Cut, Failure, FailureKind, Recorded, Stored};
use mrcp::{HeaderName, Message, Method, Resource};
use session::{Input, Output, RecordKey, RecordSpec, RecordTarget, RecordingEvent};

use crate::{Ladder, URI_LIST};

const BASIC: (HeaderName, &str) = (HeaderName::MediaType, "audio/basic");
const SAVED: (HeaderName, &str) = (HeaderName::SaveWaveform, "true");

impl Ladder {
    /// The recording that was just asked for.
    fn recording(&mut self) -> (RecordKey, RecordSpec) {
        let at = self.position(|output| matches!(output, Output::Record { .. }));
        match self.outputs.remove(at) {
            Output::Record { key, spec, .. } => (key, spec),
            _ => unreachable!("found by its kind"),
        }
    }

    fn told(&mut self, key: RecordKey, what: RecordingEvent) {
        self.input(Input::Recording { key, what });
    }

    fn saved(&mut self, key: RecordKey, stored: Stored) {
        let recorded = Recorded { stored, size_bytes: 8_044, duration: Duration::from_secs(1) };
        self.told(key, RecordingEvent::Saved(recorded));
    }

    /// Headers of the last message.
    fn last_header(&self, name: &HeaderName) -> Option<String> {
        let message = self.outputs.iter().rev().find_map(|output| match output {
            Output::Mrcp { message, .. } => Some(message),
            _ => None,
        });
        message.and_then(|message: &Message| message.headers().text(name)).map(str::to_owned)
    }
}

#[test]
fn rcd_001_rcd_012_rcd_017_a_message_is_recorded_until_the_caller_is_silent() {
    let mut ladder = Ladder::established(Resource::Recorder);
    let final_silence = (HeaderName::FinalSilence, "800");
    ladder.send(Method::Record, &[BASIC, final_silence, (HeaderName::CaptureOnSpeech, "true")], "");
    let (key, spec) = ladder.recording();
    assert_eq!(spec.target, RecordTarget::Body);
    assert!(spec.endpointing.is_some_and(|endpointing| endpointing.on_speech));
    ladder.told(key, RecordingEvent::Started);
    ladder.pass(1_000);
    ladder.told(key, RecordingEvent::SpeechStarted);
    ladder.pass(3_000);
    ladder.told(key, RecordingEvent::SpeechEnded { silence: Duration::from_millis(300) });
    ladder.pass(499);
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS", "START-OF-INPUT IN-PROGRESS"]);
    ladder.pass(1);
    assert!(ladder.outputs.iter().any(
        |output| matches!(output, Output::FinishRecording { key: ended, cut: Cut::Silence, .. } if *ended == key)
    ));
    ladder.saved(key, Stored::Body("sound".into()));
    assert_eq!(ladder.messages()[2], "RECORD-COMPLETE COMPLETE 000 success-silence");
}

#[test]
fn rcd_025_a_bye_discards_what_is_being_recorded() {
    let mut ladder = Ladder::established(Resource::Recorder);
    ladder.send(Method::Record, &[BASIC, (HeaderName::RecordUri, "")], "");
    let (key, spec) = ladder.recording();
    assert_eq!(spec.target, RecordTarget::Served);
    ladder.told(key, RecordingEvent::Started);
    ladder.input(Input::Close { cause: session::CloseCause::Drained });
    assert_eq!(ladder.messages()[1], "RECORD-COMPLETE COMPLETE 004 error");
    let discarded = ladder.position(|output| matches!(output, Output::DiscardRecording { .. }));
    let closed = ladder.position(|output| matches!(output, Output::CloseLeg { .. }));
    assert!(discarded < closed);
}

#[test]
fn rcd_002_a_media_type_that_is_not_recorded_is_409_without_any_recording() {
    let mut ladder = Ladder::established(Resource::Recorder);
    ladder.send(Method::Record, &[(HeaderName::MediaType, "video/mp4")], "");
    assert_eq!(ladder.messages(), ["409 COMPLETE"]);
    assert!(!ladder.outputs.iter().any(|output| matches!(output, Output::Record { .. })));
}

#[test]
fn rec_048_the_completion_of_a_recognition_waits_for_its_waveform_and_so_does_what_follows() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let silence = (HeaderName::NoInputTimeout, "1000");
    ladder.send(Method::Recognize, &[URI_LIST, SAVED, silence], "builtin:speech/transcribe");
    let (key, spec) = ladder.recording();
    assert_eq!((spec.target, spec.endpointing, spec.media_type.as_str()), (RecordTarget::Served, None, "audio/wav"));
    ladder.told(key, RecordingEvent::Started);
    ladder.pass(1_000);
    ladder.send(Method::GetParams, &[(HeaderName::NoInputTimeout, "")], "");
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS"]);
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::FinishRecording { .. })));
    ladder.saved(key, Stored::Uri("http://server/recordings/1.wav".to_owned()));
    assert_eq!(
        ladder.messages(),
        ["200 IN-PROGRESS", "RECOGNITION-COMPLETE COMPLETE 002 no-input-timeout", "200 COMPLETE"]
    );
    ladder.outputs.pop();
    let value = ladder.last_header(&HeaderName::WaveformUri);
    assert_eq!(value.as_deref(), Some("<http://server/recordings/1.wav>;size=8044;duration=1000"));
}

#[test]
fn rec_049_a_waveform_that_is_not_stored_leaves_the_header_empty() {
    let failed = RecordingEvent::Failed(Failure::new(FailureKind::Recorder, "no room for recordings"));
    for failure in [Some(failed), None] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        let silence = (HeaderName::NoInputTimeout, "1000");
        ladder.send(Method::Recognize, &[URI_LIST, SAVED, silence], "builtin:speech/transcribe");
        let (key, _) = ladder.recording();
        match failure {
            Some(failure) => {
                ladder.told(key, failure);
                ladder.pass(1_000);
            }
            // Nobody ever answers: the client does not wait for ever.
            None => ladder.pass(3_000),
        }
        assert_eq!(ladder.messages()[1], "RECOGNITION-COMPLETE COMPLETE 002 no-input-timeout");
        assert_eq!(ladder.last_header(&HeaderName::WaveformUri).as_deref(), Some(""));
    }
}

#[test]
fn rec_048_without_save_waveform_nothing_is_recorded_and_after_stop_nothing_is_kept() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST], "builtin:speech/transcribe");
    assert!(!ladder.outputs.iter().any(|output| matches!(output, Output::Record { .. })));
    ladder.send(Method::Stop, &[], "");
    assert_eq!(ladder.last_header(&HeaderName::WaveformUri), None);
    ladder.outputs.clear();
    ladder.send(Method::Recognize, &[URI_LIST, SAVED], "builtin:speech/transcribe");
    let (key, _) = ladder.recording();
    ladder.told(key, RecordingEvent::Started);
    ladder.send(Method::Stop, &[], "");
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS", "200 COMPLETE"]);
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::DiscardRecording { .. })));
}

#[test]
fn rec_051_the_media_type_picks_the_format_and_one_that_is_not_stored_is_409() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST, SAVED, BASIC], "builtin:speech/transcribe");
    let (_, spec) = ladder.recording();
    assert_eq!((spec.media_type.as_str(), spec.format.extension()), ("audio/basic", "ulaw"));
    for (method, body) in [(Method::Recognize, "builtin:speech/transcribe"), (Method::SetParams, "")] {
        let mut ladder = Ladder::established(Resource::SpeechRecog);
        let kind = (HeaderName::MediaType, "audio/mpeg");
        let headers: &[_] = if body.is_empty() { &[kind] } else { &[URI_LIST, SAVED, kind] };
        ladder.send(method, headers, body);
        assert_eq!(ladder.messages(), ["409 COMPLETE"]);
        assert_eq!(ladder.last_header(&HeaderName::MediaType).as_deref(), Some("audio/mpeg"));
    }
}

#[test]
fn rec_050_a_session_that_ends_completes_a_recognition_whose_waveform_is_not_stored() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    ladder.send(Method::Recognize, &[URI_LIST, SAVED], "builtin:speech/transcribe");
    let (key, _) = ladder.recording();
    ladder.told(key, RecordingEvent::Started);
    ladder.input(Input::Close { cause: session::CloseCause::Drained });
    assert_eq!(ladder.messages()[1], "RECOGNITION-COMPLETE COMPLETE 006 recognizer-error");
    assert_eq!(ladder.last_header(&HeaderName::WaveformUri).as_deref(), Some(""));
}

#[test]
fn rec_052_the_audio_is_there_before_the_recognition_begins_and_is_heard_instead_of_the_leg() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let uri = (HeaderName::InputWaveformUri, "http://host/a.wav");
    ladder.send(Method::Recognize, &[URI_LIST, uri], "builtin:speech/transcribe");
    assert_eq!(ladder.messages(), [""; 0]);
    let at = ladder.position(|output| matches!(output, Output::LoadAudio { .. }));
    let Output::LoadAudio { key, .. } = ladder.outputs.remove(at) else { unreachable!("found by its kind") };
    let loaded = session::LoadedAudio { samples: 8_000, set_cookies: Vec::new() };
    ladder.input(Input::AudioLoaded { key, outcome: Ok(loaded) });
    assert_eq!(ladder.messages(), ["200 IN-PROGRESS"]);
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::Listen { audio, .. } if *audio == Some(key))));
    ladder.send(Method::Stop, &[], "");
    assert!(ladder.outputs.iter().any(|output| matches!(output, Output::Abandon { key: gone } if *gone == key)));
}

#[test]
fn rec_052_audio_that_cannot_be_had_is_uri_failure_with_the_uri() {
    let mut ladder = Ladder::established(Resource::SpeechRecog);
    let uri = (HeaderName::InputWaveformUri, "http://host/a.wav");
    ladder.send(Method::Recognize, &[URI_LIST, uri], "builtin:speech/transcribe");
    let at = ladder.position(|output| matches!(output, Output::LoadAudio { .. }));
    let Output::LoadAudio { key, .. } = ladder.outputs.remove(at) else { unreachable!("found by its kind") };
    let failure = session::FetchFailure { cause: "404".to_owned(), ..session::FetchFailure::default() };
    ladder.input(Input::AudioLoaded { key, outcome: Err(failure) });
    assert_eq!(ladder.messages(), ["407 COMPLETE"]);
    assert_eq!(ladder.last_header(&HeaderName::CompletionCause).as_deref(), Some("009 uri-failure"));
    assert_eq!(ladder.last_header(&HeaderName::FailedUri).as_deref(), Some("http://host/a.wav"));
    assert_eq!(ladder.last_header(&HeaderName::FailedUriCause).as_deref(), Some("404"));
}
