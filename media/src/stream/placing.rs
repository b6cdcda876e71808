//! The picture's timestamps, put on the server's clock.
//!
//! Every viewer is sent the same timestamps: they count, in 90 kHz and modulo 2^32, the
//! milliseconds of the Unix epoch at which the server takes a frame to be captured. So
//! whoever knows the server's clock knows how old a frame is, and everyone sees the same
//! frame at the same moment, without a header extension and without a word of signalling.
//! (RFC 3550, 5.1, wants a random start against attacks on the cipher; SRTP's counter
//! mode has no such weakness.)

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ahead::{Ahead, end_ahead};
use crate::rtcp::WallClock;

/// Ticks of a millisecond.
const TICKS_PER_MS: i64 = 90;
/// Frames whose place is remembered: packets of one frame get one timestamp, also late ones.
const REMEMBERED: usize = 64;
/// The line is moved when it is off by more than this: 1 ms.
const LEFT_ALONE: i64 = TICKS_PER_MS;
/// Farther off than this the publisher counts from somewhere else: 1 s.
const ANOTHER_COUNT: i64 = 1000 * TICKS_PER_MS;
/// A frame that is no farther from the newest one is of the same count all the same, if it comes
/// late or seems to have been captured too long ago: 2 s.
const SAME_COUNT: i64 = 2000 * TICKS_PER_MS;
/// The publisher's way is learnt quickly at first.
const LEARNING: Duration = Duration::from_secs(2);
const FIRST_LOOK: Duration = Duration::from_millis(250);
const LATER_LOOK: Duration = Duration::from_secs(5);
/// The part of the time between two frames by which the line may be moved, then and later:
/// 0.4 % is more than any two clocks drift apart, and less than anybody sees.
const FIRST_PART: i64 = 8;
const LATER_PART: i64 = 256;

/// Places the timestamps of one publisher's one layer.
///
/// A line through what the publisher counts and when it was captured, as its sender reports
/// say, or else as it arrived. Of arrivals those count that were the quickest.
#[derive(Debug, Default)]
pub struct Placing {
    line: Option<Line>,
    /// The latest timestamp that was given out, by whichever publisher.
    latest: Option<u32>,
}

#[derive(Debug)]
struct Line {
    begun: Instant,
    /// What to add to the publisher's timestamps.
    offset: u32,
    /// The newest frame of the publisher's.
    newest: u32,
    /// Where the latest frames were put.
    placed: VecDeque<(u32, u32)>,
    looked: Instant,
    /// The least that captures lay behind the line, of this look and the one before.
    least: Option<i64>,
    least_before: Option<i64>,
    /// How far the line is still to be moved.
    pending: i64,
}

impl Placing {
    /// Another publisher: it counts from somewhere else.
    pub fn publish(&mut self) {
        self.line = None;
    }

    /// One for another publisher, whose frames come after those of this one; this one may go on.
    pub(crate) fn fork(&self) -> Self {
        Self { line: None, latest: self.latest }
    }

    /// The latest timestamp that was given out.
    pub(crate) fn latest(&self) -> Option<u32> {
        self.latest
    }

    /// The timestamp under which the frame with the publisher's `timestamp` is sent.
    /// `captured` is when it was captured, as far as that is known.
    pub(crate) fn place(&mut self, wall: &WallClock, captured: Instant, timestamp: u32) -> u32 {
        let wanted = wall.media(captured);
        let known = self.line.as_mut().and_then(|line| line.place(captured, wanted, timestamp));
        let placed = known.unwrap_or_else(|| {
            let start = self.latest.map_or(wanted, |latest| later(latest.wrapping_add(1), wanted));
            self.line = Some(Line::new(captured, timestamp, start));
            start
        });
        self.latest = Some(self.latest.map_or(placed, |latest| later(latest, placed)));
        placed
    }
}

impl Ahead for Placing {
    fn ahead(&self, depth: u8) {
        if let Some(line) = self.line.as_ref().filter(|_| depth == 1) {
            end_ahead(&line.placed);
        }
    }
}

impl Line {
    fn new(now: Instant, timestamp: u32, placed: u32) -> Self {
        Self {
            begun: now,
            offset: placed.wrapping_sub(timestamp),
            newest: timestamp,
            placed: VecDeque::from([(timestamp, placed)]),
            looked: now,
            least: None,
            least_before: None,
            pending: 0,
        }
    }

