//! A publisher goes and comes back: where that was asked for, its viewers see a slate meanwhile.

use std::time::{Duration, Instant};

use rtc::peer_connection::state::RTCPeerConnectionState;
use serde_json::{Value, json};

use crate::browser::{Browser, Kind};
use crate::ffmpeg::{Ffmpeg, Look, Version};
use crate::h265::H265;
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::publish::{PICTURE_TIMEOUT, watch};
use crate::returns::shown;
use crate::server::{Api, Registered, Server};
use crate::socket::Socket;
use crate::srt::{send_picture, wait_for};

const FIRST: Look = Look { size: "640x360", profile: "baseline", grain: false };
/// How often it is looked what a browser shows.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Planes of red (BT.601), and of a slate where it has no letters.
const RED: [u8; 3] = [81, 90, 240];
const SLATE: [u8; 3] = [44, 128, 128];
const SECOND: Look = Look { size: "480x270", profile: "high", grain: false };

/// Asks for a slate.
async fn ask_for_slate(api: &Api, source: &str) -> Result<Value, Error> {
    let mut socket = Socket::open(api).await?;
    socket.ask("rushes/live/slate", json!({ "id": source, "on": true })).await
}

/// Whether the browser shows a slate: dark grey, and in its middle letters.
async fn shows_slate(browser: &mut Browser) -> Result<bool, Error> {
    let script = "rushes.luma(rushes.peers['viewer'])";
    let picture = browser.evaluate(script, Duration::ZERO).await?;
    let luma = hex::decode(picture["hex"].as_str().ok_or("no pixels")?)?;
    let grey = luma.iter().filter(|luma| (24..44).contains(*luma)).count();
    let letters = luma.iter().filter(|luma| **luma > 180).count();
    Ok(grey * 10 > luma.len() * 9 && letters > 100)
}

/// Waits until the browser shows a slate, or none any more: no event tells a script.
async fn until_slate(browser: &mut Browser, shown: bool) -> Result<(), Error> {
    let looked = async {
        while shows_slate(browser).await? != shown {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    };
    let looked = tokio::time::timeout(PICTURE_TIMEOUT, looked).await;
    looked.map_err(|_| format!("a slate: not {shown} within {PICTURE_TIMEOUT:?}"))?
}

async fn status(server: &Server, source: &Registered) -> Result<Value, Error> {
    let details = server.api().call("/get/live/details", json!({ "id": source.id })).await?;
    Ok(details["status"].clone())
}

fn publish(server: &Server, source: &Registered, look: Look) -> Result<Ffmpeg, Error> {
    Ffmpeg::publish_so(Version::Ffmpeg9, &source.whip, server.folder(), look)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_of_a_source_that_goes_see_its_slate_and_then_its_picture_in_the_same_session() {
    let server = Server::start("slate").await.unwrap();
    let source = server.register("A cam").await.unwrap();
    let other = server.register("B cam").await.unwrap();
    let asked = ask_for_slate(server.api(), &source.id).await.unwrap();
    assert_eq!(asked["slate"], true, "{asked}");
    // Nobody has published yet.
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    browser.watch("viewer", &source.whep).await.unwrap();
    let first = "seen.seen.frames >= 3 && seen.seen.width === 1280 && seen.seen.height === 720";
    browser.wait_for("viewer", PICTURE_TIMEOUT, first).await.unwrap();
    assert!(shows_slate(&mut browser).await.unwrap());
    assert_eq!(status(&server, &source).await.unwrap(), "WAITING");

    browser.again("viewer").await.unwrap();
    let ffmpeg = publish(&server, &source, FIRST).unwrap();
    let beside = publish(&server, &other, FIRST).unwrap();
    let viewer = watch(&server, &source).await.unwrap();
    let without = watch(&server, &other).await.unwrap();
    shown(&viewer, &mut browser, FIRST, &viewer.stats()).await.unwrap();
    without.wait_for(PICTURE_TIMEOUT, |stats| stats.decoded > 25).await.unwrap();
    assert!(!shows_slate(&mut browser).await.unwrap());

    ffmpeg.stop().await.unwrap();
    beside.stop().await.unwrap();
    // Slates have no frame number.
    let gone =
        viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.frame_number.is_none()).await.unwrap();
    browser.again("viewer").await.unwrap();
    let (key_frames, packets) = (gone.key_frames, without.stats().video.packets);
    // Two groups, and each decodes.
    let seen =
        |stats: &Stats| stats.key_frames >= key_frames + 2 && stats.decoded >= gone.decoded + 5;
    let slate = viewer.wait_for(PICTURE_TIMEOUT, seen).await.unwrap();
    assert_eq!((slate.width, slate.height), FIRST.dimensions(), "as large as the picture was");
    let frames = "seen.seen.frames >= 4 && seen.seen.width === 640";
    browser.wait_for("viewer", PICTURE_TIMEOUT, frames).await.unwrap();
    assert!(shows_slate(&mut browser).await.unwrap());
    assert_eq!(without.stats().video.packets, packets, "nobody asked for one there");
    for source in [&source, &other] {
        assert_eq!(status(&server, source).await.unwrap(), "WAITING");
    }

    let before = viewer.stats();
    browser.again("viewer").await.unwrap();
    let ffmpeg = publish(&server, &source, SECOND).unwrap();
    let number = shown(&viewer, &mut browser, SECOND, &before).await.unwrap();
    eprintln!("the first picture after the slate is number {number} of the new publisher");
    assert!(number <= Ffmpeg::KEY_INTERVAL, "number {number}");
    assert!(!shows_slate(&mut browser).await.unwrap());
    // The same connections, which never broke.
    let states = viewer.states();
    assert_eq!(states.last(), Some(&RTCPeerConnectionState::Connected), "{states:?}");
    let broken = [RTCPeerConnectionState::Failed, RTCPeerConnectionState::Closed];
    assert!(!states.iter().any(|state| broken.contains(state)), "{states:?}");
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, "true").await.unwrap();
    crate::chromium::end(&mut browser, "viewer", &seen).await.unwrap();
    viewer.close().await.unwrap();
    without.close().await.unwrap();
    ffmpeg.stop().await.unwrap();
}

