//! One measurement from start to end: publishers, viewers, the measured time, the
//! report; every session that was opened is closed.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Url;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::task::{JoinError, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::cli::{Common, Viewers};
use crate::dtls::Identity;
use crate::error::Error;
use crate::http::{Client, Target};
use crate::marker::Sent;
use crate::process::{self, Usage};
use crate::publisher::{Publisher, Tally};
use crate::report::{self, Published, Recorded, Report, Tool};
use crate::sdp::{self, Answer, Codec, Credentials, Local, Role};
use crate::session::{Link, Session, Shared};
use crate::source::Shape;
use crate::studio::Studio;
use crate::viewer::{Outcome, Task, Viewer};
use crate::worker::{Progress, Worker};

/// How long the last viewers and all publishers have to connect.
const CONNECT: Duration = Duration::from_secs(20);
/// Between the last viewer and the measured time, so that joining is over.
const SETTLE: Duration = Duration::from_secs(2);
/// Offers and deletions under way at once.
const AT_ONCE: usize = 256;
/// A second of a stream fits; the kernel gives less unless `net.core.rmem_max` allows.
const RECEIVE_BUFFER: usize = 512 * 1024;

/// What is to be measured.
pub(crate) struct Plan {
    pub(crate) mode: &'static str,
    pub(crate) whip: Option<(Vec<Target>, Shape)>,
    pub(crate) whep: Option<(Vec<Target>, Viewers)>,
    pub(crate) common: Common,
    pub(crate) pid: Option<u32>,
}

/// A session that is to be deleted at the end.
type Opened = (Target, Url);

/// What is the same for all sessions.
struct Context {
    http: Client,
    shared: Arc<Shared>,
    local: IpAddr,
    /// What is to be deleted at the end.
    opened: Mutex<Vec<Opened>>,
}

impl Context {
    /// Opens one session: a socket, an offer, its answer.
    async fn open(&self, target: &Target, role: Role) -> Result<Ready, Error> {
        let socket = bind(self.local).map_err(Error::io("a socket"))?;
        let address = socket.local_addr().map_err(Error::io("a socket"))?;
        let credentials = Credentials::random();
        let fingerprint = &self.shared.identity.fingerprint;
        let local = Local { role, credentials: &credentials, fingerprint, address };
        let offer = sdp::offer(&local);
        let started = Instant::now();
        let opened = self.http.open(target, offer).await?;
        let answered = Instant::now();
        if let Some(url) = opened.session {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.push((target.clone(), url));
        }
        let answer = Answer::parse(&opened.answer)?;
        Ok(Ready { socket, credentials, answer, started, answered })
    }
}

/// An answered offer.
struct Ready {
    socket: UdpSocket,
    credentials: Credentials,
    answer: Answer,
    started: Instant,
    answered: Instant,
}

impl Ready {
    /// Begins the transport.
    fn begin(self, shared: &Shared) -> Result<(Link, Session, Answer), Error> {
        let session = Session::new(shared, self.credentials, &self.answer, Instant::now())?;
        Ok((Link::new(self.socket)?, session, self.answer))
    }
}

