//! The assets of a playlist: listing and counting them, and the older ways of changing them one
//! by one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    asset::Asset,
    participant::Updated,
    playlist::{entries, set_assets},
    review_session,
};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, PlaylistAssetId, PlaylistId, ProjectId},
    rpc::Ctx,
    store::{self, playlists::PlaylistRow},
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListPlaylistAssets {
    pub(super) id: PlaylistId,
}

/// An asset in a playlist.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct PlaylistAsset {
    #[serde(flatten)]
    asset: Asset,
    playlist_asset_id: Option<PlaylistAssetId>,
}

/// The assets of a playlist, in their order.
pub(super) async fn list(ctx: &mut Ctx, req: ListPlaylistAssets) -> ApiResult<Vec<PlaylistAsset>> {
    let caller = ctx.user()?.clone();
    let row = access::playlist(ctx.db(), &caller, req.id).await?;
    let entries = entries(ctx, &caller, &row).await?;
    let answer = entries
        .into_iter()
        .map(|entry| PlaylistAsset { asset: entry.asset, playlist_asset_id: entry.id });
    Ok(answer.collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CountPlaylistAssets {
    pub(super) playlist_id: PlaylistId,
}

/// How many assets a playlist has from where.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PlaylistCounts {
    asset_counts: Option<Vec<Value>>,
    playlist_id: Option<PlaylistId>,
}

/// How many assets a playlist has from each folder of each production, of those that the caller
/// sees.
pub(super) async fn count(ctx: &mut Ctx, req: CountPlaylistAssets) -> ApiResult<PlaylistCounts> {
    let caller = ctx.user()?.clone();
    let row = access::playlist(ctx.db(), &caller, req.playlist_id).await?;
    let mut counts: Vec<(ProjectId, i64)> = Vec::new();
    for project in entries(ctx, &caller, &row).await?.iter().filter_map(|e| e.asset.project_id) {
        match counts.iter_mut().find(|(id, _)| *id == project) {
            Some((_, count)) => *count += 1,
            None => counts.push((project, 1)),
        }
    }
    let mut answer = Vec::with_capacity(counts.len());
    for (project, count) in counts {
        let project = access::project(ctx.db(), &caller, project).await?.row;
        let group = access::group(ctx.db(), &caller, project.production_id).await?.row;
        answer.push(json!({
            "production_id": group.id,
            "production_name": group.name,
            "project_id": project.id,
            "project_name": project.name,
            "count": count,
        }));
    }
    Ok(PlaylistCounts { asset_counts: Some(answer), playlist_id: Some(req.playlist_id) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AddPlaylistAssets {
    pub(super) asset_ids: Vec<AssetId>,
    pub(super) id: PlaylistId,
}

/// Says whether something was added.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Added {
    added: Option<bool>,
}

/// Puts assets at the end of a playlist.
pub(super) async fn add(ctx: &mut Ctx, req: AddPlaylistAssets) -> ApiResult<Added> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let row = access::playlist(ctx.db(), &caller, req.id).await?;
    let before = store::playlists::entries(ctx.db(), row.id).await?;
    if req.asset_ids.iter().any(|id| before.iter().any(|entry| entry.asset_id == *id)) {
        return Err(ApiError::new(Code::ASSET_IN_PLAYLIST));
    }
    let mut ids: Vec<AssetId> = before.iter().map(|entry| entry.asset_id).collect();
    ids.extend(req.asset_ids);
    set_assets(ctx, &caller, &row, &ids).await?;
    store::playlists::update(ctx.db(), &PlaylistRow { modified: now, ..row }).await?;
    Ok(Added { added: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RemovePlaylistAssets {
    pub(super) id: PlaylistId,
    pub(super) playlist_asset_ids: Vec<PlaylistAssetId>,
}

/// Says whether something was removed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Removed {
    removed: Option<bool>,
}

/// Takes entries out of a playlist: all of them or, if one is not in it, none.
pub(super) async fn remove(ctx: &mut Ctx, req: RemovePlaylistAssets) -> ApiResult<Removed> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let row = access::playlist(ctx.db(), &caller, req.id).await?;
    for entry in req.playlist_asset_ids {
        if !store::playlists::remove(ctx.db(), row.id, entry).await? {
            return Err(ApiError::new(Code::NOT_FOUND));
        }
    }
    review_session::playlist_changed(ctx, row.id).await?;
    store::playlists::update(ctx.db(), &PlaylistRow { modified: now, ..row }).await?;
    Ok(Removed { removed: Some(true) })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OrderPlaylistAssets {
    pub(super) id: PlaylistId,
    pub(super) playlist_asset_ids: Vec<PlaylistAssetId>,
}

/// Puts the entries of a playlist into this order; those that are not named are taken out.
pub(super) async fn order(ctx: &mut Ctx, req: OrderPlaylistAssets) -> ApiResult<Updated> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let row = access::playlist(ctx.db(), &caller, req.id).await?;
    let before = store::playlists::entries(ctx.db(), row.id).await?;
    let mut ids = Vec::with_capacity(req.playlist_asset_ids.len());
    for id in &req.playlist_asset_ids {
        let entry = before.iter().find(|entry| entry.id == *id);
        ids.push(entry.ok_or(ApiError::new(Code::NOT_FOUND))?.asset_id);
    }
    set_assets(ctx, &caller, &row, &ids).await?;
    store::playlists::update(ctx.db(), &PlaylistRow { modified: now, ..row }).await?;
    Ok(Updated { updated: Some(true) })
}
