//! The limits of companies and productions: bytes, and days.

use serde::{Deserialize, Serialize};

use super::group::Deleted;
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, CompanyId, GroupId},
    rpc::Ctx,
    store::{self, companies::CompanyRow, groups::GroupRow},
    time::Millis,
};

/// A control: the limits of a company or of a production. There is one where any of its values is
/// set, and it goes by the id of what it limits.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Control {
    control_id: Option<AnyId>,
    expiry_date: Option<Millis>,
    max_usage: Option<i64>,
    notes: Option<String>,
    record_id: Option<AnyId>,
    record_type: Option<String>,
    start_date: Option<Millis>,
}

impl Control {
    fn of_company(row: &CompanyRow) -> Self {
        Self {
            control_id: Some(row.id.cast()),
            expiry_date: row.expiry_date,
            max_usage: row.max_usage,
            notes: row.control_notes.clone(),
            record_id: Some(row.id.cast()),
            record_type: Some("COMPANY".to_owned()),
            start_date: row.start_date,
        }
    }

    fn of_group(row: &GroupRow) -> Self {
        Self {
            control_id: Some(row.id.cast()),
            expiry_date: row.expiry_date,
            max_usage: row.max_usage,
            notes: row.control_notes.clone(),
            record_id: Some(row.id.cast()),
            record_type: Some("GROUP".to_owned()),
            start_date: row.start_date,
        }
    }

    fn is_set(&self) -> bool {
        self.expiry_date.is_some()
            || self.max_usage.is_some()
            || self.notes.is_some()
            || self.start_date.is_some()
    }

    fn found(self) -> ApiResult<Self> {
        if self.is_set() { Ok(self) } else { Err(ApiError::new(Code::NOT_FOUND)) }
    }
}

/// A control that was changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UpdatedControl {
    #[serde(flatten)]
    control: Control,
    updated: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SetCompanyControl {
    expiry_date: Option<Millis>,
    id: CompanyId,
    max_usage: Option<i64>,
    notes: Option<String>,
}

/// Limits a company; for those who run the server. Today is its first day.
pub(super) async fn create(ctx: &mut Ctx, req: SetCompanyControl) -> ApiResult<UpdatedControl> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let row = access::company_run(ctx.db(), &caller, req.id).await?;
    if Control::of_company(&row).is_set() {
        return Err(ApiError::new(Code::IN_USE).message("This company has a control already"));
    }
    write(ctx, CompanyRow { start_date: Some(now), ..row }, req).await
}

/// Changes what is given of a company's limits; for those who run the server.
pub(super) async fn update(ctx: &mut Ctx, req: SetCompanyControl) -> ApiResult<UpdatedControl> {
    let caller = ctx.user()?.clone();
    let row = access::company_run(ctx.db(), &caller, req.id).await?;
    Control::of_company(&row).found()?;
    write(ctx, row, req).await
}

async fn write(
    ctx: &mut Ctx,
    row: CompanyRow,
    req: SetCompanyControl,
) -> ApiResult<UpdatedControl> {
    let row = CompanyRow {
        expiry_date: req.expiry_date.or(row.expiry_date),
        max_usage: limit(req.max_usage)?.or(row.max_usage),
        control_notes: req.notes.or(row.control_notes),
        ..row
    };
    store::companies::update(ctx.db(), &row).await?;
    Ok(UpdatedControl { control: Control::of_company(&row), updated: Some(true) })
}

