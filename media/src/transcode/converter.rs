//! One picture's packets into those of another, frame by frame.

use std::collections::VecDeque;
use std::time::Instant;

use crate::feed::{Cutter, Moment};
use crate::picture::{Encoder, Encoding, PictureTrack, Seen};
use crate::rtp::{Codec, Colours, Kind, colours, is_later};
use crate::stream::{KeyframeRequests, Packet};

use super::TranscodeRefusal;

/// A key frame comes after so many ticks, whoever asks or not.
const KEY_EVERY: u32 = 2 * 90_000;
/// Key frames of which no picture came, after which none is expected any more.
const HOPELESS: u32 = 5;
/// Frames whose times are kept.
const UNDER_WAY: usize = 64;

/// What became of the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counted {
    /// Pictures that were encoded.
    pub(crate) frames: u64,
    /// Pictures that were decoded, and are not among them.
    pub(crate) missed: u64,
    /// Frames that could not be decoded.
    pub(crate) lost: u64,
}

/// Converts one picture. Time is an argument.
pub(crate) struct Converter {
    track: PictureTrack,
    colours: Colours,
    /// How it is to be encoded from the next key frame on.
    aim: Encoding,
    opened: Option<Opened>,
    cutter: Cutter,
    /// When the last frames were captured, as their publisher's packets say: sound goes by that.
    times: VecDeque<(u32, Instant)>,
    /// Only pictures that are later are encoded; none while none is.
    after: Option<u32>,
    last_key: Option<u32>,
    wishes: KeyframeRequests,
    /// Key frames since the last picture, and the last of them.
    keys: u32,
    key: Option<u32>,
    /// A picture was decoded.
    sees: bool,
    counted: Counted,
}

struct Opened {
    encoder: Encoder,
    encoding: Encoding,
    colours: Colours,
}

impl Converter {
    /// One that decodes, and encodes nothing before [`Converter::begin`].
    pub(crate) fn new(aim: Encoding) -> Self {
        Self {
            track: PictureTrack::default(),
            colours: Colours::default(),
            aim,
            opened: None,
            cutter: Cutter::exact(),
            times: VecDeque::new(),
            after: None,
            last_key: None,
            wishes: KeyframeRequests::default(),
            keys: 0,
            key: None,
            sees: false,
            counted: Counted::default(),
        }
    }

    /// From here on pictures that are later than this timestamp are encoded.
    pub(crate) fn begin(&mut self, after: u32) {
        self.after.get_or_insert(after);
    }

    /// Whether pictures are encoded.
    pub(crate) fn has_begun(&self) -> bool {
        self.after.is_some()
    }

    /// Whether a picture was decoded.
    pub(crate) fn sees(&self) -> bool {
        self.sees
    }

    /// Whether decoding goes on with a key frame alone.
    pub(crate) fn waits(&self) -> bool {
        self.track.waits()
    }

    /// Packets were left out: it goes on with the next key frame.
    pub(crate) fn gap(&mut self) {
        if self.has_begun() {
            self.counted.missed += self.track.held();
        }
        self.track.publish();
    }

    /// A viewer needs a key frame.
    pub(crate) fn want_key(&mut self, now: Instant) {
        self.wishes.want(now);
    }

    /// How it is to be encoded. What is not far from that goes on.
    pub(crate) fn aim(&mut self, encoding: Encoding) {
        self.aim = encoding;
    }

    /// What became of the frames so far.
    pub(crate) fn counted(&self) -> Counted {
        Counted { lost: self.track.lost(), ..self.counted }
    }

    /// Takes a packet, and gives out the packets of each picture that can be shown with it.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(crate) fn packet(
        &mut self,
        now: Instant,
        packet: &Packet,
    ) -> Result<Vec<Vec<Packet>>, TranscodeRefusal> {
        if packet.codec.kind() != Kind::Video {
            return Ok(Vec::new());
        }
        if packet.codec != Codec::H264 {
            return Err(TranscodeRefusal::Codec(packet.codec));
        }
        if packet.inspection.parameters
            && let Some(said) = colours(&packet.payload)
        {
            self.colours = said;
        }
        if packet.inspection.key && self.key.replace(packet.timestamp) != Some(packet.timestamp) {
            self.keys += 1;
        }
        self.note_time(packet);
        let seen = self.track.packet(now, packet);
        self.convert(now, seen)
    }

    /// Gives up what has been missing for too long.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<Vec<Vec<Packet>>, TranscodeRefusal> {
        let seen = self.track.tick(now);
        self.convert(now, seen)
    }

    fn note_time(&mut self, packet: &Packet) {
        if self.times.iter().rev().any(|(known, _)| *known == packet.timestamp) {
            return;
        }
        if self.times.len() == UNDER_WAY {
            self.times.pop_front();
        }
        self.times.push_back((packet.timestamp, packet.captured));
    }

    fn convert(
        &mut self,
        now: Instant,
        seen: Vec<Seen>,
    ) -> Result<Vec<Vec<Packet>>, TranscodeRefusal> {
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
                self.counted.missed += u64::from(self.counted.frames > 0);
            }
        }
        Ok(made)
    }

    fn encode(
        &mut self,
        now: Instant,
        seen: &Seen,
    ) -> Result<Option<Vec<Packet>>, TranscodeRefusal> {
        let due = self.last_key.is_none_or(|last| {
            seen.timestamp.wrapping_sub(last) >= KEY_EVERY && last != seen.timestamp
        });
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
        let frame = opened.encoder.encode(&seen.planes, key).map_err(unencodable)?;
        let Some(frame) = frame else {
            self.counted.missed += 1;
            return Ok(None);
        };
        self.counted.frames += 1;
        self.after = Some(seen.timestamp);
        let time = self.times.iter().find(|(known, _)| *known == seen.timestamp);
        let captured = time.map_or(seen.captured, |(_, captured)| *captured);
        let moment = Moment { ticks: i64::from(seen.timestamp), captured };
        let packets = self.cutter.frame(&frame, moment);
        if packets.iter().any(|packet| packet.inspection.key) {
            self.last_key = Some(seen.timestamp);
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
