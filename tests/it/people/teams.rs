//! Teams: of a company and of a production, and how far they reach.

use serde_json::{Value, json};

use crate::world::{World, each};

#[tokio::test]
async fn a_team_of_the_company_reaches_the_folder_it_was_let_into_and_all_below() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let beside = world.folder("Beside", None).await;
    let person = world.colleague("editor").await;
    let team = world.team("Edit", None).await;
    world.join_team(&team, &person, 3).await;
    assert_eq!(world.may(&person, &world.project, "can_upload").await, None);

    let add = json!({"id": world.project, "team_id": team});
    world.walk("/add/project/team", add.clone(), &[&world.viewer, &world.contributor], 800).await;
    world.ok(&world.admin, "/add/project/team", add.clone()).await;
    for folder in [&world.project, &inner] {
        assert_eq!(world.may(&person, folder, "can_upload").await, Some(true));
    }
    assert_eq!(world.may(&person, &beside, "can_upload").await, None);
    let body = json!({"project_id": inner});
    let teams = world.ok(&world.contributor, "/get/project/teams", body).await;
    assert_eq!(each(&teams, "name"), ["Edit"]);
    world
        .refused(&world.admin, "/delete/project/team", json!({"id": inner, "team_id": team}), 404)
        .await;
    world.ok(&world.admin, "/delete/project/team", add).await;
    assert_eq!(world.may(&person, &inner, "can_upload").await, None);
}

#[tokio::test]
async fn a_productions_team_reaches_all_its_folders_and_is_taken_off_none_of_them() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let person = world.colleague("editor").await;
    let team = world.team("Dailies", Some(&world.group)).await;
    world.join_team(&team, &person, 4).await;
    let add = json!({"id": world.group, "team_id": team});
    world.walk("/add/group/team", add.clone(), &[&world.viewer, &world.contributor], 471).await;
    world.ok(&world.admin, "/add/group/team", add.clone()).await;
    for folder in [&world.project, &inner] {
        assert_eq!(world.may(&person, folder, "can_download").await, Some(true));
        let off = json!({"id": folder, "team_id": team});
        world.refused(&world.admin, "/delete/project/team", off, 499).await;
    }
    // A folder that comes later is reached, too.
    let later = world.folder("Later", None).await;
    assert_eq!(world.may(&person, &later, "can_download").await, Some(true));
    let body = json!({"id": world.group});
    let teams = world.ok(&world.admin, "/get/group/teams", body.clone()).await;
    assert_eq!(each(&teams, "user_count"), [1]);
    world.walk("/get/group/teams", body, &[&world.viewer], 800).await;
    world.walk("/delete/group/team", add.clone(), &[&world.viewer], 471).await;
    world.ok(&world.admin, "/delete/group/team", add.clone()).await;
    assert_eq!(world.may(&person, &later, "can_download").await, None);
    world.refused(&world.admin, "/delete/group/team", add, 404).await;
}

#[tokio::test]
async fn what_a_person_has_of_several_teams_and_of_their_own_adds_up() {
    let world = World::new().await;
    let team = world.team("Uploaders", None).await;
    world.join_team(&team, &world.viewer, 3).await;
    world
        .ok(&world.admin, "/add/project/team", json!({"id": world.project, "team_id": team}))
        .await;
    assert_eq!(world.may(&world.viewer, &world.project, "can_upload").await, Some(true));
    let body = json!({"project_id": world.project, "user_id": world.viewer.id});
    let seen = world.ok(&world.admin, "/get/project/user", body).await;
    assert_eq!((&seen["security_group"], &seen["can_upload"]), (&json!(5), &json!(true)));
    let grants = &seen["project_permissions"];
    assert_eq!(each(grants, "type"), ["USER", "TEAM"]);
    assert_eq!(each(grants, "team_name"), [&Value::Null, &json!("Uploaders")]);
    let listed = world.ok(&world.admin, "/get/users", json!({"project_id": world.project})).await;
    assert_eq!(listed.as_array().unwrap().len(), 2, "each person once: {listed}");
}

