//! Text cut into clauses, so that speaking can begin before the text is complete.
//!
//! A clause ends where a sentence ends; at a comma or its like once it is long enough; and where it would become too long.
//! Where text is cut depends on the text alone, not on the pieces in which it arrives: a full stop at the end of what
//! has arrived waits for the next character, since it may be a decimal point.

use std::ops::Range;

use crate::{Language, text};

/// How long clauses may be, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClauseLimits {
    /// The first clause may end at a comma once it has this many: the sooner it ends, the sooner something is heard.
    pub first_min: usize,
    /// A later clause may end at a comma once it has this many.
    pub min: usize,
    /// No clause is longer; at least 8.
    pub max: usize,
}

impl ClauseLimits {
    /// What suits speaking in `language`.
    pub const fn of(language: Language) -> Self {
        match language {
            Language::English => Self { first_min: 12, min: 40, max: 220 },
            Language::Chinese => Self { first_min: 4, min: 12, max: 80 },
        }
    }
}

/// Cuts text that arrives in pieces. Push deltas, take what is finished, and call `finish` at the end.
#[derive(Debug, Clone)]
pub struct ClauseSplitter {
    limits: ClauseLimits,
    pending: String,
    is_first: bool,
}

impl ClauseSplitter {
    /// A splitter with the limits of a language.
    pub fn new(language: Language) -> Self {
        Self::with_limits(ClauseLimits::of(language))
    }

    /// A splitter with limits of one's own.
    pub fn with_limits(limits: ClauseLimits) -> Self {
        let limits = ClauseLimits { max: limits.max.max(8), ..limits };
        Self { limits, pending: String::new(), is_first: true }
    }

    /// Adds text; returns the clauses that it finished, trimmed and never empty.
    pub fn push(&mut self, delta: &str) -> Vec<String> {
        // Space between clauses is never spoken, so it need not be kept.
        self.pending.push_str(if self.pending.is_empty() { delta.trim_start() } else { delta });
        self.cut(false)
    }

    /// Ends the text; returns what was left. The splitter starts afresh.
    pub fn finish(&mut self) -> Vec<String> {
        let clauses = self.cut(true);
        self.pending.clear();
        self.is_first = true;
        clauses
    }

    fn cut(&mut self, at_end: bool) -> Vec<String> {
        let (ranges, consumed) = cut(&self.pending, self.limits, self.is_first, at_end);
        let clauses: Vec<String> =
            ranges.into_iter().filter_map(|range| self.pending.get(range)).map(str::to_owned).collect();
        self.is_first &= clauses.is_empty();
        self.pending.drain(..consumed);
        clauses
    }
}

/// Cuts a whole text, the same way as a [`ClauseSplitter`] does with the limits of `language`.
pub fn clauses(text: &str, language: Language) -> Vec<&str> {
    let (ranges, _) = cut(text, ClauseLimits::of(language), true, true);
    ranges.into_iter().filter_map(|range| text.get(range)).collect()
}

/// The finished clauses of `text`, trimmed, and how many bytes they and the space around them take.
fn cut(text: &str, limits: ClauseLimits, mut is_first: bool, at_end: bool) -> (Vec<Range<usize>>, usize) {
    let mut clauses = Vec::new();
    let mut start = 0;
    loop {
        let rest = text.get(start..).unwrap_or_default();
        let min = if is_first { limits.first_min } else { limits.min };
        let Some(length) = first_clause(rest, min, limits.max, at_end) else { break };
        let clause = rest.get(..length).unwrap_or_default();
        let spoken = clause.trim();
        if spoken.chars().any(char::is_alphanumeric) {
            let begin = start + (clause.len() - clause.trim_start().len());
            clauses.push(begin..begin + spoken.len());
            is_first = false;
        }
        start += length;
    }
    (clauses, start)
}

/// Marks behind the one that ends a clause; more than these are noise.
const CLOSING_MAX: usize = 16;

