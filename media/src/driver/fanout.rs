//! What sessions have to say, and what the streams make of it.

use std::time::Instant;

use str0m::Event;
use str0m::rtp::RtpPacket;

use crate::ids::StreamId;
use crate::status::MediaEvent;
use crate::stream::{Outgoing, ViewerKey};
use crate::webrtc::Source;

use super::sessions::{End, Session, Sessions, Slot};
use super::shard::{Shard, guarded};

impl Shard {
    pub(super) fn event(&mut self, now: Instant, slot: Slot, event: Event) {
        match event {
            Event::Connected => self.connected(now, slot),
            Event::RtpPacket(packet) => self.packet(now, slot, packet),
            Event::KeyframeRequest(_) => self.keyframe_wanted(now, slot),
            Event::RawPacket(packet) => {
                let Some(Session { end: End::Viewer { viewer, .. }, dirty, .. }) =
                    self.session(slot)
                else {
                    return;
                };
                if viewer.raw(&packet) && !*dirty {
                    *dirty = true;
                    self.parts().2.push(slot);
                }
            }
            _ => {}
        }
    }

    fn connected(&mut self, now: Instant, slot: Slot) {
        let Some(session) = self.session(slot) else { return };
        session.connected = true;
        let stream = session.stream;
        match &session.end {
            End::Publisher(publisher) => {
                let source = *publisher.source();
                self.take_over(now, stream, slot, source);
            }
            End::Viewer { .. } => self.seat(now, stream, slot),
        }
    }

    /// The new publisher is there: the one before goes, the viewers stay.
    fn take_over(&mut self, now: Instant, stream: StreamId, slot: Slot, source: Source) {
        let entry = self.streams.entry(stream).or_default();
        entry.coming.retain(|coming| *coming != slot);
        let before = entry.publisher.replace(slot);
        entry.source = source;
        entry.stream.publish();
        self.touched.insert(stream);
        if let Some(before) = before.filter(|before| *before != slot) {
            self.end(now, before, "another publisher took over");
        }
    }

    /// A viewer is ready: it gets a place in the stream.
    fn seat(&mut self, now: Instant, stream: StreamId, slot: Slot) {
        let (sessions, streams, _) = self.parts();
        // The stream may have been forgotten meanwhile: its publisher left.
        let entry = streams.entry(stream).or_default();
        let Some(Session { end: End::Viewer { viewer, key }, .. }) = sessions.get(slot) else {
            return;
        };
        let carries = entry.publisher.is_none() || viewer.follow(&entry.source);
        if carries {
            let seat = entry.stream.add_viewer(now);
            *key = Some(seat);
            entry.seat(seat, slot);
            self.touched.insert(stream);
        } else {
            self.end(now, slot, "it cannot carry the publisher's codec");
        }
    }

    fn packet(&mut self, now: Instant, slot: Slot, packet: RtpPacket) {
        let Some(Session { end: End::Publisher(publisher), stream, .. }) = self.session(slot)
        else {
            return;
        };
        let stream = *stream;
        let Some((packet, changed)) = publisher.packet(packet) else { return };
        let (source, confirmed) = (*publisher.source(), *publisher.confirmed());
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        if entry.publisher != Some(slot) {
            return; // replaced meanwhile
        }
        entry.source = source;
        let news = entry.note_live();
        if news {
            self.tell(MediaEvent::Live { stream });
        }
        if changed {
            self.follow(now, stream, &confirmed);
        }
        let (sessions, streams, dirty) = self.parts();
        let Some(entry) = streams.get_mut(&stream) else { return };
        let (core, viewers) = entry.split();
        core.packet(now, packet, &mut |key: ViewerKey, out: Outgoing| {
            deliver(sessions, dirty, viewers, key, out);
        });
        self.touched.insert(stream);
    }

    /// The publisher's encoding is known, or new: viewers whose session cannot
    /// carry it end, so that their clients come again.
    fn follow(&mut self, now: Instant, stream: StreamId, confirmed: &Source) {
        let Some(entry) = self.streams.get(&stream) else { return };
        for slot in entry.seated() {
            if let Some(Session { end: End::Viewer { viewer, .. }, .. }) = self.session(slot)
                && !viewer.follow(confirmed)
            {
                self.end(now, slot, "it cannot carry the publisher's codec");
            }
        }
    }

    /// Feeds viewers who are behind; says whether some still are.
    pub(super) fn pump(&mut self, now: Instant, stream: StreamId) -> bool {
        let (sessions, streams, dirty) = self.parts();
        let Some(entry) = streams.get_mut(&stream) else { return false };
        let (core, viewers) = entry.split();
        core.pump(now, &mut |key: ViewerKey, out: Outgoing| {
            deliver(sessions, dirty, viewers, key, out);
        })
    }

    fn keyframe_wanted(&mut self, now: Instant, slot: Slot) {
        let Some(Session { end: End::Viewer { .. }, stream, .. }) = self.session(slot) else {
            return;
        };
        let stream = *stream;
        if let Some(entry) = self.streams.get_mut(&stream) {
            entry.stream.want_keyframe(now);
            self.touched.insert(stream);
        }
    }

    /// A session is gone from the table: its stream goes on without it.
    pub(super) fn leave(&mut self, slot: Slot, session: &Session) {
        let stream = session.stream;
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        entry.coming.retain(|coming| *coming != slot);
        if let End::Viewer { key: Some(key), .. } = &session.end {
            entry.unseat(*key);
        }
        let was_publisher = entry.publisher == Some(slot);
        if was_publisher {
            entry.publisher = None;
            entry.stream.unpublish();
        }
        if was_publisher {
            self.offline(stream);
        }
        if self.streams.get(&stream).is_some_and(super::streams::Entry::is_empty) {
            self.streams.remove(&stream);
            self.touched.remove(&stream);
        }
    }

    pub(super) fn offline(&mut self, stream: StreamId) {
        let was = self.streams.get_mut(&stream).and_then(|entry| entry.since.take());
        if was.is_some() {
            self.tell(MediaEvent::Offline { stream });
        }
    }
}

/// Queues a packet at a viewer's session, to be sent at the end of the round.
fn deliver(
    sessions: &mut Sessions,
    dirty: &mut Vec<Slot>,
    viewers: &[Option<Slot>],
    key: ViewerKey,
    out: Outgoing,
) {
    let Some(slot) = viewers.get(key.0 as usize).copied().flatten() else { return };
    let Some(session) = sessions.get(slot) else { return };
    let End::Viewer { viewer, .. } = &mut session.end else { return };
    // A panic here leaves the session to be ended by its next wake or its silence.
    let written = guarded(|| Ok(viewer.write(out)));
    if matches!(written, Ok(true)) && !session.dirty {
        session.dirty = true;
        dirty.push(slot);
    }
}
