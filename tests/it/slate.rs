//! Slates of sources that are away: who asks for them, where they stand, and what a viewer is answered.

use reqwest::StatusCode;
use rushes::store::security::default;
use serde_json::{Value, json};

use crate::{
    harness::{Socket, code},
    live_stage::{SDP, Stage, VIEWER, watch},
};

const SLATE: &str = "rushes/live/slate";

async fn set(socket: &mut Socket, id: &Value, on: bool) -> Value {
    socket.ask(SLATE, &json!({ "id": id, "on": on }), None).await
}

/// What the API says of the source's slate, in the details and in the list.
async fn told(stage: &Stage) -> Value {
    let details = stage.details().await;
    let list = json!({ "project_id": stage.project });
    let listed = stage.ask("/list/live/registrations", list).await;
    let told = details["additional_details"]["slate"].clone();
    assert_eq!(listed[0]["additional_details"]["slate"], told);
    told
}

/// The status of an offer to view.
async fn viewed(stage: &Stage, id: &str) -> StatusCode {
    stage.offer(&watch(id), Some(&stage.admin.token), SDP, VIEWER.to_owned()).await.status()
}

#[tokio::test]
async fn whoever_watches_is_let_in_although_nobody_publishes_where_that_was_asked_for() {
    let stage = Stage::new().await;
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    let id = json!(stage.registration);
    assert_eq!(told(&stage).await, false);
    assert_eq!(viewed(&stage, &stage.registration).await, StatusCode::CONFLICT);

    let answer = set(&mut socket, &id, true).await["data"].clone();
    assert_eq!(answer, json!({ "id": id, "asset_id": null, "slate": true }));
    assert_eq!(told(&stage).await, true);
    assert_eq!(viewed(&stage, &stage.registration).await, StatusCode::CREATED);
    // It goes on saying that nobody publishes.
    let details = stage.details().await;
    assert_eq!((&details["status"], &details["last_connected"]), (&json!("WAITING"), &Value::Null));
    assert_eq!(details["additional_details"]["picture_url"], Value::Null);

    // Once more changes nothing, and an asset's id is as good.
    stage.publish().await;
    let asset = stage.details().await["additional_details"]["asset_id"].clone();
    let again = set(&mut socket, &asset, true).await["data"].clone();
    assert_eq!(again, json!({ "id": id, "asset_id": asset, "slate": true }));
    assert_eq!(set(&mut socket, &asset, false).await["data"]["slate"], false);
    assert_eq!(told(&stage).await, false);
    assert_eq!(viewed(&stage, &stage.registration).await, StatusCode::CONFLICT);
}

#[tokio::test]
async fn only_who_manages_the_sources_of_its_folder_asks_for_one() {
    let stage = Stage::new().await;
    let id = json!(stage.registration);
    let watcher = stage.member("watcher", default::VIEWER).await;
    let manager = stage.member("manager", default::MANAGER).await;
    let stranger = stage.rushes.person("stranger").await;
    for (who, expected) in [(&watcher, 800), (&stranger, 404)] {
        let mut socket = stage.rushes.socket(Some(&who.token)).await;
        assert_eq!(code(&set(&mut socket, &id, true).await), expected);
        assert_eq!(code(&set(&mut socket, &json!("nothing"), true).await), 404);
    }
    assert_eq!(told(&stage).await, false);
    let mut socket = stage.rushes.socket(Some(&manager.token)).await;
    assert_eq!(set(&mut socket, &id, true).await["data"]["slate"], true);
    for data in [json!({}), json!({ "id": id }), json!({ "id": id, "on": "yes" })] {
        assert_eq!(code(&socket.ask(SLATE, &data, None).await), 407, "{data}");
    }
    // Whoever watches hears of it, and changes nothing.
    let (_, seen) =
        stage.rushes.post("/get/live/details", Some(&watcher.token), &json!({ "id": id })).await;
    assert_eq!(seen["additional_details"]["slate"], true);
    let mut socket = stage.rushes.socket(Some(&watcher.token)).await;
    assert_eq!(code(&set(&mut socket, &id, false).await), 800);
    assert_eq!(told(&stage).await, true);
}

#[tokio::test]
async fn a_composite_has_no_slate_of_its_own() {
    let stage = Stage::new().await;
    let new = json!({ "project_id": stage.project, "name": "Wall", "description": "" });
    let made = stage.ask("/create/live/registration/composite", new).await;
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    assert_eq!(code(&set(&mut socket, &made["id"], true).await), 407);
    let details = stage.ask("/get/live/details", json!({ "id": made["id"] })).await;
    assert_eq!(details["additional_details"]["slate"], Value::Null);
}

#[tokio::test]
async fn it_is_there_after_a_restart_and_goes_with_its_source() {
    let mut stage = Stage::new().await;
    let id = json!(stage.registration);
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    set(&mut socket, &id, true).await;
    drop(socket);
    stage.rushes = stage.rushes.restart().await;
    assert_eq!(told(&stage).await, true);
    assert_eq!(viewed(&stage, &stage.registration).await, StatusCode::CREATED);

    stage.ask("/delete/live/registration", json!({ "id": id })).await;
    assert_eq!(viewed(&stage, &stage.registration).await, StatusCode::NOT_FOUND);
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    assert_eq!(code(&set(&mut socket, &id, true).await), 404);
}
