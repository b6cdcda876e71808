//! VP9 and AV1 of real encoders into a file, and out of it again.

use std::path::Path;
use std::process::Command;

use shiguredo_mp4::boxes::SampleEntry;

use super::*;
use crate::coded::Coding;
use crate::coded::tests::clips::{AV1, Payloads, VP8, VP9, lowest_of_two};
use crate::recording::config::{Config, config_of};

const CODECS: [Codec; 2] = [Codec::Vp9, Codec::Av1];
/// Frames of a clip, and those from one key frame to the next.
const LOOP: u32 = 10;
const GROUP: u32 = 5;
/// Descriptors of a frame of VP9 in one packet, of a key frame and of another one.
const VP9_KEY: u8 = 0x0c;
const VP9_INTER: u8 = 0x4c;

/// The frames of an IVF file as a file has them: of AV1 without temporal delimiters.
fn samples(codec: Codec, ivf: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &ivf[32..];
    let mut samples = Vec::new();
    while let Some((head, tail)) = rest.split_at_checked(12) {
        let (frame, next) =
            tail.split_at(u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize);
        let delimiter = if codec == Codec::Av1 { 2 } else { 0 };
        samples.push(frame[delimiter..].to_vec());
        rest = next;
    }
    samples
}

/// A publisher beside the one of H.264.
struct Coded {
    world: World,
    codec: Codec,
    frames: Vec<Payloads>,
    samples: Vec<Vec<u8>>,
}

impl Coded {
    fn new(codec: Codec) -> Self {
        let clip = if codec == Codec::Vp9 { VP9 } else { AV1 };
        let (frames, samples) = (clip.frames(), samples(codec, clip.ivf));
        assert_eq!((frames.len(), samples.len()), (LOOP as usize, LOOP as usize));
        Self { world: World::new(), codec, frames, samples }
    }

    /// The packets of a frame that is shown as the `shown`th.
    fn packets(&mut self, shown: u32, payloads: &[(bool, Vec<u8>)]) -> Vec<Packet> {
        let captured = self.world.at(u64::from(shown) * 40);
        let (codec, timestamp) = (self.codec, self.world.wall.media(captured));
        let packets = payloads.iter().map(|(marker, payload)| {
            self.world.seq += 1;
            Packet {
                codec,
                layer: 0,
                seq: self.world.seq,
                timestamp,
                marker: *marker,
                inspection: inspect(codec, payload),
                payload: payload.as_slice().into(),
                captured,
            }
        });
        packets.collect()
    }

    /// The same of the clip's `n`th frame, which is sent over and over.
    fn frame(&mut self, n: u32) -> Vec<Packet> {
        let payloads = self.frames[(n % LOOP) as usize].clone();
        self.packets(n, &payloads)
    }

    /// Frames of the clip, with their sound.
    fn run(&mut self, frames: std::ops::Range<u32>) {
        for n in frames {
            let packets = self.frame(n);
            self.world.push(u64::from(n) * 40, &packets);
            for sound in [n * 2, n * 2 + 1] {
                let packet = self.world.sound(sound);
                self.world.push(u64::from(sound) * 20 + 1, &[packet]);
            }
        }
    }

    /// A frame of which the payload is told.
    fn send(&mut self, shown: u32, payload: &[u8]) {
        let packets = self.packets(shown, &[(true, payload.to_vec())]);
        self.world.push(u64::from(shown) * 40, &packets);
    }

    /// Each frame that was kept, by its number.
    fn kept(&self) -> Vec<(u32, bool, Vec<u8>)> {
        let start = Ticks::of(&self.world.wall, self.world.start);
        let frames = self.world.fragments.iter().flat_map(|fragment| &fragment.frames);
        let number = |at: Ticks| u32::try_from((at.0 - start.0 + 1_800) / 3_600).unwrap();
        frames.map(|frame| (number(frame.at), frame.key, frame.data.copied())).collect()
    }

    /// The finished file.
    fn ended(&mut self) -> (Vec<u8>, Summary) {
        self.world.end();
        ended(self.world.file().0)
    }
}

