use std::sync::Arc;

use speech::Language;

use super::CallerInput;

/// Lines of one conversation; beyond that the oldest go.
const LINES_MAX: usize = 1000;
/// Characters of one line; beyond that it is cut.
const LINE_CHARS_MAX: usize = 4000;

/// Who said what, in order. Of the robot it holds what was heard as soon as that is known.
/// Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Vec<Line>", into = "Vec<Line>")]
pub struct Transcript {
    lines: Arc<Vec<Arc<Line>>>,
}

/// What one of the two said in one turn.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Line {
    /// The turn.
    pub turn: u32,
    /// Said by the caller, or else by the robot.
    pub by_caller: bool,
    /// The words, or the digits; empty for silence.
    pub text: String,
}

impl From<Vec<Line>> for Transcript {
    fn from(lines: Vec<Line>) -> Self {
        Self { lines: Arc::new(lines.into_iter().map(Arc::new).collect()) }
    }
}

impl From<Transcript> for Vec<Line> {
    fn from(transcript: Transcript) -> Self {
        transcript.lines().cloned().collect()
    }
}

impl Transcript {
    /// The lines, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().map(Arc::as_ref)
    }

    /// What the caller did in `turn`; the digits of a secret are told by their number only.
    pub(super) fn caller(&mut self, turn: u32, input: &CallerInput, is_secret: bool) {
        let text = match input {
            CallerInput::Speech(texts) => texts.first().cloned().unwrap_or_default(),
            CallerInput::Dtmf(digits) if is_secret => "•".repeat(digits.chars().count()),
            CallerInput::Dtmf(digits) => digits.clone(),
            CallerInput::NoInput | CallerInput::NoMatch => String::new(),
        };
        self.push(Line { turn, by_caller: true, text: text.chars().take(LINE_CHARS_MAX).collect() });
    }

    /// Adds to what the robot says in `turn`.
    pub(super) fn robot(&mut self, turn: u32, text: &str, language: Language) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        match Arc::make_mut(&mut self.lines).last_mut().map(Arc::make_mut) {
            Some(line) if !line.by_caller && line.turn == turn => {
                let room = LINE_CHARS_MAX.saturating_sub(line.text.chars().count());
                if language == Language::English && !line.text.is_empty() {
                    line.text.push(' ');
                }
                line.text.extend(text.chars().take(room));
            }
            Some(_) | None => {
                self.push(Line { turn, by_caller: false, text: text.chars().take(LINE_CHARS_MAX).collect() });
            }
        }
    }

    /// Only `heard` of the robot's line of `turn` reached the caller.
    pub(super) fn cut(&mut self, turn: u32, heard: &str) {
        let heard: String = heard.trim().chars().take(LINE_CHARS_MAX).collect();
        let mut lines = Arc::make_mut(&mut self.lines).iter_mut().rev();
        match lines.find(|line| !line.by_caller && line.turn == turn) {
            Some(line) => Arc::make_mut(line).text = heard,
            // Written by another instance of the service that did not live to tell; the caller is right all the same.
            None if !heard.is_empty() => self.push(Line { turn, by_caller: false, text: heard }),
            None => {}
        }
    }

    fn push(&mut self, line: Line) {
        let lines = Arc::make_mut(&mut self.lines);
        if lines.len() >= LINES_MAX {
            lines.remove(0);
        }
        lines.push(Arc::new(line));
    }
}
