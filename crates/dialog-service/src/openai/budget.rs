use crate::flow::ModelMessage;

/// Tokens that a message takes beside its words.
const MESSAGE_TOKENS: usize = 4;

/// About how many tokens a text is: one for each Chinese character, one for four other bytes, rounded up. Tokenizers of today's models
/// need rather fewer.
pub(crate) fn tokens(text: &str) -> usize {
    let wide = text.chars().filter(|c| ('\u{2e80}'..='\u{9fff}').contains(c) || *c >= '\u{ac00}').count();
    let narrow: usize = text.chars().filter(|c| *c < '\u{2e80}').map(char::len_utf8).sum();
    wide.saturating_add(narrow.div_ceil(4))
}

/// About how many tokens a request is.
pub(super) fn request_tokens(system: &str, history: &[ModelMessage]) -> usize {
    let lines = history.iter().map(line_tokens).fold(0, usize::saturating_add);
    tokens(system).saturating_add(MESSAGE_TOKENS).saturating_add(lines)
}

/// The newest lines of the history that fit beside the system text. The last line, which is the caller's, is always there.
pub(super) fn fitting<'a>(system: &str, history: &'a [ModelMessage], tokens_max: usize) -> &'a [ModelMessage] {
    let mut left = tokens_max.saturating_sub(tokens(system).saturating_add(MESSAGE_TOKENS));
    let last = history.len().saturating_sub(1);
    let mut from = history.len();
    for (index, line) in history.iter().enumerate().rev() {
        let needed = line_tokens(line);
        if needed > left && index != last {
            break;
        }
        left = left.saturating_sub(needed);
        from = index;
    }
    history.get(from..).unwrap_or_default()
}

fn line_tokens(line: &ModelMessage) -> usize {
    tokens(&line.text).saturating_add(MESSAGE_TOKENS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(lines: &[&str]) -> Vec<ModelMessage> {
        let lines = lines.iter().enumerate();
        lines.map(|(at, text)| ModelMessage { by_caller: at % 2 == 1, text: (*text).to_owned() }).collect()
    }

    #[test]
    fn chinese_counts_by_character_and_english_by_four_letters() {
        for (text, expected) in [("", 0), ("word", 1), ("words", 2), ("您好吗", 3), ("您好 OK", 3), ("，。", 2)]
        {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn the_newest_lines_that_fit_are_kept() {
        let history = history(&["a".repeat(400).as_str(), "short", "also short", "the question"]);
        let texts = |max| fitting("Be kind.", &history, max).iter().map(|line| line.text.len()).collect::<Vec<_>>();
        assert_eq!(texts(1_000), [400, 5, 10, 12]);
        assert_eq!(texts(60), [5, 10, 12]);
        assert_eq!(texts(22), [10, 12]);
        assert_eq!(texts(0), [12], "what the caller said is always there");
    }

    #[test]
    fn an_empty_history_stays_empty() {
        assert!(fitting("", &[], 100).is_empty());
    }
}
