//! Rooms: their life, their people, and what everyone sees in them.

mod chat;
mod compare;
mod crash;
mod crowd;
mod drawing;
mod events;
mod guests;
mod lifecycle;
mod live;
mod log;
mod matrix;
mod meetings;
mod share;
mod stage;
mod teams;

use serde_json::{Value, json};

use crate::{
    harness::{Folder, Person, Rushes, Socket, code},
    process::{serve, signal},
};
use stage::Stage;

#[tokio::test]
async fn a_room_lives_from_its_draft_to_its_end() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let (host, crew) = (&stage.host, &stage.crew);
    let draft = stage.draft().await;
    let id = json!({ "id": draft["id"] });
    assert_eq!((&draft["status"], &draft["is_owner"]), (&json!("DRAFT"), &json!(true)));
    assert_eq!((&draft["asset_count"], &draft["playlist_count"]), (&json!(2), &json!(1)));
    assert_eq!(draft["sync_mode"], "HOST");
    let join = json!({ "id": draft["id"], "media_region": "eu-west-1" });
    assert_eq!(stage.refused(crew, "/join/review_session", join.clone()).await, (409, 674));

    let mut socket = rushes.socket(Some(&crew.token)).await;
    socket.ask("ping", &json!({}), None).await;
    let started = stage.ask(host, "/start/review_session", id.clone()).await;
    assert_eq!(started["status"], "STARTED");
    assert_eq!(socket.event("REVIEW_SESSION_STARTED").await, id);

    let joined = stage.ask(crew, "/join/review_session", join.clone()).await;
    let part =
        |name: &str| -> Value { serde_json::from_str(joined[name].as_str().unwrap()).unwrap() };
    assert_eq!(part("meeting")["MeetingId"], draft["id"]);
    assert_eq!(part("attendee")["ExternalUserId"], json!(crew.id));
    let theirs = stage.ask(crew, "/get/review_session", id.clone()).await;
    assert!(theirs["last_joined"].is_string());
    assert_eq!((&theirs["is_host"], &theirs["can_edit"]), (&json!(false), &json!(false)));

    let complete = stage.ask(host, "/complete/review_session", id.clone()).await;
    assert_eq!((&complete["status"], &complete["can_reopen"]), (&json!("COMPLETE"), &json!(true)));
    assert_eq!(socket.event("REVIEW_SESSION_COMPLETE").await, id);
    assert_eq!(stage.refused(crew, "/join/review_session", join.clone()).await, (409, 675));
    stage.ask(host, "/start/review_session", id.clone()).await;
    stage.ask(crew, "/join/review_session", join).await;

    assert_eq!(stage.refused(crew, "/delete/review_session", id.clone()).await, (403, 403));
    let deleted = stage.ask(host, "/delete/review_session", id.clone()).await;
    assert_eq!(deleted["deleted"], true);
    assert_eq!(stage.refused(host, "/get/review_session", id).await, (404, 672));
    assert_eq!(stage.ask(host, "/get/review_sessions", json!({})).await, json!([]));
}

/// Every endpoint that names a room, with a body that is right.
fn endpoints(stage: &Stage, room: &str) -> Vec<(&'static str, Value)> {
    let id = json!({ "id": room });
    let with = |name: &str, value: Value| {
        let mut body = id.clone();
        body[name] = value;
        body
    };
    vec![
        ("/get/review_session", id.clone()),
        ("/update/review_session", with("name", json!("Other"))),
        ("/start/review_session", id.clone()),
        ("/complete/review_session", id.clone()),
        ("/delete/review_session", id.clone()),
        ("/join/review_session", with("media_region", json!("x"))),
        ("/set/review_session/state", with("sync_mode", json!("EVERYONE"))),
        (
            "/set/review_session/user/host",
            json!({ "id": room, "user_id": stage.crew.id, "is_host": true }),
        ),
        ("/set/review_session/user/role", with("role", json!("Editor"))),
        ("/get/review_session/users", id.clone()),
        ("/get/review_session/user", with("user_id", json!(stage.crew.id))),
        ("/get/review_session/teams", id.clone()),
        ("/get/review_session/playlists", id.clone()),
        ("/get/review_session/playlist/assets", id.clone()),
        ("/get/review_session/assets", id.clone()),
        ("/update/review_session/assets", with("review_session_asset_ids", json!([]))),
        (
            "/create/review_session/users",
            json!({ "review_session_id": room, "emails": ["guest@rushes.test"] }),
        ),
    ]
}

