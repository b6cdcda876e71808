//! The table of sessions: who they are, and how datagrams find them.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use crate::ahead::ahead;
use crate::egress::Counters;
use crate::ids::{AddressMap, ConnectionId, SessionId, StreamId};
use crate::webrtc::{Link, Pair, Publisher, Viewer};

use super::claims::Claims;
use super::feeds::FeedEnd;
use super::layers::{Chooser, Network};
use super::meetings::Attendance;

/// A session that does not connect within this time ends.
const CONNECT: Duration = Duration::from_secs(15);
/// A session that is not heard of for this long ends: clients check their way
/// every few seconds (RFC 7675, 5.1 gives up after 30).
const SILENCE: Duration = Duration::from_secs(15);
/// A publisher that sends no media for this long ends: its stream is free for another.
const NO_MEDIA: Duration = Duration::from_secs(30);
/// For this long an ended session is still known: clients delete it late.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Addresses that one session may have proven at a time.
const ADDRESSES: usize = 8;
/// Its TCP connections: a client makes one to every address that it is told.
const CONNECTIONS: usize = 16;

/// User fragments of before ICE restarts that still find a session.
const FORMER: usize = 2;

/// The beginning of a session's id: all of it would let a reader of the log end it.
pub(super) fn short(id: SessionId) -> String {
    id.to_string().chars().take(6).collect()
}

/// A place in the table. Never used twice for different sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Slot {
    index: u32,
    generation: u32,
}

#[cfg(test)]
impl Slot {
    /// Places of a table that a test does not have.
    pub(super) fn some() -> [Self; 2] {
        [0, 1].map(|index| Self { index, generation: 1 })
    }
}

/// The end of a stream that a session is, or a member of a meeting.
#[derive(Debug)]
pub(super) enum End {
    Publisher(Box<Publisher>),
    Viewer(Box<Viewing>),
    Member(Box<Attendance>),
    /// A publisher that comes another way: its packets are handed over.
    Feed(FeedEnd),
}

/// A viewer with all that belongs to its place in the stream.
#[derive(Debug)]
pub(super) struct Viewing {
    pub(super) viewer: Viewer,
    /// The fan-out thread that sends to it, once it is connected.
    pub(super) thread: Option<usize>,
    /// What it was sent.
    pub(super) counters: Arc<Counters>,
    /// When it was connected, in unix milliseconds.
    pub(super) since: i64,
    /// It is sent what is made of the picture here, beside what the publisher sends.
    pub(super) made: bool,
    /// It is sent all six channels of the sound, or is about to be.
    pub(super) surround: bool,
    chooser: Option<Chooser>,
}

impl Viewing {
    /// It is seated, and is sent this layer at first.
    pub(super) fn begin(&mut self, now: Instant, layer: u8) {
        // A choice of before counts.
        self.chooser(now).began(now, layer);
    }

    /// The choice of its layer.
    pub(super) fn chooser(&mut self, now: Instant) -> &mut Chooser {
        self.chooser.get_or_insert_with(|| Chooser::new(now, 0))
    }

    /// What is known of its network.
    pub(super) fn network(&self, now: Instant) -> Network {
        let reception = &self.viewer.reception;
        Network { loss: reception.loss, estimate: reception.estimate(now) }
    }
}

impl End {
    pub(super) fn viewer(viewer: Viewer) -> Self {
        End::Viewer(Box::new(Viewing {
            viewer,
            thread: None,
            counters: Arc::default(),
            since: 0,
            made: false,
            surround: false,
            chooser: None,
        }))
    }
}

/// A session with all that the driver knows of it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) stream: StreamId,
    pub(super) end: End,
    pub(super) connected: bool,
    /// The deadline for which an entry in the timers exists.
    pub(super) armed: Option<Instant>,
    opened: Instant,
    heard: Instant,
    /// When a publisher's last packet came; before the first, when the session was opened.
    media: Instant,
    /// Under which it was found before its ICE restarts.
    former_ufrags: Vec<String>,
    /// The ways that the client has proven, the oldest first.
    ways: Vec<Pair>,
    _permit: OwnedSemaphorePermit,
}

