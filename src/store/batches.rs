//! Batches: assets of a folder that came together.

use sqlx::FromRow;

use super::{Db, StoreError, text::BatchStatus};
use crate::{
    ids::{AssetId, BatchId, ProjectId, UserId},
    time::Millis,
};

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct BatchRow {
    /// Its id.
    pub id: BatchId,
    /// The folder it is in.
    pub project_id: ProjectId,
    /// Who created it.
    pub owner_id: UserId,
    /// Its name.
    pub name: String,
    /// Whether only those see it who may see hidden batches.
    pub hidden: bool,
    /// Where it is in its life.
    pub status: BatchStatus,
    /// When it was created.
    pub created: Millis,
}

/// Creates a batch.
///
/// # Errors
/// [`StoreError::ForeignKey`] when its folder or owner is absent.
pub async fn create(
    db: &mut Db,
    project: ProjectId,
    owner: UserId,
    name: &str,
    now: Millis,
) -> Result<BatchRow, StoreError> {
    let sql = "INSERT INTO batches (id, project_id, owner_id, name, created) \
               VALUES ($1, $2, $3, $4, $5) RETURNING *";
    let row = sqlx::query_as(sql)
        .bind(BatchId::new())
        .bind(project)
        .bind(owner)
        .bind(name)
        .bind(now)
        .fetch_one(db)
        .await?;
    Ok(row)
}

/// A batch that is not deleted, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: BatchId) -> Result<Option<BatchRow>, StoreError> {
    let sql = "SELECT * FROM batches WHERE id = $1 AND status <> 'DELETED'";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(db).await?)
}

/// The batches of a folder that are not deleted, hidden ones too, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_project(db: &mut Db, project: ProjectId) -> Result<Vec<BatchRow>, StoreError> {
    let sql = "SELECT * FROM batches WHERE project_id = $1 AND status <> 'DELETED' \
               ORDER BY created, id";
    Ok(sqlx::query_as(sql).bind(project).fetch_all(db).await?)
}

/// The assets of a batch that are not deleted, in their order.
///
/// # Errors
/// When the database fails.
pub async fn asset_ids(db: &mut Db, id: BatchId) -> Result<Vec<AssetId>, StoreError> {
    let sql = "SELECT id FROM assets WHERE batch_id = $1 AND status <> 'DELETED' \
               ORDER BY sort_index, created, id";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_all(db).await?)
}

/// Changes what a batch is called and who sees it.
///
/// # Errors
/// When the database fails.
pub async fn update(db: &mut Db, id: BatchId, name: &str, hidden: bool) -> Result<(), StoreError> {
    sqlx::query("UPDATE batches SET name = $2, hidden = $3 WHERE id = $1")
        .bind(id)
        .bind(name)
        .bind(hidden)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes a batch and its assets, as far as anybody can see.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Db, id: BatchId, now: Millis) -> Result<(), StoreError> {
    sqlx::query("UPDATE assets SET status = 'DELETED', modified = $2 WHERE batch_id = $1")
        .bind(id)
        .bind(now)
        .execute(&mut *db)
        .await?;
    sqlx::query("UPDATE batches SET status = 'DELETED' WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}
