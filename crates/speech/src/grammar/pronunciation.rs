//! What lexicons say of the tokens of a grammar (SRGS 1.0 section 4.10): other words that may be said for them, and how they
//! sound.

use std::sync::Arc;

use super::srgs::source::{Alternative, Expansion, Source, Token, words};
use crate::{InputMode, Language, Lexicon, text};

/// Tokens that a word of a lexicon may be written as.
const TOKENS_MAX: usize = 8;

/// Lets lexicons speak of the tokens of a document; of several that have a word the first decides.
///
/// A token that a lexicon has an alias for becomes a choice: itself, or what its alias says, with the same token in the parse
/// tree. Keys are not pronounced.
pub(super) fn pronounce(source: &mut Source, lexicons: &[Arc<Lexicon>]) {
    if source.mode == InputMode::Dtmf || lexicons.is_empty() {
        return;
    }
    for rule in &mut source.rules {
        pronounce_expansion(&mut rule.expansion, lexicons);
    }
}

/// Documents are not nested deeper than their readers allow, so recursion is bounded.
fn pronounce_expansion(expansion: &mut Expansion, lexicons: &[Arc<Lexicon>]) {
    match expansion {
        Expansion::Token(_) => {
            let mut parts = vec![std::mem::replace(expansion, Expansion::Void)];
            pronounce_sequence(&mut parts, lexicons);
            *expansion = Expansion::sequence(parts);
        }
        Expansion::Sequence(parts) => pronounce_sequence(parts, lexicons),
        Expansion::Alternatives(alternatives) => {
            for alternative in alternatives {
                pronounce_expansion(&mut alternative.expansion, lexicons);
            }
        }
        Expansion::Repeat(repeat) => pronounce_expansion(&mut repeat.of, lexicons),
        Expansion::Tag(_) | Expansion::Reference(_) | Expansion::Void | Expansion::Garbage => {}
    }
}

fn pronounce_sequence(parts: &mut Vec<Expansion>, lexicons: &[Arc<Lexicon>]) {
    let mut rest: std::collections::VecDeque<Expansion> = std::mem::take(parts).into();
    while let Some(mut part) = rest.pop_front() {
        let Expansion::Token(token) = part else {
            pronounce_expansion(&mut part, lexicons);
            parts.push(part);
            continue;
        };
        let mut tokens = vec![token];
        tokens.extend(rest.iter().take(TOKENS_MAX - 1).map_while(|next| match next {
            Expansion::Token(token) => Some(token.clone()),
            _ => None,
        }));
        match whole(&tokens, lexicons) {
            Some((count, expansion)) => {
                rest.drain(..count.saturating_sub(1).min(rest.len()));
                parts.push(expansion);
            }
            None => parts.extend(tokens.into_iter().next().map(|token| within(token, lexicons))),
        }
    }
}

/// The longest run of tokens from the first on that is a word of a lexicon, and what may be said for it.
fn whole(tokens: &[Token], lexicons: &[Arc<Lexicon>]) -> Option<(usize, Expansion)> {
    let language = tokens.first()?.language;
    let mut spelled = Vec::new();
    let mut found = None;
    for (token, count) in tokens.iter().zip(1..) {
        if token.language != language {
            break;
        }
        spelled.extend(words(&token.written, language));
        let spoken = lexicons_of(&token.written, language, lexicons)
            .find_map(|lexicon| lexicon.entries(&spelled).find(|entry| entry.words == spelled));
        found = spoken.map(|entry| (count, entry)).or(found);
    }
    let (count, entry) = found?;
    let said = tokens.get(..count)?;
    let written = said.iter().map(|token| token.written.as_str()).collect::<Vec<_>>().join(" ");
    let one = |spoken: Option<&String>| Token { spoken: spoken.cloned(), ..Token::new(written.clone(), language) };
    let mut choices = Vec::new();
    match said {
        [_] => choices.push(Expansion::Token(Token { sounds: entry.sounds.clone(), ..one(None) })),
        several => {
            choices.push(Expansion::Sequence(several.iter().cloned().map(Expansion::Token).collect()));
            if !entry.sounds.is_empty() {
                choices.push(Expansion::Token(Token { sounds: entry.sounds.clone(), ..one(None) }));
            }
        }
    }
    choices.extend(entry.aliases.iter().map(|alias| Expansion::Token(one(Some(alias)))));
    Some((count, choice(choices)))
}

/// A token of Chinese characters with words of a lexicon in it: nothing is written between words there.
fn within(token: Token, lexicons: &[Arc<Lexicon>]) -> Expansion {
    if !token.written.chars().any(text::is_han) {
        return Expansion::Token(token);
    }
    let lexicons: Vec<&Lexicon> = lexicons_of(&token.written, token.language, lexicons).collect();
    let spelled = words(&token.written, token.language);
    let mut said: Vec<String> = Vec::new();
    let mut at = 0;
    let mut is_other = false;
    while let Some(rest) = spelled.get(at..).filter(|rest| !rest.is_empty()) {
        let mut entries = lexicons.iter().filter_map(|lexicon| {
            lexicon.entries(rest).find_map(|entry| Some((entry.words.len(), entry.aliases.first()?)))
        });
        match entries.next() {
            Some((count, alias)) => {
                said.push(alias.clone());
                is_other = true;
                at += count;
            }
            None => {
                said.extend(rest.first().cloned());
                at += 1;
            }
        }
    }
    let mut choices = Vec::new();
    if is_other {
        choices.push(Expansion::Token(Token { spoken: Some(said.join(" ")), ..token.clone() }));
    }
    choices.insert(0, Expansion::Token(token));
    choice(choices)
}

/// The lexicons for a token.
fn lexicons_of<'a>(
    written: &str,
    language: Language,
    lexicons: &'a [Arc<Lexicon>],
) -> impl Iterator<Item = &'a Lexicon> {
    let language = Language::of_text(written).unwrap_or(language);
    lexicons.iter().map(AsRef::as_ref).filter(move |lexicon| lexicon.language() == Some(language))
}

fn choice(mut choices: Vec<Expansion>) -> Expansion {
    match choices.pop() {
        Some(only) if choices.is_empty() => only,
        last => {
            choices.extend(last);
            let choices = choices.into_iter().map(|expansion| Alternative { weight: 1.0, expansion });
            Expansion::Alternatives(choices.collect())
        }
    }
}
