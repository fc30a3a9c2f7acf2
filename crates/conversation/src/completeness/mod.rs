//! Whether what was said so far is a whole turn, as far as its words tell.

mod chinese;
mod english;

use std::sync::LazyLock;

use speech::{Date, Grammar, Hypothesis, Language};

use crate::policy::Expects;

/// Whether more is likely to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Completeness {
    /// It breaks off: "my number is", 然后.
    Incomplete,
    /// It may be all, or not.
    Unsure,
    /// It answers what was asked.
    Complete,
}

/// Longer texts are stories; the judgement looks at their end alone.
const TAIL_CHARS_MAX: usize = 240;

/// How complete a turn `text` is, as the answer to what is expected. The language is that of the text's script; `language` decides where
/// there is none.
///
/// Words that announce more (然后, "and", "um", "my number is") beat everything else, then the kind of answer decides.
pub fn completeness(text: &str, language: Language, expects: Expects) -> Completeness {
    let text = tail(text.trim());
    let language = Language::of_text(text).unwrap_or(language);
    let said = Said::new(text, language);
    if said.words.is_empty() {
        return Completeness::Incomplete;
    }
    let yes_no = speech::yes_no(text, language);
    // 嗯 is a yes to a question and hesitation otherwise.
    if expects == Expects::YesNo && yes_no.is_some() && (said.hesitates() || !said.announces_more()) {
        return Completeness::Complete;
    }
    if said.hesitates() || said.announces_more() || (yes_no.is_none() && !said.asks() && said.breaks_off()) {
        return Completeness::Incomplete;
    }
    match expects {
        Expects::Digits { min, max } => digits(&said, min, max),
        Expects::Number => number(&said),
        Expects::DateTime => date_time(&said),
        Expects::Choice if said.length() <= Said::CHOICE_MAX => Completeness::Complete,
        Expects::Open => story(&said, yes_no),
        Expects::Anything | Expects::YesNo | Expects::Choice | Expects::Name => anything(&said, yes_no),
    }
}

/// What was said, for the judgements of one language.
struct Said<'a> {
    text: &'a str,
    language: Language,
    /// In English the words, in Chinese the characters (and the words of other scripts).
    words: Vec<String>,
}

impl<'a> Said<'a> {
    /// A choice is named in so many words or characters.
    const CHOICE_MAX: usize = 6;

    fn new(text: &'a str, language: Language) -> Self {
        let normal = speech::normalize(text);
        let words = match language {
            Language::English => normal.split_whitespace().map(str::to_owned).collect(),
            Language::Chinese => normal.chars().filter(|c| !c.is_whitespace()).map(String::from).collect(),
        };
        Self { text, language, words }
    }

    fn length(&self) -> usize {
        self.words.len()
    }

    /// Nothing but um and er.
    fn hesitates(&self) -> bool {
        match self.language {
            Language::English => self.words.iter().all(|word| english::HESITATIONS.contains(&word.as_str())),
            Language::Chinese => chinese::is_hesitation(&self.words.concat()),
        }
    }

    /// The last words say that something follows, whatever was said before: and, 然后, a comma.
    fn announces_more(&self) -> bool {
        if self.text.ends_with([',', '，', '、', '…', '-', '—', ':', '：', ';', '；']) || self.text.ends_with("...")
        {
            return true;
        }
        match self.language {
            Language::English => english::announces_more(&self.words),
            Language::Chinese => chinese::announces_more(&self.words.concat()),
        }
    }

    /// The last words need something after them, unless they are an answer by themselves: "yes it is", 是.
    fn breaks_off(&self) -> bool {
        match self.language {
            Language::English => english::breaks_off(&self.words) || english::is_cut_clause(&self.words, self.text),
            Language::Chinese => {
                let text = self.words.concat();
                chinese::breaks_off(&text) || chinese::is_cut_clause(&text, self.text)
            }
        }
    }

    /// The digits at the end, however they are introduced.
    fn digits(&self) -> Option<String> {
        let joint = match self.language {
            Language::English => " ",
            Language::Chinese => "",
        };
        (0..self.words.len()).find_map(|start| {
            let rest = self.words.get(start..)?.join(joint);
            speech::digits(&rest, self.language)
        })
    }

