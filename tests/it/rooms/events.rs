//! What is told of a room: to whom, in which order, and to those who were away.

use rushes::store::security::default;
use serde_json::{Value, json};

use super::{guests::mailed, stage::Stage};
use crate::harness::{Rushes, code};

#[tokio::test]
async fn every_change_reaches_once_those_who_may_know_and_nobody_else() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let owner = stage.person(store, "owner", false, Some(default::MANAGER)).await;
    let colleague = stage.person(store, "colleague", false, Some(default::REVIEWER)).await;
    let playlist = json!({ "name": "Mine", "group_id": stage.group });
    let playlist = stage.ask(&owner, "/create/playlist", playlist).await["id"].clone();
    let room = json!({
        "group_id": stage.group, "name": "Room", "user_ids": [stage.crew.id],
        "playlist_ids": [playlist],
    });
    let room = stage.ask(&owner, "/create/review_session", room).await;
    let (id, other) = (json!({ "id": room["id"] }), stage.room().await);
    let own = room["session_playlist_id"].clone();
    let mut guests = Vec::new();
    for (room, email) in
        [(room["id"].as_str().unwrap(), "one@rushes.test"), (&other, "two@rushes.test")]
    {
        stage.invite(room, &[email]).await;
        guests.push(stage.guest(&mailed(&rushes, email)).await);
    }
    let boss = stage.person(store, "boss", true, None).await;
    let member = stage.person(store, "member", false, None).await;
    let team = stage.team(store, "Edit", &[&member]).await;
    let with_team = json!({ "id": room["id"], "team_ids": [team] });
    stage.ask(&boss, "/update/review_session", with_team).await;
    // Those who may know, by a seat, a team or as an administrator, and those who may not.
    let may = [&owner, &stage.crew, &stage.host, &guests[0], &boss, &member];
    let not = [&colleague, &stage.stranger, &guests[1]];
    let mut sockets = Vec::new();
    for who in may.iter().chain(&not) {
        let mut socket = rushes.socket(Some(&who.token)).await;
        // Two connections of one person are told both.
        socket.told("").await;
        sockets.push(socket);
    }
    let with = |more: Value| {
        let mut body = id.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let host = with(json!({ "user_id": stage.crew.id, "is_host": true }));
    let changed = "REVIEW_SESSION_PLAYLIST_ASSETS_UPDATED";
    let updated = "REVIEW_SESSION_UPDATED";
    let add = |playlist: &Value| json!({ "id": playlist, "asset_ids": [stage.clips[0]] });
    let invite = json!({ "review_session_id": room["id"], "emails": ["new@rushes.test"] });
    let changes = [
        ("/start/review_session", id.clone(), "REVIEW_SESSION_STARTED"),
        ("/set/review_session/user/host", host, "REVIEW_SESSION_HOSTS_CHANGED"),
        ("/update/review_session", with(json!({ "name": "Other" })), updated),
        ("/set/review_session/user/role", with(json!({ "role": "Editor" })), updated),
        ("/create/review_session/users", invite, updated),
        ("/add/playlist/assets", add(&own), changed),
        ("/add/playlist/assets", add(&playlist), changed),
        ("/delete/playlist", json!({ "id": playlist }), changed),
        ("/update/review_session", with(json!({ "playlist_ids": [] })), changed),
        ("/delete/asset", json!({ "id": stage.clips[0] }), changed),
        ("/complete/review_session", id.clone(), "REVIEW_SESSION_COMPLETE"),
        ("/delete/review_session", id.clone(), "REVIEW_SESSION_DELETED"),
    ];
    for (path, body, name) in changes {
        stage.ask(&owner, path, body).await;
        for (i, socket) in sockets.iter_mut().enumerate() {
            let told = socket.told(name).await;
            let told: Vec<_> = told.iter().map(|data| data["id"].clone()).collect();
            // The other room shows the clip too.
            let theirs = told.iter().filter(|told| **told == room["id"]).count();
            assert_eq!(theirs, usize::from(i < may.len()), "{path} to {i}: {told:?}");
        }
    }
    // The guest's token ended with the room: nothing comes, and nothing was missed.
    assert_eq!(stage.refused(&guests[0], "/get/review_sessions", json!({})).await.1, 405);
}

