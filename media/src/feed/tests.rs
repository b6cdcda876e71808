//! Clips that ffmpeg made, all the way through.

pub(crate) mod h265;
pub(crate) mod sound;
mod tables;

use std::time::{Duration, Instant};

use super::*;
use crate::ts::Demuxer;

/// 160 x 90, 25 frames a second, a key frame every fifth; AAC of 440 Hz, stereo, 48 kHz.
const AAC: &[u8] = include_bytes!("../../../fuzz/seeds/ts/aac");
/// The same with B-frames and with Opus.
const OPUS: &[u8] = include_bytes!("../../../fuzz/seeds/ts/opus-b-frames");
/// Like the first, with AAC in LATM.
const LATM: &[u8] = include_bytes!("../../../fuzz/seeds/ts/latm");
const MONO: &[u8] = include_bytes!("../../../fuzz/seeds/adts/mono-44100");
const LOAS: &[u8] = include_bytes!("../../../fuzz/seeds/latm/stereo");
const STEREO: &[u8] = include_bytes!("../../../fuzz/seeds/adts/stereo");

/// A clip without the byte that tells the fuzz target how to cut it.
fn clip(seed: &[u8]) -> &[u8] {
    &seed[1..]
}

fn units(bytes: &[u8]) -> Vec<Unit> {
    let mut units = Vec::new();
    Demuxer::default().push(bytes, |event| {
        if let Event::Unit(unit) = event {
            units.push(unit);
        }
    });
    units
}

#[test]
fn every_frame_is_handed_on_without_waiting_for_the_next() {
    let all = units(clip(AAC));
    let video = all.iter().filter(|unit| unit.codec == TrackCodec::H264);
    assert_eq!(video.clone().count(), 15, "0.6 s, the last of them too");
    assert!(all.iter().all(|unit| unit.whole && unit.pts.is_some()));
    let times: Vec<u64> = video.filter_map(|unit| unit.pts).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 3600));
}

#[test]
fn a_frame_that_lost_a_packet_is_told_and_the_others_stay() {
    let bytes = clip(AAC);
    let whole = units(bytes).len();
    // A packet in the middle of a frame of several: neither its first nor its last.
    let packets: Vec<&[u8]> = bytes.chunks(188).collect();
    let lost = packets.windows(3).position(|three| {
        three.iter().all(|p| p[1] & 0x5f == 0x01 && p[2] == 0 && p[3] & 0x30 == 0x10)
    });
    let lost = lost.unwrap() + 1;
    let rest: Vec<u8> = packets
        .iter()
        .enumerate()
        .filter(|(n, _)| *n != lost)
        .flat_map(|(_, p)| *p)
        .copied()
        .collect();
    let found = units(&rest);
    assert_eq!(found.iter().filter(|unit| !unit.whole).count(), 1);
    assert_eq!(found.len(), whole);
}

/// What a feed makes of a clip that comes in datagrams, in real time.
fn made(bytes: &[u8]) -> (Feed, Vec<Packet>, Vec<Sound>) {
    let (mut feed, mut pictures, mut sounds) = (Feed::new(), Vec::new(), Vec::new());
    let start = Instant::now();
    let step = Duration::from_millis(600) / (bytes.len() / 1316) as u32;
    for (number, datagram) in bytes.chunks(1316).enumerate() {
        feed.push(start + step * number as u32, datagram, |made| match made {
            Made::Picture(packets) => pictures.extend(packets),
            Made::Sound(sound) => sounds.push(sound),
        });
    }
    (feed, pictures, sounds)
}

/// A camera with B-frames: 25 frames a second, a key frame every fifth, in the order in which they
/// are sent.
pub(crate) struct BFrames {
    clip: Vec<Vec<Packet>>,
    start: Instant,
    next: u64,
}

impl BFrames {
    const FRAMES: u64 = 15;

    pub(crate) fn new(start: Instant) -> Self {
        let mut frames: Vec<Vec<Packet>> = Vec::new();
        for packet in made(clip(OPUS)).1 {
            match frames.last_mut().filter(|frame| frame[0].timestamp == packet.timestamp) {
                Some(frame) => frame.push(packet),
                None => frames.push(vec![packet]),
            }
        }
        assert_eq!(frames.len() as u64, Self::FRAMES);
        Self { clip: frames, start, next: 0 }
    }

