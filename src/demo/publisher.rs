//! Publishes a [`LiveSource`] to a WHIP endpoint in real time, on a thread of
//! its own, the way an encoder outside of this program would.
//!
//! A server that refuses or goes away is tried again with growing pauses. The
//! frame numbers go on meanwhile: they count from the start of the publisher.

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::encode::EncodeError;
use super::peer::{Ended, Peer, PeerError};
use super::source::{LiveSource, SourceConfig};
use super::whip_client::{WhipClient, WhipError, WhipTarget};

/// The first pause after a failure; it doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(250);
/// A server that comes back is found again within this time.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// How long [`Publisher::stop`] waits for the session to be closed properly.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What a publisher is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublisherStatus {
    /// Asking the server, or connecting.
    Connecting,
    /// Connected and sending.
    Live,
    /// Pausing before the next try.
    Waiting {
        /// Why the last one failed.
        reason: String,
    },
    /// Ended, by [`Publisher::stop`] or because the encoder failed.
    Stopped,
}

/// Why a publisher could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An encoder could not be set up.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The HTTP client could not be set up.
    #[error(transparent)]
    Whip(#[from] WhipError),
    /// The thread could not be started.
    #[error("the publisher's thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Why one try to publish ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Whip(#[from] WhipError),
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// A running publisher. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Publisher {
    stop: CancellationToken,
    status: watch::Receiver<PublisherStatus>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Publisher {
    /// Starts publishing `source` to `target`.
    ///
    /// # Errors
    /// When an encoder, the HTTP client or the thread cannot be set up. A
    /// server that does not answer is no error: it is tried again.
    pub fn start(source: &SourceConfig, target: WhipTarget) -> Result<Self, StartError> {
        let source = LiveSource::new(source)?;
        let client = WhipClient::new(target)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stop = CancellationToken::new();
        let (status_tx, status) = watch::channel(PublisherStatus::Connecting);
        let worker = Worker { source, client, stop: stop.clone(), status: status_tx };
        let thread = thread::Builder::new()
            .name("demo-publisher".into())
            .spawn(move || runtime.block_on(worker.run()))?;
        Ok(Self { stop, status, thread: Some(thread) })
    }

    /// What the publisher is doing, with a notice of every change.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<PublisherStatus> {
        self.status.clone()
    }

    /// Ends the session with a DELETE and waits for it, at most ten seconds.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let mut status = self.status.clone();
        let ended = status.wait_for(|status| *status == PublisherStatus::Stopped);
        let ended = tokio::time::timeout(STOP_TIMEOUT, ended).await.is_ok();
        // After its last status the thread has nothing left that could block.
        if let (true, Some(thread)) = (ended, self.thread.take())
            && thread.join().is_err()
        {
            tracing::error!("the publisher's thread panicked");
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What runs on the publisher's thread.
struct Worker {
    source: LiveSource,
    client: WhipClient,
    stop: CancellationToken,
    status: watch::Sender<PublisherStatus>,
}

impl Worker {
    async fn run(mut self) {
        let epoch = Instant::now();
        let mut pause = MIN_PAUSE;
        while !self.stop.is_cancelled() {
            self.status.send_replace(PublisherStatus::Connecting);
            let started = Instant::now();
            let reason = match self.session(epoch).await {
                Ok(Ended::Stopped) => break,
                Err(SessionError::Peer(PeerError::Encode(error))) => {
                    tracing::error!(%error, "the test pattern cannot be encoded any more");
                    break;
                }
                Err(error) => error.to_string(),
            };
            // A session that lasted says that the server is well.
            if started.elapsed() > MAX_PAUSE * 2 {
                pause = MIN_PAUSE;
            }
            tracing::warn!(%reason, url = %self.client.url(), "publishing ended, trying again");
            self.status.send_replace(PublisherStatus::Waiting { reason });
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
            }
        }
        self.status.send_replace(PublisherStatus::Stopped);
    }

    /// One session, from the offer to its end.
    async fn session(&mut self, epoch: Instant) -> Result<Ended, SessionError> {
        let (mut peer, offer) = Peer::offer(self.client.url()).await?;
        let opened = tokio::select! {
            () = self.stop.cancelled() => return Ok(Ended::Stopped),
            opened = self.client.open(offer) => opened?,
        };
        let sent = match peer.accept(&opened.answer) {
            Ok(()) => peer.send(&mut self.source, epoch, &self.stop, &self.status).await,
            Err(error) => Err(error),
        };
        // Whatever ended it, the server shall not wait for a peer that is gone.
        let closed = tokio::time::timeout(MAX_PAUSE, self.client.close(opened.session)).await;
        if let Ok(Err(error)) = closed {
            tracing::debug!(%error, "the session could not be deleted");
        }
        Ok(sent?)
    }
}
