//! How soon and how surely speech is found on a telephone line: `cargo bench -p engine --features sherpa --bench
//! endpointing -- --help`.
//!
//! Speech in quiet and in noise tells how long after its onset START-OF-INPUT could leave, and what is missed; noise,
//! tones, music, other people and the echo of the prompt tell how often it would leave in vain. All goes through G.711
//! and, in packets of 20 ms, through the detectors of the server.

#[path = "sounds/line.rs"]
mod line;
mod sounds;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use engine::{ListenSpec, Recognition, VoiceActivity};
use line::Instrument;
use sounds::{Clip, Random, Sound};
use speech::Language;

/// Quiet before the speech.
const LEAD_MS: usize = 1_500;

/// Quiet after it.
const TAIL_MS: usize = 1_000;

/// Length of sounds that are not speech: about as long as a caller is waited for.
const NOISE_MS: usize = 10_000;

/// Level of the speech, in dB below full scale.
const SPEECH_DB: f64 = -20.0;

/// Hiss of a quiet line.
const LINE_NOISE_DB: f64 = -65.0;

/// Speech is audible within so many dB of its level,
const AUDIBLE_DB: f64 = 20.0;

/// and clear within so many: the vowel, or the burst before it.
const CLEAR_DB: f64 = 10.0;

/// A start is of the speech if it is told no earlier than this before the onset.
const EARLY_MS: f64 = 100.0;

/// Speech that has not been found by then is missed.
const LATE_MS: f64 = 600.0;

