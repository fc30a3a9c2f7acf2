//! What inputs mean by SISR 1.0: grammars, inputs, and the values that are expected.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod failures;
mod literals;
mod scripts;

use serde_json::Value;
use speech::{FetchedGrammar, Grammar, GrammarError, GrammarLimits, GrammarLoader, Hypothesis, Language, Match};

/// A grammar with this tag-format and content; the root is `r`.
fn compile(tag_format: &str, content: &str) -> Result<Grammar, GrammarError> {
    let format = if tag_format.is_empty() { String::new() } else { format!(" tag-format='{tag_format}'") };
    let body = format!(
        "<grammar xmlns='http://www.w3.org/2001/06/grammar' version='1.0' xml:lang='en-US' root='r'{format}>{content}</grammar>"
    );
    Grammar::from_body("application/srgs+xml", body.as_bytes(), Language::English)
}

fn best(grammar: &Grammar, input: &str) -> Match {
    let matches = grammar.match_speech(&[Hypothesis::new(input, 0.9, Language::English)]);
    matches.into_iter().next().unwrap_or_else(|| panic!("{input:?} does not match"))
}

/// What an input means; panics when it does not match or cannot be interpreted.
fn value(tag_format: &str, content: &str, input: &str) -> Value {
    let grammar = compile(tag_format, content).unwrap_or_else(|error| panic!("{error}\n{content}"));
    let best = best(&grammar, input);
    assert_eq!(best.semantics_failure, None, "{content}");
    best.instance
}

/// One row of a table: the rules, then inputs with what they mean.
fn check(tag_format: &str, rows: &[(&str, &[(&str, Value)])]) -> usize {
    let mut cases = 0;
    for (content, inputs) in rows {
        for (input, expected) in *inputs {
            assert_eq!(value(tag_format, content, input), *expected, "{input:?} in\n{content}");
            cases += 1;
        }
    }
    cases
}

/// Loads a grammar whose documents lie in a table.
fn load(documents: &[(&str, String)], uri: &str) -> Grammar {
    let mut loader = GrammarLoader::from_uri(uri, GrammarLimits::default());
    while let Some(wanted) = loader.poll_request() {
        let (_, body) = documents.iter().find(|(known, _)| *known == wanted).unwrap();
        loader.provide(
            &wanted,
            FetchedGrammar { content_type: "application/srgs+xml", body: body.as_bytes(), base: None },
        );
    }
    loader.finish().unwrap()
}
