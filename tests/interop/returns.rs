//! A publisher is killed and comes back: its viewers keep their connections.

use std::time::Duration;

use rtc::peer_connection::state::RTCPeerConnectionState;

use crate::browser::{Browser, Kind};
use crate::ffmpeg::{Ffmpeg, Look, Version};
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::publish::{PICTURE_TIMEOUT, watch};
use crate::server::{Registered, Server};

/// How long it is away, and what its picture is then.
const RETURNS: [(Duration, Look); 3] = [
    (Duration::from_millis(200), Look { size: "640x360", profile: "baseline", grain: false }),
    (Duration::from_secs(2), Look { size: "480x270", profile: "main", grain: false }),
    (Duration::from_secs(10), Look { size: "320x180", profile: "high", grain: false }),
];

/// Waits until both viewers show the picture of the publisher that has just started. Its clip
/// begins with frame 0, so that the first number seen says how long after its first key frame
/// the picture is there.
pub(crate) async fn shown(
    viewer: &Viewer,
    browser: &mut Browser,
    look: Look,
    before: &Stats,
) -> Result<u32, Error> {
    let (width, height) = look.dimensions();
    let decoded = before.decoded;
    let seen = |stats: &Stats| {
        stats.decoded > decoded
            && (stats.width, stats.height) == (width, height)
            && stats.frame_number.is_some()
    };
    let stats = viewer.wait_for(PICTURE_TIMEOUT, seen).await?;
    let found = format!(
        "seen.seen.frames >= 25 && seen.seen.width === {width} && seen.seen.height === {height}"
    );
    browser.wait_for("viewer", PICTURE_TIMEOUT, &found).await?;
    viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.decoded >= decoded + 25).await?;
    stats.frame_number.ok_or_else(|| "no frame number".into())
}

fn publish(server: &Server, source: &Registered, look: Look) -> Result<Ffmpeg, Error> {
    Ffmpeg::publish_so(Version::Ffmpeg9, &source.whip, server.folder(), look)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_stay_when_ffmpeg_is_killed_and_returns_after_0_2_and_2_and_10_seconds() {
    let server = Server::start("returns").await.unwrap();
    let source = server.register("returns").await.unwrap();
    let mut ffmpeg = publish(&server, &source, RETURNS[0].1).unwrap();
    let viewer = watch(&server, &source).await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    browser.watch("viewer", &source.whep).await.unwrap();
    shown(&viewer, &mut browser, RETURNS[0].1, &viewer.stats()).await.unwrap();

    for (away, look) in RETURNS {
        // No goodbye of any kind: SIGKILL.
        drop(ffmpeg);
        // The time away is what is tested; nothing is waited for.
        tokio::time::sleep(away).await;
        let before = viewer.stats();
        browser.again("viewer").await.unwrap();
        ffmpeg = publish(&server, &source, look).unwrap();
        let first = shown(&viewer, &mut browser, look, &before).await.unwrap();
        eprintln!("after {away:?}: the first picture is number {first} of the new publisher");
        assert!(first <= Ffmpeg::KEY_INTERVAL, "number {first}");
        // The same connections, which never broke.
        let states = viewer.states();
        assert_eq!(states.last(), Some(&RTCPeerConnectionState::Connected), "{states:?}");
        assert!(
            !states.iter().any(|state| matches!(
                state,
                RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed
            )),
            "{states:?}"
        );
    }
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, "true").await.unwrap();
    crate::chromium::end(&mut browser, "viewer", &seen).await.unwrap();
    viewer.close().await.unwrap();
}
