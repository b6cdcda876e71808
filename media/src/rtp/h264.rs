//! H.264 (RFC 6184): key frames and the sequence parameter set.

use super::bits::{Bits, without_emulation_prevention};
use super::{Colours, Inspection, PictureSize};
use crate::nal::Aggregate;
use crate::nal::h264::{FU_A, IDR, PARTITION_A, PPS, SLICE, SPS, STAP_A};

pub(super) fn inspect(payload: &[u8]) -> Inspection {
    let mut found = Inspection::default();
    let Some(&header) = payload.first() else { return found };
    match header & 0x1f {
        STAP_A => {
            Aggregate(&payload[1..]).for_each(|unit| note(&mut found, unit));
        }
        // Any fragment tells the kind of the whole unit, so that a lost first
        // fragment does not hide a key frame.
        FU_A => {
            let Some(fu) = payload.get(1) else { return found };
            found.key = fu & 0x1f == IDR;
            let begins = fu & 0x80 != 0;
            found.bidirectional = begins && is_bidirectional(fu & 0x1f, &payload[2..]);
        }
        _ => note(&mut found, payload),
    }
    found
}

fn note(found: &mut Inspection, unit: &[u8]) {
    let Some((header, body)) = unit.split_first() else { return };
    match header & 0x1f {
        IDR => found.key = true,
        SPS => {
            found.parameters = true;
            found.size = picture_size(body);
            found.profile = body.first_chunk::<3>().copied();
        }
        PPS => found.parameters = true,
        kind => found.bidirectional |= is_bidirectional(kind, body),
    }
}

/// Whether a slice is one of B macroblocks (ITU-T H.264, 7.4.3: slice_type).
/// Pictures that come out in another order than they are sent have such slices.
fn is_bidirectional(kind: u8, body: &[u8]) -> bool {
    if !matches!(kind, SLICE | PARTITION_A) {
        return false;
    }
    // Two codes of at most 31 bits; 16 bytes hold them with room for emulation
    // prevention.
    let raw = without_emulation_prevention(&body[..body.len().min(16)]);
    let mut bits = Bits::new(&raw);
    let slice_type = bits.ue().and_then(|_first_macroblock| bits.ue());
    matches!(slice_type, Some(1 | 6))
}

/// What the first sequence parameter set in a payload says of colours; none where there is no set.
pub(super) fn colours(payload: &[u8]) -> Option<Colours> {
    let is_set = |unit: &&[u8]| unit.first().is_some_and(|header| header & 0x1f == SPS);
    let set = match payload.first()? & 0x1f {
        STAP_A => Aggregate(&payload[1..]).find(is_set)?,
        _ => Some(payload).filter(is_set)?,
    };
    let raw = without_emulation_prevention(&set[1..]);
    let mut bits = Bits::new(&raw);
    Some(read_size(&mut bits).and_then(|_size| read_colours(&mut bits)).unwrap_or_default())
}

/// The cropped picture size out of a sequence parameter set without its NAL
/// header (ITU-T H.264, 7.3.2.1.1).
fn picture_size(sps: &[u8]) -> Option<PictureSize> {
    read_size(&mut Bits::new(&without_emulation_prevention(sps)))
}

