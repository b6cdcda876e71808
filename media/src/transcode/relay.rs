//! Pictures that another program decoded, encoded here.

use std::time::Instant;

use crate::picture::{Encoding, Seen};
use crate::rtp::{colours, is_later};
use crate::stream::Packet;

use super::outside::OutsideTrack;
use super::remaker::Remaker;
use super::{Counted, Pictures};

/// Encodes what an [`OutsideTrack`] decodes. Time is an argument.
pub(crate) struct Relay {
    remaker: Remaker,
    /// Only pictures that are later are encoded, and what the program had missed by then; none while
    /// none is.
    after: Option<(u32, u64)>,
}

impl Relay {
    /// One for pictures that are to be encoded like this.
    pub(crate) fn new(aim: Encoding) -> Self {
        Self { remaker: Remaker::new(aim), after: None }
    }

    /// From here on pictures that are later than this timestamp are encoded.
    pub(crate) fn begin(&mut self, after: u32, track: &OutsideTrack) {
        self.after.get_or_insert((after, track.missed()));
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.after.is_some()
    }

    pub(crate) fn want_key(&mut self, now: Instant) {
        self.remaker.want_key(now);
    }

    pub(crate) fn aim(&mut self, encoding: Encoding) {
        self.remaker.aim(encoding);
    }

    /// What became of the frames of a track.
    pub(crate) fn counted(&self, track: &OutsideTrack) -> Counted {
        let missed = self.after.map_or(0, |(_, before)| track.missed() - before);
        let missed = missed + self.remaker.missed;
        Counted { frames: self.remaker.frames, missed, lost: track.lost() }
    }

    /// Looks at what a packet of the publisher's says of the colours.
    pub(crate) fn packet(&mut self, packet: &Packet) {
        if packet.inspection.parameters
            && let Some(said) = colours(packet.codec, &packet.payload)
        {
            self.remaker.colours(said);
        }
    }

    /// Encodes what was decoded.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(crate) fn seen(&mut self, now: Instant, seen: Vec<Seen>) -> Pictures {
        let mut made = Vec::with_capacity(seen.len());
        for one in seen {
            let Some((after, _)) = &mut self.after else { continue };
            if !is_later(one.timestamp, *after) {
                continue;
            }
            *after = one.timestamp;
            made.extend(self.remaker.encode(now, &one.planes, (one.timestamp, one.captured))?);
        }
        Ok(made)
    }
}
