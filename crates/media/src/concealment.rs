//! What stands in for lost audio: the last pitch periods of the voice again, fading.
//!
//! The method is that of ITU-T G.711 Appendix I, without its delay: the period of the voice is found in what was heard
//! last, and repeated in the place of what was lost, first one period, then two, then three, so that it does not buzz.
//! It fades to silence within 60 ms, and into the audio that follows.

use crate::codec::ClockRate;

/// How lost audio is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Concealment {
    /// By the last pitch periods of the voice.
    #[default]
    Repetition,
    /// By silence.
    Silence,
}

/// The longest and shortest period looked for, in milliseconds: voices from 66 to 200 Hz, and higher ones two or three
/// periods at a time.
const PERIOD_MS_MAX: u32 = 15;
const PERIOD_MS_MIN: u32 = 5;

/// Audio in which the period is looked for, in milliseconds.
const MATCHED_MS: u32 = 20;

/// Audio kept, in milliseconds: three of the longest periods and a quarter.
const HISTORY_MS: u32 = 49;

/// What is repeated stays as loud as it was for so long,
const LOUD_MS: u32 = 10;

/// and is silent after this long.
pub(crate) const FADE_MS: u32 = 60;

/// The longest fade into the audio that follows, in milliseconds.
const JOIN_MS_MAX: u32 = 10;

/// The concealment of one stream.
#[derive(Debug)]
pub(crate) struct Concealer {
    concealment: Concealment,
    samples_per_ms: usize,
    /// The last samples heard; not what stood in for others.
    history: Vec<i16>,
    gap: Option<Gap>,
}

/// Audio is being replaced.
#[derive(Debug, Clone, Copy)]
struct Gap {
    /// Samples of one period.
    period: usize,
    /// Samples replaced so far.
    replaced: usize,
    /// What is repeated now, in samples: 1 to 3 periods.
    segment: usize,
    /// The next sample of it.
    at: usize,
    /// What the seam at its beginning would jump by; it is added, and dies away.
    jump: f64,
}

impl Concealer {
    pub(crate) fn new(concealment: Concealment, clock_rate: ClockRate) -> Self {
        let samples_per_ms = clock_rate.samples_per_ms() as usize;
        Self { concealment, samples_per_ms, history: Vec::new(), gap: None }
    }

    /// What was heard has nothing to do with what comes.
    pub(crate) fn restart(&mut self) {
        self.history.clear();
        self.gap = None;
    }

    /// Replaces the next samples.
    pub(crate) fn replace(&mut self, out: &mut [i16]) {
        let gap = match (self.gap, self.concealment) {
            (_, Concealment::Silence) => return out.fill(0),
            (Some(gap), Concealment::Repetition) => Some(gap),
            (None, Concealment::Repetition) => self.begin(),
        };
        let Some(mut gap) = gap else { return out.fill(0) };
        for sample in out {
            *sample = self.next(&mut gap);
        }
        self.gap = Some(gap);
    }

    /// Takes audio that was received. After a gap its beginning is faded in.
    pub(crate) fn hear(&mut self, frame: &mut [i16]) {
        if let Some(mut gap) = self.gap.take() {
            // The longer the gap, the less the two have in common.
            let join = (gap.period / 4 + gap.replaced / 5).clamp(1, JOIN_MS_MAX as usize * self.samples_per_ms);
            for (number, sample) in frame.iter_mut().take(join).enumerate() {
                let part = (number + 1) as f64 / (join + 1) as f64;
                let old = f64::from(self.next(&mut gap));
                *sample = (old + (f64::from(*sample) - old) * part).round() as i16;
            }
        }
        let kept = HISTORY_MS as usize * self.samples_per_ms;
        let old = kept.saturating_sub(frame.len()).min(self.history.len());
        self.history.drain(..self.history.len() - old);
        self.history.extend_from_slice(frame.get(frame.len().saturating_sub(kept)..).unwrap_or_default());
    }

