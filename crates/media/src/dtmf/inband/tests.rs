use super::*;

/// A sound to be put together: 8 or 16 kHz, in levels below full scale of a sine.
struct Line {
    rate: ClockRate,
    samples: Vec<f32>,
    random: u32,
}

impl Line {
    fn new(rate: ClockRate) -> Self {
        Self { rate, samples: Vec::new(), random: 0x1234_5678 }
    }

    fn count(&self, ms: f32) -> usize {
        (ms * self.rate.samples_per_ms() as f32) as usize
    }

    fn silence(&mut self, ms: f32) -> &mut Self {
        let count = self.count(ms);
        self.samples.extend(std::iter::repeat_n(0.0, count));
        self
    }

    /// Two tones, each at its own level, both off by the part `off` of their frequency.
    fn tones(&mut self, key: char, ms: f32, row_db: f32, column_db: f32, off: f32) -> &mut Self {
        let place = |keys: &[char; 4]| keys.iter().position(|known| *known == key);
        let row = KEYS.iter().position(|keys| place(keys).is_some()).unwrap();
        let (low, high) = (ROWS_HZ[row] * (1.0 + off), COLUMNS_HZ[place(&KEYS[row]).unwrap()] * (1.0 + off));
        let (row_level, column_level) = (10_f32.powf(row_db / 20.0), 10_f32.powf(column_db / 20.0));
        for at in 0..self.count(ms) {
            let turns = |hz: f32| (std::f32::consts::TAU * hz * at as f32 / self.rate.hz() as f32 + 0.3).sin();
            self.samples.push(row_level * turns(low) + column_level * turns(high));
        }
        self
    }

    fn key(&mut self, key: char, ms: f32) -> &mut Self {
        self.tones(key, ms, -16.0, -16.0, 0.0)
    }

    /// White noise of a level (that of its mean square, below that of a full sine) over everything.
    fn noise(&mut self, db: f32) -> &mut Self {
        let amplitude = 10_f32.powf(db / 20.0) / 2_f32.sqrt() * 3_f32.sqrt();
        for sample in &mut self.samples {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            *sample += amplitude * (self.random as f32 / u32::MAX as f32 * 2.0 - 1.0);
        }
        self
    }

