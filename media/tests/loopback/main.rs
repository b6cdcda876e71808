//! The media plane over real sockets, with str0m as its clients.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod client;
mod expiry;
mod publishing;
mod slate;
mod talking;
mod tcp;
mod viewing;

use std::collections::BTreeSet;
use std::time::Duration;

use client::{Client, h264_only, h264_without_rtx, vp8_only};
use rushes_media::{
    Absent, Media, MediaConfig, MediaEvent, OfferError, StreamId, StreamState, TcpLimits,
    TranscodeLimits, TrickleError, Trickled,
};
use str0m::Event;
use str0m::media::Direction;
use str0m::rtp::RawPacket;
use str0m::rtp::rtcp::Rtcp;
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const STREAM: StreamId = StreamId(7);

fn config(max_sessions: usize) -> MediaConfig {
    MediaConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        hosts: vec![],
        max_sessions,
        tcp: TcpLimits::default(),
        fanout_threads: None,
        transcodes: TranscodeLimits::NONE,
        ffmpeg: None,
    }
}

fn start() -> (Media, Receiver<MediaEvent>) {
    Media::start(config(20)).unwrap()
}

async fn publisher(media: &Media) -> Client {
    let mut client = Client::new(h264_only(), Direction::SendOnly).await;
    let answer = media.publish(STREAM, client.offer.clone()).await.unwrap();
    client.answered(&answer.sdp);
    client.connected().await;
    until_there(media).await;
    client
}

/// Waits until the media plane, too, takes the stream's publisher for connected.
async fn until_there(media: &Media) {
    let there = async {
        // An offer that is none opens no session.
        while media.view(STREAM, String::new(), Absent::Refuse).await.unwrap_err()
            == OfferError::NoPublisher
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), there).await.expect("a publisher");
}

async fn viewer(media: &Media) -> Client {
    let mut client = Client::new(h264_only(), Direction::RecvOnly).await;
    let answer = media.view(STREAM, client.offer.clone(), Absent::Refuse).await.unwrap();
    client.answered(&answer.sdp);
    client.connected().await;
    client
}

/// Lets a publisher send a frame every ten milliseconds until it is stopped.
fn run(mut client: Client) -> (oneshot::Sender<()>, JoinHandle<Client>) {
    let (stop, mut stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => return client,
                _ = ticks.tick() => client.send_frame().await,
                () = client.turn() => {}
            }
        }
    });
    (stop, task)
}

#[tokio::test]
async fn a_stream_goes_from_publisher_to_viewer() {
    let (media, mut events) = start();
    assert_eq!(media.status(STREAM).await.state, StreamState::Waiting);
    let source = publisher(&media).await;
    assert_eq!(media.status(STREAM).await.state, StreamState::Connecting);
    let (_stop, _task) = run(source);
    assert_eq!(events.recv().await, Some(MediaEvent::Live { stream: STREAM }));

    let mut viewer = viewer(&media).await;
    let first = viewer.packet().await;
    assert_eq!(first.payload[0], 0x67, "it begins with the parameter sets");
    assert!(*first.seq_no < 65_536);
    let mut parts = BTreeSet::new();
    for _ in 0..200 {
        let packet = viewer.packet().await;
        assert!(parts.insert(*packet.seq_no));
    }
    let status = media.status(STREAM).await;
    assert_eq!(status.state, StreamState::Live);
    assert_eq!(status.viewers, 1);
    assert!(status.since.is_some());
    let video = status.video.unwrap();
    assert_eq!((video.width, video.height), (Some(1280), Some(720)));
    assert!(video.fps > 20.0 && video.bitrate > 100_000, "{video:?}");
    assert_eq!(video.lost, 0);
    assert_eq!(video.profile.as_deref(), Some("Constrained Baseline 3.1"));
    media.shutdown().await;
}

#[tokio::test]
async fn a_viewers_losses_are_made_up_for() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let mut viewer = viewer(&media).await;
    let mut count = 0u32;
    viewer.lose = Box::new(move |data| {
        count += 1;
        data[0] >> 6 == 2 && data.len() > 600 && count.is_multiple_of(20)
    });
    let first = *viewer.packet().await.seq_no;
    let mut seen = BTreeSet::from([first]);
    // Enough that what was lost early has been asked for and sent again.
    while seen.len() < 800 {
        seen.insert(*viewer.packet().await.seq_no);
    }
    let complete = (first..first + 500).filter(|seq| seen.contains(seq)).count();
    assert_eq!(complete, 500, "every packet arrived in the end");
    media.shutdown().await;
}