/// The uncompressed header of a key frame of VP9, up to its size.
fn vp9_key(profile: u8, width: u32, height: u32) -> Vec<u8> {
    let low_high = |profile: u8| format!("{}{}", profile & 1, profile >> 1);
    let depth = if profile == 2 { "0" } else { "" };
    // frame_marker, profile, key, shown; sync code; depth, BT.709 of studio range.
    let bits = format!(
        "10{}0010010010011000001101000010{depth}0100{:016b}{:016b}",
        low_high(profile),
        width - 1,
        height - 1
    );
    let byte = |bits: &[u8]| {
        let bits = format!("{:0<8}", std::str::from_utf8(bits).unwrap());
        u8::from_str_radix(&bits, 2).unwrap()
    };
    bits.as_bytes().chunks(8).map(byte).collect()
}

/// A sequence header of libaom without a size, of a level and of a picture that is 64 high and as wide as
/// told; and a key frame behind it.
fn av1_key(level: u8, width: u8) -> Vec<u8> {
    let body = [
        0x08,
        0x00,
        0x00,
        0x00,
        level << 3 | 0x02,
        0xa8 | (width - 1) >> 3,
        (width - 1) << 5 | 0x1f,
        0x9b,
        0x5f,
        0x22,
        0x02,
        0x02,
        0x02,
        0x08,
    ];
    [&[0x28, 14][..], &body, &[0x30, 0x10, 7, 7]].concat()
}

/// What ffprobe and ffmpeg find in a file: its codec and size, and how many frames are decoded. They
/// make no error of any.
fn probed(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recorded.mp4");
    std::fs::write(&path, bytes).unwrap();
    let run = |program: &str, before: &[&str], path: &Path, after: &[&str]| {
        let ran = Command::new(program).args(before).arg(path).args(after).output();
        let ran = ran.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success() && said.is_empty(), "{program}: {said}");
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    };
    run("ffmpeg", &["-nostdin", "-v", "error", "-xerror", "-i"], &path, &["-f", "null", "-"]);
    let entries = "stream=codec_name,width,height,nb_read_frames";
    let asked = ["-v", "error", "-count_frames", "-select_streams", "v", "-show_entries", entries];
    run("ffprobe", &[&asked[..], &["-of", "csv=p=0"]].concat(), &path, &[])
}

/// What the ended file says its picture is.
fn entry_of(bytes: &[u8]) -> SampleEntry {
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: bytes });
    loop {
        let sample = demuxer.next_sample().unwrap().unwrap();
        if sample.track.kind == TrackKind::Video {
            return sample.sample_entry.cloned().unwrap();
        }
    }
}

#[test]
fn every_frame_is_found_again_at_its_time_and_the_sound_beside_it() {
    for codec in CODECS {
        let mut coded = Coded::new(codec);
        coded.run(0..60);
        let (bytes, summary) = coded.ended();
        assert!(coded.world.fragments.iter().all(|one| one.format().codec() == codec));
        assert_eq!(coded.world.recorder.counted(), Counted { frames: 60, left_out: 0 });
        assert_eq!((summary.codec, summary.frames, summary.duration_ms), (codec, 60, 2_400));
        assert_eq!((summary.size.width, summary.size.height), (64, 64));
        let found = read(&bytes);
        assert_eq!((found.pictures.len(), found.sounds.len()), (60, 120));
        for (n, (at, key, data)) in (0..).zip(&found.pictures) {
            assert_eq!((*at, *key), (i64::from(n) * 1000, n % GROUP == 0), "{codec:?} {n}");
            assert!(*data == coded.samples[(n % LOOP) as usize], "{codec:?} {n}");
        }
        let name = if codec == Codec::Vp9 { "vp9" } else { "av1" };
        assert_eq!(probed(&bytes), format!("{name},64,64,60"));
    }
}

