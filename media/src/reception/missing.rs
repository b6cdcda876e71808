//! What a publisher is asked to send again (RFC 4585, 6.2.1), and for how long.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::rtcp::Gap;

/// A packet that is this far behind others is not only out of order.
const REORDERED: u64 = 2;
/// Nor is one that does not come for this long.
const ALLOWANCE: Duration = Duration::from_millis(5);
/// Packets that are waited for. Beyond, a key frame is the shorter way.
pub(super) const MOST: usize = 500;
/// So often one packet is asked for. At 10 % loss there and back all are lost once in 10^8.
const MOST_TRIES: u8 = 12;
/// For longer no packet is waited for: viewers keep no more than that either.
pub(super) const AGE: Duration = Duration::from_secs(1);
/// A packet is not asked for again sooner than this: pacers and schedulers need a moment.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(500);
/// What a round trip is believed to take before one was measured.
const UNKNOWN: Duration = Duration::from_millis(50);
/// So many answers in a row, each to one of several requests, say that the round trip is longer
/// than believed. Fewer say only that requests were lost.
const UNSURE: u8 = 8;

/// What asked for came so long after it was asked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    took: Duration,
    /// It was asked for once, so that it is known which request was answered.
    sure: bool,
}

/// How long what is asked for takes to come.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct RoundTrip {
    /// Smoothed, and how far it strays (RFC 6298, 2).
    known: Option<(Duration, Duration)>,
    /// Answers since the last one of which it is known what they answered.
    unsure: u8,
}

impl RoundTrip {
    pub(super) fn answered(&mut self, answer: Answer) {
        if answer.sure {
            self.unsure = 0;
            return self.measured(answer.took);
        }
        // Were none of them to count, a round trip that is longer than was believed would never
        // be found out. Were all, each lost request would make the next one wait longer.
        self.unsure = self.unsure.saturating_add(1);
        if self.unsure >= UNSURE {
            self.measured(answer.took.min(2 * self.patience()));
        }
    }

    fn measured(&mut self, sample: Duration) {
        self.known = Some(match self.known {
            None => (sample, sample / 2),
            Some((smoothed, deviation)) => {
                (smoothed * 7 / 8 + sample / 8, deviation * 3 / 4 + smoothed.abs_diff(sample) / 4)
            }
        });
    }

    /// After so long an answer will not come any more.
    fn patience(self) -> Duration {
        let (smoothed, deviation) = self.known.unwrap_or((UNKNOWN, Duration::ZERO));
        (smoothed + 2 * deviation).clamp(SHORTEST, LONGEST)
    }
}

#[derive(Debug, Clone, Copy)]
struct Missed {
    number: u64,
    since: Instant,
    /// When it was asked for first, and last.
    first: Option<Instant>,
    asked: Option<Instant>,
    tries: u8,
}

impl Missed {
    /// When to ask for it next.
    fn next(&self, top: u64, patience: Duration) -> Instant {
        match self.asked {
            None if top >= self.number + REORDERED => self.since,
            None => self.since + ALLOWANCE,
            // Each time a little later: who does not answer may be overloaded.
            Some(at) => at + patience * (u32::from(self.tries) + 1) / 2,
        }
    }

    fn is_lost(&self, now: Instant) -> bool {
        self.tries >= MOST_TRIES || now.saturating_duration_since(self.since) >= AGE
    }
}

/// The missing packets of one source.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// In the order of their numbers.
    packets: VecDeque<Missed>,
    top: u64,
    /// When something is to be done about one of them.
    due: Option<Instant>,
    lost: bool,
}

impl Missing {
    /// `top` has come, and before it none of `from` and those after it.
    pub(super) fn gap(&mut self, now: Instant, from: u64, top: u64, trip: RoundTrip) {
        let wanted = usize::try_from(top - from).unwrap_or(usize::MAX);
        if self.packets.len().saturating_add(wanted) > MOST {
            self.packets.clear();
            self.lost = true;
        } else {
            let missed = |number| Missed { number, since: now, first: None, asked: None, tries: 0 };
            self.packets.extend((from..top).map(missed));
        }
        self.top = top;
        self.plan(trip);
    }

    /// The next packet has come, without a gap.
    pub(super) fn advance(&mut self, top: u64, trip: RoundTrip) {
        self.top = top;
        // The last ones may now be known not to be only out of order.
        if self.packets.back().is_some_and(|missed| missed.asked.is_none()) {
            self.plan(trip);
        }
    }

