//! When a room is to begin.

use serde::{Deserialize, Serialize};

use super::{ReviewSession, answer, tell_updated};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::RoomId,
    rpc::Ctx,
    store::{self, text::RoomStatus},
    time::Millis,
};

/// When a room is to begin; without a time it is a draft again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) id: RoomId,
    pub(crate) start_time: Option<Millis>,
}

/// Says when a room is to begin, as whoever may start it. It does not begin by itself: whoever
/// keeps it starts it, sooner or later than was said.
pub(crate) async fn schedule(ctx: &mut Ctx, req: Schedule) -> ApiResult<ReviewSession> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_edit()?;
    let refused = |field: &'static str, why: &str| {
        let code = Code::INVALID_DATA;
        ApiError::new(code).field(field, code, why.to_owned())
    };
    let mut row = room.row;
    match row.status {
        RoomStatus::Draft | RoomStatus::Scheduled => {}
        RoomStatus::Started => return Err(refused("id", "The room has started")),
        RoomStatus::Complete => return Err(ApiError::new(Code::ROOM_COMPLETE)),
    }
    if req.start_time.is_some_and(|start| start <= now) {
        return Err(refused("start_time", "It lies in the past"));
    }
    let status = if req.start_time.is_some() { RoomStatus::Scheduled } else { RoomStatus::Draft };
    if (row.status, row.start_time) != (status, req.start_time) {
        (row.status, row.start_time, row.modified) = (status, req.start_time, now);
        store::rooms::update(ctx.db(), &row).await?;
        tell_updated(ctx, row.id).await?;
    }
    answer(ctx, &caller, req.id).await
}
