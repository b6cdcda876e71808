//! Frames of H.264 into RTP payloads (RFC 6184): single units, STAP-A for parameter sets,
//! FU-A for what does not fit.

use super::annexb;
use super::cutter::Cut;
use crate::nal::h264::{DELIMITER, FILLER, FU_A, IDR, PPS, SPS, STAP_A};
use crate::nal::keep;
use crate::stream::Payload;

/// The most bytes of a payload: with all headers, what every network carries.
pub(crate) const MOST: usize = 1200;

/// Cuts frames up, and puts the parameter sets before each key frame.
#[derive(Debug, Default)]
pub(crate) struct Packetiser {
    /// The sets as they came last, each kind and content once.
    sequence: Vec<Vec<u8>>,
    picture: Vec<Vec<u8>>,
    cut: Cut,
}

impl Packetiser {
    /// Whether a decoder could begin: there are parameter sets.
    pub(crate) fn has_parameters(&self) -> bool {
        !self.sequence.is_empty() && !self.picture.is_empty()
    }

    /// The payloads of a frame. The first of a key frame has the parameter sets, whether the
    /// frame came with them or not.
    pub(crate) fn frame(&mut self, bytes: &[u8]) -> Vec<Payload> {
        let mut cut = std::mem::take(&mut self.cut);
        let (mut fresh, mut told) = (false, false);
        for unit in annexb::units(bytes) {
            match unit[0] & 0x1f {
                DELIMITER | FILLER => {}
                SPS => {
                    fresh = true;
                    keep(&mut self.sequence, unit, number);
                }
                PPS => {
                    fresh = true;
                    keep(&mut self.picture, unit, number);
                }
                kind => {
                    if !told && (kind == IDR || (fresh && kind < IDR)) {
                        self.tell(&mut cut);
                        told = true;
                    }
                    put(&mut cut, unit);
                }
            }
        }
        if fresh && !told {
            // Sets alone: they go with the next frame.
            self.tell(&mut cut);
        }
        let payloads = cut.take();
        self.cut = cut;
        payloads
    }

    fn tell(&self, cut: &mut Cut) {
        let sets: Vec<&[u8]> =
            self.sequence.iter().chain(&self.picture).map(Vec::as_slice).collect();
        let size: usize = 1 + sets.iter().map(|set| 2 + set.len()).sum::<usize>();
        if sets.len() < 2 || size > MOST {
            return sets.into_iter().for_each(|set| put(cut, set));
        }
        let importance = sets.iter().map(|set| set[0] & 0x60).max().unwrap_or(0);
        let mut payload = Vec::with_capacity(size);
        payload.push(importance | STAP_A);
        for set in sets {
            payload.extend_from_slice(&(set.len() as u16).to_be_bytes());
            payload.extend_from_slice(set);
        }
        cut.put(&[&payload]);
    }
}

/// The number of a parameter set (7.4.2): an Exp-Golomb code, at the beginning of a picture's set
/// and after three bytes of a sequence's. All of the large ones are taken for one.
pub(crate) fn number(unit: &[u8]) -> u32 {
    let at = if unit[0] & 0x1f == SPS { 4 } else { 1 };
    let bytes = unit.get(at..).unwrap_or_default();
    let mut word = [0; 4];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    let word = u32::from_be_bytes(word);
    let zeros = word.leading_zeros();
    if zeros > 8 {
        return u32::MAX;
    }
    (word >> (31 - 2 * zeros)) - 1
}

