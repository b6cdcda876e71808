//! Commands to a room, as they are asked for.

use rushes_sessions::{
    Ack, Asset, AssetId, Command, Compare, Frame, Layout, Loop, Op, Rate, RoomId, SCALE, SyncMode,
    UserId,
};
use serde::{Deserialize, Serialize};

/// A loop: a truth, or the first and the last frame that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum LoopBody {
    /// Over the whole clip, or not at all.
    Whole(bool),
    /// Between two frames.
    Range {
        /// The first.
        r#in: Frame,
        /// The last.
        out: Frame,
    },
}

impl From<Loop> for LoopBody {
    fn from(looping: Loop) -> LoopBody {
        match looping {
            Loop::Off => LoopBody::Whole(false),
            Loop::All => LoopBody::Whole(true),
            Loop::Range { first, last } => LoopBody::Range { r#in: first, out: last },
        }
    }
}

impl From<LoopBody> for Loop {
    fn from(body: LoopBody) -> Loop {
        match body {
            LoopBody::Whole(false) => Loop::Off,
            LoopBody::Whole(true) => Loop::All,
            LoopBody::Range { r#in, out } => Loop::Range { first: r#in, last: out },
        }
    }
}

/// The operation of a command, as it is asked for: an asset is only named.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "UPPERCASE")]
#[allow(missing_docs)] // The operations and their parts are those of `rushes_sessions::Op`.
pub enum OpBody {
    Load {
        asset_id: AssetId,
        frame: Option<Frame>,
    },
    Play {
        frame: Option<Frame>,
    },
    Pause {
        frame: Frame,
    },
    Step {
        frame: Frame,
    },
    Seek {
        frame: Frame,
    },
    Rate {
        rate: f64,
    },
    Loop {
        r#loop: LoopBody,
    },
    Mode {
        sync_mode: SyncMode,
    },
    Compare {
        asset_id: Option<AssetId>,
        layout: Option<Layout>,
        split: Option<u16>,
        offset: Option<i64>,
    },
    Drive {
        user_id: Option<UserId>,
    },
    #[serde(rename = "LIVE_CEILING")]
    LiveCeiling {
        ceiling_ms: u32,
    },
}

/// A command to a room.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct CommandRequest {
    /// The room.
    pub id: RoomId,
    /// The client's own name for this command.
    pub cmd_id: String,
    /// The epoch of the state that the sender saw.
    pub epoch: u64,
    /// The revision of that state.
    pub base_rev: u64,
    /// What shall happen.
    #[serde(flatten)]
    pub op: OpBody,
}

/// Why a command is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// The asset was not found among what the room shows.
    #[error("the room does not show this asset")]
    UnknownAsset,
    /// The rate is out of bounds.
    #[error("the rate lies outside 0.25..4")]
    Rate,
}

impl CommandRequest {
    /// The asset that shall be shown, which the server has to find.
    pub fn asset_id(&self) -> Option<AssetId> {
        match self.op {
            OpBody::Load { asset_id, .. } => Some(asset_id),
            OpBody::Compare { asset_id, .. } => asset_id,
            _ => None,
        }
    }

    /// The command, with the asset that was found for [`CommandRequest::asset_id`].
    pub fn into_command(self, asset: Option<Asset>) -> Result<Command, BadCommand> {
        let op = match self.op {
            OpBody::Load { frame, .. } => {
                Op::Load { asset: asset.ok_or(BadCommand::UnknownAsset)?, frame }
            }
            OpBody::Play { frame } => Op::Play { frame },
            OpBody::Pause { frame } => Op::Pause { frame },
            OpBody::Step { frame } => Op::Step { frame },
            OpBody::Seek { frame } => Op::Seek { frame },
            OpBody::Rate { rate } => Op::Rate { rate: Rate::new(rate).ok_or(BadCommand::Rate)? },
            OpBody::Loop { r#loop } => Op::Loop { looping: r#loop.into() },
            OpBody::Mode { sync_mode } => Op::Mode { sync_mode },
            OpBody::Compare { asset_id: None, .. } => Op::Compare { compare: None },
            OpBody::Compare { layout, split, offset, .. } => {
                let asset = asset.ok_or(BadCommand::UnknownAsset)?;
                let (layout, offset) = (layout.unwrap_or_default(), offset.unwrap_or_default());
                let split = split.unwrap_or(SCALE / 2);
                Op::Compare { compare: Some(Compare { asset, layout, split, offset }) }
            }
            OpBody::Drive { user_id } => Op::Drive { to: user_id },
            OpBody::LiveCeiling { ceiling_ms } => Op::LiveCeiling { ms: ceiling_ms },
        };
        Ok(Command { cmd_id: self.cmd_id, epoch: self.epoch, base_rev: self.base_rev, op })
    }
}

/// The answer to a command that was carried out: an [`Ack`], as it is.
pub type AckBody = Ack;
