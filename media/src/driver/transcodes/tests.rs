//! Conversions: the thread driven by hand, and on a media thread.

mod beside;

use std::num::NonZero;
use std::time::Duration;

use str0m::format::FormatParams;
use tokio::task::JoinHandle;

use super::super::feeds::Register;
use super::super::{
    Command, Ffmpeg, Media, MediaConfig, RecordingConfig, Recordings, Stills, TcpLimits,
};
use super::thread::Thread;
use super::*;
use crate::feed::tests::BFrames;
use crate::ids::RecordingId;
use crate::picture::tests::{Camera, RED, plain, size};
use crate::rtp::Codec;
use crate::transcode::Converter;
use crate::webrtc::{Source, TrackFormat};

const A: StreamId = StreamId(1);
const B: StreamId = StreamId(2);
const FRAME: Duration = Duration::from_millis(40);
const AIM: Encoding = Encoding { rate: 25, bits: 1_000_000 };
/// A test that waits longer than this for something has failed.
const LONGEST: Duration = Duration::from_secs(60);

/// A thread in virtual time, and what it makes.
struct World {
    camera: BFrames,
    thread: Thread,
    feeds: mpsc::Receiver<FeedItem>,
    shared: Arc<Shared>,
    now: Instant,
    latest: u32,
}

impl World {
    fn new(room: usize) -> Self {
        let now = Instant::now();
        let shared = Arc::new(Shared::new(AIM));
        let (sender, feeds) = mpsc::channel(room);
        let thread =
            Thread::new(now, A, 7, (Arc::clone(&shared), sender), Box::new(Converter::new(AIM)));
        Self { camera: BFrames::new(now), thread, feeds, shared, now, latest: 0 }
    }

    /// A world whose pictures are its own.
    fn begun(room: usize) -> Self {
        let mut world = Self::new(room);
        for _ in 0..5 {
            world.frame(Duration::ZERO);
        }
        assert!(world.pictures().iter().all(Vec::is_empty), "it can begin");
        world.thread.step(world.now, Some(Item::Begin(world.latest))).unwrap();
        assert!(world.shared.wish.swap(false, Ordering::Relaxed), "it began before a key frame");
        world
    }

    /// A frame that has waited so long.
    fn frame(&mut self, waited: Duration) {
        self.now += FRAME;
        for packet in self.camera.shoot() {
            self.latest = self.latest.max(packet.timestamp);
            let item = Item::Packet(self.now - waited, packet);
            self.thread.step(self.now, Some(item)).unwrap();
        }
    }

    /// The packets of the pictures that were made since.
    fn pictures(&mut self) -> Vec<Vec<Packet>> {
        let mut all = Vec::new();
        while let Ok(FeedItem::Transcoded(made)) = self.feeds.try_recv() {
            assert_eq!((made.stream, made.id), (A, 7));
            all.push(made.packets);
        }
        all
    }
}

fn is_key(picture: &[Packet]) -> bool {
    picture.iter().any(|packet| packet.inspection.key)
}

#[test]
fn it_says_that_it_can_begin_until_it_does() {
    let mut world = World::new(2);
    for _ in 0..10 {
        world.frame(Duration::ZERO);
    }
    assert_eq!(world.pictures().len(), 2, "there was room for two");
    world.frame(Duration::ZERO);
    assert!(!world.pictures().is_empty(), "and it says so again");
    world.thread.step(world.now, Some(Item::Begin(world.latest))).unwrap();
    for _ in 0..5 {
        world.frame(Duration::ZERO);
        let pictures = world.pictures();
        assert!(pictures.iter().all(|picture| !picture.is_empty()));
    }
}

#[test]
fn what_waited_too_long_is_left_out_up_to_a_key_frame_and_counted() {
    let mut world = World::begun(100);
    for _ in 0..10 {
        world.frame(Duration::from_millis(900));
    }
    assert!(world.pictures().len() >= 8, "late, and not too late");
    assert!(!world.shared.wish.load(Ordering::Relaxed));
    // Frame 15 is a key frame, and it waited too long as well.
    for _ in 15..18 {
        world.frame(Duration::from_millis(1_100));
    }
    assert_eq!(world.pictures().len(), 0);
    assert!(world.shared.wish.load(Ordering::Relaxed), "the publisher is asked for one");
    // In time again, but they refer to what was left out.
    for _ in 18..20 {
        world.frame(Duration::ZERO);
    }
    assert_eq!(world.pictures().len(), 0);
    for _ in 20..75 {
        world.frame(Duration::ZERO);
    }
    assert!(world.pictures().len() >= 50);
    world.thread.step(world.now + Duration::from_secs(1), None).unwrap();
    let told = world.shared.told();
    // And what was decoded by then, and was to be shown after others.
    assert!((5..=7).contains(&told.missed) && told.lost == 0, "{told:?}");
    assert!(told.frames >= 58 && told.behind, "{told:?}");
    let status = world.shared.status(TranscodeCause::BFrames, TranscodeState::Running, None);
    assert_eq!((status.frames_missed, status.bitrate), (told.missed, AIM.bits));
    // Ten seconds later that is long ago.
    for second in 2..=11 {
        world.thread.step(world.now + Duration::from_secs(second), None).unwrap();
    }
    assert!(!world.shared.told().behind);
}

