//! A stream: one publisher, many viewers, no sockets and no clock of its own.
//!
//! The core decides which packet goes to whom and under which sequence number
//! and timestamp, keeps the current group of pictures for newcomers, and merges
//! the viewers' wishes for a key frame. What it is given and what it emits are
//! plain packets; whoever drives it does the sending.

mod gop;
mod keyframes;
mod rewrite;
mod viewer;

use std::sync::Arc;
use std::time::Instant;

use crate::rtp::{Codec, Kind, TrackMeter, inspect};

use gop::Gop;
pub use gop::GopLimits;
use keyframes::KeyframeRequests;
use viewer::Viewer;

/// A packet of the publisher.
#[derive(Debug, Clone)]
pub struct Packet {
    /// What it carries.
    pub codec: Codec,
    /// The simulcast layer, 0 being the lowest, or the only one. Each layer has
    /// its own sequence numbers and timestamps.
    pub layer: u8,
    /// Extended sequence number; every packet comes at most once.
    pub seq: u64,
    /// RTP timestamp in the clock of the track's kind.
    pub timestamp: u32,
    /// The marker bit: the end of a frame, or the beginning of a talk spurt.
    pub marker: bool,
    /// What follows the RTP header.
    pub payload: Arc<[u8]>,
    /// The instant that the timestamp stands for, on this machine's clock.
    pub captured: Instant,
}

/// A packet for one viewer.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// What it carries.
    pub codec: Codec,
    /// Extended sequence number; a viewer's first is below 65536.
    pub seq: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// What follows the RTP header.
    pub payload: Arc<[u8]>,
    /// The instant that the timestamp stands for.
    pub captured: Instant,
}

/// A viewer within its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ViewerKey(pub(crate) u32);

/// Takes the packets that leave a [`Stream`].
pub trait Sink {
    /// One packet for one viewer, in the order of sending.
    fn send(&mut self, viewer: ViewerKey, packet: Outgoing);
}

impl<F: FnMut(ViewerKey, Outgoing)> Sink for F {
    fn send(&mut self, viewer: ViewerKey, packet: Outgoing) {
        self(viewer, packet);
    }
}

/// One publisher, many viewers.
#[derive(Debug)]
pub struct Stream {
    /// Grows with every publisher, so that packets of a replaced one are told apart.
    epoch: u64,
    publishing: bool,
    gop: Gop,
    video: TrackMeter,
    audio: TrackMeter,
    viewers: Vec<Option<Viewer>>,
    keyframes: KeyframeRequests,
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
            epoch: 0,
            publishing: false,
            gop: Gop::new(limits),
            video: TrackMeter::new(Kind::Video),
            audio: TrackMeter::new(Kind::Audio),
            viewers: Vec::new(),
            keyframes: KeyframeRequests::default(),
        }
    }

    /// A publisher begins, or takes over from the one before. Viewers stay; each
    /// goes on with the new publisher's next key frame.
    pub fn publish(&mut self) {
        self.epoch += 1;
        self.publishing = true;
        self.gop.clear();
        self.video = TrackMeter::new(Kind::Video);
        self.audio = TrackMeter::new(Kind::Audio);
        self.keyframes = KeyframeRequests::default();
    }

    /// The publisher left. Viewers stay and wait.
    pub fn unpublish(&mut self) {
        self.publishing = false;
        self.gop.clear();
        self.keyframes = KeyframeRequests::default();
    }

    /// The figures of a track of the current (or last) publisher.
    pub fn meter(&self, kind: Kind) -> &TrackMeter {
        match kind {
            Kind::Audio => &self.audio,
            Kind::Video => &self.video,
        }
    }

    /// A packet of the current publisher: it is sent on at once to every viewer
    /// who is up to date, and kept for those who are not.
    pub fn packet(&mut self, now: Instant, packet: Packet, sink: &mut impl Sink) {
        if !self.publishing {
            return;
        }
        let kind = packet.codec.kind();
        let meter = match kind {
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        };
        meter.packet(now, packet.seq, packet.timestamp, packet.payload.len());
        match kind {
            Kind::Audio => self.fan_out_audio(now, &packet, sink),
            Kind::Video => self.video_packet(now, packet, sink),
        }
    }

    fn video_packet(&mut self, now: Instant, packet: Packet, sink: &mut impl Sink) {
        let found = inspect(packet.codec, &packet.payload);
        if found.key {
            self.video.key_frame(now, packet.timestamp);
            self.keyframes.arrived(now);
        }
        if let Some(size) = found.size {
            self.video.picture(size);
        }
        self.gop.push(now, &packet, found);
        for (key, viewer) in enumerate(&mut self.viewers) {
            viewer.video(now, self.epoch, &packet, &self.gop, &mut |out| sink.send(key, out));
        }
        if !self.gop.usable() && self.viewers.iter().flatten().any(|v| v.waits_for_key(self.epoch))
        {
            self.keyframes.want(now);
        }
    }

    fn fan_out_audio(&mut self, now: Instant, packet: &Packet, sink: &mut impl Sink) {
        for (key, viewer) in enumerate(&mut self.viewers) {
            if let Some(out) = viewer.audio(now, self.epoch, packet) {
                sink.send(key, out);
            }
        }
    }

    /// A viewer who is ready to receive. Gets the cached pictures with the next
    /// calls of [`Stream::pump`].
    pub fn add_viewer(&mut self, now: Instant) -> ViewerKey {
        let viewer = Viewer::new();
        let free = self.viewers.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.viewers.push(None);
            self.viewers.len() - 1
        });
        self.viewers[index] = Some(viewer);
        if self.publishing && !self.gop.usable() {
            self.keyframes.want(now);
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

    /// Feeds viewers who are behind out of the cache, each a bounded number of
    /// packets. Returns whether anybody still is behind: call again soon.
    pub fn pump(&mut self, now: Instant, sink: &mut impl Sink) -> bool {
        let mut more = false;
        for (key, viewer) in enumerate(&mut self.viewers) {
            more |= viewer.pump(now, self.epoch, &self.gop, &mut |out| sink.send(key, out));
        }
        more
    }

    /// A viewer asks for a key frame (PLI or FIR).
    pub fn want_keyframe(&mut self, now: Instant) {
        if self.publishing {
            self.keyframes.want(now);
        }
    }

    /// Whether to ask the publisher for a key frame now. Asking is merged and
    /// throttled; `true` counts as asked.
    pub fn poll_keyframe_request(&mut self, now: Instant) -> bool {
        self.publishing && self.keyframes.poll(now)
    }

    /// When [`Stream::poll_keyframe_request`] may next say yes, if a wish is open.
    pub fn keyframe_deadline(&self) -> Option<Instant> {
        if self.publishing { self.keyframes.deadline() } else { None }
    }
}

fn enumerate(viewers: &mut [Option<Viewer>]) -> impl Iterator<Item = (ViewerKey, &mut Viewer)> {
    viewers
        .iter_mut()
        .enumerate()
        .filter_map(|(index, viewer)| Some((ViewerKey(index as u32), viewer.as_mut()?)))
}

#[cfg(test)]
mod tests;
