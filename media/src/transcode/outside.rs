//! A picture that another program decodes: what it is handed, and what becomes of what it gives out.
//!
//! It is handed frames in IVF, each with a time, and gives out pictures, and of each beside them its
//! number and that time. So nothing depends on which frames it can decode and in which order it shows
//! them. Where something is missing the next frame is a key frame, of H.265 behind an end of sequence, so
//! that it shows nothing that refers to what is not there (ITU-T H.265, 8.1.3).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::picture::{Planes, Seen, fits};
use crate::recording::{Next, Order};
use crate::rtp::{Codec, PictureSize};
use crate::rtp_source::Frame;
use crate::stream::Packet;

use super::times::Times;
use super::{Framed, Framer, OutsideCodec, OutsideFault, TranscodeRefusal};

/// An end of sequence (ITU-T H.265, 7.3.1.1: kind 36).
const END_OF_SEQUENCE: [u8; 6] = [0, 0, 0, 1, 0x48, 1];
/// Frames that a decoder may have and has not given out (ITU-T H.265, A.4), and one.
const HELD: usize = 17;
/// Where a frame beyond those has waited for longer than this, the program is too slow, and the
/// picture is left out up to a key frame.
const LATE: Duration = Duration::from_secs(1);
/// It has to start first, and then what was kept for newcomers comes all at once.
const LATE_AT_FIRST: Duration = Duration::from_secs(4);
/// It hangs when for so long nothing came out, and there are more frames than it may keep.
const HANGS: Duration = Duration::from_secs(5);
/// A program is started for another size no sooner than this after the last one.
const PAUSE: Duration = Duration::from_secs(1);
/// Pictures whose numbers did not come yet, and numbers whose pictures did not.
const UNPAIRED: (usize, usize) = (4, 256);
/// The first time that is told is that of its timestamp and this, so that none is below zero.
const EPOCH: i64 = 1 << 40;

/// What is to be done with the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Another one is started, for this codec, and handed this.
    Begin(OutsideCodec, Vec<u8>),
    /// The one that runs is handed this.
    Frame(Vec<u8>),
}

/// What the program says of a picture that it gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Its number, from 0 on.
    pub(crate) number: u64,
    /// The time of its frame; none where it has lost that.
    pub(crate) time: Option<i64>,
}

/// The pictures that a program gave out, or why it is of no use to go on.
pub(crate) type Decoded = Result<Vec<Seen>, TranscodeRefusal>;

/// What a program was started for: it takes nothing else.
#[derive(Debug, Clone, Copy)]
struct Began {
    codec: OutsideCodec,
    size: PictureSize,
    at: Instant,
}

/// Decodes one picture elsewhere. Time is an argument.
#[derive(Debug)]
pub(crate) struct OutsideTrack {
    order: Order,
    /// Of its frames.
    codec: OutsideCodec,
    framer: Framer,
    times: Times,
    /// The last time that was told.
    told: Option<i64>,
    /// What the picture says of itself.
    size: Option<PictureSize>,
    /// What the program began with, and when that was.
    began: Option<Began>,
    /// Only a key frame is handed over.
    waits: bool,
    /// The times of the frames that the program has, in the order in which they were handed over.
    under_way: VecDeque<(i64, Instant)>,
    /// It has done what came all at once in the beginning.
    caught_up: bool,
    /// When something came out, or went in while there was nothing.
    heard: Option<Instant>,
    shown: VecDeque<Shown>,
    pictures: VecDeque<Planes>,
    /// The number of the picture that comes next.
    next: u64,
    sees: bool,
    missed: u64,
    lost: u64,
}

impl Default for OutsideTrack {
    fn default() -> Self {
        Self {
            order: Order::default(),
            codec: OutsideCodec::H265,
            framer: Framer::new(Codec::H265),
            times: Times::default(),
            told: None,
            size: None,
            began: None,
            waits: true,
            under_way: VecDeque::new(),
            caught_up: false,
            heard: None,
            shown: VecDeque::new(),
            pictures: VecDeque::new(),
            next: 0,
            sees: false,
            missed: 0,
            lost: 0,
        }
    }
}

impl OutsideTrack {
    /// The codec of what it takes.
    pub(crate) fn codec(&self) -> Codec {
        self.codec.codec()
    }

    /// Whether a picture was decoded.
    pub(crate) fn sees(&self) -> bool {
        self.sees
    }

