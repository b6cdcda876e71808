//! The server under test, as a child process, and a caller of its API.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Url;
use rushes::demo::whip_client::WhipTarget;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::namespace::Namespace;
use crate::peer::Error;
use crate::proxy::{Network, Proxy, dropped_by_the_kernel};
use crate::publish::PICTURE_TIMEOUT;

/// How long a server may take to be ready; a busy machine needs some of it.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the file is looked for that says that the server is ready.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often a state is asked for that no event tells a script.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Tests that run side by side, except for those that measure something. Most of them wait for
/// pictures that come at their own pace.
const SIDE_BY_SIDE: u32 = 4;
static MACHINE: Semaphore = Semaphore::const_new(SIDE_BY_SIDE as usize);

/// A test's part of the machine. Who asks first has it first, so that none waits for ever.
pub(crate) struct Turn {
    _part: SemaphorePermit<'static>,
}

impl Turn {
    /// Beside others.
    pub(crate) async fn shared() -> Self {
        Self::take(1).await
    }

    /// With half of the machine, for what measures how smooth a picture is, or how far from its sound:
    /// a few streams that come at their own pace, with a browser at most, take a quarter of it.
    pub(crate) async fn half() -> Self {
        Self::take(SIDE_BY_SIDE / 2).await
    }

    /// Alone.
    pub(crate) async fn alone() -> Self {
        Self::take(SIDE_BY_SIDE).await
    }

    async fn take(parts: u32) -> Self {
        let part = MACHINE.acquire_many(parts).await.expect("it is never closed");
        Self { _part: part }
    }
}

/// A folder of one test, gone with it. No other test was ever given it: one that was killed may
/// have left what looks like a running server's, and in a process namespace the ids come again.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new(name: &str) -> Result<Self, Error> {
        Ok(Self(tempfile::Builder::new().prefix(&format!("rushes-{name}-")).tempdir()?))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Where a server listens, and what it announces.
pub(crate) struct Place<'a> {
    pub(crate) http: SocketAddr,
    pub(crate) webrtc: SocketAddr,
    /// What clients are told to send media to, where that is not `webrtc`.
    pub(crate) announced: Option<IpAddr>,
    /// The network that it runs in, where that is not the test's.
    pub(crate) namespace: Option<&'a Namespace>,
    /// The TURN servers that clients are told of, and the secret that it shares with them.
    pub(crate) turn: Option<(&'a str, &'a str)>,
    /// Further options.
    pub(crate) options: &'a [&'a str],
}

impl Place<'_> {
    /// Free ports of the loopback.
    pub(crate) fn loopback() -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            http: free,
            webrtc: free,
            announced: None,
            namespace: None,
            turn: None,
            options: &[],
        }
    }

    /// Where SRT callers come: a free port beside HTTP.
    fn srt(&self) -> SocketAddr {
        SocketAddr::new(self.http.ip(), 0)
    }

    fn command(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_rushes");
        let mut command =
            self.namespace.map_or_else(|| Command::new(binary), |space| space.command(binary));
        command.env_remove("RUST_LOG");
        if let Some((urls, secret)) = self.turn {
            command.env("RUSHES_ICE_SERVERS", urls).env("RUSHES_TURN_SECRET", secret);
        }
        command
    }
}

/// A running `rushes`. It is killed by its process id when this is dropped, also by a panic.
pub(crate) struct Process {
    child: Child,
    data: PathBuf,
}

