//! The ABNF form of SRGS 1.0.

use super::{
    abnf_lexer::{Kind, Lexeme, Lexer},
    source::{
        Alternative, Expansion, Reference, Repeat, RuleDefinition, Source, Target, Token, check_language_tag,
        check_rule_name, decimal, excerpt, keys, probability, repeat_range,
    },
};
use crate::{
    InputMode, Language, TagFormat,
    grammar::error::{GrammarError, Position},
};

/// Brackets inside of brackets.
const DEPTH_MAX: usize = 64;

/// Reads a document that begins with `#ABNF`.
pub(crate) fn read(text: &str) -> Result<Source, GrammarError> {
    let mut lexer = Lexer::new(text);
    let start = Position { line: 1, column: 1 };
    check_identification(lexer.identification()).map_err(|error| error.at(start))?;
    let lexemes = lexer.all()?;
    Reader::new(lexemes).document()
}

/// `#ABNF 1.0` and perhaps an encoding.
fn check_identification(identification: Option<&str>) -> Result<(), GrammarError> {
    let fault = || GrammarError::syntax("the document does not begin with \"#ABNF 1.0;\"");
    let mut words = identification.ok_or_else(fault)?.split_whitespace();
    if words.next() != Some("#ABNF") {
        return Err(fault());
    }
    match words.next() {
        Some("1.0") => {}
        Some(other) => return Err(GrammarError::syntax(format!("version {:?} is not 1.0", excerpt(other)))),
        None => return Err(GrammarError::syntax("the grammar has no version")),
    }
    // The encoding was needed before.
    words.next();
    if words.next().is_some() { Err(fault()) } else { Ok(()) }
}

/// What a document declares before its rules.
#[derive(Default)]
struct Header {
    mode: Option<InputMode>,
    language: Option<String>,
    root: Option<(String, Position)>,
    tag_format: Option<String>,
    base: Option<String>,
    meta_base: Option<String>,
    lexicons: Vec<String>,
    global_tags: Vec<std::sync::Arc<str>>,
}

struct Reader {
    lexemes: Vec<Lexeme>,
    /// How many of them were taken.
    taken: usize,
    mode: InputMode,
    /// The place of what was taken last.
    position: Position,
    depth: usize,
}

impl Reader {
    fn new(lexemes: Vec<Lexeme>) -> Self {
        Self { lexemes, taken: 0, mode: InputMode::Speech, position: Position { line: 1, column: 1 }, depth: 0 }
    }

    fn document(mut self) -> Result<Source, GrammarError> {
        let header = self.header()?;
        self.mode = header.mode.unwrap_or(InputMode::Speech);
        if self.mode == InputMode::Speech && header.language.is_none() {
            let message = "a grammar for speech must declare its language";
            return Err(GrammarError::syntax(message).at(Position { line: 1, column: 1 }));
        }
        let language = header.language.as_deref().and_then(Language::from_tag).unwrap_or(Language::English);
        let mut rules = Vec::new();
        while self.peek().is_some() {
            rules.extend(self.rule(language)?);
        }
        Ok(Source {
            mode: self.mode,
            language: header.language,
            tag_format: TagFormat::named(header.tag_format.as_deref()),
            root: header.root,
            base: header.base.or(header.meta_base),
            lexicons: header.lexicons,
            global_tags: header.global_tags,
            rules,
        })
    }

    fn take(&mut self) -> Option<Lexeme> {
        let lexeme = self.lexemes.get(self.taken)?.clone();
        self.taken += 1;
        self.position = lexeme.position;
        Some(lexeme)
    }

    fn peek(&self) -> Option<&Kind> {
        self.lexemes.get(self.taken).map(|lexeme| &lexeme.kind)
    }

    /// The place of what comes next; at the end, of what was taken last.
    fn next_position(&self) -> Position {
        self.lexemes.get(self.taken).map_or(self.position, |lexeme| lexeme.position)
    }

    fn take_if(&mut self, kind: &Kind) -> bool {
        let found = self.peek() == Some(kind);
        if found {
            self.take();
        }
        found
    }

    fn fault(&self, message: impl Into<String>) -> GrammarError {
        GrammarError::syntax(message).at(self.position)
    }

    fn expect(&mut self, sign: char) -> Result<(), GrammarError> {
        let position = self.next_position();
        if self.take_if(&Kind::Sign(sign)) {
            Ok(())
        } else {
            Err(GrammarError::syntax(format!("{sign:?} is missing")).at(position))
        }
    }

