//! What the server asks of the media thread.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::watch;

use crate::error::{SelectError, TrickleError};
use crate::ids::{SessionId, StreamId};
use crate::status::{Feed, Layer, LayerChoice, Transport, ViewerStatus};
use crate::stream::Packet;
use crate::transcode::TranscodeRefusal;
use crate::webrtc::{Fragment, Source};

use super::defects::Serves;
use super::sender::Job;
use super::sessions::short;
use super::sessions::{End, Session, Slot};
use super::shard::Shard;
use super::{Attach, Command, Trickled, new_etag};

/// What a stream's publisher sends, as far as it is known.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) source: Source,
    /// What those are sent who do not take that, or why there is nothing else.
    pub(super) instead: Option<(Source, Option<TranscodeRefusal>)>,
    /// Who watches sees something: the publisher is connected, or there is a slate as long as it is
    /// still to come.
    pub(super) is_shown: bool,
}

impl Described {
    /// Nobody publishes, and who watches sees a slate.
    fn slate() -> Self {
        Self { source: Source::default(), instead: None, is_shown: true }
    }
}

impl Shard {
    pub(super) fn command(&mut self, now: Instant, command: Command) {
        self.serves = self.served_by(&command);
        // Whoever asked may have given up meanwhile: nobody then misses the answer.
        match command {
            Command::Describe(stream, reply) => {
                let _ = reply.send(self.describe(now, stream));
            }
            Command::Attach(attach) => self.attach(now, *attach),
            Command::Trickle(session, fragment, reply) => {
                let _ = reply.send(self.trickle(now, session, fragment));
            }
            Command::Select(session, choice, reply) => {
                let _ = reply.send(self.select(now, session, choice));
            }
            Command::Feed(session, reply) => {
                let _ = reply.send(self.feed(now, session));
            }
            Command::Close(session, reply) => {
                let _ = reply.send(self.close(now, session));
            }
            Command::CloseStream(stream, reply) => {
                for slot in self.sessions.slots(|session| session.stream == stream) {
                    self.end(now, slot, "its stream was closed");
                }
                let _ = reply.send(());
            }
            Command::ClosePublisher(stream, reply) => {
                let _ = reply.send(self.close_publisher(now, stream));
            }
            Command::Status(stream, reply) => {
                #[cfg(test)]
                super::tests::defect_in(stream);
                let status = self.streams.get(&stream).map(|entry| entry.status(now));
                let _ = reply.send(status.unwrap_or_default());
            }
            Command::Viewers(stream, reply) => {
                let _ = reply.send(self.viewers(now, stream));
            }
            Command::Reconnect(reply) => {
                self.draining = true;
                self.tell_feeds(now);
                let _ = reply.send(());
            }
            Command::Watching(reply) => {
                let views = |session: &Session| matches!(session.end, End::Viewer(_));
                let _ = reply.send(self.sessions.slots(views).len());
            }
            Command::Answer(reply) => {
                let _ = reply.send(self.senders.are_whole());
            }
            Command::Meeting(order) => self.order(now, order),
            Command::Tape(order) => self.tape_order(now, order),
            Command::Tap(order) => self.tap_order(now, order),
            Command::Slate(stream, title, reply) => {
                self.set_slate(now, stream, title);
                let _ = reply.send(());
            }
            Command::KeyFrame(stream, reply) => {
                let _ = reply.send(self.key_frame(now, stream));
            }
            Command::Shutdown(_) => {}
        }
    }

    /// Whom a command is about.
    fn served_by(&self, command: &Command) -> Option<Serves> {
        match command {
            Command::Trickle(session, ..)
            | Command::Select(session, ..)
            | Command::Feed(session, _)
            | Command::Close(session, _) => self.sessions.find(*session).map(Serves::Session),
            Command::Describe(stream, _)
            | Command::Status(stream, _)
            | Command::Viewers(stream, _)
            | Command::Slate(stream, ..)
            | Command::KeyFrame(stream, _) => Some(Serves::Stream(*stream)),
            _ => None,
        }
    }

