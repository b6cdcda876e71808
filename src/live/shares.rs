//! Screens that people share in rooms.
//!
//! Each person has a registration of kind `DESKTOP` in each room where they ever shared, which
//! keeps its asset. It is kept in a folder, because every asset is; but it is the room's own: the
//! room's people see it while it is in the room's playlist, and nobody else does but the
//! administrators of the folder. It is in the playlist from its first packet until it ends.

use rushes_media::StreamId;
use rushes_sessions::SyncMode;

use super::{publish_url, stream_of, tell_rooms};
use crate::{
    access,
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, RegistrationId, RoomId, UserId},
    rpc::Caller,
    secret::Secret,
    store::{
        self, Db, StoreError,
        live::{NewRegistration, RegistrationRow, shares},
        rooms::SeenRoom,
        text::{RoomStatus, SourceKind},
    },
    time::Millis,
};

/// Where somebody may publish their screen.
pub(crate) struct Share {
    /// The asset that shows it.
    pub(crate) asset: AssetId,
    /// Where to publish it, by WHIP.
    pub(crate) url: String,
    /// What to publish it with: shown here and never again.
    pub(crate) token: Secret,
}

/// Lets somebody share their screen in a room. Whatever they shared there before ends when the new
/// one comes: its token is good no more.
pub(crate) async fn begin(app: &App, caller: &Caller, room: RoomId) -> ApiResult<Share> {
    let now = Millis::now();
    let mut tx = app.store.write().await?;
    let seen = access::room(&mut tx, caller, room).await?;
    may_share(&seen)?;
    let token = Secret::random();
    let row = match shares::of_person(&mut tx, room, caller.user_id).await? {
        Some(row) => {
            shares::set_token(&mut tx, row.id, Some(token.digest())).await?;
            row
        }
        None => register(&mut tx, caller.user_id, &seen, &token, now).await?,
    };
    let asset = store::live::asset_of(&mut tx, &row, now).await?.asset;
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    Ok(Share { asset, url: publish_url(app, &row), token })
}

/// Hosts may at any time; everyone else while the room does not keep to its hosts.
fn may_share(room: &SeenRoom) -> ApiResult<()> {
    room.need_seat()?;
    match room.row.status {
        RoomStatus::Started => {}
        RoomStatus::Complete => return Err(ApiError::new(Code::ROOM_COMPLETE)),
        RoomStatus::Draft | RoomStatus::Scheduled => {
            return Err(ApiError::new(Code::ROOM_NOT_STARTED));
        }
    }
    let mode = room.state.as_ref().map(|state| state.0.sync_mode).unwrap_or_default();
    if room.is_host || mode != SyncMode::Host {
        return Ok(());
    }
    Err(ApiError::new(Code::ACCESS_DENIED).message("Only hosts share their screen at the moment"))
}

async fn register(
    db: &mut Db,
    person: UserId,
    room: &SeenRoom,
    token: &Secret,
    now: Millis,
) -> ApiResult<RegistrationRow> {
    let unknown = || ApiError::new(Code::NOT_FOUND);
    let folder = shares::folder(db, room.row.production_id).await?;
    let folder = folder.ok_or_else(|| unknown().message("The production has no folder yet"))?;
    let user = store::users::get(db, person).await?.ok_or_else(unknown)?;
    let id = RegistrationId::new();
    let new = NewRegistration {
        id,
        project_id: folder,
        owner_id: person,
        kind: SourceKind::Desktop,
        room_id: Some(room.row.id),
        name: format!("{}'s screen", user.full_name()),
        description: String::new(),
        device: id.to_string(),
        stream: super::FIRST_STREAM.to_owned(),
        token_sha256: Some(token.digest()),
    };
    store::live::create(db, &new, now).await?;
    store::live::get(db, id).await?.ok_or_else(unknown)
}

/// Whether the one who shares may still publish into the room: they have their seat, and it runs.
pub(crate) async fn goes_on(db: &mut Db, row: &RegistrationRow) -> ApiResult<bool> {
    let Some(room) = row.room_id else { return Ok(true) };
    let runs = store::rooms::get(db, room).await?.is_some_and(|r| r.status == RoomStatus::Started);
    Ok(runs && store::rooms::seat(db, room, row.owner_id).await?.is_some())
}

/// Takes what somebody shares out of its room, and makes its token void.
async fn withdraw(db: &mut Db, row: &RegistrationRow, now: Millis) -> Result<StreamId, StoreError> {
    shares::set_token(db, row.id, None).await?;
    if let Some(asset) = row.asset_id {
        store::assets::set_live(db, asset, false, now).await?;
        shares::hide(db, asset).await?;
    }
    Ok(stream_of(row.id))
}

/// Ends what somebody shares in a room, for everyone. Nothing happens if they share nothing.
pub(crate) async fn end(app: &App, room: RoomId, person: UserId) -> ApiResult<()> {
    let mut tx = app.store.write().await?;
    let streams = end_in(&mut tx, room, Some(person), Millis::now()).await?;
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    close(app, room, streams).await;
    Ok(())
}

/// Withdraws what one person shares in a room, or all of them. What it gives back is to be closed
/// after the commit, by [`close`].
///
/// # Errors
/// When the database fails.
pub(crate) async fn end_in(
    db: &mut Db,
    room: RoomId,
    person: Option<UserId>,
    now: Millis,
) -> Result<Vec<StreamId>, StoreError> {
    let mut streams = Vec::new();
    for row in shares::of_room(db, room).await? {
        let meant = person.is_none_or(|person| person == row.owner_id);
        if meant && row.token_sha256.is_some() {
            streams.push(withdraw(db, &row, now).await?);
        }
    }
    Ok(streams)
}

/// Ends the publishers and the viewers of what was withdrawn, and tells the room.
pub(crate) async fn close(app: &App, room: RoomId, streams: Vec<StreamId>) {
    if streams.is_empty() {
        return;
    }
    for stream in streams {
        app.media.close_stream(stream).await;
    }
    tell_rooms(app, vec![room]);
}
