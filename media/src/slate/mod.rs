//! Slates: what viewers of a stream are shown while nobody publishes it or its publisher sends no
//! picture, where its registration asks for that: whose picture it is, and that it is away.
//!
//! A pure core: the time is an argument. [`Pace`] says whether a publisher's picture has stopped,
//! [`draw`] makes the few frames of a slate once, and [`Slate`] gives them out again and again: a
//! stream that is away for a day is not encoded again.

mod pace;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::composite::words;
use crate::feed::{Cutter, Moment};
use crate::picture::{EncodeError, Encoder, Encoding};
use crate::rtp::PictureSize;
use crate::stream::Packet;

pub(crate) use pace::Pace;

/// From one frame to the next.
pub(crate) const PERIOD: Duration = Duration::from_millis(500);
/// Frames of a group: a key frame comes every two seconds. Between two of them there are others, for
/// key frames in a row would have to differ (H.264, 7.4.3: `idr_pic_id`).
const FRAMES: usize = 4;
/// A publisher that is back within this time was not missed: the last picture stays meanwhile.
pub(crate) const MISSED: Duration = Duration::from_secs(1);
/// How it is encoded: as many frames a second as it has, and more bits than it needs, so that none
/// is left out.
const ENCODING: Encoding = Encoding { rate: 2, bits: 1_000_000 };
/// The size where no picture was seen.
const USUAL: PictureSize = PictureSize { width: 1280, height: 720 };
/// The most pixels of the longer and of the shorter side. A larger picture's slate has its form.
const MOST: (u32, u32) = (1920, 1080);
/// The least of the shorter side: on a smaller picture nothing could be read.
const LEAST: u32 = 64;
/// The words below the name: where nobody publishes, and where who publishes sends no picture.
const AWAY: &str = "is away";
const NO_PICTURE: &str = "sends no picture";
/// A lag beyond this is the failing network's of a publisher that is about to go.
const LONGEST_LAG: Duration = Duration::from_secs(2);

/// What a slate shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    title: Arc<str>,
    why: &'static str,
    size: PictureSize,
}

impl Look {
    /// Of a source of this name, whose last picture had this size. Somebody may still publish it.
    pub(crate) fn new(title: Arc<str>, last: Option<PictureSize>, is_published: bool) -> Self {
        let why = if is_published { NO_PICTURE } else { AWAY };
        Self { title, why, size: fitted(last) }
    }
}

/// As large as the picture was, within what is encoded here.
fn fitted(last: Option<PictureSize>) -> PictureSize {
    let shorter = |size: PictureSize| size.width.min(size.height);
    let Some(size) = last.filter(|size| shorter(*size) >= LEAST) else { return USUAL };
    let (long, short) = (size.width.max(size.height), shorter(size));
    let room = |most: u32, length: u32| f64::from(most) / f64::from(length);
    let scale = room(MOST.0, long).min(room(MOST.1, short)).min(1.0);
    let scaled = |length: u32| (((f64::from(length) * scale) as u32).max(LEAST)) & !1;
    PictureSize { width: scaled(size.width), height: scaled(size.height) }
}

/// Why there is no slate.
#[derive(Debug, Error)]
pub(crate) enum DrawError {
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error("the encoder left out a frame, or gave no key frame")]
    Incomplete,
}

/// The frames of a slate: a key frame, and those that say that nothing has changed.
#[derive(Debug)]
pub(crate) struct Group(Vec<Vec<Packet>>);

/// Draws and encodes a slate. `now` is of no consequence: each frame gets its own time.
///
/// # Errors
/// When it cannot be encoded.
pub(crate) fn draw(now: Instant, look: &Look) -> Result<Group, DrawError> {
    let picture = words(look.size, &[&look.title, look.why]);
    let mut encoder = Encoder::new(ENCODING)?;
    let mut cutter = Cutter::exact();
    let mut frames = Vec::with_capacity(FRAMES);
    for number in 0..FRAMES {
        let frame = encoder.encode(&picture, number == 0)?.ok_or(DrawError::Incomplete)?;
        let packets = cutter.frame(&frame, Moment { ticks: 0, captured: now });
        let key = packets.iter().any(|packet| packet.inspection.key);
        if packets.is_empty() || key != (number == 0) {
            return Err(DrawError::Incomplete);
        }
        frames.push(packets);
    }
    Ok(Group(frames))
}

/// A slate that is shown.
#[derive(Debug)]
pub(crate) struct Slate {
    group: Arc<Group>,
    /// The time of its first frame, which its timestamps count from.
    began: Instant,
    /// The number of the next frame.
    next: usize,
    seq: u64,
}

impl Slate {
    /// One whose first frame stands for this moment.
    pub(crate) fn new(group: Arc<Group>, began: Instant) -> Self {
        Self { group, began, next: 0, seq: 0 }
    }

    /// The packets of the next frame, which stands for this moment.
    pub(crate) fn frame(&mut self, captured: Instant) -> Vec<Packet> {
        let Group(frames) = &*self.group;
        let since = captured.saturating_duration_since(self.began).as_micros();
        // 90 kHz, modulo 2^32.
        let timestamp = (since * 9 / 100) as u32;
        let frame = &frames[self.next % frames.len()];
        self.next += 1;
        let packet = |packet: &Packet| {
            self.seq += 1;
            Packet { seq: self.seq, timestamp, captured, ..packet.clone() }
        };
        frame.iter().map(packet).collect()
    }
}

/// How old a publisher's pictures are when they come here, smoothed, so that the last ones of a
/// network that fails count for little.
///
/// A slate's frames say that they are as old: whoever measures the age of what is shown, so that a
/// room sees it together, finds the source's own age also while it is away.
#[derive(Debug, Default)]
pub(crate) struct Lag(Option<Duration>);

impl Lag {
    /// A picture has come that was captured so long ago.
    pub(crate) fn note(&mut self, lag: Duration) {
        let lag = lag.min(LONGEST_LAG);
        self.0 = Some(self.0.map_or(lag, |before| (before * 31 + lag) / 32));
    }

    /// Nothing before a picture has come.
    pub(crate) fn get(&self) -> Duration {
        self.0.unwrap_or_default()
    }
}
