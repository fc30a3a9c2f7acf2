//! A sound that voice-activity detectors take for speech.

/// Something like a vowel: pulses of a wandering pitch through three formants, in syllables. `ms` milliseconds at `rate_hz`.
pub fn babble(rate_hz: u32, ms: usize) -> Vec<i16> {
    let rate = f64::from(rate_hz);
    let count = rate_hz as usize * ms / 1000;
    let mut phase = 0.0;
    let mut source: Vec<f64> = (0..count)
        .map(|n| {
            let at = n as f64 / rate;
            phase += (120.0 + 25.0 * (at * 5.0).sin()) / rate;
            let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase %= 1.0;
            pulse * (0.6 + 0.4 * (at * 4.0 * std::f64::consts::TAU).sin())
        })
        .collect();
    for (hz, width) in [(600.0, 80.0), (1400.0, 100.0), (2500.0, 140.0)] {
        let radius = (-std::f64::consts::PI * width / rate).exp();
        let factor = 2.0 * radius * (std::f64::consts::TAU * hz / rate).cos();
        let (mut last, mut before) = (0.0, 0.0);
        for sample in &mut source {
            (last, before) = (*sample + factor * last - radius * radius * before, last);
            *sample = last;
        }
    }
    let loudest = source.iter().fold(1e-9_f64, |loudest, sample| loudest.max(sample.abs()));
    source.iter().map(|sample| (sample / loudest * 12_000.0) as i16).collect()
}
