//! Companies and who belongs to them.

use sqlx::FromRow;

use super::{Db, Json, Object, StoreError};
use crate::{
    ids::{CompanyId, UserId},
    time::Millis,
};

/// A company.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct CompanyRow {
    /// Its id.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
    /// Whether it is in use.
    pub active: bool,
    /// Whether its people need a second factor.
    pub mfa_enabled: bool,
    /// Settings, as clients keep them.
    pub settings: Json<Object>,
    /// Settings of its watermarks, as clients keep them.
    pub watermark_settings: Json<Object>,
    /// When it was created.
    pub created: Millis,
}

/// A person's place in a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct MembershipRow {
    /// The company.
    pub company_id: CompanyId,
    /// Whether the person may do everything in it.
    pub is_admin: bool,
    /// Whether the company is the person's own.
    pub is_owner: bool,
}

/// Creates a company.
///
/// # Errors
/// When the database fails.
pub async fn create(db: &mut Db, name: &str, now: Millis) -> Result<CompanyId, StoreError> {
    let id = CompanyId::new();
    sqlx::query("INSERT INTO companies (id, name, created) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(name)
        .bind(now)
        .execute(db)
        .await?;
    Ok(id)
}

/// How many companies there are: none only before the first start has made one.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &mut Db) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM companies").fetch_one(db).await?)
}

/// A company.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: CompanyId) -> Result<Option<CompanyRow>, StoreError> {
    Ok(sqlx::query_as("SELECT * FROM companies WHERE id = $1").bind(id).fetch_optional(db).await?)
}

/// The companies that a person belongs to, by name.
///
/// # Errors
/// When the database fails.
pub async fn of_user(db: &mut Db, user: UserId) -> Result<Vec<CompanyRow>, StoreError> {
    let sql = "SELECT c.* FROM companies c JOIN company_members m ON m.company_id = c.id \
               WHERE m.user_id = $1 ORDER BY c.name, c.id";
    Ok(sqlx::query_as(sql).bind(user).fetch_all(db).await?)
}

/// Makes a person a member, or changes what kind of member they are.
///
/// # Errors
/// [`StoreError::ForeignKey`] when one of both is absent.
pub async fn set_member(
    db: &mut Db,
    user: UserId,
    membership: MembershipRow,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO company_members (company_id, user_id, is_admin, is_owner, created) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (company_id, user_id) \
               DO UPDATE SET is_admin = excluded.is_admin, is_owner = excluded.is_owner";
    sqlx::query(sql)
        .bind(membership.company_id)
        .bind(user)
        .bind(membership.is_admin)
        .bind(membership.is_owner)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// A person's place in one company.
///
/// # Errors
/// When the database fails.
pub async fn membership(
    db: &mut Db,
    company: CompanyId,
    user: UserId,
) -> Result<Option<MembershipRow>, StoreError> {
    let sql = "SELECT company_id, is_admin, is_owner FROM company_members \
               WHERE company_id = $1 AND user_id = $2";
    Ok(sqlx::query_as(sql).bind(company).bind(user).fetch_optional(db).await?)
}

/// How many productions a company has that are not deleted, and how many bytes their files take.
///
/// # Errors
/// When the database fails.
pub async fn usage(db: &mut Db, company: CompanyId) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT (SELECT COUNT(*) FROM productions WHERE company_id = $1 AND status <> 'DELETED'), \
               (SELECT COALESCE(SUM(f.bytes), 0) FROM asset_files f JOIN assets a ON a.id = f.asset_id \
                JOIN projects p ON p.id = a.project_id JOIN productions n ON n.id = p.production_id \
                WHERE n.company_id = $1 AND f.status <> 'DELETED')";
    Ok(sqlx::query_as(sql).bind(company).fetch_one(db).await?)
}
