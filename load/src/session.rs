//! One WebRTC transport: a socket of its own, ICE, DTLS and SRTP on it. A
//! publisher and a viewer use it alike.

use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use str0m::crypto::CryptoProvider;

use crate::dtls::{Handshake, Identity, Srtp};
use crate::error::Error;
use crate::ice::Agent;
use crate::rtp::Kind;
use crate::sdp::{Answer, Credentials};

/// Receive buffers, each for one coalesced run of datagrams.
pub(crate) const BUFFERS: usize = 4;
const BUFFER: usize = 64 * 1024;

/// What all sessions of a process share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) crypto: CryptoProvider,
    pub(crate) identity: Identity,
}

/// A thread's receive buffers.
pub(crate) struct Inbox {
    buffers: Vec<Vec<u8>>,
    metas: [RecvMeta; BUFFERS],
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { buffers: vec![vec![0; BUFFER]; BUFFERS], metas: [RecvMeta::default(); BUFFERS] }
    }
}

/// One datagram: where from, its bytes, when the kernel got it (nanoseconds since
/// 1970).
pub(crate) type Received<'a> = (SocketAddr, &'a [u8], u64);

/// The socket of a session.
pub(crate) struct Link {
    pub(crate) socket: UdpSocket,
    udp: UdpSocketState,
}

impl Link {
    /// Makes `socket` non-blocking and turns on coalescing and timestamps.
    pub(crate) fn new(socket: std::net::UdpSocket) -> Result<Self, Error> {
        let udp = UdpSocketState::new(UdpSockRef::from(&socket)).map_err(Error::io("UDP"))?;
        Ok(Self { socket: UdpSocket::from_std(socket), udp })
    }

    /// Receives what has come, one system call; true when there may be more.
    pub(crate) fn receive(&self, inbox: &mut Inbox, mut each: impl FnMut(Received<'_>)) -> bool {
        let mut buffers = inbox.buffers.iter_mut();
        let mut slices: [IoSliceMut<'_>; BUFFERS] = std::array::from_fn(|_| {
            IoSliceMut::new(buffers.next().map_or(&mut [], |buffer| buffer.as_mut_slice()))
        });
        let socket = UdpSockRef::from(&self.socket);
        // An error that ICMP brought is no reason to end; without packets ICE will.
        let Ok(count) = self.udp.recv(socket, &mut slices, &mut inbox.metas) else { return false };
        for (buffer, meta) in inbox.buffers.iter().zip(&inbox.metas).take(count) {
            let at = meta.timestamp.map_or_else(crate::marker::now, |since| {
                u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
            });
            for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                each((meta.addr, datagram, at));
            }
        }
        count == BUFFERS
    }
}

/// A transport between a socket of this process and the server.
pub(crate) struct Session {
    ice: Agent,
    dtls: Handshake,
    pub(crate) srtp: Option<Srtp>,
    checks: Vec<(SocketAddr, Vec<u8>)>,
    records: Vec<Vec<u8>>,
}

impl Session {
    /// Begins with what the server answered.
    pub(crate) fn new(
        shared: &Shared,
        local: Credentials,
        answer: &Answer,
        now: Instant,
    ) -> Result<Self, Error> {
        let candidates = answer.candidates.clone();
        let (active, expected) = (answer.active, answer.fingerprint);
        Ok(Self {
            ice: Agent::new(local, answer.credentials.clone(), candidates, now),
            dtls: Handshake::new(&shared.crypto, &shared.identity, active, expected, now)?,
            srtp: None,
            checks: Vec::new(),
            records: Vec::new(),
        })
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn next(&self) -> Instant {
        let handshake = self.ice.selected().and_then(|_| self.dtls.next());
        handshake.map_or(self.ice.next(), |at| at.min(self.ice.next()))
    }

    /// Sends what is due.
    pub(crate) fn tick(&mut self, link: &Link, shared: &Shared, now: Instant) -> Result<(), Error> {
        if now < self.next() {
            return Ok(());
        }
        self.ice.tick(&shared.crypto, now, &mut self.checks)?;
        if self.ice.selected().is_some() {
            self.dtls.tick(now, &mut self.records)?;
        }
        self.flush(link);
        Ok(())
    }

    /// Takes a datagram that is no media; true when the session has just got its
    /// keys.
    pub(crate) fn handle(
        &mut self,
        link: &Link,
        shared: &Shared,
        (from, datagram, _): Received<'_>,
        now: Instant,
    ) -> Result<bool, Error> {
        match Kind::of(datagram) {
            Kind::Stun
                if self.ice.handle(&shared.crypto, from, datagram, now, &mut self.checks) =>
            {
                self.ice.tick(&shared.crypto, now, &mut self.checks)?;
                self.dtls.tick(now, &mut self.records)?;
            }
            Kind::Dtls => self.dtls.handle(datagram, now, &mut self.records)?,
            _ => {}
        }
        self.flush(link);
        if let Some(srtp) = self.dtls.take_srtp()? {
            self.srtp = Some(srtp);
            return Ok(true);
        }
        Ok(false)
    }

    fn flush(&mut self, link: &Link) {
        // What the network refuses is lost and sent again, as on any network.
        for (address, check) in self.checks.drain(..) {
            let _ = link.socket.send_to(&check, address);
        }
        let Some(address) = self.ice.selected() else { return };
        for record in self.records.drain(..) {
            let _ = link.socket.send_to(&record, address);
        }
    }

    /// Sends a protected packet, or several in one call that are `segment` bytes
    /// long each.
    pub(crate) fn send(&self, link: &Link, contents: &[u8], segment: Option<usize>) {
        let Some(destination) = self.ice.selected() else { return };
        let transmit =
            Transmit { destination, ecn: None, contents, segment_size: segment, src_ip: None };
        let _ = link.udp.try_send(UdpSockRef::from(&link.socket), &transmit);
    }
}
