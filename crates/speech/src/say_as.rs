//! The kinds of `say-as` that change what is spoken.

use crate::{Language, text};

/// The words to be spoken for the content of a `say-as` of this kind and format. Digits and characters are spoken one by one;
/// dates, times, ordinals and the result types of VoiceXML are written as every voice reads them; all other kinds are left to
/// the voice.
pub(crate) fn read(kind: &str, format: &str, content: &str, language: Option<Language>) -> String {
    let language = language.or_else(|| Language::of_text(content)).unwrap_or(Language::English);
    let whole = || content.trim().to_owned();
    match kind.trim().to_ascii_lowercase().as_str() {
        "date" => date(content, format).unwrap_or_else(whole),
        "vxml:date" => vxml_date(content).unwrap_or_else(whole),
        "time" | "vxml:time" => time(content, language).unwrap_or_else(whole),
        "vxml:currency" => currency(content, language).unwrap_or_else(whole),
        "ordinal" | "number:ordinal" => ordinal(content, language).unwrap_or_else(whole),
        "digits" | "number:digits" | "telephone" | "phone" | "vxml:digits" | "vxml:phone" => {
            spell(content, language, false)
        }
        "characters" | "spell-out" | "letters" | "verbatim" | "acronym" => spell(content, language, true),
        "vxml:boolean" => match (content.trim(), language) {
            ("true", Language::English) => "yes".to_owned(),
            ("false", Language::English) => "no".to_owned(),
            ("true", Language::Chinese) => "是".to_owned(),
            ("false", Language::Chinese) => "否".to_owned(),
            (other, _) => other.to_owned(),
        },
        _ => content.to_owned(),
    }
}

/// A date with its parts in the order that `format` tells (`mdy`, `dmy`, `ymd`), as year, month and day.
fn date(content: &str, format: &str) -> Option<String> {
    let parts: Vec<u32> =
        content.trim().split(['/', '-', '.', ' ']).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let format = if format.is_empty() { "ymd" } else { format };
    let part = |letter: char| parts.get(format.chars().position(|c| c.eq_ignore_ascii_case(&letter))?).copied();
    iso(part('y')?, part('m')?, part('d')?)
}

/// `yyyymmdd`.
fn vxml_date(content: &str) -> Option<String> {
    let content = content.trim();
    let number = |range: std::ops::Range<usize>| content.get(range)?.parse::<u32>().ok();
    (content.len() == 8).then_some(())?;
    iso(number(0..4)?, number(4..6)?, number(6..8)?)
}

