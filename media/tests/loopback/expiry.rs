//! Sessions end when ICE does: never begun, no longer kept up, or revoked.

use std::time::{Duration, Instant};

use rushes_media::{Absent, Media, SessionId, StreamId, StreamState, TrickleError, Trickled};
use str0m::media::Direction;
use tokio::net::UdpSocket;

use super::client::{Client, attribute, h264_only};
use super::viewing::check;
use super::{STREAM, publisher, run, start, viewer};

/// Another stream than that of the viewers.
const OTHER: StreamId = StreamId(8);
const END: &str = "a=end-of-candidates\r\n";

/// Waits for fifteen seconds of silence to be over, as the server counts them.
#[tokio::test]
async fn sessions_without_ice_end_and_the_others_go_on() {
    let (media, _events) = start();
    let (_stop, _task) = run(publisher(&media).await);
    let never = Client::new(h264_only(), Direction::SendOnly).await;
    let never = media.publish(STREAM, never.offer.clone()).await.unwrap();
    let mut stays = Client::new(h264_only(), Direction::RecvOnly).await;
    let answer = media.view(STREAM, stays.offer.clone(), Absent::Refuse).await.unwrap();
    stays.answered(&answer.sdp);
    stays.connected().await;
    let mut feed = media.feed(answer.session).await.unwrap();
    let staying = tokio::spawn(async move {
        loop {
            stays.packet().await;
        }
    });

    let mut quiet = Client::new(h264_only(), Direction::SendOnly).await;
    let published = media.publish(OTHER, quiet.offer.clone()).await.unwrap();
    quiet.answered(&published.sdp);
    quiet.connected().await;
    quiet.send_frame().await;
    let mut talks = viewer(&media).await;
    talks.packet().await;
    feed.wait_for(|feed| feed.viewers == 2).await.unwrap();
    // Nothing of ICE any more, and yet it goes on to talk: RTCP, or who knows what.
    let server = media.local_addr();
    let sockets = [talks.socket, quiet.socket];
    let talking = tokio::spawn(async move {
        loop {
            for socket in &sockets {
                socket.send_to(&[0x80, 201, 0, 1, 0, 0, 0, 1, 9, 9], server).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let ended = feed.wait_for(|feed| feed.viewers == 1);
    tokio::time::timeout(Duration::from_secs(40), ended).await.expect("it ends").unwrap();
    let late = media.trickle(never.session, END.to_owned()).await;
    assert_eq!(late, Err(TrickleError::NoSession), "it never connected");
    let ended = async {
        while media.status(OTHER).await.state != StreamState::Waiting {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("nor does it publish on");
    assert_eq!(media.trickle(answer.session, END.to_owned()).await.err(), None);
    assert!(!staying.is_finished());
    for task in [staying, talking] {
        task.abort();
    }
    media.shutdown().await;
}

/// A session that was answered: its user fragment, its client's, its password.
struct Answered(SessionId, [String; 3]);

async fn answered(media: &Media, direction: Direction) -> Answered {
    let client = Client::new(h264_only(), direction).await;
    let answer = match direction {
        Direction::SendOnly => media.publish(STREAM, client.offer.clone()).await.unwrap(),
        _ => media.view(STREAM, client.offer.clone(), Absent::Wait).await.unwrap(),
    };
    let own = |name| attribute(&answer.sdp, name).to_owned();
    let theirs = attribute(&client.offer, "a=ice-ufrag:").to_owned();
    Answered(answer.session, [own("a=ice-ufrag:"), theirs, own("a=ice-pwd:")])
}

/// Whether the server answers a check of the session: before one of another session, which it
/// does answer, and which came later.
async fn answers(media: &Media, session: &Answered, fence: &Answered) -> bool {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let checks =
        [session, fence].map(|Answered(_, [ufrag, theirs, pwd])| check(ufrag, theirs, pwd));
    for check in &checks {
        socket.send_to(check, media.local_addr()).await.unwrap();
    }
    let mut buffer = [0; 2_000];
    let mut answered = false;
    let fenced = async {
        loop {
            let length = socket.recv(&mut buffer).await.unwrap();
            // A success with the number of the request (RFC 8489, 6.3.3).
            let succeeds = |check: &[u8]| {
                length > 20 && buffer[..2] == [1, 1] && buffer[8..20] == check[8..20]
            };
            answered |= succeeds(&checks[0]);
            if succeeds(&checks[1]) {
                return answered;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), fenced).await.expect("the fence is answered")
}

/// RFC 9725, 4.2: consent is revoked at once (RFC 7675, 5.2), so that no check is answered.
#[tokio::test]
async fn a_session_that_was_deleted_answers_no_check() {
    let (media, _events) = start();
    let fence = answered(&media, Direction::RecvOnly).await;
    for direction in [Direction::RecvOnly, Direction::SendOnly] {
        let session = answered(&media, direction).await;
        assert!(answers(&media, &session, &fence).await);
        assert!(media.close(session.0).await);
        assert!(!answers(&media, &session, &fence).await);
    }
    media.shutdown().await;
}

/// A publisher that has sent media and then asked for an ICE restart, of which it uses nothing: its
/// session, its socket, a check of the way that it had before, and a moment before it asked.
struct Restarted(SessionId, UdpSocket, Vec<u8>, Instant);

async fn restarted(media: &Media, stream: StreamId) -> Restarted {
    let mut client = Client::new(h264_only(), Direction::SendOnly).await;
    let answer = media.publish(stream, client.offer.clone()).await.unwrap();
    client.answered(&answer.sdp);
    client.connected().await;
    let live = async {
        while media.status(stream).await.state != StreamState::Live {
            client.send_frame().await;
            client.turn().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), live).await.expect("its media arrive");
    let own = |name| attribute(&answer.sdp, name);
    let theirs = attribute(&client.offer, "a=ice-ufrag:");
    let former = check(own("a=ice-ufrag:"), theirs, own("a=ice-pwd:"));
    let asked = Instant::now();
    let fragment = "a=ice-ufrag:another\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n";
    let restarted = media.trickle(answer.session, fragment.to_owned()).await.unwrap();
    assert!(matches!(restarted, Trickled::Restarted { .. }), "{restarted:?}");
    Restarted(answer.session, client.socket, former, asked)
}

/// RFC 9725, 4.3.3: a restart that failed ends nothing by itself, and the expiry of consent (RFC 7675,
/// 5.1) ends the session all the same. Consent by the way of before is consent.
#[tokio::test]
async fn s4_3_3_a_restart_that_is_never_completed_ends_with_its_consent() {
    const CONSENT: Duration = Duration::from_secs(15);
    let (media, _events) = start();
    let Restarted(checking, socket, former, _) = restarted(&media, OTHER).await;
    let Restarted(silent, _socket, _, asked) = restarted(&media, STREAM).await;
    let server = media.local_addr();
    let checks = tokio::spawn(async move {
        loop {
            socket.send_to(&former, server).await.unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let ended = async {
        while media.status(STREAM).await.state != StreamState::Waiting {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(40), ended).await.expect("it ends");
    assert!(asked.elapsed() > CONSENT, "after {:?}: the restart is no end", asked.elapsed());
    let late = media.trickle(silent, END.to_owned()).await;
    assert_eq!(late, Err(TrickleError::NoSession));
    // It was last heard of before the other one, but for its checks.
    assert_eq!(media.trickle(checking, END.to_owned()).await, Ok(Trickled::Taken));
    assert!(!checks.is_finished());
    checks.abort();
    media.shutdown().await;
}
