//! `voxgate grammar`: checks grammars and matches inputs against them, for authors of dialplans and for suites of tests.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use speech::{
    Date, FetchedGrammar, Grammar, GrammarDocument, GrammarError, GrammarLimits, GrammarLoader, Hypothesis, InputMode,
    Language, ParseNode, ParseTree, RuleInstance, TagFormat, Utterance,
};
use url::Url;

/// Exit status for a grammar that cannot be used, where rejecting is 1.
const EXIT_UNUSABLE: u8 = 2;
/// Ways of understanding one input that are told.
const WAYS_MAX: usize = 10;
/// Phrases that are counted.
const PHRASES_MAX: usize = 10_000;

/// What to do with a grammar.
#[derive(Debug, Clone, Subcommand)]
pub enum GrammarCommand {
    /// Compiles a grammar with all that it refers to, and says what it is made of.
    Check(CheckArgs),
    /// Says whether an input matches, how it is understood, and what it means. Exits with 0 when it matches, with 1 when it
    /// does not, and with 2 when the grammar cannot be used.
    Match(MatchArgs),
}

/// A grammar to be checked.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// A file in the XML or the ABNF form of SRGS, or a `builtin:` URI.
    pub grammar: String,
}

/// A grammar and an input.
#[derive(Debug, Clone, Args)]
pub struct MatchArgs {
    /// A file in the XML or the ABNF form of SRGS, or a `builtin:` URI. A file may name one of its public rules:
    /// `FILE#rule`.
    pub grammar: String,
    /// What is said.
    #[arg(long, required_unless_present = "dtmf", conflicts_with = "dtmf")]
    pub text: Option<String>,
    /// What is keyed.
    #[arg(long)]
    pub dtmf: Option<String>,
    /// Match as what an engine heard: leave out hesitation and politeness, and compare by sound in the end.
    #[arg(long, conflicts_with = "dtmf")]
    pub sound: bool,
    /// The language of the text where its script does not show it.
    #[arg(long, default_value = "en-US")]
    pub language: String,
    /// The day on which "tomorrow" is said, as 2026-12-31; without it such words match nothing.
    #[arg(long)]
    pub today: Option<Date>,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

impl GrammarCommand {
    /// Runs the command; gives the exit status.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn run(&self, out: &mut impl Write, faults: &mut impl Write) -> io::Result<u8> {
        match self {
            Self::Check(arguments) => arguments.run(out, faults),
            Self::Match(arguments) => arguments.run(out, faults),
        }
    }
}

impl CheckArgs {
    fn run(&self, out: &mut impl Write, faults: &mut impl Write) -> io::Result<u8> {
        let grammar = match load(&self.grammar) {
            Ok(grammar) => grammar,
            Err(fault) => {
                writeln!(faults, "{fault}")?;
                return Ok(1);
            }
        };
        let kind = match (grammar.accepts_speech(), grammar.accepts_dtmf()) {
            (true, true) => "for speech and keys",
            (false, true) => "for keys",
            (true, false) | (false, false) => "for speech",
        };
        let language = grammar.document().and_then(GrammarDocument::language).or(grammar.language().map(Language::tag));
        let language = language.map(|language| format!(" in {language}")).unwrap_or_default();
        writeln!(out, "{}: a grammar {kind}{language}", self.grammar)?;
        if grammar.document().is_some() {
            match grammar.enumerate(PHRASES_MAX) {
                Some(phrases) => writeln!(out, "accepts {} phrases", phrases.len())?,
                None => writeln!(out, "accepts more than {PHRASES_MAX} phrases, or endlessly many")?,
            }
        }
        for (uri, document) in grammar.documents() {
            let format = match document.tag_format() {
                TagFormat::Literals => "tags are literals",
                TagFormat::Script => "tags are scripts",
                TagFormat::Undeclared => "tags of no declared format",
                TagFormat::Unknown(_) => "tags of an unknown format",
            };
            let (rules, tags) = (document.rules().count(), document.tags().count());
            writeln!(
                out,
                "\n{uri}\n  {rules} rules, {} parts, {tags} different tags; {format}",
                document.part_count()
            )?;
            for rule in document.rules() {
                let root = if rule.is_root { ", root" } else { "" };
                let scope = if rule.is_public { "public" } else { "private" };
                writeln!(out, "  ${} ({scope}{root}; {})", rule.name, rule.position)?;
                for reference in &rule.references {
                    writeln!(out, "    refers to {reference}")?;
                }
                for example in rule.examples {
                    writeln!(out, "    example: {example}")?;
                }
            }
        }
        Ok(0)
    }
}

