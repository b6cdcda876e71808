//! Who is in a room, and how well they follow.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::{AssetId, ConnectionId, Frame, Millis, Room, TokenBucket, UserId};

/// Connections that one person may have to one room.
pub const MAX_CONNECTIONS: usize = 16;
/// Commands a second by one connection, in the long run.
const COMMANDS_PER_SECOND: f64 = 20.0;
/// Commands at once by one connection.
const COMMAND_BURST: f64 = 40.0;
/// Messages a second by one person, in the long run: more than anybody types.
const MESSAGES_PER_SECOND: f64 = 1.0;
/// Messages at once by one person.
const MESSAGE_BURST: f64 = 10.0;
/// Parts of strokes a second by one connection, and where it points: one in 33 ms, and some more.
const DRAWS_PER_SECOND: f64 = 40.0;
/// As many at once.
const DRAW_BURST: f64 = 80.0;
/// People who may be in a room before it is a crowd: of a crowd not everyone is told who else is
/// there, because each of so many would be told of each.
pub const CROWD: usize = 100;
/// People of a crowd who are listed all the same.
pub const LISTED: usize = 12;
/// The longest page of the list of all people.
pub const MAX_PAGE: usize = 200;
/// People who left and are still listed. Beyond it the list is of those who are there.
const MAX_OFFLINE: usize = 500;
/// No measured round trip counts for more: the lead of PLAY is bounded far below.
const MAX_RTT_MS: f64 = 60_000.0;

/// A person in a room: a user of the server, or a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    /// Who it is.
    pub user: UserId,
    /// The name that the others see.
    pub name: String,
    /// Whether it is a guest.
    pub guest: bool,
}

/// What an attendee's client measured of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// What it shows.
    pub asset: Option<AssetId>,
    /// The frame it shows.
    pub frame: Option<Frame>,
    /// How far that is from where the room is: above 0 when it is ahead.
    pub error_ms: f64,
    /// The same in frames.
    pub error_frames: f64,
    /// The round trip to the server.
    pub rtt_ms: f64,
    /// Whether it waits for data.
    pub buffering: bool,
    /// Whether it follows the room; its person may look at something else for a while.
    pub following: bool,
    /// The least age at which it can show the live source that the room shows, in milliseconds;
    /// nothing where it shows none, or does not want to see it together with the others.
    pub live_ms: Option<f64>,
}

impl Report {
    fn is_sane(&self) -> bool {
        self.error_ms.is_finite()
            && self.error_frames.is_finite()
            && (0.0..=MAX_RTT_MS).contains(&self.rtt_ms)
            && self.live_ms.is_none_or(|ms| (0.0..=MAX_RTT_MS).contains(&ms))
    }
}

/// One line of the list of people.
#[derive(Clone, Debug, PartialEq)]
pub struct UserStatus {
    /// Who it is.
    pub user: UserId,
    /// The name that the others see.
    pub name: String,
    /// Whether they may drive in [`crate::SyncMode::Host`].
    pub is_host: bool,
    /// Whether it is a guest.
    pub is_guest: bool,
    /// Whether they are there now.
    pub online: bool,
    /// Their last report, if there is one: of the connection that reported last.
    pub report: Option<Report>,
}

/// The people of a room, as everyone in it is told of them.
#[derive(Clone, Debug, PartialEq)]
pub struct People {
    /// Those who are listed: everyone, or as many as [`CROWD`] and [`LISTED`] allow, hosts who are
    /// there before others who are there, and these before those who left.
    pub listed: Vec<UserStatus>,
    /// How many are there now.
    pub online: usize,
    /// Whether there are others, who are not listed ([`Room::page`]).
    pub more: bool,
}

/// A part of the list of all people.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The people, in the order of their ids.
    pub people: Vec<UserStatus>,
    /// How many are in the room now.
    pub online: usize,
    /// Whether there are others after them.
    pub more: bool,
}

#[derive(Clone, Debug)]
struct Connection {
    id: ConnectionId,
    bucket: TokenBucket,
    strokes: TokenBucket,
    pointers: TokenBucket,
    /// When something was last heard from it.
    heard: Millis,
    /// The round trip that it last reported, and the least age at which it can show a live source. A
    /// person's laptop may be far away while their telephone is near.
    rtt_ms: Option<f64>,
    live_ms: Option<f64>,
}

impl Connection {
    fn new(now: Millis, id: ConnectionId) -> Self {
        let strokes = TokenBucket::new(now, DRAWS_PER_SECOND, DRAW_BURST);
        Self {
            id,
            bucket: TokenBucket::new(now, COMMANDS_PER_SECOND, COMMAND_BURST),
            strokes,
            pointers: strokes,
            heard: now,
            rtt_ms: None,
            live_ms: None,
        }
    }
}

