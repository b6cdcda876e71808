//! Moving and copying folders with all below them.

use std::path::{Path, PathBuf};

use rushes::{
    ids::{ProjectId, TaskId},
    store::{
        asset_files,
        copies::{self, NewFolder},
    },
    time::Millis,
};
use serde_json::{Value, json};

use crate::world::{World, each, text};

impl World {
    fn to(&self, parent: Option<&str>, settings: bool, people: bool, more: Value) -> Value {
        let mut body = json!({"new_parent_group_id": self.group, "new_parent_project_id": parent,
            "keep_existing_project_settings": settings, "keep_existing_users_and_teams": people});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    /// The folders that copies have made and not shown.
    async fn unfinished(&self) -> Vec<ProjectId> {
        let mut tx = self.rushes.app().store.write().await.unwrap();
        let found = copies::unfinished(&mut tx, None).await.unwrap();
        tx.rollback().await.unwrap();
        found
    }

    async fn crumbs(&self, who: &crate::harness::Person, folder: &str) -> Vec<String> {
        let body = json!({"id": folder, "include_breadcrumbs": true});
        let seen = self.ok(who, "/get/project", body).await;
        each(&seen["breadcrumbs"], "name").into_iter().map(text).collect()
    }
}

#[tokio::test]
async fn a_folder_moves_with_all_below_it_and_its_people_keep_it() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let deep = world.folder("Deep", Some(&inner)).await;
    let archive = world.folder("Archive", None).await;
    let body = world.to(Some(&archive), true, true, json!({"id": inner}));
    world.walk("/move/project", body.clone(), &[&world.viewer, &world.contributor], 410).await;
    let moved = world.ok(&world.admin, "/move/project", body).await;
    assert_eq!((&moved["parent_project_id"], &moved["updated"]), (&json!(archive), &json!(true)));
    assert_eq!(world.crumbs(&world.admin, &deep).await, ["Archive", "Inner"]);
    // They had it by the folder above that it left, and are not shown the one above that it has.
    assert_eq!(world.may(&world.contributor, &deep, "can_upload").await, Some(true));
    assert_eq!(world.may(&world.viewer, &deep, "can_upload").await, Some(false));
    assert_eq!(world.crumbs(&world.contributor, &deep).await, ["Inner"]);
    // Without its people, it has those of where it goes.
    let person = world.colleague("archivist").await;
    world.join_folder(&archive, &person, 4).await;
    assert_eq!(world.may(&person, &deep, "can_download").await, Some(true));
    let up = world.to(None, true, false, json!({"id": inner}));
    world.ok(&world.admin, "/move/project", up).await;
    for who in [&world.contributor, &world.viewer, &person] {
        assert_eq!(world.may(who, &deep, "can_view").await, None);
    }
    assert_eq!(world.crumbs(&world.admin, &deep).await, ["Inner"]);
    let roots = json!({"roots_only": true, "group_id": world.group, "include_child_count": true});
    let roots = world.ok(&world.admin, "/get/projects", roots).await;
    assert_eq!(each(&roots, "name"), ["Archive", "Dailies", "Inner"]);
    assert_eq!(each(&roots, "child_count"), [0, 0, 1]);
}

#[tokio::test]
async fn a_folder_goes_under_no_folder_of_its_own_nor_into_another_production() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let other = json!({"name": "Other", "company_id": world.company});
    let other = text(&world.ok(&world.admin, "/create/group", other).await["id"]);
    let theirs = json!({"name": "Theirs", "group_id": other});
    let theirs = text(&world.ok(&world.admin, "/create/project", theirs).await["id"]);
    for path in ["/move/project", "/copy/project"] {
        let crossed = json!({"id": inner, "new_parent_group_id": other,
            "keep_existing_project_settings": true, "keep_existing_users_and_teams": true});
        world.refused(&world.admin, path, crossed, 418).await;
        let mixed = world.to(Some(&theirs), true, true, json!({"id": inner}));
        world.refused(&world.admin, path, mixed, 417).await;
    }
    for under in [&inner, &world.project] {
        let body = world.to(Some(under), true, true, json!({"id": world.project}));
        world.refused(&world.admin, "/move/project", body, 417).await;
    }
    let many = world.to(Some(&inner), true, true, json!({"project_ids": [world.project]}));
    world.refused(&world.admin, "/move/projects", many, 417).await;
    assert_eq!(world.crumbs(&world.admin, &inner).await, ["Dailies"]);
}

