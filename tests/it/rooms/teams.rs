//! Who attends a room as a member of one of its teams.

use rushes::{config::Limits, store};
use serde_json::json;

use super::stage::Stage;
use crate::harness::{Person, Rushes, code};

const CLOSED: &str = "REVIEW_SESSION_CLOSED";

/// A company's administrator, who may say who is in its teams.
async fn boss(stage: &Stage, rushes: &Rushes) -> Person {
    stage.person(&rushes.app().store, "boss", true, None).await
}

#[tokio::test]
async fn members_of_a_team_attend_like_participants_as_long_as_they_are_in_it() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let editor = stage.person(store, "editor", false, None).await;
    let boss = boss(&stage, &rushes).await;
    let team = stage.team(store, "Edit", &[&stage.host, &editor]).await;
    let room = stage.room().await;
    let id = json!({ "id": room });
    assert_eq!(stage.refused(&editor, "/get/review_session", id.clone()).await, (404, 672));
    let mut listening = stage.socket(&editor.token).await;
    listening.ask("ping", &json!({}), None).await;

    let with_team = json!({ "id": room, "team_ids": [team] });
    stage.ask(&stage.host, "/update/review_session", with_team.clone()).await;
    assert_eq!(listening.event("REVIEW_SESSION_UPDATED").await, id, "they may know of it now");
    assert_eq!(stage.ask(&editor, "/get/review_sessions", json!({})).await[0]["id"], room.as_str());
    let clip = json!({ "id": stage.clips[0] });
    stage.ask(&editor, "/get/asset", clip.clone()).await;
    assert_eq!(
        stage.refused(&editor, "/update/review_session", with_team.clone()).await,
        (403, 403)
    );
    let mut attending = stage.enter(&editor, &room).await;
    assert_eq!(attending.data["you"]["can_drive"], false);
    stage.ask(&editor, "/join/review_session", json!({ "id": room, "media_region": "x" })).await;
    let host = json!({ "id": room, "user_id": editor.id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", host).await;
    attending.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;

    // Who is in by a team is not put out by the list of participants, nor by name, but with the
    // team.
    let out = stage.puts_out(&stage.host, &room, editor.id).await;
    assert_eq!(out, (403, 403));
    let hosts = [stage.host.id, editor.id];
    let alone = json!({ "id": room, "user_ids": [], "host_user_ids": hosts });
    stage.ask(&stage.host, "/update/review_session", alone).await;
    let out = json!({ "id": team, "user_id": editor.id });
    stage.ask(&boss, "/delete/team/user", out).await;
    assert_eq!(attending.socket.event(CLOSED).await["reason"], "REMOVED");
    for (path, body) in [("/get/review_session", id.clone()), ("/get/asset", clip)] {
        assert_eq!(stage.refused(&editor, path, body).await.0, 404, "{path}");
    }
    let subscribed = attending.socket.ask("rushes/room/subscribe", &id, None).await;
    assert_eq!(code(&subscribed), 672);

    // The same when they leave the company, the team is taken off the room, or is deleted.
    for (who, path, body) in [
        (&boss, "/delete/company/user", json!({ "id": stage.company, "user_id": editor.id })),
        (&stage.host, "/update/review_session", json!({ "id": room, "team_ids": [] })),
        (&boss, "/delete/team", json!({ "id": team })),
    ] {
        stage.joins_team(store, team, &editor).await;
        stage.ask(&stage.host, "/update/review_session", with_team.clone()).await;
        let mut attending = stage.enter(&editor, &room).await;
        stage.ask(who, path, body).await;
        assert_eq!(attending.socket.event(CLOSED).await["reason"], "REMOVED", "{path}");
        assert_eq!(stage.refused(&editor, "/get/review_session", id.clone()).await, (404, 672));
    }
    let mut tx = store.read().await.unwrap();
    let id = room.parse().unwrap();
    assert_eq!(store::rooms::seats(&mut tx, id).await.unwrap().len(), 1);
    assert_eq!(store::rooms::teams(&mut tx, id).await.unwrap(), []);
}

#[tokio::test]
async fn a_room_moves_to_another_production_with_its_playlist_and_the_teams_that_may_be_there() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let editor = stage.person(store, "editor", false, None).await;
    let boss = boss(&stage, &rushes).await;
    let (everywhere, here, there) = {
        let mut tx = store.write().await.unwrap();
        let (db, now): (&mut store::Db, _) = (&mut tx, rushes::time::Millis::now());
        let other = store::groups::create(db, stage.company, boss.id, "Other", now).await.unwrap();
        let of = (stage.company, Some(stage.group));
        let here = store::teams::create(db, of.0, of.1, "Here", now).await.unwrap();
        let everywhere = store::teams::create(db, of.0, None, "All", now).await.unwrap();
        tx.commit().await.unwrap();
        (everywhere, here, other.id)
    };
    stage.joins_team(store, here, &editor).await;
    let room = stage.room().await;
    let update = "/update/review_session";
    let teams = json!({ "id": room, "team_ids": [everywhere, here] });
    stage.ask(&boss, update, teams).await;

    // A team of the old production alone would let its people in where they have no business.
    let moved = json!({ "id": room, "group_id": there });
    assert_eq!(stage.refused(&boss, update, moved).await, (422, 712));
    let seen = stage.ask(&editor, "/get/review_session", json!({ "id": room })).await;
    assert_eq!(seen["group_id"], json!(stage.group), "nothing came of it");
    let moved = json!({ "id": room, "group_id": there, "team_ids": [everywhere] });
    let moved = stage.ask(&boss, update, moved).await;
    assert_eq!((&moved["group_id"], &moved["group_name"]), (&json!(there), &json!("Other")));
    let id = json!({ "id": room });
    assert_eq!(stage.refused(&editor, "/get/review_session", id).await, (404, 672));
    let playlist = moved["session_playlist_id"].as_str().unwrap().parse().unwrap();
    let mut tx = store.read().await.unwrap();
    let playlist = store::playlists::get(&mut tx, playlist).await.unwrap().unwrap();
    assert_eq!(playlist.production_id, Some(there));
    drop(tx);

    // Its company is that production's, whoever says something else.
    let company = |id| json!({ "id": room, "company_id": id });
    stage.ask(&boss, update, company(stage.company)).await;
    let absent = rushes::ids::CompanyId::new();
    assert_eq!(stage.refused(&boss, update, company(absent)).await, (404, 404));
}

