//! Packets in the order of their numbers: what comes out of order is waited for, and what does
//! not come is told.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// So long a packet waits for those before it.
pub(crate) const DELAY: Duration = Duration::from_millis(80);
/// Packets that wait at most: 80 ms of 100 Mbit/s and more. Beyond, what is missing is given up.
const MOST: usize = 1024;
/// A number that is off by more is no late or lost packet's (RFC 3550, A.1: MAX_DROPOUT).
const DROPOUT: u16 = 3000;

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Out<T> {
    /// The next packet.
    Item(T),
    /// So many packets before the next are lost.
    Gap(u64),
    /// The sender counts anew.
    Restart,
}

/// One sender's packets.
#[derive(Debug)]
pub(crate) struct Reorder<T> {
    /// The number that comes out next; none before the first has waited for others.
    next: Option<u64>,
    /// The highest number that came.
    top: Option<u64>,
    waiting: BTreeMap<u64, (Instant, T)>,
    ready: VecDeque<Out<T>>,
    /// What the packet after a strange one has for its number, if the sender counts anew.
    strange: Option<u16>,
    /// Packets that were given up.
    pub(crate) lost: u64,
    /// Packets that came twice, or after they were given up.
    pub(crate) belated: u64,
    /// Packets that came after one with a higher number, in time.
    pub(crate) reordered: u64,
}

impl<T> Default for Reorder<T> {
    fn default() -> Self {
        Self {
            next: None,
            top: None,
            waiting: BTreeMap::new(),
            ready: VecDeque::new(),
            strange: None,
            lost: 0,
            belated: 0,
            reordered: 0,
        }
    }
}

impl<T> Reorder<T> {
    /// Takes a packet; [`Reorder::pop`] is to be asked then.
    pub(crate) fn push(&mut self, now: Instant, seq: u16, item: T) {
        let Some(top) = self.top else {
            // Room below for what comes out of order at the beginning.
            return self.insert(now, (1 << 16) | u64::from(seq), item);
        };
        let apart = seq.wrapping_sub(top as u16) as i16;
        if apart.unsigned_abs() > DROPOUT {
            if self.strange != Some(seq) {
                self.strange = Some(seq.wrapping_add(1));
                self.belated += 1;
                return;
            }
            self.restart();
            return self.insert(now, (1 << 16) | u64::from(seq), item);
        }
        self.strange = None;
        let number = top.saturating_add_signed(apart.into());
        let is_past = self.next.is_some_and(|next| number < next);
        if is_past || self.waiting.contains_key(&number) {
            self.belated += 1;
            return;
        }
        if number < top {
            self.reordered += 1;
        }
        self.insert(now, number, item);
    }

    fn insert(&mut self, now: Instant, number: u64, item: T) {
        self.top = Some(self.top.map_or(number, |top| top.max(number)));
        self.waiting.insert(number, (now, item));
    }

    /// Lets all out that waits, with what is missing between.
    fn restart(&mut self) {
        for (number, (_, item)) in std::mem::take(&mut self.waiting) {
            let missing = number - self.next.unwrap_or(number);
            if missing > 0 {
                self.lost += missing;
                self.ready.push_back(Out::Gap(missing));
            }
            self.next = Some(number + 1);
            self.ready.push_back(Out::Item(item));
        }
        self.ready.push_back(Out::Restart);
        (self.next, self.top, self.strange) = (None, None, None);
    }

