//! Background tasks, and the last thing each has said.

use sqlx::FromRow;

use super::{Db, Json, Object, StoreError, text::TaskStatus, types::id_list};
use crate::{
    ids::{TaskId, UserId},
    time::Millis,
};

/// A background task.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct TaskRow {
    /// Its id.
    pub id: TaskId,
    /// Who began it, and is told of it.
    pub user_id: UserId,
    /// What it does.
    pub kind: String,
    /// How far it has come.
    pub status: TaskStatus,
    /// The last thing it said.
    pub message: Json<Object>,
}

/// Takes note of a task that begins.
///
/// # Errors
/// When the database fails.
pub async fn create(db: &mut Db, task: &TaskRow, now: Millis) -> Result<(), StoreError> {
    let sql = "INSERT INTO tasks (id, user_id, kind, status, message, created, modified) \
               VALUES ($1, $2, $3, $4, $5, $6, $6)";
    sqlx::query(sql)
        .bind(task.id)
        .bind(task.user_id)
        .bind(&task.kind)
        .bind(task.status)
        .bind(&task.message)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps what a task says.
///
/// # Errors
/// When the database fails.
pub async fn say(
    db: &mut Db,
    id: TaskId,
    status: TaskStatus,
    message: &Json<Object>,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "UPDATE tasks SET status = $2, message = $3, modified = $4 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(status).bind(message).bind(now).execute(db).await?;
    Ok(())
}

/// The tasks with these ids that somebody began.
///
/// # Errors
/// When the database fails.
pub async fn of_user(
    db: &mut Db,
    user: UserId,
    ids: &[TaskId],
) -> Result<Vec<TaskRow>, StoreError> {
    let sql = "SELECT id, user_id, kind, status, message FROM tasks \
               WHERE user_id = $1 AND $2 LIKE '%' || id || '%' ORDER BY id";
    Ok(sqlx::query_as(sql).bind(user).bind(id_list(ids)).fetch_all(db).await?)
}

/// The task that somebody began last.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &mut Db, user: UserId) -> Result<Option<TaskRow>, StoreError> {
    let sql = "SELECT id, user_id, kind, status, message FROM tasks \
               WHERE user_id = $1 ORDER BY id DESC LIMIT 1";
    Ok(sqlx::query_as(sql).bind(user).fetch_optional(db).await?)
}

/// Ends the tasks that a server left unfinished, and forgets those that are older than `before`.
///
/// # Errors
/// When the database fails.
pub async fn end_unfinished(
    db: &mut Db,
    message: &Json<Object>,
    before: Millis,
) -> Result<(), StoreError> {
    let sql = "UPDATE tasks SET status = 'FAILED', message = $1 WHERE status = 'RUNNING'";
    sqlx::query(sql).bind(message).execute(&mut *db).await?;
    sqlx::query("DELETE FROM tasks WHERE modified < $1").bind(before).execute(db).await?;
    Ok(())
}
