//! What happened in a room, for those who want to know afterwards.

use crate::{Millis, Op, Phase, Place, State, UserId};

/// One line of a room's log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// When it happened, on the server's clock.
    pub at: Millis,
    /// Whose doing it was; nothing for the room itself.
    pub by: Option<UserId>,
    /// What happened.
    pub what: LogEvent,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum LogEvent {
    /// A command was carried out and changed something.
    Command {
        /// Its sender's name for it.
        cmd_id: String,
        /// What was asked for.
        op: Op,
        /// What came of it.
        state: Box<State>,
    },
    /// The mode, or a client's own text, was set by the API.
    StateSet(Box<State>),
    /// Somebody said something in the chat: the number of the message.
    Said(u64),
    /// Somebody finished a stroke.
    Drew {
        /// Its name.
        stroke: String,
        /// Where it is.
        on: Place,
    },
    /// Somebody took strokes away.
    Erased(Vec<String>),
    /// Somebody kept strokes as a comment.
    Kept {
        /// The id of the comment.
        comment: String,
        /// The names of the strokes.
        strokes: Vec<String>,
    },
    /// Others are hosts.
    Hosts(Vec<UserId>),
    /// The room started or is over.
    Phase(Phase),
    /// Somebody came who was not there.
    Joined {
        /// Their name.
        name: String,
        /// Whether they are a guest.
        guest: bool,
    },
    /// Somebody is not there any more.
    Left,
    /// The room came into memory: whoever was there before is not, or has to come again.
    Restored,
}
