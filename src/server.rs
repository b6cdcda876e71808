//! Starting and ending a server.

use std::{
    fs::{File, TryLockError},
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use axum::Router;
use rushes_media::{Media, MediaConfig, MediaEvent};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::mpsc,
    task::JoinHandle,
};

use crate::{
    app::App,
    bootstrap,
    config::Config,
    csv_upload, files, jobs, listen,
    live::{
        self,
        passphrase::PassphraseKey,
        reach::{self, Reach},
    },
    mail, ops, qr, room_log, room_people, room_schedule, rpc,
    store::{Store, StoreError},
};

/// The sockets of a server, bound already: whoever starts it may want a free port and its number.
#[derive(Debug)]
pub struct Listeners {
    /// HTTP and WebSocket.
    pub http: TcpListener,
}

impl Listeners {
    /// Binds what `config` says.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub async fn bind(config: &Config) -> Result<Self, RunError> {
        let http = listen_on(config.listen)
            .map_err(|cause| RunError::Bind { address: config.listen, cause })?;
        Ok(Self { http })
    }
}

/// A listening socket whose queue takes a crowd: when the server was away, all who were in its rooms
/// come back within a second, and whom the queue has no place for tries again after another one.
fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The connections of the one before may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Why a server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {cause}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
    /// A file of the data folder cannot be read or written.
    #[error("{}: {cause}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Another server has the data folder.
    #[error("{}: another server is running on this data folder", .0.display())]
    Taken(PathBuf),
    /// The database does not open.
    #[error("the database does not open: {0}")]
    Store(#[from] StoreError),
    /// Mail cannot be sent as configured.
    #[error("mail cannot be sent: {0}")]
    Mail(String),
    /// The HTTP server failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How long requests and connections have to finish after the server was told to end.
const DRAIN: Duration = Duration::from_secs(10);

/// How much of that time publishers and viewers have.
const DRAIN_MEDIA: Duration = Duration::from_secs(5);

/// How long rooms have to write who left them.
const END_ROOMS: Duration = Duration::from_secs(5);

/// Connections that wait to be accepted, of which the kernel may allow less (listen(2)).
const WAITING: u32 = 4096;

/// The name of the database in the data folder.
const DATABASE: &str = "rushes.db";

/// The name of the file that is locked as long as a server has the data folder.
const LOCK: &str = "server.lock";

/// The name of the file that says where the server is to be found.
pub(crate) const RUNTIME: &str = "runtime.json";

/// A running server.
pub struct Server {
    app: Arc<App>,
    http: JoinHandle<()>,
    _claim: File,
}

impl Server {
    /// Opens the data folder and serves. When this returns, requests are answered.
    ///
    /// # Errors
    /// When the data folder or the database cannot be used.
    pub async fn start(config: Config, listeners: Listeners) -> Result<Self, RunError> {
        let claim = claim(&config.data)?;
        let store = open_store(&config.data).await?;
        bootstrap::first_start(&store, &config.data).await?;
        let address = listeners.http.local_addr()?;
        live::forget_streams(&store).await?;
        jobs::end_unfinished(&store, &config.data).await?;
        let hosts = reach::resolve(&config.webrtc_hosts).await?;
        let (media, streams) = start_media(&config, hosts.clone())?;
        let srt_key = PassphraseKey::open(&config.data)?;
        let outbox = mail::Outbox::open(&config)?;
        mail::resume(&store, outbox.is_some()).await?;
        let mut app = App::new(config, store, media, srt_key, address);
        app.outbox = outbox;
        app.reachability = look_around(&app, &hosts);
        let app = Arc::new(app);
        live::srt::open(&app)
            .map_err(|cause| RunError::Bind { address: app.config.srt_listen, cause })?;
        live::rtp::open(&app)
            .await
            .map_err(|cause| RunError::Bind { address: app.config.rtp_listen, cause })?;
        live::recordings::open(&app).await?;
        live::composites::open(&app).await?;
        live::slates::open(&app).await?;
        app.connections.spawn(watch_streams(Arc::clone(&app), streams));
        app.connections.spawn(mail::run(Arc::clone(&app)));
        let router = rpc::layered(routes(&app), &app);
        let http = tokio::spawn(listen::serve(Arc::clone(&app), listeners.http, router));
        write_runtime(&app)?;
        let webrtc = app.media.local_addr();
        let srt = app.srt.get().map(rushes_media::Srt::local_addr);
        let rtp = app.rtp.get().map(rushes_media::Rtp::local_addr);
        tracing::info!(%address, %webrtc, ?srt, ?rtp, data = %app.config.data.display(), "ready");
        Ok(Self { app, http, _claim: claim })
    }

    /// The parts of the server.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The address HTTP is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.app.http
    }

    /// Takes no new work, lets what runs finish for a while, and ends.
    ///
    /// # Errors
    /// When the HTTP server had failed before.
    pub async fn shutdown(self) -> Result<(), RunError> {
        let Self { app, mut http, _claim } = self;
        app.draining.store(true, Ordering::Relaxed);
        let drained = tokio::time::timeout(DRAIN, async {
            // Whoever watches or publishes hears of it while the server still answers, and an offer
            // that comes meanwhile is told when to try again.
            if let Some(srt) = app.srt.get() {
                srt.shutdown().await;
            }
            if let Some(rtp) = app.rtp.get() {
                rtp.shutdown().await;
            }
            app.media.drain(DRAIN_MEDIA).await;
            live::composites::close(&app).await;
            app.stop.cancel();
            app.connections.close();
            let accepting = (&mut http).await;
            app.connections.wait().await;
            accepting
        })
        .await;
        app.stop.cancel();
        http.abort();
        app.media.shutdown().await;
        if tokio::time::timeout(END_ROOMS, app.hub.end()).await.is_err() {
            tracing::warn!(
                "some rooms did not end in time: who left them last is not in their logs"
            );
        }
        live::recordings::close(&app).await;
        app.store.close().await;
        if let Err(error) = remove_runtime(&app.config.data) {
            tracing::warn!("{error}");
        }
        match drained {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failed)) => Err(io::Error::other(failed).into()),
            Err(_) => {
                tracing::warn!("some connections did not end in time and were cut");
                Ok(())
            }
        }
    }
}

