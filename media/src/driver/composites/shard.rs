//! The media thread's side of composites: whose packets go to which thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use crate::ids::StreamId;
use crate::rtp::{Codec, Kind};
use crate::stream::{Burst, Packet};
use crate::transcode::{Growth, OutsideCodec, TranscodeRefusal};

use super::super::shard::Shard;
use super::super::streams::Entry;
use super::super::transcodes::{FIRST_LOOK, Place, Transcodes};
use super::{ITEMS, Item, Order, Shared};

/// What ffmpeg decodes is looked at again so long after it was refused, and after ffmpeg failed.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_AFTER_A_FAULT: Duration = Duration::from_secs(30);

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
    outside: Outside,
}

/// What becomes of a source whose picture the thread does not decode itself.
#[derive(Debug, Default)]
enum Outside {
    /// It is none, or nothing is known of it yet.
    #[default]
    Unknown,
    /// It is not decoded, and that is looked at again then.
    Refused(TranscodeRefusal, Instant),
    /// ffmpeg decodes it; the thread has its place.
    On(Growth),
}

impl Lane {
    /// Nobody publishes it, which the thread is told where that matters.
    fn away(&mut self, stream: StreamId, items: &SyncSender<Item>) {
        // Without room for this it is told a second later.
        if !matches!(self.outside, Outside::Unknown) && items.try_send(Item::Away(stream)).is_ok() {
            self.outside = Outside::Unknown;
        }
    }
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
    /// Whether a packet of the picture goes to the thread. `place` is asked where ffmpeg is to decode
    /// it, for a place and whether there is one.
    fn takes(
        &mut self,
        now: Instant,
        stream: StreamId,
        packet: &Packet,
        place: impl FnOnce() -> Option<Result<Place, TranscodeRefusal>>,
    ) -> bool {
        let Some(lane) = self.sources.get_mut(&stream) else { return false };
        if OutsideCodec::of(packet.codec).is_none() {
            // The thread gives the place back with the first of these.
            lane.outside = Outside::Unknown;
            return true;
        }
        match &lane.outside {
            Outside::On(_) => return true,
            Outside::Refused(_, again) if now < *again => return false,
            Outside::Refused(..) | Outside::Unknown => {}
        }
        match place() {
            None => false,
            Some(Ok(place)) => {
                // Without room for this it is asked for again with the next packet.
                let begins = self.items.try_send(Item::Outside(stream, place)).is_ok();
                if begins {
                    (lane.outside, lane.layer) = (Outside::On(Growth::default()), None);
                }
                begins
            }
            Some(Err(refusal)) => {
                self.refuse(stream, packet.codec, refusal, now + AGAIN);
                false
            }
        }
    }

    /// A source is not decoded, which the thread is told once.
    fn refuse(
        &mut self,
        stream: StreamId,
        codec: Codec,
        refusal: TranscodeRefusal,
        again: Instant,
    ) {
        let Some(lane) = self.sources.get_mut(&stream) else { return };
        let known = matches!(&lane.outside, Outside::Refused(before, _) if *before == refusal);
        // Without room for this it is told with the next packet.
        if known || self.items.try_send(Item::Refused(stream, codec, refusal)).is_ok() {
            lane.outside = Outside::Refused(refusal, again);
        }
    }

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
                let place = || place(now, entry, &self.transcodes);
                if !is_of(packet, layer) || tap.takes(now, source, packet, place) {
                    tap.packet(source, layer, packet);
                }
            }
            entry.want_keyframe(now, layer);
            self.touched.insert(source);
        }
        self.taps.0.insert(composite, tap);
    }

    /// A packet of a stream's publisher, after it was measured.
    pub(in super::super) fn tap_packets(&mut self, now: Instant, stream: StreamId, burst: &Burst) {
        if !self.taps.0.is_empty() {
            burst.iter().for_each(|packet| self.tap_packet(now, stream, packet));
        }
    }

    fn tap_packet(&mut self, now: Instant, stream: StreamId, packet: &Packet) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let layer = entry.ingest.first_layer(now);
        let mut key = false;
        for tap in self.taps.0.values_mut() {
            let place = || place(now, entry, &self.transcodes);
            if !is_of(packet, layer) || tap.takes(now, stream, packet, place) {
                key |= tap.packet(stream, layer, packet);
            }
        }
        if key {
            entry.want_keyframe(now, layer);
            self.touched.insert(stream);
        }
    }
}

impl Shard {
    /// Looks at the sources that ffmpeg decodes: whether it still does, and whether it still may.
    pub(in super::super) fn look_at_taps(&mut self, now: Instant) {
        for tap in self.taps.0.values_mut() {
            for (stream, refusal) in tap.shared.faults() {
                // It has ended there.
                if let Some(lane) = tap.sources.get_mut(&stream) {
                    lane.outside = Outside::Refused(refusal, now + AGAIN_AFTER_A_FAULT);
                }
            }
            let mut grown = Vec::new();
            for (stream, lane) in &mut tap.sources {
                let publishes = |entry: &&Entry| entry.publisher.is_some();
                let Some(entry) = self.streams.get(stream).filter(publishes) else {
                    lane.away(*stream, &tap.items);
                    continue;
                };
                let Outside::On(growth) = &mut lane.outside else { continue };
                let measured = entry.measured(now);
                let refusal = self.transcodes.look(growth, &measured);
                grown.extend(refusal.map(|refusal| (*stream, measured.codec, refusal)));
            }
            for (stream, codec, refusal) in grown {
                tap.refuse(stream, codec, refusal, now + AGAIN);
            }
        }
    }
}

/// Whether a packet is one of the picture's layer.
fn is_of(packet: &Packet, layer: u8) -> bool {
    packet.codec.kind() == Kind::Video && packet.layer == layer
}

/// A place for a source that ffmpeg decodes, once it is known well enough.
fn place(
    now: Instant,
    entry: &Entry,
    transcodes: &Transcodes,
) -> Option<Result<Place, TranscodeRefusal>> {
    let known = entry.ingest.video(now).age(now) >= FIRST_LOOK;
    known.then(|| transcodes.place(entry.measured(now))).flatten()
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

    /// A packet of a picture that ffmpeg decodes, if it may. Says whether a key frame is needed.
    pub(super) fn outside(
        &mut self,
        now: Instant,
        packet: &Packet,
        place: Option<Result<Place, TranscodeRefusal>>,
    ) -> bool {
        self.0.takes(now, self.1, packet, || place) && self.packet(packet)
    }

    pub(super) fn left_out(&self) -> u64 {
        self.0.shared.left_out.load(Ordering::Relaxed)
    }
}
