//! Defects, put in on purpose: each ends its own session and nothing else. The clients have
//! agreed on their keys long ago, so that they need no handshake.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use super::socket::Route;
use super::*;
use crate::framing::write_frame;
use crate::fuzzing::agreed::{DEFECT, MATERIAL, MATERIAL_LEN, PROVIDER};
use crate::fuzzing::session::{HELLO, UFRAG, nomination, offer, request};
use crate::rtp::{Codec, inspect};
use crate::srtp::{Keys, Profile, Sealer};
use crate::status::Transport;
use crate::stream::Payload;

pub(super) const STREAM: StreamId = StreamId(1);
const OTHER: StreamId = StreamId(2);
/// The offer's payload type of H.264.
pub(super) const H264: u8 = 96;
/// A test that waits longer than this for something has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The client of this port cannot be written to.
static DEFECTIVE: AtomicU16 = AtomicU16::new(0);

/// Whatever is done for this stream has a defect.
pub(super) const DEFECTIVE_STREAM: StreamId = StreamId(0xdefec7);
/// So has what becomes of a publisher's packet with this payload.
const DEFECTIVE_PAYLOAD: &[u8] = &[0x41, 0xde, 0xfe, 0xc7];

/// What is done for it does not end before this is no longer said to be held.
const HANGING_STREAM: StreamId = StreamId(0x4a46);
static HELD: AtomicBool = AtomicBool::new(false);

/// Called where something is done for a stream.
pub(super) fn defect_in(stream: StreamId) {
    if stream == HANGING_STREAM {
        HELD.store(true, Ordering::Relaxed);
        while HELD.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
    }
    assert_ne!(stream, DEFECTIVE_STREAM, "the defect of a test");
}

/// Called for each packet of a publisher.
pub(super) fn defect_at(packet: &Packet) {
    assert_ne!(&packet.payload[..], DEFECTIVE_PAYLOAD, "the defect of a test");
}

/// Called for each packet of a viewer.
pub(super) fn defect(route: Route) {
    let port = DEFECTIVE.load(Ordering::Relaxed);
    assert_ne!(route.to.port(), port, "the defect of a test");
}

/// A packet of a key frame.
pub(super) fn packet(now: Instant) -> Packet {
    let payload: Payload = [0x65; 100].as_slice().into();
    Packet {
        codec: Codec::H264,
        layer: 0,
        seq: 1,
        timestamp: 3_000,
        marker: true,
        inspection: inspect(Codec::H264, &payload),
        payload,
        captured: now,
    }
}

pub(super) fn start() -> (Media, mpsc::Receiver<MediaEvent>) {
    let config = MediaConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        hosts: vec![],
        max_sessions: 20,
        tcp: TcpLimits::default(),
        fanout_threads: NonZero::new(1),
        transcodes: TranscodeLimits::NONE,
        ffmpeg: None,
    };
    let agreed = |hosts| Ok(PeerSetup::new(hosts)?.with_dtls(&PROVIDER));
    Media::start_with(config, agreed).unwrap()
}

/// A client that has shown where it is.
pub(super) struct Client {
    socket: UdpSocket,
    pub(super) session: SessionId,
    /// Its check, signed, which chooses the way that it comes.
    check: Vec<u8>,
    sealer: Sealer,
    seq: u64,
}

