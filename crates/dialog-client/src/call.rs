use std::{
    future::pending,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use conversation::{
    CallDetails, EndReason, Heard, ServiceCommand, ServiceEvent, ServiceFailure, Settlement, TakeTurn, TurnId,
};
use futures::FutureExt as _;
use proto::v1::{self, dialog_client::DialogClient as Stub};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, Sleep, sleep, timeout},
};
use tonic::{Code, Request, Status, Streaming, transport::Channel};

use crate::{
    client::DialogTimeouts,
    convert,
    instances::{InstanceIndex, Instances, ServiceCapabilities, is_lost},
};

/// The longest wait between two tries.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(2);

/// Something from the dialog service.
#[derive(Debug, Clone, PartialEq)]
pub enum DialogEvent {
    /// An event of a reply. After an end or a failure nothing more comes of that turn; of a turn that was cancelled no end comes.
    Reply {
        /// The turn that it answers.
        turn: TurnId,
        /// The attempt at that turn that it answers; 0 for a turn that is over.
        speculation: u32,
        /// What the service said.
        event: ServiceEvent,
    },
    /// What the service can do; before anything else of a conversation, unless the service does not answer.
    Capabilities(Arc<ServiceCapabilities>),
    /// The conversation was ended, and this is its record: `None` when the service did not give it. Nothing follows.
    Record(Option<v1::Record>),
}

/// Why a command was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DialogCallError {
    /// The service is so far behind that commands pile up.
    #[error("too many commands wait for the dialog service")]
    Full,
    /// The task is over.
    #[error("the conversation with the dialog service is over")]
    Over,
}

/// Where a conversation's commands go. Dropping it ends the task, without an end of the conversation at the service.
#[derive(Debug)]
pub struct DialogCall {
    commands: mpsc::Sender<ServiceCommand>,
}

impl DialogCall {
    pub(crate) fn new(commands: mpsc::Sender<ServiceCommand>) -> Self {
        Self { commands }
    }

    /// Hands over a command; never waits.
    ///
    /// # Errors
    /// When too many commands wait, or the task is over.
    pub fn send(&self, command: ServiceCommand) -> Result<(), DialogCallError> {
        self.commands.try_send(command).map_err(|err| match err {
            mpsc::error::TrySendError::Full(_) => DialogCallError::Full,
            mpsc::error::TrySendError::Closed(_) => DialogCallError::Over,
        })
    }
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn finished(work: &mut Option<Work>) {
    match work {
        Some(work) => work.await,
        None => pending().await,
    }
}

/// Carries out the commands of one conversation. See [`DialogClient::open`](crate::DialogClient::open).
#[derive(Debug)]
pub struct DialogTask {
    line: Line,
    commands: mpsc::Receiver<ServiceCommand>,
}

/// What each call of a conversation needs.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    instances: Arc<Instances>,
    /// The instance that leads this conversation. Calls that are under way at the same time share what they find out.
    at: Arc<Mutex<InstanceIndex>>,
    timeouts: DialogTimeouts,
    conversation_id: String,
    time_zone: Arc<str>,
    events: mpsc::Sender<DialogEvent>,
}

/// Names one reply: those to the attempts at a turn are different ones.
#[derive(Debug, Clone, Copy)]
struct ReplyKey {
    turn: TurnId,
    speculation: u32,
}

/// Whether the service knows the conversation. Until it does, nothing else is asked of it, but not for ever.
enum Opening {
    Opened,
    Under { opened: oneshot::Receiver<()>, patience: Pin<Box<Sleep>> },
}

impl Opening {
    async fn finished(&mut self) {
        match self {
            Self::Opened => pending().await,
            Self::Under { opened, patience } => {
                tokio::select! {
                    // A sender that was dropped means that it failed, and the next call will find out how.
                    _ = opened => {}
                    () = patience => {}
                }
            }
        }
    }

    fn is_under(&self) -> bool {
        matches!(self, Self::Under { .. })
    }
}

impl DialogTask {
    pub(crate) fn new(line: Line, commands: mpsc::Receiver<ServiceCommand>) -> Self {
        Self { line, commands }
    }

