//! A bad network: a UDP proxy between the clients and the server that loses and
//! delays datagrams of every kind, the handshake's as well as the media's.
//!
//! It listens on another loopback address than the server, with the same port. A server
//! that is told to announce that address (`--webrtc-host`) sends its clients through the
//! proxy with nothing rewritten, also those that send no candidates of their own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use socket2::SockRef;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

use crate::peer::Error;

/// The kernel's buffer asked for at each socket: a key frame must fit while the proxy is kept
/// from running. It gives what it may.
const BUFFER: usize = 4 << 20;
/// The largest datagram there is.
const MAX_DATAGRAM: usize = 1 << 16;

/// How long a datagram takes at least, each way.
const DELAY: Duration = Duration::from_millis(5);
/// What may wait for its turn on a link of limited rate; beyond, datagrams are lost.
const QUEUED: Duration = Duration::from_millis(200);

/// How bad a network is, each way. It may change while it is in use.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// Of a hundred datagrams so many are lost.
    percent: AtomicU32,
    /// Bits a second that it carries; 0 for as many as there are.
    rate: AtomicU64,
    /// How much longer than usual a datagram takes, each way, in milliseconds.
    detour: AtomicU32,
}

impl Network {
    /// A network that loses this many of a hundred datagrams.
    pub(crate) fn losing(percent: u32) -> Arc<Self> {
        let network = Self::default();
        network.lose(percent);
        Arc::new(network)
    }

    /// From now on so many of a hundred datagrams are lost.
    pub(crate) fn lose(&self, percent: u32) {
        self.percent.store(percent, Ordering::Relaxed);
    }

    /// From now on so many bits a second pass.
    pub(crate) fn carry(&self, bits: u64) {
        self.rate.store(bits, Ordering::Relaxed);
    }

    /// From now on a datagram takes this much longer than usual, each way.
    pub(crate) fn delay(&self, milliseconds: u32) {
        self.detour.store(milliseconds, Ordering::Relaxed);
    }

    fn takes(&self) -> Duration {
        DELAY + Duration::from_millis(self.detour.load(Ordering::Relaxed).into())
    }

    fn loss(&self) -> f64 {
        f64::from(self.percent.load(Ordering::Relaxed)) / 100.0
    }

    /// How long it is busy with a datagram.
    fn busy(&self, bytes: usize) -> Duration {
        match self.rate.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            rate => Duration::from_secs_f64(bytes as f64 * 8.0 / rate as f64),
        }
    }
}

/// What happened to the datagrams so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    passed: AtomicU64,
    lost: AtomicU64,
}

/// The network of clients that have not sent anything yet.
type Newcomers = Arc<Mutex<Arc<Network>>>;

/// A running proxy, on a thread of its own, so that it is as quick as a network. It ends when
/// this is dropped.
pub(crate) struct Proxy {
    counts: Arc<Counts>,
    newcomers: Newcomers,
    // Dropping it ends the thread.
    _end: oneshot::Sender<()>,
}

impl Proxy {
    /// Carries what comes to `socket` to `server`, and back.
    pub(crate) fn start(
        socket: std::net::UdpSocket,
        server: SocketAddr,
        network: Arc<Network>,
    ) -> Result<Self, Error> {
        socket.set_nonblocking(true)?;
        SockRef::from(&socket).set_recv_buffer_size(BUFFER)?;
        let counts = Arc::new(Counts::default());
        let (end, ended) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let newcomers = Arc::new(Mutex::new(network));
        let shared = (Arc::clone(&counts), Arc::clone(&newcomers));
        thread::spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    carried = carry(socket, server, shared) => {
                        if let Err(error) = carried {
                            eprintln!("the proxy failed: {error}");
                        }
                    }
                    // An error: the other side is gone, which is what is meant.
                    _ = ended => {}
                }
            });
        });
        Ok(Self { counts, newcomers, _end: end })
    }

    /// Clients that come from now on are behind another network than those before them.
    pub(crate) fn newcomers(&self, network: &Arc<Network>) {
        let mut newcomers = self.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        *newcomers = Arc::clone(network);
    }

    /// How many datagrams passed, and how many were lost.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.counts.passed.load(Ordering::Relaxed), self.counts.lost.load(Ordering::Relaxed))
    }
}

/// How many datagrams the kernel has dropped because their receivers' buffers were full, in the
/// network that a process is in.
pub(crate) fn dropped_by_the_kernel(process: u32) -> Result<i64, Error> {
    let text = std::fs::read_to_string(format!("/proc/{process}/net/snmp"))?;
    let mut udp =
        text.lines().filter_map(|line| line.strip_prefix("Udp: ")).map(|line| line.split(' '));
    let (names, mut numbers) = udp.next().zip(udp.next()).ok_or("no statistics of UDP")?;
    let column = names.into_iter().position(|name| name == "RcvbufErrors").ok_or("no column")?;
    Ok(numbers.nth(column).ok_or("no number")?.parse()?)
}

