//! Loading the grammars of one DEFINE-GRAMMAR, RECOGNIZE or INTERPRET: what is inline is compiled, what is named is fetched
//! and compiled with all that it refers to, and all of it is there or none.

use std::collections::VecDeque;

use mrcp::recognizer::{Failure, FailureKind};
use mrcp::{FetchParams, GrammarRef, RequestId};
use speech::{Grammar, GrammarError, GrammarErrorKind, GrammarLoader};
use url::Url;

use crate::commons::Commons;
use crate::fetching::{FetchFailure, FetchKey, FetchPurpose, FetchRequest, Fetched};
use crate::grammar_job::{CompiledGrammar, GrammarDocument, GrammarJob, Target};
use crate::grammar_store::Definition;
use crate::output::Output;

/// The loading of the grammars of one request.
#[derive(Debug)]
pub(crate) struct GrammarLoad {
    request_id: RequestId,
    fetch: FetchParams,
    /// In the order of precedence.
    entries: Vec<Entry>,
}

/// Everything is there.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// In the order of precedence.
    pub(crate) grammars: Vec<Grammar>,
    /// What the request gives names to.
    pub(crate) definitions: Vec<Definition>,
}

/// One grammar of the request.
#[derive(Debug)]
struct Entry {
    /// As the client wrote it; empty for an inline grammar.
    uri: String,
    weight: f32,
    content_id: Option<String>,
    is_inline: bool,
    fetch: FetchParams,
    /// Bytes of the documents that came for it.
    bytes: usize,
    state: State,
}

/// Where one grammar stands.
#[derive(Debug)]
enum State {
    /// It was defined before, or is by another grammar of the same request: looked up when those are there.
    Named { content_id: String, rule: Option<String> },
    /// Documents are awaited.
    Fetching { loader: Box<GrammarLoader>, awaited: Vec<(FetchKey, String)> },
    /// A document is being compiled elsewhere, others may be awaited or have come.
    Compiling { job: FetchKey, awaited: Vec<(FetchKey, String)>, arrived: Vec<(String, Fetched)> },
    /// It is there.
    Ready(Vec<Grammar>),
}

/// What a load works with.
pub(crate) struct Surroundings<'a> {
    pub(crate) keys: &'a mut Commons,
    pub(crate) outputs: &'a mut VecDeque<Output>,
}

impl GrammarLoad {
    /// Begins; [`Self::finish`] tells whether that was all.
    ///
    /// # Errors
    /// What is wrong at first sight. Nothing is under way then.
    pub(crate) fn begin(
        request_id: RequestId,
        references: Vec<GrammarRef>,
        fetch: FetchParams,
        with: &mut Surroundings<'_>,
    ) -> Result<Self, Failure> {
        let mut load = Self { request_id, fetch, entries: Vec::new() };
        for reference in references {
            if let Err(failure) = load.push(reference, with) {
                load.abandon(with.outputs);
                return Err(failure);
            }
        }
        load.advance(with).map(|()| load)
    }

    pub(crate) fn request_id(&self) -> RequestId {
        self.request_id
    }

    /// Whether it waits for that.
    pub(crate) fn awaits(&self, key: FetchKey) -> bool {
        self.entries.iter().any(|entry| entry.awaits(key))
    }

