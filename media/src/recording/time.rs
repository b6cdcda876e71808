//! Moments of recordings.

use std::time::Instant;

use crate::rtcp::WallClock;

/// Ticks of a second.
pub(super) const CLOCK: i64 = 90_000;
/// Samples of sound in a second.
pub(super) const SAMPLES: i64 = 48_000;

/// A moment by the server's clock, in ticks of 90 kHz since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(pub i64);

impl Ticks {
    /// The moment near `about` of which the lower 32 bits are these.
    pub(super) fn near(about: Self, lower: u32) -> Self {
        let off = lower.wrapping_sub(about.0 as u32) as i32;
        Self(about.0 + i64::from(off))
    }

    /// The moment of an instant.
    pub(crate) fn of(wall: &WallClock, at: Instant) -> Self {
        Self::from_ntp(wall.ntp(at).wrapping_sub(NTP_TO_UNIX))
    }

    /// In milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.0.div_euclid(CLOCK / 1000)
    }

    /// In samples of sound since 1970.
    pub(super) fn samples(self) -> i64 {
        // A quarter of a million years fit in.
        (self.0 * 8).div_euclid(15)
    }

    /// As the 64 bits of NTP (RFC 5905, 6), which count from 1900.
    pub(super) fn ntp(self) -> u64 {
        let (seconds, rest) = (self.0.div_euclid(CLOCK) as u64, self.0.rem_euclid(CLOCK) as u64);
        ((seconds << 32) | ((rest << 32) / CLOCK as u64)).wrapping_add(NTP_TO_UNIX)
    }

    /// The other way.
    pub(super) fn of_ntp(ntp: u64) -> Self {
        Self::from_ntp(ntp.wrapping_sub(NTP_TO_UNIX))
    }

    fn from_ntp(since: u64) -> Self {
        let fraction = ((since & 0xffff_ffff) * CLOCK as u64 + (1 << 31)) >> 32;
        Self((since >> 32) as i64 * CLOCK + fraction as i64)
    }
}

/// From 1900 to 1970, in 32.32 fixed point.
const NTP_TO_UNIX: u64 = 2_208_988_800 << 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_moment_survives_being_written(at in 0..380_000_000_000_000i64) {
            prop_assert_eq!(Ticks::of_ntp(Ticks(at).ntp()), Ticks(at));
        }

        #[test]
        fn lower_bits_say_which_moment_is_meant(
            at in 1_000_000_000_000i64..400_000_000_000_000,
            off in -1_000_000_000..1_000_000_000i64,
        ) {
            prop_assert_eq!(Ticks::near(Ticks(at + off), at as u32), Ticks(at));
        }
    }
}
