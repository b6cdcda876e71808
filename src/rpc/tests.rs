//! The pipeline with handlers of its own.

use std::sync::{Arc, atomic::Ordering};

use rushes_media::{Media, MediaConfig, TcpLimits, TranscodeLimits};
use serde_json::{Value, json};

use super::{Call, Connection, Ctx, Empty, Routes, auth::Proof, execute};
use crate::{
    app::App,
    config::Config,
    error::{ApiError, ApiResult, Code},
    events::{Audience, Event, Mailbox},
    ids::{RoomId, UserId},
    live::passphrase::PassphraseKey,
    provision,
    store::{Store, companies, credentials, text::TokenKind},
    time::Millis,
};

/// Paths of the contract that need no token, for handlers that do as the tests need.
const PANICS: &str = "/server-status";
const SUCCEEDS: &str = "/authenticate/api";
const FAILS: &str = "/authenticate/device";
const COUNTS_AND_FAILS: &str = "/authenticate/device/token";
const WRITES_AS_READER: &str = "/get/domain/login/provider/default";
/// These need one.
const FOR_USERS: &str = "/get/companies";
const FOR_GUESTS: &str = "/get/usecases";

struct Bench {
    app: Arc<App>,
    _folder: tempfile::TempDir,
    user: UserId,
}

async fn panics(_: &mut Ctx, _: Empty) -> ApiResult<Empty> {
    panic!("on purpose");
}

fn viewed(ctx: &mut Ctx) -> ApiResult<()> {
    let user = companies_user(ctx);
    ctx.emit(Event { name: "VIEW", data: json!({}), to: Audience::Users(vec![user]) });
    Ok(())
}

/// The user the events of these tests go to.
fn companies_user(ctx: &Ctx) -> UserId {
    ctx.app().config.public_url.as_deref().unwrap_or_default().parse().unwrap()
}

async fn succeeds(ctx: &mut Ctx, _: Value) -> ApiResult<Empty> {
    let now = ctx.now();
    companies::create(ctx.db(), "written", now).await?;
    viewed(ctx)?;
    let app = Arc::clone(ctx.app());
    ctx.after_commit(async move {
        app.metrics.ws_requests.fetch_add(1, Ordering::Relaxed);
    });
    Ok(Empty {})
}

async fn fails(ctx: &mut Ctx, request: Value) -> ApiResult<Empty> {
    succeeds(ctx, request).await?;
    Err(ApiError::new(Code::PERMISSION_DENIED))
}

async fn counts_and_fails(ctx: &mut Ctx, request: Value) -> ApiResult<Empty> {
    ctx.commit_on_error();
    fails(ctx, request).await
}

async fn nothing(_: &mut Ctx, _: Value) -> ApiResult<Empty> {
    Ok(Empty {})
}

async fn bench() -> Bench {
    let folder = tempfile::TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("test.db")).await.unwrap();
    let mut tx = store.write().await.unwrap();
    let now = Millis::now();
    let company = companies::create(&mut tx, "first", now).await.unwrap();
    let user = provision::create_user(&mut tx, company, "host@rushes.test", ("", ""), false, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut config = Config::local(folder.path().to_owned());
    config.public_url = Some(user.to_string());
    let media = MediaConfig {
        listen: config.webrtc_listen,
        hosts: vec![],
        max_sessions: 1,
        tcp: TcpLimits::default(),
        fanout_threads: None,
        transcodes: TranscodeLimits::NONE,
        ffmpeg: None,
    };
    let (media, _) = Media::start(media).unwrap();
    let key = PassphraseKey::open(folder.path()).unwrap();
    let mut app = App::new(config, store, media, key, ([127, 0, 0, 1], 1).into());
    app.routes = Routes::default();
    app.routes.read(PANICS, panics);
    app.routes.write(SUCCEEDS, succeeds);
    app.routes.write(FAILS, fails);
    app.routes.write(COUNTS_AND_FAILS, counts_and_fails);
    app.routes.read(WRITES_AS_READER, succeeds);
    app.routes.read(FOR_USERS, nothing);
    app.routes.read(FOR_GUESTS, nothing).guests();
    Bench { app: Arc::new(app), _folder: folder, user }
}

impl Bench {
    async fn call(&self, path: &str, token: Option<String>) -> ApiResult<String> {
        let row = crate::contract::find(path).unwrap();
        let of = |param: &crate::contract::Param| {
            let value = if param.values.is_empty() { "text" } else { param.values[0] };
            (param.name.to_owned(), json!(value))
        };
        let parameters =
            Value::Object(row.request.iter().filter(|param| param.required).map(of).collect());
        let peer = [127, 0, 0, 1].into();
        execute(&self.app, Call { path: path.to_owned(), parameters, token, peer }).await
    }

    async fn companies(&self) -> i64 {
        let mut tx = self.app.store.write().await.unwrap();
        companies::count(&mut tx).await.unwrap()
    }

