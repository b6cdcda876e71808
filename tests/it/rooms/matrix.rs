//! Who may do what with a room: every endpoint, asked by everyone there is.

use rushes::store::security::default;
use serde_json::{Value, json};

use super::{guests::mailed, stage::Stage};
use crate::harness::{Person, Rushes};

/// The code that says yes.
const OK: u64 = 0;

/// One endpoint and what each kind of person is told: its owner, another host, a participant, a
/// guest, the production's administrator without a seat, and a guest of another room. The company's
/// administrator is told what the production's is, and who attends by a team what a participant is. A
/// colleague without a seat and a stranger are always told 672, and nobody 405.
struct Row {
    path: &'static str,
    body: Value,
    told: [u64; 6],
}

fn row(path: &'static str, body: Value, told: [u64; 6]) -> Row {
    Row { path, body, told }
}

fn rows(stage: &Stage, crew: &Person) -> Vec<Row> {
    let see = [OK, OK, OK, OK, OK, 672];
    let rule = [OK, OK, 403, 402, OK, 402];
    let attend = [OK, OK, OK, OK, 673, 672];
    let user = json!({ "user_id": crew.id });
    let host = json!({ "user_id": crew.id, "is_host": false });
    vec![
        row("/get/review_session", json!({}), see),
        row("/get/review_session/users", json!({}), see),
        row("/get/review_session/user", user, see),
        row("/get/review_session/playlists", json!({}), see),
        row("/get/review_session/playlist/assets", json!({}), see),
        row("/get/review_session/assets", json!({}), see),
        row("/get/review_session/teams", json!({}), [OK, OK, OK, 402, OK, 402]),
        row("/join/review_session", json!({ "media_region": "x" }), attend),
        row("/set/review_session/user/role", json!({ "role": "Editor" }), attend),
        row(
            "/set/review_session/state",
            json!({ "sync_mode": "HOST" }),
            [OK, OK, 403, 403, 673, 672],
        ),
        row("/set/review_session/user/host", host, rule),
        row("/update/review_session", json!({ "name": "Other" }), rule),
        row("/update/review_session/assets", json!({ "review_session_asset_ids": [] }), rule),
        row("/create/review_session/users", json!({ "emails": ["guest@rushes.test"] }), rule),
        row("/start/review_session", json!({}), rule),
        row("/complete/review_session", json!({}), rule),
        row(
            "/delete/review_session",
            json!({ "group": stage.group }),
            [OK, 403, 403, 402, OK, 402],
        ),
    ]
}

/// The people, each with their place in [`Row::told`], and then those who never may.
struct People {
    told: Vec<(Person, usize)>,
    outside: Vec<Person>,
}

async fn room(stage: &Stage, owner: &Person, cohost: &Person) -> String {
    let body = json!({
        "group_id": stage.group, "name": "Room", "user_ids": [stage.crew.id],
        "host_user_ids": [cohost.id],
    });
    let room = stage.ask(owner, "/create/review_session", body).await;
    let id = room["id"].as_str().unwrap().to_owned();
    stage.ask(owner, "/start/review_session", json!({ "id": id })).await;
    id
}

fn with_room(row: &Row, room: &str) -> Value {
    let mut body = row.body.clone();
    let name = match row.path {
        "/create/review_session/users" => "review_session_id",
        _ => "id",
    };
    body[name] = json!(room);
    body
}

