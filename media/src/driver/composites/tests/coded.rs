//! Sources of VP8, VP9 and AV1, which ffmpeg decodes.

use super::*;
use crate::coded::tests::clips::{AV1, Clip, SIDE, VP8, VP9, apart};

const CLIPS: [Clip; 3] = [VP8, VP9, AV1];

/// Sends the ten frames again and again until it is aborted.
fn shoot_coded(media: &Media, stream: StreamId, clip: Clip) -> JoinHandle<()> {
    publish(media, stream, clip.coding.codec(), move |number| clip.shoot(number, Instant::now()))
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
        let shown: Vec<Vec<u8>> = clip
            .luma()
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
    let known: Vec<Vec<Vec<u8>>> = CLIPS.map(|clip| clip.luma()).to_vec();
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
