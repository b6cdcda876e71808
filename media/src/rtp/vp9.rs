//! VP9 (RFC 9628): key frames and what their headers say.

use super::bits::Bits;
use super::{Colours, Inspection, PictureSize};

/// Frames that a descriptor may name as references (RFC 9628, 4.2).
const MOST_REFERENCES: usize = 3;

pub(super) fn inspect(payload: &[u8]) -> Inspection {
    let Some(descriptor) = Descriptor::read(payload) else { return Inspection::default() };
    if descriptor.inter || !descriptor.begins || descriptor.spatial != 0 {
        return Inspection::default();
    }
    let of_frame = || match Frame::read(payload.get(descriptor.length..)?)? {
        Frame::Key(key) => Some(key.size),
        Frame::Other => None,
    };
    let size = descriptor.size.or_else(of_frame);
    Inspection { key: true, parameters: true, size, ..Inspection::default() }
}

/// What the header of a key frame says of colours, where the payload begins one that is the lowest
/// spatial layer.
pub(super) fn colours(payload: &[u8]) -> Option<Colours> {
    let begins = |descriptor: &Descriptor| descriptor.begins && descriptor.spatial == 0;
    let descriptor = Descriptor::read(payload).filter(begins)?;
    match Frame::read(payload.get(descriptor.length..)?)? {
        Frame::Key(key) => Some(key.colours),
        Frame::Other => None,
    }
}

/// What stands in a payload before the bytes of the frame (RFC 9628, 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// P: the frame needs those before it.
    inter: bool,
    /// B and E: the packet begins the frame of a layer, and ends it.
    pub(crate) begins: bool,
    pub(crate) ends: bool,
    /// SID: the spatial layer, 0 being the lowest, or the only one.
    pub(crate) spatial: u8,
    /// The size of the last, which is the largest, spatial layer, where the scalability structure
    /// tells sizes.
    size: Option<PictureSize>,
    /// Bytes of the descriptor.
    pub(crate) length: usize,
}

impl Descriptor {
    /// That of a payload; none where it is cut short, or names too many references.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let flag = |bit: u8| first & bit != 0;
        let (has_id, inter, layers, flexible) = (flag(0x80), flag(0x40), flag(0x20), flag(0x10));

        let mut at = 1;
        if has_id {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        let mut spatial = 0;
        if layers {
            spatial = payload.get(at)? >> 1 & 7;
            at += if flexible { 1 } else { 2 };
        }
        if inter && flexible {
            at += references(payload.get(at..)?)?;
        }
        let mut size = None;
        if flag(0x02) {
            (at, size) = structure(payload, at)?;
        }
        let (begins, ends) = (flag(0x08), flag(0x04));
        let descriptor = Self { inter, begins, ends, spatial, size, length: at };
        (at <= payload.len()).then_some(descriptor)
    }
}

/// Bytes of the indices of reference frames, each of which says whether another one follows.
fn references(list: &[u8]) -> Option<usize> {
    let last = list.iter().take(MOST_REFERENCES).position(|index| index & 1 == 0)?;
    Some(last + 1)
}

/// The scalability structure: where it ends, and the size of its last (largest)
/// layer when it tells sizes.
fn structure(payload: &[u8], at: usize) -> Option<(usize, Option<PictureSize>)> {
    let head = *payload.get(at)?;
    let layers = usize::from(head >> 5) + 1;
    let mut at = at + 1;
    let mut size = None;
    if head & 0x10 != 0 {
        for _ in 0..layers {
            let [w0, w1, h0, h1] = *payload.get(at..at + 4)?.first_chunk::<4>()?;
            size = Some(PictureSize {
                width: u32::from(u16::from_be_bytes([w0, w1])),
                height: u32::from(u16::from_be_bytes([h0, h1])),
            });
            at += 4;
        }
    }
    if head & 0x08 != 0 {
        let groups = *payload.get(at)?;
        at += 1;
        for _ in 0..groups {
            at += 1 + usize::from(payload.get(at)? >> 2 & 3);
        }
    }
    Some((at, size))
}