    /// A gap begins. `None` when too little was heard before it.
    fn begin(&self) -> Option<Gap> {
        let (shortest, longest) = (self.samples(PERIOD_MS_MIN), self.samples(PERIOD_MS_MAX));
        let matched = self.samples(MATCHED_MS).min(self.history.len().checked_sub(longest)?);
        if matched < shortest {
            return None;
        }
        // 16 kHz is looked at every other sample first.
        let step = self.samples_per_ms / 8;
        let coarse = (shortest..=longest).step_by(step.max(1));
        let best = |lags: &mut dyn Iterator<Item = usize>, step: usize| {
            let likeness = |lag: usize| (lag, self.likeness(lag, matched, step));
            lags.map(likeness).fold((shortest, f64::MIN), |best, next| if next.1 > best.1 { next } else { best }).0
        };
        let near = best(&mut coarse.into_iter(), step.max(1));
        let mut fine = near.saturating_sub(step.saturating_sub(1)).max(shortest)..=(near + step - 1).min(longest);
        let period = if step > 1 { best(&mut fine, 1) } else { near };
        let mut gap = Gap { period, replaced: 0, segment: period, at: 0, jump: 0.0 };
        gap.jump = f64::from(self.back(1)) - f64::from(self.back(period + 1));
        Some(gap)
    }

    /// How like the last `matched` samples are to those `lag` before: the normalized correlation.
    fn likeness(&self, lag: usize, matched: usize, step: usize) -> f64 {
        let length = self.history.len();
        let now = self.history.get(length.saturating_sub(matched)..).unwrap_or_default();
        let before = self.history.get(length.saturating_sub(matched + lag)..).unwrap_or_default();
        let (mut product, mut energy) = (0.0f32, 1.0f32);
        for (a, b) in now.iter().step_by(step).zip(before.iter().step_by(step)) {
            let (a, b) = (f32::from(*a), f32::from(*b));
            product += a * b;
            energy += b * b;
        }
        f64::from(product / energy.sqrt())
    }

    /// The sample so many before the end of what was heard; 1 is the last one.
    fn back(&self, count: usize) -> i16 {
        self.history.len().checked_sub(count).and_then(|at| self.history.get(at)).copied().unwrap_or(0)
    }

    fn next(&self, gap: &mut Gap) -> i16 {
        if gap.at == gap.segment {
            let old = gap.segment;
            let periods = 1 + gap.replaced / self.samples(10).max(1);
            // The end of what is repeated becomes what came a quarter of a period before its beginning.
            let room = (4 * self.history.len()).saturating_sub(gap.period) / (4 * gap.period).max(1);
            gap.segment = gap.period * periods.clamp(1, room.clamp(1, 3));
            gap.at = 0;
            // The old one ended as what came before its beginning.
            gap.jump = f64::from(self.back(old + 1)) - f64::from(self.back(gap.segment + 1));
        }
        let quarter = (gap.period / 4).max(1);
        let mut value = f64::from(self.back(gap.segment - gap.at));
        let left = gap.segment - gap.at;
        if left <= quarter {
            // The end becomes what came before the beginning, so that the beginning can follow.
            let part = (quarter - left + 1) as f64 / quarter as f64;
            value += (f64::from(self.back(gap.segment + left)) - value) * part;
        }
        if gap.at < quarter {
            value += gap.jump * (quarter - gap.at) as f64 / (quarter + 1) as f64;
        }
        let (loud, fade) = (self.samples(LOUD_MS), self.samples(FADE_MS));
        let kept = fade.saturating_sub(gap.replaced.max(loud)) as f64 / (fade - loud) as f64;
        gap.at += 1;
        gap.replaced += 1;
        // A cast saturates.
        (value * kept).round() as i16
    }