#[tokio::test]
async fn strangers_do_not_know_of_a_room_and_its_people_do_not_rule_it() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    for (path, body) in endpoints(&stage, &room) {
        assert_eq!(stage.refused(&stage.stranger, path, body.clone()).await, (404, 672), "{path}");
        let (status, _) = stage.post("", path, body).await;
        assert_eq!(status, 401, "{path}");
    }
    let stranger = &stage.stranger;
    let create = json!({ "group_id": stage.group, "name": "Mine" });
    assert_eq!(stage.refused(stranger, "/create/review_session", create).await, (404, 404));
    let of = json!({ "playlist_id": stage.playlist });
    assert_eq!(stage.refused(stranger, "/get/playlist/review_sessions", of).await, (404, 404));
    assert_eq!(stage.ask(stranger, "/get/review_sessions", json!({})).await, json!([]));
    let mut socket = rushes.socket(Some(&stranger.token)).await;
    let answer = socket.ask("rushes/room/subscribe", &json!({ "id": room }), None).await;
    assert_eq!(code(&answer), 672);

    let rulers = ["/update/", "/start/", "/complete/", "/delete/", "/create/"];
    for (path, body) in endpoints(&stage, &room) {
        let rules = rulers.iter().any(|ruler| path.starts_with(ruler))
            || ["/set/review_session/user/host", "/set/review_session/state"].contains(&path);
        let (status, answer) = stage.post(&stage.crew.token, path, body).await;
        assert_eq!(status.as_u16(), if rules { 403 } else { 200 }, "{path}: {answer}");
    }
    let after = stage.ask(&stage.host, "/get/review_session", json!({ "id": room })).await;
    assert_eq!((&after["name"], &after["status"]), (&json!("Room"), &json!("STARTED")));
    assert_eq!(after["sync_mode"], "HOST");
}

#[tokio::test]
async fn two_clients_follow_what_the_host_does() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    assert_eq!(host.data["you"]["can_drive"], true);
    assert_eq!(crew.data["you"]["can_drive"], false);
    assert_eq!(crew.data["users"].as_array().unwrap().len(), 2);

    let mut last = Value::Null;
    for op in [
        json!({ "op": "LOAD", "asset_id": stage.clips[0] }),
        json!({ "op": "PLAY" }),
        json!({ "op": "SEEK", "frame": 100 }),
        json!({ "op": "RATE", "rate": 0.5 }),
        json!({ "op": "LOOP", "loop": { "in": 90, "out": 120 } }),
        json!({ "op": "PAUSE", "frame": 104 }),
        json!({ "op": "STEP", "frame": 105 }),
    ] {
        last = host.does(op).await;
        crew.follows(last["rev"].as_u64().unwrap()).await;
        let same = ["epoch", "rev", "effective_ms", "asset_id", "frame", "playing", "rate", "loop"];
        for part in same {
            assert_eq!(crew.state[part], host.state[part], "{part}");
        }
    }
    assert_eq!((&crew.state["frame"], &crew.state["playing"]), (&json!(105), &json!(false)));
    assert_eq!(crew.state["frames"], 250);

    // The same command again: the same answer, and nothing happens.
    let once = host.sends_as("once", json!({ "op": "STEP", "frame": 106 })).await;
    let again = host.sends_as("once", json!({ "op": "STEP", "frame": 106 })).await;
    assert_eq!(once["data"], again["data"]);
    assert_eq!(once["data"]["rev"].as_u64(), last["rev"].as_u64().map(|rev| rev + 1));

    let refused = crew.sends(json!({ "op": "PLAY" })).await;
    assert_eq!(code(&refused), 403);
    assert_eq!(refused["error"]["snapshot"]["frame"], 106);
    let absent = host.sends(json!({ "op": "LOAD", "asset_id": stage.hidden })).await;
    assert_eq!(code(&absent), 404, "the room does not show it");
    let late = host.sends(json!({ "op": "MODE", "sync_mode": "NOBODY" })).await;
    assert_eq!(code(&late), 407);
}

