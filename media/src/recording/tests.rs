//! Packets in, a file out, and every frame found again at its time.

use std::io::Cursor;
use std::time::{Duration, Instant, UNIX_EPOCH};

use proptest::prelude::*;
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};

mod coded;
mod hevc;

use super::*;
use crate::feed::h264::Packetiser;
use crate::rtcp::WallClock;
use crate::rtp::{Codec, inspect};
use crate::stream::{Packet, Payload};

/// x264, Constrained Baseline, 1280x720, and x264, High, 1920x1080.
const SPS_720P: [u8; 25] = [
    0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x6a, 0x02, 0x02, 0x02, 0x80, 0x00,
    0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x47, 0x8c,
];
const SPS_1080P: [u8; 26] = [
    0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03,
    0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6,
];
const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];
const START_MS: u64 = 1_770_000_000_000;

/// A publisher in virtual time: frame `n` is shown `n * 40` ms after the start.
struct World {
    start: Instant,
    recorder: Recorder,
    packetiser: Packetiser,
    wall: WallClock,
    seq: u64,
    sound_seq: u64,
    fragments: Vec<Fragment>,
    /// The slices that were sent, with the number under which each is shown.
    sent: Vec<(u32, Vec<u8>)>,
}

impl World {
    fn new() -> Self {
        let start = Instant::now() + Duration::from_secs(100);
        let wall = WallClock::new(start, UNIX_EPOCH + Duration::from_millis(START_MS));
        Self {
            start,
            recorder: Recorder::new(wall),
            packetiser: Packetiser::default(),
            wall,
            seq: 7,
            sound_seq: 900,
            fragments: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn slice(n: u32, key: bool, size: usize) -> Vec<u8> {
        let header = if key { [0x65, 0x88] } else { [0x41, 0x9a] };
        let number = n.to_be_bytes().map(|byte| byte | 0x80);
        header.into_iter().chain(number).chain(vec![7; size]).collect()
    }

    /// The packets of a frame that is shown as the `n`th.
    fn frame(&mut self, n: u32, sps: Option<&[u8]>, size: usize) -> Vec<Packet> {
        let slice = Self::slice(n, sps.is_some(), size);
        let mut units: Vec<&[u8]> = Vec::new();
        if let Some(sps) = sps {
            units.extend([sps, &PPS[..]]);
        }
        units.push(&slice);
        let bytes: Vec<u8> =
            units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect();
        let payloads = self.packetiser.frame(&bytes);
        let captured = self.at(u64::from(n) * 40);
        let timestamp = self.wall.media(captured);
        let last = payloads.len() - 1;
        self.sent.push((n, slice));
        let packets = payloads.into_iter().enumerate().map(|(index, payload)| {
            self.seq += 1;
            Packet {
                codec: Codec::H264,
                layer: 0,
                seq: self.seq,
                timestamp,
                marker: index == last,
                inspection: inspect(Codec::H264, &payload),
                payload,
                captured,
            }
        });
        packets.collect()
    }

    /// A packet of sound that is heard `n * 20` ms after the start, of a clock with any beginning.
    fn sound(&mut self, n: u32) -> Packet {
        self.sound_seq += 1;
        let payload: Payload = [0xfc, n as u8, (n >> 8) as u8].as_slice().into();
        Packet {
            codec: Codec::Opus,
            layer: 0,
            seq: self.sound_seq,
            timestamp: 4_294_960_000u32.wrapping_add(n * 960),
            marker: false,
            inspection: inspect(Codec::Opus, &payload),
            payload,
            captured: self.at(u64::from(n) * 20),
        }
    }

    fn push(&mut self, ms: u64, packets: &[Packet]) {
        for packet in packets {
            self.recorder.packet(self.at(ms), packet.clone());
        }
        self.fragments.extend(std::iter::from_fn(|| self.recorder.poll()));
    }

    /// Frames from one to another, with their sound; every 25th is a key frame.
    fn run(&mut self, frames: std::ops::Range<u32>, sps: &[u8]) {
        let first = frames.start;
        for n in frames {
            let key = (n - first).is_multiple_of(25);
            let packets = self.frame(n, key.then_some(sps), 300 + n as usize * 7 % 3_000);
            self.push(u64::from(n) * 40, &packets);
            for n in [n * 2, n * 2 + 1] {
                let packet = self.sound(n);
                self.push(u64::from(n) * 20 + 1, &[packet]);
            }
        }
    }

    fn end(&mut self) {
        self.recorder.cut();
        self.fragments.extend(std::iter::from_fn(|| self.recorder.poll()));
    }

    /// The file as it lies on the disk while it is written, and where each fragment ends.
    fn file(&self) -> (Vec<u8>, Vec<usize>) {
        let first = &self.fragments[0];
        let mut bytes = begin(first).unwrap();
        let mut ends = vec![bytes.len()];
        for (n, fragment) in self.fragments.iter().enumerate() {
            let encoded = encode(fragment, first.start(), n as u32 + 1).unwrap();
            encoded.write_to(&mut bytes).unwrap();
            ends.push(bytes.len());
        }
        (bytes, ends)
    }
}

/// The file as it is when it has ended.
fn ended(mut bytes: Vec<u8>) -> (Vec<u8>, Summary) {
    let conclusion = conclude(&mut Cursor::new(&bytes)).unwrap();
    bytes.truncate(conclusion.end as usize);
    bytes.extend_from_slice(&conclusion.index);
    let at = conclusion.placeholder as usize;
    bytes[at..at + 16].copy_from_slice(&conclusion.head);
    assert_eq!(bytes.len() as u64, conclusion.summary.bytes);
    (bytes, conclusion.summary)
}

/// What an independent reader finds: the pictures with their times by 25 frames a second, and the
/// sound with its times in samples.
#[derive(Debug, Default)]
struct Found {
    pictures: Vec<(i64, bool, Vec<u8>)>,
    sounds: Vec<(i64, Vec<u8>)>,
}

fn read(bytes: &[u8]) -> Found {
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: bytes });
    let mut found = Found::default();
    while let Some(sample) = demuxer.next_sample().unwrap() {
        let data = bytes[sample.data_offset as usize..][..sample.data_size].to_vec();
        let at = sample.timestamp as i64 + sample.composition_time_offset.unwrap_or_default();
        match sample.track.kind {
            TrackKind::Video => found.pictures.push((at, sample.keyframe, data)),
            _ => found.sounds.push((at, data)),
        }
    }
    found
}

