//! sherpa-onnx with real models: the whole contract, and how well it hears.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use engine::{Backend, EngineConfig, EngineErrorKind, ListenSpec, SherpaConfig, SynthesisSpec};
use speech::Language;

use crate::bench::{Bench, word_errors};

/// Where the models are, if anywhere.
fn models_dir() -> Option<PathBuf> {
    let root = match std::env::var_os("VOXGATE_MODELS") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/voxgate/models"),
    };
    if root.join("manifest.json").exists() {
        return Some(root);
    }
    eprintln!("skipped: there are no models in {}; `voxgate models fetch` fetches them", root.display());
    None
}

fn config() -> Option<EngineConfig> {
    let sherpa = SherpaConfig { models_dir: Some(models_dir()?), ..SherpaConfig::default() };
    let mut config = EngineConfig { backend: Backend::Sherpa(sherpa), ..EngineConfig::default() };
    // The tests of the suite run at the same time, on few cores.
    config.limits.decode_deadline_ms = 100_000;
    config.limits.synthesis_stall_ms = 100_000;
    Some(config)
}

/// The models, loaded once for the tests that run at the same time. The last one ends the workers: a native call that
/// runs while the process ends aborts it.
fn bench() -> Option<Arc<Bench>> {
    static BENCH: Mutex<Weak<Bench>> = Mutex::new(Weak::new());
    let mut shared = BENCH.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(bench) = shared.upgrade() {
        return Some(bench);
    }
    let bench = Arc::new(Bench::start(config()?, 0.15).unwrap());
    *shared = Arc::downgrade(&bench);
    Some(bench)
}

crate::whole_contract! { crate::sherpa::bench }

/// What is said in English is heard, sentence by sentence, with numbers in it.
#[test]
fn english_goes_round_with_few_wrong_words() {
    let Some(bench) = bench() else { return };
    let sentences = [
        "How are you feeling today?",
        "On a scale from zero to ten, how bad is your pain?",
        "It is about six in the morning.",
        "Have you had a fever since you left the hospital?",
        "I would like to speak to a nurse, please.",
        "Your appointment is next Thursday at half past nine.",
        "Thank you for your patience, goodbye.",
    ];
    let (mut wrong, mut count) = (0.0, 0.0);
    for sentence in sentences {
        let heard =
            engine::hear(&bench.recognition, ListenSpec::new(Language::English, 8000), &padded(bench.said(sentence)));
        let heard = heard.unwrap();
        let text = heard.first().map_or("", |best| best.text.as_str());
        let words = sentence.split_whitespace().count() as f64;
        eprintln!("{sentence:?} → {heard:?}");
        wrong += word_errors(text, sentence) * words;
        count += words;
    }
    assert!(wrong / count <= 0.1, "{:.1} % of the words are wrong", 100.0 * wrong / count);
}

#[test]
fn chinese_goes_round_well_enough_to_be_matched() {
    let Some(bench) = bench() else { return };
    if !(bench.synthesis.speaks(Language::Chinese) && bench.recognition.hears(Language::Chinese)) {
        eprintln!("skipped: there are no Chinese models");
        return;
    }
    let (mut shared, mut count) = (0, 0);
    for sentence in ["您好，今天感觉怎么样？", "大概六分。", "没有发烧。"] {
        let spec = SynthesisSpec::new(sentence, Language::Chinese, 8000);
        let audio = padded(engine::say(&bench.synthesis, spec).unwrap());
        let heard = engine::hear(&bench.recognition, ListenSpec::new(Language::Chinese, 8000), &audio).unwrap();
        eprintln!("{sentence:?} → {heard:?}");
        let text = heard.first().map_or("", |best| best.text.as_str());
        let said: Vec<char> = sentence.chars().filter(|c| c.is_alphanumeric()).collect();
        shared += said.iter().filter(|c| text.contains(**c)).count();
        count += said.len();
    }
    // The free dictation of this model is weak; grammars match by sound.
    assert!(shared * 2 > count, "{shared} of {count} characters");
}

#[test]
fn a_missing_model_file_is_a_clear_error_at_the_start() {
    let Some(root) = models_dir() else { return };
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(root.join("manifest.json"), copy.path().join("manifest.json")).unwrap();
    let sherpa = SherpaConfig { models_dir: Some(copy.path().to_owned()), ..SherpaConfig::default() };
    let config = EngineConfig { backend: Backend::Sherpa(sherpa), ..EngineConfig::default() };
    for error in [engine::Recognition::start(&config).err().unwrap(), engine::Synthesis::start(&config).err().unwrap()]
    {
        assert_eq!(error.kind, EngineErrorKind::Model);
        assert!(error.message.contains("missing"), "{error}");
    }
}

