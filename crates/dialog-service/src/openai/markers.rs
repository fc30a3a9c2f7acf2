use serde_json::{Map, Value};

/// Takes out of a model's reply what is not to be spoken: the exit `[[name]]`, notes `[[note {"slot": "value"}]]`, and marks of formatting.
/// An exit may carry a note as well: `[[name {"slot": "value"}]]`.
#[derive(Debug)]
pub(crate) struct MarkerFilter {
    exits: Vec<String>,
    exit: Option<String>,
    notes: Map<String, Value>,
    /// What may be the beginning of a marker.
    held: String,
}

/// A marker is never longer; what is longer is text.
const MARKER_BYTES_MAX: usize = 1024;

impl MarkerFilter {
    /// A filter that knows these exits. Other names in double brackets are taken out and mean nothing.
    pub(crate) fn new(exits: Vec<String>) -> Self {
        Self { exits, exit: None, notes: Map::new(), held: String::new() }
    }

    /// The exit that was found.
    pub(crate) fn exit(&self) -> Option<&str> {
        self.exit.as_deref()
    }

    /// What the model noted.
    pub(crate) fn notes(&self) -> &Map<String, Value> {
        &self.notes
    }

    /// Adds a piece; returns what can be spoken. Nothing after an exit is.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        let mut text = String::new();
        for c in piece.chars() {
            if self.exit.is_some() {
                break;
            }
            // In a marker they may belong to a value.
            if matches!(c, '*' | '`' | '#') && !self.held.starts_with("[[") {
                continue;
            }
            self.held.push(c);
            match self.held.as_str() {
                "[" => {}
                held if held.starts_with("[[") && held.len() <= MARKER_BYTES_MAX => {
                    if let Some(marker) = held.strip_prefix("[[").and_then(|held| held.strip_suffix("]]")) {
                        let (name, note) = marker.split_at(marker.find('{').unwrap_or(marker.len()));
                        if let Ok(note) = serde_json::from_str::<Map<String, Value>>(note) {
                            self.notes.extend(note);
                        }
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
    fn notes_are_taken_and_the_reply_goes_on() {
        let mut filter = MarkerFilter::new(vec!["bye".to_owned()]);
        let text = filter.push("Fine. [[note {\"day\": \"#5\"}]]And you? [[bye {\"n\": 3}]] x");
        assert_eq!((text.as_str(), filter.exit()), ("Fine. And you? ", Some("bye")));
        assert_eq!(Value::Object(filter.notes().clone()), serde_json::json!({ "day": "#5", "n": 3 }));
    }

    #[test]
    fn a_note_that_is_no_json_means_nothing() {
        let mut filter = MarkerFilter::new(Vec::new());
        assert_eq!(filter.push("a [[note {day: }]] b"), "a  b");
        assert!(filter.notes().is_empty());
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
