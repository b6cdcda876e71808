//! Guests: they come by a link, and see one room.

use rushes::contract::ENDPOINTS;
use rushes::{
    provision,
    store::users::{self, NewUser},
    time::Millis,
};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::contract::smallest;
use crate::harness::{Rushes, code};

/// The link in the only mail that went to an address.
pub(super) fn mailed(rushes: &Rushes, email: &str) -> String {
    let mut links = all_mailed(rushes, email);
    assert_eq!(links.len(), 1, "{links:?}");
    links.remove(0)
}

/// The links in all mails that went to an address.
fn all_mailed(rushes: &Rushes, email: &str) -> Vec<String> {
    let link = |mail: String| {
        let (_, link) = mail.split_once("/#/guest?u=").unwrap();
        link.lines().next().unwrap().to_owned()
    };
    mails(rushes, email).into_iter().map(link).collect()
}

/// All mails that went to an address.
pub(super) fn mails(rushes: &Rushes, email: &str) -> Vec<String> {
    let folder = rushes.app().config.data.join("mail");
    let mails = std::fs::read_dir(folder).unwrap();
    let mails = mails.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    mails.filter(|mail| mail.starts_with(&format!("To: {email}\r\n"))).collect()
}

#[tokio::test]
async fn a_guest_comes_by_the_link_and_sees_that_room_alone() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let (room, other) = (stage.room().await, stage.room().await);
    let created = stage.invite(&room, &["Guest@rushes.test", "crew@rushes.test"]).await;
    assert_eq!(created[1]["user_id"], json!(stage.crew.id), "who has an account is no guest");
    let link = mailed(&rushes, "guest@rushes.test");
    let guest = stage.guest(&link).await;
    assert_eq!(created[0]["user_id"], json!(guest.id));

    let rooms = stage.ask(&guest, "/get/review_sessions", json!({})).await;
    assert_eq!(rooms.as_array().unwrap().len(), 1);
    assert_eq!((&rooms[0]["id"], &rooms[0]["can_edit"]), (&json!(room), &json!(false)));
    let user = stage.ask(&guest, "/get/user", json!({})).await;
    assert_eq!((&user["first_name"], &user["rooms_only"]), (&json!("Guest"), &json!(true)));
    let assets = stage.ask(&guest, "/get/review_session/assets", json!({ "id": room })).await;
    assert_eq!(assets.as_array().unwrap().len(), 2);
    stage.ask(&guest, "/get/asset", json!({ "id": stage.clips[0] })).await;
    let hidden = json!({ "id": stage.hidden });
    assert_eq!(stage.refused(&guest, "/get/asset", hidden).await, (404, 404));
    let users = stage.ask(&guest, "/get/review_session/users", json!({ "id": room })).await;
    let told: Vec<_> =
        users.as_array().unwrap().iter().filter(|user| !user["email"].is_null()).collect();
    assert_eq!(told.len(), 1, "of the others a guest learns no address");
    let (attendee, join) = ("/join/review_session", json!({ "id": room, "media_region": "x" }));
    stage.ask(&guest, attendee, join).await;

    assert_eq!(
        stage.refused(&guest, "/get/review_session", json!({ "id": other })).await,
        (404, 672)
    );
    for (path, body) in [
        ("/create/review_session", json!({ "group_id": stage.group, "name": "Mine" })),
        ("/complete/review_session", json!({ "id": room })),
        ("/get/groups", json!({})),
        ("/get/playlists", json!({})),
    ] {
        assert_eq!(stage.refused(&guest, path, body).await, (403, 402), "{path}");
    }
    let mut attending = stage.enter(&guest, &room).await;
    assert_eq!(attending.data["you"]["can_drive"], false);
    assert_eq!(code(&attending.sends(json!({ "op": "PLAY" })).await), 403);
    let subscribe = json!({ "id": other });
    let answer = attending.socket.ask("rushes/room/subscribe", &subscribe, None).await;
    assert_eq!(code(&answer), 672);
    let host = stage.enter(&stage.host, &room).await;
    let users = host.data["users"].as_array().unwrap();
    assert!(users.iter().any(|user| user["is_guest"] == true && user["name"] == "Guest Test"));

    stage.ask(&stage.host, "/delete/review_session", json!({ "id": room })).await;
    assert_eq!(stage.refused(&guest, "/get/review_sessions", json!({})).await, (401, 405));
    assert_eq!(stage.sign_in(&link).await.0, 401);
}

