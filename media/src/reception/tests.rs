//! Receptions in virtual time, with a sender that has the keys.

mod network;

use crate::rtcp::ReceptionReport;
use crate::rtp::Kind;
use crate::srtp::{Keys, Profile, Sealer};

use super::*;

const MS: Duration = Duration::from_millis(1);
const VIDEO: u32 = 11;
const REPAIR: u32 = 12;
const PT: u8 = 96;
const RTX: u8 = 97;
const OPUS: u8 = 111;

/// What is in a packet besides its payload.
#[derive(Debug, Clone, Copy)]
struct Head<'a> {
    ssrc: u32,
    pt: u8,
    number: u64,
    timestamp: u32,
    extensions: &'a [(u8, &'a [u8])],
    padded: bool,
}

impl Head<'_> {
    fn of(number: u64) -> Self {
        let timestamp = number as u32 / 3 * 3_000;
        Self { ssrc: VIDEO, pt: PT, number, timestamp, extensions: &[], padded: false }
    }
}

/// The publisher's side.
struct Sender {
    sealer: Sealer,
    opener: Opener,
}

impl Sender {
    fn new() -> Self {
        let keys = Keys::from_dtls(Profile::AeadAes128Gcm, &[7; 56]).unwrap();
        Self {
            sealer: Sealer::new(&keys.client).unwrap(),
            opener: Opener::new(&keys.client).unwrap(),
        }
    }

    fn packet(&self, head: Head<'_>, payload: &[u8]) -> Vec<u8> {
        let extended = u8::from(!head.extensions.is_empty()) << 4;
        let mut packet = vec![0x80 | u8::from(head.padded) << 5 | extended, head.pt];
        packet.extend_from_slice(&(head.number as u16).to_be_bytes());
        packet.extend_from_slice(&head.timestamp.to_be_bytes());
        packet.extend_from_slice(&head.ssrc.to_be_bytes());
        if !head.extensions.is_empty() {
            let mut block = Vec::new();
            for (id, value) in head.extensions {
                block.push(id << 4 | (value.len() as u8 - 1));
                block.extend_from_slice(value);
            }
            block.resize(block.len().next_multiple_of(4), 0);
            packet.extend_from_slice(&[0xbe, 0xde, 0, (block.len() / 4) as u8]);
            packet.extend_from_slice(&block);
        }
        let header = packet.len();
        packet.extend_from_slice(payload);
        self.sealer.seal_rtp(&mut packet, 0, header, head.ssrc, head.number).unwrap();
        packet
    }
}

fn video(layers: &[&str], rtx: bool) -> TrackPlan {
    TrackPlan {
        kind: Kind::Video,
        formats: vec![Format { pt: PT, rtx: rtx.then_some(RTX), nack: true }],
        layers: layers.iter().map(|name| (*name).to_owned()).collect(),
        pairs: Vec::new(),
        reduced: false,
        wish: Some(Wish::Pli),
    }
}

fn audio() -> TrackPlan {
    TrackPlan {
        kind: Kind::Audio,
        formats: vec![Format { pt: OPUS, rtx: None, nack: false }],
        layers: Vec::new(),
        pairs: Vec::new(),
        reduced: false,
        wish: None,
    }
}

const IDS: ExtensionIds = ExtensionIds { transport: Some(2), layer: Some(4), repaired: Some(5) };

fn reception(plans: Vec<TrackPlan>) -> Reception {
    Reception::new(plans, IDS, 99, "rushes".to_owned())
}

/// The number and the layer of what is handed on.
fn handed(taken: Taken) -> Option<(u64, usize)> {
    match taken {
        Taken::Packet(packet) => Some((packet.seq, packet.layer)),
        Taken::Refused | Taken::Proven => None,
    }
}

/// All that is said now.
fn said(reception: &mut Reception, now: Instant) -> Vec<Feedback> {
    let (mut buf, mut said) = (Vec::new(), Vec::new());
    while reception.write(now, &mut buf) {
        assert!(buf.len() < 1_200, "{} bytes", buf.len());
        parse(&buf, |feedback| said.push(feedback));
        buf.clear();
    }
    said
}

