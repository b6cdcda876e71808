//! VP8, VP9 and AV1 out of RTP packets: whole frames, as files and decoders want them.
//!
//! A pure core beside [`recording`](crate::recording)'s own for H.264 and H.265: packets come in
//! order, what is missing is said, and [`Gatherer`] hands out frames.
//!
//! Of a picture in several spatial layers the lowest is taken, which can be decoded without the
//! others.

mod av1;
mod gatherer;
mod said;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use crate::recording::Sample;
use crate::rtp::{self, Codec, PictureSize};

pub(crate) use gatherer::Gatherer;

/// A codec whose frames are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    /// RFC 6386, in packets by RFC 7741.
    Vp8,
    /// The VP9 bitstream specification, in packets by RFC 9628.
    Vp9,
    /// The AV1 bitstream specification, in packets by the AOM's RTP payload format.
    Av1,
}

impl Coding {
    /// That of a codec, where its frames are gathered here.
    pub(crate) fn of(codec: Codec) -> Option<Self> {
        match codec {
            Codec::Vp8 => Some(Self::Vp8),
            Codec::Vp9 => Some(Self::Vp9),
            Codec::Av1 => Some(Self::Av1),
            Codec::H264 | Codec::H265 | Codec::Opus | Codec::MultiOpus => None,
        }
    }

    pub(crate) fn codec(self) -> Codec {
        match self {
            Self::Vp8 => Codec::Vp8,
            Self::Vp9 => Codec::Vp9,
            Self::Av1 => Codec::Av1,
        }
    }
}

/// A frame that is whole.
#[derive(Debug)]
pub(crate) struct Whole {
    /// Of its packets.
    pub(crate) timestamp: u32,
    /// Decoding may begin with it.
    pub(crate) key: bool,
    /// Of VP8 and VP9 the frame, or the superframe. Of AV1 the temporal unit as the AV1 binding to
    /// the ISO base media file format (2.4) has a sample: OBUs with their sizes, without temporal
    /// delimiters, a key frame with its sequence header.
    pub(crate) data: Sample,
    /// What a key frame says of itself and of those behind it. The same as long as it says the same.
    pub(crate) head: Option<Arc<Head>>,
}

/// What a decoder, or a file, is to know before the first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Head {
    /// The header of a key frame (RFC 6386, 9.1).
    Vp8 { size: PictureSize },
    /// The header of a key frame (VP9 bitstream, 6.2). A level is not among it.
    Vp9(rtp::vp9::KeyFrame),
    Av1 {
        /// The sequence header OBU with its size, as `configOBUs` of an `av1C` is.
        unit: Vec<u8>,
        /// What it says (AV1 bitstream, 5.5).
        sequence: rtp::av1::Sequence,
    },
}

impl Head {
    pub(crate) fn coding(&self) -> Coding {
        match self {
            Self::Vp8 { .. } => Coding::Vp8,
            Self::Vp9(_) => Coding::Vp9,
            Self::Av1 { .. } => Coding::Av1,
        }
    }

    /// The size of the picture; of AV1 the largest in the sequence.
    pub(crate) fn size(&self) -> PictureSize {
        match self {
            Self::Vp8 { size } => *size,
            Self::Vp9(key) => key.size,
            Self::Av1 { sequence, .. } => sequence.size,
        }
    }
}
