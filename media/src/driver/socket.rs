//! The UDP socket: received in batches, sent in segments (GSO).

use std::cell::{Cell, RefCell};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::ids::ConnectionId;
use crate::webrtc::Pair;

use super::tcp::{Lines, Pushed};

/// Kernel buffers asked for: a key frame to many viewers must fit.
const SEND_BUFFER: usize = 8 << 20;
const RECEIVE_BUFFER: usize = 4 << 20;
/// Room for one receive: the largest UDP datagram, or as many joined ones (GRO).
const RECEIVE_ROOM: usize = 1 << 16;
/// The most bytes in one segmented send; the length of an IP packet is 16 bits.
const SEND_ROOM: usize = 60_000;

/// Receive calls in a row before timers, commands and others get their turn.
pub(super) const BATCHES: usize = 16;

/// Datagrams that came one behind the other on the same way, and in one piece (GRO).
pub(super) type Train<'a> = std::slice::Chunks<'a, u8>;

/// Buffers of one receive call, and what it filled them with.
pub(super) struct Inbox {
    buffers: Vec<Vec<u8>>,
    metas: Vec<RecvMeta>,
    filled: usize,
    /// Rounds begin at least so far apart.
    apart: Duration,
    /// When the last round began.
    round: Option<Instant>,
}

impl Inbox {
    /// For rounds that begin at least so far apart: what comes meanwhile is taken together, instead
    /// of waking a thread for each datagram.
    pub(super) fn new(apart: Duration) -> Self {
        Self {
            buffers: (0..BATCH_SIZE).map(|_| vec![0; RECEIVE_ROOM]).collect(),
            metas: vec![RecvMeta::default(); BATCH_SIZE],
            filled: 0,
            apart,
            round: None,
        }
    }

    /// Begins a round of receiving, not too soon after the last one.
    pub(super) fn begin(&mut self) {
        let since = self.round.map_or(self.apart, |last| last.elapsed());
        // Blocks the thread: tokio's timers count in milliseconds.
        std::thread::sleep(self.apart.saturating_sub(since));
        self.round = Some(Instant::now());
    }

    /// Rounds begin at least so far apart from now on.
    pub(super) fn set_apart(&mut self, apart: Duration) {
        self.apart = apart;
    }

    /// The soonest that a round may begin.
    pub(super) fn soonest(&self) -> Option<Instant> {
        self.round.map(|last| last + self.apart)
    }

    /// How many trains came with the last receive call.
    pub(super) fn len(&self) -> usize {
        self.filled
    }

    /// Whether there was no more than came with the last receive call.
    pub(super) fn was_last(&self) -> bool {
        self.filled < self.buffers.len()
    }

    /// What came with the last receive call, each train with who sent it and to which of our
    /// addresses; `local` is the socket's.
    pub(super) fn trains(&self, local: SocketAddr) -> impl Iterator<Item = (Pair, Train<'_>)> {
        let filled = self.buffers.iter().zip(&self.metas).take(self.filled);
        filled.map(move |(buffer, meta)| {
            let to = meta.dst_ip.unwrap_or_else(|| local.ip());
            let to = SocketAddr::new(to.to_canonical(), local.port());
            let pair = Pair::udp(canonical(meta.addr), to);
            let joined = &buffer[..meta.len.min(buffer.len())];
            (pair, joined.chunks(meta.stride.max(1)))
        })
    }

    /// The datagrams of the last receive call, each by itself.
    pub(super) fn datagrams(&self, local: SocketAddr) -> impl Iterator<Item = (Pair, &[u8])> {
        self.trains(local).flat_map(|(pair, train)| train.map(move |datagram| (pair, datagram)))
    }
}

/// A bound UDP socket.
pub(super) struct Socket {
    /// Waited on for reading alone: whoever waits for writing too, as tokio's own
    /// socket does, is woken by every datagram that any thread has got rid of.
    io: AsyncFd<std::net::UdpSocket>,
    state: UdpSocketState,
    outlet: Outlet,
}

impl Socket {
    /// Binds without a runtime; [`Socket::new`] takes it into one.
    pub(super) fn bind(listen: SocketAddr) -> io::Result<std::net::UdpSocket> {
        let socket = RawSocket::new(Domain::for_address(listen), Type::DGRAM, Some(Protocol::UDP))?;
        if listen.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        // The kernel gives what it may; less costs packets under load, no more.
        let _ = socket.set_send_buffer_size(SEND_BUFFER);
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.set_nonblocking(true)?;
        socket.bind(&listen.into())?;
        Ok(socket.into())
    }

