//! QTAKE's way in: its project is registered, and a device publishes by it. QTAKE itself is not to be
//! had here; libdatachannel publishes in its place.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rushes::demo::whip_client::WhipTarget;
use serde_json::{Value, json};

use crate::libdatachannel::ObsLike;
use crate::peer::Error;
use crate::peer::viewer::Viewer;
use crate::publish::{picture_and_sound, watch};
use crate::server::{Registered, Server};

const PROJECT: &str = "0199f3a2-5b1c-7d2e-8f00-0123456789ab";
const DEVICE: &str = "3d6f0a4e-8f57-4c0b-a9a4-5e1f30a6f7b1";

/// The registrations of a folder that are of one kind.
async fn listed(server: &Server, folder: &Value, kind: &str) -> Result<Vec<Value>, Error> {
    let all = server.api().call("/list/live/registrations", json!({ "project_id": folder }));
    let all = all.await?;
    Ok(all.as_array().into_iter().flatten().filter(|one| one["type"] == kind).cloned().collect())
}

/// Registers QTAKE's project in a folder, and gives back the registration.
async fn register(server: &Server, folder: &Value) -> Result<Value, Error> {
    let user = server.api().call("/get/user", json!({})).await?;
    let claims = json!({ "userEmail": user["email"], "projectUUID": PROJECT });
    let key = EncodingKey::from_secret(b"QTAKE's own")?;
    let token = encode(&Header::new(Algorithm::HS256), &claims, &key)?;
    let new = json!({
        "project_id": folder, "name": "Unit A", "description": "", "registration": token,
    });
    server.api().call("/create/live/registration/qtake", new).await?;
    Ok(listed(server, folder, "QTAKE").await?.remove(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_publishes_by_a_registered_project_of_qtakes_is_seen_and_heard() {
    let server = Server::start("qtake").await.unwrap();
    let folder = server.project("Day 1").await.unwrap();
    let row = register(&server, &folder).await.unwrap();
    let url = server.api().base.join(&format!("/start/live/whip/{PROJECT}/{DEVICE}/1")).unwrap();
    let whip = WhipTarget { url, bearer: server.api().token.clone() };
    let device = ObsLike::publish(&whip).await.unwrap();
    let source = listed(&server, &folder, "WHIP").await.unwrap().remove(0);
    let id = source["id"].as_str().unwrap().to_owned();
    let source = Registered { whep: server.api().whep(&id).unwrap(), whip, id };
    let viewer = watch(&server, &source).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();
    let shown = listed(&server, &folder, "QTAKE").await.unwrap().remove(0);
    assert_eq!(shown["status"], "LIVE", "{shown}");
    assert_eq!(shown["additional_details"]["qtake"]["streams"][0]["status"], "LIVE");

    viewer.close().await.unwrap();

    // What publishes under a registration ends with it.
    let delete = json!({ "id": row["id"] });
    server.api().call("/delete/live/registration", delete).await.unwrap();
    assert!(Viewer::watch(source.whep.clone()).await.is_err(), "there is nothing to watch");
    let refused = ObsLike::publish(&source.whip).await;
    assert!(refused.is_err(), "and nothing to publish by");
    device.stop().await.unwrap();
}
