//! H.264 and H.265 out of RTP packets into samples of an MP4 (ISO/IEC 14496-15).

use std::sync::Arc;

use crate::nal::Aggregate;
use crate::stream::{Packet, Payload};

use super::config::Config;
use super::sample::{Mark, Sample};
use super::sets::Sets;
use super::source::Whole;
use super::syntax::{Access, Carried, Role, Syntax};

/// Bytes of the length before each unit.
const LENGTH: usize = 4;
/// A frame is not larger than this. What claims to be is given up.
const LARGEST: usize = 16 << 20;

/// Puts frames together: units with their lengths before them; a key frame begins with its parameter
/// sets. Packets come in order; what is missing is said.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    sets: Sets,
    timestamp: Option<u32>,
    data: Sample,
    /// Where in it the unit under way begins, with its length before it.
    part: Option<Mark>,
    key: bool,
    skipped: bool,
    /// There is a slice in it.
    picture: bool,
    /// It came with parameter sets.
    fresh: bool,
    broken: bool,
}

impl Assembler {
    /// One of frames of a codec.
    pub(super) fn new(syntax: Syntax) -> Self {
        Self { sets: Sets::new(syntax), ..Self::default() }
    }

    /// The codec of its frames.
    pub(super) fn syntax(&self) -> Syntax {
        self.sets.syntax
    }

    /// The packets before the next one are missing.
    pub(super) fn gap(&mut self) {
        // What is missing may be the end of this frame, or the beginning of the next one.
        self.give_up();
    }

    /// A unit of this frame is missing, or part of it.
    fn give_up(&mut self) {
        self.broken = true;
        if let Some(mark) = self.part.take() {
            self.data.truncate(mark);
        }
    }

    /// Takes a packet. Gives back the frames that are whole with it: the one before, where its end
    /// was not marked, and its own.
    pub(super) fn push(&mut self, packet: Packet, whole: &mut impl FnMut(Option<Whole>)) {
        if self.timestamp.is_some_and(|timestamp| timestamp != packet.timestamp) {
            let broken = self.broken;
            self.finish(whole);
            // The gap may reach into this one; only its own first packet would tell.
            self.broken = broken;
        }
        if self.timestamp.is_none() {
            self.broken &= !self.syntax().begins(&packet.payload);
        }
        self.timestamp = Some(packet.timestamp);
        self.payload(packet.payload);
        if packet.marker {
            self.finish(whole);
        }
    }

    /// Ends the frame under way. None is one that cannot be used.
    fn finish(&mut self, whole: &mut impl FnMut(Option<Whole>)) {
        let broken = std::mem::take(&mut self.broken) || self.part.take().is_some();
        let (key, fresh) = (std::mem::take(&mut self.key), std::mem::take(&mut self.fresh));
        let (picture, skipped) =
            (std::mem::take(&mut self.picture), std::mem::take(&mut self.skipped));
        let mut data = std::mem::take(&mut self.data);
        let Some(timestamp) = self.timestamp.take() else { return };
        if broken || (key && !self.sets.complete()) {
            return whole(None);
        }
        if !picture {
            return; // parameter sets or remarks alone
        }
        if key || fresh {
            let mut all = Sample::default();
            self.sets.units().for_each(|unit| append(&mut all, unit));
            all.append(data);
            data = all;
        }
        let config = key.then(|| Config::Sets(Arc::new(self.sets.clone())));
        whole(Some(Whole { timestamp, key, skipped, data, config }));
    }

    fn payload(&mut self, payload: Payload) {
        if self.data.len() > LARGEST {
            // It is thrown away when it ends, and it may never end.
            self.give_up();
            self.data = Sample::default();
        }
        let carried = self.syntax().payload(&payload);
        if self.part.is_some() && !matches!(carried, Carried::Part { .. } | Carried::Empty) {
            self.give_up(); // the unit under way has no end
        }
        match carried {
            Carried::Unit(_) => self.unit(payload),
            Carried::Aggregate(units) => self.aggregate(&payload, units),
            Carried::Part { begins, ends, header, body } => {
                let before = payload.len() - body.len();
                if begins {
                    self.begin(&header);
                }
                self.part(ends, payload.after(before));
            }
            Carried::Unknown => self.broken = true,
            Carried::Empty => {}
        }
    }

    fn aggregate(&mut self, payload: &Payload, units: &[u8]) {
        let mut taken = 0;
        for unit in Aggregate(units) {
            taken += 2 + unit.len();
            self.unit(payload.part(unit));
        }
        // What is cut short; a single byte behind the last unit is passed over.
        self.broken |= units.len() > taken + 1;
    }

    /// A unit begins that comes in parts.
    fn begin(&mut self, header: &[u8]) {
        if self.part.is_some() {
            self.give_up();
        }
        self.part = Some(self.data.mark());
        self.data.put(&[0; LENGTH]);
        self.data.put(&header[..self.syntax().header()]);
    }