    /// Must be called within a tokio runtime.
    pub(super) fn new(socket: std::net::UdpSocket, lines: Lines) -> io::Result<Self> {
        let outlet = Outlet::new(&socket, lines)?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // SAFETY: the socket is moved in and never taken out: its descriptor stays
        // open, and the same, until both are dropped.
        let io = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(Self { io, state, outlet })
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        self.io.readable().await.map(|mut guard| guard.retain_ready())
    }

    /// Receives what is there, up to a batch. False if there was nothing.
    fn receive(&self, inbox: &mut Inbox) -> io::Result<bool> {
        let Inbox { buffers, metas, filled, .. } = inbox;
        *filled = 0;
        let mut slices: Vec<IoSliceMut<'_>> =
            buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
        let received = self.io.try_io(Interest::READABLE, |io| {
            self.state.recv(UdpSockRef::from(io), &mut slices, metas)
        });
        match received {
            Ok(count) => *filled = count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(*filled > 0)
    }

    /// Receives what is there, up to a batch. False if there was nothing, or it failed: the next
    /// datagram wakes the thread again.
    pub(super) fn fill(&self, inbox: &mut Inbox) -> bool {
        self.receive(inbox).unwrap_or_else(|error| {
            tracing::debug!(%error, "a receive failed");
            false
        })
    }

    /// The address that is bound.
    pub(super) fn local(&self) -> SocketAddr {
        self.outlet.local
    }

    /// Where this socket's datagrams leave.
    pub(super) fn outlet(&self) -> &Outlet {
        &self.outlet
    }
}

/// Where datagrams leave a socket; every thread has one of its own for the same
/// socket, which the kernel lets several threads send on.
pub(super) struct Outlet {
    io: std::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    /// Datagrams that the kernel did not take: its buffer was full.
    dropped: Cell<u64>,
    /// Where datagrams for clients over TCP go instead.
    lines: Lines,
    /// Connections that were full.
    full: RefCell<Vec<ConnectionId>>,
}

impl Outlet {
    pub(super) fn new(socket: &std::net::UdpSocket, lines: Lines) -> io::Result<Self> {
        let io = socket.try_clone()?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        let local = io.local_addr()?;
        Ok(Self { io, state, local, dropped: Cell::new(0), lines, full: RefCell::default() })
    }

    /// The way back for a datagram that arrived so.
    fn source_ip(&self, to: SocketAddr) -> Option<IpAddr> {
        if !self.local.ip().is_unspecified() || to.ip().is_unspecified() {
            return None;
        }
        match to.ip() {
            IpAddr::V4(v4) if self.local.is_ipv6() => Some(v4.to_ipv6_mapped().into()),
            ip => Some(ip),
        }
    }

    fn send(&self, route: Route, contents: &[u8], segment: Option<usize>) {
        if let Some(connection) = route.tcp {
            return self.hand_over(connection, contents, segment.unwrap_or(contents.len()));
        }
        let destination = match route.to.ip() {
            IpAddr::V4(v4) if self.local.is_ipv6() => {
                SocketAddr::new(v4.to_ipv6_mapped().into(), route.to.port())
            }
            _ => route.to,
        };
        let transmit = Transmit {
            destination,
            ecn: None,
            contents,
            segment_size: segment,
            src_ip: route.from.and_then(|from| self.source_ip(from)),
        };
        // Not through tokio's readiness, which would have to be awaited: what the
        // kernel does not take now is not worth sending later.
        let sent = self.state.try_send(UdpSockRef::from(&self.io), &transmit);
        let Err(error) = sent else { return };
        match (error.kind(), segment) {
            // Lost like any other datagram: retransmission makes up for it.
            (io::ErrorKind::WouldBlock, _) => {
                let lost = contents.len().div_ceil(segment.unwrap_or(contents.len()).max(1));
                self.dropped.set(self.dropped.get() + lost as u64);
            }
            // Segmentation may not be there on this path: one by one then.
            (_, Some(segment)) => {
                for datagram in contents.chunks(segment) {
                    self.send(route, datagram, None);
                }
            }
            _ => tracing::trace!(to = %route.to, %error, "a datagram could not be sent"),
        }
    }

    /// Datagrams for a client over TCP.
    fn hand_over(&self, connection: ConnectionId, contents: &[u8], segment: usize) {
        if self.lines.push(connection, contents, segment) == Pushed::Full {
            let mut full = self.full.borrow_mut();
            if !full.contains(&connection) {
                full.push(connection);
            }
        }
    }

    /// The connections that took too little since this was asked last.
    pub(super) fn take_full(&self) -> Vec<ConnectionId> {
        self.full.take()
    }

