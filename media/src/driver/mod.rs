//! The one place with sockets, threads and tokio.
//!
//! [`Media`] answers offers in its caller's task, where a defect or a monster of
//! an offer costs that caller alone, and hands the finished session to the shard
//! that owns all sessions, streams and the socket. Nothing is shared with that
//! thread; it is spoken to through one bounded channel. Sessions find their shard
//! by the session's id and by the address of a datagram, streams carry packets
//! that are cheap to hand on: so more shards may follow.

mod claims;
mod commands;
mod composites;
mod cores;
mod datagrams;
mod decoding;
mod defects;
mod delivery;
mod events;
mod feeds;
mod ffmpeg;
mod hosts;
mod jobs;
mod layers;
mod meeting;
mod meetings;
mod outgoing;
mod outputs;
mod rounds;
mod rtp;
mod sender;
mod senders;
mod sessions;
mod shard;
mod slates;
mod socket;
mod sound;
mod srt;
mod stills;
mod streams;
mod surround;
mod tape;
mod tcp;
mod timers;
mod transcodes;

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, TryAcquireError, mpsc, oneshot, watch};

use crate::error::{OfferError, SelectError, TrickleError};
use crate::ids::{SessionId, StreamId};
use crate::status::{Feed, LayerChoice, Load, MediaEvent, StreamStatus, ViewerStatus};
use crate::stream::Packet;
use crate::transcode::{TranscodeLimits, TranscodeRefusal};
use crate::webrtc::{Fragment, PeerSetup, Publisher, Source, Viewer};

use commands::Described;
pub use composites::{CompositeError, CompositeStatus, Composites};
use feeds::FeedItem;
pub use ffmpeg::Ffmpeg;
pub use meeting::Joined;
pub use meetings::Act;
pub use rtp::{Rtp, RtpConfig, RtpGate};
use sessions::End;
use slates::Slates;
pub use srt::{Admission, BoxFuture, Caller, Gate, Srt, SrtConfig};
pub use stills::{Still, Stills};
pub use tape::{
    Recorded, RecordingConfig, RecordingError, Recordings, ReplayClip, TapeLoad, finish_recording,
};
use tcp::Lines;
pub use tcp::TcpLimits;
use transcodes::Transcodes;

/// Commands waiting for the shard; a caller beyond that waits for its turn.
const COMMANDS: usize = 256;
/// Events waiting for the server; the shard keeps further ones and tries again.
const EVENTS: usize = 1024;
/// A caller does not wait longer than this for an overloaded shard.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whoever asks whether the shard is well has to know sooner.
const PROMPT: Duration = Duration::from_secs(2);

/// While draining, it is looked this often whether all viewers have left.
const DRAIN_LOOK: Duration = Duration::from_millis(50);

/// Where and how much to serve.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// The address for all peers, UDP and TCP alike; port 0 is one that is free for both.
    pub listen: SocketAddr,
    /// The addresses announced to clients; none means the bound address, or
    /// those of all interfaces if that is unspecified.
    pub hosts: Vec<IpAddr>,
    /// The most sessions at a time, publishers and viewers.
    pub max_sessions: usize,
    /// How many TCP connections clients may hold.
    pub tcp: TcpLimits,
    /// How many threads send to viewers; none means one for each core.
    pub fanout_threads: Option<NonZero<usize>>,
    /// How much is converted of what browsers do not show.
    pub transcodes: TranscodeLimits,
    /// What decodes sound that nothing here does; none: its sources are told so.
    pub ffmpeg: Option<Ffmpeg>,
}

/// An answered offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The session that was opened.
    pub session: SessionId,
    /// The SDP answer.
    pub sdp: String,
    /// The entity tag of the ICE session (RFC 9725, 4.3.1), quotes included.
    pub etag: String,
}

/// What to do with a viewer while nobody publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Refuse it with [`OfferError::NoPublisher`].
    Refuse,
    /// Answer it: it waits, and is sent the stream once there is one.
    Wait,
}

/// What came of a trickle fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trickled {
    /// It was taken note of.
    Taken,
    /// It began an ICE restart (RFC 9725, 4.3.3).
    Restarted {
        /// The server's new credentials and its candidates, as a fragment (RFC 8840).
        fragment: String,
        /// The entity tag of the new ICE session, quotes included.
        etag: String,
    },
}

