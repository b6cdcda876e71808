//! Sharing a screen over the WebSocket.

use rushes_signaling::room::{RoomRequest, UnshareRequest};
use serde_json::{Value, json};

use super::read;
use crate::{
    access,
    error::ApiResult,
    ids::RoomId,
    live::shares::{self, Share},
    rpc::ExtensionCall,
};

/// Tells somebody where to publish their screen. Once it comes, the room shows it.
pub(super) async fn share(call: &ExtensionCall) -> ApiResult<Value> {
    let request: RoomRequest = read(&call.data)?;
    let room = RoomId::from(request.id);
    let Share { asset, url, token } =
        shares::begin(&call.app, &call.connection.caller, room).await?;
    Ok(json!({ "id": request.id, "asset_id": asset, "url": url, "token": token }))
}

/// Ends what somebody shares: they themselves, or a host.
pub(super) async fn unshare(call: &ExtensionCall) -> ApiResult<Value> {
    let request: UnshareRequest = read(&call.data)?;
    let (room, caller) = (RoomId::from(request.id), &call.connection.caller);
    let whose = request.user_id.map_or(caller.user_id, Into::into);
    {
        let mut tx = call.app.store.read().await?;
        let seen = access::room(&mut tx, caller, room).await?;
        seen.need_seat()?;
        if whose != caller.user_id {
            seen.need_edit()?;
        }
    }
    shares::end(&call.app, room, whose).await?;
    Ok(json!({ "id": request.id }))
}
