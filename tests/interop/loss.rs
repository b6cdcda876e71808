//! Pictures through a network that loses datagrams, both ways, between the publisher and the
//! server as well as between the server and the viewers, from the first datagram on.
//!
//! Every source is measured at 5, 2 and 0 % by viewers who come anew each time, so that publishers
//! shake hands under the worst of it and nobody is spared.

use std::sync::Arc;
use std::time::Duration;

use crate::browser::{Browser, Kind, Seen};
use crate::ffmpeg::{Ffmpeg, Look, Version};
use crate::gstreamer::GStreamer;
use crate::libdatachannel::{Manner, ObsLike};
use crate::namespace;
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::proxy::Network;
use crate::publish::{PICTURE_TIMEOUT, live};
use crate::server::{Registered, Server};

/// Of a hundred datagrams so many are lost each way, one network after the other.
const LOSSES: [u32; 3] = [5, 2, 0];

/// What makes a picture of libdatachannel as heavy as a camera's: about ten packets.
const GRAINS: usize = 1_500;

/// How long a picture is measured: at 2 % the longest, for its bound is the one that is promised.
fn measured_for(percent: u32) -> Duration {
    Duration::from_secs(if percent == 2 { 8 } else { 5 })
}

/// A picture must never stand still for longer than this, in milliseconds.
fn bound(percent: u32) -> u64 {
    match percent {
        0 => 350,
        2 => 500,
        // Both legs lose, so that one packet in ten is missing at first. It must go on.
        _ => 1_000,
    }
}

/// A source and those who watch it.
struct Show<'a> {
    name: &'static str,
    source: &'a Registered,
    /// The `webrtc` crate watches, which decodes nothing but H.264.
    by_crate: bool,
    /// Which of the browsers do.
    by_browsers: &'a [usize],
}

impl<'a> Show<'a> {
    /// Watched by the `webrtc` crate and by the first of the browsers.
    fn of(name: &'static str, source: &'a Registered) -> Self {
        Self { name, source, by_crate: true, by_browsers: &[0] }
    }
}

/// What the viewers of one source saw while they were measured.
struct Measured {
    name: &'static str,
    /// Pictures that the crate decoded before, and all that it saw.
    by_crate: Option<(u64, Stats)>,
    by_browsers: Vec<Seen>,
}

/// How often is measured at most: again only where the kernel dropped datagrams because somebody
/// was too busy to read them, which makes another network of the one that is meant, or in a scene
/// that is more than two cores always do in time.
const ATTEMPTS: usize = 4;

