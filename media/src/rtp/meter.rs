//! The figures of one incoming track, over a sliding window.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ahead::{Ahead, end_ahead};

use super::{Inspection, Kind, PictureSize, is_later};

const WINDOW: Duration = Duration::from_secs(3);
/// A window never spans less than this, so that a single burst is no rate.
const SHORTEST: Duration = Duration::from_millis(500);
const BUCKET: Duration = Duration::from_millis(250);
/// Without a packet for longer than this, a track was interrupted.
const GAP: Duration = Duration::from_millis(500);
/// Frames whose timestamps are remembered: those that are shown before others come after them.
const REMEMBERED: usize = 32;

#[derive(Debug, Default, Clone, Copy)]
struct Bucket {
    bytes: u64,
    frames: u32,
}

/// Bit rate, frame rate, loss, jitter and key-frame interval of a track.
#[derive(Debug)]
pub struct TrackMeter {
    kind: Kind,
    started: Option<Instant>,
    last: Option<Instant>,
    buckets: VecDeque<(Instant, Bucket)>,
    packets: u64,
    bytes: u64,
    first_seq: u64,
    last_seq: u64,
    last_timestamp: Option<u32>,
    /// Of the last frames, in the order in which they came.
    timestamps: VecDeque<u32>,
    transit: Option<f64>,
    jitter: f64,
    last_key: Option<(Instant, u32)>,
    key_interval: Option<Duration>,
    key_frames: u64,
    size: Option<PictureSize>,
    gaps: u64,
    b_frames: bool,
    profile: Option<[u8; 3]>,
    channels: Option<u8>,
}

