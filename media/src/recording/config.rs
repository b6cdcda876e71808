//! What a file says of its picture before the first frame.

use std::fmt;
use std::sync::Arc;

use crate::coded::{Coding, Head};
use crate::rtp::av1::{ObuHeader, SEQUENCE_HEADER, Sequence};
use crate::rtp::{Codec, Colours, PictureSize, vp9};

use super::sets::{Sets, sets_of};

/// What a decoder is to know of a picture, as its last key frame said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Config {
    /// Of H.264 and H.265.
    Sets(Arc<Sets>),
    /// Of VP9 and AV1.
    Head(Arc<Head>),
    /// The same, before the first key frame.
    Awaited(Coding),
}

impl Default for Config {
    fn default() -> Self {
        Self::Sets(Arc::default())
    }
}

impl Config {
    /// Whether a decoder can begin with it.
    pub(super) fn complete(&self) -> bool {
        match self {
            Self::Sets(sets) => sets.complete(),
            Self::Head(_) => true,
            Self::Awaited(_) => false,
        }
    }

    pub(super) fn size(&self) -> Option<PictureSize> {
        match self {
            Self::Sets(sets) => sets.size(),
            Self::Head(head) => Some(head.size()),
            Self::Awaited(_) => None,
        }
    }

    pub(super) fn format(&self) -> Format {
        match self {
            Self::Sets(sets) => Format { codec: sets.syntax.codec(), profile: None },
            Self::Head(head) => Format { codec: head.coding().codec(), profile: Profile::of(head) },
            Self::Awaited(coding) => Format { codec: coding.codec(), profile: None },
        }
    }

    /// What holds for pictures of both. Parameter sets, of which another one's stand in the samples,
    /// stay what they are.
    pub(super) fn covering(self, other: &Self) -> Self {
        let (Self::Head(mine), Self::Head(other)) = (&self, other) else { return self };
        match (&**mine, &**other) {
            (Head::Vp9(key), Head::Vp9(other)) if key.colours != other.colours => {
                // Each key frame says its own.
                let colours = Colours { full_range: key.colours.full_range, ..Colours::default() };
                Self::Head(Arc::new(Head::Vp9(vp9::KeyFrame { colours, ..*key })))
            }
            (Head::Av1 { unit, sequence }, Head::Av1 { sequence: other, .. }) => {
                let (level, tier) =
                    (sequence.level.max(other.level), sequence.tier.max(other.tier));
                let sequence = Sequence { level, tier, ..*sequence };
                Self::Head(Arc::new(Head::Av1 { unit: unit.clone(), sequence }))
            }
            _ => self,
        }
    }
}

/// What all pictures of a file have in common: a codec, and of VP9 and AV1 what one entry of a track
/// cannot say of several (VP Codec ISO Media File Format Binding; AV1 binding to ISOBMFF, 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    codec: Codec,
    /// Of VP9 and AV1, as far as there was a key frame.
    profile: Option<Profile>,
}

impl Format {
    /// The codec.
    #[must_use]
    pub fn codec(self) -> Codec {
        self.codec
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.codec.name())?;
        match self.profile {
            Some(Profile { number, bit_depth, .. }) => {
                write!(f, " (profile {number}, {bit_depth} bits)")
            }
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Profile {
    number: u8,
    bit_depth: u8,
    subsampling: [bool; 2],
    monochrome: bool,
}

impl Profile {
    fn of(head: &Head) -> Option<Self> {
        match head {
            Head::Vp8 { .. } => None,
            Head::Vp9(key) => Some(Self {
                number: key.profile,
                bit_depth: key.bit_depth,
                subsampling: key.subsampling,
                monochrome: false,
            }),
            Head::Av1 { sequence, .. } => Some(Self {
                number: sequence.profile,
                bit_depth: match (sequence.high_bitdepth, sequence.twelve_bit) {
                    (false, _) => 8,
                    (true, false) => 10,
                    (true, true) => 12,
                },
                subsampling: sequence.subsampling,
                monochrome: sequence.monochrome,
            }),
        }
    }
}

/// What the sample of a key frame says, of which the beginning is enough; none where it says nothing
/// that a decoder could begin with.
///
/// The first byte tells which codec it is. Of H.264 and H.265 it is the highest of a unit's length,
/// and no unit has 16 MiB. A frame of VP9 begins with the bits 10 (VP9 bitstream, 6.2). An OBU of AV1 begins
/// with the bit 0 (AV1 bitstream, 5.3.2), and in a file says that it has a size.
pub(super) fn config_of(sample: &[u8]) -> Option<Config> {
    let config = match *sample.first()? {
        0 => Config::Sets(Arc::new(sets_of(sample))),
        0x80..0xc0 => match vp9::Frame::read(sample)? {
            vp9::Frame::Key(key) => Config::Head(Arc::new(Head::Vp9(key))),
            vp9::Frame::Other => return None,
        },
        first if first & 0x82 == 0x02 => Config::Head(Arc::new(sequence_of(sample)?)),
        _ => return None,
    };
    config.complete().then_some(config)
}

/// The first sequence header among the OBUs of a sample.
fn sequence_of(sample: &[u8]) -> Option<Head> {
    let mut rest = sample;
    loop {
        let header = ObuHeader::read(rest)?;
        let (unit, next) = rest.split_at_checked(header.length.checked_add(header.size?)?)?;
        if header.kind == SEQUENCE_HEADER {
            let sequence = Sequence::read(&unit[header.length..])?;
            return Some(Head::Av1 { unit: unit.to_vec(), sequence });
        }
        rest = next;
    }
}
