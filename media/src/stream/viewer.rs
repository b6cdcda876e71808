//! One viewer's place in the stream.

use std::time::{Duration, Instant};

use crate::rtp::Kind;

use super::gop::{Gop, PLACES};
use super::keyframes::FRESH;
use super::lanes::MADE;
use super::recent::Recent;
use super::rewrite::Rewriter;
use super::{FEED, Origin, Outgoing, Packet};

/// Packets out of the cache per call, so that a newcomer neither floods its own
/// network nor delays others: with [`super::FEED`] about 80 Mbit/s, which a receiver's
/// socket buffer (90 packets, as the kernel counts) stands as long as it is read now and then.
const LEAST_BUDGET: usize = 16;
/// The most, for groups so long that they would take too long otherwise.
const MOST_BUDGET: usize = 64;
/// The part of what is still to be played that goes out per call, between those two.
const BUDGET_PART: usize = 32;
/// Cached frames are shown this many ticks apart (1 ms) or less: they bring the decoder
/// to the present and do not become a delay that lasts.
const CACHED_FRAME_TICKS: u32 = 90;
/// So long the publisher has to answer a viewer's wish for a key frame before
/// the cached group is played to that viewer again.
const PUBLISHER_ANSWERS: Duration = Duration::from_millis(250);
/// So long the next frame is waited for before the cached group is played again without it.
const NEXT_FRAME: Duration = Duration::from_millis(150);
/// So long the cached group is not played again while the publisher is asked for something: played
/// with a hole it mends nothing, and what comes then has another number. A receiver that waits for
/// the first one would stand still until it gives up.
const MISSING_COMES: Duration = Duration::from_millis(250);
/// The cached group is played again to one viewer at most this often.
const REPLAY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to start with yet.
    Waiting,
    /// Is played the cached group, has got this far, and gets more then: not sooner because
    /// others of the stream are looked after in between.
    Catching { next: usize, at: Instant },
    /// Gets every packet as it comes.
    Live,
}

/// Where the viewer joined a cached group.
#[derive(Debug, Clone, Copy)]
struct Joined {
    generation: u64,
    /// The place of the latest frame at that moment, and when it was captured.
    frame: u32,
    captured: Instant,
    /// The ticks from one cached frame to the next.
    apart: u32,
}

/// The frame that was sent last.
#[derive(Debug, Clone, Copy)]
struct Begun {
    /// The publisher's number of its last packet that was sent, and its timestamp.
    seq: u64,
    timestamp: u32,
    /// Its last packet was not sent yet.
    is_open: bool,
    /// What the viewer was told: the timestamp, and the instant it stands for.
    told: (u32, Instant),
}

#[derive(Debug)]
pub(super) struct Viewer {
    epoch: u32,
    state: State,
    /// The simulcast layer that is sent.
    layer: u8,
    /// The layer that is to be sent, once it has a key frame after this generation.
    wanted: u8,
    wanted_after: u64,
    /// When that layer's cached group is played instead, if no key frame of it comes.
    switch_by: Option<Instant>,
    /// Nothing is sent before.
    ready: Instant,
    /// The cached group that is not to be played: the viewer fell behind in it.
    held: Option<u64>,
    joined: Option<Joined>,
    /// Of the group that is sent: what follows it must not be taken for the rest of this frame.
    begun: Option<Begun>,
    /// When to play the cached group again, if no key frame comes.
    replay: Option<Instant>,
    replayed: Option<Instant>,
    video: Rewriter,
    audio: Rewriter,
    audio_epoch: Option<u32>,
    /// The lane of the sound that is sent.
    heard: u8,
}

impl Viewer {
    pub(super) fn new(epoch: u32, layer: u8, ready: Instant) -> Self {
        Self {
            epoch,
            state: State::Waiting,
            layer,
            wanted: layer,
            wanted_after: 0,
            switch_by: None,
            ready,
            held: None,
            joined: None,
            begun: None,
            replay: None,
            replayed: None,
            video: Rewriter::new(Kind::Video.clock()),
            audio: Rewriter::new(Kind::Audio.clock()),
            audio_epoch: None,
            heard: 0,
        }
    }