#[tokio::test]
async fn everyone_is_told_what_is_theirs() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let owner = stage.person(store, "owner", false, Some(default::REVIEWER)).await;
    let cohost = stage.person(store, "cohost", false, None).await;
    let colleague = stage.person(store, "colleague", false, Some(default::REVIEWER)).await;
    let (here, there) = (room(&stage, &owner, &cohost).await, stage.room().await);
    let mut guests = Vec::new();
    for (room, email) in [(&here, "one@rushes.test"), (&there, "two@rushes.test")] {
        stage.invite(room, &[email]).await;
        guests.push(stage.guest(&mailed(&rushes, email)).await);
    }
    let (elsewhere, guest) = (guests.remove(1), guests.remove(0));
    let producer = stage.host.clone();
    let boss = stage.person(store, "boss", true, None).await;
    let member = stage.person(store, "member", false, None).await;
    let team = json!({ "id": here, "team_ids": [stage.team(store, "Edit", &[&member]).await] });
    stage.ask(&boss, "/update/review_session", team).await;
    let one_each = [&owner, &cohost, &stage.crew, &guest, &producer, &elsewhere];
    let like = [(boss, 4), (member, 2)];
    let people = People {
        told: one_each.into_iter().cloned().zip(0..).chain(like).collect(),
        outside: vec![colleague, stage.stranger.clone()],
    };
    let mut covered = Vec::new();
    for row in rows(&stage, &stage.crew) {
        let body = with_room(&row, &here);
        assert_eq!(stage.post("", row.path, body.clone()).await.0, 401, "{}", row.path);
        for who in &people.outside {
            let told = stage.refused(who, row.path, body.clone()).await;
            assert_eq!(told, (404, 672), "{}", row.path);
        }
        for (i, (who, place)) in people.told.iter().enumerate() {
            let expected = row.told[*place];
            // What was deleted is gone: each who may deletes a room of their own.
            let deletes = row.path.starts_with("/delete") && expected == OK;
            let target = if deletes { room(&stage, &owner, &cohost).await } else { here.clone() };
            let (status, answer) = stage.post(&who.token, row.path, with_room(&row, &target)).await;
            let code = answer["error"]["code"].as_u64().unwrap_or(OK);
            assert_eq!(code, expected, "{} by {i}: {answer}", row.path);
            assert_eq!(status.is_success(), expected == OK, "{} by {i}", row.path);
            if row.path.starts_with("/complete") && expected == OK {
                stage.ask(&owner, "/start/review_session", json!({ "id": here })).await;
            }
        }
        covered.push(row.path);
    }
    // The others name no room, or are of no one in particular.
    covered.extend([
        "/create/review_session",
        "/get/review_sessions",
        "/get/playlist/review_sessions",
    ]);
    let all = rushes::contract::ENDPOINTS.iter().filter(|row| row.category == "REVIEWSESSION");
    for endpoint in all {
        assert!(covered.contains(&endpoint.path), "{} is asked by nobody here", endpoint.path);
    }
}

#[tokio::test]
async fn a_room_is_for_those_to_create_who_may_show_something() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let reviewer = stage.person(store, "reviewer", false, Some(default::REVIEWER)).await;
    let viewer = stage.person(store, "viewer", false, Some(default::VIEWER)).await;
    let admin = stage.person(store, "boss", true, None).await;
    let body = json!({ "group_id": stage.group, "name": "Room" });
    let path = "/create/review_session";
    for who in [&reviewer, &admin, &stage.host] {
        assert_eq!(stage.ask(who, path, body.clone()).await["is_owner"], true);
    }
    assert_eq!(stage.refused(&viewer, path, body.clone()).await, (403, 800));
    assert_eq!(stage.refused(&stage.crew, path, body.clone()).await, (404, 404));
    assert_eq!(stage.refused(&stage.stranger, path, body).await, (404, 404));

    // Each sees the rooms that are theirs, and an administrator all.
    for (who, count) in [(&reviewer, 1), (&viewer, 0), (&stage.crew, 0), (&admin, 3)] {
        let rooms = stage.ask(who, "/get/review_sessions", json!({})).await;
        assert_eq!(rooms.as_array().unwrap().len(), count);
    }
    let of = json!({ "playlist_id": stage.playlist });
    let path = "/get/playlist/review_sessions";
    assert_eq!(stage.refused(&reviewer, path, of.clone()).await, (404, 404));
    stage.draft().await;
    assert_eq!(stage.ask(&admin, path, of.clone()).await.as_array().unwrap().len(), 1);
    assert_eq!(stage.ask(&stage.crew, path, of.clone()).await.as_array().unwrap().len(), 1);
    assert_eq!(stage.refused(&viewer, path, of).await, (404, 404));
}
