//! The thread that owns sessions, streams and the socket.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use str0m::{Event, Output, RtcError};
use tokio::sync::mpsc;

use crate::error::TrickleError;
use crate::ids::{SessionId, StreamId};
use crate::status::MediaEvent;
use crate::webrtc::{Fragment, Source, is_stun, local_ufrag};

use super::sessions::{End, Session, Sessions, Slot};
use super::socket::{Arrival, Inbox, Outbox, Route, Socket};
use super::streams::{Entry, SILENT};
use super::timers::Timers;
use super::{Attach, Command, Known};

/// Receive calls in a row before timers and commands get their turn.
const BATCHES: usize = 16;
/// Commands in a row before datagrams get their turn.
const COMMANDS_IN_A_ROW: usize = 32;
/// Outputs of one session in a row; more is a defect.
const OUTPUTS: usize = 20_000;
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// A session that wants to be woken at once is woken after this.
const SOONEST: Duration = Duration::from_millis(1);
/// Viewers who are behind are fed again after this.
const FEED: Duration = Duration::from_millis(2);
/// Events that the server has not taken; beyond, the oldest go.
const BACKLOG: usize = 4096;

pub(super) struct Shard {
    socket: Socket,
    outbox: Outbox,
    sessions: Sessions,
    pub(super) streams: HashMap<StreamId, Entry>,
    timers: Timers,
    /// Viewers with packets that wait to be sent.
    dirty: Vec<Slot>,
    /// Streams with viewers to feed or key frames to ask for.
    pub(super) touched: HashSet<StreamId>,
    feed_at: Option<Instant>,
    events: mpsc::Sender<MediaEvent>,
    backlog: VecDeque<MediaEvent>,
    known: Known,
}

/// Runs until it is told to end, or nobody is left to tell.
pub(super) fn run(
    socket: std::net::UdpSocket,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<MediaEvent>,
    known: Known,
) -> io::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        let mut shard = Shard::new(Socket::new(socket)?, events, known);
        shard.serve(commands).await;
        Ok(())
    })
}

impl Shard {
    fn new(socket: Socket, events: mpsc::Sender<MediaEvent>, known: Known) -> Self {
        Self {
            socket,
            outbox: Outbox::default(),
            sessions: Sessions::default(),
            streams: HashMap::new(),
            timers: Timers::default(),
            dirty: Vec::new(),
            touched: HashSet::new(),
            feed_at: None,
            events,
            backlog: VecDeque::new(),
            known,
        }
    }

