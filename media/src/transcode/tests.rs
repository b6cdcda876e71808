//! Pictures with B-frames in virtual time.

use std::time::{Duration, Instant};

use super::*;
use crate::feed::tests::BFrames;
use crate::picture::tests::{Camera, RED, plain, size};
use crate::picture::{Encoding, PictureTrack, Planes, Seen};
use crate::rtp::{Codec, PictureSize, inspect};
use crate::stream::Packet;

const FRAME: Duration = Duration::from_millis(40);
const AIM: Encoding = Encoding { rate: 25, bits: 1_000_000 };

/// A camera with B-frames, and what is made of it.
struct World {
    camera: BFrames,
    converter: Converter,
    now: Instant,
    /// What the publisher sent.
    sent: Vec<Packet>,
    /// The packets of each picture.
    made: Vec<Vec<Packet>>,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let (camera, converter) = (BFrames::new(now), Converter::new(AIM));
        Self { camera, converter, now, sent: Vec::new(), made: Vec::new() }
    }

    /// So many frames go by.
    fn run(&mut self, frames: usize) {
        for _ in 0..frames {
            let packets = self.camera.shoot();
            self.take(packets);
        }
    }

    fn take(&mut self, packets: Vec<Packet>) {
        for packet in packets {
            self.made.extend(self.converter.packet(self.now, &packet).unwrap());
            self.sent.push(packet);
        }
        self.now += FRAME;
    }

    /// The latest timestamp that was sent.
    fn latest(&self) -> u32 {
        self.sent.iter().map(|packet| packet.timestamp).max().unwrap()
    }

    fn keys(&self) -> Vec<usize> {
        let key = |packets: &[Packet]| packets.iter().any(|packet| packet.inspection.key);
        (0..self.made.len()).filter(|at| key(&self.made[*at])).collect()
    }
}

/// The pictures of packets.
fn decoded<'a>(packets: impl Iterator<Item = &'a Packet>) -> Vec<Seen> {
    let mut track = PictureTrack::default();
    packets.flat_map(|packet| track.packet(packet.captured, packet)).collect()
}

/// How far two pictures are from one another.
fn distance(a: &Planes, b: &Planes) -> u64 {
    a.y.iter().zip(&b.y).map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
}

#[test]
fn pictures_come_out_in_the_order_in_which_they_are_shown_and_keep_their_times() {
    let mut world = World::new();
    world.run(5);
    assert!(world.converter.sees() && world.made.is_empty(), "it does not begin by itself");
    let after = world.latest();
    world.converter.begin(after);
    world.run(60);

    let packets = || world.made.iter().flatten();
    assert!(world.sent.iter().any(|packet| packet.inspection.bidirectional));
    assert!(packets().all(|packet| !packet.inspection.bidirectional));
    let profile = packets().find_map(|packet| packet.inspection.profile).unwrap();
    assert!(profile[0] == 66 && profile[1] & 0x40 != 0, "{profile:?}");
    assert!(packets().zip(1..).all(|(packet, seq)| packet.seq == seq), "numbered anew");
    assert!(world.made.iter().all(|frame| frame.iter().all(|p| p.timestamp == frame[0].timestamp)));

    let times: Vec<u32> = world.made.iter().map(|packets| packets[0].timestamp).collect();
    assert!(times.len() >= 56, "{}", times.len());
    assert_eq!(times[0], after + 3_600, "the first that is later");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 3_600), "{times:?}");
    for packet in packets() {
        let original = world.sent.iter().find(|sent| sent.timestamp == packet.timestamp).unwrap();
        assert_eq!(packet.captured, original.captured);
    }

    // Each shows what the publisher's picture of that time does, and not one of its neighbours.
    let (theirs, ours) = (decoded(world.sent.iter()), decoded(packets()));
    assert!(ours.len() >= 56);
    for one in &ours {
        let nearest = theirs
            .iter()
            .filter(|other| other.timestamp.abs_diff(one.timestamp) <= 4 * 3_600)
            .min_by_key(|other| distance(&other.planes, &one.planes))
            .unwrap();
        assert_eq!(nearest.timestamp, one.timestamp);
        let pixels = (one.planes.size().width * one.planes.size().height) as u64;
        let off = distance(&nearest.planes, &one.planes) as f64 / pixels as f64;
        assert!(off < 8.0, "{off} at {}", one.timestamp);
    }
    let counted = world.converter.counted();
    assert_eq!((counted.frames, counted.missed, counted.lost), (world.made.len() as u64, 0, 0));
}

