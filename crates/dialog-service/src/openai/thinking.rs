/// Takes out what a model thinks aloud between `<think>` and `</think>`: it is not to be spoken. The tags may be cut anywhere.
#[derive(Debug, Default)]
pub(super) struct ThinkingFilter {
    is_thinking: bool,
    /// What may be the beginning of a tag.
    held: String,
}

const BEGINS: &str = "<think>";
const ENDS: &str = "</think>";

impl ThinkingFilter {
    /// Adds a piece; returns what is no thought.
    pub(super) fn push(&mut self, piece: &str) -> String {
        let mut text = String::new();
        for c in piece.chars() {
            self.held.push(c);
            let tag = if self.is_thinking { ENDS } else { BEGINS };
            if self.held == tag {
                self.is_thinking = !self.is_thinking;
                self.held.clear();
            } else if !tag.starts_with(&self.held) {
                let held = std::mem::take(&mut self.held);
                // The last character may begin the tag anew.
                let kept = if c == '<' { held.strip_suffix('<').unwrap_or(&held) } else { held.as_str() };
                if c == '<' {
                    self.held.push('<');
                }
                if !self.is_thinking {
                    text.push_str(kept);
                }
            }
        }
        text
    }

    /// Ends the reply; returns what was held back and is text after all.
    pub(super) fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        if self.is_thinking { String::new() } else { held }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filtered(pieces: &[&str]) -> String {
        let mut filter = ThinkingFilter::default();
        let mut text: String = pieces.iter().map(|piece| filter.push(piece)).collect();
        text.push_str(&filter.finish());
        text
    }

    #[test]
    fn thoughts_are_not_spoken_wherever_they_are_cut() {
        let reply = "<think>The caller\nwants < 3.</think>Yes, a <b> and a <thing>.";
        for (at, _) in reply.char_indices() {
            let (head, tail) = reply.split_at(at);
            assert_eq!(filtered(&[head, tail]), "Yes, a <b> and a <thing>.", "cut at {at}");
        }
    }

    #[test]
    fn a_thought_that_never_ends_is_silence() {
        assert_eq!(filtered(&["Hm. <think>what", " if"]), "Hm. ");
        assert_eq!(filtered(&["a <<think>b</think>c", "<"]), "a <c<");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "(<think>|</think>|<|t|h| |你){0,12}", at in 0usize..60) {
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let (head, tail) = text.split_at(at);
            prop_assert_eq!(filtered(&[head, tail]), filtered(&[&text]));
        }
    }
}