#[tokio::test]
async fn everyone_may_drive_when_a_host_says_so() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[1] })).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    let text = "{\"clip\" : {\"at\":{\"s\":1.0}},\n\"ü\":\"\\u00e9\"} ";
    let set = json!({ "id": room, "sync_mode": "EVERYONE", "asset_state": text });
    let answer = stage.ask(&stage.host, "/set/review_session/state", set).await;
    assert_eq!((&answer["sync_mode"], &answer["asset_state"]), (&json!("EVERYONE"), &json!(text)));
    crew.follows(host.state["rev"].as_u64().unwrap() + 1).await;
    assert_eq!(crew.state["asset_state"], text);
    let stale = host.sends(json!({ "op": "SEEK", "frame": 1 })).await;
    assert_eq!(code(&stale), 650, "another epoch");
    assert_eq!(stale["error"]["snapshot"]["epoch"], crew.state["epoch"]);
    let sought = crew.does(json!({ "op": "SEEK", "frame": 42 })).await;
    host.follows(sought["rev"].as_u64().unwrap()).await;
    assert_eq!(host.state.get("asset_state"), None, "it is as before");
    assert_eq!(stage.enter(&stage.crew, &room).await.state["asset_state"], text);
    assert_eq!(host.state["frame"], 42);

    // A crew member may write the text now, and not take the mode away.
    let theirs = json!({ "id": room, "sync_mode": "EVERYONE", "asset_state": "mine" });
    stage.ask(&stage.crew, "/set/review_session/state", theirs).await;
    let take = json!({ "id": room, "sync_mode": "HOST" });
    assert_eq!(stage.refused(&stage.crew, "/set/review_session/state", take).await, (403, 403));
    let kept = stage.ask(&stage.host, "/get/review_session", json!({ "id": room })).await;
    assert_eq!((&kept["asset_state"], &kept["sync_mode"]), (&json!("mine"), &json!("EVERYONE")));
}

#[tokio::test]
async fn a_clients_own_text_that_is_understood_moves_the_room() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;
    let mut says = async |text: &Value| {
        let set = json!({ "id": room, "sync_mode": "HOST", "asset_state": text.to_string() });
        let answer = stage.ask(&stage.host, "/set/review_session/state", set).await;
        assert_eq!(answer["asset_state"], text.to_string());
        host.follows(host.state["rev"].as_u64().unwrap() + 1).await;
        assert_eq!(host.state["asset_state"], text.to_string());
        let of = |name: &str| host.state[name].clone();
        (of("asset_id"), of("frame"), of("playing"))
    };
    let [first, second] = [0, 1].map(|n| json!(stage.clips[n]));
    let there = json!({ "asset_id": second, "frame": 12, "zoom": 2 });
    assert_eq!(says(&there).await, (second.clone(), json!(12), json!(false)));
    let plays = json!({ "frame": 3, "playing": true });
    assert_eq!(says(&plays).await, (second.clone(), json!(3), json!(true)));
    let elsewhere = json!({ "asset_id": "f".repeat(32), "frame": 1, "playing": false });
    assert_eq!(says(&elsewhere).await, (second, json!(3), json!(true)), "not in this room");
    let back = json!({ "asset_id": first });
    assert_eq!(says(&back).await, (first, json!(0), json!(false)));
    // Eight at once are as many as there are readers of the database.
    let at_once = (1..=8).map(|frame| {
        let text = json!({ "asset_id": stage.clips[0], "frame": frame }).to_string();
        let set = json!({ "id": room, "sync_mode": "HOST", "asset_state": text });
        stage.ask(&stage.host, "/set/review_session/state", set)
    });
    futures_util::future::join_all(at_once).await;
    let told = log::lines_with(&rushes, &stage.host, &room, "STATE_SET").await;
    assert_eq!(told.iter().filter(|line| line["kind"] == "STATE_SET").count(), 12);
    let (_, text) = log::get(&rushes, &stage.host, &room, "log.otio").await;
    let timeline: Value = serde_json::from_str(&text).unwrap();
    let clips = timeline["tracks"]["children"][0]["children"].as_array().unwrap();
    let shown = clips.iter().find(|clip| clip["name"] == "two").expect("it was shown by a text");
    assert_eq!(shown["markers"][0]["name"], "STATE_SET");
}

#[tokio::test]
async fn who_does_not_attend_learns_nothing_by_commands() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;
    let absent = json!(uuid::Uuid::now_v7().to_string());
    let outsider = rushes.person("outsider").await;
    // A crew member who may, and has not come in, is told no more than a stranger.
    for token in [&outsider.token, &stage.crew.token] {
        let mut socket = rushes.socket(Some(token)).await;
        let mut answers = Vec::new();
        for id in [&json!(room), &absent] {
            let command = json!({
                "id": id, "cmd_id": "a", "epoch": 0, "base_rev": 0, "op": "LOAD",
                "asset_id": stage.clips[0],
            });
            let answer = socket.ask("rushes/room/command", &command, None).await;
            assert_eq!(code(&answer), 403);
            answers.push(answer["error"].clone());
        }
        assert_eq!(answers[0]["snapshot"], json!(null));
        assert_eq!(
            answers[0]["message"], answers[1]["message"],
            "nor whether there is such a room"
        );
    }
}

