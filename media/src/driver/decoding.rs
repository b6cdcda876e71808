//! A picture that ffmpeg decodes: its processes, and what comes of them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::picture::{Planes, Seen};
use crate::rtp::PictureSize;
use crate::stream::Packet;
use crate::transcode::{
    Decoded, OutsideFault, OutsideTrack, Pgm, Shown, Step, TranscodeRefusal, single,
};

use super::ffmpeg::{Ffmpeg, NotTaken, Output, Process};

/// What waits of a process's output, most of it pictures. Beyond, the process waits.
const OUTPUTS: usize = 4;
/// So much of it is taken at once.
const IN_A_ROW: usize = 8;

/// Wakes whoever takes the pictures.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// What comes of a process.
enum Made {
    Shown(Shown),
    Picture(Planes),
    Garbled,
    Ended,
}

impl Made {
    /// Whether it says that there is no more.
    fn fault(&self) -> Option<OutsideFault> {
        match self {
            Self::Garbled => Some(OutsideFault::Garbled),
            Self::Ended => Some(OutsideFault::Ended),
            Self::Shown(_) | Self::Picture(_) => None,
        }
    }
}

/// ffmpeg for one picture. It is started with the first key frame, and ends with this.
pub(super) struct Decoding {
    track: OutsideTrack,
    ffmpeg: Ffmpeg,
    wake: Wake,
    running: Option<Running>,
}

struct Running {
    process: Process,
    made: Receiver<Made>,
}

impl Decoding {
    /// One that has started nothing. `wake` is called, on threads of its own, when something has come.
    pub(super) fn new(ffmpeg: Ffmpeg, wake: Wake) -> Self {
        Self { track: OutsideTrack::default(), ffmpeg, wake, running: None }
    }

    /// What is known of the picture.
    pub(super) fn track(&self) -> &OutsideTrack {
        &self.track
    }

    /// Packets were left out, or another publisher begins: it goes on with the next key frame.
    pub(super) fn gap(&mut self) {
        self.track.gap();
    }

    /// Takes a packet, and gives out the pictures that have come meanwhile.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(super) fn packet(&mut self, now: Instant, packet: &Packet) -> Decoded {
        let steps = self.track.packet(now, packet)?;
        self.follow(steps)?;
        self.outputs(now)
    }

    /// Gives up what has been missing for too long.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(super) fn tick(&mut self, now: Instant) -> Decoded {
        let steps = self.track.tick(now)?;
        self.follow(steps)?;
        self.outputs(now)
    }

    /// The pictures that have come.
    ///
    /// # Errors
    /// When it is of no use to go on.
    pub(super) fn outputs(&mut self, now: Instant) -> Decoded {
        let mut seen: Vec<Seen> = Vec::new();
        for _ in 0..IN_A_ROW {
            let made = self.running.as_ref().and_then(|running| running.made.try_recv().ok());
            if let Some(fault) = made.as_ref().and_then(Made::fault) {
                return Err(TranscodeRefusal::Ffmpeg(fault));
            }
            match made {
                Some(Made::Shown(shown)) => seen.extend(self.track.shown(now, shown)?),
                Some(Made::Picture(planes)) => seen.extend(self.track.picture(now, planes)?),
                _ => return Ok(seen),
            }
        }
        // The rest after what else waits.
        (self.wake)();
        Ok(seen)
    }

    fn follow(&mut self, steps: Vec<Step>) -> Result<(), TranscodeRefusal> {
        for step in steps {
            let bytes = match step {
                Step::Begin(bytes) => {
                    // The one before ends first.
                    self.running = None;
                    self.running = Some(start(&self.ffmpeg, &self.wake)?);
                    bytes
                }
                Step::Frame(bytes) => bytes,
            };
            let Some(running) = &self.running else { continue };
            match running.process.write(bytes) {
                // That it has ended its output says, after what it still gave out.
                Ok(()) | Err(NotTaken::Ended) => {}
                Err(NotTaken::Full) => self.track.take_back(),
            }
        }
        Ok(())
    }
}