#[test]
fn a_packet_counts_once_and_only_with_its_tag() {
    let (mut reception, sender, now) =
        (reception(vec![video(&[], true)]), Sender::new(), Instant::now());
    let packet = sender.packet(Head::of(5), b"x");
    let mut forged = packet.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(reception.packet(now, &sender.opener, &forged), Taken::Refused);
    assert_eq!(reception.deadline(), None, "nothing is remembered of it");
    let Taken::Packet(arrived) = reception.packet(now, &sender.opener, &packet) else { panic!() };
    assert_eq!((arrived.seq, &arrived.payload[..], arrived.replaces), (5, &b"x"[..], false));
    assert_eq!(reception.packet(now, &sender.opener, &packet), Taken::Refused, "a replay");
    let other = sender.packet(Head { pt: 100, ..Head::of(6) }, b"x");
    assert_eq!(reception.packet(now, &sender.opener, &other), Taken::Refused);
    for length in 0..packet.len() {
        assert_eq!(reception.packet(now, &sender.opener, &packet[..length]), Taken::Refused);
    }
    // Late, but not too late.
    let far = sender.packet(Head::of(4_100), b"x");
    assert!(handed(reception.packet(now, &sender.opener, &far)).is_some());
    for (number, comes) in [(4, false), (6, true)] {
        let late = sender.packet(Head::of(number), b"x");
        assert_eq!(handed(reception.packet(now, &sender.opener, &late)).is_some(), comes);
    }
}

#[test]
fn numbers_that_began_anew_unseen_are_found_out() {
    let (sender, start) = (Sender::new(), Instant::now());
    // What was sent before the keys were there is unknown.
    let mut late = reception(vec![video(&[], true)]);
    let first = sender.packet(Head::of(65_540), b"x");
    assert_eq!(handed(late.packet(start, &sender.opener, &first)), Some((65_540, 0)));
    // A long silence, in which much was lost.
    let mut reception = reception(vec![video(&[], true)]);
    let at = |n: u64| sender.packet(Head::of(n), b"x");
    assert!(handed(reception.packet(start, &sender.opener, &at(40_000))).is_some());
    let lost = at(40_000 + 50_000);
    assert_eq!(reception.packet(start, &sender.opener, &lost), Taken::Refused);
    let later = start + 1_001 * MS;
    assert_eq!(handed(reception.packet(later, &sender.opener, &lost)), Some((90_000, 0)));
    assert!(reception.take_lost().is_some(), "too much to ask for");
}

#[test]
fn layers_are_learned_from_their_names_once() {
    let (sender, now) = (Sender::new(), Instant::now());
    let mut reception = reception(vec![video(&["l", "h"], true)]);
    let take = |reception: &mut Reception, head: Head<'_>, payload: &[u8]| {
        let packet = sender.packet(head, payload);
        handed(reception.packet(now, &sender.opener, &packet))
    };
    let high = Head { ssrc: 20, extensions: &[(4, b"h")], ..Head::of(1) };
    assert_eq!(take(&mut reception, Head { extensions: &[], ..high }, b"x"), None);
    assert_eq!(take(&mut reception, Head { extensions: &[(4, b"z")], ..high }, b"x"), None);
    assert_eq!(take(&mut reception, high, b"x"), Some((1, 1)));
    let low = Head { ssrc: 30, extensions: &[(4, b"l"), (2, &[0, 9])], ..Head::of(7) };
    assert_eq!(take(&mut reception, low, b"x"), Some((7, 0)));
    // From then on they need none.
    for number in [2, 5] {
        let next = Head { number, extensions: &[], ..high };
        assert_eq!(take(&mut reception, next, b"x"), Some((number, 1)));
    }
    // What is sent again says what it repairs.
    let again = Head { ssrc: 21, pt: RTX, number: 100, extensions: &[], ..high };
    assert_eq!(take(&mut reception, again, &[0, 3, b'x']), None);
    let named = Head { extensions: &[(5, b"h")], ..again };
    assert_eq!(take(&mut reception, named, &[0, 3, b'x']), Some((3, 1)));
    assert_eq!(take(&mut reception, Head { number: 101, ..again }, &[0, 4, b'x']), Some((4, 1)));
    // That one came: and what only looks for bandwidth has no number.
    assert_eq!(take(&mut reception, Head { number: 102, ..again }, &[0, 4, b'x']), None);
    assert_eq!(take(&mut reception, Head { number: 103, ..again }, &[]), None);
}

#[test]
fn padding_is_left_out_also_of_what_is_sent_again() {
    let (sender, now) = (Sender::new(), Instant::now());
    let mut reception = reception(vec![video(&[], true)]);
    let mut take = |head: Head<'_>, payload: &[u8]| {
        let packet = sender.packet(Head { padded: true, ..head }, payload);
        match reception.packet(now, &sender.opener, &packet) {
            Taken::Packet(packet) => Ok((packet.seq, packet.payload.to_vec())),
            other => Err(other),
        }
    };
    assert_eq!(take(Head::of(5), &[7, 8, 0, 0, 3]), Ok((5, vec![7, 8])));
    assert_eq!(take(Head::of(6), &[2, 2]), Ok((6, vec![])));
    for (number, wrong) in [(7, &[1, 2, 0][..]), (8, &[1, 2, 4]), (9, &[])] {
        assert_eq!(take(Head::of(number), wrong), Err(Taken::Proven));
    }
    let again = |number| Head { ssrc: REPAIR, pt: RTX, ..Head::of(number) };
    assert_eq!(take(again(1), &[0, 4, 9, 9, 0, 2]), Ok((4, vec![9, 9])));
    // A probe is nothing but padding.
    assert_eq!(take(again(2), &[0, 0, 3]), Err(Taken::Proven));
    assert_eq!(take(again(3), &[0, 3, 1]), Ok((3, vec![])));
    assert_eq!(take(again(4), &[0, 2, 2]), Err(Taken::Proven), "half a number");
}

