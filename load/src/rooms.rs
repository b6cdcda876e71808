//! Rooms: how long a change takes until the last attendee has it, and what a
//! connection costs. Rooms and guests are made through the API of a Rushes that
//! runs on this machine; every guest is a person and a WebSocket of their own.
//!
//! The changes are those of the API (`set/review_session/state`): they need no clip.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::Message;

use crate::attendee::{Attendee, Socket, open};
use crate::error::Error;
use crate::http::Client;
use crate::process::Usage;
use crate::report::Spread;
use crate::rushes::{Server, text};

/// What stands before the number of a change in a client's text.
pub(crate) const MARK: &str = "rushes-load ";
/// Requests and connections that are under way at once while rooms are made.
const AT_ONCE: usize = 32;
/// How long the last changes are waited for.
const LATE: Duration = Duration::from_secs(5);
/// How often is looked what has come about.
const LOOK: Duration = Duration::from_millis(5);
/// How long connections are left alone before their memory is looked at.
const REST: Duration = Duration::from_secs(3);
/// People of one invitation.
const INVITATION: u32 = 500;

#[derive(Debug, Args)]
pub(crate) struct Rooms {
    /// The data folder of a running Rushes, whose limits allow what is asked for.
    #[arg(long)]
    pub(crate) rushes_data: PathBuf,
    /// How many rooms.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rooms: u32,
    /// People in each.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) attendees: u32,
    /// In how many of the rooms something happens.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) active: u32,
    /// Changes a second in each of these.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) changes: f64,
    /// How long is measured, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
    /// Kills the server at the end of that time, starts it again by this command of the shell,
    /// and looks whether everything is there that was acknowledged.
    #[arg(long)]
    pub(crate) kill_and_start: Option<String>,
}

/// What came out.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    mode: &'static str,
    rooms: u32,
    attendees: u32,
    active: u32,
    changes_per_second: f64,
    seconds: f64,
    /// Changes that were sent.
    sent: u64,
    /// Of these, that reached every attendee.
    reached_all: u64,
    /// From the sending of a change to the last attendee, in milliseconds; of those that
    /// reached all.
    last_ms: Option<Spread>,
    /// Connections that ended before the measurement did.
    lost: u32,
    /// How often an attendee was cut off and came back, which costs it changes.
    resyncs: u32,
    /// CPU of the server in the measured time: 100 is one core.
    server_cpu_percent: Option<f64>,
    /// CPU of this tool.
    tool_cpu_percent: Option<f64>,
    /// Resident bytes of the server before there were connections, when all were idle, at the end.
    server_rss: Option<[u64; 3]>,
    /// What each idle connection added.
    bytes_per_connection: Option<f64>,
    /// What each of the last three quarters of the connections added. Not in it is what the first ones
    /// bring about once for all, such as full caches of the database.
    bytes_per_added_connection: Option<f64>,
    /// CPU time of the server for each change that reached one attendee, in microseconds.
    server_cpu_us_per_delivery: Option<f64>,
}

/// One change on its way. Times are nanoseconds since the beginning.
#[derive(Debug, Default)]
struct Change {
    sent: AtomicU64,
    last: AtomicU64,
    count: AtomicU32,
}

/// What all attendees have heard of.
#[derive(Debug)]
pub(crate) struct Board {
    began: Instant,
    changes: Vec<Change>,
    next: AtomicU64,
    pub(crate) lost: AtomicU32,
    pub(crate) resyncs: AtomicU32,
    /// Whether the server is killed, so that who loses it comes back.
    killed: bool,
    back: Change,
}

impl Board {
    pub(crate) fn new(changes: usize) -> Self {
        Self {
            began: Instant::now(),
            changes: std::iter::repeat_with(Change::default).take(changes).collect(),
            next: AtomicU64::new(0),
            lost: AtomicU32::new(0),
            resyncs: AtomicU32::new(0),
            killed: false,
            back: Change::default(),
        }
    }

    /// One whose attendees come back to a server that was killed.
    pub(crate) fn of_a_kill(changes: usize) -> Self {
        Self { killed: true, ..Self::new(changes) }
    }

    /// Whether an attendee that lost the server comes back.
    pub(crate) fn comes_back(&self) -> bool {
        self.killed
    }

