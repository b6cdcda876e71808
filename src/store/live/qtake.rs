//! Registrations of QTAKE's projects, and the sources that publish under them.

use super::{Db, RegistrationRow, StoreError};
use crate::{
    ids::{ProjectId, RegistrationId},
    time::Millis,
};

/// What the token of a registration said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QtakeRow {
    /// The registration.
    pub registration_id: RegistrationId,
    /// How QTAKE calls its project.
    pub qtake_project: String,
    /// Whether the token's signature was checked.
    pub verified: bool,
    /// When the token ended; none: it said nothing of that.
    pub expires: Option<Millis>,
}

/// Keeps what the token of a registration said.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the registration is absent.
pub async fn set(db: &mut Db, row: &QtakeRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO live_qtake (registration_id, qtake_project, verified, expires) \
               VALUES ($1, $2, $3, $4)";
    sqlx::query(sql)
        .bind(row.registration_id)
        .bind(&row.qtake_project)
        .bind(row.verified)
        .bind(row.expires)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a project of QTAKE has a registration in the company that a folder belongs to. Where the
/// caller has the one writing transaction, nobody takes it meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn is_taken(db: &mut Db, folder: ProjectId, project: &str) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM live_qtake q \
               JOIN live_registrations r ON r.id = q.registration_id \
               JOIN projects p ON p.id = r.project_id JOIN productions n ON n.id = p.production_id \
               WHERE q.qtake_project = $2 AND r.status <> 'DELETED' AND p.status <> 'DELETED' \
               AND n.status <> 'DELETED' AND n.company_id = (SELECT own.company_id FROM projects f \
               JOIN productions own ON own.id = f.production_id WHERE f.id = $1)";
    let count: i64 = sqlx::query_scalar(sql).bind(folder).bind(project).fetch_one(db).await?;
    Ok(count > 0)
}

/// The registrations of a project of QTAKE, whoever asks, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn by_project(db: &mut Db, project: &str) -> Result<Vec<RegistrationRow>, StoreError> {
    let sql = select!(
        "AND r.id IN (SELECT registration_id FROM live_qtake WHERE qtake_project = $1) \
         ORDER BY r.created, r.id"
    );
    Ok(sqlx::query_as(sql).bind(project).fetch_all(db).await?)
}

/// The sources that publish under a registration, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn streams(db: &mut Db, id: RegistrationId) -> Result<Vec<RegistrationRow>, StoreError> {
    let sql = select!(
        "AND r.id IN (SELECT registration_id FROM live_qtake_streams WHERE qtake_id = $1) \
         ORDER BY r.created, r.id"
    );
    Ok(sqlx::query_as(sql).bind(id).fetch_all(db).await?)
}

/// Puts a source under a registration, and takes it from another one.
///
/// # Errors
/// [`StoreError::ForeignKey`] when either is absent.
pub async fn put_under(
    db: &mut Db,
    source: RegistrationId,
    id: RegistrationId,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO live_qtake_streams (registration_id, qtake_id) VALUES ($1, $2) \
               ON CONFLICT (registration_id) DO UPDATE SET qtake_id = $2";
    sqlx::query(sql).bind(source).bind(id).execute(db).await?;
    Ok(())
}

/// Deletes the sources that publish under a registration.
///
/// # Errors
/// When the database fails.
pub async fn delete_streams(db: &mut Db, id: RegistrationId) -> Result<(), StoreError> {
    let sql = "UPDATE live_registrations SET status = 'DELETED' WHERE id IN \
               (SELECT registration_id FROM live_qtake_streams WHERE qtake_id = $1)";
    sqlx::query(sql).bind(id).execute(db).await?;
    Ok(())
}

/// Notes on the registration that a source publishes under that its publisher was let in.
///
/// # Errors
/// When the database fails.
pub(super) async fn connected(
    db: &mut Db,
    source: RegistrationId,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "UPDATE live_registrations SET last_connected = $2 WHERE id IN \
               (SELECT qtake_id FROM live_qtake_streams WHERE registration_id = $1)";
    sqlx::query(sql).bind(source).bind(now).execute(db).await?;
    Ok(())
}
