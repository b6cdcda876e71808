//! A picture that ffmpeg decodes, and that is encoded here.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use crate::picture::Encoding;
use crate::stream::Packet;
use crate::transcode::{Convert, Counted, Pictures, Relay};

use super::super::decoding::Decoding;
use super::super::ffmpeg::Ffmpeg;
use super::Item;

/// A picture's way through ffmpeg.
pub(super) struct Outside {
    decoding: Decoding,
    relay: Relay,
}

impl Outside {
    /// One that has started nothing. `items` is what wakes the thread when something has come.
    pub(super) fn new(aim: Encoding, ffmpeg: Ffmpeg, items: SyncSender<Item>) -> Self {
        let wake = move || {
            // With a full inbox the thread is awake.
            let _ = items.try_send(Item::Woken);
        };
        Self { decoding: Decoding::new(ffmpeg, Arc::new(wake)), relay: Relay::new(aim) }
    }
}

impl Convert for Outside {
    fn begin(&mut self, after: u32) {
        self.relay.begin(after, self.decoding.track());
    }

    fn has_begun(&self) -> bool {
        self.relay.has_begun()
    }

    fn sees(&self) -> bool {
        self.decoding.track().sees()
    }

    fn waits(&self) -> bool {
        self.decoding.track().waits()
    }

    fn gap(&mut self) {
        self.decoding.gap();
    }

    fn want_key(&mut self, now: Instant) {
        self.relay.want_key(now);
    }

    fn aim(&mut self, encoding: Encoding) {
        self.relay.aim(encoding);
    }

    fn counted(&self) -> Counted {
        self.relay.counted(self.decoding.track())
    }

    fn packet(&mut self, now: Instant, packet: &Packet) -> Pictures {
        self.relay.packet(packet);
        let seen = self.decoding.packet(now, packet)?;
        self.relay.seen(now, seen)
    }

    fn tick(&mut self, now: Instant) -> Pictures {
        let seen = self.decoding.tick(now)?;
        self.relay.seen(now, seen)
    }

    fn outputs(&mut self, now: Instant) -> Pictures {
        let seen = self.decoding.outputs(now)?;
        self.relay.seen(now, seen)
    }
}

#[cfg(test)]
mod tests;