fn limit(max_usage: Option<i64>) -> ApiResult<Option<i64>> {
    match max_usage {
        Some(bytes) if bytes < 0 => Err(ApiError::new(Code::INVALID_DATA).field(
            "max_usage",
            Code::INVALID_DATA,
            "must not be negative",
        )),
        bytes => Ok(bytes),
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetCompanyControl {
    id: CompanyId,
}

/// The limits of a company, to its administrators and those who run the server.
pub(super) async fn get(ctx: &mut Ctx, req: GetCompanyControl) -> ApiResult<Control> {
    let caller = ctx.user()?.clone();
    let row = access::company_overseen(ctx.db(), &caller, req.id).await?;
    Control::of_company(&row).found()
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteCompanyControl {
    all_groups: Option<bool>,
    id: CompanyId,
    notes: Option<String>,
}

/// What `/delete/company/control` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct DeletedControl {
    deleted: Option<bool>,
    groups: Option<Vec<GroupId>>,
}

/// Ends the limits of a company, and of all its productions if asked to; for those who run the
/// server. The notes go to the log.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteCompanyControl) -> ApiResult<DeletedControl> {
    let caller = ctx.user()?.clone();
    let row = access::company_run(ctx.db(), &caller, req.id).await?;
    Control::of_company(&row).found()?;
    tracing::info!(company = %req.id, by = %caller.user_id, notes = req.notes, "control ended");
    let row = CompanyRow {
        expiry_date: None,
        max_usage: None,
        control_notes: None,
        start_date: None,
        ..row
    };
    store::companies::update(ctx.db(), &row).await?;
    let groups = match req.all_groups == Some(true) {
        true => store::groups::end_controls(ctx.db(), req.id).await?,
        false => Vec::new(),
    };
    Ok(DeletedControl { deleted: Some(true), groups: Some(groups) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SetGroupControl {
    expiry_date: Option<Millis>,
    id: GroupId,
    max_usage: Option<i64>,
    notes: Option<String>,
    start_date: Option<Millis>,
}

/// Limits a production, or changes what is given of its limits; for administrators of its company.
pub(super) async fn set_group(ctx: &mut Ctx, req: SetGroupControl) -> ApiResult<Control> {
    let now = ctx.now();
    let row = group(ctx, req.id).await?;
    let row = GroupRow {
        expiry_date: req.expiry_date.or(row.expiry_date),
        max_usage: limit(req.max_usage)?.or(row.max_usage),
        control_notes: req.notes.or(row.control_notes),
        start_date: req.start_date.or(row.start_date),
        modified: now,
        ..row
    };
    if row.start_date.zip(row.expiry_date).is_some_and(|(start, end)| start >= end.end_of_day()) {
        return Err(ApiError::new(Code::INVALID_DATA).field(
            "expiry_date",
            Code::INVALID_DATA,
            "is before start_date",
        ));
    }
    store::groups::update(ctx.db(), &row).await?;
    Ok(Control::of_group(&row))
}

/// A production, for administrators of its company: its own do not set their limits.
async fn group(ctx: &mut Ctx, id: GroupId) -> ApiResult<GroupRow> {
    let caller = ctx.user()?.clone();
    let seen = access::group(ctx.db(), &caller, id).await?;
    if seen.is_company_admin { Ok(seen.row) } else { Err(ApiError::new(Code::CANNOT_UPDATE_GROUP)) }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetGroupControl {
    id: GroupId,
}

/// The limits of a production, to its administrators.
pub(super) async fn get_group(ctx: &mut Ctx, req: GetGroupControl) -> ApiResult<Control> {
    let caller = ctx.user()?.clone();
    let seen = access::group(ctx.db(), &caller, req.id).await?;
    seen.need_admin()?;
    Control::of_group(&seen.row).found()
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteGroupControl {
    id: GroupId,
    notes: Option<String>,
}

/// Ends the limits of a production; for administrators of its company. The notes go to the log.
pub(super) async fn delete_group(ctx: &mut Ctx, req: DeleteGroupControl) -> ApiResult<Deleted> {
    let now = ctx.now();
    let row = group(ctx, req.id).await?;
    Control::of_group(&row).found()?;
    tracing::info!(production = %req.id, notes = req.notes, "control ended");
    let row = GroupRow {
        expiry_date: None,
        max_usage: None,
        control_notes: None,
        start_date: None,
        modified: now,
        ..row
    };
    store::groups::update(ctx.db(), &row).await?;
    Ok(Deleted { deleted: Some(true) })
}
