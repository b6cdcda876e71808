//! A server that is told to end: those who watch and publish hear of it while it still answers, who
//! comes then is told when to come again, and it ends in time.

use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use datachannel::ConnectionState;
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use rtc::peer_connection::state::RTCPeerConnectionState;
use rushes::demo::whip_client::WhipTarget;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::figures::Events;
use crate::libdatachannel::ObsLike;
use crate::peer::Error;
use crate::peer::viewer::Viewer;
use crate::publish::PICTURE_TIMEOUT;
use crate::server::{Api, Folder, Registered, Turn};

/// What those who publish and watch have, ten seconds, and then the rooms five for their logs; both
/// are bounds in the server.
const DEADLINE: Duration = Duration::from_secs(15);
/// How often a state is looked at that no event tells.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const TIMEOUT: Duration = Duration::from_secs(20);

const PUBLISHES: &str = include_str!("../../media/tests/sdp/obs-whip-offer.sdp");
const WATCHES: &str = include_str!("../../media/tests/sdp/gst-whep-whep-offer.sdp");

/// A server whose end is seen: its exit code is its parent's to read.
struct Ending {
    // Killed before its folder goes.
    child: Child,
    folder: Folder,
    _turn: Turn,
}

impl Ending {
    async fn start() -> Result<(Self, Registered), Error> {
        let turn = Turn::shared().await;
        let folder = Folder::new("drain")?;
        let log = File::create(folder.path().join("server.log"))?;
        let child = Command::new(env!("CARGO_BIN_EXE_rushes"))
            .env_remove("RUST_LOG")
            .args(["serve", "--listen=127.0.0.1:0", "--webrtc-listen=127.0.0.1:0"])
            .args(["--srt-listen=127.0.0.1:0", "--rtp-listen=127.0.0.1:0", "--data"])
            .arg(folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let server = Self { child, folder, _turn: turn };
        let source = server.register().await?;
        Ok((server, source))
    }

    fn file(&self, name: &str) -> Option<Value> {
        serde_json::from_slice(&std::fs::read(self.folder.path().join(name)).ok()?).ok()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Waits until it is ready, and registers a source as its first administrator.
    async fn register(&self) -> Result<Registered, Error> {
        let ready = async {
            loop {
                if let Some(runtime) = self.file("runtime.json") {
                    return runtime;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let runtime = tokio::time::timeout(PICTURE_TIMEOUT, ready).await;
        let runtime = runtime.map_err(|_| format!("not ready:\n{}", self.log()))?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("no text");
        let mut api = Api::new(Url::parse(&format!("http://{}/", text(&runtime["http"])?))?);
        let admin = self.file("admin.json").ok_or("no administrator")?;
        let keys = json!({ "api_id": admin["api_id"], "api_key": admin["api_key"] });
        api.sign_in("/authenticate/api", keys).await?;
        let group = json!({ "name": "Interop", "company_id": admin["company_id"] });
        let group = api.call("/create/group", group).await?;
        let project = json!({ "name": "Drain", "group_id": group["id"] });
        let project = api.call("/create/project", project).await?;
        let source = json!({ "name": "A", "description": "", "project_id": project["id"] });
        let source = api.call("/create/live/registration/whip", source).await?;
        let id = text(&source["id"])?;
        let url = api.base.join(&text(&source["url"])?)?;
        let whip = WhipTarget { url, bearer: text(&source["token"])? };
        Ok(Registered { whip, whep: api.whep(&id)?, id })
    }

    fn tell_to_end(&self) -> Result<(), Error> {
        let id = self.child.id().ok_or("it has ended")?.to_string();
        let status = std::process::Command::new("kill").args(["-TERM", &id]).status()?;
        if status.success() { Ok(()) } else { Err(format!("kill: {status}").into()) }
    }
}

/// Waits until a viewer's connection is in one of these states.
async fn reaches(viewer: &Viewer, states: &[RTCPeerConnectionState]) -> Result<(), Error> {
    let reached = async {
        while !viewer.states().last().is_some_and(|state| states.contains(state)) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let reached = tokio::time::timeout(PICTURE_TIMEOUT, reached).await;
    reached.map_err(|_| format!("{:?}, and not {states:?}", viewer.states()).into())
}

/// Watches as soon as the server, too, takes the publisher for connected.
async fn watches(target: &WhipTarget) -> Result<Viewer, Error> {
    let joined = async {
        loop {
            match Viewer::watch(target.clone()).await {
                Ok(viewer) => return viewer,
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    };
    let viewer = tokio::time::timeout(PICTURE_TIMEOUT, joined).await?;
    reaches(&viewer, &[RTCPeerConnectionState::Connected]).await?;
    Ok(viewer)
}

async fn offers(target: &WhipTarget, offer: &'static str) -> Result<Response, Error> {
    let request = reqwest::Client::new().post(target.url.clone()).bearer_auth(&target.bearer);
    Ok(request.header(CONTENT_TYPE, "application/sdp").body(offer).send().await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_tells_viewers_and_publishers_and_ends_in_time() {
    let (mut server, source) = Ending::start().await.unwrap();
    let mut camera = ObsLike::publish(&source.whip).await.unwrap();
    let viewer = watches(&source.whep).await.unwrap();
    // A player that listens to what it is told.
    let opened = offers(&source.whep, WATCHES).await.unwrap();
    assert_eq!(opened.status(), StatusCode::CREATED);
    let session = opened.headers()[LOCATION].to_str().unwrap();
    let session = opened.url().join(session).unwrap();
    let address = Url::parse(&format!("{session}/events")).unwrap();
    let told = json!(["reconnect"]);
    let mut events = Events::of(address, &source.whep.bearer, &told).await.unwrap();

    let begun = Instant::now();
    server.tell_to_end().unwrap();
    let event = tokio::time::timeout(DEADLINE, events.next()).await.expect("it is told").unwrap();
    assert_eq!(event, Some(("reconnect".to_owned(), json!({}))));
    for (target, offer) in [(&source.whip, PUBLISHES), (&source.whep, WATCHES)] {
        let refused = offers(target, offer).await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{}", target.url);
        let after: u32 = refused.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!(after > 0);
    }
    // It leaves, as it was told to. The other viewer knows no events, and nor do publishers: they are
    // told by DTLS. Without a word libdatachannel would believe for half a minute that all is well.
    let left = reqwest::Client::new().delete(session).bearer_auth(&source.whep.bearer);
    assert_eq!(left.send().await.unwrap().status(), StatusCode::OK);
    let over = [ConnectionState::Disconnected, ConnectionState::Closed];
    camera.reaches(&over, TIMEOUT).await.unwrap();

    let ended = tokio::time::timeout(DEADLINE, server.child.wait()).await;
    let status = ended.unwrap_or_else(|_| panic!("it does not end:\n{}", server.log())).unwrap();
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(begun.elapsed() < DEADLINE, "after {:?}:\n{}", begun.elapsed(), server.log());
    assert!(server.file("runtime.json").is_none(), "nobody is sent to it any more");
    // What was open for its events ended as well.
    assert_eq!(events.next().await.unwrap(), None);
    // The `webrtc` crate keeps to itself that DTLS ended, and finds no way to the server a little later.
    let over = [
        RTCPeerConnectionState::Disconnected,
        RTCPeerConnectionState::Failed,
        RTCPeerConnectionState::Closed,
    ];
    reaches(&viewer, &over).await.unwrap();
}
