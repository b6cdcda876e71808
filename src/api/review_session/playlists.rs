//! What a room shows.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        asset::{Asset, Include},
        playlist::Playlist,
    },
    ReviewSession, RoomOnly, tell,
};
use crate::{
    access::{self, Permission, Rights},
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, PlaylistAssetId, PlaylistId, ProjectId, RoomId},
    rpc::{Caller, CallerKind, Ctx},
    store::{self, rooms::RoomAsset, text::PlaylistType},
};

/// A playlist of a room.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RoomPlaylist {
    #[serde(flatten)]
    playlist: Playlist,
    playlist_id: Option<PlaylistId>,
}

/// The playlists that a room shows, beside its own, which is named by the room itself.
pub(crate) async fn playlists(ctx: &mut Ctx, req: RoomOnly) -> ApiResult<Vec<RoomPlaylist>> {
    let caller = ctx.caller()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    let mut answer = Vec::new();
    for row in store::rooms::playlists(ctx.db(), req.id).await? {
        if room.row.session_playlist_id == Some(row.id) {
            continue;
        }
        let owner = store::users::get(ctx.db(), row.owner_id).await?;
        let owner_name = owner.map(|owner| owner.full_name()).unwrap_or_default();
        let (id, is_own) = (row.id, row.owner_id == caller.user_id);
        let mut playlist = Playlist::of(row, owner_name);
        playlist.can_edit = playlist.can_edit.map(|can| can && is_own);
        answer.push(RoomPlaylist { playlist, playlist_id: Some(id) });
    }
    Ok(answer)
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OfPlaylist {
    playlist_id: PlaylistId,
}

/// The rooms that show a playlist, as far as the caller sees them.
pub(crate) async fn of_playlist(ctx: &mut Ctx, req: OfPlaylist) -> ApiResult<Vec<ReviewSession>> {
    let caller = ctx.user()?.clone();
    let (user, id) = (caller.user_id, req.playlist_id);
    let rooms = store::rooms::seen_with_playlist(ctx.db(), user, id).await?;
    if rooms.is_empty() {
        // Of a playlist that is not theirs they learn nothing.
        access::playlist(ctx.db(), &caller, id).await?;
    }
    Ok(rooms.into_iter().map(|room| ReviewSession::of(room, &caller)).collect())
}

/// An asset in a playlist of a room.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PlaylistRoomAsset {
    #[serde(flatten)]
    asset: Asset,
    playlist_asset_id: Option<PlaylistAssetId>,
    playlist_id: Option<PlaylistId>,
}

/// An asset in a room.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ShownAsset {
    #[serde(flatten)]
    entry: PlaylistRoomAsset,
    can_remove: Option<bool>,
    review_session_asset_id: Option<PlaylistAssetId>,
    review_session_id: Option<RoomId>,
    session_order: Option<i64>,
}

