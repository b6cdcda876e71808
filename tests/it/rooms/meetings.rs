//! Who may talk in a room, as the server has it; what is heard of it is the media plane's to test.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::harness::{Person, Rushes, Socket, code};

/// Somebody's connection, and the room that they talk in.
struct Talker {
    socket: Socket,
    room: String,
}

async fn join_token(stage: &Stage, who: &Person, room: &str) -> String {
    let body = json!({ "id": room, "media_region": "local" });
    let joined = stage.ask(who, "/join/review_session", body).await;
    let attendee: Value = serde_json::from_str(joined["attendee"].as_str().unwrap()).unwrap();
    attendee["JoinToken"].as_str().unwrap().to_owned()
}

impl Talker {
    async fn join(stage: &Stage, who: &Person, room: &str) -> Self {
        let join_token = join_token(stage, who, room).await;
        let mut talker = Self { socket: stage.socket(&who.token).await, room: room.to_owned() };
        let joined = talker.asks("join", json!({ "join_token": join_token })).await;
        assert_eq!(joined["user_id"], json!(who.id));
        let sdp = joined["sdp"].as_str().unwrap();
        assert!(sdp.contains("a=ice-lite") && sdp.contains("a=simulcast:recv l;h"), "{sdp}");
        talker
    }

    async fn answer(&mut self, what: &str, mut data: Value) -> Value {
        data["id"] = json!(self.room);
        self.socket.ask(&format!("rushes/meeting/{what}"), &data, None).await
    }

    async fn asks(&mut self, what: &str, data: Value) -> Value {
        let answer = self.answer(what, data).await;
        assert!(answer["error"].is_null(), "{what}: {answer}");
        answer["data"].clone()
    }

    async fn refused(&mut self, what: &str, data: Value) -> u64 {
        code(&self.answer(what, data).await)
    }

    /// Waits until the roster has somebody so.
    async fn sees(&mut self, who: &Person, is: Value) {
        loop {
            let roster = self.socket.event("REVIEW_SESSION_MEETING_ROSTER").await;
            let members = roster["members"].as_array().unwrap();
            let member = members.iter().find(|member| member["user_id"] == json!(who.id));
            let fits = |member: &&Value| {
                is.as_object().unwrap().iter().all(|(name, value)| member[name] == *value)
            };
            if member.is_some_and(|member| fits(&member)) {
                return;
            }
        }
    }

    async fn ended(&mut self) -> Value {
        self.socket.event("REVIEW_SESSION_MEETING_ENDED").await["reason"].clone()
    }
}

#[tokio::test]
async fn only_who_attends_a_room_talks_in_it() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let token = join_token(&stage, &stage.crew, &room).await;
    let as_crew = json!({ "id": room, "join_token": token });
    for (who, expected) in [(&stage.stranger, 672), (&stage.host, 670)] {
        let mut socket = stage.socket(&who.token).await;
        let answer = socket.ask("rushes/meeting/join", &as_crew, None).await;
        assert_eq!(code(&answer), expected);
    }
    let mut crew = Talker { socket: stage.socket(&stage.crew.token).await, room: room.clone() };
    assert_eq!(crew.refused("mute", json!({})).await, 673, "not in it yet");
    crew.asks("join", json!({ "join_token": token })).await;
    crew.asks("mute", json!({})).await;
    assert_eq!(crew.refused("answer", json!({ "offer": 7, "sdp": "v=0" })).await, 407);
    assert_eq!(crew.refused("shout", json!({})).await, 400);

    // A new joining ends the token of the one before, and whoever comes by it takes over.
    let again = join_token(&stage, &stage.crew, &room).await;
    assert_eq!(crew.refused("join", json!({ "join_token": token })).await, 670);
    let mut other = Talker { socket: stage.socket(&stage.crew.token).await, room: room.clone() };
    other.asks("join", json!({ "join_token": again })).await;
    assert_eq!(crew.ended().await, "REPLACED");
    assert_eq!(crew.refused("unmute", json!({})).await, 673);

    let users = json!({ "id": room, "user_ids": [stage.host.id] });
    stage.ask(&stage.host, "/update/review_session", users).await;
    assert_eq!(other.ended().await, "REMOVED");
    assert_eq!(other.refused("join", json!({ "join_token": again })).await, 672);
}