    pub(super) fn layer(&self) -> u8 {
        self.layer
    }

    pub(super) fn wanted(&self) -> u8 {
        self.wanted
    }

    /// The lane of the sound that is sent.
    pub(super) fn hears(&self) -> u8 {
        self.heard
    }

    /// Goes over to this lane with its next packet. A packet of one lane has the number and the
    /// timestamp of the other's, so that the viewer's own go on.
    pub(super) fn hear(&mut self, lane: u8) {
        self.heard = lane;
    }

    /// Another publisher with so many layers: its next key frame is the next thing to show.
    pub(super) fn follow(&mut self, epoch: u32, layers: u8) {
        self.epoch = epoch;
        // Nothing is made of the new one's picture yet.
        let before = if self.wanted == MADE { 0 } else { self.wanted };
        self.layer = before.min(layers - 1);
        self.wanted = self.layer;
        self.switch_by = None;
        self.wait();
    }

    /// What was sent so far does not continue: a key frame comes next.
    pub(super) fn wait(&mut self) {
        self.state = State::Waiting;
        self.held = None;
        self.joined = None;
        self.begun = None;
        self.replay = None;
    }

    /// The viewer's connection takes less than it is sent: what is cached would fill it
    /// again, so that the next key frame comes next.
    pub(super) fn fell_behind(&mut self, gop: &Gop) {
        self.wait();
        self.held = Some(gop.generation());
    }

    /// Whether what is cached may be played.
    pub(super) fn takes(&self, gop: &Gop) -> bool {
        gop.usable() && self.held != Some(gop.generation())
    }

    pub(super) fn waits(&self) -> bool {
        self.state == State::Waiting
    }

    /// Changes the layer; says whether a key frame of it is needed.
    pub(super) fn select(&mut self, now: Instant, layer: u8, gop: &Gop, at_once: bool) -> bool {
        self.wanted = layer;
        self.wanted_after = gop.generation();
        self.switch_by = None;
        if layer == self.layer {
            return false;
        }
        if layer == MADE || self.layer == MADE {
            // It takes the one alone and not the other.
            self.go_over();
            return !gop.usable();
        }
        let cached = (at_once || self.waits()) && gop.usable();
        if cached {
            self.go_over();
        } else {
            self.switch_by = Some(now + PUBLISHER_ANSWERS);
        }
        !cached
    }

    /// Goes over to the wanted layer, whose cached group this is, once it has begun anew.
    pub(super) fn switch(&mut self, gop: &Gop) {
        if self.wanted != self.layer && gop.usable() && gop.generation() != self.wanted_after {
            self.go_over();
        }
    }

    /// Goes over to the wanted layer with what is cached of it, where the publisher has been
    /// asked for a key frame in vain. Says when to look again.
    pub(super) fn switch_late(&mut self, now: Instant, gop: &Gop) -> Option<Instant> {
        if self.switch_by? <= now {
            self.switch_by = None;
            if gop.usable() {
                self.go_over();
            }
        }
        self.switch_by
    }

    fn go_over(&mut self) {
        self.layer = self.wanted;
        self.switch_by = None;
        self.wait();
    }

    /// The viewer needs a key frame. Says when to look after it.
    pub(super) fn lost_picture(&mut self, now: Instant) -> Option<Instant> {
        // The group that was played a moment ago answers it: the asker had not seen that yet.
        let fresh = |joined: Joined| now.saturating_duration_since(joined.captured) < FRESH;
        if self.state != State::Live || self.joined.is_some_and(fresh) {
            return None;
        }
        let at = now + PUBLISHER_ANSWERS;
        let at = self.replayed.map_or(at, |last| at.max(last + REPLAY));
        Some(*self.replay.get_or_insert(at))
    }

