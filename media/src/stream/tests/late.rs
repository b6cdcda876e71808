//! Packets that were lost on their way here and sent again.

use super::*;

/// Frames of a source, and a stream that nobody watches yet.
fn begun(frames: usize) -> (Instant, Stream, Vec<Vec<Packet>>) {
    let now = Instant::now();
    let (mut stream, mut source) = (Stream::default(), Source::new(70_000, u32::MAX - 30_000));
    stream.publish(1);
    (now, stream, (0..frames).map(|_| source.frame(now)).collect())
}

/// What a newcomer is played, in the order of the numbers.
fn newcomer(stream: &mut Stream, now: Instant) -> Vec<Got> {
    stream.add_viewer(now, now, 0);
    let mut sent: Vec<Got> = feed(stream, now, vec![]).into_iter().map(|(_, out)| out).collect();
    sent.sort_by_key(|out| out.seq);
    sent
}

/// Without a gap, and each frame shown after the one before it.
fn is_whole(sent: &[Got]) -> bool {
    sent.windows(2).all(|pair| {
        let later = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        pair[1].seq == pair[0].seq + 1 && later < 1 << 31 && (later > 0) == pair[0].marker
    })
}

#[test]
fn a_key_frame_whose_first_packet_is_late_takes_nothing_from_the_frames_after_it() {
    for first in [true, false] {
        let (now, mut stream, mut frames) = begun(if first { 4 } else { 14 });
        let key = frames.len() - 4;
        // The parameter sets came, and what says that it is a key frame did not.
        let missing = frames[key].remove(2);
        assert!(missing.inspection.key);
        for packet in &mut frames[key] {
            packet.inspection.key = false;
        }
        for frame in frames {
            feed(&mut stream, now, frame);
        }
        feed(&mut stream, now, vec![missing]);
        let sent = newcomer(&mut stream, now);
        assert_eq!(sent.len(), 2 + 4 * 4);
        assert_eq!(sent[0].payload[0], 0x67);
        assert!(is_whole(&sent), "{sent:?}");
    }
}

#[test]
fn a_whole_frame_that_is_late_is_played_in_its_place() {
    let (now, mut stream, mut frames) = begun(8);
    let (one, other, another) = (frames.remove(5), frames.remove(3), frames.remove(3));
    for frame in frames {
        feed(&mut stream, now, frame);
    }
    for late in [one, other, another] {
        feed(&mut stream, now, late);
    }
    let sent = newcomer(&mut stream, now);
    assert_eq!(sent.len(), 2 + 8 * 4);
    assert!(is_whole(&sent), "{sent:?}");
}

#[test]
fn a_whole_frame_that_comes_after_a_newcomer_still_gets_between_the_others() {
    let (now, mut stream, mut frames) = begun(8);
    let late = frames.remove(5);
    for frame in frames {
        feed(&mut stream, now, frame);
    }
    let mut sent = newcomer(&mut stream, now);
    sent.extend(feed(&mut stream, now, late).into_iter().map(|(_, out)| out));
    sent.sort_by_key(|out| out.seq);
    assert_eq!(sent.len(), 2 + 8 * 4);
    assert!(is_whole(&sent), "{sent:?}");
}

#[test]
fn frames_from_before_the_key_frame_are_not_for_newcomers() {
    let (now, mut stream, mut frames) = begun(13);
    let before = frames.remove(9);
    let key_before = frames[0].split_off(2);
    for frame in frames {
        feed(&mut stream, now, frame);
    }
    feed(&mut stream, now, before);
    feed(&mut stream, now, key_before);
    let sent = newcomer(&mut stream, now);
    assert_eq!(sent.len(), 2 + 3 * 4, "the last key frame and the two after it");
    assert!(is_whole(&sent), "{sent:?}");
}

