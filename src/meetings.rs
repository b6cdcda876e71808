//! Voice and camera: the WebSocket endpoints `rushes/meeting/…`, and what a room's changes mean to
//! those who talk in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rushes_media::{Act, Joined, Joining, MeetingError, MeetingEvent, Rules, SessionId};
use rushes_sessions::UserId as SessionsUserId;
use rushes_signaling::room::RoomRequest;
use rushes_signaling::voice::{
    self, AnswerRequest, CameraRequest, JoinRequest, WhomRequest, attendee_of, meeting_of,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    access,
    app::App,
    error::{ApiError, ApiResult, Code},
    events::{Audience, ConnectionId, Event, Mailbox},
    ids::{RoomId, UserId},
    live,
    rooms::{admit, read},
    rpc::{Answering, Extension, ExtensionCall, Places},
    secret::SecretDigest,
    store::{
        self, StoreError,
        rooms::{Adopted, RoomRow},
    },
};

/// Meetings that one connection is in at once.
const PER_CONNECTION: usize = 4;
/// Voices go on for this long after their WebSocket was lost: whoever comes back takes over.
const GRACE: Duration = Duration::from_secs(10);

/// The rules of a room for those who talk in it.
#[must_use]
pub fn rules_of(row: &RoomRow) -> Rules {
    Rules { mute_on_entry: row.mute_on_entry, unmute_self: row.unmute_self }
}

/// Somebody may not be in a room any more.
pub async fn expel(app: &App, room: RoomId, user: UserId) {
    app.rights.notify_one();
    let user: SessionsUserId = user.into();
    app.media.expel_from_meeting(meeting_of(room.into()), attendee_of(user)).await;
}

/// A room has other hosts.
pub async fn set_hosts(app: &App, room: RoomId, hosts: Vec<UserId>) {
    let hosts = hosts.into_iter().map(|host| attendee_of(host.into())).collect();
    app.media.set_meeting_hosts(meeting_of(room.into()), hosts).await;
}

/// Accounts took over the seats of guests, and that is stored: the guests' connections end, and
/// everybody who may know of the rooms is told that their people changed. Where a seat is a host's
/// they, and the room in use, learn who its hosts are.
pub async fn adopted(app: &App, seats: Vec<Adopted>) {
    if !seats.is_empty() {
        app.revocations.happened();
    }
    for seat in seats {
        expel(app, seat.room, seat.guest).await;
        app.hub.expel(seat.room.into(), seat.guest.into()).await;
        if let Err(error) = people_anew(app, seat).await {
            tracing::error!(room = %seat.room, %error, "a room was not told of its people");
        }
    }
}

async fn people_anew(app: &App, seat: Adopted) -> Result<(), StoreError> {
    let room = seat.room;
    let mut tx = app.store.read().await?;
    let hosts = store::rooms::hosts(&mut tx, room).await?;
    let to = Audience::Users(store::rooms::audience(&mut tx, room).await?);
    drop(tx);
    let updated = json!({ "id": room });
    app.bus.publish(&Event { name: "REVIEW_SESSION_UPDATED", data: updated, to: to.clone() });
    if !seat.is_host {
        return Ok(());
    }
    let data = json!({ "id": room, "host_user_ids": hosts });
    app.bus.publish(&Event { name: "REVIEW_SESSION_HOSTS_CHANGED", data, to });
    set_hosts(app, room, hosts.clone()).await;
    app.hub.set_hosts(room.into(), hosts.into_iter().map(Into::into).collect()).await;
    Ok(())
}

/// A room has other rules.
pub async fn set_rules(app: &App, room: RoomId, rules: Rules) {
    app.media.set_meeting_rules(meeting_of(room.into()), rules).await;
}

/// A room is over.
pub async fn close(app: &App, room: RoomId) {
    app.rights.notify_one();
    app.media.close_meeting(meeting_of(room.into())).await;
}

