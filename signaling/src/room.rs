//! The wire form of rooms: what goes over the WebSocket as JSON.
//!
//! These are the endpoints under `rushes/room/` and the events of a room. Ids are texts of 32
//! hexadecimal digits, times are milliseconds since the Unix epoch on the server's clock, with a
//! fraction.

use rushes_sessions::hub::{HubError, RoomEvent, Snapshot};
use rushes_sessions::{
    Ack, Asset, AssetId, Command, Compare, Frame, Layout, Loop, Op, Rate, Reason, Refusal, Report,
    RoomId, SCALE, State, Stroke, SyncMode, UserId, UserStatus,
};
use serde::{Deserialize, Serialize};

use crate::chat::{CHAT, ChatBody, ChatEvent};
use crate::drawing::{
    ERASED, ErasedEvent, KEPT, KeptEvent, POINTERS, PointersEvent, STROKES, StrokeBody,
    StrokesEvent,
};

/// A request that names a room and nothing else.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct RoomRequest {
    /// The room.
    pub id: RoomId,
}

/// A wish to attend a room.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct SubscribeRequest {
    /// The room.
    pub id: RoomId,
    /// The last revision that the client knows, if it was there before.
    #[serde(default)]
    pub since: Option<u64>,
}

/// One half of measuring a clock.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct TimeRequest {
    /// When it was sent, on the client's own clock; it comes back as it is.
    pub t0: f64,
}

/// The other half.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct TimeAnswer {
    /// The client's.
    pub t0: f64,
    /// When the request was received.
    pub t1: f64,
    /// When this was sent.
    pub t2: f64,
}

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
        };
        Ok(Command { cmd_id: self.cmd_id, epoch: self.epoch, base_rev: self.base_rev, op })
    }
}

/// What a client measured of itself.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct ReportRequest {
    /// The room.
    pub id: RoomId,
    /// What it shows.
    pub asset_id: Option<AssetId>,
    /// The frame it shows.
    pub frame: Option<Frame>,
    /// How far it is ahead of the room, in milliseconds.
    pub error_ms: f64,
    /// The same in frames.
    pub error_frames: f64,
    /// The round trip to the server in milliseconds.
    pub rtt_ms: f64,
    /// Whether it waits for data.
    #[serde(default)]
    pub buffering: bool,
    /// Whether it follows the room.
    #[serde(default = "yes")]
    pub following: bool,
}

fn yes() -> bool {
    true
}

impl From<&ReportRequest> for Report {
    fn from(request: &ReportRequest) -> Report {
        Report {
            asset: request.asset_id,
            frame: request.frame,
            error_ms: request.error_ms,
            error_frames: request.error_frames,
            rtt_ms: request.rtt_ms,
            buffering: request.buffering,
            following: request.following,
        }
    }
}

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
    pub asset_state: Option<String>,
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
            asset_state: state.asset_state.clone(),
        }
    }
}

/// One person of a room.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[allow(missing_docs)] // The fields are those of `rushes_sessions::UserStatus`.
pub struct UserBody {
    pub user_id: UserId,
    pub name: String,
    pub is_host: bool,
    pub is_guest: bool,
    pub online: bool,
    pub error_ms: Option<f64>,
    pub error_frames: Option<f64>,
    pub rtt_ms: Option<f64>,
    pub buffering: Option<bool>,
    pub following: Option<bool>,
}

impl From<&UserStatus> for UserBody {
    fn from(user: &UserStatus) -> UserBody {
        let report = user.report;
        UserBody {
            user_id: user.user,
            name: user.name.clone(),
            is_host: user.is_host,
            is_guest: user.is_guest,
            online: user.online,
            error_ms: report.map(|report| report.error_ms),
            error_frames: report.map(|report| report.error_frames),
            rtt_ms: report.map(|report| report.rtt_ms),
            buffering: report.map(|report| report.buffering),
            following: report.map(|report| report.following),
        }
    }
}

/// What the one who subscribed may do.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct YouBody {
    /// Who they are.
    pub user_id: UserId,
    /// Whether they are a host.
    pub is_host: bool,
    /// Whether they may drive, as things are.
    pub can_drive: bool,
}

