//! The viewers' wishes for a key frame, merged and throttled.

use std::time::{Duration, Instant};

/// The publisher is asked at most this often.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);
/// A key frame that came this recently answers a wish: the asker lost an older one.
const FRESH: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct KeyframeRequests {
    wanted: Option<Instant>,
    asked: Option<Instant>,
    arrived: Option<Instant>,
}

impl KeyframeRequests {
    pub(super) fn want(&mut self, now: Instant) {
        let fresh = self.arrived.is_some_and(|at| now.saturating_duration_since(at) < FRESH);
        if !fresh {
            self.wanted.get_or_insert(now);
        }
    }

    /// A key frame begins: what was asked before is answered.
    pub(super) fn arrived(&mut self, now: Instant) {
        self.wanted = None;
        self.arrived = Some(now);
    }

    pub(super) fn poll(&mut self, now: Instant) -> bool {
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
