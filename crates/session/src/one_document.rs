//! A grammar of one document, loaded as one of several would be.

use std::collections::VecDeque;

use speech::{Grammar, GrammarError, Language};

/// What a grammar may cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrammarLimits {}

/// A document as it was fetched.
pub(crate) struct FetchedGrammar<'a> {
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
    #[expect(dead_code, reason = "one document refers to no other")]
    pub(crate) base: Option<&'a str>,
}

/// See `GrammarJob`.
#[derive(Debug)]
pub(crate) struct GrammarLoader {
    name: String,
    requests: VecDeque<String>,
    outcome: Option<Result<Grammar, GrammarError>>,
}

impl GrammarLoader {
    pub(crate) fn from_uri(uri: &str, _limits: GrammarLimits) -> Self {
        let is_builtin = uri.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("builtin:"));
        let (requests, outcome) = if is_builtin || !uri.contains("://") && !uri.starts_with("file:") {
            (VecDeque::new(), Some(Grammar::from_uri(uri)))
        } else {
            (VecDeque::from([uri.split('#').next().unwrap_or_default().to_owned()]), None)
        };
        Self { name: uri.to_owned(), requests, outcome }
    }

    pub(crate) fn from_body(uri: &str, body: FetchedGrammar<'_>, _limits: GrammarLimits) -> Self {
        let mut loader = Self { name: uri.to_owned(), requests: VecDeque::new(), outcome: None };
        loader.provide(uri, body);
        loader
    }

    pub(crate) fn from_grammar(uri: &str, grammar: &Grammar, _rule: &str, _limits: GrammarLimits) -> Self {
        Self { name: uri.to_owned(), requests: VecDeque::new(), outcome: Some(Ok(grammar.clone())) }
    }

    pub(crate) fn poll_request(&mut self) -> Option<String> {
        self.requests.pop_front()
    }

    pub(crate) fn provide(&mut self, _uri: &str, fetched: FetchedGrammar<'_>) {
        let content_type = if fetched.content_type.is_empty() { "application/srgs+xml" } else { fetched.content_type };
        let name = self.name.clone();
        let compiled = Grammar::from_body(content_type, fetched.body, Language::English);
        self.outcome = Some(compiled.map(|grammar| grammar.named(name)));
    }

    pub(crate) fn provide_grammar(&mut self, _uri: &str, grammar: &Grammar) {
        self.outcome = Some(Ok(grammar.clone()));
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.outcome, Some(Err(_)))
    }

    pub(crate) fn finish(self) -> Result<Grammar, GrammarError> {
        self.outcome.unwrap_or_else(|| Grammar::from_uri(&self.name))
    }
}
