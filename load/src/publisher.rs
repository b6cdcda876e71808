//! A publisher: sends the units of its source in time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::marker::{self, Sent};
use crate::rtcp::{self, Heard};
use crate::rtp::Kind;
use crate::sdp::{H264, OPUS};
use crate::session::{Inbox, Link, Session, Shared};
use crate::source::{AUDIO_CLOCK, Content, HEADER, Shape, Source, Unit, VIDEO_CLOCK, ticks};

/// Streams that start together do not send their frames together, but over this time.
const PHASE: Duration = Duration::from_millis(33);
/// Between two sender reports.
const REPORT: Duration = Duration::from_secs(1);
/// Packets kept for whoever misses them.
const HISTORY: usize = 512;
/// Key frames are not sent more often than this, whoever asks.
const KEY_PAUSE: Duration = Duration::from_millis(300);
/// A thread that was kept from running does not make up for more than this.
const MAX_LATE: Duration = Duration::from_millis(500);
/// What one call can send: under 64 KiB and 64 packets.
const MAX_RUN: usize = 40_000;

/// What the publishers did, all together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connected: AtomicUsize,
    pub(crate) failed: AtomicUsize,
    pub(crate) packets: AtomicUsize,
    pub(crate) bytes: AtomicUsize,
    /// Packets of filler data.
    pub(crate) filled: AtomicUsize,
    pub(crate) resent: AtomicUsize,
    pub(crate) key_requests: AtomicUsize,
}

pub(crate) fn add(to: &AtomicUsize, value: usize) {
    to.fetch_add(value, Ordering::Relaxed);
}

/// One SSRC.
struct Track {
    ssrc: u32,
    payload_type: u8,
    /// Hz.
    clock: u32,
    /// Of the next packet, with rollovers.
    index: u64,
    /// The timestamp of the beginning of the stream.
    start: u32,
    packets: u32,
    bytes: u32,
}

impl Track {
    fn new(ssrc: u32, payload_type: u8, clock: u32) -> Self {
        let index = u64::from(rand::random::<u16>() >> 1);
        let start = rand::random();
        Self { ssrc, payload_type, clock, index, start, packets: 0, bytes: 0 }
    }

    /// A packet at `timestamp` since the beginning of the stream.
    fn packet(&mut self, marker: bool, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(HEADER + payload.len() + 16);
        packet.extend_from_slice(&[0x80, self.payload_type | if marker { 0x80 } else { 0 }]);
        packet.extend_from_slice(&(self.index as u16).to_be_bytes());
        packet.extend_from_slice(&self.start.wrapping_add(timestamp).to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(payload.len() as u32);
        packet
    }
}

/// A packet that is ready.
struct Ready {
    due: Instant,
    plain: Vec<u8>,
    ssrc: u32,
    index: u64,
    /// The number in its mark.
    number: Option<u64>,
}

/// One stream.
pub(crate) struct Publisher {
    pub(crate) link: Link,
    session: Session,
    source: Source,
    answers_pli: bool,
    spread: Duration,
    sent: Arc<Sent>,
    video: Track,
    audio: Track,
    /// The beginning of the stream.
    began: Instant,
    /// In the stream.
    last_key: Option<Duration>,
    key_wanted: bool,
    next_report: Instant,
    ready: VecDeque<Ready>,
    history: VecDeque<(u64, Vec<u8>)>,
    pub(crate) failed: Option<Error>,
}

impl Publisher {
    pub(crate) fn new(
        link: Link,
        session: Session,
        (video, audio): (u32, u32),
        shape: &Shape,
        sent: Arc<Sent>,
    ) -> Self {
        let now = Instant::now();
        Self {
            link,
            session,
            source: Source::new(shape),
            answers_pli: shape.answers_pli,
            spread: shape.spread,
            sent,
            video: Track::new(video, H264, VIDEO_CLOCK),
            audio: Track::new(audio, OPUS, AUDIO_CLOCK),
            began: now,
            last_key: None,
            key_wanted: false,
            next_report: now,
            ready: VecDeque::new(),
            history: VecDeque::with_capacity(HISTORY),
            failed: None,
        }
    }

