//! The layouts of composites.

use super::{Db, StoreError};
use crate::{ids::RegistrationId, store::Object};

/// Gives a registration a layout, in place of the one it had.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the registration is absent.
pub async fn set_layout(
    db: &mut Db,
    id: RegistrationId,
    layout: &Object,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO live_composites (registration_id, layout) VALUES ($1, $2) \
               ON CONFLICT (registration_id) DO UPDATE SET layout = excluded.layout";
    let text = serde_json::Value::Object(layout.clone()).to_string();
    sqlx::query(sql).bind(id).bind(text).execute(db).await?;
    Ok(())
}

/// The composites that are not deleted, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &mut Db) -> Result<Vec<RegistrationId>, StoreError> {
    let sql = "SELECT c.registration_id FROM live_composites c \
               JOIN live_registrations r ON r.id = c.registration_id \
               JOIN projects p ON p.id = r.project_id \
               JOIN productions n ON n.id = p.production_id \
               WHERE r.status <> 'DELETED' AND p.status <> 'DELETED' AND n.status <> 'DELETED' \
               ORDER BY r.created, r.id";
    Ok(sqlx::query_scalar(sql).fetch_all(db).await?)
}
