//! The publishers: one thread that sends every stream's frames in time.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};

use crate::error::Error;
use crate::h264;
use crate::marker::{self, Sent};
use crate::rtcp::{self, Heard};
use crate::rtp::Kind;
use crate::sdp::{H264, OPUS};
use crate::session::{Inbox, Link, Session, Shared};

/// Frames a second.
pub(crate) const FRAME_RATE: u32 = 30;
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / FRAME_RATE as u64);
/// One Opus packet.
const AUDIO: Duration = Duration::from_millis(20);
/// Length of a video packet with its RTP header, in bytes.
const VIDEO_PACKET: usize = 1158;
/// Length of an audio packet with its RTP header, in bytes: 128 kbit/s.
const AUDIO_PACKET: usize = 12 + 320;
/// Configuration 31 (CELT, full band, 20 ms), stereo, one frame (RFC 6716, 3.1).
const OPUS_TOC: u8 = 0xfc;
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
const WAKE: Token = Token(usize::MAX);

/// How the streams are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Video packets a frame.
    pub(crate) packets: usize,
    /// Between two key frames.
    pub(crate) key_frames: Duration,
    /// Whether requests for key frames are followed.
    pub(crate) answers_pli: bool,
    /// The packets of a frame leave over this time; zero: at once.
    pub(crate) spread: Duration,
}

impl Shape {
    /// So many packets a frame as come nearest to `bitrate` (bit/s) in all.
    pub(crate) fn packets_for(bitrate: u64) -> usize {
        let bits = |bytes: usize, per_second: u64| bytes as u64 * 8 * per_second;
        let audio = bits(AUDIO_PACKET, 50);
        let per_packet = bits(VIDEO_PACKET, FRAME_RATE.into());
        let packets = (bitrate.saturating_sub(audio) + per_packet / 2) / per_packet;
        usize::try_from(packets.clamp(1, 500)).unwrap_or(1)
    }
}

/// What the publishers did, all together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connected: AtomicUsize,
    pub(crate) failed: AtomicUsize,
    pub(crate) packets: AtomicUsize,
    pub(crate) bytes: AtomicUsize,
    pub(crate) resent: AtomicUsize,
    pub(crate) key_requests: AtomicUsize,
}

fn add(to: &AtomicUsize, value: usize) {
    to.fetch_add(value, Ordering::Relaxed);
}

/// One SSRC.
struct Track {
    ssrc: u32,
    payload_type: u8,
    /// Of the next packet, with rollovers.
    index: u64,
    timestamp: u32,
    packets: u32,
    bytes: u32,
}

impl Track {
    fn new(ssrc: u32, payload_type: u8) -> Self {
        let index = u64::from(rand::random::<u16>() >> 1);
        Self { ssrc, payload_type, index, timestamp: rand::random(), packets: 0, bytes: 0 }
    }

    fn packet(&mut self, marker: bool, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(12 + payload.len() + 16);
        packet.extend_from_slice(&[0x80, self.payload_type | if marker { 0x80 } else { 0 }]);
        packet.extend_from_slice(&(self.index as u16).to_be_bytes());
        packet.extend_from_slice(&self.timestamp.to_be_bytes());
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
    shape: Shape,
    sent: Arc<Sent>,
    video: Track,
    audio: Track,
    /// Of the next packet's mark.
    number: u64,
    since_key: u32,
    last_key: Option<Instant>,
    key_wanted: bool,
    next_frame: Instant,
    next_audio: Instant,
    next_report: Instant,
    ready: VecDeque<Ready>,
    history: VecDeque<(u64, Vec<u8>)>,
    failed: Option<Error>,
}

impl Publisher {
    pub(crate) fn new(
        link: Link,
        session: Session,
        (video, audio): (u32, u32),
        shape: Shape,
        sent: Arc<Sent>,
    ) -> Self {
        let now = Instant::now();
        Self {
            link,
            session,
            shape,
            sent,
            video: Track::new(video, H264),
            audio: Track::new(audio, OPUS),
            number: 0,
            since_key: 0,
            last_key: None,
            key_wanted: true,
            next_frame: now,
            next_audio: now,
            next_report: now,
            ready: VecDeque::new(),
            history: VecDeque::with_capacity(HISTORY),
            failed: None,
        }
    }