/// The answer to a subscription.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SubscribedBody {
    /// The room.
    pub id: RoomId,
    /// Its state.
    pub state: StateBody,
    /// Its people.
    pub users: Vec<UserBody>,
    /// The one who subscribed.
    pub you: YouBody,
    /// The changes after [`SubscribeRequest::since`], in order; null where it was not given, or
    /// where the room does not remember them all. The state is always there.
    pub missed: Option<Vec<StateChangedBody>>,
    /// The number of the last message of the chat; 0 before the first.
    pub last_message: u64,
    /// When this was said.
    pub server_ms: f64,
}

impl SubscribedBody {
    /// What `user` is told who subscribed.
    pub fn new(room: RoomId, snapshot: &Snapshot, user: UserId) -> SubscribedBody {
        SubscribedBody {
            id: room,
            state: StateBody::new(&snapshot.state, snapshot.server_ms.0),
            users: snapshot.users.iter().map(UserBody::from).collect(),
            you: YouBody {
                user_id: user,
                is_host: snapshot.is_host(user),
                can_drive: snapshot.can_drive(user),
            },
            missed: snapshot.missed.as_ref().map(|missed| {
                missed.iter().filter_map(|event| StateChangedBody::new(room, event)).collect()
            }),
            last_message: snapshot.last_message,
            server_ms: snapshot.server_ms.0,
        }
    }
}

/// The answer to a command that was carried out: an [`Ack`], as it is.
pub type AckBody = Ack;

#[derive(Serialize)]
struct Event<'a, T> {
    event_type: &'a str,
    data: T,
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
        let RoomEvent::State { state, server_ms, cmd_id, by } = event else { return None };
        let state = StateBody::new(state, server_ms.0);
        Some(StateChangedBody { id: room, state, cmd_id: cmd_id.clone(), by: *by })
    }
}

#[derive(Serialize)]
struct RoomClosed {
    id: RoomId,
    reason: ClosedReason,
}

#[derive(Serialize)]
struct UsersChanged {
    id: RoomId,
    users: Vec<UserBody>,
}

/// The event type of a changed state.
pub const STATE_CHANGED: &str = "REVIEW_SESSION_STATE_CHANGED";
/// The event type of a changed list of people.
pub const USERS_CHANGED: &str = "REVIEW_SESSION_USERS_CHANGED";
/// The event type of the end of a subscription.
pub const CLOSED: &str = "REVIEW_SESSION_CLOSED";

/// Why no further events of a room come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ClosedReason {
    /// They may not be in the room any more.
    Removed,
    /// The room was deleted.
    Deleted,
    /// They attend by too many connections; this was the most silent one.
    Replaced,
    /// The room had to begin anew: subscribe again.
    Resync,
}

/// The end of a subscription as the text of a WebSocket frame.
pub fn closed_text(room: RoomId, reason: ClosedReason) -> String {
    let event = Event { event_type: CLOSED, data: RoomClosed { id: room, reason } };
    serde_json::to_string(&event).expect("a struct of texts is always JSON")
}

/// All that is drawn in a room as the text of a WebSocket frame, for one who has just come.
pub fn strokes_text(room: RoomId, strokes: &[Stroke]) -> String {
    let strokes = strokes.iter().map(|stroke| StrokeBody::new(stroke, 0)).collect();
    let data = StrokesEvent { id: room, whole: true, strokes };
    let event = Event { event_type: STROKES, data };
    serde_json::to_string(&event).expect("a struct of texts and numbers is always JSON")
}

