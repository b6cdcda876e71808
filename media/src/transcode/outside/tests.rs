//! H.265 in virtual time, with a decoder that is none.

mod coded;

use super::super::{Counted, Relay};
use super::*;
use crate::feed::tests::h265::{FIRST, FRAME, clip, number};
use crate::picture::Encoding;
use crate::picture::tests::{RED, plain, size};

const AIM: Encoding = Encoding { rate: 25, bits: 1_000_000 };
/// What the decoder keeps back in the clip.
const REORDERED: usize = 2;

/// What a program is handed: for what it is started if it is a new one, the time and the frame.
#[derive(Debug)]
struct Handed {
    begins: Option<(OutsideCodec, PictureSize)>,
    time: i64,
    data: Vec<u8>,
}

impl Handed {
    fn of(step: Step) -> Self {
        let (begins, bytes) = match step {
            Step::Begin(codec, bytes) => {
                assert_eq!((&bytes[..4], &bytes[8..12]), (&b"DKIF"[..], &codec.fourcc()[..]));
                let side = |at: usize| u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
                (Some((codec, size(side(12), side(14)))), bytes[32..].to_vec())
            }
            Step::Frame(bytes) => (None, bytes),
        };
        let length = u32::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        let time = i64::from_le_bytes(bytes[4..12].try_into().unwrap());
        assert_eq!(bytes.len(), 12 + length);
        Self { begins, time, data: bytes[12..].to_vec() }
    }

    fn ends_what_was_before(&self) -> bool {
        self.data.starts_with(&END_OF_SEQUENCE)
    }
}

/// A publisher, its picture's way, and a decoder that gives out pictures in the order of their times.
struct World {
    frames: std::vec::IntoIter<Vec<Packet>>,
    track: OutsideTrack,
    relay: Relay,
    start: Instant,
    now: Instant,
    handed: Vec<Handed>,
    /// The times of the frames that the decoder has.
    has: Vec<i64>,
    shown: u64,
    made: Vec<Vec<Packet>>,
}

impl World {
    fn new() -> Self {
        let start = Instant::now();
        let frames = clip(start);
        let (track, mut relay) = (OutsideTrack::default(), Relay::new(AIM));
        relay.begin(FIRST - 1, &track);
        let (handed, has, made) = (Vec::new(), Vec::new(), Vec::new());
        let frames = frames.into_iter();
        Self { frames, track, relay, start, now: start, handed, has, shown: 0, made }
    }

    fn take(&mut self, packets: &[Packet]) -> Result<(), TranscodeRefusal> {
        self.now += FRAME;
        for packet in packets {
            for step in self.track.packet(self.now, packet)? {
                let handed = Handed::of(step);
                if handed.begins.is_some() {
                    self.has.clear();
                    self.shown = 0;
                }
                self.has.push(handed.time);
                self.handed.push(handed);
            }
        }
        Ok(())
    }

    /// The next frame comes in, and the decoder keeps so many.
    fn frame(&mut self, keeps: usize) -> Result<(), TranscodeRefusal> {
        let packets = self.frames.next().expect("the clip is over");
        self.take(&packets)?;
        self.decode(keeps)
    }

    fn decode(&mut self, keeps: usize) -> Result<(), TranscodeRefusal> {
        while self.has.len() > keeps {
            let at = (0..self.has.len()).min_by_key(|at| self.has[*at]).unwrap();
            let time = self.has.remove(at);
            let shown = Shown { number: self.shown, time: Some(time) };
            self.shown += 1;
            let mut seen = self.track.shown(self.now, shown)?;
            seen.extend(self.track.picture(self.now, plain(RED, size(96, 64)))?);
            self.made.extend(self.relay.seen(self.now, seen)?);
        }
        Ok(())
    }

    fn counted(&self) -> Counted {
        self.relay.counted(&self.track)
    }

