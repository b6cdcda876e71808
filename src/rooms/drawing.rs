//! Drawing and pointing over the WebSocket, and keeping what was drawn as a comment.

use rushes_sessions::{self as sessions, Pointer, Stroke};
use rushes_signaling::drawing::{
    BadDrawing, DrawRequest, Drawing, DrawnBody, EraseRequest, KeepRequest, PointRequest,
};
use serde_json::{Value, json};

use super::{read, refused};
use crate::{
    access::{self, Permission},
    api,
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, CommentId, RoomId},
    rpc::{ExtensionCall, is_plain},
    store::{
        self, Json,
        comments::{CommentRow, FoundComment},
    },
    time::Millis,
};

/// The longest text beside a kept drawing, in characters: that of a comment.
const MAX_TEXT: usize = 61_440;

fn bad(error: BadDrawing) -> ApiError {
    ApiError::new(Code::INVALID_DATA).message(error.to_string())
}

fn connection(call: &ExtensionCall) -> sessions::ConnectionId {
    sessions::ConnectionId(call.connection.id.0)
}

/// Takes a part of a stroke.
pub(super) async fn draw(call: &ExtensionCall) -> ApiResult<Value> {
    let request: DrawRequest = read(&call.data)?;
    let (room, stroke_id) = (request.id, request.stroke_id.clone());
    let draw = request.into_draw().map_err(bad)?;
    let hub = &call.app.hub;
    let drawn = hub.draw(room, connection(call), draw).await;
    Ok(json!(DrawnBody::new(stroke_id, drawn.map_err(|error| refused(hub, &error))?)))
}

/// Takes where somebody points. Whether it counts, the room says to nobody.
pub(super) fn point(call: &ExtensionCall) -> ApiResult<Value> {
    let request: PointRequest = read(&call.data)?;
    call.app.hub.point(request.id, connection(call), Pointer::from(&request));
    Ok(json!({}))
}

/// Takes strokes away.
pub(super) async fn erase(call: &ExtensionCall) -> ApiResult<Value> {
    let request: EraseRequest = read(&call.data)?;
    let room = request.id;
    let which = request.into_erase().map_err(bad)?;
    let hub = &call.app.hub;
    let gone = hub.erase(room, connection(call), which).await;
    Ok(json!({ "stroke_ids": gone.map_err(|error| refused(hub, &error))? }))
}

/// Keeps what is drawn on a frame, and was not kept before, as a comment. Hosts may.
pub(super) async fn keep(call: &ExtensionCall) -> ApiResult<Value> {
    let request: KeepRequest = read(&call.data)?;
    check(&request)?;
    let (room, caller) = (RoomId::from(request.id), &call.connection.caller);
    let (app, hub) = (&call.app, &call.app.hub);
    {
        let mut tx = app.store.read().await?;
        let seen = access::room(&mut tx, caller, room).await?;
        seen.need_seat()?;
        seen.need_edit()?;
    }
    let strokes = hub.strokes(request.id).await.map_err(|error| refused(hub, &error))?;
    let on = sessions::Place { asset: request.asset_id, frame: request.frame };
    let fresh = |stroke: &&Stroke| stroke.on == on && stroke.done && !stroke.kept;
    let strokes: Vec<&Stroke> = strokes.iter().filter(fresh).collect();
    let (comment, strokes) = comment(call, &request, &strokes).await?;
    hub.kept(request.id, caller.user_id.into(), &comment.to_string(), strokes.clone())
        .await
        .map_err(|error| refused(hub, &error))?;
    Ok(json!({ "comment_id": comment, "stroke_ids": strokes }))
}

fn check(request: &KeepRequest) -> ApiResult<()> {
    let error = |message: &'static str| Err(ApiError::new(Code::INVALID_DATA).message(message));
    if request.cmd_id.is_empty() || request.cmd_id.len() > sessions::MAX_CMD_ID {
        return error("cmd_id is empty or too long");
    }
    if request.text.chars().count() > MAX_TEXT || !is_plain(&request.text) {
        return error("The text is too long, or has HTML tags or templates in it");
    }
    Ok(())
}

/// The comment that strokes are kept as: a new one, or that of the same wish before. Its id, and
/// the names of its strokes.
async fn comment(
    call: &ExtensionCall,
    request: &KeepRequest,
    strokes: &[&Stroke],
) -> ApiResult<(CommentId, Vec<String>)> {
    let (room, caller) = (RoomId::from(request.id), &call.connection.caller);
    let mut tx = call.app.store.write().await?;
    let db = &mut tx;
    if let Some(before) = store::comments::named(db, room, caller.user_id, &request.cmd_id).await? {
        return Ok((before.row.id, names(&before)));
    }
    if strokes.is_empty() {
        let message = "Nothing is drawn there that was not kept";
        return Err(ApiError::new(Code::INVALID_DATA).message(message));
    }
    let (asset, rights) = access::asset(db, caller, AssetId::from(request.asset_id)).await?;
    rights.need(Permission::Comment)?;
    let scope = store::rooms::get(db, room).await?.ok_or(ApiError::new(Code::ROOM_NOT_FOUND))?;
    let row = CommentRow {
        id: CommentId::new(),
        asset_id: asset.row.id,
        room_id: Some(room),
        user_id: caller.user_id,
        uuid: Some(request.cmd_id.clone()),
        scope: scope.comment_scope,
        description: request.text.trim().to_owned(),
        frame: request.frame.map(|frame| frame.0),
        drawing: Some(Json(Drawing::new(strokes.iter().copied()))),
        created: Millis::now(),
    };
    store::comments::create(db, &row).await?;
    let found = store::comments::get(db, row.id).await?;
    let found = found.ok_or(ApiError::new(Code::NOT_FOUND))?;
    let event = api::comment_told(db, "COMMENT_CREATED", &found).await?;
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    call.app.bus.publish(&event);
    Ok((row.id, names(&found)))
}

fn names(comment: &FoundComment) -> Vec<String> {
    let strokes = comment.row.drawing.iter().flat_map(|drawing| &drawing.0.strokes);
    strokes.map(|stroke| stroke.stroke_id.clone()).collect()
}
