//! Payloads made by hand, one rule each.

pub(crate) mod clips;
mod packets;
mod streams;

use std::time::Instant;

use super::gatherer::LARGEST;
use super::*;
use crate::rtp::{Colours, inspect};
use crate::stream::Packet;

/// A key frame of VP8 of 64x48, scaled, with a first partition of no bytes.
const VP8_KEY: [u8; 10] = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x40, 0x30, 0x80];
/// Another frame.
const VP8_INTER: [u8; 3] = [0x11, 0, 0];
/// The header of a key frame of VP9, profile 0, 1280x720 in BT.709.
const VP9_KEY: [u8; 10] = [0x82, 0x49, 0x83, 0x42, 0x40, 0x4f, 0xf0, 0x2c, 0xf0, 0];
const VP9_INTER: [u8; 2] = [0x86, 0x00];
/// A sequence header of libaom without its OBU header: 64x64, BT.709.
const SEQUENCE: [u8; 13] =
    [0x00, 0x00, 0x00, 0x02, 0xaf, 0xff, 0x9b, 0x5f, 0x22, 0x02, 0x02, 0x02, 0x08];
/// Frame OBUs without sizes: a key frame that is shown, and one that is predicted.
const AV1_KEY: [u8; 4] = [0x30, 0x10, 7, 7];
const AV1_INTER: [u8; 4] = [0x30, 0x30, 8, 8];

fn packet(coding: Coding, timestamp: u32, marker: bool, payload: &[u8]) -> Packet {
    Packet {
        codec: coding.codec(),
        layer: 0,
        seq: 1,
        timestamp,
        marker,
        inspection: inspect(coding.codec(), payload),
        payload: payload.into(),
        captured: Instant::now(),
    }
}

/// What frames become of payloads, the last of which is marked as the end; an empty one is a gap.
fn frames(gatherer: &mut Gatherer, payloads: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
    whole(gatherer, payloads).into_iter().map(|frame| Some(frame?.data.copied())).collect()
}

fn whole(gatherer: &mut Gatherer, payloads: &[&[u8]]) -> Vec<Option<Whole>> {
    let mut whole = Vec::new();
    for (index, payload) in payloads.iter().enumerate() {
        if payload.is_empty() {
            gatherer.gap();
        }
        let packet = packet(gatherer.coding(), 1, index + 1 == payloads.len(), payload);
        gatherer.push(packet, &mut |frame| whole.push(frame));
    }
    whole
}

/// The one frame of payloads.
fn one(gatherer: &mut Gatherer, payloads: &[&[u8]]) -> Whole {
    let mut whole = whole(gatherer, payloads);
    assert_eq!(whole.len(), 1);
    whole.remove(0).expect("it is whole")
}

fn with(start: &[u8], rest: &[u8]) -> Vec<u8> {
    [start, rest].concat()
}

#[test]
fn a_frame_of_vp8_is_what_follows_the_descriptors() {
    let mut gatherer = Gatherer::new(Coding::Vp8);
    let descriptors: [&[u8]; 7] = [
        &[0x10],
        &[0x90, 0x00],
        &[0x90, 0x80, 0x11],
        &[0x90, 0x80, 0x81, 0x11],
        &[0x90, 0x40, 9],
        &[0x90, 0x20, 0x40],
        &[0x98, 0xf0, 0x81, 0x11, 9, 0x41],
    ];
    for descriptor in descriptors {
        let frame = one(&mut gatherer, &[&with(descriptor, &VP8_KEY), &[0x00, 5, 6], &[0x11, 7]]);
        assert!(frame.key && frame.timestamp == 1);
        assert_eq!(frame.data.copied(), with(&VP8_KEY, &[5, 6, 7]));
        let size = PictureSize { width: 64, height: 48 };
        assert_eq!(frame.head.as_deref(), Some(&Head::Vp8 { size }));
    }
    let frame = one(&mut gatherer, &[&with(&[0x10], &VP8_INTER)]);
    assert!(!frame.key && frame.head.is_none());
}

