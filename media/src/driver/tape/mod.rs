//! Recording and instant replay: a thread that makes files of streams.
//!
//! The media thread hands it the packets of the streams that are recorded, and where there is an
//! instant replay those of all streams. The thread writes each fragment as soon as it is whole, and
//! has the disk keep it once a second. It is never waited for: where it cannot keep up, packets are
//! left out, and the recording goes on with the next key frame.

mod file;
mod reel;
mod ring;
mod shard;
#[cfg(test)]
mod tests;
mod thread;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::ids::{RecordingId, StreamId};
use crate::rtcp::WallClock;
use crate::status::RecordingStatus;
use crate::stream::{Burst, Packet};

use super::{Command, Media, PATIENCE, ask};

pub use file::finish_recording;
pub use ring::ReplayClip;
pub(super) use shard::Tape;

/// Packets that wait for the thread: a second of many streams. Beyond, they are left out.
const ITEMS: usize = 8_192;
/// Recordings that ended, and of which the server has not heard; the thread keeps further ones.
const ENDED: usize = 64;

/// How recordings are made.
#[derive(Debug, Clone)]
pub struct RecordingConfig {
    /// The folder for what an instant replay is made of. What is in it is removed.
    pub replay_folder: PathBuf,
    /// How far back an instant replay reaches; zero: there is none.
    pub replay: Duration,
}

/// A recording has ended: its file is to be finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Of which stream.
    pub stream: StreamId,
    /// Which one.
    pub recording: RecordingId,
    /// Why it ended by itself, in words.
    pub problem: Option<String>,
}

/// Why there is no recording.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordingError {
    /// The stream is recorded already.
    #[error("the stream is being recorded")]
    Running,
    /// The file cannot be made.
    #[error("{0}")]
    File(String),
    /// The thread is overloaded, or has ended.
    #[error("recording is not possible at the moment")]
    Unavailable,
}

/// What the thread has to do, and what it could not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TapeLoad {
    /// Recordings that run.
    pub recordings: usize,
    /// Bytes that are kept for instant replays.
    pub replay_bytes: u64,
    /// Packets that were left out because the thread could not keep up.
    pub left_out: u64,
    /// Recordings that ended because they could not be written.
    pub failed: u64,
}

/// What the media thread is asked for.
pub(super) enum Order {
    /// There is a thread. It wants the packets of all streams, or of those that are recorded.
    Attach {
        items: mpsc::Sender<Item>,
        all: bool,
        shared: Arc<Shared>,
    },
    Begin(StreamId, Box<Begin>),
    End(StreamId, oneshot::Sender<bool>),
}

/// A recording that is to begin.
pub(super) struct Begin {
    id: RecordingId,
    path: PathBuf,
    /// The current group of pictures, where the thread does not have it.
    cached: Vec<Packet>,
    reply: oneshot::Sender<Result<(), RecordingError>>,
}

/// What the thread is told.
pub(super) enum Item {
    /// The server's clock: comes before all else.
    Clock(WallClock),
    /// Another publisher, or another layer.
    Publish(StreamId),
    Packets(StreamId, Burst),
    Begin(StreamId, Box<Begin>),
    /// Whether there was a recording.
    End(StreamId, oneshot::Sender<bool>),
    Replay(StreamId, Duration, oneshot::Sender<Option<ReplayClip>>),
    Stop(oneshot::Sender<()>),
}

impl Item {
    /// Which stream it is about.
    fn stream(&self) -> Option<StreamId> {
        match self {
            Item::Publish(stream)
            | Item::Packets(stream, _)
            | Item::Begin(stream, _)
            | Item::End(stream, _)
            | Item::Replay(stream, ..) => Some(*stream),
            Item::Clock(_) | Item::Stop(_) => None,
        }
    }
}

/// What others may look at.
#[derive(Debug, Default)]
pub(super) struct Shared {
    running: Mutex<HashMap<StreamId, RecordingStatus>>,
    replay_bytes: AtomicU64,
    left_out: AtomicU64,
    failed: AtomicU64,
}

impl Shared {
    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, RecordingStatus>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to the thread that records. It ends with [`Recordings::shutdown`], or when the media
/// plane and all handles are gone.
#[derive(Debug)]
pub struct Recordings {
    media: Media,
    items: mpsc::Sender<Item>,
    shared: Arc<Shared>,
    replay: Duration,
}

impl Recordings {
    /// Starts the thread. What ends is told at the other end.
    ///
    /// # Errors
    /// When the folder cannot be made, or the media plane has ended.
    pub async fn start(
        config: RecordingConfig,
        media: &Media,
    ) -> io::Result<(Self, mpsc::Receiver<Recorded>)> {
        let (items, inbox) = mpsc::channel(ITEMS);
        let (ended, recorded) = mpsc::channel(ENDED);
        let (shared, replay) = (Arc::new(Shared::default()), config.replay);
        ring::prepare(&config.replay_folder, replay)?;
        let start = thread::Start { config, inbox, ended, shared: Arc::clone(&shared) };
        std::thread::Builder::new().name("rushes-tape".to_owned()).spawn(move || {
            if let Err(error) = thread::run(start) {
                tracing::error!(%error, "the recording thread ended");
            }
        })?;
        let all = !replay.is_zero();
        let attach = Order::Attach { items: items.clone(), all, shared: Arc::clone(&shared) };
        let sent = media.0.commands.send_timeout(Command::Tape(attach), PATIENCE).await;
        sent.map_err(|_| io::Error::other("the media plane has ended"))?;
        Ok((Self { media: media.clone(), items, shared, replay }, recorded))
    }

    /// Begins to record a stream into a new file, from the last key frame on, or from the first
    /// one that comes.
    ///
    /// # Errors
    /// See [`RecordingError`].
    pub async fn begin(
        &self,
        stream: StreamId,
        id: RecordingId,
        path: PathBuf,
    ) -> Result<(), RecordingError> {
        let begin = |reply| {
            let begin = Begin { id, path, cached: Vec::new(), reply };
            Command::Tape(Order::Begin(stream, Box::new(begin)))
        };
        self.media.ask(begin).await.unwrap_or(Err(RecordingError::Unavailable))
    }

    /// Ends the recording of a stream. Says whether there was one.
    ///
    /// # Errors
    /// When the thread is overloaded, or has ended.
    pub async fn end(&self, stream: StreamId) -> Result<bool, RecordingError> {
        let end = |reply| Command::Tape(Order::End(stream, reply));
        self.media.ask(end).await.ok_or(RecordingError::Unavailable)
    }

    /// The last part of a stream, up to so long; none where nothing of it is kept.
    pub async fn replay(&self, stream: StreamId, length: Duration) -> Option<ReplayClip> {
        let length = length.min(self.replay);
        ask(&self.items, |reply| Item::Replay(stream, length, reply)).await?
    }

    /// How far back a replay reaches.
    pub fn replay_length(&self) -> Duration {
        self.replay
    }

    /// The recording of a stream, if there is one.
    pub fn status(&self, stream: StreamId) -> Option<RecordingStatus> {
        self.shared.running().get(&stream).cloned()
    }

    /// What the thread has to do, and could not do.
    pub fn load(&self) -> TapeLoad {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TapeLoad {
            recordings: self.shared.running().len(),
            replay_bytes: count(&self.shared.replay_bytes),
            left_out: count(&self.shared.left_out),
            failed: count(&self.shared.failed),
        }
    }

    /// Ends all recordings, so that their files can be finished, and the thread.
    pub async fn shutdown(&self) {
        // None: it has ended already.
        let _ = ask(&self.items, Item::Stop).await;
    }
}
