//! Live sources: who may publish and watch, and what becomes of a source.

use reqwest::{StatusCode, header};
use rushes::{
    store::{credentials, credentials::NewToken, rooms, security::default, text::TokenKind},
    time::Millis,
};
use serde_json::{Value, json};

use crate::{
    harness::{Person, code},
    live_stage::{OBS, SDP, Stage, VIEWER, header_of, watch},
};

#[tokio::test]
async fn a_publisher_without_the_right_is_refused() {
    let stage = Stage::new().await;
    let offer = || OBS.to_owned();
    let (status, reason) = stage.refused(&stage.path, None, SDP, offer()).await;
    assert!(status == 401 && reason.contains("Bearer"), "{reason}");
    let wrong = "F".repeat(64);
    assert_eq!(stage.refused(&stage.path, Some(&wrong), SDP, offer()).await.0, 401);
    assert_eq!(stage.refused(&stage.path, Some("x"), SDP, offer()).await.0, 401);

    let other = json!({ "project_id": stage.project, "name": "Other", "description": "" });
    let other = stage.ask("/create/live/registration/whip", other).await;
    let token = other["token"].as_str().unwrap();
    stage.publish().await;
    let (status, reason) = stage.refused(&stage.path, Some(token), SDP, offer()).await;
    assert_eq!((status, reason.as_str()), (403, "the token belongs to another registration"));

    let stranger = stage.rushes.person("stranger").await;
    assert_eq!(stage.refused(&stage.path, Some(&stranger.token), SDP, offer()).await.0, 404);
    let watcher = stage.member("watcher", default::VIEWER).await;
    assert_eq!(stage.refused(&stage.path, Some(&watcher.token), SDP, offer()).await.0, 403);
    assert_eq!(stage.details().await["status"], "CONNECTING", "the publisher is not disturbed");
}

#[tokio::test]
async fn a_viewer_without_the_right_finds_nothing() {
    let stage = Stage::new().await;
    let path = watch(&stage.registration);
    let offer = || VIEWER.to_owned();
    let (status, _) = stage.refused(&path, Some(&stage.admin.token), SDP, offer()).await;
    assert_eq!(status, 409, "nobody publishes");
    stage.publish().await;
    assert_eq!(stage.refused(&path, None, SDP, offer()).await.0, 401);
    assert_eq!(stage.refused(&path, Some(&"0".repeat(64)), SDP, offer()).await.0, 401);
    let stranger = stage.rushes.person("stranger").await;
    let (status, reason) = stage.refused(&path, Some(&stranger.token), SDP, offer()).await;
    let absent = watch(&"0".repeat(32));
    let nothing = stage.refused(&absent, Some(&stranger.token), SDP, offer()).await;
    assert_eq!((status, reason), nothing, "like what is not there");

    let watcher = stage.member("watcher", default::VIEWER).await;
    let response = stage.awaits(&path, &watcher.token, offer()).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let asset = stage.details().await["additional_details"]["asset_id"].clone();
    let by_asset = watch(asset.as_str().unwrap());
    let response = stage.awaits(&by_asset, &watcher.token, offer()).await;
    assert_eq!(response.status(), StatusCode::CREATED);
}