#[test]
fn the_file_says_what_its_pictures_are() {
    let mut vp9 = Coded::new(Codec::Vp9);
    vp9.run(0..10);
    let SampleEntry::Vp09(entry) = entry_of(&vp9.ended().0) else { panic!("no vp09") };
    let said = entry.vpcc_box;
    assert_eq!((said.profile, said.level, said.bit_depth.get()), (0, 10, 8));
    assert_eq!((said.chroma_subsampling.get(), said.video_full_range_flag.get()), (1, 0));
    let colours = (said.colour_primaries, said.transfer_characteristics, said.matrix_coefficients);
    assert_eq!(colours, (2, 2, 1));

    let mut av1 = Coded::new(Codec::Av1);
    av1.run(0..10);
    let bytes = av1.ended().0;
    assert!(bytes[..64].windows(4).any(|four| four == b"av01"), "it is among the brands");
    let SampleEntry::Av01(entry) = entry_of(&bytes) else { panic!("no av01") };
    let said = entry.av1c_box;
    assert!(av1.samples[0].starts_with(&said.config_obus) && said.config_obus[0] == 0x0a);
    assert_eq!((said.seq_profile.get(), said.seq_level_idx_0.get()), (0, 0));
    assert_eq!((said.high_bitdepth.get(), said.monochrome.get()), (0, 0));
    assert_eq!((said.chroma_subsampling_x.get(), said.chroma_subsampling_y.get()), (1, 1));
}

#[test]
fn what_is_cut_off_anywhere_is_whole_up_to_its_last_fragment() {
    for codec in CODECS {
        let mut coded = Coded::new(codec);
        coded.run(0..40);
        coded.world.end();
        let (bytes, ends) = coded.world.file();
        for length in (0..bytes.len()).step_by(97).chain(ends.iter().copied()) {
            let whole = ends.iter().skip(1).filter(|end| **end <= length).count();
            let kept = &coded.world.fragments[..whole];
            let frames: usize = kept.iter().map(|one| one.frames.len()).sum();
            match conclude(&mut Cursor::new(&bytes[..length])) {
                Ok(found) => assert_eq!(found.summary.frames, frames as u64, "{codec:?} {length}"),
                Err(ConcludeError::Empty) => assert_eq!(frames, 0, "{codec:?} {length}"),
                Err(error) => panic!("{codec:?} {length}: {error}"),
            }
        }
        // What a player makes of it, and of the file before it was ended.
        let torn = bytes[..ends[4] + 50].to_vec();
        let frames: usize = coded.world.fragments[..4].iter().map(|one| one.frames.len()).sum();
        let (once, _) = ended(torn);
        assert!(probed(&once).ends_with(&format!(",64,64,{frames}")));
        assert_eq!(ended(once.clone()).0, once, "and ended again the same");
        assert!(probed(&bytes).ends_with(",64,64,40"));
    }
}

