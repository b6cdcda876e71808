//! The port's thread.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::ids::StreamId;
use crate::srt::{Call, CallId, Closed, Keys, Limits, LinkId, Listener, Output, Rejection};
use crate::status::SourceStatus;
use crate::webrtc::Pair;

use super::super::feeds::Register;
use super::super::ffmpeg::Ffmpeg;
use super::super::sessions::short;
use super::super::socket::{BATCHES, Inbox, Outbox, Route, Socket};
use super::super::tcp::{Lines, TcpLimits};
use super::publishing::Publishing;
use super::{Caller, DECISIONS, Gate, Start, Statuses, request};

/// It is looked this often at what is no datagram's or caller's affair.
const LOOK: Duration = Duration::from_millis(100);
/// The figures are told this often.
const TELL: Duration = Duration::from_secs(1);
/// A caller that was silent for this long gives way to another: it is gone, and does not know.
const GONE: Duration = Duration::from_secs(1);
/// Datagrams are received, and payloads handed on, at least so far apart. A sender hands its network
/// a picture's packets one by one, 40 us apart at its fastest, and each is handed on as long
/// after: woken for each, this thread would do little else. Of a latency, which is 120 ms and more,
/// it is nothing.
const APART: Duration = Duration::from_millis(2);
/// A listener that has nothing to do is asked again after this.
const IDLE: Duration = Duration::from_secs(1);

/// What came of a caller's wish.
struct Decision {
    call: CallId,
    from: SocketAddr,
    outcome: Result<Admitted, Rejection>,
}

/// A caller that may come, as far as the server is concerned.
struct Admitted {
    stream: StreamId,
    keys: Option<Keys>,
    /// The server has taken note of it, which comes after all else was looked at.
    noted: bool,
    /// It is one of those that are decided on.
    _permit: OwnedSemaphorePermit,
}