    /// The numbers of what was made.
    fn numbers(&self) -> Vec<u32> {
        self.made.iter().map(|packets| number(packets[0].timestamp)).collect()
    }
}

#[test]
fn pictures_have_the_times_of_their_frames_in_the_order_in_which_they_are_shown() {
    let mut world = World::new();
    for _ in 0..40 {
        world.frame(REORDERED).unwrap();
    }
    assert_eq!(world.numbers(), (0..38).collect::<Vec<_>>());
    assert_eq!(world.handed[0].begins, Some((OutsideCodec::H265, size(96, 64))));
    assert!(world.handed[1..].iter().all(|handed| handed.begins.is_none()));
    assert!(world.handed[1..].iter().all(|handed| !handed.ends_what_was_before()));
    for packets in &world.made {
        let captured = world.start + FRAME * number(packets[0].timestamp);
        assert!(packets.iter().all(|packet| packet.captured == captured));
        assert!(packets.iter().all(|packet| packet.codec == Codec::H264));
    }
    let counted = world.counted();
    assert_eq!((counted.frames, counted.missed, counted.lost), (38, 0, 0));
    assert!(world.track.sees() && !world.track.waits());
}

#[test]
fn times_go_on_when_timestamps_begin_anew() {
    let mut track = OutsideTrack::default();
    let times = [u32::MAX - 10, 3, u32::MAX - 5, 90_000].map(|timestamp| track.time(timestamp));
    assert_eq!(times.map(|time| time as u32), [u32::MAX - 10, 3, u32::MAX - 5, 90_000]);
    assert_eq!(times.map(|time| time - times[0]), [0, 14, 5, 90_011]);
}

#[test]
fn after_a_loss_it_goes_on_with_a_key_frame_that_shows_nothing_of_before() {
    let mut world = World::new();
    for _ in 0..10 {
        world.frame(REORDERED).unwrap();
    }
    // A packet is lost with all of its frame; it is waited for as long as for others.
    let lost = world.frames.next().unwrap();
    assert!(!lost.iter().any(|packet| packet.inspection.key));
    let before = world.handed.len();
    while world.handed.len() == before {
        world.frame(REORDERED).unwrap();
    }
    let key = &world.handed[before];
    assert!(key.ends_what_was_before(), "what refers to it is not handed over");
    let number = number(key.time as u32);
    assert!((number + 1) % 20 < 2, "{number}");
    assert!(key.begins.is_none() && !world.track.waits());
    assert!(world.counted().lost >= 5, "{:?}", world.counted());
    for _ in 0..8 {
        world.frame(REORDERED).unwrap();
    }
    let numbers = world.numbers();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}

#[test]
fn a_frame_that_is_not_decoded_costs_that_frame_alone() {
    let mut world = World::new();
    for _ in 0..10 {
        world.frame(REORDERED).unwrap();
    }
    let gone = world.has.remove(0);
    for _ in 0..10 {
        world.frame(REORDERED).unwrap();
    }
    let gone = number(gone as u32);
    let all: Vec<u32> = (0..18).filter(|number| *number != gone).collect();
    assert_eq!(world.numbers(), all);
    assert_eq!(world.counted().lost, 1);
}

#[test]
fn a_program_that_is_too_slow_is_spared_up_to_a_key_frame_and_one_that_hangs_is_given_up() {
    let mut world = World::new();
    world.frame(0).unwrap();
    while !world.track.waits() {
        world.frame(100).unwrap();
    }
    let handed = world.handed.len();
    assert!((26..28).contains(&handed), "a second of 25 frames, and one: {handed}");
    assert_eq!(world.counted().missed, 1);
    // It comes to itself, and goes on with the next key frame.
    world.decode(0).unwrap();
    while world.handed.len() == handed {
        world.frame(0).unwrap();
    }
    assert!(world.handed[handed].ends_what_was_before());

    let mut world = World::new();
    let hangs = Err(TranscodeRefusal::Ffmpeg(OutsideFault::Hangs));
    for _ in 0..49 {
        assert_eq!(world.frame(100), Ok(()));
    }
    world.now = world.start + HANGS - Duration::from_millis(1);
    assert_eq!(world.track.tick(world.now), Ok(Vec::new()));
    world.now += FRAME * 2;
    assert_eq!(world.track.tick(world.now).map(|_| ()), hangs);
}