    async fn serve(&mut self, mut commands: mpsc::Receiver<Command>) {
        let mut inbox = Inbox::new();
        let mut housekeeping = Instant::now() + HOUSEKEEPING;
        loop {
            let wake = [self.timers.next(), self.feed_at, Some(housekeeping)];
            let wake = wake.into_iter().flatten().min().unwrap_or(housekeeping);
            tokio::select! {
                command = commands.recv() => {
                    let Some(command) = command else { break };
                    if !self.commands(command, &mut commands) {
                        return;
                    }
                }
                _ = self.socket.readable() => self.receive(&mut inbox),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            let now = Instant::now();
            self.expire_timers(now);
            if housekeeping <= now {
                housekeeping = now + HOUSEKEEPING;
                self.housekeeping(now);
            }
            self.flush(now);
        }
        self.end_all();
    }

    /// False once the shard is to end.
    fn commands(&mut self, first: Command, more: &mut mpsc::Receiver<Command>) -> bool {
        let mut next = Some(first);
        let mut left = COMMANDS_IN_A_ROW;
        while let Some(command) = next {
            if let Command::Shutdown(done) = command {
                self.end_all();
                let _ = done.send(());
                return false;
            }
            self.command(Instant::now(), command);
            left -= 1;
            next = if left > 0 { more.try_recv().ok() } else { None };
        }
        true
    }

    fn command(&mut self, now: Instant, command: Command) {
        // Whoever asked may have given up meanwhile: nobody then misses the answer.
        match command {
            Command::Describe(stream, reply) => {
                let _ = reply.send(self.describe(stream));
            }
            Command::Attach(attach) => self.attach(now, *attach),
            Command::Trickle(session, fragment, reply) => {
                let _ = reply.send(self.trickle(session, &fragment));
            }
            Command::Close(session, reply) => {
                let _ = reply.send(self.close(now, session));
            }
            Command::CloseStream(stream, reply) => {
                for slot in self.sessions.slots(|session| session.stream == stream) {
                    self.end(now, slot, "its stream was closed");
                }
                let _ = reply.send(());
            }
            Command::ClosePublisher(stream, reply) => {
                let publishes = |session: &Session| {
                    session.stream == stream && matches!(session.end, End::Publisher(_))
                };
                let slots = self.sessions.slots(publishes);
                for slot in &slots {
                    self.end(now, *slot, "its source was stopped");
                }
                let _ = reply.send(!slots.is_empty());
            }
            Command::Status(stream, reply) => {
                let status = self.streams.get(&stream).map(|entry| entry.status(now));
                let _ = reply.send(status.unwrap_or_default());
            }
            Command::Shutdown(_) => {}
        }
    }

    fn describe(&mut self, stream: StreamId) -> Option<Source> {
        let entry = self.streams.get(&stream)?;
        let publishes = entry.publisher.is_some() || !entry.coming.is_empty();
        publishes.then_some(entry.source)
    }

    fn attach(&mut self, now: Instant, attach: Attach) {
        let Attach { id, stream, end, permit, done } = attach;
        let entry = self.streams.entry(stream).or_default();
        let publisher = match &end {
            End::Publisher(publisher) => Some(*publisher.source()),
            End::Viewer { .. } => None,
        };
        if let (Some(source), None) = (publisher, entry.publisher) {
            entry.source = source;
        }
        let slot = self.sessions.insert(Session::new(now, id, stream, end, permit));
        if publisher.is_some()
            && let Some(given_up) = self.streams.entry(stream).or_default().expect(slot)
        {
            self.end(now, given_up, "others came after it before it was connected");
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        tracing::debug!(session = %short(id), %stream, publisher = publisher.is_some(), "a session was answered");
        self.wake(now, slot);
        if done.send(()).is_err() {
            self.end(now, slot, "its client gave up");
        }
    }

    fn trickle(&mut self, session: SessionId, fragment: &Fragment) -> Result<(), TrickleError> {
        let slot = self.sessions.find(session).ok_or(TrickleError::NoSession)?;
        let session = self.sessions.get(slot).ok_or(TrickleError::NoSession)?;
        match &fragment.ufrag {
            Some(ufrag) if ufrag != session.peer().remote_ufrag() => Err(TrickleError::Restart),
            _ => Ok(()),
        }
    }

    fn close(&mut self, now: Instant, session: SessionId) -> bool {
        match self.sessions.find(session) {
            Some(slot) => {
                self.end(now, slot, "it was closed");
                true
            }
            None => self.sessions.ended(session),
        }
    }

    fn receive(&mut self, inbox: &mut Inbox) {
        for _ in 0..BATCHES {
            let now = Instant::now();
            match self.socket.receive(inbox) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::debug!(%error, "a receive failed");
                    return;
                }
            }
            for (arrival, data) in inbox.datagrams(self.socket.local()) {
                self.datagram(now, arrival, data);
            }
            self.flush(now);
        }
    }