/// The endpoints `rushes/meeting/…`.
#[derive(Debug, Default)]
pub struct MeetingExtension {
    sessions: Places<SessionId>,
    /// Counts who joined, so that a client tells the events of one joining from those of the next.
    attendances: AtomicU64,
}

impl Extension for MeetingExtension {
    fn call(&self, call: ExtensionCall) -> Answering<'_> {
        Box::pin(async move {
            match call.endpoint.as_str() {
                "rushes/meeting/join" => self.join(&call).await,
                "rushes/meeting/answer" => self.answer(&call).await,
                "rushes/meeting/mute" => self.mute(&call).await,
                "rushes/meeting/mute_all" => self.act(&call, room(&call)?, Act::MuteAll).await,
                "rushes/meeting/unmute" => self.unmute(&call).await,
                "rushes/meeting/camera" => self.camera(&call).await,
                "rushes/meeting/watch" => self.watch(&call).await,
                "rushes/meeting/leave" => self.leave(&call).await,
                _ => Err(ApiError::new(Code::UNKNOWN_ENDPOINT)),
            }
        })
    }

    fn disconnected(&self, app: &Arc<App>, connection: ConnectionId) {
        for session in self.sessions.leave_all(connection) {
            let app = Arc::clone(app);
            tokio::spawn(async move {
                tokio::select! {
                    () = app.stop.cancelled() => {}
                    () = tokio::time::sleep(GRACE) => app.media.leave_meeting(session).await,
                }
            });
        }
    }
}

fn room(call: &ExtensionCall) -> ApiResult<RoomId> {
    let request: RoomRequest = read(&call.data)?;
    Ok(request.id.into())
}

impl MeetingExtension {
    /// The session that a connection has in a room's meeting.
    fn session(&self, call: &ExtensionCall, room: RoomId) -> ApiResult<SessionId> {
        self.sessions.of(call.connection.id, room).ok_or_else(|| refused(&MeetingError::NotThere))
    }

    async fn join(&self, call: &ExtensionCall) -> ApiResult<Value> {
        let request: JoinRequest = read(&call.data)?;
        let (app, connection) = (&call.app, &call.connection);
        let (room, user) = (RoomId::from(request.id), connection.caller.user_id);
        self.need_place(call, room)?;
        let (rules, joining) = who_joins(call, room, &request.join_token).await?;
        let meeting = meeting_of(request.id);
        let joined = app.media.join_meeting(meeting, rules, joining).await;
        let Joined { session, offered, events } = joined.map_err(|error| refused(&error))?;
        self.sessions.take(connection.id, room, session);
        // Whoever was removed meanwhile was perhaps removed before they were in.
        if let Err(error) = who_joins(call, room, &request.join_token).await {
            app.media.leave_meeting(session).await;
            return Err(error);
        }
        let attendance = self.attendances.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(forward(room, attendance, events, connection.mailbox.clone()));
        let ice = live::ice::configuration(&live::ice_servers(app));
        Ok(voice::joined(request.id, user.into(), attendance, &offered, &ice))
    }

    fn need_place(&self, call: &ExtensionCall, room: RoomId) -> ApiResult<()> {
        let is_over = |session: &SessionId| !call.app.media.knows(*session);
        if self.sessions.elsewhere(call.connection.id, room, is_over) >= PER_CONNECTION {
            return Err(
                ApiError::new(Code::CANNOT_JOIN).message("Too many meetings by one connection")
            );
        }
        Ok(())
    }

    async fn answer(&self, call: &ExtensionCall) -> ApiResult<Value> {
        let request: AnswerRequest = read(&call.data)?;
        let session = self.session(call, request.id.into())?;
        let media = &call.app.media;
        let done = media.answer_meeting(session, request.offer, request.sdp).await;
        done.map(|()| json!({})).map_err(|error| refused(&error))
    }

    async fn act(&self, call: &ExtensionCall, room: RoomId, act: Act) -> ApiResult<Value> {
        let session = self.session(call, room)?;
        let done = call.app.media.act_in_meeting(session, act).await;
        done.map(|()| json!({})).map_err(|error| refused(&error))
    }

