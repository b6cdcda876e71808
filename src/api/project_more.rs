//! What else there is to know of folders: how much is in them, what is in them, which there are.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::company_people::page;
use crate::{
    access::{self, Permission},
    error::ApiResult,
    ids::{CompanyId, GroupId, ProjectId},
    rpc::Ctx,
    store::{self, Object, projects::ProjectFilter},
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetUsage {
    id: ProjectId,
    include_live_assets: Option<bool>,
}

/// How much is in a folder and all below it. Bytes are those of all files; those of uploaded ones
/// are the same, because nothing else is made of them here.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Usage {
    project_count: Option<i64>,
    total_asset_count: Option<i64>,
    total_uploaded_usage: Option<i64>,
    total_usage: Option<i64>,
}

/// How much is in a folder and all below it. Live assets count only if asked for.
pub(super) async fn usage(ctx: &mut Ctx, req: GetUsage) -> ApiResult<Usage> {
    let caller = ctx.user()?.clone();
    access::project_for(ctx.db(), &caller, req.id, Permission::View).await?;
    let live = req.include_live_assets == Some(true);
    let found = store::projects::usage(ctx.db(), req.id, live).await?;
    Ok(Usage {
        project_count: Some(found.projects),
        total_asset_count: Some(found.assets),
        total_uploaded_usage: Some(found.bytes),
        total_usage: Some(found.bytes),
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetFilters {
    id: ProjectId,
}

/// What the assets of a folder can be told apart by.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Filters {
    batch: Option<Vec<String>>,
    reel: Option<Vec<String>>,
    scene: Option<Vec<String>>,
}

/// The batches, reels and scenes of the assets of a folder that the caller sees.
pub(super) async fn filters(ctx: &mut Ctx, req: GetFilters) -> ApiResult<Filters> {
    let caller = ctx.user()?.clone();
    let folder = access::project_for(ctx.db(), &caller, req.id, Permission::View).await?;
    let rights = folder.rights();
    let batches = store::batches::of_project(ctx.db(), req.id).await?;
    let batches = batches.into_iter().filter(|batch| access::batch_shows(batch, rights));
    let batch: BTreeSet<String> = batches.map(|batch| batch.name).collect();
    let (mut reel, mut scene) = (BTreeSet::new(), BTreeSet::new());
    for asset in store::assets::of_project(ctx.db(), req.id).await? {
        if !access::asset_shows(&asset, rights) {
            continue;
        }
        for (name, found) in [("reel", &mut reel), ("scene", &mut scene)] {
            let value = asset.row.metadata.0.get(name).and_then(Value::as_str);
            found.extend(value.filter(|value| !value.is_empty()).map(str::to_owned));
        }
    }
    let list = |set: BTreeSet<String>| Some(set.into_iter().collect());
    Ok(Filters { batch: list(batch), reel: list(reel), scene: list(scene) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetProjectWatermark {
    project_id: ProjectId,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetGroupWatermark {
    group_id: GroupId,
}

/// Watermark settings, and whose they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Watermark {
    company_id: Option<CompanyId>,
    description: Option<String>,
    group_id: Option<GroupId>,
    watermark: Option<Object>,
    watermark_thumbnail_file: Option<String>,
}

/// The watermark settings of a folder. No picture of them is drawn.
pub(super) async fn watermark(ctx: &mut Ctx, req: GetProjectWatermark) -> ApiResult<Watermark> {
    let caller = ctx.user()?.clone();
    let folder = access::project_for(ctx.db(), &caller, req.project_id, Permission::View).await?;
    Ok(Watermark {
        company_id: Some(folder.company_id),
        description: Some(folder.row.name),
        group_id: Some(folder.row.production_id),
        watermark: Some(folder.row.watermark_settings.0),
        watermark_thumbnail_file: None,
    })
}

/// The watermark settings of a production. No picture of them is drawn.
pub(super) async fn group_watermark(ctx: &mut Ctx, req: GetGroupWatermark) -> ApiResult<Watermark> {
    let caller = ctx.user()?.clone();
    let group = access::group(ctx.db(), &caller, req.group_id).await?;
    Ok(Watermark {
        company_id: Some(group.row.company_id),
        description: Some(group.row.name),
        group_id: Some(group.row.id),
        watermark: Some(group.row.watermark_settings.0),
        watermark_thumbnail_file: None,
    })
}

/// How many folders a search finds at most, if nothing else is said.
const PAGE: i64 = 100;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SearchName {
    company_id: CompanyId,
    limit: Option<i64>,
    search_term: String,
}

/// A folder that was found, with the way to it: production, folders above, itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct FoundProject {
    project_breadcrumbs: Option<Vec<Value>>,
}

/// The folders that the caller sees whose name has a text in it, in any casing.
pub(super) async fn search(ctx: &mut Ctx, req: SearchName) -> ApiResult<Vec<FoundProject>> {
    let caller = ctx.user()?.clone();
    access::company_part(ctx.db(), &caller, req.company_id).await?;
    let limit = usize::try_from(page(req.limit, PAGE)?).unwrap_or(usize::MAX);
    let wanted = req.search_term.to_lowercase();
    let company = Some(req.company_id);
    let filter = ProjectFilter { company, ..ProjectFilter::default() };
    let folders = store::projects::list_seen(ctx.db(), caller.user_id, filter).await?;
    let groups = store::groups::list_seen(ctx.db(), caller.user_id, company).await?;
    let groups: HashMap<_, _> = groups.iter().map(|g| (g.row.id, g.row.name.as_str())).collect();
    let by_id: HashMap<_, _> = folders.iter().map(|f| (f.row.id, &f.row)).collect();
    let found = folders.iter().filter(|f| f.row.name.to_lowercase().contains(&wanted));
    let answer = found.take(limit).map(|folder| {
        let mut way = Vec::new();
        let mut at = Some(folder.row.id);
        while let Some(row) = at.and_then(|id| by_id.get(&id)) {
            way.push(json!({ "id": row.id, "name": row.name, "type": "PROJECT" }));
            at = row.parent_project_id;
        }
        let group = folder.row.production_id;
        if let Some(name) = groups.get(&group) {
            way.push(json!({ "id": group, "name": name, "type": "GROUP" }));
        }
        way.reverse();
        FoundProject { project_breadcrumbs: Some(way) }
    });
    Ok(answer.collect())
}
