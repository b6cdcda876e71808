//! Signing in, and who is who.

use reqwest::StatusCode;
use rushes::{
    provision,
    store::{credentials, text::TokenKind},
    time::Millis,
};
use serde_json::{Value, json};

use crate::{
    harness::{Rushes, code},
    world::{World, each, text, token},
};

/// A pair of API id and key of a new person.
async fn key_pair(rushes: &Rushes, name: &str) -> Value {
    let person = rushes.person(name).await;
    let mut tx = rushes.app().store.write().await.unwrap();
    let pair = credentials::create_api_key(&mut tx, person.id, Millis::now()).await.unwrap();
    tx.commit().await.unwrap();
    json!({"api_id": pair.api_id, "api_key": pair.api_key.reveal()})
}

#[tokio::test]
async fn a_script_signs_in_with_its_key_pair() {
    let rushes = Rushes::start().await;
    let pair = key_pair(&rushes, "script").await;
    let (status, answer) = rushes.post("/authenticate/api", None, &pair).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["authenticated"], true);
    assert!(answer["expires"].as_i64().unwrap() > 60);
    let token = text(&answer["token"]);
    assert_eq!(token.len(), 64);
    let (_, user) = rushes.post("/get/user", Some(&token), &json!({})).await;
    assert_eq!(user["email"], "script@rushes.test");
    assert!(user["api_key_last_used"].is_string(), "{user}");
    let prefix = text(&user["api_key_prefix"]);
    assert!(prefix.len() < 10 && text(&pair["api_key"]).starts_with(&prefix));
    let lower = token.to_lowercase();
    assert_eq!(rushes.post("/get/user", Some(&lower), &json!({})).await.0, StatusCode::OK);
    for wrong in ["", "x", &token[1..], &"0".repeat(64)] {
        let (status, answer) = rushes.post("/get/user", Some(wrong), &json!({})).await;
        assert_eq!((status, code(&answer)), (StatusCode::UNAUTHORIZED, 405), "{wrong}");
    }
}

#[tokio::test]
async fn what_is_kept_of_secrets_opens_nothing() {
    let rushes = Rushes::start().await;
    let pair = key_pair(&rushes, "script").await;
    let (_, answer) = rushes.post("/authenticate/api", None, &pair).await;
    let (key, token) = (text(&pair["api_key"]), text(&answer["token"]));
    let data = rushes.app().config.data.clone();
    rushes.server.shutdown().await.unwrap();
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap() != "admin.json" {
            let bytes = std::fs::read(&path).unwrap().to_ascii_uppercase();
            for secret in [&key, &token] {
                let found = bytes.windows(64).any(|window| window == secret.as_bytes());
                assert!(!found, "{} has a secret in the clear", path.display());
            }
        }
    }
}

#[tokio::test]
async fn the_eleventh_wrong_login_is_refused_and_so_is_the_right_one_then() {
    let rushes = Rushes::start().await;
    let pair = key_pair(&rushes, "script").await;
    let wrong = json!({"api_id": pair["api_id"], "api_key": "0".repeat(64)});
    for _ in 0..10 {
        let (status, answer) = rushes.post("/authenticate/api", None, &wrong).await;
        assert_eq!((status, code(&answer)), (StatusCode::UNAUTHORIZED, 405));
    }
    for body in [&wrong, &pair] {
        let (status, answer) = rushes.post("/authenticate/api", None, body).await;
        assert_eq!((status, code(&answer)), (StatusCode::TOO_MANY_REQUESTS, 409));
    }
    // From the same address nobody else gets in either.
    let body = json!({"onetimetoken": "0".repeat(64)});
    let (_, answer) = rushes.post("/authenticate/user/onetimetoken", None, &body).await;
    assert_eq!(code(&answer), 409);
}

