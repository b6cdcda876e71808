//! A real server on a free port with a data folder of its own, and clients of it.

use std::{path::Path, sync::Arc};

use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use rushes::{
    Listeners, Server,
    app::App,
    config::{Config, Limits},
    ids::UserId,
    provision,
    rpc::Rate,
    store::{
        companies,
        credentials::{self, NewToken},
        text::TokenKind,
    },
    time::Millis,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

/// A folder that is gone with its owner.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("rushes-it-").tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A running server.
pub(crate) struct Rushes {
    pub(crate) server: Server,
    pub(crate) client: reqwest::Client,
    pub(crate) folder: Folder,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) token: String,
}

impl Rushes {
    /// A server that never finds anybody too fast.
    pub(crate) async fn start() -> Self {
        let rate = Rate { per_second: 1e9, burst: 1e9 };
        Self::start_with(|config| {
            config.limits = Limits { user: rate, address: rate, ..config.limits }
        })
        .await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new();
        let mut config = Config::local(folder.path().join("data"));
        change(&mut config);
        let listeners = Listeners::bind(&config).await.unwrap();
        let server = Server::start(config, listeners).await.unwrap();
        Self { server, client: reqwest::Client::new(), folder }
    }

    /// The same server anew: on its data, and as it was configured.
    pub(crate) async fn restart(self) -> Self {
        let Self { server, client, folder } = self;
        let config = server.app().config.clone();
        server.shutdown().await.unwrap();
        let listeners = Listeners::bind(&config).await.unwrap();
        let server = Server::start(config, listeners).await.unwrap();
        Self { server, client, folder }
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        self.server.app()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    /// A new user of a new company.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let mut tx = self.app().store.write().await.unwrap();
        let now = Millis::now();
        let company = companies::create(&mut tx, name, now).await.unwrap();
        let email = format!("{name}@rushes.test");
        let id = provision::create_user(&mut tx, company, &email, (name, "Test"), true, now)
            .await
            .unwrap();
        let token = NewToken {
            user_id: id,
            kind: TokenKind::User,
            room_id: None,
            lifetime: std::time::Duration::from_secs(3600),
        };
        let token = credentials::create_token(&mut tx, token, now).await.unwrap();
        tx.commit().await.unwrap();
        Person { id, token: token.reveal().to_owned() }
    }

    /// Posts parameters and gives back the status and the JSON of the answer.
    pub(crate) async fn post(
        &self,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut request = self.client.post(self.url(path)).json(body);
        if let Some(token) = token {
            request = request.header("X-Token", token);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap())
    }

    /// A WebSocket, with the token in the upgrade if there is one.
    pub(crate) async fn socket(&self, token: Option<&str>) -> Socket {
        Socket::connect(&self.server.address().to_string(), token).await
    }
}

/// The numeric code of an error answer.
pub(crate) fn code(answer: &Value) -> u64 {
    answer["error"]["code"].as_u64().unwrap_or_else(|| panic!("no error: {answer}"))
}

/// A client's end of a WebSocket.
pub(crate) struct Socket {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    next: u64,
    /// Events that came while an answer was awaited.
    pub(crate) events: Vec<Value>,
}

impl Socket {
    /// A WebSocket to a server, with the token in the upgrade if there is one.
    pub(crate) async fn connect(address: &str, token: Option<&str>) -> Self {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("X-Token", token.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Self { socket, next: 0, events: Vec::new() }
    }

    /// The data of the next event of a type; others that come before it are passed over.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let event = if self.events.is_empty() {
                self.receive().await.unwrap()
            } else {
                self.events.remove(0)
            };
            if event["event_type"] == name {
                return event["data"].clone();
            }
        }
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next message that is no ping: a frame as JSON, or the code the server closed with.
    pub(crate) async fn receive(&mut self) -> Result<Value, u16> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("the connection broke: {other:?}"),
            }
        }
    }

    /// The data of all events of a type that were told before now. Other events are forgotten.
    pub(crate) async fn told(&mut self, name: &str) -> Vec<Value> {
        // Events go out before answers do.
        self.ask("ping", &json!({}), None).await;
        let all = std::mem::take(&mut self.events).into_iter();
        all.filter(|event| event["event_type"] == name).map(|event| event["data"].clone()).collect()
    }

    /// Asks and waits for the answer to just that.
    pub(crate) async fn ask(&mut self, endpoint: &str, data: &Value, token: Option<&str>) -> Value {
        self.next += 1;
        let id = json!(self.next);
        let mut frame = json!({"endpoint": endpoint, "data": data, "request_id": id});
        if let Some(token) = token {
            frame["token"] = json!(token);
        }
        self.send(&frame).await;
        loop {
            let answer = self.receive().await.unwrap();
            if answer["request_id"] == id {
                return answer;
            }
            self.events.push(answer);
        }
    }
}
