//! One SPEAK being spoken: what is still to be said, what is being synthesized, what has been played.
//!
//! Two utterances are under way at most: one that plays and one that is synthesized meanwhile. So the first audio comes
//! early, ten slow calls do not hold ten synthesis threads, and a stop throws little away.
//!
//! Where in the audio something is, is known to the sample: the leg says where each utterance ended. A jump stops what
//! plays, waits for the leg to say where that was, and goes on from the place it leads to. How long a piece is that was
//! never synthesized nobody knows, so a jump ahead begins the piece it may lie in, and goes on behind it when it turns out
//! to be too short.

mod clause;
mod script;

use std::collections::VecDeque;
use std::time::Instant;

use media::{LegEvent, PlaySpan, PlayoutOutcome, UtteranceId};
use speech::{DialogReplyUri, Language, Prosody, Segment};

pub(crate) use self::clause::ClauseSlot;
use self::clause::{ClausePiece, Clauses};
use self::script::{Length, Piece, Position, Script};
use crate::fetching::FetchKey;
use crate::output::{Progress, Speaker, Utterance};
use crate::speech_load::{Recordings, Speech};

/// Utterances that are synthesized or played at the same time.
const UNDER_WAY_MAX: usize = 2;
/// Clauses of a reply that wait; `speech` bounds the body, this bounds a reply that does not end.
const CLAUSES_MAX: usize = 4_096;

/// How the voice of a SPEAK is chosen where its markup is silent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VoiceDefaults {
    pub(crate) language: Language,
    pub(crate) voice: Option<String>,
    pub(crate) prosody: Prosody,
    /// The names of the voices that there are; empty: whatever is asked for is taken for one.
    pub(crate) voices: Vec<String>,
    /// Whether clips say it, and not a voice.
    pub(crate) has_clips: bool,
}

impl VoiceDefaults {
    /// The voice for `names`, one or several with spaces between, the most wanted first; names may hold spaces themselves.
    /// Without a known one the default holds, as SSML has it.
    pub(crate) fn voice_of(&self, names: Option<&str>) -> Option<String> {
        let known = |name: &str| self.voices.iter().find(|known| known.eq_ignore_ascii_case(name)).cloned();
        let chosen = names.and_then(|names| {
            if self.voices.is_empty() {
                return names.split_whitespace().next().map(str::to_owned);
            }
            known(names.trim()).or_else(|| names.split_whitespace().find_map(known))
        });
        chosen.or_else(|| self.voice.clone())
    }
}

/// A clause of a conversation's reply, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// The words; may be empty where markup says something that has none.
    pub(crate) text: String,
    pub(crate) language: Language,
    pub(crate) voice: Option<String>,
    pub(crate) cacheable: bool,
}

/// Where speaking goes on, at the rate of the leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// So many samples on.
    Ahead(u64),
    /// So many samples back.
    Back(u64),
    /// So many samples from the beginning.
    At(u64),
    /// At the mark of this name.
    Mark(String),
}

/// How much is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Limit {
    /// So many samples.
    Samples(u64),
    /// Until the mark of this name.
    Mark(String),
}

/// How a prompt is changed while it is spoken.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PromptChange {
    pub(crate) target: Option<Target>,
    pub(crate) limit: Option<Limit>,
    /// What holds where the markup is silent from now on.
    pub(crate) prosody: Option<Prosody>,
}

/// Why a prompt cannot be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeRefused {
    /// There is no such mark.
    NoSuchMark,
    /// What a conversation says is not kept.
    IsReply,
}

impl std::fmt::Display for ChangeRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoSuchMark => "there is no such mark",
            Self::IsReply => "what a conversation says can only be spoken as a whole",
        })
    }
}

