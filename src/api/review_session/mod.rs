//! Rooms (`review_session` in the API): their life, from the draft to the end.

mod guest;
mod mail;
mod people;
mod playlists;
mod schedule;
mod state;
mod teams;

use rushes_sessions::SyncMode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::group::Deleted;
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    events::{Audience, Event},
    ids::{AnyId, CompanyId, GroupId, PlaylistId, ProjectId, RoomId, TeamId, UserId},
    live, meetings,
    rpc::{Caller, CallerKind, Ctx},
    store::{
        self,
        playlists::NewPlaylist,
        rooms::{Adopted, NewRoom, RoomRow, SeenRoom},
        text::{CommentScope, PlaylistType, RoomStatus},
    },
    time::Millis,
};

pub(super) use guest::sign_in;
pub(crate) use people::{Removal, Success, remove};
pub(super) use people::{create_users, set_host, set_role, user, users};
pub(super) use playlists::{
    assets, assets_gone, of_playlist, order_assets, playlist_assets, playlist_changed, playlists,
};
pub(crate) use schedule::{Schedule, schedule};
pub(super) use state::{join, set_state};
use teams::Teams;
pub(super) use teams::{list as teams, people_left as team_people_left};

/// A room. The fields are those of the contract; the ones that have no meaning here are null, and
/// what is not built yet is off.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ReviewSession {
    allow_participants_to_unmute_self: Option<bool>,
    asset_count: Option<i64>,
    asset_state: Option<String>,
    can_browse_assets: Option<bool>,
    can_display_watermarks: Option<bool>,
    can_edit: Option<bool>,
    can_reopen: Option<bool>,
    can_show_playlists: Option<bool>,
    can_show_teams: Option<bool>,
    can_upload_assets: Option<bool>,
    comment_scope: Option<CommentScope>,
    common_asset_repository_id: Option<AnyId>,
    company_id: Option<CompanyId>,
    company_name: Option<String>,
    created: Option<Millis>,
    description: Option<String>,
    echo_cancellation_enabled: Option<bool>,
    end_time: Option<Millis>,
    group_id: Option<GroupId>,
    group_name: Option<String>,
    id: Option<RoomId>,
    is_guest_user_allowed: Option<bool>,
    is_host: Option<bool>,
    is_owner: Option<bool>,
    is_session_live_enabled: Option<bool>,
    is_standalone_room: Option<bool>,
    last_joined: Option<Millis>,
    modified: Option<Millis>,
    mute_participants_on_entry: Option<bool>,
    name: Option<String>,
    owner_id: Option<UserId>,
    owner_name: Option<String>,
    playlist_count: Option<i64>,
    session_playlist_id: Option<PlaylistId>,
    session_project_id: Option<ProjectId>,
    start_time: Option<Millis>,
    status: Option<RoomStatus>,
    sync_mode: Option<SyncMode>,
    watermark_id: Option<AnyId>,
}

impl ReviewSession {
    /// A room as the caller sees it.
    fn of(room: SeenRoom, caller: &Caller) -> Self {
        let guest = is_guest(caller);
        let may_edit = room.may_edit();
        let is_owner = room.is_owner(caller.user_id);
        let owner_name = format!("{} {}", room.owner_first_name, room.owner_last_name);
        let row = room.row;
        let state = room.state.map(|state| state.0);
        let complete = row.status == RoomStatus::Complete;
        Self {
            allow_participants_to_unmute_self: Some(row.unmute_self),
            asset_count: Some(room.asset_count),
            can_browse_assets: Some(may_edit && !guest),
            can_display_watermarks: Some(false),
            can_edit: Some(may_edit),
            can_reopen: Some(may_edit && complete),
            can_show_playlists: Some(true),
            can_show_teams: Some(!guest),
            can_upload_assets: Some(may_edit && !guest),
            comment_scope: Some(row.comment_scope),
            common_asset_repository_id: None,
            company_id: Some(row.company_id),
            company_name: Some(room.company_name),
            created: Some(row.created),
            description: Some(row.description),
            echo_cancellation_enabled: Some(false),
            end_time: row.end_time,
            group_id: Some(row.production_id),
            group_name: Some(room.group_name),
            id: Some(row.id),
            is_guest_user_allowed: Some(true),
            is_host: Some(room.is_host),
            is_owner: Some(is_owner),
            is_session_live_enabled: Some(true),
            is_standalone_room: Some(false),
            last_joined: room.last_joined,
            modified: Some(row.modified),
            mute_participants_on_entry: Some(row.mute_on_entry),
            name: Some(row.name),
            owner_id: Some(row.owner_id),
            owner_name: Some(owner_name.trim().to_owned()),
            playlist_count: Some(room.playlist_count),
            session_playlist_id: row.session_playlist_id,
            session_project_id: row.session_project_id,
            start_time: row.start_time,
            status: Some(row.status),
            sync_mode: Some(state.as_ref().map(|state| state.sync_mode).unwrap_or_default()),
            asset_state: state.and_then(|state| state.asset_state),
            watermark_id: row.watermark_id.and_then(|id| id.parse().ok()),
        }
    }
}