/// Serves until `shutdown` resolves, and then ends in order.
///
/// # Errors
/// When the server does not start, or fails.
pub async fn run(
    config: Config,
    listeners: Listeners,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let server = Server::start(config, listeners).await?;
    shutdown.await;
    tracing::info!("ending");
    server.shutdown().await
}

/// Opens the database of a data folder, making both if absent.
///
/// # Errors
/// When the folder or the database cannot be used.
pub async fn open_store(data: &Path) -> Result<Store, RunError> {
    make_folder(data)?;
    Ok(Store::open(&data.join(DATABASE)).await?)
}

fn make_folder(data: &Path) -> Result<(), RunError> {
    // What is in it is nobody else's business: addresses, digests of tokens, unreleased pictures.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(|cause| RunError::File { file: data.to_owned(), cause })
}

/// Takes the data folder for this server: two on one would each take its rooms and streams for
/// their own. The kernel takes the lock back however the process ends.
///
/// What says where a server is to be found is one's that was killed then, and whoever waits for
/// this server must not read it.
fn claim(data: &Path) -> Result<File, RunError> {
    make_folder(data)?;
    let file = data.join(LOCK);
    let opened = File::options().create(true).truncate(false).write(true).open(&file);
    let lock = match opened {
        Ok(lock) => lock,
        Err(cause) => return Err(RunError::File { file, cause }),
    };
    match lock.try_lock() {
        Ok(()) => remove_runtime(data).map(|()| lock),
        Err(TryLockError::WouldBlock) => Err(RunError::Taken(data.to_owned())),
        Err(TryLockError::Error(cause)) => Err(RunError::File { file, cause }),
    }
}

fn remove_runtime(data: &Path) -> Result<(), RunError> {
    let file = data.join(RUNTIME);
    match std::fs::remove_file(&file) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(RunError::File { file, cause })
        }
        _ => Ok(()),
    }
}

/// Says in the log what looks wrong with the addresses that WebRTC peers are told.
fn look_around(app: &App, hosts: &[IpAddr]) -> Vec<String> {
    let (asked, bound) = (app.config.webrtc_listen, app.media.local_addr());
    let interfaces = reach::interfaces();
    let found = reach::findings(&Reach { asked, bound, hosts, interfaces: &interfaces });
    for finding in &found {
        tracing::warn!("WebRTC may not be reachable: {finding}");
    }
    found
}

fn start_media(
    config: &Config,
    hosts: Vec<IpAddr>,
) -> Result<(Media, mpsc::Receiver<MediaEvent>), RunError> {
    let address = config.webrtc_listen;
    Media::start(MediaConfig {
        listen: address,
        hosts,
        max_sessions: config.limits.sessions,
        tcp: config.limits.tcp(),
        fanout_threads: None,
        transcodes: config.transcodes,
        ffmpeg: config.ffmpeg.clone(),
    })
    .map_err(|cause| RunError::Bind { address, cause })
}

/// Notes when a stream comes and goes, until the server ends.
async fn watch_streams(app: Arc<App>, mut streams: mpsc::Receiver<MediaEvent>) {
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            event = streams.recv() => match event {
                Some(event) => {
                    note_stream(&app, event);
                    live::note(&app, event).await;
                }
                None => return,
            },
        }
    }
}

fn note_stream(app: &App, event: MediaEvent) {
    tracing::info!(?event, "stream");
    let mut live = app.metrics.live.lock().unwrap_or_else(PoisonError::into_inner);
    match event {
        MediaEvent::Live { stream } => {
            live.insert(stream);
        }
        MediaEvent::Offline { stream } => {
            live.remove(&stream);
        }
        _ => {}
    }
}

/// All routes of the server. Other parts than the API add theirs here.
fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .merge(ops::router(Arc::clone(app)))
        .merge(files::router(Arc::clone(app)))
        .merge(room_log::router(Arc::clone(app)))
        .merge(room_people::router(Arc::clone(app)))
        .merge(room_schedule::router(Arc::clone(app)))
        .merge(live::router(app))
        .merge(live::pictures::router(Arc::clone(app)))
        .merge(qr::router(Arc::clone(app)))
        .merge(csv_upload::router(Arc::clone(app)))
        .merge(rpc::router(Arc::clone(app)))
}

/// Says where the server is to be found, in one step: whoever waits for the file never reads
/// half of it.
fn write_runtime(app: &App) -> Result<(), RunError> {
    let runtime = json!({
        "pid": std::process::id(),
        "http": app.http,
        "webrtc": app.media.local_addr(),
        "srt": app.srt.get().map(rushes_media::Srt::local_addr),
        "rtp": app.rtp.get().map(rushes_media::Rtp::local_addr),
    });
    bootstrap::write_whole(&app.config.data.join(RUNTIME), &runtime.to_string())
}
