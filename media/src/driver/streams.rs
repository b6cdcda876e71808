//! The streams of a shard, each with the sessions at its two ends.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::rtp::{Kind, TrackMeter};
use crate::status::{AudioStatus, StreamState, StreamStatus, VideoStatus};
use crate::stream::{Stream, ViewerKey};
use crate::webrtc::Source;

use super::sessions::Slot;

/// Without media for this long, a stream does not count as live.
const FRESH: Duration = Duration::from_secs(3);
/// Publishers of one stream that are answered and not connected yet. Beyond, the
/// oldest is given up: its client has long tried again.
const COMING: usize = 4;
/// Without media for this long, a stream is said to be offline.
pub(super) const SILENT: Duration = Duration::from_secs(5);

/// A stream and who is at its ends.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) stream: Stream,
    pub(super) publisher: Option<Slot>,
    /// Publishers that are answered and not connected yet.
    pub(super) coming: Vec<Slot>,
    /// The viewers by their key.
    viewers: Vec<Option<Slot>>,
    pub(super) source: Source,
    /// Since when media arrives, in unix milliseconds.
    pub(super) since: Option<i64>,
}

impl Entry {
    /// A publisher was answered. Says which other is given up for it.
    pub(super) fn expect(&mut self, slot: Slot) -> Option<Slot> {
        self.coming.push(slot);
        (self.coming.len() > COMING).then(|| self.coming.remove(0))
    }

    pub(super) fn seat(&mut self, key: ViewerKey, slot: Slot) {
        let index = key.0 as usize;
        if self.viewers.len() <= index {
            self.viewers.resize(index + 1, None);
        }
        self.viewers[index] = Some(slot);
    }

    pub(super) fn unseat(&mut self, key: ViewerKey) {
        if let Some(seat) = self.viewers.get_mut(key.0 as usize) {
            *seat = None;
        }
        self.stream.remove_viewer(key);
    }

    /// The stream, and the way from its viewers to their sessions.
    pub(super) fn split(&mut self) -> (&mut Stream, &[Option<Slot>]) {
        (&mut self.stream, &self.viewers)
    }

    pub(super) fn seated(&self) -> Vec<Slot> {
        self.viewers.iter().flatten().copied().collect()
    }

    /// Nobody is at either end.
    pub(super) fn is_empty(&self) -> bool {
        self.publisher.is_none()
            && self.coming.is_empty()
            && self.viewers.iter().all(Option::is_none)
    }

    /// When the last packet came, of either track.
    pub(super) fn last_packet(&self) -> Option<Instant> {
        let at = |kind| self.stream.meter(kind).last_packet();
        at(Kind::Audio).max(at(Kind::Video))
    }

    /// Media arrives: says whether that is news.
    pub(super) fn note_live(&mut self) -> bool {
        let news = self.since.is_none();
        if news {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.since = Some(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        }
        news
    }

    pub(super) fn status(&self, now: Instant) -> StreamStatus {
        let fresh = |meter: &TrackMeter| {
            meter.last_packet().is_some_and(|at| now.saturating_duration_since(at) < FRESH)
        };
        let (video, audio) = (self.stream.meter(Kind::Video), self.stream.meter(Kind::Audio));
        let state = match self.publisher {
            Some(_) if fresh(video) || fresh(audio) => StreamState::Live,
            Some(_) => StreamState::Connecting,
            None if !self.coming.is_empty() => StreamState::Connecting,
            None => StreamState::Waiting,
        };
        let shown = |meter: &TrackMeter| self.publisher.is_some() && meter.packets() > 0;
        StreamStatus {
            state,
            video: self.source.video.filter(|_| shown(video)).map(|format| VideoStatus {
                codec: format.codec,
                width: video.size().map(|s| s.width),
                height: video.size().map(|s| s.height),
                fps: video.frame_rate(now),
                bitrate: video.bit_rate(now),
                keyframe_interval: video.key_interval().map(|i| i.as_secs_f64()),
                packets: video.packets(),
                lost: video.lost(),
                jitter: video.jitter_ms(),
            }),
            audio: self.source.audio.filter(|_| shown(audio)).map(|format| AudioStatus {
                codec: format.codec,
                bitrate: audio.bit_rate(now),
                packets: audio.packets(),
                lost: audio.lost(),
                jitter: audio.jitter_ms(),
            }),
            viewers: self.stream.viewers(),
            since: self.since.filter(|_| state == StreamState::Live),
        }
    }
}
