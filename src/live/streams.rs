//! What becomes of a source's asset while its stream comes and goes.

use std::{sync::Arc, time::Duration};

use rushes_media::{MediaEvent, StreamId, StreamState};
use serde_json::json;

use super::{recordings, stream_of};
use crate::{
    app::App,
    error::{ApiError, ApiResult},
    events::{Audience, Event},
    ids::{AssetId, RegistrationId, RoomId},
    store::{self, Store, StoreError, assets::AssetRow},
    time::Millis,
};

/// An asset counts as live for this long after its source went silent: encoders that drop come
/// back, and those who watch should not see it flicker.
const GRACE: Duration = Duration::from_secs(10);

/// A publisher was let in: its registration has an asset from now on. Says whether there still is a
/// registration.
pub(crate) async fn connected(app: &App, stream: StreamId) -> ApiResult<bool> {
    let now = Millis::now();
    let mut tx = app.store.write().await?;
    let id = RegistrationId::from_u128(stream.0);
    let connected = store::live::connected(&mut tx, id, now).await?;
    let Some(connected) = connected else { return Ok(false) };
    let event = match connected.created {
        None => None,
        Some(asset) => {
            let to = store::live::audience(&mut tx, asset.project_id).await?;
            Some(asset_created(&asset, Audience::Users(to)))
        }
    };
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    if let Some(event) = event {
        app.bus.publish(&event);
    }
    Ok(true)
}

/// There is a new asset of a source.
pub(super) fn asset_created(asset: &AssetRow, to: Audience) -> Event {
    Event {
        name: "ASSET_CREATED",
        data: json!({
            "id": asset.id,
            "project_id": asset.project_id,
            "batch_id": asset.batch_id,
            "name": asset.name,
        }),
        to,
    }
}

/// A server that starts has no publishers, whatever it had when it ended.
pub(crate) async fn forget_streams(store: &Store) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    store::live::all_offline(&mut tx, Millis::now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes note of what happened to a stream.
pub(crate) async fn note(app: &Arc<App>, event: MediaEvent) {
    match event {
        MediaEvent::Live { stream } => set_live(app, stream, true).await,
        MediaEvent::Offline { stream } => {
            let later = Arc::clone(app);
            app.connections.spawn(async move {
                let state = loop {
                    tokio::select! {
                        () = later.stop.cancelled() => return,
                        () = tokio::time::sleep(GRACE) => {}
                    }
                    // A media plane with too much to do does not say that nobody publishes.
                    if let Some(status) = later.media.try_status(stream).await {
                        break status.state;
                    }
                };
                if state != StreamState::Live {
                    set_live(&later, stream, false).await;
                }
            });
        }
        _ => {}
    }
}

async fn set_live(app: &App, stream: StreamId, live: bool) {
    match try_set_live(app, stream, live).await {
        Ok(rooms) => tell_rooms(app, rooms),
        Err(error) => tracing::error!(%stream, %error, "a stream's state is not noted"),
    }
    recordings::follow(app, stream, live).await;
}

/// What the rooms show has changed: their clients look again.
pub(super) fn tell_rooms(app: &App, rooms: Vec<RoomId>) {
    for room in rooms {
        app.bus.publish(&Event {
            name: "REVIEW_SESSION_PLAYLIST_ASSETS_UPDATED",
            data: json!({ "id": room }),
            to: Audience::Room(room),
        });
    }
}

async fn try_set_live(app: &App, stream: StreamId, live: bool) -> ApiResult<Vec<RoomId>> {
    let mut tx = app.store.write().await?;
    let row = store::live::get(&mut tx, RegistrationId::from_u128(stream.0)).await?;
    let Some(row) = row else { return Ok(Vec::new()) };
    let Some(asset) = row.asset_id else { return Ok(Vec::new()) };
    let known = store::assets::get(&mut tx, asset).await?;
    if known.is_none_or(|found| found.row.is_live == live) {
        return Ok(Vec::new());
    }
    let now = Millis::now();
    let rooms = match row.room_id {
        None => store::live::rooms_with(&mut tx, asset).await?,
        // It was withdrawn while it began.
        Some(_) if live && row.token_sha256.is_none() => return Ok(Vec::new()),
        Some(room) => {
            if live {
                store::live::shares::show(&mut tx, &row, now).await?;
            } else {
                store::live::shares::hide(&mut tx, asset).await?;
            }
            vec![room]
        }
    };
    store::assets::set_live(&mut tx, asset, live, now).await?;
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    Ok(rooms)
}

/// Ends what a registration's publisher and viewers have, and says of its asset that it is over.
pub(crate) async fn end(app: &App, registration: RegistrationId, asset: Option<AssetId>) {
    app.media.close_stream(stream_of(registration)).await;
    recordings::goes_offline(app, stream_of(registration)).await;
    let Some(asset) = asset else { return };
    let ended = async {
        let mut tx = app.store.write().await?;
        store::assets::set_live(&mut tx, asset, false, Millis::now()).await?;
        let rooms = store::live::rooms_with(&mut tx, asset).await?;
        store::live::shares::hide(&mut tx, asset).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(rooms)
    };
    match ended.await {
        Ok(rooms) => tell_rooms(app, rooms),
        Err(error) => tracing::error!(%registration, %error, "an asset's end is not noted"),
    }
}
