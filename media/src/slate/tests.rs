//! Slates in virtual time: what is drawn, and what a viewer gets of a source that goes and returns.

use std::time::UNIX_EPOCH;

use super::*;
use crate::picture::tests::{BLUE, Camera, RED, is_near, plain, size};
use crate::picture::{Colour, PictureTrack, Planes};
use crate::rtcp::WallClock;
use crate::stream::{Outgoing, Placing, Stream, ViewerKey};

const FRAME: Duration = Duration::from_millis(40);
/// The timestamps' ticks of a millisecond.
const MS: u32 = 90;

fn look(title: &str, last: Option<PictureSize>) -> Look {
    Look::new(title.into(), last, false)
}

fn group(title: &str, last: PictureSize) -> Arc<Group> {
    Arc::new(draw(Instant::now(), &look(title, Some(last))).unwrap())
}

fn bytes(frame: &[Packet]) -> usize {
    frame.iter().map(|packet| packet.payload.len()).sum()
}

/// How many of a picture's pixels are letters.
fn letters(picture: &Planes) -> usize {
    picture.y.iter().filter(|luma| **luma > 180).count()
}

#[test]
fn a_slate_has_the_size_of_the_picture_within_what_is_encoded() {
    for (last, expected) in [
        (None, (1280, 720)),
        (Some((640, 360)), (640, 360)),
        (Some((1920, 1080)), (1920, 1080)),
        (Some((3840, 2160)), (1920, 1080)),
        (Some((1080, 1920)), (1080, 1920)),
        (Some((2160, 3840)), (1080, 1920)),
        (Some((641, 361)), (640, 360)),
        (Some((2, 2)), (1280, 720)),
        (Some((0, 0)), (1280, 720)),
        (Some((65_535, 65_535)), (1080, 1080)),
        (Some((65_535, 64)), (1920, 64)),
    ] {
        let found = look("", last.map(|(width, height)| size(width, height))).size;
        assert_eq!((found.width, found.height), expected, "{last:?}");
    }
}

#[test]
fn it_is_drawn_once_and_says_whose_picture_is_away() {
    let group = group("A cam", size(1280, 720));
    let start = Instant::now();
    let (mut slate, mut track) = (Slate::new(Arc::clone(&group), start), PictureTrack::default());
    let mut pictures = Vec::new();
    for number in 0..12u32 {
        let at = start + PERIOD * number;
        let frame = slate.frame(at);
        let key = frame.iter().any(|packet| packet.inspection.key);
        assert_eq!(key, number % 4 == 0, "frame {number}");
        // What 1,000 viewers of 1,000 sources are sent is little: 30 kbit/s each.
        assert!(bytes(&frame) < if key { 8_000 } else { 400 }, "{number}: {}", bytes(&frame));
        assert_eq!(frame[0].timestamp, number * 500 * MS);
        assert!(frame.last().unwrap().marker);
        for packet in frame {
            pictures.extend(track.packet(at, &packet).into_iter().map(|seen| seen.planes));
        }
    }
    assert!(pictures.len() >= 11, "{} of 12 were decoded", pictures.len());
    for picture in &pictures {
        assert_eq!(picture.size(), size(1280, 720));
        assert!(picture.colour(8, 8).unwrap().y.abs_diff(Colour::GREY.y) <= 3);
        assert!(letters(picture) > 500, "there is something to read");
    }
    let longer = draw(start, &look("Another camera's name", Some(size(1280, 720)))).unwrap();
    let mut track = PictureTrack::default();
    let mut slate = Slate::new(Arc::new(longer), start);
    let frames = (0..2).flat_map(|number| slate.frame(start + PERIOD * number));
    let seen: Vec<_> = frames.flat_map(|packet| track.packet(start, &packet)).collect();
    assert!(letters(&seen[0].planes) > 2 * letters(&pictures[0]), "it is the name that is read");
}

#[test]
fn a_name_that_is_long_or_strange_is_drawn_all_the_same() {
    for title in ["", "\u{0}\n", "カメラ", &"W".repeat(10_000)] {
        let drawn = draw(Instant::now(), &look(title, Some(size(64, 64))));
        assert_eq!(drawn.unwrap().0.len(), FRAMES, "{title:.20}");
    }
}

#[test]
fn a_network_that_fails_hardly_changes_how_old_pictures_are() {
    let mut lag = Lag::default();
    assert_eq!(lag.get(), Duration::ZERO);
    for _ in 0..100 {
        lag.note(Duration::from_millis(120));
    }
    assert_eq!(lag.get().as_millis(), 120);
    lag.note(Duration::from_secs(60));
    assert!((120..180).contains(&lag.get().as_millis()), "{:?}", lag.get());
}

