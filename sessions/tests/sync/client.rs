//! A client of a room, as the browser's is (`web/src/lib/room`, `web/src/lib/sync/clock.ts`): it
//! keeps the newest state, sends commands one after another, foresees what they will do, and
//! measures the server's clock. It knows its own clock only.

use std::collections::VecDeque;

use rushes_sessions::{
    Ack, AssetId, Command, Frame, Loop, Millis, Op, Reason, Refusal, Report, State, SyncMode,
    UserId,
};

/// What goes to the server.
#[derive(Clone, Debug)]
pub(crate) enum Up {
    Subscribe,
    Time { t0: f64 },
    Command { command: Command, wanted: Wanted },
    Report(Report),
}

/// What comes from it.
#[derive(Clone, Debug)]
pub(crate) enum Down {
    Subscribed(Box<State>),
    Time { t0: f64, t1: f64, t2: f64 },
    Ack(Ack),
    Refused(Refusal),
    Changed(Box<State>),
}

/// What a person wants. Frames are chosen when it is wanted, from what they see.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    Play,
    Pause,
    Step(i64),
    Other(Op),
}

/// Samples of the clock that are kept, and what is thought of two clocks' drift.
const KEPT: usize = 16;
const DRIFT: f64 = 100e-6;

#[derive(Clone, Copy, Debug)]
struct Sample {
    offset: f64,
    delay: f64,
    at: f64,
}

/// What is known of the server's clock.
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    samples: VecDeque<Sample>,
    count: usize,
}

impl ServerClock {
    fn add(&mut self, t0: f64, t1: f64, t2: f64, t3: f64) {
        let delay = (t3 - t0 - (t2 - t1)).max(0.0);
        self.samples.push_back(Sample { offset: (t1 - t0 + (t2 - t3)) / 2.0, delay, at: t3 });
        if self.samples.len() > KEPT {
            self.samples.pop_front();
        }
        self.count += 1;
    }

    fn best(&self) -> Option<Sample> {
        let newest = self.samples.back()?.at;
        let doubt = |sample: &Sample| sample.delay / 2.0 + (newest - sample.at) * DRIFT;
        self.samples.iter().rev().copied().min_by(|a, b| doubt(a).total_cmp(&doubt(b)))
    }

    pub(crate) fn server_time(&self, local: f64) -> Option<f64> {
        self.best().map(|best| local + best.offset)
    }

    /// How far the server's time may be off at most, with clocks that drift by `drift`.
    pub(crate) fn doubt(&self, local: f64, drift: f64) -> Option<f64> {
        self.best().map(|best| best.delay / 2.0 + (local - best.at + best.delay) * drift)
    }

    pub(crate) fn pause(&self) -> f64 {
        if self.count < KEPT { 150.0 } else { 3000.0 }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    op: Op,
    /// The revision that the person saw when they wanted it.
    pub(crate) seen: u64,
    /// What is on show and who drives, once their own earlier wishes are fulfilled.
    pub(crate) asset: Option<AssetId>,
    sync_mode: SyncMode,
}

impl Wanted {
    /// Whether it still means the same: a frame is one of a clip; and whoever wanted something
    /// while others could drive, or nobody, did not know what they would undo now.
    fn still_meant(&self, state: &State) -> bool {
        is_absolute(self.op)
            || (self.asset == state.asset.map(|a| a.id) && self.sync_mode == state.sync_mode)
    }
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    wanted: Wanted,
    epoch: u64,
    again: bool,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) user: UserId,
    /// Its clock: how far it is off at the beginning, and how much faster it runs.
    pub(crate) offset_ms: f64,
    pub(crate) drift: f64,
    pub(crate) connection: Option<u64>,
    pub(crate) attempt: i32,
    pub(crate) attending: bool,
    pub(crate) state: Option<State>,
    /// What it knew when the connection began.
    before: Option<(u64, u64)>,
    pub(crate) predicted: Option<State>,
    pub(crate) clock: ServerClock,
    acked_rev: u64,
    queue: VecDeque<Wanted>,
    sending: Option<Sent>,
    commands: u64,
}

