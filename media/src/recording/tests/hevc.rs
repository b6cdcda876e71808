//! H.265 into a file, and out of it again.

use super::*;
use crate::feed::h265::Packetiser;
use shiguredo_mp4::boxes::SampleEntry;

const VPS: [u8; 6] = [0x40, 1, 0x0c, 1, 0xff, 0xff];
/// x265, Main, 1280x720, and x265, Main 10, 1920x1080.
const SMALL: [u8; 41] = [
    0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
    0x00, 0x5d, 0xa0, 0x02, 0x80, 0x80, 0x2d, 0x16, 0x5b, 0xa4, 0xa4, 0xc2, 0xf0, 0x16, 0x80, 0x80,
    0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x0c, 0x84,
];
const LARGE: [u8; 45] = [
    0x42, 0x01, 0x01, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
    0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80, 0x11, 0x07, 0xca, 0xd9, 0x65, 0x65, 0x4a, 0x4c, 0x2f, 0x01,
    0x68, 0x08, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x40,
];
const PPS: [u8; 4] = [0x44, 1, 0xc0, 0x73];
/// Kinds of pictures: one that others go on from, an open beginning, what comes before that on the
/// screen and needs more, and a closed beginning.
const TRAIL: u8 = 1;
const RASL: u8 = 9;
const CRA: u8 = 21;
const IDR: u8 = 19;

/// A publisher of H.265 beside the one of H.264.
struct Hevc {
    world: World,
    packetiser: Packetiser,
    sps: &'static [u8],
    /// How many pictures were sent.
    count: u64,
}

impl Hevc {
    fn new() -> Self {
        Self { world: World::new(), packetiser: Packetiser::default(), sps: &SMALL, count: 0 }
    }

    fn slice(kind: u8, shown: u32, size: usize) -> Vec<u8> {
        let number = shown.to_be_bytes().map(|byte| byte | 0x80);
        [kind << 1, 1].into_iter().chain(number).chain(vec![7; size]).collect()
    }

    /// The packets of a picture that is shown as the `shown`th.
    fn packets(&mut self, kind: u8, shown: u32, size: usize) -> Vec<Packet> {
        let slice = Self::slice(kind, shown, size);
        let sets = [&VPS[..], self.sps, &PPS];
        let units = if kind >= 16 { sets.to_vec() } else { Vec::new() };
        let units = units.into_iter().chain([&slice[..]]);
        let bytes: Vec<u8> = units.flat_map(|unit| [&[0, 0, 0, 1], unit].concat()).collect();
        let payloads = self.packetiser.frame(&bytes);
        let last = payloads.len() - 1;
        let timestamp = self.world.wall.media(self.world.at(u64::from(shown) * 40));
        let packets = payloads.into_iter().enumerate().map(|(index, payload)| {
            self.world.seq += 1;
            Packet {
                codec: Codec::H265,
                layer: 0,
                seq: self.world.seq,
                timestamp,
                marker: index == last,
                inspection: inspect(Codec::H265, &payload),
                payload,
                captured: self.world.at(u64::from(shown) * 40),
            }
        });
        packets.collect()
    }

    fn send(&mut self, pictures: &[(u8, u32)]) {
        for (kind, shown) in pictures {
            let packets = self.packets(*kind, *shown, 2_000);
            self.count += 1;
            self.world.push(self.count * 40, &packets);
        }
    }

    /// The numbers of the pictures that the ended file shows, by their places.
    fn shown(&mut self) -> Vec<(i64, u32)> {
        self.world.end();
        shown_by(self.world.file().0)
    }
}

/// The numbers of the pictures that a file shows when it has ended, by their places.
fn shown_by(bytes: Vec<u8>) -> Vec<(i64, u32)> {
    let (bytes, summary) = ended(bytes);
    let mut pictures: Vec<(i64, u32)> = read(&bytes)
        .pictures
        .iter()
        .map(|(at, _, data)| {
            let slice = slice_of(data);
            let number = [slice[2], slice[3], slice[4], slice[5]].map(|byte| byte & 0x7f);
            (at / 1000, u32::from_be_bytes(number))
        })
        .collect();
    pictures.sort_unstable();
    assert_eq!(pictures.last().map(|last| last.0 as u64 + 1), Some(summary.frames));
    pictures
}

