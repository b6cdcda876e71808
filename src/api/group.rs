//! Productions (`group` in the API).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    group_fields::{Extras, Group, answer},
    project::Project,
    template::Parts,
};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, AssetId, CompanyId, GroupId, LicenseId, ProductionFolderId, UsecaseId},
    rpc::{Caller, Ctx},
    store::{
        self, Json, Object,
        groups::GroupRow,
        projects::{ProjectFilter, SeenProject},
        text::GroupStatus,
    },
    time::Millis,
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateGroup {
    pub(super) additional_rooms: Option<i64>,
    pub(super) background_image_asset_id: Option<AssetId>,
    pub(super) color: Option<i64>,
    pub(super) company_id: CompanyId,
    pub(super) control_notes: Option<String>,
    pub(super) description: Option<String>,
    pub(super) expiry_date: Option<Millis>,
    pub(super) flow_project_id: Option<String>,
    pub(super) license_id: Option<AnyId>,
    pub(super) max_usage: Option<i64>,
    pub(super) name: String,
    pub(super) poster_asset_id: Option<AssetId>,
    pub(super) production_folder_id: Option<ProductionFolderId>,
    pub(super) settings: Option<Object>,
    pub(super) start_date: Option<Millis>,
    pub(super) status: Option<GroupStatus>,
    pub(super) template_id: Option<AnyId>,
    pub(super) transaction_reference: Option<String>,
    pub(super) usecase_ids: Option<Vec<AnyId>>,
}

/// What `/create/group` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CreatedGroup {
    #[serde(flatten)]
    group: Group,
    task_id: Option<String>,
    warnings: Option<Vec<String>>,
}

/// Creates a production; for administrators of the company.
pub(super) async fn create(ctx: &mut Ctx, req: CreateGroup) -> ApiResult<CreatedGroup> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::company(ctx.db(), &caller, req.company_id).await?.admin()?;
    let license_id = license(ctx, req.company_id, req.license_id).await?;
    folder(ctx, req.company_id, req.production_folder_id).await?;
    let usecases: Vec<UsecaseId> =
        req.usecase_ids.unwrap_or_default().iter().map(|id| id.cast()).collect();
    super::usecase::known(ctx, &usecases).await?;
    let template = match req.template_id {
        Some(id) => Some(template(ctx, &caller, req.company_id, id.cast()).await?),
        None => None,
    };
    for id in [req.poster_asset_id, req.background_image_asset_id].into_iter().flatten() {
        access::asset(ctx.db(), &caller, id).await?;
    }
    let had_settings = req.settings.is_some();
    let created =
        store::groups::create(ctx.db(), req.company_id, caller.user_id, &req.name, now).await?;
    let row = GroupRow {
        additional_rooms: req.additional_rooms.unwrap_or_default(),
        background_image_asset_id: req.background_image_asset_id,
        color: req.color.unwrap_or_default(),
        control_notes: req.control_notes,
        description: req.description.unwrap_or_default(),
        expiry_date: req.expiry_date,
        flow_project_id: req.flow_project_id,
        max_usage: req.max_usage,
        poster_asset_id: req.poster_asset_id,
        settings: Json(req.settings.unwrap_or_default()),
        start_date: req.start_date,
        status: req.status.unwrap_or(GroupStatus::Active),
        transaction_reference: req.transaction_reference,
        license_id,
        production_folder_id: req.production_folder_id,
        ..created
    };
    let row = match &template {
        Some(template) => GroupRow {
            sizes: template.sizes.clone(),
            transcode_formats: template.transcode_formats.clone(),
            watermark_settings: template.watermark_settings.clone(),
            settings: if had_settings { row.settings } else { template.settings.clone() },
            ..row
        },
        None => row,
    };
    store::groups::update(ctx.db(), &row).await?;
    store::production_folders::add_usecases(ctx.db(), row.id, &usecases).await?;
    let task = match &template {
        Some(template) => {
            let all = Parts { projects: true, teams: true, users: true };
            Some(super::template::fill(ctx, template.id, row.id, all, "CREATE_GROUP").await?)
        }
        None => None,
    };
    Ok(CreatedGroup {
        group: answer(ctx, &caller, row.id).await?,
        task_id: task.map(|id| id.to_string()),
        warnings: Some(Vec::new()),
    })
}

/// A parameter that names nothing of the company.
fn not_there(name: &str) -> ApiError {
    ApiError::new(Code::NOT_FOUND).field(name, Code::NOT_FOUND, "does not exist in this company")
}