    /// One datagram: by the address it comes from, and a STUN request by whom it
    /// names. Media and DTLS count only from addresses that answered ICE.
    fn datagram(&mut self, now: Instant, arrival: Arrival, data: &[u8]) {
        let Arrival { from, to } = arrival;
        let slot = if is_stun(data) {
            let named = local_ufrag(data).and_then(|ufrag| self.sessions.by_ufrag(ufrag));
            let Some(slot) = named.or_else(|| self.sessions.by_address(from)) else { return };
            let Some(session) = self.sessions.get(slot) else { return };
            let accepted = guarded(|| Ok(session.peer().accepts_stun(now, from, to, data)));
            if !matches!(accepted, Ok(true)) {
                return;
            }
            self.sessions.proven(slot, from, to);
            slot
        } else {
            let Some(slot) = self.sessions.by_address(from) else { return };
            slot
        };
        let Some(session) = self.sessions.get(slot) else { return };
        session.heard(now);
        match guarded(|| session.peer().datagram(now, from, to, data)) {
            Ok(()) => self.drain(now, slot),
            Err(reason) => self.end(now, slot, reason),
        }
    }

    /// Takes all that a session has to say.
    pub(super) fn drain(&mut self, now: Instant, slot: Slot) {
        let mut events = Vec::new();
        let Shard { sessions, socket, outbox, .. } = self;
        let Some(session) = sessions.get(slot) else { return };
        let polled = guarded(|| poll_all(session, socket, outbox, &mut events));
        self.outbox.flush(&mut self.socket);
        match polled {
            Ok(deadline) => self.arm(now, slot, deadline),
            Err(reason) => return self.end(now, slot, reason),
        }
        for event in events {
            self.event(now, slot, event);
        }
        if self.sessions.get(slot).is_some_and(|session| !session.peer().is_alive()) {
            self.end(now, slot, "its client closed it");
        }
    }

    fn arm(&mut self, now: Instant, slot: Slot, deadline: Instant) {
        let deadline = deadline.max(now + SOONEST);
        let Some(session) = self.sessions.get(slot) else { return };
        if session.armed.is_none_or(|armed| deadline < armed) {
            session.armed = Some(deadline);
            self.timers.set(deadline, slot);
        }
    }

    /// Lets the session know the time, and takes what it then has to say.
    pub(super) fn wake(&mut self, now: Instant, slot: Slot) {
        let Some(session) = self.sessions.get(slot) else { return };
        session.dirty = false;
        match guarded(|| session.peer().tick(now)) {
            Ok(()) => self.drain(now, slot),
            Err(reason) => self.end(now, slot, reason),
        }
    }

    fn expire_timers(&mut self, now: Instant) {
        while let Some((at, slot)) = self.timers.due(now) {
            let Some(session) = self.sessions.get(slot) else { continue };
            if session.armed == Some(at) {
                session.armed = None;
                self.wake(now, slot);
            }
        }
    }

    /// Sends what was written in this round: each viewer is drained once.
    fn flush(&mut self, now: Instant) {
        self.feed(now);
        let mut dirty = std::mem::take(&mut self.dirty);
        for slot in dirty.drain(..) {
            self.wake(now, slot);
        }
        if self.dirty.is_empty() {
            self.dirty = dirty; // its memory is used again
        }
    }

    /// Feeds viewers who are behind, and asks publishers for key frames.
    fn feed(&mut self, now: Instant) {
        self.feed_at = None;
        for stream in std::mem::take(&mut self.touched) {
            let next = self.feed_stream(now, stream);
            if let Some(at) = next {
                self.touched.insert(stream);
                self.feed_at = Some(self.feed_at.map_or(at, |other| other.min(at)));
            }
        }
    }

