//! One viewer's place in the stream.

use std::time::{Duration, Instant};

use crate::rtp::Kind;

use super::gop::Gop;
use super::rewrite::Rewriter;
use super::{Outgoing, Packet};

/// Packets out of the cache per call, so that a newcomer neither floods its own
/// network nor delays others.
const BUDGET: usize = 64;
/// Cached frames are shown this many ticks apart (1 ms): they bring the decoder
/// to the present and do not become a delay that lasts.
const CACHED_FRAME_TICKS: u32 = 90;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to start with yet.
    Waiting,
    /// Is played the cached group, and has got this far.
    Catching { next: usize },
    /// Gets every packet as it comes.
    Live,
}

/// Where the viewer joined a cached group.
#[derive(Debug, Clone, Copy)]
struct Joined {
    generation: u64,
    /// The latest frame at that moment, and when it was captured.
    frame: u32,
    captured: Instant,
}

#[derive(Debug)]
pub(super) struct Viewer {
    epoch: u64,
    state: State,
    joined: Option<Joined>,
    video: Rewriter,
    audio: Rewriter,
    audio_epoch: u64,
}

impl Viewer {
    pub(super) fn new() -> Self {
        Self {
            epoch: 0,
            state: State::Waiting,
            joined: None,
            video: Rewriter::new(Kind::Video.clock()),
            audio: Rewriter::new(Kind::Audio.clock()),
            audio_epoch: 0,
        }
    }

    pub(super) fn waits_for_key(&self, epoch: u64) -> bool {
        self.state == State::Waiting || self.epoch != epoch
    }

    /// A packet just received: goes out at once if the viewer is up to date.
    pub(super) fn video(
        &mut self,
        now: Instant,
        epoch: u64,
        packet: &Packet,
        gop: &Gop,
        out: &mut impl FnMut(Outgoing),
    ) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.state = State::Waiting;
        }
        if self.state == State::Live {
            let frame = self.cached_frame(packet, gop);
            self.emit(now, packet, frame, out);
        }
    }

    /// The place of the packet's frame, if it is one that was played from the cache.
    fn cached_frame(&self, packet: &Packet, gop: &Gop) -> Option<u32> {
        let joined = self.joined?;
        if joined.generation != gop.generation() {
            return None;
        }
        gop.frame_of(packet.timestamp).filter(|frame| *frame <= joined.frame)
    }

    /// Plays some of the cached group to a viewer who is behind; says whether
    /// there is more.
    pub(super) fn pump(
        &mut self,
        now: Instant,
        epoch: u64,
        gop: &Gop,
        out: &mut impl FnMut(Outgoing),
    ) -> bool {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.state = State::Waiting;
        }
        if self.state == State::Live {
            return false;
        }
        if !gop.usable() {
            self.state = State::Waiting;
            return false;
        }
        let same = self.joined.is_some_and(|joined| joined.generation == gop.generation());
        if self.state == State::Waiting || !same {
            self.join(now, gop, out);
        }
        self.catch_up(now, gop, out)
    }

    fn join(&mut self, now: Instant, gop: &Gop, out: &mut impl FnMut(Outgoing)) {
        let Some((frame, timestamp, captured)) = gop.latest() else { return };
        let parameters = gop.missing_parameters();
        let first = gop.start_seq().saturating_sub(parameters.len() as u64);
        let lead = (frame + 1).saturating_mul(CACHED_FRAME_TICKS);
        self.video.rebase(now, first, timestamp, lead);
        self.joined = Some(Joined { generation: gop.generation(), frame, captured });
        self.state = State::Catching { next: 0 };
        for (offset, packet) in parameters.iter().enumerate() {
            let packet = Packet { seq: first + offset as u64, marker: false, ..packet.clone() };
            self.emit(now, &packet, Some(0), out);
        }
    }

    fn catch_up(&mut self, now: Instant, gop: &Gop, out: &mut impl FnMut(Outgoing)) -> bool {
        let State::Catching { mut next } = self.state else { return false };
        let latest = self.joined.map_or(0, |joined| joined.frame);
        for _ in 0..BUDGET {
            let Some(entry) = gop.entry(next) else {
                self.state = State::Live;
                return false;
            };
            next += 1;
            if entry.packet.seq >= gop.start_seq() {
                let frame = Some(entry.frame).filter(|frame| *frame <= latest);
                self.emit(now, &entry.packet, frame, out);
            }
        }
        self.state = State::Catching { next };
        true
    }

    /// Sends one packet; `frame` is its place in the cached group if its
    /// timestamp is to be drawn together.
    fn emit(
        &mut self,
        now: Instant,
        packet: &Packet,
        frame: Option<u32>,
        out: &mut impl FnMut(Outgoing),
    ) {
        let Some(seq) = self.video.seq(packet.seq) else { return };
        let (timestamp, captured) = match (frame, self.joined) {
            (Some(frame), Some(joined)) => {
                let behind = joined.frame - frame;
                let lag = Duration::from_millis(u64::from(behind));
                let captured = joined.captured.checked_sub(lag).unwrap_or(joined.captured);
                (self.video.before_present(behind.saturating_mul(CACHED_FRAME_TICKS)), captured)
            }
            _ => (self.video.timestamp(packet.timestamp), packet.captured),
        };
        self.video.sent(now, timestamp);
        out(outgoing(packet, seq, timestamp, packet.marker, captured));
    }

    pub(super) fn audio(&mut self, now: Instant, epoch: u64, packet: &Packet) -> Option<Outgoing> {
        let begins = self.audio_epoch != epoch;
        if begins {
            self.audio_epoch = epoch;
            self.audio.rebase(now, packet.seq, packet.timestamp, 0);
        }
        let seq = self.audio.seq(packet.seq)?;
        let timestamp = self.audio.timestamp(packet.timestamp);
        self.audio.sent(now, timestamp);
        Some(outgoing(packet, seq, timestamp, packet.marker || begins, packet.captured))
    }
}

fn outgoing(
    packet: &Packet,
    seq: u64,
    timestamp: u32,
    marker: bool,
    captured: Instant,
) -> Outgoing {
    Outgoing {
        codec: packet.codec,
        seq,
        timestamp,
        marker,
        payload: packet.payload.clone(),
        captured,
    }
}
