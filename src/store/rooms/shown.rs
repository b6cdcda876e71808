//! What a room shows: the assets of its playlists.

use sqlx::FromRow;

use super::super::{Db, StoreError, playlists::PlaylistRow};
use crate::ids::{AssetId, PlaylistAssetId, PlaylistId, ProjectId, RoomId, UserId};

/// An asset's place in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct RoomAsset {
    /// Its place in the playlist, which names its place in the room too. The assets of a playlist
    /// that follows a folder have none.
    pub id: Option<PlaylistAssetId>,
    /// The playlist.
    pub playlist_id: PlaylistId,
    /// Whose playlist it is: they show it to the others.
    pub shown_by: UserId,
    /// The asset.
    pub asset_id: AssetId,
    /// Its folder.
    pub project_id: ProjectId,
    /// Its place in the playlist, counted from 0.
    pub sort_index: i64,
    /// Whether it is, or its batch is, hidden.
    pub hidden: bool,
    /// The room.
    pub room_id: RoomId,
    /// The only room that may show it: the one whose shared screen it is.
    pub kept_for: Option<RoomId>,
}

// The playlists of a room `r`, and what is in a playlist `p`: what somebody put in, or what is in
// the folder that it follows.
macro_rules! entries {
    ($playlists:literal, $tail:literal) => {
        concat!(
            "WITH shown AS (SELECT r.id AS room_id, p.*, COALESCE(x.sort_index, -1) AS place ",
            "FROM rooms r JOIN playlists p ON p.id = r.session_playlist_id ",
            "OR p.id IN (SELECT y.playlist_id FROM room_playlists y WHERE y.room_id = r.id) ",
            "LEFT JOIN room_playlists x ON x.room_id = r.id AND x.playlist_id = p.id WHERE ",
            $playlists,
            "), entries AS (SELECT e.id, p.room_id, p.id AS playlist_id, p.owner_id AS shown_by, ",
            "p.place, e.asset_id, e.sort_index FROM shown p ",
            "JOIN playlist_assets e ON e.playlist_id = p.id ",
            "WHERE COALESCE(p.playlist_source, '') <> 'FOLDER' ",
            "UNION ALL SELECT CAST(NULL AS TEXT), p.room_id, p.id, p.owner_id, p.place, a.id, a.sort_index ",
            "FROM shown p JOIN assets a ON a.project_id = p.source_project_id ",
            "WHERE p.playlist_source = 'FOLDER' AND a.room_id IS NULL) ",
            "SELECT e.id, e.playlist_id, e.shown_by, e.asset_id, a.project_id, e.sort_index, ",
            "(a.hidden OR COALESCE(b.hidden, FALSE)) AS hidden, e.room_id, a.room_id AS kept_for ",
            "FROM entries e ",
            "JOIN assets a ON a.id = e.asset_id AND a.status <> 'DELETED' ",
            "LEFT JOIN batches b ON b.id = a.batch_id ",
            "LEFT JOIN room_asset_order o ON o.room_id = e.room_id AND o.playlist_asset_id = e.id ",
            $tail
        )
    };
}

/// The playlists of a room, its own first.
///
/// # Errors
/// When the database fails.
pub async fn playlists(db: &mut Db, room: RoomId) -> Result<Vec<PlaylistRow>, StoreError> {
    let sql = "SELECT p.* FROM playlists p JOIN rooms r ON r.id = $1 \
               LEFT JOIN room_playlists x ON x.playlist_id = p.id AND x.room_id = r.id \
               WHERE x.room_id IS NOT NULL OR p.id = r.session_playlist_id \
               ORDER BY COALESCE(x.sort_index, -1), p.id";
    Ok(sqlx::query_as(sql).bind(room).fetch_all(db).await?)
}

/// Gives a room a playlist, behind the others.
///
/// # Errors
/// [`StoreError::ForeignKey`] when it is absent.
pub async fn add_playlist(
    db: &mut Db,
    room: RoomId,
    playlist: PlaylistId,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO room_playlists (room_id, playlist_id, sort_index) VALUES ($1, $2, \
               (SELECT COALESCE(MAX(sort_index) + 1, 0) FROM room_playlists WHERE room_id = $1)) \
               ON CONFLICT (room_id, playlist_id) DO NOTHING";
    sqlx::query(sql).bind(room).bind(playlist).execute(db).await?;
    Ok(())
}

