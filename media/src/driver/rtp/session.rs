//! A source that sends, on its way to the media thread.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::ids::{SessionId, StreamId};
use crate::rtcp::is_rtcp;
use crate::rtp_source::{RtpOrigin, RtpSource};
use crate::status::RtpSourceStatus;

use super::super::feeds::FeedItem;
use super::super::ffmpeg::Ffmpeg;
use super::super::outgoing::Outgoing;

/// Datagrams that are kept while the server is asked: some hundred milliseconds of a stream.
/// Beyond, they are lost.
const HELD: usize = 512;

/// When a datagram came, whose it is, the registered port that it came from, and itself.
type Held = (Instant, Arc<RtpOrigin>, u16, Vec<u8>);

/// A source whose packets come.
pub(super) struct Session {
    /// When one came last.
    pub(super) last: Instant,
    pub(super) state: State,
}

/// How far a source is.
pub(super) enum State {
    /// The server is asked.
    Asking(Vec<Held>),
    /// It may not publish; it is asked again then.
    Refused(Instant),
    /// It said goodbye: until then, what still comes of these senders (SSRC) begins nothing.
    Left(Vec<u32>, Instant),
    On(Box<Publishing>),
}

/// A source that publishes.
pub(super) struct Publishing {
    pub(super) outgoing: Outgoing,
    pub(super) source: RtpSource,
    /// What was registered of it when its last packet came.
    origin: Option<Arc<RtpOrigin>>,
}

/// How sound is to be understood whose description nobody has declared.
const GUESSED: &str = "AAC in plain RTP does not say how many channels it has, and was taken for one or two: declare what \
     the encoder sends by its SDP (rushes/live/declare).";

impl Session {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: now, state: State::Asking(Vec::new()) }
    }

    pub(super) fn hold(
        &mut self,
        now: Instant,
        origin: &Arc<RtpOrigin>,
        port: u16,
        datagram: &[u8],
    ) {
        if let State::Asking(held) = &mut self.state
            && held.len() < HELD
        {
            held.push((now, Arc::clone(origin), port, datagram.to_vec()));
        }
    }
}

/// Whether a datagram is what these senders said before they left, and comes late: within the time for
/// that, packets of theirs, and reports at any time.
pub(super) fn is_belated(senders: &[u32], within: bool, datagram: &[u8]) -> bool {
    let ssrc = datagram.get(8..12).and_then(|bytes| bytes.first_chunk::<4>());
    let theirs = ssrc.is_some_and(|ssrc| senders.contains(&u32::from_be_bytes(*ssrc)));
    is_rtcp(datagram) || (within && theirs)
}

impl Publishing {
    pub(super) fn new(
        now: Instant,
        id: SessionId,
        stream: StreamId,
        feeds: mpsc::Sender<FeedItem>,
        gone: Arc<AtomicBool>,
        ffmpeg: Option<Ffmpeg>,
    ) -> Self {
        let outgoing = Outgoing::new(id, stream, feeds, gone, ffmpeg);
        Self { outgoing, source: RtpSource::new(now), origin: None }
    }

    pub(super) fn take(&mut self, now: Instant, from: &Arc<RtpOrigin>, port: u16, datagram: &[u8]) {
        let Self { outgoing, source, origin } = self;
        if origin.as_ref().is_none_or(|origin| !Arc::ptr_eq(origin, from)) {
            source.declare((from.video, from.audio), from.declared.clone());
            *origin = Some(Arc::clone(from));
        }
        source.datagram(now, port, datagram, |made| outgoing.take(made));
    }

    pub(super) fn tick(&mut self, now: Instant) {
        let Self { outgoing, source, .. } = self;
        if source.deadline().is_some_and(|at| at <= now) {
            source.tick(now, |made| outgoing.take(made));
        }
    }

    pub(super) fn status(&mut self, now: Instant) -> RtpSourceStatus {
        let Self { outgoing, source, .. } = self;
        source.tick(now, |made| outgoing.take(made));
        let rtp = source.status();
        outgoing.sends(rtp.packets);
        let mut problems = source.problems();
        if let Some(problem) = outgoing.problem() {
            problems.push(problem);
            if source.has_guessed_sound() {
                problems.push(GUESSED.to_owned());
            }
        }
        RtpSourceStatus { rtp, problems, frames_lost: source.lost(), skipped: outgoing.skipped }
    }
}