#[tokio::test]
async fn teams_are_made_and_changed_by_administrators_and_names_are_theirs_alone() {
    let world = World::new().await;
    let create = json!({"company_id": world.company, "name": "Sound", "settings": {"color": "red"},
        "default_security_group": 4});
    world.walk("/create/team", create.clone(), &[&world.viewer, &world.contributor], 800).await;
    let made = world.ok(&world.admin, "/create/team", create.clone()).await;
    assert_eq!((&made["default_security_group"], &made["group_id"]), (&json!(4), &Value::Null));
    assert_eq!(made["settings"]["color"], "red");
    world.refused(&world.admin, "/create/team", create, 490).await;
    let named = |name: &str, group: Option<&str>| json!({"company_id": world.company, "name": name, "group_id": group, "settings": {}});
    world.refused(&world.admin, "/create/team", named(" sOUND ", None), 490).await;
    world.refused(&world.admin, "/create/team", named("  ", None), 407).await;
    // A production has names of its own.
    world.ok(&world.admin, "/create/team", named("Sound", Some(&world.group))).await;
    let update = json!({"id": made["id"], "name": "Mix", "default_security_group": 5});
    let without: [&crate::harness::Person; 0] = [];
    world.walk("/update/team", update.clone(), &without, 0).await;
    let updated = world.ok(&world.admin, "/update/team", update).await;
    assert_eq!((&updated["name"], &updated["updated"]), (&json!("Mix"), &json!(true)));
    world
        .refused(
            &world.admin,
            "/update/team",
            json!({"id": made["id"], "name": "Administrators"}),
            490,
        )
        .await;
    let wrong = json!({"id": made["id"], "default_security_group": 77});
    world.refused(&world.admin, "/update/team", wrong, 404).await;
}

#[tokio::test]
async fn teams_are_known_to_those_in_them_and_those_who_manage_people() {
    let world = World::new().await;
    let person = world.colleague("editor").await;
    let edit = world.team("Edit", None).await;
    let other = world.team("Other", None).await;
    world.join_team(&edit, &person, 5).await;
    let listed = world.ok(&person, "/get/teams", json!({})).await;
    assert_eq!(each(&listed, "name"), ["Edit"]);
    assert_eq!(each(&listed, "can_update_participants"), [false]);
    assert_eq!(world.ok(&person, "/get/team", json!({"id": edit})).await["user_count"], 1);
    world.refused(&person, "/get/team", json!({"id": other}), 404).await;
    world.refused(&person, "/get/team/users", json!({"id": other}), 404).await;
    let both = json!({"team_ids": [edit, other]});
    world.refused(&person, "/get/teams/users", both.clone(), 404).await;
    let listed = world.ok(&world.admin, "/get/teams/users", both).await;
    assert_eq!(
        (each(&listed, "team_id"), each(&listed, "first_name")),
        (vec![&json!(edit)], vec![&json!("editor")])
    );
    let all = world.ok(&world.admin, "/get/teams", json!({"company_id": world.company})).await;
    assert_eq!(each(&all, "name"), ["Administrators", "Edit", "Other"]);
    world.refused(&world.stranger, "/get/teams", json!({"company_id": world.company}), 404).await;
    // Who manages the people of a production sees the teams that may be let in.
    world.join_group(&person, 6).await;
    let all = world.ok(&person, "/get/teams", json!({})).await;
    assert_eq!(each(&all, "name"), ["Administrators", "Edit", "Other"]);
}

