//! What is drawn on the picture of a room, pointed at, and kept.

use serde_json::{Value, json};

use super::{
    guests::mailed,
    stage::{Attending, Stage},
};
use crate::harness::{Rushes, code};

const STROKES: &str = "REVIEW_SESSION_STROKES";

fn part(room: &str, asset: &Value, id: &str, from: usize, points: Value, done: bool) -> Value {
    json!({
        "id": room, "stroke_id": id, "asset_id": asset, "frame": 42, "color": "#ff8800",
        "width": 40, "from": from, "points": points, "done": done,
    })
}

async fn asks(who: &mut Attending, endpoint: &str, data: Value) -> Value {
    who.socket.ask(&format!("rushes/room/{endpoint}"), &data, None).await
}

#[tokio::test]
async fn what_one_draws_the_others_see_and_a_latecomer_too() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    stage.invite(&room, &["guest@rushes.test"]).await;
    let guest = stage.guest(&mailed(&rushes, "guest@rushes.test")).await;
    let clip = json!(stage.clips[0]);
    let mut host = stage.enter(&stage.host, &room).await;
    let mut drawer = stage.enter(&guest, &room).await;
    let whole = host.socket.event(STROKES).await;
    assert_eq!(whole, json!({ "id": room, "whole": true, "strokes": [] }));
    let early = asks(&mut drawer, "draw", part(&room, &clip, "s", 0, json!([1, 2]), false)).await;
    assert_eq!(code(&early), 407, "nothing is shown yet");
    host.does(json!({ "op": "LOAD", "asset_id": clip })).await;

    let first =
        asks(&mut drawer, "draw", part(&room, &clip, "s", 0, json!([1, 2, 3, 4]), false)).await;
    assert_eq!(first["data"], json!({ "stroke_id": "s", "points": 2 }));
    let told = host.socket.event(STROKES).await;
    let stroke = &told["strokes"][0];
    assert_eq!((&told["whole"], &stroke["points"]), (&json!(false), &json!([1, 2, 3, 4])));
    assert_eq!((&stroke["user_id"], &stroke["color"]), (&json!(guest.id), &json!("#FF8800")));
    assert_eq!((&stroke["frame"], &stroke["done"]), (&json!(42), &json!(false)));
    let gap = asks(&mut drawer, "draw", part(&room, &clip, "s", 3, json!([9, 9]), true)).await;
    assert_eq!(code(&gap), 407);
    asks(&mut drawer, "draw", part(&room, &clip, "s", 1, json!([3, 4, 5, 6]), true)).await;
    let told = host.socket.event(STROKES).await;
    let stroke = &told["strokes"][0];
    let expected = (&json!(2), &json!([5, 6]), &json!(true));
    assert_eq!((&stroke["from"], &stroke["points"], &stroke["done"]), expected);

    let point = json!({ "id": room, "asset_id": clip, "x": 100, "y": 200 });
    asks(&mut drawer, "point", point).await;
    let pointers = host.socket.event("REVIEW_SESSION_POINTERS").await;
    let expected = json!([{ "user_id": guest.id, "asset_id": clip, "x": 100, "y": 200 }]);
    assert_eq!(pointers["pointers"], expected);

    // The log knows that something was drawn, and a latecomer sees it.
    let mut late = stage.enter(&stage.crew, &room).await;
    let whole = late.socket.event(STROKES).await;
    assert_eq!(whole["strokes"][0]["points"], json!([1, 2, 3, 4, 5, 6]));
    assert_eq!((&whole["whole"], &whole["strokes"][0]["from"]), (&json!(true), &json!(0)));

    // One takes away one's own, a host all.
    let named = json!({ "id": room, "stroke_ids": ["s"] });
    assert_eq!(code(&asks(&mut late, "erase", named.clone()).await), 403);
    let all = json!({ "id": room, "whose": "ALL" });
    assert_eq!(code(&asks(&mut drawer, "erase", all.clone()).await), 403);
    asks(&mut late, "draw", part(&room, &clip, "t", 0, json!([1, 1]), true)).await;
    assert_eq!(asks(&mut drawer, "erase", named).await["data"], json!({ "stroke_ids": ["s"] }));
    let erased = host.socket.event("REVIEW_SESSION_STROKES_ERASED").await;
    assert_eq!((&erased["stroke_ids"], &erased["by"]), (&json!(["s"]), &json!(guest.id)));
    assert_eq!(asks(&mut host, "erase", all).await["data"], json!({ "stroke_ids": ["t"] }));
    assert_eq!(code(&asks(&mut host, "erase", json!({ "id": room })).await), 407);
}