async fn seat(stage: &Stage, person: &Person, room: &Value) {
    let room = room.as_str().unwrap().parse().unwrap();
    let mut tx = stage.rushes.app().store.write().await.unwrap();
    rooms::add_seat(&mut tx, room, person.id, None, Millis::now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// A guest with a seat in a room, as their link would make one.
async fn guest_of(stage: &Stage, name: &str, room: &Value) -> String {
    let guest = stage.rushes.person(name).await;
    seat(stage, &guest, room).await;
    let token = NewToken {
        user_id: guest.id,
        kind: TokenKind::Guest,
        room_id: Some(room.as_str().unwrap().parse().unwrap()),
        lifetime: std::time::Duration::from_secs(60),
    };
    let mut tx = stage.rushes.app().store.write().await.unwrap();
    let token = credentials::create_token(&mut tx, token, Millis::now()).await.unwrap();
    tx.commit().await.unwrap();
    token.reveal().to_owned()
}

#[tokio::test]
async fn who_attends_a_room_watches_what_it_shows() {
    let stage = Stage::new().await;
    stage.publish().await;
    let details = stage.details().await;
    let asset = &details["additional_details"]["asset_id"];
    let path = watch(asset.as_str().unwrap());
    let attendee = stage.rushes.person("attendee").await;
    let playlist = stage.ask("/create/playlist", json!({ "name": "Live" })).await;
    let mut ids = Vec::new();
    for playlists in [json!([playlist["id"]]), json!([])] {
        let room = json!({
            "group_id": details["group"], "name": "Room", "playlist_ids": playlists,
        });
        let room = stage.ask("/create/review_session", room).await;
        stage.ask("/start/review_session", json!({ "id": room["id"] })).await;
        ids.push(room["id"].clone());
    }
    seat(&stage, &attendee, &ids[0]).await;
    let guest = guest_of(&stage, "guest", &ids[0]).await;
    let elsewhere = guest_of(&stage, "elsewhere", &ids[1]).await;
    let offer = || VIEWER.to_owned();
    for token in [&guest, &elsewhere, &attendee.token] {
        let refused = stage.refused(&path, Some(token), SDP, offer()).await;
        assert_eq!(refused.0, 404, "no room shows it yet");
    }
    let added = json!({ "id": playlist["id"], "asset_ids": [asset] });
    stage.ask("/add/playlist/assets", added).await;
    for token in [&guest, &attendee.token] {
        let response = stage.awaits(&path, token, offer()).await;
        assert_eq!(response.status(), StatusCode::CREATED);
    }
    let refused = stage.refused(&path, Some(&elsewhere), SDP, offer()).await;
    assert_eq!(refused.0, 404, "that room shows nothing");
    let publishes = stage.refused(&stage.path, Some(&guest), SDP, OBS.to_owned()).await;
    assert_eq!(publishes, (403, "guests do not publish".to_owned()));

    let mut socket = stage.rushes.socket(Some(&attendee.token)).await;
    socket.ask("rushes/room/subscribe", &json!({ "id": ids[0] }), None).await;
    stage.ask("/delete/live/registration", json!({ "id": stage.registration })).await;
    loop {
        let event = socket.receive().await.unwrap();
        if event["event_type"] == "REVIEW_SESSION_PLAYLIST_ASSETS_UPDATED" {
            assert_eq!(event["data"]["id"], ids[0]);
            break;
        }
    }
}

/// Opens a viewer's session; gives back where it is told what happens.
async fn follow(stage: &Stage, path: &str, token: &str) -> String {
    let opened = stage.awaits(path, token, VIEWER).await;
    assert_eq!(opened.status(), StatusCode::CREATED);
    let events = format!("{}/events", header_of(&opened, "location"));
    let made = stage.request("POST", &events).bearer_auth(token).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    header_of(&made, "location")
}

#[tokio::test]
async fn who_may_not_watch_any_more_is_sent_away() {
    let stage = Stage::new().await;
    stage.publish().await;
    let details = stage.details().await;
    let asset = &details["additional_details"]["asset_id"];
    let path = watch(asset.as_str().unwrap());
    let playlist = stage.ask("/create/playlist", json!({ "name": "Live" })).await;
    stage.ask("/add/playlist/assets", json!({ "id": playlist["id"], "asset_ids": [asset] })).await;
    let room = json!({
        "group_id": details["group"], "name": "Room", "playlist_ids": [playlist["id"]],
    });
    let room = stage.ask("/create/review_session", room).await;
    stage.ask("/start/review_session", json!({ "id": room["id"] })).await;
    let guest = guest_of(&stage, "guest", &room["id"]).await;
    let guests = follow(&stage, &path, &guest).await;
    let owners = follow(&stage, &path, &stage.admin.token).await;
    let mut told = stage.request("GET", &guests).send().await.unwrap();
    assert!(told.chunk().await.unwrap().is_some());

    stage.ask("/complete/review_session", json!({ "id": room["id"] })).await;
    while told.chunk().await.unwrap().is_some() {}
    let of = async |events: &str| stage.request("GET", events).send().await.unwrap().status();
    assert_eq!((of(&guests).await, of(&owners).await), (StatusCode::NOT_FOUND, StatusCode::OK));
    assert_eq!(stage.refused(&path, Some(&guest), SDP, VIEWER.to_owned()).await.0, 404);
}

#[tokio::test]
async fn the_first_publisher_makes_the_asset_and_the_next_finds_it() {
    let stage = Stage::new().await;
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    assert_eq!(stage.details().await["additional_details"]["asset_id"], Value::Null);
    stage.publish().await;
    let event = loop {
        let event = socket.receive().await.unwrap();
        if event["event_type"] == "ASSET_CREATED" {
            break event;
        }
    };
    let details = stage.details().await;
    let asset = &details["additional_details"]["asset_id"];
    assert_eq!(&event["data"]["id"], asset);
    assert!(details["last_connected"].is_string());
    let shown = stage.ask("/get/asset", json!({ "id": asset })).await;
    assert_eq!((&shown["subtype"], &shown["name"]), (&json!("STREAMING"), &json!("OBS")));
    assert_eq!(shown["is_live"], false, "it was answered; media has not come");
    stage.publish().await;
    assert_eq!(&stage.details().await["additional_details"]["asset_id"], asset);
}

#[tokio::test]
async fn the_token_is_shown_once() {
    let stage = Stage::new().await;
    let list = json!({ "project_id": stage.project });
    for path in ["/list/live/registrations", "/list/live/registrations/v2"] {
        let listed = stage.ask(path, list.clone()).await;
        assert_eq!(listed[0]["id"], json!(stage.registration));
        assert_eq!((&listed[0]["type"], &listed[0]["status"]), (&json!("WHIP"), &json!("WAITING")));
        assert!(!listed.to_string().contains(&stage.token));
    }
    assert!(!stage.details().await.to_string().contains(&stage.token));
    let stranger = stage.rushes.person("stranger").await;
    let (_, answer) = stage.rushes.post(path_of_list(), Some(&stranger.token), &list).await;
    assert_eq!(code(&answer), 404);
    let watcher = stage.member("watcher", default::VIEWER).await;
    let new = json!({ "project_id": stage.project, "name": "x", "description": "" });
    let path = "/create/live/registration/whip";
    let (_, answer) = stage.rushes.post(path, Some(&watcher.token), &new).await;
    assert_eq!(code(&answer), 800);
}

fn path_of_list() -> &'static str {
    "/list/live/registrations"
}

#[tokio::test]
async fn a_person_publishes_under_names_of_their_own() {
    let stage = Stage::new().await;
    let member = stage.member("camera", default::CONTRIBUTOR).await;
    let path = format!("/start/live/whip/{}/Camera%20A/2", stage.project);
    for _ in 0..2 {
        let response = stage.offer(&path, Some(&member.token), SDP, OBS.to_owned()).await;
        assert_eq!(response.status(), StatusCode::CREATED);
    }
    let listed =
        stage.ask("/list/live/registrations", json!({ "project_id": stage.project })).await;
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 2, "the same names are the same source");
    assert_eq!(listed[1]["name"], "Camera A 2");
    assert_eq!(listed[1]["status"], "CONNECTING");

    let stop = stage.rushes.url(&path.replace("/start/", "/stop/"));
    let stopped = |token: &str| stage.rushes.client.post(&stop).header("X-Token", token).send();
    let stranger = stage.rushes.person("stranger").await;
    assert_eq!(stopped(&stranger.token).await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(stopped("nobody").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stopped(&member.token).await.unwrap().status(), StatusCode::OK);
    let listed =
        stage.ask("/list/live/registrations", json!({ "project_id": stage.project })).await;
    assert_eq!(listed[1]["status"], "WAITING");
}

#[tokio::test]
async fn a_deleted_registration_is_over() {
    let stage = Stage::new().await;
    let session = stage.publish().await.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let deleted = json!({ "id": stage.registration });
    let stranger = stage.rushes.person("stranger").await;
    let path = "/delete/live/registration";
    let (_, answer) = stage.rushes.post(path, Some(&stranger.token), &deleted).await;
    assert_eq!(code(&answer), 404);
    assert_eq!(stage.ask(path, deleted.clone()).await["success"], true);
    let offer = OBS.to_owned();
    assert_eq!(stage.refused(&stage.path, Some(&stage.token), SDP, offer).await.0, 401);
    let (_, answer) =
        stage.rushes.post("/get/live/details", Some(&stage.admin.token), &deleted).await;
    assert_eq!(code(&answer), 404);
    let client = &stage.rushes.client;
    let ended = client.delete(stage.rushes.url(&session)).bearer_auth(&stage.token).send().await;
    assert_eq!(ended.unwrap().status(), StatusCode::OK, "its client still says goodbye");
}

#[tokio::test]
async fn servers_are_told_to_those_who_may_watch() {
    let stage = Stage::with(|config| {
        config.ice_servers = vec!["turn:turn.example.com".parse().unwrap()];
        config.turn_secret = "north".parse().ok();
    })
    .await;
    let uri = stage.details().await["stream_uri"].clone();
    for uri in [uri.clone(), json!(stage.registration)] {
        let told = stage.ask("/list/live/servers", json!({ "stream_uri": uri })).await;
        let server = &told[0]["webrtc_server_configuration"]["iceServers"][0];
        assert_eq!(server["urls"], json!(["turn:turn.example.com"]));
        assert!(server["username"].as_str().unwrap().ends_with(":rushes"));
        assert!(!told.to_string().contains("north"));
    }
    let stranger = stage.rushes.person("stranger").await;
    let ask = json!({ "stream_uri": uri });
    let (_, answer) = stage.rushes.post("/list/live/servers", Some(&stranger.token), &ask).await;
    assert_eq!(code(&answer), 404);
}

#[tokio::test]
async fn administrators_see_what_is_measured_in_their_companies() {
    let stage = Stage::new().await;
    stage.publish().await;
    let all = stage.ask("/admin/live/info", json!({})).await;
    let details = &all["details"];
    assert_eq!(details["streams"][0]["id"], json!(stage.registration));
    assert_eq!(details["streams"][0]["state"], "CONNECTING");
    assert_eq!(details["server"]["reachability"], json!([]));
    let one = json!({ "stream_identifier": stage.registration });
    let told = stage.ask("/admin/live/info", one.clone()).await;
    assert_eq!(told["details"]["streams"][0]["viewer_statistics"], json!([]));
    assert!(!told.to_string().contains(&stage.token));
    let path = "/admin/live/info";
    let stranger = stage.rushes.person("stranger").await;
    let (_, answer) = stage.rushes.post(path, Some(&stranger.token), &one).await;
    assert!(matches!(code(&answer), 404 | 800), "{answer}");
    let (_, answer) = stage.rushes.post(path, Some(&stranger.token), &json!({})).await;
    assert!(!answer.to_string().contains(&stage.registration), "{answer}");
    let watcher = stage.member("watcher", default::VIEWER).await;
    let (_, answer) = stage.rushes.post(path, Some(&watcher.token), &one).await;
    assert!(answer["error"].is_object(), "{answer}");
}

#[tokio::test]
async fn a_screen_is_registered_and_published_with_a_persons_own_token() {
    let stage = Stage::new().await;
    let path = "/create/live/registration/desktop";
    let new = json!({ "project_id": stage.project, "name": "Grading desk", "description": "HDR" });
    let member = stage.member("operator", default::CONTRIBUTOR).await;
    let (_, made) = stage.rushes.post(path, Some(&member.token), &new).await;
    assert_eq!(made["success"], true, "{made}");
    let fields: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["id", "success"], "as the contract has it");

    let stranger = stage.rushes.person("stranger").await;
    let (_, answer) = stage.rushes.post(path, Some(&stranger.token), &new).await;
    assert_eq!(code(&answer), 404);
    let watcher = stage.member("watcher", default::VIEWER).await;
    let (_, answer) = stage.rushes.post(path, Some(&watcher.token), &new).await;
    assert_eq!(code(&answer), 800);
    let (_, answer) = stage.rushes.post(path, None, &new).await;
    assert_eq!(code(&answer), 405);
    let unnamed = json!({ "project_id": stage.project, "description": "" });
    let (_, answer) = stage.rushes.post(path, Some(&member.token), &unnamed).await;
    assert_eq!(code(&answer), 600);

    let list = json!({ "project_id": stage.project });
    let (_, listed) = stage.rushes.post(path_of_list(), Some(&watcher.token), &list).await;
    let listed = &listed[1];
    assert_eq!((&listed["id"], &listed["type"]), (&made["id"], &json!("DESKTOP")));
    assert_eq!((&listed["name"], &listed["status"]), (&json!("Grading desk"), &json!("WAITING")));
    let address = listed["registration_data"].as_str().unwrap();
    let address = address.strip_prefix(&stage.rushes.url("")).unwrap().to_owned();
    assert_eq!(
        stage.refused(&address, Some(&watcher.token), SDP, OBS.to_owned()).await.0,
        403,
        "who may not upload does not publish"
    );
    let response = stage.offer(&address, Some(&member.token), SDP, OBS.to_owned()).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let details = stage.ask("/get/live/details", json!({ "id": made["id"] })).await;
    assert_eq!((&details["type"], &details["status"]), (&json!("DESKTOP"), &json!("CONNECTING")));
    assert!(details["additional_details"]["asset_id"].is_string(), "{details}");
}
