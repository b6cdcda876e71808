//! The timestamps of a source's tracks, which have nothing in common, on one time line.

use std::time::{Duration, Instant};

use crate::reception::{Reported, Reports};
use crate::ts::CLOCK;

/// Tracks begin this far from zero, so that what is before the first packet has a place too.
const BEGIN: i64 = 60 * CLOCK as i64;
/// Where a track's time goes on by so much more or less than ours, it begins anew.
const JUMP: i64 = 5 * CLOCK as i64;
/// Reports move a track when it is off by more: less is neither seen nor heard.
const OFF: i64 = CLOCK as i64 / 200;
/// Reports that put tracks further apart than this are not of one clock.
const PLAUSIBLE: i64 = 10 * CLOCK as i64;
/// Presentation times are of 33 bits.
const WRAP: i64 = 1 << 33;

/// The clock of a track.
#[derive(Debug)]
pub(crate) struct TrackClock {
    /// Ticks of its timestamps in a second.
    rate: u32,
    /// Its newest timestamp without the wrap, and when that came.
    newest: Option<(i64, Instant)>,
    /// What is added to its time to have the source's, in ticks of 90 kHz.
    offset: Option<i64>,
    /// What the last report says: the sender's wall clock less the track's time, in the same.
    wall: Option<i64>,
    report: Option<Reported>,
    reports: Reports,
    /// It stands where its reports put it.
    pub(crate) in_step: bool,
}

/// What all tracks of a source have in common.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Base {
    /// When the first packet came.
    first: Option<Instant>,
    /// The source's time less its wall clock, by the track whose reports came first.
    wall: Option<i64>,
}

impl Base {
    /// The time since the first packet, in ticks of 90 kHz.
    fn ticks(&mut self, now: Instant) -> i64 {
        let first = *self.first.get_or_insert(now);
        BEGIN + ticks_of(now.saturating_duration_since(first))
    }
}

fn ticks_of(span: Duration) -> i64 {
    (span.as_micros() * 9 / 100) as i64
}

