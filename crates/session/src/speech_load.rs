//! Getting together what one SPEAK says: documents by URI in their order, the parts of a multipart body, and recordings
//! (RFC 6787 section 8.5.1). All of it is there before the SPEAK is answered, or the answer says what is not.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use media::ClockRate;
use mrcp::synthesizer::{Failure, FailureKind};
use mrcp::{CodingError, ContentError, Entity, FetchParams, RequestId};
use speech::{Segment, SpeechDocument, SpeechMarkupError, SpeechMarkupErrorKind};

use crate::commons::Commons;
use crate::fetching::{AudioSource, FetchFailure, FetchKey, FetchPurpose, FetchRequest, Fetched, LoadedAudio};
use crate::output::Output;

/// Documents and recordings of one SPEAK.
const SOURCES_MAX: usize = 64;

/// How a document is read: as all of SSML, or as the little that `basicsynth` takes.
pub(crate) type Reader = fn(&str, &[u8]) -> Result<SpeechDocument, SpeechMarkupError>;

/// The loading of what one SPEAK says.
#[derive(Debug)]
pub(crate) struct SpeechLoad {
    pub(crate) request_id: RequestId,
    read: Reader,
    fetch: FetchParams,
    clock_rate: ClockRate,
    nodes: Vec<Node>,
    /// Parts of the body that markup refers to, by Content-ID.
    parts: HashMap<String, (String, Bytes)>,
    /// By URI.
    recordings: HashMap<String, Recording>,
    lexicons: Vec<String>,
    is_markup: bool,
    sources: usize,
}

/// What a SPEAK says, with everything at hand.
#[derive(Debug, Clone)]
pub(crate) struct Speech {
    /// Its URIs are absolute, and each recording in it is in `recordings`.
    pub(crate) document: SpeechDocument,
    pub(crate) recordings: Recordings,
}

/// Recordings that are ready, by URI: their key and length in samples.
pub(crate) type Recordings = HashMap<String, (FetchKey, u64)>;

/// One place in what is said.
#[derive(Debug)]
enum Node {
    /// A document is awaited.
    Document { key: FetchKey, uri: String },
    /// A recording, and what is said when it cannot be had.
    Recording { uri: String, fallback: Vec<Segment>, base: Option<String> },
    /// It is there.
    Ready(Segment),
}

/// Where a recording stands.
#[derive(Debug)]
enum Recording {
    Loading { key: FetchKey },
    Ready { key: FetchKey, samples: u64 },
    Failed(FetchFailure),
}

/// What a load works with.
pub(crate) struct Surroundings<'a> {
    pub(crate) keys: &'a mut Commons,
    pub(crate) outputs: &'a mut VecDeque<Output>,
}

impl SpeechLoad {
    /// Begins; [`Self::finish`] tells whether that was all.
    ///
    /// # Errors
    /// What is wrong at first sight. Nothing is under way then.
    pub(crate) fn begin(
        request_id: RequestId,
        content: Entity,
        body_bytes_max: usize,
        read: Reader,
        fetch: FetchParams,
        clock_rate: ClockRate,
        with: &mut Surroundings<'_>,
    ) -> Result<Self, Failure> {
        let mut load = Self {
            request_id,
            read,
            fetch,
            clock_rate,
            nodes: Vec::new(),
            parts: HashMap::new(),
            recordings: HashMap::new(),
            lexicons: Vec::new(),
            is_markup: false,
            sources: 0,
        };
        let begun = load.push_all(content, body_bytes_max, with).and_then(|()| load.settle(with));
        match begun {
            Ok(()) => Ok(load),
            Err(failure) => {
                load.abandon(with.outputs);
                Err(failure)
            }
        }
    }

    /// Whether it waits for that.
    pub(crate) fn awaits(&self, wanted: FetchKey) -> bool {
        let is_document = |node: &Node| matches!(node, Node::Document { key, .. } if *key == wanted);
        let is_recording = |recording: &Recording| matches!(recording, Recording::Loading { key } if *key == wanted);
        self.nodes.iter().any(is_document) || self.recordings.values().any(is_recording)
    }