enum Command {
    Describe(StreamId, oneshot::Sender<Option<Described>>),
    Attach(Box<Attach>),
    Trickle(SessionId, Fragment, oneshot::Sender<Result<Trickled, TrickleError>>),
    Select(SessionId, LayerChoice, oneshot::Sender<Result<(), SelectError>>),
    Feed(SessionId, oneshot::Sender<Option<watch::Receiver<Feed>>>),
    Close(SessionId, oneshot::Sender<bool>),
    CloseStream(StreamId, oneshot::Sender<()>),
    ClosePublisher(StreamId, oneshot::Sender<bool>),
    Status(StreamId, oneshot::Sender<StreamStatus>),
    Viewers(StreamId, oneshot::Sender<Vec<ViewerStatus>>),
    Meeting(meetings::Order),
    Tape(tape::Order),
    Tap(composites::Order),
    KeyFrame(StreamId, oneshot::Sender<Vec<Packet>>),
    Slate(StreamId, Option<Arc<str>>, oneshot::Sender<()>),
    Reconnect(oneshot::Sender<()>),
    Watching(oneshot::Sender<usize>),
    Answer(oneshot::Sender<bool>),
    Shutdown(oneshot::Sender<()>),
}

struct Attach {
    id: SessionId,
    stream: StreamId,
    end: End,
    permit: tokio::sync::OwnedSemaphorePermit,
    done: oneshot::Sender<()>,
}

/// Sessions that run, or ended not long ago.
type Known = Arc<Mutex<HashSet<SessionId>>>;

struct Shared {
    commands: mpsc::Sender<Command>,
    feeds: mpsc::Sender<FeedItem>,
    local: SocketAddr,
    setup: Arc<PeerSetup>,
    room: Arc<Semaphore>,
    /// How many permits there are in the room.
    sessions: usize,
    known: Known,
    lines: Lines,
    ffmpeg: Option<Ffmpeg>,
}

/// A handle to the media plane; clones share it.
#[derive(Clone)]
pub struct Media(Arc<Shared>);

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Media").field("local", &self.0.local).finish_non_exhaustive()
    }
}

impl Media {
    /// Binds the sockets and starts the media thread. It ends with
    /// [`Media::shutdown`], or when every handle is gone.
    ///
    /// # Errors
    /// If the address cannot be bound, or nothing can be announced to clients.
    pub fn start(config: MediaConfig) -> io::Result<(Media, mpsc::Receiver<MediaEvent>)> {
        Self::start_with(config, PeerSetup::new)
    }

