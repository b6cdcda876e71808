//! The RTP port: a thread that owns its sockets, and what the registered sources send.
//!
//! Nothing is answered, and nothing is kept of who is not registered but a count and the last
//! addresses. Whether a registered source may publish is for the server to say ([`RtpGate`]).

mod port;
mod session;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::ids::StreamId;
use crate::rtp_source::{Declaration, RtpOrigin, Stranger, Table};
use crate::status::RtpSourceStatus;

use super::feeds::FeedItem;
use super::ffmpeg::Ffmpeg;
use super::socket::Socket;
use super::srt::BoxFuture;
use super::{Media, ask};

/// How often a free pair of ports is looked for, where any will do.
const TRIES: usize = 16;

/// Where RTP is received, and of how many.
#[derive(Debug, Clone, Copy)]
pub struct RtpConfig {
    /// The UDP address; port 0 is any free one. Reports are received on the port above as well.
    pub listen: SocketAddr,
    /// Sources that publish at a time.
    pub sources: usize,
}

/// The server's rules.
pub trait RtpGate: Send + Sync + 'static {
    /// A registered source begins to send: whether it may publish, which is then noted.
    fn accepted(&self, stream: StreamId) -> BoxFuture<'_, bool>;
}

/// What is known of the sources that send.
type Statuses = Arc<Mutex<HashMap<StreamId, RtpSourceStatus>>>;

/// A handle to the RTP port. The port ends with [`Rtp::shutdown`], or with this.
#[derive(Debug)]
pub struct Rtp {
    local: SocketAddr,
    control: Option<SocketAddr>,
    table: Arc<Mutex<Table>>,
    statuses: Statuses,
    end: mpsc::Sender<oneshot::Sender<()>>,
}

/// What the port's thread begins with.
struct Start {
    socket: std::net::UdpSocket,
    control: Option<std::net::UdpSocket>,
    sources: usize,
    table: Arc<Mutex<Table>>,
    gate: Arc<dyn RtpGate>,
    /// Where the server's tasks run.
    server: tokio::runtime::Handle,
    feeds: mpsc::Sender<FeedItem>,
    room: Arc<Semaphore>,
    ffmpeg: Option<Ffmpeg>,
    statuses: Statuses,
    end: mpsc::Receiver<oneshot::Sender<()>>,
}

impl Rtp {
    /// Binds the sockets and starts the thread. Must be called within the server's runtime. Where
    /// the port above is taken, reports have to come to this one.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub fn start(config: RtpConfig, media: &Media, gate: Arc<dyn RtpGate>) -> io::Result<Self> {
        let (socket, control) = bind(config.listen)?;
        let local = socket.local_addr()?;
        let control_address = control.as_ref().and_then(|socket| socket.local_addr().ok());
        let (table, statuses) = (Arc::<Mutex<Table>>::default(), Statuses::default());
        let (end, ended) = mpsc::channel(1);
        let start = Start {
            socket,
            control,
            sources: config.sources,
            table: Arc::clone(&table),
            gate,
            server: tokio::runtime::Handle::current(),
            feeds: media.0.feeds.clone(),
            room: Arc::clone(&media.0.room),
            ffmpeg: media.0.ffmpeg.clone(),
            statuses: Arc::clone(&statuses),
            end: ended,
        };
        std::thread::Builder::new().name("rushes-rtp".to_owned()).spawn(move || {
            if let Err(error) = port::run(start) {
                tracing::error!(%error, "the RTP thread ended");
            }
        })?;
        Ok(Self { local, control: control_address, table, statuses, end })
    }

    /// Whether the port's thread is there: without it nobody is served any more.
    pub fn is_running(&self) -> bool {
        // Its end of the channel goes with it, however it ends.
        !self.end.is_closed()
    }

    /// The UDP address really bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Where reports are received as well; none if that port was taken.
    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.control
    }

    /// Takes what comes from these addresses for a stream's, in place of those it had.
    pub fn register(&self, origin: RtpOrigin) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).register(origin);
    }

    /// Declares what a stream's packets are from now on, or nothing; those on their way too.
    pub fn declare(&self, stream: StreamId, declared: Option<Arc<Declaration>>) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.declare(stream, declared);
    }

    /// What is declared of a stream.
    pub fn declared(&self, stream: StreamId) -> Option<Arc<Declaration>> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.origin(stream)?.declared.clone()
    }

    /// Takes nothing more of a stream's addresses.
    pub fn unregister(&self, stream: StreamId) {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).unregister(stream);
    }

    /// The last addresses that sent something and are not registered.
    pub fn strangers(&self) -> Vec<Stranger> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).strangers()
    }

    /// Packets from addresses that are not registered.
    pub fn refused(&self) -> u64 {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).refused
    }

    /// What is known of a stream's source, as of the last second; none if it sends nothing.
    pub fn status(&self, stream: StreamId) -> Option<RtpSourceStatus> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).get(&stream).cloned()
    }

    /// Ends the thread.
    pub async fn shutdown(&self) {
        // None: it has ended already.
        let _ = ask(&self.end, |done| done).await;
    }
}

/// A socket, and one for reports on the port above if that is free.
fn bind(listen: SocketAddr) -> io::Result<(std::net::UdpSocket, Option<std::net::UdpSocket>)> {
    let mut tries = if listen.port() == 0 { TRIES } else { 1 };
    loop {
        let socket = Socket::bind(listen)?;
        let above = socket.local_addr()?.port().checked_add(1);
        let control = above.and_then(|port| Socket::bind(SocketAddr::new(listen.ip(), port)).ok());
        tries -= 1;
        if control.is_some() || tries == 0 {
            if control.is_none() {
                tracing::warn!(?above, "the port for RTCP is taken: reports come with the packets");
            }
            return Ok((socket, control));
        }
    }
}

#[cfg(test)]
mod tests;