#[tokio::test]
async fn a_guest_talks_in_their_own_room_alone() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let (room, other) = (stage.room().await, stage.room().await);
    let mut tx = rushes.app().store.write().await.unwrap();
    let id = room.parse().unwrap();
    let now = rushes::time::Millis::now();
    let link = rushes::provision::guest_link(&mut tx, "", id, "guest@rushes.test", now);
    let (_, link) = link.await.unwrap();
    tx.commit().await.unwrap();
    let guest = stage.guest(link.split("u=").nth(1).unwrap()).await;
    let mut talker = Talker::join(&stage, &guest, &room).await;
    talker.sees(&guest, json!({ "is_host": false, "muted": false })).await;
    let elsewhere = json!({ "id": other, "join_token": "0" });
    let answer = talker.socket.ask("rushes/meeting/join", &elsewhere, None).await;
    assert_eq!(code(&answer), 672);
}

#[tokio::test]
async fn the_rooms_rules_and_its_hosts_are_obeyed() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let (host_id, crew_id) = (json!(stage.host.id), json!(stage.crew.id));
    let strict = json!({
        "id": room, "mute_participants_on_entry": true, "allow_participants_to_unmute_self": false,
    });
    stage.ask(&stage.host, "/update/review_session", strict).await;
    let mut host = Talker::join(&stage, &stage.host, &room).await;
    host.asks("unmute", json!({})).await;
    let mut crew = Talker::join(&stage, &stage.crew, &room).await;
    crew.sees(&stage.crew, json!({ "muted": true, "may_unmute": false })).await;
    assert_eq!(crew.refused("unmute", json!({})).await, 403);
    assert_eq!(crew.refused("mute_all", json!({})).await, 403);
    assert_eq!(crew.refused("mute", json!({ "user_id": host_id })).await, 403);

    host.asks("unmute", json!({ "user_id": crew_id })).await;
    assert_eq!(crew.socket.event("REVIEW_SESSION_MEETING_ASKED").await["by"], host_id);
    crew.asks("unmute", json!({})).await;
    host.sees(&stage.crew, json!({ "muted": false })).await;
    host.asks("mute_all", json!({})).await;
    crew.sees(&stage.crew, json!({ "muted": true, "may_unmute": false })).await;
    // Leaving and coming back is no way around it.
    crew.asks("leave", json!({})).await;
    let mut crew = Talker::join(&stage, &stage.crew, &room).await;
    assert_eq!(crew.refused("unmute", json!({})).await, 403);

    // Whoever becomes a host may; and open rules let everybody.
    let hosts = json!({ "id": room, "user_id": crew_id, "is_host": true });
    stage.ask(&stage.host, "/set/review_session/user/host", hosts).await;
    crew.sees(&stage.crew, json!({ "is_host": true, "may_unmute": true })).await;
    let hosts = json!({ "id": room, "user_id": crew_id, "is_host": false });
    stage.ask(&stage.host, "/set/review_session/user/host", hosts).await;
    crew.sees(&stage.crew, json!({ "is_host": false, "may_unmute": false })).await;
    let open = json!({ "id": room, "allow_participants_to_unmute_self": true });
    stage.ask(&stage.host, "/update/review_session", open).await;
    crew.sees(&stage.crew, json!({ "may_unmute": true })).await;

    stage.ask(&stage.host, "/complete/review_session", json!({ "id": room })).await;
    assert_eq!((host.ended().await, crew.ended().await), (json!("CLOSED"), json!("CLOSED")));
}