/// A socket with a port of its own: servers tell viewers apart by it.
fn bind(local: IpAddr) -> std::io::Result<UdpSocket> {
    let address = SocketAddr::new(local, 0);
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// The address of this machine that packets to `url`'s host leave from.
async fn local_address(url: &Url) -> Result<IpAddr, Error> {
    let no_host = || Error::Usage(format!("{url} names no host"));
    let host = url.host_str().ok_or_else(no_host)?.trim_matches(['[', ']']);
    let port = url.port_or_known_default().ok_or_else(no_host)?;
    let mut found = tokio::net::lookup_host((host, port)).await.map_err(Error::io("the host"))?;
    let remote = found.next().ok_or_else(no_host)?;
    let any: IpAddr = if remote.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    // Connecting a UDP socket sends nothing; it only asks the routing table.
    let probe = UdpSocket::bind((any, 0)).map_err(Error::io("a socket"))?;
    probe.connect(remote).map_err(Error::io("the route to the host"))?;
    Ok(probe.local_addr().map_err(Error::io("a socket"))?.ip())
}

/// Measures; what was opened is closed whatever happens, also on Ctrl-C.
pub(crate) async fn run(plan: Plan, http: Client) -> Result<Report, Error> {
    let crypto = str0m::crypto::from_feature_flags();
    let identity = Identity::generate(&crypto)?;
    let first = plan.whip.iter().map(|(targets, _)| &targets[0]);
    let first = first.chain(plan.whep.iter().map(|(targets, _)| &targets[0])).next();
    let first = first.ok_or_else(|| Error::Usage("nothing to do".to_owned()))?;
    let local = match plan.common.local {
        Some(local) => local,
        None => local_address(&first.url).await?,
    };
    let shared = Arc::new(Shared { crypto, identity });
    let context = Arc::new(Context { http, shared, local, opened: Mutex::default() });
    let result = tokio::select! {
        result = measure(&plan, &context) => result,
        _ = tokio::signal::ctrl_c() => Err(Error::Usage("interrupted".to_owned())),
    };
    close(&context).await;
    result
}

/// Deletes all sessions. One that fails is the server's to forget.
async fn close(context: &Arc<Context>) {
    let opened =
        std::mem::take(&mut *context.opened.lock().unwrap_or_else(PoisonError::into_inner));
    let mut closing = JoinSet::new();
    for (target, session) in opened {
        if closing.len() >= AT_ONCE {
            closing.join_next().await;
        }
        let http = context.http.clone();
        closing.spawn(async move { http.close(&target, session).await });
    }
    closing.join_all().await;
}

async fn measure(plan: &Plan, context: &Arc<Context>) -> Result<Report, Error> {
    let mut published = None;
    let mut sent: Vec<Arc<Sent>> = Vec::new();
    if let Some((targets, shape)) = &plan.whip {
        sent = targets.iter().map(|_| Arc::new(Sent::new())).collect();
        published = Some((publish(context, targets, shape, &sent).await?, shape));
    }
    let window = Duration::from_secs(plan.common.seconds);
    let mut report = match &plan.whep {
        Some((targets, viewers)) => watch(plan, context, targets, viewers, &sent).await?,
        None => alone(plan, window).await?,
    };
    if let Some(((studio, tally), shape)) = published {
        let errors = studio.finish()?;
        let load = |value: &std::sync::atomic::AtomicUsize| value.load(Ordering::Relaxed);
        report.published = Some(Published {
            streams: sent.len(),
            packets: load(&tally.packets),
            bytes: load(&tally.bytes),
            resent: load(&tally.resent),
            key_frame_requests: load(&tally.key_requests),
            recording: shape
                .recording
                .as_ref()
                .map(|recording| Recorded::of(recording, shape.bitrate, load(&tally.filled))),
            errors: report::tally(errors),
        });
    }
    Ok(report)
}

/// Starts the publishers and waits until all are connected.
async fn publish(
    context: &Arc<Context>,
    targets: &[Target],
    shape: &Shape,
    sent: &[Arc<Sent>],
) -> Result<(Studio, Arc<Tally>), Error> {
    let tally = Arc::new(Tally::default());
    let studio = Studio::start(context.shared.clone(), tally.clone())?;
    for (target, sent) in targets.iter().zip(sent) {
        let (video, audio) = (rand::random(), rand::random());
        let role = Role::Publisher { video, audio, profile: shape.profile() };
        let ready = context.open(target, role).await?;
        let (link, session, answer) = ready.begin(&context.shared)?;
        if answer.codec(sdp::H264) != Some(Codec::H264) {
            return Err(Error::Sdp("H.264 was not accepted"));
        }
        studio.add(Publisher::new(link, session, (video, audio), shape, sent.clone()));
    }
    let all = || {
        let failed = tally.failed.load(Ordering::Relaxed);
        (tally.connected.load(Ordering::Relaxed) + failed >= targets.len(), failed)
    };
    until(|| all().0).await;
    if !all().0 || all().1 > 0 {
        let why = studio.finish()?.into_iter().next();
        return Err(Error::Usage(format!(
            "not all publishers connected: {}",
            why.unwrap_or_else(|| "no handshake in time".to_owned())
        )));
    }
    Ok((studio, tally))
}

/// Waits until `done` or [`CONNECT`] has passed.
async fn until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + CONNECT;
    while !done() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn usage(pid: Option<u32>) -> Result<Option<Usage>, Error> {
    pid.map(Usage::of).transpose()
}

/// Publishes without viewers.
async fn alone(plan: &Plan, window: Duration) -> Result<Report, Error> {
    tokio::time::sleep(SETTLE).await;
    let (begin, own) = (usage(plan.pid)?, Usage::of(std::process::id())?);
    tokio::time::sleep(window).await;
    let (end, own_end) = (usage(plan.pid)?, Usage::of(std::process::id())?);
    let server = match (plan.pid, &begin, &end) {
        (Some(pid), Some(begin), Some(end)) => {
            Some(report::server(pid, [begin, begin, end], &[], window))
        }
        _ => None,
    };
    let cpu_percent = (own_end.cpu - own.cpu) / window.as_secs_f64() * 100.0;
    Ok(Report {
        mode: plan.mode,
        viewers: 0,
        streams: plan.common.streams as usize,
        published: None,
        joins: None,
        media: None,
        delay: None,
        server,
        tool: Tool { cpu_percent, drops: 0 },
    })
}

/// Lets the viewers in, measures, and puts the report together.
async fn watch(
    plan: &Plan,
    context: &Arc<Context>,
    targets: &[Target],
    viewers: &Viewers,
    sent: &[Arc<Sent>],
) -> Result<Report, Error> {
    if plan.whip.is_some() {
        // The server has the streams going before its memory and CPU time are looked at.
        tokio::time::sleep(SETTLE).await;
    }
    let before = usage(plan.pid)?;
    let progress = Arc::new(Progress::default());
    let start = |_| Worker::start(context.shared.clone(), progress.clone());
    let workers = (0..viewers.threads).map(start).collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    let (joined, refused) = join(context, targets, viewers, sent, &workers).await?;
    let took = began.elapsed();
    let load = |value: &std::sync::atomic::AtomicUsize| value.load(Ordering::Relaxed);
    until(|| load(&progress.connected) + load(&progress.failed) >= joined).await;
    until(|| load(&progress.pictured) + load(&progress.failed) >= joined).await;
    tokio::time::sleep(SETTLE).await;

    let (begin, own) = (usage(plan.pid)?, Usage::of(std::process::id())?);
    let measured = Instant::now();
    workers.iter().for_each(Worker::open_window);
    tokio::time::sleep(Duration::from_secs(plan.common.seconds)).await;
    let (end, own_end) = (usage(plan.pid)?, Usage::of(std::process::id())?);
    let window = measured.elapsed();
    // The sockets close with the threads, and their counters with them.
    let table = process::udp_table();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for worker in workers {
        outcomes.extend(worker.finish()?);
    }
    let ports: HashSet<u16> = outcomes.iter().map(|one| one.port).collect();
    let server = match (plan.pid, &before, &begin, &end) {
        (Some(pid), Some(before), Some(begin), Some(end)) => {
            Some(report::server(pid, [before, begin, end], &outcomes, window))
        }
        _ => None,
    };
    Ok(Report {
        mode: plan.mode,
        viewers: viewers.viewers as usize,
        streams: targets.len(),
        published: None,
        joins: Some(report::joins(&outcomes, refused, took)),
        media: Some(report::media(&outcomes, window)),
        delay: (!sent.is_empty()).then(|| report::delay(&outcomes)),
        server,
        tool: Tool {
            cpu_percent: (own_end.cpu - own.cpu) / window.as_secs_f64() * 100.0,
            drops: process::drops(&table, &ports),
        },
    })
}

/// Opens a session for each viewer, so many a second; how many got one, and why
/// the others did not.
async fn join(
    context: &Arc<Context>,
    targets: &[Target],
    viewers: &Viewers,
    sent: &[Arc<Sent>],
    workers: &[Worker],
) -> Result<(usize, Vec<String>), Error> {
    let pause = Duration::try_from_secs_f64(1.0 / viewers.joins_per_second)
        .map_err(|error| Error::Usage(format!("joins a second: {error}")))?;
    let mut ticker = tokio::time::interval(pause);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut joining = JoinSet::new();
    let (mut joined, mut refused) = (0, Vec::new());
    let mut take = |result: Result<Result<(Viewer, usize), Error>, JoinError>| match result {
        Ok(Ok((viewer, at))) => {
            workers[at % workers.len()].add(viewer);
            joined += 1;
        }
        Ok(Err(error)) => refused.push(error.kind()),
        Err(error) => refused.push(error.to_string()),
    };
    for at in 0..viewers.viewers as usize {
        ticker.tick().await;
        while let Some(result) = joining.try_join_next() {
            take(result);
        }
        if joining.len() >= AT_ONCE
            && let Some(result) = joining.join_next().await
        {
            take(result);
        }
        let stream = at % targets.len();
        let (context, target) = (context.clone(), targets[stream].clone());
        let sampled = viewers.sample > 0 && at % viewers.sample as usize == 0;
        let (reports, sent) = (!viewers.no_rtcp, sent.get(stream).cloned());
        joining.spawn(async move {
            let ready = context.open(&target, Role::Viewer).await?;
            let task =
                Task { sampled, reports, sent, started: ready.started, answered: ready.answered };
            let (link, session, answer) = ready.begin(&context.shared)?;
            Ok((Viewer::new(link, session, answer, task), at))
        });
    }
    while let Some(result) = joining.join_next().await {
        take(result);
    }
    Ok((joined, refused))
}
