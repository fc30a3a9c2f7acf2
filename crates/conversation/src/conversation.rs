use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use speech::{Language, TurnResult};

use crate::{
    barge_in::BargeIn,
    completeness::Completeness,
    config::ConversationConfig,
    end_of_turn::TurnEnds,
    floor::Floor,
    markup::Markup,
    notes::{NoteBook, TurnNotes},
    output::{Input, ListenOutcome, ListenResult, Output, PromptEnd},
    patience::Aside,
    policy::CallPolicy,
    reply::{Due, Reply, Voicing, Writing},
    service::{Action, CollectDtmf, EndReason, Recording, ServiceCommand, ServiceEvent, TakeTurn, TextPiece},
    speculation::Speculation,
    turn::{CallDetails, CallerInput, CallerTurn, Heard, ListenerKey, SpeakerKey, TurnId, TurnKind},
};

/// One conversation with a caller. See the [crate] for how it is driven.
#[derive(Debug)]
pub struct Conversation {
    pub(crate) config: Arc<ConversationConfig>,
    pub(crate) started_at: Instant,
    details: CallDetails,
    pub(crate) lead: Lead,
    pub(crate) listener: Option<Listener>,
    presence: Presence,
    /// What is said beside the replies.
    pub(crate) aside: Aside,
    /// Fillers that were said: they take turns.
    pub(crate) fillers_said: usize,
    /// The SPEAK that has been told to be silent and keep its place.
    pub(crate) hushed: Option<SpeakerKey>,
    /// The service understands speculative turns.
    pub(crate) service_speculates: bool,
    /// The turn that is asked for before it is over.
    pub(crate) speculation: Option<Speculation>,
    /// Attempts at the next turn.
    pub(crate) attempts: u32,
    pub(crate) language: Language,
    slots: Map<String, Value>,
    intent: Option<String>,
    sentiment: Option<String>,
    pub(crate) policy: CallPolicy,
    /// The caller's next turn is keyed.
    pub(crate) collecting: Option<CollectDtmf>,
    notes: NoteBook,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) counters: Counters,
}

/// Where the conversation stands with the dialog service.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a conversation has one, and it is a reply most of the time")]
pub(crate) enum Lead {
    /// Nobody has asked for anything yet.
    Fresh,
    /// A RECOGNIZE came first; the greeting is asked for when a SPEAK comes, or at this time.
    GreetingAwaited { until: Instant },
    /// There is a last reply, complete or not.
    Replying(Reply),
    /// The dialplan has been told to end the call, and the service that the conversation is over.
    Ended { turn: TurnId, action: Action },
    /// Over.
    Closed,
}

/// Whether a session takes part in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Present,
    /// Nobody is there; the conversation ends at this time unless somebody comes back.
    Deserted {
        until: Instant,
    },
}

/// The RECOGNIZE that is open.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) key: ListenerKey,
    pub(crate) reply_inline: bool,
    /// It has been told to hear keys only.
    collects: bool,
    pub(crate) phase: ListenerPhase,
    /// The call has come to its end since it began to listen.
    pub(crate) is_outdated: bool,
    pub(crate) floor: Floor,
    /// How complete the turn was at the last pause.
    pub(crate) judged: Option<Completeness>,
    /// The silence that ends the turn, until it is told.
    pub(crate) silence: Option<Duration>,
    /// It has been told how to hear the answer to the reply of this turn.
    pub(crate) hears_for: Option<TurnId>,
}

#[derive(Debug)]
pub(crate) enum ListenerPhase {
    /// The caller's turn has not ended.
    Listening,
    /// The turn has ended while the robot says something that may not be interrupted; it counts when that has been played.
    Held { turn: CallerTurn },
    /// The turn has ended and is at the service, whose reply belongs into the result.
    AwaitingReply { turn: CallerTurn },
}

/// Why a conversation wakes up by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// A RECOGNIZE came and no SPEAK followed it: ask for the greeting without.
    GreetingGrace,
    /// The service has not begun its reply in time.
    FirstEvent,
    /// The service has stopped in the middle of its reply.
    NextEvent,
    /// The reply is late.
    Filler,
    /// The call takes too long.
    CallLength,
    /// What the caller says over the robot is judged.
    Interjection,
    /// Nobody came back.
    Linger,
}