#[tokio::test]
async fn who_is_out_is_told_so() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    let alone = json!({ "id": room, "user_ids": [] });
    stage.ask(&stage.host, "/update/review_session", alone).await;
    assert_eq!(crew.socket.event("REVIEW_SESSION_REMOVED").await, json!({ "id": room }));
    let closed = crew.socket.event("REVIEW_SESSION_CLOSED").await;
    assert_eq!(closed, json!({ "id": room, "reason": "REMOVED" }));
    // Nothing that happens afterwards reaches them.
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;
    assert_eq!(crew.socket.told("REVIEW_SESSION_STATE_CHANGED").await, Vec::<Value>::new());
    assert_eq!(code(&crew.sends(json!({ "op": "PLAY" })).await), 403);

    // A connection may be in as many rooms afterwards as before.
    for _ in 0..9 {
        let room = stage.room().await;
        let data = json!({ "id": room });
        let answer = crew.socket.ask("rushes/room/subscribe", &data, None).await;
        assert!(answer["error"].is_null(), "{answer}");
        stage.ask(&stage.host, "/delete/review_session", data).await;
        let closed = crew.socket.event("REVIEW_SESSION_CLOSED").await;
        assert_eq!(closed, json!({ "id": room, "reason": "DELETED" }));
    }
}

#[tokio::test]
async fn who_comes_back_is_told_what_they_missed_or_gets_the_state() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut host = stage.enter(&stage.host, &room).await;
    assert!(host.data["missed"].is_null(), "they did not ask");
    let crew = stage.enter(&stage.crew, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;
    let known = host.state["rev"].as_u64().unwrap();
    drop(crew);
    for frame in 1..=3 {
        host.does(json!({ "op": "SEEK", "frame": frame })).await;
    }
    let back = stage.returns(&stage.crew, &room, Some(known)).await;
    let missed = back.data["missed"].as_array().unwrap();
    let told: Vec<_> = missed
        .iter()
        .map(|change| {
            (change["state"]["frame"].clone(), change["by"].clone(), change["id"].clone())
        })
        .collect();
    let by = json!(stage.host.id);
    let expected: Vec<_> = (1..=3).map(|frame| (json!(frame), by.clone(), json!(room))).collect();
    assert_eq!(told, expected);
    assert_eq!(missed[2]["state"]["rev"], back.data["state"]["rev"]);
    let current = stage.returns(&stage.crew, &room, Some(known + 3)).await;
    assert_eq!(current.data["missed"], json!([]));
    for far in [Some(known + 4), None] {
        let other = stage.returns(&stage.crew, &room, far).await;
        assert!(other.data["missed"].is_null());
        assert_eq!(other.data["state"]["frame"], 3);
    }
}

#[tokio::test]
async fn of_many_changes_at_once_the_last_one_is_told_last() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut watching = stage.enter(&stage.host, &room).await;
    let set = |is_host: bool| {
        let body = json!({ "id": room, "user_id": stage.crew.id, "is_host": is_host });
        stage.ask(&stage.host, "/set/review_session/user/host", body)
    };
    for _ in 0..30 {
        tokio::join!(set(true), set(false), set(true), set(false));
        let of = json!({ "id": room, "user_id": stage.crew.id });
        let stored = stage.ask(&stage.host, "/get/review_session/user", of).await;
        let told = watching.socket.told("REVIEW_SESSION_HOSTS_CHANGED").await;
        let crew = json!(stage.crew.id);
        if let Some(last) = told.last() {
            let told = last["host_user_ids"].as_array().unwrap().contains(&crew);
            assert_eq!(json!(told), stored["is_host"]);
        }
        let known = stage.enter(&stage.crew, &room).await;
        assert_eq!(known.data["you"]["is_host"], stored["is_host"]);
    }
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_holds_nobody_up() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut slow = stage.enter(&stage.crew, &room).await;
    let mut quick = stage.enter(&stage.host, &room).await;
    let mut revs = vec![quick.state["rev"].as_u64().unwrap()];
    // Far more than the connection and its queue hold, and in less time than a write may take.
    for n in 0..100 {
        let text = format!("{n}{}", "x".repeat(60_000));
        let set = async |m: u32| {
            let asset_state = format!("{m}{text}");
            let set = json!({ "id": room, "sync_mode": "HOST", "asset_state": asset_state });
            stage.ask(&stage.host, "/set/review_session/state", set).await
        };
        tokio::join!(set(0), set(1), set(2), set(3), set(4), set(5), set(6), set(7));
        for _ in 0..8 {
            let event = quick.socket.event("REVIEW_SESSION_STATE_CHANGED").await;
            revs.push(event["state"]["rev"].as_u64().unwrap());
        }
    }
    assert!(revs.windows(2).all(|pair| pair[1] == pair[0] + 1), "each once and in order");
    let mut seen = Vec::new();
    let ended = loop {
        match slow.socket.receive().await {
            Ok(event) if event["event_type"] == "REVIEW_SESSION_STATE_CHANGED" => {
                seen.push(event["data"]["state"]["rev"].as_u64().unwrap());
            }
            Ok(_) => {}
            Err(code) => break code,
        }
    };
    assert_eq!(ended, 4008);
    assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1), "what came is without a gap");
    let back = stage.enter(&stage.crew, &room).await;
    assert_eq!(back.state["rev"].as_u64(), revs.last().copied());
}
