//! Sounds of a telephone line, from seeds: noise, tones, music.

use std::f64::consts::TAU;

use crate::sounds::{LINE_HZ, Random, Sound, add, amplified, level_db, samples};

/// Samples of 10 ms, in which levels are taken.
pub(crate) const FRAME: usize = LINE_HZ as usize / 100;

/// Level of speech while it sounds: the mean of all frames within 30 dB of the loudest.
pub(crate) fn speech_level_db(sound: &[f64]) -> f64 {
    let levels: Vec<f64> = sound.chunks(FRAME).map(level_db).collect();
    let loudest = levels.iter().copied().fold(f64::MIN, f64::max);
    let active: Vec<f64> =
        levels.into_iter().filter(|level| *level > loudest - 30.0).map(|level| 10f64.powf(level / 10.0)).collect();
    10.0 * (active.iter().sum::<f64>() / active.len().max(1) as f64).log10()
}

/// As samples of 16 bits, after G.711 µ-law: what a call makes of it.
pub(crate) fn telephone(sound: &[f64]) -> Vec<i16> {
    let linear: Vec<i16> = sound.iter().map(|sample| (sample * 32_768.0).round() as i16).collect();
    let (mut payload, mut decoded) = (Vec::new(), Vec::new());
    media::Encoder::new(media::Codec::Pcmu, media::ClockRate::Hz8000).encode(&linear, &mut payload);
    media::Decoder::new(media::Codec::Pcmu, media::ClockRate::Hz8000).decode(&payload, &mut decoded);
    decoded
}

/// One of `all`.
pub(crate) fn one<T: Copy>(random: &mut Random, all: &[T]) -> T {
    all[random.next() as usize % all.len()]
}

/// Pink noise: 3 dB less with each octave (the filter by Paul Kellet).
pub(crate) fn pink(random: &mut Random, ms: usize) -> Sound {
    let mut state = [0.0f64; 3];
    (0..samples(ms))
        .map(|_| {
            let white = random.normal();
            state[0] = 0.99765 * state[0] + white * 0.099_046;
            state[1] = 0.963 * state[1] + white * 0.296_516_4;
            state[2] = 0.57 * state[2] + white * 1.052_691_3;
            state[0] + state[1] + state[2] + white * 0.1848
        })
        .collect()
}

/// Mains hum with its harmonics, and some hiss.
pub(crate) fn hum(random: &mut Random, ms: usize) -> Sound {
    let mains = one(random, &[50.0, 60.0]);
    let harmonics: Vec<(f64, f64, f64)> =
        (1..=12).map(|n| (mains * f64::from(n), random.unit() / f64::from(n).sqrt(), TAU * random.unit())).collect();
    (0..samples(ms))
        .map(|n| {
            let at = n as f64 / f64::from(LINE_HZ);
            let tones: f64 = harmonics.iter().map(|(hz, level, phase)| level * (TAU * hz * at + phase).sin()).sum();
            tones + 0.05 * random.normal()
        })
        .collect()
}

/// Noise that comes and goes: traffic, wind, a hand on the microphone.
pub(crate) fn gusts(random: &mut Random, ms: usize) -> Sound {
    let noise = pink(random, ms);
    let (mut level, mut wanted) = (0.0, 0.0);
    noise
        .into_iter()
        .enumerate()
        .map(|(n, sample)| {
            if n % samples(400) == 0 {
                wanted = one(random, &[0.02, 0.05, 0.3, 1.0]);
            }
            level += (wanted - level) * 0.002;
            sample * level
        })
        .collect()
}

/// Clicks and crackling on the line, over a little hiss.
pub(crate) fn crackle(random: &mut Random, ms: usize) -> Sound {
    let mut ring = 0.0;
    (0..samples(ms))
        .map(|_| {
            if random.unit() < 4.0 / f64::from(LINE_HZ) {
                ring = random.normal() * 3.0;
            }
            ring *= -0.7;
            ring + 0.03 * random.normal()
        })
        .collect()
}

/// Tones that sound together, on and off in turn.
pub(crate) fn tones(hz: &[f64], on_ms: usize, off_ms: usize, ms: usize) -> Sound {
    let period = samples(on_ms + off_ms).max(1);
    (0..samples(ms))
        .map(|n| {
            let at = n as f64 / f64::from(LINE_HZ);
            let sounds = n % period < samples(on_ms);
            if sounds { hz.iter().map(|hz| (TAU * hz * at).sin()).sum::<f64>() / hz.len() as f64 } else { 0.0 }
        })
        .collect()
}