#[tokio::test]
async fn a_publishers_losses_are_made_up_for() {
    let (media, _events) = start();
    let mut source = publisher(&media).await;
    let mut count = 0u32;
    source.lose_sent = Box::new(move |data| {
        count += 1;
        data[0] >> 6 == 2 && data.len() > 600 && count.is_multiple_of(20)
    });
    let (_stop, _task) = run(source);
    let mut viewer = viewer(&media).await;
    let first = *viewer.packet().await.seq_no;
    let mut seen = BTreeSet::from([first]);
    while seen.len() < 800 {
        seen.insert(*viewer.packet().await.seq_no);
    }
    let complete = (first..first + 500).filter(|seq| seen.contains(seq)).count();
    assert_eq!(complete, 500, "every packet arrived in the end");
    media.shutdown().await;
}

#[tokio::test]
async fn a_viewer_without_rtx_gets_its_losses_again_too() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let mut viewer = Client::new(h264_without_rtx(), Direction::RecvOnly).await;
    let answer = media.view(STREAM, viewer.offer.clone(), Absent::Refuse).await.unwrap();
    assert!(!answer.sdp.contains("rtx"));
    viewer.answered(&answer.sdp);
    viewer.connected().await;
    let packet = viewer.packet().await;
    // str0m as a client does not ask either, unless it is told to.
    let ssrc = packet.header.ssrc;
    viewer.rtc.direct_api().stream_rx(&ssrc).unwrap().suppress_nack(false);
    let mut count = 0u32;
    viewer.lose = Box::new(move |data| {
        count += 1;
        data[0] >> 6 == 2 && data.len() > 600 && count.is_multiple_of(20)
    });
    let first = *packet.seq_no;
    let mut seen = BTreeSet::from([first]);
    while seen.len() < 800 {
        seen.insert(*viewer.packet().await.seq_no);
    }
    let complete = (first..first + 500).filter(|seq| seen.contains(seq)).count();
    assert_eq!(complete, 500, "every packet arrived in the end");
    media.shutdown().await;
}

#[tokio::test]
async fn a_publisher_without_rtx_is_asked_for_its_losses() {
    let (media, _events) = start();
    let config = h264_without_rtx().enable_raw_packets(true);
    let mut source = Client::new(config, Direction::SendOnly).await;
    let answer = media.publish(STREAM, source.offer.clone()).await.unwrap();
    source.answered(&answer.sdp);
    source.connected().await;
    source.send_frame().await;
    let lost = source.seq + 1;
    source.seq = lost;
    source.send_frame().await;
    let asked = source
        .until(|event| match event {
            Event::RawPacket(raw) => match *raw {
                RawPacket::RtcpRx(Rtcp::Nack(nack)) => nack.reports.iter().next().map(|e| e.pid),
                _ => None,
            },
            _ => None,
        })
        .await;
    assert_eq!(u64::from(asked), lost);
    media.shutdown().await;
}

#[tokio::test]
async fn a_takeover_leaves_the_viewers_be() {
    let (media, mut events) = start();
    let (_stop, first) = run(publisher(&media).await);
    let mut viewer = viewer(&media).await;
    let mut last = *viewer.packet().await.seq_no;
    for _ in 0..100 {
        last = last.max(*viewer.packet().await.seq_no);
    }
    let mut second = Client::new(h264_only(), Direction::SendOnly).await;
    (second.seq, second.timestamp) = (60_000, 9);
    let answer = media.publish(STREAM, second.offer.clone()).await.unwrap();
    second.answered(&answer.sdp);
    second.connected().await;
    let (_stop, _second) = run(second);
    // The new publisher counts its frames from 0: after its first key frame the
    // frame numbers start again, and the viewer's numbering does not.
    let mut numbers = Vec::new();
    let mut fresh = false;
    while numbers.len() < 200 {
        let packet = viewer.packet().await;
        let seq = *packet.seq_no;
        assert!(seq < last + 200, "no jump: {last} to {seq}");
        last = last.max(seq);
        if packet.payload[0] == 0x65 && packet.payload[1] == 0 {
            fresh = true;
        }
        if fresh {
            numbers.push(seq);
        }
    }
    assert!(numbers.windows(2).all(|w| w[1] == w[0] + 1));
    assert_eq!(events.recv().await, Some(MediaEvent::Live { stream: STREAM }));
    assert!(!first.is_finished());
    media.shutdown().await;
}

