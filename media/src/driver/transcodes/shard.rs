//! The media thread's side: which picture is converted, what the threads get and what comes back.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::ids::StreamId;
use crate::picture::Encoding;
use crate::rtp::{Codec, Kind};
use crate::status::{TranscodeCause, TranscodeState, TranscodeStatus};
use crate::stream::{Burst, Cache, MADE, Packet};
use crate::transcode::{Growth, Measured, OutsideCodec, TranscodeRefusal, admit, encoding};
use crate::webrtc::{Source, TrackFormat};

use super::super::sender::Job;
use super::super::shard::Shard;
use super::super::streams::Entry;
use super::{ITEMS, Item, Place, Shared, Transcoded, thread};

/// Rates are known well enough after this; a picture that needs it is passed on as it comes
/// until then.
pub(in super::super) const FIRST_LOOK: Duration = Duration::from_millis(750);

/// What comes of a stream's picture that not all viewers show as it is.
#[derive(Debug)]
pub(in super::super) enum Conversion {
    /// It is passed on, and that is not looked at again before.
    Refused(TranscodeRefusal, Instant),
    /// It is passed on, and would be converted besides for whoever needs that.
    Ready,
    /// It is converted, or is about to be.
    On(Box<Converting>),
}

/// A picture and its thread.
#[derive(Debug)]
pub(in super::super) struct Converting {
    id: u64,
    pub(super) tap: Tap,
    /// What the thread makes goes to viewers.
    runs: bool,
    /// It does not take the place of what the publisher sends, and goes to those who need it.
    beside: bool,
    /// How many need it, and since when nobody does.
    pub(super) viewers: usize,
    pub(super) idle: Option<Instant>,
    /// What the publisher itself sent since its last key frame: recordings are of that.
    originals: Cache,
    pub(super) growth: Growth,
}

/// How the publisher's packets get to the thread.
#[derive(Debug)]
pub(super) struct Tap {
    items: SyncSender<Item>,
    shared: Arc<Shared>,
    /// Something was left out: the next is a key frame.
    waits: bool,
}

/// The thread has ended.
#[derive(Debug)]
pub(super) struct Gone;

impl Tap {
    pub(super) fn packet(&mut self, now: Instant, packet: &Packet) -> Result<(), Gone> {
        let begins = packet.inspection.key || packet.inspection.parameters;
        if self.waits {
            if !begins || !self.send(Item::Gap)? {
                self.leave_out(packet);
                return Ok(());
            }
            self.waits = false;
        }
        if !self.send(Item::Packet(now, packet.clone()))? {
            self.leave_out(packet);
        }
        Ok(())
    }

    /// How it is to be encoded by what is measured now.
    pub(super) fn aim(&self, aim: Encoding) {
        *self.shared.aim.lock().unwrap_or_else(PoisonError::into_inner) = aim;
    }

    /// Says whether there was room.
    fn send(&self, item: Item) -> Result<bool, Gone> {
        match self.items.try_send(item) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => Ok(false),
            Err(TrySendError::Disconnected(_)) => Err(Gone),
        }
    }

    fn leave_out(&mut self, packet: &Packet) {
        self.waits = true;
        self.shared.left_out.fetch_add(u64::from(packet.marker), Ordering::Relaxed);
        self.shared.wish.store(true, Ordering::Relaxed);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Where that is full the thread is awake.
        let _ = self.items.try_send(Item::Woken);
    }
}

impl Conversion {
    /// What comes of a picture of this codec.
    pub(in super::super) fn status(&self, codec: Codec) -> TranscodeStatus {
        let cause = match OutsideCodec::of(codec) {
            Some(_) => TranscodeCause::Codec(codec),
            None => TranscodeCause::BFrames,
        };
        let (state, refusal) = match self {
            Self::On(on) => {
                let state =
                    if on.runs { TranscodeState::Running } else { TranscodeState::Starting };
                return on.tap.shared.status(cause, state, on.beside.then_some(on.viewers));
            }
            Self::Ready => (TranscodeState::Ready, None),
            Self::Refused(refusal, _) => (TranscodeState::Refused, Some(*refusal)),
        };
        TranscodeStatus {
            cause,
            state,
            viewers: None,
            frames: 0,
            frames_missed: 0,
            frames_lost: 0,
            bitrate: 0,
            busy: 0.0,
            behind: false,
            refusal,
        }
    }
}

/// What is made of a publisher's tracks.
pub(super) fn h264_of(source: &Source) -> Source {
    let video = source.video.map(|_| TrackFormat::encoded_here());
    Source { video, ..*source }
}

impl Entry {
    /// The conversion whose pictures viewers get in place of the publisher's.
    fn converted(&self) -> Option<&Converting> {
        match &self.transcode {
            Some(Conversion::On(on)) => Some(on.as_ref()).filter(|on| on.runs && !on.beside),
            _ => None,
        }
    }

