//! The binary itself: its command line, its files, its signals.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::harness::Folder;

fn rushes(data: &Path) -> Command {
    listening(data, "127.0.0.1:0")
}

/// The same with WebRTC somewhere else than on the loopback.
fn listening(data: &Path, webrtc: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
    command
        .current_dir(data.parent().unwrap())
        .args(["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"])
        .args(["--webrtc-listen", webrtc, "--rtp-listen", "127.0.0.1:0"])
        .env("RUSHES_SRT_LISTEN", "127.0.0.1:0")
        .kill_on_drop(true);
    command
}

/// Starts a server and waits until it says that it is ready.
pub(crate) async fn serve(data: &Path) -> (Child, Value) {
    serve_with(data, |_| ()).await
}

/// Like [`serve`], with more options.
pub(crate) async fn serve_with(data: &Path, options: impl FnOnce(&mut Command)) -> (Child, Value) {
    let mut command = rushes(data);
    options(&mut command);
    let (child, runtime, _) = until_ready(data, command).await;
    (child, runtime)
}

/// Starts a server and waits until it says that it is ready; gives back what it said before, too.
async fn until_ready(data: &Path, mut command: Command) -> (Child, Value, Vec<String>) {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains("ready") {
            let runtime = std::fs::read(data.join("runtime.json")).unwrap();
            // Read on, so that the server never writes into a closed pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (child, serde_json::from_slice(&runtime).unwrap(), said);
        }
        said.push(line);
    }
    panic!("the server ended before it was ready: {said:#?}");
}

/// Asks a server's API, for an answer that is no error.
async fn post(runtime: &Value, path: &str, token: Option<&str>, body: &Value) -> Value {
    let url = format!("http://{}{path}", runtime["http"].as_str().unwrap());
    let mut request = reqwest::Client::new().post(url).json(body);
    if let Some(token) = token {
        request = request.header("X-Token", token);
    }
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {answer:?}");
    answer.json().await.unwrap()
}

/// What the first start left for the server's owner, and a token of theirs.
async fn signed_in(data: &Path, runtime: &Value) -> (Value, String) {
    let file = std::fs::read(data.join("admin.json")).unwrap();
    let admin: Value = serde_json::from_slice(&file).unwrap();
    let pair = json!({"api_id": admin["api_id"], "api_key": admin["api_key"]});
    let answer = post(runtime, "/authenticate/api", None, &pair).await;
    (admin, answer["token"].as_str().unwrap().to_owned())
}

pub(crate) fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
}

pub(crate) async fn admin(data: &Path, arguments: &[&str]) -> Result<Value, String> {
    let out = rushes(data).arg("admin").args(arguments).output().await.unwrap();
    if out.status.success() {
        Ok(serde_json::from_slice(&out.stdout).unwrap())
    } else {
        Err(String::from_utf8(out.stderr).unwrap())
    }
}

#[tokio::test]
async fn a_server_told_to_end_ends_well() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let (mut child, runtime) = serve(&data).await;
    assert_eq!(runtime["pid"], child.id().unwrap());
    let webrtc: std::net::SocketAddr = runtime["webrtc"].as_str().unwrap().parse().unwrap();
    assert_ne!(webrtc.port(), 0);
    let url = format!("http://{}/health", runtime["http"].as_str().unwrap());
    let health: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
    assert_eq!(health["ok"], true);
    signal(&child, "-TERM");
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    assert!(!data.join("runtime.json").exists());
}

#[tokio::test]
async fn what_a_killed_server_left_is_not_taken_for_the_next_ones() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let (mut child, _) = serve(&data).await;
    child.kill().await.unwrap();
    assert!(data.join("runtime.json").exists());
    // The next one does not come far enough to write its own.
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let out = rushes(&data).args(["--srt-listen", &port]).output().await.unwrap();
    assert!(String::from_utf8(out.stderr).unwrap().contains("cannot listen"));
    assert!(!data.join("runtime.json").exists());
}

#[tokio::test]
async fn two_servers_do_not_share_a_data_folder() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let (mut child, runtime) = serve(&data).await;
    let out = rushes(&data).output().await.unwrap();
    assert!(!out.status.success());
    assert!(String::from_utf8(out.stderr).unwrap().contains("another server"));
    let text = std::fs::read(data.join("runtime.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), runtime);
    child.kill().await.unwrap();
    serve(&data).await;
}

#[tokio::test]
async fn the_first_start_leaves_a_key_for_its_owner_alone_and_later_ones_keep_it() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let file = data.join("admin.json");
    let (mut child, _) = serve(&data).await;
    let first = std::fs::read(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    let admin: Value = serde_json::from_slice(&first).unwrap();
    let mut keys: Vec<_> = admin.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["api_id", "api_key", "company_id", "email", "user_id"]);
    signal(&child, "-KILL");
    child.wait().await.unwrap();
    let (_child, runtime) = serve(&data).await;
    assert_eq!(std::fs::read(&file).unwrap(), first);
    let url = format!("http://{}/authenticate/api", runtime["http"].as_str().unwrap());
    let keys = json!({"api_id": admin["api_id"], "api_key": admin["api_key"]});
    let answer = reqwest::Client::new().post(url).json(&keys).send().await.unwrap();
    assert!(matches!(answer.status().as_u16(), 200 | 501), "{answer:?}");
}

