//! A subscriber's end of a room.

use std::sync::Arc;
use std::sync::OnceLock;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::message::{Broadcast, Message, Queue};
use crate::{ConnectionId, RoomId, UserId};

/// Why a subscription ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// They may not be in the room any more.
    Removed,
    /// The room was deleted.
    Deleted,
    /// They have too many connections to the room, and this was the most silent one.
    Replaced,
}

/// What a subscriber gets.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Something happened.
    Event(Arc<Broadcast>),
    /// The subscriber was too slow, or the room had to begin anew from its journal: subscribe
    /// again and take the snapshot. Nothing follows.
    Resync,
    /// It ended for good. Nothing follows.
    Closed(Closed),
}

/// One connection's subscription to one room. Dropping it is leaving the room.
#[derive(Debug)]
pub struct Subscription {
    room: RoomId,
    connection: ConnectionId,
    queue: Queue,
    closed: Arc<OnceLock<Closed>>,
    mailbox: mpsc::Sender<Message>,
}

/// The room's end.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) user: UserId,
    pub(super) queue: mpsc::Sender<Arc<Broadcast>>,
    /// The first event that is theirs: what happened before it is in their snapshot.
    pub(super) from: u64,
    closed: Arc<OnceLock<Closed>>,
}

impl Subscriber {
    /// Whether so much waits that what the next one replaces is better left out.
    pub(super) fn is_behind(&self) -> bool {
        self.queue.capacity() < self.queue.max_capacity() / 2
    }

    /// Ends the subscription for good: the subscriber is not to come back.
    pub(super) fn close(self, why: Closed) {
        // Nobody has said so before: whoever closes it owns it.
        let _ = self.closed.set(why);
    }
}

impl Subscription {
    pub(super) fn new(
        room: RoomId,
        (user, connection): (UserId, ConnectionId),
        size: usize,
        from: u64,
        mailbox: mpsc::Sender<Message>,
    ) -> (Subscription, Subscriber) {
        let (sender, queue) = mpsc::channel(size);
        let closed = Arc::new(OnceLock::new());
        let subscriber = Subscriber { user, queue: sender, from, closed: Arc::clone(&closed) };
        (Subscription { room, connection, queue, closed, mailbox }, subscriber)
    }

    /// The room.
    pub fn room(&self) -> RoomId {
        self.room
    }

    /// The next thing that happened. After [`Delivery::Resync`] or [`Delivery::Closed`] it says
    /// the same again.
    pub async fn next(&mut self) -> Delivery {
        match self.queue.recv().await {
            Some(broadcast) => Delivery::Event(broadcast),
            None => self.closed.get().map_or(Delivery::Resync, |why| Delivery::Closed(*why)),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let leave = Message::Leave { connection: self.connection };
        // A full mailbox must not lose it, or the person would stay listed as present.
        if let Err(mpsc::error::TrySendError::Full(leave)) = self.mailbox.try_send(leave)
            && let Ok(runtime) = Handle::try_current()
        {
            let mailbox = self.mailbox.clone();
            runtime.spawn(async move {
                let _ = mailbox.send(leave).await;
            });
        }
    }
}