#[test]
fn a_frame_of_vp8_needs_its_first_packet_and_its_first_partition() {
    let mut gatherer = Gatherer::new(Coding::Vp8);
    let start = with(&[0x10], &VP8_INTER);
    assert_eq!(frames(&mut gatherer, &[&[0x00, 1]]), [None], "in the middle of one");
    assert_eq!(frames(&mut gatherer, &[&[0x11, 1, 2, 3]]), [None], "another partition");
    assert_eq!(frames(&mut gatherer, &[&start, &[0x90]]), [None], "no descriptor");
    assert_eq!(frames(&mut gatherer, &[&start, &[], &[0x00, 2]]), [None], "a gap");
    let unreadable = [0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2b, 0x40, 0, 0x30, 0];
    assert_eq!(frames(&mut gatherer, &[&unreadable]), [None], "a key frame without a start code");
    // A first partition of two bytes, with one of them.
    assert_eq!(frames(&mut gatherer, &[&[0x10, 0x51, 0, 0, 9]]), [None]);
    assert_eq!(frames(&mut gatherer, &[&[0x10, 0x51, 0, 0, 9, 9]]).len(), 1);
    // All partitions may count as the first one (RFC 7741, 4.2).
    let whole = frames(&mut gatherer, &[&start, &[0x10, 9]]);
    assert_eq!(whole, [Some(with(&VP8_INTER, &[9]))]);
}

#[test]
fn a_gap_reaches_into_the_next_frame_unless_it_begins() {
    let (start, more) = (with(&[0x10], &VP8_INTER), [0x00, 4]);
    for (payload, expected) in [(&start[..], 1), (&more[..], 0)] {
        let mut gatherer = Gatherer::new(Coding::Vp8);
        let mut found = Vec::new();
        let mut push = |gatherer: &mut Gatherer, timestamp, marker, payload: &[u8]| {
            let packet = packet(Coding::Vp8, timestamp, marker, payload);
            gatherer.push(packet, &mut |frame| found.push(frame.map(|frame| frame.timestamp)));
        };
        push(&mut gatherer, 1, false, &start);
        push(&mut gatherer, 2, false, &start); // the marker of the one before is missing
        gatherer.gap();
        push(&mut gatherer, 2, false, &[]); // what is empty tells nothing
        push(&mut gatherer, 3, true, payload);
        gatherer.gap();
        push(&mut gatherer, 4, true, &start);
        assert_eq!(found, [Some(1), None, (expected == 1).then_some(3), Some(4)]);
    }
}

#[test]
fn a_frame_of_vp9_is_what_follows_the_descriptors() {
    let mut gatherer = Gatherer::new(Coding::Vp9);
    let descriptors: [&[u8]; 8] = [
        &[0x08],
        &[0x88, 0x11],
        &[0x88, 0x81, 0x11],
        &[0xa8, 0x11, 0x40, 9],               // not flexible: TL0PICIDX
        &[0xb8, 0x11, 0x40],                  // flexible
        &[0xf8, 0x11, 0x40, 3, 5, 2],         // three references
        &[0x0a, 0x18, 0, 64, 0, 48, 1, 4, 1], // a structure with a size, and a group with a reference
        &[0xfa, 0x81, 0x11, 0x40, 2, 0x00],
    ];
    for descriptor in descriptors {
        let frame = one(&mut gatherer, &[&with(descriptor, &VP9_KEY), &[0x00, 5], &[0x04, 7]]);
        assert!(frame.key);
        assert_eq!(frame.data.copied(), with(&VP9_KEY, &[5, 7]));
        assert_eq!(frame.head.map(|head| head.size().width), Some(1280));
    }
    let four = with(&[0x58, 3, 5, 7, 2], &VP9_KEY);
    assert_eq!(frames(&mut gatherer, &[&four]), [None], "more references than there may be");
}

