//! A server of the test's own process, and the tool against it.

use std::path::PathBuf;
use std::time::Duration;

use rushes::config::{Config, Limits};
use rushes::rpc::Rate;
use rushes::{Listeners, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// A folder that is gone with its owner.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("rushes-load-").tempdir().unwrap())
    }

    /// Where a server keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

/// A server of this process, and the folder it keeps its data in. It finds nobody too fast.
pub(crate) async fn server() -> (Server, Folder) {
    let folder = Folder::new();
    let mut config = Config::local(folder.data());
    let rate = Rate { per_second: 1e9, burst: 1e9 };
    config.limits = Limits { user: rate, address: rate, ..config.limits };
    let listeners = Listeners::bind(&config).await.unwrap();
    (Server::start(config, listeners).await.unwrap(), folder)
}

/// How long a run of the tool may take; a busy machine needs some of it.
const WITHIN: Duration = Duration::from_secs(120);

/// What the tool prints, given these arguments.
pub(crate) async fn run(arguments: &[&str]) -> Value {
    let tool =
        Command::new(env!("CARGO_BIN_EXE_rushes-load")).args(arguments).kill_on_drop(true).output();
    let output = tokio::time::timeout(WITHIN, tool).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
