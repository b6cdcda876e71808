//! Sound that ffmpeg decodes, by the ffmpeg of this machine. What it is fed:
//! HE-AAC of 44.1 kHz and HE-AAC v2 of 48 kHz, 440 Hz on both sides and twice as loud on the left;
//! 5.1 with a tone in each channel.

use std::time::{Duration, Instant};

use super::*;
use crate::feed::Samples;
use crate::feed::tests::sound::Listener;
use crate::ts::AdtsReader;

const HE: &[u8] = include_bytes!("../../../tests/aac/he-44100.aac");
const HE2: &[u8] = include_bytes!("../../../tests/aac/he2-48000.aac");
const SURROUND: &[u8] = include_bytes!("../../../tests/aac/surround-48000.aac");
/// Longer than ffmpeg takes for anything.
const LONG: Duration = Duration::from_secs(30);

/// The one that `make tools` installs. Its shell finds it in the system's folders.
fn installed() -> Ffmpeg {
    Ffmpeg::at("ffmpeg".into())
}

/// A source's sound, without its thread.
struct World {
    work: Work,
    inbox: Receiver<Item>,
    start: Instant,
}

impl World {
    fn new(ffmpeg: Ffmpeg) -> Self {
        let (items, inbox) = sync_channel(WAITING);
        let (transcoder, problem) = (Transcoder::new(), Problem::default());
        let (outside, surround) = (Outside::new(Some(ffmpeg), items), Arc::default());
        let work = Work { transcoder, outside, problem, surround };
        Self { work, inbox, start: Instant::now() }
    }

    fn problem(&self) -> Option<String> {
        self.work.problem.lock().unwrap().clone()
    }

    /// Hands over the frame with this number, at its time.
    fn hand_over(&mut self, number: usize, frame: &crate::ts::AacFrame) {
        let ticks = number as i64 * 1024 * 90_000 / i64::from(frame.rate);
        let captured = self.start + Duration::from_micros(ticks as u64 * 100 / 9);
        let sound = Sound { data: SoundData::Aac(frame.clone()), ticks, captured };
        let made = self.work.item(captured, Item::Sound(sound));
        assert_eq!(made, [], "it comes back later");
    }

    /// The packets of the next output.
    fn output(&mut self, now: Instant) -> Vec<OpusPacket> {
        let item = self.inbox.recv_timeout(LONG).expect("ffmpeg gives nothing out");
        self.work.item(now, item)
    }
}

/// Feeds frames one after the other, each when what was made of those before has come, and gives
/// back both channels of what is heard.
fn heard(bytes: &[u8], frames_at_once: usize) -> [Vec<f32>; 2] {
    let frames = AdtsReader::default().push(bytes);
    let mut world = World::new(installed());
    let mut listener = Listener::new();
    for (turn, some) in frames.chunks(frames_at_once).enumerate() {
        for (number, frame) in some.iter().enumerate() {
            world.hand_over(turn * frames_at_once + number, frame);
        }
        // It keeps nothing back: all but what fills no packet, and what the resampler has, is here.
        let count = turn * frames_at_once + some.len();
        let all = count as i64 * 1024 * 48_000 / i64::from(some[0].rate);
        while listener.next + 960 + 800 < all {
            for packet in world.output(world.start) {
                let since = packet.captured.duration_since(world.start).as_micros() as i64;
                let next = listener.next;
                assert!((since - next * 1000 / 48).abs() < 1000, "{since} at {next}");
                listener.hear(&packet);
            }
        }
    }
    assert_eq!(world.problem(), None);
    listener.samples
}

/// The height of a tone in samples.
fn height(samples: &[f32], hertz: f64) -> f64 {
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (number, sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * hertz * number as f64 / 48_000.0;
        sine += f64::from(*sample) * angle.sin();
        cosine += f64::from(*sample) * angle.cos();
    }
    2.0 * (sine * sine + cosine * cosine).sqrt() / samples.len() as f64
}

#[test]
fn high_efficiency_is_heard_at_its_pitch_and_its_pace() {
    for (name, clip) in [("HE-AAC", HE), ("HE-AAC v2", HE2)] {
        let samples = heard(clip, 1);
        let [left, right] = samples.each_ref().map(|all| height(&all[19_200..57_600], 440.0));
        println!("{name}: {left:.3} on the left, {right:.3} on the right");
        assert!((left - 0.4).abs() < 0.04 && (right - 0.2).abs() < 0.04, "{name}: {left} {right}");
        let strange = height(&samples[0][19_200..57_600], 880.0);
        assert!(strange < 0.01, "{name}: {strange}");
    }
}

