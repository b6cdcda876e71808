//! Pictures through encoder, packets and decoder.

use std::time::{Duration, Instant};

use super::*;
use crate::feed::h264::Packetiser;
use crate::rtp::{Codec, PictureSize, inspect};
use crate::stream::{Packet, Payload};

pub(crate) const RED: (u8, u8, u8) = (200, 30, 30);
pub(crate) const BLUE: (u8, u8, u8) = (30, 60, 200);

pub(crate) fn size(width: u32, height: u32) -> PictureSize {
    PictureSize { width, height }
}

pub(crate) fn plain((red, green, blue): (u8, u8, u8), size: PictureSize) -> Planes {
    Planes::filled(size, Colour::rgb(red, green, blue))
}

/// The picture of the key frame that a group of pictures of H.264 begins with.
pub(crate) fn first_picture(group: &[Packet]) -> Result<Planes, StillError> {
    match key_frame(group)? {
        KeyFrame::H264(frame) => Ok(Decoder::single(&frame)?),
        KeyFrame::Outside(..) => Err(StillError::NoFfmpeg),
    }
}

/// Whether a pixel has a colour, as nearly as codecs keep it.
pub(crate) fn is_near(found: Option<Colour>, (red, green, blue): (u8, u8, u8)) -> bool {
    let wanted = Colour::rgb(red, green, blue);
    found.is_some_and(|found| {
        [(found.y, wanted.y), (found.u, wanted.u), (found.v, wanted.v)]
            .iter()
            .all(|(a, b)| a.abs_diff(*b) <= 6)
    })
}

/// A camera with an encoder: frames of plain colours as packets.
pub(crate) struct Camera {
    encoder: Encoder,
    packetiser: Packetiser,
    seq: u64,
    frame: u32,
    pub(crate) at: Instant,
}

impl Camera {
    pub(crate) fn new(at: Instant) -> Self {
        let encoder = Encoder::new(Encoding { rate: 25, bits: 8_000_000 }).unwrap();
        Self { encoder, packetiser: Packetiser::default(), seq: 0, frame: 0, at }
    }

    /// The packets of the next frame, 40 ms after the one before.
    pub(crate) fn shoot(&mut self, picture: &Planes, key: bool) -> Vec<Packet> {
        let data = self.encoder.encode(picture, key).unwrap().unwrap();
        let payloads = self.packetiser.frame(&data);
        let last = payloads.len() - 1;
        let timestamp = 1_000 + self.frame * 3_600;
        let captured = self.at;
        self.frame += 1;
        self.at += Duration::from_millis(40);
        let packet = |(number, payload): (usize, Payload)| {
            self.seq += 1;
            Packet {
                codec: Codec::H264,
                layer: 0,
                seq: self.seq,
                timestamp,
                marker: number == last,
                inspection: inspect(Codec::H264, &payload),
                payload,
                captured,
            }
        };
        payloads.into_iter().enumerate().map(packet).collect()
    }
}

fn all(track: &mut PictureTrack, packets: &[Packet]) -> Vec<Seen> {
    packets.iter().flat_map(|packet| track.packet(packet.captured, packet)).collect()
}

#[test]
fn pictures_come_back_with_their_times() {
    let start = Instant::now();
    let (mut camera, mut track) = (Camera::new(start), PictureTrack::default());
    for (number, colour) in [RED, BLUE, RED, RED].into_iter().enumerate() {
        let packets = camera.shoot(&plain(colour, size(64, 48)), number == 0);
        let seen = all(&mut track, &packets);
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].captured, start + Duration::from_millis(40 * number as u64));
        assert_eq!(seen[0].planes.size(), size(64, 48));
        assert!(is_near(seen[0].planes.colour(32, 24), colour), "{number}");
    }
    assert_eq!(track.lost(), 0);
}

#[test]
fn after_a_loss_the_picture_goes_on_with_a_key_frame() {
    let start = Instant::now();
    let (mut camera, mut track) = (Camera::new(start), PictureTrack::default());
    let mut shoot = |key| camera.shoot(&plain(RED, size(64, 48)), key);
    assert_eq!(all(&mut track, &shoot(true)).len(), 1);
    drop(shoot(false)); // which never comes
    let mut now = start + Duration::from_millis(80);
    for packet in shoot(false) {
        assert!(track.packet(now, &packet).is_empty(), "what is missing may come yet");
    }
    now += Duration::from_secs(1);
    assert!(track.tick(now).is_empty());
    assert!(track.waits() && track.lost() > 0);
    let next = shoot(false);
    assert!(next.iter().all(|packet| track.packet(now, packet).is_empty()));
    let key = shoot(true);
    let seen: Vec<Seen> = key.iter().flat_map(|packet| track.packet(now, packet)).collect();
    assert_eq!(seen.len(), 1);
}