    /// What viewers are sent of a publisher's tracks.
    pub(in super::super) fn shows(&self, source: Source) -> Source {
        if self.converted().is_some() { h264_of(&source) } else { source }
    }

    /// What the publisher itself sent since its last key frame.
    pub(in super::super) fn originals(&self) -> &Cache {
        self.converted().map_or(&self.cache, |on| &on.originals)
    }

    /// Whoever is sent the stream needs a key frame of a layer.
    pub(in super::super) fn want_keyframe(&mut self, now: Instant, layer: u8) {
        match &self.transcode {
            Some(Conversion::On(on)) if on.beside == (layer == MADE) && (on.runs || on.beside) => {
                on.tap.shared.viewers_wish.store(true, Ordering::Relaxed);
            }
            _ => self.ingest.want_keyframe(now, layer),
        }
    }

    /// The latest timestamp of the picture.
    fn latest(&self) -> Option<u32> {
        self.placing.first().and_then(|placing| placing.latest())
    }

    pub(in super::super) fn measured(&self, now: Instant) -> Measured {
        let video = self.ingest.video(now);
        Measured {
            codec: self.source.video.map_or(Codec::H264, |format| format.codec),
            size: video.size(),
            profile: video.profile().map(|[idc, ..]| idc),
            rate: video.frame_rate(now),
            bits: video.bit_rate(now),
            layers: self.ingest.layers().len(),
        }
    }
}

impl Shard {
    /// Packets of a stream's publisher, after they were measured. Gives back those that viewers get:
    /// not those of which they get what is made instead.
    pub(in super::super) fn transcode_packets(
        &mut self,
        now: Instant,
        stream: StreamId,
        burst: Burst,
    ) -> Burst {
        let mut left: Option<Vec<Packet>> = None;
        for (index, packet) in burst.iter().enumerate() {
            if self.transcode_packet(now, stream, packet) {
                left.get_or_insert_with(|| burst[..index].to_vec());
            } else if let Some(left) = &mut left {
                left.push(packet.clone());
            }
        }
        left.map_or(burst, Burst::from)
    }

    /// Says whether viewers get what is made of it instead.
    fn transcode_packet(&mut self, now: Instant, stream: StreamId, packet: &Packet) -> bool {
        if packet.codec.kind() != Kind::Video {
            return false;
        }
        let Some(entry) = self.streams.get_mut(&stream) else { return false };
        if entry.transcode.is_none() {
            let calls_for_it = packet.inspection.bidirectional || entry.is_beside();
            if !calls_for_it || entry.ingest.video(now).age(now) < FIRST_LOOK {
                return false;
            }
            self.look_at_transcode(now, stream);
        }
        let Some(entry) = self.streams.get_mut(&stream) else { return false };
        let Some(Conversion::On(on)) = &mut entry.transcode else { return false };
        if on.tap.packet(now, packet).is_err() {
            let refusal = on.tap.shared.told().refusal.unwrap_or(TranscodeRefusal::Defect);
            self.end_transcode(now, stream, refusal);
            return false;
        }
        if on.tap.shared.wish.swap(false, Ordering::Relaxed) {
            entry.ingest.want_keyframe(now, packet.layer);
        }
        let replaced = on.runs && !on.beside;
        if replaced {
            on.originals.push(now, packet);
        }
        replaced
    }

    /// Looks at all pictures that are, or should be, converted.
    pub(in super::super) fn look_at_transcodes(&mut self, now: Instant) {
        let wanted = |(_, entry): &(&StreamId, &Entry)| {
            entry.publisher.is_some()
                && (entry.transcode.is_some()
                    || entry.is_beside()
                    || entry.ingest.video(now).b_frames())
        };
        let streams: Vec<StreamId> =
            self.streams.iter().filter(wanted).map(|(id, _)| *id).collect();
        for stream in streams {
            self.look_at_transcode(now, stream);
        }
        self.look_at_taps(now);
    }

