//! Assets: clips, stills, sounds, documents and live sources.

use sqlx::{FromRow, QueryBuilder, Sqlite};

use super::{
    Db, Json, Object, StoreError,
    text::{AssetStatus, AssetSubtype, AssetType},
};
use crate::{
    ids::{AssetId, BatchId, ProjectId, RoomId, UserId},
    time::Millis,
};

/// An asset.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct AssetRow {
    /// Its id.
    pub id: AssetId,
    /// The folder it is in.
    pub project_id: ProjectId,
    /// The batch it came with.
    pub batch_id: Option<BatchId>,
    /// Who brought it.
    pub owner_id: UserId,
    /// What the client calls it; unique in its folder.
    pub uuid: Option<String>,
    /// Its name, without the ending.
    pub name: String,
    /// The ending of its first file's name, without the dot.
    pub ext: String,
    /// Free text.
    pub description: String,
    /// Where it is in its life.
    pub status: AssetStatus,
    /// What kind of thing it is.
    pub asset_type: AssetType,
    /// What it is more precisely.
    pub subtype: Option<AssetSubtype>,
    /// Whether a source is publishing it right now.
    pub is_live: bool,
    /// Whether only those see it who may see hidden batches.
    pub hidden: bool,
    /// How many pictures it has.
    pub frames: Option<i64>,
    /// Pictures per second, above the line.
    pub fps_num: Option<i64>,
    /// Pictures per second, below the line.
    pub fps_den: Option<i64>,
    /// How long it is, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What is known of it.
    pub metadata: Json<Object>,
    /// What clients keep with it.
    pub custom_metadata: Json<Object>,
    /// Its tags.
    pub tags: Json<Vec<String>>,
    /// Its place among the others; low comes first.
    pub sort_index: i64,
    /// When it was created.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
    /// The room whose shared screen it is; of its folder only administrators see it then.
    pub room_id: Option<RoomId>,
}

/// An asset with what its listing needs of its surroundings.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct FoundAsset {
    /// The asset.
    #[sqlx(flatten)]
    pub row: AssetRow,
    /// The name of its batch.
    pub batch_name: Option<String>,
    /// Whether its batch is hidden.
    pub batch_hidden: bool,
    /// Bytes of its files.
    pub bytes: i64,
}

/// What a new asset is created from.
#[derive(Debug, Clone)]
pub struct NewAsset {
    /// The folder it goes to.
    pub project_id: ProjectId,
    /// The batch it comes with.
    pub batch_id: Option<BatchId>,
    /// Who brings it.
    pub owner_id: UserId,
    /// What the client calls it; unique in its folder.
    pub uuid: Option<String>,
    /// Its name, without the ending.
    pub name: String,
    /// The ending of its file's name, without the dot.
    pub ext: String,
    /// What kind of thing it is.
    pub asset_type: AssetType,
    /// What it is more precisely.
    pub subtype: Option<AssetSubtype>,
    /// How many pictures it has.
    pub frames: Option<i64>,
    /// Pictures per second, as a fraction.
    pub fps: Option<(u32, u32)>,
    /// How long it is, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What is known of it.
    pub metadata: Object,
    /// The room whose shared screen it is.
    pub room_id: Option<RoomId>,
}

impl NewAsset {
    /// A video of which nothing is known yet.
    #[must_use]
    pub fn video(project_id: ProjectId, owner_id: UserId, name: impl Into<String>) -> Self {
        Self {
            project_id,
            batch_id: None,
            owner_id,
            uuid: None,
            name: name.into(),
            ext: String::new(),
            asset_type: AssetType::Video,
            subtype: None,
            frames: None,
            fps: None,
            duration_ms: None,
            metadata: Object::new(),
            room_id: None,
        }
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT a.*, b.name AS batch_name, COALESCE(b.hidden, FALSE) AS batch_hidden, ",
            "(SELECT COALESCE(SUM(f.bytes), 0) FROM asset_files f ",
            "WHERE f.asset_id = a.id AND f.status <> 'DELETED') AS bytes ",
            "FROM assets a LEFT JOIN batches b ON b.id = a.batch_id ",
            $tail
        )
    };
}

