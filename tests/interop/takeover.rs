//! A publisher that replaces another one keeps the viewers.

use crate::browser::{Browser, Kind};
use crate::ffmpeg::{Ffmpeg, Version};
use crate::libdatachannel::ObsLike;
use crate::publish::{PICTURE_TIMEOUT, watch};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_of_ffmpeg_goes_on_with_libdatachannel() {
    let server = Server::start("takeover").await.unwrap();
    let source = server.register("takeover").await.unwrap();
    let ffmpeg = Ffmpeg::publish(Version::Ffmpeg9, &source.whip, server.folder()).unwrap();
    let viewer = watch(&server, &source).await.unwrap();
    // The clip that ffmpeg repeats has 100 frames.
    viewer
        .wait_for(PICTURE_TIMEOUT, |stats| stats.frame_number.is_some() && stats.decoded > 10)
        .await
        .unwrap();
    let before = viewer.stats();

    let obs = ObsLike::publish(&source.whip).await.unwrap();
    // Only the new publisher counts beyond 100; the viewer did nothing for it.
    let after = viewer
        .wait_for(PICTURE_TIMEOUT, |stats| {
            stats.frame_number.is_some_and(|number| number > 110)
                && stats.audio.packets > before.audio.packets + 50
        })
        .await
        .unwrap();
    assert!(after.key_frames > before.key_frames);
    viewer.close().await.unwrap();
    obs.stop().await.unwrap();
    drop(ffmpeg);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_of_vp8_goes_on_with_h264_in_the_same_session() {
    let server = Server::start("takeover-codec").await.unwrap();
    let source = server.register("takeover").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    browser.publish("camera", &source.whip, "VP8").await.unwrap();
    browser.wait_for("camera", PICTURE_TIMEOUT, "seen.video?.packets > 0").await.unwrap();
    browser.watch("viewer", &source.whep).await.unwrap();
    let shows =
        |codec: &str| format!("seen.video?.codec === 'video/{codec}' && seen.seen.frames >= 25");
    browser.wait_for("viewer", PICTURE_TIMEOUT, &shows("VP8")).await.unwrap();

    let obs = ObsLike::publish(&source.whip).await.unwrap();
    browser.wait_for("camera", PICTURE_TIMEOUT, "seen.state !== 'connected'").await.unwrap();
    browser.again("viewer").await.unwrap();
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, &shows("H264")).await.unwrap();
    eprintln!("{seen:?}");
    crate::chromium::end(&mut browser, "viewer", &seen).await.unwrap();
    obs.stop().await.unwrap();
}