    /// A packet just received, of this viewer's layer: goes out at once if the
    /// viewer is up to date.
    pub(super) fn video(&mut self, packet: &Packet, gop: &Gop, out: &mut impl FnMut(Outgoing<'_>)) {
        if self.state == State::Live {
            if packet.inspection.key {
                self.replay = None;
            }
            let frame = self.cached_frame(packet, gop);
            self.emit(packet, frame, out);
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

    /// Plays some of the cached group to a viewer who is behind; says when there
    /// is more to do.
    pub(super) fn pump(
        &mut self,
        now: Instant,
        gop: &Gop,
        recent: &Recent,
        out: &mut impl FnMut(Outgoing<'_>),
    ) -> Option<Instant> {
        if now < self.ready {
            return Some(self.ready);
        }
        if self.state == State::Live {
            match self.replay {
                Some(at) if at <= now && self.is_mended(now, at, recent) => {
                    return Some(now + FEED);
                }
                Some(at) if at <= now => {
                    self.wait();
                    self.replayed = Some(now);
                }
                later => return later,
            }
        }
        if !self.takes(gop) {
            self.state = State::Waiting;
            return None;
        }
        if let State::Catching { at, .. } = self.state
            && now < at
        {
            return Some(at);
        }
        let same = self.joined.is_some_and(|joined| joined.generation == gop.generation());
        if self.state == State::Waiting || !same {
            self.finish_frame(recent, out);
            if self.is_cramped(now, gop) {
                return Some(now + FEED);
            }
            self.join(now, gop, out);
        }
        self.catch_up(now + FEED, gop, out).then_some(now + FEED)
    }

    /// Whether what is to come soon is waited for with playing the group again, which was due `at`:
    /// the rest of a frame, or what the publisher sends again.
    fn is_mended(&self, now: Instant, at: Instant, recent: &Recent) -> bool {
        let begun = self.open_frame().is_some() && now < at + NEXT_FRAME;
        begun || (now < at + MISSING_COMES && recent.lacks_some(now))
    }

    /// The group has begun anew while the one before it was being played: sends the rest of the
    /// frame that was begun, as far as it is at hand and no flood. Cut short, a receiver that goes
    /// by the marker alone would take the key frame for a part of it.
    fn finish_frame(&mut self, recent: &Recent, out: &mut impl FnMut(Outgoing<'_>)) {
        for _ in 0..MOST_BUDGET {
            let Some(Begun { seq, timestamp, told, .. }) = self.open_frame() else { return };
            let next = recent.get(seq + 1).filter(|packet| packet.timestamp == timestamp);
            let Some(packet) = next else { return };
            let Some(out_seq) = self.video.seq(packet.seq) else { return };
            self.note_frame(packet, told);
            self.send(out_seq, packet, told, true, out);
        }
    }

    fn note_frame(&mut self, packet: &Packet, told: (u32, Instant)) {
        let Packet { seq, timestamp, marker, .. } = *packet;
        if self.begun.is_none_or(|begun| begun.seq < seq) {
            self.begun = Some(Begun { seq, timestamp, is_open: !marker, told });
        }
    }

    fn open_frame(&self) -> Option<Begun> {
        self.begun.filter(|begun| begun.is_open)
    }

    /// What was sent last is the newest there is: the group is played before the next frame,
    /// for else this viewer's time would run behind everyone's. Not if that does not come.
    fn is_cramped(&self, now: Instant, gop: &Gop) -> bool {
        gop.latest().is_some_and(|(frame, timestamp, captured)| {
            let fresh = now.saturating_duration_since(captured) < NEXT_FRAME;
            fresh && self.video.is_cramped(timestamp, frame.div_ceil(PLACES))
        })
    }

    fn join(&mut self, now: Instant, gop: &Gop, out: &mut impl FnMut(Outgoing<'_>)) {
        let Some((frame, timestamp, captured)) = gop.latest() else { return };
        let frames = frame.div_ceil(PLACES);
        // What is missing before it has its numbers all the same: it may be of the key frame.
        let start = gop.start_seq() - gop.head_missing(now);
        let apart =
            self.video.rebase_placed(captured, start, timestamp, frames, CACHED_FRAME_TICKS);
        self.joined = Some(Joined { generation: gop.generation(), frame, captured, apart });
        self.state = State::Catching { next: 0, at: now };
        let parameters = gop.missing_parameters();
        let first = self.video.make_room(parameters.len() as u64);
        for (seq, packet) in (first..).zip(parameters) {
            let packet = Packet { marker: false, ..packet.clone() };
            let told = self.told(&packet, Some(0));
            self.send(seq, &packet, told, false, out);
        }
    }

    /// Plays the next part; the one after that is for `again`, if there is one.
    fn catch_up(&mut self, again: Instant, gop: &Gop, out: &mut impl FnMut(Outgoing<'_>)) -> bool {
        let State::Catching { mut next, .. } = self.state else { return false };
        let latest = self.joined.map_or(0, |joined| joined.frame);
        let left = gop.len().saturating_sub(next);
        for _ in 0..(left / BUDGET_PART).clamp(LEAST_BUDGET, MOST_BUDGET) {
            let Some(entry) = gop.entry(next) else {
                self.state = State::Live;
                return false;
            };
            next += 1;
            if entry.packet.seq >= gop.start_seq() {
                let frame = Some(entry.frame).filter(|frame| *frame <= latest);
                self.emit(&entry.packet, frame, out);
            }
        }
        self.state = State::Catching { next, at: again };
        true
    }

    /// Sends one packet; `frame` is its place in the cached group if its
    /// timestamp is to be drawn together.
    fn emit(&mut self, packet: &Packet, frame: Option<u32>, out: &mut impl FnMut(Outgoing<'_>)) {
        if let Some(seq) = self.video.seq(packet.seq) {
            let told = self.told(packet, frame);
            self.note_frame(packet, told);
            self.send(seq, packet, told, true, out);
        }
    }

    /// The timestamp for the viewer, and the instant that it stands for.
    fn told(&self, packet: &Packet, frame: Option<u32>) -> (u32, Instant) {
        match (frame, self.joined) {
            (Some(frame), Some(joined)) => {
                let behind = (joined.frame - frame).saturating_mul(joined.apart) / PLACES;
                let lag = Duration::from_micros(u64::from(behind) * 1_000 / 90);
                let captured = joined.captured.checked_sub(lag).unwrap_or(joined.captured);
                (self.video.before_present(behind), captured)
            }
            _ => (self.video.timestamp(packet.timestamp), packet.captured),
        }
    }

    fn send(
        &mut self,
        seq: u64,
        packet: &Packet,
        (timestamp, captured): (u32, Instant),
        again: bool,
        out: &mut impl FnMut(Outgoing<'_>),
    ) {
        self.video.sent(captured, timestamp);
        let origin = Origin { epoch: self.epoch, layer: packet.layer, seq: packet.seq };
        let origin = again.then_some(origin);
        out(Outgoing { packet, seq, timestamp, marker: packet.marker, captured, origin });
    }

    pub(super) fn audio(
        &mut self,
        now: Instant,
        packet: &Packet,
        out: &mut impl FnMut(Outgoing<'_>),
    ) {
        if now < self.ready {
            return;
        }
        let begins = self.audio_epoch != Some(self.epoch);
        if begins {
            self.audio_epoch = Some(self.epoch);
            self.audio.rebase(packet.captured, packet.seq, packet.timestamp);
        }
        let Some(seq) = self.audio.seq(packet.seq) else { return };
        let timestamp = self.audio.timestamp(packet.timestamp);
        self.audio.sent(packet.captured, timestamp);
        let marker = packet.marker || begins;
        out(Outgoing { packet, seq, timestamp, marker, captured: packet.captured, origin: None });
    }
}
