//! When a packet was captured, by the publisher's sender reports.

use std::time::{Duration, Instant};

/// Reports that put a packet further from its arrival than this are not believed.
const PLAUSIBLE: Duration = Duration::from_secs(10);

/// What a sender report says of its track's clock (RFC 3550, 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported {
    /// A moment of the sender's wall clock, as an NTP timestamp.
    pub(crate) ntp: u64,
    /// The same moment in the track's clock.
    pub(crate) rtp: u32,
}

/// Two reports may differ by this in how long it was between them: some name the frame that was
/// sent last, and wall clocks are set.
const STRAY: Duration = Duration::from_millis(250);
/// And by this part of that time: more than any clock drifts.
const DRIFT: u32 = 1_000;
/// Reports are compared with one that is no older than this, far below where 32 bits of RTP time
/// begin anew.
const COMPARED: Duration = Duration::from_secs(3600);

/// The reports of one source. They are believed as long as its RTP time passes in them as fast as
/// its wall clock.
///
/// GStreamer 1.22's `webrtcbin` says of its tracks that they run at twice their rate, so that
/// pictures would seem to be captured ever longer ago.
#[derive(Debug)]
pub(crate) struct Reports {
    /// Ticks of RTP time in a second.
    clock: u32,
    compared: Option<Reported>,
    believed: Option<Reported>,
}

impl Reports {
    /// Of a source of so many ticks a second.
    pub(crate) fn new(clock: u32) -> Self {
        Self { clock, compared: None, believed: None }
    }

    /// A report came.
    pub(crate) fn heard(&mut self, report: Reported) {
        let agrees = self.compared.is_none_or(|before| self.agree(before, report));
        self.believed = agrees.then_some(report);
        let old = |before: Reported| seconds(report.ntp.wrapping_sub(before.ntp)) > COMPARED;
        if !agrees || self.compared.is_none_or(old) {
            self.compared = Some(report);
        }
    }

    fn agree(&self, before: Reported, report: Reported) -> bool {
        let ticks = i64::from(report.rtp.wrapping_sub(before.rtp) as i32);
        let media = (ticks << 32) / i64::from(self.clock);
        let wall = report.ntp.wrapping_sub(before.ntp) as i64;
        let off = seconds(wall.wrapping_sub(media).unsigned_abs());
        off <= STRAY + seconds(wall.unsigned_abs()) / DRIFT
    }

    /// The latest report, if it agrees with those before.
    pub(crate) fn believed(&self) -> Option<Reported> {
        self.believed
    }
}

/// Relates the publisher's wall clock to this machine's, once for all its
/// tracks: so sound and picture stay in step for the viewers.
#[derive(Debug, Default)]
pub(crate) struct SenderClock {
    base: Option<(u64, Instant)>,
}

impl SenderClock {
    /// The instant that `timestamp` stands for. Without a report it is the
    /// arrival.
    pub(crate) fn captured(
        &mut self,
        arrival: Instant,
        timestamp: u32,
        clock: u32,
        report: Option<Reported>,
    ) -> Instant {
        // A sender without a wall clock says 0 (RFC 3550, 6.4.1).
        let Some(report) = report.filter(|report| report.ntp != 0) else { return arrival };
        let ticks = i64::from(timestamp.wrapping_sub(report.rtp) as i32);
        let wall = report.ntp.wrapping_add_signed((ticks << 32) / i64::from(clock));
        let (base_wall, base) = *self.base.get_or_insert((wall, arrival));
        let since = wall.wrapping_sub(base_wall) as i64;
        let distance = seconds(since.unsigned_abs());
        let captured = match since >= 0 {
            true => base.checked_add(distance),
            false => base.checked_sub(distance),
        };
        let off = |at: Instant| {
            at.saturating_duration_since(arrival).max(arrival.saturating_duration_since(at))
        };
        match captured {
            Some(at) if off(at) < PLAUSIBLE => at,
            _ => {
                self.base = Some((wall, arrival));
                arrival
            }
        }
    }
}

