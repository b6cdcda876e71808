//! NAL units of H.264 and H.265: their kinds, and those of the payloads that carry several or a part
//! of one.

/// Parameter sets of a kind that are kept; a stream has one of each, seldom two.
const SETS: usize = 8;

/// Keeps a parameter set in place of the one that has its number.
pub(crate) fn keep(sets: &mut Vec<Vec<u8>>, unit: &[u8], number: fn(&[u8]) -> u32) {
    let its = number(unit);
    sets.retain(|set| number(set) != its);
    if sets.len() >= SETS {
        sets.remove(0);
    }
    sets.push(unit.to_vec());
}

/// The units of an aggregate (RFC 6184, 5.7.1; RFC 7798, 4.4.2), behind its header; up to what is
/// cut short.
pub(crate) struct Aggregate<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Aggregate<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let unit = rest.get(..length)?;
        self.0 = &rest[length..];
        Some(unit)
    }
}

/// H.264 (ITU-T H.264, table 7-1; RFC 6184, table 1).
pub(crate) mod h264 {
    pub(crate) const SLICE: u8 = 1;
    pub(crate) const PARTITION_A: u8 = 2;
    pub(crate) const IDR: u8 = 5;
    pub(crate) const SEI: u8 = 6;
    pub(crate) const SPS: u8 = 7;
    pub(crate) const PPS: u8 = 8;
    pub(crate) const DELIMITER: u8 = 9;
    pub(crate) const FILLER: u8 = 12;
    pub(crate) const STAP_A: u8 = 24;
    pub(crate) const FU_A: u8 = 28;
}

/// H.265 (ITU-T H.265, table 7-1; RFC 7798, 4.4).
pub(crate) mod h265 {
    pub(crate) const VPS: u8 = 32;
    pub(crate) const SPS: u8 = 33;
    pub(crate) const PPS: u8 = 34;
    pub(crate) const DELIMITER: u8 = 35;
    pub(crate) const FILLER: u8 = 38;
    pub(crate) const AGGREGATE: u8 = 48;
    pub(crate) const FRAGMENT: u8 = 49;
    /// Bytes of the header of a unit, and of a payload.
    pub(crate) const HEADER: usize = 2;

    /// The kind of a unit or payload with this first byte (ITU-T H.265, 7.3.1.2).
    pub(crate) fn kind(first: u8) -> u8 {
        first >> 1 & 0x3f
    }

    /// Whether decoding may begin with a unit of this kind: BLA, IDR and CRA pictures.
    pub(crate) fn is_key(kind: u8) -> bool {
        (16..=21).contains(&kind)
    }
}