    /// A document has come, or will not.
    ///
    /// # Errors
    /// Why the SPEAK cannot be spoken. Nothing is under way then.
    pub(crate) fn fetched(
        &mut self,
        wanted: FetchKey,
        outcome: Result<Fetched, FetchFailure>,
        with: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        let is_it = |node: &Node| matches!(node, Node::Document { key, .. } if *key == wanted);
        let Some(at) = self.nodes.iter().position(is_it) else { return Ok(()) };
        let Node::Document { uri, .. } = self.nodes.remove(at) else { return Ok(()) };
        let went = self.take_document(at, uri, outcome, with).and_then(|()| self.settle(with));
        self.or_abandon(went, with)
    }

    /// A recording is ready, or will not be.
    ///
    /// # Errors
    /// As [`Self::fetched`].
    pub(crate) fn audio_loaded(
        &mut self,
        wanted: FetchKey,
        outcome: Result<LoadedAudio, FetchFailure>,
        with: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        let is_it = |recording: &&mut Recording| matches!(recording, Recording::Loading { key } if *key == wanted);
        if let Some(recording) = self.recordings.values_mut().find(is_it) {
            *recording = match outcome {
                Ok(loaded) => Recording::Ready { key: wanted, samples: loaded.samples },
                Err(failure) => Recording::Failed(failure),
            };
        }
        let went = self.settle(with);
        self.or_abandon(went, with)
    }

    /// Everything, once it is there.
    pub(crate) fn finish(&mut self) -> Option<Speech> {
        let is_there = |node: &Node| match node {
            Node::Document { .. } => false,
            Node::Recording { uri, .. } => matches!(self.recordings.get(uri), Some(Recording::Ready { .. })),
            Node::Ready(_) => true,
        };
        if !self.nodes.iter().all(is_there) {
            return None;
        }
        let segments = self.nodes.drain(..).filter_map(|node| match node {
            Node::Document { .. } => None,
            Node::Recording { uri, .. } => Some(Segment::Audio { src: uri, fallback: Vec::new() }),
            Node::Ready(segment) => Some(segment),
        });
        let document = SpeechDocument {
            segments: segments.collect(),
            is_markup: self.is_markup,
            lexicons: std::mem::take(&mut self.lexicons),
            base: None,
        };
        let recordings = self.recordings.drain().filter_map(|(uri, recording)| match recording {
            Recording::Ready { key, samples } => Some((uri, (key, samples))),
            Recording::Loading { .. } | Recording::Failed(_) => None,
        });
        Some(Speech { document, recordings: recordings.collect() })
    }

    /// Nothing of it is wanted any more.
    pub(crate) fn abandon(&mut self, outputs: &mut VecDeque<Output>) {
        let documents = self.nodes.drain(..).filter_map(|node| match node {
            Node::Document { key, .. } => Some(key),
            Node::Recording { .. } | Node::Ready(_) => None,
        });
        let recordings = self.recordings.drain().filter_map(|(_, recording)| match recording {
            Recording::Loading { key } | Recording::Ready { key, .. } => Some(key),
            Recording::Failed(_) => None,
        });
        outputs.extend(documents.chain(recordings).map(|key| Output::Abandon { key }));
    }

    fn or_abandon(&mut self, went: Result<(), Failure>, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        if went.is_err() {
            self.abandon(with.outputs);
        }
        went
    }

    fn push_all(&mut self, content: Entity, bytes_max: usize, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        let (mut spoken, mut recorded) = (Vec::new(), Vec::new());
        for part in content.parts(bytes_max).map_err(unreadable)? {
            let kind = part.content_type.clone().unwrap_or_else(|| "text/plain".to_owned());
            match part.content_id.clone().filter(|_| is_audio(&kind)) {
                Some(content_id) => recorded.push((content_id, (kind, part.body))),
                None => spoken.push((kind, part)),
            }
        }
        self.parts.extend(recorded);
        for (kind, part) in spoken {
            if mrcp::media_type(&kind) == "text/uri-list" {
                self.push_list(&part, with)?;
            } else if is_audio(&kind) {
                // A recording that nothing refers to is spoken where it stands.
                let uri = format!("cid:{}", self.nodes.len());
                let source = AudioSource::Inline { content_type: kind, content: part.body };
                self.load_audio(uri.clone(), source, with)?;
                self.nodes.push(Node::Recording { uri, fallback: Vec::new(), base: None });
            } else {
                let document = (self.read)(&kind, &part.body).map_err(|error| unspeakable(&error, ""))?;
                let nodes = self.nodes_of(document, part.base.as_deref());
                self.nodes.extend(nodes);
            }
        }
        Ok(())
    }