    /// The packets of the next frame. It is captured when it is shown.
    pub(crate) fn shoot(&mut self) -> Vec<Packet> {
        let (turn, at) = (self.next / Self::FRAMES, self.next % Self::FRAMES);
        self.next += 1;
        let first = &self.clip[0][0];
        let last_seq = self.clip.iter().flatten().map(|packet| packet.seq).max().unwrap_or(0);
        let shift = |packet: &Packet| {
            let ticks = packet.timestamp.wrapping_sub(first.timestamp) + turn as u32 * 54_000;
            Packet {
                seq: packet.seq + turn * last_seq,
                timestamp: ticks,
                captured: self.start + Duration::from_micros(u64::from(ticks) * 100 / 9),
                ..packet.clone()
            }
        };
        self.clip[at as usize].iter().map(shift).collect()
    }
}

#[test]
fn a_clip_becomes_packets() {
    let (feed, pictures, sounds) = made(clip(AAC));
    assert_eq!(feed.problems(), &[] as &[String]);
    let numbers: Vec<u64> = pictures.iter().map(|packet| packet.seq).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let frames = pictures.iter().filter(|packet| packet.marker).count();
    assert_eq!(frames, 15);
    let mut times: Vec<u32> = pictures.iter().map(|packet| packet.timestamp).collect();
    times.dedup();
    assert!(times.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == 3600));
    for key in pictures.iter().filter(|packet| packet.inspection.key) {
        let parameters = |p: &&Packet| p.timestamp == key.timestamp && p.inspection.parameters;
        assert!(pictures.iter().any(|p| parameters(&p)), "a key frame has its parameter sets");
    }
    // 0.6 s of frames of 1024 samples, one behind the other, and ffmpeg's run-in.
    assert!((28..=31).contains(&sounds.len()), "{}", sounds.len());
    assert!(sounds.windows(2).all(|pair| pair[1].ticks - pair[0].ticks == 1920));
}

#[test]
fn b_frames_are_seen_and_opus_goes_through() {
    let (_, pictures, sounds) = made(clip(OPUS));
    assert!(pictures.iter().any(|packet| packet.inspection.bidirectional));
    let opus = |sound: &Sound| matches!(&sound.data, SoundData::Opus(packet) if !packet.is_empty());
    assert!(sounds.len() >= 25 && sounds.iter().all(opus));
    assert!(sounds.windows(2).all(|pair| pair[1].ticks - pair[0].ticks == 1800));
}

#[test]
fn latm_is_read_like_adts() {
    let (feed, pictures, sounds) = made(clip(LATM));
    assert_eq!(feed.problems(), &[] as &[String]);
    assert_eq!(pictures.iter().filter(|packet| packet.marker).count(), 15);
    assert!((28..=31).contains(&sounds.len()), "{}", sounds.len());
    assert!(sounds.windows(2).all(|pair| pair[1].ticks - pair[0].ticks == 1920));
    assert!(sounds.iter().all(|sound| match &sound.data {
        SoundData::Aac(frame) => (frame.rate, frame.channels) == (48_000, 2),
        SoundData::Opus(_) | SoundData::Pcm(_) => false,
    }));
}

/// A packet of a track before any table, and a start in the middle of everything.
#[test]
fn a_stream_is_joined_anywhere() {
    let bytes = clip(AAC);
    let tables = 3 * 188;
    let late: Vec<u8> = [&bytes[tables + 188 * 4..tables + 188 * 6], &[9; 77], bytes].concat();
    assert_eq!(units(&late).len(), units(bytes).len(), "what comes first is passed over");
    // From 0.2 s on, with the tables that ffmpeg repeats.
    let (_, pictures, sounds) = made(&bytes[bytes.len() / 3 + 50..]);
    let first = pictures.first().expect("a key frame follows");
    assert!(first.inspection.parameters && !sounds.is_empty());
    assert!(pictures.iter().filter(|packet| packet.marker).count() >= 5);
}