impl Session {
    pub(super) fn new(
        now: Instant,
        id: SessionId,
        stream: StreamId,
        end: End,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            id,
            stream,
            end,
            connected: false,
            armed: None,
            opened: now,
            heard: now,
            media: now,
            former_ufrags: Vec::new(),
            ways: Vec::new(),
            _permit: permit,
        }
    }

    /// The name that STUN has for it; none where there is no ICE.
    pub(super) fn local_ufrag(&self) -> Option<&str> {
        match &self.end {
            End::Publisher(publisher) => Some(&publisher.link.ice.local().ufrag),
            End::Member(attendance) => Some(attendance.member.peer.local_ufrag()),
            End::Viewer(viewing) => Some(&viewing.viewer.link.ice.local().ufrag),
            End::Feed(_) => None,
        }
    }

    /// The client's user fragment; nothing is known of a member's, and a feed has none.
    pub(super) fn remote_ufrag(&self) -> Option<&str> {
        match &self.end {
            End::Publisher(publisher) => Some(publisher.link.ice.remote_ufrag()),
            End::Viewer(viewing) => Some(viewing.viewer.link.ice.remote_ufrag()),
            End::Member(_) | End::Feed(_) => None,
        }
    }

    /// The way to the client of one that is not str0m's.
    pub(super) fn link(&mut self) -> Option<&mut Link> {
        match &mut self.end {
            End::Publisher(publisher) => Some(&mut publisher.link),
            End::Viewer(viewing) => Some(&mut viewing.viewer.link),
            End::Member(_) | End::Feed(_) => None,
        }
    }

    pub(super) fn viewing(&mut self) -> Option<&mut Viewing> {
        match &mut self.end {
            End::Viewer(viewing) => Some(viewing),
            End::Publisher(_) | End::Member(_) | End::Feed(_) => None,
        }
    }

    pub(super) fn publisher(&mut self) -> Option<&mut Publisher> {
        match &mut self.end {
            End::Publisher(publisher) => Some(publisher),
            End::Viewer(_) | End::Member(_) | End::Feed(_) => None,
        }
    }

    pub(super) fn attendance(&mut self) -> Option<&mut Attendance> {
        match &mut self.end {
            End::Member(attendance) => Some(attendance),
            End::Publisher(_) | End::Viewer(_) | End::Feed(_) => None,
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        match &self.end {
            End::Publisher(publisher) => publisher.is_alive(),
            End::Member(attendance) => attendance.member.peer.is_alive(),
            End::Viewer(viewing) => viewing.viewer.is_alive(),
            End::Feed(_) => true,
        }
    }

    /// The way to an address of this client's.
    pub(super) fn way_to(&self, remote: SocketAddr, tcp: bool) -> Option<Pair> {
        self.ways.iter().find(|way| way.remote == remote && way.tcp.is_some() == tcp).copied()
    }

    /// Its TCP connections.
    pub(super) fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.ways.iter().filter_map(|way| way.tcp)
    }

    /// A sign of life.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// A packet of the publisher's tracks.
    pub(super) fn sends_media(&mut self, now: Instant) {
        self.media = now;
    }

    /// Why it is to end, if it is.
    fn expired(&self, now: Instant) -> Option<&'static str> {
        let since = |at: Instant| now.saturating_duration_since(at);
        let publishes = matches!(self.end, End::Publisher(_) | End::Feed(_));
        // Whoever receives a feed looks after its connection.
        let silent = !matches!(self.end, End::Feed(_)) && since(self.heard) > SILENCE;
        if !self.connected {
            (since(self.opened) > CONNECT).then_some("it did not connect")
        } else if silent {
            Some("it was not heard of")
        } else {
            (publishes && since(self.media) > NO_MEDIA).then_some("it sends no media")
        }
    }
}

