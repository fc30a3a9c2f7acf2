//! An utterance as tokens that keep what recognizers write between words: `$3.50`, `2:15 PM`, `3/5/2027`.

use crate::text;

/// The tokens of a text: words in lower case without apostrophes, each Han character (simplified) alone, numbers without
/// their thousands' separators, and the signs that mean something beside numbers. `p.m.` and `p m` are `pm`.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> =
        text.chars().map(text::half_width).map(text::simplified).map(plain_sign).flat_map(char::to_lowercase).collect();
    let at = |index: usize| chars.get(index).copied();
    let mut tokens: Vec<String> = Vec::new();
    let mut index = 0;
    while let Some(c) = at(index) {
        if c.is_ascii_digit() {
            let run: String = chars.iter().skip(index).take_while(|c| is_number_char(**c)).collect();
            // A point or comma at the end belongs to the sentence.
            let run = run.trim_end_matches(['.', ',']);
            numbers(run, &mut tokens);
            index += run.len();
        } else if text::is_han(c) {
            tokens.push(c.to_string());
            index += 1;
        } else if c.is_alphabetic() {
            let mut word = String::new();
            while let Some(c) = at(index) {
                let joins =
                    c == '.' && word.chars().count() == 1 && at(index + 1).is_some_and(|c| c.is_ascii_alphabetic());
                if c.is_alphabetic() && !text::is_han(c) {
                    word.push(c);
                } else if !(is_apostrophe(c) || joins) {
                    break;
                }
                index += 1;
            }
            tokens.push(word);
        } else {
            let digit_before = index.checked_sub(1).and_then(at).is_some_and(|c| c.is_ascii_digit());
            let digit_after = at(index + 1).is_some_and(|c| c.is_ascii_digit());
            let means = match c {
                '$' | '€' | '£' | '¥' | '%' | '+' => true,
                ':' | '/' => digit_before && digit_after,
                '-' => digit_after,
                _ => false,
            };
            if means {
                tokens.push(c.to_string());
            }
            index += 1;
        }
    }
    join_day_halves(tokens)
}

fn is_number_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '\u{2bc}')
}

fn plain_sign(c: char) -> char {
    match c {
        '\u{ffe5}' => '¥',
        '\u{ffe1}' => '£',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2236}' => ':',
        other => other,
    }
}

/// Digits with points and commas: one number when they read as one, several otherwise (`1,2,3`, `415.555.1212`).
fn numbers(run: &str, out: &mut Vec<String>) {
    let (whole, fraction) = match run.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (run, None),
    };
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    let plain_fraction =
        fraction.is_none_or(|fraction| !fraction.is_empty() && fraction.chars().all(|c| c.is_ascii_digit()));
    if (grouped || !whole.contains(',')) && plain_fraction {
        out.push(run.replace(',', ""));
    } else {
        out.extend(run.split(['.', ',']).filter(|part| !part.is_empty()).map(str::to_owned));
    }
}

fn join_day_halves(tokens: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match out.last_mut() {
            Some(last) if token == "m" && (last == "a" || last == "p") => last.push('m'),
            _ => out.push(token),
        }
    }
    out
}

/// How many tokens `phrase` takes at the begin of `tokens`, if they begin with it. Words of the phrase are separated by
/// spaces, Han characters are not.
pub(super) fn starts(tokens: &[String], phrase: &str) -> Option<usize> {
    let mut rest = phrase;
    let mut count = 0;
    while !rest.is_empty() {
        let token = tokens.get(count)?;
        rest = rest.strip_prefix(token.as_str())?;
        // A word must end where the token does.
        let whole = rest.is_empty() || rest.starts_with(' ') || token.chars().all(text::is_han);
        if !whole {
            return None;
        }
        rest = rest.trim_start_matches(' ');
        count += 1;
    }
    Some(count)
}

/// How many tokens `phrase` takes at the end of `tokens`.
pub(super) fn ends(tokens: &[String], phrase: &str) -> Option<usize> {
    // A phrase has at most as many tokens as characters.
    let longest = phrase.chars().count().min(tokens.len());
    (1..=longest).find(|count| {
        let tail = tokens.len().checked_sub(*count).and_then(|start| tokens.get(start..)).unwrap_or_default();
        starts(tail, phrase) == Some(*count)
    })
}

/// The values of a table whose phrases `tokens` begin with, longest first, with the tokens that each takes.
pub(super) fn of_table<T: Copy>(tokens: &[String], table: &[(&str, T)]) -> Vec<(usize, T)> {
    let mut found: Vec<(usize, T)> =
        table.iter().filter_map(|(phrase, value)| starts(tokens, phrase).map(|count| (count, *value))).collect();
    found.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    found
}

/// Whether one of `phrases` is all of `tokens`.
pub(super) fn is_any(tokens: &[String], phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| starts(tokens, phrase) == Some(tokens.len()))
}

/// The most tokens that one of `phrases` takes at the begin; 0 when there is none of them.
pub(super) fn skip(tokens: &[String], phrases: &[&str]) -> usize {
    phrases.iter().filter_map(|phrase| starts(tokens, phrase)).max().unwrap_or(0)
}

/// The tokens after the first `count`.
pub(super) fn after(tokens: &[String], count: usize) -> &[String] {
    tokens.get(count..).unwrap_or_default()
}

/// A token that is a whole number of at most `digits_max` digits.
pub(super) fn written(token: &str, digits_max: usize) -> Option<u64> {
    let plain = (1..=digits_max).contains(&token.len()) && token.chars().all(|c| c.is_ascii_digit());
    if plain { token.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_mean_something_are_kept() {
        for (text, expected) in [
            ("$3.50.", "$|3.50"),
            ("2:15 p.m.", "2|:|15|pm"),
            ("five p m", "five|pm"),
            ("(415) 555-1212", "415|555|-|1212"),
            ("415.555.1212", "415|555|1212"),
            ("1,234.5 and 1,2,3", "1234.5|and|1|2|3"),
            ("twenty-five o'clock", "twenty|five|oclock"),
            ("3月5號，星期五", "3|月|5|号|星|期|五"),
            ("下午２：１５", "下|午|2|:|15"),
            ("-5 ￥3", "-|5|¥|3"),
            ("Sept. 21st", "sept|21|st"),
        ] {
            assert_eq!(tokens(text).join("|"), expected, "{text}");
        }
    }

    #[test]
    fn phrases_are_found_at_token_boundaries() {
        let words = tokens("the day after tomorrow");
        assert_eq!(starts(&words, "the day"), Some(2));
        assert_eq!(starts(&words, "the da"), None);
        assert_eq!(ends(&words, "after tomorrow"), Some(2));
        assert_eq!(starts(&tokens("下个星期二"), "下个星期"), Some(4));
    }
}
