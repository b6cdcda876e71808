//! The tool in rooms of a real server: every change reaches everybody.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::path::PathBuf;
use std::time::Duration;

use rushes::config::{Config, Limits};
use rushes::rpc::Rate;
use rushes::{Listeners, Server};
use serde_json::Value;
use tokio::process::Command;

/// A folder that is gone with its owner.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_reaches_every_attendee_of_its_room() {
    let folder = format!("rushes-load-rooms-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(folder));
    let data = folder.0.join("data");
    let mut config = Config::local(data.clone());
    let rate = Rate { per_second: 1e9, burst: 1e9 };
    config.limits = Limits { user: rate, address: rate, ..config.limits };
    let listeners = Listeners::bind(&config).await.unwrap();
    let server = Server::start(config, listeners).await.unwrap();
    let tool = Command::new(env!("CARGO_BIN_EXE_rushes-load"))
        .args(["rooms", "--rooms", "3", "--attendees", "4", "--active", "2"])
        .args(["--changes", "20", "--seconds", "1", "--rushes-data"])
        .arg(&data)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), tool).await.unwrap().unwrap();
    drop(server);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["sent"].as_u64().unwrap() >= 20, "{report:#}");
    assert_eq!(report["reached_all"], report["sent"], "{report:#}");
    assert_eq!(report["lost"], 0, "{report:#}");
    assert!(report["last_ms"]["p99"].as_f64().unwrap() > 0.0, "{report:#}");
    assert!(report["server_cpu_percent"].as_f64().is_some(), "{report:#}");
}
