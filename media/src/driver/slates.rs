//! Slates: what viewers see while nobody publishes a stream whose registration asks for that, or while
//! its publisher sends no picture any more.
//!
//! A slate is no publisher: the media thread gives its packets to the fan-out threads and to nobody
//! else, so that status, events, recordings, stills and composites know nothing of it. A publisher
//! that is still there is heard beside it, and seen again from its next key frame on. A thread of
//! its own draws slates, each once; there is none to draw where nobody watches.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::ids::StreamId;
use crate::rtcp::WallClock;
use crate::rtp::{Kind, PictureSize};
use crate::slate::{Group, Look, MISSED, PERIOD, Slate, draw};
use crate::stream::{Burst, Cache, Packet, Placing};
use crate::webrtc::{Source, TrackFormat};

use super::defects::Serves;
use super::feeds::FeedItem;
use super::jobs::Formats;
use super::sender::Job;
use super::sessions::{Session, Slot};
use super::shard::Shard;
use super::streams::Entry;

/// Slates that wait to be drawn. Beyond, they are asked for again a second later.
const ORDERS: usize = 1_024;

/// What the media thread has for those of all streams.
#[derive(Debug)]
pub(super) struct Slates {
    /// The streams that have one while nobody publishes them, each with the name that it shows.
    wanted: HashMap<StreamId, Arc<str>>,
    /// When the next frame of each that is shown is due. All have one rate, so that they come in
    /// the order in which they were put here.
    due: VecDeque<(Instant, StreamId)>,
    artist: Option<SyncSender<Order>>,
    feeds: mpsc::Sender<FeedItem>,
}

/// What is to be drawn.
#[derive(Debug)]
struct Order {
    stream: StreamId,
    look: Look,
}

/// What was drawn; none where that failed.
pub(super) struct Drawn {
    stream: StreamId,
    look: Look,
    group: Option<Arc<Group>>,
}

/// A stream's part: what it has of a slate.
#[derive(Debug, Default)]
pub(super) struct Stand {
    /// What was asked for last.
    asked: Option<Look>,
    drawn: Option<Arc<Group>>,
    shown: Option<Shown>,
}

/// A slate on the screens.
#[derive(Debug)]
struct Shown {
    slate: Slate,
    /// What newcomers begin with. Not the stream's own: stills and composites look there.
    cache: Cache,
    /// Of each layer. Not the stream's own, which go on if there is a publisher.
    placing: Vec<Placing>,
    due: Instant,
}

impl Slates {
    /// None yet. What is drawn comes back by `feeds`.
    pub(super) fn new(feeds: mpsc::Sender<FeedItem>) -> Self {
        Self { wanted: HashMap::new(), due: VecDeque::new(), artist: None, feeds }
    }

    /// Whether viewers of a stream see a slate while nobody publishes it.
    pub(super) fn are_for(&self, stream: StreamId) -> bool {
        self.wanted.contains_key(&stream)
    }

    /// When the next frame is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due.front().map(|(at, _)| *at)
    }

    fn next(&mut self, now: Instant) -> Option<(Instant, StreamId)> {
        self.due.front().filter(|(at, _)| *at <= now)?;
        self.due.pop_front()
    }

    /// Has a slate drawn. Says whether there was room for the order.
    fn order(&mut self, order: Order) -> bool {
        let Some(artist) = self.artist.as_ref().cloned().or_else(|| self.start()) else {
            return false;
        };
        match artist.try_send(order) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(TrySendError::Disconnected(_)) => {
                self.artist = None; // another one begins with the next order
                false
            }
        }
    }

    fn start(&mut self) -> Option<SyncSender<Order>> {
        let (orders, inbox) = sync_channel(ORDERS);
        let feeds = self.feeds.clone();
        let spawned = std::thread::Builder::new()
            .name("rushes-slates".to_owned())
            .spawn(move || run(&inbox, &feeds));
        if let Err(error) = spawned {
            tracing::error!(%error, "there is no thread to draw slates");
            return None;
        }
        self.artist = Some(orders.clone());
        Some(orders)
    }
}

/// Draws until nobody is left to draw for.
fn run(inbox: &Receiver<Order>, feeds: &mpsc::Sender<FeedItem>) {
    while let Ok(Order { stream, look }) = inbox.recv() {
        let drawn = catch_unwind(AssertUnwindSafe(|| draw(Instant::now(), &look)));
        let group = match drawn {
            Ok(Ok(group)) => Some(Arc::new(group)),
            Ok(Err(error)) => {
                tracing::error!(%stream, %error, "a slate cannot be drawn");
                None
            }
            Err(_) => {
                tracing::error!(%stream, "a defect kept a slate from being drawn");
                None
            }
        };
        if feeds.blocking_send(FeedItem::Slate(Drawn { stream, look, group })).is_err() {
            return;
        }
    }
}

impl Drawn {
    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }
}

impl Stand {
    pub(super) fn is_shown(&self) -> bool {
        self.shown.is_some()
    }

    /// It is shown no more; what comes next need not come after it (see [`Entry::end_slate`]).
    pub(super) fn clear(&mut self) {
        self.shown = None;
    }

