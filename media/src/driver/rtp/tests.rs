//! Sources on real sockets of the loopback, up to the stream that they publish.

use std::net::UdpSocket;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::driver::{MediaConfig, TcpLimits};
use crate::status::{MediaEvent, StreamState};
use crate::transcode::TranscodeLimits;

const STREAM: StreamId = StreamId(7);
/// A test that waits longer than this for something has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A clip of 0.6 s behind a byte of the fuzzer's.
const CLIP: &[u8] = include_bytes!("../../../../fuzz/seeds/ts/aac");

/// What is done with such a datagram, of whomever, has a defect.
const DEFECTIVE: &[u8] = b"the address of it has a defect";
/// And so has what is done with such a one of a registered source.
const DEFECTIVE_PACKET: &[u8] = b"the packet has a defect";

/// Called for each datagram.
pub(super) fn defect_of(datagram: &[u8]) {
    assert_ne!(datagram, DEFECTIVE, "the defect of a test");
}

/// Called for each of a registered source.
pub(super) fn defect_in(datagram: &[u8]) {
    assert_ne!(datagram, DEFECTIVE_PACKET, "the defect of a test");
}

struct Rules {
    asked: AtomicUsize,
    may: AtomicBool,
}

impl RtpGate for Rules {
    fn accepted(&self, stream: StreamId) -> BoxFuture<'_, bool> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let may = self.may.load(Ordering::Relaxed) && stream == STREAM;
        Box::pin(async move { may })
    }
}

/// An encoder that sends the clip as a transport stream, again and again.
struct Encoder {
    socket: UdpSocket,
    seq: u16,
    ssrc: u8,
}

impl Encoder {
    fn new(port: &Rtp, from: &str) -> Self {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        socket.connect((from, port.local_addr().port())).unwrap();
        Self { socket, seq: 0, ssrc: 9 }
    }

    fn origin(&self) -> RtpOrigin {
        let local = self.socket.local_addr().unwrap();
        let (ip, video) = (local.ip(), local.port());
        RtpOrigin { stream: STREAM, ip, video, audio: 0, declared: None }
    }

    fn send(&mut self) {
        let chunks = CLIP[1..].chunks(1316);
        let chunk = chunks.clone().nth(usize::from(self.seq) % chunks.len()).unwrap();
        let mut packet = vec![0x80, 33];
        packet.extend_from_slice(&self.seq.to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, self.ssrc]);
        packet.extend_from_slice(chunk);
        // Lost, like any other.
        let _ = self.socket.send(&packet);
        self.seq = self.seq.wrapping_add(1);
    }
}

/// Lets encoders send until something holds.
async fn until(encoders: &mut [&mut Encoder], mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it never came");
        encoders.iter_mut().for_each(|encoder| encoder.send());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn start() -> (Media, mpsc::Receiver<MediaEvent>, Rtp, Arc<Rules>) {
    start_on("127.0.0.1:0")
}

fn start_on(listen: &str) -> (Media, mpsc::Receiver<MediaEvent>, Rtp, Arc<Rules>) {
    let config = MediaConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        hosts: vec![],
        max_sessions: 20,
        tcp: TcpLimits::default(),
        fanout_threads: NonZero::new(1),
        transcodes: TranscodeLimits::NONE,
        ffmpeg: None,
    };
    let (media, events) = Media::start(config).unwrap();
    let rules = Arc::new(Rules { asked: AtomicUsize::new(0), may: AtomicBool::new(true) });
    let config = RtpConfig { listen: listen.parse().unwrap(), sources: 4 };
    let port = Rtp::start(config, &media, rules.clone()).unwrap();
    (media, events, port, rules)
}

#[tokio::test]
async fn a_registered_source_publishes_and_nobody_else() {
    let (media, mut events, port, rules) = start();
    let mut encoder = Encoder::new(&port, "127.0.0.1");
    let mut stranger = Encoder::new(&port, "127.0.0.1");
    port.register(encoder.origin());
    let mut live = None;
    until(&mut [&mut encoder, &mut stranger], || {
        live = live.or_else(|| events.try_recv().ok());
        live.is_some() && port.status(STREAM).is_some_and(|status| status.rtp.packets > 50)
    })
    .await;
    assert_eq!(live, Some(MediaEvent::Live { stream: STREAM }));
    assert!(media.status(STREAM).await.video.is_some_and(|video| video.width == Some(160)));
    let status = port.status(STREAM).unwrap();
    assert_eq!((status.problems.len(), status.rtp.tracks.len()), (0, 1), "{status:?}");
    let from = stranger.socket.local_addr().unwrap();
    assert!(port.strangers().iter().any(|stranger| stranger.from == from && stranger.packets > 9));
    assert!(port.refused() > 9);

    // Whoever stops the stream ends it, and it comes back only if it may.
    rules.may.store(false, Ordering::Relaxed);
    let asked = rules.asked.load(Ordering::Relaxed);
    assert!(media.close_publisher(STREAM).await);
    until(&mut [&mut encoder], || rules.asked.load(Ordering::Relaxed) > asked).await;
    until(&mut [&mut encoder], || port.status(STREAM).is_none()).await;
    assert_eq!(media.status(STREAM).await.state, StreamState::Waiting);
    rules.may.store(true, Ordering::Relaxed);
    until(&mut [&mut encoder], || port.status(STREAM).is_some()).await;

    // One that is not registered any more is a stranger.
    port.unregister(STREAM);
    let from = encoder.socket.local_addr().unwrap();
    until(&mut [&mut encoder], || port.strangers().iter().any(|s| s.from == from)).await;
    until(&mut [&mut encoder], || port.status(STREAM).is_none()).await;
    port.shutdown().await;
}

