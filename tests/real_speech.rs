//! The whole server with the real models: robot calls in English and Chinese as a PBX makes them, and how much of the
//! engine's understanding gets through signalling, RTP and the media path.
//!
//! Each test loads the models of one language once and checks everything on that server. Without models the tests pass
//! and say so; `VOXGATE_REQUIRE_MODELS=1` makes their absence an error. `cargo test -- --nocapture` shows what was
//! measured.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "real_speech/text.rs"]
mod text;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use client::{
    CallerAudio, Client, ClientConfig, ConnectionPolicy, GrammarBody, Ladder, LegHappening, LegNotice, Notice,
    RecogSession, Recording, Scenario, Spoken, SynthSession, run_scenario,
};
use engine::{Backend, EngineConfig, ListenSpec, SherpaConfig};
use mrcp::{HeaderName, Headers, RecognizerCause, SynthesizerCause};
use server::config::Config;
use server::{Server, StartError};
use speech::Language;
use text::{ErrorRate, words};

/// What the English caller says in `tests/scenarios/audio/en`.
const CALLER_LINES: [(&str, &str); 8] = [
    ("booking", "Yes, please."),
    ("comment", "I can walk well, but my knee is stiff in the morning."),
    ("day", "Next Tuesday would be good."),
    ("fever", "No, I don't have a fever."),
    ("medication", "Yes, I am taking it every day."),
    ("pain-out-of-range", "Maybe fifteen."),
    ("pain", "It's about six, I think."),
    ("wound", "Yes, it is a little red."),
];

/// Where Debian's asterisk-core-sounds-en-wav puts a person's prompts, if nothing else is said.
const SOUNDS: &str = "/usr/share/asterisk/sounds/en_US_f_Allison";

/// Of the many prompts in it, so many are called in.
const SOUNDS_MAX: usize = 48;

/// Callers at a time that speak them.
const LANES: usize = 4;

/// By how much the whole path may hear worse than the engine alone: one word in a hundred.
const PATH_COSTS_MAX: f64 = 0.01;