/// A room's event as the text of a WebSocket frame.
pub fn event_text(room: RoomId, event: &RoomEvent) -> String {
    let written = match event {
        RoomEvent::State { .. } => serde_json::to_string(&Event {
            event_type: STATE_CHANGED,
            data: StateChangedBody::new(room, event),
        }),
        RoomEvent::Users(users) => serde_json::to_string(&Event {
            event_type: USERS_CHANGED,
            data: UsersChanged { id: room, users: users.iter().map(UserBody::from).collect() },
        }),
        RoomEvent::Chat(message) => serde_json::to_string(&Event {
            event_type: CHAT,
            data: ChatEvent { id: room, message: ChatBody::from(message) },
        }),
        RoomEvent::Strokes(parts) => {
            let strokes = parts.iter().map(StrokeBody::from).collect();
            let data = StrokesEvent { id: room, whole: false, strokes };
            serde_json::to_string(&Event { event_type: STROKES, data })
        }
        RoomEvent::Pointers(pointers) => {
            let pointers = pointers.iter().map(Into::into).collect();
            let data = PointersEvent { id: room, pointers };
            serde_json::to_string(&Event { event_type: POINTERS, data })
        }
        RoomEvent::Erased { ids, by } => {
            let data = ErasedEvent { id: room, stroke_ids: ids.clone(), by: *by };
            serde_json::to_string(&Event { event_type: ERASED, data })
        }
        RoomEvent::Kept { comment, ids, by } => {
            let (comment_id, stroke_ids) = (comment.clone(), ids.clone());
            let data = KeptEvent { id: room, comment_id, stroke_ids, by: *by };
            serde_json::to_string(&Event { event_type: KEPT, data })
        }
    };
    written.expect("a struct of texts and numbers is always JSON")
}

/// The contract's error code for a refusal.
pub fn code_of(reason: Reason) -> u16 {
    match reason {
        Reason::NotPresent | Reason::NotHost | Reason::Unsynced => 403,
        Reason::NotStarted => 674,
        Reason::Complete => 675,
        Reason::StaleEpoch | Reason::StaleRevision => 650,
        Reason::TooFast => 900,
        Reason::Bad(_) => 407,
    }
}

/// What a failure is on the wire: the contract's code, what to say, and the state that stands
/// beside the error.
pub fn failure(error: &HubError, server_ms: f64) -> (u16, String, Option<StateBody>) {
    match error {
        HubError::NoRoom => (404, "Not found".to_owned(), None),
        HubError::Busy => (900, "The room is busy".to_owned(), None),
        HubError::Journal => (500, "The room's state could not be kept".to_owned(), None),
        HubError::Denied(reason) => (code_of(*reason), reason.to_string(), None),
        HubError::Refused(Refusal { reason, snapshot }) => {
            (code_of(*reason), reason.to_string(), Some(StateBody::new(snapshot, server_ms)))
        }
    }
}

#[cfg(test)]
mod tests {
    use rushes_sessions::{FrameRate, Millis};
    use serde_json::{Value, json};

    use super::*;

    const ROOM: &str = "0190F5A000007000800000000000ABCD";

    fn command(op: Value) -> Result<CommandRequest, serde_json::Error> {
        let mut body = json!({"id": ROOM, "cmd_id": "c", "epoch": 3, "base_rev": 9});
        for (name, value) in op.as_object().unwrap() {
            body[name] = value.clone();
        }
        serde_json::from_value(body)
    }

    fn op(body: Value) -> Op {
        let asset = Asset::live(AssetId(5));
        command(body).unwrap().into_command(Some(asset)).unwrap().op
    }

