//! Screens that people share in rooms.

use reqwest::{StatusCode, header};
use rushes::store::security::default;
use serde_json::{Value, json};

use super::stage::{Attending, Stage};
use crate::{
    harness::{Person, Rushes, code},
    live_stage::{OBS, SDP},
};

const SHARE: &str = "rushes/room/share";
const UNSHARE: &str = "rushes/room/unshare";

async fn share(who: &mut Attending, room: &str) -> Value {
    let answer = who.socket.ask(SHARE, &json!({ "id": room }), None).await;
    assert!(answer["error"].is_null(), "{answer}");
    answer["data"].clone()
}

/// Publishes where a share says to; the status of the answer.
async fn publish(share: &Value) -> u16 {
    publish_as(share, share["token"].as_str().unwrap()).await
}

async fn publish_as(share: &Value, token: &str) -> u16 {
    let request = reqwest::Client::new()
        .post(share["url"].as_str().unwrap())
        .bearer_auth(token)
        .header(header::CONTENT_TYPE, SDP)
        .body(OBS);
    request.send().await.unwrap().status().as_u16()
}

async fn stage(rushes: &Rushes) -> (Stage, String) {
    let stage = Stage::new(rushes).await;
    let room = stage.room().await;
    (stage, room)
}

#[tokio::test]
async fn hosts_share_and_the_others_where_the_room_does_not_keep_to_its_hosts() {
    let rushes = Rushes::start().await;
    let (stage, room) = stage(&rushes).await;
    let mut host = stage.enter(&stage.host, &room).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    let shared = share(&mut host, &room).await;
    assert_eq!(publish(&shared).await, 201);
    let id = json!({ "id": room });
    assert_eq!(code(&crew.socket.ask(SHARE, &id, None).await), 403);
    for mode in ["EVERYONE", "UNSYNCED"] {
        host.does(json!({ "op": "MODE", "sync_mode": mode })).await;
        let theirs = share(&mut crew, &room).await;
        assert_ne!(theirs["asset_id"], shared["asset_id"], "two share side by side");
        assert_eq!(publish(&theirs).await, 201);
    }
    // What is shared goes on when the room keeps to its hosts again; nothing new begins.
    host.does(json!({ "op": "MODE", "sync_mode": "HOST" })).await;
    assert_eq!(code(&crew.socket.ask(SHARE, &id, None).await), 403);

    let mut stranger = stage.socket(&stage.stranger.token).await;
    assert_eq!(code(&stranger.ask(SHARE, &id, None).await), 672);
    let draft = stage.draft().await;
    let draft = json!({ "id": draft["id"] });
    assert_eq!(code(&host.socket.ask(SHARE, &draft, None).await), 674);
    assert_eq!(code(&host.socket.ask(SHARE, &json!({}), None).await), 407);
}

#[tokio::test]
async fn a_guest_shares_where_everyone_may() {
    let rushes = Rushes::start().await;
    let (stage, room) = stage(&rushes).await;
    stage.invite(&room, &["guest@rushes.test"]).await;
    let guest = stage.guest(&super::guests::mailed(&rushes, "guest@rushes.test")).await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "MODE", "sync_mode": "EVERYONE" })).await;
    let mut guest = stage.enter(&guest, &room).await;
    let shared = share(&mut guest, &room).await;
    assert_eq!(publish(&shared).await, 201);
}

#[tokio::test]
async fn another_share_of_the_same_person_takes_over() {
    let rushes = Rushes::start().await;
    let (stage, room) = stage(&rushes).await;
    let mut host = stage.enter(&stage.host, &room).await;
    let first = share(&mut host, &room).await;
    assert_eq!(publish(&first).await, 201);
    let second = share(&mut host, &room).await;
    for same in ["asset_id", "url"] {
        assert_eq!(first[same], second[same]);
    }
    assert_eq!(publish(&first).await, 401, "the token before is void");
    assert_eq!(publish(&second).await, 201);
    // Not even a person's own token publishes in its place.
    assert_eq!(publish_as(&second, &stage.host.token).await, 403);
}

#[tokio::test]
async fn what_is_shared_is_the_rooms_alone() {
    let rushes = Rushes::start().await;
    let (stage, room) = stage(&rushes).await;
    let store = &rushes.app().store;
    let manager = stage.person(store, "manager", false, Some(default::MANAGER)).await;
    let mut host = stage.enter(&stage.host, &room).await;
    let shared = share(&mut host, &room).await;
    assert_eq!(publish(&shared).await, 201);

    let project = json!({ "project_id": stage.project });
    let sources = "/list/live/registrations";
    assert_eq!(stage.ask(&manager, sources, project.clone()).await, json!([]));
    let listed = stage.ask(&stage.host, sources, project).await;
    assert_eq!(
        (&listed[0]["type"], &listed[0]["name"]),
        (&json!("DESKTOP"), &json!("host Test's screen"))
    );
    assert!(!listed.to_string().contains(shared["token"].as_str().unwrap()));
    let registration = json!({ "id": listed[0]["id"] });
    for path in ["/get/live/details", "/delete/live/registration"] {
        assert_eq!(stage.refused(&manager, path, registration.clone()).await, (404, 404));
    }
    let asset = json!({ "id": shared["asset_id"] });
    assert_eq!(stage.refused(&manager, "/get/asset", asset.clone()).await, (404, 404));
    assert_eq!(stage.refused(&stage.crew, "/get/asset", asset.clone()).await, (404, 404));
    assert_eq!(stage.ask(&stage.host, "/get/asset", asset).await["subtype"], "STREAMING");
    // A list that follows the folder shows it to no other room either.
    let assets = stage.ask(&stage.host, "/get/review_session/assets", json!({ "id": room })).await;
    assert_eq!(assets.as_array().unwrap().len(), 2, "nothing arrives yet, so nothing is listed");
}