    /// An attendee is back, and has its room's state.
    pub(crate) fn came_back(&self) {
        self.back.last.fetch_max(self.now(), Ordering::Relaxed);
        self.back.count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many came back, and when the last did.
    pub(crate) fn back(&self) -> (u32, Instant) {
        let last = Duration::from_nanos(self.back.last.load(Ordering::Relaxed));
        (self.back.count.load(Ordering::Relaxed), self.began + last)
    }

    /// The number of the next change; none when there are as many as were planned.
    pub(crate) fn send(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) as usize;
        let change = self.changes.get(number)?;
        change.sent.store(self.now(), Ordering::Relaxed);
        Some(number)
    }

    /// How many attendees have heard of a change.
    pub(crate) fn heard_by(&self, number: usize) -> u32 {
        self.changes.get(number).map_or(0, |change| change.count.load(Ordering::Relaxed))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// An attendee has heard of a change.
    pub(crate) fn heard(&self, number: usize) {
        if let Some(change) = self.changes.get(number) {
            change.last.fetch_max(self.now(), Ordering::Relaxed);
            change.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often an attendee has heard of a change.
    fn deliveries(&self) -> f64 {
        self.changes.iter().map(|change| f64::from(change.count.load(Ordering::Relaxed))).sum()
    }

    /// How many have heard of each change.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> Vec<u32> {
        self.changes.iter().map(|change| change.count.load(Ordering::Relaxed)).collect()
    }
}

/// The number behind the mark.
pub(crate) fn number_in(event: &str) -> Option<usize> {
    let (_, rest) = event.split_once(MARK)?;
    rest.split_once('"')?.0.parse().ok()
}

/// Makes the rooms, and measures.
pub(crate) async fn run(http: &Client, args: Rooms) -> Result<Outcome, Error> {
    let server = Server::find(http, &args.rushes_data).await?;
    let pid = server.pid;
    let usage = || pid.and_then(|pid| Usage::of(pid).ok());
    let rooms = create(&server, &args).await?;
    let guests = guests(&server, &args, &rooms).await?;
    let changes = (f64::from(args.active) * args.changes * args.seconds as f64) as usize + 1;
    let board = Arc::new(Board::new(changes));
    let before = usage();
    let mut first = guests;
    let rest = first.split_off(first.len() / 4);
    let added = rest.len() as f64;
    let mut attendees = vec![attend(&server, first, &board).await?];
    tokio::time::sleep(REST).await;
    let quarter = usage();
    attendees.push(attend(&server, rest, &board).await?);
    tokio::time::sleep(REST).await;
    let idle = usage();
    let own = || Usage::of(std::process::id()).ok();
    let (own_before, began) = (own(), Instant::now());
    let mut drivers = JoinSet::new();
    for (nth, room) in rooms.iter().take(args.active as usize).enumerate() {
        let socket = connect(&server, server.token()).await?;
        drivers.spawn(drive(socket, room.clone(), nth, args.changes, args.seconds, board.clone()));
    }
    let mut driven = Vec::new();
    while let Some(driver) = drivers.join_next().await {
        driven.push(driver.map_err(|error| Error::Usage(error.to_string()))??);
    }
    let (seconds, after, own_after) = (began.elapsed().as_secs_f64(), usage(), own());
    wait_for_the_last(&board, args.attendees).await;
    for driver in driven {
        driver.end().await?;
    }
    let lost = board.lost.load(Ordering::Relaxed);
    let resyncs = board.resyncs.load(Ordering::Relaxed);
    attendees.iter_mut().for_each(JoinSet::abort_all);
    let percent = |from: Option<Usage>, to: &Option<Usage>| {
        Some((to.as_ref()?.cpu - from?.cpu) / seconds * 100.0)
    };
    let rss = |usage: &Option<Usage>| usage.as_ref().map(|usage| usage.rss);
    let memory = (|| Some([rss(&before)?, rss(&idle)?, rss(&after)?]))();
    let connections = f64::from(args.rooms * args.attendees);
    let grown = (|| Some(rss(&idle)? as f64 - rss(&quarter)? as f64))();
    let busy = (|| Some(after.as_ref()?.cpu - idle.as_ref()?.cpu))();
    let sent = board.next.load(Ordering::Relaxed).min(changes as u64);
    let last: Vec<f64> = board.changes[..sent as usize]
        .iter()
        .filter(|change| change.count.load(Ordering::Relaxed) >= args.attendees)
        .map(|change| {
            let (sent, last) = (&change.sent, &change.last);
            (last.load(Ordering::Relaxed) - sent.load(Ordering::Relaxed)) as f64 / 1e6
        })
        .collect();
    Ok(Outcome {
        mode: "rooms",
        rooms: args.rooms,
        attendees: args.attendees,
        active: args.active,
        changes_per_second: args.changes,
        seconds,
        sent,
        reached_all: last.len() as u64,
        last_ms: Spread::of(last),
        lost,
        resyncs,
        server_cpu_us_per_delivery: busy.map(|cpu| cpu * 1e6 / board.deliveries()),
        server_cpu_percent: percent(idle, &after),
        tool_cpu_percent: percent(own_before, &own_after),
        server_rss: memory,
        bytes_per_connection: memory
            .map(|[before, idle, _]| (idle as f64 - before as f64) / connections),
        bytes_per_added_connection: grown.map(|bytes| bytes / added),
    })
}

/// Waits until all changes have reached all, but not for ever.
async fn wait_for_the_last(board: &Board, attendees: u32) {
    let sent = board.next.load(Ordering::Relaxed).min(board.changes.len() as u64) as usize;
    let reached = |change: &Change| change.count.load(Ordering::Relaxed) >= attendees;
    until(LATE, || board.changes[..sent].iter().all(reached)).await;
}

/// Waits until something has come about, at most so long, and says whether it has.
pub(crate) async fn until(within: Duration, done: impl Fn() -> bool) -> bool {
    let end = Instant::now() + within;
    while !done() {
        if Instant::now() > end {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
    true
}

/// Rooms that run, in a production of their own.
pub(crate) async fn create(server: &Server<'_>, args: &Rooms) -> Result<Vec<String>, Error> {
    let group = json!({ "name": "Load", "company_id": server.company() });
    let group = server.call("create/group", group).await?["id"].clone();
    let mut rooms = Vec::with_capacity(args.rooms as usize);
    for nth in 0..args.rooms {
        let room = json!({ "name": format!("Load {nth}"), "group_id": group });
        let room = server.call("create/review_session", room).await?;
        let id = text(&room, "id")?.to_owned();
        server.call("start/review_session", json!({ "id": id })).await?;
        rooms.push(id);
    }
    Ok(rooms)
}

/// The tokens of each room's guests, who are invited, and sign in by the links in their mail.
pub(crate) async fn guests(
    server: &Server<'_>,
    args: &Rooms,
    rooms: &[String],
) -> Result<Vec<(String, String)>, Error> {
    let run = std::process::id();
    let address = |room: usize, guest: u32| format!("load{run}-{room}-{guest}@rushes.test");
    for (nth, room) in rooms.iter().enumerate() {
        for first in (0..args.attendees).step_by(INVITATION as usize) {
            let last = args.attendees.min(first + INVITATION);
            let emails: Vec<_> = (first..last).map(|guest| address(nth, guest)).collect();
            let invite = json!({ "review_session_id": room, "emails": emails });
            server.call("create/review_session/users", invite).await?;
        }
    }
    let links = links(&args.rushes_data.join("mail"))?;
    let mut tokens = Vec::new();
    for (nth, room) in rooms.iter().enumerate() {
        for guest in 0..args.attendees {
            let link = links.get(&address(nth, guest));
            let link = link.ok_or_else(|| Error::Usage("an invitation was not sent".to_owned()))?;
            let guest = json!({
                "review_session_user_id": link, "firstname": "Guest", "lastname": guest.to_string(),
            });
            let signed = server.call("authenticate/user/review_session", guest).await?;
            tokens.push((room.clone(), text(&signed, "token")?.to_owned()));
        }
    }
    Ok(tokens)
}

/// The guests' links by address, out of the mail that the server left.
fn links(folder: &Path) -> Result<HashMap<String, String>, Error> {
    let mut links = HashMap::new();
    for file in std::fs::read_dir(folder).map_err(Error::io("the mail"))?.flatten() {
        let Ok(mail) = std::fs::read_to_string(file.path()) else { continue };
        if let Some((address, link)) = link_in(&mail) {
            links.insert(address, link);
        }
    }
    Ok(links)
}

fn link_in(mail: &str) -> Option<(String, String)> {
    let address = mail.lines().next()?.strip_prefix("To: ")?.trim();
    let (_, link) = mail.split_once("/#/guest?u=")?;
    Some((address.to_owned(), link.lines().next()?.trim().to_owned()))
}

/// Everybody in their rooms. Whoever is in listens from then on: one who did not while others
/// enter would be too slow before anything is measured.
pub(crate) async fn attend(
    server: &Server<'_>,
    guests: Vec<(String, String)>,
    board: &Arc<Board>,
) -> Result<JoinSet<()>, Error> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut entering = JoinSet::new();
    for (room, token) in guests {
        let (places, board) = (Arc::clone(&places), Arc::clone(board));
        let mut attendee = Attendee::new(server.socket_url()?, token, room);
        entering.spawn(async move {
            let _place = places.acquire().await;
            let socket = attendee.enter(&board).await?;
            Ok::<_, Error>((attendee, socket))
        });
    }
    let mut attending = JoinSet::new();
    while let Some(entered) = entering.join_next().await {
        let (attendee, socket) = entered.map_err(|error| Error::Usage(error.to_string()))??;
        attending.spawn(attendee.attend(socket, Arc::clone(board)));
    }
    Ok(attending)
}

pub(crate) async fn connect(server: &Server<'_>, token: &str) -> Result<Socket, Error> {
    open(server.socket_url()?, token).await
}

/// Changes a room's state again and again. A change that is refused ends the measurement: the
/// server's limits are lower than what is asked for.
async fn drive(
    socket: Socket,
    room: String,
    nth: usize,
    changes: f64,
    seconds: u64,
    board: Arc<Board>,
) -> Result<Driver, Error> {
    let (mut sink, mut stream) = socket.split();
    let refused = tokio::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Text(answer) = message
                && answer.contains("\"error\"")
            {
                return Some(answer.to_string());
            }
        }
        None
    });
    // Not all rooms at the same moment.
    let period = Duration::from_secs_f64(1.0 / changes.max(0.01));
    tokio::time::sleep(period.mul_f64(nth as f64 * 0.618 % 1.0)).await;
    let mut ticks = tokio::time::interval(period);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end && !refused.is_finished() {
        ticks.tick().await;
        let Some(number) = board.send() else { break };
        let data = json!({
            "id": room, "sync_mode": "HOST", "asset_state": format!("{MARK}{number}"),
        });
        let request =
            json!({ "endpoint": "set/review_session/state", "data": data, "request_id": number });
        let sent = sink.send(Message::text(request.to_string())).await;
        sent.map_err(|error| Error::Usage(error.to_string()))?;
    }
    Ok(Driver { _sink: sink, refused })
}

