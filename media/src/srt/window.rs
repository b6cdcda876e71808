//! The packets between the oldest that is not handed on and the newest that came.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::packet::MAX_RANGES;
use super::seq::Seq;

/// Packets that are kept: 4 s of 50 Mbit/s.
pub(crate) const CAPACITY: usize = 16_384;
/// So many packets in a row beyond what can be kept show that the sender is elsewhere.
const ELSEWHERE: u32 = 64;

#[derive(Debug)]
enum Place {
    Missing {
        /// When it was last asked for.
        asked: Instant,
    },
    Held {
        due: Instant,
        /// None for one that cannot be decrypted: it is here, and is nothing.
        payload: Option<Vec<u8>>,
    },
}

/// What became of a packet that was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// The next one, or one beyond: then those between are missing.
    New,
    /// One that was missing.
    Recovered,
    /// One that is here.
    Duplicate,
    /// One that was handed on or given up.
    Late,
    /// One for which there is no room.
    Beyond,
}

#[derive(Debug)]
pub(crate) struct Window {
    /// The first that is not handed on.
    base: Seq,
    places: VecDeque<Place>,
    /// How many at the beginning are there.
    contiguous: usize,
    /// The first that is there, if any.
    first_held: Option<usize>,
    missing: usize,
    /// Packets in a row that were beyond.
    beyond: u32,
}

impl Window {
    pub(crate) fn new(first: Seq) -> Self {
        Self {
            base: first,
            places: VecDeque::new(),
            contiguous: 0,
            first_held: None,
            missing: 0,
            beyond: 0,
        }
    }

    /// All before this are here, or were given up.
    pub(crate) fn acknowledged(&self) -> Seq {
        self.base.add(self.contiguous as u32)
    }

    /// For how many more packets there is room.
    pub(crate) fn room(&self) -> usize {
        CAPACITY - self.places.len()
    }

    /// Packets that wait for the one before, or for their time.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether the packet would be a new one: there is no point in decrypting others.
    pub(crate) fn wants(&self, seq: Seq) -> bool {
        let Ok(index) = usize::try_from(seq.after(self.base)) else { return false };
        index < CAPACITY && !matches!(self.places.get(index), Some(Place::Held { .. }))
    }

    pub(crate) fn insert(
        &mut self,
        now: Instant,
        seq: Seq,
        due: Instant,
        payload: Option<Vec<u8>>,
    ) -> Inserted {
        let Ok(index) = usize::try_from(seq.after(self.base)) else { return Inserted::Late };
        if index >= CAPACITY {
            self.beyond += 1;
            return Inserted::Beyond;
        }
        self.beyond = 0;
        let held = Place::Held { due, payload };
        let inserted = match self.places.get_mut(index) {
            Some(Place::Held { .. }) => return Inserted::Duplicate,
            Some(missing) => {
                *missing = held;
                self.missing -= 1;
                Inserted::Recovered
            }
            None => {
                let gap = index - self.places.len();
                self.places.extend((0..gap).map(|_| Place::Missing { asked: now }));
                self.missing += gap;
                self.places.push_back(held);
                Inserted::New
            }
        };
        self.first_held = Some(self.first_held.map_or(index, |first| first.min(index)));
        while matches!(self.places.get(self.contiguous), Some(Place::Held { .. })) {
            self.contiguous += 1;
        }
        inserted
    }

    /// The sender is so far ahead that nothing in between can come: all that is here goes.
    /// Says how many packets that are.
    pub(crate) fn give_up(&mut self, seq: Seq) -> Option<u32> {
        if self.beyond < ELSEWHERE {
            return None;
        }
        let skipped = seq.after(self.base).max(0) as u32;
        *self = Self::new(seq);
        Some(skipped)
    }

