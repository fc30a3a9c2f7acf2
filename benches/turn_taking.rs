//! How often a caller who makes a sound while the robot speaks is misunderstood: `cargo bench -p engine --features sherpa --bench
//! turn_taking -- --help`.
//!
//! Callers with synthetic voices (never the recognizer's own), people's recordings where there are some, coughs, noise and
//! keys are heard, in real time, by the recognizer; its events go to a conversation, and what that wants done to the leg that
//! plays the robot's voice: the cores of a server, with nothing between them. What the caller hears is taken from the packets.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use conversation::{
    CallDetails, CallerSound, Conversation, ConversationConfig, Input, ListenerKey, Output, Progress, PromptEnd,
    ServiceEvent, SpeakerKey, TextPiece, TurnId,
};
use engine::{Backend, EngineConfig, ListenEvent, ListenSpec, Recognition, SherpaConfig, Synthesis, SynthesisSpec};
use media::{
    ClockRate, Codec, Leg, LegCommand, LegConfig, LegEvent, LegMedia, PcmBuffer, PcmSink, PlaySpan, PlayoutOutcome,
    UtteranceId,
};
use speech::Language;

/// A telephone's rate.
const LINE_HZ: u32 = 8_000;
/// Samples of 10 ms: the step of the clock, and a frame that is loud or quiet.
const FRAME: usize = 80;
/// The mean of a loud frame's samples, without sign: about -45 dB below full scale.
const LOUD: u32 = 120;
/// How long a prompt is watched after the caller's sound.
const WATCHED_MS: usize = 2_500;
/// Recordings of people that are used, at most.
const PEOPLE_CASES: usize = 40;
/// As a server fades prompts.
const FADE_MS: u32 = 30;