/// What a prompt wants done, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PromptOutput {
    /// Synthesize, and play this part of it.
    Synthesize { utterance: UtteranceId, what: Utterance, span: PlaySpan },
    /// Play this part of so much silence.
    Silence { utterance: UtteranceId, samples: u64, span: PlaySpan },
    /// Play this part of a recording that is ready.
    PlayRecording { utterance: UtteranceId, key: FetchKey, span: PlaySpan },
    /// Stop what plays and waits; the leg says where it was.
    StopPlaying,
    /// A change has taken place. `restarted`: a jump back led to the beginning.
    Changed { restarted: bool },
    /// Ask the conversation what to say.
    Attach(DialogReplyUri),
    /// A clause of the conversation's reply sounds, with this utterance.
    ClauseStarted { clause: u32, utterance: UtteranceId, at: Instant },
    /// So much of the conversation's reply has been played.
    Played(Progress),
    /// Playing has come to a mark. `at`: when; `None` when there is nothing that sounds.
    Mark { name: String, at: Option<Instant> },
    /// Everything has been played. `at`: when the last of it had sounded.
    Finished { at: Option<Instant> },
    /// It cannot go on: what plays is to be stopped.
    Failed { reason: String },
}

/// An utterance that is synthesized or played.
#[derive(Debug, Clone, PartialEq)]
struct UnderWay {
    utterance: UtteranceId,
    source: Source,
    span: PlaySpan,
    /// Length of its audio in samples, once that is complete.
    length: Option<u64>,
    /// Marks that are passed when it begins.
    marks: Vec<PassedMark>,
}

/// A mark that is passed when what stands behind it begins.
#[derive(Debug, Clone, PartialEq)]
struct PassedMark {
    piece: usize,
    name: String,
}

/// Where an utterance comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A piece of the body.
    Piece(usize),
    /// A piece of a clause of the conversation. `is_last`: the clause is over with it; `is_only`: it is all of it.
    /// `begins`: the clause of this number begins with it.
    Clause { is_last: bool, is_only: bool, begins: Option<u32> },
}

/// Where the conversation's part of the prompt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    /// No reply is being spoken: pieces come from the body.
    None,
    /// Clauses may still come; what follows in the body waits.
    Open,
}

/// Whether the prompt goes on.
#[derive(Debug, Clone, PartialEq)]
enum State {
    /// Pieces are started as there is room.
    Running,
    /// Everything was stopped for a change. `at`: where the first utterance was that did not come to its end.
    Holding { change: PromptChange, at: Option<Position> },
    /// Nothing more is started.
    Over,
}

/// The prompt of one SPEAK.
#[derive(Debug)]
pub(crate) struct Prompt {
    defaults: VoiceDefaults,
    rate_hz: u32,
    script: Script,
    /// The piece that is started next.
    next_piece: usize,
    /// Samples to be left out before anything sounds.
    skip: u64,
    /// What may still be played, counted from the next piece.
    limit: Option<Limit>,
    /// Marks before what sounds next.
    marks: Vec<PassedMark>,
    /// Clauses of the open reply; they go before the body.
    clauses: Clauses,
    reply: Reply,
    under_way: VecDeque<UnderWay>,
    state: State,
    next_utterance: u64,
    /// When the last utterance had sounded.
    sounded: Option<Instant>,
    clauses_begun: u32,
    clauses_played: u32,
    clauses_played_ms: u64,
    /// What was played of the clause under way, its pieces that are over.
    clause_before_ms: u64,
    /// The next piece is the first of its clause.
    is_clause_begun: bool,
    outputs: VecDeque<PromptOutput>,
}

impl Prompt {
    /// A prompt that speaks `segments` on a leg of `rate_hz`, changed by `start` from the beginning. Nothing is started before
    /// [`Self::begin`].
    ///
    /// # Errors
    /// When `start` cannot be.
    pub(crate) fn new(
        segments: Vec<Segment>,
        recordings: &Recordings,
        defaults: VoiceDefaults,
        rate_hz: u32,
        start: PromptChange,
    ) -> Result<Self, ChangeRefused> {
        let mut faults = VecDeque::new();
        let mut pieces = Vec::new();
        for segment in segments {
            push_segment(segment, &defaults, recordings, rate_hz, &mut pieces, &mut faults);
        }
        let mut prompt = Self {
            defaults,
            rate_hz,
            script: Script::new(pieces, rate_hz),
            next_piece: 0,
            skip: 0,
            limit: None,
            marks: Vec::new(),
            clauses: Clauses::default(),
            reply: Reply::None,
            under_way: VecDeque::new(),
            state: State::Running,
            next_utterance: 0,
            sounded: None,
            clauses_begun: 0,
            clauses_played: 0,
            clauses_played_ms: 0,
            clause_before_ms: 0,
            is_clause_begun: false,
            outputs: VecDeque::new(),
        };
        prompt.check(&start)?;
        prompt.apply(start, Position::default());
        if let Some(reason) = faults.pop_front() {
            prompt.fail(&reason);
        }
        Ok(prompt)
    }

