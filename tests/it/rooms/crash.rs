//! A server that is killed while its rooms are driven.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

use super::stage::{Attending, Stage};
use crate::{
    harness::Folder,
    process::{serve, signal},
};

const ROOMS: usize = 4;
/// The server is killed when so many commands were acknowledged.
const ACKNOWLEDGED: usize = 80;
/// What a connection may send in the long run is 20 a second.
const EVERY: Duration = Duration::from_millis(60);

/// Seeks until the connection breaks, and gives back the commands that were acknowledged, with
/// the revision of the last.
async fn drive(
    mut host: Attending,
    room: String,
    counted: Arc<(AtomicUsize, Notify)>,
) -> (Vec<String>, u64) {
    let (mut acked, mut rev) = (Vec::new(), host.state["rev"].as_u64().unwrap());
    for n in 0.. {
        let cmd_id = format!("{room}-{n}");
        let data = json!({
            "id": room, "cmd_id": cmd_id, "epoch": host.state["epoch"], "base_rev": rev,
            "op": "SEEK", "frame": n % 250,
        });
        let request = json!({ "endpoint": "rushes/room/command", "data": data, "request_id": n });
        let socket = &mut host.socket.socket;
        if socket.send(Message::text(request.to_string())).await.is_err() {
            break;
        }
        let Some(answer) = answer(&mut host, n).await else { break };
        assert!(answer["error"].is_null(), "{answer}");
        rev = answer["data"]["rev"].as_u64().unwrap();
        acked.push(cmd_id);
        if counted.0.fetch_add(1, Ordering::Relaxed) + 1 >= ACKNOWLEDGED {
            counted.1.notify_one();
        }
        tokio::time::sleep(EVERY).await;
    }
    (acked, rev)
}

/// The answer to a request; none when the connection breaks before.
async fn answer(host: &mut Attending, request_id: u64) -> Option<Value> {
    while let Some(Ok(message)) = host.socket.socket.next().await {
        let Message::Text(text) = message else { continue };
        let answer: Value = serde_json::from_str(&text).unwrap();
        if answer["request_id"] == request_id {
            return Some(answer);
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let store = rushes::server::open_store(&data).await.unwrap();
    let mut stage = Stage::at(&store, String::new()).await;
    store.close().await;
    let (mut child, runtime) = serve(&data).await;
    runtime["http"].as_str().unwrap().clone_into(&mut stage.address);

    let counted = Arc::new((AtomicUsize::new(0), Notify::new()));
    let mut drivers = Vec::new();
    let mut rooms = Vec::new();
    for _ in 0..ROOMS {
        let room = stage.room().await;
        let mut host = stage.enter(&stage.host, &room).await;
        host.does(json!({ "op": "LOAD", "asset_id": stage.clips[0] })).await;
        host.does(json!({ "op": "PLAY" })).await;
        drivers.push(tokio::spawn(drive(host, room.clone(), Arc::clone(&counted))));
        rooms.push(room);
    }
    counted.1.notified().await;
    signal(&child, "-KILL");
    child.wait().await.unwrap();

    let killed = Instant::now();
    let (_child, runtime) = serve(&data).await;
    runtime["http"].as_str().unwrap().clone_into(&mut stage.address);
    let ready = Instant::now();
    let mut commands = 0;
    for (room, driver) in rooms.iter().zip(drivers) {
        let (acked, rev) = driver.await.unwrap();
        assert!(!acked.is_empty());
        let host = stage.enter(&stage.host, room).await;
        let crew = stage.enter(&stage.crew, room).await;
        assert!(host.state["rev"].as_u64().unwrap() >= rev, "{room}: a change is lost");
        for part in ["epoch", "rev", "frame", "effective_ms", "playing", "asset_id"] {
            assert_eq!(crew.state[part], host.state[part], "{part}");
        }
        let log = log_of(&stage, room).await;
        let missing: Vec<&String> = acked.iter().filter(|id| !log.contains(id.as_str())).collect();
        assert!(missing.is_empty(), "not in the log: {missing:?}");
        commands += acked.len();
    }
    let (back, down) = (ready.elapsed(), ready - killed);
    println!(
        "{commands} acknowledged commands are there after a kill; the server was ready after {} ms, \
         and everyone back in {ROOMS} rooms {} ms later",
        down.as_millis(),
        back.as_millis()
    );
}

async fn log_of(stage: &Stage, room: &str) -> String {
    let url = format!("http://{}/rooms/{room}/log.jsonl", stage.address);
    let request = reqwest::Client::new().get(url).header("X-Token", &stage.host.token);
    request.send().await.unwrap().text().await.unwrap()
}
