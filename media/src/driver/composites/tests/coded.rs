//! Sources of VP8, VP9 and AV1, which ffmpeg decodes.

use std::process::Command as Program;

use super::*;
use crate::coded::tests::clips::{AV1, Clip, VP8, VP9};
use crate::rtp::inspect;

const CLIPS: [Clip; 3] = [VP8, VP9, AV1];
/// Columns and rows of the pictures.
const SIDE: usize = 64;

/// Sends the ten frames again and again until it is aborted.
fn shoot_coded(media: &Media, stream: StreamId, clip: Clip) -> JoinHandle<()> {
    let (codec, frames) = (clip.coding.codec(), clip.frames());
    let mut seq = 0;
    publish(media, stream, codec, move |number| {
        let payloads = &frames[number as usize % frames.len()];
        let packets = payloads.iter().map(|(marker, payload)| {
            seq += 1;
            Packet {
                codec,
                layer: 0,
                seq,
                timestamp: number as u32 * 3_600,
                marker: *marker,
                inspection: inspect(codec, payload),
                payload: payload.as_slice().into(),
                captured: Instant::now(),
            }
        });
        packets.collect()
    })
}

/// The luma of all pictures, as ffmpeg decodes them from a file.
fn luma(clip: Clip) -> Vec<Vec<u8>> {
    let decoded = Program::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(clip.path())
        .args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"])
        .output()
        .unwrap();
    assert!(decoded.status.success());
    let picture = SIDE * SIDE * 3 / 2;
    decoded.stdout.chunks_exact(picture).map(|all| all[..SIDE * SIDE].to_vec()).collect()
}

/// How far apart samples are, on average.
fn apart(a: impl Iterator<Item = u8>, b: &[u8]) -> f64 {
    let sum: u64 = a.zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / b.len() as f64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stills_of_vp8_vp9_and_av1_are_ffmpegs() {
    let media = start_with(TranscodeLimits::NONE, Some(Ffmpeg::at("ffmpeg".into())));
    let stills = Stills::new(&media);
    for (stream, clip) in [A, B, C].into_iter().zip(CLIPS) {
        let publisher = shoot_coded(&media, stream, clip);
        let still = still(&stills, stream).await.unwrap();
        let format = image::ImageFormat::Jpeg;
        let still = image::load_from_memory_with_format(&still.jpeg, format).unwrap().to_rgb8();
        assert_eq!(still.dimensions(), (SIDE as u32, SIDE as u32));
        // ITU-T T.871, 7.
        let light = |image::Rgb([red, green, blue]): &image::Rgb<u8>| {
            0.299 * f64::from(*red) + 0.587 * f64::from(*green) + 0.114 * f64::from(*blue)
        };
        // JPEG has all 256 shades, and video 220 of them.
        let shades = |video: u8| ((f64::from(video) - 16.0) * 255.0 / 219.0).clamp(0.0, 255.0);
        let shown: Vec<Vec<u8>> = luma(clip)
            .iter()
            .map(|luma| luma.iter().map(|video| shades(*video) as u8).collect())
            .collect();
        let nearest = [0, 5]
            .map(|key: usize| apart(still.pixels().map(|pixel| light(pixel) as u8), &shown[key]));
        assert!(nearest[0].min(nearest[1]) < 6.0, "{:?}: {nearest:?}", clip.coding);
        publisher.abort();
    }
    media.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vp8_vp9_and_av1_are_seen_side_by_side() {
    let limits = TranscodeLimits { most: 3, pixels: TranscodeLimits::USUAL };
    let media = start_with(limits, Some(Ffmpeg::at("ffmpeg".into())));
    let composites = Composites::new(&media, 1);
    let sources = [A, B, C].into_iter().zip(CLIPS);
    let publishers: Vec<_> =
        sources.map(|(stream, clip)| shoot_coded(&media, stream, clip)).collect();
    let canvas = Canvas::new(size(192, 64), 25, Colour::BLACK).unwrap();
    let cells = [A, B, C].into_iter().zip([0, 64, 128]).map(|(source, x)| Cell {
        source,
        place: Place { x, y: 0, width: SIDE as u32, height: SIDE as u32 },
        fit: Fit::Contain,
        label: String::new(),
    });
    let layout = Layout::new(canvas, cells.collect(), SoundFrom::Nothing, true).unwrap();
    composites.start(COMPOSITE, layout).await.unwrap();
    let known: Vec<Vec<Vec<u8>>> = CLIPS.map(luma).to_vec();
    let row = |planes: &Planes, from: usize| -> Vec<u8> {
        let wide = 3 * SIDE;
        (0..SIDE).flat_map(|y| planes.y[y * wide + from..][..SIDE].to_vec()).collect()
    };
    wait_for(&media, |picture| {
        known.iter().enumerate().all(|(number, pictures)| {
            let seen = row(picture, number * SIDE);
            pictures.iter().any(|known| apart(seen.iter().copied(), known) < 8.0)
        })
    })
    .await;
    let status = told(&composites, |status| shown(status) == [A, B, C]).await;
    assert_eq!(status.problems, Vec::<String>::new());

    // A source may go on in another codec.
    publishers[0].abort();
    let other = shoot_coded(&media, A, AV1);
    wait_for(&media, |picture| {
        let seen = row(picture, 0);
        known[2].iter().any(|known| apart(seen.iter().copied(), known) < 8.0)
    })
    .await;
    composites.stop(COMPOSITE).await;
    publishers.iter().chain([&other]).for_each(JoinHandle::abort);
    media.shutdown().await;
}
