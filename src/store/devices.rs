//! Devices that sign in with a code (RFC 8628), and those that deliver immediates.

use sqlx::FromRow;

use super::{Db, Json, Object, StoreError, text::DeviceScope};
use crate::{
    ids::{AnyId, ProjectId, UserId},
    secret::SecretDigest,
    time::Millis,
};

/// A device that wants to sign in.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct DeviceRow {
    /// What is kept of its device code.
    pub device_sha256: SecretDigest,
    /// The code that somebody types in for it.
    pub user_code: String,
    /// What it wants to do.
    pub scope: DeviceScope,
    /// Who has let it in.
    pub user_id: Option<UserId>,
    /// What it is told beside its token.
    pub details: Json<Object>,
    /// Seconds that it has to wait between two questions.
    pub poll_interval: i64,
    /// When it last asked.
    pub last_poll: Option<Millis>,
    /// When its codes end.
    pub expires: Millis,
}

/// Takes note of a device that wants to sign in. What has expired is forgotten.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_device_logins_user_code`) when another device has the code.
pub async fn create(db: &mut Db, row: &DeviceRow, now: Millis) -> Result<(), StoreError> {
    // Long enough after its end for the device to be told so.
    let sql = "DELETE FROM device_logins WHERE expires < $1 - 600000";
    sqlx::query(sql).bind(now).execute(&mut *db).await?;
    let sql = "INSERT INTO device_logins (device_sha256, user_code, scope, poll_interval, expires) \
               VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(sql)
        .bind(&row.device_sha256)
        .bind(&row.user_code)
        .bind(row.scope)
        .bind(row.poll_interval)
        .bind(row.expires)
        .execute(db)
        .await?;
    Ok(())
}

/// How many devices wait.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &mut Db) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM device_logins").fetch_one(db).await?)
}

/// The device with a device code.
///
/// # Errors
/// When the database fails.
pub async fn by_device_code(db: &mut Db, code: &str) -> Result<Option<DeviceRow>, StoreError> {
    let sql = "SELECT * FROM device_logins WHERE device_sha256 = $1";
    Ok(sqlx::query_as(sql).bind(SecretDigest::of(code)).fetch_optional(db).await?)
}

/// The device that still waits with a user code.
///
/// # Errors
/// When the database fails.
pub async fn by_user_code(
    db: &mut Db,
    code: &str,
    now: Millis,
) -> Result<Option<DeviceRow>, StoreError> {
    let sql = "SELECT * FROM device_logins \
               WHERE user_code = $1 AND expires > $2 AND user_id IS NULL";
    Ok(sqlx::query_as(sql).bind(code).bind(now).fetch_optional(db).await?)
}

/// Notes that a device has asked, and how long it has to wait from now on.
///
/// # Errors
/// When the database fails.
pub async fn polled(
    db: &mut Db,
    row: &DeviceRow,
    poll_interval: i64,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "UPDATE device_logins SET last_poll = $2, poll_interval = $3 \
               WHERE device_sha256 = $1";
    sqlx::query(sql).bind(&row.device_sha256).bind(now).bind(poll_interval).execute(db).await?;
    Ok(())
}

/// Lets a device in, in the name of somebody.
///
/// # Errors
/// When the database fails.
pub async fn approve(
    db: &mut Db,
    row: &DeviceRow,
    user: UserId,
    details: &Json<Object>,
) -> Result<(), StoreError> {
    let sql = "UPDATE device_logins SET user_id = $2, details = $3 WHERE device_sha256 = $1";
    sqlx::query(sql).bind(&row.device_sha256).bind(user).bind(details).execute(db).await?;
    Ok(())
}

/// Forgets a device: its codes are used up.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut Db, row: &DeviceRow) -> Result<(), StoreError> {
    let sql = "DELETE FROM device_logins WHERE device_sha256 = $1";
    sqlx::query(sql).bind(&row.device_sha256).execute(db).await?;
    Ok(())
}

/// Ends the codes of all devices that wait.
///
/// # Errors
/// When the database fails.
pub async fn expire_all(db: &mut Db, now: Millis) -> Result<(), StoreError> {
    sqlx::query("UPDATE device_logins SET expires = $1").bind(now).execute(db).await?;
    Ok(())
}

/// Takes note of a device that delivers immediates into a folder.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the folder or person is absent.
pub async fn connect_immediates(
    db: &mut Db,
    project: ProjectId,
    user: UserId,
    name: &str,
    now: Millis,
) -> Result<AnyId, StoreError> {
    let id = AnyId::new();
    let sql = "INSERT INTO immediates_connections (id, project_id, user_id, name, created) \
               VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(sql).bind(id).bind(project).bind(user).bind(name).bind(now).execute(db).await?;
    Ok(id)
}
