//! A running service on a free port, and a caller who talks to it through gRPC.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::net::{Ipv4Addr, SocketAddr};

use dialog_service::{DialogService, DialogServiceConfig};
use proto::v1::{self, dialog_client::DialogClient, turn_event::Event};
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle};
use tonic::{Status, Streaming, transport::Channel};

/// The default configuration on a free port.
pub fn config() -> DialogServiceConfig {
    DialogServiceConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..DialogServiceConfig::default() }
}

/// A service that runs until it is dropped or stopped.
pub struct Running {
    pub address: SocketAddr,
    pub channel: Channel,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Running {
    pub async fn start(config: DialogServiceConfig) -> Self {
        // Another test of the program may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let service = DialogService::bind(config).await.unwrap();
        let address = service.address();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(async move {
            service.run(async move { drop(stopped.await) }).await.unwrap();
        });
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { address, channel, stop: Some(stop), served }
    }

    pub fn client(&self) -> DialogClient<Channel> {
        DialogClient::new(self.channel.clone())
    }

    /// Stops the service and waits for its end.
    pub async fn stop(mut self) {
        drop(self.channel);
        drop(self.stop.take());
        self.served.await.unwrap();
    }
}

/// A caller in one conversation.
pub struct Caller {
    pub client: DialogClient<Channel>,
    pub id: String,
    pub turn: u32,
}

/// A reply, put together.
#[derive(Debug, Default, PartialEq)]
pub struct Reply {
    pub text: String,
    pub intent: String,
    pub form: Value,
    pub action: Option<v1::action::Kind>,
    pub degraded: bool,
}

impl Caller {
    pub async fn start(
        running: &Running,
        id: &str,
        language: &str,
        flow: &str,
        variables: &[(&str, &str)],
    ) -> (Self, Reply) {
        let mut caller = Self { client: running.client(), id: id.to_owned(), turn: 0 };
        let request = v1::StartConversationRequest {
            conversation_id: id.to_owned(),
            language: language.to_owned(),
            flow: flow.to_owned(),
            variables: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..v1::StartConversationRequest::default()
        };
        let stream = caller.client.start_conversation(request).await.unwrap().into_inner();
        let greeting = whole(stream, 0).await.unwrap();
        (caller, greeting)
    }

    pub fn speech(&self, turn: u32, words: &str) -> v1::TakeTurnRequest {
        v1::TakeTurnRequest {
            conversation_id: self.id.clone(),
            turn_id: turn,
            input: Some(v1::CallerInput {
                kind: v1::caller_input::Kind::Speech.into(),
                transcript: words.to_owned(),
                confidence: 0.9,
                ..v1::CallerInput::default()
            }),
            heard: None,
            speculation: 0,
        }
    }

    pub async fn says(&mut self, words: &str) -> Reply {
        self.turn += 1;
        self.take(self.speech(self.turn, words)).await.unwrap()
    }

    pub async fn take(&mut self, request: v1::TakeTurnRequest) -> Result<Reply, Status> {
        let turn = request.turn_id;
        whole(self.client.take_turn(request).await?.into_inner(), turn).await
    }

    pub async fn ends(&mut self, reason: v1::end_conversation_request::Reason) -> Result<v1::Record, Status> {
        let request =
            v1::EndConversationRequest { conversation_id: self.id.clone(), reason: reason.into(), heard: None };
        Ok(self.client.end_conversation(request).await?.into_inner().record.unwrap())
    }
}

/// Reads a reply to its end, and holds the service to the protocol's order.
pub async fn whole(mut stream: Streaming<v1::TurnEvent>, turn: u32) -> Result<Reply, Status> {
    let mut reply = Reply::default();
    let mut ended = false;
    while let Some(event) = stream.message().await? {
        assert_eq!(event.turn_id, turn);
        assert!(!ended, "something after the end");
        match event.event.unwrap() {
            Event::Text(text) => {
                if text.clause_end && !reply.text.is_empty() {
                    reply.text.push(' ');
                }
                reply.text.push_str(&text.text);
            }
            Event::Intent(intent) => reply.intent = intent.name,
            Event::Slots(slots) => reply.form = serde_json::from_str(&slots.form_json).unwrap(),
            Event::Action(action) => assert_eq!(reply.action.replace(action.kind.unwrap()), None, "two actions"),
            Event::Play(_) | Event::Sentiment(_) | Event::Tool(_) | Event::Listening(_) | Event::Policy(_) => {}
            Event::End(end) => {
                ended = true;
                reply.degraded = end.degraded;
            }
        }
    }
    assert!(ended, "no end of the reply: {reply:?}");
    Ok(reply)
}