impl Process {
    /// Runs a command of the binary on `data`.
    pub(crate) fn spawn(data: &Path, command: &[&str], place: &Place<'_>) -> Result<Self, Error> {
        let log = File::options().create(true).append(true).open(data.join("server.log"))?;
        let announced = place.announced.map(|ip| format!("--webrtc-host={ip}"));
        let child = place
            .command()
            .args(command)
            .arg(format!("--listen={}", place.http))
            .arg(format!("--webrtc-listen={}", place.webrtc))
            .arg(format!("--srt-listen={}", place.srt()))
            .arg(format!("--rtp-listen={}", place.srt()))
            .args(announced)
            .args(place.options)
            .arg("--data")
            .arg(data)
            .current_dir(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        Ok(Self { child, data: data.to_owned() })
    }

    /// What the server writes into `runtime.json` once it is ready.
    pub(crate) async fn runtime(&mut self) -> Result<Value, Error> {
        let deadline = Instant::now() + START_TIMEOUT;
        let own_pid = json!(self.child.id());
        loop {
            // A killed server leaves its file behind, so that the process id is looked at too.
            if let Ok(text) = std::fs::read(self.data.join("runtime.json"))
                && let Ok(runtime) = serde_json::from_slice::<Value>(&text)
                && runtime["pid"] == own_pid
            {
                return Ok(runtime);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended with {status}:\n{}", self.log()).into());
            }
            if Instant::now() > deadline {
                return Err(format!("not ready in {START_TIMEOUT:?}:\n{}", self.log()).into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The first line on the standard output.
    pub(crate) async fn first_line(&mut self) -> Result<String, Error> {
        let output = self.child.stdout.take().ok_or("the output is read already")?;
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(START_TIMEOUT, read)
            .await
            .map_err(|_| format!("no output in {START_TIMEOUT:?}:\n{}", self.log()))???;
        if line.is_empty() { Err(self.log().into()) } else { Ok(line) }
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("server.log")).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when the server has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}", self.log());
        }
    }
}

/// Calls the API of a server.
pub(crate) struct Api {
    http: reqwest::Client,
    pub(crate) base: Url,
    pub(crate) token: String,
}

impl Api {
    /// A caller whom the server does not know yet.
    pub(crate) fn new(base: Url) -> Self {
        Self { http: reqwest::Client::new(), base, token: String::new() }
    }

    /// Calls an endpoint of the API.
    pub(crate) async fn call(&self, path: &str, parameters: Value) -> Result<Value, Error> {
        let mut request = self.http.post(self.base.join(path)?).json(&parameters);
        if !self.token.is_empty() {
            request = request.header("X-Token", &self.token);
        }
        let response = request.send().await?;
        let (status, body) = (response.status(), response.text().await?);
        if !status.is_success() {
            return Err(format!("{path}: {status}: {body}").into());
        }
        Ok(serde_json::from_str(&body)?)
    }

    /// Signs in; every call from here on is the user's.
    pub(crate) async fn sign_in(&mut self, path: &str, proof: Value) -> Result<Value, Error> {
        let answer = self.call(path, proof).await?;
        let token = answer["token"].as_str().ok_or_else(|| format!("no token in {answer}"))?;
        self.token = token.to_owned();
        Ok(answer)
    }

    /// Where a registration or live asset is watched.
    pub(crate) fn whep(&self, id: &str) -> Result<WhipTarget, Error> {
        let url = self.base.join(&format!("/live/whep/{id}"))?;
        Ok(WhipTarget { url, bearer: self.token.clone() })
    }
}

/// A server, and its first administrator who calls its API.
pub(crate) struct Server {
    // Killed before its folder goes.
    process: Process,
    folder: Folder,
    api: Api,
    company: Value,
    proxy: Option<Proxy>,
    _turn: Turn,
}

impl Server {
    /// Starts a server on the loopback.
    pub(crate) async fn start(name: &str) -> Result<Self, Error> {
        Self::start_at(name, &Place::loopback(), Turn::shared().await).await
    }

    /// Starts a server on the loopback with further options.
    pub(crate) async fn start_with(name: &str, options: &[&str]) -> Result<Self, Error> {
        let place = Place { options, ..Place::loopback() };
        Self::start_at(name, &place, Turn::shared().await).await
    }

    /// The same for a test that measures how a picture is shown.
    pub(crate) async fn start_smoothly(name: &str, options: &[&str]) -> Result<Self, Error> {
        let place = Place { options, ..Place::loopback() };
        Self::start_at(name, &place, Turn::half().await).await
    }

    /// Starts a server whose clients' datagrams all pass a bad network.
    pub(crate) async fn behind(name: &str, network: &Arc<Network>) -> Result<Self, Error> {
        let turn = Turn::half().await;
        let outside = Ipv4Addr::new(127, 0, 0, 2);
        Self::start_behind(name, Place::loopback(), outside, network, turn).await
    }

    /// Starts a server somewhere, with a bad network before it at the address `outside`.
    pub(crate) async fn start_behind(
        name: &str,
        place: Place<'_>,
        outside: Ipv4Addr,
        network: &Arc<Network>,
        turn: Turn,
    ) -> Result<Self, Error> {
        let (outside, webrtc) = loop {
            let outside = UdpSocket::bind((outside, 0))?;
            let webrtc = SocketAddr::new(place.webrtc.ip(), outside.local_addr()?.port());
            // The server needs the number for TCP too. A namespace of its own has nobody else.
            if place.namespace.is_some() || std::net::TcpListener::bind(webrtc).is_ok() {
                break (outside, webrtc);
            }
        };
        let announced = outside.local_addr()?;
        let place = Place { webrtc, announced: Some(announced.ip()), ..place };
        let mut server = Self::start_at(name, &place, turn).await?;
        server.proxy = Some(Proxy::start(outside, webrtc, Arc::clone(network))?);
        Ok(server)
    }

    /// Starts a server somewhere and signs in with the API key of its first start.
    pub(crate) async fn start_at(name: &str, place: &Place<'_>, turn: Turn) -> Result<Self, Error> {
        let folder = Folder::new(name)?;
        let mut process = Process::spawn(folder.path(), &["serve"], place)?;
        let runtime = process.runtime().await?;
        let address = runtime["http"].as_str().ok_or("runtime.json names no HTTP address")?;
        let mut api = Api::new(Url::parse(&format!("http://{address}/"))?);
        let admin = std::fs::read(folder.path().join("admin.json"))?;
        let admin: Value = serde_json::from_slice(&admin)?;
        let keys = json!({ "api_id": admin["api_id"], "api_key": admin["api_key"] });
        api.sign_in("/authenticate/api", keys).await?;
        let company = admin["company_id"].clone();
        Ok(Self { process, folder, api, company, proxy: None, _turn: turn })
    }

    /// The network before the server that [`Server::behind`] has started.
    pub(crate) fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("only asked of a server behind a network")
    }

    /// How many datagrams were lost so far because this machine was too busy to read them.
    pub(crate) fn dropped(&self) -> Result<i64, Error> {
        let server = self.process.child.id();
        let network = |process: u32| std::fs::read_link(format!("/proc/{process}/ns/net"));
        let own = std::process::id();
        let here = dropped_by_the_kernel(own)?;
        let apart = network(own)? != network(server)?;
        Ok(here + if apart { dropped_by_the_kernel(server)? } else { 0 })
    }

    /// Calls the API as the administrator.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// The folder that this server and its test may write to.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until what is said of a source (`/get/live/details`) is as wanted.
    pub(crate) async fn wait_for(
        &self,
        id: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, Error> {
        let mut last = Value::Null;
        let looked = async {
            loop {
                last = self.api().call("/get/live/details", json!({ "id": id })).await?;
                if wanted(&last) {
                    return Ok::<_, Error>(last.clone());
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        match tokio::time::timeout(PICTURE_TIMEOUT, looked).await {
            Ok(looked) => looked,
            Err(_) => Err(format!("not within {PICTURE_TIMEOUT:?}: {last}\n{}", self.log()).into()),
        }
    }

    /// Registers a WHIP source in a folder of its own.
    pub(crate) async fn register(&self, name: &str) -> Result<Registered, Error> {
        let source = self.register_as("whip", name, &self.project(name).await?).await?;
        let id = text(&source, "id")?;
        let url = self.api.base.join(&text(&source, "url")?)?;
        let whip = WhipTarget { url, bearer: text(&source, "token")? };
        Ok(Registered { whip, whep: self.api.whep(&id)?, id })
    }

    /// Registers an SRT source in a folder of its own.
    pub(crate) async fn register_srt(&self, name: &str) -> Result<SrtSource, Error> {
        self.register_srt_in(&self.project(name).await?, name).await
    }

    /// Registers an SRT source in a folder.
    pub(crate) async fn register_srt_in(
        &self,
        folder: &Value,
        name: &str,
    ) -> Result<SrtSource, Error> {
        let source = self.register_as("srt", name, folder).await?;
        let id = text(&source, "id")?;
        let (url, stream_id) = (text(&source, "url")?, text(&source, "stream_id")?);
        Ok(SrtSource {
            whep: self.api.whep(&id)?,
            id,
            url,
            stream_id,
            passphrase: text(&source, "token")?,
        })
    }

    /// Registers an Elemental Link device in a folder of its own.
    pub(crate) async fn register_elemental(&self, name: &str) -> Result<SrtSource, Error> {
        let folder = self.project(name).await?;
        let source = self.register_as("elementallink", name, &folder).await?;
        let (id, url) = (text(&source, "id")?, text(&source, "stream_uri")?);
        let passphrase = url.split_once("passphrase=").ok_or("no passphrase")?.1.to_owned();
        Ok(SrtSource { whep: self.api.whep(&id)?, stream_id: id.clone(), id, url, passphrase })
    }

    async fn register_as(&self, kind: &str, name: &str, folder: &Value) -> Result<Value, Error> {
        let source = json!({
            "name": name,
            "description": "An interop test's source",
            "project_id": folder,
        });
        self.api.call(&format!("/create/live/registration/{kind}"), source).await
    }

    /// A folder of its own.
    pub(crate) async fn project(&self, name: &str) -> Result<Value, Error> {
        let group = json!({ "name": "Interop", "company_id": self.company });
        let group = self.api.call("/create/group", group).await?;
        let project = json!({ "name": name, "group_id": group["id"] });
        let project = self.api.call("/create/project", project).await?;
        Ok(project["id"].clone())
    }
}

fn text(source: &Value, field: &str) -> Result<String, Error> {
    Ok(source[field].as_str().map(str::to_owned).ok_or(format!("no {field} in {source}"))?)
}

/// A registered SRT source.
pub(crate) struct SrtSource {
    /// The registration.
    pub(crate) id: String,
    /// Where to publish, with all that is needed.
    pub(crate) url: String,
    pub(crate) stream_id: String,
    pub(crate) passphrase: String,
    /// Where to watch.
    pub(crate) whep: WhipTarget,
}

/// A registered source.
pub(crate) struct Registered {
    /// The registration.
    pub(crate) id: String,
    /// Where to publish.
    pub(crate) whip: WhipTarget,
    /// Where to watch.
    pub(crate) whep: WhipTarget,
}
