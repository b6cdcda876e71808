//! Sources whose viewers see a slate while nobody publishes them.

use super::{Db, RegistrationRow, StoreError};
use crate::ids::RegistrationId;

/// Has a source shown as a slate while it is away, or not.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the registration is absent.
pub async fn set(db: &mut Db, id: RegistrationId, on: bool) -> Result<(), StoreError> {
    let sql = if on {
        "INSERT INTO live_slates (registration_id) VALUES ($1) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM live_slates WHERE registration_id = $1"
    };
    sqlx::query(sql).bind(id).execute(db).await?;
    Ok(())
}

/// The sources that have one and are not deleted.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &mut Db) -> Result<Vec<RegistrationRow>, StoreError> {
    let sql = select!("AND z.registration_id IS NOT NULL ORDER BY r.created, r.id");
    Ok(sqlx::query_as(sql).fetch_all(db).await?)
}