    fn begin(&mut self, now: Instant) {
        self.began = now + PHASE.mul_f64(f64::from(rand::random::<u16>()) / 65_536.0);
        self.next_report = self.began;
    }

    pub(crate) fn receive(
        &mut self,
        shared: &Shared,
        inbox: &mut Inbox,
        tally: &Tally,
        now: Instant,
    ) {
        let mut reports: Vec<Vec<u8>> = Vec::new();
        let mut connected = false;
        loop {
            let Self { link, session, failed, .. } = self;
            let more = link.receive(inbox, |received| match Kind::of(received.1) {
                Kind::Rtcp => {
                    let mut plain = Vec::new();
                    if let Some(srtp) = &mut session.srtp
                        && srtp.opener.open_rtcp(received.1, &mut plain).is_ok()
                    {
                        reports.push(plain);
                    }
                }
                _ => match session.handle(link, shared, received, now) {
                    Ok(done) => connected |= done,
                    Err(error) => *failed = failed.take().or(Some(error)),
                },
            });
            if !more {
                break;
            }
        }
        if connected {
            add(&tally.connected, 1);
            self.begin(now);
        }
        for report in reports {
            rtcp::read(&report, |heard| self.heard(heard, tally));
        }
    }

    fn heard(&mut self, heard: Heard, tally: &Tally) {
        match heard {
            Heard::KeyFrame => {
                add(&tally.key_requests, 1);
                self.key_wanted |= self.answers_pli;
            }
            Heard::Missing { ssrc, sequences } if ssrc == self.video.ssrc => {
                for sequence in sequences {
                    self.resend(sequence, tally);
                }
            }
            _ => {}
        }
    }

