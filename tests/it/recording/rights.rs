//! Who may record, and who hears of it.

use rushes::{
    store::{rooms, security::default},
    time::Millis,
};
use serde_json::{Value, json};

use super::{LIST, RECORD, REPLAY, ask, made, on_air, recorded_for};
use crate::{
    harness::{Person, code},
    live_stage::Stage,
};

/// A room that runs and shows the stage's source, or does not; with somebody in it.
async fn room(stage: &Stage, shows: bool, person: &Person, host: bool) -> String {
    let details = stage.details().await;
    let playlist = stage.ask("/create/playlist", json!({ "name": "Live" })).await;
    if shows {
        let asset = details["additional_details"]["asset_id"].clone();
        let added = json!({ "id": playlist["id"], "asset_ids": [asset] });
        stage.ask("/add/playlist/assets", added).await;
    }
    let room = json!({
        "group_id": details["group"], "name": "Room", "playlist_ids": [playlist["id"]],
    });
    let room = stage.ask("/create/review_session", room).await["id"].as_str().unwrap().to_owned();
    stage.ask("/start/review_session", json!({ "id": room })).await;
    let id = room.parse().unwrap();
    let mut tx = stage.rushes.app().store.write().await.unwrap();
    rooms::add_seat(&mut tx, id, person.id, None, Millis::now()).await.unwrap();
    if host {
        rooms::set_host(&mut tx, id, person.id, true).await.unwrap();
    }
    tx.commit().await.unwrap();
    room
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_records_what_they_may_not_manage() {
    let (stage, publisher, mut admin) = on_air().await;
    let stranger = stage.rushes.person("stranger").await;
    let watcher = stage.member("watcher", default::VIEWER).await;
    let here = room(&stage, true, &stranger, false).await;
    let elsewhere = room(&stage, false, &watcher, true).await;
    let attendee = stage.rushes.person("attendee").await;
    room(&stage, true, &attendee, false).await;
    let id = &stage.registration;
    for (who, room, expected) in [
        (&watcher, Value::Null, 800),
        (&watcher, json!(elsewhere), 404),
        (&watcher, json!(here), 672),
        (&stranger, json!(here), 403),
        (&attendee, json!(here), 672),
    ] {
        let mut socket = stage.rushes.socket(Some(&who.token)).await;
        for endpoint in [RECORD, REPLAY] {
            let data = json!({ "id": id, "room_id": room, "on": true });
            let refused = code(&socket.ask(endpoint, &data, None).await);
            assert_eq!(refused, expected, "{endpoint} {room}");
        }
        let always = socket.ask("rushes/live/always", &json!({ "id": id, "on": true }), None).await;
        let known = who.id == watcher.id || room == json!(here);
        assert!(known && [404, 800].contains(&code(&always)), "{always}");
    }
    let outside = stage.rushes.person("outside").await;
    let mut socket = stage.rushes.socket(Some(&outside.token)).await;
    for endpoint in [RECORD, REPLAY, LIST] {
        let data = json!({ "id": id, "on": true });
        assert_eq!(code(&socket.ask(endpoint, &data, None).await), 404, "{endpoint}");
    }
    assert_eq!(code(&socket.ask(LIST, &json!({ "room_id": here }), None).await), 672);
    let listed = ask(&mut admin, LIST, json!({ "id": id })).await;
    assert!(listed["sources"][0]["recording"].is_null(), "nothing was begun: {listed}");
    assert_eq!(listed["sources"][0]["may_record"], true);
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_records_what_their_room_shows_and_the_room_sees_it() {
    let (stage, publisher, mut admin) = on_air().await;
    let host = stage.rushes.person("host").await;
    let room = room(&stage, true, &host, true).await;
    let mut socket = stage.rushes.socket(Some(&host.token)).await;
    let of_room = json!({ "room_id": room });
    let listed = ask(&mut socket, LIST, of_room.clone()).await;
    assert_eq!(listed["sources"][0]["may_record"], true, "{listed}");
    let source = listed["sources"][0]["id"].as_str().unwrap().to_owned();
    let data = |on: bool| json!({ "id": source, "room_id": room, "on": on });
    ask(&mut socket, RECORD, data(true)).await;
    recorded_for(&mut socket, &source, 500).await;
    let recording = ask(&mut admin, LIST, of_room).await["sources"][0]["recording"].clone();
    assert!(recording.is_object(), "others see it: {recording}");
    ask(&mut socket, RECORD, data(false)).await;
    let clip = made(&mut socket).await;
    let shown = json!({ "id": room });
    let (_, assets) =
        stage.rushes.post("/get/review_session/assets", Some(&host.token), &shown).await;
    assert!(assets.to_string().contains(&clip), "{assets}");
    publisher.stop().await;
}
