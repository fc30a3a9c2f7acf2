//! The conversations of a server: one task each, joined by the sessions of a call under the conversation's id.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use conversation::{
    CallerTurn, CollectDtmf, Conversation, ConversationConfig, Input, ListenOutcome, ListenerKey, Output, Purpose,
    ServiceCommand, ServiceEvent, SpeakerKey, TurnId, TurnKind,
};
use dialog_client::{DialogCall, DialogClient, DialogEvent, Record};
use jiff::Timestamp;
use metrics::{counter, gauge, histogram};
use session::{FromConversation, InputKind, KeysOnly, PartKey, ToConversation};
use tokio::sync::mpsc;

use crate::clock;
use crate::conversation_metrics::ConversationMetrics;
use crate::conversation_record::{self, Ended};
use crate::net::sip::sleep_until;
use crate::session_task::{Mailbox, ToSession};
use crate::telemetry::Privacy;
use crate::turn_ledger::Ledgers;
use crate::webhook::Webhook;

/// What waits for one conversation; two sessions speak to it, a few messages a second.
const INBOX_MAX: usize = 256;
/// Longest conversation id taken from a client.
const ID_BYTES_MAX: usize = 256;

/// Where a part of a session is told things.
#[derive(Clone)]
pub(crate) struct PartAddress {
    pub(crate) session: u64,
    pub(crate) part: PartKey,
    pub(crate) mailbox: Mailbox,
}

struct FromPart {
    from: PartAddress,
    what: ToConversation,
    /// Of a clause that sounds: when its first samples were there, where that is known.
    audio_at: Option<Instant>,
}

enum ToTask {
    Part(FromPart),
    Deserted,
}

/// A conversation, as a session sees it.
#[derive(Clone)]
pub(crate) struct ConversationHandle {
    inbox: mpsc::Sender<ToTask>,
}

impl ConversationHandle {
    /// Tells the conversation something of one of its parts. Never waits for it: a conversation that does not keep up
    /// is over for the part.
    pub(crate) async fn send(&self, from: PartAddress, what: ToConversation, audio_at: Option<Instant>) {
        let ends = match &what {
            ToConversation::SpeakerAttached(_) => Some(FromConversation::ReplyEnded),
            ToConversation::ListenerAttached { .. } | ToConversation::CallerTurn { .. } => {
                Some(FromConversation::Abandoned)
            }
            ToConversation::Sound(session::CallerSound::Began) => Some(FromConversation::YieldFloor),
            _ => None,
        };
        if self.inbox.try_send(ToTask::Part(FromPart { from: from.clone(), what, audio_at })).is_ok() {
            return;
        }
        counter!("conversation_messages_dropped_total").increment(1);
        if let Some(what) = ends {
            // This is the session's own mailbox, whose task is the caller: it must not wait for itself.
            let _ended = from.mailbox.try_send(ToSession::Conversation { part: from.part, what });
        }
    }
}

struct Entry {
    inbox: mpsc::Sender<ToTask>,
    sessions: HashSet<u64>,
    generation: u64,
}

#[derive(Default)]
struct Table {
    entries: HashMap<String, Entry>,
    next_generation: u64,
}

/// The table of conversations. Look-ups copy handles out; no guard outlives a call.
#[derive(Clone)]
pub(crate) struct Conversations {
    table: Arc<Mutex<Table>>,
    settings: Arc<Settings>,
}

struct Settings {
    conversation: Arc<ConversationConfig>,
    flow: String,
    client: DialogClient,
    records: Records,
    privacy: Privacy,
}

/// Where the records of conversations go.
pub(crate) struct Records {
    /// Kept as files here.
    pub(crate) directory: Option<PathBuf>,
    /// Delivered.
    pub(crate) webhook: Option<Webhook>,
}