    fn push_list(&mut self, list: &Entity, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(&list.body).into_owned();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let absolute = absolute(line, list.base.as_deref());
            let document = (self.read)("text/uri-list", absolute.as_bytes());
            for segment in document.map_err(|error| unspeakable(&error, line))?.segments {
                let Segment::Audio { src, .. } = segment else {
                    self.nodes.push(Node::Ready(segment));
                    continue;
                };
                self.count(&src)?;
                let key = with.keys.next_fetch();
                let request =
                    FetchRequest { uri: src.clone(), purpose: FetchPurpose::Speech, params: self.fetch.clone() };
                with.outputs.push_back(Output::Fetch { key, request });
                self.nodes.push(Node::Document { key, uri: src });
            }
        }
        Ok(())
    }

    fn take_document(
        &mut self,
        at: usize,
        uri: String,
        outcome: Result<Fetched, FetchFailure>,
        with: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        let fetched = outcome.map_err(|failure| unavailable(&uri, &failure))?;
        let kind = fetched.content_type.unwrap_or_default();
        if is_audio(&kind) || fetched.content.starts_with(b"RIFF") {
            let source = AudioSource::Inline { content_type: kind, content: fetched.content };
            self.load_audio(uri.clone(), source, with)?;
            self.nodes.insert(at, Node::Recording { uri, fallback: Vec::new(), base: None });
            return Ok(());
        }
        let kind = match mrcp::media_type(&kind).as_str() {
            // What servers say of anything; then the document itself tells.
            "application/octet-stream" => String::new(),
            "text/uri-list" => {
                let failure = FetchFailure {
                    cause: "not-speech".to_owned(),
                    reason: "a list of URIs leads to another one".to_owned(),
                    ..FetchFailure::default()
                };
                return Err(unavailable(&uri, &failure));
            }
            _ => kind,
        };
        let document = (self.read)(&kind, &fetched.content).map_err(|error| unspeakable(&error, &uri))?;
        let nodes = self.nodes_of(document, Some(&fetched.location));
        self.nodes.splice(at..at, nodes);
        Ok(())
    }

    fn nodes_of(&mut self, document: SpeechDocument, outer: Option<&str>) -> Vec<Node> {
        let base = document.base.map(|base| absolute(&base, outer)).or_else(|| outer.map(str::to_owned));
        self.is_markup |= document.is_markup;
        self.lexicons.extend(document.lexicons.iter().map(|lexicon| absolute(lexicon, base.as_deref())));
        nodes(document.segments, base.as_deref())
    }

    /// Starts what is not under way; puts what is said instead in the place of what cannot be had.
    fn settle(&mut self, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            let Node::Recording { uri, .. } = node else {
                at += 1;
                continue;
            };
            let uri = uri.clone();
            match self.recordings.get(&uri) {
                Some(Recording::Loading { .. } | Recording::Ready { .. }) => at += 1,
                None => {
                    self.find_audio(uri, with)?;
                    // It may have failed at once.
                }
                Some(Recording::Failed(failure)) => {
                    let failure = failure.clone();
                    let Node::Recording { fallback, base, .. } = self.nodes.remove(at) else { continue };
                    if fallback.is_empty() {
                        return Err(unavailable(&uri, &failure));
                    }
                    self.nodes.splice(at..at, nodes(fallback, base.as_deref()));
                }
            }
        }
        Ok(())
    }

    fn find_audio(&mut self, uri: String, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        let Some(content_id) = uri.strip_prefix("cid:") else {
            let request = FetchRequest { uri: uri.clone(), purpose: FetchPurpose::Audio, params: self.fetch.clone() };
            return self.load_audio(uri, AudioSource::Uri(request), with);
        };
        match self.parts.get(content_id).cloned() {
            Some((content_type, content)) => self.load_audio(uri, AudioSource::Inline { content_type, content }, with),
            None => {
                let failure = FetchFailure {
                    cause: "undefined".to_owned(),
                    reason: "the body has no part of that name".to_owned(),
                    ..FetchFailure::default()
                };
                self.recordings.insert(uri, Recording::Failed(failure));
                Ok(())
            }
        }
    }

    fn load_audio(&mut self, uri: String, source: AudioSource, with: &mut Surroundings<'_>) -> Result<(), Failure> {
        self.count(&uri)?;
        let key = with.keys.next_fetch();
        with.outputs.push_back(Output::LoadAudio { key, source, clock_rate: self.clock_rate });
        self.recordings.insert(uri, Recording::Loading { key });
        Ok(())
    }

    fn count(&mut self, uri: &str) -> Result<(), Failure> {
        self.sources += 1;
        if self.sources > SOURCES_MAX {
            let failure = FetchFailure {
                cause: "too-many".to_owned(),
                reason: format!("more than {SOURCES_MAX} documents and recordings in one request"),
                ..FetchFailure::default()
            };
            return Err(unavailable(uri, &failure));
        }
        Ok(())
    }
}

