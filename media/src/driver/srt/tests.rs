//! Callers on real sockets of the loopback, up to the stream that they publish.

use std::num::NonZero;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::driver::{MediaConfig, TcpLimits};
use crate::srt::tests::sender::{Config, Sender, State};
use crate::status::{MediaEvent, StreamState};
use crate::transcode::TranscodeLimits;

const STREAM: StreamId = StreamId(7);
const SECRET: &str = "correct horse battery";
/// A test that waits longer than this for something has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A clip of 0.6 s behind a byte of the fuzzer's.
const CLIP: &[u8] = include_bytes!("../../../../fuzz/seeds/ts/aac");

/// Whatever comes from this port has a defect.
static DEFECTIVE: AtomicU16 = AtomicU16::new(0);
/// The server's port of this number has one once, in what is nobody's.
static TORN: AtomicU16 = AtomicU16::new(0);

/// Called for each datagram.
pub(super) fn defect_of(from: SocketAddr) {
    assert_ne!(from.port(), DEFECTIVE.load(Ordering::Relaxed), "the defect of a test");
}

/// Called for each turn of a port.
pub(super) fn defect_at(local: SocketAddr) {
    let torn = TORN.compare_exchange(local.port(), 0, Ordering::Relaxed, Ordering::Relaxed);
    assert!(torn.is_err(), "the defect of a test");
}

/// Knows one stream.
#[derive(Default)]
struct Rules {
    accepted: AtomicUsize,
}

impl Gate for Rules {
    fn admit(&self, caller: Caller) -> BoxFuture<'_, Result<Admission, Rejection>> {
        Box::pin(async move {
            if caller.request.resource != "cam" {
                return Err(Rejection::NotFound);
            }
            Ok(Admission { stream: STREAM, passphrase: Some(SECRET.to_owned()) })
        })
    }

    fn accepted(&self, _: StreamId) -> BoxFuture<'_, Result<(), Rejection>> {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }
}

/// Lets nobody in: what a caller asks for says why, and when.
struct Refuses;

impl Gate for Refuses {
    fn admit(&self, caller: Caller) -> BoxFuture<'_, Result<Admission, Rejection>> {
        let outcome = match caller.request.resource.as_str() {
            "failing" => Err(Rejection::Internal),
            "overloaded" => Err(Rejection::Overload),
            "stopped" => Err(Rejection::Forbidden),
            "ending" => Err(Rejection::Down),
            // What is known of it only when it is about to come in.
            _ => Ok(Admission { stream: STREAM, passphrase: None }),
        };
        Box::pin(async move { outcome })
    }

    fn accepted(&self, _: StreamId) -> BoxFuture<'_, Result<(), Rejection>> {
        Box::pin(async { Err(Rejection::Internal) })
    }
}

/// A caller, and what it has sent of the clip.
struct Calling {
    socket: std::net::UdpSocket,
    sender: Sender,
    sent: usize,
}

impl Calling {
    fn new(port: &Srt, from: &str, config: Config) -> Self {
        let socket = std::net::UdpSocket::bind((from, 0)).unwrap();
        socket.connect(port.local_addr()).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket, sender: Sender::new(Instant::now(), config), sent: 0 }
    }

    fn right(port: &Srt, from: &str) -> Self {
        let secret = Some((SECRET, 16));
        Self::new(port, from, Config { secret, ..Config::default() })
    }

    /// Says and hears what there is; one that is connected sends of the clip, again and again.
    fn pump(&mut self) {
        let mut buffer = [0; 2048];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            self.sender.receive(Instant::now(), &buffer[..length]);
        }
        self.sender.tick(Instant::now());
        if self.sender.state == State::Connected {
            let chunks = CLIP[1..].chunks(1316);
            let next = chunks.clone().nth(self.sent % chunks.len()).unwrap();
            self.sender.send(Instant::now(), next);
            self.sent += 1;
        }
        for datagram in self.sender.out.drain(..) {
            // Lost, like any other.
            let _ = self.socket.send(&datagram);
        }
    }
}

