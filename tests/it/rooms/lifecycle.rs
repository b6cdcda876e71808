//! What a room is made of, its limits, and that it outlives those who made it.

use rushes::{
    config::Limits,
    store::{security::default, text::CommentScope},
};
use serde_json::{Value, json};

use super::{
    guests::{mailed, mails},
    stage::Stage,
};
use crate::harness::{Person, Rushes};

async fn start_with(change: impl FnOnce(&mut Limits)) -> Rushes {
    let rate = rushes::rpc::Rate { per_second: 1e9, burst: 1e9 };
    Rushes::start_with(|config| {
        config.limits = Limits { user: rate, address: rate, ..config.limits };
        change(&mut config.limits);
    })
    .await
}

#[tokio::test]
async fn a_room_is_what_it_was_asked_to_be() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let watermark = "0190F5A0000070008000000000000002";
    // The host, who may not manage teams, is in this one.
    let team = stage.team(&rushes.app().store, "Edit", &[&stage.host]).await;
    let mut wanted = json!({
        "group_id": stage.group, "name": "Selects", "description": "Day 1",
        "comment_scope": CommentScope::ReviewSession, "mute_participants_on_entry": true,
        "allow_participants_to_unmute_self": false, "watermark_id": watermark,
        "user_ids": [stage.crew.id], "host_user_ids": [stage.crew.id],
        "playlist_ids": [stage.playlist], "team_ids": [team],
    });
    let room = stage.ask(&stage.host, "/create/review_session", wanted.clone()).await;
    let same = [
        "group_id",
        "name",
        "description",
        "comment_scope",
        "mute_participants_on_entry",
        "allow_participants_to_unmute_self",
        "watermark_id",
    ];
    for part in same {
        assert_eq!(room[part], wanted[part], "{part}");
    }
    assert_eq!(
        (&room["company_name"], &room["group_name"]),
        (&json!("Company"), &json!("Production"))
    );
    assert_eq!(
        (&room["owner_id"], &room["owner_name"]),
        (&json!(stage.host.id), &json!("host Test"))
    );
    assert_eq!((&room["is_host"], &room["can_edit"]), (&json!(true), &json!(true)));
    assert_eq!((&room["can_reopen"], &room["last_joined"]), (&json!(false), &Value::Null));
    assert!(room["session_playlist_id"].is_string());
    let id = room["id"].clone();
    let teams = stage.ask(&stage.crew, "/get/review_session/teams", json!({ "id": id })).await;
    assert_eq!(teams, json!([{ "review_session_id": id, "team_id": team }]));
    let playlists = "/get/review_session/playlists";
    let shown = stage.ask(&stage.crew, playlists, json!({ "id": id })).await;
    assert_eq!(shown[0]["playlist_id"], json!(stage.playlist));
    assert_eq!(shown.as_array().unwrap().len(), 1, "its own is not among them");
    let users = json!({ "id": id, "include_owner": true });
    let users = stage.ask(&stage.crew, "/get/review_session/users", users).await;
    assert!(users.as_array().unwrap().iter().all(|user| user["is_host"] == true));
    let adjustable: Vec<_> =
        users.as_array().unwrap().iter().map(|user| &user["host_status_adjustable"]).collect();
    assert_eq!(adjustable, [false, true], "the owner always is");

    // A host changes it; what is not named stays. This one is in none of its teams, and may keep them.
    let same = json!({ "id": id, "team_ids": [team] });
    stage.ask(&stage.crew, "/update/review_session", same).await;
    let change = json!({
        "id": id, "name": "Finals", "comment_scope": "ASSET", "mute_participants_on_entry": false,
        "team_ids": [], "playlist_ids": [],
    });
    let changed = stage.ask(&stage.crew, "/update/review_session", change).await;
    for (part, value) in [("name", "Finals"), ("comment_scope", "ASSET"), ("description", "Day 1")]
    {
        assert_eq!(changed[part], value, "{part}");
    }
    assert_eq!(changed["mute_participants_on_entry"], false);
    assert_eq!(changed["watermark_id"], watermark);
    assert_eq!(changed["playlist_count"], 0);
    // What is too long, or HTML, is nothing that it may be called.
    for (part, bad) in
        [("name", "x".repeat(46)), ("name", "<b>".to_owned()), ("description", "{{a}}".to_owned())]
    {
        wanted[part] = json!(bad);
        let (status, answer) =
            stage.post(&stage.host.token, "/create/review_session", wanted.clone()).await;
        assert_eq!(status, 400, "{part}: {answer}");
        wanted[part] = json!("Fine");
    }
}

