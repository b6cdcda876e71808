//! The files of an asset, as they lie on disk.

use sqlx::FromRow;

use super::{Db, StoreError, text::FileStatus};
use crate::{
    ids::{AssetId, FileId, UserId},
    time::Millis,
};

/// A file of an asset.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct AssetFileRow {
    /// Its id.
    pub id: FileId,
    /// The asset it belongs to.
    pub asset_id: AssetId,
    /// Who brought it.
    pub owner_id: UserId,
    /// Where it lies: a path below the data folder, with `/` between its parts.
    pub location: String,
    /// Its name, with the ending.
    pub file_name: String,
    /// What it is for.
    pub category: String,
    /// Where it is in its life.
    pub status: FileStatus,
    /// Its container format.
    pub container: Option<String>,
    /// The codec of its pictures.
    pub video_codec: Option<String>,
    /// The codec of its sound.
    pub audio_codec: Option<String>,
    /// Width in pixels.
    pub width: Option<i64>,
    /// Height in pixels.
    pub height: Option<i64>,
    /// Pictures per second, above the line.
    pub fps_num: Option<i64>,
    /// Pictures per second, below the line.
    pub fps_den: Option<i64>,
    /// Channels of its sound.
    pub audio_channels: Option<i64>,
    /// Sample rate of its sound, in Hz.
    pub audio_rate: Option<i64>,
    /// Bit rate, in kbit/s.
    pub bitrate_kbps: Option<f64>,
    /// Colour space.
    pub colorspace: Option<String>,
    /// Time code of its first picture.
    pub tc_start: Option<String>,
    /// Time code of its last picture.
    pub tc_end: Option<String>,
    /// Its size.
    pub bytes: i64,
    /// Whether a browser plays it.
    pub is_playable: bool,
    /// Whether it is the one to play.
    pub is_primary: bool,
    /// When it was created.
    pub created: Millis,
}

/// What a new file is noted from. The bytes lie at `location` already.
#[derive(Debug, Clone, Default)]
pub struct NewAssetFile {
    /// Where it lies: a path below the data folder, with `/` between its parts.
    pub location: String,
    /// Its name, with the ending.
    pub file_name: String,
    /// Its container format.
    pub container: Option<String>,
    /// The codec of its pictures.
    pub video_codec: Option<String>,
    /// The codec of its sound.
    pub audio_codec: Option<String>,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// Pictures per second, as a fraction.
    pub fps: Option<(u32, u32)>,
    /// Channels of its sound, and their sample rate in Hz.
    pub audio: Option<(u32, u32)>,
    /// Bit rate, in kbit/s.
    pub bitrate_kbps: Option<f64>,
    /// Its size.
    pub bytes: i64,
    /// Whether a browser plays it.
    pub is_playable: bool,
    /// Whether it is the one to play.
    pub is_primary: bool,
    /// Time codes of its first and of its last picture.
    pub timecodes: Option<(String, String)>,
}

/// Notes a file of an asset.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_asset_files_location`) when the location is taken;
/// [`StoreError::ForeignKey`] when the asset or owner is absent.
pub async fn create(
    db: &mut Db,
    asset: AssetId,
    owner: UserId,
    file: &NewAssetFile,
    now: Millis,
) -> Result<AssetFileRow, StoreError> {
    let sql = "INSERT INTO asset_files (id, asset_id, owner_id, location, file_name, container, \
               video_codec, audio_codec, width, height, fps_num, fps_den, audio_channels, \
               audio_rate, bitrate_kbps, bytes, is_playable, is_primary, created, tc_start, tc_end) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
               $18, $19, $20, $21) \
               RETURNING *";
    let row = sqlx::query_as(sql)
        .bind(FileId::new())
        .bind(asset)
        .bind(owner)
        .bind(&file.location)
        .bind(&file.file_name)
        .bind(&file.container)
        .bind(&file.video_codec)
        .bind(&file.audio_codec)
        .bind(file.size.map(|(width, _)| width))
        .bind(file.size.map(|(_, height)| height))
        .bind(file.fps.map(|(num, _)| num))
        .bind(file.fps.map(|(_, den)| den))
        .bind(file.audio.map(|(channels, _)| channels))
        .bind(file.audio.map(|(_, rate)| rate))
        .bind(file.bitrate_kbps)
        .bind(file.bytes)
        .bind(file.is_playable)
        .bind(file.is_primary)
        .bind(now)
        .bind(file.timecodes.as_ref().map(|(start, _)| start))
        .bind(file.timecodes.as_ref().map(|(_, end)| end))
        .fetch_one(db)
        .await?;
    Ok(row)
}

/// A file that is not deleted, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: FileId) -> Result<Option<AssetFileRow>, StoreError> {
    let sql = "SELECT * FROM asset_files WHERE id = $1 AND status <> 'DELETED'";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(db).await?)
}

/// The files of an asset that are not deleted: the one to play first.
///
/// # Errors
/// When the database fails.
pub async fn of_asset(db: &mut Db, asset: AssetId) -> Result<Vec<AssetFileRow>, StoreError> {
    let sql = "SELECT * FROM asset_files WHERE asset_id = $1 AND status <> 'DELETED' \
               ORDER BY is_primary DESC, is_playable DESC, created, id";
    Ok(sqlx::query_as(sql).bind(asset).fetch_all(db).await?)
}
