//! A real browser, driven over its own WebSocket: Chromium by the DevTools protocol, Firefox by
//! WebDriver BiDi. All that is asked of either is to run JavaScript in a page ([`PAGE`]).

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Url;
use rushes::demo::picture::Size;
use rushes::demo::strip::{self, Reading};
use rushes::demo::whip_client::WhipTarget;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::peer::Error;
use crate::server::Folder;

/// What the page can do.
const PAGE: &str = include_str!("page.js");
/// How long a browser may take to start, and to run one script beyond what the script waits for.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often a page is looked at that is loading.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Which browser, and so which protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Chromium,
    Firefox,
}

impl Kind {
    fn command(self, profile: &str, origin: &Url) -> Command {
        let (variable, program) = match self {
            Self::Chromium => ("RUSHES_CHROMIUM", "chromium"),
            Self::Firefox => ("RUSHES_FIREFOX", "firefox-esr"),
        };
        let mut command = Command::new(std::env::var_os(variable).unwrap_or(program.into()));
        match self {
            Self::Chromium => command
                .args(CHROMIUM_FLAGS)
                .arg(format!("--user-data-dir={profile}"))
                // A page of another address than the loopback would have no camera.
                .arg(format!("--unsafely-treat-insecure-origin-as-secure={origin}")),
            Self::Firefox => command.args(["--headless", "--no-remote", "--profile", profile]),
        };
        command.args(["--remote-debugging-port=0", "about:blank"]);
        command
    }

    /// What stands before the WebSocket's address in what the browser prints.
    fn announcement(self) -> &'static str {
        match self {
            Self::Chromium => "DevTools listening on ",
            Self::Firefox => "WebDriver BiDi listening on ",
        }
    }
}

const CHROMIUM_FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream=fps=30",
    "--use-fake-ui-for-media-stream",
];