    /// None if the publisher counts from somewhere else now.
    fn place(&mut self, captured: Instant, wanted: u32, timestamp: u32) -> Option<u32> {
        let step = i64::from(timestamp.wrapping_sub(self.newest) as i32);
        // One that is newer than all is none of those.
        let known = || self.placed.iter().rev().find(|(of, _)| *of == timestamp);
        if let Some((_, placed)) = (step <= 0).then(known).flatten() {
            return Some(*placed);
        }
        let behind = i64::from(wanted.wrapping_sub(timestamp.wrapping_add(self.offset)) as i32);
        if behind.abs() > ANOTHER_COUNT && !goes_on(step, behind) {
            return None;
        }
        if step > 0 {
            self.newest = timestamp;
            self.look(captured, behind);
            self.move_on(captured, step);
        }
        let placed = timestamp.wrapping_add(self.offset);
        if self.placed.len() == REMEMBERED {
            self.placed.pop_front();
        }
        self.placed.push_back((timestamp, placed));
        Some(placed)
    }

    fn learns(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.begun) < LEARNING
    }

    /// Takes note of how far a capture lies behind the line, and decides now and then
    /// how far to move it.
    fn look(&mut self, now: Instant, behind: i64) {
        self.least = Some(self.least.map_or(behind, |least| least.min(behind)));
        let every = if self.learns(now) { FIRST_LOOK } else { LATER_LOOK };
        if now.saturating_duration_since(self.looked) < every {
            return;
        }
        self.looked = now;
        let before = std::mem::replace(&mut self.least_before, self.least.take());
        let least = self.least_before.into_iter().chain(before).min().unwrap_or_default();
        self.pending = if least.abs() > LEFT_ALONE { least } else { 0 };
    }

    /// Moves the line a part of the way: never so far that frames would change places.
    fn move_on(&mut self, now: Instant, step: i64) {
        let part = if self.learns(now) { FIRST_PART } else { LATER_PART };
        let most = step / part;
        let by = self.pending.clamp(-most, most);
        self.pending -= by;
        self.offset = self.offset.wrapping_add(by as u32);
        // What was noted so far lay behind the line where it was.
        for least in [&mut self.least, &mut self.least_before].into_iter().flatten() {
            *least -= by;
        }
    }
}

/// Whether the publisher counts as before although the frame is far from where it should be. A
/// frame that was lost comes late where arrivals count. And when the publisher's word on its clock
/// goes back, its frames do not: begun anew, each would stand a tick behind the one before it,
/// and no decoder shows those.
fn goes_on(step: i64, behind: i64) -> bool {
    step.abs() <= SAME_COUNT && (step <= 0 || behind < 0)
}

