//! What happened, and who is told of it.
//!
//! An [`Event`] is published once, after the transaction that caused it has committed, to the
//! WebSocket connections of those who may see it. Each connection has a bounded [`Mailbox`]; one
//! that does not empty it is cut off and told to fetch anew (close code 4008), because an event
//! left out would leave its client wrong without knowing.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::extract::ws::Utf8Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::ids::{RoomId, UserId};

/// Identifies a WebSocket connection while the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Who is told of an event.
///
/// There is no audience for a company or a production on purpose: whoever emits the event asks
/// the store who may see the thing it is about, at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// All connections of these users.
    Users(Vec<UserId>),
    /// The connections that are in this room (see [`Bus::enter`]).
    Room(RoomId),
    /// The connections that are in this room, and all connections of these users; each once.
    RoomAndUsers(RoomId, Vec<UserId>),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its type, as in the contract.
    pub name: &'static str,
    /// What it says.
    pub data: Value,
    /// Who is told.
    pub to: Audience,
}

/// An event as it goes over the WebSocket.
#[must_use]
pub fn frame(name: &str, data: &Value) -> Utf8Bytes {
    json!({ "event_type": name, "data": data }).to_string().into()
}

/// Where events for one connection go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mailbox {
    frames: mpsc::Sender<Utf8Bytes>,
    cut: CancellationToken,
}

impl Mailbox {
    /// A mailbox of `capacity` frames, and the end they are taken out at.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<Utf8Bytes>) {
        let (frames, out) = mpsc::channel(capacity);
        (Self { frames, cut: CancellationToken::new() }, out)
    }

    /// Puts a frame in; cuts the connection off when the mailbox is full. Says whether it went in.
    pub fn send(&self, frame: Utf8Bytes) -> bool {
        match self.frames.try_send(frame) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.cut.cancel();
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Puts a frame in that the next one of its kind replaces, unless the connection is behind.
    pub fn offer(&self, frame: Utf8Bytes) {
        if self.frames.capacity() >= self.frames.max_capacity() / 2 {
            self.send(frame);
        }
    }

    /// Puts an event in; see [`Mailbox::send`].
    pub fn event(&self, name: &str, data: &Value) -> bool {
        self.send(frame(name, data))
    }

    /// Resolves when the connection has been cut off for being slow.
    pub async fn cut_off(&self) {
        self.cut.cancelled().await;
    }
}

#[derive(Debug)]
struct Member {
    user: UserId,
    mailbox: Mailbox,
    rooms: HashSet<RoomId>,
}

#[derive(Debug, Default)]
struct Members {
    connections: HashMap<ConnectionId, Member>,
    by_user: HashMap<UserId, HashSet<ConnectionId>>,
    by_room: HashMap<RoomId, HashSet<ConnectionId>>,
}

/// Takes events to the connections of those who may see them.
#[derive(Debug, Default)]
pub struct Bus {
    // Held only to look up and to `try_send`, never across an await point.
    members: Mutex<Members>,
    next: AtomicU64,
}

impl Bus {
    fn members(&self) -> MutexGuard<'_, Members> {
        // The maps are consistent after every statement below; a panic elsewhere while the lock
        // was held cannot have left them otherwise.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection of `user`.
    pub fn connect(&self, user: UserId, mailbox: Mailbox) -> ConnectionId {
        let id = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let mut members = self.members();
        members.connections.insert(id, Member { user, mailbox, rooms: HashSet::new() });
        members.by_user.entry(user).or_default().insert(id);
        id
    }

    /// Removes a connection, from all its rooms too.
    pub fn disconnect(&self, id: ConnectionId) {
        let mut members = self.members();
        let Some(member) = members.connections.remove(&id) else { return };
        forget(&mut members.by_user, member.user, id);
        for room in member.rooms {
            forget(&mut members.by_room, room, id);
        }
    }

    /// Lets a connection have the events of a room.
    pub fn enter(&self, id: ConnectionId, room: RoomId) {
        let mut members = self.members();
        if let Some(member) = members.connections.get_mut(&id) {
            member.rooms.insert(room);
            members.by_room.entry(room).or_default().insert(id);
        }
    }

    /// Ends what [`Bus::enter`] began.
    pub fn leave(&self, id: ConnectionId, room: RoomId) {
        let mut members = self.members();
        if let Some(member) = members.connections.get_mut(&id) {
            member.rooms.remove(&room);
        }
        forget(&mut members.by_room, room, id);
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.members().connections.len()
    }

