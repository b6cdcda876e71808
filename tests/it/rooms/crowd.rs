//! Rooms of so many people that not everyone is told of everyone.

use rushes_sessions::{CROWD, LISTED};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::harness::{Rushes, code};

fn users(data: &Value) -> &[Value] {
    data["users"].as_array().unwrap()
}

#[tokio::test]
async fn a_crowd_hears_of_some_and_asks_for_the_others() {
    let rushes = Rushes::start().await;
    let stage = Stage::new(&rushes).await;
    let room = stage.room().await;
    let mut people = Vec::new();
    for nth in 0..CROWD {
        let name = format!("p{nth}");
        people.push(stage.person(&rushes.app().store, &name, false, None).await);
    }
    let emails: Vec<String> = (0..CROWD).map(|nth| format!("p{nth}@rushes.test")).collect();
    let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
    stage.invite(&room, &emails).await;

    let mut host = stage.enter(&stage.host, &room).await;
    assert_eq!((&host.data["online"], &host.data["more"]), (&json!(1), &json!(false)));
    let mut attending = Vec::new();
    for person in &people {
        attending.push(stage.enter(person, &room).await);
    }
    let everyone = CROWD + 1;
    let last = attending.pop().unwrap();
    assert_eq!((&last.data["online"], &last.data["more"]), (&json!(everyone), &json!(true)));
    assert_eq!(users(&last.data).len(), LISTED);
    loop {
        let told = host.socket.event("REVIEW_SESSION_USERS_CHANGED").await;
        if told["online"] == everyone {
            assert_eq!((users(&told).len(), &told["more"]), (LISTED, &json!(true)));
            assert_eq!(users(&told)[0]["user_id"], json!(stage.host.id));
            break;
        }
    }

    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = json!({ "id": room, "after": after, "limit": 60 });
        let page = attending[0].socket.ask("rushes/room/users", &page, None).await["data"].clone();
        assert_eq!((&page["id"], &page["online"]), (&json!(room), &json!(everyone)));
        seen.extend(users(&page).iter().map(|user| user["user_id"].clone()));
        after = seen.last().unwrap().clone();
        if page["more"] == false {
            break;
        }
    }
    let mut expected: Vec<Value> = people.iter().map(|person| json!(person.id)).collect();
    expected.push(json!(stage.host.id));
    expected.sort_by_key(Value::to_string);
    assert_eq!(seen, expected);
    let mut outside = stage.socket(&stage.crew.token).await;
    let answer = outside.ask("rushes/room/users", &json!({ "id": room }), None).await;
    assert_eq!(code(&answer), 403, "whoever does not attend learns nothing");
}
