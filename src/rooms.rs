//! Rooms in use: the hub and its journal, and the WebSocket endpoints `rushes/room/…`.

mod chat;
mod drawing;
mod share;

use std::{sync::Arc, time::Duration};

use axum::extract::ws::Utf8Bytes;
use rushes_sessions::{
    self as sessions, Asset, Attendee, FrameRate, Hub, Reason, Report,
    hub::{
        self, Closed, Delivery, HubConfig, HubError, Journal, JournalError, Record, RoomEvent,
        Stored, Subscription,
    },
};
use rushes_signaling::{
    chat::ChatBody,
    log::LogLine,
    room::{
        ClosedReason, CommandRequest, PageBody, PageRequest, ReportRequest, RoomRequest,
        SubscribeRequest, SubscribedBody, closed_text, event_text, failure, strokes_text,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::{
    access,
    app::App,
    error::{ApiError, ApiResult, Code},
    events::{Audience, ConnectionId, Event, Mailbox},
    ids::{AssetId, Id, RoomId, kind},
    rpc::{Answering, Caller, CallerKind, Connection, Extension, ExtensionCall, Places},
    store::{
        self, Db, Store,
        assets::AssetRow,
        rooms::{Kept, TakenSeat},
        text::{AssetSubtype, AssetType, RoomStatus},
    },
    time::Millis,
};

/// A picture that stands, and a clip whose rate nobody knows, count as this many frames a second.
const USUAL_RATE: (u32, u32) = (25, 1);
/// Rooms that one connection attends at once.
const ROOMS_PER_CONNECTION: usize = 8;
/// How often a subscription is renewed whose room had to begin anew, and how long each waits.
const RENEWALS: u32 = 10;
const RENEWAL_WAIT: Duration = Duration::from_millis(200);

macro_rules! convert {
    ($($kind:ident => $sessions:ident),+) => { $(
        impl From<Id<kind::$kind>> for sessions::$sessions {
            fn from(id: Id<kind::$kind>) -> Self {
                Self(id.as_u128())
            }
        }
        impl From<sessions::$sessions> for Id<kind::$kind> {
            fn from(id: sessions::$sessions) -> Self {
                Self::from_u128(id.0)
            }
        }
    )+ };
}

convert!(Room => RoomId, User => UserId, Asset => AssetId);

/// The rooms' journal in the database.
#[derive(Debug)]
struct StoreJournal(Store);

impl Journal for StoreJournal {
    fn load(
        &self,
        room: sessions::RoomId,
    ) -> hub::Future<'_, Result<Option<Stored>, JournalError>> {
        Box::pin(async move {
            let mut tx = self.0.read_aside().await.map_err(journal_error)?;
            store::rooms::load(&mut tx, room.into()).await.map_err(journal_error)
        })
    }

    fn commit(&self, batch: Vec<Record>) -> hub::Future<'_, Result<(), JournalError>> {
        Box::pin(async move {
            let kept = |record: Record| {
                let log = record.log.iter().map(LogLine::from).collect();
                let chat = record.chat.iter().map(ChatBody::from).collect();
                let drawing = record.drawing;
                Kept { room: record.room.into(), state: record.state, log, chat, drawing }
            };
            let batch: Vec<Kept> = batch.into_iter().map(kept).collect();
            let mut tx = self.0.write().await.map_err(journal_error)?;
            store::rooms::commit_states(&mut tx, &batch, Millis::now())
                .await
                .map_err(journal_error)?;
            tx.commit().await.map_err(|error| JournalError(error.to_string()))
        })
    }
}

fn journal_error(error: store::StoreError) -> JournalError {
    JournalError(error.to_string())
}

/// A hub whose rooms are journaled in `store`. Must be called inside a tokio runtime.
#[must_use]
pub fn hub(store: &Store) -> Hub {
    Hub::start(Arc::new(StoreJournal(store.clone())), HubConfig::default())
}

/// What the hub's refusal is to the caller.
#[must_use]
pub fn refused(hub: &Hub, error: &HubError) -> ApiError {
    let (code, message, snapshot) = failure(error, hub.now().0);
    let refused = ApiError::new(Code(code)).message(message);
    match snapshot {
        Some(snapshot) => refused.beside("snapshot", json!(snapshot)),
        None => refused,
    }
}

