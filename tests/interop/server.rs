//! The server under test, and a source and an address to watch it at.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Url;
use rushes::demo::whip_client::WhipTarget;
use serde_json::{Value, json};

use crate::peer::Error;

/// How long a server may take to be ready; a busy machine needs some of it.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the file is looked for that says that the server is ready.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running server. It is killed by its process id when this is dropped, also by a panic.
pub(crate) struct Server {
    child: Child,
    data: PathBuf,
    base: Url,
    http: reqwest::Client,
    token: String,
}

impl Server {
    /// Starts a server on free ports and signs in with the API key of its first start.
    pub(crate) async fn start(name: &str) -> Result<Self, Error> {
        let data = std::env::temp_dir().join(format!("rushes-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&data)?;
        let log = File::create(data.join("server.log"))?;
        let child = Command::new(env!("CARGO_BIN_EXE_rushes"))
            .args(["serve", "--listen", "127.0.0.1:0", "--webrtc-listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .current_dir(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let base = Url::parse("http://127.0.0.1")?;
        let http = reqwest::Client::new();
        let mut server = Self { child, data, base, http, token: String::new() };
        let runtime = server.runtime().await?;
        let address = runtime["http"].as_str().ok_or("runtime.json names no HTTP address")?;
        server.base = Url::parse(&format!("http://{address}/"))?;
        server.sign_in().await?;
        Ok(server)
    }

    /// Waits for what the server writes once it is ready.
    async fn runtime(&mut self) -> Result<Value, Error> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Ok(text) = std::fs::read(self.data.join("runtime.json")) {
                return Ok(serde_json::from_slice(&text)?);
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

    async fn sign_in(&mut self) -> Result<(), Error> {
        let admin: Value = serde_json::from_slice(&std::fs::read(self.data.join("admin.json"))?)?;
        let keys = json!({ "api_id": admin["api_id"], "api_key": admin["api_key"] });
        let answer = self.call("/authenticate/api", keys).await?;
        self.token = answer["token"].as_str().ok_or("no token")?.to_owned();
        Ok(())
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("server.log")).unwrap_or_default()
    }

    /// The folder that this server and its test may write to.
    pub(crate) fn folder(&self) -> &Path {
        &self.data
    }

    /// Calls an endpoint of the API.
    pub(crate) async fn call(&self, path: &str, parameters: Value) -> Result<Value, Error> {
        let url = self.base.join(path)?;
        let mut request = self.http.post(url).json(&parameters);
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

    /// Registers a WHIP source in a folder of its own.
    pub(crate) async fn register(&self, name: &str) -> Result<Registered, Error> {
        let company = self.company().await?;
        let group = json!({ "name": "Interop", "company_id": company });
        let group = self.call("/create/group", group).await?;
        let project = json!({ "name": name, "group_id": group["id"] });
        let project = self.call("/create/project", project).await?;
        let source = json!({
            "name": name,
            "description": "An interop test's source",
            "project_id": project["id"],
        });
        let source = self.call("/create/live/registration/whip", source).await?;
        let text = |field: &str| {
            source[field].as_str().map(str::to_owned).ok_or(format!("no {field} in {source}"))
        };
        let id = text("id")?;
        Ok(Registered {
            whip: WhipTarget { url: self.base.join(&text("url")?)?, bearer: text("token")? },
            whep: WhipTarget {
                url: self.base.join(&format!("/live/whep/{id}"))?,
                bearer: self.token.clone(),
            },
            id,
        })
    }

    async fn company(&self) -> Result<Value, Error> {
        let admin: Value = serde_json::from_slice(&std::fs::read(self.data.join("admin.json"))?)?;
        Ok(admin["company_id"].clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only when the server has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}", self.log());
        }
        let _ = std::fs::remove_dir_all(&self.data);
    }
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
