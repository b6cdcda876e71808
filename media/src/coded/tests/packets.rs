//! Frames made up, cut into packets as each payload format says, and gathered again.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::coded::gatherer::LARGEST;
use crate::coded::{Coding, Gatherer};

use super::{SEQUENCE, VP8_INTER, VP8_KEY, VP9_INTER, VP9_KEY, packet, with};

/// A frame cut into payloads.
#[derive(Debug, Clone)]
struct Cut {
    payloads: Vec<Vec<u8>>,
    /// How many of them, from the first on, the frame is made of; others are of another layer.
    own: usize,
    key: bool,
    /// Its first payload cannot be one from the middle.
    begins: bool,
    data: Vec<u8>,
}

/// Pieces of so many bytes, each behind what its place says: whether it is first, and last.
fn cut(frame: &[u8], most: usize, descriptor: impl Fn(bool, bool) -> Vec<u8>) -> Vec<Vec<u8>> {
    let count = frame.len().div_ceil(most);
    let pieces = frame.chunks(most).enumerate();
    pieces.map(|(n, piece)| with(&descriptor(n == 0, n + 1 == count), piece)).collect()
}

/// A frame, the size of its packets, and what chooses among descriptors.
fn material() -> impl Strategy<Value = (bool, Vec<u8>, usize, u8)> {
    (any::<bool>(), vec(any::<u8>(), 0..300), 1..90usize, any::<u8>())
}

/// RFC 7741, 4.2.
fn vp8() -> impl Strategy<Value = Cut> {
    material().prop_map(|(key, body, most, choice)| {
        let data = if key { with(&VP8_KEY, &body) } else { with(&VP8_INTER, &body) };
        let payloads = cut(&data, most, |first, _| {
            let start = if first { 0x10 } else { 0x00 };
            if choice & 0x01 == 0 {
                return vec![start];
            }
            let mut descriptor = vec![start | 0x80, choice & 0xf0];
            match choice & 0x82 {
                0x80 => descriptor.push(0x7f),
                0x82 => descriptor.extend([0xff, 0xff]),
                _ => {}
            }
            let (layer, key_index) = (choice & 0x40 != 0, choice & 0x30 != 0);
            descriptor.extend([0xff; 2].iter().take(usize::from(layer) + usize::from(key_index)));
            descriptor
        });
        Cut { own: payloads.len(), payloads, key, begins: true, data }
    })
}

/// RFC 9628, 4.2.
fn vp9() -> impl Strategy<Value = Cut> {
    (material(), 0..3usize, any::<u8>()).prop_map(|((key, body, most, choice), above, more)| {
        let data = if key { with(&VP9_KEY, &body) } else { with(&VP9_INTER, &body) };
        // I, P, L, F and V; an upper layer has a number.
        let flags = choice & 0xb2 | if key { 0 } else { 0x40 } | if above > 0 { 0x20 } else { 0 };
        let descriptor = |layer: u8, first: bool, last: bool| {
            let flags = if first { flags } else { flags & !0x02 };
            let place = if first { 0x08 } else { 0 } | if last { 0x04 } else { 0 };
            let mut descriptor = vec![flags | place];
            if flags & 0x80 != 0 {
                let long: [u8; 2] = [0x80 | more, more];
                descriptor.extend(if more & 1 == 0 { &[0x7f][..] } else { &long });
            }
            if flags & 0x20 != 0 {
                descriptor.push(more & 0xe0 | layer << 1);
                descriptor.extend((flags & 0x10 == 0).then_some(more));
            }
            if flags & 0x50 == 0x50 {
                descriptor.extend(&[3, 5, 2][usize::from(more) % 3..]);
            }
            if flags & 0x02 != 0 {
                descriptor.extend([0x38, 0, 64, 0, 64, 0, 128, 0, 128, 2, 0x04, 1, 0x00]);
            }
            descriptor
        };
        let mut payloads = cut(&data, most, |first, last| descriptor(0, first, last));
        let own = payloads.len();
        for layer in 1..=above as u8 {
            payloads.extend(cut(&body, most, |first, last| descriptor(layer, first, last)));
        }
        Cut { payloads, own, key, begins: true, data }
    })
}