#[test]
fn retransmissions_belong_to_the_source_that_the_offer_says() {
    let (sender, now) = (Sender::new(), Instant::now());
    let plan = TrackPlan { pairs: vec![(40, 41), (50, 51)], ..video(&["l", "h"], true) };
    let mut reception = reception(vec![plan]);
    for (ssrc, name, number) in [(40, b"h", 4), (50, b"l", 9)] {
        let head = Head { ssrc, extensions: &[(4, name)], ..Head::of(number) };
        let packet = sender.packet(head, b"x");
        assert!(handed(reception.packet(now, &sender.opener, &packet)).is_some());
    }
    for (ssrc, layer, number) in [(51, 0, 8), (41, 1, 3)] {
        let packet = sender.packet(Head { ssrc, pt: RTX, ..Head::of(1) }, &[0, number, 1]);
        let taken = reception.packet(now, &sender.opener, &packet);
        assert_eq!(handed(taken), Some((number.into(), layer)));
        assert_eq!(reception.packet(now, &sender.opener, &packet), Taken::Refused, "a replay");
    }
}

#[test]
fn another_source_takes_the_place_and_the_one_before_is_out() {
    let (sender, now) = (Sender::new(), Instant::now());
    let mut reception = reception(vec![video(&[], true), audio()]);
    let take = |reception: &mut Reception, ssrc, pt, number| {
        let packet = sender.packet(Head { ssrc, pt, ..Head::of(number) }, b"xyz");
        match reception.packet(now, &sender.opener, &packet) {
            Taken::Packet(packet) => Some((packet.track, packet.replaces)),
            Taken::Refused | Taken::Proven => None,
        }
    };
    assert_eq!(take(&mut reception, 1, PT, 10), Some((0, false)));
    assert_eq!(take(&mut reception, 2, OPUS, 10), Some((1, false)));
    assert_eq!(take(&mut reception, 3, PT, 60_000), Some((0, true)));
    assert_eq!(take(&mut reception, 1, PT, 11), None);
    assert_eq!(take(&mut reception, 3, PT, 60_001), Some((0, false)));
    assert_eq!(take(&mut reception, 2, PT, 60_002), None, "a sound is no picture");
    let taken = (100..300).filter(|ssrc| take(&mut reception, *ssrc, PT, 1).is_some()).count();
    assert_eq!(taken, SOURCES - 3, "there is an end of it");
}

#[test]
fn the_publisher_is_told_how_its_tracks_arrive() {
    let (sender, start) = (Sender::new(), Instant::now());
    let mut reception = reception(vec![video(&[], true), audio()]);
    for number in [1, 2, 4] {
        let packet = sender.packet(Head::of(number), b"x");
        reception.packet(start, &sender.opener, &packet);
    }
    let sound = Head { ssrc: 77, pt: OPUS, ..Head::of(9) };
    reception.packet(start, &sender.opener, &sender.packet(sound, b"x"));
    let mut report = vec![0x80, 200, 0, 6];
    for word in [VIDEO, 5, 1 << 31, 90_000, 3, 300] {
        report.extend_from_slice(&word.to_be_bytes());
    }
    reception.control(start, &report);
    let late = sender.packet(Head::of(5), b"x");
    let Taken::Packet(arrived) = reception.packet(start, &sender.opener, &late) else { panic!() };
    assert_eq!(arrived.reported, Some(Reported { ntp: 5 << 32 | 1 << 31, rtp: 90_000 }));

    let reports = |reception: &mut Reception, now| -> Vec<ReceptionReport> {
        let said = said(reception, now).into_iter();
        said.filter_map(|s| if let Feedback::Report(r) = s { Some(r) } else { None }).collect()
    };
    assert_eq!(reports(&mut reception, start + 100 * MS), []);
    let [picture, sound] = reports(&mut reception, start + FIRST_REPORT)[..] else { panic!() };
    assert_eq!((picture.ssrc, picture.fraction_lost, picture.lost), (VIDEO, 51, 1));
    assert_eq!((picture.highest, picture.last_report), (5, 5 << 16 | 1 << 15));
    assert_eq!((sound.ssrc, sound.lost, sound.last_report), (77, 0, 0));
    assert_eq!(reports(&mut reception, start + FIRST_REPORT + REPORTS), [], "they are silent");
    assert!(reception.deadline().is_some(), "and looked after");
}

