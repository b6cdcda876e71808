//! How much of what a viewer asks for again is looked at.

use std::time::Instant;

/// Packets in a second. A viewer of 50 Mbit/s that loses one in ten misses 520 in a second, and
/// asks for each once or twice; this is several times that.
const RATE: u32 = 4_096;
/// Packets that may be saved up: several times what is kept to be sent again.
const MOST: u32 = 4_096;

/// A bucket of packets that a viewer may ask for, as many as it likes at a time. What is asked for
/// beyond is passed over: who still misses it asks again.
#[derive(Debug)]
pub(super) struct Allowance {
    left: u32,
    filled: Option<Instant>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: MOST, filled: None }
    }
}

impl Allowance {
    /// Whether so many packets may be asked for now.
    pub(super) fn allow(&mut self, now: Instant, packets: u32) -> bool {
        let filled = *self.filled.get_or_insert(now);
        let since = now.saturating_duration_since(filled);
        let more = since.as_micros() * u128::from(RATE) / 1_000_000;
        // Not before there is a whole one, or what is over would be lost each time.
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(MOST);
            self.left = self.left.saturating_add(more).min(MOST);
            self.filled = Some(now);
        }
        let allowed = self.left >= packets;
        if allowed {
            self.left -= packets;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn allowed(allowance: &mut Allowance, now: Instant, times: u32, packets: u32) -> u32 {
        (0..times).filter(|_| allowance.allow(now, packets)).count() as u32
    }

    #[test]
    fn a_flood_ends_with_what_was_saved_up() {
        let (start, mut allowance) = (Instant::now(), Allowance::default());
        assert_eq!(allowed(&mut allowance, start, 10_000, 17), MOST / 17);
        let mut later = 0;
        for ms in 1..=1_000 {
            later += allowed(&mut allowance, start + Duration::from_millis(ms), 1_000, 1);
        }
        assert!((RATE * 9 / 10..=RATE + 17).contains(&later), "{later}");
        let long = start + Duration::from_secs(3_600);
        assert_eq!(allowed(&mut allowance, long, 100_000, 1), MOST);
    }

    #[test]
    fn who_loses_a_tenth_of_50_mbit_is_never_refused() {
        let (start, mut allowance) = (Instant::now(), Allowance::default());
        // Each of 520 packets in a second is asked for three times.
        for n in 0..100_000u32 {
            let now = start + Duration::from_secs(1) * n / 1_560;
            assert!(allowance.allow(now, 1), "{n}");
        }
    }
}
