//! The port's thread.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::ids::StreamId;
use crate::rtp_source::{RtpOrigin, Table};

use super::super::feeds::Register;
use super::super::ffmpeg::Ffmpeg;
use super::super::sessions::short;
use super::super::socket::{BATCHES, Inbox, Socket};
use super::super::tcp::{Lines, TcpLimits};
use super::session::{Publishing, Session, State, is_belated};
use super::{RtpGate, Start, Statuses};

/// It is looked this often at what is no datagram's affair.
const LOOK: Duration = Duration::from_millis(100);
/// The figures are told this often.
const TELL: Duration = Duration::from_secs(1);
/// A source that was silent for this long publishes no more.
const SILENT: Duration = Duration::from_secs(5);
/// What comes of senders that said goodbye counts for nothing for this long: datagrams overtake each
/// other.
const LEAVING: Duration = Duration::from_secs(1);
/// The server is asked again about a source after this.
const AGAIN: Duration = Duration::from_secs(2);
/// A port that has nothing to do looks around after this.
const IDLE: Duration = Duration::from_secs(1);

/// What the server says of a source.
struct Decision {
    stream: StreamId,
    accepted: bool,
}

struct Port {
    socket: Socket,
    control: Option<Socket>,
    sources: usize,
    table: Arc<Mutex<Table>>,
    sessions: HashMap<StreamId, Session>,
    gate: Arc<dyn RtpGate>,
    server: tokio::runtime::Handle,
    decisions: mpsc::UnboundedSender<Decision>,
    register: Register,
    ffmpeg: Option<Ffmpeg>,
    statuses: Statuses,
    looked: Instant,
    told: Instant,
}

/// Runs until it is told to end, or nobody is left to tell.
pub(super) fn run(start: Start) -> io::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        let now = Instant::now();
        // One for each session that asks at most.
        let (decisions, decided) = mpsc::unbounded_channel();
        // Nothing here goes over TCP.
        let socket = |socket| Socket::new(socket, Lines::new(TcpLimits::default()));
        let mut port = Port {
            socket: socket(start.socket)?,
            control: start.control.map(socket).transpose()?,
            sources: start.sources,
            table: start.table,
            sessions: HashMap::new(),
            gate: start.gate,
            server: start.server,
            decisions,
            register: Register::new(start.feeds, start.room),
            ffmpeg: start.ffmpeg,
            statuses: start.statuses,
            looked: now,
            told: now,
        };
        port.serve(start.end, decided).await;
        Ok(())
    })
}

/// Waits for a socket, if there is one.
async fn readable(socket: Option<&Socket>) -> io::Result<()> {
    match socket {
        Some(socket) => socket.readable().await,
        None => std::future::pending().await,
    }
}

