//! A room's chat over the WebSocket: `rushes/room/chat` and its history.

use rushes_sessions as sessions;
use rushes_signaling::chat::{HistoryBody, HistoryRequest, SaidBody, SayRequest};
use serde_json::{Value, json};

use super::{read, refused};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::RoomId,
    rpc::ExtensionCall,
    store,
};

/// Says something in a room that the connection attends.
pub(super) async fn say(call: &ExtensionCall) -> ApiResult<Value> {
    let request: SayRequest = read(&call.data)?;
    let connection = sessions::ConnectionId(call.connection.id.0);
    let hub = &call.app.hub;
    let said = hub.say(request.id, connection, &request.cmd_id, &request.text).await;
    Ok(json!(SaidBody::from(said.map_err(|error| refused(hub, &error))?)))
}

/// What was said in a room, for everyone who has a seat in it: also when it is over.
pub(super) async fn history(call: &ExtensionCall) -> ApiResult<Value> {
    let request: HistoryRequest = read(&call.data)?;
    let room = RoomId::from(request.id);
    let mut tx = call.app.store.read().await?;
    access::room(&mut tx, &call.connection.caller, room).await?.need_seat()?;
    let (messages, more) = match (request.before, request.after) {
        (Some(_), Some(_)) => {
            let message = "Either before or after";
            return Err(ApiError::new(Code::INVALID_DATA).message(message));
        }
        (before, None) => store::rooms::chat::before(&mut tx, room, before, request.most()).await?,
        (None, Some(after)) => {
            store::rooms::chat::after(&mut tx, room, after, request.most()).await?
        }
    };
    Ok(json!(HistoryBody { id: request.id, messages, more }))
}