#[test]
fn a_key_frame_comes_every_two_seconds_and_when_it_is_wished_for() {
    let mut world = World::new();
    world.run(5);
    world.converter.begin(world.latest());
    world.run(110);
    assert_eq!(world.keys(), [0, 50, 100]);
    // Everybody asks at once, and again and again.
    let before = world.made.len();
    for _ in 0..10 {
        world.converter.want_key(world.now);
        world.run(1);
    }
    let keys = world.keys();
    assert_eq!(keys[3..], [before], "one in half a second");
    for _ in 0..10 {
        world.converter.want_key(world.now);
        world.run(1);
    }
    assert_eq!(world.keys().len(), 5);
}

#[test]
fn after_a_gap_it_goes_on_with_the_publishers_next_key_frame() {
    let mut world = World::new();
    world.run(5);
    world.converter.begin(world.latest());
    world.run(10);
    let before = world.made.len();
    world.converter.gap();
    assert!(world.converter.waits());
    // The second frame after a key frame: nothing can be made of it, nor of what refers to it.
    drop(world.camera.shoot());
    world.run(4);
    assert!(world.made.len() <= before + 1, "what was decoded before may be shown yet");
    world.run(11);
    assert!(!world.converter.waits());
    assert!(world.made.len() >= before + 8, "{}", world.made.len() - before);
    let times: Vec<u32> = world.made.iter().map(|packets| packets[0].timestamp).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "never back: {times:?}");
    assert_eq!(world.converter.counted().lost, 4);
}

#[test]
fn another_aim_counts_from_the_next_key_frame_on_and_another_size_at_once() {
    let mut world = World::new();
    world.run(5);
    world.converter.begin(world.latest());
    world.run(20);
    // A little more is nothing to begin anew for.
    world.converter.aim(Encoding { bits: 1_200_000, ..AIM });
    world.converter.aim(Encoding { bits: 3_000_000, ..AIM });
    world.run(80);
    assert_eq!(world.keys(), [0, 50]);

    // Another size, of the same publisher.
    let mut camera = Camera::new(world.now);
    let (mut seq, first) = (world.sent.last().unwrap().seq, world.latest());
    for number in 0..4 {
        let mut packets = camera.shoot(&plain(RED, size(96, 64)), number == 0);
        for packet in &mut packets {
            seq += 1;
            (packet.seq, packet.timestamp) = (seq, first + packet.timestamp + 7_200);
        }
        world.take(packets);
    }
    let mut sizes = world.made.iter().flatten().filter_map(|packet| packet.inspection.size);
    assert_eq!(sizes.next_back(), Some(PictureSize { width: 96, height: 64 }));
    let ours = decoded(world.made.iter().flatten());
    assert_eq!(ours.last().unwrap().planes.size(), size(96, 64));
}

#[test]
fn what_is_never_decoded_is_given_up() {
    let (mut camera, mut converter) = (Camera::new(Instant::now()), Converter::new(AIM));
    let mut given_up = None;
    for _ in 0..10 {
        let mut packets = camera.shoot(&plain(RED, size(64, 48)), true);
        for packet in packets.iter_mut().filter(|packet| packet.inspection.key) {
            packet.payload = [0x65, 0xff, 0xff, 0xff, 0xff].as_slice().into();
            packet.inspection = inspect(packet.codec, &packet.payload);
        }
        for packet in &packets {
            given_up = given_up.or(converter.packet(packet.captured, packet).err());
        }
    }
    assert_eq!(given_up, Some(TranscodeRefusal::Undecodable));
    assert!(!converter.sees());
}

#[test]
fn what_becomes_another_codec_is_given_up() {
    let mut world = World::new();
    world.run(5);
    let mut packet = world.camera.shoot().remove(0);
    packet.codec = Codec::Vp8;
    let given_up = world.converter.packet(world.now, &packet).err();
    assert_eq!(given_up, Some(TranscodeRefusal::Codec(Codec::Vp8)));
}

fn measured(width: u32, height: u32, rate: f64) -> Measured {
    let size = Some(PictureSize { width, height });
    let (codec, profile) = (Codec::H264, Some(100));
    Measured { codec, size, profile, rate, bits: 4_000_000, layers: 1 }
}

