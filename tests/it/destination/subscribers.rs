//! Who subscribes to whose messages, who is told of them, and who sees it.

use super::*;

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