/// One direction of one client: loses, delays, and keeps the order.
struct Lane {
    network: Arc<Network>,
    random: StdRng,
    /// When the link is done with all that it was given.
    free: Instant,
    counts: Arc<Counts>,
    queue: mpsc::UnboundedSender<(Instant, Vec<u8>)>,
}

impl Lane {
    /// A lane that sends from `socket`, to `client` where the socket is not connected.
    fn new(
        network: &Arc<Network>,
        stream: u64,
        counts: &Arc<Counts>,
        socket: Arc<UdpSocket>,
        client: Option<SocketAddr>,
    ) -> Self {
        let (queue, mut due) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
        tokio::spawn(async move {
            while let Some((at, datagram)) = due.recv().await {
                if at > Instant::now() {
                    tokio::time::sleep_until(at.into()).await;
                }
                // A client that is gone is told so by the kernel; that is not ours to mend.
                let _ = match client {
                    Some(client) => socket.send_to(&datagram, client).await,
                    None => socket.send(&datagram).await,
                };
            }
        });
        // The same losses for the same clients in the same order.
        let random = StdRng::seed_from_u64(stream + 1);
        let (network, counts) = (Arc::clone(network), Arc::clone(counts));
        Self { network, random, free: Instant::now(), counts, queue }
    }

    fn take(&mut self, datagram: &[u8]) {
        let now = Instant::now();
        let starts = self.free.max(now);
        let lost = self.random.random::<f64>() < self.network.loss();
        if lost || starts - now > QUEUED {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.counts.passed.fetch_add(1, Ordering::Relaxed);
        self.free = starts + self.network.busy(datagram.len());
        // Fails only when the proxy ends.
        let _ = self.queue.send((self.free + self.network.takes(), datagram.to_vec()));
    }
}

/// Gives each client an address of its own towards the server, as a NAT does.
async fn carry(
    socket: std::net::UdpSocket,
    server: SocketAddr,
    (counts, newcomers): (Arc<Counts>, Newcomers),
) -> Result<(), Error> {
    let socket = Arc::new(UdpSocket::from_std(socket)?);
    let mut clients: HashMap<SocketAddr, Lane> = HashMap::new();
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        // A client whose port is closed shows as an error of the next receive.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
        let known = clients.len() as u64;
        let lane = match clients.entry(client) {
            Entry::Occupied(lane) => lane.into_mut(),
            Entry::Vacant(place) => {
                let network = newcomers.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let upstream = Arc::new(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?);
                upstream.connect(server).await?;
                SockRef::from(&*upstream).set_recv_buffer_size(BUFFER)?;
                let up = Lane::new(&network, 2 * known, &counts, Arc::clone(&upstream), None);
                let back = Arc::clone(&socket);
                let down = Lane::new(&network, 2 * known + 1, &counts, back, Some(client));
                tokio::spawn(bring_back(upstream, down));
                place.insert(up)
            }
        };
        lane.take(&buffer[..length]);
    }
}

async fn bring_back(upstream: Arc<UdpSocket>, mut down: Lane) {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        // An error: the server's port is closed for the moment.
        if let Ok(length) = upstream.recv(&mut buffer).await {
            down.take(&buffer[..length]);
        }
    }
}

#[tokio::test]
async fn the_proxy_loses_what_it_is_told_to_and_keeps_the_rest_in_order() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let listen = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = listen.local_addr().unwrap();
    let network = Network::losing(10);
    let proxy = Proxy::start(listen, server.local_addr().unwrap(), network).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut buffer = [0; 8];
    let mut seen = Vec::new();
    // One at a time, so that no buffer of the kernel can overflow.
    for number in 0..500u64 {
        client.send_to(&number.to_be_bytes(), address).await.unwrap();
        let lost = loop {
            let (passed, lost) = proxy.counts();
            if passed + lost == number + 1 {
                break lost;
            }
            tokio::task::yield_now().await;
        };
        if lost + (seen.len() as u64) == number + 1 {
            continue;
        }
        server.recv_from(&mut buffer).await.unwrap();
        seen.push(u64::from_be_bytes(buffer));
    }
    assert!(seen.is_sorted());
    let (passed, lost) = proxy.counts();
    assert_eq!((passed, lost), (seen.len() as u64, 500 - seen.len() as u64));
    assert!((25..75).contains(&lost), "{lost} of 500 lost");
}

#[tokio::test]
async fn the_proxy_carries_no_more_bits_than_it_is_told_to() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let listen = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = listen.local_addr().unwrap();
    let network = Network::losing(0);
    network.carry(800_000);
    let proxy = Proxy::start(listen, server.local_addr().unwrap(), network).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let started = Instant::now();
    // Ten milliseconds each: what comes in one go and does not fit into the queue is lost.
    for _ in 0..100 {
        client.send_to(&[0; 1_000], address).await.unwrap();
    }
    let (passed, lost) = loop {
        let (passed, lost) = proxy.counts();
        if passed + lost == 100 {
            break (passed, lost);
        }
        tokio::task::yield_now().await;
    };
    let most = 22 + started.elapsed().as_millis() as u64 / 10;
    assert!((20..=most).contains(&passed), "{passed} passed, {lost} lost");
}
