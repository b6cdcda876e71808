//! Domains of companies, and what makes a domain look like its company.

use sqlx::FromRow;

use super::{Db, StoreError, entity::entity};
use crate::{
    ids::{AnyId, CompanyId},
    time::Millis,
};

/// A domain.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct DomainRow {
    /// Its id.
    pub id: AnyId,
    /// Whose it is.
    pub company_id: CompanyId,
    /// Its name, in lower case.
    pub domain: String,
    /// When it was created.
    pub created: Millis,
}

entity!("domains", DomainRow, AnyId, {
    company_id "company_id" "$2",
    domain "domain" "$3",
    created "created" "$4",
});

/// The domain with a name.
///
/// # Errors
/// When the database fails.
pub async fn by_name(db: &mut Db, domain: &str) -> Result<Option<DomainRow>, StoreError> {
    let sql = "SELECT * FROM domains WHERE domain = $1";
    Ok(sqlx::query_as(sql).bind(domain.trim().to_lowercase()).fetch_optional(db).await?)
}

/// What makes a domain look like its company: a logo, say.
pub mod assets {
    use super::{AnyId, FromRow, Millis, entity};

    /// A picture or text of a domain.
    #[derive(Debug, Clone, PartialEq, FromRow)]
    pub struct DomainAssetRow {
        /// Its id.
        pub id: AnyId,
        /// The domain.
        pub domain_id: AnyId,
        /// What it is for.
        pub kind: String,
        /// Its media type.
        pub content_type: String,
        /// What it is, in base64.
        pub data: String,
        /// When it was created.
        pub created: Millis,
    }

    entity!("domain_assets", DomainAssetRow, AnyId, {
        domain_id "domain_id" "$2",
        kind "kind" "$3",
        content_type "content_type" "$4",
        data "data" "$5",
        created "created" "$6",
    });
}
