//! How well closed grammars are matched over the telephone: `cargo bench -p server --features sherpa --bench
//! closed_grammars -- --help`.
//!
//! Callers with many synthetic voices (never the recognizer's own) say phrases of a grammar, and sentences that are in
//! none, through SIP, MRCPv2 and RTP (G.711) to the whole server with its real models. With Confidence-Threshold at 0
//! every match comes back with its confidence, so that each threshold can be judged afterwards.
//!
//! `--transcribe FILE` lets the server write down what it hears in the same calls, and judges the grammars by that; `--judge
//! FILE` judges what was written down before. What is heard does not depend on the grammar, so one run serves all of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use client::{CallerAudio, Client, ClientConfig, ConnectionPolicy, GrammarBody, Ladder};
use engine::{Backend, EngineConfig, SherpaConfig, SynthesisSpec};
use mrcp::{HeaderName, Headers};
use server::Server;
use server::config::Config;
use speech::{Grammar, Hypothesis, Language};

/// A telephone's rate.
const LINE_HZ: u32 = 8_000;

/// One RECOGNIZE may take this long on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);

/// Thresholds that are judged.
const THRESHOLDS: [f32; 8] = [0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Measures recognition with closed grammars.
#[derive(Debug, Parser)]
#[command(name = "closed_grammars")]
struct Arguments {
    /// Languages.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Spoken::En, Spoken::Zh])]
    languages: Vec<Spoken>,
    /// Phrases in the grammar.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 30, 120])]
    phrases: Vec<usize>,
    /// Utterances for each grammar: half of them in it, half out of it.
    #[arg(long, default_value_t = 100)]
    utterances: usize,
    /// Calls at a time: more is quicker, and makes the times those of a busy machine.
    #[arg(long, default_value_t = 2)]
    lanes: usize,
    /// Noise on the line, in dB below the speech; 0 for none.
    #[arg(long, default_value_t = 25.0)]
    noise_db: f64,
    /// Where the callers' audio is kept between runs.
    #[arg(long, default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/closed_grammars"))]
    audio: PathBuf,
    /// How fast the callers speak, as factors; each in its turn.
    #[arg(long, value_delimiter = ',', default_values_t = [0.8, 0.9, 1.0])]
    rates: Vec<f32>,
    /// Write down what is heard, and judge the grammars by it.
    #[arg(long)]
    transcribe: Option<PathBuf>,
    /// Judge what was written down.
    #[arg(long, conflicts_with = "transcribe")]
    judge: Option<PathBuf>,
    /// Print each utterance that was not as wanted.
    #[arg(long)]
    verbose: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Spoken {
    En,
    Zh,
}

impl Spoken {
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
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Test runners start every target; what measures for minutes runs when it is asked to.
    if !arguments.bench {
        println!("a benchmark: cargo bench -p server --features sherpa --bench closed_grammars");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("closed_grammars: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is said, and which phrase it is.
#[derive(Debug, Clone)]
struct Utterance {
    text: String,
    /// Which voice says it, and how fast.
    number: usize,
    is_in_grammar: bool,
    audio: CallerAudio,
}

impl Utterance {
    fn key(&self) -> (&str, usize) {
        (&self.text, self.number)
    }
}

/// What came back.
#[derive(Debug, Clone)]
struct Heard {
    said: String,
    number: usize,
    is_in_grammar: bool,
    /// The phrase that was matched, and how sure that is.
    matched: Option<(String, f32)>,
    /// The completion cause, or what was heard.
    cause: String,
    /// From the end of speech to RECOGNITION-COMPLETE.
    took: Duration,
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(file) = &arguments.judge {
        return judge(file, arguments);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for &spoken in &arguments.languages {
        let (phrases, others) = lists(spoken)?;
        let voice = Voices::start(spoken)?;
        let half = arguments.utterances / 2;
        let mut sets = Vec::new();
        for &size in &arguments.phrases {
            let grammar: Vec<String> = phrases.iter().take(size).cloned().collect();
            let mut utterances = Vec::new();
            for (n, text) in chosen(&grammar, half).enumerate() {
                utterances.push(voice.say(arguments, text, n, true)?);
            }
            for (n, text) in others.iter().cycle().take(half).enumerate() {
                utterances.push(voice.say(arguments, text, n, false)?);
            }
            sets.push((grammar, utterances));
        }
        drop(voice);
        if let Some(file) = &arguments.transcribe {
            let mut all: Vec<Utterance> = sets.into_iter().flat_map(|(_, utterances)| utterances).collect();
            all.sort_by(|a, b| a.key().cmp(&b.key()));
            all.dedup_by(|a, b| a.key() == b.key());
            runtime.block_on(async {
                let server = Server::start(config(spoken)).await?;
                let uri = format!("builtin:speech/transcribe?language={}", spoken.language().tag());
                let body = GrammarBody::uri(&uri);
                let heard = hear(server.sip_address(), &body, all, arguments.lanes).await?;
                append(file, spoken, &heard)?;
                server.stop().await;
                anyhow::Ok(())
            })?;
            continue;
        }
        runtime.block_on(async {
            let server = Server::start(config(spoken)).await?;
            for (grammar, utterances) in sets {
                let body = srgs(spoken, &grammar);
                let heard = hear(server.sip_address(), &body, utterances, arguments.lanes).await?;
                report(spoken, grammar.len(), &heard, arguments);
            }
            server.stop().await;
            anyhow::Ok(())
        })?;
    }
    match &arguments.transcribe {
        Some(file) => judge(file, arguments),
        None => Ok(()),
    }
}

/// The phrases that are said of a grammar.
fn chosen(grammar: &[String], count: usize) -> impl Iterator<Item = &String> {
    let step = (grammar.len() / count.max(1)).max(1);
    (0..count).filter_map(move |n| grammar.get((n * step) % grammar.len().max(1)))
}

/// Writes down what was heard.
fn append(file: &Path, spoken: Spoken, heard: &[Heard]) -> anyhow::Result<()> {
    use std::io::Write as _;

    let mut out = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
    for heard in heard {
        let (text, sure) = heard.matched.clone().unwrap_or_default();
        let (name, ms) = (spoken.name(), heard.took.as_millis());
        writeln!(out, "{name}\t{}\t{}\t{text}\t{sure}\t{ms}", heard.said, heard.number)?;
    }
    Ok(())
}

/// Judges grammars by what was written down: the same utterances, matched as the server matches them.
fn judge(file: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let written = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let half = arguments.utterances / 2;
    for &spoken in &arguments.languages {
        let (phrases, others) = lists(spoken)?;
        let heard = |said: &str, number: usize| {
            written.lines().find_map(|line| {
                let mut fields = line.split('\t');
                let is_it = fields.next() == Some(spoken.name())
                    && fields.next() == Some(said)
                    && fields.next() == Some(number.to_string().as_str());
                let (text, sure, ms) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
                is_it.then(|| (Hypothesis::new(text, sure, spoken.language()), Duration::from_millis(ms)))
            })
        };
        for &size in &arguments.phrases {
            let list: Vec<String> = phrases.iter().take(size).cloned().collect();
            let body = srgs(spoken, &list);
            let grammar = Grammar::from_body(&body.content_type, body.body.as_bytes(), spoken.language())?;
            let inside = chosen(&list, half).enumerate().map(|(number, said)| (number, said, true));
            let outside = others.iter().cycle().take(half).enumerate().map(|(number, said)| (number, said, false));
            let mut all = Vec::new();
            for (number, said, is_in_grammar) in inside.chain(outside) {
                let Some((hypothesis, took)) = heard(said, number) else { continue };
                let found = grammar.match_speech(std::slice::from_ref(&hypothesis)).into_iter().next();
                all.push(Heard {
                    said: said.clone(),
                    number,
                    is_in_grammar,
                    matched: found.map(|found| (text(&found.instance), found.confidence)),
                    cause: format!("{:?} ({:.2})", hypothesis.text, hypothesis.confidence),
                    took,
                });
            }
            report(spoken, size, &all, arguments);
        }
    }
    Ok(())
}

/// The phrases of grammars, and the sentences that are in none.
fn lists(spoken: Spoken) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/closed_grammars").join(spoken.name());
    let path = path.with_extension("txt");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (phrases, others) = text.split_once("\n\n").context("a blank line divides phrases from other sentences")?;
    let lines = |text: &str| text.lines().map(str::to_owned).collect();
    Ok((lines(phrases), lines(others)))
}

fn engine_config(languages: &[&str]) -> EngineConfig {
    let sherpa = SherpaConfig {
        languages: languages.iter().map(|language| (*language).to_owned()).collect(),
        ..SherpaConfig::default()
    };
    server::with_models_directory(EngineConfig { backend: Backend::Sherpa(sherpa), ..EngineConfig::default() })
}

fn config(spoken: Spoken) -> Config {
    let language = spoken.language().tag();
    let mut config = Config { engine: engine_config(&[language]), ..Config::default() };
    config.server.address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    config.sip.port = 0;
    config.mrcp.port = 0;
    config.http.listen = None;
    config.dialog.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config
}

/// The callers.
struct Voices {
    spoken: Spoken,
    synthesis: engine::Synthesis,
    names: Vec<String>,
}

impl Voices {
    fn start(spoken: Spoken) -> anyhow::Result<Self> {
        let synthesis = engine::Synthesis::start(&engine_config(&["en-US", "zh-CN"]))?;
        let names: Vec<String> =
            synthesis.voices().into_iter().map(|voice| voice.name).filter(|name| spoken.speaks(name)).collect();
        if names.is_empty() {
            bail!("no voice for callers: voxgate models fetch");
        }
        Ok(Self { spoken, synthesis, names })
    }

    /// Has a phrase said by the voice of that number, or takes what it said in an earlier run; and puts the line's noise on it.
    fn say(&self, arguments: &Arguments, text: &str, number: usize, is_in_grammar: bool) -> anyhow::Result<Utterance> {
        let voice = self.names.get(number % self.names.len().max(1)).context("a voice")?;
        let rate = arguments.rates.get(number % arguments.rates.len().max(1)).copied().unwrap_or(1.0);
        let folder = arguments.audio.join(self.spoken.name()).join(format!("{voice} {rate}"));
        let file = folder.join(text.replace(|c: char| !c.is_alphanumeric(), "_")).with_extension("wav");
        if !file.exists() {
            std::fs::create_dir_all(&folder)?;
            let mut spec = SynthesisSpec::new(text, self.spoken.language(), LINE_HZ);
            spec.voice = Some(voice.clone());
            // People do not all speak at one pace.
            spec.rate = rate;
            let samples = engine::say(&self.synthesis, spec)?;
            write(&file, &samples)?;
            eprintln!("{}: {text}", voice);
        }
        let mut audio = CallerAudio::load(&file, LINE_HZ)?;
        add_noise(&mut audio.samples, arguments.noise_db, number);
        Ok(Utterance { text: text.to_owned(), number, is_in_grammar, audio })
    }
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

/// Noise with the colour of a room, so many dB below the mean level of the samples.
fn add_noise(samples: &mut [i16], below_db: f64, seed: usize) {
    if below_db <= 0.0 || samples.is_empty() {
        return;
    }
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let level = (energy / samples.len() as f64).sqrt() * 10f64.powf(-below_db / 20.0);
    let mut state = seed as u64 + 0x9e37_79b9_7f4a_7c15;
    let mut low = 0.0;
    for sample in samples {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let white = (state >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0;
        low = 0.7 * low + 0.3 * white;
        // Of the filter's output the mean square is 0.3² / (1 − 0.7²) of the white noise's third.
        let noise = low * level / 0.242;
        *sample = (f64::from(*sample) + noise) as i16;
    }
}

async fn hear(
    server: SocketAddr,
    grammar: &GrammarBody,
    utterances: Vec<Utterance>,
    lanes: usize,
) -> anyhow::Result<Vec<Heard>> {
    let mut tasks = tokio::task::JoinSet::new();
    let lanes = lanes.max(1);
    for lane in utterances.chunks(utterances.len().div_ceil(lanes).max(1)) {
        let (lane, grammar) = (lane.to_vec(), grammar.clone());
        tasks.spawn(async move {
            let config = ClientConfig { connections: ConnectionPolicy::AlwaysNew, ..ClientConfig::new(server) };
            let client = Client::start(config, Ladder::off(now())).await?;
            let mut session = client.open_recognizer(None).await?;
            let is_list = grammar.content_type != "text/uri-list";
            if is_list {
                session.define_grammar("closed@bench", &grammar).await?;
            }
            let grammar = if is_list { GrammarBody::uri("session:closed@bench") } else { grammar };
            let mut all = Vec::new();
            for utterance in lane {
                let headers = Headers::new()
                    .with(HeaderName::ConfidenceThreshold, "0.0")
                    .with(HeaderName::SpeechCompleteTimeout, "500")
                    .with(HeaderName::SpeechIncompleteTimeout, "1000");
                let request = session.recognize(&grammar, headers).await?;
                let begun = now();
                session.send_audio(&utterance.audio);
                let ended = session.finished(request, WITHIN).await?;
                let took = ended.at.saturating_duration_since(begun + utterance.audio.speech());
                let matched = ended.result.map(|result| (text(&result.instance), result.confidence));
                all.push(Heard {
                    said: utterance.text,
                    number: utterance.number,
                    is_in_grammar: utterance.is_in_grammar,
                    matched: matched.filter(|(text, _)| !text.is_empty()),
                    cause: ended.cause.map(|cause| cause.to_string()).unwrap_or_default(),
                    took,
                });
            }
            session.session.hang_up().await;
            anyhow::Ok(all)
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        all.extend(ended??);
    }
    Ok(all)
}

fn text(instance: &serde_json::Value) -> String {
    match instance {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A list of phrases as an SRGS grammar; each means itself.
fn srgs(spoken: Spoken, phrases: &[String]) -> GrammarBody {
    let items: String = phrases.iter().map(|phrase| format!("<item>{phrase}</item>")).collect();
    let language = spoken.language().tag();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><grammar xmlns=\"http://www.w3.org/2001/06/grammar\" version=\"1.0\" \
         xml:lang=\"{language}\" mode=\"voice\" root=\"r\"><rule id=\"r\" scope=\"public\"><one-of>{items}</one-of></rule></grammar>"
    );
    GrammarBody { content_type: "application/srgs+xml".to_owned(), body }
}

fn report(spoken: Spoken, size: usize, heard: &[Heard], arguments: &Arguments) {
    let (inside, outside): (Vec<&Heard>, Vec<&Heard>) = heard.iter().partition(|heard| heard.is_in_grammar);
    let part = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
    println!(
        "{}, {size} phrases: {} utterances in the grammar, {} out of it",
        spoken.name(),
        inside.len(),
        outside.len()
    );
    println!("{:>10} {:>10} {:>10} {:>12} {:>14}", "threshold", "right %", "wrong %", "rejected %", "false accept %");
    for threshold in THRESHOLDS {
        let accepted =
            |heard: &Heard| heard.matched.as_ref().filter(|(_, sure)| *sure > threshold || threshold == 0.0).cloned();
        let is_right = |heard: &&&Heard| accepted(heard).is_some_and(|(text, _)| text == heard.said);
        let right = inside.iter().filter(is_right).count();
        let taken = inside.iter().filter(|heard| accepted(heard).is_some()).count();
        let fooled = outside.iter().filter(|heard| accepted(heard).is_some()).count();
        println!(
            "{threshold:>10.1} {:>10.1} {:>10.1} {:>12.1} {:>14.1}",
            part(right, inside.len()),
            part(taken - right, inside.len()),
            part(inside.len() - taken, inside.len()),
            part(fooled, outside.len())
        );
    }
    let mut times: Vec<Duration> = inside.iter().map(|heard| heard.took).collect();
    times.sort_unstable();
    let at = |part: f64| times.get(((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1)));
    let ms = |time: Option<&Duration>| time.map_or(0, Duration::as_millis);
    println!(
        "end of speech to RECOGNITION-COMPLETE: p50 {} ms, p95 {} ms (500 of it are waited)\n",
        ms(at(0.5)),
        ms(at(0.95))
    );
    if arguments.verbose {
        for heard in heard {
            let matched = heard.matched.as_ref().map(|(text, sure)| format!("{text:?} ({sure:.2})"));
            let is_right = heard.is_in_grammar && heard.matched.as_ref().is_some_and(|(text, _)| *text == heard.said);
            if !(is_right || !heard.is_in_grammar && heard.matched.is_none()) {
                println!("  {:?} → {} {}", heard.said, matched.unwrap_or_else(|| "nothing".to_owned()), heard.cause);
            }
        }
        println!();
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
