//! VP8, VP9 and AV1: those who take them get them as they were sent, and others get them converted, or
//! hear why not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::{Browser, Kind};
use crate::chromium::{PICTURE_AND_SOUND, end};
use crate::h265::{asked, transcode};
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::publish::PICTURE_TIMEOUT;
use crate::server::{Registered, Server};
use crate::simulcast::LAYERS;
use crate::srt::says;

/// A colour in JavaScript, and as a viewer decodes it (ITU-R BT.601): Y, U, V.
type Colour = (&'static str, [u8; 3]);
const RED: Colour = ("#f00", [82, 90, 240]);
const GREEN: Colour = ("#0f0", [145, 54, 34]);
const BLUE: Colour = ("#00f", [41, 240, 110]);
const WHITE: Colour = ("#fff", [235, 128, 128]);
/// Browsers may take the matrix of BT.709 and all of the range instead, which is off by less than this.
const NEAR: u8 = 45;

fn is(details: &Value, codec: &str, state: &str) -> bool {
    let known = &details["additional_details"];
    known["video"]["codec"] == codec && known["transcode"]["state"] == state
}

/// Chromium publishes a picture whose quarters have these colours as the peer `name`.
async fn publish(
    browser: &mut Browser,
    name: &str,
    (source, codec): (&Registered, &str),
    colours: [Colour; 4],
) -> Result<(), Error> {
    browser.publish(name, &source.whip, codec).await?;
    let colours = colours.map(|(colour, _)| colour);
    // A canvas that nothing is drawn on gives no pictures.
    let script = format!(
        "(async () => {{
            const canvas = Object.assign(document.createElement('canvas'), {{ width: 640, height: 360 }});
            const context = canvas.getContext('2d');
            const draw = () => {colours:?}.forEach((colour, n) => {{
                context.fillStyle = colour;
                context.fillRect(320 * (n % 2), 180 * (n >> 1), 320, 180);
            }});
            draw();
            setInterval(draw, 40);
            const [track] = canvas.captureStream(25).getTracks();
            const senders = rushes.peers['{name}'].connection.getSenders();
            await senders.find((sender) => sender.track.kind === 'video').replaceTrack(track);
            return null;
        }})()"
    );
    browser.evaluate(&script, Duration::ZERO).await.map(drop)
}

