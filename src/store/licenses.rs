//! Licences: how many people a company may have.

use sqlx::FromRow;

use super::{Db, StoreError, entity::entity, text::LicenseType};
use crate::{
    ids::{CompanyId, LicenseId, UserId},
    time::Millis,
};

/// A licence.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct LicenseRow {
    /// Its id.
    pub id: LicenseId,
    /// The company it is for.
    pub company_id: CompanyId,
    /// What it licenses.
    pub kind: LicenseType,
    /// How many people, where it is for named ones.
    pub count: Option<i64>,
    /// Free text.
    pub description: Option<String>,
    /// The last day that it counts.
    pub end_date: Option<Millis>,
    /// A reference of the client's bookkeeping.
    pub transaction_reference: Option<String>,
    /// When it was created.
    pub created: Millis,
}

impl LicenseRow {
    /// Whether it counts no more. Its last day counts whole (UTC).
    #[must_use]
    pub fn is_expired(&self, now: Millis) -> bool {
        self.end_date.is_some_and(|end| now >= end.end_of_day())
    }
}

entity!("licenses", LicenseRow, LicenseId, {
    company_id "company_id" "$2",
    kind "kind" "$3",
    count "count" "$4",
    description "description" "$5",
    end_date "end_date" "$6",
    transaction_reference "transaction_reference" "$7",
    created "created" "$8",
});

/// The licences of a company, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut Db, company: CompanyId) -> Result<Vec<LicenseRow>, StoreError> {
    let sql = "SELECT * FROM licenses WHERE company_id = $1 ORDER BY created, id";
    Ok(sqlx::query_as(sql).bind(company).fetch_all(db).await?)
}

/// The licences of all companies that somebody is an administrator of, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_admin(db: &mut Db, admin: UserId) -> Result<Vec<LicenseRow>, StoreError> {
    let sql = "SELECT l.* FROM licenses l JOIN company_members m ON m.company_id = l.company_id \
               WHERE m.user_id = $1 AND m.is_admin ORDER BY l.created, l.id";
    Ok(sqlx::query_as(sql).bind(admin).fetch_all(db).await?)
}

/// Whether a production has a licence.
///
/// # Errors
/// When the database fails.
pub async fn is_used(db: &mut Db, id: LicenseId) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM productions \
               WHERE license_id = $1 AND status <> 'DELETED')";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_one(db).await?)
}

/// How many named people a company may have by these licences; none when they do not limit it: a
/// company without licences is not limited, nor is one with a licence of another kind.
#[must_use]
pub fn named_limit(licenses: &[LicenseRow], now: Millis) -> Option<i64> {
    let counting: Vec<_> = licenses.iter().filter(|license| !license.is_expired(now)).collect();
    let named = |license: &&&LicenseRow| license.kind == LicenseType::NamedUser;
    let all_named = !counting.is_empty() && counting.iter().all(|license| named(&license));
    // Once it had licences for named people, their end does not free it.
    let had_named = counting.is_empty() && licenses.iter().any(|license| named(&&license));
    (all_named || had_named).then(|| counting.iter().filter_map(|license| license.count).sum())
}
