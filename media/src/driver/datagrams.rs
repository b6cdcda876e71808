//! What clients send: whose it is, and what becomes of it.

use std::time::Instant;

use tokio::sync::mpsc;

use crate::ahead::{Ahead, DEPTHS, ahead};
use crate::framing::frames;
use crate::webrtc::{Pair, is_media, is_stun, local_ufrag};

use super::defects::Serves;
use super::sender::Job;
use super::sessions::{End, Session, Slot};
use super::shard::{Shard, guarded};
use super::socket::{Inbox, Route, Train};
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
                        self.contained(now, |shard| shard.datagram(now, arrived.pair(), data));
                    }
                }
                FromTcp::Closed(connection) => {
                    let slot = self.sessions.disconnected(connection);
                    let session = slot.and_then(|slot| self.sessions.get(slot));
                    if let Some(link) = session.and_then(Session::link) {
                        link.ice.disconnected(connection);
                    }
                }
            }
        }
    }

    /// Datagrams that came this way together. What a publisher sends is taken together.
    pub(super) fn train(&mut self, now: Instant, pair: Pair, train: Train<'_>) {
        let claims = self.sessions.claims(&pair);
        let alone = claims.first().filter(|_| !claims.is_contested());
        let publishes = |slot: &Slot| {
            self.sessions.get(*slot).is_some_and(|session| session.publisher().is_some())
        };
        match alone.filter(publishes) {
            Some(slot) if train.clone().all(is_media) => {
                self.contained(now, |shard| {
                    shard.publisher_sends(now, slot, train);
                });
            }
            _ => {
                for data in train {
                    self.contained(now, |shard| shard.datagram(now, pair, data));
                }
            }
        }
    }

    /// Asks for what is needed for all that has come, before any of it is looked at.
    pub(super) fn ahead(&mut self, inbox: &Inbox) {
        let mut slots = std::mem::take(&mut self.next);
        for (pair, _) in inbox.trains(self.socket.local()) {
            if let Some(slot) = self.sessions.by_way(&pair) {
                self.sessions.ahead(slot);
                slots.push(slot);
            }
        }
        for depth in 0..DEPTHS {
            for slot in &slots {
                self.session_ahead(*slot, depth);
            }
        }
        slots.clear();
        self.next = slots;
    }

    fn session_ahead(&self, slot: Slot, depth: u8) {
        let Some(session) = self.sessions.peek(slot) else { return };
        match &session.end {
            End::Publisher(publisher) => {
                publisher.ahead(depth);
                if let Some(entry) = self.streams.get(&session.stream) {
                    entry.ahead(depth);
                }
            }
            End::Viewer(viewing) if depth == 0 => ahead(&**viewing),
            End::Viewer(_) | End::Member(_) | End::Feed(_) => {}
        }
    }

    /// One datagram: by the way it comes, and a STUN request by whom it names. Media and
    /// DTLS count only on ways that answered ICE.
    pub(super) fn datagram(&mut self, now: Instant, pair: Pair, data: &[u8]) {
        if is_stun(data) {
            let named = local_ufrag(data).and_then(|ufrag| self.sessions.by_ufrag(ufrag));
            let owner = |_: &Slot| pair.tcp.is_none() || self.sessions.by_way(&pair).is_none();
            // A connection is one session's.
            let slot = named.filter(owner).or_else(|| self.sessions.by_way(&pair));
            return slot.map_or((), |slot| self.stun(now, slot, pair, data));
        }
        let claims = self.sessions.claims(&pair);
        let alone = !claims.is_contested();
        for slot in claims.iter() {
            // A record of a handshake proves nothing, so that all get it.
            if self.received(now, slot, pair, data, alone) {
                if !alone {
                    self.sessions.used(slot, &pair);
                }
                return;
            }
        }
    }

    /// A STUN message for a session.
    fn stun(&mut self, now: Instant, slot: Slot, pair: Pair, data: &[u8]) {
        self.serves = Some(Serves::Session(slot));
        let Some(session) = self.sessions.get(slot) else { return };
        match &mut session.end {
            End::Member(attendance) => {
                let peer = &mut attendance.member.peer;
                let accepted = guarded(|| Ok(peer.accepts_stun(now, pair, data)));
                if !matches!(accepted, Ok(true)) {
                    return;
                }
                session.heard(now);
                self.proven(slot, pair);
                self.member_datagram(now, slot, pair, data);
            }
            End::Publisher(_) | End::Viewer(_) => self.check(now, slot, pair, data),
            // They have no address here.
            End::Feed(_) => {}
        }
    }

    /// Media, a report or a record of a handshake that came from where the session's client has
    /// proven to be: it `alone`, or others as well. Says whether it proves to be the client's.
    fn received(&mut self, now: Instant, slot: Slot, pair: Pair, data: &[u8], alone: bool) -> bool {
        self.serves = Some(Serves::Session(slot));
        let Some(session) = self.sessions.get(slot) else { return false };
        match &mut session.end {
            End::Member(_) => {
                // It is not known of members whose a datagram proves to be; they go on to check.
                if alone {
                    session.heard(now);
                }
                self.member_datagram(now, slot, pair, data);
                false
            }
            End::Publisher(_) => self.publisher_sends(now, slot, std::iter::once(data)),
            End::Viewer(viewing) => {
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
                taken == Ok(true)
            }
            End::Feed(_) => false,
        }
    }

    /// Datagrams that came together from where a publisher has proven to be. Says whether one proves
    /// to be the publisher's.
    fn publisher_sends<'a>(
        &mut self,
        now: Instant,
        slot: Slot,
        datagrams: impl Iterator<Item = &'a [u8]>,
    ) -> bool {
        self.serves = Some(Serves::Session(slot));
        let Some(session) = self.sessions.get(slot) else { return false };
        let Some(publisher) = session.publisher() else { return false };
        let mut came = std::mem::take(&mut self.came);
        let taken = guarded(|| Ok(publisher.datagrams(now, datagrams, &mut came)));
        match taken {
            Ok(proven) => {
                if proven {
                    session.heard(now);
                }
                self.media(now, slot, came.drain(..));
                self.drain(now, slot);
            }
            Err(reason) => self.end(now, slot, reason),
        }
        came.clear();
        self.came = came;
        taken == Ok(true)
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

    /// A publisher's or a viewer's check of its way to us.
    fn check(&mut self, now: Instant, slot: Slot, pair: Pair, data: &[u8]) {
        let Some(session) = self.sessions.get(slot) else { return };
        let checked = guarded(|| {
            Ok(match &mut session.end {
                End::Publisher(publisher) => publisher.stun(now, pair, data),
                End::Viewer(viewing) => viewing.viewer.stun(now, pair, data),
                End::Member(_) | End::Feed(_) => None,
            })
        });
        let checked = match checked {
            Ok(Some(checked)) => checked,
            Ok(None) => return,
            Err(reason) => return self.end(now, slot, reason),
        };
        let thread = session.viewing().and_then(|viewing| viewing.thread);
        let route = session.link().and_then(|link| link.pair()).map(Route::from);
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