    #[test]
    fn commands_are_read() {
        let frame = Frame(7);
        assert_eq!(op(json!({"op": "PLAY"})), Op::Play { frame: None });
        assert_eq!(op(json!({"op": "PLAY", "frame": 7})), Op::Play { frame: Some(frame) });
        assert_eq!(op(json!({"op": "PAUSE", "frame": 7})), Op::Pause { frame });
        assert_eq!(op(json!({"op": "STEP", "frame": 7})), Op::Step { frame });
        assert_eq!(op(json!({"op": "SEEK", "frame": 7})), Op::Seek { frame });
        assert_eq!(
            op(json!({"op": "RATE", "rate": 2})),
            Op::Rate { rate: Rate::new(2.0).unwrap() }
        );
        assert_eq!(op(json!({"op": "LOOP", "loop": true})), Op::Loop { looping: Loop::All });
        let looping = Loop::Range { first: Frame(1), last: frame };
        assert_eq!(op(json!({"op": "LOOP", "loop": {"in": 1, "out": 7}})), Op::Loop { looping });
        let sync_mode = SyncMode::Everyone;
        assert_eq!(op(json!({"op": "MODE", "sync_mode": "EVERYONE"})), Op::Mode { sync_mode });
        let load = json!({"op": "LOAD", "asset_id": ROOM.to_lowercase()});
        assert_eq!(op(load), Op::Load { asset: Asset::live(AssetId(5)), frame: None });
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for body in [
            json!({"op": "DANCE"}),
            json!({"op": "PAUSE"}),
            json!({"op": "SEEK", "frame": "7"}),
            json!({"op": "LOAD", "asset_id": "none"}),
            json!({"op": "MODE", "sync_mode": "host"}),
            json!({}),
        ] {
            assert!(command(body.clone()).is_err(), "{body}");
        }
        let rate = command(json!({"op": "RATE", "rate": 9})).unwrap().into_command(None);
        assert_eq!(rate, Err(BadCommand::Rate));
        let load = command(json!({"op": "LOAD", "asset_id": ROOM})).unwrap().into_command(None);
        assert_eq!(load, Err(BadCommand::UnknownAsset));
    }

    #[test]
    fn a_state_is_written_flat() {
        let mut state = State::new(Millis(1000.25));
        state.asset =
            Some(Asset::clip(AssetId(1), FrameRate::new(24_000, 1_001).unwrap(), Some(9)));
        state.looping = Loop::Range { first: Frame(1), last: Frame(5) };
        let room: RoomId = ROOM.parse().unwrap();
        let event = RoomEvent::State {
            state: Box::new(state),
            server_ms: Millis(1001.5),
            cmd_id: Some("c".into()),
            by: Some(UserId(2)),
        };
        let written: Value = serde_json::from_str(&event_text(room, &event)).unwrap();
        let id = |n: u128| format!("{n:032X}");
        let expected = json!({"event_type": "REVIEW_SESSION_STATE_CHANGED", "data": {
            "id": ROOM, "cmd_id": "c", "by": id(2),
            "state": {
                "epoch": 1, "rev": 0, "server_ms": 1001.5, "effective_ms": 1000.25,
                "sync_mode": "HOST", "driver": null, "asset_id": id(1), "frame": 0, "frames": 9,
                "fps_num": 24000, "fps_den": 1001, "playing": false, "rate": 1.0,
                "loop": {"in": 1, "out": 5}, "live_pts": null, "compare": null,
                "asset_state": null,
            },
        }});
        assert_eq!(written, expected);
    }

    #[test]
    fn people_are_written_with_what_they_report() {
        let report = ReportRequest {
            id: RoomId(1),
            asset_id: None,
            frame: None,
            error_ms: -8.0,
            error_frames: -0.2,
            rtt_ms: 31.0,
            buffering: true,
            following: false,
        };
        let user = UserStatus {
            user: UserId(1),
            name: "Guest".into(),
            is_host: false,
            is_guest: true,
            online: true,
            report: Some(Report::from(&report)),
        };
        let text = event_text(RoomId(1), &RoomEvent::Users(vec![user]));
        let written: Value = serde_json::from_str(&text).unwrap();
        let user = &written["data"]["users"][0];
        assert_eq!(written["event_type"], "REVIEW_SESSION_USERS_CHANGED");
        assert_eq!((&user["error_ms"], &user["buffering"]), (&json!(-8.0), &json!(true)));
        assert_eq!(user["is_guest"], true);
    }

    #[test]
    fn a_refusal_carries_the_state() {
        let state = State::new(Millis(5.0));
        let refusal = Refusal { reason: Reason::StaleEpoch, snapshot: Box::new(state) };
        let (code, _, snapshot) = failure(&HubError::Refused(refusal), 6.0);
        assert_eq!(code, 650);
        assert_eq!(snapshot.map(|state| (state.rev, state.server_ms)), Some((0, 6.0)));
        assert_eq!(failure(&HubError::Busy, 0.0).0, 900);
    }
}