    /// The packets of a stream's last key frame, in its largest layer.
    fn key_frame(&mut self, now: Instant, stream: StreamId) -> Vec<Packet> {
        let Some(entry) = self.streams.get(&stream) else { return Vec::new() };
        entry.cache.key_frame(entry.ingest.first_layer(now))
    }

    fn describe(&mut self, now: Instant, stream: StreamId) -> Option<Described> {
        // Whether there is something else for who does not take it.
        self.need_beside(now, stream);
        let slate = self.slates.are_for(stream);
        let nobody = slate.then(Described::slate);
        let Some(entry) = self.streams.get(&stream) else { return nobody };
        let is_there = entry.publisher.is_some();
        if !is_there && entry.coming.is_empty() {
            return nobody;
        }
        let (source, instead) = (entry.shows(entry.source), entry.instead(&entry.source));
        Some(Described { source, instead, is_shown: is_there || slate })
    }

    fn attach(&mut self, now: Instant, attach: Attach) {
        let Attach { id, stream, end, permit, done } = attach;
        let entry = self.streams.entry(stream).or_default();
        let publisher = match &end {
            End::Publisher(publisher) => Some(*publisher.source()),
            End::Viewer(_) | End::Member(_) | End::Feed(_) => None,
        };
        if let (Some(source), None) = (publisher, entry.publisher) {
            entry.source = source;
        }
        let slot = self.sessions.insert(Session::new(now, id, stream, end, permit));
        self.serves = Some(Serves::Session(slot));
        let entry = self.streams.entry(stream).or_default();
        match publisher {
            Some(_) => {
                if let Some(given_up) = entry.expect(slot) {
                    self.end(now, given_up, "others came after it before it was connected");
                }
            }
            None => {
                entry.expected.insert(slot);
                self.expect_viewer(now, stream, slot);
            }
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        tracing::debug!(session = %short(id), %stream, publisher = publisher.is_some(), "a session was answered");
        self.wake(now, slot);
        if done.send(()).is_err() {
            self.end(now, slot, "its client gave up");
        }
    }

    fn trickle(
        &mut self,
        now: Instant,
        session: SessionId,
        fragment: Fragment,
    ) -> Result<Trickled, TrickleError> {
        let slot = self.sessions.find(session).ok_or(TrickleError::NoSession)?;
        let session = self.sessions.get(slot).ok_or(TrickleError::NoSession)?;
        session.heard(now);
        let ufrag = fragment.ufrag.filter(|ufrag| Some(ufrag.as_str()) != session.remote_ufrag());
        // Its password is for checks of ours, and a lite agent makes none.
        let Some(ufrag) = ufrag else { return Ok(Trickled::Taken) };
        let before = session.local_ufrag().unwrap_or_default().to_owned();
        let fragment = match &mut session.end {
            End::Publisher(publisher) => publisher.restart(ufrag),
            End::Viewer(viewing) => viewing.viewer.restart(ufrag),
            // They join again instead, or there is no ICE.
            End::Member(_) | End::Feed(_) => return Err(TrickleError::NoSession),
        };
        self.sessions.renamed(slot, before);
        Ok(Trickled::Restarted { fragment, etag: new_etag() })
    }

    fn select(
        &mut self,
        now: Instant,
        session: SessionId,
        choice: LayerChoice,
    ) -> Result<(), SelectError> {
        let slot = self.sessions.find(session).ok_or(SelectError::NoSession)?;
        let session = self.sessions.get(slot).ok_or(SelectError::NoSession)?;
        let stream = session.stream;
        let viewing = session.viewing().ok_or(SelectError::NoSession)?;
        let entry = self.streams.get(&stream).ok_or(SelectError::NoSession)?;
        let layers = entry.layers(now);
        let chooser = viewing.chooser(now);
        if !chooser.choose(choice, &layers) {
            return Err(SelectError::NoLayer);
        }
        self.look_at_layer(now, slot, &layers);
        Ok(())
    }

    /// Changes a viewer's layer if that is called for.
    pub(super) fn look_at_layer(&mut self, now: Instant, slot: Slot, layers: &[Layer]) {
        let Some(viewing) = self.sessions.get(slot).and_then(Session::viewing) else { return };
        if viewing.made {
            return;
        }
        let network = viewing.network(now);
        let change = viewing.chooser(now).look(now, layers, network);
        if let (Some(change), Some(thread)) = (change, viewing.thread) {
            let job = Job::Select { slot, layer: change.layer, at_once: change.at_once };
            self.senders.push(thread, job);
        }
    }

    /// Looks at the layers of all streams that have several.
    pub(super) fn look_at_layers(&mut self, now: Instant) {
        let several = |(_, entry): &(&StreamId, &super::streams::Entry)| {
            entry.publisher.is_some() && entry.ingest.layers().len() > 1
        };
        let streams: Vec<StreamId> =
            self.streams.iter().filter(several).map(|(id, _)| *id).collect();
        for stream in streams {
            self.serves = Some(Serves::Stream(stream));
            let Some(entry) = self.streams.get(&stream) else { continue };
            let layers = entry.layers(now);
            let viewers: Vec<Slot> = entry.viewers.iter().copied().collect();
            for slot in viewers {
                self.look_at_layer(now, slot, &layers);
            }
        }
    }

    fn feed(&mut self, now: Instant, session: SessionId) -> Option<watch::Receiver<Feed>> {
        let slot = self.sessions.find(session)?;
        let stream = self.sessions.get(slot)?.stream;
        let reconnect = self.draining;
        let entry = self.streams.get_mut(&stream)?;
        let feed = Feed { reconnect, ..entry.feed(now) };
        Some(entry.followers.get_or_insert_with(|| watch::Sender::new(feed)).subscribe())
    }

    /// Tells those who follow a stream what has changed.
    pub(super) fn tell_feeds(&mut self, now: Instant) {
        let reconnect = self.draining;
        for (stream, entry) in &mut self.streams {
            self.serves = Some(Serves::Stream(*stream));
            let Some(followers) = &entry.followers else { continue };
            if followers.is_closed() {
                entry.followers = None;
                continue;
            }
            let feed = Feed { reconnect, ..entry.feed(now) };
            followers.send_if_modified(|told| {
                let news = feed.is_news(told);
                if news {
                    *told = feed;
                }
                news
            });
        }
    }

    fn viewers(&mut self, now: Instant, stream: StreamId) -> Vec<ViewerStatus> {
        let Some(entry) = self.streams.get(&stream) else { return Vec::new() };
        let layers = entry.layers(now);
        let mut all: Vec<ViewerStatus> = Vec::with_capacity(entry.viewers.len());
        for slot in &entry.viewers {
            let Some(session) = self.sessions.get(*slot) else { continue };
            let id = session.id;
            let Some(viewing) = session.viewing() else { continue };
            let several = layers.len() > 1;
            let layer = usize::from(viewing.chooser(now).current());
            let reception = &viewing.viewer.reception;
            let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
            all.push(ViewerStatus {
                session: short(id),
                since: viewing.since,
                transport: viewing.viewer.pair().map(|pair| match pair.tcp {
                    None => Transport::Udp,
                    Some(_) => Transport::Tcp,
                }),
                packets: count(&viewing.counters.packets),
                bytes: count(&viewing.counters.bytes),
                retransmitted: count(&viewing.counters.again),
                lost: reception.lost(),
                loss: reception.loss,
                jitter: reception.jitter,
                rtt: reception.rtt,
                nacks: reception.nacks,
                plis: reception.plis,
                bandwidth: reception.estimate(now),
                layer: layers.get(layer).filter(|_| several).map(|layer| layer.rid.clone()),
            });
        }
        all.sort_by_key(|viewer| viewer.since);
        all
    }

    fn close_publisher(&mut self, now: Instant, stream: StreamId) -> bool {
        let publishes = |session: &Session| {
            session.stream == stream && matches!(session.end, End::Publisher(_) | End::Feed(_))
        };
        let slots = self.sessions.slots(publishes);
        for slot in &slots {
            self.end(now, *slot, "its source was stopped");
        }
        !slots.is_empty()
    }

    fn close(&mut self, now: Instant, session: SessionId) -> bool {
        match self.sessions.find(session) {
            Some(slot) => {
                self.end(now, slot, "it was closed");
                true
            }
            None => self.sessions.ended(session),
        }
    }
}
