//! What strangers send.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::handshake::tests::{call, write_call};
use super::super::handshake::{CONCLUSION, Extensions, INDUCTION};
use super::super::packet::{HEADER, Kind, write_control};
use super::super::*;

fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

fn datagram(body: &[u8]) -> Vec<u8> {
    write_control(Kind::Handshake, 0, 0, 0, body)
}

/// What a listener answers: the datagrams, and those who ask to be let in.
fn said(listener: &mut Listener) -> (Vec<Vec<u8>>, Vec<Call>) {
    let (mut sent, mut calls) = (Vec::new(), Vec::new());
    while let Some(output) = listener.poll() {
        match output {
            Output::Send(_, bytes) => sent.push(bytes),
            Output::Call(call) => calls.push(call),
            Output::Data(..) | Output::Closed(..) => {}
        }
    }
    (sent, calls)
}

fn word(bytes: &[u8], index: usize) -> u32 {
    let at = HEADER + index * 4;
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The cookie that a listener gives out.
fn cookie(listener: &mut Listener, now: Instant, from: SocketAddr) -> u32 {
    let body = write_call(&call(INDUCTION, 0, 1, 0), &Extensions::default());
    listener.datagram(now, from, &datagram(&body));
    word(&said(listener).0[0], 7)
}

fn request() -> Extensions {
    Extensions { request: Some((0x01_05_01, 0xbf, 120, 120)), ..Extensions::default() }
}

/// Calls with a proper cookie and these bytes behind the extensions.
fn conclude(
    listener: &mut Listener,
    now: Instant,
    from: SocketAddr,
    id: u32,
    more: &[u8],
) -> (Vec<Vec<u8>>, Vec<Call>) {
    let cookie = cookie(listener, now, from);
    let mut body = write_call(&call(CONCLUSION, cookie, id, 0), &request());
    body.extend_from_slice(more);
    listener.datagram(now, from, &datagram(&body));
    said(listener)
}

fn listener() -> (Instant, Listener) {
    let now = Instant::now();
    (now, Listener::new(now, Limits::default()))
}

/// srt-tokio falls to the first of these: a congestion extension (type 6) in a handshake.
#[test]
fn packets_that_felled_another_listener() {
    let (now, mut listener) = listener();
    let from = address(1, 4000);
    // Not even a cookie: nothing comes of it.
    let mut body = write_call(&call(CONCLUSION, 0, 9, 0), &request());
    body.extend_from_slice(&[0, 6, 0, 1, b'e', b'v', b'i', b'l']);
    listener.datagram(now, from, &datagram(&body));
    let (sent, calls) = said(&mut listener);
    assert!(sent.is_empty() && calls.is_empty(), "a stranger without a cookie");
    // With a cookie: "live" is taken, all else refused, and the port goes on.
    let (_, calls) = conclude(&mut listener, now, from, 9, &[0, 6, 0, 1, b'e', b'v', b'i', b'l']);
    assert_eq!(calls.len(), 1);
    let (sent, calls) =
        conclude(&mut listener, now, from, 10, &[0, 6, 0, 1, b'e', b'l', b'i', b'f']);
    assert!(calls.is_empty());
    assert_eq!(word(&sent[0], 5), 1013);
}

/// A passphrase where none is wanted, and key material that says another length than it has.
#[test]
fn key_material_is_no_defect() {
    let (now, mut listener) = listener();
    let from = address(1, 4000);
    let sender = SenderKeys::new("a passphrase", 32);
    let message = sender.message(&[KeySlot::Even]);
    let mut extension = vec![0, 3, 0, (message.len() / 4) as u8];
    extension.extend_from_slice(&message);
    let (_, calls) = conclude(&mut listener, now, from, 9, &extension);
    // Nobody here knows of a passphrase: it is let in in the clear, and what it sends is nothing.
    assert!(listener.answer(now, calls[0].id, Ok(None)).is_some());
    let (sent, _) = said(&mut listener);
    assert_eq!(word(&sent[0], 5), CONCLUSION);
    for broken in [&extension[..20], &[0, 3, 0, 1, 0, 0, 0, 0][..], &[0, 3, 0xff, 0xff][..]] {
        let (sent, calls) = conclude(&mut listener, now, from, 10, broken);
        assert!(calls.is_empty());
        assert_eq!(word(&sent[0], 5), 1004);
        listener.tick(now + Duration::from_secs(10));
        said(&mut listener);
    }
}

/// What a listener answers to a conclusion of this version of the handshake, with these flags and
/// these bytes behind its extensions: the kind of its handshake.
fn answered(listener: &mut Listener, now: Instant, version: u32, flags: u32, more: &[u8]) -> u32 {
    let from = address(1, 4000);
    let mut handshake = call(CONCLUSION, cookie(listener, now, from), 9, 0);
    handshake.version = version;
    let request = Some((0x01_05_01, flags, 120, 120));
    let mut body = write_call(&handshake, &Extensions { request, ..Extensions::default() });
    body.extend_from_slice(more);
    listener.datagram(now, from, &datagram(&body));
    let (sent, calls) = said(listener);
    match calls.first() {
        Some(call) => {
            listener.answer(now, call.id, Ok(None));
            word(&said(listener).0[0], 5)
        }
        None => word(&sent[0], 5),
    }
}

/// Key material of 128 bits as an extension, with this in a byte of its message.
fn keys_with(at: usize, value: u8) -> Vec<u8> {
    let mut message = SenderKeys::new("a passphrase", 16).message(&[KeySlot::Even]);
    message[at] = value;
    [&[0, 3, 0, (message.len() / 4) as u8][..], &message].concat()
}

/// What stands in the table of `docs/live.md`, as far as the listener itself refuses.
#[test]
fn each_refusal_has_its_code() {
    const USUAL: u32 = 0xbf;
    let text = |kind: u8, text: &[u8; 4]| [&[0, kind, 0, 1][..], text].concat();
    for (name, version, flags, more, code) in [
        ("as libsrt does", 5, USUAL, vec![], None),
        ("SRT before 1.3", 4, USUAL, vec![], Some(8)),
        ("another handshake yet", 6, USUAL, vec![], Some(8)),
        ("streams of bytes", 5, USUAL | 0x40, vec![], Some(12)),
        ("files", 5, USUAL, text(6, b"elif"), Some(13)),
        ("a bonded connection", 5, USUAL, text(8, &[0; 4]), Some(15)),
        ("a stream id of no letters", 5, USUAL, text(5, &[0xff; 4]), Some(1400)),
        // AES in counter mode is 2; 4 is GCM, which newer ones of libsrt may be set to.
        ("keys in counter mode", 5, USUAL, keys_with(8, 2), None),
        ("keys of no cipher", 5, USUAL, keys_with(8, 0), Some(4)),
        ("keys of GCM", 5, USUAL, keys_with(8, 4), Some(4)),
        ("keys with tags", 5, USUAL, keys_with(9, 1), Some(4)),
        ("keys of 160 bits", 5, USUAL, keys_with(15, 5), Some(4)),
    ] {
        let (now, mut listener) = listener();
        let kind = answered(&mut listener, now, version, flags, &more);
        assert_eq!(kind, code.map_or(CONCLUSION, |code| 1000 + code), "{name}");
        // Whoever calls when it is about to end is told so, and nothing else.
        let (now, mut listener) = self::listener();
        listener.shut(now);
        let kind = answered(&mut listener, now, 5, USUAL, &[]);
        assert_eq!(kind, 1000 + 1503);
    }
}

/// One who is decided on when the listener is about to end.
#[test]
fn who_waits_at_the_end_is_told_of_it() {
    let (now, mut listener) = listener();
    let (_, calls) = conclude(&mut listener, now, address(1, 4000), 9, &[]);
    listener.shut(now);
    assert!(listener.answer(now, calls[0].id, Ok(None)).is_none());
    assert_eq!(word(&said(&mut listener).0[0], 5), 1000 + 1503);
}

#[test]
fn no_more_than_all_places_are_taken() {
    let now = Instant::now();
    let mut listener = Listener::new(now, Limits { links: 4, ..Limits::default() });
    // Five of five addresses ask before anybody is let in, and there is a place for four of them.
    let asked: Vec<Call> = (1..=5)
        .flat_map(|host| conclude(&mut listener, now, address(host, 4000), 9, &[]).1)
        .collect();
    assert_eq!(asked.len(), 5);
    let links: Vec<Option<LinkId>> =
        asked.iter().map(|call| listener.answer(now, call.id, Ok(None))).collect();
    assert!(links[..4].iter().all(Option::is_some) && links[4].is_none());
    let answers: Vec<u32> = said(&mut listener).0.iter().map(|sent| word(sent, 5)).collect();
    assert_eq!(answers, [CONCLUSION, CONCLUSION, CONCLUSION, CONCLUSION, 1003]);
    // Whoever comes now is not even asked about, until somebody goes: then there is one place.
    let (sent, calls) = conclude(&mut listener, now, address(6, 4000), 9, &[]);
    assert!(calls.is_empty());
    assert_eq!(word(&sent[0], 5), 1003);
    listener.close(now, links[0].unwrap());
    said(&mut listener);
    let (_, calls) = conclude(&mut listener, now, address(6, 4000), 9, &[]);
    assert!(listener.answer(now, calls[0].id, Ok(None)).is_some());
    said(&mut listener);
    let (sent, calls) = conclude(&mut listener, now, address(7, 4000), 9, &[]);
    assert_eq!((word(&sent[0], 5), calls.len()), (1003, 0));
}

#[test]
fn a_flood_of_handshakes_keeps_nothing_and_is_answered_with_no_more_than_it_sent() {
    let (now, mut listener) = listener();
    let body = write_call(&call(INDUCTION, 0, 1, 0), &Extensions::default());
    let asked = datagram(&body);
    for port in 1..20_000 {
        listener.datagram(now, address((port % 250) as u8, port), &asked);
        let (sent, _) = said(&mut listener);
        assert_eq!(sent.len(), 1);
        assert!(sent[0].len() <= asked.len());
    }
    assert_eq!(listener.kept(), 0);
}

/// Callers with proper cookies, of whom nobody decides, or who are all refused: so many are kept and
/// no more, and those not for long.
#[test]
fn handshakes_that_are_never_ended_are_bounded_and_expire() {
    for refused in [false, true] {
        let (now, mut listener) = listener();
        let mut heard = 0;
        for caller in 0..10_000u16 {
            let from = address((caller % 250) as u8, 1_000 + caller);
            let (_, calls) = conclude(&mut listener, now, from, 9, &[]);
            heard += calls.len();
            if let Some(call) = calls.first().filter(|_| refused) {
                assert!(listener.answer(now, call.id, Err(Rejection::NotFound)).is_none());
                said(&mut listener);
            }
            assert!(listener.kept() <= 1_024, "{}", listener.kept());
        }
        assert_eq!((heard, listener.kept()), (1_024, 1_024), "and as many are heard");
        // Nobody decides within three seconds, and for one more they are told so.
        for seconds in [3, 4] {
            let later = now + Duration::from_secs(seconds);
            listener.tick(later);
            said(&mut listener);
        }
        assert_eq!((listener.kept(), listener.deadline()), (0, None));
        let later = now + Duration::from_secs(5);
        let (_, calls) = conclude(&mut listener, later, address(1, 1), 9, &[]);
        assert_eq!(calls.len(), 1, "others are heard again");
    }
}

#[test]
fn one_address_cannot_take_all_places() {
    let (now, mut listener) = listener();
    let mut outcomes = Vec::new();
    for port in 1..=60 {
        let (sent, calls) = conclude(&mut listener, now, address(1, port), 9, &[]);
        match calls.first() {
            Some(call) => {
                listener.answer(now, call.id, Ok(None)).unwrap();
                outcomes.push(0);
            }
            None => outcomes.push(word(&sent[0], 5)),
        }
        said(&mut listener);
    }
    assert!(outcomes[..32].iter().all(|code| *code == 0));
    assert!(outcomes[32..].iter().all(|code| *code == 1003), "{outcomes:?}");
    let (_, calls) = conclude(&mut listener, now, address(2, 1), 9, &[]);
    assert_eq!(calls.len(), 1, "others are let in");
}

#[test]
fn whoever_asks_too_often_is_heard_again_soon() {
    let (mut now, mut listener) = listener();
    let mut heard = 0;
    // Each attempt is another socket's; nobody is let in. Ten seconds of them, a hundred a second.
    for attempt in 0..1_000u16 {
        now += Duration::from_millis(10);
        listener.tick(now);
        said(&mut listener);
        let (sent, calls) = conclude(&mut listener, now, address(1, 1_000 + attempt), 9, &[]);
        match calls.first() {
            Some(call) => {
                heard += 1;
                assert!(listener.answer(now, call.id, Err(Rejection::NotFound)).is_none());
                said(&mut listener);
            }
            None => assert_eq!(word(&sent[0], 5), 1003),
        }
    }
    assert!((150..=176).contains(&heard), "sixteen a second: {heard}");
}

#[test]
fn a_decision_that_never_comes_is_a_refusal() {
    let (now, mut listener) = listener();
    let from = address(1, 4000);
    let (_, calls) = conclude(&mut listener, now, from, 9, &[]);
    let later = now + Duration::from_secs(3);
    assert!(listener.deadline().is_some_and(|at| at <= later));
    listener.tick(later);
    assert_eq!(word(&said(&mut listener).0[0], 5), 1005);
    assert!(listener.answer(later, calls[0].id, Ok(None)).is_none(), "too late");
}

#[test]
fn a_repeated_conclusion_is_answered_the_same() {
    let (now, mut listener) = listener();
    let from = address(1, 4000);
    let (_, calls) = conclude(&mut listener, now, from, 9, &[]);
    let (_, again) = conclude(&mut listener, now, from, 9, &[]);
    assert!(again.is_empty(), "asked about once");
    listener.answer(now, calls[0].id, Ok(None)).unwrap();
    let first = said(&mut listener).0;
    let second = conclude(&mut listener, now, from, 9, &[]).0;
    assert_eq!(first[0][HEADER..], second[0][HEADER..]);
}

#[test]
fn another_address_does_not_speak_for_a_caller() {
    let (now, mut listener) = listener();
    let from = address(1, 4000);
    let (_, calls) = conclude(&mut listener, now, from, 9, &[]);
    let link = listener.answer(now, calls[0].id, Ok(None)).unwrap();
    said(&mut listener);
    let shutdown = write_control(Kind::Shutdown, 0, 0, listener.socket_of(link), &[]);
    listener.datagram(now, address(2, 4000), &shutdown);
    assert!(listener.status(link).is_some());
    listener.datagram(now, from, &shutdown);
    assert!(listener.status(link).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Any bytes behind any kind of header, from a stranger and on a connection.
    #[test]
    fn no_datagram_is_too_strange(
        kind in prop_oneof![0..8u32, Just(0x7fff)],
        subtype in 0..6u32,
        control in any::<bool>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let (now, mut listener) = listener();
        let from = address(1, 4000);
        let (_, calls) = conclude(&mut listener, now, from, 9, &[]);
        let link = listener.answer(now, calls[0].id, Ok(None)).unwrap();
        let (cookie, socket) = (cookie(&mut listener, now, from), listener.socket_of(link));
        let mut datagram = write_control(Kind::KeepAlive, 7, 3, socket, &bytes);
        datagram[..4].copy_from_slice(&(u32::from(control) << 31 | kind << 16 | subtype).to_be_bytes());
        listener.datagram(now, from, &datagram);
        let mut body = write_call(&call(CONCLUSION, cookie, 10, 0), &request());
        body.extend_from_slice(&bytes);
        listener.datagram(now, from, &super::attacks::datagram(&body));
        listener.datagram(now, from, &bytes);
        listener.tick(now + Duration::from_millis(20));
        prop_assert!(said(&mut listener).0.len() < 20);
    }
}