/// The assets of a room, in the order in which it shows them.
pub(crate) async fn assets(ctx: &mut Ctx, req: RoomOnly) -> ApiResult<Vec<ShownAsset>> {
    let caller = ctx.caller()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    let mut answer = Vec::new();
    let shown = access::shown_in_room(ctx.db(), req.id).await?;
    for (place, entry) in entries(ctx, &caller, shown).await?.into_iter().enumerate() {
        answer.push(ShownAsset {
            can_remove: Some(room.may_edit()),
            review_session_asset_id: entry.playlist_asset_id,
            review_session_id: Some(req.id),
            session_order: i64::try_from(place).ok(),
            entry,
        });
    }
    Ok(answer)
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlaylistAssets {
    id: RoomId,
    playlist_id: Option<PlaylistId>,
    playlist_ids: Option<Vec<PlaylistId>>,
}

/// The assets of some of a room's playlists, or of all.
pub(crate) async fn playlist_assets(
    ctx: &mut Ctx,
    req: PlaylistAssets,
) -> ApiResult<Vec<PlaylistRoomAsset>> {
    let caller = ctx.caller()?.clone();
    access::room(ctx.db(), &caller, req.id).await?;
    let wanted = req.playlist_ids.or(req.playlist_id.map(|id| vec![id]));
    let mut shown = access::shown_in_room(ctx.db(), req.id).await?;
    if let Some(wanted) = wanted {
        let of_room = store::rooms::playlists(ctx.db(), req.id).await?;
        for id in &wanted {
            if !of_room.iter().any(|row| row.id == *id) {
                return Err(ApiError::new(Code::NOT_FOUND).field(
                    "playlist_ids",
                    Code::NOT_FOUND,
                    "the room does not show this playlist",
                ));
            }
        }
        shown.retain(|asset| wanted.contains(&asset.playlist_id));
    }
    shown.sort_by_key(|asset| (asset.playlist_id, asset.sort_index));
    entries(ctx, &caller, shown).await
}

/// The assets at places of a room. One who is in an asset's folder has their rights there; anyone
/// else may look at it and talk about it, as long as the room shows it.
async fn entries(
    ctx: &mut Ctx,
    caller: &Caller,
    shown: Vec<RoomAsset>,
) -> ApiResult<Vec<PlaylistRoomAsset>> {
    let mut known: HashMap<ProjectId, Option<Rights>> = HashMap::new();
    let mut answer = Vec::with_capacity(shown.len());
    for place in shown {
        let Some(found) = store::assets::get(ctx.db(), place.asset_id).await? else { continue };
        let rights = match known.get(&place.project_id) {
            Some(rights) => *rights,
            None => {
                let rights = rights_in(ctx, caller, place.project_id).await?;
                known.insert(place.project_id, rights);
                rights
            }
        };
        let include = Include { metadata: true, ..Include::default() };
        let mut asset = Asset::of(found, rights.unwrap_or(access::in_room()), include);
        asset.can_access_project = Some(rights.is_some());
        answer.push(PlaylistRoomAsset {
            asset,
            playlist_asset_id: place.id,
            playlist_id: Some(place.playlist_id),
        });
    }
    Ok(answer)
}

async fn rights_in(
    ctx: &mut Ctx,
    caller: &Caller,
    project: ProjectId,
) -> ApiResult<Option<Rights>> {
    if matches!(caller.kind, CallerKind::Guest { .. }) {
        return Ok(None);
    }
    let seen = store::projects::seen(ctx.db(), caller.user_id, project).await?;
    Ok(seen.map(|seen| seen.rights()).filter(|rights| rights.may(Permission::View)))
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OrderAssets {
    id: RoomId,
    review_session_asset_ids: Vec<PlaylistAssetId>,
}

/// The order of a room's assets.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct OrderedAssets {
    review_session_asset_ids: Option<Vec<PlaylistAssetId>>,
    updated: Option<bool>,
}

/// Sets the order of a room's assets. Those that are not named follow behind.
pub(crate) async fn order_assets(ctx: &mut Ctx, req: OrderAssets) -> ApiResult<OrderedAssets> {
    let caller = ctx.user()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_edit()?;
    let mut order: Vec<PlaylistAssetId> = Vec::new();
    let shown = store::rooms::assets(ctx.db(), req.id).await?;
    for id in req.review_session_asset_ids {
        if !shown.iter().any(|asset| asset.id == Some(id)) {
            return Err(ApiError::new(Code::NOT_FOUND).field(
                "review_session_asset_ids",
                Code::NOT_FOUND,
                format!("the room does not show {id}"),
            ));
        }
        if !order.contains(&id) {
            order.push(id);
        }
    }
    store::rooms::set_order(ctx.db(), req.id, &order).await?;
    tell_changed(ctx, req.id).await?;
    let now = store::rooms::assets(ctx.db(), req.id).await?;
    let ids = now.into_iter().filter_map(|asset| asset.id).collect();
    Ok(OrderedAssets { review_session_asset_ids: Some(ids), updated: Some(true) })
}

/// Makes these the playlists of a room: the caller's own, and those that it shows already.
pub(super) async fn attach(
    ctx: &mut Ctx,
    caller: &Caller,
    room: RoomId,
    ids: &[PlaylistId],
) -> ApiResult<()> {
    let before = store::rooms::playlists(ctx.db(), room).await?;
    for id in ids {
        if !before.iter().any(|row| row.id == *id) {
            let found = access::playlist(ctx.db(), caller, *id).await.and_then(|row| {
                // Another room's own shows what that room's people were meant to see.
                let of_room = row.playlist_type == PlaylistType::ReviewSession;
                if of_room { Err(ApiError::new(Code::NOT_FOUND)) } else { Ok(()) }
            });
            found.map_err(|error| {
                error.field("playlist_ids", Code::NOT_FOUND, format!("there is no playlist {id}"))
            })?;
        }
    }
    Ok(store::rooms::set_playlists(ctx.db(), room, ids).await?)
}

/// Tells everybody who may know of a room that it shows something else.
pub(super) async fn tell_changed(ctx: &mut Ctx, room: RoomId) -> ApiResult<()> {
    tell(ctx, "REVIEW_SESSION_PLAYLIST_ASSETS_UPDATED", room, json!({ "id": room })).await
}

/// Tells the rooms that showed assets that these are gone, each once.
pub(crate) async fn assets_gone(ctx: &mut Ctx, assets: &[AssetId]) -> ApiResult<()> {
    let mut rooms = BTreeSet::new();
    for asset in assets {
        rooms.extend(store::rooms::showing(ctx.db(), *asset).await?);
    }
    for room in rooms {
        tell_changed(ctx, room).await?;
    }
    Ok(())
}

/// Tells the rooms that show a playlist that it has changed.
pub(crate) async fn playlist_changed(ctx: &mut Ctx, playlist: PlaylistId) -> ApiResult<()> {
    for room in store::rooms::in_playlist(ctx.db(), playlist).await? {
        tell_changed(ctx, room).await?;
    }
    Ok(())
}
