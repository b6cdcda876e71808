//! `rushes demo`: a server on this machine that shows itself, with a test
//! pattern that is published the way a camera's encoder would.

mod api;
pub mod clip;
pub mod encode;
mod links;
pub mod pattern;
mod peer;
pub mod picture;
pub mod publisher;
pub mod seed;
pub mod source;
mod state;
pub mod strip;
pub mod text;
pub mod whip_client;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rushes_sessions::{Attendee, Command, ConnectionId, Op};

use self::api::Api;
use self::links::Links;
use self::picture::Size;
use self::publisher::{Publisher, PublisherStatus, StartError};
use self::seed::SeedError;
use self::source::SourceConfig;
use self::state::State;
use self::whip_client::WhipTarget;
use crate::app::{App, local_url};
use crate::ids::{RoomId, UserId};
use crate::rooms::playable;
use crate::secret::Secret;
use crate::store::assets::{self, AssetRow};
use crate::store::credentials::{self, NewToken};
use crate::store::text::{AssetSubtype, TokenKind};
use crate::store::{Store, StoreError};
use crate::time::Millis;

/// How long the token is good for that the demo sets itself up with.
const TOKEN_LIFETIME: Duration = Duration::from_secs(600);
/// How long the test pattern may take until it is live; it is there after a tenth of it.
const LIVE_TIMEOUT: Duration = Duration::from_secs(30);

/// How the demo is wanted.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// Print one line of JSON with all links and tokens instead of the text
    #[arg(long)]
    pub json: bool,
    /// Size of the test pattern
    #[arg(long, default_value = "1280x720", value_name = "WxH")]
    pub size: Size,
    /// Frames a second of the test pattern
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub fps: u32,
}

impl DemoArgs {
    /// The data folder of a demo for which none is named.
    #[must_use]
    pub fn default_data() -> PathBuf {
        PathBuf::from("data/demo")
    }
}

/// Why the demo did not come up, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Its production or its room could not be made.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The test pattern could not be started.
    #[error("the test pattern: {0}")]
    Publisher(#[from] StartError),
    /// The server is bound to what is no address of an URL.
    #[error("the server's own address is no URL: {0}")]
    Address(String),
    /// The links could not be printed.
    #[error("the links cannot be printed: {0}")]
    Output(#[from] io::Error),
}

impl From<StoreError> for DemoError {
    fn from(error: StoreError) -> Self {
        Self::Seed(error.into())
    }
}

/// Puts the demo production, its room and its test pattern into a running server, prints the
/// links, and publishes until `shutdown` resolves.
///
/// # Errors
/// When something of it cannot be made.
pub async fn run(
    app: &Arc<App>,
    args: &DemoArgs,
    shutdown: impl Future<Output = ()>,
) -> Result<(), DemoError> {
    tokio::pin!(shutdown);
    let started = tokio::select! {
        started = start(app, args) => started?,
        () = &mut shutdown => return Ok(()),
    };
    let (publisher, links) = started;
    links.print(args.json)?;
    shutdown.await;
    publisher.stop().await;
    Ok(())
}

/// Makes what is not there yet, and publishes.
async fn start(app: &Arc<App>, args: &DemoArgs) -> Result<(Publisher, Links), DemoError> {
    let base = local_url(app.http);
    let base = Url::parse(&base).map_err(|_| DemoError::Address(base))?;
    let mut state = State::load(&app.store, &app.config.data).await?;
    let tree = state.tree(&app.store).await?;
    let api = Api::new(base.clone(), token(&app.store, tree.host).await?);
    let pattern = state.pattern(&api, &tree).await?;
    let obs = state.obs(&api, &tree).await?;
    let publisher = publish(&base, args, &pattern)?;
    let room = state.room(&app.store, &api, &tree).await?;
    let live = live_asset(app, &publisher, &tree).await?;
    if let Some(live) = &live {
        show(app, room.id, &tree, live).await?;
    }
    let links = Links::new(app, &tree, &room, live.map(|live| live.id), &obs).await?;
    Ok((publisher, links))
}

/// A token of the host, for what the demo does in their name.
async fn token(store: &Store, host: UserId) -> Result<Secret, StoreError> {
    let mut tx = store.write().await?;
    let token =
        NewToken { user_id: host, kind: TokenKind::User, room_id: None, lifetime: TOKEN_LIFETIME };
    let secret = credentials::create_token(&mut tx, token, Millis::now()).await?;
    tx.commit().await?;
    Ok(secret)
}

fn publish(
    base: &Url,
    args: &DemoArgs,
    pattern: &seed::LiveSource,
) -> Result<Publisher, StartError> {
    let source = SourceConfig { size: args.size, fps: args.fps, ..SourceConfig::default() };
    let mut url = base.clone();
    url.set_path(&pattern.path);
    Publisher::start(&source, WhipTarget { url, bearer: pattern.bearer.clone() })
}

/// Waits for the pattern, and finds the asset that the server made of it.
async fn live_asset(
    app: &Arc<App>,
    publisher: &Publisher,
    tree: &seed::Tree,
) -> Result<Option<AssetRow>, StoreError> {
    let mut status = publisher.status();
    let live = status.wait_for(|status| *status == PublisherStatus::Live);
    if tokio::time::timeout(LIVE_TIMEOUT, live).await.is_err() {
        tracing::warn!("the test pattern is not live yet; it goes on trying");
    }
    let mut tx = app.store.read().await?;
    let found = assets::of_project(&mut tx, tree.live).await?;
    let sources = found.into_iter().map(|found| found.row);
    Ok(sources
        .filter(|row| row.subtype == Some(AssetSubtype::Streaming))
        .min_by_key(|row| row.created))
}

/// Shows the live picture in a room that shows nothing yet.
async fn show(
    app: &Arc<App>,
    room: RoomId,
    tree: &seed::Tree,
    live: &AssetRow,
) -> Result<(), SeedError> {
    let shown = app.hub.snapshot(room.into()).await?.state;
    if shown.asset.is_some() {
        return Ok(());
    }
    let host = Attendee { user: tree.host.into(), name: "Demo".to_owned(), guest: false };
    // The numbers of real connections count from 0.
    let connection = ConnectionId(u64::MAX);
    let (snapshot, attending) = app.hub.subscribe(room.into(), host, connection, None).await?;
    let command = Command {
        cmd_id: "demo".to_owned(),
        epoch: snapshot.state.epoch,
        base_rev: snapshot.state.rev,
        op: Op::Load { asset: playable(live), frame: None },
    };
    app.hub.command(room.into(), connection, command).await?;
    drop(attending);
    Ok(())
}
