//! Playlists.

use serde_json::{Value, json};

use crate::world::{World, each, text};

async fn playlist(world: &World) -> String {
    let body = json!({"name": "Selects", "group_id": world.group});
    text(&world.ok(&world.contributor, "/create/playlist", body).await["id"])
}

#[tokio::test]
async fn a_playlist_is_its_owners_alone() {
    let world = World::new().await;
    let create = json!({"name": "x", "group_id": world.group});
    world.walk("/create/playlist", create, &[], 0).await;
    let id = playlist(&world).await;
    let others = [&world.admin, &world.viewer];
    for path in ["/get/playlist", "/get/playlist/assets", "/delete/playlist", "/update/playlist"] {
        world.walk(path, json!({"id": id}), &others, 404).await;
    }
    let body = json!({"playlist_id": id});
    world.walk("/get/playlist/assets/count", body, &others, 404).await;
    for path in ["/update/playlist/assets", "/remove/playlist/assets"] {
        world.walk(path, json!({"id": id, "playlist_asset_ids": []}), &others, 404).await;
    }
    let body = json!({"id": id, "asset_ids": []});
    world.walk("/add/playlist/assets", body, &others, 404).await;
    assert_eq!(world.ok(&world.admin, "/get/playlists", json!({})).await, json!([]));
    let own = world.ok(&world.contributor, "/get/playlists", json!({})).await;
    assert_eq!(each(&own, "id"), [&json!(id)]);
    let group = json!({"group_id": world.group, "playlist_collaboration_type_filter": "shared"});
    assert_eq!(world.ok(&world.contributor, "/get/playlists", group).await, json!([]));
}

#[tokio::test]
async fn assets_keep_the_order_they_are_given() {
    let world = World::new().await;
    let id = playlist(&world).await;
    let (a, b) = (world.asset.clone(), world.another_asset("B").await);
    let c = world.another_asset("C").await;
    let who = &world.contributor;
    let set = |ids: [&str; 3]| json!({"id": id, "name": "New", "asset_ids": ids});
    let updated = world.ok(who, "/update/playlist", set([&c, &a, &b])).await;
    assert_eq!((&updated["name"], &updated["asset_ids"]), (&json!("New"), &json!([c, a, b])));
    world.ok(who, "/update/playlist", set([&a, &b, &c])).await;
    let seen = world.ok(who, "/get/playlist", json!({"id": id})).await;
    assert_eq!(seen["asset_ids"], json!([a, b, c]));
    assert_eq!((&seen["owner_name"], &seen["type"]), (&json!("contributor Test"), &json!("USER")));
    let listed = world.ok(who, "/get/playlist/assets", json!({"id": id})).await;
    let entries: Vec<Value> =
        each(&listed, "playlist_asset_id").into_iter().rev().cloned().collect();
    let order = json!({"id": id, "playlist_asset_ids": entries});
    world.ok(who, "/update/playlist/assets", order).await;
    let seen = world.ok(who, "/get/playlist", json!({"id": id})).await;
    assert_eq!(seen["asset_ids"], json!([c, b, a]));
    let remove = json!({"id": id, "playlist_asset_ids": [entries[0]]});
    world.ok(who, "/remove/playlist/assets", remove.clone()).await;
    world.refused(who, "/remove/playlist/assets", remove, 404).await;
    let add = json!({"id": id, "asset_ids": [c]});
    world.ok(who, "/add/playlist/assets", add.clone()).await;
    world.refused(who, "/add/playlist/assets", add, 464).await;
    world.refused(who, "/update/playlist", set([&a, &a, &b]), 464).await;
    let seen = world.ok(who, "/get/playlist", json!({"id": id})).await;
    assert_eq!(seen["asset_ids"], json!([b, a, c]), "a refused change changes nothing");
    let counts = world.ok(who, "/get/playlist/assets/count", json!({"playlist_id": id})).await;
    assert_eq!(counts["asset_counts"][0]["count"], 3);
    assert_eq!(counts["asset_counts"][0]["project_name"], "Dailies");
}

#[tokio::test]
async fn only_what_one_sees_and_may_pass_on_goes_into_a_playlist() {
    let world = World::new().await;
    let add = |id: &Value| json!({"id": id, "asset_ids": [world.asset]});
    let own = world.ok(&world.viewer, "/create/playlist", json!({"name": "mine"})).await;
    world.refused(&world.viewer, "/update/playlist", add(&own["id"]), 800).await;
    let own = world.ok(&world.stranger, "/create/playlist", json!({"name": "mine"})).await;
    world.refused(&world.stranger, "/update/playlist", add(&own["id"]), 404).await;
    world.refused(&world.stranger, "/add/playlist/assets", add(&own["id"]), 404).await;
}

#[tokio::test]
async fn an_asset_leaves_the_sight_of_one_who_leaves_the_folder() {
    let world = World::new().await;
    let inner = world.folder("Inner", Some(&world.project)).await;
    let id = playlist(&world).await;
    let set = json!({"id": id, "asset_ids": [world.asset]});
    world.ok(&world.contributor, "/update/playlist", set).await;
    let batch = json!({"name": "b", "project_id": inner});
    world.ok(&world.contributor, "/create/batch", batch).await;
    world.ok(&world.admin, "/delete/project", json!({"id": world.project})).await;
    let seen = world.ok(&world.contributor, "/get/playlist", json!({"id": id})).await;
    assert_eq!(seen["asset_ids"], json!([]));
}

#[tokio::test]
async fn a_playlist_of_a_folder_is_a_snapshot_or_follows_it() {
    let world = World::new().await;
    let of = |source: &str| json!({"name": source, "playlist_source": source, "source_project_id": world.project});
    world.walk("/create/playlist", of("FOLDER"), &[&world.viewer], 800).await;
    let who = &world.contributor;
    let snapshot = world.ok(who, "/create/playlist", of("SNAPSHOT")).await;
    let folder = world.ok(who, "/create/playlist", of("FOLDER")).await;
    assert_eq!((&snapshot["is_dynamic"], &folder["is_dynamic"]), (&json!(false), &json!(true)));
    let later = world.another_asset("later").await;
    let ids = async |playlist: &Value| {
        world.ok(who, "/get/playlist", json!({"id": playlist["id"]})).await["asset_ids"].clone()
    };
    assert_eq!(ids(&snapshot).await, json!([world.asset]));
    assert_eq!(ids(&folder).await, json!([world.asset, later]));
    let change = json!({"id": folder["id"], "asset_ids": []});
    world.refused(who, "/update/playlist", change, 800).await;
    let nowhere = json!({"name": "x", "playlist_source": "FOLDER"});
    world.refused(who, "/create/playlist", nowhere, 600).await;
}

#[tokio::test]
async fn a_deleted_playlist_leaves_its_assets() {
    let world = World::new().await;
    let id = playlist(&world).await;
    let set = json!({"id": id, "asset_ids": [world.asset]});
    world.ok(&world.contributor, "/update/playlist", set).await;
    world.ok(&world.contributor, "/delete/playlist", json!({"id": id})).await;
    world.refused(&world.contributor, "/get/playlist", json!({"id": id}), 404).await;
    world.ok(&world.contributor, "/get/asset", json!({"id": world.asset})).await;
}
