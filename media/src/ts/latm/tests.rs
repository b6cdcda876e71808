use proptest::prelude::*;

use super::*;

/// A writer of bits.
#[derive(Default)]
struct Writer(Vec<bool>);

impl Writer {
    fn put(&mut self, count: u32, value: u32) -> &mut Self {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit) << (7 - at))
        };
        self.0.chunks(8).map(byte).collect()
    }
}

/// AudioSpecificConfig of AAC-LC: 48 kHz by its index.
fn lc(writer: &mut Writer, channels: u32) {
    writer.put(5, LC).put(4, 3).put(4, channels).put(3, 0);
}

/// An element with the configuration that `asc` writes, or with the one of before.
fn element(asc: Option<&dyn Fn(&mut Writer)>, payloads: &[&[u8]]) -> Vec<u8> {
    let mut writer = Writer::default();
    match asc {
        None => {
            writer.put(1, 1);
        }
        Some(asc) => {
            // Version 0, the same framing for all, one programme with one layer.
            writer.put(1, 0).put(1, 0).put(1, 1).put(6, payloads.len() as u32 - 1).put(7, 0);
            asc(&mut writer);
            // Frames of any length; no other data, no checksum.
            writer.put(3, 0).put(8, 0xff).put(1, 0).put(1, 0);
        }
    }
    for payload in payloads {
        let mut length = payload.len() as u32;
        while length >= 255 {
            writer.put(8, 255);
            length -= 255;
        }
        writer.put(8, length);
        for byte in *payload {
            writer.put(8, (*byte).into());
        }
    }
    framed_bytes(&writer.bytes())
}

fn framed_bytes(content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![0x56, 0xe0 | (length >> 8) as u8, length as u8];
    out.extend_from_slice(content);
    out
}

fn profiles(bytes: &[u8]) -> Vec<(Profile, u32, u8)> {
    let frames = LatmReader::default().push(bytes);
    frames.iter().map(|frame| (frame.profile, frame.rate, frame.channels)).collect()
}

#[test]
fn frames_are_found_wherever_their_bits_begin() {
    let stereo = |writer: &mut Writer| lc(writer, 2);
    let long = [0xa5; 300];
    let mut bytes = element(None, &[&[9]]);
    bytes.extend(element(Some(&stereo), &[&[1, 2, 3]]));
    bytes.extend(element(None, &[&long]));
    let frames = LatmReader::default().push(&bytes);
    assert_eq!(frames.len(), 2, "what comes before the configuration cannot be read");
    assert_eq!(frames[0].payload, [1, 2, 3]);
    assert_eq!(frames[1].payload, long);
    let frame = &frames[0];
    assert_eq!((frame.profile, frame.rate, frame.channels), (Profile::Lc, 48_000, 2));
    assert_eq!(frame.began, element(None, &[&[9]]).len() as i64);
}

#[test]
fn an_element_may_hold_several_frames() {
    let mono = |writer: &mut Writer| lc(writer, 1);
    let frames = LatmReader::default().push(&element(Some(&mono), &[&[1], &[2, 2]]));
    let payloads: Vec<&[u8]> = frames.iter().map(|frame| frame.payload.as_slice()).collect();
    assert_eq!(payloads, [&[1][..], &[2, 2]]);
}

#[test]
fn he_is_read_with_the_rate_of_its_core_and_what_is_neither_is_told_and_not_read() {
    // HE-AAC says the rate of its core first, then what it plays at, then its core's type.
    let he = |writer: &mut Writer| {
        writer.put(5, SBR).put(4, 6).put(4, 2).put(4, 3).put(5, LC).put(3, 0);
    };
    let both = element(Some(&he), &[&[1], &[2, 3]]);
    assert_eq!(profiles(&both), [(Profile::He, 24_000, 2); 2]);
    assert_eq!(LatmReader::default().push(&both)[1].payload, [2, 3]);
    let stereo = |writer: &mut Writer| {
        writer.put(5, PS).put(4, 7).put(4, 1).put(4, 4).put(5, LC).put(3, 0);
    };
    assert_eq!(profiles(&element(Some(&stereo), &[&[1]])), [(Profile::He, 22_050, 1)]);
    let main = |writer: &mut Writer| {
        writer.put(5, 1).put(4, 3).put(4, 2).put(3, 0);
    };
    assert_eq!(profiles(&element(Some(&main), &[&[1]])), [(Profile::Other, 48_000, 2)]);
    let short = |writer: &mut Writer| {
        writer.put(5, LC).put(4, 3).put(4, 2).put(3, 4);
    };
    assert_eq!(profiles(&element(Some(&short), &[&[1]])), [(Profile::Other, 48_000, 2)]);
}

/// Version 1 says how long the configuration is, and so what may stand behind it.
#[test]
fn band_replication_that_is_said_afterwards_is_seen() {
    for (present, profile) in [(1, Profile::He), (0, Profile::Lc)] {
        let mut writer = Writer::default();
        writer.put(1, 0).put(1, 1).put(1, 0).put(2, 0).put(8, 9);
        writer.put(1, 1).put(6, 0).put(7, 0);
        writer.put(2, 0).put(8, 16 + 17);
        lc(&mut writer, 2);
        writer.put(11, SYNC_EXTENSION).put(5, SBR).put(1, present);
        writer.put(3, 0).put(8, 0xff).put(1, 0).put(1, 0);
        writer.put(8, 2).put(16, 0x0102);
        let found = LatmReader::default().push(&framed_bytes(&writer.bytes()));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].profile, profile);
        assert_eq!(found[0].payload, [1, 2]);
    }
}

#[test]
fn frames_are_found_behind_rubbish_and_after_a_loss() {
    let stereo = |writer: &mut Writer| lc(writer, 2);
    let mut reader = LatmReader::default();
    let mut bytes = vec![0x56, 0xff, 1, 9];
    bytes.extend(element(Some(&stereo), &[&[7; 40]]));
    bytes.extend(element(None, &[&[8; 40]]));
    assert_eq!(reader.push(&bytes).len(), 2);
    reader.push(&element(None, &[&[9; 40]])[..20]);
    reader.reset();
    assert_eq!(reader.push(&element(None, &[&[7; 40]])).len(), 1, "the configuration stays");
}

proptest! {
    #[test]
    fn how_they_are_cut_is_no_matter(
        sizes in proptest::collection::vec(1..600usize, 1..20),
        cut in 1..700usize,
    ) {
        let stereo = |writer: &mut Writer| lc(writer, 2);
        let mut bytes = Vec::new();
        for (number, size) in sizes.iter().enumerate() {
            let asc: Option<&dyn Fn(&mut Writer)> = if number == 0 { Some(&stereo) } else { None };
            bytes.extend(element(asc, &[&vec![0x11; *size]]));
        }
        let mut reader = LatmReader::default();
        let found: Vec<usize> =
            bytes.chunks(cut).flat_map(|c| reader.push(c)).map(|f| f.payload.len()).collect();
        prop_assert_eq!(found, sizes);
    }

    #[test]
    fn nothing_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut reader = LatmReader::default();
        reader.push(&bytes);
        reader.push(&framed_bytes(&bytes));
        reader.push(&framed_bytes(&[&[0x20], &bytes[..]].concat()));
    }
}
