//! Loading a grammar with all documents that it refers to, without I/O.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use url::Url;

use super::{
    Grammar,
    compile::Compiler,
    document::{GrammarDocument, RuleId, index},
    error::{GrammarError, GrammarErrorKind, Position},
    limits::GrammarLimits,
    linked::{Link, LinkTarget, LinkedDocument, LinkedGrammar, RuleAddress},
    parse_tree::GrammarSource,
    pronunciation,
    srgs::{
        self,
        source::{Source, excerpt},
    },
};
use crate::{InputMode, Lexicon, TagFormat};

/// Bytes of a URI.
const URI_BYTES_MAX: usize = 64 * 1024;

/// Loads one grammar: says which documents it needs and takes them, or the reasons why they are not to be had.
///
/// ```text
/// let mut loader = GrammarLoader::from_uri(uri, limits);       // or from_body, from_grammar
/// while let Some(wanted) = loader.poll_request() { start fetching it }
/// // whenever a fetch ends:
/// loader.provide(&wanted, FetchedGrammar { … });               // or provide_grammar, or fail
/// while let Some(wanted) = loader.poll_request() { start fetching it }
/// // when nothing is under way, or as soon as has_failed():
/// let grammar = loader.finish()?;
/// ```
///
/// Only documents that activated rules lead to are asked for, each once; cycles of references are as good as any others.
/// So are the pronunciation lexicons that they name (`<lexicon>`).
/// `builtin:` references are resolved without asking. Every other scheme is asked for: what `session:` names is given
/// with [`provide_grammar`](Self::provide_grammar), and what may not be fetched is refused with [`fail`](Self::fail).
#[derive(Debug)]
pub struct GrammarLoader {
    limits: GrammarLimits,
    /// The URI by which the client knows the grammar.
    name: String,
    documents: Vec<Loaded>,
    states: HashMap<String, DocumentState>,
    /// The lexicons of documents; `None` for one that was asked for.
    lexicons: HashMap<String, Option<Arc<Lexicon>>>,
    /// Documents whose lexicons are awaited.
    unpronounced: Vec<Unpronounced>,
    requests: VecDeque<String>,
    /// References to documents that were asked for.
    waiting: Vec<Waiting>,
    visited: HashSet<RuleAddress>,
    unvisited: Vec<RuleAddress>,
    bytes: usize,
    state: State,
}

/// A document as it was fetched.
#[derive(Debug, Clone, Copy)]
pub struct FetchedGrammar<'a> {
    /// The Content-Type; empty when there is none.
    pub content_type: &'a str,
    /// The document.
    pub body: &'a [u8],
    /// Where it was found in the end, after redirects, or what its Content-Base says: references in it are relative to
    /// that. `None`: to the URI that was asked for.
    pub base: Option<&'a str>,
}

#[derive(Debug)]
enum State {
    /// The activated rule is not known yet: its document is asked for.
    Waiting {
        fragment: Option<String>,
    },
    /// The same, of a grammar that may do without.
    Inline,
    Activated(RuleAddress),
    Ready(Box<Grammar>),
    Failed(GrammarError),
}

#[derive(Debug)]
struct Loaded {
    document: Arc<GrammarDocument>,
    uri: String,
    base: String,
    /// How many references lead to it.
    depth: usize,
    links: Vec<Option<Link>>,
}

#[derive(Debug, Clone, Copy)]
enum DocumentState {
    Asked { depth: usize },
    Loaded(usize),
}

/// A document that was read, and is compiled when its lexicons are there.
#[derive(Debug)]
struct Unpronounced {
    uri: String,
    base: String,
    source: Source,
    bytes: usize,
    /// Their URIs.
    lexicons: Vec<String>,
}

#[derive(Debug)]
struct Waiting {
    uri: String,
    fragment: Option<String>,
    from: usize,
    external: u32,
}

