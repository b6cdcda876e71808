//! A H.264 stream without a picture: parameter sets of a real 1280x720 baseline
//! stream, and slices whose headers are right and whose macroblocks are noise.
//! Servers look at no more than that. And the other way round: where a key frame
//! begins (RFC 6184).

use crate::marker;

/// NAL unit types (RFC 6184, 5.2).
const SLICE: u8 = 1;
pub(crate) const IDR: u8 = 5;
pub(crate) const SPS: u8 = 7;
pub(crate) const PPS: u8 = 8;
pub(crate) const DELIMITER: u8 = 9;
pub(crate) const FILLER: u8 = 12;
const STAP_A: u8 = 24;
pub(crate) const FU_A: u8 = 28;

/// Writes the bits of a parameter set or slice header.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u8,
}

impl Bits {
    fn put(&mut self, value: u32, count: u8) {
        for bit in (0..count).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// An Exp-Golomb number (H.264, 9.1).
    fn golomb(&mut self, value: u32) {
        let length = (value + 1).ilog2() as u8;
        self.put(0, length);
        self.put(value + 1, length + 1);
    }
}

/// A sequence parameter set: constrained baseline, level 3.1, 1280x720, output in
/// coding order.
pub(crate) fn sps() -> Vec<u8> {
    let mut bits = Bits::default();
    for byte in [0x60 | SPS, 0x42, 0xe0, 31] {
        bits.put(byte.into(), 8);
    }
    // Id, log2_max_frame_num - 4, pic_order_cnt_type, max_num_ref_frames.
    for value in [0, 0, 2, 1] {
        bits.golomb(value);
    }
    bits.put(0, 1);
    bits.golomb(1280 / 16 - 1);
    bits.golomb(720 / 16 - 1);
    // Frames only, direct 8x8 inference; no cropping, no VUI; stop bit.
    bits.put(0b11001, 5);
    bits.bytes
}

/// The picture parameter set to it: CAVLC, one slice group.
pub(crate) fn pps() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0x68, 8);
    bits.golomb(0);
    bits.golomb(0);
    bits.put(0, 2);
    for _ in 0..3 {
        bits.golomb(0);
    }
    bits.put(0, 3);
    for _ in 0..3 {
        bits.golomb(0);
    }
    // Deblocking control, no constrained intra prediction, no redundant pictures; stop bit.
    bits.put(0b1001, 4);
    bits.bytes
}

/// Both parameter sets in one payload.
pub(crate) fn parameter_sets() -> Vec<u8> {
    let mut payload = vec![0x60 | STAP_A];
    for unit in [sps(), pps()] {
        payload.extend_from_slice(&(unit.len() as u16).to_be_bytes());
        payload.extend_from_slice(&unit);
    }
    payload
}

/// The payload of fragment `at` of `count` of a frame, `len` bytes long.
/// `frame` is the number of frames since the last key frame.
pub(crate) fn fragment(
    key: bool,
    frame: u32,
    at: usize,
    count: usize,
    len: usize,
    number: u64,
) -> Vec<u8> {
    let (kind, importance) = if key { (IDR, 0x60) } else { (SLICE, 0x40) };
    let start = if at == 0 { 0x80 } else { 0 };
    let end = if at + 1 == count { 0x40 } else { 0 };
    let mut payload = Vec::with_capacity(len);
    payload.extend_from_slice(&[importance | FU_A, start | end | kind]);
    if at == 0 {
        payload.extend_from_slice(&slice_header(key, frame));
    }
    payload.extend_from_slice(&marker::write(number));
    fill(&mut payload, len, number);
    payload
}

/// Fills up with noise whose bytes are never zero, so that no start code appears.
pub(crate) fn fill(payload: &mut Vec<u8>, len: usize, seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while payload.len() < len {
        // xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        payload.push(state as u8 | 0x40);
    }
}

/// The front of a slice of the whole picture.
fn slice_header(key: bool, frame: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.golomb(0);
    bits.golomb(if key { 7 } else { 5 });
    bits.golomb(0);
    bits.put(if key { 0 } else { frame & 0xf }, 4);
    if key {
        bits.golomb(0);
    }
    // Bits of ones up to the byte's end: no zero byte can come about.
    while bits.used != 0 {
        bits.put(1, 1);
    }
    bits.bytes
}

/// Whether a payload begins a key frame: parameter sets or the start of an IDR.
pub(crate) fn starts_key_frame(payload: &[u8]) -> bool {
    let kind = |byte: &u8| byte & 0x1f;
    match payload.first().map(kind) {
        Some(SPS | IDR) => true,
        Some(STAP_A) => stap(payload).any(|unit| matches!(kind(&unit[0]), SPS | IDR)),
        Some(FU_A) => payload.get(1).is_some_and(|fu| fu & 0x80 != 0 && kind(fu) == IDR),
        _ => false,
    }
}

/// The NAL units of an aggregation packet, none of them empty.
fn stap(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = &payload[1..];
    std::iter::from_fn(move || {
        let (len, units) = rest.split_first_chunk()?;
        let (unit, after) = units.split_at_checked(u16::from_be_bytes(*len).into())?;
        rest = after;
        (!unit.is_empty()).then_some(unit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_exp_golomb() {
        let mut bits = Bits::default();
        // 1, 010, 011, 00100, 0001000.
        for value in [0, 1, 2, 3, 7] {
            bits.golomb(value);
        }
        assert_eq!(bits.bytes, [0b1010_0110, 0b0100_0001, 0b0000_0000]);
    }

    #[test]
    fn the_parameter_sets_are_well_formed() {
        // Profile, level, and a set without two zero bytes in a row.
        assert_eq!(sps()[..4], [0x67, 0x42, 0xe0, 0x1f]);
        for unit in [sps(), pps()] {
            assert!(unit.windows(2).all(|pair| pair != [0, 0]), "{unit:x?}");
            assert_ne!(unit.last(), Some(&0));
        }
    }

    #[test]
    fn key_frames_are_recognised() {
        assert!(starts_key_frame(&parameter_sets()));
        assert!(starts_key_frame(&fragment(true, 0, 0, 3, 100, 5)));
        assert!(!starts_key_frame(&fragment(true, 0, 1, 3, 100, 5)));
        assert!(!starts_key_frame(&fragment(false, 1, 0, 3, 100, 5)));
        assert!(starts_key_frame(&[0x67, 0x42]) && starts_key_frame(&[0x65, 0x88]));
        for broken in [&[][..], &[24], &[24, 0, 9, 0x67], &[24, 0, 0], &[28]] {
            assert!(!starts_key_frame(broken), "{broken:x?}");
        }
    }

    #[test]
    fn fragments_have_the_length_asked_for_and_a_mark() {
        for key in [true, false] {
            let payload = fragment(key, 3, 0, 9, 1146, 77);
            assert_eq!(payload.len(), 1146);
            assert_eq!(marker::read(&payload), Some(77));
            assert!(payload[2..].windows(2).all(|pair| pair != [0, 0]));
        }
        assert_eq!(fragment(false, 1, 8, 9, 50, 1)[1] & 0xc0, 0x40, "the last one");
    }
}
