//! Comments on assets, with what is drawn on the picture.

use rushes_signaling::drawing::Drawing;
use sqlx::FromRow;

use super::{Db, Json, StoreError, text::CommentScope};
use crate::{
    ids::{AssetId, CommentId, ProjectId, RoomId, UserId},
    time::Millis,
};

/// A comment.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct CommentRow {
    /// Its id.
    pub id: CommentId,
    /// The asset that it is on.
    pub asset_id: AssetId,
    /// The room that it was made in, as long as that exists.
    pub room_id: Option<RoomId>,
    /// Who made it.
    pub user_id: UserId,
    /// The client's own name for it.
    pub uuid: Option<String>,
    /// Where it is seen.
    pub scope: CommentScope,
    /// What it says.
    pub description: String,
    /// The frame that it is on, counted from 0.
    pub frame: Option<i64>,
    /// What is drawn there.
    pub drawing: Option<Json<Drawing>>,
    /// When it was made.
    pub created: Millis,
}

/// A comment with what its listing needs of its surroundings.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct FoundComment {
    /// The comment.
    #[sqlx(flatten)]
    pub row: CommentRow,
    /// The folder of its asset.
    pub project_id: ProjectId,
    /// First name of who made it.
    pub first_name: String,
    /// Last name of who made it.
    pub last_name: String,
    /// Pictures of the asset a second, above the line.
    pub fps_num: Option<i64>,
    /// Below the line.
    pub fps_den: Option<i64>,
    /// The picture's width in pixels, where a file of the asset says so.
    pub width: Option<i64>,
    /// Its height.
    pub height: Option<i64>,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT c.*, a.project_id, u.first_name, u.last_name, a.fps_num, a.fps_den, ",
            "(SELECT MAX(f.width) FROM asset_files f WHERE f.asset_id = a.id) AS width, ",
            "(SELECT MAX(f.height) FROM asset_files f WHERE f.asset_id = a.id) AS height ",
            "FROM comments c JOIN assets a ON a.id = c.asset_id AND a.status <> 'DELETED' ",
            "JOIN users u ON u.id = c.user_id ",
            $tail
        )
    };
}

/// Keeps a new comment.
///
/// # Errors
/// [`StoreError::ForeignKey`] when something it refers to is absent, [`StoreError::Unique`] when
/// its person has given its uuid to another one of the room.
pub async fn create(db: &mut Db, comment: &CommentRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO comments (id, asset_id, room_id, user_id, uuid, scope, description, \
               frame, drawing, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    sqlx::query(sql)
        .bind(comment.id)
        .bind(comment.asset_id)
        .bind(comment.room_id)
        .bind(comment.user_id)
        .bind(&comment.uuid)
        .bind(comment.scope)
        .bind(&comment.description)
        .bind(comment.frame)
        .bind(comment.drawing.as_ref().map(|drawing| Json(&drawing.0)))
        .bind(comment.created)
        .execute(db)
        .await?;
    Ok(())
}

/// A comment, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: CommentId) -> Result<Option<FoundComment>, StoreError> {
    Ok(sqlx::query_as(select!("WHERE c.id = $1")).bind(id).fetch_optional(db).await?)
}

/// The comment of a room that somebody gave this name.
///
/// # Errors
/// When the database fails.
pub async fn named(
    db: &mut Db,
    room: RoomId,
    user: UserId,
    uuid: &str,
) -> Result<Option<FoundComment>, StoreError> {
    let sql = select!("WHERE c.room_id = $1 AND c.user_id = $2 AND c.uuid = $3");
    Ok(sqlx::query_as(sql).bind(room).bind(user).bind(uuid).fetch_optional(db).await?)
}

/// The last comment that somebody gave this name.
///
/// # Errors
/// When the database fails.
pub async fn with_uuid(
    db: &mut Db,
    user: UserId,
    uuid: &str,
) -> Result<Option<CommentId>, StoreError> {
    let sql = "SELECT id FROM comments WHERE user_id = $1 AND uuid = $2 ORDER BY created DESC, id DESC \
               LIMIT 1";
    Ok(sqlx::query_scalar(sql).bind(user).bind(uuid).fetch_optional(db).await?)
}

/// The comments on an asset, in the order of their frames.
///
/// # Errors
/// When the database fails.
pub async fn of_asset(db: &mut Db, asset: AssetId) -> Result<Vec<FoundComment>, StoreError> {
    let sql = select!("WHERE c.asset_id = $1 ORDER BY COALESCE(c.frame, -1), c.created, c.id");
    Ok(sqlx::query_as(sql).bind(asset).fetch_all(db).await?)
}

/// Deletes a comment.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Db, id: CommentId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM comments WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}
