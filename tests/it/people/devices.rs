//! Devices that sign in with a code.

use reqwest::StatusCode;
use rushes::store::credentials;
use serde_json::{Value, json};

use crate::{
    harness::{Rushes, code},
    world::{World, text},
};

async fn begin(rushes: &Rushes, scope: &str) -> Value {
    let body = json!({"authentication_scope": scope});
    let (status, answer) = rushes.post("/authenticate/device", None, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

async fn poll(rushes: &Rushes, device: &Value) -> (StatusCode, Value) {
    let body = json!({"device_code": device["device_code"]});
    rushes.post("/authenticate/device/token", None, &body).await
}

#[tokio::test]
async fn each_device_is_given_codes_of_its_own() {
    let rushes = Rushes::start().await;
    let ask = async || rushes.post("/authenticate/device", None, &json!({})).await.1;
    let (one, other) = (ask().await, ask().await);
    for code in ["device_code", "user_code"] {
        assert_ne!(one[code], other[code], "{code}");
    }
    let typed = text(&one["user_code"]);
    assert!(typed.len() == 9 && typed.chars().nth(4) == Some('-'), "{typed}");
    // The long one is a secret, and no code that is typed in.
    assert_eq!(text(&one["device_code"]).len(), 64);
    let wrong = json!({"device_code": typed});
    let (_, answer) = rushes.post("/authenticate/device/token", None, &wrong).await;
    assert_eq!(code(&answer), 405);
}

#[tokio::test]
async fn a_device_waits_until_somebody_lets_it_in_and_gets_one_token() {
    let world = World::new().await;
    let rushes = &world.rushes;
    let device = begin(rushes, "DEFAULT").await;
    assert_eq!((&device["interval"], &device["expires_in"]), (&json!(5), &json!(900)));
    assert!(text(&device["verification_uri"]).ends_with("/#/device"), "{device}");
    let (status, answer) = poll(rushes, &device).await;
    assert_eq!((status, &answer["authenticated"]), (StatusCode::OK, &json!(false)));
    assert_eq!(answer["additional_details"]["error"], "authorization_pending");
    assert_eq!((&answer["token"], &answer["email"]), (&Value::Null, &Value::Null));
    // Too soon: RFC 8628 section 3.5 makes it wait five seconds longer each time.
    for interval in [10, 15] {
        let (_, answer) = poll(rushes, &device).await;
        let details = &answer["additional_details"];
        assert_eq!(
            (&details["error"], &details["interval"]),
            (&json!("slow_down"), &json!(interval))
        );
    }
    let typed = text(&device["user_code"]).to_lowercase().replace('-', " ");
    let verify = json!({"user_code": typed});
    let (status, _) = rushes.post("/authenticate/device/verify/code", None, &verify).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let mut socket = rushes.socket(Some(&world.viewer.token)).await;
    socket.ask("/ping", &json!({}), None).await;
    let done = world.ok(&world.viewer, "/authenticate/device/verify/code", verify.clone()).await;
    assert_eq!(done["success"], true);
    world.refused(&world.viewer, "/authenticate/device/verify/code", verify, 404).await;
    let (_, answer) = poll(rushes, &device).await;
    assert_eq!((&answer["authenticated"], &answer["id"]), (&json!(true), &json!(world.viewer.id)));
    assert_eq!(socket.event("LOGIN").await["user_id"], json!(world.viewer.id));
    let token = text(&answer["token"]);
    let (_, user) = rushes.post("/get/user", Some(&token), &json!({})).await;
    assert_eq!(user["email"], "viewer@rushes.test");
    let (status, answer) = poll(rushes, &device).await;
    assert_eq!((status, code(&answer)), (StatusCode::UNAUTHORIZED, 405), "a code works once");
}

#[tokio::test]
async fn codes_are_not_guessed_for_long() {
    let world = World::new().await;
    let rushes = &world.rushes;
    let device = begin(rushes, "DEFAULT").await;
    for guess in 0..10 {
        let body = json!({"user_code": format!("BBBB-BBB{}", ["B", "C", "D", "F", "G", "H", "J", "K", "L", "M"][guess])});
        world.refused(&world.viewer, "/authenticate/device/verify/code", body, 404).await;
    }
    let right = json!({"user_code": device["user_code"]});
    world.refused(&world.viewer, "/authenticate/device/verify/code", right, 409).await;
}

#[tokio::test]
async fn a_device_is_told_that_its_code_has_ended() {
    let world = World::new().await;
    let device = begin(&world.rushes, "LIVE").await;
    let mut tx = world.rushes.app().store.write().await.unwrap();
    rushes::store::devices::expire_all(&mut tx, rushes::time::Millis::now()).await.unwrap();
    tx.commit().await.unwrap();
    let (status, answer) = poll(&world.rushes, &device).await;
    assert_eq!((status, code(&answer)), (StatusCode::UNAUTHORIZED, 405));
    assert_eq!(answer["error"]["error"], "expired_token");
    let typed = json!({"user_code": device["user_code"]});
    world.refused(&world.viewer, "/authenticate/device/verify/code", typed, 404).await;
    let never = json!({"device_code": "0".repeat(64)});
    let (_, answer) = world.rushes.post("/authenticate/device/token", None, &never).await;
    assert_eq!(answer["error"]["error"], "invalid_grant");
}

#[tokio::test]
async fn a_device_for_immediates_is_connected_to_a_folder() {
    let world = World::new().await;
    let device = begin(&world.rushes, "IMMEDIATES").await;
    let verify = json!({"user_code": device["user_code"]});
    world.refused(&world.contributor, "/authenticate/device/verify/code", verify, 404).await;
    let path = "/create/connection/immediates";
    let connect =
        json!({"user_code": device["user_code"], "project_id": world.project, "name": "Cart"});
    world.walk(path, connect.clone(), &[&world.viewer], 800).await;
    let made = world.ok(&world.contributor, path, connect.clone()).await;
    assert_eq!(made["success"], true);
    let (_, answer) = poll(&world.rushes, &device).await;
    assert_eq!(answer["additional_details"]["project_id"], json!(world.project));
    assert_eq!(answer["additional_details"]["connection_id"], made["id"]);
    let other = begin(&world.rushes, "DEFAULT").await;
    let mut wrong = connect;
    wrong["user_code"] = other["user_code"].clone();
    world.refused(&world.contributor, path, wrong, 404).await;
}

#[tokio::test]
async fn the_qr_code_is_a_picture_of_the_page_that_lets_the_device_in() {
    let world = World::new().await;
    let rushes = &world.rushes;
    let device = begin(rushes, "DEFAULT").await;
    let url = rushes.url("/authenticate/device/get/qrcode");
    let body = json!({"user_code": device["user_code"], "size": 300});
    let response = rushes.client.post(&url).json(&body).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "image/png");
    let png = response.bytes().await.unwrap();
    let decoder = png::Decoder::new(std::io::Cursor::new(&png[..]));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (300, 300));
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(300, 300, |x, y| pixels[y * 300 + x]);
    let (_, content) = image.detect_grids()[0].decode().unwrap();
    let code = text(&device["user_code"]);
    assert_eq!(content, format!("{}/#/device?code={code}", rushes.app().public_url()));
    let get = format!("{url}?user_code={code}&size=64");
    assert_eq!(rushes.client.get(&get).send().await.unwrap().status(), StatusCode::OK);
    for (bad, expected) in [
        (json!({"user_code": "BBBB-BBBB"}), 404),
        (json!({"user_code": code, "size": 1_000_000}), 407),
        (json!({"user_code": code, "size": "big"}), 407),
        (json!({"size": 300}), 600),
    ] {
        let response = rushes.client.post(&url).json(&bad).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(crate::harness::code(&answer), expected, "{bad}");
    }
}