    fn start_with(
        config: MediaConfig,
        setup: impl FnOnce(Vec<SocketAddr>) -> io::Result<PeerSetup>,
    ) -> io::Result<(Media, mpsc::Receiver<MediaEvent>)> {
        let (socket, listener) = tcp::bind_both(config.listen)?;
        let local = socket.local_addr()?;
        let setup = Arc::new(setup(hosts::candidates(local, &config.hosts)?)?);
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (feeds, items) = mpsc::channel(feeds::ITEMS);
        let (events, receiver) = mpsc::channel(EVENTS);
        let known = Known::default();
        let threads = config.fanout_threads.or_else(|| std::thread::available_parallelism().ok());
        let lines = Lines::new(config.tcp);
        let start = shard::Start {
            socket,
            listener,
            lines: lines.clone(),
            threads: threads.map_or(1, NonZero::get),
            commands: inbox,
            feeds: items,
            events,
            known: known.clone(),
            transcodes: Transcodes::new(config.transcodes, feeds.clone(), config.ffmpeg.clone()),
            slates: Slates::new(feeds.clone()),
        };
        std::thread::Builder::new().name("rushes-media".to_owned()).spawn(move || {
            match catch_unwind(AssertUnwindSafe(|| shard::run(start))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the media thread ended"),
                Err(_) => tracing::error!("the media thread ended of a defect"),
            }
        })?;
        let sessions = config.max_sessions.min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(sessions));
        let ffmpeg = config.ffmpeg;
        let shared = Shared { commands, feeds, local, setup, room, sessions, known, lines, ffmpeg };
        Ok((Media(Arc::new(shared)), receiver))
    }

    /// The address really bound, over UDP and over TCP.
    pub fn local_addr(&self) -> SocketAddr {
        self.0.local
    }

    /// Whether the media thread is there: without it nobody is served any more. It does not come
    /// back.
    pub fn is_running(&self) -> bool {
        // Its end of the channel goes with it, however it ends.
        !self.0.commands.is_closed()
    }

    /// Whether the media thread is there and does its work, and all fan-out threads are there: one
    /// that hangs, or cannot keep up by far, gives no answer within two seconds.
    pub async fn answers(&self) -> bool {
        matches!(tokio::time::timeout(PROMPT, self.ask(Command::Answer)).await, Ok(Some(true)))
    }

    /// How much there is at the moment of what has limits.
    pub fn load(&self) -> Load {
        let (tcp_connections, tcp_unproven, tcp_full) = self.0.lines.count();
        let sessions = self.0.sessions.saturating_sub(self.0.room.available_permits());
        Load { sessions, tcp_connections, tcp_unproven, tcp_full }
    }

    /// Answers a publisher's offer. Once the session is connected it takes over
    /// from the stream's running publisher; viewers stay.
    ///
    /// # Errors
    /// If the offer cannot be answered; see [`OfferError`].
    pub async fn publish(&self, stream: StreamId, offer: String) -> Result<Answer, OfferError> {
        let permit = self.permit()?;
        let setup = self.0.setup.clone();
        let (publisher, sdp) = guarded(|| Publisher::answer(&setup, Instant::now(), &offer))?;
        self.attach(stream, End::Publisher(Box::new(publisher)), sdp, permit).await
    }

    /// Answers a viewer's offer with what suits the stream's publisher.
    ///
    /// # Errors
    /// [`OfferError::NoPublisher`] when nobody publishes, there is no slate and the
    /// viewer is not to wait, or if the offer cannot be answered.
    pub async fn view(
        &self,
        stream: StreamId,
        offer: String,
        absent: Absent,
    ) -> Result<Answer, OfferError> {
        let permit = self.permit()?;
        let source = self
            .ask(|reply| Command::Describe(stream, reply))
            .await
            .ok_or(OfferError::Unavailable)?;
        // One that was answered and is not connected may never be.
        let (source, instead) = match (source, absent) {
            (Some(Described { source, instead, is_shown: true }), _) => (source, instead),
            (Some(found), Absent::Wait) => (found.source, found.instead),
            (None, Absent::Wait) => Default::default(),
            (_, Absent::Refuse) => return Err(OfferError::NoPublisher),
        };
        let setup = self.0.setup.clone();
        let (viewer, sdp) = guarded(|| answer_viewer(&setup, &offer, &source, instead.as_ref()))?;
        self.attach(stream, End::viewer(viewer), sdp, permit).await
    }

    fn permit(&self) -> Result<tokio::sync::OwnedSemaphorePermit, OfferError> {
        self.0.room.clone().try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => OfferError::Full,
            TryAcquireError::Closed => OfferError::Unavailable,
        })
    }

    async fn attach(
        &self,
        stream: StreamId,
        end: End,
        sdp: String,
        permit: tokio::sync::OwnedSemaphorePermit,
    ) -> Result<Answer, OfferError> {
        let id = SessionId::random();
        self.ask(|done| Command::Attach(Box::new(Attach { id, stream, end, permit, done })))
            .await
            .ok_or(OfferError::Unavailable)?;
        Ok(Answer { session: id, sdp, etag: new_etag() })
    }

    /// Takes an SDP fragment of a client (RFC 8840). One with new credentials
    /// restarts ICE.
    ///
    /// # Errors
    /// If there is no such session or the fragment cannot be taken.
    pub async fn trickle(
        &self,
        session: SessionId,
        fragment: String,
    ) -> Result<Trickled, TrickleError> {
        let fragment = Fragment::parse(&fragment)?;
        self.ask(|reply| Command::Trickle(session, fragment, reply))
            .await
            .unwrap_or(Err(TrickleError::Unavailable))
    }

    /// Chooses the layer of the picture that a viewer is sent.
    ///
    /// # Errors
    /// If there is no such session of a viewer, or no such layer.
    pub async fn select(&self, session: SessionId, choice: LayerChoice) -> Result<(), SelectError> {
        self.ask(|reply| Command::Select(session, choice, reply))
            .await
            .unwrap_or(Err(SelectError::Unavailable))
    }

    /// What a viewer may be told of its stream, as it changes; none if there is no
    /// such session. It ends with the stream.
    pub async fn feed(&self, session: SessionId) -> Option<watch::Receiver<Feed>> {
        self.ask(|reply| Command::Feed(session, reply)).await.flatten()
    }

    /// Has the viewers of a stream see a slate while nobody publishes it: a picture with this name,
    /// which says that it is away. None: no more. Whoever asks to watch is then answered although
    /// nobody publishes, with [`Absent::Refuse`] too. Says whether the media plane has heard of it,
    /// which keeps it until it ends.
    pub async fn slate(&self, stream: StreamId, title: Option<String>) -> bool {
        let title = title.map(Arc::from);
        self.ask(|reply| Command::Slate(stream, title, reply)).await.is_some()
    }

    /// How each viewer of a stream receives.
    pub async fn viewers(&self, stream: StreamId) -> Vec<ViewerStatus> {
        self.ask(|reply| Command::Viewers(stream, reply)).await.unwrap_or_default()
    }

    /// Takes no new sessions, tells the viewers to come again elsewhere or later, and
    /// gives them until the deadline to leave. Then who is left is told goodbye: with the
    /// last viewer the publishers, whose pictures nobody sees any more.
    pub async fn drain(&self, deadline: Duration) {
        self.0.room.close();
        let _ = self.ask(Command::Reconnect).await;
        let gone = async {
            while self.ask(Command::Watching).await.is_some_and(|viewers| viewers > 0) {
                tokio::time::sleep(DRAIN_LOOK).await;
            }
        };
        let _ = tokio::time::timeout(deadline, gone).await;
        self.shutdown().await;
    }

    /// Ends a session. Says whether it was there, or ended within the last
    /// minute: clients delete their session after they closed it.
    pub async fn close(&self, session: SessionId) -> bool {
        self.ask(|reply| Command::Close(session, reply)).await.unwrap_or(false)
    }

    /// Whether the session runs, or ended within the last minute.
    pub fn knows(&self, session: SessionId) -> bool {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&session)
    }

    /// Ends the publisher and all viewers of a stream.
    pub async fn close_stream(&self, stream: StreamId) {
        let _ = self.ask(|reply| Command::CloseStream(stream, reply)).await;
    }

    /// Ends the publisher of a stream, and those that are about to be; viewers stay.
    /// Says whether there was one.
    pub async fn close_publisher(&self, stream: StreamId) -> bool {
        self.ask(|reply| Command::ClosePublisher(stream, reply)).await.unwrap_or(false)
    }

    /// What the stream does at the moment; as if nobody published, where that cannot be told.
    pub async fn status(&self, stream: StreamId) -> StreamStatus {
        self.try_status(stream).await.unwrap_or_default()
    }

    /// What the stream does at the moment; none if the media plane is overloaded, or has ended.
    pub async fn try_status(&self, stream: StreamId) -> Option<StreamStatus> {
        self.ask(|reply| Command::Status(stream, reply)).await
    }

    /// Ends all sessions and the media thread.
    pub async fn shutdown(&self) {
        let _ = self.ask(Command::Shutdown).await;
    }

    /// Sends a command and waits for its answer; none if the shard is gone or
    /// overloaded.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        ask(&self.0.commands, command).await
    }
}