#[test]
fn a_model_of_ones_own_that_is_no_model_is_a_clear_error_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("m.onnx"), b"rubbish").unwrap();
    let file = |name: &str| dir.path().join(name);
    let recognizer = engine::RecognizerModel {
        languages: vec!["zh-CN".into(), "tlh".into()],
        role: engine::RecognizerRole::Final,
        simplified: None,
        files: engine::RecognizerFiles::StreamingTransducer {
            encoder: file("m.onnx"),
            decoder: file("m.onnx"),
            joiner: file("missing.onnx"),
            tokens: file("tokens.txt"),
        },
    };
    // The voice activity model is looked at first; here it stands for itself.
    let vad = models_dir().map(|root| root.join("vad/silero_vad.onnx")).unwrap_or_else(|| file("m.onnx"));
    let sherpa = SherpaConfig { recognizers: vec![recognizer], vad: Some(vad.clone()), ..SherpaConfig::default() };
    let config = EngineConfig { backend: Backend::Sherpa(sherpa), ..EngineConfig::default() };
    let error = engine::Recognition::start(&config).err().unwrap();
    assert_eq!(error.kind, EngineErrorKind::Model);
    if vad.ends_with("silero_vad.onnx") {
        for part in ["tlh", "m.onnx: not an ONNX model", "missing.onnx", "tokens.txt"] {
            assert!(error.message.contains(part), "{part} is not in: {error}");
        }
    }
}

/// Silence around it, as on a line.
fn padded(audio: Vec<i16>) -> Vec<i16> {
    let mut line = vec![0; 4000];
    line.extend(audio);
    line.extend([0; 8000]);
    line
}

mod streaming {
    //! The streaming path with the smallest model that loads: it says "a" and "b" in turns while there is sound.

    use engine::{ListenEvent, Recognition, RecognizerFiles, RecognizerModel, RecognizerRole};

    use super::*;
    use crate::bench::{Session, final_text};

    fn config() -> Option<EngineConfig> {
        let fixture = |name: &str| {
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/streaming-transducer").join(name)
        };
        let model = RecognizerModel {
            languages: vec!["en-US".into()],
            role: RecognizerRole::Final,
            simplified: None,
            files: RecognizerFiles::StreamingTransducer {
                encoder: fixture("encoder.onnx"),
                decoder: fixture("decoder.onnx"),
                joiner: fixture("joiner.onnx"),
                tokens: fixture("tokens.txt"),
            },
        };
        let vad = models_dir()?.join("vad/silero_vad.onnx");
        let sherpa = SherpaConfig { recognizers: vec![model], vad: Some(vad), ..SherpaConfig::default() };
        Some(EngineConfig { backend: Backend::Sherpa(sherpa), ..EngineConfig::default() })
    }

    #[test]
    fn text_grows_with_the_audio_and_the_last_of_it_is_given_at_the_end() {
        let (Some(config), Some(bench)) = (config(), bench()) else { return };
        let recognition = Recognition::start(&config).unwrap();
        assert!(recognition.hears(Language::English) && !recognition.hears(Language::Chinese));
        let audio = bench.said("There is enough of this sentence for a few words to be heard before it ends.");
        let spec =
            ListenSpec { partials: true, phrases: vec!["a b".into()], ..ListenSpec::new(Language::English, 8000) };
        let mut session = Session::with(&recognition, spec).unwrap();
        session.silence(500);
        for packet in audio.chunks(160) {
            // As fast as a caller speaks, more or less: partials are made of what has come.
            session.sink.push(packet).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        session.silence(1000);
        session.until(|event| matches!(event, ListenEvent::Hypotheses { is_final: false, .. }));
        session.finish();
        let events = session.to_the_end();
        let words: Vec<&str> = final_text(&events).split(' ').collect();
        assert!(words.len() >= 10, "{words:?}");
        assert!(words.iter().enumerate().all(|(at, word)| *word == ["a", "b"][at % 2]), "{words:?}");
    }

    #[test]
    fn many_streams_are_heard_side_by_side() {
        let (Some(config), Some(bench)) = (config(), bench()) else { return };
        let recognition = Recognition::start(&config).unwrap();
        let audio = padded(bench.said("How are you feeling today?"));
        let texts: Vec<String> = std::thread::scope(|scope| {
            let hear = || {
                let heard = engine::hear(&recognition, ListenSpec::new(Language::English, 8000), &audio).unwrap();
                heard.first().map(|best| best.text.clone()).unwrap_or_default()
            };
            let callers: Vec<_> = (0..8).map(|_| scope.spawn(hear)).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        assert!(texts.iter().all(|text| *text == texts[0] && !text.is_empty()), "{texts:?}");
    }
}