    fn begin(&mut self, now: Instant) {
        // Streams that start together do not send their frames together.
        let phase = FRAME.mul_f64(f64::from(rand::random::<u16>()) / 65_536.0);
        self.next_frame = now + phase;
        self.next_audio = now + phase / 2;
        self.next_report = now + phase;
    }

    fn receive(&mut self, shared: &Shared, inbox: &mut Inbox, tally: &Tally, now: Instant) {
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
                self.key_wanted |= self.shape.answers_pli;
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
        if srtp.sealer.seal_rtp(&mut packet, 0, 12, self.video.ssrc, *index).is_ok() {
            self.session.send(&self.link, &packet, None);
            add(&tally.resent, 1);
        }
    }

    /// When [`Self::tick`] has something to do.
    fn next(&self) -> Instant {
        let session = self.session.next();
        if self.session.srtp.is_none() {
            return session;
        }
        let ready = self.ready.front().map_or(self.next_frame, |ready| ready.due);
        session.min(self.next_frame).min(self.next_audio).min(self.next_report).min(ready)
    }

    fn tick(&mut self, shared: &Shared, tally: &Tally, now: Instant) -> Result<(), Error> {
        self.session.tick(&self.link, shared, now)?;
        if self.session.srtp.is_none() {
            return Ok(());
        }
        self.next_frame = self.next_frame.max(now.checked_sub(MAX_LATE).unwrap_or(now));
        self.next_audio = self.next_audio.max(now.checked_sub(MAX_LATE).unwrap_or(now));
        while self.next_frame <= now {
            self.frame();
            self.next_frame += FRAME;
        }
        while self.next_audio <= now {
            self.sound();
            self.next_audio += AUDIO;
        }
        self.flush(tally, now)?;
        if self.next_report <= now {
            self.next_report = now + REPORT;
            self.report()?;
        }
        Ok(())
    }

    /// Makes the packets of a frame.
    fn frame(&mut self) {
        let start = self.next_frame;
        let pause = |last: Instant| start.saturating_duration_since(last);
        let key = self.last_key.is_none_or(|last| {
            pause(last) >= self.shape.key_frames || (self.key_wanted && pause(last) >= KEY_PAUSE)
        });
        if key {
            (self.last_key, self.key_wanted, self.since_key) = (Some(start), false, 0);
            let plain = self.video.packet(false, &h264::parameter_sets());
            self.push(start, plain, None);
        }
        let count = self.shape.packets;
        for at in 0..count {
            let due = start + self.shape.spread.mul_f64(at as f64 / count as f64);
            let number = self.number;
            self.number += 1;
            let len = VIDEO_PACKET - 12;
            let payload = h264::fragment(key, self.since_key, at, count, len, number);
            let plain = self.video.packet(at + 1 == count, &payload);
            self.push(due, plain, Some(number));
        }
        self.since_key += 1;
        self.video.timestamp = self.video.timestamp.wrapping_add(90_000 / FRAME_RATE);
    }

    fn push(&mut self, due: Instant, plain: Vec<u8>, number: Option<u64>) {
        let (ssrc, index) = (self.video.ssrc, self.video.index);
        self.video.index += 1;
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((index, plain.clone()));
        self.ready.push_back(Ready { due, plain, ssrc, index, number });
    }

    /// Makes one packet of sound. It does not wait behind the frame.
    fn sound(&mut self) {
        let number = self.number;
        self.number += 1;
        let mut payload = vec![OPUS_TOC];
        payload.extend_from_slice(&marker::write(number));
        h264::fill(&mut payload, AUDIO_PACKET - 12, number);
        let plain = self.audio.packet(false, &payload);
        let (ssrc, index) = (self.audio.ssrc, self.audio.index);
        self.audio.index += 1;
        self.audio.timestamp = self.audio.timestamp.wrapping_add(960);
        let due = self.next_audio;
        self.ready.push_front(Ready { due, plain, ssrc, index, number: Some(number) });
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
            srtp.sealer.seal_rtp(&mut run, start, 12, ready.ssrc, ready.index)?;
            numbers.extend(ready.number);
        }
    }

