//! Homophones that a recognizer wrote for the characters of a type: 八典半 is 八点半.

use pinyin::ToPinyin;

use crate::text;

/// How many characters may be taken for others, and for which.
#[derive(Debug, Clone, Copy)]
pub(in crate::builtin) struct Repairable {
    /// The characters of the type.
    pub(in crate::builtin) vocabulary: &'static str,
    /// Those of them that are never guessed: with 是, 四 and 十 sound alike to many.
    pub(in crate::builtin) never: &'static str,
    /// At most so many of the Han characters of an utterance, of a hundred.
    pub(in crate::builtin) share_max: usize,
}

/// Readings of an utterance and the part of its Han characters, 0 to 1, that were taken for others in them.
pub(in crate::builtin) struct Repairs {
    pub(in crate::builtin) readings: Vec<Vec<String>>,
    pub(in crate::builtin) share: f32,
}

/// The readings of `tokens` in which characters that a type does not know are replaced by those of its vocabulary that
/// sound the same but for the tone. `None` when there is nothing to repair, or too much.
pub(in crate::builtin) fn repairs(tokens: &[String], repairable: Repairable) -> Option<Repairs> {
    // Two characters of the vocabulary may sound alike (五 and 午), and each doubles the readings.
    const READINGS_MAX: usize = 16;
    let han = tokens.iter().filter(|token| token.chars().all(text::is_han)).count();
    let mut readings: Vec<Vec<String>> = vec![Vec::with_capacity(tokens.len())];
    let mut repaired = 0;
    for token in tokens {
        let mut chars = token.chars();
        let strange = match (chars.next(), chars.next()) {
            (Some(c), None) if text::is_han(c) && !repairable.vocabulary.contains(c) => Some(c),
            _ => None,
        };
        let Some(strange) = strange else {
            readings.iter_mut().for_each(|reading| reading.push(token.clone()));
            continue;
        };
        let alike = alike(strange, repairable);
        repaired += 1;
        if alike.is_empty() || readings.len() * alike.len() > READINGS_MAX {
            return None;
        }
        readings = readings
            .iter()
            .flat_map(|reading| {
                alike.iter().map(|c| {
                    let mut reading = reading.clone();
                    reading.push(c.to_string());
                    reading
                })
            })
            .collect();
    }
    #[expect(clippy::cast_precision_loss, reason = "at most the tokens of an utterance")]
    let share = repaired as f32 / han.max(1) as f32;
    let allowed = repaired > 0 && repaired * 100 <= han * repairable.share_max;
    allowed.then_some(Repairs { readings, share })
}

/// The characters of the vocabulary that sound like `c`, but for the tone.
fn alike(c: char, repairable: Repairable) -> Vec<char> {
    let sound = |c: char| c.to_pinyin().map(|pinyin| pinyin.plain());
    let Some(heard) = sound(c) else { return Vec::new() };
    let known = repairable.vocabulary.chars().filter(|known| !repairable.never.contains(*known));
    known.filter(|known| sound(*known) == Some(heard)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::tokens::tokens as tokenize;

    fn repaired(text: &str, vocabulary: &'static str) -> Vec<String> {
        let repairable = Repairable { vocabulary, never: "四十", share_max: 50 };
        let readings = repairs(&tokenize(text), repairable).map_or_else(Vec::new, |repairs| repairs.readings);
        readings.into_iter().map(|reading| reading.concat()).collect()
    }

    #[test]
    fn homophones_of_the_vocabulary_are_replaced() {
        assert_eq!(repaired("八典半", "八点半"), ["八点半"]);
        assert_eq!(repaired("下舞两点", "下午五两点"), ["下午两点", "下五两点"]);
    }

    #[test]
    fn ten_and_four_and_too_much_are_not_guessed() {
        assert!(repaired("三点是", "三点十四").is_empty());
        assert!(repaired("典办", "点半").is_empty());
        assert!(repaired("八点半", "八点半").is_empty());
    }
}
