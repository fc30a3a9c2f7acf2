//! How sure to be of a text, from what can be observed.
//!
//! The offline models behind this engine give no probabilities through the library, so the confidence is an estimate,
//! and never more than the evidence allows:
//!
//! - **Agreement**: a second, smaller model hears the same piece. Where there is one, this decides: words that two
//!   different models hear alike are hardly ever wrong.
//! - **Clarity**: how far the speech stands out from the noise around it.
//! - **Plausibility**: whether so much text fits into so little speech, and whether it repeats itself, as these models
//!   do when they hear nothing they know.

use speech::Language;

use crate::recognition::RATE_HZ;

/// What is known about a decoded piece.
pub(super) struct Evidence<'a> {
    pub(super) samples: &'a [i16],
    pub(super) language: Language,
    /// What the small model heard.
    pub(super) second_opinion: Option<&'a str>,
}

/// The confidence of `text`, and that of the second opinion if it is another reading.
pub(super) fn judge(text: &str, evidence: &Evidence<'_>) -> (f32, Option<f32>) {
    let heard = clarity(evidence.samples) * plausibility(text, evidence);
    let Some(second) = evidence.second_opinion else {
        return (BEST_ALONE * heard, None);
    };
    let agreement = agreement(text, second);
    let first = (DISAGREED + (AGREED - DISAGREED) * agreement) * heard;
    let is_other = agreement < 1.0 && second.chars().any(char::is_alphanumeric);
    // Whatever the first reading does not claim, a second can; it is right far less often.
    let alternative = is_other.then(|| (AGREED * heard - first).max(0.0) * SECOND_SHARE);
    (first, alternative)
}

/// A clear, plausible text that only one model heard.
const BEST_ALONE: f32 = 0.7;

/// A clear, plausible text that both models heard alike.
const AGREED: f32 = 0.97;

/// A clear, plausible text of which the other model heard no word.
const DISAGREED: f32 = 0.35;

/// Of what the best reading leaves, the part that a different second reading gets.
const SECOND_SHARE: f32 = 0.5;

/// The part of the words that two readings share, in order: 1 is the same text but for spelling signs.
fn agreement(one: &str, other: &str) -> f32 {
    let (one, other) = (words(one), words(other));
    let longest = one.len().max(other.len());
    if longest == 0 {
        return 1.0;
    }
    let wrong = edit_distance(&one, &other).min(longest);
    ratio(longest - wrong, longest)
}

fn words(text: &str) -> Vec<String> {
    // Spelling is not what the models disagree about: numbers in words, compounds in two.
    let normal = speech::normalize(&phonemes::spoken_english(text).replace('-', " "));
    let mut words = Vec::new();
    for word in normal.split(' ').filter(|word| !word.is_empty()) {
        if word.is_ascii() {
            words.push(word.to_owned());
        } else {
            words.extend(word.chars().map(String::from));
        }
    }
    words
}

/// Insertions, deletions and substitutions from one to the other. Long texts are compared by their beginning.
fn edit_distance(one: &[String], other: &[String]) -> usize {
    let (one, other) = (one.get(..300).unwrap_or(one), other.get(..300).unwrap_or(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, left) in one.iter().enumerate() {
        let mut diagonal = above;
        let mut last = above + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(other) {
            let substituted = diagonal + usize::from(left != right);
            diagonal = *cell;
            last = substituted.min(diagonal + 1).min(last + 1);
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// How far loud frames stand out from quiet ones: 1 from 20 dB on, 0.5 where nothing stands out.
fn clarity(samples: &[i16]) -> f32 {
    const FRAME: usize = RATE_HZ as usize / 50;
    let mut levels: Vec<f32> = samples.chunks_exact(FRAME).map(level_db).collect();
    levels.sort_by(f32::total_cmp);
    let part = |tenths: usize| levels.get(levels.len().saturating_sub(1) * tenths / 10).copied().unwrap_or(0.0);
    let range_db = part(9) - part(1);
    (0.5 + range_db / 40.0).clamp(0.5, 1.0)
}

fn level_db(frame: &[i16]) -> f32 {
    let power = frame.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / ratio(frame.len(), 1).max(1.0);
    // A line without any signal is not infinitely quiet: one step of 16 bits.
    10.0 * (power + 1.0).log10()
}

/// 1 for text at the pace of speech, less for too much or too little of it, and for repetition.
fn plausibility(text: &str, evidence: &Evidence<'_>) -> f32 {
    let seconds = ratio(evidence.samples.len(), RATE_HZ as usize).max(0.3);
    let letters = ratio(text.chars().filter(|c| c.is_alphanumeric()).count(), 1);
    // Fast speech: some 20 letters of English, 8 characters of Chinese a second.
    let fastest = match evidence.language {
        Language::English => 22.0,
        Language::Chinese => 9.0,
    };
    let pace = (fastest * seconds / letters.max(1.0)).min(1.0);
    pace * variety(text)
}

/// The part of the groups of three words that are not repeated: short texts are always 1.
fn variety(text: &str) -> f32 {
    let words = words(text);
    let groups: Vec<&[String]> = words.windows(3).collect();
    if groups.len() < 6 {
        return 1.0;
    }
    let distinct: std::collections::HashSet<&[String]> = groups.iter().copied().collect();
    ratio(distinct.len(), groups.len())
}

#[expect(clippy::cast_precision_loss, reason = "counts of words, letters and samples")]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of silence and `ms` of a loud sound.
    fn clear_speech(ms: usize) -> Vec<i16> {
        let mut samples = vec![0; 16_000];
        samples.extend((0..ms * 16).map(|n| if n % 40 < 20 { 8000 } else { -8000 }));
        samples
    }

    fn judged(text: &str, second: Option<&str>, samples: &[i16]) -> (f32, Option<f32>) {
        judge(text, &Evidence { samples, language: Language::English, second_opinion: second })
    }

    #[test]
    fn agreement_raises_and_disagreement_lowers() {
        let speech = clear_speech(2000);
        let (agreed, none) = judged("Yes, I'd like that.", Some("yes i'd like that"), &speech);
        let (half, some) = judged("yes I like that", Some("yes I hate bats"), &speech);
        let (apart, other) = judged("yes I like that", Some("whatever comes to mind"), &speech);
        let (alone, _) = judged("yes I like that", None, &speech);
        assert!(agreed > 0.9 && agreed > alone && alone > half && half > apart, "{agreed} {alone} {half} {apart}");
        assert_eq!(none, None, "the same words are not another reading");
        assert!(some.unwrap() < half && other.unwrap() <= apart, "{some:?} {other:?}");
    }

    #[test]
    fn noise_lowers() {
        let noise: Vec<i16> = (0..32_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 18) as i16).collect();
        let clear = judged("yes please", Some("yes please"), &clear_speech(1000)).0;
        assert!(judged("yes please", Some("yes please"), &noise).0 < clear * 0.7);
    }

    #[test]
    fn too_much_text_and_repetition_lower() {
        let speech = clear_speech(500);
        let long = "this is far more text than anyone can say within one and a half seconds of speech";
        assert!(judged(long, Some(long), &speech).0 < 0.6);
        let speech = clear_speech(20_000);
        let again = "thank you for watching ".repeat(8);
        assert!(judged(&again, Some(&again), &speech).0 < 0.3);
    }

    #[test]
    fn chinese_is_compared_by_character() {
        assert!((agreement("大概六分。", "大概六份") - 0.75).abs() < 1e-6);
        assert!((agreement("", "") - 1.0).abs() < 1e-6);
    }
}