#[test]
fn what_is_converted_is_bounded_in_number_and_size() {
    let limits = TranscodeLimits { most: 2, pixels: TranscodeLimits::USUAL };
    let hd = measured(1920, 1080, 29.97);
    let aim = admit(limits, 1, &hd, false).unwrap().unwrap();
    assert_eq!(aim, Encoding { rate: 30, bits: 6_000_000 });
    assert_eq!(admit(limits, 2, &hd, false), Some(Err(TranscodeRefusal::Full(2))));
    assert_eq!(admit(TranscodeLimits::NONE, 0, &hd, false), Some(Err(TranscodeRefusal::Off)));
    // What is measured is a little off.
    assert!(admit(limits, 0, &measured(1920, 1080, 31.7), false).unwrap().is_ok());
    let pixels = 1920 * 1080 * 50;
    let large = Some(Err(TranscodeRefusal::TooLarge { pixels, most: TranscodeLimits::USUAL }));
    assert_eq!(admit(limits, 0, &measured(1920, 1080, 50.0), false), large);
    let more = TranscodeLimits { pixels: u64::MAX, ..limits };
    assert!(admit(more, 0, &measured(3840, 2160, 60.0), false).unwrap().is_ok());
    let wide = TranscodeRefusal::Size(size(4096, 2160));
    assert_eq!(admit(more, 0, &measured(4096, 2160, 24.0), false), Some(Err(wide)));
    assert!(admit(more, 0, &measured(2160, 3840, 24.0), false).unwrap().is_ok(), "upright");
    let other = Measured { codec: Codec::Opus, ..hd };
    let refused = Some(Err(TranscodeRefusal::Codec(Codec::Opus)));
    assert_eq!(admit(limits, 0, &other, true), refused);
    for (codec, bits) in [
        (Codec::H265, 10_000_000),
        (Codec::Av1, 10_000_000),
        (Codec::Vp9, 10_000_000),
        (Codec::Vp8, 6_000_000),
    ] {
        let other = Measured { codec, profile: Some(2), ..hd };
        assert_eq!(admit(limits, 0, &other, false), Some(Err(TranscodeRefusal::NoFfmpeg)));
        let aim = admit(limits, 0, &other, true).unwrap().unwrap();
        assert_eq!(aim, Encoding { rate: 30, bits }, "H.264 needs more than most");
        let several = Measured { layers: 3, ..other };
        assert_eq!(admit(limits, 0, &several, true), Some(Err(TranscodeRefusal::Layers)));
    }
    let layers = Measured { layers: 3, ..hd };
    assert_eq!(admit(limits, 0, &layers, false), Some(Err(TranscodeRefusal::Layers)));
    let ten_bits = Measured { profile: Some(110), ..hd };
    assert_eq!(admit(limits, 0, &ten_bits, false), Some(Err(TranscodeRefusal::Undecodable)));
}

#[test]
fn what_is_not_known_yet_is_waited_for() {
    let limits = TranscodeLimits { most: 1, pixels: TranscodeLimits::USUAL };
    assert_eq!(admit(limits, 0, &measured(1920, 1080, 0.0), false), None);
    assert_eq!(admit(limits, 0, &Measured { size: None, ..measured(1, 1, 25.0) }, false), None);
    let unnamed = Measured { profile: None, ..measured(1280, 720, 25.0) };
    assert!(admit(limits, 0, &unnamed, false).unwrap().is_ok());
}

#[test]
fn what_grows_for_good_is_converted_up_to_a_quarter_more() {
    let limits = TranscodeLimits { most: 1, pixels: TranscodeLimits::USUAL };
    let mut growth = Growth::default();
    let mut look = |width, height, rate, times| {
        let measured = measured(width, height, rate);
        (0..times).filter_map(|_| growth.look(limits, &measured)).count()
    };
    assert_eq!(look(1920, 1080, 35.0, 100), 0);
    assert_eq!(look(1920, 1080, 50.0, 4), 0, "a network that held them up");
    assert_eq!(look(1920, 1080, 30.0, 1) + look(1920, 1080, 50.0, 4), 0);
    assert_eq!(look(1920, 1080, 50.0, 1), 1);
    assert_eq!(look(1920, 1080, 0.0, 100), 0, "it stands still");
    assert_eq!(look(4096, 2160, 1.0, 1), 1, "there is no encoder for it");
}

#[test]
fn bits_follow_the_source_within_bounds() {
    let of = |bits| encoding(&Measured { bits, ..measured(1280, 720, 25.0) }).bits;
    assert_eq!((of(0), of(2_000_000), of(u64::MAX)), (400_000, 3_000_000, 16_000_000));
    let fast = encoding(&measured(1280, 720, 1e9)).rate;
    let slow = encoding(&measured(1280, 720, 0.0)).rate;
    assert_eq!((slow, fast), (1, 240));
}
