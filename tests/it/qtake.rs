//! QTAKE: its projects are registered by a token that it made, and its devices publish by them.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::StatusCode;
use rushes::{
    config::Config,
    ids::RegistrationId,
    live::{qtake::QtakeKeys, stream_of},
    store::security::default,
    time::Millis,
};
use rushes_media::StreamState;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    harness::{Person, code},
    live_stage::{OBS, SDP, Stage},
};

const CREATE: &str = "/create/live/registration/qtake";
const LIST: &str = "/list/live/registrations/v2";
const SECRET: &str = "what QTAKE and this server share, say";
/// QTAKE's own name of its project, as it stands in tokens and addresses.
const PROJECT: &str = "0199f3a2-5b1c-7d2e-8f00-0123456789ab";
/// The same as it is kept.
const KEPT: &str = "0199F3A25B1C7D2E8F000123456789AB";
const DEVICE: &str = "3d6f0a4e-8f57-4c0b-a9a4-5e1f30a6f7b1";

fn second() -> i64 {
    Millis::now().0 / 1000
}

fn claims(email: &str) -> Value {
    json!({ "userEmail": email, "projectUUID": PROJECT, "exp": second() + 600 })
}

fn signed(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes()).unwrap();
    encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

fn request(stage: &Stage, token: &str) -> Value {
    json!({
        "project_id": stage.project, "name": "Unit A", "description": "Village",
        "registration": token,
    })
}

/// Registers as somebody.
async fn register(stage: &Stage, who: &Person, token: &str) -> (StatusCode, Value) {
    stage.rushes.post(CREATE, Some(&who.token), &request(stage, token)).await
}

/// Why a token is refused.
async fn why(stage: &Stage, who: &Person, token: &str) -> String {
    let (status, answer) = register(stage, who, token).await;
    assert_eq!((status, code(&answer)), (StatusCode::BAD_REQUEST, 407), "{answer}");
    let field = &answer["error"]["fields"][0];
    assert_eq!((&field["name"], &field["code"]), (&json!("registration"), &json!(407)));
    assert!(!answer.to_string().contains(token), "a token is not repeated");
    field["message"].as_str().unwrap().to_owned()
}

/// A person of the folder who may publish, and has registered QTAKE's project.
async fn operator(stage: &Stage) -> (Person, Value) {
    let operator = stage.member("dit", default::CONTRIBUTOR).await;
    let (status, answer) =
        register(stage, &operator, &signed(&claims("dit@rushes.test"), "x")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let listed = listed(stage, "QTAKE").await;
    (operator, listed[0].clone())
}

async fn listed(stage: &Stage, kind: &str) -> Vec<Value> {
    let all = stage.ask(LIST, json!({ "project_id": stage.project })).await;
    all.as_array().unwrap().iter().filter(|one| one["type"] == kind).cloned().collect()
}

fn whip(project: &str, device: &str, stream: &str) -> String {
    format!("/start/live/whip/{project}/{device}/{stream}")
}

async fn publishes(stage: &Stage, who: &Person, path: &str) -> StatusCode {
    stage.offer(path, Some(&who.token), SDP, OBS.to_owned()).await.status()
}

fn checked(config: &mut Config) {
    config.qtake_keys = QtakeKeys::new(None, SECRET.parse().ok()).unwrap();
}

#[tokio::test]
async fn qtakes_devices_publish_into_the_folder_that_its_project_is_registered_for() {
    let stage = Stage::new().await;
    let operator = stage.member("dit", default::CONTRIBUTOR).await;
    // The address of a person is theirs in any casing.
    let token = signed(&claims(" DIT@Rushes.Test"), "x");
    let (_, made) = register(&stage, &operator, &token).await;
    assert_eq!(made, json!({ "success": true }), "as the contract has it");
    let row = listed(&stage, "QTAKE").await[0].clone();
    assert_eq!((&row["name"], &row["description"]), (&json!("Unit A"), &json!("Village")));
    assert_eq!((&row["status"], &row["last_connected"]), (&json!("WAITING"), &Value::Null));
    let address = row["registration_data"].as_str().unwrap();
    assert_eq!(address, stage.rushes.url(&format!("/start/live/whip/{KEPT}")));

    let path = |number| whip(PROJECT, DEVICE, number);
    for number in ["1", "2", "1"] {
        assert_eq!(publishes(&stage, &operator, &path(number)).await, StatusCode::CREATED);
    }
    let other_form = format!("{address}/{DEVICE}/1").replace(&stage.rushes.url(""), "");
    assert_eq!(publishes(&stage, &operator, &other_form).await, StatusCode::CREATED);
    let sources = listed(&stage, "WHIP").await;
    let names: Vec<&Value> = sources.iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["OBS", "Unit A 1", "Unit A 2"], "each stream is one source");
    let of = &sources[1]["additional_details"];
    assert_eq!((&of["device"], &of["stream"]), (&json!(DEVICE), &json!("1")));
    assert_eq!(of["qtake"]["registration"], row["id"]);
    assert_eq!(stage.details().await["additional_details"]["qtake"], Value::Null);

    let row = stage.ask("/get/live/details", json!({ "id": row["id"] })).await;
    assert_eq!((&row["type"], &row["status"]), (&json!("QTAKE"), &json!("CONNECTING")));
    assert!(row["last_connected"].is_string() && row["stream_uri"].is_null(), "{row}");
    let streams = &row["additional_details"]["qtake"]["streams"];
    assert_eq!(streams.as_array().unwrap().len(), 2);
    assert_eq!(streams[0]["id"], sources[1]["id"]);
    assert_eq!(streams[0]["asset_id"], of["asset_id"]);
    let asset = stage.ask("/get/asset", json!({ "id": of["asset_id"] })).await;
    assert_eq!((&asset["name"], &asset["subtype"]), (&json!("Unit A 1"), &json!("STREAMING")));
}