/// Tells a thread something that it answers, and waits for that; none if the thread is gone or
/// overloaded.
async fn ask<Item, T>(
    thread: &mpsc::Sender<Item>,
    item: impl FnOnce(oneshot::Sender<T>) -> Item,
) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    thread.send_timeout(item(reply), PATIENCE).await.ok()?;
    tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
}

/// Answers a viewer's offer with what suits the source, or else what is made of that; if nothing is,
/// the error says why.
fn answer_viewer(
    setup: &Arc<PeerSetup>,
    offer: &str,
    source: &Source,
    instead: Option<&(Source, Option<TranscodeRefusal>)>,
) -> Result<(Viewer, String), OfferError> {
    let answer = |source| Viewer::answer(setup, Instant::now(), offer, source);
    let taken = answer(source);
    let (Err(OfferError::NoCodec(why)), Some((other, refusal))) = (&taken, instead) else {
        return taken;
    };
    match (answer(other), refusal) {
        (Ok(answered), None) => Ok(answered),
        (Ok(_), Some(refusal)) => {
            Err(OfferError::NoCodec(format!("{why}, and it is not converted: {refusal}")))
        }
        (Err(_), _) => taken,
    }
}

fn new_etag() -> String {
    format!("\"{:016x}\"", rand::random::<u64>())
}

/// Runs what handles a client's text; a panic in it is that client's error alone.
fn guarded<T>(work: impl FnOnce() -> Result<T, OfferError>) -> Result<T, OfferError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a defect kept an offer from being answered");
        Err(OfferError::Internal)
    })
}

#[cfg(test)]
mod tests;
