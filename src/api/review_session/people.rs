//! Who is in a room.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{end_shares, is_guest, mail, tell, tell_adopted, tell_updated};
use crate::{
    access,
    error::{ApiError, ApiResult, Code},
    events::{Audience, Event},
    ids::{RoomId, UserId},
    meetings,
    provision::guest_link,
    rooms,
    rpc::{Caller, Ctx, is_email},
    store::{
        self,
        rooms::{RoomRow, RoomUserRow, SeenRoom},
    },
    time::Millis,
};

/// Most addresses of one request.
const INVITATIONS: usize = 500;

/// Somebody in a room.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RoomUser {
    company: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    host_status_adjustable: Option<bool>,
    id: Option<UserId>,
    is_host: Option<bool>,
    last_name: Option<String>,
    role: Option<String>,
    user_type: Option<String>,
}

impl RoomUser {
    /// Somebody as the caller sees them. Guests are told no addresses but their own.
    fn of(row: RoomUserRow, room: &SeenRoom, caller: &Caller) -> Self {
        let tells_address = !is_guest(caller) || row.user_id == caller.user_id;
        let adjustable = room.may_edit() && !room.is_owner(row.user_id);
        Self {
            company: row.company_name,
            email: row.email.filter(|_| tells_address),
            first_name: Some(row.first_name),
            host_status_adjustable: Some(adjustable),
            id: Some(row.user_id),
            is_host: Some(row.is_host),
            last_name: Some(row.last_name),
            role: row.role,
            user_type: Some(if row.is_guest { "GUEST" } else { "USER" }.to_owned()),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListRoomUsers {
    id: RoomId,
    include_owner: Option<bool>,
}

/// The people of a room.
pub(crate) async fn users(ctx: &mut Ctx, req: ListRoomUsers) -> ApiResult<Vec<RoomUser>> {
    let caller = ctx.caller()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    let rows = store::rooms::users(ctx.db(), req.id).await?;
    let with_owner = req.include_owner == Some(true);
    let rows = rows.into_iter().filter(|row| with_owner || !room.is_owner(row.user_id));
    Ok(rows.map(|row| RoomUser::of(row, &room, &caller)).collect())
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GetRoomUser {
    id: RoomId,
    user_id: UserId,
}

/// One of the people of a room.
pub(crate) async fn user(ctx: &mut Ctx, req: GetRoomUser) -> ApiResult<RoomUser> {
    let caller = ctx.caller()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    let rows = store::rooms::users(ctx.db(), req.id).await?;
    let row = rows.into_iter().find(|row| row.user_id == req.user_id);
    let row = row.ok_or(ApiError::new(Code::USER_NOT_FOUND))?;
    Ok(RoomUser::of(row, &room, &caller))
}

/// That something was done.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Success {
    success: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetHost {
    id: RoomId,
    is_host: bool,
    user_id: UserId,
}

/// Says whether somebody is a host. The owner always is.
pub(crate) async fn set_host(ctx: &mut Ctx, req: SetHost) -> ApiResult<Success> {
    let caller = ctx.user()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_edit()?;
    if room.is_owner(req.user_id) && !req.is_host {
        return Err(ApiError::new(Code::ACCESS_DENIED).message("The owner is always a host"));
    }
    seat_by_team(ctx, req.id, req.user_id).await?;
    let seat = store::rooms::seat(ctx.db(), req.id, req.user_id).await?;
    let seat = seat.ok_or(ApiError::new(Code::USER_NOT_FOUND))?;
    if seat.is_host != req.is_host {
        store::rooms::set_host(ctx.db(), req.id, req.user_id, req.is_host).await?;
        hosts_changed(ctx, req.id).await?;
    }
    Ok(Success { success: Some(true) })
}

/// Tells the room in use, and everybody who may know of it, who its hosts are now.
pub(super) async fn hosts_changed(ctx: &mut Ctx, room: RoomId) -> ApiResult<()> {
    let hosts = store::rooms::hosts(ctx.db(), room).await?;
    let data = json!({ "id": room, "host_user_ids": hosts });
    tell(ctx, "REVIEW_SESSION_HOSTS_CHANGED", room, data).await?;
    let app = ctx.app().clone();
    ctx.after_commit(async move {
        meetings::set_hosts(&app, room, hosts.clone()).await;
        app.hub.set_hosts(room.into(), hosts.into_iter().map(Into::into).collect()).await;
    });
    Ok(())
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetRole {
    id: RoomId,
    role: Option<String>,
}

/// Says what the caller is called in a room.
pub(crate) async fn set_role(ctx: &mut Ctx, req: SetRole) -> ApiResult<Success> {
    let caller = ctx.caller()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_seat()?;
    seat_by_team(ctx, req.id, caller.user_id).await?;
    store::rooms::role(ctx.db(), req.id, caller.user_id, req.role.as_deref()).await?;
    tell_updated(ctx, req.id).await?;
    Ok(Success { success: Some(true) })
}

/// Gives seats to people whom the caller may know of; whether there is place for them is asked by
/// [`need_room`], when all is done.
pub(super) async fn seat_all(
    ctx: &mut Ctx,
    caller: &Caller,
    room: &RoomRow,
    users: &[UserId],
    now: Millis,
) -> ApiResult<()> {
    for user in users {
        if store::rooms::seat(ctx.db(), room.id, *user).await?.is_some() {
            continue;
        }
        let found = store::users::get(ctx.db(), *user).await?.filter(|row| !row.is_guest);
        let known = store::users::share_anything(ctx.db(), caller.user_id, *user).await?;
        if found.is_none() || !known {
            return Err(ApiError::new(Code::USER_NOT_FOUND).field(
                "user_ids",
                Code::USER_NOT_FOUND,
                format!("there is no user {user}"),
            ));
        }
        store::rooms::add_seat(ctx.db(), room.id, *user, None, now).await?;
    }
    Ok(())
}

/// Gives a member of one of the room's teams the seat that they have not taken yet.
pub(super) async fn seat_by_team(ctx: &mut Ctx, room: RoomId, user: UserId) -> ApiResult<()> {
    let now = ctx.now();
    if store::rooms::seat(ctx.db(), room, user).await?.is_none() {
        store::rooms::seat_by_team(ctx.db(), room, user, now).await?;
        need_room(ctx, room).await?;
    }
    Ok(())
}

/// Refuses more people than a room has place for.
pub(super) async fn need_room(ctx: &mut Ctx, room: RoomId) -> ApiResult<()> {
    let app = ctx.app().clone();
    rooms::need_room(&app, ctx.db(), room).await
}

/// Makes these the people and the hosts of a room; whichever is absent stays.
pub(super) async fn replace(
    ctx: &mut Ctx,
    caller: &Caller,
    room: &RoomRow,
    users: Option<Vec<UserId>>,
    hosts: Option<Vec<UserId>>,
) -> ApiResult<()> {
    let now = ctx.now();
    let before = store::rooms::seats(ctx.db(), room.id).await?;
    let is_host = |user: UserId| match &hosts {
        Some(hosts) => user == room.owner_id || hosts.contains(&user),
        None => before.iter().any(|seat| seat.user_id == user && seat.is_host),
    };
    seat_all(ctx, caller, room, users.as_deref().unwrap_or_default(), now).await?;
    seat_all(ctx, caller, room, hosts.as_deref().unwrap_or_default(), now).await?;
    let mut changed = false;
    for seat in store::rooms::seats(ctx.db(), room.id).await? {
        let user = seat.user_id;
        let host = is_host(user);
        // Whoever has a seat by a team leaves with the team.
        let named = users.as_ref().is_none_or(|users| users.contains(&user));
        let stays = named || seat.via_team;
        if !stays && !host {
            changed |= seat.is_host;
            unseat(ctx, room.id, user).await?;
        } else if host != seat.is_host {
            store::rooms::set_host(ctx.db(), room.id, user, host).await?;
            changed = true;
        }
    }
    need_room(ctx, room.id).await?;
    if changed { hosts_changed(ctx, room.id).await } else { Ok(()) }
}

/// Whom to take out of a room.
pub(crate) struct Removal {
    pub(crate) id: RoomId,
    pub(crate) user_id: UserId,
}

/// Takes one person out of a room, whoever else comes meanwhile.
pub(crate) async fn remove(ctx: &mut Ctx, req: Removal) -> ApiResult<Success> {
    let caller = ctx.user()?.clone();
    let room = access::room(ctx.db(), &caller, req.id).await?;
    room.need_edit()?;
    let refused = |why: &str| {
        let code = Code::ACCESS_DENIED;
        Err(ApiError::new(code).field("user_id", code, why.to_owned()))
    };
    if room.is_owner(req.user_id) {
        return refused("The owner stays");
    }
    let seat = store::rooms::seat(ctx.db(), req.id, req.user_id).await?;
    let seat = seat.ok_or(ApiError::new(Code::USER_NOT_FOUND))?;
    if seat.via_team {
        return refused("They attend as a member of one of the room's teams");
    }
    unseat(ctx, req.id, req.user_id).await?;
    if seat.is_host {
        hosts_changed(ctx, req.id).await?;
    }
    tell_updated(ctx, req.id).await?;
    Ok(Success { success: Some(true) })
}

pub(super) async fn unseat(ctx: &mut Ctx, room: RoomId, user: UserId) -> ApiResult<()> {
    end_shares(ctx, room, Some(user)).await?;
    store::rooms::remove_seat(ctx.db(), room, user).await?;
    ctx.emit(Event {
        name: "REVIEW_SESSION_REMOVED",
        data: json!({ "id": room }),
        to: Audience::Users(vec![user]),
    });
    expel(ctx, room, user);
    Ok(())
}

/// Sends somebody's connections away, once that is stored.
fn expel(ctx: &mut Ctx, room: RoomId, user: UserId) {
    let app = ctx.app().clone();
    ctx.after_commit(async move {
        app.revocations.happened();
        meetings::expel(&app, room, user).await;
        app.hub.expel(room.into(), user.into()).await;
    });
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreateRoomUsers {
    emails: Vec<String>,
    review_session_id: RoomId,
}

/// Somebody who was given a seat.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct CreatedRoomUser {
    user_id: Option<UserId>,
}

/// Invites people by their addresses. One who has an account gets a seat; anyone else becomes a
/// guest of this room, whose link goes to them by mail. A guest who is invited again gets another
/// link, and the one before ends.
pub(crate) async fn create_users(
    ctx: &mut Ctx,
    req: CreateRoomUsers,
) -> ApiResult<Vec<CreatedRoomUser>> {
    let caller = ctx.user()?.clone();
    let room = access::room(ctx.db(), &caller, req.review_session_id).await?;
    room.need_edit()?;
    if req.emails.len() > INVITATIONS {
        let message = format!("not more than {INVITATIONS} at once");
        let error = ApiError::new(Code::INVALID_DATA);
        return Err(error.field("emails", Code::INVALID_DATA, message));
    }
    if let Some(bad) = req.emails.iter().find(|email| !is_email(email)) {
        let message = format!("{bad:?} is not an e-mail address");
        let error = ApiError::new(Code::INVALID_EMAIL);
        return Err(error.field("emails", Code::INVALID_EMAIL, message));
    }
    let mut created = Vec::with_capacity(req.emails.len());
    let mut invited: HashMap<String, UserId> = HashMap::new();
    for email in &req.emails {
        let email = email.trim().to_lowercase();
        // Another link would end the one that is in the first mail.
        let user_id = match invited.get(&email) {
            Some(user_id) => *user_id,
            None => invite(ctx, &room.row, &email).await?,
        };
        invited.insert(email, user_id);
        created.push(CreatedRoomUser { user_id: Some(user_id) });
    }
    need_room(ctx, room.row.id).await?;
    tell_updated(ctx, room.row.id).await?;
    Ok(created)
}

async fn invite(ctx: &mut Ctx, room: &RoomRow, email: &str) -> ApiResult<UserId> {
    let now = ctx.now();
    if let Some(user) = store::users::account(ctx.db(), email).await? {
        let adopted = store::rooms::adopt_guest(ctx.db(), email, user.id).await?;
        tell_adopted(ctx, adopted);
        store::rooms::add_seat(ctx.db(), room.id, user.id, None, now).await?;
        let url = format!("{}/#/rooms/{}", ctx.app().public_url(), room.id);
        mail::invite(ctx, room, email, &url).await?;
        return Ok(user.id);
    }
    let app = ctx.app().clone();
    let (user_id, url) = guest_link(ctx.db(), app.public_url(), room.id, email, now).await?;
    // Whoever came by the link before is out, and may be somebody else.
    expel(ctx, room.id, user_id);
    mail::invite(ctx, room, email, &url).await?;
    Ok(user_id)
}
