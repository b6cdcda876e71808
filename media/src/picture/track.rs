//! The packets of a stream's picture into pictures.

use std::collections::VecDeque;
use std::time::Instant;

use crate::recording::{Next, Order};
use crate::rtp::{Codec, Kind, PictureSize, is_later};
use crate::rtp_source::{Frames, Video};
use crate::stream::Packet;

use super::decoder::{DecodeError, Decoder};
use super::planes::Planes;

/// Frames that are under way, and whose times are kept.
const UNDER_WAY: usize = 64;
/// Frames that the decoder may have and has not given out: no stream has it keep more
/// (ITU-T H.264, A.3.1), and one that it swallowed is not to count for ever.
const KEPT: usize = 16;

/// A picture, and when it was captured.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The picture.
    pub planes: Planes,
    /// When it was captured, on this machine's clock.
    pub captured: Instant,
    /// The RTP timestamp of its frame.
    pub timestamp: u32,
}

/// Why there is no picture of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is none of H.264.
    Codec(Codec),
    /// It is larger than what is decoded.
    TooLarge(PictureSize),
}

/// Decodes the picture of one stream. Time is an argument.
#[derive(Debug)]
pub struct PictureTrack {
    order: Order,
    frames: Frames,
    decoder: Decoder,
    /// The times of the packets of the last frames.
    times: VecDeque<(u32, Instant)>,
    /// When the frames that the decoder has were captured, the earliest first: that is the order
    /// in which it gives them out.
    captured: Vec<Instant>,
    /// Their timestamps, in the same way: without reports of its publisher a frame counts as
    /// captured when it came, which is not the order in which B-frames are shown.
    timestamps: Vec<u32>,
    refused: Option<Refused>,
    /// Frames that could not be used.
    lost: u64,
}

impl Default for PictureTrack {
    fn default() -> Self {
        Self {
            order: Order::default(),
            frames: Frames::new(Video::H264),
            decoder: Decoder::default(),
            times: VecDeque::new(),
            captured: Vec::new(),
            timestamps: Vec::new(),
            refused: None,
            lost: 0,
        }
    }
}

impl PictureTrack {
    /// Another publisher begins, or another layer of the picture: the numbers begin anew, and the
    /// picture goes on with the next key frame.
    pub fn publish(&mut self) {
        *self = Self { lost: self.lost, ..Self::default() };
    }

    /// Why nothing is decoded of what comes.
    #[must_use]
    pub fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// Frames that could not be used: with holes, damaged, or before a key frame.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Frames that were decoded, and that others are shown before.
    pub(crate) fn held(&self) -> u64 {
        self.captured.len() as u64
    }

    /// Whether the picture goes on with a key frame alone.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.decoder.waits()
    }

    /// Takes a packet, and gives out the pictures that can be shown with it.
    pub fn packet(&mut self, now: Instant, packet: &Packet) -> Vec<Seen> {
        if packet.codec.kind() != Kind::Video {
            return Vec::new();
        }
        if packet.codec != Codec::H264 {
            self.refused = Some(Refused::Codec(packet.codec));
            return Vec::new();
        }
        if let Some(Refused::Codec(_)) = self.refused {
            self.refused = None;
        }
        self.order.push(now, packet.clone());
        self.take(now)
    }

    /// Gives up what has been missing for too long.
    pub fn tick(&mut self, now: Instant) -> Vec<Seen> {
        if self.order.deadline().is_some_and(|at| at <= now) { self.take(now) } else { Vec::new() }
    }

    fn take(&mut self, now: Instant) -> Vec<Seen> {
        let mut seen = Vec::new();
        while let Some(next) = self.order.pop(now) {
            match next {
                Next::Gap => self.frames.gap(),
                Next::Packet(packet) => {
                    self.note_time(packet.timestamp, packet.captured.min(now));
                    let frames = self.frames.push(packet.timestamp, packet.marker, &packet.payload);
                    for frame in frames {
                        let key = frame.key;
                        seen.extend(self.frame(frame.timestamp, &frame.data, key, frame.whole));
                    }
                }
            }
        }
        seen
    }

    fn note_time(&mut self, timestamp: u32, captured: Instant) {
        if self.times.iter().any(|(known, _)| *known == timestamp) {
            return;
        }
        if self.times.len() >= UNDER_WAY {
            self.times.pop_front();
        }
        self.times.push_back((timestamp, captured));
    }

    fn frame(&mut self, timestamp: u32, data: &[u8], key: bool, whole: bool) -> Option<Seen> {
        let at = self.times.iter().position(|(known, _)| *known == timestamp)?;
        let (_, captured) = self.times.remove(at)?;
        if !whole {
            // What refers to it would show worse than the picture before, kept.
            self.fail();
            return None;
        }
        if self.decoder.waits() && !key {
            self.lost += 1;
            return None;
        }
        match self.decoder.decode(data, key) {
            Ok(planes) => {
                self.refused = None;
                self.note_decoded(timestamp, captured);
                let planes = planes?;
                let (captured, timestamp) = (self.captured.remove(0), self.timestamps.remove(0));
                Some(Seen { planes, captured, timestamp })
            }
            Err(error) => {
                if let DecodeError::TooLarge(size) = error {
                    self.refused = Some(Refused::TooLarge(size));
                }
                self.fail();
                None
            }
        }
    }

    fn note_decoded(&mut self, timestamp: u32, captured: Instant) {
        let at = self.captured.partition_point(|known| *known <= captured);
        self.captured.insert(at, captured);
        let at = self.timestamps.partition_point(|known| !is_later(*known, timestamp));
        self.timestamps.insert(at, timestamp);
        if self.captured.len() > KEPT + 1 {
            self.captured.remove(0);
            self.timestamps.remove(0);
        }
    }

    fn fail(&mut self) {
        self.lost += 1 + self.held();
        self.decoder.reset();
        self.captured.clear();
        self.timestamps.clear();
    }
}
