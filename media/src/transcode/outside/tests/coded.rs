//! VP8, VP9 and AV1 likewise.

use super::*;
use crate::coded::tests::clips::{AV1, Clip, VP8, VP9, frames_of};
use crate::rtp::inspect;

/// A source and what the program is handed of it.
struct Handing {
    track: OutsideTrack,
    now: Instant,
    handed: Vec<Handed>,
}

impl Handing {
    fn new() -> Self {
        Self { track: OutsideTrack::default(), now: Instant::now(), handed: Vec::new() }
    }

    /// A frame comes, without the packets of some numbers.
    fn frame(&mut self, clip: Clip, number: u64, is_lost: impl Fn(usize) -> bool) {
        self.now += FRAME;
        for (index, packet) in clip.shoot(number, self.now).into_iter().enumerate() {
            if !is_lost(index) {
                let steps = self.track.packet(self.now, &packet).unwrap();
                self.handed.extend(steps.into_iter().map(Handed::of));
            }
        }
    }

    /// The numbers of the frames that were handed over.
    fn numbers(&self) -> Vec<i64> {
        self.handed.iter().map(|handed| (handed.time - EPOCH) / 3_600).collect()
    }
}

/// The frames as the encoder made them, those of AV1 without what only delimits them.
fn encoded(clip: Clip) -> Vec<&'static [u8]> {
    let frames = frames_of(clip.ivf).into_iter();
    frames.map(|frame| frame.strip_prefix(&[0x12, 0]).unwrap_or(frame)).collect()
}

#[test]
fn whole_frames_are_handed_over_from_a_key_frame_on() {
    for clip in [VP8, VP9, AV1] {
        let mut handing = Handing::new();
        for number in 2..20 {
            handing.frame(clip, number, |_| false);
        }
        assert_eq!(handing.numbers(), (5..20).collect::<Vec<_>>(), "{:?}", clip.coding);
        let began = (OutsideCodec::Coded(clip.coding), size(64, 64));
        assert_eq!(handing.handed[0].begins, Some(began));
        assert!(handing.handed[1..].iter().all(|handed| handed.begins.is_none()));
        let encoded = encoded(clip);
        for (number, handed) in (5..).zip(&handing.handed) {
            assert!(handed.data == encoded[number % 10], "{:?} {number}", clip.coding);
        }
        assert_eq!(handing.track.lost(), 3);
    }
}

#[test]
fn after_a_lost_packet_it_goes_on_with_a_key_frame() {
    for clip in [VP8, VP9, AV1] {
        let mut handing = Handing::new();
        for number in 0..40 {
            handing.frame(clip, number, |index| number == 6 && index == 0);
        }
        let numbers = handing.numbers();
        let gone: Vec<i64> =
            (0..numbers[numbers.len() - 1]).filter(|n| !numbers.contains(n)).collect();
        assert_eq!((gone[0], numbers[6] % 5), (6, 0), "{:?}: {numbers:?}", clip.coding);
        assert!(gone.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{gone:?}");
        assert!(!handing.track.waits());
    }
}

#[test]
fn another_codec_is_for_another_program() {
    let mut handing = Handing::new();
    handing.frame(VP8, 0, |_| false);
    handing.now += PAUSE;
    // Another publisher's numbers are placed behind those before.
    for number in 8..12 {
        handing.frame(AV1, number, |_| false);
    }
    assert_eq!(handing.numbers(), [0, 10, 11]);
    let began = (OutsideCodec::of(Codec::Av1).unwrap(), size(64, 64));
    assert_eq!(handing.handed[1].begins, Some(began));
}

/// A key frame of VP9 that is the lowest of two spatial layers (RFC 9628, 4.2): B, E, V and L, no
/// layer, and their sizes.
fn lowest_layer() -> Packet {
    let mut packet = VP9.shoot(0, Instant::now()).remove(0);
    let descriptor = [0x2e, 0, 0, 0x30, 0, 64, 0, 64, 0, 128, 0, 128];
    packet.payload = [&descriptor, encoded(VP9)[0]].concat().as_slice().into();
    packet.inspection = inspect(Codec::Vp9, &packet.payload);
    packet.marker = true;
    packet
}

#[test]
fn of_spatial_layers_the_lowest_is_decoded_in_its_own_size() {
    let packet = lowest_layer();
    assert_eq!(packet.inspection.size, Some(size(128, 128)), "the source says its largest");
    let (mut track, now) = (OutsideTrack::default(), packet.captured);
    let steps = track.packet(now, &packet).unwrap();
    let handed: Vec<Handed> = steps.into_iter().map(Handed::of).collect();
    let began = (OutsideCodec::of(Codec::Vp9).unwrap(), size(64, 64));
    assert_eq!((handed.len(), handed[0].begins), (1, Some(began)));
    track.shown(now, Shown { number: 0, time: Some(handed[0].time) }).unwrap();
    let seen = track.picture(now, plain(RED, size(64, 64))).unwrap();
    assert_eq!((seen.len(), track.lost()), (1, 0));
}

#[test]
fn pictures_have_the_size_that_their_frames_say() {
    let is_size = |codec, said, decoded| OutsideCodec::of(codec).unwrap().is_size(said, decoded);
    for codec in [Codec::H265, Codec::Vp8, Codec::Vp9, Codec::Av1] {
        assert!(is_size(codec, size(64, 48), size(64, 48)), "{codec:?}");
        assert!(is_size(codec, size(65, 49), size(64, 48)), "an odd one of {codec:?}");
        assert!(!is_size(codec, size(64, 48), size(64, 50)), "{codec:?}");
        let smaller = is_size(codec, size(64, 48), size(32, 24));
        assert_eq!(smaller, codec == Codec::Av1, "a lower layer's sequence says the highest's");
    }
}
