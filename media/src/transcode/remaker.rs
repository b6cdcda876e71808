//! Decoded pictures into the packets of another picture.

use std::time::Instant;

use crate::feed::{Cutter, Moment};
use crate::picture::{Encoder, Encoding, Planes};
use crate::rtp::Colours;
use crate::stream::{KeyframeRequests, Packet};

use super::TranscodeRefusal;

/// A key frame comes after so many ticks, whoever asks or not.
const KEY_EVERY: u32 = 2 * 90_000;

/// Encodes pictures, each under the time that its frame had.
pub(super) struct Remaker {
    colours: Colours,
    /// How it is to be encoded from the next key frame on.
    aim: Encoding,
    opened: Option<Opened>,
    cutter: Cutter,
    last_key: Option<u32>,
    wishes: KeyframeRequests,
    /// Pictures that were encoded, and those that were not.
    pub(super) frames: u64,
    pub(super) missed: u64,
}

struct Opened {
    encoder: Encoder,
    encoding: Encoding,
    colours: Colours,
}

impl Remaker {
    pub(super) fn new(aim: Encoding) -> Self {
        Self {
            colours: Colours::default(),
            aim,
            opened: None,
            cutter: Cutter::exact(),
            last_key: None,
            wishes: KeyframeRequests::default(),
            frames: 0,
            missed: 0,
        }
    }

    pub(super) fn want_key(&mut self, now: Instant) {
        self.wishes.want(now);
    }

    pub(super) fn aim(&mut self, encoding: Encoding) {
        self.aim = encoding;
    }

    /// How the pictures' numbers are colours, from the next picture on.
    pub(super) fn colours(&mut self, colours: Colours) {
        self.colours = colours;
    }

    /// Encodes a picture; none where the encoder leaves it out.
    ///
    /// # Errors
    /// When the encoder fails.
    pub(super) fn encode(
        &mut self,
        now: Instant,
        planes: &Planes,
        (timestamp, captured): (u32, Instant),
    ) -> Result<Option<Vec<Packet>>, TranscodeRefusal> {
        let due = self
            .last_key
            .is_none_or(|last| timestamp.wrapping_sub(last) >= KEY_EVERY && last != timestamp);
        let key = self.wishes.poll(now) | due;
        let keeps = |opened: &Opened| {
            opened.colours == self.colours && !(key && is_far(opened.encoding, self.aim))
        };
        let opened = match self.opened.take().filter(keeps) {
            Some(opened) => self.opened.insert(opened),
            None => {
                let (encoding, colours) = (self.aim, self.colours);
                let encoder = Encoder::every(encoding, colours).map_err(unencodable)?;
                self.opened.insert(Opened { encoder, encoding, colours })
            }
        };
        let frame = opened.encoder.encode(planes, key).map_err(unencodable)?;
        let Some(frame) = frame else {
            self.missed += 1;
            return Ok(None);
        };
        self.frames += 1;
        let packets = self.cutter.frame(&frame, Moment { ticks: i64::from(timestamp), captured });
        if packets.iter().any(|packet| packet.inspection.key) {
            self.last_key = Some(timestamp);
            self.wishes.arrived(now);
        }
        Ok(Some(packets))
    }
}

fn unencodable(error: crate::picture::EncodeError) -> TranscodeRefusal {
    tracing::warn!(%error, "a picture is converted no more");
    TranscodeRefusal::Unencodable
}

/// Whether an encoder is to begin anew for another aim: rates are measured, and never the same.
fn is_far(encoding: Encoding, aim: Encoding) -> bool {
    let far = |a: u32, b: u32| u64::from(a.abs_diff(b)) * 4 > u64::from(a);
    far(encoding.rate, aim.rate) || far(encoding.bits, aim.bits)
}
