//! One person of a room: a WebSocket that subscribes, listens, and comes back when the server
//! tells it that it was too slow, as the browser client does.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::error::Error;
use crate::rooms::{Board, number_in};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The close code for a client that did not take its events in time.
const RESYNC: u16 = 4008;
/// The event that ends a subscription.
const CLOSED: &str = "\"REVIEW_SESSION_CLOSED\"";

/// Who attends which room.
#[derive(Debug)]
pub(crate) struct Attendee {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) room: String,
    /// The changes that were heard of, which need not come in the order in which they were sent:
    /// one that comes again does not count again.
    heard: HashSet<usize>,
}

/// Why listening ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The room asks for another subscription, over the same connection.
    Subscription,
    /// The connection was closed for being slow.
    Resync,
    /// Anything else.
    Lost,
}

impl Attendee {
    pub(crate) fn new(url: String, token: String, room: String) -> Self {
        Self { url, token, room, heard: HashSet::new() }
    }

    /// Connects and subscribes.
    pub(crate) async fn enter(&mut self, board: &Board) -> Result<Socket, Error> {
        let mut socket = open(self.url.clone(), &self.token).await?;
        self.subscribe(&mut socket, board).await?;
        Ok(socket)
    }

    async fn subscribe(&mut self, socket: &mut Socket, board: &Board) -> Result<(), Error> {
        let snapshot = ask(socket, "rushes/room/subscribe", json!({ "id": self.room })).await?;
        self.hear(&snapshot, board);
        Ok(())
    }

    /// Listens for as long as the server lets it, and counts how often it had to come back.
    pub(crate) async fn attend(mut self, mut socket: Socket, board: Arc<Board>) {
        loop {
            let end = self.listen(&mut socket, &board).await;
            if end == End::Lost {
                break;
            }
            board.resyncs.fetch_add(1, Ordering::Relaxed);
            let back = match end {
                End::Subscription => self.subscribe(&mut socket, &board).await.map(|()| None),
                _ => self.enter(&board).await.map(Some),
            };
            match back {
                Ok(None) => {}
                Ok(Some(again)) => socket = again,
                Err(_) => break,
            }
        }
        board.lost.fetch_add(1, Ordering::Relaxed);
    }

    async fn listen(&mut self, socket: &mut Socket, board: &Board) -> End {
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Text(event) if event.contains(CLOSED) => {
                    // Others are for good.
                    let again = event.contains("\"RESYNC\"");
                    return if again { End::Subscription } else { End::Lost };
                }
                Message::Text(event) => self.hear(&event, board),
                Message::Close(frame) => return end_of(frame.as_ref()),
                _ => {}
            }
        }
        End::Lost
    }

    fn hear(&mut self, text: &str, board: &Board) {
        let Some(number) = number_in(text) else { return };
        if self.heard.insert(number) {
            board.heard(number);
        }
    }
}

fn end_of(frame: Option<&CloseFrame>) -> End {
    match frame {
        Some(frame) if u16::from(frame.code) == RESYNC => End::Resync,
        _ => End::Lost,
    }
}

/// Opens a connection with a token.
pub(crate) async fn open(url: String, token: &str) -> Result<Socket, Error> {
    let failed = |error: tokio_tungstenite::tungstenite::Error| Error::Usage(error.to_string());
    let mut request = url.into_client_request().map_err(failed)?;
    let token = token.parse().map_err(|_| Error::Usage("the token is no header".to_owned()))?;
    request.headers_mut().insert("X-Token", token);
    Ok(tokio_tungstenite::connect_async(request).await.map_err(failed)?.0)
}

/// Asks once and waits for the answer, which is given back as it came.
async fn ask(socket: &mut Socket, endpoint: &str, data: Value) -> Result<String, Error> {
    let request = json!({ "endpoint": endpoint, "data": data, "request_id": "0" });
    let failed = |error: tokio_tungstenite::tungstenite::Error| Error::Usage(error.to_string());
    socket.send(Message::text(request.to_string())).await.map_err(failed)?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(failed)? else { continue };
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if answer["request_id"] == "0" {
            return match &answer["error"] {
                Value::Null => Ok(text.to_string()),
                error => Err(Error::Usage(format!("{endpoint}: {error}"))),
            };
        }
    }
    Err(Error::Usage(format!("{endpoint}: the connection ended")))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::{WebSocketStream, accept_async};

    use super::*;

    /// The next request, and its answer with `text` as the room's.
    async fn answer(server: &mut WebSocketStream<TcpStream>, text: &str) {
        let Message::Text(request) = server.next().await.unwrap().unwrap() else { panic!() };
        assert!(request.contains("rushes/room/subscribe"), "{request}");
        let data = json!({ "request_id": "0", "data": { "state": { "asset_state": text } } });
        server.send(Message::text(data.to_string())).await.unwrap();
    }

    async fn tell(server: &mut WebSocketStream<TcpStream>, number: usize) {
        let event = json!({ "data": { "asset_state": format!("rushes-load {number}") } });
        server.send(Message::text(event.to_string())).await.unwrap();
    }

    #[tokio::test]
    async fn whoever_is_cut_off_comes_back_and_counts_nothing_twice() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let board = Arc::new(Board::new(9));
        let attended = tokio::spawn({
            let board = Arc::clone(&board);
            async move {
                let mut attendee = Attendee::new(url, "T".to_owned(), "R".to_owned());
                let socket = attendee.enter(&board).await.unwrap();
                attendee.attend(socket, board).await;
            }
        });
        let mut server = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        answer(&mut server, "").await;
        tell(&mut server, 0).await;
        let closed = r#"{"event_type":"REVIEW_SESSION_CLOSED","data":{"reason":"RESYNC"}}"#;
        server.send(Message::text(closed)).await.unwrap();
        answer(&mut server, "rushes-load 2").await;
        tell(&mut server, 2).await;
        let frame = CloseFrame { code: RESYNC.into(), reason: "resync".into() };
        server.close(Some(frame)).await.unwrap();
        let mut server = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        answer(&mut server, "rushes-load 2").await;
        for number in [4, 3, 4] {
            tell(&mut server, number).await;
        }
        server.close(None).await.unwrap();
        attended.await.unwrap();
        assert_eq!((board.resyncs.load(Relaxed), board.lost.load(Relaxed)), (2, 1));
        assert_eq!(board.counts(), [1, 0, 1, 1, 1, 0, 0, 0, 0]);
    }
}