/// A server that listens for everybody has both families on one socket, where an address of IPv4 looks
/// like one of IPv6.
#[tokio::test]
async fn a_source_is_known_by_its_address_of_either_family() {
    for from in ["127.0.0.1", "::1"] {
        let (_media, mut events, port, _) = start_on("[::]:0");
        let (mut encoder, mut stranger) = (Encoder::new(&port, from), Encoder::new(&port, from));
        port.register(encoder.origin());
        let mut live = None;
        until(&mut [&mut encoder, &mut stranger], || {
            live = live.or_else(|| events.try_recv().ok());
            live.is_some()
        })
        .await;
        assert_eq!(live, Some(MediaEvent::Live { stream: STREAM }), "{from}");
        let told = stranger.socket.local_addr().unwrap();
        assert!(port.strangers().iter().any(|stranger| stranger.from == told), "{from}");
        port.shutdown().await;
    }
}

#[tokio::test]
async fn a_silent_source_ends() {
    let (media, mut events, port, _) = start();
    let mut encoder = Encoder::new(&port, "127.0.0.1");
    port.register(encoder.origin());
    until(&mut [&mut encoder], || events.try_recv().is_ok()).await;
    until(&mut [], || matches!(events.try_recv(), Ok(MediaEvent::Offline { .. }))).await;
    until(&mut [], || port.status(STREAM).is_none()).await;
    assert_eq!(media.status(STREAM).await.state, StreamState::Waiting);
}

/// A source that says goodbye is over, though it is not silent: reports and what comes late begin
/// nothing, and what comes under another number does.
#[tokio::test]
async fn a_source_that_says_goodbye_ends_and_comes_back() {
    let (media, _events, port, rules) = start();
    let mut encoder = Encoder::new(&port, "127.0.0.1");
    port.register(encoder.origin());
    until(&mut [&mut encoder], || port.status(STREAM).is_some()).await;
    let asked = rules.asked.load(Ordering::Relaxed);
    let goodbye = [0x80, 201, 0, 1, 0, 0, 0, 9, 0x81, 203, 0, 1, 0, 0, 0, 9];
    until(&mut [], || {
        encoder.socket.send(&goodbye).unwrap();
        port.status(STREAM).is_none()
    })
    .await;
    assert_eq!(rules.asked.load(Ordering::Relaxed), asked, "a goodbye begins nothing");
    let over = async {
        while media.status(STREAM).await.state != StreamState::Waiting {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.unwrap();
    encoder.ssrc = 10;
    until(&mut [&mut encoder], || port.status(STREAM).is_some()).await;
    assert_eq!(rules.asked.load(Ordering::Relaxed), asked + 1);
}

#[tokio::test]
async fn a_defect_ends_the_source_it_was_for_and_the_port_goes_on() {
    let (media, _events, port, rules) = start();
    let mut encoder = Encoder::new(&port, "127.0.0.1");
    let stranger = Encoder::new(&port, "127.0.0.1");
    port.register(encoder.origin());
    until(&mut [&mut encoder], || port.status(STREAM).is_some()).await;
    let (asked, seen) = (rules.asked.load(Ordering::Relaxed), port.status(STREAM).unwrap());
    stranger.socket.send(DEFECTIVE).unwrap();
    stranger.socket.send(DEFECTIVE_PACKET).unwrap();
    until(&mut [&mut encoder], || {
        port.status(STREAM).is_some_and(|now| now.rtp.packets > seen.rtp.packets + 50)
    })
    .await;
    assert_eq!(rules.asked.load(Ordering::Relaxed), asked, "what a stranger sends ends nobody");

    encoder.socket.send(DEFECTIVE_PACKET).unwrap();
    until(&mut [], || port.status(STREAM).is_none()).await;
    until(&mut [&mut encoder], || port.status(STREAM).is_some()).await;
    assert_eq!(rules.asked.load(Ordering::Relaxed), asked + 1, "it comes back");
    assert!(port.is_running());
    assert_eq!(media.status(STREAM).await.state, StreamState::Live);
    port.shutdown().await;
}