/// A unit as it is, or in fragments of equal size.
fn put(cut: &mut Cut, unit: &[u8]) {
    if unit.len() <= MOST {
        return cut.put(&[unit]);
    }
    let (header, body) = (unit[0], &unit[1..]);
    let count = body.len().div_ceil(MOST - 2);
    let size = body.len().div_ceil(count);
    for (number, part) in body.chunks(size).enumerate() {
        let begins = if number == 0 { 0x80 } else { 0 };
        let ends = if number + 1 == body.len().div_ceil(size) { 0x40 } else { 0 };
        cut.put(&[&[header & 0xe0 | FU_A, begins | ends | header & 0x1f], part]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rtp::{Codec, inspect};

    const SPS_UNIT: [u8; 25] = [
        0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x6a, 0x02, 0x02, 0x02, 0x80,
        0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x47, 0x8c,
    ];
    const PPS_UNIT: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

    fn stream(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
    }

    /// Puts payloads together again, as a receiver does.
    fn unpacked(payloads: &[Payload]) -> Vec<Vec<u8>> {
        let mut units: Vec<Vec<u8>> = Vec::new();
        for payload in payloads {
            assert!(payload.len() <= MOST);
            match payload[0] & 0x1f {
                STAP_A => {
                    let mut rest = &payload[1..];
                    while let [a, b, tail @ ..] = rest {
                        let length = usize::from(u16::from_be_bytes([*a, *b]));
                        units.push(tail[..length].to_vec());
                        rest = &tail[length..];
                    }
                }
                FU_A => {
                    if payload[1] & 0x80 != 0 {
                        units.push(vec![payload[0] & 0xe0 | payload[1] & 0x1f]);
                    }
                    units.last_mut().unwrap().extend_from_slice(&payload[2..]);
                }
                _ => units.push(payload.to_vec()),
            }
        }
        units
    }

    #[test]
    fn every_key_frame_has_its_parameter_sets() {
        let mut packetiser = Packetiser::default();
        assert!(!packetiser.has_parameters());
        let idr = [0x65, 0x88, 1];
        let first = packetiser.frame(&stream(&[&[9, 0xf0], &SPS_UNIT, &PPS_UNIT, &[6, 1], &idr]));
        assert_eq!(
            unpacked(&first),
            [&[6, 1][..], &SPS_UNIT, &PPS_UNIT, &idr],
            "the delimiter is gone"
        );
        let next = packetiser.frame(&stream(&[&[9, 0xf0], &idr]));
        assert_eq!(unpacked(&next), [&SPS_UNIT[..], &PPS_UNIT, &idr], "they were kept");
        assert!(inspect(Codec::H264, &next[0]).parameters);
        let other = packetiser.frame(&stream(&[&[0x41, 0x9a, 3]]));
        assert_eq!(unpacked(&other), [[0x41, 0x9a, 3]]);
    }

    #[test]
    fn sets_are_replaced_by_their_number() {
        let mut packetiser = Packetiser::default();
        let other = [0x67, 0x64, 0, 0x28, 0xac, 7];
        let idr = [0x65, 0x88];
        packetiser.frame(&stream(&[&SPS_UNIT, &PPS_UNIT, &idr]));
        let changed = packetiser.frame(&stream(&[&other, &PPS_UNIT, &idr]));
        assert_eq!(unpacked(&changed), [&other[..], &PPS_UNIT, &idr]);
        // Number 1 (010) beside number 0 (1).
        let second = [0x68, 0x4e, 0x3c];
        let both = packetiser.frame(&stream(&[&second, &idr]));
        assert_eq!(unpacked(&both), [&other[..], &PPS_UNIT, &second, &idr]);
    }

    proptest! {
        #[test]
        fn frames_come_back(
            sizes in proptest::collection::vec(1..6000usize, 1..5),
            slices in any::<bool>(),
        ) {
            let kind = if slices { 0x41 } else { 0x65 };
            let units: Vec<Vec<u8>> =
                sizes.iter().map(|n| std::iter::once(kind).chain(vec![7; *n]).collect()).collect();
            let bytes = stream(&units.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let payloads = Packetiser::default().frame(&bytes);
            prop_assert_eq!(unpacked(&payloads), units);
        }

        #[test]
        fn nothing_is_too_strange(bytes in proptest::collection::vec(0..12u8, 0..400)) {
            let mut packetiser = Packetiser::default();
            packetiser.frame(&bytes);
            packetiser.frame(&bytes);
        }
    }
}
