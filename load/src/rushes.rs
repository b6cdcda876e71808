//! A convenience for Rushes itself: registers sources through its public API, so
//! that nobody has to copy addresses and tokens by hand. What is measured stays
//! WHIP and WHEP.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Url;
use serde_json::{Value, json};

use crate::error::Error;
use crate::http::{Client, Target};

/// One registered source.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) whip: Target,
    pub(crate) whep: Target,
}

/// A running server, found by its data folder.
pub(crate) struct Server<'a> {
    http: &'a Client,
    base: Url,
    token: String,
    company: Value,
    pub(crate) pid: Option<u32>,
}

fn read(folder: &Path, name: &str) -> Result<Value, Error> {
    let text = std::fs::read(folder.join(name)).map_err(Error::io("the data folder"))?;
    serde_json::from_slice(&text).map_err(|error| Error::Usage(format!("{name}: {error}")))
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, Error> {
    value[field].as_str().ok_or_else(|| Error::Usage(format!("the server gave no `{field}`")))
}

impl<'a> Server<'a> {
    /// Signs in with the API key of the first start.
    pub(crate) async fn find(http: &'a Client, folder: &Path) -> Result<Self, Error> {
        let (runtime, admin) = (read(folder, "runtime.json")?, read(folder, "admin.json")?);
        let base = format!("http://{}/", text(&runtime, "http")?.replace("0.0.0.0", "127.0.0.1"));
        let base = Url::parse(&base).map_err(|error| Error::Usage(error.to_string()))?;
        let company = admin["company_id"].clone();
        let pid = runtime["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        let mut this = Self { http, base, token: String::new(), company, pid };
        let keys = json!({ "api_id": admin["api_id"], "api_key": admin["api_key"] });
        let signed = this.call("authenticate/api", keys).await?;
        this.token = text(&signed, "token")?.to_owned();
        Ok(this)
    }

    /// The company of the first start.
    pub(crate) fn company(&self) -> &Value {
        &self.company
    }

    /// The administrator's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Where WebSockets are opened.
    pub(crate) fn socket_url(&self) -> Result<String, Error> {
        Ok(self.join("ws")?.as_str().replacen("http", "ws", 1))
    }

    /// Waits until the server is there, at most so long. False when it is not.
    pub(crate) async fn ready(&self, within: Duration) -> Result<bool, Error> {
        let (health, until) = (self.join("health")?, Instant::now() + within);
        loop {
            let answer = self.http.inner().get(health.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(true);
            }
            if Instant::now() > until {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What a room's log has, a line each.
    pub(crate) async fn log(&self, room: &str) -> Result<String, Error> {
        let url = self.join(&format!("rooms/{room}/log.jsonl"))?;
        let request = self.http.inner().get(url).header("X-Token", &self.token);
        Ok(request.send().await?.error_for_status()?.text().await?)
    }

    /// Asks the API.
    pub(crate) async fn call(&self, path: &str, parameters: Value) -> Result<Value, Error> {
        let url = self.join(path)?;
        let mut request = self.http.inner().post(url).json(&parameters);
        if !self.token.is_empty() {
            request = request.header("X-Token", &self.token);
        }
        let response = request.send().await?;
        let (status, body) = (response.status(), response.text().await?);
        if !status.is_success() {
            return Err(Error::Refused { status, reason: format!("{path}: {body}") });
        }
        serde_json::from_str(&body).map_err(|error| Error::Usage(format!("{path}: {error}")))
    }

    fn join(&self, path: &str) -> Result<Url, Error> {
        self.base.join(path).map_err(|error| Error::Usage(error.to_string()))
    }

    /// A folder of its own, in a production of its own.
    pub(crate) async fn folder(&self) -> Result<Value, Error> {
        let group = json!({ "name": "Load", "company_id": self.company });
        let group = self.call("create/group", group).await?;
        let project = json!({ "name": "Load", "group_id": group["id"] });
        Ok(self.call("create/project", project).await?["id"].clone())
    }

    /// Registers `count` WHIP sources in a folder of their own.
    pub(crate) async fn register(&self, count: usize) -> Result<Vec<Registered>, Error> {
        let project = self.folder().await?;
        let mut all = Vec::with_capacity(count);
        for at in 0..count {
            let source = json!({
                "name": format!("Load {at}"),
                "description": "",
                "project_id": project,
            });
            let source = self.call("create/live/registration/whip", source).await?;
            let whep = self.join(&format!("live/whep/{}", text(&source, "id")?))?;
            all.push(Registered {
                whip: Target {
                    url: self.join(text(&source, "url")?)?,
                    bearer: Some(text(&source, "token")?.to_owned()),
                },
                whep: Target { url: whep, bearer: Some(self.token.clone()) },
            });
        }
        Ok(all)
    }
}
