//! The endpoints `rushes/live/…`: who records what, which source has a slate, and what one is declared to send.

use std::{sync::Arc, time::Duration};

use rushes_media::RecordingStatus;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{begin, end, recordings, replay, status};
use crate::{
    access,
    app::App,
    error::{ApiError, ApiResult, Code},
    events::ConnectionId,
    ids::{AssetId, RegistrationId, RoomId},
    live::{by_name, changeable, declared, may_watch, of_folder, slates, stream_of},
    rooms::read,
    rpc::{Answering, Caller, CallerKind, Extension, ExtensionCall},
    store::{self, Db, live::RegistrationRow, text::RoomStatus},
};

/// The shortest instant replay.
const SHORTEST: u64 = 5;

/// The endpoints `rushes/live/…`.
#[derive(Debug)]
pub(crate) struct LiveExtension;

impl Extension for LiveExtension {
    fn call(&self, call: ExtensionCall) -> Answering<'_> {
        Box::pin(async move {
            match call.endpoint.as_str() {
                "rushes/live/record" => record(&call).await,
                "rushes/live/replay" => instant_replay(&call).await,
                "rushes/live/always" => always(&call).await,
                "rushes/live/recordings" => list(&call).await,
                "rushes/live/declare" => declared::set(&call).await,
                "rushes/live/slate" => slates::set(&call).await,
                _ => Err(ApiError::new(Code::UNKNOWN_ENDPOINT)),
            }
        })
    }

    fn disconnected(&self, _: &Arc<App>, _: ConnectionId) {}
}

/// Which source is meant: by its own id or that of its asset; and the room whose host asks.
#[derive(Debug, Deserialize)]
struct Source {
    id: String,
    room_id: Option<RoomId>,
}

impl Source {
    /// The source, if the caller may record it: whoever manages the live sources of its folder may,
    /// and the hosts of a running room that shows it.
    async fn recordable(&self, app: &App, caller: &Caller) -> ApiResult<RegistrationRow> {
        if caller.kind != CallerKind::User {
            return Err(ApiError::new(Code::ACCESS_DENIED).message("Guests do not record"));
        }
        let mut db = app.store.read().await?;
        let row = by_name(&mut db, &self.id).await?;
        match self.room_id {
            Some(room) => of_room(&mut db, caller, &row, room).await?,
            None => of_folder(&mut db, caller, &row).await?,
        }
        Ok(row)
    }
}

/// Whether somebody hosts a room that runs and shows a source.
async fn of_room(
    db: &mut Db,
    caller: &Caller,
    row: &RegistrationRow,
    room: RoomId,
) -> ApiResult<()> {
    let seen = access::room(db, caller, room).await?;
    seen.need_seat()?;
    let shown = access::shown_in_room(db, room).await?;
    if !shown.iter().any(|entry| Some(entry.asset_id) == row.asset_id) {
        return Err(ApiError::new(Code::NOT_FOUND));
    }
    seen.need_edit()?;
    match seen.row.status {
        RoomStatus::Started => Ok(()),
        RoomStatus::Complete => Err(ApiError::new(Code::ROOM_COMPLETE)),
        RoomStatus::Draft | RoomStatus::Scheduled => Err(ApiError::new(Code::ROOM_NOT_STARTED)),
    }
}

#[derive(Debug, Deserialize)]
struct Record {
    #[serde(flatten)]
    source: Source,
    /// Whether to record from now on, or no more.
    on: bool,
}

/// Begins or ends the recording of a source.
async fn record(call: &ExtensionCall) -> ApiResult<Value> {
    let Record { source, on } = read(&call.data)?;
    let (app, caller) = (&call.app, &call.connection.caller);
    let row = source.recordable(app, caller).await?;
    if on {
        begin(app, &row, caller.user_id, source.room_id).await?;
    } else {
        end(app, &row).await?;
    }
    Ok(json!({ "id": row.id, "asset_id": row.asset_id, "recording": on }))
}

#[derive(Debug, Deserialize)]
struct Replay {
    #[serde(flatten)]
    source: Source,
    /// How long at most; none: as long as there is anything.
    seconds: Option<u64>,
}

/// Makes an asset of the last part of a source, while it goes on.
async fn instant_replay(call: &ExtensionCall) -> ApiResult<Value> {
    let Replay { source, seconds } = read(&call.data)?;
    let (app, caller) = (&call.app, &call.connection.caller);
    let row = source.recordable(app, caller).await?;
    let length = seconds.map_or(Duration::MAX, |most| Duration::from_secs(most.max(SHORTEST)));
    let recording = replay(app, &row, caller.user_id, source.room_id, length).await?;
    Ok(json!({ "id": row.id, "asset_id": row.asset_id, "recording_id": recording }))
}

/// Has a source recorded whenever it is published, or not; from now on, if it is live.
async fn always(call: &ExtensionCall) -> ApiResult<Value> {
    let Record { source, on } = read(&call.data)?;
    let (app, caller) = (&call.app, &call.connection.caller);
    let mut tx = app.store.write().await?;
    // It outlasts every room: a matter of the folder.
    let row = changeable(&mut tx, caller, &source.id).await?;
    store::recordings::set_always(&mut tx, row.id, on.then_some(caller.user_id)).await?;
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    if on && app.media.status(stream_of(row.id)).await.since.is_some() {
        begin(app, &row, caller.user_id, None).await?;
    }
    Ok(json!({ "id": row.id, "asset_id": row.asset_id, "always": on }))
}

/// The sources of a room, or one source.
#[derive(Debug, Deserialize)]
struct List {
    id: Option<String>,
    room_id: Option<RoomId>,
}

/// A source in the answer.
#[derive(Debug, Serialize)]
struct Listed {
    id: RegistrationId,
    asset_id: Option<AssetId>,
    recording: Option<RecordingStatus>,
    may_record: bool,
    always: bool,
}

/// What is recorded, for those who may look at it, and whether they may record it.
async fn list(call: &ExtensionCall) -> ApiResult<Value> {
    let request: List = read(&call.data)?;
    let (app, caller) = (&call.app, &call.connection.caller);
    let mut db = app.store.read().await?;
    let mut rows = Vec::new();
    match (&request.id, request.room_id) {
        (Some(id), _) => {
            let row = by_name(&mut db, id).await?;
            may_watch(&mut db, caller, &row).await?;
            rows.push(row);
        }
        (None, Some(room)) => {
            access::room(&mut db, caller, room).await?.need_seat()?;
            for shown in access::shown_in_room(&mut db, room).await? {
                rows.extend(store::live::by_asset(&mut db, shown.asset_id).await?);
            }
        }
        (None, None) => return Err(ApiError::new(Code::REQUIRED).message("id or room_id")),
    }
    let mut listed = Vec::with_capacity(rows.len());
    for row in rows {
        let always = store::recordings::always(&mut db, row.id).await?.is_some();
        let may_record = caller.kind == CallerKind::User
            && match request.room_id {
                Some(room) => of_room(&mut db, caller, &row, room).await.is_ok(),
                None => of_folder(&mut db, caller, &row).await.is_ok(),
            };
        let recording = status(app, row.id);
        listed.push(Listed { id: row.id, asset_id: row.asset_id, recording, may_record, always });
    }
    let replay_seconds = recordings(app)?.replay_length().as_secs();
    Ok(json!({ "sources": listed, "replay_seconds": replay_seconds }))
}
