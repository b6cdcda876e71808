//! The thread that records.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::ids::{IdMap, StreamId};
use crate::recording::Ticks;
use crate::rtcp::WallClock;

use super::file::Writing;
use super::reel::Reel;
use super::{Begin, Item, Recorded, RecordingConfig, RecordingError, Shared};

/// How often it is looked what is old, and what the disk is to keep.
const LOOK: Duration = Duration::from_millis(250);
/// How long it rests when it has taken all there is. Whoever sends to it while it rests does not
/// have to wake it, which would cost the media thread more than the rest of what it does here; and
/// it turns to each stream once for all that came of it meanwhile. With hundreds of streams a tenth
/// of the inbox fills.
const REST: Duration = Duration::from_millis(50);
/// Items that it takes at once.
const AT_ONCE: usize = 1_024;
/// A stream without packets is forgotten after this, or when nothing of it can be replayed.
const SILENT: Duration = Duration::from_secs(30);

/// What the thread begins with.
pub(super) struct Start {
    pub(super) config: RecordingConfig,
    pub(super) inbox: mpsc::Receiver<Item>,
    pub(super) ended: mpsc::Sender<Recorded>,
    pub(super) shared: Arc<Shared>,
}

/// Runs until it is told to end, or nobody is left to tell.
pub(super) fn run(start: Start) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (mut thread, mut inbox) = Thread::new(start);
    runtime.block_on(async {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut items = Vec::with_capacity(AT_ONCE);
        loop {
            tokio::select! {
                biased;
                _ = look.tick() => thread.look(Instant::now()).await,
                taken = inbox.recv_many(&mut items, AT_ONCE) => {
                    if taken == 0 {
                        return thread.stop();
                    }
                    if let Some(done) = thread.take(Instant::now(), &mut items) {
                        thread.stop();
                        let _ = done.send(());
                        return;
                    }
                    if taken < AT_ONCE {
                        tokio::time::sleep(REST).await;
                    }
                },
            }
        }
    });
    Ok(())
}

pub(super) struct Thread {
    config: RecordingConfig,
    ended: mpsc::Sender<Recorded>,
    shared: Arc<Shared>,
    wall: Option<WallClock>,
    reels: IdMap<StreamId, Reel>,
    /// Recordings that ended, which the server has not taken yet.
    backlog: VecDeque<Recorded>,
}

impl Thread {
    pub(super) fn new(start: Start) -> (Self, mpsc::Receiver<Item>) {
        let Start { config, inbox, ended, shared } = start;
        let (reels, backlog) = (IdMap::default(), VecDeque::new());
        (Self { config, ended, shared, wall: None, reels, backlog }, inbox)
    }

    /// Takes items, those of a stream one after the other. Gives back who waits for its end, if it is
    /// to end.
    pub(super) fn take(
        &mut self,
        now: Instant,
        items: &mut Vec<Item>,
    ) -> Option<oneshot::Sender<()>> {
        // Those of a stream stay in their order, and what is of none goes first.
        items.sort_by_key(Item::stream);
        let mut end = None;
        for item in items.drain(..) {
            match item {
                Item::Stop(done) => end = Some(done),
                item => self.item(now, item),
            }
        }
        end
    }

    /// Takes an item. A defect costs the stream that it is about what it has, and nobody else.
    pub(super) fn item(&mut self, now: Instant, item: Item) {
        let stream = item.stream();
        let taken = catch_unwind(AssertUnwindSafe(|| self.handle(now, item)));
        if let (Err(_), Some(stream)) = (taken, stream) {
            tracing::error!(%stream, "a defect ended the recording of a stream");
            self.over(stream, Some("The recording ended of a defect of this server.".to_owned()));
            self.reels.remove(&stream);
        }
    }

    fn handle(&mut self, now: Instant, item: Item) {
        match item {
            Item::Clock(wall) => self.wall = Some(wall),
            Item::Publish(stream) => {
                if let Some(reel) = self.reel(now, stream) {
                    reel.recorder.publish();
                    let written = reel.take();
                    self.written(stream, written);
                }
            }
            Item::Packets(stream, burst) => {
                if let Some(reel) = self.reel(now, stream) {
                    let written = reel.packets(now, burst.iter().cloned());
                    self.written(stream, written);
                }
            }
            Item::Begin(stream, begin) => self.begin(now, stream, *begin),
            Item::End(stream, reply) => {
                let ran = self.end(stream);
                let _ = reply.send(ran);
            }
            Item::Replay(stream, length, reply) => {
                let _ = reply.send(self.replay(stream, length));
            }
            Item::Stop(_) => {}
        }
    }

