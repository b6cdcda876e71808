//! What is refused: bad requests, and more than there may be.

use rushes::store::{
    destinations::{self, DestinationRow, NewMessage, SubscriptionRow, subscriptions},
    text::DestinationKind,
};
use rushes::{
    ids::{DestinationId, SubscriptionId},
    time::Millis,
};

use super::*;

#[tokio::test]
async fn bad_requests_change_nothing() {
    let set = Set::new().await;
    let world = &set.world;
    let with = |name: &str, value: Value| {
        let mut body = subscribe(world, DIRECTOR);
        body[name] = value;
        body
    };
    for (body, expected) in [
        (with("user_email", json!("nobody")), 442),
        (with("user_email", json!(format!("{}@x.test", "x".repeat(250)))), 407),
        (with("user_name", json!("<script>")), 407),
        (with("user_role", json!("{{x}}")), 407),
        (with("device_name", json!("x".repeat(257))), 407),
        (with("type", json!("PRINTER")), 601),
        (with("project_id", json!("0".repeat(32))), 404),
    ] {
        set.refused(&set.operator, SUBSCRIBE, body, expected).await;
    }
    assert_eq!(set.listed(&world.admin).await.as_array().unwrap().len(), 1);

    let send = |assets: Value, words: Value| json!({"destination_id": set.destination, "assets": assets, "text": words});
    let many: Vec<String> = (0..101).map(|n| format!("{n:032X}")).collect();
    for (body, expected) in [
        (send(json!([]), json!(" \n")), 407),
        (send(json!([]), Value::Null), 407),
        (send(json!(many), Value::Null), 407),
        (send(json!(["x"]), Value::Null), 407),
        (send(json!([world.asset]), json!("x".repeat(10_001))), 407),
        (send(json!([world.asset]), json!("<img src=x>")), 407),
        (send(Value::Null, json!("x")), 600),
    ] {
        set.refused(&set.sender, SEND, body, expected).await;
    }
    assert_eq!(set.of(&world.admin).await, json!([]));
    let words = set.ok(&set.sender, SEND, send(json!([]), json!("a < b, and <3"))).await;
    assert_eq!((&words[0]["text"], &words[0]["assets"]), (&json!("a < b, and <3"), &json!([])));
    let silent = set.ok(&set.sender, SEND, send(json!([world.asset]), Value::Null)).await;
    assert_eq!(silent[0]["text"], Value::Null);

    let id = text(&silent[0]["id"]);
    let mut long = status(&id, "ERROR");
    long["error_message"] = json!("x".repeat(10_001));
    set.refused(&set.operator, UPDATE, long, 407).await;
    set.refused(&set.operator, UPDATE, status(&id, "SEEN"), 601).await;
    set.refused(&set.operator, UPDATE, status(&"0".repeat(32), "ERROR"), 404).await;
    let statuses = set.of(&set.operator).await;
    assert_eq!(each(&statuses, "status"), ["PENDING", "PENDING"]);
    // A message of another destination is no place in this one.
    let second = set.ok(&set.operator, SUBSCRIBE, subscribe(world, "dop@set.test")).await;
    let across = json!({
        "destination_id": second["destination_id"], "start_after_message_id": id,
    });
    set.refused(&set.operator, MESSAGES, across, 404).await;
}

#[tokio::test]
async fn there_is_an_end_to_subscriptions_destinations_and_messages_that_wait() {
    let set = Set::new().await;
    let (world, now) = (&set.world, Millis::now());
    let destination: DestinationId = set.destination.parse().unwrap();
    let mut tx = world.rushes.app().store.write().await.unwrap();
    let new = NewMessage {
        destination_id: destination,
        sender_id: set.sender.id,
        text: None,
        assets: vec![world.asset.parse().unwrap()],
    };
    let mut last = None;
    for _ in 0..10_000 {
        last = Some(destinations::send(&mut tx, &new, now).await.unwrap());
    }
    for n in 1..100 {
        let row = SubscriptionRow {
            id: SubscriptionId::new(),
            destination_id: destination,
            created_by: set.operator.id,
            device_name: format!("device {n}"),
            created: now,
        };
        subscriptions::insert(&mut tx, &row).await.unwrap();
    }
    for n in 1..1000 {
        destinations::insert(&mut tx, &person(world, n, now)).await.unwrap();
    }
    tx.commit().await.unwrap();

    set.refused(&set.sender, SEND, set.message("one more"), 900).await;
    let last = last.unwrap().to_string();
    set.ok(&set.operator, UPDATE, status(&last, "DELIVERED")).await;
    set.send("now there is room").await;
    set.refused(&world.admin, SUBSCRIBE, subscribe(world, DIRECTOR), 750).await;
    let same = set.ok(&set.operator, SUBSCRIBE, subscribe(world, DIRECTOR)).await;
    assert_eq!(same, set.subscription, "one that is there is no further one");
    set.refused(&set.operator, SUBSCRIBE, subscribe(world, "late@set.test"), 750).await;
    set.ok(&set.operator, SUBSCRIBE, subscribe(world, "p7@set.test")).await;
}

/// One of many destinations of a folder.
fn person(world: &World, n: usize, now: Millis) -> DestinationRow {
    DestinationRow {
        id: DestinationId::new(),
        project_id: world.project.parse().unwrap(),
        kind: DestinationKind::Qtake,
        user_email: format!("p{n}@set.test"),
        user_name: format!("Person {n}"),
        user_role: None,
        created: now,
    }
}