fn start(ffmpeg: &Ffmpeg, wake: &Wake) -> Result<Running, TranscodeRefusal> {
    let (outputs, made) = sync_channel(OUTPUTS);
    let hand = |wake: Wake, outputs: SyncSender<Made>| {
        move |one: Made| {
            let taken = outputs.send(one).is_ok();
            wake();
            taken
        }
    };
    let say = hand(Arc::clone(wake), outputs.clone());
    let give = hand(Arc::clone(wake), outputs);
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
    let process = ffmpeg.decode_h265(give, move |shown| say(Made::Shown(shown)));
    let process = process.map_err(|error| {
        tracing::warn!(%error, "ffmpeg cannot be started");
        TranscodeRefusal::Ffmpeg(OutsideFault::NotStarted)
    })?;
    Ok(Running { process, made })
}

/// The picture of a single key frame, by a process of its own that ends with this. It waits for that.
///
/// # Errors
/// When there is no picture after so long, or the process ends without one.
pub(super) fn decode_single(
    ffmpeg: &Ffmpeg,
    size: PictureSize,
    frame: &[u8],
    patience: Duration,
) -> Result<Planes, OutsideFault> {
    let deadline = Instant::now() + patience;
    let running = start(ffmpeg, &(Arc::new(|| {}) as Wake));
    let Ok(mut running) = running else { return Err(OutsideFault::NotStarted) };
    // It has taken nothing yet: there is room. That it has ended its output says.
    let _ = running.process.write(single(size, frame));
    // It keeps a picture back for others as long as more may come.
    running.process.end_input();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match running.made.recv_timeout(left) {
            Ok(Made::Picture(planes)) if planes.size() == size => return Ok(planes),
            Ok(Made::Picture(_) | Made::Garbled) => return Err(OutsideFault::Garbled),
            Ok(Made::Shown(_)) => {}
            Ok(Made::Ended) | Err(RecvTimeoutError::Disconnected) => {
                return Err(OutsideFault::Ended);
            }
            Err(RecvTimeoutError::Timeout) => return Err(OutsideFault::Hangs),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::feed::tests::h265::{clip, number};
    use crate::picture::{KeyFrame, StillError, key_frame};

    const LONG: Duration = Duration::from_secs(30);

    /// The key frames of the clip, each with its number.
    fn keys() -> Vec<(u32, PictureSize, Vec<u8>)> {
        let frames = clip(Instant::now());
        let is_key = |at: &usize| frames[*at].iter().any(|packet| packet.inspection.key);
        let keys = (0..frames.len()).filter(is_key).map(|at| {
            let group = frames[at..].concat();
            let Ok(KeyFrame::H265(size, frame)) = key_frame(&group) else { panic!("no key frame") };
            (number(frames[at][0].timestamp), size, frame)
        });
        keys.collect()
    }

    #[test]
    fn a_key_frame_is_decoded_by_itself() {
        let keys = keys();
        assert!(keys.len() > 1, "the others are open beginnings");
        for (number, size, frame) in keys {
            let planes = decode_single(&Ffmpeg::at("ffmpeg".into()), size, &frame, LONG).unwrap();
            let sum: u64 = planes.y.iter().map(|luma| u64::from(*luma)).sum();
            let light = sum as f64 / planes.y.len() as f64;
            let wanted = 40.0 + 3.0 * f64::from(number);
            assert!((light - wanted).abs() < 1.5, "{number} is {light}, not {wanted}");
        }
    }

    #[test]
    fn a_key_frame_under_way_is_none() {
        let mut group = clip(Instant::now()).remove(0);
        group.pop();
        assert_eq!(key_frame(&group), Err(StillError::NoKeyFrame));
    }

    #[test]
    fn a_program_that_makes_no_picture_of_it_is_ended() {
        let (_, size, frame) = keys().remove(0);
        let program = |name: &str| {
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
        };
        let short = Duration::from_millis(50);
        for (program, patience, fault) in [
            ("/bin/true".into(), LONG, OutsideFault::Ended),
            ("/nowhere/ffmpeg".into(), LONG, OutsideFault::Ended),
            (program("rubbish"), LONG, OutsideFault::Garbled),
            (program("other-size"), LONG, OutsideFault::Garbled),
            (program("hangs"), short, OutsideFault::Hangs),
        ] {
            let decoded = decode_single(&Ffmpeg::at(program), size, &frame, patience);
            assert_eq!(decoded.err(), Some(fault));
        }
    }
}