/// How a room plays an asset: a clip with its frames, or a live source.
#[must_use]
pub fn playable(row: &AssetRow) -> Asset {
    let id = row.id.into();
    let is_source = row.subtype == Some(AssetSubtype::Streaming);
    if row.is_live || (is_source && row.frames.is_none()) {
        return Asset::live(id);
    }
    let part = |part: Option<i64>| part.and_then(|part| u32::try_from(part).ok());
    let known = part(row.fps_num).zip(part(row.fps_den));
    let (num, den) = known.unwrap_or(USUAL_RATE);
    let rate = FrameRate::new(num, den).or_else(|| FrameRate::new(USUAL_RATE.0, USUAL_RATE.1));
    let rate = rate.expect("25 frames a second are a frame rate");
    let counted = row.duration_ms.map(|ms| {
        let ms = i128::from(ms) * i128::from(rate.num());
        i64::try_from(ms / (1000 * i128::from(rate.den()))).unwrap_or(i64::MAX).max(1)
    });
    let frames = match row.asset_type {
        AssetType::Image | AssetType::Pdf => Some(1),
        _ => row.frames.or(counted),
    };
    Asset::clip(id, rate, frames)
}

/// The endpoints `rushes/room/…`.
#[derive(Debug, Default)]
pub struct RoomExtension {
    attending: Places<AbortHandle>,
}

impl Extension for RoomExtension {
    fn call(&self, call: ExtensionCall) -> Answering<'_> {
        Box::pin(async move {
            match call.endpoint.as_str() {
                "rushes/room/subscribe" => self.subscribe(&call).await,
                "rushes/room/unsubscribe" => self.unsubscribe(&call),
                "rushes/room/command" => command(self.attended(&call)?).await,
                "rushes/room/report" => report(self.attended(&call)?),
                "rushes/room/users" => users(self.attended(&call)?).await,
                "rushes/room/draw" => drawing::draw(self.attended(&call)?).await,
                "rushes/room/point" => drawing::point(self.attended(&call)?),
                "rushes/room/erase" => drawing::erase(self.attended(&call)?).await,
                "rushes/room/keep" => drawing::keep(&call).await,
                "rushes/room/share" => share::share(&call).await,
                "rushes/room/unshare" => share::unshare(&call).await,
                "rushes/room/chat" => chat::say(self.attended(&call)?).await,
                "rushes/room/chat/history" => chat::history(&call).await,
                _ => Err(ApiError::new(Code::UNKNOWN_ENDPOINT)),
            }
        })
    }

    fn disconnected(&self, _: &Arc<App>, connection: ConnectionId) {
        for forwarder in self.attending.leave_all(connection) {
            forwarder.abort();
        }
    }
}

impl RoomExtension {
    /// What only those may ask who attend the room. Refuses a connection that does not: whether
    /// there is one it does not hear, and the room does not hear of it.
    fn attended<'a>(&self, call: &'a ExtensionCall) -> ApiResult<&'a ExtensionCall> {
        let room = RoomId::from(read::<RoomRequest>(&call.data)?.id);
        if self.attending.has(call.connection.id, room, AbortHandle::is_finished) {
            return Ok(call);
        }
        let (code, message, _) = failure(&HubError::Denied(Reason::NotPresent), 0.0);
        Err(ApiError::new(Code(code)).message(message))
    }

    async fn subscribe(&self, call: &ExtensionCall) -> ApiResult<Value> {
        let request: SubscribeRequest = read(&call.data)?;
        let (app, connection) = (&call.app, &call.connection);
        let room = RoomId::from(request.id);
        if self.attending.elsewhere(connection.id, room, AbortHandle::is_finished)
            >= ROOMS_PER_CONNECTION
        {
            return Err(
                ApiError::new(Code::CANNOT_JOIN).message("Too many rooms by one connection")
            );
        }
        let seat = Place { room, connection: connection.clone() };
        let (snapshot, subscription) = seat.take(app, request.since).await?;
        app.bus.enter(connection.id, room);
        // Before all that follows, and once for each subscription.
        connection.mailbox.send(strokes_text(request.id, &snapshot.strokes).into());
        let user = connection.caller.user_id.into();
        let answer = SubscribedBody::new(request.id, &snapshot, user);
        let forwarder = forward(Arc::clone(app), seat, subscription, connection.mailbox.clone());
        let forwarder = tokio::spawn(forwarder).abort_handle();
        if let Some(former) = self.attending.take(connection.id, room, forwarder) {
            former.abort();
        }
        Ok(json!(answer))
    }

    fn unsubscribe(&self, call: &ExtensionCall) -> ApiResult<Value> {
        let request: RoomRequest = read(&call.data)?;
        let room = RoomId::from(request.id);
        if let Some(forwarder) = self.attending.leave(call.connection.id, room) {
            forwarder.abort();
        }
        call.app.bus.leave(call.connection.id, room);
        Ok(json!({ "id": request.id }))
    }
}

