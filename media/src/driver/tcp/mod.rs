//! ICE over TCP (RFC 6544): clients connect to the same port number as over UDP.
//!
//! All connections are served by a thread of their own. What clients send goes to the media
//! thread through one bounded channel, in which each connection takes its turn; what they are
//! sent waits in a queue of each connection ([`queue`]). So neither a slow client nor many of
//! them hold up who comes by UDP.

mod connection;
mod gate;
mod lines;
mod queue;

use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::ids::ConnectionId;
use crate::webrtc::Pair;

use super::socket::{Socket, canonical};
pub use gate::TcpLimits;
pub(super) use lines::{Lines, Pushed};

/// Reads that wait for the media thread; a connection beyond that waits for its turn.
const ARRIVALS: usize = 256;
/// Clients that wait to be accepted.
const BACKLOG: i32 = 1024;
/// With port 0: free UDP ports that are tried for one whose TCP port is free too.
const TRIES: usize = 64;
/// The kernel's buffer of a connection: what a key frame needs on a long way, and not what a
/// client that reads nothing could make of it.
const SEND_BUFFER: usize = 256 << 10;
/// What the kernel takes beyond what is on its way: more would only be late.
const UNSENT: u32 = 64 << 10;
/// Wait for this when the machine has no more file handles to give.
const OUT_OF_HANDLES: Duration = Duration::from_millis(100);
/// How long the end waits for what clients are still to be told.
const GOODBYE: Duration = Duration::from_secs(1);

/// Whole frames that came over a connection.
#[derive(Debug)]
pub(super) struct Arrived {
    id: ConnectionId,
    remote: SocketAddr,
    local: SocketAddr,
    /// For [`crate::framing::frames`].
    pub(super) frames: Vec<u8>,
}

impl Arrived {
    /// The way that they came.
    pub(super) fn pair(&self) -> Pair {
        Pair { remote: self.remote, local: self.local, tcp: Some(self.id) }
    }
}

/// What clients do over TCP.
#[derive(Debug)]
pub(super) enum FromTcp {
    Frames(Arrived),
    /// A connection is gone.
    Closed(ConnectionId),
}

/// Binds a UDP socket and a TCP listener to the same address and port.
///
/// # Errors
/// If one of them cannot be bound.
pub(super) fn bind_both(
    listen: SocketAddr,
) -> io::Result<(std::net::UdpSocket, std::net::TcpListener)> {
    let tries = if listen.port() == 0 { TRIES } else { 1 };
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..tries {
        let udp = Socket::bind(listen)?;
        match bind(udp.local_addr()?) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => refused = error,
        }
    }
    Err(io::Error::new(refused.kind(), format!("TCP, for WebRTC: {refused}")))
}

fn bind(listen: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = RawSocket::new(Domain::for_address(listen), Type::STREAM, Some(Protocol::TCP))?;
    if listen.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Connections of the server before this one may still be ending.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&listen.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Starts the thread. It ends after [`Lines::stop`].
pub(super) fn start(
    listener: std::net::TcpListener,
    lines: Lines,
) -> io::Result<(mpsc::Receiver<FromTcp>, JoinHandle<()>)> {
    let (arrivals, receiver) = mpsc::channel(ARRIVALS);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let thread = std::thread::Builder::new().name("rushes-tcp".to_owned()).spawn(move || {
        runtime.block_on(accept(listener, lines, arrivals));
    })?;
    Ok((receiver, thread))
}

/// Accepts connections until the server ends.
async fn accept(listener: TcpListener, lines: Lines, arrivals: mpsc::Sender<FromTcp>) {
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = lines.stopped() => break,
            // A task that ended of a defect ended its connection and nothing else.
            Some(_) = tasks.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, from)) => {
                let Ok(local) = socket.local_addr() else { continue };
                let line = match lines.open(canonical(from), canonical(local)) {
                    Ok(line) => line,
                    Err(refused) => {
                        tracing::debug!(%from, ?refused, "a TCP connection was refused");
                        continue;
                    }
                };
                prepare(&socket);
                let (lines, arrivals) = (lines.clone(), arrivals.clone());
                tasks.spawn(connection::serve(lines, line, socket, arrivals));
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "a TCP connection cannot be accepted");
                tokio::time::sleep(OUT_OF_HANDLES).await;
            }
        }
    }
    drop(listener);
    let ends = async { while tasks.join_next().await.is_some() {} };
    // Who takes no goodbye does without.
    let _ = tokio::time::timeout(GOODBYE, ends).await;
}

/// The kernel does as it can: each of these only costs time when it is not there.
fn prepare(socket: &TcpStream) {
    let socket = SockRef::from(socket);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER))
        .and_then(|()| socket.set_tcp_notsent_lowat(UNSENT));
    if let Err(error) = set {
        tracing::debug!(%error, "an option of a TCP connection was not taken");
    }
}