#[test]
fn pictures_that_there_is_no_room_for_are_left_out_up_to_a_key_frame() {
    let mut world = World::begun(4);
    for _ in 0..10 {
        world.frame(Duration::ZERO);
    }
    assert_eq!(world.pictures().len(), 4);
    for _ in 0..15 {
        world.frame(Duration::ZERO);
    }
    let pictures = world.pictures();
    assert!(pictures.first().is_some_and(|picture| is_key(picture)), "a key frame is next");
    world.thread.step(world.now + Duration::from_secs(1), None).unwrap();
    assert!(world.shared.told().missed > 0);
}

#[test]
fn the_viewers_wish_is_granted() {
    let mut world = World::begun(100);
    for _ in 0..20 {
        world.frame(Duration::ZERO);
    }
    world.pictures();
    world.shared.viewers_wish.store(true, Ordering::Relaxed);
    world.frame(Duration::ZERO);
    world.frame(Duration::ZERO);
    assert_eq!(world.pictures().iter().filter(|picture| is_key(picture)).count(), 1);
}

#[test]
fn a_picture_that_the_thread_has_no_room_for_goes_on_with_its_next_key_frame() {
    let (mut tap, items) = shard::Tap::for_tests(3);
    let (now, mut camera) = (Instant::now(), Camera::new(Instant::now()));
    let mut feed = |tap: &mut shard::Tap, key| {
        for packet in camera.shoot(&plain(RED, size(64, 48)), key) {
            assert!(tap.packet(now, &packet).is_ok());
        }
    };
    // A key frame is two packets here.
    feed(&mut tap, true);
    feed(&mut tap, false);
    let (shared, count) = (tap.shared(), || items.try_iter().count());
    assert_eq!(shared.left_out.load(Ordering::Relaxed), 0);
    feed(&mut tap, false);
    assert_eq!((count(), shared.left_out.load(Ordering::Relaxed)), (3, 1));
    assert!(shared.wish.load(Ordering::Relaxed));
    feed(&mut tap, false);
    assert_eq!((count(), shared.left_out.load(Ordering::Relaxed)), (0, 2), "it refers to that");
    feed(&mut tap, true);
    let taken: Vec<Item> = items.try_iter().collect();
    assert!(matches!(taken[..], [Item::Gap, Item::Packet(..), Item::Packet(..)]));

    drop(items);
    let packet = camera.shoot(&plain(RED, size(64, 48)), true).remove(0);
    assert!(tap.packet(now, &packet).is_err(), "the thread has ended");
    drop(tap);
    assert!(shared.stop.load(Ordering::Relaxed));
}

fn start(most: usize) -> Media {
    start_with(most, None)
}

fn start_with(most: usize, ffmpeg: Option<Ffmpeg>) -> Media {
    let config = MediaConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        hosts: vec![],
        max_sessions: 20,
        tcp: TcpLimits::default(),
        fanout_threads: NonZero::new(1),
        transcodes: TranscodeLimits { most, ..TranscodeLimits::NONE },
        ffmpeg,
    };
    Media::start(config).unwrap().0
}

/// A source that sends frames in real time until it is aborted.
fn publish(
    media: &Media,
    stream: StreamId,
    codec: Codec,
    mut shoot: impl FnMut() -> Vec<Packet> + Send + 'static,
) -> JoinHandle<()> {
    let register = Register::new(media.0.feeds.clone(), Arc::clone(&media.0.room));
    tokio::spawn(async move {
        let permit = register.place().unwrap();
        let (id, feeds, _gone) = register.begin(stream, permit);
        let video = TrackFormat { codec, format: FormatParams::default() };
        let source = Source { single: true, video: Some(video), ..Source::default() };
        feeds.send(FeedItem::Source(id, source, Arc::default())).await.unwrap();
        let mut pace = tokio::time::interval(FRAME);
        loop {
            pace.tick().await;
            if feeds.send(FeedItem::Packets(id, shoot())).await.is_err() {
                return;
            }
        }
    })
}

fn b_frames(media: &Media, stream: StreamId) -> JoinHandle<()> {
    let mut camera = BFrames::new(Instant::now());
    publish(media, stream, Codec::H264, move || camera.shoot())
}

