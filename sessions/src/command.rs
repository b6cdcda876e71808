//! What can be asked of a room, and what it answers.

use serde::{Deserialize, Serialize};

use crate::{Asset, Compare, Frame, Loop, Millis, Rate, State, SyncMode, UserId};

/// The longest `cmd_id`, in bytes.
pub const MAX_CMD_ID: usize = 64;

/// A wish to change what the room shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Chosen by the client, its own for each command: a command sent again with the same one
    /// gets the same answer and changes nothing. 1 to [`MAX_CMD_ID`] bytes.
    pub cmd_id: String,
    /// The epoch of the state that the sender saw.
    pub epoch: u64,
    /// The revision of the state that the sender saw.
    pub base_rev: u64,
    /// What shall happen.
    pub op: Op,
}

/// What shall happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// Show another asset: a clip stands at `frame` (or 0), a live source runs.
    Load {
        /// What to show.
        asset: Asset,
        /// Where a clip shall stand.
        frame: Option<Frame>,
    },
    /// Play from `frame`, or from where it stands; from the start where that is the end.
    Play {
        /// Where to start.
        frame: Option<Frame>,
    },
    /// Stand at `frame`.
    Pause {
        /// The frame that the sender saw when they paused.
        frame: Frame,
    },
    /// Stand at `frame`, a few frames from where it stood.
    Step {
        /// Where to stand.
        frame: Frame,
    },
    /// Go to `frame`, and play on if it played.
    Seek {
        /// Where to go.
        frame: Frame,
    },
    /// Play faster or slower.
    Rate {
        /// How fast.
        rate: Rate,
    },
    /// Turn back at the end, at points, or not.
    Loop {
        /// Where.
        looping: Loop,
    },
    /// Let others drive. Hosts only.
    Mode {
        /// Who drives from now on.
        sync_mode: SyncMode,
    },
    /// Show another asset beside the one on show, or no other.
    Compare {
        /// What, and how.
        compare: Option<Compare>,
    },
    /// Take the wheel in [`SyncMode::Host`], or hand it to another host. What is shown goes on as
    /// it was.
    Drive {
        /// Who drives from now on; the sender where nobody is named.
        to: Option<UserId>,
    },
    /// Wait for those who see a live source late, or not. Hosts only.
    LiveCeiling {
        /// The most that the room waits, in milliseconds: up to [`crate::MAX_LIVE_CEILING_MS`].
        ms: u32,
    },
}

impl Op {
    /// Whether it says nothing by itself, but only on top of the state that its sender saw.
    pub fn is_relative(&self) -> bool {
        matches!(self, Op::Play { frame: None })
    }
}

/// The answer to a command that was carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ack {
    /// The command's.
    pub cmd_id: String,
    /// The epoch of the state that came of it.
    pub epoch: u64,
    /// The revision of that state.
    pub rev: u64,
    /// When that state begins to hold.
    pub effective_ms: Millis,
}

/// What follows from a command that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    /// The answer to the sender.
    pub ack: Ack,
    /// Whether the state changed: it is journaled, and then everyone is told. It does not for a
    /// command that was carried out before, or that asks for what is there already.
    pub changed: bool,
    /// Whether what people may do changed with it.
    pub users_changed: bool,
    /// Whether the client's own text is another than before.
    pub new_text: bool,
}

/// The answer to a command that was not carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The state that its sender should have seen.
    pub snapshot: Box<State>,
}

/// Why a command was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The sender does not attend the room by this connection.
    #[error("subscribe to the room before you command it")]
    NotPresent,
    /// Only hosts may.
    #[error("only a host may do this")]
    NotHost,
    /// Nobody may, in [`SyncMode::Unsynced`].
    #[error("nobody drives while the room is unsynced")]
    Unsynced,
    /// The room does not run yet.
    #[error("the room has not started")]
    NotStarted,
    /// The room is over.
    #[error("the room is complete")]
    Complete,
    /// The sender saw another asset, mode or driver.
    #[error("the room has moved on to another epoch")]
    StaleEpoch,
    /// The sender did not see what others did since.
    #[error("the room has changed since")]
    StaleRevision,
    /// Too many commands by this connection.
    #[error("too many commands")]
    TooFast,
    /// Nothing that a room can do.
    #[error("{0}")]
    Bad(&'static str),
}