/// Bytes that are wrong here and there cost the frames that they are in.
#[test]
fn damage_passes() {
    let mut bytes = clip(AAC).to_vec();
    let whole = units(&bytes).len();
    for at in (2_000..9_000).step_by(1_777) {
        bytes[at] ^= 0x5a;
        // One in a header: the next packet begins where it did.
        bytes[at / 188 * 188] = 0;
    }
    let found = units(&bytes);
    assert!(found.len() >= whole / 2, "{} of {whole}", found.len());
    let (_, pictures, _) = made(&bytes);
    assert!(pictures.iter().filter(|packet| packet.marker).count() >= 5);
}

/// A clip whose presentation times are moved, in place.
fn shifted(bytes: &[u8], by: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for packet in bytes.chunks_mut(188) {
        let start = match packet[3] & 0x30 {
            0x30 => 5 + usize::from(packet[4]),
            _ => 4,
        };
        let is_pes = packet[1] & 0x40 != 0 && packet[start..].starts_with(&[0, 0, 1]);
        if !is_pes {
            continue;
        }
        let flags = packet[start + 7] >> 6;
        for at in (0..usize::from(flags & 1) + usize::from(flags >> 1)).map(|n| start + 9 + 5 * n) {
            let time = &mut packet[at..at + 5];
            let old = u64::from(time[0] >> 1 & 7) << 30
                | u64::from(time[1]) << 22
                | u64::from(time[2] >> 1) << 15
                | u64::from(time[3]) << 7
                | u64::from(time[4] >> 1);
            let new = (old + by) % (1 << 33);
            time[0] = time[0] & 0xf1 | ((new >> 30) as u8) << 1;
            time[1] = (new >> 22) as u8;
            time[2] = (new >> 14) as u8 | 1;
            time[3] = (new >> 7) as u8;
            time[4] = (new << 1) as u8 | 1;
        }
    }
    bytes
}

#[test]
fn presentation_times_wrap_in_the_middle_of_a_stream() {
    // ffmpeg begins at 1.4 s; the wrap comes 0.3 s later.
    let bytes = shifted(clip(AAC), (1 << 33) - 153_000);
    let times: Vec<u64> = units(&bytes).iter().filter_map(|unit| unit.pts).collect();
    assert!(times.iter().any(|pts| *pts > 1 << 32) && times.iter().any(|pts| *pts < 1 << 32));
    let (_, pictures, sounds) = made(&bytes);
    let mut times: Vec<u32> = pictures.iter().map(|packet| packet.timestamp).collect();
    times.dedup();
    assert_eq!(times.len(), 15);
    assert!(times.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == 3600));
    assert!(sounds.windows(2).all(|pair| pair[1].ticks - pair[0].ticks == 1920));
}

/// The encoder starts anew: other times, and counters that do not go on. A key frame comes first.
#[test]
fn a_new_beginning_goes_on_in_the_same_stream() {
    let bytes = [clip(AAC), &shifted(clip(AAC), 900_000_000)[..]].concat();
    let (feed, pictures, sounds) = made(&bytes);
    assert_eq!(feed.problems(), &[] as &[String]);
    let numbers: Vec<u64> = pictures.iter().map(|packet| packet.seq).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let mut times: Vec<u32> = pictures.iter().map(|packet| packet.timestamp).collect();
    times.dedup();
    assert_eq!(times.len(), 30);
    let steps: Vec<u32> = times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    assert!(steps.iter().all(|step| *step < 90_000), "{steps:?}");
    assert!(sounds.windows(2).all(|pair| pair[1].ticks > pair[0].ticks));
}

/// Both tracks of one moment have one time on this machine's clock.
#[test]
fn picture_and_sound_have_one_clock() {
    let (_, pictures, sounds) = made(clip(AAC));
    let (picture, sound) = (pictures.last().unwrap(), sounds.last().unwrap());
    let first = &pictures[0];
    let pts = units(clip(AAC)).iter().find(|unit| unit.codec == TrackCodec::H264).unwrap().pts;
    let ticks = pts.unwrap() as i64 + i64::from(picture.timestamp.wrapping_sub(first.timestamp));
    let apart = (sound.ticks - ticks) * 1000 / 90;
    let clock = match sound.captured.checked_duration_since(picture.captured) {
        Some(later) => later.as_micros() as i64,
        None => -(picture.captured.duration_since(sound.captured).as_micros() as i64),
    };
    assert!((clock - apart).abs() < 20_000, "{clock} and {apart} microseconds");
}

