//! H.265: those who take it get it as it was sent, and others get it converted, or hear why not.

use std::time::Duration;

use rushes::demo::whip_client::WhipTarget;
use rushes::demo::{picture::Size, strip};
use serde_json::{Value, json};

use crate::browser::{Browser, Kind, Lips, Seen};
use crate::chromium::{PICTURE_AND_SOUND, end};
use crate::ffmpeg::{Ffmpeg, Version};
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::publish::PICTURE_TIMEOUT;
use crate::rtp;
use crate::server::Server;
use crate::srt::{is_live, says, send_picture as send, sending, wait_for};
use crate::transcode::{B_FRAMES, SETTLED, assert_in_order, median, offset};

/// In the profile that the offers of those have who take H.265 (Main).
pub(crate) const H265: [&str; 4] = ["-c:v", "libx265", "-x265-params", "bframes=0:log-level=error"];
/// Ten bits, with B-frames that refer to the key frames on both sides (open groups).
const H265_B_FRAMES: [&str; 6] = [
    "-c:v",
    "libx265",
    "-pix_fmt",
    "yuv420p10le",
    "-x265-params",
    "bframes=3:b-adapt=0:open-gop=1:log-level=error",
];
const OPUS: [&str; 6] = ["-c:a", "libopus", "-ar", "48000", "-ac", "2"];
const H264: [&str; 6] = ["-profile:v", "baseline", "-tune", "zerolatency", "-bf", "0"];
/// Pictures that a browser is watched for, and the beep with which seconds begin.
const PICTURES: u32 = 300;
const BEEP: u32 = 1320;
/// How often a picture is asked for, of which no event tells.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// An offer of a player that takes H.264 alone.
const H264_ALONE: &str = include_str!("../../media/tests/sdp/gst-whep-whep-offer.sdp");

pub(crate) fn transcode(details: &Value) -> &Value {
    &details["additional_details"]["transcode"]
}

/// What a player hears that takes H.264 alone: the status, and the reason where it is refused.
pub(crate) async fn asked(whep: &WhipTarget) -> Result<(u16, Value), Error> {
    let answer = reqwest::Client::new()
        .post(whep.url.clone())
        .bearer_auth(&whep.bearer)
        .header("content-type", "application/sdp")
        .body(H264_ALONE)
        .send()
        .await?;
    let status = answer.status().as_u16();
    // An answer is no JSON, and none is looked at.
    let problem = serde_json::from_str(&answer.text().await?).unwrap_or_default();
    Ok((status, problem))
}

/// One who takes H.265, and gets it.
async fn takes_it(whep: &WhipTarget) -> Result<Viewer, Error> {
    let viewer = Viewer::watch(whep.clone()).await?;
    let some = |stats: &Stats| stats.video.packets > 200 && stats.audio.packets > 100;
    viewer.wait_for(PICTURE_TIMEOUT, some).await?;
    Ok(viewer)
}

