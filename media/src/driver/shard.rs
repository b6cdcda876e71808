//! The thread that owns sessions, streams and the socket.

use std::collections::VecDeque;
use std::io;
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;

use crate::ids::{IdMap, IdSet, StreamId};
use crate::rtcp::WallClock;
use crate::status::MediaEvent;
use crate::webrtc::PublishedMedia;

use super::composites::Taps;
use super::defects::Serves;
pub(super) use super::defects::guarded;
use super::feeds::FeedItem;
use super::meetings::Meetings;
use super::outputs::{goodbye, poll_all};
use super::rounds::apart;
use super::sender::Word;
use super::senders::Senders;
use super::sessions::{End, Session, Sessions, Slot, short};
use super::slates::Slates;
use super::socket::{BATCHES, Inbox, Outbox, Outlet, Socket};
use super::streams::{Entry, SILENT};
use super::tape::Tape;
use super::tcp::{self, FromTcp, Lines};
use super::timers::Timers;
use super::transcodes::Transcodes;
use super::{Command, Known};

/// Where so many trains come in a round, it is not waited for the next one's first.
const BUSY: usize = 4;
/// Commands in a row before datagrams get their turn.
const COMMANDS_IN_A_ROW: usize = 32;
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// A session that wants to be woken at once is woken after this.
const SOONEST: Duration = Duration::from_millis(1);
/// Jobs that a fan-out thread had no room for are offered again after this.
const AGAIN: Duration = Duration::from_millis(1);
/// Words of the fan-out threads in a row.
const WORDS_IN_A_ROW: usize = 64;
/// Items of feeds in a row.
const ITEMS_IN_A_ROW: usize = 64;
/// Events that the server has not taken; beyond, the oldest go.
const BACKLOG: usize = 4096;

pub(super) struct Shard {
    pub(super) socket: Socket,
    pub(super) outbox: Outbox,
    pub(super) sessions: Sessions,
    pub(super) streams: IdMap<StreamId, Entry>,
    pub(super) senders: Senders,
    pub(super) lines: Lines,
    pub(super) meetings: Meetings,
    pub(super) tape: Tape,
    pub(super) taps: Taps,
    pub(super) transcodes: Transcodes,
    pub(super) slates: Slates,
    timers: Timers,
    /// Streams with key frames to ask for.
    pub(super) touched: IdSet<StreamId>,
    wake_at: Option<Instant>,
    /// Whom it works for.
    pub(super) serves: Option<Serves>,
    pub(super) wall: WallClock,
    events: mpsc::Sender<MediaEvent>,
    backlog: VecDeque<MediaEvent>,
    pub(super) known: Known,
    /// The server is about to end.
    pub(super) draining: bool,
    /// Whose turn is next: empty, and kept for its memory.
    pub(super) next: Vec<Slot>,
    /// What a train of datagrams carried: empty, and kept for its memory.
    pub(super) came: Vec<PublishedMedia>,
}

/// What the media thread begins with.
pub(super) struct Start {
    pub(super) socket: std::net::UdpSocket,
    /// Where clients connect that cannot use UDP, and their connections.
    pub(super) listener: std::net::TcpListener,
    pub(super) lines: Lines,
    /// How many fan-out threads there are.
    pub(super) threads: usize,
    pub(super) commands: mpsc::Receiver<Command>,
    /// What publishers that are no WebRTC sessions send.
    pub(super) feeds: mpsc::Receiver<FeedItem>,
    pub(super) events: mpsc::Sender<MediaEvent>,
    pub(super) known: Known,
    pub(super) transcodes: Transcodes,
    pub(super) slates: Slates,
}

/// Runs until it is told to end, or nobody is left to tell.
pub(super) fn run(start: Start) -> io::Result<()> {
    let Start { socket, listener, lines, threads, commands, feeds, events, known, .. } = start;
    let Start { transcodes, slates, .. } = start;
    let (arrivals, accepting) = tcp::start(listener, lines.clone())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        let wall = WallClock::new(Instant::now(), SystemTime::now());
        let outlets: io::Result<Vec<Outlet>> =
            (0..threads.max(1)).map(|_| Outlet::new(&socket, lines.clone())).collect();
        let (senders, words) = Senders::start(outlets?, wall)?;
        let mut shard = Shard {
            socket: Socket::new(socket, lines.clone())?,
            outbox: Outbox::default(),
            sessions: Sessions::default(),
            streams: IdMap::default(),
            senders,
            lines,
            meetings: Meetings::default(),
            tape: Tape::default(),
            taps: Taps::default(),
            transcodes,
            slates,
            timers: Timers::default(),
            touched: IdSet::default(),
            wake_at: None,
            serves: None,
            wall,
            events,
            backlog: VecDeque::new(),
            known,
            draining: false,
            next: Vec::new(),
            came: Vec::new(),
        };
        shard.serve(commands, words, arrivals, feeds).await;
        shard.senders.stop();
        shard.lines.stop();
        if accepting.join().is_err() {
            tracing::error!("the TCP thread ended of a defect");
        }
        Ok(())
    })
}