    /// What newcomers begin with, if it is shown.
    fn cached(&self) -> Option<Vec<Packet>> {
        self.shown.as_ref().map(|shown| shown.cache.packets())
    }
}

impl Entry {
    /// What a newcomer is sent, or what that is made of; and whether whoever cannot be sent that is
    /// of no use here.
    pub(super) fn sends(&self) -> (Source, bool) {
        match self.publisher {
            _ if self.slate.is_shown() => (self.slate_source(), false),
            Some(_) => (self.source, true),
            None => (Source::default(), false),
        }
    }

    /// What viewers are sent of a slate, and of a publisher that sends no picture beside it.
    fn slate_source(&self) -> Source {
        let audio = self.source.audio.filter(|_| self.publisher.is_some());
        let video = Some(TrackFormat::encoded_here());
        Source { video, audio, single: true, surround: self.source.surround }
    }

    /// What a fan-out thread that has no viewers of the stream yet begins with: layers of the
    /// picture, if there is one, and what is cached.
    pub(super) fn begins_with(&self) -> (Option<usize>, Vec<Packet>) {
        let layers = self.ingest.layers().len();
        match self.slate.cached() {
            Some(cached) => (Some(layers), cached),
            None => (self.publisher.map(|_| layers), self.cache.everything()),
        }
    }

    /// The size of the publisher's picture, also of one that is gone: of the largest layer.
    fn last_size(&self) -> Option<PictureSize> {
        let sizes = self.ingest.layers().filter_map(|layer| layer.size());
        sizes.max_by_key(|size| u64::from(size.width) * u64::from(size.height))
    }

    /// Whether the publisher, or its picture, has been gone for long enough to be missed.
    fn is_away(&self, now: Instant) -> bool {
        let back_soon = |left| now.saturating_duration_since(left) < MISSED;
        match self.publisher {
            Some(_) => self.pace.is_silent(now),
            None => !self.left.is_some_and(back_soon),
        }
    }

    /// The slate is shown no more: what is shown next comes after it.
    pub(super) fn end_slate(&mut self) {
        if let Some(shown) = self.slate.shown.take() {
            self.placing = shown.placing;
            self.placing.iter_mut().for_each(Placing::publish);
        }
    }

    /// A picture has come, under a timestamp that counts the server's clock.
    pub(super) fn note_lag(&mut self, wall: &WallClock, now: Instant, packet: &Packet) {
        if packet.codec.kind() == Kind::Video && packet.marker {
            let ticks = wall.media(now).wrapping_sub(packet.timestamp) as i32;
            let micros = u64::from(ticks.max(0).unsigned_abs()) * 100 / 9;
            self.lag.note(Duration::from_micros(micros));
        }
    }
}

impl Shard {
    /// A stream's viewers are to see a slate with this name while nobody publishes it; none: no
    /// more.
    pub(super) fn set_slate(&mut self, now: Instant, stream: StreamId, title: Option<Arc<str>>) {
        let before = match &title {
            Some(title) => self.slates.wanted.insert(stream, Arc::clone(title)),
            None => self.slates.wanted.remove(&stream),
        };
        if before == title {
            return;
        }
        self.take_slate_away(now, stream);
        self.look_at_slate(now, stream);
    }

