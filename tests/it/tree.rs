//! Productions, folders, batches and assets.

use serde_json::{Value, json};

use crate::world::{World, each};

#[tokio::test]
async fn a_production_is_made_and_changed_by_administrators() {
    let world = World::new().await;
    let create = json!({"name": "Second", "company_id": world.company, "color": 3});
    let without = [&world.contributor, &world.viewer];
    world.walk("/create/group", create.clone(), &without, 800).await;
    let made = world.ok(&world.admin, "/create/group", create).await;
    assert_eq!((&made["name"], &made["color"]), (&json!("Second"), &json!(3)));
    assert_eq!(made["status"], "ACTIVE");
    assert_eq!(made["warnings"], json!([]));

    let update = json!({"id": world.group, "name": "Renamed", "settings": {"hdr": true}});
    world.walk("/update/group", update.clone(), &without, 471).await;
    let updated = world.ok(&world.admin, "/update/group", update).await;
    assert_eq!(updated["updated"], true);
    let seen = world.ok(&world.viewer, "/get/group", json!({"id": world.group})).await;
    assert_eq!((&seen["name"], &seen["settings"]["hdr"]), (&json!("Renamed"), &json!(true)));
    assert_eq!(seen["is_admin"], false);
    assert_eq!(seen["projects"], json!([world.project]));
    assert_eq!(seen["total_usage"], Value::Null);
    let seen = world.ok(&world.admin, "/get/group", json!({"id": world.group})).await;
    assert!(seen["total_usage"].as_i64().unwrap() > 0);
    let template = json!({"name": "x", "company_id": world.company, "template_id": world.group});
    world.refused(&world.admin, "/create/group", template, 404).await;
}

#[tokio::test]
async fn productions_are_listed_to_those_who_see_them() {
    let world = World::new().await;
    let body = json!({"id": world.group});
    world.walk("/get/group", body.clone(), &[], 0).await;
    world.walk("/get/group/projects", body.clone(), &[], 0).await;
    let other = json!({"name": "Another", "company_id": world.company});
    world.ok(&world.admin, "/create/group", other).await;
    let listed = world.ok(&world.admin, "/get/groups", json!({})).await;
    assert_eq!(each(&listed, "name"), ["Another", "Production"]);
    let listed = world.ok(&world.admin, "/get/groups", json!({"sort_by": "created"})).await;
    assert_eq!(each(&listed, "name"), ["Production", "Another"]);
    let listed = world.ok(&world.viewer, "/get/groups", json!({"include_projects": true})).await;
    assert_eq!(each(&listed, "projects"), [&json!([world.project])]);
    assert_eq!(world.ok(&world.stranger, "/get/groups", json!({})).await, json!([]));
}

#[tokio::test]
async fn a_deleted_production_is_gone_for_everybody() {
    let world = World::new().await;
    let body = json!({"id": world.group});
    world.walk("/delete/group", body.clone(), &[&world.viewer, &world.contributor], 471).await;
    world.ok(&world.admin, "/delete/group", body.clone()).await;
    for who in [&world.admin, &world.viewer] {
        world.refused(who, "/get/group", body.clone(), 404).await;
        world.refused(who, "/get/project", json!({"id": world.project}), 404).await;
        world.refused(who, "/get/asset", json!({"id": world.asset}), 404).await;
    }
}

#[tokio::test]
async fn folders_nest_and_pass_rights_down() {
    let world = World::new().await;
    let inner = world.folder("Selects", Some(&world.project)).await;
    let beside = world.folder("Secret", None).await;
    let body = json!({"id": inner, "include_breadcrumbs": true});
    let seen = world.ok(&world.contributor, "/get/project", body).await;
    assert_eq!(seen["can_upload"], true);
    assert_eq!(seen["parent_project_id"], json!(world.project));
    assert_eq!(seen["breadcrumbs"], json!([{"id": world.project, "name": "Dailies"}]));
    world.refused(&world.viewer, "/get/project", json!({"id": beside}), 404).await;
    let all = world.ok(&world.viewer, "/get/projects", json!({"include_child_count": true})).await;
    assert_eq!(each(&all, "name"), ["Dailies", "Selects"]);
    assert_eq!(each(&all, "child_count"), [1, 0]);
    let roots = json!({"roots_only": true, "group_id": world.group});
    let roots = world.ok(&world.admin, "/get/projects", roots).await;
    assert_eq!(each(&roots, "name"), ["Dailies", "Secret"]);
    // A folder whose parent is not seen is outermost, too; and there is nothing above to count.
    let person = world.colleague("editor").await;
    world.join_folder(&inner, &person, 5).await;
    let deep = world.folder("Deep", Some(&inner)).await;
    let outermost = json!({"roots_only": true, "include_child_count": true});
    let listed = world.ok(&person, "/get/projects", outermost).await;
    assert_eq!(
        (each(&listed, "name"), each(&listed, "child_count")),
        (vec![&json!("Selects")], vec![&json!(1)])
    );
    for (limit, names) in
        [(0, vec![]), (1, vec!["Deep"]), (2, vec!["Deep", "Selects"]), (9, vec!["Deep", "Selects"])]
    {
        let some = world.ok(&person, "/get/projects", json!({"limit": limit})).await;
        assert_eq!(each(&some, "name"), names);
    }
    let named = json!({"projects": [inner, world.project, beside], "limit": 1});
    let named = world.ok(&world.admin, "/get/projects", named).await;
    assert_eq!(each(&named, "name"), ["Dailies"], "the first of those that are named");
    let own = json!({"is_owner": true});
    assert_eq!(world.ok(&person, "/get/projects", own).await, json!([]));
    world.ok(&world.admin, "/delete/project", json!({"id": deep})).await;
    let below = json!({"parent_project_id": world.project});
    assert_eq!(each(&world.ok(&world.viewer, "/get/projects", below).await, "id"), [&json!(inner)]);
    let listed = json!({"id": world.group, "sort_by": "created"});
    let listed = world.ok(&world.admin, "/get/group/projects", listed).await;
    assert_eq!(each(&listed, "name"), ["Dailies", "Selects", "Secret"]);
}

