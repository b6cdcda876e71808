//! What clients send: whose it is, and what becomes of it.

use std::time::Instant;

use tokio::sync::mpsc;

use crate::framing::frames;
use crate::webrtc::{Pair, is_stun, local_ufrag};

use super::sender::Job;
use super::sessions::{End, Session, Slot};
use super::shard::{Shard, guarded};
use super::socket::Route;
use super::tcp::FromTcp;

/// Reads from TCP connections in a row.
const READS_IN_A_ROW: usize = 16;

impl Shard {
    /// What came over TCP connections.
    pub(super) fn arrivals(&mut self, first: FromTcp, more: &mut mpsc::Receiver<FromTcp>) {
        let now = Instant::now();
        let rest = std::iter::from_fn(|| more.try_recv().ok());
        for arrived in std::iter::once(first).chain(rest).take(READS_IN_A_ROW) {
            match arrived {
                FromTcp::Frames(arrived) => {
                    for data in frames(&arrived.frames) {
                        self.datagram(now, arrived.pair(), data);
                    }
                }
                FromTcp::Closed(connection) => {
                    let slot = self.sessions.disconnected(connection);
                    let session = slot.and_then(|slot| self.sessions.get(slot));
                    if let Some(viewing) = session.and_then(Session::viewing) {
                        viewing.viewer.ice.disconnected(connection);
                    }
                }
            }
        }
    }

    /// One datagram: by the way it comes, and a STUN request by whom it names. Media and
    /// DTLS count only on ways that answered ICE.
    pub(super) fn datagram(&mut self, now: Instant, pair: Pair, data: &[u8]) {
        let stun = is_stun(data);
        let named = || local_ufrag(data).and_then(|ufrag| self.sessions.by_ufrag(ufrag));
        let slot = if stun { named() } else { None };
        let owner = |_: &Slot| pair.tcp.is_none() || self.sessions.by_way(&pair).is_none();
        // A connection is one session's.
        let slot = slot.filter(owner).or_else(|| self.sessions.by_way(&pair));
        let Some(slot) = slot else { return };
        let Some(session) = self.sessions.get(slot) else { return };
        match (&mut session.end, stun) {
            (End::Publisher(_) | End::Member(_), true) => {
                let Some(peer) = session.peer() else { return };
                let accepted = guarded(|| Ok(peer.accepts_stun(now, pair, data)));
                if !matches!(accepted, Ok(true)) {
                    return;
                }
                session.heard(now);
                self.proven(slot, pair);
                self.peer_datagram(now, slot, pair, data);
            }
            (End::Publisher(_) | End::Member(_), false) => {
                session.heard(now);
                self.peer_datagram(now, slot, pair, data);
            }
            // They have no address here.
            (End::Feed(_), _) => {}
            (End::Viewer(_), true) => self.check(now, slot, pair, data),
            (End::Viewer(viewing), false) => {
                let wall = self.wall;
                let taken = guarded(|| Ok(viewing.viewer.datagram(now, &wall, data)));
                // Who is sent media must go on to consent to it (RFC 7675, 5.1), and anybody
                // could write what proves nothing from its address.
                if taken == Ok(true) {
                    session.heard(now);
                }
                match taken {
                    Ok(_) => self.drain(now, slot),
                    Err(reason) => self.end(now, slot, reason),
                }
            }
        }
    }

    /// The session's client has proven to be at the far end of this way.
    fn proven(&mut self, slot: Slot, way: Pair) {
        if let Some(connected) = self.sessions.proven(slot, way) {
            self.lines.prove(connected.proven);
            if let Some(given_up) = connected.given_up {
                self.lines.close(given_up);
            }
        }
    }

    /// A viewer's check of its way to us.
    fn check(&mut self, now: Instant, slot: Slot, pair: Pair, data: &[u8]) {
        let Some(session) = self.sessions.get(slot) else { return };
        let Some(viewing) = session.viewing() else { return };
        let (thread, viewer) = (viewing.thread, &mut viewing.viewer);
        let checked = match guarded(|| Ok(viewer.stun(now, pair, data))) {
            Ok(Some(checked)) => checked,
            Ok(None) => return,
            Err(reason) => return self.end(now, slot, reason),
        };
        let route = viewer.pair().map(Route::from);
        if checked.proven {
            session.heard(now);
            self.proven(slot, pair);
        }
        self.outbox.push(self.socket.outlet(), pair.into(), &checked.reply);
        if let (true, Some(thread), Some(route)) = (checked.moved, thread, route) {
            self.senders.push(thread, Job::Move(slot, route));
        }
        self.drain(now, slot);
    }
}
