//! The rooms in use: a task for each owns it, and everyone else speaks to that task.
//!
//! What a room answers and tells is sent when its state has been journaled, never before. Rooms
//! that nobody attends leave memory after a while, and come back from the journal.

mod journal;
mod message;
mod recent;
mod subscription;
mod task;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use dashmap::DashMap;
use tokio::sync::{mpsc, oneshot};

pub use journal::{Future, Journal, JournalError, Record, Stored};
pub use message::{Broadcast, RoomEvent, Snapshot};
pub use subscription::{Closed, Delivery, Subscription};

use crate::{
    Ack, AssetState, Attendee, Command, ConnectionId, Draw, Drawn, Erase, Millis, Page, Phase,
    Pointer, Reason, Refusal, Report, RoomId, Said, Stroke, SyncMode, UserId,
};
use journal::Committer;
use message::{Message, Reply};
use task::RoomTask;

/// How often a request is given to a room that is just leaving memory.
const ATTEMPTS: usize = 3;

/// Sizes and times of the hub.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// Requests that wait for one room. Beyond it: [`HubError::Busy`].
    pub mailbox: usize,
    /// Events that wait for one subscriber. Beyond it the subscriber is cut off.
    pub queue: usize,
    /// How long the journal gathers changed rooms for one commit.
    pub gather: Duration,
    /// Changed rooms in one commit.
    pub batch: usize,
    /// How long a room without subscribers stays in memory.
    pub idle: Duration,
    /// The least time between two lists of users of one room.
    pub users_interval: Duration,
}

impl Default for HubConfig {
    fn default() -> HubConfig {
        HubConfig {
            mailbox: 256,
            queue: 64,
            gather: Duration::from_millis(4),
            batch: 1024,
            idle: Duration::from_secs(60),
            users_interval: Duration::from_millis(500),
        }
    }
}

/// Why the hub did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// There is no such room.
    #[error("there is no such room")]
    NoRoom,
    /// The room has more to do than it can.
    #[error("the room is busy")]
    Busy,
    /// The state could not be read or written.
    #[error("the room's state could not be kept")]
    Journal,
    /// The room refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The room refused for a reason that has nothing to do with its state.
    #[error("{0}")]
    Denied(Reason),
}

/// The server's clock for rooms: the time of day when the process started, and from then on a
/// clock that never jumps, so that a correction of the time of day moves no picture.
#[derive(Clone, Copy, Debug)]
struct Clock {
    started: Instant,
    unix_ms: f64,
}

impl Clock {
    fn new() -> Clock {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Clock { started: Instant::now(), unix_ms: unix.as_secs_f64() * 1000.0 }
    }

    fn now(&self) -> Millis {
        Millis(self.unix_ms + self.started.elapsed().as_secs_f64() * 1000.0).to_micros()
    }
}

struct Shared {
    rooms: DashMap<RoomId, mpsc::Sender<Message>>,
    journal: Arc<dyn Journal>,
    committer: Committer,
    config: HubConfig,
    clock: Clock,
}

/// A cheap handle to all rooms in use.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("rooms", &self.0.rooms.len()).finish()
    }
}

impl Hub {
    /// A hub without rooms, whose journal task runs on the current tokio runtime.
    pub fn start(journal: Arc<dyn Journal>, config: HubConfig) -> Hub {
        let committer = Committer::start(Arc::clone(&journal), &config);
        let clock = Clock::new();
        Hub(Arc::new(Shared { rooms: DashMap::new(), journal, committer, config, clock }))
    }

    /// The time on the clock that rooms run by.
    pub fn now(&self) -> Millis {
        self.0.clock.now()
    }

    /// How many rooms are in memory.
    pub fn rooms(&self) -> usize {
        self.0.rooms.len()
    }

    /// Attends a room by a connection: the state now, what was missed since a revision, and all
    /// that follows, each once.
    pub async fn subscribe(
        &self,
        room: RoomId,
        who: Attendee,
        connection: ConnectionId,
        since: Option<u64>,
    ) -> Result<(Snapshot, Subscription), HubError> {
        let ask = |reply| Message::Subscribe { who: who.clone(), connection, since, reply };
        self.ask(room, ask).await
    }

    /// Carries a command out, by a connection that attends the room.
    pub async fn command(
        &self,
        room: RoomId,
        connection: ConnectionId,
        command: Command,
    ) -> Result<Ack, HubError> {
        self.ask(room, |reply| Message::Command { connection, command: command.clone(), reply })
            .await
    }

    /// Says something, by a connection that attends the room ([`crate::Room::say`]). It is kept
    /// when this returns.
    pub async fn say(
        &self,
        room: RoomId,
        connection: ConnectionId,
        cmd_id: &str,
        text: &str,
    ) -> Result<Said, HubError> {
        let (cmd_id, text) = (cmd_id.to_owned(), text.to_owned());
        let ask =
            |reply| Message::Say { connection, cmd_id: cmd_id.clone(), text: text.clone(), reply };
        self.ask(room, ask).await
    }

    /// Draws a part of a stroke ([`crate::Room::draw`]). A stroke is kept when the answer to its
    /// last part is here.
    pub async fn draw(
        &self,
        room: RoomId,
        connection: ConnectionId,
        draw: Draw,
    ) -> Result<Drawn, HubError> {
        self.ask(room, |reply| Message::Draw { connection, draw: draw.clone(), reply }).await
    }