/// The later of two timestamps that are less than half of all apart.
fn later(a: u32, b: u32) -> u32 {
    if a.wrapping_sub(b) < 1 << 31 { a } else { b }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const FRAME: u32 = 3_600;

    struct World {
        start: Instant,
        wall: WallClock,
    }

    impl World {
        fn new() -> Self {
            let start = Instant::now() + Duration::from_secs(100);
            // So that timestamps turn over in the midst of it.
            let wall = WallClock::new(start, UNIX_EPOCH + Duration::from_millis(47_720_000));
            Self { start, wall }
        }

        fn at(&self, ms: f64) -> Instant {
            self.start + Duration::from_secs_f64(ms / 1000.0)
        }

        /// How late a placed timestamp lies against the moment it should stand for, in ms.
        fn off(&self, placed: u32, ms: f64) -> f64 {
            f64::from(placed.wrapping_sub(self.wall.media(self.at(ms))) as i32) / 90.0
        }
    }

    #[test]
    fn a_frame_is_placed_where_it_was_captured() {
        let (world, mut placing) = (World::new(), Placing::default());
        for n in 0..1_000u32 {
            let ms = f64::from(n) * 40.0;
            let placed = placing.place(&world.wall, world.at(ms), 77 + n * FRAME);
            assert!(world.off(placed, ms).abs() < 0.02, "frame {n}");
        }
    }

    #[test]
    fn of_arrivals_the_quickest_count() {
        let (world, mut placing) = (World::new(), Placing::default());
        let mut last: Option<u32> = None;
        for n in 0..2_000u32 {
            let ms = f64::from(n) * 40.0;
            // The first is the slowest of all.
            let late = if n == 0 { 60.0 } else { f64::from(n * 7_919 % 40) };
            let placed = placing.place(&world.wall, world.at(ms + late), n.wrapping_mul(FRAME));
            if let Some(last) = last {
                let step = placed.wrapping_sub(last);
                assert!((FRAME * 3 / 4..FRAME * 5 / 4).contains(&step), "frame {n}: {step}");
            }
            last = Some(placed);
            if n > 100 {
                assert!(world.off(placed, ms).abs() < 2.5, "frame {n}: {}", world.off(placed, ms));
            }
        }
    }

    #[test]
    fn a_clock_that_drifts_is_followed() {
        let (world, mut placing) = (World::new(), Placing::default());
        for n in 0..50_000u32 {
            // 200 parts in a million fast.
            let ms = f64::from(n) * 40.0 * (1.0 - 200e-6);
            let placed = placing.place(&world.wall, world.at(ms), n.wrapping_mul(FRAME));
            assert!(world.off(placed, ms).abs() < 4.5, "frame {n}: {}", world.off(placed, ms));
        }
    }

    #[test]
    fn packets_of_a_frame_stay_together_however_late() {
        let (world, mut placing) = (World::new(), Placing::default());
        let mut first = Vec::new();
        for n in 0..100u32 {
            let ms = f64::from(n) * 40.0 + f64::from(n % 7);
            first.push(placing.place(&world.wall, world.at(ms), n * FRAME));
            let before = n.saturating_sub(20);
            let again = placing.place(&world.wall, world.at(ms + 3.0), before * FRAME);
            assert_eq!(again, first[before as usize]);
        }
    }

    #[test]
    fn frames_keep_their_pace_when_the_publishers_clock_goes_back() {
        let (world, mut placing) = (World::new(), Placing::default());
        let mut last: Option<u32> = None;
        for n in 0..500u32 {
            // From the hundredth frame on, its reports say that it was captured 6 s before.
            let ms = 10_000.0 + f64::from(n) * 40.0 - if n < 100 { 0.0 } else { 6_000.0 };
            let placed = placing.place(&world.wall, world.at(ms), n.wrapping_mul(FRAME));
            if let Some(last) = last {
                let step = placed.wrapping_sub(last);
                assert!((FRAME * 3 / 4..FRAME * 5 / 4).contains(&step), "frame {n}: {step}");
            }
            last = Some(placed);
        }
    }

    #[test]
    fn frames_keep_their_pace_when_one_of_long_ago_is_sent_again() {
        let (world, mut placing) = (World::new(), Placing::default());
        let mut last = placing.place(&world.wall, world.at(0.0), 0);
        for n in 1..500u32 {
            let ms = f64::from(n) * 40.0;
            if n == 100 {
                // All of it was lost, and arrivals are all there is.
                let late = placing.place(&world.wall, world.at(ms), (n - 30) * FRAME - 7);
                assert!((world.off(late, ms - 1_200.0)).abs() < 1.0);
            }
            let placed = placing.place(&world.wall, world.at(ms), n * FRAME);
            let step = placed.wrapping_sub(last);
            assert!((FRAME * 3 / 4..FRAME * 5 / 4).contains(&step), "frame {n}: {step}");
            last = placed;
        }
    }

    #[test]
    fn whoever_counts_from_somewhere_else_goes_on_behind_what_was_sent() {
        let (world, mut placing) = (World::new(), Placing::default());
        let a = placing.place(&world.wall, world.at(0.0), 5);
        let b = placing.place(&world.wall, world.at(40.0), 3_000_000_000);
        assert!(world.off(b, 40.0).abs() < 0.02, "the same publisher, from elsewhere");
        placing.publish();
        // The next one's first frame seems to be older than the last one's.
        let c = placing.place(&world.wall, world.at(20.0), 9);
        assert!(b.wrapping_sub(a) < 1 << 31 && c.wrapping_sub(b) < 100);
    }
}
