//! How a source arrives, as it is told so (RFC 3550, 6.4.1, A.3 and A.8).

use std::time::Instant;

use crate::rtcp::ReceptionReport;

/// A jump of the clock by more seconds than this is no jitter.
const JUMP: u32 = 10;

/// A sender report as it came.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// The middle of its NTP timestamp.
    middle: u32,
    at: Instant,
}

#[derive(Debug)]
pub(super) struct Statistics {
    /// Ticks a second.
    clock: u32,
    started: Option<Instant>,
    first: u64,
    top: u64,
    received: u64,
    /// At the last report.
    expected_before: u64,
    received_before: u64,
    transit: Option<u32>,
    /// In sixteenths of a tick.
    jitter: u32,
    heard: Option<Heard>,
}

impl Statistics {
    pub(super) fn new(clock: u32) -> Self {
        Self {
            clock,
            started: None,
            first: 0,
            top: 0,
            received: 0,
            expected_before: 0,
            received_before: 0,
            transit: None,
            jitter: 0,
            heard: None,
        }
    }

    /// A packet came as it was sent, not as a retransmission of another source.
    pub(super) fn packet(&mut self, now: Instant, number: u64, timestamp: u32) {
        let started = *self.started.get_or_insert(now);
        if self.received == 0 {
            (self.first, self.top) = (number, number);
        }
        self.first = self.first.min(number);
        self.top = self.top.max(number);
        self.received += 1;
        let since = now.saturating_duration_since(started).as_micros() as u64;
        let arrival = (since * u64::from(self.clock) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(last) = self.transit {
            let distance = (transit.wrapping_sub(last) as i32).unsigned_abs();
            if distance < JUMP * self.clock {
                self.jitter = self.jitter + distance - ((self.jitter + 8) >> 4);
            }
        }
        self.transit = Some(transit);
    }

    /// A sender report with this NTP timestamp came.
    pub(super) fn sender_report(&mut self, now: Instant, ntp: u64) {
        self.heard = Some(Heard { middle: (ntp >> 16) as u32, at: now });
    }

    /// What to report; none of a source that sent nothing since the last time.
    pub(super) fn report(&mut self, now: Instant, ssrc: u32) -> Option<ReceptionReport> {
        let received = self.received - self.received_before;
        if received == 0 {
            return None;
        }
        let all = self.top - self.first + 1;
        let expected = all.saturating_sub(self.expected_before);
        (self.expected_before, self.received_before) = (all, self.received);
        let lost = expected.saturating_sub(received);
        let fraction_lost = (lost << 8).checked_div(expected).unwrap_or_default();
        let total = i128::from(all) - i128::from(self.received);
        let delay = |heard: Heard| {
            let since = now.saturating_duration_since(heard.at).as_micros();
            u32::try_from((since << 16) / 1_000_000).unwrap_or(u32::MAX)
        };
        Some(ReceptionReport {
            ssrc,
            fraction_lost: fraction_lost.min(255) as u8,
            lost: total.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest: self.top as u32,
            jitter: self.jitter >> 4,
            last_report: self.heard.map_or(0, |heard| heard.middle),
            delay: self.heard.map_or(0, delay),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn loss_is_told_of_the_time_since_the_last_report_and_of_all() {
        let start = Instant::now();
        let mut statistics = Statistics::new(90_000);
        assert_eq!(statistics.report(start, 9), None);
        // A quarter of the first hundred, and the wrap among them.
        for number in (65_500..65_600).filter(|number| number % 4 != 1) {
            statistics.packet(start, number, 0);
        }
        let report = statistics.report(start, 9).unwrap();
        assert_eq!((report.ssrc, report.fraction_lost, report.lost), (9, 64, 25));
        assert_eq!(report.highest, 65_599);
        assert_eq!(report.last_report, 0);
        for number in 65_600..65_650 {
            statistics.packet(start, number, 0);
        }
        // Some of those came late.
        for number in [65_501, 65_505] {
            statistics.packet(start, number, 0);
        }
        let report = statistics.report(start, 9).unwrap();
        assert_eq!((report.fraction_lost, report.lost), (0, 23));
        assert_eq!(statistics.report(start, 9), None, "it is silent");
    }

    #[test]
    fn jitter_is_how_unevenly_packets_come() {
        let start = Instant::now();
        let mut even = Statistics::new(90_000);
        let mut uneven = Statistics::new(90_000);
        for n in 0..400u32 {
            let timestamp = (u32::MAX - 90_000).wrapping_add(n * 3_600);
            even.packet(start + 40 * MS * n, n.into(), timestamp);
            uneven.packet(start + 40 * MS * n + MS * (n % 2), n.into(), timestamp);
        }
        assert_eq!(even.report(start, 1).unwrap().jitter, 0);
        let jitter = uneven.report(start, 1).unwrap().jitter;
        assert!((80..=90).contains(&jitter), "{jitter} ticks of 90");
    }

    #[test]
    fn the_last_sender_report_is_named_with_its_age() {
        let start = Instant::now();
        let mut statistics = Statistics::new(48_000);
        statistics.packet(start, 1, 0);
        statistics.sender_report(start, 0x1234_5678_9abc_def0);
        let report = statistics.report(start + 500 * MS, 1).unwrap();
        assert_eq!((report.last_report, report.delay), (0x5678_9abc, 0x8000));
    }
}