/// Lets callers speak until something holds.
async fn until(callers: &mut [&mut Calling], mut holds: impl FnMut(&[&mut Calling]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds(callers) {
        assert!(Instant::now() < deadline, "it never came");
        callers.iter_mut().for_each(|caller| caller.pump());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn start() -> (Media, mpsc::Receiver<MediaEvent>, Srt, Arc<Rules>) {
    let rules = Arc::new(Rules::default());
    let (media, events, port) = start_with(rules.clone());
    (media, events, port, rules)
}

fn start_with(gate: Arc<dyn Gate>) -> (Media, mpsc::Receiver<MediaEvent>, Srt) {
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
    let config = SrtConfig { listen: "127.0.0.1:0".parse().unwrap(), limits: Limits::default() };
    let port = Srt::start(config, &media, gate).unwrap();
    (media, events, port)
}

#[tokio::test]
async fn callers_publish_take_over_and_are_ended() {
    let (media, mut events, port, rules) = start();
    let mut first = Calling::right(&port, "127.0.0.1");
    let mut live = None;
    until(&mut [&mut first], |_| {
        live = live.or_else(|| events.try_recv().ok());
        live.is_some()
    })
    .await;
    assert_eq!(live, Some(MediaEvent::Live { stream: STREAM }));
    until(&mut [&mut first], |_| port.status(STREAM).is_some_and(|status| status.srt.bytes > 0))
        .await;
    let status = port.status(STREAM).unwrap();
    assert_eq!((status.srt.encryption, status.problems.len()), (Some(128), 0));
    assert_eq!(media.status(STREAM).await.state, StreamState::Live);
    assert!(media.status(STREAM).await.video.is_some_and(|video| video.width == Some(160)));

    // Another address waits its turn, the same one comes back.
    let mut elsewhere = Calling::right(&port, "127.0.0.2");
    until(&mut [&mut first, &mut elsewhere], |all| all[1].sender.state != State::Calling).await;
    assert_eq!(elsewhere.sender.state, State::Refused(1409));
    assert_eq!(rules.accepted.load(Ordering::Relaxed), 1, "nobody was told of who did not come in");
    let mut again = Calling::right(&port, "127.0.0.1");
    until(&mut [&mut first, &mut again], |all| {
        all[0].sender.state == State::Closed && all[1].sender.state == State::Connected
    })
    .await;
    assert_eq!(rules.accepted.load(Ordering::Relaxed), 2);

    // Whoever stops the stream ends the connection.
    let sent = again.sent;
    until(&mut [&mut again], |all| all[0].sent > sent + 20).await;
    assert!(media.close_publisher(STREAM).await);
    until(&mut [&mut again], |all| all[0].sender.state == State::Closed).await;
    until(&mut [], |_| port.status(STREAM).is_none()).await;
    assert_eq!(media.status(STREAM).await.state, StreamState::Waiting);
}

#[tokio::test]
async fn a_caller_that_ends_frees_its_stream_and_a_silent_one_gives_way() {
    let (media, mut events, port, _) = start();
    let mut first = Calling::right(&port, "127.0.0.1");
    until(&mut [&mut first], |all| all[0].sent > 0 && events.try_recv().is_ok()).await;
    first.sender.close(Instant::now());
    first.pump();
    until(&mut [], |_| matches!(events.try_recv(), Ok(MediaEvent::Offline { .. }))).await;
    assert_eq!(media.status(STREAM).await.state, StreamState::Waiting);

    let mut silent = Calling::right(&port, "127.0.0.1");
    until(&mut [&mut silent], |all| all[0].sent > 0).await;
    // It says nothing any more: others are refused for a second, and then are not.
    let mut refused = 0;
    loop {
        let mut other = Calling::right(&port, "127.0.0.2");
        until(&mut [&mut other], |all| all[0].sender.state != State::Calling).await;
        match other.sender.state {
            // Who asks too often is told that there is no room.
            State::Refused(1409 | 3) => refused += 1,
            State::Connected => break,
            ref state => panic!("{state:?}"),
        }
        assert!(refused < 1000, "it never gives way");
    }
}

#[tokio::test]
async fn who_may_not_publish_is_told_why() {
    let (media, _events, port, rules) = start();
    let config = |stream_id: &str, secret| Config {
        stream_id: stream_id.to_owned(),
        secret,
        ..Config::default()
    };
    let right = Some((SECRET, 32));
    for (config, code) in [
        (config("cam", None), 11),
        (config("cam", Some(("another passphrase", 16))), 10),
        (config("other", right), 1404),
        (config("", right), 1404),
        (config("#!::r=cam,m=request", right), 1405),
        (config("#!:{}", right), 1400),
    ] {
        let asked = config.stream_id.clone();
        let mut caller = Calling::new(&port, "127.0.0.1", config);
        until(&mut [&mut caller], |all| all[0].sender.state != State::Calling).await;
        assert_eq!(caller.sender.state, State::Refused(code), "{asked}");
    }
    assert_eq!(rules.accepted.load(Ordering::Relaxed), 0);
    let form = "#!::r=cam,m=publish,u=somebody";
    let mut caller = Calling::new(&port, "127.0.0.1", config(form, right));
    until(&mut [&mut caller], |all| all[0].sender.state == State::Connected).await;
    media.shutdown().await;
    until(&mut [&mut caller], |all| all[0].sender.state == State::Closed).await;
    port.shutdown().await;
}

/// With the codes of the table in `docs/live.md`.
#[tokio::test]
async fn what_the_server_refuses_with_is_what_the_caller_is_told() {
    let (media, _events, port) = start_with(Arc::new(Refuses));
    for (stream_id, code) in [
        ("failing", 1500),
        ("overloaded", 1402),
        ("stopped", 1403),
        ("ending", 1503),
        ("failing late", 1500),
    ] {
        let config = Config { stream_id: stream_id.to_owned(), ..Config::default() };
        let mut caller = Calling::new(&port, "127.0.0.1", config);
        until(&mut [&mut caller], |all| all[0].sender.state != State::Calling).await;
        assert_eq!(caller.sender.state, State::Refused(code), "{stream_id}");
    }
    assert!(port.status(STREAM).is_none());
    port.shutdown().await;
    media.shutdown().await;
}

#[tokio::test]
async fn a_defect_ends_the_connection_it_was_for_and_the_port_goes_on() {
    let (media, mut events, port, _) = start();
    let mut caller = Calling::right(&port, "127.0.0.1");
    until(&mut [&mut caller], |_| matches!(events.try_recv(), Ok(MediaEvent::Live { .. }))).await;
    // One who never got as far has a defect: nobody else notices.
    let mut stranger = Calling::right(&port, "127.0.0.2");
    DEFECTIVE.store(stranger.socket.local_addr().unwrap().port(), Ordering::Relaxed);
    let sent = caller.sent;
    until(&mut [&mut caller, &mut stranger], |all| all[0].sent > sent + 50).await;
    assert_eq!(caller.sender.state, State::Connected);
    assert_eq!(stranger.sender.state, State::Calling);

    DEFECTIVE.store(caller.socket.local_addr().unwrap().port(), Ordering::Relaxed);
    until(&mut [&mut caller], |all| all[0].sender.state == State::Closed).await;
    until(&mut [], |_| port.status(STREAM).is_none()).await;
    assert_eq!(media.status(STREAM).await.state, StreamState::Waiting);

    // Nor does one that is nobody's end the port: whoever calls next is served.
    let mut next = Calling::right(&port, "127.0.0.1");
    until(&mut [&mut next], |_| port.status(STREAM).is_some()).await;
    TORN.store(port.local_addr().port(), Ordering::Relaxed);
    until(&mut [], |_| port.status(STREAM).is_none()).await;
    let mut last = Calling::right(&port, "127.0.0.1");
    until(&mut [&mut last], |_| port.status(STREAM).is_some()).await;
    assert!(port.is_running());
    port.shutdown().await;
}
