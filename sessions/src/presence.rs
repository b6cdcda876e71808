//! Who is in a room, and how well they follow.

use std::collections::BTreeMap;

use crate::{AssetId, ConnectionId, Frame, Millis, TokenBucket, UserId};

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

#[derive(Clone, Debug)]
struct Connection {
    bucket: TokenBucket,
    strokes: TokenBucket,
    pointers: TokenBucket,
    /// When something was last heard from it.
    heard: Millis,
}

#[derive(Clone, Debug)]
struct Person {
    attendee: Attendee,
    connections: BTreeMap<ConnectionId, Connection>,
    report: Option<Report>,
    messages: TokenBucket,
}

impl Person {
    fn hears(&mut self, now: Millis, connection: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.heard = now;
        }
    }

    fn most_silent(&self) -> Option<ConnectionId> {
        let by_time = self.connections.iter().min_by(|a, b| a.1.heard.0.total_cmp(&b.1.heard.0));
        by_time.map(|(id, _)| *id)
    }
}

/// The people of a room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presence {
    people: BTreeMap<UserId, Person>,
    by_connection: BTreeMap<ConnectionId, UserId>,
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
            connections: BTreeMap::new(),
            report: None,
            messages: TokenBucket::new(now, MESSAGES_PER_SECOND, MESSAGE_BURST),
        });
        let known = person.connections.contains_key(&connection);
        let full = !known && person.connections.len() >= MAX_CONNECTIONS;
        let silent = full.then(|| person.most_silent()).flatten();
        if let Some(silent) = silent {
            person.connections.remove(&silent);
            self.by_connection.remove(&silent);
        }
        person.attendee = who;
        let bucket = TokenBucket::new(now, COMMANDS_PER_SECOND, COMMAND_BURST);
        let strokes = TokenBucket::new(now, DRAWS_PER_SECOND, DRAW_BURST);
        let new = Connection { bucket, strokes, pointers: strokes, heard: now };
        // Subscribing again does not fill the buckets.
        let entry = person.connections.entry(connection);
        entry.or_insert(new).heard = now;
        self.by_connection.insert(connection, person.attendee.user);
        Ok(silent)
    }

    /// A connection ended. True when its person is not there any more.
    pub(crate) fn leave(&mut self, connection: ConnectionId) -> bool {
        let Some(user) = self.by_connection.remove(&connection) else { return false };
        let Some(person) = self.people.get_mut(&user) else { return false };
        person.connections.remove(&connection);
        if !person.connections.is_empty() {
            return false;
        }
        person.report = None;
        if self.people.values().filter(|p| p.connections.is_empty()).count() > MAX_OFFLINE {
            self.people.retain(|_, person| !person.connections.is_empty());
        }
        true
    }

    /// Forgets a person. Their connections, which end with it.
    pub(crate) fn remove(&mut self, user: UserId) -> Vec<ConnectionId> {
        let Some(person) = self.people.remove(&user) else { return Vec::new() };
        let connections: Vec<_> = person.connections.into_keys().collect();
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
                person.hears(now, connection);
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
            .and_then(|person| person.connections.get_mut(&connection))
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

    /// The round trip that 90 of 100 who are there stay below; nothing when nobody reported.
    pub(crate) fn p90_rtt_ms(&self) -> Option<f64> {
        let mut rtts: Vec<f64> = self
            .people
            .values()
            .filter(|person| !person.connections.is_empty())
            .filter_map(|person| person.report.map(|report| report.rtt_ms))
            .collect();
        if rtts.is_empty() {
            return None;
        }
        let nth = (rtts.len() * 9).div_ceil(10) - 1;
        let (_, rtt, _) = rtts.select_nth_unstable_by(nth, f64::total_cmp);
        Some(*rtt)
    }

    /// The least ages at which those who are there can show a live source.
    pub(crate) fn live_needs_ms(&self) -> impl Iterator<Item = f64> {
        let there = self.people.values().filter(|person| !person.connections.is_empty());
        there.filter_map(|person| person.report?.live_ms)
    }

    pub(crate) fn list(&self, is_host: impl Fn(UserId) -> bool) -> Vec<UserStatus> {
        self.people
            .values()
            .map(|person| UserStatus {
                user: person.attendee.user,
                name: person.attendee.name.clone(),
                is_host: is_host(person.attendee.user),
                is_guest: person.attendee.guest,
                online: !person.connections.is_empty(),
                report: person.report,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(user: u128) -> Attendee {
        Attendee { user: UserId(user), name: format!("guest {user}"), guest: true }
    }

    fn report(rtt_ms: f64) -> Report {
        Report {
            asset: None,
            frame: None,
            error_ms: 0.0,
            error_frames: 0.0,
            rtt_ms,
            buffering: false,
            following: true,
            live_ms: None,
        }
    }

    #[test]
    fn a_person_is_there_until_the_last_connection_ends() {
        let mut presence = Presence::default();
        let (a, b) = (ConnectionId(1), ConnectionId(2));
        assert_eq!(presence.join(Millis(0.0), guest(1), a), Ok(None));
        assert_eq!(presence.join(Millis(0.0), guest(1), b), Ok(None));
        assert!(!presence.leave(a));
        assert!(presence.list(|_| false)[0].online);
        assert!(presence.leave(b));
        assert!(!presence.list(|_| false)[0].online);
        assert!(!presence.leave(b), "it has left already");
    }

    #[test]
    fn a_connection_belongs_to_one_person() {
        let mut presence = Presence::default();
        assert_eq!(presence.join(Millis(0.0), guest(1), ConnectionId(0)), Ok(None));
        assert_eq!(presence.join(Millis(0.0), guest(2), ConnectionId(0)), Err(()));
    }

    #[test]
    fn of_too_many_connections_the_most_silent_goes() {
        let mut presence = Presence::default();
        for i in 0..MAX_CONNECTIONS as u64 {
            let joined = presence.join(Millis(i as f64), guest(1), ConnectionId(i));
            assert_eq!(joined, Ok(None));
        }
        let now = Millis(1000.0);
        let again = presence.join(now, guest(1), ConnectionId(0));
        assert_eq!(again, Ok(None), "it is one of them");
        assert!(presence.report(now, ConnectionId(1), report(1.0)));
        assert!(presence.take_token(now, ConnectionId(2)));
        for (new, silent) in [(90, 3), (91, 4)] {
            let joined = presence.join(now, guest(1), ConnectionId(new));
            assert_eq!(joined, Ok(Some(ConnectionId(silent))));
            assert_eq!(presence.user_of(ConnectionId(silent)), None);
            assert_eq!(presence.connections(), MAX_CONNECTIONS);
        }
    }

    #[test]
    fn the_ninetieth_percentile_of_those_who_are_there() {
        let mut presence = Presence::default();
        assert_eq!(presence.p90_rtt_ms(), None);
        for i in 1..=10u64 {
            presence.join(Millis(0.0), guest(u128::from(i)), ConnectionId(i)).unwrap();
            assert!(presence.report(Millis(0.0), ConnectionId(i), report(i as f64 * 10.0)));
        }
        assert_eq!(presence.p90_rtt_ms(), Some(90.0));
        presence.leave(ConnectionId(10));
        assert_eq!(presence.p90_rtt_ms(), Some(90.0));
        presence.leave(ConnectionId(9));
        assert_eq!(presence.p90_rtt_ms(), Some(80.0));
    }

    #[test]
    fn nonsense_is_not_kept() {
        let mut presence = Presence::default();
        presence.join(Millis(0.0), guest(1), ConnectionId(1)).unwrap();
        assert!(!presence.report(Millis(0.0), ConnectionId(1), report(f64::NAN)));
        assert!(!presence.report(Millis(0.0), ConnectionId(1), report(-1.0)));
        assert!(!presence.report(Millis(0.0), ConnectionId(2), report(1.0)));
        assert_eq!(presence.list(|_| false)[0].report, None);
    }

    #[test]
    fn those_who_left_are_listed_within_bounds() {
        let mut presence = Presence::default();
        for i in 0..=MAX_OFFLINE as u64 {
            presence.join(Millis(0.0), guest(u128::from(i)), ConnectionId(i)).unwrap();
            presence.leave(ConnectionId(i));
        }
        assert!(presence.list(|_| false).len() <= MAX_OFFLINE);
    }
}