impl GrammarLoader {
    /// Loads what a URI names: a builtin grammar, the root rule of a document, or the public rule that a fragment names.
    pub fn from_uri(uri: &str, limits: GrammarLimits) -> Self {
        let mut loader = Self::new(uri, limits);
        if let Err(error) = loader.begin(uri.trim()) {
            loader.state = State::Failed(error);
        }
        loader
    }

    /// Loads an inline grammar and activates its root rule; one that names none has no active rule, and is there for whoever
    /// refers to one of its rules ([`Grammar::has_root`]). `uri` is the name by which the client knows it
    /// (`session:NAME`); relative references are relative to `body.base`, and are errors without it.
    pub fn from_body(uri: &str, body: FetchedGrammar<'_>, limits: GrammarLimits) -> Self {
        let mut loader = Self::new(uri, limits);
        loader.states.insert(uri.to_owned(), DocumentState::Asked { depth: 0 });
        loader.state = State::Inline;
        loader.provide(uri, body);
        loader
    }

    /// Loads a grammar once more with another public rule of its document activated, under the name `uri`. What its
    /// document does not hold itself is asked for again.
    pub fn from_grammar(uri: &str, grammar: &Grammar, rule: &str, limits: GrammarLimits) -> Self {
        let mut loader = Self::new(uri, limits);
        let document = uri.split('#').next().unwrap_or_default().to_owned();
        loader.states.insert(document.clone(), DocumentState::Asked { depth: 0 });
        loader.state = State::Waiting { fragment: Some(rule.to_owned()) };
        loader.provide_grammar(&document, grammar);
        loader
    }

    fn new(uri: &str, limits: GrammarLimits) -> Self {
        Self {
            limits,
            name: uri.to_owned(),
            documents: Vec::new(),
            states: HashMap::new(),
            lexicons: HashMap::new(),
            unpronounced: Vec::new(),
            requests: VecDeque::new(),
            waiting: Vec::new(),
            visited: HashSet::new(),
            unvisited: Vec::new(),
            bytes: 0,
            state: State::Waiting { fragment: None },
        }
    }

    /// The URI of a document that is needed and was not asked for yet: absolute, without fragment. `None` when there is
    /// none now; another document may bring more.
    pub fn poll_request(&mut self) -> Option<String> {
        if self.has_failed() { None } else { self.requests.pop_front() }
    }

    /// Whether documents that were asked for have not come yet.
    pub fn is_waiting(&self) -> bool {
        let asked = |state: &DocumentState| matches!(state, DocumentState::Asked { .. });
        !self.has_failed() && (self.states.values().any(asked) || self.lexicons.values().any(Option::is_none))
    }