/// Measures barge-in.
#[derive(Debug, Parser)]
#[command(name = "turn_taking")]
struct Arguments {
    /// Languages.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Tongue::En, Tongue::Zh])]
    languages: Vec<Tongue>,
    /// How often each sentence is said, each time by another voice.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// Calls at a time.
    #[arg(long, default_value_t = 4)]
    lanes: usize,
    /// Folder with recordings of people, which interrupt as well: WAV files.
    #[arg(long)]
    people: Option<PathBuf>,
    /// Noise on the line, in dB below the speech; 0 for none.
    #[arg(long, default_value_t = 30.0)]
    noise_db: f64,
    /// The models.
    #[arg(long, env = "VOXGATE_MODELS")]
    models: Option<PathBuf>,
    /// Where the callers' audio is kept between runs.
    #[arg(long, default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/turn_taking"))]
    audio: PathBuf,
    /// Print each case that was not as wanted.
    #[arg(long)]
    verbose: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tongue {
    En,
    Zh,
}

impl Tongue {
    fn language(self) -> Language {
        match self {
            Self::En => Language::English,
            Self::Zh => Language::Chinese,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// What a Kokoro voice of the language is called.
    fn speaks(self, voice: &str) -> bool {
        let first = match self {
            Self::En => ['a', 'b'].as_slice(),
            Self::Zh => &['z'],
        };
        voice.starts_with(first) && voice.get(2..3) == Some("_")
    }

    /// What the robot says, clause by clause.
    fn prompt(self) -> &'static [&'static str] {
        match self {
            Self::En => &[
                "This is the clinic with a message about the operation that you had last week in our house.",
                "Most people have no trouble after it and are back at work in a few days without any treatment.",
                "Please keep the wound dry and clean and change the dressing every evening until the weekend.",
                "We would like to see you again in ten days for a last check by the doctor who treated you.",
            ],
            Self::Zh => &[
                "您好这里是医院的术后随访中心给您打电话了解一下您手术以后的恢复情况。",
                "大部分病人手术以后都没有什么问题几天之内就可以回去正常上班。",
                "请您注意保持伤口的干燥和清洁每天晚上换一次药一直到这个周末为止。",
                "如果您有什么情况想告诉我们现在就可以说出来然后我们再继续下面的内容。",
            ],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Interruption,
    Backchannel,
    Cough,
    Noise,
    Key,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Interruption, Self::Backchannel, Self::Cough, Self::Noise, Self::Key];

    fn name(self) -> &'static str {
        match self {
            Self::Interruption => "interruption",
            Self::Backchannel => "backchannel",
            Self::Cough => "cough",
            Self::Noise => "noise",
            Self::Key => "key",
        }
    }

    fn should_stop(self) -> bool {
        match self {
            Self::Interruption | Self::Key => true,
            Self::Backchannel | Self::Cough | Self::Noise => false,
        }
    }
}

/// One thing that a caller does.
#[derive(Debug, Clone)]
struct Case {
    kind: Kind,
    what: String,
    /// A key is pressed where there is none.
    audio: Vec<i16>,
    number: usize,
}

/// What came of it. Times are from the caller's first sound.
#[derive(Debug, Default)]
struct Outcome {
    stopped: bool,
    /// To the robot's last sound before it was silent for good, or for the first time after it was hushed.
    silent_after: Option<Duration>,
    /// To START-OF-INPUT.
    told_after: Option<Duration>,
    /// How long the robot was hushed, where it went on.
    hushed: Option<Duration>,
    heard: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Test runners start every target; what measures for minutes runs when it is asked to.
    if !arguments.bench {
        println!("a benchmark: cargo bench -p engine --features sherpa --bench turn_taking");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("turn_taking: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    for &tongue in &arguments.languages {
        let (cases, prompt) = prepare(tongue, arguments)?;
        let recognition = Recognition::start(&engine_config(arguments, tongue.language().tag())?)?;
        let (tell, results) = mpsc::sync_channel(cases.len().max(1));
        let lanes = arguments.lanes.max(1);
        std::thread::scope(|scope| {
            for lane in 0..lanes {
                let (tell, cases, prompt, recognition) = (tell.clone(), &cases, &prompt, &recognition);
                scope.spawn(move || {
                    for case in cases.iter().skip(lane).step_by(lanes) {
                        let outcome = Call::new(recognition, tongue, prompt).and_then(|call| call.run(case));
                        // As many find room as there are cases.
                        _ = tell.send((case.clone(), outcome));
                    }
                });
            }
        });
        drop(tell);
        let results: Vec<(Case, Outcome)> =
            results.into_iter().map(|(case, outcome)| anyhow::Ok((case, outcome?))).collect::<Result<_, _>>()?;
        report(tongue, &results, arguments);
    }
    Ok(())
}

fn engine_config(arguments: &Arguments, language: &str) -> anyhow::Result<EngineConfig> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/voxgate/models"));
    let models_dir = arguments.models.clone().or_else(home).context("no models: voxgate models fetch")?;
    let languages = language.split(',').map(str::to_owned).collect();
    let sherpa = SherpaConfig { models_dir: Some(models_dir), languages, ..SherpaConfig::default() };
    Ok(EngineConfig { backend: Backend::Sherpa(sherpa), ..EngineConfig::default() })
}

// --- What is said ---------------------------------------------------------------------------------------------------------------

fn prepare(tongue: Tongue, arguments: &Arguments) -> anyhow::Result<(Vec<Case>, Vec<PcmBuffer>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/turn_taking").join(tongue.name());
    let path = path.with_extension("txt");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let voices = Voices::start(tongue, arguments)?;
    let mut prompt = Vec::new();
    for clause in tongue.prompt() {
        prompt.push(PcmBuffer::from_samples(LINE_HZ, &voices.say(clause, None)?));
    }
    let mut cases = Vec::new();
    let mut add = |kind: Kind, what: &str, audio: Vec<i16>| {
        cases.push(Case { kind, what: what.to_owned(), audio, number: cases.len() });
    };
    for round in 0..arguments.rounds {
        for (number, line) in text.lines().enumerate() {
            let (name, words) = line.split_once(": ").with_context(|| format!("no kind in {line:?}"))?;
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).context("an unknown kind")?;
            let mut audio = trimmed(&voices.say(words, Some(number + 5 * round))?).to_vec();
            add_noise(&mut audio, arguments.noise_db, number);
            add(kind, words, audio);
        }
        for number in 0..5 {
            let (ms, level) = ([180, 240, 300, 260, 350][number % 5], [4_000.0, 9_000.0][(number + round) % 2]);
            add(Kind::Cough, &format!("{ms} ms"), cough(ms, level, number + 7 * round));
            let (ms, level) =
                ([150, 400, 900, 1_500, 2_500][number % 5], [600.0, 1_200.0, 2_400.0][(number + round) % 3]);
            let mut noise = vec![0; ms * LINE_HZ as usize / 1_000];
            add_noise_of(&mut noise, level, number + 11 * round);
            add(Kind::Noise, &format!("{ms} ms at {level}"), noise);
        }
        add(Kind::Key, "a key", Vec::new());
        add(Kind::Key, "a key", Vec::new());
    }
    if let (Some(folder), Tongue::En) = (&arguments.people, tongue) {
        for (name, audio) in people(folder)? {
            add(Kind::Interruption, &name, audio);
        }
    }
    Ok((cases, prompt))
}

/// Recordings of people that speak for one to four seconds.
fn people(folder: &Path) -> anyhow::Result<Vec<(String, Vec<i16>)>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut spoken = Vec::new();
    for file in files.into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "wav")) {
        let audio = trimmed(&read(&file)?).to_vec();
        if (FRAME * 90..FRAME * 400).contains(&audio.len()) {
            spoken.push((file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), audio));
        }
    }
    let step = (spoken.len() / PEOPLE_CASES).max(1);
    Ok(spoken.into_iter().step_by(step).take(PEOPLE_CASES).collect())
}