/// Whether a viewer sees these colours.
fn sees(stats: &Stats, colours: [Colour; 4]) -> bool {
    let near = |seen: [u8; 3], wanted: [u8; 3]| {
        seen.iter().zip(wanted).all(|(seen, wanted)| seen.abs_diff(wanted) < NEAR)
    };
    stats.quarters.iter().zip(colours).all(|(seen, (_, wanted))| near(*seen, wanted))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_take_h264_alone_get_vp8_vp9_and_av1_converted() {
    let server = Server::start("beside").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let colours = [RED, GREEN, BLUE, WHITE];
    for codec in ["VP8", "VP9", "AV1"] {
        let source = server.register(codec).await.unwrap();
        publish(&mut browser, "camera", (&source, codec), colours).await.unwrap();
        server.wait_for(&source.id, |details| is(details, codec, "READY")).await.unwrap();
        // One who takes it, and does not notice what is done for others.
        browser.watch("taker", &source.whep).await.unwrap();
        browser.wait_for("taker", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();

        let viewer = Viewer::watch_h264(source.whep.clone()).await.unwrap();
        let seen = |stats: &Stats| {
            stats.decoded >= 60 && stats.audio.packets >= 50 && sees(stats, colours)
        };
        let stats = viewer.wait_for(PICTURE_TIMEOUT, seen).await.unwrap();
        println!("{codec}: {:?}", stats.quarters);
        assert_eq!(stats.video.codec.as_deref(), Some("video/H264"));
        assert_eq!((stats.width, stats.height, stats.video.missing), (640, 360, 0));
        let runs =
            |details: &Value| is(details, codec, "RUNNING") && transcode(details)["viewers"] == 1;
        let details = server.wait_for(&source.id, runs).await.unwrap();
        let told = transcode(&details);
        println!("{told}");
        assert_eq!(told["cause"], codec);
        assert_eq!(details["additional_details"]["problems"], json!([]));

        let seen = browser.wait_for("taker", PICTURE_TIMEOUT, "true").await.unwrap();
        let played = seen.video.clone().and_then(|video| video.codec);
        assert_eq!(played, Some(format!("video/{codec}")));
        end(&mut browser, "taker", &seen).await.unwrap();
        viewer.close().await.unwrap();
        assert_eq!(browser.close("camera").await.unwrap(), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_of_h264_stays_whatever_the_source_changes_to() {
    let server = Server::start("besidechange").await.unwrap();
    let source = server.register("Camera").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let mut viewer = None;
    for (codec, colours) in [
        ("VP8", [RED, GREEN, BLUE, WHITE]),
        ("AV1", [GREEN, BLUE, WHITE, RED]),
        ("H264", [BLUE, WHITE, RED, GREEN]),
        ("VP9", [WHITE, RED, GREEN, BLUE]),
    ] {
        // Each takes over from the one before.
        publish(&mut browser, codec, (&source, codec), colours).await.unwrap();
        if viewer.is_none() {
            server.wait_for(&source.id, |details| is(details, codec, "READY")).await.unwrap();
            viewer = Some(Viewer::watch_h264(source.whep.clone()).await.unwrap());
        }
        let viewer = viewer.as_ref().expect("it was just begun");
        let before = viewer.stats().decoded;
        let seen = |stats: &Stats| stats.decoded >= before + 30 && sees(stats, colours);
        let stats = viewer.wait_for(PICTURE_TIMEOUT, seen).await.unwrap();
        println!("{codec}: {:?}", stats.quarters);
        assert_eq!(stats.video.codec.as_deref(), Some("video/H264"));
    }
    viewer.expect("there were publishers").close().await.unwrap();
    assert_eq!(browser.close("VP9").await.unwrap(), 200);
}

/// Of spatial layers in one stream (SVC) the lowest is converted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_spatial_layers_the_lowest_is_converted() {
    let server = Server::start("besidesvc").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    for codec in ["VP9", "AV1"] {
        let source = server.register(codec).await.unwrap();
        let layers = "[{ scalabilityMode: 'L2T1_KEY' }]";
        browser.publish_layers("camera", &source.whip, (codec, layers)).await.unwrap();
        let ready = |details: &Value| {
            is(details, codec, "READY") && details["additional_details"]["video"]["width"] == 1280
        };
        server.wait_for(&source.id, ready).await.unwrap();
        let viewer = Viewer::watch_h264(source.whep.clone()).await.unwrap();
        let seen = |stats: &Stats| stats.decoded >= 30;
        let stats = viewer.wait_for(PICTURE_TIMEOUT, seen).await.unwrap();
        assert_eq!((stats.width, stats.height), (640, 360), "{codec}");
        viewer.close().await.unwrap();
        assert_eq!(browser.close("camera").await.unwrap(), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_they_are_not_converted_others_hear_why() {
    let server = Server::start_with("besideno", &["--ffmpeg=none"]).await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    for (codec, problem) in [("VP8", None), ("VP9", None), ("AV1", Some("ffmpeg is installed"))] {
        let source = server.register(codec).await.unwrap();
        browser.publish("camera", &source.whip, codec).await.unwrap();
        let refused = |details: &Value| is(details, codec, "REFUSED");
        let details = server.wait_for(&source.id, refused).await.unwrap();
        match problem {
            Some(problem) => assert!(says(&details, problem) && says(&details, codec), "{details}"),
            // All browsers take it.
            None => assert_eq!(details["additional_details"]["problems"], json!([])),
        }
        let (status, refused) = asked(&source.whep).await.unwrap();
        let told = format!(
            "the stream's video is {codec}, which the offer does not take, and it is not converted: \
             this server has no ffmpeg, which a picture that is not H.264 needs"
        );
        assert_eq!((status, refused["detail"].as_str()), (422, Some(told.as_str())), "{refused}");

        browser.watch("taker", &source.whep).await.unwrap();
        let seen = browser.wait_for("taker", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
        end(&mut browser, "taker", &seen).await.unwrap();
        assert_eq!(browser.close("camera").await.unwrap(), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_simulcast_nothing_is_converted() {
    let server = Server::start("besidelayers").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let source = server.register("VP8").await.unwrap();
    browser.publish_layers("camera", &source.whip, ("VP8", LAYERS)).await.unwrap();
    let refused = |details: &Value| is(details, "VP8", "REFUSED");
    let details = server.wait_for(&source.id, refused).await.unwrap();
    assert_eq!(details["additional_details"]["problems"], json!([]));
    let (status, refused) = asked(&source.whep).await.unwrap();
    let told = refused["detail"].as_str().unwrap_or_default();
    assert!(status == 422 && told.ends_with("it comes in several layers"), "{refused}");
    assert_eq!(browser.close("camera").await.unwrap(), 200);
}
