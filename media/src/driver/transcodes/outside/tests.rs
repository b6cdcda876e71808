//! H.265 through the ffmpeg of this machine, and through programs that are none.

mod coded;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use super::*;
use crate::feed::tests::h265::{FIRST, FRAME, clip, number};
use crate::picture::{PictureTrack, Seen};
use crate::transcode::{OutsideFault, TranscodeRefusal};

const AIM: Encoding = Encoding { rate: 25, bits: 1_000_000 };
/// Longer than ffmpeg takes for anything.
const LONG: Duration = Duration::from_secs(30);

/// A picture's way through a program, without its thread.
struct World {
    outside: Outside,
    inbox: Receiver<Item>,
    start: Instant,
    now: Instant,
    made: Vec<Vec<Packet>>,
}

impl World {
    fn new(program: PathBuf) -> Self {
        Self::after(program, FIRST - 1)
    }

    /// One that makes what is later than this timestamp.
    fn after(program: PathBuf, timestamp: u32) -> Self {
        let (items, inbox) = sync_channel(100);
        let start = Instant::now();
        let mut outside = Outside::new(AIM, Ffmpeg::at(program), items);
        outside.begin(timestamp);
        Self { outside, inbox, start, now: start, made: Vec::new() }
    }

    fn feed(&mut self, frames: Vec<Vec<Packet>>) -> Result<(), TranscodeRefusal> {
        for packet in frames.into_iter().flatten() {
            self.made.extend(self.outside.packet(self.now, &packet)?);
        }
        Ok(())
    }

    /// Waits until something has come of the program.
    fn wait(&mut self) -> Result<(), TranscodeRefusal> {
        assert!(
            self.inbox.recv_timeout(LONG).is_ok(),
            "nothing comes: {:?}",
            self.outside.counted()
        );
        let made = self.outside.outputs(self.now)?;
        self.made.extend(made);
        Ok(())
    }

    fn wait_for(&mut self, pictures: usize) {
        while self.made.len() < pictures {
            self.wait().unwrap();
        }
    }

    /// The pictures that were made.
    fn pictures(&self) -> impl Iterator<Item = Seen> {
        let mut track = PictureTrack::default();
        let packets = self.made.iter().flatten();
        packets.flat_map(move |packet| track.packet(packet.captured, packet))
    }

    /// Of each its number and how light it is.
    fn seen(&self) -> Vec<(u32, f64)> {
        let light = |seen: Seen| {
            let sum: u64 = seen.planes.y.iter().map(|luma| u64::from(*luma)).sum();
            (number(seen.timestamp), sum as f64 / seen.planes.y.len() as f64)
        };
        self.pictures().map(light).collect()
    }
}

fn assert_light(seen: &[(u32, f64)]) {
    for (number, light) in seen {
        let wanted = 40.0 + 3.0 * f64::from(*number);
        assert!((light - wanted).abs() < 1.5, "{number} is {light}, not {wanted}");
    }
}

#[test]
fn ten_bits_with_b_frames_come_out_in_order_each_at_its_time() {
    let mut world = World::new("ffmpeg".into());
    let frames = clip(world.start);
    let count = frames.len();
    world.feed(frames).unwrap();
    // It keeps back what others may be shown before.
    world.wait_for(count - 3);
    let seen = world.seen();
    let numbers: Vec<u32> = seen.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (0..numbers.len() as u32).collect::<Vec<_>>());
    assert_light(&seen);
    for packets in &world.made {
        let captured = world.start + FRAME * number(packets[0].timestamp);
        assert!(packets.iter().all(|packet| packet.captured == captured));
    }
    let counted = world.outside.counted();
    assert_eq!((counted.missed, counted.lost), (0, 0));
}

#[test]
fn what_refers_to_what_was_lost_is_not_shown() {
    let mut world = World::new("ffmpeg".into());
    let mut frames = clip(world.start);
    // The key frame in the middle is referred to by frames that are shown before it, and by which
    // others of before it are.
    let key = (1..).find(|at| frames[*at].iter().any(|packet| packet.inspection.key)).unwrap();
    let of_key = number(frames[key][0].timestamp);
    frames.remove(key - 2);
    let rest = frames.split_off(key + 10);
    world.feed(frames).unwrap();
    world.now += Duration::from_secs(1);
    world.feed(rest).unwrap();
    while !world.seen().iter().any(|(number, _)| *number > of_key + 5) {
        world.wait().unwrap();
    }
    let seen = world.seen();
    assert_light(&seen);
    let numbers: Vec<u32> = seen.iter().map(|(number, _)| *number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    let before = numbers.iter().filter(|number| (of_key - 3..of_key).contains(number)).count();
    assert_eq!(before, 0, "they refer to what is before the key frame: {numbers:?}");
    assert!(numbers.contains(&of_key));
}

/// A program that stands in ffmpeg's place.
fn program(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name)
}

/// What becomes of a conversion by a program.
fn fate_of(program: PathBuf) -> TranscodeRefusal {
    let mut world = World::new(program);
    let mut step = world.feed(clip(world.start));
    loop {
        if let Err(refusal) = step {
            return refusal;
        }
        step = world.wait();
    }
}

#[test]
fn a_program_that_ends_or_writes_rubbish_ends_the_conversion() {
    let of = TranscodeRefusal::Ffmpeg;
    assert_eq!(fate_of("/bin/true".into()), of(OutsideFault::Ended));
    assert_eq!(fate_of("/nowhere/ffmpeg".into()), of(OutsideFault::Ended));
    assert_eq!(fate_of(program("rubbish")), of(OutsideFault::Garbled));
    assert_eq!(fate_of(program("other-size")), of(OutsideFault::Garbled));
}

#[test]
fn one_that_hangs_is_given_up_and_ended() {
    let mut world = World::new(program("hangs"));
    world.feed(clip(world.start)).unwrap();
    assert!(world.outside.tick(world.now).is_ok());
    let later = world.now + Duration::from_secs(6);
    let hangs = TranscodeRefusal::Ffmpeg(OutsideFault::Hangs);
    assert_eq!(world.outside.tick(later).err(), Some(hangs));
    drop(world.outside);
    // Its output has ended, and so has it: nobody else could say so.
    assert!(matches!(world.inbox.recv_timeout(LONG), Ok(Item::Woken)));
}
