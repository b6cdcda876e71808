//! What a room is at one moment.

use serde::{Deserialize, Serialize};

use crate::{
    AssetId, Compare, Frame, FrameRate, MAX_FRAME, Millis, Rate, Timeline, USUAL_LIVE_CEILING_MS,
    UserId,
};

/// The longest `asset_state` that is kept, in bytes. It is a client's own text; this is far above
/// what clients send and keeps a room's row small.
pub const MAX_ASSET_STATE: usize = 64 * 1024;

/// Who drives what everyone sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SyncMode {
    /// The hosts.
    #[default]
    Host,
    /// Everyone in the room, in order of arrival; hosts come first.
    Everyone,
    /// Nobody: each looks at what they like.
    Unsynced,
}

/// How far a room has come in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// It is being prepared: nobody drives yet.
    #[default]
    Waiting,
    /// It runs.
    Started,
    /// It is over.
    Complete,
}

/// What a room shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// Its frame rate; nothing for a live source, which everyone simply sees as it comes.
    pub fps: Option<FrameRate>,
    /// How many frames it has; nothing for a live source, or where it is not known.
    pub frames: Option<i64>,
}

impl Asset {
    /// A clip. A frame count below 1 counts as unknown.
    pub fn clip(id: AssetId, fps: FrameRate, frames: Option<i64>) -> Asset {
        let frames = frames.filter(|frames| (1..=MAX_FRAME).contains(frames));
        Asset { id, fps: Some(fps), frames }
    }

    /// A live source.
    pub fn live(id: AssetId) -> Asset {
        Asset { id, fps: None, frames: None }
    }

    /// Whether this is a live source.
    pub fn is_live(&self) -> bool {
        self.fps.is_none()
    }
}

/// Where a playing clip turns back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loop {
    /// Nowhere: it stands on its last frame.
    #[default]
    Off,
    /// At the end of the clip.
    All,
    /// After the frame `out`, to the frame `in`. Both are shown.
    Range {
        /// The first frame of the loop.
        #[serde(rename = "in")]
        first: Frame,
        /// The last frame of the loop.
        #[serde(rename = "out")]
        last: Frame,
    },
}

impl Loop {
    /// The loop in a clip of `frames` frames: its first frame and the first one after it.
    pub fn region(&self, frames: Option<i64>) -> Option<(i64, i64)> {
        match *self {
            Loop::Off => None,
            Loop::All => frames.map(|frames| (0, frames)),
            Loop::Range { first, last } => {
                let end = frames.map_or(last.0 + 1, |frames| frames.min(last.0 + 1));
                (first.0 < end).then_some((first.0, end))
            }
        }
    }
}

/// A room's state: what is journaled before a command is acknowledged, and what a snapshot says.
/// Of two states of a room the one with the greater `(epoch, rev)` is the newer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Grows when the asset, the mode or the driver changes, and when the room is restored.
    pub epoch: u64,
    /// Grows with every change, and never goes back.
    pub rev: u64,
    /// When `frame` is shown, on the server's clock.
    pub effective_ms: Millis,
    /// Who drives.
    pub sync_mode: SyncMode,
    /// The host who drove last, in [`SyncMode::Host`].
    pub driver: Option<UserId>,
    /// What is shown.
    pub asset: Option<Asset>,
    /// The frame at `effective_ms`.
    pub frame: Frame,
    /// Whether it plays from there.
    pub playing: bool,
    /// How fast.
    pub rate: Rate,
    /// Where it turns back.
    #[serde(rename = "loop")]
    pub looping: Loop,
    /// The presentation time in a live source that is meant to be on show, where one is set.
    pub live_pts: Option<i64>,
    /// What is shown beside the asset.
    #[serde(default)]
    pub compare: Option<Compare>,
    /// The most that a live picture is held back so that everyone sees it together, in
    /// milliseconds.
    #[serde(default = "usual_live_ceiling")]
    pub live_ceiling_ms: u32,
    /// A client's own text, kept byte for byte.
    pub asset_state: Option<String>,
}

/// That of rooms that were kept before there was one.
fn usual_live_ceiling() -> u32 {
    USUAL_LIVE_CEILING_MS
}

impl State {
    /// The state of a room that nobody has driven yet.
    pub fn new(now: Millis) -> State {
        State {
            epoch: 1,
            rev: 0,
            effective_ms: now.to_micros(),
            sync_mode: SyncMode::Host,
            driver: None,
            asset: None,
            frame: Frame(0),
            playing: false,
            rate: Rate::NORMAL,
            looping: Loop::Off,
            live_pts: None,
            compare: None,
            live_ceiling_ms: USUAL_LIVE_CEILING_MS,
            asset_state: None,
        }
    }

    /// All but the client's own text.
    pub fn without_text(&self) -> State {
        State { asset_state: None, ..*self }
    }

    /// The part that decides the frame.
    pub fn timeline(&self) -> Timeline {
        Timeline {
            effective_ms: self.effective_ms,
            frame: self.frame,
            frames: self.asset.and_then(|asset| asset.frames),
            fps: self.asset.and_then(|asset| asset.fps),
            playing: self.playing,
            rate: self.rate,
            looping: self.looping,
        }
    }

    /// The frame on show at a moment.
    pub fn frame_at(&self, at: Millis) -> Frame {
        self.timeline().frame_at(at)
    }

    /// What orders the states of a room.
    pub fn version(&self) -> (u64, u64) {
        (self.epoch, self.rev)
    }
}