/// Out of 32.32 fixed point.
fn seconds(fixed: u64) -> Duration {
    let nanos = ((fixed & 0xffff_ffff) * 1_000_000_000) >> 32;
    Duration::new(fixed >> 32, nanos as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1 << 32;

    /// But for the rounding of fixed point.
    fn same(one: Instant, other: Instant) -> bool {
        one.max(other) - one.min(other) < Duration::from_micros(1)
    }

    #[test]
    fn tracks_of_one_wall_clock_stay_in_step() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut clock = SenderClock::default();
        assert_eq!(clock.captured(start, 7, 90_000, None), start, "nothing is known");
        let video = Some(Reported { ntp: 1_000 * SECOND, rtp: 900 });
        let audio = Some(Reported { ntp: 1_000 * SECOND + SECOND / 2, rtp: u32::MAX });
        assert_eq!(clock.captured(start, 900, 90_000, video), start);
        // Two seconds later by the sender, though it came late.
        let late = clock.captured(at(2_040), 900 + 180_000, 90_000, video);
        assert!(same(late, at(2_000)));
        // What is sent again, from before the report.
        let again = clock.captured(at(2_050), 0, 90_000, video);
        assert!(same(again + Duration::from_millis(10), start));
        // The other track's clock wraps around.
        let sound = clock.captured(at(1_600), 48_000 - 1, 48_000, audio);
        assert!(same(sound, at(1_500)));
    }

    /// A source whose reports come every five seconds, with so many ticks of it in between.
    fn reports(ticks: impl IntoIterator<Item = u32>) -> Vec<bool> {
        let mut reports = Reports::new(90_000);
        let (mut ntp, mut rtp) = (0xffff_fff0 * SECOND, u32::MAX - 100_000);
        let mut hear = |ticks: u32| {
            ntp = ntp.wrapping_add(5 * SECOND);
            rtp = rtp.wrapping_add(ticks);
            let report = Reported { ntp, rtp };
            reports.heard(report);
            assert!(reports.believed().is_none_or(|believed| believed == report));
            reports.believed().is_some()
        };
        ticks.into_iter().map(&mut hear).collect()
    }

    #[test]
    fn reports_are_believed_as_long_as_both_their_clocks_go_equally_fast() {
        assert!(reports([450_000; 3_000]).into_iter().all(|believed| believed), "for hours");
        // The last frame's time, and not that of the report.
        let by_frames = (0..100).map(|n| 450_000 - n % 2 * 9_000 + (n + 1) % 2 * 9_000);
        assert!(reports(by_frames).into_iter().all(|believed| believed));
        // 300 parts in a million fast, for hours.
        assert!(reports([450_135; 3_000]).into_iter().all(|believed| believed));
        // Twice as fast: the first stands alone.
        assert_eq!(reports([0, 900_000, 900_000, 900_000]), [true, false, false, false]);
        // It counts from somewhere else, once.
        assert_eq!(reports([0, 450_000, 77, 450_000, 450_000]), [true, true, false, true, true]);
        // A little each time adds up.
        let strays = reports([452_700; 20]);
        assert!(strays.contains(&false), "{strays:?}");
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut clock = SenderClock::default();
        let report = |ntp| Some(Reported { ntp, rtp: 0 });
        clock.captured(start, 0, 90_000, report(50 * SECOND));
        assert_eq!(clock.captured(later, 90_000, 90_000, report(0)), later, "no wall clock");
        assert_eq!(clock.captured(later, 90_000, 90_000, report(500 * SECOND)), later, "a jump");
        // And from there it goes on.
        let next =
            clock.captured(later + Duration::from_secs(1), 180_000, 90_000, report(500 * SECOND));
        assert_eq!(next, later + Duration::from_secs(1));
    }
}