#[test]
fn a_picture_without_key_frames_is_told() {
    let mut feed = Feed::new();
    feed.tracks(&[Track { pid: 256, codec: TrackCodec::H264 }]);
    let start = Instant::now();
    let push = |feed: &mut Feed, number: u64, data: &[u8]| {
        let unit = Unit {
            pid: 256,
            codec: TrackCodec::H264,
            pts: Some(number * 3600),
            dts: None,
            data: data.to_vec(),
            whole: true,
        };
        let mut packets = 0;
        feed.unit(start + Duration::from_millis(40 * number), &unit, &mut |_| packets += 1);
        packets
    };
    for number in 0..u64::from(KEYLESS) {
        assert_eq!(push(&mut feed, number, &[0, 0, 1, 0x41, 0x9a, 1]), 0);
    }
    assert!(feed.problems().iter().any(|problem| problem.contains("key frame")));
    let key = [0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 1, 0, 0, 1, 0x68, 0xce, 1, 0, 0, 1, 0x65, 0x88, 1];
    assert_eq!(push(&mut feed, 300, &key), 1);
    assert_eq!(feed.problems(), &[] as &[String]);
}

/// How loud a frequency is in samples, from 0 to 1.
fn level(samples: &[f32], hertz: f64) -> f64 {
    let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
    for (number, sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * hertz * number as f64 / 48_000.0;
        let sample = f64::from(*sample);
        sine += sample * angle.sin();
        cosine += sample * angle.cos();
        all += sample * sample;
    }
    let count = samples.len() as f64;
    2.0 * (sine * sine + cosine * cosine) / (count * all)
}

/// Transcodes frames, decodes what comes out, and gives back one channel of each second packet on.
fn heard(frames: Vec<AacFrame>) -> Vec<f32> {
    let (mut transcoder, start) = (Transcoder::new(), Instant::now());
    let mut decoder = opus::Decoder::new(48_000, opus::Channels::Stereo).unwrap();
    let (mut samples, mut expected) = (Vec::new(), None);
    let mut ticks = 900_000;
    for frame in frames {
        let captured = start + Duration::from_micros((ticks - 900_000) as u64 * 100 / 9);
        let duration = 1024 * 90_000 / i64::from(frame.rate);
        let sound = Sound { data: SoundData::Aac(frame), ticks, captured };
        ticks += duration;
        for packet in transcoder.push(sound).unwrap() {
            let at = *expected.get_or_insert(packet.samples);
            assert_eq!(packet.samples, at, "packets follow each other");
            assert_eq!(packet.begins, at == 480_000, "and only the first begins");
            let since = packet.captured.duration_since(start).as_micros() as i64;
            assert!((since - (at - 480_000) * 1000 / 48).abs() < 1000, "{since} at {at}");
            expected = Some(at + 960);
            let mut pcm = [0.0f32; 2 * 960];
            let count = decoder.decode_float(&packet.payload, &mut pcm, false).unwrap();
            assert_eq!(count, 960);
            samples.extend(pcm.chunks(2).map(|both| {
                assert!((both[0] - both[1]).abs() < 0.05, "both channels are alike");
                both[0]
            }));
        }
    }
    samples
}

#[test]
fn the_tone_stays_what_it_is() {
    for (name, frames) in [
        ("mono, 44.1 kHz", AdtsReader::default().push(MONO)),
        ("stereo, 48 kHz", AdtsReader::default().push(STEREO)),
        ("stereo, 48 kHz, in LATM", LatmReader::default().push(LOAS)),
    ] {
        let samples = heard(frames);
        // The run-in of both codecs, and the end of the clip.
        let middle = &samples[4800..14_400];
        assert!(level(middle, 440.0) > 0.95, "{name}: {}", level(middle, 440.0));
        assert!(level(middle, 880.0) < 0.01 && level(middle, 220.0) < 0.01);
    }
}

#[test]
fn a_gap_in_the_sound_begins_anew_where_it_ends() {
    let frames = AdtsReader::default().push(STEREO);
    let (mut transcoder, captured) = (Transcoder::new(), Instant::now());
    let mut packets = Vec::new();
    for (number, frame) in frames.into_iter().enumerate() {
        if (6..10).contains(&number) {
            continue;
        }
        let ticks = number as i64 * 1920;
        let sound = Sound { data: SoundData::Aac(frame), ticks, captured };
        packets.extend(transcoder.push(sound).unwrap());
    }
    let begin: Vec<i64> = packets.iter().filter(|p| p.begins).map(|p| p.samples).collect();
    assert_eq!(begin, [0, 10_240]);
}

