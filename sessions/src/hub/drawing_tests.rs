//! What is drawn and pointed at: told at once, and kept when it is finished.

use super::*;
use crate::{Pen, Place, Point};

fn part(id: &str, from: usize, points: usize, done: bool) -> Draw {
    let on = Place { asset: AssetId(7), frame: Some(Frame(3)) };
    let points = vec![Point(1, 2); points];
    Draw { id: id.into(), on, pen: Pen::new(0, 40).unwrap(), from, points, done }
}

/// The next event that is neither the state nor the people.
async fn next_drawing(subscription: &mut Subscription) -> RoomEvent {
    loop {
        match subscription.next().await {
            Delivery::Event(broadcast) => match &broadcast.event {
                RoomEvent::State { .. } | RoomEvent::Users(_) => {}
                event => return event.clone(),
            },
            end => panic!("the subscription ended: {end:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_drawn_is_told_while_it_is_drawn_and_kept_when_it_is_finished() {
    let memory = Arc::new(Memory::default());
    let first = hub(&memory, quick());
    let (host, guest) = (ConnectionId(1), ConnectionId(2));
    let (snapshot, _a) = first.subscribe(ROOM, attendee(HOST), host, None).await.unwrap();
    let (_, mut b) = first.subscribe(ROOM, attendee(UserId(2)), guest, None).await.unwrap();
    first.command(ROOM, host, command("one", snapshot.state.version(), load())).await.unwrap();

    first.draw(ROOM, host, part("a", 0, 2, false)).await.unwrap();
    let RoomEvent::Strokes(parts) = next_drawing(&mut b).await else { panic!() };
    assert_eq!((parts[0].stroke.id.as_str(), parts[0].stroke.done), ("a", false));
    assert!(memory.strokes.lock().unwrap().is_empty(), "it is not finished");
    let drawn = first.draw(ROOM, host, part("a", 2, 1, true)).await.unwrap();
    assert!(drawn.finished);
    assert_eq!(memory.strokes.lock().unwrap()[0].points.len(), 3, "it is kept by now");
    let RoomEvent::Strokes(parts) = next_drawing(&mut b).await else { panic!() };
    assert_eq!((parts[0].from, parts[0].stroke.done), (2, true));
    first.point(ROOM, guest, Pointer { asset: AssetId(7), at: Some(Point(5, 6)) });
    let RoomEvent::Pointers(pointers) = next_drawing(&mut b).await else { panic!() };
    assert_eq!(pointers[0].0, UserId(2));

    // Who leaves in the middle leaves what was drawn so far.
    first.draw(ROOM, guest, part("b", 0, 4, false)).await.unwrap();
    drop(b);
    let (mut snapshot, mut c) = first.subscribe(ROOM, attendee(HOST), host, None).await.unwrap();
    while memory.strokes.lock().unwrap().len() < 2 {
        (snapshot, c) = first.subscribe(ROOM, attendee(HOST), host, None).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(snapshot.strokes.len(), 2);

    let second = hub(&memory, quick());
    let (snapshot, mut d) = second.subscribe(ROOM, attendee(HOST), host, None).await.unwrap();
    let known: Vec<_> =
        snapshot.strokes.iter().map(|one| (one.id.as_str(), one.points.len())).collect();
    assert_eq!(known, [("a", 3), ("b", 4)]);
    assert_eq!(second.erase(ROOM, host, Erase::All(None)).await.unwrap().len(), 2);
    assert!(memory.strokes.lock().unwrap().is_empty());
    assert!(matches!(next_drawing(&mut d).await, RoomEvent::Erased { ids, .. } if ids.len() == 2));
    drop(c);
}

#[tokio::test]
async fn a_subscriber_who_is_behind_is_spared_pointers_and_not_cut_off_for_them() {
    let memory = Arc::new(Memory::default());
    let config = HubConfig { queue: 8, users_interval: Duration::from_secs(60), ..quick() };
    let hub = hub(&memory, config);
    let host = ConnectionId(1);
    let (first, mut slow) = hub.subscribe(ROOM, attendee(HOST), host, None).await.unwrap();
    hub.command(ROOM, host, command("one", first.state.version(), load())).await.unwrap();
    for x in 0..40 {
        hub.point(ROOM, host, Pointer { asset: AssetId(7), at: Some(Point(x, 0)) });
        // Longer than the room waits between two events.
        tokio::time::sleep(Duration::from_millis(35)).await;
    }
    hub.say(ROOM, host, "c", "still there").await.unwrap();
    let mut pointers = 0;
    loop {
        match next_drawing(&mut slow).await {
            RoomEvent::Pointers(_) => pointers += 1,
            RoomEvent::Chat(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!((1..=5).contains(&pointers), "{pointers}");
}
