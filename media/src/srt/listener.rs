//! One port with any number of callers: handshakes, and whom a datagram is for
//! (draft-sharabayko-srt-01, 4.3.1).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::cookie::Cookies;
use super::handshake::{Agreed, CONCLUSION, Extensions, Handshake, INDUCTION, Rejection, flag};
use super::keys::{KeyMessage, Keys};
use super::link::{Begin, Closed, Link};
use super::packet::{Body, Control, Kind, MAX_DATAGRAM, Packet, write_control};
use super::seq::Seq;
use super::spare::Spare;
use super::stats::SrtStatus;
use super::window::CAPACITY;

/// Whoever is to say who may come has this long.
const DECISION: Duration = Duration::from_secs(3);
/// For so long a refused caller that asks again is told the same: the answer may be lost, and
/// callers repeat themselves every 250 ms.
const REFUSED: Duration = Duration::from_secs(1);
/// Callers of one address that wait for the decision, or were refused.
const CALLS_OF_ADDRESS: usize = 16;
/// Callers in all that wait for the decision, or were refused.
const CALLS: usize = 1024;
/// What a caller may ask for at most: the window would not hold more of a fast stream.
const MOST_LATENCY: u16 = 4_000;
const MTU: u32 = 1500;

/// A caller that is asking to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId(u64);

/// A connected caller. Not used twice as long as the listener lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(u64);

/// How much is taken, and how.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time.
    pub links: usize,
    /// Those of one address.
    pub links_of_address: usize,
    /// The latency that is kept to where the caller asks for no more, in milliseconds.
    pub latency_ms: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self { links: 256, links_of_address: 32, latency_ms: 120 }
    }
}

/// What a caller says of itself.
#[derive(Debug)]
pub struct Call {
    /// Its name in [`Listener::answer`].
    pub id: CallId,
    /// Where it is.
    pub from: SocketAddr,
    /// Which stream it asks for, as it wrote it.
    pub stream_id: String,
    /// Its keys, to be unwrapped with the passphrase of that stream; none if it has none.
    pub keys: Option<KeyMessage>,
}

/// What the listener has to say.
#[derive(Debug)]
pub enum Output {
    /// A datagram for the network.
    Send(SocketAddr, Vec<u8>),
    /// Somebody asks to be let in: to be answered with [`Listener::answer`].
    Call(Call),
    /// What a caller has sent, in order.
    Data(LinkId, Vec<u8>),
    /// A connection is over.
    Closed(LinkId, Closed, SrtStatus),
}

#[derive(Debug)]
enum Stage {
    Waiting { call: CallId, since: Instant, asked: Box<Asked> },
    Refused { since: Instant, why: Rejection },
    Connected(LinkId),
}

/// A conclusion that waits for the decision.
#[derive(Debug)]
struct Asked {
    handshake: Handshake,
    timestamp: u32,
    came: Instant,
    latencies: (u16, u16),
    version: u32,
    key_message: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Connected {
    link: Link,
    remote: SocketAddr,
    /// The caller's socket.
    caller: u32,
    /// Our own.
    socket: u32,
    /// The answer to the conclusion, for a caller that did not get it.
    answer: Vec<u8>,
}

/// A port's core.
#[derive(Debug)]
pub struct Listener {
    limits: Limits,
    begun: Instant,
    cookies: Cookies,
    calls: HashMap<(SocketAddr, u32), Stage>,
    links: HashMap<LinkId, Connected>,
    sockets: HashMap<u32, LinkId>,
    next: u64,
    out: VecDeque<Output>,
    spare: Spare,
    /// Nobody else is let in.
    closing: bool,
}

impl Listener {
    /// A listener without callers.
    pub fn new(now: Instant, limits: Limits) -> Self {
        Self {
            limits,
            begun: now,
            cookies: Cookies::random(),
            calls: HashMap::new(),
            links: HashMap::new(),
            sockets: HashMap::new(),
            next: 0,
            out: VecDeque::new(),
            spare: Spare::default(),
            closing: false,
        }
    }

