//! The SRT port: a thread that owns its socket, its callers and what they send.
//!
//! Who may come is for the server to say, in tasks of its own ([`Gate`]). What callers
//! send is taken apart here and handed to the media thread; a panic over it ends that
//! caller's connection.

mod port;
mod publishing;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::ids::StreamId;
use crate::srt::{Limits, Mode, Rejection, StreamRequest};
use crate::status::SourceStatus;

use super::feeds::FeedItem;
use super::ffmpeg::Ffmpeg;
use super::socket::Socket;
use super::{Media, ask};

/// Callers of which the server says at the same time whether they may come.
const DECISIONS: usize = 64;

/// Where SRT callers are served, and how many.
#[derive(Debug, Clone, Copy)]
pub struct SrtConfig {
    /// The UDP address; port 0 is any free one.
    pub listen: SocketAddr,
    /// How many connections, and with which latency.
    pub limits: Limits,
}

/// A caller that wants to publish.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Where it is.
    pub from: SocketAddr,
    /// What it asks for.
    pub request: StreamRequest,
}

/// What a caller is let in with.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The stream it publishes.
    pub stream: StreamId,
    /// The passphrase that it must have; none for a stream that is sent in the clear.
    pub passphrase: Option<String>,
}

/// A future that may be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The server's rules.
pub trait Gate: Send + Sync + 'static {
    /// Which stream a caller may publish, with which passphrase.
    fn admit(&self, caller: Caller) -> BoxFuture<'_, Result<Admission, Rejection>>;

    /// A caller has the passphrase, nobody else is in its way, and it is about to be let in.
    fn accepted(&self, stream: StreamId) -> BoxFuture<'_, Result<(), Rejection>>;
}

/// What is known of the sources that are connected.
type Statuses = Arc<Mutex<HashMap<StreamId, SourceStatus>>>;

/// A handle to the SRT port. The port ends with [`Srt::shutdown`], or with this.
#[derive(Debug)]
pub struct Srt {
    local: SocketAddr,
    statuses: Statuses,
    end: mpsc::Sender<oneshot::Sender<()>>,
}

/// What the port's thread begins with.
struct Start {
    socket: std::net::UdpSocket,
    limits: Limits,
    gate: Arc<dyn Gate>,
    /// Where the server's tasks run.
    server: tokio::runtime::Handle,
    feeds: mpsc::Sender<FeedItem>,
    room: Arc<Semaphore>,
    ffmpeg: Option<Ffmpeg>,
    statuses: Statuses,
    end: mpsc::Receiver<oneshot::Sender<()>>,
}

impl Srt {
    /// Binds the socket and starts the thread. Must be called within the server's runtime.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub fn start(config: SrtConfig, media: &Media, gate: Arc<dyn Gate>) -> io::Result<Self> {
        let socket = Socket::bind(config.listen)?;
        let local = socket.local_addr()?;
        let statuses = Statuses::default();
        let (end, ended) = mpsc::channel(1);
        let start = Start {
            socket,
            limits: config.limits,
            gate,
            server: tokio::runtime::Handle::current(),
            feeds: media.0.feeds.clone(),
            room: Arc::clone(&media.0.room),
            ffmpeg: media.0.ffmpeg.clone(),
            statuses: Arc::clone(&statuses),
            end: ended,
        };
        std::thread::Builder::new().name("rushes-srt".to_owned()).spawn(move || {
            if let Err(error) = port::run(start) {
                tracing::error!(%error, "the SRT thread ended");
            }
        })?;
        Ok(Self { local, statuses, end })
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

    /// What is known of a stream's source, as of the last second; none if it is not connected.
    pub fn status(&self, stream: StreamId) -> Option<SourceStatus> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).get(&stream).cloned()
    }

    /// Tells all callers that it is over, and ends the thread.
    pub async fn shutdown(&self) {
        // None: it has ended already.
        let _ = ask(&self.end, |done| done).await;
    }
}

/// What a caller's stream id asks for.
fn request(stream_id: &str) -> Result<StreamRequest, Rejection> {
    let request = StreamRequest::parse(stream_id).ok_or(Rejection::BadRequest)?;
    match request.mode {
        Mode::Other => Err(Rejection::BadMode),
        Mode::Publish | Mode::Unsaid if request.resource.is_empty() => Err(Rejection::NotFound),
        Mode::Publish | Mode::Unsaid => Ok(request),
    }
}

#[cfg(test)]
mod tests;