/// One way in which the input is understood.
struct Way {
    tree: Option<ParseTree>,
    quality: f32,
    value: Result<Value, String>,
}

impl MatchArgs {
    fn run(&self, out: &mut impl Write, faults: &mut impl Write) -> io::Result<u8> {
        let Some(language) = Language::from_tag(&self.language) else {
            writeln!(faults, "language {:?} is not served", self.language)?;
            return Ok(EXIT_UNUSABLE);
        };
        let grammar = match load(&self.grammar) {
            Ok(grammar) => grammar.on(self.today),
            Err(fault) => {
                writeln!(faults, "{fault}")?;
                return Ok(EXIT_UNUSABLE);
            }
        };
        let ways = self.ways(&grammar, language);
        if self.json {
            let ways: Vec<Value> = ways.iter().map(Way::as_json).collect();
            writeln!(out, "{}", json!({"accepted": !ways.is_empty(), "interpretations": ways}))?;
        } else if ways.is_empty() {
            writeln!(out, "rejected")?;
        } else {
            writeln!(out, "accepted")?;
            for way in &ways {
                if let Some(tree) = &way.tree {
                    writeln!(out, "parse: {}", logical_parse(&tree.root))?;
                }
                match &way.value {
                    Ok(value) => writeln!(out, "value: {value}")?,
                    Err(failure) => writeln!(out, "semantics-failure: {failure}")?,
                }
                if way.quality < 1.0 {
                    writeln!(out, "fits: {:.2}", way.quality)?;
                }
            }
        }
        Ok(u8::from(ways.is_empty()))
    }

    fn ways(&self, grammar: &Grammar, language: Language) -> Vec<Way> {
        let of_tree = |(tree, quality): (ParseTree, f32)| {
            let value = speech::interpret(&tree).map_err(|failure| failure.to_string());
            Way { tree: Some(tree), quality, value }
        };
        let text = self.text.as_deref().unwrap_or_default();
        if grammar.document().is_none() {
            let grammars = std::slice::from_ref(grammar);
            let matches = match &self.dtmf {
                Some(keys) => speech::match_all_dtmf(grammars, keys).matches,
                None => speech::match_all(grammars, &[Hypothesis::new(text, 1.0, language)]),
            };
            let way =
                |matched: speech::Match| Way { tree: None, quality: matched.confidence, value: Ok(matched.instance) };
            return matches.into_iter().map(way).collect();
        }
        let mode = if self.dtmf.is_some() { InputMode::Dtmf } else { InputMode::Speech };
        if grammar.document().map(GrammarDocument::mode) != Some(mode) {
            return Vec::new();
        }
        if self.sound {
            let hypothesis = Hypothesis::new(text, 1.0, language);
            return grammar.parse_speech(&hypothesis, WAYS_MAX).into_iter().map(of_tree).collect();
        }
        let input = match &self.dtmf {
            Some(keys) => Utterance::keyed(keys),
            None => Utterance::spoken(text, 1.0, language),
        };
        grammar.parse(input, language, WAYS_MAX).into_iter().map(|tree| of_tree((tree, 1.0))).collect()
    }
}