/// What the ended file says its picture is.
fn entry_of(bytes: &[u8]) -> SampleEntry {
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: bytes });
    let mut entry = None;
    while let Some(sample) = demuxer.next_sample().unwrap() {
        if sample.track.kind == TrackKind::Video && entry.is_none() {
            entry = sample.sample_entry.cloned();
        }
    }
    entry.unwrap()
}

#[test]
fn its_pictures_are_found_again_and_the_file_says_what_they_are() {
    let mut hevc = Hevc::new();
    let kind = |n: u32| if n.is_multiple_of(25) { IDR } else { TRAIL };
    hevc.send(&(0..60).map(|n| (kind(n), n)).collect::<Vec<_>>());
    assert!(hevc.world.fragments.iter().all(|one| one.format().codec() == Codec::H265));
    let every: Vec<(i64, u32)> = (0..60).map(|n| (n.into(), n)).collect();
    assert_eq!(hevc.shown(), every);
    let (bytes, summary) = ended(hevc.world.file().0);
    assert_eq!((summary.size.width, summary.size.height, summary.frames), (1280, 720, 60));
    let SampleEntry::Hvc1(entry) = entry_of(&bytes) else { panic!("one that is told once") };
    let sets: Vec<_> = entry.hvcc_box.nalu_arrays.iter().flat_map(|array| &array.nalus).collect();
    assert_eq!(sets, [&VPS[..], &SMALL, &PPS]);
    let said = entry.hvcc_box;
    assert_eq!((said.general_profile_idc.get(), said.general_level_idc), (1, 93));
    assert_eq!((said.chroma_format_idc.get(), said.bit_depth_luma_minus8.get()), (1, 0));
}

#[test]
fn another_size_of_it_goes_on_in_the_same_file() {
    let mut hevc = Hevc::new();
    hevc.send(&[(IDR, 0), (TRAIL, 1), (TRAIL, 2)]);
    hevc.sps = &LARGE;
    hevc.send(&[(IDR, 3), (TRAIL, 4)]);
    assert_eq!(hevc.shown().len(), 5);
    let (bytes, summary) = ended(hevc.world.file().0);
    assert_eq!((summary.size.width, summary.size.height), (1920, 1080));
    assert!(matches!(entry_of(&bytes), SampleEntry::Hev1(_)), "sets are in between");
}

#[test]
fn what_needs_frames_that_are_missing_is_left_out() {
    let mut hevc = Hevc::new();
    hevc.send(&[(CRA, 2), (RASL, 0), (RASL, 1), (TRAIL, 3)]);
    // Nothing is missing here: these are as good as any.
    hevc.send(&[(CRA, 6), (RASL, 4), (RASL, 5), (TRAIL, 7)]);
    let lost = hevc.packets(TRAIL, 8, 9_000);
    hevc.world.push(400, &lost[1..]);
    hevc.count = 60; // what is missing is waited for no longer
    hevc.send(&[(CRA, 11), (RASL, 9), (RASL, 10), (TRAIL, 12), (CRA, 15), (RASL, 13), (RASL, 14)]);
    let numbers: Vec<u32> = hevc.shown().iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15]);
    assert_eq!(hevc.world.recorder.counted().left_out, 1 + 4);
}

#[test]
fn a_file_that_begins_in_the_midst_of_it_shows_nothing_before_its_first_key_frame() {
    let mut hevc = Hevc::new();
    hevc.send(&[(IDR, 0), (TRAIL, 1), (CRA, 4), (RASL, 2), (RASL, 3), (TRAIL, 5), (TRAIL, 6)]);
    hevc.world.end();
    // As a recording does that begins with the last key frame.
    let key = |fragment: &Fragment| fragment.frames[0].at.0;
    let from = key(&hevc.world.fragments[0]) + 3 * 3_600;
    hevc.world.fragments.retain(|fragment| key(fragment) >= from);
    let (bytes, summary) = ended(hevc.world.file().0);
    assert_eq!(summary.frames, 3);
    assert!((summary.start_ms - START_MS as i64 - 160).abs() <= 1, "to a tick");
    let found = read(&bytes);
    let times: Vec<i64> = found.pictures.iter().map(|one| one.0).collect();
    assert_eq!(times, [0, 1000, 2000]);
    assert_eq!(ended(bytes.clone()).0, bytes, "and ended again the same");
}

