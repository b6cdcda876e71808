//! The frame rate of a recording, and the place of each frame by it.
//!
//! Whoever reviews a clip counts frames, so that each is put where a whole number of frames says.
//! A place that nothing came for shows the frame before it for longer; a frame too many, when the
//! source's clock is a little faster than the rate says, shares a place with the one before.

use super::time::CLOCK;

/// A frame rate: frames in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRate {
    /// Frames.
    pub num: u32,
    /// In so many seconds.
    pub den: u32,
}

const fn rate(num: u32, den: u32) -> FrameRate {
    FrameRate { num, den }
}

/// The rates of film and television, and what screens and slow networks have.
const USUAL: [FrameRate; 17] = [
    rate(5, 1),
    rate(10, 1),
    rate(12, 1),
    rate(15, 1),
    rate(20, 1),
    rate(24_000, 1001),
    rate(24, 1),
    rate(25, 1),
    rate(30_000, 1001),
    rate(30, 1),
    rate(48_000, 1001),
    rate(48, 1),
    rate(50, 1),
    rate(60_000, 1001),
    rate(60, 1),
    rate(100, 1),
    rate(120, 1),
];
/// A rate this near to a usual one is it.
const NEAR: f64 = 0.015;
/// A source's line is learnt after so long, or a little later ([`Placing`](crate::stream::Placing) has 2 s).
const LEARNT: i64 = CLOCK * 5 / 2;
/// Until then it may move by this part of the time.
const MOVES: i64 = 8;
/// And once it is learnt, by half of this part.
const STAYS: i64 = 128;
/// After no frames for this long the source may be another one.
const PAUSE: i64 = CLOCK / 2;

/// The usual rate that is meant by one that was measured.
fn usual(measured: f64) -> Option<FrameRate> {
    let off = |usual: &FrameRate| (usual.value() / measured - 1.0).abs();
    let nearest = USUAL.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)));
    nearest.filter(|usual| off(usual) < NEAR)
}

impl FrameRate {
    /// Frames in a second.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The ticks of a track's clock in a second, and those of a frame.
    pub(super) fn clock(self) -> (u32, u32) {
        match self.den {
            1 => (self.num * 1000, 1000),
            den => (self.num, den),
        }
    }

    /// That of frames which are shown at these moments, in ticks of 90 kHz and in their order.
    pub(super) fn of(shown: &[i64]) -> Self {
        let mut steps: Vec<i64> = shown.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.retain(|step| *step > 0);
        if steps.is_empty() {
            return rate(25, 1);
        }
        let middle = steps.len() / 2;
        let median = *steps.select_nth_unstable(middle).1;
        // Without the pauses: frames that were left out, and a source that was away.
        let mean = |part: i64| {
            let near = |step: &&i64| (**step - median).abs() <= median / part;
            let near = steps.iter().filter(near);
            let (count, sum) = near.fold((0i64, 0i64), |(n, sum), step| (n + 1, sum + step));
            CLOCK as f64 * count.max(1) as f64 / sum.max(1) as f64
        };
        let all = mean(2);
        // A new source is put on this server's clock by steps of another length: in a short
        // recording they are many, and the most frequent step says more.
        usual(all).or_else(|| usual(mean(16))).unwrap_or_else(|| {
            let thousandths = (all * 1000.0).round().clamp(1000.0, 240_000.0);
            rate(thousandths as u32, 1000)
        })
    }

    /// The number of the place that is nearest to a moment, in ticks since the first frame.
    fn nearest(self, since: i64) -> i64 {
        let (num, unit) = (i128::from(self.num), i128::from(CLOCK) * i128::from(self.den));
        (i128::from(since) * num + unit / 2).div_euclid(unit) as i64
    }

    /// Frames in ticks of 90 kHz.
    fn ticks(self, frames: i64) -> i64 {
        let unit = i128::from(CLOCK) * i128::from(self.den);
        (i128::from(frames) * unit).div_euclid(i128::from(self.num)) as i64
    }

    /// The whole number of frames that a step is: none where it is none, even with a line that
    /// is on the move.
    fn whole(self, step: i64) -> Option<i64> {
        let frames = self.nearest(step);
        let off = (step - self.ticks(frames)).abs();
        (frames >= 1 && off <= step / MOVES + self.ticks(1) / 20).then_some(frames)
    }