    fn resend(&mut self, sequence: u16, tally: &Tally) {
        let found = self.history.iter().find(|(index, _)| *index as u16 == sequence);
        let (Some((index, plain)), Some(srtp)) = (found, &self.session.srtp) else { return };
        let mut packet = plain.clone();
        if srtp.sealer.seal_rtp(&mut packet, 0, HEADER, self.video.ssrc, *index).is_ok() {
            self.session.send(&self.link, &packet, None);
            add(&tally.resent, 1);
        }
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn next(&self) -> Instant {
        let session = self.session.next();
        if self.session.srtp.is_none() {
            return session;
        }
        let unit = self.next_unit();
        let ready = self.ready.front().map_or(unit, |ready| ready.due);
        session.min(unit).min(self.next_report).min(ready)
    }

    fn next_unit(&self) -> Instant {
        self.began + self.source.at()
    }

    pub(crate) fn tick(
        &mut self,
        shared: &Shared,
        tally: &Tally,
        now: Instant,
    ) -> Result<(), Error> {
        self.session.tick(&self.link, shared, now)?;
        if self.session.srtp.is_none() {
            return Ok(());
        }
        let late = now.saturating_duration_since(self.next_unit());
        self.began += late.saturating_sub(MAX_LATE);
        while self.next_unit() <= now {
            self.unit(tally);
            // What comes next may go before the rest of a frame, but not before this.
            self.flush(tally, now)?;
        }
        self.flush(tally, now)?;
        if self.next_report <= now {
            self.next_report = now + REPORT;
            self.report(now)?;
        }
        Ok(())
    }

    /// Makes the packets of a frame or of a packet of sound.
    fn unit(&mut self, tally: &Tally) {
        let (at, due) = (self.source.at(), self.next_unit());
        let paused = self.last_key.is_none_or(|last| at - last >= KEY_PAUSE);
        let unit = self.source.next(self.key_wanted && paused);
        match unit.content {
            Content::Picture { key, lasts, filled } => {
                if key {
                    (self.last_key, self.key_wanted) = (Some(at), false);
                }
                add(&tally.filled, filled);
                self.frame(due, unit, self.spread.min(lasts));
            }
            Content::Sound => self.sound(due, unit),
        }
    }

    fn frame(&mut self, start: Instant, unit: Unit, spread: Duration) {
        let count = unit.payloads.len();
        for (at, (payload, number)) in unit.payloads.into_iter().enumerate() {
            let plain = self.video.packet(at + 1 == count, unit.timestamp, &payload);
            let (ssrc, index) = (self.video.ssrc, self.video.index);
            self.video.index += 1;
            if self.history.len() == HISTORY {
                self.history.pop_front();
            }
            self.history.push_back((index, plain.clone()));
            let due = start + spread.mul_f64(at as f64 / count as f64);
            self.ready.push_back(Ready { due, plain, ssrc, index, number });
        }
    }

    /// Sound does not wait behind the frame.
    fn sound(&mut self, due: Instant, unit: Unit) {
        for (payload, number) in unit.payloads {
            let plain = self.audio.packet(false, unit.timestamp, &payload);
            let (ssrc, index) = (self.audio.ssrc, self.audio.index);
            self.audio.index += 1;
            self.ready.push_front(Ready { due, plain, ssrc, index, number });
        }
    }

    /// Sends what is due, packets of one length in one call.
    fn flush(&mut self, tally: &Tally, now: Instant) -> Result<(), Error> {
        let Some(srtp) = &self.session.srtp else { return Ok(()) };
        let mut run = Vec::new();
        let mut numbers = Vec::new();
        let mut segment = 0;
        loop {
            let next = self.ready.front().filter(|ready| ready.due <= now);
            let len = next.map(|ready| ready.plain.len() + srtp.sealer.rtp_overhead());
            let full = run.len() + segment > MAX_RUN;
            if !run.is_empty() && (full || len != Some(segment)) {
                let sent = marker::now();
                numbers.drain(..).for_each(|number| self.sent.set(number, sent));
                let several = (run.len() > segment).then_some(segment);
                self.session.send(&self.link, &run, several);
                add(&tally.packets, run.len() / segment);
                add(&tally.bytes, run.len());
                run.clear();
            }
            let (Some(len), Some(ready)) = (len, self.ready.pop_front_if(|ready| ready.due <= now))
            else {
                return Ok(());
            };
            segment = len;
            let start = run.len();
            run.extend_from_slice(&ready.plain);
            srtp.sealer.seal_rtp(&mut run, start, HEADER, ready.ssrc, ready.index)?;
            numbers.extend(ready.number);
        }
    }

    fn report(&mut self, now: Instant) -> Result<(), Error> {
        let (at, elapsed) = (marker::now(), now.saturating_duration_since(self.began));
        let mut packet = Vec::new();
        // A recording may have no sound.
        for track in [&self.video, &self.audio].into_iter().filter(|track| track.packets > 0) {
            let Track { ssrc, packets, bytes, .. } = *track;
            let timestamp = track.start.wrapping_add(ticks(elapsed, track.clock));
            rtcp::sender_report(&mut packet, ssrc, at, timestamp, packets, bytes);
            rtcp::description(&mut packet, ssrc);
        }
        let Some(srtp) = &mut self.session.srtp else { return Ok(()) };
        srtp.sealer.seal_rtcp(&mut packet, 0)?;
        self.session.send(&self.link, &packet, None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_carries_its_track() {
        let mut track = Track::new(7, H264, VIDEO_CLOCK);
        let packet = track.packet(true, 3_000, b"payload");
        let header = crate::rtp::Header::read(&packet).unwrap();
        assert_eq!(header.timestamp.wrapping_sub(track.start), 3_000);
        assert_eq!((header.ssrc, header.payload_type, header.marker), (7, H264, true));
        assert_eq!(u64::from(header.sequence), track.index);
        assert_eq!((track.packets, track.bytes), (1, 7));
    }
}