    /// Whether [`finish`](Self::finish) gives an error whatever else comes.
    pub fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }

    /// Gives a document or a lexicon that was asked for. What was not asked for is not looked at.
    pub fn provide(&mut self, uri: &str, fetched: FetchedGrammar<'_>) {
        if self.awaits_lexicon(uri) {
            self.provide_lexicon(uri, fetched.body);
            return;
        }
        if !self.awaits_document(uri) {
            return;
        }
        let base = fetched.base.unwrap_or(uri).to_owned();
        let read = GrammarDocument::read(fetched.content_type, fetched.body, &self.limits);
        if let Err(error) = read.and_then(|source| self.pronounced(uri, base, source, fetched.body.len())) {
            self.fault(error, uri);
            return;
        }
        self.compile();
    }

    fn provide_lexicon(&mut self, uri: &str, body: &[u8]) {
        self.bytes = self.bytes.saturating_add(body.len());
        match Lexicon::parse(body) {
            Ok(lexicon) => {
                self.lexicons.insert(uri.to_owned(), Some(Arc::new(lexicon)));
                self.compile();
            }
            Err(error) => {
                let fault = GrammarError::syntax(error.message);
                let fault = match error.position {
                    Some((line, column)) => fault.at(Position { line, column }),
                    None => fault,
                };
                self.fault(fault, uri);
            }
        }
    }

    /// Gives a document that was asked for and compiled before: the grammar that was defined under this `session:` URI.
    pub fn provide_grammar(&mut self, uri: &str, grammar: &Grammar) {
        if self.awaits_lexicon(uri) {
            let message = format!("{:?} is a grammar and no lexicon", excerpt(uri));
            self.fault(GrammarError::new(GrammarErrorKind::UnsupportedUri, message), uri);
            return;
        }
        if !self.awaits_document(uri) {
            return;
        }
        match grammar.linked().and_then(|linked| linked.document(0)) {
            Some(linked) => self.loaded(uri, linked.base.clone(), Arc::clone(&linked.document)),
            None => {
                let message = format!("{:?} is a builtin grammar and has no rules to refer to", excerpt(uri));
                self.fault(GrammarError::new(GrammarErrorKind::UnsupportedUri, message), uri);
            }
        }
    }

    /// Gives the reason why a document that was asked for is not to be had.
    pub fn fail(&mut self, uri: &str, reason: &str) {
        if self.awaits_document(uri) || self.awaits_lexicon(uri) {
            let error = GrammarError::new(GrammarErrorKind::UnsupportedUri, reason);
            self.state = State::Failed(error.within(uri));
        }
    }

    /// The grammar.
    ///
    /// # Errors
    /// The first fault of any document, with its URI and place; `UnsupportedUri` for one that is not to be had or was
    /// not given; `TooLarge` over a limit. The language of the grammar is not judged here: see
    /// [`Grammar::check_language`].
    pub fn finish(self) -> Result<Grammar, GrammarError> {
        let asked = self.states.iter().filter(|(_, state)| matches!(state, DocumentState::Asked { .. }));
        let lexicons = self.lexicons.iter().filter(|(_, lexicon)| lexicon.is_none());
        // A document that waits for its lexicons is not to blame.
        let awaited = lexicons.map(|(uri, _)| uri).chain(asked.map(|(uri, _)| uri)).next();
        if let Some(uri) = awaited
            && !self.has_failed()
        {
            let message = format!("{:?} was not loaded", excerpt(uri));
            return Err(GrammarError::new(GrammarErrorKind::UnsupportedUri, message).within(uri));
        }
        match self.state {
            State::Failed(error) => Err(error),
            State::Ready(grammar) => Ok(*grammar),
            State::Waiting { .. } | State::Inline | State::Activated(_) => {
                Err(GrammarError::new(GrammarErrorKind::UnsupportedUri, "nothing was loaded"))
            }
        }
    }

    /// Joins the documents when all of them are there. That takes its time, so it belongs to the last of them.
    fn join(&mut self) {
        let State::Activated(root) = self.state else { return };
        if self.is_waiting() {
            return;
        }
        let documents = std::mem::take(&mut self.documents)
            .into_iter()
            .map(|loaded| LinkedDocument::new(loaded.document, &loaded.uri, loaded.base, loaded.links));
        let linked = LinkedGrammar::new(documents.collect(), root);
        self.state = match Grammar::of_linked(self.name.clone(), linked) {
            Ok(grammar) => State::Ready(Box::new(grammar)),
            Err(error) => State::Failed(error),
        };
    }

    fn awaits_document(&self, uri: &str) -> bool {
        !self.has_failed()
            && matches!(self.states.get(uri), Some(DocumentState::Asked { .. }))
            && !self.unpronounced.iter().any(|document| document.uri == uri)
    }

    fn awaits_lexicon(&self, uri: &str) -> bool {
        !self.has_failed() && matches!(self.lexicons.get(uri), Some(None))
    }

    /// Asks for the lexicons of a document that was read.
    fn pronounced(&mut self, uri: &str, base: String, source: Source, bytes: usize) -> Result<(), GrammarError> {
        let mut lexicons = Vec::new();
        // Keys have no pronunciation (SRGS 1.0 section 4.10).
        if source.mode == InputMode::Speech && !source.lexicons.is_empty() {
            let base = match &source.base {
                Some(declared) => resolve(&base, declared)?.0,
                None => base.clone(),
            };
            for lexicon in &source.lexicons {
                let (lexicon, _) = resolve(&base, lexicon)?;
                if !self.lexicons.contains_key(&lexicon) {
                    self.check_count()?;
                    self.requests.push_back(lexicon.clone());
                    self.lexicons.insert(lexicon.clone(), None);
                }
                lexicons.push(lexicon);
            }
        }
        self.unpronounced.push(Unpronounced { uri: uri.to_owned(), base, source, bytes, lexicons });
        Ok(())
    }

    /// Compiles the documents whose lexicons are there.
    fn compile(&mut self) {
        let ready = |document: &Unpronounced, known: &HashMap<String, Option<Arc<Lexicon>>>| {
            document.lexicons.iter().map(|uri| known.get(uri).cloned().flatten()).collect::<Option<Vec<_>>>()
        };
        while let Some((at, lexicons)) = self
            .unpronounced
            .iter()
            .enumerate()
            .find_map(|(at, document)| ready(document, &self.lexicons).map(|lexicons| (at, lexicons)))
        {
            let Unpronounced { uri, base, mut source, bytes, .. } = self.unpronounced.swap_remove(at);
            pronunciation::pronounce(&mut source, &lexicons);
            match Compiler::compile(source, bytes) {
                Ok(document) => self.loaded(&uri, base, Arc::new(document)),
                Err(error) => self.fault(error, &uri),
            }
            if self.has_failed() {
                return;
            }
        }
    }

    /// Refuses more documents than a grammar may have.
    fn check_count(&self) -> Result<(), GrammarError> {
        if self.states.len() + self.lexicons.len() >= self.limits.documents_max {
            let message = format!("the grammar refers to more than {} documents", self.limits.documents_max);
            return Err(GrammarError::too_large(message));
        }
        Ok(())
    }

    fn fault(&mut self, error: GrammarError, uri: &str) {
        // A fault in the grammar that was given itself needs no name.
        let error = if uri == self.name { error } else { error.within(uri) };
        self.state = State::Failed(error);
    }

    fn begin(&mut self, uri: &str) -> Result<(), GrammarError> {
        if has_scheme(uri, "builtin") {
            self.state = State::Ready(Box::new(Grammar::from_uri(uri)?));
            return Ok(());
        }
        let (document, fragment) = resolve("", uri)?;
        self.state = State::Waiting { fragment };
        self.states.insert(document.clone(), DocumentState::Asked { depth: 0 });
        self.requests.push_back(document);
        Ok(())
    }

    fn loaded(&mut self, uri: &str, base: String, document: Arc<GrammarDocument>) {
        if let Err(error) = self.take(uri, base, document) {
            self.fault(error, uri);
            return;
        }
        while let Some(address) = self.unvisited.pop() {
            if let Err((error, document)) = self.visit(address) {
                self.fault(error, &document);
                return;
            }
        }
        self.join();
    }

    /// Keeps a document and follows the references that waited for it.
    fn take(&mut self, uri: &str, base: String, document: Arc<GrammarDocument>) -> Result<(), GrammarError> {
        self.bytes = self.bytes.saturating_add(document.bytes);
        if self.bytes > self.limits.documents_bytes_max {
            let message =
                format!("the grammar and what it refers to have more than {} bytes", self.limits.documents_bytes_max);
            return Err(GrammarError::too_large(message));
        }
        let depth = match self.states.get(uri) {
            Some(DocumentState::Asked { depth }) => *depth,
            Some(DocumentState::Loaded(_)) | None => 0,
        };
        let base = match document.base() {
            Some(declared) => resolve(&base, declared)?.0,
            None => base,
        };
        let number = self.documents.len();
        let links = document.externals.iter().map(|_| None).collect();
        self.documents.push(Loaded { document, uri: uri.to_owned(), base, depth, links });
        self.states.insert(uri.to_owned(), DocumentState::Loaded(number));
        match &mut self.state {
            State::Waiting { fragment } => {
                let fragment = fragment.take();
                let root = self.rule_of(number, fragment.as_deref())?;
                self.state = State::Activated(root);
                self.unvisited.push(root);
            }
            State::Inline => {
                let root = self.rule_of(number, None).unwrap_or(RuleAddress { document: number, rule: RuleId::MAX });
                self.state = State::Activated(root);
                self.unvisited.push(root);
            }
            State::Activated(_) | State::Ready(_) | State::Failed(_) => {}
        }
        let waited;
        (waited, self.waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.uri == uri);
        for waiting in waited {
            self.link(&waiting, number)?;
        }
        Ok(())
    }

    /// The rule of a document that a reference with this fragment names.
    fn rule_of(&self, number: usize, fragment: Option<&str>) -> Result<RuleAddress, GrammarError> {
        let not_there = || GrammarError::syntax("the document is not loaded");
        let document = &self.documents.get(number).ok_or_else(not_there)?.document;
        let rule = match fragment {
            None => document.root.ok_or_else(|| GrammarError::syntax("the grammar names no root rule"))?,
            Some(name) => {
                let rule = document.rules_by_name.get(name).copied();
                let rule = rule.ok_or_else(|| GrammarError::syntax(format!("there is no rule {:?}", excerpt(name))))?;
                if !document.rule(rule).is_some_and(|rule| rule.is_public) {
                    let message = format!("rule {:?} is private", excerpt(name));
                    return Err(GrammarError::syntax(message));
                }
                rule
            }
        };
        Ok(RuleAddress { document: number, rule })
    }

    /// Follows the references of a rule; with an error comes the URI of the document at fault.
    fn visit(&mut self, address: RuleAddress) -> Result<(), (GrammarError, String)> {
        if !self.visited.insert(address) {
            return Ok(());
        }
        let Some(loaded) = self.documents.get(address.document) else { return Ok(()) };
        let document = Arc::clone(&loaded.document);
        let Some(rule) = document.rule(address.rule) else { return Ok(()) };
        let locals = rule.locals.iter().map(|rule| RuleAddress { document: address.document, rule: *rule });
        self.unvisited.extend(locals);
        let uri = loaded.uri.clone();
        for external in &rule.externals {
            self.follow(&document, address.document, *external).map_err(|error| {
                let position = document.external(*external).map(|external| external.position);
                // What is wrong elsewhere has its place there.
                let error = match (position, &error.uri) {
                    (Some(position), None) => error.at(position),
                    _ => error,
                };
                (error, uri.clone())
            })?;
        }
        Ok(())
    }

    fn follow(&mut self, document: &GrammarDocument, from: usize, external: u32) -> Result<(), GrammarError> {
        let Some(loaded) = self.documents.get(from) else { return Ok(()) };
        if loaded.links.get(index(external)).is_some_and(Option::is_some) {
            return Ok(());
        }
        let Some(reference) = document.external(external) else { return Ok(()) };
        if let Some(media_type) = &reference.media_type {
            srgs::check_media_type(media_type)?;
        }
        if has_scheme(&reference.uri, "builtin") {
            let link = builtin_link(&reference.uri, document.mode)?;
            self.set_link(from, external, link);
            return Ok(());
        }
        let depth = loaded.depth + 1;
        let (uri, fragment) = resolve(&loaded.base, &reference.uri)?;
        let waiting = Waiting { uri, fragment, from, external };
        match self.states.get(&waiting.uri).copied() {
            Some(DocumentState::Loaded(number)) => return self.link(&waiting, number),
            Some(DocumentState::Asked { .. }) => {}
            None => {
                if depth > self.limits.reference_depth_max {
                    let message =
                        format!("documents refer to each other more than {} deep", self.limits.reference_depth_max);
                    return Err(GrammarError::too_large(message));
                }
                self.check_count()?;
                self.states.insert(waiting.uri.clone(), DocumentState::Asked { depth });
                self.requests.push_back(waiting.uri.clone());
            }
        }
        self.waiting.push(waiting);
        Ok(())
    }

    /// Leads a reference to the document that it waited for.
    fn link(&mut self, waiting: &Waiting, number: usize) -> Result<(), GrammarError> {
        let address = self.rule_of(number, waiting.fragment.as_deref())?;
        let mode = |number: usize| self.documents.get(number).map(|loaded| loaded.document.mode);
        if mode(waiting.from) != mode(number) {
            let message = "a grammar for speech and one for keys cannot refer to each other";
            return Err(GrammarError::syntax(message));
        }
        let reference = match &waiting.fragment {
            Some(fragment) => format!("{}#{fragment}", waiting.uri),
            None => waiting.uri.clone(),
        };
        let link = Link { reference: reference.into(), to: LinkTarget::Rule(address) };
        self.set_link(waiting.from, waiting.external, link);
        self.unvisited.push(address);
        Ok(())
    }

    fn set_link(&mut self, from: usize, external: u32, link: Link) {
        let links = self.documents.get_mut(from).map(|loaded| &mut loaded.links);
        if let Some(slot) = links.and_then(|links| links.get_mut(index(external))) {
            *slot = Some(link);
        }
    }
}

