//! The texts of the pieces of one turn, joined.

use speech::{Hypothesis, Language};

use super::decode::Decoded;

/// The hypotheses of a turn that was decoded in `pieces`, in order.
///
/// Alternatives are kept where the turn is one piece; several pieces give one reading, whose confidence is the mean of
/// theirs weighted by the length of their texts.
pub(crate) fn join(pieces: &[&Decoded], language: Language) -> Vec<Hypothesis> {
    let spoken: Vec<&Decoded> = pieces.iter().copied().filter(|piece| !piece.best_text().trim().is_empty()).collect();
    match spoken.as_slice() {
        [] => Vec::new(),
        [only] => only.hypotheses.iter().filter(|one| !one.text.trim().is_empty()).cloned().collect(),
        several => {
            let text = join_texts(several.iter().map(|piece| piece.best_text()));
            let (mut weighted, mut weights) = (0.0, 0.0);
            for best in several.iter().filter_map(|piece| piece.hypotheses.first()) {
                let weight = f32::from(u16::try_from(best.text.chars().count()).unwrap_or(u16::MAX));
                weighted += best.confidence * weight;
                weights += weight;
            }
            vec![Hypothesis::new(text, weighted / weights, language)]
        }
    }
}

/// Joins texts with a space, except between two characters of a script that is written without.
pub(crate) fn join_texts<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut joined = String::new();
    for text in texts.map(str::trim).filter(|text| !text.is_empty()) {
        let is_tight = joined.chars().next_back().is_some_and(is_wide) || text.chars().next().is_some_and(is_wide);
        if !joined.is_empty() && !is_tight {
            joined.push(' ');
        }
        joined.push_str(text);
    }
    joined
}

/// Han characters and full-width punctuation.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{303f}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str, confidence: f32) -> Decoded {
        Decoded { hypotheses: vec![Hypothesis::new(text, confidence, Language::English)] }
    }

    #[test]
    fn english_is_joined_with_spaces_and_chinese_without() {
        assert_eq!(join_texts(["I have", "", " a pain "].into_iter()), "I have a pain");
        assert_eq!(join_texts(["我很好", "谢谢。"].into_iter()), "我很好谢谢。");
        assert_eq!(join_texts(["我在", "IBM 工作"].into_iter()), "我在IBM 工作");
    }

    #[test]
    fn a_turn_of_one_piece_keeps_its_alternatives() {
        let mut two = piece("yes", 0.9);
        two.hypotheses.push(Hypothesis::new("yeah", 0.2, Language::English));
        let silent = Decoded::default();
        assert_eq!(join(&[&silent, &two], Language::English), two.hypotheses);
    }

    #[test]
    fn the_confidence_of_several_pieces_is_weighted_by_length() {
        let joined = join(&[&piece("a", 0.0), &piece("bcd", 0.8)], Language::English);
        assert_eq!(joined.len(), 1);
        assert_eq!(joined[0].text, "a bcd");
        assert!((joined[0].confidence - 0.6).abs() < 1e-6);
    }

    #[test]
    fn no_words_are_no_hypothesis() {
        assert_eq!(join(&[&Decoded::default(), &piece("  ", 0.5)], Language::English), Vec::new());
    }
}
