//! What the wire form looks like.

use rushes_sessions::hub::RoomEvent;
use rushes_sessions::{
    Asset, AssetId, Frame, FrameRate, Loop, Millis, Op, People, Rate, Report, RoomId, State,
    SyncMode, UserId, UserStatus,
};
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
    assert_eq!(op(json!({"op": "RATE", "rate": 2})), Op::Rate { rate: Rate::new(2.0).unwrap() });
    assert_eq!(op(json!({"op": "LOOP", "loop": true})), Op::Loop { looping: Loop::All });
    let looping = Loop::Range { first: Frame(1), last: frame };
    assert_eq!(op(json!({"op": "LOOP", "loop": {"in": 1, "out": 7}})), Op::Loop { looping });
    let sync_mode = SyncMode::Everyone;
    assert_eq!(op(json!({"op": "MODE", "sync_mode": "EVERYONE"})), Op::Mode { sync_mode });
    let ceiling = json!({"op": "LIVE_CEILING", "ceiling_ms": 300});
    assert_eq!(op(ceiling), Op::LiveCeiling { ms: 300 });
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
    state.asset = Some(Asset::clip(AssetId(1), FrameRate::new(24_000, 1_001).unwrap(), Some(9)));
    state.looping = Loop::Range { first: Frame(1), last: Frame(5) };
    let room: RoomId = ROOM.parse().unwrap();
    let event = |with_text| RoomEvent::State {
        state: Box::new(state.clone()),
        with_text,
        server_ms: Millis(1001.5),
        cmd_id: Some("c".into()),
        by: Some(UserId(2)),
    };
    let written = |with_text| -> Value {
        serde_json::from_str(&event_text(room, &event(with_text))).unwrap()
    };
    let id = |n: u128| format!("{n:032X}");
    let mut expected = json!({"event_type": "REVIEW_SESSION_STATE_CHANGED", "data": {
        "id": ROOM, "cmd_id": "c", "by": id(2),
        "state": {
            "epoch": 1, "rev": 0, "server_ms": 1001.5, "effective_ms": 1000.25,
            "sync_mode": "HOST", "driver": null, "asset_id": id(1), "frame": 0, "frames": 9,
            "fps_num": 24000, "fps_den": 1001, "playing": false, "rate": 1.0,
            "loop": {"in": 1, "out": 5}, "live_pts": null, "compare": null,
            "live_ceiling_ms": 1000, "asset_state": null,
        },
    }});
    assert_eq!(written(true), expected);
    expected["data"]["state"].as_object_mut().unwrap().remove("asset_state");
    assert_eq!(written(false), expected);
    for with_text in [true, false] {
        let body: StateChangedBody =
            serde_json::from_value(written(with_text)["data"].clone()).unwrap();
        assert_eq!(body.state.asset_state.is_some(), with_text);
    }
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
        live_ms: None,
    };
    let user = UserStatus {
        user: UserId(1),
        name: "Guest".into(),
        is_host: false,
        is_guest: true,
        online: true,
        report: Some(Report::from(&report)),
    };
    let people = People { listed: vec![user], online: 4, more: true };
    let text = event_text(RoomId(1), &RoomEvent::Users(people));
    let written: Value = serde_json::from_str(&text).unwrap();
    let (user, data) = (&written["data"]["users"][0], &written["data"]);
    assert_eq!((&data["online"], &data["more"]), (&json!(4), &json!(true)));
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
