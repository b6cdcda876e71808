//! NAL units in a byte stream (ITU-T H.264, annex B).

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// What begins a unit; a zero before it is part of it, and no unit's.
const START: [u8; 3] = [0, 0, 1];
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&START));

/// The units between start codes, without empty ones and without zeros behind them.
pub(crate) fn units(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut starts = FINDER.find_iter(bytes).map(|at| at + START.len());
    let mut begin = starts.next();
    std::iter::from_fn(move || {
        loop {
            let from = begin?;
            begin = starts.next();
            let unit = &bytes[from..begin.map_or(bytes.len(), |next| next - START.len())];
            let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if end > 0 {
                return Some(&unit[..end]);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_told_apart() {
        let bytes = [9, 0, 0, 0, 1, 1, 2, 0, 0, 1, 0, 0, 1, 3, 0, 0, 3, 1, 0, 0, 0, 1, 4, 0, 0];
        let found: Vec<&[u8]> = units(&bytes).collect();
        assert_eq!(found, [&[1, 2][..], &[3, 0, 0, 3, 1], &[4]]);
        assert_eq!(units(&[1, 2, 3]).count(), 0);
        assert_eq!(units(&[]).count(), 0);
    }

    proptest! {
        #[test]
        fn what_is_put_together_comes_apart(
            parts in proptest::collection::vec(proptest::collection::vec(1..=255u8, 1..30), 1..10),
            four in any::<bool>(),
        ) {
            let start: &[u8] = if four { &[0, 0, 0, 1] } else { &[0, 0, 1] };
            let bytes: Vec<u8> = parts.iter().flat_map(|p| [start, p].concat()).collect();
            let found: Vec<&[u8]> = units(&bytes).collect();
            prop_assert_eq!(found, parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }

        /// Each unit begins behind a start code, and no start code is within one.
        #[test]
        fn no_start_is_missed(bytes in proptest::collection::vec(0..4u8, 0..60)) {
            let starts = bytes.windows(3).filter(|w| *w == START).count();
            let found: Vec<&[u8]> = units(&bytes).collect();
            prop_assert!(found.len() <= starts);
            for unit in found {
                let at = unit.as_ptr() as usize - bytes.as_ptr() as usize;
                prop_assert_eq!(&bytes[at - 3..at], START);
                prop_assert!(!unit.windows(3).any(|w| w == START));
                prop_assert_ne!(unit.last(), Some(&0));
            }
        }
    }
}
