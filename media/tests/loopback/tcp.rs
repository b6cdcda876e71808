//! ICE over TCP (RFC 6544): clients whose network lets no UDP through, and those who only
//! pretend to be some.

use rushes_media::{Load, Transport};
use tokio::io::AsyncWriteExt as _;

use super::client::{Client, Tcp, h264_only};
use super::*;

async fn publisher_over_tcp(media: &Media) -> Client {
    let server = media.local_addr();
    let mut client = Client::over_tcp(h264_only(), Direction::SendOnly, server).await;
    let answer = media.publish(STREAM, client.offer.clone()).await.unwrap();
    client.answered(&answer.sdp);
    client.connected().await;
    until_there(media).await;
    client
}

async fn viewer_over_tcp(media: &Media) -> (Client, rushes_media::SessionId) {
    let server = media.local_addr();
    let mut client = Client::over_tcp(h264_only(), Direction::RecvOnly, server).await;
    let answer = media.view(STREAM, client.offer.clone(), Absent::Refuse).await.unwrap();
    client.answered(&answer.sdp);
    client.connected().await;
    (client, answer.session)
}

/// Waits until the media plane has as many connections, of which so many have shown nothing.
async fn until_connections(media: &Media, connections: usize, unproven: usize) {
    let there = async {
        loop {
            let Load { tcp_connections, tcp_unproven, .. } = media.load();
            if (tcp_connections, tcp_unproven) == (connections, unproven) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), there).await;
    assert!(waited.is_ok(), "{:?}, not {connections} with {unproven}", media.load());
}

#[tokio::test]
async fn every_answer_names_the_same_port_over_udp_and_tcp() {
    let (media, _events) = start();
    let port = media.local_addr().port();
    let one = Client::new(h264_only(), Direction::SendOnly).await;
    let published = media.publish(STREAM, one.offer).await.unwrap().sdp;
    let two = Client::new(h264_only(), Direction::RecvOnly).await;
    let viewed = media.view(STREAM, two.offer, Absent::Wait).await.unwrap().sdp;
    for sdp in [published, viewed] {
        let candidates: Vec<String> = sdp
            .lines()
            .filter(|line| line.starts_with("a=candidate:"))
            .map(str::to_ascii_lowercase)
            .collect();
        let at = format!(" 127.0.0.1 {port} typ host");
        let is_udp = |line: &String| line.contains(" 1 udp ") && line.contains(&at);
        let is_tcp = |line: &String| {
            line.contains(" 1 tcp ") && line.contains(&format!("{at} tcptype passive"))
        };
        assert!(is_udp(&candidates[0]), "there are clients that look at the first: {sdp}");
        assert!(candidates.iter().any(is_tcp), "{sdp}");
        assert!(candidates.iter().all(|line| is_udp(line) || is_tcp(line)), "{sdp}");
        let priority = |line: &String| line.split(' ').nth(3).unwrap().parse::<u32>().unwrap();
        let (udp, tcp) =
            (candidates.iter().find(|l| is_udp(l)), candidates.iter().find(|l| is_tcp(l)));
        assert!(udp.map(priority) > tcp.map(priority), "TCP is for who has nothing better");
    }
    media.shutdown().await;
}

#[tokio::test]
async fn a_stream_goes_over_tcp_from_publisher_to_viewer() {
    let (media, mut events) = start();
    let mut source = publisher_over_tcp(&media).await;
    // Half of a length, then the other: frames come in any pieces.
    source.tcp.as_mut().unwrap().piece = 1_000;
    let (_stop, _task) = run(source);
    assert_eq!(events.recv().await, Some(MediaEvent::Live { stream: STREAM }));
    let (mut viewer, session) = viewer_over_tcp(&media).await;
    let mut last = *viewer.packet().await.seq_no;
    for _ in 0..300 {
        let next = *viewer.packet().await.seq_no;
        assert_eq!(next, last + 1, "TCP loses nothing and changes no order");
        last = next;
    }
    assert_eq!(media.status(STREAM).await.video.unwrap().lost, 0);
    let watching = media.viewers(STREAM).await;
    assert_eq!(watching[0].transport, Some(Transport::Tcp));
    until_connections(&media, 2, 0).await;
    assert_eq!(media.load().sessions, 2);

    assert!(media.close(session).await);
    viewer.closed().await;
    viewer.tcp.as_mut().unwrap().closed().await;
    until_connections(&media, 1, 0).await;
    media.shutdown().await;
}

#[tokio::test]
async fn a_frame_may_come_byte_by_byte() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let server = media.local_addr();
    let mut viewer = Client::over_tcp(h264_only(), Direction::RecvOnly, server).await;
    viewer.tcp.as_mut().unwrap().piece = 1;
    let answer = media.view(STREAM, viewer.offer.clone(), Absent::Refuse).await.unwrap();
    viewer.answered(&answer.sdp);
    viewer.connected().await;
    viewer.packet().await;
    media.shutdown().await;
}