/// A viewer's stream: what it is sent, decoded.
struct World {
    wall: WallClock,
    placing: Placing,
    stream: Stream,
    now: Instant,
    track: PictureTrack,
    /// Of each packet: its number, its timestamp and when it was sent.
    sent: Vec<(u64, u32, Instant)>,
    pictures: Vec<Planes>,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let mut stream = Stream::default();
        stream.add_viewer(now, now, 0);
        Self {
            wall: WallClock::new(now, UNIX_EPOCH + Duration::from_secs(1_000_000)),
            placing: Placing::default(),
            stream,
            now,
            track: PictureTrack::default(),
            sent: Vec::new(),
            pictures: Vec::new(),
        }
    }

    /// Another one publishes, or a slate stands for it.
    fn publish(&mut self) {
        self.placing.publish();
        self.stream.publish(1);
    }

    /// Packets come that are all captured at one moment, and this much time passes.
    fn send(&mut self, mut packets: Vec<Packet>, takes: Duration) {
        for packet in &mut packets {
            packet.timestamp = self.placing.place(&self.wall, packet.captured, packet.timestamp);
        }
        let mut out: Vec<(u64, u32, Packet)> = Vec::new();
        let mut sink = |_: ViewerKey, sent: Outgoing<'_>| {
            let packet = Packet { marker: sent.marker, ..sent.packet.clone() };
            out.push((sent.seq, sent.timestamp, packet));
        };
        self.stream.packets(self.now, &packets, &mut sink);
        let end = self.now + takes;
        while let Some(due) = self.stream.deadline().filter(|due| *due < end) {
            self.stream.pump(due.max(self.now), &mut sink);
        }
        for (seq, timestamp, packet) in out {
            self.sent.push((seq, timestamp, self.now));
            let packet = Packet { seq, timestamp, ..packet };
            let seen = self.track.packet(self.now, &packet);
            self.pictures.extend(seen.into_iter().map(|seen| seen.planes));
        }
        self.now = end;
    }

    /// A camera whose pictures are this old when they come.
    fn film(&mut self, colour: (u8, u8, u8), lag: Duration, frames: u32) {
        self.publish();
        let mut camera = Camera::new(self.now - lag);
        for number in 0..frames {
            camera.at = self.now - lag;
            let packets = camera.shoot(&plain(colour, size(320, 180)), number == 0);
            self.send(packets, FRAME);
        }
    }

    /// A slate that is this old when it is sent; the last of its frames is out for so long.
    fn slate(&mut self, lag: Duration, frames: u32, last: Duration) {
        self.publish();
        let mut slate = Slate::new(group("A cam", size(320, 180)), self.now - lag);
        for number in 1..=frames {
            let packets = slate.frame(self.now - lag);
            self.send(packets, if number == frames { last } else { PERIOD });
        }
    }

    /// The ages in milliseconds at which what was sent since says that it is shown.
    fn ages(&self, since: usize) -> Vec<u32> {
        let age = |(_, timestamp, at): &(u64, u32, Instant)| {
            self.wall.media(*at).wrapping_sub(*timestamp).wrapping_add(MS / 2) / MS
        };
        self.sent[since..].iter().map(age).collect()
    }
}

#[test]
fn a_viewer_sees_the_slate_and_then_the_source_again_and_its_time_goes_on() {
    let lag = Duration::from_millis(120);
    let mut world = World::new();
    world.film(RED, lag, 50);
    world.stream.unpublish();
    world.now += MISSED;
    let away = world.sent.len();
    world.slate(lag, 20, PERIOD);
    let back = world.sent.len();
    // It is as old as the source was: nobody who measures ages finds another one. What is kept for
    // newcomers is shown quickly, within its group.
    let ages = world.ages(away);
    assert!(ages.iter().skip(8).all(|age| (118..=122).contains(age)), "{ages:?}");
    world.film(BLUE, lag, 50);
    let ages = world.ages(back);
    assert!(ages.iter().skip(4).all(|age| (118..=122).contains(age)), "{ages:?}");

    let mut order = world.sent.iter().map(|(seq, timestamp, _)| (*seq, *timestamp));
    let mut last = order.next().unwrap();
    for next in order {
        assert_eq!(next.0, last.0 + 1, "no number is missing");
        assert!(next.1.wrapping_sub(last.1) < 1 << 31, "no timestamp goes back");
        last = next;
    }
    // All that came was decoded, the one after the other.
    let colour = |picture: &Planes| {
        let found = picture.colour(8, 8);
        [
            is_near(found, RED),
            found.is_some_and(|c| c.y.abs_diff(Colour::GREY.y) <= 6),
            is_near(found, BLUE),
        ]
        .iter()
        .position(|is| *is)
    };
    let mut seen: Vec<_> = world.pictures.iter().map(colour).collect();
    seen.dedup();
    assert_eq!(seen, [Some(0), Some(1), Some(2)]);
    assert!(world.pictures.len() >= 50 + 20 + 50 - 2, "{}", world.pictures.len());
}

#[test]
fn a_source_that_comes_sooner_than_its_slate_says_goes_on_behind_it() {
    let mut world = World::new();
    // Nobody has published yet: the slate counts as of now, and the first picture that comes was
    // captured before the slate's last frame was sent.
    world.slate(Duration::ZERO, 3, Duration::from_millis(20));
    world.film(BLUE, Duration::from_millis(60), 100);
    let mut last = world.sent[0].1;
    for (_, timestamp, _) in &world.sent {
        assert!(timestamp.wrapping_sub(last) < 1 << 31);
        last = *timestamp;
    }
    let ages = world.ages(world.sent.len() - 1);
    assert!((58..=62).contains(&ages[0]), "it is found where it is: {ages:?}");
    assert!(is_near(world.pictures.last().unwrap().colour(8, 8), BLUE));
}
