//! Frames of a picture out of the payloads of RTP packets, which are in order.

use super::{h264, h265};

/// A larger frame is none.
const MOST: usize = 8 << 20;
const START: [u8; 4] = [0, 0, 0, 1];

/// How the picture is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Video {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
}

/// The header of a unit that comes in fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    bytes: [u8; 2],
    length: usize,
}

impl Head {
    pub(super) fn one(byte: u8) -> Self {
        Self { bytes: [byte, 0], length: 1 }
    }

    pub(super) fn two(bytes: [u8; 2]) -> Self {
        Self { bytes, length: 2 }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// A part of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// A whole unit.
    Unit(&'a [u8]),
    /// A piece of one.
    Fragment { head: Head, begins: bool, ends: bool, body: &'a [u8] },
}

impl Part<'_> {
    /// The first byte of the unit.
    fn first(&self) -> u8 {
        match self {
            Self::Unit(unit) => unit[0],
            Self::Fragment { head, .. } => head.bytes[0],
        }
    }
}

impl Video {
    /// The parts of a payload; none if it is none of this codec.
    pub(super) fn parts(self, payload: &[u8]) -> Option<Vec<Part<'_>>> {
        match self {
            Self::H264 => h264::parts(payload),
            Self::H265 => h265::parts(payload),
        }
    }

    fn begins_frame(self, parts: &[Part<'_>]) -> bool {
        match self {
            Self::H264 => h264::begins_frame(parts),
            Self::H265 => h265::begins_frame(parts),
        }
    }

    fn is_key(self, first: u8) -> bool {
        match self {
            Self::H264 => h264::is_key(first),
            Self::H265 => h265::is_key(first),
        }
    }

    fn sets(self, first: u8) -> (bool, bool) {
        match self {
            Self::H264 => h264::sets(first),
            Self::H265 => h265::sets(first),
        }
    }

    /// Whether all parts are such as encoders make.
    pub(super) fn is_usual(self, parts: &[Part<'_>]) -> bool {
        parts.iter().all(|part| match self {
            Self::H264 => h264::is_usual(part.first()),
            Self::H265 => h265::is_usual(part.first()),
        })
    }

    /// Whether there is a parameter set by which the codec is known.
    pub(super) fn has_sequence(self, parts: &[Part<'_>]) -> bool {
        parts.iter().any(|part| match (self, part) {
            (Self::H264, Part::Unit(unit)) => h264::is_sequence(unit),
            (Self::H265, Part::Unit(unit)) => h265::is_sequence(unit),
            _ => false,
        })
    }
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) timestamp: u32,
    /// Its units with start codes between them (annex B).
    pub(crate) data: Vec<u8>,
    /// Nothing of it was lost.
    pub(crate) whole: bool,
    /// Decoding may begin with it.
    pub(crate) key: bool,
}

/// Puts frames together.
#[derive(Debug)]
pub(crate) struct Frames {
    video: Video,
    frame: Option<Frame>,
    /// A unit is under way.
    open: bool,
    /// Something before the next packet is missing.
    gap: bool,
    /// A parameter set of a sequence, and of a picture, has come.
    sets: (bool, bool),
}

impl Frames {
    pub(crate) fn new(video: Video) -> Self {
        Self { video, frame: None, open: false, gap: false, sets: (false, false) }
    }

    /// Whether there were parameter sets among the units.
    pub(crate) fn has_sets(&self) -> bool {
        self.sets == (true, true)
    }

    /// Packets before the next one are lost.
    pub(crate) fn gap(&mut self) {
        self.gap = true;
        self.open = false;
        if let Some(frame) = &mut self.frame {
            frame.whole = false;
        }
    }

    /// Takes the next packet, and gives out the frames that it ends: the one before, where its
    /// end was not marked, and its own.
    pub(crate) fn push(
        &mut self,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) -> impl Iterator<Item = Frame> + use<> {
        let after_gap = std::mem::take(&mut self.gap);
        let before = match &self.frame {
            Some(frame) if frame.timestamp != timestamp => self.finish(),
            _ => None,
        };
        let parts = self.video.parts(payload);
        let begins = parts.as_ref().is_some_and(|parts| self.video.begins_frame(parts));
        let frame = self.frame.get_or_insert_with(|| Frame {
            timestamp,
            data: Vec::new(),
            whole: !after_gap || begins,
            key: false,
        });
        let room = frame.data.len() + payload.len() + 64 * START.len() <= MOST;
        match parts.filter(|_| room) {
            Some(parts) => parts.into_iter().for_each(|part| self.part(part)),
            // An empty packet only keeps the way open.
            None => frame.whole &= payload.is_empty(),
        }
        let own = if marker { self.finish() } else { None };
        before.into_iter().chain(own)
    }

    fn part(&mut self, part: Part<'_>) {
        let Some(frame) = &mut self.frame else { return };
        let first = part.first();
        frame.key |= self.video.is_key(first);
        let sets = self.video.sets(first);
        self.sets = (self.sets.0 | sets.0, self.sets.1 | sets.1);
        match part {
            Part::Unit(unit) => {
                frame.whole &= !std::mem::take(&mut self.open);
                frame.data.extend_from_slice(&START);
                frame.data.extend_from_slice(unit);
            }
            Part::Fragment { head, begins, ends, body } => {
                if begins {
                    frame.whole &= !self.open;
                    frame.data.extend_from_slice(&START);
                    frame.data.extend_from_slice(head.bytes());
                } else if !self.open {
                    // Its beginning is missing.
                    frame.whole = false;
                    return;
                }
                frame.data.extend_from_slice(body);
                self.open = !ends;
            }
        }
    }

    fn finish(&mut self) -> Option<Frame> {
        let mut frame = self.frame.take()?;
        frame.whole &= !std::mem::take(&mut self.open);
        (!frame.data.is_empty() || !frame.whole).then_some(frame)
    }
}
