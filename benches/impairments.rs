//! What a bad network does to recognition: `cargo bench -p engine --features sherpa --bench impairments -- --help`.
//!
//! Speech goes from leg to leg, G.711 in packets of 20 ms, over a simulated path with seeded loss, jitter and reordering, on
//! a virtual clock; what the listening leg makes of it is recognized. Each condition is run with concealment and
//! with silence in the place of what was lost. `--port` receives from a real network instead; `--send` sends to it.

mod sounds;

use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use engine::{ListenSpec, Recognition};
use media::{
    CaptureId, ClockRate, Codec, Concealment, Leg, LegCommand, LegConfig, LegCounters, LegMedia, PcmBuffer, PcmOverrun,
    PcmSink, PlaySpan, UtteranceId,
};
use sounds::{Clip, Random};
use speech::Language;

/// Measures recognition over a bad network.
#[derive(Debug, Parser)]
#[command(name = "impairments")]
struct Arguments {
    /// Recordings in English: a file and its text per line, a tab between them.
    #[arg(long, env = "VOXGATE_SPEECH")]
    speech: Option<PathBuf>,
    /// Recordings in Chinese, likewise; synthetic voices where absent.
    #[arg(long)]
    speech_zh: Option<PathBuf>,
    /// Utterances in English.
    #[arg(long, default_value_t = 60)]
    english: usize,
    /// Utterances in Chinese.
    #[arg(long, default_value_t = 20)]
    chinese: usize,
    /// Calls that are recognized at the same time.
    #[arg(long, default_value_t = 2)]
    lanes: usize,
    /// Only networks with this in their name, and the one without impairment.
    #[arg(long, default_value = "")]
    network: String,
    /// Runs of each condition, with other losses each.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Receive the English utterances from `--send` at this UDP port, in real time.
    #[arg(long)]
    port: Option<u16>,
    /// Send the English utterances to this address, in real time.
    #[arg(long)]
    send: Option<String>,
    /// Where the synthetic voices' audio is kept between runs.
    #[arg(long, default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/sounds"))]
    audio: PathBuf,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Test runners start every target; what measures for minutes runs when it is asked to.
    if !arguments.bench {
        println!("a benchmark: cargo bench -p engine --features sherpa --bench impairments");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("impairments: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A path.
#[derive(Debug, Clone, Copy)]
struct Network {
    name: &'static str,
    /// Of a hundred packets.
    loss: f64,
    /// Packets lost in a row, on average.
    burst: f64,
    /// Delay beyond the least, evenly spread.
    jitter_ms: u64,
    /// Of a hundred packets, how many come 30 ms later than they would.
    reordered: f64,
}

const CLEAN: Network = Network { name: "no impairment", loss: 0.0, burst: 1.0, jitter_ms: 0, reordered: 0.0 };

const NETWORKS: [Network; 9] = [
    CLEAN,
    Network { name: "1 % lost", loss: 1.0, ..CLEAN },
    Network { name: "5 % lost", loss: 5.0, ..CLEAN },
    Network { name: "10 % lost", loss: 10.0, ..CLEAN },
    Network { name: "5 % lost, three in a row", loss: 5.0, burst: 3.0, ..CLEAN },
    Network { name: "jitter of 60 ms", jitter_ms: 60, ..CLEAN },
    Network { name: "5 % out of order", reordered: 5.0, ..CLEAN },
    Network { name: "5 % lost, jitter of 60 ms", loss: 5.0, jitter_ms: 60, ..CLEAN },
    Network { name: "10 % lost, three in a row, jitter of 60 ms", loss: 10.0, burst: 3.0, jitter_ms: 60, ..CLEAN },
];

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let english = clips(arguments.speech.as_ref(), Language::English, arguments.english, arguments)?;
    if let Some(to) = &arguments.send {
        return send(&english, to);
    }
    if let Some(port) = arguments.port {
        return receive(&english, port);
    }
    for (language, clips) in [
        (Language::English, english),
        (Language::Chinese, clips(arguments.speech_zh.as_ref(), Language::Chinese, arguments.chinese, arguments)?),
    ] {
        if !clips.is_empty() {
            simulate(language, &clips, arguments)?;
        }
    }
    Ok(())
}

fn clips(list: Option<&PathBuf>, language: Language, count: usize, arguments: &Arguments) -> anyhow::Result<Vec<Clip>> {
    let Some(list) = list else { return sounds::synthetic(language, count, &arguments.audio) };
    let listed = sounds::listed(list)?;
    let step = (listed.len() / count.max(1)).max(1);
    Ok(listed.into_iter().step_by(step).take(count).collect())
}

fn simulate(language: Language, clips: &[Clip], arguments: &Arguments) -> anyhow::Result<()> {
    let recognition = Recognition::start(&sounds::engine_config(&[language.tag()])?)?;
    let unit = match language {
        Language::English => "words",
        Language::Chinese => "characters",
    };
    println!(
        "{}: {} utterances. {unit} wrong of a hundred, and the estimate of the opinion.",
        language.tag(),
        clips.len()
    );
    println!("| network | lost | concealed: wrong | MOS | silence: wrong | MOS |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for network in NETWORKS.into_iter().filter(|one| one.name == CLEAN.name || one.name.contains(&arguments.network)) {
        let mut cells = Vec::new();
        let mut lost = 0.0;
        for concealment in [Concealment::Repetition, Concealment::Silence] {
            if network.loss == 0.0 && concealment == Concealment::Silence {
                cells.push("as concealed | |".to_owned());
                continue;
            }
            let (next, sums) = (Mutex::new(0), Mutex::new((Sum::default(), Vec::new())));
            let runs = if network.loss == 0.0 { 1 } else { arguments.seeds.max(1) };
            std::thread::scope(|scope| {
                for _ in 0..arguments.lanes.max(1) {
                    scope.spawn(|| {
                        loop {
                            let number = {
                                let mut next = next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                                *next += 1;
                                *next - 1
                            };
                            let Some(clip) = clips.get(number / runs as usize) else { return };
                            let outcome = call(clip, network, concealment, number as u64 + 1);
                            let spec = ListenSpec::new(language, sounds::LINE_HZ);
                            let heard = engine::hear(&recognition, spec, &outcome.0);
                            let mut sums = sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                            match heard {
                                Ok(heard) => sums.0.add(clip, heard.first().map_or("", |best| &best.text), &outcome.1),
                                Err(error) => sums.1.push(anyhow::anyhow!("{}: {error}", clip.name)),
                            }
                        }
                    });
                }
            });
            let (sum, faults) = sums.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(fault) = faults.into_iter().next() {
                return Err(fault);
            }
            lost = sum.lost_percent();
            cells.push(format!("{:.2} % | {:.2} |", sum.wrong_percent(), opinion(lost, concealment, network)));
        }
        println!("| {} | {lost:.1} % | {}", network.name, cells.join(" "));
    }
    Ok(())
}

/// What was heard of many calls.
#[derive(Debug, Default)]
struct Sum {
    wrong: usize,
    said: usize,
    lost: u64,
    received: u64,
}

impl Sum {
    fn add(&mut self, clip: &Clip, heard: &str, counters: &LegCounters) {
        let (wrong, said) = errors(heard, &clip.text);
        self.wrong += wrong;
        self.said += said;
        self.lost += counters.packets_lost;
        self.received += counters.packets_received;
    }

    fn wrong_percent(&self) -> f64 {
        100.0 * self.wrong as f64 / self.said.max(1) as f64
    }

    fn lost_percent(&self) -> f64 {
        100.0 * self.lost as f64 / (self.lost + self.received).max(1) as f64
    }
}

/// The E-model's opinion (ITU-T G.107) for G.711 with and without concealment (G.113, appendix I), the delay being that of
/// a packet, the path and half of its jitter, and the wait for what is missing.
fn opinion(lost_percent: f64, concealment: Concealment, network: Network) -> f64 {
    let robustness = match concealment {
        Concealment::Repetition => 25.1,
        Concealment::Silence => 4.3,
    };
    let burst_ratio = network.burst.max(1.0);
    let delay = 20.0 + 20.0 + network.jitter_ms as f64 / 2.0 + 40.0;
    let impairment = 95.0 * lost_percent / (lost_percent / burst_ratio + robustness);
    let r = (93.2 - 0.024 * delay - 0.11 * (delay - 177.3f64).max(0.0) - impairment).clamp(0.0, 100.0);
    1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<i16>>>);

impl PcmSink for Captured {
    fn push(&mut self, samples: &[i16]) -> Result<(), PcmOverrun> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend_from_slice(samples);
        Ok(())
    }
}

impl Captured {
    fn take(&self) -> Vec<i16> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// The samples of a call: a moment of a quiet line, the utterance, another moment.
fn samples(clip: &Clip) -> Vec<i16> {
    let mut random = Random(9);
    let ms = clip.sound.len() * 1000 / sounds::LINE_HZ as usize + 1_700;
    let mut sound = sounds::at_level(&sounds::white(&mut random, ms), -65.0);
    sounds::add(&mut sound, sounds::samples(700), &clip.sound);
    sound.iter().map(|sample| (sample * 32_768.0).round() as i16).collect()
}

fn leg_config(concealment: Concealment) -> LegConfig {
    LegConfig { concealment, ..LegConfig::new(LegMedia::new(Codec::Pcmu, 0), ClockRate::Hz8000, 7) }
}

fn play(leg: &mut Leg, now: Instant, clip: &Clip) -> u64 {
    let samples = samples(clip);
    let audio = PcmBuffer::from_samples(sounds::LINE_HZ, &samples);
    leg.command(now, LegCommand::Play { utterance: UtteranceId(1), audio, span: PlaySpan::ALL });
    samples.len() as u64 / 8
}

/// One utterance over the network: what the listening leg hands on, and its counters.
fn call(clip: &Clip, network: Network, concealment: Concealment, seed: u64) -> (Vec<i16>, LegCounters) {
    let mut random = Random(seed);
    let start = testkit::epoch();
    let mut speaker = Leg::new(leg_config(concealment), start);
    let mut listener = Leg::new(leg_config(concealment), start);
    let captured = Captured::default();
    listener.command(start, LegCommand::Capture { capture: CaptureId(0), sink: Box::new(captured.clone()) });
    let length_ms = play(&mut speaker, start, clip);
    let mut in_flight: Vec<(Instant, Vec<u8>)> = Vec::new();
    let mut is_losing = false;
    for at in (0..length_ms + 400).step_by(10) {
        let now = start + Duration::from_millis(at);
        speaker.tick(now);
        while let Some(packet) = speaker.poll_packet() {
            // Two states (Gilbert): as many losses as wanted, in runs as long as wanted.
            let leave = 1.0 / network.burst.max(1.0);
            let loss = network.loss / 100.0;
            let enter = (leave * loss / (1.0 - loss)).min(1.0);
            is_losing = if network.burst <= 1.0 {
                random.unit() < loss
            } else if is_losing {
                random.unit() >= leave
            } else {
                random.unit() < enter
            };
            let mut delay = 20 + (random.unit() * (network.jitter_ms as f64 + 0.99)) as u64;
            if random.unit() * 100.0 < network.reordered {
                delay += 30;
            }
            if !is_losing {
                in_flight.push((now + Duration::from_millis(delay), packet.to_vec()));
            }
        }
        in_flight.sort_by_key(|(at, _)| *at);
        let arrived = in_flight.iter().take_while(|(at, _)| *at <= now).count();
        for (_, packet) in in_flight.drain(..arrived) {
            listener.receive(now, &packet);
        }
        listener.tick(now);
    }
    (captured.take(), *listener.counters())
}

/// Words (characters, in Chinese) wrong and said.
fn errors(heard: &str, said: &str) -> (usize, usize) {
    let (heard, said) = (words(heard), words(said));
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

/// Real time, in ticks of 10 ms, until `work` says that it is over.
#[expect(clippy::disallowed_methods, reason = "a real network has a real clock")]
fn in_real_time(mut work: impl FnMut(Instant) -> bool) {
    let mut due = Instant::now();
    while work(Instant::now()) {
        due += Duration::from_millis(10);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// The first octet of datagrams that are no RTP: an utterance begins.
const BEGINS: u8 = 0;

fn send(clips: &[Clip], to: &str) -> anyhow::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(to)?;
    for (number, clip) in clips.iter().enumerate() {
        // Told often enough to get through.
        let mut begin = vec![BEGINS];
        begin.extend((number as u32).to_be_bytes());
        let (mut leg, mut until, mut ticks) = (None, None, 0);
        in_real_time(|now| {
            ticks += 1;
            if ticks <= 20 {
                _ = socket.send(&begin);
                return true;
            }
            let leg = leg.get_or_insert_with(|| Leg::new(leg_config(Concealment::Repetition), now));
            let until = *until.get_or_insert_with(|| now + Duration::from_millis(play(leg, now, clip) + 500));
            leg.tick(now);
            while let Some(packet) = leg.poll_packet() {
                _ = socket.send(packet);
            }
            now < until
        });
    }
    Ok(())
}

fn receive(clips: &[Clip], port: u16) -> anyhow::Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", port))?;
    socket.set_nonblocking(true)?;
    let mut sums: Vec<(Sum, u64)> = (0..2).map(|_| (Sum::default(), 0)).collect();
    let mut calls: Vec<Vec<(Vec<i16>, LegCounters)>> = Vec::new();
    let mut legs: Vec<(Leg, Captured)> = Vec::new();
    let (mut current, mut quiet) = (None, 0);
    let concealments = [Concealment::Repetition, Concealment::Silence];
    in_real_time(|now| {
        quiet += 1;
        let mut datagram = [0; 2048];
        while let Ok(length) = socket.recv(&mut datagram) {
            quiet = 0;
            match datagram.get(..length) {
                Some([BEGINS, number @ ..]) => {
                    let Ok(number) = <[u8; 4]>::try_from(number).map(u32::from_be_bytes) else { continue };
                    if current != Some(number) {
                        current = Some(number);
                        if !legs.is_empty() {
                            calls.push(legs.drain(..).map(|(leg, heard)| (heard.take(), *leg.counters())).collect());
                        }
                        for concealment in concealments {
                            let (mut leg, captured) = (Leg::new(leg_config(concealment), now), Captured::default());
                            let sink = Box::new(captured.clone());
                            leg.command(now, LegCommand::Capture { capture: CaptureId(0), sink });
                            legs.push((leg, captured));
                        }
                    }
                }
                Some(packet) => legs.iter_mut().for_each(|(leg, _)| leg.receive(now, packet)),
                None => {}
            }
        }
        legs.iter_mut().for_each(|(leg, _)| leg.tick(now));
        current.is_none() || quiet < 300
    });
    calls.push(legs.drain(..).map(|(leg, heard)| (heard.take(), *leg.counters())).collect());
    let recognition = Recognition::start(&sounds::engine_config(&["en"])?)?;
    for (clip, call) in clips.iter().zip(calls) {
        for ((sum, jitter_ms), (samples, counters)) in sums.iter_mut().zip(call) {
            let heard = engine::hear(&recognition, ListenSpec::new(Language::English, sounds::LINE_HZ), &samples)?;
            sum.add(clip, heard.first().map_or("", |best| &best.text), &counters);
            *jitter_ms = (*jitter_ms).max(counters.jitter_ms.into());
        }
    }
    for (concealment, (sum, jitter_ms)) in concealments.into_iter().zip(sums) {
        println!(
            "{concealment:?}: {:.2} % of the words wrong, {:.1} % of {} packets lost, jitter up to {jitter_ms} ms",
            sum.wrong_percent(),
            sum.lost_percent(),
            sum.lost + sum.received
        );
    }
    Ok(())
}
