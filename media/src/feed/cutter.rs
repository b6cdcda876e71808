//! Frames of a picture into the packets of a publisher.

use crate::rtp::{Codec, inspect};
use crate::stream::{Packet, Payload, Payloads};

use super::h264::Packetiser as H264;
use super::h265::Packetiser as H265;
use super::timeline::Moment;

/// The payloads of a frame. They lie one behind the other, for an allocation each is what a heavy
/// picture costs most.
#[derive(Debug, Default)]
pub(super) struct Cut {
    room: Payloads,
    made: Vec<Payload>,
}

impl Cut {
    /// Puts a payload behind the others, which is made of these.
    pub(super) fn put(&mut self, parts: &[&[u8]]) {
        self.made.push(self.room.join(parts));
    }

    /// Takes out what was put there.
    pub(super) fn take(&mut self) -> Vec<Payload> {
        std::mem::take(&mut self.made)
    }
}

#[derive(Debug)]
enum Packetiser {
    H264(H264),
    H265(H265),
}

impl Packetiser {
    fn of(codec: Codec) -> Self {
        match codec {
            Codec::H265 => Self::H265(H265::default()),
            _ => Self::H264(H264::default()),
        }
    }

    fn codec(&self) -> Codec {
        match self {
            Self::H264(_) => Codec::H264,
            Self::H265(_) => Codec::H265,
        }
    }

    fn frame(&mut self, bytes: &[u8]) -> Vec<Payload> {
        match self {
            Self::H264(packetiser) => packetiser.frame(bytes),
            Self::H265(packetiser) => packetiser.frame(bytes),
        }
    }
}

/// Makes packets of frames, and numbers them.
#[derive(Debug)]
pub(crate) struct Cutter {
    packetiser: Packetiser,
    seq: u64,
    offset: u32,
}

impl Cutter {
    /// One of H.265, or else of H.264.
    pub(crate) fn new(codec: Codec) -> Self {
        Self { packetiser: Packetiser::of(codec), seq: 0, offset: rand::random() }
    }

    /// One whose moments are the timestamps themselves.
    pub(crate) fn exact() -> Self {
        Self { offset: 0, ..Self::new(Codec::H264) }
    }

    /// One for another track, whose packets follow those of this one.
    pub(crate) fn anew(self, codec: Codec) -> Self {
        Self { packetiser: Packetiser::of(codec), ..self }
    }

    /// Whether a decoder could begin: there are parameter sets.
    pub(crate) fn has_parameters(&self) -> bool {
        match &self.packetiser {
            Packetiser::H264(packetiser) => packetiser.has_parameters(),
            Packetiser::H265(packetiser) => packetiser.has_parameters(),
        }
    }

    /// The packets of a frame (annex B).
    pub(crate) fn frame(&mut self, bytes: &[u8], moment: Moment) -> Vec<Packet> {
        let (payloads, codec) = (self.packetiser.frame(bytes), self.packetiser.codec());
        let timestamp = (moment.ticks as u32).wrapping_add(self.offset);
        let last = payloads.len().saturating_sub(1);
        let packet = |(number, payload): (usize, Payload)| {
            self.seq += 1;
            Packet {
                codec,
                layer: 0,
                seq: self.seq,
                timestamp,
                marker: number == last,
                inspection: inspect(codec, &payload),
                payload,
                captured: moment.captured,
            }
        };
        payloads.into_iter().enumerate().map(packet).collect()
    }
}
