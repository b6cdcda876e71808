//! What a caller sends, on its way to the media thread.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::feed::Feed;
use crate::ids::{SessionId, StreamId};

use super::super::feeds::FeedItem;
use super::super::ffmpeg::Ffmpeg;
use super::super::outgoing::Outgoing;

/// A caller that publishes.
pub(super) struct Publishing {
    pub(super) outgoing: Outgoing,
    feed: Feed,
}

impl Publishing {
    pub(super) fn new(
        id: SessionId,
        stream: StreamId,
        feeds: mpsc::Sender<FeedItem>,
        gone: Arc<AtomicBool>,
        ffmpeg: Option<Ffmpeg>,
    ) -> Self {
        Self { outgoing: Outgoing::new(id, stream, feeds, gone, ffmpeg), feed: Feed::new() }
    }

    /// What is wrong with the stream, in words.
    pub(super) fn problems(&self) -> Vec<String> {
        self.feed.problems().iter().cloned().chain(self.outgoing.problem()).collect()
    }

    pub(super) fn frames_lost(&self) -> u64 {
        self.feed.lost()
    }

    /// Takes bytes of the transport stream.
    pub(super) fn take(&mut self, now: Instant, payload: &[u8]) {
        let Self { outgoing, feed } = self;
        feed.push(now, payload, |made| outgoing.take(made));
    }
}