#[tokio::test]
async fn a_registration_that_nobody_could_check_says_so_wherever_it_is_shown() {
    let stage = Stage::new().await;
    let (operator, row) = operator(&stage).await;
    assert_eq!(publishes(&stage, &operator, &whip(KEPT, DEVICE, "1")).await, StatusCode::CREATED);
    let details = stage.ask("/get/live/details", json!({ "id": row["id"] })).await;
    let source = listed(&stage, "WHIP").await[1].clone();
    let info = stage.ask("/admin/live/info", json!({ "stream_identifier": row["id"] })).await;
    let info = json!({ "additional_details": info["details"]["streams"][0] });
    for shown in [&row, &details, &source, &info] {
        let of = &shown["additional_details"];
        assert_eq!(of["qtake"]["verified"], false, "{shown}");
        assert_eq!(of["qtake"]["project"], KEPT);
        assert!(of["problems"][0].as_str().unwrap().contains("QTAKE"), "{shown}");
    }
    let expires = row["additional_details"]["qtake"]["expires"].as_str().unwrap();
    assert!(expires.parse::<Millis>().unwrap() > Millis::now());
}

#[tokio::test]
async fn with_a_key_only_qtakes_own_tokens_register() {
    let stage = Stage::with(checked).await;
    let admin = &stage.admin;
    let own = claims("producer@rushes.test");
    let reason = why(&stage, admin, &signed(&own, "somebody else's secret")).await;
    assert!(reason.contains("signature"), "{reason}");
    let cut = signed(&own, SECRET).rsplit_once('.').unwrap().0.to_owned();
    let reason = why(&stage, admin, &format!("{cut}.")).await;
    assert!(reason.contains("signed"), "{reason}");
    assert_eq!(listed(&stage, "QTAKE").await, [] as [Value; 0]);

    let (status, _) = register(&stage, admin, &signed(&own, SECRET)).await;
    assert_eq!(status, StatusCode::OK);
    let row = listed(&stage, "QTAKE").await[0].clone();
    let of = &row["additional_details"];
    assert_eq!((&of["qtake"]["verified"], &of["problems"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn a_token_of_another_person_unsigned_or_out_of_time_registers_nothing() {
    let stage = Stage::new().await;
    let admin = &stage.admin;
    let other = signed(&claims("dit@rushes.test"), "x");
    let (status, answer) = register(&stage, admin, &other).await;
    assert_eq!((status, code(&answer)), (StatusCode::FORBIDDEN, 403), "{answer}");
    assert!(!answer.to_string().contains("dit@"), "whose it is stays unsaid");

    let own = |name: &str, value: Value| {
        let mut claims = claims("producer@rushes.test");
        claims[name] = value;
        signed(&claims, "x")
    };
    let good = own("note", json!("x"));
    let (_, rest) = good.split_once('.').unwrap();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{rest}");
    for (token, word) in [
        (none.as_str(), "signed"),
        (&own("exp", json!(second() - 120)), "expired"),
        (&own("nbf", json!(second() + 600)), "nbf"),
        (&own("userEmail", Value::Null), "userEmail"),
        (&own("projectUUID", json!("..")), "projectUUID"),
        (&own("note", json!("x".repeat(9_000))), "bytes"),
        ("a.b.c", "JWT"),
        ("x", "JWT"),
    ] {
        let reason = why(&stage, admin, token).await;
        assert!(reason.contains(word), "{reason}");
    }
    assert_eq!(listed(&stage, "QTAKE").await, [] as [Value; 0]);
}

#[tokio::test]
async fn who_may_not_create_live_streams_registers_nothing() {
    let stage = Stage::new().await;
    let stranger = stage.rushes.person("stranger").await;
    let watcher = stage.member("watcher", default::VIEWER).await;
    for (who, name, expected) in [(&stranger, "stranger", 404), (&watcher, "watcher", 800)] {
        // Not even whether the token counts is told.
        for token in [signed(&claims(&format!("{name}@rushes.test")), "x"), "x".to_owned()] {
            assert_eq!(code(&register(&stage, who, &token).await.1), expected);
        }
    }
    let token = signed(&claims("producer@rushes.test"), "x");
    let (_, answer) = stage.rushes.post(CREATE, None, &request(&stage, &token)).await;
    assert_eq!(code(&answer), 405);
    let mut without = request(&stage, &token);
    without.as_object_mut().unwrap().remove("registration");
    let (_, answer) = stage.rushes.post(CREATE, Some(&stage.admin.token), &without).await;
    assert_eq!(code(&answer), 600);
}

#[tokio::test]
async fn a_project_of_qtakes_is_registered_once_in_a_company() {
    let stage = Stage::new().await;
    let (operator, row) = operator(&stage).await;
    let theirs = signed(&claims("dit@rushes.test"), "x");
    let mine = signed(&claims("producer@rushes.test"), "x");
    for (who, token) in [(&operator, &theirs), (&stage.admin, &mine)] {
        let (status, answer) = register(&stage, who, token).await;
        assert_eq!((status, code(&answer)), (StatusCode::CONFLICT, 655), "{answer}");
    }
    let details = stage.ask("/get/live/details", json!({ "id": row["id"] })).await;
    let second = json!({ "group_id": details["group"], "name": "Day 2" });
    let second = stage.ask("/create/project", second).await;
    let mut elsewhere = request(&stage, &mine);
    elsewhere["project_id"] = second["id"].clone();
    let (_, answer) = stage.rushes.post(CREATE, Some(&stage.admin.token), &elsewhere).await;
    assert_eq!(code(&answer), 655, "its pictures would have two places to go to");

    stage.ask("/delete/live/registration", json!({ "id": row["id"] })).await;
    let (status, answer) = stage.rushes.post(CREATE, Some(&stage.admin.token), &elsewhere).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn only_those_who_may_upload_publish_by_a_registration_and_only_by_one_that_is_there() {
    let stage = Stage::new().await;
    let path = whip(PROJECT, DEVICE, "1");
    assert_eq!(publishes(&stage, &stage.admin, &path).await, StatusCode::NOT_FOUND, "none yet");
    let (operator, _) = operator(&stage).await;
    let stranger = stage.rushes.person("stranger").await;
    let watcher = stage.member("watcher", default::VIEWER).await;
    let refused =
        async |token: Option<&str>| stage.refused(&path, token, SDP, OBS.to_owned()).await.0;
    assert_eq!(refused(None).await, 401);
    assert_eq!(refused(Some(&"0".repeat(64))).await, 401);
    assert_eq!(refused(Some(&stranger.token)).await, 404);
    assert_eq!(refused(Some(&watcher.token)).await, 403);
    assert_eq!(refused(Some(&stage.token)).await, 403, "the token of another registration");
    assert_eq!(listed(&stage, "WHIP").await.len(), 1, "nothing was made");
    assert_eq!(publishes(&stage, &operator, &path).await, StatusCode::CREATED);

    let stop = stage.rushes.url(&path.replace("/start/", "/stop/"));
    let stopped = async |token: &str| {
        let request = stage.rushes.client.post(&stop).header("X-Token", token).send();
        request.await.unwrap().status()
    };
    assert_eq!(stopped(&stranger.token).await, StatusCode::NOT_FOUND);
    assert_eq!(stopped(&watcher.token).await, StatusCode::FORBIDDEN);
    assert_eq!(listed(&stage, "QTAKE").await[0]["status"], "CONNECTING");
    assert_eq!(stopped(&operator.token).await, StatusCode::OK);
    assert_eq!(listed(&stage, "QTAKE").await[0]["status"], "WAITING");
    let other = stop.replace(DEVICE, "another");
    let request = stage.rushes.client.post(other).header("X-Token", &operator.token).send();
    assert_eq!(request.await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stranger_who_registers_the_same_project_gets_none_of_its_pictures() {
    let stage = Stage::new().await;
    let (operator, _) = operator(&stage).await;
    let stranger = stage.rushes.person("stranger").await;
    let ask = async |path: &str, body: Value| {
        let (status, answer) = stage.rushes.post(path, Some(&stranger.token), &body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    };
    let companies = ask("/get/companies", json!({})).await;
    let group = json!({ "company_id": companies[0]["id"], "name": "Theirs" });
    let group = ask("/create/group", group).await;
    let folder = json!({ "group_id": group["id"], "name": "Theirs" });
    let folder = ask("/create/project", folder).await["id"].clone();
    let named = |project: &str| {
        let mut claims = claims("stranger@rushes.test");
        claims["projectUUID"] = json!(project);
        json!({
            "project_id": folder, "name": "Mine", "description": "",
            "registration": signed(&claims, "x"),
        })
    };
    // Also by taking a folder's own id for a project of theirs.
    ask(CREATE, named(PROJECT)).await;
    ask(CREATE, named(&stage.project.to_string())).await;
    let theirs = async || {
        let all = ask(LIST, json!({ "project_id": folder })).await;
        all.as_array().unwrap().iter().filter(|one| one["type"] == "WHIP").count()
    };
    let folder_path = whip(&stage.project.to_string(), DEVICE, "7");
    for path in [&whip(PROJECT, DEVICE, "1"), &folder_path] {
        assert_eq!(publishes(&stage, &operator, path).await, StatusCode::CREATED);
    }
    assert_eq!((listed(&stage, "WHIP").await.len(), theirs().await), (3, 0));
    assert_eq!(publishes(&stage, &stranger, &whip(PROJECT, DEVICE, "1")).await, 201);
    assert_eq!((listed(&stage, "WHIP").await.len(), theirs().await), (3, 1), "each their own");

    // Who may publish into both, and registered neither, says which.
    let both = stage.member("both", default::CONTRIBUTOR).await;
    let mut tx = stage.rushes.app().store.write().await.unwrap();
    let (folder, now) = (folder.as_str().unwrap().parse().unwrap(), Millis::now());
    let group = default::CONTRIBUTOR;
    rushes::provision::add_project_member(&mut tx, folder, both.id, group, now).await.unwrap();
    tx.commit().await.unwrap();
    let path = whip(PROJECT, DEVICE, "1");
    let refused = stage.refused(&path, Some(&both.token), SDP, OBS.to_owned()).await;
    assert!(refused.0 == 403 && refused.1.contains("several folders"), "{refused:?}");
    let path = whip(&stage.project.to_string(), DEVICE, "1");
    assert_eq!(publishes(&stage, &both, &path).await, StatusCode::CREATED);
}

#[tokio::test]
async fn a_deleted_registration_ends_its_streams() {
    let stage = Stage::new().await;
    let (operator, row) = operator(&stage).await;
    let path = whip(PROJECT, DEVICE, "1");
    assert_eq!(publishes(&stage, &operator, &path).await, StatusCode::CREATED);
    let source = listed(&stage, "WHIP").await[1].clone();
    let id: RegistrationId = source["id"].as_str().unwrap().parse().unwrap();
    let media = &stage.rushes.app().media;
    assert_eq!(media.status(stream_of(id)).await.state, StreamState::Connecting);

    let delete = json!({ "id": row["id"] });
    let watcher = stage.member("watcher", default::VIEWER).await;
    let at = "/delete/live/registration";
    assert_eq!(code(&stage.rushes.post(at, Some(&watcher.token), &delete).await.1), 800);
    stage.ask(at, delete).await;
    assert_eq!(media.status(stream_of(id)).await.state, StreamState::Waiting);
    assert_eq!(listed(&stage, "WHIP").await.len(), 1);
    assert_eq!(listed(&stage, "QTAKE").await.len(), 0);
    assert_eq!(publishes(&stage, &operator, &path).await, StatusCode::NOT_FOUND);
    let gone = json!({ "id": source["id"] });
    let (_, answer) = stage.rushes.post("/get/live/details", Some(&operator.token), &gone).await;
    assert_eq!(code(&answer), 404);
    assert_eq!(stage.details().await["type"], "WHIP", "another source stays");
}

#[tokio::test]
async fn a_registration_outlives_the_token_that_made_it() {
    let stage = Stage::new().await;
    let mut claims = claims("producer@rushes.test");
    // It is over, and just within what clocks may differ.
    claims["exp"] = json!(second() - 30);
    let (status, answer) = register(&stage, &stage.admin, &signed(&claims, "x")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let path = whip(PROJECT, DEVICE, "1");
    assert_eq!(publishes(&stage, &stage.admin, &path).await, StatusCode::CREATED);
}

#[tokio::test]
async fn a_token_that_names_no_project_is_published_to_by_the_folders_id() {
    let stage = Stage::new().await;
    let mut claims = claims("producer@rushes.test");
    claims.as_object_mut().unwrap().remove("projectUUID");
    let (status, answer) = register(&stage, &stage.admin, &signed(&claims, "x")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let row = listed(&stage, "QTAKE").await[0].clone();
    assert_eq!(row["additional_details"]["qtake"]["project"], json!(stage.project));
    let path = whip(&stage.project.to_string(), DEVICE, "1");
    assert_eq!(publishes(&stage, &stage.admin, &path).await, StatusCode::CREATED);
    let source = listed(&stage, "WHIP").await[1].clone();
    assert_eq!(source["additional_details"]["qtake"]["registration"], row["id"]);
    assert_eq!(code(&register(&stage, &stage.admin, &signed(&claims, "x")).await.1), 655);
}

#[tokio::test]
async fn a_source_that_was_there_is_reused_and_one_with_a_token_stays_on_its_own() {
    let stage = Stage::new().await;
    let by_id = whip(&stage.project.to_string(), DEVICE, "1");
    assert_eq!(publishes(&stage, &stage.admin, &by_id).await, StatusCode::CREATED);
    let before = listed(&stage, "WHIP").await[1].clone();
    let (operator, row) = operator(&stage).await;
    let path = whip(PROJECT, DEVICE, "1");
    assert_eq!(publishes(&stage, &operator, &path).await, StatusCode::CREATED);
    let sources = listed(&stage, "WHIP").await;
    assert_eq!(sources.len(), 2);
    let asset = |source: &Value| source["additional_details"]["asset_id"].clone();
    assert_eq!((&sources[1]["id"], asset(&sources[1])), (&before["id"], asset(&before)));
    assert_eq!(sources[1]["additional_details"]["qtake"]["registration"], row["id"]);

    let own = whip(PROJECT, &stage.registration, "1");
    assert_eq!(publishes(&stage, &operator, &own).await, StatusCode::CREATED);
    assert_eq!(stage.details().await["additional_details"]["qtake"], Value::Null);
    // The registration itself is no source.
    let id = row["id"].as_str().unwrap();
    let itself = whip(PROJECT, id, "qtake");
    assert_eq!(publishes(&stage, &operator, &itself).await, StatusCode::NOT_FOUND);
    stage.ask("/delete/live/registration", json!({ "id": id })).await;
    assert_eq!(listed(&stage, "WHIP").await.len(), 1, "OBS stays");
}

#[tokio::test]
async fn names_in_the_path_lead_nowhere_else() {
    let stage = Stage::new().await;
    let (operator, _) = operator(&stage).await;
    // No client library sends these, so they are written by hand.
    for (device, number) in [
        ("..", "1"),
        ("%2e%2e", "1"),
        ("%2E", "1"),
        (DEVICE, "%2e%2E"),
        ("%20", "1"),
        ("a%0Ab", "1"),
        ("a%00", "1"),
    ] {
        let path = whip(PROJECT, device, number);
        assert_eq!(by_hand(&stage, &operator, &path).await, 404, "{path}");
    }
    let long = whip(PROJECT, &"x".repeat(201), "1");
    assert_eq!(by_hand(&stage, &operator, &long).await, 404);
    assert_eq!(listed(&stage, "WHIP").await.len(), 1, "nothing was made");

    // A slash within a name is a character like another.
    let path = whip(PROJECT, "..%2F..%2Fother", "1");
    assert_eq!(by_hand(&stage, &operator, &path).await, 201);
    let source = listed(&stage, "WHIP").await[1].clone();
    assert_eq!(source["additional_details"]["device"], "../../other");
    let address = source["registration_data"].as_str().unwrap().replace(&stage.rushes.url(""), "");
    assert_eq!(publishes(&stage, &operator, &address).await, StatusCode::CREATED);
    assert_eq!(listed(&stage, "WHIP").await.len(), 2, "its address leads to itself");
}

/// Offers at a path as it is written, and gives back the status.
async fn by_hand(stage: &Stage, who: &Person, path: &str) -> u16 {
    let mut socket = TcpStream::connect(stage.rushes.server.address()).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: rushes\r\nAuthorization: Bearer {}\r\nContent-Type: {SDP}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{OBS}",
        who.token,
        OBS.len(),
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