    /// Sends `event` to its audience. Never waits; a connection that is too slow is cut off.
    pub fn publish(&self, event: &Event) {
        let members = self.members();
        let (room, users) = match &event.to {
            Audience::Users(users) => (None, users.as_slice()),
            Audience::Room(room) => (Some(room), [].as_slice()),
            Audience::RoomAndUsers(room, users) => (Some(room), users.as_slice()),
        };
        let in_room = room.and_then(|room| members.by_room.get(room)).into_iter().flatten();
        let of_users = users.iter().filter_map(|user| members.by_user.get(user)).flatten();
        let ids: HashSet<ConnectionId> = in_room.chain(of_users).copied().collect();
        if ids.is_empty() {
            return;
        }
        let frame = frame(event.name, &event.data);
        for member in ids.iter().filter_map(|id| members.connections.get(id)) {
            member.mailbox.send(frame.clone());
        }
    }
}

/// The order in which writers tell what they have done: that in which they committed.
///
/// A writer takes its turn while it still has the one transaction that writes, and tells when
/// those before it have: without this, of two changes of one thing the later might be told first
/// and the earlier stay believed.
#[derive(Debug, Default)]
pub struct Turns(Mutex<Option<oneshot::Receiver<()>>>);

/// A place in that order. It ends when it is dropped.
#[derive(Debug)]
pub struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _done: oneshot::Sender<()>,
}

impl Turns {
    /// The next turn.
    pub fn take(&self) -> Turn {
        let (done, after) = oneshot::channel();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Turn { before: last.replace(after), _done: done }
    }
}

impl Turn {
    /// Resolves when all turns before it have ended, however they did.
    pub async fn comes(&mut self) {
        if let Some(before) = self.before.take() {
            // It is dropped and not sent: an error is what is waited for.
            let _ = before.await;
        }
    }
}

fn forget<K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, HashSet<ConnectionId>>,
    key: K,
    id: ConnectionId,
) {
    if let Some(ids) = map.get_mut(&key) {
        ids.remove(&id);
        if ids.is_empty() {
            map.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(to: Audience) -> Event {
        Event { name: "VIEW", data: json!({"n": 1}), to }
    }

    #[test]
    fn an_event_reaches_its_audience_once_and_nobody_else() {
        let bus = Bus::default();
        let (host, guest, room) = (UserId::new(), UserId::new(), RoomId::new());
        let (host_box, mut host_out) = Mailbox::new(4);
        let (guest_box, mut guest_out) = Mailbox::new(4);
        let host_id = bus.connect(host, host_box);
        let guest_id = bus.connect(guest, guest_box);
        bus.enter(host_id, room);
        bus.publish(&event(Audience::RoomAndUsers(room, vec![host])));
        assert_eq!(
            host_out.try_recv().unwrap().as_str(),
            r#"{"data":{"n":1},"event_type":"VIEW"}"#
        );
        assert!(host_out.try_recv().is_err());
        assert!(guest_out.try_recv().is_err());
        bus.enter(guest_id, room);
        bus.leave(host_id, room);
        bus.publish(&event(Audience::Room(room)));
        assert!(host_out.try_recv().is_err());
        assert!(guest_out.try_recv().is_ok());
        bus.disconnect(guest_id);
        bus.publish(&event(Audience::RoomAndUsers(room, vec![guest])));
        assert!(guest_out.try_recv().is_err());
        assert_eq!(bus.connections(), 1);
    }

    #[tokio::test]
    async fn turns_come_in_the_order_in_which_they_were_taken() {
        let turns = Turns::default();
        let (mut first, mut second, mut third) = (turns.take(), turns.take(), turns.take());
        first.comes().await;
        let mut waiting = std::pin::pin!(third.comes());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut ready = || waiting.as_mut().poll(&mut context).is_ready();
        assert!(!ready());
        drop(first);
        second.comes().await;
        assert!(!ready(), "the second has not ended");
        drop(second);
        assert!(ready());
    }

    #[tokio::test]
    async fn a_connection_that_does_not_read_is_cut_off_and_others_are_not() {
        let bus = Bus::default();
        let user = UserId::new();
        let (slow, _slow_out) = Mailbox::new(1);
        let (quick, mut quick_out) = Mailbox::new(1);
        bus.connect(user, slow.clone());
        bus.connect(user, quick.clone());
        for _ in 0..2 {
            bus.publish(&event(Audience::Users(vec![user])));
            assert!(quick_out.try_recv().is_ok());
        }
        slow.cut_off().await;
        assert!(!quick.cut.is_cancelled());
    }
}