    /// A document has come, or will not.
    ///
    /// # Errors
    /// Why the grammars cannot be had. Nothing is under way then.
    pub(crate) fn fetched(
        &mut self,
        key: FetchKey,
        outcome: Result<Fetched, FetchFailure>,
        with: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.awaits(key)) else { return Ok(()) };
        let outcome = entry.fetched(key, outcome, with);
        self.settle(outcome, with)
    }

    /// A document was compiled elsewhere.
    ///
    /// # Errors
    /// As [`Self::fetched`].
    pub(crate) fn compiled(
        &mut self,
        key: FetchKey,
        compiled: CompiledGrammar,
        with: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.awaits(key)) else { return Ok(()) };
        let outcome = entry.compiled(compiled, with);
        self.settle(outcome, with)
    }

    /// Everything, once it is there.
    pub(crate) fn finish(&mut self) -> Option<Loaded> {
        let is_ready = |entry: &Entry| matches!(entry.state, State::Ready(_));
        if !self.entries.iter().all(is_ready) {
            return None;
        }
        let mut loaded = Loaded { grammars: Vec::new(), definitions: Vec::new() };
        for entry in self.entries.drain(..) {
            let State::Ready(grammars) = entry.state else { continue };
            if let Some(content_id) = entry.content_id {
                let name = format!("session:{content_id}");
                let kept = grammars.iter().cloned().map(|grammar| grammar.named(name.as_str())).collect();
                loaded.definitions.push(Definition { content_id, grammars: kept, bytes: entry.bytes });
            }
            loaded.grammars.extend(grammars);
        }
        Some(loaded)
    }

    /// Nothing of it is wanted any more.
    pub(crate) fn abandon(&mut self, outputs: &mut VecDeque<Output>) {
        for entry in self.entries.drain(..) {
            let (job, awaited) = match entry.state {
                State::Fetching { awaited, .. } => (None, awaited),
                State::Compiling { job, awaited, .. } => (Some(job), awaited),
                State::Named { .. } | State::Ready(_) => (None, Vec::new()),
            };
            let keys = awaited.into_iter().map(|(key, _)| key).chain(job);
            outputs.extend(keys.map(|key| Output::Abandon { key }));
        }
    }

    fn settle(&mut self, outcome: Result<(), Failure>, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        match outcome {
            Ok(()) => self.advance(with),
            Err(failure) => {
                self.abandon(with.outputs);
                Err(failure)
            }
        }
    }

    fn push(&mut self, reference: GrammarRef, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        let mut entry = match reference {
            GrammarRef::Inline { content_type, content_id, base, body } => {
                let name = content_id.as_deref().map_or_else(String::new, |id| format!("session:{id}"));
                let limits = with.keys.grammars.config().limits.clone();
                let document = GrammarDocument { content_type, content: body, base };
                let mut entry = Entry::new(String::new(), 1.0, content_id, true, self.fetch.clone());
                entry.work(Target::Inline { name, limits }, document, Vec::new(), with);
                entry
            }
            GrammarRef::Uri { uri, base, weight, content_id } => {
                let uri = absolute(&uri, base.as_deref())?;
                let mut entry = Entry::new(uri, weight, content_id, false, self.fetch.clone());
                entry.state = match mrcp::content_id_of_uri(&entry.uri) {
                    Some(named) => {
                        let (content_id, rule) = match named.split_once('#') {
                            Some((content_id, rule)) => (content_id, Some(rule.to_owned())),
                            None => (named, None),
                        };
                        State::Named { content_id: content_id.to_owned(), rule }
                    }
                    None => {
                        let limits = with.keys.grammars.config().limits.clone();
                        let loader = Box::new(GrammarLoader::from_uri(&entry.uri, limits));
                        State::Fetching { loader, awaited: Vec::new() }
                    }
                };
                entry
            }
        };
        let outcome = entry.drive(with);
        self.entries.push(entry);
        outcome
    }

    /// Looks up what is named when all that this request itself may name is there.
    fn advance(&mut self, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        let is_settled = |entry: &Entry| matches!(entry.state, State::Ready(_) | State::Named { .. });
        if !self.entries.iter().all(is_settled) {
            return Ok(());
        }
        for at in 0..self.entries.len() {
            let Some(Entry { state: State::Named { content_id, rule }, .. }) = self.entries.get(at) else { continue };
            let (content_id, rule) = (content_id.clone(), rule.clone());
            let own = self.entries.iter().find_map(|entry| match &entry.state {
                State::Ready(grammars) if entry.is_inline && entry.content_id.as_ref() == Some(&content_id) => {
                    Some(grammars.as_slice())
                }
                _ => None,
            });
            let found = own.or_else(|| with.keys.grammars.grammars(&content_id)).map(<[Grammar]>::to_vec);
            let Some(entry) = self.entries.get_mut(at) else { continue };
            let outcome = entry.named(found, rule.as_deref(), with);
            if let Err(failure) = outcome {
                self.abandon(with.outputs);
                return Err(failure);
            }
        }
        Ok(())
    }
}

