//! Security groups: what the members of a folder may do, as data.

use sqlx::FromRow;

use super::{Db, Json, StoreError};
use crate::{access::PermissionSet, ids::CompanyId};

/// The security groups that every server has.
pub mod default {
    /// May do everything.
    pub const ADMINISTRATOR: i64 = 1;
    /// May do all but change what the folder is.
    pub const MANAGER: i64 = 2;
    /// Brings assets, and streams live.
    pub const CONTRIBUTOR: i64 = 3;
    /// Watches, comments, downloads and shows in rooms.
    pub const REVIEWER: i64 = 4;
    /// Watches and comments.
    pub const VIEWER: i64 = 5;
    /// Manages people, and sees nothing of what they see.
    pub const COORDINATOR: i64 = 6;
}

/// A security group.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct SecurityGroupRow {
    /// Its number.
    pub id: i64,
    /// The company that it is for; all, if none.
    pub company_id: Option<CompanyId>,
    /// Its name.
    pub name: String,
    /// The key of its name in a client's translations.
    pub lang_key: String,
    /// Whether its members may do everything.
    pub is_admin: bool,
    /// What its members may do.
    pub permissions: Json<PermissionSet>,
}

/// The defaults, and those of one company if one is named; strongest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut Db,
    company: Option<CompanyId>,
) -> Result<Vec<SecurityGroupRow>, StoreError> {
    let sql = "SELECT id, company_id, name, lang_key, is_admin, permissions FROM security_groups \
               WHERE company_id IS NULL OR company_id = $1 ORDER BY sort_index, id";
    Ok(sqlx::query_as(sql).bind(company).fetch_all(db).await?)
}

/// A security group that is usable in a company.
///
/// # Errors
/// When the database fails.
pub async fn get(
    db: &mut Db,
    id: i64,
    company: CompanyId,
) -> Result<Option<SecurityGroupRow>, StoreError> {
    let sql = "SELECT id, company_id, name, lang_key, is_admin, permissions FROM security_groups \
               WHERE id = $1 AND (company_id IS NULL OR company_id = $2)";
    Ok(sqlx::query_as(sql).bind(id).bind(company).fetch_optional(db).await?)
}

/// The first number of those that companies make themselves.
const OWN: i64 = 1000;

/// Creates a security group of a company; after all others in lists.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the company is absent.
pub async fn create(
    db: &mut Db,
    company: CompanyId,
    name: &str,
    permissions: PermissionSet,
) -> Result<i64, StoreError> {
    let sql = "INSERT INTO security_groups \
               (id, company_id, name, lang_key, is_admin, permissions, sort_index) \
               SELECT next, $1, $2, '', FALSE, $3, next FROM \
               (SELECT CASE WHEN MAX(id) < $4 THEN $4 ELSE MAX(id) + 1 END AS next \
               FROM security_groups) RETURNING id";
    let query = sqlx::query_scalar(sql).bind(company).bind(name).bind(Json(permissions)).bind(OWN);
    Ok(query.fetch_one(db).await?)
}