#[tokio::test]
async fn right_logins_are_not_counted() {
    let rushes = Rushes::start().await;
    let pair = key_pair(&rushes, "script").await;
    for _ in 0..15 {
        assert_eq!(rushes.post("/authenticate/api", None, &pair).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_login_link_works_once() {
    let rushes = Rushes::start().await;
    let person = rushes.person("host").await;
    let mut tx = rushes.app().store.write().await.unwrap();
    let now = Millis::now();
    let link = provision::login_link(&mut tx, "http://x", person.id, Some("/rooms/1"), now);
    let link = link.await.unwrap();
    tx.commit().await.unwrap();
    let token = link.strip_prefix("http://x/#/login?token=").unwrap();
    let token = token.strip_suffix("&next=/rooms/1").unwrap();
    let (status, answer) = rushes.post("/get/user", Some(token), &json!({})).await;
    assert_eq!((status, code(&answer)), (StatusCode::FORBIDDEN, 402), "good for signing in only");
    let body = json!({ "onetimetoken": token });
    let (status, answer) = rushes.post("/authenticate/user/onetimetoken", None, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["id"], json!(person.id));
    assert_eq!(answer["authenticated"], true);
    let (_, user) = rushes.post("/get/user", answer["token"].as_str(), &json!({})).await;
    assert_eq!(user["first_name"], "host");
    let (status, answer) = rushes.post("/authenticate/user/onetimetoken", None, &body).await;
    assert_eq!((status, code(&answer)), (StatusCode::UNAUTHORIZED, 405));
}

#[tokio::test]
async fn of_two_who_use_a_login_link_at_once_one_gets_in() {
    let rushes = Rushes::start().await;
    let person = rushes.person("host").await;
    let mut tx = rushes.app().store.write().await.unwrap();
    let token = token(&mut tx, person.id, TokenKind::OneTime).await;
    tx.commit().await.unwrap();
    let body = json!({ "onetimetoken": token });
    let post = || rushes.post("/authenticate/user/onetimetoken", None, &body);
    let (a, b) = tokio::join!(post(), post());
    let mut statuses = [a.0, b.0];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::UNAUTHORIZED]);
}

#[tokio::test]
async fn a_guest_signs_in_by_the_link_of_a_room_under_the_name_they_give() {
    let world = World::new().await;
    let sign_in = async |link: &str| {
        let body = json!({"review_session_user_id": link, "firstname": "Ada", "lastname": "L."});
        world.rushes.post("/authenticate/user/review_session", None, &body).await
    };
    let link = world.guest_link().await;
    let (status, answer) = sign_in(&link).await;
    assert_eq!((status, &answer["authenticated"]), (StatusCode::OK, &json!(true)), "{answer}");
    let token = text(&answer["token"]);
    let (_, user) = world.rushes.post("/get/user", Some(&token), &json!({})).await;
    assert_eq!((&user["first_name"], &user["last_name"]), (&json!("Ada"), &json!("L.")));
    assert_eq!((&user["id"], &user["rooms_only"]), (&answer["id"], &json!(true)));
    let (status, answer) = sign_in(&"0".repeat(link.len())).await;
    assert_eq!((status, code(&answer)), (StatusCode::UNAUTHORIZED, 405));
}

#[tokio::test]
async fn signing_in_tells_the_other_devices() {
    let rushes = Rushes::start().await;
    let person = rushes.person("host").await;
    let mut socket = rushes.socket(Some(&person.token)).await;
    // Answered once the connection is known.
    socket.ask("/ping", &json!({}), None).await;
    let mut tx = rushes.app().store.write().await.unwrap();
    let token = token(&mut tx, person.id, TokenKind::OneTime).await;
    tx.commit().await.unwrap();
    let body = json!({ "onetimetoken": token });
    assert!(rushes.post("/authenticate/user/onetimetoken", None, &body).await.0.is_success());
    let event = socket.receive().await.unwrap();
    assert_eq!(event["event_type"], "LOGIN");
    assert_eq!(event["data"]["user_id"], json!(person.id));
}

#[tokio::test]
async fn a_person_is_public_to_those_who_share_something_with_them() {
    let world = World::new().await;
    let body = json!({"email": "Contributor@rushes.test"});
    let found = world.ok(&world.viewer, "/get/public/user", body.clone()).await;
    assert_eq!(found["id"], json!(world.contributor.id));
    world.refused(&world.stranger, "/get/public/user", body, 446).await;
    let nobody = json!({"email": "nobody@rushes.test"});
    world.refused(&world.viewer, "/get/public/user", nobody, 446).await;
}

#[tokio::test]
async fn companies_are_shown_to_those_who_belong_to_them() {
    let world = World::new().await;
    let body = json!({"id": world.company});
    world.walk("/get/company", body.clone(), &[], 0).await;
    let company = world.ok(&world.viewer, "/get/company", body.clone()).await;
    assert_eq!(company["is_admin"], false);
    assert_eq!(company["total_usage"], Value::Null, "that is for administrators");
    let company = world.ok(&world.admin, "/get/company", body).await;
    assert_eq!(company["production_count"], 1);
    let listed = world.ok(&world.stranger, "/get/companies", json!({})).await;
    assert!(!each(&listed, "id").contains(&&json!(world.company)));
}

#[tokio::test]
async fn security_groups_are_data() {
    let world = World::new().await;
    let groups = world.ok(&world.viewer, "/get/security/groups", json!({})).await;
    assert_eq!(each(&groups, "id"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(groups[0]["is_admin"], true);
    assert_eq!(groups[2]["can_upload"], true);
    assert_eq!(groups[4]["can_upload"], false);
    let body = json!({"company_id": world.company});
    world.walk("/get/security/groups", body, &[], 0).await;
}

#[tokio::test]
async fn the_people_of_a_folder_and_their_rights() {
    let world = World::new().await;
    let body = json!({"project_id": world.project});
    world.walk("/get/users", body.clone(), &[&world.viewer], 800).await;
    let listed = world.ok(&world.contributor, "/get/users", body).await;
    assert_eq!(each(&listed, "first_name"), ["contributor", "viewer"]);
    let body = json!({"project_id": world.project, "required_permission": "can_upload"});
    let listed = world.ok(&world.admin, "/get/users", body).await;
    assert_eq!(each(&listed, "first_name"), ["contributor"]);
    let body = json!({"project_id": world.project, "required_permission": "can_fly"});
    world.refused(&world.admin, "/get/users", body, 407).await;
    let body = json!({"id": world.group});
    world.walk("/get/group/users", body.clone(), &[&world.viewer], 800).await;
    let listed = world.ok(&world.admin, "/get/group/users", body).await;
    assert_eq!(each(&listed, "first_name"), ["boss", "contributor", "viewer"]);
}

#[tokio::test]
async fn rights_change_with_the_security_group_and_nobody_gives_more_than_they_have() {
    let world = World::new().await;
    let body = json!({"project_id": world.project, "user_id": world.contributor.id});
    world.walk("/get/project/user", body.clone(), &[&world.viewer], 800).await;
    let own = json!({"project_id": world.project, "user_id": world.viewer.id});
    let seen = world.ok(&world.viewer, "/get/project/user", own).await;
    assert_eq!((&seen["security_group"], &seen["can_upload"]), (&json!(5), &json!(false)));

    let change = |user: &crate::harness::Person, group: i64| json!({"project_id": world.project, "user_id": user.id, "security_group": group});
    let path = "/update/project/user";
    let raise = change(&world.viewer, 2);
    world.walk(path, raise.clone(), &[&world.viewer, &world.contributor], 800).await;
    world.ok(&world.admin, path, raise).await;
    // Now a manager, who may change others, and make nobody an administrator.
    world.ok(&world.viewer, path, change(&world.contributor, 4)).await;
    let seen = world.ok(&world.admin, "/get/project/user", body).await;
    assert_eq!(seen["can_upload"], false);
    world.refused(&world.viewer, path, change(&world.viewer, 1), 800).await;
    world.refused(&world.admin, path, change(&world.viewer, 77), 404).await;
    world.refused(&world.admin, path, change(&world.stranger, 5), 446).await;
    world.ok(&world.admin, path, change(&world.contributor, 1)).await;
    world.refused(&world.viewer, path, change(&world.contributor, 5), 800).await;
}
