//! Composites on a media thread: cameras that are fed, and the key frame of what comes of them.

use std::num::NonZero;
use std::time::{Duration, Instant};

use str0m::format::FormatParams;
use tokio::task::JoinHandle;

use super::super::feeds::{FeedItem, Register};
use super::super::{MediaConfig, Stills, TcpLimits};
use super::*;
use crate::composite::{Canvas, Cell, Fit, SoundFrom};
use crate::picture::tests::{BLUE, Camera, RED, is_near, plain, size};
use crate::picture::{Colour, Place, Planes, first_picture};
use crate::rtp::Codec;
use crate::transcode::TranscodeLimits;
use crate::webrtc::{Source, TrackFormat};

const COMPOSITE: StreamId = StreamId(100);
const A: StreamId = StreamId(1);
const B: StreamId = StreamId(2);
/// A test that waits longer than this for something has failed.
const LONGEST: Duration = Duration::from_secs(60);
const GREY: Option<Colour> = Some(Colour::GREY);

fn start() -> Media {
    let config = MediaConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        hosts: vec![],
        max_sessions: 20,
        tcp: TcpLimits::default(),
        fanout_threads: NonZero::new(1),
        transcodes: TranscodeLimits::NONE,
        ffmpeg: None,
    };
    Media::start(config).unwrap().0
}

/// A camera that sends a colour until it is aborted.
fn shoot(media: &Media, stream: StreamId, colour: (u8, u8, u8)) -> JoinHandle<()> {
    let register = Register::new(media.0.feeds.clone(), Arc::clone(&media.0.room));
    tokio::spawn(async move {
        let permit = register.place().unwrap();
        let (id, feeds, _gone) = register.begin(stream, permit);
        let video = TrackFormat { codec: Codec::H264, format: FormatParams::default() };
        let source = Source { single: true, video: Some(video), ..Source::default() };
        feeds.send(FeedItem::Source(id, source)).await.unwrap();
        let mut pace = tokio::time::interval(Duration::from_millis(40));
        let mut camera = Camera::new(Instant::now());
        for number in 0u64.. {
            pace.tick().await;
            camera.at = Instant::now();
            let packets = camera.shoot(&plain(colour, size(320, 180)), number.is_multiple_of(25));
            if feeds.send(FeedItem::Packets(id, packets)).await.is_err() {
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
    assert_eq!(none, Err(crate::picture::StillError::NoKeyFrame));
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
