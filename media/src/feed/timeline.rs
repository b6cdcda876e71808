//! The presentation times of a stream on this machine's clock, one for all its tracks.

use std::time::{Duration, Instant};

use crate::ts::CLOCK;

/// Times are of 33 bits and wrap after 26.5 hours.
const WRAP: i64 = 1 << 33;
/// A jump by more than this is a new beginning, not a late frame.
const JUMP: i64 = 10 * CLOCK as i64;
/// After a new beginning, time goes on this much later.
const GAP: i64 = CLOCK as i64 / 10;
/// The least time that frames are late by is looked for in so long.
const WINDOW: Duration = Duration::from_secs(10);
/// Less than this is left as it is.
const SLACK: Duration = Duration::from_millis(60);

/// Where the times of a stream stand on this machine's clock.
#[derive(Debug, Default)]
pub(crate) struct Timeline(Option<State>);

#[derive(Debug)]
struct State {
    /// The newest time without the wrap, as the sender has it.
    newest: i64,
    /// What is added to the sender's times.
    offset: i64,
    /// When the moment `origin` was.
    anchor: Instant,
    origin: i64,
    window: Instant,
    /// The least that a frame of this window was late by.
    least: Duration,
}

/// A moment of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Ticks of 90 kHz that never wrap.
    pub(crate) ticks: i64,
    /// When that was, on this machine's clock; not in the future.
    pub(crate) captured: Instant,
}

impl Moment {
    /// When another moment near this one was.
    pub(crate) fn at(&self, ticks: i64) -> Instant {
        let span = ticks - self.ticks;
        let apart = Duration::from_micros(span.unsigned_abs() * 100 / 9);
        if span < 0 {
            self.captured.checked_sub(apart).unwrap_or(self.captured)
        } else {
            self.captured + apart
        }
    }
}

impl Timeline {
    /// The moment of a presentation time that comes now.
    pub(crate) fn moment(&mut self, now: Instant, pts: u64) -> Moment {
        let pts = (pts as i64) & (WRAP - 1);
        let state = self.0.get_or_insert(State {
            newest: pts,
            offset: 0,
            anchor: now,
            origin: pts,
            window: now,
            least: Duration::MAX,
        });
        let ahead = (pts - state.newest).rem_euclid(WRAP);
        let ahead = if ahead >= WRAP / 2 { ahead - WRAP } else { ahead };
        let time = state.newest + ahead;
        if ahead.abs() > JUMP {
            state.begin_anew(now, time);
        } else {
            state.newest = state.newest.max(time);
        }
        let ticks = time + state.offset;
        Moment { ticks, captured: state.captured(now, ticks) }
    }
}

impl State {
    fn begin_anew(&mut self, now: Instant, time: i64) {
        let ticks = self.newest + self.offset + GAP;
        self.offset = ticks - time;
        self.newest = time;
        (self.anchor, self.origin) = (now, ticks);
        (self.window, self.least) = (now, Duration::MAX);
    }

    fn captured(&mut self, now: Instant, ticks: i64) -> Instant {
        let at = Moment { ticks: self.origin, captured: self.anchor }.at(ticks);
        if at > now {
            // It came sooner than any before: all of them were late by this.
            self.anchor = self.anchor.checked_sub(at - now).unwrap_or(self.anchor);
            self.least = Duration::ZERO;
            return now;
        }
        self.least = self.least.min(now - at);
        if now.saturating_duration_since(self.window) >= WINDOW {
            // The sender's clock is slower than ours, or its way has grown longer.
            if self.least > SLACK {
                self.anchor += self.least;
            }
            (self.window, self.least) = (now, Duration::MAX);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: u64 = 3600;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_wrap_is_no_jump() {
        let start = Instant::now();
        let mut timeline = Timeline::default();
        let first = (1u64 << 33) - 10 * FRAME;
        let mut last = None;
        for frame in 0..30u64 {
            let now = start + ms(40 * frame);
            let moment = timeline.moment(now, (first + frame * FRAME) % (1 << 33));
            assert_eq!(moment.captured, now);
            if let Some(last) = last {
                assert_eq!(moment.ticks - last, FRAME as i64);
            }
            last = Some(moment.ticks);
        }
    }

    #[test]
    fn two_tracks_have_one_base() {
        let start = Instant::now() + ms(1000);
        let mut timeline = Timeline::default();
        // Sound comes 100 ms after the picture of its moment.
        timeline.moment(start, 90_000);
        let sound = timeline.moment(start + ms(100), 90_000);
        assert_eq!(sound.captured, start);
        // Whatever comes sooner moves both.
        let soon = timeline.moment(start + ms(200), 90_000 + 90 * 250);
        assert_eq!(soon.captured, start + ms(200));
        let sound = timeline.moment(start + ms(300), 90_000 + 90 * 200);
        assert_eq!(sound.captured, start + ms(150));
    }

    #[test]
    fn a_jump_goes_on_from_here() {
        let start = Instant::now();
        let mut timeline = Timeline::default();
        let before = timeline.moment(start, 50_000_000);
        let after = timeline.moment(start + ms(40), 1_000);
        assert_eq!(after.ticks - before.ticks, GAP);
        assert_eq!(after.captured, start + ms(40));
        // The other track follows without a jump.
        let other = timeline.moment(start + ms(40), 1_000 + FRAME);
        assert_eq!(other.ticks - after.ticks, FRAME as i64);
        let late = timeline.moment(start + ms(80), 1_000);
        assert_eq!(late.ticks, after.ticks, "a late frame is no jump");
    }

    #[test]
    fn a_slow_clock_is_followed() {
        let start = Instant::now();
        let mut timeline = Timeline::default();
        // Slow by 500 in a million, for an hour: 1.8 s.
        for frame in 0..90_000u64 {
            let now = start + ms(40 * frame);
            let pts = (frame as f64 * 3600.0 * 0.9995) as u64;
            let moment = timeline.moment(now, pts);
            assert!(now - moment.captured < ms(150), "at frame {frame}");
        }
    }
}