/// Creates an asset.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_assets_uuid`) when the folder has one with this uuid;
/// [`StoreError::ForeignKey`] when its folder, batch or owner is absent.
pub async fn create(db: &mut Db, asset: &NewAsset, now: Millis) -> Result<AssetRow, StoreError> {
    let sql = "INSERT INTO assets (id, project_id, batch_id, owner_id, uuid, name, ext, asset_type, \
               subtype, frames, fps_num, fps_den, duration_ms, metadata, created, modified, room_id) VALUES \
               ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16) RETURNING *";
    let row = sqlx::query_as(sql)
        .bind(AssetId::new())
        .bind(asset.project_id)
        .bind(asset.batch_id)
        .bind(asset.owner_id)
        .bind(&asset.uuid)
        .bind(&asset.name)
        .bind(&asset.ext)
        .bind(asset.asset_type)
        .bind(asset.subtype)
        .bind(asset.frames)
        .bind(asset.fps.map(|(num, _)| num))
        .bind(asset.fps.map(|(_, den)| den))
        .bind(asset.duration_ms)
        .bind(Json(&asset.metadata))
        .bind(now)
        .bind(asset.room_id)
        .fetch_one(db)
        .await?;
    Ok(row)
}

/// An asset that is not deleted, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: AssetId) -> Result<Option<FoundAsset>, StoreError> {
    let sql = select!("WHERE a.id = $1 AND a.status <> 'DELETED'");
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(db).await?)
}

/// The assets that clients call by a uuid; each is in another folder.
///
/// # Errors
/// When the database fails.
pub async fn by_uuid(db: &mut Db, uuid: &str) -> Result<Vec<FoundAsset>, StoreError> {
    let sql = select!("WHERE a.uuid = $1 AND a.status <> 'DELETED' ORDER BY a.created, a.id");
    Ok(sqlx::query_as(sql).bind(uuid).fetch_all(db).await?)
}

/// The assets of a folder that are not deleted, in their order.
///
/// # Errors
/// When the database fails.
pub async fn of_project(db: &mut Db, project: ProjectId) -> Result<Vec<FoundAsset>, StoreError> {
    let sql = select!(
        "WHERE a.project_id = $1 AND a.status <> 'DELETED' ORDER BY a.sort_index, a.created, a.id"
    );
    Ok(sqlx::query_as(sql).bind(project).fetch_all(db).await?)
}

/// The assets of a batch that are not deleted, in their order.
///
/// # Errors
/// When the database fails.
pub async fn of_batch(db: &mut Db, batch: BatchId) -> Result<Vec<FoundAsset>, StoreError> {
    let sql = select!(
        "WHERE a.batch_id = $1 AND a.status <> 'DELETED' ORDER BY a.sort_index, a.created, a.id"
    );
    Ok(sqlx::query_as(sql).bind(batch).fetch_all(db).await?)
}

/// Those assets of a folder that have one of these ids and are not deleted, in no order. At most
/// some thousands: each is a parameter.
///
/// # Errors
/// When the database fails.
pub async fn among(
    db: &mut Db,
    project: ProjectId,
    ids: &[AssetId],
) -> Result<Vec<FoundAsset>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = QueryBuilder::<Sqlite>::new(select!("WHERE a.status <> 'DELETED' "));
    select.push("AND a.project_id = ").push_bind(project).push(" AND a.id IN (");
    let mut list = select.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    select.push(")");
    Ok(select.build_query_as().fetch_all(db).await?)
}

/// Writes the parts of an asset back that clients change.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_assets_uuid`) when the folder has another with its uuid.
pub async fn update(db: &mut Db, row: &AssetRow, now: Millis) -> Result<(), StoreError> {
    let sql = "UPDATE assets SET uuid = $2, name = $3, description = $4, metadata = $5, \
               custom_metadata = $6, tags = $7, hidden = $8, sort_index = $9, modified = $10 \
               WHERE id = $1";
    sqlx::query(sql)
        .bind(row.id)
        .bind(&row.uuid)
        .bind(&row.name)
        .bind(&row.description)
        .bind(&row.metadata)
        .bind(&row.custom_metadata)
        .bind(&row.tags)
        .bind(row.hidden)
        .bind(row.sort_index)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Puts an asset into a batch of its folder, or out of all.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the batch is absent.
pub async fn set_batch(
    db: &mut Db,
    id: AssetId,
    batch: Option<BatchId>,
    now: Millis,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE assets SET batch_id = $2, modified = $3 WHERE id = $1")
        .bind(id)
        .bind(batch)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Says whether a source is publishing an asset right now.
///
/// # Errors
/// When the database fails.
pub async fn set_live(
    db: &mut Db,
    id: AssetId,
    is_live: bool,
    now: Millis,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE assets SET is_live = $2, modified = $3 WHERE id = $1")
        .bind(id)
        .bind(is_live)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes an asset, as far as anybody can see, and takes it out of the playlists.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Db, id: AssetId, now: Millis) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE assets SET status = 'DELETED', is_live = FALSE, modified = $2 WHERE id = $1",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM playlist_assets WHERE asset_id = $1").bind(id).execute(db).await?;
    Ok(())
}