    fn feed_stream(&mut self, now: Instant, stream: StreamId) -> Option<Instant> {
        let behind = self.pump(now, stream);
        let entry = self.streams.get_mut(&stream)?;
        if entry.stream.poll_keyframe_request(now)
            && let Some(slot) = entry.publisher
        {
            if let Some(Session { end: End::Publisher(publisher), .. }) = self.sessions.get(slot) {
                publisher.request_keyframe();
            }
            self.wake(now, slot);
        }
        let wish = self.streams.get(&stream).and_then(|entry| entry.stream.keyframe_deadline());
        let wish = wish.map(|at| at.max(now + SOONEST));
        let behind = behind.then(|| now + FEED);
        match (behind, wish) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn housekeeping(&mut self, now: Instant) {
        for slot in self.sessions.expired(now) {
            self.end(now, slot, "it was not heard of");
        }
        let silent = |entry: &Entry| {
            entry.since.is_some()
                && entry.last_packet().is_none_or(|at| now.saturating_duration_since(at) > SILENT)
        };
        let silent: Vec<StreamId> =
            self.streams.iter().filter(|(_, e)| silent(e)).map(|(id, _)| *id).collect();
        for stream in silent {
            self.offline(stream);
        }
        let forgotten = self.sessions.forget(now);
        if !forgotten.is_empty() {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            for session in forgotten {
                known.remove(&session);
            }
        }
        self.emit_backlog();
    }

    pub(super) fn session(&mut self, slot: Slot) -> Option<&mut Session> {
        self.sessions.get(slot)
    }

    /// The sessions, and the list of those that have something to send.
    pub(super) fn parts(
        &mut self,
    ) -> (&mut Sessions, &mut HashMap<StreamId, Entry>, &mut Vec<Slot>) {
        (&mut self.sessions, &mut self.streams, &mut self.dirty)
    }

    /// Ends a session: it says goodbye, and its place in the stream becomes free.
    pub(super) fn end(&mut self, now: Instant, slot: Slot, reason: &str) {
        if let Some(session) = self.sessions.get(slot) {
            tracing::debug!(session = %short(session.id), stream = %session.stream, reason, "a session ended");
            let Shard { sessions, socket, outbox, .. } = self;
            if let Some(session) = sessions.get(slot) {
                // What it says last is of no consequence to anybody here.
                let _ = guarded(|| {
                    session.peer().close();
                    session.peer().tick(now)?;
                    poll_all(session, socket, outbox, &mut Vec::new())
                });
            }
            self.outbox.flush(&mut self.socket);
        }
        if let Some(session) = self.sessions.remove(now, slot) {
            self.leave(slot, &session);
        }
    }

    fn end_all(&mut self) {
        let now = Instant::now();
        for slot in self.sessions.slots(|_| true) {
            self.end(now, slot, "the server shuts down");
        }
        if self.socket.dropped() > 0 {
            tracing::info!(
                datagrams = self.socket.dropped(),
                "the kernel did not take some datagrams"
            );
        }
    }

    /// Tells the server; what it does not take at once is offered again.
    pub(super) fn tell(&mut self, event: MediaEvent) {
        if self.backlog.len() >= BACKLOG {
            self.backlog.pop_front();
            tracing::warn!("an event was lost: nobody takes them");
        }
        self.backlog.push_back(event);
        self.emit_backlog();
    }

    fn emit_backlog(&mut self) {
        while let Some(event) = self.backlog.front() {
            match self.events.try_send(*event) {
                Err(mpsc::error::TrySendError::Full(_)) => return,
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {
                    self.backlog.pop_front();
                }
            }
        }
    }
}

/// The beginning of a session's id: all of it would let a reader of the log end it.
fn short(id: SessionId) -> String {
    id.to_string().chars().take(6).collect()
}

fn poll_all(
    session: &mut Session,
    socket: &mut Socket,
    outbox: &mut Outbox,
    events: &mut Vec<Event>,
) -> Result<Instant, RtcError> {
    for _ in 0..OUTPUTS {
        match session.peer().poll()? {
            Output::Timeout(at) => return Ok(at),
            Output::Transmit(transmit) => {
                let from = session.local_for(transmit.destination);
                outbox.push(socket, Route { to: transmit.destination, from }, &transmit.contents);
            }
            Output::Event(event) => events.push(event),
        }
    }
    Ok(Instant::now())
}

/// Runs what touches a single session: an error or a panic is the end of that
/// session and of nothing else.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, RtcError>) -> Result<T, &'static str> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a session failed");
            Err("it failed")
        }
        Err(_) => {
            tracing::error!("a defect ended a session");
            Err("of a defect")
        }
    }
}