/// The id of a room.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RoomOnly {
    pub(super) id: RoomId,
}

fn is_guest(caller: &Caller) -> bool {
    matches!(caller.kind, CallerKind::Guest { .. })
}

/// The room as the caller sees it now.
async fn answer(ctx: &mut Ctx, caller: &Caller, id: RoomId) -> ApiResult<ReviewSession> {
    let room = access::room(ctx.db(), caller, id).await?;
    Ok(ReviewSession::of(room, caller))
}

/// Tells everybody who may know of a room that something happened to it.
async fn tell(
    ctx: &mut Ctx,
    name: &'static str,
    room: RoomId,
    data: serde_json::Value,
) -> ApiResult<()> {
    let audience = store::rooms::audience(ctx.db(), room).await?;
    ctx.emit(Event { name, data, to: Audience::Users(audience) });
    Ok(())
}

/// Tells the rooms in use, once it is stored, that an account took over what its guest was there.
pub(super) fn tell_adopted(ctx: &mut Ctx, adopted: Vec<Adopted>) {
    if adopted.is_empty() {
        return;
    }
    let app = ctx.app().clone();
    ctx.after_commit(async move { meetings::adopted(&app, adopted).await });
}

/// Tells everybody who may know of a room that it, or who is in it, was changed.
async fn tell_updated(ctx: &mut Ctx, room: RoomId) -> ApiResult<()> {
    tell(ctx, "REVIEW_SESSION_UPDATED", room, json!({ "id": room })).await
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CreateReviewSession {
    allow_participants_to_unmute_self: Option<bool>,
    comment_scope: Option<CommentScope>,
    description: Option<String>,
    group_id: GroupId,
    host_user_ids: Option<Vec<UserId>>,
    mute_participants_on_entry: Option<bool>,
    name: String,
    playlist_ids: Option<Vec<PlaylistId>>,
    team_ids: Option<Vec<TeamId>>,
    user_ids: Option<Vec<UserId>>,
    watermark_id: Option<AnyId>,
}

/// Creates a room of the caller's own, as a draft.
pub(super) async fn create(ctx: &mut Ctx, req: CreateReviewSession) -> ApiResult<ReviewSession> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let group = access::group_for_rooms(ctx.db(), &caller, req.group_id).await?;
    need_place(ctx, req.group_id, group.row.additional_rooms).await?;
    let mut row = new_room(ctx, &caller, req.group_id, group.row.company_id, req.name).await?;
    row.description = req.description.unwrap_or_default();
    row.comment_scope = req.comment_scope.unwrap_or(row.comment_scope);
    row.mute_on_entry = req.mute_participants_on_entry.unwrap_or(row.mute_on_entry);
    row.unmute_self = req.allow_participants_to_unmute_self.unwrap_or(row.unmute_self);
    row.watermark_id = req.watermark_id.map(|id| id.to_string());
    store::rooms::update(ctx.db(), &row).await?;
    let hosts = req.host_user_ids.unwrap_or_default();
    people::seat_all(ctx, &caller, &row, req.user_ids.as_deref().unwrap_or_default(), now).await?;
    people::seat_all(ctx, &caller, &row, &hosts, now).await?;
    people::need_room(ctx, row.id).await?;
    for host in hosts {
        store::rooms::set_host(ctx.db(), row.id, host, true).await?;
    }
    teams::set(ctx, &caller, &row, Teams { ids: req.team_ids, moved: false }).await?;
    if let Some(ids) = req.playlist_ids {
        playlists::attach(ctx, &caller, row.id, &ids).await?;
    }
    tell_updated(ctx, row.id).await?;
    answer(ctx, &caller, row.id).await
}

/// The room itself, with its own playlist, and the seat of its owner.
async fn new_room(
    ctx: &mut Ctx,
    caller: &Caller,
    group: GroupId,
    company: CompanyId,
    name: String,
) -> ApiResult<RoomRow> {
    let now = ctx.now();
    let playlist = NewPlaylist {
        company_id: Some(company),
        production_id: Some(group),
        owner_id: caller.user_id,
        name: name.clone(),
        description: String::new(),
        playlist_type: PlaylistType::ReviewSession,
        source: None,
    };
    let playlist = store::playlists::create(ctx.db(), &playlist, now).await?;
    let room = NewRoom {
        production_id: group,
        company_id: company,
        owner_id: caller.user_id,
        name,
        session_playlist_id: Some(playlist.id),
        session_project_id: None,
    };
    let row = store::rooms::create(ctx.db(), &room, now).await?;
    store::rooms::add_seat(ctx.db(), row.id, caller.user_id, None, now).await?;
    store::rooms::set_host(ctx.db(), row.id, caller.user_id, true).await?;
    Ok(row)
}

