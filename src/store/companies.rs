//! Companies and who belongs to them.

use sqlx::FromRow;

use super::{Db, Json, Object, StoreError, teams};
use crate::{
    ids::{AnyId, CompanyId, UserId},
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
    /// Whether nobody may act in the name of its people.
    pub disallow_impersonation: bool,
    /// An id that another system has for it.
    pub hub_id: Option<String>,
    /// The domain that its people come to.
    pub domain_id: Option<AnyId>,
    /// Limit of its files, in bytes.
    pub max_usage: Option<i64>,
    /// The first day that it may be used.
    pub start_date: Option<Millis>,
    /// The last day that it may be used.
    pub expiry_date: Option<Millis>,
    /// Notes for those who run the server.
    pub control_notes: Option<String>,
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

/// How much a company uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct CompanyNumbers {
    /// The company.
    pub company_id: CompanyId,
    /// Productions that are not deleted.
    pub productions: i64,
    /// Bytes of their files.
    pub bytes: i64,
    /// People who have any part in it.
    pub people: i64,
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
        .execute(&mut *db)
        .await?;
    teams::create_admin_team(db, id, now).await?;
    Ok(id)
}

/// Writes a changed company back.
///
/// # Errors
/// When the database fails.
pub async fn update(db: &mut Db, row: &CompanyRow) -> Result<(), StoreError> {
    let sql = "UPDATE companies SET name = $2, active = $3, mfa_enabled = $4, settings = $5, \
               watermark_settings = $6, disallow_impersonation = $7, hub_id = $8, domain_id = $9, \
               max_usage = $10, start_date = $11, expiry_date = $12, control_notes = $13 \
               WHERE id = $1";
    sqlx::query(sql)
        .bind(row.id)
        .bind(&row.name)
        .bind(row.active)
        .bind(row.mfa_enabled)
        .bind(&row.settings)
        .bind(&row.watermark_settings)
        .bind(row.disallow_impersonation)
        .bind(&row.hub_id)
        .bind(row.domain_id)
        .bind(row.max_usage)
        .bind(row.start_date)
        .bind(row.expiry_date)
        .bind(&row.control_notes)
        .execute(db)
        .await?;
    Ok(())
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

/// Takes a person out of a company; what they are in its teams, productions and folders stays.
///
/// # Errors
/// When the database fails.
pub async fn remove_member(
    db: &mut Db,
    company: CompanyId,
    user: UserId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM company_members WHERE company_id = $1 AND user_id = $2";
    sqlx::query(sql).bind(company).bind(user).execute(db).await?;
    Ok(())
}

/// The companies that somebody is an administrator of.
///
/// # Errors
/// When the database fails.
pub async fn administered(db: &mut Db, user: UserId) -> Result<Vec<CompanyId>, StoreError> {
    let sql = "SELECT company_id FROM company_members WHERE user_id = $1 AND is_admin";
    Ok(sqlx::query_scalar(sql).bind(user).fetch_all(db).await?)
}

/// Whether somebody has any part in a company.
///
/// # Errors
/// When the database fails.
pub async fn has_part(db: &mut Db, company: CompanyId, user: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM company_people WHERE company_id = $1 AND user_id = $2)";
    Ok(sqlx::query_scalar(sql).bind(company).bind(user).fetch_one(db).await?)
}

/// Whether somebody's own company forbids others to act in their name. One without a company has
/// nobody who could allow it.
///
/// # Errors
/// When the database fails.
pub async fn forbids_impersonation(db: &mut Db, user: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT COALESCE((SELECT c.disallow_impersonation FROM users u \
               JOIN companies c ON c.id = u.company_id WHERE u.id = $1), TRUE)";
    Ok(sqlx::query_scalar(sql).bind(user).fetch_one(db).await?)
}

/// What somebody is in each of the companies that they belong to.
///
/// # Errors
/// When the database fails.
pub async fn memberships(db: &mut Db, user: UserId) -> Result<Vec<MembershipRow>, StoreError> {
    let sql = "SELECT company_id, is_admin, is_owner FROM company_members WHERE user_id = $1";
    Ok(sqlx::query_as(sql).bind(user).fetch_all(db).await?)
}

/// How many productions a person's companies have under each kind of licence, those they are an
/// administrator of.
///
/// # Errors
/// When the database fails.
pub async fn productions_by_license(
    db: &mut Db,
    admin: UserId,
) -> Result<Vec<(CompanyId, String, i64)>, StoreError> {
    let sql = "SELECT n.company_id, l.kind, COUNT(*) FROM productions n \
               JOIN licenses l ON l.id = n.license_id \
               JOIN company_members m ON m.company_id = n.company_id \
               WHERE m.user_id = $1 AND m.is_admin AND n.status <> 'DELETED' \
               AND n.template_of IS NULL GROUP BY n.company_id, l.kind ORDER BY n.company_id, l.kind";
    Ok(sqlx::query_as(sql).bind(admin).fetch_all(db).await?)
}

/// What the files of each of a person's companies take, and how many productions and people it
/// has; those they are an administrator of.
///
/// # Errors
/// When the database fails.
pub async fn numbers(db: &mut Db, admin: UserId) -> Result<Vec<CompanyNumbers>, StoreError> {
    let sql = "SELECT m.company_id, (SELECT COUNT(*) FROM productions n \
                 WHERE n.company_id = m.company_id AND n.status <> 'DELETED' \
                 AND n.template_of IS NULL) AS productions, \
               (SELECT COALESCE(SUM(f.bytes), 0) FROM asset_files f \
                 JOIN assets a ON a.id = f.asset_id JOIN projects p ON p.id = a.project_id \
                 JOIN productions n ON n.id = p.production_id \
                 WHERE n.company_id = m.company_id AND f.status <> 'DELETED') AS bytes, \
               (SELECT COUNT(*) FROM company_people x JOIN users u ON u.id = x.user_id \
                 WHERE x.company_id = m.company_id AND u.account_status <> 'DELETED' \
                 AND u.is_guest = FALSE) AS people \
               FROM company_members m WHERE m.user_id = $1 AND m.is_admin";
    Ok(sqlx::query_as(sql).bind(admin).fetch_all(db).await?)
}

/// How many administrators a company has who are not deleted.
///
/// # Errors
/// When the database fails.
pub async fn admins(db: &mut Db, company: CompanyId) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM company_members m JOIN users u ON u.id = m.user_id \
               WHERE m.company_id = $1 AND m.is_admin AND u.account_status <> 'DELETED'";
    Ok(sqlx::query_scalar(sql).bind(company).fetch_one(db).await?)
}

/// How many productions a company has that are not deleted, and how many bytes their files take.
///
/// # Errors
/// When the database fails.
pub async fn usage(db: &mut Db, company: CompanyId) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT (SELECT COUNT(*) FROM productions WHERE company_id = $1 \
               AND status <> 'DELETED' AND template_of IS NULL), \
               (SELECT COALESCE(SUM(f.bytes), 0) FROM asset_files f JOIN assets a ON a.id = f.asset_id \
                JOIN projects p ON p.id = a.project_id JOIN productions n ON n.id = p.production_id \
                WHERE n.company_id = $1 AND f.status <> 'DELETED')";
    Ok(sqlx::query_as(sql).bind(company).fetch_one(db).await?)
}