#[tokio::test]
async fn strangers_do_not_draw() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let clip = json!(stage.clips[0]);
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": clip })).await;
    let mut socket = rushes.socket(Some(&stage.stranger.token)).await;
    for (endpoint, data) in [
        ("draw", part(&room, &clip, "s", 0, json!([1, 2]), true)),
        ("erase", json!({ "id": room, "whose": "OWN" })),
    ] {
        let answer = socket.ask(&format!("rushes/room/{endpoint}"), &data, None).await;
        assert_eq!(code(&answer), 403, "{endpoint}");
    }
    let keep = json!({ "id": room, "cmd_id": "k", "asset_id": clip, "frame": 42 });
    assert_eq!(code(&socket.ask("rushes/room/keep", &keep, None).await), 672);
    let point = json!({ "id": room, "asset_id": clip, "x": 1, "y": 1 });
    socket.ask("rushes/room/point", &point, None).await;
    host.does(json!({ "op": "SEEK", "frame": 1 })).await;
    assert_eq!(host.socket.told("REVIEW_SESSION_POINTERS").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_host_keeps_a_drawing_as_a_comment() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let (room, other) = (stage.room().await, stage.room().await);
    stage.invite(&other, &["guest@rushes.test"]).await;
    let guest = stage.guest(&mailed(&rushes, "guest@rushes.test")).await;
    let clip = json!(stage.clips[0]);
    let mut host = stage.enter(&stage.host, &room).await;
    let mut crew = stage.enter(&stage.crew, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": clip })).await;
    asks(&mut crew, "draw", part(&room, &clip, "s", 0, json!([0, 0, 10_000, 10_000]), true)).await;
    asks(&mut crew, "draw", part(&room, &clip, "open", 0, json!([1, 1]), false)).await;

    let keep = json!({
        "id": room, "cmd_id": "k", "asset_id": clip, "frame": 42, "text": "Move this",
    });
    assert_eq!(code(&asks(&mut crew, "keep", keep.clone()).await), 403);
    let mut tagged = keep.clone();
    tagged["text"] = json!("<script>");
    assert_eq!(code(&asks(&mut host, "keep", tagged).await), 407);
    let kept = asks(&mut host, "keep", keep.clone()).await["data"].clone();
    assert_eq!(kept["stroke_ids"], json!(["s"]));
    assert_eq!(crew.socket.event("COMMENT_CREATED").await["id"], kept["comment_id"]);
    let told = crew.socket.event("REVIEW_SESSION_STROKES_KEPT").await;
    assert_eq!((&told["comment_id"], &told["stroke_ids"]), (&kept["comment_id"], &json!(["s"])));
    // Asked again: the same comment. Asked anew: there is nothing more to keep.
    assert_eq!(asks(&mut host, "keep", keep.clone()).await["data"], kept);
    let mut anew = keep;
    anew["cmd_id"] = json!("k2");
    assert_eq!(code(&asks(&mut host, "keep", anew).await), 407);

    let of = json!({ "asset_id": clip });
    let comments = stage.ask(&stage.crew, "/get/comments", of.clone()).await;
    let comment = &comments[0];
    assert_eq!(comments.as_array().unwrap().len(), 1);
    assert_eq!(
        (&comment["id"], &comment["description"]),
        (&kept["comment_id"], &json!("Move this"))
    );
    assert_eq!((&comment["has_drawing"], &comment["has_marker"]), (&json!(true), &json!(true)));
    assert_eq!((&comment["marker_time"], &comment["scope"]), (&json!(1.68), &json!("ASSET")));
    assert_eq!(comment["is_owner"], false);
    let one = json!({ "asset_id": clip, "comment_id": comment["id"] });
    assert_eq!(stage.ask(&stage.host, "/get/comment", one.clone()).await["is_owner"], true);
    let count = stage.ask(&stage.crew, "/get/comments/count", of.clone()).await;
    assert_eq!(count["public_comments_count"], 1);
    let id = json!({ "comment_id": comment["id"] });
    let svg = stage.ask(&stage.crew, "/get/indicators/svg", id.clone()).await;
    assert_eq!(svg["has_drawing"], true);
    assert!(svg["svg"].as_str().unwrap().contains("stroke=\"#FF8800\""), "{svg}");

    // The guest of another room sees the clip there, and not what was said of it here.
    assert_eq!(stage.ask(&guest, "/get/comments", of.clone()).await, json!([]));
    assert_eq!(stage.refused(&guest, "/get/comment", one.clone()).await, (404, 404));
    stage.invite(&room, &["here@rushes.test"]).await;
    let here = stage.guest(&mailed(&rushes, "here@rushes.test")).await;
    assert_eq!(stage.ask(&here, "/get/comments", of.clone()).await[0]["id"], comment["id"]);
    for (path, body) in [
        ("/get/comments", of.clone()),
        ("/get/comment", one),
        ("/get/comments/count", of.clone()),
        ("/get/indicators/svg", id),
    ] {
        assert_eq!(stage.refused(&stage.stranger, path, body).await, (404, 404), "{path}");
    }
    let delete = json!({ "id": comment["id"] });
    assert_eq!(stage.refused(&stage.crew, "/delete/comment", delete.clone()).await, (403, 800));
    stage.ask(&stage.host, "/delete/comment", delete).await;
    assert_eq!(crew.socket.event("COMMENT_DELETED").await["id"], comment["id"]);
    assert_eq!(stage.ask(&stage.crew, "/get/comments", of).await, json!([]));
}

#[tokio::test]
async fn a_comment_of_a_rooms_scope_stays_among_its_people() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let (room, other) = (stage.room().await, stage.room().await);
    let scope = json!({ "id": room, "comment_scope": "REVIEW_SESSION" });
    stage.ask(&stage.host, "/update/review_session", scope).await;
    stage.invite(&other, &["guest@rushes.test"]).await;
    let guest = stage.guest(&mailed(&rushes, "guest@rushes.test")).await;
    let clip = json!(stage.clips[0]);
    let mut host = stage.enter(&stage.host, &room).await;
    host.does(json!({ "op": "LOAD", "asset_id": clip })).await;
    asks(&mut host, "draw", part(&room, &clip, "s", 0, json!([1, 1]), true)).await;
    let keep = json!({ "id": room, "cmd_id": "k", "asset_id": clip, "frame": 42 });
    let kept = asks(&mut host, "keep", keep).await["data"]["comment_id"].clone();

    let of = json!({ "asset_id": clip });
    assert_eq!(stage.ask(&stage.crew, "/get/comments", of.clone()).await[0]["id"], kept);
    assert_eq!(stage.ask(&guest, "/get/comments", of).await, json!([]));
    let svg = json!({ "comment_id": kept });
    assert_eq!(stage.refused(&guest, "/get/indicators/svg", svg).await, (404, 404));
    for (more, found) in [
        (json!({ "read_scopes": ["ASSET"] }), 0),
        (json!({ "read_scopes": ["REVIEW_SESSION", "ASSET"] }), 1),
        (json!({ "review_session_id": room }), 1),
        (json!({ "review_session_id": other }), 0),
        (json!({ "channel_type": "PRIVATE" }), 0),
    ] {
        let mut body = json!({ "asset_id": clip });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let comments = stage.ask(&stage.crew, "/get/comments", body).await;
        assert_eq!(comments.as_array().unwrap().len(), found, "{more}");
    }
    let odd = json!({ "asset_id": clip, "read_scopes": ["ELSEWHERE"] });
    assert_eq!(stage.refused(&stage.crew, "/get/comments", odd).await, (400, 407));
}
