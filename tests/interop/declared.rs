//! Encoders that send over RTP what cannot be told from packets, declared by the SDP that they print: seen and
//! heard by a viewer over WHEP.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ffmpeg::{Ffmpeg, Version};
use crate::peer::Error;
use crate::publish::PICTURE_TIMEOUT;
use crate::rtp::{Source, codecs, register, wait_for};
use crate::server::Server;
use crate::socket::Socket;
use crate::surround::{assert_at_its_pitch, assert_mixed, heard, height, is_heard, tones};

/// How often a file is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What ffmpeg wrote of itself, once it is whole: the last line says how the sound is sent.
async fn description(path: &Path) -> Result<String, Error> {
    let written = async {
        loop {
            if let Ok(text) = std::fs::read_to_string(path)
                && text.contains("m=audio")
                && text.ends_with('\n')
            {
                return text;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let written = tokio::time::timeout(PICTURE_TIMEOUT, written).await;
    Ok(written.map_err(|_| "ffmpeg wrote no description")?)
}

/// Sends it, declares what ffmpeg says that it sends, and waits until it is heard. What the server understood
/// of the sound comes with it.
async fn send(
    server: &Server,
    source: &Source,
    input: &[&str],
    sound: &[&str],
) -> Result<(Ffmpeg, Value), Error> {
    let path = server.folder().join("source.sdp");
    // Not what was sent before.
    let _ = std::fs::remove_file(&path);
    let [video, audio] = source.outputs();
    let ffmpeg = Ffmpeg::send_rtp_sound([&video, &audio], server.folder(), input, sound, &path)?;
    let sdp = description(&path).await?;
    let mut socket = Socket::open(server.api()).await?;
    let wish = json!({ "id": source.id, "sdp": sdp });
    let told = socket.ask("rushes/live/declare", wish).await?;
    assert_eq!(told["declared"]["video"]["parameter_sets"], true, "{told}");
    // Nothing of it could be shown before.
    let details = wait_for(server, source, |details| {
        is_heard(details) && details["additional_details"]["video"]["width"] == 320
    })
    .await?;
    assert_eq!(details["additional_details"]["declared"], told["declared"]);
    assert!(codecs(&details).iter().all(|codec| !codec.is_null()), "{details}");
    Ok((ffmpeg, told["declared"]["audio"].clone()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn samples_are_heard_as_they_are_declared() {
    let server = Server::start("declaredpcm").await.unwrap();
    let source = register(&server).await.unwrap();
    let stereo = "aevalsrc=0.2*sin(2*PI*300*t)|0.1*sin(2*PI*500*t):c=stereo:s=48000";
    for (format, rate, name) in
        [("pcm_s16be", 48_000, "L16"), ("pcm_s24be", 44_100, "L24"), ("pcm_mulaw", 8_000, "PCMU")]
    {
        let rate_text = rate.to_string();
        let how = ["-c:a", format, "-ar", &rate_text];
        let input = ["-f", "lavfi", "-i", stereo];
        let (ffmpeg, told) = send(&server, &source, &input, &how).await.unwrap();
        assert_eq!((&told["encoding_name"], &told["sample_rate"]), (&json!(name), &json!(rate)));
        let [left, right] = heard(&source.whep).await.unwrap();
        for (samples, on, off, wanted) in [(left, 300.0, 500.0, 0.2), (right, 500.0, 300.0, 0.1)] {
            let got = (height(&samples, on), height(&samples, off));
            println!("{name}: {:.4} of {on} Hz, {:.4} of {off} Hz", got.0, got.1);
            assert!((got.0 - wanted).abs() < 0.1 * wanted && got.1 < 0.01, "{name}: {got:?}");
        }
        ffmpeg.stop().await.unwrap();
        wait_for(&server, &source, |details| details["status"] == "WAITING").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_and_one_channels_are_heard_in_two() {
    let server = Server::start("declared51").await.unwrap();
    let source = register(&server).await.unwrap();
    let tones = tones();
    let input = ["-f", "lavfi", "-i", tones.as_str()];
    let aac = ["-c:a", "aac", "-b:a", "384k", "-aac_coder", "fast"];
    let latm = [&aac[..], &["-flags:a", "+global_header", "-rtpflags", "latm"]].concat();
    for (how, name) in
        [(&aac[..], "mpeg4-generic"), (&latm, "MP4A-LATM"), (&["-c:a", "pcm_s24be"], "L24")]
    {
        let (ffmpeg, told) = send(&server, &source, &input, how).await.unwrap();
        assert_eq!((&told["encoding_name"], &told["channels"]), (&json!(name), &json!(6)));
        let [left, right] = heard(&source.whep).await.unwrap();
        assert_mixed(&left, &right);
        ffmpeg.stop().await.unwrap();
        wait_for(&server, &source, |details| details["status"] == "WAITING").await.unwrap();
    }
}

/// A clip of AAC in a file that has its configuration once, as RTP needs it.
fn with_configuration(name: &str, folder: &Path) -> Result<PathBuf, Error> {
    let clip = format!("{}/media/tests/aac/{name}.aac", env!("CARGO_MANIFEST_DIR"));
    let file = folder.join(format!("{name}.m4a"));
    let made = Command::new(Version::Debian.find()?)
        .args(["-hide_banner", "-loglevel", "error", "-y", "-i", &clip])
        .args(["-c", "copy", "-bsf:a", "aac_adtstoasc"])
        .arg(&file)
        .status()?;
    if made.success() { Ok(file) } else { Err(format!("ffmpeg: {made}").into()) }
}

/// ffmpeg says HE-AAC as AAC-LC of half the rate, and in LATM as AAC-LC of the rate that is played.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn high_efficiency_aac_is_heard_at_its_pitch_over_rtp() {
    let server = Server::start("declaredhe").await.unwrap();
    let source = register(&server).await.unwrap();
    for name in ["he-44100", "he2-48000"] {
        let file = with_configuration(name, server.folder()).unwrap();
        let input = ["-stream_loop", "-1", "-i", file.to_str().unwrap()];
        for how in [&["-c:a", "copy"][..], &["-c:a", "copy", "-rtpflags", "latm"]] {
            let (ffmpeg, told) = send(&server, &source, &input, how).await.unwrap();
            let [left, right] = heard(&source.whep).await.unwrap();
            println!("{told}");
            assert_at_its_pitch(name, [&left, &right]);
            ffmpeg.stop().await.unwrap();
            wait_for(&server, &source, |details| details["status"] == "WAITING").await.unwrap();
        }
    }
}