impl Client {
    pub(crate) fn new(user: UserId, offset_ms: f64, drift: f64) -> Client {
        Client {
            user,
            offset_ms,
            drift,
            connection: None,
            attempt: 0,
            attending: false,
            state: None,
            before: None,
            predicted: None,
            clock: ServerClock::default(),
            acked_rev: 0,
            queue: VecDeque::new(),
            sending: None,
            commands: 0,
        }
    }

    /// What its own clock shows, `elapsed` milliseconds after the beginning.
    pub(crate) fn local(&self, elapsed: f64) -> f64 {
        elapsed * (1.0 + self.drift) + self.offset_ms
    }

    /// There is a connection.
    pub(crate) fn opened(&mut self, connection: u64, local: f64) -> Vec<Up> {
        self.connection = Some(connection);
        self.attempt = 0;
        self.clock = ServerClock::default();
        self.before = self.state.as_ref().map(State::version);
        vec![Up::Subscribe, Up::Time { t0: local }]
    }

    /// The connection is lost, and with it what waits.
    pub(crate) fn lost(&mut self) {
        self.connection = None;
        self.attending = false;
        self.queue.clear();
        self.sending = None;
        self.acked_rev = 0;
        self.predicted = None;
    }

    /// What the person sees.
    pub(crate) fn shown(&self) -> Option<&State> {
        self.predicted.as_ref().or(self.state.as_ref())
    }

    /// The person wants something.
    pub(crate) fn wishes(&mut self, local: f64, wish: Wish) -> Option<Up> {
        let (Some(shown), true) = (self.shown(), self.attending) else { return None };
        let now = Millis(self.clock.server_time(local).unwrap_or(0.0));
        let frame = shown.frame_at(now);
        let op = match wish {
            Wish::Play => Op::Play { frame: Some(frame) },
            Wish::Pause => Op::Pause { frame },
            Wish::Step(by) => Op::Step { frame: Frame((frame.0 + by).max(0)) },
            Wish::Other(op) => op,
        };
        let predicted = predict(shown, op, now);
        let (asset, sync_mode) = (shown.asset.map(|a| a.id), shown.sync_mode);
        let seen = self.state.as_ref().map_or(0, |state| state.rev);
        let mut wanted = Wanted { op, seen, asset, sync_mode };
        while self.queue.back().is_some_and(|earlier| supersedes(op, earlier.op)) {
            self.queue.pop_back();
        }
        let sending = self.sending.map(|sent| sent.wanted);
        for earlier in sending.iter().chain(&self.queue) {
            match earlier.op {
                Op::Load { asset, .. } => wanted.asset = Some(asset.id),
                Op::Mode { sync_mode } => wanted.sync_mode = sync_mode,
                _ => {}
            }
        }
        self.queue.push_back(wanted);
        self.predicted = Some(predicted);
        if self.sending.is_none() { self.send_next() } else { None }
    }

    pub(crate) fn report(&self) -> Option<Up> {
        let rtt_ms = self.clock.samples.iter().map(|s| s.delay).fold(f64::INFINITY, f64::min);
        let report = Report {
            following: true,
            asset: None,
            frame: None,
            error_ms: 0.0,
            error_frames: 0.0,
            rtt_ms,
            buffering: false,
            live_ms: None,
        };
        (self.attending && rtt_ms.is_finite()).then_some(Up::Report(report))
    }

    /// Something came from the server.
    pub(crate) fn receives(&mut self, local: f64, down: Down) -> Option<Up> {
        match down {
            Down::Subscribed(state) => {
                self.attending = true;
                self.queue.clear();
                self.predicted = None;
                // An event of the same connection may overtake the answer.
                let known = self.state.as_ref().map(State::version);
                if known == self.before || known.is_none_or(|known| known <= state.version()) {
                    self.state = Some(*state);
                }
                None
            }
            Down::Time { t0, t1, t2 } => {
                self.clock.add(t0, t1, t2, local);
                None
            }
            Down::Changed(state) => {
                self.accept(*state);
                None
            }
            Down::Ack(ack) => {
                self.acked_rev = self.acked_rev.max(ack.rev);
                self.send_next()
            }
            Down::Refused(refusal) => self.refused(refusal),
        }
    }

    fn accept(&mut self, state: State) {
        if self.state.as_ref().is_none_or(|known| state.version() > known.version()) {
            self.state = Some(state);
            self.settle();
        }
    }

