//! VP9 (RFC 9628): key frames and their size.

use super::bits::Bits;
use super::{Inspection, PictureSize};

pub(super) fn inspect(payload: &[u8]) -> Inspection {
    read(payload).unwrap_or_default()
}

fn read(payload: &[u8]) -> Option<Inspection> {
    let first = *payload.first()?;
    let flag = |bit: u8| first & bit != 0;
    let (has_id, inter, layers, flexible) = (flag(0x80), flag(0x40), flag(0x20), flag(0x10));
    let (begins, has_structure) = (flag(0x08), flag(0x02));

    let mut at = 1;
    if has_id {
        at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
    }
    let mut spatial = 0;
    if layers {
        spatial = payload.get(at)? >> 1 & 7;
        at += if flexible { 1 } else { 2 };
    }
    let key = !inter && begins && spatial == 0;
    if !key {
        return Some(Inspection::default());
    }
    if has_structure {
        let (next, size) = structure(payload, at)?;
        if size.is_some() {
            return Some(Inspection { key, parameters: true, size, ..Inspection::default() });
        }
        at = next;
    }
    let size = payload.get(at..).and_then(frame_size);
    Some(Inspection { key, parameters: true, size, ..Inspection::default() })
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

/// The size in the uncompressed header of a key frame (VP9 bitstream, 6.2).
fn frame_size(frame: &[u8]) -> Option<PictureSize> {
    let mut bits = Bits::new(frame);
    if bits.take(2)? != 2 {
        return None;
    }
    let profile = u32::from(bits.bit()?) | u32::from(bits.bit()?) << 1;
    if profile == 3 {
        bits.bit()?;
    }
    if bits.bit()? || bits.bit()? {
        return None; // an existing frame is shown again, or this is no key frame
    }
    bits.skip(2)?; // show_frame, error_resilient_mode
    if bits.take(24)? != 0x49_83_42 {
        return None;
    }
    if profile >= 2 {
        bits.bit()?; // ten or twelve bits
    }
    let color_space = bits.take(3)?;
    if color_space == 7 {
        if profile == 1 || profile == 3 {
            bits.bit()?;
        }
    } else {
        bits.bit()?; // color range
        if profile == 1 || profile == 3 {
            bits.skip(3)?;
        }
    }
    Some(PictureSize { width: bits.take(16)? + 1, height: bits.take(16)? + 1 })
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
