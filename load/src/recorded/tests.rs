//! Recordings that shiguredo_mp4 and ffmpeg write, read and played.

use std::num::NonZeroU32;
use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;
use shiguredo_mp4::boxes::{Co64Box, EdtsBox, ElstBox, ElstEntry, StscBox, StszBox, SttsBox};
use shiguredo_mp4::{Either, FixedPointNumber};

use self::maker::{Maker, OPUS, STEP, clip, unit};
use super::*;
use crate::h264::{self, DELIMITER, FILLER, FU_A, IDR, PPS, SPS};
use crate::source::{Content, HEADER, Unit, VIDEO_PACKET};

mod maker;

/// The NAL units in a picture's payloads, and how many packets of filler data are behind.
fn units(payloads: &[Vec<u8>]) -> (Vec<Vec<u8>>, usize) {
    let (mut units, mut filled): (Vec<Vec<u8>>, usize) = (Vec::new(), 0);
    for payload in payloads {
        assert!(payload.len() <= VIDEO_PACKET - HEADER);
        match payload[0] & 0x1f {
            FU_A if payload[1] & 0x80 != 0 => {
                units.push([&[payload[0] & 0xe0 | payload[1] & 0x1f], &payload[2..]].concat());
            }
            FU_A => units.last_mut().unwrap().extend_from_slice(&payload[2..]),
            FILLER => filled += 1,
            _ => units.push(payload.clone()),
        }
        assert!(filled == 0 || payload[0] & 0x1f == FILLER, "filler data comes last");
    }
    (units, filled)
}

