//! The viewers' wishes for a key frame, merged and throttled.

use std::time::{Duration, Instant};

/// The publisher is asked at most this often.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);
/// A key frame that came this recently answers a wish: the asker lost an older one, or had not seen
/// it yet.
pub(super) const FRESH: Duration = Duration::from_millis(100);

/// What is wished for by several is asked for once, and not again for a while.
#[derive(Debug, Default)]
pub(crate) struct KeyframeRequests {
    wanted: Option<Instant>,
    asked: Option<Instant>,
    arrived: Option<Instant>,
}

impl KeyframeRequests {
    /// Somebody needs one.
    pub(crate) fn want(&mut self, now: Instant) {
        let fresh = self.arrived.is_some_and(|at| now.saturating_duration_since(at) < FRESH);
        if !fresh {
            self.wanted.get_or_insert(now);
        }
    }

    /// A key frame begins: what was asked before is answered.
    pub(crate) fn arrived(&mut self, now: Instant) {
        self.wanted = None;
        self.arrived = Some(now);
    }

    /// Whether one is to be asked for now; then it counts as asked for.
    pub(crate) fn poll(&mut self, now: Instant) -> bool {
        let due = self.deadline().is_some_and(|at| at <= now);
        if due {
            self.wanted = None;
            self.asked = Some(now);
        }
        due
    }

    /// When the publisher may be asked, if anybody wants it; in the past when
    /// it already may.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let wanted = self.wanted?;
        Some(self.asked.map_or(wanted, |at| wanted.max(at + INTERVAL)))
    }
}
