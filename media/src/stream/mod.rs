//! A stream: one publisher, many viewers, no sockets and no clock of its own.
//!
//! [`Ingest`] is the publisher's side: what is measured of it, and what it is
//! asked for. [`Stream`] is the viewers' side: it decides which packet goes to
//! whom and under which sequence number and timestamp, and keeps the current
//! group of pictures for newcomers and the last two seconds for those who lost
//! something. What they are given and what they emit are plain packets; whoever
//! drives them does the sending.

mod gop;
mod ingest;
mod keyframes;
mod lanes;
mod payload;
mod placing;
mod recent;
mod rewrite;
mod viewer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ahead::{Ahead, ahead};
use crate::rtp::{Codec, Inspection, Kind};

pub use gop::GopLimits;
pub use ingest::Ingest;
pub(crate) use keyframes::KeyframeRequests;
use lanes::Lanes;
pub use lanes::{Cache, MADE};
pub use payload::Payload;
pub(crate) use payload::Payloads;
pub use placing::Placing;
use recent::Recent;
pub(crate) use rewrite::Rewriter;
use viewer::Viewer;

/// Viewers who are behind are fed again after this.
const FEED: Duration = Duration::from_millis(2);
/// So many viewers ahead it is asked for what is needed for one, and then for what that leads to.
pub(crate) const SOON: usize = 2;

/// A packet of the publisher.
#[derive(Debug, Clone)]
pub struct Packet {
    /// What it carries.
    pub codec: Codec,
    /// The simulcast layer, 0 being the lowest, or the only one; [`MADE`] for what this server
    /// made of the picture. Each layer has its own sequence numbers and timestamps. Of sound it is 0,
    /// and [`MADE`] for the same sound in all its channels, whose numbers and timestamps are the same.
    pub layer: u8,
    /// Extended sequence number; every packet of a layer comes at most once.
    pub seq: u64,
    /// RTP timestamp in the clock of the track's kind; of the picture as [`Placing`] has it.
    pub timestamp: u32,
    /// The marker bit: the end of a frame, or the beginning of a talk spurt.
    pub marker: bool,
    /// What follows the RTP header.
    pub payload: Payload,
    /// The instant that the timestamp stands for, on this machine's clock.
    pub captured: Instant,
    /// What [`crate::rtp::inspect`] says of the payload: read once, for all.
    pub inspection: Inspection,
}

/// Packets of a publisher that came together, shared by all who get them.
pub type Burst = Arc<[Packet]>;

/// Those packets of a burst for which `wanted` holds: mostly all.
pub(crate) fn only(burst: &Burst, wanted: impl Fn(&Packet) -> bool) -> Burst {
    if burst.iter().all(&wanted) {
        return Burst::clone(burst);
    }
    burst.iter().filter(|packet| wanted(packet)).cloned().collect()
}

/// A packet for one viewer.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The publisher's packet, whose payload is sent.
    pub packet: &'a Packet,
    /// Extended sequence number; a viewer's first is below 65536.
    pub seq: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// The instant that the timestamp stands for.
    pub captured: Instant,
    /// How to find the packet again, if it may be asked for again.
    pub origin: Option<Origin>,
}

/// A packet's name within its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    epoch: u32,
    layer: u8,
    seq: u64,
}

impl Origin {
    pub(crate) fn new(epoch: u32, layer: u8, seq: u64) -> Self {
        Self { epoch, layer, seq }
    }

    /// Of which publisher it is: they are counted.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) fn layer(&self) -> u8 {
        self.layer
    }

    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }
}

/// A viewer within its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ViewerKey(pub(crate) u32);

/// Takes the packets that leave a [`Stream`].
pub trait Sink {
    /// One packet for one viewer, in the order of sending. Calls for one viewer
    /// follow each other.
    fn send(&mut self, viewer: ViewerKey, packet: Outgoing<'_>);

    /// It will soon be this viewer's turn: what is needed for it, so many pointers away, can be
    /// asked for ahead.
    fn soon(&mut self, viewer: ViewerKey, depth: u8) {
        let _ = (viewer, depth);
    }
}

impl<F: FnMut(ViewerKey, Outgoing<'_>)> Sink for F {
    fn send(&mut self, viewer: ViewerKey, packet: Outgoing<'_>) {
        self(viewer, packet);
    }
}

/// The viewers' side of a stream.
#[derive(Debug)]
pub struct Stream {
    limits: GopLimits,
    /// Grows with every publisher, so that packets of a replaced one are told apart.
    epoch: u32,
    publishing: bool,
    lanes: Lanes,
    viewers: Vec<Option<Viewer>>,
    /// When [`Stream::pump`] has something to do.
    due: Option<Instant>,
}

impl Default for Stream {
    fn default() -> Self {
        Self::new(GopLimits::default())
    }
}

impl Stream {
    /// A stream without a publisher and without viewers.
    pub fn new(limits: GopLimits) -> Self {
        Self {
            limits,
            epoch: 0,
            publishing: false,
            lanes: Lanes::new(limits, 1),
            viewers: Vec::new(),
            due: None,
        }
    }

