//! A network of a test's own, for clients that refuse the loopback: two network namespaces
//! joined by a pair of virtual interfaces, one for the test and its clients, one for the server.
//!
//! The test starts its own program once more in new user, network and process namespaces,
//! which needs no rights. They go with the last process in them, and the kernel ends all of
//! them with the first: nothing is left to remove, however the test ends.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::peer::Error;
use crate::proxy::Network;
use crate::server::{Place, Server, Turn};

/// Set in the environment of the program that runs inside.
const INSIDE: &str = "RUSHES_INTEROP_INSIDE";
/// The test's end of the pair, and the server's (addresses for documentation, RFC 5737).
pub(crate) const NEAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// Another address of the test's end, for a bad network between its clients and the server.
const BETWEEN: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 3);
/// How long the second namespace may take to be there.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Runs a test in namespaces of its own: `test` is its name as the test runner has it. Says
/// whether this is the program inside, which then does what the test is about; outside, the
/// test is over when this comes back.
pub(crate) async fn enter(test: &str) -> bool {
    inside() || run_inside(test, Turn::shared().await).await
}

/// The same for a test that measures how smooth a picture is.
pub(crate) async fn enter_smoothly(test: &str) -> bool {
    inside() || run_inside(test, Turn::half().await).await
}

fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

async fn run_inside(test: &str, _turn: Turn) -> bool {
    let program = std::env::current_exe().expect("a running program has a path");
    let mut outside = tokio::process::Command::new("unshare");
    outside
        .args(["--user", "--map-root-user", "--net", "--pid", "--mount-proc"])
        .args(["--fork", "--kill-child", "--"])
        .arg(program)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .kill_on_drop(true);
    let output = outside.output().await.expect("unshare (util-linux) starts");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    eprintln!("--- inside the namespaces\n{text}");
    assert!(output.status.success(), "the test inside the namespaces: {}", output.status);
    assert!(text.contains("1 passed"), "{test} is not the test's name");
    false
}

/// The server's network namespace. It is gone when this is dropped.
pub(crate) struct Namespace {
    holder: Child,
}

impl Namespace {
    /// Makes the namespace and joins it with the test's.
    fn new() -> Result<Self, Error> {
        let holder = Command::new("unshare")
            .args(["--net", "--", "sleep", "infinity"])
            .stdin(Stdio::null())
            .spawn()?;
        let space = Self { holder };
        space.wait_until_apart()?;
        let pid = space.holder.id().to_string();
        run("ip link set lo up")?;
        run(&format!("ip link add near type veth peer name far netns {pid}"))?;
        for address in [NEAR, BETWEEN] {
            run(&format!("ip addr add {address}/24 dev near"))?;
        }
        run("ip link set near up")?;
        // The webrtc crate listens for mDNS, which needs a way for multicast.
        run("ip route add 224.0.0.0/4 dev near")?;
        for command in ["ip link set lo up", "ip link set far up"] {
            run(&format!("nsenter --net --target {pid} {command}"))?;
        }
        run(&format!("nsenter --net --target {pid} ip addr add {FAR}/24 dev far"))?;
        Ok(space)
    }

    /// `unshare` has left the test's network and become `sleep`.
    fn wait_until_apart(&self) -> Result<(), Error> {
        let own = std::fs::read_link("/proc/self/ns/net")?;
        let theirs = format!("/proc/{}/ns/net", self.holder.id());
        let deadline = Instant::now() + START_TIMEOUT;
        while std::fs::read_link(&theirs)? == own {
            if Instant::now() > deadline {
                return Err("unshare makes no network namespace".into());
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// A command that will run in the namespace, under the process id that it is started with.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        let pid = self.holder.id().to_string();
        command.args(["--net", "--target", &pid, "--"]).arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn run(command: &str) -> Result<(), Error> {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap_or_default()).args(words).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// A server in a namespace of its own, and the namespace.
pub(crate) async fn server_apart(name: &str) -> Result<(Server, Namespace), Error> {
    server_apart_with(name, None).await
}

/// The same, with TURN servers for its clients and the secret that it shares with them.
pub(crate) async fn server_apart_with(
    name: &str,
    turn: Option<(&str, &str)>,
) -> Result<(Server, Namespace), Error> {
    let namespace = Namespace::new()?;
    let place = Place { turn, ..far(&namespace) };
    let server = Server::start_at(name, &place, Turn::shared().await).await?;
    Ok((server, namespace))
}

/// The same with a bad network between the clients and the server.
pub(crate) async fn server_behind(
    name: &str,
    network: &Arc<Network>,
) -> Result<(Server, Namespace), Error> {
    let namespace = Namespace::new()?;
    let turn = Turn::shared().await;
    let server = Server::start_behind(name, far(&namespace), BETWEEN, network, turn).await?;
    Ok((server, namespace))
}

fn far(namespace: &Namespace) -> Place<'_> {
    let free = SocketAddr::new(IpAddr::V4(FAR), 0);
    Place { http: free, webrtc: free, namespace: Some(namespace), ..Place::loopback() }
}