#[tokio::test]
async fn a_folder_is_made_where_one_may_and_belongs_to_its_maker() {
    let world = World::new().await;
    let path = "/create/project";
    let root = json!({"name": "Root", "group_id": world.group});
    world.walk(path, root, &[&world.viewer, &world.contributor], 471).await;
    let below = json!({"name": "x", "group_id": world.group, "parent_project_id": world.project});
    world.walk(path, below.clone(), &[&world.viewer, &world.contributor], 800).await;
    let raise = json!({
        "project_id": world.project, "user_id": world.contributor.id, "security_group": 2
    });
    world.ok(&world.admin, "/update/project/user", raise).await;
    let made = world.ok(&world.contributor, path, below).await;
    assert_eq!(made["is_admin"], true);
    let seen = world.ok(&world.viewer, "/get/project", json!({"id": made["id"]})).await;
    assert_eq!(seen["is_admin"], false);
    let other = json!({"name": "Other", "company_id": world.company});
    let other = world.ok(&world.admin, "/create/group", other).await;
    let crossed = json!({"name": "x", "group_id": other["id"], "parent_project_id": world.project});
    world.refused(&world.admin, path, crossed, 417).await;
}

#[tokio::test]
async fn a_folder_is_changed_and_deleted_with_all_below() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let update = json!({"id": world.project, "name": "New", "overlay_opacity": 0.5});
    let without = [&world.viewer, &world.contributor];
    world.walk("/update/project", update.clone(), &without, 410).await;
    let updated = world.ok(&world.admin, "/update/project", update).await;
    assert_eq!((&updated["name"], &updated["updated"]), (&json!("New"), &json!(true)));
    let batch = json!({"name": "Day 1", "project_id": world.project});
    let batch = world.ok(&world.admin, "/create/batch", batch).await;
    let body = json!({"id": world.project});
    world.walk("/delete/project", body.clone(), &without, 800).await;
    world.ok(&world.admin, "/delete/project", body.clone()).await;
    for (path, body) in [
        ("/get/batch", json!({"id": batch["id"]})),
        ("/get/asset", json!({"id": world.asset})),
        ("/get/assets", json!({"project_id": world.project})),
        ("/get/users", json!({"project_id": world.project})),
    ] {
        world.refused(&world.admin, path, body, 404).await;
    }
    world.refused(&world.admin, "/get/project", body, 404).await;
    world.refused(&world.admin, "/get/project", json!({"id": inner}), 404).await;
    assert_eq!(world.ok(&world.admin, "/get/projects", json!({})).await, json!([]));
}

#[tokio::test]
async fn batches_hide_and_show() {
    let world = World::new().await;
    let create = json!({"name": "Day 1", "project_id": world.project});
    world.walk("/create/batch", create.clone(), &[&world.viewer], 800).await;
    let batch = world.ok(&world.contributor, "/create/batch", create).await;
    let id = json!({"id": batch["id"]});
    world.walk("/get/batch", id.clone(), &[], 0).await;
    assert_eq!(world.ok(&world.viewer, "/get/batch", id.clone()).await["name"], "Day 1");

    let hide = json!({"id": batch["id"], "name": "Day 1", "hidden": true});
    world.walk("/update/batch", hide.clone(), &[&world.viewer, &world.contributor], 800).await;
    world.ok(&world.admin, "/update/batch", hide).await;
    world.refused(&world.viewer, "/get/batch", id.clone(), 404).await;
    let listing = json!({"project_id": world.project, "include_assets": true});
    assert_eq!(world.ok(&world.viewer, "/get/batches", listing.clone()).await, json!([]));
    let listed = world.ok(&world.admin, "/get/batches", listing).await;
    assert_eq!(listed[0]["hidden"], true);
    assert_eq!(listed[0]["assets"], json!([]));

    world.walk("/delete/batch", id.clone(), &[], 0).await;
    world.ok(&world.admin, "/delete/batch", id.clone()).await;
    world.refused(&world.admin, "/get/batch", id, 404).await;
}