#[test]
fn what_is_not_decoded_is_said_by_name() {
    let frame = |rate, channels, profile| AacFrame {
        profile,
        rate,
        channels,
        blocks: 1,
        payload: vec![0; 8],
        began: 0,
    };
    let lc = Profile::Lc;
    assert_eq!(refusal(&frame(48_000, 2, lc)), None);
    assert_eq!(refusal(&frame(32_000, 1, lc)), None);
    assert_eq!(refusal(&frame(24_000, 1, Profile::He)), None);
    assert_eq!(refusal(&frame(48_000, 6, lc)), None);
    for (rate, channels, profile, word) in [
        (48_000, 7, lc, "5.1"),
        (48_000, 0, lc, "how many"),
        (48_000, 2, Profile::Other, "profile"),
    ] {
        assert!(refusal(&frame(rate, channels, profile)).unwrap().contains(word));
    }
}

#[test]
fn a_click_comes_out_of_opus_no_later_than_it_must() {
    let mut encoder = opus_encoder().unwrap();
    let mut decoder = opus::Decoder::new(48_000, opus::Channels::Stereo).unwrap();
    let mut heard = Vec::new();
    for packet in 0..10 {
        let mut sound = [0.0f32; 2 * 960];
        if packet == 5 {
            sound[2 * 480..2 * 482].fill(0.9);
        }
        let payload = encoder.encode_vec_float(&sound, 1200).unwrap();
        let mut out = [0.0f32; 2 * 960];
        decoder.decode_float(&payload, &mut out, false).unwrap();
        heard.extend(out.chunks_exact(2).map(|both| both[0].abs()));
    }
    let loudest = heard.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    let late = loudest as i64 - (5 * 960 + 480);
    assert!((0..=130).contains(&late), "{late} samples");
}

#[test]
fn opus_packets_say_how_long_they_are() {
    // Configuration 31 is 20 ms of CELT, 16 is 2.5 ms; then how many frames there are.
    for (packet, samples) in [
        (&[31 << 3][..], 960),
        (&[31 << 3 | 1][..], 1920),
        (&[16 << 3 | 3, 4][..], 480),
        (&[][..], 0),
    ] {
        assert_eq!(opus_samples(packet), samples);
    }
}

#[test]
fn h265_begins_with_its_parameter_sets_and_is_called_what_it_is() {
    let (mut feed, now) = (Feed::new(), Instant::now());
    let track = Track { pid: 1, codec: TrackCodec::H265 };
    feed.declare(&[track]);
    let frame = |units: &[&[u8]]| -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
    };
    let sets: [&[u8]; 3] = [&[0x40, 1, 0x0c, 1], &[0x42, 1, 1, 1, 0x60], &[0x44, 1, 0xc0, 0x73]];
    let (idr, trailing): (&[u8], &[u8]) = (&[0x26, 1, 0xaf, 7], &[0x02, 1, 0xd0, 7]);
    let mut made = Vec::new();
    for (number, units) in
        [vec![trailing], vec![idr], vec![sets[0], sets[1], sets[2], idr], vec![trailing], vec![idr]]
            .iter()
            .enumerate()
    {
        feed.seen(now, track, number as u64 * 3_600, frame(units), |one| made.push(one));
    }
    let pictures: Vec<Vec<Packet>> = made
        .into_iter()
        .map(|made| match made {
            Made::Picture(packets) => packets,
            Made::Sound(_) => unreachable!("there is none"),
        })
        .collect();
    let counts: Vec<usize> = pictures.iter().map(Vec::len).collect();
    assert_eq!(counts, [2, 1, 2], "nothing before the first sets, which go with each key frame");
    assert!(pictures.iter().flatten().all(|packet| packet.codec == Codec::H265));
    assert!(pictures[0][0].inspection.parameters && pictures[0][1].inspection.key);
    assert!(pictures.iter().all(|picture| picture.last().unwrap().marker));
    assert!(feed.problems().iter().all(|problem| !problem.contains("H.265")));
}
