//! One publisher at a time, each watched from its start to its end.

use std::time::Duration;

use rushes::demo::picture::Size;
use rushes::demo::publisher::{Publisher, PublisherStatus};
use rushes::demo::source::SourceConfig;

use crate::ffmpeg::{Ffmpeg, Version};
use crate::libdatachannel::ObsLike;
use crate::peer;
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::server::{Registered, Server};

/// How long a source may take from its start to a picture; generous, for a busy machine.
pub(crate) const PICTURE_TIMEOUT: Duration = Duration::from_secs(40);

/// Watches a source as soon as there is something to watch.
pub(crate) async fn watch(server: &Server, source: &Registered) -> Result<Viewer, Error> {
    live(server, source).await?;
    Viewer::watch(source.whep.clone()).await
}

/// Waits until the registration is live.
pub(crate) async fn live(server: &Server, source: &Registered) -> Result<(), Error> {
    let mut last = None;
    let asked = async {
        loop {
            let probe = Viewer::watch(source.whep.clone()).await;
            match probe {
                Ok(viewer) => return viewer.close().await,
                // There is no event for a script to wait for, so it asks again.
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let asked = tokio::time::timeout(PICTURE_TIMEOUT, asked).await;
    asked.map_err(|_| format!("{} does not become live, {last:?}:\n{}", source.id, server.log()))?
}

/// Waits for both tracks, several pictures that decode, two key frames, and the frame number.
pub(crate) async fn picture_and_sound(viewer: &Viewer) -> Result<Stats, Error> {
    let stats = viewer
        .wait_for(PICTURE_TIMEOUT, |stats| {
            stats.decoded >= 30
                && stats.key_frames >= 2
                && stats.audio.packets >= 50
                && stats.frame_number.is_some()
        })
        .await?;
    assert_eq!(stats.video.codec.as_deref(), Some("video/H264"));
    assert_eq!(stats.audio.codec.as_deref(), Some("audio/opus"));
    assert_eq!((stats.width, stats.height), (640, 360));
    Ok(stats)
}

async fn ffmpeg_is_seen(version: Version) -> Result<(), Error> {
    let server = Server::start(&format!("{version:?}")).await?;
    let source = server.register("ffmpeg").await?;
    let ffmpeg = Ffmpeg::publish(version, &source.whip, server.folder())?;
    let viewer = watch(&server, &source).await?;
    picture_and_sound(&viewer).await?;
    viewer.close().await?;
    ffmpeg.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_8_with_setup_passive_and_no_candidates_is_seen_and_heard() {
    ffmpeg_is_seen(Version::Ffmpeg8).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_9_with_setup_passive_and_no_candidates_is_seen_and_heard() {
    ffmpeg_is_seen(Version::Ffmpeg9).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libdatachannel_with_an_x509_version_1_certificate_is_seen_and_heard_as_obs_would_be() {
    let server = Server::start("obs").await.unwrap();
    let source = server.register("OBS").await.unwrap();
    let obs = ObsLike::publish(&source.whip).await.unwrap();
    let viewer = watch(&server, &source).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();
    viewer.close().await.unwrap();
    obs.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webrtc_crate_is_seen_and_heard() {
    let server = Server::start("webrtc").await.unwrap();
    let source = server.register("webrtc").await.unwrap();
    let mut publisher = peer::publisher::Publisher::connect(source.whip.clone()).await.unwrap();
    let (done_tx, done) = tokio::sync::watch::channel(false);
    let publishing = tokio::spawn(async move {
        let enough = |_frames| *done.borrow();
        publisher.publish(&small_pattern(), enough).await?;
        publisher.close().await
    });
    let viewer = watch(&server, &source).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();
    viewer.close().await.unwrap();
    done_tx.send_replace(true);
    publishing.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demos_own_publisher_is_seen_at_once_and_ends_its_session() {
    let server = Server::start("demo").await.unwrap();
    let source = server.register("demo").await.unwrap();
    let publisher = Publisher::start(&small_pattern(), source.whip.clone()).unwrap();
    let mut status = publisher.status();
    let live = status.wait_for(|status| *status == PublisherStatus::Live);
    tokio::time::timeout(PICTURE_TIMEOUT, live).await.unwrap().unwrap();
    let viewer = watch(&server, &source).await.unwrap();
    let stats = picture_and_sound(&viewer).await.unwrap();
    let first = stats.frame_number.unwrap();
    // The numbers are those of a clock, so that they go on with the time.
    viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.frame_number > Some(first + 25)).await.unwrap();
    viewer.close().await.unwrap();
    publisher.stop().await;
    assert_eq!(*status.borrow(), PublisherStatus::Stopped);
}

pub(crate) fn small_pattern() -> SourceConfig {
    SourceConfig {
        size: Size::new(640, 360).expect("even and within the bounds"),
        title: "INTEROP".into(),
        ..SourceConfig::default()
    }
}
