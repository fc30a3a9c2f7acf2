//! Homophones that a recognizer wrote for the characters of a type: 八典半 is 八点半.

use pinyin::ToPinyin;

use crate::text;

/// At most so many characters of an utterance are taken for others, and no more than half of them.
const REPAIRS_MAX: usize = 2;

/// The readings of `tokens` in which characters that a type does not know are replaced by those of `vocabulary` that
/// sound the same but for the tone. 四 and 十 are never guessed: with 是 they sound alike to many. Nothing when there is
/// nothing to repair, or too much.
pub(in crate::builtin) fn repairs(tokens: &[String], vocabulary: &str) -> Vec<Vec<String>> {
    let han = tokens.iter().filter(|token| token.chars().all(text::is_han)).count();
    let mut readings: Vec<Vec<String>> = vec![Vec::with_capacity(tokens.len())];
    let mut repaired = 0;
    for token in tokens {
        let mut chars = token.chars();
        let strange = match (chars.next(), chars.next()) {
            (Some(c), None) if text::is_han(c) && !vocabulary.contains(c) => Some(c),
            _ => None,
        };
        let Some(strange) = strange else {
            readings.iter_mut().for_each(|reading| reading.push(token.clone()));
            continue;
        };
        let alike = alike(strange, vocabulary);
        if alike.is_empty() || repaired == REPAIRS_MAX {
            return Vec::new();
        }
        repaired += 1;
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
    if repaired == 0 || repaired * 2 > han { Vec::new() } else { readings }
}

/// The characters of `vocabulary` that sound like `c`, but for the tone.
fn alike(c: char, vocabulary: &str) -> Vec<char> {
    let sound = |c: char| c.to_pinyin().map(|pinyin| pinyin.plain());
    let Some(heard) = sound(c) else { return Vec::new() };
    vocabulary.chars().filter(|known| !matches!(known, '四' | '十') && sound(*known) == Some(heard)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::tokens::tokens as tokenize;

    fn repaired(text: &str, vocabulary: &str) -> Vec<String> {
        repairs(&tokenize(text), vocabulary).into_iter().map(|reading| reading.concat()).collect()
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
