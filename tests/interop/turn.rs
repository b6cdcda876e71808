//! TURN through coturn: Chromium that may use nothing but relays, with the credentials that the
//! server gives it.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::browser::{Browser, Kind};
use crate::chromium::{PICTURE_AND_SOUND, end};
use crate::namespace::{self, NEAR};
use crate::peer::Error;
use crate::publish::PICTURE_TIMEOUT;
use crate::server::Folder;

const SECRET: &str = "a secret of the tests";
const URLS: &str = "turn:198.51.100.1:3478?transport=udp,turn:198.51.100.1:3478?transport=tcp";
/// How long the relay may take to be ready.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// A running coturn. It is killed by its process id when this is dropped.
struct Coturn {
    child: Child,
    folder: Folder,
}

impl Coturn {
    fn start() -> Result<Self, Error> {
        let folder = Folder::new("coturn")?;
        let log = std::fs::File::create(folder.path().join("turn.log"))?;
        let file = |name: &str| folder.path().join(name).display().to_string();
        let child = Command::new("turnserver")
            .args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--use-auth-secret"])
            .args(["--realm=rushes.test", "--log-file=stdout", "--min-port=50000"])
            .arg(format!("--static-auth-secret={SECRET}"))
            .args([format!("--listening-ip={NEAR}"), format!("--relay-ip={NEAR}")])
            .arg(format!("--userdb={}", file("turn.db")))
            .arg(format!("--pidfile={}", file("turn.pid")))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("coturn: {error}; run `make tools`"))?;
        let mut coturn = Self { child, folder };
        coturn.wait_until_ready()?;
        Ok(coturn)
    }

    /// It answers a STUN request (RFC 8489).
    fn wait_until_ready(&mut self) -> Result<(), Error> {
        let socket = UdpSocket::bind(SocketAddr::from((NEAR, 0)))?;
        socket.connect(SocketAddr::from((NEAR, 3478)))?;
        socket.set_read_timeout(Some(ASK_EVERY))?;
        let deadline = Instant::now() + START_TIMEOUT;
        let mut answer = [0; 512];
        while Instant::now() < deadline && self.child.try_wait()?.is_none() {
            let asked = socket.send(b"\0\x01\0\0\x21\x12\xa4\x42rushes-tests");
            if asked.and_then(|_| socket.recv(&mut answer)).is_ok() {
                return Ok(());
            }
            // Refused at once until it listens.
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("coturn does not answer:\n{}", self.log()).into())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("turn.log")).unwrap_or_default()
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- coturn's log\n{}", self.log());
        }
    }
}

/// From here on the browser makes connections over relays alone.
async fn relays_alone(browser: &mut Browser, servers: &Value) -> Result<(), Error> {
    let script = format!(
        "rushes.settings.configuration = {{ iceServers: {servers}, iceTransportPolicy: 'relay' }}"
    );
    browser.evaluate(&script, Duration::ZERO).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_publishes_and_watches_through_coturn_alone() {
    if !namespace::enter("turn::chromium_publishes_and_watches_through_coturn_alone").await {
        return;
    }
    let turn = Some((URLS, SECRET));
    let (server, _apart) = namespace::server_apart_with("turn", turn).await.unwrap();
    let _coturn = Coturn::start().unwrap();
    let source = server.register("turn").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();

    // The publisher's from the Link headers, the viewer's from the API.
    let asked = format!("rushes.iceServers('{}', '{}')", source.whip.url, source.whip.bearer);
    let servers = browser.evaluate(&asked, Duration::ZERO).await.unwrap();
    assert_eq!(servers.as_array().map(Vec::len), Some(2), "{servers}");
    relays_alone(&mut browser, &servers).await.unwrap();
    browser.publish("camera", &source.whip, "VP8").await.unwrap();
    let sends = "seen.video?.packets > 0 && seen.path";
    let camera = browser.wait_for("camera", PICTURE_TIMEOUT, sends).await.unwrap();
    assert_eq!(camera.path.unwrap().kind, "relay");

    let uri = json!({ "stream_uri": source.id });
    let told = server.api().call("/list/live/servers", uri).await.unwrap();
    let servers = &told[0]["webrtc_server_configuration"]["iceServers"];
    assert_eq!(servers.as_array().map(Vec::len), Some(2), "{told}");
    relays_alone(&mut browser, servers).await.unwrap();
    browser.watch("viewer", &source.whep).await.unwrap();
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
    assert_eq!(seen.path.clone().unwrap().kind, "relay");
    end(&mut browser, "viewer", &seen).await.unwrap();

    // A relay lets nobody in who made up a credential: there is nothing to be reached by.
    let mut wrong = servers.clone();
    for server in wrong.as_array_mut().unwrap() {
        server["credential"] = json!("bm8gc3VjaCBjcmVkZW50aWFs");
    }
    relays_alone(&mut browser, &wrong).await.unwrap();
    browser.watch("stranger", &source.whep).await.unwrap();
    let gathered = "rushes.peers.stranger.connection.localDescription.sdp.includes('a=candidate')";
    assert_eq!(browser.evaluate(gathered, Duration::ZERO).await.unwrap(), false);
    assert_eq!(browser.close("camera").await.unwrap(), 200);
}
