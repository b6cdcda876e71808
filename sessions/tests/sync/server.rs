//! The server of one room, as its hub is (`src/hub/task.rs`): messages wait while a turn is being
//! journaled, what follows from them is told when it has been, and a crash loses the rest.

use std::collections::VecDeque;

use rushes_sessions::{
    Attendee, ConnectionId, Millis, Op, Phase, Refusal, Room, State, SyncMode, UserId,
};

use crate::client::{Down, Up, is_absolute};

/// Messages that are taken at once.
const TURN: usize = 64;

/// What reaches the room's task.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    From { connection: u64, user: UserId, up: Box<Up> },
    Gone { connection: u64 },
    SetState { user: UserId, sync_mode: SyncMode, text: String },
    Hosts,
    Phase,
}

/// What it says: to one connection, or to all that attend.
#[derive(Clone, Debug)]
pub(crate) enum Out {
    To(u64, Down),
    All(Box<State>),
}

/// A change that was made, for the laws.
#[derive(Clone, Copy, Debug)]
struct Change {
    rev: u64,
    by: Option<UserId>,
    by_host: bool,
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) room: Option<Room>,
    pub(crate) journal: Option<State>,
    pub(crate) hosts: Vec<UserId>,
    pub(crate) phase: Phase,
    /// Connections that attend, in the order in which they came.
    pub(crate) attending: Vec<u64>,
    mailbox: VecDeque<Message>,
    out: Vec<Out>,
    committing: Option<State>,
    dirty: bool,
    /// How often it has died.
    pub(crate) life: u64,
    pub(crate) up: bool,
    /// The greatest revision that anyone was told.
    told: u64,
    changes: Vec<Change>,
}

impl Server {
    pub(crate) fn new(hosts: Vec<UserId>) -> Server {
        Server {
            room: None,
            journal: None,
            hosts,
            phase: Phase::Started,
            attending: Vec::new(),
            mailbox: VecDeque::new(),
            out: Vec::new(),
            committing: None,
            dirty: false,
            life: 0,
            up: true,
            told: 0,
            changes: Vec::new(),
        }
    }

    /// Everything in memory is lost.
    pub(crate) fn crash(&mut self) {
        self.life += 1;
        self.up = false;
        self.room = None;
        self.attending.clear();
        self.mailbox.clear();
        self.out.clear();
        self.committing = None;
        let kept = self.journal.as_ref().map_or(0, |state| state.rev);
        assert!(self.told <= kept, "told of {} and kept {kept}", self.told);
        self.changes.retain(|change| change.rev <= kept);
    }

    pub(crate) fn takes(&mut self, message: Message) {
        if self.up {
            self.mailbox.push_back(message);
        }
    }

    /// Takes a turn if it can. True when something has to be journaled, which takes time;
    /// [`Server::committed`] comes after it.
    pub(crate) fn turn(&mut self, now: Millis) -> bool {
        if self.committing.is_some() || self.mailbox.is_empty() {
            return false;
        }
        if self.room.is_none() {
            self.load(now);
        }
        for _ in 0..TURN {
            let Some(message) = self.mailbox.pop_front() else { break };
            self.handle(now, message);
        }
        if std::mem::take(&mut self.dirty) {
            self.committing = self.room.as_ref().map(|room| room.state().clone());
        }
        self.committing.is_some()
    }

    /// The state is on disk. What waited for it goes out.
    pub(crate) fn committed(&mut self) {
        let state = self.committing.take().expect("a commit was under way");
        if let Some(before) = &self.journal {
            assert!(state.rev >= before.rev, "the revision went back");
            assert!(state.version() > before.version(), "a change without a new version");
        }
        self.journal = Some(state);
    }

    /// What may be told now.
    pub(crate) fn release(&mut self) -> Vec<Out> {
        if self.committing.is_some() {
            return Vec::new();
        }
        let out = std::mem::take(&mut self.out);
        for said in &out {
            let rev = match said {
                Out::To(_, Down::Ack(ack)) => ack.rev,
                Out::To(_, Down::Subscribed(state)) | Out::All(state) => state.rev,
                Out::To(..) => 0,
            };
            let kept = self.journal.as_ref().map_or(0, |state| state.rev);
            assert!(rev <= kept, "told of {rev} before it was kept");
            self.told = self.told.max(rev);
        }
        out
    }

    fn load(&mut self, now: Millis) {
        let hosts = self.hosts.clone();
        let room = match self.journal.clone() {
            Some(state) => {
                let before = state.version();
                let room = Room::restore(now, state, self.phase, hosts);
                assert!(room.state().epoch > before.0 && room.state().rev == before.1);
                room
            }
            None => Room::new(now, self.phase, hosts),
        };
        self.room = Some(room);
        self.dirty = true;
    }

