//! Folders (`project` in the API).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{group::Deleted, project_tree::DEPTH};
use crate::{
    access::{self, Permission, Rights},
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, CompanyId, GroupId, ProjectId},
    rpc::{Caller, Ctx},
    store::{
        self, Json, Object,
        members::MemberRow,
        projects::{ProjectFilter, ProjectRow, SeenProject},
        security::default::ADMINISTRATOR,
        text::ProjectStatus,
    },
    time::Millis,
};

/// A folder. The fields are those of the contract; the ones that have no meaning here are null,
/// and what is not built yet is off.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Project {
    #[serde(flatten)]
    pub(super) can: ProjectRights,
    pub(super) accessed: Option<Millis>,
    pub(super) allowed_settings: Option<Object>,
    pub(super) asset_count: Option<i64>,
    pub(super) breadcrumbs: Option<Vec<Value>>,
    pub(super) can_display_watermarking: Option<bool>,
    pub(super) child_count: Option<i64>,
    pub(super) company_id: Option<CompanyId>,
    pub(super) component_links: Option<Vec<Value>>,
    pub(super) created: Option<Millis>,
    pub(super) deny_download: Option<bool>,
    pub(super) deny_view: Option<bool>,
    pub(super) description: Option<String>,
    pub(super) drm_enabled: Option<bool>,
    pub(super) forensic_watermarking: Option<bool>,
    pub(super) forensic_watermarking_definition_level: Option<String>,
    pub(super) forensic_watermarking_minimum_length_seconds: Option<i64>,
    pub(super) group: Option<GroupId>,
    pub(super) id: Option<ProjectId>,
    pub(super) is_admin: Option<bool>,
    pub(super) mfa_enabled: Option<bool>,
    pub(super) name: Option<String>,
    pub(super) parent_project_id: Option<ProjectId>,
    pub(super) playlink_types: Option<Vec<String>>,
    pub(super) settings: Option<Object>,
    pub(super) sizes: Option<String>,
    pub(super) status: Option<ProjectStatus>,
    pub(super) thumbnail_position: Option<f64>,
    pub(super) transcode_formats: Option<Object>,
    pub(super) watermark_settings: Option<Object>,
}

/// What the caller may do in a folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ProjectRights {
    can_add_dynamic_folder_playlist: Option<bool>,
    can_asset_search: Option<bool>,
    can_assign_job_to_others: Option<bool>,
    can_comment: Option<bool>,
    can_create_live_stream: Option<bool>,
    can_create_playlinks: Option<bool>,
    can_create_playlists: Option<bool>,
    can_create_subclip: Option<bool>,
    can_create_subproject: Option<bool>,
    can_create_workflow: Option<bool>,
    can_delete_assets: Option<bool>,
    can_delete_project: Option<bool>,
    can_delete_users: Option<bool>,
    can_download: Option<bool>,
    can_download_nonwatermarked: Option<bool>,
    can_invite_playlink_users: Option<bool>,
    can_invite_users: Option<bool>,
    can_offline: Option<bool>,
    can_send_to_qtake: Option<bool>,
    can_share_assets_in_review_session: Option<bool>,
    can_take_screenshot: Option<bool>,
    can_toggle_drm: Option<bool>,
    can_toggle_mfa: Option<bool>,
    can_update_assets: Option<bool>,
    can_update_batch_visibility: Option<bool>,
    can_update_batches: Option<bool>,
    can_update_participants: Option<bool>,
    can_update_watermark: Option<bool>,
    can_upload: Option<bool>,
    can_view: Option<bool>,
    can_view_activity: Option<bool>,
    can_view_hidden_batches: Option<bool>,
    can_view_participants: Option<bool>,
}

