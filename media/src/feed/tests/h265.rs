//! A clip of H.265 as a publisher of it sends: 96 x 64, 25 frames a second, Main 10, three B-frames
//! between others, open groups of twenty frames. Each frame is of one grey, 3 steps of 256 lighter than
//! the one that is shown before it; the first is 40.
//!
//! `ffmpeg -f lavfi -i "nullsrc=s=96x64:r=25,format=yuv420p,geq=lum='40+3*N':cb=128:cr=128,\
//! format=yuv420p10le" -frames:v 50 -c:v libx265 -x265-params bframes=3:b-adapt=0:open-gop=1:keyint=20:\
//! min-keyint=20:scenecut=0:crf=18:info=0:repeat-headers=1 -flags +bitexact -f mpegts`, version 5.1.

use std::time::{Duration, Instant};

use super::super::{Feed, Made};
use crate::stream::Packet;

const CLIP: &[u8] = include_bytes!("../../../tests/h265/main10-open.ts");

/// The packets of each frame, in the order in which they are sent, captured from `start` on in the
/// order in which they are shown. Frame 0 is the first of both.
pub(crate) fn clip(start: Instant) -> Vec<Vec<Packet>> {
    let mut frames = Vec::new();
    Feed::new().push(start, CLIP, |made| {
        if let Made::Picture(packets) = made {
            frames.push(packets);
        }
    });
    let first = frames[0][0].timestamp;
    for packet in frames.iter_mut().flatten() {
        packet.timestamp = packet.timestamp.wrapping_sub(first).wrapping_add(FIRST);
        packet.captured = start + FRAME * number(packet.timestamp);
    }
    frames
}

pub(crate) const FRAME: Duration = Duration::from_millis(40);

/// The timestamp of frame 0; later ones begin anew from 0.
pub(crate) const FIRST: u32 = u32::MAX - 10_000;

/// The number of the frame with this timestamp, in the order in which they are shown.
pub(crate) fn number(timestamp: u32) -> u32 {
    timestamp.wrapping_sub(FIRST) / 3_600
}
