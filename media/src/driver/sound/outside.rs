//! A source's sound that ffmpeg decodes.

use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::feed::{Decoded, Elsewhere, Foreign, Format};
use crate::ts::AacFrame;

use super::super::ffmpeg::{Ffmpeg, Output, Process};
use super::Item;

/// The least and the most time from one start to the next: a source whose sound ends ffmpeg again and
/// again, or changes again and again, costs no more than that.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// One that has run for so long did not fail at its start.
const GOOD: Duration = Duration::from_secs(30);

/// Why there is no sound, in words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(in super::super) enum OutsideError {
    /// There is no ffmpeg.
    #[error(
        "The sound is {}: this server plays it when ffmpeg is installed (--ffmpeg). Install it, or \
         set the encoder to AAC-LC, 48 kHz, stereo.", .0.name()
    )]
    NoFfmpeg(Foreign),
    /// There is no process.
    #[error("The sound is {}, and ffmpeg cannot be started for it: {}", .0.name(), .1)]
    NotStarted(Foreign, String),
    /// It has ended, or was of no use.
    #[error(
        "The sound is {}, and ffmpeg does not decode it ({}); it is tried again. Or set the encoder to \
         AAC-LC, 48 kHz, stereo.", .0.name(), .1
    )]
    Failed(Foreign, String),
}

/// ffmpeg for one source.
pub(super) struct Outside {
    ffmpeg: Option<Ffmpeg>,
    items: SyncSender<Item>,
    running: Option<Running>,
    /// Processes that were started.
    started: u64,
    /// Not before this is another one.
    next: Option<Instant>,
    pause: Duration,
}

struct Running {
    process: Process,
    elsewhere: Elsewhere,
    foreign: Foreign,
    began: Instant,
}

impl Outside {
    /// One that has started nothing. What comes of its processes goes to `items`.
    pub(super) fn new(ffmpeg: Option<Ffmpeg>, items: SyncSender<Item>) -> Self {
        Self { ffmpeg, items, running: None, started: 0, next: None, pause: PAUSE.0 }
    }

    /// Hands over a frame. While no process is there, or it has no room, it is left out.
    pub(super) fn frame(
        &mut self,
        now: Instant,
        foreign: Foreign,
        frame: &AacFrame,
        (ticks, captured): (i64, Instant),
    ) -> Result<(), OutsideError> {
        let format = Format::of(frame);
        let fits = |running: &Running| running.elsewhere.format() == format;
        if self.running.as_ref().is_some_and(|running| !fits(running)) {
            self.running = None;
        }
        if self.running.is_none() {
            if self.next.is_some_and(|next| now < next) {
                return Ok(());
            }
            self.start(now, foreign, format)?;
        }
        let Some(running) = &mut self.running else { return Ok(()) };
        match running.elsewhere.hand_over(frame, ticks, captured) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                // Full: it is left out. Ended: its output says so, after what it still gave out.
                if running.process.write(bytes).is_err() {
                    running.elsewhere.take_back();
                }
            }
            Err(hangs) => return Err(self.fail(now, hangs.to_string())),
        }
        Ok(())
    }

    /// What comes of a process; of one that has been replaced it is left out.
    pub(super) fn output(
        &mut self,
        now: Instant,
        number: u64,
        output: Output,
    ) -> Result<Vec<Decoded>, OutsideError> {
        let Some(running) = self.running.as_mut().filter(|_| number == self.started) else {
            return Ok(Vec::new());
        };
        match output {
            Output::Bytes(bytes) => match running.elsewhere.take(&bytes) {
                Ok(decoded) => Ok(decoded),
                Err(garbled) => Err(self.fail(now, garbled.to_string())),
            },
            Output::Ended => Err(self.fail(now, "it has ended".to_owned())),
        }
    }

    #[cfg(test)]
    pub(super) fn runs(&self) -> bool {
        self.running.is_some()
    }

    fn start(
        &mut self,
        now: Instant,
        foreign: Foreign,
        format: Format,
    ) -> Result<(), OutsideError> {
        let Some(ffmpeg) = &self.ffmpeg else { return Err(OutsideError::NoFfmpeg(foreign)) };
        self.next = Some(now + self.pause);
        self.started += 1;
        let (number, items) = (self.started, self.items.clone());
        let give = move |output| items.send(Item::Output(number, output)).is_ok();
        let process = ffmpeg.decode_aac(give);
        let process =
            process.map_err(|error| OutsideError::NotStarted(foreign, error.to_string()))?;
        let elsewhere = Elsewhere::new(format);
        self.running = Some(Running { process, elsewhere, foreign, began: now });
        Ok(())
    }

    /// The process is ended, and another one starts after a while: longer each time that it fails at
    /// its beginning.
    fn fail(&mut self, now: Instant, why: String) -> OutsideError {
        let foreign = self.running.as_ref().map_or(Foreign::Surround, |running| running.foreign);
        let good = |running: Running| now.saturating_duration_since(running.began) >= GOOD;
        self.pause = if self.running.take().is_some_and(good) {
            PAUSE.0
        } else {
            (2 * self.pause).min(PAUSE.1)
        };
        self.next = Some(now + self.pause);
        tracing::warn!(why, sound = foreign.name(), "ffmpeg decodes a source's sound no more");
        OutsideError::Failed(foreign, why)
    }
}
