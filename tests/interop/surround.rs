//! Sound that ffmpeg decodes for the server: 5.1 and HE-AAC over SRT, as a viewer hears it.

use std::f64::consts::{SQRT_2, TAU};
use std::time::Instant;

use rushes::demo::whip_client::WhipTarget;
use serde_json::{Value, json};

use crate::browser::{Browser, Kind};
use crate::chromium::{PICTURE_AND_SOUND, end};
use crate::ffmpeg::{Ffmpeg, Version};
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::publish::PICTURE_TIMEOUT;
use crate::server::{Place, Server, SrtSource, Turn};
use crate::srt::wait_for;
use crate::transcode::{SETTLED, median, offset};

const RATE: usize = 48_000;
/// Samples of a packet.
const PACKET: usize = 960;
/// Packets that are listened to, without the first second.
const PACKETS: usize = 250;

/// What a viewer hears on the left and on the right, in four seconds.
pub(crate) async fn heard(whep: &WhipTarget) -> Result<[Vec<f32>; 2], Error> {
    let viewer = Viewer::watch(whep.clone()).await?;
    let enough = |stats: &Stats| stats.sound.len() >= PACKETS;
    let stats = viewer.wait_for(PICTURE_TIMEOUT, enough).await?;
    viewer.close().await?;
    assert_eq!(stats.audio.missing, 0);
    let mut decoder = opus::Decoder::new(RATE as u32, opus::Channels::Stereo)?;
    let mut samples = [Vec::new(), Vec::new()];
    for packet in &stats.sound {
        let mut pcm = [0.0f32; 2 * PACKET];
        assert_eq!(decoder.decode_float(packet, &mut pcm, false)?, PACKET);
        for both in pcm.chunks(2) {
            samples[0].push(both[0]);
            samples[1].push(both[1]);
        }
    }
    Ok(samples.map(|all| all[RATE..5 * RATE].to_vec()))
}

/// The height of a tone in samples.
pub(crate) fn height(samples: &[f32], hertz: f64) -> f64 {
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (number, sample) in samples.iter().enumerate() {
        let angle = TAU * hertz * number as f64 / RATE as f64;
        sine += f64::from(*sample) * angle.sin();
        cosine += f64::from(*sample) * angle.cos();
    }
    2.0 * (sine * sine + cosine * cosine).sqrt() / samples.len() as f64
}

pub(crate) fn is_heard(details: &Value) -> bool {
    let of = &details["additional_details"];
    details["status"] == "LIVE" && !of["audio"].is_null() && of["problems"] == json!([])
}

/// Front left and right, front centre, low frequencies, behind on the left and on the right.
const TONES: [f64; 6] = [300.0, 500.0, 700.0, 60.0, 1_100.0, 1_300.0];

/// A tone of its own in each of 5.1 channels, as ffmpeg makes it.
pub(crate) fn tones() -> String {
    let tones = TONES.map(|hertz| format!("0.2*sin(2*PI*{hertz}*t)"));
    format!("aevalsrc={}:c=5.1:s=48000", tones.join("|"))
}

async fn with_a_source(name: &str) -> Result<(Server, SrtSource), Error> {
    let server = Server::start_smoothly(name, &[]).await?;
    let source = server.register_srt("Encoder").await?;
    Ok((server, source))
}

/// Sends this sound of ffmpeg's making as AAC, with a picture of one colour.
fn send(server: &Server, source: &SrtSource, sound: &str, colour: &str) -> Result<Ffmpeg, Error> {
    let input = ["-f", "lavfi", "-i", sound];
    let aac = ["-c:a", "aac", "-b:a", "384k", "-aac_coder", "fast"];
    Ffmpeg::send_sound(&source.url, server.folder(), colour, &input, &aac)
}