fn nodes(segments: Vec<Segment>, base: Option<&str>) -> Vec<Node> {
    let node = |segment| match segment {
        Segment::Audio { src, fallback } => {
            Node::Recording { uri: absolute(&src, base), fallback, base: base.map(str::to_owned) }
        }
        other => Node::Ready(other),
    };
    segments.into_iter().map(node).collect()
}

/// A URI as it is used: what is relative is so to `base`, where there is one.
pub(crate) fn absolute(uri: &str, base: Option<&str>) -> String {
    if url::Url::parse(uri).is_ok() {
        return uri.to_owned();
    }
    let joined = base.and_then(|base| url::Url::parse(base).ok()).and_then(|base| base.join(uri).ok());
    joined.map_or_else(|| uri.to_owned(), String::from)
}

fn is_audio(content_type: &str) -> bool {
    mrcp::media_type(content_type).starts_with("audio/")
}

fn unavailable(uri: &str, failure: &FetchFailure) -> Failure {
    let kind = FailureKind::Uri { uri: uri.to_owned(), cause: failure.cause.clone() };
    Failure::new(kind, failure.reason.clone())
}

fn unreadable(error: ContentError) -> Failure {
    match error {
        ContentError::Coding(CodingError::Unknown) => {
            Failure::new(FailureKind::MediaType, "the content encoding is not supported")
        }
        ContentError::Coding(CodingError::TooLarge) => {
            Failure::new(FailureKind::Parse, "the decoded body is too large")
        }
        ContentError::Coding(CodingError::Malformed) => {
            Failure::new(FailureKind::Parse, "a part is not of its content encoding")
        }
        ContentError::Malformed => Failure::new(FailureKind::Parse, "the parts of the body cannot be told apart"),
    }
}

/// A document that cannot be spoken; `uri` names it when it is not the body itself.
fn unspeakable(error: &SpeechMarkupError, uri: &str) -> Failure {
    let kind = match error.kind {
        SpeechMarkupErrorKind::UnsupportedMediaType if !uri.is_empty() => {
            FailureKind::Uri { uri: uri.to_owned(), cause: "not-speech".to_owned() }
        }
        SpeechMarkupErrorKind::UnsupportedMediaType => FailureKind::MediaType,
        SpeechMarkupErrorKind::Syntax | SpeechMarkupErrorKind::TooLarge => FailureKind::Parse,
        SpeechMarkupErrorKind::Uri => FailureKind::Uri { uri: uri.to_owned(), cause: "unsupported".to_owned() },
    };
    Failure::new(kind, error.to_string())
}
