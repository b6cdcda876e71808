//! Rooms of more people than everyone is told of.

use super::*;
use crate::{CROWD, LISTED};

const OTHERS: u64 = 3 * CROWD as u64;

/// A host and many others in a room, by connections that are numbered as they are.
async fn crowd(hub: &Hub) -> Vec<Subscription> {
    let mut all = Vec::new();
    for i in 1..=OTHERS + 1 {
        let who = attendee(UserId(u128::from(i)));
        let (snapshot, subscription) =
            hub.subscribe(ROOM, who, ConnectionId(i), None).await.unwrap();
        assert!(snapshot.people.listed.len() <= CROWD, "{}", snapshot.people.listed.len());
        all.push(subscription);
    }
    all
}

async fn next_people(subscription: &mut Subscription) -> People {
    match subscription.next().await {
        Delivery::Event(broadcast) => match &broadcast.event {
            RoomEvent::Users(people) => people.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn report(error_ms: f64) -> Report {
    let (asset, frame, error_frames, live_ms) = (None, None, 0.0, None);
    let (buffering, following) = (false, true);
    Report { asset, frame, error_ms, error_frames, rtt_ms: 9.0, buffering, following, live_ms }
}

#[tokio::test]
async fn what_a_crowd_is_told_of_its_people_does_not_grow_with_it() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    let mut all = crowd(&hub).await;
    let everyone = OTHERS as usize + 1;
    for subscription in &mut all {
        loop {
            let people = next_people(subscription).await;
            assert!(people.listed.len() <= CROWD);
            if people.online == everyone {
                assert_eq!((people.listed.len(), people.more), (LISTED, true));
                assert!(people.listed[0].is_host);
                break;
            }
        }
    }
    // Everyone has heard of everyone: nothing is due. What clients report is for the host alone.
    let [host, other, ..] = all.as_mut_slice() else { panic!() };
    hub.report(ROOM, ConnectionId(2), report(-40.0));
    let reported = |people: &People| people.listed[1].report.map(|report| report.error_ms);
    while reported(&next_people(host).await) != Some(-40.0) {}
    hub.say(ROOM, ConnectionId(1), "c", "Welcome").await.unwrap();
    let Delivery::Event(next) = other.next().await else { panic!("cut off") };
    assert!(matches!(next.event, RoomEvent::Chat(_)), "{next:?}");
}

#[tokio::test]
async fn who_attends_a_crowd_gets_the_list_of_all_by_pages() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    let _all = crowd(&hub).await;
    let first = hub.people(ROOM, ConnectionId(5), None, 200).await.unwrap();
    assert_eq!((first.people.len(), first.more), (200, true));
    let last = first.people.last().map(|person| person.user);
    let second = hub.people(ROOM, ConnectionId(5), last, 200).await.unwrap();
    assert_eq!((second.people.len(), second.more), (OTHERS as usize - 199, false));
    let stranger = hub.people(ROOM, ConnectionId(9999), None, 1).await;
    assert!(matches!(stranger, Err(HubError::Denied(Reason::NotPresent))));
}
