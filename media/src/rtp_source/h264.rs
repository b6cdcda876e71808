//! What a payload of H.264 carries (RFC 6184): single units, STAP-A and FU-A, which is what
//! packetization modes 0 and 1 have.

use super::frames::{Head, Part};
use crate::nal::h264::{DELIMITER, FU_A, IDR, PPS, SEI, SPS, STAP_A};

/// The parts of a payload; none if it is no payload of H.264.
pub(super) fn parts(payload: &[u8]) -> Option<Vec<Part<'_>>> {
    let (&first, rest) = payload.split_first()?;
    if first & 0x80 != 0 {
        return None;
    }
    match first & 0x1f {
        1..=23 => Some(vec![Part::Unit(payload)]),
        STAP_A => aggregate(rest),
        FU_A => {
            let (&second, body) = rest.split_first()?;
            let (begins, ends) = (second & 0x80 != 0, second & 0x40 != 0);
            // One fragment of everything is no fragment, and the third bit is not used (5.8).
            let is_fragment = !(begins && ends) && second & 0x20 == 0;
            let kind = second & 0x1f;
            if !is_fragment || !(1..=23).contains(&kind) || body.is_empty() {
                return None;
            }
            let head = Head::one(first & 0xe0 | kind);
            Some(vec![Part::Fragment { head, begins, ends, body }])
        }
        _ => None,
    }
}

fn aggregate(mut rest: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (length, more) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let unit = more.get(..length).filter(|unit| !unit.is_empty())?;
        if unit[0] & 0x80 != 0 || !(1..=23).contains(&(unit[0] & 0x1f)) {
            return None;
        }
        parts.push(Part::Unit(unit));
        rest = &more[length..];
    }
    (!parts.is_empty()).then_some(parts)
}

/// Whether a payload surely begins its frame.
pub(super) fn begins_frame(parts: &[Part<'_>]) -> bool {
    matches!(parts.first(), Some(Part::Unit(unit)) if matches!(unit[0] & 0x1f, SPS | DELIMITER))
}

/// Whether decoding may begin with a unit of this first byte.
pub(super) fn is_key(first: u8) -> bool {
    first & 0x1f == IDR
}

/// Whether a unit is a sequence's parameter set, and whether it is a picture's.
pub(super) fn sets(first: u8) -> (bool, bool) {
    (first & 0x1f == SPS, first & 0x1f == PPS)
}

/// Whether a unit can be one of an encoder's of today: no partitions, no extensions, and the
/// importance that its kind must have (ITU-T H.264, 7.4.1).
pub(super) fn is_usual(first: u8) -> bool {
    let important = first & 0x60 != 0;
    match first & 0x1f {
        1 => true,
        IDR | SPS | PPS => important,
        SEI | DELIMITER..=12 => !important,
        _ => false,
    }
}

/// Whether a unit is a sequence's parameter set with a profile that there is.
pub(super) fn is_sequence(unit: &[u8]) -> bool {
    matches!(unit, [first, 44 | 66 | 77 | 83 | 86 | 88 | 100 | 110 | 118 | 122 | 128 | 244, _, level, ..]
        if first & 0x1f == SPS && (9..=62).contains(level))
}
