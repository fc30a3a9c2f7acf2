/// Takes out of a model's reply what is not to be spoken: the exit `[[name]]`, and marks of formatting.
#[derive(Debug)]
pub(crate) struct MarkerFilter {
    exits: Vec<String>,
    exit: Option<String>,
    /// What may be the beginning of a marker.
    held: String,
}

/// A marker is never longer; what is longer is text.
const MARKER_BYTES_MAX: usize = 64;

impl MarkerFilter {
    /// A filter that knows these exits. Other names in double brackets are taken out and mean nothing.
    pub(crate) fn new(exits: Vec<String>) -> Self {
        Self { exits, exit: None, held: String::new() }
    }

    /// The exit that was found.
    pub(crate) fn exit(&self) -> Option<&str> {
        self.exit.as_deref()
    }

    /// Adds a piece; returns what can be spoken. Nothing after an exit is.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        let mut text = String::new();
        for c in piece.chars().filter(|c| !matches!(c, '*' | '`' | '#')) {
            if self.exit.is_some() {
                break;
            }
            self.held.push(c);
            match self.held.as_str() {
                "[" => {}
                held if held.starts_with("[[") && held.len() <= MARKER_BYTES_MAX => {
                    if let Some(name) = held.strip_prefix("[[").and_then(|held| held.strip_suffix("]]")) {
                        self.exit = self.exits.iter().find(|exit| exit.as_str() == name.trim()).cloned();
                        self.held.clear();
                    }
                }
                // A single bracket before something else, or a marker that never ends.
                _ => text.push_str(&std::mem::take(&mut self.held)),
            }
        }
        text
    }

    /// Ends the reply; returns what was held back and is text after all. A marker that was cut off is not.
    pub(crate) fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        if held.starts_with("[[") { String::new() } else { held }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter(pieces: &[&str]) -> (String, Option<String>) {
        let mut filter = MarkerFilter::new(vec!["bye".to_owned(), "nurse".to_owned()]);
        let mut text: String = pieces.iter().map(|piece| filter.push(piece)).collect();
        text.push_str(&filter.finish());
        (text, filter.exit().map(str::to_owned))
    }

    #[test]
    fn an_exit_is_found_wherever_the_reply_is_cut() {
        let reply = "Good night. [[bye]] and more";
        for (at, _) in reply.char_indices() {
            let (head, tail) = reply.split_at(at);
            assert_eq!(filter(&[head, tail]), ("Good night. ".to_owned(), Some("bye".to_owned())), "cut at {at}");
        }
    }

    #[test]
    fn an_unknown_marker_is_not_spoken() {
        assert_eq!(filter(&["One [[two]] three"]), ("One  three".to_owned(), None));
    }

    #[test]
    fn brackets_that_are_no_marker_are_text() {
        assert_eq!(filter(&["a [b] c", "["]), ("a [b] c[".to_owned(), None));
    }

    #[test]
    fn a_marker_that_is_cut_off_is_not_spoken() {
        assert_eq!(filter(&["Bye. [[by"]), ("Bye. ".to_owned(), None));
    }

    #[test]
    fn formatting_is_not_spoken() {
        assert_eq!(filter(&["**Hello** `there`"]).0, "Hello there");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[a\\[\\] bye]{0,40}", at in 0usize..40) {
            let at = at.min(text.len());
            let (head, tail) = text.split_at(at);
            prop_assert_eq!(filter(&[head, tail]), filter(&[&text]));
        }

        #[test]
        fn text_without_marks_is_itself(text in "[^*`#\\[]*") {
            prop_assert_eq!(filter(&[&text]).0, text);
        }
    }
}