impl Client {
    async fn new(media: &Media, answer: Answer) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(media.local_addr()).await.unwrap();
        let of = |name: &str| {
            let line = answer.sdp.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().to_owned()
        };
        let (ufrag, pwd) = (of("a=ice-ufrag:"), of("a=ice-pwd:"));
        let check = request(&media.0.setup, (&ufrag, &pwd), UFRAG, &nomination());
        let keys = Keys::from_dtls(Profile::Aes128CmSha1_80, &MATERIAL[..MATERIAL_LEN]).unwrap();
        let sealer = Sealer::new(&keys.client).unwrap();
        let client = Self { socket, session: answer.session, check, sealer, seq: 0 };
        client.socket.send(&client.check).await.unwrap();
        assert_eq!(client.next().await[..2], [1, 1], "the check is answered");
        client
    }

    async fn publisher(media: &Media, stream: StreamId) -> Self {
        let answer = media.publish(stream, offer(&media.0.setup)).await.unwrap();
        let client = Self::new(media, answer).await;
        client.socket.send(HELLO).await.unwrap();
        client
    }

    async fn viewer(media: &Media, stream: StreamId) -> Self {
        Self::viewer_with(media, stream, |offer| offer).await
    }

    /// A viewer whose offer says something else besides.
    pub(super) async fn viewer_with(
        media: &Media,
        stream: StreamId,
        says: impl FnOnce(String) -> String,
    ) -> Self {
        let offer = offer(&media.0.setup).replace("a=sendonly", "a=recvonly");
        let before = media.status(stream).await.viewers;
        let answer = media.view(stream, says(offer), Absent::Wait).await.unwrap();
        let client = Self::new(media, answer).await;
        while media.status(stream).await.viewers == before {
            tokio::task::yield_now().await;
        }
        client
    }

    pub(super) async fn next(&self) -> Vec<u8> {
        let mut buffer = vec![0; 2_000];
        let received = tokio::time::timeout(PATIENCE, self.socket.recv(&mut buffer)).await;
        let length = received.expect("nothing comes").unwrap();
        buffer.truncate(length);
        buffer
    }

    /// Waits for a packet of the picture.
    async fn picture(&self) {
        while !matches!(self.next().await[..], [0x80 | 0x90, kind, ..] if kind & 0x7f == H264) {}
    }

    /// Sends a key frame.
    async fn frame(&mut self) {
        for payload in [&[0x67, 0x42, 0xc0, 0x1f][..], &[0x68, 0xce, 0x3c, 0x80], &[0x65; 100]] {
            self.send(payload).await;
        }
    }

    async fn send(&mut self, payload: &[u8]) {
        self.seq += 1;
        let marker = u8::from(payload[0] == 0x65) << 7;
        let mut packet = vec![0x80, H264 | marker];
        packet.extend_from_slice(&(self.seq as u16).to_be_bytes());
        packet.extend_from_slice(&(self.seq as u32 / 3 * 3_000).to_be_bytes());
        packet.extend_from_slice(&1u32.to_be_bytes());
        packet.extend_from_slice(payload);
        self.sealer.seal_rtp(&mut packet, 0, 12, 1, self.seq).unwrap();
        self.socket.send(&packet).await.unwrap();
    }

    /// Waits until the session has ended.
    async fn ended(&self, media: &Media) {
        let ended = async {
            let fragment = || "a=end-of-candidates\r\n".to_owned();
            while media.trickle(self.session, fragment()).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("the session goes on");
    }

    async fn runs(&self, media: &Media) -> bool {
        media.trickle(self.session, "a=end-of-candidates\r\n".to_owned()).await.is_ok()
    }
}

#[tokio::test]
async fn a_defect_in_a_viewers_protocol_ends_that_viewer() {
    let (media, _events) = start();
    let mut source = Client::publisher(&media, STREAM).await;
    let bad = Client::viewer(&media, STREAM).await;
    let good = Client::viewer(&media, STREAM).await;
    source.frame().await;
    bad.picture().await;
    good.picture().await;
    bad.socket.send(DEFECT).await.unwrap();
    bad.ended(&media).await;
    source.frame().await;
    good.picture().await;
    assert!(good.runs(&media).await && source.runs(&media).await);
    assert_eq!(media.status(STREAM).await.viewers, 1);
    media.shutdown().await;
}

#[tokio::test]
async fn a_defect_in_a_publishers_protocol_ends_that_publisher() {
    let (media, mut events) = start();
    let mut bad = Client::publisher(&media, STREAM).await;
    let mut good = Client::publisher(&media, OTHER).await;
    let waits = Client::viewer(&media, STREAM).await;
    let sees = Client::viewer(&media, OTHER).await;
    bad.frame().await;
    waits.picture().await;
    bad.socket.send(DEFECT).await.unwrap();
    bad.ended(&media).await;
    assert_eq!(events.recv().await, Some(MediaEvent::Live { stream: STREAM }));
    assert_eq!(events.recv().await, Some(MediaEvent::Offline { stream: STREAM }));
    good.frame().await;
    sees.picture().await;
    // Those who watched what is gone wait for the next.
    let mut next = Client::publisher(&media, STREAM).await;
    next.frame().await;
    waits.picture().await;
    media.shutdown().await;
}

#[tokio::test]
async fn a_defect_behind_a_publishers_decryption_ends_that_publisher() {
    let (media, mut events) = start();
    let mut bad = Client::publisher(&media, STREAM).await;
    let mut good = Client::publisher(&media, OTHER).await;
    let waits = Client::viewer(&media, STREAM).await;
    let sees = Client::viewer(&media, OTHER).await;
    bad.frame().await;
    waits.picture().await;
    bad.send(DEFECTIVE_PAYLOAD).await;
    bad.ended(&media).await;
    assert_eq!(events.recv().await, Some(MediaEvent::Live { stream: STREAM }));
    assert_eq!(events.recv().await, Some(MediaEvent::Offline { stream: STREAM }));
    good.frame().await;
    sees.picture().await;
    let mut next = Client::publisher(&media, STREAM).await;
    next.frame().await;
    waits.picture().await;
    assert!(media.is_running());
    media.shutdown().await;
}

