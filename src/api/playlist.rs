//! Playlists.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    asset::{Asset, Include},
    group::Deleted,
    review_session,
};
use crate::{
    access::{self, Permission},
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, CompanyId, GroupId, PlaylistAssetId, PlaylistId, ProjectId, UserId},
    rpc::{Caller, Ctx},
    store::{
        self,
        playlists::{NewPlaylist, PlaylistRow},
        text::{PlaylistSource, PlaylistType, ThumbnailType},
    },
    time::Millis,
};

/// Most assets of one playlist.
const LIMIT: usize = 1000;

/// A playlist. The fields are those of the contract; the ones that have no meaning here are null,
/// and what is not built yet is off.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Playlist {
    pub(super) blurhash: Option<String>,
    pub(super) can_add_collaborators: Option<bool>,
    pub(super) can_collaborate: Option<bool>,
    pub(super) can_edit: Option<bool>,
    pub(super) can_share: Option<bool>,
    pub(super) company_id: Option<CompanyId>,
    pub(super) created: Option<Millis>,
    pub(super) description: Option<String>,
    pub(super) flow_id: Option<String>,
    pub(super) group_id: Option<GroupId>,
    pub(super) has_collaborators: Option<bool>,
    pub(super) id: Option<PlaylistId>,
    pub(super) is_dynamic: Option<bool>,
    pub(super) is_shared_with_me: Option<bool>,
    pub(super) modified: Option<Millis>,
    pub(super) name: Option<String>,
    pub(super) origin_type: Option<String>,
    pub(super) owner_id: Option<UserId>,
    pub(super) owner_name: Option<String>,
    pub(super) playlinks: Option<Vec<Value>>,
    pub(super) source_project_id: Option<ProjectId>,
    pub(super) source_type: Option<PlaylistType>,
    pub(super) thumbnail_asset_id: Option<AssetId>,
    pub(super) thumbnail_type: Option<ThumbnailType>,
    pub(super) thumbnail_url: Option<String>,
    pub(super) thumbnail_url_2x: Option<String>,
    pub(super) thumbnail_url_3x: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<PlaylistType>,
}

impl Playlist {
    /// A playlist as its owner sees it.
    pub(super) fn of(row: PlaylistRow, owner_name: String) -> Self {
        let no = Some(false);
        Self {
            can_add_collaborators: no,
            can_collaborate: no,
            can_edit: Some(!row.is_dynamic()),
            can_share: no,
            company_id: row.company_id,
            created: Some(row.created),
            has_collaborators: no,
            is_dynamic: Some(row.is_dynamic()),
            description: Some(row.description),
            group_id: row.production_id,
            id: Some(row.id),
            is_shared_with_me: no,
            modified: Some(row.modified),
            name: Some(row.name),
            origin_type: Some("Moxion".to_owned()),
            owner_id: Some(row.owner_id),
            owner_name: Some(owner_name),
            playlinks: Some(Vec::new()),
            source_project_id: row.source_project_id,
            source_type: Some(row.playlist_type),
            thumbnail_asset_id: row.thumbnail_asset_id,
            thumbnail_type: Some(row.thumbnail_type),
            kind: Some(row.playlist_type),
            ..Self::default()
        }
    }
}

/// A playlist with its assets.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct FullPlaylist {
    #[serde(flatten)]
    playlist: Playlist,
    asset_ids: Option<Vec<AssetId>>,
    can_view_collaborators: Option<bool>,
}

/// What `/update/playlist` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UpdatedPlaylist {
    #[serde(flatten)]
    playlist: Playlist,
    asset_ids: Option<Vec<AssetId>>,
}

/// An asset's place in a playlist, and the asset if the caller sees it.
pub(super) struct Entry {
    /// The place's own id; the assets of a folder's playlist have none.
    pub(super) id: Option<PlaylistAssetId>,
    /// The asset.
    pub(super) asset: Asset,
}

/// The assets of a playlist that the caller sees, in their order.
pub(super) async fn entries(
    ctx: &mut Ctx,
    caller: &Caller,
    row: &PlaylistRow,
) -> ApiResult<Vec<Entry>> {
    let mut places: Vec<(Option<PlaylistAssetId>, AssetId)> = Vec::new();
    match (row.is_dynamic(), row.source_project_id) {
        (true, Some(project)) => {
            let found = store::assets::of_project(ctx.db(), project).await?;
            places.extend(found.into_iter().map(|asset| (None, asset.row.id)));
        }
        _ => {
            let found = store::playlists::entries(ctx.db(), row.id).await?;
            places.extend(found.into_iter().map(|entry| (Some(entry.id), entry.asset_id)));
        }
    }
    let include = Include { metadata: true, ..Include::default() };
    let mut answer = Vec::with_capacity(places.len());
    for (id, asset) in places {
        match access::asset(ctx.db(), caller, asset).await {
            Ok((found, rights)) => {
                answer.push(Entry { id, asset: Asset::of(found, rights, include) });
            }
            Err(error) if error.code() == Code::NOT_FOUND => {}
            Err(error) => return Err(error),
        }
    }
    Ok(answer)
}