#[tokio::test]
async fn the_command_line_makes_companies_users_keys_and_links() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let (_child, runtime) = serve(&data).await;
    let company = admin(&data, &["create-company", "--name", "Second"]).await.unwrap();
    let company = company["company_id"].as_str().unwrap();
    let create = ["create-user", "--company", company, "--email", "host@rushes.test", "--admin"];
    let user = admin(&data, &create).await.unwrap();
    let user = user["user_id"].as_str().unwrap();
    assert!(admin(&data, &create).await.unwrap_err().contains("taken"));
    let bad = ["create-user", "--company", company, "--email", "nobody"];
    assert!(admin(&data, &bad).await.unwrap_err().contains("e-mail"));
    let key = admin(&data, &["api-key", "--user", user]).await.unwrap();
    assert_eq!(key["api_key"].as_str().unwrap().len(), 64);
    let link = ["login-link", "--email", "host@rushes.test", "--next", "/rooms/1"];
    let link = admin(&data, &link).await.unwrap();
    let expected = format!("http://{}/#/login?token=", runtime["http"].as_str().unwrap());
    let url = link["url"].as_str().unwrap();
    assert!(url.starts_with(&expected) && url.ends_with("&next=/rooms/1"), "{url}");
    assert!(admin(&data, &["login-link", "--email", "no@rushes.test"]).await.is_err());
    assert!(admin(&data, &["login-link"]).await.is_err());
}

#[tokio::test]
async fn coverage_needs_no_data_folder() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let coverage = admin(&data, &["coverage"]).await.unwrap();
    assert_eq!(coverage["all"], 291);
    assert!(coverage["done"].as_u64().unwrap() > 0);
    assert!(!data.exists());
}

#[tokio::test]
async fn a_wrong_option_is_named() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    std::fs::write(folder.path().join("rushes.toml"), "lissten = '127.0.0.1:1'").unwrap();
    let out = rushes(&data).output().await.unwrap();
    assert!(!out.status.success());
    assert!(String::from_utf8(out.stderr).unwrap().contains("lissten"));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_says_so() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    // An address for documentation (RFC 5737): nobody's, and so not this machine's.
    let mut command = listening(&data, "0.0.0.0:0");
    command.args(["--webrtc-host", "203.0.113.7"]);
    let (_child, runtime, said) = until_ready(&data, command).await;
    let webrtc: std::net::SocketAddr = runtime["webrtc"].as_str().unwrap().parse().unwrap();

    let (_, token) = signed_in(&data, &runtime).await;
    let info = post(&runtime, "/admin/live/info", Some(&token), &json!({})).await;
    let server = &info["details"]["server"];
    assert_eq!(server["webrtc_hosts"], json!(["203.0.113.7"]));
    let findings: Vec<&str> =
        server["reachability"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    // Each says what to do, with this start's port in it.
    let forward = format!("forward UDP port {} to this server", webrtc.port());
    let firewall = format!("listens on port {}, which is another one", webrtc.port());
    for (of, what) in [("203.0.113.7 is not an address of this machine", &forward), ("", &firewall)]
    {
        let told = findings.iter().any(|finding| finding.contains(of) && finding.contains(what));
        assert!(told, "{what}: {findings:#?}");
    }
    assert_eq!(findings.len(), 2, "{findings:#?}");
    for finding in findings {
        let line = format!("WebRTC may not be reachable: {finding}");
        assert!(said.iter().any(|said| said.contains("WARN") && said.contains(&line)), "{said:#?}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let (mut child, runtime) = serve(&data).await;
    let (admin, token) = signed_in(&data, &runtime).await;
    let token = token.as_str();
    let mut made = Vec::new();
    for n in 0..20 {
        let group =
            json!({"name": format!("Production {n:02}"), "company_id": admin["company_id"]});
        made.push(post(&runtime, "/create/group", Some(token), &group).await["id"].clone());
    }
    signal(&child, "-KILL");
    child.wait().await.unwrap();
    let (_child, runtime) = serve(&data).await;
    let listed = post(&runtime, "/get/groups", Some(token), &json!({})).await;
    let found: Vec<Value> = listed.as_array().unwrap().iter().map(|g| g["id"].clone()).collect();
    assert_eq!(found, made, "the token and all that it made");
}