#[test]
fn a_key_frame_is_asked_for_as_was_agreed_on() {
    let (sender, now) = (Sender::new(), Instant::now());
    for (wish, asked) in [(Some(Wish::Pli), 1), (Some(Wish::Fir), 1), (None, 0)] {
        let mut reception = reception(vec![TrackPlan { wish, ..video(&[], true) }]);
        reception.want_key_frame(now, 0, 0);
        assert_eq!(reception.deadline(), None, "of whom?");
        reception.packet(now, &sender.opener, &sender.packet(Head::of(1), b"x"));
        reception.want_key_frame(now, 0, 0);
        reception.want_key_frame(now, 0, 0);
        reception.want_key_frame(now, 0, 9);
        reception.want_key_frame(now, 9, 0);
        let said = said(&mut reception, now);
        assert_eq!(said, vec![Feedback::KeyFrame { ssrc: VIDEO }; asked], "{wish:?}");
    }
}

#[test]
fn what_comes_before_a_key_frame_is_not_asked_for() {
    let (sender, now) = (Sender::new(), Instant::now());
    let mut reception = reception(vec![video(&[], true)]);
    // 1 and 4 of the frames before never came, and of the key frame the first and a middle one.
    for (number, timestamp) in [(0, 0), (2, 0), (3, 3_000), (5, 3_000), (7, 6_000), (9, 6_000)] {
        let packet = sender.packet(Head { timestamp, ..Head::of(number) }, b"x");
        reception.packet(now, &sender.opener, &packet);
    }
    reception.key_frame(0, 0, 3_000);
    reception.key_frame(0, 0, 6_000);
    let asked = said(&mut reception, now + 10 * MS);
    assert_eq!(asked, [Feedback::Nack { ssrc: VIDEO, first: 6, following: 2 }]);
    assert_eq!(reception.take_lost(), None);
}

#[test]
fn who_did_not_offer_it_is_not_asked() {
    let (sender, now) = (Sender::new(), Instant::now());
    let mut plan = video(&[], false);
    plan.formats[0].nack = false;
    let mut reception = reception(vec![plan, audio()]);
    for number in [1, 5, 90] {
        for (ssrc, pt) in [(VIDEO, PT), (2, OPUS)] {
            let packet = sender.packet(Head { ssrc, pt, ..Head::of(number) }, b"x");
            reception.packet(now, &sender.opener, &packet);
        }
    }
    assert_eq!(said(&mut reception, now + 100 * MS), []);
    assert_eq!(reception.take_lost(), None);
}

#[test]
fn arrivals_are_told_to_who_numbers_them() {
    let (sender, now) = (Sender::new(), Instant::now());
    let mut reception = reception(vec![video(&[], true)]);
    let mut counts = Vec::new();
    for number in 1..4u64 {
        let numbered: [(u8, &[u8]); 1] = [(2, &[0, number as u8])];
        let head = Head { extensions: &numbered, ..Head::of(number) };
        reception.packet(now, &sender.opener, &sender.packet(head, b"x"));
        let mut buf = Vec::new();
        while reception.write(now + 50 * MS * number as u32, &mut buf) {
            let at = buf.windows(2).position(|pair| pair == [0x8f, 205]).unwrap();
            counts.push((buf[at + 12..at + 16].to_vec(), buf[at + 19]));
            buf.clear();
        }
    }
    let told = |seq, count| (vec![0, seq, 0, 1], count);
    assert_eq!(counts, [told(1, 0), told(2, 1), told(3, 2)]);
}

#[test]
fn requests_go_alone_where_that_was_agreed_on() {
    let (sender, now) = (Sender::new(), Instant::now());
    for reduced in [true, false] {
        let mut reception = reception(vec![TrackPlan { reduced, ..video(&[], true) }]);
        for number in [1, 5] {
            reception.packet(now, &sender.opener, &sender.packet(Head::of(number), b"x"));
        }
        reception.want_key_frame(now, 0, 0);
        let (mut datagrams, mut buf) = (Vec::new(), Vec::new());
        while reception.write(now + 10 * MS, &mut buf) {
            datagrams.push(std::mem::take(&mut buf));
        }
        let kinds: Vec<(u8, usize)> = datagrams.iter().map(|d| (d[1], d.len())).collect();
        match reduced {
            true => assert_eq!(kinds, [(205, 16), (206, 12)]),
            false => assert!(matches!(kinds[..], [(201, _)]), "{kinds:?}"),
        }
        assert!(reception.deadline().is_some_and(|at| at > now + 10 * MS));
    }
}
