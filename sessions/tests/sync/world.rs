//! A room, its clients, and the network between them, in virtual time.

use std::collections::BTreeMap;

use rushes_sessions::{ConnectionId, Millis, Phase, SyncMode, UserId};

use crate::client::{Client, Down, Up, Wish};
use crate::net::{Agenda, Numbers, Pipe, Way};
use crate::server::{Message, Out, Server};

/// The beginning, on the server's clock.
const EPOCH_MS: f64 = 1_800_000_000_000.0;
/// How long a commit takes.
const COMMIT_MS: (f64, f64) = (1.0, 8.0);
/// How long an answer and an event may wait for each other before they go out.
const MIX_MS: f64 = 3.0;
/// Everything ends at the same within this long after the last command.
pub(crate) const SETTLES_MS: f64 = 1000.0;
/// No client needs longer to come back once the faults are over.
const RETURNS_MS: f64 = 10_000.0;
/// How long the server may believe in a connection that is dead.
pub(crate) const NOTICES_MS: f64 = 15_000.0;

/// One thing that happens from outside.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    Wishes {
        client: usize,
        wish: Wish,
    },
    /// A connection dies. What the client had sent may still arrive, and the server notices later.
    Cut {
        client: usize,
        arrives: bool,
        notices_ms: f64,
    },
    /// The server dies and comes back, its clock set right meanwhile.
    Crash {
        down_ms: f64,
        clock_ms: f64,
    },
    Hosts(bool, bool),
    Complete(bool),
    SetState {
        client: usize,
        sync_mode: SyncMode,
    },
}

// A few hundred of them exist at once.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
enum Due {
    Script(usize),
    Try(usize),
    Opened { client: usize, connection: u64 },
    Arrives { connection: u64, up: Up },
    Speaks { connection: u64, down: Down },
    Delivered { connection: u64, down: Down },
    Committed { life: u64 },
    Noticed(u64),
    Up,
    AskTime { client: usize, connection: u64 },
    Report { client: usize, connection: u64 },
}

#[derive(Debug)]
struct Connection {
    client: usize,
    up: Pipe,
    down: Pipe,
    /// Whether the client still has it.
    open: bool,
    /// Whether what the client sent is lost with it.
    lost: bool,
}

