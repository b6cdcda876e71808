//! Defects on the media thread: a panic ends at most the session that it happened for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use str0m::RtcError;

use crate::ids::StreamId;

use super::sessions::Slot;
use super::shard::Shard;

/// Whom the thread works for at the moment: to them a panic is laid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serves {
    Session(Slot),
    /// What is known of a stream, which its publisher has brought about.
    Stream(StreamId),
}

impl Shard {
    /// Does a piece of work. A panic in it ends the session that it was for, or the publisher of
    /// the stream: nothing else, and this thread least of all.
    pub(super) fn contained(&mut self, now: Instant, work: impl FnOnce(&mut Self)) {
        let outer = self.serves.take();
        // What a panic may leave torn is thrown away or belongs to a session that ends.
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            let serves = self.serves.take();
            tracing::error!(?serves, "a defect disturbed the media thread");
            // What was being made may be half there; all of it is repeated where it is lost.
            self.outbox.clear();
            let ended = catch_unwind(AssertUnwindSafe(|| {
                if let Some(serves) = serves {
                    self.end_served(now, serves);
                }
            }));
            if ended.is_err() {
                tracing::error!(?serves, "a defect left something behind");
            }
        }
        self.serves = outer;
    }

    fn end_served(&mut self, now: Instant, serves: Serves) {
        let (slot, stream) = match serves {
            Serves::Session(slot) => match self.sessions.get(slot) {
                Some(session) => (Some(slot), session.stream),
                None => return,
            },
            Serves::Stream(stream) => {
                (self.streams.get(&stream).and_then(|entry| entry.publisher), stream)
            }
        };
        if let Some(entry) = self.streams.get_mut(&stream)
            && entry.publisher == slot
        {
            entry.reset();
        }
        if let Some(slot) = slot {
            self.end(now, slot, "of a defect");
        }
    }
}

/// Runs what touches a single session: an error or a panic is the end of that
/// session and of nothing else.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, RtcError>) -> Result<T, &'static str> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a session failed");
            Err("it failed")
        }
        Err(_) => {
            tracing::error!("a defect ended a session");
            Err("of a defect")
        }
    }
}
