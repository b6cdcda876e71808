//! The journal: where the states of rooms are kept, and the task that writes many at once.

use std::collections::{HashMap, hash_map};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::HubConfig;
use crate::{ChatMessage, DrawingChange, LogEntry, Phase, RoomId, Said, State, Stroke, UserId};

/// What a [`Journal`] returns.
pub type Future<'a, T> = Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

/// The journal could not read or write. Its own words are in the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// What is kept of a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its state; nothing when nobody drove it yet.
    pub state: Option<State>,
    /// How far it has come.
    pub phase: Phase,
    /// Its hosts.
    pub hosts: Vec<UserId>,
    /// The last messages of its chat, in order, at most [`crate::MESSAGES_KNOWN`].
    pub said: Vec<Said>,
    /// What is drawn in it, in order.
    pub strokes: Vec<Stroke>,
}

/// What is to be kept of a room from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The room.
    pub room: RoomId,
    /// Its state.
    pub state: State,
    /// What happened since the last record, in order.
    pub log: Vec<LogEntry>,
    /// What was said since the last record, in order.
    pub chat: Vec<ChatMessage>,
    /// What became of its drawing since the last record, in order.
    pub drawing: Vec<DrawingChange>,
}

/// Where the states of rooms are kept.
pub trait Journal: Send + Sync + fmt::Debug + 'static {
    /// A room as it was last committed; nothing when there is no such room.
    fn load(&self, room: RoomId) -> Future<'_, Result<Option<Stored>, JournalError>>;

    /// Writes the records of several rooms, all or none, and returns when they would survive the
    /// loss of the process. A room in it that does not exist any more is left out.
    fn commit(&self, batch: Vec<Record>) -> Future<'_, Result<(), JournalError>>;
}

struct Entry {
    record: Record,
    done: oneshot::Sender<bool>,
}

/// The way to the one task that commits.
#[derive(Clone, Debug)]
pub(super) struct Committer(mpsc::Sender<Entry>);

impl Committer {
    pub(super) fn start(journal: Arc<dyn Journal>, config: &HubConfig) -> Committer {
        // A room has one state under way and waits for it, so this bounds nothing but memory:
        // when it is full, rooms wait for their place.
        let (sender, receiver) = mpsc::channel(config.batch);
        tokio::spawn(run(journal, receiver, config.gather, config.batch));
        Committer(sender)
    }

    /// Writes a record and waits for it. False when it could not be written.
    pub(super) async fn commit(&self, record: Record) -> bool {
        let (done, written) = oneshot::channel();
        self.0.send(Entry { record, done }).await.is_ok() && written.await == Ok(true)
    }
}

async fn run(
    journal: Arc<dyn Journal>,
    mut entries: mpsc::Receiver<Entry>,
    gather: Duration,
    most: usize,
) {
    while let Some(first) = entries.recv().await {
        let until = Instant::now() + gather;
        let mut batch = vec![first];
        while batch.len() < most {
            match timeout_at(until, entries.recv()).await {
                Ok(Some(entry)) => batch.push(entry),
                Ok(None) | Err(_) => break,
            }
        }
        let mut waiting = Vec::with_capacity(batch.len());
        let mut records: HashMap<RoomId, Record> = HashMap::with_capacity(batch.len());
        for Entry { record, done } in batch {
            match records.entry(record.room) {
                // A room that began anew while its former task's record was under way.
                hash_map::Entry::Occupied(mut earlier) => {
                    let earlier = earlier.get_mut();
                    earlier.state = record.state;
                    earlier.log.extend(record.log);
                    earlier.chat.extend(record.chat);
                    earlier.drawing.extend(record.drawing);
                }
                hash_map::Entry::Vacant(place) => {
                    place.insert(record);
                }
            }
            waiting.push(done);
        }
        let result = journal.commit(records.into_values().collect()).await;
        if let Err(error) = &result {
            tracing::error!(%error, rooms = waiting.len(), "the states of rooms were not written");
        }
        for done in waiting {
            // A room that does not wait any more is gone, and so is nobody's concern.
            let _ = done.send(result.is_ok());
        }
    }
}
