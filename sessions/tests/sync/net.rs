//! A network in virtual time: connections that delay, hold up and lose what goes over them.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A lost packet is sent again after this long; what follows it on the connection waits for it.
const RETRANSMISSION_MS: f64 = 200.0;

/// Numbers that look random, and are the same for the same seed (SplitMix64).
#[derive(Debug)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn within(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }
}

/// What a client's way to the server is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// From the client to the server, in milliseconds.
    pub(crate) up_ms: f64,
    /// From the server to the client.
    pub(crate) down_ms: f64,
    /// What comes on top, at most.
    pub(crate) jitter_ms: f64,
    /// How many packets of one are lost, and sent again.
    pub(crate) loss: f64,
}

/// One direction of a connection: what is sent arrives in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pipe {
    delay_ms: f64,
    jitter_ms: f64,
    loss: f64,
    last: f64,
}

impl Pipe {
    pub(crate) fn up(way: Way) -> Pipe {
        Pipe { delay_ms: way.up_ms, jitter_ms: way.jitter_ms, loss: way.loss, last: 0.0 }
    }

    pub(crate) fn down(way: Way) -> Pipe {
        Pipe { delay_ms: way.down_ms, ..Pipe::up(way) }
    }

    /// When something arrives that is sent now.
    pub(crate) fn arrival(&mut self, now: f64, numbers: &mut Numbers) -> f64 {
        let again = if numbers.unit() < self.loss { RETRANSMISSION_MS } else { 0.0 };
        let at = now + self.delay_ms + self.jitter_ms * numbers.unit() + again;
        self.last = at.max(self.last);
        self.last
    }
}

#[derive(Debug)]
struct Due<T> {
    at: f64,
    nth: u64,
    what: T,
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl<T> Eq for Due<T> {}
impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at).then(self.nth.cmp(&other.nth))
    }
}

/// What is still to happen, in order of time.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    due: BinaryHeap<Reverse<Due<T>>>,
    nth: u64,
}

impl<T> Agenda<T> {
    pub(crate) fn new() -> Agenda<T> {
        Agenda { due: BinaryHeap::new(), nth: 0 }
    }

    pub(crate) fn at(&mut self, at: f64, what: T) {
        self.nth += 1;
        self.due.push(Reverse(Due { at, nth: self.nth, what }));
    }

    /// The next thing, if it happens until then.
    pub(crate) fn next(&mut self, until: f64) -> Option<(f64, T)> {
        if self.due.peek().is_none_or(|Reverse(next)| next.at > until) {
            return None;
        }
        self.due.pop().map(|Reverse(next)| (next.at, next.what))
    }
}