/// Watches under one loss after the other, and looks whether the pictures ran. `crowded` scenes may
/// be measured again.
async fn under_losses(
    server: &Server,
    network: &Network,
    shows: &[Show<'_>],
    browsers: &mut [Browser],
    crowded: bool,
) -> Result<(), Error> {
    for percent in LOSSES {
        network.lose(percent);
        under_loss(server, percent, shows, browsers, crowded).await?;
    }
    Ok(())
}

/// The same under one loss, which the network has already.
async fn under_loss(
    server: &Server,
    percent: u32,
    shows: &[Show<'_>],
    browsers: &mut [Browser],
    crowded: bool,
) -> Result<(), Error> {
    if percent == 0 {
        settle(shows, browsers).await?;
    }
    let mut found = String::new();
    for _ in 0..ATTEMPTS {
        let (before, (passed, lost)) = (server.dropped()?, server.proxy().counts());
        let all = measure(percent, shows, browsers).await?;
        let dropped = server.dropped()? - before;
        let (passed, lost) = {
            let (now_passed, now_lost) = server.proxy().counts();
            (now_passed - passed, now_lost - lost)
        };
        eprintln!("{percent} %: {passed} datagrams passed, {lost} lost, {dropped} dropped");
        let checked = all.iter().try_for_each(|measured| measured.check(percent, dropped));
        found = checked.err().unwrap_or_default();
        let held_up = dropped > 0 || crowded;
        if found.is_empty() || !held_up {
            break;
        }
        eprintln!("once more: {found}");
    }
    assert!(found.is_empty(), "at {percent} %: {found}");
    Ok(())
}

/// Pictures after which nothing that was lost before is still asked for.
const SETTLED: u32 = 40;

/// Waits until what the network lost before has come or was given up: a viewer who comes earlier
/// begins with a group of pictures that lacks it.
async fn settle(shows: &[Show<'_>], browsers: &mut [Browser]) -> Result<(), Error> {
    let settled = format!("seen.seen.frames > {SETTLED}");
    for show in shows {
        let browser = &mut browsers[show.by_browsers[0]];
        browser.watch(show.name, &show.source.whep).await?;
        browser.wait_for(show.name, PICTURE_TIMEOUT, &settled).await?;
        browser.close(show.name).await?;
    }
    Ok(())
}

/// Watches with all viewers for a while.
async fn measure(
    percent: u32,
    shows: &[Show<'_>],
    browsers: &mut [Browser],
) -> Result<Vec<Measured>, Error> {
    let mut viewers = Vec::new();
    for show in shows {
        for browser in show.by_browsers {
            browsers[*browser].watch(show.name, &show.source.whep).await?;
        }
        viewers.push(match show.by_crate {
            true => Some(Viewer::watch(show.source.whep.clone()).await?),
            false => None,
        });
    }
    let mut before = Vec::new();
    for (show, viewer) in shows.iter().zip(&viewers) {
        let first = "seen.seen.frames > 0";
        for browser in show.by_browsers {
            browsers[*browser].wait_for(show.name, PICTURE_TIMEOUT, first).await?;
        }
        before.push(match viewer {
            Some(viewer) => viewer.wait_for(PICTURE_TIMEOUT, |s| s.decoded > 0).await?.decoded,
            None => 0,
        });
    }
    let time = measured_for(percent);
    let mut all = Vec::new();
    for ((show, viewer), before) in shows.iter().zip(viewers).zip(before) {
        // By the page's clock, so that a standstill is measured as well.
        let over = format!("performance.now() - seen.seen.first > {}", time.as_millis());
        let mut by_browsers = Vec::new();
        for browser in show.by_browsers {
            let browser = &mut browsers[*browser];
            by_browsers.push(browser.wait_for(show.name, PICTURE_TIMEOUT + time, &over).await?);
            browser.close(show.name).await?;
        }
        let by_crate = match viewer {
            Some(viewer) => Some((before, ended(viewer).await?)),
            None => None,
        };
        all.push(Measured { name: show.name, by_crate, by_browsers });
    }
    Ok(all)
}

/// The statistics after one more picture, so that a standstill at the end counts as well.
async fn ended(viewer: Viewer) -> Result<Stats, Error> {
    let now = viewer.stats().decoded;
    let stats = viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.decoded > now).await?;
    viewer.close().await?;
    Ok(stats)
}

/// An error unless this holds.
fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

impl Measured {
    /// Says what was not as it has to be.
    fn check(&self, percent: u32, dropped: i64) -> Result<(), String> {
        let name = self.name;
        // Pictures came all the time, at 25 or 30 a second.
        let rate = if percent > 2 { 12 } else { 20 };
        let enough = measured_for(percent).as_secs() * rate;
        for seen in &self.by_browsers {
            eprintln!("{percent} %, {name} in a browser: {seen:?}");
            assert_eq!(seen.states, ["connecting", "connected"]);
            let pictures = seen.seen.as_ref().expect("a viewer has pictures");
            let video = seen.video.as_ref().expect("there is a picture");
            let still = pictures.longest_gap as u64 > bound(percent);
            hold(!still, || format!("{name} stood still in a browser: {:?}", pictures.gaps))?;
            hold(video.decoded >= enough, || format!("{name} in a browser: {video:?}"))?;
            if percent == 0 {
                hold(video.lost <= dropped, || format!("{name} lost packets: {video:?}"))?;
                hold(video.freezes == 0, || format!("{name} froze: {video:?}"))?;
            } else {
                hold(video.nacks > 0, || format!("{name}: nothing was asked for again"))?;
            }
        }
        let Some((before, seen)) = &self.by_crate else { return Ok(()) };
        eprintln!("{percent} %, {name} in the webrtc crate: {seen:?}");
        let still = seen.longest_gap_ms > bound(percent);
        hold(!still, || format!("{name} stood still in the webrtc crate: {:?}", seen.gaps_ms))?;
        let decoded = seen.decoded - before;
        hold(decoded >= enough, || format!("{name} in the webrtc crate: {decoded} pictures"))?;
        if percent == 0 {
            let missing = seen.video.missing + seen.audio.missing;
            let all_came = missing <= dropped.unsigned_abs();
            hold(all_came, || format!("{name}: {missing} packets never came"))
        } else {
            hold(seen.video.recovered > 0, || format!("{name}: nothing was sent again"))
        }
    }
}

/// A server behind a network that loses 5 %, the network, and Chromium.
async fn stage(name: &str) -> Result<(Server, Arc<Network>, Browser), Error> {
    let network = Network::losing(LOSSES[0]);
    let server = Server::behind(name, &network).await?;
    let browser = Browser::open(Kind::Chromium, &server.api().base).await?;
    Ok((server, network, browser))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nack_without_rtx_libdatachannel_never_freezes_for_half_a_second_at_2_percent() {
    let (server, network, browser) = stage("loss-obs").await.unwrap();
    let source = server.register("OBS").await.unwrap();
    let manner = Manner { grains: GRAINS, ..Manner::default() };
    let obs = ObsLike::publish_so(&source.whip, manner).await.unwrap();
    live(&server, &source).await.unwrap();
    let shows = [Show::of("libdatachannel", &source)];
    under_losses(&server, &network, &shows, &mut [browser], false).await.unwrap();
    // It offers NACK without RTX, and is asked all the same.
    eprintln!("libdatachannel: {:?}", obs.asked());
    assert!(obs.asked().packets() > 0, "nothing was sent again");
    obs.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_never_freezes_for_half_a_second_at_2_percent() {
    let (server, network, mut browser) = stage("loss-chromium").await.unwrap();
    let source = server.register("Chromium").await.unwrap();
    browser.publish("camera", &source.whip, "H264").await.unwrap();
    live(&server, &source).await.unwrap();
    let mut browsers = [browser];
    let shows = [Show::of("Chromium", &source)];
    under_losses(&server, &network, &shows, &mut browsers, false).await.unwrap();
    let camera = browsers[0].wait_for("camera", PICTURE_TIMEOUT, "true").await.unwrap();
    eprintln!("the camera: {camera:?}");
    browsers[0].close("camera").await.unwrap();
}

/// A picture of ffmpeg's that is as heavy as a camera's.
const LOOK: Look = Look { size: "640x360", profile: "baseline", grain: true };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_9_never_freezes_for_half_a_second_at_2_percent() {
    let (server, network, browser) = stage("loss-ffmpeg").await.unwrap();
    let source = server.register("9").await.unwrap();
    let ffmpeg = Ffmpeg::publish_so(Version::Ffmpeg9, &source.whip, server.folder(), LOOK).unwrap();
    live(&server, &source).await.unwrap();
    let shows = [Show::of("ffmpeg 9", &source)];
    under_losses(&server, &network, &shows, &mut [browser], false).await.unwrap();
    // It ends by itself also where its goodbye is lost.
    ffmpeg.stop().await.unwrap();
}

/// ffmpeg 8 offers neither NACK nor RTX and answers no request for a key frame: what is lost on its way
/// to the server is lost, which no server can mend. So its own way is a good one here, and that of
/// its viewers is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_of_ffmpeg_8_never_freeze_for_half_a_second_at_2_percent() {
    let (server, network, browser) = stage("loss-ffmpeg8").await.unwrap();
    let source = server.register("8").await.unwrap();
    server.proxy().newcomers(&Network::losing(0));
    let ffmpeg = Ffmpeg::publish_so(Version::Ffmpeg8, &source.whip, server.folder(), LOOK).unwrap();
    live(&server, &source).await.unwrap();
    server.proxy().newcomers(&network);
    let shows = [Show::of("ffmpeg 8", &source)];
    under_losses(&server, &network, &shows, &mut [browser], false).await.unwrap();
    ffmpeg.stop().await.unwrap();
}

/// Where its own way is bad, the picture stands from a loss until a key frame comes whole; and when
/// the network is well again, so is the picture from the next key frame on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_8_is_seen_again_with_each_whole_key_frame() {
    const GROUPS: u64 = 3;
    let look = Look { grain: false, ..LOOK };
    let (server, network, browser) = stage("loss-ffmpeg8-itself").await.unwrap();
    let source = server.register("8").await.unwrap();
    network.lose(0);
    let ffmpeg = Ffmpeg::publish_so(Version::Ffmpeg8, &source.whip, server.folder(), look).unwrap();
    live(&server, &source).await.unwrap();
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.decoded > 0).await.unwrap();
    network.lose(2);
    let before = viewer.stats().key_frames;
    let again = |stats: &Stats| stats.key_frames >= before + GROUPS;
    viewer.wait_for(PICTURE_TIMEOUT, again).await.unwrap();
    viewer.close().await.unwrap();

    network.lose(0);
    let shows = [Show::of("ffmpeg 8", &source)];
    under_loss(&server, 0, &shows, &mut [browser], false).await.unwrap();
    ffmpeg.stop().await.unwrap();
}

/// Clients that refuse the loopback get a network of their own. webrtcbin publishes H.264, which
/// Firefox has not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webrtcbin_never_freezes_for_half_a_second_at_2_percent() {
    const NAME: &str = "loss::webrtcbin_never_freezes_for_half_a_second_at_2_percent";
    if !namespace::enter_smoothly(NAME).await {
        return;
    }
    let network = Network::losing(LOSSES[0]);
    let (server, _apart) = namespace::server_behind("loss-webrtcbin", &network).await.unwrap();
    let chromium = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let source = server.register("webrtcbin").await.unwrap();
    let gstreamer = GStreamer::publish(&source.whip, server.folder()).unwrap();
    live(&server, &source).await.unwrap();
    let shows = [Show::of("webrtcbin", &source)];
    under_losses(&server, &network, &shows, &mut [chromium], false).await.unwrap();
    assert!(gstreamer.stop().await.unwrap().success());
}

/// Firefox watches Chromium's VP8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_never_freezes_for_half_a_second_at_2_percent() {
    const NAME: &str = "loss::firefox_never_freezes_for_half_a_second_at_2_percent";
    if !namespace::enter_smoothly(NAME).await {
        return;
    }
    let network = Network::losing(LOSSES[0]);
    let (server, _apart) = namespace::server_behind("loss-firefox", &network).await.unwrap();
    let base = &server.api().base;
    let mut chromium = Browser::open(Kind::Chromium, base).await.unwrap();
    let firefox = Browser::open(Kind::Firefox, base).await.unwrap();
    let camera = server.register("camera").await.unwrap();
    chromium.publish("camera", &camera.whip, "VP8").await.unwrap();
    live(&server, &camera).await.unwrap();
    let shows = [Show { name: "VP8", source: &camera, by_crate: false, by_browsers: &[1] }];
    let mut browsers = [chromium, firefox];
    under_losses(&server, &network, &shows, &mut browsers, true).await.unwrap();
    assert_eq!(browsers[0].close("camera").await.unwrap(), 200);
}