    fn header(&mut self) -> Result<Header, GrammarError> {
        let mut header = Header::default();
        loop {
            match self.peek() {
                Some(Kind::Tag(_)) => {
                    if let Some(Lexeme { kind: Kind::Tag(tag), .. }) = self.take() {
                        header.global_tags.push(tag.into());
                    }
                }
                Some(Kind::Word(word)) if !matches!(word.as_str(), "public" | "private") => {
                    let word = word.clone();
                    self.take();
                    self.declaration(&word, &mut header)?;
                }
                Some(Kind::Documentation(_)) if self.documents_header() => {
                    self.take();
                    continue;
                }
                _ => return Ok(header),
            }
            self.expect(';')?;
        }
    }

    /// Whether the documentation that comes next is not that of a rule.
    fn documents_header(&self) -> bool {
        let mut kinds = self.lexemes.get(self.taken..).unwrap_or_default().iter().map(|lexeme| &lexeme.kind);
        match kinds.find(|kind| !matches!(kind, Kind::Documentation(_))) {
            Some(Kind::Word(word)) => !matches!(word.as_str(), "public" | "private"),
            Some(Kind::Tag(_)) => true,
            _ => false,
        }
    }

    fn declaration(&mut self, word: &str, header: &mut Header) -> Result<(), GrammarError> {
        let position = self.position;
        let twice = |is_there: bool| {
            if is_there { Err(GrammarError::syntax(format!("{word} is declared twice")).at(position)) } else { Ok(()) }
        };
        match word {
            "language" => {
                twice(header.language.is_some())?;
                let tag = self.word("a language")?;
                check_language_tag(&tag).map_err(|error| error.at(self.position))?;
                header.language = Some(tag);
            }
            "mode" => {
                twice(header.mode.is_some())?;
                header.mode = Some(match self.word("a mode")?.as_str() {
                    "voice" => InputMode::Speech,
                    "dtmf" => InputMode::Dtmf,
                    other => return Err(self.fault(format!("mode {:?} is neither voice nor dtmf", excerpt(other)))),
                });
            }
            "root" => {
                twice(header.root.is_some())?;
                match self.take() {
                    Some(Lexeme { kind: Kind::Rule(name), position }) => header.root = Some((name, position)),
                    _ => return Err(self.fault("root is not followed by the name of a rule")),
                }
            }
            "tag-format" => {
                twice(header.tag_format.is_some())?;
                header.tag_format = Some(self.uri()?);
            }
            "base" => {
                twice(header.base.is_some())?;
                header.base = Some(self.uri()?);
            }
            "lexicon" => {
                let uri = self.uri()?;
                header.lexicons.push(uri);
                if matches!(self.peek(), Some(Kind::MediaType(_))) {
                    self.take();
                }
            }
            "meta" | "http-equiv" => {
                let name = self.quoted()?;
                if self.word("the word is")? != "is" {
                    return Err(self.fault("the word is is missing between a name and its content"));
                }
                let content = self.quoted()?;
                if word == "meta" && name.eq_ignore_ascii_case("base") {
                    header.meta_base.get_or_insert(content);
                }
            }
            other => return Err(self.fault(format!("{:?} declares nothing that is known", excerpt(other)))),
        }
        Ok(())
    }

    fn word(&mut self, what: &str) -> Result<String, GrammarError> {
        match self.take() {
            Some(Lexeme { kind: Kind::Word(word), .. }) => Ok(word),
            _ => Err(self.fault(format!("{what} is missing"))),
        }
    }

    fn uri(&mut self) -> Result<String, GrammarError> {
        match self.take() {
            Some(Lexeme { kind: Kind::Angle(uri), .. }) if !uri.is_empty() => Ok(uri),
            _ => Err(self.fault("a URI in angle brackets is missing")),
        }
    }

    fn quoted(&mut self) -> Result<String, GrammarError> {
        match self.take() {
            Some(Lexeme { kind: Kind::Quoted(text), .. }) => Ok(text),
            _ => Err(self.fault("a text in double quotes is missing")),
        }
    }