    /// A number is introduced: my number is, 号码.
    fn introduces_digits(&self) -> bool {
        match self.language {
            Language::English => self.words.iter().any(|word| english::NUMBERED.contains(&word.as_str())),
            Language::Chinese => {
                let text = self.words.concat();
                chinese::NUMBERED.iter().any(|word| text.contains(word))
            }
        }
    }

    fn matches(&self, grammars: &[Grammar]) -> bool {
        let heard = [Hypothesis::new(self.text, 1.0, self.language)];
        grammars.iter().any(|grammar| !grammar.match_speech(&heard).is_empty())
    }

    fn asks(&self) -> bool {
        self.text.ends_with(['?', '？'])
            || match self.language {
                Language::English => false,
                Language::Chinese => chinese::ASKING.iter().any(|end| self.words.concat().ends_with(end)),
            }
    }

    /// It closes the turn, or the call: that's all, 就这些, goodbye.
    fn closes(&self) -> bool {
        match self.language {
            Language::English => {
                let text = self.words.join(" ");
                english::CLOSING.iter().any(|end| text == *end || text.ends_with(&format!(" {end}")))
            }
            Language::Chinese => {
                let text = self.words.concat();
                chinese::CLOSING.iter().any(|end| text.ends_with(end))
            }
        }
    }
}

fn digits(said: &Said<'_>, min: Option<u32>, max: Option<u32>) -> Completeness {
    let Some(digits) = said.digits() else {
        // No digits: it is another answer, "I don't have it here".
        return if said.introduces_digits() { Completeness::Incomplete } else { Completeness::Unsure };
    };
    let count = u32::try_from(digits.len()).unwrap_or(u32::MAX);
    match (min.or(max), max.or(min)) {
        (Some(least), _) if count < least => Completeness::Incomplete,
        (_, Some(most)) if count >= most => Completeness::Complete,
        _ => Completeness::Unsure,
    }
}

fn number(said: &Said<'_>) -> Completeness {
    static NUMBERS: LazyLock<Vec<Grammar>> = LazyLock::new(|| builtins(&["number", "currency"]));
    if !said.matches(&NUMBERS) {
        return Completeness::Unsure;
    }
    match said.language {
        // Twenty … five; two hundred … and six.
        Language::English if said.words.last().is_some_and(|last| english::OPEN_NUMBERS.contains(&last.as_str())) => {
            Completeness::Unsure
        }
        Language::English | Language::Chinese => Completeness::Complete,
    }
}

fn date_time(said: &Said<'_>) -> Completeness {
    static DATES: LazyLock<Vec<Grammar>> = LazyLock::new(|| builtins(&["date", "time"]));
    if said.matches(&DATES) { Completeness::Complete } else { Completeness::Unsure }
}

fn story(said: &Said<'_>, yes_no: Option<bool>) -> Completeness {
    if said.closes() {
        Completeness::Complete
    } else if said.asks() || (yes_no.is_some() && said.length() <= Said::CHOICE_MAX) {
        Completeness::Unsure
    } else {
        Completeness::Incomplete
    }
}

fn anything(said: &Said<'_>, yes_no: Option<bool>) -> Completeness {
    /// A number that was introduced is longer than this, unless it is a room's.
    const OPEN_DIGITS_MAX: usize = 4;
    let is_short = said.length() <= Said::CHOICE_MAX;
    if said.closes() || said.asks() || (yes_no.is_some() && is_short) {
        return Completeness::Complete;
    }
    match said.digits() {
        Some(digits) if said.introduces_digits() && digits.len() <= OPEN_DIGITS_MAX => Completeness::Incomplete,
        Some(_) | None => Completeness::Unsure,
    }
}

/// Builtin grammars by name. They are ours, so all of them compile; one that did not would match nothing.
fn builtins(names: &[&str]) -> Vec<Grammar> {
    // Which day it is does not matter: only whether the words name one.
    let some_day = Some(Date::constant(2024, 1, 1));
    let grammar = |name: &&str| Grammar::from_uri(&format!("builtin:grammar/{name}")).ok();
    names.iter().filter_map(grammar).map(|grammar| grammar.on(some_day)).collect()
}

/// The end of a text.
fn tail(text: &str) -> &str {
    let start = text.char_indices().rev().nth(TAIL_CHARS_MAX.saturating_sub(1)).map_or(0, |(at, _)| at);
    text.get(start..).unwrap_or(text)
}

#[cfg(test)]
mod tests;
