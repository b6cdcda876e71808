//! Moving and copying folders, with all below them.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::project::{self, Project};
use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::{GroupId, ProjectId},
    jobs::{
        self,
        copy::{Along, Copy},
    },
    rpc::{Caller, Ctx},
    store::{
        self, Db, StoreError,
        copies::{self, Settings},
        members::MemberRow,
        projects::SeenProject,
        security::default::ADMINISTRATOR,
    },
    time::Millis,
};

/// Folders may nest so deep. Every question about a folder walks up from it.
pub(super) const DEPTH: usize = 50;

/// So many folders and assets are copied while the client waits.
const AT_ONCE: usize = 1000;

/// So many folders are moved or copied by one request.
const TOGETHER: usize = 500;

/// Where folders go, and what they keep.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Destination {
    keep_existing_project_settings: bool,
    keep_existing_users_and_teams: bool,
    new_parent_group_id: GroupId,
    new_parent_project_id: Option<ProjectId>,
}

/// Where folders go, as the caller sees it.
struct Place {
    parent: Option<SeenProject>,
    depth: usize,
    settings: Settings,
}

impl Destination {
    /// Makes sure that the caller may put folders there.
    async fn find(&self, db: &mut Db, caller: &Caller) -> ApiResult<Place> {
        let group = access::group(db, caller, self.new_parent_group_id).await?;
        let Some(id) = self.new_parent_project_id else {
            if !group.rights().may(Permission::CreateSubproject) {
                return Err(ApiError::new(Code::CANNOT_UPDATE_GROUP));
            }
            let settings = Settings {
                settings: group.row.settings,
                sizes: String::new(),
                transcode_formats: group.row.transcode_formats,
                watermark_settings: group.row.watermark_settings,
            };
            return Ok(Place { parent: None, depth: 0, settings });
        };
        let parent = access::project(db, caller, id).await?;
        if parent.row.production_id != self.new_parent_group_id {
            return Err(ApiError::new(Code::WRONG_PARENT));
        }
        parent.rights().need(Permission::CreateSubproject)?;
        let depth = store::projects::ancestors(db, id).await?.len() + 1;
        let settings = Settings {
            settings: parent.row.settings.clone(),
            sizes: parent.row.sizes.clone(),
            transcode_formats: parent.row.transcode_formats.clone(),
            watermark_settings: parent.row.watermark_settings.clone(),
        };
        Ok(Place { parent: Some(parent), depth, settings })
    }
}

/// A folder that the caller may move or copy as a whole: one that they administer with all below.
async fn whole(db: &mut Db, caller: &Caller, id: ProjectId, to: &Destination) -> ApiResult<Whole> {
    let seen = access::project(db, caller, id).await?;
    if !seen.is_admin {
        return Err(ApiError::new(Code::CANNOT_UPDATE_PROJECT));
    }
    if seen.row.production_id != to.new_parent_group_id {
        return Err(ApiError::new(Code::OTHER_PRODUCTION));
    }
    let rows = copies::subtree(db, id).await?;
    let administered =
        store::projects::administered(db, caller.user_id, seen.row.production_id).await?;
    if !rows.iter().all(|row| administered.contains(&row.id)) {
        return Err(ApiError::new(Code::CANNOT_UPDATE_PROJECT)
            .message("You may not change one of the folders below this one"));
    }
    let mut heights = std::collections::HashMap::from([(id, 1_usize)]);
    for row in &rows {
        let above = row.parent_project_id.and_then(|parent| heights.get(&parent).copied());
        if let Some(above) = above.filter(|_| row.id != id) {
            heights.insert(row.id, above + 1);
        }
    }
    let height = heights.values().copied().max().unwrap_or(1);
    Ok(Whole { seen, ids: rows.iter().map(|row| row.id).collect(), height })
}

/// A folder with all below it.
struct Whole {
    seen: SeenProject,
    ids: Vec<ProjectId>,
    height: usize,
}

