//! What companies make their own, and what people agree to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    device::Success,
    domain::{Made, base64_data},
    group::Deleted,
    participant::Updated,
};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, CompanyId, GroupId, ProjectId},
    rpc::{Caller, Ctx, Empty},
    store::{
        self, Json, Object,
        consents::{self, ConsentRow},
        customizations::{self, CustomizationRow, metadata, metadata::CustomMetadataRow},
        text::{ConsentType, MetadataStatus},
    },
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateCustomization {
    company_id: CompanyId,
    data_base64: String,
    description: Option<String>,
    email_domain_id: Option<AnyId>,
    group_id: Option<GroupId>,
    name: String,
    project_id: Option<ProjectId>,
    #[serde(rename = "type")]
    kind: String,
}

/// Keeps what a company makes its own; for its administrators.
pub(super) async fn create(ctx: &mut Ctx, req: CreateCustomization) -> ApiResult<Made> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let company = req.company_id;
    access::company(ctx.db(), &caller, company).await?.admin()?;
    base64_data("data_base64", &req.data_base64)?;
    if let Some(id) = req.group_id {
        let group = access::group(ctx.db(), &caller, id).await?;
        of_company("group_id", group.row.company_id == company)?;
    }
    if let Some(id) = req.project_id {
        let folder = access::project(ctx.db(), &caller, id).await?;
        of_company("project_id", folder.company_id == company)?;
    }
    domain(ctx, company, req.email_domain_id).await?;
    let row = CustomizationRow {
        id: AnyId::new(),
        company_id: company,
        production_id: req.group_id,
        project_id: req.project_id,
        email_domain_id: req.email_domain_id,
        kind: req.kind,
        name: req.name,
        description: req.description,
        data: req.data_base64,
        created: now,
        modified: now,
    };
    customizations::insert(ctx.db(), &row).await?;
    Ok(Made { id: Some(row.id) })
}

fn of_company(name: &str, is: bool) -> ApiResult<()> {
    if is {
        return Ok(());
    }
    let message = "is not of this company";
    Err(ApiError::new(Code::NOT_FOUND).field(name, Code::NOT_FOUND, message))
}

async fn domain(ctx: &mut Ctx, company: CompanyId, id: Option<AnyId>) -> ApiResult<()> {
    let Some(id) = id else { return Ok(()) };
    let found = store::domains::get(ctx.db(), id).await?;
    of_company("email_domain_id", found.is_some_and(|row| row.company_id == company))
}