/// Chromium, as the peer `viewer`, is shown H.264 instead: so many pictures of it, in their order.
async fn sees_it_converted(
    browser: &mut Browser,
    whep: &WhipTarget,
    pictures: u32,
) -> Result<(Seen, Lips), Error> {
    browser.watch("viewer", whep).await?;
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await?;
    let size = seen.seen.as_ref().map(|seen| (seen.width, seen.height));
    assert_eq!(size, Some((640, 360)));
    let codec = seen.video.as_ref().and_then(|video| video.codec.as_deref());
    assert_eq!(codec, Some("video/H264"));
    browser.wait_for("viewer", PICTURE_TIMEOUT, SETTLED).await?;
    let lips = browser.lips("viewer", pictures, BEEP).await?;
    let numbers: Vec<u32> = lips.pictures.iter().filter_map(|shown| shown.number).collect();
    assert!(numbers.len() as u32 >= pictures - 2, "{numbers:?}");
    assert_in_order(&numbers, 12);
    Ok((seen, lips))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_take_h265_get_it_and_others_get_it_converted() {
    let (server, source, ffmpeg) = sending("h265", &[], &H265).await.unwrap();
    let ready = |details: &Value| is_live(details) && transcode(details)["state"] == "READY";
    let details = wait_for(&server, &source, ready).await.unwrap();
    let of = &details["additional_details"];
    assert_eq!((&of["problems"], &of["video"]["codec"]), (&json!([]), &json!("H265")));
    assert!(of["video"]["profile"].as_str().is_some_and(|name| name.starts_with("Main ")));

    // One who takes it, and does not notice what is done for others.
    let viewer = takes_it(&source.whep).await.unwrap();

    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let (seen, lips) = sees_it_converted(&mut browser, &source.whep, PICTURES).await.unwrap();
    let (offset, apart) = (offset(&lips), median(lips.apart.clone()));
    println!("a picture is seen {offset:.0} ms after its sound; the browser says {:.0} ms", -apart);
    assert!((offset + apart).abs() < 60.0, "{offset} {apart}");

    let runs = |details: &Value| {
        let transcode = transcode(details);
        transcode["state"] == "RUNNING" && transcode["frames"].as_u64() > Some(PICTURES as u64)
    };
    let details = wait_for(&server, &source, runs).await.unwrap();
    let told = transcode(&details);
    println!("{told}");
    assert_eq!((&told["cause"], &told["viewers"]), (&json!("H265"), &json!(1)));
    assert_eq!((&told["frames_missed"], &told["frames_lost"]), (&json!(0), &json!(0)));
    assert_eq!(details["additional_details"]["problems"], json!([]));
    end(&mut browser, "viewer", &seen).await.unwrap();

    // It ends some time after the last who needs it, and begins anew for the next.
    wait_for(&server, &source, ready).await.unwrap();
    browser.watch("again", &source.whep).await.unwrap();
    let seen = browser.wait_for("again", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
    end(&mut browser, "again", &seen).await.unwrap();

    let stats = viewer.stats();
    assert_eq!((stats.video.codec.as_deref(), stats.video.missing), (Some("video/H265"), 0));
    viewer.close().await.unwrap();
    ffmpeg.stop().await.unwrap();
}

/// Out of packets (RFC 7798) instead of a transport stream.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h265_over_rtp_is_converted() {
    let server = Server::start_smoothly("h265rtp", &[]).await.unwrap();
    let source = rtp::register(&server).await.unwrap();
    let [video, audio] = source.outputs();
    let (to, folder) = ([video.as_str(), &audio], server.folder());
    let ffmpeg = Ffmpeg::send_rtp(Version::Debian, to, folder, &H265, &OPUS).unwrap();
    let ready = |details: &Value| {
        let known = &details["additional_details"];
        details["status"] == "LIVE"
            && (&known["video"]["codec"], &known["video"]["width"]) == (&json!("H265"), &json!(640))
            && rtp::codecs(details) == [json!("H.265"), json!("Opus")]
            && transcode(details)["state"] == "READY"
    };
    let details = rtp::wait_for(&server, &source, ready).await.unwrap();
    assert_eq!(details["additional_details"]["problems"], json!([]));

    // One who takes it, and has it out of the same packets.
    let viewer = takes_it(&source.whep).await.unwrap();

    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let (seen, _) = sees_it_converted(&mut browser, &source.whep, 100).await.unwrap();
    let runs = |details: &Value| {
        let told = transcode(details);
        told["state"] == "RUNNING" && told["frames"].as_u64() > Some(100)
    };
    let details = rtp::wait_for(&server, &source, runs).await.unwrap();
    let told = transcode(&details);
    assert_eq!((&told["cause"], &told["viewers"]), (&json!("H265"), &json!(1)), "{told}");
    assert_eq!((&told["frames_missed"], &told["frames_lost"]), (&json!(0), &json!(0)), "{told}");
    end(&mut browser, "viewer", &seen).await.unwrap();
    let stats = viewer.stats();
    assert_eq!((stats.video.codec.as_deref(), stats.video.missing), (Some("video/H265"), 0));
    viewer.close().await.unwrap();
    ffmpeg.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_stay_when_the_source_changes_between_h264_and_h265() {
    let server = Server::start_smoothly("h265change", &[]).await.unwrap();
    let source = server.register_srt("Encoder").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let codec = |codec: &'static str| {
        move |details: &Value| {
            is_live(details) && details["additional_details"]["video"]["codec"] == codec
        }
    };
    let ffmpeg = send(&server, &source, &H264).unwrap();
    wait_for(&server, &source, codec("H264")).await.unwrap();
    browser.watch("viewer", &source.whep).await.unwrap();
    let mut seen = browser.wait_for("viewer", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
    ffmpeg.stop().await.unwrap();
    for (name, settings) in [("H265", &H265_B_FRAMES[..]), ("H264", &H264[..])] {
        let ffmpeg = send(&server, &source, settings).unwrap();
        wait_for(&server, &source, codec(name)).await.unwrap();
        let more = format!("seen.seen.frames >= {}", seen.seen.unwrap().frames + 100);
        seen = browser.wait_for("viewer", PICTURE_TIMEOUT, &more).await.unwrap();
        let lips = browser.lips("viewer", 50, BEEP).await.unwrap();
        let numbers: Vec<u32> = lips.pictures.iter().filter_map(|shown| shown.number).collect();
        assert!(numbers.len() >= 48, "{name}: {numbers:?}");
        assert_in_order(&numbers, 12);
        ffmpeg.stop().await.unwrap();
    }
    end(&mut browser, "viewer", &seen).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_h265_is_not_converted_others_hear_why() {
    for (option, told, problem) in [
        ("--transcodes=0", "this server converts no pictures", "--transcodes is 0"),
        ("--ffmpeg=none", "this server has no ffmpeg", "when ffmpeg is installed"),
        ("--transcode-pixels=1000000", "pixels a second are more", "--transcode-pixels"),
        ("--ffmpeg=/bin/true", "ffmpeg has ended", "ffmpeg has ended"),
    ] {
        let (server, source, ffmpeg) = sending("h265no", &[option], &H265).await.unwrap();
        let known = |details: &Value| is_live(details) && transcode(details)["state"].is_string();
        wait_for(&server, &source, known).await.unwrap();
        if option.ends_with("true") {
            // That is found out when somebody needs it.
            assert_eq!(asked(&source.whep).await.unwrap().0, 201);
        }
        let says = |details: &Value| says(details, problem) && says(details, "H.265");
        let details = wait_for(&server, &source, says).await.unwrap();
        assert_eq!(transcode(&details)["state"], "REFUSED");
        let (status, refused) = asked(&source.whep).await.unwrap();
        let detail = refused["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("the stream's video is H265"), "{status} {refused}");
        assert!(status == 422 && detail.contains(told), "{status} {refused}");

        let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
        let some = |stats: &Stats| stats.video.packets > 100;
        let stats = viewer.wait_for(PICTURE_TIMEOUT, some).await.unwrap();
        assert_eq!((stats.video.codec.as_deref(), stats.video.missing), (Some("video/H265"), 0));
        viewer.close().await.unwrap();
        ffmpeg.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h265_and_b_frames_share_one_budget() {
    let (server, first, b_frames) = sending("h265budget", &[], &B_FRAMES).await.unwrap();
    let runs = |details: &Value| transcode(details)["state"] == "RUNNING";
    wait_for(&server, &first, runs).await.unwrap();

    let second = server.register_srt("Second").await.unwrap();
    let h265 = send(&server, &second, &H265).unwrap();
    let full = |details: &Value| says(details, "converts 1 picture at a time");
    wait_for(&server, &second, full).await.unwrap();
    let (status, refused) = asked(&second.whep).await.unwrap();
    let told = refused["detail"].as_str().unwrap_or_default();
    assert!(status == 422 && told.contains("converts 1 picture at a time"), "{refused}");

    b_frames.stop().await.unwrap();
    let ready = |details: &Value| transcode(details)["state"] == "READY";
    wait_for(&server, &second, ready).await.unwrap();
    assert_eq!(asked(&second.whep).await.unwrap().0, 201);
    h265.stop().await.unwrap();
}

/// The number in the picture that a source has on the page of its folder.
async fn number_of_still(details: &Value) -> Result<u32, Error> {
    let url = details["additional_details"]["picture_url"].as_str().ok_or("no picture_url")?;
    let bytes = reqwest::get(url).await?.error_for_status()?.bytes().await?;
    let still = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg)?.to_luma8();
    assert_eq!((still.width(), still.height()), (640, 360));
    let reading = strip::read(&still, 640, Size::new(640, 360)?);
    Ok(reading.ok_or("a picture without its number")?.frame)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h265_has_a_picture_and_is_seen_in_a_composite() {
    let server = Server::start("h265composite").await.unwrap();
    let api = server.api();
    let folder = server.project("Day 1").await.unwrap();
    let source = server.register_srt_in(&folder, "Encoder").await.unwrap();
    let ffmpeg = send(&server, &source, &H265_B_FRAMES).unwrap();
    let ready = |details: &Value| is_live(details) && transcode(details)["state"] == "READY";
    let details = wait_for(&server, &source, ready).await.unwrap();
    let still = tokio::time::timeout(PICTURE_TIMEOUT, async {
        loop {
            match number_of_still(&details).await {
                Ok(number) => return number,
                // There may be no key frame yet.
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    });
    let number = still.await.expect("there is no picture of it");
    println!("a picture of number {number}");

    let layout = json!({
        "canvas": { "width": 640, "height": 360, "fps": 25 },
        "cells": [{ "source": source.id, "x": 0, "y": 0, "width": 640, "height": 360 }],
        "audio": { "mode": "SOURCE", "source": source.id },
    });
    let new = json!({
        "project_id": folder, "name": "Wall", "description": "", "layout": layout,
    });
    let made = api.call("/create/live/registration/composite", new).await.unwrap();
    let id = made["id"].as_str().unwrap();
    let viewer = Viewer::watch(api.whep(id).unwrap()).await.unwrap();
    let counted = |stats: &Stats| stats.frame_numbers.len() >= 150 && stats.audio.packets > 100;
    let stats = viewer.wait_for(PICTURE_TIMEOUT, counted).await.unwrap();
    // A picture may be seen twice or not at all, where the canvas is not painted when it comes.
    let mut numbers = stats.frame_numbers[50..].to_vec();
    numbers.dedup();
    assert!(numbers.len() >= 60, "{numbers:?}");
    assert_in_order(&numbers, 4);
    let details = api.call("/get/live/details", json!({ "id": id })).await.unwrap();
    let of = &details["additional_details"];
    assert_eq!((&of["problems"], &of["composite"]["problems"]), (&json!([]), &json!([])), "{of}");

    // It has the only place for a conversion, until it goes.
    assert_eq!(asked(&source.whep).await.unwrap().0, 422);
    api.call("/delete/live/registration", json!({ "id": id })).await.unwrap();
    let again = tokio::time::timeout(PICTURE_TIMEOUT, async {
        while asked(&source.whep).await.unwrap().0 != 201 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    again.await.expect("its place is not given back");
    viewer.close().await.unwrap();
    ffmpeg.stop().await.unwrap();
}
