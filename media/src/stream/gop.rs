//! The current group of pictures: what a newcomer needs to see a picture at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::rtp::Codec;

use super::Packet;

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
/// Parameter sets that are kept for key frames which come without.
const PARAMETER_PACKETS: usize = 4;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) packet: Packet,
    /// The frame's place in the group, in order of arrival.
    pub(super) frame: u32,
}

#[derive(Debug)]
pub(super) struct Gop {
    limits: GopLimits,
    entries: VecDeque<Entry>,
    /// The timestamp of each frame.
    frames: Vec<u32>,
    bytes: usize,
    started: Option<Instant>,
    /// The key frame's timestamp; none while there is nothing to start with.
    key: Option<u32>,
    start_seq: u64,
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
            bytes: 0,
            started: None,
            key: None,
            start_seq: 0,
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

    /// The packet of this number.
    pub(super) fn find(&self, seq: u64) -> Option<&Packet> {
        self.entries.iter().map(|entry| &entry.packet).find(|packet| packet.seq == seq)
    }

    /// The latest frame: its place, its timestamp, and when it was captured.
    pub(super) fn latest(&self) -> Option<(u32, u32, Instant)> {
        let timestamp = *self.frames.last()?;
        let captured = self.entries.iter().rev().find(|e| e.packet.timestamp == timestamp)?;
        Some((self.frames.len() as u32 - 1, timestamp, captured.packet.captured))
    }

    /// The place of the frame with this timestamp.
    pub(super) fn frame_of(&self, timestamp: u32) -> Option<u32> {
        let skip = self.frames.len().saturating_sub(LOOK_BACK);
        let found = self.frames[skip..].iter().rposition(|t| *t == timestamp)?;
        Some((skip + found) as u32)
    }

    /// Parameter sets to send before a key frame that comes without.
    pub(super) fn missing_parameters(&self) -> &[Packet] {
        let needs = self.entries.front().is_some_and(|e| e.packet.codec == Codec::H264);
        if needs && !self.has_parameters { &self.parameters } else { &[] }
    }

    pub(super) fn push(&mut self, now: Instant, packet: &Packet) {
        let found = packet.inspection;
        if found.parameters && !found.key && packet.codec == Codec::H264 {
            self.keep_parameters(packet);
        }
        if found.key && self.key != Some(packet.timestamp) {
            self.begin(now, packet.timestamp);
        } else if self.key.is_none() && self.frames.last().is_some_and(|t| *t != packet.timestamp) {
            // No key frame yet: only the packets of the frame under way may turn
            // out to be the beginning of one.
            self.entries.clear();
            self.frames.clear();
            self.bytes = 0;
        }
        self.append(packet);
        let over = self.entries.len() > self.limits.packets
            || self.bytes > self.limits.bytes
            || self.started.is_some_and(|at| now.saturating_duration_since(at) > self.limits.age);
        if over {
            self.drop_group();
        }
    }

    fn append(&mut self, packet: &Packet) {
        let frame = self.frame_of(packet.timestamp).unwrap_or_else(|| {
            self.frames.push(packet.timestamp);
            self.frames.len() as u32 - 1
        });
        let first_frame = frame == 0;
        if self.entries.is_empty() || (first_frame && packet.seq < self.start_seq) {
            self.start_seq = packet.seq;
        }
        self.has_parameters |= first_frame && packet.inspection.parameters;
        self.bytes += packet.payload.len();
        self.entries.push_back(Entry { packet: packet.clone(), frame });
    }

    /// A key frame begins: what came before it goes, save the packets of the same
    /// frame (parameter sets mostly).
    fn begin(&mut self, now: Instant, timestamp: u32) {
        self.entries.retain(|entry| entry.packet.timestamp == timestamp);
        for entry in &mut self.entries {
            entry.frame = 0;
        }
        self.frames.clear();
        self.frames.push(timestamp);
        self.bytes = self.entries.iter().map(|e| e.packet.payload.len()).sum();
        self.start_seq = self.entries.iter().map(|e| e.packet.seq).min().unwrap_or(0);
        self.has_parameters =
            self.entries.iter().any(|e| self.parameters.iter().any(|p| p.seq == e.packet.seq));
        self.started = Some(now);
        self.key = Some(timestamp);
        self.generation += 1;
    }

    fn keep_parameters(&mut self, packet: &Packet) {
        if self.parameters.first().is_some_and(|p| p.timestamp != packet.timestamp) {
            self.parameters.clear();
        }
        if self.parameters.len() < PARAMETER_PACKETS {
            self.parameters.push(packet.clone());
        }
    }
}
