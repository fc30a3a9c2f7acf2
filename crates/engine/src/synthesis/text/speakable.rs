//! Leaves out what no voice can say.

/// `text` without control characters, emoji, markup remains and other signs that have no sound; spaces collapsed.
/// Empty when nothing is left to speak.
pub(crate) fn speakable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_tag = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if in_tag {
            in_tag = c != '>';
            continue;
        }
        match c {
            // `<b>`, `</b>`, `<!-- -->`: markup that nobody took for markup. "3 < 4" is not.
            '<' if chars.peek().is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'))
                && chars.clone().any(|later| later == '>') =>
            {
                in_tag = true;
                push_space(&mut out);
            }
            c if c.is_whitespace() => push_space(&mut out),
            '‘' | '’' | '‛' | '′' | '`' => out.push('\''),
            '“' | '”' | '„' | '«' | '»' | '″' => out.push('"'),
            '—' | '–' | '―' => {
                // A dash between words is a pause, between digits a hyphen.
                let is_range = out.chars().next_back().is_some_and(|last| last.is_ascii_digit())
                    && chars.peek().is_some_and(char::is_ascii_digit);
                out.push_str(if is_range { "-" } else { ", " });
            }
            '…' => out.push_str("..."),
            c if has_sound(c) => out.push(c),
            _ => push_space(&mut out),
        }
    }
    let out = out.trim();
    if out.chars().any(|c| c.is_alphanumeric() || matches!(c, '%' | '$' | '€' | '£' | '¥' | '&' | '@' | '+' | '='))
    {
        out.to_owned()
    } else {
        String::new()
    }
}

fn push_space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

fn has_sound(c: char) -> bool {
    match c {
        c if c.is_alphanumeric() => true,
        // Marks that decide how the letter before them sounds.
        '\u{300}'..='\u{36f}' => true,
        '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '"' | '(' | ')' | '-' | '/' | '&' | '@' | '%' | '+' | '=' | '#'
        | '<' | '>' => true,
        '$' | '€' | '£' | '¥' | '￥' | '°' | '℃' | '℉' | '×' | '÷' | '½' | '¼' | '¾' => true,
        // Punctuation of Chinese.
        '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{ff01}'..='\u{ff5e}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_sound_is_left_out() {
        for (text, expected) in [
            ("Hello 😀 world\u{7}!", "Hello world !"),
            ("  a\n\tb  ", "a b"),
            ("**bold** and `code`", "bold and 'code'"),
            ("<b>five</b> < six", "five < six"),
            ("don’t – stop", "don't , stop"),
            ("9–5", "9-5"),
            ("您好，张先生！😀", "您好，张先生！"),
            ("$5.00", "$5.00"),
        ] {
            assert_eq!(speakable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_text_without_anything_to_speak_is_empty() {
        for text in ["", "   ", "...", "😀😀", "\u{0}\u{1}", "<br/>", "—", "？！"] {
            assert_eq!(speakable(text), "", "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_cleaned_once_and_for_all(text in "\\PC{0,60}|[a-z<>/—–0-9 .😀`‘]{0,40}") {
            let once = speakable(&text);
            proptest::prop_assert!(!once.chars().any(char::is_control));
            proptest::prop_assert_eq!(speakable(&once), once);
        }
    }

    #[test]
    fn tame_text_is_left_as_it_is() {
        for text in ["How are you today?", "It costs 5 % more, doesn't it?", "今天是2026年11月22日。"] {
            assert_eq!(speakable(text), text);
        }
    }
}
