//! How a viewer says that its stream arrives.

use std::time::{Duration, Instant};

use crate::rtcp::ReceptionReport;
use crate::rtp::Kind;

/// An estimate that is older says nothing any more.
const FRESH: Duration = Duration::from_secs(10);

/// A viewer's reports, as they were last.
#[derive(Debug, Default, Clone)]
pub(crate) struct Reception {
    /// The share of the picture's packets lost before the last report, 0 to 1.
    pub(crate) loss: f64,
    /// Packets lost in all, of both tracks.
    lost: [u64; 2],
    /// Interarrival jitter of the picture in milliseconds.
    pub(crate) jitter: f64,
    /// The round trip in milliseconds.
    pub(crate) rtt: Option<f64>,
    /// Requests for missing packets.
    pub(crate) nacks: u64,
    /// Requests for a key frame.
    pub(crate) plis: u64,
    bandwidth: Option<(Instant, u64)>,
}

impl Reception {
    /// `middle` is the present as the middle of an NTP timestamp.
    pub(super) fn report(&mut self, kind: Kind, middle: u32, report: &ReceptionReport) {
        self.lost[kind as usize] = report.lost.max(0) as u64;
        if kind == Kind::Video {
            self.loss = f64::from(report.fraction_lost) / 256.0;
            self.jitter = f64::from(report.jitter) * 1_000.0 / f64::from(kind.clock());
        }
        if report.last_report != 0 {
            let trip = middle.wrapping_sub(report.last_report).wrapping_sub(report.delay) as i32;
            // A clock of the client's that runs fast may make it less than nothing.
            let seconds = f64::from(trip.max(0)) / 65_536.0;
            if seconds < 60.0 {
                self.rtt = Some(seconds * 1_000.0);
            }
        }
    }

    pub(super) fn bandwidth(&mut self, now: Instant, bits: u64) {
        self.bandwidth = Some((now, bits));
    }

    /// Packets lost in all.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.iter().sum()
    }

    /// The viewer's estimate of its bandwidth in bits per second, if it tells.
    pub(crate) fn estimate(&self, now: Instant) -> Option<u64> {
        let (at, bits) = self.bandwidth?;
        (now.saturating_duration_since(at) < FRESH).then_some(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_is_what_the_report_does_not_explain() {
        let mut reception = Reception::default();
        let mut report = ReceptionReport {
            ssrc: 1,
            fraction_lost: 64,
            lost: 10,
            highest: 0,
            jitter: 90,
            last_report: 0xffff_f000,
            delay: 0x8000,
        };
        reception.report(Kind::Video, 0xffff_f000u32.wrapping_add(0x8000 + 6_554), &report);
        assert!((reception.rtt.unwrap() - 100.0).abs() < 0.1, "{:?}", reception.rtt);
        assert_eq!((reception.loss, reception.jitter, reception.lost()), (0.25, 1.0, 10));
        report.delay += 6_600;
        reception.report(Kind::Video, 0xffff_f000u32.wrapping_add(0x8000 + 6_554), &report);
        assert_eq!(reception.rtt, Some(0.0));
    }
}
