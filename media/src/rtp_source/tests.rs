//! What is packed comes out again, whatever the network does; and what a whole source makes.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::frames::{Frame, Frames, Video};
use super::reorder::{Out, Reorder};
use super::*;
use crate::feed::{Made, SoundData};
use crate::stream;

mod declared;

const SPS: [u8; 25] = [
    0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x6a, 0x02, 0x02, 0x02, 0x80, 0x00,
    0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x47, 0x8c,
];
const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

/// The payloads of a frame, of at most so many bytes: the small units aggregated where `together`.
fn pack(video: Video, units: &[Vec<u8>], most: usize, together: bool) -> Vec<Vec<u8>> {
    let head = if video == Video::H264 { 1 } else { 2 };
    let mut payloads = Vec::new();
    let mut small: Vec<&Vec<u8>> = Vec::new();
    let flush = |small: &mut Vec<&Vec<u8>>, payloads: &mut Vec<Vec<u8>>| {
        match small.len() {
            0 => {}
            1 => payloads.push(small[0].clone()),
            _ => {
                let mut payload = if head == 1 { vec![0x60 | 24] } else { vec![48 << 1, 1] };
                for unit in small.iter() {
                    payload.extend_from_slice(&(unit.len() as u16).to_be_bytes());
                    payload.extend_from_slice(unit);
                }
                payloads.push(payload);
            }
        }
        small.clear();
    };
    for unit in units {
        if unit.len() <= most {
            small.push(unit);
            if !together {
                flush(&mut small, &mut payloads);
            }
            continue;
        }
        flush(&mut small, &mut payloads);
        let pieces: Vec<&[u8]> = unit[head..].chunks(most - head - 1).collect();
        for (number, piece) in pieces.iter().enumerate() {
            let marks = if number == 0 { 0x80 } else { 0 }
                | if number + 1 == pieces.len() { 0x40 } else { 0 };
            let mut payload = match video {
                Video::H264 => vec![unit[0] & 0xe0 | 28, marks | unit[0] & 0x1f],
                Video::H265 => vec![unit[0] & 0x81 | 49 << 1, unit[1], marks | unit[0] >> 1 & 0x3f],
            };
            payload.extend_from_slice(piece);
            payloads.push(payload);
        }
    }
    flush(&mut small, &mut payloads);
    payloads
}

fn annex_b(units: &[Vec<u8>]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], unit.as_slice()].concat()).collect()
}

/// A unit of a frame that is not a key frame, or is one.
fn unit(video: Video, key: bool, size: usize) -> Vec<u8> {
    let mut unit = match (video, key) {
        (Video::H264, true) => vec![0x65],
        (Video::H264, false) => vec![0x41],
        (Video::H265, true) => vec![19 << 1, 1],
        (Video::H265, false) => vec![1 << 1, 1],
    };
    unit.extend((0..size).map(|n| n as u8 | 1));
    unit
}