/// Keys of a keypad, pressed one after the other.
pub(crate) fn keys(random: &mut Random, ms: usize) -> Sound {
    let mut sound = vec![0.0; samples(ms)];
    let mut at = samples(300);
    while at < sound.len() {
        let pair = [one(random, &[697.0, 770.0, 852.0, 941.0]), one(random, &[1209.0, 1336.0, 1477.0, 1633.0])];
        let length = one(random, &[60, 100, 180, 300]);
        add(&mut sound, at, &tones(&pair, length, 0, length));
        at += samples(length + one(random, &[60, 120, 400]));
    }
    sound
}

/// Instruments of the music.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Instrument {
    /// Held chords of a few harmonics.
    Organ,
    /// Plucked strings (Karplus and Strong).
    Strings,
    /// A sawtooth through a moving filter.
    Synthesizer,
}

/// Music as it is played to who waits: chords, a melody and, at times, a beat.
pub(crate) fn music(random: &mut Random, instrument: Instrument, ms: usize) -> Sound {
    let mut sound = vec![0.0; samples(ms)];
    let beat_ms = one(random, &[300, 400, 520, 650]);
    let root = 40 + (random.next() % 12) as i32;
    let scale = one(random, &[[0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10]]);
    let drums = random.next().is_multiple_of(2);
    let note = |step: i32| {
        let octave = step.div_euclid(7);
        let key = root + 12 * octave + scale[step.rem_euclid(7) as usize];
        440.0 * 2f64.powf(f64::from(key - 57) / 12.0)
    };
    let mut step = 7;
    for beat in 0..ms / beat_ms {
        let at = samples(beat * beat_ms);
        if beat % 4 == 0 {
            let chord = one(random, &[0, 3, 4, 5]);
            for third in 0..3 {
                let chord = played(random, instrument, note(chord + 2 * third), beat_ms * 4);
                add(&mut sound, at, &amplified(&chord, -8.0));
            }
        }
        step = (step + one(random, &[-2, -1, 0, 1, 2])).clamp(3, 18);
        let melody = played(random, instrument, note(step), beat_ms);
        add(&mut sound, at, &melody);
        if drums {
            let hit: Sound = (0..samples(60)).map(|n| random.normal() * 0.5 * (-(n as f64) / 120.0).exp()).collect();
            add(&mut sound, at, &hit);
        }
    }
    sound
}

fn played(random: &mut Random, instrument: Instrument, hz: f64, ms: usize) -> Sound {
    let (rate, count) = (f64::from(LINE_HZ), samples(ms));
    let envelope = |n: usize| (n as f64 / 80.0).min(1.0) * ((count - n) as f64 / 160.0).min(1.0);
    match instrument {
        Instrument::Organ => (0..count)
            .map(|n| {
                let at = n as f64 / rate;
                let harmonics = (1..=5).filter(|harmonic| f64::from(*harmonic) * hz < 3_600.0);
                let vibrato = 1.0 + 0.002 * (TAU * 5.5 * at).sin();
                harmonics
                    .map(|harmonic| {
                        (TAU * hz * f64::from(harmonic) * at * vibrato).sin() / f64::from(harmonic).powf(1.3)
                    })
                    .sum::<f64>()
                    * envelope(n)
            })
            .collect(),
        Instrument::Strings => {
            let period = (rate / hz).max(2.0) as usize;
            let mut string: Vec<f64> = (0..period).map(|_| random.normal()).collect();
            (0..count)
                .map(|n| {
                    let (here, next) = (n % period, (n + 1) % period);
                    let sample = string[here];
                    string[here] = 0.498 * (string[here] + string[next]);
                    sample * envelope(n)
                })
                .collect()
        }
        Instrument::Synthesizer => {
            let (mut low, mut band) = (0.0, 0.0);
            (0..count)
                .map(|n| {
                    let at = n as f64 / rate;
                    let saw = 2.0 * (hz * at).fract() - 1.0;
                    let cutoff = 2.0 * (std::f64::consts::PI * (400.0 + 1200.0 * envelope(n)) / rate).sin();
                    low += cutoff * band;
                    band += cutoff * (saw - low - 0.7 * band);
                    low * envelope(n)
                })
                .collect()
        }
    }
}

/// The value below which so many hundredths of `values` lie.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
