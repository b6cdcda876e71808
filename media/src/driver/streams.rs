//! The streams of a shard, each with the sessions at its two ends.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::ahead::{Ahead, ahead};
use crate::rtcp::WallClock;
use crate::rtp::{Kind, TrackMeter, profile_name};
use crate::slate::{Lag, Pace};
use crate::status::{AudioStatus, Feed, Layer, StreamState, StreamStatus, VideoStatus};
use crate::stream::{Cache, Ingest, Packet, Placing};
use crate::webrtc::Source;

use super::sessions::Slot;
use super::slates::Stand;
use super::transcodes::Conversion;

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
    pub(super) ingest: Ingest,
    pub(super) cache: Cache,
    /// Of each layer of the picture.
    pub(super) placing: Vec<Placing>,
    pub(super) publisher: Option<Slot>,
    /// Publishers that are answered and not connected yet.
    pub(super) coming: Vec<Slot>,
    /// Viewers that are answered and not connected yet.
    pub(super) expected: HashSet<Slot>,
    /// The viewers that are connected.
    pub(super) viewers: HashSet<Slot>,
    /// How many of them each fan-out thread has.
    pub(super) threads: Vec<usize>,
    pub(super) source: Source,
    /// Since when media arrives, in unix milliseconds.
    pub(super) since: Option<i64>,
    /// Those who want to hear of it.
    pub(super) followers: Option<watch::Sender<Feed>>,
    /// The names of the layers, as the publisher's offer had them.
    pub(super) rids: Vec<String>,
    /// What comes of a picture that not all viewers show.
    pub(super) transcode: Option<Conversion>,
    /// When the last publisher left.
    pub(super) left: Option<Instant>,
    /// How old its pictures are when they come.
    pub(super) lag: Lag,
    /// Whether there still are any.
    pub(super) pace: Pace,
    pub(super) slate: Stand,
    /// The number of the last packet that was made beside the publisher's own.
    pub(super) made: u64,
}

impl Entry {
    /// A publisher was answered. Says which other is given up for it.
    pub(super) fn expect(&mut self, slot: Slot) -> Option<Slot> {
        self.coming.push(slot);
        (self.coming.len() > COMING).then(|| self.coming.remove(0))
    }

    /// Nobody is at either end.
    pub(super) fn is_empty(&self) -> bool {
        self.publisher.is_none()
            && self.coming.is_empty()
            && self.expected.is_empty()
            && self.viewers.is_empty()
    }

    /// A publisher with this many layers begins.
    pub(super) fn publish(&mut self, layers: usize) {
        self.transcode = None;
        self.end_slate();
        self.left = None;
        (self.lag, self.pace) = (Lag::default(), Pace::default());
        self.ingest.publish(layers);
        self.cache.publish(layers);
        self.begin_places(layers);
    }

    /// What comes next in these layers counts from somewhere else, and goes on where viewers are.
    pub(super) fn begin_places(&mut self, layers: usize) {
        self.placing.resize_with(layers, Placing::default);
        self.placing.iter_mut().for_each(Placing::publish);
    }

    /// Nothing of what was measured, placed and kept is to be relied on any more. Who is at the
    /// ends stays.
    pub(super) fn reset(&mut self) {
        self.transcode = None;
        self.slate.clear();
        self.ingest = Ingest::default();
        self.cache = Cache::default();
        // Viewers' own numbers see to it that their time goes on (see `Rewriter`).
        self.placing.clear();
    }

    /// Whether viewers are sent just what the publisher sends.
    pub(super) fn goes_through(&self) -> bool {
        self.transcode.is_none() && !self.slate.is_shown()
    }

    /// Puts a packet of the picture on the server's clock.
    pub(super) fn place(&mut self, wall: &WallClock, packet: &mut Packet) {
        if packet.codec.kind() == Kind::Video
            && let Some(placing) = self.placing.get_mut(usize::from(packet.layer))
        {
            packet.timestamp = placing.place(wall, packet.captured, packet.timestamp);
        }
    }

    /// The layers of the picture.
    pub(super) fn layers(&self, now: Instant) -> Vec<Layer> {
        let layer = |(index, meter): (usize, &TrackMeter)| Layer {
            rid: self.rids.get(index).cloned().unwrap_or_default(),
            width: meter.size().map(|size| size.width),
            height: meter.size().map(|size| size.height),
            fps: meter.frame_rate(now),
            bitrate: meter.bit_rate(now),
            active: self.ingest.is_on(now, index as u8),
        };
        self.ingest.layers().enumerate().map(layer).collect()
    }

    /// What a viewer may be told.
    pub(super) fn feed(&self, now: Instant) -> Feed {
        Feed {
            active: self.since.is_some(),
            layers: self.layers(now),
            viewers: self.viewers.len(),
            reconnect: false,
        }
    }

    /// Media arrives: says whether that is news.
    pub(super) fn note_live(&mut self) -> bool {
        let news = self.since.is_none();
        if news {
            self.since = Some(unix_ms());
        }
        news
    }

    pub(super) fn status(&self, now: Instant) -> StreamStatus {
        let fresh = |meter: &TrackMeter| {
            meter.last_packet().is_some_and(|at| now.saturating_duration_since(at) < FRESH)
        };
        let (video, audio) = (self.ingest.video(now), self.ingest.audio());
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
                gaps: video.gaps(),
                b_frames: video.b_frames(),
                profile: video.profile().map(|profile| profile_name(format.codec, profile)),
            }),
            audio: self.source.audio.filter(|_| shown(audio)).map(|format| AudioStatus {
                codec: format.codec,
                bitrate: audio.bit_rate(now),
                packets: audio.packets(),
                lost: audio.lost(),
                jitter: audio.jitter_ms(),
                gaps: audio.gaps(),
                channels: audio.channels().unwrap_or(2),
            }),
            layers: self.layers(now),
            viewers: self.viewers.len(),
            since: self.since.filter(|_| state == StreamState::Live),
            transcode: self
                .source
                .video
                .and_then(|format| Some(self.transcode.as_ref()?.status(format.codec))),
        }
    }
}

impl Ahead for Entry {
    fn ahead(&self, depth: u8) {
        match depth {
            0 => ahead(self),
            1 => {
                ahead(&self.placing[..]);
                ahead(&self.threads[..]);
            }
            2 => self.placing.iter().for_each(|placing| placing.ahead(1)),
            _ => {}
        }
        self.ingest.ahead(depth);
        self.cache.ahead(depth);
    }
}

/// The present in unix milliseconds.
pub(super) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