proptest! {
    /// Whatever is packed comes out the same, though packets come late by less than the buffer
    /// waits, and twice.
    #[test]
    fn what_is_packed_comes_out_though_it_comes_in_disorder(
        h265 in any::<bool>(),
        frames in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(1..3000usize, 1..5)), 1..12),
        most in 200..1400usize,
        together in any::<bool>(),
        marked in any::<bool>(),
        first in any::<u16>(),
        fates in proptest::collection::vec((0..70u64, any::<bool>()), 40),
    ) {
        let video = if h265 { Video::H265 } else { Video::H264 };
        let (mut sent, mut events) = (Vec::new(), Vec::new());
        for (number, (key, sizes)) in frames.iter().enumerate() {
            let units: Vec<Vec<u8>> =
                sizes.iter().map(|size| unit(video, *key, *size)).collect();
            let timestamp = 3600 * number as u32;
            let payloads = pack(video, &units, most, together);
            let last = payloads.len() - 1;
            for (part, payload) in payloads.into_iter().enumerate() {
                let count = events.len();
                let (late, twice) = fates[count % fates.len()];
                let seq = first.wrapping_add(count as u16);
                let packet = (timestamp, marked && part == last, payload);
                events.push((count as u64 + late, twice, seq, packet));
            }
            sent.push(Frame { timestamp, data: annex_b(&units), whole: true, key: *key });
        }
        let again: Vec<_> =
            events.iter().filter(|e| e.1).map(|e| (e.0 + 9, false, e.2, e.3.clone())).collect();
        events.extend(again);
        events.sort_by_key(|event| event.0);
        let start = Instant::now();
        let (mut reorder, mut frames, mut out) = (Reorder::default(), Frames::new(video), vec![]);
        let mut drain = |reorder: &mut Reorder<_>, now| {
            while let Some(Out::Item((timestamp, marker, payload))) = reorder.pop(now) {
                let payload: Vec<u8> = payload;
                out.extend(frames.push(timestamp, marker, &payload));
            }
        };
        for (ms, _, seq, packet) in events {
            let now = start + Duration::from_millis(ms);
            reorder.push(now, seq, packet);
            drain(&mut reorder, now);
        }
        drain(&mut reorder, start + Duration::from_secs(9));
        // The end of the last frame is not known where it is not marked.
        out.extend(frames.push(u32::MAX, false, &[]));
        prop_assert_eq!(out, sent);
    }

    #[test]
    fn no_payload_is_too_strange(
        h265 in any::<bool>(),
        packets in proptest::collection::vec(
            (0..3u32, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..30), any::<bool>()),
            0..60),
    ) {
        let mut frames = Frames::new(if h265 { Video::H265 } else { Video::H264 });
        for (timestamp, marker, payload, gap) in packets {
            if gap {
                frames.gap();
            }
            prop_assert!(frames.push(timestamp, marker, &payload).count() <= 2);
        }
    }

    #[test]
    fn no_datagram_is_too_strange(
        datagrams in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..60), any::<bool>(), 0..90u64), 0..60),
    ) {
        let mut now = Instant::now();
        let mut source = RtpSource::new(now);
        for (mut datagram, right, after) in datagrams {
            now += Duration::from_millis(after);
            if let (true, Some(first)) = (right, datagram.first_mut()) {
                *first = 0x80;
            }
            source.datagram(now, 5000, &datagram, |_| {});
            source.tick(now, |_| {});
            prop_assert!(source.status().tracks.len() <= 4);
        }
    }
}

/// A sender of one track, whose packets come at once.
struct Sender {
    ssrc: u32,
    pt: u8,
    port: u16,
    seq: u16,
}

impl Sender {
    fn new(port: u16, pt: u8) -> Self {
        Self { ssrc: u32::from(port) << 8, pt, port, seq: 65_500 }
    }

    fn packet(&mut self, timestamp: u32, marker: bool, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, self.pt | if marker { 0x80 } else { 0 }];
        packet.extend_from_slice(&self.seq.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        self.seq = self.seq.wrapping_add(1);
        packet
    }

    fn report(&self, ntp: u64, rtp: u32) -> Vec<u8> {
        let mut report = vec![0x80, 200, 0, 6];
        report.extend_from_slice(&self.ssrc.to_be_bytes());
        report.extend_from_slice(&ntp.to_be_bytes());
        report.extend_from_slice(&rtp.to_be_bytes());
        report.extend_from_slice(&[0; 8]);
        report
    }
}

/// A source under test, and what it made.
struct World {
    start: Instant,
    source: RtpSource,
    pictures: Vec<Vec<stream::Packet>>,
    sounds: Vec<crate::feed::Sound>,
}

