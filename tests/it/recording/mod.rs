//! Recordings of live sources and instant replays, with a publisher of H.264 and Opus that writes
//! a number into each picture.

mod clip;
mod rights;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rushes::demo::{
    picture::Size,
    publisher::{Publisher, PublisherStatus},
    source::SourceConfig,
    whip_client::WhipTarget,
};
use serde_json::{Value, json};

use crate::{
    harness::{Folder, Socket, code},
    live_stage::Stage,
    process::{serve, signal},
};
use clip::Clip;

const RECORD: &str = "rushes/live/record";
const REPLAY: &str = "rushes/live/replay";
const LIST: &str = "rushes/live/recordings";
const EVENT: &str = "LIVE_RECORDING_CHANGED";

fn size() -> Size {
    Size::new(320, 180).unwrap()
}

/// Publishes the test pattern, and waits until it is sent.
async fn publish(url: &str, token: &str) -> Publisher {
    let target = WhipTarget { url: url.parse().unwrap(), bearer: token.to_owned() };
    let source = SourceConfig { size: size(), title: "REC".into(), ..SourceConfig::default() };
    let publisher = Publisher::start(&source, target).unwrap();
    let mut status = publisher.status();
    status.wait_for(|status| *status == PublisherStatus::Live).await.unwrap();
    publisher
}

async fn ask(socket: &mut Socket, endpoint: &str, data: Value) -> Value {
    let answer = socket.ask(endpoint, &data, None).await;
    assert!(answer["error"].is_null(), "{endpoint}: {answer}");
    answer["data"].clone()
}

