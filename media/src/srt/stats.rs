//! What is measured of a connection.

use std::time::{Duration, Instant};

use serde::Serialize;

/// The figures of a caller's connection. Counts are since it began.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SrtStatus {
    /// Where it comes from; not everybody's business.
    #[serde(skip)]
    pub remote: String,
    /// Round trip in milliseconds.
    pub rtt: f64,
    /// The time from the sending of a packet to its use here, in milliseconds.
    pub latency: u64,
    /// Packets received, retransmissions included.
    pub packets: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Packets that were missing at first.
    pub lost: u64,
    /// Packets that the sender sent again.
    pub retransmitted: u64,
    /// Packets that came twice, or too late.
    pub belated: u64,
    /// Packets that never came in time: they are missing in the stream.
    pub dropped: u64,
    /// Packets for which there was no key.
    pub undecrypted: u64,
    /// Payload bits per second, of the last second.
    pub bitrate: u64,
    /// Bits of the encryption key; none for a connection in the clear.
    pub encryption: Option<usize>,
    /// By how much the sender's clock was last seen to be off, in milliseconds.
    pub drift: f64,
    /// What it says of itself: the version of libsrt, as `1.5.1`.
    pub version: String,
}

/// The packets and bytes of a second.
#[derive(Debug)]
pub(crate) struct Rate {
    since: Instant,
    packets: u32,
    bytes: u64,
    /// Of the second before: packets and bytes a second.
    pub(crate) last: (u32, u64),
}

const WINDOW: Duration = Duration::from_secs(1);

impl Rate {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, packets: 0, bytes: 0, last: (0, 0) }
    }

    pub(crate) fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }

    /// To be called often.
    pub(crate) fn tick(&mut self, now: Instant) {
        let span = now.saturating_duration_since(self.since);
        if span < WINDOW {
            return;
        }
        let per_second = |count: u64| (count as f64 / span.as_secs_f64()) as u64;
        self.last = (per_second(u64::from(self.packets)) as u32, per_second(self.bytes));
        *self = Self { last: self.last, ..Self::new(now) };
    }
}

/// Round trip time and its variation, in microseconds (4.10).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rtt {
    pub(crate) smoothed: u32,
    pub(crate) variation: u32,
    measured: bool,
}

impl Default for Rtt {
    fn default() -> Self {
        Self { smoothed: 100_000, variation: 50_000, measured: false }
    }
}

impl Rtt {
    pub(crate) fn sample(&mut self, took: Duration) {
        let took = took.as_micros().min(10_000_000) as u32;
        if !self.measured {
            *self = Self { smoothed: took, variation: took / 2, measured: true };
            return;
        }
        self.variation = (3 * self.variation + took.abs_diff(self.smoothed)) / 4;
        self.smoothed = (7 * self.smoothed + took) / 8;
    }

    /// When an answer should have come.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_micros(u64::from(self.smoothed) + 4 * u64::from(self.variation))
    }
}