    /// Runs until the conversation has ended or nobody wants it any more.
    pub async fn run(mut self) {
        let mut reply: Work = pending().boxed();
        let mut interruption: Work = pending().boxed();
        let mut withdrawal: Work = pending().boxed();
        let mut commit: Option<Work> = None;
        // Told when the service has taken the last turn.
        let mut attempt: Option<oneshot::Receiver<()>> = None;
        let mut opening = Opening::Opened;
        loop {
            let command = tokio::select! {
                biased;
                () = &mut reply => {
                    reply = pending().boxed();
                    continue;
                }
                () = &mut interruption => {
                    interruption = pending().boxed();
                    continue;
                }
                // What follows is asked of a service that knows which turn was the caller's.
                () = finished(&mut commit) => {
                    commit = None;
                    continue;
                }
                () = &mut withdrawal => {
                    withdrawal = pending().boxed();
                    continue;
                }
                () = opening.finished() => {
                    opening = Opening::Opened;
                    continue;
                }
                () = self.line.events.closed() => return,
                command = self.commands.recv(), if !opening.is_under() && commit.is_none() => command,
            };
            let line = self.line.clone();
            match command {
                None => return,
                Some(ServiceCommand::Start(details)) => {
                    let (tell_opened, opened) = oneshot::channel();
                    let patience = Box::pin(sleep(line.timeouts.command));
                    reply = line.start(details, tell_opened).boxed();
                    opening = Opening::Under { opened, patience };
                }
                Some(ServiceCommand::TakeTurn(turn)) => {
                    let (tell_taken, taken) = oneshot::channel();
                    reply = line.take_turn(turn, tell_taken).boxed();
                    attempt = Some(taken);
                }
                Some(ServiceCommand::Settle { turn, speculation, settlement }) => {
                    // A settlement that overtakes its attempt would be about nothing.
                    let taken = attempt.take();
                    let settled = async move {
                        if let Some(taken) = taken {
                            // An attempt that failed is settled all the same.
                            let _ = timeout(line.timeouts.command, taken).await;
                        }
                        line.settle(turn, speculation, settlement).await;
                    };
                    let settled = settled.boxed();
                    match settlement {
                        Settlement::Commit { .. } => commit = Some(settled),
                        // The service need not know it before the next attempt, which says the same.
                        Settlement::Withdraw => {
                            // This cancels the attempt, taken or not.
                            reply = pending().boxed();
                            withdrawal = settled;
                        }
                    }
                }
                Some(ServiceCommand::Interrupt(heard)) => {
                    reply = pending().boxed();
                    interruption = line.interrupt(heard).boxed();
                }
                Some(ServiceCommand::End { reason, heard }) => {
                    drop(reply);
                    return line.end(reason, heard).await;
                }
            }
        }
    }
}

impl Line {
    pub(crate) fn new(
        instances: Arc<Instances>,
        timeouts: DialogTimeouts,
        conversation_id: String,
        events: mpsc::Sender<DialogEvent>,
        time_zone: &Arc<str>,
    ) -> Self {
        let at = Arc::new(Mutex::new(instances.current()));
        Self { instances, at, timeouts, conversation_id, time_zone: Arc::clone(time_zone), events }
    }

    /// The instance in use.
    fn instance(&self) -> Option<(InstanceIndex, Stub<Channel>)> {
        let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        Some((at, self.instances.stub(at)?))
    }