/// What a guest may ask for at all; each looks at what it is asked for by itself. Whatever stands at
/// none of these paths is closed to guests before it looks at anything.
const OPEN_TO_GUESTS: [&str; 21] = [
    "/delete/comment",
    "/get/asset",
    "/get/asset/file/primary",
    "/get/asset/files",
    "/get/assets",
    "/get/comment",
    "/get/comments",
    "/get/comments/count",
    "/get/indicators/svg",
    "/get/review_session",
    "/get/review_session/assets",
    "/get/review_session/playlist/assets",
    "/get/review_session/playlists",
    "/get/review_session/user",
    "/get/review_session/users",
    "/get/review_sessions",
    "/get/user",
    "/join/review_session",
    "/list/live/servers",
    "/set/review_session/state",
    "/set/review_session/user/role",
];

#[tokio::test]
async fn a_guest_is_refused_everywhere_but_in_the_room() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    stage.invite(&room, &["guest@rushes.test"]).await;
    let guest = stage.guest(&mailed(&rushes, "guest@rushes.test")).await;
    let mut open = Vec::new();
    for row in ENDPOINTS.iter().filter(|row| row.token) {
        let body = Value::Object(smallest(row));
        let (status, answer) = stage.post(&guest.token, row.path, body).await;
        match (status.as_u16(), answer["error"]["code"].as_u64()) {
            (_, Some(402 | 501)) => {}
            // The paths that are spoken to by WHIP.
            (401 | 403, _) => {}
            // Of what there is not, or is not theirs, they learn nothing there either.
            (status, code) => open.push((row.path, status, code)),
        }
    }
    let paths: Vec<_> = open.iter().map(|(path, ..)| *path).collect();
    assert_eq!(paths, OPEN_TO_GUESTS, "{open:?}");
}

#[tokio::test]
async fn another_link_ends_the_one_before() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    stage.invite(&room, &["guest@rushes.test"]).await;
    let first = mailed(&rushes, "guest@rushes.test");
    let early = stage.guest(&first).await;
    let mut attending = stage.enter(&early, &room).await;
    stage.invite(&room, &["guest@rushes.test"]).await;
    let closed = attending.socket.event("REVIEW_SESSION_CLOSED").await;
    assert_eq!(closed["reason"], json!("REMOVED"), "at once, not when it next says something");
    let again = attending.socket.ask("rushes/room/subscribe", &json!({ "id": room }), None).await;
    assert_eq!(code(&again), 405, "and not back by the connection that it has");
    let mut tx = rushes.app().store.write().await.unwrap();
    let now = Millis::now();
    let id = room.parse().unwrap();
    let (user, url) =
        provision::guest_link(&mut tx, "", id, "guest@rushes.test", now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stage.sign_in(&first).await.0, 401);
    // Whoever came in by it is out too: it may have been somebody else.
    assert_eq!(stage.refused(&early, "/get/review_sessions", json!({})).await, (401, 405));
    let second = url.strip_prefix("/#/guest?u=").unwrap();
    assert_eq!(stage.guest(second).await.id, user);
    // In any casing, as every id and secret.
    stage.guest(&second.to_lowercase()).await;
}

#[tokio::test]
async fn a_guest_who_got_an_account_uses_that_and_a_complete_room_lets_nobody_in() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    stage.invite(&room, &["guest@rushes.test", "late@rushes.test"]).await;
    let mut tx = rushes.app().store.write().await.unwrap();
    let account = NewUser { email: Some("guest@rushes.test".to_owned()), ..Default::default() };
    let now = Millis::now();
    users::create(&mut tx, &account, now).await.unwrap();
    tx.commit().await.unwrap();
    let (status, answer) = stage.sign_in(&mailed(&rushes, "guest@rushes.test")).await;
    assert_eq!((status.as_u16(), code(&answer)), (409, 677));
    let late = mailed(&rushes, "late@rushes.test");
    stage.ask(&stage.host, "/complete/review_session", json!({ "id": room })).await;
    let (status, answer) = stage.sign_in(&late).await;
    assert_eq!((status.as_u16(), code(&answer)), (409, 675));
}