impl TrackClock {
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            rate: rate.max(1),
            newest: None,
            offset: None,
            wall: None,
            report: None,
            reports: Reports::new(rate.max(1)),
            in_step: false,
        }
    }

    /// Timestamps begin anew.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.rate);
    }

    /// A timestamp near the newest without the wrap.
    fn unwrapped(&self, timestamp: u32) -> i64 {
        let newest = self.newest.map_or(i64::from(timestamp), |(newest, _)| newest);
        newest + i64::from(timestamp.wrapping_sub(newest as u32) as i32)
    }

    /// A timestamp without the wrap, in ticks of 90 kHz.
    fn time(&self, unwrapped: i64) -> i64 {
        unwrapped * i64::from(CLOCK) / i64::from(self.rate)
    }

    /// The presentation time of a timestamp that comes now, in ticks of 90 kHz modulo 2^33.
    pub(crate) fn pts(&mut self, base: &mut Base, now: Instant, timestamp: u32) -> u64 {
        let unwrapped = self.unwrapped(timestamp);
        let time = self.time(unwrapped);
        if let Some((newest, came)) = self.newest {
            let since = ticks_of(now.saturating_duration_since(came));
            if (time - self.time(newest) - since).abs() > JUMP {
                // What was reported was of the time before.
                (self.offset, self.wall, self.in_step) = (None, None, false);
            }
        }
        self.newest = Some((unwrapped, now));
        self.read_report();
        let offset = self.offset.unwrap_or_else(|| base.ticks(now) - time);
        let offset = self.aligned(base, offset);
        self.offset = Some(offset);
        (time + offset).rem_euclid(WRAP) as u64
    }

    /// Where the reports put what stands at this offset: in step with the track whose reports
    /// came first.
    fn aligned(&mut self, base: &mut Base, offset: i64) -> i64 {
        let Some(wall) = self.wall else { return offset };
        let right = wall + *base.wall.get_or_insert(offset - wall);
        let off = (right - offset).abs();
        self.in_step = off <= PLAUSIBLE;
        if !self.in_step {
            // The sender has another clock than before, or each track has its own.
            base.wall = Some(offset - wall);
        }
        if self.in_step && off > OFF { right } else { offset }
    }

    /// Takes note of a sender report.
    pub(crate) fn report(&mut self, report: Reported) {
        // A sender without a wall clock says 0 (RFC 3550, 6.4.1).
        if report.ntp == 0 {
            return;
        }
        self.reports.heard(report);
        self.report = self.reports.believed();
        if self.report.is_none() {
            (self.wall, self.in_step) = (None, false);
        }
        self.read_report();
    }

    /// A report is read once there is a packet that tells which of the wraps it means.
    fn read_report(&mut self) {
        if let (Some(report), Some(_)) = (self.report, self.newest) {
            self.report = None;
            let wall = (i128::from(report.ntp) * i128::from(CLOCK)) >> 32;
            self.wall = Some((wall as i64).wrapping_sub(self.time(self.unwrapped(report.rtp))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1 << 32;

    #[test]
    fn tracks_begin_as_they_come_and_are_moved_by_reports() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (mut base, mut video, mut audio) =
            (Base::default(), TrackClock::new(90_000), TrackClock::new(48_000));
        let first = video.pts(&mut base, start, u32::MAX - 1000);
        assert_eq!(first as i64, BEGIN);
        assert_eq!(video.pts(&mut base, at(40), 2599), first + 3600, "over the wrap");
        // Sound that comes 30 ms later is taken for that of 30 ms later.
        assert_eq!(audio.pts(&mut base, at(30), 7), first + 2700);
        // But it is of 20 ms before the picture.
        video.report(Reported { ntp: 100 * SECOND, rtp: u32::MAX - 1000 });
        audio.report(Reported { ntp: 100 * SECOND, rtp: 7 + 960 });
        let sound = |audio: &mut TrackClock, base: &mut Base| {
            let pts = audio.pts(base, at(50), 7 + 960);
            (pts.abs_diff(first) <= 1, audio.in_step)
        };
        assert_eq!(video.pts(&mut base, at(80), 6199), first + 7200, "it stays");
        assert!(video.in_step);
        assert_eq!(sound(&mut audio, &mut base), (true, true));
        // Nothing is moved for a trifle, nor for reports of two clocks.
        audio.report(Reported { ntp: 100 * SECOND + SECOND / 500, rtp: 7 + 960 });
        assert_eq!(sound(&mut audio, &mut base), (true, true));
        audio.report(Reported { ntp: 900 * SECOND, rtp: 7 + 960 });
        assert_eq!(sound(&mut audio, &mut base), (true, false));
        audio.report(Reported { ntp: 0, rtp: 7 });
        assert_eq!(video.pts(&mut base, at(120), 9799), first + 10_800);
        assert!(video.in_step, "it said nothing else");
        // Once both have the other clock, they are in step again.
        for (ntp, since) in [(900, 0), (901, 1)] {
            let (rtp, ntp) = ((u32::MAX - 1000).wrapping_add(since * 90_000), ntp * SECOND);
            video.report(Reported { ntp, rtp });
            audio.report(Reported { ntp, rtp: 7 + 960 + since * 48_000 });
        }
        assert!(!video.in_step);
        video.pts(&mut base, at(160), 13_399);
        video.pts(&mut base, at(200), 16_999);
        assert_eq!(sound(&mut audio, &mut base), (true, true));
        assert!(video.in_step);
    }

    #[test]
    fn a_report_before_the_first_packet_counts() {
        let start = Instant::now();
        let (mut base, mut video, mut audio) =
            (Base::default(), TrackClock::new(90_000), TrackClock::new(48_000));
        video.report(Reported { ntp: SECOND, rtp: 500 });
        audio.report(Reported { ntp: SECOND, rtp: 900 });
        let picture = video.pts(&mut base, start, 500);
        assert_eq!(audio.pts(&mut base, start + Duration::from_millis(200), 900), picture);
    }

    #[test]
    fn a_jump_of_timestamps_goes_on_from_here() {
        let start = Instant::now();
        let (mut base, mut video) = (Base::default(), TrackClock::new(90_000));
        let first = video.pts(&mut base, start, 5);
        let next = video.pts(&mut base, start + Duration::from_secs(1), 1 << 30);
        assert_eq!(next - first, 90_000);
        // A pause is none.
        let after = video.pts(&mut base, start + Duration::from_secs(61), (1 << 30) + 60 * 90_000);
        assert_eq!(after - next, 60 * 90_000);
    }
}