/// The last unit of a sample: its slice.
fn slice_of(sample: &[u8]) -> &[u8] {
    let mut rest = sample;
    loop {
        let (length, tail) = rest.split_first_chunk::<4>().unwrap();
        let (unit, next) = tail.split_at(u32::from_be_bytes(*length) as usize);
        if next.is_empty() {
            return unit;
        }
        rest = next;
    }
}

#[test]
fn every_frame_is_found_again_at_its_time_and_the_sound_beside_it() {
    let mut world = World::new();
    world.run(0..500, &SPS_720P);
    world.end();
    let seconds = |fragment: &Fragment| fragment.end().0 - fragment.start().0;
    assert!(world.fragments.iter().all(|one| seconds(one) <= 90_000 / 2), "half a second each");
    let (bytes, summary) = ended(world.file().0);
    assert_eq!((summary.frames, summary.rate), (500, FrameRate { num: 25, den: 1 }));
    assert_eq!((summary.duration_ms, summary.start_ms), (20_000, START_MS as i64));
    assert_eq!((summary.size.width, summary.size.height), (1280, 720));
    assert_eq!(summary.channels, Some(2));
    let found = read(&bytes);
    assert_eq!(found.pictures.len(), 500);
    for (n, ((at, key, data), (_, slice))) in found.pictures.iter().zip(&world.sent).enumerate() {
        assert_eq!((*at, *key, slice_of(data)), (n as i64 * 1000, n % 25 == 0, &slice[..]));
    }
    assert_eq!(found.sounds.len(), 1000);
    for (n, (at, data)) in found.sounds.iter().enumerate() {
        assert!((at - n as i64 * 960).abs() <= 48, "{n}: {at}: within a millisecond");
        assert_eq!(data[1..], [n as u8, (n >> 8) as u8]);
    }
}

#[test]
fn what_is_cut_off_anywhere_is_whole_up_to_its_last_fragment() {
    let mut world = World::new();
    world.run(0..60, &SPS_720P);
    world.end();
    let (bytes, ends) = world.file();
    for length in (0..bytes.len()).step_by(61).chain(ends.iter().copied()) {
        let whole = ends.iter().skip(1).filter(|end| **end <= length).count();
        let frames: usize = world.fragments[..whole].iter().map(|one| one.frames.len()).sum();
        match conclude(&mut Cursor::new(&bytes[..length])) {
            Ok(found) => {
                assert_eq!((found.summary.frames, found.end), (frames as u64, ends[whole] as u64));
            }
            Err(ConcludeError::Empty) => assert_eq!(frames, 0, "{length}"),
            Err(error) => panic!("{length}: {error}"),
        }
    }
}