#[tokio::test]
async fn a_folder_that_moves_takes_the_settings_of_where_it_goes_if_it_is_not_to_keep_its_own() {
    let world = World::new().await;
    let set = |id: &str, value: &str| json!({"id": id, "settings": {"look": value}});
    let (inner, target) =
        (world.folder("Inner", Some(&world.project)).await, world.folder("Target", None).await);
    for (id, value) in [(&world.project, "own"), (&inner, "inner"), (&target, "target")] {
        world.ok(&world.admin, "/update/project", set(id, value)).await;
    }
    let keep = world.to(Some(&target), true, true, json!({"id": world.project}));
    assert_eq!(world.ok(&world.admin, "/move/project", keep).await["settings"]["look"], "own");
    let take = world.to(Some(&target), false, true, json!({"id": world.project}));
    assert_eq!(world.ok(&world.admin, "/move/project", take).await["settings"]["look"], "target");
    let below = world.ok(&world.admin, "/get/project", json!({"id": inner})).await;
    assert_eq!(below["settings"]["look"], "target", "with all below it");
}

#[tokio::test]
async fn folders_nest_fifty_deep_and_no_deeper() {
    let world = World::new().await;
    let mut at = world.project.clone();
    for _ in 1..50 {
        at = world.folder("Below", Some(&at)).await;
    }
    let body = json!({"name": "x", "group_id": world.group, "parent_project_id": at});
    world.refused(&world.admin, "/create/project", body, 417).await;
    let beside = world.folder("Beside", None).await;
    let body = world.to(Some(&at), true, true, json!({"id": beside}));
    world.refused(&world.admin, "/move/project", body, 417).await;
    assert_eq!(world.crumbs(&world.admin, &at).await.len(), 49);
}

#[tokio::test]
async fn a_copy_has_what_is_asked_for_and_the_settings_of_where_it_goes() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let team = world.team("Edit", None).await;
    let person = world.colleague("editor").await;
    world.join_team(&team, &person, 3).await;
    world.ok(&world.admin, "/add/project/team", json!({"id": inner, "team_id": team})).await;
    let batch = json!({"name": "Day 1", "project_id": world.project});
    let batch = text(&world.ok(&world.admin, "/create/batch", batch).await["id"]);
    world.put_into_batch(&world.asset, &batch).await;
    let set = |id: &str, value: &str| json!({"id": id, "settings": {"look": value}});
    world.ok(&world.admin, "/update/project", set(&world.project, "own")).await;
    let target = world.folder("Target", None).await;
    world.ok(&world.admin, "/update/project", set(&target, "target")).await;

    let with = json!({"id": world.project, "copy_batches_and_assets": true});
    let body = world.to(Some(&target), false, true, with);
    world.walk("/copy/project", body.clone(), &[&world.viewer, &world.contributor], 404).await;
    let copy = world.ok(&world.admin, "/copy/project", body).await;
    assert_eq!((&copy["copied"], &copy["task_id"]), (&json!(true), &Value::Null));
    assert_eq!((&copy["settings"]["look"], &copy["asset_count"]), (&json!("target"), &json!(1)));
    let copy = text(&copy["id"]);
    assert_eq!(world.may(&world.contributor, &copy, "can_upload").await, Some(true));
    let listed = world.ok(&world.contributor, "/get/assets", json!({"project_id": copy})).await;
    assert_ne!(listed[0]["id"], json!(world.asset));
    assert_eq!(listed[0]["name"], "A001_C001");
    let batches = json!({"project_id": copy, "include_assets": true});
    let batches = world.ok(&world.contributor, "/get/batches", batches).await;
    assert_eq!(
        (&batches[0]["name"], batches[0]["assets"].as_array().unwrap().len()),
        (&json!("Day 1"), 1)
    );
    let files = json!({"id": listed[0]["id"]});
    let files = world.ok(&world.contributor, "/get/asset/files", files).await;
    assert_eq!(files[0]["file_name"], "A001_C001.mp4");
    let below = world.ok(&world.admin, "/get/projects", json!({"parent_project_id": copy})).await;
    assert_eq!(each(&below, "name"), ["Inner"]);
    let below = text(&below[0]["id"]);
    assert_eq!(world.may(&person, &below, "can_upload").await, Some(true), "the team came along");
    // Deleting what it was copied from takes nothing from the copy.
    world.ok(&world.admin, "/delete/asset", json!({"id": world.asset})).await;
    world.ok(&world.contributor, "/get/asset", json!({"id": listed[0]["id"]})).await;

    let bare = world.to(None, true, false, json!({"id": copy}));
    let bare = world.ok(&world.admin, "/copy/project", bare).await;
    assert_eq!((&bare["settings"]["look"], &bare["asset_count"]), (&json!("target"), &json!(0)));
    assert_eq!(world.may(&world.contributor, &text(&bare["id"]), "can_view").await, None);
}

