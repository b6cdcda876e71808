//! The current group of pictures: what a newcomer needs to see a picture at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ahead::{Ahead, ahead, end_ahead};
use crate::rtp::{Codec, is_later};

use super::Packet;
use super::recent::is_lost;

/// How much may be kept. Beyond any of these the group is dropped, and newcomers
/// wait for the next key frame.
#[derive(Debug, Clone, Copy)]
pub struct GopLimits {
    /// Packets.
    pub packets: usize,
    /// Bytes of payload.
    pub bytes: usize,
    /// Time since the key frame.
    pub age: Duration,
}

impl Default for GopLimits {
    /// Ten seconds of 5 Mbit/s: what an encoder left on "automatic" makes of it.
    fn default() -> Self {
        Self { packets: 6_000, bytes: 8 << 20, age: Duration::from_secs(12) }
    }
}

/// How far back the frame of a late packet is looked for.
const LOOK_BACK: usize = 128;
/// Packets that are kept without a key frame, whose first packet may come late.
const BEFORE_KEY: usize = 256;
/// From one frame's place to the next one's: in between is room for frames that come late.
pub(super) const PLACES: u32 = 16;
/// Where more than this is missing before a group, it was no part of the key frame.
const MOST_HEAD: u64 = 64;
/// Parameter sets that are kept for key frames which come without.
const PARAMETER_PACKETS: usize = 4;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) packet: Packet,
    /// The frame's place in the group (see [`PLACES`]), in the order of the packets' numbers.
    pub(super) frame: u32,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    timestamp: u32,
    /// The lowest number of its packets that came.
    seq: u64,
    place: u32,
}

/// Whether key frames of a codec need parameter sets that may come in packets of their own.
fn has_sets(codec: Codec) -> bool {
    matches!(codec, Codec::H264 | Codec::H265)
}

#[derive(Debug)]
pub(super) struct Gop {
    limits: GopLimits,
    entries: VecDeque<Entry>,
    /// In the order of their numbers, the key frame first; none without it.
    frames: Vec<Frame>,
    /// The latest timestamp among them.
    newest: u32,
    bytes: usize,
    started: Option<Instant>,
    /// The key frame's timestamp; none while there is nothing to start with.
    key: Option<u32>,
    start_seq: u64,
    /// The highest number that came of what was before the key frame.
    before: Option<u64>,
    has_parameters: bool,
    parameters: Vec<Packet>,
    generation: u64,
}

impl Gop {
    pub(super) fn new(limits: GopLimits) -> Self {
        Self {
            limits,
            entries: VecDeque::new(),
            frames: Vec::new(),
            newest: 0,
            bytes: 0,
            started: None,
            key: None,
            start_seq: 0,
            before: None,
            has_parameters: false,
            parameters: Vec::new(),
            generation: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.drop_group();
        self.parameters.clear();
    }

    fn drop_group(&mut self) {
        self.entries.clear();
        self.frames.clear();
        self.bytes = 0;
        self.started = None;
        self.key = None;
        self.has_parameters = false;
        self.generation += 1;
    }

    /// Whether a newcomer can start here.
    pub(super) fn usable(&self) -> bool {
        self.key.is_some()
    }

    /// Changes whenever the group begins anew.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The lowest sequence number of the group.
    pub(super) fn start_seq(&self) -> u64 {
        self.start_seq
    }

    /// How many packets just before the group are missing and may still come: the first ones of
    /// its key frame, or the last ones of the frame before.
    pub(super) fn head_missing(&self, now: Instant) -> u64 {
        let comes = self.started.is_some_and(|at| !is_lost(now, at));
        let before = self.before.filter(|_| comes);
        let missing = before.map_or(0, |before| self.start_seq.saturating_sub(before + 1));
        if missing > MOST_HEAD { 0 } else { missing }
    }

    /// How many packets the group has.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// All that is kept: parameter sets, then the group.
    pub(super) fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.missing_parameters().iter().chain(self.entries.iter().map(|entry| &entry.packet))
    }

    /// The key frame that the group begins with, behind its parameter sets; nothing without one.
    pub(super) fn key_frame(&self) -> impl Iterator<Item = &Packet> {
        let entries = self.entries.iter().filter(|entry| entry.frame == 0);
        let all = self.missing_parameters().iter().chain(entries.map(|entry| &entry.packet));
        all.filter(|_| self.key.is_some())
    }

    /// The packet of this number.
    pub(super) fn find(&self, seq: u64) -> Option<&Packet> {
        self.entries.iter().map(|entry| &entry.packet).find(|packet| packet.seq == seq)
    }

    /// The latest frame: its place, its timestamp, and when it was captured.
    pub(super) fn latest(&self) -> Option<(u32, u32, Instant)> {
        let Frame { timestamp, place, .. } = *self.frames.last()?;
        let captured = self.entries.iter().rev().find(|e| e.packet.timestamp == timestamp)?;
        Some((place, timestamp, captured.packet.captured))
    }

