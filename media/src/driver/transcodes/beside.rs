//! Pictures that are passed on as they come and converted besides, for those who do not take them: of
//! H.265, VP8, VP9 and AV1. It begins with the first of these viewers, and ends some time after the last.

use std::time::{Duration, Instant};

use crate::ids::StreamId;
use crate::stream::{MADE, Packet};
use crate::transcode::{OutsideCodec, TranscodeRefusal, admit, encoding};
use crate::webrtc::{Source, Viewer};

use super::super::jobs::Formats;
use super::super::sender::Job;
use super::super::sessions::{Session, Slot};
use super::super::shard::Shard;
use super::super::streams::Entry;
use super::shard::{Conversion, FIRST_LOOK, h264_of};

/// A picture that nobody needs is converted for so long: who reloads a page need not wait, and a
/// decoder is not started for each of many who come and go.
const LINGER: Duration = Duration::from_secs(10);
/// Where ffmpeg failed, it is not tried again before.
const PAUSE: Duration = Duration::from_secs(30);

/// How a viewer is sent the picture.
pub(in super::super) struct Seat {
    pub(in super::super) formats: Formats,
    /// As it was made here, and not as its publisher sends it.
    pub(in super::super) made: bool,
}

fn is_beside(source: &Source) -> bool {
    source.video.is_some_and(|video| OutsideCodec::of(video.codec).is_some())
}

impl Entry {
    /// Whether the picture is one that is converted beside what its publisher sends.
    pub(super) fn is_beside(&self) -> bool {
        is_beside(&self.source)
    }

    /// What those are sent who do not take what a publisher sends, or why there is nothing else; none
    /// where that is not called for.
    pub(in super::super) fn instead(
        &self,
        source: &Source,
    ) -> Option<(Source, Option<TranscodeRefusal>)> {
        let refusal = match &self.transcode {
            Some(Conversion::Refused(refusal, _)) => Some(*refusal),
            _ => None,
        };
        is_beside(source).then(|| (h264_of(source), refusal))
    }

    /// How a viewer is sent what a publisher sends; none if it cannot be.
    pub(in super::super) fn seat(&self, viewer: &Viewer, source: &Source) -> Option<Seat> {
        if let Some(formats) = viewer.formats(&self.shows(*source)) {
            return Some(Seat { formats, made: false });
        }
        match self.instead(source)? {
            (instead, None) => Some(Seat { formats: viewer.formats(&instead)?, made: true }),
            (_, Some(_)) => None,
        }
    }
}

impl Shard {
    /// Viewers that are sent, or are about to be sent, what is made of the picture.
    fn needy(&mut self, stream: StreamId) -> usize {
        let Some(entry) = self.streams.get(&stream) else { return 0 };
        let slots: Vec<Slot> = entry.viewers.iter().chain(&entry.expected).copied().collect();
        let needs = |slot: &Slot| {
            let viewing = self.sessions.get(*slot).and_then(Session::viewing);
            viewing.is_some_and(|viewing| viewing.made)
        };
        slots.into_iter().filter(needs).count()
    }

    /// Somebody may need the picture converted: looks whether it can be, unless it is already.
    pub(in super::super) fn need_beside(&mut self, now: Instant, stream: StreamId) {
        let is_on = |entry: &Entry| matches!(entry.transcode, Some(Conversion::On(_)));
        if self.streams.get(&stream).is_some_and(|entry| entry.is_beside() && !is_on(entry)) {
            self.look_beside(now, stream);
        }
    }

    /// Looks whether the picture should be converted, or should be no more.
    pub(super) fn look_beside(&mut self, now: Instant, stream: StreamId) {
        let (limits, running) = (self.transcodes.limits, self.transcodes.running());
        let ffmpeg = self.transcodes.ffmpeg.is_some();
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        if entry.publisher.is_none() || entry.ingest.video(now).age(now) < FIRST_LOOK {
            return;
        }
        let measured = entry.measured(now);
        match &mut entry.transcode {
            Some(Conversion::On(on)) => match on.growth.look(limits, &measured) {
                Some(refusal) => self.end_transcode(now, stream, refusal),
                None => {
                    on.tap.aim(encoding(&measured));
                    self.look_at_need(now, stream);
                }
            },
            Some(Conversion::Refused(refusal, until)) if refusal.is_final() || now < *until => {}
            _ => match admit(limits, running, &measured, ffmpeg) {
                None => {}
                Some(Err(refusal)) => self.refuse_beside(now, stream, refusal),
                Some(Ok(aim)) => {
                    entry.transcode = Some(Conversion::Ready);
                    if self.needy(stream) > 0 {
                        self.start_transcode(now, stream, aim);
                    }
                }
            },
        }
    }

    /// Ends what nobody has needed for a while.
    fn look_at_need(&mut self, now: Instant, stream: StreamId) {
        let needy = self.needy(stream);
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let Some(Conversion::On(on)) = &mut entry.transcode else { return };
        on.viewers = needy;
        on.idle = if needy > 0 { None } else { on.idle.or(Some(now)) };
        if on.idle.is_some_and(|since| now.saturating_duration_since(since) >= LINGER) {
            tracing::info!(%stream, "nobody needs the converted picture any more");
            entry.transcode = Some(Conversion::Ready);
            self.forget_made(stream);
        }
    }

    /// It is not converted: who needs that comes again, and hears why.
    pub(super) fn refuse_beside(
        &mut self,
        now: Instant,
        stream: StreamId,
        refusal: TranscodeRefusal,
    ) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let again = matches!(refusal, TranscodeRefusal::Ffmpeg(_));
        let refused = Conversion::Refused(refusal, if again { now + PAUSE } else { now });
        let before = entry.transcode.replace(refused);
        let source = entry.source;
        if !matches!(before, Some(Conversion::Refused(..))) {
            self.forget_made(stream);
            if self.needy(stream) > 0 {
                self.follow(now, stream, &source);
            }
        }
    }

    /// What was made is not shown any more.
    fn forget_made(&mut self, stream: StreamId) {
        if let Some(entry) = self.streams.get_mut(&stream) {
            entry.cache.forget_made();
        }
        self.tell_threads(stream, || Job::ForgetMade(stream));
    }

    /// Packets that were made, for those who need them.
    pub(super) fn hand_on_made(
        &mut self,
        now: Instant,
        stream: StreamId,
        mut packets: Vec<Packet>,
    ) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        for packet in &mut packets {
            // Numbered on where another conversion ended, for no number is used for two packets.
            entry.made += 1;
            (packet.layer, packet.seq) = (MADE, entry.made);
        }
        self.fan_out(now, stream, &packets.into());
    }
}
