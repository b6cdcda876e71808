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

    /// Whether a place is later than a moment by more than a frame.
    fn too_late(self, place: i64, since: i64) -> bool {
        let unit = i128::from(CLOCK) * i128::from(self.den);
        i128::from(place) * unit - i128::from(since) * i128::from(self.num) > unit
    }

    /// The moment of each frame by the track's clock, since the first, rising; and how many places
    /// there are in all.
    pub(super) fn places(self, shown: &[i64]) -> (Vec<i64>, i64) {
        let frame = i64::from(self.clock().1);
        let first = shown.first().copied().unwrap_or_default();
        let mut place = -1;
        let mut moment = -1;
        let mut moments = Vec::with_capacity(shown.len());
        for at in shown {
            let since = at - first;
            let next = self.nearest(since).max(place + 1);
            if place >= 0 && self.too_late(next, since) {
                // One too many: half of the way to the next place, or of what is left of it.
                let left = (place + 1) * frame - moment;
                moment += (left / 2).max(1);
            } else {
                place = next;
                moment = place * frame;
            }
            moments.push(moment);
        }
        (moments, place + 1)
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
        let (moments, places) = rate(25, 1).places(&shown);
        assert_eq!((moments[99], moments[100], places), (99_000, 750_000, 850));
    }

    #[test]
    fn every_frame_has_a_place_near_its_time_though_the_clock_drifts() {
        for ppm in [-200.0, 0.0, 200.0] {
            let shown = frames(25.0, ppm, 90_000);
            let (moments, _) = rate(25, 1).places(&shown);
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
}
