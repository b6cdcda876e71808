//! Teams from CSV files.

use serde_json::{Value, json};

use crate::{
    harness::{Person, Socket, code},
    world::{World, each},
};

const FILE: &str = "\u{FEFF}first_name,last_name,email,team,role,security_group\r\n\
    Ada,Lovelace,ada@rushes.test,Editorial,Editor,contributor\r\n\
    Zoë,Ünal,zoe@rushes.test,Editorial,,\r\n\
    Ada,Lovelace,ADA@rushes.test,Sound,Mixer,4\r\n\
    ,Nobody,nobody@rushes.test,Sound,,\r\n\
    Bob,Wrong,bob@rushes.test,Sound,,chief\r\n\
    Viewer,Test,viewer@rushes.test,Sound,Ear,5\r\n";

async fn leave(world: &World, who: &Person, file: &str) -> Value {
    let url = world.rushes.url("/rushes/csv");
    let request = world.rushes.client.post(url).header("X-Token", &who.token);
    let response = request.body(file.to_owned()).send().await.unwrap();
    response.json::<Value>().await.unwrap()["filename"].clone()
}

impl World {
    /// Imports a file as the administrator, and gives what became of it.
    pub(super) async fn imported(&self, socket: &mut Socket, file: &str) -> Value {
        let file = leave(self, &self.admin, file).await;
        let begun = self.ok(&self.admin, "/import/teams/csv", import(self, &file, false)).await;
        self.task_ends(socket, &begun["task_id"]).await["report"].clone()
    }
}

fn import(world: &World, file: &Value, validate_only: bool) -> Value {
    json!({"company_id": world.company, "filename": file, "original_filename": "teams.csv",
        "validate_only": validate_only})
}

#[tokio::test]
async fn a_file_makes_people_and_teams_and_every_refused_line_is_reported() {
    let world = World::new().await;
    let mut socket = world.listen().await;
    let file = leave(&world, &world.admin, FILE).await;
    let body = import(&world, &file, true);
    world.walk("/import/teams/csv", body.clone(), &[&world.viewer], 800).await;
    let begun = world.ok(&world.admin, "/import/teams/csv", body).await;
    let tried = world.task_ends(&mut socket, &begun["task_id"]).await;
    let expected = |validate_only: bool| {
        json!({"validate_only": validate_only, "lines": 6, "users_created": 2, "teams_created": 2,
            "added": 4, "updated": 0, "teams": ["Editorial", "Sound"], "refused": [
                {"line": 5, "code": 600, "message": "first_name is empty"},
                {"line": 6, "code": 404, "message": "there is no security group \"chief\""}]})
    };
    assert_eq!(tried["report"], expected(true), "{tried}");
    let teams = world.ok(&world.admin, "/get/teams", json!({"company_id": world.company})).await;
    assert_eq!(each(&teams, "name"), ["Administrators"], "trying changes nothing");
    assert!(world.mails("ada@rushes.test").is_empty());

    let body = import(&world, &file, false);
    let begun = world.ok(&world.admin, "/import/teams/csv", body.clone()).await;
    let done = world.task_ends(&mut socket, &begun["task_id"]).await;
    assert_eq!(done["report"], expected(false), "the same as was said");
    let teams = world.ok(&world.admin, "/get/teams", json!({"company_id": world.company})).await;
    assert_eq!(each(&teams, "user_count"), [1, 2, 2]);
    let people = world.ok(&world.admin, "/get/team/users", json!({"id": teams[1]["id"]})).await;
    assert_eq!(each(&people, "first_name"), ["Ada", "Zoë"]);
    assert_eq!(each(&people, "security_group_id"), [3, 5]);
    assert_eq!(each(&people, "project_role_name"), [&json!("Editor"), &Value::Null]);
    assert_eq!(each(&people, "account_status"), ["INVITED", "INVITED"]);
    assert_eq!(world.mails("ada@rushes.test").len(), 1, "one letter, though in two teams");
    assert!(world.mails("viewer@rushes.test").is_empty());
    world.refused(&world.admin, "/import/teams/csv", body, 404).await;
}