    /// A packet of a publisher's picture has come. Where viewers see a slate they see the picture again
    /// from its next key frame on, which the publisher is asked for.
    pub(super) fn picture_comes(&mut self, now: Instant, stream: StreamId, packet: &Packet) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        entry.pace.packet(now, packet.marker);
        if !entry.slate.is_shown() {
            return;
        }
        if packet.inspection.key || packet.inspection.parameters {
            tracing::info!(%stream, "the picture is back");
            self.take_slate_away(now, stream);
        } else {
            entry.ingest.want_keyframe(now, packet.layer);
            self.touched.insert(stream);
        }
    }

    /// If a slate is shown it is no more. Viewers go on with the next key frame of the publisher's, if
    /// there is one.
    fn take_slate_away(&mut self, now: Instant, stream: StreamId) {
        let shown = |entry: &&mut Entry| entry.slate.is_shown();
        let Some(entry) = self.streams.get_mut(&stream).filter(shown) else { return };
        entry.end_slate();
        if entry.publisher.is_none() {
            return self.tell_threads(stream, || Job::Unpublish(stream));
        }
        let (layers, source) = (entry.ingest.layers().len(), entry.source);
        for layer in 0..layers as u8 {
            entry.want_keyframe(now, layer);
        }
        self.touched.insert(stream);
        self.tell_threads(stream, || Job::Publish(stream, layers));
        self.begin_layers(now, stream);
        self.follow(now, stream, &source);
    }

    /// Begins to show slates where that is called for.
    pub(super) fn look_at_slates(&mut self, now: Instant) {
        let called_for = |(stream, entry): &(&StreamId, &Entry)| {
            !entry.viewers.is_empty()
                && !entry.slate.is_shown()
                && entry.is_away(now)
                && self.slates.are_for(**stream)
        };
        let streams: Vec<StreamId> =
            self.streams.iter().filter(called_for).map(|(id, _)| *id).collect();
        for stream in streams {
            self.look_at_slate(now, stream);
        }
    }

    /// The same for one stream.
    pub(super) fn look_at_slate(&mut self, now: Instant, stream: StreamId) {
        let Some(title) = self.slates.wanted.get(&stream).cloned() else { return };
        let Some(entry) = self.streams.get(&stream) else { return };
        if entry.slate.is_shown() || !entry.is_away(now) {
            return;
        }
        let look = Look::new(title, entry.last_size(), entry.publisher.is_some());
        let takers = self.takers(stream);
        let Some(entry) = self.streams.get_mut(&stream).filter(|_| !takers.is_empty()) else {
            return;
        };
        if entry.slate.asked.as_ref() == Some(&look) {
            // Else it is being drawn, or cannot be.
            if let Some(group) = entry.slate.drawn.clone() {
                self.show_slate(now, stream, group, &takers);
            }
            return;
        }
        let order = Order { stream, look: look.clone() };
        if self.slates.order(order) {
            entry.slate.asked = Some(look);
            entry.slate.drawn = None;
        }
    }

    /// A slate was drawn.
    pub(super) fn slate_drawn(&mut self, now: Instant, drawn: Drawn) {
        let Drawn { stream, look, group } = drawn;
        if let Some(entry) = self.streams.get_mut(&stream)
            && entry.slate.asked.as_ref() == Some(&look)
        {
            entry.slate.drawn = group;
            self.look_at_slate(now, stream);
        }
    }

    /// The viewers of a stream that can be sent a slate. The others wait as they would without one.
    fn takers(&mut self, stream: StreamId) -> Vec<(Slot, Formats)> {
        let Some(entry) = self.streams.get(&stream) else { return Vec::new() };
        let (sessions, source) = (&mut self.sessions, entry.slate_source());
        let formats = |slot: &Slot| {
            let viewing = sessions.get(*slot).and_then(Session::viewing)?;
            let formats = viewing.viewer.formats(&source).filter(|(video, _)| video.is_some())?;
            Some((*slot, formats))
        };
        entry.viewers.iter().filter_map(formats).collect()
    }

    fn show_slate(
        &mut self,
        now: Instant,
        stream: StreamId,
        group: Arc<Group>,
        takers: &[(Slot, Formats)],
    ) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        // As many layers as the publisher had: each viewer stays at its own.
        let layers = entry.ingest.layers().len();
        let mut cache = Cache::default();
        cache.publish(layers);
        entry.placing.resize_with(layers, Placing::default);
        let placing = entry.placing.iter().map(Placing::fork).collect();
        let slate = Slate::new(group, now.checked_sub(entry.lag.get()).unwrap_or(now));
        entry.slate.shown = Some(Shown { slate, cache, placing, due: now });
        tracing::info!(%stream, "viewers are shown a slate");
        self.tell_threads(stream, || Job::Publish(stream, layers));
        self.begin_layers(now, stream);
        self.seat_takers(stream, takers);
        self.slate_frame(now, stream, now);
    }

    fn seat_takers(&mut self, stream: StreamId, takers: &[(Slot, Formats)]) {
        for (slot, formats) in takers {
            let Some(viewing) = self.sessions.get(*slot).and_then(Session::viewing) else {
                continue;
            };
            viewing.note_formats(formats);
            if let Some(thread) = viewing.thread {
                self.senders.push(thread, Job::Follow(*slot, *formats));
            }
        }
        self.look_at_surround(stream);
    }

    /// The sound beside a slate is known, or another.
    pub(super) fn follow_sound(&mut self, stream: StreamId) {
        let takers = self.takers(stream);
        self.seat_takers(stream, &takers);
    }

    /// Sends the frames of slates that are due.
    pub(super) fn tick_slates(&mut self, now: Instant) {
        while let Some((at, stream)) = self.slates.next(now) {
            self.contained(now, |shard| shard.slate_frame(now, stream, at));
        }
    }

    fn slate_frame(&mut self, now: Instant, stream: StreamId, at: Instant) {
        self.serves = Some(Serves::Stream(stream));
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let captured = now.checked_sub(entry.lag.get()).unwrap_or(now);
        // One that was shown before, and ended.
        let Some(shown) = entry.slate.shown.as_mut().filter(|shown| shown.due == at) else {
            return;
        };
        shown.due = now + PERIOD;
        self.slates.due.push_back((shown.due, stream));
        let frame = shown.slate.frame(captured);
        for (layer, placing) in (0u8..).zip(&mut shown.placing) {
            for packet in &frame {
                let timestamp = placing.place(&self.wall, packet.captured, packet.timestamp);
                let packet = Packet { layer, timestamp, ..packet.clone() };
                shown.cache.push(now, &packet);
                let burst = Burst::from([packet]);
                for (thread, viewers) in entry.threads.iter().enumerate() {
                    if *viewers > 0 {
                        self.senders.push(thread, Job::Packets(stream, burst.clone()));
                    }
                }
            }
        }
    }
}
