//! What is said to a room's task, and what it says.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::{HubError, Subscription};
use crate::{
    Ack, AssetState, Attendee, ChatMessage, Command, ConnectionId, Draw, Drawn, Erase, Millis,
    Page, People, Phase, Pointer, Report, RoomId, Said, State, Stroke, StrokePart, SyncMode,
    UserId,
};

pub(super) type Reply<T> = oneshot::Sender<Result<T, HubError>>;
pub(super) type Queue = mpsc::Receiver<Arc<Broadcast>>;

/// Something happened in a room.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomEvent {
    /// Its state changed.
    State {
        /// The state now.
        state: Box<State>,
        /// Whether the client's own text is in it. It is where it is new: it can be long, and a
        /// crowd is not told the same one with each step.
        with_text: bool,
        /// The time on the server's clock.
        server_ms: Millis,
        /// The command that did it, where one did.
        cmd_id: Option<String>,
        /// Who did it; nothing for the room itself.
        by: Option<UserId>,
    },
    /// People came, went, became hosts, or follow better or worse than before.
    Users(People),
    /// Somebody said something.
    Chat(ChatMessage),
    /// Strokes were begun, went on, or were finished.
    Strokes(Vec<StrokePart>),
    /// People point somewhere, or stopped.
    Pointers(Vec<(UserId, Pointer)>),
    /// Strokes are gone.
    Erased {
        /// Their names.
        ids: Vec<String>,
        /// Who took them away.
        by: Option<UserId>,
    },
    /// Strokes were kept as a comment.
    Kept {
        /// The id of the comment.
        comment: String,
        /// The names of the strokes.
        ids: Vec<String>,
        /// Who kept them.
        by: UserId,
    },
    /// A live picture shall be this old when it is shown, in milliseconds.
    LiveDelay(f64),
}

/// An event on its way to all subscribers. It is put in its written form once, by whoever first
/// needs it, and all share that.
#[derive(Debug)]
pub struct Broadcast {
    /// Where it happened.
    pub room: RoomId,
    /// What happened.
    pub event: RoomEvent,
    text: OnceLock<Bytes>,
}

impl Broadcast {
    pub(super) fn new(room: RoomId, event: RoomEvent) -> Arc<Broadcast> {
        Arc::new(Broadcast { room, event, text: OnceLock::new() })
    }

    /// The event as `write` writes it, in UTF-8. It is called for the first subscriber only, and
    /// must be the same for all; what it gives is shared and never copied.
    pub fn text(&self, write: impl FnOnce(RoomId, &RoomEvent) -> String) -> Bytes {
        self.text.get_or_init(|| write(self.room, &self.event).into()).clone()
    }
}

/// A room as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The state.
    pub state: State,
    /// The time on the server's clock.
    pub server_ms: Millis,
    /// How far the room has come.
    pub phase: Phase,
    /// The people.
    pub people: People,
    /// How old a live picture shall be when it is shown, in milliseconds, where that is known.
    pub live_delay_ms: Option<f64>,
    /// Its hosts.
    pub hosts: Vec<UserId>,
    /// The changes of the state after the revision that the subscriber knew, in order; nothing
    /// where the room does not remember them all.
    pub missed: Option<Vec<RoomEvent>>,
    /// The number of the last message of the chat; 0 before the first.
    pub last_message: u64,
    /// What is drawn, for one who subscribes.
    pub strokes: Vec<Stroke>,
}

impl Snapshot {
    /// Whether somebody is a host.
    pub fn is_host(&self, user: UserId) -> bool {
        self.hosts.contains(&user)
    }

    /// Whether somebody may drive.
    pub fn can_drive(&self, user: UserId) -> bool {
        self.phase == Phase::Started
            && match self.state.sync_mode {
                SyncMode::Host => self.is_host(user),
                SyncMode::Everyone => true,
                SyncMode::Unsynced => false,
            }
    }
}

/// What is said to a room's task.
#[derive(Debug)]
pub(super) enum Message {
    Subscribe {
        who: Attendee,
        connection: ConnectionId,
        since: Option<u64>,
        reply: Reply<(Snapshot, Subscription)>,
    },
    Leave {
        connection: ConnectionId,
    },
    Command {
        connection: ConnectionId,
        command: Command,
        reply: Reply<Ack>,
    },
    Say {
        connection: ConnectionId,
        cmd_id: String,
        text: String,
        reply: Reply<Said>,
    },
    Draw {
        connection: ConnectionId,
        draw: Draw,
        reply: Reply<Drawn>,
    },
    Point {
        connection: ConnectionId,
        pointer: Pointer,
    },
    Erase {
        connection: ConnectionId,
        which: Erase,
        reply: Reply<Vec<String>>,
    },
    People {
        connection: ConnectionId,
        after: Option<UserId>,
        limit: usize,
        reply: Reply<Page>,
    },
    Strokes {
        reply: Reply<Vec<Stroke>>,
    },
    Kept {
        by: UserId,
        comment: String,
        ids: Vec<String>,
        reply: Reply<()>,
    },
    SetState {
        user: UserId,
        sync_mode: SyncMode,
        asset_state: Option<AssetState>,
        reply: Reply<Ack>,
    },
    Snapshot {
        reply: Reply<Snapshot>,
    },
    Report {
        connection: ConnectionId,
        report: Report,
    },
    SetHosts {
        hosts: Vec<UserId>,
    },
    SetPhase {
        phase: Phase,
    },
    Expel {
        user: UserId,
    },
    Close,
    /// The server ends: write what is not written yet, and leave memory.
    End {
        /// Held for as long as the room is not done.
        _done: mpsc::Sender<Infallible>,
    },
}

impl Message {
    /// Answers that the room is not there.
    pub(super) fn fail(self, error: impl FnOnce() -> HubError) {
        // Whoever does not wait for the answer any more does not miss it.
        match self {
            Message::Subscribe { reply, .. } => drop(reply.send(Err(error()))),
            Message::Command { reply, .. } | Message::SetState { reply, .. } => {
                drop(reply.send(Err(error())));
            }
            Message::Say { reply, .. } => drop(reply.send(Err(error()))),
            Message::Draw { reply, .. } => drop(reply.send(Err(error()))),
            Message::Erase { reply, .. } => drop(reply.send(Err(error()))),
            Message::People { reply, .. } => drop(reply.send(Err(error()))),
            Message::Strokes { reply } => drop(reply.send(Err(error()))),
            Message::Kept { reply, .. } => drop(reply.send(Err(error()))),
            Message::Snapshot { reply } => drop(reply.send(Err(error()))),
            Message::Leave { .. }
            | Message::Report { .. }
            | Message::Point { .. }
            | Message::SetHosts { .. }
            | Message::SetPhase { .. }
            | Message::Expel { .. }
            | Message::Close
            | Message::End { .. } => {}
        }
    }
}
