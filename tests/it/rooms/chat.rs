//! What people say to each other in a room.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{guests::mailed, stage::Stage};
use crate::harness::{Person, Rushes, Socket, code};

const SAID: &str = "REVIEW_SESSION_CHAT";

async fn says(socket: &mut Socket, room: &str, cmd_id: &str, text: &str) -> Value {
    let data = json!({ "id": room, "cmd_id": cmd_id, "text": text });
    socket.ask("rushes/room/chat", &data, None).await
}

async fn history(socket: &mut Socket, room: &str, more: Value) -> Value {
    let mut data = json!({ "id": room });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    socket.ask("rushes/room/chat/history", &data, None).await
}

fn texts(page: &Value) -> Vec<&str> {
    let messages = page["data"]["messages"].as_array().unwrap();
    messages.iter().map(|message| message["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn everyone_in_the_room_talks_in_one_order_and_a_latecomer_reads_it() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    stage.invite(&room, &["guest@rushes.test"]).await;
    let guest = stage.guest(&mailed(&rushes, "guest@rushes.test")).await;
    let mut host = stage.enter(&stage.host, &room).await;
    let mut crew = stage.enter(&guest, &room).await;
    assert_eq!(host.data["last_message"], 0);

    let said = says(&mut crew.socket, &room, "a", "  <b>Hello</b>\nall ").await;
    assert_eq!((&said["data"]["seq"], &said["data"]["cmd_id"]), (&json!(1), &json!("a")));
    let again = says(&mut crew.socket, &room, "a", "Hello").await;
    assert_eq!(again["data"], said["data"]);
    says(&mut host.socket, &room, "b", "Two").await;
    for who in [&mut host, &mut crew] {
        let first = who.socket.event(SAID).await;
        let parts =
            ["id", "seq", "text", "name", "is_guest", "user_id"].map(|part| first[part].clone());
        let text = "<b>Hello</b>\nall";
        let expected = [json!(room), json!(1), json!(text), json!("Guest Test"), json!(true)];
        assert_eq!(parts[..5], expected);
        assert_eq!(parts[5], json!(guest.id));
        assert_eq!(who.socket.event(SAID).await["text"], "Two");
    }

    // The one who comes later reads it, in pages from either end.
    let mut late = stage.enter(&stage.crew, &room).await;
    assert_eq!(late.data["last_message"], 2);
    let socket = &mut late.socket;
    let last = history(socket, &room, json!({ "limit": 1 })).await;
    assert_eq!((texts(&last), &last["data"]["more"]), (vec!["Two"], &json!(true)));
    let before = history(socket, &room, json!({ "limit": 1, "before": 2 })).await;
    assert_eq!((texts(&before)[0].len(), &before["data"]["more"]), (16, &json!(false)));
    let after = history(socket, &room, json!({ "after": 1 })).await;
    assert_eq!((texts(&after), &after["data"]["more"]), (vec!["Two"], &json!(false)));
    let both = history(socket, &room, json!({ "after": 1, "before": 2 })).await;
    assert_eq!(code(&both), 407);

    // Limits.
    for text in ["", " \n", &"x".repeat(2001), "a\u{7}"] {
        assert_eq!(code(&says(&mut late.socket, &room, "bad", text).await), 407, "{text:?}");
    }
    let mut refused = Value::Null;
    for i in 0..20 {
        let answer = says(&mut late.socket, &room, &format!("fast {i}"), "x").await;
        if answer["error"].is_object() {
            refused = answer;
        }
    }
    assert_eq!(code(&refused), 900);
}

#[tokio::test]
async fn strangers_neither_read_nor_write_it_and_hosts_export_it() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let (room, other) = (stage.room().await, stage.room().await);
    stage.invite(&other, &["guest@rushes.test"]).await;
    let guest = stage.guest(&mailed(&rushes, "guest@rushes.test")).await;
    let mut host = stage.enter(&stage.host, &room).await;
    says(&mut host.socket, &room, "a", "Secret").await;
    for who in [&stage.stranger, &guest] {
        let mut socket = rushes.socket(Some(&who.token)).await;
        assert_eq!(code(&history(&mut socket, &room, json!({})).await), 672);
        assert_eq!(code(&says(&mut socket, &room, "b", "x").await), 403);
        assert_eq!(socket.told(SAID).await, Vec::<Value>::new());
    }
    // A seat alone is enough to read, and not to write without being there.
    let mut away = rushes.socket(Some(&stage.crew.token)).await;
    assert_eq!(texts(&history(&mut away, &room, json!({})).await), ["Secret"]);
    assert_eq!(code(&says(&mut away, &room, "c", "x").await), 403);

    let get = async |who: &Person, what: &str| {
        let url = rushes.url(&format!("/rooms/{room}/{what}"));
        let answer = rushes.client.get(url).header("X-Token", &who.token).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, text) = get(&stage.host, "chat.jsonl").await;
    assert_eq!(status, StatusCode::OK);
    let line: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!((&line["seq"], &line["text"]), (&json!(1), &json!("Secret")));
    let (_, text) = get(&stage.host, "chat.txt").await;
    assert!(text.ends_with("Z  host Test: Secret\n"), "{text}");
    let (_, log) = get(&stage.host, "log.jsonl").await;
    let said = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let said: Vec<_> = said.filter(|line| line["kind"] == "SAID").collect();
    assert_eq!((&said[0]["message"], &said[0]["by"]), (&json!(1), &json!(stage.host.id)));
    for what in ["chat.jsonl", "chat.txt"] {
        assert_eq!(get(&stage.crew, what).await.0, 403);
        assert_eq!(get(&stage.stranger, what).await.0, 404);
    }

    // When the room is over its people still read it, and say no more.
    stage.ask(&stage.host, "/complete/review_session", json!({ "id": room })).await;
    assert_eq!(texts(&history(&mut away, &room, json!({})).await), ["Secret"]);
    assert_eq!(code(&says(&mut host.socket, &room, "late", "x").await), 675);
}