fn read(file: &Path) -> anyhow::Result<Vec<i16>> {
    let mut reader = hound::WavReader::open(file).with_context(|| file.display().to_string())?;
    if reader.spec().sample_rate != LINE_HZ || reader.spec().channels != 1 {
        bail!("{}: not 8 kHz mono", file.display());
    }
    Ok(reader.samples::<i16>().collect::<Result<_, _>>()?)
}

fn write(path: &Path, samples: &[i16]) -> anyhow::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: LINE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(())
}

/// Callers, and the robot.
struct Voices<'a> {
    tongue: Tongue,
    synthesis: Synthesis,
    callers: Vec<String>,
    folder: &'a Path,
}

impl<'a> Voices<'a> {
    fn start(tongue: Tongue, arguments: &'a Arguments) -> anyhow::Result<Self> {
        let synthesis = Synthesis::start(&engine_config(arguments, "en-US,zh-CN")?)?;
        let callers: Vec<String> =
            synthesis.voices().into_iter().map(|voice| voice.name).filter(|name| tongue.speaks(name)).collect();
        if callers.is_empty() {
            bail!("no voice for callers: voxgate models fetch");
        }
        Ok(Self { tongue, synthesis, callers, folder: &arguments.audio })
    }

    /// What a caller of that number says, or the robot; taken from an earlier run where it was said there.
    fn say(&self, text: &str, caller: Option<usize>) -> anyhow::Result<Vec<i16>> {
        let voice = match caller {
            Some(number) => Some(self.callers.get(number % self.callers.len().max(1)).context("a voice")?.clone()),
            None => None,
        };
        let folder = self.folder.join(self.tongue.name()).join(voice.as_deref().unwrap_or("robot"));
        let file = folder.join(text.replace(|c: char| !c.is_alphanumeric(), "_")).with_extension("wav");
        if !file.exists() {
            std::fs::create_dir_all(&folder)?;
            let mut spec = SynthesisSpec::new(text, self.tongue.language(), LINE_HZ);
            spec.voice = voice;
            write(&file, &engine::say(&self.synthesis, spec)?)?;
            eprintln!("{}", file.display());
        }
        read(&file)
    }
}

fn is_loud(frame: &[i16]) -> bool {
    frame.iter().map(|sample| u32::from(sample.unsigned_abs())).sum::<u32>() > LOUD * frame.len() as u32
}

/// From the first loud frame to the last.
fn trimmed(samples: &[i16]) -> &[i16] {
    let frames = || samples.chunks(FRAME).enumerate().filter(|(_, frame)| is_loud(frame)).map(|(at, _)| at * FRAME);
    let (first, last) = (frames().next().unwrap_or(0), frames().next_back().unwrap_or(0));
    samples.get(first..(last + FRAME).min(samples.len())).unwrap_or_default()
}

struct Random(u64);

