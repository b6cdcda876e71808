//! What productions are for, and the folder that they keep their own pictures in.

use serde::{Deserialize, Serialize};

use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{GroupId, ProjectId, UsecaseId},
    rpc::{Ctx, Empty},
    store::{self, groups::GroupRow, production_folders},
};

/// What a production may be for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Usecase {
    display_name: Option<String>,
    id: Option<UsecaseId>,
}

fn shown(rows: Vec<(UsecaseId, String)>) -> Vec<Usecase> {
    let of = |(id, name)| Usecase { display_name: Some(name), id: Some(id) };
    rows.into_iter().map(of).collect()
}

/// What productions may be for.
pub(super) async fn list(ctx: &mut Ctx, _: Empty) -> ApiResult<Vec<Usecase>> {
    ctx.user()?;
    Ok(shown(production_folders::usecases(ctx.db()).await?))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GroupOnly {
    group_id: GroupId,
}

/// What a production is for.
pub(super) async fn of_group(ctx: &mut Ctx, req: GroupOnly) -> ApiResult<Vec<Usecase>> {
    let caller = ctx.user()?.clone();
    access::group(ctx.db(), &caller, req.group_id).await?;
    Ok(shown(production_folders::usecases_of(ctx.db(), req.group_id).await?))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GroupUsecases {
    group_id: GroupId,
    usecase_ids: Vec<UsecaseId>,
}

/// Refuses what is no use of a production.
pub(super) async fn known(ctx: &mut Ctx, ids: &[UsecaseId]) -> ApiResult<()> {
    let all = production_folders::usecases(ctx.db()).await?;
    if ids.iter().all(|id| all.iter().any(|(known, _)| known == id)) {
        return Ok(());
    }
    let message = "has one that does not exist";
    Err(ApiError::new(Code::NOT_FOUND).field("usecase_ids", Code::NOT_FOUND, message))
}

/// Adds to what a production is for; for its administrators.
pub(super) async fn add(ctx: &mut Ctx, req: GroupUsecases) -> ApiResult<Empty> {
    let caller = ctx.user()?.clone();
    access::group(ctx.db(), &caller, req.group_id).await?.need_admin()?;
    known(ctx, &req.usecase_ids).await?;
    production_folders::add_usecases(ctx.db(), req.group_id, &req.usecase_ids).await?;
    Ok(Empty {})
}

/// Takes from what a production is for; for its administrators.
pub(super) async fn remove(ctx: &mut Ctx, req: GroupUsecases) -> ApiResult<Empty> {
    let caller = ctx.user()?.clone();
    access::group(ctx.db(), &caller, req.group_id).await?.need_admin()?;
    known(ctx, &req.usecase_ids).await?;
    production_folders::remove_usecases(ctx.db(), req.group_id, &req.usecase_ids).await?;
    Ok(Empty {})
}

/// What `/setup/group/assets` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct GroupAssets {
    project_id: Option<ProjectId>,
    success: Option<bool>,
}

/// The name of the folder that a production keeps its own pictures in.
const ASSETS: &str = "Production assets";

/// Makes the folder that a production keeps its own pictures in, unless it has it; for its
/// administrators. The id is answered when it was made.
pub(super) async fn setup_assets(ctx: &mut Ctx, req: GroupOnly) -> ApiResult<GroupAssets> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let group = access::group(ctx.db(), &caller, req.group_id).await?;
    group.need_admin()?;
    if let Some(id) = group.row.asset_project_id
        && access::project(ctx.db(), &caller, id).await.is_ok()
    {
        return Ok(GroupAssets { project_id: None, success: Some(true) });
    }
    let (id, owner) = (req.group_id, caller.user_id);
    let folder = store::projects::create(ctx.db(), id, None, owner, ASSETS, now).await?;
    let row = GroupRow { asset_project_id: Some(folder.id), modified: now, ..group.row };
    store::groups::update(ctx.db(), &row).await?;
    Ok(GroupAssets { project_id: Some(folder.id), success: Some(true) })
}
