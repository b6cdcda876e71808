//! What a payload of H.265 carries (RFC 7798): single units, aggregates and fragments, without
//! decoding order numbers, which are there only where they were agreed on.

use super::frames::{Head, Part};
use crate::nal::h265::{self, AGGREGATE, DELIMITER, FRAGMENT, PPS, SPS, VPS, kind};

/// Whether two bytes are a header of the base layer.
fn is_header(header: [u8; 2]) -> bool {
    // The forbidden bit, the six of the layer, and at least one in the temporal identifier.
    header[0] & 0x81 == 0 && header[1] & 0xf8 == 0 && header[1] & 7 != 0
}

/// The parts of a payload; none if it is no payload of H.265.
pub(super) fn parts(payload: &[u8]) -> Option<Vec<Part<'_>>> {
    let (header, rest) = payload.split_first_chunk::<2>()?;
    if !is_header(*header) || rest.is_empty() {
        return None;
    }
    match kind(header[0]) {
        0..=40 => Some(vec![Part::Unit(payload)]),
        AGGREGATE => aggregate(rest),
        FRAGMENT => {
            let (&second, body) = rest.split_first()?;
            let (begins, ends, kind) = (second & 0x80 != 0, second & 0x40 != 0, second & 0x3f);
            if (begins && ends) || kind > 40 || body.is_empty() {
                return None;
            }
            let head = Head::two([header[0] & 0x81 | kind << 1, header[1]]);
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
        let unit = more.get(..length)?;
        let header = *unit.first_chunk::<2>()?;
        if !is_header(header) || kind(header[0]) > 40 {
            return None;
        }
        parts.push(Part::Unit(unit));
        rest = &more[length..];
    }
    // An aggregate has two units or more (4.4.2), and encoders of today keep to it.
    (parts.len() > 1).then_some(parts)
}

/// Whether a payload surely begins its frame.
pub(super) fn begins_frame(parts: &[Part<'_>]) -> bool {
    matches!(parts.first(), Some(Part::Unit(unit)) if matches!(kind(unit[0]), VPS | DELIMITER))
}

/// Whether decoding may begin with a unit of this first byte.
pub(super) fn is_key(first: u8) -> bool {
    h265::is_key(kind(first))
}

/// Whether a unit is a sequence's parameter set, and whether it is a picture's.
pub(super) fn sets(first: u8) -> (bool, bool) {
    (kind(first) == SPS, kind(first) == PPS)
}

/// Whether a unit's kind is one that is given out.
pub(super) fn is_usual(first: u8) -> bool {
    matches!(kind(first), 0..=9 | 16..=21 | VPS..=40)
}

/// Whether a unit is a parameter set of the whole video or of a sequence.
pub(super) fn is_sequence(unit: &[u8]) -> bool {
    unit.len() > 8 && matches!(kind(unit[0]), VPS | SPS)
}