impl Entry {
    fn new(uri: String, weight: f32, content_id: Option<String>, is_inline: bool, fetch: FetchParams) -> Self {
        Self { uri, weight, content_id, is_inline, fetch, bytes: 0, state: State::Ready(Vec::new()) }
    }

    fn awaits(&self, key: FetchKey) -> bool {
        let is_it = |(awaited, _): &(FetchKey, String)| *awaited == key;
        match &self.state {
            State::Fetching { awaited, .. } => awaited.iter().any(is_it),
            State::Compiling { job, awaited, .. } => *job == key || awaited.iter().any(is_it),
            State::Named { .. } | State::Ready(_) => false,
        }
    }

    fn fetched(
        &mut self,
        key: FetchKey,
        outcome: Result<Fetched, FetchFailure>,
        with: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        let (State::Fetching { awaited, .. } | State::Compiling { awaited, .. }) = &mut self.state else {
            return Ok(());
        };
        let Some(at) = awaited.iter().position(|(awaited, _)| *awaited == key) else { return Ok(()) };
        let (_, uri) = awaited.remove(at);
        let fetched = outcome.map_err(|failure| {
            Failure::new(FailureKind::Uri { uri: uri.clone(), cause: failure.cause }, failure.reason)
        })?;
        self.bytes = self.bytes.saturating_add(fetched.content.len());
        match std::mem::replace(&mut self.state, State::Ready(Vec::new())) {
            State::Fetching { loader, awaited } => {
                self.work(Target::Referenced { loader, uri }, document(fetched), awaited, with);
                self.drive(with)
            }
            State::Compiling { job, awaited, mut arrived } => {
                arrived.push((uri, fetched));
                self.state = State::Compiling { job, awaited, arrived };
                Ok(())
            }
            other @ (State::Named { .. } | State::Ready(_)) => {
                self.state = other;
                Ok(())
            }
        }
    }

    fn compiled(&mut self, compiled: CompiledGrammar, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        match std::mem::replace(&mut self.state, State::Ready(Vec::new())) {
            State::Compiling { awaited, mut arrived, .. } => {
                self.state = State::Fetching { loader: compiled.0, awaited };
                // One document at a time: the rest waits for the next.
                while let State::Fetching { .. } = &self.state
                    && !arrived.is_empty()
                {
                    let (uri, fetched) = arrived.remove(0);
                    let State::Fetching { loader, awaited } =
                        std::mem::replace(&mut self.state, State::Ready(Vec::new()))
                    else {
                        continue;
                    };
                    self.work(Target::Referenced { loader, uri }, document(fetched), awaited, with);
                }
                if let State::Compiling { arrived: waiting, .. } = &mut self.state {
                    *waiting = arrived;
                }
            }
            other @ (State::Fetching { .. } | State::Named { .. } | State::Ready(_)) => self.state = other,
        }
        self.drive(with)
    }

    /// Compiles a document: here when it is short, elsewhere when it is not.
    fn work(
        &mut self,
        target: Target,
        document: GrammarDocument,
        awaited: Vec<(FetchKey, String)>,
        with: &mut Surroundings<'_>,
    ) {
        let job = GrammarJob { target, document };
        if self.is_inline && self.bytes == 0 {
            self.bytes = job.bytes();
        }
        if job.bytes() <= with.keys.grammars.config().compile_here_bytes_max {
            self.state = State::Fetching { loader: job.run().0, awaited };
        } else {
            let key = with.keys.next_fetch();
            self.state = State::Compiling { job: key, awaited, arrived: Vec::new() };
            with.outputs.push_back(Output::Compile { key, job });
        }
    }