    /// The keys that are found, and what is left to be heard.
    fn through(&self) -> (String, Vec<i16>) {
        let mut detector = InbandDetector::new(self.rate);
        let (mut keys, mut given) = (String::new(), Vec::new());
        let samples: Vec<i16> =
            self.samples.iter().map(|sample| (sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16).collect();
        for packet in samples.chunks(self.count(20.0)) {
            detector.process(packet, &mut given, |tone| keys.push(tone.digit.as_char()));
        }
        (keys, given)
    }

    fn keys(&self) -> String {
        self.through().0
    }
}

const ALL: &str = "123A456B789C*0#D";
const RATES: [ClockRate; 2] = [ClockRate::Hz8000, ClockRate::Hz16000];

/// Every key once, 50 ms with pauses of 50 ms at changing offsets, of such tones.
fn dialled(rate: ClockRate, row_db: f32, column_db: f32, off: f32) -> Line {
    let mut line = Line::new(rate);
    for (at, key) in ALL.chars().enumerate() {
        line.silence(50.0 + at as f32 * 0.9).tones(key, 50.0, row_db, column_db, off);
    }
    line.silence(100.0);
    line
}

#[test]
fn dtm_002_every_key_is_heard_at_every_level() {
    for rate in RATES {
        for level in [-6.5, -16.0, -26.0, -36.0] {
            assert_eq!(dialled(rate, level, level, 0.0).keys(), ALL, "{rate:?} {level} dB");
        }
        assert_eq!(dialled(rate, -60.0, -60.0, 0.0).keys(), "", "too faint to be meant");
    }
}

#[test]
fn dtm_002_the_twist_of_q_24_is_heard_and_more_is_not() {
    for rate in RATES {
        for (row_db, column_db) in [(-14.0, -22.0), (-14.0, -18.0), (-18.0, -14.0)] {
            assert_eq!(dialled(rate, row_db, column_db, 0.0).keys(), ALL, "{rate:?} {row_db} {column_db}");
        }
        for (row_db, column_db) in [(-10.0, -26.0), (-26.0, -10.0)] {
            assert_eq!(dialled(rate, row_db, column_db, 0.0).keys(), "", "{rate:?} {row_db} {column_db}");
        }
    }
}

#[test]
fn dtm_002_frequencies_may_be_off_by_what_q_24_says() {
    for rate in RATES {
        for off in [-0.015, -0.008, 0.008, 0.015] {
            assert_eq!(dialled(rate, -16.0, -16.0, off).keys(), ALL, "{rate:?} {off}");
        }
        for off in [-0.04, 0.04] {
            assert_eq!(dialled(rate, -16.0, -16.0, off).keys(), "", "{rate:?} {off}");
        }
    }
}

#[test]
fn dtm_002_keys_are_heard_through_noise() {
    for rate in RATES {
        // 15 dB below the two tones together.
        let mut line = dialled(rate, -16.0, -16.0, 0.0);
        assert_eq!(line.noise(-13.0 - 15.0).keys(), ALL, "{rate:?}");
        let mut line = dialled(rate, -16.0, -20.0, 0.012);
        assert_eq!(line.noise(-14.5 - 18.0).keys(), ALL, "{rate:?}, with a twist and off");
    }
}

#[test]
fn dtm_002_forty_milliseconds_are_a_key_and_twenty_are_not() {
    for rate in RATES {
        for offset in 0..20 {
            let mut line = Line::new(rate);
            line.silence(40.0 + offset as f32 * 0.25);
            for key in "5719".chars() {
                line.key(key, 40.0).silence(40.0);
            }
            assert_eq!(line.silence(40.0).keys(), "5719", "{rate:?} {offset}");
            let mut line = Line::new(rate);
            line.silence(40.0 + offset as f32 * 0.25).key('5', 20.0).silence(100.0);
            assert_eq!(line.keys(), "", "{rate:?} {offset}");
        }
    }
}

#[test]
fn dtm_002_a_gap_of_ten_milliseconds_is_none_and_one_of_forty_is_a_pause() {
    for (gap_ms, expected) in [(10.0, "5"), (40.0, "55")] {
        let mut line = Line::new(ClockRate::Hz8000);
        line.silence(33.0).key('5', 60.0).silence(gap_ms).key('5', 60.0).silence(100.0);
        assert_eq!(line.keys(), expected, "{gap_ms} ms");
    }
}

#[test]
fn dtm_002_a_long_press_is_one_key_and_keys_may_follow_without_a_pause() {
    let mut line = Line::new(ClockRate::Hz8000);
    line.silence(20.0).key('7', 3_000.0).key('8', 60.0).key('9', 60.0).silence(50.0);
    assert_eq!(line.keys(), "789");
}

#[test]
fn single_tones_dial_tone_and_noise_are_no_keys() {
    for rate in RATES {
        let mut line = Line::new(rate);
        for hz in (300..2_000).step_by(10) {
            for at in 0..line.count(60.0) {
                let turns = std::f32::consts::TAU * hz as f32 * at as f32 / rate.hz() as f32;
                line.samples.push(0.2 * turns.sin());
            }
        }
        // Dial, ringing and busy tones of North America; 425 Hz of others is in the sweep.
        for (low, high) in [(350.0, 440.0), (440.0, 480.0), (480.0, 620.0)] {
            for at in 0..line.count(500.0) {
                let sine = |hz: f32| (std::f32::consts::TAU * hz * at as f32 / rate.hz() as f32).sin();
                line.samples.push(0.15 * sine(low) + 0.15 * sine(high));
            }
        }
        line.silence(2_000.0).noise(-20.0);
        assert_eq!(line.keys(), "", "{rate:?}");
    }
}

#[test]
fn dtm_002_what_sounded_as_a_key_is_silence_to_whoever_listens() {
    for rate in RATES {
        for offset in 0..10 {
            let mut line = Line::new(rate);
            line.silence(100.0 + offset as f32).key('4', 100.0).silence(200.0);
            let (keys, given) = line.through();
            assert_eq!((keys.as_str(), given.len()), ("4", line.samples.len()));
            let loud = given.iter().filter(|sample| sample.unsigned_abs() > 300).count();
            assert!(loud <= 2 * line.count(1.0), "{rate:?} {offset}: {loud} samples of the tone are left");
        }
    }
}

#[test]
fn what_is_no_key_goes_through_as_it_was_thirty_milliseconds_later() {
    let mut line = Line::new(ClockRate::Hz8000);
    line.silence(1_000.0).noise(-20.0);
    let (_, given) = line.through();
    let delay = line.count(DELAY_MS as f32);
    let sent = line.samples.iter().map(|sample| (sample * 32_767.0) as i16);
    assert!(given.iter().take(delay).all(|sample| *sample == 0));
    assert!(given.iter().skip(delay).copied().eq(sent.take(given.len() - delay)));
}
