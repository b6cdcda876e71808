//! A picture that ffmpeg decodes.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use crate::picture::{Encoding, Planes};
use crate::stream::Packet;
use crate::transcode::{
    Convert, Counted, OutsideFault, Pgm, Pictures, Relay, Shown, Step, TranscodeRefusal,
};

use super::super::ffmpeg::{Ffmpeg, NotTaken, Output, Process};
use super::Item;

/// What waits of a process's output, most of it pictures. Beyond, the process waits.
const OUTPUTS: usize = 4;
/// So much of it is taken at once.
const IN_A_ROW: usize = 8;

/// What comes of a process.
enum Made {
    Shown(Shown),
    Picture(Planes),
    Garbled,
    Ended,
}

/// ffmpeg for one picture. It is started with the first key frame, and ends with this.
pub(super) struct Outside {
    relay: Relay,
    ffmpeg: Ffmpeg,
    /// What wakes the thread when something has come.
    items: SyncSender<Item>,
    running: Option<Running>,
}

struct Running {
    process: Process,
    made: Receiver<Made>,
}

impl Outside {
    /// One that has started nothing.
    pub(super) fn new(aim: Encoding, ffmpeg: Ffmpeg, items: SyncSender<Item>) -> Self {
        Self { relay: Relay::new(aim), ffmpeg, items, running: None }
    }

    fn follow(&mut self, steps: Vec<Step>) -> Result<(), TranscodeRefusal> {
        for step in steps {
            let bytes = match step {
                Step::Begin(bytes) => {
                    // The one before ends first.
                    self.running = None;
                    let started = self.start().map_err(|error| {
                        tracing::warn!(%error, "ffmpeg cannot be started");
                        TranscodeRefusal::Ffmpeg(OutsideFault::NotStarted)
                    })?;
                    self.running = Some(started);
                    bytes
                }
                Step::Frame(bytes) => bytes,
            };
            let Some(running) = &self.running else { continue };
            match running.process.write(bytes) {
                // That it has ended its output says, after what it still gave out.
                Ok(()) | Err(NotTaken::Ended) => {}
                Err(NotTaken::Full) => self.relay.take_back(),
            }
        }
        Ok(())
    }

    fn start(&self) -> std::io::Result<Running> {
        let (outputs, made) = sync_channel(OUTPUTS);
        let hand = |items: SyncSender<Item>, outputs: SyncSender<Made>| {
            move |one: Made| {
                let taken = outputs.send(one).is_ok();
                // With a full inbox the thread is awake.
                let _ = items.try_send(Item::Woken);
                taken
            }
        };
        let say = hand(self.items.clone(), outputs.clone());
        let give = hand(self.items.clone(), outputs);
        let mut pgm = Pgm::default();
        let give = move |output| match output {
            Output::Ended => give(Made::Ended),
            Output::Bytes(bytes) => match pgm.take(&bytes) {
                Ok(pictures) => pictures.into_iter().all(|planes| give(Made::Picture(planes))),
                Err(_) => {
                    give(Made::Garbled);
                    false
                }
            },
        };
        let process = self.ffmpeg.decode_h265(give, move |shown| say(Made::Shown(shown)))?;
        Ok(Running { process, made })
    }
}

impl Convert for Outside {
    fn begin(&mut self, after: u32) {
        self.relay.begin(after);
    }

    fn has_begun(&self) -> bool {
        self.relay.has_begun()
    }

    fn sees(&self) -> bool {
        self.relay.sees()
    }

    fn waits(&self) -> bool {
        self.relay.waits()
    }

    fn gap(&mut self) {
        self.relay.gap();
    }

    fn want_key(&mut self, now: Instant) {
        self.relay.want_key(now);
    }

    fn aim(&mut self, encoding: Encoding) {
        self.relay.aim(encoding);
    }

    fn counted(&self) -> Counted {
        self.relay.counted()
    }

    fn packet(&mut self, now: Instant, packet: &Packet) -> Pictures {
        let steps = self.relay.packet(now, packet)?;
        self.follow(steps)?;
        self.outputs(now)
    }

    fn tick(&mut self, now: Instant) -> Pictures {
        let steps = self.relay.tick(now)?;
        self.follow(steps)?;
        self.outputs(now)
    }

    fn outputs(&mut self, now: Instant) -> Pictures {
        let mut pictures = Vec::new();
        for _ in 0..IN_A_ROW {
            let made = self.running.as_ref().and_then(|running| running.made.try_recv().ok());
            match made {
                None => return Ok(pictures),
                Some(Made::Shown(shown)) => pictures.extend(self.relay.shown(now, shown)?),
                Some(Made::Picture(planes)) => pictures.extend(self.relay.picture(now, planes)?),
                Some(Made::Garbled) => {
                    return Err(TranscodeRefusal::Ffmpeg(OutsideFault::Garbled));
                }
                Some(Made::Ended) => return Err(TranscodeRefusal::Ffmpeg(OutsideFault::Ended)),
            }
        }
        // The rest after what else waits.
        let _ = self.items.try_send(Item::Woken);
        Ok(pictures)
    }
}

#[cfg(test)]
mod tests;
