//! A text in two scripts, cut where the script changes.

use speech::Language;

/// A stretch of text in one script, with the digits, spaces and punctuation beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run<'a> {
    pub(crate) language: Language,
    pub(crate) text: &'a str,
}

/// The runs of `text`, in order; together they are the whole text. What has no script of its own goes with what stands
/// before it, at the beginning with what follows, and takes `default` where there is nothing else.
pub(crate) fn runs(text: &str, default: Language) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let mut start = 0;
    let mut current = None;
    for (at, c) in text.char_indices() {
        let Some(language) = script(c) else { continue };
        match current {
            Some(before) if before != language => {
                runs.extend(text.get(start..at).map(|text| Run { language: before, text }));
                start = at;
            }
            Some(_) | None => {}
        }
        current = Some(language);
    }
    let rest = text.get(start..).filter(|rest| !rest.is_empty());
    runs.extend(rest.map(|text| Run { language: current.unwrap_or(default), text }));
    runs
}

fn script(c: char) -> Option<Language> {
    match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => Some(Language::English),
        c => Language::of_text(c.encode_utf8(&mut [0; 4])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, default: Language) -> Vec<(Language, &str)> {
        runs(text, default).into_iter().map(|run| (run.language, run.text)).collect()
    }

    #[test]
    fn the_script_decides_and_signs_go_with_what_stands_before_them() {
        use Language::{Chinese, English};
        assert_eq!(cut("Hello, you owe $5.", Chinese), [(English, "Hello, you owe $5.")]);
        assert_eq!(
            cut("您好，Mr. Wang，5点见。", English),
            [(Chinese, "您好，"), (English, "Mr. Wang，5"), (Chinese, "点见。")]
        );
        assert_eq!(cut("“3个”", English), [(Chinese, "“3个”")]);
    }

    #[test]
    fn a_text_without_letters_takes_the_default() {
        assert_eq!(cut("12:30", Language::Chinese), [(Language::Chinese, "12:30")]);
        assert_eq!(cut("12:30", Language::English), [(Language::English, "12:30")]);
        assert_eq!(cut("", Language::English), []);
    }
}