    /// Mutes oneself or, for a host, another.
    async fn mute(&self, call: &ExtensionCall) -> ApiResult<Value> {
        let request: WhomRequest = read(&call.data)?;
        let act = match request.user_id.filter(|user| !is_caller(call, *user)) {
            Some(user) => Act::MuteOther(attendee_of(user)),
            None => Act::Mute,
        };
        self.act(call, request.id.into(), act).await
    }

    /// Unmutes oneself or, for a host, asks another to.
    async fn unmute(&self, call: &ExtensionCall) -> ApiResult<Value> {
        let request: WhomRequest = read(&call.data)?;
        let act = match request.user_id.filter(|user| !is_caller(call, *user)) {
            Some(user) => Act::AskToUnmute(attendee_of(user)),
            None => Act::Unmute,
        };
        self.act(call, request.id.into(), act).await
    }

    async fn camera(&self, call: &ExtensionCall) -> ApiResult<Value> {
        let request: CameraRequest = read(&call.data)?;
        self.act(call, request.id.into(), Act::Camera(request.on)).await
    }

    async fn watch(&self, call: &ExtensionCall) -> ApiResult<Value> {
        let request: WhomRequest = read(&call.data)?;
        self.act(call, request.id.into(), Act::Watch(request.user_id.map(attendee_of))).await
    }

    async fn leave(&self, call: &ExtensionCall) -> ApiResult<Value> {
        let room = room(call)?;
        if let Some(session) = self.sessions.leave(call.connection.id, room) {
            call.app.media.leave_meeting(session).await;
        }
        Ok(json!({ "id": room }))
    }
}

fn is_caller(call: &ExtensionCall, user: SessionsUserId) -> bool {
    SessionsUserId::from(call.connection.caller.user_id) == user
}

/// Who somebody is in a meeting, if they may be in it and their token is the one they got last.
async fn who_joins(
    call: &ExtensionCall,
    room: RoomId,
    join_token: &str,
) -> ApiResult<(Rules, Joining)> {
    let (app, caller) = (&call.app, &call.connection.caller);
    let attendee = admit(app, &call.connection, room).await?;
    let mut tx = app.store.read().await?;
    let seen = access::room(&mut tx, caller, room).await?;
    let digest = SecretDigest::of(join_token);
    if !store::rooms::is_attendee(&mut tx, room, caller.user_id, &digest).await? {
        return Err(ApiError::new(Code::CANNOT_JOIN).message("Join the room anew"));
    }
    let who = attendee_of(caller.user_id.into());
    let joining = Joining { who, name: attendee.name, is_host: seen.is_host };
    Ok((rules_of(&seen.row), joining))
}

/// Takes what happens in a meeting to a connection, until the session ends.
async fn forward(
    room: RoomId,
    attendance: u64,
    mut events: mpsc::Receiver<MeetingEvent>,
    mailbox: Mailbox,
) {
    let room = room.into();
    let mut told = false;
    // Also for a connection that is gone: who does not take their events is put out, and the
    // voice is to go on for a while.
    while let Some(event) = events.recv().await {
        let (name, data) = voice::event(room, attendance, &event);
        mailbox.event(name, &data);
        told |= matches!(event, MeetingEvent::Ended(_));
    }
    if !told {
        let (name, data) = voice::ended(room, attendance, None);
        mailbox.event(name, &data);
    }
}

/// What a refusal of the meeting is to the caller.
fn refused(error: &MeetingError) -> ApiError {
    let code = match error {
        MeetingError::Full | MeetingError::TooManyTalk | MeetingError::TooManyCameras => {
            Code::ROOM_FULL
        }
        MeetingError::HostsOnly | MeetingError::MayNotUnmute => Code::ACCESS_DENIED,
        MeetingError::NotThere => Code::NOT_IN_ROOM,
        MeetingError::NoOffer | MeetingError::BadAnswer => Code::INVALID_DATA,
        _ => Code::TOO_FAST,
    };
    let mut message = error.to_string();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    ApiError::new(code).message(message)
}
