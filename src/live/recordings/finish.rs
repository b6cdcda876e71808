//! The file of a recording becomes an asset.

use rushes_media::{finish_recording, recording::ConcludeError, recording::Summary, rtp::Codec};
use serde_json::{Value, json};

use super::{
    path_of, tell,
    timecode::{named, timecodes},
};
use crate::{
    app::App,
    error::{ApiError, ApiResult},
    events::Audience,
    ids::RecordingId,
    live::streams::{asset_created, tell_rooms},
    store::{
        self, Object,
        asset_files::NewAssetFile,
        assets::{AssetRow, NewAsset},
        recordings::RecordingRow,
    },
    time::Millis,
};

/// Makes an asset of a recording that has ended. Where that fails it is tried again at the next
/// start; the file stays.
pub(super) async fn finish(app: &App, id: RecordingId) {
    if let Err(error) = try_finish(app, id).await {
        tracing::error!(recording = %id, %error, "a recording is no asset yet");
    }
}

async fn try_finish(app: &App, id: RecordingId) -> ApiResult<()> {
    let row = {
        let mut db = app.store.read().await?;
        store::recordings::get(&mut db, id).await?
    };
    let Some(row) = row else { return Ok(()) };
    let path = path_of(app, &row);
    let at = path.clone();
    let found = tokio::task::spawn_blocking(move || finish_recording(&at)).await;
    let made = match found.map_err(|error| ApiError::internal(&error))? {
        Ok(summary) => {
            tracing::info!(recording = %id, frames = summary.frames, "a recording is finished");
            json!(publish(app, &row, &summary).await?.id)
        }
        Err(error) if is_nothing(&error) => {
            super::forget(app, &row).await?;
            // It may never have been made.
            let _ = tokio::fs::remove_file(&path).await;
            Value::Null
        }
        Err(error) => {
            tell(app, row.registration_id, &row, false, Value::Null).await;
            return Err(ApiError::internal(&error));
        }
    };
    let running = super::status(app, row.registration_id).is_some();
    tell(app, row.registration_id, &row, running, made).await;
    Ok(())
}

/// Whether there is nothing in a recording, now and whenever one looks again.
fn is_nothing(error: &ConcludeError) -> bool {
    match error {
        ConcludeError::Empty => true,
        ConcludeError::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        ConcludeError::Index(_) => false,
    }
}

/// Makes the asset, and tells those who see its folder.
async fn publish(app: &App, row: &RecordingRow, summary: &Summary) -> ApiResult<AssetRow> {
    let now = Millis::now();
    let mut tx = app.store.write().await?;
    let asset = new_asset(row, summary);
    let made = store::recordings::create_asset(&mut tx, row, asset, now).await?;
    let file = new_file(row, &made.name, summary);
    store::asset_files::create(&mut tx, made.id, row.owner_id, &file, now).await?;
    store::recordings::forget(&mut tx, row.id).await?;
    let to = match row.kept_for {
        Some(room) => Audience::Room(room),
        None => Audience::Users(store::live::audience(&mut tx, made.project_id).await?),
    };
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    app.bus.publish(&asset_created(&made, to));
    tell_rooms(app, row.room_id.into_iter().collect());
    Ok(made)
}

fn new_asset(row: &RecordingRow, summary: &Summary) -> NewAsset {
    let mut metadata = Object::new();
    metadata.insert("recorded_from".to_owned(), json!(row.registration_id));
    metadata.insert("recorded_at".to_owned(), json!(Millis(summary.start_ms)));
    NewAsset {
        ext: "mp4".to_owned(),
        frames: i64::try_from(summary.frames).ok(),
        fps: Some((summary.rate.num, summary.rate.den)),
        duration_ms: i64::try_from(summary.duration_ms).ok(),
        metadata,
        ..NewAsset::video(
            row.project_id,
            row.owner_id,
            named(&row.name, row.replay, Millis(summary.start_ms)),
        )
    }
}

/// The name of a picture's codec as ffprobe has it.
fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "h264",
        Codec::H265 => "hevc",
        Codec::Vp8 => "vp8",
        Codec::Vp9 => "vp9",
        Codec::Av1 => "av1",
        Codec::Opus | Codec::MultiOpus => "opus",
    }
}

fn new_file(row: &RecordingRow, name: &str, summary: &Summary) -> NewAssetFile {
    NewAssetFile {
        location: row.location(),
        file_name: format!("{name}.mp4"),
        container: Some("mp4".to_owned()),
        video_codec: Some(codec_name(summary.codec).to_owned()),
        audio_codec: summary.channels.map(|_| "opus".to_owned()),
        size: Some((summary.size.width, summary.size.height)),
        fps: Some((summary.rate.num, summary.rate.den)),
        audio: summary.channels.map(|channels| (channels.into(), 48_000)),
        // Bits in a millisecond are kilobits in a second.
        bitrate_kbps: Some((summary.bytes * 8) as f64 / summary.duration_ms.max(1) as f64),
        bytes: i64::try_from(summary.bytes).unwrap_or(i64::MAX),
        is_playable: true,
        is_primary: true,
        timecodes: Some(timecodes(summary.start_ms, summary.rate, summary.frames)),
    }
}