    /// The instance cannot be reached: the next one leads the conversation on.
    fn lost(&self, lost: InstanceIndex) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if *at == lost {
            *at = self.instances.lost(lost);
        }
    }

    async fn start(self, details: CallDetails, opened: oneshot::Sender<()>) {
        // An instance that is gone is found out here, and the next one is asked.
        for _ in 0..self.instances.count() {
            let Some((at, _)) = self.instance() else { break };
            if let Some(capabilities) = self.instances.capabilities(at, self.timeouts.connect).await {
                // Nobody listens any more: the task is about to be dropped.
                let _ = self.events.send(DialogEvent::Capabilities(capabilities)).await;
                break;
            }
            if self.instances.count() > 1 {
                self.lost(at);
            }
        }
        let request = convert::start_request(&self.conversation_id, &details, &self.time_zone);
        self.stream_reply(ReplyKey { turn: TurnId::GREETING, speculation: 0 }, Some(opened), |mut stub| {
            let request = self.request(request.clone(), self.timeouts.reply);
            async move { stub.start_conversation(request).await.map(tonic::Response::into_inner) }
        })
        .await;
    }

    async fn take_turn(self, turn: TakeTurn, taken: oneshot::Sender<()>) {
        let reply = ReplyKey { turn: turn.turn, speculation: turn.speculation };
        let request = convert::turn_request(&self.conversation_id, turn);
        self.stream_reply(reply, Some(taken), |mut stub| {
            let request = self.request(request.clone(), self.timeouts.reply);
            async move { stub.take_turn(request).await.map(tonic::Response::into_inner) }
        })
        .await;
    }

    /// Streams the reply to `turn` to the conversation, whatever happens within the deadline.
    async fn stream_reply<F>(
        &self,
        reply: ReplyKey,
        opened: Option<oneshot::Sender<()>>,
        open: impl FnMut(Stub<Channel>) -> F,
    ) where
        F: Future<Output = Result<Streaming<v1::TurnEvent>, Status>>,
    {
        let failure = match timeout(self.timeouts.reply, self.try_reply(reply, opened, open)).await {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => failure,
            Err(_) => ServiceFailure::Deadline,
        };
        metrics::counter!("dialog_failures_total", "kind" => failure.as_str()).increment(1);
        tracing::warn!(turn = reply.turn.0, failure = failure.as_str(), "the dialog service failed");
        self.tell(reply, ServiceEvent::Failed(failure)).await;
    }

    async fn try_reply<F>(
        &self,
        mut reply: ReplyKey,
        mut opened: Option<oneshot::Sender<()>>,
        mut open: impl FnMut(Stub<Channel>) -> F,
    ) -> Result<(), ServiceFailure>
    where
        F: Future<Output = Result<Streaming<v1::TurnEvent>, Status>>,
    {
        let begun_at = Instant::now();
        let mut wait = self.timeouts.retry_first;
        // Another server may have led the conversation before: then the service answers a Start with the last reply.
        let mut may_resume = reply.turn == TurnId::GREETING;
        // Instances that are still to be asked before there is a pause.
        let mut others = self.instances.count().saturating_sub(1);
        loop {
            let mut begun = false;
            let Some((at, stub)) = self.instance() else { return Err(ServiceFailure::Unreachable) };
            let status = match open(stub).await {
                Ok(mut stream) => {
                    if let Some(opened) = opened.take() {
                        // The task that would hear it is the one that runs this.
                        let _ = opened.send(());
                    }
                    loop {
                        match stream.message().await {
                            Ok(Some(event)) => {
                                begun = true;
                                if std::mem::take(&mut may_resume) {
                                    reply.turn = TurnId(event.turn_id);
                                }
                                if self.pass_on(reply, event).await? {
                                    return Ok(());
                                }
                            }
                            // The stream ended without the end of the reply.
                            Ok(None) => return Err(ServiceFailure::Protocol),
                            Err(status) => break status,
                        }
                    }
                }
                Err(status) => status,
            };
            tracing::debug!(turn = reply.turn.0, code = ?status.code(), "a call to the dialog service failed");
            let is_lost = is_lost(&status);
            if is_lost {
                self.lost(at);
            }
            if begun || !is_lost {
                return Err(convert::failure(status.code()));
            }
            if others > 0 {
                others -= 1;
                metrics::counter!("dialog_retries_total").increment(1);
                continue;
            }
            others = self.instances.count().saturating_sub(1);
            if begun_at.elapsed().saturating_add(wait) >= self.timeouts.reply {
                return Err(ServiceFailure::Unreachable);
            }
            metrics::counter!("dialog_retries_total").increment(1);
            sleep(wait).await;
            wait = wait.saturating_mul(2).min(RETRY_WAIT_MAX);
        }
    }

    /// Gives one event to the conversation. Returns whether it was the last.
    async fn pass_on(&self, reply: ReplyKey, event: v1::TurnEvent) -> Result<bool, ServiceFailure> {
        if event.turn_id != reply.turn.0 {
            return Err(ServiceFailure::Protocol);
        }
        let Some(event) = event.event.and_then(convert::event) else { return Ok(false) };
        match event {
            ServiceEvent::Failed(failure) => Err(failure),
            end @ ServiceEvent::End(_) => {
                self.tell(reply, end).await;
                Ok(true)
            }
            event @ (ServiceEvent::Text(_)
            | ServiceEvent::Action(_)
            | ServiceEvent::Slots(_)
            | ServiceEvent::Play(_)
            | ServiceEvent::Intent(_)
            | ServiceEvent::Sentiment(_)
            | ServiceEvent::Tool(_)
            | ServiceEvent::Listening(_)
            | ServiceEvent::Policy(_)) => {
                self.tell(reply, event).await;
                Ok(false)
            }
        }
    }

    async fn tell(&self, reply: ReplyKey, event: ServiceEvent) {
        // Nobody listens any more: the task is about to be dropped.
        let _ = self.events.send(DialogEvent::Reply { turn: reply.turn, speculation: reply.speculation, event }).await;
    }

    /// Tells what became of a speculative turn. A commit is tried again while its time lasts: the reply is being spoken already.
    async fn settle(self, turn: TurnId, speculation: u32, settlement: Settlement) {
        let message = convert::settle_request(&self.conversation_id, turn, speculation, settlement);
        let begun_at = Instant::now();
        let mut wait = self.timeouts.retry_first;
        loop {
            let request = self.request(message.clone(), self.timeouts.command);
            let Some((at, mut stub)) = self.instance() else { return };
            let Err(status) = stub.settle_turn(request).await else { return };
            if is_lost(&status) {
                self.lost(at);
            }
            let is_over = settlement == Settlement::Withdraw
                || status.code() != Code::Unavailable
                || begun_at.elapsed().saturating_add(wait) >= self.timeouts.command;
            if is_over {
                metrics::counter!("dialog_settlements_failed_total").increment(1);
                tracing::warn!(turn = turn.0, code = ?status.code(), "the dialog service did not take what became of a turn");
                return;
            }
            sleep(wait).await;
            wait = wait.saturating_mul(2).min(RETRY_WAIT_MAX);
        }
    }

    async fn interrupt(self, heard: Heard) {
        let request =
            v1::InterruptRequest { conversation_id: self.conversation_id.clone(), heard: Some(convert::heard(heard)) };
        let request = self.request(request, self.timeouts.command);
        // The next turn tells again what was heard, so a lost interruption costs the service some work and nothing else.
        let Some((at, mut stub)) = self.instance() else { return };
        if let Err(status) = stub.interrupt(request).await {
            if is_lost(&status) {
                self.lost(at);
            }
            tracing::debug!(code = ?status.code(), "the dialog service did not take the interruption");
        }
    }

    async fn end(self, reason: EndReason, heard: Option<Heard>) {
        let request = v1::EndConversationRequest {
            conversation_id: self.conversation_id.clone(),
            reason: convert::end_reason(reason).into(),
            heard: heard.map(convert::heard),
        };
        let record = match timeout(self.timeouts.command, self.ask_end(request)).await {
            Ok(record) => record,
            Err(_) => {
                tracing::warn!("the dialog service gave no record in time");
                None
            }
        };
        let _ = self.events.send(DialogEvent::Record(record)).await;
    }

    /// Ends the conversation at whichever instance can be reached.
    async fn ask_end(&self, message: v1::EndConversationRequest) -> Option<v1::Record> {
        for _ in 0..self.instances.count() {
            let (at, mut stub) = self.instance()?;
            match stub.end_conversation(self.request(message.clone(), self.timeouts.command)).await {
                Ok(answer) => return answer.into_inner().record,
                Err(status) => {
                    tracing::warn!(code = ?status.code(), "the dialog service gave no record");
                    if !is_lost(&status) {
                        return None;
                    }
                    self.lost(at);
                }
            }
        }
        None
    }

    fn request<T>(&self, message: T, deadline: Duration) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(deadline);
        request
    }
}
