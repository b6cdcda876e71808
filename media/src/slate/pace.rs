//! Whether a publisher that is still connected sends a picture.

use std::time::{Duration, Instant};

/// Without a picture for this long there is none any more, whatever else the publisher sends: sound
/// goes on where a camera was switched off, and sender reports do too. Browsers repeat a screen on
/// which nothing changes once a second, which is not to be taken for silence.
const SILENT: Duration = Duration::from_secs(2);
/// Where pictures come more seldom than that, silence is so many times the longest pause between two.
const TIMES: u32 = 4;
/// A longer pause counts as one of this: else a publisher that failed once would be waited for
/// much longer the next time.
const LONGEST: Duration = Duration::from_secs(4);
/// A pause is forgotten by this part with each frame: to a half within a quarter of a minute at 25
/// frames a second, and within minutes where a frame a second comes.
const FORGETS: u32 = 512;
/// It is not known how often pictures come before there were so many.
const FEW: u32 = 3;

/// How often a publisher's pictures come. Time is an argument.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    last: Option<Instant>,
    frames: u32,
    /// The longest pause of late.
    longest: Duration,
}

impl Pace {
    /// A packet of the picture has come, in whichever layer.
    pub(crate) fn packet(&mut self, now: Instant, ends_frame: bool) {
        let pause = self.last.map(|last| now.saturating_duration_since(last));
        self.longest = self.longest.max(pause.unwrap_or_default().min(LONGEST));
        self.last = Some(now);
        if ends_frame {
            self.frames = self.frames.saturating_add(1);
            self.longest -= self.longest / FORGETS;
        }
    }

    /// Whether there was a picture, and is none any more.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        let patience = SILENT.max(self.longest * TIMES);
        let silent = |last| now.saturating_duration_since(last) >= patience;
        self.frames >= FEW && self.last.is_some_and(silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(100);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A publisher, and the moments at which it is looked at: ten a second.
    struct World {
        now: Instant,
        pace: Pace,
        /// How often it became silent.
        fell_silent: u32,
    }

    impl World {
        fn new() -> Self {
            Self { now: Instant::now() + START, pace: Pace::default(), fell_silent: 0 }
        }

        /// Nothing comes for so long. Says after how long that was silence.
        fn pause(&mut self, pause: Duration) -> Option<Duration> {
            let (begun, before) = (self.now, self.pace.is_silent(self.now));
            let mut silent = None;
            while self.now < begun + pause {
                self.now = (self.now + ms(100)).min(begun + pause);
                if !before && silent.is_none() && self.pace.is_silent(self.now) {
                    silent = Some(self.now - begun);
                }
            }
            self.fell_silent += u32::from(silent.is_some());
            silent
        }

        /// Frames of two packets, each after such a pause.
        fn frames(&mut self, count: u32, pause: Duration) {
            for _ in 0..count {
                self.pause(pause);
                self.pace.packet(self.now, false);
                self.pace.packet(self.now, true);
            }
        }
    }

    #[test]
    fn a_camera_that_stops_is_missed_after_two_seconds_and_again_when_it_has_come_back() {
        let mut world = World::new();
        assert_eq!(world.pause(ms(60_000)), None, "there was no picture at all: sound alone");
        world.frames(250, ms(40));
        // Its network halts for a moment.
        assert_eq!(world.pause(ms(400)), None);
        world.frames(250, ms(40));
        assert_eq!(world.pause(ms(15_000)), Some(ms(2_000)));
        world.frames(25 * 60, ms(40));
        assert_eq!(world.pause(ms(15_000)), Some(ms(2_000)), "it is not waited for any longer");
    }

    #[test]
    fn a_screen_on_which_nothing_changes_goes_on() {
        let mut world = World::new();
        for _ in 0..10 {
            world.frames(600, ms(33));
            world.frames(120, ms(1_000));
        }
        assert_eq!(world.fell_silent, 0);
        assert_eq!(world.pause(ms(15_000)), Some(ms(4_000)), "four of its pauses");
    }

    #[test]
    fn who_sends_a_picture_every_few_seconds_is_no_more_away_than_that() {
        for pause in [ms(2_500), ms(4_000), ms(9_000), ms(15_000)] {
            let mut world = World::new();
            world.frames(300, pause);
            assert_eq!(world.fell_silent, 0, "{pause:?}");
        }
    }

    #[test]
    fn a_screen_that_sends_nothing_until_something_changes_is_away_once_and_then_known() {
        let mut world = World::new();
        world.frames(100, ms(33));
        assert_eq!(world.pause(ms(5_000)), Some(ms(2_000)));
        for _ in 0..20 {
            world.frames(60, ms(33));
            world.pause(ms(5_000));
        }
        assert_eq!(world.fell_silent, 1);
    }
}