/// Holds those tones, mixed to two channels, to what they should be.
pub(crate) fn assert_mixed(left: &[f32], right: &[f32]) {
    // All channels at their loudest are as loud as may be; what is in the middle or behind is 3 dB below.
    let front = 0.2 / (1.0 + SQRT_2);
    let half = front / SQRT_2;
    for (hertz, on_left, on_right) in [
        (300.0, front, 0.0),
        (500.0, 0.0, front),
        (700.0, half, half),
        (60.0, 0.0, 0.0),
        (1_100.0, half, 0.0),
        (1_300.0, 0.0, half),
    ] {
        let got = [left, right].map(|samples| height(samples, hertz));
        let near = |got: f64, wanted: f64| (got - wanted).abs() < 0.08 * front;
        assert!(near(got[0], on_left) && near(got[1], on_right), "{hertz} Hz: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_channel_of_five_and_one_is_heard_in_two_as_loud_as_it_should() {
    let (server, source) = with_a_source("surround").await.unwrap();
    let ffmpeg = send(&server, &source, &tones(), "blue").unwrap();
    wait_for(&server, &source, is_heard).await.unwrap();
    let [left, right] = heard(&source.whep).await.unwrap();
    assert_mixed(&left, &right);
    ffmpeg.stop().await.unwrap();
}

/// Holds the sound of the clips of HE-AAC to what it should be.
pub(crate) fn assert_at_its_pitch(name: &str, [left, right]: [&[f32]; 2]) {
    // Between the end of the clip and its beginning there is a break, so parts of a second count.
    let loud = |samples: &[f32], hertz| {
        let parts = samples.chunks(RATE / 5).map(|part| height(part, hertz));
        median(parts.collect())
    };
    let [on_left, on_right] = [left, right].map(|samples| loud(samples, 440.0));
    let heard = format!("{name}: {on_left:.3} on the left, {on_right:.3} on the right");
    assert!((on_left - 0.4).abs() < 0.05 && (on_right - 0.2).abs() < 0.04, "{heard}");
    assert!(loud(left, 220.0) < 0.02 && loud(left, 880.0) < 0.02);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn high_efficiency_aac_is_heard_at_its_pitch() {
    let (server, source) = with_a_source("heaac").await.unwrap();
    let clips = concat!(env!("CARGO_MANIFEST_DIR"), "/media/tests/aac/");
    for name in ["he-44100.aac", "he2-48000.aac"] {
        let file = format!("{clips}{name}");
        let input = ["-stream_loop", "-1", "-i", &file];
        let copied = ["-c:a", "copy"];
        let ffmpeg =
            Ffmpeg::send_sound(&source.url, server.folder(), "green", &input, &copied).unwrap();
        wait_for(&server, &source, is_heard).await.unwrap();
        let [left, right] = heard(&source.whep).await.unwrap();
        assert_at_its_pitch(name, [&left, &right]);
        ffmpeg.stop().await.unwrap();
        wait_for(&server, &source, |details| details["status"] == "WAITING").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_and_one_channels_are_in_step_with_their_picture() {
    let (server, source) = with_a_source("surroundstep").await.unwrap();
    let picture = ["-profile:v", "baseline", "-tune", "zerolatency", "-bf", "0"];
    let sound = ["-c:a", "aac", "-ar", "48000", "-ac", "6", "-b:a", "384k"];
    let folder = server.folder();
    let ffmpeg = Ffmpeg::send(Version::Debian, &source.url, folder, &picture, &sound).unwrap();
    wait_for(&server, &source, is_heard).await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    // Both come together with their picture meanwhile, and one is measured after the other.
    browser.watch("opus", &source.whep).await.unwrap();
    browser.watch_six("multiopus", &source.whep, "0,1,4,5,2,3").await.unwrap();
    for codec in ["opus", "multiopus"] {
        let seen = browser.wait_for(codec, PICTURE_TIMEOUT, &plays(codec)).await.unwrap();
        browser.wait_for(codec, PICTURE_TIMEOUT, SETTLED).await.unwrap();
        let lips = browser.lips(codec, 300, 1320).await.unwrap();
        // What the browser holds one of them back by is known to it; the rest is ours.
        let (offset, apart) = (offset(&lips), median(lips.apart.clone()));
        println!(
            "{codec}: a picture is seen {offset:.0} ms after its sound; the browser says {:.0} ms",
            -apart
        );
        assert!((offset + apart).abs() < 60.0, "{codec}: {offset} {apart}");
        end(&mut browser, codec, &seen).await.unwrap();
    }
    ffmpeg.stop().await.unwrap();
}

/// What the browser calls the sound, and what of it has come.
fn plays(codec: &str) -> String {
    format!("seen.audio?.codec === 'audio/{codec}' && ({PICTURE_AND_SOUND})")
}

/// Each channel has its own tone, and nothing of the others.
fn assert_in_six(heights: &[Vec<f64>], order: [usize; 6]) {
    assert_eq!(heights.len(), 6, "{heights:?}");
    for (channel, tone) in heights.iter().zip(order) {
        for (other, height) in channel.iter().enumerate() {
            let wanted = if other == tone { 0.2 } else { 0.0 };
            assert!((height - wanted).abs() < 0.03, "{} Hz: {heights:?}", TONES[other]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_hears_six_channels_of_six_while_others_hear_two() {
    // Alone, for what a busy browser is too late for is not heard, and it is measured how loud it is.
    let turn = Turn::alone().await;
    let server = Server::start_at("multiopus", &Place::loopback(), turn).await.unwrap();
    let source = server.register_srt("Encoder").await.unwrap();
    let ffmpeg = send(&server, &source, &tones(), "blue").unwrap();
    wait_for(&server, &source, is_heard).await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    // In the browser's order, and in that of RFC 7845, whose second channel is the centre.
    let orders =
        [("six", "0,1,4,5,2,3", [0, 1, 2, 3, 4, 5]), ("vorbis", "0,4,1,2,3,5", [0, 2, 1, 4, 5, 3])];
    for (name, mapping, order) in orders {
        browser.watch_six(name, &source.whep, mapping).await.unwrap();
        browser.wait_for(name, PICTURE_TIMEOUT, &plays("multiopus")).await.unwrap();
        let decoded = browser.channels(name, &TONES).await.unwrap();
        println!("{name}: {decoded:?}");
        assert_in_six(&decoded, order);
    }
    // Web Audio mixes them to two, which shows what it takes each of them for.
    let audible = browser.audible("six", &TONES).await.unwrap();
    println!("Web Audio: {audible:?}");
    let on = |side: usize| audible[side].iter().map(|height| *height > 0.1).collect::<Vec<_>>();
    assert_eq!(on(0), [true, false, true, true, true, false]);
    assert_eq!(on(1), [false, true, true, true, false, true]);
    // At the same time, of the same source.
    browser.watch("two", &source.whep).await.unwrap();
    browser.wait_for("two", PICTURE_TIMEOUT, &plays("opus")).await.unwrap();
    let [left, right] = heard(&source.whep).await.unwrap();
    assert_mixed(&left, &right);
    ffmpeg.stop().await.unwrap();

    // It comes back in stereo: who had six channels goes on with what there is, in the same session.
    let tones = format!("aevalsrc=0.2*sin(2*PI*{}*t)|0.2*sin(2*PI*{}*t):c=stereo", 900, 1_700);
    let ffmpeg = send(&server, &source, &tones, "green").unwrap();
    browser.wait_for("six", PICTURE_TIMEOUT, "seen.audio?.codec === 'audio/opus'").await.unwrap();
    // At first the gap between the two may still be in it.
    let until = Instant::now() + PICTURE_TIMEOUT;
    loop {
        let heights = browser.channels("six", &[900.0, 1_700.0]).await.unwrap();
        println!("stereo: {heights:?}");
        let near = |(got, wanted): (&f64, &f64)| (got - wanted).abs() < 0.03;
        let is = |(got, wanted): (&Vec<f64>, &[f64; 2])| got.iter().zip(wanted).all(near);
        if heights.len() == 2 && heights.iter().zip(&[[0.2, 0.0], [0.0, 0.2]]).all(is) {
            break;
        }
        assert!(Instant::now() < until, "{heights:?}");
    }
    ffmpeg.stop().await.unwrap();
    let seen = browser.wait_for("six", PICTURE_TIMEOUT, PICTURE_AND_SOUND).await.unwrap();
    end(&mut browser, "six", &seen).await.unwrap();
}