    /// How many datagrams the kernel did not take.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.get()
    }
}

/// IPv4 addresses are that also where an IPv6 socket shows them mapped.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Where datagrams go, and from which of our addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) to: SocketAddr,
    pub(super) from: Option<SocketAddr>,
    /// Over which connection; none over UDP.
    pub(super) tcp: Option<ConnectionId>,
}

impl From<Pair> for Route {
    fn from(pair: Pair) -> Self {
        Self { to: pair.remote, from: Some(pair.local), tcp: pair.tcp }
    }
}

/// Datagrams made one behind the other, those of one destination and size going
/// out as one segmented send.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    contents: Vec<u8>,
    /// Where in the contents the run that is under way begins.
    run: usize,
    route: Option<Route>,
    /// The length of the run's datagrams.
    segment: usize,
    count: usize,
    /// A shorter datagram ends a run: only the last may be short.
    ended: bool,
}

impl Outbox {
    /// A datagram for this destination is about to be appended to
    /// [`Outbox::buffer`]; gives back where it begins.
    pub(super) fn begin(&mut self, outlet: &Outlet, route: Route) -> usize {
        if self.route != Some(route) {
            self.flush(outlet);
            self.route = Some(route);
        }
        self.contents.len()
    }

    /// Where datagrams are made.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.contents
    }

    /// The datagram that began at `start` is whole.
    pub(super) fn commit(&mut self, outlet: &Outlet, start: usize) {
        let length = self.contents.len() - start;
        let joins = self.count > 0
            && !self.ended
            && length <= self.segment
            && self.contents.len() - self.run <= SEND_ROOM
            && self.count < outlet.state.max_gso_segments();
        if !joins {
            self.send_run(outlet, start);
            self.segment = length;
        }
        self.ended = length < self.segment;
        self.count += 1;
    }

    /// The datagram that began at `start` is not to be.
    pub(super) fn abandon(&mut self, start: usize) {
        self.contents.truncate(start);
    }

    /// Forgets what was not sent.
    pub(super) fn clear(&mut self) {
        *self = Self { contents: std::mem::take(&mut self.contents), ..Self::default() };
        self.contents.clear();
    }

    /// One datagram that is there already.
    pub(super) fn push(&mut self, outlet: &Outlet, route: Route, datagram: &[u8]) {
        let start = self.begin(outlet, route);
        self.contents.extend_from_slice(datagram);
        self.commit(outlet, start);
    }

    pub(super) fn flush(&mut self, outlet: &Outlet) {
        self.send_run(outlet, self.contents.len());
        self.contents.clear();
        self.run = 0;
        self.route = None;
    }

    /// Sends the run, which ends where the next begins.
    fn send_run(&mut self, outlet: &Outlet, end: usize) {
        if let Some(route) = self.route.filter(|_| self.count > 0) {
            let segment = (self.count > 1).then_some(self.segment);
            outlet.send(route, &self.contents[self.run..end], segment);
        }
        self.run = end;
        self.count = 0;
        self.ended = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::tcp::TcpLimits;

    #[test]
    fn rounds_begin_apart() {
        let apart = Duration::from_micros(500);
        let mut inbox = Inbox::new(apart);
        let began = Instant::now();
        for round in 0..4 {
            inbox.begin();
            assert!(began.elapsed() >= apart * round);
        }
    }

    #[tokio::test]
    async fn datagrams_keep_their_bounds_and_their_order() {
        let lines = Lines::new(TcpLimits::default());
        let bind = || {
            let socket = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            Socket::new(socket, lines.clone()).unwrap()
        };
        let (sender, receiver) = (bind(), bind());
        let route = Route { to: receiver.local(), from: None, tcp: None };
        let sizes = [1200, 1200, 1200, 700, 1200, 80, 80, 90, 1200, 1200];
        let mut outbox = Outbox::default();
        for (index, size) in sizes.iter().enumerate() {
            outbox.push(sender.outlet(), route, &vec![index as u8; *size]);
        }
        outbox.flush(sender.outlet());
        let mut seen = Vec::new();
        let mut inbox = Inbox::new(Duration::ZERO);
        while seen.len() < sizes.len() {
            receiver.readable().await.unwrap();
            receiver.receive(&mut inbox).unwrap();
            for (pair, data) in inbox.datagrams(receiver.local()) {
                assert_eq!(pair.remote, sender.local());
                assert_eq!(pair.local.ip(), receiver.local().ip());
                assert_eq!(data[0], seen.len() as u8);
                seen.push(data.len());
            }
        }
        assert_eq!(seen, sizes);
        assert_eq!(sender.outlet().dropped(), 0);
    }
}
