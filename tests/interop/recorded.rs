//! What encoders send, recorded, and decoded by ffmpeg and by a browser from the file that comes of it.

use std::process::Stdio;
use std::time::Duration;

use rushes::demo::{picture::Size, strip};
use serde_json::{Value, json};
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};

use crate::browser::{Browser, Kind};
use crate::ffmpeg::Version;
use crate::peer::Error;
use crate::publish::{PICTURE_TIMEOUT, live};
use crate::server::Server;
use crate::socket::Socket;
use crate::srt::{sending, wait_for};

/// Pictures that go out in another order than they are sent in, and key frames that others go back
/// beyond: what x265 does unless it is told otherwise.
const OPEN: [&str; 4] =
    ["-c:v", "libx265", "-x265-params", "bframes=3:b-adapt=0:open-gop=1:log-level=error"];
/// Frames of the clip that is sent over and over.
const LOOP: u32 = 100;
/// Frames that are recorded at least, 25 a second.
const ENOUGH: usize = 75;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The file of a recording, and where it is.
struct Recorded {
    bytes: Vec<u8>,
    url: String,
    /// What the server says of its codec.
    codec: Value,
}

/// Records a source for three seconds.
async fn record(server: &Server, id: &str) -> Result<Recorded, Error> {
    let mut socket = Socket::open(server.api()).await?;
    socket.ask("rushes/live/record", json!({ "id": id, "on": true })).await?;
    loop {
        let listed = socket.ask("rushes/live/recordings", json!({ "id": id })).await?;
        let recording = &listed["sources"][0]["recording"];
        if !recording["problem"].is_null() {
            return Err(recording.to_string().into());
        }
        if recording["duration_ms"].as_u64().is_some_and(|ms| ms >= ENOUGH as u64 * 40) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    socket.ask("rushes/live/record", json!({ "id": id, "on": false })).await?;
    let asset = loop {
        let told = socket.next().await?;
        if let Some(asset) = told["data"]["recorded_asset_id"].as_str() {
            break asset.to_owned();
        }
    };
    let file = server.api().call("/get/asset/file/primary", json!({ "id": asset })).await?;
    assert_eq!((&file["width"], &file["height"]), (&json!(640), &json!(360)));
    let url = file["url"].as_str().ok_or("the file has no address")?;
    let bytes = reqwest::get(url).await?.bytes().await?.to_vec();
    Ok(Recorded { bytes, url: url.to_owned(), codec: file["video_codec"].clone() })
}

/// Pictures in a file.
fn pictures(bytes: &[u8]) -> usize {
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: bytes });
    let mut count = 0;
    while let Ok(Some(sample)) = demuxer.next_sample() {
        count += usize::from(sample.track.kind == TrackKind::Video);
    }
    count
}

/// The numbers in the pictures of a file, in their order. It makes no error of any of them.
async fn numbers(server: &Server, file: &[u8]) -> Result<Vec<u32>, Error> {
    let path = server.folder().join("recorded.mp4");
    std::fs::write(&path, file)?;
    let decoded = tokio::process::Command::new(Version::Debian.find()?)
        // Below that it warns of frames at the very end that are decoded later than shown, and shows them.
        .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-i"])
        .arg(&path)
        .args([
            "-map",
            "0:v",
            "-fps_mode",
            "passthrough",
            "-pix_fmt",
            "gray",
            "-f",
            "rawvideo",
            "-",
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&decoded.stderr);
    assert!(decoded.status.success() && said.is_empty(), "{said}");
    let size = Size::new(640, 360)?;
    let pictures = decoded.stdout.chunks(640 * 360);
    let read = |picture: &[u8]| strip::read(picture, 640, size).map(|reading| reading.frame);
    pictures.map(|picture| read(picture).ok_or("a picture without its number".into())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h265_is_recorded_as_it_is_sent_with_every_frame_in_its_order() {
    let (server, source, ffmpeg) = sending("recorded", &[], &OPEN).await.unwrap();
    let is_h265 = |details: &Value| details["additional_details"]["video"]["codec"] == "H265";
    let details = wait_for(&server, &source, |details| {
        is_h265(details) && details["additional_details"]["video"]["b_frames"] == true
    });
    details.await.unwrap();

    let recorded = tokio::time::timeout(PICTURE_TIMEOUT, record(&server, &source.id));
    let Recorded { bytes: file, codec, .. } =
        recorded.await.expect("it is recorded in time").unwrap();
    assert!(file.windows(4).any(|four| four == b"hvc1") && codec == "hevc");
    let numbers = numbers(&server, &file).await.unwrap();
    assert!(numbers.len() >= ENOUGH, "{} frames", numbers.len());
    // Also at its end, wherever in a group of pictures that was.
    let ahead = |pair: &[u32]| (pair[1] + LOOP - pair[0]) % LOOP;
    assert!(numbers.windows(2).all(|pair| ahead(pair) == 1), "{numbers:?}");
    ffmpeg.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vp9_and_av1_of_chromium_are_recorded_and_chromium_plays_every_frame() {
    let server = Server::start("recordedbrowser").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    for (codec, entry) in [("VP9", b"vp09"), ("AV1", b"av01")] {
        let source = server.register(codec).await.unwrap();
        browser.publish("camera", &source.whip, codec).await.unwrap();
        live(&server, &source).await.unwrap();
        // It is of its full size, which it may not have at first.
        browser.watch("viewer", &source.whep).await.unwrap();
        let sees = "seen.seen.frames >= 30 && seen.seen.width === 640";
        browser.wait_for("viewer", PICTURE_TIMEOUT, sees).await.unwrap();
        assert_eq!(browser.close("viewer").await.unwrap(), 200);

        let recorded = tokio::time::timeout(PICTURE_TIMEOUT, record(&server, &source.id));
        let recorded = recorded.await.expect("it is recorded in time").unwrap();
        assert_eq!(browser.close("camera").await.unwrap(), 200);
        assert_eq!(recorded.codec, codec.to_lowercase());
        assert!(recorded.bytes.windows(4).any(|four| four == entry), "{codec}");
        let frames = pictures(&recorded.bytes);
        // A busy machine encodes fewer than the thirty a second that there are.
        assert!(frames >= 30, "{codec}: {frames} frames");
        // Once all of it, and half of it again.
        let played = browser.play(&recorded.url, PICTURE_TIMEOUT).await.unwrap();
        assert_eq!(played.decoded, frames, "{codec}: {played:?}");
        assert_eq!((played.width, played.height), (640, 360), "{codec}");
        assert!(played.duration >= 2.9, "{codec}: {played:?}");
    }
}