    /// Begins. Utterance ids count from `first_utterance`, which the leg has never seen.
    pub(crate) fn begin(&mut self, first_utterance: u64) {
        self.next_utterance = first_utterance;
        self.advance();
    }

    /// Whether anything of it is being synthesized or played.
    pub(crate) fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// The id after the last one used.
    pub(crate) fn next_utterance(&self) -> u64 {
        self.next_utterance
    }

    /// Whether this prompt gave the id out and has not seen its end.
    pub(crate) fn owns(&self, utterance: UtteranceId) -> bool {
        self.under_way.iter().any(|under_way| under_way.utterance == utterance)
    }

    /// Whether a change waits for the leg to say where it was.
    pub(crate) fn is_changing(&self) -> bool {
        matches!(self.state, State::Holding { .. })
    }

    /// What holds where the markup is silent.
    pub(crate) fn prosody(&self) -> Prosody {
        self.defaults.prosody
    }

    /// Changes what is spoken from now on. Answered by [`PromptOutput::Changed`]; one at a time.
    ///
    /// # Errors
    /// When it cannot be; nothing has happened then.
    pub(crate) fn change(&mut self, change: PromptChange) -> Result<(), ChangeRefused> {
        self.check(&change)?;
        self.state = State::Holding { change, at: None };
        if self.under_way.is_empty() {
            self.go_on();
        } else {
            self.outputs.push_back(PromptOutput::StopPlaying);
        }
        Ok(())
    }

    /// A clause of the reply: what `speech` says, or its words.
    pub(crate) fn say(&mut self, said: &Said, speech: Option<Speech>) {
        if self.takes_clause() {
            let pieces = self.pieces_of(said, speech);
            self.clauses.push(pieces);
            self.advance();
        }
    }

    /// Whether clauses of a reply are spoken.
    pub(crate) fn is_replying(&self) -> bool {
        self.reply == Reply::Open && self.state != State::Over
    }

    /// A clause of the reply whose recordings are on their way; [`Self::fill_clause`] follows.
    pub(crate) fn await_clause(&mut self) -> ClauseSlot {
        // Where there are too many the prompt has ended.
        self.takes_clause();
        self.clauses.push_awaited()
    }

    /// What an awaited clause says.
    pub(crate) fn fill_clause(&mut self, slot: ClauseSlot, said: &Said, speech: Option<Speech>) {
        let pieces = self.pieces_of(said, speech);
        self.clauses.fill(slot, pieces);
        self.advance();
    }

    fn takes_clause(&mut self) -> bool {
        if matches!(self.state, State::Over) || self.reply == Reply::None {
            return false;
        }
        if self.clauses.len() >= CLAUSES_MAX {
            self.fail("the reply has too many clauses");
            return false;
        }
        true
    }

    /// The pieces of a clause. Something of it sounds, if only a moment of silence: it counts as a clause that was played.
    fn pieces_of(&self, said: &Said, speech: Option<Speech>) -> VecDeque<Piece> {
        let voice = self.defaults.voice_of(said.voice.as_deref());
        let (language, cacheable) = (said.language, said.cacheable);
        let mut pieces = Vec::new();
        match speech {
            Some(Speech { document, recordings }) => {
                let defaults = VoiceDefaults { language, voice, has_clips: false, ..self.defaults.clone() };
                // What is not there was replaced when it was loaded.
                let mut faults = VecDeque::new();
                for segment in document.segments {
                    push_segment(segment, &defaults, &recordings, self.rate_hz, &mut pieces, &mut faults);
                }
                for piece in &mut pieces {
                    if let Piece::Speak { what, .. } = piece {
                        what.cacheable = cacheable;
                    }
                }
                pieces.retain(|piece| !matches!(piece, Piece::Reply(_)));
            }
            None if said.text.trim().is_empty() => {}
            None => {
                let (text, prosody, speaker) = (said.text.clone(), self.defaults.prosody, Speaker::Voice);
                let what = Utterance { text, language, voice, prosody, cacheable, speaker };
                pieces.push(Piece::Speak { what, own: Prosody::default(), length: Length::Unknown });
            }
        }
        if !pieces.iter().any(Piece::sounds) {
            pieces.push(Piece::Silence { samples: u64::from(self.rate_hz) / 100 });
        }
        pieces.into()
    }