/// Waits for a state of a stream's conversion.
async fn wait_for(
    media: &Media,
    stream: StreamId,
    wanted: impl Fn(Option<&TranscodeStatus>) -> bool,
) {
    let mut last = None;
    let looked = async {
        loop {
            let status = media.status(stream).await;
            if wanted(status.transcode.as_ref()) {
                return;
            }
            last = Some(status);
            tokio::time::sleep(FRAME).await;
        }
    };
    let found = tokio::time::timeout(LONGEST, looked).await;
    assert!(found.is_ok(), "{last:?}");
}

fn runs(status: Option<&TranscodeStatus>) -> bool {
    status.is_some_and(|status| status.state == TranscodeState::Running && status.frames > 20)
}

/// The profile of a stream's last key frame.
async fn profile(media: &Media, stream: StreamId) -> Option<u8> {
    let group = media.ask(|reply| Command::KeyFrame(stream, reply)).await.unwrap();
    group.iter().find_map(|packet| packet.inspection.profile).map(|[idc, ..]| idc)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_with_b_frames_is_converted_and_one_without_is_passed_on() {
    let media = start(1);
    let a = b_frames(&media, A);
    wait_for(&media, A, runs).await;
    assert_eq!(profile(&media, A).await, Some(66), "viewers and stills get what is made");
    let status = media.status(A).await;
    let video = status.video.unwrap();
    assert!(video.b_frames && (video.fps - 25.0).abs() < 3.0, "{video:?}");
    let transcode = status.transcode.unwrap();
    assert_eq!((transcode.frames_missed, transcode.frames_lost), (0, 0), "{transcode:?}");
    assert!(Stills::new(&media).get(A).await.is_ok());

    // There is one place, and who comes second waits for it.
    let b = b_frames(&media, B);
    let full = Some(TranscodeRefusal::Full(1));
    wait_for(&media, B, |status| status.is_some_and(|status| status.refusal == full)).await;
    assert_ne!(profile(&media, B).await, Some(66), "it is passed on as it comes");
    // Another one takes the first over, without B-frames.
    let mut camera = Camera::new(Instant::now());
    let mut number = 0u32;
    let again = publish(&media, A, Codec::H264, move || {
        number += 1;
        camera.at = Instant::now();
        camera.shoot(&plain(RED, size(160, 90)), number % 25 == 1)
    });
    wait_for(&media, B, runs).await;
    wait_for(&media, A, |status| status.is_none()).await;
    b.abort();
    again.abort();
    a.abort();
    assert!(media.close_publisher(B).await);
    assert_eq!(media.status(B).await.transcode, None);
    media.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_may_be_converted_that_is_said() {
    let media = start(0);
    let a = b_frames(&media, A);
    let off = Some(TranscodeRefusal::Off);
    wait_for(&media, A, |status| status.is_some_and(|status| status.refusal == off)).await;
    a.abort();
    media.shutdown().await;
}

/// The sequence parameter set of a key frame: the first unit of an aggregate (RFC 6184, 5.7.1).
fn sequence(frame: &[Packet]) -> Vec<u8> {
    let aggregate = frame.iter().find(|packet| packet.inspection.parameters).unwrap();
    let length = usize::from(u16::from_be_bytes([aggregate.payload[1], aggregate.payload[2]]));
    aggregate.payload[3..3 + length].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_is_of_what_the_publisher_sends() {
    let media = start(1);
    let folder = tempfile::TempDir::new().unwrap();
    let (path, replay_folder) = (folder.path().join("recording"), folder.path().join("replay"));
    let config = RecordingConfig { replay_folder, replay: Duration::ZERO };
    let (recordings, _ended) = Recordings::start(config, &media).await.unwrap();
    let a = b_frames(&media, A);
    wait_for(&media, A, runs).await;
    recordings.begin(A, RecordingId(1), path.clone()).await.unwrap();
    let recorded = async {
        while recordings.status(A).is_none_or(|status| status.duration_ms < 1_000) {
            tokio::time::sleep(FRAME).await;
        }
    };
    tokio::time::timeout(LONGEST, recorded).await.expect("nothing is recorded");
    assert_eq!(recordings.status(A).unwrap().frames_left_out, 0);
    assert!(recordings.end(A).await.unwrap());
    recordings.shutdown().await;
    let file = std::fs::read(path).unwrap();
    let has = |set: &[u8]| file.windows(set.len()).any(|window| window == set);
    assert!(has(&sequence(&BFrames::new(Instant::now()).shoot())));
    let made = media.ask(|reply| Command::KeyFrame(A, reply)).await.unwrap();
    assert!(!has(&sequence(&made)), "what viewers get is not in it");
    a.abort();
    media.shutdown().await;
}
