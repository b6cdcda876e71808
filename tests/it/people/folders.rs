//! Folders of productions, what productions are for, and what there is to know of folders.

use serde_json::{Value, json};

use crate::world::{World, each, text};

#[tokio::test]
async fn productions_are_kept_in_folders_and_only_an_empty_folder_goes() {
    let world = World::new().await;
    let create = json!({"company_id": world.company, "name": "Features", "color": "#A1B2C3"});
    world.walk("/create/production_folder", create.clone(), &[&world.viewer], 800).await;
    let made = world.ok(&world.admin, "/create/production_folder", create).await;
    let id = json!({"id": made["id"]});
    let file = json!({"id": world.group, "production_folder_id": made["id"]});
    world.refused(&world.viewer, "/update/group", file.clone(), 471).await;
    world.ok(&world.admin, "/update/group", file).await;
    let with = json!({"id": made["id"], "include_child_count": true, "include_usage": true});
    world.walk("/get/production_folder", with.clone(), &[], 0).await;
    let seen = world.ok(&world.admin, "/get/production_folder", with.clone()).await;
    assert_eq!((&seen["child_count"], &seen["total_usage"]), (&json!(1), &json!(36)));
    let seen = world.ok(&world.viewer, "/get/production_folder", with).await;
    assert_eq!((&seen["child_count"], &seen["total_usage"]), (&json!(1), &Value::Null));
    let update = json!({"id": made["id"], "name": "Films"});
    world.walk("/update/production_folder", update.clone(), &[&world.viewer], 800).await;
    let updated = world.ok(&world.admin, "/update/production_folder", update).await;
    assert_eq!((&updated["name"], &updated["color"]), (&json!("Films"), &json!("#A1B2C3")));
    let list = json!({"id": world.company, "include_child_count": true});
    world.walk("/get/company/production_folders", list.clone(), &[], 0).await;
    let listed = world.ok(&world.viewer, "/get/company/production_folders", list).await;
    assert_eq!(
        (each(&listed, "name"), each(&listed, "child_count")),
        (vec![&json!("Films")], vec![&json!(1)])
    );
    let of_folder = json!({"production_folder_id": made["id"]});
    assert_eq!(
        each(&world.ok(&world.viewer, "/get/groups", of_folder).await, "name"),
        ["Production"]
    );

    world.walk("/delete/production_folder", id.clone(), &[&world.viewer], 800).await;
    world.refused(&world.admin, "/delete/production_folder", id.clone(), 750).await;
    world.ok(&world.admin, "/delete/group", json!({"id": world.group})).await;
    world.ok(&world.admin, "/delete/production_folder", id.clone()).await;
    world.refused(&world.admin, "/get/production_folder", id, 404).await;
    let unknown =
        json!({"name": "x", "company_id": world.company, "production_folder_id": made["id"]});
    world.refused(&world.admin, "/create/group", unknown, 404).await;
}

#[tokio::test]
async fn a_production_says_what_it_is_for() {
    let world = World::new().await;
    let all = world.ok(&world.viewer, "/get/usecases", json!({})).await;
    let (first, second) = (&all[0]["id"], &all[1]["id"]);
    let add = json!({"group_id": world.group, "usecase_ids": [first, second]});
    world.walk("/add/group/usecases", add.clone(), &[&world.viewer], 471).await;
    assert_eq!(world.ok(&world.admin, "/add/group/usecases", add).await, json!({}));
    let unknown = json!({"group_id": world.group, "usecase_ids": ["0".repeat(32)]});
    world.refused(&world.admin, "/add/group/usecases", unknown, 404).await;
    let of = json!({"group_id": world.group});
    world.walk("/get/group/usecases", of.clone(), &[], 0).await;
    assert_eq!(
        each(&world.ok(&world.viewer, "/get/group/usecases", of.clone()).await, "id"),
        [first, second]
    );
    let remove = json!({"group_id": world.group, "usecase_ids": [first]});
    world.walk("/remove/group/usecases", remove.clone(), &[&world.viewer], 471).await;
    world.ok(&world.admin, "/remove/group/usecases", remove).await;
    assert_eq!(each(&world.ok(&world.viewer, "/get/group/usecases", of).await, "id"), [second]);
    let made = json!({"name": "Second", "company_id": world.company, "usecase_ids": [second]});
    let made = world.ok(&world.admin, "/create/group", made).await;
    let of = json!({"group_id": made["id"]});
    assert_eq!(each(&world.ok(&world.admin, "/get/group/usecases", of).await, "id"), [second]);
}