/// An OBU as it is sent, and whether it is kept. Of a temporal delimiter there is one at most, and
/// that comes first (AV1, 7.5).
fn remark() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let kinds = [(0x28, true), (0x40, false), (0x78, false), (0x38, false)];
    let obu = (proptest::sample::select(kinds.to_vec()), 0..3u8, vec(any::<u8>(), 0..200));
    obu.prop_map(|((kind, kept), extension, body)| match extension {
        0 => (with(&[kind], &body), kept),
        1 => (with(&[kind | 4, 0x20], &body), kept),
        _ => (with(&[kind | 4, 0x28], &body), false),
    })
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    with(&bytes, &[value as u8])
}

/// An OBU with its size.
fn sized(obu: &[u8]) -> Vec<u8> {
    let header = if obu[0] & 4 != 0 { 2 } else { 1 };
    let mut sized = with(&obu[..header], &leb128(obu.len() - header));
    sized[0] |= 2;
    with(&sized, &obu[header..])
}

/// RTP payload format of AV1, 4.4 and 4.5: elements of OBUs, `most` bytes in a packet, with a count
/// of them where there are few and `counts`.
fn aggregate(obus: &[Vec<u8>], most: usize, counts: bool, new: bool) -> Vec<Vec<u8>> {
    let mut packets: Vec<(Vec<&[u8]>, bool, bool)> = vec![(Vec::new(), false, false)];
    let mut room = most;
    for obu in obus {
        let mut rest = &obu[..];
        while !rest.is_empty() {
            if room == 0 {
                let goes_on = rest.len() < obu.len();
                packets.last_mut().unwrap().2 = goes_on;
                packets.push((Vec::new(), goes_on, false));
                room = most;
            }
            let (piece, next) = rest.split_at(room.min(rest.len()));
            packets.last_mut().unwrap().0.push(piece);
            (rest, room) = (next, room - piece.len());
        }
    }
    let payload = |(n, (elements, continues, goes_on)): (usize, (Vec<&[u8]>, bool, bool))| {
        let count = if counts && elements.len() <= 3 { elements.len() } else { 0 };
        let begins_new = new && n == 0;
        let mut payload = vec![
            u8::from(continues) << 7
                | u8::from(goes_on) << 6
                | (count as u8) << 4
                | u8::from(begins_new) << 3,
        ];
        for (n, element) in elements.iter().enumerate() {
            if n + 1 != count {
                payload.extend(leb128(element.len()));
            }
            payload.extend_from_slice(element);
        }
        payload
    };
    packets.into_iter().enumerate().map(payload).collect()
}

fn av1() -> impl Strategy<Value = Cut> {
    (material(), vec(remark(), 0..5)).prop_map(|((key, body, most, choice), remarks)| {
        let first = if key { 0x10 } else { 0x30 };
        let frame = [&[0x30, first][..], &body].concat();
        let sequence = key.then(|| (with(&[0x08], &SEQUENCE), true));
        let delimiter = (choice & 2 != 0).then(|| (vec![0x10], false));
        let delimited = delimiter.is_some();
        let units = delimiter.into_iter().chain(sequence).chain(remarks);
        let obus: Vec<(Vec<u8>, bool)> = units.chain([(frame, true)]).collect();
        let kept = obus.iter().filter(|(_, kept)| *kept);
        let data = kept.flat_map(|(obu, _)| sized(obu)).collect();
        let sent: Vec<Vec<u8>> = obus.into_iter().map(|(obu, _)| obu).collect();
        let begins = key || delimited;
        let payloads = aggregate(&sent, most, choice & 1 != 0, key);
        Cut { own: payloads.len(), payloads, key, begins, data }
    })
}