impl Shard {
    async fn serve(
        &mut self,
        mut commands: mpsc::Receiver<Command>,
        mut words: mpsc::Receiver<Word>,
        mut arrivals: mpsc::Receiver<FromTcp>,
        mut feeds: mpsc::Receiver<FeedItem>,
    ) {
        let mut inbox = Inbox::new(apart(0));
        let mut housekeeping = Instant::now() + HOUSEKEEPING;
        loop {
            let cores = [self.meetings.deadline(), self.slates.deadline()];
            let wake = [self.timers.next(), self.wake_at, Some(housekeeping)].into_iter();
            let wake = wake.chain(cores).flatten().min().unwrap_or(housekeeping);
            tokio::select! {
                command = commands.recv() => {
                    let Some(command) = command else { break };
                    if !self.commands(command, &mut commands) {
                        return;
                    }
                }
                Some(word) = words.recv() => self.words(word, &mut words),
                Some(first) = arrivals.recv() => self.arrivals(first, &mut arrivals),
                Some(item) = feeds.recv() => self.feed_items(item, &mut feeds),
                _ = self.socket.readable() => self.receive(&mut inbox),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            let now = Instant::now();
            self.expire_timers(now);
            self.contained(now, |shard| shard.tick_meetings(now));
            self.tick_slates(now);
            if housekeeping <= now {
                housekeeping = now + HOUSEKEEPING;
                self.housekeeping(now);
                let publishers = self.streams.values().filter(|e| e.publisher.is_some()).count();
                inbox.set_apart(apart(publishers));
            }
            self.flush(now);
        }
        self.end_all();
    }

    fn words(&mut self, first: Word, more: &mut mpsc::Receiver<Word>) {
        let now = Instant::now();
        let rest = std::iter::from_fn(|| more.try_recv().ok());
        for word in std::iter::once(first).chain(rest).take(WORDS_IN_A_ROW) {
            self.contained(now, |shard| shard.word(now, word));
        }
    }

    fn feed_items(&mut self, first: FeedItem, more: &mut mpsc::Receiver<FeedItem>) {
        let now = Instant::now();
        let rest = std::iter::from_fn(|| more.try_recv().ok());
        for item in std::iter::once(first).chain(rest).take(ITEMS_IN_A_ROW) {
            self.contained(now, |shard| shard.feed_item(now, item));
        }
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
            let now = Instant::now();
            self.contained(now, |shard| shard.command(now, command));
            left -= 1;
            next = if left > 0 { more.try_recv().ok() } else { None };
        }
        true
    }

    fn receive(&mut self, inbox: &mut Inbox) {
        inbox.begin();
        let mut came = 0;
        for _ in 0..BATCHES {
            let now = Instant::now();
            if !self.socket.fill(inbox) {
                return;
            }
            self.ahead(inbox);
            for (pair, train) in inbox.trains(self.socket.local()) {
                self.train(now, pair, train);
            }
            self.flush(now);
            came += inbox.len();
            // The next round begins without being woken for it: something will have come.
            if inbox.was_last() && came >= BUSY {
                return;
            }
        }
    }

    /// Takes all that a session has to say.
    pub(super) fn drain(&mut self, now: Instant, slot: Slot) {
        let Some(session) = self.sessions.get(slot) else { return };
        match &mut session.end {
            End::Publisher(_) => self.drain_publisher(now, slot),
            End::Member(_) => self.drain_member(now, slot),
            End::Viewer(_) => self.drain_viewer(now, slot),
            End::Feed(_) => {}
        }
        if self.sessions.get(slot).is_some_and(|session| !session.is_alive()) {
            self.end(now, slot, "its client closed it");
        }
    }

    fn drain_member(&mut self, now: Instant, slot: Slot) {
        let mut events = Vec::new();
        let Shard { sessions, socket, outbox, .. } = self;
        let Some(session) = sessions.get(slot) else { return };
        let polled = guarded(|| poll_all(session, socket, outbox, &mut events));
        match polled {
            Ok(deadline) => self.arm(now, slot, deadline),
            Err(reason) => return self.end(now, slot, reason),
        }
        for event in events {
            self.member_event(now, slot, event);
        }
    }

    fn drain_publisher(&mut self, now: Instant, slot: Slot) {
        let next = |shard: &mut Self| shard.sessions.get(slot)?.publisher()?.poll();
        while let Some(output) = next(self) {
            self.published(now, slot, output);
        }
        let publisher = self.sessions.get(slot).and_then(Session::publisher);
        if let Some(deadline) = publisher.and_then(|publisher| publisher.deadline()) {
            self.arm(now, slot, deadline);
        }
    }

