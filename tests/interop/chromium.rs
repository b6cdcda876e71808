//! Chromium as a publisher and as a viewer, on a good network.

use crate::browser::{Browser, Kind, Seen};
use crate::libdatachannel::ObsLike;
use crate::peer::Error;
use crate::publish::{PICTURE_TIMEOUT, picture_and_sound, watch};
use crate::server::Server;

/// Both tracks and several pictures.
pub(crate) const PICTURE_AND_SOUND: &str =
    "seen.seen.frames >= 30 && seen.video?.decoded >= 30 && seen.audio?.packets >= 50";

/// Ends a viewer in a page, which is to have had nothing but a good connection.
pub(crate) async fn end(browser: &mut Browser, name: &str, seen: &Seen) -> Result<(), Error> {
    assert_eq!(seen.state, "connected");
    assert_eq!(seen.states, ["connecting", "connected"]);
    assert_eq!(browser.close(name).await?, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_is_seen_and_heard_and_sees_libdatachannel() {
    let server = Server::start("chromium").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();

    let camera = server.register("Chromium").await.unwrap();
    browser.publish("camera", &camera.whip, "H264").await.unwrap();
    let viewer = watch(&server, &camera).await.unwrap();
    let seen = |stats: &crate::peer::viewer::Stats| {
        stats.decoded >= 30 && stats.audio.packets >= 50 && stats.width == 640
    };
    viewer.wait_for(PICTURE_TIMEOUT, seen).await.unwrap();
    viewer.close().await.unwrap();
    assert_eq!(browser.close("camera").await.unwrap(), 200);

    let source = server.register("OBS").await.unwrap();
    let obs = ObsLike::publish(&source.whip).await.unwrap();
    let other = watch(&server, &source).await.unwrap();
    picture_and_sound(&other).await.unwrap();
    browser.watch("viewer", &source.whep).await.unwrap();
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
    let video = seen.video.clone().unwrap();
    assert_eq!(video.codec.as_deref(), Some("video/H264"));
    let pictures = seen.seen.clone().unwrap();
    assert_eq!((pictures.width, pictures.height), (640, 360));
    end(&mut browser, "viewer", &seen).await.unwrap();
    other.close().await.unwrap();
    obs.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_sees_chromium_in_vp8_vp9_and_av1() {
    let server = Server::start("codecs").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    for codec in ["VP8", "VP9", "AV1"] {
        let source = server.register(codec).await.unwrap();
        browser.publish("camera", &source.whip, codec).await.unwrap();
        let sends = "seen.video?.packets > 0";
        browser.wait_for("camera", PICTURE_TIMEOUT, sends).await.unwrap();
        browser.watch("viewer", &source.whep).await.unwrap();
        let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
        let played = seen.video.clone().and_then(|video| video.codec);
        assert_eq!(played, Some(format!("video/{codec}")));
        end(&mut browser, "viewer", &seen).await.unwrap();
        assert_eq!(browser.close("camera").await.unwrap(), 200);
    }
}
