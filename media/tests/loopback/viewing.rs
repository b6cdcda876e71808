//! What a viewer may do and is told while it watches.

use std::time::{Duration, Instant};

use rushes_media::{Absent, Feed, LayerChoice, OfferError, SelectError, Trickled};
use str0m::ice::{StunMessage, TransId};
use str0m::media::Direction;
use tokio::net::UdpSocket;

use super::client::{Client, attribute, h264_only};
use super::{STREAM, publisher, run, start, until_there, viewer};

#[tokio::test]
async fn a_waiting_viewer_is_sent_the_stream_once_there_is_one() {
    let (media, _events) = start();
    let mut waiting = Client::new(h264_only(), Direction::RecvOnly).await;
    let offer = waiting.offer.clone();
    let refused = media.view(STREAM, offer.clone(), Absent::Refuse).await;
    assert_eq!(refused.unwrap_err(), OfferError::NoPublisher);
    let answer = media.view(STREAM, offer, Absent::Wait).await.unwrap();
    waiting.answered(&answer.sdp);
    waiting.connected().await;
    let (_stop, _task) = run(publisher(&media).await);
    assert_eq!(waiting.packet().await.payload[0], 0x67);
    media.shutdown().await;
}

/// Whoever publishes and never connects keeps viewers from nothing but a word that nobody is there.
#[tokio::test]
async fn a_publisher_that_was_answered_is_none_until_it_is_connected() {
    let (media, _events) = start();
    let mut coming = Client::new(h264_only(), Direction::SendOnly).await;
    let published = media.publish(STREAM, coming.offer.clone()).await.unwrap();
    let offer = Client::new(h264_only(), Direction::RecvOnly).await.offer.clone();
    let refused = media.view(STREAM, offer.clone(), Absent::Refuse).await;
    assert_eq!(refused.unwrap_err(), OfferError::NoPublisher);
    assert!(media.view(STREAM, offer.clone(), Absent::Wait).await.is_ok());
    coming.answered(&published.sdp);
    coming.connected().await;
    until_there(&media).await;
    assert!(media.view(STREAM, offer, Absent::Refuse).await.is_ok());
    media.shutdown().await;
}

#[tokio::test]
async fn after_an_ice_restart_media_goes_where_the_client_is_now() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let mut client = Client::new(h264_only(), Direction::RecvOnly).await;
    let offer = client.offer.clone();
    let answer = media.view(STREAM, offer, Absent::Refuse).await.unwrap();
    client.answered(&answer.sdp);
    client.packet().await;

    let fragment = "a=ice-ufrag:another\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n";
    let trickled = media.trickle(answer.session, fragment.to_owned()).await.unwrap();
    let Trickled::Restarted { fragment, etag } = trickled else { panic!("no restart") };
    assert_ne!(etag, answer.etag);
    assert!(fragment.contains("a=candidate:") && fragment.contains("a=end-of-candidates"));
    client.packet().await; // it goes on where it went

    // The client has moved: it checks from another address with the new credentials.
    let (ufrag, pwd) = (attribute(&fragment, "a=ice-ufrag:"), attribute(&fragment, "a=ice-pwd:"));
    let moved = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    moved.send_to(&check(ufrag, "another", pwd), media.local_addr()).await.unwrap();
    let mut buffer = [0; 2_000];
    let received = async {
        loop {
            let (length, from) = moved.recv_from(&mut buffer).await.unwrap();
            assert_eq!(from, media.local_addr());
            if length > 400 && buffer[0] >> 6 == 2 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), received).await.expect("media at the new place");
    media.shutdown().await;
}

/// A check of the client that calls itself `theirs`.
pub(crate) fn check(ufrag: &str, theirs: &str, pwd: &str) -> Vec<u8> {
    let crypto = str0m::crypto::from_feature_flags();
    let name = format!("{ufrag}:{theirs}");
    let request = StunMessage::binding_request(&name, TransId::new(), true, 7, u32::MAX, true);
    let mut buffer = vec![0; 300];
    let hmac = |key: &[u8], parts: &[&[u8]]| crypto.sha1_hmac_provider.sha1_hmac(key, parts);
    let length = request.to_bytes(Some(pwd.as_bytes()), &mut buffer, hmac).unwrap();
    buffer.truncate(length);
    buffer
}

#[tokio::test]
async fn how_a_viewer_receives_is_known() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let mut client = viewer(&media).await;
    let start = Instant::now();
    let status = loop {
        client.packet().await;
        let viewers = media.viewers(STREAM).await;
        // Its first report comes within a few seconds.
        if let [viewer] = viewers.as_slice()
            && viewer.rtt.is_some()
        {
            break viewer.clone();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{viewers:?}");
    };
    assert!(status.packets > 10 && status.bytes > status.packets * 100);
    assert!(status.session.len() == 6 && status.since > 1_700_000_000_000);
    assert!(status.rtt.unwrap() < 5_000.0 && status.loss <= 1.0);
    assert_eq!((status.layer, status.retransmitted), (None, 0));
    media.shutdown().await;
}

#[tokio::test]
async fn a_viewer_hears_what_becomes_of_its_stream() {
    let (media, _events) = start();
    let mut client = Client::new(h264_only(), Direction::RecvOnly).await;
    let offer = client.offer.clone();
    let answer = media.view(STREAM, offer, Absent::Wait).await.unwrap();
    let mut feed = media.feed(answer.session).await.unwrap();
    assert!(!feed.borrow_and_update().active);
    client.answered(&answer.sdp);
    client.connected().await;
    let (_stop, _task) = run(publisher(&media).await);
    let watching = tokio::spawn(async move {
        loop {
            client.turn().await;
        }
    });
    let live = |feed: &Feed| feed.active && feed.viewers == 1 && feed.layers[0].active;
    feed.wait_for(live).await.unwrap();
    let draining = media.clone();
    let drained = tokio::spawn(async move { draining.drain(Duration::from_secs(30)).await });
    feed.wait_for(|feed| feed.reconnect).await.unwrap();
    let late = Client::new(h264_only(), Direction::RecvOnly).await;
    let refused = media.view(STREAM, late.offer, Absent::Wait).await;
    assert_eq!(refused.unwrap_err(), OfferError::Unavailable);
    media.close_stream(STREAM).await;
    drained.await.unwrap();
    watching.abort();
}

#[tokio::test]
async fn only_layers_that_exist_can_be_chosen() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let mut client = Client::new(h264_only(), Direction::RecvOnly).await;
    let offer = client.offer.clone();
    let answer = media.view(STREAM, offer, Absent::Refuse).await.unwrap();
    client.answered(&answer.sdp);
    client.packet().await;
    let select = |session, choice| media.select(session, choice);
    assert_eq!(select(answer.session, LayerChoice::Auto).await, Ok(()));
    let unknown = LayerChoice::Rid("q".into());
    assert_eq!(select(answer.session, unknown).await, Err(SelectError::NoLayer));
    let stranger = rushes_media::SessionId(1);
    assert_eq!(select(stranger, LayerChoice::Auto).await, Err(SelectError::NoSession));
    media.shutdown().await;
}