/// A licence of the company that is still good.
async fn license(
    ctx: &mut Ctx,
    company: CompanyId,
    id: Option<AnyId>,
) -> ApiResult<Option<LicenseId>> {
    let Some(id) = id else { return Ok(None) };
    let now = ctx.now();
    let found = store::licenses::get(ctx.db(), id.cast()).await?;
    let found = found.filter(|row| row.company_id == company && !row.is_expired(now));
    Ok(Some(found.ok_or_else(|| not_there("license_id"))?.id))
}

/// Makes sure that a folder of productions is one of the company.
async fn folder(
    ctx: &mut Ctx,
    company: CompanyId,
    id: Option<ProductionFolderId>,
) -> ApiResult<()> {
    let Some(id) = id else { return Ok(()) };
    let found = store::production_folders::get(ctx.db(), id).await?;
    let found = found.filter(|row| row.company_id == company);
    found.map(|_| ()).ok_or_else(|| not_there("production_folder_id"))
}

/// A template of the company.
async fn template(
    ctx: &mut Ctx,
    caller: &Caller,
    company: CompanyId,
    id: GroupId,
) -> ApiResult<GroupRow> {
    match super::template::administered(ctx, caller, id).await {
        Ok(row) if row.company_id == company => Ok(row),
        Err(error) if error.code() != Code::NOT_FOUND => Err(error),
        _ => Err(not_there("template_id")),
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetGroup {
    pub(super) description: Option<String>,
    pub(super) id: GroupId,
    pub(super) include_child_count: Option<bool>,
}

/// A production that the caller sees.
pub(super) async fn get(ctx: &mut Ctx, req: GetGroup) -> ApiResult<Group> {
    let caller = ctx.user()?.clone();
    answer(ctx, &caller, req.id).await
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListGroups {
    pub(super) company_id: Option<CompanyId>,
    pub(super) description: Option<String>,
    pub(super) include_child_count: Option<bool>,
    pub(super) include_projects: Option<bool>,
    pub(super) include_rooms: Option<bool>,
    pub(super) include_templates: Option<bool>,
    pub(super) production_folder_id: Option<ProductionFolderId>,
    pub(super) sort_by: Option<String>,
}

/// The productions that the caller sees.
pub(super) async fn list(ctx: &mut Ctx, req: ListGroups) -> ApiResult<Vec<Group>> {
    let caller = ctx.user()?.clone();
    let mut groups = store::groups::list_seen(ctx.db(), caller.user_id, req.company_id).await?;
    groups.retain(|group| {
        req.production_folder_id.is_none()
            || group.row.production_folder_id == req.production_folder_id
    });
    if req.sort_by.as_deref() == Some("created") {
        groups.sort_by_key(|group| (group.row.created, group.row.id));
    }
    let filter = ProjectFilter { company: req.company_id, ..ProjectFilter::default() };
    let mut folders: HashMap<GroupId, Vec<SeenProject>> = HashMap::new();
    for folder in store::projects::list_seen(ctx.db(), caller.user_id, filter).await? {
        folders.entry(folder.row.production_id).or_default().push(folder);
    }
    let list_folders = req.include_projects == Some(true);
    let answer = groups.into_iter().map(|group| {
        let folders = folders.get(&group.row.id).map(Vec::as_slice).unwrap_or_default();
        Group::of(group, &Extras { folders, list_folders, ..Extras::default() })
    });
    Ok(answer.collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateGroup {
    pub(super) additional_rooms: Option<i64>,
    pub(super) background_image_asset_id: Option<AssetId>,
    pub(super) color: Option<i64>,
    pub(super) description: Option<String>,
    pub(super) flow_project_id: Option<String>,
    pub(super) flow_project_name: Option<String>,
    pub(super) id: GroupId,
    pub(super) is_linked_to_flow: Option<bool>,
    pub(super) license_id: Option<AnyId>,
    pub(super) name: Option<String>,
    pub(super) poster_asset_id: Option<AssetId>,
    pub(super) production_folder_id: Option<ProductionFolderId>,
    pub(super) settings: Option<Object>,
    pub(super) sizes: Option<Object>,
    pub(super) status: Option<GroupStatus>,
    pub(super) suspended: Option<Millis>,
    pub(super) thumbnail_position: Option<i64>,
    pub(super) transaction_reference: Option<String>,
    pub(super) transcode_formats: Option<Object>,
    pub(super) watermark_settings: Option<Object>,
}

/// What `/update/group` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UpdatedGroup {
    #[serde(flatten)]
    group: Group,
    updated: Option<bool>,
    warnings: Option<Vec<String>>,
}

/// Changes what is given of a production; for its administrators. One that is thereby deleted is
/// answered as it was.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateGroup) -> ApiResult<UpdatedGroup> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let seen = access::group(ctx.db(), &caller, req.id).await?;
    seen.need_admin()?;
    let license_id = license(ctx, seen.row.company_id, req.license_id).await?;
    folder(ctx, seen.row.company_id, req.production_folder_id).await?;
    // How a production is licensed, filed and suspended is its company's affair.
    let filed = license_id.is_some() || req.production_folder_id.is_some();
    if (filed || req.suspended.is_some()) && !seen.is_company_admin {
        return Err(ApiError::new(Code::CANNOT_UPDATE_GROUP));
    }
    for id in [req.poster_asset_id, req.background_image_asset_id].into_iter().flatten() {
        access::asset(ctx.db(), &caller, id).await?;
    }
    let id = req.id;
    let row = GroupRow { license_id: license_id.or(seen.row.license_id), ..seen.row };
    let row = changed(row, req, now);
    let deleted = row.status == GroupStatus::Deleted;
    let before = if deleted { Some(answer(ctx, &caller, id).await?) } else { None };
    store::groups::update(ctx.db(), &row).await?;
    let group = match before {
        Some(before) => Group { status: Some(GroupStatus::Deleted), ..before },
        None => answer(ctx, &caller, id).await?,
    };
    Ok(UpdatedGroup { group, updated: Some(true), warnings: Some(Vec::new()) })
}

fn changed(row: GroupRow, req: UpdateGroup, now: Millis) -> GroupRow {
    let json = |new: Option<Object>, old: Json<Object>| new.map_or(old, Json);
    GroupRow {
        additional_rooms: req.additional_rooms.unwrap_or(row.additional_rooms),
        background_image_asset_id: req.background_image_asset_id.or(row.background_image_asset_id),
        color: req.color.unwrap_or(row.color),
        description: req.description.unwrap_or(row.description),
        flow_project_id: req.flow_project_id.or(row.flow_project_id),
        flow_project_name: req.flow_project_name.or(row.flow_project_name),
        is_linked_to_flow: req.is_linked_to_flow.unwrap_or(row.is_linked_to_flow),
        name: req.name.unwrap_or(row.name),
        poster_asset_id: req.poster_asset_id.or(row.poster_asset_id),
        production_folder_id: req.production_folder_id.or(row.production_folder_id),
        settings: json(req.settings, row.settings),
        sizes: json(req.sizes, row.sizes),
        status: req.status.unwrap_or(row.status),
        // The epoch says that it is not suspended.
        suspended: req.suspended.or(row.suspended).filter(|at| *at != Millis(0)),
        thumbnail_position: req.thumbnail_position.map_or(row.thumbnail_position, |at| at as f64),
        transaction_reference: req.transaction_reference.or(row.transaction_reference),
        transcode_formats: json(req.transcode_formats, row.transcode_formats),
        watermark_settings: json(req.watermark_settings, row.watermark_settings),
        modified: now,
        ..row
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteGroup {
    pub(super) id: GroupId,
}

/// Says whether something was deleted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Deleted {
    pub(super) deleted: Option<bool>,
}

/// Deletes a production, as far as anybody can see; for its administrators.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteGroup) -> ApiResult<Deleted> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let seen = access::group(ctx.db(), &caller, req.id).await?;
    seen.need_admin()?;
    let row = GroupRow { status: GroupStatus::Deleted, modified: now, ..seen.row };
    store::groups::update(ctx.db(), &row).await?;
    Ok(Deleted { deleted: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListGroupProjects {
    pub(super) id: GroupId,
    pub(super) sort_by: Option<String>,
}

/// The folders of a production that the caller sees.
pub(super) async fn projects(ctx: &mut Ctx, req: ListGroupProjects) -> ApiResult<Vec<Project>> {
    let caller = ctx.user()?.clone();
    access::group(ctx.db(), &caller, req.id).await?;
    let filter =
        ProjectFilter { group: Some(req.id), with_children: true, ..ProjectFilter::default() };
    let mut folders = store::projects::list_seen(ctx.db(), caller.user_id, filter).await?;
    match req.sort_by.as_deref() {
        // All of them are of one company, so that `company` leaves them by name.
        None | Some("name" | "company") => {}
        Some("created") => folders.sort_by_key(|folder| (folder.row.created, folder.row.id)),
        Some("accessed") => folders.sort_by_key(|folder| (folder.row.modified, folder.row.id)),
        Some(_) => {
            return Err(ApiError::new(Code::INVALID_DATA).field(
                "sort_by",
                Code::INVALID_DATA,
                "is none of name, company, created and accessed",
            ));
        }
    }
    let answer = folders.into_iter().map(|folder| {
        let below = folder.child_count;
        Project::of(folder, Some(below))
    });
    Ok(answer.collect())
}
