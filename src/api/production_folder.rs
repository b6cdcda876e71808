//! Folders of productions.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::device::Success;
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{CompanyId, ProductionFolderId},
    rpc::{Caller, Ctx},
    store::{
        self,
        production_folders::{self, ProductionFolderRow},
    },
    time::Millis,
};

/// A folder of productions. How much its productions use is for administrators of the company.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Folder {
    color: Option<String>,
    company_id: Option<CompanyId>,
    created: Option<Millis>,
    id: Option<ProductionFolderId>,
    name: Option<String>,
    total_uploaded_usage: Option<i64>,
    total_usage: Option<i64>,
}

/// A folder of productions, with how many productions are in it that the caller sees.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CountedFolder {
    #[serde(flatten)]
    folder: Folder,
    child_count: Option<i64>,
}

impl Folder {
    fn of(row: ProductionFolderRow, bytes: Option<i64>) -> Self {
        Self {
            color: row.color,
            company_id: Some(row.company_id),
            created: Some(row.created),
            id: Some(row.id),
            name: Some(row.name),
            total_uploaded_usage: bytes,
            total_usage: bytes,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateFolder {
    color: Option<String>,
    company_id: CompanyId,
    name: String,
}

/// Creates a folder of productions; for administrators of the company.
pub(super) async fn create(ctx: &mut Ctx, req: CreateFolder) -> ApiResult<Folder> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    access::company(ctx.db(), &caller, req.company_id).await?.admin()?;
    let row = ProductionFolderRow {
        id: ProductionFolderId::new(),
        company_id: req.company_id,
        name: req.name,
        color: req.color,
        created: now,
    };
    production_folders::insert(ctx.db(), &row).await?;
    Ok(Folder::of(row, Some(0)))
}

/// A folder of a company that the caller has a part in, and whether they administer it.
async fn found(
    ctx: &mut Ctx,
    caller: &Caller,
    id: ProductionFolderId,
) -> ApiResult<(ProductionFolderRow, bool)> {
    let row = production_folders::get(ctx.db(), id).await?;
    let row = row.ok_or(ApiError::new(Code::NOT_FOUND))?;
    let membership = store::companies::membership(ctx.db(), row.company_id, caller.user_id).await?;
    if let Some(membership) = membership {
        return Ok((row, membership.is_admin));
    }
    // From outside, one sees the folders that one's productions are in.
    let groups = store::groups::list_seen(ctx.db(), caller.user_id, Some(row.company_id)).await?;
    let inside = groups.iter().any(|group| group.row.production_folder_id == Some(id));
    if inside { Ok((row, false)) } else { Err(ApiError::new(Code::NOT_FOUND)) }
}

async fn administered(
    ctx: &mut Ctx,
    caller: &Caller,
    id: ProductionFolderId,
) -> ApiResult<ProductionFolderRow> {
    match found(ctx, caller, id).await? {
        (row, true) => Ok(row),
        (_, false) => Err(ApiError::new(Code::PERMISSION_DENIED)),
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateFolder {
    color: Option<String>,
    id: ProductionFolderId,
    name: Option<String>,
}

/// Changes what is given of a folder of productions; for administrators of the company.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateFolder) -> ApiResult<Folder> {
    let caller = ctx.user()?.clone();
    let row = administered(ctx, &caller, req.id).await?;
    let row = ProductionFolderRow {
        name: req.name.unwrap_or(row.name),
        color: req.color.or(row.color),
        ..row
    };
    production_folders::update(ctx.db(), &row).await?;
    let bytes = usage(ctx, row.company_id).await?.get(&row.id).map_or(0, |(_, bytes)| *bytes);
    Ok(Folder::of(row, Some(bytes)))
}

async fn usage(
    ctx: &mut Ctx,
    company: CompanyId,
) -> ApiResult<HashMap<ProductionFolderId, (i64, i64)>> {
    let rows = production_folders::usage(ctx.db(), company).await?;
    Ok(rows.into_iter().map(|(id, count, bytes)| (id, (count, bytes))).collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeleteFolder {
    id: ProductionFolderId,
}

/// Deletes a folder of productions that has none; for administrators of the company.
pub(super) async fn delete(ctx: &mut Ctx, req: DeleteFolder) -> ApiResult<Success> {
    let caller = ctx.user()?.clone();
    let row = administered(ctx, &caller, req.id).await?;
    let inside = usage(ctx, row.company_id).await?.get(&row.id).map_or(0, |(count, _)| *count);
    if inside > 0 {
        return Err(ApiError::new(Code::IN_USE)
            .message(format!("There are {inside} productions in this folder, move them first")));
    }
    production_folders::let_deleted_go(ctx.db(), req.id).await?;
    production_folders::delete(ctx.db(), req.id).await?;
    Ok(Success { success: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetFolder {
    id: ProductionFolderId,
    include_child_count: Option<bool>,
    include_usage: Option<bool>,
}

/// A folder of productions.
pub(super) async fn get(ctx: &mut Ctx, req: GetFolder) -> ApiResult<CountedFolder> {
    let caller = ctx.user()?.clone();
    let (row, is_admin) = found(ctx, &caller, req.id).await?;
    let with_usage = is_admin && req.include_usage != Some(false);
    let bytes = match with_usage {
        true => Some(usage(ctx, row.company_id).await?.get(&row.id).map_or(0, |(_, bytes)| *bytes)),
        false => None,
    };
    let child_count = match req.include_child_count == Some(true) {
        true => Some(children(ctx, &caller, row.company_id).await?.get(&row.id).map_or(0, |n| *n)),
        false => None,
    };
    Ok(CountedFolder { folder: Folder::of(row, bytes), child_count })
}

/// How many productions the caller sees in each folder of a company.
async fn children(
    ctx: &mut Ctx,
    caller: &Caller,
    company: CompanyId,
) -> ApiResult<HashMap<ProductionFolderId, i64>> {
    let groups = store::groups::list_seen(ctx.db(), caller.user_id, Some(company)).await?;
    let mut counts = HashMap::new();
    for id in groups.iter().filter_map(|group| group.row.production_folder_id) {
        *counts.entry(id).or_insert(0) += 1;
    }
    Ok(counts)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListFolders {
    id: CompanyId,
    include_child_count: Option<bool>,
}

/// The folders of productions of a company; to those from outside, the ones that they see a
/// production in.
pub(super) async fn list(ctx: &mut Ctx, req: ListFolders) -> ApiResult<Vec<CountedFolder>> {
    let caller = ctx.user()?.clone();
    access::company_part(ctx.db(), &caller, req.id).await?;
    let membership = store::companies::membership(ctx.db(), req.id, caller.user_id).await?;
    let is_admin = membership.is_some_and(|membership| membership.is_admin);
    let counts = children(ctx, &caller, req.id).await?;
    let bytes = if is_admin { usage(ctx, req.id).await? } else { HashMap::new() };
    let with_count = req.include_child_count == Some(true);
    let rows = production_folders::list(ctx.db(), req.id).await?;
    let shown = rows.into_iter().filter(|row| membership.is_some() || counts.contains_key(&row.id));
    let answer = shown.map(|row| {
        let child_count = with_count.then(|| counts.get(&row.id).copied().unwrap_or(0));
        let used = is_admin.then(|| bytes.get(&row.id).map_or(0, |(_, bytes)| *bytes));
        CountedFolder { folder: Folder::of(row, used), child_count }
    });
    Ok(answer.collect())
}
