//! Templates: productions that nobody works in, of which others are made.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{group::Deleted, group_fields::Group};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, GroupId, TaskId, UserId},
    jobs::{
        self, Task,
        copy::{Along, Copy},
    },
    rpc::{Caller, Ctx},
    store::{
        self, StoreError, copies,
        groups::{GroupRow, TemplateRow},
        teams,
        text::GroupStatus,
    },
    time::Millis,
};

/// What of a production goes into a template, and from a template into a production.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    pub(super) projects: bool,
    pub(super) teams: bool,
    pub(super) users: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateTemplate {
    group_id: GroupId,
    include_projects: bool,
    include_teams: bool,
    include_users: bool,
    name: String,
}

/// What `/create/template` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CreatedTemplate {
    task_id: Option<String>,
    template_id: Option<GroupId>,
}

/// Makes a template of a production, its folders and people in the background; for administrators
/// of its company.
pub(super) async fn create(ctx: &mut Ctx, req: CreateTemplate) -> ApiResult<CreatedTemplate> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let group = access::group(ctx.db(), &caller, req.group_id).await?;
    if !group.is_company_admin {
        return Err(ApiError::new(Code::CANNOT_UPDATE_GROUP));
    }
    if req.name.chars().count() > 45 {
        let message = "must have at most 45 characters";
        return Err(ApiError::new(Code::INVALID_DATA).field("name", Code::INVALID_DATA, message));
    }
    let (company, owner) = (group.row.company_id, caller.user_id);
    let made = store::groups::create(ctx.db(), company, owner, &req.name, now).await?;
    let row = GroupRow {
        id: made.id,
        name: made.name,
        owner_id: owner,
        template_of: Some(req.group_id),
        production_folder_id: None,
        license_id: None,
        max_usage: None,
        start_date: None,
        expiry_date: None,
        control_notes: None,
        suspended: None,
        asset_project_id: None,
        poster_asset_id: None,
        background_image_asset_id: None,
        created: now,
        modified: now,
        ..group.row
    };
    store::groups::update(ctx.db(), &row).await?;
    let parts = Parts {
        projects: req.include_projects,
        teams: req.include_teams,
        users: req.include_users,
    };
    let task = fill(ctx, req.group_id, made.id, parts, "CREATE_TEMPLATE").await?;
    Ok(CreatedTemplate { task_id: Some(task.to_string()), template_id: Some(made.id) })
}

/// Fills a new production with what another has, in the background.
pub(super) async fn fill(
    ctx: &mut Ctx,
    from: GroupId,
    to: GroupId,
    parts: Parts,
    kind: &'static str,
) -> ApiResult<TaskId> {
    let owner = ctx.user()?.user_id;
    jobs::begin(ctx, kind, move |task| copy_group(task, from, to, parts, owner)).await
}

async fn copy_group(
    task: Task,
    from: GroupId,
    to: GroupId,
    parts: Parts,
    owner: UserId,
) -> ApiResult<Value> {
    let along = Along { assets: false, people: parts.users, teams: parts.teams, settings: None };
    let mut copy = Copy::new(to, owner, along);
    let app = task.app().clone();
    let now = Millis::now();
    let mut tx = app.store.write().await?;
    if parts.users {
        copies::group_members(&mut tx, from, to, now).await?;
    }
    if parts.teams {
        let pairs = copies::group_teams(&mut tx, from, to, parts.users, now).await?;
        for team in copies::teams_of_group(&mut tx, from).await? {
            let own = pairs.iter().find(|(old, _)| *old == team).map_or(team, |(_, new)| *new);
            teams::let_into_group(&mut tx, to, own, now).await?;
        }
        copy.replace_teams(pairs);
    }
    if parts.projects {
        for root in copies::roots(&mut tx, from).await? {
            copy.add(&mut tx, root, None).await?;
        }
    }
    tx.commit().await.map_err(StoreError::from)?;
    if !copy.is_empty() {
        copy.run(task).await?;
    }
    Ok(json!({ "group_id": to }))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteTemplate {
    template_id: GroupId,
}

/// A template of a company that the caller administers.
pub(super) async fn administered(
    ctx: &mut Ctx,
    caller: &Caller,
    id: GroupId,
) -> ApiResult<GroupRow> {
    let row = store::groups::get(ctx.db(), id).await?;
    let row = row.filter(|row| row.template_of.is_some() && row.status != GroupStatus::Deleted);
    let row = row.ok_or(ApiError::new(Code::NOT_FOUND))?;
    access::company(ctx.db(), caller, row.company_id).await?.admin()?;
    Ok(row)
}

/// Deletes a template; for administrators of its company.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteTemplate) -> ApiResult<Deleted> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let row = administered(ctx, &caller, req.template_id).await?;
    let row = GroupRow { status: GroupStatus::Deleted, modified: now, ..row };
    store::groups::update(ctx.db(), &row).await?;
    Ok(Deleted { deleted: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListTemplates {
    company_id: Option<CompanyId>,
}

/// A template.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Template {
    #[serde(flatten)]
    group: Group,
    can_delete_template: Option<bool>,
    can_update_template: Option<bool>,
    copied_from_group_id: Option<GroupId>,
    copied_from_group_name: Option<String>,
    owner_first_name: Option<String>,
    owner_last_name: Option<String>,
    project_count: Option<i64>,
    team_count: Option<i64>,
    user_count: Option<i64>,
}

/// The templates of the companies that the caller administers.
pub(super) async fn list(ctx: &mut Ctx, req: ListTemplates) -> ApiResult<Vec<Template>> {
    let caller = ctx.user()?.clone();
    if let Some(id) = req.company_id {
        access::company(ctx.db(), &caller, id).await?.admin()?;
    }
    let rows = store::groups::templates(ctx.db(), caller.user_id, req.company_id).await?;
    let of = |row: TemplateRow| Template {
        can_delete_template: Some(true),
        can_update_template: Some(true),
        copied_from_group_id: row.row.template_of,
        copied_from_group_name: row.source_name,
        owner_first_name: Some(row.owner_first_name),
        owner_last_name: Some(row.owner_last_name),
        project_count: Some(row.project_count),
        team_count: Some(row.team_count),
        user_count: Some(row.user_count),
        group: Group::template(row.row, row.company_name, caller.user_id),
    };
    Ok(rows.into_iter().map(of).collect())
}
