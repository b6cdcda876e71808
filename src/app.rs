//! The server's parts, put together.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Instant,
};

use rushes_media::{Media, StreamId};
use rushes_sessions::Hub;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api,
    config::Config,
    events::Bus,
    login_guard::LoginGuard,
    rooms,
    rpc::{Extensions, Limiter, Routes},
    store::Store,
};

/// The parts of one running server, which every request may reach.
pub struct App {
    /// What the server was told.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// The streams and their WebRTC sessions.
    pub media: Media,
    /// Where events go.
    pub bus: Bus,
    /// The rooms in use.
    pub hub: Hub,
    /// What is built of the contract.
    pub routes: Routes,
    /// WebSocket endpoints beyond the contract.
    pub extensions: Extensions,
    /// Who failed to sign in lately.
    pub logins: LoginGuard,
    /// How fast one may ask.
    pub limits: Limiter,
    /// What `/metrics` tells.
    pub metrics: Metrics,
    /// The address HTTP is really bound to.
    pub http: SocketAddr,
    /// When the server started.
    pub started: Instant,
    /// Whether the server no longer takes new work.
    pub draining: AtomicBool,
    /// Cancelled when the server ends: background tasks and connections watch it.
    pub stop: CancellationToken,
    /// The WebSocket connections and background tasks, which the end waits for.
    pub connections: TaskTracker,
}

/// Counters since the start, and what is going on.
#[derive(Debug, Default)]
pub struct Metrics {
    /// The streams that media arrives for.
    pub live: Mutex<HashSet<StreamId>>,
    /// HTTP answers by the first digit of their status.
    pub http: [AtomicU64; 6],
    /// Requests over WebSockets.
    pub ws_requests: AtomicU64,
    /// WebSocket connections that were cut off for being slow.
    pub ws_cut_off: AtomicU64,
}

impl App {
    /// Puts the parts together. Must be called inside a tokio runtime.
    #[must_use]
    pub fn new(config: Config, store: Store, media: Media, http: SocketAddr) -> Self {
        Self {
            logins: LoginGuard::default(),
            limits: Limiter::new(config.limits.user, config.limits.address),
            hub: rooms::hub(&store),
            config,
            store,
            media,
            bus: Bus::default(),
            routes: api::routes(),
            extensions: api::extensions(),
            metrics: Metrics::default(),
            http,
            started: Instant::now(),
            draining: AtomicBool::new(false),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
        }
    }

    /// The URL that people reach the server by, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.config.public_url.clone().unwrap_or_else(|| local_url(self.http))
    }
}

/// The URL of a server bound to `address`, for somebody on the same machine.
#[must_use]
pub(crate) fn local_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{address}")
}
