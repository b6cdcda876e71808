//! Firefox ESR as a viewer, in a network of its own: it takes no candidate of the loopback.
//! It has no H.264 of its own, so that what it watches is VP8.

use crate::browser::{Browser, Kind};
use crate::namespace;
use crate::publish::PICTURE_TIMEOUT;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_sees_and_hears_chromium() {
    if !namespace::enter("firefox::firefox_sees_and_hears_chromium").await {
        return;
    }
    let (server, _apart) = namespace::server_apart("firefox").await.unwrap();
    let source = server.register("firefox").await.unwrap();
    let mut chromium = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    chromium.publish("camera", &source.whip, "VP8").await.unwrap();
    let sends = "seen.video?.packets > 0";
    chromium.wait_for("camera", PICTURE_TIMEOUT, sends).await.unwrap();
    let mut firefox = Browser::open(Kind::Firefox, &server.api().base).await.unwrap();
    firefox.watch("viewer", &source.whep).await.unwrap();
    let found = crate::chromium::PICTURE_AND_SOUND;
    let seen = firefox.wait_for("viewer", PICTURE_TIMEOUT, found).await.unwrap();
    assert_eq!(seen.video.clone().unwrap().codec.as_deref(), Some("video/VP8"));
    crate::chromium::end(&mut firefox, "viewer", &seen).await.unwrap();
    assert_eq!(chromium.close("camera").await.unwrap(), 200);
}