#[tokio::test]
async fn an_asset_is_shown_with_its_files() {
    let world = World::new().await;
    let id = json!({"id": world.asset});
    for path in ["/get/asset", "/get/asset/files", "/get/asset/file/primary"] {
        world.walk(path, id.clone(), &[], 0).await;
    }
    let body = json!({"id": world.asset, "include_metadata": true, "include_usage": true});
    let asset = world.ok(&world.viewer, "/get/asset", body).await;
    assert_eq!((&asset["name"], &asset["ext"]), (&json!("A001_C001"), &json!("mp4")));
    assert_eq!((&asset["duration"], &asset["type"]), (&json!(10.0), &json!("VIDEO")));
    assert_eq!(asset["metadata"], json!({"frames": 250, "fps_num": 25, "fps_den": 1}));
    assert_eq!((&asset["can_update"], &asset["can_comment"]), (&json!(false), &json!(true)));
    assert_eq!(asset["uploaded_usage"], 36);
    let files = world.ok(&world.viewer, "/get/asset/files", id.clone()).await;
    assert_eq!(files[0]["aspect_ratio"], "16:9");
    assert_eq!(files[0]["frame_rate"], 25.0);
    assert_eq!(files[0]["location"], Value::Null, "where it lies is nobody's business");
    let primary = world.ok(&world.viewer, "/get/asset/file/primary", id).await;
    assert_eq!(primary["id"], files[0]["id"]);
    world.refused(&world.viewer, "/get/asset/file/primary", json!({}), 600).await;
}

#[tokio::test]
async fn assets_are_listed_by_folder_or_id_without_those_one_does_not_see() {
    let world = World::new().await;
    let second = world.another_asset("A001_C002").await;
    let body = json!({"project_id": world.project});
    world.walk("/get/assets", body.clone(), &[], 0).await;
    let listed = world.ok(&world.viewer, "/get/assets", body).await;
    assert_eq!(each(&listed, "name"), ["A001_C001", "A001_C002"]);
    let still = json!({"project_id": world.project, "asset_type_filter": ["IMAGE"]});
    assert_eq!(world.ok(&world.viewer, "/get/assets", still).await, json!([]));
    let ids = json!({"assets": [second, "0".repeat(32), world.asset]});
    let listed = world.ok(&world.viewer, "/get/assets", ids.clone()).await;
    assert_eq!(each(&listed, "id"), [&json!(second), &json!(world.asset)]);
    assert_eq!(world.ok(&world.stranger, "/get/assets", ids).await, json!([]));
}

#[tokio::test]
async fn metadata_is_free_and_kept() {
    let world = World::new().await;
    let path = "/update/asset";
    let update = json!({"id": world.asset, "uuid": "cam-1", "scene": "12A", "frames": 1,
        "custom_metadata": {"lens": 35}});
    world.walk(path, update.clone(), &[&world.viewer], 800).await;
    world.ok(&world.contributor, path, update).await;
    // By the uuid that it has now.
    world.ok(&world.contributor, path, json!({"id": "cam-1", "take": "3", "scene": "12B"})).await;
    let body = json!({"id": world.asset, "include_metadata": true});
    let asset = world.ok(&world.viewer, "/get/asset", body).await;
    assert_eq!(asset["uuid"], "cam-1");
    let expected = json!({"take": "3", "scene": "12B", "custom_metadata": {"lens": 35},
        "frames": 250, "fps_num": 25, "fps_den": 1});
    assert_eq!(asset["metadata"], expected, "what was measured is not overwritten");
    let second = world.another_asset("A001_C002").await;
    world.refused(&world.admin, path, json!({"id": second, "uuid": "cam-1"}), 750).await;
    world.refused(&world.stranger, path, json!({"id": "cam-1", "take": "4"}), 404).await;
    let huge = json!({"id": world.asset, "custom_metadata": {"x": "y".repeat(300_000)}});
    world.refused(&world.admin, path, huge, 407).await;
}

#[tokio::test]
async fn assets_are_deleted_all_or_none() {
    let world = World::new().await;
    let path = "/delete/asset";
    world.walk(path, json!({"id": world.asset}), &[&world.viewer, &world.contributor], 800).await;
    let both = json!({"asset_ids": [world.asset, "0".repeat(32)]});
    world.refused(&world.admin, path, both, 404).await;
    world.ok(&world.viewer, "/get/asset", json!({"id": world.asset})).await;
    world.refused(&world.admin, path, json!({}), 600).await;
    let deleted = world.ok(&world.admin, path, json!({"id": world.asset})).await;
    assert_eq!(deleted, json!({"deleted": true}));
    world.refused(&world.admin, "/get/asset", json!({"id": world.asset}), 404).await;
    let project = world.ok(&world.admin, "/get/project", json!({"id": world.project})).await;
    assert_eq!(project["asset_count"], 0);
}
