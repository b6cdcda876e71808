//! What a room's log tells afterwards.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::harness::{Person, Rushes};

pub(super) async fn get(
    rushes: &Rushes,
    who: &Person,
    room: &str,
    what: &str,
) -> (StatusCode, String) {
    let url = rushes.url(&format!("/rooms/{room}/{what}"));
    let answer = rushes.client.get(url).header("X-Token", &who.token).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn lines(rushes: &Rushes, who: &Person, room: &str) -> Vec<Value> {
    let (status, text) = get(rushes, who, room, "log.jsonl").await;
    assert_eq!(status, StatusCode::OK, "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines, once there is one of this kind: comings and goings are written within a second.
pub(super) async fn lines_with(
    rushes: &Rushes,
    who: &Person,
    room: &str,
    kind: &str,
) -> Vec<Value> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let lines = lines(rushes, who, room).await;
        if lines.iter().any(|line| line["kind"] == kind) {
            return lines;
        }
        assert!(std::time::Instant::now() < deadline, "{lines:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_room_can_be_read_afterwards() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    let crew = stage.enter(&stage.crew, &room).await;
    for op in [
        json!({ "op": "LOAD", "asset_id": stage.clips[0] }),
        json!({ "op": "SEEK", "frame": 42 }),
        json!({ "op": "LOOP", "loop": { "in": 40, "out": 50 } }),
        json!({ "op": "LOAD", "asset_id": stage.clips[1], "frame": 7 }),
    ] {
        host.does(op).await;
    }
    // Acknowledged, and so written.
    let told = lines(&rushes, &stage.host, &room).await;
    let commands: Vec<_> = told.iter().filter(|line| line["kind"] == "COMMAND").collect();
    let ops: Vec<_> = commands.iter().map(|line| line["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["LOAD", "SEEK", "LOOP", "LOAD"]);
    assert_eq!(commands[2]["loop"], json!({ "in": 40, "out": 50 }));
    assert_eq!((&commands[1]["by"], &commands[1]["frame"]), (&json!(stage.host.id), &json!(42)));
    assert_eq!(commands[3]["state"]["rev"], host.state["rev"]);
    let numbers: Vec<_> = told.iter().map(|line| line["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=told.len() as i64).collect::<Vec<_>>());
    assert!(told.iter().all(|line| line["at"].as_str().unwrap().ends_with('Z')));

    drop(crew);
    lines_with(&rushes, &stage.host, &room, "LEFT").await;
    let (_, text) = get(&rushes, &stage.host, &room, "attendance.json").await;
    let people: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> =
        people["users"].as_array().unwrap().iter().map(|user| user["name"].clone()).collect();
    assert_eq!(names, ["host Test", "crew Test"]);
    assert!(people["users"][0]["times"][0]["to_ms"].is_null(), "the host is still there");
    let stay = &people["users"][1]["times"][0];
    assert!(stay["to_ms"].as_f64() >= stay["from_ms"].as_f64());

    let (_, text) = get(&rushes, &stage.host, &room, "log.otio").await;
    let timeline: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(timeline["OTIO_SCHEMA"], "Timeline.1");
    let clips = timeline["tracks"]["children"][0]["children"].as_array().unwrap();
    assert_eq!((&clips[0]["name"], &clips[1]["name"]), (&json!("one"), &json!("two")));
    let marker = &clips[0]["markers"][1];
    assert_eq!((&marker["name"], &marker["OTIO_SCHEMA"]), (&json!("SEEK"), &json!("Marker.2")));
    let start = &marker["marked_range"]["start_time"];
    assert_eq!((&start["value"], &start["rate"]), (&json!(42.0), &json!(25.0)));
    assert_eq!(clips[0]["source_range"]["duration"]["value"], 250.0);
    assert_eq!(clips[1]["markers"][0]["marked_range"]["start_time"]["value"], 7.0);

    for what in ["log.jsonl", "log.otio", "attendance.json"] {
        assert_eq!(get(&rushes, &stage.crew, &room, what).await.0, 403);
        assert_eq!(get(&rushes, &stage.stranger, &room, what).await.0, 404);
        let nobody = Person { token: String::new(), ..stage.host.clone() };
        assert_eq!(get(&rushes, &nobody, &room, what).await.0, 401);
    }
    assert_eq!(get(&rushes, &stage.host, &room, "other").await.0, 400);
}

#[tokio::test]
async fn the_log_goes_on_after_the_room_began_anew_and_goes_with_the_room() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;
    stage.ask(&stage.host, "/complete/review_session", json!({ "id": room })).await;
    let told = lines_with(&rushes, &stage.host, &room, "PHASE").await;
    assert_eq!(told[0]["kind"], "RESTORED");
    assert_eq!(told.last().unwrap()["phase"], "Complete");
    stage.ask(&stage.host, "/delete/review_session", json!({ "id": room })).await;
    assert_eq!(get(&rushes, &stage.host, &room, "log.jsonl").await.0, 404);
    let mut tx = rushes.app().store.read().await.unwrap();
    let id = room.parse().unwrap();
    assert_eq!(rushes::store::rooms::log(&mut tx, id, 0, 10).await.unwrap(), []);
}

/// More than anybody would hold in memory for one answer.
const MANY: i64 = 200_500;

#[tokio::test]
async fn a_log_of_any_length_is_told_to_its_end() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut tx = rushes.app().store.write().await.unwrap();
    for sql in [
        "WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < $2) \
         INSERT INTO room_log (room_id, seq, entry) \
         SELECT $1, seq, '{\"at_ms\":1.0,\"by\":null,\"kind\":\"LEFT\"}' FROM n",
        "WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < $2) \
         INSERT INTO room_chat (room_id, seq, at, user_id, name, guest, cmd_id, body) \
         SELECT $1, seq, 1, $3, 'Host', FALSE, seq, 'x' FROM n",
    ] {
        let query = sqlx::query(sql).bind(&room).bind(MANY).bind(stage.host.id);
        query.execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut host = stage.enter(&stage.host, &room).await;
    for clip in [0, 1, 0] {
        host.does(json!({ "op": "LOAD", "asset_id": stage.clips[clip] })).await;
    }
    let last = json!({ "id": room, "cmd_id": "last", "text": "The end" });
    host.socket.ask("rushes/room/chat", &last, None).await;

    let (_, text) = get(&rushes, &stage.host, &room, "log.jsonl").await;
    let told: Vec<Value> =
        text.lines().skip(MANY as usize).map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = told.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["RESTORED", "JOINED", "COMMAND", "COMMAND", "COMMAND", "SAID"]);
    assert_eq!(told[0]["seq"], MANY + 1);
    let (_, text) = get(&rushes, &stage.host, &room, "attendance.json").await;
    let people: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(people["users"][0]["name"], "host Test");
    let (_, text) = get(&rushes, &stage.host, &room, "log.otio").await;
    let timeline: Value = serde_json::from_str(&text).unwrap();
    let clips = timeline["tracks"]["children"][0]["children"].as_array().unwrap();
    let markers: Vec<_> =
        clips.iter().map(|clip| clip["markers"].as_array().unwrap().len()).collect();
    assert_eq!(markers, [2, 1]);
    let (_, text) = get(&rushes, &stage.host, &room, "chat.txt").await;
    assert_eq!(text.lines().count() as i64, MANY + 1);
    assert!(text.trim_end().ends_with("The end"));
    let (_, text) = get(&rushes, &stage.host, &room, "chat.jsonl").await;
    assert_eq!(text.lines().count() as i64, MANY + 1);
}
