//! English answers.

use super::Sense::{self, No, Unsure, Yes};
use crate::text;

/// English phrases in the spelling of `text::normalize`; the longest that fits counts.
#[rustfmt::skip]
const ANSWERS: &[(Sense, &[&str])] = &[
    (Yes, &[
        "yes", "yeah", "yea", "yep", "yup", "yah", "ya", "yeh", "yass", "aye", "uh huh", "mm hmm", "mhm", "mmhmm",
        "uhhuh", "sure", "sure thing", "for sure", "ok", "okay", "k", "kay", "alright", "all right", "right",
        "thats right", "that is right", "youre right", "correct", "thats correct", "that is correct", "true",
        "thats true", "thats it", "exactly", "absolutely", "definitely", "certainly", "indeed", "of course",
        "affirmative", "positive", "agreed", "i agree", "fine", "thats fine", "sounds good", "sounds great",
        "go ahead", "go for it", "by all means", "please do", "you bet", "totally", "naturally", "gladly", "i do",
        "i did", "i am", "i have", "i will", "i would", "i can", "i could", "i think so", "i believe so",
        "i guess so", "i suppose so", "i hope so", "it is", "it does", "it did", "it has", "it was", "they are",
        "they do", "we do", "we are", "we have", "id like that", "i would like that", "id love to",
        "i would love to", "lets do it", "lets do that", "why not", "no problem", "no problem at all", "no worries",
        "no doubt", "not a problem", "of course i do", "very much so", "you got it", "yes sir", "yes maam",
        "works for me", "that works", "perfect", "great", "good", "very good", "confirm", "confirmed", "i confirm",
        "sounds right", "sounds about right", "a little", "a little bit", "a bit", "sometimes i do",
    ]),
    (No, &[
        "no", "nope", "nah", "naw", "nay", "no way", "uh uh", "nuh uh", "no thanks", "no thank you", "not",
        "not at all", "not really", "not now", "not yet", "not today", "not me", "not particularly", "not exactly",
        "negative", "never", "none", "nothing", "neither", "dont", "do not", "i dont", "i do not", "i didnt",
        "i did not", "i am not", "im not", "i havent", "i have not", "i have no", "i have none", "i have nothing",
        "i had no", "i wont", "i will not", "i wouldnt", "i would not", "id rather not", "i would rather not",
        "i cant", "i cannot", "i can not", "i couldnt", "i dont think so", "i do not think so", "i dont believe so",
        "i guess not", "i think not", "i hope not", "i suppose not", "it isnt", "it is not", "its not", "it doesnt",
        "it does not", "it didnt", "it hasnt", "it wasnt", "they arent", "they dont", "we dont", "we havent",
        "there isnt", "there is no", "there is not", "there is none", "theres no", "theres none", "there arent",
        "there are no", "there are none", "there wasnt", "there was no", "thats wrong", "that is wrong", "wrong",
        "incorrect", "thats incorrect", "thats not right", "that is not right", "thats not correct", "false",
        "of course not", "certainly not", "absolutely not", "definitely not", "probably not", "maybe not", "hell no",
        "no sir", "no maam", "cancel", "stop", "no good", "refuse", "i refuse", "i disagree", "disagree",
        "dont want", "im afraid not", "i am afraid not",
    ]),
    (Unsure, &[
        "i dont know", "i do not know", "dont know", "i dont remember", "dont remember", "i dont understand",
        "i didnt understand", "i didnt hear", "i didnt catch", "i didnt get", "i cant hear", "im not sure",
        "i am not sure", "not sure", "no idea", "i have no idea", "ive no idea", "i cant say", "i cant tell",
        "not certain", "right now", "no comment", "i cant remember", "good question", "i am not certain",
        "right here", "good morning", "good afternoon", "good evening", "good bye", "goodbye", "it is hard to say",
        "no one", "great question", "never mind", "nevermind", "yes or no", "yes and no", "yes no", "no yes",
        "well yes and no", "maybe yes maybe no", "i have a question", "i would like to know", "i would like to ask",
        "i can hear", "i cant understand", "dont understand", "do not understand", "stop talking",
    ]),
];

/// Words before an answer that do not change it.
#[rustfmt::skip]
const LEADS: &[&str] = &[
    "oh", "ah", "so", "um", "uh", "er", "erm", "hmm", "hm", "well", "actually", "honestly", "probably", "basically",
    "i think", "i believe", "i guess", "i suppose", "i would say", "id say", "i said", "the answer is",
    "my answer is", "it would be", "that would be", "that would be a", "thats a", "that is a", "its a", "a big",
    "hell", "hi", "hello", "please", "just", "um i mean", "and", "but", "yeah well", "let me think", "let me see",
    "sorry", "a", "thank you", "thanks", "maybe", "perhaps", "doctor",
];

