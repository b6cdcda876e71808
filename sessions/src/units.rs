//! Times, frames and rates.

use std::ops::{Add, Sub};

use serde::{Deserialize, Deserializer, Serialize};

/// A point in time: milliseconds since the Unix epoch, on the server's clock. It has a fraction,
/// because a frame at 23.976 fps begins between two whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub f64);

impl Millis {
    /// Rounded to a microsecond. Such a time has at most 16 digits, which every JSON parser reads
    /// back as the same double.
    pub fn to_micros(self) -> Millis {
        Millis((self.0 * 1000.0).round() / 1000.0)
    }
}

impl Add<f64> for Millis {
    type Output = Millis;
    fn add(self, ms: f64) -> Millis {
        Millis(self.0 + ms)
    }
}

impl Sub for Millis {
    type Output = f64;
    fn sub(self, earlier: Millis) -> f64 {
        self.0 - earlier.0
    }
}

/// The highest frame number that is accepted: 2^40, some 1,400 years at 25 fps. Below it every
/// frame number is exact in a double, here and in a browser.
pub const MAX_FRAME: i64 = 1 << 40;

/// A frame of a clip, counted from 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Frame(pub i64);

impl Frame {
    /// Whether this is a frame number at all: from 0 to [`MAX_FRAME`].
    pub fn is_valid(self) -> bool {
        (0..=MAX_FRAME).contains(&self.0)
    }
}

/// Frames per second, as the fraction that video uses: 25/1, 24000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    /// `num / den` frames per second; neither may be zero, and the rate lies in 1..=1000.
    pub fn new(num: u32, den: u32) -> Option<FrameRate> {
        let sane = num > 0 && den > 0 && num >= den && u64::from(num) <= 1000 * u64::from(den);
        sane.then_some(FrameRate { num, den })
    }

    /// The upper part of the fraction.
    pub fn num(self) -> u32 {
        self.num
    }

    /// The lower part of the fraction.
    pub fn den(self) -> u32 {
        self.den
    }
}

impl<'de> Deserialize<'de> for FrameRate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            num: u32,
            den: u32,
        }
        let Parts { num, den } = Parts::deserialize(d)?;
        FrameRate::new(num, den).ok_or_else(|| serde::de::Error::custom("not a frame rate"))
    }
}

/// How fast a clip plays: 1 is as it was shot, 0.25 the slowest, 4 the fastest. There is no
/// backwards: clips are stepped backwards.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Rate(f64);

impl Rate {
    /// As it was shot.
    pub const NORMAL: Rate = Rate(1.0);

    /// A rate in 0.25..=4, or nothing. It is kept to a millionth.
    pub fn new(rate: f64) -> Option<Rate> {
        (0.25..=4.0).contains(&rate).then_some(Rate((rate * 1e6).round() / 1e6))
    }

    /// The factor.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let rate = f64::deserialize(d)?;
        Rate::new(rate).ok_or_else(|| serde::de::Error::custom("the rate lies outside 0.25..4"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_are_sane() {
        assert!(FrameRate::new(24_000, 1_001).is_some());
        assert!(FrameRate::new(0, 1).is_none());
        assert!(FrameRate::new(25, 0).is_none());
        assert!(FrameRate::new(1, 2).is_none());
        assert!(FrameRate::new(1_001, 1).is_none());
        assert!(serde_json::from_str::<FrameRate>(r#"{"num":25,"den":0}"#).is_err());
    }

    #[test]
    fn rates_are_bounded() {
        assert_eq!(Rate::new(1.0), Some(Rate::NORMAL));
        for bad in [0.0, 0.24, 4.01, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Rate::new(bad), None, "{bad}");
        }
    }
}