impl From<Rights> for ProjectRights {
    fn from(rights: Rights) -> Self {
        let may = |permission| Some(rights.may(permission));
        Self {
            can_add_dynamic_folder_playlist: may(Permission::AddDynamicFolderPlaylist),
            can_asset_search: may(Permission::AssetSearch),
            can_assign_job_to_others: may(Permission::AssignJobToOthers),
            can_comment: may(Permission::Comment),
            can_create_live_stream: may(Permission::CreateLiveStream),
            can_create_playlinks: may(Permission::CreatePlaylinks),
            can_create_playlists: may(Permission::CreatePlaylists),
            can_create_subclip: may(Permission::CreateSubclip),
            can_create_subproject: may(Permission::CreateSubproject),
            can_create_workflow: may(Permission::CreateWorkflow),
            can_delete_assets: may(Permission::DeleteAssets),
            can_delete_project: may(Permission::DeleteProject),
            can_delete_users: may(Permission::DeleteUsers),
            can_download: may(Permission::Download),
            can_download_nonwatermarked: may(Permission::DownloadNonwatermarked),
            can_invite_playlink_users: may(Permission::InvitePlaylinkUsers),
            can_invite_users: may(Permission::InviteUsers),
            can_offline: may(Permission::Offline),
            can_send_to_qtake: may(Permission::SendToQtake),
            can_share_assets_in_review_session: may(Permission::ShareInReviewSession),
            can_take_screenshot: may(Permission::TakeScreenshot),
            can_toggle_drm: may(Permission::ToggleDrm),
            can_toggle_mfa: may(Permission::ToggleMfa),
            can_update_assets: may(Permission::UpdateAssets),
            can_update_batch_visibility: may(Permission::UpdateBatchVisibility),
            can_update_batches: may(Permission::UpdateBatches),
            can_update_participants: may(Permission::UpdateParticipants),
            can_update_watermark: may(Permission::UpdateWatermark),
            can_upload: may(Permission::Upload),
            can_view: may(Permission::View),
            can_view_activity: may(Permission::ViewActivity),
            can_view_hidden_batches: may(Permission::ViewHiddenBatches),
            can_view_participants: may(Permission::ViewParticipants),
        }
    }
}

impl Project {
    /// A folder as the caller sees it.
    pub(super) fn of(seen: SeenProject, child_count: Option<i64>) -> Self {
        let rights = seen.rights();
        let row = seen.row;
        Self {
            can: rights.into(),
            accessed: Some(row.modified),
            allowed_settings: Some(Object::new()),
            asset_count: Some(seen.asset_count),
            can_display_watermarking: Some(false),
            child_count,
            company_id: Some(seen.company_id),
            component_links: Some(Vec::new()),
            created: Some(row.created),
            deny_download: Some(!rights.may(Permission::Download)),
            deny_view: Some(!rights.may(Permission::View)),
            description: Some(row.description),
            drm_enabled: Some(false),
            forensic_watermarking: Some(false),
            group: Some(row.production_id),
            id: Some(row.id),
            is_admin: Some(rights.is_admin),
            mfa_enabled: Some(row.mfa_enabled),
            name: Some(row.name),
            parent_project_id: row.parent_project_id,
            playlink_types: Some(Vec::new()),
            settings: Some(row.settings.0),
            sizes: Some(row.sizes),
            status: Some(row.status),
            thumbnail_position: Some(row.thumbnail_position),
            transcode_formats: Some(row.transcode_formats.0),
            watermark_settings: Some(row.watermark_settings.0),
            ..Self::default()
        }
    }
}

/// A folder as it is, after it was created or changed.
pub(super) async fn answer(ctx: &mut Ctx, caller: &Caller, id: ProjectId) -> ApiResult<Project> {
    let seen = access::project(ctx.db(), caller, id).await?;
    let below = seen.child_count;
    Ok(Project::of(seen, Some(below)))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateProject {
    pub(super) description: Option<String>,
    pub(super) group_id: GroupId,
    pub(super) name: String,
    pub(super) parent_project_id: Option<ProjectId>,
}

/// What `/create/project` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CreatedProject {
    #[serde(flatten)]
    project: Project,
    warnings: Option<Vec<String>>,
}

