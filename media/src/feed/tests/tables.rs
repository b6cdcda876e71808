//! Tables of a transport stream that change while it runs, and those that name what is not taken.

use super::*;

const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;
/// Where the table of the clip's programme is.
const PMT: u16 = 0x1000;
const H264: u8 = 0x1b;
const ADTS: u8 = 0x0f;

/// A track as a table names it: its stream type, its PID, and its descriptors.
type Named<'a> = (u8, u16, &'a [u8]);

const CLIP: [Named<'_>; 2] = [(H264, VIDEO, &[]), (ADTS, AUDIO, &[])];

/// ISO/IEC 13818-1, annex A.
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

/// A packet with a section of a table (2.4.4).
fn section(pid: u16, table: u8, number: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let mut section = vec![table, 0xb0, (body.len() + 9) as u8];
    section.extend(number.to_be_bytes());
    section.extend([0xc1 | version << 1, 0, 0]);
    section.extend(body);
    let sum = crc(&section);
    section.extend(sum.to_be_bytes());
    let mut packet = vec![0x47, 0x40 | (pid >> 8) as u8, pid as u8, 0x10, 0];
    packet.extend(section);
    packet.resize(188, 0xff);
    packet
}

/// The table of programmes: the number of each, and where its own table is.
fn pat(version: u8, programs: &[(u16, u16)]) -> Vec<u8> {
    let of = |(number, pid): &(u16, u16)| [number.to_be_bytes(), (0xe000 | *pid).to_be_bytes()];
    let body: Vec<u8> = programs.iter().flat_map(of).flatten().collect();
    section(0, 0, 1, version, &body)
}

/// The table of a programme.
fn pmt(pid: u16, number: u16, version: u8, tracks: &[Named<'_>]) -> Vec<u8> {
    let clock = tracks.first().map_or(0x1fff, |(_, pid, _)| *pid);
    let mut body = (0xe000 | clock).to_be_bytes().to_vec();
    body.extend([0xf0, 0]);
    for (kind, pid, descriptors) in tracks {
        body.push(*kind);
        body.extend((0xe000 | *pid).to_be_bytes());
        body.extend([0xf0, descriptors.len() as u8]);
        body.extend(*descriptors);
    }
    section(pid, 2, number, version, &body)
}

fn pid_of(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// The packets of the clip without its tables, of tracks with these PIDs, in the second of this
/// number.
fn tracks(video: u16, audio: u16, second: u64) -> Vec<Vec<u8>> {
    let with = |packet: &[u8]| {
        let pid = match pid_of(packet) {
            VIDEO => video,
            AUDIO => audio,
            _ => return None,
        };
        let mut packet = packet.to_vec();
        packet[1] = packet[1] & 0xe0 | (pid >> 8) as u8;
        packet[2] = pid as u8;
        Some(packet)
    };
    shifted(clip(AAC), second * 90_000).chunks(188).filter_map(with).collect()
}

/// One stream of packets, whose counters go on from one to the next of a PID.
fn stream(packets: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut counters = [0u8; 8192];
    let mut bytes = Vec::new();
    for mut packet in packets {
        let counter = &mut counters[usize::from(pid_of(&packet))];
        packet[3] = packet[3] & 0xf0 | *counter & 15;
        *counter = counter.wrapping_add(1);
        bytes.extend(packet);
    }
    bytes
}

fn frames(pictures: &[Packet]) -> usize {
    pictures.iter().filter(|packet| packet.marker).count()
}

/// The packets follow each other, whatever came between.
fn assert_one_after_the_other(pictures: &[Packet]) {
    assert!(pictures.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
}

#[test]
fn the_tables_are_those_that_ffmpeg_writes() {
    let packets: Vec<&[u8]> = clip(AAC).chunks(188).collect();
    assert_eq!(pat(0, &[(1, PMT)]), packets[1]);
    assert_eq!(pmt(PMT, 1, 0, &CLIP), packets[2]);
    let plain = stream(
        [vec![pat(0, &[(1, PMT)]), pmt(PMT, 1, 0, &CLIP)], tracks(VIDEO, AUDIO, 0)].concat(),
    );
    assert!(units(&plain) == units(clip(AAC)));
}

#[test]
fn another_table_takes_the_place_of_the_one_before() {
    let one = made(clip(AAC)).2.len();
    let table = |tracks: &[Named<'_>]| vec![pmt(PMT, 1, 1, tracks)];
    let moved = |number, tracks: &[Named<'_>]| {
        vec![pat(1, &[(number, PMT + 1)]), pmt(PMT + 1, number, 0, tracks)]
    };
    let (other_video, other_audio) = (0x110, 0x111);
    let other: [Named<'_>; 2] = [(H264, other_video, &[]), (ADTS, other_audio, &[])];
    let with_other_audio: [Named<'_>; 2] = [CLIP[0], (ADTS, other_audio, &[])];
    for (name, tables, (video, audio), sounds) in [
        ("other sound", table(&with_other_audio), (VIDEO, other_audio), 2 * one),
        ("no sound", table(&CLIP[..1]), (VIDEO, AUDIO), one),
        ("another picture", table(&other), (other_video, other_audio), 2 * one),
        ("the table elsewhere", moved(1, &CLIP), (VIDEO, AUDIO), 2 * one),
        ("all elsewhere", moved(1, &other), (other_video, other_audio), 2 * one),
        ("another programme", moved(2, &other), (other_video, other_audio), 2 * one),
    ] {
        let before = vec![pat(0, &[(1, PMT)]), pmt(PMT, 1, 0, &CLIP)];
        let (first, second) = (tracks(VIDEO, AUDIO, 0), tracks(video, audio, 1));
        let (feed, pictures, heard) = made(&stream([before, first, tables, second].concat()));
        assert_eq!(frames(&pictures), 30, "{name}");
        assert_one_after_the_other(&pictures);
        assert_eq!(heard.len(), sounds, "{name}");
        assert!(heard.windows(2).all(|pair| pair[1].ticks > pair[0].ticks), "{name}");
        assert_eq!(feed.problems(), &[] as &[String], "{name}");
        assert_eq!(feed.lost(), 0, "{name}");
    }
}

#[test]
fn what_is_under_way_goes_on_whatever_tables_come_between() {
    let begun = |packets: Vec<Vec<u8>>| {
        stream([vec![pat(0, &[(1, PMT)]), pmt(PMT, 1, 0, &CLIP)], packets].concat())
    };
    let plain = units(&begun(tracks(VIDEO, AUDIO, 0)));
    assert!(plain.len() > 15 && plain.iter().all(|unit| unit.whole));
    // Behind every packet another version of the table; and of all tables, which move to and fro.
    let versions = |number: usize| vec![pmt(PMT, 1, (number % 31) as u8 + 1, &CLIP)];
    let moves = |number: usize| {
        let (version, at) = ((number % 31) as u8 + 1, PMT + number as u16 % 2);
        vec![pat(version, &[(1, at)]), pmt(at, 1, version, &CLIP)]
    };
    let tables: [&dyn Fn(usize) -> Vec<Vec<u8>>; 2] = [&versions, &moves];
    for between in tables {
        let packets = tracks(VIDEO, AUDIO, 0).into_iter().enumerate();
        let packets = packets.flat_map(|(number, packet)| {
            let mut packets = vec![packet];
            packets.extend(between(number));
            packets
        });
        assert!(units(&begun(packets.collect())) == plain);
    }
}

#[test]
fn a_frame_whose_track_ends_before_it_does_is_lost() {
    let mut first = tracks(VIDEO, AUDIO, 0);
    // The first frame has more packets than these.
    first.truncate(10);
    let before = vec![pat(0, &[(1, PMT)]), pmt(PMT, 1, 0, &CLIP)];
    let after = vec![pmt(PMT, 1, 1, &[(H264, 0x110, &[]), CLIP[1]])];
    let packets = [before, first, after, tracks(0x110, AUDIO, 1)].concat();
    let (feed, pictures, _) = made(&stream(packets));
    assert_eq!((frames(&pictures), feed.lost()), (15, 1));
}

#[test]
fn the_first_programme_stays_the_first() {
    let other: [Named<'_>; 1] = [(H264, 0x120, &[])];
    let begun =
        vec![pat(0, &[(1, PMT), (2, PMT + 2)]), pmt(PMT, 1, 0, &CLIP), pmt(PMT + 2, 2, 0, &other)];
    let again = vec![pmt(PMT, 1, 1, &CLIP)];
    // The other one ends, and what is left is left as it is.
    let alone = vec![pat(1, &[(1, PMT)]), pmt(PMT, 1, 1, &CLIP)];
    let part = |second| tracks(VIDEO, AUDIO, second);
    let packets = [begun, part(0), again, part(1), alone, part(2)].concat();
    let (feed, pictures, _) = made(&stream(packets));
    assert_eq!((frames(&pictures), feed.lost()), (45, 0));
    assert_one_after_the_other(&pictures);
}

#[test]
fn a_picture_that_comes_back_goes_on_where_it_was() {
    let sound_alone = [vec![pmt(PMT, 1, 1, &CLIP[1..])], tracks(0x1ff, AUDIO, 1)].concat();
    let begun = [vec![pat(0, &[(1, PMT)]), pmt(PMT, 1, 0, &CLIP)], tracks(VIDEO, AUDIO, 0)];
    let back = [vec![pmt(PMT, 1, 2, &CLIP)], tracks(VIDEO, AUDIO, 2)].concat();
    let (feed, pictures, _) = made(&stream([begun.concat(), sound_alone.clone()].concat()));
    assert_eq!(feed.problems(), [NO_PICTURE]);
    assert_eq!(frames(&pictures), 15);
    let (feed, pictures, _) = made(&stream([begun.concat(), sound_alone, back].concat()));
    assert_eq!(feed.problems(), &[] as &[String]);
    assert_eq!(frames(&pictures), 30);
    assert_one_after_the_other(&pictures);
}

/// ETSI EN 300 468 (6.2 and annex D), ATSC A/53 part 3, and ISO/IEC 13818-1 (2.4.4.9 and 2.6.8).
#[test]
fn sound_that_is_not_taken_is_said_by_name() {
    let (ac3, eac3, mp2) = ("AC-3", "E-AC-3", "MPEG audio (MP2)");
    let named: [(u8, &[u8], &str); 9] = [
        (0x81, &[], ac3),
        (0x81, b"\x05\x04AC-3", ac3),
        (0x87, &[], eac3),
        (0x06, &[0x6a, 1, 0], ac3),
        (0x06, &[0x7a, 1, 0], eac3),
        (0x06, b"\x05\x04AC-3", ac3),
        (0x06, b"\x05\x04EAC3", eac3),
        (0x03, &[], mp2),
        (0x04, &[0x0a, 4, b'd', b'e', b'u', 0], mp2),
    ];
    for (kind, descriptors, name) in named {
        let of = |tracks: &[Named<'_>]| {
            let begun = vec![pat(0, &[(1, PMT)]), pmt(PMT, 1, 0, tracks)];
            made(&stream([begun, self::tracks(VIDEO, AUDIO, 0)].concat()))
        };
        let (feed, pictures, sounds) = of(&[CLIP[0], (kind, AUDIO, descriptors)]);
        let problem = format!(
            "The sound is {name}, which is not supported: set the encoder to AAC-LC, 48 kHz, stereo."
        );
        assert_eq!(feed.problems(), [problem], "{kind:#x} {descriptors:x?}");
        assert_eq!((frames(&pictures), sounds.len()), (15, 0), "{name}");
        // Beside AAC it is nobody's concern.
        let (feed, _, sounds) = of(&[CLIP[0], (kind, 0x102, descriptors), CLIP[1]]);
        assert!(feed.problems().is_empty() && !sounds.is_empty(), "{name}");
    }
    // Private data is anything: without a descriptor it is not said to be sound.
    let begun = vec![pat(0, &[(1, PMT)]), pmt(PMT, 1, 0, &[CLIP[0], (0x06, AUDIO, &[])])];
    let (feed, ..) = made(&stream([begun, tracks(VIDEO, AUDIO, 0)].concat()));
    assert_eq!(feed.problems(), &[] as &[String]);
}