/// What was dropped, and what went wrong. All counts since the start of the conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Service events of a turn that is no longer the last, or that came after its end.
    pub late_events: u64,
    /// Inputs about a SPEAK or RECOGNIZE that is no longer the one under way.
    pub late_inputs: u64,
    /// Bytes of replies and forms, and call variables, that were over a limit.
    pub over_limit: u64,
    /// Replies that the fallback replaced.
    pub fallbacks: u64,
    /// Replies that the caller interrupted.
    pub interruptions: u64,
    /// Fillers that were said because a reply was late.
    pub fillers: u64,
    /// Silent callers who were asked whether they are there, without the service.
    pub silence_prompts: u64,
    /// Calls that were ended because they took too long.
    pub calls_too_long: u64,
    /// Sounds over a reply that were no interruption, and after which it went on in its place.
    pub backchannels: u64,
    /// Replies that were stopped for nothing, and whose rest was kept for the next SPEAK.
    pub false_stops: u64,
    /// Turns by how they ended.
    pub turns: TurnEnds,
    /// Turns that the service was asked for before they were over, every attempt.
    pub speculations: u64,
    /// Attempts that were the caller's turn.
    pub speculations_committed: u64,
    /// Attempts that were void.
    pub speculations_withdrawn: u64,
}

impl Conversation {
    /// A conversation of which nothing is known yet.
    pub fn new(config: Arc<ConversationConfig>, now: Instant) -> Self {
        let language = config.language;
        Self {
            config,
            started_at: now,
            details: CallDetails::default(),
            lead: Lead::Fresh,
            listener: None,
            presence: Presence::Present,
            aside: Aside::Idle,
            service_speculates: false,
            speculation: None,
            attempts: 0,
            fillers_said: 0,
            hushed: None,
            language,
            slots: Map::new(),
            intent: None,
            sentiment: None,
            policy: CallPolicy::default(),
            collecting: None,
            notes: NoteBook::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Takes one input. Drain [`poll_output`](Self::poll_output) before the next.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match input {
            Input::SpeakerAttached { speaker, details } => self.attach_speaker(now, speaker, details),
            Input::Played { speaker, .. } if self.is_aside_of(speaker) => {}
            Input::Played { speaker, progress } => match self.reply_of(speaker) {
                Some(reply) => reply.advance(progress),
                None => self.count_late_input(),
            },
            Input::PromptDone { speaker, end } => self.end_prompt(speaker, end),
            Input::ListenerAttached { listener, reply_inline, details } => {
                self.attach_listener(
                    now,
                    Listener {
                        key: listener,
                        reply_inline,
                        collects: false,
                        phase: ListenerPhase::Listening,
                        is_outdated: false,
                        floor: Floor::Open,
                        judged: None,
                        silence: None,
                        hears_for: None,
                    },
                    details,
                );
            }
            Input::Sound { listener, sound } => self.hear_sound(now, listener, sound),
            Input::CallerTurn { listener, turn } => self.end_caller_turn(now, listener, turn),
            Input::ListenerDetached { listener } => {
                if self.listener.as_ref().is_some_and(|open| open.key == listener) {
                    self.listener = None;
                    self.take_up_again();
                    self.withdraw_speculation();
                }
            }
            Input::ServiceCan { speculation } => self.service_speculates = speculation,
            Input::Service { turn, speculation, event } => {
                if let Some(event) = self.hear_speculation(turn, speculation, event) {
                    self.hear_service(now, turn, speculation, event);
                }
            }
            Input::Deserted => self.desert(now),
            Input::Close => self.close(EndReason::Server),
        }
        self.settle(now);
    }

    /// Does what is due. Does nothing when called early.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((timer, _)) = self.next_timer().filter(|&(_, at)| at <= now) {
            match timer {
                Timer::GreetingGrace => self.start(now),
                Timer::FirstEvent | Timer::NextEvent => self.fall_back(),
                // Settled with everything else that follows from the state.
                Timer::Filler | Timer::CallLength | Timer::Interjection => {}
                Timer::Linger => self.close(EndReason::CallerGone),
            }
            self.settle(now);
        }
    }

    /// The next thing to be done; `None` when there is nothing more for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_timer().map(|(_, at)| at)
    }

    /// What was dropped so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The language in which the service speaks now.
    pub fn language(&self) -> Language {
        self.language
    }

    /// What the service said of each turn beside what was spoken, in order; the last turns of a conversation that has very many.
    pub fn notes(&self) -> impl Iterator<Item = &TurnNotes> {
        self.notes.iter()
    }

    /// The last turn, once the conversation has begun.
    pub fn turn(&self) -> Option<TurnId> {
        match &self.lead {
            Lead::Replying(reply) => Some(reply.turn),
            Lead::Ended { turn, .. } => Some(*turn),
            Lead::Fresh | Lead::GreetingAwaited { .. } | Lead::Closed => None,
        }
    }

    // --- Speakers ---------------------------------------------------------------------------------------------------------------

    fn attach_speaker(&mut self, now: Instant, speaker: SpeakerKey, details: CallDetails) {
        self.learn(details);
        self.start(now);
        if self.speak_aside(speaker) {
            return;
        }
        if let Lead::Replying(reply) = &mut self.lead
            && reply.voicing == Voicing::Unclaimed
        {
            reply.voicing = Voicing::Speaking { speaker };
        } else {
            // Nothing to say: the reply was spoken, another SPEAK speaks it, or the conversation is over.
            self.outputs.push_back(Output::ReplyEnded { speaker });
        }
    }

    fn end_prompt(&mut self, speaker: SpeakerKey, end: PromptEnd) {
        if self.is_aside_of(speaker) {
            return self.end_aside(end);
        }
        // A SPEAK that was told to end at once reports its end too: that is nothing late.
        let Some(reply) = self.reply_of(speaker) else { return };
        match end {
            PromptEnd::Completed => reply.advance_to_end(),
            PromptEnd::Stopped(progress) | PromptEnd::Failed(progress) => reply.advance(progress),
        }
        let interrupted = match (reply.voicing, end) {
            (Voicing::Suspending { .. }, PromptEnd::Stopped(_) | PromptEnd::Failed(_)) => {
                reply.voicing = Voicing::Suspended;
                false
            }
            // The last clauses were played.
            (Voicing::Playing { .. } | Voicing::Suspending { .. }, PromptEnd::Completed) => {
                reply.voicing = Voicing::Over;
                false
            }
            // Stopped before it said anything: the reply is still there for the next SPEAK.
            (Voicing::Speaking { .. }, _) if !reply.was_begun() => {
                reply.voicing = Voicing::Unclaimed;
                false
            }
            (Voicing::Stopping { .. }, _) | (_, PromptEnd::Stopped(_)) => {
                reply.voicing = Voicing::Over;
                reply.cut();
                reply.action == Due::Nothing
            }
            (_, PromptEnd::Completed | PromptEnd::Failed(_)) => {
                reply.voicing = Voicing::Over;
                reply.cut();
                false
            }
        };
        if let (true, Some(heard)) = (interrupted, reply.heard()) {
            self.outputs.push_back(Output::Service(ServiceCommand::Interrupt(heard)));
        }
    }

    // --- Listeners --------------------------------------------------------------------------------------------------------------

    fn attach_listener(&mut self, now: Instant, listener: Listener, details: CallDetails) {
        self.learn(details);
        if let Some(older) = self.listener.replace(listener) {
            self.take_up_again();
            self.withdraw_speculation();
            self.complete_listening(older.key, ListenOutcome::Abandoned);
        }
        if let Lead::Fresh = self.lead {
            self.lead = Lead::GreetingAwaited { until: later(now, self.config.greeting_grace) };
        }
    }

    fn end_caller_turn(&mut self, now: Instant, key: ListenerKey, turn: CallerTurn) {
        let Some(listener) = self.listener.take_if(|open| open.key == key && open.is_listening()) else {
            return self.count_late_input();
        };
        let silence = turn.input.kind() == TurnKind::NoInput;
        self.counters.turns.count(&turn.input, listener.judged);
        if self.hear_after_last_word(&listener, &turn) {
            return;
        }
        let said = match &turn.input {
            CallerInput::Speech(hypotheses) => self.judged(|judge| judge.is_said(hypotheses)),
            CallerInput::Dtmf(_) => true,
            CallerInput::NoInput | CallerInput::NoMatch(_) => false,
        };
        if !said && self.take_up_again() {
            // It was nothing: no turn, and the dialplan goes on with the rest of the reply.
            let input = CallerInput::NoMatch(turn.input.hypotheses().to_vec());
            let id = self.turn().unwrap_or(TurnId::GREETING);
            return self.complete_turn(&listener, &CallerTurn { input, ..turn }, id);
        }
        match &self.lead {
            // Nothing was asked yet, so silence says nothing; a word begins the conversation.
            Lead::Fresh | Lead::GreetingAwaited { .. } => {
                if silence {
                    self.complete_turn(&listener, &turn, TurnId::GREETING);
                } else {
                    self.start(now);
                    self.take_turn(now, listener, turn);
                }
            }
            Lead::Replying(reply) => {
                let id = reply.turn;
                let due = matches!(reply.action, Due::Pending(_));
                let allowed = match (reply.barge_in(), turn.input.kind()) {
                    (BargeIn::Allowed, _) | (BargeIn::DtmfOnly, TurnKind::Dtmf) => true,
                    (BargeIn::DtmfOnly, TurnKind::Speech | TurnKind::NoInput | TurnKind::NoMatch)
                    | (BargeIn::NotAllowed, _) => false,
                };
                let must_be_heard = reply.speaker().is_some() && !allowed;
                if must_be_heard && (due || !silence) {
                    self.listener = Some(Listener { phase: ListenerPhase::Held { turn }, ..listener });
                } else if due || (silence && (!reply.is_played() || self.is_speaking_aside())) {
                    // The last word is still to be spoken, or the caller waits for the robot: that is no turn, and the dialplan goes on.
                    self.complete_turn(&listener, &turn, id);
                } else if silence && self.prompt_silence(&listener) {
                    self.complete_turn(&listener, &turn, id);
                } else {
                    self.take_turn(now, listener, turn);
                }
            }
            Lead::Ended { turn: id, action } => {
                let result = self.result(*id, Some(&listener.shown(&turn)), action, None);
                self.complete_listening(listener.key, ListenOutcome::Turn(result));
            }
            Lead::Closed => self.complete_listening(listener.key, ListenOutcome::Abandoned),
        }
        self.withdraw_speculation();
    }

    /// Sends the caller's turn to the service, and completes the listener unless it wants the reply.
    fn take_turn(&mut self, now: Instant, listener: Listener, turn: CallerTurn) {
        self.drop_aside();
        let Lead::Replying(reply) = &self.lead else { return };
        let id = reply.turn.next();
        let heard = reply.heard();
        match reply.voicing {
            Voicing::Speaking { speaker } | Voicing::Playing { speaker } => {
                if reply.was_begun() {
                    self.counters.interruptions = self.counters.interruptions.saturating_add(1);
                }
                self.outputs.push_back(Output::StopPlayout { speaker });
            }
            Voicing::Unclaimed
            | Voicing::Stopping { .. }
            | Voicing::Suspending { .. }
            | Voicing::Suspended
            | Voicing::Over => {}
        }
        let committed = self.settle_speculation(&turn, self.elapsed_ms(now));
        self.keep_notes();
        self.collecting = None;
        self.attempts = 0;
        let speculation = committed.as_ref().map_or(0, |committed| committed.attempt);
        if committed.is_none() {
            let command = self.describe(now, id, &turn, heard, 0);
            self.outputs.push_back(Output::Service(ServiceCommand::TakeTurn(command)));
        }
        let mut reply = Reply::new(id, self.language, later(now, self.config.first_event_timeout));
        reply.filler_due = self.filler_due(now);
        reply.speculation = speculation;
        self.lead = Lead::Replying(reply);
        if listener.reply_inline {
            self.listener = Some(Listener { phase: ListenerPhase::AwaitingReply { turn }, ..listener });
        } else {
            self.complete_turn(&listener, &turn, id);
        }
        for event in committed.into_iter().flat_map(|committed| committed.events) {
            self.hear_service(now, id, speculation, event);
        }
    }

    pub(crate) fn describe(
        &self,
        now: Instant,
        id: TurnId,
        turn: &CallerTurn,
        heard: Option<Heard>,
        speculation: u32,
    ) -> TakeTurn {
        let kind = turn.input.kind();
        let (transcript, dtmf) = match kind {
            TurnKind::Dtmf => ("", turn.input.transcript()),
            TurnKind::Speech | TurnKind::NoInput | TurnKind::NoMatch => (turn.input.transcript(), ""),
        };
        TakeTurn {
            turn: id,
            kind,
            transcript: transcript.to_owned(),
            confidence: turn.input.confidence(),
            hypotheses: turn.input.hypotheses().iter().take(self.config.limits.hypotheses_max).cloned().collect(),
            dtmf: dtmf.to_owned(),
            language: turn.input.hypotheses().first().map_or(self.language, |best| best.language),
            speech_started_ms: turn.speech_started.map(|at| self.elapsed_ms(at)),
            speech_ended_ms: turn.speech_ended.map(|at| self.elapsed_ms(at)),
            turn_ended_ms: self.elapsed_ms(now),
            heard,
            speculation,
        }
    }

    pub(crate) fn complete_turn(&mut self, listener: &Listener, turn: &CallerTurn, id: TurnId) {
        let result = self.result(id, Some(&listener.shown(turn)), &Action::Continue, None);
        self.complete_listening(listener.key, ListenOutcome::Turn(result));
    }

    pub(crate) fn complete_listening(&mut self, listener: ListenerKey, outcome: ListenOutcome) {
        self.outputs.push_back(Output::CompleteListening { listener, outcome });
    }

    pub(crate) fn result(
        &self,
        id: TurnId,
        turn: Option<&CallerInput>,
        action: &Action,
        reply: Option<String>,
    ) -> ListenResult {
        let input = turn;
        let (target, summary, params) = match action {
            Action::Continue | Action::CollectDtmf(_) => (None, None, Map::new()),
            Action::Transfer { target, summary } => (Some(target.clone()), Some(summary.clone()), Map::new()),
            Action::Hangup { reason } => {
                (None, None, Map::from_iter([("reason".to_owned(), Value::from(reason.as_str()))]))
            }
            Action::Custom { params, .. } => {
                (None, None, params.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect())
            }
        };
        ListenResult {
            turn: TurnResult {
                transcript: input.map_or("", CallerInput::transcript).to_owned(),
                confidence: input.map_or(0.0, CallerInput::confidence),
                language: Some(
                    input.and_then(|input| input.hypotheses().first()).map_or(self.language, |best| best.language),
                ),
                action: action.name().to_owned(),
                target,
                summary,
                turn: u64::from(id.0),
                intent: self.intent.clone(),
                sentiment: self.sentiment.clone(),
                slots: self.slots.clone(),
                reply,
                params,
            },
            kind: input.map(CallerInput::kind),
        }
    }

    // --- The dialog service -----------------------------------------------------------------------------------------------------

    /// Asks for the greeting, if nobody has.
    fn start(&mut self, now: Instant) {
        match self.lead {
            Lead::Fresh | Lead::GreetingAwaited { .. } => {}
            Lead::Replying(_) | Lead::Ended { .. } | Lead::Closed => return,
        }
        self.language = self.details.language.unwrap_or(self.config.language);
        self.outputs.push_back(Output::Service(ServiceCommand::Start(self.details.clone())));
        let until = later(now, self.config.first_event_timeout);
        self.lead = Lead::Replying(Reply::new(TurnId::GREETING, self.language, until));
    }

    fn hear_service(&mut self, now: Instant, turn: TurnId, speculation: u32, event: ServiceEvent) {
        let limits = self.config.limits;
        if let Lead::Replying(reply) = &mut self.lead {
            reply.resume(turn);
        }
        let reply = match &mut self.lead {
            Lead::Replying(reply) if (reply.turn, reply.speculation) == (turn, speculation) && !reply.is_closed() => {
                reply
            }
            Lead::Replying(_) | Lead::Fresh | Lead::GreetingAwaited { .. } | Lead::Ended { .. } | Lead::Closed => {
                self.counters.late_events = self.counters.late_events.saturating_add(1);
                return;
            }
        };
        reply.writing = Writing::Under { until: later(now, self.config.next_event_timeout) };
        let lost = match event {
            ServiceEvent::Text(mut piece) => {
                let policy = self.policy.barge_in.unwrap_or(self.config.barge_in.default);
                piece.barge_in = piece.barge_in.or(Some(policy));
                self.language = piece.language.unwrap_or(self.language);
                match &piece.ssml {
                    Some(ssml) => {
                        let markup = Markup::read(ssml, self.language);
                        let TextPiece { voice, barge_in, cacheable, .. } = piece;
                        reply.add_markup(markup, voice, self.language, barge_in, cacheable, &limits)
                    }
                    None => reply.add(piece, self.language, &limits),
                }
            }
            ServiceEvent::Play(Recording { uri, text, language, barge_in }) => {
                let language = language.unwrap_or(self.language);
                let markup = Markup::recording(&uri, &text, language);
                let barge_in = barge_in.or(self.policy.barge_in);
                reply.add_markup(markup, None, language, barge_in, true, &limits)
            }
            ServiceEvent::Action(Action::Continue) => {
                reply.action = Due::Nothing;
                0
            }
            ServiceEvent::Action(Action::CollectDtmf(collect)) => {
                reply.action = Due::Nothing;
                self.collecting = Some(collect);
                0
            }
            ServiceEvent::Action(action) => {
                reply.action = Due::Pending(action);
                0
            }
            ServiceEvent::Slots(slots) => {
                let bytes = serde_json::to_string(&slots).map_or(usize::MAX, |json| json.len());
                if bytes <= limits.form_bytes_max {
                    self.slots = slots;
                    0
                } else {
                    bytes
                }
            }
            ServiceEvent::Listening(listening) => {
                reply.listening = listening;
                0
            }
            ServiceEvent::Policy(policy) => {
                self.policy = policy;
                0
            }
            ServiceEvent::Intent(intent) => {
                self.intent = Some(intent.name.clone());
                reply.notes().add_intent(intent)
            }
            ServiceEvent::Sentiment(sentiment) => {
                self.sentiment = Some(sentiment.name.clone());
                reply.notes().set_sentiment(sentiment)
            }
            ServiceEvent::Tool(call) => reply.notes().add_tool(call),
            ServiceEvent::End(figures) => {
                reply.notes().figures = Some(figures);
                reply.complete(&limits)
            }
            ServiceEvent::Failed(_) => {
                self.fall_back();
                0
            }
        };
        self.count_over_limit(lost);
    }

    /// Gives the service up for this reply, and lets the fallback say and do what is configured.
    fn fall_back(&mut self) {
        let Lead::Replying(reply) = &mut self.lead else { return };
        self.counters.fallbacks = self.counters.fallbacks.saturating_add(1);
        reply.notes().is_fallback = true;
        let fallback = &self.config.fallback;
        let sentence = fallback.sentence(self.language).to_owned();
        let piece = TextPiece { cacheable: true, ..TextPiece::plain(sentence) };
        reply.replace_rest(piece, self.language, &self.config.limits);
        reply.action = match &fallback.action {
            Action::Continue | Action::CollectDtmf(_) => Due::Nothing,
            action @ (Action::Transfer { .. } | Action::Hangup { .. } | Action::Custom { .. }) => {
                Due::Pending(action.clone())
            }
        };
    }

    // --- What follows from the state --------------------------------------------------------------------------------------------

    /// Does all that has become possible: clauses to the speaker, then the action or the held turn to the listener.
    fn settle(&mut self, now: Instant) {
        self.settle_call_length(now);
        self.settle_filler(now);
        self.settle_listening();
        if let Lead::Replying(reply) = &mut self.lead
            && let Voicing::Speaking { speaker } = reply.voicing
        {
            while let Some(clause) = reply.next_clause() {
                self.outputs.push_back(Output::Say { speaker, clause });
            }
            if reply.is_closed() {
                reply.voicing = Voicing::Playing { speaker };
                self.outputs.push_back(Output::ReplyEnded { speaker });
            }
        }
        self.settle_floor(now);
        self.settle_silence();
        let Some(listener) = self.listener.take() else { return self.settle_hush() };
        let Some(mut listener) = self.settle_last_word(listener) else { return self.settle_hush() };
        if let Some(collect) = &self.collecting
            && listener.is_listening()
            && !listener.collects
        {
            listener.collects = true;
            // Speech is not listened to any more.
            listener.floor = Floor::Open;
            let collect = collect.clone();
            self.outputs.push_back(Output::CollectDtmf { listener: listener.key, collect });
        }
        self.listener = self.settle_listener(now, listener);
        self.settle_hush();
    }

    /// Completes a listener that has nothing more to wait for, or gives it back.
    fn settle_listener(&mut self, now: Instant, listener: Listener) -> Option<Listener> {
        let reply = match &mut self.lead {
            Lead::Fresh | Lead::GreetingAwaited { .. } => return Some(listener),
            Lead::Replying(reply) => reply,
            Lead::Ended { turn, action } => {
                let (turn, action) = (*turn, action.clone());
                let result = self.result(turn, None, &action, None);
                self.complete_listening(listener.key, ListenOutcome::Action(result));
                return None;
            }
            Lead::Closed => {
                self.complete_listening(listener.key, ListenOutcome::Abandoned);
                return None;
            }
        };
        match (&listener.phase, reply.action.clone()) {
            (ListenerPhase::AwaitingReply { turn }, due) if reply.is_closed() => {
                // The client speaks the reply itself.
                if reply.voicing == Voicing::Unclaimed {
                    reply.voicing = Voicing::Over;
                }
                let (id, text) = (reply.turn, reply.text());
                let action = match due {
                    Due::Pending(action) => action,
                    Due::Nothing | Due::Told => Action::Continue,
                };
                let result = self.result(id, Some(&listener.shown(turn)), &action, Some(text));
                self.complete_listening(listener.key, ListenOutcome::Turn(result));
                self.tell(action);
                None
            }
            (ListenerPhase::Listening, Due::Pending(action)) if reply.is_played() => {
                let id = reply.turn;
                let result = self.result(id, None, &action, None);
                self.complete_listening(listener.key, ListenOutcome::Action(result));
                self.tell(action);
                None
            }
            (ListenerPhase::Held { turn }, Due::Pending(action)) if reply.is_played() => {
                let id = reply.turn;
                let result = self.result(id, Some(&listener.shown(turn)), &action, None);
                self.complete_listening(listener.key, ListenOutcome::Turn(result));
                self.tell(action);
                None
            }
            (ListenerPhase::Held { turn }, Due::Nothing | Due::Told) if reply.is_played() => {
                let turn = turn.clone();
                self.take_turn(now, Listener { phase: ListenerPhase::Listening, ..listener }, turn);
                self.listener.take()
            }
            (
                ListenerPhase::Listening | ListenerPhase::Held { .. } | ListenerPhase::AwaitingReply { .. },
                Due::Nothing | Due::Pending(_) | Due::Told,
            ) => Some(listener),
        }
    }

    /// The dialplan has been told what to do.
    fn tell(&mut self, action: Action) {
        let Lead::Replying(reply) = &mut self.lead else { return };
        let reason = match (&action, reply.writing) {
            (Action::Continue | Action::CollectDtmf(_), _) => return,
            (Action::Custom { .. }, _) => {
                reply.action = Due::Told;
                return;
            }
            (Action::Hangup { .. } | Action::Transfer { .. }, Writing::Replaced) => EndReason::ServiceFailed,
            (Action::Hangup { .. }, _) => EndReason::Hangup,
            (Action::Transfer { .. }, _) => EndReason::Transfer,
        };
        let (turn, heard) = (reply.turn, reply.heard());
        self.keep_notes();
        self.outputs.push_back(Output::Service(ServiceCommand::End { reason, heard }));
        self.lead = Lead::Ended { turn, action };
    }

    /// A reply is over: what the service said beside it is kept.
    fn keep_notes(&mut self) {
        if let Lead::Replying(reply) = &mut self.lead {
            self.notes.keep(reply.notes().clone());
        }
    }

    fn desert(&mut self, now: Instant) {
        self.withdraw_speculation();
        match self.lead {
            Lead::Fresh | Lead::GreetingAwaited { .. } | Lead::Ended { .. } => self.close(EndReason::CallerGone),
            Lead::Replying(_) => self.presence = Presence::Deserted { until: later(now, self.config.linger) },
            Lead::Closed => {}
        }
    }

    fn close(&mut self, reason: EndReason) {
        self.speculation = None;
        self.keep_notes();
        self.drop_aside();
        match std::mem::replace(&mut self.lead, Lead::Closed) {
            Lead::Closed => return,
            Lead::Fresh | Lead::GreetingAwaited { .. } | Lead::Ended { .. } => {}
            Lead::Replying(reply) => {
                match reply.voicing {
                    Voicing::Speaking { speaker } | Voicing::Playing { speaker } => {
                        self.outputs.push_back(Output::StopPlayout { speaker });
                    }
                    Voicing::Unclaimed
                    | Voicing::Stopping { .. }
                    | Voicing::Suspending { .. }
                    | Voicing::Suspended
                    | Voicing::Over => {}
                }
                let heard = reply.heard();
                self.outputs.push_back(Output::Service(ServiceCommand::End { reason, heard }));
            }
        }
        if let Some(listener) = self.listener.take() {
            self.complete_listening(listener.key, ListenOutcome::Abandoned);
        }
        self.outputs.push_back(Output::Closed);
    }

    fn next_timer(&self) -> Option<(Timer, Instant)> {
        let lead = match &self.lead {
            Lead::Fresh | Lead::Ended { .. } => None,
            Lead::GreetingAwaited { until } => Some((Timer::GreetingGrace, *until)),
            Lead::Replying(reply) => match reply.writing {
                Writing::Awaited { until } => Some((Timer::FirstEvent, until)),
                Writing::Under { until } => Some((Timer::NextEvent, until)),
                Writing::Complete | Writing::Cut | Writing::Replaced => None,
            },
            Lead::Closed => return None,
        };
        let presence = match self.presence {
            Presence::Present => None,
            Presence::Deserted { until } => Some((Timer::Linger, until)),
        };
        let filler = match &self.lead {
            Lead::Replying(reply) => reply.filler_at().map(|at| (Timer::Filler, at)),
            Lead::Fresh | Lead::GreetingAwaited { .. } | Lead::Ended { .. } | Lead::Closed => None,
        };
        let call_length = self.call_over_at().map(|at| (Timer::CallLength, at));
        let interjection = self.verdict_due().map(|at| (Timer::Interjection, at));
        [lead, presence, filler, call_length, interjection].into_iter().flatten().min_by_key(|&(_, at)| at)
    }

    /// Takes over what a request says about the call; what the greeting was asked for with stays.
    fn learn(&mut self, details: CallDetails) {
        self.presence = Presence::Present;
        let known = &mut self.details;
        known.language = known.language.or(details.language);
        known.flow = known.flow.take().or(details.flow);
        known.caller_number = known.caller_number.take().or(details.caller_number);
        known.called_number = known.called_number.take().or(details.called_number);
        let limits = self.config.limits;
        let mut lost = 0usize;
        for (name, value) in details.variables {
            let bytes = name.len().saturating_add(value.len());
            if bytes > limits.variable_bytes_max {
                lost = lost.saturating_add(1);
            } else if let Some(variable) = known.variables.iter_mut().find(|(known, _)| *known == name) {
                variable.1 = value;
            } else if known.variables.len() < limits.variables_max {
                known.variables.push((name, value));
            } else {
                lost = lost.saturating_add(1);
            }
        }
        self.count_over_limit(lost);
    }

    fn reply_of(&mut self, speaker: SpeakerKey) -> Option<&mut Reply> {
        match &mut self.lead {
            Lead::Replying(reply) if reply.speaker() == Some(speaker) => Some(reply),
            Lead::Replying(_) | Lead::Fresh | Lead::GreetingAwaited { .. } | Lead::Ended { .. } | Lead::Closed => None,
        }
    }

    fn elapsed_ms(&self, at: Instant) -> u32 {
        u32::try_from(at.saturating_duration_since(self.started_at).as_millis()).unwrap_or(u32::MAX)
    }

    pub(crate) fn count_late_input(&mut self) {
        increment(&mut self.counters.late_inputs);
    }

    fn count_over_limit(&mut self, lost: usize) {
        self.counters.over_limit = self.counters.over_limit.saturating_add(u64::try_from(lost).unwrap_or(u64::MAX));
    }
}

impl Listener {
    /// What the dialplan is told of a turn. Keys that the service has collected are its business alone: what a PBX is told, it logs.
    pub(crate) fn shown(&self, turn: &CallerTurn) -> CallerInput {
        match &turn.input {
            CallerInput::Dtmf(digits) if self.collects => CallerInput::Dtmf("x".repeat(digits.chars().count())),
            input => input.clone(),
        }
    }

    pub(crate) fn is_listening(&self) -> bool {
        match self.phase {
            ListenerPhase::Listening => true,
            ListenerPhase::Held { .. } | ListenerPhase::AwaitingReply { .. } => false,
        }
    }
}

/// `now` and a while; a configured while that overflows time means now.
pub(crate) fn later(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}

pub(crate) fn increment(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