async fn asset_ids(ctx: &mut Ctx, caller: &Caller, row: &PlaylistRow) -> ApiResult<Vec<AssetId>> {
    let entries = entries(ctx, caller, row).await?;
    Ok(entries.into_iter().filter_map(|entry| entry.asset.id).collect())
}

/// The name of the caller, whose playlists these are.
async fn own_name(ctx: &mut Ctx, caller: &Caller) -> ApiResult<String> {
    let user = store::users::get(ctx.db(), caller.user_id).await?;
    Ok(user.map(|user| user.full_name()).unwrap_or_default())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreatePlaylist {
    pub(super) company_id: Option<CompanyId>,
    pub(super) description: Option<String>,
    pub(super) group_id: Option<GroupId>,
    pub(super) name: String,
    pub(super) playlist_source: Option<PlaylistSource>,
    pub(super) source_project_id: Option<ProjectId>,
}

/// Creates a playlist of the caller's own: an empty one, or one of a folder's assets.
pub(super) async fn create(ctx: &mut Ctx, req: CreatePlaylist) -> ApiResult<Playlist> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let mut company_id = req.company_id;
    if let Some(id) = req.group_id {
        let group = access::group(ctx.db(), &caller, id).await?;
        if company_id.is_some_and(|company| company != group.row.company_id) {
            return Err(ApiError::new(Code::NOT_FOUND).field(
                "group_id",
                Code::NOT_FOUND,
                "is not a production of this company",
            ));
        }
        company_id = Some(group.row.company_id);
    } else if let Some(id) = company_id {
        access::company(ctx.db(), &caller, id).await?;
    }
    let source = match (req.playlist_source, req.source_project_id) {
        (None, None) => None,
        (source, Some(project)) => {
            let source = source.unwrap_or(PlaylistSource::Snapshot);
            let needed = match source {
                PlaylistSource::Snapshot => Permission::CreatePlaylists,
                PlaylistSource::Folder => Permission::AddDynamicFolderPlaylist,
            };
            let rights = access::project_for(ctx.db(), &caller, project, needed).await?.rights();
            Some((source, project, rights))
        }
        (Some(_), None) => {
            return Err(ApiError::new(Code::REQUIRED).field(
                "source_project_id",
                Code::REQUIRED,
                "is required with playlist_source",
            ));
        }
    };
    let playlist = NewPlaylist {
        company_id,
        production_id: req.group_id,
        owner_id: caller.user_id,
        name: req.name,
        description: req.description.unwrap_or_default(),
        playlist_type: PlaylistType::User,
        source: source.map(|(source, project, _)| (source, project)),
    };
    let row = store::playlists::create(ctx.db(), &playlist, now).await?;
    if let Some((PlaylistSource::Snapshot, project, rights)) = source {
        let mut found = store::assets::of_project(ctx.db(), project).await?;
        found.retain(|asset| access::asset_shows(asset, rights));
        let ids: Vec<AssetId> = found.into_iter().map(|asset| asset.row.id).collect();
        set_assets(ctx, &caller, &row, &ids).await?;
    }
    let name = own_name(ctx, &caller).await?;
    Ok(Playlist::of(row, name))
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GetPlaylist {
    pub(super) id: PlaylistId,
}

/// A playlist of the caller's own.
pub(super) async fn get(ctx: &mut Ctx, req: GetPlaylist) -> ApiResult<FullPlaylist> {
    let caller = ctx.user()?.clone();
    let row = access::playlist(ctx.db(), &caller, req.id).await?;
    full(ctx, &caller, row).await
}

async fn full(ctx: &mut Ctx, caller: &Caller, row: PlaylistRow) -> ApiResult<FullPlaylist> {
    let asset_ids = asset_ids(ctx, caller, &row).await?;
    Ok(FullPlaylist {
        playlist: Playlist::of(row, own_name(ctx, caller).await?),
        asset_ids: Some(asset_ids),
        can_view_collaborators: Some(false),
    })
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListPlaylists {
    pub(super) company_id: Option<CompanyId>,
    pub(super) group_id: Option<GroupId>,
    pub(super) include_collaborating_playlists: Option<bool>,
    pub(super) include_shared: Option<bool>,
    pub(super) playlist_collaboration_type_filter: Option<String>,
}

/// The caller's own playlists. Nothing is shared yet, so that the others are none.
pub(super) async fn list(ctx: &mut Ctx, req: ListPlaylists) -> ApiResult<Vec<FullPlaylist>> {
    let caller = ctx.user()?.clone();
    if matches!(req.playlist_collaboration_type_filter.as_deref(), Some("collaborating" | "shared"))
    {
        return Ok(Vec::new());
    }
    let owner = caller.user_id;
    let rows = store::playlists::of_owner(ctx.db(), owner, req.company_id, req.group_id).await?;
    let mut answer = Vec::with_capacity(rows.len());
    for row in rows {
        answer.push(full(ctx, &caller, row).await?);
    }
    Ok(answer)
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdatePlaylist {
    pub(super) asset_ids: Option<Vec<AssetId>>,
    pub(super) description: Option<String>,
    pub(super) group_id: Option<GroupId>,
    pub(super) id: PlaylistId,
    pub(super) name: Option<String>,
    pub(super) thumbnail_asset_id: Option<AssetId>,
    pub(super) thumbnail_type: Option<ThumbnailType>,
}

/// Changes what is given of a playlist.
pub(super) async fn update(ctx: &mut Ctx, req: UpdatePlaylist) -> ApiResult<UpdatedPlaylist> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let row = access::playlist(ctx.db(), &caller, req.id).await?;
    if let Some(id) = req.group_id {
        let group = access::group(ctx.db(), &caller, id).await?;
        if row.company_id.is_some_and(|company| company != group.row.company_id) {
            return Err(ApiError::new(Code::NOT_FOUND));
        }
    }
    if let Some(id) = req.thumbnail_asset_id {
        access::asset(ctx.db(), &caller, id).await?;
    }
    let row = PlaylistRow {
        name: req.name.unwrap_or(row.name),
        description: req.description.unwrap_or(row.description),
        production_id: req.group_id.or(row.production_id),
        thumbnail_type: req.thumbnail_type.unwrap_or(row.thumbnail_type),
        thumbnail_asset_id: req.thumbnail_asset_id.or(row.thumbnail_asset_id),
        modified: now,
        ..row
    };
    store::playlists::update(ctx.db(), &row).await?;
    if let Some(ids) = req.asset_ids {
        set_assets(ctx, &caller, &row, &ids).await?;
    }
    let asset_ids = asset_ids(ctx, &caller, &row).await?;
    let name = own_name(ctx, &caller).await?;
    Ok(UpdatedPlaylist { playlist: Playlist::of(row, name), asset_ids: Some(asset_ids) })
}

/// Makes these the assets of a playlist, in this order. Whoever adds one must see it and be
/// allowed to put it into playlists; those that are in already stay, even if the caller has lost
/// sight of them.
pub(super) async fn set_assets(
    ctx: &mut Ctx,
    caller: &Caller,
    row: &PlaylistRow,
    ids: &[AssetId],
) -> ApiResult<()> {
    let now = ctx.now();
    if row.is_dynamic() {
        return Err(ApiError::new(Code::PERMISSION_DENIED)
            .message("The assets of this playlist are those of its folder"));
    }
    if ids.len() > LIMIT {
        return Err(ApiError::new(Code::PLAYLIST_FULL));
    }
    let distinct: HashSet<&AssetId> = ids.iter().collect();
    if distinct.len() < ids.len() {
        return Err(ApiError::new(Code::ASSET_IN_PLAYLIST));
    }
    let before = store::playlists::entries(ctx.db(), row.id).await?;
    for id in ids.iter().filter(|id| before.iter().all(|entry| entry.asset_id != **id)) {
        let (_, rights) = access::asset(ctx.db(), caller, *id).await?;
        rights.need(Permission::CreatePlaylists)?;
    }
    store::playlists::set_assets(ctx.db(), row.id, ids, now).await?;
    review_session::playlist_changed(ctx, row.id).await
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeletePlaylist {
    pub(super) id: PlaylistId,
}

/// Deletes a playlist; its assets stay.
pub(super) async fn delete(ctx: &mut Ctx, req: DeletePlaylist) -> ApiResult<Deleted> {
    let caller = ctx.user()?.clone();
    let row = access::playlist(ctx.db(), &caller, req.id).await?;
    if row.playlist_type == PlaylistType::ReviewSession {
        return Err(ApiError::new(Code::PERMISSION_DENIED)
            .message("The playlist of a room goes with the room"));
    }
    review_session::playlist_changed(ctx, req.id).await?;
    store::playlists::delete(ctx.db(), req.id).await?;
    Ok(Deleted { deleted: Some(true) })
}