    async fn token(&self, kind: TokenKind, room_id: Option<RoomId>) -> String {
        let mut tx = self.app.store.write().await.unwrap();
        let lifetime = std::time::Duration::from_secs(60);
        let token = credentials::NewToken { user_id: self.user, kind, room_id, lifetime };
        let token = credentials::create_token(&mut tx, token, Millis::now()).await.unwrap();
        tx.commit().await.unwrap();
        token.reveal().to_owned()
    }
}

#[tokio::test]
async fn success_is_kept_and_told() {
    let bench = bench().await;
    let (mailbox, mut out) = Mailbox::new(4);
    bench.app.bus.connect(bench.user, mailbox);
    assert_eq!(bench.call(SUCCEEDS, None).await.unwrap(), "{}");
    assert_eq!(bench.companies().await, 2);
    assert!(out.try_recv().is_ok() && out.try_recv().is_err(), "exactly one event");
    assert_eq!(bench.app.metrics.ws_requests.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn failure_leaves_nothing_and_tells_nobody() {
    let bench = bench().await;
    let (mailbox, mut out) = Mailbox::new(4);
    bench.app.bus.connect(bench.user, mailbox);
    let followed = || bench.app.metrics.ws_requests.load(Ordering::Relaxed);
    assert_eq!(bench.call(FAILS, None).await.unwrap_err().code(), Code::PERMISSION_DENIED);
    assert_eq!((bench.companies().await, followed()), (1, 0));
    assert_eq!(
        bench.call(COUNTS_AND_FAILS, None).await.unwrap_err().code(),
        Code::PERMISSION_DENIED
    );
    assert_eq!(bench.companies().await, 2, "what was to be kept is kept");
    assert_eq!(followed(), 1, "and what was to follow it follows");
    assert!(out.try_recv().is_err());
}

#[tokio::test]
async fn a_handler_that_only_reads_cannot_write() {
    let bench = bench().await;
    assert_eq!(bench.call(WRITES_AS_READER, None).await.unwrap_err().code(), Code::INTERNAL);
    assert_eq!(bench.companies().await, 1);
}

#[tokio::test]
async fn a_panic_is_an_error_of_that_request_alone() {
    let bench = bench().await;
    let error = bench.call(PANICS, None).await.unwrap_err();
    assert_eq!(error.code(), Code::INTERNAL);
    assert!(!error.body().to_string().contains("on purpose"));
    assert!(bench.call(SUCCEEDS, None).await.is_ok());
}

#[tokio::test]
async fn guests_get_where_they_are_let_in_and_one_time_tokens_nowhere() {
    let bench = bench().await;
    let user = bench.token(TokenKind::User, None).await;
    let guest = bench.token(TokenKind::Guest, Some(RoomId::new())).await;
    let refused = bench.call(FOR_USERS, Some(guest.clone())).await.unwrap_err();
    assert_eq!(refused.code(), Code::WRONG_TOKEN_KIND);
    assert!(bench.call(FOR_GUESTS, Some(guest)).await.is_ok());
    let one_time = bench.token(TokenKind::OneTime, None).await;
    for path in [FOR_USERS, FOR_GUESTS] {
        assert!(bench.call(path, Some(user.clone())).await.is_ok(), "{path}");
        let error = bench.call(path, Some(one_time.clone())).await.unwrap_err();
        assert_eq!(error.code(), Code::WRONG_TOKEN_KIND, "{path}");
        let error = bench.call(path, None).await.unwrap_err();
        assert_eq!(error.code(), Code::INVALID_TOKEN, "{path}");
    }
}

#[tokio::test]
async fn a_connection_is_believed_until_a_token_was_taken_away() {
    let bench = bench().await;
    let app = &bench.app;
    let room = RoomId::new();
    let (gone, kept) =
        (bench.token(TokenKind::Guest, Some(room)).await, bench.token(TokenKind::User, None).await);
    let mut connections = Vec::new();
    for token in [&gone, &kept] {
        let (proof, caller) = Proof::of(app, token).await.unwrap();
        let (mailbox, _) = Mailbox::new(1);
        let id = app.bus.connect(bench.user, mailbox.clone());
        let peer = [127, 0, 0, 1].into();
        connections.push(Connection { id, caller, peer, mailbox, proof });
    }
    let mut tx = app.store.write().await.unwrap();
    credentials::end_room_tokens(&mut tx, room).await.unwrap();
    tx.commit().await.unwrap();
    // Nobody asks the store as long as nobody says so.
    assert!(connections[0].still_good(app).await.is_ok());
    app.revocations.happened();
    let refused = connections[0].still_good(app).await.unwrap_err();
    assert_eq!(refused.code(), Code::INVALID_TOKEN);
    assert!(connections[1].still_good(app).await.is_ok());
}
