//! A stream and its viewers in virtual time, driven by a script.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::rtp::{self, Codec, Kind};
use crate::stream::{GopLimits, MADE, Outgoing, Packet, Stream, ViewerKey};

/// Layers of the picture, and viewers at a time.
const LAYERS: u8 = 3;
const VIEWERS: usize = 4;
/// The longest payload of a packet in a script.
const MAX_PAYLOAD: usize = 64;
/// Small, so that a script reaches them.
const LIMITS: GopLimits = GopLimits { packets: 40, bytes: 800, age: Duration::from_secs(2) };
const CODECS: [Codec; 6] =
    [Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::Opus, Codec::H265];

pub(super) struct Fanout {
    stream: Stream,
    now: Instant,
    viewers: Vec<(ViewerKey, HashSet<u64>)>,
    /// Numbers of the publisher: the last one of each layer and of the sound, and all of them.
    last: [u64; LAYERS as usize + 1],
    used: HashSet<(usize, u64)>,
    timestamp: u32,
    /// Packets that were sent.
    pub(super) sent: usize,
}

impl Fanout {
    pub(super) fn new() -> Self {
        Self {
            stream: Stream::new(LIMITS),
            now: Instant::now(),
            viewers: Vec::new(),
            last: [70_000; LAYERS as usize + 1],
            used: HashSet::new(),
            timestamp: u32::MAX - 9_000,
            sent: 0,
        }
    }

    /// Steps one after the other: a byte that says which and one for it; for packets a length and
    /// the payload besides.
    pub(super) fn script(&mut self, mut data: &[u8]) {
        while let [step, value, rest @ ..] = data {
            data = rest;
            match step % 16 {
                0..=7 => data = self.packet(*step, *value, rest),
                8 => self.join(*value),
                9 => self.leave(*value),
                10 => self.choose(*value),
                11 => self.lose(*value),
                12 => self.publish(*value),
                13 if value.is_multiple_of(4) => self.stream.unpublish(),
                13 => self.stream.gap(self.now),
                _ => self.now += Duration::from_millis(u64::from(*value)),
            }
            self.pump();
            let _ = self.stream.take_wishes().count();
        }
    }

    fn packet<'a>(&mut self, step: u8, value: u8, rest: &'a [u8]) -> &'a [u8] {
        let Some((length, rest)) = rest.split_first() else { return &[] };
        let (payload, rest) = rest.split_at(usize::from(*length).min(MAX_PAYLOAD).min(rest.len()));
        let codec = CODECS[usize::from(step % 8) % CODECS.len()];
        let sound = codec == Codec::Opus;
        let layer = if sound { 0 } else { (value >> 6) % LAYERS };
        let place = if sound { usize::from(LAYERS) } else { usize::from(layer) };
        // Mostly the next number, now and then one that was left out, or one further on.
        let seq = (self.last[place] + 1 + u64::from(value & 7)).saturating_sub(3);
        self.last[place] = self.last[place].max(seq);
        self.timestamp = self.timestamp.wrapping_add(u32::from(value >> 3 & 7) * 1_000);
        if self.used.insert((place, seq)) {
            let packet = Packet {
                codec,
                layer,
                seq,
                timestamp: self.timestamp,
                marker: value & 8 != 0,
                payload: payload.into(),
                captured: self.now,
                inspection: rtp::inspect(codec, payload),
            };
            // The same sound in six channels, beside it.
            let six = Packet { codec: Codec::MultiOpus, layer: MADE, ..packet.clone() };
            let packets = [packet, six];
            let count = 1 + usize::from(sound);
            let Self { stream, viewers, sent, now, .. } = self;
            stream.packets(*now, &packets[..count], &mut |key: ViewerKey, out: Outgoing<'_>| {
                take(viewers, sent, key, &out);
            });
        }
        rest
    }

    fn join(&mut self, value: u8) {
        if self.viewers.len() < VIEWERS {
            let ready = self.now + Duration::from_millis(u64::from(value >> 4));
            let key = self.stream.add_viewer(self.now, ready, value % (LAYERS + 1));
            self.viewers.push((key, HashSet::new()));
        }
    }

    fn leave(&mut self, value: u8) {
        if !self.viewers.is_empty() {
            let (key, _) = self.viewers.swap_remove(usize::from(value) % self.viewers.len());
            self.stream.remove_viewer(key);
        }
    }

    fn choose(&mut self, value: u8) {
        if let Some(key) = self.viewer(value) {
            self.stream.select(self.now, key, value >> 2 & 3, value & 128 != 0);
            self.stream.hear(key, if value & 64 == 0 { 0 } else { MADE });
        }
    }

    fn lose(&mut self, value: u8) {
        if let Some(key) = self.viewer(value) {
            self.stream.lost_picture(self.now, key);
        }
    }

    fn viewer(&self, value: u8) -> Option<ViewerKey> {
        let index = usize::from(value & 3);
        self.viewers.get(index).map(|(key, _)| *key)
    }

    /// Another publisher, whose numbers are its own.
    fn publish(&mut self, value: u8) {
        self.stream.publish(usize::from(value % (LAYERS + 1)));
        self.last = [u64::from(value) * 300; LAYERS as usize + 1];
        self.used.clear();
    }

    fn pump(&mut self) {
        let Self { stream, viewers, sent, now, .. } = self;
        let mut at = *now;
        // Two milliseconds a call: a group of the most packets is played long before this.
        for _ in 0..1_000 {
            let Some(due) = stream.deadline().filter(|due| *due <= *now) else { return };
            at = at.max(due);
            stream
                .pump(at, &mut |key: ViewerKey, out: Outgoing<'_>| take(viewers, sent, key, &out));
        }
        panic!("the stream never comes to rest");
    }
}

/// A viewer gets every number once, and its first one fits a receiver's rollover counter.
fn take(
    viewers: &mut [(ViewerKey, HashSet<u64>)],
    sent: &mut usize,
    key: ViewerKey,
    out: &Outgoing<'_>,
) {
    let known = viewers.iter_mut().find(|(known, _)| *known == key);
    let (_, numbers) = known.expect("only those who are there are sent anything");
    if out.packet.codec.kind() == Kind::Video {
        assert!(!numbers.is_empty() || out.seq < 65_536, "the first is {}", out.seq);
        assert!(numbers.insert(out.seq), "{} is used twice", out.seq);
    }
    *sent += 1;
}
