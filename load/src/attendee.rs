//! One person of a room: a WebSocket that subscribes, listens, and comes back when the server
//! tells it that it was too slow, as the browser client does.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
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

/// The pauses before somebody who lost the server tries again: those of the browser client.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Then it is given up.
const GONE: Duration = Duration::from_secs(60);

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
            if end != End::Lost {
                board.resyncs.fetch_add(1, Ordering::Relaxed);
            }
            let back = match end {
                End::Lost if board.comes_back() => self.come_back(&board).await.map(Some),
                End::Lost => break,
                End::Subscription => self.subscribe(&mut socket, &board).await.map(|()| None),
                End::Resync => self.enter(&board).await.map(Some),
            };
            match back {
                Ok(None) => {}
                Ok(Some(again)) => socket = again,
                Err(_) => break,
            }
        }
        board.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Tries until the server is there again, as often as the browser client does.
    async fn come_back(&mut self, board: &Board) -> Result<Socket, Error> {
        let until = Instant::now() + GONE;
        let mut wait = FIRST_WAIT;
        loop {
            tokio::time::sleep(wait.mul_f64(rand::random_range(0.75..1.0))).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            match self.enter(board).await {
                Ok(socket) => {
                    board.came_back();
                    return Ok(socket);
                }
                Err(error) if Instant::now() > until => return Err(error),
                Err(_) => {}
            }
        }
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
    let authority = request.uri().authority().map_or("", |authority| authority.as_str());
    let stream = match authority.parse() {
        Ok(server) => connect_from_afar(server).await,
        Err(_) => TcpStream::connect(authority).await,
    };
    let stream = MaybeTlsStream::Plain(stream.map_err(Error::io("a connection"))?);
    Ok(tokio_tungstenite::client_async(request, stream).await.map_err(failed)?.0)
}

/// Connects from one of many addresses, as people do. From a single one the kernel's search for a free
/// port takes most of the time when thousands connect at once.
async fn connect_from_afar(server: SocketAddr) -> io::Result<TcpStream> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let SocketAddr::V4(v4) = server else { return TcpStream::connect(server).await };
    if !v4.ip().is_loopback() {
        return TcpStream::connect(server).await;
    }
    let nth = NEXT.fetch_add(1, Ordering::Relaxed);
    let [network, host] = [nth / 250 % 250, nth % 250 + 1].map(|part| part as u8);
    let from = Ipv4Addr::new(127, 1, network, host);
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(server).await
}

/// Asks once and waits for the answer, which is given back as it came.
pub(crate) async fn ask(socket: &mut Socket, endpoint: &str, data: Value) -> Result<String, Error> {
    let request = json!({ "endpoint": endpoint, "data": data, "request_id": "0" });
    let failed = |error: tokio_tungstenite::tungstenite::Error| Error::Usage(error.to_string());
    socket.send(Message::text(request.to_string())).await.map_err(failed)?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(failed)? else { continue };
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if answer["request_id"] == "0" {
            return match &answer["error"] {
                Value::Null => Ok(text.to_string()),
                error => {
                    Err(Error::Denied { endpoint: endpoint.to_owned(), error: error.to_string() })
                }
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
