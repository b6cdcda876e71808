//! Licences of companies.

use serde::{Deserialize, Serialize};

use super::group::Deleted;
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, LicenseId, UserId},
    rpc::Ctx,
    store::{
        self,
        licenses::{self, LicenseRow, named_limit},
        text::LicenseType,
    },
    time::Millis,
};

/// A licence.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct License {
    company_id: Option<CompanyId>,
    count: Option<i64>,
    description: Option<String>,
    end_date: Option<Millis>,
    id: Option<LicenseId>,
    status: Option<String>,
    transaction_reference: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl License {
    fn of(row: LicenseRow, now: Millis) -> Self {
        let status = if row.is_expired(now) { "EXPIRED" } else { "ACTIVE" };
        Self {
            company_id: Some(row.company_id),
            count: row.count,
            description: row.description,
            end_date: row.end_date,
            id: Some(row.id),
            status: Some(status.to_owned()),
            transaction_reference: row.transaction_reference,
            kind: Some(row.kind.name().to_owned()),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateLicense {
    company_id: CompanyId,
    count: Option<i64>,
    description: Option<String>,
    end_date: Option<Millis>,
    transaction_reference: Option<String>,
    #[serde(rename = "type")]
    kind: LicenseType,
}

/// Gives a company a licence; for those who run the server.
pub(super) async fn create(ctx: &mut Ctx, req: CreateLicense) -> ApiResult<License> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::company_run(ctx.db(), &caller, req.company_id).await?;
    let row = LicenseRow {
        id: LicenseId::new(),
        company_id: req.company_id,
        kind: req.kind,
        count: counted(req.count)?,
        description: req.description,
        end_date: req.end_date,
        transaction_reference: req.transaction_reference,
        created: now,
    };
    licenses::insert(ctx.db(), &row).await?;
    Ok(License::of(row, now))
}

fn counted(count: Option<i64>) -> ApiResult<Option<i64>> {
    match count {
        Some(count) if count < 0 => Err(ApiError::new(Code::INVALID_DATA).field(
            "count",
            Code::INVALID_DATA,
            "must not be negative",
        )),
        count => Ok(count),
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateLicense {
    #[serde(flatten)]
    to: CreateLicense,
    id: LicenseId,
}

/// Changes what is given of a licence; for those who run the server.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateLicense) -> ApiResult<License> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::company_run(ctx.db(), &caller, req.to.company_id).await?;
    let row = found(ctx, req.to.company_id, req.id).await?;
    let row = LicenseRow {
        kind: req.to.kind,
        count: counted(req.to.count)?.or(row.count),
        description: req.to.description.or(row.description),
        end_date: req.to.end_date.or(row.end_date),
        transaction_reference: req.to.transaction_reference.or(row.transaction_reference),
        ..row
    };
    licenses::update(ctx.db(), &row).await?;
    Ok(License::of(row, now))
}

async fn found(ctx: &mut Ctx, company: CompanyId, id: LicenseId) -> ApiResult<LicenseRow> {
    let row = licenses::get(ctx.db(), id).await?.filter(|row| row.company_id == company);
    row.ok_or(ApiError::new(Code::NOT_FOUND))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteLicense {
    company_id: CompanyId,
    id: LicenseId,
}

/// Takes a licence away, if no production has it; for those who run the server.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteLicense) -> ApiResult<Deleted> {
    let caller = ctx.user()?.clone();
    access::company_run(ctx.db(), &caller, req.company_id).await?;
    found(ctx, req.company_id, req.id).await?;
    if licenses::is_used(ctx.db(), req.id).await? {
        return Err(ApiError::new(Code::LICENSE_IN_USE));
    }
    licenses::delete(ctx.db(), req.id).await?;
    Ok(Deleted { deleted: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListLicenses {
    company_id: CompanyId,
    include_expired: Option<bool>,
}

/// The licences of a company, to its administrators and those who run the server.
pub(super) async fn list(ctx: &mut Ctx, req: ListLicenses) -> ApiResult<Vec<License>> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::company_overseen(ctx.db(), &caller, req.company_id).await?;
    let rows = licenses::list(ctx.db(), req.company_id).await?;
    let expired = req.include_expired == Some(true);
    let shown = rows.into_iter().filter(|row| expired || !row.is_expired(now));
    Ok(shown.map(|row| License::of(row, now)).collect())
}

/// How many named people the licences of a company allow, if they limit them, and how many it has.
pub(super) async fn seats(ctx: &mut Ctx, company: CompanyId) -> ApiResult<(Option<i64>, i64)> {
    let now = ctx.now();
    let limit = named_limit(&licenses::list(ctx.db(), company).await?, now);
    let (people, _) = store::members::count(ctx.db(), company, "").await?;
    Ok((limit, people))
}

/// Refuses another person to a company whose licences allow no more.
pub(super) async fn need_seat(ctx: &mut Ctx, company: CompanyId, user: UserId) -> ApiResult<()> {
    if store::companies::has_part(ctx.db(), company, user).await? {
        return Ok(());
    }
    need_new_seat(ctx, company).await
}

/// Like [`need_seat`], for somebody who has no account yet.
pub(super) async fn need_new_seat(ctx: &mut Ctx, company: CompanyId) -> ApiResult<()> {
    match seats(ctx, company).await? {
        (Some(limit), people) if people >= limit => Err(ApiError::new(Code::LICENSE_FULL)),
        _ => Ok(()),
    }
}