/// What is to be gathered where some packets are lost: none of a frame that nothing came of.
fn expected(
    coding: Coding,
    frames: &[Cut],
    lost: &[bool],
    marked: &[bool],
) -> Vec<Option<Vec<u8>>> {
    let mut lost = lost.iter().copied().peekable();
    let mut before = false;
    let mut expected = Vec::new();
    for (frame, marked) in frames.iter().zip(marked) {
        let gone: Vec<bool> = lost.by_ref().take(frame.payloads.len()).collect();
        let reached = before && !frame.begins;
        before = gone.last().copied().unwrap_or(before);
        // Where nothing says that it is all, what is lost behind it may be its own.
        let open = !marked && coding != Coding::Vp9 && lost.peek() == Some(&true);
        if gone.contains(&false) {
            let is_whole = !reached && !open && !gone[..frame.own].contains(&true);
            expected.push(is_whole.then(|| frame.data.clone()));
        }
    }
    expected
}

fn gather(coding: Coding, frames: &[Cut], lost: &[bool], marked: &[bool]) {
    let mut gatherer = Gatherer::new(coding);
    let mut found = Vec::new();
    let mut lost_here = lost.iter();
    for (number, frame) in frames.iter().enumerate() {
        for (n, payload) in frame.payloads.iter().enumerate() {
            if *lost_here.next().unwrap() {
                gatherer.gap();
                continue;
            }
            let last = n + 1 == frame.payloads.len() && marked[number];
            let packet = packet(coding, number as u32, last, payload);
            gatherer.push(packet, &mut |whole| found.push(whole));
        }
    }
    // Whatever comes next ends the last one.
    let next = packet(coding, u32::MAX, false, &[0x08]);
    gatherer.push(next, &mut |whole| found.push(whole));
    for whole in found.iter().flatten() {
        let frame = &frames[whole.timestamp as usize];
        assert_eq!((whole.key, whole.head.is_some()), (frame.key, frame.key));
    }
    let found: Vec<_> = found.into_iter().map(|f| f.map(|f| f.data.copied())).collect();
    assert_eq!(found, expected(coding, frames, lost, marked));
}

/// Frames, which of their packets are lost, and which of them have their marker.
fn scene(
    frame: impl Strategy<Value = Cut>,
) -> impl Strategy<Value = (Vec<Cut>, Vec<bool>, Vec<bool>)> {
    (vec(frame, 1..8), prop_oneof![Just(0u32), 1..40u32]).prop_flat_map(|(frames, percent)| {
        let packets = frames.iter().map(|frame| frame.payloads.len()).sum::<usize>();
        let lost = vec((0..100u32).prop_map(move |dice| dice < percent), packets);
        let marked = vec(prop::bool::weighted(0.8), frames.len());
        (Just(frames), lost, marked)
    })
}

proptest! {
    #[test]
    fn frames_of_vp8_come_back((frames, lost, marked) in scene(vp8())) {
        gather(Coding::Vp8, &frames, &lost, &marked);
    }

    #[test]
    fn frames_of_vp9_come_back((frames, lost, marked) in scene(vp9())) {
        gather(Coding::Vp9, &frames, &lost, &marked);
    }

    #[test]
    fn temporal_units_of_av1_come_back((frames, lost, marked) in scene(av1())) {
        gather(Coding::Av1, &frames, &lost, &marked);
    }

    #[test]
    fn nothing_is_too_strange(
        packets in vec((vec(any::<u8>(), 0..40), 0..3u32, any::<bool>(), 0..8u8), 0..60),
    ) {
        for coding in [Coding::Vp8, Coding::Vp9, Coding::Av1] {
            let mut gatherer = Gatherer::new(coding);
            for (payload, timestamp, marker, gap) in &packets {
                if *gap == 0 {
                    gatherer.gap();
                }
                let packet = packet(coding, *timestamp, *marker, payload);
                gatherer.push(packet, &mut |whole| {
                    if let Some(whole) = whole {
                        assert!((1..LARGEST).contains(&whole.data.len()));
                        assert_eq!(whole.key, whole.head.is_some());
                    }
                });
            }
        }
    }
}
