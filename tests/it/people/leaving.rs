//! How people leave folders and companies.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_member_leaves_and_a_dry_run_says_the_same_and_changes_nothing() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    world.join_folder(&inner, &world.viewer, 3).await;
    let body = |validate| json!({"project_id": world.project, "validate": validate});
    let dry = world.ok(&world.viewer, "/leave/project", body(true)).await;
    assert_eq!(dry, json!({"removed": false, "teams": [], "validated": true}));
    assert!(world.may(&world.viewer, &world.project, "can_view").await.is_some());
    let done = world.ok(&world.viewer, "/leave/project", body(false)).await;
    assert_eq!(done, json!({"removed": true, "teams": [], "validated": true}));
    // Also what they were further down.
    for folder in [&world.project, &inner] {
        assert_eq!(world.may(&world.viewer, folder, "can_view").await, None);
    }
    world.refused(&world.stranger, "/leave/project", body(true), 404).await;
}

#[tokio::test]
async fn who_is_there_by_teams_leaves_when_all_are_named() {
    let world = World::new().await;
    let (whole, part) = (world.team("Whole", None).await, world.team("Part", None).await);
    for team in [&whole, &part] {
        world.join_team(team, &world.viewer, 5).await;
    }
    world.ok(&world.admin, "/add/group/team", json!({"id": world.group, "team_id": whole})).await;
    world
        .ok(&world.admin, "/add/project/team", json!({"id": world.project, "team_id": part}))
        .await;
    let leave = |teams: serde_json::Value, validate: bool| json!({"project_id": world.project, "teams": teams, "validate": validate});
    for (teams, validate) in [(json!([]), true), (json!([]), false), (json!([part]), false)] {
        let answer = world.ok(&world.viewer, "/leave/project", leave(teams, validate)).await;
        assert_eq!((&answer["validated"], &answer["removed"]), (&json!(false), &json!(false)));
        let mut needed = vec![whole.clone(), part.clone()];
        needed.sort();
        assert_eq!(answer["teams"], json!(needed));
        assert!(world.may(&world.viewer, &world.project, "can_view").await.is_some());
    }
    let both = json!([whole, part]);
    let dry = world.ok(&world.viewer, "/leave/project", leave(both.clone(), true)).await;
    assert_eq!((&dry["validated"], &dry["removed"]), (&json!(true), &json!(false)));
    let done = world.ok(&world.viewer, "/leave/project", leave(both, false)).await;
    assert_eq!(done["removed"], true);
    assert_eq!(world.may(&world.viewer, &world.project, "can_view").await, None);
    assert_eq!(world.ok(&world.admin, "/get/team", json!({"id": whole})).await["user_count"], 0);
}

#[tokio::test]
async fn others_are_removed_by_those_who_may_and_owners_stay() {
    let world = World::new().await;
    let path = "/leave/project";
    let of =
        |user: &crate::harness::Person| json!({"project_id": world.project, "user_id": user.id});
    world.refused(&world.contributor, path, of(&world.viewer), 411).await;
    world.refused(&world.admin, path, of(&world.stranger), 446).await;
    let own = json!({"project_id": world.project});
    world.refused(&world.admin, path, own, 412).await;
    // A manager removes a contributor, and no administrator.
    let raise = |user: &crate::harness::Person, group: i64| json!({"project_id": world.project, "user_id": user.id, "security_group": group});
    world.ok(&world.admin, "/update/project/user", raise(&world.viewer, 2)).await;
    let boss = world.colleague("boss2").await;
    world.join_folder(&world.project, &boss, 1).await;
    world.refused(&world.viewer, path, of(&boss), 411).await;
    world.ok(&world.viewer, path, of(&world.contributor)).await;
    assert_eq!(world.may(&world.contributor, &world.project, "can_view").await, None);
    // Whoever made a folder and is a member of it cannot be taken out.
    let made = json!({"name": "Mine", "group_id": world.group, "parent_project_id": world.project});
    let made = world.ok(&world.viewer, "/create/project", made).await;
    let of_owner = json!({"project_id": made["id"], "user_id": world.viewer.id});
    world.refused(&world.admin, path, of_owner, 416).await;
}

#[tokio::test]
async fn a_membership_above_ends_above() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    world.refused(&world.viewer, "/leave/project", json!({"project_id": inner}), 458).await;
    let person = world.colleague("coordinator").await;
    world.join_group(&person, 4).await;
    world.refused(&person, "/leave/project", json!({"project_id": inner}), 458).await;
}

#[tokio::test]
async fn somebody_is_taken_out_of_a_company_with_everything_and_a_dry_run_changes_nothing() {
    let world = World::new().await;
    let team = world.team("Edit", None).await;
    world.join_team(&team, &world.viewer, 4).await;
    world.join_group(&world.viewer, 5).await;
    let body = json!({"id": world.company, "user_id": world.viewer.id, "validate": true});
    let path = "/delete/company/user";
    world.walk(path, body.clone(), &[&world.contributor], 800).await;
    let dry = world.ok(&world.admin, path, body.clone()).await;
    let parts = json!({"deleted": false, "projects": [world.project], "teams": [team],
        "validated": true});
    assert_eq!(dry, parts);
    // Who names some and not all is told all, and nothing happens.
    let mut part = body.clone();
    part["validate"] = json!(false);
    part["projects"] = json!([world.project]);
    let answer = world.ok(&world.admin, path, part.clone()).await;
    assert_eq!((&answer["deleted"], &answer["validated"]), (&json!(false), &json!(false)));
    assert!(world.may(&world.viewer, &world.project, "can_view").await.is_some());
    part["teams"] = json!([team]);
    let done = world.ok(&world.admin, path, part.clone()).await;
    assert_eq!((&done["deleted"], &done["validated"]), (&json!(true), &json!(true)));
    assert_eq!(world.may(&world.viewer, &world.project, "can_view").await, None);
    world.refused(&world.viewer, "/get/company", json!({"id": world.company}), 404).await;
    world.refused(&world.admin, path, part, 713).await;
}

#[tokio::test]
async fn out_of_one_production_is_not_out_of_the_company_and_the_last_administrator_stays() {
    let world = World::new().await;
    world.join_group(&world.viewer, 5).await;
    let body = json!({"id": world.company, "user_id": world.viewer.id, "group_id": world.group});
    let done = world.ok(&world.admin, "/delete/company/user", body).await;
    assert_eq!((&done["deleted"], &done["projects"]), (&json!(true), &json!([world.project])));
    assert_eq!(world.may(&world.viewer, &world.project, "can_view").await, None);
    world.ok(&world.viewer, "/get/company", json!({"id": world.company})).await;
    for validate in [true, false] {
        let body = json!({"id": world.company, "user_id": world.admin.id, "validate": validate});
        world.refused(&world.admin, "/delete/company/user", body, 714).await;
    }
    let body = json!({"id": world.company, "user_id": world.stranger.id});
    world.refused(&world.admin, "/delete/company/user", body, 713).await;
}
