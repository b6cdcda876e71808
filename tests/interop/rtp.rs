//! Encoders that send plain RTP: seen and heard by a viewer over WHEP, and told what is wrong.

use std::net::UdpSocket;

use rushes::demo::whip_client::WhipTarget;
use serde_json::{Value, json};

use crate::ffmpeg::{Ffmpeg, Version};
use crate::gstreamer::GStreamer;
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::publish::{PICTURE_TIMEOUT, picture_and_sound};
use crate::server::Server;
use crate::srt::AAC;

/// What an encoder is to be set to.
const PICTURE: [&str; 6] = ["-profile:v", "baseline", "-tune", "zerolatency", "-bf", "0"];
const OPUS: [&str; 6] = ["-c:a", "libopus", "-ar", "48000", "-ac", "2"];

/// A registered source, which sends from ports of the loopback.
pub(crate) struct Source {
    pub(crate) id: String,
    pub(crate) whep: WhipTarget,
    /// Where it sends to.
    to: String,
    video: u16,
    audio: u16,
}

/// Two ports with the one above each, which nobody has at the moment.
fn free_ports() -> Result<(u16, u16), Error> {
    let pair = || {
        for _ in 0..100 {
            let low = UdpSocket::bind("127.0.0.1:0")?;
            let port = low.local_addr()?.port();
            if let Some(above) = port.checked_add(1)
                && let Ok(high) = UdpSocket::bind(("127.0.0.1", above))
            {
                return Ok::<_, Error>((port, (low, high)));
            }
        }
        Err("there are no free ports".into())
    };
    // Both pairs are held until both are found.
    let (first, second) = (pair()?, pair()?);
    Ok((first.0, second.0))
}

pub(crate) async fn register(server: &Server) -> Result<Source, Error> {
    let (video, audio) = free_ports()?;
    let project = server.project("Encoder").await?;
    let new = json!({
        "project_id": project, "source_ip": "127.0.0.1", "video_port": video,
        "audio_port": audio, "asset_name": "Encoder",
    });
    server.api().call("/create/live/registration/raw", new).await?;
    let all =
        server.api().call("/list/live/registrations", json!({ "project_id": project })).await?;
    let (id, to) = (&all[0]["id"], &all[0]["registration_data"]);
    let (id, to) = (id.as_str().ok_or("no id")?, to.as_str().ok_or("no address")?);
    Ok(Source { id: id.to_owned(), whep: server.api().whep(id)?, to: to.to_owned(), video, audio })
}

