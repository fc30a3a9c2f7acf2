//! How well, and how surely, recordings of real callers are heard.
//!
//! `VOXGATE_SPEECH` names a file with a recording and its text per line, separated by a tab; paths are relative to the
//! file. `VOXGATE_SPEECH_LANGUAGE` is the language, English where absent. `docs/ENGINES.md` says how to make such a list
//! from a Debian package of telephone prompts. Without it, or without models, the test says so and passes.
#![cfg(feature = "sherpa")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use engine::{Backend, EngineConfig, ListenSpec, Recognition, SherpaConfig, cli};
use speech::{Hypothesis, Language};

/// Words wrong, of a hundred, at most: telephone prompts by a clear speaker have 2 to 4.
const WORD_ERRORS_MAX: f64 = 6.0;

/// Characters wrong, of a hundred, at most, in free Chinese dictation.
const CHARACTER_ERRORS_MAX: f64 = 40.0;

struct Clip {
    text: String,
    heard: Vec<Hypothesis>,
    seconds: f64,
    took: Duration,
}

#[test]
fn recordings_are_heard_as_well_as_the_models_can() {
    let Some(list) = std::env::var_os("VOXGATE_SPEECH").map(PathBuf::from) else {
        eprintln!("skipped: VOXGATE_SPEECH names no list of recordings");
        return;
    };
    let Some(models_dir) = models_dir() else { return };
    let tag = std::env::var("VOXGATE_SPEECH_LANGUAGE").unwrap_or_else(|_| "en".into());
    let language = Language::from_tag(&tag).unwrap();
    let sherpa = SherpaConfig { models_dir: Some(models_dir), languages: vec![tag], ..SherpaConfig::default() };
    let config = EngineConfig { backend: Backend::Sherpa(sherpa), ..EngineConfig::default() };
    let recognition = Recognition::start(&config).unwrap();
    let clips = hear_all(&recognition, &list, language);
    report(&clips);
    let max = match language {
        Language::English => WORD_ERRORS_MAX,
        Language::Chinese => CHARACTER_ERRORS_MAX,
    };
    let errors = error_rate(&clips);
    assert!(errors <= max, "{errors:.1} % are wrong");
}

fn models_dir() -> Option<PathBuf> {
    let named = std::env::var_os("VOXGATE_MODELS").map(PathBuf::from);
    let root = named.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/voxgate/models")))?;
    if !root.join("manifest.json").exists() {
        eprintln!("skipped: there are no models in {}", root.display());
        return None;
    }
    Some(root)
}

fn hear_all(recognition: &Recognition, list: &Path, language: Language) -> Vec<Clip> {
    let lines = std::fs::read_to_string(list).unwrap();
    let root = list.parent().unwrap();
    let lines: Vec<(&str, &str)> = lines.lines().filter_map(|line| line.split_once('\t')).collect();
    let (next, clips) = (Mutex::new(lines.into_iter()), Mutex::new(Vec::new()));
    // As many callers as there are workers on a small machine.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((path, text)) = next.lock().unwrap().next() else { return };
                    let (rate, mut samples) = cli::read_wav(&root.join(path)).unwrap();
                    let seconds = samples.len() as f64 / f64::from(rate);
                    samples.splice(0..0, vec![0; rate as usize / 2]);
                    samples.resize(samples.len() + rate as usize, 0);
                    #[expect(clippy::disallowed_methods, reason = "the time it takes is what is measured")]
                    let start = std::time::Instant::now();
                    let heard = engine::hear(recognition, ListenSpec::new(language, rate), &samples);
                    let took = start.elapsed();
                    let heard = heard.unwrap_or_else(|error| {
                        // Counts as nothing heard.
                        eprintln!("{path}: {error} after {took:?}");
                        Vec::new()
                    });
                    clips.lock().unwrap().push(Clip { text: text.into(), heard, seconds, took });
                }
            });
        }
    });
    clips.into_inner().unwrap()
}

fn report(clips: &[Clip]) {
    let seconds: f64 = clips.iter().map(|clip| clip.seconds).sum();
    let took: f64 = clips.iter().map(|clip| clip.took.as_secs_f64()).sum();
    for clip in clips {
        if clip.took.as_secs_f64() > clip.seconds {
            eprintln!("slow: {:.1} s for {:.1} s: {:?}", clip.took.as_secs_f64(), clip.seconds, clip.text);
        }
        let (wrong, count) = errors(clip);
        if wrong > 0 {
            eprintln!("{wrong}/{count} wrong: {:?}\n    heard {:?}", clip.text, clip.heard);
        }
    }
    eprintln!("confidence: clips, of which without a mistake, words wrong");
    for tenth in 0..10 {
        let within: Vec<&Clip> =
            clips.iter().filter(|clip| (confidence(clip) * 10.0).min(9.0) as u32 == tenth).collect();
        let right = within.iter().filter(|clip| errors(clip).0 == 0).count();
        let (wrong, words) = within.iter().fold((0, 0), |(wrong, words), clip| {
            let (more, count) = errors(clip);
            (wrong + more, words + count)
        });
        if !within.is_empty() {
            let share = 100.0 * right as f64 / within.len() as f64;
            let rate = 100.0 * wrong as f64 / words.max(1) as f64;
            eprintln!("  0.{tenth}: {:4}  {share:5.1} %  {rate:5.1} %", within.len());
        }
    }
    let seconds_words = format!("{} clips, {seconds:.0} s", clips.len());
    eprintln!("{seconds_words}: {:.2} % wrong, {:.3} s per second of speech", error_rate(clips), took / seconds);
}

fn confidence(clip: &Clip) -> f32 {
    clip.heard.first().map_or(0.0, |best| best.confidence)
}

fn error_rate(clips: &[Clip]) -> f64 {
    let (wrong, count) = clips.iter().map(errors).fold((0, 0), |sum, clip| (sum.0 + clip.0, sum.1 + clip.1));
    100.0 * wrong as f64 / count.max(1) as f64
}

/// Words (characters, in Chinese) wrong and said.
fn errors(clip: &Clip) -> (usize, usize) {
    let heard = words(clip.heard.first().map_or("", |best| best.text.as_str()));
    let said = words(&clip.text);
    let mut row: Vec<usize> = (0..=said.len()).collect();
    for (above, left) in heard.iter().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for at in 0..said.len() {
            let best = (diagonal + usize::from(*left != said[at])).min(row[at] + 1).min(row[at + 1] + 1);
            diagonal = row[at + 1];
            row[at + 1] = best;
        }
    }
    (row[said.len()], said.len())
}

fn words(text: &str) -> Vec<String> {
    // Whether a number is written in digits is no mistake.
    let text = speech::normalize(&phonemes::spoken_english(text).replace('-', " "));
    let words = text.split_whitespace().flat_map(|word| {
        if word.is_ascii() { vec![word.to_owned()] } else { word.chars().map(String::from).collect() }
    });
    words.collect()
}