#[derive(Clone, Debug)]
struct Person {
    attendee: Attendee,
    /// Nearly always one: a list of its exact length, because a map has room for eleven from the
    /// start, which is a kilobyte for each of thousands.
    connections: Vec<Connection>,
    report: Option<Report>,
    messages: TokenBucket,
}

impl Person {
    fn hears(&mut self, now: Millis, connection: ConnectionId) {
        if let Some(connection) = self.connection(connection) {
            connection.heard = now;
        }
    }

    fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id == id)
    }

    fn status(&self, is_host: bool) -> UserStatus {
        UserStatus {
            user: self.attendee.user,
            name: self.attendee.name.clone(),
            is_host,
            is_guest: self.attendee.guest,
            online: !self.connections.is_empty(),
            report: self.report,
        }
    }

    fn most_silent(&self) -> Option<ConnectionId> {
        let by_time = self.connections.iter().min_by(|a, b| a.heard.0.total_cmp(&b.heard.0));
        by_time.map(|connection| connection.id)
    }
}

/// The people of a room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presence {
    people: BTreeMap<UserId, Person>,
    by_connection: BTreeMap<ConnectionId, UserId>,
    /// People with a connection.
    online: usize,
}

impl Presence {
    /// Somebody came, or came by another connection. When they have too many, the one goes that
    /// was silent for the longest: on a network that loses connections it is one that is dead, and
    /// the server has not noticed yet. An error when the connection is another person's.
    pub(crate) fn join(
        &mut self,
        now: Millis,
        who: Attendee,
        connection: ConnectionId,
    ) -> Result<Option<ConnectionId>, ()> {
        if self.by_connection.get(&connection).is_some_and(|user| *user != who.user) {
            return Err(());
        }
        let person = self.people.entry(who.user).or_insert_with(|| Person {
            attendee: who.clone(),
            connections: Vec::new(),
            report: None,
            messages: TokenBucket::new(now, MESSAGES_PER_SECOND, MESSAGE_BURST),
        });
        if person.connections.is_empty() {
            self.online += 1;
        }
        let known = person.connection(connection).is_some();
        let full = !known && person.connections.len() >= MAX_CONNECTIONS;
        let silent = full.then(|| person.most_silent()).flatten();
        if let Some(silent) = silent {
            person.connections.retain(|connection| connection.id != silent);
            self.by_connection.remove(&silent);
        }
        person.attendee = who;
        match person.connection(connection) {
            // Subscribing again does not fill the buckets.
            Some(known) => known.heard = now,
            None => {
                person.connections.reserve_exact(1);
                person.connections.push(Connection::new(now, connection));
            }
        }
        self.by_connection.insert(connection, person.attendee.user);
        Ok(silent)
    }

    /// A connection ended. True when its person is not there any more.
    pub(crate) fn leave(&mut self, connection: ConnectionId) -> bool {
        let Some(user) = self.by_connection.remove(&connection) else { return false };
        let Some(person) = self.people.get_mut(&user) else { return false };
        person.connections.retain(|known| known.id != connection);
        if !person.connections.is_empty() {
            return false;
        }
        person.report = None;
        self.online -= 1;
        if self.people.values().filter(|p| p.connections.is_empty()).count() > MAX_OFFLINE {
            self.people.retain(|_, person| !person.connections.is_empty());
        }
        true
    }

    /// Forgets a person. Their connections, which end with it.
    pub(crate) fn remove(&mut self, user: UserId) -> Vec<ConnectionId> {
        let Some(person) = self.people.remove(&user) else { return Vec::new() };
        let connections: Vec<_> =
            person.connections.iter().map(|connection| connection.id).collect();
        if !connections.is_empty() {
            self.online -= 1;
        }
        for connection in &connections {
            self.by_connection.remove(connection);
        }
        connections
    }

    /// Keeps what a client measured. False for nonsense, or from one who is not there.
    pub(crate) fn report(&mut self, now: Millis, connection: ConnectionId, report: Report) -> bool {
        let Some(user) = self.by_connection.get(&connection) else { return false };
        match self.people.get_mut(user) {
            Some(person) if report.is_sane() => {
                person.report = Some(report);
                if let Some(of) = person.connection(connection) {
                    of.heard = now;
                    (of.rtt_ms, of.live_ms) = (Some(report.rtt_ms), report.live_ms);
                }
                true
            }
            _ => false,
        }
    }

    pub(crate) fn user_of(&self, connection: ConnectionId) -> Option<UserId> {
        self.by_connection.get(&connection).copied()
    }

    /// Counts a command of a connection. False when there were too many.
    pub(crate) fn take_token(&mut self, now: Millis, connection: ConnectionId) -> bool {
        self.take(now, connection, |connection| &mut connection.bucket)
    }

