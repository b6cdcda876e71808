//! Where ffmpeg's sender reports put its sound, with nothing of ours in between: what of the time between picture
//! and sound is the encoder's doing.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::ffmpeg::Ffmpeg;
use crate::peer::Error;
use crate::publish::PICTURE_TIMEOUT;
use crate::server::Turn;
use crate::srt::AAC;

/// Samples that ffmpeg's encoder of AAC puts before the sound, and those in a second.
const BEFORE: f64 = 1024.0;
const RATE: f64 = 48_000.0;
const VIDEO_CLOCK: f64 = 90_000.0;

/// What came of a track: the timestamp of its first packet, and the wall clock and the timestamp of its first report.
#[derive(Default)]
struct Track {
    first: Option<u32>,
    report: Option<(f64, u32)>,
}

impl Track {
    /// The wall clock at which the time was 0 that the track's source has, whose first packet is of `first` seconds.
    fn zero(&self, clock: f64, first: f64) -> Option<f64> {
        let (wall, timestamp) = self.report?;
        let since = f64::from(timestamp.wrapping_sub(self.first?) as i32) / clock;
        Some(wall - since - first)
    }
}

fn word(packet: &[u8], at: usize) -> Option<u32> {
    let bytes = packet.get(at..at + 4)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}

/// Takes what has come to the sockets: packets of the picture, its reports, packets of the sound, its reports.
fn receive(sockets: &[UdpSocket; 4], tracks: &mut [Track; 2]) {
    let mut packet = [0; 2048];
    for (number, socket) in sockets.iter().enumerate() {
        while let Ok(length) = socket.recv(&mut packet) {
            let (packet, track) = (&packet[..length], &mut tracks[number / 2]);
            let is_report = number % 2 == 1;
            if !is_report {
                track.first = track.first.or(word(packet, 4));
            } else if packet.get(1) == Some(&200)
                && let (Some(seconds), Some(part), Some(timestamp)) =
                    (word(packet, 8), word(packet, 12), word(packet, 16))
            {
                let wall = f64::from(seconds) + f64::from(part) / 4_294_967_296.0;
                track.report = track.report.or(Some((wall, timestamp)));
            }
        }
    }
}

/// By how many seconds the reports put the sound later than the picture of its moment.
async fn late(extra: &[&str]) -> Result<f64, Error> {
    let folder = tempfile::tempdir()?;
    let sockets = [(); 4].map(|()| UdpSocket::bind("127.0.0.1:0"));
    let [a, b, c, d] = sockets;
    let sockets = [a?, b?, c?, d?];
    let mut ports = [0; 4];
    for (port, socket) in ports.iter_mut().zip(&sockets) {
        socket.set_nonblocking(true)?;
        *port = socket.local_addr().as_ref().map(SocketAddr::port).unwrap_or_default();
    }
    let [video, video_reports, audio, audio_reports] = ports;
    let url = |port: u16, reports: u16| format!("rtp://127.0.0.1:{port}?rtcpport={reports}");
    let to = [url(video, video_reports), url(audio, audio_reports)];
    let sound = [&AAC[..], extra].concat();
    let input = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];
    let sdp = folder.path().join("source.sdp");
    let ffmpeg = Ffmpeg::send_rtp_sound([&to[0], &to[1]], folder.path(), &input, &sound, &sdp)?;
    let mut tracks = [Track::default(), Track::default()];
    let deadline = Instant::now() + PICTURE_TIMEOUT;
    let late = loop {
        receive(&sockets, &mut tracks);
        let [video, audio] = &tracks;
        // The first packet of the picture is of 0; that of the sound, of before.
        let zeros = (video.zero(VIDEO_CLOCK, 0.0), audio.zero(RATE, -BEFORE / RATE));
        if let (Some(picture), Some(sound)) = zeros {
            break sound - picture;
        }
        if Instant::now() > deadline {
            return Err("ffmpeg sent no reports of both".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    ffmpeg.stop().await?;
    Ok(late)
}

/// The muxer of an output moves all of it until no timestamp is negative. With an output for each track that is the sound
/// alone, by what its encoder puts before it; in a transport stream it would be both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_says_of_aac_that_it_is_later_than_it_is_unless_it_is_told_not_to() {
    // Each output says when it began; that of the sound is later by what starting it takes. Alone, for that is
    // long on a busy machine.
    let _turn = Turn::alone().await;
    let (moved, not_moved) =
        (least(&[]).await.unwrap(), least(&["-avoid_negative_ts", "disabled"]).await.unwrap());
    let ms = |seconds: f64| seconds * 1000.0;
    println!("the sound is said to be late by {:.1} ms, or {:.1} ms", ms(moved), ms(not_moved));
    let before = BEFORE / RATE;
    assert!((moved - before).abs() < 0.01, "{moved}");
    assert!(not_moved.abs() < 0.01, "{not_moved}");
}

/// The least of a few.
async fn least(extra: &[&str]) -> Result<f64, Error> {
    let mut least = f64::MAX;
    for _ in 0..3 {
        least = least.min(late(extra).await?);
    }
    Ok(least)
}