/// Waits until what the server says of a source is as wanted.
pub(crate) async fn wait_for(
    server: &Server,
    source: &Source,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value, Error> {
    server.wait_for(&source.id, wanted).await
}

/// Its tracks are known, and what was measured of it, which is told once a second.
fn is_live(details: &Value) -> bool {
    let known = &details["additional_details"];
    details["status"] == "LIVE"
        && known["video"]["width"] == 640
        && !known["audio"].is_null()
        && codecs(details).len() == 2
        && codecs(details).iter().all(|codec| !codec.is_null())
}

pub(crate) fn codecs(details: &Value) -> Vec<Value> {
    let tracks = details["additional_details"]["rtp"]["tracks"].as_array();
    let mut codecs: Vec<Value> = tracks.into_iter().flatten().map(|t| t["codec"].clone()).collect();
    codecs.sort_by_key(Value::to_string);
    codecs
}

impl Source {
    /// The two outputs of ffmpeg, each from its own port.
    pub(crate) fn outputs(&self) -> [String; 2] {
        let to = |port: u16| format!("{}?localrtpport={port}&localrtcpport={}", self.to, port + 1);
        [to(self.video), to(self.audio)]
    }

    fn ffmpeg(&self, server: &Server, version: Version, sound: &[&str]) -> Result<Ffmpeg, Error> {
        let [video, audio] = self.outputs();
        Ffmpeg::send_rtp(version, [&video, &audio], server.folder(), &PICTURE, sound)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_over_rtp_with_aac_is_seen_and_heard_and_in_step() {
    let server = Server::start("rtpaac").await.unwrap();
    let source = register(&server).await.unwrap();
    let ffmpeg = source.ffmpeg(&server, Version::Debian, &AAC).unwrap();
    let live = wait_for(&server, &source, is_live).await.unwrap();
    assert_eq!((&live["type"], codecs(&live)), (&json!("RAW"), vec![json!("AAC"), json!("H.264")]));
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();
    viewer.close().await.unwrap();
    // ffmpeg sends reports from the ports above, to the port above.
    let in_step = |details: &Value| details["additional_details"]["rtp"]["synchronised"] == true;
    let details = wait_for(&server, &source, in_step).await.unwrap();
    let of = &details["additional_details"];
    assert_eq!((&of["problems"], &of["frames_lost"]), (&json!([]), &json!(0)), "{of}");
    ffmpeg.stop().await.unwrap();
    wait_for(&server, &source, |details| details["status"] == "WAITING").await.unwrap();
    // Unless it is told to, ffmpeg says no goodbye.
    assert!(server.log().contains("it is silent"), "{}", server.log());

    let goodbye = ["-rtpflags", "send_bye"];
    let [video, audio] = source.outputs();
    let (picture, sound) = ([&PICTURE[..], &goodbye].concat(), [&AAC[..], &goodbye].concat());
    let to = [video.as_str(), &audio];
    let folder = server.folder();
    let ffmpeg = Ffmpeg::send_rtp(Version::Debian, to, folder, &picture, &sound).unwrap();
    wait_for(&server, &source, is_live).await.unwrap();
    ffmpeg.stop().await.unwrap();
    wait_for(&server, &source, |details| details["status"] == "WAITING").await.unwrap();
    assert!(server.log().contains("it said goodbye"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_ffmpeg_over_rtp_with_opus_is_seen_and_heard() {
    let server = Server::start("rtpopus").await.unwrap();
    let source = register(&server).await.unwrap();
    let ffmpeg = source.ffmpeg(&server, Version::Ffmpeg8, &OPUS).unwrap();
    let live = wait_for(&server, &source, is_live).await.unwrap();
    assert_eq!(codecs(&live), [json!("H.264"), json!("Opus")]);
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();

    // It comes back, and those who watch see it go on.
    let before = viewer.stats().decoded;
    ffmpeg.stop().await.unwrap();
    let ffmpeg = source.ffmpeg(&server, Version::Ffmpeg9, &OPUS).unwrap();
    viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.decoded > before + 50).await.unwrap();
    viewer.close().await.unwrap();
    ffmpeg.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamers_payloaders_and_udpsink_are_seen_and_heard() {
    let server = Server::start("rtpgst").await.unwrap();
    let source = register(&server).await.unwrap();
    let (host, port) = source.to.trim_start_matches("rtp://").rsplit_once(':').unwrap();
    let (video, audio) = (source.video.to_string(), source.audio.to_string());
    let gstreamer = GStreamer::send_rtp([host, port, &video, &audio], server.folder()).unwrap();
    let live = wait_for(&server, &source, is_live).await.unwrap();
    // Both have the payload type 96.
    assert_eq!(codecs(&live), [json!("H.264"), json!("Opus")]);
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    let seen =
        |stats: &Stats| stats.decoded >= 30 && stats.key_frames >= 2 && stats.audio.packets >= 50;
    let stats = viewer.wait_for(PICTURE_TIMEOUT, seen).await.unwrap();
    assert_eq!((stats.width, stats.height), (640, 360));
    viewer.close().await.unwrap();
    let status = gstreamer.stop().await.unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transport_stream_over_rtp_is_seen_and_heard() {
    let server = Server::start("rtpts").await.unwrap();
    let source = register(&server).await.unwrap();
    let [to, _] = source.outputs();
    let ffmpeg =
        Ffmpeg::send_rtp_mpegts(Version::Debian, &to, server.folder(), &PICTURE, &AAC).unwrap();
    let is_live = |details: &Value| {
        let known = &details["additional_details"];
        details["status"] == "LIVE"
            && codecs(details) == [json!("MPEG-TS")]
            && !known["audio"].is_null()
    };
    wait_for(&server, &source, is_live).await.unwrap();
    let viewer = Viewer::watch(source.whep.clone()).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();
    viewer.close().await.unwrap();
    ffmpeg.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_shown_is_said_in_words() {
    let server = Server::start("rtpwords").await.unwrap();
    let source = register(&server).await.unwrap();
    let says = |word: &'static str| {
        move |details: &Value| {
            let problems = details["additional_details"]["problems"].as_array();
            let mut texts = problems.into_iter().flatten().filter_map(Value::as_str);
            texts.any(|text| text.contains(word))
        }
    };
    let pcmu = ["-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"];
    // Parameter sets in the SDP alone, which nobody here is given.
    let bare = [&PICTURE[..], &["-flags:v", "+global_header"]].concat();
    let [video, audio] = source.outputs();
    let ffmpeg =
        Ffmpeg::send_rtp(Version::Debian, [&video, &audio], server.folder(), &bare, &pcmu).unwrap();
    wait_for(&server, &source, says("PCMU")).await.unwrap();
    wait_for(&server, &source, says("SPS and PPS")).await.unwrap();
    ffmpeg.stop().await.unwrap();
}