#[tokio::test]
async fn a_room_is_planned_and_begins_when_somebody_starts_it() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.draft().await["id"].as_str().unwrap().to_owned();
    let mut crew = stage.socket(&stage.crew.token).await;
    let at = |start: &str| json!({ "start_time": start });
    let (status, planned) = stage.schedules(&stage.host, &room, at("2999-12-01T14:00:00Z")).await;
    assert_eq!((status, &planned["status"]), (200, &json!("SCHEDULED")));
    assert_eq!(crew.event("REVIEW_SESSION_UPDATED").await["id"], room.as_str());
    let seen = stage.ask(&stage.crew, "/get/review_session", json!({ "id": room })).await;
    assert_eq!(
        (&seen["status"], &seen["start_time"]),
        (&json!("SCHEDULED"), &json!("2999-12-01T14:00:00.000Z"))
    );
    let join = json!({ "id": room, "media_region": "x" });
    assert_eq!(stage.refused(&stage.crew, "/join/review_session", join).await, (409, 674));
    stage.invite(&room, &["late@rushes.test"]).await;
    let mail = mails(&rushes, "late@rushes.test");
    assert!(mail[0].contains("It begins on 2999-12-01 at 14:00 UTC."), "{mail:?}");

    // Not by just anybody, nor for just any time, and nothing of it counts.
    let soon = at("2999-12-01T15:00:00Z");
    let code = |(status, answer): (u16, Value)| (status, answer["error"]["code"].as_u64().unwrap());
    assert_eq!(code(stage.schedules(&stage.crew, &room, soon.clone()).await), (403, 403));
    assert_eq!(code(stage.schedules(&stage.stranger, &room, soon.clone()).await), (404, 672));
    let nobody = Person { token: "none".to_owned(), ..stage.host.clone() };
    assert_eq!(code(stage.schedules(&nobody, &room, json!(7)).await), (401, 405));
    for bad in [at("2001-01-01T00:00:00Z"), at("soon"), json!({}), json!(7)] {
        let (status, answer) = stage.schedules(&stage.host, &room, bad).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(407)), "{answer}");
        assert_eq!(answer["error"]["fields"][0]["name"], "start_time", "{answer}");
    }
    let seen = stage.ask(&stage.host, "/get/review_session", json!({ "id": room })).await;
    assert_eq!(seen["start_time"], planned["start_time"]);

    let (_, draft) = stage.schedules(&stage.host, &room, Value::Null).await;
    assert_eq!((&draft["status"], &draft["start_time"]), (&json!("DRAFT"), &Value::Null));
    stage.schedules(&stage.host, &room, soon.clone()).await;
    let id = json!({ "id": room });
    let started = stage.ask(&stage.host, "/start/review_session", id.clone()).await;
    assert_eq!(started["status"], "STARTED");
    assert_ne!(started["start_time"], soon["start_time"], "it is when it began");
    assert_eq!(code(stage.schedules(&stage.host, &room, soon.clone()).await), (400, 407));
    stage.ask(&stage.host, "/complete/review_session", id).await;
    assert_eq!(code(stage.schedules(&stage.host, &room, soon).await).1, 675);
}