/// Somebody's connection to a room.
struct Place {
    room: RoomId,
    connection: Connection,
}

impl Place {
    /// Attends the room, as long as its person may.
    async fn take(
        &self,
        app: &App,
        since: Option<u64>,
    ) -> ApiResult<(hub::Snapshot, Subscription)> {
        let attendee = admit(app, &self.connection, self.room).await?;
        let connection = sessions::ConnectionId(self.connection.id.0);
        let taken = app
            .hub
            .subscribe(self.room.into(), attendee, connection, since)
            .await
            .map_err(|error| refused(&app.hub, &error))?;
        // Whoever was removed meanwhile was perhaps removed before they were in.
        admit(app, &self.connection, self.room).await?;
        Ok(taken)
    }
}

/// Who somebody is in a room, if they may attend it and their token was not taken away.
pub(crate) async fn admit(app: &App, connection: &Connection, room: RoomId) -> ApiResult<Attendee> {
    connection.still_good(app).await?;
    let caller = &connection.caller;
    let seat = if caller.is_guest_elsewhere(room) {
        None
    } else {
        let mut db = app.store.ask().await?;
        store::rooms::taken_seat(&mut db, room, caller.user_id).await?
    };
    let seat = match seat {
        Some(seat) => seat,
        // Apart: it is seldom needed, and would make every question of this kind as large.
        None => Box::pin(seat_by_team(app, caller, room)).await?,
    };
    if seat.status == RoomStatus::Complete {
        return Err(ApiError::new(Code::ROOM_COMPLETE));
    }
    let name = store::users::full_name(&seat.first_name, &seat.last_name);
    let guest = matches!(caller.kind, CallerKind::Guest { .. });
    Ok(Attendee { user: caller.user_id.into(), name, guest })
}

/// Refuses more people than a room has place for.
pub(crate) async fn need_room(app: &App, db: &mut Db, room: RoomId) -> ApiResult<()> {
    let people = store::rooms::participants(db, room).await?;
    let most = i64::from(app.config.limits.room_people);
    if people > most { Err(ApiError::new(Code::ROOM_FULL)) } else { Ok(()) }
}

/// Gives a seat to a member of one of the room's teams who comes for the first time, and tells
/// everybody else why they have none.
async fn seat_by_team(app: &App, caller: &Caller, room: RoomId) -> ApiResult<TakenSeat> {
    {
        // Why not is worth the longer question; who comes in is asked the short one, as thousands
        // come at once when a server was away.
        let mut tx = app.store.read().await?;
        let seen = access::room(&mut tx, caller, room).await?;
        seen.need_seat()?;
        if seen.row.status == RoomStatus::Complete {
            return Err(ApiError::new(Code::ROOM_COMPLETE));
        }
    }
    let mut tx = app.store.write().await?;
    store::rooms::seat_by_team(&mut tx, room, caller.user_id, Millis::now()).await?;
    need_room(app, &mut tx, room).await?;
    let seat = store::rooms::taken_seat(&mut tx, room, caller.user_id).await?;
    let seat = seat.ok_or(ApiError::new(Code::ROOM_NOT_FOUND))?;
    let to = Audience::Users(store::rooms::audience(&mut tx, room).await?);
    let mut turn = app.turns.take();
    tx.commit().await.map_err(|error| ApiError::internal(&error))?;
    turn.comes().await;
    let data = json!({ "id": room });
    app.bus.publish(&Event { name: "REVIEW_SESSION_UPDATED", data, to });
    Ok(seat)
}

/// Takes what happens in a room to a connection, until either ends.
async fn forward(app: Arc<App>, place: Place, mut subscription: Subscription, mailbox: Mailbox) {
    let ended = loop {
        match subscription.next().await {
            Delivery::Event(broadcast) => {
                // The same bytes for everyone: only the check that they are UTF-8 is each one's.
                let Ok(frame) = Utf8Bytes::try_from(broadcast.text(event_text)) else { continue };
                if matches!(broadcast.event, RoomEvent::Pointers(_)) {
                    mailbox.offer(frame);
                } else if !mailbox.send(frame) {
                    break None;
                }
            }
            // In a box: it is seldom needed, and much longer than what waits here otherwise.
            Delivery::Resync => match Box::pin(renew(&app, &place, &mailbox)).await {
                Ok(renewed) => subscription = renewed,
                Err(reason) => break Some(reason),
            },
            Delivery::Closed(Closed::Removed) => break Some(ClosedReason::Removed),
            Delivery::Closed(Closed::Deleted) => break Some(ClosedReason::Deleted),
            Delivery::Closed(Closed::Replaced) => break Some(ClosedReason::Replaced),
        }
    };
    app.bus.leave(place.connection.id, place.room);
    if let Some(reason) = ended {
        mailbox.send(closed_text(place.room.into(), reason).into());
    }
}