#[tokio::test]
async fn an_account_takes_over_what_its_guest_was() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    for room in [stage.room().await, stage.room().await] {
        stage.invite(&room, &["later@rushes.test"]).await;
    }
    let links = all_mailed(&rushes, "later@rushes.test");
    let guest = stage.guest(&links[0]).await;
    // The mails are in no order.
    let theirs = stage.ask(&guest, "/get/review_sessions", json!({})).await;
    let first = theirs[0]["id"].clone();
    let host = json!({ "id": first, "user_id": guest.id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", host).await;
    let role = json!({ "id": first, "role": "Editor" });
    stage.ask(&guest, "/set/review_session/user/role", role).await;

    let later = stage.person(&rushes.app().store, "later", false, None).await;
    assert_eq!(stage.refused(&guest, "/get/review_sessions", json!({})).await, (401, 405));
    for link in &links {
        let (status, answer) = stage.sign_in(link).await;
        assert_eq!((status.as_u16(), code(&answer)), (409, 677));
    }
    let rooms = stage.ask(&later, "/get/review_sessions", json!({})).await;
    assert_eq!(rooms.as_array().unwrap().len(), 2);
    let of = json!({ "id": first, "user_id": later.id });
    let user = stage.ask(&later, "/get/review_session/user", of).await;
    assert_eq!((&user["role"], &user["user_type"]), (&json!("Editor"), &json!("USER")));
    assert_eq!(user["is_host"], true);
    let users = stage.ask(&later, "/get/review_session/users", json!({ "id": first })).await;
    let theirs = users.as_array().unwrap().iter().filter(|u| u["email"] == "later@rushes.test");
    assert_eq!(theirs.count(), 1);
    // Inviting them again is inviting the account.
    let again = stage.invite(first.as_str().unwrap(), &["later@rushes.test"]).await;
    assert_eq!(again[0]["user_id"], json!(later.id));
}

/// Two ways of becoming a user: the account is there when the guest next uses their link, or
/// somebody invites them to the company.
#[tokio::test]
async fn whoever_takes_over_from_a_guest_who_hosts_drives_the_room_at_once() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let boss = stage.person(store, "boss", true, None).await;
    for by_invitation in [false, true] {
        let room = stage.room().await;
        let email = format!("guest{by_invitation}@rushes.test");
        stage.invite(&room, &[&email]).await;
        let link = mailed(&rushes, &email);
        let guest = stage.guest(&link).await;
        let host = json!({ "id": room, "user_id": guest.id, "is_host": true });
        stage.ask(&stage.host, "/set/review_session/user/host", host).await;
        let mut crew = stage.enter(&stage.crew, &room).await;
        let mut before = stage.enter(&guest, &room).await;
        before.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;

        if by_invitation {
            let invite = json!({
                "email": email, "first_name": "Now", "last_name": "User",
                "project_id": stage.project, "security_group": 5,
            });
            stage.ask(&boss, "/invite/user", invite).await;
        } else {
            let mut tx = store.write().await.unwrap();
            let new = NewUser { email: Some(email.clone()), ..NewUser::default() };
            users::create(&mut tx, &new, Millis::now()).await.unwrap();
            tx.commit().await.unwrap();
            let (status, answer) = stage.sign_in(&link).await;
            assert_eq!((status.as_u16(), code(&answer)), (409, 677));
        }
        let closed = before.socket.event("REVIEW_SESSION_CLOSED").await;
        assert_eq!(closed["reason"], "REMOVED");
        let account = stage.account(store, &email).await;
        let hosts = crew.socket.event("REVIEW_SESSION_HOSTS_CHANGED").await;
        assert!(hosts["host_user_ids"].as_array().unwrap().contains(&json!(account.id)));
        let mut after = stage.enter(&account, &room).await;
        assert_eq!(after.data["you"]["is_host"], true);
        after.does(json!({ "op": "SEEK", "frame": 7 })).await;
    }
}

#[tokio::test]
async fn a_link_ends_by_itself_and_one_invitation_has_one() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let twice = ["guest@rushes.test", "Guest@Rushes.test"];
    let created = stage.invite(&room, &twice).await;
    assert_eq!(created[0], created[1]);
    let link = mailed(&rushes, "guest@rushes.test");
    stage.guest(&link).await;
    let mut tx = rushes.app().store.write().await.unwrap();
    let seat = rushes::store::rooms::by_link(&mut tx, &link, Millis::now()).await;
    let seat = seat.unwrap().unwrap();
    let past = Millis::now();
    let ended = rushes::store::rooms::new_link(&mut tx, seat.id, past).await.unwrap();
    tx.commit().await.unwrap();
    let (status, answer) = stage.sign_in(&ended).await;
    assert_eq!((status.as_u16(), code(&answer)), (401, 405));
}

#[tokio::test]
async fn guesses_at_a_link_are_counted() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    stage.invite(&room, &["guest@rushes.test"]).await;
    let link = mailed(&rushes, "guest@rushes.test");
    let wrong = format!("{}{}", &link[..32], "0".repeat(64));
    for guess in ["", "x", &wrong, &link[..95]] {
        let (status, answer) = stage.sign_in(guess).await;
        assert_ne!(status, 200, "{guess}: {answer}");
    }
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(code(&stage.sign_in(&wrong).await.1));
    }
    assert_eq!(codes.first(), Some(&405));
    assert_eq!(codes.last(), Some(&409));
}