/// The bytes of the first clause of `text`, trailing space included; `None` when it is not finished.
fn first_clause(text: &str, min: usize, max: usize, at_end: bool) -> Option<usize> {
    if text.is_empty() {
        return None;
    }
    // No clause reaches farther than this, so no more is looked at.
    let lead = text.len() - text.trim_start().len();
    let window = text.get(lead..).unwrap_or_default().char_indices().map(|(at, c)| (lead + at, c));
    let chars: Vec<(usize, char)> = window.take(max + 2 * CLOSING_MAX).collect();
    let end_of = |index: usize| chars.get(index + 1).map_or(text.len(), |(at, _)| *at);
    let mut length = 0;
    let mut last_space: Option<usize> = None;
    let mut last_pause: Option<usize> = None;
    for (index, &(at, c)) in chars.iter().enumerate() {
        length += 1;
        let next = chars.get(index + 1).map(|(_, c)| *c);
        let end = match ending(text, at, c, next) {
            Ending::None => None,
            // The next character decides, and it is not there yet.
            Ending::Unknown if at_end => Some(true),
            Ending::Unknown => return None,
            Ending::Strong => Some(true),
            Ending::Weak => Some(length >= min),
        };
        if let Some(ends) = end {
            // Quotes and further marks belong to what they end.
            let mut last = index;
            while last - index < CLOSING_MAX && chars.get(last + 1).is_some_and(|(_, c)| is_closing(*c)) {
                last += 1;
            }
            if ends {
                let is_last = last + 1 == chars.len();
                return if is_last && !at_end { None } else { Some(with_space(text, end_of(last))) };
            }
            last_pause = Some(end_of(index));
        }
        if c.is_whitespace() {
            last_space = Some(end_of(index));
        }
        if length >= max {
            // Words stay whole: the space before this one ends the clause, unless that is long ago.
            let word_ends = next.is_none_or(|next| next.is_whitespace() || text::is_han(next) || text::is_han(c));
            if word_ends && next.is_none() && !at_end {
                return None;
            }
            let cut = if word_ends { Some(end_of(index)) } else { None };
            let long_ago = |at: &usize| *at * 3 < end_of(index);
            let cut = last_pause.filter(|at| !long_ago(at)).or(cut).or(last_space.filter(|at| !long_ago(at)));
            return Some(with_space(text, cut.unwrap_or_else(|| end_of(index))));
        }
    }
    at_end.then_some(text.len())
}

/// `end` moved behind the white space that follows.
fn with_space(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    end + (rest.len() - rest.trim_start().len())
}

enum Ending {
    None,
    Weak,
    Strong,
    /// It depends on the next character.
    Unknown,
}

fn ending(text: &str, at: usize, c: char, next: Option<char>) -> Ending {
    match c {
        '。' | '！' | '？' | '；' | '…' | '!' | '?' | ';' | '\n' | '\u{2028}' | '\u{2029}' => Ending::Strong,
        '，' | '、' | '：' | '—' | '–' => Ending::Weak,
        '.' => match next {
            None => Ending::Unknown,
            Some(next) if !next.is_whitespace() && !is_closing(next) && !text::is_han(next) => Ending::None,
            Some(_) if is_abbreviation(text.get(..at).unwrap_or_default()) => Ending::None,
            Some(_) => Ending::Strong,
        },
        // 10,000 and 10:30 go on.
        ',' | ':' => match next {
            None => Ending::Unknown,
            Some(next) if next.is_ascii_digit() => Ending::None,
            Some(_) => Ending::Weak,
        },
        _ => Ending::None,
    }
}

fn is_closing(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | '\u{201d}'
            | '\u{2019}'
            | ')'
            | ']'
            | '）'
            | '】'
            | '」'
            | '』'
            | '》'
            | '!'
            | '?'
            | '.'
            | '。'
            | '！'
            | '？'
            | '…'
    )
}