#[tokio::test]
async fn a_defect_in_what_a_feed_hands_over_ends_that_feed() {
    let (media, _events) = start();
    let mut source = Client::publisher(&media, OTHER).await;
    let sees = Client::viewer(&media, OTHER).await;
    let register = feeds::Register::new(media.0.feeds.clone(), Arc::clone(&media.0.room));
    let (id, items, gone) = register.begin(STREAM, register.place().unwrap());
    let payload = DEFECTIVE_PAYLOAD.into();
    let defective = Packet { payload, ..packet(Instant::now()) };
    items.send(FeedItem::Packets(id, vec![defective])).await.unwrap();
    let ended = async {
        while !gone.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the feed goes on");
    source.frame().await;
    sees.picture().await;
    media.shutdown().await;
}

#[tokio::test]
async fn a_defect_in_a_command_costs_its_answer() {
    let (media, _events) = start();
    assert_eq!(media.status(DEFECTIVE_STREAM).await, StreamStatus::default());
    let _publisher = Client::publisher(&media, STREAM).await;
    assert!(media.is_running());
    media.shutdown().await;
    // Its end of the channel goes soon after its last answer.
    while media.is_running() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_media_thread_that_hangs_does_not_answer() {
    let (media, _events) = start();
    assert!(media.answers().await);
    let asked = tokio::spawn({
        let media = media.clone();
        async move { media.status(HANGING_STREAM).await }
    });
    while !HELD.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    assert!(media.is_running() && !media.answers().await);
    HELD.store(false, Ordering::Relaxed);
    assert!(media.answers().await);
    asked.await.unwrap();
    media.shutdown().await;
}

#[tokio::test]
async fn a_defect_in_sending_ends_the_viewer_that_was_sent_to() {
    let (media, _events) = start();
    let mut source = Client::publisher(&media, STREAM).await;
    let bad = Client::viewer(&media, STREAM).await;
    let good = Client::viewer(&media, STREAM).await;
    source.frame().await;
    bad.picture().await;
    good.picture().await;
    DEFECTIVE.store(bad.socket.local_addr().unwrap().port(), Ordering::Relaxed);
    source.frame().await;
    bad.ended(&media).await;
    good.picture().await;
    source.frame().await;
    good.picture().await;
    assert_eq!(media.status(STREAM).await.viewers, 1);
    media.shutdown().await;
}

#[tokio::test]
async fn nothing_comes_from_or_goes_to_an_address_that_was_not_proven() {
    let (media, _events) = start();
    let mut source = Client::publisher(&media, STREAM).await;
    let viewer = Client::viewer(&media, STREAM).await;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    stranger.connect(media.local_addr()).await.unwrap();
    for whose in [&viewer, &source] {
        let mut forged = whose.check.clone();
        *forged.last_mut().unwrap() ^= 1;
        stranger.send(&forged).await.unwrap();
        // The session would end of this, were it taken for its own.
        stranger.send(DEFECT).await.unwrap();
    }
    source.frame().await;
    viewer.picture().await;
    assert!(viewer.runs(&media).await && source.runs(&media).await);
    let mut buffer = [0; 100];
    let nothing = stranger.try_recv(&mut buffer).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    media.shutdown().await;
}

#[tokio::test]
async fn a_connection_belongs_to_the_session_of_its_first_check() {
    let (media, _events) = start();
    let one = Client::viewer(&media, STREAM).await;
    let two = Client::viewer(&media, STREAM).await;
    let mut stream = TcpStream::connect(media.local_addr()).await.unwrap();
    for check in [&one.check, &two.check, &one.check] {
        let mut frame = BytesMut::new();
        assert!(write_frame(&mut frame, check));
        stream.write_all(&frame).await.unwrap();
    }
    // The second is answered to nobody; the third shows that it was looked at.
    for _ in 0..2 {
        let length = stream.read_u16().await.unwrap();
        let mut reply = vec![0; length.into()];
        stream.read_exact(&mut reply).await.unwrap();
        assert_eq!(reply[..2], [1, 1]);
    }
    let watching = media.viewers(STREAM).await;
    let carried = |by| watching.iter().filter(|viewer| viewer.transport == Some(by)).count();
    assert_eq!((carried(Transport::Tcp), carried(Transport::Udp)), (1, 1));
    media.shutdown().await;
}