fn has_scheme(uri: &str, scheme: &str) -> bool {
    uri.split_once(':').is_some_and(|(start, _)| start.eq_ignore_ascii_case(scheme))
}

fn builtin_link(uri: &str, mode: InputMode) -> Result<Link, GrammarError> {
    let grammar = Grammar::from_uri(uri)?;
    let accepts = match mode {
        InputMode::Speech => grammar.accepts_speech(),
        InputMode::Dtmf => grammar.accepts_dtmf(),
    };
    if !accepts {
        return Err(GrammarError::syntax("a grammar for speech and one for keys cannot refer to each other"));
    }
    if grammar.dialog().is_some() {
        let message = "a conversation cannot be part of a grammar";
        return Err(GrammarError::new(GrammarErrorKind::Unsupported, message));
    }
    let source = GrammarSource {
        uri: uri.to_owned(),
        mode,
        tag_format: TagFormat::Undeclared,
        global_tags: Vec::new(),
        language: grammar.language().map(|language| language.tag().to_owned()),
    };
    let path = crate::query::take_apart(uri).path.to_ascii_lowercase();
    let kind = path.rsplit(['/', ':']).next().unwrap_or_default().into();
    let to = LinkTarget::Builtin { grammar: Box::new(grammar), kind, source: Arc::new(source) };
    Ok(Link { reference: uri.into(), to })
}

