//! What was made of a picture beside the publisher's own, and who is sent which.

use super::*;

/// A publisher's frame and the one that was made of it.
fn both(now: Instant, [own, made]: &mut [Source; 2]) -> Vec<Packet> {
    let mut packets = own.frame(now);
    packets.extend(made.frame(now).into_iter().map(|packet| Packet { layer: MADE, ..packet }));
    packets
}

fn of(sent: &Sent, key: ViewerKey) -> Vec<&Got> {
    sent.iter().filter(|(to, _)| *to == key).map(|(_, got)| got).collect()
}

fn layers(sent: &Sent, key: ViewerKey) -> Vec<u8> {
    let mut layers: Vec<u8> = of(sent, key).iter().map(|got| got.origin.unwrap().layer).collect();
    layers.dedup();
    layers
}

#[test]
fn each_is_sent_its_own_and_wishes_for_its_own() {
    let mut now = Instant::now();
    let mut stream = Stream::default();
    stream.publish(1);
    let mut sources = [Source::new(1, 1), Source::new(1, 1)];
    let (own, made) = (stream.add_viewer(now, now, 0), stream.add_viewer(now, now, MADE));
    assert_eq!(wishes(&mut stream), [0, MADE], "there is nothing yet");
    let mut sent = Vec::new();
    for _ in 0..8 {
        now += FRAME;
        sent.extend(feed(&mut stream, now, both(now, &mut sources)));
    }
    assert_eq!((layers(&sent, own), layers(&sent, made)), (vec![0], vec![MADE]));
    stream.lost_picture(now + FRAME * 50, made);
    assert_eq!(wishes(&mut stream), [MADE]);
    let origin = of(&sent, made)[3].origin.unwrap();
    assert_eq!(stream.stored(origin).unwrap().layer, MADE, "and is sent that again");
}

#[test]
fn what_was_made_is_forgotten_and_the_others_notice_nothing() {
    let mut now = Instant::now();
    let mut stream = Stream::default();
    stream.publish(1);
    let mut sources = [Source::new(1, 1), Source::new(1, 1)];
    let (own, made) = (stream.add_viewer(now, now, 0), stream.add_viewer(now, now, MADE));
    let mut sent = Vec::new();
    for frame in 0..20 {
        now += FRAME;
        let packets = both(now, &mut sources);
        sent.extend(feed(&mut stream, now, packets));
        if frame == 4 {
            wishes(&mut stream);
            stream.forget_made(now);
            assert_eq!(wishes(&mut stream), [MADE]);
        }
    }
    let own = of(&sent, own);
    assert!(own.len() >= 80 && own.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
    let made = of(&sent, made);
    let anew = made.iter().filter(|got| got.payload[0] == 0x67).count();
    assert!(anew == 2, "it begins with a key frame again");
    assert!(made.len() < 80 && made.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
    // A newcomer is not played what is over.
    stream.forget_made(now);
    let newcomer = stream.add_viewer(now, now, MADE);
    let next = feed(&mut stream, now, sources[0].frame(now));
    assert!(of(&next, newcomer).is_empty());
}

#[test]
fn a_viewer_goes_over_at_once_and_back_and_another_publisher_has_made_nothing_yet() {
    let mut now = Instant::now();
    let mut stream = Stream::default();
    stream.publish(1);
    let mut sources = [Source::new(1, 1), Source::new(1, 1)];
    let key = stream.add_viewer(now, now, 0);
    let step = |stream: &mut Stream, now: &mut Instant, sources: &mut [Source; 2]| {
        *now += FRAME;
        feed(stream, *now, both(*now, sources))
    };
    step(&mut stream, &mut now, &mut sources);
    stream.forget_made(now);
    // Nothing was made since; what the publisher sends is not for it any more.
    stream.select(now, key, MADE, true);
    assert!(wishes(&mut stream).contains(&MADE));
    let sent = step(&mut stream, &mut now, &mut sources);
    assert!(sent.is_empty(), "{sent:?}");
    sources[1].frame = 10;
    let sent = step(&mut stream, &mut now, &mut sources);
    assert_eq!((layers(&sent, key), sent[0].1.payload[0]), (vec![MADE], 0x67));
    stream.publish(1);
    sources[0].frame = 10;
    let sent = step(&mut stream, &mut now, &mut sources);
    assert_eq!(layers(&sent, key), [0]);
    assert!(seqs(&sent).windows(2).all(|pair| pair[1] == pair[0] + 1));
}

#[test]
fn each_hears_the_channels_that_it_takes_and_goes_over_without_a_break() {
    let mut now = Instant::now();
    let mut stream = Stream::default();
    stream.publish(1);
    let (two, six) = (stream.add_viewer(now, now, 0), stream.add_viewer(now, now, 0));
    stream.hear(six, MADE);
    let mut sent = Vec::new();
    let mut step = |stream: &mut Stream, seq: u64, surround: bool| {
        now += Duration::from_millis(20);
        let mixed = audio(seq, seq as u32 * 960, now);
        let all = Packet { codec: Codec::MultiOpus, layer: MADE, ..mixed.clone() };
        let count = 1 + usize::from(surround);
        stream.packets(now, &[mixed, all][..count], &mut |key: ViewerKey, out: Outgoing<'_>| {
            sent.push((key, out.packet.codec, out.seq, out.timestamp));
        });
    };
    (1..4).for_each(|seq| step(&mut stream, seq, true));
    // The source goes on in two.
    stream.hear(six, 0);
    (4..6).for_each(|seq| step(&mut stream, seq, false));
    stream.hear(six, MADE);
    (6..8).for_each(|seq| step(&mut stream, seq, true));
    let of = |key: ViewerKey| sent.iter().filter(move |(to, ..)| *to == key);
    let codecs = |key| of(key).map(|(_, codec, ..)| *codec).collect::<Vec<_>>();
    assert_eq!(codecs(two), [Codec::Opus; 7]);
    let (o, m) = (Codec::Opus, Codec::MultiOpus);
    assert_eq!(codecs(six), [m, m, m, o, o, m, m]);
    for key in [two, six] {
        let numbers: Vec<(u64, u32)> = of(key).map(|(_, _, seq, at)| (*seq, *at)).collect();
        let on = |pair: &[(u64, u32)]| {
            (pair[1].0 - pair[0].0, pair[1].1.wrapping_sub(pair[0].1)) == (1, 960)
        };
        assert!(numbers.windows(2).all(on), "{numbers:?}");
    }
}
