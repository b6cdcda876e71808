//! A picture that ffmpeg decodes: its processes, and what comes of them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::picture::{Planes, Seen};
use crate::rtp::PictureSize;
use crate::stream::Packet;
use crate::transcode::{
    Decoded, OutsideCodec, OutsideFault, OutsideTrack, Pgm, Shown, Step, TranscodeRefusal, single,
};

use super::ffmpeg::{Ffmpeg, NotTaken, Output, Process};

/// Pictures of a process that wait. Beyond, the process waits.
const PICTURES: usize = 4;
/// What it said of pictures, and waits likewise.
const SAID: usize = 64;
/// So much of it is taken at once.
const IN_A_ROW: usize = 8;

/// Wakes whoever takes the pictures.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// What comes of a process beside what it says.
enum Made {
    Picture(Planes),
    Garbled,
    Ended,
}

/// What comes of a process, by two ways: what it says of a picture may come long after that.
struct Outputs {
    said: Receiver<Shown>,
    made: Receiver<Made>,
}

impl Outputs {
    /// Hands what has come to the track.
    ///
    /// # Errors
    /// When it is of no use to go on.
    fn give(&self, now: Instant, track: &mut OutsideTrack, wake: &Wake) -> Decoded {
        let mut seen: Vec<Seen> = Vec::new();
        for _ in 0..IN_A_ROW {
            if let Ok(shown) = self.said.try_recv() {
                seen.extend(track.shown(now, shown)?);
                continue;
            }
            let made = track.takes_picture().then(|| self.made.try_recv().ok()).flatten();
            match made {
                None => return Ok(seen),
                Some(Made::Picture(planes)) => seen.extend(track.picture(now, planes)?),
                Some(Made::Garbled) => {
                    return Err(TranscodeRefusal::Ffmpeg(OutsideFault::Garbled));
                }
                Some(Made::Ended) => return Err(TranscodeRefusal::Ffmpeg(OutsideFault::Ended)),
            }
        }
        // The rest after what else waits.
        wake();
        Ok(seen)
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
    outputs: Outputs,
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
        let Self { track, wake, running, .. } = self;
        running.as_ref().map_or(Ok(Vec::new()), |running| running.outputs.give(now, track, wake))
    }

    fn follow(&mut self, steps: Vec<Step>) -> Result<(), TranscodeRefusal> {
        for step in steps {
            let bytes = match step {
                Step::Begin(codec, bytes) => {
                    // The one before ends first.
                    self.running = None;
                    self.running = Some(start(&self.ffmpeg, codec, &self.wake)?);
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

fn start(ffmpeg: &Ffmpeg, codec: OutsideCodec, wake: &Wake) -> Result<Running, TranscodeRefusal> {
    let (say, said) = sync_channel(SAID);
    let (give, made) = sync_channel(PICTURES);
    let (say, give) = (hand(wake, say), hand(wake, give));
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
    let process = ffmpeg.decode_picture(codec, give, say);
    let process = process.map_err(|error| {
        tracing::warn!(%error, "ffmpeg cannot be started");
        TranscodeRefusal::Ffmpeg(OutsideFault::NotStarted)
    })?;
    Ok(Running { process, outputs: Outputs { said, made } })
}

/// What hands on what came, and says whether anybody takes it.
fn hand<T>(wake: &Wake, to: SyncSender<T>) -> impl Fn(T) -> bool + use<T> {
    let wake = Arc::clone(wake);
    move |one| {
        let taken = to.send(one).is_ok();
        wake();
        taken
    }
}

/// The picture of a single key frame, by a process of its own that ends with this. It waits for that.
///
/// # Errors
/// When there is no picture after so long, or the process ends without one.
pub(super) fn decode_single(
    ffmpeg: &Ffmpeg,
    codec: OutsideCodec,
    size: PictureSize,
    frame: &[u8],
    patience: Duration,
) -> Result<Planes, OutsideFault> {
    let running = start(ffmpeg, codec, &(Arc::new(|| {}) as Wake));
    let Ok(mut running) = running else { return Err(OutsideFault::NotStarted) };
    // It has taken nothing yet: there is room. That it has ended its output says.
    let _ = running.process.write(single(codec, size, frame));
    // It keeps a picture back for others as long as more may come.
    running.process.end_input();
    // Of one picture nothing need be said.
    match running.outputs.made.recv_timeout(patience) {
        Ok(Made::Picture(planes)) if codec.is_size(size, planes.size()) => Ok(planes),
        Ok(Made::Picture(_) | Made::Garbled) => Err(OutsideFault::Garbled),
        Ok(Made::Ended) | Err(RecvTimeoutError::Disconnected) => Err(OutsideFault::Ended),
        Err(RecvTimeoutError::Timeout) => Err(OutsideFault::Hangs),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::feed::tests::h265::{clip, number};
    use crate::picture::{Colour, KeyFrame, StillError, key_frame};

    const LONG: Duration = Duration::from_secs(30);

    /// The key frames of the clip, each with its number.
    fn keys() -> Vec<(u32, PictureSize, Vec<u8>)> {
        let frames = clip(Instant::now());
        let is_key = |at: &usize| frames[*at].iter().any(|packet| packet.inspection.key);
        let keys = (0..frames.len()).filter(is_key).map(|at| {
            let group = frames[at..].concat();
            let Ok(KeyFrame::Outside(OutsideCodec::H265, size, frame)) = key_frame(&group) else {
                panic!("no key frame")
            };
            (number(frames[at][0].timestamp), size, frame)
        });
        keys.collect()
    }

    #[test]
    fn what_is_said_of_pictures_may_come_long_after_them() {
        let now = Instant::now();
        let mut track = OutsideTrack::default();
        for packet in clip(now).iter().flatten() {
            track.packet(now, packet).unwrap();
        }
        let (_, size, _) = keys().remove(0);
        let ((say, said), (give, made)) = (sync_channel(SAID), sync_channel(PICTURES));
        let (outputs, wake) = (Outputs { said, made }, Arc::new(|| {}) as Wake);
        let pictures = std::thread::spawn(move || {
            (0..20).all(|_| give.send(Made::Picture(Planes::filled(size, Colour::BLACK))).is_ok())
        });
        // The first ones are there, and nobody knows of which frames they are.
        while track.takes_picture() {
            assert!(outputs.give(now, &mut track, &wake).unwrap().is_empty());
        }
        assert!(outputs.give(now, &mut track, &wake).unwrap().is_empty());
        for number in 0..20 {
            say.send(Shown { number, time: None }).unwrap();
        }
        while track.lost() < 20 {
            outputs.give(now, &mut track, &wake).unwrap();
        }
        assert!(pictures.join().unwrap());
    }

    #[test]
    fn a_key_frame_is_decoded_by_itself() {
        let keys = keys();
        assert!(keys.len() > 1, "the others are open beginnings");
        for (number, size, frame) in keys {
            let ffmpeg = Ffmpeg::at("ffmpeg".into());
            let planes = decode_single(&ffmpeg, OutsideCodec::H265, size, &frame, LONG).unwrap();
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
            let decoded =
                decode_single(&Ffmpeg::at(program), OutsideCodec::H265, size, &frame, patience);
            assert_eq!(decoded.err(), Some(fault));
        }
    }
}
