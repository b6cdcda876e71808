//! The place of each packet of sound in time.

use std::time::Instant;

use crate::rtcp::WallClock;
use crate::stream::{Packet, Placing};

use super::time::{CLOCK, Ticks};

/// Sound that is off by more is another one, and is put where it belongs at once: 100 ms.
const ELSEWHERE: i64 = CLOCK / 10;
/// The part of the time between two packets by which they may be moved: what nobody hears.
const PART: i64 = 256;

/// Puts a publisher's sound on the server's clock, as [`Placing`] does the picture, but never by
/// steps that would be heard.
#[derive(Debug, Default)]
pub(super) struct SoundLine {
    placing: Placing,
    latest: Option<Latest>,
}

#[derive(Debug, Clone, Copy)]
struct Latest {
    /// In samples, as it came.
    timestamp: u32,
    /// The same as it counts on without a turn.
    long: i64,
    /// Where it was put.
    at: Ticks,
}

impl SoundLine {
    /// Another publisher: it counts from somewhere else.
    pub(super) fn reset(&mut self) {
        self.placing.publish();
        self.latest = None;
    }

    pub(super) fn place(&mut self, wall: &WallClock, packet: &Packet) -> Ticks {
        let step = self
            .latest
            .map_or(0, |latest| i64::from(packet.timestamp.wrapping_sub(latest.timestamp) as i32));
        let long = self.latest.map_or(packet.timestamp.into(), |latest| latest.long + step);
        let placed = self.placing.place(wall, packet.captured, (long * 15 / 8) as u32);
        let mut at = near(wall, packet.captured, placed);
        if let Some(latest) = self.latest {
            let step = step * 15 / 8;
            let off = at.0 - latest.at.0 - step;
            if off.abs() <= ELSEWHERE && step > 0 {
                at = Ticks(latest.at.0 + step + off.clamp(-step / PART, step / PART));
            }
        }
        self.latest = Some(Latest { timestamp: packet.timestamp, long, at });
        at
    }
}

/// The moment of a placed timestamp.
pub(super) fn near(wall: &WallClock, captured: Instant, placed: u32) -> Ticks {
    Ticks::near(Ticks::of(wall, captured), placed)
}
