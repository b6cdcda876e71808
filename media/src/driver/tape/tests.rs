//! The thread that records, driven by hand: what it writes, keeps and drops.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use super::thread::{Start, Thread};
use super::*;
use crate::rtp::{Codec, inspect};

const SPS: [u8; 25] = [
    0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x6a, 0x02, 0x02, 0x02, 0x80, 0x00,
    0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x47, 0x8c,
];
const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];
const HEVC_VPS: [u8; 6] = [0x40, 1, 0x0c, 1, 0xff, 0xff];
const HEVC_SPS: [u8; 41] = [
    0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
    0x00, 0x5d, 0xa0, 0x02, 0x80, 0x80, 0x2d, 0x16, 0x5b, 0xa4, 0xa4, 0xc2, 0xf0, 0x16, 0x80, 0x80,
    0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x0c, 0x84,
];
const HEVC_PPS: [u8; 4] = [0x44, 1, 0xc0, 0x73];
const STREAM: StreamId = StreamId(5);

struct World {
    folder: TempDir,
    start: Instant,
    wall: WallClock,
    thread: Thread,
    recorded: mpsc::Receiver<Recorded>,
    shared: Arc<Shared>,
    seq: u64,
}

impl World {
    fn new(replay: Duration) -> Self {
        let folder = TempDir::new().unwrap();
        let start = Instant::now() + Duration::from_secs(10_000);
        let wall = WallClock::new(start, UNIX_EPOCH + Duration::from_secs(1_770_000_000));
        let (_, inbox) = mpsc::channel(1);
        let (ended, recorded) = mpsc::channel(8);
        let shared = Arc::new(Shared::default());
        let config = RecordingConfig { replay_folder: folder.path().join("replay"), replay };
        ring::prepare(&config.replay_folder, replay).unwrap();
        let mut thread = Thread::new(Start { config, inbox, ended, shared: Arc::clone(&shared) }).0;
        thread.item(start, Item::Clock(wall));
        Self { folder, start, wall, thread, recorded, shared, seq: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A frame every 40 ms, a key frame every second.
    fn packets(&mut self, n: u32) -> Vec<Packet> {
        let units: Vec<Vec<u8>> = if n.is_multiple_of(25) {
            vec![SPS.to_vec(), PPS.to_vec(), vec![0x65, 0x88, 1]]
        } else {
            vec![vec![0x41, 0x9a, n as u8]]
        };
        self.units(n, Codec::H264, units)
    }

    /// A key frame of H.265.
    fn of_hevc(&mut self, n: u32) -> Vec<Packet> {
        let sets = [&HEVC_VPS[..], &HEVC_SPS, &HEVC_PPS];
        let units = sets.into_iter().chain([&[0x26, 1, 0xaf, 7][..]]);
        self.units(n, Codec::H265, units.map(<[u8]>::to_vec).collect())
    }

    fn units(&mut self, n: u32, codec: Codec, units: Vec<Vec<u8>>) -> Vec<Packet> {
        let captured = self.start + Duration::from_millis(40) * n;
        let timestamp = self.wall.media(captured);
        let last = units.len() - 1;
        let packets = units.into_iter().enumerate().map(|(index, unit)| {
            self.seq += 1;
            Packet {
                codec,
                layer: 0,
                seq: self.seq,
                timestamp,
                marker: index == last,
                inspection: inspect(codec, &unit),
                payload: unit.into(),
                captured,
            }
        });
        packets.collect()
    }

    fn frames(&mut self, range: std::ops::Range<u32>) {
        for n in range {
            let now = self.start + Duration::from_millis(40) * n;
            for packet in self.packets(n) {
                self.thread.item(now, Item::Packets(STREAM, [packet].into()));
            }
        }
    }

    fn begin(&mut self, name: &str, cached: Vec<Packet>) -> Result<(), RecordingError> {
        let (reply, mut answer) = oneshot::channel();
        let (id, path) = (RecordingId(9), self.path(name));
        let begin = Box::new(Begin { id, path, cached, reply });
        self.thread.item(self.start, Item::Begin(STREAM, begin));
        answer.try_recv().unwrap()
    }

    fn end(&mut self) -> bool {
        let (reply, mut answer) = oneshot::channel();
        self.thread.item(self.start, Item::End(STREAM, reply));
        answer.try_recv().unwrap()
    }

    fn replay(&mut self, seconds: u64) -> Option<ReplayClip> {
        let (reply, mut answer) = oneshot::channel();
        let length = Duration::from_secs(seconds);
        self.thread.item(self.start, Item::Replay(STREAM, length, reply));
        answer.try_recv().unwrap()
    }
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_recording_begins_with_the_key_frame_before_it_was_asked_for() {
    let mut world = World::new(Duration::ZERO);
    // What the media thread has of the current group of pictures.
    let cached: Vec<Packet> = (0..10).flat_map(|n| world.packets(n)).collect();
    assert_eq!(world.begin("a.mp4", cached), Ok(()));
    assert_eq!(world.begin("b.mp4", Vec::new()), Err(RecordingError::Running));
    assert!(!world.path("b.mp4").exists());
    world.frames(10..60);
    let status = world.shared.running().get(&STREAM).cloned().unwrap();
    assert_eq!(status.id, RecordingId(9));
    assert!(world.end() && !world.end());
    let told = world.recorded.try_recv().unwrap();
    assert_eq!(told, Recorded { stream: STREAM, recording: RecordingId(9), problem: None });
    assert!(world.shared.running().is_empty());
    let summary = finish_recording(&world.path("a.mp4")).unwrap();
    assert_eq!((summary.frames, summary.start_ms), (60, 1_770_000_000_000));
    assert_eq!(finish_recording(&world.path("a.mp4")).unwrap(), summary, "and again");
}

#[test]
fn where_the_thread_has_the_stream_already_it_begins_there_too() {
    let mut world = World::new(Duration::from_secs(60));
    world.frames(0..40);
    assert_eq!(world.begin("a.mp4", Vec::new()), Ok(()));
    world.frames(40..60);
    world.end();
    let summary = finish_recording(&world.path("a.mp4")).unwrap();
    assert_eq!((summary.frames, summary.start_ms), (35, 1_770_000_001_000));
}

#[test]
fn a_file_has_pictures_of_one_codec_and_says_what_to_do_when_another_comes() {
    let mut world = World::new(Duration::from_secs(60));
    world.frames(0..25);
    assert_eq!(world.begin("a.mp4", Vec::new()), Ok(()));
    world.frames(25..50);
    for n in 50..100 {
        let now = world.start + Duration::from_millis(40) * n;
        for packet in world.of_hevc(n) {
            world.thread.item(now, Item::Packets(STREAM, [packet].into()));
        }
    }
    world.thread.tell_status(STREAM);
    let problem = world.shared.running().get(&STREAM).and_then(|status| status.problem.clone());
    assert!(problem.unwrap().contains("H265 now"), "it says what to do");
    let replay = world.replay(10).unwrap();
    assert!(world.end());
    assert_eq!(finish_recording(&world.path("a.mp4")).unwrap().frames, 50);
    replay.write(&world.path("replay.mp4")).unwrap();
    let summary = finish_recording(&world.path("replay.mp4")).unwrap();
    assert_eq!(summary.start_ms, 1_770_000_002_000, "of the codec that comes now");
    // And the next recording is of that.
    assert_eq!(world.begin("b.mp4", Vec::new()), Ok(()));
    let more = world.of_hevc(100);
    for packet in more {
        world
            .thread
            .item(world.start + Duration::from_secs(4), Item::Packets(STREAM, [packet].into()));
    }
    assert!(world.end());
    assert_eq!(finish_recording(&world.path("b.mp4")).unwrap().frames, 2);
}

/// The header of a key frame of VP9 of 64x64, of a profile with 8 bits and of one with 10.
const VP9_KEYS: [[u8; 11]; 2] = [
    [0x0c, 0x82, 0x49, 0x83, 0x42, 0x40, 0x03, 0xf0, 0x03, 0xf0, 0],
    [0x0c, 0x92, 0x49, 0x83, 0x42, 0x20, 0x01, 0xf8, 0x01, 0xf8, 0],
];

#[test]
fn vp9_is_recorded_up_to_where_it_has_another_profile() {
    let mut world = World::new(Duration::from_secs(60));
    let send = |world: &mut World, frames: std::ops::Range<u32>, codec, payload: &[u8]| {
        for n in frames {
            let now = world.start + Duration::from_millis(40) * n;
            for packet in world.units(n, codec, vec![payload.to_vec()]) {
                world.thread.item(now, Item::Packets(STREAM, [packet].into()));
            }
        }
        world.thread.tell_status(STREAM);
        world.shared.running().get(&STREAM).and_then(|status| status.problem.clone())
    };
    assert_eq!(world.begin("a.mp4", Vec::new()), Ok(()));
    assert_eq!(send(&mut world, 0..50, Codec::Vp9, &VP9_KEYS[0]), None);
    let problem = send(&mut world, 50..75, Codec::Vp9, &VP9_KEYS[1]).unwrap();
    assert!(problem.contains("VP9 (profile 2, 10 bits) now"), "{problem}");
    let replay = world.replay(10).unwrap();
    let problem = send(&mut world, 75..76, Codec::Vp8, &[0x10, 0, 0, 0]).unwrap();
    assert!(problem.contains("VP8, which is not recorded"), "{problem}");
    assert!(world.end());
    let summary = finish_recording(&world.path("a.mp4")).unwrap();
    assert_eq!((summary.frames, summary.codec), (50, Codec::Vp9));
    replay.write(&world.path("replay.mp4")).unwrap();
    let summary = finish_recording(&world.path("replay.mp4")).unwrap();
    // The last one is of a fragment under way.
    assert_eq!((summary.frames, summary.start_ms), (24, 1_770_000_002_000));
}

#[test]
fn a_full_disk_ends_the_recording_in_words_and_nothing_else() {
    let mut world = World::new(Duration::ZERO);
    world.frames(0..1);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let reel = world.thread.reel(world.start, STREAM).unwrap();
    reel.file = Some(file::Writing::of(world.start, RecordingId(9), full));
    world.frames(25..60);
    let told = world.recorded.try_recv().unwrap();
    assert!(told.problem.unwrap().contains("disk is full"));
    assert_eq!(world.shared.failed.load(Ordering::Relaxed), 1);
    assert!(!world.end(), "it is over");
    assert_eq!(world.begin("a.mp4", Vec::new()), Ok(()), "and another may begin");
}

#[test]
fn a_file_that_cannot_be_made_is_said() {
    let mut world = World::new(Duration::ZERO);
    std::fs::create_dir_all(world.path("a.mp4")).unwrap();
    let refused = world.begin("a.mp4", Vec::new()).unwrap_err();
    assert!(matches!(refused, RecordingError::File(words) if words.contains("cannot be written")));
    assert!(!world.end());
}

#[test]
fn the_last_minutes_are_kept_and_what_is_older_goes() {
    let mut world = World::new(Duration::from_secs(30));
    let ring = world.path("replay");
    world.frames(0..25 * 12);
    world.replay(4).unwrap().write(&world.path("first.mp4")).unwrap();
    let first = finish_recording(&world.path("first.mp4")).unwrap();
    // It begins with a file of the ring, which has five seconds: so much more there may be.
    assert!((100..=230).contains(&first.frames), "{} frames", first.frames);
    world.frames(25 * 12..25 * 120);
    let clip = world.replay(3_600).unwrap();
    // The ring goes on while the clip is written, and drops what the clip has.
    world.frames(25 * 120..25 * 200);
    clip.write(&world.path("all.mp4")).unwrap();
    let all = finish_recording(&world.path("all.mp4")).unwrap();
    assert!((25 * 29..=25 * 36).contains(&all.frames), "{} frames", all.frames);
    let since = all.start_ms - 1_770_000_000_000;
    assert!((84_000..=91_000).contains(&since), "{since}: the last of the 120 s");
    assert!(files(&ring) <= 8, "{} files", files(&ring));
    assert!(world.replay(10).is_some());
    world.thread.stop();
    assert_eq!(files(&ring), 0, "nothing remains");
}

#[test]
fn what_is_too_old_gives_its_file_to_what_is_new() {
    let mut world = World::new(Duration::from_secs(10));
    let ring = world.path("replay");
    let names = || -> Vec<_> {
        let mut names: Vec<_> =
            std::fs::read_dir(&ring).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    world.frames(0..25 * 60);
    let before = names();
    world.frames(25 * 60..25 * 240);
    let after = names();
    assert!(after.iter().all(|name| before.contains(name)), "{before:?}, {after:?}");
    world.replay(10).unwrap().write(&world.path("clip.mp4")).unwrap();
    let clip = finish_recording(&world.path("clip.mp4")).unwrap();
    assert!((25 * 9..=25 * 16).contains(&clip.frames), "{} frames", clip.frames);
    let since = clip.start_ms - 1_770_000_000_000;
    assert!((224_000..=231_000).contains(&since), "{since}: the last of the 240 s");
}

#[test]
fn another_publisher_does_not_end_a_recording() {
    let mut world = World::new(Duration::ZERO);
    world.begin("a.mp4", Vec::new()).unwrap();
    world.frames(0..50);
    world.seq = 70_000;
    world.thread.item(world.start, Item::Publish(STREAM));
    world.frames(75..100);
    world.thread.stop();
    assert!(world.recorded.try_recv().is_ok(), "the end of the thread ends it in order");
    let summary = finish_recording(&world.path("a.mp4")).unwrap();
    assert_eq!(summary.frames, 100);
}

#[tokio::test]
async fn what_the_time_alone_brings_is_done_by_a_look() {
    let mut world = World::new(Duration::from_secs(5));
    world.begin("a.mp4", Vec::new()).unwrap();
    world.frames(0..1);
    let later = world.start + Duration::from_secs(2);
    world.thread.look(later).await;
    let status = world.shared.running().get(&STREAM).cloned().unwrap();
    assert_eq!(status.since, Some(1_770_000_000_000), "a single frame is written");
    assert!(status.bytes > 0);
    world.end();
    world.thread.look(world.start + Duration::from_secs(60)).await;
    assert!(world.replay(5).is_none(), "a stream that is over is forgotten");
    assert_eq!(files(&world.path("replay")), 0);
}

#[test]
fn a_stream_s_items_are_taken_together_and_in_their_order_and_an_end_comes_last() {
    const OTHER: StreamId = StreamId(3);
    let mut world = World::new(Duration::from_secs(60));
    let packets: Vec<Packet> = (0..50).flat_map(|n| world.packets(n)).collect();
    let (stop, _stopped) = oneshot::channel();
    let mut items = vec![Item::Publish(STREAM), Item::Publish(OTHER), Item::Stop(stop)];
    for packet in packets {
        items.push(Item::Packets(STREAM, [packet.clone()].into()));
        items.push(Item::Packets(OTHER, [packet].into()));
    }
    let now = world.start + Duration::from_secs(2);
    assert!(world.thread.take(now, &mut items).is_some() && items.is_empty());
    for stream in [STREAM, OTHER] {
        let counted = world.thread.reel(now, stream).unwrap().recorder.counted();
        assert_eq!((counted.frames, counted.left_out), (50, 0), "{stream}");
    }
}