impl Conversations {
    /// No conversation yet. `flow` is followed where a call names none; `records` says where records go.
    pub(crate) fn new(
        conversation: ConversationConfig,
        flow: String,
        client: DialogClient,
        records: Records,
        privacy: Privacy,
    ) -> Self {
        let settings = Settings { conversation: Arc::new(conversation), flow, client, records, privacy };
        Self { table: Arc::default(), settings: Arc::new(settings) }
    }

    /// The conversation `id`, begun if need be, with `session` among those that take part.
    pub(crate) fn join(&self, id: &str, session: u64) -> ConversationHandle {
        let id = bounded(id);
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = table.entries.get_mut(&id)
            && !entry.inbox.is_closed()
        {
            entry.sessions.insert(session);
            return ConversationHandle { inbox: entry.inbox.clone() };
        }
        let (inbox, queue) = mpsc::channel(INBOX_MAX);
        table.next_generation += 1;
        let generation = table.next_generation;
        let entry = Entry { inbox: inbox.clone(), sessions: HashSet::from([session]), generation };
        table.entries.insert(id.clone(), entry);
        drop(table);
        gauge!("conversations_active").increment(1.0);
        let table = self.clone();
        let settings = Arc::clone(&self.settings);
        let running = async move {
            Task::new(id.clone(), settings, queue).run().await;
            table.forget(&id, generation);
            gauge!("conversations_active").decrement(1.0);
        };
        crate::tasks::spawn("conversation", running);
        ConversationHandle { inbox }
    }

    /// `session` takes no part any more.
    pub(crate) fn leave(&self, id: &str, session: u64) {
        let id = bounded(id);
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = table.entries.get_mut(&id) else { return };
        if entry.sessions.remove(&session) && entry.sessions.is_empty() {
            // A conversation whose inbox is full has more to do; it ends by its own timers.
            let _full = entry.inbox.try_send(ToTask::Deserted);
        }
    }

    fn forget(&self, id: &str, generation: u64) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.entries.get(id).is_some_and(|entry| entry.generation == generation) {
            table.entries.remove(id);
        }
    }
}

fn bounded(id: &str) -> String {
    let mut end = id.len().min(ID_BYTES_MAX);
    while !id.is_char_boundary(end) {
        end -= 1;
    }
    id.get(..end).unwrap_or_default().to_owned()
}

/// One conversation.
struct Task {
    id: String,
    settings: Arc<Settings>,
    inbox: mpsc::Receiver<ToTask>,
    core: Conversation,
    call: DialogCall,
    events: mpsc::Receiver<DialogEvent>,
    parts: HashMap<u64, PartAddress>,
    keys: HashMap<(u64, PartKey), u64>,
    next_key: u64,
    /// Parts that collect keys which appear in no log.
    collecting: HashSet<u64>,
    /// The turn whose first text is awaited, and since when.
    awaiting: Option<(TurnId, Instant)>,
    ledgers: Ledgers,
    begun_at: Timestamp,
    /// The service has given its record, or will not.
    is_recorded: bool,
    is_closed: bool,
    told: ConversationMetrics,
}

impl Task {
    fn new(id: String, settings: Arc<Settings>, inbox: mpsc::Receiver<ToTask>) -> Self {
        let (call, events, service) = settings.client.open(id.clone());
        crate::tasks::spawn("dialog call", service.run());
        let core = Conversation::new(Arc::clone(&settings.conversation), clock::now());
        Self {
            id,
            settings,
            inbox,
            core,
            call,
            events,
            parts: HashMap::new(),
            keys: HashMap::new(),
            next_key: 0,
            collecting: HashSet::new(),
            awaiting: None,
            ledgers: Ledgers::default(),
            begun_at: Timestamp::now(),
            is_recorded: false,
            is_closed: false,
            told: ConversationMetrics::default(),
        }
    }