    fn drain_viewer(&mut self, now: Instant, slot: Slot) {
        let next = |shard: &mut Self| shard.sessions.get(slot)?.viewing()?.viewer.poll();
        while let Some(output) = next(self) {
            self.output(now, slot, output);
        }
        let viewing = self.sessions.get(slot).and_then(Session::viewing);
        if let Some(deadline) = viewing.and_then(|viewing| viewing.viewer.deadline()) {
            self.arm(now, slot, deadline);
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
        self.serves = Some(Serves::Session(slot));
        let Some(session) = self.sessions.get(slot) else { return };
        let woken = match &mut session.end {
            End::Publisher(publisher) => guarded(|| {
                publisher.tick(now);
                Ok(())
            }),
            End::Member(attendance) => guarded(|| attendance.member.peer.tick(now)),
            End::Viewer(viewing) => guarded(|| {
                viewing.viewer.tick(now);
                Ok(())
            }),
            End::Feed(_) => Ok(()),
        };
        match woken {
            Ok(()) => self.drain(now, slot),
            Err(reason) => self.end(now, slot, reason),
        }
    }

    fn expire_timers(&mut self, now: Instant) {
        while let Some((at, slot)) = self.timers.due(now) {
            let Some(session) = self.sessions.get(slot) else { continue };
            if session.armed == Some(at) {
                session.armed = None;
                self.contained(now, |shard| shard.wake(now, slot));
            }
        }
    }

    /// Sends what was made in this round, and asks for key frames.
    fn flush(&mut self, now: Instant) {
        self.contained(now, |shard| shard.follow_meetings(now));
        let mut wake: Option<Instant> = None;
        for stream in std::mem::take(&mut self.touched) {
            let mut asked = None;
            self.contained(now, |shard| {
                shard.serves = Some(Serves::Stream(stream));
                asked = shard.ask_keyframes(now, stream);
            });
            if let Some(at) = asked {
                self.touched.insert(stream);
                let at = at.max(now + SOONEST);
                wake = Some(wake.map_or(at, |other| other.min(at)));
            }
        }
        if self.senders.flush() {
            let at = now + AGAIN;
            wake = Some(wake.map_or(at, |other| other.min(at)));
        }
        self.outbox.flush(self.socket.outlet());
        // What a session says itself is repeated where it is lost.
        self.socket.outlet().take_full();
        self.wake_at = wake;
    }

    fn housekeeping(&mut self, now: Instant) {
        for (slot, reason) in self.sessions.expired(now) {
            self.contained(now, |shard| {
                shard.serves = Some(Serves::Session(slot));
                shard.end(now, slot, reason);
            });
        }
        let silent = |entry: &Entry| {
            entry.since.is_some()
                && entry
                    .ingest
                    .last_packet()
                    .is_none_or(|at| now.saturating_duration_since(at) > SILENT)
        };
        let silent: Vec<StreamId> =
            self.streams.iter().filter(|(_, e)| silent(e)).map(|(id, _)| *id).collect();
        for stream in silent {
            self.offline(stream);
        }
        self.contained(now, |shard| shard.look_at_layers(now));
        self.contained(now, |shard| shard.look_at_transcodes(now));
        self.contained(now, |shard| shard.look_at_slates(now));
        self.contained(now, |shard| shard.tell_feeds(now));
        let forgotten = self.sessions.forget(now);
        if !forgotten.is_empty() {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            for session in forgotten {
                known.remove(&session);
            }
        }
        self.emit_backlog();
    }

    /// Ends a session: it says goodbye, and its place in the stream becomes free.
    pub(super) fn end(&mut self, now: Instant, slot: Slot, reason: &str) {
        let Shard { sessions, socket, outbox, .. } = self;
        let Some(session) = sessions.get(slot) else { return };
        tracing::debug!(session = %short(session.id), stream = %session.stream, reason, "a session ended");
        // What it says last is of no consequence to anybody here.
        let _ = guarded(|| goodbye(now, session, socket, outbox));
        if let Some(session) = self.sessions.remove(now, slot) {
            match &session.end {
                End::Member(_) => self.leave_meeting(now, slot, &session),
                End::Publisher(_) | End::Viewer(_) | End::Feed(_) => {
                    self.leave(now, slot, &session)
                }
            }
            if session.connections().next().is_some() {
                // Nothing is taken for them any more once they are to close.
                self.outbox.flush(self.socket.outlet());
                session.connections().for_each(|connection| self.lines.close(connection));
            }
        }
    }

    fn end_all(&mut self) {
        let now = Instant::now();
        for slot in self.sessions.slots(|_| true) {
            self.contained(now, |shard| shard.end(now, slot, "the server shuts down"));
        }
        // There is no further round for what they were told.
        self.outbox.flush(self.socket.outlet());
        let (datagrams, packets) = (self.socket.outlet().dropped(), self.senders.dropped());
        if datagrams + packets > 0 {
            tracing::info!(datagrams, packets, "some were dropped for lack of room");
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
