//! The media thread's side of composites: whose packets go to which thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use crate::ids::StreamId;
use crate::rtp::Kind;
use crate::stream::Packet;

use super::super::shard::Shard;
use super::{ITEMS, Item, Order, Shared};

/// The streams that threads of composites look into.
#[derive(Debug, Default)]
pub(in super::super) struct Taps(HashMap<StreamId, Tap>);

#[derive(Debug)]
struct Tap {
    items: SyncSender<Item>,
    shared: Arc<Shared>,
    sources: HashMap<StreamId, Lane>,
}

#[derive(Debug, Default)]
struct Lane {
    /// Its sound is wanted.
    sound: bool,
    /// The layer of the picture that is handed on, once that is settled.
    layer: Option<u8>,
    /// Something was left out: the next is a key frame.
    waits: bool,
}

impl Taps {
    /// Another publisher: its numbers begin anew.
    pub(in super::super) fn publish(&mut self, stream: StreamId) {
        for lane in self.0.values_mut().filter_map(|tap| tap.sources.get_mut(&stream)) {
            lane.layer = None;
        }
    }
}

impl Tap {
    /// Takes a packet of a source. Says whether a key frame is needed.
    fn packet(&mut self, stream: StreamId, layer: u8, packet: &Packet) -> bool {
        let Some(lane) = self.sources.get_mut(&stream) else { return false };
        let sound = packet.codec.kind() == Kind::Audio;
        let wanted = if sound { lane.sound } else { packet.layer == layer };
        if !wanted {
            return false;
        }
        let begins = !sound && (packet.inspection.key || packet.inspection.parameters);
        if lane.waits && !begins {
            return !sound;
        }
        let anew = lane.waits || lane.layer != Some(layer);
        let key = anew && !begins;
        if anew {
            if self.items.try_send(Item::Publish(stream)).is_err() {
                return true; // its numbers would be taken for those of before
            }
            (lane.layer, lane.waits) = (Some(layer), false);
        }
        if self.items.try_send(Item::Packet(stream, packet.clone())).is_err() {
            lane.waits = true;
            self.shared.left_out.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        key
    }
}

impl Shard {
    pub(in super::super) fn tap_order(&mut self, now: Instant, order: Order) {
        match order {
            Order::Tap { composite, items, shared, sources } => {
                self.tap(now, composite, items, shared, sources);
            }
            Order::Untap(composite) => {
                self.taps.0.remove(&composite);
            }
        }
    }

    fn tap(
        &mut self,
        now: Instant,
        composite: StreamId,
        items: SyncSender<Item>,
        shared: Arc<Shared>,
        sources: Vec<(StreamId, bool)>,
    ) {
        let before = self.taps.0.remove(&composite).map(|tap| tap.sources);
        let mut before = before.unwrap_or_default();
        let mut tap = Tap { items, shared, sources: HashMap::new() };
        for (source, sound) in sources {
            let known = before.remove(&source);
            let is_new = known.is_none();
            tap.sources.insert(source, Lane { sound, ..known.unwrap_or_default() });
            if !is_new {
                continue;
            }
            let Some(entry) = self.streams.get_mut(&source) else { continue };
            let layer = entry.ingest.first_layer(now);
            let cached: Vec<Packet> = entry.cache.packets();
            // What would fill the queue is decoded too late to be of use.
            for packet in cached.iter().filter(|_| cached.len() < ITEMS / 4) {
                tap.packet(source, layer, packet);
            }
            entry.want_keyframe(now, layer);
            self.touched.insert(source);
        }
        self.taps.0.insert(composite, tap);
    }

    /// A packet of a stream's publisher, after it was measured.
    pub(in super::super) fn tap_packet(&mut self, now: Instant, stream: StreamId, packet: &Packet) {
        if self.taps.0.is_empty() {
            return;
        }
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let layer = entry.ingest.first_layer(now);
        let mut key = false;
        for tap in self.taps.0.values_mut() {
            key |= tap.packet(stream, layer, packet);
        }
        if key {
            entry.want_keyframe(now, layer);
            self.touched.insert(stream);
        }
    }
}

/// A tap for tests, without a media thread.
#[cfg(test)]
pub(super) struct TapForTests(Tap, StreamId);

#[cfg(test)]
impl TapForTests {
    pub(super) fn new(source: StreamId, room: usize) -> (Self, std::sync::mpsc::Receiver<Item>) {
        use crate::composite::{Canvas, Layout, SoundFrom};
        use crate::picture::{Colour, tests::size};

        let (items, inbox) = std::sync::mpsc::sync_channel(room);
        let canvas = Canvas::new(size(64, 64), 25, Colour::BLACK).unwrap();
        let layout = Layout::new(canvas, Vec::new(), SoundFrom::Nothing, true).unwrap();
        let shared = Arc::new(Shared::new(layout));
        let sources = HashMap::from([(source, Lane::default())]);
        (Self(Tap { items, shared, sources }, source), inbox)
    }

    pub(super) fn packet(&mut self, packet: &Packet) -> bool {
        self.0.packet(self.1, 0, packet)
    }

    pub(super) fn left_out(&self) -> u64 {
        self.0.shared.left_out.load(Ordering::Relaxed)
    }
}
