//! The media thread's side of recording: which packets go to the thread that records.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::ids::{IdMap, IdSet, StreamId};
use crate::rtp::Kind;
use crate::stream::{Burst, Packet, only};

use super::super::shard::Shard;
use super::{Begin, Item, Order, Shared};

/// What is recorded.
#[derive(Debug, Default)]
pub(in super::super) struct Tape {
    out: Option<Out>,
    /// Streams that are being recorded.
    wanted: IdSet<StreamId>,
    /// The layer of each stream's picture that is handed on, once that is settled.
    layers: IdMap<StreamId, u8>,
}

#[derive(Debug)]
struct Out {
    items: mpsc::Sender<Item>,
    /// It takes all streams.
    all: bool,
    shared: Arc<Shared>,
}

impl Tape {
    /// Another publisher: its numbers begin anew.
    pub(in super::super) fn publish(&mut self, stream: StreamId) {
        self.layers.remove(&stream);
    }

    fn takes(&self, stream: StreamId) -> bool {
        self.out.as_ref().is_some_and(|out| out.all || self.wanted.contains(&stream))
    }

    /// Says whether there was room.
    fn push(&self, item: Item) -> bool {
        let Some(out) = &self.out else { return false };
        let packets = if let Item::Packets(_, burst) = &item { burst.len() } else { 0 };
        let taken = out.items.try_send(item).is_ok();
        if !taken {
            out.shared.left_out.fetch_add(packets as u64, Ordering::Relaxed);
        }
        taken
    }
}

impl Shard {
    pub(in super::super) fn tape_order(&mut self, now: Instant, order: Order) {
        match order {
            Order::Attach { items, all, shared } => {
                self.tape.out = Some(Out { items, all, shared });
                self.tape.push(Item::Clock(self.wall));
            }
            Order::Begin(stream, begin) => self.tape_begin(now, stream, begin),
            Order::End(stream, reply) => {
                self.tape.wanted.remove(&stream);
                // Without room nobody answers: the caller asks again.
                self.tape.push(Item::End(stream, reply));
            }
        }
    }

    fn tape_begin(&mut self, now: Instant, stream: StreamId, mut begin: Box<Begin>) {
        let known = self.tape.takes(stream);
        self.tape.wanted.insert(stream);
        if !known && let Some(entry) = self.streams.get_mut(&stream) {
            let layer = entry.ingest.first_layer(now);
            let of = |packet: &Packet| packet.layer == layer;
            begin.cached = entry.originals().packets().into_iter().filter(of).collect();
            if entry.publisher.is_some() {
                self.tape.layers.insert(stream, layer);
            }
        }
        // Without room nobody answers, and nothing is recorded.
        if !self.tape.push(Item::Begin(stream, begin)) && !known {
            self.tape.wanted.remove(&stream);
            self.tape.layers.remove(&stream);
        }
    }

    /// Packets of a stream's publisher, after they were measured.
    pub(in super::super) fn tape_packets(&mut self, now: Instant, stream: StreamId, burst: &Burst) {
        if !self.tape.takes(stream) {
            return;
        }
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let layer = entry.ingest.first_layer(now);
        if self.tape.layers.get(&stream) != Some(&layer) {
            if !self.tape.push(Item::Publish(stream)) {
                return; // its numbers would be taken for those of before
            }
            self.tape.layers.insert(stream, layer);
            entry.ingest.want_keyframe(now, layer);
        }
        let taken = only(burst, |p| p.codec.kind() == Kind::Audio || p.layer == layer);
        if !taken.is_empty() {
            self.tape.push(Item::Packets(stream, taken));
        }
    }
}
