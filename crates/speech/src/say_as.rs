//! The kinds of `say-as` that change what is spoken.

use crate::{Language, text};

/// The words to be spoken for the content of a `say-as` of this kind. Digits and characters are spoken one by one; the
/// result types of VoiceXML as what they mean; all other kinds are left to the voice.
pub(crate) fn read(kind: &str, content: &str, language: Option<Language>) -> String {
    let language = language.or_else(|| Language::of_text(content)).unwrap_or(Language::English);
    match kind.trim().to_ascii_lowercase().as_str() {
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
            assert_eq!(read(kind, content, Some(language)), expected, "{kind} {content}");
        }
    }
}