#[derive(Debug, Default)]
struct Place {
    generation: u32,
    session: Option<Session>,
}

/// A TCP connection that now belongs to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connected {
    pub(super) proven: ConnectionId,
    /// One that the session no longer may hold.
    pub(super) given_up: Option<ConnectionId>,
}

/// All sessions of a shard.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    places: Vec<Place>,
    free: Vec<u32>,
    by_id: HashMap<SessionId, Slot>,
    by_ufrag: HashMap<String, Slot>,
    by_address: AddressMap<Claims>,
    by_connection: HashMap<ConnectionId, Slot>,
    ended: VecDeque<(Instant, SessionId)>,
}

impl Sessions {
    pub(super) fn insert(&mut self, session: Session) -> Slot {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() as u32 - 1
        });
        let place = &mut self.places[index as usize];
        place.generation = place.generation.wrapping_add(1);
        let slot = Slot { index, generation: place.generation };
        self.by_id.insert(session.id, slot);
        if let Some(ufrag) = session.local_ufrag() {
            self.by_ufrag.insert(ufrag.to_owned(), slot);
        }
        place.session = Some(session);
        slot
    }

    pub(super) fn get(&mut self, slot: Slot) -> Option<&mut Session> {
        let place = self.places.get_mut(slot.index as usize)?;
        if place.generation != slot.generation {
            return None;
        }
        place.session.as_mut()
    }

    /// The session at this place, to be looked at.
    pub(super) fn peek(&self, slot: Slot) -> Option<&Session> {
        let place = self.places.get(slot.index as usize)?;
        place.session.as_ref().filter(|_| place.generation == slot.generation)
    }

    /// Asks for the memory of a place.
    pub(super) fn ahead(&self, slot: Slot) {
        if let Some(place) = self.places.get(slot.index as usize) {
            ahead(place);
        }
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Slot> {
        self.by_id.get(&id).copied()
    }

    /// Takes the session out; it is remembered for a while as one that was.
    pub(super) fn remove(&mut self, now: Instant, slot: Slot) -> Option<Session> {
        let place = self.places.get_mut(slot.index as usize)?;
        if place.generation != slot.generation {
            return None;
        }
        let session = place.session.take()?;
        self.free.push(slot.index);
        self.by_id.remove(&session.id);
        if let Some(ufrag) = session.local_ufrag() {
            self.by_ufrag.remove(ufrag);
        }
        for ufrag in &session.former_ufrags {
            self.by_ufrag.remove(ufrag);
        }
        for way in &session.ways {
            self.lose(slot, way);
        }
        self.ended.push_back((now, session.id));
        Some(session)
    }

    /// Whether the session ended not long ago.
    pub(super) fn ended(&self, id: SessionId) -> bool {
        self.ended.iter().any(|(_, ended)| *ended == id)
    }

    /// Forgets those that ended long ago, and returns them.
    pub(super) fn forget(&mut self, now: Instant) -> Vec<SessionId> {
        let mut forgotten = Vec::new();
        while let Some((at, id)) = self.ended.front() {
            if now.saturating_duration_since(*at) < REMEMBERED {
                break;
            }
            forgotten.push(*id);
            self.ended.pop_front();
        }
        forgotten
    }

    /// Whose client is at the far end of this way, as far as is known.
    pub(super) fn by_way(&self, way: &Pair) -> Option<Slot> {
        self.claims(way).first()
    }

    /// Whose client has proven to be at the far end of this way.
    pub(super) fn claims(&self, way: &Pair) -> Claims {
        match way.tcp {
            None => self.by_address.get(&way.remote).copied().unwrap_or_default(),
            Some(connection) => Claims::of(self.by_connection.get(&connection).copied()),
        }
    }

    /// What came this way was made with the session's keys.
    pub(super) fn used(&mut self, slot: Slot, way: &Pair) {
        if let Some(claims) = self.by_address.get_mut(&way.remote).filter(|_| way.tcp.is_none()) {
            claims.used(slot);
        }
    }

    /// A way no longer leads to this session.
    fn lose(&mut self, slot: Slot, way: &Pair) {
        match way.tcp {
            None => {
                let Some(claims) = self.by_address.get_mut(&way.remote) else { return };
                claims.remove(slot);
                if claims.first().is_none() {
                    self.by_address.remove(&way.remote);
                }
            }
            Some(connection) => {
                if self.by_connection.get(&connection) == Some(&slot) {
                    self.by_connection.remove(&connection);
                }
            }
        }
    }

    pub(super) fn by_ufrag(&self, ufrag: &str) -> Option<Slot> {
        self.by_ufrag.get(ufrag).copied()
    }

    /// The session has a new user fragment; the ones before find it as well.
    pub(super) fn renamed(&mut self, slot: Slot, before: String) {
        let Some(session) = self.get(slot) else { return };
        let Some(ufrag) = session.local_ufrag().map(str::to_owned) else { return };
        session.former_ufrags.push(before);
        let forgotten = if session.former_ufrags.len() > FORMER {
            Some(session.former_ufrags.remove(0))
        } else {
            None
        };
        self.by_ufrag.insert(ufrag, slot);
        if let Some(forgotten) = forgotten {
            self.by_ufrag.remove(&forgotten);
        }
    }

    /// The session's client has proven to be at the far end of this way. Says what
    /// follows for a connection.
    pub(super) fn proven(&mut self, slot: Slot, way: Pair) -> Option<Connected> {
        let session = self.get(slot)?;
        if session.ways.contains(&way) {
            // Others may have claimed it so often that there was no room for this one.
            if way.tcp.is_none() {
                self.by_address.entry(way.remote).or_default().add(slot);
            }
            return None;
        }
        let same = |other: &Pair| other.tcp.is_some() == way.tcp.is_some();
        session.ways.retain(|other| !same(other) || other.remote != way.remote);
        let most = if way.tcp.is_some() { CONNECTIONS } else { ADDRESSES };
        let oldest = session.ways.iter().position(same);
        let full = session.ways.iter().filter(|other| same(other)).count() >= most;
        let lost = oldest.filter(|_| full).map(|oldest| session.ways.remove(oldest));
        session.ways.push(way);
        match way.tcp {
            None => self.by_address.entry(way.remote).or_default().add(slot),
            Some(connection) => {
                self.by_connection.insert(connection, slot);
            }
        }
        if let Some(lost) = lost {
            self.lose(slot, &lost);
        }
        way.tcp.map(|proven| Connected { proven, given_up: lost.and_then(|way| way.tcp) })
    }

    /// A connection is gone. Says whose it was.
    pub(super) fn disconnected(&mut self, connection: ConnectionId) -> Option<Slot> {
        let slot = self.by_connection.remove(&connection)?;
        self.get(slot)?.ways.retain(|way| way.tcp != Some(connection));
        Some(slot)
    }

    /// Those that did not connect, fell silent or publish nothing, each with what is wrong.
    pub(super) fn expired(&self, now: Instant) -> Vec<(Slot, &'static str)> {
        self.all().filter_map(|(slot, session)| Some((slot, session.expired(now)?))).collect()
    }

    /// Those for which `wanted` holds.
    pub(super) fn slots(&self, wanted: impl Fn(&Session) -> bool) -> Vec<Slot> {
        self.all().filter(|(_, session)| wanted(session)).map(|(slot, _)| slot).collect()
    }

    fn all(&self) -> impl Iterator<Item = (Slot, &Session)> {
        self.places.iter().enumerate().filter_map(|(index, place)| {
            let slot = Slot { index: index as u32, generation: place.generation };
            Some((slot, place.session.as_ref()?))
        })
    }
}

#[cfg(test)]
mod tests;