    /// A packet came late. Says how long after it was asked for, if it was.
    pub(super) fn came(&mut self, now: Instant, number: u64, trip: RoundTrip) -> Option<Answer> {
        let place = self.packets.binary_search_by_key(&number, |missed| missed.number).ok()?;
        let missed = self.packets.remove(place)?;
        self.plan(trip);
        let took = now.saturating_duration_since(missed.first?);
        Some(Answer { took, sure: missed.tries == 1 })
    }

    /// What is older is of no use any more.
    pub(super) fn forget_below(&mut self, number: u64, trip: RoundTrip) {
        let before = self.packets.len();
        while self.packets.front().is_some_and(|missed| missed.number < number) {
            self.packets.pop_front();
        }
        if self.packets.len() != before {
            self.plan(trip);
        }
    }

    fn plan(&mut self, trip: RoundTrip) {
        let (top, patience) = (self.top, trip.patience());
        let next = |missed: &Missed| missed.next(top, patience).min(missed.since + AGE);
        self.due = self.packets.iter().map(next).min();
    }

    /// When [`Missing::ask`] is to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// What to ask for now, at most so many entries. What was asked for in vain is given up.
    pub(super) fn ask(&mut self, now: Instant, most: usize, trip: RoundTrip) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        if self.due.is_none_or(|due| due > now) {
            return gaps;
        }
        let (top, patience) = (self.top, trip.patience());
        let lost = &mut self.lost;
        self.packets.retain_mut(|missed| {
            if missed.next(top, patience) > now && now < missed.since + AGE {
                return true;
            }
            if missed.is_lost(now) {
                *lost = true;
                return false;
            }
            if !add(&mut gaps, missed.number as u16, most) {
                return true;
            }
            missed.first.get_or_insert(now);
            missed.asked = Some(now);
            missed.tries += 1;
            true
        });
        self.plan(trip);
        gaps
    }

    /// Whether packets were given up since this was asked last.
    pub(super) fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.packets.len()
    }
}