#[tokio::test]
async fn a_file_is_its_owners_and_becomes_no_path() {
    let world = World::new().await;
    let file = leave(&world, &world.viewer, FILE).await;
    for name in [&file, &json!("../rushes.db"), &json!("/etc/passwd"), &json!("x.csv")] {
        world.refused(&world.admin, "/import/teams/csv", import(&world, name, true), 404).await;
    }
    let url = world.rushes.url("/rushes/csv");
    let response = world.rushes.client.post(&url).body(FILE).send().await.unwrap();
    assert_eq!(code(&response.json().await.unwrap()), 405);
    let huge = vec![b'x'; 3 * 1024 * 1024];
    let request = world.rushes.client.post(&url).header("X-Token", &world.admin.token);
    assert_eq!(request.body(huge).send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn what_is_no_csv_fails_as_a_whole_and_a_production_has_teams_of_its_own() {
    let world = World::new().await;
    let mut socket = world.listen().await;
    let file = leave(&world, &world.admin, "name\nx\n").await;
    let begun = world.ok(&world.admin, "/import/teams/csv", import(&world, &file, true)).await;
    let end = world.task_ends(&mut socket, &begun["task_id"]).await;
    assert_eq!((&end["status"], &end["error"]["code"]), (&json!("FAILED"), &json!(407)));

    let file = leave(&world, &world.admin, FILE).await;
    let mut body = import(&world, &file, false);
    body["group_id"] = json!(world.group);
    world.refused(&world.viewer, "/import/teams/csv", body.clone(), 471).await;
    let begun = world.ok(&world.admin, "/import/teams/csv", body).await;
    world.task_ends(&mut socket, &begun["task_id"]).await;
    let teams = world.ok(&world.admin, "/get/teams", json!({"group_id": world.group})).await;
    assert_eq!(each(&teams, "name"), ["Editorial", "Sound"]);
    assert_eq!(each(&teams, "group_id"), [&json!(world.group), &json!(world.group)]);
}

#[tokio::test]
async fn a_long_file_says_how_far_it_is() {
    let world = World::new().await;
    let mut socket = world.listen().await;
    // Without a byte order mark.
    let mut file = String::from("first_name,last_name,email,team,role,security_group\n");
    for n in 0..250 {
        file.push_str(&format!("Person,{n},person{n}@rushes.test,Crew,,\n"));
    }
    let file = leave(&world, &world.admin, &file).await;
    let begun = world.ok(&world.admin, "/import/teams/csv", import(&world, &file, false)).await;
    let mut said = Vec::new();
    let end = loop {
        let event = socket.event("TASK_PROGRESS").await;
        if event["task_id"] == begun["task_id"] {
            said.push((event["done"].clone(), event["progress"].clone()));
            if event["status"] != "RUNNING" {
                break event;
            }
        }
    };
    let steps = [(100, 40), (200, 80), (250, 100)].map(|(done, all)| (json!(done), json!(all)));
    assert_eq!((&said[..3], said.len()), (&steps[..], 4));
    assert_eq!((&end["status"], &end["report"]["added"]), (&json!("DONE"), &json!(250)));
}

#[tokio::test]
async fn lines_beyond_the_licence_are_refused_one_by_one() {
    let world = World::new().await;
    let operator = world.operator().await;
    // Three people are in the company.
    let license = json!({"company_id": world.company, "type": "NAMED_USER", "count": 4});
    world.ok(&operator, "/create/company/license", license).await;
    let mut socket = world.listen().await;
    let file = "first_name,last_name,email,team,role,security_group\n\
        Viewer,Test,viewer@rushes.test,Sound,,\nAda,L,ada@rushes.test,Sound,,\n\
        Bob,M,bob@rushes.test,Sound,,\nAda,L,ada@rushes.test,Picture,,\n";
    let report = world.imported(&mut socket, file).await;
    assert_eq!((&report["users_created"], &report["added"]), (&json!(1), &json!(3)));
    assert_eq!(
        (each(&report["refused"], "line"), each(&report["refused"], "code")),
        (vec![&json!(4)], vec![&json!(740)])
    );
}