    /// What is next, if it is there or is not waited for any longer.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Out<T>> {
        if let Some(out) = self.ready.pop_front() {
            return Some(out);
        }
        let first = *self.waiting.first_key_value()?.0;
        if self.next != Some(first) {
            let over = self.waiting.len() > MOST || self.deadline().is_some_and(|at| at <= now);
            if !over {
                return None;
            }
            let missing = first - self.next.replace(first).unwrap_or(first);
            if missing > 0 {
                self.lost += missing;
                return Some(Out::Gap(missing));
            }
        }
        let (number, (_, item)) = self.waiting.pop_first()?;
        self.next = Some(number + 1);
        Some(Out::Item(item))
    }

    /// When [`Reorder::pop`] is to be asked again, if nothing comes.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let first = self.waiting.values().map(|(came, _)| *came).min()?;
        Some(first + DELAY)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(reorder: &mut Reorder<u16>, now: Instant) -> Vec<Out<u16>> {
        std::iter::from_fn(|| reorder.pop(now)).collect()
    }

    #[test]
    fn what_is_missing_is_waited_for_and_then_given_up() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut reorder = Reorder::default();
        reorder.push(start, 65_534, 65_534);
        assert_eq!(all(&mut reorder, at(79)), [], "others may come before the first");
        assert_eq!(reorder.deadline(), Some(at(80)));
        assert_eq!(all(&mut reorder, at(80)), [Out::Item(65_534)]);
        reorder.push(at(90), 65_535, 65_535);
        assert_eq!(all(&mut reorder, at(90)), [Out::Item(65_535)], "it does not wait");
        reorder.push(at(100), 1, 1);
        assert_eq!(all(&mut reorder, at(100)), []);
        reorder.push(at(120), 0, 0);
        assert_eq!(all(&mut reorder, at(120)), [Out::Item(0), Out::Item(1)]);
        reorder.push(at(200), 4, 4);
        reorder.push(at(210), 4, 4);
        assert_eq!(all(&mut reorder, at(279)), []);
        assert_eq!(all(&mut reorder, at(280)), [Out::Gap(2), Out::Item(4)]);
        reorder.push(at(281), 3, 3);
        assert_eq!(all(&mut reorder, at(900)), [], "it is too late");
        assert_eq!((reorder.lost, reorder.belated, reorder.reordered), (2, 2, 1));
        assert_eq!(reorder.deadline(), None);
    }

    #[test]
    fn a_sender_that_counts_anew_is_followed_and_a_stray_packet_is_not() {
        let start = Instant::now();
        let later = start + DELAY;
        let mut reorder = Reorder::default();
        reorder.push(start, 100, 100);
        assert_eq!(all(&mut reorder, later), [Out::Item(100)]);
        reorder.push(later, 40_000, 40_000);
        reorder.push(later, 101, 101);
        assert_eq!(all(&mut reorder, later), [Out::Item(101)]);
        reorder.push(later, 103, 103);
        for seq in [7_000, 7_001, 7_002] {
            reorder.push(later, seq, seq);
        }
        let out = all(&mut reorder, later + DELAY);
        let items = [103, 7_001, 7_002].map(Out::Item);
        let [a, b, c] = items;
        assert_eq!(out, [Out::Gap(1), a, Out::Restart, b, c]);
    }

    #[test]
    fn no_more_wait_than_may() {
        let now = Instant::now();
        let mut reorder = Reorder::default();
        reorder.push(now, 0, 0);
        assert_eq!(all(&mut reorder, now + DELAY), [Out::Item(0)]);
        for seq in 2..2_000 {
            reorder.push(now, seq, seq);
            while reorder.pop(now).is_some() {}
            assert!(reorder.waiting.len() <= MOST);
        }
        assert_eq!(reorder.lost, 1);
    }

    proptest! {
        /// Packets that are late by less than the delay, some of them twice, come out once and
        /// in order; those that never came are gaps.
        #[test]
        fn order_is_restored(
            first in any::<u16>(),
            packets in proptest::collection::vec((0..70u64, 0..20u8), 1..300),
        ) {
            let start = Instant::now();
            let mut events: Vec<(u64, u16)> = Vec::new();
            let mut expected = Vec::new();
            let mut missing = 0;
            for (number, (late, fate)) in packets.iter().enumerate() {
                let seq = first.wrapping_add(number as u16);
                if *fate == 0 {
                    missing += 1;
                    continue;
                }
                if std::mem::take(&mut missing) > 0 && !expected.is_empty() {
                    expected.push(Out::Gap(0));
                }
                expected.push(Out::Item(seq));
                events.push((number as u64 + late, seq));
                if *fate == 1 {
                    events.push((number as u64 + late / 2, seq));
                }
            }
            events.sort_by_key(|event| event.0);
            let (mut reorder, mut out) = (Reorder::default(), Vec::new());
            for (ms, seq) in events {
                let now = start + Duration::from_millis(ms);
                out.extend(all(&mut reorder, now));
                reorder.push(now, seq, seq);
                out.extend(all(&mut reorder, now));
            }
            out.extend(all(&mut reorder, start + Duration::from_secs(9)));
            for one in &mut out {
                if let Out::Gap(count) = one {
                    *count = 0;
                }
            }
            prop_assert_eq!(out, expected);
        }

        #[test]
        fn whatever_comes_its_bounds_hold(
            packets in proptest::collection::vec((any::<u16>(), 0..200u64), 0..300),
        ) {
            let mut now = Instant::now();
            let mut reorder = Reorder::default();
            let (mut came, mut went) = (0, 0);
            for (seq, after) in packets {
                now += Duration::from_millis(after);
                reorder.push(now, seq, seq);
                came += 1;
                went += all(&mut reorder, now).iter().filter(|o| matches!(o, Out::Item(_))).count();
            }
            went += all(&mut reorder, now + DELAY)
                .iter().filter(|o| matches!(o, Out::Item(_))).count();
            prop_assert_eq!(came, went as u64 + reorder.belated);
        }
    }
}