/// Preferences of a Firefox that plays without a click and talks to nobody but the server.
const FIREFOX_PREFERENCES: &str = r#"
user_pref("devtools.jsonview.enabled", false);
user_pref("media.autoplay.default", 0);
user_pref("media.peerconnection.ice.obfuscate_host_addresses", false);
user_pref("media.gmp-manager.url", "");
user_pref("media.gmp-provider.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("toolkit.telemetry.enabled", false);
"#;

/// A browser with one page. It is killed by its process id when this is dropped.
pub(crate) struct Browser {
    kind: Kind,
    child: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The DevTools session or the BiDi context that the page is in.
    page: String,
    last_id: u64,
    // Goes after the browser is dead.
    _folder: Folder,
}

impl Browser {
    /// Starts a browser and opens a page of `origin`.
    pub(crate) async fn open(kind: Kind, origin: &Url) -> Result<Self, Error> {
        let folder = Folder::new(if kind == Kind::Chromium { "chromium" } else { "firefox" })?;
        std::fs::write(folder.path().join("user.js"), FIREFOX_PREFERENCES)?;
        let profile = folder.path().to_str().ok_or("the folder's name is no text")?;
        let mut child = kind
            .command(profile, origin)
            .env("HOME", profile)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{kind:?}: {error}; run `make tools`"))?;
        let output = child.stderr.take().ok_or("no standard error")?;
        let address = tokio::task::spawn_blocking(move || address(output, kind.announcement()));
        let address = match tokio::time::timeout(TIMEOUT, address).await {
            Ok(address) => address??,
            Err(_) => return Err(format!("{kind:?} does not start").into()),
        };
        let path = if kind == Kind::Firefox { "/session" } else { "" };
        let (socket, _) = connect_async(format!("{address}{path}")).await?;
        let page = String::new();
        let mut browser = Self { kind, child, socket, page, last_id: 0, _folder: folder };
        browser.open_page(&origin.join("/health")?).await?;
        browser.run(&format!("{PAGE}\nnull")).await?;
        Ok(browser)
    }

    async fn open_page(&mut self, url: &Url) -> Result<(), Error> {
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("no id");
        if self.kind == Kind::Firefox {
            self.call("session.new", json!({ "capabilities": {} })).await?;
            let tree = self.call("browsingContext.getTree", json!({})).await?;
            self.page = text(&tree["contexts"][0]["context"])?;
            let there = json!({ "context": self.page, "url": url.as_str(), "wait": "complete" });
            self.call("browsingContext.navigate", there).await?;
            return Ok(());
        }
        let target = self.call("Target.createTarget", json!({ "url": url.as_str() })).await?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        self.page = text(&self.call("Target.attachToTarget", attach).await?["sessionId"])?;
        // Until the page is there, scripts run in none or in the one before it.
        let there = format!("location.href === '{url}' && document.readyState === 'complete'");
        let loaded = async {
            loop {
                match self.evaluate(&there, Duration::ZERO).await {
                    Ok(Value::Bool(true)) => return,
                    _ => tokio::time::sleep(LOOK_EVERY).await,
                }
            }
        };
        Ok(tokio::time::timeout(TIMEOUT, loaded).await?)
    }

    /// Runs an expression in the page, waits for its promise and gives back its value.
    /// It may take `within` by itself.
    pub(crate) async fn evaluate(
        &mut self,
        expression: &str,
        within: Duration,
    ) -> Result<Value, Error> {
        // As text, which both protocols write alike.
        let value = format!("await (async () => {{ return {expression} }})()");
        let program = format!("(async () => JSON.stringify(({value}) ?? null))()");
        let answer = tokio::time::timeout(TIMEOUT + within, self.run(&program))
            .await
            .map_err(|_| format!("no end of {expression}"))??;
        match answer["result"]["value"].as_str() {
            Some(text) => Ok(serde_json::from_str(text)?),
            None => Err(format!("{expression}: {answer}").into()),
        }
    }

    async fn run(&mut self, program: &str) -> Result<Value, Error> {
        let mut parameters = json!({ "expression": program, "awaitPromise": true });
        let method = match self.kind {
            Kind::Chromium => {
                parameters["returnByValue"] = json!(true);
                parameters["userGesture"] = json!(true);
                "Runtime.evaluate"
            }
            Kind::Firefox => {
                parameters["target"] = json!({ "context": self.page });
                parameters["userActivation"] = json!(true);
                "script.evaluate"
            }
        };
        self.call(method, parameters).await
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Result<Value, Error> {
        self.last_id += 1;
        let mut request = json!({ "id": self.last_id, "method": method, "params": parameters });
        if self.kind == Kind::Chromium && !self.page.is_empty() {
            request["sessionId"] = json!(self.page);
        }
        self.socket.send(Message::text(request.to_string())).await?;
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message? else { continue };
            let message: Value = serde_json::from_str(&text)?;
            // Everything without the number is news that nobody has asked for.
            if message["id"] != self.last_id {
                continue;
            }
            if !message["error"].is_null() {
                return Err(format!("{method}: {message}").into());
            }
            return Ok(message["result"].clone());
        }
        Err(format!("{:?} closed its connection", self.kind).into())
    }

    /// Publishes the browser's fake camera and microphone as the peer `name`.
    pub(crate) async fn publish(
        &mut self,
        name: &str,
        target: &WhipTarget,
        codec: &str,
    ) -> Result<(), Error> {
        self.start(name, &format!("publish('{}', '{}', '{codec}')", target.url, target.bearer))
            .await
    }

    /// Publishes the camera in several layers, given as `RTCRtpEncodingParameters` of JavaScript.
    pub(crate) async fn publish_layers(
        &mut self,
        name: &str,
        target: &WhipTarget,
        (codec, layers): (&str, &str),
    ) -> Result<(), Error> {
        let WhipTarget { url, bearer } = target;
        self.start(name, &format!("publish('{url}', '{bearer}', '{codec}', {layers})")).await
    }

    /// Asks for a layer for the viewer `name`; `wish` is JSON.
    pub(crate) async fn select(&mut self, name: &str, wish: &str) -> Result<u16, Error> {
        let script = format!("rushes.select(rushes.peers['{name}'], {wish})");
        Ok(serde_json::from_value(self.evaluate(&script, Duration::ZERO).await?)?)
    }

    /// Watches as the peer `name`.
    pub(crate) async fn watch(&mut self, name: &str, target: &WhipTarget) -> Result<(), Error> {
        self.start(name, &format!("watch('{}', '{}')", target.url, target.bearer)).await
    }

    /// Watches as the peer `name`, and takes six channels of sound as `mapping` orders them.
    pub(crate) async fn watch_six(
        &mut self,
        name: &str,
        target: &WhipTarget,
        mapping: &str,
    ) -> Result<(), Error> {
        let WhipTarget { url, bearer } = target;
        self.start(name, &format!("watch('{url}', '{bearer}', '{mapping}')")).await
    }

    /// The heights of some tones, in hertz, in each channel that the viewer `name` decodes.
    pub(crate) async fn channels(
        &mut self,
        name: &str,
        tones: &[f64],
    ) -> Result<Vec<Vec<f64>>, Error> {
        let script = format!("rushes.channels(rushes.peers['{name}'], {tones:?})");
        Ok(serde_json::from_value(self.evaluate(&script, Duration::ZERO).await?)?)
    }

    /// The same on the left and on the right of what Web Audio makes of it.
    pub(crate) async fn audible(
        &mut self,
        name: &str,
        tones: &[f64],
    ) -> Result<[Vec<f64>; 2], Error> {
        let script = format!("rushes.audible(rushes.peers['{name}'], {tones:?})");
        Ok(serde_json::from_value(self.evaluate(&script, Duration::ZERO).await?)?)
    }

    async fn start(&mut self, name: &str, call: &str) -> Result<(), Error> {
        let script = format!("rushes.peers['{name}'] = await rushes.{call}, null");
        self.evaluate(&script, TIMEOUT).await.map(drop)
    }

    /// Waits until `found`, an expression over `seen`, holds for the peer `name`.
    pub(crate) async fn wait_for(
        &mut self,
        name: &str,
        within: Duration,
        found: &str,
    ) -> Result<Seen, Error> {
        let milliseconds = within.as_millis();
        let script =
            format!("rushes.until(rushes.peers['{name}'], (seen) => {found}, {milliseconds})");
        let value = self.evaluate(&script, within).await?;
        if value["found"] == true {
            return Ok(serde_json::from_value(value)?);
        }
        Err(format!("{found}: not within {within:?}: {value}").into())
    }

    /// Measures the peer `name` anew from here on.
    pub(crate) async fn again(&mut self, name: &str) -> Result<(), Error> {
        let script = format!("rushes.again(rushes.peers['{name}'])");
        self.evaluate(&script, Duration::ZERO).await.map(drop)
    }

    /// What the frame strip of the picture says that the viewer `name` shows; none if there is no
    /// intact one.
    pub(crate) async fn strip(&mut self, name: &str) -> Result<Option<Reading>, Error> {
        let script = format!("rushes.luma(rushes.peers['{name}'])");
        let picture = self.evaluate(&script, Duration::ZERO).await?;
        let side = |name: &str| picture[name].as_u64().unwrap_or(0) as usize;
        let luma = hex::decode(picture["hex"].as_str().ok_or("no pixels")?)?;
        Ok(strip::read(&luma, side("width"), Size::new(side("width"), side("height"))?))
    }

    /// The loudest frequency that the viewer `name` hears, in hertz.
    pub(crate) async fn tone(&mut self, name: &str) -> Result<f64, Error> {
        let script = format!("rushes.tone(rushes.peers['{name}'])");
        Ok(serde_json::from_value(self.evaluate(&script, Duration::ZERO).await?)?)
    }

    /// The next `count` pictures that the viewer `name` shows, and when it hears a beep of this pitch
    /// begin meanwhile.
    pub(crate) async fn lips(&mut self, name: &str, count: u32, hertz: u32) -> Result<Lips, Error> {
        let script = format!("rushes.lips(rushes.peers['{name}'], {count}, {hertz})");
        let within = Duration::from_millis(40) * count + TIMEOUT;
        Ok(serde_json::from_value(self.evaluate(&script, within).await?)?)
    }

    /// Plays a file to its end, and from its middle again, which may take so long.
    pub(crate) async fn play(&mut self, url: &str, long: Duration) -> Result<Played, Error> {
        let script = format!("rushes.play({})", json!(url));
        Ok(serde_json::from_value(self.evaluate(&script, long).await?)?)
    }

    /// Ends the peer `name`; gives back the status of its DELETE.
    pub(crate) async fn close(&mut self, name: &str) -> Result<u16, Error> {
        let script = format!("rushes.close(rushes.peers['{name}'])");
        Ok(serde_json::from_value(self.evaluate(&script, Duration::ZERO).await?)?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the WebSocket's address, and goes on reading, so that the browser is never held up.
fn address(output: ChildStderr, announcement: &str) -> Result<String, String> {
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let mut printed = String::new();
    let found = lines.find_map(|line| {
        printed += &format!("{line}\n");
        line.strip_prefix(announcement).map(str::to_owned)
    });
    std::thread::spawn(move || lines.for_each(drop));
    found.ok_or(printed)
}

/// What a browser makes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct Played {
    /// Pictures that were decoded from its beginning to its end.
    pub(crate) decoded: usize,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// In seconds.
    pub(crate) duration: f64,
}

/// What a viewer has shown and heard for a while. Times are in milliseconds, on the page's clock.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Lips {
    pub(crate) pictures: Vec<Shown>,
    pub(crate) beeps: Vec<f64>,
    /// How much later the picture was captured than what is heard at that moment, as the browser
    /// knows it from the sender reports.
    pub(crate) apart: Vec<f64>,
}

/// A picture on the screen.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Shown {
    /// Its frame number; none where it has no intact one.
    pub(crate) number: Option<u32>,
    pub(crate) at: f64,
}

/// What a peer in the page has seen.
#[allow(dead_code, reason = "all of it is shown when a test fails")]
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Seen {
    /// The connection's state.
    pub(crate) state: String,
    /// All states that it has been in.
    pub(crate) states: Vec<String>,
    /// The pictures of a viewer.
    pub(crate) seen: Option<Pictures>,
    pub(crate) video: Option<Numbers>,
    pub(crate) audio: Option<Numbers>,
    /// The way that media takes, as far as the browser tells it.
    pub(crate) path: Option<Path>,
}

/// The pair that media takes, from this end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Path {
    /// `host`, `prflx`, `relay` …
    pub(crate) kind: String,
    /// `udp` or `tcp`.
    pub(crate) protocol: String,
}

/// The pictures that were presented. Times are in milliseconds.
#[allow(dead_code, reason = "all of it is shown when a test fails")]
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pictures {
    pub(crate) frames: u64,
    /// When the viewer was started, on the page's clock.
    pub(crate) started: f64,
    /// When the first picture was presented, on the same clock.
    pub(crate) first: Option<f64>,
    /// The longest time between two pictures.
    pub(crate) longest_gap: f64,
    /// All times between two pictures that were longer than 200 ms.
    pub(crate) gaps: Vec<u64>,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// What the browser's statistics say of one track.
#[allow(dead_code, reason = "all of it is shown when a test fails")]
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Numbers {
    pub(crate) codec: Option<String>,
    pub(crate) packets: u64,
    /// Packets that never came.
    pub(crate) lost: i64,
    pub(crate) decoded: u64,
    /// Freezes as the browser counts them, and their seconds.
    pub(crate) freezes: u64,
    pub(crate) frozen: f64,
    pub(crate) nacks: u64,
    pub(crate) plis: u64,
    pub(crate) retransmitted: u64,
    /// Pictures that were put together, and key frames that were decoded.
    pub(crate) received: u64,
    pub(crate) key_frames: u64,
}