    fn settle(&mut self) {
        let answered = self.sending.is_none() && self.queue.is_empty();
        let rev = self.state.as_ref().map_or(0, |state| state.rev);
        if answered && rev >= self.acked_rev {
            self.predicted = None;
        }
    }

    fn send_next(&mut self) -> Option<Up> {
        self.sending = None;
        while let Some(wanted) = self.queue.pop_front() {
            // What came of the own last command may be still on its way.
            let state = self.state.as_ref().filter(|state| state.rev >= self.acked_rev);
            if state.is_none_or(|state| wanted.still_meant(state)) {
                return Some(self.send(wanted, false));
            }
            self.predicted = None;
        }
        self.settle();
        None
    }

    fn send(&mut self, wanted: Wanted, again: bool) -> Up {
        let epoch = self.state.as_ref().map_or(0, |state| state.epoch);
        self.commands += 1;
        self.sending = Some(Sent { wanted, epoch, again });
        let cmd_id = self.commands.to_string();
        let command = Command { cmd_id, epoch, base_rev: wanted.seen, op: wanted.op };
        Up::Command { command, wanted }
    }

    fn refused(&mut self, refusal: Refusal) -> Option<Up> {
        self.acked_rev = 0;
        self.predicted = None;
        let snapshot = *refusal.snapshot;
        let sent = self.sending?;
        let repeat = matches!(refusal.reason, Reason::StaleEpoch | Reason::StaleRevision)
            && !sent.again
            && self.queue.is_empty()
            && snapshot.epoch != sent.epoch
            && sent.wanted.still_meant(&snapshot);
        self.accept(snapshot);
        if repeat { Some(self.send(sent.wanted, true)) } else { self.send_next() }
    }
}

/// Whether it means the same whatever is on show and whoever drives.
pub(crate) fn is_absolute(op: Op) -> bool {
    matches!(op, Op::Load { .. } | Op::Mode { .. } | Op::Drive { .. } | Op::LiveCeiling { .. })
}

fn supersedes(later: Op, earlier: Op) -> bool {
    use Op::{Compare, Load, Pause, Play, Seek, Step};
    match earlier {
        Compare { .. } => matches!(later, Compare { .. } | Load { .. }),
        Seek { .. } => {
            matches!(later, Seek { .. } | Step { .. } | Pause { .. } | Play { .. } | Load { .. })
        }
        Step { .. } => matches!(later, Step { .. } | Pause { .. } | Play { .. } | Load { .. }),
        _ => false,
    }
}

fn predict(state: &State, op: Op, now: Millis) -> State {
    let live = state.asset.is_some_and(|asset| asset.is_live());
    let clamp = |frame: Frame| state.timeline().clamp_frame(frame);
    let mut next = state.clone();
    match op {
        Op::Pause { .. } | Op::Play { .. } if live => {
            next.playing = matches!(op, Op::Play { .. });
            next.effective_ms = now;
        }
        Op::Pause { frame } | Op::Step { frame } if !live => {
            (next.frame, next.playing, next.effective_ms) = (clamp(frame), false, now);
        }
        Op::Seek { frame } if !live => (next.frame, next.effective_ms) = (clamp(frame), now),
        Op::Play { frame: Some(frame) } => {
            (next.frame, next.playing) = (clamp(frame), true);
            next.effective_ms = Millis(f64::INFINITY);
        }
        Op::Loop { looping } => next.looping = looping,
        Op::Compare { compare: None } => next.compare = None,
        // Of a clip that is not here yet nothing is known.
        Op::Compare { compare: Some(wanted) }
            if state.compare.is_some_and(|known| known.asset.id == wanted.asset.id) =>
        {
            next.compare = Some(wanted);
        }
        _ => {}
    }
    next
}

/// All operations that a person may want, besides those whose frame follows from what they see.
pub(crate) fn other_ops() -> Vec<Op> {
    let range = Loop::Range { first: Frame(20), last: Frame(90) };
    let mode = |sync_mode| Op::Mode { sync_mode };
    vec![
        Op::Loop { looping: Loop::Off },
        Op::Loop { looping: Loop::All },
        Op::Loop { looping: range },
        mode(SyncMode::Host),
        mode(SyncMode::Everyone),
        mode(SyncMode::Unsynced),
        Op::LiveCeiling { ms: 300 },
        Op::LiveCeiling { ms: 700 },
    ]
}