impl Random {
    fn new(seed: usize) -> Self {
        Self(seed as u64 * 0x9e37_79b9 + 0x9e37_79b9_7f4a_7c15)
    }

    /// Between -1 and 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
    }
}

/// Two bursts of coloured noise that die away, over a low tone of the throat.
fn cough(ms: usize, level: f64, seed: usize) -> Vec<i16> {
    let mut random = Random::new(seed);
    let length = ms * LINE_HZ as usize / 1_000;
    let second = length * 6 / 10;
    let mut low = 0.0;
    (0..length)
        .map(|at| {
            let since = if at < second { at } else { at - second };
            let decay = (-(since as f64) / (length as f64 * 0.18)).exp();
            low = 0.55 * low + 0.45 * random.next();
            let throat = (at as f64 * 0.14).sin() * 0.15;
            (level * decay * (low + throat)) as i16
        })
        .collect()
}

/// Noise with the colour of a room, so many dB below the mean level of the samples.
fn add_noise(samples: &mut [i16], below_db: f64, seed: usize) {
    if below_db <= 0.0 || samples.is_empty() {
        return;
    }
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let level = (energy / samples.len() as f64).sqrt() * 10f64.powf(-below_db / 20.0);
    add_noise_of(samples, level, seed);
}

/// Noise of this effective value.
fn add_noise_of(samples: &mut [i16], level: f64, seed: usize) {
    let mut random = Random::new(seed);
    let mut low = 0.0;
    for sample in samples {
        low = 0.7 * low + 0.3 * random.next();
        // Of the filter's output the mean square is 0.3² / (1 − 0.7²) of the white noise's third.
        *sample = (f64::from(*sample) + low * level / 0.242) as i16;
    }
}

// --- Calls ----------------------------------------------------------------------------------------------------------------------

const SPEAKER: SpeakerKey = SpeakerKey(1);
const LISTENER: ListenerKey = ListenerKey(2);

/// A prompt that plays, a caller who is heard, and a conversation between them.
struct Call<'a> {
    recognition: &'a Recognition,
    tongue: Tongue,
    prompt: &'a [PcmBuffer],
    conversation: Conversation,
    leg: Leg,
    clauses_played: u32,
    hushed_at: Option<Instant>,
    outcome: Outcome,
    stopped_at: Option<Instant>,
    told_at: Option<Instant>,
    dismissed: bool,
}

impl<'a> Call<'a> {
    fn new(recognition: &'a Recognition, tongue: Tongue, prompt: &'a [PcmBuffer]) -> anyhow::Result<Self> {
        let config = ConversationConfig { language: tongue.language(), ..ConversationConfig::default() };
        let media = LegMedia::new(Codec::L16, 96);
        Ok(Self {
            recognition,
            tongue,
            prompt,
            conversation: Conversation::new(Arc::new(config), now()),
            leg: Leg::new(LegConfig::new(media, ClockRate::Hz8000, 1), now()),
            clauses_played: 0,
            hushed_at: None,
            outcome: Outcome::default(),
            stopped_at: None,
            told_at: None,
            dismissed: false,
        })
    }

