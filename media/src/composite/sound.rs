//! The sound of a composite: one source's as it is, or all of them mixed.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::feed::{opus_encoder, opus_samples};
use crate::ids::StreamId;
use crate::recording::{Next, Order};
use crate::rtp::Codec;
use crate::stream::Packet;

use super::compose::DELAY;

/// Samples a second.
const RATE: i64 = 48_000;
/// Samples of a channel in a packet that is made: 20 ms.
const FRAME: usize = 960;
/// The longest packet of Opus, in samples of a channel: 120 ms.
const LONGEST: usize = 5_760;
/// Where a packet is off by more samples than this, something is missing before it.
const OFF: i64 = RATE / 10;
/// The largest packet that is made.
const MOST: usize = 1_200;
/// Samples of a channel that wait to be mixed. Beyond, they are left out.
const WAITING: usize = RATE as usize;
/// The longest after its capture that sound is mixed. Muxers bundle it: ffmpeg's by 2930 bytes,
/// which are 183 ms at 128 kbit/s and 366 at 64.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// Where more than this would be mixed late, what is missed is left out.
const LATE: Duration = Duration::from_millis(500);
/// From here on loud samples are pressed together, so that none is beyond 1.
const KNEE: f32 = 0.8;

/// A packet of a composite's sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Opus.
    pub payload: Vec<u8>,
    /// When it is to be heard, in samples of 48 kHz since the composite began.
    pub samples: i64,
    /// When that was, on this machine's clock.
    pub captured: Instant,
}

/// Puts the packets of one source on the composite's time.
#[derive(Debug, Default)]
pub struct Voice {
    order: Order,
    /// The timestamp of the last packet, and where that is.
    last: Option<(u32, i64)>,
}

impl Voice {
    /// Another publisher begins: its numbers begin anew.
    pub fn publish(&mut self) {
        self.order.reset();
        self.last = None;
    }

    /// Takes a packet, and gives out those that follow each other by then, each with its place in
    /// samples since `origin`.
    pub fn packet(&mut self, now: Instant, origin: Instant, packet: &Packet) -> Vec<(Packet, i64)> {
        if packet.codec != Codec::Opus {
            return Vec::new();
        }
        self.order.push(now, packet.clone());
        let mut out = Vec::new();
        while let Some(next) = self.order.pop(now) {
            let Next::Packet(packet) = next else { continue };
            let captured = packet.captured.min(now);
            let since = captured.saturating_duration_since(origin).as_micros() as i64;
            let wanted = since * RATE / 1_000_000;
            let place = match self.last {
                // The source's own clock is steadier than arrivals are.
                Some((timestamp, place)) => {
                    let step = packet.timestamp.wrapping_sub(timestamp) as i32;
                    let next = place + i64::from(step);
                    if (next - wanted).abs() > OFF { wanted } else { next }
                }
                None => wanted,
            };
            self.last = Some((packet.timestamp, place));
            out.push((packet, place));
        }
        out
    }
}

/// One source in the mix.
#[derive(Default)]
struct Channel {
    decoder: Option<opus::Decoder>,
    /// Stereo samples, the first of them at `at`.
    samples: VecDeque<f32>,
    at: i64,
}

/// Mixes the sound of several sources. Time is an argument.
pub struct Mixer {
    origin: Instant,
    encoder: opus::Encoder,
    channels: HashMap<StreamId, Channel>,
    /// Where the next packet begins; none before the first sound.
    next: Option<i64>,
    /// How long after its capture sound is mixed, in samples: as late as any has come, for who
    /// hears it is not served by less. It never becomes less, which would leave sound out.
    wait: i64,
}

impl std::fmt::Debug for Mixer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mixer").field("sources", &self.channels.len()).finish_non_exhaustive()
    }
}

impl Mixer {
    /// A mixer whose time begins at `origin`.
    ///
    /// # Errors
    /// When there is no encoder.
    pub fn new(origin: Instant) -> Result<Self, opus::Error> {
        let encoder = opus_encoder()?;
        let wait = in_samples(DELAY);
        Ok(Self { origin, encoder, channels: HashMap::new(), next: None, wait })
    }