#[tokio::test]
async fn a_production_gets_one_folder_for_its_own_pictures() {
    let world = World::new().await;
    let body = json!({"group_id": world.group});
    world.walk("/setup/group/assets", body.clone(), &[&world.viewer], 471).await;
    let made = world.ok(&world.admin, "/setup/group/assets", body.clone()).await;
    let seen = world.ok(&world.admin, "/get/group", json!({"id": world.group})).await;
    assert_eq!((&seen["asset_project_id"], &made["success"]), (&made["project_id"], &json!(true)));
    let again = world.ok(&world.admin, "/setup/group/assets", body.clone()).await;
    assert_eq!(again, json!({"success": true, "project_id": null}));
    world.ok(&world.admin, "/delete/project", json!({"id": made["project_id"]})).await;
    assert!(world.ok(&world.admin, "/setup/group/assets", body).await["project_id"].is_string());
}

#[tokio::test]
async fn usage_is_that_of_a_folder_and_all_below() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let copy = json!({"id": world.project, "new_parent_group_id": world.group,
        "new_parent_project_id": inner, "copy_batches_and_assets": true,
        "keep_existing_project_settings": true, "keep_existing_users_and_teams": false});
    world.refused(&world.admin, "/copy/project", json!({"id": inner}), 600).await;
    world.ok(&world.admin, "/copy/project", copy).await;
    let body = json!({"id": world.project});
    world.walk("/get/project/usage", body.clone(), &[], 0).await;
    let usage = world.ok(&world.viewer, "/get/project/usage", body).await;
    let expected = json!({"project_count": 4, "total_asset_count": 2, "total_uploaded_usage": 72,
        "total_usage": 72});
    assert_eq!(usage, expected, "the folder, the one in it, and the copies of both");
    let usage = world.ok(&world.viewer, "/get/project/usage", json!({"id": inner})).await;
    assert_eq!(usage["total_usage"], 36);
}