    /// What there is to say; to be asked until there is nothing more.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Takes the buffer of an [`Output::Data`] back, so that no other has to be allocated.
    pub fn recycle(&mut self, payload: Vec<u8>) {
        self.spare.put(payload);
    }

    /// Takes a datagram.
    pub fn datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if datagram.len() > MAX_DATAGRAM {
            return;
        }
        let Some(packet) = Packet::parse(datagram) else { return };
        if let Body::Control(Control::Handshake(content)) = packet.body {
            return self.handshake(now, from, packet.timestamp, content);
        }
        let Some(id) = self.sockets.get(&packet.to).copied() else { return };
        let Some(connected) = self.links.get(&id) else { return };
        if connected.remote == from {
            self.with(now, id, |link, spare| link.packet(now, &packet, spare));
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
        let due = |connected: &Connected| connected.link.deadline() <= now;
        let ids: Vec<LinkId> =
            self.links.iter().filter(|(_, c)| due(c)).map(|(id, _)| *id).collect();
        for id in ids {
            self.with(now, id, |link, _| link.tick(now));
        }
        self.look_at_calls(now);
    }

    /// When [`Listener::tick`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let links = self.links.values().map(|connected| connected.link.deadline());
        let calls = self.calls.values().filter_map(|stage| match stage {
            Stage::Waiting { since, .. } => Some(*since + DECISION),
            Stage::Refused { since, .. } => Some(*since + REFUSED),
            Stage::Connected(_) => None,
        });
        links.chain(calls).min()
    }

    /// The figures of a connection.
    pub fn status(&self, id: LinkId) -> Option<SrtStatus> {
        self.links.get(&id).map(|connected| connected.link.status())
    }

    /// Where a connection comes from, and how long nothing was heard of it.
    pub fn remote(&self, now: Instant, id: LinkId) -> Option<(SocketAddr, Duration)> {
        self.links.get(&id).map(|c| (c.remote, c.link.silent_for(now)))
    }

    /// Ends a connection.
    pub fn close(&mut self, now: Instant, id: LinkId) {
        self.with(now, id, |link, _| link.close(now, Closed::Here));
    }

