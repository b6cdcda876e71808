//! The table of sessions: who they are, and how datagrams find them.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use crate::egress::Counters;
use crate::ids::{SessionId, StreamId};
use crate::webrtc::{Publisher, Viewer};

use super::layers::{Chooser, Network};

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

/// User fragments of before ICE restarts that still find a session.
const FORMER: usize = 2;

/// A place in the table. Never used twice for different sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Slot {
    index: u32,
    generation: u32,
}

/// The end of a stream that a session is.
#[derive(Debug)]
pub(super) enum End {
    Publisher(Box<Publisher>),
    Viewer(Box<Viewing>),
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
        let viewing =
            Viewing { viewer, thread: None, counters: Arc::default(), since: 0, chooser: None };
        End::Viewer(Box::new(viewing))
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
    /// Proven addresses of the client, each with the local one it talks to.
    addresses: Vec<(SocketAddr, SocketAddr)>,
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
            addresses: Vec::new(),
            _permit: permit,
        }
    }

    pub(super) fn local_ufrag(&self) -> &str {
        match &self.end {
            End::Publisher(publisher) => publisher.peer.local_ufrag(),
            End::Viewer(viewing) => &viewing.viewer.ice.local().ufrag,
        }
    }

    pub(super) fn remote_ufrag(&self) -> &str {
        match &self.end {
            End::Publisher(publisher) => publisher.peer.remote_ufrag(),
            End::Viewer(viewing) => viewing.viewer.ice.remote_ufrag(),
        }
    }

    pub(super) fn viewing(&mut self) -> Option<&mut Viewing> {
        match &mut self.end {
            End::Publisher(_) => None,
            End::Viewer(viewing) => Some(viewing),
        }
    }

    pub(super) fn publisher(&mut self) -> Option<&mut Publisher> {
        match &mut self.end {
            End::Publisher(publisher) => Some(publisher),
            End::Viewer(_) => None,
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        match &self.end {
            End::Publisher(publisher) => publisher.peer.is_alive(),
            End::Viewer(viewing) => viewing.viewer.is_alive(),
        }
    }

    /// The local address that this client's `remote` talks to.
    pub(super) fn local_for(&self, remote: SocketAddr) -> Option<SocketAddr> {
        self.addresses.iter().find(|(r, _)| *r == remote).map(|(_, local)| *local)
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
        let publishes = matches!(self.end, End::Publisher(_));
        if !self.connected {
            (since(self.opened) > CONNECT).then_some("it did not connect")
        } else if since(self.heard) > SILENCE {
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

/// All sessions of a shard.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    places: Vec<Place>,
    free: Vec<u32>,
    by_id: HashMap<SessionId, Slot>,
    by_ufrag: HashMap<String, Slot>,
    by_address: HashMap<SocketAddr, Slot>,
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
        self.by_ufrag.insert(session.local_ufrag().to_owned(), slot);
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
        self.by_ufrag.remove(session.local_ufrag());
        for ufrag in &session.former_ufrags {
            self.by_ufrag.remove(ufrag);
        }
        for (remote, _) in &session.addresses {
            if self.by_address.get(remote) == Some(&slot) {
                self.by_address.remove(remote);
            }
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

    pub(super) fn by_address(&self, from: SocketAddr) -> Option<Slot> {
        self.by_address.get(&from).copied()
    }

    pub(super) fn by_ufrag(&self, ufrag: &str) -> Option<Slot> {
        self.by_ufrag.get(ufrag).copied()
    }

    /// The session has a new user fragment; the ones before find it as well.
    pub(super) fn renamed(&mut self, slot: Slot, before: String) {
        let Some(session) = self.get(slot) else { return };
        let ufrag = session.local_ufrag().to_owned();
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

    /// The session's client has proven to be at this address.
    pub(super) fn proven(&mut self, slot: Slot, remote: SocketAddr, local: SocketAddr) {
        let mut oldest = None;
        let Some(session) = self.get(slot) else { return };
        if session.addresses.contains(&(remote, local)) {
            return;
        }
        session.addresses.retain(|(r, _)| *r != remote);
        if session.addresses.len() >= ADDRESSES {
            oldest = Some(session.addresses.remove(0).0);
        }
        session.addresses.push((remote, local));
        self.by_address.insert(remote, slot);
        if let Some(oldest) = oldest
            && self.by_address.get(&oldest) == Some(&slot)
        {
            self.by_address.remove(&oldest);
        }
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
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;
    use crate::webrtc::PeerSetup;

    const OBS: &str = include_str!("../../tests/sdp/obs-whip-offer.sdp");

    fn session(now: Instant, room: &Arc<Semaphore>) -> Session {
        let setup = Arc::new(PeerSetup::new(vec!["192.0.2.1:8189".parse().unwrap()]).unwrap());
        let (publisher, _) = Publisher::answer(&setup, now, OBS).unwrap();
        let permit = room.clone().try_acquire_owned().unwrap();
        let end = End::Publisher(Box::new(publisher));
        Session::new(now, SessionId::random(), StreamId(1), end, permit)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn who_does_not_connect_or_falls_silent_expires() {
        let (now, room) = (Instant::now(), Arc::new(Semaphore::new(1)));
        let mut sessions = Sessions::default();
        let slot = sessions.insert(session(now, &room));
        assert!(sessions.expired(now + seconds(15)).is_empty());
        assert_eq!(sessions.expired(now + seconds(16)), [(slot, "it did not connect")]);

        let later = now + seconds(10);
        let session = sessions.get(slot).unwrap();
        session.connected = true;
        session.heard(later);
        assert!(sessions.expired(later + seconds(15)).is_empty());
        assert_eq!(sessions.expired(later + seconds(16)), [(slot, "it was not heard of")]);
        assert_eq!(room.available_permits(), 0);
        drop(sessions.remove(later, slot));
        assert_eq!(room.available_permits(), 1, "its place is free");
    }

    #[test]
    fn a_publisher_that_sends_nothing_expires() {
        let (now, room) = (Instant::now(), Arc::new(Semaphore::new(1)));
        let mut sessions = Sessions::default();
        let slot = sessions.insert(session(now, &room));
        sessions.get(slot).unwrap().connected = true;
        let mut checks = |media: Option<u64>, at: u64| {
            let session = sessions.get(slot).unwrap();
            session.heard(now + seconds(at));
            if let Some(media) = media {
                session.sends_media(now + seconds(media));
            }
            sessions.expired(now + seconds(at))
        };
        assert!(checks(None, 30).is_empty(), "it may take its time to begin");
        assert_eq!(checks(None, 31), [(slot, "it sends no media")]);
        assert!(checks(Some(20), 50).is_empty());
        assert_eq!(checks(None, 51), [(slot, "it sends no media")]);
    }

    #[test]
    fn what_ended_is_remembered_for_a_while_and_never_found() {
        let (now, room) = (Instant::now(), Arc::new(Semaphore::new(2)));
        let mut sessions = Sessions::default();
        let slot = sessions.insert(session(now, &room));
        let id = sessions.get(slot).unwrap().id;
        let remote = "198.51.100.1:5000".parse().unwrap();
        sessions.proven(slot, remote, "192.0.2.1:8189".parse().unwrap());
        assert_eq!((sessions.find(id), sessions.by_address(remote)), (Some(slot), Some(slot)));
        sessions.remove(now, slot);
        assert_eq!((sessions.find(id), sessions.by_address(remote)), (None, None));
        assert!(sessions.get(slot).is_none() && sessions.ended(id));
        let next = sessions.insert(session(now, &room));
        assert_ne!(next, slot, "the place is used again under another name");
        assert!(sessions.get(slot).is_none());
        assert!(sessions.forget(now + seconds(59)).is_empty());
        assert_eq!(sessions.forget(now + seconds(60)), [id]);
        assert!(!sessions.ended(id));
    }

    #[test]
    fn a_client_keeps_its_latest_addresses() {
        let (now, room) = (Instant::now(), Arc::new(Semaphore::new(1)));
        let mut sessions = Sessions::default();
        let slot = sessions.insert(session(now, &room));
        let local = "192.0.2.1:8189".parse().unwrap();
        let remote = |port: u16| SocketAddr::from(([198, 51, 100, 1], port));
        for port in 1..=10 {
            sessions.proven(slot, remote(port), local);
        }
        assert_eq!(sessions.by_address(remote(2)), None);
        assert_eq!(sessions.by_address(remote(3)), Some(slot));
        assert_eq!(sessions.get(slot).unwrap().local_for(remote(10)), Some(local));
    }
}
