//! The server's parts, put together.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Instant,
};

use rushes_media::{Composites, Media, Recordings, Rtp, Srt, Stills, StreamId};
use rushes_sessions::Hub;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api,
    config::Config,
    events::{Bus, Turns},
    live::{passphrase::PassphraseKey, reach::Host},
    login_guard::LoginGuard,
    mail::Outbox,
    rooms,
    rpc::{Extensions, Limiter, Revocations, Routes},
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
    /// The SRT port, once it is open.
    pub srt: OnceLock<Srt>,
    /// The RTP port, once it is open.
    pub rtp: OnceLock<Rtp>,
    /// The composites, once they may run.
    pub composites: OnceLock<Composites>,
    /// Whose turn it is to begin, change or end one of them.
    pub composing: tokio::sync::Mutex<()>,
    /// Whose turn it is to say whether a source has a slate.
    pub slating: tokio::sync::Mutex<()>,
    /// Whose turn it is to say what an RTP source is declared to send.
    pub declaring: tokio::sync::Mutex<()>,
    /// Pictures of live sources.
    pub stills: Stills,
    /// What records live sources, once it runs.
    pub recordings: OnceLock<Recordings>,
    /// What the passphrases of SRT sources are made of.
    pub srt_key: PassphraseKey,
    /// Where events go.
    pub bus: Bus,
    /// In which order they go.
    pub turns: Turns,
    /// The rooms in use.
    pub hub: Hub,
    /// What is built of the contract.
    pub routes: Routes,
    /// WebSocket endpoints beyond the contract.
    pub extensions: Extensions,
    /// Who failed to sign in lately.
    pub logins: LoginGuard,
    /// The mail that is to be sent; none where it is left in files.
    pub outbox: Option<Outbox>,
    /// When tokens were taken away.
    pub revocations: Revocations,
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
    /// Told when somebody's rights may have become fewer: those who view are looked at again.
    pub rights: tokio::sync::Notify,
    /// Cancelled when the server ends: background tasks and connections watch it.
    pub stop: CancellationToken,
    /// The WebSocket connections and background tasks, which the end waits for.
    pub connections: TaskTracker,
    /// What the start found to be wrong with the addresses that WebRTC peers are told.
    pub reachability: Vec<String>,
    url: String,
    /// Where the path of `url` begins in it.
    path: usize,
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
    pub fn new(
        config: Config,
        store: Store,
        media: Media,
        srt_key: PassphraseKey,
        http: SocketAddr,
    ) -> Self {
        let url = public_url(&config, http);
        let path = path_of(&url);
        Self {
            logins: LoginGuard::default(),
            outbox: None,
            revocations: Revocations::default(),
            limits: Limiter::new(config.limits.user, config.limits.address),
            hub: rooms::hub(&store),
            config,
            store,
            stills: Stills::new(&media),
            media,
            srt: OnceLock::new(),
            rtp: OnceLock::new(),
            recordings: OnceLock::new(),
            composites: OnceLock::new(),
            composing: tokio::sync::Mutex::default(),
            slating: tokio::sync::Mutex::default(),
            declaring: tokio::sync::Mutex::default(),
            srt_key,
            bus: Bus::default(),
            turns: Turns::default(),
            routes: api::routes(),
            extensions: api::extensions(),
            metrics: Metrics::default(),
            http,
            started: Instant::now(),
            draining: AtomicBool::new(false),
            rights: tokio::sync::Notify::new(),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
            reachability: Vec::new(),
            path,
            url,
        }
    }

    /// The URL that people reach the server by, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.url
    }

    /// The path of that URL, without a slash at its end: what stands before every path as clients
    /// see it.
    #[must_use]
    pub fn public_path(&self) -> &str {
        &self.url[self.path..]
    }
}

/// Where the path of a URL begins; its end, if it has none.
fn path_of(url: &str) -> usize {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url.len(), |at| host + at)
}

/// The URL that people reach a server by that is bound to `address`: as configured; else, when it
/// listens on all interfaces, at the host that WebRTC peers are told, or at this machine's first
/// address that others can reach. Somebody types it into OBS on another machine.
#[must_use]
pub(crate) fn public_url(config: &Config, mut address: SocketAddr) -> String {
    if let Some(url) = &config.public_url {
        return url.clone();
    }
    if address.ip().is_unspecified() {
        let host = match config.webrtc_hosts.first() {
            Some(Host::Name(name)) => return format!("http://{name}:{}", address.port()),
            Some(Host::Address(address)) => Some(*address),
            None => outward_address(),
        };
        address.set_ip(host.unwrap_or(Ipv4Addr::LOCALHOST.into()));
    }
    format!("http://{address}")
}

/// The first IPv4 address of this machine that is not its loopback.
fn outward_address() -> Option<IpAddr> {
    let all = if_addrs::get_if_addrs().ok()?;
    all.iter().map(if_addrs::Interface::ip).find(|ip| ip.is_ipv4() && !ip.is_loopback())
}

/// The URL of a server bound to `address`, for somebody on the same machine.
#[must_use]
pub(crate) fn local_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_have_a_path() {
        let path = |url: &'static str| &url[path_of(url)..];
        assert_eq!(path("https://example.com/rushes"), "/rushes");
        assert_eq!(path("https://example.com"), "");
        assert_eq!(path("http://[::1]:8080/a/b"), "/a/b");
    }

    #[test]
    fn links_name_an_address_that_others_reach() {
        let mut config = Config::local("data".into());
        let url = |config: &Config, bound: &str| public_url(config, bound.parse().unwrap());
        assert_eq!(url(&config, "192.0.2.9:8080"), "http://192.0.2.9:8080");
        let anywhere = url(&config, "0.0.0.0:8080");
        let outward = outward_address().map_or("127.0.0.1".to_owned(), |ip| ip.to_string());
        assert_eq!(anywhere, format!("http://{outward}:8080"));
        config.webrtc_hosts = vec!["203.0.113.7".parse().unwrap()];
        assert_eq!(url(&config, "0.0.0.0:8080"), "http://203.0.113.7:8080");
        config.webrtc_hosts = vec!["review.example.com".parse().unwrap()];
        assert_eq!(url(&config, "0.0.0.0:8080"), "http://review.example.com:8080");
        config.public_url = Some("https://review.example.com".to_owned());
        assert_eq!(url(&config, "0.0.0.0:8080"), "https://review.example.com");
    }
}
