mod layers;
mod made;

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::rtp::inspect;

const FRAME: Duration = Duration::from_millis(40);

/// A made-up encoder: four packets a frame, a key frame every ten.
struct Source {
    seq: u64,
    timestamp: u32,
    frame: u64,
    parameters: bool,
}

impl Source {
    fn new(seq: u64, timestamp: u32) -> Self {
        Self { seq, timestamp, frame: 0, parameters: true }
    }

    fn packet(&mut self, now: Instant, payload: &[u8], marker: bool) -> Packet {
        self.seq += 1;
        Packet {
            codec: Codec::H264,
            layer: 0,
            seq: self.seq,
            timestamp: self.timestamp,
            marker,
            inspection: inspect(Codec::H264, payload),
            payload: payload.into(),
            captured: now,
        }
    }

    fn frame(&mut self, now: Instant) -> Vec<Packet> {
        let key = self.frame.is_multiple_of(10);
        self.frame += 1;
        self.timestamp = self.timestamp.wrapping_add(3600);
        let unit = if key { 0x65 } else { 0x41 };
        let mut packets = Vec::new();
        if key && self.parameters {
            packets.push(self.packet(now, &[0x67, 0x42], false));
            packets.push(self.packet(now, &[0x68, 0xce], false));
        }
        for part in 0..4u8 {
            packets.push(self.packet(now, &[unit, part], part == 3));
        }
        packets
    }
}

fn audio(seq: u64, timestamp: u32, now: Instant) -> Packet {
    Packet {
        codec: Codec::Opus,
        layer: 0,
        seq,
        timestamp,
        marker: false,
        payload: [1u8, 2, 3].as_slice().into(),
        captured: now,
        inspection: Inspection::default(),
    }
}

/// What a viewer was sent.
#[derive(Debug, Clone)]
struct Got {
    seq: u64,
    timestamp: u32,
    marker: bool,
    payload: Payload,
    key: bool,
    origin: Option<Origin>,
}

type Sent = Vec<(ViewerKey, Got)>;

fn got(out: &Outgoing<'_>) -> Got {
    Got {
        seq: out.seq,
        timestamp: out.timestamp,
        marker: out.marker,
        payload: out.packet.payload.clone(),
        key: out.packet.inspection.key,
        origin: out.origin,
    }
}

/// Hands over packets, and then plays all that is cached, as if it took no time.
fn feed(stream: &mut Stream, now: Instant, packets: Vec<Packet>) -> Sent {
    let mut sent = Vec::new();
    let mut sink = |key: ViewerKey, out: Outgoing<'_>| sent.push((key, got(&out)));
    stream.packets(now, &packets, &mut sink);
    let mut at = now;
    while let Some(due) = stream.deadline().filter(|due| *due <= now + FRAME / 2) {
        at = at.max(due);
        stream.pump(at, &mut sink);
    }
    sent
}

/// The layers of which a key frame is wished for.
fn wishes(stream: &mut Stream) -> Vec<u8> {
    stream.take_wishes().collect()
}

fn is_key(out: &Got) -> bool {
    out.key
}

fn seqs(sent: &Sent) -> Vec<u64> {
    sent.iter().map(|(_, out)| out.seq).collect()
}

mod behind;
mod burst;
mod late;

#[test]
fn a_newcomer_gets_the_cached_group_at_once() {
    let start = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(70_000, u32::MAX - 9_000);
    stream.publish(1);
    for frame in 0..7 {
        assert!(feed(&mut stream, start + FRAME * frame, source.frame(start)).is_empty());
    }
    let now = start + FRAME * 7;
    stream.add_viewer(now, now, 0);
    let sent = feed(&mut stream, now, vec![]);
    assert_eq!(sent.len(), 2 + 7 * 4);
    assert_eq!(sent[0].1.payload[0], 0x67, "parameter sets come first");
    assert!(sent[0].1.seq < 65_536);
    assert!(seqs(&sent).windows(2).all(|w| w[1] == w[0] + 1), "without a gap");

    let times: Vec<u32> = sent.iter().map(|(_, out)| out.timestamp).collect();
    let span = times.last().unwrap().wrapping_sub(times[0]);
    assert_eq!(span, 6 * 90, "the cached frames are drawn together");

    let live = feed(&mut stream, now, source.frame(now));
    let last = *times.last().unwrap();
    assert_eq!(live[0].1.timestamp.wrapping_sub(last), 3600, "then it goes on as it comes");
    assert_eq!(live[0].1.seq, sent.last().unwrap().1.seq + 1);
}

