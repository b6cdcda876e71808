//! What sound of six channels costs once it is decoded: mixed to two and encoded as Opus, and encoded
//! in all six besides, as a share of a core. `cargo bench --bench surround`.

#![allow(clippy::print_stdout, reason = "it prints what it has measured")]
#![allow(clippy::unwrap_used, reason = "a bench ends at what it did not expect")]

use std::f64::consts::TAU;
use std::fs;
use std::time::{Duration, Instant};

use rushes_media::feed::{Decoded, Transcoder};

/// So much sound is encoded.
const SECONDS: u32 = 60;
/// Samples of a channel that a decoder gives out at once.
const BLOCK: usize = 1024;

fn main() {
    for rate in [48_000, 44_100] {
        for (channels, surround) in [(2, false), (6, false), (6, true)] {
            let (share, bits) = cost(rate, channels, surround);
            let what = if surround { "two channels, and all six" } else { "two channels" };
            println!(
                "{rate} Hz, {channels} channels -> {what}: {share:.2} % of a core, {bits} bit/s"
            );
        }
    }
}

/// The share of a core that it takes, in percent, and the bits a second of all that came out.
fn cost(rate: u32, channels: u8, surround: bool) -> (f64, usize) {
    let (mut transcoder, captured) = (Transcoder::new(), Instant::now());
    transcoder.want_surround(surround);
    let blocks = SECONDS * rate / BLOCK as u32;
    // Made before, and used again and again: it is not to be measured.
    let sound: Vec<Vec<f32>> = (0..100).map(|number| block(number, rate, channels)).collect();
    let (before, mut bytes) = (processor(), 0);
    for number in 0..blocks {
        let pcm = sound[number as usize % sound.len()].clone();
        let ticks = i64::from(number) * BLOCK as i64 * 90_000 / i64::from(rate);
        let decoded = Decoded { pcm, channels, rate, ticks, captured };
        for packet in transcoder.decoded(decoded).unwrap() {
            bytes += packet.payload.len() + packet.surround.map_or(0, |six| six.len());
        }
    }
    let share = (processor() - before).as_secs_f64() / f64::from(SECONDS);
    (100.0 * share, 8 * bytes / SECONDS as usize)
}

/// A chord with some noise, another one in each channel.
fn block(number: usize, rate: u32, channels: u8) -> Vec<f32> {
    let mut state = number as u32 + 1;
    let mut samples = Vec::with_capacity(BLOCK * usize::from(channels));
    for at in number * BLOCK..(number + 1) * BLOCK {
        for channel in 0..channels {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state as i32) / f64::from(i32::MAX);
            let tone = |times: f64| {
                let hertz = 110.0 * times * (1.0 + f64::from(channel) / 7.0);
                (TAU * hertz * at as f64 / f64::from(rate)).sin()
            };
            let chord: f64 = [1.0, 2.5, 4.2, 9.1].into_iter().map(tone).sum();
            samples.push((0.15 * chord + 0.05 * noise) as f32);
        }
    }
    samples
}

/// The processor time of this thread, which is the only one.
fn processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}
