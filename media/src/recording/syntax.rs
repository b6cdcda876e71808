//! What tells H.264 and H.265 apart for whoever puts their frames together.

use crate::nal::{h264, h265};
use crate::rtp::Codec;

/// A codec whose pictures are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Syntax {
    /// ITU-T H.264, in packets by RFC 6184.
    #[default]
    H264,
    /// ITU-T H.265, in packets by RFC 7798, without decoding order numbers.
    H265,
}

/// What a unit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A parameter set.
    Set,
    /// Says nothing that a file needs.
    Padding,
    /// A part of a picture.
    Slice(Access),
    /// A remark, or what is not known.
    Other,
}

/// Where decoding may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// With this picture.
    Key,
    /// Not with it, and not even with the key frame before it: it is shown before that one and
    /// needs what was before (RASL, ITU-T H.265, 3.130).
    Skipped,
    /// Not with it; with the key frame before it, it can be decoded.
    Usual,
}

/// What a packet carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Carried<'a> {
    /// A unit, as it is.
    Unit(&'a [u8]),
    /// Units with their lengths before them.
    Aggregate(&'a [u8]),
    /// A part of a unit. The header of the whole unit is in the first `header` bytes of it.
    Part { begins: bool, ends: bool, header: [u8; 2], body: &'a [u8] },
    /// Nothing that was agreed on.
    Unknown,
    /// Nothing at all.
    Empty,
}

impl Syntax {
    /// That of a codec, where it is recorded.
    pub(super) fn of(codec: Codec) -> Option<Self> {
        match codec {
            Codec::H264 => Some(Self::H264),
            Codec::H265 => Some(Self::H265),
            _ => None,
        }
    }

    pub(super) fn codec(self) -> Codec {
        match self {
            Self::H264 => Codec::H264,
            Self::H265 => Codec::H265,
        }
    }

    /// Bytes of the header of a unit.
    pub(super) fn header(self) -> usize {
        match self {
            Self::H264 => 1,
            Self::H265 => h265::HEADER,
        }
    }

    /// The kind of a unit with this first byte.
    pub(super) fn kind(self, first: u8) -> u8 {
        match self {
            Self::H264 => first & 0x1f,
            Self::H265 => h265::kind(first),
        }
    }

    /// What a unit of a kind is for.
    pub(super) fn role(self, kind: u8) -> Role {
        match (self, kind) {
            (Self::H264, h264::SPS | h264::PPS) | (Self::H265, h265::VPS..=h265::PPS) => Role::Set,
            (Self::H264, h264::DELIMITER | h264::FILLER)
            | (Self::H265, h265::DELIMITER | h265::FILLER) => Role::Padding,
            (Self::H264, h264::IDR) => Role::Slice(Access::Key),
            (Self::H264, h264::SLICE..h264::IDR) => Role::Slice(Access::Usual),
            (Self::H265, kind) if h265::is_key(kind) => Role::Slice(Access::Key),
            (Self::H265, 8 | 9) => Role::Slice(Access::Skipped),
            (Self::H265, 0..32) => Role::Slice(Access::Usual),
            _ => Role::Other,
        }
    }

    /// What a payload carries.
    pub(super) fn payload(self, payload: &[u8]) -> Carried<'_> {
        match self {
            Self::H264 => avc(payload),
            Self::H265 => hevc(payload),
        }
    }

    /// Whether a payload is surely the first of its frame: remarks and parameter sets come before
    /// all else, and a slice with the first block begins a picture.
    pub(super) fn begins(self, payload: &[u8]) -> bool {
        match self.payload(payload) {
            Carried::Unit([first, rest @ ..]) => {
                self.is_first(self.kind(*first), &rest[(self.header() - 1).min(rest.len())..])
            }
            Carried::Aggregate([_, _, first, rest @ ..]) => {
                self.is_first(self.kind(*first), &rest[(self.header() - 1).min(rest.len())..])
            }
            Carried::Part { begins, header, body, .. } => {
                begins && self.is_first(self.kind(header[0]), body)
            }
            _ => false,
        }
    }

    /// The same of a unit of a kind; `body` is what comes behind its header.
    fn is_first(self, kind: u8, body: &[u8]) -> bool {
        // first_mb_in_slice is 0, or first_slice_segment_in_pic_flag is 1.
        let first_block = body.first().is_some_and(|byte| byte & 0x80 != 0);
        match (self, kind) {
            (Self::H264, h264::SEI | h264::SPS | h264::DELIMITER) => true,
            (Self::H264, h264::SLICE | h264::IDR) => first_block,
            // 39 is a remark that comes before its picture.
            (Self::H265, h265::VPS | h265::SPS | h265::DELIMITER | 39) => true,
            (Self::H265, 0..32) => first_block,
            _ => false,
        }
    }
}

/// RFC 6184, 5.4: without interleaving, which is never agreed on.
fn avc(payload: &[u8]) -> Carried<'_> {
    match payload {
        [] => Carried::Empty,
        [header, rest @ ..] => match (header & 0x1f, rest) {
            (1..=23, _) => Carried::Unit(payload),
            (h264::STAP_A, _) => Carried::Aggregate(rest),
            (h264::FU_A, [fu, body @ ..]) => Carried::Part {
                begins: fu & 0x80 != 0,
                ends: fu & 0x40 != 0,
                header: [header & 0xe0 | fu & 0x1f, 0],
                body,
            },
            (h264::FU_A, []) => Carried::Empty,
            _ => Carried::Unknown,
        },
    }
}

/// RFC 7798, 4.4.
fn hevc(payload: &[u8]) -> Carried<'_> {
    match payload {
        [] => Carried::Empty,
        [first, second, rest @ ..] => match (h265::kind(*first), rest) {
            (0..h265::AGGREGATE, _) => Carried::Unit(payload),
            (h265::AGGREGATE, _) => Carried::Aggregate(rest),
            (h265::FRAGMENT, [fu, body @ ..]) => Carried::Part {
                begins: fu & 0x80 != 0,
                ends: fu & 0x40 != 0,
                header: [first & 0x81 | (fu & 0x3f) << 1, *second],
                body,
            },
            (h265::FRAGMENT, []) => Carried::Empty,
            _ => Carried::Unknown,
        },
        _ => Carried::Unknown,
    }
}
