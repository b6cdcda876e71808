//! The WebSocket: whose it is, what goes over it, and how it ends.

use std::time::Duration;

use futures_util::SinkExt;
use rushes::{
    events::{Audience, Event},
    rpc::Rate,
    store::credentials,
    time::Millis,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::harness::{Rushes, code};

#[tokio::test]
async fn requests_are_answered_beside_their_id() {
    let rushes = Rushes::start().await;
    let mut socket = rushes.socket(None).await;
    for endpoint in ["/ping", "ping"] {
        let answer = socket.ask(endpoint, &json!({}), None).await;
        assert_eq!(answer["data"]["pong"], true);
    }
    let answer = socket.ask("/get/activity", &json!({}), None).await;
    assert_eq!(code(&answer), 405);
    assert_eq!(code(&socket.ask("/no/such", &json!({}), None).await), 400);
    socket.socket.send(Message::text("{")).await.unwrap();
    assert_eq!(code(&socket.receive().await.unwrap()), 603);
    socket.send(&json!({"request_id": 77})).await;
    let answer = socket.receive().await.unwrap();
    assert_eq!((code(&answer), &answer["request_id"]), (407, &json!(77)));
}

#[tokio::test]
async fn a_connection_belongs_to_the_first_who_signs_in_on_it() {
    let rushes = Rushes::start().await;
    let (first, second) = (rushes.person("first").await, rushes.person("second").await);
    let mut socket = rushes.socket(None).await;
    let path = "/get/activity";
    assert_eq!(code(&socket.ask(path, &json!({}), Some(&first.token)).await), 501);
    assert_eq!(
        code(&socket.ask(path, &json!({}), None).await),
        501,
        "the token need not come again"
    );
    assert_eq!(code(&socket.ask(path, &json!({}), Some(&second.token)).await), 403);
    assert_eq!(code(&socket.ask(path, &json!({}), Some("wrong")).await), 405);
    assert_eq!(code(&socket.ask(path, &json!({}), Some(&first.token)).await), 501);
    let mut socket = rushes.socket(Some(&first.token)).await;
    assert_eq!(code(&socket.ask(path, &json!({}), None).await), 501);
    assert_eq!(code(&socket.ask(path, &json!({}), Some(&second.token)).await), 403);
}

#[tokio::test]
async fn the_root_upgrades_too_and_a_wrong_token_does_not() {
    let rushes = Rushes::start().await;
    let url = format!("ws://{}/", rushes.server.address());
    tokio_tungstenite::connect_async(&url).await.unwrap();
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("X-Token", "wrong".parse().unwrap());
    let error = tokio_tungstenite::connect_async(request).await.unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
    let plain = rushes.client.get(rushes.url("/ws")).send().await.unwrap();
    assert_eq!(plain.status(), 426);
}

#[tokio::test]
async fn the_server_tells_its_time_to_those_who_are_signed_in() {
    let rushes = Rushes::start().await;
    let person = rushes.person("clock").await;
    let mut socket = rushes.socket(None).await;
    assert_eq!(code(&socket.ask("rushes/time", &json!({"t0": 1.25}), None).await), 405);
    let answer = socket.ask("rushes/time", &json!({"t0": 1.25}), Some(&person.token)).await;
    let data = &answer["data"];
    assert_eq!(data["t0"], 1.25);
    assert!(data["t1"].as_f64().unwrap() <= data["t2"].as_f64().unwrap());
    let now = Millis::now().0 as f64;
    assert!((data["t2"].as_f64().unwrap() - now).abs() < 60_000.0);
}

fn event(to: Audience, data: Value) -> Event {
    Event { name: "VIEW", data, to }
}

#[tokio::test]
async fn events_reach_their_audience_on_all_its_connections() {
    let rushes = Rushes::start().await;
    let (one, other) = (rushes.person("one").await, rushes.person("other").await);
    let mut sockets = [
        rushes.socket(Some(&one.token)).await,
        rushes.socket(Some(&one.token)).await,
        rushes.socket(Some(&other.token)).await,
    ];
    for socket in &mut sockets {
        // Once it has answered, the connection is known by its user.
        socket.ask("/ping", &json!({}), None).await;
    }
    rushes.app().bus.publish(&event(Audience::Users(vec![one.id]), json!({"n": 1})));
    rushes.app().bus.publish(&event(Audience::Users(vec![other.id]), json!({"n": 2})));
    for (socket, n) in sockets.iter_mut().zip([1, 1, 2]) {
        let expected = json!({"event_type": "VIEW", "data": {"n": n}});
        assert_eq!(socket.receive().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn one_who_does_not_read_is_cut_off_and_told_to_fetch_anew() {
    let rushes = Rushes::start().await;
    let person = rushes.person("slow").await;
    let mut socket = rushes.socket(Some(&person.token)).await;
    socket.ask("/ping", &json!({}), None).await;
    let large = event(Audience::Users(vec![person.id]), json!("x".repeat(200_000)));
    for _ in 0..400 {
        rushes.app().bus.publish(&large);
    }
    let code = loop {
        if let Err(code) = socket.receive().await {
            break code;
        }
    };
    assert_eq!(code, 4008);
    while rushes.app().bus.connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn extensions_are_for_those_who_are_signed_in_and_not_too_fast() {
    let rushes = Rushes::start_with(|config| {
        config.limits.user = Rate { per_second: 0.001, burst: 2.0 };
    })
    .await;
    let person = rushes.person("extension").await;
    let mut socket = rushes.socket(None).await;
    let ask = ("rushes/room/subscribe", json!({"id": "0189ABCDEF0123456789ABCDEF012345"}));
    assert_eq!(code(&socket.ask(ask.0, &ask.1, None).await), 405);
    for _ in 0..2 {
        let refused = code(&socket.ask(ask.0, &ask.1, Some(&person.token)).await);
        assert!(matches!(refused, 404 | 672), "there is no such room: {refused}");
    }
    assert_eq!(code(&socket.ask(ask.0, &ask.1, None).await), 900);
}

#[tokio::test]
async fn a_connection_ends_with_its_token_even_if_it_only_listens() {
    let rushes = Rushes::start().await;
    let person = rushes.person("revoked").await;
    let mut socket = rushes.socket(Some(&person.token)).await;
    // What answers a ping of the server; it may come without one.
    socket.socket.send(Message::Pong(Vec::new().into())).await.unwrap();
    assert_eq!(socket.ask("/get/activity", &json!({}), None).await["error"]["code"], 501);
    let mut tx = rushes.app().store.write().await.unwrap();
    let tomorrow = Millis::now().plus(Duration::from_secs(86_400));
    assert!(credentials::forget_expired(&mut tx, tomorrow).await.unwrap() > 0);
    tx.commit().await.unwrap();
    socket.socket.send(Message::Pong(Vec::new().into())).await.unwrap();
    assert_eq!(socket.receive().await, Err(4001));
}

/// A ping without a text, as RFC 6455 (5.2) writes it.
const PING: [u8; 2] = [0x89, 0];

/// Somebody's WebSocket without a library, which would answer pings.
async fn bare(rushes: &Rushes, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(rushes.server.address()).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: rushes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         X-Token: {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// Lets time pass for the server, which runs in this test's runtime, and for nobody else.
async fn passes(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn one_who_answers_no_ping_is_gone_after_a_minute() {
    let rushes = Rushes::start().await;
    let person = rushes.person("silent").await;
    let mut answering = rushes.socket(Some(&person.token)).await;
    let mut silent = bare(&rushes, &person.token).await;
    let mut ping = [0; 2];
    silent.read_exact(&mut ping).await.unwrap();
    for _ in 0..2 {
        passes(Duration::from_secs(20)).await;
        silent.read_exact(&mut ping).await.expect("it is waited for");
        assert_eq!(ping, PING);
        // Reading on, it answers what the server asked.
        answering.ask("ping", &json!({}), None).await;
    }
    passes(Duration::from_secs(21)).await;
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty() || rest == PING, "{rest:?}");
    answering.ask("ping", &json!({}), None).await;
}

#[tokio::test]
async fn frames_over_the_limit_and_binary_ones_end_the_connection() {
    let rushes = Rushes::start().await;
    let mut socket = rushes.socket(None).await;
    socket.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(socket.receive().await, Err(1003));
    let mut socket = rushes.socket(None).await;
    let large = json!({"endpoint": "ping", "data": {"x": "x".repeat(256 * 1024)}});
    socket.socket.send(Message::text(large.to_string())).await.unwrap();
    use futures_util::StreamExt as _;
    let end = socket.socket.next().await;
    assert!(!matches!(end, Some(Ok(Message::Text(_)))), "{end:?}");
    // Others do not notice.
    let mut socket = rushes.socket(None).await;
    assert_eq!(socket.ask("ping", &json!({}), None).await["data"]["pong"], true);
}

#[tokio::test]
async fn the_end_of_the_server_is_announced() {
    let rushes = Rushes::start().await;
    let person = rushes.person("end").await;
    let mut socket = rushes.socket(Some(&person.token)).await;
    socket.ask("/ping", &json!({}), None).await;
    let Rushes { server, folder, .. } = rushes;
    let ending = tokio::spawn(server.shutdown());
    assert_eq!(socket.receive().await, Err(1001));
    ending.await.unwrap().unwrap();
    drop(folder);
}
