//! One viewer: counts what comes, reports as a player does, and takes a close
//! look at a sample only. Decrypting everything would cost as much as the server
//! spends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dtls::Srtp;
use crate::error::Error;
use crate::h264;
use crate::marker::{self, Sent};
use crate::rtcp::{self, Heard};
use crate::rtp::{Count, Header, Kind, Source};
use crate::sdp::{Answer, Codec};
use crate::session::{Inbox, Link, Session, Shared};

/// Between two receiver reports.
const REPORT: Duration = Duration::from_secs(1);
/// A picture that has not begun for so long is asked for, as a player does.
const PICTURE_LOSS: Duration = Duration::from_millis(400);
/// More sources than this are no stream of one publisher.
const MAX_SOURCES: usize = 8;

/// What a viewer is to do.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// Looks into each packet for how long it was under way.
    pub(crate) sampled: bool,
    /// Sends receiver reports.
    pub(crate) reports: bool,
    /// When the packets of its stream were sent, if the publisher is here too.
    pub(crate) sent: Option<Arc<Sent>>,
    /// When its POST began.
    pub(crate) started: Instant,
    /// When the answer was there.
    pub(crate) answered: Instant,
}

/// How long after the POST began what was reached.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reached {
    pub(crate) answer: Duration,
    pub(crate) connected: Option<Duration>,
    pub(crate) packet: Option<Duration>,
    /// The first packet of the first key frame.
    pub(crate) key_first: Option<Duration>,
    /// All of the first key frame that came without a gap.
    pub(crate) key_whole: Option<Duration>,
}

/// Packets and bytes on the wire.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Volume {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) retransmitted: u64,
}

impl Volume {
    fn since(self, earlier: Self) -> Self {
        Self {
            packets: self.packets - earlier.packets,
            bytes: self.bytes - earlier.bytes,
            retransmitted: self.retransmitted - earlier.retransmitted,
        }
    }
}

/// The search for the first key frame.
#[derive(Debug, Clone, Copy)]
enum Search {
    Outside,
    Within { timestamp: u32, last: u64 },
    Done,
}

/// What one viewer measured.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) reached: Reached,
    pub(crate) failed: Option<String>,
    pub(crate) volume: Volume,
    /// In the measurement, and since the viewer joined.
    pub(crate) count: Count,
    pub(crate) count_ever: Count,
    /// The greatest of its sources', in milliseconds.
    pub(crate) jitter_ms: Option<f64>,
    /// Microseconds under way, one for each packet of a sampled viewer.
    pub(crate) delays: Vec<u32>,
    /// Packets of a sampled viewer whose sending is not known.
    pub(crate) unmatched: u64,
    pub(crate) port: u16,
}

/// The receiving side of a viewer.
struct Media {
    task: Task,
    answer: Answer,
    ssrc: u32,
    sources: Vec<Source>,
    search: Search,
    reached: Reached,
    total: Volume,
    window: Option<Volume>,
    delays: Vec<u32>,
    unmatched: u64,
    plain: Vec<u8>,
    next_report: Instant,
    next_request: Instant,
}

/// One viewer.
pub(crate) struct Viewer {
    pub(crate) link: Link,
    session: Session,
    media: Media,
    pub(crate) failed: Option<Error>,
}

impl Viewer {
    pub(crate) fn new(link: Link, session: Session, answer: Answer, task: Task) -> Self {
        let reached = Reached { answer: task.answered - task.started, ..Reached::default() };
        // Spread over the second, or the reports of all would come at once.
        let phase = REPORT.mul_f64(f64::from(rand::random::<u16>()) / 65_536.0);
        let media = Media {
            next_report: task.answered + REPORT + phase,
            next_request: task.answered + PICTURE_LOSS,
            ssrc: rand::random(),
            sources: Vec::new(),
            search: Search::Outside,
            total: Volume::default(),
            window: None,
            delays: Vec::new(),
            unmatched: 0,
            plain: Vec::new(),
            task,
            answer,
            reached,
        };
        Self { link, session, media, failed: None }
    }

    /// Whether it has its keys.
    pub(crate) fn is_connected(&self) -> bool {
        self.session.srtp.is_some()
    }

    /// Whether it has seen a whole key frame.
    pub(crate) fn has_picture(&self) -> bool {
        self.media.reached.key_whole.is_some()
    }

    /// Receives all that has come.
    pub(crate) fn receive(&mut self, shared: &Shared, inbox: &mut Inbox, now: Instant) {
        let Self { link, session, media, failed } = self;
        loop {
            let more = link.receive(inbox, |received| {
                let (_, datagram, at) = received;
                match Kind::of(datagram) {
                    Kind::Rtp => media.rtp(session.srtp.as_ref(), datagram, at, now),
                    Kind::Rtcp => media.rtcp(session.srtp.as_mut(), datagram, at),
                    _ => match session.handle(link, shared, received, now) {
                        Ok(true) => media.reached.connected = Some(now - media.task.started),
                        Ok(false) => {}
                        Err(error) => *failed = failed.take().or(Some(error)),
                    },
                }
            });
            if !more {
                return;
            }
        }
    }

    /// Sends what is due.
    pub(crate) fn tick(&mut self, shared: &Shared, now: Instant) {
        if let Err(error) = self.session.tick(&self.link, shared, now) {
            self.failed.get_or_insert(error);
            return;
        }
        let Some(srtp) = &mut self.session.srtp else { return };
        let mut packet = Vec::new();
        self.media.report(now, &mut packet);
        if packet.is_empty() {
            return;
        }
        match srtp.sealer.seal_rtcp(&mut packet, 0) {
            Ok(()) => self.session.send(&self.link, &packet, None),
            Err(error) => self.failed = Some(error.into()),
        }
    }

