//! Encoders that send over SRT: seen and heard, taken over, and refused.

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rushes::demo::strip::Source;
use serde_json::{Value, json};

use crate::browser::{Browser, Kind};
use crate::chromium::{PICTURE_AND_SOUND, end};
use crate::ffmpeg::{Ffmpeg, PIPE, Version};
use crate::peer::Error;
use crate::peer::srt::{SrtTarget, connect, publish};
use crate::peer::viewer::Viewer;
use crate::proxy::{Network, Proxy};
use crate::publish::{PICTURE_TIMEOUT, picture_and_sound};
use crate::server::{Server, SrtSource};

/// What an encoder is to be set to.
const PICTURE: [&str; 6] = ["-profile:v", "baseline", "-tune", "zerolatency", "-bf", "0"];
pub(crate) const AAC: [&str; 6] = ["-c:a", "aac", "-ar", "48000", "-ac", "2"];

async fn details(server: &Server, source: &SrtSource) -> Result<Value, Error> {
    server.api().call("/get/live/details", json!({ "id": source.id })).await
}

/// Waits until what the server says of a source is as wanted.
pub(crate) async fn wait_for(
    server: &Server,
    source: &SrtSource,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value, Error> {
    server.wait_for(&source.id, wanted).await
}

/// Its tracks are known, and what was measured of its connection, which is told once a second.
pub(crate) fn is_live(details: &Value) -> bool {
    let known = &details["additional_details"];
    details["status"] == "LIVE"
        && known["video"]["width"] == 640
        && !known["audio"].is_null()
        && !known["srt"].is_null()
}

/// Opens the source in Chromium: its frame counter goes on, and its tone is heard.
async fn seen_and_heard_in_chromium(server: &Server, source: &SrtSource) -> Result<(), Error> {
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await?;
    browser.watch("viewer", &source.whep).await?;
    let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await?;
    let pictures = seen.seen.clone().ok_or("nothing was presented")?;
    assert_eq!((pictures.width, pictures.height), (640, 360));
    let mut frames = Vec::new();
    for more in 1..=5 {
        let reading = browser.strip("viewer").await?.ok_or("the picture has no frame number")?;
        assert_eq!(reading.source, Source::ClipA);
        frames.push(reading.frame);
        let presented = format!("seen.seen.frames >= {}", pictures.frames + more * 10);
        browser.wait_for("viewer", PICTURE_TIMEOUT, &presented).await?;
    }
    // The clip is played in a loop, and may be at its beginning once.
    let back = frames.windows(2).filter(|pair| pair[1] <= pair[0]).count();
    assert!(back <= 1, "{frames:?}");
    // Its tone is of 330 Hz, with a beep of 1320 Hz at the start of each second.
    let heard = browser.tone("viewer").await?;
    assert!([330.0, 1320.0].iter().any(|tone| (heard - tone).abs() < 10.0), "{heard} Hz");
    end(&mut browser, "viewer", &seen).await
}

/// `srt-live-transmit` as a caller. It ends when this is dropped.
struct Transmit(Child);

impl Transmit {
    /// Sends what ffmpeg makes.
    fn start(ffmpeg: &mut Ffmpeg, url: &str) -> Result<Self, Error> {
        let child = Command::new("srt-live-transmit")
            .args(["-q", "file://con", url])
            .stdin(ffmpeg.output()?)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Ok(Self(child.map_err(|error| format!("srt-live-transmit: {error}; run `make tools`"))?))
    }
}

impl Drop for Transmit {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn send(server: &Server, url: &str) -> Result<Ffmpeg, Error> {
    Ffmpeg::send(Version::Debian, url, server.folder(), &PICTURE, &AAC)
}

/// Has ffmpeg send to a source, with what makes its picture.
pub(crate) fn send_picture(
    server: &Server,
    source: &SrtSource,
    video: &[&str],
) -> Result<Ffmpeg, Error> {
    Ffmpeg::send(Version::Debian, &source.url, server.folder(), video, &AAC)
}

/// A server that was started with these options, and a source that ffmpeg sends to.
pub(crate) async fn sending(
    test: &str,
    options: &[&str],
    video: &[&str],
) -> Result<(Server, SrtSource, Ffmpeg), Error> {
    let server = Server::start_smoothly(test, options).await?;
    let source = server.register_srt("Encoder").await?;
    let ffmpeg = send_picture(&server, &source, video)?;
    Ok((server, source, ffmpeg))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn srt_live_transmit_through_a_bad_network_is_seen_and_heard_in_chromium() {
    let server = Server::start("srtbad").await.unwrap();
    let source = server.register_srt("Encoder").await.unwrap();
    let port = source.url.split(['/', '?']).nth(2).unwrap();
    let outside = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = outside.local_addr().unwrap();
    // 2 % are lost, each way, and a round trip takes 40 ms.
    let network = Network::losing(2);
    network.delay(15);
    let _proxy = Proxy::start(outside, port.parse().unwrap(), network).unwrap();

    let folder = server.folder();
    let mut ffmpeg = Ffmpeg::send(Version::Debian, PIPE, folder, &PICTURE, &AAC).unwrap();
    let url = format!("{}&mode=caller&latency=250", source.url.replace(port, &address.to_string()));
    let transmit = Transmit::start(&mut ffmpeg, &url).unwrap();
    wait_for(&server, &source, is_live).await.unwrap();
    seen_and_heard_in_chromium(&server, &source).await.unwrap();
    let repaired = |details: &Value| {
        let srt = &details["additional_details"]["srt"];
        srt["lost"].as_u64() > Some(0) && srt["retransmitted"].as_u64() > Some(0)
    };
    let details = wait_for(&server, &source, repaired).await.unwrap();
    let of = &details["additional_details"];
    assert_eq!((&of["srt"]["latency"], &of["problems"]), (&json!(250), &json!([])));
    println!("{} frames were lost; {}", of["frames_lost"], of["srt"]);
    drop(transmit);
    wait_for(&server, &source, |details| details["status"] == "WAITING").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_over_srt_is_seen_and_heard_in_chromium() {
    let (server, source, ffmpeg) = sending("srt", &[], &PICTURE).await.unwrap();
    let live = wait_for(&server, &source, is_live).await.unwrap();
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();
    viewer.close().await.unwrap();

    seen_and_heard_in_chromium(&server, &source).await.unwrap();

    let of = |details: &Value| details["additional_details"].clone();
    assert_eq!(live["type"], "SRT");
    assert_eq!(of(&live)["problems"], json!([]));
    assert_eq!(of(&live)["stream_id"], json!(source.stream_id));
    let shown = live.to_string();
    assert!(!shown.contains(&source.passphrase), "the passphrase is shown once");
    let measured = |details: &Value| of(details)["srt"]["bitrate"].as_u64() > Some(50_000);
    let details = of(&wait_for(&server, &source, measured).await.unwrap());
    let srt = details["srt"].clone();
    // The address says no length of the key.
    assert!(!source.url.contains("pbkeylen"));
    assert_eq!((&srt["encryption"], &srt["dropped"]), (&json!(128), &json!(0)), "{srt}");
    assert!(srt["rtt"].as_f64().is_some_and(|rtt| rtt < 50.0), "{srt}");
    assert_eq!(srt.get("remote"), None, "where it is stands apart");
    let address = details["source_address"].as_str().unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    ffmpeg.stop().await.unwrap();
    wait_for(&server, &source, |details| details["status"] == "WAITING").await.unwrap();
}

/// What `examples/publish_srt.rs` does with what comes on its standard input.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn srt_tokio_as_in_the_example_is_seen_and_heard() {
    let server = Server::start("srttokio").await.unwrap();
    let source = server.register_srt("Encoder").await.unwrap();
    let mut ffmpeg = send(&server, PIPE).unwrap();
    let input = tokio::process::ChildStdout::from_std(ffmpeg.output().unwrap()).unwrap();
    let target: SrtTarget = source.url.parse().unwrap();
    let mut socket = connect(&target, Duration::from_millis(250)).await.unwrap();
    let publishing = tokio::spawn(async move {
        let bytes = publish(&mut socket, input, None).await?;
        socket.close_and_finish().await?;
        Ok::<_, Error>(bytes)
    });
    let details = wait_for(&server, &source, is_live).await.unwrap();
    let of = &details["additional_details"];
    let (srt, problems) = (&of["srt"], &of["problems"]);
    assert_eq!(
        (&srt["encryption"], &srt["latency"], problems),
        (&json!(128), &json!(250), &json!([]))
    );
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();
    viewer.close().await.unwrap();
    // It ends with what it reads.
    ffmpeg.stop().await.unwrap();
    let bytes = publishing.await.unwrap().unwrap();
    assert!(bytes > 0 && bytes.is_multiple_of(188), "{bytes} bytes");
    wait_for(&server, &source, |details| details["status"] == "WAITING").await.unwrap();

    // A wrong passphrase is refused, and it says so.
    let wrong = SrtTarget { passphrase: Some("not-the-right-one".to_owned()), ..target };
    assert!(connect(&wrong, Duration::from_millis(250)).await.is_err());
    assert!(server.log().contains("code=10"), "{}", server.log());
}

/// Another version, a longer key, the structured stream id, mono at 44.1 kHz.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_ffmpeg_with_aes_256_and_a_structured_stream_id_is_seen_and_heard() {
    let server = Server::start("srt8").await.unwrap();
    let source = server.register_srt("Encoder").await.unwrap();
    let host = source.url.split('?').next().unwrap();
    let form = format!("#!::r={},m=publish,u=operator", source.stream_id);
    let url = format!("{host}?streamid={form}&passphrase={}&pbkeylen=32", source.passphrase);
    let sound = ["-c:a", "aac", "-ar", "44100", "-ac", "1"];
    let ffmpeg = Ffmpeg::send(Version::Ffmpeg8, &url, server.folder(), &PICTURE, &sound).unwrap();
    let live = wait_for(&server, &source, is_live).await.unwrap();
    assert_eq!(live["additional_details"]["srt"]["encryption"], 256);
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();

    // Another caller of the same machine takes over, as an encoder does that dropped.
    let before = viewer.stats().decoded;
    let again =
        Ffmpeg::send(Version::Ffmpeg9, &source.url, server.folder(), &PICTURE, &AAC).unwrap();
    ffmpeg.fails().await.unwrap();
    viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.decoded > before + 50).await.unwrap();
    viewer.close().await.unwrap();

    // A source that is stopped lets nobody publish, until it is started again.
    let stop = json!({ "stream_uri": source.url });
    server.api().call("/stop/live/stream", stop).await.unwrap();
    again.fails().await.unwrap();
    let refused = send(&server, &source.url).unwrap().fails().await.unwrap();
    assert!(server.log().contains("1403"), "{refused}\n{}", server.log());
    let start = json!({ "stream_uri": source.url, "password": source.passphrase });
    let started = server.api().call("/start/live/stream", start).await.unwrap();
    assert!(started["connect_uri"].as_str().is_some_and(|uri| uri.starts_with("srt://")));
    let ffmpeg = send(&server, &source.url).unwrap();
    wait_for(&server, &source, is_live).await.unwrap();
    ffmpeg.stop().await.unwrap();
}

/// The channel of an Elemental Link sends as any encoder over SRT, and is switched on and off by
/// who may create it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_elemental_links_channel_is_seen_and_heard_and_stopped_and_started() {
    let server = Server::start("elemental").await.unwrap();
    let source = server.register_elemental("Link").await.unwrap();
    let ffmpeg = send(&server, &source.url).unwrap();
    let live = wait_for(&server, &source, is_live).await.unwrap();
    assert_eq!(live["type"], "ELEMENTALLINK");
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();
    viewer.close().await.unwrap();

    let stop = json!({ "stream_uri": source.url });
    server.api().call("/stop/live/stream", stop).await.unwrap();
    ffmpeg.fails().await.unwrap();
    let refused = send(&server, &source.url).unwrap().fails().await.unwrap();
    assert!(server.log().contains("1403"), "{refused}\n{}", server.log());
    let start = json!({ "stream_uri": source.id });
    let started = server.api().call("/start/live/stream", start).await.unwrap();
    assert!(source.url.starts_with(started["connect_uri"].as_str().unwrap()));
    let ffmpeg = send(&server, &source.url).unwrap();
    wait_for(&server, &source, is_live).await.unwrap();
    ffmpeg.stop().await.unwrap();
}

