//! What sessions have to say, and what the streams make of it.

use std::time::Instant;

use crate::egress::Egress;
use crate::ids::StreamId;
use crate::rtp::Kind;
use crate::status::MediaEvent;
use crate::stream::{Burst, MADE, Packet, only};
use crate::webrtc::{PublishedMedia, Publisher, PublisherOutput, Source, ViewerOutput};

use super::defects::Serves;
use super::sender::{Job, Join, Word};
use super::sessions::{End, Session, Slot};
use super::shard::{Shard, guarded};
use super::streams::{Entry, unix_ms};
use super::transcodes::Seat;

impl Shard {
    /// Something a publisher's session says.
    pub(super) fn published(&mut self, now: Instant, slot: Slot, output: PublisherOutput) {
        let Some(session) = self.sessions.get(slot) else { return };
        let stream = session.stream;
        let Some(publisher) = session.publisher() else { return };
        match output {
            PublisherOutput::Transmit(datagram) => {
                if let Some(pair) = publisher.pair() {
                    self.outbox.push(self.socket.outlet(), pair.into(), &datagram);
                }
            }
            PublisherOutput::Connected => {
                let source = *publisher.source();
                session.connected = true;
                self.take_over(now, stream, slot, source);
            }
            PublisherOutput::Lost(layer) => {
                let entry = self.streams.get_mut(&stream);
                if let Some(entry) = entry.filter(|entry| entry.publisher == Some(slot)) {
                    entry.ingest.want_keyframe(now, layer);
                    self.touched.insert(stream);
                }
            }
        }
    }

    /// Something a viewer's session says.
    pub(super) fn output(&mut self, now: Instant, slot: Slot, output: ViewerOutput) {
        let Some(session) = self.sessions.get(slot) else { return };
        let Some(viewing) = session.viewing() else { return };
        let thread = viewing.thread;
        match output {
            ViewerOutput::Transmit(datagram) => {
                if let Some(pair) = viewing.viewer.pair() {
                    self.outbox.push(self.socket.outlet(), pair.into(), &datagram);
                }
            }
            ViewerOutput::Connected => {
                session.connected = true;
                self.seat(now, slot);
            }
            ViewerOutput::Missing { first, following } => {
                if let Some(thread) = thread {
                    self.senders.push(thread, Job::Missing { slot, first, following });
                }
            }
            ViewerOutput::KeyFrame => {
                if let Some(thread) = thread {
                    self.senders.push(thread, Job::KeyFrame(slot));
                }
            }
        }
    }

    /// Something a fan-out thread says.
    pub(super) fn word(&mut self, now: Instant, word: Word) {
        match word {
            Word::KeyFrame(stream, layer) => {
                self.serves = Some(Serves::Stream(stream));
                if let Some(entry) = self.streams.get_mut(&stream) {
                    entry.want_keyframe(now, layer);
                    self.touched.insert(stream);
                }
            }
            Word::Broken(slot) => {
                self.serves = Some(Serves::Session(slot));
                self.end(now, slot, "of a defect");
            }
        }
    }

    /// The new publisher is there: the one before goes, the viewers stay.
    pub(super) fn take_over(&mut self, now: Instant, stream: StreamId, slot: Slot, source: Source) {
        let publisher = self.sessions.get(slot).and_then(Session::publisher);
        let rids = publisher.map(|publisher| publisher.rids()).unwrap_or_default();
        let layers = rids.len().max(1);
        let entry = self.streams.entry(stream).or_default();
        entry.coming.retain(|coming| *coming != slot);
        let before = entry.publisher.replace(slot);
        entry.source = source;
        entry.rids = rids;
        entry.publish(layers);
        self.tape.publish(stream);
        self.taps.publish(stream);
        self.tell_threads(stream, || Job::Publish(stream, layers));
        self.touched.insert(stream);
        self.begin_layers(now, stream);
        if let Some(before) = before.filter(|before| *before != slot) {
            self.end(now, before, "another publisher took over");
        }
    }

    /// Viewers of a new publisher are sent what their threads begin with: the layer
    /// that they had, or the largest there is.
    pub(super) fn begin_layers(&mut self, now: Instant, stream: StreamId) {
        let Some(entry) = self.streams.get(&stream) else { return };
        let most = entry.ingest.layers().len() as u8 - 1;
        for slot in &entry.viewers {
            if let Some(viewing) = self.sessions.get(*slot).and_then(Session::viewing) {
                let layer = viewing.chooser(now).current().min(most);
                viewing.begin(now, layer);
                viewing.made = false;
            }
        }
    }

    /// Gives a job to every thread that has viewers of the stream.
    pub(super) fn tell_threads(&mut self, stream: StreamId, job: impl Fn() -> Job) {
        let Some(entry) = self.streams.get(&stream) else { return };
        let busy = entry.threads.iter().enumerate().filter(|(_, viewers)| **viewers > 0);
        for (thread, _) in busy {
            self.senders.push(thread, job());
        }
    }

