//! Messages to QTAKE: who subscribes to whose, who sends them, and how far each has come.

use rushes::store::{
    destinations::{self, DestinationRow, NewMessage, SubscriptionRow, subscriptions},
    security::default,
    text::{DestinationKind, MessageStatus},
};
use rushes::{
    ids::{DestinationId, SubscriptionId, UserId},
    time::Millis,
};
use serde_json::{Value, json};

use crate::{
    harness::{Person, Socket, code},
    world::{World, each, text},
};

const EVENT: &str = "DESTINATION_MESSAGE";
const SUBSCRIBE: &str = "/subscribe/destination";
const SEND: &str = "/send/destination/message";
const MESSAGES: &str = "/get/destination/messages";
const UPDATE: &str = "/update/destination/message";
const DIRECTOR: &str = "director@set.test";

/// A world with QTAKE's operator (who may create live streams), somebody who may send to QTAKE, and
/// a subscription of the operator for a director who has no account.
struct Set {
    world: World,
    operator: Person,
    sender: Person,
    subscription: Value,
    destination: String,
}

impl Set {
    async fn new() -> Self {
        let world = World::new().await;
        let (operator, sender) = (world.contributor.clone(), world.colleague("editor").await);
        world.join_folder(&world.project, &sender, default::MANAGER).await;
        let subscription = world.ok(&operator, SUBSCRIBE, subscribe(&world, DIRECTOR)).await;
        let destination = text(&subscription["destination_id"]);
        Self { world, operator, sender, subscription, destination }
    }

    async fn ok(&self, who: &Person, path: &str, body: Value) -> Value {
        self.world.ok(who, path, body).await
    }

    async fn refused(&self, who: &Person, path: &str, body: Value, code: u64) {
        self.world.refused(who, path, body, code).await;
    }

    fn message(&self, words: &str) -> Value {
        json!({"destination_id": self.destination, "assets": [self.world.asset], "text": words})
    }

    /// Sends as the sender.
    async fn send(&self, words: &str) -> String {
        text(&self.ok(&self.sender, SEND, self.message(words)).await[0]["id"])
    }

    fn after(&self, message: &str) -> Value {
        json!({"destination_id": self.destination, "start_after_message_id": message})
    }

    async fn of(&self, who: &Person) -> Value {
        self.ok(who, MESSAGES, json!({"destination_id": self.destination})).await
    }

    async fn listed(&self, who: &Person) -> Value {
        let body = json!({"project_id": self.world.project, "type": "QTAKE"});
        self.ok(who, "/get/destinations", body).await
    }
}

fn subscribe(world: &World, email: &str) -> Value {
    json!({
        "project_id": world.project, "type": "QTAKE", "user_email": email, "user_name": "Ada",
        "user_role": "Director", "device_name": "Cart 1",
    })
}

fn status(message: &str, status: &str) -> Value {
    json!({"message_id": message, "status": status})
}

/// A WebSocket of somebody, that is known by its person.
async fn listening(world: &World, who: &Person) -> Socket {
    let mut socket = world.rushes.socket(Some(&who.token)).await;
    socket.ask("ping", &json!({}), None).await;
    socket
}

/// Asks over a WebSocket, and expects an answer.
async fn ask(socket: &mut Socket, path: &str, body: Value) -> Value {
    let answer = socket.ask(path, &body, None).await;
    assert!(answer["error"].is_null(), "{path}: {answer}");
    answer["data"].clone()
}

#[tokio::test]
async fn qtake_subscribes_hears_of_messages_reads_what_it_has_not_and_says_how_far_they_are() {
    let set = Set::new().await;
    let mut qtake = listening(&set.world, &set.operator).await;
    let again = ask(&mut qtake, SUBSCRIBE, subscribe(&set.world, DIRECTOR)).await;
    assert_eq!(again, set.subscription, "the same device has one subscription");
    assert_eq!(again["device_name"], "Cart 1");
    assert_eq!(again["created_by"], json!(set.operator.id));
    let mut other = subscribe(&set.world, "  Director@SET.test".trim());
    other["device_name"] = Value::Null;
    let tablet = ask(&mut qtake, "/subscribe/destination", other).await;
    assert_eq!(tablet["destination_id"], again["destination_id"], "an address in any casing");
    assert_eq!(tablet["device_name"], Value::Null);
    let one = json!({"subscription_id": tablet["id"]});
    assert_eq!(ask(&mut qtake, "/get/destination/subscription", one.clone()).await, tablet);

    let listed = set.listed(&set.sender).await;
    let of = &listed[0];
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&of["user_email"], &of["user_name"]), (&json!(DIRECTOR), &json!("Ada")));
    assert_eq!((&of["user_role"], &of["type"]), (&json!("Director"), &json!("QTAKE")));
    assert_eq!(of["project_id"], json!(set.world.project));
    assert_eq!(of["active_subscriptions"], json!([again["id"], tablet["id"]]));

    let second = set.world.another_asset("A001_C002").await;
    let mut message = set.message("Please watch the second take");
    message["assets"] = json!([second, set.world.asset, second]);
    let sent = set.ok(&set.sender, "/send/destination/message", message).await;
    assert_eq!(sent[0]["assets"], json!([second, set.world.asset]), "each once, in their order");
    let told = qtake.event(EVENT).await;
    assert_eq!(told, json!({"destination_id": set.destination}));
    let got = ask(&mut qtake, MESSAGES, told).await;
    assert_eq!(got, sent, "as the sender was answered");
    let first = &got[0];
    assert_eq!((&first["status"], &first["created"]), (&json!("PENDING"), &sent[0]["created"]));
    assert_eq!(first["text"], "Please watch the second take");
    assert_eq!(
        (&first["sender_id"], &first["sender_email"]),
        (&json!(set.sender.id), &json!("editor@rushes.test"))
    );
    assert_eq!(
        (&first["sender_first_name"], &first["sender_last_name"]),
        (&json!("editor"), &json!("Test"))
    );

    let first = text(&first["id"]);
    let next = set.send("And this").await;
    qtake.event(EVENT).await;
    let got = ask(&mut qtake, MESSAGES, set.after(&first)).await;
    assert_eq!(each(&got, "id"), [&json!(next)], "what it has not");
    for step in ["DELIVERED", "RECEIVED"] {
        let now = ask(&mut qtake, "/update/destination/message", status(&first, step)).await;
        assert_eq!((&now["status"], &now["id"]), (&json!(step), &json!(first)));
    }
    let seen = set.of(&set.sender).await;
    assert_eq!(each(&seen, "status"), ["RECEIVED", "PENDING"], "the sender sees how far they are");

    for gone in [&again, &tablet] {
        let one = json!({"subscription_id": gone["id"]});
        let ended = ask(&mut qtake, "/unsubscribe/destination", one.clone()).await;
        assert_eq!(ended, json!({"success": true}));
        assert_eq!(code(&qtake.ask("/unsubscribe/destination", &one, None).await), 404);
        assert_eq!(code(&qtake.ask("/get/destination/subscription", &one, None).await), 404);
    }
    let listed = set.listed(&set.sender).await;
    assert_eq!(listed[0]["active_subscriptions"], json!([]), "the destination stays");
    let last = set.send("Are you there?").await;
    assert_eq!(qtake.told(EVENT).await, [] as [Value; 0]);
    // Whoever subscribes later finds what waited.
    ask(&mut qtake, SUBSCRIBE, subscribe(&set.world, DIRECTOR)).await;
    let waiting = ask(&mut qtake, MESSAGES, set.after(&next)).await;
    assert_eq!((&waiting[0]["id"], &waiting[0]["status"]), (&json!(last), &json!("PENDING")));
}

