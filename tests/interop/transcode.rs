//! An encoder with B-frames: what it sends is converted, and seen in order and heard in step.

use serde_json::{Value, json};

use crate::browser::{Browser, Kind, Lips};
use crate::chromium::{PICTURE_AND_SOUND, end};
use crate::peer::viewer::Viewer;
use crate::publish::PICTURE_TIMEOUT;
use crate::srt::{sending, wait_for};

/// Three B-frames between others, one of them referred to, as encoders come without a setting.
pub(crate) const B_FRAMES: [&str; 8] = [
    "-preset",
    "veryfast",
    "-profile:v",
    "high",
    "-bf",
    "3",
    "-x264-params",
    "b-adapt=0:b-pyramid=normal",
];
/// Frames of the clip, which is sent again and again.
const FRAMES: u32 = 100;
/// Frames of a second, with which a beep begins.
const FPS: u32 = 25;
const BEEP: u32 = 1320;
/// Pictures that a browser is watched for.
const PICTURES: u32 = 300;

fn is_converted(details: &Value) -> bool {
    let transcode = &details["additional_details"]["transcode"];
    transcode["state"] == "RUNNING" && transcode["frames"].as_u64() > Some(25)
}

/// A browser brings picture and sound together for a while, and says how far apart they are as of
/// some moments: after so many frames that is over.
pub(crate) const SETTLED: &str = "seen.seen.frames >= 600";

/// The middle one.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    assert!(all.len() >= 5, "{all:?}");
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// How much later a picture is seen than its beep is heard, in milliseconds.
pub(crate) fn offset(lips: &Lips) -> f64 {
    let begins = |number: Option<u32>| number.is_some_and(|number| number.is_multiple_of(FPS));
    let seconds = lips.pictures.iter().filter(|shown| begins(shown.number));
    let nearest = |at: f64| {
        let offsets = lips.beeps.iter().map(|beep| at - beep);
        offsets.min_by(|a, b| a.abs().total_cmp(&b.abs()))
    };
    median(seconds.filter_map(|shown| nearest(shown.at)).collect())
}

/// Each is the one after the one before, or a later one where `gaps` allows it; the clip begins again.
pub(crate) fn assert_in_order(numbers: &[u32], gaps: u32) {
    let step = |pair: &[u32]| (pair[1] + FRAMES - pair[0]) % FRAMES;
    let back: Vec<_> =
        numbers.windows(2).filter(|pair| !(1..=1 + gaps).contains(&step(pair))).collect();
    assert!(back.is_empty(), "{back:?} in {numbers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b_frames_are_converted_seen_in_order_and_heard_in_step() {
    let (server, source, ffmpeg) = sending("transcode", &[], &B_FRAMES).await.unwrap();
    let details = wait_for(&server, &source, is_converted).await.unwrap();
    let of = &details["additional_details"];
    assert_eq!((&of["problems"], &of["video"]["b_frames"]), (&json!([]), &json!(true)));
    assert!((of["video"]["fps"].as_f64().unwrap() - 25.0).abs() < 3.0, "{of}");

    // Every picture of it, by a decoder that takes them as they come. A newcomer is played what is
    // cached, and asks for a key frame, for want of which that is played again.
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    let all = |stats: &crate::peer::viewer::Stats| stats.frame_numbers.len() >= 250;
    let stats = viewer.wait_for(PICTURE_TIMEOUT, all).await.unwrap();
    assert_in_order(&stats.frame_numbers[50..], 0);
    assert_eq!((stats.video.missing, stats.decoded), (0, stats.frame_numbers.len() as u64));
    viewer.close().await.unwrap();

    // A browser may leave out one that comes while it is busy; none comes back.
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    browser.watch("viewer", &source.whep).await.unwrap();
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
    let converted = browser.lips("viewer", PICTURES, BEEP).await.unwrap();
    let numbers: Vec<u32> = converted.pictures.iter().filter_map(|shown| shown.number).collect();
    assert!(numbers.len() as u32 >= PICTURES - 2, "{numbers:?}");
    assert_in_order(&numbers, 12);

    let details = wait_for(&server, &source, is_converted).await.unwrap();
    println!("{}", details["additional_details"]["transcode"]);

    // A browser needs half a minute to bring both together, and knows how far apart they are. That
    // is what is seen and heard: the times of the converted picture are right.
    let (offset, apart) = (offset(&converted), median(converted.apart.clone()));
    println!("a picture is seen {offset:.0} ms after its sound; the browser says {:.0} ms", -apart);
    assert!((offset + apart).abs() < 60.0, "{offset} {apart}");
    end(&mut browser, "viewer", &seen).await.unwrap();
    ffmpeg.stop().await.unwrap();
}
