//! Mail that waits to be sent, and mail that could not be.

use sqlx::FromRow;

use super::{Db, StoreError};
use crate::{ids::MailId, time::Millis};

/// A mail that was not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OutboxRow {
    /// Its id.
    pub id: MailId,
    /// The address it goes to.
    pub recipient: String,
    /// What it says, sealed ([`crate::mail::MailKey`]).
    pub sealed: String,
    /// When it was written, or last asked to be sent again.
    pub queued: Millis,
    /// How often it was tried.
    pub tries: i64,
    /// When it is tried next.
    pub next_try: Millis,
    /// When it was given up or refused; none while it waits.
    pub failed: Option<Millis>,
    /// What the last try ended with.
    pub error: Option<String>,
}

/// How much is in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromRow)]
pub struct OutboxCount {
    /// Mails that wait.
    pub waiting: i64,
    /// Mails that could not be delivered.
    pub failed: i64,
}

const COLUMNS: &str = "id, recipient, sealed, queued, tries, next_try, failed, error";

/// Puts a mail in, to be tried at once.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &mut Db,
    id: MailId,
    recipient: &str,
    sealed: &str,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO outbox (id, recipient, sealed, queued, next_try) \
               VALUES ($1, $2, $3, $4, $4)";
    sqlx::query(sql).bind(id).bind(recipient).bind(sealed).bind(now).execute(db).await?;
    Ok(())
}

/// How many mails wait; counted up to `most`.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &mut Db, most: i64) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE failed IS NULL LIMIT $1) AS few";
    Ok(sqlx::query_scalar(sql).bind(most).fetch_one(db).await?)
}

/// How many mails wait and how many failed.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &mut Db) -> Result<OutboxCount, StoreError> {
    let sql = "SELECT COUNT(*) - COUNT(failed) AS waiting, COUNT(failed) AS failed FROM outbox";
    Ok(sqlx::query_as(sql).fetch_one(db).await?)
}

/// The mails that are to be tried first, due or not; `most` of them.
///
/// # Errors
/// When the database fails.
pub async fn next(db: &mut Db, most: i64) -> Result<Vec<OutboxRow>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM outbox WHERE failed IS NULL ORDER BY next_try, id LIMIT $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(most).fetch_all(db).await?)
}

/// All mails, those that failed first; `most` of them.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut Db, most: i64) -> Result<Vec<OutboxRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox ORDER BY CASE WHEN failed IS NULL THEN 1 ELSE 0 END, id LIMIT $1"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(most).fetch_all(db).await?)
}

/// Takes a mail out, which was delivered.
///
/// # Errors
/// When the database fails.
pub async fn delivered(db: &mut Db, id: MailId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM outbox WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Notes a try that did not deliver a mail, and when the next is.
///
/// # Errors
/// When the database fails.
pub async fn deferred(
    db: &mut Db,
    id: MailId,
    next_try: Millis,
    error: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET tries = tries + 1, next_try = $2, error = $3 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(next_try).bind(error).execute(db).await?;
    Ok(())
}

/// Notes that a mail is not tried any more.
///
/// # Errors
/// When the database fails.
pub async fn failed(db: &mut Db, id: MailId, error: &str, now: Millis) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET tries = tries + 1, failed = $2, error = $3 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(now).bind(error).execute(db).await?;
    Ok(())
}

/// Has all mails that wait tried now.
///
/// # Errors
/// When the database fails.
pub async fn hurry(db: &mut Db, now: Millis) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET next_try = $1 WHERE failed IS NULL AND next_try > $1";
    sqlx::query(sql).bind(now).execute(db).await?;
    Ok(())
}

/// Has all mails that failed tried anew, as if they were written now. Says how many they are.
///
/// # Errors
/// When the database fails.
pub async fn again(db: &mut Db, now: Millis) -> Result<u64, StoreError> {
    let sql = "UPDATE outbox SET failed = NULL, tries = 0, queued = $1, next_try = $1 \
               WHERE failed IS NOT NULL";
    Ok(sqlx::query(sql).bind(now).execute(db).await?.rows_affected())
}

/// Forgets the mails that failed before a time.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut Db, before: Millis) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM outbox WHERE failed < $1").bind(before).execute(db).await?;
    Ok(())
}
