//! Listening with numbers: how what was received differs from what was sent.

/// What is looked at to find out how much later the audio came.
const ALIGNED_MS: usize = 400;

/// Audio this loud, in parts of full scale, is not silence when it is sent.
const SOUNDS: f64 = 300.0;

/// Audio no louder than this is silence when it is received.
const SILENT: i16 = 12;

/// What [`compare`] finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Samples by which the received audio came later.
    pub lag: usize,
    /// How like the two are, once aligned: 1 is equal but for their level.
    pub correlation: f64,
    /// How much louder the received audio is, in dB.
    pub level_db: f64,
    /// Noise that was added, in dB below the level sent, the change of level left out.
    pub noise_db: f64,
    /// Places where the received audio bends more sharply than anything that was sent: clicks.
    pub clicks: usize,
    /// The longest silence received where sound was sent, in milliseconds.
    pub gap_ms: usize,
}

/// Compares samples at `rate_hz`. The sound may come up to `lag_ms_max` later; what was received before and after it is
/// left out.
pub fn compare(sent: &[i16], received: &[i16], rate_hz: u32, lag_ms_max: usize) -> Comparison {
    let per_ms = rate_hz as usize / 1000;
    let lag = lag(sent, received, per_ms * lag_ms_max, per_ms * ALIGNED_MS);
    let received = received.get(lag..).unwrap_or_default();
    let both = || sent.iter().zip(received).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let (product, energy, other) = both()
        .fold((0.0, 1e-9, 1e-9), |(product, energy, other), (a, b)| (product + a * b, energy + a * a, other + b * b));
    let factor = product / energy;
    let noise: f64 = both().map(|(a, b)| (b - factor * a).powi(2)).sum();
    let bend = |samples: &[i16]| -> Vec<f64> {
        samples.windows(3).map(|w| (f64::from(w[0]) - 2.0 * f64::from(w[1]) + f64::from(w[2])).abs()).collect()
    };
    let sharpest = bend(sent).into_iter().fold(0.0f64, f64::max);
    // Codecs quantize: a quarter more is no click, nor is what is lost in the noise of the loudest.
    let clicks = bend(received.get(..sent.len().min(received.len())).unwrap_or_default())
        .into_iter()
        .filter(|bend| *bend > sharpest.mul_add(1.25, 200.0) * factor.abs().max(1.0))
        .count();
    let (mut gap, mut longest) = (0, 0);
    for (a, b) in sent.chunks(per_ms).zip(received.chunks(per_ms)) {
        let level = (a.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / a.len() as f64).sqrt();
        let is_silent = b.iter().all(|sample| sample.saturating_abs() <= SILENT);
        gap = if level > SOUNDS && is_silent { gap + 1 } else { 0 };
        longest = longest.max(gap);
    }
    Comparison {
        lag,
        correlation: product / (energy * other).sqrt(),
        level_db: 10.0 * (other / energy).log10(),
        noise_db: 10.0 * (factor * factor * energy / (noise + 1e-9)).log10(),
        clicks,
        gap_ms: longest,
    }
}

/// How many samples later the loudest part of `sent` is found in `received`.
fn lag(sent: &[i16], received: &[i16], lag_max: usize, length: usize) -> usize {
    let energy =
        |from: usize| sent.iter().skip(from).take(length).map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    let step = (length / 4).max(1);
    let starts = (0..sent.len().saturating_sub(length).max(1)).step_by(step);
    let start = starts.max_by(|a, b| energy(*a).total_cmp(&energy(*b))).unwrap_or(0);
    let part = sent.get(start..(start + length).min(sent.len())).unwrap_or_default();
    let likeness = |lag: usize| {
        let there = received.get(start + lag..).unwrap_or_default();
        let (product, energy) = part.iter().zip(there).fold((0i64, 1i64), |(product, energy), (a, b)| {
            (product + i64::from(*a) * i64::from(*b), energy + i64::from(*b) * i64::from(*b))
        });
        product as f64 / (energy as f64).sqrt()
    };
    let best = |lags: &mut dyn Iterator<Item = usize>| {
        lags.map(|lag| (lag, likeness(lag)))
            .fold((0, f64::MIN), |best, next| if next.1 > best.1 { next } else { best })
            .0
    };
    // Neighbours are alike: every other is looked at first.
    let near = best(&mut (0..=lag_max).step_by(2));
    best(&mut (near.saturating_sub(1)..=near + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Vec<i16> {
        crate::babble(8000, 1500)
    }

    #[test]
    fn the_same_audio_later_and_softer_is_the_same_audio() {
        let sent = sent();
        let mut received = vec![0; 777];
        received.extend(sent.iter().map(|sample| sample / 2));
        received.extend([0; 500]);
        let found = compare(&sent, &received, 8000, 150);
        assert_eq!((found.lag, found.clicks, found.gap_ms), (777, 0, 0));
        assert!(found.correlation > 0.999 && (found.level_db + 6.0).abs() < 0.1, "{found:?}");
        assert!(found.noise_db > 40.0, "{found:?}");
    }

    #[test]
    fn a_gap_and_the_clicks_at_its_edges_are_found() {
        let sent = sent();
        let mut received = sent.clone();
        received[4000..4160].fill(0);
        received[6000] = i16::MAX;
        received[6001] = i16::MIN;
        let found = compare(&sent, &received, 8000, 20);
        assert_eq!(found.lag, 0);
        assert!((15..=20).contains(&found.gap_ms), "{found:?}");
        assert!(found.clicks >= 2, "{found:?}");
        assert!(found.noise_db < 20.0, "{found:?}");
    }
}
