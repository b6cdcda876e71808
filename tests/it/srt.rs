//! SRT sources over the API: registered, shown, stopped and started.

use std::{io, net::SocketAddr, time::Duration};

use futures_util::SinkExt as _;
use reqwest::StatusCode;
use rushes::store::security::default;
use serde_json::{Value, json};
use srt_tokio::SrtSocket;

use crate::{
    harness::code,
    live_stage::{OBS, SDP, Stage},
};

async fn register(stage: &Stage) -> Value {
    let new = json!({ "project_id": stage.project, "name": "B cam", "description": "Encoder" });
    stage.ask("/create/live/registration/srt", new).await
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

#[tokio::test]
async fn a_source_is_registered_and_its_passphrase_is_shown_once() {
    let stage = Stage::new().await;
    let made = register(&stage).await;
    let (id, token) = (text(&made, "id"), text(&made, "token"));
    let port = stage.rushes.app().srt.get().unwrap().local_addr();
    assert_eq!(text(&made, "stream_id"), id);
    assert_eq!(token.len(), 32);
    let url = format!("srt://{port}?streamid={id}");
    assert_eq!(text(&made, "url"), format!("{url}&passphrase={token}"));
    assert_ne!(text(&register(&stage).await, "token"), token, "each has its own");

    let all = stage.ask("/list/live/registrations", json!({ "project_id": stage.project })).await;
    let details = stage.ask("/get/live/details", json!({ "id": id })).await;
    let listed = all.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
    for shown in [listed, &details] {
        assert_eq!((text(shown, "type"), text(shown, "status")), ("SRT", "WAITING"));
        assert_eq!(text(shown, "registration_data"), url);
        assert_eq!(text(&shown["additional_details"], "stream_id"), id);
        assert_eq!(text(&shown["additional_details"], "url"), url);
        assert!(!shown.to_string().contains(token));
    }
    let info = stage.ask("/admin/live/info", json!({})).await;
    assert!(!info.to_string().contains(token));

    let watcher = stage.member("watcher", default::VIEWER).await;
    let new = json!({ "project_id": stage.project, "name": "C cam", "description": "" });
    let path = "/create/live/registration/srt";
    let (status, _) = stage.rushes.post(path, Some(&watcher.token), &new).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_srt_source_is_no_whip_source() {
    let stage = Stage::new().await;
    let made = register(&stage).await;
    let (id, token) = (text(&made, "id"), text(&made, "token"));
    let path = format!("/start/live/whip/{}/{id}/srt", stage.project);
    let (status, _) = stage.refused(&path, Some(token), SDP, OBS.to_owned()).await;
    assert_eq!(status, 401, "the passphrase is no token");
    let admin = Some(stage.admin.token.as_str());
    assert_eq!(stage.refused(&path, admin, SDP, OBS.to_owned()).await.0, 404);
}

#[tokio::test]
async fn a_source_is_stopped_by_who_may_and_started_by_who_has_its_passphrase() {
    let stage = Stage::new().await;
    let made = register(&stage).await;
    let (id, token, url) = (text(&made, "id"), text(&made, "token"), text(&made, "url"));
    let status =
        async || stage.ask("/get/live/details", json!({ "id": id })).await["status"].clone();

    let stop = json!({ "stream_uri": url });
    for (name, group, expected) in [("watcher", Some(default::VIEWER), 403), ("nobody", None, 404)]
    {
        let person = match group {
            Some(group) => stage.member(name, group).await,
            None => stage.rushes.person(name).await,
        };
        let answer = stage.rushes.post("/stop/live/stream", Some(&person.token), &stop).await;
        assert_eq!(answer.0.as_u16(), expected, "{}", answer.1);
    }
    assert_eq!(stage.ask("/stop/live/stream", stop).await, json!({ "success": true }));
    assert_eq!(status().await, "STOPPED");

    let start = async |body: Value| stage.rushes.post("/start/live/stream", None, &body).await;
    let (answer, body) = start(json!({ "stream_uri": id, "password": "0".repeat(32) })).await;
    let unknown = json!({ "stream_uri": "0".repeat(32), "password": token });
    assert_eq!((answer, code(&body)), (StatusCode::NOT_FOUND, 404));
    assert_eq!(code(&start(unknown).await.1), 404, "like one that is not there");
    assert_eq!(code(&start(json!({ "stream_uri": id })).await.1), 600);
    assert_eq!(status().await, "STOPPED");
    let (answer, body) = start(json!({ "stream_uri": id, "password": token })).await;
    assert_eq!(answer, StatusCode::OK, "{body}");
    assert_eq!(text(&body, "connect_uri"), url.split('&').next().unwrap());
    assert_eq!(status().await, "WAITING");

    let whip = json!({ "stream_uri": stage.registration });
    let (answer, _) = stage.rushes.post("/stop/live/stream", Some(&stage.admin.token), &whip).await;
    assert_eq!(answer, StatusCode::NOT_FOUND, "this is for SRT sources");
}

/// Calls with the stream id and the passphrase of a source.
async fn call(port: SocketAddr, made: &Value) -> io::Result<SrtSocket> {
    // Longer than any machine of tests is busy with others.
    let patient = Duration::from_secs(60);
    let builder = SrtSocket::builder().encryption(16, text(made, "token"));
    let builder = builder.set(|options| options.connect.timeout = patient);
    builder.call(port.to_string().as_str(), Some(text(made, "stream_id"))).await
}

#[tokio::test]
async fn no_more_callers_are_let_in_than_the_configuration_has_places_for() {
    let stage = Stage::with(|config| config.limits.srt = 1).await;
    let (one, other) = (register(&stage).await, register(&stage).await);
    let port = stage.rushes.app().srt.get().unwrap().local_addr();
    let mut first = call(port, &one).await.unwrap();
    // libsrt's words for reason 3.
    let no_room = |error: &io::Error| {
        error.kind() == io::ErrorKind::ConnectionRefused
            && error.to_string().contains("resource allocation")
    };
    let refused = call(port, &other).await.err().unwrap();
    assert!(no_room(&refused), "{refused}");
    // The place of one that is gone is the next one's.
    first.close().await.unwrap();
    loop {
        match call(port, &other).await {
            Ok(_) => break,
            Err(error) => assert!(no_room(&error), "{error}"),
        }
    }
}