async fn is_void(share: &Value) {
    assert_eq!(publish(share).await, 401);
}

#[tokio::test]
async fn a_share_ends_with_the_wish_the_seat_and_the_room() {
    let rushes = Rushes::start().await;
    let (stage, room) = stage(&rushes).await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "MODE", "sync_mode": "EVERYONE" })).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    let theirs = share(&mut crew, &room).await;
    let ours = share(&mut host, &room).await;
    let of = |person: &Person| json!({ "id": room, "user_id": person.id });

    assert_eq!(code(&crew.socket.ask(UNSHARE, &of(&stage.host), None).await), 403);
    assert_eq!(publish(&ours).await, 201);
    for _ in 0..2 {
        let ended = host.socket.ask(UNSHARE, &of(&stage.crew), None).await;
        assert_eq!(ended["data"], json!({ "id": room }), "also when there is nothing to end");
        is_void(&theirs).await;
    }
    host.socket.ask(UNSHARE, &json!({ "id": room }), None).await;
    is_void(&ours).await;
    assert_eq!(publish(&share(&mut host, &room).await).await, 201, "and it may begin again");

    let theirs = share(&mut crew, &room).await;
    assert_eq!(publish(&theirs).await, 201);
    let alone = json!({ "id": room, "user_ids": [] });
    stage.ask(&stage.host, "/update/review_session", alone).await;
    is_void(&theirs).await;

    let ours = share(&mut host, &room).await;
    stage.ask(&stage.host, "/complete/review_session", json!({ "id": room })).await;
    is_void(&ours).await;
    stage.ask(&stage.host, "/delete/review_session", json!({ "id": room })).await;
    let asset = json!({ "id": ours["asset_id"] });
    assert_eq!(stage.refused(&stage.host, "/get/asset", asset).await, (404, 404));
}

#[tokio::test]
async fn a_production_without_folders_keeps_no_screen() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let group = json!({ "company_id": stage.company, "name": "Empty" });
    let admin = stage.person(&rushes.app().store, "producer", true, None).await;
    let group = stage.ask(&admin, "/create/group", group).await;
    let room = json!({ "group_id": group["id"], "name": "Room" });
    let (status, room) = stage.post(&admin.token, "/create/review_session", room).await;
    assert_eq!(status, StatusCode::OK, "{room}");
    let room = room["id"].as_str().unwrap();
    stage.ask(&admin, "/start/review_session", json!({ "id": room })).await;
    let mut host = stage.enter(&admin, room).await;
    let refused = host.socket.ask(SHARE, &json!({ "id": room }), None).await;
    assert_eq!(code(&refused), 404);
}

#[tokio::test]
async fn a_guest_sets_no_slate_for_what_the_room_shows() {
    let rushes = Rushes::start().await;
    let (stage, room) = stage(&rushes).await;
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "MODE", "sync_mode": "EVERYONE" })).await;
    stage.invite(&room, &["guest@rushes.test"]).await;
    let guest = stage.guest(&super::guests::mailed(&rushes, "guest@rushes.test")).await;
    let mut guest = stage.enter(&guest, &room).await;
    // Not even for what they share themselves.
    let shared = share(&mut guest, &room).await;
    let new = json!({ "project_id": stage.project, "name": "Camera", "description": "" });
    let camera = stage.ask(&stage.host, "/create/live/registration/whip", new).await;
    for id in [&shared["asset_id"], &camera["id"], &json!("nothing")] {
        for on in [true, false] {
            let wish = json!({ "id": id, "on": on });
            let answer = guest.socket.ask("rushes/live/slate", &wish, None).await;
            assert_eq!(code(&answer), 403, "{id}");
        }
    }
    let details = json!({ "id": camera["id"] });
    let details = stage.ask(&stage.host, "/get/live/details", details).await;
    assert_eq!(details["additional_details"]["slate"], false);
    let wish = json!({ "id": camera["id"], "on": true });
    let mut host = stage.socket(&stage.host.token).await;
    assert_eq!(host.ask("rushes/live/slate", &wish, None).await["data"]["slate"], true);
}