fn need_depth(place: &Place, whole: &Whole) -> ApiResult<()> {
    if place.depth + whole.height <= DEPTH {
        return Ok(());
    }
    Err(ApiError::new(Code::WRONG_PARENT).message(format!("Folders nest {DEPTH} deep at most")))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MoveProject {
    id: ProjectId,
    #[serde(flatten)]
    to: Destination,
}

/// What `/move/project` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct MovedProject {
    #[serde(flatten)]
    project: Project,
    updated: Option<bool>,
}

/// Moves a folder with all below it to another place in its production.
pub(super) async fn move_one(ctx: &mut Ctx, req: MoveProject) -> ApiResult<MovedProject> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    move_folder(ctx.db(), &caller, req.id, &req.to, now).await?;
    let project = project::answer(ctx, &caller, req.id).await?;
    Ok(MovedProject { project, updated: Some(true) })
}

async fn move_folder(
    db: &mut Db,
    caller: &Caller,
    id: ProjectId,
    to: &Destination,
    now: Millis,
) -> ApiResult<()> {
    let whole = whole(db, caller, id, to).await?;
    let place = to.find(db, caller).await?;
    if to.new_parent_project_id.is_some_and(|parent| whole.ids.contains(&parent)) {
        return Err(ApiError::new(Code::WRONG_PARENT)
            .message("A folder cannot go into itself or a folder below it"));
    }
    need_depth(&place, &whole)?;
    let parent = place.parent.map(|parent| parent.row.id);
    if to.keep_existing_users_and_teams {
        if whole.seen.row.parent_project_id != parent {
            copies::inherited_people(db, id, id, now).await?;
        }
    } else {
        copies::end_people(db, id).await?;
    }
    if !to.keep_existing_project_settings {
        for id in &whole.ids {
            copies::set_settings(db, *id, &place.settings).await?;
        }
    }
    copies::set_parent(db, id, parent, now).await?;
    // Whoever moves a folder does not lose it by that.
    let seen = store::projects::seen(db, caller.user_id, id).await?;
    if !seen.is_some_and(|seen| seen.is_admin) {
        let member = MemberRow { security_group_id: ADMINISTRATOR, project_role: None };
        store::members::set_project_member(db, id, caller.user_id, &member, now).await?;
    }
    Ok(())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MoveProjects {
    project_ids: Vec<ProjectId>,
    #[serde(flatten)]
    to: Destination,
}

/// A task that was begun.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) task_id: Option<String>,
}

fn together(ids: &[ProjectId]) -> ApiResult<()> {
    if (1..=TOGETHER).contains(&ids.len()) {
        return Ok(());
    }
    let message = format!("must have 1 to {TOGETHER} folders");
    Err(ApiError::new(Code::INVALID_DATA).field("project_ids", Code::INVALID_DATA, message))
}