    /// Counts a part of a stroke. False when there were too many.
    pub(crate) fn draws(&mut self, now: Millis, connection: ConnectionId) -> bool {
        self.take(now, connection, |connection| &mut connection.strokes)
    }

    /// Counts a pointer. False when there were too many.
    pub(crate) fn points(&mut self, now: Millis, connection: ConnectionId) -> bool {
        self.take(now, connection, |connection| &mut connection.pointers)
    }

    fn take(
        &mut self,
        now: Millis,
        connection: ConnectionId,
        bucket: impl Fn(&mut Connection) -> &mut TokenBucket,
    ) -> bool {
        self.by_connection
            .get(&connection)
            .and_then(|user| self.people.get_mut(user))
            .and_then(|person| person.connection(connection))
            .is_some_and(|connection| {
                connection.heard = now;
                bucket(connection).take(now)
            })
    }

    /// Counts a message of a connection's person, and says who they are. Nothing when there were
    /// too many: of the person, by however many connections.
    pub(crate) fn speaks(&mut self, now: Millis, connection: ConnectionId) -> Option<&Attendee> {
        let person = self.people.get_mut(self.by_connection.get(&connection)?)?;
        person.hears(now, connection);
        person.messages.take(now).then_some(&person.attendee)
    }

    /// Whether somebody is there now.
    pub(crate) fn online(&self, user: UserId) -> bool {
        self.people.get(&user).is_some_and(|person| !person.connections.is_empty())
    }

    pub(crate) fn connections(&self) -> usize {
        self.by_connection.len()
    }

    /// All connections of all people.
    fn all_connections(&self) -> impl Iterator<Item = &Connection> {
        self.people.values().flat_map(|person| &person.connections)
    }

    /// The round trip that 90 of 100 connections stay below; nothing when none reported.
    pub(crate) fn p90_rtt_ms(&self) -> Option<f64> {
        let mut rtts: Vec<f64> =
            self.all_connections().filter_map(|connection| connection.rtt_ms).collect();
        if rtts.is_empty() {
            return None;
        }
        let nth = (rtts.len() * 9).div_ceil(10) - 1;
        let (_, rtt, _) = rtts.select_nth_unstable_by(nth, f64::total_cmp);
        Some(*rtt)
    }

    /// The least ages at which a live source can be shown by those who are there.
    pub(crate) fn live_needs_ms(&self) -> impl Iterator<Item = f64> {
        self.all_connections().filter_map(|connection| connection.live_ms)
    }

    /// Whether so many are there that not everyone is told of everyone.
    pub(crate) fn is_crowd(&self) -> bool {
        self.online > CROWD
    }

    /// What everyone is told of the people. Its length is bounded, however many there are.
    pub(crate) fn list(&self, hosts: &BTreeSet<UserId>) -> People {
        let is_host = |person: &&Person| hosts.contains(&person.attendee.user);
        let status = |person: &Person| person.status(is_host(&person));
        let (all, online) = (self.people.len(), self.online);
        if all <= CROWD {
            let listed = self.people.values().map(status).collect();
            return People { listed, online, more: false };
        }
        let there = |person: &&Person| !person.connections.is_empty();
        let everyone = || self.people.values();
        let leading = hosts.iter().filter_map(|host| self.people.get(host)).filter(there);
        let others = everyone().filter(there).filter(|person| !is_host(person));
        let away = everyone().filter(|person| !there(person));
        let most = if self.is_crowd() { LISTED } else { CROWD };
        let listed = leading.chain(others).chain(away).take(most).map(status).collect();
        People { listed, online, more: true }
    }

    /// The first people after one, of all that there are: `limit` of them, or [`MAX_PAGE`].
    pub(crate) fn page(
        &self,
        hosts: &BTreeSet<UserId>,
        after: Option<UserId>,
        limit: usize,
    ) -> Page {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.people.range((from, Bound::Unbounded));
        let status = |(user, person): (&UserId, &Person)| person.status(hosts.contains(user));
        let people = rest.by_ref().take(limit.min(MAX_PAGE)).map(status).collect();
        Page { people, online: self.online, more: rest.next().is_some() }
    }
}

impl Room {
    /// The people, as everyone in the room is told of them.
    pub fn people(&self) -> People {
        self.presence.list(&self.hosts)
    }

    /// The first people after one, in the order of their ids, of all who are in the room and who
    /// were until a while ago: `limit` of them, or [`crate::MAX_PAGE`].
    pub fn page(&self, after: Option<UserId>, limit: usize) -> Page {
        self.presence.page(&self.hosts, after, limit)
    }

    /// Whether so many are there that not everyone is told of everyone.
    pub fn is_crowd(&self) -> bool {
        self.presence.is_crowd()
    }
}

#[cfg(test)]
#[path = "presence_tests.rs"]
mod tests;