    /// A viewer is ready: it gets a place in the stream, on one of the threads.
    fn seat(&mut self, now: Instant, slot: Slot) {
        let Some(session) = self.sessions.get(slot) else { return };
        let stream = session.stream;
        // The stream may have been forgotten meanwhile: its publisher left.
        let entry = self.streams.entry(stream).or_default();
        let Some(viewing) = session.viewing() else { return };
        let (source, needs) = entry.sends();
        let Seat { formats, made } = match entry.seat(&viewing.viewer, &source) {
            Some(seat) => seat,
            None if needs => return self.end(now, slot, "it cannot carry the publisher's codec"),
            None => Seat { formats: (None, None), made: false },
        };
        let counters = viewing.counters.clone();
        let egress = viewing.viewer.take_egress().map(|setup| Egress::new(setup, counters));
        let (Some(Ok(egress)), Some(pair)) = (egress, viewing.viewer.pair()) else {
            return self.end(now, slot, "there are no keys for it");
        };
        let thread = self.senders.choose(&entry.threads);
        viewing.thread = Some(thread);
        viewing.since = unix_ms();
        entry.threads.resize(self.senders.count(), 0);
        if entry.threads[thread] == 0 {
            let (layers, cached) = entry.begins_with();
            self.senders.push(thread, Job::Open { stream, layers, cached });
        }
        entry.threads[thread] += 1;
        entry.expected.remove(&slot);
        entry.viewers.insert(slot);
        let layer = entry.ingest.first_layer(now);
        viewing.begin(now, layer);
        viewing.made = made;
        viewing.note_formats(&formats);
        let layer = if made { MADE } else { layer };
        let join = Join {
            stream,
            slot,
            egress,
            formats,
            route: pair.into(),
            ready: now + viewing.viewer.settles_in(),
            layer,
        };
        self.senders.push(thread, Job::Join(Box::new(join)));
        self.touched.insert(stream);
        self.look_at_slate(now, stream);
        self.look_at_surround(stream);
        if made {
            self.need_beside(now, stream);
        }
    }

    /// A viewer was answered: where it needs something to be made of the picture or of the sound, that
    /// begins, so that it is there when the viewer is.
    pub(super) fn expect_viewer(&mut self, now: Instant, stream: StreamId, slot: Slot) {
        let Some(entry) = self.streams.get(&stream).filter(|entry| entry.publisher.is_some())
        else {
            return;
        };
        let viewing = self.sessions.get(slot).and_then(Session::viewing);
        let Some(viewing) = viewing else { return };
        let Some(Seat { formats, made }) = entry.seat(&viewing.viewer, &entry.source) else {
            return;
        };
        viewing.made = made;
        viewing.note_formats(&formats);
        self.look_at_surround(stream);
        if made {
            self.need_beside(now, stream);
        }
    }

    /// Packets of a publisher's that came together.
    pub(super) fn media(
        &mut self,
        now: Instant,
        slot: Slot,
        media: impl ExactSizeIterator<Item = PublishedMedia>,
    ) {
        if media.len() == 0 {
            return;
        }
        let Some(session) = self.sessions.get(slot) else { return };
        let stream = session.stream;
        let Some(publisher) = session.publisher() else { return };
        let (source, confirmed) = (*publisher.source(), *publisher.confirmed());
        session.sends_media(now);
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        if entry.publisher != Some(slot) {
            return; // replaced meanwhile
        }
        entry.source = source;
        self.is_live(stream);
        let mut packets = Vec::with_capacity(media.len());
        for media in media {
            if media.changed {
                // What came before goes out as it was encoded.
                self.hand_on(now, stream, std::mem::take(&mut packets));
                self.follow(now, stream, &confirmed);
            }
            packets.extend(media.before.map(|before| *before));
            packets.push(media.packet);
        }
        self.hand_on(now, stream, packets);
    }

    /// Media of the stream's publisher arrives.
    pub(super) fn is_live(&mut self, stream: StreamId) {
        if self.streams.get_mut(&stream).is_some_and(Entry::note_live) {
            self.tell(MediaEvent::Live { stream });
        }
    }

    /// Packets of a stream's publisher go to all who take part in the stream.
    pub(super) fn hand_on(&mut self, now: Instant, stream: StreamId, packets: Vec<Packet>) {
        if packets.is_empty() {
            return;
        }
        if self.streams.get(&stream).is_some_and(Entry::goes_through) {
            self.hand_on_together(now, stream, packets);
        } else {
            // One may change what becomes of those after it.
            for packet in packets {
                self.hand_on_together(now, stream, vec![packet]);
            }
        }
        let asks = |entry: &Entry| entry.ingest.keyframe_deadline().is_some();
        if self.streams.get(&stream).is_some_and(asks) {
            self.touched.insert(stream);
        }
    }

    fn hand_on_together(&mut self, now: Instant, stream: StreamId, mut packets: Vec<Packet>) {
        for packet in &mut packets {
            if packet.codec.kind() == Kind::Video {
                self.picture_comes(now, stream, packet);
            }
            let Some(entry) = self.streams.get_mut(&stream) else { return };
            entry.place(&self.wall, packet);
            entry.ingest.packet(now, packet);
            #[cfg(test)]
            super::tests::defect_at(packet);
        }
        let burst = Burst::from(packets);
        self.tape_packets(now, stream, &burst);
        let left = self.transcode_packets(now, stream, burst);
        self.fan_out(now, stream, &left);
    }