#[test]
fn a_newcomer_is_not_flooded_whoever_else_comes() {
    let start = Instant::now();
    let (mut stream, mut source) = (Stream::default(), Source::new(100, 7));
    stream.publish(1);
    for _ in 0..10 {
        feed(&mut stream, start, source.frame(start));
    }
    let first = stream.add_viewer(start, start, 0);
    // Another one every tenth of a millisecond: each wakes the stream.
    let mut sent: Vec<(Instant, u64)> = Vec::new();
    for tick in 0..100 {
        let now = start + Duration::from_micros(100) * tick;
        stream.pump(now, &mut |key: ViewerKey, out: Outgoing<'_>| {
            if key == first {
                sent.push((now, out.seq));
            }
        });
        stream.add_viewer(now, now, 0);
    }
    assert_eq!(sent.len(), 42);
    for (at, _) in &sent {
        let at_once = sent.iter().filter(|(other, _)| other >= at && *other < *at + FEED).count();
        assert!(at_once <= 16, "{at_once} packets within {FEED:?}");
    }
}

#[test]
fn without_a_cached_group_a_key_frame_is_wished_for_and_awaited() {
    let start = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(1, 1);
    stream.publish(1);
    stream.add_viewer(start, start, 0);
    assert_eq!(wishes(&mut stream), [0]);
    assert!(wishes(&mut stream).is_empty(), "told once");
    source.frame(start); // the key frame is lost on its way
    let sent = feed(&mut stream, start, source.frame(start));
    assert!(sent.is_empty());
    assert_eq!(wishes(&mut stream), [0], "still needed");
    for _ in 0..8 {
        source.frame(start);
    }
    let sent = feed(&mut stream, start, source.frame(start));
    assert_eq!(sent.len(), 6);
    assert!(wishes(&mut stream).is_empty(), "answered");
}

#[test]
fn nothing_is_sent_before_the_viewer_is_ready() {
    let start = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(1, 1);
    stream.publish(1);
    feed(&mut stream, start, source.frame(start));
    stream.add_viewer(start, start + FRAME, 0);
    assert!(feed(&mut stream, start, vec![audio(1, 1, start)]).is_empty());
    assert_eq!(stream.deadline(), Some(start + FRAME));
    let now = start + FRAME;
    assert_eq!(feed(&mut stream, now, vec![]).len(), 6);
    assert_eq!(feed(&mut stream, now, vec![audio(2, 961, now)]).len(), 1);
}

#[test]
fn who_lost_the_picture_is_played_the_group_again_if_no_key_frame_comes() {
    let start = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(1, 1);
    stream.publish(1);
    let key = stream.add_viewer(start, start, 0);
    let mut all = Vec::new();
    for frame in 0..4 {
        all.extend(feed(&mut stream, start + FRAME * frame, source.frame(start)));
    }
    let now = start + FRAME * 4;
    stream.lost_picture(now, key);
    assert_eq!(wishes(&mut stream), [0], "the publisher is asked first");
    assert!(feed(&mut stream, now, vec![]).is_empty());
    let later = now + Duration::from_millis(250);
    let again = feed(&mut stream, later, vec![]);
    assert_eq!(again.len(), 2 + 4 * 4);
    assert!(again[0].1.payload[0] == 0x67 && again[0].1.seq == all.last().unwrap().1.seq + 1);
    stream.lost_picture(later, key);
    let soon = later + Duration::from_millis(300);
    assert!(feed(&mut stream, soon, vec![]).is_empty(), "not more than once a second");

    // A key frame that comes by itself makes the repetition needless.
    for _ in 0..6 {
        feed(&mut stream, soon, source.frame(soon));
    }
    let live = feed(&mut stream, soon, source.frame(soon));
    assert!(live[0].1.payload[0] == 0x67);
    let much_later = later + Duration::from_secs(2);
    assert!(feed(&mut stream, much_later, vec![]).is_empty());
}

#[test]
fn what_was_sent_is_found_again_until_another_publishes() {
    let start = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(1, 1);
    stream.publish(1);
    stream.add_viewer(start, start, 0);
    let sent = feed(&mut stream, start, source.frame(start));
    let lost = &sent[3].1;
    let found = stream.stored(lost.origin.unwrap()).unwrap();
    assert_eq!(found.payload, lost.payload);
    stream.publish(1);
    assert!(stream.stored(lost.origin.unwrap()).is_none());
}

