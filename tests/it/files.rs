//! Files of assets over HTTP.

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::json;

use crate::{
    harness::Person,
    world::{CONTENT, World, text},
};

async fn link(world: &World, who: &Person) -> String {
    let file = world.ok(who, "/get/asset/file/primary", json!({"id": world.asset})).await;
    text(&file["url"])
}

fn get(world: &World, url: &str) -> RequestBuilder {
    world.rushes.client.get(url)
}

#[tokio::test]
async fn a_file_is_served_whole_and_in_parts() {
    let world = World::new().await;
    let url = link(&world, &world.viewer).await;
    let whole = get(&world, &url).send().await.unwrap();
    assert_eq!(whole.status(), StatusCode::OK);
    let headers = whole.headers().clone();
    assert_eq!(headers[header::CONTENT_TYPE], "video/mp4");
    assert_eq!(headers[header::ACCEPT_RANGES], "bytes");
    assert_eq!(headers[header::CONTENT_LENGTH], "36");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(&*whole.bytes().await.unwrap(), CONTENT);

    let part = get(&world, &url).header(header::RANGE, "bytes=10-13").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()[header::CONTENT_RANGE], "bytes 10-13/36");
    assert_eq!(&*part.bytes().await.unwrap(), b"abcd");
    let beyond = get(&world, &url).header(header::RANGE, "bytes=36-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.headers()[header::CONTENT_RANGE], "bytes */36");

    let etag = headers[header::ETAG].clone();
    let same = get(&world, &url).header(header::IF_NONE_MATCH, etag.clone()).send().await.unwrap();
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    let resumed = get(&world, &url)
        .header(header::RANGE, "bytes=34-")
        .header(header::IF_RANGE, etag)
        .send()
        .await
        .unwrap();
    assert_eq!(resumed.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(&*resumed.bytes().await.unwrap(), b"yz");
    let changed = get(&world, &url)
        .header(header::RANGE, "bytes=34-")
        .header(header::IF_RANGE, "\"another\"")
        .send()
        .await
        .unwrap();
    assert_eq!(changed.status(), StatusCode::OK);

    let head = world.rushes.client.request(Method::HEAD, &url).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()[header::CONTENT_LENGTH], "36");
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_the_right_link_nothing_is_served() {
    let world = World::new().await;
    let url = link(&world, &world.viewer).await;
    let (path, token) = url.split_once("?token=").unwrap();
    let other = world.another_asset("other").await;
    let file = world.ok(&world.viewer, "/get/asset/file/primary", json!({"id": other})).await;
    let (other_path, _) = file["url"].as_str().unwrap().split_once("?token=").unwrap();
    for bad in [
        path.to_owned(),
        format!("{path}?token="),
        format!("{path}?token={}", world.admin.token),
        format!("{path}?token={}", &token[..token.len() - 1]),
        format!("{path}?token=9{token}"),
        format!("{other_path}?token={token}"),
    ] {
        let answer = get(&world, &bad).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{bad}");
    }
    let root = world.rushes.url("/files/..%2F..%2Frushes.db/x");
    let answer = get(&world, &format!("{root}?token={token}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_dies_with_its_asset() {
    let world = World::new().await;
    let url = link(&world, &world.viewer).await;
    world.ok(&world.admin, "/delete/asset", json!({"id": world.asset})).await;
    assert_eq!(get(&world, &url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_dies_with_the_rights_of_its_holder() {
    let world = World::new().await;
    let (url, boss) = (link(&world, &world.viewer).await, link(&world, &world.admin).await);
    let hide = async |hidden: bool| {
        let batch = json!({"name": "b", "project_id": world.project});
        let batch = text(&world.ok(&world.admin, "/create/batch", batch).await["id"]);
        let body = json!({"id": batch, "name": "b", "hidden": hidden});
        world.ok(&world.admin, "/update/batch", body).await;
        world.put_into_batch(&world.asset, &batch).await;
    };
    hide(false).await;
    assert_eq!(get(&world, &url).send().await.unwrap().status(), StatusCode::OK);
    hide(true).await;
    assert_eq!(get(&world, &url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(get(&world, &boss).send().await.unwrap().status(), StatusCode::OK);
    world.ok(&world.admin, "/delete/project", json!({"id": world.project})).await;
    assert_eq!(get(&world, &boss).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_that_is_not_on_disk_is_missing() {
    let world = World::new().await;
    let url = link(&world, &world.viewer).await;
    std::fs::remove_dir_all(world.rushes.app().config.data.join("files")).unwrap();
    assert_eq!(get(&world, &url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
