//! People.

use sqlx::FromRow;

use super::{Db, StoreError, text::AccountStatus};
use crate::{
    ids::{CompanyId, UserId},
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
    /// Whether they run the server.
    pub sysop: bool,
    /// Whether they only look at what they are sent.
    pub inbox_only: bool,
    /// When they last agreed to the consent documents.
    pub consented: Option<Millis>,
    /// Their id in the system that manages them, if another one does.
    pub external_idp_id: Option<String>,
}

impl UserRow {
    /// Whether another system manages them.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.external_idp_id.is_some()
    }

    /// First and last name.
    #[must_use]
    pub fn full_name(&self) -> String {
        full_name(&self.first_name, &self.last_name)
    }
}

/// First and last name, either of which may be missing.
#[must_use]
pub fn full_name(first: &str, last: &str) -> String {
    format!("{first} {last}").trim().to_owned()
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
    /// What they say their company is called, where it is not that one.
    pub company_text: Option<String>,
    /// Whether they have to follow a link before they are in.
    pub invited: bool,
}

/// Selects people, `u`; further columns begin with a comma.
macro_rules! select_user {
    ($columns:literal, $tail:expr) => {
        concat!(
            "SELECT u.id, u.email, u.first_name, u.last_name, u.phone, u.account_status, ",
            "u.is_guest, u.company_id, COALESCE(u.company_text, c.name) AS company_name, ",
            "u.created, u.accessed, u.sysop, u.inbox_only, u.consented, u.external_idp_id",
            $columns,
            " FROM users u LEFT JOIN companies c ON c.id = u.company_id ",
            $tail
        )
    };
}
pub(super) use select_user;

macro_rules! select {
    ($tail:literal) => {
        select_user!("", $tail)
    };
}

/// Creates a person, or a guest if there is no address.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_users_email`) when the address is taken.
pub async fn create(db: &mut Db, user: &NewUser, now: Millis) -> Result<UserId, StoreError> {
    let id = UserId::new();
    let status = if user.invited { AccountStatus::Invited } else { AccountStatus::Active };
    let sql = "INSERT INTO users (id, email, first_name, last_name, is_guest, company_id, created, \
               company_text, account_status) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(id)
        .bind(user.email.as_deref().map(normal_email))
        .bind(&user.first_name)
        .bind(&user.last_name)
        .bind(user.email.is_none())
        .bind(user.company_id)
        .bind(now)
        .bind(&user.company_text)
        .bind(status)
        .execute(db)
        .await?;
    Ok(id)
}

/// Says which id somebody has in the system that manages them; none if no other one does.
///
/// # Errors
/// When the database fails.
pub async fn set_external(db: &mut Db, id: UserId, idp_id: Option<&str>) -> Result<(), StoreError> {
    let sql = "UPDATE users SET external_idp_id = $2 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(idp_id).execute(db).await?;
    Ok(())
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

/// Whether somebody may know that another exists: they belong to the same company, or one of them
/// belongs to a company that the other has a part in, or they meet in a folder, a production or a
/// team.
///
/// # Errors
/// When the database fails.
pub async fn share_anything(db: &mut Db, a: UserId, b: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM company_members x JOIN company_people y \
               ON y.company_id = x.company_id WHERE x.user_id = $1 AND y.user_id = $2) \
               OR EXISTS (SELECT 1 FROM company_members x JOIN company_people y \
               ON y.company_id = x.company_id WHERE x.user_id = $2 AND y.user_id = $1) \
               OR EXISTS (SELECT 1 FROM project_members x JOIN project_members y \
               ON y.project_id = x.project_id WHERE x.user_id = $1 AND y.user_id = $2) \
               OR EXISTS (SELECT 1 FROM production_members x JOIN production_members y \
               ON y.production_id = x.production_id WHERE x.user_id = $1 AND y.user_id = $2) \
               OR EXISTS (SELECT 1 FROM team_people x JOIN team_people y \
               ON y.team_id = x.team_id WHERE x.user_id = $1 AND y.user_id = $2)";
    Ok(sqlx::query_scalar(sql).bind(a).bind(b).fetch_one(db).await?)
}

/// Whether somebody has a part in anything: a company, or a room.
///
/// # Errors
/// When the database fails.
pub async fn belongs_somewhere(db: &mut Db, id: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM company_people WHERE user_id = $1) \
               OR EXISTS (SELECT 1 FROM room_users WHERE user_id = $1) \
               OR EXISTS (SELECT 1 FROM users WHERE id = $1 AND sysop)";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_one(db).await?)
}

/// Whether somebody's own company is out of use, or outside its days. Whoever runs the server
/// never is.
///
/// # Errors
/// When the database fails.
pub async fn is_suspended(db: &mut Db, id: UserId, now: Millis) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM users u JOIN companies c ON c.id = u.company_id \
               WHERE u.id = $1 AND u.sysop = FALSE AND (c.active = FALSE OR c.start_date > $2 \
               OR c.expiry_date - c.expiry_date % 86400000 + 86400000 <= $2))";
    Ok(sqlx::query_scalar(sql).bind(id).bind(now).fetch_one(db).await?)
}

/// Says whether somebody runs the server.
///
/// # Errors
/// When the database fails.
pub async fn set_sysop(db: &mut Db, id: UserId, sysop: bool) -> Result<(), StoreError> {
    let sql = "UPDATE users SET sysop = $2 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(sysop).execute(db).await?;
    Ok(())
}

/// Says whether somebody only looks at what they are sent.
///
/// # Errors
/// When the database fails.
pub async fn set_inbox_only(db: &mut Db, id: UserId, inbox_only: bool) -> Result<(), StoreError> {
    let sql = "UPDATE users SET inbox_only = $2 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(inbox_only).execute(db).await?;
    Ok(())
}

/// Notes what somebody agreed to; what is none stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn consent(
    db: &mut Db,
    id: UserId,
    consented: Option<Option<Millis>>,
    marketing: Option<bool>,
) -> Result<(), StoreError> {
    let sql = "UPDATE users SET consented = CASE WHEN $2 THEN $3 ELSE consented END, \
               marketing = COALESCE($4, marketing) WHERE id = $1";
    sqlx::query(sql)
        .bind(id)
        .bind(consented.is_some())
        .bind(consented.flatten())
        .bind(marketing)
        .execute(db)
        .await?;
    Ok(())
}

/// Addresses are compared without regard to casing, as every provider does.
pub(crate) fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}
