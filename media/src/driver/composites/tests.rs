//! Composites on a media thread: cameras that are fed, and the key frame of what comes of them.

use std::num::NonZero;
use std::time::{Duration, Instant};

use str0m::format::FormatParams;
use tokio::task::JoinHandle;

mod coded;

use super::super::feeds::{FeedItem, Register};
use super::super::transcodes::Transcodes;
use super::super::{Ffmpeg, MediaConfig, Still, Stills, TcpLimits};
use super::*;
use crate::composite::{Canvas, Cell, Fit, SoundFrom};
use crate::feed::tests::h265;
use crate::picture::tests::{BLUE, Camera, RED, first_picture, is_near, plain, size};
use crate::picture::{Colour, Place, Planes, StillError};
use crate::rtp::Codec;
use crate::transcode::{Measured, TranscodeLimits};
use crate::webrtc::{Source, TrackFormat};

const COMPOSITE: StreamId = StreamId(100);
const A: StreamId = StreamId(1);
const B: StreamId = StreamId(2);
/// A test that waits longer than this for something has failed.
const LONGEST: Duration = Duration::from_secs(60);
const GREY: Option<Colour> = Some(Colour::GREY);
const C: StreamId = StreamId(3);
const GREY_LIGHT: u8 = Colour::GREY.y;

fn start() -> Media {
    start_with(TranscodeLimits::NONE, None)
}

fn start_with(transcodes: TranscodeLimits, ffmpeg: Option<Ffmpeg>) -> Media {
    let config = MediaConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        hosts: vec![],
        max_sessions: 20,
        tcp: TcpLimits::default(),
        fanout_threads: NonZero::new(1),
        transcodes,
        ffmpeg,
    };
    Media::start(config).unwrap().0
}

/// A camera that sends a colour until it is aborted.
fn shoot(media: &Media, stream: StreamId, colour: (u8, u8, u8)) -> JoinHandle<()> {
    let mut camera = Camera::new(Instant::now());
    publish(media, stream, Codec::H264, move |number| {
        camera.at = Instant::now();
        camera.shoot(&plain(colour, size(320, 180)), number.is_multiple_of(25))
    })
}

/// A source of H.265: greys, of which hardly any is that of a slate. It pauses after each round of its
/// clip, which else would be as long as a composite's groups, and each of those would begin alike.
fn shoot_h265(media: &Media, stream: StreamId) -> JoinHandle<()> {
    // What is sent first may be shown three frames later.
    let frames = h265::clip(Instant::now() - h265::FRAME * 4);
    let packets = frames.iter().map(Vec::len).sum::<usize>() as u64;
    let count = frames.len() as u64 + 4;
    publish(media, stream, Codec::H265, move |number| {
        let round = number / count;
        let mut frame = frames.get((number % count) as usize).cloned().unwrap_or_default();
        for packet in &mut frame {
            packet.seq += round * packets;
            packet.timestamp = packet.timestamp.wrapping_add((round * count * 3_600) as u32);
            packet.captured += h265::FRAME * (round * count) as u32;
        }
        frame
    })
}

/// Sends frames, 25 a second, until it is aborted.
fn publish(
    media: &Media,
    stream: StreamId,
    codec: Codec,
    mut frame: impl FnMut(u64) -> Vec<Packet> + Send + 'static,
) -> JoinHandle<()> {
    let register = Register::new(media.0.feeds.clone(), Arc::clone(&media.0.room));
    tokio::spawn(async move {
        let permit = register.place().unwrap();
        let (id, feeds, _gone) = register.begin(stream, permit);
        let video = TrackFormat { codec, format: FormatParams::default() };
        let source = Source { single: true, video: Some(video), ..Source::default() };
        feeds.send(FeedItem::Source(id, source, Arc::default())).await.unwrap();
        let mut pace = tokio::time::interval(Duration::from_millis(40));
        for number in 0u64.. {
            pace.tick().await;
            if feeds.send(FeedItem::Packets(id, frame(number))).await.is_err() {
                return;
            }
        }
    })
}

fn cell(source: StreamId, x: i32) -> Cell {
    let place = Place { x, y: 0, width: 160, height: 90 };
    Cell { source, place, fit: Fit::Contain, label: String::new() }
}

fn layout(cells: Vec<Cell>) -> Layout {
    let canvas = Canvas::new(size(320, 90), 25, Colour::BLACK).unwrap();
    Layout::new(canvas, cells, SoundFrom::Nothing, true).unwrap()
}

