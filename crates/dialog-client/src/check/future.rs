//! A request as a later version of the protocol might make it: with fields that nobody knows today.

use proto::v1;
use tonic::{Request, Status, Streaming, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel};

/// A `StartConversationRequest` with more in it.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LaterStart {
    #[prost(string, tag = "1")]
    pub(super) conversation_id: String,
    #[prost(string, tag = "2")]
    pub(super) language: String,
    #[prost(string, tag = "3")]
    pub(super) flow: String,
    #[prost(string, tag = "1001")]
    pub(super) unknown_text: String,
    #[prost(uint64, tag = "1002")]
    pub(super) unknown_number: u64,
}

/// Starts a conversation with a request from the future.
pub(super) async fn start(channel: Channel, message: LaterStart) -> Result<Streaming<v1::TurnEvent>, Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static("/voxgate.dialog.v1.Dialog/StartConversation");
    let codec = tonic_prost::ProstCodec::<LaterStart, v1::TurnEvent>::default();
    grpc.server_streaming(Request::new(message), path, codec).await.map(tonic::Response::into_inner)
}