/// What the set says up to its cropping.
fn read_size(bits: &mut Bits<'_>) -> Option<PictureSize> {
    let profile = bits.take(8)?;
    bits.skip(16)?; // constraint flags, level
    bits.ue()?; // seq_parameter_set_id

    let mut chroma_format = 1;
    let mut separate_planes = false;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        chroma_format = bits.ue()?;
        if chroma_format == 3 {
            separate_planes = bits.bit()?;
        }
        bits.ue()?; // bit_depth_luma_minus8
        bits.ue()?; // bit_depth_chroma_minus8
        bits.bit()?; // qpprime_y_zero_transform_bypass_flag
        if bits.bit()? {
            let lists = if chroma_format == 3 { 12 } else { 8 };
            for list in 0..lists {
                if bits.bit()? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.ue()?; // log2_max_frame_num_minus4
    skip_picture_order(bits)?;
    bits.ue()?; // max_num_ref_frames
    bits.bit()?; // gaps_in_frame_num_value_allowed_flag
    let width_mbs = bits.ue()?.checked_add(1)?;
    let height_units = bits.ue()?.checked_add(1)?;
    let frame_mbs_only = bits.bit()?;
    if !frame_mbs_only {
        bits.bit()?; // mb_adaptive_frame_field_flag
    }
    bits.bit()?; // direct_8x8_inference_flag
    let crop = if bits.bit()? { [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?] } else { [0; 4] };

    let fields = if frame_mbs_only { 1 } else { 2 };
    let (unit_x, unit_y) = match (chroma_format, separate_planes) {
        (1, _) => (2, 2),
        (2, _) => (2, 1),
        _ => (1, 1),
    };
    let cropped = |full: u32, first: u32, last: u32, unit: u32| {
        full.checked_sub(first.checked_add(last)?.checked_mul(unit)?)
    };
    let width = cropped(width_mbs.checked_mul(16)?, crop[0], crop[1], unit_x)?;
    let full_height = height_units.checked_mul(16)?.checked_mul(fields)?;
    let height = cropped(full_height, crop[2], crop[3], unit_y * fields)?;
    Some(PictureSize { width, height })
}

/// The colours out of the usability information behind that (ITU-T H.264, E.1.1; as far as here
/// H.265 has the same, E.2.1).
pub(super) fn read_colours(bits: &mut Bits<'_>) -> Option<Colours> {
    const EXTENDED_SAR: u32 = 255;
    if !bits.bit()? {
        return None;
    }
    if bits.bit()? && bits.take(8)? == EXTENDED_SAR {
        bits.skip(32)?;
    }
    if bits.bit()? {
        bits.bit()?; // overscan_appropriate_flag
    }
    if !bits.bit()? {
        return None;
    }
    bits.take(3)?; // video_format
    let full_range = bits.bit()?;
    if !bits.bit()? {
        return Some(Colours { full_range, ..Colours::default() });
    }
    let mut byte = || bits.take(8).map(|value| value as u8);
    let (primaries, transfer, matrix) = (byte()?, byte()?, byte()?);
    Some(Colours { full_range, primaries, transfer, matrix })
}

fn skip_scaling_list(bits: &mut Bits<'_>, size: u32) -> Option<()> {
    let mut last: i64 = 8;
    let mut next: i64 = 8;
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.se()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

fn skip_picture_order(bits: &mut Bits<'_>) -> Option<()> {
    match bits.ue()? {
        0 => {
            bits.ue()?;
        }
        1 => {
            bits.bit()?;
            bits.se()?;
            bits.se()?;
            let cycle = bits.ue()?;
            if cycle > 255 {
                return None;
            }
            for _ in 0..cycle {
                bits.se()?;
            }
        }
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x264, Constrained Baseline, 1280x720.
    const SPS_720P: [u8; 25] = [
        0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x6a, 0x02, 0x02, 0x02, 0x80,
        0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x47, 0x8c,
    ];
    /// x264, High, 1920x1080: cropped from 1088 rows.
    const SPS_1080P: [u8; 26] = [
        0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00,
        0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6,
    ];

    /// Constrained Baseline, 64x64, with an aspect ratio in full, and BT.709 (E.1.1), by hand.
    const SIGNALLED: [u8; 17] = [
        0x67, 0x42, 0xc0, 0x1f, 0xda, 0x10, 0x9b, 0xff, 0x00, 0x01, 0x00, 0x01, 0xf5, 0x01, 0x01,
        0x01, 0x10,
    ];

    #[test]
    fn sizes_are_read_from_parameter_sets() {
        let size = inspect(&SPS_720P).size;
        assert_eq!(size, Some(PictureSize { width: 1280, height: 720 }));
        let size = inspect(&SPS_1080P).size;
        assert_eq!(size, Some(PictureSize { width: 1920, height: 1080 }));
    }

    #[test]
    fn key_frames_in_every_packetisation() {
        assert!(inspect(&[0x65, 0x88]).key, "single unit");
        assert!(!inspect(&[0x41, 0x9a]).key, "single unit, not key");
        assert!(inspect(&[0x7c, 0x85, 0x88]).key, "first fragment");
        assert!(inspect(&[0x7c, 0x05, 0x88]).key, "later fragment");
        assert!(!inspect(&[0x7c, 0x81, 0x9a]).key, "fragment, not key");

        let mut aggregate = vec![0x78, 0, SPS_720P.len() as u8];
        aggregate.extend_from_slice(&SPS_720P);
        aggregate.extend_from_slice(&[0, 2, 0x68, 0xce, 0, 2, 0x65, 0x88]);
        let found = inspect(&aggregate);
        assert!(found.key && found.parameters && found.size.is_some());
    }

    #[test]
    fn slices_of_b_frames_are_seen() {
        // first_mb_in_slice 0 is "1"; slice_type 1 is "010", 6 is "00111", 5 is "00110".
        assert!(inspect(&[0x01, 0b1010_0000]).bidirectional, "B");
        assert!(inspect(&[0x01, 0b1001_1100]).bidirectional, "all B");
        assert!(!inspect(&[0x41, 0b1001_1000]).bidirectional, "all P");
        assert!(!inspect(&[0x41, 0b1100_0000]).bidirectional, "P");
        assert!(!inspect(&[0x65, 0b1010_0000]).bidirectional, "an IDR slice is never B");
        assert!(inspect(&[0x1c, 0x81, 0b1010_0000]).bidirectional, "first fragment");
        assert!(!inspect(&[0x1c, 0x01, 0b1010_0000]).bidirectional, "later fragment");
        assert!(inspect(&[0x78, 0, 2, 0x41, 0xc0, 0, 2, 0x01, 0xa0]).bidirectional, "aggregate");
        assert!(!inspect(&[0x01]).bidirectional);
    }

    #[test]
    fn the_profile_is_read() {
        assert_eq!(inspect(&SPS_720P).profile, Some([0x42, 0xc0, 0x1f]));
        assert_eq!(inspect(&SPS_1080P).profile, Some([0x64, 0x00, 0x28]));
        assert_eq!(inspect(&[0x67, 0x42]).profile, None);
    }

    #[test]
    fn colours_are_read_from_parameter_sets() {
        let hd = Colours { full_range: false, primaries: 1, transfer: 1, matrix: 1 };
        assert_eq!(colours(&SPS_720P), Some(hd));
        assert_eq!(colours(&SPS_1080P), Some(Colours::default()), "nothing is said");
        let aggregate = [&[0x78, 0, 2, 0x68, 0xce, 0, SIGNALLED.len() as u8], &SIGNALLED[..]];
        assert_eq!(colours(&SIGNALLED), Some(hd));
        assert_eq!(colours(&aggregate.concat()), Some(hd));
        assert_eq!(colours(&[0x68, 0xce]), None, "no sequence's set");
        assert_eq!(colours(&[0x67]), Some(Colours::default()), "cut short");
    }

    #[test]
    fn parameter_sets_alone_are_no_key_frame() {
        let found = inspect(&SPS_720P);
        assert!(found.parameters && !found.key);
    }

    #[test]
    fn a_cut_aggregate_is_read_as_far_as_it_goes() {
        assert!(inspect(&[0x78, 0, 2, 0x65, 0x88, 0, 9, 1]).key);
        assert!(!inspect(&[0x78, 0, 9, 0x65]).key);
    }
}