    /// A publisher with this many layers of video begins, or takes over from the
    /// one before. Viewers stay; each goes on with the new publisher's next key frame.
    pub fn publish(&mut self, layers: usize) {
        self.epoch = self.epoch.wrapping_add(1);
        self.publishing = true;
        self.lanes = Lanes::new(self.limits, layers);
        let epoch = self.epoch;
        for (_, viewer) in enumerate(&mut self.viewers) {
            viewer.follow(epoch, layers.max(1) as u8);
        }
    }

    /// The publisher left. Viewers stay and wait.
    pub fn unpublish(&mut self) {
        self.publishing = false;
        for (_, layer) in self.lanes.iter_mut() {
            layer.gop.clear();
            layer.wish = false;
        }
    }

    /// Packets were lost before they came here: viewers go on with the next key frame.
    pub fn gap(&mut self, now: Instant) {
        for (_, layer) in self.lanes.iter_mut() {
            layer.gop.clear();
        }
        for (_, viewer) in enumerate(&mut self.viewers) {
            viewer.wait();
        }
        self.note_waiting(now);
    }

    /// What was made of the picture here is made no more, or anew: its viewers go on with the next
    /// key frame of that. The others notice nothing.
    pub fn forget_made(&mut self, now: Instant) {
        if let Some(layer) = self.lanes.get_mut(MADE) {
            layer.gop.clear();
            (layer.recent, layer.wish) = (Recent::default(), false);
        }
        for (_, viewer) in enumerate(&mut self.viewers).filter(|(_, v)| v.layer() == MADE) {
            viewer.wait();
        }
        self.note_waiting(now);
    }