    pub(super) fn reel(&mut self, now: Instant, stream: StreamId) -> Option<&mut Reel> {
        let (wall, place) = (self.wall?, (&*self.config.replay_folder, self.config.replay));
        Some(self.reels.entry(stream).or_insert_with(|| Reel::new(now, wall, stream, place)))
    }

    fn begin(&mut self, now: Instant, stream: StreamId, begin: Begin) {
        let Begin { id, path, cached, reply } = begin;
        let Some(reel) = self.reel(now, stream) else { return };
        let begun = match &reel.file {
            Some(_) => Err(RecordingError::Running),
            None => Writing::create(now, id, &path)
                .and_then(|file| reel.begin(file))
                .and_then(|()| reel.packets(now, cached))
                .map_err(|error| RecordingError::File(in_words(&error))),
        };
        if let (Err(RecordingError::File(_)), Some(reel)) = (&begun, self.reels.get_mut(&stream)) {
            reel.file = None;
        }
        self.tell_status(stream);
        let _ = reply.send(begun);
    }

    /// Ends a recording in order: with what was under way.
    fn end(&mut self, stream: StreamId) -> bool {
        let Some(reel) = self.reels.get_mut(&stream).filter(|reel| reel.file.is_some()) else {
            return false;
        };
        reel.recorder.cut();
        let written = reel.take();
        self.written(stream, written);
        self.over(stream, None);
        true
    }

    fn replay(&mut self, stream: StreamId, length: Duration) -> Option<super::ReplayClip> {
        let reel = self.reels.get_mut(&stream)?;
        let clip = reel.ring.as_ref()?.clip(length);
        clip.unwrap_or_else(|error| {
            tracing::warn!(%stream, %error, "there is no instant replay");
            None
        })
    }

    /// What became of writing a stream's fragments.
    fn written(&mut self, stream: StreamId, written: io::Result<()>) {
        let Err(error) = written else { return };
        tracing::error!(%stream, %error, "a recording cannot be written, and ends");
        self.shared.failed.fetch_add(1, Ordering::Relaxed);
        if let Some(reel) = self.reels.get_mut(&stream) {
            // Where the disk is full its room is needed for what is recorded.
            reel.ring = None;
            if let Some(file) = &reel.file {
                file.give_back();
            }
        }
        self.over(stream, Some(in_words(&error)));
    }

    /// A recording is over, whatever the reason.
    fn over(&mut self, stream: StreamId, problem: Option<String>) {
        self.shared.running().remove(&stream);
        let Some(file) = self.reels.get_mut(&stream).and_then(|reel| reel.file.take()) else {
            return;
        };
        self.backlog.push_back(Recorded { stream, recording: file.id, problem });
        self.emit();
    }

    pub(super) fn tell_status(&mut self, stream: StreamId) {
        if let Some(status) = self.reels.get(&stream).and_then(Reel::status) {
            self.shared.running().insert(stream, status);
        }
    }

    fn emit(&mut self) {
        while let Some(recorded) = self.backlog.front() {
            match self.ended.try_send(recorded.clone()) {
                Err(mpsc::error::TrySendError::Full(_)) => return,
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {
                    self.backlog.pop_front();
                }
            }
        }
    }

    /// Whatever is due with the time alone.
    pub(super) async fn look(&mut self, now: Instant) {
        self.emit();
        let wall = self.wall;
        let streams: Vec<StreamId> = self.reels.keys().copied().collect();
        let mut replay_bytes = 0;
        for stream in streams {
            let Some(reel) = self.reels.get_mut(&stream) else { continue };
            reel.recorder.tick(now);
            let mut written = reel.take();
            if let (Ok(()), Some(file)) = (&written, &mut reel.file) {
                written = file.sync(now).await;
            }
            if let (Some(ring), Some(wall)) = (&mut reel.ring, wall) {
                ring.expire(Ticks::of(&wall, now));
                replay_bytes += ring.bytes();
            }
            let idle = now.saturating_duration_since(reel.heard) > SILENT;
            let kept = reel.ring.as_ref().is_some_and(|ring| !ring.is_empty());
            if idle && !kept && reel.file.is_none() {
                self.reels.remove(&stream);
                continue;
            }
            self.written(stream, written);
            self.tell_status(stream);
        }
        self.shared.replay_bytes.store(replay_bytes, Ordering::Relaxed);
    }

    pub(super) fn stop(&mut self) {
        let streams: Vec<StreamId> = self.reels.keys().copied().collect();
        for stream in streams {
            self.end(stream);
        }
        self.reels.clear();
    }
}

/// What went wrong, for those who wanted a recording.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The disk is full: the recording ends here.".to_owned()
        }
        _ => format!("The recording cannot be written: {error}."),
    }
}