#[test]
fn another_size_in_the_middle_is_followed_and_a_monster_is_refused() {
    let start = Instant::now();
    let (mut camera, mut track) = (Camera::new(start), PictureTrack::default());
    assert_eq!(all(&mut track, &camera.shoot(&plain(RED, size(64, 48)), true)).len(), 1);
    let seen = all(&mut track, &camera.shoot(&plain(BLUE, size(96, 64)), true));
    assert_eq!(seen.last().unwrap().planes.size(), size(96, 64));

    // A parameter set of 8192 x 4608 in constrained baseline, made by the rules of 7.3.2.1.1.
    let monster = sequence(8192 / 16, 4608 / 16);
    let mut packets = camera.shoot(&plain(RED, size(96, 64)), true);
    packets[0].payload = monster.into();
    packets[0].inspection = inspect(Codec::H264, &packets[0].payload);
    assert!(all(&mut track, &packets).is_empty());
    assert_eq!(track.refused(), Some(Refused::TooLarge(size(8192, 4608))));
    let seen = all(&mut track, &camera.shoot(&plain(RED, size(96, 64)), true));
    assert_eq!((seen.len(), track.refused()), (1, None));
}

/// A sequence's parameter set for so many macroblocks (ITU-T H.264, 7.3.2.1.1).
pub(crate) fn sequence(width: u32, height: u32) -> Vec<u8> {
    let mut bits = String::new();
    let ue = |bits: &mut String, value: u32| {
        let code = format!("{:b}", value + 1);
        bits.push_str(&"0".repeat(code.len() - 1));
        bits.push_str(&code);
    };
    // Its number, log2_max_frame_num - 4, pic_order_cnt_type 2, one reference frame.
    [0, 0, 2, 1].into_iter().for_each(|value| ue(&mut bits, value));
    bits.push('0');
    ue(&mut bits, width - 1);
    ue(&mut bits, height - 1);
    // Frames only, direct_8x8_inference, no cropping, no VUI, and the stop bit.
    bits.push_str("11001");
    while !bits.len().is_multiple_of(8) {
        bits.push('0');
    }
    let bytes =
        (0..bits.len()).step_by(8).map(|at| u8::from_str_radix(&bits[at..at + 8], 2).unwrap());
    [0x67, 66, 0xc0, 51].into_iter().chain(bytes).collect()
}

#[test]
fn what_is_no_h264_is_said() {
    let mut camera = Camera::new(Instant::now());
    let mut packets = camera.shoot(&plain(RED, size(64, 48)), true);
    packets.iter_mut().for_each(|packet| packet.codec = Codec::Vp8);
    let mut track = PictureTrack::default();
    assert!(all(&mut track, &packets).is_empty());
    assert_eq!(track.refused(), Some(Refused::Codec(Codec::Vp8)));
    assert_eq!(first_picture(&packets), Err(StillError::NoKeyFrame), "nothing in it is VP8");
}

#[test]
fn a_still_shows_the_key_frame_of_a_group() {
    let mut camera = Camera::new(Instant::now());
    let mut group = camera.shoot(&plain(RED, size(1280, 720)), true);
    group.extend(camera.shoot(&plain(BLUE, size(1280, 720)), false));
    let picture = first_picture(&group).unwrap();
    assert!(is_near(picture.colour(100, 100), RED));
    let bytes = jpeg(&picture).unwrap();
    let decoded = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).unwrap();
    let decoded = decoded.to_rgb8();
    assert_eq!(decoded.dimensions(), (960, 540));
    let image::Rgb([red, green, blue]) = *decoded.get_pixel(480, 270);
    let near = |a: u8, b: u8| a.abs_diff(b) < 12;
    assert!(near(red, RED.0) && near(green, RED.1) && near(blue, RED.2), "{red} {green} {blue}");

    assert_eq!(first_picture(&[]), Err(StillError::NoKeyFrame));
    let without = &group[group.len() - 1..];
    assert_eq!(first_picture(without), Err(StillError::NoKeyFrame));
}

#[test]
fn a_key_frame_with_a_hole_is_no_still() {
    let mut camera = Camera::new(Instant::now());
    let mut noise = plain(RED, size(640, 360));
    let mut state = 1u32;
    for luma in &mut noise.y {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *luma = (state >> 24) as u8;
    }
    let mut group = camera.shoot(&noise, true);
    assert!(group.len() > 6, "it is in fragments");
    group.remove(4);
    assert_eq!(first_picture(&group), Err(StillError::NoKeyFrame));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    /// Whatever is changed in a stream, it is survived, and a key frame brings the picture back.
    #[test]
    fn damage_is_survived(
        hits in proptest::collection::vec((0..12usize, 1..400usize, proptest::prelude::any::<u8>()), 1..12),
    ) {
        let start = Instant::now();
        let (mut camera, mut track) = (Camera::new(start), PictureTrack::default());
        let mut packets = Vec::new();
        for number in 0..6 {
            let colour = if number % 2 == 0 { RED } else { BLUE };
            packets.extend(camera.shoot(&plain(colour, size(64, 48)), number == 0));
        }
        let count = packets.len();
        for (packet, at, value) in hits {
            let packet = &mut packets[packet % count];
            let mut bytes = packet.payload.to_vec();
            let length = bytes.len();
            bytes[at % length] ^= value;
            packet.inspection = inspect(Codec::H264, &bytes);
            packet.payload = bytes.into();
        }
        all(&mut track, &packets);
        let _ = first_picture(&packets);
        let mut last = Vec::new();
        for _ in 0..3 {
            last = all(&mut track, &camera.shoot(&plain(BLUE, size(64, 48)), true));
        }
        let shown = last.last().map(|seen| is_near(seen.planes.colour(32, 24), BLUE));
        proptest::prop_assert_eq!(shown, Some(true));
    }
}
