//! The tool against a real server: what it prints of a few viewers who lose nothing.

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

/// Runs `fanout` against a server of this process.
async fn fanout(name: &str, more: &[&str]) -> Value {
    let folder = format!("rushes-load-{name}-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(folder));
    let data = folder.0.join("data");
    let mut config = Config::local(data.clone());
    let rate = Rate { per_second: 1e9, burst: 1e9 };
    config.limits = Limits { user: rate, address: rate, ..config.limits };
    let listeners = Listeners::bind(&config).await.unwrap();
    let server = Server::start(config, listeners).await.unwrap();
    let tool = Command::new(env!("CARGO_BIN_EXE_rushes-load"))
        .args(["fanout", "--seconds", "1", "--rushes-data"])
        .arg(&data)
        .args(more)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), tool).await.unwrap().unwrap();
    drop(server);
    let (text, errors) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_viewers_lose_nothing_and_have_a_picture() {
    let report = fanout("one", &["--viewers", "3", "--sample", "2"]).await;
    let (joins, media) = (&report["joins"], &report["media"]);
    assert_eq!(joins["with_picture"], 3, "{report:#}");
    assert_eq!(joins["errors"], serde_json::json!({}), "{report:#}");
    assert!(joins["key_frame_whole_ms"]["p99"].as_f64().unwrap() > 0.0);
    assert_eq!(media["lost_ever"], 0, "{report:#}");
    assert!(media["packets"].as_u64().unwrap() > 3 * 100, "{report:#}");
    // Of three viewers the first and the third are looked into, and every packet is known.
    assert_eq!(report["delay"]["sampled_viewers"], 2, "{report:#}");
    assert_eq!(report["delay"]["unmatched"], 0, "{report:#}");
    assert!(report["server"]["us_per_packet"].as_f64().is_some(), "{report:#}");
    assert_eq!(report["published"]["errors"], serde_json::json!({}), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_are_divided_among_the_streams() {
    let more = ["--streams", "2", "--viewers", "4", "--sample", "1", "--no-rtcp"];
    let report = fanout("two", &more).await;
    assert_eq!(report["streams"], 2);
    assert_eq!(report["joins"]["with_picture"], 4, "{report:#}");
    assert_eq!(report["delay"]["sampled_viewers"], 4, "{report:#}");
}
