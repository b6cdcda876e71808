//! Composites over the API: made, shown, changed, refused, and there again after a restart; and the
//! pictures of live sources, which need no publisher here: a composite of nobody is a slate.

use std::time::Duration;

use reqwest::{StatusCode, header};
use rushes::store::security::default;
use serde_json::{Value, json};

use crate::{
    harness::{Rushes, code},
    live_stage::{OBS, SDP, Stage},
};

const CREATE: &str = "/create/live/registration/composite";
const UPDATE: &str = "/update/live/registration/composite";
const DETAILS: &str = "/get/live/details";
const DELETE: &str = "/delete/live/registration";
/// A test that waits longer than this for something has failed.
const LONGEST: Duration = Duration::from_secs(60);

/// A small canvas with one cell.
fn layout(source: &str) -> Value {
    json!({
        "canvas": { "width": 128, "height": 64, "fps": 10 },
        "cells": [{ "source": source, "x": 0, "y": 0, "width": 64, "height": 64, "label": "A" }],
    })
}

fn new(stage: &Stage, layout: Value) -> Value {
    json!({ "project_id": stage.project, "name": "Wall", "description": "All", "layout": layout })
}

async fn refused(stage: &Stage, token: &str, path: &str, body: &Value) -> (u64, String) {
    let (status, answer) = stage.rushes.post(path, Some(token), body).await;
    assert_ne!(status, StatusCode::OK, "{answer}");
    (code(&answer), answer["error"]["message"].as_str().unwrap_or_default().to_owned())
}

