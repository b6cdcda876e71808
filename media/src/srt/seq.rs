//! Sequence numbers of 31 bits that wrap (draft-sharabayko-srt-01, 3.1).

use std::fmt;

/// A packet's sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Seq(u32);

impl Seq {
    /// All bits that a number has.
    pub(crate) const MASK: u32 = 0x7fff_ffff;

    pub(crate) fn new(value: u32) -> Self {
        Self(value & Self::MASK)
    }

    pub(crate) fn value(self) -> u32 {
        self.0
    }

    pub(crate) fn add(self, count: u32) -> Self {
        Self::new(self.0.wrapping_add(count))
    }

    /// How far this is after `other`, by the shorter way round; negative if it is before.
    pub(crate) fn after(self, other: Self) -> i32 {
        let difference = self.0.wrapping_sub(other.0) & Self::MASK;
        // The sign is the 31st bit.
        ((difference << 1) as i32) >> 1
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_wrap() {
        for (a, b, distance) in [
            (5, 3, 2),
            (3, 5, -2),
            (0, Seq::MASK, 1),
            (Seq::MASK, 0, -1),
            (10, Seq::MASK - 9, 20),
            (0x3fff_ffff, 0, 0x3fff_ffff),
            (0x4000_0000, 0, -0x4000_0000),
        ] {
            assert_eq!(Seq::new(a).after(Seq::new(b)), distance, "{a} after {b}");
        }
        assert_eq!(Seq::new(Seq::MASK).add(3), Seq::new(2));
    }
}
