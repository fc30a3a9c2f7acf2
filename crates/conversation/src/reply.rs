use std::time::Instant;

use speech::{ClauseSplitter, Language};

use crate::{
    barge_in::BargeIn,
    config::ConversationLimits,
    markup::Markup,
    notes::TurnNotes,
    output::{Clause, Purpose},
    policy::Listening,
    service::{Action, TextPiece},
    turn::{Heard, Progress, SpeakerKey, TurnId},
};

/// The reply to one turn: what the service wrote of it, and how far it has been spoken.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) turn: TurnId,
    /// The attempt at the turn that it answers; 0 when the turn was over.
    pub(crate) speculation: u32,
    pub(crate) writing: Writing,
    pub(crate) voicing: Voicing,
    pub(crate) action: Due,
    /// How to listen to the answer.
    pub(crate) listening: Listening,
    /// The clauses that are complete, in order.
    clauses: Vec<Clause>,
    /// Clauses before this one have been handed to a speaker.
    next: usize,
    /// Clauses before this one were said by earlier SPEAKs.
    base: usize,
    /// What earlier SPEAKs played.
    base_ms: u32,
    progress: Progress,
    splitter: ClauseSplitter,
    style: Option<Style>,
    bytes: usize,
    notes: TurnNotes,
    /// When a filler is to be said, if it is late.
    pub(crate) filler_due: Option<Instant>,
    /// Clauses at its beginning that are a filler.
    fillers: usize,
    /// Times that the caller said nothing after it and was asked for an answer again.
    pub(crate) silences: usize,
}

/// How far the service has come with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    /// Nothing has come yet.
    Awaited { until: Instant },
    /// It is being written.
    Under { until: Instant },
    /// The service has ended it.
    Complete,
    /// It was ended where it was: interrupted, or stopped by the client.
    Cut,
    /// The service was given up on, and the fallback took its place.
    Replaced,
}

/// How far a reply has been spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voicing {
    /// No SPEAK has asked for it.
    Unclaimed,
    /// A SPEAK speaks it as it comes.
    Speaking { speaker: SpeakerKey },
    /// All of it has been handed to a SPEAK that is still playing.
    Playing { speaker: SpeakerKey },
    /// The caller interrupted; the SPEAK has been told to stop and has not yet reported how far it came.
    Stopping { speaker: SpeakerKey },
    /// As [`Self::Stopping`], but it is not known yet whether the caller has anything to say.
    Suspending { speaker: SpeakerKey },
    /// The SPEAK is over; the rest is said by the next one, if the caller has nothing to say.
    Suspended,
    /// No SPEAK is under way and none will say more of it.
    Over,
}

/// What the dialplan is to do after a reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Due {
    /// Nothing but to go on.
    Nothing,
    /// This, once the reply has been played.
    Pending(Action),
    /// It has been told.
    Told,
}

/// How a clause is to be spoken; a change of it ends a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Style {
    language: Language,
    voice: Option<String>,
    barge_in: BargeIn,
    cacheable: bool,
}

impl Reply {
    pub(crate) fn new(turn: TurnId, language: Language, until: Instant) -> Self {
        Self {
            turn,
            speculation: 0,
            writing: Writing::Awaited { until },
            voicing: Voicing::Unclaimed,
            action: Due::Nothing,
            listening: Listening::default(),
            clauses: Vec::new(),
            next: 0,
            base: 0,
            base_ms: 0,
            progress: Progress::default(),
            splitter: ClauseSplitter::new(language),
            style: None,
            bytes: 0,
            notes: TurnNotes::new(turn),
            filler_due: None,
            fillers: 0,
            silences: 0,
        }
    }

    /// Another server has led the conversation before: the service answers its opening with the reply to a later turn.
    pub(crate) fn resume(&mut self, turn: TurnId) {
        if self.turn == TurnId::GREETING && matches!(self.writing, Writing::Awaited { .. }) {
            self.turn = turn;
            self.notes.turn = turn;
        }
    }