#[tokio::test]
async fn people_come_into_a_team_all_or_none_and_leave_it() {
    let world = World::new().await;
    let (a, b) = (world.colleague("ann").await, world.colleague("bob").await);
    let team = world.team("Edit", None).await;
    let path = "/add/team/user";
    let one = json!({"id": team, "user_id": a.id});
    world.refused(&world.contributor, path, one.clone(), 404).await;
    world.refused(&world.admin, path, json!({"id": team}), 600).await;
    let with_stranger = json!({"id": team, "user_id_list": [a.id, world.stranger.id]});
    world.refused(&world.admin, path, with_stranger, 446).await;
    let uneven =
        json!({"id": team, "user_id_list": [a.id, b.id], "role_id_list": ["0".repeat(32)]});
    world.refused(&world.admin, path, uneven, 407).await;
    assert_eq!(world.ok(&world.admin, "/get/team/users", json!({"id": team})).await, json!([]));
    world.ok(&world.admin, path, json!({"id": team, "user_id_list": [a.id, b.id]})).await;
    let people = world.ok(&a, "/get/team/users", json!({"id": team})).await;
    assert_eq!(each(&people, "first_name"), ["ann", "bob"]);
    assert_eq!(each(&people, "security_group_id"), [5, 5], "the team's default");

    let update = json!({"id": team, "user_id": b.id, "security_group_id": 3});
    world.refused(&a, "/update/team/user", update.clone(), 800).await;
    world.ok(&world.admin, "/update/team/user", update).await;
    let no_role = json!({"id": team, "user_id": b.id, "role_id": "0".repeat(32)});
    world.refused(&world.admin, "/update/team/user", no_role, 404).await;
    let people = world.ok(&world.admin, "/get/team/users", json!({"id": team})).await;
    assert_eq!(each(&people, "security_group_id"), [5, 3]);

    world.refused(&a, "/delete/team/user", json!({"id": team, "user_id": b.id}), 800).await;
    world.ok(&a, "/delete/team/user", json!({"id": team, "user_id": a.id})).await;
    world.ok(&world.admin, "/delete/team/user", json!({"id": team, "user_id": b.id})).await;
    world
        .refused(&world.admin, "/delete/team/user", json!({"id": team, "user_id": b.id}), 446)
        .await;
}

#[tokio::test]
async fn the_administration_team_is_the_administrators_and_is_neither_deleted_nor_weakened() {
    let world = World::new().await;
    let company = world.ok(&world.admin, "/get/company", json!({"id": world.company})).await;
    let team = &company["admin_team"];
    let seen = world.ok(&world.admin, "/get/team", json!({"id": team})).await;
    assert_eq!((&seen["is_admin_team"], &seen["user_count"]), (&json!(true), &json!(1)));
    world.refused(&world.admin, "/delete/team", json!({"id": team}), 492).await;
    let weak = json!({"id": team, "user_id": world.viewer.id, "security_group_id": 5});
    world.refused(&world.admin, "/add/team/user", weak, 494).await;
    let weak = json!({"id": team, "default_security_group": 5});
    world.refused(&world.admin, "/update/team", weak, 494).await;
    let gone = json!({"id": team, "user_id": world.admin.id});
    world.refused(&world.admin, "/delete/team/user", gone.clone(), 714).await;

    world.ok(&world.admin, "/add/team/user", json!({"id": team, "user_id": world.viewer.id})).await;
    assert_eq!(world.may(&world.viewer, &world.project, "is_admin").await, Some(true));
    let weaker = json!({"id": team, "user_id": world.viewer.id, "security_group_id": 4});
    world.refused(&world.admin, "/update/team/user", weaker, 494).await;
    world.ok(&world.viewer, "/delete/team/user", gone).await;
    assert_eq!(world.may(&world.admin, &world.project, "is_admin").await, Some(true), "the owner");
    let seen = world.ok(&world.viewer, "/get/company", json!({"id": world.company})).await;
    assert_eq!(seen["is_admin"], true);
}

