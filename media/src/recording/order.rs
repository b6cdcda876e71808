//! Packets of a track in the order of their numbers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::stream::Packet;

/// A missing packet is waited for so long: what was asked for again has mostly come by then.
const PATIENCE: Duration = Duration::from_millis(400);
/// Packets that wait for a missing one. Beyond, it counts as lost.
const WAITING: usize = 4_096;

/// What comes next.
#[derive(Debug)]
pub(crate) enum Next {
    Packet(Packet),
    /// Some before the next packet never came.
    Gap,
}

#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The number that comes next.
    next: Option<u64>,
    /// It is there, as it mostly is, and nothing waits for another.
    ready: Option<Packet>,
    waiting: BTreeMap<u64, Packet>,
    /// Since when something is missing.
    since: Option<Instant>,
}

impl Order {
    /// The numbers begin anew.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn push(&mut self, now: Instant, packet: Packet) {
        let next = *self.next.get_or_insert(packet.seq);
        if packet.seq < next {
            return; // given up, or there already
        }
        if packet.seq == next && self.waiting.is_empty() {
            self.ready = Some(packet);
            return;
        }
        self.waiting.insert(packet.seq, packet);
        self.note(now);
    }

    /// What can be had by now.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Next> {
        let next = self.next?;
        let packet = self.ready.take().or_else(|| self.waiting.remove(&next));
        if let Some(packet) = packet {
            self.next = Some(next + 1);
            self.since = None;
            self.note(now);
            return Some(Next::Packet(packet));
        }
        let late = self.since.is_some_and(|at| now.saturating_duration_since(at) >= PATIENCE);
        if !late && self.waiting.len() < WAITING {
            return None;
        }
        self.next = Some(*self.waiting.first_key_value()?.0);
        self.since = None;
        Some(Next::Gap)
    }

    /// When [`Order::pop`] gives up what is missing.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        Some(self.since? + PATIENCE)
    }

    fn note(&mut self, now: Instant) {
        let waits = self.waiting.first_key_value().is_some_and(|(seq, _)| Some(*seq) != self.next);
        if waits && self.ready.is_none() {
            self.since.get_or_insert(now);
        }
    }
}