fn kinds(picture: &Picture) -> Vec<u8> {
    units(&picture.payloads).0.iter().map(|unit| unit[0] & 0x1f).collect()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn units_come_back_with_parameter_sets_before_key_frames() {
    let recording = Recording::read(&clip().finish()).unwrap();
    assert_eq!(recording.profile(), ProfileLevel([0x42, 0xc0, 31]));
    assert_eq!(recording.counts(), (10, 16));
    assert_eq!(recording.lasts().as_micros(), 333_333);
    for (at, picture) in recording.pictures.iter().enumerate() {
        assert_eq!(picture.at.as_micros(), at as u128 * 1_000_000 / 30);
        let slice = unit(if picture.key { IDR } else { 1 }, 3_000);
        assert_eq!(units(&picture.payloads).0.last(), Some(&slice));
        match at {
            0 | 5 => assert_eq!(kinds(picture), [SPS, PPS, IDR, IDR]),
            _ => assert_eq!(kinds(picture), [1, 1]),
        }
    }
    let sounds: Vec<_> =
        recording.sounds.iter().map(|sound| (sound.at, sound.payload[1])).collect();
    assert_eq!(sounds, (0..16).map(|n| (ms(20 * u64::from(n)), n)).collect::<Vec<_>>());
}

#[test]
fn sets_in_the_samples_of_an_avc3_are_not_said_twice() {
    let mut maker = Maker::new();
    maker.sets = false;
    maker.picture(&[unit(DELIMITER, 2), h264::sps(), h264::pps(), unit(IDR, 50)], None);
    maker.picture(&[unit(DELIMITER, 2), unit(1, 50)], None);
    let mut file = maker.finish();
    let entry = file.windows(4).rposition(|bytes| bytes == b"avc1").unwrap();
    file[entry + 3] = b'3';
    let recording = Recording::read(&file).unwrap();
    assert_eq!(kinds(&recording.pictures[0]), [DELIMITER, SPS, PPS, IDR]);
    assert_eq!(kinds(&recording.pictures[1]), [DELIMITER, 1]);
    assert_eq!(recording.counts(), (2, 0));
}

#[test]
fn sets_come_behind_the_delimiter() {
    let mut maker = Maker::new();
    maker.picture(&[unit(DELIMITER, 2), unit(IDR, 50)], None);
    let recording = Recording::read(&maker.finish()).unwrap();
    assert_eq!(kinds(&recording.pictures[0]), [DELIMITER, SPS, PPS, IDR]);
}

#[test]
fn it_begins_with_a_key_frame_and_the_sound_from_there() {
    let mut maker = Maker::new();
    for kind in [1, 1, 1, IDR, 1, 1] {
        maker.picture(&[unit(kind, 50)], None);
    }
    // The table of key frames cannot say that there are none before.
    (0..10).for_each(|at| maker.sound(&[0xfc, at]));
    let recording = Recording::read(&maker.finish()).unwrap();
    // The picture of 100 ms is the first, and the last is over at 200 ms.
    assert_eq!((recording.counts(), recording.lasts()), ((3, 5), ms(100)));
    assert_eq!((recording.sounds[0].at, recording.sounds[0].payload[1]), (ms(0), 5));
}

#[test]
fn edit_lists_say_when_the_sound_begins() {
    let edited = |entries: &[(u64, i64)]| {
        let entry = |&(edit_duration, media_time): &(u64, i64)| ElstEntry {
            edit_duration,
            media_time,
            media_rate: FixedPointNumber::new(1, 0),
        };
        let entries = entries.iter().map(entry).collect();
        let file = clip().finish_with(|index| {
            index.mvhd_box.timescale = NonZeroU32::new(1_000).unwrap();
            let sound = index.trak_boxes.iter_mut().find(|trak| trak.tkhd_box.volume.integer > 0);
            sound.unwrap().edts_box =
                Some(EdtsBox { elst_box: Some(ElstBox { entries }), unknown_boxes: vec![] });
        });
        let recording = Recording::read(&file).unwrap();
        let sounds = recording.sounds;
        (sounds[0].at, sounds[0].payload[1], sounds.last().unwrap().payload[1])
    };
    // What of a packet is not within the pictures is left out.
    assert_eq!(edited(&[(320, 312)]), (Duration::from_micros(13_500), 1, 15));
    assert_eq!(edited(&[(50, -1), (320, 0)]), (ms(50), 0, 13));
}

#[test]
fn what_cannot_be_published_is_said_in_words() {
    let error = |file: &[u8]| Recording::read(file).unwrap_err();
    assert!(matches!(error(b""), RecordingError::NoIndex));
    assert!(matches!(error(b"no MP4, but something else"), RecordingError::NoIndex));
    let whole = clip().finish();
    assert!(matches!(error(&whole[..whole.len() - 10]), RecordingError::Index(_)));

    let mut sound = Maker::new();
    sound.sound(&[0xfc]);
    assert!(matches!(error(&sound.finish()), RecordingError::NoH264));

    let empty = clip().finish_with(|index| {
        for trak in &mut index.trak_boxes {
            let table = &mut trak.mdia_box.minf_box.stbl_box;
            table.stts_box = SttsBox { entries: vec![] };
            table.stsc_box = StscBox { entries: vec![] };
            table.stsz_box = StszBox::Variable { entry_sizes: vec![] };
            table.stco_or_co64_box = Either::B(Co64Box { chunk_offsets: vec![] });
            table.stss_box = None;
        }
    });
    assert!(matches!(error(&empty), RecordingError::Empty));
}

#[test]
fn pictures_that_cannot_be_sent_are_said_in_words() {
    let error = |maker: Maker| Recording::read(&maker.finish()).unwrap_err();
    let mut reordered = Maker::new();
    for (kind, offset) in [(IDR, 1), (1, 3), (1, 0), (1, 1)] {
        reordered.picture(&[unit(kind, 50)], Some(offset * i64::from(STEP)));
    }
    let reordered = error(reordered);
    assert!(matches!(reordered, RecordingError::Reordered));
    assert!(reordered.to_string().contains("-bf 0"), "{reordered}");

    // The index says that it is a key frame, and it is not one that stands alone.
    let mut dependent = Maker::new();
    let start = dependent.file.len();
    dependent.picture(&[unit(IDR, 50)], None);
    dependent.file[start + 4] = 0x61;
    assert!(matches!(error(dependent), RecordingError::NoKeyFrame));

    let mut without = Maker::new();
    without.sets = false;
    without.picture(&[unit(IDR, 50)], None);
    assert!(matches!(error(without), RecordingError::NoParameterSets));
}

#[test]
fn what_is_cut_short_is_said_with_its_number() {
    let mut maker = clip();
    let start = maker.file.len();
    maker.picture(&[unit(1, 50)], None);
    maker.file[start + 3] += 1;
    assert!(matches!(Recording::read(&maker.finish()), Err(RecordingError::Torn(11))));
    let outside = clip().finish_with(|index| {
        let table = &mut index.trak_boxes[0].mdia_box.minf_box.stbl_box;
        if let StszBox::Variable { entry_sizes } = &mut table.stsz_box {
            entry_sizes[3] = 1 << 30;
        }
    });
    assert!(matches!(Recording::read(&outside), Err(RecordingError::Torn(4))));
}

#[test]
fn an_even_delay_is_no_other_order() {
    let mut maker = Maker::new();
    for kind in [IDR, 1, 1] {
        maker.picture(&[unit(kind, 50)], Some(2 * i64::from(STEP)));
    }
    let recording = Recording::read(&maker.finish()).unwrap();
    assert_eq!((recording.pictures[0].at, recording.lasts()), (ms(0), ms(100)));
}

/// What is played until `until`, with when; a key frame is asked for where `wanted` says so.
fn played(
    player: &mut Player,
    until: Duration,
    mut wanted: impl FnMut(Duration) -> bool,
) -> Vec<(Duration, Unit)> {
    let mut units = Vec::new();
    while player.at() < until {
        let at = player.at();
        units.push((at, player.next(wanted(at))));
    }
    units
}

fn recording(maker: Maker) -> Arc<Recording> {
    Arc::new(Recording::read(&maker.finish()).unwrap())
}

/// Bits of these units on the level of RTP.
fn bits(units: &[(Duration, Unit)]) -> f64 {
    let payloads = units.iter().flat_map(|(_, unit)| &unit.payloads);
    payloads.map(|(payload, _)| (HEADER + payload.len()) as f64 * 8.0).sum()
}

#[test]
fn it_is_played_again_and_again_and_time_goes_on() {
    let recording = recording(clip());
    let mut player = Player::new(recording.clone(), 1);
    let units = played(&mut player, recording.lasts() * 3, |_| false);
    let of = |picture: bool| {
        units.iter().filter(move |(_, unit)| (unit.content != Content::Sound) == picture)
    };
    let timestamps = |picture| of(picture).map(|(_, unit)| unit.timestamp).collect::<Vec<_>>();
    assert_eq!(timestamps(true), (0..30).map(|n| n * STEP).collect::<Vec<_>>());
    // A turn is ten pictures long: 16 packets of sound, and a part of one in which there is none.
    let sounds = (0..48).map(|n| n / 16 * 16_000 + n % 16 * OPUS).collect::<Vec<_>>();
    assert_eq!(timestamps(false), sounds);
    assert!(units.is_sorted_by_key(|(at, _)| *at));
    for (at, (_, unit)) in of(true).enumerate() {
        let Content::Picture { key, filled, .. } = unit.content else { unreachable!() };
        assert_eq!((key, filled), (at % 5 == 0, 0), "picture {at}");
    }
}

#[test]
fn a_key_frame_that_is_asked_for_is_the_next_of_the_file() {
    let mut player = Player::new(recording(clip()), 1);
    // Behind the third picture the sixth follows; behind that and two more the first.
    let asked = [ms(100), ms(200)];
    let units = played(&mut player, ms(334), |at| asked.contains(&at));
    let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
    for (_, unit) in &units {
        match unit.content {
            Content::Picture { key, .. } => pictures.push((unit.timestamp / STEP, key)),
            Content::Sound => sounds.push((unit.timestamp, unit.payloads[0].0[1])),
        }
    }
    let keys: Vec<u32> = pictures.iter().filter(|(_, key)| *key).map(|(at, _)| *at).collect();
    assert_eq!(keys, [0, 3, 6]);
    assert_eq!(pictures.len(), 11);
    // The sound jumps with it, to what belongs to the picture: 5/30 s are 8.3 packets.
    assert_eq!(sounds[..5], [(0, 0), (960, 1), (1_920, 2), (2_880, 3), (3_840, 4)]);
    assert_eq!(sounds[5], (100 * 48 + 9 * OPUS - 8_000, 9));
    assert!(sounds.windows(2).all(|pair| pair[1].0 >= pair[0].0 + OPUS), "{sounds:?}");
    // What was begun before the second jump is over 13 ms behind it.
    assert_eq!(sounds[10], (200 * 48 + OPUS, 1));
}

#[test]
fn a_key_frame_that_comes_anyway_is_no_jump() {
    let recording = recording(clip());
    let mut player = Player::new(recording.clone(), 1);
    let units = played(&mut player, recording.lasts() * 2, |at| at.as_millis() % 333 == 0);
    let count = units.iter().filter(|(_, unit)| unit.content != Content::Sound).count();
    assert_eq!(count, 20);
}

#[test]
fn a_recording_with_more_bits_is_sent_as_it_is() {
    let recording = recording(clip());
    let own = recording.bitrate();
    for bitrate in [1, own / 2, own] {
        let mut player = Player::new(recording.clone(), bitrate);
        let units = played(&mut player, recording.lasts() * 3, |_| false);
        let sent = bits(&units) / (recording.lasts() * 3).as_secs_f64();
        assert!((sent / own as f64 - 1.0).abs() < 1e-3, "{sent} of {own}");
    }
}

#[test]
fn filler_data_is_well_formed() {
    let filler = packets::filler();
    assert_eq!((filler.len(), filler[0], filler.last()), (VIDEO_PACKET - HEADER, 12, Some(&0x80)));
    assert!(filler[1..filler.len() - 1].iter().all(|byte| *byte == 0xff));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is in the pictures: all of it comes back, and at the bit rate.
    #[test]
    fn units_come_back_and_the_bit_rate_is_reached(
        sizes in proptest::collection::vec(proptest::collection::vec(2..4_000usize, 1..4), 1..40),
        more in 1.0..20.0f64,
    ) {
        let mut maker = Maker::new();
        let picture = |(at, sizes): (usize, &Vec<usize>)| {
            let kind = if at % 12 == 0 { IDR } else { 1 };
            sizes.iter().map(|len| unit(kind, *len)).collect::<Vec<_>>()
        };
        let pictures: Vec<_> = sizes.iter().enumerate().map(picture).collect();
        pictures.iter().for_each(|units| maker.picture(units, None));
        let recording = recording(maker);
        let bitrate = ((recording.bitrate() as f64 * more) as u64).max(200_000);
        let mut player = Player::new(recording.clone(), bitrate);
        let turns = (10.0 / recording.lasts().as_secs_f64()).ceil() as u32;
        let all = played(&mut player, recording.lasts() * turns, |_| false);
        for (at, (_, sent)) in all.iter().enumerate() {
            let payloads: Vec<_> = sent.payloads.iter().map(|(bytes, _)| bytes.clone()).collect();
            let (mut back, filler) = units(&payloads);
            let wanted = &pictures[at % pictures.len()];
            let Content::Picture { key, filled, .. } = sent.content else { unreachable!() };
            if key {
                prop_assert_eq!(back.drain(..2).collect::<Vec<_>>(), [h264::sps(), h264::pps()]);
            }
            prop_assert_eq!((&back, filler), (wanted, filled));
        }
        let sent = bits(&all) / (recording.lasts() * turns).as_secs_f64();
        prop_assert!((sent / bitrate as f64 - 1.0).abs() < 0.02, "{sent} instead of {bitrate}");
    }
}

/// What ffmpeg makes with these arguments, read.
fn made(arguments: &[&str]) -> (tempfile::TempDir, Result<Recording, Error>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "1"])
        .args(["-c:v", "libx264", "-g", "10", "-c:a", "libopus"])
        .args(arguments)
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    let recording = Recording::open(&path);
    (folder, recording)
}