    #[tracing::instrument(name = "conversation", skip_all, fields(conversation_id = %self.id))]
    async fn run(mut self) {
        tracing::info!("begun");
        while !self.is_closed {
            let timeout = self.core.poll_timeout();
            let input = tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(ToTask::Part(part)) => self.part_says(part),
                    Some(ToTask::Deserted) => Some(Input::Deserted),
                    None => Some(Input::Close),
                },
                event = self.events.recv(), if !self.is_recorded => match event {
                    Some(DialogEvent::Reply { turn, speculation, event }) => {
                        self.service_says(turn, speculation, event)
                    }
                    Some(DialogEvent::Capabilities(can)) => Some(Input::ServiceCan { speculation: can.speculation }),
                    // The service has done its part; the dialplan may still ask what to do.
                    Some(DialogEvent::Record(record)) => { self.record(record).await; None }
                    None => { self.is_recorded = true; None }
                },
                () = sleep_until(timeout) => { self.core.handle_timeout(clock::now()); None }
            };
            if let Some(input) = input {
                self.core.handle_input(clock::now(), input);
            }
            self.drain().await;
            self.told.tell(self.core.counters());
        }
        self.finish().await;
        let counters = self.core.counters();
        tracing::info!(
            turn = self.core.turn().map(|turn| turn.0),
            fallbacks = counters.fallbacks,
            interruptions = counters.interruptions,
            backchannels = counters.backchannels,
            false_stops = counters.false_stops,
            "ended"
        );
    }

    /// The service still owes the record of a conversation that was ended.
    async fn finish(&mut self) {
        if self.is_recorded {
            return;
        }
        let patience = tokio::time::sleep(std::time::Duration::from_secs(5));
        tokio::pin!(patience);
        loop {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(DialogEvent::Record(record)) => { self.record(record).await; return; }
                    Some(DialogEvent::Reply { .. } | DialogEvent::Capabilities(_)) => {}
                    None => return,
                },
                () = &mut patience => return,
            }
        }
    }

    fn key(&mut self, from: &PartAddress) -> u64 {
        let name = (from.session, from.part);
        if let Some(key) = self.keys.get(&name) {
            return *key;
        }
        self.next_key += 1;
        self.keys.insert(name, self.next_key);
        self.parts.insert(self.next_key, from.clone());
        self.next_key
    }

    fn forget(&mut self, key: u64) {
        self.collecting.remove(&key);
        if let Some(part) = self.parts.remove(&key) {
            self.keys.remove(&(part.session, part.part));
        }
    }

    fn part_says(&mut self, message: FromPart) -> Option<Input> {
        let key = self.key(&message.from);
        let (speaker, listener) = (SpeakerKey(key), ListenerKey(key));
        Some(match message.what {
            ToConversation::SpeakerAttached(details) => {
                Input::SpeakerAttached { speaker, details: self.details(details) }
            }
            ToConversation::ClauseStarted { clause, at, .. } => {
                self.ledgers.sounds(speaker, clause, message.audio_at, at);
                return None;
            }
            ToConversation::Played(progress) => Input::Played { speaker, progress: convert_progress(progress) },
            ToConversation::PromptDone { end, progress } => {
                self.forget(key);
                let progress = convert_progress(progress);
                let end = match end {
                    session::PromptEnd::Completed => conversation::PromptEnd::Completed,
                    session::PromptEnd::Stopped => conversation::PromptEnd::Stopped(progress),
                    session::PromptEnd::Failed => conversation::PromptEnd::Failed(progress),
                };
                Input::PromptDone { speaker, end }
            }
            ToConversation::ListenerAttached { reply_inline, details } => {
                Input::ListenerAttached { listener, reply_inline, details: self.details(details) }
            }
            ToConversation::Sound(sound) => Input::Sound { listener, sound: convert_sound(sound) },
            ToConversation::CallerTurn { input, started, ended, decided } => {
                self.ledgers.caller_turn(ended, decided, clock::now());
                let input = match input {
                    session::CallerInput::Speech(hypotheses) => conversation::CallerInput::Speech(hypotheses),
                    session::CallerInput::Dtmf(digits) => conversation::CallerInput::Dtmf(digits),
                    session::CallerInput::NoInput => conversation::CallerInput::NoInput,
                    session::CallerInput::NoMatch(hypotheses) => conversation::CallerInput::NoMatch(hypotheses),
                };
                if self.collecting.contains(&key) {
                    tracing::info!("the caller's turn, in keys that nobody logs");
                } else {
                    tracing::info!(words = %self.settings.privacy.words(input.transcript()), "the caller's turn");
                }
                Input::CallerTurn { listener, turn: CallerTurn { input, speech_started: started, speech_ended: ended } }
            }
            ToConversation::ListenerDetached => {
                self.forget(key);
                Input::ListenerDetached { listener }
            }
        })
    }

    fn details(&self, details: session::CallDetails) -> conversation::CallDetails {
        conversation::CallDetails {
            language: details.language,
            flow: Some(details.flow.unwrap_or_else(|| self.settings.flow.clone())),
            variables: details.variables,
            caller_number: None,
            called_number: None,
        }
    }

    fn service_says(&mut self, turn: TurnId, speculation: u32, event: ServiceEvent) -> Option<Input> {
        if let Some((awaited, since)) = self.awaiting
            && awaited == turn
        {
            match &event {
                ServiceEvent::Text(_) => {
                    let took = clock::now().saturating_duration_since(since);
                    histogram!("turn_first_text_seconds").record(took.as_secs_f64());
                    self.awaiting = None;
                }
                ServiceEvent::Failed(failure) => {
                    tracing::warn!(reason = failure.as_str(), "the dialog service failed");
                }
                _ => {}
            }
        }
        if !matches!(event, ServiceEvent::Failed(_)) {
            self.ledgers.service_said(turn, clock::now());
        }
        Some(Input::Service { turn, speculation, event })
    }

    async fn drain(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Service(command) => self.tell_service(command),
                Output::Say { speaker, clause } => {
                    tracing::debug!(words = %self.settings.privacy.words(&clause.text), "says");
                    if clause.purpose == Purpose::Reply {
                        self.ledgers.says(speaker, clause.index, clock::now());
                    }
                    let what = FromConversation::Say {
                        text: clause.text,
                        markup: clause.markup,
                        language: clause.language,
                        voice: clause.voice,
                        cacheable: clause.cacheable,
                    };
                    self.tell(speaker.0, what).await;
                }
                Output::ReplyEnded { speaker } => self.tell(speaker.0, FromConversation::ReplyEnded).await,
                Output::StopPlayout { speaker } => self.tell(speaker.0, FromConversation::StopPlayout).await,
                Output::Hush { speaker } => self.tell(speaker.0, FromConversation::Hush).await,
                Output::Unhush { speaker } => self.tell(speaker.0, FromConversation::Unhush).await,
                Output::YieldFloor { listener } => self.tell(listener.0, FromConversation::YieldFloor).await,
                Output::Dismiss { listener } => self.tell(listener.0, FromConversation::Dismiss).await,
                Output::AwaitSilence { listener, silence, is_complete } => {
                    self.tell(listener.0, FromConversation::AwaitSilence { silence, is_complete }).await;
                }
                Output::ListenFor { listener, no_input_timeout, hints } => {
                    self.tell(listener.0, FromConversation::ListenFor { no_input_timeout, hints }).await;
                }
                Output::CompleteListening { listener, outcome } => {
                    let what = match outcome {
                        ListenOutcome::Turn(result) | ListenOutcome::Action(result) => FromConversation::Complete {
                            instance: result.turn.to_instance(),
                            input: result.turn.transcript,
                            confidence: result.turn.confidence,
                            kind: result.kind.map(|kind| match kind {
                                TurnKind::Speech => InputKind::Speech,
                                TurnKind::Dtmf => InputKind::Dtmf,
                                TurnKind::NoInput => InputKind::NoInput,
                                TurnKind::NoMatch => InputKind::NoMatch,
                            }),
                        },
                        ListenOutcome::Abandoned => FromConversation::Abandoned,
                    };
                    self.tell(listener.0, what).await;
                    self.forget(listener.0);
                }
                Output::CollectDtmf { listener, collect } => {
                    self.collecting.insert(listener.0);
                    let CollectDtmf { digits_max, terminators, interdigit_timeout, no_input_timeout } = collect;
                    let how = KeysOnly { digits_max, terminators, interdigit_timeout, no_input_timeout };
                    self.tell(listener.0, FromConversation::CollectDtmf(how)).await;
                }
                Output::Closed => self.is_closed = true,
            }
        }
    }

    fn tell_service(&mut self, command: ServiceCommand) {
        match &command {
            ServiceCommand::Start(_) => {
                self.awaiting = Some((TurnId::GREETING, clock::now()));
                self.ledgers.requested(TurnId::GREETING, false, clock::now());
            }
            ServiceCommand::TakeTurn(turn) => {
                self.awaiting = Some((turn.turn, clock::now()));
                self.ledgers.requested(turn.turn, turn.speculation > 0, clock::now());
            }
            ServiceCommand::Settle { .. } | ServiceCommand::Interrupt(_) | ServiceCommand::End { .. } => {}
        }
        if let Err(error) = self.call.send(command) {
            // The conversation's own timers speak the fallback.
            tracing::warn!(error = %error, "the dialog service was not told");
        }
    }

    async fn tell(&self, key: u64, what: FromConversation) {
        let Some(part) = self.parts.get(&key) else { return };
        // A session never waits for a conversation, so this ends.
        let _gone = part.mailbox.send(ToSession::Conversation { part: part.part, what }).await;
    }

    /// The conversation is over for the service, which gave its record or did not.
    async fn record(&mut self, record: Option<Record>) {
        self.is_recorded = true;
        match &record {
            Some(record) => {
                let form = self.settings.privacy.words(&record.form_json);
                tracing::info!(outcome = %record.outcome, form = %form, "recorded");
            }
            None => tracing::warn!("the dialog service gave no record of the conversation"),
        }
        let Records { directory, webhook } = &self.settings.records;
        if directory.is_none() && webhook.is_none() {
            return;
        }
        let document = conversation_record::document(&Ended {
            id: &self.id,
            begun_at: self.begun_at,
            ended_at: Timestamp::now(),
            record: record.as_ref(),
            notes: self.core.notes().collect(),
            ledgers: &self.ledgers,
        });
        let text = format!("{document:#}\n");
        if let Some(directory) = directory {
            let path = conversation_record::path(directory, &self.id);
            if let Err(error) = conversation_record::write(&path, &text).await {
                counter!("records_dropped_total", "reason" => "write").increment(1);
                tracing::error!(error = %error, path = %path.display(), "a record could not be written");
            }
        }
        if let Some(webhook) = webhook {
            webhook.send(&text).await;
        }
    }
}

fn convert_sound(sound: session::CallerSound) -> conversation::CallerSound {
    match sound {
        session::CallerSound::Began => conversation::CallerSound::Began,
        session::CallerSound::Partial { text } => conversation::CallerSound::Partial { text },
        session::CallerSound::Paused { since } => conversation::CallerSound::Paused { since },
        session::CallerSound::Words { hypotheses } => conversation::CallerSound::Words { hypotheses },
        session::CallerSound::Resumed => conversation::CallerSound::Resumed,
        session::CallerSound::Keyed => conversation::CallerSound::Keyed,
    }
}

fn convert_progress(progress: session::Progress) -> conversation::Progress {
    conversation::Progress {
        clauses: progress.clauses,
        partial_ms: progress.partial_ms,
        partial_of_ms: progress.partial_of_ms,
        played_ms: progress.played_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_id_is_cut_between_characters() {
        assert_eq!(bounded(&"术".repeat(100)).len(), 255);
    }
}