impl TrackMeter {
    /// A meter that has seen nothing.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            started: None,
            last: None,
            buckets: VecDeque::new(),
            packets: 0,
            bytes: 0,
            first_seq: 0,
            last_seq: 0,
            last_timestamp: None,
            timestamps: VecDeque::new(),
            transit: None,
            jitter: 0.0,
            last_key: None,
            key_interval: None,
            key_frames: 0,
            size: None,
            gaps: 0,
            b_frames: false,
            profile: None,
            channels: None,
        }
    }

    /// Takes note of a packet. `seq` is the extended sequence number; every
    /// packet is counted once.
    pub fn packet(&mut self, now: Instant, seq: u64, timestamp: u32, bytes: usize) {
        if self.started.is_none() {
            self.started = Some(now);
            self.first_seq = seq;
            self.last_seq = seq;
        }
        if self.last.is_some_and(|last| now.saturating_duration_since(last) > GAP) {
            self.gaps += 1;
        }
        self.last = Some(now);
        self.packets += 1;
        self.bytes += bytes as u64;
        self.first_seq = self.first_seq.min(seq);
        self.last_seq = self.last_seq.max(seq);

        let newest = self.last_timestamp.is_none_or(|last| is_later(timestamp, last));
        let new_frame = self.note_frame(timestamp, newest);
        if newest {
            self.last_timestamp = Some(timestamp);
            self.note_jitter(now, timestamp);
        }
        let bucket = self.bucket(now);
        bucket.bytes += bytes as u64;
        bucket.frames += u32::from(new_frame);
    }

    /// Whether a frame is a new one. B-frames are shown before what came before them, and one that
    /// is older than all that are remembered was counted long ago. The `newest` of all is among none.
    fn note_frame(&mut self, timestamp: u32, newest: bool) -> bool {
        if self.timestamps.back() == Some(&timestamp) {
            return false; // as nearly always
        }
        let full = self.timestamps.len() == REMEMBERED;
        let known = || {
            self.timestamps.contains(&timestamp)
                || full && self.timestamps.iter().all(|frame| is_later(*frame, timestamp))
        };
        if !newest && known() {
            return false;
        }
        if full {
            self.timestamps.pop_front();
        }
        self.timestamps.push_back(timestamp);
        true
    }

    /// Takes note of a key frame with this RTP timestamp; its packets may each
    /// say so.
    pub fn key_frame(&mut self, now: Instant, timestamp: u32) {
        if let Some((at, last)) = self.last_key {
            if last == timestamp {
                return;
            }
            self.key_interval = Some(now.saturating_duration_since(at));
        }
        self.last_key = Some((now, timestamp));
        self.key_frames += 1;
    }

    /// Takes note of the picture's size.
    pub fn picture(&mut self, size: PictureSize) {
        self.size = Some(size);
    }

    /// Takes note of what a packet says of the encoding.
    pub fn encoding(&mut self, found: &Inspection) {
        self.b_frames |= found.bidirectional;
        self.profile = found.profile.or(self.profile);
        self.channels = found.channels.or(self.channels);
    }

    /// RFC 3550, 6.4.1.
    fn note_jitter(&mut self, now: Instant, timestamp: u32) {
        let Some(started) = self.started else { return };
        let clock = f64::from(self.kind.clock());
        let arrival = now.saturating_duration_since(started).as_secs_f64() * clock;
        let transit = arrival - f64::from(timestamp);
        if let Some(last) = self.transit {
            let difference = (transit - last).abs();
            // A jump of the timestamp (it wraps, or the source starts over) is no jitter.
            if difference < 10.0 * clock {
                self.jitter += (difference - self.jitter) / 16.0;
            }
        }
        self.transit = Some(transit);
    }

    fn bucket(&mut self, now: Instant) -> &mut Bucket {
        while self
            .buckets
            .front()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW)
        {
            self.buckets.pop_front();
        }
        let fresh =
            self.buckets.back().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= BUCKET);
        if fresh {
            self.buckets.push_back((now, Bucket::default()));
        }
        &mut self.buckets.back_mut().expect("a bucket was just there or pushed").1
    }

    fn window(&self, now: Instant) -> Option<(f64, Bucket)> {
        let mut sum = Bucket::default();
        let mut oldest = None;
        for (at, bucket) in &self.buckets {
            if now.saturating_duration_since(*at) <= WINDOW {
                oldest.get_or_insert(*at);
                sum.bytes += bucket.bytes;
                sum.frames += bucket.frames;
            }
        }
        let span = now.saturating_duration_since(oldest?).max(SHORTEST);
        Some((span.as_secs_f64(), sum))
    }

    /// Bits per second of payload over the last three seconds.
    pub fn bit_rate(&self, now: Instant) -> u64 {
        self.window(now).map_or(0, |(span, sum)| (sum.bytes as f64 * 8.0 / span) as u64)
    }

    /// Frames per second over the last three seconds.
    pub fn frame_rate(&self, now: Instant) -> f64 {
        self.window(now).map_or(0.0, |(span, sum)| f64::from(sum.frames) / span)
    }

    /// How long there have been packets.
    pub fn age(&self, now: Instant) -> Duration {
        self.started.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    /// Packets received.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Payload bytes received.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Packets that were sent and never came, retransmissions included.
    pub fn lost(&self) -> u64 {
        if self.packets == 0 {
            return 0;
        }
        (self.last_seq - self.first_seq + 1).saturating_sub(self.packets)
    }

    /// Interarrival jitter (RFC 3550) in milliseconds.
    pub fn jitter_ms(&self) -> f64 {
        self.jitter * 1000.0 / f64::from(self.kind.clock())
    }

    /// The time between the last two key frames.
    pub fn key_interval(&self) -> Option<Duration> {
        self.key_interval
    }

    /// Key frames seen.
    pub fn key_frames(&self) -> u64 {
        self.key_frames
    }

    /// The picture's size, once a key frame has told it.
    pub fn size(&self) -> Option<PictureSize> {
        self.size
    }

    /// How often packets stayed away for more than half a second.
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    /// Whether there were B-frames, which browsers show out of order or not at all.
    pub fn b_frames(&self) -> bool {
        self.b_frames
    }

    /// H.264's profile_idc, constraint flags and level_idc, once told.
    pub fn profile(&self) -> Option<[u8; 3]> {
        self.profile
    }

    /// The channels of the sound, as of its last packet.
    pub fn channels(&self) -> Option<u8> {
        self.channels
    }

    /// When the last packet came.
    pub fn last_packet(&self) -> Option<Instant> {
        self.last
    }
}