    /// Forgets who is not heard any more.
    pub fn keep(&mut self, sources: &[StreamId]) {
        self.channels.retain(|source, _| sources.contains(source));
    }

    /// Takes a source's packet, whose place is in samples since the origin. What cannot be decoded
    /// is a gap.
    pub fn push(&mut self, now: Instant, source: StreamId, packet: &[u8], place: i64) {
        let channel = self.channels.entry(source).or_default();
        if channel.decoder.is_none() {
            channel.decoder = opus::Decoder::new(RATE as u32, opus::Channels::Stereo).ok();
        }
        let Some(decoder) = &mut channel.decoder else { return };
        if opus_samples(packet) as usize > LONGEST {
            return;
        }
        let mut samples = vec![0.0; LONGEST * 2];
        match decoder.decode_float(packet, &mut samples, false) {
            Ok(count) => channel.push(&samples[..count * 2], place),
            Err(_) => {
                channel.decoder = None;
                return;
            }
        }
        let late = in_samples(now.saturating_duration_since(self.origin)).saturating_sub(place);
        self.wait = self.wait.max(late.min(in_samples(LONGEST_WAIT)));
    }

    /// The packets that are due by now.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn due(&mut self, now: Instant) -> Result<Vec<Heard>, opus::Error> {
        let since = in_samples(now.saturating_duration_since(self.origin));
        let end = (since - self.wait).max(0);
        let late = end - in_samples(LATE);
        let next = self.next.get_or_insert(end);
        if *next < late {
            *next = end;
        }
        let mut made = Vec::new();
        while self.next.is_some_and(|next| next + FRAME as i64 <= end) {
            let at = self.next.unwrap_or(end);
            let mixed = self.mix(at);
            let payload = self.encoder.encode_vec_float(&mixed, MOST)?;
            let micros = at.max(0) as u64 * 1_000_000 / RATE as u64;
            let captured = self.origin + Duration::from_micros(micros);
            made.push(Heard { payload, samples: at, captured });
            self.next = Some(at + FRAME as i64);
        }
        Ok(made)
    }

    fn mix(&mut self, at: i64) -> Vec<f32> {
        let mut sum = vec![0.0; FRAME * 2];
        for channel in self.channels.values_mut() {
            channel.take(at, &mut sum);
        }
        sum.iter_mut().for_each(|sample| *sample = limited(*sample));
        sum
    }
}

/// A span of time in samples of a channel.
fn in_samples(span: Duration) -> i64 {
    span.as_micros() as i64 * RATE / 1_000_000
}

impl Channel {
    fn push(&mut self, samples: &[f32], place: i64) {
        let end = self.at + (self.samples.len() / 2) as i64;
        if self.samples.is_empty() || place < self.at || (place - end).abs() > WAITING as i64 {
            self.samples.clear();
            self.at = place;
        } else if place > end {
            // Silence where something is missing.
            self.samples.resize(((place - self.at) * 2) as usize, 0.0);
        } else {
            self.samples.truncate(((place - self.at) * 2) as usize);
        }
        self.samples.extend(samples);
        if self.samples.len() > WAITING * 2 {
            let over = self.samples.len() - WAITING * 2;
            self.samples.drain(..over);
            self.at += (over / 2) as i64;
        }
    }

    /// Adds what is heard from a place on, and forgets what was before its end.
    fn take(&mut self, at: i64, sum: &mut [f32]) {
        if self.at < at {
            let gone = (((at - self.at) * 2) as usize).min(self.samples.len());
            self.samples.drain(..gone);
            self.at += (gone / 2) as i64;
        }
        if self.samples.is_empty() {
            return;
        }
        let skip = ((self.at - at).max(0) * 2) as usize;
        for sample in sum.iter_mut().skip(skip) {
            let Some(heard) = self.samples.pop_front() else { break };
            *sample += heard;
        }
        self.at = self.at.max(at + FRAME as i64);
    }
}

/// Presses what is louder than the knee together: the sum of many is never beyond 1.
fn limited(sample: f32) -> f32 {
    let loud = sample.abs();
    if loud <= KNEE {
        return sample;
    }
    let room = 1.0 - KNEE;
    let over = loud - KNEE;
    (KNEE + room * over / (over + room)).copysign(sample)
}