/// What is said of a source, once it is live.
async fn live(rushes: &Rushes, token: &str, id: &Value) -> Value {
    let looked = async {
        loop {
            let (_, details) = rushes.post(DETAILS, Some(token), &json!({ "id": id })).await;
            if details["status"] == "LIVE" {
                return details;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST, looked).await.expect("it was never live")
}

#[tokio::test]
async fn a_composite_is_made_shown_changed_and_deleted() {
    let stage = Stage::new().await;
    let token = stage.admin.token.clone();
    let made = stage.ask(CREATE, new(&stage, layout(&stage.registration))).await;
    let id = &made["id"];
    let whep = stage.rushes.url(&format!("/live/whep/{}", id.as_str().unwrap()));
    assert_eq!((&made["success"], &made["stream_uri"]), (&json!(true), &json!(whep)));
    let details = live(&stage.rushes, &token, id).await;
    assert_eq!((&details["type"], &details["name"]), (&json!("COMPOSITE"), &json!("Wall")));
    assert_eq!(
        (&details["registration_data"], &details["stream_uri"]),
        (&json!(whep), &json!(whep))
    );
    let of = &details["additional_details"];
    assert_eq!(of["layout"], layout(&stage.registration));
    assert_eq!((&of["video"]["width"], &of["problems"]), (&json!(128), &json!([])));
    assert!(!of["asset_id"].is_null(), "rooms show it by its asset: {of}");

    let other = json!({ "canvas": { "width": 256, "height": 128, "fps": 10 } });
    let body = json!({ "id": id, "name": "Wall 2", "description": "None", "layout": other });
    assert_eq!(stage.ask(UPDATE, body).await["success"], true);
    let looked = async {
        loop {
            let details = live(&stage.rushes, &token, id).await;
            if details["additional_details"]["video"]["width"] == 256 {
                return details;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let details = tokio::time::timeout(LONGEST, looked).await.unwrap();
    assert_eq!((&details["name"], &details["description"]), (&json!("Wall 2"), &json!("None")));
    assert_eq!(details["additional_details"]["layout"], other);

    // Nobody publishes it.
    let path = format!("/start/live/whip/{}/{}/composite", stage.project, id.as_str().unwrap());
    assert_eq!(stage.refused(&path, Some(&token), SDP, OBS.to_owned()).await.0, 404);
    stage.ask(DELETE, json!({ "id": id })).await;
    assert_eq!(refused(&stage, &token, DETAILS, &json!({ "id": id })).await.0, 404);
    assert_eq!(stage.rushes.app().composites.get().unwrap().all(), []);
}

#[tokio::test]
async fn what_is_no_layout_is_refused_with_its_place_and_so_are_sources_that_are_none() {
    let stage = Stage::new().await;
    let token = stage.admin.token.clone();
    let registration = stage.registration.clone();
    let mut bad = layout(&registration);
    bad["cells"][0]["width"] = json!(63);
    let unknown = "0190b3a2-5b1c-7d2e-8f00-0123456789ab";
    let wall = stage.ask(CREATE, new(&stage, layout(&registration))).await;
    let wall = wall["id"].as_str().unwrap().to_owned();
    for (layout, expected, says) in [
        (bad, 407, "layout.cells[0]: x, y, width and height"),
        (json!({ "cells": [{}] }), 407, "layout.cells[0]: missing field `source`"),
        (json!({ "size": 4 }), 407, "layout.size"),
        (layout(unknown), 404, "layout.cells[0].source"),
        (layout(&wall), 407, "layout.cells[0].source: a composite"),
    ] {
        let (code, message) = refused(&stage, &token, CREATE, &new(&stage, layout.clone())).await;
        assert!(code == expected && message.starts_with(says), "{layout}: {code} {message}");
        let body = json!({ "id": wall, "name": "Wall", "description": "", "layout": layout });
        let (code, message) = refused(&stage, &token, UPDATE, &body).await;
        assert!(code == expected && message.starts_with(says), "{layout}: {code} {message}");
    }
    let body = json!({
        "id": registration, "name": "OBS", "description": "", "layout": layout(&registration),
    });
    assert_eq!(refused(&stage, &token, UPDATE, &body).await.0, 404, "it is no composite");
}

#[tokio::test]
async fn nobody_shows_by_a_composite_what_they_do_not_see() {
    let stage = Stage::new().await;
    let mine = new(&stage, layout(&stage.registration));
    let watcher = stage.member("watcher", default::VIEWER).await;
    assert_eq!(refused(&stage, &watcher.token, CREATE, &mine).await.0, 800);
    let stranger = stage.rushes.person("stranger").await;
    assert_eq!(refused(&stage, &stranger.token, CREATE, &mine).await.0, 404);

    // A production of the stranger's own: our source is none that they know of.
    let post = |path: &'static str, body: Value| {
        let (rushes, token) = (&stage.rushes, stranger.token.clone());
        async move { rushes.post(path, Some(&token), &body).await.1 }
    };
    let companies = post("/get/companies", json!({})).await;
    let group = json!({ "company_id": companies[0]["id"], "name": "Other" });
    let group = post("/create/group", group).await;
    let project = json!({ "group_id": group["id"], "name": "Day 1" });
    let project = post("/create/project", project).await;
    let mut body = mine.clone();
    body["project_id"] = project["id"].clone();
    let (code, message) = refused(&stage, &stranger.token, CREATE, &body).await;
    assert!(code == 404 && message.contains("layout.cells[0].source"), "{code} {message}");

    // Another production of our own: who sees that one need not see this one.
    let companies = stage.ask("/get/companies", json!({})).await;
    let group = json!({ "company_id": companies[0]["id"], "name": "Second" });
    let group = stage.ask("/create/group", group).await;
    let project = json!({ "group_id": group["id"], "name": "Day 1" });
    body["project_id"] = stage.ask("/create/project", project).await["id"].clone();
    let (code, message) = refused(&stage, &stage.admin.token, CREATE, &body).await;
    assert!(code == 418 && message.contains("another production"), "{code} {message}");
}

#[tokio::test]
async fn a_server_makes_as_many_as_it_was_told_and_again_after_a_restart() {
    let stage = Stage::with(|config| config.composites = 1).await;
    let mut body = new(&stage, layout(&stage.registration));
    let made = stage.ask(CREATE, body.clone()).await;
    let (code, message) = refused(&stage, &stage.admin.token, CREATE, &body).await;
    assert!(code == 900 && message.contains("--composites"), "{code} {message}");
    stage.ask(DELETE, json!({ "id": made["id"] })).await;
    // Without a layout there is a canvas with nothing on it.
    body.as_object_mut().unwrap().remove("layout");
    let made = stage.ask(CREATE, body).await;
    let update = json!({
        "id": made["id"], "name": "Wall", "description": "", "layout": layout(&stage.registration),
    });
    stage.ask(UPDATE, update).await;

    let registration = stage.registration.clone();
    let Stage { rushes, admin, .. } = stage;
    let rushes = rushes.restart().await;
    let details = live(&rushes, &admin.token, &made["id"]).await;
    assert_eq!(details["additional_details"]["layout"], layout(&registration));
    let whep = rushes.url(&format!("/live/whep/{}", made["id"].as_str().unwrap()));
    assert_eq!(details["stream_uri"], whep);
}

#[tokio::test]
async fn the_picture_of_a_source_is_for_those_who_may_watch_it() {
    let stage = Stage::new().await;
    let made = stage.ask(CREATE, new(&stage, layout(&stage.registration))).await;
    let id = &made["id"];
    let watcher = stage.member("watcher", default::VIEWER).await;
    let details = live(&stage.rushes, &watcher.token, id).await;
    let url = details["additional_details"]["picture_url"].as_str().unwrap().to_owned();
    let get = |url: String| stage.rushes.client.get(url).send();
    // It is live from the first packet on, and its first key frame has more.
    let shown = async {
        loop {
            let response = get(url.clone()).await.unwrap();
            if response.status() == StatusCode::OK {
                return response;
            }
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let shown = tokio::time::timeout(LONGEST, shown).await.unwrap();
    assert_eq!(shown.headers()[header::CONTENT_TYPE], "image/jpeg");
    let bytes = shown.bytes().await.unwrap();
    let picture = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).unwrap();
    assert_eq!((picture.width(), picture.height()), (128, 64));

    let (path, token) = url.split_once("?token=").unwrap();
    for wrong in [path.to_owned(), format!("{path}?token=1.2.3"), format!("{url}0")] {
        assert_eq!(get(wrong.clone()).await.unwrap().status(), StatusCode::UNAUTHORIZED, "{wrong}");
    }
    let other = path.replace(id.as_str().unwrap(), &stage.registration);
    let other = get(format!("{other}?token={token}")).await.unwrap();
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED, "it is a link to one source");

    // Nobody publishes the other source, and there is no picture of it.
    let details = stage.details().await;
    assert_eq!(details["additional_details"]["picture_url"], Value::Null);

    // A link ends with the rights of whom it was given to.
    let mut tx = stage.rushes.app().store.write().await.unwrap();
    let (project, user) = (stage.project, watcher.id);
    rushes::store::members::leave_project(&mut tx, project, user).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(url).await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_composite_whose_folder_is_deleted_makes_room_for_another() {
    let stage = Stage::with(|config| config.composites = 1).await;
    let group = stage.ask("/get/live/details", json!({ "id": stage.registration })).await;
    let folder = json!({ "group_id": group["group"], "name": "Day 2" });
    let folder = stage.ask("/create/project", folder).await;
    let mut body = new(&stage, layout(&stage.registration));
    body["project_id"] = folder["id"].clone();
    stage.ask(CREATE, body).await;
    stage.ask("/delete/project", json!({ "id": folder["id"] })).await;
    let made = stage.ask(CREATE, new(&stage, layout(&stage.registration))).await;
    live(&stage.rushes, &stage.admin.token, &made["id"]).await;
}