/// Makes these the playlists of a room, in this order.
///
/// # Errors
/// [`StoreError::ForeignKey`] when one is absent.
pub async fn set_playlists(
    db: &mut Db,
    room: RoomId,
    playlists: &[PlaylistId],
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM room_playlists WHERE room_id = $1")
        .bind(room)
        .execute(&mut *db)
        .await?;
    for playlist in playlists {
        add_playlist(db, room, *playlist).await?;
    }
    Ok(())
}

/// The assets of a room's playlists, in the order in which the room shows them: as somebody set
/// it, and then as they are in the playlists. Whether the one who shows an asset may do so is not
/// asked here.
///
/// # Errors
/// When the database fails.
pub async fn assets(db: &mut Db, room: RoomId) -> Result<Vec<RoomAsset>, StoreError> {
    let sql = entries!(
        "r.id = $1",
        "ORDER BY o.session_order IS NULL, o.session_order, e.place, e.sort_index, e.id, a.id"
    );
    Ok(sqlx::query_as(sql).bind(room).fetch_all(db).await?)
}

/// Sets the order of a room's assets. Those that are not named follow behind.
///
/// # Errors
/// [`StoreError::ForeignKey`] when one is absent.
pub async fn set_order(
    db: &mut Db,
    room: RoomId,
    order: &[PlaylistAssetId],
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM room_asset_order WHERE room_id = $1")
        .bind(room)
        .execute(&mut *db)
        .await?;
    let sql = "INSERT INTO room_asset_order (room_id, playlist_asset_id, session_order) \
               VALUES ($1, $2, $3)";
    for (place, entry) in order.iter().enumerate() {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        sqlx::query(sql).bind(room).bind(*entry).bind(place).execute(&mut *db).await?;
    }
    Ok(())
}

/// The rooms that show a playlist; whoever changes it tells them.
///
/// # Errors
/// When the database fails.
pub async fn in_playlist(db: &mut Db, playlist: PlaylistId) -> Result<Vec<RoomId>, StoreError> {
    let sql = "SELECT id FROM rooms WHERE session_playlist_id = $1 \
               UNION SELECT room_id FROM room_playlists WHERE playlist_id = $1";
    Ok(sqlx::query_scalar(sql).bind(playlist).fetch_all(db).await?)
}

/// The rooms that may show an asset; whoever takes it away tells them.
///
/// # Errors
/// When the database fails.
pub async fn showing(db: &mut Db, asset: AssetId) -> Result<Vec<RoomId>, StoreError> {
    let sql = "WITH of_asset AS (SELECT playlist_id AS id FROM playlist_assets WHERE asset_id = $1 \
               UNION SELECT p.id FROM playlists p JOIN assets a ON a.project_id = p.source_project_id \
               WHERE a.id = $1 AND p.playlist_source = 'FOLDER') \
               SELECT r.id FROM rooms r JOIN of_asset o ON o.id = r.session_playlist_id \
               UNION SELECT x.room_id FROM room_playlists x JOIN of_asset o ON o.id = x.playlist_id";
    Ok(sqlx::query_scalar(sql).bind(asset).fetch_all(db).await?)
}

/// The places of an asset in the rooms where somebody has a seat, or a team, as long as these are not over;
/// in one room only, if it is named. Whether the one who shows it may do so is not asked here.
///
/// # Errors
/// When the database fails.
pub async fn places_for(
    db: &mut Db,
    user: UserId,
    room: Option<RoomId>,
    asset: AssetId,
) -> Result<Vec<RoomAsset>, StoreError> {
    let sql = entries!(
        "r.status <> 'COMPLETE' AND (CAST($2 AS TEXT) IS NULL OR r.id = $2) \
         AND (EXISTS (SELECT 1 FROM room_seats s WHERE s.room_id = r.id AND s.user_id = $1) \
         OR r.id IN (SELECT x.room_id FROM room_teams x JOIN team_people t \
         ON t.team_id = x.team_id WHERE t.user_id = $1))",
        "WHERE e.asset_id = $3"
    );
    Ok(sqlx::query_as(sql).bind(user).bind(room).bind(asset).fetch_all(db).await?)
}
