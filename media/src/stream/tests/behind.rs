//! Viewers whose connection takes less than they are sent.

use super::*;

#[test]
fn who_falls_behind_goes_on_with_the_next_key_frame_and_others_do_not_notice() {
    let start = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(100, 9_000);
    stream.publish(1);
    let slow = stream.add_viewer(start, start, 0);
    let other = stream.add_viewer(start, start, 0);
    let mut at = start;
    let mut frame = |stream: &mut Stream| {
        at += FRAME;
        feed(stream, at, source.frame(at))
    };
    for _ in 0..5 {
        frame(&mut stream);
    }
    wishes(&mut stream);
    frame(&mut stream);
    assert!(wishes(&mut stream).is_empty());
    stream.fell_behind(start + FRAME * 6, slow);
    assert_eq!(wishes(&mut stream), [0], "its next key frame may be far");
    for _ in 6..10 {
        let sent = frame(&mut stream);
        assert!(sent.iter().all(|(key, _)| *key == other), "nothing of what it fell behind in");
        assert_eq!(sent.len(), 4);
    }
    let sent = frame(&mut stream);
    let (slows, others): (Sent, Sent) = sent.into_iter().partition(|(key, _)| *key == slow);
    assert_eq!((slows.len(), others.len()), (6, 6), "a key frame with its parameter sets");
    assert_eq!(slows[0].1.payload[0], 0x67);
    assert_eq!(frame(&mut stream).len(), 8, "and it is up to date");
    wishes(&mut stream);
    frame(&mut stream);
    assert!(wishes(&mut stream).is_empty());
}

#[test]
fn who_fell_behind_begins_with_another_publisher() {
    let now = Instant::now();
    let mut stream = Stream::default();
    stream.publish(1);
    let slow = stream.add_viewer(now, now, 0);
    feed(&mut stream, now, Source::new(100, 9_000).frame(now));
    stream.fell_behind(now, slow);
    stream.publish(1);
    let sent = feed(&mut stream, now + FRAME, Source::new(500, 100).frame(now));
    assert!(sent.iter().any(|(_, out)| is_key(out)));
}