    /// When there is something to hand on, or to give up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.places.get(self.first_held?)? {
            Place::Held { due, .. } => Some(*due),
            Place::Missing { .. } => None,
        }
    }

    /// The next packet whose time has come. What is missing before it is given up, and counted
    /// in `dropped`: to wait longer would be to be late with all that follows.
    pub(crate) fn pop(&mut self, now: Instant, dropped: &mut u64) -> Option<Option<Vec<u8>>> {
        if self.deadline()? > now {
            return None;
        }
        let skipped = self.first_held?;
        self.drop_front(skipped);
        *dropped += skipped as u64;
        let Some(Place::Held { payload, .. }) = self.places.pop_front() else { return None };
        self.base = self.base.add(1);
        self.contiguous = self.contiguous.saturating_sub(1);
        self.find_held();
        Some(payload)
    }

    fn drop_front(&mut self, count: usize) {
        self.places.drain(..count);
        self.base = self.base.add(count as u32);
        self.missing -= count;
        if count > 0 {
            let held = self.places.iter().take_while(|p| matches!(p, Place::Held { .. }));
            self.contiguous = held.count();
        }
    }

    fn find_held(&mut self) {
        self.first_held = self.places.iter().position(|p| matches!(p, Place::Held { .. }));
    }

    /// The sender gives up these packets: those at the beginning of them are not waited for.
    /// Says how many are given up.
    pub(crate) fn abandon(&mut self, first: Seq, last: Seq) -> u64 {
        let (from, to) = (first.after(self.base), last.after(self.base));
        if from > 0 || to < 0 {
            return 0;
        }
        let most = (to as usize + 1).min(self.places.len());
        let leading = self.places.iter().take(most);
        let count = leading.take_while(|p| matches!(p, Place::Missing { .. })).count();
        self.drop_front(count);
        self.find_held();
        count as u64
    }

    /// What is missing after `from` packets: the gap that the last packet has opened.
    pub(crate) fn gap_since(&self, from: usize) -> Option<(Seq, Seq)> {
        let end = self.places.len().checked_sub(2)?;
        (from <= end).then(|| (self.base.add(from as u32), self.base.add(end as u32)))
    }

    /// What is missing and was not asked for within `interval`: it counts as asked for now.
    pub(crate) fn overdue(&mut self, now: Instant, interval: Duration) -> Vec<(Seq, Seq)> {
        let mut ranges: Vec<(Seq, Seq)> = Vec::new();
        let mut left = self.missing;
        for (index, place) in self.places.iter_mut().enumerate() {
            if left == 0 {
                break;
            }
            let Place::Missing { asked } = place else { continue };
            left -= 1;
            if now.saturating_duration_since(*asked) < interval {
                continue;
            }
            let seq = self.base.add(index as u32);
            let count = ranges.len();
            match ranges.last_mut() {
                Some((_, last)) if seq.after(*last) == 1 => *last = seq,
                _ if count >= MAX_RANGES => break,
                _ => ranges.push((seq, seq)),
            }
            *asked = now;
        }
        ranges
    }

    /// Whether anything is missing.
    pub(crate) fn is_waiting(&self) -> bool {
        self.missing > 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload(number: u32) -> Option<Vec<u8>> {
        Some(number.to_be_bytes().to_vec())
    }

    fn numbers(window: &mut Window, now: Instant, dropped: &mut u64) -> Vec<u32> {
        let next = || window.pop(now, dropped);
        let bytes = std::iter::from_fn(next).flatten();
        bytes.map(|b| u32::from_be_bytes(b.try_into().unwrap())).collect()
    }

    #[test]
    fn a_gap_is_waited_for_until_it_is_too_late() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut window = Window::new(Seq::new(10));
        let mut dropped = 0;
        window.insert(start, Seq::new(10), at(100), payload(10));
        assert_eq!(window.insert(start, Seq::new(13), at(130), payload(13)), Inserted::New);
        assert_eq!(window.gap_since(1), Some((Seq::new(11), Seq::new(12))));
        assert_eq!(window.acknowledged(), Seq::new(11));
        assert_eq!(numbers(&mut window, at(99), &mut dropped), []);
        assert_eq!(numbers(&mut window, at(129), &mut dropped), [10]);
        assert_eq!(window.insert(start, Seq::new(12), at(120), payload(12)), Inserted::Recovered);
        // 11 is given up: the time of 12 has come.
        assert_eq!(numbers(&mut window, at(130), &mut dropped), [12, 13]);
        assert_eq!((dropped, window.acknowledged()), (1, Seq::new(14)));
        assert_eq!(window.insert(start, Seq::new(11), at(110), payload(11)), Inserted::Late);
        assert!(!window.wants(Seq::new(11)) && window.wants(Seq::new(14)));
    }

    #[test]
    fn what_is_missing_is_asked_for_again_after_a_while() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let interval = Duration::from_millis(20);
        let mut window = Window::new(Seq::new(Seq::MASK));
        window.insert(start, Seq::new(2), at(500), payload(2));
        window.insert(at(10), Seq::new(4), at(500), payload(4));
        assert!(window.overdue(at(19), interval).is_empty());
        let first = (Seq::new(Seq::MASK), Seq::new(1));
        assert_eq!(window.overdue(at(20), interval), [first]);
        assert_eq!(window.overdue(at(30), interval), [(Seq::new(3), Seq::new(3))]);
        assert_eq!(window.overdue(at(40), interval), [first]);
    }

    #[test]
    fn what_the_sender_gives_up_is_not_waited_for() {
        let start = Instant::now();
        let mut window = Window::new(Seq::new(5));
        window.insert(start, Seq::new(9), start, payload(9));
        assert_eq!(window.abandon(Seq::new(7), Seq::new(8)), 0, "5 may yet come");
        assert_eq!(window.abandon(Seq::new(5), Seq::new(20)), 4);
        assert_eq!(window.acknowledged(), Seq::new(10));
    }

    #[test]
    fn a_sender_far_ahead_is_followed() {
        let start = Instant::now();
        let mut window = Window::new(Seq::new(0));
        window.insert(start, Seq::new(0), start, payload(0));
        let far = |n: u32| Seq::new(100_000 + n);
        for n in 0..ELSEWHERE {
            assert_eq!(window.insert(start, far(n), start, payload(n)), Inserted::Beyond);
        }
        let skipped = window.give_up(far(ELSEWHERE)).unwrap();
        assert_eq!(skipped, 100_000 + ELSEWHERE);
        assert_eq!(window.insert(start, far(ELSEWHERE), start, payload(1)), Inserted::New);
    }

    proptest! {
        /// Whatever comes in whatever order: what is handed on is in order, at most once, and
        /// with what was dropped it is everything.
        #[test]
        fn order_holds(
            first in any::<u32>(),
            arrivals in proptest::collection::vec((0..60u32, 0..8u64), 1..200),
        ) {
            let start = Instant::now();
            let first = Seq::new(first);
            let mut window = Window::new(first);
            let (mut out, mut dropped) = (Vec::new(), 0);
            let mut now = start;
            for (number, step) in arrivals {
                now += Duration::from_millis(step);
                let due = start + Duration::from_millis(u64::from(number) * 10);
                window.insert(now, first.add(number), due, payload(number));
                out.extend(numbers(&mut window, now, &mut dropped));
                let held = window.places.iter().filter(|p| matches!(p, Place::Held { .. }));
                prop_assert_eq!(held.count() + window.missing, window.places.len());
            }
            out.extend(numbers(&mut window, now + Duration::from_secs(60), &mut dropped));
            prop_assert!(out.is_sorted_by(|a, b| a < b));
            let end = u64::from(out.last().copied().unwrap_or(0)) + 1;
            prop_assert_eq!(out.len() as u64 + dropped, if out.is_empty() { 0 } else { end });
            prop_assert_eq!(window.len(), 0);
        }
    }
}
