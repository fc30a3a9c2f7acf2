//! The words and signs of the ABNF form.

use crate::{
    grammar::error::{GrammarError, Position},
    text,
};

use super::source::excerpt;

/// A sign, a word or a bracketed text with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lexeme {
    pub(super) kind: Kind,
    pub(super) position: Position,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A token without quotes, or a keyword.
    Word(String),
    /// A token in double quotes, white space normalized.
    Quoted(String),
    /// `$name`
    Rule(String),
    /// `$<uri>`
    RuleUri(String),
    /// `<…>`: a URI, or how often something repeats.
    Angle(String),
    /// `{…}` or `{!{…}!}`
    Tag(String),
    /// `/…/`
    Weight(String),
    /// `!en-US`
    Language(String),
    /// `~<type>`
    MediaType(String),
    /// `/** … */`, from which examples are taken.
    Documentation(String),
    /// `;`, `=`, `|`, `(`, `)`, `[`, `]`
    Sign(char),
}

/// What ends a token that is not quoted.
fn ends_word(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            ';' | '=' | '|' | '+' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '/' | '"' | '$' | '!' | '~'
        )
}

pub(super) struct Lexer<'a> {
    rest: &'a str,
    position: Position,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, position: Position { line: 1, column: 1 } }
    }

    /// All lexemes, comments left out.
    pub(super) fn all(mut self) -> Result<Vec<Lexeme>, GrammarError> {
        let mut lexemes = Vec::new();
        loop {
            self.skip(
                self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len(),
            );
            let position = self.position;
            let kind = match self.next().map_err(|error| error.at(position))? {
                Next::Lexeme(kind) => kind,
                Next::Comment => continue,
                Next::End => return Ok(lexemes),
            };
            lexemes.push(Lexeme { kind, position });
        }
    }

    /// Takes the identification that a document begins with, up to its semicolon, and gives it.
    pub(super) fn identification(&mut self) -> Option<&'a str> {
        let start =
            self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
        self.skip(start);
        let end = self.rest.find(';')?;
        let identification = self.rest.get(..end)?;
        self.skip(end + 1);
        Some(identification)
    }

    fn next(&mut self) -> Result<Next, GrammarError> {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return Ok(Next::End) };
        let second = rest.chars().nth(1);
        let lexeme = |kind| Ok(Next::Lexeme(kind));
        match (first, second) {
            ('/', Some('/')) => {
                let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
                self.skip(end);
                Ok(Next::Comment)
            }
            ('/', Some('*')) => {
                let comment = self.enclosed("/*", "*/", "a comment")?;
                match comment.strip_prefix('*') {
                    Some(documentation) => lexeme(Kind::Documentation(documentation.to_owned())),
                    None => Ok(Next::Comment),
                }
            }
            ('/', _) => lexeme(Kind::Weight(self.enclosed("/", "/", "a weight")?.trim().to_owned())),
            ('"', _) => lexeme(Kind::Quoted(text::single_spaced(self.enclosed("\"", "\"", "a quoted token")?))),
            ('{', Some('!')) if rest.starts_with("{!{") => {
                lexeme(Kind::Tag(self.enclosed("{!{", "}!}", "a tag")?.to_owned()))
            }
            ('{', _) => lexeme(Kind::Tag(self.enclosed("{", "}", "a tag")?.to_owned())),
            ('<', _) => lexeme(Kind::Angle(self.enclosed("<", ">", "what begins with <")?.trim().to_owned())),
            ('$', Some('<')) => lexeme(Kind::RuleUri(self.enclosed("$<", ">", "a reference")?.trim().to_owned())),
            ('~', Some('<')) => lexeme(Kind::MediaType(self.enclosed("~<", ">", "a media type")?.trim().to_owned())),
            ('$', _) => lexeme(Kind::Rule(self.word_behind(first, "a rule")?)),
            ('!', _) => lexeme(Kind::Language(self.word_behind(first, "a language")?)),
            (';' | '=' | '|' | '(' | ')' | '[' | ']', _) => {
                self.skip(1);
                lexeme(Kind::Sign(first))
            }
            (other, _) if ends_word(other) => Err(GrammarError::syntax(format!("{other:?} does not belong here"))),
            _ => {
                let end = rest.find(ends_word).unwrap_or(rest.len());
                lexeme(Kind::Word(self.skip(end).to_owned()))
            }
        }
    }

    fn word_behind(&mut self, sign: char, what: &str) -> Result<String, GrammarError> {
        self.skip(sign.len_utf8());
        let end = self.rest.find(ends_word).unwrap_or(self.rest.len());
        let word = self.skip(end);
        if word.is_empty() {
            return Err(GrammarError::syntax(format!("{what} is missing behind {sign:?}")));
        }
        Ok(word.to_owned())
    }

    fn enclosed(&mut self, open: &str, close: &str, what: &str) -> Result<&'a str, GrammarError> {
        let content = self.rest.get(open.len()..).unwrap_or_default();
        let Some(end) = content.find(close) else {
            let begin = excerpt(self.rest.get(..).unwrap_or_default().lines().next().unwrap_or_default());
            return Err(GrammarError::syntax(format!("{what} does not end: {begin:?}")));
        };
        self.skip(open.len() + end + close.len());
        Ok(content.get(..end).unwrap_or_default())
    }

    /// Goes on by so many bytes and gives them.
    fn skip(&mut self, bytes: usize) -> &'a str {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        for c in skipped.chars() {
            if c == '\n' {
                self.position.line = self.position.line.saturating_add(1);
                self.position.column = 1;
            } else {
                self.position.column = self.position.column.saturating_add(1);
            }
        }
        self.rest = rest;
        skipped
    }
}

enum Next {
    Lexeme(Kind),
    Comment,
    End,
}