    fn report(&mut self) -> Result<(), Error> {
        let at = marker::now();
        let mut packet = Vec::new();
        for track in [&self.video, &self.audio] {
            let Track { ssrc, timestamp, packets, bytes, .. } = *track;
            rtcp::sender_report(&mut packet, ssrc, at, timestamp, packets, bytes);
            rtcp::description(&mut packet, ssrc);
        }
        let Some(srtp) = &mut self.session.srtp else { return Ok(()) };
        srtp.sealer.seal_rtcp(&mut packet, 0)?;
        self.session.send(&self.link, &packet, None);
        Ok(())
    }
}

/// The thread with all publishers.
pub(crate) struct Studio {
    publishers: Sender<Box<Publisher>>,
    waker: Waker,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Studio {
    pub(crate) fn start(shared: Arc<Shared>, tally: Arc<Tally>) -> Result<Self, Error> {
        let poll = Poll::new().map_err(Error::io("epoll"))?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(Error::io("epoll"))?;
        let (publishers, inbound) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let run = Run { shared, tally, poll, inbound, stop: stop.clone(), all: Vec::new() };
        let thread = std::thread::Builder::new()
            .name("publishers".to_owned())
            .spawn(move || run.run())
            .map_err(Error::io("a thread"))?;
        Ok(Self { publishers, waker, stop, thread })
    }

    /// Takes a publisher in.
    pub(crate) fn add(&self, publisher: Publisher) {
        // A thread that has panicked is noticed when it is joined.
        let _ = self.publishers.send(Box::new(publisher));
        let _ = self.waker.wake();
    }

    /// Ends the thread; why publishers failed.
    pub(crate) fn finish(self) -> Result<Vec<String>, Error> {
        self.stop.store(true, Ordering::Relaxed);
        self.waker.wake().map_err(Error::io("epoll"))?;
        self.thread
            .join()
            .map_err(|_| Error::Usage("the thread of publishers has panicked".to_owned()))
    }
}

struct Run {
    shared: Arc<Shared>,
    tally: Arc<Tally>,
    poll: Poll,
    inbound: Receiver<Box<Publisher>>,
    stop: Arc<AtomicBool>,
    all: Vec<Publisher>,
}

impl Run {
    fn run(mut self) -> Vec<String> {
        let mut events = Events::with_capacity(256);
        let mut inbox = Inbox::new();
        while !self.stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            let next = self.all.iter().filter(|one| one.failed.is_none()).map(Publisher::next);
            let wait = next.min().map(|next| next.saturating_duration_since(now));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                _ => {}
            }
            let now = Instant::now();
            for event in &events {
                match event.token() {
                    WAKE => self.take_in(),
                    Token(at) => {
                        if let Some(one) = self.all.get_mut(at) {
                            one.receive(&self.shared, &mut inbox, &self.tally, now);
                        }
                    }
                }
            }
            for one in self.all.iter_mut().filter(|one| one.failed.is_none()) {
                if one.next() <= now
                    && let Err(error) = one.tick(&self.shared, &self.tally, now)
                {
                    one.failed = Some(error);
                    add(&self.tally.failed, 1);
                }
            }
        }
        self.all.iter().filter_map(|one| one.failed.as_ref().map(Error::kind)).collect()
    }

    fn take_in(&mut self) {
        loop {
            match self.inbound.try_recv() {
                Ok(mut one) => {
                    let token = Token(self.all.len());
                    let socket = &mut one.link.socket;
                    let registry = self.poll.registry();
                    if let Err(error) = registry.register(socket, token, Interest::READABLE) {
                        one.failed = Some(Error::io("epoll")(error));
                        add(&self.tally.failed, 1);
                    }
                    self.all.push(*one);
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bit_rate_becomes_packets_a_frame() {
        assert_eq!(Shape::packets_for(2_650_000), 9);
        assert_eq!(Shape::packets_for(10_000), 1);
        assert_eq!(Shape::packets_for(8_000_000), 28);
    }

    #[test]
    fn a_packet_carries_its_track() {
        let mut track = Track::new(7, H264);
        let header = crate::rtp::Header::read(&track.packet(true, b"payload")).unwrap();
        assert_eq!((header.ssrc, header.payload_type, header.marker), (7, H264, true));
        assert_eq!(u64::from(header.sequence), track.index);
        assert_eq!((track.packets, track.bytes), (1, 7));
    }
}
