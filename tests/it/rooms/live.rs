//! A live source that everyone in a room sees at the same moment.

use rushes::{
    store::{
        assets::{self, NewAsset},
        playlists,
        text::AssetSubtype,
    },
    time::Millis,
};
use serde_json::{Value, json};

use super::{
    log::get,
    stage::{Attending, Stage},
};
use crate::harness::{Rushes, code};

const EVENT: &str = "REVIEW_SESSION_LIVE_DELAY_CHANGED";

/// A live source among what the stage's rooms show.
async fn source(rushes: &Rushes, stage: &Stage) -> String {
    let mut tx = rushes.app().store.write().await.unwrap();
    let now = Millis::now();
    let source = NewAsset {
        subtype: Some(AssetSubtype::Streaming),
        ..NewAsset::video(stage.project, stage.host.id, "camera")
    };
    let source = assets::create(&mut tx, &source, now).await.unwrap().id;
    let all = [stage.clips[0], stage.clips[1], source];
    playlists::set_assets(&mut tx, stage.playlist, &all, now).await.unwrap();
    tx.commit().await.unwrap();
    source.to_string()
}

async fn reports(who: &mut Attending, room: &str, live_ms: Value) {
    let report = json!({
        "id": room, "asset_id": null, "frame": null, "error_ms": 0, "error_frames": 0,
        "rtt_ms": 20, "buffering": false, "live_ms": live_ms,
    });
    let answer = who.socket.ask("rushes/room/report", &report, None).await;
    assert!(answer["error"].is_null(), "{answer}");
}

#[tokio::test]
async fn a_room_waits_for_its_slowest_up_to_what_a_host_says() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let source = source(&rushes, &stage).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    assert_eq!(host.data["live_delay_ms"], Value::Null);
    assert_eq!(host.state["live_ceiling_ms"], 1000);
    host.does(json!({ "op": "LOAD", "asset_id": source })).await;

    reports(&mut host, &room, json!(62.5)).await;
    assert_eq!(host.socket.event(EVENT).await, json!({ "id": room, "delay_ms": 70.0 }));
    reports(&mut crew, &room, json!(318)).await;
    while host.socket.event(EVENT).await["delay_ms"] != 320.0 {}
    let late = stage.enter(&stage.crew, &room).await;
    assert_eq!(late.data["live_delay_ms"], 320.0, "a latecomer is told");

    // One who does not want to wait counts no more than one who needs too much.
    host.does(json!({ "op": "LIVE_CEILING", "ceiling_ms": 200 })).await;
    while host.socket.event(EVENT).await["delay_ms"] != 70.0 {}
    assert_eq!(host.state["live_ceiling_ms"], 200);
    crew.follows(host.state["rev"].as_u64().unwrap()).await;
    let refused = crew.sends(json!({ "op": "LIVE_CEILING", "ceiling_ms": 5000 })).await;
    assert_eq!(code(&refused), 403);
    let refused = host.sends(json!({ "op": "LIVE_CEILING", "ceiling_ms": 5001 })).await;
    assert_eq!(code(&refused), 407);

    // The log has it, and markers at the time since it came on show.
    let (_, text) = get(&rushes, &stage.host, &room, "log.otio").await;
    let timeline: Value = serde_json::from_str(&text).unwrap();
    let clip = &timeline["tracks"]["children"][0]["children"][0];
    assert_eq!((&clip["name"], &clip["source_range"]), (&json!("camera"), &Value::Null));
    let markers = clip["markers"].as_array().unwrap();
    let marks: Vec<_> = markers.iter().map(|marker| marker["name"].as_str().unwrap()).collect();
    assert_eq!(marks, ["LOAD", "LIVE_CEILING"]);
    let told = |marker: &Value| marker["metadata"]["rushes"]["at_ms"].as_f64().unwrap();
    let start = &markers[1]["marked_range"]["start_time"];
    let since = (told(&markers[1]) - told(&markers[0])).trunc();
    assert_eq!((&start["value"], &start["rate"]), (&json!(since), &json!(1000.0)));
    let state = &markers[1]["metadata"]["rushes"]["state"];
    assert_eq!((&state["live_ceiling_ms"], &state["driver"]), (&json!(200), &json!(stage.host.id)));
}