    fn handle(&mut self, now: Millis, message: Message) {
        match message {
            Message::From { connection, user, up } => {
                self.from(now, connection, user, *up);
            }
            Message::Gone { connection } => {
                self.attending.retain(|c| *c != connection);
                self.room().leave(ConnectionId(connection));
            }
            Message::SetState { user, sync_mode, text } => {
                let before = self.room().state().clone();
                let host = self.room().is_host(user);
                let result = self.room().set_state(now, user, sync_mode, Some(text.into()));
                let changed = result.is_ok_and(|effects| effects.changed);
                self.note(changed, &before, Some(user), host);
            }
            Message::Hosts => {
                let (hosts, before) = (self.hosts.clone(), self.room().state().clone());
                let changed = self.room().set_hosts(hosts);
                self.note(changed, &before, None, true);
            }
            Message::Phase => {
                let (phase, before) = (self.phase, self.room().state().clone());
                let changed = self.room().set_phase(now, phase);
                self.note(changed, &before, None, true);
            }
        }
    }

    fn room(&mut self) -> &mut Room {
        self.room.as_mut().expect("it was loaded")
    }

    fn from(&mut self, now: Millis, connection: u64, user: UserId, up: Up) {
        match up {
            Up::Subscribe => {
                let who = Attendee { user, name: String::new(), guest: false };
                let gone = self.room().join(now, who, ConnectionId(connection));
                let gone = gone.expect("everyone is let in");
                self.attending.retain(|c| *c != connection && Some(ConnectionId(*c)) != gone);
                self.attending.push(connection);
                let state = Box::new(self.room().state().clone());
                self.out.push(Out::To(connection, Down::Subscribed(state)));
            }
            // The connection answers this by itself, without the room.
            Up::Time { .. } => {}
            Up::Report(report) => {
                self.room().report(now, ConnectionId(connection), report);
            }
            Up::Command { command, wanted } => {
                let before = self.room().state().clone();
                let host = self.room().is_host(user);
                match self.room().apply(now, ConnectionId(connection), &command) {
                    Ok(effects) => {
                        if effects.changed {
                            self.must_have_been_allowed(&before, user, host, wanted.seen);
                            let shown = before.asset.map(|asset| asset.id);
                            let meant = is_absolute(command.op) || wanted.asset == shown;
                            assert!(meant, "a frame of another clip");
                            self.must_have_done_no_more(&before, command.op);
                        }
                        self.note(effects.changed, &before, Some(user), host);
                        self.out.push(Out::To(connection, Down::Ack(effects.ack)));
                    }
                    Err(Refusal { reason, snapshot }) => {
                        assert_eq!(*snapshot, before, "a refusal changed the room");
                        let refusal = Refusal { reason, snapshot };
                        self.out.push(Out::To(connection, Down::Refused(refusal)));
                    }
                }
            }
        }
    }

    /// The laws of driving, seen from outside.
    fn must_have_been_allowed(&self, before: &State, user: UserId, host: bool, seen: u64) {
        assert_eq!(self.phase, Phase::Started, "a room moved that does not run");
        assert!(before.sync_mode != SyncMode::Host || host, "no host moved a HOST room");
        let unseen = |change: &Change| change.by != Some(user) && change.rev > seen;
        let undone = self.changes.iter().any(|change| change.by_host && unseen(change));
        assert!(
            host || before.sync_mode != SyncMode::Everyone || !undone,
            "what a host did was undone by one who had not seen it"
        );
    }

    /// Who drives, and what is beside the picture, is nothing that moves the picture.
    fn must_have_done_no_more(&mut self, before: &State, op: Op) {
        let after = self.room().state().clone();
        let picture = |state: &State| (state.asset, state.timeline(), state.effective_ms);
        if matches!(op, Op::Drive { .. } | Op::Compare { .. }) {
            assert_eq!(picture(&after), picture(before), "the picture jumped");
        }
        if let Op::Drive { .. } = op {
            assert_eq!((after.compare, after.epoch), (before.compare, before.epoch + 1));
        }
    }

    /// What holds of every state.
    fn must_make_sense(&mut self, state: &State) {
        let drives = |user| state.sync_mode == SyncMode::Host && self.room().is_host(user);
        assert!(state.driver.is_none_or(drives), "one drives who is no host, or where none does");
        let live = state.asset.is_none_or(|asset| asset.is_live());
        let beside = state.compare.is_none_or(|beside| !live && !beside.asset.is_live());
        assert!(beside, "a comparison with a live source");
    }

    fn note(&mut self, changed: bool, before: &State, by: Option<UserId>, by_host: bool) {
        let state = self.room().state().clone();
        assert_eq!(changed, state != *before, "a change that was not said, or none that was");
        self.must_make_sense(&state);
        if changed {
            assert!(state.rev == before.rev + 1 && state.epoch >= before.epoch);
            self.changes.push(Change { rev: state.rev, by, by_host });
            self.dirty = true;
            self.out.push(Out::All(Box::new(state)));
        }
    }
}
