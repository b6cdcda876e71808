//! How old a live picture is when it is shown, so that everyone sees it together.

use super::{Change, Room};
use crate::{Millis, Reason};

/// The most that a room waits for its slowest, unless a host says otherwise, in milliseconds.
pub const USUAL_LIVE_CEILING_MS: u32 = 1_000;
/// The most that a host may say, in milliseconds.
pub const MAX_LIVE_CEILING_MS: u32 = 5_000;

/// A common delay is a whole number of these, so that it does not move with every measurement.
const STEP_MS: f64 = 10.0;
/// It is shortened when it could be by this much,
const SHORTER_BY_MS: f64 = 30.0;
/// and could have been for so long: a network that was bad is bad again soon.
const SHORTER_AFTER_MS: f64 = 10_000.0;

impl Room {
    /// How old a live picture shall be when it is shown, in milliseconds; nothing before anybody
    /// said what they need.
    pub fn live_delay_ms(&self) -> Option<f64> {
        self.live.ms
    }

    /// Looks at what those who are there need to see a live source together. True when
    /// [`Room::live_delay_ms`] changed with it.
    pub fn update_live_delay(&mut self, now: Millis) -> bool {
        let live = self.state.asset.is_some_and(|asset| asset.is_live());
        let ceiling = f64::from(self.state.live_ceiling_ms);
        live && self.live.update(now, self.presence.live_needs_ms(), ceiling)
    }

    /// A live source is shown as it comes, or stands still.
    pub(super) fn run_live(&mut self, now: Millis, playing: bool) -> Change {
        if self.state.playing == playing {
            return Change::Nothing;
        }
        self.state.playing = playing;
        self.state.effective_ms = now;
        Change::Within
    }

    pub(super) fn set_live_ceiling(&mut self, ms: u32) -> Result<Change, Reason> {
        if ms > MAX_LIVE_CEILING_MS {
            return Err(Reason::Bad("a live source is held back 5000 ms at most"));
        }
        let before = std::mem::replace(&mut self.state.live_ceiling_ms, ms);
        Ok(if before == ms { Change::Nothing } else { Change::Within })
    }
}

/// The delay that a room's people have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveDelay {
    ms: Option<f64>,
    /// Since when it could be shorter, and the most that was needed since.
    shorter: Option<(Millis, f64)>,
}

impl LiveDelay {
    /// Takes note of what everyone needs at least. Who needs more than the ceiling is not waited
    /// for. Longer at once, shorter only after a while. True when it changed.
    fn update(&mut self, now: Millis, needs: impl Iterator<Item = f64>, ceiling_ms: f64) -> bool {
        let mut needs = needs.peekable();
        if needs.peek().is_none() {
            return false;
        }
        let need = needs.filter(|need| *need <= ceiling_ms).fold(0.0, f64::max);
        let need = ((need / STEP_MS).ceil() * STEP_MS).min(ceiling_ms);
        let ms = match self.ms {
            Some(ms) if need <= ms && ms <= ceiling_ms => {
                match self.shorter_by_now(now, ms, need) {
                    Some(shorter) => shorter,
                    None => return false,
                }
            }
            _ => need,
        };
        self.shorter = None;
        self.ms.replace(ms) != Some(ms)
    }

    fn shorter_by_now(&mut self, now: Millis, ms: f64, need: f64) -> Option<f64> {
        if need > ms - SHORTER_BY_MS {
            self.shorter = None;
            return None;
        }
        let (since, most) = self.shorter.map_or((now, need), |(at, most)| (at, most.max(need)));
        self.shorter = Some((since, most));
        (now - since >= SHORTER_AFTER_MS).then_some(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: f64) -> Millis {
        Millis(second * 1000.0)
    }

    #[test]
    fn the_slowest_within_the_ceiling_counts() {
        let mut delay = LiveDelay::default();
        assert!(!delay.update(at(0.0), [].into_iter(), 1000.0), "nobody said anything");
        assert_eq!(delay.ms, None);
        assert!(delay.update(at(1.0), [90.0, 341.0, 2000.0].into_iter(), 1000.0));
        assert_eq!(delay.ms, Some(350.0));
        assert!(delay.update(at(2.0), [90.0, 341.0, 2000.0].into_iter(), 300.0));
        assert_eq!(delay.ms, Some(90.0), "a lower ceiling counts at once");
        assert!(delay.update(at(3.0), [90.0].into_iter(), 0.0));
        assert_eq!(delay.ms, Some(0.0));
    }

    #[test]
    fn it_gets_longer_at_once_and_shorter_after_a_while() {
        let mut delay = LiveDelay::default();
        delay.update(at(0.0), [200.0].into_iter(), 1000.0);
        assert!(!delay.update(at(1.0), [180.0].into_iter(), 1000.0), "too little to be worth it");
        assert!(!delay.update(at(2.0), [100.0].into_iter(), 1000.0));
        assert!(!delay.update(at(8.0), [120.0].into_iter(), 1000.0));
        assert!(delay.update(at(12.0), [90.0].into_iter(), 1000.0));
        assert_eq!(delay.ms, Some(120.0), "the most that was needed meanwhile");
        assert!(delay.update(at(12.5), [125.0].into_iter(), 1000.0));
        assert_eq!(delay.ms, Some(130.0));
    }
}