/// A reference made absolute, and its fragment. What is neither hierarchical nor relative stays as it is.
fn resolve(base: &str, reference: &str) -> Result<(String, Option<String>), GrammarError> {
    let fault = |message: String| GrammarError::new(GrammarErrorKind::UnsupportedUri, message);
    if reference.len() > URI_BYTES_MAX {
        return Err(fault(format!("a URI has {} bytes, {URI_BYTES_MAX} are allowed", reference.len())));
    }
    let split = |uri: &str| match uri.split_once('#') {
        Some((uri, fragment)) if !fragment.is_empty() => (uri.to_owned(), Some(decoded(fragment))),
        Some((uri, _)) => (uri.to_owned(), None),
        None => (uri.to_owned(), None),
    };
    if has_scheme(reference, "session") {
        return Ok(split(reference));
    }
    let parsed = match Url::parse(reference) {
        Ok(absolute) => absolute,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let base = Url::parse(base).map_err(|_| {
                fault(format!("{:?} is a relative reference, and the grammar has no base URI", excerpt(reference)))
            })?;
            base.join(reference).map_err(|error| fault(format!("{:?} is no URI: {error}", excerpt(reference))))?
        }
        Err(error) => return Err(fault(format!("{:?} is no URI: {error}", excerpt(reference)))),
    };
    Ok(split(parsed.as_str()))
}

/// Rule names may have characters that a URI holds percent-encoded only.
fn decoded(fragment: &str) -> String {
    percent_encoding::percent_decode_str(fragment).decode_utf8_lossy().into_owned()
}