    /// The next rule; `None` when only documentation was left.
    fn rule(&mut self, language: Language) -> Result<Option<RuleDefinition>, GrammarError> {
        let mut examples = Vec::new();
        let (name, is_public, position) = loop {
            match self.take() {
                None => return Ok(None),
                Some(Lexeme { kind: Kind::Documentation(text), .. }) => examples = examples_in(&text),
                Some(Lexeme { kind: Kind::Rule(name), position }) => break (name, false, position),
                Some(Lexeme { kind: Kind::Word(scope), position })
                    if matches!(scope.as_str(), "public" | "private") =>
                {
                    match self.take() {
                        Some(Lexeme { kind: Kind::Rule(name), .. }) => break (name, scope == "public", position),
                        _ => return Err(self.fault("the name of a rule is missing")),
                    }
                }
                Some(_) => return Err(self.fault("the definition of a rule is missing")),
            }
        };
        check_rule_name(&name).map_err(|error| error.at(position))?;
        self.expect('=')?;
        let expansion = self.alternatives(language)?;
        self.expect(';')?;
        Ok(Some(RuleDefinition { name, is_public, expansion, examples, position }))
    }

    fn alternatives(&mut self, language: Language) -> Result<Expansion, GrammarError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("brackets are nested more than {DEPTH_MAX} deep");
            return Err(GrammarError::too_large(message).at(self.position));
        }
        let mut alternatives = Vec::new();
        let mut has_weight = false;
        loop {
            let weight = match self.peek() {
                Some(Kind::Weight(weight)) => {
                    let weight = weight.clone();
                    self.take();
                    has_weight = true;
                    decimal(&weight, "weight").map_err(|error| error.at(self.position))?
                }
                _ => 1.0,
            };
            let expansion = self.sequence(language)?;
            alternatives.push(Alternative { weight, expansion });
            if !self.take_if(&Kind::Sign('|')) {
                break;
            }
        }
        self.depth -= 1;
        match (alternatives.pop(), has_weight) {
            (Some(only), false) if alternatives.is_empty() => Ok(only.expansion),
            (Some(last), _) => {
                alternatives.push(last);
                Ok(Expansion::Alternatives(alternatives))
            }
            (None, _) => Err(self.fault("a rule says nothing")),
        }
    }

    fn sequence(&mut self, language: Language) -> Result<Expansion, GrammarError> {
        let mut parts = Vec::new();
        let mut count = 0;
        while let Some(mut part) = self.element(language)? {
            count += 1;
            while let Some(Kind::Angle(range)) = self.peek() {
                let range = range.clone();
                self.take();
                let repeat = repeat(&range, part).map_err(|error| error.at(self.position))?;
                part = Expansion::Repeat(Box::new(repeat));
            }
            parts.push(part);
        }
        if count == 0 {
            let position = self.next_position();
            return Err(GrammarError::syntax("an expansion is missing; for nothing there is $NULL").at(position));
        }
        Ok(Expansion::sequence(parts))
    }

    /// The next part of a sequence, with the language that is attached to it; `None` at its end.
    fn element(&mut self, language: Language) -> Result<Option<Expansion>, GrammarError> {
        match self.peek() {
            Some(
                Kind::Word(_)
                | Kind::Quoted(_)
                | Kind::Rule(_)
                | Kind::RuleUri(_)
                | Kind::Tag(_)
                | Kind::Sign('(' | '['),
            ) => {}
            Some(Kind::Documentation(_)) => {
                self.take();
                return self.element(language);
            }
            Some(Kind::Angle(_) | Kind::Language(_) | Kind::Weight(_) | Kind::MediaType(_)) => {
                self.take();
                return Err(self.fault("a repeat, a language or a weight stands behind nothing that it could be of"));
            }
            Some(Kind::Sign(_)) | None => return Ok(None),
        }
        let Some(Lexeme { kind, position }) = self.take() else { return Ok(None) };
        match kind {
            Kind::Word(written) | Kind::Quoted(written) => {
                if written.is_empty() {
                    return Err(self.fault("a token is empty"));
                }
                let language = self.attached_language(language)?;
                let token = |written| Expansion::Token(Token::new(written, language));
                Ok(Some(match self.mode {
                    InputMode::Speech => token(written),
                    InputMode::Dtmf => {
                        let keys = keys(&written).map_err(|error| error.at(position))?;
                        Expansion::sequence(keys.into_iter().map(token).collect())
                    }
                }))
            }
            Kind::Tag(tag) => Ok(Some(Expansion::Tag(tag.into()))),
            Kind::Rule(name) => match name.as_str() {
                "NULL" => Ok(Some(Expansion::Sequence(Vec::new()))),
                "VOID" => Ok(Some(Expansion::Void)),
                "GARBAGE" => Ok(Some(Expansion::Garbage)),
                _ => {
                    check_rule_name(&name).map_err(|error| error.at(position))?;
                    self.attached_language(language)?;
                    Ok(Some(Expansion::Reference(Reference { target: Target::Local(name), position })))
                }
            },
            Kind::RuleUri(uri) => {
                let media_type = match self.peek() {
                    Some(Kind::MediaType(name)) => Some(name.clone()),
                    _ => None,
                };
                if media_type.is_some() {
                    self.take();
                }
                self.attached_language(language)?;
                let target = match uri.strip_prefix('#') {
                    Some(name) => {
                        check_rule_name(name).map_err(|error| error.at(position))?;
                        Target::Local(name.to_owned())
                    }
                    None if uri.is_empty() => return Err(self.fault("a reference names nothing")),
                    None => Target::External { uri, media_type },
                };
                Ok(Some(Expansion::Reference(Reference { target, position })))
            }
            Kind::Sign(open) => self.group(open, language).map(Some),
            Kind::Angle(_) | Kind::Weight(_) | Kind::Language(_) | Kind::MediaType(_) | Kind::Documentation(_) => {
                Ok(None)
            }
        }
    }

    /// `( … )` or `[ … ]`, the bracket taken already. The language behind it is that of all within.
    fn group(&mut self, open: char, language: Language) -> Result<Expansion, GrammarError> {
        let close = if open == '(' { ')' } else { ']' };
        let language = match self.language_behind(open, close) {
            Some(tag) => {
                check_language_tag(&tag).map_err(|error| error.at(self.position))?;
                Language::from_tag(&tag).unwrap_or(language)
            }
            None => language,
        };
        let inner = if self.take_if(&Kind::Sign(close)) {
            Expansion::Sequence(Vec::new())
        } else {
            let inner = self.alternatives(language)?;
            self.expect(close)?;
            inner
        };
        self.attached_language(language)?;
        Ok(match open {
            '(' => inner,
            _ => Expansion::Repeat(Box::new(Repeat { of: inner, min: 0, max: Some(1), probability: None })),
        })
    }

    /// The language attached behind the bracket that closes the one that was just opened.
    fn language_behind(&self, open: char, close: char) -> Option<String> {
        let mut depth = 1usize;
        let mut ahead = self.lexemes.get(self.taken..)?.iter().map(|lexeme| &lexeme.kind);
        loop {
            match *ahead.next()? {
                Kind::Sign(sign) if sign == open => depth += 1,
                Kind::Sign(sign) if sign == close => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                Kind::Sign(';') => return None,
                _ => {}
            }
        }
        match ahead.next()? {
            Kind::Language(tag) => Some(tag.clone()),
            _ => None,
        }
    }

    /// The language behind a part, if there is one.
    fn attached_language(&mut self, language: Language) -> Result<Language, GrammarError> {
        let Some(Kind::Language(tag)) = self.peek() else { return Ok(language) };
        let tag = tag.clone();
        self.take();
        check_language_tag(&tag).map_err(|error| error.at(self.position))?;
        Ok(Language::from_tag(&tag).unwrap_or(language))
    }
}

/// `n`, `n-m`, `n-`, and a probability in slashes behind it.
fn repeat(text: &str, of: Expansion) -> Result<Repeat, GrammarError> {
    let (range, behind) = text.split_once('/').map_or((text, None), |(range, behind)| (range, Some(behind)));
    let (min, max) = repeat_range(range.trim())?;
    let probability = match behind {
        None => None,
        Some(behind) => {
            let value = behind.trim().strip_suffix('/');
            let value = value.ok_or_else(|| GrammarError::syntax("a repeat probability does not end"))?;
            Some(probability(value.trim())?)
        }
    };
    Ok(Repeat { of, min, max, probability })
}

/// The examples that documentation gives: the lines behind `@example`.
fn examples_in(documentation: &str) -> Vec<String> {
    let lines = documentation.lines().map(|line| line.trim().trim_start_matches('*').trim());
    lines.filter_map(|line| line.strip_prefix("@example")).map(|example| example.trim().to_owned()).collect()
}