/// Adds a number that is higher than those before; false where there is no room for it.
fn add(gaps: &mut Vec<Gap>, number: u16, most: usize) -> bool {
    if let Some(last) = gaps.last_mut() {
        let after = number.wrapping_sub(last.first);
        if let 1..=16 = after {
            last.following |= 1 << (after - 1);
            return true;
        }
    }
    let room = gaps.len() < most;
    if room {
        gaps.push(Gap { first: number, following: 0 });
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const ENTRIES: usize = 100;

    fn trip(millis: u32) -> RoundTrip {
        let mut trip = RoundTrip::default();
        for _ in 0..100 {
            trip.measured(MS * millis);
        }
        trip
    }

    fn numbers(gaps: &[Gap]) -> Vec<u16> {
        let of = |gap: &Gap| {
            let gap = *gap;
            let set = (0..16u16).filter(move |bit| gap.following >> bit & 1 == 1);
            std::iter::once(gap.first).chain(set.map(move |bit| gap.first.wrapping_add(bit + 1)))
        };
        gaps.iter().flat_map(of).collect()
    }

    #[test]
    fn what_is_only_out_of_order_is_not_asked_for() {
        let (start, trip) = (Instant::now(), trip(30));
        let mut missing = Missing::default();
        missing.gap(start, 10, 11, trip);
        assert_eq!(missing.ask(start, ENTRIES, trip), []);
        assert_eq!(missing.came(start + MS, 10, trip), None);
        assert_eq!((missing.deadline(), missing.count()), (None, 0));
    }

    #[test]
    fn the_second_packet_after_it_or_a_moment_makes_it_missing() {
        let (start, trip) = (Instant::now(), trip(30));
        let mut missing = Missing::default();
        missing.gap(start, 10, 11, trip);
        missing.advance(12, trip);
        assert_eq!(numbers(&missing.ask(start, ENTRIES, trip)), [10]);
        missing.gap(start + MS, 13, 14, trip);
        assert_eq!(missing.deadline(), Some(start + MS + ALLOWANCE));
        assert_eq!(numbers(&missing.ask(start + 6 * MS, ENTRIES, trip)), [13]);
    }

    #[test]
    fn it_is_asked_again_a_round_trip_later_and_the_trip_is_measured() {
        let (start, trip) = (Instant::now(), trip(40));
        let mut missing = Missing::default();
        missing.gap(start, 10, 13, trip);
        assert_eq!(numbers(&missing.ask(start, ENTRIES, trip)), [10, 11]);
        assert_eq!(numbers(&missing.ask(start + 5 * MS, ENTRIES, trip)), [12]);
        let answer = |millis, sure| Some(Answer { took: MS * millis, sure });
        assert_eq!(missing.came(start + 38 * MS, 10, trip), answer(38, true));
        let at = missing.deadline().unwrap();
        assert!(at >= start + 40 * MS && at < start + 42 * MS, "{:?}", at - start);
        assert_eq!(numbers(&missing.ask(at, ENTRIES, trip)), [11]);
        assert_eq!(
            missing.came(start + 440 * MS, 11, trip),
            answer(440, false),
            "of which request?"
        );
    }

    /// What is believed after a while of a network on which answers take so long, and every
    /// so many requests are lost.
    fn learnt(mut trip: RoundTrip, takes: Duration, lost: usize) -> RoundTrip {
        let (mut now, mut missing, mut requests) = (Instant::now(), Missing::default(), 0);
        for number in 0..200u64 {
            missing.gap(now, 10 * number, 10 * number + 2, trip);
            let mut answer: Option<Instant> = None;
            while let Some(at) = missing.deadline().filter(|at| answer.is_none_or(|a| *at < a)) {
                let asks = numbers(&missing.ask(at, ENTRIES, trip));
                if asks.contains(&((10 * number) as u16)) {
                    requests += 1;
                    let passes = lost == 0 || requests % lost != 0;
                    answer = answer.or(passes.then_some(at + takes));
                }
            }
            now = answer.expect("it was asked for until it was answered");
            trip.answered(missing.came(now, 10 * number, trip).unwrap());
            missing.forget_below(10 * number + 10, trip);
        }
        trip
    }

    #[test]
    fn the_round_trip_is_found_out_whatever_was_believed_before_and_lost_since() {
        for takes in [5, 12, 50, 130, 300] {
            for believed in [5, 50, 400] {
                for lost in [0, 3, 10] {
                    let found = learnt(trip(believed), MS * takes, lost);
                    let (smoothed, _) = found.known.unwrap();
                    let right = MS * takes * 4 / 5..=MS * takes * 6 / 5;
                    assert!(right.contains(&smoothed), "{takes} {believed} {lost}: {smoothed:?}");
                }
            }
        }
    }

    #[test]
    fn it_is_given_up_after_a_second_whatever_the_round_trip() {
        for millis in [0, 3, 100, 450] {
            let (start, trip) = (Instant::now(), trip(millis));
            let mut missing = Missing::default();
            missing.gap(start, 10, 12, trip);
            let mut asked = 0;
            let mut last = start;
            while let Some(at) = missing.deadline() {
                assert!(at >= last && at <= start + AGE);
                last = at;
                asked +=
                    numbers(&missing.ask(at, ENTRIES, trip)).iter().filter(|n| **n == 10).count();
            }
            assert!((2..=usize::from(MOST_TRIES)).contains(&asked), "{asked} times at {millis} ms");
            assert!(missing.take_lost() && !missing.take_lost());
            assert!(last > start + AGE / 2, "not all within a moment: {:?}", last - start);
        }
    }

    #[test]
    fn too_much_is_no_request_any_more() {
        let (now, trip) = (Instant::now(), trip(10));
        let mut missing = Missing::default();
        missing.gap(now, 10, 10 + MOST as u64, trip);
        assert!(!missing.take_lost());
        missing.gap(now, 1_000, 1_001, trip);
        assert!(missing.take_lost());
        assert_eq!((missing.count(), missing.deadline()), (0, None));
        missing.gap(now, 2_000, u64::MAX, trip);
        assert!(missing.take_lost());
    }

    #[test]
    fn what_a_key_frame_made_useless_is_forgotten_without_a_word() {
        let (now, trip) = (Instant::now(), trip(10));
        let mut missing = Missing::default();
        missing.gap(now, 10, 13, trip);
        missing.gap(now, 20, 22, trip);
        missing.forget_below(20, trip);
        assert_eq!(numbers(&missing.ask(now + ALLOWANCE, ENTRIES, trip)), [20, 21]);
        assert!(!missing.take_lost());
    }

    #[test]
    fn one_request_has_room_for_so_many() {
        let (now, trip) = (Instant::now(), trip(10));
        let mut missing = Missing::default();
        for at in 0..10u64 {
            missing.gap(now, 65_500 + at * 20, 65_502 + at * 20, trip);
        }
        let later = now + ALLOWANCE;
        let first = missing.ask(later, 6, trip);
        assert_eq!(first.len(), 6);
        assert_eq!(first[2], Gap { first: 4, following: 1 });
        assert_eq!(missing.deadline(), Some(now), "the others are still to be asked for");
        assert_eq!(missing.ask(later, 6, trip).len(), 4);
    }
}
