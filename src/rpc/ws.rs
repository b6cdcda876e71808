//! Requests and events over a WebSocket.
//!
//! A connection belongs to the first user who authenticates on it. Requests of the contract run
//! side by side, up to [`AT_ONCE`]; those of extensions run in the order in which they came.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::{
    extract::{
        ConnectInfo, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use rushes_signaling::envelope::{self, Envelope, FrameError};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::{
    Call, Caller, Connection, ExtensionCall,
    auth::Proof,
    http::header_token,
    pipeline::{execute, execute_as},
};
use crate::{
    app::App,
    error::{ApiError, ApiResult, Code},
    events::Mailbox,
};

/// The longest frame a client may send, in bytes.
const MAX_FRAME: usize = 256 * 1024;
/// What is read from a connection at once, in bytes. It is kept for every connection, and what
/// clients send is small: the library's own 128 KiB would be nearly all that one costs. It grows
/// for a longer frame.
const READ: usize = 1024;
/// Requests of one connection that run at once; further ones wait unread.
const AT_ONCE: usize = 16;
/// Answers that wait to be written; requests wait when there are more.
const ANSWERS: usize = 64;
/// Events that wait to be written; the connection is cut off when there are more.
const EVENTS: usize = 256;
/// Requests to extensions that wait for those before them; more are refused with 900.
const ORDERED: usize = 64;
/// How often an idle client is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A client that gives none for this long is gone.
const SILENT: Duration = Duration::from_secs(60);
/// A client that does not take what is written for this long is gone.
const WRITE: Duration = Duration::from_secs(10);
/// How often the token that a connection stands on is looked at, whatever its client sends: one that
/// only listens answers our pings.
const LOOK: Duration = PING_EVERY;
/// How long the holder of a token is believed without asking the store again, as long as none was
/// taken away.
const BELIEVE: Duration = Duration::from_secs(5);

/// Close code: the client was too slow to take its events and has to fetch anew.
const RESYNC: u16 = 4008;
/// Close code: the token the connection stands on is no longer good.
const TOKEN_ENDED: u16 = 4001;
/// Close code (RFC 6455): the server goes away.
const GOING_AWAY: u16 = 1001;
/// Close code (RFC 6455): this kind of frame is not taken.
const UNSUPPORTED: u16 = 1003;

/// Upgrades to a WebSocket; a token in the headers has to be good.
pub(super) async fn upgrade(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let socket = match socket {
        Ok(socket) => socket,
        Err(_) => {
            return ApiError::new(Code::UNKNOWN_ENDPOINT)
                .message("This path takes WebSocket connections only")
                .with_status(StatusCode::UPGRADE_REQUIRED)
                .into_response();
        }
    };
    let peer = peer.ip().to_canonical();
    let known = match greet(&app, &headers, peer).await {
        Ok(known) => known,
        Err(error) => return error.into_response(),
    };
    let tracker = app.connections.clone();
    socket
        .read_buffer_size(READ)
        .max_frame_size(MAX_FRAME)
        .max_message_size(MAX_FRAME)
        .on_upgrade(move |socket| tracker.track_future(serve(app, socket, peer, known)))
}

async fn greet(app: &App, headers: &HeaderMap, peer: IpAddr) -> ApiResult<Option<(Proof, Caller)>> {
    let Some(token) = header_token(headers)? else {
        app.limits.address(peer)?;
        return Ok(None);
    };
    match Proof::of(app, &token).await {
        Ok(known) => Ok(Some(known)),
        Err(error) => {
            app.limits.address(peer)?;
            Err(error)
        }
    }
}

/// What the writer is told to do.
enum Out {
    Frame(Utf8Bytes),
    Close(u16, &'static str),
}

/// Who the connection belongs to, and when that was proven last.
struct Owner {
    believed: Instant,
    connection: Connection,
}

struct Session {
    app: Arc<App>,
    peer: IpAddr,
    mailbox: Mailbox,
    owner: Option<Owner>,
    out: mpsc::Sender<Out>,
    permits: Arc<Semaphore>,
    // In boxes: a queue has room for 32 from the start, and few are ever used.
    ordered: mpsc::Sender<Box<(Envelope, Connection)>>,
}

async fn serve(app: Arc<App>, socket: WebSocket, peer: IpAddr, known: Option<(Proof, Caller)>) {
    let (sink, stream) = socket.split();
    let (out, answers) = mpsc::channel(ANSWERS);
    let (mailbox, events) = Mailbox::new(EVENTS);
    let (ordered, queue) = mpsc::channel(ORDERED);
    let mut writer = tokio::spawn(write(Arc::clone(&app), sink, answers, mailbox.clone(), events));
    let worker = tokio::spawn(run_ordered(Arc::clone(&app), queue, out.clone()));
    let mut session = Session {
        app: Arc::clone(&app),
        peer,
        mailbox,
        owner: None,
        out,
        permits: Arc::new(Semaphore::new(AT_ONCE)),
        ordered,
    };
    if let Some((proof, caller)) = known {
        session.own(proof, caller);
    }
    tokio::select! {
        () = session.read(stream) => {}
        _ = &mut writer => {}
    }
    let Session { owner, out, ordered, .. } = session;
    drop((out, ordered));
    let aborting = writer.abort_handle();
    // Calls that were taken are finished, so that an extension learns of the end after them.
    if let Err(error) = worker.await {
        tracing::error!(%error, "an extension failed");
    }
    aborting.abort();
    if let Some(Owner { connection, .. }) = owner {
        app.bus.disconnect(connection.id);
        for extension in app.extensions.iter() {
            extension.disconnected(&app, connection.id);
        }
    }
}

impl Session {
    async fn read(&mut self, mut stream: SplitStream<WebSocket>) {
        let mut looked = Instant::now();
        loop {
            let message = match tokio::time::timeout(SILENT, stream.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(_)) | None) | Err(_) => return,
            };
            // The clock that rooms run by, so that clients learn its offset and no other's.
            let received = self.app.hub.now().0;
            if matches!(message, Message::Pong(_)) || looked.elapsed() >= LOOK {
                looked = Instant::now();
                if Box::pin(self.token_ended()).await {
                    self.close(TOKEN_ENDED, "the token is no longer good").await;
                    return;
                }
            }
            // In boxes: what a request needs while it is looked at is long, and few are at a time.
            let done = match message {
                Message::Text(text) => Box::pin(self.take(&text, received)).await.is_err(),
                Message::Binary(_) => self.close(UNSUPPORTED, "text frames only").await,
                Message::Ping(_) | Message::Pong(_) => false,
                Message::Close(_) => true,
            };
            if done {
                return;
            }
        }
    }

    /// Closes the connection; returns when that is done, and always true.
    async fn close(&self, code: u16, reason: &'static str) -> bool {
        let _ = self.out.send(Out::Close(code, reason)).await;
        self.out.closed().await;
        true
    }

    /// Whether the token that the connection stands on has expired or was revoked.
    async fn token_ended(&mut self) -> bool {
        let Some(owner) = &mut self.owner else { return false };
        match Proof::of(&self.app, owner.connection.proof.token()).await {
            Ok((proof, _)) => {
                (owner.connection.proof, owner.believed) = (proof, Instant::now());
                false
            }
            Err(error) => error.code() == Code::INVALID_TOKEN,
        }
    }

    /// Takes one request. An error means that the connection is over.
    async fn take(&mut self, text: &str, received: f64) -> Result<(), Gone> {
        self.app.metrics.ws_requests.fetch_add(1, Ordering::Relaxed);
        let envelope = match envelope::parse_frame(text) {
            Ok(envelope) => envelope,
            Err(FrameError::NotJson) => {
                return self.refuse(None, &ApiError::new(Code::INVALID_JSON)).await;
            }
            Err(FrameError::NotARequest { reason, request_id }) => {
                let error = ApiError::new(Code::INVALID_DATA).message(reason);
                return self.refuse(request_id.as_ref(), &error).await;
            }
        };
        if let Err(error) = self.authenticate(envelope.token.as_deref()).await {
            return self.refuse(envelope.request_id.as_ref(), &error).await;
        }
        let endpoint = envelope.endpoint.as_deref().unwrap_or_default();
        if endpoint == "rushes/time" {
            self.time(&envelope, received).await
        } else if self.app.extensions.find(endpoint).is_some() {
            self.extension(envelope).await
        } else {
            self.contract(envelope).await
        }
    }

    /// Makes sure that the connection's owner is (still) who they say.
    async fn authenticate(&mut self, token: Option<&str>) -> ApiResult<()> {
        let token = match (&self.owner, token) {
            (None, None) => return Ok(()),
            (None, Some(token)) => token,
            (Some(owner), token) => {
                let proof = &owner.connection.proof;
                let token = token.unwrap_or(proof.token());
                let lately = owner.believed.elapsed() < BELIEVE && proof.holds(&self.app);
                if token == proof.token() && lately {
                    return Ok(());
                }
                token
            }
        };
        let (proof, caller) = match Proof::of(&self.app, token).await {
            Ok(known) => known,
            Err(error) => {
                self.app.limits.address(self.peer)?;
                return Err(error);
            }
        };
        match &mut self.owner {
            None => self.own(proof, caller),
            Some(owner) if owner.connection.caller == caller => {
                (owner.connection.proof, owner.believed) = (proof, Instant::now());
            }
            Some(_) => {
                return Err(ApiError::new(Code::ACCESS_DENIED)
                    .message("This connection belongs to another user"));
            }
        }
        Ok(())
    }

    fn own(&mut self, proof: Proof, caller: Caller) {
        let id = self.app.bus.connect(caller.user_id, self.mailbox.clone());
        let mailbox = self.mailbox.clone();
        let connection = Connection { id, caller, peer: self.peer, mailbox, proof };
        self.owner = Some(Owner { believed: Instant::now(), connection });
    }

    /// Four timestamps make a clock offset: the client's two and these two, in Unix milliseconds.
    async fn time(&self, envelope: &Envelope, received: f64) -> Result<(), Gone> {
        let id = envelope.request_id.as_ref();
        if self.owner.is_none() {
            return self.refuse(id, &ApiError::new(Code::INVALID_TOKEN)).await;
        }
        let t0 = envelope.data.get("t0").filter(|t0| t0.is_number()).cloned();
        let data = json!({ "t0": t0, "t1": received, "t2": self.app.hub.now().0 }).to_string();
        self.send(envelope::answer(id, &data)).await
    }

    async fn extension(&self, envelope: Envelope) -> Result<(), Gone> {
        let Some(owner) = &self.owner else {
            let error = ApiError::new(Code::INVALID_TOKEN);
            return self.refuse(envelope.request_id.as_ref(), &error).await;
        };
        if let Err(error) = self.app.limits.user(owner.connection.caller.user_id) {
            return self.refuse(envelope.request_id.as_ref(), &error).await;
        }
        match self.ordered.try_send(Box::new((envelope, owner.connection.clone()))) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(call)) => {
                self.refuse(call.0.request_id.as_ref(), &ApiError::new(Code::TOO_FAST)).await
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Gone),
        }
    }

    async fn contract(&self, envelope: Envelope) -> Result<(), Gone> {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return Err(Gone) };
        let caller = self.owner.as_ref().map(|owner| owner.connection.caller.clone());
        let (app, out, peer) = (Arc::clone(&self.app), self.out.clone(), self.peer);
        tokio::spawn(async move {
            let path = format!("/{}", envelope.endpoint.as_deref().unwrap_or_default());
            let call = Call { path, parameters: envelope.data, token: None, peer };
            let result = match caller {
                Some(caller) => execute_as(&app, call, caller).await,
                None => execute(&app, call).await,
            };
            // The connection may be gone meanwhile; the request is done all the same.
            let _ = out.send(Out::Frame(wrap(envelope.request_id.as_ref(), result).into())).await;
            drop(permit);
        });
        Ok(())
    }

    async fn refuse(&self, request_id: Option<&Value>, error: &ApiError) -> Result<(), Gone> {
        self.send(envelope::refusal(request_id, &error.body())).await
    }

    async fn send(&self, text: String) -> Result<(), Gone> {
        self.out.send(Out::Frame(text.into())).await.map_err(|_| Gone)
    }
}

