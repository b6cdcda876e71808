//! Who reads which messages, in which order, with which assets, and how far they have come.

use rushes::store::{destinations, text::MessageStatus};
use rushes::{ids::UserId, time::Millis};

use super::*;

#[tokio::test]
async fn messages_are_for_whom_they_are_sent_to_and_senders_see_their_own() {
    let set = Set::new().await;
    let world = &set.world;
    let ada = world.colleague("ada").await;
    world.join_folder(&world.project, &ada, default::VIEWER).await;
    let hers = set.ok(&set.operator, SUBSCRIBE, subscribe(world, "ada@rushes.test")).await;
    let to_her = |words: &str| json!({"destination_id": hers["destination_id"], "assets": [world.asset], "text": words});
    let edited = text(&set.ok(&set.sender, SEND, to_her("from the editor")).await[0]["id"]);
    let ordered = text(&set.ok(&world.admin, SEND, to_her("from the boss")).await[0]["id"]);
    let list = json!({"destination_id": hers["destination_id"]});
    for (who, expected) in [
        (&ada, vec![&edited, &ordered]),
        (&set.operator, vec![&edited, &ordered]),
        (&world.admin, vec![&edited, &ordered]),
        (&set.sender, vec![&edited]),
        (&world.viewer, vec![]),
    ] {
        let got = set.ok(who, MESSAGES, list.clone()).await;
        let ids: Vec<String> = each(&got, "id").into_iter().map(text).collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), expected);
    }
    // What one may not read is no place to begin at, and nothing to change.
    let from = json!({"destination_id": hers["destination_id"], "start_after_message_id": ordered});
    set.refused(&set.sender, MESSAGES, from, 404).await;
    set.refused(&set.sender, UPDATE, status(&ordered, "PENDING"), 404).await;
    set.refused(&set.sender, UPDATE, status(&edited, "RECEIVED"), 800).await;
    world.walk(UPDATE, status(&edited, "RECEIVED"), &[&world.viewer], 404).await;
    world.walk(MESSAGES, list, &[], 404).await;
    let got = set.ok(&ada, UPDATE, status(&edited, "RECEIVED")).await;
    assert_eq!(got["status"], "RECEIVED", "she needs no subscription for what is hers");
    // To send takes a permission of its own.
    world.walk(SEND, set.message("x"), &[&world.viewer, &set.operator], 800).await;
}

#[tokio::test]
async fn pages_follow_each_other_either_way_and_have_ten_messages() {
    let set = Set::new().await;
    let mut sent = Vec::new();
    for n in 0..25 {
        sent.push(set.send(&format!("message {n}")).await);
    }
    for (sort, mut expected) in [("OLDEST", sent.clone()), ("NEWEST", sent.clone())] {
        if sort == "NEWEST" {
            expected.reverse();
        }
        let (mut all, mut body) =
            (Vec::new(), json!({"destination_id": set.destination, "sort": sort}));
        let mut lengths = Vec::new();
        loop {
            let page = set.ok(&set.operator, MESSAGES, body.clone()).await;
            let ids: Vec<String> = each(&page, "id").into_iter().map(text).collect();
            lengths.push(ids.len());
            let Some(last) = ids.last() else { break };
            body["start_after_message_id"] = json!(last);
            all.extend(ids);
        }
        assert_eq!((all, lengths), (expected, vec![10, 10, 5, 0]), "{sort}");
    }
    let page = json!({"destination_id": set.destination, "limit": 3});
    let page = set.ok(&set.operator, MESSAGES, page).await;
    let ids: Vec<String> = each(&page, "id").into_iter().map(text).collect();
    assert_eq!(ids, sent[..3]);
    for limit in [0, -1, 1001, i64::MAX] {
        let page = json!({"destination_id": set.destination, "limit": limit});
        set.refused(&set.operator, MESSAGES, page, 407).await;
    }
}

#[tokio::test]
async fn a_status_goes_forwards_what_was_received_stays_and_an_error_may_be_tried_again() {
    let set = Set::new().await;
    let mut qtake = listening(&set.world, &set.operator).await;
    let id = set.send("x").await;
    qtake.event(EVENT).await;
    let mut failed = status(&id, "ERROR");
    failed["error_message"] = json!("the disk is full");
    let answer = set.ok(&set.operator, UPDATE, failed).await;
    assert_eq!(answer["status"], "ERROR");
    assert!(!answer.to_string().contains("disk"), "the contract has no place for it");
    let kept = {
        let mut tx = set.world.rushes.app().store.read().await.unwrap();
        destinations::message(&mut tx, id.parse().unwrap()).await.unwrap().unwrap()
    };
    assert_eq!(kept.error_message.as_deref(), Some("the disk is full"));
    // Whoever sent it has it tried again, and QTAKE is told.
    let answer = set.ok(&set.sender, UPDATE, status(&id, "PENDING")).await;
    assert_eq!(answer["status"], "PENDING");
    qtake.event(EVENT).await;
    for (said, expected) in [
        ("DELIVERED", "DELIVERED"),
        ("PENDING", "DELIVERED"),
        ("DELIVERED", "DELIVERED"),
        ("RECEIVED", "RECEIVED"),
        // A slower device of the same person.
        ("DELIVERED", "RECEIVED"),
        ("ERROR", "RECEIVED"),
        ("PENDING", "RECEIVED"),
    ] {
        let answer = set.ok(&set.operator, UPDATE, status(&id, said)).await;
        assert_eq!(answer["status"], expected, "after {said}");
    }
    assert_eq!(qtake.told(EVENT).await, [] as [Value; 0], "nothing new waits");
    let kept = {
        let mut tx = set.world.rushes.app().store.read().await.unwrap();
        destinations::message(&mut tx, id.parse().unwrap()).await.unwrap().unwrap()
    };
    assert_eq!((kept.status, kept.error_message), (MessageStatus::Received, None));
}