/// A host's connection whose last changes may be still on their way: to close it with answers
/// unread would reset it, and lose them.
#[derive(Debug)]
struct Driver {
    _sink: SplitSink<Socket, Message>,
    refused: JoinHandle<Option<String>>,
}

impl Driver {
    /// Closes the connection. An error when a change was refused, or the connection has ended.
    async fn end(self) -> Result<(), Error> {
        if !self.refused.is_finished() {
            self.refused.abort();
            return Ok(());
        }
        let why = self.refused.await.ok().flatten();
        Err(Error::Usage(why.unwrap_or_else(|| "a host's connection ended".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;

    #[tokio::test]
    async fn the_last_change_is_not_lost_with_its_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let opened = tokio::spawn(async move { open(url, "T").await.unwrap() });
        let mut server = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        // Room for one change: it ends with the second.
        let board = Arc::new(Board::new(1));
        let driver = drive(opened.await.unwrap(), "R".to_owned(), 0, 1000.0, 60, board).await;
        let driver = driver.unwrap();
        let Message::Text(change) = server.next().await.unwrap().unwrap() else { panic!() };
        assert_eq!(number_in(&change), Some(0));
        server.send(Message::text(r#"{"error":{"code":900},"request_id":0}"#)).await.unwrap();
        while !driver.refused.is_finished() {
            tokio::task::yield_now().await;
        }
        assert!(driver.end().await.is_err(), "the last one counts too");
    }

    #[test]
    fn a_change_is_found_in_its_event() {
        let event = format!("{{\"data\":{{\"asset_state\":\"{MARK}17\",\"rev\":3}}}}");
        assert_eq!(number_in(&event), Some(17));
        assert_eq!(number_in("{\"asset_state\":\"mine\"}"), None);
    }

    #[test]
    fn a_link_is_found_in_its_mail() {
        let mail =
            "To: a@rushes.test\r\nSubject: x\r\n\r\nOpen\r\nhttp://h/#/guest?u=AB12\r\nIt\r\n";
        assert_eq!(link_in(mail), Some(("a@rushes.test".to_owned(), "AB12".to_owned())));
        assert_eq!(link_in("To: a@rushes.test\r\n\r\nhttp://h/#/rooms/1\r\n"), None);
    }
}