    /// Ends all connections, and lets nobody in.
    pub fn shut(&mut self, now: Instant) {
        self.closing = true;
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            self.close(now, id);
        }
    }

    /// Runs something on a connection, and takes what it then has to say. A panic ends that
    /// connection alone.
    fn with(&mut self, now: Instant, id: LinkId, work: impl FnOnce(&mut Link, &mut Spare)) {
        let Some(connected) = self.links.get_mut(&id) else { return };
        let Connected { link, remote, .. } = connected;
        let (out, spare) = (&mut self.out, &mut self.spare);
        let whole = catch_unwind(AssertUnwindSafe(|| {
            work(link, spare);
            while let Some(payload) = link.pop(now) {
                out.push_back(Output::Data(id, payload));
            }
            out.extend(link.take_out().into_iter().map(|bytes| Output::Send(*remote, bytes)));
        }));
        let closed = match whole {
            Ok(()) => link.closed(),
            Err(_) => Some(Closed::Defect),
        };
        if let Some(why) = closed {
            self.forget(id, why);
        }
    }

    fn forget(&mut self, id: LinkId, why: Closed) {
        let Some(connected) = self.links.remove(&id) else { return };
        self.sockets.remove(&connected.socket);
        self.calls.remove(&(connected.remote, connected.caller));
        self.out.push_back(Output::Closed(id, why, connected.link.status()));
    }

    fn look_at_calls(&mut self, now: Instant) {
        let mut late = Vec::new();
        self.calls.retain(|_, stage| match stage {
            Stage::Waiting { call, since, .. } => {
                if now.saturating_duration_since(*since) >= DECISION {
                    late.push(*call);
                }
                true
            }
            Stage::Refused { since, .. } => now.saturating_duration_since(*since) < REFUSED,
            Stage::Connected(_) => true,
        });
        for call in late {
            self.answer(now, call, Err(Rejection::Backlog));
        }
    }

    fn handshake(&mut self, now: Instant, from: SocketAddr, timestamp: u32, content: &[u8]) {
        let Some(handshake) = Handshake::parse(content) else { return };
        match handshake.kind {
            // Nothing is kept of a caller before it has shown that it is where it says.
            INDUCTION => {
                let cookie = self.cookies.make(self.minute(now), from);
                self.reply(now, from, handshake.id, &handshake.induced(cookie));
            }
            CONCLUSION if self.cookies.is_ours(self.minute(now), from, handshake.cookie) => {
                self.conclusion(now, from, timestamp, handshake, content);
            }
            _ => {}
        }
    }

    fn minute(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.begun).as_secs() / 60
    }

    fn conclusion(
        &mut self,
        now: Instant,
        from: SocketAddr,
        timestamp: u32,
        handshake: Handshake,
        content: &[u8],
    ) {
        let key = (from, handshake.id);
        match self.calls.get(&key) {
            Some(Stage::Connected(id)) => {
                let answer = self.links.get(id).map(|connected| connected.answer.clone());
                return self.out.extend(answer.map(|bytes| Output::Send(from, bytes)));
            }
            Some(Stage::Refused { why, .. }) => {
                return self.reply(now, from, handshake.id, &handshake.rejected(*why));
            }
            Some(Stage::Waiting { .. }) => return,
            None => {}
        }
        let (stage, output) = match self.consider(now, from, timestamp, &handshake, content) {
            Ok((stage, call)) => (stage, Output::Call(call)),
            // Nothing is kept of it: else one that asks again and again would keep itself, and all
            // who share its address, out.
            Err(Rejection::Resource) => {
                let body = handshake.rejected(Rejection::Resource);
                return self.reply(now, from, handshake.id, &body);
            }
            Err(why) => {
                let body = handshake.rejected(why);
                (Stage::Refused { since: now, why }, self.made(now, from, handshake.id, &body))
            }
        };
        self.out.push_back(output);
        if self.calls.len() < CALLS + self.links.len() {
            self.calls.insert(key, stage);
        }
    }

    /// Whether a caller may be asked about, and what it asks for.
    fn consider(
        &mut self,
        now: Instant,
        from: SocketAddr,
        timestamp: u32,
        handshake: &Handshake,
        content: &[u8],
    ) -> Result<(Stage, Call), Rejection> {
        if handshake.version != 5 {
            return Err(Rejection::Version);
        }
        let extensions = Extensions::parse(content)?;
        let (version, flags, receives, sends) = extensions.request.ok_or(Rejection::Rogue)?;
        if flags & flag::STREAM != 0 {
            return Err(Rejection::MessageApi);
        }
        if handshake.id == 0 {
            return Err(Rejection::Rogue);
        }
        self.has_room(from.ip())?;
        let keys = match &extensions.keys {
            Some(bytes) => Some(KeyMessage::parse(bytes).ok_or(Rejection::Rogue)?),
            None => None,
        };
        let call = self.next();
        let asked = Asked {
            handshake: handshake.clone(),
            timestamp,
            came: now,
            latencies: (receives, sends),
            version,
            key_message: extensions.keys,
        };
        let call = CallId(call);
        let stage = Stage::Waiting { call, since: now, asked: Box::new(asked) };
        Ok((stage, Call { id: call, from, stream_id: extensions.stream_id, keys }))
    }

    fn has_room(&self, from: IpAddr) -> Result<(), Rejection> {
        if self.closing {
            return Err(Rejection::Down);
        }
        let of = |address: &SocketAddr| address.ip() == from;
        let links = self.links.values().filter(|connected| of(&connected.remote)).count();
        let calls = self
            .calls
            .iter()
            .filter(|((address, _), stage)| of(address) && !matches!(stage, Stage::Connected(_)));
        let full = self.links.len() >= self.limits.links
            || links >= self.limits.links_of_address
            || calls.count() >= CALLS_OF_ADDRESS
            || self.calls.len() >= CALLS + self.links.len();
        if full { Err(Rejection::Resource) } else { Ok(()) }
    }

    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Answers a caller. Says which connection it has from now on; none if it is refused, or
    /// no longer waits.
    pub fn answer(
        &mut self,
        now: Instant,
        call: CallId,
        decision: Result<Option<Keys>, Rejection>,
    ) -> Option<LinkId> {
        let found = self.calls.iter().find(
            |(_, stage)| matches!(stage, Stage::Waiting { call: waiting, .. } if *waiting == call),
        );
        let key = *found?.0;
        let Some(Stage::Waiting { asked, .. }) = self.calls.remove(&key) else { return None };
        let (from, caller) = key;
        let room = if self.links.len() >= self.limits.links {
            Err(Rejection::Resource)
        } else if self.closing {
            Err(Rejection::Down)
        } else {
            Ok(())
        };
        match room.and(decision) {
            Ok(keys) => Some(self.connect(now, from, *asked, keys)),
            Err(why) => {
                self.calls.insert(key, Stage::Refused { since: now, why });
                self.reply(now, from, caller, &asked.handshake.rejected(why));
                None
            }
        }
    }

    fn connect(
        &mut self,
        now: Instant,
        from: SocketAddr,
        asked: Asked,
        keys: Option<Keys>,
    ) -> LinkId {
        let (receives, sends) = asked.latencies;
        let latency_ms = sends.max(self.limits.latency_ms).min(MOST_LATENCY);
        let agreed = Agreed {
            mtu: asked.handshake.mtu.min(MTU),
            window: CAPACITY as u32,
            latency_ms,
            send_latency_ms: receives,
        };
        let id = LinkId(self.next());
        let socket = self.free_socket(id);
        let key_answer = asked.key_message.filter(|_| keys.is_some());
        let body = asked.handshake.accepted(socket, &agreed, key_answer.as_deref());
        let caller = asked.handshake.id;
        let answer = write_control(Kind::Handshake, 0, self.timestamp(now), caller, &body);
        let begin = Begin {
            peer: caller,
            first: Seq::new(asked.handshake.first),
            timestamp: asked.timestamp,
            latency: Duration::from_millis(u64::from(latency_ms)),
            keys,
            remote: from.to_string(),
            version: asked.version,
        };
        // The timestamp is of when the conclusion came, not of when it was decided on.
        let link = Link::new(asked.came, begin);
        self.out.push_back(Output::Send(from, answer.clone()));
        self.calls.insert((from, caller), Stage::Connected(id));
        self.links.insert(id, Connected { link, remote: from, caller, socket, answer });
        id
    }

    fn free_socket(&mut self, id: LinkId) -> u32 {
        loop {
            // libsrt's have 30 bits; 0 is for handshakes.
            let socket = rand::random::<u32>() & 0x3fff_ffff;
            if socket != 0
                && let Entry::Vacant(place) = self.sockets.entry(socket)
            {
                place.insert(id);
                return socket;
            }
        }
    }

    fn timestamp(&self, now: Instant) -> u32 {
        now.saturating_duration_since(self.begun).as_micros() as u32
    }

    fn made(&self, now: Instant, to: SocketAddr, caller: u32, body: &[u8]) -> Output {
        Output::Send(to, write_control(Kind::Handshake, 0, self.timestamp(now), caller, body))
    }

    fn reply(&mut self, now: Instant, to: SocketAddr, caller: u32, body: &[u8]) {
        let output = self.made(now, to, caller, body);
        self.out.push_back(output);
    }

    /// Our socket of a connection.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn socket_of(&self, id: LinkId) -> u32 {
        self.links[&id].socket
    }

    /// How many callers something is kept of.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.calls.len() + self.links.len()
    }
}