fn iso(year: u32, month: u32, day: u32) -> Option<String> {
    let is_one = (1_000..=9_999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_one.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// `hhmmx`, where x is `a`, `p`, `h` or `?`; `hh:mm` stays.
fn time(content: &str, language: Language) -> Option<String> {
    let content = content.trim();
    let digits = content.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (hour, minute): (u32, u32) = (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?);
    if hour > 24 || minute > 59 {
        return None;
    }
    match (content.get(4..)?, language) {
        ("a", Language::English) => Some(format!("{hour}:{minute:02} AM")),
        ("p", Language::English) => Some(format!("{hour}:{minute:02} PM")),
        ("a", Language::Chinese) => Some(format!("上午{hour}:{minute:02}")),
        ("p", Language::Chinese) => Some(format!("下午{hour}:{minute:02}")),
        ("h" | "?" | "", _) => Some(format!("{hour}:{minute:02}")),
        (_, _) => None,
    }
}

/// `USD12.50`.
fn currency(content: &str, language: Language) -> Option<String> {
    let content = content.trim();
    let (code, amount) = (content.get(..3)?, content.get(3..)?);
    if !amount.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match (code.to_ascii_uppercase().as_str(), language) {
        ("CNY", _) => Some(format!("¥{amount}")),
        ("USD", Language::English) => Some(format!("${amount}")),
        ("GBP", Language::English) => Some(format!("£{amount}")),
        ("EUR", Language::English) => Some(format!("€{amount}")),
        ("USD", Language::Chinese) => Some(format!("{amount}美元")),
        ("GBP", Language::Chinese) => Some(format!("{amount}英镑")),
        ("EUR", Language::Chinese) => Some(format!("{amount}欧元")),
        (_, _) => None,
    }
}

fn ordinal(content: &str, language: Language) -> Option<String> {
    let number: u64 = content.trim().parse().ok()?;
    Some(match language {
        Language::Chinese => format!("第{number}"),
        Language::English => {
            let ending = match (number % 100, number % 10) {
                (11..=13, _) => "th",
                (_, 1) => "st",
                (_, 2) => "nd",
                (_, 3) => "rd",
                (_, _) => "th",
            };
            format!("{number}{ending}")
        }
    })
}

/// Each digit by its name; with `all` each letter apart and signs by their names, without it other characters stay
/// together and a group of digits ends with a pause.
fn spell(content: &str, language: Language, all: bool) -> String {
    let mut out = String::new();
    let mut pause = false;
    for c in content.trim().chars().map(text::half_width) {
        if let Some(name) = c.to_digit(10).and_then(|digit| digit_name(digit, language)) {
            join(&mut out, name, pause, language);
            pause = false;
        } else if let Some(name) = sign_name(c, language).filter(|_| all || matches!(c, '+' | '*' | '#')) {
            join(&mut out, name, pause, language);
            pause = false;
        } else if c.is_alphabetic() {
            let letter = c.to_uppercase().to_string();
            let starts_word = all || !out.ends_with(|last: char| last.is_alphabetic()) || pause;
            if starts_word {
                join(&mut out, &letter, pause, language)
            } else {
                out.push_str(&letter)
            }
            pause = false;
        } else {
            pause = !out.is_empty();
        }
    }
    out
}

fn join(out: &mut String, word: &str, pause: bool, language: Language) {
    match (out.is_empty(), pause, language) {
        (true, _, _) => {}
        (false, true, Language::English) => out.push_str(", "),
        (false, true, Language::Chinese) => out.push('，'),
        (false, false, Language::English) => out.push(' '),
        (false, false, Language::Chinese) => {
            if !word.starts_with(text::is_han) || !out.ends_with(text::is_han) {
                out.push(' ');
            }
        }
    }
    out.push_str(word);
}

fn digit_name(digit: u32, language: Language) -> Option<&'static str> {
    const ENGLISH: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    const CHINESE: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let names = match language {
        Language::English => &ENGLISH,
        Language::Chinese => &CHINESE,
    };
    usize::try_from(digit).ok().and_then(|digit| names.get(digit)).copied()
}

fn sign_name(c: char, language: Language) -> Option<&'static str> {
    let (english, chinese) = match c {
        '+' => ("plus", "加"),
        '-' => ("dash", "杠"),
        '.' => ("dot", "点"),
        '@' => ("at", "at"),
        '_' => ("underscore", "下划线"),
        '/' => ("slash", "斜杠"),
        '#' => ("pound", "井"),
        '*' => ("star", "星"),
        '&' => ("and", "和"),
        _ => return None,
    };
    Some(match language {
        Language::English => english,
        Language::Chinese => chinese,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syn_048_dates_times_and_money_are_written_as_voices_read_them() {
        for (kind, format, content, expected) in [
            ("vxml:time", "", "0342p", "3:42 PM"),
            ("vxml:time", "", "1504h", "15:04"),
            ("vxml:time", "", "9999x", "9999x"),
            ("vxml:date", "", "20261122", "2026-11-22"),
            ("vxml:date", "", "2026??22", "2026??22"),
            ("date", "mdy", "11/22/2026", "2026-11-22"),
            ("date", "dmy", "22.11.2026", "2026-11-22"),
            ("date", "", "2026-11-22", "2026-11-22"),
            ("date", "my", "11/2026", "11/2026"),
            ("vxml:currency", "", "USD12.50", "$12.50"),
            ("ordinal", "", "22", "22nd"),
            ("ordinal", "", "113", "113th"),
        ] {
            assert_eq!(read(kind, format, content, Some(Language::English)), expected, "{kind} {content}");
        }
        for (kind, content, expected) in [
            ("ordinal", "3", "第3"),
            ("vxml:time", "0342p", "下午3:42"),
            ("vxml:currency", "USD12.50", "12.50美元"),
            ("vxml:currency", "CNY3", "¥3"),
        ] {
            assert_eq!(read(kind, "", content, Some(Language::Chinese)), expected, "{kind} {content}");
        }
    }

    #[test]
    fn digits_are_spoken_one_by_one() {
        for (kind, content, language, expected) in [
            ("digits", "1234", Language::English, "one two three four"),
            ("digits", "555-12", Language::English, "five five five, one two"),
            ("telephone", "+1 555", Language::English, "plus one, five five five"),
            ("digits", "138", Language::Chinese, "一三八"),
            ("digits", "138 12", Language::Chinese, "一三八，一二"),
            ("characters", "aB1", Language::English, "A B one"),
            ("spell-out", "x@y.io", Language::English, "X at Y dot I O"),
            ("characters", "A1", Language::Chinese, "A 一"),
            ("vxml:boolean", "true", Language::Chinese, "是"),
            ("cardinal", "12", Language::English, "12"),
            ("date", "2026-01-02", Language::English, "2026-01-02"),
        ] {
            assert_eq!(read(kind, "", content, Some(language)), expected, "{kind} {content}");
        }
    }
}
