use std::sync::Arc;

use futures::stream::BoxStream;
use proto::v1::{self, dialog_server::Dialog};
use tonic::{Request, Response, Status};

use crate::{
    dialogue::Dialogue,
    dialogues::{Dialogues, SharedDialogue, locked},
    flows::FlowShelf,
    reply::{Helpers, Reply},
    summary,
};

/// Bytes of a conversation id.
const ID_BYTES_MAX: usize = 256;
/// Call variables of a conversation.
const VARIABLES_MAX: usize = 64;

/// The protocol's calls.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) flows: Arc<FlowShelf>,
    pub(crate) default_flow: String,
    pub(crate) dialogues: Arc<Dialogues>,
    pub(crate) helpers: Arc<Helpers>,
}

type Events = BoxStream<'static, Result<v1::TurnEvent, Status>>;

#[tonic::async_trait]
impl Dialog for Service {
    type StartConversationStream = Events;
    type TakeTurnStream = Events;

    async fn get_capabilities(
        &self,
        _request: Request<v1::GetCapabilitiesRequest>,
    ) -> Result<Response<v1::Capabilities>, Status> {
        let shelf = self.flows.current();
        let flows = shelf.all().map(|flow| v1::FlowInfo {
            name: flow.name().to_owned(),
            version: flow.version().to_owned(),
            languages: flow.languages().iter().map(|language| language.tag().to_owned()).collect(),
        });
        Ok(Response::new(v1::Capabilities {
            service: concat!("voxgate-dialog/", env!("CARGO_PKG_VERSION")).to_owned(),
            flows: flows.collect(),
            speculation: true,
            shared_state: self.dialogues.is_shared(),
        }))
    }

    async fn settle_turn(
        &self,
        request: Request<v1::SettleTurnRequest>,
    ) -> Result<Response<v1::SettleTurnResponse>, Status> {
        let request = request.into_inner();
        let dialogue = self.find(&request.conversation_id).await?;
        locked(&dialogue).settle(&request);
        self.dialogues.save(&dialogue).await?;
        Ok(Response::new(v1::SettleTurnResponse {}))
    }

    async fn start_conversation(
        &self,
        request: Request<v1::StartConversationRequest>,
    ) -> Result<Response<Events>, Status> {
        let request = request.into_inner();
        let id = request.conversation_id.clone();
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(Status::invalid_argument(format!("a conversation id has 1 to {ID_BYTES_MAX} bytes")));
        }
        if request.variables.len() > VARIABLES_MAX {
            return Err(Status::invalid_argument(format!("a conversation has at most {VARIABLES_MAX} variables")));
        }
        let name = if request.flow.is_empty() { self.default_flow.as_str() } else { request.flow.as_str() };
        let flow = self
            .flows
            .current()
            .by_name(name)
            .ok_or_else(|| Status::not_found(format!("there is no flow {name:?}")))?;
        let dialogue = self.dialogues.find_or_open(&id, || {
            metrics::counter!("dialog_conversations_total").increment(1);
            tracing::info!(conversation = %id, flow = flow.name(), "a conversation begins");
            Dialogue::new(request, Arc::clone(&flow))
        });
        let dialogue = dialogue.await?;
        let answer = locked(&dialogue).last_reply();
        self.dialogues.save(&dialogue).await?;
        Ok(Response::new(Reply::new(dialogue, answer, &self.helpers).into_stream()))
    }

    async fn take_turn(&self, request: Request<v1::TakeTurnRequest>) -> Result<Response<Events>, Status> {
        let request = request.into_inner();
        let dialogue = self.find(&request.conversation_id).await?;
        let answer = locked(&dialogue).take_turn(&request)?;
        // Before anything is said: what the caller hears, every instance knows.
        self.dialogues.save(&dialogue).await?;
        metrics::counter!("dialog_turns_total").increment(1);
        tracing::debug!(conversation = %request.conversation_id, turn = request.turn_id, "a turn is taken");
        Ok(Response::new(Reply::new(dialogue, answer, &self.helpers).into_stream()))
    }

    async fn interrupt(
        &self,
        request: Request<v1::InterruptRequest>,
    ) -> Result<Response<v1::InterruptResponse>, Status> {
        let request = request.into_inner();
        let dialogue = self.find(&request.conversation_id).await?;
        locked(&dialogue).interrupt(request.heard.as_ref());
        self.dialogues.save(&dialogue).await?;
        Ok(Response::new(v1::InterruptResponse {}))
    }

    async fn end_conversation(
        &self,
        request: Request<v1::EndConversationRequest>,
    ) -> Result<Response<v1::EndConversationResponse>, Status> {
        let request = request.into_inner();
        let dialogue = self.find(&request.conversation_id).await?;
        let (record, is_new) = {
            let mut dialogue = locked(&dialogue);
            let is_new = !dialogue.is_ended();
            (dialogue.end(request.reason(), request.heard.as_ref()), is_new)
        };
        let record = match &self.helpers.providers {
            Some(providers) if is_new && !self.helpers.summary_within.is_zero() => {
                let record = summary::write(providers, record, self.helpers.summary_within).await;
                locked(&dialogue).improve_record(record.clone());
                record
            }
            Some(_) | None => record,
        };
        self.dialogues.save(&dialogue).await?;
        tracing::info!(conversation = %request.conversation_id, outcome = record.outcome, "a conversation is over");
        Ok(Response::new(v1::EndConversationResponse { record: Some(record) }))
    }
}

impl Service {
    async fn find(&self, id: &str) -> Result<SharedDialogue, Status> {
        self.dialogues.find(id).await.ok_or_else(|| Status::not_found("there is no such conversation"))
    }
}
