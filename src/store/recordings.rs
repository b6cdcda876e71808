//! Recordings of live sources that are under way or not an asset yet, and sources that are always
//! recorded.

use sqlx::FromRow;

use super::{
    Db, StoreError,
    assets::{self, AssetRow, NewAsset},
    live, playlists, rooms,
};
use crate::{
    ids::{ProjectId, RecordingId, RegistrationId, RoomId, UserId},
    time::Millis,
};

/// A recording that is no asset yet.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RecordingRow {
    /// Its id.
    pub id: RecordingId,
    /// The source.
    pub registration_id: RegistrationId,
    /// The folder of the source.
    pub project_id: ProjectId,
    /// The name of the source.
    pub name: String,
    /// The room whose shared screen it is.
    pub kept_for: Option<RoomId>,
    /// Whose asset it becomes.
    pub owner_id: UserId,
    /// The room whose host asked for it.
    pub room_id: Option<RoomId>,
    /// Whether it is of what was sent before somebody asked.
    pub replay: bool,
    /// When it was asked for.
    pub began: Millis,
}

impl RecordingRow {
    /// Where its file lies, below the data folder.
    #[must_use]
    pub fn location(&self) -> String {
        format!("recordings/{}.mp4", self.id)
    }
}

/// Notes that a recording begins.
///
/// # Errors
/// [`StoreError::ForeignKey`] when its source, owner or room is absent.
pub async fn begin(db: &mut Db, row: &RecordingRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO live_recordings (id, registration_id, owner_id, room_id, replay, began, \
               project_id, name, kept_for) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(row.id)
        .bind(row.registration_id)
        .bind(row.owner_id)
        .bind(row.room_id)
        .bind(row.replay)
        .bind(row.began)
        .bind(row.project_id)
        .bind(&row.name)
        .bind(row.kept_for)
        .execute(db)
        .await?;
    Ok(())
}

/// A recording that is no asset yet.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: RecordingId) -> Result<Option<RecordingRow>, StoreError> {
    let sql = "SELECT * FROM live_recordings WHERE id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(db).await?)
}

/// All recordings that are no asset yet, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn unfinished(db: &mut Db) -> Result<Vec<RecordingRow>, StoreError> {
    let sql = "SELECT * FROM live_recordings ORDER BY began, id";
    Ok(sqlx::query_as(sql).fetch_all(db).await?)
}

/// Forgets a recording: it is an asset now, or there was nothing in it.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut Db, id: RecordingId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM live_recordings WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Makes the asset of a recording: in the folder of its source, and at the end of the own playlist
/// of the room that asked for it.
///
/// # Errors
/// When the database fails.
pub async fn create_asset(
    db: &mut Db,
    row: &RecordingRow,
    mut asset: NewAsset,
    now: Millis,
) -> Result<AssetRow, StoreError> {
    // A recording of what is a room's own is its own too.
    asset.room_id = row.kept_for;
    if row.kept_for.is_none() {
        asset.batch_id = Some(live::live_batch(db, row.project_id, row.owner_id, now).await?);
    }
    let made = assets::create(db, &asset, now).await?;
    let room = match row.room_id {
        Some(room) => rooms::get(db, room).await?,
        None => None,
    };
    if let Some(playlist) = room.and_then(|room| room.session_playlist_id) {
        playlists::append(db, playlist, made.id, now).await?;
    }
    Ok(made)
}

/// Has a source recorded whenever it is published, as somebody's, or not.
///
/// # Errors
/// When the database fails.
pub async fn set_always(
    db: &mut Db,
    id: RegistrationId,
    owner: Option<UserId>,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM live_recorded WHERE registration_id = $1";
    sqlx::query(sql).bind(id).execute(&mut *db).await?;
    if let Some(owner) = owner {
        let sql = "INSERT INTO live_recorded (registration_id, owner_id) VALUES ($1, $2)";
        sqlx::query(sql).bind(id).bind(owner).execute(db).await?;
    }
    Ok(())
}

/// As whose a source is recorded whenever it is published; none if it is not.
///
/// # Errors
/// When the database fails.
pub async fn always(db: &mut Db, id: RegistrationId) -> Result<Option<UserId>, StoreError> {
    let sql = "SELECT owner_id FROM live_recorded WHERE registration_id = $1";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_optional(db).await?)
}
