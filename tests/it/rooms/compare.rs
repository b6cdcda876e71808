//! Two clips beside each other, the wheel that goes from host to host, and who follows.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::harness::{Rushes, code};

#[tokio::test]
async fn a_host_shows_two_clips_beside_each_other() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    let with =
        json!({ "op": "COMPARE", "asset_id": stage.clips[1], "layout": "WIPE", "offset": -3 });
    assert_eq!(code(&host.sends(with.clone()).await), 407, "nothing is shown yet");
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;
    let epoch = host.state["epoch"].clone();
    host.does(with.clone()).await;
    crew.follows(host.state["rev"].as_u64().unwrap()).await;
    let compare = &crew.state["compare"];
    let parts =
        ["asset_id", "layout", "split", "offset", "fps_num"].map(|part| compare[part].clone());
    let expected = [json!(stage.clips[1]), json!("WIPE"), json!(5000), json!(-3), json!(25)];
    assert_eq!(parts, expected);
    assert_eq!(host.state["epoch"], epoch, "whoever drags the line begins no epoch");

    assert_eq!(code(&crew.sends(with).await), 403);
    let hidden = json!({ "op": "COMPARE", "asset_id": stage.hidden });
    assert_eq!(code(&host.sends(hidden).await), 404, "the room does not show it");
    let odd = json!({ "op": "COMPARE", "asset_id": stage.clips[1], "split": 10_001 });
    assert_eq!(code(&host.sends(odd).await), 407);

    // A latecomer has it too, and on the second picture one draws as on the first.
    let mut late = stage.enter(&stage.crew, &room).await;
    assert_eq!(late.state["compare"]["layout"], "WIPE");
    let draw = json!({
        "id": room, "stroke_id": "s", "asset_id": stage.clips[1], "frame": 1, "color": "#ffffff",
        "width": 40, "from": 0, "points": [1, 2], "done": true,
    });
    let drawn = late.socket.ask("rushes/room/draw", &draw, None).await;
    assert_eq!(drawn["data"]["points"], 1, "{drawn}");
    host.does(json!({ "op": "COMPARE", "asset_id": null })).await;
    assert!(host.state["compare"].is_null());
}

#[tokio::test]
async fn another_host_takes_the_wheel_while_it_plays() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let set = json!({ "id": room, "user_id": stage.crew.id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", set).await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;
    host.does(json!({ "op": "PLAY" })).await;
    let mut other = stage.enter(&stage.crew, &room).await;
    let before = other.state.clone();
    other.does(json!({ "op": "DRIVE" })).await;
    assert_eq!(other.state["driver"], json!(stage.crew.id));
    for part in ["frame", "effective_ms", "playing", "rate", "asset_id", "loop"] {
        assert_eq!(other.state[part], before[part], "{part}");
    }
    host.follows(other.state["rev"].as_u64().unwrap()).await;
    host.does(json!({ "op": "DRIVE", "user_id": stage.host.id })).await;
    assert_eq!(host.state["driver"], json!(stage.host.id));
    let stranger = json!({ "op": "DRIVE", "user_id": stage.stranger.id });
    assert_eq!(code(&host.sends(stranger).await), 407);

    // The log tells both, and the hosts see who follows.
    let url = rushes.url(&format!("/rooms/{room}/log.jsonl"));
    let log = rushes.client.get(url).header("X-Token", &stage.host.token).send().await.unwrap();
    let log = log.text().await.unwrap();
    let ops: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["op"].clone())
        .filter(|op| !op.is_null())
        .collect();
    assert_eq!(ops, ["LOAD", "PLAY", "DRIVE", "DRIVE"]);
    let report = json!({
        "id": room, "asset_id": null, "frame": null, "error_ms": 0, "error_frames": 0, "rtt_ms": 9,
        "following": false,
    });
    other.socket.ask("rushes/room/report", &report, None).await;
    loop {
        let users = host.socket.event("REVIEW_SESSION_USERS_CHANGED").await;
        let users = users["users"].as_array().unwrap().clone();
        let crew = users.into_iter().find(|user| user["user_id"] == json!(stage.crew.id));
        if crew.is_some_and(|crew| crew["following"] == false) {
            break;
        }
    }
}
