//! When a packet was captured, by the publisher's sender reports.

use std::time::{Duration, Instant, SystemTime};

use str0m::rtp::rtcp::SenderInfo;

/// Reports that put a packet further from its arrival than this are not believed.
const PLAUSIBLE: Duration = Duration::from_secs(10);

/// Relates the publisher's wall clock to this machine's, once for all its
/// tracks: so sound and picture stay in step for the viewers.
#[derive(Debug, Default)]
pub(crate) struct SenderClock {
    base: Option<(SystemTime, Instant)>,
}

impl SenderClock {
    /// The instant that `timestamp` stands for. Without a report it is the
    /// arrival.
    pub(crate) fn captured(
        &mut self,
        arrival: Instant,
        timestamp: u32,
        clock: u32,
        report: Option<&SenderInfo>,
    ) -> Instant {
        let Some(report) = report else { return arrival };
        let ticks = timestamp.wrapping_sub(report.rtp_time.numer() as u32) as i32;
        let offset = Duration::from_secs_f64(f64::from(ticks.unsigned_abs()) / f64::from(clock));
        let wall = if ticks >= 0 {
            report.ntp_time.checked_add(offset)
        } else {
            report.ntp_time.checked_sub(offset)
        };
        let Some(wall) = wall else { return arrival };
        let (base_wall, base) = *self.base.get_or_insert((wall, arrival));
        let captured = match wall.duration_since(base_wall) {
            Ok(later) => base.checked_add(later),
            Err(earlier) => base.checked_sub(earlier.duration()),
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