    /// Packets go to the threads that have viewers of the stream, and to composites.
    pub(super) fn fan_out(&mut self, now: Instant, stream: StreamId, burst: &Burst) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        for packet in burst.iter() {
            entry.note_lag(&self.wall, now, packet);
            entry.cache.push(now, packet);
        }
        // In the place of the picture viewers see a slate; the sound they hear.
        let shown = entry.slate.is_shown();
        let seen = only(burst, |packet| packet.codec.kind() == Kind::Audio || !shown);
        for (thread, viewers) in entry.threads.iter().enumerate() {
            if !seen.is_empty() && *viewers > 0 {
                self.senders.push(thread, Job::Packets(stream, seen.clone()));
            }
        }
        self.tap_packets(now, stream, burst);
    }

    /// The publisher's encoding is known, or new: viewers are sent what they take of it, or what is
    /// made of it. Those whose session cannot carry either end, so that their clients come again.
    pub(super) fn follow(&mut self, now: Instant, stream: StreamId, confirmed: &Source) {
        let Some(entry) = self.streams.get(&stream) else { return };
        if entry.slate.is_shown() {
            // They take what that is made of, and follow when the picture is back.
            return self.follow_sound(stream);
        }
        let mut needed = false;
        let seated: Vec<(Slot, Option<Seat>)> = entry
            .viewers
            .iter()
            .filter_map(|slot| {
                let viewing = self.sessions.get(*slot).and_then(Session::viewing)?;
                Some((*slot, entry.seat(&viewing.viewer, confirmed)))
            })
            .collect();
        for (slot, seat) in seated {
            let Some(viewing) = self.sessions.get(slot).and_then(Session::viewing) else {
                continue;
            };
            match (seat, viewing.thread) {
                (Some(Seat { formats, made }), Some(thread)) => {
                    needed |= made;
                    viewing.note_formats(&formats);
                    self.senders.push(thread, Job::Follow(slot, formats));
                    if std::mem::replace(&mut viewing.made, made) != made {
                        let own = viewing.chooser(now).current();
                        let layer = if made { MADE } else { own };
                        self.senders.push(thread, Job::Select { slot, layer, at_once: true });
                    }
                }
                (None, _) => self.end(now, slot, "it cannot carry the publisher's codec"),
                _ => {}
            }
        }
        self.look_at_surround(stream);
        if needed {
            self.need_beside(now, stream);
        }
    }

    /// Asks publishers for the key frames that viewers need.
    pub(super) fn ask_keyframes(&mut self, now: Instant, stream: StreamId) -> Option<Instant> {
        let entry = self.streams.get_mut(&stream)?;
        let layers = entry.ingest.poll_keyframe_requests(now);
        if let (false, Some(slot)) = (layers.is_empty(), entry.publisher) {
            if let Some(End::Feed(end)) = self.sessions.get(slot).map(|session| &session.end) {
                end.want_keyframe();
            }
            let publisher = self.sessions.get(slot).and_then(Session::publisher);
            let asked = guarded(|| {
                let each = |publisher: &mut Publisher| {
                    layers.iter().for_each(|layer| publisher.request_keyframe(now, *layer));
                };
                publisher.map(each);
                Ok(())
            });
            match asked {
                Ok(()) => self.drain(now, slot),
                Err(reason) => self.end(now, slot, reason),
            }
        }
        self.streams.get(&stream)?.ingest.keyframe_deadline()
    }

    /// A session is gone from the table: its stream goes on without it.
    pub(super) fn leave(&mut self, now: Instant, slot: Slot, session: &Session) {
        let stream = session.stream;
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        entry.coming.retain(|coming| *coming != slot);
        entry.expected.remove(&slot);
        if let End::Viewer(viewing) = &session.end
            && let Some(thread) = viewing.thread
        {
            entry.viewers.remove(&slot);
            entry.threads[thread] -= 1;
            self.senders.push(thread, Job::Leave(slot));
            self.senders.release(thread);
            if entry.threads[thread] == 0 {
                self.senders.push(thread, Job::Forget(stream));
            }
            if entry.viewers.is_empty() {
                entry.end_slate();
            }
        }
        if entry.publisher == Some(slot) {
            entry.publisher = None;
            entry.left = Some(now);
            entry.transcode = None;
            entry.ingest.unpublish();
            entry.cache.publish(1);
            // A slate that is shown already goes on.
            if !entry.slate.is_shown() {
                self.tell_threads(stream, || Job::Unpublish(stream));
            }
            self.offline(stream);
        }
        if self.streams.get(&stream).is_some_and(Entry::is_empty) {
            self.streams.remove(&stream);
            self.touched.remove(&stream);
        }
        if matches!(session.end, End::Viewer(_)) {
            self.look_at_surround(stream);
        }
    }

    pub(super) fn offline(&mut self, stream: StreamId) {
        let was = self.streams.get_mut(&stream).and_then(|entry| entry.since.take());
        if was.is_some() {
            self.tell(MediaEvent::Offline { stream });
        }
    }
}
