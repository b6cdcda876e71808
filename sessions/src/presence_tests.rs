use super::*;

fn list(presence: &Presence) -> Vec<UserStatus> {
    presence.list(&BTreeSet::new()).listed
}

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
    assert!(list(&presence)[0].online);
    assert!(presence.leave(b));
    assert!(!list(&presence)[0].online);
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
fn each_of_a_persons_connections_counts_whichever_reported_last() {
    let mut presence = Presence::default();
    for (connection, rtt) in [(1, 600.0), (2, 20.0)] {
        presence.join(Millis(0.0), guest(1), ConnectionId(connection)).unwrap();
        let report = Report { live_ms: Some(rtt / 2.0), ..report(rtt) };
        assert!(presence.report(Millis(0.0), ConnectionId(connection), report));
    }
    assert_eq!(presence.p90_rtt_ms(), Some(600.0));
    assert_eq!(presence.live_needs_ms().collect::<Vec<_>>(), [300.0, 10.0]);
    presence.leave(ConnectionId(1));
    assert_eq!(presence.p90_rtt_ms(), Some(20.0));
    assert_eq!(presence.live_needs_ms().collect::<Vec<_>>(), [10.0]);
}

#[test]
fn nonsense_is_not_kept() {
    let mut presence = Presence::default();
    presence.join(Millis(0.0), guest(1), ConnectionId(1)).unwrap();
    assert!(!presence.report(Millis(0.0), ConnectionId(1), report(f64::NAN)));
    assert!(!presence.report(Millis(0.0), ConnectionId(1), report(-1.0)));
    assert!(!presence.report(Millis(0.0), ConnectionId(2), report(1.0)));
    assert_eq!(list(&presence)[0].report, None);
}

#[test]
fn those_who_left_are_listed_within_bounds() {
    let mut presence = Presence::default();
    for i in 0..=MAX_OFFLINE as u64 {
        presence.join(Millis(0.0), guest(u128::from(i)), ConnectionId(i)).unwrap();
        presence.leave(ConnectionId(i));
    }
    assert!(list(&presence).len() <= MAX_OFFLINE);
}

/// A room of `online` people, whose ids begin with 1, and of `away` who left.
fn room(online: u64, away: u64) -> Presence {
    let mut presence = Presence::default();
    for i in 1..=online + away {
        presence.join(Millis(0.0), guest(u128::from(i)), ConnectionId(i)).unwrap();
    }
    for i in online + 1..=online + away {
        presence.leave(ConnectionId(i));
    }
    presence
}

fn ids(people: &[UserStatus]) -> Vec<u128> {
    people.iter().map(|person| person.user.0).collect()
}

#[test]
fn a_room_is_listed_whole_until_it_is_a_crowd() {
    let most = CROWD as u64;
    let people = room(most, 0).list(&BTreeSet::new());
    assert_eq!((people.listed.len(), people.online, people.more), (CROWD, CROWD, false));
    let people = room(most, 5).list(&BTreeSet::new());
    assert_eq!((people.listed.len(), people.online, people.more), (CROWD, CROWD, true));
    assert!(people.listed.iter().all(|person| person.online), "who is there comes first");
    let people = room(most - 2, 5).list(&BTreeSet::new());
    assert_eq!(people.listed.iter().filter(|person| !person.online).count(), 2);
}

#[test]
fn of_a_crowd_the_hosts_and_some_are_listed() {
    let presence = room(5000, 20);
    // One is there, one left, and one never came.
    let hosts = [4000, 5010, 9000].map(UserId).into();
    let people = presence.list(&hosts);
    assert_eq!((people.online, people.more), (5000, true));
    let expected: Vec<u128> = std::iter::once(4000).chain(1..LISTED as u128).collect();
    assert_eq!(ids(&people.listed), expected);
    assert!(people.listed[0].is_host && !people.listed[1].is_host);
    let hosts = (1..=300).map(UserId).collect();
    assert_eq!(presence.list(&hosts).listed.len(), LISTED, "also where all are hosts");
}

#[test]
fn pages_name_everyone_once() {
    let presence = room(450, 10);
    let hosts = [UserId(3)].into();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = presence.page(&hosts, after, usize::MAX);
        assert_eq!(page.online, 450);
        after = page.people.last().map(|person| person.user);
        seen.extend(page.people);
        if !page.more {
            break;
        }
    }
    assert_eq!(ids(&seen), (1..=460).collect::<Vec<_>>());
    assert!(seen[2].is_host && !seen[459].online);
    assert_eq!(presence.page(&hosts, Some(UserId(2)), 1).people[0].user, UserId(3));
    assert_eq!(presence.page(&hosts, after, 9).people, []);
}

#[test]
fn those_who_are_there_are_counted_as_people() {
    let mut presence = room(3, 0);
    presence.join(Millis(0.0), guest(1), ConnectionId(10)).unwrap();
    presence.join(Millis(0.0), guest(1), ConnectionId(10)).unwrap();
    let online = |presence: &Presence| presence.list(&BTreeSet::new()).online;
    assert_eq!(online(&presence), 3);
    presence.leave(ConnectionId(1));
    assert_eq!(online(&presence), 3, "they have another connection");
    presence.leave(ConnectionId(10));
    assert_eq!(online(&presence), 2);
    presence.remove(UserId(1));
    presence.remove(UserId(2));
    assert_eq!(online(&presence), 1);
    presence.join(Millis(0.0), guest(2), ConnectionId(2)).unwrap();
    assert_eq!(online(&presence), 2);
}