/// Attends a room again that had to begin anew, and tells the connection what it may have missed.
async fn renew(app: &App, place: &Place, mailbox: &Mailbox) -> Result<Subscription, ClosedReason> {
    for _ in 0..RENEWALS {
        tokio::time::sleep(RENEWAL_WAIT).await;
        let (snapshot, subscription) = match place.take(app, None).await {
            Ok(taken) => taken,
            Err(error) if [Code::ROOM_NOT_FOUND, Code::INVALID_TOKEN].contains(&error.code()) => {
                return Err(ClosedReason::Removed);
            }
            Err(_) => continue,
        };
        let state = RoomEvent::State {
            state: Box::new(snapshot.state),
            with_text: true,
            server_ms: snapshot.server_ms,
            cmd_id: None,
            by: None,
        };
        mailbox.send(strokes_text(place.room.into(), &snapshot.strokes).into());
        let live = snapshot.live_delay_ms.map(RoomEvent::LiveDelay);
        for event in [state, RoomEvent::Users(snapshot.people)].into_iter().chain(live) {
            mailbox.send(event_text(place.room.into(), &event).into());
        }
        return Ok(subscription);
    }
    tracing::warn!(room = %place.room, "a room did not come back");
    Err(ClosedReason::Resync)
}

async fn command(call: &ExtensionCall) -> ApiResult<Value> {
    let request: CommandRequest = read(&call.data)?;
    let room = request.id;
    let asset = match request.asset_id() {
        Some(asset) => Some(shown(&call.app, room.into(), asset.into()).await?),
        None => None,
    };
    let command = request
        .into_command(asset)
        .map_err(|error| ApiError::new(Code::INVALID_DATA).message(error.to_string()))?;
    let connection = sessions::ConnectionId(call.connection.id.0);
    let hub = &call.app.hub;
    let ack = hub.command(room, connection, command).await.map_err(|error| refused(hub, &error))?;
    Ok(json!(ack))
}

/// The asset as its room plays it. Whether the caller may is the room's to say: an asset that it
/// does not show answers 404, to everyone alike.
async fn shown(app: &App, room: RoomId, asset: AssetId) -> ApiResult<Asset> {
    let mut tx = app.store.read().await?;
    shown_by(&mut tx, room, asset).await
}

/// As [`shown`], for who has the database already.
pub(crate) async fn shown_by(db: &mut Db, room: RoomId, asset: AssetId) -> ApiResult<Asset> {
    let unknown = || ApiError::new(Code::NOT_FOUND).message("The room does not show this asset");
    let shown = access::shown_in_room(db, room).await?;
    if !shown.iter().any(|entry| entry.asset_id == asset) {
        return Err(unknown());
    }
    let found = store::assets::get(db, asset).await?.ok_or_else(unknown)?;
    Ok(playable(&found.row))
}

fn report(call: &ExtensionCall) -> ApiResult<Value> {
    let request: ReportRequest = read(&call.data)?;
    let connection = sessions::ConnectionId(call.connection.id.0);
    call.app.hub.report(request.id, connection, Report::from(&request));
    Ok(json!({}))
}

/// A part of the list of all people, of whom events name only some where there are many.
async fn users(call: &ExtensionCall) -> ApiResult<Value> {
    let request: PageRequest = read(&call.data)?;
    let connection = sessions::ConnectionId(call.connection.id.0);
    let hub = &call.app.hub;
    let page = hub.people(request.id, connection, request.after, request.most()).await;
    Ok(json!(PageBody::new(request.id, &page.map_err(|error| refused(hub, &error))?)))
}

/// The parameters of a request to an extension.
pub(crate) fn read<T: DeserializeOwned>(data: &Value) -> ApiResult<T> {
    T::deserialize(data)
        .map_err(|error| ApiError::new(Code::INVALID_DATA).message(error.to_string()))
}