#[test]
fn the_head_of_vp9_is_read() {
    let mut gatherer = Gatherer::new(Coding::Vp9);
    let colours = Colours { matrix: 1, ..Colours::default() };
    let size = PictureSize { width: 1280, height: 720 };
    let key =
        rtp::vp9::KeyFrame { profile: 0, bit_depth: 8, subsampling: [true, true], colours, size };
    let first = one(&mut gatherer, &[&with(&[0x0c], &VP9_KEY)]).head.unwrap();
    assert_eq!((&*first, first.coding()), (&Head::Vp9(key), Coding::Vp9));
    let again = one(&mut gatherer, &[&with(&[0x0c], &VP9_KEY)]).head.unwrap();
    assert!(Arc::ptr_eq(&first, &again), "the same says the same");

    // Profile 3, 12 bits, BT.2020 of full range, 4:4:0.
    let bits =
        "10 11 0 0 0 1 0 010010011000001101000010 1 101 1 01 0 0000010011111111 0000001011001111";
    let bits: String = bits.chars().filter(|bit| *bit != ' ').collect();
    let bytes = bits.as_bytes().chunks(8).map(|byte| {
        let byte = format!("{:0<8}", std::str::from_utf8(byte).unwrap());
        u8::from_str_radix(&byte, 2).unwrap()
    });
    let head = one(&mut gatherer, &[&with(&[0x0c], &bytes.collect::<Vec<u8>>())]).head.unwrap();
    let colours = Colours { full_range: true, matrix: 9, ..Colours::default() };
    let subsampling = [false, true];
    let key = rtp::vp9::KeyFrame { profile: 3, bit_depth: 12, subsampling, colours, size };
    assert_eq!(*head, Head::Vp9(key));
}

#[test]
fn of_the_layers_of_vp9_the_lowest_is_taken() {
    let mut gatherer = Gatherer::new(Coding::Vp9);
    let lowest = with(&[0xac, 0x11, 0x00, 9], &VP9_INTER);
    let upper = with(&[0xac, 0x11, 0x02, 9], &[1, 2, 3]);
    let expected = [Some(VP9_INTER.to_vec())];
    assert_eq!(frames(&mut gatherer, &[&lowest, &upper]), expected);
    assert_eq!(frames(&mut gatherer, &[&lowest, &[], &upper]), expected, "another layer lost some");
    assert!(frames(&mut gatherer, &[&upper]).is_empty(), "there is none");
    assert_eq!(frames(&mut gatherer, &[&[], &upper]), [None], "it may have been lost");
}

#[test]
fn frames_of_vp9_at_the_same_time_are_each_their_own() {
    let mut gatherer = Gatherer::new(Coding::Vp9);
    let hidden = [0x84, 0x00];
    let whole = frames(&mut gatherer, &[&with(&[0x0c], &hidden), &with(&[0x0c], &VP9_INTER)]);
    assert_eq!(whole, [Some(hidden.to_vec()), Some(VP9_INTER.to_vec())]);
    assert_eq!(frames(&mut gatherer, &[&with(&[0x0c], &[0x42])]), [None], "no frame_marker");
    assert_eq!(frames(&mut gatherer, &[&with(&[0x0c], &VP9_KEY[..7])]), [None], "cut short");
    let shown_again = one(&mut gatherer, &[&[0x0c, 0x88]]);
    assert!(!shown_again.key && shown_again.head.is_none());
    let behind = [&with(&[0x0c], &VP9_INTER)[..], &[0x00, 1]];
    assert_eq!(frames(&mut gatherer, &behind), [None], "something behind the end");
}

/// OBUs of a key frame with their sizes.
fn av1_key() -> Vec<u8> {
    [&[0x0a, 13][..], &SEQUENCE, &[0x32, 3, 0x10, 7, 7]].concat()
}

/// The sequence header OBU without a size.
fn sequence() -> Vec<u8> {
    with(&[0x08], &SEQUENCE)
}

