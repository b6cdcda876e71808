//! Layers of one picture, and who is sent which.

use super::*;

/// Two layers of one picture, each with a key frame every ten frames.
fn layered(now: Instant, sources: &mut [Source; 2]) -> Vec<Packet> {
    let mut packets = Vec::new();
    for (layer, source) in sources.iter_mut().enumerate() {
        let frame = source.frame(now);
        packets.extend(frame.into_iter().map(|p| Packet { layer: layer as u8, ..p }));
    }
    packets
}

#[test]
fn a_viewer_changes_the_layer_at_a_key_frame_of_it() {
    let start = Instant::now();
    let mut stream = Stream::default();
    // The upper layer's key frames come three frames later.
    let mut sources = [Source::new(1, 1), Source::new(900, 77)];
    sources[1].frame = 7;
    stream.publish(2);
    let key = stream.add_viewer(start, start, 0);
    let mut now = start;
    let mut sent = Vec::new();
    for frame in 0..8 {
        now += FRAME;
        if frame == 1 {
            stream.select(now, key, 1, false);
            assert!(wishes(&mut stream).contains(&1));
        }
        sent.extend(feed(&mut stream, now, layered(now, &mut sources)));
    }
    let layers: Vec<u8> = sent.iter().map(|(_, out)| out.origin.unwrap().layer).collect();
    let change = layers.iter().position(|layer| *layer == 1).unwrap();
    assert!(layers[change..].iter().all(|layer| *layer == 1), "{layers:?}");
    assert_eq!(sent[change].1.payload[0], 0x67);
    assert!(seqs(&sent).windows(2).all(|w| w[1] == w[0] + 1), "numbers go on");
    stream.select(now, key, 0, true);
    let next = feed(&mut stream, now, vec![]);
    assert!(next[0].1.origin.unwrap().layer == 0 && next[0].1.payload[0] == 0x67, "from the cache");
}

/// A viewer of the lower of two layers, of which nine frames were sent since the key frame.
fn watched(now: &mut Instant) -> (Stream, ViewerKey, [Source; 2]) {
    let mut stream = Stream::default();
    let mut sources = [Source::new(1, 1), Source::new(900, 77)];
    stream.publish(2);
    let key = stream.add_viewer(*now, *now, 0);
    for _ in 0..9 {
        *now += FRAME;
        feed(&mut stream, *now, layered(*now, &mut sources));
    }
    wishes(&mut stream);
    (stream, key, sources)
}

fn layers_of(sent: &Sent) -> Vec<u8> {
    sent.iter().map(|(_, out)| out.origin.unwrap().layer).collect()
}

#[test]
fn without_a_key_frame_the_cached_group_is_played_and_the_picture_runs_until_then() {
    let mut now = Instant::now();
    let (mut stream, key, mut sources) = watched(&mut now);
    // The publisher answers no request and has its key frames far apart.
    for source in &mut sources {
        source.frame = 11;
    }
    stream.select(now, key, 1, false);
    assert_eq!(wishes(&mut stream), [1], "the publisher is asked all the same");
    let asked = now;
    let mut before = Vec::new();
    let after = loop {
        now += FRAME;
        let sent = feed(&mut stream, now, layered(now, &mut sources));
        assert!(!sent.is_empty(), "the picture never stands");
        if layers_of(&sent).contains(&1) {
            break sent;
        }
        before.extend(sent);
    };
    assert!((220..300).contains(&(now - asked).as_millis()), "{:?}", now - asked);
    assert!(layers_of(&before).iter().all(|layer| *layer == 0));
    let change = layers_of(&after).iter().position(|layer| *layer == 1).unwrap();
    assert_eq!(after[change].1.payload[0], 0x67, "from the key frame that is kept");
    let all: Sent = before.into_iter().chain(after).collect();
    assert!(seqs(&all).windows(2).all(|w| w[1] == w[0] + 1), "numbers go on");
    assert!(stream.deadline().is_none_or(|due| due > now + FRAME / 2), "and all is done");
}

#[test]
fn a_wish_that_is_taken_back_changes_nothing() {
    let mut now = Instant::now();
    let (mut stream, key, mut sources) = watched(&mut now);
    for source in &mut sources {
        source.frame = 11;
    }
    stream.select(now, key, 1, false);
    stream.select(now, key, 0, false);
    for _ in 0..20 {
        now += FRAME;
        let sent = feed(&mut stream, now, layered(now, &mut sources));
        assert!(layers_of(&sent).iter().all(|layer| *layer == 0));
    }
}

#[test]
fn a_layer_of_which_nothing_came_yet_begins_with_its_key_frame() {
    let mut now = Instant::now();
    let mut stream = Stream::default();
    let (mut lower, mut upper) = (Source::new(1, 1), Source::new(900, 77));
    stream.publish(2);
    let key = stream.add_viewer(now, now, 0);
    feed(&mut stream, now, lower.frame(now));
    stream.select(now, key, 1, false);
    for _ in 0..20 {
        now += FRAME;
        let sent = feed(&mut stream, now, lower.frame(now));
        assert!(!sent.is_empty() && layers_of(&sent).iter().all(|layer| *layer == 0));
    }
    let first = upper.frame(now).into_iter().map(|p| Packet { layer: 1, ..p }).collect();
    let sent = feed(&mut stream, now, first);
    assert_eq!(sent[0].1.payload[0], 0x67);
    assert!(layers_of(&sent).iter().all(|layer| *layer == 1));
}
