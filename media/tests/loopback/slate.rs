//! What viewers get while nobody publishes a stream that has a slate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rushes_media::picture::StillError;
use rushes_media::{Absent, Media, OfferError, Stills, StreamId, StreamState};
use str0m::Event;
use str0m::media::Direction;
use str0m::rtp::RtpPacket;
use tokio::task::JoinHandle;

use super::client::{Client, h264_only, vp8_only};
use super::{STREAM, publisher, run, start, viewer};

/// A stream whose registration asks for nothing.
const OTHER: StreamId = StreamId(8);

async fn wanted(media: &Media) {
    assert!(media.slate(STREAM, Some("A cam".to_owned())).await);
}

/// Whether a packet is the slate's: an aggregate of parameter sets is nothing that the publisher
/// here sends, nor are packets that do not end as all of its slices do.
fn is_slate(packet: &RtpPacket) -> bool {
    !matches!(packet.payload[..], [0x67 | 0x68, ..] | [.., 0xaa, 0xaa, 0xaa, 0xaa])
}

/// A viewer that looks after itself, and how many packets it has got.
fn count(mut client: Client) -> (Arc<AtomicU64>, JoinHandle<()>) {
    let packets = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&packets);
    let task = tokio::spawn(async move {
        loop {
            client.until(|event| matches!(event, Event::RtpPacket(_)).then_some(())).await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (packets, task)
}

#[tokio::test]
async fn a_viewer_sees_the_slate_until_a_publisher_comes_and_when_it_has_gone() {
    let (media, mut events) = start();
    wanted(&media).await;
    // It is answered although nobody publishes, and not told to come again.
    let mut viewer = viewer(&media).await;
    let first = viewer.packet().await;
    assert_eq!(first.payload[0] & 0x1f, 24, "it begins with the parameter sets");
    let (mut seq, mut timestamp) = (*first.seq_no, first.header.timestamp);
    let mut follows = |packet: &RtpPacket| {
        let later = packet.header.timestamp.wrapping_sub(timestamp) < 1 << 31;
        assert!(later && *packet.seq_no == seq + 1, "{seq} {timestamp} {:?}", packet.header);
        (seq, timestamp) = (*packet.seq_no, packet.header.timestamp);
    };
    for _ in 0..8 {
        let packet = viewer.packet().await;
        assert!(is_slate(&packet), "{:?}", packet.payload);
        follows(&packet);
    }
    // A slate is no publisher, whoever asks.
    let status = media.status(STREAM).await;
    assert_eq!((status.state, status.since, status.viewers), (StreamState::Waiting, None, 1));
    assert_eq!((status.video, status.audio), (None, None));
    assert_eq!(Stills::new(&media).get(STREAM).await, Err(StillError::NoKeyFrame));
    assert!(events.try_recv().is_err(), "nothing has happened");
    assert!(!media.close_publisher(STREAM).await);

    for _ in 0..2 {
        let (stop, task) = run(publisher(&media).await);
        let mut first = viewer.packet().await;
        while is_slate(&first) {
            follows(&first);
            first = viewer.packet().await;
        }
        assert_eq!(first.payload[0], 0x67, "the picture begins with its key frame");
        follows(&first);
        for _ in 0..100 {
            let packet = viewer.packet().await;
            assert!(!is_slate(&packet), "{:?}", packet.payload);
            follows(&packet);
        }
        assert_eq!(media.status(STREAM).await.state, StreamState::Live);
        stop.send(()).unwrap();
        task.await.unwrap();
        assert!(media.close_publisher(STREAM).await);
        let mut packet = viewer.packet().await;
        while !is_slate(&packet) {
            follows(&packet);
            packet = viewer.packet().await;
        }
        assert_eq!(packet.payload[0] & 0x1f, 24);
        follows(&packet);
    }
    media.shutdown().await;
}

#[tokio::test]
async fn who_asks_for_no_slate_has_none() {
    let (media, _events) = start();
    wanted(&media).await;
    let offer = Client::new(h264_only(), Direction::RecvOnly).await.offer;
    let refused = media.view(OTHER, offer.clone(), Absent::Refuse).await;
    assert_eq!(refused.unwrap_err(), OfferError::NoPublisher);
    let mut waiting = Client::new(h264_only(), Direction::RecvOnly).await;
    let answer = media.view(OTHER, waiting.offer.clone(), Absent::Wait).await.unwrap();
    waiting.answered(&answer.sdp);
    waiting.connected().await;
    let (packets, _task) = count(waiting);
    let mut viewer = viewer(&media).await;
    for _ in 0..8 {
        assert!(is_slate(&viewer.packet().await));
    }
    assert_eq!(packets.load(Ordering::Relaxed), 0);
    // And who asks no more.
    assert!(media.slate(STREAM, None).await);
    let refused = media.view(STREAM, offer, Absent::Refuse).await;
    assert_eq!(refused.unwrap_err(), OfferError::NoPublisher);
    let (_stop, _task) = run(publisher(&media).await);
    while is_slate(&viewer.packet().await) {}
    media.shutdown().await;
}

#[tokio::test]
async fn who_takes_no_h264_waits_as_without_a_slate() {
    let (media, _events) = start();
    wanted(&media).await;
    let mut other = Client::new(vp8_only(), Direction::RecvOnly).await;
    let answer = media.view(STREAM, other.offer.clone(), Absent::Refuse).await.unwrap();
    other.answered(&answer.sdp);
    other.connected().await;
    let (packets, _task) = count(other);
    let mut viewer = viewer(&media).await;
    for _ in 0..8 {
        assert!(is_slate(&viewer.packet().await));
    }
    assert_eq!(packets.load(Ordering::Relaxed), 0);
    // One whose session can carry it comes: the one goes on, and the other comes again.
    let mut source = Client::new(vp8_only(), Direction::SendOnly).await;
    let answer = media.publish(STREAM, source.offer.clone()).await.unwrap();
    source.answered(&answer.sdp);
    source.connected().await;
    // The beginning of a key frame of 1280 x 720 (RFC 7741, 4.2 and RFC 6386, 9.1).
    let key = [0x10, 0x10, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02];
    let closed = tokio::spawn(async move { viewer.closed().await });
    let mut sent = 0;
    while packets.load(Ordering::Relaxed) < 3 {
        source.timestamp = source.timestamp.wrapping_add(3_600);
        source.send(key.to_vec(), true).await;
        source.turn().await;
        sent += 1;
        assert!(sent < 10_000, "nothing arrives");
    }
    closed.await.unwrap();
    media.shutdown().await;
}