#[tokio::test]
async fn the_replaced_publisher_is_told() {
    let (media, _events) = start();
    let mut first = publisher(&media).await;
    first.send_frame().await;
    let second = publisher(&media).await;
    first.closed().await;
    drop(second);
    media.shutdown().await;
}

#[tokio::test]
async fn viewers_wait_through_an_absence() {
    let (media, mut events) = start();
    let mut source = Client::new(h264_only(), Direction::SendOnly).await;
    let answer = media.publish(STREAM, source.offer.clone()).await.unwrap();
    source.answered(&answer.sdp);
    source.connected().await;
    let (_stop, _task) = run(source);
    let mut viewer = viewer(&media).await;
    viewer.packet().await;
    assert!(media.close(answer.session).await);
    assert!(media.close(answer.session).await, "known for a while after its end");
    assert!(media.knows(answer.session));
    assert_eq!(events.recv().await, Some(MediaEvent::Live { stream: STREAM }));
    assert_eq!(events.recv().await, Some(MediaEvent::Offline { stream: STREAM }));
    let status = media.status(STREAM).await;
    assert_eq!((status.state, status.viewers), (StreamState::Waiting, 1));
    let late = Client::new(h264_only(), Direction::RecvOnly).await;
    assert_eq!(
        media.view(STREAM, late.offer, Absent::Refuse).await.unwrap_err(),
        OfferError::NoPublisher
    );

    let (_stop, _task) = run(publisher(&media).await);
    // What the first publisher sent may still be on its way.
    let resumed = async {
        loop {
            let packet = viewer.packet().await;
            if packet.payload[0] == 0x65 && packet.payload[1] == 0 {
                return packet;
            }
        }
    };
    assert!(*resumed.await.seq_no < 65_536, "and it goes on");
    media.shutdown().await;
}

#[tokio::test]
async fn a_key_frame_is_asked_for() {
    let (media, _events) = start();
    let mut source = publisher(&media).await;
    source.frame = 1;
    source.send_frame().await; // not a key frame
    let mut viewer = Client::new(h264_only(), Direction::RecvOnly).await;
    let answer = media.view(STREAM, viewer.offer.clone(), Absent::Refuse).await.unwrap();
    viewer.answered(&answer.sdp);
    let watching = tokio::spawn(async move { viewer.packet().await });
    source.until(|event| matches!(event, Event::KeyframeRequest(_)).then_some(())).await;
    source.frame = 10;
    source.send_frame().await;
    let (_stop, _task) = run(source);
    assert_eq!(watching.await.unwrap().payload[0], 0x67);
    media.shutdown().await;
}

#[tokio::test]
async fn a_viewer_whose_codecs_do_not_fit_is_refused_or_ended() {
    let (media, _events) = start();
    let (stop, task) = run(publisher(&media).await);
    let odd = Client::new(vp8_only(), Direction::RecvOnly).await;
    let error = media.view(STREAM, odd.offer, Absent::Refuse).await.unwrap_err();
    assert!(matches!(&error, OfferError::NoCodec(text) if text.contains("H264")), "{error}");

    let mut watching = viewer(&media).await;
    watching.packet().await;
    let _ = stop.send(());
    drop(task.await.unwrap());
    let mut other = Client::new(vp8_only(), Direction::SendOnly).await;
    let answer = media.publish(STREAM, other.offer.clone()).await.unwrap();
    other.answered(&answer.sdp);
    other.connected().await;
    other.send(vec![0x10, 0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0, 5, 0xd0, 2, 0], true).await;
    watching.closed().await;
    media.shutdown().await;
}