/// The connection is over.
struct Gone;

fn wrap(request_id: Option<&Value>, result: ApiResult<String>) -> String {
    match result {
        Ok(data) => envelope::answer(request_id, &data),
        Err(error) => envelope::refusal(request_id, &error.body()),
    }
}

async fn run_ordered(
    app: Arc<App>,
    mut queue: mpsc::Receiver<Box<(Envelope, Connection)>>,
    out: mpsc::Sender<Out>,
) {
    while let Some(call) = queue.recv().await {
        let (envelope, connection) = *call;
        let request_id = envelope.request_id;
        let endpoint = envelope.endpoint.unwrap_or_default();
        let call =
            ExtensionCall { endpoint, data: envelope.data, connection, app: Arc::clone(&app) };
        // In a task of its own, so that a panic is an error of this request alone.
        let result = tokio::spawn(async move {
            let app = Arc::clone(&call.app);
            // It has waited, for what came before it.
            call.connection.still_good(&app).await?;
            match app.extensions.find(&call.endpoint) {
                Some(extension) => extension.call(call).await.map(|value| value.to_string()),
                None => Err(ApiError::new(Code::UNKNOWN_ENDPOINT)),
            }
        })
        .await
        .unwrap_or_else(|error| Err(ApiError::internal(&error)));
        // The connection may be gone; what was asked for is done all the same.
        let _ = out.send(Out::Frame(wrap(request_id.as_ref(), result).into())).await;
    }
}