#[tokio::test]
async fn a_team_finds_no_more_place_than_others() {
    let rate = rushes::rpc::Rate { per_second: 1e9, burst: 1e9 };
    let rushes = Rushes::start_with(|config| {
        config.limits = Limits { user: rate, address: rate, room_people: 3, ..config.limits };
    })
    .await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let (third, fourth) = (
        stage.person(store, "third", false, None).await,
        stage.person(store, "fourth", false, None).await,
    );
    let team = stage.team(store, "Edit", &[&stage.host, &third, &fourth]).await;
    let room = stage.room().await;
    let with_team = json!({ "id": room, "team_ids": [team] });
    stage.ask(&stage.host, "/update/review_session", with_team).await;
    stage.enter(&third, &room).await;
    let mut socket = stage.socket(&fourth.token).await;
    let id = json!({ "id": room });
    assert_eq!(code(&socket.ask("rushes/room/subscribe", &id, None).await), 676);
    let join = json!({ "id": room, "media_region": "x" });
    assert_eq!(stage.refused(&fourth, "/join/review_session", join.clone()).await, (409, 676));
    // And they keep nobody out.
    stage.ask(&stage.crew, "/join/review_session", join).await;
}

#[tokio::test]
async fn a_room_has_no_teams_that_there_are_not_or_that_are_others() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let store = &rushes.app().store;
    let unknown = stage.team(store, "Unknown", &[&stage.host]).await;
    let foreign = {
        let mut tx = store.write().await.unwrap();
        let now = rushes::time::Millis::now();
        let company = store::companies::create(&mut tx, "Third", now).await.unwrap();
        let membership = store::companies::MembershipRow {
            company_id: company,
            is_admin: true,
            is_owner: false,
        };
        store::companies::set_member(&mut tx, stage.host.id, membership, now).await.unwrap();
        let team = store::teams::create(&mut tx, company, None, "Foreign", now).await.unwrap();
        tx.commit().await.unwrap();
        team
    };
    let room = stage.room().await;
    let absent = "0190F5A0000070008000000000000001";
    for (team, expected) in [(json!(absent), (404, 404)), (json!(foreign), (422, 712))] {
        let update = json!({ "id": room, "team_ids": [team] });
        assert_eq!(stage.refused(&stage.host, "/update/review_session", update).await, expected);
        let create = json!({ "group_id": stage.group, "name": "Room", "team_ids": [team] });
        assert_eq!(stage.refused(&stage.host, "/create/review_session", create).await, expected);
    }
    // A host of the room, who is in no folder and so knows of no team that they are not in.
    let host = json!({ "id": room, "user_id": stage.crew.id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", host).await;
    let update = json!({ "id": room, "team_ids": [unknown] });
    let refused = stage.refused(&stage.crew, "/update/review_session", update).await;
    assert_eq!(refused, (404, 404));
    let teams = stage.ask(&stage.host, "/get/review_session/teams", json!({ "id": room })).await;
    assert_eq!(teams, json!([]));
}