    /// Packets of the current publisher: they are sent on at once to every viewer
    /// who is up to date, and kept for those who are not. All packets for one
    /// viewer go to the sink in a row.
    pub fn packets<'a>(
        &mut self,
        now: Instant,
        packets: impl IntoIterator<Item = &'a Packet>,
        sink: &mut impl Sink,
    ) {
        if !self.publishing {
            return;
        }
        let packets: Vec<&Packet> = packets.into_iter().collect();
        let mut rest = &packets[..];
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(until_next_group(rest));
            rest = later;
            for packet in batch.iter().filter(|p| p.codec.kind() == Kind::Video) {
                if let Some(layer) = self.lanes.get_mut(packet.layer) {
                    layer.gop.push(now, packet);
                    layer.recent.push(now, packet);
                }
            }
            self.fan_out(now, batch, sink);
        }
        self.note_waiting(now);
    }

    fn fan_out(&mut self, now: Instant, batch: &[&Packet], sink: &mut impl Sink) {
        let lanes = &self.lanes;
        for index in 0..self.viewers.len() {
            if let Some(later) = self.viewers.get(index + SOON) {
                ahead(later);
                sink.soon(ViewerKey((index + SOON) as u32), 0);
            }
            if index + 1 < self.viewers.len() {
                sink.soon(ViewerKey((index + 1) as u32), 1);
            }
            let Some(viewer) = &mut self.viewers[index] else { continue };
            let key = ViewerKey(index as u32);
            let out = &mut |out: Outgoing<'_>| sink.send(key, out);
            for packet in batch {
                match packet.codec.kind() {
                    Kind::Audio if packet.layer == viewer.hears() => viewer.audio(now, packet, out),
                    Kind::Audio => {}
                    Kind::Video if packet.layer == viewer.layer() => {
                        if let Some(layer) = lanes.get(packet.layer) {
                            viewer.video(packet, &layer.gop, out);
                        }
                    }
                    Kind::Video => {}
                }
            }
        }
    }

    /// Looks after viewers who wait: for a cached group that can be used by now, or
    /// for a key frame, which is to be wished for.
    fn note_waiting(&mut self, now: Instant) {
        let mut due = false;
        for viewer in self.viewers.iter_mut().flatten() {
            if let Some(layer) = self.lanes.get(viewer.wanted()) {
                viewer.switch(&layer.gop);
            }
            if !viewer.waits() {
                continue;
            }
            let Some(layer) = self.lanes.get_mut(viewer.layer()) else { continue };
            let takes = viewer.takes(&layer.gop);
            due |= takes;
            layer.wish |= !takes;
        }
        if due {
            self.wake(now);
        }
    }

    fn wake(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// A viewer who can receive from `ready` on. Gets the cached pictures with the
    /// next calls of [`Stream::pump`].
    pub fn add_viewer(&mut self, now: Instant, ready: Instant, layer: u8) -> ViewerKey {
        let layer = self.lanes.nearest(layer);
        let viewer = Viewer::new(self.epoch, layer, ready);
        let free = self.viewers.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.viewers.push(None);
            self.viewers.len() - 1
        });
        self.viewers[index] = Some(viewer);
        self.wake(ready);
        if self.publishing {
            self.note_waiting(now);
        }
        ViewerKey(index as u32)
    }

    /// The viewer is gone; its key may be given to another.
    pub fn remove_viewer(&mut self, key: ViewerKey) {
        if let Some(slot) = self.viewers.get_mut(key.0 as usize) {
            *slot = None;
        }
    }

    /// How many viewers receive.
    pub fn viewers(&self) -> usize {
        self.viewers.iter().flatten().count()
    }

    /// The viewer is to see this layer: from that layer's next key frame on, or
    /// from its cached group if it is to be `at_once` or no key frame comes soon.
    pub fn select(&mut self, now: Instant, key: ViewerKey, layer: u8, at_once: bool) {
        let Some(state) = self.lanes.get_mut(layer) else { return };
        let Some(viewer) = viewer(&mut self.viewers, key) else { return };
        if viewer.select(now, layer, &state.gop, at_once) {
            state.wish = true;
        }
        let late = viewer.switch_late(now, &state.gop);
        if let Some(at) = late {
            self.wake(at);
        }
        self.note_waiting(now);
    }

    /// The viewer is to hear the sound of this lane: the publisher's own, or what was made beside it.
    pub fn hear(&mut self, key: ViewerKey, layer: u8) {
        if let Some(viewer) = viewer(&mut self.viewers, key) {
            viewer.hear(layer);
        }
    }

    /// The viewer cannot go on without a key frame (PLI or FIR). Where the
    /// publisher makes none within a moment, the cached group is played again.
    pub fn lost_picture(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = viewer(&mut self.viewers, key) else { return };
        let again = viewer.lost_picture(now);
        if let Some(layer) = self.lanes.get_mut(viewer.layer()) {
            layer.wish = self.publishing;
        }
        if let Some(at) = again {
            self.wake(at);
        }
    }

    /// The viewer's connection takes less than it is sent, and what waited for it is
    /// dropped: it goes on with the next key frame.
    pub fn fell_behind(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = viewer(&mut self.viewers, key) else { return };
        if let Some(layer) = self.lanes.get(viewer.layer()) {
            viewer.fell_behind(&layer.gop);
        }
        if self.publishing {
            self.note_waiting(now);
        }
    }

    /// Feeds viewers who are behind out of the cache, each a bounded number of
    /// packets.
    pub fn pump(&mut self, now: Instant, sink: &mut impl Sink) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let mut next: Option<Instant> = None;
        for (key, viewer) in enumerate(&mut self.viewers) {
            let wanted = self.lanes.get(viewer.wanted());
            let late = wanted.and_then(|layer| viewer.switch_late(now, &layer.gop));
            let Some(layer) = self.lanes.get(viewer.layer()) else { continue };
            let sink = &mut |out: Outgoing<'_>| sink.send(key, out);
            let again = viewer.pump(now, &layer.gop, &layer.recent, sink);
            next = [next, again, late].into_iter().flatten().min();
        }
        self.due = next;
    }

    /// When [`Stream::pump`] is to be called next.
    pub fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// The layers of which viewers need a key frame; each is told once.
    pub fn take_wishes(&mut self) -> impl Iterator<Item = u8> {
        let publishing = self.publishing;
        self.lanes.iter_mut().filter_map(move |(index, layer)| {
            (std::mem::take(&mut layer.wish) && publishing).then_some(index)
        })
    }

    /// A packet that was sent before, as long as it is kept.
    pub fn stored(&self, origin: Origin) -> Option<&Packet> {
        let layer = self.lanes.get(origin.layer)?;
        let current = origin.epoch == self.epoch;
        let found = layer.recent.get(origin.seq).or_else(|| layer.gop.find(origin.seq));
        found.filter(|_| current)
    }
}

impl Ahead for Stream {
    /// Of its viewers only the first: those after them are asked for as their turn comes.
    fn ahead(&self, depth: u8) {
        if depth == 1 {
            self.viewers.iter().take(SOON).for_each(ahead);
        }
        self.lanes.ahead(depth);
    }
}

/// How many packets come before the next one that begins a group of pictures:
/// those are fanned out under the group they belong to.
fn until_next_group(packets: &[&Packet]) -> usize {
    let begins =
        |window: &[&Packet]| window[1].inspection.key && window[1].timestamp != window[0].timestamp;
    packets.windows(2).position(begins).map_or(packets.len(), |index| index + 1)
}

fn viewer(viewers: &mut [Option<Viewer>], key: ViewerKey) -> Option<&mut Viewer> {
    viewers.get_mut(key.0 as usize)?.as_mut()
}

fn enumerate(viewers: &mut [Option<Viewer>]) -> impl Iterator<Item = (ViewerKey, &mut Viewer)> {
    viewers
        .iter_mut()
        .enumerate()
        .filter_map(|(index, viewer)| Some((ViewerKey(index as u32), viewer.as_mut()?)))
}

#[cfg(test)]
mod tests;