#[tokio::test]
async fn assets_are_those_of_the_folder_that_both_see() {
    let set = Set::new().await;
    let world = &set.world;
    // A hidden batch is there for the sender, who may see those, and not for the operator.
    let batch = json!({"project_id": world.project, "name": "Day 1"});
    let batch = text(&set.ok(&world.admin, "/create/batch", batch).await["id"]);
    let (hidden, deleted) =
        (world.another_asset("A001_C002").await, world.another_asset("A001_C003").await);
    world.put_into_batch(&hidden, &batch).await;
    let mut message = set.message("x");
    message["assets"] = json!([hidden, world.asset, deleted]);
    set.ok(&set.sender, SEND, message.clone()).await;
    let hide = json!({"id": batch, "name": "Day 1", "hidden": true});
    set.ok(&world.admin, "/update/batch", hide).await;
    set.ok(&world.admin, "/delete/asset", json!({"id": deleted})).await;
    let assets = async |who: &Person| set.of(who).await[0]["assets"].clone();
    assert_eq!(assets(&set.sender).await, json!([hidden, world.asset]));
    assert_eq!(assets(&set.operator).await, json!([world.asset]));
    let answer = set.of(&set.operator).await[0].clone();
    let updated = set.ok(&set.operator, UPDATE, status(&text(&answer["id"]), "DELIVERED")).await;
    assert_eq!(updated["assets"], json!([world.asset]));

    // What is deleted, elsewhere, not there, or hidden from the sender is not sent, nor any of the rest.
    let elsewhere = world.folder("Day 2", None).await;
    let other = {
        let mut tx = world.rushes.app().store.write().await.unwrap();
        let new = rushes::store::assets::NewAsset::video(
            elsewhere.parse().unwrap(),
            world.admin.id,
            "B001_C001",
        );
        let row = rushes::store::assets::create(&mut tx, &new, Millis::now()).await.unwrap();
        tx.commit().await.unwrap();
        row.id.to_string()
    };
    for bad in [&deleted, &other, &"0".repeat(32)] {
        message["assets"] = json!([world.asset, bad]);
        set.refused(&world.admin, SEND, message.clone(), 404).await;
    }
    let raise =
        json!({"project_id": world.project, "user_id": set.operator.id, "security_group": 2});
    set.ok(&world.admin, "/update/project/user", raise).await;
    message["assets"] = json!([hidden]);
    set.ok(&set.operator, SEND, message.clone()).await;
    assert_eq!(set.of(&world.admin).await.as_array().unwrap().len(), 2, "those that were sent");

    // A folder that is deleted takes its destinations with it.
    set.ok(&world.admin, "/delete/project", json!({"id": world.project})).await;
    for who in [&world.admin, &set.operator, &set.sender] {
        set.refused(who, MESSAGES, json!({"destination_id": set.destination}), 404).await;
        set.refused(who, SEND, set.message("x"), 404).await;
        set.refused(who, SUBSCRIBE, subscribe(world, DIRECTOR), 404).await;
        let one = json!({"subscription_id": set.subscription["id"]});
        set.refused(who, "/get/destination/subscription", one, 404).await;
    }
}

#[tokio::test]
async fn a_message_that_was_answered_is_kept_in_the_order_in_which_it_was_sent() {
    let set = Set::new().await;
    // Two send at once, over connections of their own.
    let one = async |who: &Person, words: &str| {
        let mut socket = listening(&set.world, who).await;
        let mut sent = Vec::new();
        for n in 0..20 {
            let message = set.message(&format!("{words} {n}"));
            sent.push(text(&ask(&mut socket, SEND, message).await[0]["id"]));
        }
        sent
    };
    let (a, b) = tokio::join!(one(&set.sender, "a"), one(&set.world.admin, "b"));
    let mut tx = set.world.rushes.app().store.read().await.unwrap();
    let wanted = destinations::MessageFilter {
        destination: set.destination.parse().unwrap(),
        sender: None::<UserId>,
        after: None,
        newest_first: false,
        limit: 1000,
    };
    let rows = destinations::messages(&mut tx, wanted).await.unwrap();
    let numbers: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<i64>>(), "without a gap");
    let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    for sent in [a, b] {
        let places: Vec<_> = sent.iter().map(|id| ids.iter().position(|kept| kept == id)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
    }
}
