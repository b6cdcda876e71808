use std::num::NonZero;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::*;
use crate::webrtc::PeerSetup;

const OBS: &str = include_str!("../../../tests/sdp/obs-whip-offer.sdp");

fn session(now: Instant, room: &Arc<Semaphore>) -> Session {
    let setup = Arc::new(PeerSetup::new(vec!["192.0.2.1:8189".parse().unwrap()]).unwrap());
    let (publisher, _) = Publisher::answer(&setup, now, OBS).unwrap();
    let permit = room.clone().try_acquire_owned().unwrap();
    let end = End::Publisher(Box::new(publisher));
    Session::new(now, SessionId::random(), StreamId(1), end, permit)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn who_does_not_connect_or_falls_silent_expires() {
    let (now, room) = (Instant::now(), Arc::new(Semaphore::new(1)));
    let mut sessions = Sessions::default();
    let slot = sessions.insert(session(now, &room));
    assert!(sessions.expired(now + seconds(15)).is_empty());
    assert_eq!(sessions.expired(now + seconds(16)), [(slot, "it did not connect")]);

    let later = now + seconds(10);
    let session = sessions.get(slot).unwrap();
    session.connected = true;
    session.heard(later);
    assert!(sessions.expired(later + seconds(15)).is_empty());
    assert_eq!(sessions.expired(later + seconds(16)), [(slot, "it was not heard of")]);
    assert_eq!(room.available_permits(), 0);
    drop(sessions.remove(later, slot));
    assert_eq!(room.available_permits(), 1, "its place is free");
}

#[test]
fn a_publisher_that_sends_nothing_expires() {
    let (now, room) = (Instant::now(), Arc::new(Semaphore::new(1)));
    let mut sessions = Sessions::default();
    let slot = sessions.insert(session(now, &room));
    sessions.get(slot).unwrap().connected = true;
    let mut checks = |media: Option<u64>, at: u64| {
        let session = sessions.get(slot).unwrap();
        session.heard(now + seconds(at));
        if let Some(media) = media {
            session.sends_media(now + seconds(media));
        }
        sessions.expired(now + seconds(at))
    };
    assert!(checks(None, 30).is_empty(), "it may take its time to begin");
    assert_eq!(checks(None, 31), [(slot, "it sends no media")]);
    assert!(checks(Some(20), 50).is_empty());
    assert_eq!(checks(None, 51), [(slot, "it sends no media")]);
}

#[test]
fn what_ended_is_remembered_for_a_while_and_never_found() {
    let (now, room) = (Instant::now(), Arc::new(Semaphore::new(2)));
    let mut sessions = Sessions::default();
    let slot = sessions.insert(session(now, &room));
    let id = sessions.get(slot).unwrap().id;
    let remote = "198.51.100.1:5000".parse().unwrap();
    let way = Pair::udp(remote, "192.0.2.1:8189".parse().unwrap());
    sessions.proven(slot, way);
    assert_eq!((sessions.find(id), sessions.by_way(&way)), (Some(slot), Some(slot)));
    sessions.remove(now, slot);
    assert_eq!((sessions.find(id), sessions.by_way(&way)), (None, None));
    assert!(sessions.get(slot).is_none() && sessions.ended(id));
    let next = sessions.insert(session(now, &room));
    assert_ne!(next, slot, "the place is used again under another name");
    assert!(sessions.get(slot).is_none());
    assert!(sessions.forget(now + seconds(59)).is_empty());
    assert_eq!(sessions.forget(now + seconds(60)), [id]);
    assert!(!sessions.ended(id));
}

#[test]
fn a_client_keeps_its_latest_addresses() {
    let (now, room) = (Instant::now(), Arc::new(Semaphore::new(1)));
    let mut sessions = Sessions::default();
    let slot = sessions.insert(session(now, &room));
    let way = |port: u16| {
        let local = "192.0.2.1:8189".parse().unwrap();
        Pair::udp(SocketAddr::from(([198, 51, 100, 1], port)), local)
    };
    for port in 1..=10 {
        assert_eq!(sessions.proven(slot, way(port)), None);
    }
    assert_eq!(sessions.by_way(&way(2)), None);
    assert_eq!(sessions.by_way(&way(3)), Some(slot));
    let session = sessions.get(slot).unwrap();
    assert_eq!(session.way_to(way(10).remote, false), Some(way(10)));
    assert_eq!(session.way_to(way(10).remote, true), None);
}

#[test]
fn a_connection_is_one_sessions_until_it_is_gone() {
    let (now, room) = (Instant::now(), Arc::new(Semaphore::new(1)));
    let mut sessions = Sessions::default();
    let slot = sessions.insert(session(now, &room));
    let id = |id: u32| ConnectionId(NonZero::new(id).unwrap());
    // The same addresses over UDP, and over any number of connections, are other ways.
    let udp = Pair::udp("198.51.100.1:5".parse().unwrap(), "192.0.2.1:8189".parse().unwrap());
    let over = |one: u32| Pair { tcp: Some(id(one)), ..udp };
    sessions.proven(slot, udp);
    let connected = Connected { proven: id(1), given_up: None };
    assert_eq!(sessions.proven(slot, over(1)), Some(connected));
    assert_eq!(sessions.proven(slot, over(1)), None, "that is known");
    assert_eq!(sessions.by_way(&over(2)), None);
    assert_eq!(sessions.get(slot).unwrap().way_to(udp.remote, true), Some(over(1)));

    assert_eq!(sessions.disconnected(id(1)), Some(slot));
    assert_eq!(sessions.disconnected(id(1)), None);
    assert_eq!((sessions.by_way(&over(1)), sessions.by_way(&udp)), (None, Some(slot)));

    let far = |port: u16| Pair { remote: SocketAddr::from(([198, 51, 100, 2], port)), ..udp };
    let mut given_up = Vec::new();
    for port in 1..=CONNECTIONS as u16 + 2 {
        let way = Pair { tcp: Some(id(port.into())), ..far(port) };
        given_up.extend(sessions.proven(slot, way).unwrap().given_up);
    }
    assert_eq!(given_up, [id(1), id(2)]);
    assert_eq!(sessions.get(slot).unwrap().connections().count(), CONNECTIONS);
}

#[test]
fn an_address_that_another_session_claims_stays_whose_it_was() {
    let (now, room) = (Instant::now(), Arc::new(Semaphore::new(8)));
    let mut sessions = Sessions::default();
    let slots: Vec<Slot> = (0..8).map(|_| sessions.insert(session(now, &room))).collect();
    let way = Pair::udp("198.51.100.1:5".parse().unwrap(), "192.0.2.1:8189".parse().unwrap());
    let claims = |sessions: &Sessions| sessions.claims(&way).iter().collect::<Vec<Slot>>();
    sessions.proven(slots[0], way);
    assert!(!sessions.claims(&way).is_contested());
    sessions.proven(slots[1], way);
    assert_eq!(claims(&sessions), slots[..2]);
    // A client that begins anew shows by its keys that it is there, and so may the one before.
    sessions.used(slots[1], &way);
    assert_eq!(sessions.by_way(&way), Some(slots[1]));
    sessions.used(slots[0], &way);
    for slot in &slots[1..] {
        sessions.proven(*slot, way);
    }
    assert_eq!(claims(&sessions), [slots[0], slots[1], slots[2], slots[7]]);
    for slot in [slots[0], slots[2], slots[7]] {
        sessions.remove(now, slot);
    }
    assert_eq!(claims(&sessions), [slots[1]], "whoever is left has it");
    sessions.proven(slots[3], way);
    assert_eq!(claims(&sessions), [slots[1], slots[3]], "also whom there was no room for");
    sessions.remove(now, slots[1]);
    sessions.remove(now, slots[3]);
    assert!(sessions.by_address.is_empty());
}

/// Whoever only begins holds what the places hold, and only for a while: however many addresses and
/// connections each of them shows.
#[test]
fn sessions_that_never_connect_are_bounded_and_expire() {
    const PLACES: usize = 8;
    let (start, room) = (Instant::now(), Arc::new(Semaphore::new(PLACES)));
    let mut sessions = Sessions::default();
    let local = "192.0.2.1:8189".parse().unwrap();
    let (mut begun, mut ended) = (0u32, 0);
    for step in 0..200u32 {
        let now = start + seconds(1) * step;
        for (slot, why) in sessions.expired(now) {
            assert_eq!(why, "it did not connect");
            drop(sessions.remove(now, slot));
            ended += 1u32;
        }
        ended_are_forgotten(&mut sessions, now);
        while room.available_permits() > 0 {
            let slot = sessions.insert(session(now, &room));
            begun += 1;
            for way in 0..100u16 {
                let remote = SocketAddr::from(([198, 51, 100, begun as u8], 1_000 + way));
                let mut pair = Pair::udp(remote, local);
                if way % 2 == 1 {
                    pair.tcp = NonZero::new(begun * 1_000 + u32::from(way)).map(ConnectionId);
                }
                sessions.proven(slot, pair);
            }
        }
        assert!(sessions.all().count() <= PLACES && sessions.places.len() <= PLACES);
        assert!(sessions.by_id.len() <= PLACES);
        assert!(sessions.by_address.len() <= PLACES * ADDRESSES);
        assert!(sessions.by_connection.len() <= PLACES * CONNECTIONS);
    }
    assert!(ended >= 10 * PLACES as u32, "each has its fifteen seconds: {ended} of {begun}");
    let over = start + seconds(300);
    for (slot, _) in sessions.expired(over) {
        drop(sessions.remove(over, slot));
    }
    assert_eq!(room.available_permits(), PLACES);
    let maps = (sessions.by_id.len(), sessions.by_ufrag.len(), sessions.by_address.len());
    assert_eq!((maps, sessions.by_connection.len()), ((0, 0, 0), 0));
}

/// Ended sessions are remembered for a minute: those of five turns at most.
fn ended_are_forgotten(sessions: &mut Sessions, now: Instant) {
    drop(sessions.forget(now));
    assert!(sessions.ended.len() <= 5 * 8, "{}", sessions.ended.len());
}