    /// What the service said of this turn beside what is spoken.
    pub(crate) fn notes(&mut self) -> &mut TurnNotes {
        &mut self.notes
    }

    /// Adds something that is a clause of its own. Returns the bytes that did not fit.
    pub(crate) fn add_markup(
        &mut self,
        markup: Markup,
        voice: Option<String>,
        language: Language,
        barge_in: Option<BargeIn>,
        cacheable: bool,
        limits: &ConversationLimits,
    ) -> usize {
        let lost = self.end_clause(limits);
        self.style = Some(Style { language, voice, barge_in: barge_in.unwrap_or_default(), cacheable });
        self.splitter = ClauseSplitter::new(language);
        let bytes = markup.text.len().saturating_add(markup.document.as_ref().map_or(0, String::len));
        if markup.text.is_empty() && markup.document.is_none() {
            return lost;
        }
        if self.bytes.saturating_add(bytes) > limits.reply_bytes_max {
            return lost.saturating_add(bytes);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        lost.saturating_add(self.store(markup.text, markup.document, limits))
    }

    /// Adds a piece of text. Returns the bytes that did not fit.
    pub(crate) fn add(&mut self, piece: TextPiece, language: Language, limits: &ConversationLimits) -> usize {
        let style = Style {
            language: piece.language.unwrap_or(language),
            voice: piece.voice,
            barge_in: piece.barge_in.unwrap_or_default(),
            cacheable: piece.cacheable,
        };
        if self.style.as_ref() != Some(&style) {
            self.end_clause(limits);
            self.splitter = ClauseSplitter::new(style.language);
            self.style = Some(style);
        }
        let room = limits.reply_bytes_max.saturating_sub(self.bytes);
        let fits = floor_char_boundary(&piece.text, room);
        let (kept, dropped) = piece.text.split_at(fits);
        self.bytes = self.bytes.saturating_add(kept.len());
        let mut lost = dropped.len();
        for text in self.splitter.push(kept) {
            lost = lost.saturating_add(self.store(text, None, limits));
        }
        if piece.clause_end {
            lost = lost.saturating_add(self.end_clause(limits));
        }
        lost
    }

    /// The service has written all of it. Returns the bytes that did not fit.
    pub(crate) fn complete(&mut self, limits: &ConversationLimits) -> usize {
        self.writing = Writing::Complete;
        self.end_clause(limits)
    }

    /// Ends the clause under way. Returns the bytes that did not fit.
    fn end_clause(&mut self, limits: &ConversationLimits) -> usize {
        let mut lost = 0usize;
        for text in self.splitter.finish() {
            lost = lost.saturating_add(self.store(text, None, limits));
        }
        lost
    }

    fn store(&mut self, text: String, markup: Option<String>, limits: &ConversationLimits) -> usize {
        let (Some(style), true) = (&self.style, self.clauses.len() < limits.reply_clauses_max) else {
            return text.len();
        };
        self.clauses.push(Clause {
            index: u32::try_from(self.clauses.len()).unwrap_or(u32::MAX),
            text,
            markup,
            language: style.language,
            voice: style.voice.clone(),
            barge_in: style.barge_in,
            cacheable: style.cacheable,
            purpose: Purpose::Reply,
        });
        0
    }

    /// Says something while the reply is awaited.
    pub(crate) fn fill(&mut self, words: String, language: Language) {
        self.clauses.push(Clause::aside(words, language, Purpose::Filler));
        self.fillers = self.clauses.len();
        self.filler_due = None;
    }

    /// Nothing can be said of it yet.
    pub(crate) fn has_no_clause(&self) -> bool {
        self.clauses.is_empty()
    }

    /// The next clause that has not been handed to a speaker.
    pub(crate) fn next_clause(&mut self) -> Option<Clause> {
        let mut clause = self.clauses.get(self.next).cloned()?;
        clause.index = u32::try_from(self.next.saturating_sub(self.base)).unwrap_or(u32::MAX);
        self.next = self.next.saturating_add(1);
        Some(clause)
    }

    /// Forgets what has been written and not been handed to a speaker.
    fn drop_unsaid(&mut self) {
        self.clauses.truncate(self.next);
        self.splitter.finish();
    }

    /// Ends the reply where it is: nothing more is written or said of it.
    pub(crate) fn cut(&mut self) {
        self.writing = Writing::Cut;
        self.drop_unsaid();
    }

    /// Puts `piece` in the place of what the service did not write or was not said of it.
    pub(crate) fn replace_rest(&mut self, piece: TextPiece, language: Language, limits: &ConversationLimits) {
        self.drop_unsaid();
        let limits = ConversationLimits {
            reply_bytes_max: self.bytes.saturating_add(piece.text.len()),
            reply_clauses_max: self.clauses.len().saturating_add(limits.reply_clauses_max),
            ..*limits
        };
        self.add(piece, language, &limits);
        self.end_clause(&limits);
        self.writing = Writing::Replaced;
    }

    pub(crate) fn has_unsaid(&self) -> bool {
        self.next < self.clauses.len()
    }

    /// Some of it has been handed to the last speaker.
    pub(crate) fn was_begun(&self) -> bool {
        self.next > self.base
    }

    /// Goes back to the beginning of the clause that was being played, for the next SPEAK.
    pub(crate) fn rewind(&mut self) {
        self.base = self.playing().min(self.next);
        self.next = self.base;
        self.base_ms = self.base_ms.saturating_add(self.progress.played_ms);
        self.progress = Progress::default();
        self.voicing = Voicing::Unclaimed;
    }

    /// The clause that is being played, counted from the beginning of the reply.
    fn playing(&self) -> usize {
        self.base.saturating_add(usize::try_from(self.progress.clauses).unwrap_or(usize::MAX))
    }

    /// Whether the caller knows what is wanted: the last clause is being played, or there is nothing left.
    pub(crate) fn is_at_its_end(&self) -> bool {
        self.is_closed() && self.playing().saturating_add(1) >= self.clauses.len()
    }

    /// Nothing more will be written of it.
    pub(crate) fn is_closed(&self) -> bool {
        match self.writing {
            Writing::Complete | Writing::Cut | Writing::Replaced => true,
            Writing::Awaited { .. } | Writing::Under { .. } => false,
        }
    }

    /// Whether a question has been played to its end.
    pub(crate) fn has_asked(&self) -> bool {
        self.clauses.iter().take(self.playing()).any(|clause| clause.text.trim_end().ends_with(['?', '？']))
    }

    /// The whole text, as far as it has been written in clauses.
    pub(crate) fn text(&self) -> String {
        join(self.clauses.get(self.fillers..).unwrap_or_default())
    }

    /// Nothing of it is left to be played, or ever will be.
    pub(crate) fn is_played(&self) -> bool {
        let silent = match self.voicing {
            Voicing::Over => true,
            Voicing::Unclaimed => !self.has_unsaid(),
            Voicing::Speaking { .. }
            | Voicing::Playing { .. }
            | Voicing::Stopping { .. }
            | Voicing::Suspending { .. }
            | Voicing::Suspended => false,
        };
        silent && self.is_closed()
    }

    pub(crate) fn speaker(&self) -> Option<SpeakerKey> {
        match self.voicing {
            Voicing::Speaking { speaker }
            | Voicing::Playing { speaker }
            | Voicing::Stopping { speaker }
            | Voicing::Suspending { speaker } => Some(speaker),
            Voicing::Unclaimed | Voicing::Suspended | Voicing::Over => None,
        }
    }

    /// What may interrupt what is being played: as the clause says, and nothing a last word.
    pub(crate) fn barge_in(&self) -> BargeIn {
        if matches!(self.action, Due::Pending(_)) {
            return BargeIn::NotAllowed;
        }
        self.clauses.get(self.playing()).map_or(BargeIn::Allowed, |clause| clause.barge_in)
    }

    /// It was stopped, and it is not known whether for something.
    pub(crate) fn is_suspended(&self) -> bool {
        match self.voicing {
            Voicing::Suspending { .. } | Voicing::Suspended => true,
            Voicing::Unclaimed
            | Voicing::Speaking { .. }
            | Voicing::Playing { .. }
            | Voicing::Stopping { .. }
            | Voicing::Over => false,
        }
    }

    /// The SPEAK that has something of it to play, and has not been told to stop.
    pub(crate) fn sounding(&self) -> Option<SpeakerKey> {
        match self.voicing {
            Voicing::Speaking { speaker } | Voicing::Playing { speaker } if self.was_begun() => Some(speaker),
            Voicing::Speaking { .. }
            | Voicing::Playing { .. }
            | Voicing::Unclaimed
            | Voicing::Stopping { .. }
            | Voicing::Suspending { .. }
            | Voicing::Suspended
            | Voicing::Over => None,
        }
    }

    /// Takes over how far the playout has come. Never goes back.
    pub(crate) fn advance(&mut self, progress: Progress) {
        if (progress.clauses, progress.partial_ms) >= (self.progress.clauses, self.progress.partial_ms) {
            self.progress = progress;
        }
    }

    /// Everything that was handed out has been played.
    pub(crate) fn advance_to_end(&mut self) {
        self.progress.clauses = u32::try_from(self.next.saturating_sub(self.base)).unwrap_or(u32::MAX);
        self.progress.partial_ms = 0;
        self.progress.partial_of_ms = None;
    }

    /// What the caller has heard of it; `None` when no clause was ever handed to a speaker.
    pub(crate) fn heard(&self) -> Option<Heard> {
        if self.next == 0 {
            return None;
        }
        let whole = self.playing().min(self.next);
        let (played, rest) = self.clauses.split_at_checked(whole)?;
        let mut text = join(played.get(self.fillers..).unwrap_or_default());
        if let Some(clause) = rest.first().filter(|_| whole >= self.fillers) {
            let part = heard_part(clause, &self.progress);
            if !part.is_empty() {
                push_joined(&mut text, part);
            }
        }
        Some(Heard {
            turn: self.turn,
            text,
            complete: whole == self.clauses.len() && self.writing == Writing::Complete,
            played_ms: self.base_ms.saturating_add(self.progress.played_ms),
        })
    }
}

/// The words of a clause that were played, cut at a word (in Chinese, at a character).
fn heard_part<'a>(clause: &'a Clause, progress: &Progress) -> &'a str {
    // Without the clause's duration a usual rate of speech stands in: about 14 letters or 4 Chinese characters a second.
    let characters = u64::try_from(clause.text.chars().count()).unwrap_or(u64::MAX);
    let of_ms = match (progress.partial_of_ms, clause.language) {
        (Some(ms), _) => u64::from(ms),
        (None, Language::English) => characters.saturating_mul(1000) / 14,
        (None, Language::Chinese) => characters.saturating_mul(1000) / 4,
    };
    let heard = characters.saturating_mul(u64::from(progress.partial_ms)).checked_div(of_ms).unwrap_or(0);
    let heard = usize::try_from(heard.min(characters)).unwrap_or(usize::MAX);
    let end = clause.text.char_indices().nth(heard).map_or(clause.text.len(), |(at, _)| at);
    let (part, rest) = clause.text.split_at(end);
    let cut_in_word = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '\'')
        && part.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '\'');
    let part = if cut_in_word {
        part.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '\'')).and_then(|at| part.get(..at)).unwrap_or("")
    } else {
        part
    };
    part.trim()
}

fn join(clauses: &[Clause]) -> String {
    let mut text = String::new();
    for clause in clauses {
        push_joined(&mut text, &clause.text);
    }
    text
}

/// Appends with a space where two words or sentences in Latin script would otherwise touch.
pub(crate) fn push_joined(text: &mut String, more: &str) {
    let joins = text.ends_with(|c: char| c.is_ascii()) && more.starts_with(|c: char| c.is_ascii());
    if joins && !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

/// The largest character boundary of `text` that is not after `at`.
fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0)
}