    /// How far the line moves by which a source's frames are placed, until it is learnt. Its first
    /// frames are off by so much, and none of them is missing or one too many.
    fn settles(self, frames: &[i64]) -> i64 {
        let mut off = 0;
        let mut settled = Vec::new();
        for pair in frames.windows(2) {
            let step = pair[1] - pair[0];
            if pair[1] - frames[0] > 2 * LEARNT {
                break;
            }
            // Not a camera's: its frames come when there is something to show.
            let Some(whole) = self.whole(step) else { return 0 };
            off += step - self.ticks(whole);
            if pair[1] - frames[0] >= LEARNT {
                settled.push(off);
            }
        }
        settled.sort_unstable();
        let spread = settled.last().zip(settled.first()).map_or(0, |(last, first)| last - first);
        if spread > LEARNT / STAYS {
            return 0;
        }
        let off = settled.get(settled.len() / 2).copied().unwrap_or(off);
        if (self.ticks(1) / 4..=LEARNT / MOVES).contains(&off.abs()) { off } else { 0 }
    }

    /// The place of each frame. `shown` rises, in ticks of 90 kHz.
    ///
    /// Frames are counted: that a source's clock was put right by less than a frame, or that
    /// its first frames were, leaves no hole. Only where the count is off by more does the time decide.
    pub(super) fn places(self, shown: &[i64]) -> Places {
        let mut places = Places { moments: Vec::with_capacity(shown.len()), count: 0, start: 0 };
        for (n, part) in shown.chunk_by(|one, next| next - one < PAUSE).enumerate() {
            let settles = self.settles(part);
            if n == 0 {
                places.start = part[0] + settles;
            }
            let mut before = None;
            for at in part {
                let since = at - places.start;
                let counted = before.and_then(|before| self.whole(at - before));
                let next = match (before, counted) {
                    (None, _) => self.nearest(since + settles),
                    (_, Some(frames)) => places.count - 1 + frames,
                    (_, None) => self.nearest(since),
                };
                let moves = if at - part[0] < LEARNT { settles } else { 0 };
                let leeway = moves.min(0) - self.ticks(1)..=moves.max(0) + self.ticks(1);
                let fits = leeway.contains(&(self.ticks(next) - since)) && next >= places.count;
                places.push(self, if fits { Ok(next) } else { Err(since) });
                before = Some(at);
            }
        }
        places
    }
}

/// Where the frames of a recording are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// The moment of each by the track's clock, since the first, rising.
    pub(super) moments: Vec<i64>,
    /// How many places there are in all.
    pub(super) count: i64,
    /// When the first was, in ticks of 90 kHz: what is heard then belongs to it.
    pub(super) start: i64,
}

