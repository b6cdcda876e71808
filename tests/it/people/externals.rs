//! People whom another system manages, and where nobody else is let in.

use rushes::store::{projects, teams, users};
use serde_json::{Value, json};

use crate::{
    harness::Person,
    world::{World, each},
};

impl World {
    async fn comes_from_elsewhere(&self, who: &Person) {
        let mut tx = self.rushes.app().store.write().await.unwrap();
        users::set_external(&mut tx, who.id, Some("okta|1")).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn takes_external_people_only(&self, team: Option<&str>, folder: Option<&str>) {
        let mut tx = self.rushes.app().store.write().await.unwrap();
        if let Some(id) = team.map(|id| id.parse().unwrap()) {
            assert!(teams::set_externally_managed(&mut tx, id, true).await.unwrap());
        }
        if let Some(id) = folder.map(|id| id.parse().unwrap()) {
            assert!(projects::set_externally_managed(&mut tx, id, true).await.unwrap());
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_for_external_people_is_closed_to_others_with_all_below_it() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let (theirs, ours) = (world.colleague("theirs").await, world.colleague("ours").await);
    world.comes_from_elsewhere(&theirs).await;
    world.takes_external_people_only(None, Some(&world.project)).await;
    let invite = |folder: &str, email: &str| {
        json!({"project_id": folder, "email": email, "first_name": "x", "last_name": "x",
            "security_group": 5})
    };
    for folder in [&world.project, &inner] {
        for email in [world.email(&ours).await.as_str(), "new@rushes.test"] {
            let body = invite(folder, email);
            world.refused(&world.admin, "/invite/user", body, 419).await;
        }
        world.join_folder(folder, &theirs, 5).await;
    }
    assert!(world.mails("new@rushes.test").is_empty());
    let (mixed, external) = (world.team("Mixed", None).await, world.team("Lab", None).await);
    world.takes_external_people_only(Some(&external), None).await;
    let add = |team: &str| json!({"id": inner, "team_id": team});
    world.refused(&world.admin, "/add/project/team", add(&mixed), 419).await;
    world.ok(&world.admin, "/add/project/team", add(&external)).await;
    // Beside it, everybody may be let in.
    let beside = world.folder("Beside", None).await;
    world.join_folder(&beside, &ours, 5).await;
}

#[tokio::test]
async fn a_team_of_external_people_takes_no_others() {
    let world = World::new().await;
    let team = world.team("Lab", None).await;
    let (theirs, ours) = (world.colleague("theirs").await, world.colleague("ours").await);
    world.comes_from_elsewhere(&theirs).await;
    world.takes_external_people_only(Some(&team), None).await;
    let add = |people: Value| json!({"id": team, "user_id_list": people});
    world.refused(&world.admin, "/add/team/user", add(json!([theirs.id, ours.id])), 495).await;
    let listed = world.ok(&world.admin, "/get/team/users", json!({"id": team})).await;
    assert_eq!(listed, json!([]), "all or none");
    world.ok(&world.admin, "/add/team/user", add(json!([theirs.id]))).await;
    let listed = world.ok(&world.admin, "/get/team/users", json!({"id": team})).await;
    assert_eq!(
        (each(&listed, "externally_managed"), each(&listed, "external_idp_id")),
        (vec![&json!(true)], vec![&json!("okta|1")])
    );
    let seen = world.ok(&world.admin, "/get/team", json!({"id": team})).await;
    assert_eq!(seen["is_externally_managed"], true);

    let file = "first_name,last_name,email,team,role,security_group\n\
        Ours,Test,ours@rushes.test,Lab,,\nTheirs,Test,theirs@rushes.test,Lab,,4\n";
    let mut socket = world.listen().await;
    let report = world.imported(&mut socket, file).await;
    assert_eq!((&report["updated"], &report["added"]), (&json!(1), &json!(0)));
    assert_eq!(each(&report["refused"], "code"), [495]);
}