/// Groups with two frames that are shown before the one that is sent first, from a picture of this
/// number on; the first frame of each is an open beginning.
fn groups(numbers: std::ops::Range<u32>) -> Vec<(u8, u32)> {
    let first = [(IDR, 0), (TRAIL, 2), (TRAIL, 1)];
    let group = |n: u32| [(CRA, n + 4), (RASL, n + 2), (RASL, n + 1), (RASL, n + 3)];
    first.into_iter().chain(numbers.flat_map(|n| group(2 + n * 4))).collect()
}

#[test]
fn a_file_that_ends_within_a_group_ends_before_it() {
    let sent = groups(0..4);
    for count in 3..=sent.len() {
        let mut hevc = Hevc::new();
        hevc.send(&sent[..count]);
        let whole = (count as u32 - 3) / 4 * 4 + 3;
        let every: Vec<(i64, u32)> = (0..whole).map(|n| (n.into(), n)).collect();
        assert_eq!(hevc.shown(), every, "of {count}");
        let bytes = ended(hevc.world.file().0).0;
        assert_eq!(ended(bytes.clone()).0, bytes, "and ended again the same");
    }
}

#[test]
fn a_file_of_a_server_that_died_within_a_group_ends_before_it() {
    let mut hevc = Hevc::new();
    for (number, picture) in groups(0..6).into_iter().enumerate() {
        hevc.send(&[picture]);
        if number % 3 == 1 {
            // What has come is written down, in the midst of a group mostly.
            hevc.world.end();
        }
    }
    let (bytes, ends) = hevc.world.file();
    let mut torn = 0;
    for (fragments, end) in ends.iter().enumerate().skip(1) {
        let frames: usize = hevc.world.fragments[..fragments].iter().map(|f| f.frames.len()).sum();
        if frames < 3 {
            continue;
        }
        let whole = (frames as u32 - 3) / 4 * 4 + 3;
        torn += u32::from(whole as usize != frames);
        let every: Vec<(i64, u32)> = (0..whole).map(|n| (n.into(), n)).collect();
        // A part of the next fragment was written.
        let written = (end + 50).min(bytes.len());
        assert_eq!(shown_by(bytes[..written].to_vec()), every, "of {frames}");
    }
    assert!(torn > 3, "{torn}");
}

#[test]
fn a_source_that_goes_on_in_another_codec_goes_on_in_fragments_of_its_own() {
    let mut hevc = Hevc::new();
    hevc.world.run(0..30, &SPS_720P);
    hevc.count = 30;
    hevc.send(&[(TRAIL, 30), (IDR, 31), (TRAIL, 32)]);
    hevc.world.run(33..60, &SPS_720P);
    hevc.world.end();
    let codecs: Vec<Codec> = hevc.world.fragments.iter().map(|one| one.format().codec()).collect();
    let pictures = |codec: Codec| {
        let its = hevc.world.fragments.iter().filter(move |one| one.format().codec() == codec);
        its.map(|one| one.frames.len()).sum::<usize>()
    };
    assert_eq!((pictures(Codec::H264), pictures(Codec::H265)), (57, 2), "{codecs:?}");
    let first =
        hevc.world.fragments.iter().find(|one| one.format().codec() == Codec::H265).unwrap();
    assert!(first.begins());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Nothing that a packet says breaks it.
    #[test]
    fn no_packet_of_it_is_too_strange(
        packets in proptest::collection::vec(
            (0..40u64, 0..4u32, any::<bool>(), proptest::collection::vec(0..130u8, 0..40)),
            0..60,
        ),
    ) {
        let mut hevc = Hevc::new();
        hevc.send(&[(IDR, 0)]);
        let (start, first) = (hevc.world.start, hevc.world.seq);
        for (seq, frame, marker, payload) in packets {
            let packet = Packet {
                codec: Codec::H265,
                layer: 0,
                seq: first + 1 + seq,
                timestamp: hevc.world.wall.media(start).wrapping_add(frame * 3_600),
                marker,
                inspection: inspect(Codec::H265, &payload),
                payload: payload.into(),
                captured: start,
            };
            hevc.world.push(frame.into(), &[packet]);
        }
        hevc.world.end();
        let (bytes, _) = ended(hevc.world.file().0);
        prop_assert!(!read(&bytes).pictures.is_empty());
    }
}