#[tokio::test]
async fn support_acts_in_nobodys_name_whose_company_does_not_let_it() {
    let world = World::new().await;
    let operator = world.operator().await;
    let path = "/admin/support_user_impersonation";
    let body =
        json!({"impersonating_user_id": operator.id, "token_to_impersonate": world.viewer.token});
    for who in [&world.viewer, &world.admin] {
        world.refused(who, path, body.clone(), 800).await;
    }
    world.refused(&operator, path, body.clone(), 800).await;
    let allow = json!({"id": world.company, "disallow_impersonation": false});
    world.ok(&world.admin, "/update/company", allow).await;
    world.ok(&operator, path, body).await;
    let mut db = world.rushes.app().store.read().await.unwrap();
    let now = rushes::time::Millis::now();
    let seen = credentials::token(&mut db, &world.viewer.token, now).await.unwrap().unwrap();
    assert_eq!((seen.user_id, seen.impersonator_id), (world.viewer.id, Some(operator.id)));
    let other = credentials::token(&mut db, &world.admin.token, now).await.unwrap().unwrap();
    assert_eq!(other.impersonator_id, None, "that is said of this token alone");
    let not_support = json!({"impersonating_user_id": world.admin.id, "token_to_impersonate": world.viewer.token});
    world.refused(&operator, path, not_support, 446).await;
    let no_token =
        json!({"impersonating_user_id": operator.id, "token_to_impersonate": "0".repeat(64)});
    world.refused(&operator, path, no_token, 404).await;
}
