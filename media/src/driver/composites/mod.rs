//! Composites: for each a thread that decodes its sources, puts them together, and publishes what
//! comes of it like any other source.
//!
//! The media thread hands it the packets of its sources and never waits for it: where it cannot
//! keep up, a source's packets are left out up to its next key frame. What the thread does not decode
//! itself (H.265) ffmpeg decodes, where the media thread has a place for that. A composite runs for as long
//! as the server wants it, whoever watches.

mod input;
mod shard;
#[cfg(test)]
mod tests;
mod thread;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde::Serialize;
use thiserror::Error;

use crate::composite::Layout;
use crate::ids::StreamId;
use crate::rtp::Codec;
use crate::stream::Packet;
use crate::transcode::TranscodeRefusal;

use super::transcodes::Place;
use super::{Command, Media, PATIENCE};

pub(super) use shard::Taps;

/// Packets that wait for a composite's thread: half a second of nine sources. Beyond, a source is
/// left out up to its next key frame.
pub(super) const ITEMS: usize = 2_048;

/// Why there is no composite.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompositeError {
    /// There are as many as there may be.
    #[error("this server makes {0} composites at a time")]
    Full(usize),
    /// The media plane is overloaded, or has ended.
    #[error("composites are not possible at the moment")]
    Unavailable,
}

/// What a composite has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct CompositeStatus {
    /// Pictures that were made.
    pub frames: u64,
    /// Pictures that were not made in time.
    pub frames_missed: u64,
    /// Packets of sources that were left out because they came faster than they were decoded; with
    /// each go those up to the next key frame.
    pub packets_left_out: u64,
    /// Its sources, each with what is seen of it.
    pub sources: Vec<SourceOfComposite>,
    /// What is wrong, in words.
    pub problems: Vec<String>,
}

/// What is seen of a composite's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceOfComposite {
    /// The source.
    pub id: StreamId,
    /// Its picture is shown.
    pub shown: bool,
    /// Frames of it that could not be used.
    pub frames_lost: u64,
}

/// What the media thread is asked for.
pub(super) enum Order {
    /// A thread wants the packets of these sources, and of some of them the sound.
    Tap {
        composite: StreamId,
        items: SyncSender<Item>,
        shared: Arc<Shared>,
        sources: Vec<(StreamId, bool)>,
    },
    /// A thread wants nothing any more.
    Untap(StreamId),
}

/// What a composite's thread is told.
pub(super) enum Item {
    /// Another publisher of a source, another layer, or packets were left out.
    Publish(StreamId),
    Packet(StreamId, Packet),
    /// The picture of a source is ffmpeg's to decode from here on, in this place.
    Outside(StreamId, Place),
    /// It is not decoded, or no more.
    Refused(StreamId, Codec, TranscodeRefusal),
    /// Nobody publishes it: what decodes it ends, or what was refused is no matter.
    Away(StreamId),
    /// ffmpeg gave out something.
    Woken(StreamId),
}

impl Item {
    fn source(&self) -> StreamId {
        let (Self::Publish(source)
        | Self::Packet(source, _)
        | Self::Outside(source, _)
        | Self::Refused(source, ..)
        | Self::Away(source)
        | Self::Woken(source)) = self;
        *source
    }
}

/// What the handle and a thread have in common.
#[derive(Debug)]
pub(super) struct Shared {
    layout: Mutex<Layout>,
    /// Grows with each layout.
    version: AtomicU64,
    stop: AtomicBool,
    left_out: AtomicU64,
    /// Sources whose decoding by ffmpeg ended by itself, for the media thread.
    faults: Mutex<Vec<(StreamId, TranscodeRefusal)>>,
    status: Mutex<CompositeStatus>,
}

impl Shared {
    fn new(layout: Layout) -> Self {
        Self {
            layout: Mutex::new(layout),
            version: AtomicU64::new(1),
            stop: AtomicBool::new(false),
            left_out: AtomicU64::new(0),
            faults: Mutex::default(),
            status: Mutex::default(),
        }
    }

