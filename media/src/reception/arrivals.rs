//! When each packet of a transport came, for the sender's estimate of its bandwidth
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use std::time::{Duration, Instant};

/// Between the first packet and the report of it.
const INTERVAL: Duration = Duration::from_millis(50);
/// Packets that one report tells of.
const MOST: usize = 300;
/// Numbers that one report spans, whether they came or not.
const MOST_NUMBERS: u64 = 1_000;
/// Of a larger gap nothing is told: the sender began anew.
const LARGEST_GAP: u64 = 600;
/// The reference time counts in these.
const REFERENCE: u64 = 64_000;
/// Differences of arrival times count in these microseconds.
const TICK: u64 = 250;
/// Ticks in one unit of the reference time.
const TICKS: i64 = (REFERENCE / TICK) as i64;
/// The most numbers in a run (3.1.3).
const LONGEST_RUN: usize = 0x1fff;

/// How a number is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Missing = 0,
    /// Its time differs by 0 to 255 ticks.
    Small = 1,
    /// By more, or by less than none.
    Large = 2,
}

#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Where the reference time begins.
    start: Option<Instant>,
    /// The highest number that came.
    top: Option<u64>,
    /// The first number that no report has told of.
    next: Option<u64>,
    pending: Vec<(u64, Instant)>,
    reports: u8,
    due: Option<Instant>,
}