impl Way {
    fn as_json(&self) -> Value {
        let mut way = json!({"quality": self.quality});
        if let Some(tree) = &self.tree {
            way["parse"] = logical_parse(&tree.root).into();
            way["tree"] = tree_as_json(&tree.root);
        }
        match &self.value {
            Ok(value) => way["value"] = value.clone(),
            Err(failure) => way["semantics_failure"] = failure.as_str().into(),
        }
        way
    }
}

/// A tree in the notation of SRGS 1.0, appendix H.
fn logical_parse(rule: &RuleInstance) -> String {
    let mut out = match &rule.reference {
        Some(uri) => format!("$<{uri}>["),
        None => format!("${}[", rule.rule),
    };
    for (number, child) in rule.children.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        let _ = match child {
            ParseNode::Token { written, .. } => write!(out, "{written:?}"),
            ParseNode::Tag(tag) => write!(out, "{{!{{{tag}}}!}}"),
            ParseNode::Rule(rule) => write!(out, "{}", logical_parse(rule)),
        };
    }
    out.push(']');
    out
}

fn tree_as_json(rule: &RuleInstance) -> Value {
    let children = rule.children.iter().map(|child| match child {
        ParseNode::Token { written, .. } => json!({"token": &**written}),
        ParseNode::Tag(tag) => json!({"tag": &**tag}),
        ParseNode::Rule(rule) => tree_as_json(rule),
    });
    json!({"rule": &*rule.rule, "children": children.collect::<Vec<_>>()})
}

/// Loads a grammar with what it refers to: files in its folder and below, nothing else. An error is what to tell the user:
/// `FILE:LINE:COLUMN: what`.
fn load(name: &str) -> Result<Grammar, String> {
    if let Some((scheme, _)) = name.split_once(':')
        && scheme.eq_ignore_ascii_case("builtin")
    {
        return Grammar::from_uri(name).map_err(|error| format!("{name}: {error}"));
    }
    let (path, rule) = match name.split_once('#') {
        Some((path, rule)) if !Path::new(name).exists() => (path, Some(rule)),
        Some(_) | None => (name, None),
    };
    let path = Path::new(path).canonicalize().map_err(|error| format!("{path}: {error}"))?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let mut uri = Url::from_file_path(&path).map_err(|()| format!("{}: no absolute path", path.display()))?;
    uri.set_fragment(rule);
    let mut loader = GrammarLoader::from_uri(uri.as_str(), GrammarLimits::default());
    while let Some(wanted) = loader.poll_request() {
        match read_file(&wanted, &folder) {
            Ok(body) => loader.provide(&wanted, FetchedGrammar { content_type: "", body: &body, base: None }),
            Err(reason) => loader.fail(&wanted, &reason),
        }
    }
    loader.finish().map_err(|error| fault(&path, &error))
}

fn read_file(uri: &str, folder: &Path) -> Result<Vec<u8>, String> {
    let parsed = Url::parse(uri).map_err(|error| format!("{uri}: {error}"))?;
    let path = match parsed.scheme() {
        "file" => parsed.to_file_path().map_err(|()| format!("{uri} is no local file"))?,
        scheme => {
            return Err(format!(
                "{uri}: references by {scheme} are not followed here; save the grammar beside the file"
            ));
        }
    };
    let path: PathBuf = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    if !path.starts_with(folder) {
        return Err(format!("{} is outside of {}", path.display(), folder.display()));
    }
    std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// An error as compilers write them, so that editors find the place.
fn fault(path: &Path, error: &GrammarError) -> String {
    let of_other = error.uri.as_deref().and_then(|uri| Url::parse(uri).ok()?.to_file_path().ok());
    let path = of_other.as_deref().unwrap_or(path).display().to_string();
    match error.position {
        Some(position) => format!("{path}:{}:{}: {}", position.line, position.column, error.message),
        None => format!("{path}: {}", error.message),
    }
}

#[cfg(test)]
mod tests;
