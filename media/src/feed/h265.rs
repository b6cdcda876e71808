//! Frames of H.265 into RTP payloads (RFC 7798): single units, an aggregate for parameter sets,
//! fragments for what does not fit. Decoding order numbers are not sent: the order is that of sending.

use super::annexb;
use super::cutter::Cut;
use super::h264::MOST;
use crate::nal::h265::{AGGREGATE, DELIMITER, FILLER, FRAGMENT, HEADER, PPS, VPS, is_key, kind};
use crate::nal::keep;
use crate::stream::Payload;

/// Cuts frames up, and puts the parameter sets before each key frame.
#[derive(Debug, Default)]
pub(crate) struct Packetiser {
    /// Of the video, of sequences, of pictures, as they came last.
    sets: [Vec<Vec<u8>>; 3],
    cut: Cut,
}

impl Packetiser {
    /// Whether a decoder could begin: there are parameter sets.
    pub(crate) fn has_parameters(&self) -> bool {
        self.sets.iter().all(|sets| !sets.is_empty())
    }

    /// The payloads of a frame. The first of a key frame has the parameter sets, whether the
    /// frame came with them or not.
    pub(crate) fn frame(&mut self, bytes: &[u8]) -> Vec<Payload> {
        let mut cut = std::mem::take(&mut self.cut);
        let (mut fresh, mut told) = (false, false);
        for unit in annexb::units(bytes).filter(|unit| unit.len() > HEADER) {
            match kind(unit[0]) {
                DELIMITER | FILLER => {}
                kind @ VPS..=PPS => {
                    fresh = true;
                    keep(&mut self.sets[usize::from(kind - VPS)], unit, number);
                }
                kind => {
                    let begins = is_key(kind) || (fresh && kind < 16);
                    if !told && begins {
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
        let sets: Vec<&[u8]> = self.sets.iter().flatten().map(Vec::as_slice).collect();
        let size = HEADER + sets.iter().map(|set| 2 + set.len()).sum::<usize>();
        if sets.len() < 2 || size > MOST {
            return sets.into_iter().for_each(|set| put(cut, set));
        }
        let mut payload = Vec::with_capacity(size);
        payload.extend_from_slice(&header(AGGREGATE, sets[0]));
        for set in sets {
            payload.extend_from_slice(&(set.len() as u16).to_be_bytes());
            payload.extend_from_slice(set);
        }
        cut.put(&[&payload]);
    }
}

/// The header of a payload of this kind: the rest is as in a unit's, which are all of the base
/// layer (4.4.2, 4.4.3).
fn header(kind: u8, unit: &[u8]) -> [u8; HEADER] {
    [unit[0] & 0x81 | kind << 1, unit[1]]
}

/// The number of a parameter set, as far as it stands where it can be read without the rest: of a
/// video's in the first four bits, of a picture's as an Exp-Golomb code. A sequence's stands behind
/// its profile; encoders number one, so that all are taken for the same.
pub(crate) fn number(unit: &[u8]) -> u32 {
    let first = unit.get(HEADER).copied().unwrap_or(0);
    match kind(unit[0]) {
        VPS => u32::from(first >> 4),
        PPS => {
            let zeros = first.leading_zeros();
            // All of the large ones are taken for one.
            if zeros > 3 { u32::MAX } else { u32::from(first) >> (7 - 2 * zeros) }
        }
        _ => 0,
    }
}

/// A unit as it is, or in fragments of equal size.
fn put(cut: &mut Cut, unit: &[u8]) {
    if unit.len() <= MOST {
        return cut.put(&[unit]);
    }
    let body = &unit[HEADER..];
    let count = body.len().div_ceil(MOST - HEADER - 1);
    let size = body.len().div_ceil(count);
    for (number, part) in body.chunks(size).enumerate() {
        let begins = if number == 0 { 0x80 } else { 0 };
        let ends = if number + 1 == body.len().div_ceil(size) { 0x40 } else { 0 };
        cut.put(&[&header(FRAGMENT, unit), &[begins | ends | kind(unit[0])], part]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rtp::{Codec, inspect};

    const VPS_UNIT: [u8; 5] = [0x40, 1, 0x0c, 1, 0xff];
    const SPS_UNIT: [u8; 6] = [0x42, 1, 1, 1, 0x60, 0x90];
    const PPS_UNIT: [u8; 4] = [0x44, 1, 0xc0, 0x73];
    const IDR: [u8; 4] = [0x26, 1, 0xaf, 7];

    fn stream(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
    }

    /// Puts payloads together again, as a receiver does.
    fn unpacked(payloads: &[Payload]) -> Vec<Vec<u8>> {
        let mut units: Vec<Vec<u8>> = Vec::new();
        for payload in payloads {
            assert!(payload.len() <= MOST);
            match kind(payload[0]) {
                AGGREGATE => {
                    let mut rest = &payload[HEADER..];
                    while let [a, b, tail @ ..] = rest {
                        let length = usize::from(u16::from_be_bytes([*a, *b]));
                        units.push(tail[..length].to_vec());
                        rest = &tail[length..];
                    }
                }
                FRAGMENT => {
                    if payload[2] & 0x80 != 0 {
                        let first = payload[0] & 0x81 | (payload[2] & 0x3f) << 1;
                        units.push(vec![first, payload[1]]);
                    }
                    units.last_mut().unwrap().extend_from_slice(&payload[3..]);
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
        let sets = [&VPS_UNIT[..], &SPS_UNIT, &PPS_UNIT];
        let first = packetiser.frame(&stream(&[&[0x46, 1, 0x50], sets[0], sets[1], sets[2], &IDR]));
        assert!(packetiser.has_parameters());
        assert_eq!(unpacked(&first), [sets[0], sets[1], sets[2], &IDR], "the delimiter is gone");
        let next = packetiser.frame(&stream(&[&IDR]));
        assert_eq!(unpacked(&next), [sets[0], sets[1], sets[2], &IDR], "they were kept");
        let found = inspect(Codec::H265, &next[0]);
        assert!(found.parameters && !found.key && inspect(Codec::H265, &next[1]).key);
        let other = packetiser.frame(&stream(&[&[0x02, 1, 0xd0]]));
        assert_eq!(unpacked(&other), [[0x02, 1, 0xd0]]);
    }

    #[test]
    fn sets_are_replaced_by_their_number() {
        let mut packetiser = Packetiser::default();
        packetiser.frame(&stream(&[&VPS_UNIT, &SPS_UNIT, &PPS_UNIT, &IDR]));
        // Number 0 (1) anew, and number 1 (010) beside it.
        let (anew, second) = ([0x44, 1, 0xc1, 9], [0x44, 1, 0x40, 5]);
        let both = packetiser.frame(&stream(&[&anew, &second, &IDR]));
        assert_eq!(unpacked(&both), [&VPS_UNIT[..], &SPS_UNIT, &anew, &second, &IDR]);
    }

    proptest! {
        #[test]
        fn frames_come_back(
            sizes in proptest::collection::vec(1..6000usize, 1..5),
            key in any::<bool>(),
        ) {
            let header = [if key { 0x26 } else { 0x02 }, 1];
            let units: Vec<Vec<u8>> =
                sizes.iter().map(|n| header.into_iter().chain(vec![7; *n]).collect()).collect();
            let bytes = stream(&units.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let payloads = Packetiser::default().frame(&bytes);
            prop_assert_eq!(unpacked(&payloads), units);
            prop_assert!(payloads.iter().all(|one| inspect(Codec::H265, one).key == key));
        }

        #[test]
        fn nothing_is_too_strange(bytes in proptest::collection::vec(0..80u8, 0..400)) {
            let mut packetiser = Packetiser::default();
            packetiser.frame(&bytes);
            packetiser.frame(&bytes);
        }
    }
}