#[test]
fn five_and_one_channels_are_heard_in_two() {
    let samples = heard(SURROUND, 3);
    let [left, right] = samples.each_ref().map(|all| &all[9_600..38_400]);
    let front = 0.2 / (1.0 + 2.0_f64.sqrt());
    let half = front / 2.0_f64.sqrt();
    // Front left and right, front centre, low frequencies, behind on the left and on the right.
    for (hertz, on_left, on_right) in [
        (300.0, front, 0.0),
        (500.0, 0.0, front),
        (700.0, half, half),
        (60.0, 0.0, 0.0),
        (1_100.0, half, 0.0),
        (1_300.0, 0.0, half),
    ] {
        let got = [left, right].map(|samples| height(samples, hertz));
        println!("{hertz} Hz: {:.4} on the left, {:.4} on the right", got[0], got[1]);
        let near = |got: f64, wanted: f64| (got - wanted).abs() < 0.06 * front;
        assert!(near(got[0], on_left) && near(got[1], on_right), "{hertz} Hz: {got:?}");
    }
}

/// Between a damaged frame and the next second there may be a little too early what follows it.
#[test]
fn a_frame_that_cannot_be_decoded_puts_nothing_out_of_step_for_long() {
    let mut frames = AdtsReader::default().push(SURROUND);
    let damaged = 10;
    frames[damaged].payload = vec![0xff; 40];
    let mut world = World::new(installed());
    let (mut bytes, mut last) = (0, None);
    // Each gives its samples out before the next comes, but for the one that has none.
    let mut wait_for = |world: &mut World, frames: usize| {
        while bytes < 32 + frames * 1024 * 6 * 4 {
            let item = world.inbox.recv_timeout(LONG).expect("ffmpeg gives nothing out");
            if let Item::Output(_, Output::Bytes(some)) = &item {
                bytes += some.len();
            }
            last = world.work.item(world.start, item).pop().or(last.take());
        }
    };
    for (number, frame) in frames.iter().enumerate() {
        world.hand_over(number, frame);
        wait_for(&mut world, number + usize::from(number < damaged));
    }
    // All that came out was captured when it was: the last packet is the last whole one.
    let (last, end) = (last.unwrap().samples + 960, frames.len() as i64 * 1024);
    assert!((0..960).contains(&(end - last)), "{last} of {end}");
    assert_eq!(world.problem(), None);
}

#[test]
fn a_program_that_ends_is_started_again_after_a_pause_that_grows() {
    let frames = AdtsReader::default().push(SURROUND);
    let mut world = World::new(Ffmpeg::at("/bin/false".into()));
    let mut now = world.start;
    let mut started = Vec::new();
    // A frame each half second.
    for number in 0..100 {
        let sound = Sound { data: SoundData::Aac(frames[0].clone()), ticks: 0, captured: now };
        assert_eq!(world.work.item(now, Item::Sound(sound)), []);
        if world.work.outside.runs() {
            started.push(number / 2);
            assert_eq!(world.output(now), []);
            let problem = world.problem().unwrap();
            assert!(problem.contains("more than two channels") && problem.contains("ended"));
        }
        now += Duration::from_millis(500);
    }
    assert_eq!(started, [0, 2, 6, 14, 30]);
    // What comes later of one that is gone is nothing.
    assert_eq!(world.work.item(now, Item::Output(1, Output::Bytes(vec![1; 100]))), []);
}

/// 5.1 that was taken for one channel, until somebody declared what it is.
#[test]
fn what_was_wrong_is_over_when_something_is_heard() {
    let frames = AdtsReader::default().push(SURROUND);
    let mut world = World::new(Ffmpeg::at("/bin/false".into()));
    for frame in &frames[..25] {
        let frame = crate::ts::AacFrame { channels: 1, ..frame.clone() };
        world.hand_over(0, &frame);
    }
    assert!(world.problem().unwrap().contains("cannot be decoded"));
    let data = SoundData::Pcm(Samples { pcm: vec![0.0; 2 * 960], channels: 2, rate: 48_000 });
    let sound = Sound { data, ticks: 0, captured: world.start };
    assert_eq!(world.work.item(world.start, Item::Sound(sound)).len(), 1);
    assert_eq!(world.problem(), None);
}