/// Frames that ffmpeg decodes of a stream, all of it without an error.
fn decoded(folder: &Path, stream: &[u8]) -> usize {
    let path = folder.join("stream.h264");
    std::fs::write(&path, stream).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-err_detect", "explode", "-f", "h264", "-i"])
        .arg(&path)
        .args(["-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn what_ffmpeg_writes_is_decoded_through_turns_jumps_and_filling() {
    let (folder, recording) = made(&["-profile:v", "baseline", "-bf", "0"]);
    let recording = Arc::new(recording.unwrap());
    assert_eq!((recording.pictures.len(), recording.lasts()), (25, ms(1_000)));
    assert!((48..=50).contains(&recording.sounds.len()), "{}", recording.sounds.len());
    let mut player = Player::new(recording, 4_000_000);
    let jumps = [ms(200), ms(1_360)];
    let sent = played(&mut player, ms(3_000), |at| jumps.contains(&at));
    assert!((bits(&sent) / 12e6 - 1.0).abs() < 0.02, "{}", bits(&sent));
    let mut stream = Vec::new();
    for (_, sent) in sent.iter().filter(|(_, unit)| unit.content != Content::Sound) {
        let payloads: Vec<_> = sent.payloads.iter().map(|(bytes, _)| bytes.clone()).collect();
        let (units, filled) = units(&payloads);
        for unit in units.into_iter().chain(std::iter::repeat_with(packets::filler).take(filled)) {
            stream.extend_from_slice(&[0, 0, 0, 1]);
            stream.extend_from_slice(&unit);
        }
    }
    assert_eq!(decoded(folder.path(), &stream), 75);
}

#[test]
fn b_frames_of_ffmpeg_are_refused() {
    let (_folder, recording) = made(&["-bf", "2"]);
    let error = recording.unwrap_err();
    let why = matches!(&error, Error::Recording { why: RecordingError::Reordered, .. });
    assert!(why, "{error}");
}

#[test]
fn fragments_of_ffmpeg_are_an_empty_track() {
    let (_folder, recording) = made(&["-bf", "0", "-movflags", "frag_keyframe+empty_moov"]);
    let error = recording.unwrap_err();
    let why = matches!(&error, Error::Recording { why: RecordingError::Empty, .. });
    assert!(why, "{error}");
}
