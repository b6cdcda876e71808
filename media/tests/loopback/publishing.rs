//! What a publisher may do while it publishes.

use rushes_media::Trickled;
use str0m::IceCreds;

use super::client::{Client, attribute, h264_only};
use super::viewing::check;
use super::*;

/// The first byte of a slice of a picture, of a key frame or another.
fn is_slice(payload: &[u8]) -> bool {
    matches!(payload[0], 0x41 | 0x65)
}

#[tokio::test]
async fn after_an_ice_restart_a_publisher_goes_on_from_where_it_is_now() {
    let (media, mut events) = start();
    let mut source = Client::new(h264_only(), Direction::SendOnly).await;
    let answer = media.publish(STREAM, source.offer.clone()).await.unwrap();
    source.answered(&answer.sdp);
    source.connected().await;
    let (stop, task) = run(source);
    let mut viewer = viewer(&media).await;
    viewer.packet().await;
    stop.send(()).unwrap();
    let mut source = task.await.unwrap();

    let creds = IceCreds::new();
    let fragment = format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", creds.ufrag, creds.pass);
    let trickled = media.trickle(answer.session, fragment).await.unwrap();
    let Trickled::Restarted { fragment, etag } = trickled else { panic!("no restart") };
    assert_ne!(etag, answer.etag);
    for name in ["a=ice-ufrag:", "a=ice-pwd:"] {
        assert_ne!(attribute(&fragment, name), attribute(&answer.sdp, name));
    }

    // Until the new way is proven the media take the old one.
    let number = source.frame as u8;
    source.send_frame().await;
    while !matches!(&viewer.packet().await.payload[..], p if is_slice(p) && p[1] == number) {}

    // Then the client has moved: nothing comes from where it was.
    source.moved(creds, &fragment).await;
    let number = source.frame as u8;
    let (_stop, _task) = run(source);
    let since = |payload: &[u8]| payload[1].wrapping_sub(number) < 128;
    while !matches!(&viewer.packet().await.payload[..], p if is_slice(p) && since(p)) {}

    let status = media.status(STREAM).await;
    assert_eq!((status.state, status.viewers), (StreamState::Live, 1));
    assert_eq!(events.recv().await, Some(MediaEvent::Live { stream: STREAM }));
    assert!(events.try_recv().is_err(), "nobody was told of an end");
    media.shutdown().await;
}

#[tokio::test]
async fn nobody_takes_an_address_by_claiming_to_be_there() {
    let (media, _events) = start();
    let source = publisher(&media).await;
    let mut viewer = viewer(&media).await;
    // Others know their own sessions' passwords, and write the publisher's address.
    for stream in 10..16 {
        let other = Client::new(h264_only(), Direction::SendOnly).await;
        let answer = media.publish(StreamId(stream), other.offer.clone()).await.unwrap().sdp;
        let (ufrag, pwd) = (attribute(&answer, "a=ice-ufrag:"), attribute(&answer, "a=ice-pwd:"));
        let check = check(ufrag, attribute(&other.offer, "a=ice-ufrag:"), pwd);
        source.socket.send_to(&check, media.local_addr()).await.unwrap();
    }
    let (_stop, _task) = run(source);
    viewer.packet().await;
    media.shutdown().await;
}

#[tokio::test]
async fn a_client_that_begins_anew_may_do_so_from_the_same_port() {
    let (media, _events) = start();
    let (stop, task) = run(publisher(&media).await);
    let mut viewer = viewer(&media).await;
    viewer.packet().await;
    stop.send(()).unwrap();
    // It says no goodbye, and its session has not ended when the next one begins.
    let Client { mut socket, mut frame, .. } = task.await.unwrap();
    for _ in 0..6 {
        let mut source = Client::at(socket, h264_only(), Direction::SendOnly);
        let answer = media.publish(STREAM, source.offer.clone()).await.unwrap();
        source.answered(&answer.sdp);
        source.connected().await;
        source.frame = frame.next_multiple_of(10);
        let number = source.frame as u8;
        let (stop, task) = run(source);
        let since = |payload: &[u8]| payload[1].wrapping_sub(number) < 128;
        while !matches!(&viewer.packet().await.payload[..], p if is_slice(p) && since(p)) {}
        stop.send(()).unwrap();
        Client { socket, frame, .. } = task.await.unwrap();
    }
    media.shutdown().await;
}