#[tokio::test]
async fn who_is_made_a_host_drives_at_once_and_who_is_removed_is_out() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    let load = json!({ "op": "LOAD", "asset_id": stage.clips[0] });
    assert_eq!(code(&crew.sends(load.clone()).await), 403);
    let set = json!({ "id": room, "user_id": stage.crew.id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", set).await;
    let hosts = crew.socket.event("REVIEW_SESSION_HOSTS_CHANGED").await;
    assert_eq!(hosts["host_user_ids"].as_array().unwrap().len(), 2);
    crew.does(load).await;
    let owner = json!({ "id": room, "user_id": stage.host.id, "is_host": false });
    let path = "/set/review_session/user/host";
    assert_eq!(stage.refused(&stage.crew, path, owner).await, (403, 403));

    let alone = json!({ "id": room, "user_ids": [], "host_user_ids": [] });
    stage.ask(&stage.host, "/update/review_session", alone).await;
    let answer = crew.sends(json!({ "op": "PLAY" })).await;
    assert_eq!(code(&answer), 403);
    assert_eq!(
        answer["error"]["snapshot"],
        json!(null),
        "what the room does is not theirs any more"
    );
    let get = json!({ "id": room });
    assert_eq!(stage.refused(&stage.crew, "/get/review_session", get).await, (404, 672));
    let users = json!({ "id": room, "include_owner": true });
    let users = stage.ask(&stage.host, "/get/review_session/users", users).await;
    assert_eq!(users.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_order_of_the_assets_is_the_rooms_own() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let id = json!({ "id": room });
    let assets = stage.ask(&stage.crew, "/get/review_session/assets", id.clone()).await;
    let ids = |assets: &Value| -> Vec<Value> {
        let all = assets.as_array().unwrap().iter();
        all.map(|asset| asset["review_session_asset_id"].clone()).collect()
    };
    let before = ids(&assets);
    assert_eq!(before.len(), 2);
    assert_eq!(assets[0]["can_access_project"], false, "the crew is in no folder");
    let mut crew = stage.enter(&stage.crew, &room).await;
    let order: Vec<_> = before.iter().rev().cloned().collect();
    let body = json!({ "id": room, "review_session_asset_ids": order });
    let answer = stage.ask(&stage.host, "/update/review_session/assets", body).await;
    assert_eq!(answer["review_session_asset_ids"], json!(order));
    assert_eq!(crew.socket.event("REVIEW_SESSION_PLAYLIST_ASSETS_UPDATED").await, id);
    let after = stage.ask(&stage.crew, "/get/review_session/assets", id.clone()).await;
    assert_eq!(ids(&after), order);
    assert_eq!(after[1]["session_order"], 1);

    // What is put into the playlist is in the room, and the room is told.
    let more = json!({ "id": stage.playlist, "asset_ids": [stage.hidden] });
    stage.ask(&stage.host, "/add/playlist/assets", more).await;
    crew.socket.event("REVIEW_SESSION_PLAYLIST_ASSETS_UPDATED").await;
    let more = stage.ask(&stage.crew, "/get/review_session/assets", id).await;
    assert_eq!(more[2]["id"], json!(stage.hidden));
    let of = json!({ "playlist_id": stage.playlist });
    let rooms = stage.ask(&stage.host, "/get/playlist/review_sessions", of).await;
    assert_eq!(rooms[0]["id"], room.as_str());
}

#[tokio::test]
async fn too_many_commands_are_refused_and_nobody_else_notices() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;
    let mut refused = 0;
    for frame in 0..60 {
        let answer = host.sends(json!({ "op": "SEEK", "frame": frame })).await;
        refused += u32::from(answer["error"]["code"] == 900);
    }
    assert!(refused > 0);
    let mut other = stage.enter(&stage.host, &room).await;
    other.does(json!({ "op": "SEEK", "frame": 200 })).await;
}

#[tokio::test]
async fn the_people_of_a_room_see_how_well_each_follows() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    let report = json!({
        "id": room, "asset_id": null, "frame": null, "error_ms": -12.5, "error_frames": -0.3,
        "rtt_ms": 80, "buffering": false,
    });
    crew.socket.ask("rushes/room/report", &report, None).await;
    let stalls = json!({
        "id": room, "asset_id": null, "frame": null, "error_ms": 0, "error_frames": 0,
        "rtt_ms": 480, "buffering": true,
    });
    let of_crew = |users: &Value| -> Value {
        let all = users["users"].as_array().unwrap().iter();
        all.clone()
            .find(|user| user["user_id"] == json!(stage.crew.id))
            .cloned()
            .unwrap_or_default()
    };
    loop {
        let users = host.socket.event("REVIEW_SESSION_USERS_CHANGED").await;
        let crew = of_crew(&users);
        if crew["error_ms"] == -12.5 {
            assert_eq!((&crew["rtt_ms"], &crew["buffering"]), (&json!(80.0), &json!(false)));
            break;
        }
    }
    crew.socket.ask("rushes/room/report", &stalls, None).await;
    loop {
        let crew = of_crew(&host.socket.event("REVIEW_SESSION_USERS_CHANGED").await);
        if crew["buffering"] == true {
            assert_eq!(crew["rtt_ms"], 480.0);
            break;
        }
    }
    crew.socket.ask("rushes/room/unsubscribe", &json!({ "id": room }), None).await;
    loop {
        let users = host.socket.event("REVIEW_SESSION_USERS_CHANGED").await;
        if of_crew(&users)["online"] == false {
            break;
        }
    }
}