    /// The reply has no more clauses.
    pub(crate) fn reply_ended(&mut self) {
        self.reply = Reply::None;
        self.advance();
    }

    /// The audio of an utterance is complete, so many samples, or will not be.
    pub(crate) fn synthesized(&mut self, utterance: UtteranceId, outcome: Result<u64, String>) {
        match outcome {
            Ok(length) => {
                if self.learn(utterance, length) {
                    self.advance();
                }
            }
            // What was stopped for a change is given up by its synthesizer, too.
            Err(_) if self.is_changing() => {}
            Err(reason) if self.owns(utterance) => self.fail(&reason),
            Err(_) => {}
        }
    }

    /// What the leg reports of one of this prompt's utterances.
    pub(crate) fn played(&mut self, event: LegEvent) {
        match event {
            LegEvent::PlayoutStarted { utterance, at } => self.started(utterance, at),
            LegEvent::PlayoutFinished { utterance, at, played_ms, position_samples, outcome } => {
                let Some(index) = self.under_way.iter().position(|known| known.utterance == utterance) else { return };
                if matches!(outcome, PlayoutOutcome::Completed) {
                    self.learn_from_end(utterance, position_samples);
                }
                let Some(done) = self.under_way.remove(index) else { return };
                if outcome != PlayoutOutcome::Failed && played_ms > 0 {
                    self.sounded = Some(at);
                }
                match outcome {
                    PlayoutOutcome::Completed => self.completed(&done, played_ms),
                    PlayoutOutcome::Failed if !self.is_changing() => self.fail("audio could not be produced"),
                    PlayoutOutcome::Failed | PlayoutOutcome::Stopped => self.stopped(&done, position_samples),
                }
            }
            LegEvent::Dtmf { .. } | LegEvent::CaptureOverrun { .. } | LegEvent::DtmfSent | LegEvent::PeerSilent => {}
        }
    }

    /// How far the reply has come, with what the leg says of the utterance that plays now.
    pub(crate) fn progress(&self, playing: Option<(UtteranceId, u64)>) -> Progress {
        let partial = playing.and_then(|(utterance, played_ms)| {
            let now = self.under_way.iter().find(|under_way| under_way.utterance == utterance)?;
            let Source::Clause { is_only, .. } = now.source else { return None };
            // Of a clause in pieces nobody knows the whole length.
            let length = now.length.filter(|_| is_only);
            Some((played_ms, length.map(|samples| samples * 1000 / u64::from(self.rate_hz.max(1)))))
        });
        let (partial_ms, partial_of_ms) = partial.unwrap_or((0, None));
        let partial_ms = self.clause_before_ms + partial_ms;
        let clamp = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        Progress {
            clauses: self.clauses_played,
            partial_ms: clamp(partial_ms),
            partial_of_ms: partial_of_ms.map(clamp),
            played_ms: clamp(self.clauses_played_ms + partial_ms),
        }
    }

    /// The next thing to do, until `None`.
    pub(crate) fn poll_output(&mut self) -> Option<PromptOutput> {
        self.outputs.pop_front()
    }

    fn check(&self, change: &PromptChange) -> Result<(), ChangeRefused> {
        if let Some(Target::Mark(name)) = &change.target
            && self.script.mark(name).is_none()
        {
            return Err(ChangeRefused::NoSuchMark);
        }
        let is_change = change.target.is_some() || change.limit.is_some() || change.prosody.is_some();
        if is_change && self.script.has_reply() { Err(ChangeRefused::IsReply) } else { Ok(()) }
    }

