//! One picture's packets into those of another, frame by frame.

use std::time::Instant;

use crate::picture::{Encoding, PictureTrack, Seen};
use crate::rtp::{Codec, Kind, colours, is_later};
use crate::stream::Packet;

use super::remaker::Remaker;
use super::times::Times;
use super::{Convert, Counted, Pictures, TranscodeRefusal};

/// Key frames of which no picture came, after which none is expected any more.
const HOPELESS: u32 = 5;

/// Converts one picture that is decoded here. Time is an argument.
pub(crate) struct Converter {
    track: PictureTrack,
    remaker: Remaker,
    times: Times,
    /// Only pictures that are later are encoded; none while none is.
    after: Option<u32>,
    /// Key frames since the last picture, and the last of them.
    keys: u32,
    key: Option<u32>,
    /// A picture was decoded.
    sees: bool,
    missed: u64,
}

impl Converter {
    /// One that decodes, and encodes nothing before [`Convert::begin`].
    pub(crate) fn new(aim: Encoding) -> Self {
        Self {
            track: PictureTrack::default(),
            remaker: Remaker::new(aim),
            times: Times::default(),
            after: None,
            keys: 0,
            key: None,
            sees: false,
            missed: 0,
        }
    }

    fn convert(&mut self, now: Instant, seen: Vec<Seen>) -> Pictures {
        if !seen.is_empty() {
            (self.keys, self.sees) = (0, true);
        }
        if self.keys > HOPELESS {
            return Err(TranscodeRefusal::Undecodable);
        }
        let mut made = Vec::with_capacity(seen.len());
        for one in seen {
            let Some(after) = self.after else { continue };
            if is_later(one.timestamp, after) {
                made.extend(self.encode(now, &one)?);
            } else {
                // Those of before it began are the publisher's own. Later ones come in another
                // order than they are shown in where the decoder has just begun.
                self.missed += u64::from(self.remaker.frames > 0);
            }
        }
        Ok(made)
    }

    fn encode(
        &mut self,
        now: Instant,
        seen: &Seen,
    ) -> Result<Option<Vec<Packet>>, TranscodeRefusal> {
        let captured = self.times.captured(seen.timestamp).unwrap_or(seen.captured);
        let packets = self.remaker.encode(now, &seen.planes, (seen.timestamp, captured))?;
        if packets.is_some() {
            self.after = Some(seen.timestamp);
        }
        Ok(packets)
    }
}

impl Convert for Converter {
    fn begin(&mut self, after: u32) {
        self.after.get_or_insert(after);
    }

    fn has_begun(&self) -> bool {
        self.after.is_some()
    }

    fn sees(&self) -> bool {
        self.sees
    }

    fn waits(&self) -> bool {
        self.track.waits()
    }

    fn gap(&mut self) {
        if self.has_begun() {
            self.missed += self.track.held();
        }
        self.track.publish();
    }

    fn want_key(&mut self, now: Instant) {
        self.remaker.want_key(now);
    }

    fn aim(&mut self, encoding: Encoding) {
        self.remaker.aim(encoding);
    }

    fn counted(&self) -> Counted {
        let missed = self.missed + self.remaker.missed;
        Counted { frames: self.remaker.frames, missed, lost: self.track.lost() }
    }

    fn packet(&mut self, now: Instant, packet: &Packet) -> Pictures {
        if packet.codec.kind() != Kind::Video {
            return Ok(Vec::new());
        }
        if packet.codec != Codec::H264 {
            return Err(TranscodeRefusal::Codec(packet.codec));
        }
        if packet.inspection.parameters
            && let Some(said) = colours(packet.codec, &packet.payload)
        {
            self.remaker.colours(said);
        }
        if packet.inspection.key && self.key.replace(packet.timestamp) != Some(packet.timestamp) {
            self.keys += 1;
        }
        self.times.note(packet);
        let seen = self.track.packet(now, packet);
        self.convert(now, seen)
    }

    fn tick(&mut self, now: Instant) -> Pictures {
        let seen = self.track.tick(now);
        self.convert(now, seen)
    }
}
