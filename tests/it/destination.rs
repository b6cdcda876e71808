//! Messages to QTAKE: who subscribes to whose, who sends them, and how far each has come.

mod limits;
mod messages;
mod subscribers;

use rushes::store::security::default;
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