    fn part(&mut self, ends: bool, body: Payload) {
        let Some(mark) = self.part else {
            self.broken = true;
            return;
        };
        self.data.share(body);
        if self.data.len() > LARGEST {
            self.broken = true;
            self.part = None;
        } else if ends {
            self.part = None;
            self.joined(mark);
        }
    }

    /// A unit that came in parts is whole.
    fn joined(&mut self, mark: Mark) {
        let role = self.syntax().role(self.syntax().kind(self.data.own_after(mark)[LENGTH]));
        if matches!(role, Role::Set | Role::Padding) {
            let unit = self.data.copy_after(mark).split_off(LENGTH);
            self.data.truncate(mark);
            return self.unit(unit.into());
        }
        let length = self.data.len_after(mark) - LENGTH;
        // Units are bounded far below that.
        let length = (length as u32).to_be_bytes();
        self.data.own_after(mark)[..LENGTH].copy_from_slice(&length);
        self.note(role);
    }

    fn note(&mut self, role: Role) {
        let Role::Slice(access) = role else { return };
        self.picture = true;
        self.key |= access == Access::Key;
        self.skipped |= access == Access::Skipped;
    }

    fn unit(&mut self, unit: Payload) {
        let Some(first) = unit.first() else { return };
        match self.syntax().role(self.syntax().kind(*first)) {
            Role::Set => {
                self.sets.take(&unit);
                self.fresh = true;
            }
            Role::Padding => {}
            role => {
                self.note(role);
                self.data.put(&length_of(&unit));
                self.data.share(unit);
                self.broken |= self.data.len() > LARGEST;
            }
        }
    }
}

fn append(data: &mut Sample, unit: &[u8]) {
    data.put(&length_of(unit));
    data.put(unit);
}

fn length_of(unit: &[u8]) -> [u8; LENGTH] {
    // Units are bounded far below that.
    (unit.len() as u32).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::rtp::{Codec, inspect};

    const PARTS: [u8; 3] = [0x7c, 0x85, 0x88];

    /// What frames become of payloads, the last of which is marked as the end.
    fn frames(assembler: &mut Assembler, payloads: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut whole = Vec::new();
        for (index, payload) in payloads.iter().enumerate() {
            let packet = packet(payload, index + 1 == payloads.len());
            assembler.push(packet, &mut |frame| whole.push(frame.map(|frame| frame.data.copied())));
        }
        whole
    }

    fn packet(payload: &[u8], marker: bool) -> Packet {
        Packet {
            codec: Codec::H264,
            layer: 0,
            seq: 1,
            timestamp: 1,
            marker,
            inspection: inspect(Codec::H264, payload),
            payload: payload.into(),
            captured: Instant::now(),
        }
    }

    #[test]
    fn units_in_parts_are_joined_and_sets_among_them_are_sets() {
        let mut assembler = Assembler::default();
        let sps: [&[u8]; 2] = [&[0x7c, 0x87, 0x42, 0, 30], &[0x7c, 0x47, 1, 2]];
        let slice: [&[u8]; 3] = [&PARTS, &[0x7c, 0x05, 1, 2], &[0x7c, 0x45, 3]];
        let payloads = [sps[0], sps[1], &[0x68, 9], slice[0], slice[1], slice[2], &[0x06, 5]];
        let whole = frames(&mut assembler, &payloads);
        let sets = [&[0, 0, 0, 6, 0x67, 0x42, 0, 30, 1, 2][..], &[0, 0, 0, 2, 0x68, 9]].concat();
        let units = [&[0, 0, 0, 5, 0x65, 0x88, 1, 2, 3][..], &[0, 0, 0, 2, 0x06, 5]].concat();
        assert_eq!(whole, [Some([sets, units].concat())]);
    }

    #[test]
    fn a_unit_without_an_end_breaks_its_frame_and_no_other() {
        let mut assembler = Assembler::default();
        for other in [&PARTS[..], &[0x41, 0x9a, 1]] {
            let end: &[u8] = &[0x7c, 0x45, 3];
            assert_eq!(frames(&mut assembler, &[&PARTS, &[0x7c, 0x05, 1], other, end]), [None]);
        }
        let whole = frames(&mut assembler, &[&[0x41, 0x9a, 1]]);
        assert_eq!(whole, [Some(vec![0, 0, 0, 3, 0x41, 0x9a, 1])]);
    }

    #[test]
    fn a_frame_without_an_end_is_not_kept() {
        let mut assembler = Assembler::default();
        let units =
            [[&[0x41, 0x9a][..], &[7; 60_000]].concat(), [&PARTS[..], &[7; 60_000]].concat()];
        for unit in units {
            for _ in 0..2 * LARGEST / unit.len() {
                assembler.push(packet(&unit, false), &mut |_| panic!("it has no end"));
                assert!(assembler.data.len() <= LARGEST + 2 * unit.len());
            }
        }
        assert_eq!(frames(&mut assembler, &[&[0x41, 0x9a]]), [None]);
    }
}