async fn write(
    app: Arc<App>,
    mut sink: SplitSink<WebSocket, Message>,
    mut answers: mpsc::Receiver<Out>,
    mailbox: Mailbox,
    mut events: mpsc::Receiver<Utf8Bytes>,
) {
    let mut pings = tokio::time::interval(PING_EVERY);
    let close = |code, reason: &'static str| {
        Message::Close(Some(CloseFrame { code, reason: reason.into() }))
    };
    loop {
        let (message, last) = tokio::select! {
            biased;
            () = app.stop.cancelled() => (close(GOING_AWAY, "the server stops"), true),
            () = mailbox.cut_off() => {
                app.metrics.ws_cut_off.fetch_add(1, Ordering::Relaxed);
                (close(RESYNC, "resync"), true)
            }
            Some(frame) = events.recv() => (Message::Text(frame), false),
            answer = answers.recv() => match answer {
                Some(Out::Frame(frame)) => (Message::Text(frame), false),
                Some(Out::Close(code, reason)) => (close(code, reason), true),
                None => return,
            },
            _ = pings.tick() => (Message::Ping(Vec::new().into()), false),
        };
        match tokio::time::timeout(WRITE, sink.send(message)).await {
            Ok(Ok(())) if !last => {}
            Err(_) => {
                // Not even the close code fits.
                app.metrics.ws_cut_off.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Ok(_) => return,
        }
    }
}
