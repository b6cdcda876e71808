//! Batches.

use serde::{Deserialize, Serialize};

use super::group::Deleted;
use crate::{
    access::{self, Permission},
    error::ApiResult,
    ids::{AssetId, BatchId, ProjectId, UserId},
    rpc::Ctx,
    store::{self, batches::BatchRow, projects::ProjectFilter, text::BatchStatus},
};

/// A batch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Batch {
    /// A date, which the contract calls a text here.
    pub(super) created: Option<String>,
    pub(super) creator: Option<UserId>,
    pub(super) hidden: Option<bool>,
    pub(super) id: Option<BatchId>,
    pub(super) name: Option<String>,
    pub(super) owner: Option<UserId>,
    pub(super) project_id: Option<ProjectId>,
    pub(super) status: Option<BatchStatus>,
}

impl From<BatchRow> for Batch {
    fn from(row: BatchRow) -> Self {
        Self {
            created: Some(row.created.to_string()),
            creator: Some(row.owner_id),
            hidden: Some(row.hidden),
            id: Some(row.id),
            name: Some(row.name),
            owner: Some(row.owner_id),
            project_id: Some(row.project_id),
            status: Some(row.status),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateBatch {
    pub(super) name: String,
    pub(super) project_id: ProjectId,
}

/// Creates a batch.
pub(super) async fn create(ctx: &mut Ctx, req: CreateBatch) -> ApiResult<Batch> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::project_for(ctx.db(), &caller, req.project_id, Permission::UpdateBatches).await?;
    let owner = caller.user_id;
    Ok(store::batches::create(ctx.db(), req.project_id, owner, &req.name, now).await?.into())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetBatch {
    pub(super) id: BatchId,
}

/// A batch that the caller sees.
pub(super) async fn get(ctx: &mut Ctx, req: GetBatch) -> ApiResult<Batch> {
    let caller = ctx.user()?.clone();
    Ok(access::batch(ctx.db(), &caller, req.id).await?.0.into())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListBatches {
    pub(super) include_assets: Option<bool>,
    pub(super) project_id: Option<ProjectId>,
    pub(super) projects: Option<Vec<ProjectId>>,
    pub(super) sort_by: Option<String>,
}

/// A batch, with its assets if they were asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ListedBatch {
    #[serde(flatten)]
    batch: Batch,
    assets: Option<Vec<AssetId>>,
}

/// The batches of one folder, of several, or of all that the caller sees.
pub(super) async fn list(ctx: &mut Ctx, req: ListBatches) -> ApiResult<Vec<ListedBatch>> {
    let caller = ctx.user()?.clone();
    let folders = match req.project_id {
        Some(id) => vec![access::project(ctx.db(), &caller, id).await?],
        None => {
            let all = ProjectFilter::default();
            store::projects::list_seen(ctx.db(), caller.user_id, all).await?
        }
    };
    let wanted =
        |id: &ProjectId| req.projects.as_ref().is_none_or(|projects| projects.contains(id));
    let mut rows = Vec::new();
    for folder in folders.iter().filter(|folder| wanted(&folder.row.id)) {
        let mut found = store::batches::of_project(ctx.db(), folder.row.id).await?;
        found.retain(|row| access::batch_shows(row, folder.rights()));
        rows.append(&mut found);
    }
    match req.sort_by.as_deref() {
        Some("NEWEST") => rows.sort_by_key(|row| std::cmp::Reverse((row.created, row.id))),
        Some("NAME") => rows.sort_by_cached_key(|row| (row.name.to_lowercase(), row.id)),
        _ => rows.sort_by_key(|row| (row.created, row.id)),
    }
    let mut answer = Vec::with_capacity(rows.len());
    for row in rows {
        let assets = match req.include_assets {
            Some(true) => Some(store::batches::asset_ids(ctx.db(), row.id).await?),
            _ => None,
        };
        answer.push(ListedBatch { batch: row.into(), assets });
    }
    Ok(answer)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateBatch {
    pub(super) hidden: Option<bool>,
    pub(super) id: BatchId,
    pub(super) name: String,
    pub(super) notify_users: Option<Vec<UserId>>,
}

/// Renames a batch, and hides or shows it. `notify_users` are not told yet: no mail is sent.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateBatch) -> ApiResult<Batch> {
    let caller = ctx.user()?.clone();
    let (row, rights) = access::batch(ctx.db(), &caller, req.id).await?;
    rights.need(Permission::UpdateBatches)?;
    let hidden = req.hidden.unwrap_or(row.hidden);
    if hidden != row.hidden {
        rights.need(Permission::UpdateBatchVisibility)?;
    }
    store::batches::update(ctx.db(), req.id, &req.name, hidden).await?;
    Ok(BatchRow { name: req.name, hidden, ..row }.into())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteBatch {
    pub(super) id: BatchId,
}

/// Deletes a batch with its assets, as far as anybody can see.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteBatch) -> ApiResult<Deleted> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let (_, rights) = access::batch(ctx.db(), &caller, req.id).await?;
    rights.need(Permission::UpdateBatches)?;
    if !store::batches::asset_ids(ctx.db(), req.id).await?.is_empty() {
        rights.need(Permission::DeleteAssets)?;
    }
    store::batches::delete(ctx.db(), req.id, now).await?;
    Ok(Deleted { deleted: Some(true) })
}
