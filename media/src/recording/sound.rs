//! The place of each packet of sound in time.

use std::time::Instant;

use crate::rtcp::WallClock;
use crate::stream::{Packet, Placing};

use super::time::Ticks;

/// Puts a publisher's sound on the server's clock, as [`Placing`] does the picture.
#[derive(Debug, Default)]
pub(super) struct SoundLine {
    placing: Placing,
    /// The latest timestamp, in samples: as it came, and as it counts on without a turn.
    latest: Option<(u32, i64)>,
}

impl SoundLine {
    /// Another publisher: it counts from somewhere else.
    pub(super) fn reset(&mut self) {
        self.placing.publish();
        self.latest = None;
    }

    pub(super) fn place(&mut self, wall: &WallClock, packet: &Packet) -> Ticks {
        let (before, long) = self.latest.unwrap_or((packet.timestamp, packet.timestamp.into()));
        let long = long + i64::from(packet.timestamp.wrapping_sub(before) as i32);
        self.latest = Some((packet.timestamp, long));
        let timestamp = (long * 15 / 8) as u32;
        let placed = self.placing.place(wall, packet.captured, timestamp);
        near(wall, packet.captured, placed)
    }
}

/// The moment of a placed timestamp.
pub(super) fn near(wall: &WallClock, captured: Instant, placed: u32) -> Ticks {
    Ticks::near(Ticks::of(wall, captured), placed)
}