/// Something of a company that the caller administers. Its id is optional in the contract, and
/// needed all the same.
async fn found(ctx: &mut Ctx, caller: &Caller, id: Option<AnyId>) -> ApiResult<CustomizationRow> {
    let id =
        id.ok_or_else(|| ApiError::new(Code::REQUIRED).field("id", Code::REQUIRED, "is required"))?;
    let row = customizations::get(ctx.db(), id).await?.ok_or(ApiError::new(Code::NOT_FOUND))?;
    access::company(ctx.db(), caller, row.company_id).await?.admin()?;
    Ok(row)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateCustomization {
    data_base64: String,
    description: Option<String>,
    email_domain_id: Option<AnyId>,
    id: Option<AnyId>,
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Changes what a company has made its own; for its administrators.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateCustomization) -> ApiResult<Updated> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let row = found(ctx, &caller, req.id).await?;
    base64_data("data_base64", &req.data_base64)?;
    domain(ctx, row.company_id, req.email_domain_id).await?;
    let row = CustomizationRow {
        email_domain_id: req.email_domain_id.or(row.email_domain_id),
        kind: req.kind.unwrap_or(row.kind),
        name: req.name.unwrap_or(row.name),
        description: req.description.or(row.description),
        data: req.data_base64,
        modified: now,
        ..row
    };
    customizations::update(ctx.db(), &row).await?;
    Ok(Updated { updated: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteCustomization {
    id: Option<AnyId>,
}

/// Deletes what a company has made its own; for its administrators.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteCustomization) -> ApiResult<Deleted> {
    let caller = ctx.user()?.clone();
    let row = found(ctx, &caller, req.id).await?;
    customizations::delete(ctx.db(), row.id).await?;
    Ok(Deleted { deleted: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateMetadata {
    description: Option<String>,
    id: AnyId,
    name: Option<String>,
    options: Option<Vec<Value>>,
    sortable: Option<bool>,
    status: Option<MetadataStatus>,
}

/// A field of metadata that a company has beside the usual ones.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UpdatedMetadata {
    assignment: Option<Object>,
    company_id: Option<CompanyId>,
    description: Option<String>,
    id: Option<AnyId>,
    name: Option<String>,
    options: Option<Vec<Value>>,
    sortable: Option<bool>,
    status: Option<String>,
    updated: Option<bool>,
}

async fn found_metadata(ctx: &mut Ctx, caller: &Caller, id: AnyId) -> ApiResult<CustomMetadataRow> {
    let row = metadata::get(ctx.db(), id).await?;
    let row = row.filter(|row| row.status != MetadataStatus::Deleted);
    let row = row.ok_or(ApiError::new(Code::NOT_FOUND))?;
    access::company(ctx.db(), caller, row.company_id).await?.admin()?;
    Ok(row)
}

/// Changes what is given of a field of metadata; for administrators of its company.
pub(super) async fn update_metadata(
    ctx: &mut Ctx,
    req: UpdateMetadata,
) -> ApiResult<UpdatedMetadata> {
    let caller = ctx.user()?.clone();
    let row = found_metadata(ctx, &caller, req.id).await?;
    let row = CustomMetadataRow {
        name: req.name.unwrap_or(row.name),
        description: req.description.or(row.description),
        options: req.options.map_or(row.options, Json),
        sortable: req.sortable.unwrap_or(row.sortable),
        status: req.status.unwrap_or(row.status),
        ..row
    };
    metadata::update(ctx.db(), &row).await?;
    Ok(UpdatedMetadata {
        assignment: Some(Object::new()),
        company_id: Some(row.company_id),
        description: row.description,
        id: Some(row.id),
        name: Some(row.name),
        options: Some(row.options.0),
        sortable: Some(row.sortable),
        status: Some(row.status.name().to_owned()),
        updated: Some(true),
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteMetadata {
    id: AnyId,
}

/// Deletes a field of metadata, as far as anybody can see; for administrators of its company.
/// What assets have in it stays with them.
pub(super) async fn delete_metadata(ctx: &mut Ctx, req: DeleteMetadata) -> ApiResult<Deleted> {
    let caller = ctx.user()?.clone();
    let row = found_metadata(ctx, &caller, req.id).await?;
    let row = CustomMetadataRow { status: MetadataStatus::Deleted, ..row };
    metadata::update(ctx.db(), &row).await?;
    Ok(Deleted { deleted: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateConsent {
    #[serde(rename = "type")]
    kind: ConsentType,
    url: String,
}

/// Gives everybody something new to agree to; for those who run the server.
pub(super) async fn create_consent(ctx: &mut Ctx, req: CreateConsent) -> ApiResult<Success> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::sysop(ctx.db(), &caller).await?;
    let is_web = req.url.starts_with("https://") || req.url.starts_with("http://");
    if !is_web || req.url.len() > 2048 || req.url.chars().any(char::is_whitespace) {
        let message = "must be a web address";
        return Err(ApiError::new(Code::INVALID_DATA).field("url", Code::INVALID_DATA, message));
    }
    let row = ConsentRow { id: AnyId::new(), kind: req.kind, url: req.url, created: now };
    consents::insert(ctx.db(), &row).await?;
    Ok(Success { success: Some(true) })
}

/// A document that people agree to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Consent {
    #[serde(rename = "type")]
    kind: Option<ConsentType>,
    url: Option<String>,
}

/// The newest document of each kind, for anybody to read before they agree.
pub(super) async fn latest_consents(ctx: &mut Ctx, _: Empty) -> ApiResult<Vec<Consent>> {
    let rows = consents::latest(ctx.db()).await?;
    let of = |row: ConsentRow| Consent { kind: Some(row.kind), url: Some(row.url) };
    Ok(rows.into_iter().map(of).collect())
}