    /// Sets where and how speaking goes on, `from` being where it is. Whether a jump back led to the beginning.
    fn apply(&mut self, change: PromptChange, from: Position) -> bool {
        let PromptChange { target, limit, prosody } = change;
        let mut from = from;
        if let Some(to) = prosody {
            from = self.script.set_prosody(self.defaults.prosody, to, from);
            self.defaults.prosody = to;
        }
        if limit.is_some() {
            self.limit = limit;
        }
        let (position, ahead, restarted) = match target {
            None => (from, 0, false),
            Some(Target::Ahead(samples)) => (from, samples, false),
            Some(Target::Back(samples)) => match self.script.back(from, samples) {
                Some(position) => (position, 0, false),
                None => (Position::default(), 0, true),
            },
            Some(Target::At(samples)) => (Position::default(), samples, samples == 0 && from > Position::default()),
            // Checked before.
            Some(Target::Mark(name)) => (self.script.mark(&name).unwrap_or(from), 0, false),
        };
        self.next_piece = position.piece;
        self.skip = position.samples.saturating_add(ahead);
        self.marks.clear();
        restarted
    }

    /// The leg has said where everything was: the change is made, and speaking goes on.
    fn go_on(&mut self) {
        let State::Holding { change, at } = std::mem::replace(&mut self.state, State::Running) else { return };
        // Marks that nothing has sounded behind are still to be passed.
        let next = self.marks.first().map_or(self.next_piece, |mark| mark.piece);
        let from = at.unwrap_or(Position { piece: next, samples: self.skip });
        let restarted = self.apply(change, from);
        self.outputs.push_back(PromptOutput::Changed { restarted });
        self.advance();
    }

    fn started(&mut self, utterance: UtteranceId, at: Instant) {
        if let Some(now) = self.under_way.iter_mut().find(|under_way| under_way.utterance == utterance) {
            for PassedMark { name, .. } in std::mem::take(&mut now.marks) {
                self.outputs.push_back(PromptOutput::Mark { name, at: Some(at) });
            }
            if let Source::Clause { begins: Some(clause), .. } = now.source {
                self.outputs.push_back(PromptOutput::ClauseStarted { clause, utterance, at });
            }
        }
    }

    fn completed(&mut self, done: &UnderWay, played_ms: u64) {
        match done.source {
            Source::Clause { is_last: false, .. } => self.clause_before_ms += played_ms,
            Source::Clause { is_last: true, .. } => {
                self.clauses_played += 1;
                self.clauses_played_ms += played_ms + std::mem::take(&mut self.clause_before_ms);
                self.outputs.push_back(PromptOutput::Played(self.progress(None)));
            }
            Source::Piece(_) => {}
        }
        match &self.state {
            State::Running => self.advance(),
            State::Holding { .. } if self.under_way.is_empty() => self.go_on(),
            State::Holding { .. } | State::Over => {}
        }
    }

    /// What is stopped without a change is over for good, and nobody asks.
    fn stopped(&mut self, done: &UnderWay, position_samples: u64) {
        let State::Holding { at, .. } = &mut self.state else { return };
        let position = position_samples.max(done.span.from);
        if let Source::Piece(piece) = done.source {
            let here = match done.marks.first() {
                Some(mark) => Position { piece: mark.piece, samples: 0 },
                None => Position { piece, samples: position },
            };
            *at = Some(at.map_or(here, |known| known.min(here)));
        }
        // What was not played may still be.
        if let (Some(Limit::Samples(left)), Some(until)) = (&mut self.limit, done.span.until) {
            *left = match done.length {
                Some(length) => left.saturating_add(length.min(until).saturating_sub(position)),
                None => until.saturating_sub(position),
            };
        }
        if self.under_way.is_empty() {
            self.go_on();
        }
    }