/// Time for a RECOGNIZE or SPEAK, on a machine that does other things too.
const WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn an_english_robot_call_succeeds_and_the_path_costs_no_words() {
    let Some(models) = models_directory() else { return };
    let engine = engine(&models, "en-US");
    let server = start(&engine).await;
    follows(server.sip_address(), "follow-up-en.yaml").await;
    hears_what_the_engine_hears(server.sip_address(), &engine).await;
    tells_yes_from_no(server.sip_address()).await;
    refuses_a_language_and_goes_on(server.sip_address()).await;
    begins_to_speak_soon(server.sip_address()).await;
    server.drain(Duration::from_secs(5)).await;
    assert_eq!(server.sessions(), 0, "every session has ended");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chinese_robot_call_succeeds() {
    let Some(models) = models_directory() else { return };
    let server = start(&engine(&models, "zh-CN")).await;
    follows(server.sip_address(), "follow-up-zh.yaml").await;
    server.drain(Duration::from_secs(5)).await;
    assert_eq!(server.sessions(), 0, "every session has ended");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_are_not_there_are_a_clear_error_at_the_start() {
    let nowhere = tempfile::tempdir().unwrap();
    let said = start_error(engine(&nowhere.path().join("nothing"), "en-US")).await;
    assert!(said.contains("nothing"), "the directory is named: {said}");

    let Some(models) = models_directory() else { return };
    let bare = nowhere.path().join("bare");
    std::fs::create_dir(&bare).unwrap();
    std::fs::copy(models.join("manifest.json"), bare.join("manifest.json")).unwrap();
    let said = start_error(engine(&bare, "en-US")).await;
    assert!(said.contains("silero_vad.onnx: missing"), "the file is named: {said}");

    let said = start_error(engine(&models, "fr-FR")).await;
    assert!(said.contains("fr-FR"), "the language is named: {said}");
}

/// A scenario passes whole.
async fn follows(server: SocketAddr, name: &str) {
    let scenario = Scenario::load(&scenarios().join(name)).unwrap();
    let start = now();
    let (ladder, recording) = (Ladder::new(start), Recording::new(start, 8000));
    let report = run_scenario(ClientConfig::new(server), &scenario, &ladder, &recording, |line| println!("{line}"))
        .await
        .unwrap();
    assert!(report.problems.is_empty(), "{:#?}\n{}", report.problems, ladder.render());
    assert_eq!(report.rounds.len(), scenario.turns.len() + 1, "each turn once, and the farewell");
    let (caller, robot) = recording.samples();
    assert!(loudest(&caller) > 1000 && loudest(&robot) > 1000, "both sides are in the recording");
}

/// Recordings that come in over RTP are understood as well as those that the engine is given as they are.
async fn hears_what_the_engine_hears(server: SocketAddr, engine: &EngineConfig) {
    let mut recordings: Vec<(PathBuf, String)> = CALLER_LINES
        .map(|(name, line)| (scenarios().join("audio/en").join(name).with_extension("wav"), line.to_owned()))
        .into();
    let persons = person_speaking();
    if persons.is_empty() {
        println!("asterisk-core-sounds-en-wav is not installed: only the shipped lines are compared");
    }
    recordings.extend(persons);
    let engine = engine.clone();
    let alone = {
        let recordings = recordings.clone();
        tokio::task::spawn_blocking(move || {
            let recognition = engine::Recognition::start(&engine).unwrap();
            let hear = |path: &Path| {
                let spec = ListenSpec::new(Language::English, 8000);
                let hypotheses = engine::hear(&recognition, spec, &caller(path).samples).unwrap();
                hypotheses.into_iter().next().map(|best| best.text).unwrap_or_default()
            };
            recordings.iter().map(|(path, _)| hear(path)).collect::<Vec<_>>()
        })
        .await
        .unwrap()
    };
    let mut lanes = tokio::task::JoinSet::new();
    for lane in recordings.chunks(recordings.len().div_ceil(LANES)) {
        let paths: Vec<PathBuf> = lane.iter().map(|(path, _)| path.clone()).collect();
        lanes.spawn(hear_over_rtp(server, paths));
    }
    let over_rtp: HashMap<PathBuf, String> = lanes.join_all().await.into_iter().flatten().collect();
    let (mut of_path, mut of_engine) = (ErrorRate::default(), ErrorRate::default());
    for ((path, line), alone) in recordings.iter().zip(&alone) {
        let (line, heard, alone) = (words(line), words(&over_rtp[path]), words(alone));
        if heard != alone {
            println!("{}: {line:?}: over RTP {heard:?}, the engine alone {alone:?}", path.display());
        }
        of_path.add(&line, &heard);
        of_engine.add(&line, &alone);
    }
    println!("{} recordings", recordings.len());
    println!("words wrong over RTP: {of_path}; by the engine alone: {of_engine}");
    assert!(of_path.rate() <= of_engine.rate() + PATH_COSTS_MAX, "over RTP {of_path}, the engine alone {of_engine}");
}

/// What is heard in each recording, one after the other in one session.
async fn hear_over_rtp(server: SocketAddr, paths: Vec<PathBuf>) -> Vec<(PathBuf, String)> {
    let client = Client::start(ClientConfig::new(server), Ladder::off(now())).await.unwrap();
    let mut session = client.open_recognizer(None).await.unwrap();
    let mut heard = Vec::new();
    for path in paths {
        let text = recognize(&mut session, "builtin:speech/transcribe", &path).await.0;
        heard.push((path, text));
    }
    session.session.hang_up().await;
    heard
}

async fn tells_yes_from_no(server: SocketAddr) {
    let client = Client::start(ClientConfig::new(server), Ladder::off(now())).await.unwrap();
    let mut session = client.open_recognizer(None).await.unwrap();
    for (name, wanted) in [("booking", Some("true")), ("fever", Some("false")), ("pain", None)] {
        let path = scenarios().join("audio/en").join(name).with_extension("wav");
        let (_, cause, instance) = recognize(&mut session, "builtin:grammar/boolean", &path).await;
        match wanted {
            Some(wanted) => {
                assert_eq!((cause, instance.as_deref()), (Some(RecognizerCause::Success), Some(wanted)), "{name}");
            }
            None => assert_eq!(cause, Some(RecognizerCause::NoMatch), "{name}: {instance:?}"),
        }
    }
    session.session.hang_up().await;
}

/// A language that is not served, and one that no model was loaded for: the request fails, the session goes on.
async fn refuses_a_language_and_goes_on(server: SocketAddr) {
    let client = Client::start(ClientConfig::new(server), Ladder::off(now())).await.unwrap();
    let mut session = client.open_recognizer(None).await.unwrap();
    let transcribe = GrammarBody::uri("builtin:speech/transcribe");
    let unknown = Headers::new().with(HeaderName::SpeechLanguage, "fr-FR");
    let refused = session.recognize(&transcribe, unknown).await.unwrap_err().to_string();
    assert!(refused.contains("language-unsupported"), "{refused}");
    let not_loaded = Headers::new().with(HeaderName::SpeechLanguage, "zh-CN");
    let request = session.recognize(&transcribe, not_loaded).await.unwrap();
    let ended = session.finished(request, WITHIN).await.unwrap();
    assert_eq!(ended.cause, Some(RecognizerCause::LanguageUnsupported), "{:?}", ended.headers);
    let (heard, cause, _) =
        recognize(&mut session, "builtin:speech/transcribe", &scenarios().join("audio/en/booking.wav")).await;
    assert_eq!((heard.as_str(), cause), ("Yes, please.", Some(RecognizerCause::Success)));
    session.session.hang_up().await;
}

/// The first packet of a prompt comes while the rest is still being synthesized, and at once when it is cached.
async fn begins_to_speak_soon(server: SocketAddr) {
    let config = ClientConfig { connections: ConnectionPolicy::AlwaysNew, ..ClientConfig::new(server) };
    let client = Client::start(config, Ladder::off(now())).await.unwrap();
    let mut session = client.open_synthesizer(None).await.unwrap();
    let prompts = [
        "Please hold the line.",
        "Which day suits you best?",
        "Thank you for calling. How can we help you today?",
        "On a scale from zero to ten, how strong is your pain right now, if zero is none at all?",
    ];
    for prompt in prompts {
        let (first, again) = (first_packet(&mut session, prompt).await, first_packet(&mut session, prompt).await);
        println!("first packet {} ms after SPEAK, {} ms cached: {prompt}", first.as_millis(), again.as_millis());
        // What an idle machine does is in docs/CAPACITY.md; here it may be busy.
        assert!(first < Duration::from_secs(3) && again < Duration::from_millis(500), "{first:?}, {again:?}");
    }
    session.session.hang_up().await;
}

async fn first_packet(session: &mut SynthSession, text: &str) -> Duration {
    let start = now();
    let request = session.speak("text/plain", text, Headers::new()).await.unwrap();
    let wait = async {
        let mut first = None;
        loop {
            match session.session.notice().await {
                Notice::Leg(LegNotice { at, what: LegHappening::ReceivingStarted }) => {
                    first.get_or_insert(at);
                }
                Notice::Leg(_) => {}
                Notice::Event { at, event } => {
                    if let Some(spoken) = Spoken::of(at, &event, request) {
                        assert_eq!(spoken.cause, Some(SynthesizerCause::Normal), "{text}");
                        return first;
                    }
                }
                Notice::Ended { .. } | Notice::ConnectionLost => panic!("the session ended while it spoke {text:?}"),
            }
        }
    };
    let first = tokio::time::timeout(WITHIN, wait).await.expect("SPEAK-COMPLETE").expect("RTP");
    assert!(loudest(&session.take_audio()) > 1000, "there is sound in {text:?}");
    first.saturating_duration_since(start)
}

/// Plays a recording to a RECOGNIZE: what was heard, the cause, and the instance as text.
async fn recognize(
    session: &mut RecogSession,
    grammar: &str,
    path: &Path,
) -> (String, Option<RecognizerCause>, Option<String>) {
    // A person pauses within a prompt; all of it is wanted.
    let headers = Headers::new()
        .with(HeaderName::SpeechCompleteTimeout, "1500")
        .with(HeaderName::SpeechIncompleteTimeout, "1500")
        .with(HeaderName::RecognitionTimeout, "30000");
    let request = session.recognize(&GrammarBody::uri(grammar), headers).await.unwrap();
    session.send_audio(&caller(path));
    let ended = session.finished(request, WITHIN).await.unwrap();
    let Some(result) = ended.result else { return (String::new(), ended.cause, None) };
    let instance = match &result.instance {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (result.input, ended.cause, Some(instance))
}

/// Prompts that a person spoke, with their words, spread evenly over all that are installed.
fn person_speaking() -> Vec<(PathBuf, String)> {
    let folder = std::env::var_os("VOXGATE_TEST_SOUNDS").map_or_else(|| PathBuf::from(SOUNDS), PathBuf::from);
    let Some(root) = folder.ancestors().nth(4).filter(|_| folder.is_dir()) else { return Vec::new() };
    let texts = root.join("share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz");
    let unpacked = Command::new("gzip").arg("-dc").arg(&texts).output().unwrap();
    assert!(unpacked.status.success(), "{} cannot be read", texts.display());
    let lines = String::from_utf8_lossy(&unpacked.stdout).into_owned();
    let prompts: Vec<(PathBuf, String)> = lines
        .lines()
        .filter_map(|line| line.split_once(": "))
        // Sounds that are no speech are in brackets; single words and numerals say little about a sentence.
        .filter(|(_, said)| !said.contains(['[', '<']) && words(said).len() >= 4 && !said.contains(char::is_numeric))
        .map(|(name, said)| (folder.join(name.trim()).with_extension("wav"), said.to_owned()))
        .filter(|(path, _)| path.is_file())
        .filter(|(path, _)| caller(path).speech() < Duration::from_secs(12))
        .collect();
    let step = prompts.len().div_ceil(SOUNDS_MAX).max(1);
    prompts.into_iter().step_by(step).collect()
}

fn caller(path: &Path) -> CallerAudio {
    CallerAudio::load(path, 8000).unwrap()
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios")
}

fn loudest(samples: &[i16]) -> u16 {
    samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
}

/// The models, or `None` when there are none and none are required.
fn models_directory() -> Option<PathBuf> {
    let found = models::models_directory(None).ok().filter(|root| root.join("manifest.json").is_file());
    if found.is_none() {
        let required = std::env::var_os("VOXGATE_REQUIRE_MODELS").is_some_and(|value| value == "1");
        assert!(!required, "VOXGATE_REQUIRE_MODELS=1, and there are no models: voxgate models fetch");
        println!("skipped: there are no models; voxgate models fetch brings them");
    }
    found
}

fn engine(models: &Path, language: &str) -> EngineConfig {
    let sherpa = SherpaConfig {
        models_dir: Some(models.to_owned()),
        languages: vec![language.to_owned()],
        ..SherpaConfig::default()
    };
    EngineConfig { backend: Backend::Sherpa(sherpa), ..EngineConfig::default() }
}

/// A server of its own on free ports.
fn config(engine: EngineConfig) -> Config {
    let mut config = Config { engine, ..Config::default() };
    config.server.address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    config.sip.port = 0;
    config.mrcp.port = 0;
    config.http.listen = None;
    config.dialog.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config
}

async fn start(engine: &EngineConfig) -> Server {
    match Server::start(config(engine.clone())).await {
        Ok(server) => server,
        Err(error) => panic!("{}", server::telemetry::chain(&error)),
    }
}

/// What a server says that does not start.
async fn start_error(engine: EngineConfig) -> String {
    match Server::start(config(engine)).await {
        Ok(_) => panic!("the server starts"),
        Err(error @ StartError::Engine(_)) => server::telemetry::chain(&error),
        Err(other) => panic!("another error: {}", server::telemetry::chain(&other)),
    }
}

#[expect(clippy::disallowed_methods, reason = "these calls are made in real time")]
fn now() -> Instant {
    Instant::now()
}
