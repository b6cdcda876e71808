//! Pictures that not all viewers show: for each a thread that converts it.
//!
//! The media thread hands it the publisher's packets of the picture and never waits for it. What
//! it makes of them comes back as that publisher's does, and goes to the viewers in their place, or
//! besides to those who do not take them, within the same stream: sound, sessions and recordings know
//! nothing of it.

mod beside;
mod outside;
mod shard;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;

use crate::ids::StreamId;
use crate::picture::Encoding;
use crate::status::{TranscodeCause, TranscodeState, TranscodeStatus};
use crate::stream::Packet;
use crate::transcode::{Growth, Measured, TranscodeLimits, TranscodeRefusal, admit};

use super::feeds::FeedItem;
use super::ffmpeg::Ffmpeg;

pub(super) use beside::Seat;
pub(super) use shard::{Conversion, FIRST_LOOK};

/// Packets that wait for a thread: a second of 20 Mbit/s. Beyond, the picture is left out up to
/// its next key frame.
const ITEMS: usize = 2_048;

/// What the media thread has for those of all streams.
#[derive(Debug)]
pub(super) struct Transcodes {
    limits: TranscodeLimits,
    /// Places that are taken: by the threads, and by sources of composites that ffmpeg decodes.
    running: Arc<AtomicUsize>,
    feeds: mpsc::Sender<FeedItem>,
    /// What decodes all that is not H.264.
    ffmpeg: Option<Ffmpeg>,
    /// How many there have been.
    begun: u64,
}

impl Transcodes {
    /// None yet. What they make comes back by `feeds`.
    pub(super) fn new(
        limits: TranscodeLimits,
        feeds: mpsc::Sender<FeedItem>,
        ffmpeg: Option<Ffmpeg>,
    ) -> Self {
        Self { limits, running: Arc::default(), feeds, ffmpeg, begun: 0 }
    }

    /// How many places are taken.
    fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// A place for a picture that is decoded by ffmpeg and not encoded again, or why there is none;
    /// none where it is not known well enough yet. It counts like one that is converted, and only the
    /// media thread takes places.
    pub(super) fn place(&self, measured: Measured) -> Option<Result<Place, TranscodeRefusal>> {
        // One of its layers is decoded, whatever there are.
        let measured = Measured { layers: 1, ..measured };
        let admitted = admit(self.limits, self.running(), &measured, self.ffmpeg.is_some())?;
        Some(admitted.map(|_| Place::take(&self.running)))
    }

    /// Whether a picture that has such a place has become too large.
    pub(super) fn look(
        &self,
        growth: &mut Growth,
        measured: &Measured,
    ) -> Option<TranscodeRefusal> {
        growth.look(self.limits, measured)
    }
}

/// What a thread has made.
pub(super) struct Transcoded {
    pub(super) stream: StreamId,
    /// Which conversion: another publisher's is another one.
    id: u64,
    /// The packets of a picture; none as long as it only says that it can begin.
    packets: Vec<Packet>,
}

/// What a thread is told.
enum Item {
    /// A packet, and when it was handed over.
    Packet(Instant, Packet),
    /// Packets were left out.
    Gap,
    /// Pictures later than this timestamp are the thread's.
    Begin(u32),
    /// There is something to look at: what another program made, or that it is to stop.
    Woken,
}

/// What the media thread and a thread have in common.
#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    /// A viewer needs a key frame.
    viewers_wish: AtomicBool,
    /// The thread needs a key frame of the publisher.
    wish: AtomicBool,
    /// Pictures that did not even get to the thread.
    left_out: AtomicU64,
    /// How it is to be encoded by what is measured now.
    aim: Mutex<Encoding>,
    told: Mutex<Told>,
}

/// What a thread tells of itself.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    frames: u64,
    missed: u64,
    lost: u64,
    busy: f64,
    behind: bool,
    /// Why it has ended.
    refusal: Option<TranscodeRefusal>,
}

impl Shared {
    fn new(aim: Encoding) -> Self {
        Self {
            stop: AtomicBool::new(false),
            viewers_wish: AtomicBool::new(false),
            wish: AtomicBool::new(false),
            left_out: AtomicU64::new(0),
            aim: Mutex::new(aim),
            told: Mutex::default(),
        }
    }

    fn aim(&self) -> Encoding {
        *self.aim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> Told {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(
        &self,
        cause: TranscodeCause,
        state: TranscodeState,
        viewers: Option<usize>,
    ) -> TranscodeStatus {
        let Told { frames, missed, lost, busy, behind, refusal } = self.told();
        TranscodeStatus {
            cause,
            state,
            viewers,
            frames,
            frames_missed: missed,
            frames_lost: lost,
            bitrate: self.aim().bits,
            busy,
            behind,
            refusal,
        }
    }
}

/// A place among what is converted, free again when that has ended.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(running: &Arc<AtomicUsize>) -> Self {
        running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(running))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
