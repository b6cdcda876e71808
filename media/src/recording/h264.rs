//! H.264 out of RTP packets (RFC 6184) into samples of an MP4 (ISO/IEC 14496-15).

use std::sync::Arc;

use crate::feed::h264::keep;
use crate::rtp::{Codec, PictureSize, inspect};
use crate::stream::Packet;

const IDR: u8 = 5;
const REMARK: u8 = 6;
const SPS: u8 = 7;
const PPS: u8 = 8;
const DELIMITER: u8 = 9;
const FILLER: u8 = 12;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// A frame is not larger than this. What claims to be is given up.
const LARGEST: usize = 16 << 20;

/// The parameter sets of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sets {
    pub(crate) sequence: Vec<Vec<u8>>,
    pub(crate) picture: Vec<Vec<u8>>,
}

impl Sets {
    /// Whether a decoder can begin with them.
    pub(crate) fn complete(&self) -> bool {
        !self.sequence.is_empty() && !self.picture.is_empty()
    }

    /// Takes a set; what is none is passed over.
    pub(crate) fn take(&mut self, unit: &[u8]) {
        match unit.first().map(|header| header & 0x1f) {
            Some(SPS) if unit.len() > 4 => keep(&mut self.sequence, unit),
            Some(PPS) => keep(&mut self.picture, unit),
            _ => {}
        }
    }

    pub(crate) fn size(&self) -> Option<PictureSize> {
        self.sequence.last().and_then(|set| inspect(Codec::H264, set).size)
    }

    fn units(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.sequence.iter().chain(&self.picture)
    }
}

/// A frame that is whole.
#[derive(Debug)]
pub(super) struct Whole {
    /// Of its packets.
    pub(super) timestamp: u32,
    pub(super) key: bool,
    /// Units with their lengths before them; a key frame begins with its parameter sets.
    pub(super) data: Vec<u8>,
    /// The parameter sets of a key frame.
    pub(super) sets: Option<Arc<Sets>>,
}

/// Puts frames together. Packets come in order; what is missing is said.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    sets: Sets,
    timestamp: Option<u32>,
    data: Vec<u8>,
    fragment: Option<Vec<u8>>,
    key: bool,
    /// There is a slice in it.
    picture: bool,
    /// It came with parameter sets.
    fresh: bool,
    broken: bool,
}

impl Assembler {
    /// The packets before the next one are missing.
    pub(super) fn gap(&mut self) {
        // What is missing may be the end of this frame, or the beginning of the next one.
        self.broken = true;
        self.fragment = None;
    }

    /// Takes a packet. Gives back the frames that are whole with it: the one before, where its end
    /// was not marked, and its own.
    pub(super) fn push(&mut self, packet: &Packet, whole: &mut impl FnMut(Option<Whole>)) {
        if self.timestamp.is_some_and(|timestamp| timestamp != packet.timestamp) {
            let broken = self.broken;
            self.finish(whole);
            // The gap may reach into this one; only its own first packet would tell.
            self.broken = broken;
        }
        if self.timestamp.is_none() {
            self.broken &= !begins(&packet.payload);
        }
        self.timestamp = Some(packet.timestamp);
        self.payload(&packet.payload);
        if packet.marker {
            self.finish(whole);
        }
    }

    /// Ends the frame under way. None is one that cannot be used.
    fn finish(&mut self, whole: &mut impl FnMut(Option<Whole>)) {
        let broken = std::mem::take(&mut self.broken) || self.fragment.take().is_some();
        let (key, fresh) = (std::mem::take(&mut self.key), std::mem::take(&mut self.fresh));
        let (picture, data) = (std::mem::take(&mut self.picture), std::mem::take(&mut self.data));
        let Some(timestamp) = self.timestamp.take() else { return };
        if broken || (key && !self.sets.complete()) {
            return whole(None);
        }
        if !picture {
            return; // parameter sets or remarks alone
        }
        let mut all = Vec::new();
        if key || fresh {
            self.sets.units().for_each(|unit| append(&mut all, unit));
        }
        if all.is_empty() {
            all = data;
        } else {
            all.extend_from_slice(&data);
        }
        let sets = key.then(|| Arc::new(self.sets.clone()));
        whole(Some(Whole { timestamp, key, data: all, sets }));
    }

    fn payload(&mut self, payload: &[u8]) {
        let Some((header, body)) = payload.split_first() else { return };
        match header & 0x1f {
            1..=23 => self.unit(payload),
            STAP_A => {
                let mut rest = body;
                while let [high, low, tail @ ..] = rest {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    let Some(unit) = tail.get(..length) else {
                        self.broken = true;
                        return;
                    };
                    self.unit(unit);
                    rest = &tail[length..];
                }
            }
            FU_A => self.part(*header, body),
            // Interleaved modes are never agreed on.
            _ => self.broken = true,
        }
    }

    fn part(&mut self, header: u8, body: &[u8]) {
        let Some((fu, part)) = body.split_first() else { return };
        if fu & 0x80 != 0 {
            self.fragment = Some(vec![header & 0xe0 | fu & 0x1f]);
        }
        let Some(unit) = &mut self.fragment else {
            self.broken = true;
            return;
        };
        unit.extend_from_slice(part);
        if unit.len() > LARGEST {
            self.broken = true;
            self.fragment = None;
        } else if fu & 0x40 != 0
            && let Some(unit) = self.fragment.take()
        {
            self.unit(&unit);
        }
    }

    fn unit(&mut self, unit: &[u8]) {
        let Some(header) = unit.first() else { return };
        match header & 0x1f {
            SPS | PPS => {
                self.sets.take(unit);
                self.fresh = true;
            }
            DELIMITER | FILLER => {}
            kind => {
                self.picture |= (1..=IDR).contains(&kind);
                self.key |= kind == IDR;
                append(&mut self.data, unit);
                self.broken |= self.data.len() > LARGEST;
            }
        }
    }
}

/// Whether a payload is surely the first of its frame: remarks and parameter sets come before all
/// else, and a slice with the first macroblock begins a picture.
fn begins(payload: &[u8]) -> bool {
    let first_slice = |kind: u8, body: &[u8]| {
        matches!(kind, REMARK | SPS | DELIMITER)
            || (matches!(kind, 1 | IDR) && body.first().is_some_and(|byte| byte & 0x80 != 0))
    };
    match payload {
        [header, rest @ ..] if header & 0x1f == STAP_A => match rest {
            [_, _, unit, body @ ..] => first_slice(unit & 0x1f, body),
            _ => false,
        },
        [header, fu, body @ ..] if header & 0x1f == FU_A => {
            fu & 0x80 != 0 && first_slice(fu & 0x1f, body)
        }
        [header, body @ ..] => first_slice(header & 0x1f, body),
        [] => false,
    }
}

fn append(data: &mut Vec<u8>, unit: &[u8]) {
    // Units are bounded far below that.
    data.extend_from_slice(&(unit.len() as u32).to_be_bytes());
    data.extend_from_slice(unit);
}

/// The parameter sets that a sample begins with.
pub(super) fn sets_of(sample: &[u8]) -> Sets {
    let mut sets = Sets::default();
    let mut rest = sample;
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some(unit) = tail.get(..length) else { break };
        if !unit.first().is_some_and(|header| matches!(header & 0x1f, SPS | PPS)) {
            break;
        }
        sets.take(unit);
        rest = &tail[length..];
    }
    sets
}