    fn run(mut self, case: &Case) -> anyhow::Result<Outcome> {
        let permit = self.recognition.try_reserve()?;
        self.tell(Input::SpeakerAttached { speaker: SPEAKER, details: CallDetails::default() });
        self.tell(Input::ListenerAttached { listener: LISTENER, reply_inline: false, details: CallDetails::default() });
        for clause in self.tongue.prompt() {
            let piece = TextPiece { clause_end: true, ..TextPiece::plain(*clause) };
            self.tell(Input::Service { turn: TurnId::GREETING, speculation: 0, event: ServiceEvent::Text(piece) });
        }
        let (mut events, mut sink, mut listener) = self.listen(&permit)?;
        // The caller's sound comes at another place of the prompt in every case.
        let lead = 100 + (case.number * 377) % 300;
        let frames = lead + case.audio.len().div_ceil(FRAME) + WATCHED_MS / 10;
        let line = Random::new(case.number);
        let mut line =
            (0..frames * FRAME).scan(line, |random, _| Some((random.next() * 12.0) as i16)).collect::<Vec<_>>();
        for (place, sample) in line.iter_mut().skip(lead * FRAME).zip(&case.audio) {
            *place = place.saturating_add(*sample);
        }
        let begun = now();
        let onset = begun + Duration::from_millis(10 * lead as u64);
        let mut last_sound = begun;
        let mut silent_at = None;
        for (number, frame) in line.chunks(FRAME).enumerate() {
            let due = begun + Duration::from_millis(10 * (number as u64 + 1));
            std::thread::sleep(due.saturating_duration_since(now()));
            // What does not fit any more is a fault of this machine, and the listening says so.
            _ = sink.push(frame);
            if number == lead && case.audio.is_empty() {
                self.sound(CallerSound::Keyed);
            }
            while let Ok(event) = events.try_recv() {
                self.hear(event)?;
            }
            if std::mem::take(&mut self.dismissed) {
                drop(listener);
                (events, sink, listener) = self.listen(&permit)?;
            }
            if self.conversation.poll_timeout().is_some_and(|at| at <= now()) {
                self.conversation.handle_timeout(now());
                self.drain();
            }
            self.leg.tick(now());
            while let Some(packet) = self.leg.poll_packet() {
                let samples: Vec<i16> = packet
                    .get(12..)
                    .unwrap_or_default()
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|pair| i16::from_be_bytes(*pair))
                    .collect();
                if samples.chunks(FRAME).any(is_loud) {
                    // The packet sounds for 20 ms from now on.
                    last_sound = now() + Duration::from_millis(20);
                }
            }
            if self.hushed_at.is_some() && silent_at.is_none() && now() > last_sound + Duration::from_millis(40) {
                silent_at = Some(last_sound);
            }
            self.leg_events();
        }
        let after = |at: Instant| at.saturating_duration_since(onset);
        if self.stopped_at.is_some() && silent_at.is_none() {
            silent_at = Some(last_sound);
        }
        self.outcome.stopped = self.stopped_at.is_some();
        self.outcome.silent_after = silent_at.map(after);
        self.outcome.told_after = self.told_at.map(after);
        drop(listener);
        Ok(self.outcome)
    }

    fn listen(
        &self,
        permit: &engine::RecognitionPermit,
    ) -> anyhow::Result<(mpsc::Receiver<ListenEvent>, Box<dyn PcmSink>, engine::Listener)> {
        let (tell, events) = mpsc::sync_channel(256);
        let spec = ListenSpec { partials: true, ..ListenSpec::new(self.tongue.language(), LINE_HZ) };
        let deliver = Box::new(move |event| {
            // Events are few.
            _ = tell.try_send(event);
        });
        let (sink, listener) = self.recognition.listen(permit, spec, deliver)?;
        Ok((events, sink, listener))
    }

    /// What a session makes of the recognizer's events.
    fn hear(&mut self, event: ListenEvent) -> anyhow::Result<()> {
        match event {
            ListenEvent::SpeechStarted { .. } => self.sound(CallerSound::Began),
            ListenEvent::SpeechEnded { silence_ms, .. } => {
                let silence = Duration::from_millis(u64::from(silence_ms));
                self.sound(CallerSound::Paused { since: now().checked_sub(silence).unwrap_or_else(now) });
            }
            ListenEvent::SpeechResumed => self.sound(CallerSound::Resumed),
            ListenEvent::Partial { text } => {
                self.outcome.heard = format!("{text} …");
                self.sound(CallerSound::Partial { text });
            }
            ListenEvent::Hypotheses { hypotheses, .. } => {
                self.outcome.heard = hypotheses
                    .first()
                    .map_or_else(|| "nothing".to_owned(), |best| format!("{} ({:.2})", best.text, best.confidence));
                self.sound(CallerSound::Words { hypotheses });
            }
            ListenEvent::Failed(error) => bail!("{error}"),
        }
        Ok(())
    }

    fn sound(&mut self, sound: CallerSound) {
        self.tell(Input::Sound { listener: LISTENER, sound });
    }

    fn tell(&mut self, input: Input) {
        self.conversation.handle_input(now(), input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.conversation.poll_output() {
            match output {
                Output::Say { clause, .. } => {
                    if let Some(audio) = self.prompt.get(clause.index as usize) {
                        let utterance = UtteranceId(u64::from(clause.index));
                        let play = LegCommand::Play { utterance, audio: audio.clone(), span: PlaySpan::ALL };
                        self.leg.command(now(), play);
                    }
                }
                Output::Hush { .. } => {
                    self.hushed_at = Some(now());
                    self.leg.command(now(), LegCommand::Hush { fade_ms: FADE_MS, at_most_ms: 8_000 });
                }
                Output::Unhush { .. } => {
                    let since = self.hushed_at;
                    self.outcome.hushed = since.map(|at| now().saturating_duration_since(at));
                    self.leg.command(now(), LegCommand::Unhush);
                }
                Output::StopPlayout { .. } => {
                    self.stopped_at.get_or_insert(now());
                    self.leg.command(now(), LegCommand::Stop { utterance: None, fade_ms: 20 });
                }
                Output::YieldFloor { .. } => {
                    self.told_at.get_or_insert(now());
                }
                Output::Dismiss { .. } => self.dismissed = true,
                // The rest is for the service and the client.
                _ => {}
            }
        }
    }

    fn leg_events(&mut self) {
        while let Some(event) = self.leg.poll_event() {
            let LegEvent::PlayoutFinished { outcome, played_ms, .. } = event else { continue };
            let clamped = u32::try_from(played_ms).unwrap_or(u32::MAX);
            match outcome {
                PlayoutOutcome::Completed => {
                    self.clauses_played += 1;
                    let progress = Progress { clauses: self.clauses_played, ..Progress::default() };
                    self.tell(Input::Played { speaker: SPEAKER, progress });
                }
                PlayoutOutcome::Stopped | PlayoutOutcome::Failed => {
                    let progress =
                        Progress { clauses: self.clauses_played, partial_ms: clamped, ..Progress::default() };
                    self.tell(Input::PromptDone { speaker: SPEAKER, end: PromptEnd::Stopped(progress) });
                }
            }
        }
    }
}