pub(crate) struct World {
    pub(crate) now: f64,
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
    ways: Vec<Way>,
    connections: BTreeMap<u64, Connection>,
    agenda: Agenda<Due>,
    numbers: Numbers,
    script: Vec<(f64, Happening)>,
    /// What the server's clock is ahead of the true time.
    clock_ms: f64,
    /// When the last command was sent, or the last client came in.
    last: f64,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        people: Vec<(Way, f64, f64)>,
        script: Vec<(f64, Happening)>,
    ) -> World {
        let hosts = vec![UserId(0), UserId(1)];
        let client = |(i, (_, offset, drift)): (usize, &(Way, f64, f64))| {
            Client::new(UserId(i as u128), *offset, *drift)
        };
        let mut world = World {
            now: 0.0,
            server: Server::new(hosts),
            clients: people.iter().enumerate().map(client).collect(),
            ways: people.iter().map(|(way, ..)| *way).collect(),
            connections: BTreeMap::new(),
            agenda: Agenda::new(),
            numbers: Numbers(seed),
            script: Vec::new(),
            clock_ms: 0.0,
            last: 0.0,
        };
        for i in 0..world.clients.len() {
            world.agenda.at(0.0, Due::Try(i));
        }
        // People begin when they are in.
        let mut at = 2000.0;
        for (i, (gap, happening)) in script.into_iter().enumerate() {
            at += gap;
            world.agenda.at(at, Due::Script(i));
            world.script.push((at, happening));
        }
        world
    }

    /// The server's clock.
    pub(crate) fn server_now(&self) -> Millis {
        Millis(EPOCH_MS + self.now + self.clock_ms).to_micros()
    }

    /// Runs the script, and then until [`SETTLES_MS`] after the last command.
    pub(crate) fn settle(&mut self) {
        let end = self.script.last().map_or(0.0, |(at, _)| *at);
        self.run(end);
        loop {
            let until = self.last.max(end) + SETTLES_MS;
            let all = self.server.up && self.clients.iter().all(|client| client.attending);
            if all && self.now >= until {
                return;
            }
            assert!(self.now < end + RETURNS_MS, "somebody does not come back");
            self.run(if all { until } else { self.now + 10.0 });
        }
    }

    /// Runs until a moment.
    pub(crate) fn run(&mut self, until: f64) {
        while let Some((at, due)) = self.agenda.next(until) {
            self.now = at;
            self.happens(due);
            self.server_turns();
        }
        self.now = self.now.max(until);
    }

    fn happens(&mut self, due: Due) {
        match due {
            Due::Script(i) => self.scripted(self.script[i].1.clone()),
            Due::Try(client) => self.connect(client),
            Due::Opened { client, connection } => self.opened(client, connection),
            Due::Arrives { connection, up } => self.arrives(connection, up),
            Due::Speaks { connection, down } => self.speaks(connection, down),
            Due::Delivered { connection, down } => self.delivered(connection, down),
            Due::Committed { life } if life == self.server.life => self.server.committed(),
            Due::Committed { .. } => {}
            Due::Noticed(connection) => {
                if self.connections.remove(&connection).is_some() {
                    self.server.takes(Message::Gone { connection });
                }
            }
            Due::Up => self.server.up = true,
            Due::AskTime { client, connection } => {
                if self.clients[client].connection == Some(connection) {
                    let t0 = self.clients[client].local(self.now);
                    self.send(client, Up::Time { t0 });
                }
            }
            Due::Report { client, connection } => {
                if self.clients[client].connection == Some(connection) {
                    if let Some(up) = self.clients[client].report() {
                        self.send(client, up);
                    }
                    self.agenda.at(self.now + 1000.0, Due::Report { client, connection });
                }
            }
        }
    }

    fn server_turns(&mut self) {
        let now = self.server_now();
        loop {
            for out in self.server.release() {
                self.said(out);
            }
            if self.server.turn(now) {
                let takes = self.numbers.within(COMMIT_MS.0, COMMIT_MS.1);
                let life = self.server.life;
                self.agenda.at(self.now + takes, Due::Committed { life });
                return;
            }
            let more = self.server.release();
            if more.is_empty() {
                return;
            }
            more.into_iter().for_each(|out| self.said(out));
        }
    }

    fn said(&mut self, out: Out) {
        match out {
            Out::To(connection, down) => {
                // Answers and events have each a queue of their own on the way out.
                let at = self.now + MIX_MS * self.numbers.unit();
                self.agenda.at(at, Due::Speaks { connection, down });
            }
            Out::All(state) => {
                for connection in self.server.attending.clone() {
                    self.speaks(connection, Down::Changed(state.clone()));
                }
            }
        }
    }

    fn speaks(&mut self, connection: u64, down: Down) {
        let Some(found) = self.connections.get_mut(&connection) else { return };
        let at = found.down.arrival(self.now, &mut self.numbers);
        self.agenda.at(at, Due::Delivered { connection, down });
    }

    fn delivered(&mut self, connection: u64, down: Down) {
        let Some(found) = self.connections.get(&connection).filter(|c| c.open) else { return };
        let i = found.client;
        let local = self.clients[i].local(self.now);
        let client = &mut self.clients[i];
        let before = client.state.as_ref().map_or((0, 0), |state| state.version());
        let (was_in, asked) = (client.attending, matches!(down, Down::Time { .. }));
        let up = client.receives(local, down);
        let after = client.state.as_ref().map_or((0, 0), |state| state.version());
        assert!(after >= before && after.1 >= before.1, "client {i} went back to {after:?}");
        if asked {
            let at = self.now + client.clock.pause();
            self.agenda.at(at, Due::AskTime { client: i, connection });
        }
        if client.attending && !was_in {
            self.last = self.now;
        }
        if let Some(up) = up {
            self.send(i, up);
        }
    }

    fn send(&mut self, client: usize, up: Up) {
        let Some(connection) = self.clients[client].connection else { return };
        let Some(found) = self.connections.get_mut(&connection) else { return };
        if matches!(up, Up::Command { .. }) {
            self.last = self.now;
        }
        let at = found.up.arrival(self.now, &mut self.numbers);
        self.agenda.at(at, Due::Arrives { connection, up });
    }

    fn arrives(&mut self, connection: u64, up: Up) {
        let now = self.server_now().0;
        let Some(found) = self.connections.get(&connection).filter(|c| !c.lost) else { return };
        if let Up::Time { t0 } = up {
            self.speaks(connection, Down::Time { t0, t1: now, t2: now });
            return;
        }
        let user = self.clients[found.client].user;
        self.server.takes(Message::From { connection, user, up: Box::new(up) });
    }

    fn connect(&mut self, client: usize) {
        let way = self.ways[client];
        let round = way.up_ms + way.down_ms + way.jitter_ms * self.numbers.unit();
        let connection = self.agenda_id();
        self.agenda.at(self.now + 1.5 * round, Due::Opened { client, connection });
    }

    fn agenda_id(&mut self) -> u64 {
        // Ids are never used twice.
        (self.numbers.unit() * 1e15) as u64
    }

    fn opened(&mut self, client: usize, connection: u64) {
        if !self.server.up {
            return self.retries(client);
        }
        let (up, down) = (Pipe::up(self.ways[client]), Pipe::down(self.ways[client]));
        let found = Connection { client, up, down, open: true, lost: false };
        self.connections.insert(connection, found);
        let local = self.clients[client].local(self.now);
        for up in self.clients[client].opened(connection, local) {
            self.send(client, up);
        }
        self.agenda.at(self.now + 1000.0, Due::Report { client, connection });
    }

    fn retries(&mut self, client: usize) {
        let attempt = self.clients[client].attempt;
        self.clients[client].attempt += 1;
        let wait = (250.0 * f64::from(2i32.pow(attempt.min(10) as u32))).min(2000.0);
        let at = self.now + wait * self.numbers.within(0.75, 1.0);
        self.agenda.at(at, Due::Try(client));
    }

    fn loses(&mut self, client: usize) {
        self.clients[client].lost();
        self.retries(client);
    }

    fn scripted(&mut self, happening: Happening) {
        match happening {
            Happening::Wishes { client, wish } => {
                let i = client % self.clients.len();
                let local = self.clients[i].local(self.now);
                if let Some(up) = self.clients[i].wishes(local, wish) {
                    self.send(i, up);
                }
            }
            Happening::Cut { client, arrives, notices_ms } => {
                let i = client % self.clients.len();
                let Some(connection) = self.clients[i].connection else { return };
                if let Some(found) = self.connections.get_mut(&connection) {
                    (found.open, found.lost) = (false, !arrives);
                    let notices_ms = notices_ms.min(NOTICES_MS);
                    self.agenda.at(self.now + notices_ms, Due::Noticed(connection));
                }
                self.loses(i);
            }
            Happening::Crash { down_ms, clock_ms } if self.server.up => {
                self.server.crash();
                self.connections.clear();
                self.clock_ms = clock_ms;
                self.agenda.at(self.now + down_ms, Due::Up);
                for i in 0..self.clients.len() {
                    if self.clients[i].connection.is_some() {
                        self.loses(i);
                    }
                }
            }
            Happening::Crash { .. } => {}
            // What the API stores is there after a crash, whether or not the room was told.
            Happening::Hosts(a, b) if self.server.up => {
                let both = [(UserId(0), a), (UserId(1), b)];
                self.server.hosts = both.iter().filter(|(_, is)| *is).map(|(u, _)| *u).collect();
                self.api(Message::Hosts);
            }
            Happening::Complete(over) if self.server.up => {
                self.server.phase = if over { Phase::Complete } else { Phase::Started };
                self.api(Message::Phase);
            }
            Happening::SetState { client, sync_mode } => {
                let user = self.clients[client % self.clients.len()].user;
                let text = format!("{}", self.now);
                self.api(Message::SetState { user, sync_mode, text });
            }
            Happening::Hosts(..) | Happening::Complete(_) => {}
        }
    }

    fn api(&mut self, message: Message) {
        self.last = self.now;
        self.server.takes(message);
    }

    /// Where a client believes the server's clock to be, and how far it may be wrong.
    pub(crate) fn believed(&self, i: usize) -> (Millis, f64) {
        let client = &self.clients[i];
        let local = client.local(self.now);
        let now = client.clock.server_time(local).expect("it has measured the clock");
        let doubt = client.clock.doubt(local, client.drift.abs()).expect("likewise");
        (Millis(now), doubt)
    }

    /// The connections that clients have, as the room should know them.
    pub(crate) fn connected(&self) -> Vec<ConnectionId> {
        self.clients.iter().filter_map(|client| client.connection).map(ConnectionId).collect()
    }
}
