//! `rushes demo`, started twice on the same folder.

use reqwest::Url;
use serde_json::{Value, json};

use crate::peer::Error;
use crate::peer::viewer::Viewer;
use crate::publish::PICTURE_TIMEOUT;
use crate::server::{Api, Folder, Place, Process, Turn};

const COMMAND: [&str; 4] = ["demo", "--json", "--size", "640x360"];

async fn start(folder: &Folder) -> Result<(Process, Value), Error> {
    let mut process = Process::spawn(folder.path(), &COMMAND, &Place::loopback())?;
    let links = serde_json::from_str(&process.first_line().await?)?;
    Ok((process, links))
}

/// A parameter of the part of a link behind `#`.
fn parameter(link: &Value, name: &str) -> Result<String, Error> {
    let link = Url::parse(link.as_str().ok_or("no link")?)?;
    let fragment = link.fragment().ok_or("a link without a fragment")?;
    // What stands behind `#` is an address of its own.
    let inner = Url::parse("http://client.test")?.join(fragment)?;
    let found = inner.query_pairs().find(|(key, _)| key == name);
    Ok(found.ok_or_else(|| format!("no {name} in {link}"))?.1.into_owned())
}

async fn host(links: &Value) -> Result<Api, Error> {
    let mut api = Api::new(Url::parse(links["url"].as_str().ok_or("no url")?)?);
    let proof = json!({ "onetimetoken": parameter(&links["host_link"], "token")? });
    api.sign_in("/authenticate/user/onetimetoken", proof).await?;
    Ok(api)
}

async fn guest(links: &Value) -> Result<Api, Error> {
    let mut api = Api::new(Url::parse(links["url"].as_str().ok_or("no url")?)?);
    let link = &links["guest_link"];
    let proof = json!({
        "review_session_user_id": parameter(link, "u")?,
        "firstname": parameter(link, "first")?,
        "lastname": parameter(link, "last")?,
    });
    api.sign_in("/authenticate/user/review_session", proof).await?;
    Ok(api)
}

/// Both links open the room, and both people see the pattern live.
async fn both_are_in_and_see_the_pattern(links: &Value) -> Result<(), Error> {
    for api in [host(links).await?, guest(links).await?] {
        let room = api.call("/get/review_session", json!({ "id": links["room_id"] })).await?;
        assert_eq!(room["status"], "STARTED");
        let assets = json!({ "id": links["room_id"] });
        let assets = api.call("/get/review_session/assets", assets).await?.to_string();
        let clips = links["clip_asset_ids"].as_array().ok_or("no clips")?;
        assert_eq!(clips.len(), 2);
        for asset in clips.iter().chain([&links["live_asset_id"]]) {
            assert!(assets.contains(asset.as_str().ok_or("an id is no text")?), "{asset}");
        }
        let live = links["live_asset_id"].as_str().ok_or("no live asset")?;
        let viewer = Viewer::watch(api.whep(live)?).await?;
        let seen = |stats: &crate::peer::viewer::Stats| stats.frame_number.is_some();
        viewer.wait_for(PICTURE_TIMEOUT, seen).await?;
        viewer.close().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_comes_up_twice_with_the_same_room_and_fresh_links() {
    let _turn = Turn::shared().await;
    let folder = Folder::new("demo").unwrap();
    let (first_process, first) = start(&folder).await.unwrap();
    both_are_in_and_see_the_pattern(&first).await.unwrap();
    // Not told to end, but killed: what it made is there all the same.
    drop(first_process);

    let (_second_process, second) = start(&folder).await.unwrap();
    both_are_in_and_see_the_pattern(&second).await.unwrap();
    for kept in ["room_id", "live_asset_id", "clip_asset_ids", "obs_token"] {
        assert!(!first[kept].is_null(), "{kept}");
        assert_eq!(first[kept], second[kept], "{kept}");
    }
    assert_ne!(first["host_link"], second["host_link"]);
}