#[test]
fn a_file_that_was_ended_is_ended_again_the_same() {
    let mut world = World::new();
    world.run(0..60, &SPS_720P);
    world.end();
    let (bytes, _) = world.file();
    let (once, summary) = ended(bytes.clone());
    assert_eq!(ended(once.clone()), (once.clone(), summary));
    // The server died after the index was written, before the head was; and within the index.
    let mut between = bytes.clone();
    between.extend_from_slice(&once[bytes.len()..]);
    assert_eq!(ended(between.clone()).0, once);
    between.truncate(bytes.len() + 100);
    assert_eq!(ended(between).0, once);
}

#[test]
fn after_a_loss_it_goes_on_with_the_next_key_frame() {
    let mut world = World::new();
    world.run(0..30, &SPS_720P);
    // The second packet of a frame never comes; the others do.
    let mut torn = world.frame(30, None, 5_000);
    torn.remove(1);
    world.push(1_200, &torn);
    world.run(31..60, &SPS_720P);
    // `run` begins with a key frame, which is waited for while something is missing.
    world.end();
    assert_eq!(world.recorder.counted(), Counted { frames: 59, left_out: 1 });
    let (bytes, summary) = ended(world.file().0);
    assert_eq!(summary.frames, 60, "the frame before it is shown for longer");
    let found = read(&bytes);
    let times: Vec<i64> = found.pictures.iter().map(|one| one.0 / 1000).collect();
    assert_eq!(times, (0..60).filter(|n| *n != 30).collect::<Vec<i64>>());
}

#[test]
fn without_a_key_frame_nothing_goes_on() {
    let mut world = World::new();
    world.run(0..30, &SPS_720P);
    let lost = world.frame(30, None, 5_000);
    world.push(1_200, &lost[1..]);
    for n in 31..50 {
        let packets = world.frame(n, None, 500);
        world.push(u64::from(n) * 40, &packets);
    }
    world.end();
    let counted = world.recorder.counted();
    assert_eq!((counted.frames, counted.left_out), (30, 20));
}

#[test]
fn late_packets_are_put_in_order() {
    let mut world = World::new();
    let mut all = Vec::new();
    for n in 0..50 {
        let key = n % 25 == 0;
        all.extend(world.frame(n, key.then_some(&SPS_720P[..]), 4_000));
    }
    // Each group of five comes the other way round; the very first stays the first.
    let (first, rest) = all.split_at(1);
    let late: Vec<Packet> = rest.chunks(5).flat_map(|five| five.iter().rev().cloned()).collect();
    world.push(0, first);
    world.push(5, &late);
    world.end();
    assert_eq!(world.recorder.counted(), Counted { frames: 50, left_out: 0 });
}

#[test]
fn another_publisher_with_another_picture_goes_on_in_the_same_file() {
    let mut world = World::new();
    world.run(0..50, &SPS_720P);
    world.recorder.publish();
    (world.seq, world.packetiser) = (40_000, Packetiser::default());
    world.run(100..150, &SPS_1080P);
    world.end();
    let (bytes, summary) = ended(world.file().0);
    assert_eq!((summary.size.width, summary.size.height), (1920, 1080));
    assert_eq!(summary.frames, 150, "what was between shows the last picture");
    assert!(bytes.windows(4).rev().take(20_000).any(|four| four == b"avc3"));
    let found = read(&bytes);
    assert_eq!((found.pictures.len(), found.pictures[50].0), (100, 100_000));
    let sound = found.sounds.iter().find(|(_, data)| data[1..] == [200, 0]).unwrap();
    assert!((sound.0 - 200 * 960).abs() < 96, "{}: still beside the picture", sound.0);
}

#[test]
fn frames_that_are_decoded_in_another_order_are_shown_in_theirs() {
    let mut world = World::new();
    let key = world.frame(0, Some(&SPS_720P), 900);
    world.push(0, &key);
    for anchor in (3..=120).step_by(3) {
        for n in [anchor, anchor - 2, anchor - 1] {
            let packets = world.frame(n, None, 200);
            world.push(u64::from(anchor) * 40, &packets);
        }
    }
    world.end();
    assert!(world.fragments.len() > 5, "it is cut where that can be");
    let (bytes, summary) = ended(world.file().0);
    assert_eq!(summary.frames, 121);
    let found = read(&bytes);
    for ((at, _, data), (n, slice)) in found.pictures.iter().zip(&world.sent) {
        assert_eq!((*at, slice_of(data)), (i64::from(*n) * 1000, &slice[..]));
    }
}