impl Port {
    async fn serve(
        &mut self,
        mut end: mpsc::Receiver<oneshot::Sender<()>>,
        mut decided: mpsc::UnboundedReceiver<Decision>,
    ) {
        let mut inbox = Inbox::new(Duration::ZERO);
        loop {
            let now = Instant::now();
            let wake = self.wake(now);
            tokio::select! {
                done = end.recv() => {
                    let streams: Vec<StreamId> = self.sessions.keys().copied().collect();
                    for stream in streams {
                        self.end(stream, "the server ends");
                    }
                    if let Some(done) = done {
                        // An error: whoever asked did not wait.
                        let _ = done.send(());
                    }
                    return;
                }
                Some(decision) = decided.recv() => {
                    let stream = decision.stream;
                    self.contained(Some(stream), |port| port.decided(Instant::now(), decision));
                }
                _ = self.socket.readable() => self.receive(&mut inbox, false),
                _ = readable(self.control.as_ref()) => self.receive(&mut inbox, true),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            let now = Instant::now();
            self.contained(None, |port| port.tick(now));
            if now.saturating_duration_since(self.looked) >= LOOK {
                self.looked = now;
                self.contained(None, |port| port.look(now));
            }
        }
    }

    /// Does a piece of work. A panic in it ends the source that it was for, and nothing else.
    fn contained(&mut self, whose: Option<StreamId>, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_ok() {
            return;
        }
        tracing::error!(?whose, "a defect disturbed the RTP port");
        if let Some(stream) = whose
            && catch_unwind(AssertUnwindSafe(|| self.end(stream, "a defect of this server")))
                .is_err()
        {
            tracing::error!(%stream, "a defect left something behind");
        }
    }

    fn wake(&self, now: Instant) -> Instant {
        let due = self.sessions.values().filter_map(|session| match &session.state {
            State::On(publishing) => publishing.source.deadline(),
            _ => None,
        });
        let look = if self.sessions.is_empty() && self.register.is_done() { IDLE } else { LOOK };
        due.min().unwrap_or(now + look).min(self.looked.max(now) + look)
    }

    fn receive(&mut self, inbox: &mut Inbox, control: bool) {
        for _ in 0..BATCHES {
            let now = Instant::now();
            let socket = if control { self.control.as_ref() } else { Some(&self.socket) };
            let Some(socket) = socket else { return };
            if !socket.fill(inbox) {
                return;
            }
            let local = socket.local();
            for (way, data) in inbox.datagrams(local) {
                let mut found = None;
                self.contained(None, |port| {
                    #[cfg(test)]
                    super::tests::defect_of(data);
                    let mut table = port.table.lock().unwrap_or_else(PoisonError::into_inner);
                    found = table.find(way.remote, data);
                });
                if let Some((origin, at)) = found {
                    self.contained(Some(origin.stream), |port| {
                        #[cfg(test)]
                        super::tests::defect_in(data);
                        port.datagram(now, &origin, at, data);
                    });
                }
            }
        }
    }

    fn datagram(&mut self, now: Instant, origin: &Arc<RtpOrigin>, port: u16, data: &[u8]) {
        let stream = origin.stream;
        if !self.sessions.contains_key(&stream) {
            let idle =
                |session: &&Session| matches!(session.state, State::Refused(_) | State::Left(..));
            let there = self.sessions.len() - self.sessions.values().filter(idle).count();
            if there >= self.sources {
                return; // those that are there come first
            }
            self.sessions.insert(stream, Session::new(now));
            self.ask(stream);
        }
        let Some(session) = self.sessions.get_mut(&stream) else { return };
        if let State::Left(senders, until) = &session.state
            && is_belated(senders, *until > now, data)
        {
            return;
        }
        session.last = now;
        match &mut session.state {
            State::Asking(_) => session.hold(now, origin, port, data),
            State::Refused(until) if *until > now => {}
            State::Refused(_) => {
                session.state = State::Asking(Vec::new());
                self.ask(stream);
            }
            State::Left(..) => {
                session.state = State::Asking(Vec::new());
                session.hold(now, origin, port, data);
                self.ask(stream);
            }
            State::On(publishing) => {
                let taken =
                    catch_unwind(AssertUnwindSafe(|| publishing.take(now, origin, port, data)));
                let left = publishing.source.has_left(now);
                let senders = if left { publishing.source.senders() } else { Vec::new() };
                if taken.is_err() {
                    self.end(stream, "a defect of this server");
                } else if left {
                    self.end(stream, "it said goodbye");
                    let state = State::Left(senders, now + LEAVING);
                    self.sessions.insert(stream, Session { last: now, state });
                }
            }
        }
    }

    /// Asks the server about a source.
    fn ask(&self, stream: StreamId) {
        let (gate, decisions) = (Arc::clone(&self.gate), self.decisions.clone());
        self.server.spawn(async move {
            let accepted = gate.accepted(stream).await;
            // An error: the port has ended.
            let _ = decisions.send(Decision { stream, accepted });
        });
    }

    fn decided(&mut self, now: Instant, decision: Decision) {
        let Decision { stream, accepted } = decision;
        let Some(session) = self.sessions.get_mut(&stream) else { return };
        let State::Asking(held) = &mut session.state else { return };
        let held = std::mem::take(held);
        let room = self.register.place().filter(|_| accepted);
        let Some(permit) = room else {
            tracing::info!(%stream, accepted, "an RTP source may not publish, or there is no room");
            session.state = State::Refused(now + AGAIN);
            return;
        };
        let (id, feeds, gone) = self.register.begin(stream, permit);
        tracing::info!(session = %short(id), %stream, "an RTP source publishes");
        let publishing = Publishing::new(now, id, stream, feeds, gone, self.ffmpeg.clone());
        session.state = State::On(Box::new(publishing));
        for (came, origin, port, data) in held {
            self.datagram(came, &origin, port, &data);
        }
    }

    fn tick(&mut self, now: Instant) {
        let mut broken = Vec::new();
        for (stream, session) in &mut self.sessions {
            if let State::On(publishing) = &mut session.state
                && catch_unwind(AssertUnwindSafe(|| publishing.tick(now))).is_err()
            {
                broken.push(*stream);
            }
        }
        for stream in broken {
            self.end(stream, "a defect of this server");
        }
    }

    fn end(&mut self, stream: StreamId, why: &str) {
        let Some(session) = self.sessions.remove(&stream) else { return };
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).remove(&stream);
        if let State::On(publishing) = session.state {
            let id = publishing.outgoing.id;
            tracing::info!(session = %short(id), %stream, why, "an RTP source is gone");
            self.register.end(id);
        }
    }

    /// Ends what the media thread has ended and what is silent, and tells the figures.
    fn look(&mut self, now: Instant) {
        self.register.say();
        let over = |session: &Session| match &session.state {
            State::On(publishing) if publishing.outgoing.gone.load(Ordering::Relaxed) => {
                Some("it was ended")
            }
            State::Asking(_) => None,
            _ => {
                let silent = now.saturating_duration_since(session.last) >= SILENT;
                silent.then_some("it is silent")
            }
        };
        let ended: Vec<_> =
            self.sessions.iter().filter_map(|(stream, s)| Some((*stream, over(s)?))).collect();
        for (stream, why) in ended {
            self.end(stream, why);
        }
        if now.saturating_duration_since(self.told) < TELL {
            return;
        }
        self.told = now;
        let mut broken = Vec::new();
        for (stream, session) in &mut self.sessions {
            if let State::On(publishing) = &mut session.state {
                match catch_unwind(AssertUnwindSafe(|| publishing.status(now))) {
                    Ok(status) => {
                        let statuses = self.statuses.lock();
                        let mut statuses = statuses.unwrap_or_else(PoisonError::into_inner);
                        statuses.insert(*stream, status);
                    }
                    Err(_) => broken.push(*stream),
                }
            }
        }
        for stream in broken {
            self.end(stream, "a defect of this server");
        }
    }
}
