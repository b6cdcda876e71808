//! The wall clock as sender reports have it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// From 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// The wall time of each instant, fixed when the server starts: corrections of
/// the machine's clock must not tear sound and picture apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock {
    instant: Instant,
    /// Seconds since 1900 in the upper 32 bits, their fraction in the lower.
    ntp: u64,
}

impl WallClock {
    /// A clock that runs from `now` on, at which it is `wall`.
    pub(crate) fn new(now: Instant, wall: SystemTime) -> Self {
        let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { instant: now, ntp: (NTP_TO_UNIX << 32).wrapping_add(fixed(since)) }
    }

    /// The 64-bit NTP timestamp of an instant (RFC 3550, 4).
    pub(crate) fn ntp(&self, at: Instant) -> u64 {
        match at.checked_duration_since(self.instant) {
            Some(later) => self.ntp.wrapping_add(fixed(later)),
            None => self.ntp.wrapping_sub(fixed(self.instant.saturating_duration_since(at))),
        }
    }

    /// The milliseconds of the Unix epoch in 90 kHz, modulo 2^32.
    pub(crate) fn media(&self, at: Instant) -> u32 {
        let ntp = u128::from(self.ntp(at).wrapping_sub(NTP_TO_UNIX << 32));
        ((ntp * 90_000) >> 32) as u32
    }

    /// The middle 32 bits of the NTP timestamp: what reports refer to each other by.
    pub(crate) fn middle(&self, at: Instant) -> u32 {
        (self.ntp(at) >> 16) as u32
    }
}

/// 32.32 fixed point.
fn fixed(duration: Duration) -> u64 {
    let fraction = (u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000;
    (duration.as_secs() << 32).wrapping_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_as_instants_do() {
        let start = Instant::now() + Duration::from_secs(100);
        let wall = UNIX_EPOCH + Duration::from_millis(1_500);
        let clock = WallClock::new(start, wall);
        assert_eq!(clock.ntp(start), (NTP_TO_UNIX + 1) << 32 | 1 << 31);
        let second = clock.ntp(start + Duration::from_secs(1)) - clock.ntp(start);
        assert_eq!(second, 1 << 32);
        assert_eq!(clock.ntp(start) - clock.ntp(start - Duration::from_secs(3)), 3 << 32);
        assert_eq!(clock.media(start), 1_500 * 90);
        assert_eq!(clock.middle(start), ((NTP_TO_UNIX + 1) as u32) << 16 | 1 << 15);
    }
}
