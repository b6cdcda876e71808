//! Which packets of a source have come: each counts once, however late (RFC 3711, 3.3).

use crate::ahead::ahead;

/// Numbers below the highest that are told apart; older packets are no longer taken. A second
/// of 40 Mbit/s, as viewers' losses are kept.
const SPAN: u64 = 4_096;
const WORDS: usize = (SPAN / 64) as usize;

/// The last numbers of one source.
#[derive(Debug)]
pub(super) struct Window {
    top: Option<u64>,
    /// A bit for each number, at its remainder.
    seen: Box<[u64; WORDS]>,
}

impl Default for Window {
    fn default() -> Self {
        Self { top: None, seen: Box::new([0; WORDS]) }
    }
}

impl Window {
    /// The highest number that came.
    pub(super) fn top(&self) -> Option<u64> {
        self.top
    }

    /// The number that these 16 bits most likely mean: the one nearest to the highest. None
    /// before the first, or where that would be below zero.
    pub(super) fn extend(&self, seq: u16) -> Option<u64> {
        let top = self.top?;
        let distance = seq.wrapping_sub(top as u16) as i16;
        top.checked_add_signed(distance.into())
    }

    /// Whether that number surely did not come before.
    pub(super) fn is_new(&self, number: u64) -> bool {
        match self.top {
            None => true,
            Some(top) if number > top => true,
            Some(top) => top - number < SPAN && self.seen[place(number)] & bit(number) == 0,
        }
    }

    /// Where the next number is noted.
    pub(super) fn ahead(&self) {
        if let Some(top) = self.top {
            ahead(&self.seen[place(top + 1)]);
        }
    }

    /// That number has come.
    pub(super) fn take(&mut self, number: u64) {
        let top = self.top.unwrap_or(number);
        if number >= top + SPAN {
            self.seen.fill(0);
        } else {
            for skipped in top + 1..=number {
                self.seen[place(skipped)] &= !bit(skipped);
            }
        }
        if number + SPAN > top {
            self.seen[place(number)] |= bit(number);
        }
        self.top = Some(top.max(number));
    }
}

fn place(number: u64) -> usize {
    (number / 64) as usize % WORDS
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_go_on_beyond_sixteen_bits() {
        let mut window = Window::default();
        assert_eq!(window.extend(7), None);
        window.take(65_530);
        assert_eq!((window.extend(65_529), window.extend(2)), (Some(65_529), Some(65_538)));
        window.take(65_538);
        assert_eq!((window.extend(65_535), window.extend(3)), (Some(65_535), Some(65_539)));
        let mut young = Window::default();
        young.take(3);
        assert_eq!(young.extend(65_000), None, "there is nothing below zero");
    }

    proptest! {
        #[test]
        fn each_number_is_new_once_until_it_is_too_old(
            steps in proptest::collection::vec((-5_000i64..5_000, any::<bool>()), 1..300),
        ) {
            let mut window = Window::default();
            let mut came: BTreeSet<u64> = BTreeSet::new();
            let mut at = 100_000u64;
            for (step, near) in steps {
                at = at.saturating_add_signed(if near { step / 100 } else { step });
                let top = came.last().copied();
                let old = top.is_some_and(|top| at + SPAN <= top);
                prop_assert_eq!(window.is_new(at), !old && !came.contains(&at));
                if window.is_new(at) {
                    window.take(at);
                    came.insert(at);
                }
                prop_assert_eq!(window.top(), came.last().copied());
                prop_assert_eq!(window.extend(at as u16).is_some(), true);
            }
        }
    }
}