#[test]
fn frames_that_are_shown_after_some_that_never_came_are_left_out_at_the_end() {
    let mut world = World::new();
    let key = world.frame(0, Some(&SPS_720P), 900);
    world.push(0, &key);
    for n in [3, 1, 2, 6, 4, 5, 9, 7] {
        let packets = world.frame(n, None, 200);
        world.push(u64::from(n) * 40, &packets);
        let packet = world.sound(n * 2);
        world.push(u64::from(n) * 40, &[packet]);
    }
    world.end();
    let (bytes, summary) = ended(world.file().0);
    assert_eq!((summary.frames, summary.duration_ms), (7, 280));
    let found = read(&bytes);
    let mut places: Vec<i64> = found.pictures.iter().map(|one| one.0 / 1000).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2, 3, 4, 5, 6]);
    for ((_, _, data), (_, slice)) in found.pictures.iter().zip(&world.sent) {
        assert_eq!(slice_of(data), &slice[..]);
    }
}

#[test]
fn a_source_that_falls_silent_leaves_nothing_unwritten() {
    let mut world = World::new();
    let packets = world.frame(0, Some(&SPS_720P), 900);
    world.push(0, &packets);
    assert!(world.fragments.is_empty());
    let deadline = world.recorder.deadline().unwrap();
    assert!(deadline <= world.at(500));
    world.recorder.tick(deadline);
    assert_eq!(world.recorder.poll().map(|fragment| fragment.frames.len()), Some(1));
    assert_eq!(world.recorder.deadline(), None, "and then it sleeps");
}

#[test]
fn sound_goes_on_without_a_picture() {
    let mut world = World::new();
    world.run(0..5, &SPS_720P);
    for n in 10..200 {
        let packet = world.sound(n);
        world.push(u64::from(n) * 20, &[packet]);
    }
    let longest = world.fragments.iter().map(|one| one.end().0 - one.start().0).max().unwrap();
    assert!(longest <= 90_000 * 8 / 10, "{longest} ticks");
    world.end();
    let found = read(&ended(world.file().0).0);
    assert_eq!((found.pictures.len(), found.sounds.len()), (5, 200));
}

#[test]
fn a_picture_of_another_codec_is_refused_in_words() {
    let mut world = World::new();
    let mut packet = world.frame(0, Some(&SPS_720P), 10).remove(0);
    packet.codec = Codec::Vp8;
    world.push(0, &[packet]);
    assert_eq!(world.recorder.refused(), Some(Codec::Vp8));
    world.end();
    assert!(world.fragments.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the sizes and the order of neighbours: all frames, once, in order.
    #[test]
    fn frames_of_all_sizes_come_back(
        sizes in proptest::collection::vec(1..9_000usize, 2..60),
        swaps in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
    ) {
        let mut world = World::new();
        let mut all = Vec::new();
        for (n, size) in sizes.iter().enumerate() {
            all.extend(world.frame(n as u32, (n % 10 == 0).then_some(&SPS_720P[..]), *size));
        }
        for swap in swaps {
            let at = 1 + swap.index(all.len() - 1);
            if at + 1 < all.len() {
                all.swap(at, at + 1);
            }
        }
        world.push(0, &all);
        world.end();
        let (bytes, _) = ended(world.file().0);
        let found = read(&bytes);
        prop_assert_eq!(found.pictures.len(), sizes.len());
        for ((_, _, data), (_, slice)) in found.pictures.iter().zip(&world.sent) {
            prop_assert_eq!(slice_of(data), &slice[..]);
        }
    }

    /// Nothing that a packet says breaks it.
    #[test]
    fn no_packet_is_too_strange(
        packets in proptest::collection::vec(
            (0..40u64, 0..4u32, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)),
            0..60,
        ),
    ) {
        let mut world = World::new();
        let good = world.frame(0, Some(&SPS_720P), 100);
        world.push(0, &good);
        for (seq, frame, marker, payload) in packets {
            let packet = Packet {
                codec: Codec::H264,
                layer: 0,
                seq: 8 + seq,
                timestamp: world.wall.media(world.start).wrapping_add(frame * 3_600),
                marker,
                inspection: inspect(Codec::H264, &payload),
                payload: payload.into(),
                captured: world.start,
            };
            world.push(frame.into(), &[packet]);
        }
        world.end();
        let (bytes, _) = ended(world.file().0);
        prop_assert!(!read(&bytes).pictures.is_empty());
    }

    /// Nothing that a file says breaks it.
    #[test]
    fn no_file_is_too_strange(flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8)) {
        let mut world = World::new();
        world.run(0..12, &SPS_720P);
        world.end();
        let (mut bytes, _) = world.file();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = conclude(&mut Cursor::new(&bytes));
    }
}