/// Whether what is wrong with a source is said with this word.
pub(crate) fn says(details: &Value, word: &str) -> bool {
    let problems = details["additional_details"]["problems"].as_array();
    let mut texts = problems.into_iter().flatten().filter_map(Value::as_str);
    texts.any(|text| text.contains(word))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_without_the_passphrase_or_with_an_unknown_stream_are_refused() {
    let server = Server::start("srtno").await.unwrap();
    let source = server.register_srt("Encoder").await.unwrap();
    let host = source.url.split('?').next().unwrap();
    let (id, right) = (&source.stream_id, &source.passphrase);
    let unknown = "0".repeat(32);
    for (query, code) in [
        (format!("streamid={id}"), 11),
        (format!("streamid={id}&passphrase=not-the-right-one"), 10),
        (format!("streamid={unknown}&passphrase={right}"), 1404),
        (format!("streamid=#!::r={id},m=request&passphrase={right}"), 1405),
        (format!("passphrase={right}"), 1404),
    ] {
        let before = server.log().matches(&format!("code={code}")).count();
        send(&server, &format!("{host}?{query}")).unwrap().fails().await.unwrap();
        let told = server.log().matches(&format!("code={code}")).count();
        assert!(told > before, "{query}:\n{}", server.log());
    }
    assert_eq!(details(&server, &source).await.unwrap()["status"], "WAITING");
    let log = server.log();
    assert!(!log.contains(right.as_str()), "the passphrase is not logged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_shown_is_said_in_words() {
    let server =
        Server::start_with("srtwords", &["--transcodes=0", "--ffmpeg=none"]).await.unwrap();
    let source = server.register_srt("Encoder").await.unwrap();
    let says = |word: &'static str| move |details: &Value| says(details, word);
    let b_frames = ["-profile:v", "main", "-bf", "2"];
    let mp2 = ["-c:a", "mp2", "-ar", "48000", "-ac", "2"];
    let folder = server.folder();
    let ffmpeg = Ffmpeg::send(Version::Debian, &source.url, folder, &b_frames, &mp2).unwrap();
    wait_for(&server, &source, says("B-frames")).await.unwrap();
    wait_for(&server, &source, says("--transcodes is 0")).await.unwrap();
    wait_for(&server, &source, says("MP2")).await.unwrap();
    ffmpeg.stop().await.unwrap();
    let low = ["-c:a", "aac", "-ar", "22050", "-ac", "2"];
    let ffmpeg = Ffmpeg::send(Version::Debian, &source.url, folder, &PICTURE, &low).unwrap();
    wait_for(&server, &source, says("HE-AAC")).await.unwrap();
    wait_for(&server, &source, says("when ffmpeg is installed")).await.unwrap();
    ffmpeg.stop().await.unwrap();
    let surround = ["-c:a", "aac", "-ar", "48000", "-ac", "6"];
    let ffmpeg = Ffmpeg::send(Version::Debian, &source.url, folder, &PICTURE, &surround).unwrap();
    let details = wait_for(&server, &source, says("more than two channels")).await.unwrap();
    assert!(says("when ffmpeg is installed")(&details) && !says("HE-AAC")(&details));
    ffmpeg.stop().await.unwrap();
}