#[tokio::test]
async fn folders_are_copied_and_moved_in_the_background_and_their_maker_is_told() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    for name in ["B", "C", "D"] {
        world.another_asset(name).await;
    }
    let mut socket = world.listen().await;
    let mut outsider = world.rushes.socket(Some(&world.contributor.token)).await;
    outsider.ask("/ping", &json!({}), None).await;
    let with = json!({"id": world.project, "copy_batches_and_assets": true,
        "copy_in_background": true});
    let begun = world.ok(&world.admin, "/copy/project", world.to(None, true, true, with)).await;
    assert_eq!((&begun["copied"], &begun["id"]), (&json!(false), &json!(world.project)));
    let end = world.task_ends(&mut socket, &begun["task_id"]).await;
    assert_eq!(
        (&end["status"], &end["progress"], &end["type"]),
        (&json!("DONE"), &json!(100), &json!("COPY_PROJECT"))
    );
    let copy = text(&end["project_ids"][0]);
    let seen = world.ok(&world.viewer, "/get/project", json!({"id": copy})).await;
    assert_eq!((&seen["asset_count"], &seen["child_count"]), (&json!(4), &json!(1)));
    let id = json!({"task_id": begun["task_id"]});
    let message = world.ok(&world.admin, "/get/task/message", id.clone()).await;
    assert_eq!(message["message"], end);
    assert_eq!(world.ok(&world.admin, "/get/task/message", json!({})).await["message"], end);
    world.refused(&world.contributor, "/get/task/message", id, 404).await;
    let ids = json!({"task_ids": [begun["task_id"], "no task"]});
    let listed = world.ok(&world.admin, "/get/tasks/message", ids.clone()).await;
    assert_eq!(each(&listed, "task_id"), [&begun["task_id"]]);
    assert_eq!(world.ok(&world.contributor, "/get/tasks/message", ids).await, json!([]));
    assert_eq!(outsider.told("TASK_PROGRESS").await, Vec::<Value>::new());

    let both = world.to(None, true, true, json!({"project_ids": [inner, copy]}));
    world.walk("/move/projects", both.clone(), &[&world.viewer], 471).await;
    let begun = world.ok(&world.admin, "/move/projects", both).await;
    assert_eq!(world.task_ends(&mut socket, &begun["task_id"]).await["status"], "DONE");
    assert_eq!(world.crumbs(&world.admin, &inner).await, Vec::<String>::new());
    let copies = world.to(Some(&inner), true, false, json!({"project_ids": [copy, world.project]}));
    world.walk("/copy/projects", copies.clone(), &[&world.viewer], 800).await;
    let begun = world.ok(&world.admin, "/copy/projects", copies).await;
    let end = world.task_ends(&mut socket, &begun["task_id"]).await;
    assert_eq!(end["project_ids"].as_array().unwrap().len(), 2);
    let below = json!({"parent_project_id": inner});
    assert_eq!(world.ok(&world.admin, "/get/projects", below).await.as_array().unwrap().len(), 2);
    world
        .refused(
            &world.admin,
            "/copy/projects",
            world.to(None, true, true, json!({"project_ids": []})),
            407,
        )
        .await;
}