#[tokio::test]
async fn a_locked_team_stays_as_it_is() {
    let world = World::new().await;
    let team = world.team("Edit", None).await;
    world.join_team(&team, &world.viewer, 5).await;
    let mut tx = world.rushes.app().store.write().await.unwrap();
    rushes::store::teams::lock(&mut tx, team.parse().unwrap(), true).await.unwrap();
    tx.commit().await.unwrap();
    for (path, body) in [
        ("/update/team", json!({"id": team, "name": "x"})),
        ("/delete/team", json!({"id": team})),
        ("/add/team/user", json!({"id": team, "user_id": world.contributor.id})),
        ("/update/team/user", json!({"id": team, "user_id": world.viewer.id})),
        ("/delete/team/user", json!({"id": team, "user_id": world.viewer.id})),
    ] {
        world.refused(&world.admin, path, body, 497).await;
    }
    let seen = world.ok(&world.admin, "/get/team", json!({"id": team})).await;
    assert_eq!(seen["can_update_participants"], false);
}

#[tokio::test]
async fn a_team_is_deleted_with_all_its_places_and_a_dry_run_changes_nothing() {
    let world = World::new().await;
    let team = world.team("Edit", None).await;
    world.join_team(&team, &world.viewer, 3).await;
    world.ok(&world.admin, "/add/group/team", json!({"id": world.group, "team_id": team})).await;
    world
        .ok(&world.admin, "/add/project/team", json!({"id": world.project, "team_id": team}))
        .await;
    let whole = |validate| json!({"id": team, "validate": validate});
    let part = json!({"id": team, "productions": [world.group], "validate": false});
    let dry = world.ok(&world.admin, "/delete/team", whole(true)).await;
    assert_eq!(
        dry,
        json!({"deleted": false, "validated": true,
        "productions": [world.group], "projects": [world.project]})
    );
    let refused = world.ok(&world.admin, "/delete/team", part).await;
    assert_eq!((&refused["deleted"], &refused["validated"]), (&json!(false), &json!(false)));
    assert_eq!(world.may(&world.viewer, &world.project, "can_upload").await, Some(true));
    let done = world.ok(&world.admin, "/delete/team", whole(false)).await;
    assert_eq!((&done["deleted"], &done["validated"]), (&json!(true), &json!(true)));
    assert_eq!(world.may(&world.viewer, &world.project, "can_upload").await, Some(false));
    world.refused(&world.admin, "/get/team", json!({"id": team}), 404).await;
}

#[tokio::test]
async fn a_team_belongs_to_one_company_and_perhaps_to_one_production() {
    let world = World::new().await;
    let companies = world.ok(&world.stranger, "/get/companies", json!({})).await;
    let create = json!({"company_id": companies[0]["id"], "name": "Theirs", "settings": {}});
    let theirs = world.ok(&world.stranger, "/create/team", create).await;
    let add = json!({"id": world.project, "team_id": theirs["id"]});
    world.refused(&world.admin, "/add/project/team", add, 404).await;
    let second = json!({"name": "Second", "company_id": world.company});
    let second = world.ok(&world.admin, "/create/group", second).await;
    let team = world.team("First's", Some(&world.group)).await;
    let add = json!({"id": second["id"], "team_id": team});
    world.refused(&world.admin, "/add/group/team", add, 712).await;
    // One that is let in elsewhere cannot become a production's own.
    let common = world.team("Common", None).await;
    world
        .ok(&world.admin, "/add/project/team", json!({"id": world.project, "team_id": common}))
        .await;
    let own = json!({"id": common, "group_id": second["id"]});
    world.refused(&world.admin, "/update/team", own, 750).await;
    let own = json!({"id": common, "group_id": world.group});
    assert_eq!(world.ok(&world.admin, "/update/team", own).await["group_id"], json!(world.group));
}