/// Refuses one more open room when a production has as many as it may have.
async fn need_place(ctx: &mut Ctx, group: GroupId, additional: i64) -> ApiResult<()> {
    let open = store::rooms::open_in_group(ctx.db(), group).await?;
    let most = i64::from(ctx.app().config.limits.open_rooms) + additional;
    if open >= most { Err(ApiError::new(Code::TOO_MANY_ROOMS)) } else { Ok(()) }
}

/// A room that the caller sees.
pub(super) async fn get(ctx: &mut Ctx, req: RoomOnly) -> ApiResult<ReviewSession> {
    let caller = ctx.caller()?.clone();
    answer(ctx, &caller, req.id).await
}

/// All rooms that the caller sees.
pub(super) async fn list(ctx: &mut Ctx, _: crate::rpc::Empty) -> ApiResult<Vec<ReviewSession>> {
    let caller = ctx.caller()?.clone();
    let rooms = store::rooms::list_seen(ctx.db(), caller.user_id).await?;
    let theirs = |room: &SeenRoom| !caller.is_guest_elsewhere(room.row.id);
    let rooms = rooms.into_iter().filter(theirs);
    Ok(rooms.map(|room| ReviewSession::of(room, &caller)).collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UpdateReviewSession {
    allow_participants_to_unmute_self: Option<bool>,
    comment_scope: Option<CommentScope>,
    company_id: Option<CompanyId>,
    description: Option<String>,
    group_id: Option<GroupId>,
    host_user_ids: Option<Vec<UserId>>,
    id: RoomId,
    mute_participants_on_entry: Option<bool>,
    name: Option<String>,
    playlist_ids: Option<Vec<PlaylistId>>,
    team_ids: Option<Vec<TeamId>>,
    user_ids: Option<Vec<UserId>>,
    watermark_id: Option<AnyId>,
}

/// Changes a room. What is absent stays. `user_ids` names all its people, guests among them: who
/// is not in it, and no host, leaves. `host_user_ids` names all its hosts; the owner is always one.
pub(super) async fn update(ctx: &mut Ctx, req: UpdateReviewSession) -> ApiResult<ReviewSession> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_edit()?;
    let mut row = room.row.clone();
    if let Some(id) = req.group_id.filter(|id| *id != row.production_id) {
        move_to(ctx, &caller, &mut row, id).await?;
    }
    if let Some(id) = req.company_id.filter(|id| *id != row.company_id) {
        return Err(not_its_company(id));
    }
    row.name = req.name.unwrap_or(row.name);
    row.description = req.description.unwrap_or(row.description);
    row.comment_scope = req.comment_scope.unwrap_or(row.comment_scope);
    row.mute_on_entry = req.mute_participants_on_entry.unwrap_or(row.mute_on_entry);
    row.unmute_self = req.allow_participants_to_unmute_self.unwrap_or(row.unmute_self);
    row.watermark_id = req.watermark_id.map(|id| id.to_string()).or(row.watermark_id);
    row.modified = now;
    store::rooms::update(ctx.db(), &row).await?;
    let (app, rules) = (ctx.app().clone(), meetings::rules_of(&row));
    ctx.after_commit(async move { meetings::set_rules(&app, req.id, rules).await });
    let moved = row.production_id != room.row.production_id;
    teams::set(ctx, &caller, &row, Teams { ids: req.team_ids, moved }).await?;
    people::replace(ctx, &caller, &row, req.user_ids, req.host_user_ids).await?;
    if let Some(ids) = req.playlist_ids {
        playlists::attach(ctx, &caller, row.id, &ids).await?;
        playlists::tell_changed(ctx, row.id).await?;
    }
    tell_updated(ctx, row.id).await?;
    match answer(ctx, &caller, row.id).await {
        // They took themselves out: they are told what they did, and nothing from then on.
        Err(error) if error.code() == Code::ROOM_NOT_FOUND => {
            let none = SeenRoom { is_seated: false, is_host: false, is_admin: false, ..room };
            let left = SeenRoom { row, ..none };
            Ok(ReviewSession::of(left, &caller))
        }
        answer => answer,
    }
}

/// Brings a room into another production, and its own playlist with it. Its company is that production's.
async fn move_to(
    ctx: &mut Ctx,
    caller: &Caller,
    row: &mut RoomRow,
    production: GroupId,
) -> ApiResult<()> {
    let group = access::group_for_rooms(ctx.db(), caller, production).await?.row;
    if row.status != RoomStatus::Complete {
        need_place(ctx, production, group.additional_rooms).await?;
    }
    (row.production_id, row.company_id) = (production, group.company_id);
    if let Some(playlist) = row.session_playlist_id {
        let (to, now) = ((group.company_id, production), ctx.now());
        store::playlists::set_production(ctx.db(), playlist, to, now).await?;
    }
    Ok(())
}

/// A room is of the company whose production it is in.
fn not_its_company(id: CompanyId) -> ApiError {
    let message = format!("the room's production is none of the company {id}");
    ApiError::new(Code::NOT_FOUND).field("company_id", Code::NOT_FOUND, message)
}

/// Starts a room, or opens one again that was complete.
pub(super) async fn start(ctx: &mut Ctx, req: RoomOnly) -> ApiResult<ReviewSession> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_edit()?;
    let mut row = room.row;
    if row.status == RoomStatus::Started {
        return answer(ctx, &caller, row.id).await;
    }
    if row.status == RoomStatus::Complete {
        let group = store::groups::get(ctx.db(), row.production_id).await?;
        let additional = group.map_or(0, |group| group.additional_rooms);
        need_place(ctx, row.production_id, additional).await?;
    }
    // Playlists of which nothing may be shown are a mistake; a room without assets is not: it may
    // be there to talk, or wait for somebody's upload.
    if room.asset_count > 0 && access::shown_in_room(ctx.db(), row.id).await?.is_empty() {
        return Err(ApiError::new(Code::NO_SHAREABLE_ASSETS));
    }
    row.status = RoomStatus::Started;
    (row.start_time, row.end_time, row.modified) = (Some(now), None, now);
    store::rooms::update(ctx.db(), &row).await?;
    set_phase(ctx, &row);
    tell(ctx, "REVIEW_SESSION_STARTED", row.id, json!({ "id": row.id })).await?;
    answer(ctx, &caller, row.id).await
}

