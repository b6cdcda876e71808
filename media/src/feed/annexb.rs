//! NAL units in a byte stream (ITU-T H.264, annex B).

/// The units between start codes, without empty ones and without zeros behind them.
pub(crate) fn units(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start(bytes);
    std::iter::from_fn(move || {
        loop {
            let (unit, next) = match find_start(rest?) {
                Some((at, length)) => {
                    let all = rest?;
                    (&all[..at], Some(&all[at + length..]))
                }
                None => (rest?, None),
            };
            rest = next;
            let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if end > 0 {
                return Some(&unit[..end]);
            }
        }
    })
}

fn after_start(bytes: &[u8]) -> Option<&[u8]> {
    let (at, length) = find_start(bytes)?;
    Some(&bytes[at + length..])
}

/// The place of the next 0 0 1, and its length.
fn find_start(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some([a, b, c]) = bytes.get(at..at + 3) {
        match (a, b, c) {
            (0, 0, 1) => return Some((at, 3)),
            // Only a zero as the third byte can be the first of a start code, or the second.
            (_, _, 0) => at += 1,
            _ => at += if *c > 1 { 3 } else { 1 },
        }
    }
    None
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

        /// The quick search finds what the slow one finds.
        #[test]
        fn no_start_is_missed(bytes in proptest::collection::vec(0..4u8, 0..60)) {
            let slow = bytes.windows(3).position(|w| w == [0, 0, 1]);
            prop_assert_eq!(find_start(&bytes).map(|found| found.0), slow);
            units(&bytes).count();
        }
    }
}