#[test]
fn what_there_is_no_room_for_is_left_out_up_to_a_key_frame() {
    let mut world = World::new();
    for _ in 0..3 {
        world.frame(REORDERED).unwrap();
    }
    world.has.pop();
    world.track.take_back();
    assert!(world.track.waits());
    let handed = world.handed.len();
    for _ in 0..5 {
        world.frame(REORDERED).unwrap();
    }
    assert_eq!(world.handed.len(), handed);
    assert_eq!((world.counted().missed, world.counted().lost), (1, 5));
}

#[test]
fn another_size_is_for_another_program_and_not_for_one_after_another() {
    let mut world = World::new();
    let key = world.frames.next().unwrap();
    world.take(&key).unwrap();
    let mut seq = 1_000;
    let mut other = |world: &mut World, width| {
        let mut packets = key.clone();
        seq += 10;
        for (packet, number) in packets.iter_mut().zip(0..) {
            packet.seq = world.track.order.deadline().map_or(seq, |_| seq) + number;
            packet.timestamp = packet.timestamp.wrapping_add(seq as u32 * 3_600);
            packet.inspection.size = packet.inspection.size.map(|_| size(width, 64));
        }
        world.track.gap();
        let mut steps = Vec::new();
        for packet in &packets {
            steps.extend(world.track.packet(world.now, packet)?);
        }
        Ok(steps)
    };
    assert_eq!(other(&mut world, 128), Ok(Vec::new()), "too soon");
    assert!(world.track.waits());
    world.now += PAUSE;
    let steps = other(&mut world, 128).unwrap();
    assert!(matches!(&steps[..], [Step::Begin(_, bytes)] if bytes[12..14] == [128, 0]));
    // What the one before gave out is none of this one's.
    let shown = world.track.shown(world.now, Shown { number: 0, time: None });
    assert!(shown.is_ok_and(|made| made.is_empty()));
    let picture = world.track.picture(world.now, plain(RED, size(96, 64)));
    let garbled = TranscodeRefusal::Ffmpeg(OutsideFault::Garbled);
    assert_eq!(picture.err(), Some(garbled));

    world.now += PAUSE;
    let large = other(&mut world, 20_000);
    assert_eq!(large, Err(TranscodeRefusal::Size(size(20_000, 64))));
}

#[test]
fn what_is_said_of_no_picture_or_never_is_garbled() {
    let garbled = Some(TranscodeRefusal::Ffmpeg(OutsideFault::Garbled));
    let begun = || {
        let mut world = World::new();
        world.frame(100).unwrap();
        world
    };
    let picture = || plain(RED, size(96, 64));
    let mut world = begun();
    let many = (0..20).find_map(|_| world.track.picture(world.now, picture()).err());
    assert_eq!(many, garbled, "pictures of which nothing is said");
    let mut world = begun();
    let say = |world: &mut World, number| {
        world.track.shown(world.now, Shown { number, time: Some(1) }).err()
    };
    assert_eq!((0..300).find_map(|number| say(&mut world, number)), garbled);
    let mut world = begun();
    assert_eq!(say(&mut world, 1), None);
    assert_eq!(world.track.picture(world.now, picture()).err(), garbled, "another number");
    // A time of no frame is no reason to end: it is of one that is long gone.
    let mut world = begun();
    assert_eq!(say(&mut world, 0), None);
    assert!(world.track.picture(world.now, picture()).is_ok_and(|made| made.is_empty()));
    assert_eq!(world.counted().lost, 1);
}