#[tokio::test]
async fn an_event_goes_to_those_alone_who_subscribed_and_see_the_folder() {
    let set = Set::new().await;
    let world = &set.world;
    let own = json!({
        "project_id": world.project, "type": "QTAKE", "user_email": "viewer@rushes.test",
        "user_name": "Viewer",
    });
    let theirs = text(&set.ok(&world.viewer, SUBSCRIBE, own).await["destination_id"]);
    let mut sockets = Vec::new();
    for who in [&set.operator, &world.viewer, &set.sender, &world.admin, &world.stranger] {
        sockets.push(listening(world, who).await);
    }
    set.send("For the director").await;
    let mut message = set.message("For the viewer");
    message["destination_id"] = json!(theirs);
    set.ok(&set.sender, SEND, message).await;
    let mut told = Vec::new();
    for socket in &mut sockets {
        told.push(socket.told(EVENT).await);
    }
    let of = |id: &str| vec![json!({ "destination_id": id })];
    assert_eq!(told, [of(&set.destination), of(&theirs), vec![], vec![], vec![]]);

    // Who has left the folder hears and reads no more, and does not count as listening.
    set.ok(&set.operator, "/leave/project", json!({"project_id": world.project})).await;
    assert_eq!(set.listed(&set.sender).await[0]["active_subscriptions"], json!([]));
    set.send("Still there?").await;
    assert_eq!(sockets[0].told(EVENT).await, [] as [Value; 0]);
    set.refused(&set.operator, MESSAGES, json!({"destination_id": set.destination}), 404).await;
}

#[tokio::test]
async fn one_subscribes_for_oneself_and_qtakes_operator_for_anybody() {
    let set = Set::new().await;
    let world = &set.world;
    let viewer = &world.viewer;
    set.refused(viewer, SUBSCRIBE, subscribe(world, DIRECTOR), 800).await;
    set.ok(viewer, SUBSCRIBE, subscribe(world, "Viewer@rushes.test")).await;
    let listed = set.listed(&set.sender).await;
    assert_eq!(each(&listed, "user_email"), [DIRECTOR, "viewer@rushes.test"]);
    // Addresses are for those who may send, or see who is here.
    let seen = set.listed(viewer).await;
    assert_eq!(each(&seen, "user_email"), [&Value::Null, &json!("viewer@rushes.test")]);
    assert_eq!(each(&set.listed(&set.operator).await, "user_email")[0], DIRECTOR);
    world.walk(SUBSCRIBE, subscribe(world, DIRECTOR), &[viewer], 800).await;
    let list = json!({"project_id": world.project, "type": "QTAKE"});
    world.walk("/get/destinations", list, &[], 800).await;

    let one = json!({"subscription_id": set.subscription["id"]});
    for path in ["/get/destination/subscription", "/unsubscribe/destination"] {
        for who in [viewer, &set.sender] {
            set.refused(who, path, one.clone(), 404).await;
        }
        world.walk(path, one.clone(), &[], 404).await;
    }
    // Another person's subscription to the same device is another one, and the name is the last.
    let mut renamed = subscribe(world, DIRECTOR);
    renamed["user_name"] = json!("Ada L.");
    renamed["user_role"] = Value::Null;
    let admins = set.ok(&world.admin, SUBSCRIBE, renamed).await;
    assert_ne!(admins["id"], set.subscription["id"]);
    let of = set.listed(&world.admin).await[0].clone();
    assert_eq!((&of["user_name"], &of["user_role"]), (&json!("Ada L."), &json!("Director")));
    assert_eq!(of["active_subscriptions"], json!([set.subscription["id"], admins["id"]]));
    // An administrator ends anybody's.
    set.ok(&world.admin, "/unsubscribe/destination", one).await;
    assert_eq!(set.listed(&world.admin).await[0]["active_subscriptions"], json!([admins["id"]]));
}

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