#[test]
fn a_group_that_begins_while_a_newcomer_is_played_the_one_before_cuts_no_frame() {
    let (now, mut stream, mut frames) = begun(11);
    let next = frames.pop().unwrap();
    for frame in frames {
        feed(&mut stream, now, frame);
    }
    stream.add_viewer(now, now, 0);
    let mut sent: Vec<Got> = Vec::new();
    stream.pump(now, &mut |_: ViewerKey, out: Outgoing<'_>| sent.push(got(&out)));
    assert!(!sent.last().unwrap().marker, "the first part ends within a frame");
    sent.extend(feed(&mut stream, now, next).into_iter().map(|(_, out)| out));
    assert!(sent.len() < 2 + 10 * 4, "what is between them is left out");
    assert_eq!(sent.iter().filter(|out| out.key).count(), 2 * 4);
    assert!(is_whole(&sent), "{sent:?}");
}

#[test]
fn a_group_is_not_played_again_in_the_middle_of_a_frame() {
    for rest_comes in [true, false] {
        let (now, mut stream, mut frames) = begun(4);
        let mut last = frames.pop().unwrap();
        let rest = last.split_off(2);
        let key = stream.add_viewer(now, now, 0);
        for frame in frames {
            feed(&mut stream, now, frame);
        }
        stream.lost_picture(now, key);
        assert_eq!(stream.deadline(), None, "it has been answered before it came");
        let asked = now + FRAME * 3;
        stream.lost_picture(asked, key);
        let later = asked + Duration::from_millis(250);
        let mut sent = feed(&mut stream, later, last);
        assert_eq!(sent.len(), 2);
        if rest_comes {
            sent.extend(feed(&mut stream, later + FRAME, rest));
            let sent: Vec<Got> = sent.into_iter().map(|(_, out)| out).collect();
            assert_eq!(sent.len(), 4 + 2 + 4 * 4);
            assert!(is_whole(&sent), "{sent:?}");
        } else {
            let much_later = later + Duration::from_millis(150);
            assert_eq!(feed(&mut stream, much_later, vec![]).len(), 2 + 3 * 4 + 2);
        }
    }
}

#[test]
fn a_group_is_not_played_again_while_something_of_it_may_still_come() {
    for comes in [true, false] {
        let (now, mut stream, mut frames) = begun(6);
        let missing = frames[4].remove(1);
        let key = stream.add_viewer(now, now, 0);
        let mut sent = Vec::new();
        for (frame, at) in frames.into_iter().zip(0..) {
            sent.extend(feed(&mut stream, now + FRAME * at, frame));
        }
        let asked = now + FRAME * 6;
        stream.lost_picture(asked, key);
        let due = asked + Duration::from_millis(250);
        assert!(feed(&mut stream, due, vec![]).is_empty(), "it is waited for");
        let later = due + Duration::from_millis(if comes { 100 } else { 250 });
        let packets = if comes { vec![missing] } else { vec![] };
        sent.extend(feed(&mut stream, later, packets));
        let mut sent: Vec<Got> = sent.into_iter().map(|(_, out)| out).collect();
        sent.sort_by_key(|out| out.seq);
        let played = 2 + 6 * 4;
        assert_eq!(sent.len(), if comes { 2 * played } else { 2 * (played - 1) });
        if comes {
            assert!(is_whole(&sent), "also the number that it was missed under: {sent:?}");
        }
    }
}

#[test]
fn a_late_packet_that_a_key_frame_begins_with_has_its_number_whenever_the_group_is_played() {
    for sets in [true, false] {
        let now = Instant::now();
        let (mut stream, mut source) = (Stream::default(), Source::new(70_000, 9_000));
        stream.publish(1);
        let key = stream.add_viewer(now, now, 0);
        let mut sent = Vec::new();
        for _ in 0..10 {
            sent.extend(feed(&mut stream, now, source.frame(now)));
        }
        source.parameters = sets;
        let mut first = source.frame(now);
        // Each slice of it says that it is a key frame.
        let missing = first.remove(0);
        sent.extend(feed(&mut stream, now, first));
        stream.lost_picture(now + FRAME * 3, key);
        // The group is played again, and then to somebody else, and then it comes.
        let later = now + Duration::from_millis(700);
        sent.extend(feed(&mut stream, later, vec![]));
        let other = stream.add_viewer(later, later, 0);
        sent.extend(feed(&mut stream, later, vec![]));
        let late = feed(&mut stream, later, vec![missing]);
        assert_eq!(late.len(), 2, "both get it");
        sent.extend(late);
        for viewer in [key, other] {
            let mut sent = sent.clone();
            sent.retain(|(of, _)| *of == viewer);
            let mut sent: Vec<Got> = sent.into_iter().map(|(_, out)| out).collect();
            sent.sort_by_key(|out| out.seq);
            // Two parameter sets and four slices.
            assert!(is_whole(&sent[sent.len() - 6..]), "{sent:?}");
            assert!(sent.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        }
    }
}