#[tokio::test]
async fn a_copy_stays_within_the_limit_of_its_production() {
    let world = World::new().await;
    // The one file there is has 36 bytes.
    let limit = |bytes: i64| json!({"id": world.group, "max_usage": bytes});
    world.ok(&world.admin, "/set/group/control", limit(71)).await;
    let with = json!({"id": world.project, "copy_batches_and_assets": true});
    let body = world.to(None, true, true, with);
    world.refused(&world.admin, "/copy/project", body.clone(), 422).await;
    assert_eq!(
        world.ok(&world.admin, "/get/projects", json!({})).await.as_array().unwrap().len(),
        1
    );
    world.ok(&world.admin, "/set/group/control", limit(72)).await;
    // So does the company's limit, which counts all of its productions.
    let operator = world.operator().await;
    let of_company = |bytes: i64| json!({"id": world.company, "max_usage": bytes});
    world.ok(&operator, "/create/company/control", of_company(71)).await;
    world.refused(&world.admin, "/copy/project", body.clone(), 422).await;
    world.ok(&operator, "/update/company/control", of_company(72)).await;
    world.ok(&world.admin, "/copy/project", body).await;
}

#[tokio::test]
async fn what_moved_between_asking_and_doing_is_not_put_into_a_circle() {
    let world = World::new().await;
    let a = world.folder("A", None).await;
    let b = world.folder("B", None).await;
    let (into_b, into_a) = (
        world.to(Some(&b), true, true, json!({"id": a})),
        world.to(Some(&a), true, true, json!({"id": b})),
    );
    let world = &world;
    let post = |body: Value| async move {
        world.rushes.post("/move/project", Some(&world.admin.token), &body).await.0.is_success()
    };
    let (first, second) = tokio::join!(post(into_b), post(into_a));
    assert!(first != second, "one of both is refused");
}

#[tokio::test]
async fn of_a_copy_that_fails_nothing_is_left() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let lost = world.another_asset("Lost").await;
    let app = world.rushes.app();
    let mut tx = app.store.write().await.unwrap();
    let files = asset_files::of_asset(&mut tx, lost.parse().unwrap()).await.unwrap();
    tx.rollback().await.unwrap();
    std::fs::remove_file(app.config.data.join(&files[0].location)).unwrap();
    let kept = files_below(&app.config.data.join("files"));

    let mut socket = world.listen().await;
    let with = json!({"id": world.project, "copy_batches_and_assets": true,
        "copy_in_background": true});
    let body = world.to(None, true, true, with);
    let begun = world.ok(&world.admin, "/copy/project", body).await;
    let end = world.task_ends(&mut socket, &begun["task_id"]).await;
    assert_eq!(end["status"], "FAILED");
    assert_eq!(world.unfinished().await, []);
    let seen = world.ok(&world.admin, "/get/projects", json!({})).await;
    assert_eq!(each(&seen, "id"), [&json!(world.project), &json!(inner)]);
    assert_eq!(files_below(&app.config.data.join("files")).len(), kept.len());
}

#[tokio::test]
async fn what_an_ended_server_had_copied_half_goes_at_the_next_start() {
    let world = World::new().await;
    let app = world.rushes.app();
    let now = Millis::now();
    let mut tx = app.store.write().await.unwrap();
    let (source, owner) = (world.project.parse().unwrap(), world.admin.id);
    let (group, task) = (world.group.parse().unwrap(), Some(TaskId::new()));
    let (top, below) = (ProjectId::new(), ProjectId::new());
    for (id, parent) in [(top, None), (below, Some(top))] {
        let new = NewFolder { id, source, group, parent, owner, task };
        copies::folder(&mut tx, new, now).await.unwrap();
        copies::members(&mut tx, source, id, now).await.unwrap();
        copies::batches(&mut tx, source, id, now).await.unwrap();
    }
    let asset = copies::asset(&mut tx, world.asset.parse().unwrap(), below, None, now).await;
    let asset = asset.unwrap();
    let location = format!("files/{asset}/half.mp4");
    let from = asset_files::of_asset(&mut tx, world.asset.parse().unwrap()).await.unwrap()[0].id;
    copies::file(&mut tx, from, asset, &location, now).await.unwrap();
    tx.commit().await.unwrap();
    let path = app.config.data.join(&location);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "half").unwrap();

    assert_eq!(world.unfinished().await.len(), 2);
    rushes::jobs::end_unfinished(&app.store, &app.config.data).await.unwrap();
    assert_eq!(world.unfinished().await, []);
    assert!(!path.exists());
    let seen = world.ok(&world.admin, "/get/projects", json!({})).await;
    assert_eq!(each(&seen, "id"), [&json!(world.project)]);
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| if path.is_dir() { files_below(&path) } else { vec![path] };
    entries.flat_map(inside).collect()
}
