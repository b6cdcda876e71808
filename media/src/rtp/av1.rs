//! AV1 (RTP payload format of the AOM): key frames and their size.

use super::bits::Bits;
use super::{Inspection, PictureSize};

const SEQUENCE_HEADER: u8 = 1;

pub(super) fn inspect(payload: &[u8]) -> Inspection {
    let Some((&aggregation, rest)) = payload.split_first() else { return Inspection::default() };
    // N: the packet begins a new coded video sequence, hence a key frame.
    if aggregation & 0x08 == 0 {
        return Inspection::default();
    }
    let size = first_element(aggregation, rest).and_then(sequence_header);
    Inspection { key: true, parameters: true, size, ..Inspection::default() }
}

/// The first OBU element, complete or not.
fn first_element(aggregation: u8, rest: &[u8]) -> Option<&[u8]> {
    if aggregation >> 4 & 3 == 1 {
        return Some(rest); // one element without a length
    }
    let (length, at) = leb128(rest)?;
    rest.get(at..at.checked_add(length)?.min(rest.len()))
}

fn leb128(data: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for (index, byte) in data.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// The largest picture of a sequence header OBU (AV1 bitstream, 5.5).
fn sequence_header(obu: &[u8]) -> Option<PictureSize> {
    let header = *obu.first()?;
    if header >> 3 & 0xf != SEQUENCE_HEADER {
        return None;
    }
    let mut at = 1;
    if header & 0x04 != 0 {
        at += 1;
    }
    if header & 0x02 != 0 {
        at += leb128(obu.get(at..)?)?.1;
    }
    let mut bits = Bits::new(obu.get(at..)?);
    bits.skip(4)?; // profile, still picture
    if bits.bit()? {
        bits.skip(5)?; // reduced still picture header: the level alone
    } else {
        skip_operating_points(&mut bits)?;
    }
    let width_bits = bits.take(4)? + 1;
    let height_bits = bits.take(4)? + 1;
    Some(PictureSize { width: bits.take(width_bits)? + 1, height: bits.take(height_bits)? + 1 })
}

fn skip_operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if bits.bit()? {
        bits.skip(64)?; // num_units_in_display_tick, time_scale
        if bits.bit()? {
            bits.ue()?; // num_ticks_per_picture_minus_1
        }
        if bits.bit()? {
            delay_bits = Some(bits.take(5)? + 1);
            bits.skip(42)?;
        }
    }
    let initial_delay = bits.bit()?;
    for _ in 0..=bits.take(5)? {
        bits.skip(12)?;
        if bits.take(5)? > 7 {
            bits.bit()?; // tier
        }
        if let Some(count) = delay_bits
            && bits.bit()?
        {
            bits.skip(2 * count + 1)?;
        }
        if initial_delay && bits.bit()? {
            bits.skip(4)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_sequence_is_a_key_frame_with_its_size() {
        // W=1, N=1; sequence header of libaom for 1280x720 (profile 0, level 3.1).
        let payload = [0x18, 0x08, 0x00, 0x00, 0x00, 0x2a, 0xa9, 0xff, 0x59, 0xe5, 0x00];
        let found = inspect(&payload);
        assert!(found.key && found.parameters);
    }

    #[test]
    fn a_continuation_is_not() {
        assert!(!inspect(&[0x10, 0x30, 0x00]).key);
        assert!(!inspect(&[]).key);
    }

    #[test]
    fn the_size_is_read() {
        // profile 0, no timing, no delay, one point: idc 0, level 5, size bits 11+10.
        let mut bits = String::new();
        for part in ["000", "0", "0", "0", "0", "00000", "000000000000", "00101", "1010", "1001"] {
            bits.push_str(part);
        }
        bits.push_str(&format!("{:011b}{:010b}", 1279, 719));
        while !bits.len().is_multiple_of(8) {
            bits.push('0');
        }
        let mut payload = vec![0x18, 0x08];
        for byte in bits.as_bytes().chunks(8) {
            payload.push(u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap());
        }
        assert_eq!(inspect(&payload).size, Some(PictureSize { width: 1280, height: 720 }));
    }
}
