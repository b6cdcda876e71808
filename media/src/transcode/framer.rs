//! The frames of a picture as a decoder takes them, and which of them another program decodes.

use crate::coded::{Coding, Gatherer, Whole};
use crate::rtp::{Codec, PictureSize};
use crate::rtp_source::{Frame, Frames, Video};
use crate::stream::Packet;

/// A codec that is decoded by another program alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutsideCodec {
    /// ITU-T H.265.
    H265,
    /// VP8, VP9 or AV1.
    Coded(Coding),
}

impl OutsideCodec {
    /// That of a picture; none where it is decoded here, and of sound.
    pub(crate) fn of(codec: Codec) -> Option<Self> {
        match codec {
            Codec::H265 => Some(Self::H265),
            _ => Coding::of(codec).map(Self::Coded),
        }
    }

    pub(crate) fn codec(self) -> Codec {
        match self {
            Self::H265 => Codec::H265,
            Self::Coded(coding) => coding.codec(),
        }
    }

    /// Its name in the head of an IVF file.
    pub(crate) fn fourcc(self) -> &'static [u8; 4] {
        match self {
            Self::H265 => b"HEVC",
            Self::Coded(Coding::Vp8) => b"VP80",
            Self::Coded(Coding::Vp9) => b"VP90",
            Self::Coded(Coding::Av1) => b"AV01",
        }
    }

    /// ffmpeg's name of what decodes it. Its own of AV1 needs a graphics card.
    pub(crate) fn decoder(self) -> &'static str {
        match self {
            Self::H265 => "hevc",
            Self::Coded(Coding::Vp8) => "vp8",
            Self::Coded(Coding::Vp9) => "vp9",
            Self::Coded(Coding::Av1) => "libdav1d",
        }
    }

    /// Whether a picture may be one of a frame that says this size. An odd number of columns or rows
    /// becomes the even one below, and of AV1 that of the largest spatial layer is said.
    pub(crate) fn is_size(self, said: PictureSize, decoded: PictureSize) -> bool {
        let even = PictureSize { width: said.width & !1, height: said.height & !1 };
        match self {
            Self::Coded(Coding::Av1) => {
                decoded.width <= even.width && decoded.height <= even.height
            }
            _ => decoded == even,
        }
    }
}

/// A frame that was put together.
#[derive(Debug)]
pub(crate) struct Framed {
    pub(crate) frame: Frame,
    /// The size that it says of itself: of a key frame of VP8, VP9 or AV1. What its packets say is
    /// that of the largest of its spatial layers.
    pub(crate) size: Option<PictureSize>,
}

/// Puts frames together. Packets come in order; what is missing is said.
#[derive(Debug)]
pub(crate) enum Framer {
    /// Of H.264 and H.265, whose frames are made of NAL units.
    Units(Box<Frames>),
    Coded(Box<Gatherer>),
}

impl Framer {
    /// One of frames of this codec.
    pub(crate) fn new(codec: Codec) -> Self {
        let video = if codec == Codec::H265 { Video::H265 } else { Video::H264 };
        match Coding::of(codec) {
            Some(coding) => Self::Coded(Box::new(Gatherer::new(coding))),
            None => Self::Units(Box::new(Frames::new(video))),
        }
    }

    /// Packets before the next one are missing.
    pub(crate) fn gap(&mut self) {
        match self {
            Self::Units(frames) => frames.gap(),
            Self::Coded(gatherer) => gatherer.gap(),
        }
    }

    /// Takes the next packet, and gives out the frames that it ends: the one before, where its end
    /// was not marked, and its own.
    pub(crate) fn push(&mut self, packet: Packet) -> Vec<Framed> {
        match self {
            Self::Units(frames) => {
                let frames = frames.push(packet.timestamp, packet.marker, &packet.payload);
                frames.map(|frame| Framed { frame, size: None }).collect()
            }
            Self::Coded(gatherer) => {
                let (mut all, timestamp) = (Vec::new(), packet.timestamp);
                gatherer.push(packet, &mut |whole| all.push(framed(timestamp, whole)));
                all
            }
        }
    }
}

/// A frame that was put together, or one that cannot be used.
fn framed(timestamp: u32, whole: Option<Whole>) -> Framed {
    match whole {
        Some(Whole { timestamp, key, data, head }) => {
            let data = data.pieces().flatten().copied().collect();
            let frame = Frame { timestamp, key, whole: true, data };
            Framed { frame, size: head.map(|head| head.size()) }
        }
        None => {
            let frame = Frame { timestamp, key: false, whole: false, data: Vec::new() };
            Framed { frame, size: None }
        }
    }
}