#[tokio::test]
async fn sessions_are_limited_and_strangers_find_none() {
    let (media, _events) = Media::start(config(1)).unwrap();
    let one = Client::new(h264_only(), Direction::SendOnly).await;
    let answer = media.publish(STREAM, one.offer.clone()).await.unwrap();
    assert_eq!(media.publish(STREAM, one.offer.clone()).await.unwrap_err(), OfferError::Full);

    let fragment = "a=ice-ufrag:other\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n".to_owned();
    let restarted = media.trickle(answer.session, fragment.clone()).await;
    assert!(matches!(restarted, Ok(Trickled::Restarted { .. })), "{restarted:?}");
    assert_eq!(media.trickle(answer.session, fragment.clone()).await, Ok(Trickled::Taken));
    media.trickle(answer.session, "a=end-of-candidates\r\n".to_owned()).await.unwrap();

    assert!(media.close(answer.session).await);
    let refused = media.trickle(answer.session, fragment).await;
    assert_eq!(refused, Err(TrickleError::NoSession));
    assert!(!media.close(rushes_media::SessionId(1)).await);
    let answer = media.publish(STREAM, one.offer.clone()).await.unwrap();
    media.close_stream(STREAM).await;
    assert!(media.trickle(answer.session, "a=x\r\n".to_owned()).await.is_err());
    media.shutdown().await;
}

#[tokio::test]
async fn garbage_on_the_wire_harms_nobody() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let mut watching = viewer(&media).await;
    watching.packet().await;
    let stranger = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for length in 0..200usize {
        let garbage: Vec<u8> = (0..length).map(|i| (i * 37 + length * 11) as u8).collect();
        stranger.send_to(&garbage, media.local_addr()).await.unwrap();
        // And from an address that has a session.
        watching.socket.send_to(&garbage, media.local_addr()).await.unwrap();
    }
    for _ in 0..200 {
        watching.packet().await;
    }
    media.shutdown().await;
}

#[tokio::test]
async fn a_drain_ends_with_the_last_viewer_and_the_publishers_are_told() {
    let (media, _events) = start();
    let mut source = publisher(&media).await;
    source.send_frame().await;
    let mut watching = Client::new(h264_only(), Direction::RecvOnly).await;
    let answer = media.view(STREAM, watching.offer.clone(), Absent::Refuse).await.unwrap();
    watching.answered(&answer.sdp);
    watching.connected().await;
    let mut feed = media.feed(answer.session).await.unwrap();
    let draining = tokio::spawn({
        let media = media.clone();
        // Far longer than a test may take: it is not what ends the drain.
        async move { media.drain(Duration::from_secs(3_600)).await }
    });
    feed.wait_for(|feed| feed.reconnect).await.unwrap();
    let late = Client::new(h264_only(), Direction::RecvOnly).await;
    let refused = media.view(STREAM, late.offer, Absent::Wait).await.unwrap_err();
    assert_eq!(refused, OfferError::Unavailable);
    assert!(!draining.is_finished(), "it waits for who watches");
    source.send_frame().await;
    watching.packet().await;
    assert!(media.close(answer.session).await);
    source.closed().await;
    draining.await.unwrap();
}

#[tokio::test]
async fn a_drain_ends_at_its_deadline_and_who_stayed_is_told() {
    let (media, _events) = start();
    let mut source = publisher(&media).await;
    source.send_frame().await;
    let mut stays = viewer(&media).await;
    media.drain(Duration::from_millis(100)).await;
    stays.closed().await;
    source.closed().await;
}

#[tokio::test]
async fn thousands_of_half_open_handshakes_have_an_end() {
    const MOST: usize = 2_000;
    let (media, _events) = Media::start(config(MOST)).unwrap();
    let client = Client::new(h264_only(), Direction::RecvOnly).await;
    for _ in 0..MOST {
        media.view(STREAM, client.offer.clone(), Absent::Wait).await.unwrap();
    }
    assert_eq!(media.load().sessions, MOST);
    let refused = media.view(STREAM, client.offer.clone(), Absent::Wait).await.unwrap_err();
    assert_eq!(refused, OfferError::Full);
    // Of those who say that they publish a stream, the last few count.
    media.close_stream(STREAM).await;
    let source = Client::new(h264_only(), Direction::SendOnly).await;
    for _ in 0..50 {
        media.publish(STREAM, source.offer.clone()).await.unwrap();
    }
    assert!(media.load().sessions <= 5, "{:?}", media.load());
    media.close_stream(STREAM).await;
    assert_eq!(media.load().sessions, 0, "nothing is kept of any of them");
    media.shutdown().await;
}