    /// The place of the frame with this timestamp.
    pub(super) fn frame_of(&self, timestamp: u32) -> Option<u32> {
        self.find_frame(timestamp).map(|index| self.frames[index].place)
    }

    fn find_frame(&self, timestamp: u32) -> Option<usize> {
        if is_later(timestamp, self.newest) {
            return None; // as mostly where a frame begins
        }
        let skip = self.frames.len().saturating_sub(LOOK_BACK);
        let found = self.frames[skip..].iter().rposition(|frame| frame.timestamp == timestamp)?;
        Some(skip + found)
    }

    /// Parameter sets to send before a key frame that comes without.
    pub(super) fn missing_parameters(&self) -> &[Packet] {
        let needs = self.entries.front().is_some_and(|e| has_sets(e.packet.codec));
        if needs && !self.has_parameters { &self.parameters } else { &[] }
    }

    pub(super) fn push(&mut self, now: Instant, packet: &Packet) {
        let found = packet.inspection;
        if found.parameters && !found.key && has_sets(packet.codec) {
            self.keep_parameters(packet);
        }
        if found.key && self.is_newer_key(packet) {
            self.begin(now, packet);
        }
        self.append(packet);
        let over = self.entries.len() > self.limits.packets
            || self.bytes > self.limits.bytes
            || self.started.is_some_and(|at| now.saturating_duration_since(at) > self.limits.age);
        if over {
            self.drop_group();
        }
    }

    /// Not another packet of this key frame, nor one of the key frame before it, late.
    fn is_newer_key(&self, packet: &Packet) -> bool {
        self.key != Some(packet.timestamp) && (self.key.is_none() || packet.seq > self.start_seq)
    }

    fn append(&mut self, packet: &Packet) {
        self.bytes += packet.payload.len();
        if self.key.is_none() {
            self.entries.push_back(Entry { packet: packet.clone(), frame: 0 });
            if self.entries.len() > BEFORE_KEY {
                let old = self.entries.pop_front();
                self.bytes -= old.map_or(0, |old| old.packet.payload.len());
            }
            return;
        }
        let Some(frame) = self.place(packet) else {
            self.before = self.before.max(Some(packet.seq));
            self.bytes -= packet.payload.len();
            return;
        };
        let first_frame = frame == 0;
        if first_frame && packet.seq < self.start_seq {
            self.start_seq = packet.seq;
        }
        self.has_parameters |= first_frame && packet.inspection.parameters;
        self.entries.push_back(Entry { packet: packet.clone(), frame });
    }

    /// The place of the packet's frame, which may be a new one. None if it is older than the key
    /// frame: nobody begins with it.
    fn place(&mut self, packet: &Packet) -> Option<u32> {
        let Packet { timestamp, seq, .. } = *packet;
        if let Some(index) = self.find_frame(timestamp) {
            let frame = &mut self.frames[index];
            frame.seq = frame.seq.min(seq);
            return Some(frame.place);
        }
        let index = self.frames.iter().rposition(|frame| frame.seq < seq)? + 1;
        let before = self.frames[index - 1].place;
        let place = match self.frames.get(index) {
            None => before + PLACES,
            Some(after) => before + (after.place - before) / 2,
        };
        self.frames.insert(index, Frame { timestamp, seq, place });
        if is_later(timestamp, self.newest) {
            self.newest = timestamp;
        }
        Some(place)
    }

    /// A key frame begins: what came before it goes, save the packets of the same frame
    /// (parameter sets mostly) and those of frames after it, which came before this packet
    /// where it was lost and sent again.
    fn begin(&mut self, now: Instant, key: &Packet) {
        let Packet { timestamp, seq, .. } = *key;
        let earlier = self.entries.iter().map(|e| &e.packet);
        let earlier = earlier.filter(|p| p.timestamp != timestamp && p.seq < seq);
        self.before = earlier.map(|packet| packet.seq).max();
        self.entries.retain(|e| e.packet.timestamp == timestamp || e.packet.seq > seq);
        self.frames.clear();
        self.frames.push(Frame { timestamp, seq, place: 0 });
        self.newest = timestamp;
        self.started = Some(now);
        self.key = Some(timestamp);
        self.start_seq = seq;
        self.bytes = 0;
        self.has_parameters = false;
        self.generation += 1;
        // Few, and what held the group before has room for this one.
        let kept: Vec<Entry> = self.entries.drain(..).collect();
        for Entry { packet, .. } in kept {
            self.append(&packet);
        }
    }

    fn keep_parameters(&mut self, packet: &Packet) {
        if self.parameters.first().is_some_and(|p| p.timestamp != packet.timestamp) {
            self.parameters.clear();
        }
        if self.parameters.len() < PARAMETER_PACKETS {
            // They are kept as long as the publisher sends no others.
            let payload = packet.payload.alone();
            self.parameters.push(Packet { payload, ..packet.clone() });
        }
    }
}

impl Ahead for Gop {
    fn ahead(&self, depth: u8) {
        if depth == 1 {
            end_ahead(&self.entries);
            if let Some(last) = self.frames.last() {
                ahead(last);
            }
        }
    }
}
