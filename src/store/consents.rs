//! The documents that people have to agree to.

use sqlx::FromRow;

use super::{Db, StoreError, entity::entity, text::ConsentType};
use crate::{ids::AnyId, time::Millis};

/// A document that people have to agree to.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct ConsentRow {
    /// Its id.
    pub id: AnyId,
    /// What it is.
    pub kind: ConsentType,
    /// Where it is to be read.
    pub url: String,
    /// From when on it counts.
    pub created: Millis,
}

entity!("consent_documents", ConsentRow, AnyId, {
    kind "kind" "$2",
    url "url" "$3",
    created "created" "$4",
});

/// The newest document of each kind.
///
/// # Errors
/// When the database fails.
pub async fn latest(db: &mut Db) -> Result<Vec<ConsentRow>, StoreError> {
    let sql = "SELECT d.* FROM consent_documents d WHERE NOT EXISTS ( \
               SELECT 1 FROM consent_documents n WHERE n.kind = d.kind AND n.id > d.id) \
               ORDER BY d.kind";
    Ok(sqlx::query_as(sql).fetch_all(db).await?)
}

/// Whether somebody who agreed at `consented` has to agree to something newer.
///
/// # Errors
/// When the database fails.
pub async fn is_due(db: &mut Db, consented: Option<Millis>) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM consent_documents WHERE created > $1)";
    Ok(sqlx::query_scalar(sql).bind(consented.unwrap_or(Millis(-1))).fetch_one(db).await?)
}
