//! Publishers that are no WebRTC sessions: whoever receives them hands their packets over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::ids::{SessionId, StreamId};
use crate::rtp::Codec;
use crate::stream::Packet;
use crate::webrtc::Source;

use super::defects::Serves;
use super::sessions::short;
use super::sessions::{End, Session};
use super::shard::Shard;
use super::slates::Drawn;
use super::transcodes::Transcoded;

/// Items that wait for the shard, most of them frames: some seconds of a stream. Beyond, whoever
/// has one leaves it out, and goes on with the next key frame.
pub(super) const ITEMS: usize = 512;

/// What a receiver hands over.
pub(super) enum FeedItem {
    /// A publisher is there: it takes its stream over.
    Begin(Box<Begin>),
    /// Its tracks are known, or others; and what becomes true while viewers take its six channels.
    Source(SessionId, Source, Arc<AtomicBool>),
    /// Packets of it; none, when it sends what there are none of.
    Packets(SessionId, Vec<Packet>),
    /// It is gone.
    End(SessionId),
    /// What was made of a publisher's picture.
    Transcoded(Transcoded),
    /// What viewers are shown while nobody publishes.
    Slate(Drawn),
}

/// A new publisher.
pub(super) struct Begin {
    id: SessionId,
    stream: StreamId,
    permit: OwnedSemaphorePermit,
    end: FeedEnd,
}

/// The shard's end of a publisher: when it goes, the receiver is to end its connection.
#[derive(Debug)]
pub(super) struct FeedEnd {
    gone: Arc<AtomicBool>,
    /// Becomes true when a key frame is wanted, where somebody can make one.
    key: Option<Arc<AtomicBool>>,
    /// Becomes true while viewers take six channels, where it can make them.
    surround: Option<Arc<AtomicBool>>,
}

impl FeedEnd {
    /// The end, and what becomes true when it goes.
    fn new(key: Option<Arc<AtomicBool>>) -> (Self, Arc<AtomicBool>) {
        let gone = Arc::new(AtomicBool::new(false));
        (Self { gone: Arc::clone(&gone), key, surround: None }, gone)
    }

    /// Viewers need a key frame.
    pub(super) fn want_keyframe(&self) {
        if let Some(key) = &self.key {
            key.store(true, Ordering::Relaxed);
        }
    }

    /// Whether viewers take six channels of its sound.
    pub(super) fn want_surround(&self, wanted: bool) {
        if let Some(surround) = &self.surround {
            surround.store(wanted, Ordering::Relaxed);
        }
    }
}

impl Drop for FeedEnd {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

/// Where a receiver says who publishes and who is gone.
pub(super) struct Register {
    feeds: mpsc::Sender<FeedItem>,
    room: Arc<Semaphore>,
    /// Who is gone while the shard had no room to hear of it, which it has to.
    unsaid: VecDeque<SessionId>,
}

impl Register {
    pub(super) fn new(feeds: mpsc::Sender<FeedItem>, room: Arc<Semaphore>) -> Self {
        Self { feeds, room, unsaid: VecDeque::new() }
    }

    /// A place among all publishers, if there is one.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    /// A new publisher: its session, what it sends by, and what becomes true when it is to go. That is
    /// at once where the shard has no room for it.
    pub(super) fn begin(
        &self,
        stream: StreamId,
        permit: OwnedSemaphorePermit,
    ) -> (SessionId, mpsc::Sender<FeedItem>, Arc<AtomicBool>) {
        self.begin_with(stream, permit, None)
    }

    /// The same for a publisher that makes a key frame whenever `key` is true.
    pub(super) fn begin_with(
        &self,
        stream: StreamId,
        permit: OwnedSemaphorePermit,
        key: Option<Arc<AtomicBool>>,
    ) -> (SessionId, mpsc::Sender<FeedItem>, Arc<AtomicBool>) {
        let id = SessionId::random();
        let (end, gone) = FeedEnd::new(key);
        let begin = Begin { id, stream, permit, end };
        if self.feeds.try_send(FeedItem::Begin(Box::new(begin))).is_err() {
            tracing::warn!(%stream, "the media thread takes no publisher");
        }
        (id, self.feeds.clone(), gone)
    }

    /// A publisher is gone.
    pub(super) fn end(&mut self, id: SessionId) {
        self.unsaid.push_back(id);
        self.say();
    }

    /// Says what could not be said before.
    pub(super) fn say(&mut self) {
        while let Some(id) = self.unsaid.front() {
            if matches!(self.feeds.try_send(FeedItem::End(*id)), Err(TrySendError::Full(_))) {
                return;
            }
            self.unsaid.pop_front();
        }
    }

    /// Whether all is said.
    pub(super) fn is_done(&self) -> bool {
        self.unsaid.is_empty()
    }
}

impl Shard {
    pub(super) fn feed_item(&mut self, now: Instant, item: FeedItem) {
        match item {
            FeedItem::Begin(begin) => self.begin_feed(now, *begin),
            FeedItem::Source(id, source, surround) => {
                self.feed_source(now, id, (source, surround));
            }
            FeedItem::Packets(id, packets) => self.feed_packets(now, id, packets),
            FeedItem::Transcoded(made) => {
                self.serves = Some(Serves::Stream(made.stream));
                self.transcoded(now, made);
            }
            FeedItem::Slate(drawn) => {
                self.serves = Some(Serves::Stream(drawn.stream()));
                self.slate_drawn(now, drawn);
            }
            FeedItem::End(id) => {
                if let Some(slot) = self.sessions.find(id) {
                    self.serves = Some(Serves::Session(slot));
                    self.end(now, slot, "its connection ended");
                }
            }
        }
    }

    fn begin_feed(&mut self, now: Instant, begin: Begin) {
        let Begin { id, stream, permit, end } = begin;
        let mut session = Session::new(now, id, stream, End::Feed(end), permit);
        session.connected = true;
        let slot = self.sessions.insert(session);
        self.serves = Some(Serves::Session(slot));
        tracing::debug!(session = %short(id), %stream, "a publisher is connected");
        let source = Source { single: true, ..Source::default() };
        self.take_over(now, stream, slot, source);
    }

    fn feed_source(
        &mut self,
        now: Instant,
        id: SessionId,
        (source, surround): (Source, Arc<AtomicBool>),
    ) {
        let Some(slot) = self.sessions.find(id) else { return };
        self.serves = Some(Serves::Session(slot));
        let Some(session) = self.sessions.get(slot) else { return };
        let stream = session.stream;
        if let End::Feed(end) = &mut session.end {
            end.surround = Some(surround);
        }
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        if entry.publisher == Some(slot) {
            entry.source = source;
            self.follow(now, stream, &source);
        }
    }

    fn feed_packets(&mut self, now: Instant, id: SessionId, packets: Vec<Packet>) {
        let Some(slot) = self.sessions.find(id) else { return };
        self.serves = Some(Serves::Session(slot));
        let Some(session) = self.sessions.get(slot) else { return };
        session.sends_media(now);
        let stream = session.stream;
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        if entry.publisher != Some(slot) || packets.is_empty() {
            return; // replaced meanwhile, or there is nothing to hand on
        }
        self.is_live(stream);
        let is_surround = |packet: &Packet| packet.codec == Codec::MultiOpus;
        let (surround, packets) = packets.into_iter().partition(is_surround);
        self.hand_on(now, stream, packets);
        self.hand_on_surround(stream, surround);
    }
}
