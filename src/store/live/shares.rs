//! Screens that people share in rooms: each a registration of its own, for one person and one room.

use super::{Db, RegistrationRow, StoreError};
use crate::{
    ids::{AssetId, GroupId, PlaylistId, ProjectId, RegistrationId, RoomId, UserId},
    secret::SecretDigest,
    store::playlists,
    time::Millis,
};

/// What somebody shares in a room, or has shared there before.
///
/// # Errors
/// When the database fails.
pub async fn of_person(
    db: &mut Db,
    room: RoomId,
    person: UserId,
) -> Result<Option<RegistrationRow>, StoreError> {
    let sql = select!("AND d.room_id = $1 AND r.owner_id = $2 ORDER BY r.created, r.id LIMIT 1");
    Ok(sqlx::query_as(sql).bind(room).bind(person).fetch_optional(db).await?)
}

/// What is shared in a room, or was before.
///
/// # Errors
/// When the database fails.
pub async fn of_room(db: &mut Db, room: RoomId) -> Result<Vec<RegistrationRow>, StoreError> {
    let sql = select!("AND d.room_id = $1 ORDER BY r.created, r.id");
    Ok(sqlx::query_as(sql).bind(room).fetch_all(db).await?)
}

/// The folder that keeps what is shared in the rooms of a production: its oldest, those at the top
/// first. Whatever is shared belongs to its room, so that it hardly matters which.
///
/// # Errors
/// When the database fails.
pub async fn folder(db: &mut Db, production: GroupId) -> Result<Option<ProjectId>, StoreError> {
    let sql = "SELECT id FROM projects WHERE production_id = $1 AND status <> 'DELETED' \
               ORDER BY CASE WHEN parent_project_id IS NULL THEN 0 ELSE 1 END, created, id LIMIT 1";
    Ok(sqlx::query_scalar(sql).bind(production).fetch_optional(db).await?)
}

/// Gives a registration another token; without one nobody publishes it.
///
/// # Errors
/// When the database fails.
pub async fn set_token(
    db: &mut Db,
    id: RegistrationId,
    token: Option<SecretDigest>,
) -> Result<(), StoreError> {
    let sql = "UPDATE live_registrations SET token_sha256 = $2 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(token).execute(db).await?;
    Ok(())
}

/// Puts a shared screen at the end of its room's own playlist, unless it is in there.
///
/// # Errors
/// When the database fails.
pub async fn show(db: &mut Db, row: &RegistrationRow, now: Millis) -> Result<(), StoreError> {
    let (Some(room), Some(asset)) = (row.room_id, row.asset_id) else { return Ok(()) };
    let sql = "SELECT r.session_playlist_id FROM rooms r WHERE r.id = $1 AND NOT EXISTS \
               (SELECT 1 FROM playlist_assets e WHERE e.playlist_id = r.session_playlist_id \
               AND e.asset_id = $2)";
    let playlist: Option<Option<PlaylistId>> =
        sqlx::query_scalar(sql).bind(room).bind(asset).fetch_optional(&mut *db).await?;
    if let Some(playlist) = playlist.flatten() {
        playlists::append(db, playlist, asset, now).await?;
    }
    Ok(())
}

/// Takes a shared screen out of its room's own playlist. Any other asset stays where it is.
///
/// # Errors
/// When the database fails.
pub async fn hide(db: &mut Db, asset: AssetId) -> Result<(), StoreError> {
    let sql = "DELETE FROM playlist_assets WHERE asset_id = $1 AND playlist_id = \
               (SELECT r.session_playlist_id FROM assets a JOIN rooms r ON r.id = a.room_id \
               WHERE a.id = $1)";
    sqlx::query(sql).bind(asset).execute(db).await?;
    Ok(())
}

/// Takes all shared screens out of their rooms' own playlists.
///
/// # Errors
/// When the database fails.
pub async fn hide_all(db: &mut Db) -> Result<(), StoreError> {
    let sql = "DELETE FROM playlist_assets WHERE EXISTS (SELECT 1 FROM assets a \
               JOIN rooms r ON r.id = a.room_id WHERE a.id = playlist_assets.asset_id \
               AND r.session_playlist_id = playlist_assets.playlist_id)";
    sqlx::query(sql).execute(db).await?;
    Ok(())
}

/// Deletes what was shared in a room that is about to go.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut Db, room: RoomId) -> Result<(), StoreError> {
    for sql in [
        "UPDATE live_registrations SET status = 'DELETED', token_sha256 = NULL WHERE id IN \
         (SELECT registration_id FROM live_desktops WHERE room_id = $1)",
        "UPDATE assets SET status = 'DELETED', is_live = FALSE WHERE room_id = $1",
    ] {
        sqlx::query(sql).bind(room).execute(&mut *db).await?;
    }
    Ok(())
}
