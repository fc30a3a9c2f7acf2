//! Keys as sound, beside telephone events and speech.

use std::path::Path;

use media::{InbandDtmf, LegConfig, LegEvent, Waveform};

use crate::network::{Listener, Packet, linear};

fn config(setting: InbandDtmf, telephone_event: Option<u8>) -> LegConfig {
    let mut config = linear();
    config.media.telephone_event = telephone_event;
    config.inband_dtmf = setting;
    config
}

/// The key 5, for so long.
fn five(ms: usize) -> Vec<i16> {
    let sine = |hz: f32, at: usize| (std::f32::consts::TAU * hz * at as f32 / 8_000.0).sin();
    (0..ms * 8).map(|at| (4_000.0 * (sine(770.0, at) + sine(1_336.0, at))) as i16).collect()
}

/// A stream in packets of 20 ms.
struct Stream {
    listener: Listener,
    sequence: u16,
    timestamp: u32,
}

impl Stream {
    fn new(config: LegConfig) -> Self {
        Self { listener: Listener::new(config), sequence: 1, timestamp: 160 }
    }

    fn packet(&mut self, payload_type: u8, timestamp: u32, payload: Vec<u8>) {
        let marker = self.sequence == 1;
        self.listener.receive(&Packet { marker, payload_type, sequence: self.sequence, timestamp, ssrc: 5, payload });
        self.sequence = self.sequence.wrapping_add(1);
    }

    fn audio(&mut self, samples: &[i16]) {
        for packet in samples.chunks(160) {
            let payload = packet.iter().flat_map(|sample| sample.to_be_bytes()).collect();
            self.packet(96, self.timestamp, payload);
            self.timestamp = self.timestamp.wrapping_add(160);
            self.listener.wait(20);
        }
    }

    /// The key 5 as an event of 100 ms: updates and three ends.
    fn event(&mut self) {
        let begun = self.timestamp;
        for update in 1..=5_u16 {
            let [high, low] = (update * 160).to_be_bytes();
            self.packet(101, begun, vec![5, if update == 5 { 0x8a } else { 10 }, high, low]);
            self.timestamp = self.timestamp.wrapping_add(160);
            self.listener.wait(20);
        }
    }

    fn keys(&mut self) -> String {
        let key = |event| match event {
            LegEvent::Dtmf { digit, .. } => Some(digit.as_char()),
            _ => None,
        };
        self.listener.events().into_iter().filter_map(key).collect()
    }
}

#[test]
fn dtm_002_keys_are_heard_in_the_sound_where_the_setting_says_so() {
    let heard = |setting, telephone_event| {
        let mut stream = Stream::new(config(setting, telephone_event));
        for _ in 0..2 {
            stream.audio(&[0; 800]);
            stream.audio(&five(80));
        }
        stream.audio(&[0; 800]);
        stream.keys()
    };
    assert_eq!(heard(InbandDtmf::Off, None), "");
    assert_eq!(heard(InbandDtmf::Auto, None), "55");
    assert_eq!(heard(InbandDtmf::Auto, Some(101)), "");
    assert_eq!(heard(InbandDtmf::On, Some(101)), "55");
}

#[test]
fn dtm_002_a_key_that_is_heard_and_told_counts_once() {
    // A gateway lets 60 ms of the tone through, then tells it.
    let mut stream = Stream::new(config(InbandDtmf::On, Some(101)));
    stream.audio(&[0; 800]);
    stream.audio(&five(60));
    stream.event();
    stream.audio(&[0; 1_600]);
    assert_eq!(stream.keys(), "5", "the sound first");
    stream.event();
    stream.audio(&[0; 800]);
    assert_eq!(stream.keys(), "5", "the next press is a press of its own");
    // From now on the stream is known to carry events.
    stream.audio(&five(200));
    stream.audio(&[0; 800]);
    assert_eq!(stream.keys(), "");
    // The event first, and the tone under it.
    let mut stream = Stream::new(config(InbandDtmf::On, Some(101)));
    stream.audio(&[0; 800]);
    stream.event();
    stream.audio(&five(100));
    stream.audio(&[0; 800]);
    assert_eq!(stream.keys(), "5");
}

#[test]
fn dtm_002_who_listens_hears_silence_in_the_place_of_a_key() {
    let mut stream = Stream::new(config(InbandDtmf::Auto, None));
    stream.audio(&[0; 1_600]);
    stream.audio(&five(200));
    stream.audio(&[0; 1_600]);
    let samples = stream.listener.heard.samples();
    let loud = samples.iter().filter(|sample| sample.unsigned_abs() > 400).count();
    assert!(loud < 40, "{loud} samples of the tone are left");
    assert_eq!(samples.len(), 3 * 1_600, "the time line holds");
}

#[test]
fn dtm_002_the_same_key_after_a_pause_of_the_stream_is_another_press() {
    let mut stream = Stream::new(config(InbandDtmf::Auto, None));
    stream.audio(&[0; 800]);
    stream.audio(&five(100));
    stream.listener.wait(1_000);
    stream.timestamp = stream.timestamp.wrapping_add(8_000);
    stream.audio(&five(100));
    stream.audio(&[0; 800]);
    assert_eq!(stream.keys(), "55");
}

/// What speech is taken for, and how long it was.
fn talked(files: impl Iterator<Item = std::path::PathBuf>) -> (String, f64) {
    let (mut keys, mut seconds) = (String::new(), 0.0);
    for file in files.filter(|file| file.extension().is_some_and(|name| name == "wav")) {
        let Ok(wave) = Waveform::read(&std::fs::read(&file).unwrap(), None) else { continue };
        let narrow = media::resample::resample_all(&wave.samples, wave.sample_rate_hz, 8_000).unwrap();
        let mut stream = Stream::new(config(InbandDtmf::Auto, None));
        stream.audio(&narrow);
        keys.push_str(&stream.keys());
        seconds += narrow.len() as f64 / 8_000.0;
    }
    (keys, seconds)
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[test]
fn dtm_002_speech_is_no_key() {
    let audio = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/audio");
    let (keys, seconds) = talked(files(&audio.join("en")).into_iter().chain(files(&audio.join("zh"))));
    assert!(seconds > 20.0, "{seconds} s of speech");
    assert_eq!(keys, "");
    // Further recordings, if somebody has some: `VOXGATE_SPEECH=folder:folder`.
    for folder in std::env::var("VOXGATE_SPEECH").unwrap_or_default().split(':').filter(|folder| !folder.is_empty()) {
        let (keys, seconds) = talked(files(Path::new(folder)).into_iter());
        println!("{folder}: {seconds:.0} s of speech, taken for the keys {keys:?}");
    }
}