#[test]
fn elements_of_av1_become_obus_with_sizes() {
    let mut gatherer = Gatherer::new(Coding::Av1);
    let counted = [&[0x28, 14][..], &sequence(), &AV1_KEY].concat();
    let lengths = [&[0x08, 14][..], &sequence(), &[4], &AV1_KEY].concat();
    // A size of its own, in more bytes than it takes, and a length likewise.
    let long = [&[0x28, 0x90, 0x00, 0x0a, 0x8d, 0x00][..], &SEQUENCE, &AV1_KEY].concat();
    for payload in [counted, lengths] {
        let frame = one(&mut gatherer, &[&payload]);
        assert!(frame.key);
        assert_eq!(frame.data.copied(), av1_key());
    }
    assert_eq!(frames(&mut gatherer, &[&long]), [Some(av1_key())]);
    let other_size = [&[0x10, 0x32, 4][..], &AV1_KEY[1..]].concat();
    assert_eq!(frames(&mut gatherer, &[&other_size]), [None], "its size is another");
    assert_eq!(frames(&mut gatherer, &[&[0x20, 9, 0x30, 0x30]]), [None], "a length too long");
    assert_eq!(frames(&mut gatherer, &[&[0x20, 2, 0x30, 0x30]]), [None], "fewer than counted");
    assert_eq!(
        frames(&mut gatherer, &[&with(&[0x10], &[0xb0, 0x30])]),
        [None],
        "the forbidden bit"
    );
}

#[test]
fn obus_of_av1_are_joined_over_packets() {
    let mut gatherer = Gatherer::new(Coding::Av1);
    let obu = with(&[0x34, 0x20, 0x30], &[9; 200]);
    // The first part has not even all of the header.
    let [one, two, three] = [&obu[..1], &obu[1..150], &obu[150..]];
    let parts = [with(&[0x50], one), with(&[0xd0], two), with(&[0xa0, three.len() as u8], three)];
    let last = with(&parts[2], &AV1_INTER);
    let payloads = [&parts[0][..], &parts[1], &last];
    let expected =
        [&[0x36, 0x20, 0xc9, 0x01, 0x30][..], &[9; 200], &[0x32, 3, 0x30, 8, 8]].concat();
    assert_eq!(frames(&mut gatherer, &payloads), [Some(expected)]);
    assert_eq!(frames(&mut gatherer, &payloads[..2]), [None], "without an end");
    assert_eq!(frames(&mut gatherer, &payloads[1..]), [None], "without a beginning");
    assert_eq!(frames(&mut gatherer, &[payloads[0], &[0x10, 0x30, 0x30]]), [None], "never ended");
    assert_eq!(frames(&mut gatherer, &[payloads[0], &[], payloads[2]]), [None], "a gap");
    assert_eq!(frames(&mut gatherer, &[&with(&[0x10], &AV1_INTER)]).len(), 1);
}

#[test]
fn of_av1_what_no_decoder_needs_is_dropped() {
    let mut gatherer = Gatherer::new(Coding::Av1);
    let dropped: [&[u8]; 5] =
        [&[0x12, 0], &[0x40, 1], &[0x78, 0, 0], &[0x38, 0x30], &[0x34, 0x08, 0x30, 1]];
    let mut payload = vec![0];
    for obu in dropped.into_iter().chain([&[0x28, 5, 6][..], &AV1_INTER]) {
        payload.push(obu.len() as u8);
        payload.extend_from_slice(obu);
    }
    let expected = vec![0x2a, 2, 5, 6, 0x32, 3, 0x30, 8, 8];
    assert_eq!(frames(&mut gatherer, &[&payload]), [Some(expected)]);
    let alone = with(&[0x10], dropped[4]);
    assert!(frames(&mut gatherer, &[&alone]).is_empty(), "another spatial layer alone");
}