    /// Notes the length of an utterance; `true` when the next one can be started now that it is known.
    fn learn(&mut self, utterance: UtteranceId, length: u64) -> bool {
        let Some(known) = self.under_way.iter_mut().find(|under_way| under_way.utterance == utterance) else {
            return false;
        };
        if known.length.replace(length).is_some() {
            return false;
        }
        let span = known.span;
        if let Source::Piece(piece) = known.source {
            self.script.learn(piece, length);
        }
        if !is_measured(span) {
            return false;
        }
        self.account(span, length);
        true
    }

    /// An utterance that was played to its end tells its length, unless it was cut off.
    fn learn_from_end(&mut self, utterance: UtteranceId, position_samples: u64) {
        let Some(known) = self.under_way.iter().find(|under_way| under_way.utterance == utterance) else { return };
        let (span, is_known) = (known.span, known.length.is_some());
        if is_known {
            return;
        }
        if span.until == Some(position_samples) {
            // As much as was allowed; how long the rest is nobody asks any more.
            self.account(span, position_samples);
        } else {
            self.learn(utterance, position_samples);
        }
    }

    /// Takes a piece of this length, of which `span` is played, from what is to be skipped and what may be played.
    fn account(&mut self, span: PlaySpan, length: u64) {
        self.skip = span.from.saturating_sub(length);
        if let (Some(Limit::Samples(left)), Some(until)) = (&mut self.limit, span.until) {
            *left = until.saturating_sub(length.max(span.from));
        }
    }

    /// Starts what there is room for; finishes when nothing is left.
    fn advance(&mut self) {
        while self.state == State::Running && self.under_way.len() < UNDER_WAY_MAX {
            if let Some(piece) = self.clauses.next_piece() {
                self.start_clause_piece(piece);
                continue;
            }
            if !self.clauses.is_empty() {
                return;
            }
            // Where the next piece begins depends on the length of the last, which is not known yet.
            let is_open = self.under_way.back().is_some_and(|last| is_measured(last.span) && last.length.is_none());
            if self.reply == Reply::Open || is_open {
                return;
            }
            let piece = self.script.piece(self.next_piece).cloned().filter(|_| self.limit != Some(Limit::Samples(0)));
            let Some(piece) = piece else { return self.end_if_all_is_played() };
            self.next_piece += 1;
            self.start(piece);
        }
    }

    fn end_if_all_is_played(&mut self) {
        if !self.under_way.is_empty() {
            return;
        }
        for PassedMark { name, .. } in std::mem::take(&mut self.marks) {
            self.outputs.push_back(PromptOutput::Mark { name, at: self.sounded });
        }
        self.state = State::Over;
        self.outputs.push_back(PromptOutput::Finished { at: self.sounded });
    }

    fn start(&mut self, piece: Piece) {
        let index = self.next_piece.saturating_sub(1);
        match piece {
            Piece::Speak { .. } | Piece::Silence { .. } | Piece::Recording { .. } => {
                let length = self.script.exact_length(index);
                if let Some(length) = length
                    && self.skip >= length
                    && self.skip > 0
                {
                    self.skip -= length;
                    return;
                }
                let from = std::mem::take(&mut self.skip);
                let left = match self.limit {
                    Some(Limit::Samples(left)) => Some(left),
                    Some(Limit::Mark(_)) | None => None,
                };
                let span = PlaySpan { from, until: left.map(|left| from.saturating_add(left)) };
                let utterance = self.begin_utterance(Source::Piece(index), span, length);
                if let Some(length) = length {
                    self.account(span, length);
                }
                match piece {
                    Piece::Speak { what, .. } => {
                        self.outputs.push_back(PromptOutput::Synthesize { utterance, what, span });
                    }
                    Piece::Silence { samples } => {
                        self.outputs.push_back(PromptOutput::Silence { utterance, samples, span });
                    }
                    Piece::Recording { key, .. } => {
                        self.outputs.push_back(PromptOutput::PlayRecording { utterance, key, span });
                    }
                    Piece::Mark { .. } | Piece::Reply(_) => {}
                }
            }
            // What is jumped over is not passed.
            Piece::Mark { .. } if self.skip > 0 => {}
            Piece::Mark { name } => {
                if matches!(&self.limit, Some(Limit::Mark(last)) if *last == name) {
                    self.limit = Some(Limit::Samples(0));
                }
                self.marks.push(PassedMark { piece: index, name });
            }
            Piece::Reply(uri) => {
                self.reply = Reply::Open;
                self.outputs.push_back(PromptOutput::Attach(uri));
            }
        }
    }