    /// Asks for what the grammar needs; takes it when nothing is awaited any more.
    fn drive(&mut self, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        let State::Fetching { loader, awaited } = &mut self.state else { return Ok(()) };
        while let Some(wanted) = loader.poll_request() {
            match mrcp::content_id_of_uri(&wanted) {
                Some(content_id) => match with.keys.grammars.grammars(content_id).and_then(<[Grammar]>::first) {
                    Some(grammar) => loader.provide_grammar(&wanted, grammar),
                    None => return Err(undefined(&wanted)),
                },
                None => {
                    let key = with.keys.next_fetch();
                    let request = FetchRequest {
                        uri: wanted.clone(),
                        purpose: FetchPurpose::Grammar,
                        params: self.fetch.clone(),
                    };
                    with.outputs.push_back(Output::Fetch { key, request });
                    awaited.push((key, wanted));
                }
            }
        }
        if !awaited.is_empty() && !loader.has_failed() {
            return Ok(());
        }
        if let State::Fetching { loader, awaited } = std::mem::replace(&mut self.state, State::Ready(Vec::new())) {
            with.outputs.extend(awaited.into_iter().map(|(key, _)| Output::Abandon { key }));
            let grammar = loader.finish().map_err(|error| failure(&error, &self.uri))?;
            grammar.check_language().map_err(|error| failure(&error, &self.uri))?;
            with.keys.grammars.loaded(&grammar);
            self.state = State::Ready(vec![grammar.weighted(self.weight)]);
        }
        Ok(())
    }

    /// What a name stands for: all of it, or one rule of it.
    fn named(
        &mut self,
        found: Option<Vec<Grammar>>,
        rule: Option<&str>,
        with: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        let Some(grammars) = found else { return Err(undefined(&self.uri)) };
        match (rule, grammars.as_slice()) {
            (None, _) => {
                let weight = self.weight;
                self.state = State::Ready(grammars.into_iter().map(|grammar| grammar.weighted(weight)).collect());
                Ok(())
            }
            (Some(rule), [grammar]) => {
                let limits = with.keys.grammars.config().limits.clone();
                let loader = Box::new(GrammarLoader::from_grammar(&self.uri, grammar, rule, limits));
                self.state = State::Fetching { loader, awaited: Vec::new() };
                self.drive(with)
            }
            (Some(_), _) => {
                let kind = FailureKind::Uri { uri: self.uri.clone(), cause: "ambiguous".to_owned() };
                Err(Failure::new(kind, "several grammars have that name, and a rule is of one"))
            }
        }
    }
}

/// A URI of a list, relative to the base of the list (RFC 6787 section 6.2.8). What has a scheme stays as it was written:
/// clients put white space into builtin URIs.
fn absolute(uri: &str, base: Option<&str>) -> Result<String, Failure> {
    let has_scheme = uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    });
    if has_scheme {
        return Ok(uri.to_owned());
    }
    let joined = base.and_then(|base| Url::parse(base).ok()).and_then(|base| base.join(uri).ok());
    joined.map(String::from).ok_or_else(|| {
        let kind = FailureKind::Uri { uri: uri.to_owned(), cause: "relative".to_owned() };
        Failure::new(kind, "the URI is relative and there is no Content-Base")
    })
}

/// The document as the compiler has to see it. Servers call grammars by any type that their owners did not change; then
/// the document itself tells.
fn document(fetched: Fetched) -> GrammarDocument {
    let content_type = fetched.content_type.filter(|content_type| {
        !matches!(mrcp::media_type(content_type).as_str(), "application/octet-stream" | "text/plain" | "text/html")
    });
    GrammarDocument {
        content_type: content_type.unwrap_or_default(),
        content: fetched.content,
        base: Some(fetched.location),
    }
}

fn undefined(uri: &str) -> Failure {
    let kind = FailureKind::Uri { uri: uri.to_owned(), cause: "undefined".to_owned() };
    Failure::new(kind, "no grammar of that name was defined in this session")
}

/// What a fault in a grammar is answered; `uri` is the grammar's own.
pub(crate) fn failure(error: &GrammarError, uri: &str) -> Failure {
    let kind = match error.kind {
        GrammarErrorKind::Syntax
        | GrammarErrorKind::Unsupported
        | GrammarErrorKind::Parameter
        | GrammarErrorKind::TooLarge => FailureKind::Compilation,
        GrammarErrorKind::UnsupportedUri => FailureKind::Uri {
            uri: error.uri.clone().unwrap_or_else(|| uri.to_owned()),
            cause: "unsupported".to_owned(),
        },
        GrammarErrorKind::UnsupportedMediaType => FailureKind::MediaType,
        GrammarErrorKind::UnsupportedLanguage => FailureKind::Language,
    };
    Failure::new(kind, error.to_string())
}
