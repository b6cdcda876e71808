//! A room's state, as it is said.

use rushes_sessions::hub::RoomEvent;
use rushes_sessions::{AssetId, Compare, Frame, Layout, RoomId, State, SyncMode, UserId};
use serde::{Deserialize, Deserializer, Serialize};

use super::LoopBody;

/// What a room shows beside its asset.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[allow(missing_docs)] // The fields are those of `rushes_sessions::Compare`.
pub struct CompareBody {
    pub asset_id: AssetId,
    pub frames: Option<i64>,
    pub fps_num: Option<u32>,
    pub fps_den: Option<u32>,
    pub layout: Layout,
    pub split: u16,
    pub offset: i64,
}

impl From<Compare> for CompareBody {
    fn from(compare: Compare) -> CompareBody {
        let Compare { asset, layout, split, offset } = compare;
        CompareBody {
            asset_id: asset.id,
            frames: asset.frames,
            fps_num: asset.fps.map(|fps| fps.num()),
            fps_den: asset.fps.map(|fps| fps.den()),
            layout,
            split,
            offset,
        }
    }
}

/// A room's state.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[allow(missing_docs)] // The fields are those of `rushes_sessions::State`.
pub struct StateBody {
    pub epoch: u64,
    pub rev: u64,
    /// When this was said.
    pub server_ms: f64,
    pub effective_ms: f64,
    pub sync_mode: SyncMode,
    pub driver: Option<UserId>,
    pub asset_id: Option<AssetId>,
    pub frame: Frame,
    pub frames: Option<i64>,
    pub fps_num: Option<u32>,
    pub fps_den: Option<u32>,
    pub playing: bool,
    pub rate: f64,
    pub r#loop: LoopBody,
    pub live_pts: Option<i64>,
    pub compare: Option<CompareBody>,
    pub live_ceiling_ms: u32,
    /// Absent where it is as before.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub asset_state: Option<Option<String>>,
}

impl StateBody {
    /// A state as it is said at `server_ms`.
    pub fn new(state: &State, server_ms: f64) -> StateBody {
        let fps = state.asset.and_then(|asset| asset.fps);
        StateBody {
            epoch: state.epoch,
            rev: state.rev,
            server_ms,
            effective_ms: state.effective_ms.0,
            sync_mode: state.sync_mode,
            driver: state.driver,
            asset_id: state.asset.map(|asset| asset.id),
            frame: state.frame,
            frames: state.asset.and_then(|asset| asset.frames),
            fps_num: fps.map(|fps| fps.num()),
            fps_den: fps.map(|fps| fps.den()),
            playing: state.playing,
            rate: state.rate.get(),
            r#loop: state.looping.into(),
            live_pts: state.live_pts,
            compare: state.compare.map(CompareBody::from),
            live_ceiling_ms: state.live_ceiling_ms,
            asset_state: Some(state.asset_state.clone()),
        }
    }
}

/// What is there, be it null.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// What [`STATE_CHANGED`] says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct StateChangedBody {
    /// The room.
    pub id: RoomId,
    /// The state from now on.
    pub state: StateBody,
    /// The command that did it, where one did.
    pub cmd_id: Option<String>,
    /// Who did it; null for the room itself.
    pub by: Option<UserId>,
}

impl StateChangedBody {
    /// What is said of an event, if it is a change of the state.
    pub fn new(room: RoomId, event: &RoomEvent) -> Option<StateChangedBody> {
        let RoomEvent::State { state, with_text, server_ms, cmd_id, by } = event else {
            return None;
        };
        let mut state = StateBody::new(state, server_ms.0);
        if !with_text {
            state.asset_state = None;
        }
        Some(StateChangedBody { id: room, state, cmd_id: cmd_id.clone(), by: *by })
    }
}
