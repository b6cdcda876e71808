//! Four encoders, each with a colour of its own, on one canvas: watched, rearranged, and without
//! one of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::ffmpeg::Ffmpeg;
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::publish::PICTURE_TIMEOUT;
use crate::server::Server;

/// A colour as ffmpeg calls it, and as its planes have it (BT.601): Y, U, V.
const COLOURS: [(&str, [u8; 3]); 4] = [
    ("red", [81, 90, 240]),
    ("blue", [41, 240, 110]),
    ("lime", [145, 54, 34]),
    ("white", [235, 128, 128]),
];
/// What stands where there is no picture.
const SLATE: [u8; 3] = [44, 128, 128];

/// How often a picture is asked for, of which no event tells.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A layout with the sources in the four quarters.
fn layout(sources: [&str; 4], audio: Value) -> Value {
    let cell = |(number, source): (usize, &&str)| {
        let (x, y) = (number % 2 * 320, number / 2 * 180);
        json!({ "source": source, "x": x, "y": y, "width": 320, "height": 180 })
    };
    let cells: Vec<Value> = sources.iter().enumerate().map(cell).collect();
    let canvas = json!({ "width": 640, "height": 360, "fps": 25 });
    json!({ "canvas": canvas, "cells": cells, "audio": audio })
}

fn shows(stats: &Stats, wanted: [[u8; 3]; 4]) -> bool {
    let near = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= 10;
    stats.quarters.iter().zip(wanted).all(|(found, wanted)| found.iter().zip(&wanted).all(near))
}

async fn wait_for(
    server: &Server,
    viewer: &Viewer,
    what: &str,
    wanted: impl Fn(&Stats) -> bool,
) -> Result<Stats, Error> {
    let found = viewer.wait_for(PICTURE_TIMEOUT, wanted).await;
    found.map_err(|error| {
        format!("{what}: {error}; {:?}\n{}", viewer.stats().quarters, server.log()).into()
    })
}

async fn still(url: &str) -> Result<image::RgbImage, Error> {
    let bytes = reqwest::get(url).await?.error_for_status()?.bytes().await?;
    let still = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg)?;
    assert_eq!((still.width(), still.height()), (640, 360));
    Ok(still.to_rgb8())
}

fn is_still_of_all(still: &image::RgbImage) -> bool {
    [
        ((160, 90), [255, 0, 0]),
        ((480, 90), [0, 0, 255]),
        ((160, 270), [0, 255, 0]),
        ((480, 270), [255, 255, 255]),
    ]
    .iter()
    .all(|((x, y), wanted)| {
        let found = still.get_pixel(*x, *y).0;
        found.iter().zip(wanted).all(|(a, b): (&u8, &u8)| a.abs_diff(*b) < 25)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_sources_are_watched_as_one_and_rearranged() {
    let server = Server::start("composite").await.unwrap();
    let api = server.api();
    let folder = server.project("Day 1").await.unwrap();
    let (mut ids, mut senders) = (Vec::new(), Vec::new());
    for (name, _) in COLOURS {
        let new = json!({ "project_id": folder, "name": name, "description": "" });
        let source = api.call("/create/live/registration/srt", new).await.unwrap();
        let url = source["url"].as_str().unwrap();
        senders.push(Ffmpeg::send_colour(url, server.folder(), name).unwrap());
        ids.push(source["id"].as_str().unwrap().to_owned());
    }
    let [red, blue, lime, white] = [0, 1, 2, 3].map(|number: usize| ids[number].as_str());
    let [r, b, l, w] = COLOURS.map(|(_, planes)| planes);

    let one = json!({ "mode": "SOURCE", "source": red });
    let new = json!({
        "project_id": folder, "name": "Wall", "description": "",
        "layout": layout([red, blue, lime, white], one),
    });
    let made = api.call("/create/live/registration/composite", new).await.unwrap();
    let id = made["id"].as_str().unwrap();
    let viewer = Viewer::watch(api.whep(id).unwrap()).await.unwrap();
    let all = |stats: &Stats| shows(stats, [r, b, l, w]);
    wait_for(&server, &viewer, "all four", all).await.unwrap();
    let heard = |stats: &Stats| stats.audio.packets > 50;
    wait_for(&server, &viewer, "the sound of one", heard).await.unwrap();

    // Its picture, by its link.
    let details = api.call("/get/live/details", json!({ "id": id })).await.unwrap();
    let url = details["additional_details"]["picture_url"].as_str().unwrap();
    // One of before the encoders came may be kept for ten seconds.
    let still = tokio::time::timeout(PICTURE_TIMEOUT, async {
        while !is_still_of_all(&still(url).await.unwrap()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    still.await.expect("there is no picture of all four");

    // Rearranged, and all of them heard, while somebody watches.
    let update = json!({
        "id": id, "name": "Wall", "description": "",
        "layout": layout([white, lime, blue, red], json!({ "mode": "MIX" })),
    });
    api.call("/update/live/registration/composite", update).await.unwrap();
    let stats = wait_for(&server, &viewer, "the new layout", |s| shows(s, [w, l, b, r])).await;
    let before = stats.unwrap().audio.packets;
    let mixed = |stats: &Stats| stats.audio.packets > before + 100;
    wait_for(&server, &viewer, "the sound of all", mixed).await.unwrap();

    // One is gone: a slate. Deleted it is no more than that.
    drop(senders.remove(1));
    wait_for(&server, &viewer, "a slate", |s| shows(s, [w, l, SLATE, r])).await.unwrap();
    api.call("/delete/live/registration", json!({ "id": lime })).await.unwrap();
    let two = |stats: &Stats| shows(stats, [w, SLATE, SLATE, r]);
    let stats = wait_for(&server, &viewer, "two slates", two).await.unwrap();
    let details = api.call("/get/live/details", json!({ "id": id })).await.unwrap();
    let of = &details["additional_details"];
    println!(
        "{} pictures seen, the longest gap {} ms; {}",
        stats.decoded, stats.longest_gap_ms, of["composite"]
    );
    viewer.close().await.unwrap();

    // Who comes later sees it at once, and not with the next key frame alone.
    let late = Viewer::watch(api.whep(id).unwrap()).await.unwrap();
    wait_for(&server, &late, "a late viewer", two).await.unwrap();
    late.close().await.unwrap();
}
