//! A server that is killed in the middle of its load: is everything there afterwards that it
//! acknowledged, and how soon is everybody back?
//!
//! The changes are commands of the rooms' hosts, each with a name of its own, which the room's log
//! has to have afterwards.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::attendee::{Socket, ask};
use crate::error::Error;
use crate::http::Client;
use crate::process;
use crate::rooms::{Board, MARK, Rooms, attend, connect, create, guests, until};
use crate::rushes::Server;

/// How long the server and its attendees may take to be back before it counts as a failure.
const LATE: Duration = Duration::from_secs(60);
/// Values of a room's ceiling, so that each command changes something.
const VALUES: usize = 5000;

/// What came out. Times are milliseconds since the kill.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    mode: &'static str,
    rooms: u32,
    attendees: u32,
    active: u32,
    changes_per_second: f64,
    /// Commands that were acknowledged before the kill.
    acknowledged: usize,
    /// Of these, that are not in their room's log afterwards.
    missing: usize,
    /// Rooms that are older than what was acknowledged of them.
    rooms_behind: usize,
    /// When the server answered again.
    server_ready_ms: f64,
    /// Attendees that came back, and have their room's state.
    back: u32,
    /// When the last of them had it.
    all_back_ms: f64,
    /// Active rooms in which another change reached everybody afterwards.
    rooms_in_step: usize,
}

/// What a host got acknowledged.
#[derive(Debug, Default)]
struct Driven {
    room: String,
    /// The numbers of the commands.
    commands: Vec<usize>,
    /// The greatest revision.
    rev: u64,
}

/// Makes the rooms, drives them, kills the server, starts it again by `start`, and looks.
pub(crate) async fn run(http: &Client, args: &Rooms, start: &str) -> Result<Outcome, Error> {
    let server = Server::find(http, &args.rushes_data).await?;
    let pid = server.pid.ok_or_else(|| Error::Usage("the server's pid is not known".to_owned()))?;
    let rooms = create(&server, args).await?;
    let guests = guests(&server, args, &rooms).await?;
    // At the beginning, at the end, one that is not acknowledged, one afterwards.
    let changes = f64::from(args.active) * (args.changes * args.seconds as f64 + 4.0);
    let board = Arc::new(Board::of_a_kill(changes as usize));
    let mut attending = attend(&server, guests, &board).await?;
    let mut drivers = JoinSet::new();
    let period = Duration::from_secs_f64(1.0 / args.changes.max(0.01));
    for room in rooms.iter().take(args.active as usize) {
        let host = Host::enter(&server, room).await?;
        drivers.spawn(host.drive(period, Arc::clone(&board)));
    }
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    signal(pid, "-KILL").await?;
    let killed = Instant::now();
    process::ended(pid).await;
    let child = begin(start)?;
    let mut driven = Vec::new();
    while let Some(driver) = drivers.join_next().await {
        driven.push(driver.map_err(|error| Error::Usage(error.to_string()))??);
    }
    if !server.ready(LATE).await? {
        return Err(Error::Usage("the server did not come back".to_owned()));
    }
    let ready = killed.elapsed();
    until(LATE, || board.back().0 >= args.rooms * args.attendees).await;
    let (back, all_back) = board.back();
    let mut outcome = Outcome {
        mode: "kill",
        rooms: args.rooms,
        attendees: args.attendees,
        active: args.active,
        changes_per_second: args.changes,
        acknowledged: driven.iter().map(|driven| driven.commands.len()).sum(),
        missing: 0,
        rooms_behind: 0,
        server_ready_ms: ready.as_secs_f64() * 1e3,
        back,
        all_back_ms: all_back.duration_since(killed).as_secs_f64() * 1e3,
        rooms_in_step: 0,
    };
    for driven in &driven {
        look(&server, driven, &board, args.attendees, &mut outcome).await?;
    }
    attending.abort_all();
    end(child).await?;
    Ok(outcome)
}

/// Is there what one room's host got acknowledged, and does its room go on?
async fn look(
    server: &Server<'_>,
    driven: &Driven,
    board: &Board,
    attendees: u32,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let log = server.log(&driven.room).await?;
    let missing = driven.commands.iter().filter(|&&number| !log.contains(&quoted(number)));
    outcome.missing += missing.count();
    let mut host = Host::enter(server, &driven.room).await?;
    outcome.rooms_behind += usize::from(host.rev < driven.rev);
    if let Some(number) = board.send() {
        host.command(number).await?;
        let all = until(LATE, || board.heard_by(number) >= attendees).await;
        outcome.rooms_in_step += usize::from(all);
    }
    Ok(())
}

/// The host of a room, and what they saw last of it.
#[derive(Debug)]
struct Host {
    socket: Socket,
    room: String,
    epoch: u64,
    rev: u64,
}

impl Host {
    async fn enter(server: &Server<'_>, room: &str) -> Result<Self, Error> {
        let mut socket = connect(server, server.token()).await?;
        let snapshot = ask(&mut socket, "rushes/room/subscribe", json!({ "id": room })).await?;
        let snapshot: Value = serde_json::from_str(&snapshot).unwrap_or_default();
        let number = |field: &str| {
            let number = snapshot["data"]["state"][field].as_u64();
            number.ok_or_else(|| Error::Usage(format!("a room's state has no {field}")))
        };
        Ok(Self { socket, room: room.to_owned(), epoch: number("epoch")?, rev: number("rev")? })
    }

    /// One change of the room, which is on disk when this returns.
    async fn command(&mut self, number: usize) -> Result<(), Error> {
        let data = json!({
            "id": self.room, "cmd_id": format!("{MARK}{number}"), "epoch": self.epoch,
            "base_rev": self.rev, "op": "LIVE_CEILING", "ceiling_ms": number % VALUES,
        });
        let answer = ask(&mut self.socket, "rushes/room/command", data).await?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        self.rev = answer["data"]["rev"].as_u64().unwrap_or(self.rev);
        Ok(())
    }

    /// Changes the room again and again until the connection breaks.
    async fn drive(mut self, period: Duration, board: Arc<Board>) -> Result<Driven, Error> {
        let mut ticks = tokio::time::interval(period);
        let mut commands = Vec::new();
        loop {
            ticks.tick().await;
            let Some(number) = board.send() else {
                return Err(Error::Usage("the server was not killed in time".to_owned()));
            };
            match self.command(number).await {
                Ok(()) => commands.push(number),
                Err(error @ Error::Denied { .. }) => return Err(error),
                Err(_) => return Ok(Driven { room: self.room, commands, rev: self.rev }),
            }
        }
    }
}

/// The name of a command, as it stands in a log.
fn quoted(number: usize) -> String {
    format!("\"{MARK}{number}\"")
}

/// Starts a server by a command of the shell; it ends with this tool.
fn begin(command: &str) -> Result<Child, Error> {
    Command::new("sh")
        .args(["-c", &format!("exec {command}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(Error::io("the server's command"))
}

async fn end(mut child: Child) -> Result<(), Error> {
    if let Some(pid) = child.id() {
        signal(pid, "-TERM").await?;
    }
    child.wait().await.map_err(Error::io("the server's end"))?;
    Ok(())
}

async fn signal(pid: u32, signal: &str) -> Result<(), Error> {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status().await;
    if sent.map_err(Error::io("kill"))?.success() {
        return Ok(());
    }
    Err(Error::Usage(format!("process {pid} takes no signal")))
}
