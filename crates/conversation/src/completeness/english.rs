//! How English turns break off. Words are as [`speech::normalize`] spells them: without apostrophes.

/// Sounds of somebody who thinks.
#[rustfmt::skip]
pub(super) const HESITATIONS: &[&str] = &[
    "um", "umm", "uh", "uhh", "uhm", "er", "err", "erm", "ah", "ahh", "eh", "hm", "hmm", "mm", "mmm", "well", "so", "like", "and", "oh",
];

/// After these more comes, always.
#[rustfmt::skip]
const ANNOUNCING: &[&str] = &[
    "and", "but", "or", "so", "because", "cause", "if", "when", "while", "although", "though", "unless", "until", "whether", "than", "then",
    "the", "a", "an", "my", "your", "his", "her", "their", "our", "every", "these", "those",
    "to", "of", "with", "from", "into", "between", "during", "since", "without", "like", "except", "plus", "also",
    "um", "umm", "uh", "uhh", "uhm", "er", "err", "erm", "hm", "hmm", "well",
    "im", "hes", "shes", "theyre", "theres",
];

/// Ends of the above that are none.
const WHOLE: &[&str] = &["think so", "hope so", "guess so", "believe so", "or so", "how so", "as well", "very well"];

/// The same in several words.
#[rustfmt::skip]
const ANNOUNCING_PHRASES: &[&str] = &[
    "you know", "i mean", "let me see", "let me think", "let me check", "let me look", "let me get", "one moment", "one second", "hold on",
    "hang on", "wait a minute", "just a second", "just a moment", "give me a second", "and then", "the thing is", "kind of", "sort of",
    "as well as", "such as", "i was wondering",
];

/// After these more comes, unless the whole is an answer already: "yes it is", "no I'm not".
#[rustfmt::skip]
const OPEN: &[&str] = &[
    "is", "are", "was", "were", "am", "be", "been", "will", "would", "can", "could", "should", "have", "has", "had", "do", "does", "did",
    "i", "we", "they", "he", "she", "thats", "which", "who", "whose", "where", "what", "how", "not",
    "for", "at", "by", "about", "around", "after", "before", "very", "really", "just", "maybe", "probably", "its", "number", "name", "point",
    "want", "need",
];

/// Words that say that a number follows.
#[rustfmt::skip]
pub(super) const NUMBERED: &[&str] = &[
    "number", "phone", "account", "card", "code", "pin", "zip", "id", "digits", "policy", "reference", "passport",
];

/// Numbers that others may be added to.
#[rustfmt::skip]
pub(super) const OPEN_NUMBERS: &[&str] = &[
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million", "point",
];

/// Ends of turns.
#[rustfmt::skip]
pub(super) const CLOSING: &[&str] = &[
    "thats all", "thats it", "that is all", "that is it", "nothing else", "nothing more", "goodbye", "good bye",
    "bye", "bye bye", "thank you", "thank you very much", "thanks", "thanks a lot", "im done", "no more questions",
    "that would be all", "that will be all", "im fine", "have a nice day",
];

/// Clauses that need another one.
const SUBORDINATING: &[&str] = &["if", "when", "because", "although", "though", "while", "since", "unless", "whenever"];
/// A clause of more words has its other half, or is none.
const CUT_CLAUSE_WORDS_MAX: usize = 7;

pub(super) fn announces_more(words: &[String]) -> bool {
    let Some(last) = words.last() else { return false };
    if WHOLE.iter().any(|end| ends_with(words, end)) {
        return false;
    }
    ANNOUNCING.contains(&last.as_str()) || ANNOUNCING_PHRASES.iter().any(|phrase| ends_with(words, phrase))
}

pub(super) fn breaks_off(words: &[String]) -> bool {
    words.last().is_some_and(|last| OPEN.contains(&last.as_str()))
}

/// "When I get up" and nothing that it says of it.
pub(super) fn is_cut_clause(words: &[String], text: &str) -> bool {
    words.len() <= CUT_CLAUSE_WORDS_MAX
        && words.first().is_some_and(|first| SUBORDINATING.contains(&first.as_str()))
        && !text.trim_end_matches(',').contains(',')
        && !text.ends_with('?')
}

fn ends_with(words: &[String], phrase: &str) -> bool {
    let length = phrase.split(' ').count();
    let Some(start) = words.len().checked_sub(length) else { return false };
    words.get(start..).is_some_and(|end| end.iter().map(String::as_str).eq(phrase.split(' ')))
}