    fn samples(&self, ms: u32) -> usize {
        ms as usize * self.samples_per_ms
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A steady vowel of this pitch.
    fn vowel(hz: f64, rate: ClockRate, samples: usize) -> Vec<i16> {
        let per_sample = std::f64::consts::TAU / f64::from(rate.hz());
        let tone = |n: usize, hz: f64| (n as f64 * hz * per_sample).sin();
        (0..samples)
            .map(|n| (6000.0 * tone(n, hz) + 3000.0 * tone(n, 2.0 * hz) + 2000.0 * tone(n, 5.0 * hz)) as i16)
            .collect()
    }

    fn heard(concealment: Concealment, rate: ClockRate, samples: &[i16]) -> Concealer {
        let mut concealer = Concealer::new(concealment, rate);
        for frame in samples.chunks(rate.samples_per_ms() as usize * 20) {
            concealer.hear(&mut frame.to_vec());
        }
        concealer
    }

    /// How much louder the difference of two is than the first of them, in dB.
    fn error_db(wanted: &[i16], got: &[i16]) -> f64 {
        let energy = |samples: &mut dyn Iterator<Item = f64>| samples.map(|sample| sample * sample).sum::<f64>() + 1.0;
        let difference = energy(&mut wanted.iter().zip(got).map(|(a, b)| f64::from(*a) - f64::from(*b)));
        10.0 * (difference / energy(&mut wanted.iter().map(|sample| f64::from(*sample)))).log10()
    }

    #[test]
    fn a_steady_vowel_goes_on_as_if_nothing_was_lost() {
        for rate in [ClockRate::Hz8000, ClockRate::Hz16000] {
            for hz in [80.0, 110.0, 160.0, 210.0, 250.0] {
                let per_ms = rate.samples_per_ms() as usize;
                let samples = vowel(hz, rate, 300 * per_ms);
                let mut concealer = heard(Concealment::Repetition, rate, &samples[..200 * per_ms]);
                let mut replaced = vec![0; 10 * per_ms];
                concealer.replace(&mut replaced);
                let error = error_db(&samples[200 * per_ms..210 * per_ms], &replaced);
                assert!(error < -12.0, "{hz} Hz at {rate:?}: {error:.1} dB");
            }
        }
    }

    #[test]
    fn what_was_lost_for_long_fades_to_silence() {
        let samples = vowel(120.0, ClockRate::Hz8000, 1600);
        let mut concealer = heard(Concealment::Repetition, ClockRate::Hz8000, &samples);
        let mut replaced = vec![0; 800];
        concealer.replace(&mut replaced);
        let loudest: Vec<i16> = replaced
            .chunks(80)
            .map(|chunk| chunk.iter().map(|sample| sample.saturating_abs()).max().unwrap())
            .collect();
        assert!(loudest[..6].windows(2).all(|pair| pair[1] < pair[0] + 200), "{loudest:?}");
        assert_eq!(&loudest[6..], &[0; 4], "{loudest:?}");
    }

    #[test]
    fn nothing_heard_is_silence() {
        let mut concealer = Concealer::new(Concealment::Repetition, ClockRate::Hz8000);
        let mut replaced = vec![7; 160];
        concealer.replace(&mut replaced);
        assert_eq!(replaced, [0; 160]);
        concealer.hear(&mut vec![100; 400]);
        concealer.restart();
        replaced.fill(7);
        concealer.replace(&mut replaced);
        assert_eq!(replaced, [0; 160]);
    }

    #[test]
    fn silence_is_silence_if_it_is_wanted() {
        let mut concealer = heard(Concealment::Silence, ClockRate::Hz8000, &vowel(120.0, ClockRate::Hz8000, 1600));
        let mut replaced = vec![7; 160];
        concealer.replace(&mut replaced);
        assert_eq!(replaced, [0; 160]);
        let mut frame = vec![900; 160];
        concealer.hear(&mut frame);
        assert_eq!(frame, [900; 160]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_joints_do_not_click(hz in 70.0f64..320.0, gap_ms in 1usize..90, before in 60usize..200) {
            let rate = ClockRate::Hz8000;
            let samples = vowel(hz, rate, 8 * 400);
            let (from, to) = (before * 8, (before + gap_ms) * 8);
            let mut concealer = heard(Concealment::Repetition, rate, &samples[..from]);
            let mut whole = samples[..from].to_vec();
            let mut replaced = vec![0; to - from];
            for chunk in replaced.chunks_mut(160) {
                concealer.replace(chunk);
            }
            whole.extend(&replaced);
            let mut rest = samples[to..to + 800].to_vec();
            concealer.hear(&mut rest);
            whole.extend(&rest);
            let steepest = |samples: &[i16]| {
                samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
            };
            prop_assert!(steepest(&whole) <= steepest(&samples) * 2, "{} of {}", steepest(&whole), steepest(&samples));
            prop_assert_eq!(&rest[80..], &samples[to + 80..to + 800], "10 ms later all is as it was sent");
        }

        #[test]
        fn any_audio_may_be_lost(
            frames in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<i16>(), 1..500)), 1..30),
        ) {
            let mut concealer = Concealer::new(Concealment::Repetition, ClockRate::Hz16000);
            for (lost, mut frame) in frames {
                if lost { concealer.replace(&mut frame) } else { concealer.hear(&mut frame) }
                prop_assert!(concealer.history.len() <= 49 * 16);
            }
        }
    }
}