#[test]
fn a_key_frame_of_av1_has_its_sequence_header() {
    let mut gatherer = Gatherer::new(Coding::Av1);
    let key = with(&[0x10], &AV1_KEY);
    assert_eq!(frames(&mut gatherer, &[&key]), [None], "there never was one");
    let alone = with(&[0x18], &sequence());
    assert!(frames(&mut gatherer, &[&alone]).is_empty(), "alone it is no frame");
    let frame = one(&mut gatherer, &[&key]);
    assert_eq!(frame.data.copied(), av1_key(), "it is put before the key frame");
    let Some(Head::Av1 { unit, sequence }) = frame.head.as_deref() else { panic!("no head") };
    assert_eq!(*unit, with(&[0x0a, 13], &SEQUENCE));
    let colours = Colours { full_range: false, primaries: 1, transfer: 1, matrix: 1 };
    let size = PictureSize { width: 64, height: 64 };
    assert_eq!((sequence.colours, sequence.size), (colours, size));
    for (first, is_key) in
        [(0x10, true), (0x00, false), (0x30, false), (0x90, false), (0x50, false)]
    {
        let frame = one(&mut gatherer, &[&[0x10, 0x18, first]]);
        assert_eq!((frame.key, frame.head.is_some()), (is_key, is_key), "{first:#x}");
    }
    let later = [&[0x20, 4][..], &AV1_INTER, &AV1_KEY].concat();
    assert!(!one(&mut gatherer, &[&later]).key, "the first frame counts");
}

#[test]
fn a_still_picture_of_av1_is_a_key_frame() {
    let mut gatherer = Gatherer::new(Coding::Av1);
    // Profile 0, still, reduced, level 0, sizes of 6 bits: 64x64; no tools, 4:2:0 of 8 bits.
    let header = [0x18, 0x15, 0x7f, 0xfc, 0x00, 0x00, 0x00];
    let payload = [&[0x28, 8, 0x08][..], &header, &[0x30, 0x84, 1]].concat();
    let frame = one(&mut gatherer, &[&payload]);
    let Some(Head::Av1 { sequence, .. }) = frame.head.as_deref() else { panic!("no head") };
    assert!(frame.key && sequence.reduced);
    assert_eq!(sequence.size, PictureSize { width: 64, height: 64 });
}

#[test]
fn a_gap_reaches_into_a_temporal_unit_that_does_not_surely_begin() {
    let delimited = [&[0x20, 1, 0x10][..], &AV1_INTER].concat();
    let sequence = [&[0x20, 14][..], &sequence(), &AV1_KEY].concat();
    let (plain, new) = (with(&[0x10], &AV1_INTER), with(&[0x18], &AV1_INTER));
    for (payload, is_used) in [(delimited, true), (sequence, true), (new, true), (plain, false)] {
        let mut gatherer = Gatherer::new(Coding::Av1);
        gatherer.gap();
        assert_eq!(frames(&mut gatherer, &[&payload])[0].is_some(), is_used);
        assert!(frames(&mut gatherer, &[&payload])[0].is_some(), "nothing is missing any more");
    }
}

#[test]
fn a_frame_without_an_end_is_not_kept() {
    for (coding, start, more) in [
        (Coding::Vp8, with(&[0x10], &VP8_INTER), vec![0x00]),
        (Coding::Vp9, with(&[0x08], &VP9_INTER), vec![0x00]),
        (Coding::Av1, with(&[0x50], &AV1_INTER), vec![0xd0]),
        (Coding::Av1, with(&[0x10], &AV1_INTER), vec![0x10, 0x28]),
    ] {
        let mut gatherer = Gatherer::new(coding);
        let more = with(&more, &[7; 60_000]);
        gatherer.push(packet(coding, 1, false, &start), &mut |_| panic!("it has no end"));
        let more = packet(coding, 1, false, &more);
        let mut most = 0;
        for _ in 0..2 * LARGEST / 60_000 {
            gatherer.push(more.clone(), &mut |_| panic!("it has no end"));
            most = most.max(gatherer.kept());
        }
        assert!((LARGEST - 60_000..LARGEST + 60_000).contains(&most), "{coding:?}: {most}");
        assert_eq!(frames(&mut gatherer, &[&start]).first(), Some(&None), "{coding:?}");
    }
}