/// Creates a folder: in a production for its administrators, in another folder for those whom
/// that one lets. Whoever creates it is its administrator.
pub(super) async fn create(ctx: &mut Ctx, req: CreateProject) -> ApiResult<CreatedProject> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let group = access::group(ctx.db(), &caller, req.group_id).await?;
    match req.parent_project_id {
        None if group.rights().may(Permission::CreateSubproject) => {}
        None => return Err(ApiError::new(Code::CANNOT_UPDATE_GROUP)),
        Some(id) => {
            let parent = access::project(ctx.db(), &caller, id).await?;
            if parent.row.production_id != req.group_id {
                return Err(ApiError::new(Code::WRONG_PARENT));
            }
            parent.rights().need(Permission::CreateSubproject)?;
            if store::projects::ancestors(ctx.db(), id).await?.len() + 1 >= DEPTH {
                return Err(ApiError::new(Code::WRONG_PARENT)
                    .message(format!("Folders nest {DEPTH} deep at most")));
            }
        }
    }
    let (parent, owner) = (req.parent_project_id, caller.user_id);
    let created =
        store::projects::create(ctx.db(), req.group_id, parent, owner, &req.name, now).await?;
    let row = ProjectRow { description: req.description.unwrap_or_default(), ..created };
    store::projects::update(ctx.db(), &row).await?;
    let is_admin =
        store::projects::seen(ctx.db(), owner, row.id).await?.is_some_and(|seen| seen.is_admin);
    if !is_admin {
        let member = MemberRow { security_group_id: ADMINISTRATOR, project_role: None };
        store::members::set_project_member(ctx.db(), row.id, owner, &member, now).await?;
    }
    let project = answer(ctx, &caller, row.id).await?;
    Ok(CreatedProject { project, warnings: Some(Vec::new()) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetProject {
    pub(super) id: ProjectId,
    pub(super) include_breadcrumbs: Option<bool>,
    pub(super) include_child_count: Option<bool>,
    pub(super) include_offline_data: Option<bool>,
}

/// A folder that the caller sees.
pub(super) async fn get(ctx: &mut Ctx, req: GetProject) -> ApiResult<Project> {
    let caller = ctx.user()?.clone();
    let mut project = answer(ctx, &caller, req.id).await?;
    if let Some(group) = project.group.filter(|_| req.include_breadcrumbs == Some(true)) {
        // The names of folders that the caller does not see stay unsaid.
        let group = access::group(ctx.db(), &caller, group).await?;
        let all = group.is_company_admin || group.is_owner();
        let user = caller.user_id;
        let above = store::projects::ancestors_seen(ctx.db(), user, req.id, all).await?;
        let crumbs = above.into_iter().map(|(id, name)| json!({ "id": id, "name": name }));
        project.breadcrumbs = Some(crumbs.collect());
    }
    Ok(project)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListProjects {
    pub(super) company_id: Option<CompanyId>,
    pub(super) group_id: Option<GroupId>,
    pub(super) include_child_count: Option<bool>,
    pub(super) is_owner: Option<bool>,
    pub(super) limit: Option<i64>,
    pub(super) parent_project_id: Option<ProjectId>,
    pub(super) projects: Option<Vec<ProjectId>>,
    pub(super) roots_only: Option<bool>,
}

/// The folders that the caller sees.
pub(super) async fn list(ctx: &mut Ctx, req: ListProjects) -> ApiResult<Vec<Project>> {
    let caller = ctx.user()?.clone();
    let limit = req.limit.map(|limit| usize::try_from(limit).unwrap_or(0));
    let with_children = req.include_child_count == Some(true);
    let filter = ProjectFilter {
        company: req.company_id,
        group: req.group_id,
        parent: req.parent_project_id,
        owner: (req.is_owner == Some(true)).then_some(caller.user_id),
        roots_only: req.roots_only == Some(true),
        // Those that are named are picked out of all.
        limit: limit.filter(|_| req.projects.is_none()),
        with_children,
    };
    let seen = store::projects::list_seen(ctx.db(), caller.user_id, filter).await?;
    let named =
        |folder: &SeenProject| req.projects.as_ref().is_none_or(|ids| ids.contains(&folder.row.id));
    let answer = seen.into_iter().filter(named).take(limit.unwrap_or(usize::MAX)).map(|folder| {
        let below = folder.child_count;
        Project::of(folder, with_children.then_some(below))
    });
    Ok(answer.collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateProject {
    pub(super) asset_view_settings: Option<Vec<Value>>,
    pub(super) company: Option<String>,
    pub(super) description: Option<String>,
    pub(super) folder_id: Option<AnyId>,
    pub(super) id: ProjectId,
    pub(super) mfa_enabled: Option<bool>,
    pub(super) name: Option<String>,
    pub(super) overlay_custom_text: Option<bool>,
    pub(super) overlay_custom_text_value: Option<String>,
    pub(super) overlay_email_address: Option<bool>,
    pub(super) overlay_font_size: Option<f64>,
    pub(super) overlay_opacity: Option<f64>,
    pub(super) overlay_position: Option<i64>,
    pub(super) overlay_project_name: Option<bool>,
    pub(super) settings: Option<Object>,
    pub(super) sizes: Option<String>,
    pub(super) status: Option<ProjectStatus>,
    pub(super) thumbnail_position: Option<f64>,
    pub(super) transcode_formats: Option<Object>,
    pub(super) watermark_settings: Option<Object>,
}

/// What `/update/project` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UpdatedProject {
    #[serde(flatten)]
    project: Project,
    updated: Option<bool>,
    warnings: Option<Vec<String>>,
}

/// Changes what is given of a folder; for its administrators. `company` and `folder_id` belong to
/// an older way of keeping folders and change nothing.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateProject) -> ApiResult<UpdatedProject> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let seen = access::project(ctx.db(), &caller, req.id).await?;
    if !seen.is_admin {
        return Err(ApiError::new(Code::CANNOT_UPDATE_PROJECT));
    }
    let id = req.id;
    let row = changed(seen.row, req, now);
    if row.status == ProjectStatus::Deleted {
        let before = answer(ctx, &caller, id).await?;
        store::projects::delete(ctx.db(), id, now).await?;
        let project = Project { status: Some(ProjectStatus::Deleted), ..before };
        return Ok(UpdatedProject { project, updated: Some(true), warnings: Some(Vec::new()) });
    }
    store::projects::update(ctx.db(), &row).await?;
    let project = answer(ctx, &caller, id).await?;
    Ok(UpdatedProject { project, updated: Some(true), warnings: Some(Vec::new()) })
}

fn changed(row: ProjectRow, req: UpdateProject, now: Millis) -> ProjectRow {
    let json = |new: Option<Object>, old: Json<Object>| new.map_or(old, Json);
    let mut overlay = row.overlay.0;
    let given: [(&str, Option<Value>); 7] = [
        ("custom_text", req.overlay_custom_text.map(Value::from)),
        ("custom_text_value", req.overlay_custom_text_value.map(Value::from)),
        ("email_address", req.overlay_email_address.map(Value::from)),
        ("font_size", req.overlay_font_size.map(Value::from)),
        ("opacity", req.overlay_opacity.map(Value::from)),
        ("position", req.overlay_position.map(Value::from)),
        ("project_name", req.overlay_project_name.map(Value::from)),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            overlay.insert(name.to_owned(), value);
        }
    }
    ProjectRow {
        asset_view_settings: req.asset_view_settings.map_or(row.asset_view_settings, Json),
        description: req.description.unwrap_or(row.description),
        mfa_enabled: req.mfa_enabled.unwrap_or(row.mfa_enabled),
        name: req.name.unwrap_or(row.name),
        overlay: Json(overlay),
        settings: json(req.settings, row.settings),
        sizes: req.sizes.unwrap_or(row.sizes),
        status: req.status.unwrap_or(row.status),
        thumbnail_position: req.thumbnail_position.unwrap_or(row.thumbnail_position),
        transcode_formats: json(req.transcode_formats, row.transcode_formats),
        watermark_settings: json(req.watermark_settings, row.watermark_settings),
        modified: now,
        ..row
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteProject {
    pub(super) id: ProjectId,
}

/// Deletes a folder and all below it, as far as anybody can see.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteProject) -> ApiResult<Deleted> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::project_for(ctx.db(), &caller, req.id, Permission::DeleteProject).await?;
    store::projects::delete(ctx.db(), req.id, now).await?;
    Ok(Deleted { deleted: Some(true) })
}