// --- Figures --------------------------------------------------------------------------------------------------------------------

fn report(tongue: Tongue, results: &[(Case, Outcome)], arguments: &Arguments) {
    println!("{}: {} cases; times are p50 / p95 in ms, from the caller's first sound", tongue.name(), results.len());
    println!(
        "{:>13} {:>6} {:>8} {:>8} {:>8} {:>13} {:>15} {:>13}",
        "", "cases", "hushed", "stopped", "wrong %", "silence", "START-OF-INPUT", "hush lasted"
    );
    for kind in Kind::ALL {
        let of_kind = || results.iter().filter(|(case, _)| case.kind == kind).map(|(case, outcome)| (case, outcome));
        let cases = of_kind().count();
        let stops = of_kind().filter(|(_, outcome)| outcome.stopped).count();
        let hushes =
            of_kind().filter(|(_, outcome)| outcome.hushed.is_some() || outcome.silent_after.is_some()).count();
        let wrong = if kind.should_stop() { cases - stops } else { stops };
        let silence = of_kind().filter(|(_, outcome)| outcome.stopped).filter_map(|(_, outcome)| outcome.silent_after);
        let told = of_kind().filter(|(_, outcome)| outcome.stopped).filter_map(|(_, outcome)| outcome.told_after);
        println!(
            "{:>13} {:>6} {:>8} {:>8} {:>8.1} {:>13} {:>15} {:>13}",
            kind.name(),
            cases,
            hushes,
            stops,
            100.0 * wrong as f64 / cases.max(1) as f64,
            quantiles(silence.collect()),
            quantiles(told.collect()),
            quantiles(of_kind().filter_map(|(_, outcome)| outcome.hushed).collect())
        );
        if arguments.verbose {
            for (case, outcome) in of_kind().filter(|(_, outcome)| outcome.stopped != kind.should_stop()) {
                println!(
                    "      {:?}: {}, heard {:?}",
                    case.what,
                    if outcome.stopped { "stopped it" } else { "was missed" },
                    outcome.heard
                );
            }
        }
    }
    println!();
}

/// The median and what 19 of 20 do not exceed, in milliseconds.
fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |part: f64| times.get(((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1)));
    match (at(0.5), at(0.95)) {
        (Some(median), Some(most)) => format!("{} / {}", median.as_millis(), most.as_millis()),
        _ => "-".to_owned(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
