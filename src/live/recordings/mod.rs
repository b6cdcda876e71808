//! Recordings of live sources, and instant replays: files that become assets.
//!
//! A row says that there is a file that is no asset yet, from before its first byte until the commit
//! that makes the asset. So whatever ends the server, the next start finds it and finishes it.

mod extension;
mod finish;
mod timecode;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use rushes_media::{
    Recorded, RecordingConfig, RecordingError, RecordingStatus, Recordings, StreamId, TapeLoad,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::stream_of;
use crate::{
    app::App,
    error::{ApiError, ApiResult, Code},
    events::{Audience, Event},
    ids::{RecordingId, RegistrationId, RoomId, UserId},
    ops::figure,
    store::{self, live::RegistrationRow, recordings::RecordingRow},
    time::Millis,
};

pub(crate) use extension::LiveExtension;
use finish::finish;

/// The folder of what instant replays are made of.
const REPLAY_FOLDER: &str = "replay";
/// Somebody's client is told that a source is recorded, or that a recording is an asset now.
const EVENT: &str = "LIVE_RECORDING_CHANGED";

/// Starts what records, and makes assets of what the last run left unfinished.
pub(crate) async fn open(app: &Arc<App>) -> io::Result<()> {
    let minutes = u64::from(app.config.replay_minutes);
    let config = RecordingConfig {
        replay_folder: app.config.data.join(REPLAY_FOLDER),
        replay: Duration::from_secs(minutes * 60),
    };
    let (recordings, ended) = Recordings::start(config, &app.media).await?;
    app.recordings.set(recordings).map_err(|_| io::Error::other("it runs already"))?;
    finish_all(app).await;
    app.connections.spawn(watch(Arc::clone(app), ended));
    Ok(())
}

/// Ends all recordings with the server, and makes assets of them.
pub(crate) async fn close(app: &App) {
    if let Some(recordings) = app.recordings.get() {
        recordings.shutdown().await;
        finish_all(app).await;
    }
}

/// Takes note of recordings that end, until the server does.
async fn watch(app: Arc<App>, mut ended: mpsc::Receiver<Recorded>) {
    loop {
        let recorded = tokio::select! {
            () = app.stop.cancelled() => return,
            recorded = ended.recv() => recorded,
        };
        let Some(Recorded { stream, recording, problem }) = recorded else { return };
        if let Some(problem) = problem {
            tracing::warn!(%stream, problem, "a recording ended by itself");
            if let Some(recordings) = app.recordings.get() {
                // Its packets are wanted no more.
                let _ = recordings.end(stream).await;
            }
        }
        let app = Arc::clone(&app);
        app.connections.clone().spawn(async move {
            let recording = RecordingId::from_u128(recording.0);
            finish(&app, recording).await;
        });
    }
}

/// Makes assets of all files that are none yet.
async fn finish_all(app: &App) {
    let rows = async {
        let mut db = app.store.read().await?;
        store::recordings::unfinished(&mut db).await
    };
    match rows.await {
        Ok(rows) => {
            for row in rows {
                finish(app, row.id).await;
            }
        }
        Err(error) => tracing::error!(%error, "unfinished recordings are not looked for"),
    }
}

/// A source is live, or has been away for longer than it counts as that.
pub(super) async fn follow(app: &App, stream: StreamId, live: bool) {
    if live { goes_live(app, stream).await } else { goes_offline(app, stream).await }
}

/// A source is live: it is recorded, if that is to be so whenever it is.
async fn goes_live(app: &App, stream: StreamId) {
    let id = RegistrationId::from_u128(stream.0);
    let begun = async {
        let mut db = app.store.read().await?;
        let owner = store::recordings::always(&mut db, id).await?;
        let row = store::live::get(&mut db, id).await?;
        drop(db);
        match owner.zip(row) {
            Some((owner, row)) => begin(app, &row, owner, None).await,
            None => Ok(()),
        }
    };
    if let Err(error) = begun.await {
        tracing::error!(%stream, %error, "a source that is always to be recorded is not");
    }
}

/// A source has been away for longer than it counts as live: its recording ends.
pub(super) async fn goes_offline(app: &App, stream: StreamId) {
    if let Some(recordings) = app.recordings.get()
        && let Err(error) = recordings.end(stream).await
    {
        tracing::error!(%stream, %error, "the recording of a source that is gone goes on");
    }
}

/// What the recording of a source has got so far, if there is one.
pub(crate) fn status(app: &App, id: RegistrationId) -> Option<RecordingStatus> {
    app.recordings.get()?.status(stream_of(id))
}

fn recordings(app: &App) -> ApiResult<&Recordings> {
    app.recordings.get().ok_or_else(|| unavailable(&RecordingError::Unavailable))
}

fn unavailable(error: &RecordingError) -> ApiError {
    // The contract's word for what is not to be had at the moment.
    ApiError::new(Code(704)).message(error.to_string())
}

fn row_of(
    source: &RegistrationRow,
    owner: UserId,
    room: Option<RoomId>,
    replay: bool,
) -> RecordingRow {
    RecordingRow {
        id: RecordingId::new(),
        registration_id: source.id,
        project_id: source.project_id,
        name: source.name.clone(),
        kept_for: source.room_id,
        owner_id: owner,
        room_id: room,
        replay,
        began: Millis::now(),
    }
}

fn path_of(app: &App, row: &RecordingRow) -> PathBuf {
    app.config.data.join(row.location())
}

/// Begins to record a source. One that is recorded already goes on as it does.
async fn begin(
    app: &App,
    source: &RegistrationRow,
    owner: UserId,
    room: Option<RoomId>,
) -> ApiResult<()> {
    let recordings = recordings(app)?;
    if recordings.status(stream_of(source.id)).is_some() {
        return Ok(());
    }
    let row = row_of(source, owner, room, false);
    note(app, &row).await?;
    let id = rushes_media::RecordingId(row.id.as_u128());
    let begun = recordings.begin(stream_of(source.id), id, path_of(app, &row)).await;
    match begun {
        Ok(()) => {
            tell(app, source.id, &row, true, Value::Null).await;
            Ok(())
        }
        Err(error) => {
            forget(app, &row).await?;
            if error == RecordingError::Running { Ok(()) } else { Err(unavailable(&error)) }
        }
    }
}

/// Ends the recording of a source; nothing happens if there is none.
async fn end(app: &App, source: &RegistrationRow) -> ApiResult<()> {
    // What it becomes is told when it is an asset.
    let ended = recordings(app)?.end(stream_of(source.id)).await;
    ended.map(|_| ()).map_err(|error| unavailable(&error))
}

/// Makes an asset of the last part of a source, in a task of its own: events tell of it.
async fn replay(
    app: &Arc<App>,
    source: &RegistrationRow,
    owner: UserId,
    room: Option<RoomId>,
    length: Duration,
) -> ApiResult<RecordingId> {
    let recordings = recordings(app)?;
    if recordings.replay_length().is_zero() {
        let words = "This server keeps nothing for instant replays";
        return Err(ApiError::new(Code::ACCESS_DENIED).message(words));
    }
    let Some(clip) = recordings.replay(stream_of(source.id), length).await else {
        return Err(ApiError::new(Code::NOT_FOUND).message("Nothing of this source is kept yet"));
    };
    let row = row_of(source, owner, room, true);
    note(app, &row).await?;
    let (id, path, later) = (row.id, path_of(app, &row), Arc::clone(app));
    app.connections.spawn(async move {
        let written = tokio::task::spawn_blocking(move || clip.write(&path)).await;
        match written.map_err(io::Error::other).and_then(|written| written) {
            Ok(()) => finish(&later, id).await,
            Err(error) => {
                tracing::error!(%error, "an instant replay cannot be written");
                let path = path_of(&later, &row);
                let _ = tokio::fs::remove_file(path).await;
                if let Err(error) = forget(&later, &row).await {
                    tracing::error!(%error, "an instant replay is not forgotten");
                }
            }
        }
    });
    Ok(id)
}

async fn note(app: &App, row: &RecordingRow) -> ApiResult<()> {
    let mut tx = app.store.write().await?;
    store::recordings::begin(&mut tx, row).await?;
    tx.commit().await.map_err(|error| ApiError::internal(&error))
}

async fn forget(app: &App, row: &RecordingRow) -> ApiResult<()> {
    let mut tx = app.store.write().await?;
    store::recordings::forget(&mut tx, row.id).await?;
    tx.commit().await.map_err(|error| ApiError::internal(&error))
}

/// Tells those who look at a source, and whoever asked for its recording, what has changed.
async fn tell(app: &App, source: RegistrationId, row: &RecordingRow, recording: bool, made: Value) {
    let found = async {
        let mut db = app.store.read().await?;
        let asset = store::live::get(&mut db, source).await?.and_then(|row| row.asset_id);
        let mut rooms = match asset {
            Some(asset) => store::live::rooms_with(&mut db, asset).await?,
            None => Vec::new(),
        };
        rooms.extend(row.room_id.filter(|room| !rooms.contains(room)));
        Ok::<_, store::StoreError>((asset, rooms))
    };
    let (asset, rooms) = match found.await {
        Ok(found) => found,
        Err(error) => return tracing::error!(%source, %error, "nobody is told of a recording"),
    };
    let data = json!({
        "id": source,
        "asset_id": asset,
        "recording": recording,
        "replay": row.replay,
        "recorded_asset_id": made,
    });
    let mut to: Vec<Audience> = rooms.into_iter().map(Audience::Room).collect();
    match to.pop() {
        Some(Audience::Room(room)) => to.push(Audience::RoomAndUsers(room, vec![row.owner_id])),
        _ => to.push(Audience::Users(vec![row.owner_id])),
    }
    for to in to {
        app.bus.publish(&Event { name: EVENT, data: data.clone(), to });
    }
}

/// Writes what `/metrics` tells of recordings.
pub(crate) fn write_metrics(out: &mut String, app: &App) {
    let Some(recordings) = app.recordings.get() else { return };
    let TapeLoad { recordings, replay_bytes, left_out, failed } = recordings.load();
    for (name, kind, help, value) in [
        ("rushes_recordings", "gauge", "Recordings that run.", recordings as u64),
        ("rushes_replay_bytes", "gauge", "Bytes kept for instant replays.", replay_bytes),
        (
            "rushes_recording_left_out_packets_total",
            "counter",
            "Packets that were not recorded because they came faster than they could be written.",
            left_out,
        ),
        (
            "rushes_recordings_failed_total",
            "counter",
            "Recordings that ended because they could not be written.",
            failed,
        ),
    ] {
        figure(out, name, kind, help, value);
    }
}
