//! OBUs out of the payloads of a temporal unit.

use std::sync::Arc;

use crate::recording::Sample;
use crate::rtp::av1::{
    Elements, FRAME, FRAME_HEADER, ObuHeader, PADDING, REDUNDANT_FRAME_HEADER, SEQUENCE_HEADER,
    Sequence, TEMPORAL_DELIMITER, TILE_LIST, of_lowest_layer,
};
use crate::stream::Payload;

use super::Head;
use super::gatherer::LARGEST;

/// A sequence header with all operating points that there can be is shorter.
const LONGEST_SEQUENCE: usize = 512;
/// obu_extension_flag and obu_has_size_field.
const EXTENDED: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// An OBU as far as it has come.
#[derive(Debug, Default)]
struct Obu {
    /// The bytes of its header.
    start: Vec<u8>,
    /// What they say, as soon as all are there.
    header: Option<ObuHeader>,
    body: Sample,
}

impl Obu {
    /// Takes what comes next of it.
    fn take(&mut self, mut bytes: Payload) {
        while self.header.is_none() && self.start.len() < ObuHeader::MOST {
            let Some(byte) = bytes.first() else { return };
            self.start.push(*byte);
            self.header = ObuHeader::read(&self.start);
            bytes = bytes.after(1);
        }
        self.body.share(bytes);
    }

    /// Has a sequence header say nothing of the spatial layers that are left out.
    fn alone(mut self) -> Self {
        let body: Vec<u8> = self.body.pieces().flatten().copied().collect();
        if let Some(body) = of_lowest_layer(&body) {
            self.body = Sample::default();
            self.body.put(&body);
        }
        self
    }

    /// Its header as a file has it: with the size, in as few bytes as it takes.
    fn sized(&self) -> Vec<u8> {
        // Of the header as it came, a size of its own is left out.
        let bytes = 1 + usize::from(self.start.first().is_some_and(|first| first & EXTENDED != 0));
        let mut sized: Vec<u8> = self.start.iter().take(bytes).copied().collect();
        if let Some(first) = sized.first_mut() {
            *first |= HAS_SIZE;
        }
        let mut left = self.body.len();
        while left >= 0x80 {
            sized.push(left as u8 | 0x80); // the lowest seven bits
            left >>= 7;
        }
        sized.push(left as u8);
        sized
    }
}

/// What there was in a temporal unit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// An OBU of it has no end.
    pub(super) cut: bool,
    /// There is a frame in it; whether the first one is a key frame that is shown.
    pub(super) frame: Option<bool>,
    /// It has a sequence header before that.
    sequence: bool,
}

/// A temporal unit under way, and what lasts longer than one.
#[derive(Debug, Default)]
pub(super) struct Unit {
    /// The OBU that goes on in the next packet.
    part: Option<Obu>,
    seen: Seen,
    /// The last sequence header.
    sequence: Option<Arc<Head>>,
}

impl Unit {
    /// A packet is missing: the OBU under way is none.
    pub(super) fn give_up(&mut self) {
        self.part = None;
    }

    /// Ends the temporal unit.
    pub(super) fn end(&mut self) -> Seen {
        let cut = self.part.take().is_some();
        Seen { cut, ..std::mem::take(&mut self.seen) }
    }

    /// What a temporal unit with a frame in it says, if it is a key frame, which gets its sequence
    /// header where it came without. None where there never was one.
    ///
    /// Decoding may begin where the first frame is a key frame that is shown (AV1 bitstream, 7.5).
    pub(super) fn head(&self, seen: Seen, data: &mut Sample) -> Option<Option<Arc<Head>>> {
        if seen.frame != Some(true) {
            return Some(None);
        }
        let head = self.sequence.as_ref()?;
        if let (false, Head::Av1 { unit, .. }) = (seen.sequence, &**head) {
            let frames = std::mem::take(data);
            data.put(unit);
            data.append(frames);
        }
        Some(Some(Arc::clone(head)))
    }

    /// Takes a payload, and puts the OBUs that are whole with it behind `data`. False where there is
    /// something in it that cannot be used.
    pub(super) fn take(&mut self, payload: &Payload, data: &mut Sample) -> bool {
        let mut good = true;
        for element in Elements::of(payload) {
            if element.begins {
                good &= self.part.is_none(); // the OBU under way has no end
                self.part = Some(Obu::default());
            }
            let Some(mut obu) = self.part.take() else {
                good = false; // it goes on, and its beginning is missing
                continue;
            };
            obu.take(payload.part(element.bytes));
            if element.short || obu.body.len() > LARGEST {
                good = false;
            } else if element.ends {
                good &= self.obu(obu, data);
            } else {
                self.part = Some(obu);
            }
        }
        good
    }

    /// An OBU is whole.
    fn obu(&mut self, obu: Obu, data: &mut Sample) -> bool {
        let Some(header) = obu.header else { return obu.start.is_empty() };
        if header.size.is_some_and(|size| size != obu.body.len()) {
            return false;
        }
        // Delimiters and tile lists are to be ignored (RTP payload format, 5), and a file is better
        // without what says nothing new (AV1 binding to ISOBMFF, 2.4).
        let is_dropped = matches!(
            header.kind,
            TEMPORAL_DELIMITER | TILE_LIST | PADDING | REDUNDANT_FRAME_HEADER
        );
        if is_dropped || header.spatial > 0 {
            return true;
        }
        let is_sequence = header.kind == SEQUENCE_HEADER;
        if is_sequence && obu.body.len() > LONGEST_SEQUENCE {
            return false;
        }
        let obu = if is_sequence { obu.alone() } else { obu };
        let start = obu.sized();
        if is_sequence && !self.take_sequence(&start, &obu.body) {
            return false;
        }
        if matches!(header.kind, FRAME | FRAME_HEADER) && self.seen.frame.is_none() {
            self.seen.frame = Some(self.is_shown_key(&obu.body));
        }
        data.put(&start);
        data.append(obu.body);
        true
    }

    /// Keeps a sequence header.
    fn take_sequence(&mut self, start: &[u8], body: &Sample) -> bool {
        let mut unit = start.to_vec();
        body.pieces().for_each(|piece| unit.extend_from_slice(piece));
        let Some(sequence) = Sequence::read(&unit[start.len()..]) else { return false };
        self.seen.sequence |= self.seen.frame.is_none();
        let head = Head::Av1 { unit, sequence };
        if self.sequence.as_deref() != Some(&head) {
            self.sequence = Some(Arc::new(head));
        }
        true
    }

    /// Whether a frame header is that of a key frame that is shown (AV1 bitstream, 5.9.2).
    fn is_shown_key(&self, frame: &Sample) -> bool {
        let reduced = matches!(
            self.sequence.as_deref(),
            Some(Head::Av1 { sequence, .. }) if sequence.reduced
        );
        let first = frame.pieces().flatten().next();
        // show_existing_frame is 0, frame_type is KEY_FRAME, show_frame is 1.
        reduced || first.is_some_and(|byte| byte >> 4 == 0b0001)
    }
}

#[cfg(test)]
impl Unit {
    /// Bytes of the OBU under way.
    pub(super) fn kept(&self) -> usize {
        self.part.as_ref().map_or(0, |obu| obu.body.len())
    }
}