#[tokio::test]
async fn a_killed_server_comes_back_with_its_rooms() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let store = rushes::server::open_store(&data).await.unwrap();
    let mut stage = Stage::at(&store, String::new()).await;
    store.close().await;
    let (mut child, runtime) = serve(&data).await;
    runtime["http"].as_str().unwrap().clone_into(&mut stage.address);
    let room = stage.room().await;
    let set = json!({ "id": room, "user_id": stage.crew.id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", set).await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[1], "frame": 7 })).await;
    host.does(json!({ "op": "PLAY" })).await;
    let say = json!({ "id": room, "cmd_id": "said", "text": "Before" });
    let said = host.socket.ask("rushes/room/chat", &say, None).await;
    let draw = json!({
        "id": room, "stroke_id": "drawn", "asset_id": stage.clips[1], "frame": 7, "color": "#ffffff",
        "width": 40, "from": 0, "points": [1, 2], "done": true,
    });
    host.socket.ask("rushes/room/draw", &draw, None).await;
    let before = host.state.clone();
    signal(&child, "-KILL");
    child.wait().await.unwrap();

    let (_child, runtime) = serve(&data).await;
    runtime["http"].as_str().unwrap().clone_into(&mut stage.address);
    let mut again = stage.enter(&stage.host, &room).await;
    for part in ["rev", "asset_id", "frame", "playing", "effective_ms", "rate", "driver"] {
        assert_eq!(again.state[part], before[part], "{part}");
    }
    assert!(again.state["epoch"].as_u64() > before["epoch"].as_u64());
    assert_eq!(again.data["you"]["is_host"], true);
    let drawn = again.socket.event("REVIEW_SESSION_STROKES").await;
    assert_eq!(drawn["strokes"][0]["points"], json!([1, 2]));
    // Said again by one who did not hear the answer.
    assert_eq!(again.data["last_message"], 1);
    assert_eq!(again.socket.ask("rushes/room/chat", &say, None).await["data"], said["data"]);
    let crew: &Person = &stage.crew;
    assert_eq!(stage.enter(crew, &room).await.data["you"]["is_host"], true);
    let assets = json!({ "id": room });
    let assets = stage.ask(crew, "/get/review_session/assets", assets).await;
    assert_eq!(assets.as_array().unwrap().len(), 2);
    let epoch = std::mem::replace(&mut again.state["epoch"], before["epoch"].clone());
    assert_eq!(code(&again.sends(json!({ "op": "PAUSE", "frame": 9 })).await), 650);
    again.state["epoch"] = epoch;
    again.does(json!({ "op": "PAUSE", "frame": 9 })).await;
}

#[tokio::test]
async fn a_production_has_not_more_open_rooms_than_it_may() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let body = json!({ "group_id": stage.group, "name": "Room" });
    for _ in 0..100 {
        stage.ask(&stage.host, "/create/review_session", body.clone()).await;
    }
    assert_eq!(stage.refused(&stage.host, "/create/review_session", body).await, (403, 803));
}

#[tokio::test]
async fn a_connection_that_ends_leaves_its_rooms() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    let crew = stage.enter(&stage.crew, &room).await;
    let Socket { socket, .. } = crew.socket;
    drop(socket);
    loop {
        let users = host.socket.event("REVIEW_SESSION_USERS_CHANGED").await;
        let users = users["users"].as_array().unwrap().clone();
        if users.iter().any(|user| user["online"] == false) {
            break;
        }
    }
}
