//! Two assets beside each other.
//!
//! The second one is bound to the first: at every moment it shows the frame that lies `offset`
//! frames from the one where the first stands, at its own rate. It stands on its first or last
//! frame where it has no such one.

use serde::{Deserialize, Serialize};

use crate::room::Change;
use crate::{Asset, Frame, MAX_FRAME, Reason, Room, State, SyncMode, UserId};

/// Positions on the picture are in parts of so many of its width.
const SCALE: u16 = crate::SCALE;

/// How two pictures share the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Layout {
    /// Side by side, the first on the left.
    #[default]
    Side,
    /// One over the other, the first left of a line.
    Wipe,
}

/// A second asset on show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// The second asset.
    pub asset: Asset,
    /// How they share the screen.
    pub layout: Layout,
    /// Where the line of [`Layout::Wipe`] is, in parts of [`crate::SCALE`] of the width.
    pub split: u16,
    /// How many of its own frames the second asset is ahead of the first.
    pub offset: i64,
}

impl Compare {
    /// Refuses what cannot be shown beside `first`.
    pub(crate) fn check(&self, first: Asset) -> Result<(), Reason> {
        if first.is_live() || self.asset.is_live() {
            return Err(Reason::Bad("a live source cannot be compared"));
        }
        if self.split > SCALE {
            return Err(Reason::Bad("the split lies outside 0..10000"));
        }
        if self.offset.checked_abs().is_none_or(|offset| offset > MAX_FRAME) {
            return Err(Reason::Bad("not an offset in frames"));
        }
        Ok(())
    }

    /// The frame of the second asset that belongs to a position of the first.
    pub fn frame_for(&self, first: Asset, position: f64) -> Option<Frame> {
        let (from, to) = (first.fps?, self.asset.fps?);
        let scaled = if from == to {
            position
        } else {
            let ratio = f64::from(to.num()) * f64::from(from.den())
                / (f64::from(to.den()) * f64::from(from.num()));
            position * ratio
        };
        let frame = scaled.floor() as i64 + self.offset;
        let last = self.asset.frames.map_or(MAX_FRAME, |frames| frames - 1);
        Some(Frame(frame.clamp(0, last)))
    }
}

impl Room {
    pub(crate) fn compare(&mut self, compare: Option<Compare>) -> Result<Change, Reason> {
        if let Some(compare) = compare {
            compare.check(self.asset()?)?;
        }
        let same = self.state.compare == compare;
        self.state.compare = compare;
        Ok(if same { Change::Nothing } else { Change::Within })
    }

    /// Another host drives. Nothing else changes, so that nobody's picture jumps.
    pub(crate) fn hand_over(&mut self, to: UserId) -> Result<Change, Reason> {
        if self.state.sync_mode != SyncMode::Host || !self.is_host(to) {
            return Err(Reason::Bad("only a host drives, and only where the hosts do"));
        }
        let same = self.state.driver.replace(to) == Some(to);
        Ok(if same { Change::Nothing } else { Change::Epoch })
    }
}

impl State {
    /// The frame of the second asset at a moment, where there is one.
    pub fn compare_frame_at(&self, at: crate::Millis) -> Option<Frame> {
        self.compare?.frame_for(self.asset?, self.timeline().position_at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AssetId, FrameRate};

    fn clip(id: u128, num: u32, den: u32, frames: i64) -> Asset {
        Asset::clip(AssetId(id), FrameRate::new(num, den).unwrap(), Some(frames))
    }

    #[test]
    fn the_second_picture_is_bound_to_the_first() {
        let first = clip(1, 25, 1, 100);
        let same =
            Compare { asset: clip(2, 25, 1, 50), layout: Layout::Side, split: 5000, offset: 3 };
        let frame = |compare: Compare, position| compare.frame_for(first, position).unwrap().0;
        assert_eq!([0.0, 10.9, 46.0, 99.0].map(|at| frame(same, at)), [3, 13, 49, 49]);
        let before = Compare { offset: -5, ..same };
        assert_eq!([0.0, 7.5].map(|at| frame(before, at)), [0, 2]);
        let twice = Compare { asset: clip(2, 50, 1, 200), offset: 0, ..same };
        assert_eq!([0.0, 10.5, 99.0].map(|at| frame(twice, at)), [0, 21, 198]);
        assert_eq!(twice.frame_for(Asset::live(AssetId(1)), 1.0), None);
    }
}