#[test]
fn its_thread_and_its_process_end_with_their_source() {
    let (feeds, mut packets) = mpsc::channel(64);
    let thread = SoundThread::start(SessionId::random(), feeds, Some(installed()), Arc::default());
    for (number, frame) in AdtsReader::default().push(SURROUND).into_iter().enumerate().take(20) {
        let (ticks, captured) = (number as i64 * 1920, Instant::now());
        thread.push(Sound { data: SoundData::Aac(frame), ticks, captured });
    }
    assert!(matches!(packets.blocking_recv(), Some(FeedItem::Packets(..))));
    drop(thread);
    // The thread has the other end: it is gone when nothing can come any more.
    while packets.blocking_recv().is_some() {}
}

/// The two channels and all six are twins, so that whoever goes from one to the other goes on.
#[test]
fn six_channels_are_sent_beside_the_two_while_they_are_wanted() {
    let (feeds, mut packets) = mpsc::channel(64);
    let surround = Arc::new(AtomicBool::new(false));
    let thread = SoundThread::start(SessionId::random(), feeds, None, Arc::clone(&surround));
    let mut number = 0;
    let mut next = |wanted: bool| {
        surround.store(wanted, Ordering::Relaxed);
        let data = SoundData::Pcm(Samples { pcm: vec![0.1; 6 * 960], channels: 6, rate: 48_000 });
        thread.push(Sound { data, ticks: number * 1800, captured: Instant::now() });
        number += 1;
        let Some(FeedItem::Packets(_, packets)) = packets.blocking_recv() else {
            panic!("nothing comes");
        };
        packets
    };
    let [two] = &next(false)[..] else { panic!("nobody takes six") };
    let with_six = next(true);
    let [mixed, six] = &with_six[..] else { panic!("both are to come") };
    assert_eq!((mixed.codec, mixed.layer), (Codec::Opus, 0));
    assert_eq!((six.codec, six.layer), (Codec::MultiOpus, MADE));
    assert_eq!(
        (six.seq, six.timestamp, six.captured),
        (mixed.seq, mixed.timestamp, mixed.captured)
    );
    assert_eq!((mixed.seq - two.seq, mixed.timestamp.wrapping_sub(two.timestamp)), (1, 960));
    assert_eq!((mixed.inspection.channels, six.inspection.channels), (Some(2), Some(6)));
    let [last] = &next(false)[..] else { panic!("nobody takes six any more") };
    assert_eq!(last.seq, six.seq + 1);
}

/// From the moment that a frame of 5.1 is there to the packet with its first sample, by ffmpeg and with all
/// six channels besides: what the server adds.
#[test]
#[ignore = "measures, for an idle machine"]
fn little_is_added_to_the_delay_of_six_channels() {
    let (feeds, mut packets) = mpsc::channel(256);
    let surround = Arc::new(AtomicBool::new(true));
    let thread = SoundThread::start(SessionId::random(), feeds, Some(installed()), surround);
    let frames = AdtsReader::default().push(SURROUND);
    // An encoder's pace.
    let sent = std::thread::spawn(move || {
        let start = Instant::now();
        for (number, frame) in (0u32..8 * frames.len() as u32).zip(frames.into_iter().cycle()) {
            let at = start + number * Duration::from_micros(21_333);
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            let (data, captured) = (SoundData::Aac(frame), Instant::now());
            thread.push(Sound { data, ticks: i64::from(number) * 1920, captured });
        }
        // It goes on until the last is out.
        std::thread::sleep(Duration::from_millis(200));
    });
    let mut ages = Vec::new();
    while let Some(item) = packets.blocking_recv() {
        let FeedItem::Packets(_, packets) = item else { panic!("it sends packets alone") };
        assert_eq!(packets.len(), 2);
        ages.push(packets[0].captured.elapsed());
    }
    sent.join().unwrap();
    // ffmpeg takes some time to start, and what waited for it is sent little faster than it is played.
    let mut settled = ages.split_off(ages.len() / 4 * 3);
    settled.sort();
    let (middle, most) = (settled[settled.len() / 2], settled[settled.len() - 1]);
    println!("5.1 leaves {middle:.1?} after it came, {most:.1?} at most");
    assert!(middle < Duration::from_millis(70), "{middle:?}");
}
