//! Frames of a picture into the packets of a publisher.

use std::sync::Arc;

use crate::rtp::{Codec, inspect};
use crate::stream::Packet;

use super::h264::Packetiser;
use super::timeline::Moment;

/// Makes packets of frames, and numbers them.
#[derive(Debug)]
pub(crate) struct Cutter {
    packetiser: Packetiser,
    seq: u64,
    offset: u32,
}

impl Cutter {
    pub(crate) fn new() -> Self {
        Self { packetiser: Packetiser::default(), seq: 0, offset: rand::random() }
    }

    /// One whose moments are the timestamps themselves.
    pub(crate) fn exact() -> Self {
        Self { offset: 0, ..Self::new() }
    }

    /// One for another track, whose packets follow those of this one.
    pub(crate) fn anew(self) -> Self {
        Self { packetiser: Packetiser::default(), ..self }
    }

    /// Whether a decoder could begin: there are parameter sets.
    pub(crate) fn has_parameters(&self) -> bool {
        self.packetiser.has_parameters()
    }

    /// The packets of a frame (annex B).
    pub(crate) fn frame(&mut self, bytes: &[u8], moment: Moment) -> Vec<Packet> {
        let payloads = self.packetiser.frame(bytes);
        let timestamp = (moment.ticks as u32).wrapping_add(self.offset);
        let last = payloads.len().saturating_sub(1);
        let packet = |(number, payload): (usize, Vec<u8>)| {
            self.seq += 1;
            Packet {
                codec: Codec::H264,
                layer: 0,
                seq: self.seq,
                timestamp,
                marker: number == last,
                inspection: inspect(Codec::H264, &payload),
                payload: Arc::from(payload),
                captured: moment.captured,
            }
        };
        payloads.into_iter().enumerate().map(packet).collect()
    }
}
