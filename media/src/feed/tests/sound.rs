//! Sound on its way to Opus.

use super::*;

/// Hears packets one after the other.
pub(crate) struct Listener {
    decoder: opus::Decoder,
    /// What is heard on the left and on the right, at 48 kHz.
    pub(crate) samples: [Vec<f32>; 2],
    /// Where the next packet begins, in samples.
    pub(crate) next: i64,
}

impl Listener {
    pub(crate) fn new() -> Self {
        let decoder = opus::Decoder::new(48_000, opus::Channels::Stereo).unwrap();
        Self { decoder, samples: [Vec::new(), Vec::new()], next: 0 }
    }

    /// Hears a packet, which is to follow the one before without a break.
    pub(crate) fn hear(&mut self, packet: &OpusPacket) {
        assert_eq!((packet.samples, packet.begins), (self.next, self.next == 0), "without a break");
        self.next += 960;
        let mut pcm = [0.0f32; 2 * 960];
        self.decoder.decode_float(&packet.payload, &mut pcm, false).unwrap();
        for both in pcm.chunks(2) {
            self.samples[0].push(both[0]);
            self.samples[1].push(both[1]);
        }
    }
}

/// One frame of 48 kHz is 21 ms: who hears what follows so much too early sees it.
#[test]
fn a_single_frame_that_is_missing_leaves_the_others_where_they_are() {
    let frames = AdtsReader::default().push(STEREO);
    let (mut transcoder, captured) = (Transcoder::new(), Instant::now());
    let mut packets = Vec::new();
    for (number, frame) in frames.into_iter().enumerate().filter(|(number, _)| *number != 6) {
        let ticks = number as i64 * 1920;
        let sound = Sound { data: SoundData::Aac(frame), ticks, captured };
        packets.extend(transcoder.push(sound).unwrap());
    }
    let begin: Vec<i64> = packets.iter().filter(|p| p.begins).map(|p| p.samples).collect();
    assert_eq!(begin, [0, 7 * 1024]);
}

/// What another program decoded goes the same way, also in blocks of another length.
#[test]
fn what_was_decoded_elsewhere_keeps_its_pitch_and_its_time() {
    let (mut transcoder, captured) = (Transcoder::new(), Instant::now());
    let mut listener = Listener::new();
    for number in 0..20 {
        let tone = |at: i64| (std::f64::consts::TAU * 440.0 * at as f64 / 44_100.0).sin() as f32;
        // A tone in front on the left, of 5.1.
        let at = number * 2048..(number + 1) * 2048;
        let pcm = at.flat_map(|at| [tone(at), 0.0, 0.0, 0.0, 0.0, 0.0]).collect();
        let ticks = number * 2048 * 90_000 / 44_100;
        let decoded = Decoded { pcm, channels: 6, rate: 44_100, ticks, captured };
        for packet in transcoder.decoded(decoded).unwrap() {
            listener.hear(&packet);
        }
    }
    let Listener { samples, next, .. } = listener;
    assert!(next >= 42_000, "{next}");
    let loudness = |samples: &[f32]| samples.iter().map(|s| s * s).sum::<f32>() / 24_000.0;
    let [left, right] = samples.each_ref().map(|all| &all[9_600..33_600]);
    assert!(level(left, 440.0) > 0.95);
    // A sine has half the power of its height, which is that of one of all channels.
    let wanted = 0.5 / (1.0 + 2.0_f32.sqrt()).powi(2);
    assert!((loudness(left) / wanted - 1.0).abs() < 0.1, "{} {wanted}", loudness(left));
    assert!(loudness(right) < loudness(left) / 1_000.0, "{}", loudness(right));
}

/// Blocks of six channels, a tone in each, one after the other.
fn surround(
    transcoder: &mut Transcoder,
    rate: u32,
    blocks: std::ops::Range<usize>,
) -> Vec<OpusPacket> {
    let captured = Instant::now();
    let mut packets = Vec::new();
    for number in blocks {
        let pcm = multiopus::tests::tones(rate, number * 1024..(number + 1) * 1024);
        let ticks = number as i64 * 1024 * 90_000 / i64::from(rate);
        let decoded = Decoded { pcm, channels: 6, rate, ticks, captured };
        packets.extend(transcoder.decoded(decoded).unwrap());
    }
    packets
}

#[test]
fn six_channels_are_made_beside_the_two_while_they_are_wanted() {
    for rate in [48_000, 44_100] {
        let mut transcoder = Transcoder::new();
        let packets = surround(&mut transcoder, rate, 0..5);
        assert!(packets.len() >= 4 && packets.iter().all(|packet| packet.surround.is_none()));
        transcoder.want_surround(true);
        let packets = surround(&mut transcoder, rate, 5..80);
        let mut listener = multiopus::tests::Listener::new([0, 1, 4, 5, 2, 3]);
        for packet in &packets {
            assert!(!packet.begins, "nobody's sound breaks off");
            listener.hear(packet.surround.as_ref().unwrap());
        }
        let heights = listener.heights(9_600..57_600);
        multiopus::tests::assert_each_in_its_place(heights, [0, 1, 2, 3, 4, 5]);
        transcoder.want_surround(false);
        let packets = surround(&mut transcoder, rate, 80..85);
        assert!(packets.len() >= 4);
        assert!(packets.iter().all(|packet| packet.surround.is_none() && !packet.begins));
    }
}

/// A source of 5.1 that goes on in stereo, and comes back.
#[test]
fn there_are_six_channels_of_six_alone() {
    let mut transcoder = Transcoder::new();
    transcoder.want_surround(true);
    let packets = surround(&mut transcoder, 48_000, 0..5);
    assert!(packets.iter().all(|packet| packet.surround.is_some()));
    for channels in [1u8, 2, 5] {
        let pcm = vec![0.1; 4_800 * usize::from(channels)];
        let captured = Instant::now();
        let decoded = Decoded { pcm, channels, rate: 48_000, ticks: 9_600, captured };
        let packets = transcoder.decoded(decoded).unwrap();
        assert_eq!(packets.len(), 5, "{channels}");
        assert!(packets.iter().all(|packet| packet.surround.is_none()));
        assert!(packets[0].begins);
    }
    let packets = surround(&mut transcoder, 48_000, 20..25);
    assert!(packets[0].begins && packets.iter().all(|packet| packet.surround.is_some()));
}

/// What was put in and has not come out, in samples of 48 kHz: less than a packet; and where the rate
/// is another, less than a block of the resampler (320), and its delay (160).
#[test]
fn little_is_kept_back_of_aac() {
    for (rate, seed, most) in [(48_000, STEREO, 960), (44_100, MONO, 960 + 320 + 160)] {
        let (mut transcoder, captured) = (Transcoder::new(), Instant::now());
        let (mut sent, mut longest) = (0, 0);
        let frames = AdtsReader::default().push(seed);
        assert!(frames.len() > 15, "{}", frames.len());
        for (number, frame) in frames.into_iter().enumerate() {
            assert_eq!((frame.rate, frame.blocks), (rate, 1));
            let at = |number: usize, clock: i64| number as i64 * 1024 * clock / i64::from(rate);
            let sound = Sound { data: SoundData::Aac(frame), ticks: at(number, 90_000), captured };
            for packet in transcoder.push(sound).unwrap() {
                assert_eq!(packet.samples, sent, "without a break");
                sent += 960;
            }
            longest = longest.max(at(number + 1, 48_000) - sent);
        }
        assert!(longest < most, "{rate}: {longest} samples");
        assert!(longest * 1_000 < 70 * 48_000, "70 ms");
    }
}
