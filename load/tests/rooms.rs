//! The tool in rooms of a real server: every change reaches everybody.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rushes::config::Config;
use rushes::{Listeners, Server};
use serde_json::Value;
use tokio::process::Command;

use server::{Folder, run, server};

mod server;

/// A second of three rooms, of which two are busy.
const ROOMS: [&str; 9] =
    ["rooms", "--rooms", "3", "--attendees", "4", "--active", "2", "--seconds", "1"];

/// Where the server that is killed has its data, and what it listens on.
const DATA: &str = "RUSHES_LOAD_TEST_DATA";
const LISTEN: &str = "RUSHES_LOAD_TEST_LISTEN";
/// Its name, by which this program starts itself as it.
const SERVER: [&str; 4] = ["--exact", "a_server_to_be_killed", "--ignored", "--nocapture"];

/// The server whose data is here ends with this.
struct Ended(PathBuf);

impl Ended {
    fn runtime(&self) -> Option<Value> {
        serde_json::from_slice(&std::fs::read(self.0.join("runtime.json")).ok()?).ok()
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(pid) = self.runtime().and_then(|runtime| runtime["pid"].as_u64()) {
            let pid = pid.to_string();
            let _ = std::process::Command::new("kill").args(["-KILL", &pid]).output();
        }
    }
}

/// Not a test, but what `nothing_acknowledged_is_lost_with_a_kill` kills.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of another test"]
async fn a_server_to_be_killed() {
    let data = std::env::var(DATA).unwrap();
    let mut config = Config::local(data.into());
    config.listen = std::env::var(LISTEN).unwrap().parse().unwrap();
    let listeners = Listeners::bind(&config).await.unwrap();
    let _server = Server::start(config, listeners).await.unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_with_a_kill() {
    let folder = Folder::new();
    let data = folder.data();
    let this = std::env::current_exe().unwrap();
    let ended = Ended(data.clone());
    let _first = Command::new(&this)
        .args(SERVER)
        .envs([(DATA, data.to_str().unwrap()), (LISTEN, "127.0.0.1:0")])
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let runtime = loop {
        match ended.runtime() {
            Some(runtime) => break runtime,
            None => assert!(Instant::now() < until, "the server did not start"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let again = format!(
        "env {DATA}={} {LISTEN}={} {} {}",
        data.display(),
        runtime["http"].as_str().unwrap(),
        this.display(),
        SERVER.join(" "),
    );
    let data = data.to_str().unwrap();
    let kill = ["--changes", "10", "--kill-and-start", &again, "--rushes-data", data];
    let report = run(&[&ROOMS[..], &kill].concat()).await;
    assert!(report["acknowledged"].as_u64().unwrap() > 2, "{report:#}");
    assert_eq!((&report["missing"], &report["rooms_behind"]), (&0.into(), &0.into()), "{report:#}");
    assert_eq!((&report["back"], &report["rooms_in_step"]), (&12.into(), &2.into()), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_reaches_every_attendee_of_its_room() {
    let (_server, folder) = server().await;
    let data = folder.data();
    let load = ["--changes", "20", "--rushes-data", data.to_str().unwrap()];
    let report = run(&[&ROOMS[..], &load].concat()).await;
    assert!(report["sent"].as_u64().unwrap() >= 20, "{report:#}");
    assert_eq!(report["reached_all"], report["sent"], "{report:#}");
    assert_eq!(report["lost"], 0, "{report:#}");
    assert!(report["last_ms"]["p99"].as_f64().unwrap() > 0.0, "{report:#}");
    for figure in ["server_cpu_percent", "server_cpu_us_per_delivery", "bytes_per_added_connection"]
    {
        assert!(report[figure].as_f64().is_some(), "{figure}: {report:#}");
    }
}