impl Arrivals {
    /// A packet came. What was told to be missing stays so: that little disorder is not
    /// worth a second word.
    pub(super) fn note(&mut self, now: Instant, seq: u16) {
        self.start.get_or_insert(now);
        let number = match self.top {
            // The first is put where there is room below it.
            None => (1 << 16) + u64::from(seq),
            Some(top) => top.saturating_add_signed((seq.wrapping_sub(top as u16) as i16).into()),
        };
        self.top = Some(self.top.map_or(number, |top| top.max(number)));
        if self.next.is_some_and(|next| number < next) || self.pending.len() >= 2 * MOST {
            return;
        }
        self.pending.push((number, now));
        let at = if self.pending.len() >= MOST { now } else { now + INTERVAL };
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// When [`Arrivals::report`] is to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// The report that is due, from the first number on (3.1).
    pub(super) fn report(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.due.is_none_or(|due| due > now) {
            return None;
        }
        self.pending.sort_by_key(|(number, _)| *number);
        self.pending.dedup_by_key(|(number, _)| *number);
        let (&(lowest, first), start) = (self.pending.first()?, self.start?);
        let base = self.next.filter(|next| lowest - next <= LARGEST_GAP).unwrap_or(lowest);
        let micros = |at: Instant| at.saturating_duration_since(start).as_micros() as u64;
        let reference = micros(first) / REFERENCE;
        let told = self.tell(base, reference as i64 * TICKS, |at| (micros(at) / TICK) as i64);
        self.pending.drain(..told.packets);
        self.next = Some(base + told.statuses.len() as u64);
        self.due = (!self.pending.is_empty()).then_some(now);

        let mut body = Vec::with_capacity(64 + told.deltas.len());
        body.extend_from_slice(&(base as u16).to_be_bytes());
        body.extend_from_slice(&(told.statuses.len() as u16).to_be_bytes());
        body.extend_from_slice(&((reference as u32) << 8 | u32::from(self.reports)).to_be_bytes());
        self.reports = self.reports.wrapping_add(1);
        write_chunks(&told.statuses, &mut body);
        body.extend_from_slice(&told.deltas);
        Some(body)
    }

    /// What fits into one report that begins with `base` at so many ticks.
    fn tell(&self, base: u64, ticks: i64, at_ticks: impl Fn(Instant) -> i64) -> Told {
        let mut told = Told::default();
        let mut before = ticks;
        for (number, at) in self.pending.iter().take(MOST) {
            let place = number - base;
            let delta = at_ticks(*at) - before;
            let Ok(delta) = i16::try_from(delta) else { break };
            if place >= MOST_NUMBERS {
                break;
            }
            told.statuses.resize(place as usize, Status::Missing);
            match u8::try_from(delta) {
                Ok(small) => {
                    told.statuses.push(Status::Small);
                    told.deltas.push(small);
                }
                Err(_) => {
                    told.statuses.push(Status::Large);
                    told.deltas.extend_from_slice(&delta.to_be_bytes());
                }
            }
            told.packets += 1;
            before += i64::from(delta);
        }
        told
    }
}

#[derive(Debug, Default)]
struct Told {
    statuses: Vec<Status>,
    deltas: Vec<u8>,
    /// How many came of them.
    packets: usize,
}

/// Packet status chunks (3.1.2 to 3.1.4).
fn write_chunks(mut statuses: &[Status], body: &mut Vec<u8>) {
    while let Some(first) = statuses.first() {
        let run = statuses.iter().take(LONGEST_RUN).take_while(|status| *status == first).count();
        let single = statuses.iter().take(14).all(|status| *status != Status::Large);
        let (chunk, length) = if run >= 14 || run == statuses.len() || (run >= 7 && !single) {
            ((*first as u16) << 13 | run as u16, run)
        } else if single {
            (0x8000 | vector(statuses, 14, 1), 14)
        } else {
            (0xc000 | vector(statuses, 7, 2), 7)
        };
        body.extend_from_slice(&chunk.to_be_bytes());
        statuses = &statuses[length.min(statuses.len())..];
    }
}

/// So many symbols of so many bits, the first one highest; what is beyond the end is zero.
fn vector(statuses: &[Status], count: usize, bits: usize) -> u16 {
    let symbols = statuses.iter().take(count).enumerate();
    symbols.fold(0, |all, (at, status)| all | (*status as u16) << ((count - 1 - at) * bits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// What a sender makes of a report: numbers with the ticks at which they came.
    fn read(body: &[u8]) -> (u16, Vec<(u16, i64)>) {
        let half = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
        let (base, count) = (half(0), usize::from(half(2)));
        let reference = i64::from(u32::from_be_bytes([0, body[4], body[5], body[6]]));
        let mut statuses = Vec::new();
        let mut at = 8;
        while statuses.len() < count {
            let chunk = half(at);
            at += 2;
            match chunk >> 14 {
                0 | 1 => statuses.extend(vec![chunk >> 13; usize::from(chunk & 0x1fff)]),
                2 => statuses.extend((0..14).rev().map(|bit| chunk >> bit & 1)),
                _ => statuses.extend((0..7).rev().map(|bit| chunk >> (2 * bit) & 3)),
            }
        }
        let mut ticks = reference * TICKS;
        let mut came = Vec::new();
        for (offset, status) in statuses[..count].iter().enumerate() {
            match status {
                0 => continue,
                1 => {
                    ticks += i64::from(body[at]);
                    at += 1;
                }
                2 => {
                    ticks += i64::from(half(at) as i16);
                    at += 2;
                }
                other => panic!("status {other}"),
            }
            came.push((base.wrapping_add(offset as u16), ticks));
        }
        assert_eq!(at, body.len());
        (base.wrapping_add(count as u16), came)
    }

    #[test]
    fn what_came_is_told_with_its_time_and_so_is_what_is_missing() {
        let start = Instant::now();
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.report(start), None);
        for (seq, at) in [(65_534u16, 0u32), (65_535, 1), (1, 11), (0, 10), (3, 90)] {
            arrivals.note(start + MS * at, seq);
        }
        assert_eq!(arrivals.deadline(), Some(start + INTERVAL));
        let (next, came) = read(&arrivals.report(start + 90 * MS).unwrap());
        assert_eq!(next, 4);
        assert_eq!(came, [(65_534, 0), (65_535, 4), (0, 40), (1, 44), (3, 360)]);
        assert_eq!(arrivals.deadline(), None);
        // 2 was told to be missing. 4 never comes, and is told so.
        arrivals.note(start + 100 * MS, 2);
        assert_eq!(arrivals.deadline(), None);
        arrivals.note(start + 101 * MS, 5);
        let report = arrivals.report(start + 200 * MS).unwrap();
        assert_eq!(u16::from_be_bytes([report[0], report[1]]), 4);
        assert_eq!(read(&report), (6, vec![(5, 404)]));
        assert_eq!(report[7], 1, "reports are counted");
    }

    #[test]
    fn a_sender_that_begins_anew_gets_no_long_story() {
        let start = Instant::now();
        let mut arrivals = Arrivals::default();
        arrivals.note(start, 100);
        arrivals.report(start + INTERVAL).unwrap();
        arrivals.note(start + INTERVAL, 20_000);
        let report = arrivals.report(start + 2 * INTERVAL).unwrap();
        assert_eq!(report.len(), 8 + 2 + 1);
        assert_eq!(read(&report).1[0].0, 20_000);
    }

    proptest! {
        #[test]
        fn every_packet_is_told_of_once_with_its_time(
            packets in proptest::collection::vec((0u8..4, 0u32..40, 0u32..30), 1..600),
            first in any::<u16>(),
        ) {
            let start = Instant::now();
            let mut arrivals = Arrivals::default();
            let (mut now, mut seq) = (start, first);
            let (mut sent, mut told) = (Vec::new(), Vec::new());
            for (skip, wait, pause) in packets {
                // Now and then a long silence.
                now += MS * if pause == 0 { 9_000 } else { wait };
                seq = seq.wrapping_add(u16::from(skip) + 1);
                sent.push((seq, (now.duration_since(start).as_micros() as u64 / TICK) as i64));
                while arrivals.deadline().is_some_and(|at| at <= now) {
                    let report = arrivals.report(now).unwrap();
                    prop_assert!(report.len() < 1_000);
                    told.extend(read(&report).1);
                }
                arrivals.note(now, seq);
            }
            while let Some(at) = arrivals.deadline() {
                told.extend(read(&arrivals.report(at.max(now)).unwrap()).1);
            }
            let first = sent[0].1;
            let sent: Vec<_> = sent.into_iter().map(|(seq, at)| (seq, at - first)).collect();
            prop_assert_eq!(told, sent);
        }
    }
}