    fn fault(&self, source: StreamId, refusal: TranscodeRefusal) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push((source, refusal));
    }

    /// Those since it was asked last.
    fn faults(&self) -> Vec<(StreamId, TranscodeRefusal)> {
        std::mem::take(&mut *self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    items: SyncSender<Item>,
    thread: JoinHandle<()>,
}

/// The composites that run.
#[derive(Debug)]
pub struct Composites {
    media: Media,
    most: usize,
    running: Mutex<HashMap<StreamId, Running>>,
}

impl Composites {
    /// As many composites as there may be at a time.
    pub fn new(media: &Media, most: usize) -> Self {
        Self { media: media.clone(), most, running: Mutex::default() }
    }

    /// How many there may be at a time.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Those that run.
    pub fn all(&self) -> Vec<StreamId> {
        self.running().keys().copied().collect()
    }

    /// Begins to make and to publish a composite. One that is made already goes on with this layout.
    ///
    /// # Errors
    /// When there are as many as there may be, or the media plane has ended.
    pub async fn start(&self, composite: StreamId, layout: Layout) -> Result<(), CompositeError> {
        if self.update(composite, layout.clone()).await? {
            return Ok(());
        }
        let (items, inbox) = sync_channel(ITEMS);
        let shared = Arc::new(Shared::new(layout.clone()));
        {
            let mut running = self.running();
            if running.len() >= self.most {
                return Err(CompositeError::Full(self.most));
            }
            let start = thread::Start {
                composite,
                shared: Arc::clone(&shared),
                inbox,
                items: items.clone(),
                ffmpeg: self.media.0.ffmpeg.clone(),
                feeds: self.media.0.feeds.clone(),
                room: Arc::clone(&self.media.0.room),
            };
            let thread = std::thread::Builder::new()
                .name("rushes-composite".to_owned())
                .spawn(move || thread::run(start))
                .map_err(|_| CompositeError::Unavailable)?;
            let one = Running { shared: Arc::clone(&shared), items: items.clone(), thread };
            running.insert(composite, one);
        }
        self.tap(composite, items, shared, &layout).await
    }

    /// Gives a composite another layout. Says whether there is one.
    ///
    /// # Errors
    /// When the media plane has ended.
    pub async fn update(
        &self,
        composite: StreamId,
        layout: Layout,
    ) -> Result<bool, CompositeError> {
        let found = {
            let running = self.running();
            running.get(&composite).map(|one| (one.items.clone(), Arc::clone(&one.shared)))
        };
        let Some((items, shared)) = found else { return Ok(false) };
        *shared.layout.lock().unwrap_or_else(PoisonError::into_inner) = layout.clone();
        shared.version.fetch_add(1, Ordering::Release);
        self.tap(composite, items, shared, &layout).await?;
        Ok(true)
    }

    async fn tap(
        &self,
        composite: StreamId,
        items: SyncSender<Item>,
        shared: Arc<Shared>,
        layout: &Layout,
    ) -> Result<(), CompositeError> {
        let sources = layout.sources().into_iter();
        let sources = sources.map(|source| (source, layout.hears(source))).collect();
        let order = Order::Tap { composite, items, shared, sources };
        let sent = self.media.0.commands.send_timeout(Command::Tap(order), PATIENCE).await;
        sent.map_err(|_| CompositeError::Unavailable)
    }

    /// Ends a composite; its viewers wait.
    pub async fn stop(&self, composite: StreamId) {
        let Some(one) = self.running().remove(&composite) else { return };
        // Without a media plane there is nothing to take back.
        let order = Command::Tap(Order::Untap(composite));
        let _ = self.media.0.commands.send_timeout(order, PATIENCE).await;
        join(one).await;
    }

    /// What a composite has done, as of the last second; none if there is none.
    pub fn status(&self, composite: StreamId) -> Option<CompositeStatus> {
        let running = self.running();
        let shared = &running.get(&composite)?.shared;
        let status = shared.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let packets_left_out = shared.left_out.load(Ordering::Relaxed);
        Some(CompositeStatus { packets_left_out, ..status })
    }

    /// Ends all of them.
    pub async fn shutdown(&self) {
        for composite in self.all() {
            self.stop(composite).await;
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Composites {
    fn drop(&mut self) {
        self.running().values().for_each(|one| one.shared.stop.store(true, Ordering::Relaxed));
    }
}

/// Waits for the end of a thread, which looks for that with each picture.
async fn join(one: Running) {
    one.shared.stop.store(true, Ordering::Relaxed);
    let Running { thread, .. } = one;
    let joined = tokio::task::spawn_blocking(move || thread.join()).await;
    if !matches!(joined, Ok(Ok(()))) {
        tracing::error!("a composite's thread ended of a defect");
    }
}