/// Whether the full stop after `before` belongs to an abbreviation, an initial, or the number of a list.
fn is_abbreviation(before: &str) -> bool {
    const ABBREVIATIONS: [&str; 30] = [
        "mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "rev", "gen", "sgt", "capt", "vs", "etc", "eg", "ie",
        "approx", "dept", "inc", "ltd", "co", "corp", "ext", "fig", "ave", "blvd", "apt", "tel", "e.g", "i.e",
    ];
    let word = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '\'')).next().unwrap_or_default();
    let lower = word.to_lowercase();
    let is_initial = word.chars().count() == 1 && word.chars().all(|c| c.is_ascii_uppercase() && c != 'I');
    ABBREVIATIONS.contains(&lower.as_str()) || is_initial
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sentences_are_clauses() {
        for (text, expected) in [
            ("Hello. How are you? Fine!", vec!["Hello.", "How are you?", "Fine!"]),
            ("It is 36.5 degrees. Good.", vec!["It is 36.5 degrees.", "Good."]),
            ("Dr. Smith will see you. J. Doe too.", vec!["Dr. Smith will see you.", "J. Doe too."]),
            ("He said \"no.\" Then he left", vec!["He said \"no.\"", "Then he left"]),
            ("Really?! Yes...", vec!["Really?!", "Yes..."]),
            ("At 10:30, with 1,000 people", vec!["At 10:30, with 1,000 people"]),
            ("see voxgate.example/x.html now", vec!["see voxgate.example/x.html now"]),
            ("One\ntwo\n\nthree", vec!["One", "two", "three"]),
            ("", vec![]),
            ("  ... \n ", vec![]),
        ] {
            assert_eq!(clauses(text, Language::English), expected, "{text}");
        }
    }

    #[test]
    fn chinese_sentences_are_clauses() {
        for (text, expected) in [
            ("您好。我是随访助手！请问方便吗？", vec!["您好。", "我是随访助手！", "请问方便吗？"]),
            ("体温是36.5度。好", vec!["体温是36.5度。", "好"]),
            (
                "您好，我是医院的随访助手，想了解您的恢复情况。",
                vec!["您好，我是医院的随访助手，", "想了解您的恢复情况。"],
            ),
            ("他说：“好的。”然后走了。", vec!["他说：“好的。”", "然后走了。"]),
        ] {
            assert_eq!(clauses(text, Language::Chinese), expected, "{text}");
        }
    }

    #[test]
    fn a_comma_ends_a_clause_that_is_long_enough() {
        let text = "Good morning, this is the clinic, and I am calling to ask how you are doing after your operation, if I may.";
        assert_eq!(
            clauses(text, Language::English),
            [
                "Good morning,",
                "this is the clinic, and I am calling to ask how you are doing after your operation,",
                "if I may."
            ]
        );
    }

    #[test]
    fn text_without_marks_is_cut_between_words() {
        let text = "word ".repeat(200);
        let parts = clauses(&text, Language::English);
        assert!(parts.len() > 3);
        assert!(parts.iter().all(|part| part.chars().count() <= 220 && part.ends_with("word")), "{parts:?}");
        let text = "字".repeat(200);
        assert!(clauses(&text, Language::Chinese).iter().all(|part| part.chars().count() <= 80));
    }

    #[test]
    fn a_clause_is_given_as_soon_as_the_next_one_begins() {
        let mut splitter = ClauseSplitter::new(Language::English);
        assert_eq!(splitter.push("Hello"), Vec::<String>::new());
        assert_eq!(splitter.push(" there."), Vec::<String>::new());
        assert_eq!(splitter.push(" How"), ["Hello there."]);
        assert_eq!(splitter.push(" are you? I'm 3."), ["How are you?"]);
        assert_eq!(splitter.push("5 today"), Vec::<String>::new());
        assert_eq!(splitter.finish(), ["I'm 3.5 today"]);
        assert_eq!(splitter.finish(), Vec::<String>::new());
    }

    fn without_space(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_where_text_is_cut(text in "([a-zA-Z]{1,6}|[0-9]{1,2}|[,.!?:; \\n\"]|[，。！？…你好吗]){0,80}", sizes in proptest::collection::vec(1usize..9, 1..20)) {
            let mut splitter = ClauseSplitter::new(Language::English);
            let mut pushed = Vec::new();
            let chars: Vec<char> = text.chars().collect();
            let mut at = 0;
            for size in sizes.iter().cycle() {
                if at >= chars.len() {
                    break;
                }
                let end = (at + size).min(chars.len());
                let piece: String = chars[at..end].iter().collect();
                pushed.extend(splitter.push(&piece));
                at = end;
            }
            pushed.extend(splitter.finish());
            prop_assert_eq!(pushed, clauses(&text, Language::English));
        }

        #[test]
        fn words_are_neither_lost_nor_invented(text in "\\PC{0,300}") {
            for language in Language::ALL {
                let parts = clauses(&text, language);
                let spoken: String = parts.iter().flat_map(|part| part.chars()).filter(|c| c.is_alphanumeric()).collect();
                let expected: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
                prop_assert_eq!(spoken, expected);
                let limits = ClauseLimits::of(language);
                // Marks that belong to the end may stand behind the limit.
                prop_assert!(parts.iter().all(|part| part.trim_end_matches(is_closing).chars().count() <= limits.max));
                prop_assert!(parts.iter().all(|part| !without_space(part).is_empty()));
            }
        }
    }
}