/// Moves folders in the background; all or none. What is wrong from the beginning is refused at
/// once.
pub(super) async fn move_many(ctx: &mut Ctx, req: MoveProjects) -> ApiResult<Begun> {
    let caller = ctx.user()?.clone();
    together(&req.project_ids)?;
    let place = req.to.find(ctx.db(), &caller).await?;
    for id in &req.project_ids {
        let whole = whole(ctx.db(), &caller, *id, &req.to).await?;
        if req.to.new_parent_project_id.is_some_and(|parent| whole.ids.contains(&parent)) {
            return Err(ApiError::new(Code::WRONG_PARENT));
        }
        need_depth(&place, &whole)?;
    }
    let id = jobs::begin(ctx, "MOVE_PROJECTS", move |task| async move {
        let app = task.app().clone();
        let all = req.project_ids.len();
        let mut tx = app.store.write().await?;
        for id in &req.project_ids {
            move_folder(&mut tx, &caller, *id, &req.to, Millis::now()).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        task.progress(all, all).await;
        Ok(json!({ "project_ids": req.project_ids }))
    })
    .await?;
    Ok(Begun { task_id: Some(id.to_string()) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CopyProject {
    copy_batches_and_assets: Option<bool>,
    copy_in_background: Option<bool>,
    id: ProjectId,
    #[serde(flatten)]
    to: Destination,
}

/// What `/copy/project` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CopiedProject {
    #[serde(flatten)]
    project: Project,
    copied: Option<bool>,
    task_id: Option<String>,
}

/// Copies a folder with all below it to another place in its production. In the background it
/// answers with the folder that is copied, and the task.
pub(super) async fn copy_one(ctx: &mut Ctx, req: CopyProject) -> ApiResult<CopiedProject> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let with_assets = req.copy_batches_and_assets == Some(true);
    let (mut copy, tops) = copy_of(ctx, &caller, &[req.id], &req.to, with_assets).await?;
    if req.copy_in_background == Some(true) {
        let id = jobs::begin(ctx, "COPY_PROJECT", move |task| copy.run(task)).await?;
        let project = project::answer(ctx, &caller, req.id).await?;
        return Ok(CopiedProject { project, copied: Some(false), task_id: Some(id.to_string()) });
    }
    if copy.len() > AT_ONCE {
        return Err(ApiError::new(Code::PROJECT_NOT_CHANGED).message(format!(
            "More than {AT_ONCE} folders and assets: copy them with copy_in_background"
        )));
    }
    let data = ctx.app().config.data.clone();
    copy.all(ctx.db(), &data, now).await?;
    let top = tops.first().copied().unwrap_or(req.id);
    let project = project::answer(ctx, &caller, top).await?;
    Ok(CopiedProject { project, copied: Some(true), task_id: None })
}

/// The copy of folders that the caller may make.
async fn copy_of(
    ctx: &mut Ctx,
    caller: &Caller,
    ids: &[ProjectId],
    to: &Destination,
    with_assets: bool,
) -> ApiResult<(Copy, Vec<ProjectId>)> {
    let place = to.find(ctx.db(), caller).await?;
    let keep = to.keep_existing_users_and_teams;
    let parent = place.parent.as_ref().map(|parent| parent.row.id);
    let settings = (!to.keep_existing_project_settings).then(|| place.settings.clone());
    let along = Along { assets: with_assets, people: keep, teams: keep, settings };
    let mut copy = Copy::new(to.new_parent_group_id, caller.user_id, along);
    let mut tops = Vec::new();
    for id in ids {
        let whole = whole(ctx.db(), caller, *id, to).await?;
        need_depth(&place, &whole)?;
        tops.push(copy.add(ctx.db(), *id, parent).await?);
    }
    if with_assets {
        need_space(ctx.db(), to.new_parent_group_id, ids).await?;
    }
    Ok((copy, tops))
}

/// Refuses copies that would take a production, or its company, beyond its limit of bytes.
async fn need_space(db: &mut Db, group: GroupId, ids: &[ProjectId]) -> ApiResult<()> {
    let mut bytes = 0;
    for id in ids {
        bytes += store::projects::usage(db, *id, false).await?.bytes;
    }
    if store::groups::has_space(db, group, bytes).await? {
        return Ok(());
    }
    Err(ApiError::new(Code::PROJECT_NOT_CHANGED)
        .message("The copy would take more space than the production or its company may use"))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CopyProjects {
    copy_batches_and_assets: Option<bool>,
    project_ids: Vec<ProjectId>,
    #[serde(flatten)]
    to: Destination,
}

/// Copies folders in the background. What is wrong from the beginning is refused at once.
pub(super) async fn copy_many(ctx: &mut Ctx, req: CopyProjects) -> ApiResult<Begun> {
    let caller = ctx.user()?.clone();
    together(&req.project_ids)?;
    let with_assets = req.copy_batches_and_assets == Some(true);
    let (copy, _) = copy_of(ctx, &caller, &req.project_ids, &req.to, with_assets).await?;
    let id = jobs::begin(ctx, "COPY_PROJECTS", move |task| copy.run(task)).await?;
    Ok(Begun { task_id: Some(id.to_string()) })
}