    /// Points somewhere. It is dropped when the room is busy: the next one comes at once.
    pub fn point(&self, room: RoomId, connection: ConnectionId, pointer: Pointer) {
        self.tell_now(room, Message::Point { connection, pointer });
    }

    /// Takes strokes away ([`crate::Room::erase`]), and says which.
    pub async fn erase(
        &self,
        room: RoomId,
        connection: ConnectionId,
        which: Erase,
    ) -> Result<Vec<String>, HubError> {
        self.ask(room, |reply| Message::Erase { connection, which: which.clone(), reply }).await
    }

    /// A page of the list of all people, for a connection that attends the room
    /// ([`crate::Room::page`]).
    pub async fn people(
        &self,
        room: RoomId,
        connection: ConnectionId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Page, HubError> {
        self.ask(room, |reply| Message::People { connection, after, limit, reply }).await
    }

    /// All that is drawn in a room.
    pub async fn strokes(&self, room: RoomId) -> Result<Vec<Stroke>, HubError> {
        self.ask(room, |reply| Message::Strokes { reply }).await
    }

    /// Strokes were kept as a comment. Call it when that has been stored.
    pub async fn kept(
        &self,
        room: RoomId,
        by: UserId,
        comment: &str,
        ids: Vec<String>,
    ) -> Result<(), HubError> {
        let comment = comment.to_owned();
        let ask = |reply| Message::Kept { by, comment: comment.clone(), ids: ids.clone(), reply };
        self.ask(room, ask).await
    }

    /// Sets the mode and a client's own text ([`crate::Room::set_state`]).
    pub async fn set_state(
        &self,
        room: RoomId,
        user: UserId,
        sync_mode: SyncMode,
        asset_state: Option<AssetState>,
    ) -> Result<Ack, HubError> {
        let ask =
            |reply| Message::SetState { user, sync_mode, asset_state: asset_state.clone(), reply };
        self.ask(room, ask).await
    }

    /// What the room is now. It comes into memory for it.
    pub async fn snapshot(&self, room: RoomId) -> Result<Snapshot, HubError> {
        self.ask(room, |reply| Message::Snapshot { reply }).await
    }

    /// A client tells how well it follows. It is dropped when the room is busy: the next one
    /// comes within a second.
    pub fn report(&self, room: RoomId, connection: ConnectionId, report: Report) {
        self.tell_now(room, Message::Report { connection, report });
    }

    /// Others are hosts from now on. Call it when that has been stored: a room that is not in
    /// memory reads it there.
    pub async fn set_hosts(&self, room: RoomId, hosts: Vec<UserId>) {
        self.tell(room, Message::SetHosts { hosts }).await;
    }

    /// The room started or is over. Call it when that has been stored.
    pub async fn set_phase(&self, room: RoomId, phase: Phase) {
        self.tell(room, Message::SetPhase { phase }).await;
    }

    /// Somebody may not be in the room any more: their subscriptions end.
    pub async fn expel(&self, room: RoomId, user: UserId) {
        self.tell(room, Message::Expel { user }).await;
    }

    /// The room was deleted: all subscriptions end.
    pub async fn close(&self, room: RoomId) {
        self.tell(room, Message::Close).await;
    }

    /// Ends all rooms in memory, and returns when what they had not written yet is written. For
    /// when the server ends: what it is asked for afterwards brings rooms into memory again.
    pub async fn end(&self) {
        let handles: Vec<_> = self.0.rooms.iter().map(|room| room.value().clone()).collect();
        let (done, mut ended) = mpsc::channel(1);
        for handle in handles {
            // A room that is gone has written.
            let _ = handle.send(Message::End { _done: done.clone() }).await;
        }
        drop(done);
        // Nothing is ever said over it: it ends with the last of those who hold its other end.
        let _: Option<Infallible> = ended.recv().await;
    }

    /// The handle of a room in memory. (The guard of the map ends here.)
    fn handle(&self, room: RoomId) -> Option<mpsc::Sender<Message>> {
        self.0.rooms.get(&room).map(|handle| handle.clone())
    }

    /// The handle of a room, which is brought into memory for it.
    fn handle_or_start(&self, room: RoomId) -> mpsc::Sender<Message> {
        self.0.rooms.entry(room).or_insert_with(|| RoomTask::start(self.clone(), room)).clone()
    }

    async fn ask<T>(
        &self,
        room: RoomId,
        message: impl Fn(Reply<T>) -> Message,
    ) -> Result<T, HubError> {
        for _ in 0..ATTEMPTS {
            let (reply, answer) = oneshot::channel();
            match self.handle_or_start(room).try_send(message(reply)) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => return Err(HubError::Busy),
                // It left memory a moment ago: once more, with a new task.
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    self.forget_closed(room);
                    continue;
                }
            }
            if let Ok(result) = answer.await {
                return result;
            }
        }
        Err(HubError::Busy)
    }

    /// Tells a room in memory something that must not be lost.
    async fn tell(&self, room: RoomId, message: Message) {
        if let Some(handle) = self.handle(room) {
            // A room that is gone reads the same from the store when it comes back.
            let _ = handle.send(message).await;
        }
    }

    fn tell_now(&self, room: RoomId, message: Message) {
        if let Some(handle) = self.handle(room) {
            let _ = handle.try_send(message);
        }
    }

    fn forget_closed(&self, room: RoomId) {
        self.0.rooms.remove_if(&room, |_, handle| handle.is_closed());
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