/// What those are sent who do not take H.265 is no layer of its publisher's, and a slate is none either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_sent_a_converted_picture_sees_the_slate_and_then_the_converted_picture_again() {
    let server = Server::start("slateh265").await.unwrap();
    let source = server.register_srt("A cam").await.unwrap();
    ask_for_slate(server.api(), &source.id).await.unwrap();
    let send = || send_picture(&server, &source, &H265);
    let moving = "seen.seen.frames >= 50 && seen.seen.width === 640";
    let still = "seen.seen.frames >= 4";
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();

    let ffmpeg = send().unwrap();
    browser.watch("viewer", &source.whep).await.unwrap();
    browser.wait_for("viewer", PICTURE_TIMEOUT, moving).await.unwrap();
    assert!(!shows_slate(&mut browser).await.unwrap());
    ffmpeg.stop().await.unwrap();
    // A source is missed only after a while.
    until_slate(&mut browser, true).await.unwrap();
    browser.again("viewer").await.unwrap();
    browser.wait_for("viewer", PICTURE_TIMEOUT, still).await.unwrap();
    assert!(shows_slate(&mut browser).await.unwrap());

    let ffmpeg = send().unwrap();
    until_slate(&mut browser, false).await.unwrap();
    browser.again("viewer").await.unwrap();
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, moving).await.unwrap();
    crate::chromium::end(&mut browser, "viewer", &seen).await.unwrap();
    ffmpeg.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_halts_is_a_slate_before_its_session_ends_and_is_seen_when_it_goes_on() {
    let server = Server::start("slatehalt").await.unwrap();
    let source = server.register("A cam").await.unwrap();
    ask_for_slate(server.api(), &source.id).await.unwrap();
    let ffmpeg = publish(&server, &source, FIRST).unwrap();
    let viewer = watch(&server, &source).await.unwrap();
    let moving = |stats: &Stats| stats.decoded > 50 && stats.frame_number.is_some();
    viewer.wait_for(PICTURE_TIMEOUT, moving).await.unwrap();

    ffmpeg.halt().unwrap();
    let halted = Instant::now();
    let slate = viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.frame_number.is_none()).await;
    let slate = slate.unwrap();
    println!("the slate is seen after {:?}", halted.elapsed());
    // It is not known to be gone: without media for three seconds it counts as connecting.
    let told = status(&server, &source).await.unwrap();
    assert!(told == "LIVE" || told == "CONNECTING", "{told}");
    assert_eq!((slate.width, slate.height), FIRST.dimensions());

    ffmpeg.go_on().unwrap();
    let seen = |stats: &Stats| stats.frame_number.is_some() && stats.decoded > slate.decoded + 50;
    viewer.wait_for(PICTURE_TIMEOUT, seen).await.unwrap();
    assert_eq!(status(&server, &source).await.unwrap(), "LIVE");
    let states = viewer.states();
    assert_eq!(states.last(), Some(&RTCPeerConnectionState::Connected), "{states:?}");
    viewer.close().await.unwrap();
    ffmpeg.stop().await.unwrap();
}

/// A camera that was switched off, while its microphone was not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_goes_on_with_sound_alone_is_a_slate_and_is_heard() {
    let server = Server::start("slatesound").await.unwrap();
    let source = server.register_srt("A cam").await.unwrap();
    ask_for_slate(server.api(), &source.id).await.unwrap();
    // The picture ends after eight seconds, and the tone does not.
    let url = &source.url;
    let tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];
    // The muxer does not wait for a picture that does not come.
    let sound = ["-c:a", "aac", "-ac", "2", "-max_interleave_delta", "100000"];
    let ffmpeg = Ffmpeg::send_sound(url, server.folder(), "red:d=8", &tone, &sound).unwrap();
    let is_live = |details: &Value| details["status"] == "LIVE";
    wait_for(&server, &source, is_live).await.unwrap();
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    let near = |found: [u8; 3], wanted: [u8; 3]| {
        found.iter().zip(&wanted).all(|(a, b): (&u8, &u8)| a.abs_diff(*b) <= 10)
    };
    let all = |stats: &Stats, wanted| stats.quarters.iter().all(|found| near(*found, wanted));
    let red = |stats: &Stats| all(stats, RED) && stats.audio.packets > 50;
    viewer.wait_for(PICTURE_TIMEOUT, red).await.unwrap();
    let slate = viewer.wait_for(PICTURE_TIMEOUT, |stats| all(stats, SLATE)).await.unwrap();
    let heard = |stats: &Stats| stats.audio.packets > slate.audio.packets + 100;
    let stats = viewer.wait_for(PICTURE_TIMEOUT, heard).await.unwrap();
    assert!(all(&stats, SLATE) && stats.decoded > slate.decoded, "and the slate goes on");
    assert_eq!(stats.audio.missing, 0);
    let details = server.api().call("/get/live/details", json!({ "id": source.id })).await;
    assert_eq!(details.unwrap()["status"], "LIVE");
    // Who comes now sees and hears the same.
    let late = Viewer::watch(source.whep.clone()).await.unwrap();
    let both = |stats: &Stats| all(stats, SLATE) && stats.audio.packets > 20;
    late.wait_for(PICTURE_TIMEOUT, both).await.unwrap();
    late.close().await.unwrap();
    viewer.close().await.unwrap();
    drop(ffmpeg);
}