/// Measures where speech is found.
#[derive(Debug, Parser)]
#[command(name = "endpointing")]
struct Arguments {
    /// Recordings in English: a file and its text per line, a tab between them.
    #[arg(long, env = "VOXGATE_SPEECH")]
    speech: Option<PathBuf>,
    /// Recordings taken from the list, evenly.
    #[arg(long, default_value_t = 60)]
    recordings: usize,
    /// Utterances by synthetic voices, half English and half Chinese.
    #[arg(long, default_value_t = 40)]
    synthetic: usize,
    /// Sounds of each kind and level that are not speech.
    #[arg(long, default_value_t = 10)]
    each: usize,
    /// How faint a sound is taken for speech, of 100.
    #[arg(long, default_value_t = 50)]
    sensitivity: u8,
    /// Speech needed for an onset, in milliseconds; the server's own where absent.
    #[arg(long)]
    min_speech_ms: Option<u32>,
    /// Where the synthetic voices' audio is kept between runs.
    #[arg(long, default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/sounds"))]
    audio: PathBuf,
    /// Print each case that was not as wanted.
    #[arg(long)]
    verbose: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Test runners start every target; what measures for minutes runs when it is asked to.
    if !arguments.bench {
        println!("a benchmark: cargo bench -p engine --features sherpa --bench endpointing");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("endpointing: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut clips = sounds::synthetic(Language::English, arguments.synthetic / 2, &arguments.audio)?;
    clips.extend(sounds::synthetic(Language::Chinese, arguments.synthetic / 2, &arguments.audio)?);
    if let Some(list) = &arguments.speech {
        let listed = sounds::listed(list)?;
        let step = (listed.len() / arguments.recordings.max(1)).max(1);
        clips.extend(listed.into_iter().step_by(step).take(arguments.recordings));
    }
    let mut config = sounds::engine_config(&["en"])?;
    if let Some(min_speech_ms) = arguments.min_speech_ms {
        config.listening.min_speech_ms = min_speech_ms;
    }
    let recognition = Recognition::start(&config)?;
    let spec = ListenSpec { sensitivity: arguments.sensitivity, ..ListenSpec::new(Language::English, sounds::LINE_HZ) };
    let bench = Bench { recognition, spec, verbose: arguments.verbose };
    bench.speech(&clips)?;
    bench.noise(&clips, arguments.each)
}

struct Bench {
    recognition: Recognition,
    spec: ListenSpec,
    verbose: bool,
}

/// Where a clip's speech begins and ends, in milliseconds: the first and last 10 ms within so many dB of its level.
fn extent(sound: &[f64], within_db: f64) -> (f64, f64) {
    let floor = line::speech_level_db(sound) - within_db;
    let mut loud = sound.chunks(line::FRAME).enumerate().filter(|(_, frame)| sounds::level_db(frame) >= floor);
    let first = loud.next().map_or(0, |(at, _)| at);
    let last = loud.next_back().map_or(first, |(at, _)| at + 1);
    (first as f64 * 10.0, last as f64 * 10.0)
}

impl Bench {
    fn speech(&self, clips: &[Clip]) -> anyhow::Result<()> {
        println!("Speech: {} clips; from the onset to the packet with which it is told, in ms.", clips.len());
        println!(
            "| condition | cases | from the first sound: median | p95 | worst | from clear speech: median | p95 | worst | \
             missed | early | end: median | p95 |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        let crowd = crowd(clips, 8, 77, LEAD_MS + TAIL_MS + 20_000);
        type Noise<'a> = &'a dyn Fn(&mut Random, usize) -> Sound;
        let white: Noise = &|random, ms| sounds::white(random, ms);
        let pink: Noise = &|random, ms| line::pink(random, ms);
        let hum: Noise = &|random, ms| line::hum(random, ms);
        let babble: Noise = &|_, ms| crowd.iter().copied().take(sounds::samples(ms)).collect();
        let quiet: Option<(Noise, f64)> = None;
        let conditions = [
            ("quiet line, −20 dBFS", SPEECH_DB, quiet),
            ("quiet line, −30 dBFS", -30.0, quiet),
            ("quiet line, −38 dBFS", -38.0, quiet),
            ("white noise 20 dB below", SPEECH_DB, Some((white, 20.0))),
            ("white noise 10 dB below", SPEECH_DB, Some((white, 10.0))),
            ("pink noise 20 dB below", SPEECH_DB, Some((pink, 20.0))),
            ("pink noise 10 dB below", SPEECH_DB, Some((pink, 10.0))),
            ("hum 20 dB below", SPEECH_DB, Some((hum, 20.0))),
            ("eight talkers 20 dB below", SPEECH_DB, Some((babble, 20.0))),
        ];
        for (name, level, noise) in conditions {
            let mut found = Found::default();
            for (number, clip) in clips.iter().enumerate() {
                let mut random = Random(number as u64 + 1);
                let speech = sounds::amplified(&clip.sound, level - line::speech_level_db(&clip.sound));
                let (audible, end) = extent(&speech, AUDIBLE_DB);
                let (clear, _) = extent(&speech, CLEAR_DB);
                let ms = LEAD_MS + speech.len() * 1000 / sounds::LINE_HZ as usize + TAIL_MS;
                let mut sound = sounds::at_level(&sounds::white(&mut random, ms), LINE_NOISE_DB);
                sounds::add(&mut sound, sounds::samples(LEAD_MS), &speech);
                if let Some((noise, below)) = noise {
                    let noise = sounds::at_level(&noise(&mut random, ms), level - below);
                    sounds::add(&mut sound, 0, &noise);
                }
                let told = self.recognition.voice_activity(&self.spec, &line::telephone(&sound))?;
                let lead = LEAD_MS as f64;
                let late = found.count(&told, [lead + audible, lead + clear], lead + end);
                if self.verbose && late.is_none_or(|late| late > 150.0) {
                    println!("  {name}: {} {:?}: told after {late:?}", clip.name, clip.text);
                }
            }
            found.print(name);
        }
        Ok(())
    }

    fn noise(&self, clips: &[Clip], each: usize) -> anyhow::Result<()> {
        println!("\nOther sounds: {} s each; how many were taken for speech.", NOISE_MS / 1000);
        println!("| sound | cases | taken for speech | share |");
        println!("| --- | --- | --- | --- |");
        let levels = |low: f64, high: f64, number: usize| low + (high - low) * number as f64 / each.max(2) as f64;
        type Make<'a> = &'a dyn Fn(&mut Random, usize) -> Sound;
        let from_to = |sound: Sound, low, high, number| sounds::at_level(&sound, levels(low, high, number));
        let white: Make = &|random, number| from_to(sounds::white(random, NOISE_MS), -60.0, -15.0, number);
        let pink: Make = &|random, number| from_to(line::pink(random, NOISE_MS), -60.0, -15.0, number);
        let hum: Make = &|random, number| from_to(line::hum(random, NOISE_MS), -60.0, -15.0, number);
        let gusts: Make = &|random, number| from_to(line::gusts(random, NOISE_MS), -50.0, -20.0, number);
        let crackle: Make = &|random, number| from_to(line::crackle(random, NOISE_MS), -50.0, -25.0, number);
        let bursts: Make = &|random, number| {
            let mut noise = from_to(sounds::white(random, NOISE_MS), -45.0, -15.0, number);
            let period = line::one(random, &[3_000, 8_000, 16_000]);
            noise.iter_mut().enumerate().filter(|(n, _)| n / period % 2 == 0).for_each(|(_, sample)| *sample = 0.0);
            noise
        };
        let keys: Make = &|random, number| from_to(line::keys(random, NOISE_MS), -35.0, -12.0, number);
        let dial: Make = &|_, number| {
            let (hz, on, off) = TONES[number % TONES.len()];
            from_to(line::tones(hz, on, off, NOISE_MS), -35.0, -12.0, number)
        };
        let played = |instrument| {
            move |random: &mut Random, number: usize| {
                sounds::at_level(&line::music(random, instrument, NOISE_MS), levels(-40.0, -15.0, number))
            }
        };
        let (organ, strings, synthesizer) =
            (played(Instrument::Organ), played(Instrument::Strings), played(Instrument::Synthesizer));
        let talkers = |count: usize, low: f64, high: f64| {
            move |random: &mut Random, number: usize| {
                sounds::at_level(&crowd(clips, count, random.next(), NOISE_MS), levels(low, high, number))
            }
        };
        let (some, many) = (talkers(3, -50.0, -30.0), talkers(12, -50.0, -30.0));
        let echo = |below: f64| {
            move |random: &mut Random, _: usize| {
                let prompt = crowd(clips, 1, random.next(), NOISE_MS);
                sounds::amplified(&prompt, SPEECH_DB - below - line::speech_level_db(&prompt))
            }
        };
        let (echo_20, echo_25, echo_30, echo_35, echo_40) =
            (echo(20.0), echo(25.0), echo(30.0), echo(35.0), echo(40.0));
        let kinds: [(&str, usize, Make); 18] = [
            ("white noise, −60 to −15 dBFS", 3, white),
            ("pink noise, −60 to −15 dBFS", 3, pink),
            ("hum, −60 to −15 dBFS", 3, hum),
            ("noise in gusts, −50 to −20 dBFS", 3, gusts),
            ("clicks and crackling, −50 to −25 dBFS", 3, crackle),
            ("white noise switched on and off, −45 to −15 dBFS", 3, bursts),
            ("keys in-band, −35 to −12 dBFS", 2, keys),
            ("dial, ringing, busy, information and fax tones", 3, dial),
            ("music: organ, −40 to −15 dBFS", 2, &organ),
            ("music: plucked strings, −40 to −15 dBFS", 2, &strings),
            ("music: synthesizer, −40 to −15 dBFS", 2, &synthesizer),
            ("three talkers, −50 to −30 dBFS", 1, &some),
            ("twelve talkers, −50 to −30 dBFS", 1, &many),
            ("echo of the prompt, 20 dB below", 1, &echo_20),
            ("echo of the prompt, 25 dB below", 1, &echo_25),
            ("echo of the prompt, 30 dB below", 1, &echo_30),
            ("echo of the prompt, 35 dB below", 1, &echo_35),
            ("echo of the prompt, 40 dB below", 1, &echo_40),
        ];
        for (name, times, make) in kinds {
            let (mut cases, mut taken) = (0, 0);
            for seed in 0..each * times {
                let mut random = Random(1_000 + seed as u64);
                let mut sound = make(&mut random, seed % each);
                let line = sounds::at_level(&sounds::white(&mut random, NOISE_MS), LINE_NOISE_DB);
                sounds::add(&mut sound, 0, &line);
                let told = self.recognition.voice_activity(&self.spec, &line::telephone(&sound))?;
                let starts = told.iter().filter(|told| matches!(told, VoiceActivity::Started { .. })).count();
                cases += 1;
                taken += usize::from(starts > 0);
                if self.verbose && starts > 0 {
                    println!("  {name}: seed {seed}, {:.0} dBFS: {starts} starts", sounds::level_db(&sound));
                }
            }
            println!("| {name} | {cases} | {taken} | {:.1} % |", 100.0 * taken as f64 / cases.max(1) as f64);
        }
        Ok(())
    }
}

/// Tones of the network: frequencies, milliseconds on and off.
const TONES: [(&[f64], usize, usize); 10] = [
    (&[425.0], 1_000, 0),
    (&[350.0, 440.0], 1_000, 0),
    (&[440.0, 480.0], 2_000, 4_000),
    (&[400.0, 450.0], 400, 200),
    (&[425.0], 1_000, 4_000),
    (&[425.0], 480, 480),
    (&[480.0, 620.0], 500, 500),
    (&[480.0, 620.0], 250, 250),
    (&[950.0, 1400.0, 1800.0], 1_000, 1_000),
    (&[1100.0], 500, 3_000),
];

/// So many people talking at once, for so long.
fn crowd(clips: &[Clip], talkers: usize, seed: u64, ms: usize) -> Sound {
    let mut random = Random(seed);
    let mut sound = vec![0.0; sounds::samples(ms)];
    for _ in 0..talkers {
        let mut at = sounds::samples((random.unit() * 500.0) as usize);
        while at < sound.len() && !clips.is_empty() {
            let clip = &clips[random.next() as usize % clips.len()];
            sounds::add(&mut sound, at, &sounds::amplified(&clip.sound, -line::speech_level_db(&clip.sound)));
            at += clip.sound.len() + sounds::samples(100);
        }
    }
    sound
}

/// What was found of speech.
#[derive(Default)]
struct Found {
    cases: usize,
    /// After it was audible, and after it was clear.
    onsets: [Vec<f64>; 2],
    ends: Vec<f64>,
    missed: usize,
    early: usize,
}

impl Found {
    /// Counts a case, which is audible and clear from some time on; returns how long after that it was told.
    fn count(&mut self, told: &[VoiceActivity], [audible, clear]: [f64; 2], end: f64) -> Option<f64> {
        self.cases += 1;
        let starts: Vec<f64> = told
            .iter()
            .filter_map(|told| match told {
                VoiceActivity::Started { told_ms, .. } => Some(f64::from(*told_ms)),
                VoiceActivity::Ended { .. } => None,
            })
            .collect();
        self.early += usize::from(starts.iter().any(|told| *told < audible - EARLY_MS));
        let told_at = starts.iter().copied().find(|told| (-EARLY_MS..LATE_MS).contains(&(told - audible)));
        match told_at {
            Some(at) => {
                self.onsets[0].push(at - audible);
                self.onsets[1].push(at - clear);
            }
            None => self.missed += 1,
        }
        if let Some(VoiceActivity::Ended { told_ms, .. }) = told.last() {
            self.ends.push(f64::from(*told_ms) - end);
        }
        told_at.map(|at| at - clear)
    }

    fn print(&self, name: &str) {
        let onsets = self.onsets.each_ref().map(|onsets| {
            let [median, p95, worst] = [50, 95, 100].map(|percent| line::percentile(onsets, percent));
            format!("{median:.0} | {p95:.0} | {worst:.0}")
        });
        let [end, end_p95] = [50, 95].map(|percent| line::percentile(&self.ends, percent));
        println!(
            "| {name} | {} | {} | {} | {} | {end:.0} | {end_p95:.0} |",
            self.cases,
            onsets.join(" | "),
            self.missed,
            self.early,
        );
    }
}