/// Ends a room.
pub(super) async fn complete(ctx: &mut Ctx, req: RoomOnly) -> ApiResult<ReviewSession> {
    let (caller, now) = (ctx.user()?.clone(), ctx.now());
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_edit()?;
    let mut row = room.row;
    if row.status != RoomStatus::Complete {
        row.status = RoomStatus::Complete;
        (row.end_time, row.modified) = (Some(now), now);
        store::rooms::update(ctx.db(), &row).await?;
        end_shares(ctx, row.id, None).await?;
        set_phase(ctx, &row);
        tell(ctx, "REVIEW_SESSION_COMPLETE", row.id, json!({ "id": row.id })).await?;
    }
    answer(ctx, &caller, row.id).await
}

/// Ends the screens that are shared in a room: one person's, or all.
async fn end_shares(ctx: &mut Ctx, room: RoomId, whose: Option<UserId>) -> ApiResult<()> {
    let now = ctx.now();
    let streams = live::shares::end_in(ctx.db(), room, whose, now).await?;
    let app = ctx.app().clone();
    ctx.after_commit(async move { live::shares::close(&app, room, streams).await });
    Ok(())
}

/// Tells the room in use, once it is stored, how far it has come.
fn set_phase(ctx: &mut Ctx, row: &RoomRow) {
    let (app, id, status) = (ctx.app().clone(), row.id, row.status);
    ctx.after_commit(async move {
        app.hub.set_phase(id.into(), status.phase()).await;
        if status == RoomStatus::Complete {
            meetings::close(&app, id).await;
        }
    });
}

/// Deletes a room. Its guests may not come back; its playlists stay.
pub(super) async fn delete(ctx: &mut Ctx, req: RoomOnly) -> ApiResult<Deleted> {
    let caller = ctx.user()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_owner(caller.user_id)?;
    if room.row.status == RoomStatus::Started {
        // To those who are in it this is its end.
        tell(ctx, "REVIEW_SESSION_COMPLETE", room.row.id, json!({ "id": room.row.id })).await?;
    }
    tell(ctx, "REVIEW_SESSION_DELETED", room.row.id, json!({ "id": room.row.id })).await?;
    end_shares(ctx, room.row.id, None).await?;
    store::rooms::delete(ctx.db(), &room.row).await?;
    let (app, id) = (ctx.app().clone(), room.row.id);
    ctx.after_commit(async move {
        meetings::close(&app, id).await;
        app.hub.close(id.into()).await;
    });
    Ok(Deleted { deleted: Some(true) })
}