#[tokio::test]
async fn a_room_outlives_those_who_made_it() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let owner = stage.person(store, "owner", false, Some(default::REVIEWER)).await;
    let body = json!({ "group_id": stage.group, "name": "Room", "user_ids": [stage.crew.id] });
    let room = stage.ask(&owner, "/create/review_session", body).await;
    let id = json!({ "id": room["id"] });
    stage.ask(&owner, "/start/review_session", id.clone()).await;
    // Nobody of those who may drive is there, and the participant is in all the same.
    let crew = stage.enter(&stage.crew, room["id"].as_str().unwrap()).await;
    assert_eq!(crew.data["you"]["can_drive"], false);
    let join = json!({ "id": room["id"], "media_region": "x" });
    stage.ask(&stage.crew, "/join/review_session", join).await;
    let seen = stage.ask(&stage.host, "/get/review_session", id.clone()).await;
    assert!(seen["last_joined"].is_string(), "anybody's joining counts");
    // The production's administrator has no seat, and rules it: makes a host, ends it, opens it.
    let host = json!({ "id": room["id"], "user_id": stage.crew.id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", host).await;
    let over = stage.ask(&stage.host, "/complete/review_session", id.clone()).await;
    assert_eq!((&over["can_reopen"], &over["status"]), (&json!(true), &json!("COMPLETE")));
    assert!(over["end_time"].is_string());
    let again = stage.ask(&stage.crew, "/start/review_session", id).await;
    assert_eq!((&again["status"], &again["end_time"]), (&json!("STARTED"), &Value::Null));
}

#[tokio::test]
async fn a_host_may_take_themselves_out() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let host = json!({ "id": room, "user_id": stage.crew.id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", host).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    let alone = json!({ "id": room, "name": "Theirs", "user_ids": [], "host_user_ids": [] });
    let left = stage.ask(&stage.crew, "/update/review_session", alone).await;
    assert_eq!((&left["name"], &left["is_host"]), (&json!("Theirs"), &json!(false)));
    assert_eq!(left["can_edit"], false);
    assert_eq!(crew.socket.event("REVIEW_SESSION_CLOSED").await["reason"], "REMOVED");
    let get = json!({ "id": room });
    assert_eq!(stage.refused(&stage.crew, "/get/review_session", get.clone()).await, (404, 672));
    assert_eq!(stage.ask(&stage.host, "/get/review_session", get).await["name"], "Theirs");
}

#[tokio::test]
async fn one_person_is_put_out_and_nobody_else() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let boss = stage.person(&rushes.app().store, "boss", true, None).await;
    stage.invite(&room, &["guest@rushes.test", "other@rushes.test"]).await;
    let link = mailed(&rushes, "guest@rushes.test");
    let guest = stage.guest(&link).await;
    let host = json!({ "id": room, "user_id": stage.crew.id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", host).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    let mut attending = stage.enter(&guest, &room).await;

    let absent = rushes::ids::UserId::new();
    for (who, user, expected) in [
        (&stage.stranger, guest.id, (404, 672)),
        (&guest, stage.crew.id, (403, 402)),
        (&stage.crew, stage.host.id, (403, 403)),
        (&boss, absent, (404, 446)),
    ] {
        assert_eq!(stage.puts_out(who, &room, user).await, expected);
    }
    assert_eq!(stage.puts_out(&stage.crew, &room, guest.id).await, (200, 0));
    assert_eq!(attending.socket.event("REVIEW_SESSION_CLOSED").await["reason"], "REMOVED");
    assert_eq!(stage.refused(&guest, "/get/review_sessions", json!({})).await, (401, 405));
    assert_eq!(stage.sign_in(&link).await.0, 401, "nor does the link let them in again");
    assert_eq!(stage.puts_out(&stage.crew, &room, guest.id).await, (404, 446));
    assert_eq!(stage.puts_out(&boss, &room, stage.crew.id).await, (200, 0));
    assert_eq!(crew.socket.event("REVIEW_SESSION_CLOSED").await["reason"], "REMOVED");
    let mut tx = rushes.app().store.read().await.unwrap();
    let seats = rushes::store::rooms::seats(&mut tx, room.parse().unwrap()).await.unwrap();
    let seated: Vec<_> = seats.iter().map(|seat| seat.guest_email.as_deref()).collect();
    assert_eq!(seated, [None, Some("other@rushes.test")], "the owner, and who was not meant");
}

#[tokio::test]
async fn the_rooms_own_playlist_is_for_its_hosts() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let editor = stage.person(store, "editor", false, Some(default::CONTRIBUTOR)).await;
    let room = stage.draft().await;
    let own = room["session_playlist_id"].clone();
    let id = json!({ "id": room["id"] });
    let add = json!({ "id": own, "asset_ids": [stage.hidden] });
    assert_eq!(stage.refused(&editor, "/add/playlist/assets", add.clone()).await, (404, 404));
    let hosts = json!({ "id": room["id"], "host_user_ids": [editor.id] });
    stage.ask(&stage.host, "/update/review_session", hosts).await;
    stage.ask(&editor, "/add/playlist/assets", add).await;
    let shown = stage.ask(&stage.crew, "/get/review_session/assets", id.clone()).await;
    assert_eq!(shown.as_array().unwrap().len(), 3);
    assert_eq!(shown[0]["id"], json!(stage.hidden), "its own playlist comes first");
    let one = json!({ "id": room["id"], "playlist_id": own });
    let of_own = stage.ask(&stage.crew, "/get/review_session/playlist/assets", one).await;
    assert_eq!(of_own.as_array().unwrap().len(), 1);
    // It goes with the room, and is not shown in others.
    for who in [&stage.host, &editor] {
        let delete = json!({ "id": own });
        assert_eq!(stage.refused(who, "/delete/playlist", delete).await, (403, 800));
    }
    let other = json!({ "group_id": stage.group, "name": "Other", "playlist_ids": [own] });
    assert_eq!(stage.refused(&stage.host, "/create/review_session", other).await, (404, 404));
    let absent = json!({ "id": room["id"], "playlist_ids": [room["id"]] });
    let path = "/get/review_session/playlist/assets";
    assert_eq!(stage.refused(&stage.crew, path, absent).await, (404, 404));
}

#[tokio::test]
async fn a_room_has_limits_and_says_which() {
    let rushes = start_with(|limits| (limits.open_rooms, limits.room_people) = (2, 3)).await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let room = stage.room().await;
    stage.invite(&room, &["guest@rushes.test"]).await;
    let fourth = stage.person(store, "fourth", false, None).await;
    for (path, body) in [
        (
            "/create/review_session/users",
            json!({ "review_session_id": room, "emails": ["x@rushes.test"] }),
        ),
        ("/update/review_session", json!({ "id": room, "host_user_ids": [fourth.id] })),
    ] {
        assert_eq!(stage.refused(&stage.host, path, body).await, (409, 676), "{path}");
    }
    let users = json!({ "id": room, "include_owner": true });
    let users = stage.ask(&stage.host, "/get/review_session/users", users).await;
    assert_eq!(users.as_array().unwrap().len(), 3, "whoever was too many was not let in");
    // Those who go make place for those who come.
    let exchanged = json!({ "id": room, "user_ids": [fourth.id] });
    stage.ask(&stage.host, "/update/review_session", exchanged).await;

    // Two rooms are open, and a complete one takes no place until it is opened again.
    let done = stage.room().await;
    let create = json!({ "group_id": stage.group, "name": "Room" });
    let path = "/create/review_session";
    assert_eq!(stage.refused(&stage.host, path, create.clone()).await, (403, 803));
    stage.ask(&stage.host, "/complete/review_session", json!({ "id": done })).await;
    stage.ask(&stage.host, path, create).await;
    let again = json!({ "id": done });
    assert_eq!(stage.refused(&stage.host, "/start/review_session", again).await, (403, 803));
}

#[tokio::test]
async fn a_room_starts_with_what_may_be_shown() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    // One who may put assets into playlists, and then not show them any more.
    let owner = stage.person(store, "owner", false, Some(default::MANAGER)).await;
    for dynamic in [false, true] {
        let mut playlist = json!({ "name": "Mine", "group_id": stage.group });
        if dynamic {
            playlist["playlist_source"] = json!("FOLDER");
            playlist["source_project_id"] = json!(stage.project);
        }
        let playlist = stage.ask(&owner, "/create/playlist", playlist).await;
        if !dynamic {
            let add = json!({ "id": playlist["id"], "asset_ids": [stage.clips[0]] });
            stage.ask(&owner, "/add/playlist/assets", add).await;
        }
        let room = json!({
            "group_id": stage.group, "name": "Room", "playlist_ids": [playlist["id"]],
        });
        let room = stage.ask(&owner, "/create/review_session", room).await;
        assert_eq!(room["asset_count"], if dynamic { 3 } else { 1 });
        let id = json!({ "id": room["id"] });
        set_group(&stage, &rushes, &owner, default::VIEWER).await;
        assert_eq!(stage.refused(&owner, "/start/review_session", id.clone()).await, (422, 671));
        set_group(&stage, &rushes, &owner, default::MANAGER).await;
        stage.ask(&owner, "/start/review_session", id).await;
    }
    let empty = json!({ "group_id": stage.group, "name": "Empty" });
    let empty = stage.ask(&owner, "/create/review_session", empty).await;
    stage.ask(&owner, "/start/review_session", json!({ "id": empty["id"] })).await;
}

async fn set_group(stage: &Stage, rushes: &Rushes, who: &Person, group: i64) {
    let mut tx = rushes.app().store.write().await.unwrap();
    let now = rushes::time::Millis::now();
    let (project, user) = (stage.project, who.id);
    rushes::provision::add_project_member(&mut tx, project, user, group, now).await.unwrap();
    tx.commit().await.unwrap();
}
