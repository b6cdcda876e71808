//! VP8, VP9 and AV1 through the ffmpeg of this machine.

use super::*;
use crate::coded::Coding;
use crate::coded::tests::clips::{
    AV1, Clip, VP8, VP8_ODD, VP9, VP9_RESIZED, apart, frames_of, lowest_of_two,
};
use crate::rtp::{Colours, PictureSize, colours, inspect};

/// What is encoded is as near to its source as this.
const NEAR: f64 = 6.0;

fn world() -> World {
    // Of a stream that begins at 0.
    World::after("ffmpeg".into(), u32::MAX)
}

/// Packets of frames of an IVF file of VP8 or VP9, one for each, with the shortest descriptors.
fn whole(coding: Coding, ivf: &'static [u8], captured: Instant) -> Vec<Vec<Packet>> {
    let of = |(frame, number): (&[u8], u64)| {
        let descriptor = match (coding, number) {
            (Coding::Vp8, _) => 0x10,
            (_, 0) => 0x0c,
            _ => 0x4c,
        };
        let payload = [&[descriptor], frame].concat();
        let codec = coding.codec();
        vec![Packet {
            codec,
            layer: 0,
            seq: number,
            timestamp: number as u32 * 3_600,
            marker: true,
            inspection: inspect(codec, &payload),
            payload: payload.as_slice().into(),
            captured,
        }]
    };
    frames_of(ivf).into_iter().zip(0..).map(of).collect()
}

/// Each picture is that of its number, and later than the one before. Returns the numbers.
fn assert_right(world: &World, clip: Clip) -> Vec<u32> {
    let known = clip.luma();
    let number = |seen: Seen| {
        let number = seen.timestamp / 3_600;
        let off = apart(seen.planes.y.iter().copied(), &known[number as usize % 10]);
        assert!(off < NEAR, "{:?}: {number} is off by {off}", clip.coding);
        number
    };
    let numbers: Vec<u32> = world.pictures().map(number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    numbers
}

#[test]
fn vp8_vp9_and_av1_come_out_each_picture_at_its_time() {
    for clip in [VP8, VP9, AV1] {
        let mut world = world();
        let at = |number: u64| world.start + FRAME * number as u32;
        world.feed((0..30).map(|number| clip.shoot(number, at(number))).collect()).unwrap();
        world.wait_for(30);
        assert_eq!(assert_right(&world, clip), (0..30).collect::<Vec<_>>());
        for packets in &world.made {
            let captured = world.start + FRAME * (packets[0].timestamp / 3_600);
            assert!(packets.iter().all(|packet| packet.captured == captured));
            assert!(packets.iter().all(|packet| packet.codec == crate::rtp::Codec::H264));
        }
        let counted = world.outside.counted();
        assert_eq!((counted.frames, counted.missed, counted.lost), (30, 0, 0));
    }
}

#[test]
fn after_a_lost_packet_the_next_picture_is_a_key_frames() {
    for clip in [VP8, VP9, AV1] {
        let mut world = world();
        let mut frames: Vec<_> = (0..30).map(|number| clip.shoot(number, world.start)).collect();
        frames[7].remove(0);
        let rest = frames.split_off(9);
        world.feed(frames).unwrap();
        assert!(!world.outside.waits(), "it may still come");
        world.now += Duration::from_secs(1);
        world.feed(rest).unwrap();
        world.wait_for(27);
        let all: Vec<u32> = (0..30).filter(|number| !(7..10).contains(number)).collect();
        assert_eq!(assert_right(&world, clip), all);
    }
}

#[test]
fn a_picture_of_an_odd_size_is_that_of_the_even_one_below() {
    let mut world = world();
    let frames = whole(Coding::Vp8, VP8_ODD, world.start);
    let count = frames.len();
    assert_eq!(frames[0][0].inspection.size, Some(PictureSize { width: 65, height: 47 }));
    world.feed(frames).unwrap();
    world.wait_for(count);
    let sizes: Vec<_> = world.pictures().map(|seen| seen.planes.size()).collect();
    assert_eq!(sizes, vec![PictureSize { width: 64, height: 46 }; count]);
}

/// An encoder that has too few bits sends smaller pictures, and may do so without a key frame.
#[test]
fn vp9_that_becomes_smaller_without_a_key_frame_goes_on_in_its_size() {
    let mut world = world();
    let frames = whole(Coding::Vp9, VP9_RESIZED, world.start);
    let count = frames.len();
    assert_eq!(frames.iter().filter(|frame| frame[0].inspection.key).count(), 1);
    world.feed(frames).unwrap();
    world.wait_for(count);
    let sizes: Vec<_> = world.pictures().map(|seen| seen.planes.size()).collect();
    assert_eq!(sizes, vec![PictureSize { width: 448, height: 336 }; count]);
    let counted = world.outside.counted();
    assert_eq!((counted.missed, counted.lost), (0, 0));
}

/// A frame of the clip in a sequence that has a second spatial layer, which is not handed over.
fn in_two_layers(number: u64, captured: Instant) -> Vec<Packet> {
    let mut packets = AV1.shoot(number, captured);
    for packet in &mut packets {
        packet.payload = lowest_of_two(&packet.payload).into();
    }
    packets
}

#[test]
fn the_lowest_layer_of_av1_does_not_wait_for_the_highest() {
    let mut world = world();
    let frames = (0..10).map(|number| in_two_layers(number, world.start)).collect();
    world.feed(frames).unwrap();
    world.wait_for(10);
    assert_eq!(assert_right(&world, AV1), (0..10).collect::<Vec<_>>());
}

#[test]
fn the_colours_are_those_that_the_source_says() {
    for (clip, said) in [
        (VP8, Colours::default()),
        (VP9, Colours { matrix: 1, ..Colours::default() }),
        (AV1, Colours { full_range: false, primaries: 1, transfer: 1, matrix: 1 }),
    ] {
        let mut world = world();
        world.feed(vec![clip.shoot(0, world.start)]).unwrap();
        world.wait_for(1);
        let made = world.made[0].iter().find(|packet| packet.inspection.parameters).unwrap();
        assert_eq!(colours(made.codec, &made.payload), Some(said), "{:?}", clip.coding);
    }
}