impl Ahead for TrackMeter {
    fn ahead(&self, depth: u8) {
        if depth == 1 {
            end_ahead(&self.buckets);
            end_ahead(&self.timestamps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(frames: u64, skip: impl Fn(u64) -> bool) -> (TrackMeter, Instant) {
        let start = Instant::now();
        let mut meter = TrackMeter::new(Kind::Video);
        let mut now = start;
        for frame in 0..frames {
            now = start + Duration::from_millis(frame * 40);
            for part in 0..4 {
                let seq = frame * 4 + part;
                if !skip(seq) {
                    meter.packet(now, seq, (frame * 3600) as u32, 1000);
                }
            }
            if frame % 50 == 0 {
                meter.key_frame(now, (frame * 3600) as u32);
                meter.key_frame(now, (frame * 3600) as u32);
            }
        }
        (meter, now)
    }

    #[test]
    fn rates_of_a_steady_source() {
        let (meter, now) = run(250, |_| false);
        assert!((meter.frame_rate(now) - 25.0).abs() < 1.5, "{}", meter.frame_rate(now));
        let expected = 25.0 * 4.0 * 8000.0;
        let off = (meter.bit_rate(now) as f64 - expected).abs() / expected;
        assert!(off < 0.06, "{}", meter.bit_rate(now));
        assert_eq!(meter.key_interval(), Some(Duration::from_secs(2)));
        assert_eq!(meter.key_frames(), 5);
        assert_eq!(meter.lost(), 0);
        assert!(meter.jitter_ms() < 0.01);
    }

    #[test]
    fn frames_that_are_shown_in_another_order_are_counted_each_once() {
        let start = Instant::now();
        let mut meter = TrackMeter::new(Kind::Video);
        for frame in 0..250u32 {
            // I P B B P B B: each P comes two frames before it is shown.
            let shown = if frame % 3 == 1 { frame + 2 } else { frame.saturating_sub(1) };
            let now = start + Duration::from_millis(40) * frame;
            // Around the turn of 32 bits.
            let timestamp = (shown * 3600).wrapping_sub(400_000);
            for part in 0..2 {
                meter.packet(now, u64::from(frame * 2 + part), timestamp, 100);
            }
        }
        let now = start + Duration::from_millis(40 * 249);
        assert!((meter.frame_rate(now) - 25.0).abs() < 1.5, "{}", meter.frame_rate(now));
    }

    #[test]
    fn loss_is_what_never_came() {
        let (meter, _) = run(100, |seq| seq % 10 == 3);
        assert_eq!(meter.lost(), 40);
        assert_eq!(meter.packets(), 360);
    }

    #[test]
    fn an_interruption_is_counted_once() {
        let (mut meter, now) = run(10, |_| false);
        assert_eq!(meter.gaps(), 0);
        meter.packet(now + Duration::from_millis(500), 100, 90_000, 10);
        assert_eq!(meter.gaps(), 0);
        meter.packet(now + Duration::from_millis(1_001), 101, 90_000, 10);
        meter.packet(now + Duration::from_millis(1_002), 102, 90_000, 10);
        assert_eq!(meter.gaps(), 1);
    }

    #[test]
    fn the_encoding_is_remembered() {
        let mut meter = TrackMeter::new(Kind::Video);
        meter.encoding(&Inspection { profile: Some([1, 2, 3]), ..Inspection::default() });
        meter.encoding(&Inspection { bidirectional: true, ..Inspection::default() });
        meter.encoding(&Inspection::default());
        assert_eq!((meter.profile(), meter.b_frames()), (Some([1, 2, 3]), true));
    }

    #[test]
    fn a_silent_source_has_no_rate() {
        let (meter, now) = run(100, |_| false);
        let later = now + Duration::from_secs(10);
        assert_eq!(meter.bit_rate(later), 0);
        assert_eq!(meter.frame_rate(later), 0.0);
    }
}