    /// The measurement begins.
    pub(crate) fn open_window(&mut self) {
        self.media.window = Some(self.media.total);
        self.media.sources.iter_mut().for_each(Source::open_window);
    }

    /// What was measured.
    pub(crate) fn outcome(self) -> Outcome {
        let media = self.media;
        let sum = |count: fn(&Source) -> Count| {
            media.sources.iter().filter(|source| source.codec != Codec::Rtx).map(count).fold(
                Count::default(),
                |sum, one| Count {
                    expected: sum.expected + one.expected,
                    received: sum.received + one.received,
                },
            )
        };
        let (count, count_ever) = (sum(Source::in_window), sum(Source::count));
        let jitters = media.sources.iter().filter(|source| source.codec != Codec::Rtx);
        Outcome {
            reached: media.reached,
            failed: self.failed.map(|error| error.kind()),
            volume: media.total.since(media.window.unwrap_or(media.total)),
            count,
            count_ever,
            jitter_ms: jitters.map(Source::jitter_ms).reduce(f64::max),
            delays: media.delays,
            unmatched: media.unmatched,
            port: self.link.socket.local_addr().map_or(0, |address| address.port()),
        }
    }
}

impl Media {
    fn rtp(&mut self, srtp: Option<&Srtp>, datagram: &[u8], at: u64, now: Instant) {
        let Some(header) = Header::read(datagram) else { return };
        self.total.packets += 1;
        self.total.bytes += datagram.len() as u64;
        if self.reached.packet.is_none() {
            self.reached.packet = Some(now - self.task.started);
        }
        let known = self.sources.iter().position(|source| source.ssrc == header.ssrc);
        let found = match known {
            Some(found) => found,
            None => {
                let Some(codec) = self.answer.codec(header.payload_type) else { return };
                if self.sources.len() == MAX_SOURCES {
                    return;
                }
                self.sources.push(Source::new(&header, codec));
                self.sources.len() - 1
            }
        };
        let source = &mut self.sources[found];
        let index = source.take(&header, at);
        let codec = source.codec;
        if codec == Codec::Rtx {
            self.total.retransmitted += 1;
            return;
        }
        let searching = codec == Codec::H264 && !matches!(self.search, Search::Done);
        let timed = self.task.sampled && self.window.is_some() && self.task.sent.is_some();
        if !searching && !timed {
            return;
        }
        let Some(srtp) = srtp else { return };
        let Ok(len) = srtp.opener.open_rtp(datagram, index, &mut self.plain) else { return };
        if searching {
            self.look_for_picture(&header, index, len, now);
        }
        if timed {
            self.time(len, at);
        }
    }

    fn look_for_picture(&mut self, header: &Header, index: u64, len: usize, now: Instant) {
        let payload = &self.plain[len..];
        let since = now - self.task.started;
        if let Search::Within { timestamp, last } = self.search {
            let follows = index == last + 1 && header.timestamp == timestamp;
            self.search = match follows {
                true => Search::Within { timestamp, last: index },
                false => Search::Outside,
            };
        }
        if matches!(self.search, Search::Outside) && h264::starts_key_frame(payload) {
            self.reached.key_first.get_or_insert(since);
            self.search = Search::Within { timestamp: header.timestamp, last: index };
        }
        if header.marker && matches!(self.search, Search::Within { .. }) {
            self.reached.key_whole = Some(since);
            self.search = Search::Done;
        }
    }

    /// How long the packet was under way, in the clock of the kernel.
    fn time(&mut self, len: usize, at: u64) {
        let Some(number) = marker::read(&self.plain[len..]) else { return };
        match self.task.sent.as_ref().and_then(|sent| sent.get(number)) {
            Some(sent) => {
                let micros = at.saturating_sub(sent) / 1000;
                self.delays.push(u32::try_from(micros).unwrap_or(u32::MAX));
            }
            None => self.unmatched += 1,
        }
    }

    fn rtcp(&mut self, srtp: Option<&mut Srtp>, datagram: &[u8], at: u64) {
        let Some(srtp) = srtp else { return };
        if srtp.opener.open_rtcp(datagram, &mut self.plain).is_err() {
            return;
        }
        let sources = &mut self.sources;
        rtcp::read(&self.plain, |heard| {
            if let Heard::SenderReport { ssrc, middle } = heard
                && let Some(source) = sources.iter_mut().find(|source| source.ssrc == ssrc)
            {
                source.last_report = Some((middle, at));
            }
        });
    }

    /// Writes the reports that are due.
    fn report(&mut self, now: Instant, packet: &mut Vec<u8>) {
        if self.task.reports && now >= self.next_report {
            self.next_report = now + REPORT;
            let at = marker::now();
            let media = self.sources.iter_mut().filter(|source| source.codec != Codec::Rtx);
            let blocks: Vec<_> = media.map(|source| source.report_block(at)).collect();
            rtcp::receiver_report(packet, self.ssrc, &blocks);
        }
        if now >= self.next_request && self.reached.key_whole.is_none() {
            self.next_request = now + PICTURE_LOSS;
            let video = self.sources.iter().find(|source| source.codec == Codec::H264);
            if let Some(video) = video {
                if packet.is_empty() {
                    rtcp::receiver_report(packet, self.ssrc, &[]);
                }
                rtcp::picture_loss(packet, self.ssrc, video.ssrc);
            }
        }
    }
}