#[tokio::test]
async fn nobody_lets_themselves_see_by_a_membership_or_by_a_team() {
    let world = World::new().await;
    let person = world.colleague("coordinator").await;
    world.join_group(&person, 6).await;
    assert_eq!(world.may(&person, &world.project, "can_view").await, Some(false));
    assert_eq!(world.may(&person, &world.project, "can_update_participants").await, Some(true));
    // Others, yes; more than looking, no.
    let set = |who: &crate::harness::Person, group: i64| json!({"project_id": world.project, "user_id": who.id, "security_group": group});
    world.ok(&person, "/update/project/user", set(&world.viewer, 5)).await;
    world.refused(&person, "/update/project/user", set(&world.viewer, 3), 800).await;
    world.refused(&person, "/update/project/user", set(&person, 5), 424).await;
    let invite = json!({"project_id": world.project, "email": "coordinator@rushes.test",
        "first_name": "x", "last_name": "x", "security_group": 5});
    world.refused(&person, "/invite/user", invite, 424).await;
    // Nor by way of a team: neither into one, nor with one.
    let own = world.team("Own", Some(&world.group)).await;
    let join = json!({"id": own, "user_id": person.id, "security_group_id": 5});
    world.refused(&person, "/add/team/user", join, 496).await;
    let common = world.team("Common", None).await;
    world.join_team(&common, &person, 5).await;
    let add = json!({"id": world.project, "team_id": common});
    world.refused(&person, "/add/project/team", add, 496).await;
    let add = json!({"id": world.group, "team_id": common});
    world.refused(&person, "/add/group/team", add, 496).await;
    assert_eq!(world.may(&person, &world.project, "can_view").await, Some(false));
}

#[tokio::test]
async fn people_and_teams_are_found_in_one_search() {
    let world = World::new().await;
    world.team("Viewers and others", None).await;
    world.team("Viewing room", Some(&world.group)).await;
    let body = json!({"company_id": world.company, "search": "VIEW"});
    world.walk("/get/teams/search/users", body.clone(), &[&world.viewer], 800).await;
    let found = world.ok(&world.admin, "/get/teams/search/users", body.clone()).await;
    assert_eq!(each(&found, "is_team"), [true, false]);
    assert_eq!(
        (&found[0]["team_name"], &found[1]["first_name"]),
        (&json!("Viewers and others"), &json!("viewer"))
    );
    let mut with = body;
    with["group_ids"] = json!([world.group]);
    with["limit"] = json!(2);
    let found = world.ok(&world.admin, "/get/teams/search/users", with).await;
    assert_eq!(each(&found, "team_name"), ["Viewers and others", "Viewing room"]);
}

#[tokio::test]
async fn whoever_administers_a_whole_production_sees_its_rooms() {
    let world = World::new().await;
    let (own, by_team) = (world.colleague("producer").await, world.colleague("studio").await);
    let looks = world.colleague("looks").await;
    world.join_group(&own, 1).await;
    world.join_group(&looks, 5).await;
    let team = world.team("Studio", Some(&world.group)).await;
    world.join_team(&team, &by_team, 1).await;
    let let_in = json!({"id": world.group, "team_id": team});
    world.ok(&world.admin, "/add/group/team", let_in).await;
    let room = json!({"group_id": world.group, "name": "Review"});
    let room = world.ok(&world.admin, "/create/review_session", room).await;
    let id = json!({"id": room["id"]});
    for who in [&own, &by_team] {
        let rooms = world.ok(who, "/get/review_sessions", json!({})).await;
        assert_eq!(each(&rooms, "id"), [&room["id"]]);
        world.ok(who, "/start/review_session", id.clone()).await;
    }
    assert_eq!(world.ok(&looks, "/get/review_sessions", json!({})).await, json!([]));
    world.refused(&looks, "/get/review_session", id.clone(), 672).await;
    // Suspended, the production is its company's alone.
    let suspend = json!({"id": world.group, "suspended": "2026-01-01T00:00:00.000Z"});
    world.ok(&world.admin, "/update/group", suspend).await;
    for who in [&own, &by_team] {
        world.refused(who, "/get/review_session", id.clone(), 672).await;
        assert_eq!(world.ok(who, "/get/review_sessions", json!({})).await, json!([]));
    }
    world.ok(&world.admin, "/get/review_session", id).await;
}