struct Port {
    socket: Socket,
    outbox: Outbox,
    limits: Limits,
    listener: Listener,
    /// Which of our addresses a remote one talks to.
    locals: HashMap<SocketAddr, SocketAddr>,
    publishing: HashMap<LinkId, Publishing>,
    gate: Arc<dyn Gate>,
    server: tokio::runtime::Handle,
    decisions: mpsc::UnboundedSender<Decision>,
    deciding: Arc<Semaphore>,
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
        // As many wait as the listener lets ask.
        let (decisions, decided) = mpsc::unbounded_channel();
        let mut port = Port {
            // Nothing here goes over TCP.
            socket: Socket::new(start.socket, Lines::new(TcpLimits::default()))?,
            outbox: Outbox::default(),
            limits: start.limits,
            listener: Listener::new(now, start.limits),
            locals: HashMap::new(),
            publishing: HashMap::new(),
            gate: start.gate,
            server: start.server,
            decisions,
            deciding: Arc::new(Semaphore::new(DECISIONS)),
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

impl Port {
    async fn serve(
        &mut self,
        mut end: mpsc::Receiver<oneshot::Sender<()>>,
        mut decided: mpsc::UnboundedReceiver<Decision>,
    ) {
        let mut inbox = Inbox::new(APART);
        loop {
            let now = Instant::now();
            let mut wake = self.listener.deadline().unwrap_or(now + IDLE).min(now + IDLE);
            if !self.publishing.is_empty() || !self.register.is_done() {
                wake = wake.min(self.looked + LOOK);
            }
            wake = inbox.soonest().map_or(wake, |soonest| wake.max(soonest));
            tokio::select! {
                done = end.recv() => {
                    self.listener.shut(Instant::now());
                    self.outputs(Instant::now(), None);
                    self.outbox.flush(self.socket.outlet());
                    if let Some(done) = done {
                        // An error: whoever asked did not wait.
                        let _ = done.send(());
                    }
                    return;
                }
                Some(decision) = decided.recv() => {
                    let (now, from) = (Instant::now(), decision.from);
                    self.contained(now, Some(from), |port| port.decided(now, decision));
                }
                _ = self.socket.readable() => self.receive(&mut inbox),
                () = tokio::time::sleep_until(wake.into()) => self.receive(&mut inbox),
            }
            let now = Instant::now();
            self.contained(now, None, |port| port.tick(now));
        }
    }

    fn tick(&mut self, now: Instant) {
        #[cfg(test)]
        super::tests::defect_at(self.socket.local());
        self.listener.tick(now);
        self.outputs(now, None);
        if now.saturating_duration_since(self.looked) >= LOOK {
            self.looked = now;
            self.look(now);
        }
        self.outbox.flush(self.socket.outlet());
    }

    /// Does a piece of work. A panic in it ends the connections from the address that it was for;
    /// where it was for nobody, all callers begin anew, for nobody knows what is left torn.
    fn contained(&mut self, now: Instant, whose: Option<SocketAddr>, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_ok() {
            return;
        }
        tracing::error!(?whose, "a defect disturbed the SRT port");
        // What was being made may be half there; all of it is repeated where it is lost.
        self.outbox.clear();
        let mended = whose.is_some_and(|from| {
            let mend = || {
                let of = |link: &&LinkId| {
                    self.listener.remote(now, **link).is_some_and(|(remote, _)| remote == from)
                };
                let links: Vec<LinkId> = self.publishing.keys().filter(of).copied().collect();
                for link in links {
                    self.listener.close(now, link);
                }
                self.outputs(now, None);
                // The next datagram may have the same defect, and what waits is thrown away then.
                self.outbox.flush(self.socket.outlet());
                self.locals.remove(&from);
            };
            catch_unwind(AssertUnwindSafe(mend)).is_ok()
        });
        if !mended {
            self.begin_anew(now);
        }
    }

    fn begin_anew(&mut self, now: Instant) {
        self.listener = Listener::new(now, self.limits);
        self.locals.clear();
        self.outbox.clear();
        for (_, publishing) in self.publishing.drain() {
            self.register.end(publishing.outgoing.id);
        }
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn receive(&mut self, inbox: &mut Inbox) {
        inbox.begin();
        for _ in 0..BATCHES {
            let now = Instant::now();
            if !self.socket.fill(inbox) {
                return;
            }
            for (way, data) in inbox.datagrams(self.socket.local()) {
                self.contained(now, Some(way.remote), |port| {
                    #[cfg(test)]
                    super::tests::defect_of(way.remote);
                    port.listener.datagram(now, way.remote, data);
                    port.outputs(now, Some(way));
                });
            }
            self.outbox.flush(self.socket.outlet());
        }
    }

    /// Takes all that the listener has to say; `way` is that of the datagram that made it speak.
    fn outputs(&mut self, now: Instant, way: Option<Pair>) {
        while let Some(output) = self.listener.poll() {
            match output {
                Output::Send(to, datagram) => {
                    let back = way.filter(|way| way.remote == to).map(|way| way.local);
                    let from = back.or_else(|| self.locals.get(&to).copied());
                    let route = Route { to, from, tcp: None };
                    self.outbox.push(self.socket.outlet(), route, &datagram);
                }
                Output::Call(call) => {
                    if let Some(way) = way {
                        self.locals.insert(call.from, way.local);
                    }
                    self.called(now, call);
                }
                Output::Data(link, payload) => {
                    self.data(now, link, &payload);
                    self.listener.recycle(payload);
                }
                Output::Closed(link, why, status) => {
                    if let Ok(remote) = status.remote.parse::<SocketAddr>() {
                        self.locals.remove(&remote);
                    }
                    self.closed(link, why);
                }
            }
        }
    }

    /// Asks the server about a caller.
    fn called(&mut self, now: Instant, call: Call) {
        let (id, from, message) = (call.id, call.from, call.keys);
        let (wanted, room) = (request(&call.stream_id), self.deciding.clone().try_acquire_owned());
        let (request, permit) = match (wanted, room) {
            (Ok(request), Ok(permit)) => (request, permit),
            (Err(why), _) => return self.refuse(now, id, from, why),
            (_, Err(_)) => return self.refuse(now, id, from, Rejection::Overload),
        };
        let (gate, decisions) = (Arc::clone(&self.gate), self.decisions.clone());
        self.server.spawn(async move {
            let decide = async {
                let admitted = gate.admit(Caller { from, request }).await?;
                let keys = match (admitted.passphrase, message) {
                    (None, _) => None,
                    (Some(_), None) => return Err(Rejection::Unsecure),
                    (Some(passphrase), Some(message)) => {
                        let work = move || Keys::unwrap(&passphrase, &message);
                        let keys = tokio::task::spawn_blocking(work).await;
                        Some(keys.ok().flatten().ok_or(Rejection::BadSecret)?)
                    }
                };
                Ok(Admitted { stream: admitted.stream, keys, noted: false, _permit: permit })
            };
            let outcome = decide.await;
            // An error: the port has ended.
            let _ = decisions.send(Decision { call: id, from, outcome });
        });
    }

    fn refuse(&mut self, now: Instant, call: CallId, from: SocketAddr, why: Rejection) {
        tracing::info!(%from, code = why.code(), reason = ?why, "an SRT caller was refused");
        self.listener.answer(now, call, Err(why));
        self.outputs(now, None);
        self.locals.remove(&from);
    }

    fn decided(&mut self, now: Instant, decision: Decision) {
        let Decision { call, from, outcome } = decision;
        let admitted = outcome.and_then(|admitted| {
            let before = self.give_way(now, admitted.stream, from)?;
            let room = self.register.place().ok_or(Rejection::Overload)?;
            Ok((admitted, before, room))
        });
        match admitted {
            Ok((admitted, ..)) if !admitted.noted => self.note(call, from, admitted),
            Ok((admitted, before, room)) => {
                let Some(link) = self.listener.answer(now, call, Ok(admitted.keys)) else {
                    // It was told that nobody decided in time.
                    self.locals.remove(&from);
                    return;
                };
                if let Some(before) = before {
                    self.listener.close(now, before);
                }
                self.begin(link, admitted.stream, from, room);
            }
            Err(why) => self.refuse(now, call, from, why),
        }
    }

    /// Lets the server take note of a caller that is about to be let in.
    fn note(&self, call: CallId, from: SocketAddr, admitted: Admitted) {
        let (gate, decisions) = (Arc::clone(&self.gate), self.decisions.clone());
        self.server.spawn(async move {
            let accepted = gate.accepted(admitted.stream).await;
            let outcome = accepted.map(|()| Admitted { noted: true, ..admitted });
            // An error: the port has ended.
            let _ = decisions.send(Decision { call, from, outcome });
        });
    }

    /// Whether the running publisher of a stream, if there is one, gives way to a caller: when it
    /// is silent, or of the same address. An encoder that dropped does not wait to be given up.
    fn give_way(
        &self,
        now: Instant,
        stream: StreamId,
        from: SocketAddr,
    ) -> Result<Option<LinkId>, Rejection> {
        let running = self.publishing.iter().find(|(_, running)| running.outgoing.stream == stream);
        let Some((link, _)) = running else { return Ok(None) };
        let Some((remote, silent)) = self.listener.remote(now, *link) else { return Ok(None) };
        let gives_way = remote.ip() == from.ip() || silent >= GONE;
        if gives_way { Ok(Some(*link)) } else { Err(Rejection::Conflict) }
    }

    fn begin(
        &mut self,
        link: LinkId,
        stream: StreamId,
        from: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) {
        let (id, feeds, gone) = self.register.begin(stream, permit);
        tracing::info!(session = %short(id), %stream, %from, "an SRT caller publishes");
        let publishing = Publishing::new(id, stream, feeds, gone, self.ffmpeg.clone());
        self.publishing.insert(link, publishing);
    }

    fn data(&mut self, now: Instant, link: LinkId, payload: &[u8]) {
        let Some(publishing) = self.publishing.get_mut(&link) else {
            // A defect kept it from being begun.
            return self.listener.close(now, link);
        };
        let taken = catch_unwind(AssertUnwindSafe(|| publishing.take(now, payload)));
        if taken.is_err() {
            tracing::error!(stream = %publishing.outgoing.stream, "a defect ended an SRT caller's connection");
            self.listener.close(now, link);
        }
    }

    fn closed(&mut self, link: LinkId, why: Closed) {
        let Some(publishing) = self.publishing.remove(&link) else { return };
        let (id, stream) = (publishing.outgoing.id, publishing.outgoing.stream);
        tracing::info!(session = %short(id), %stream, reason = ?why, "an SRT caller is gone");
        let runs_on = self.publishing.values().any(|other| other.outgoing.stream == stream);
        if !runs_on {
            self.statuses.lock().unwrap_or_else(PoisonError::into_inner).remove(&stream);
        }
        self.register.end(id);
    }

    /// Ends what the media thread has ended, and tells the figures.
    fn look(&mut self, now: Instant) {
        self.register.say();
        let gone = |publishing: &Publishing| publishing.outgoing.gone.load(Ordering::Relaxed);
        let over: Vec<LinkId> =
            self.publishing.iter().filter(|(_, p)| gone(p)).map(|(link, _)| *link).collect();
        for link in over {
            self.listener.close(now, link);
        }
        self.outputs(now, None);
        if now.saturating_duration_since(self.told) < TELL {
            return;
        }
        self.told = now;
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        for (link, publishing) in &mut self.publishing {
            if let Some(srt) = self.listener.status(*link) {
                publishing.outgoing.sends(srt.packets);
                let status = SourceStatus {
                    srt,
                    problems: publishing.problems(),
                    frames_lost: publishing.frames_lost(),
                    skipped: publishing.outgoing.skipped,
                };
                statuses.insert(publishing.outgoing.stream, status);
            }
        }
    }
}