    fn start_clause_piece(&mut self, piece: ClausePiece) {
        let ClausePiece { piece, is_last } = piece;
        let span = PlaySpan::ALL;
        let is_only = is_last && !self.is_clause_begun;
        let begins = (piece.sounds() && !self.is_clause_begun).then_some(self.clauses_begun);
        let source = Source::Clause { is_last, is_only, begins };
        if begins.is_some() {
            self.clauses_begun += 1;
        }
        if piece.sounds() {
            self.is_clause_begun = !is_last;
        }
        match piece {
            Piece::Speak { what, .. } => {
                let utterance = self.begin_utterance(source, span, None);
                self.outputs.push_back(PromptOutput::Synthesize { utterance, what, span });
            }
            Piece::Silence { samples } => {
                let utterance = self.begin_utterance(source, span, Some(samples));
                self.outputs.push_back(PromptOutput::Silence { utterance, samples, span });
            }
            Piece::Recording { key, samples } => {
                let utterance = self.begin_utterance(source, span, Some(samples));
                self.outputs.push_back(PromptOutput::PlayRecording { utterance, key, span });
            }
            Piece::Mark { name } => self.marks.push(PassedMark { piece: self.next_piece, name }),
            // A reply asks for no reply.
            Piece::Reply(_) => {}
        }
    }

    fn begin_utterance(&mut self, source: Source, span: PlaySpan, length: Option<u64>) -> UtteranceId {
        let utterance = UtteranceId(self.next_utterance);
        self.next_utterance += 1;
        let marks = std::mem::take(&mut self.marks);
        self.under_way.push_back(UnderWay { utterance, source, span, length, marks });
        utterance
    }

    fn fail(&mut self, reason: &str) {
        if self.state != State::Over {
            self.state = State::Over;
            self.outputs.push_back(PromptOutput::Failed { reason: reason.to_owned() });
        }
    }
}

/// Whether what comes after a part depends on the length of its audio.
fn is_measured(span: PlaySpan) -> bool {
    span.from > 0 || span.until.is_some()
}

fn push_segment(
    segment: Segment,
    defaults: &VoiceDefaults,
    recordings: &Recordings,
    rate_hz: u32,
    pieces: &mut Vec<Piece>,
    faults: &mut VecDeque<String>,
) {
    match segment {
        Segment::Text { text, language, voice, gender: _, prosody: own } => {
            let language = language.unwrap_or(defaults.language);
            let prosody = defaults.prosody.and(own);
            if defaults.has_clips {
                let speaker = Speaker::Clips(speech::clip_words(&text, language));
                let what = Utterance { text, language, voice: None, prosody, cacheable: false, speaker };
                pieces.push(Piece::Speak { what, own, length: Length::Unknown });
                return;
            }
            for clause in speech::clauses(&text, language) {
                let voice = defaults.voice_of(voice.as_deref());
                let (text, speaker) = (clause.to_owned(), Speaker::Voice);
                let what = Utterance { text, language, voice, prosody, cacheable: true, speaker };
                pieces.push(Piece::Speak { what, own, length: Length::Unknown });
            }
        }
        Segment::Break { ms } => {
            pieces.push(Piece::Silence { samples: u64::from(ms) * u64::from(rate_hz) / 1000 });
        }
        Segment::Mark { name } => pieces.push(Piece::Mark { name }),
        Segment::DialogReply(uri) => pieces.push(Piece::Reply(uri)),
        Segment::Audio { src, fallback } => match recordings.get(&src) {
            Some((key, samples)) => pieces.push(Piece::Recording { key: *key, samples: *samples }),
            None => {
                if fallback.is_empty() {
                    faults.push_back(format!("a recording is not there, and nothing is said in its place: {src}"));
                }
                for segment in fallback {
                    push_segment(segment, defaults, recordings, rate_hz, pieces, faults);
                }
            }
        },
    }
}

#[cfg(test)]
mod tests;