#[tokio::test]
async fn folders_are_found_by_a_part_of_their_name_with_the_way_to_them() {
    let world = World::new().await;
    let inner = world.folder("Selects", Some(&world.project)).await;
    world.folder("Secret selects", None).await;
    let body = |term: &str| json!({"company_id": world.company, "search_term": term});
    let path = "/search/project/name";
    world.walk(path, body("sel"), &[], 0).await;
    world.refused(&world.viewer, path, body("se"), 407).await;
    let found = world.ok(&world.viewer, path, body("SELE")).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    let way = &found[0]["project_breadcrumbs"];
    assert_eq!(each(way, "name"), ["Production", "Dailies", "Selects"]);
    assert_eq!(way[2]["id"], json!(inner));
    assert_eq!(world.ok(&world.admin, path, body("sele")).await.as_array().unwrap().len(), 2);
    let mut one = body("sele");
    one["limit"] = json!(1);
    assert_eq!(world.ok(&world.admin, path, one).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn filters_and_watermarks_are_for_those_who_look() {
    let world = World::new().await;
    let batch = json!({"name": "Day 1", "project_id": world.project});
    world.ok(&world.admin, "/create/batch", batch).await;
    for (scene, reel) in [("12A", "A001"), ("3", "A001"), ("12A", "A002")] {
        let asset = world.another_asset(&format!("{scene}{reel}")).await;
        let update = json!({"id": asset, "scene": scene, "reel": reel});
        world.ok(&world.admin, "/update/asset", update).await;
    }
    let id = json!({"id": world.project});
    world.walk("/get/project/filters", id.clone(), &[], 0).await;
    let filters = world.ok(&world.viewer, "/get/project/filters", id).await;
    assert_eq!(
        filters,
        json!({"batch": ["Day 1"], "reel": ["A001", "A002"], "scene": ["12A", "3"]})
    );
    let mark = json!({"id": world.project, "watermark_settings": {"text": "x"}});
    world.ok(&world.admin, "/update/project", mark).await;
    let of_project = json!({"project_id": world.project});
    world.walk("/get/project/watermark", of_project.clone(), &[], 0).await;
    let seen = world.ok(&world.viewer, "/get/project/watermark", of_project).await;
    assert_eq!((&seen["watermark"]["text"], &seen["group_id"]), (&json!("x"), &json!(world.group)));
    let of_group = json!({"group_id": world.group});
    world.walk("/get/group/watermark", of_group.clone(), &[], 0).await;
    assert_eq!(
        world.ok(&world.viewer, "/get/group/watermark", of_group).await["watermark"],
        json!({})
    );
}

#[tokio::test]
async fn a_template_keeps_the_folders_teams_and_people_of_a_production_for_others() {
    let world = World::new().await;
    world.folder("Selects", Some(&world.project)).await;
    let team = world.team("Dailies team", Some(&world.group)).await;
    world.join_team(&team, &world.contributor, 3).await;
    world.ok(&world.admin, "/add/group/team", json!({"id": world.group, "team_id": team})).await;
    let mut socket = world.listen().await;
    let create = json!({"group_id": world.group, "name": "Feature", "include_projects": true,
        "include_teams": true, "include_users": true});
    world.walk("/create/template", create.clone(), &[&world.viewer], 471).await;
    let made = world.ok(&world.admin, "/create/template", create).await;
    assert_eq!(world.task_ends(&mut socket, &made["task_id"]).await["status"], "DONE");
    // It is no production.
    assert_eq!(
        each(&world.ok(&world.admin, "/get/groups", json!({})).await, "name"),
        ["Production"]
    );
    world.refused(&world.admin, "/get/group", json!({"id": made["template_id"]}), 404).await;
    let all = world.ok(&world.admin, "/get/projects", json!({})).await;
    assert_eq!(each(&all, "name"), ["Dailies", "Selects"]);
    let list = json!({"company_id": world.company});
    world.walk("/get/templates", list.clone(), &[&world.viewer], 800).await;
    assert_eq!(world.ok(&world.viewer, "/get/templates", json!({})).await, json!([]));
    let listed = world.ok(&world.admin, "/get/templates", list).await;
    assert_eq!(listed[0]["id"], made["template_id"]);
    assert_eq!((&listed[0]["project_count"], &listed[0]["team_count"]), (&json!(2), &json!(1)));
    assert_eq!(listed[0]["copied_from_group_name"], "Production");

    let group =
        json!({"name": "Next", "company_id": world.company, "template_id": made["template_id"]});
    let group = world.ok(&world.admin, "/create/group", group).await;
    assert_eq!(world.task_ends(&mut socket, &group["task_id"]).await["status"], "DONE");
    let folders = world.ok(&world.viewer, "/get/group/projects", json!({"id": group["id"]})).await;
    assert_eq!(each(&folders, "name"), ["Dailies", "Selects"], "its viewers came along");
    assert_eq!(each(&folders, "asset_count"), [0, 0]);
    let dailies = text(&folders[0]["id"]);
    let teams = world.ok(&world.admin, "/get/group/teams", json!({"id": group["id"]})).await;
    assert_eq!(each(&teams, "name"), ["Dailies team"]);
    assert_ne!(teams[0]["id"], json!(team), "a team of its own");
    world.ok(&world.admin, "/delete/team", json!({"id": team})).await;
    assert_eq!(world.may(&world.contributor, &dailies, "can_upload").await, Some(true));

    let delete = json!({"template_id": made["template_id"]});
    world.walk("/delete/template", delete.clone(), &[&world.viewer], 800).await;
    world.ok(&world.admin, "/delete/template", delete.clone()).await;
    world.refused(&world.admin, "/delete/template", delete, 404).await;
    world.refused(&world.admin, "/delete/template", json!({"template_id": world.group}), 404).await;
}
