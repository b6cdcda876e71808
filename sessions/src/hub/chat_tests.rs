//! What is said: kept once, and told in order.

use super::*;

/// The next message of the chat.
async fn next_said(subscription: &mut Subscription) -> crate::ChatMessage {
    loop {
        match subscription.next().await {
            Delivery::Event(broadcast) => {
                if let RoomEvent::Chat(message) = &broadcast.event {
                    return message.clone();
                }
            }
            end => panic!("the subscription ended: {end:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_said_is_journaled_once_told_in_order_and_known_after_a_restart() {
    let memory = Arc::new(Memory::default());
    let first = hub(&memory, quick());
    let (_, mut a) = first.subscribe(ROOM, attendee(HOST), ConnectionId(1), None).await.unwrap();
    let said = first.say(ROOM, ConnectionId(1), "one", "Hello").await.unwrap();
    assert_eq!(memory.said.lock().unwrap().as_slice(), std::slice::from_ref(&said));
    // Two at once, of which one was said before: one new message, and one event.
    let (again, next) = tokio::join!(
        first.say(ROOM, ConnectionId(1), "one", "Hello"),
        first.say(ROOM, ConnectionId(1), "two", "You")
    );
    assert_eq!((again.unwrap(), next.unwrap().seq), (said.clone(), 2));
    for (seq, text) in [(1, "Hello"), (2, "You")] {
        let told = next_said(&mut a).await;
        assert_eq!((told.seq, told.text.as_str()), (seq, text));
    }
    let logged: Vec<_> =
        memory.log.lock().unwrap().iter().map(|entry| entry.what.clone()).collect();
    assert!(logged.contains(&crate::LogEvent::Said(2)), "{logged:?}");

    // The process is gone; a client that got no answer says it again.
    let second = hub(&memory, quick());
    let (snapshot, mut b) =
        second.subscribe(ROOM, attendee(HOST), ConnectionId(1), None).await.unwrap();
    assert_eq!(snapshot.last_message, 2);
    assert_eq!(second.say(ROOM, ConnectionId(1), "one", "Hello").await.unwrap(), said);
    let third = second.say(ROOM, ConnectionId(1), "three", "Back").await.unwrap();
    assert_eq!((third.seq, next_said(&mut b).await.seq), (3, 3));
    let stranger = second.say(ROOM, ConnectionId(9), "x", "x").await;
    assert!(matches!(stranger, Err(HubError::Denied(Reason::NotPresent))));
}

#[tokio::test]
async fn what_could_not_be_kept_is_told_to_nobody() {
    let memory = Arc::new(Memory::default());
    let hub = hub(&memory, quick());
    let (_, mut a) = hub.subscribe(ROOM, attendee(HOST), ConnectionId(1), None).await.unwrap();
    memory.broken.store(true, std::sync::atomic::Ordering::Relaxed);
    let failed = hub.say(ROOM, ConnectionId(1), "one", "Hello").await;
    assert!(matches!(failed, Err(HubError::Journal)), "{failed:?}");
    loop {
        match a.next().await {
            Delivery::Event(broadcast) => {
                assert!(!matches!(broadcast.event, RoomEvent::Chat(_)));
            }
            end => break assert!(matches!(end, Delivery::Resync)),
        }
    }
}