/// Waits for a key frame of the composite that is as wanted.
async fn wait_for(media: &Media, wanted: impl Fn(&Planes) -> bool) {
    let looked = async {
        loop {
            let group = media.ask(|reply| Command::KeyFrame(COMPOSITE, reply)).await.unwrap();
            if first_picture(&group).is_ok_and(|picture| wanted(&picture)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST, looked).await.expect("there was no such picture");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_are_seen_side_by_side_and_the_layout_changes() {
    let media = start();
    let composites = Composites::new(&media, 1);
    let (a, b) = (shoot(&media, A, RED), shoot(&media, B, BLUE));
    composites.start(COMPOSITE, layout(vec![cell(A, 0), cell(B, 160)])).await.unwrap();
    let at = |picture: &Planes, x, colour| is_near(picture.colour(x, 45), colour);
    wait_for(&media, |picture| at(picture, 80, RED) && at(picture, 240, BLUE)).await;

    let full = composites.start(StreamId(101), layout(vec![])).await;
    assert_eq!(full, Err(CompositeError::Full(1)));
    assert!(composites.update(COMPOSITE, layout(vec![cell(B, 0), cell(A, 160)])).await.unwrap());
    wait_for(&media, |picture| at(picture, 80, BLUE) && at(picture, 240, RED)).await;

    // Who goes is a slate, and comes back.
    b.abort();
    wait_for(&media, |picture| picture.colour(8, 8) == GREY && at(picture, 240, RED)).await;
    let b = shoot(&media, B, BLUE);
    wait_for(&media, |picture| at(picture, 80, BLUE) && at(picture, 240, RED)).await;

    let told = async {
        loop {
            let status = composites.status(COMPOSITE).unwrap();
            if status.sources.iter().filter(|source| source.shown).count() == 2 {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let status = tokio::time::timeout(LONGEST, told).await.unwrap();
    assert!(status.frames > 50 && status.problems.is_empty(), "{status:?}");

    composites.stop(COMPOSITE).await;
    assert_eq!((composites.all(), composites.status(COMPOSITE)), (vec![], None));
    assert!(!composites.update(COMPOSITE, layout(vec![])).await.unwrap());
    a.abort();
    b.abort();
    media.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_composite_comes_back_when_its_publisher_is_closed_and_ends_with_the_media_plane() {
    let media = start();
    let composites = Composites::new(&media, 1);
    composites.start(COMPOSITE, layout(vec![cell(A, 0)])).await.unwrap();
    let slate = |picture: &Planes| picture.colour(8, 8) == GREY;
    wait_for(&media, slate).await;
    assert!(media.close_publisher(COMPOSITE).await);
    wait_for(&media, slate).await;
    media.shutdown().await;
    composites.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_still_is_kept_for_a_while_and_there_is_none_without_a_publisher() {
    let media = start();
    let stills = Stills::new(&media);
    let none = stills.get(A).await;
    assert_eq!(none, Err(StillError::NoKeyFrame));
    let a = shoot(&media, A, RED);
    let made = async {
        loop {
            match stills.get(A).await {
                Ok(still) => return still,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let still = tokio::time::timeout(LONGEST, made).await.unwrap();
    assert!(still.jpeg.starts_with(&[0xff, 0xd8]));
    let again = stills.get(A).await.unwrap();
    assert!(Arc::ptr_eq(&still.jpeg, &again.jpeg), "it is not made twice");
    a.abort();
    media.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_still_is_made_anew_once_it_is_ten_seconds_old() {
    let media = start();
    let stills = Stills::new(&media);
    let a = shoot(&media, A, RED);
    // As far as stills know, all of it happens at moments that are given to them.
    let (start, second) = (Instant::now(), Duration::from_secs(1));
    let made = async {
        loop {
            match stills.get_at(start, A).await {
                Ok(still) => return still,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let first = tokio::time::timeout(LONGEST, made).await.unwrap();
    let at = async |moment| stills.get_at(moment, A).await.unwrap().jpeg;
    let almost = second * 10 - Duration::from_nanos(1);
    assert!(Arc::ptr_eq(&at(start + almost).await, &first.jpeg), "younger");
    let other = at(start + second * 10).await;
    assert!(!Arc::ptr_eq(&other, &first.jpeg), "ten seconds old");
    // Its own ten seconds count from there, and not from when somebody asked last.
    assert!(Arc::ptr_eq(&at(start + second * 10 + almost).await, &other));
    assert!(!Arc::ptr_eq(&at(start + second * 20).await, &other));
    a.abort();
    media.shutdown().await;
}

/// Where the picture of a cell is, and no letters of a slate are.
fn light(picture: &Planes, x: usize) -> u8 {
    picture.colour(x + 40, 20).map_or(0, |colour| colour.y)
}

/// Waits for what a composite says of itself.
async fn told(
    composites: &Composites,
    wanted: impl Fn(&CompositeStatus) -> bool,
) -> CompositeStatus {
    let told = async {
        loop {
            let status = composites.status(COMPOSITE).unwrap();
            if wanted(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONGEST, told).await.expect("it does not say so")
}

fn shown(status: &CompositeStatus) -> Vec<StreamId> {
    status.sources.iter().filter(|source| source.shown).map(|source| source.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h265_is_decoded_by_ffmpeg_as_far_as_there_are_places() {
    let limits = TranscodeLimits { most: 1, pixels: TranscodeLimits::USUAL };
    let media = start_with(limits, Some(Ffmpeg::at("ffmpeg".into())));
    let composites = Composites::new(&media, 1);
    let (a, c) = (shoot_h265(&media, A), shoot(&media, C, RED));
    let mut third = cell(C, 0);
    third.place = Place { x: 304, y: 74, width: 16, height: 16 };
    let all = vec![cell(A, 0), cell(B, 160), third];
    composites.start(COMPOSITE, layout(all)).await.unwrap();
    wait_for(&media, |picture| light(picture, 0) > 60).await;

    // There is no place for another one, and the others go on.
    let b = shoot_h265(&media, B);
    let full = "The H.265 of a source is not shown: this server converts 1 picture at a time.";
    let status = told(&composites, |status| status.problems == [full]).await;
    assert!(!shown(&status).contains(&B));
    told(&composites, |status| shown(status) == [A, C]).await;
    wait_for(&media, |picture| light(picture, 0) > 60 && light(picture, 160) == GREY_LIGHT).await;

    // Who goes leaves its place to the other.
    a.abort();
    media.close_publisher(A).await;
    wait_for(&media, |picture| light(picture, 160) > 60 && light(picture, 0) == GREY_LIGHT).await;
    let status = told(&composites, |status| shown(status) == [B, C]).await;
    assert_eq!(status.problems, Vec::<String>::new());
    // And so does who is taken out of the layout.
    assert!(composites.update(COMPOSITE, layout(vec![cell(A, 0)])).await.unwrap());
    let a = shoot_h265(&media, A);
    wait_for(&media, |picture| light(picture, 0) > 60).await;

    // And one that goes on in H.264.
    a.abort();
    let a = shoot(&media, A, BLUE);
    wait_for(&media, |picture| is_near(picture.colour(40, 20), BLUE)).await;
    assert!(composites.update(COMPOSITE, layout(vec![cell(A, 0), cell(B, 160)])).await.unwrap());
    wait_for(&media, |picture| light(picture, 160) > 60).await;
    composites.stop(COMPOSITE).await;
    [a, b, c].iter().for_each(JoinHandle::abort);
    media.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h265_that_is_not_decoded_is_a_slate_that_says_why() {
    let one = TranscodeLimits { most: 1, pixels: TranscodeLimits::USUAL };
    let small = TranscodeLimits { most: 1, pixels: 1_000 };
    let ffmpeg = || Some(Ffmpeg::at("ffmpeg".into()));
    for (limits, ffmpeg, why) in [
        (one, None, "The H.265 of a source is not shown: this server has no ffmpeg"),
        (TranscodeLimits::NONE, ffmpeg(), "this server converts no pictures"),
        (small, ffmpeg(), "pixels a second are more than 1000"),
        (one, Some(Ffmpeg::at("/bin/true".into())), "ffmpeg has ended"),
    ] {
        let media = start_with(limits, ffmpeg);
        let composites = Composites::new(&media, 1);
        let (a, b) = (shoot_h265(&media, A), shoot(&media, B, RED));
        composites.start(COMPOSITE, layout(vec![cell(A, 0), cell(B, 160)])).await.unwrap();
        let says = |status: &CompositeStatus| {
            shown(status) == [B] && status.problems.iter().any(|problem| problem.contains(why))
        };
        told(&composites, says).await;
        let at = |picture: &Planes, x, colour| is_near(picture.colour(x, 45), colour);
        wait_for(&media, |picture| light(picture, 0) == GREY_LIGHT && at(picture, 240, RED)).await;
        composites.stop(COMPOSITE).await;
        [a, b].iter().for_each(JoinHandle::abort);
        media.shutdown().await;
    }
}

/// The still of a source, once that has sent a key frame.
async fn still(stills: &Stills, stream: StreamId) -> Result<Still, StillError> {
    let made = async {
        loop {
            match stills.get(stream).await {
                Err(StillError::NoKeyFrame) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                made => return made,
            }
        }
    };
    tokio::time::timeout(LONGEST, made).await.expect("there is no key frame")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_still_of_h265_is_ffmpegs_where_there_is_one() {
    for (ffmpeg, missing) in
        [(Some(Ffmpeg::at("ffmpeg".into())), None), (None, Some(StillError::NoFfmpeg))]
    {
        let media = start_with(TranscodeLimits::NONE, ffmpeg);
        let stills = Stills::new(&media);
        let a = shoot_h265(&media, A);
        let made = still(&stills, A).await;
        match (made, missing) {
            (Ok(still), None) => {
                let format = image::ImageFormat::Jpeg;
                let decoded = image::load_from_memory_with_format(&still.jpeg, format).unwrap();
                assert_eq!((decoded.width(), decoded.height()), (96, 64));
                let image::Rgb([red, green, blue]) = *decoded.to_rgb8().get_pixel(48, 32);
                assert!(red > 20 && red.abs_diff(green) < 4 && green.abs_diff(blue) < 4);
            }
            (made, missing) => assert_eq!(made.err(), missing),
        }
        a.abort();
        media.shutdown().await;
    }
}

fn tapped() -> (shard::TapForTests, std::sync::mpsc::Receiver<Item>) {
    shard::TapForTests::new(A, 4)
}

#[test]
fn a_source_that_is_left_out_goes_on_with_its_next_key_frame() {
    let (mut tap, items) = tapped();
    let mut camera = Camera::new(Instant::now());
    let picture = plain(RED, size(64, 48));
    let mut frames = (0..8).map(|n| camera.shoot(&picture, n == 0 || n == 6).remove(0));
    // A key frame is two packets here; of the next there is no room for all.
    let mut feed = |tap: &mut shard::TapForTests| tap.packet(&frames.next().unwrap());
    assert!(!feed(&mut tap), "it begins with a key frame");
    assert!(!feed(&mut tap) && !feed(&mut tap));
    assert!(feed(&mut tap), "there is no room any more");
    let taken: Vec<Item> = items.try_iter().collect();
    assert!(matches!(
        taken[..],
        [Item::Publish(A), Item::Packet(..), Item::Packet(..), Item::Packet(..)]
    ));
    assert!(feed(&mut tap) && feed(&mut tap), "they refer to what was left out");
    assert!(items.try_iter().next().is_none());
    assert!(!feed(&mut tap));
    let taken: Vec<Item> = items.try_iter().collect();
    assert!(matches!(taken[..], [Item::Publish(A), Item::Packet(..)]));
    assert_eq!(tap.left_out(), 1);
}

#[test]
fn a_source_that_ffmpeg_decodes_has_a_place_before_its_packets_come() {
    let (mut tap, items) = tapped();
    let start = Instant::now();
    let mut frames = h265::clip(start).into_iter();
    let key = frames.next().unwrap();
    // Its rate is not known yet.
    assert!(!tap.outside(start, &key[0], None));
    assert!(items.try_iter().next().is_none());

    let full = TranscodeRefusal::Full(1);
    assert!(!tap.outside(start, &key[0], Some(Err(full))));
    let taken: Vec<Item> = items.try_iter().collect();
    assert!(matches!(taken[..], [Item::Refused(A, Codec::H265, TranscodeRefusal::Full(1))]));
    // It is looked at again a second later, and the same is not told twice.
    let place = || {
        let limits = TranscodeLimits { most: 1, pixels: TranscodeLimits::USUAL };
        let (feeds, _) = tokio::sync::mpsc::channel(1);
        let transcodes = Transcodes::new(limits, feeds, Some(Ffmpeg::at("ffmpeg".into())));
        let measured = Measured {
            codec: Codec::H265,
            size: Some(size(96, 64)),
            profile: None,
            rate: 25.0,
            bits: 100_000,
            layers: 3,
        };
        transcodes.place(measured)
    };
    assert!(!tap.outside(start + Duration::from_millis(999), &key[0], place()));
    let later = start + Duration::from_secs(1);
    assert!(!tap.outside(later, &key[0], Some(Err(full))));
    assert!(items.try_iter().next().is_none());

    let later = start + Duration::from_secs(2);
    assert!(!tap.outside(later, &key[0], place()), "it begins with a key frame");
    let taken: Vec<Item> = items.try_iter().collect();
    assert!(matches!(taken[..], [Item::Outside(A, _), Item::Publish(A), Item::Packet(..)]));
    // In between there is H.264, and then it has to be asked for again.
    let h264 = Camera::new(start).shoot(&plain(RED, size(64, 48)), true).remove(0);
    tap.outside(later, &h264, None);
    items.try_iter().for_each(drop);
    assert!(!tap.outside(later, &key[0], None));
    assert!(items.try_iter().next().is_none());
}
