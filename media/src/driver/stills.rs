//! Stills of streams: made when somebody asks, of the last key frame, and kept for a while.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::ids::StreamId;
use crate::picture::{Decoder, KeyFrame, Planes, StillError, jpeg, key_frame};
use crate::stream::Packet;

use super::decoding::decode_single;
use super::ffmpeg::Ffmpeg;
use super::streams::unix_ms;
use super::{Command, Media};

/// A still is not made again before.
const KEPT: Duration = Duration::from_secs(10);
/// Stills that are kept. Beyond, the oldest go.
const MOST: usize = 256;
/// Stills that are made at a time; who asks beyond that waits for their turn.
const AT_ONCE: usize = 1;
/// ffmpeg decodes a key frame within this, on a machine that has other things to do too.
const PATIENCE: Duration = Duration::from_secs(5);

/// A picture of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// A JPEG.
    pub jpeg: Arc<[u8]>,
    /// When it was made, in unix milliseconds.
    pub made: i64,
}

/// What came of a stream's last key frame, once that is known.
type Kept = Arc<tokio::sync::Mutex<Option<(Instant, Result<Still, StillError>)>>>;

/// Makes stills. Those of streams that nobody looks at cost nothing.
#[derive(Debug)]
pub struct Stills {
    media: Media,
    kept: Mutex<HashMap<StreamId, (Instant, Kept)>>,
    turns: Arc<Semaphore>,
}

impl Stills {
    /// Stills of the streams of a media plane.
    pub fn new(media: &Media) -> Self {
        let (kept, turns) = (Mutex::default(), Arc::new(Semaphore::new(AT_ONCE)));
        Self { media: media.clone(), kept, turns }
    }

    /// The still of a stream: no older than ten seconds and the time since its last key frame.
    ///
    /// # Errors
    /// When there is no key frame, or nothing can be made of it.
    pub async fn get(&self, stream: StreamId) -> Result<Still, StillError> {
        self.get_at(Instant::now(), stream).await
    }

    /// [`Stills::get`], of who asks at this moment.
    pub(super) async fn get_at(&self, now: Instant, stream: StreamId) -> Result<Still, StillError> {
        let kept = self.place(now, stream);
        // Who asks while it is made gets what is made.
        let mut kept = kept.lock().await;
        if let Some((at, still)) = &*kept
            && now.saturating_duration_since(*at) < KEPT
        {
            return still.clone();
        }
        let still = self.make(stream).await;
        // What is not there yet may be there in a moment; what cannot be decoded will not.
        let lasts = !matches!(still, Err(StillError::NoKeyFrame | StillError::Unavailable));
        *kept = lasts.then(|| (now, still.clone()));
        still
    }

    /// Where the still of a stream is kept.
    fn place(&self, now: Instant, stream: StreamId) -> Kept {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&stream) {
            all.retain(|_, (asked, _)| now.saturating_duration_since(*asked) < KEPT);
            let oldest = all.iter().min_by_key(|(_, (asked, _))| *asked).map(|(id, _)| *id);
            if let (true, Some(oldest)) = (all.len() >= MOST, oldest) {
                all.remove(&oldest);
            }
        }
        let (asked, kept) = all.entry(stream).or_insert_with(|| (now, Kept::default()));
        *asked = now;
        Arc::clone(kept)
    }

    async fn make(&self, stream: StreamId) -> Result<Still, StillError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| StillError::Unavailable)?;
        let group = self.media.ask(|reply| Command::KeyFrame(stream, reply)).await;
        let group = group.ok_or(StillError::Unavailable)?;
        let ffmpeg = self.media.0.ffmpeg.clone();
        let make = move || {
            let made = picture(&group, ffmpeg.as_ref());
            // It is made to its end, whether or not somebody still waits for it.
            drop(turn);
            made
        };
        let made = tokio::task::spawn_blocking(make).await;
        let jpeg = made.map_err(|_| StillError::Unavailable)??;
        Ok(Still { jpeg: jpeg.into(), made: unix_ms() })
    }
}

fn picture(group: &[Packet], ffmpeg: Option<&Ffmpeg>) -> Result<Vec<u8>, StillError> {
    let made = catch_unwind(AssertUnwindSafe(|| jpeg(&decoded(group, ffmpeg)?)));
    made.unwrap_or_else(|_| {
        tracing::error!("a defect kept a still from being made");
        Err(StillError::Encode("a defect of this server".to_owned()))
    })
}

fn decoded(group: &[Packet], ffmpeg: Option<&Ffmpeg>) -> Result<Planes, StillError> {
    match key_frame(group)? {
        KeyFrame::H264(frame) => Ok(Decoder::single(&frame)?),
        KeyFrame::Outside(codec, size, frame) => {
            let ffmpeg = ffmpeg.ok_or(StillError::NoFfmpeg)?;
            decode_single(ffmpeg, codec, size, &frame, PATIENCE).map_err(StillError::Ffmpeg)
        }
    }
}