/// What the uncompressed header of a frame says (VP9 bitstream, 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    Key(KeyFrame),
    /// Predicted from others, or another one shown again.
    Other,
}

/// The same of a key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyFrame {
    pub(crate) profile: u8,
    /// BitDepth: 8, 10 or 12.
    pub(crate) bit_depth: u8,
    /// subsampling_x and subsampling_y.
    pub(crate) subsampling: [bool; 2],
    /// color_space says the matrix alone; the bitstream has no word for primaries and transfer.
    pub(crate) colours: Colours,
    pub(crate) size: PictureSize,
}

impl Frame {
    /// What a frame is; none where it is none of VP9.
    pub(crate) fn read(frame: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(frame);
        if bits.take(2)? != 2 {
            return None; // frame_marker
        }
        let profile = u8::from(bits.bit()?) | u8::from(bits.bit()?) << 1;
        if profile == 3 {
            bits.bit()?;
        }
        if bits.bit()? || bits.bit()? {
            return Some(Self::Other); // show_existing_frame, frame_type
        }
        bits.skip(2)?; // show_frame, error_resilient_mode
        if bits.take(24)? != 0x49_83_42 {
            return None;
        }
        KeyFrame::read(&mut bits, profile).map(Self::Key)
    }
}

impl KeyFrame {
    /// color_config and frame_size (6.2.2, 6.2.3).
    fn read(bits: &mut Bits<'_>, profile: u8) -> Option<Self> {
        let bit_depth = match profile >= 2 {
            true if bits.bit()? => 12,
            true => 10,
            false => 8,
        };
        let any_subsampling = profile & 1 != 0;
        let color_space = bits.take(3)?;
        let rgb = color_space == 7;
        let full_range = rgb || bits.bit()?;
        let subsampling = match (rgb, any_subsampling) {
            (true, true) => [false; 2],
            (true, false) => return None, // these profiles are 4:2:0 alone
            (false, true) => [bits.bit()?, bits.bit()?],
            (false, false) => [true; 2],
        };
        if any_subsampling {
            bits.bit()?;
        }
        let colours = Colours { full_range, matrix: matrix_of(color_space), ..Colours::default() };
        let size = PictureSize { width: bits.take(16)? + 1, height: bits.take(16)? + 1 };
        Some(Self { profile, bit_depth, subsampling, colours, size })
    }
}

/// The matrix of a color_space (VP9 bitstream, 7.2.2) as ITU-T H.273 counts them.
fn matrix_of(color_space: u32) -> u8 {
    match color_space {
        1 => 5, // BT.601
        2 => 1, // BT.709
        3 => 6, // SMPTE 170M
        4 => 7, // SMPTE 240M
        5 => 9, // BT.2020
        7 => 0, // RGB
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_in_the_structure_or_in_the_frame() {
        let with_structure = [0x8a, 0x01, 0x18, 0x05, 0x00, 0x02, 0xd0, 0x00];
        let found = inspect(&with_structure);
        assert!(found.key);
        assert_eq!(found.size, Some(PictureSize { width: 1280, height: 720 }));

        // frame marker 10, profile 0, key, shown; sync code; color space 1, range 0
        let frame = [0x08, 0x82, 0x49, 0x83, 0x42, 0x20, 0x4f, 0xf0, 0x2c, 0xf0];
        let found = inspect(&frame);
        assert!(found.key);
        assert_eq!(found.size, Some(PictureSize { width: 1280, height: 720 }));
    }

    #[test]
    fn inter_frames_and_upper_layers_are_not_key() {
        assert!(!inspect(&[0x48, 0x82]).key, "inter");
        assert!(!inspect(&[0x00, 0x82]).key, "not the beginning");
        assert!(!inspect(&[0x28, 0x02, 0x00, 0x82]).key, "spatial layer 1");
    }
}