/// Waits until the recording of a source is so long, and gives back what the server says of it.
async fn recorded_for(socket: &mut Socket, source: &str, ms: i64) -> Value {
    loop {
        let listed = ask(socket, LIST, json!({ "id": source })).await;
        let recording = listed["sources"][0]["recording"].clone();
        assert_eq!(recording["problem"], Value::Null, "{recording}");
        if recording["duration_ms"].as_i64().is_some_and(|long| long >= ms) {
            return recording;
        }
        // There is no event for that, so it asks again, as slowly as a server wants it.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The asset that the next recording to end becomes.
async fn made(socket: &mut Socket) -> String {
    loop {
        let told = socket.event(EVENT).await;
        if let Some(asset) = told["recorded_asset_id"].as_str() {
            return asset.to_owned();
        }
    }
}

/// A stage whose registration is published.
async fn on_air() -> (Stage, Publisher, Socket) {
    let stage = Stage::new().await;
    let publisher = publish(&stage.rushes.url(&stage.path), &stage.token).await;
    let socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    (stage, publisher, socket)
}

/// The file of an asset, as a client gets it.
async fn file(stage: &Stage, asset: &str) -> (Value, Clip) {
    let file = stage.ask("/get/asset/file/primary", json!({ "id": asset })).await;
    let get = || stage.rushes.client.get(file["url"].as_str().unwrap());
    let bytes = get().send().await.unwrap().bytes().await.unwrap();
    let part = get().header("range", "bytes=100-199").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.unwrap(), bytes[100..200]);
    assert_eq!(file["used_bytes"], bytes.len());
    (file, Clip::read(&bytes))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_becomes_a_clip_with_every_frame_at_its_place() {
    let (stage, publisher, mut socket) = on_air().await;
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let source = json!({ "id": stage.registration, "on": true });
    let begun = ask(&mut socket, RECORD, source.clone()).await;
    assert_eq!(begun["recording"], true);
    assert_eq!(socket.event(EVENT).await["recording"], true);
    assert_eq!(ask(&mut socket, RECORD, source).await, begun, "once is enough");
    let written = recorded_for(&mut socket, &stage.registration, 3_000).await;
    let details = stage.details().await;
    assert_eq!(details["additional_details"]["recording"]["id"], written["id"]);
    ask(&mut socket, RECORD, json!({ "id": stage.registration, "on": false })).await;
    let id = made(&mut socket).await;
    publisher.stop().await;

    let asset = stage.ask("/get/asset", json!({ "id": id })).await;
    assert_eq!(asset["project_id"].as_str(), Some(&*stage.project.to_string()));
    let (file, clip) = file(&stage, &id).await;
    assert_eq!((&file["width"], &file["height"]), (&json!(320), &json!(180)));
    let frames = clip.numbers();
    assert!(frames.len() >= 75, "{} frames", frames.len());
    let (place, number) = frames[0];
    assert_eq!(place, 0);
    for (at, of) in frames {
        assert_eq!(*at, of - number, "frame {of} of {number}..");
    }
    assert!(frames.windows(2).all(|pair| pair[0] < pair[1]), "in order");
    // Opus packets of 20 ms, without a hole.
    let sound = clip.sound();
    assert!(sound.len() >= 145, "{} packets", sound.len());
    assert!(sound.windows(2).all(|pair| (950..970).contains(&(pair[1] - pair[0]))));
    // The time of day, of the key frame before it was asked for.
    let tc = file["tc_start"].as_str().unwrap();
    let part = |range: std::ops::Range<usize>| tc[range].parse::<i64>().unwrap();
    let seconds = part(0..2) * 3600 + part(3..5) * 60 + part(6..8);
    let off = before.as_secs() as i64 % 86_400 - seconds;
    assert!(off.rem_euclid(86_400) <= 4 || off == -1, "{tc}, {off} s before");
    assert!(part(9..11) < 25);
    assert!(
        !stage.rushes.app().config.data.join("recordings").read_dir().unwrap().any(|entry| entry
            .unwrap()
            .path()
            .extension()
            .is_none_or(|ending| ending != "mp4"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_minutes_are_an_asset_while_the_source_goes_on() {
    let (stage, publisher, mut socket) = on_air().await;
    let source = json!({ "id": stage.registration });
    // There is nothing before the first half a second.
    let id = loop {
        let answer = socket.ask(REPLAY, &source, None).await;
        if answer["error"].is_null() {
            break made(&mut socket).await;
        }
        assert_eq!(code(&answer), 404);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let (_, first) = file(&stage, &id).await;
    assert!(!first.numbers().is_empty());
    ask(&mut socket, RECORD, json!({ "id": stage.registration, "on": true })).await;
    recorded_for(&mut socket, &stage.registration, 2_000).await;
    ask(&mut socket, REPLAY, json!({ "id": stage.registration, "seconds": 60 })).await;
    let (_, second) = file(&stage, &made(&mut socket).await).await;
    assert_eq!(second.numbers()[0].1, first.numbers()[0].1, "it reaches back as far");
    assert!(second.numbers().len() > first.numbers().len() + 40);
    assert_eq!(stage.details().await["status"], "LIVE");
    let listed = ask(&mut socket, LIST, source).await;
    assert!(listed["sources"][0]["recording"].is_object(), "and so does a recording of it");
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_deleted_leaves_its_recording() {
    let (stage, publisher, mut socket) = on_air().await;
    ask(&mut socket, RECORD, json!({ "id": stage.registration, "on": true })).await;
    recorded_for(&mut socket, &stage.registration, 500).await;
    stage.ask("/delete/live/registration", json!({ "id": stage.registration })).await;
    let id = made(&mut socket).await;
    let (_, clip) = file(&stage, &id).await;
    assert!(!clip.numbers().is_empty());
    publisher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_may_be_recorded_whenever_it_is_published() {
    let stage = Stage::new().await;
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    let on = json!({ "id": stage.registration, "on": true });
    assert_eq!(ask(&mut socket, "rushes/live/always", on).await["always"], true);
    let publisher = publish(&stage.rushes.url(&stage.path), &stage.token).await;
    assert_eq!(socket.event(EVENT).await["recording"], true);
    recorded_for(&mut socket, &stage.registration, 500).await;
    let off = json!({ "id": stage.registration, "on": false });
    ask(&mut socket, "rushes/live/always", off.clone()).await;
    ask(&mut socket, RECORD, off).await;
    made(&mut socket).await;
    publisher.stop().await;
}

#[tokio::test]
async fn a_recording_of_nothing_is_no_asset() {
    let stage = Stage::new().await;
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    for on in [true, false] {
        ask(&mut socket, RECORD, json!({ "id": stage.registration, "on": on })).await;
        let told = socket.event(EVENT).await;
        assert_eq!((&told["recording"], &told["recorded_asset_id"]), (&json!(on), &Value::Null));
    }
    let folder = stage.rushes.app().config.data.join("recordings");
    assert_eq!(folder.read_dir().unwrap().count(), 0);
    assert_eq!(code(&socket.ask(REPLAY, &json!({ "id": stage.registration }), None).await), 404);
}

#[tokio::test]
async fn without_minutes_there_is_no_instant_replay() {
    let stage = Stage::with(|config| config.replay_minutes = 0).await;
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    let listed = ask(&mut socket, LIST, json!({ "id": stage.registration })).await;
    assert_eq!(listed["replay_seconds"], 0);
    assert_eq!(code(&socket.ask(REPLAY, &json!({ "id": stage.registration }), None).await), 403);
    assert!(!stage.rushes.app().config.data.join("replay").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_server_makes_an_asset_of_what_it_recorded() {
    let (stage, publisher, mut socket) = on_air().await;
    ask(&mut socket, RECORD, json!({ "id": stage.registration, "on": true })).await;
    recorded_for(&mut socket, &stage.registration, 500).await;
    let Stage { rushes, admin, project, .. } = stage;
    let rushes = rushes.restart().await;
    publisher.stop().await;
    let body = json!({ "project_id": project });
    let (_, assets) = rushes.post("/get/assets", Some(&admin.token), &body).await;
    let clips: Vec<&Value> =
        assets.as_array().unwrap().iter().filter(|a| a["duration"].is_number()).collect();
    assert_eq!(clips.len(), 1, "{assets}");
}

/// A script that talks to a server in a process of its own.
struct Script {
    client: reqwest::Client,
    address: String,
    token: String,
}

impl Script {
    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.client.post(format!("http://{}{path}", self.address));
        let answer = request.header("X-Token", &self.token).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_costs_the_last_second_at_most() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let (mut child, runtime) = serve(&data).await;
    let admin: Value =
        serde_json::from_slice(&std::fs::read(data.join("admin.json")).unwrap()).unwrap();
    let address = runtime["http"].as_str().unwrap().to_owned();
    let mut script = Script { client: reqwest::Client::new(), address, token: String::new() };
    let pair = json!({ "api_id": admin["api_id"], "api_key": admin["api_key"] });
    let token = script.post("/authenticate/api", pair).await["token"].clone();
    token.as_str().unwrap().clone_into(&mut script.token);
    let group = json!({ "company_id": admin["company_id"], "name": "Show" });
    let group = script.post("/create/group", group).await;
    let project = json!({ "group_id": group["id"], "name": "Day 1" });
    let project = script.post("/create/project", project).await;
    let new = json!({ "project_id": project["id"], "name": "A cam", "description": "" });
    let source = script.post("/create/live/registration/whip", new).await;
    let url = source["url"].as_str().unwrap();
    let publisher = publish(url, source["token"].as_str().unwrap()).await;
    let mut socket = Socket::connect(&script.address, Some(&script.token)).await;
    let id = source["id"].as_str().unwrap();
    ask(&mut socket, RECORD, json!({ "id": id, "on": true })).await;
    let written = recorded_for(&mut socket, id, 3_000).await;
    signal(&child, "-KILL");
    let killed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    child.wait().await.unwrap();
    publisher.stop().await;

    let (_child, runtime) = serve(&data).await;
    runtime["http"].as_str().unwrap().clone_into(&mut script.address);
    let assets = script.post("/get/assets", json!({ "project_id": project["id"] })).await;
    let clip = assets.as_array().unwrap().iter().find(|asset| asset["duration"].is_number());
    let clip = clip.unwrap_or_else(|| panic!("there is no clip: {assets}"));
    assert!(clip["name"].as_str().unwrap().starts_with("A cam 20"), "{clip}");
    let file = script.post("/get/asset/file/primary", json!({ "id": clip["id"] })).await;
    let bytes = script.client.get(file["url"].as_str().unwrap()).send().await.unwrap();
    let clip = Clip::read(&bytes.bytes().await.unwrap());
    let (last, _) = clip.numbers().last().unwrap();
    let long = 40 * (last + 1);
    let (since, told) =
        (written["since"].as_i64().unwrap(), written["duration_ms"].as_i64().unwrap());
    assert!(long >= told, "{long} ms are there of {told} ms that were said to be");
    let missing = killed - since - long;
    println!("{missing} ms before the kill are missing of {long} ms");
    assert!(missing <= 1_000, "{missing} ms are missing");
}