/// What takes back the answer before it.
const CORRECTIONS: &[&str] =
    &["wait", "i mean", "sorry", "actually", "rather", "correction", "hold on", "scratch that"];

pub(super) fn yes_no(text: &str) -> Option<bool> {
    let words = text::words(text);
    let mut rest = words.as_slice();
    let first = loop {
        if let Some((sense, _)) = longest(ANSWERS, rest) {
            break sense;
        }
        let lead = LEADS.iter().filter_map(|lead| starts_with(rest, lead)).max()?;
        rest = rest.get(lead..).unwrap_or_default();
    };
    let answer = match first {
        Yes => true,
        No => false,
        Unsure => return None,
    };
    // "no, yes": an opposite word right after, or after a word of correction, takes the answer back.
    let after = longest(ANSWERS, rest).map_or(0, |(_, length)| length);
    let mut rest = rest.get(after..).unwrap_or_default();
    let mut may_turn = true;
    while let Some((_, tail)) = rest.split_first() {
        if let Some(length) = CORRECTIONS.iter().filter_map(|word| starts_with(rest, word)).max() {
            may_turn = true;
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        match longest(ANSWERS, rest) {
            Some((Yes, _)) if may_turn && !answer && is_plain(rest, &["yes", "yeah", "yep", "yup"]) => return None,
            Some((No, _)) if may_turn && answer && is_plain(rest, &["no", "nope", "nah"]) => return None,
            Some((Unsure, _)) if may_turn => return None,
            Some((_, length)) => rest = rest.get(length..).unwrap_or_default(),
            None => {
                may_turn = false;
                rest = tail;
            }
        }
    }
    Some(answer)
}

fn is_plain(words: &[String], plain: &[&str]) -> bool {
    words.first().is_some_and(|word| plain.contains(&word.as_str()))
}

/// How many words of `words` the phrase takes, if they begin with it.
fn starts_with(words: &[String], phrase: &str) -> Option<usize> {
    let mut count = 0;
    for expected in phrase.split(' ') {
        if words.get(count)? != expected {
            return None;
        }
        count += 1;
    }
    Some(count)
}

fn longest(table: &[(Sense, &[&str])], words: &[String]) -> Option<(Sense, usize)> {
    table
        .iter()
        .flat_map(|(sense, phrases)| phrases.iter().map(move |phrase| (*sense, *phrase)))
        .filter_map(|(sense, phrase)| starts_with(words, phrase).map(|length| (sense, length)))
        .max_by_key(|(_, length)| *length)
}

#[cfg(test)]
mod tests {
    use super::yes_no;

    #[test]
    #[rustfmt::skip]
    fn forms_of_yes() {
        for text in [
            "yes", "Yes.", "yeah", "Yep!", "yup", "uh huh", "mhm", "sure", "Sure, why not?", "OK", "okay then",
            "alright", "right", "that's right", "That is correct.", "correct", "absolutely", "of course",
            "definitely", "I do", "I am", "I think so", "um, yes", "well, yeah", "oh yes please",
            "Yes, I have a fever", "yes yes", "no problem", "sounds good", "go ahead", "I would say yes",
            "yes, not too bad", "affirmative", "by all means", "it is", "yes I took no more than two",
            "yeah no problem", "actually yes", "true", "I guess so", "fine",
        ] {
            assert_eq!(yes_no(text), Some(true), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn forms_of_no() {
        for text in [
            "no", "No.", "nope", "nah", "no thanks", "No, thank you.", "not really", "not at all", "I don't",
            "I do not", "I don't think so", "negative", "never", "none", "nothing", "of course not",
            "absolutely not", "wrong", "that's not right", "I haven't", "I have no pain", "there is no redness",
            "um no", "well, not yet", "no no no", "I'm not", "it isn't", "it's not", "probably not", "incorrect",
            "No, I am fine", "I'd rather not", "uh, nope", "no, that is all", "certainly not", "no I did it right",
        ] {
            assert_eq!(yes_no(text), Some(false), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn that_is_neither_is_not_guessed() {
        for text in [
            "", "maybe", "I don't know", "I'm not sure", "no idea", "what", "six", "yes no", "yes, no wait",
            "no, I mean yes", "there was a man", "noon", "know", "yesterday it hurt", "could you repeat that",
            "sales", "the note", "yes and no", "no one told me",
        ] {
            assert_eq!(yes_no(text), None, "{text}");
        }
    }
}