impl Places {
    /// One more: at its place, or else where a time says.
    fn push(&mut self, rate: FrameRate, to: Result<i64, i64>) {
        let frame = i64::from(rate.clock().1);
        let place = to.unwrap_or_else(|since| rate.nearest(since)).max(self.count);
        let last = self.moments.last().copied();
        let too_late = to.is_err_and(|since| rate.ticks(place) - since > rate.ticks(1));
        self.moments.push(match last {
            // One too many: half of the way to the next place, or of what is left of it.
            Some(last) if too_late => last + ((self.count * frame - last) / 2).max(1),
            _ => place * frame,
        });
        if last.is_none() || !too_late {
            self.count = place + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of a rate, `ppm` fast, each up to 1.5 ms off.
    fn frames(rate: f64, ppm: f64, count: u32) -> Vec<i64> {
        let at = |n: u32| {
            let jitter = f64::from(n * 7_919 % 270) - 135.0;
            (f64::from(n) * 90_000.0 / rate * (1.0 - ppm * 1e-6) + jitter) as i64
        };
        (0..count).map(at).collect()
    }

    #[test]
    fn usual_rates_are_recognised_and_others_kept() {
        for (num, den) in [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (60, 1)] {
            let found = FrameRate::of(&frames(f64::from(num) / f64::from(den), 30.0, 900));
            assert_eq!(found, rate(num, den));
        }
        assert_eq!(FrameRate::of(&frames(17.5, 0.0, 900)), rate(17_500, 1000));
        assert_eq!(FrameRate::of(&[5]), rate(25, 1));
    }

    #[test]
    fn a_source_that_is_put_on_the_clock_at_first_keeps_its_rate() {
        let mut shown = vec![0];
        for n in 0..40 {
            // An eighth less for the first third of a second and more.
            shown.push(shown[n] + if n < 12 { 3_150 } else { 3_600 });
        }
        assert_eq!(FrameRate::of(&shown), rate(25, 1));
        // Whole milliseconds of 60 frames a second: 16, 17, 17.
        let shown: Vec<i64> = (0..600).map(|n| n * 1000 / 60 * 90).collect();
        assert_eq!(FrameRate::of(&shown), rate(60, 1));
    }

    #[test]
    fn a_pause_does_not_count() {
        let mut shown = frames(25.0, 0.0, 100);
        let later: Vec<i64> = shown.iter().map(|at| at + 90_000 * 30).collect();
        shown.extend(later);
        assert_eq!(FrameRate::of(&shown), rate(25, 1));
        let places = rate(25, 1).places(&shown);
        let seen = (places.moments[99], places.moments[100], places.count);
        assert_eq!(seen, (99_000, 750_000, 850));
    }

    #[test]
    fn every_frame_has_a_place_near_its_time_though_the_clock_drifts() {
        for ppm in [-200.0, 0.0, 200.0] {
            let shown = frames(25.0, ppm, 90_000);
            let Places { moments, .. } = rate(25, 1).places(&shown);
            let mut shared = 0;
            for (at, moment) in shown.iter().zip(&moments) {
                let off = moment * 90 / 25 - (at - shown[0]);
                assert!(off.abs() <= 3_800, "{off} ticks off");
                shared += u32::from(moment % 1000 != 0);
            }
            assert!(moments.windows(2).all(|pair| pair[0] < pair[1]));
            // An hour at 200 ppm is 18 frames.
            assert!(shared <= if ppm > 0.0 { 20 } else { 1 }, "{ppm}: {shared} share a place");
        }
    }

    /// Frames of 25 a second, of which each of the first is longer or shorter by so much.
    fn learnt(by: i64, of: std::ops::Range<usize>, count: usize) -> Vec<i64> {
        let mut shown = vec![1_000];
        for n in 0..count - 1 {
            shown.push(shown[n] + 3_600 + if of.contains(&n) { by } else { 0 });
        }
        shown
    }

    #[test]
    fn no_frame_is_missing_or_too_many_where_a_sources_clock_is_learnt() {
        for (by, of) in [(450, 3..18), (-450, 3..18), (450, 20..22), (14, 10..500), (-14, 10..500)]
        {
            let shown = learnt(by, of.clone(), 400);
            let places = rate(25, 1).places(&shown);
            // The slow ones come to less than two frames in the end, and are put right once.
            let slow = by.abs() == 14;
            let until = if slow { 200 } else { 400 };
            let counted: Vec<i64> = (0..until).map(|n| n * 1000).collect();
            assert_eq!(places.moments[..until as usize], counted[..], "{by} {of:?}");
            let moved = if slow { 0 } else { by * of.len() as i64 };
            assert!((places.start - 1_000 - moved).abs() < 1_200, "{by}: {}", places.start);
            if slow {
                assert_eq!(places.count, 400 + by.signum());
            }
        }
    }

    #[test]
    fn a_frame_that_is_missing_leaves_its_place_also_while_a_clock_is_learnt() {
        let mut shown = learnt(450, 3..18, 400);
        shown.remove(10);
        shown.remove(299);
        let Places { moments, count, .. } = rate(25, 1).places(&shown);
        let without: Vec<i64> =
            (0..400).filter(|n| ![10, 300].contains(n)).map(|n| n * 1000).collect();
        assert_eq!((moments, count), (without, 400));
    }

    #[test]
    fn a_source_that_comes_back_is_learnt_again() {
        let mut shown = learnt(-450, 0..12, 100);
        let back = shown[99] + 90_000;
        shown.extend(learnt(450, 3..18, 100).iter().map(|at| at - 1_000 + back));
        let Places { moments, start, .. } = rate(25, 1).places(&shown);
        assert_eq!(start, 1_000 - 5_400);
        // A second, and the frame and a half and nearly two more that both lines moved by.
        let first = (shown[100] + 6_750 - start + 1_800) / 3_600;
        let again: Vec<i64> = (0..100).map(|n| (first + n) * 1000).collect();
        assert_eq!(moments[100..], again[..]);
    }

    #[test]
    fn who_sends_frames_at_any_time_has_them_near_it() {
        let shown: Vec<i64> = (0..900).map(|n: i64| n * 3_600 + n * 7_919 % 2_700).collect();
        let Places { moments, start, .. } = rate(25, 1).places(&shown);
        for (at, moment) in shown.iter().zip(&moments) {
            let off = moment * 90 / 25 - (at - start);
            assert!(off.abs() <= 3_700, "{off} ticks off");
        }
    }
}