#[test]
fn a_gap_is_followed_by_a_key_frame() {
    let now = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(1, 1);
    stream.publish(1);
    stream.add_viewer(now, now, 0);
    feed(&mut stream, now, source.frame(now));
    stream.gap(now);
    assert_eq!(wishes(&mut stream), [0]);
    assert!(feed(&mut stream, now, source.frame(now)).is_empty());
}

#[test]
fn a_takeover_is_seamless_for_the_viewer() {
    let start = Instant::now();
    let mut stream = Stream::default();
    let mut first = Source::new(5_000, 1_000_000);
    stream.publish(1);
    stream.add_viewer(start, start, 0);
    let mut all = Vec::new();
    let mut now = start;
    for _ in 0..13 {
        now += FRAME;
        all.extend(feed(&mut stream, now, first.frame(now)));
    }
    let mut second = Source::new(40, 77);
    stream.publish(1);
    assert!(feed(&mut stream, now, vec![]).is_empty());
    now += Duration::from_secs(2);
    let begin = all.len();
    for _ in 0..13 {
        now += FRAME;
        all.extend(feed(&mut stream, now, second.frame(now)));
    }
    assert!(seqs(&all).windows(2).all(|w| w[1] == w[0] + 1), "numbers go on");
    assert_eq!(all[begin].1.payload[0], 0x67, "with a key frame of the new one");
    let jump = all[begin].1.timestamp.wrapping_sub(all[begin - 1].1.timestamp);
    let expected = 90 * (2_000 + 40);
    assert!(jump.abs_diff(expected) <= 180, "time goes on as it passed: {jump}");
}

#[test]
fn sound_goes_on_across_a_takeover() {
    let start = Instant::now();
    let mut stream = Stream::default();
    stream.publish(1);
    stream.add_viewer(start, start, 0);
    let one = feed(&mut stream, start, vec![audio(60_000, 5, start), audio(60_001, 965, start)]);
    stream.publish(1);
    let later = start + Duration::from_secs(1);
    let two = feed(&mut stream, later, vec![audio(3, 9_000, later)]);
    assert!(one[0].1.marker && !one[1].1.marker && two[0].1.marker);
    assert_eq!(two[0].1.seq, one[1].1.seq + 1);
    assert_eq!(two[0].1.timestamp.wrapping_sub(one[1].1.timestamp), 48_000);
}

#[test]
fn a_key_frame_without_parameter_sets_gets_the_last_ones() {
    let now = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(1, 1);
    stream.publish(1);
    for _ in 0..10 {
        feed(&mut stream, now, source.frame(now));
    }
    source.parameters = false;
    feed(&mut stream, now, source.frame(now));
    stream.add_viewer(now, now, 0);
    let sent = feed(&mut stream, now, vec![]);
    let kinds: Vec<u8> = sent.iter().map(|(_, out)| out.payload[0]).collect();
    assert_eq!(kinds, [0x67, 0x68, 0x65, 0x65, 0x65, 0x65]);
    assert!(seqs(&sent).windows(2).all(|w| w[1] == w[0] + 1));
    assert!(sent.iter().all(|(_, out)| out.timestamp == sent[0].1.timestamp));
}

#[test]
fn a_late_packet_never_gets_the_number_of_repeated_parameter_sets() {
    let now = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(1, 1);
    stream.publish(1);
    let mut late = Vec::new();
    for frame in 0..10 {
        let mut packets = source.frame(now);
        if frame == 9 {
            late = packets.split_off(2);
        }
        feed(&mut stream, now, packets);
    }
    source.parameters = false;
    feed(&mut stream, now, source.frame(now));
    stream.add_viewer(now, now, 0);
    let mut sent = feed(&mut stream, now, vec![]);
    assert_eq!(sent[0].1.payload[0], 0x67);
    // The two packets just before the key frame, whose numbers the parameter sets have.
    sent.extend(feed(&mut stream, now, late));
    let mut used = HashSet::new();
    assert!(sent.iter().all(|(_, out)| used.insert(out.seq)), "{:?}", seqs(&sent));
}

