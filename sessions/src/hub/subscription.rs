//! A subscriber's end of a room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::message::{Broadcast, Message, Queue};
use crate::{ConnectionId, RoomId};

/// What a subscriber gets.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Something happened.
    Event(Arc<Broadcast>),
    /// The subscriber was too slow, or the room had to begin anew from its journal: subscribe
    /// again and take the snapshot. Nothing follows.
    Resync,
    /// The room was deleted, or the subscriber may not see it any more. Nothing follows.
    Closed,
}

/// One connection's subscription to one room. Dropping it is leaving the room.
#[derive(Debug)]
pub struct Subscription {
    room: RoomId,
    connection: ConnectionId,
    queue: Queue,
    closed: Arc<AtomicBool>,
    mailbox: mpsc::Sender<Message>,
}

/// The room's end.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) queue: mpsc::Sender<Arc<Broadcast>>,
    closed: Arc<AtomicBool>,
}

impl Subscriber {
    /// Ends the subscription for good: the subscriber is not to come back.
    pub(super) fn close(self) {
        self.closed.store(true, Ordering::Release);
    }
}

impl Subscription {
    pub(super) fn new(
        room: RoomId,
        connection: ConnectionId,
        size: usize,
        mailbox: mpsc::Sender<Message>,
    ) -> (Subscription, Subscriber) {
        let (sender, queue) = mpsc::channel(size);
        let closed = Arc::new(AtomicBool::new(false));
        let subscriber = Subscriber { queue: sender, closed: Arc::clone(&closed) };
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
            None if self.closed.load(Ordering::Acquire) => Delivery::Closed,
            None => Delivery::Resync,
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