#[tokio::test]
async fn who_does_not_read_goes_on_with_a_key_frame_and_delays_nobody() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let (mut slow, _) = viewer_over_tcp(&media).await;
    let mut last = *slow.packet().await.seq_no;
    let mut other = viewer(&media).await;
    let mut others = *other.packet().await.seq_no;
    // The slow one reads nothing, until what waits for it is dropped.
    while media.load().tcp_full == 0 {
        let next = *other.packet().await.seq_no;
        assert_eq!(next, others + 1, "the other gets all of it, and in order");
        others = next;
    }
    let mut fell_behind = false;
    loop {
        let packet = slow.packet().await;
        let seq = *packet.seq_no;
        if seq != last + 1 {
            assert!(!fell_behind, "once");
            assert_eq!(packet.payload[0], 0x67, "what comes after the gap begins with a key frame");
            fell_behind = true;
        }
        last = seq;
        if fell_behind && packet.payload[0] == 0x65 {
            break;
        }
    }
    media.shutdown().await;
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_its_session_to_its_client() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let (mut viewer, session) = viewer_over_tcp(&media).await;
    viewer.packet().await;
    drop(viewer);
    until_connections(&media, 0, 0).await;
    let lost = async {
        while media.viewers(STREAM).await[0].transport.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), lost).await.unwrap();
    assert!(media.knows(session));
    media.shutdown().await;
}

#[tokio::test]
async fn who_shows_no_session_is_cut_off() {
    let tcp = TcpLimits { prove_within: Duration::from_millis(200), ..TcpLimits::default() };
    let (media, _events) = Media::start(MediaConfig { tcp, ..config(20) }).unwrap();
    let server = media.local_addr();
    let mut silent = Tcp::connect("127.0.0.1", server).await;
    let mut half = Tcp::connect("127.0.0.1", server).await;
    half.stream.write_all(&[0, 100, 1, 2, 3]).await.unwrap();
    let mut stranger = Tcp::connect("127.0.0.1", server).await;
    stranger.send(b"\0\x01\0\0\x21\x12\xa4\x42aaaabbbbcccc").await;
    let mut web = Tcp::connect("127.0.0.1", server).await;
    web.stream.write_all(b"GET / HTTP/1.1\r\nHost: rushes\r\n\r\n").await.unwrap();
    let mut loud = Tcp::connect("127.0.0.1", server).await;
    for _ in 0..100 {
        loud.send(&[0xff; 100]).await;
    }
    for connection in [&mut web, &mut loud, &mut silent, &mut half, &mut stranger] {
        connection.closed().await;
    }
    until_connections(&media, 0, 0).await;
    media.shutdown().await;
}

#[tokio::test]
async fn many_who_show_nothing_keep_nobody_out() {
    let tcp = TcpLimits { unproven: 8, per_address: 40, ..TcpLimits::default() };
    let (media, _events) = Media::start(MediaConfig { tcp, ..config(20) }).unwrap();
    let (_stop, _task) = run(publisher(&media).await);
    let server = media.local_addr();
    let mut idle = Vec::new();
    for from in 2..=60 {
        for _ in 0..4 {
            idle.push(Tcp::connect(&format!("127.0.0.{from}"), server).await);
            assert!(media.load().tcp_unproven <= 8, "{:?}", media.load());
        }
    }
    let (mut viewer, _) = viewer_over_tcp(&media).await;
    viewer.packet().await;
    // All but the newest were closed, for the newer ones or as they came.
    for connection in &mut idle[..200] {
        connection.closed().await;
    }
    assert!(media.load().tcp_connections <= 9, "{:?}", media.load());

    // An address has its own end, whoever they are.
    let before = media.load().tcp_connections;
    let mut same = Vec::new();
    for _ in 0..3 {
        same.push(Tcp::connect("127.0.0.200", server).await);
    }
    same[2].closed().await;
    assert!(media.load().tcp_connections <= before + 2);
    media.shutdown().await;
}

#[tokio::test]
async fn garbage_on_a_connection_harms_nobody() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let (mut watching, _) = viewer_over_tcp(&media).await;
    let (mut hostile, _) = viewer_over_tcp(&media).await;
    hostile.packet().await;
    let tcp = hostile.tcp.as_mut().unwrap();
    for length in 1..200usize {
        let garbage: Vec<u8> = (0..length).map(|i| (i * 37 + length * 11) as u8).collect();
        tcp.send(&garbage).await;
    }
    hostile.packet().await;
    // What cannot be a frame ends its connection, and no other.
    hostile.tcp.as_mut().unwrap().stream.write_all(&[0xff; 64]).await.unwrap();
    hostile.tcp.as_mut().unwrap().closed().await;
    for _ in 0..200 {
        watching.packet().await;
    }
    until_connections(&media, 1, 0).await;
    media.shutdown().await;
}
