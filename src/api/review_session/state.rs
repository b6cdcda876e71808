//! Joining a room, and the state that clients of the API set.

use rushes_sessions::{AssetState, Meant, SyncMode};
use rushes_signaling::{
    meeting::{Attendee, Meeting},
    room::AssetStateBody,
};
use serde::{Deserialize, Serialize};

use super::{ReviewSession, people};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, RoomId},
    rooms::{refused, shown_by},
    rpc::Ctx,
    secret::Secret,
    store::{self, text::RoomStatus},
};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JoinReviewSession {
    id: RoomId,
    media_region: String,
}

/// What someone who joins needs for voice and camera, each a text of JSON.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Joined {
    attendee: Option<String>,
    meeting: Option<String>,
}

/// Lets somebody with a seat into a room that runs.
pub(crate) async fn join(ctx: &mut Ctx, req: JoinReviewSession) -> ApiResult<Joined> {
    let (caller, now) = (ctx.caller()?.clone(), ctx.now());
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_seat()?;
    match room.row.status {
        RoomStatus::Draft | RoomStatus::Scheduled => {
            return Err(ApiError::new(Code::ROOM_NOT_STARTED));
        }
        RoomStatus::Complete => return Err(ApiError::new(Code::ROOM_COMPLETE)),
        RoomStatus::Started => {}
    }
    people::seat_by_team(ctx, req.id, caller.user_id).await?;
    people::need_room(ctx, req.id).await?;
    let seat = store::rooms::seat(ctx.db(), req.id, caller.user_id).await?;
    let seat = seat.ok_or(ApiError::new(Code::CANNOT_JOIN))?;
    // A new id and proof for each joining: whoever joins again in another window does not share
    // the first one's voice, and a proof that leaked ends with the next joining.
    let (attendee, proof) = (AnyId::new().to_string(), Secret::random());
    store::rooms::join(ctx.db(), seat.id, &attendee, &proof.digest(), now).await?;
    let meeting = Meeting::new(ctx.app().public_url(), req.id.into(), &req.media_region);
    let proof = proof.reveal().to_owned();
    let attendee = Attendee::new(attendee, caller.user_id.into(), proof);
    Ok(Joined { attendee: Some(attendee.to_text()), meeting: Some(meeting.to_text()) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetState {
    asset_state: Option<String>,
    id: RoomId,
    sync_mode: SyncMode,
}

/// Sets who drives and, if there is one, the client's own text, which is kept byte for byte. What
/// is understood of a host's the room does.
///
/// This is registered as reading: it is the room's own task that writes, and it waits for the
/// writer that this request must not hold meanwhile.
pub(crate) async fn set_state(ctx: &mut Ctx, req: SetState) -> ApiResult<ReviewSession> {
    let caller = ctx.caller()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_seat()?;
    let hub = ctx.app().hub.clone();
    let (id, user) = (req.id.into(), caller.user_id.into());
    let asset_state = match req.asset_state.clone() {
        Some(text) if room.is_host => Some(understood(ctx, req.id, text).await?),
        text => text.map(AssetState::from),
    };
    hub.set_state(id, user, req.sync_mode, asset_state)
        .await
        .map_err(|error| refused(&hub, &error))?;
    // What this transaction sees is from before.
    let mut answer = ReviewSession::of(room, &caller);
    answer.sync_mode = Some(req.sync_mode);
    answer.asset_state = req.asset_state.or(answer.asset_state);
    Ok(answer)
}

/// A client's own text, and what is understood of it: nothing where it is about an asset that the
/// room does not show.
async fn understood(ctx: &mut Ctx, room: RoomId, text: String) -> ApiResult<AssetState> {
    let AssetStateBody { asset_id, frame, playing } = AssetStateBody::of(&text);
    let asset = match asset_id {
        None => None,
        Some(id) => match shown_by(ctx.db(), room, id.into()).await {
            Ok(asset) => Some(asset),
            Err(error) if error.code() == Code::NOT_FOUND => return Ok(text.into()),
            Err(error) => return Err(error),
        },
    };
    Ok(AssetState { text, meant: Meant { asset, frame, playing } })
}
