//! Elemental Link devices over the API: registered, shown, stopped and started.

use reqwest::StatusCode;
use rushes::store::security::default;
use serde_json::{Value, json};

use crate::{
    harness::{Person, code},
    live_stage::{OBS, SDP, Stage},
};

const CREATE: &str = "/create/live/registration/elementallink";
const START: &str = "/start/live/stream";
const STOP: &str = "/stop/live/stream";
const LINK: &str = "hd-0123456789abcdef";

fn request(stage: &Stage, device: Value) -> Value {
    json!({
        "project_id": stage.project, "name": "Link 1", "description": "Stage 4",
        "device_id": device,
    })
}

async fn register(stage: &Stage) -> Value {
    stage.ask(CREATE, request(stage, json!(LINK))).await
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

async fn ask(stage: &Stage, who: Option<&Person>, path: &str, body: Value) -> (u16, Value) {
    let token = who.map(|who| who.token.as_str());
    let (status, answer) = stage.rushes.post(path, token, &body).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn a_device_is_registered_and_its_address_has_the_passphrase_once() {
    let stage = Stage::new().await;
    let made = register(&stage).await;
    let fields: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["id", "stream_uri", "success"], "as the contract has it");
    let (id, whole) = (text(&made, "id"), text(&made, "stream_uri"));
    let port = stage.rushes.app().srt.get().unwrap().local_addr();
    let url = format!("srt://{port}?streamid={id}");
    let secret = whole.strip_prefix(&format!("{url}&passphrase=")).unwrap();
    assert_eq!(secret.len(), 32);

    let all = stage.ask("/list/live/registrations", json!({ "project_id": stage.project })).await;
    let listed = all.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
    let details = stage.ask("/get/live/details", json!({ "id": id })).await;
    for shown in [listed, &details] {
        assert_eq!((text(shown, "type"), text(shown, "status")), ("ELEMENTALLINK", "WAITING"));
        assert_eq!((text(shown, "name"), text(shown, "description")), ("Link 1", "Stage 4"));
        assert_eq!(text(shown, "registration_data"), url);
        assert_eq!(text(&shown["additional_details"], "device"), LINK);
        assert_eq!(text(&shown["additional_details"], "stream_id"), id);
        assert!(!shown.to_string().contains(secret));
    }
    let info = stage.ask("/admin/live/info", json!({})).await;
    assert!(!info.to_string().contains(secret));
}

#[tokio::test]
async fn who_may_not_create_live_streams_registers_no_device() {
    let stage = Stage::new().await;
    let stranger = stage.rushes.person("stranger").await;
    let watcher = stage.member("watcher", default::VIEWER).await;
    let new = || request(&stage, json!(LINK));
    assert_eq!(code(&ask(&stage, None, CREATE, new()).await.1), 405);
    assert_eq!(code(&ask(&stage, Some(&stranger), CREATE, new()).await.1), 404);
    assert_eq!(code(&ask(&stage, Some(&watcher), CREATE, new()).await.1), 800);
    let member = stage.member("operator", default::CONTRIBUTOR).await;
    assert_eq!(ask(&stage, Some(&member), CREATE, new()).await.0, 200);
}

#[tokio::test]
async fn a_device_is_registered_once_in_a_folder_and_its_name_is_one() {
    let stage = Stage::new().await;
    let made = register(&stage).await;
    let admin = Some(&stage.admin);
    let (status, answer) = ask(&stage, admin, CREATE, request(&stage, json!(LINK))).await;
    assert_eq!((status, code(&answer)), (409, 655), "{answer}");
    for bad in ["..", "a\nb", &"x".repeat(201)] {
        let (_, answer) = ask(&stage, admin, CREATE, request(&stage, json!(bad))).await;
        assert_eq!(code(&answer), 407, "{bad:?}: {answer}");
        assert_eq!(answer["error"]["fields"][0]["name"], "device_id");
    }
    // Without a name each is a device of its own.
    for none in [Value::Null, json!(""), json!(" ")] {
        let (status, answer) = ask(&stage, admin, CREATE, request(&stage, none)).await;
        assert_eq!(status, 200, "{answer}");
    }
    stage.ask("/delete/live/registration", json!({ "id": made["id"] })).await;
    assert_ne!(register(&stage).await["id"], made["id"], "its name is free again");
}

#[tokio::test]
async fn a_device_is_no_whip_source() {
    let stage = Stage::new().await;
    register(&stage).await;
    let path = format!("/start/live/whip/{}/{LINK}/elementallink", stage.project);
    let admin = Some(stage.admin.token.as_str());
    assert_eq!(stage.refused(&path, admin, SDP, OBS.to_owned()).await.0, 404);
}

#[tokio::test]
async fn a_channel_is_started_and_stopped_by_who_may_create_it_or_has_its_passphrase() {
    let stage = Stage::new().await;
    let made = register(&stage).await;
    let (id, whole) = (text(&made, "id"), text(&made, "stream_uri"));
    let (url, secret) = whole.split_once("&passphrase=").unwrap();
    let status =
        async || stage.ask("/get/live/details", json!({ "id": id })).await["status"].clone();
    let operator = stage.member("operator", default::CONTRIBUTOR).await;
    let watcher = stage.member("watcher", default::VIEWER).await;
    let stranger = stage.rushes.person("stranger").await;

    let stop = || json!({ "stream_uri": whole });
    assert_eq!(code(&ask(&stage, Some(&stranger), STOP, stop()).await.1), 404);
    assert_eq!(code(&ask(&stage, Some(&watcher), STOP, stop()).await.1), 800);
    assert_eq!(status().await, "WAITING", "it is ready as soon as it is registered");
    let stopped = ask(&stage, Some(&operator), STOP, stop()).await;
    assert_eq!(stopped, (200, json!({ "success": true })));
    assert_eq!(status().await, "STOPPED");

    let start = || json!({ "stream_uri": url });
    let absent = json!({ "stream_uri": "0".repeat(32) });
    let srt = json!({ "project_id": stage.project, "name": "B cam", "description": "" });
    let srt = stage.ask("/create/live/registration/srt", srt).await;
    // Who may not know of it hears the same of it as of what is absent, or needs a password.
    for (who, body) in [
        (None, start()),
        (Some(&stranger), start()),
        (Some(&stranger), absent.clone()),
        (Some(&operator), absent),
        (Some(&operator), json!({ "stream_uri": srt["id"] })),
    ] {
        let (status, answer) = ask(&stage, who, START, body).await;
        assert_eq!((status, code(&answer)), (400, 600), "{answer}");
    }
    assert_eq!(code(&ask(&stage, Some(&watcher), START, start()).await.1), 800);
    let wrong = json!({ "stream_uri": url, "password": "0".repeat(32) });
    assert_eq!(code(&ask(&stage, Some(&operator), START, wrong).await.1), 404);
    assert_eq!(status().await, "STOPPED");

    let (ok, started) = ask(&stage, Some(&operator), START, start()).await;
    assert_eq!(ok, 200, "{started}");
    assert_eq!(started, json!({ "connect_uri": url, "success": true }));
    assert_eq!(status().await, "WAITING");
    stage.ask(STOP, stop()).await;
    let by_secret = json!({ "stream_uri": url, "password": secret });
    let (ok, started) = ask(&stage, None, START, by_secret).await;
    assert_eq!((ok, text(&started, "connect_uri")), (StatusCode::OK.as_u16(), url));
    assert_eq!(status().await, "WAITING");
}
