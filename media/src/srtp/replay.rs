//! Which packets were seen (RFC 3711, 3.3.2).

/// How many senders (SSRCs) are remembered. A peer that uses more of them loses
/// the memory of the one it used longest ago, and nobody else's.
const MAX_SENDERS: usize = 32;

/// The last 64 packet indices of one sender.
#[derive(Debug, Clone, Copy)]
struct Window {
    ssrc: u32,
    /// The highest index accepted.
    top: u32,
    /// Bit n: the index `top - n` was accepted.
    seen: u64,
}

impl Window {
    fn has(&self, index: u32) -> bool {
        match self.top.checked_sub(index) {
            None => false,
            // Too old to know.
            Some(age) if age >= u64::BITS => true,
            Some(age) => self.seen >> age & 1 == 1,
        }
    }

    fn add(&mut self, index: u32) {
        match self.top.checked_sub(index) {
            Some(age) => self.seen |= 1u64.checked_shl(age).unwrap_or(0),
            None => {
                let ahead = index - self.top;
                self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
                self.top = index;
            }
        }
    }
}

/// The windows of all senders under one key, the last used at the end.
#[derive(Debug, Default)]
pub(super) struct Windows(Vec<Window>);

impl Windows {
    /// Whether `index` of `ssrc` was accepted before, or may have been.
    pub(super) fn is_replay(&self, ssrc: u32, index: u32) -> bool {
        self.0
            .iter()
            .rev()
            .find(|window| window.ssrc == ssrc)
            .is_some_and(|window| window.has(index))
    }

    /// Remembers `index` of `ssrc`, of a packet that proved authentic.
    pub(super) fn accept(&mut self, ssrc: u32, index: u32) {
        match self.0.iter().rposition(|window| window.ssrc == ssrc) {
            Some(at) => {
                self.0[at].add(index);
                self.0[at..].rotate_left(1);
            }
            None => {
                if self.0.len() == MAX_SENDERS {
                    self.0.remove(0);
                }
                self.0.push(Window { ssrc, top: index, seen: 1 });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_each_index_once_in_any_order() {
        let mut windows = Windows::default();
        for index in [5, 3, 66, 4, 65, 6] {
            assert!(!windows.is_replay(1, index), "{index} is new");
            windows.accept(1, index);
            assert!(windows.is_replay(1, index), "{index} was accepted");
        }
    }

    #[test]
    fn refuses_what_is_too_old_to_know() {
        let mut windows = Windows::default();
        windows.accept(1, 100);
        assert!(!windows.is_replay(1, 100 - 63));
        assert!(windows.is_replay(1, 100 - 64));
        assert!(windows.is_replay(1, 0));
    }

    #[test]
    fn keeps_senders_apart() {
        let mut windows = Windows::default();
        windows.accept(1, 7);
        assert!(!windows.is_replay(2, 7));
        windows.accept(2, 7);
        assert!(windows.is_replay(1, 7) && windows.is_replay(2, 7));
    }

    #[test]
    fn forgets_the_sender_used_longest_ago() {
        let mut windows = Windows::default();
        let many = u32::try_from(MAX_SENDERS).expect("a small number");
        for ssrc in 0..many {
            windows.accept(ssrc, 0);
        }
        windows.accept(0, 1);
        windows.accept(many, 0);
        assert_eq!(windows.0.len(), MAX_SENDERS);
        assert!(windows.is_replay(0, 0), "used a moment ago");
        assert!(!windows.is_replay(1, 0), "used longest ago");
    }

    proptest! {
        /// The window agrees with a plain list of what was accepted.
        #[test]
        fn agrees_with_a_list(indices in prop::collection::vec(0u32..300, 0..200)) {
            let mut windows = Windows::default();
            let mut accepted: Vec<u32> = Vec::new();
            for index in indices {
                let top = accepted.iter().max().copied();
                let old = top.is_some_and(|top| index + 64 <= top);
                let replay = old || accepted.contains(&index);
                prop_assert_eq!(windows.is_replay(9, index), replay);
                if !replay {
                    windows.accept(9, index);
                    accepted.push(index);
                }
            }
        }
    }
}
