use speech::Language;

use super::CallerInput;

/// Lines of one conversation; beyond that the oldest go.
const LINES_MAX: usize = 1000;
/// Characters of one line; beyond that it is cut.
const LINE_CHARS_MAX: usize = 4000;

/// Who said what, in order. Of the robot it holds what was heard as soon as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    lines: Vec<Line>,
}

/// What one of the two said in one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The turn.
    pub turn: u32,
    /// Said by the caller, or else by the robot.
    pub by_caller: bool,
    /// The words, or the digits; empty for silence.
    pub text: String,
}

impl Transcript {
    /// The lines, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    pub(super) fn caller(&mut self, turn: u32, input: &CallerInput) {
        let text = match input {
            CallerInput::Speech(texts) => texts.first().cloned().unwrap_or_default(),
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
        match self.lines.last_mut() {
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
        if let Some(line) = self.lines.iter_mut().rev().find(|line| !line.by_caller && line.turn == turn) {
            line.text = heard.trim().chars().take(LINE_CHARS_MAX).collect();
        }
    }

    fn push(&mut self, line: Line) {
        if self.lines.len() >= LINES_MAX {
            self.lines.remove(0);
        }
        self.lines.push(line);
    }
}