/// Where it says that there is another, decoders with several threads hold pictures back for that one,
/// and show one of ten.
#[test]
fn the_lowest_of_two_layers_of_av1_is_a_stream_of_its_own() {
    let mut av1 = Coded::new(Codec::Av1);
    for (_, payload) in av1.frames.iter_mut().flatten() {
        *payload = lowest_of_two(payload);
    }
    av1.run(0..20);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recorded.mp4");
    std::fs::write(&path, av1.ended().0).unwrap();
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-threads", "4", "-i"])
        .arg(&path)
        .args(["-map", "0:v", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p"])
        .args(["-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert_eq!(decoded.stdout.len(), 20 * 64 * 64 * 3 / 2);
}

#[test]
fn after_a_loss_it_goes_on_with_the_next_key_frame() {
    for codec in CODECS {
        let mut coded = Coded::new(codec);
        coded.run(0..7);
        let lost = coded.frame(7);
        coded.world.push(280, &lost[1..]);
        // What is missing is waited for no longer.
        coded.run(8..30);
        coded.world.end();
        let numbers: Vec<u32> = coded.kept().iter().map(|frame| frame.0).collect();
        assert_eq!(numbers, (0..7).chain(10..30).collect::<Vec<u32>>(), "{codec:?}");
        let (bytes, summary) = coded.ended();
        assert_eq!(summary.frames, 30, "the frame before it is shown for longer");
        assert!(probed(&bytes).ends_with(",64,64,27"));
    }
}

#[test]
fn another_size_goes_on_in_the_same_file() {
    let mut vp9 = Coded::new(Codec::Vp9);
    vp9.run(0..10);
    vp9.world.recorder.publish();
    for (n, (width, height)) in [(10, (1920, 1080)), (15, (1280, 720))] {
        vp9.send(n, &[&[VP9_KEY][..], &vp9_key(0, width, height)].concat());
        (n + 1..n + 5).for_each(|n| vp9.send(n, &[VP9_INTER, 0x86, 0]));
    }
    let (bytes, summary) = vp9.ended();
    assert_eq!((summary.size.width, summary.size.height, summary.frames), (1920, 1080, 20));
    let SampleEntry::Vp09(entry) = entry_of(&bytes) else { panic!("no vp09") };
    assert_eq!((entry.visual.width, entry.visual.height), (1920, 1080));
    assert_eq!((entry.vpcc_box.level, read(&bytes).pictures.len()), (40, 20));

    let mut av1 = Coded::new(Codec::Av1);
    for (n, (level, width)) in [(0, (4, 62)), (1, (7, 64)), (2, (2, 63))] {
        av1.send(n, &av1_key(level, width));
    }
    let (bytes, summary) = av1.ended();
    assert_eq!((summary.size.width, summary.size.height, summary.frames), (64, 64, 3));
    let SampleEntry::Av01(entry) = entry_of(&bytes) else { panic!("no av01") };
    let said = entry.av1c_box;
    assert_eq!((entry.visual.width, said.seq_level_idx_0.get()), (64, 7), "of all of them");
    assert!(said.config_obus.is_empty(), "their sequence headers are in between");
}

#[test]
fn another_profile_is_another_format() {
    let mut vp9 = Coded::new(Codec::Vp9);
    vp9.run(0..5);
    let before = vp9.world.recorder.format().unwrap();
    for n in 5..8 {
        vp9.send(n, &[&[VP9_KEY][..], &vp9_key(2, 64, 64)].concat());
    }
    let after = vp9.world.recorder.format().unwrap();
    assert_eq!(before.to_string(), "VP9 (profile 0, 8 bits)");
    assert_eq!(after.to_string(), "VP9 (profile 2, 10 bits)");
    vp9.world.end();
    for fragment in &vp9.world.fragments {
        let number = fragment.frames.len();
        assert_eq!(fragment.format() == after, number == 1, "none has both");
    }
}

#[test]
fn a_source_that_goes_on_in_another_codec_goes_on_in_fragments_of_its_own() {
    let mut coded = Coded::new(Codec::Vp9);
    coded.world.run(0..10, &SPS_720P);
    assert_eq!(coded.world.recorder.format().unwrap().to_string(), "H264");
    coded.run(11..18); // the first four need the key frame before them
    let av1 = Coded::new(Codec::Av1);
    (coded.codec, coded.frames) = (av1.codec, av1.frames);
    assert_eq!(coded.world.recorder.refused(), None);
    coded.run(20..25);
    coded.world.run(25..30, &SPS_720P);
    coded.world.end();
    let of = |codec: Codec| {
        let its = coded.world.fragments.iter().filter(move |one| one.format().codec() == codec);
        its.map(|one| one.frames.len()).sum::<usize>()
    };
    assert_eq!([Codec::H264, Codec::Vp9, Codec::Av1].map(of), [15, 3, 5]);
}

#[test]
fn vp8_is_refused_in_words_and_what_comes_after_it_is_not() {
    let mut coded = Coded::new(Codec::Vp9);
    coded.codec = Codec::Vp8;
    let frame = VP8.frames().remove(0);
    let packets = coded.packets(0, &frame);
    coded.world.push(0, &packets);
    let recorder = &coded.world.recorder;
    assert_eq!((recorder.refused(), recorder.format()), (Some(Codec::Vp8), None));
    coded.codec = Codec::Vp9;
    let first = coded.frame(0);
    coded.world.push(40, &first[..1]);
    let recorder = &coded.world.recorder;
    assert_eq!((recorder.refused(), recorder.format()), (None, None), "it is not known yet");
    coded.world.push(40, &first[1..]);
    coded.run(1..5);
    coded.world.end();
    assert_eq!(coded.kept().len(), 5);
}

#[test]
fn a_sample_tells_its_codec() {
    let codec = |sample: &[u8]| config_of(sample).map(|config| config.format().codec());
    let vp9 = samples(Codec::Vp9, VP9.ivf);
    let av1 = samples(Codec::Av1, AV1.ivf);
    for n in 0..LOOP as usize {
        let key = n.is_multiple_of(GROUP as usize);
        assert_eq!(codec(&vp9[n]), key.then_some(Codec::Vp9));
        assert_eq!(codec(&av1[n]), key.then_some(Codec::Av1));
        // Remarks may stand before the sequence header, with an extension too.
        let remarked = [&[0x2a, 2, 1, 2, 0x2e, 0, 1, 9][..], &av1[n]].concat();
        assert_eq!(codec(&remarked), key.then_some(Codec::Av1));
    }
    // All profiles of VP9, of which the fourth has a reserved bit.
    for first in [0x82, 0xa2, 0x92, 0xb1] {
        assert_eq!(codec(&[first, 0x86, 0]), None, "no key frame");
    }
    assert_eq!(codec(&vp9_key(2, 4096, 2160)), Some(Codec::Vp9));
    let length = |unit: &[u8]| (unit.len() as u32).to_be_bytes();
    let units = [&SPS_720P[..], &PPS, &[0x65, 0x88, 1]];
    let avc: Vec<u8> = units.iter().flat_map(|unit| [&length(unit)[..], unit].concat()).collect();
    assert_eq!(codec(&avc), Some(Codec::H264));
    let large = [vec![0, 0xff, 0xff, 0xff, 0x65], vec![7; 2_043]].concat();
    assert_eq!(codec(&[&avc[..], &large].concat()), Some(Codec::H264), "its slice is cut off");
    for nothing in [&[][..], &[0], &large, &[0x0a], &[0x0a, 0x7f, 0, 0], &[0xff; 20], &[0x30, 0x10]]
    {
        assert_eq!(codec(nothing), None, "{nothing:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is lost and comes in another order: what is kept is whole, and can be decoded.
    #[test]
    fn what_is_kept_is_whole(
        of_av1 in any::<bool>(),
        lost in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        swaps in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let mut coded = Coded::new(CODECS[usize::from(of_av1)]);
        let mut all: Vec<Packet> = (0..40).flat_map(|n| coded.frame(n)).collect();
        for swap in swaps {
            let at = 1 + swap.index(all.len() - 2);
            all.swap(at, at + 1);
        }
        for index in lost {
            all.remove(1 + index.index(all.len() - 1));
        }
        for packet in all {
            let at = packet.captured.saturating_duration_since(coded.world.start).as_millis();
            coded.world.push(at as u64, &[packet]);
        }
        // All that is missing is given up.
        coded.world.recorder.tick(coded.world.at(10_000));
        coded.world.end();
        let mut before = None;
        for (n, key, data) in coded.kept() {
            prop_assert_eq!(&data, &coded.samples[(n % LOOP) as usize]);
            prop_assert_eq!(key, n.is_multiple_of(GROUP));
            prop_assert!(key || before == Some(n - 1), "{:?} {}", before, n);
            before = Some(n);
        }
        let kept = coded.kept().len();
        if kept > 0 {
            let (bytes, _) = coded.ended();
            prop_assert_eq!(read(&bytes).pictures.len(), kept);
        }
    }

    /// Nothing that a packet says breaks it.
    #[test]
    fn no_packet_of_them_is_too_strange(
        of_av1 in any::<bool>(),
        packets in proptest::collection::vec(
            (0..40u64, 0..4u32, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)),
            0..60,
        ),
    ) {
        let mut coded = Coded::new(CODECS[usize::from(of_av1)]);
        coded.run(0..1);
        let first = coded.world.seq;
        for (seq, frame, marker, payload) in packets {
            let mut packet = coded.packets(frame, &[(marker, payload)]).remove(0);
            packet.seq = first + 1 + seq;
            coded.world.push(frame.into(), &[packet]);
        }
        let (bytes, _) = coded.ended();
        prop_assert!(!read(&bytes).pictures.is_empty());
    }

    /// Nothing that a sample says breaks it, and what is said is of one codec.
    #[test]
    fn no_sample_is_too_strange(sample in proptest::collection::vec(any::<u8>(), 0..80)) {
        match config_of(&sample) {
            Some(Config::Sets(_)) => prop_assert_eq!(sample[0], 0),
            Some(Config::Head(head)) => {
                prop_assert_eq!(sample[0] >> 7 == 1, head.coding() == Coding::Vp9);
            }
            Some(Config::Awaited(_)) => prop_assert!(false, "it is no key frame"),
            None => {}
        }
    }
}