#[test]
fn a_group_beyond_its_limits_is_dropped() {
    let now = Instant::now();
    let limits = GopLimits { packets: 20, ..GopLimits::default() };
    let mut stream = Stream::new(limits);
    let mut source = Source::new(1, 1);
    stream.publish(1);
    let early = stream.add_viewer(now, now, 0);
    let mut sent = Vec::new();
    for _ in 0..9 {
        sent.extend(feed(&mut stream, now, source.frame(now)));
    }
    assert_eq!(sent.len(), 2 + 9 * 4, "who is up to date loses nothing");
    let now = now + Duration::from_secs(1);
    let late = stream.add_viewer(now, now, 0);
    assert_eq!(wishes(&mut stream), [0]);
    let next = feed(&mut stream, now, source.frame(now));
    assert!(next.iter().all(|(key, _)| *key == early));
    let next = feed(&mut stream, now, source.frame(now));
    assert!(next.iter().any(|(key, out)| *key == late && is_key(out)));
}

#[test]
fn a_late_packet_of_a_cached_frame_keeps_its_timestamp() {
    let now = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(1, 1);
    stream.publish(1);
    let mut frames: Vec<_> = (0..4).map(|_| source.frame(now)).collect();
    let missing = frames[1].remove(2);
    for frame in frames {
        feed(&mut stream, now, frame);
    }
    stream.add_viewer(now, now, 0);
    let sent = feed(&mut stream, now, vec![]);
    let late = feed(&mut stream, now, vec![missing]);
    let before = sent.iter().find(|(_, out)| out.seq + 1 == late[0].1.seq).unwrap();
    assert_eq!(before.1.timestamp, late[0].1.timestamp);
}

#[test]
fn a_removed_viewer_gets_nothing() {
    let now = Instant::now();
    let mut stream = Stream::default();
    let mut source = Source::new(1, 1);
    stream.publish(1);
    let key = stream.add_viewer(now, now, 0);
    stream.remove_viewer(key);
    assert_eq!(stream.viewers(), 0);
    assert!(feed(&mut stream, now, source.frame(now)).is_empty());
    assert_eq!(stream.add_viewer(now, now, 0), key, "its place is used again");
}

#[derive(Debug, Clone)]
enum Step {
    Frame { lost: u8, swap: bool },
    Takeover { seq: u32, timestamp: u32 },
    Leave,
    Join,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (any::<u8>(), any::<bool>()).prop_map(|(lost, swap)| Step::Frame { lost: lost & lost >> 3, swap }),
        1 => (0..200_000u32, any::<u32>()).prop_map(|(seq, timestamp)| Step::Takeover { seq, timestamp }),
        1 => Just(Step::Leave),
        2 => Just(Step::Join),
    ]
}

proptest! {
    /// Whatever is lost, reordered or taken over: no number is used twice for
    /// different content, none jumps by more than what was lost, the first fits
    /// a receiver's rollover counter, and a run begins with a key frame.
    #[test]
    fn every_viewer_sees_one_unbroken_numbering(steps in proptest::collection::vec(step(), 1..120)) {
        let mut now = Instant::now();
        let mut stream = Stream::default();
        let mut source = Source::new(1, 1);
        stream.publish(1);
        let mut seen: Vec<Vec<Got>> = Vec::new();
        let mut published = true;
        for step in steps {
            now += FRAME;
            let sent = match step {
                Step::Frame { lost, swap } => {
                    let mut packets = source.frame(now);
                    let mut index = 0;
                    packets.retain(|_| { index += 1; lost >> index & 1 == 0 });
                    if swap && packets.len() > 1 { packets.swap(0, 1); }
                    feed(&mut stream, now, packets)
                }
                Step::Takeover { seq, timestamp } => {
                    source = Source::new(u64::from(seq), timestamp);
                    stream.publish(1);
                    published = true;
                    feed(&mut stream, now, vec![])
                }
                Step::Leave => { stream.unpublish(); published = false; vec![] }
                Step::Join => { stream.add_viewer(now, now, 0); seen.push(Vec::new()); vec![] }
            };
            prop_assert!(published || sent.is_empty());
            for (key, out) in sent {
                seen[key.0 as usize].push(out);
            }
        }
        for viewer in seen {
            let Some(first) = viewer.first() else { continue };
            prop_assert!(first.seq < 65_536);
            let mut used = HashSet::new();
            let mut highest = first.seq;
            for out in &viewer {
                prop_assert!(used.insert(out.seq), "{} twice", out.seq);
                // At most a whole frame's loss and the frames lost whole (8 bits of 6).
                prop_assert!(out.seq < highest + 400);
                highest = highest.max(out.seq);
            }
            let starts_whole = viewer.iter().take(8).any(is_key);
            prop_assert!(starts_whole);
        }
    }
}