    /// Looks whether a picture should be converted, or should be no more.
    fn look_at_transcode(&mut self, now: Instant, stream: StreamId) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        if entry.is_beside() {
            return self.look_beside(now, stream);
        }
        if !entry.ingest.video(now).b_frames()
            && !matches!(entry.transcode, Some(Conversion::On(_)))
        {
            // It was of another codec.
            entry.transcode = None;
            return;
        }
        let measured = entry.measured(now);
        let limits = self.transcodes.limits;
        match &mut entry.transcode {
            Some(Conversion::On(on)) => match on.growth.look(limits, &measured) {
                Some(refusal) => self.end_transcode(now, stream, refusal),
                None => on.tap.aim(encoding(&measured)),
            },
            Some(Conversion::Refused(refusal, _)) if refusal.is_final() => {}
            _ => match admit(limits, self.transcodes.running(), &measured, false) {
                None => {}
                Some(Err(refusal)) => entry.transcode = Some(Conversion::Refused(refusal, now)),
                Some(Ok(aim)) => self.start_transcode(now, stream, aim),
            },
        }
    }

    pub(super) fn start_transcode(&mut self, now: Instant, stream: StreamId, aim: Encoding) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let beside = entry.is_beside();
        self.transcodes.begun += 1;
        let (id, shared) = (self.transcodes.begun, Arc::new(Shared::new(aim)));
        let (items, inbox) = sync_channel(ITEMS);
        let ffmpeg = self.transcodes.ffmpeg.clone().filter(|_| beside);
        let outside = ffmpeg.map(|ffmpeg| (ffmpeg, items.clone()));
        let start = thread::Start {
            stream,
            id,
            shared: Arc::clone(&shared),
            inbox,
            feeds: self.transcodes.feeds.clone(),
            place: Place::take(&self.transcodes.running),
            outside,
        };
        let spawned = std::thread::Builder::new()
            .name("rushes-transcode".to_owned())
            .spawn(move || thread::run(start));
        if let Err(error) = spawned {
            tracing::error!(%error, "there is no thread to convert a picture");
            entry.transcode = Some(Conversion::Refused(TranscodeRefusal::Defect, now));
            return;
        }
        tracing::info!(%stream, beside, "a picture is to be converted");
        let mut tap = Tap { items, shared, waits: false };
        if beside && let Some(latest) = entry.latest() {
            // Nobody sees what was before. The thread has just begun: there is room.
            let _ = tap.send(Item::Begin(latest));
        }
        // Decoding begins with the last key frame, so that there is no break when the thread's
        // pictures take the place of the publisher's.
        let cached = entry.cache.packets();
        if cached.len() < ITEMS / 2 {
            // The thread has just begun.
            let _ = cached.iter().try_for_each(|packet| tap.packet(now, packet));
        } else {
            tap.waits = true;
            entry.ingest.want_keyframe(now, 0);
            self.touched.insert(stream);
        }
        let on = Converting {
            id,
            tap,
            runs: false,
            beside,
            viewers: 0,
            idle: None,
            originals: Cache::default(),
            growth: Growth::default(),
        };
        entry.transcode = Some(Conversion::On(Box::new(on)));
    }

    /// What a thread has made; the first is that it can begin.
    pub(in super::super) fn transcoded(&mut self, now: Instant, made: Transcoded) {
        let Transcoded { stream, id, packets } = made;
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let latest = entry.latest();
        let Some(Conversion::On(on)) = &mut entry.transcode else { return };
        if on.id != id {
            return; // another publisher's, by now
        }
        if on.beside {
            on.runs |= !packets.is_empty();
            return self.hand_on_made(now, stream, packets);
        }
        if on.runs {
            return self.fan_out(now, stream, &packets.into());
        }
        // The frames up to here are the publisher's own.
        let Some(latest) = latest else { return };
        if !matches!(on.tap.send(Item::Begin(latest)), Ok(true)) {
            return; // it says so again
        }
        on.runs = true;
        on.originals = std::mem::take(&mut entry.cache);
        tracing::info!(%stream, "viewers get the converted picture");
        self.go_on_anew(now, stream);
    }

    /// The picture is passed on as it comes.
    pub(super) fn end_transcode(
        &mut self,
        now: Instant,
        stream: StreamId,
        refusal: TranscodeRefusal,
    ) {
        let Some(entry) = self.streams.get_mut(&stream) else { return };
        let ran = entry.converted().is_some();
        let beside = matches!(&entry.transcode, Some(Conversion::On(on)) if on.beside);
        tracing::warn!(%stream, %refusal, "a picture is not converted");
        if beside {
            return self.refuse_beside(now, stream, refusal);
        }
        entry.transcode = Some(Conversion::Refused(refusal, now));
        if ran {
            entry.cache.publish(1);
            entry.ingest.want_keyframe(now, 0);
            self.go_on_anew(now, stream);
        }
    }

    /// The picture goes on under other numbers, with its next key frame.
    fn go_on_anew(&mut self, now: Instant, stream: StreamId) {
        self.taps.publish(stream);
        self.tell_threads(stream, || Job::Publish(stream, 1));
        self.begin_layers(now, stream);
        self.touched.insert(stream);
        if let Some(source) = self.streams.get(&stream).map(|entry| entry.source) {
            self.follow(now, stream, &source);
        }
    }
}

#[cfg(test)]
impl Tap {
    pub(super) fn for_tests(room: usize) -> (Self, std::sync::mpsc::Receiver<Item>) {
        let (items, inbox) = sync_channel(room);
        let aim = Encoding { rate: 25, bits: 400_000 };
        (Self { items, shared: Arc::new(Shared::new(aim)), waits: false }, inbox)
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}
