//! Pictures through a network that loses datagrams, both ways, between the publisher and the
//! server as well as between the server and the viewers, from the first datagram on.

use std::time::Duration;

use crate::browser::{Browser, Kind, Seen};
use crate::libdatachannel::{Manner, ObsLike};
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::proxy::{Network, dropped_by_the_kernel};
use crate::publish::{PICTURE_TIMEOUT, watch};
use crate::server::{Registered, Server};

/// How long a picture is measured.
const MEASURED: Duration = Duration::from_secs(12);

/// What makes a picture of libdatachannel as heavy as a camera's: about ten packets.
const GRAINS: usize = 1_500;

/// What the two viewers saw while they were measured.
struct Measured {
    crate_viewer: Stats,
    before: Stats,
    chromium: Seen,
    /// What the kernel of a busy machine may have added to the losses.
    dropped: i64,
}

impl Measured {
    /// The longest time without a new picture, at either viewer, in milliseconds.
    fn longest_gap(&self) -> u64 {
        let pictures = self.chromium.seen.as_ref().expect("a viewer has pictures");
        self.crate_viewer.longest_gap_ms.max(pictures.longest_gap as u64)
    }

    fn print(&self, server: &Server, percent: u32) {
        let (passed, lost) = server.proxy().counts();
        let dropped = self.dropped;
        eprintln!("{percent} %: {passed} datagrams passed, {lost} were lost, {dropped} dropped");
        eprintln!("the webrtc crate: {:?}", self.crate_viewer);
        eprintln!("Chromium: {:?}", self.chromium);
    }
}

/// How often is measured until the machine itself loses nothing.
const ATTEMPTS: usize = 4;

/// Measures the network that is meant: a machine too busy to read its sockets in time makes
/// another one of it, with losses in bursts, and is measured again.
async fn measure(
    server: &Server,
    source: &Registered,
    browser: &mut Browser,
) -> Result<Measured, Error> {
    let mut measured = measure_once(server, source, browser).await?;
    for _ in 1..ATTEMPTS {
        if measured.dropped == 0 {
            break;
        }
        eprintln!("the kernel dropped {} datagrams: once more", measured.dropped);
        measured = measure_once(server, source, browser).await?;
    }
    Ok(measured)
}

/// Watches with both viewers for a while.
async fn measure_once(
    server: &Server,
    source: &Registered,
    browser: &mut Browser,
) -> Result<Measured, Error> {
    let dropped = dropped_by_the_kernel()?;
    let viewer = watch(server, source).await?;
    browser.watch("viewer", &source.whep).await?;
    let first = |stats: &Stats| stats.decoded > 0;
    viewer.wait_for(PICTURE_TIMEOUT, first).await?;
    browser.wait_for("viewer", PICTURE_TIMEOUT, "seen.seen.frames > 0").await?;
    let before = viewer.stats();
    let milliseconds = MEASURED.as_millis();
    // By the page's clock, so that a standstill is measured as well.
    let over = format!("performance.now() - seen.seen.first > {milliseconds}");
    let chromium = browser.wait_for("viewer", PICTURE_TIMEOUT + MEASURED, &over).await?;
    let crate_viewer = still_running(&viewer).await?;
    viewer.close().await?;
    browser.close("viewer").await?;
    let dropped = dropped_by_the_kernel()? - dropped;
    Ok(Measured { crate_viewer, before, chromium, dropped })
}

/// The statistics after one more picture, so that a standstill at the end counts as well.
async fn still_running(viewer: &Viewer) -> Result<Stats, Error> {
    let now = viewer.stats().decoded;
    viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.decoded > now).await
}

/// A picture must never stand still for longer than this, in milliseconds.
fn bound(percent: u32) -> u64 {
    match percent {
        0 => 350,
        2 => 500,
        // Both legs lose, so that one packet in ten is missing at first. It must go on.
        _ => 1_500,
    }
}

fn check(measured: &Measured, server: &Server, percent: u32) {
    measured.print(server, percent);
    let (crate_viewer, chromium) = (&measured.crate_viewer, &measured.chromium);
    assert!(measured.longest_gap() <= bound(percent), "{} ms", measured.longest_gap());
    assert_eq!(chromium.states, ["connecting", "connected"]);
    // Pictures came all the time, at 25 or 30 a second.
    let enough = MEASURED.as_secs() * if percent > 2 { 12 } else { 20 };
    let decoded = crate_viewer.decoded - measured.before.decoded;
    assert!(decoded >= enough, "{decoded} pictures");
    let video = chromium.video.as_ref().expect("there is a picture");
    assert!(video.decoded >= enough, "{video:?}");
    if percent == 0 {
        let missing = crate_viewer.video.missing + crate_viewer.audio.missing;
        assert!(missing <= measured.dropped.unsigned_abs(), "{missing} packets never came");
        assert!(video.lost <= measured.dropped, "{} packets were lost", video.lost);
        assert_eq!(video.freezes, 0);
    } else {
        assert!(video.nacks > 0 && crate_viewer.video.recovered > 0, "nothing was sent again");
    }
}

async fn libdatachannel(percent: u32) -> Result<(), Error> {
    let server = Server::behind("loss-obs", Network::losing(percent)).await?;
    let source = server.register("OBS").await?;
    let manner = Manner { grains: GRAINS, ..Manner::default() };
    let obs = ObsLike::publish_so(&source.whip, manner).await?;
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await?;
    let measured = measure(&server, &source, &mut browser).await?;
    let again = obs.asked().packets();
    eprintln!("libdatachannel: {again} packets sent again, {:?}", obs.asked());
    check(&measured, &server, percent);
    // It offers NACK without RTX, and is asked all the same.
    assert!(percent == 0 || again > 0, "nothing was sent again");
    obs.stop().await
}

async fn chromium(percent: u32) -> Result<(), Error> {
    let server = Server::behind("loss-chromium", Network::losing(percent)).await?;
    let source = server.register("Chromium").await?;
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await?;
    browser.publish("camera", &source.whip, "H264").await?;
    let measured = measure(&server, &source, &mut browser).await?;
    let camera = browser.wait_for("camera", PICTURE_TIMEOUT, "true").await?;
    eprintln!("the camera: {camera:?}");
    check(&measured, &server, percent);
    browser.close("camera").await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libdatachannel_without_loss_loses_nothing() {
    libdatachannel(0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nack_without_rtx_libdatachannel_at_2_percent_never_freezes_for_half_a_second() {
    libdatachannel(2).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nack_without_rtx_libdatachannel_at_5_percent_goes_on() {
    libdatachannel(5).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_without_loss_loses_nothing() {
    chromium(0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_at_2_percent_never_freezes_for_half_a_second() {
    chromium(2).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_at_5_percent_goes_on() {
    chromium(5).await.unwrap();
}