impl World {
    fn new() -> Self {
        let start = Instant::now();
        Self { start, source: RtpSource::new(start), pictures: vec![], sounds: vec![] }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn datagram(&mut self, ms: u64, port: u16, datagram: &[u8]) {
        let now = self.at(ms);
        let (pictures, sounds) = (&mut self.pictures, &mut self.sounds);
        self.source.datagram(now, port, datagram, |made| match made {
            Made::Picture(packets) => pictures.push(packets),
            Made::Sound(sound) => sounds.push(sound),
        });
    }

    fn tick(&mut self, ms: u64) {
        let now = self.at(ms);
        let (pictures, sounds) = (&mut self.pictures, &mut self.sounds);
        self.source.tick(now, |made| match made {
            Made::Picture(packets) => pictures.push(packets),
            Made::Sound(sound) => sounds.push(sound),
        });
    }

    /// The frame of that number of a picture with a key frame each second; `lost` names the
    /// packets of it that do not come.
    fn frame(&mut self, sender: &mut Sender, number: u32, sets: bool, lost: &[usize]) {
        let key = number.is_multiple_of(25);
        let mut units = Vec::new();
        if key && sets {
            units.extend([SPS.to_vec(), PPS.to_vec()]);
        }
        units.push(unit(Video::H264, key, 3000));
        let payloads = pack(Video::H264, &units, 1400, true);
        let last = payloads.len() - 1;
        for (part, payload) in payloads.iter().enumerate() {
            let packet = sender.packet(7 + 3600 * number, part == last, payload);
            if !lost.contains(&part) {
                self.datagram(u64::from(number) * 40, sender.port, &packet);
            }
        }
    }

    fn has_left(&self, ms: u64) -> bool {
        self.source.has_left(self.at(ms))
    }

    fn told(&self) -> Vec<(u16, Option<&'static str>)> {
        self.source.status().tracks.iter().map(|track| (track.port, track.codec)).collect()
    }
}

#[test]
fn a_picture_is_told_and_packed_anew() {
    let (mut world, mut sender) = (World::new(), Sender::new(5000, 96));
    for number in 0..50 {
        world.frame(&mut sender, number, true, &[]);
    }
    world.tick(2_100);
    assert_eq!(world.told(), [(5000, Some("H.264"))]);
    assert_eq!(world.pictures.len(), 50, "no frame is missed, nor the first");
    assert_eq!(world.source.problems(), [] as [String; 0]);
    let packets: Vec<_> = world.pictures.iter().flatten().collect();
    assert!(packets.iter().all(|packet| packet.payload.len() <= 1200));
    assert!(packets.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
    let first = packets[0].timestamp;
    for (number, frame) in world.pictures.iter().enumerate() {
        assert!(frame.iter().all(|p| p.timestamp.wrapping_sub(first) == 3600 * number as u32));
        assert!(frame.iter().enumerate().all(|(n, p)| p.marker == (n + 1 == frame.len())));
    }
    assert!(packets[0].inspection.parameters);
}

#[test]
fn after_a_loss_the_picture_goes_on_with_the_next_key_frame() {
    let (mut world, mut sender) = (World::new(), Sender::new(5000, 96));
    for number in 0..60 {
        world.frame(&mut sender, number, true, if number == 30 { &[1] } else { &[] });
    }
    world.tick(2_500);
    // Those of 30 to 49 are left out; what follows comes without a break in its numbers.
    assert_eq!((world.pictures.len(), world.source.lost()), (40, 20));
    let packets: Vec<_> = world.pictures.iter().flatten().collect();
    assert!(packets.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
    let [track] = &world.source.status().tracks[..] else { panic!("one track") };
    assert_eq!((track.lost, track.belated), (1, 0));
}

#[test]
fn a_picture_without_parameter_sets_is_told_and_it_is_said() {
    let (mut world, mut sender) = (World::new(), Sender::new(5000, 96));
    for number in 0..120 {
        world.frame(&mut sender, number, false, &[]);
    }
    assert_eq!(world.told(), [(5000, Some("H.264"))]);
    assert!(world.pictures.is_empty());
    let problems = world.source.problems();
    assert!(problems.iter().any(|problem| problem.contains("SPS and PPS")), "{problems:?}");
}

/// Sound of so many packets a second, each `step` later.
fn sound(world: &mut World, sender: &mut Sender, count: u32, step: u32, rate: u32, payload: &[u8]) {
    for number in 0..count {
        let ms = u64::from(number) * u64::from(step) * 1000 / u64::from(rate);
        let packet = sender.packet(number.wrapping_mul(step).wrapping_sub(99), true, payload);
        world.datagram(ms, sender.port, &packet);
    }
}

#[test]
fn opus_is_told_by_its_timestamps() {
    let (mut world, mut sender) = (World::new(), Sender::new(5002, 97));
    sound(&mut world, &mut sender, 100, 960, 48_000, &[31 << 3 | 4, 1, 2, 3]);
    assert_eq!(world.told(), [(5002, Some("Opus"))]);
    assert!(world.sounds.windows(2).all(|pair| pair[1].ticks - pair[0].ticks == 1800));
    // What came while it was told, and what waits at the beginning, is not lost.
    world.tick(9_000);
    assert_eq!(world.sounds.len(), 100);
}

#[test]
fn aac_is_told_with_its_rate_and_its_channels() {
    for (rate, pair) in [(48_000, true), (44_100, true), (32_000, false)] {
        let (mut world, mut sender) = (World::new(), Sender::new(5002, 96));
        let first = if pair { 0x21 } else { 0x01 };
        let payload = [0, 32, 0, 4 << 3, 0, 3 << 3, first, 1, 2, 3, first, 1, 2];
        sound(&mut world, &mut sender, 200, 2048, rate, &payload);
        assert_eq!(world.told(), [(5002, Some("AAC"))], "{rate}");
        let SoundData::Aac(frame) = &world.sounds.last().unwrap().data else { panic!("no AAC") };
        assert_eq!((frame.rate, frame.channels), (rate, if pair { 2 } else { 1 }));
        let lasts = 1024 * 90_000 / i64::from(rate);
        let steps = world.sounds.windows(2).map(|two| two[1].ticks - two[0].ticks);
        assert!(steps.into_iter().all(|step| (step - lasts).abs() <= 1), "{rate}");
    }
}

#[test]
fn what_is_not_taken_is_said_by_name() {
    let vp8 = [0x10, 0x50, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 2, 0x68, 1, 0];
    for (pt, step, payload, word) in [
        (0, 160, &[0x55; 160][..], "PCMU"),
        (96, 3600, &vp8, "VP8"),
        (96, 480, &[0x9f; 1440], "not recognised"),
    ] {
        let (mut world, mut sender) = (World::new(), Sender::new(5004, pt));
        sound(&mut world, &mut sender, 1500, step, 48_000, payload);
        let problems = world.source.problems();
        assert!(problems.iter().any(|problem| problem.contains(word)), "{word}: {problems:?}");
        assert!(world.pictures.is_empty() && world.sounds.is_empty());
    }
}

#[test]
fn a_transport_stream_is_taken_apart() {
    let clip = &include_bytes!("../../../fuzz/seeds/ts/aac")[1..];
    let (mut world, mut sender) = (World::new(), Sender::new(5000, 33));
    for (number, chunk) in clip.chunks(7 * 188).enumerate() {
        let packet = sender.packet(number as u32 * 900, false, chunk);
        world.datagram(number as u64 * 10, 5000, &packet);
    }
    world.tick(9_000);
    assert_eq!(world.told(), [(5000, Some("MPEG-TS"))]);
    assert_eq!(world.pictures.len(), 15);
    assert!(!world.sounds.is_empty());
    assert_eq!(world.source.problems(), [] as [String; 0]);
}

/// Sound comes 300 ms late by its own encoder's fault; the reports say what belongs together.
#[test]
fn reports_put_sound_and_picture_in_step() {
    for reported in [false, true] {
        let (mut world, mut picture, mut sound) =
            (World::new(), Sender::new(5000, 96), Sender::new(5002, 97));
        if reported {
            let ntp = 1_000 << 32;
            let (first, second) = (picture.report(ntp, 7), sound.report(ntp, 500));
            world.datagram(0, 5000, &first);
            world.datagram(0, 5002, &second);
        }
        for number in 0..100 {
            world.frame(&mut picture, number, true, &[]);
            if number >= 8 {
                for half in 0..2 {
                    let at = 960 * (2 * (number - 8) + half);
                    let packet = sound.packet(500 + at, false, &[31 << 3, 1]);
                    world.datagram(u64::from(number) * 40 + u64::from(half) * 20, 5002, &packet);
                }
            }
        }
        assert_eq!(world.source.status().synchronised, reported);
        // The first packets had to wait for others, and seem late.
        let (first, last) = (&world.pictures[25][0], world.pictures.last().unwrap());
        let shown = i64::from(last[0].timestamp.wrapping_sub(first.timestamp));
        let base = first.captured;
        let captured = last[0].captured.duration_since(base).as_millis() as i64;
        assert!((shown / 90 - captured).abs() < 5);
        let heard = world.sounds.last().unwrap();
        // The last sound is of 91.5 frames' time after its first.
        let since = 1000 + heard.captured.duration_since(base).as_millis() as i64;
        assert!(world.sounds.windows(2).all(|two| two[1].ticks > two[0].ticks));
        let expected = if reported { 91 * 40 + 20 } else { 99 * 40 + 20 };
        assert!((since - expected).abs() < 60, "{reported}: {since} and {expected}");
    }
}

/// An encoder that begins anew has another SSRC, and counts from elsewhere.
#[test]
fn an_encoder_that_comes_back_is_taken_at_once() {
    let (mut world, mut sender) = (World::new(), Sender::new(5000, 96));
    for number in 0..30 {
        world.frame(&mut sender, number, true, &[]);
    }
    let mut again = Sender { ssrc: 99, seq: 4, ..Sender::new(5000, 96) };
    for number in 50..80 {
        world.frame(&mut again, number, true, &[]);
    }
    world.tick(9_000);
    assert_eq!(world.pictures.len(), 60);
    let packets: Vec<_> = world.pictures.iter().flatten().collect();
    assert!(packets.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1));
    // Of strangers' senders behind the same address there are no more than may be.
    for ssrc in 200..300 {
        let mut other = Sender { ssrc, ..Sender::new(5000, 96) };
        let packet = other.packet(0, false, &[0x41, 1]);
        world.datagram(9_100, 5000, &packet);
    }
    assert_eq!(world.told().len(), 4);
    assert!(world.source.status().malformed > 90);
}

/// A goodbye of a sender, in a compound packet as encoders send it.
fn goodbye(sender: &Sender) -> Vec<u8> {
    let mut packet = sender.report(1 << 32, 0);
    packet.extend_from_slice(&[0x81, 203, 0, 1]);
    packet.extend_from_slice(&sender.ssrc.to_be_bytes());
    packet
}

#[test]
fn a_source_has_left_when_all_who_send_have_said_goodbye() {
    let (mut world, mut picture, mut sound) =
        (World::new(), Sender::new(5000, 96), Sender::new(5002, 97));
    let opus = [31 << 3, 1];
    for number in 0..50 {
        world.frame(&mut picture, number, true, &[]);
        let packet = sound.packet(number * 1920, false, &opus);
        world.datagram(u64::from(number) * 40, 5002, &packet);
    }
    assert!(!world.has_left(2_000));
    let stranger = Sender { ssrc: 4711, ..Sender::new(5000, 96) };
    world.datagram(2_000, 5000, &goodbye(&stranger));
    assert!(!world.has_left(2_000), "who was never there cannot leave");
    world.datagram(2_000, 5000, &goodbye(&picture));
    assert!(!world.has_left(2_000), "the sound goes on");
    world.datagram(2_001, 5002, &goodbye(&sound));
    assert!(world.has_left(2_001), "at once");
    // One that sends after all has not left.
    world.datagram(2_002, 5002, &sound.packet(99_999, false, &opus));
    assert!(!world.has_left(2_002));
    // Nor is one waited for that just fell silent.
    assert!(world.has_left(3_002));
}

/// An encoder that changes its SSRC, as for a collision, says goodbye under the old one.
#[test]
fn a_sender_that_goes_on_under_another_number_has_not_left() {
    let (mut world, mut sender) = (World::new(), Sender::new(5000, 96));
    for number in 0..50 {
        world.frame(&mut sender, number, true, &[]);
    }
    let mut again = Sender { ssrc: 99, seq: 4, ..Sender::new(5000, 96) };
    for number in 50..80 {
        world.frame(&mut again, number, true, &[]);
        if number == 50 {
            world.datagram(2_001, 5000, &goodbye(&sender));
        }
        assert!(!world.has_left(u64::from(number) * 40));
    }
    world.tick(9_000);
    assert_eq!(world.pictures.len(), 80);
}
