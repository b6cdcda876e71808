//! Frames of real encoders out of the packets that were made of them.

use crate::coded::{Gatherer, Head, Whole};
use crate::rtp::{Colours, PictureSize};

use super::clips::{AV1, Clip, VP8, VP9};
use super::*;

const CLIPS: [Clip; 3] = [VP8, VP9, AV1];
/// The header of an IVF file.
const FILE: usize = 32;
/// Comes first in each frame of AV1 in an IVF file.
const DELIMITER: [u8; 2] = [0x12, 0];

/// What is gathered where the packets of some numbers are lost.
fn gathered(clip: Clip, is_lost: impl Fn(usize) -> bool) -> Vec<Option<Whole>> {
    let mut gatherer = Gatherer::new(clip.coding);
    let mut whole = Vec::new();
    for (index, (timestamp, marker, payload)) in clip.packets().into_iter().enumerate() {
        if is_lost(index) {
            gatherer.gap();
            continue;
        }
        let packet = packet(clip.coding, timestamp, marker, payload);
        gatherer.push(packet, &mut |frame| whole.push(frame));
    }
    whole
}

#[test]
fn gathered_frames_are_those_of_the_encoder() {
    for clip @ Clip { coding, ivf, .. } in CLIPS {
        let mut made = ivf[..FILE].to_vec();
        for (number, frame) in gathered(clip, |_| false).into_iter().enumerate() {
            let frame = frame.expect("nothing is lost");
            let is_key = number % 5 == 0;
            assert_eq!((frame.key, frame.head.is_some()), (is_key, is_key), "{coding:?} {number}");
            let delimiter = if coding == Coding::Av1 { &DELIMITER[..] } else { &[] };
            let length = (delimiter.len() + frame.data.len()) as u32;
            made.extend(length.to_le_bytes());
            made.extend((number as u64).to_le_bytes());
            made.extend(delimiter);
            made.extend(frame.data.copied());
        }
        assert!(made == ivf, "{coding:?}");
    }
}

#[test]
fn heads_say_what_the_encoder_was_told() {
    let size = PictureSize { width: 64, height: 64 };
    let [vp8, vp9, av1] =
        CLIPS.map(|clip| gathered(clip, |_| false).remove(0).unwrap().head.unwrap());
    assert_eq!(*vp8, Head::Vp8 { size });
    let Head::Vp9(key) = *vp9 else { panic!("{vp9:?}") };
    assert_eq!((key.profile, key.bit_depth, key.subsampling), (0, 8, [true, true]));
    assert_eq!((key.colours, key.size), (Colours { matrix: 1, ..Colours::default() }, size));
    let Head::Av1 { unit, sequence } = &*av1 else { panic!("{av1:?}") };
    assert!(AV1.ivf[FILE + 12 + DELIMITER.len()..].starts_with(unit));
    assert_eq!((sequence.profile, sequence.level, sequence.tier, sequence.size), (0, 0, 0, size));
    assert_eq!((sequence.subsampling, sequence.monochrome), ([true, true], false));
    let colours = Colours { full_range: false, primaries: 1, transfer: 1, matrix: 1 };
    assert_eq!(sequence.colours, colours);
}

#[test]
fn a_lost_packet_costs_its_frame() {
    for clip @ Clip { coding, .. } in CLIPS {
        let all = clip.packets();
        let mut numbers: Vec<u32> = all.iter().map(|(timestamp, ..)| *timestamp).collect();
        numbers.dedup();
        let mine = |index: usize| numbers.iter().position(|number| *number == all[index].0);
        for lost in 0..all.len() {
            let alone = all.iter().filter(|(timestamp, ..)| *timestamp == all[lost].0).count() == 1;
            let mut expected: Vec<Option<u32>> = numbers.iter().copied().map(Some).collect();
            let number = mine(lost).unwrap();
            expected[number] = None;
            // Of AV1 it could be the first packet of the next one, but for a new sequence.
            let marked = all[lost].1 && coding == Coding::Av1;
            if let Some(next) = expected.get_mut(number + 1).filter(|_| marked)
                && all[lost + 1].2[0] & 0x08 == 0
            {
                *next = None;
            }
            if alone {
                expected.remove(number);
            }
            let mut found = gathered(clip, |index| index == lost);
            if lost + 1 == all.len() && !alone {
                found.push(None); // it would end with the next one
            }
            let found: Vec<_> = found.into_iter().map(|f| f.map(|f| f.timestamp)).collect();
            assert_eq!(found, expected, "{coding:?} without {lost}");
        }
    }
}
