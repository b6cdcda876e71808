//! When packets are to be handed on: the sender's clock on this machine's
//! (draft-sharabayko-srt-01, 4.5).

use std::time::{Duration, Instant};

/// The drift is measured for so long before it is followed,
const WINDOW: Duration = Duration::from_secs(10);
/// and by at least so many samples; a stream in use has a hundred a second.
const SAMPLES: u32 = 16;
/// A packet is never kept longer than twice the latency and this, whatever its timestamp says.
const PATIENCE: Duration = Duration::from_secs(1);

/// The sender's clock. Its timestamps of 32 bits, microseconds, wrap after 71 minutes.
#[derive(Debug)]
pub(crate) struct SenderClock {
    /// When the timestamp `origin` was here.
    anchor: Instant,
    /// Timestamps without the wrap; the newest so far.
    newest: i64,
    origin: i64,
    latency: Duration,
    window: Instant,
    drift_sum: i64,
    drift_count: u32,
    /// The last drift that was followed, in microseconds.
    drift: i64,
}

impl SenderClock {
    /// A clock that showed `timestamp` in the packet that came now.
    pub(crate) fn new(now: Instant, timestamp: u32, latency: Duration) -> Self {
        let origin = i64::from(timestamp);
        Self {
            anchor: now,
            newest: origin,
            origin,
            latency,
            window: now,
            drift_sum: 0,
            drift_count: 0,
            drift: 0,
        }
    }

    pub(crate) fn latency(&self) -> Duration {
        self.latency
    }

    /// The last drift that was followed, in microseconds.
    pub(crate) fn drift(&self) -> i64 {
        self.drift
    }

    /// The timestamp without its wrap: the one of this low half that is next to the newest.
    fn unwrap(&mut self, timestamp: u32) -> i64 {
        let ahead = timestamp.wrapping_sub(self.newest as u32) as i32;
        let whole = self.newest + i64::from(ahead);
        self.newest = self.newest.max(whole);
        whole
    }

    /// When a packet is to be handed on.
    pub(crate) fn due(&mut self, now: Instant, timestamp: u32) -> Instant {
        let since = self.unwrap(timestamp) - self.origin;
        let apart = Duration::from_micros(since.unsigned_abs());
        let sent = if since < 0 {
            self.anchor.checked_sub(apart).unwrap_or(self.anchor)
        } else {
            self.anchor + apart
        };
        (sent + self.latency).min(now + 2 * self.latency + PATIENCE)
    }

    /// A packet that the sender has sent at once: what its clock says then shows the drift.
    pub(crate) fn sample(&mut self, now: Instant, timestamp: u32) {
        let told = self.unwrap(timestamp) - self.origin;
        let here = now.saturating_duration_since(self.anchor).as_micros() as i64;
        self.drift_sum = self.drift_sum.saturating_add(here - told);
        self.drift_count += 1;
        let window = now.saturating_duration_since(self.window);
        if self.drift_count < SAMPLES || window < WINDOW {
            return;
        }
        self.drift = self.drift_sum / i64::from(self.drift_count);
        (self.drift_sum, self.drift_count, self.window) = (0, 0, now);
        let by = Duration::from_micros(self.drift.unsigned_abs());
        self.anchor = if self.drift < 0 {
            self.anchor.checked_sub(by).unwrap_or(self.anchor)
        } else {
            self.anchor + by
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATENCY: Duration = Duration::from_millis(120);

    #[test]
    fn the_delay_outlives_the_wrap() {
        let start = Instant::now();
        let mut clock = SenderClock::new(start, 4_000_000_000, LATENCY);
        // Two wraps, a packet a second, each late by the same 7 ms.
        for second in 0..9_000u64 {
            let timestamp = (4_000_000_000 + second * 1_000_000) as u32;
            let sent = start + Duration::from_secs(second);
            let now = sent + Duration::from_millis(7);
            assert_eq!(clock.due(now, timestamp), sent + LATENCY, "second {second}");
        }
    }

    #[test]
    fn packets_of_before_the_wrap_may_come_after_it() {
        let start = Instant::now();
        let mut clock = SenderClock::new(start, u32::MAX - 999, LATENCY);
        assert_eq!(clock.due(start, 1000), start + Duration::from_micros(2000) + LATENCY);
        assert_eq!(clock.due(start, u32::MAX - 499), start + Duration::from_micros(500) + LATENCY);
    }

    #[test]
    fn drift_is_followed() {
        let start = Instant::now();
        let mut clock = SenderClock::new(start, 0, LATENCY);
        // The sender's clock is slow by 200 in a million.
        let told = |now: Duration| (now.as_micros() as f64 * 0.9998) as u32;
        let mut now = Duration::ZERO;
        for _ in 0..60_000 {
            now += Duration::from_millis(10);
            clock.sample(start + now, told(now));
        }
        let late = clock.due(start + now, told(now)).duration_since(start + now);
        let off = late.abs_diff(LATENCY);
        assert!(off < Duration::from_millis(5), "{off:?} after ten minutes; it were 120 ms");
    }

    #[test]
    fn no_timestamp_keeps_a_packet_for_long() {
        let start = Instant::now();
        let mut clock = SenderClock::new(start, 0, LATENCY);
        let due = clock.due(start, 2_000_000_000);
        assert!(due <= start + 2 * LATENCY + PATIENCE);
    }
}