    /// Whether it goes on with a key frame alone.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Frames that were left out because the program took them too slowly.
    pub(crate) fn missed(&self) -> u64 {
        self.missed
    }

    /// Frames that could not be decoded.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Packets were left out, or another publisher begins: it goes on with the next key frame.
    pub(crate) fn gap(&mut self) {
        self.change(self.codec);
    }

    /// It goes on with the next key frame, which is one of this codec.
    fn change(&mut self, codec: OutsideCodec) {
        self.order.reset();
        (self.codec, self.framer) = (codec, Framer::new(codec.codec()));
        self.waits = true;
    }

    /// Takes a packet of the publisher's, and says what to do with the program.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(crate) fn packet(
        &mut self,
        now: Instant,
        packet: &Packet,
    ) -> Result<Vec<Step>, TranscodeRefusal> {
        let codec = OutsideCodec::of(packet.codec);
        let codec = codec.ok_or(TranscodeRefusal::Codec(packet.codec))?;
        if codec != self.codec {
            self.change(codec);
            self.size = None;
        }
        self.times.note(packet);
        self.order.push(now, packet.clone());
        self.take(now)
    }

    /// Gives up what has been missing for too long.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<Vec<Step>, TranscodeRefusal> {
        self.take(now)
    }

    /// What was to be handed over last was not: there was no room for it.
    pub(crate) fn take_back(&mut self) {
        self.under_way.pop_back();
        self.missed += 1;
        self.waits = true;
    }

    /// What the program says of a picture.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(crate) fn shown(&mut self, now: Instant, shown: Shown) -> Decoded {
        self.shown.push_back(shown);
        self.pair(now)
    }

    /// Whether it takes a further picture before it is told the number of one that it has. The
    /// numbers come another way, and on a busy machine later.
    pub(crate) fn takes_picture(&self) -> bool {
        !self.shown.is_empty() || self.pictures.len() < UNPAIRED.0
    }

    /// A picture that the program gives out, where [`OutsideTrack::takes_picture`] says so.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(crate) fn picture(&mut self, now: Instant, planes: Planes) -> Decoded {
        self.pictures.push_back(planes);
        self.pair(now)
    }

    fn take(&mut self, now: Instant) -> Result<Vec<Step>, TranscodeRefusal> {
        let mut steps = Vec::new();
        while let Some(next) = self.order.pop(now) {
            match next {
                Next::Gap => self.framer.gap(),
                Next::Packet(packet) => {
                    self.size = packet.inspection.size.or(self.size);
                    for Framed { frame, size } in self.framer.push(packet) {
                        self.size = size.or(self.size);
                        steps.extend(self.frame(now, frame)?);
                    }
                }
            }
        }
        let silent = self.heard.is_some_and(|at| now.saturating_duration_since(at) >= HANGS);
        if silent && self.under_way.len() > HELD {
            return Err(TranscodeRefusal::Ffmpeg(OutsideFault::Hangs));
        }
        Ok(steps)
    }

    fn frame(&mut self, now: Instant, frame: Frame) -> Result<Option<Step>, TranscodeRefusal> {
        if !frame.whole || (self.waits && !frame.key) {
            // What refers to it would show worse than the picture before, kept.
            self.waits = true;
            self.lost += 1;
            return Ok(None);
        }
        if self.is_behind(now) {
            self.waits = true;
            self.missed += 1;
            return Ok(None);
        }
        let Some(size) = self.size else {
            self.lost += 1;
            return Ok(None);
        };
        if !fits(size) {
            return Err(TranscodeRefusal::Size(size));
        }
        let same = |began: Began| (began.codec, began.size) == (self.codec, size);
        let begins = frame.key && !self.began.is_some_and(same);
        let recent = |began: Began| now.saturating_duration_since(began.at) < PAUSE;
        if begins && self.began.is_some_and(recent) {
            self.waits = true;
            self.lost += 1;
            return Ok(None);
        }
        Ok(Some(self.hand_over(now, &frame, begins.then_some(size))))
    }

    /// Whether the program keeps frames back that it has had for too long.
    fn is_behind(&self, now: Instant) -> bool {
        let patience = if self.caught_up { LATE } else { LATE_AT_FIRST };
        let late = |(_, at): &(i64, Instant)| now.saturating_duration_since(*at) > patience;
        self.under_way.len() > HELD && self.under_way.front().is_some_and(late)
    }

    fn hand_over(&mut self, now: Instant, frame: &Frame, begins: Option<PictureSize>) -> Step {
        let codec = self.codec;
        let mut bytes = Vec::with_capacity(frame.data.len() + 64);
        if let Some(size) = begins {
            self.began = Some(Began { codec, size, at: now });
            self.forget();
            bytes.extend_from_slice(&head(codec, size));
        }
        let ends: &[u8] =
            if self.waits && codec == OutsideCodec::H265 { &END_OF_SEQUENCE } else { &[] };
        let time = self.time(frame.timestamp);
        put(&mut bytes, time, &[ends, &frame.data]);
        self.waits = false;
        if self.under_way.is_empty() {
            self.heard = Some(now);
        }
        self.under_way.push_back((time, now));
        if begins.is_some() { Step::Begin(codec, bytes) } else { Step::Frame(bytes) }
    }

    /// What the program before had is lost, and what it gave out is nobody's.
    fn forget(&mut self) {
        self.lost += self.under_way.len() as u64;
        self.under_way.clear();
        self.shown.clear();
        self.pictures.clear();
        self.next = 0;
    }

    /// The time of a timestamp, whose lower half it is.
    fn time(&mut self, timestamp: u32) -> i64 {
        let time = match self.told {
            Some(told) => told + i64::from(timestamp.wrapping_sub(told as u32) as i32),
            None => EPOCH + i64::from(timestamp),
        };
        self.told = Some(time);
        time
    }

    fn pair(&mut self, now: Instant) -> Decoded {
        const GARBLED: TranscodeRefusal = TranscodeRefusal::Ffmpeg(OutsideFault::Garbled);
        let mut seen = Vec::new();
        while !self.shown.is_empty()
            && let Some(planes) = self.pictures.pop_front()
        {
            let shown = self.shown.pop_front();
            let number = shown.map(|shown| shown.number);
            let suits = |began: Began| began.codec.is_size(began.size, planes.size());
            if number != Some(self.next) || !self.began.is_some_and(suits) {
                return Err(GARBLED);
            }
            self.next += 1;
            (self.heard, self.sees) = (Some(now), true);
            let time = shown.and_then(|shown| shown.time);
            let one = time.and_then(|time| self.seen(time, planes));
            self.lost += u64::from(one.is_none());
            seen.extend(one);
        }
        if self.pictures.len() > UNPAIRED.0 || self.shown.len() > UNPAIRED.1 {
            return Err(GARBLED);
        }
        Ok(seen)
    }

    /// The picture of a frame with this time; none if that is none of the last ones.
    fn seen(&mut self, time: i64, planes: Planes) -> Option<Seen> {
        // Those that are shown before it and have not come will not.
        let before = self.under_way.len();
        self.under_way.retain(|(other, _)| *other > time);
        self.lost += (before - self.under_way.len()).saturating_sub(1) as u64;
        self.caught_up |= self.under_way.len() <= HELD;
        // Its lower half.
        let timestamp = time as u32;
        let captured = self.times.captured(timestamp)?;
        Some(Seen { planes, captured, timestamp })
    }
}

/// What a program is handed that decodes one frame and no more.
pub(crate) fn single(codec: OutsideCodec, size: PictureSize, frame: &[u8]) -> Vec<u8> {
    let mut bytes = head(codec, size).to_vec();
    put(&mut bytes, EPOCH, &[frame]);
    bytes
}

/// Puts a frame of so many parts behind others.
fn put(bytes: &mut Vec<u8>, time: i64, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // A frame has far less than 4 GiB.
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.extend_from_slice(&time.to_le_bytes());
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
}

/// The head of an IVF file in units of 1/90000 s.
fn head(codec: OutsideCodec, size: PictureSize) -> [u8; 32] {
    let mut head = [0; 32];
    head[..4].copy_from_slice(b"DKIF");
    head[6] = 32; // its own length
    head[8..12].copy_from_slice(codec.fourcc());
    // No more than `fits` allows.
    head[12..14].copy_from_slice(&(size.width as u16).to_le_bytes());
    head[14..16].copy_from_slice(&(size.height as u16).to_le_bytes());
    head[16..20].copy_from_slice(&90_000u32.to_le_bytes());
    head[20] = 1;
    head
}

#[cfg(test)]
mod tests;
