//! People.

use sqlx::FromRow;

use super::{Db, StoreError, text::AccountStatus};
use crate::{
    ids::{CompanyId, ProjectId, UserId},
    time::Millis,
};

/// A person, or a guest of a room.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct UserRow {
    /// Their id.
    pub id: UserId,
    /// Their address, in lower case; guests have none.
    pub email: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Telephone number.
    pub phone: Option<String>,
    /// Whether they may sign in.
    pub account_status: AccountStatus,
    /// Whether this is a guest of a room.
    pub is_guest: bool,
    /// The company that is shown as theirs.
    pub company_id: Option<CompanyId>,
    /// The name of that company.
    pub company_name: Option<String>,
    /// When they were created.
    pub created: Millis,
    /// When they last signed in.
    pub accessed: Option<Millis>,
}

impl UserRow {
    /// First and last name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// What a new person is created from.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// Address; none for a guest.
    pub email: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// The company that is shown as theirs. It does not make them a member.
    pub company_id: Option<CompanyId>,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT u.id, u.email, u.first_name, u.last_name, u.phone, u.account_status, ",
            "u.is_guest, u.company_id, c.name AS company_name, u.created, u.accessed ",
            "FROM users u LEFT JOIN companies c ON c.id = u.company_id ",
            $tail
        )
    };
}

/// Creates a person, or a guest if there is no address.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_users_email`) when the address is taken.
pub async fn create(db: &mut Db, user: &NewUser, now: Millis) -> Result<UserId, StoreError> {
    let id = UserId::new();
    let sql = "INSERT INTO users (id, email, first_name, last_name, is_guest, company_id, created) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(sql)
        .bind(id)
        .bind(user.email.as_deref().map(normal_email))
        .bind(&user.first_name)
        .bind(&user.last_name)
        .bind(user.email.is_none())
        .bind(user.company_id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(id)
}

/// A person.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: UserId) -> Result<Option<UserRow>, StoreError> {
    Ok(sqlx::query_as(select!("WHERE u.id = $1")).bind(id).fetch_optional(db).await?)
}

/// The person with an address, in whatever casing.
///
/// # Errors
/// When the database fails.
pub async fn by_email(db: &mut Db, email: &str) -> Result<Option<UserRow>, StoreError> {
    let sql = select!("WHERE u.email = $1");
    Ok(sqlx::query_as(sql).bind(normal_email(email)).fetch_optional(db).await?)
}

/// The account with an address, unless it is deleted.
///
/// # Errors
/// When the database fails.
pub async fn account(db: &mut Db, email: &str) -> Result<Option<UserRow>, StoreError> {
    let found = by_email(db, email).await?;
    Ok(found.filter(|user| user.account_status != AccountStatus::Deleted))
}

/// Sets the name of a person (a guest gives it on arrival).
///
/// # Errors
/// When the database fails.
pub async fn rename(
    db: &mut Db,
    id: UserId,
    first_name: &str,
    last_name: &str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET first_name = $2, last_name = $3 WHERE id = $1")
        .bind(id)
        .bind(first_name)
        .bind(last_name)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that a person has signed in; one who was invited is active from then on.
///
/// # Errors
/// When the database fails.
pub async fn touch(db: &mut Db, id: UserId, now: Millis) -> Result<(), StoreError> {
    let sql = "UPDATE users SET accessed = $2, account_status = CASE account_status \
               WHEN 'INVITED' THEN 'ACTIVE' ELSE account_status END WHERE id = $1";
    sqlx::query(sql).bind(id).bind(now).execute(db).await?;
    Ok(())
}

/// The people who share a company or a folder with somebody; those whose existence may be
/// known to them.
///
/// # Errors
/// When the database fails.
pub async fn share_anything(db: &mut Db, a: UserId, b: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM company_members x JOIN company_members y \
               ON y.company_id = x.company_id WHERE x.user_id = $1 AND y.user_id = $2) \
               OR EXISTS (SELECT 1 FROM project_members x JOIN project_members y \
               ON y.project_id = x.project_id WHERE x.user_id = $1 AND y.user_id = $2)";
    Ok(sqlx::query_scalar(sql).bind(a).bind(b).fetch_one(db).await?)
}

/// A person with the security group that counts for them in a folder.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct ProjectUserRow {
    /// The person.
    #[sqlx(flatten)]
    pub user: UserRow,
    /// Their security group there; none for an administrator of the company.
    pub security_group_id: Option<i64>,
    /// What they are called there.
    pub project_role: Option<String>,
}

/// Everybody who may enter a folder by a membership in it or above it, by name.
///
/// # Errors
/// When the database fails.
pub async fn of_project(
    db: &mut Db,
    project: ProjectId,
) -> Result<Vec<ProjectUserRow>, StoreError> {
    // `depth` counts upwards: for each person the membership nearest to the folder counts.
    let sql = "WITH RECURSIVE above(id, parent, depth) AS ( \
                 SELECT id, parent_project_id, 0 FROM projects WHERE id = $1 \
                 UNION SELECT p.id, p.parent_project_id, a.depth + 1 \
                 FROM projects p JOIN above a ON p.id = a.parent), \
               found AS (SELECT m.user_id, m.security_group_id, m.project_role, a.depth \
                 FROM project_members m JOIN above a ON a.id = m.project_id) \
               SELECT u.id, u.email, u.first_name, u.last_name, u.phone, u.account_status, \
                 u.is_guest, u.company_id, c.name AS company_name, u.created, u.accessed, \
                 f.security_group_id, f.project_role \
               FROM found f JOIN users u ON u.id = f.user_id \
                 LEFT JOIN companies c ON c.id = u.company_id \
               WHERE u.account_status <> 'DELETED' AND NOT EXISTS ( \
                 SELECT 1 FROM found n WHERE n.user_id = f.user_id AND n.depth < f.depth) \
               ORDER BY u.last_name, u.first_name, u.id";
    Ok(sqlx::query_as(sql).bind(project).fetch_all(db).await?)
}

/// Everybody who is a member of some folder of a production, and its owner, by name.
///
/// # Errors
/// When the database fails.
pub async fn of_group(db: &mut Db, group: crate::ids::GroupId) -> Result<Vec<UserRow>, StoreError> {
    let sql = select!(
        "WHERE u.account_status <> 'DELETED' AND (u.id IN (SELECT m.user_id FROM project_members m \
         JOIN projects p ON p.id = m.project_id \
         WHERE p.production_id = $1 AND p.status <> 'DELETED') \
         OR u.id = (SELECT owner_id FROM productions WHERE id = $1)) \
         ORDER BY u.last_name, u.first_name, u.id"
    );
    Ok(sqlx::query_as(sql).bind(group).fetch_all(db).await?)
}

/// Addresses are compared without regard to casing, as every provider does.
fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}
