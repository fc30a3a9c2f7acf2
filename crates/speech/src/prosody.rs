//! Rate, pitch and volume as SSML and the Prosody headers of MRCP write them, as factors.

/// Factors on what the voice would do by itself; 1.0 changes nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prosody {
    /// Speaking rate, 0.25 to 4.
    pub rate: f32,
    /// Pitch, 0.5 to 2.
    pub pitch: f32,
    /// Amplitude, 0 (silent) to 4.
    pub volume: f32,
}

impl Default for Prosody {
    fn default() -> Self {
        Self { rate: 1.0, pitch: 1.0, volume: 1.0 }
    }
}

impl Prosody {
    /// Both one after the other, brought into range.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let product = |a: f32, b: f32, min: f32, max: f32| {
            let product = a * b;
            if product.is_finite() { product.clamp(min, max) } else { 1.0 }
        };
        Self {
            rate: product(self.rate, other.rate, 0.25, 4.0),
            pitch: product(self.pitch, other.pitch, 0.5, 2.0),
            volume: product(self.volume, other.volume, 0.0, 4.0),
        }
    }

    /// The same with the values of MRCP's `Prosody-Rate`, `Prosody-Pitch` and `Prosody-Volume` headers (RFC 6787
    /// section 8.4.7), or of SSML's attributes; what cannot be read is left as it is.
    #[must_use]
    pub fn with(self, rate_value: Option<&str>, pitch_value: Option<&str>, volume_value: Option<&str>) -> Self {
        self.and(Self {
            rate: rate_value.and_then(rate).unwrap_or(1.0),
            pitch: pitch_value.and_then(pitch).unwrap_or(1.0),
            volume: volume_value.and_then(volume).unwrap_or(1.0),
        })
    }
}

/// `slow`, `80%` (of the usual rate), `+10%`, `1.2`.
pub(crate) fn rate(text: &str) -> Option<f32> {
    let text = text.trim();
    let label = match text {
        "x-slow" => Some(0.6),
        "slow" => Some(0.8),
        "medium" | "default" => Some(1.0),
        "fast" => Some(1.25),
        "x-fast" => Some(1.6),
        _ => None,
    };
    label.or_else(|| percentage(text)).or_else(|| number(text).filter(|factor| *factor > 0.0))
}

/// `high`, `+10%`, `+2st`. A pitch in hertz depends on the voice and cannot be read.
pub(crate) fn pitch(text: &str) -> Option<f32> {
    let text = text.trim();
    let label = match text {
        "x-low" => Some(0.75),
        "low" => Some(0.87),
        "medium" | "default" => Some(1.0),
        "high" => Some(1.15),
        "x-high" => Some(1.33),
        _ => None,
    };
    let semitones = || text.strip_suffix("st").and_then(number).map(|semitones| 2f32.powf(semitones / 12.0));
    label.or_else(|| percentage(text)).or_else(semitones)
}

/// `loud`, `+6dB`, `50%`, `+10%`, and the scale of SSML 1.0 from 0 to 100, which is the usual volume; `+10` and `-10` are
/// steps on that scale.
pub(crate) fn volume(text: &str) -> Option<f32> {
    let text = text.trim();
    let label = match text {
        "silent" => Some(0.0),
        "x-soft" => Some(0.25),
        "soft" => Some(0.5),
        "medium" | "default" => Some(1.0),
        "loud" => Some(1.5),
        "x-loud" => Some(2.0),
        _ => None,
    };
    let decibels = || {
        let decibels = text.strip_suffix("dB").or_else(|| text.strip_suffix("db")).and_then(number)?;
        Some(10f32.powf(decibels / 20.0))
    };
    let scale = || {
        let value = number(text)? / 100.0;
        Some(if text.starts_with(['+', '-']) { (1.0 + value).max(0.0) } else { value })
    };
    label.or_else(|| percentage(text)).or_else(decibels).or_else(scale)
}

/// With a sign a change, without one a share: `+20%` is 1.2, `80%` is 0.8.
fn percentage(text: &str) -> Option<f32> {
    let value = number(text.strip_suffix('%')?)? / 100.0;
    let factor = if text.starts_with(['+', '-']) { 1.0 + value } else { value };
    (factor >= 0.0).then_some(factor)
}

fn number(text: &str) -> Option<f32> {
    text.trim().trim_start_matches('+').parse::<f32>().ok().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f32>, expected: Option<f32>) -> bool {
        match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-3,
            (found, expected) => found == expected,
        }
    }

    #[test]
    fn rates_are_read() {
        for (text, expected) in [
            ("slow", Some(0.8)),
            ("80%", Some(0.8)),
            ("+20%", Some(1.2)),
            ("-20%", Some(0.8)),
            ("1.5", Some(1.5)),
            ("medium", Some(1.0)),
            ("", None),
            ("0", None),
            ("quick", None),
            ("nan", None),
            ("-200%", None),
        ] {
            assert!(close(rate(text), expected), "{text}: {:?}", rate(text));
        }
    }

    #[test]
    fn pitches_are_read() {
        for (text, expected) in
            [("high", Some(1.15)), ("+10%", Some(1.1)), ("+12st", Some(2.0)), ("-12st", Some(0.5)), ("200Hz", None)]
        {
            assert!(close(pitch(text), expected), "{text}: {:?}", pitch(text));
        }
    }

    #[test]
    fn volumes_are_read() {
        for (text, expected) in [
            ("silent", Some(0.0)),
            ("loud", Some(1.5)),
            ("+6dB", Some(1.995)),
            ("50", Some(0.5)),
            ("100", Some(1.0)),
            ("50%", Some(0.5)),
            ("+10", Some(1.1)),
            ("-10", Some(0.9)),
            ("loudest", None),
        ] {
            assert!(close(volume(text), expected), "{text}: {:?}", volume(text));
        }
    }

    #[test]
    fn factors_multiply_within_their_range() {
        let fast = Prosody { rate: 3.0, ..Prosody::default() };
        assert_eq!(fast.and(fast).rate, 4.0);
        assert_eq!(Prosody::default().with(Some("slow"), None, Some("x")), Prosody { rate: 0.8, ..Prosody::default() });
    }
}
