//! Chromium whose network lets no UDP through: of the answer it sees the TCP candidates alone.

use serde_json::{Value, json};

use crate::browser::{Browser, Kind, Path};
use crate::chromium::{PICTURE_AND_SOUND, end};
use crate::peer::Error;
use crate::publish::PICTURE_TIMEOUT;
use crate::server::{Registered, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_publishes_and_watches_over_tcp_alone() {
    let server = Server::start("ice-tcp").await.unwrap();
    let source = server.register("TCP").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let alone = "(rushes.settings.transport = 'tcp')";
    assert_eq!(browser.evaluate(alone, PICTURE_TIMEOUT).await.unwrap(), "tcp");

    browser.publish("camera", &source.whip, "H264").await.unwrap();
    let sends = "seen.video?.packets > 0 && seen.path";
    let camera = browser.wait_for("camera", PICTURE_TIMEOUT, sends).await.unwrap();
    browser.watch("viewer", &source.whep).await.unwrap();
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
    for path in [camera.path.clone(), seen.path.clone()] {
        assert_eq!(path.map(|Path { protocol, .. }| protocol).as_deref(), Some("tcp"));
    }
    let pictures = seen.seen.clone().unwrap();
    assert_eq!((pictures.width, pictures.height), (640, 360));
    assert_eq!(seen.video.clone().unwrap().lost, 0);
    assert_eq!(transports(&server, &source).await.unwrap(), ["tcp"]);
    end(&mut browser, "viewer", &seen).await.unwrap();

    // With the choice, a browser takes UDP.
    browser.evaluate("rushes.settings.transport = null", PICTURE_TIMEOUT).await.unwrap();
    browser.watch("other", &source.whep).await.unwrap();
    let seen = browser.wait_for("other", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
    assert_eq!(seen.path.clone().unwrap().protocol, "udp");
    assert_eq!(transports(&server, &source).await.unwrap(), ["udp"]);
    end(&mut browser, "other", &seen).await.unwrap();
    assert_eq!(browser.close("camera").await.unwrap(), 200);
}

/// What carries the media of those who watch.
async fn transports(server: &Server, source: &Registered) -> Result<Vec<Value>, Error> {
    let details = server.api().call("/admin/live/info", json!({ "stream_identifier": source.id }));
    let told = details.await?;
    let viewers = told["details"]["streams"][0]["viewer_statistics"].as_array();
    let viewers = viewers.ok_or_else(|| format!("no viewers in {told}"))?;
    Ok(viewers.iter().map(|viewer| viewer["transport"].clone()).collect())
}
