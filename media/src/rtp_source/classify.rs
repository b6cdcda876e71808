//! What a sender's packets carry, told from the packets: by what their headers must be, by
//! parameter sets and start codes, and by how fast their timestamps go.

use std::time::{Duration, Instant};

use crate::feed::opus_samples;
use crate::rtp::{Codec, inspect};
use crate::ts::Profile;

use super::aac;
use super::frames::Video;
use super::packet::Packet;
use super::pcm::Pcm;

/// Packets in a row whose timestamps go on by what those before say they last.
const IN_A_ROW: u32 = 8;
/// A picture without parameter sets is one after so many packets without a fault.
const ENOUGH: u32 = 100;
/// Packets, and the time, after which what has not been told begins anew.
const MOST: u32 = 600;
const PATIENCE: Duration = Duration::from_secs(6);
/// Encoders send more at their beginning: the rate of this long says nothing.
const RUN_IN: Duration = Duration::from_millis(700);
/// The rate is measured over so long at least, and over so long at most.
const SPAN: Duration = Duration::from_millis(1500);
const LONGEST: Duration = Duration::from_secs(4);
/// The sampling rates of AAC (ISO/IEC 14496-3, 1.6.3.4).
const RATES: [u32; 12] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000];
/// Payload types that mean one thing (RFC 3551, 6).
const STATIC: [(u8, &str); 14] = [
    (0, "PCMU (G.711)"),
    (3, "GSM"),
    (4, "G.723"),
    (8, "PCMA (G.711)"),
    (9, "G.722"),
    (10, "L16 (PCM)"),
    (11, "L16 (PCM)"),
    (14, "MPEG audio (MP2, MP3)"),
    (15, "G.728"),
    (18, "G.729"),
    (26, "JPEG"),
    (31, "H.261"),
    (32, "MPEG-1 or MPEG-2 video"),
    (34, "H.263"),
];
/// MPEG transport streams (RFC 3551, 6).
const TRANSPORT_STREAM: u8 = 33;
/// The packets of a transport stream, and their first byte.
const CELL: usize = 188;
const SYNC: u8 = 0x47;

/// What packets carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// A picture that is taken apart here.
    Picture(Video),
    /// Opus (RFC 7587).
    Opus,
    /// AAC (RFC 3640, and RFC 6416 where that is declared).
    Aac(AacKind),
    /// Samples, which are declared.
    Pcm(Pcm),
    /// An MPEG transport stream (RFC 2250).
    TransportStream,
    /// What is known by name, and not taken: whether it is a picture.
    Other(&'static str, bool),
}

/// What is known of AAC without its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AacKind {
    /// Ticks of its timestamps in a second.
    pub(crate) clock: u32,
    /// Samples a second, of the core.
    pub(crate) rate: u32,
    pub(crate) profile: Profile,
    /// Channels, where that is declared.
    pub(crate) channels: Option<u8>,
}

impl AacKind {
    /// AAC-LC, with timestamps of its own rate.
    fn lc(rate: u32) -> Self {
        Self { clock: rate, rate, profile: Profile::Lc, channels: None }
    }

    /// HE-AAC, whose timestamps go twice as fast as its core: nothing else has frames of so many
    /// ticks (ISO/IEC 14496-3, 4.6.18.2.6). None where no core has half that rate.
    fn he(clock: u32) -> Option<Self> {
        let rate = RATES.into_iter().find(|rate| 2 * rate == clock)?;
        Some(Self { clock, rate, profile: Profile::He, channels: None })
    }
}

impl Told {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Picture(Video::H264) => "H.264",
            Self::Picture(Video::H265) => "H.265",
            Self::Opus => "Opus",
            Self::Aac(AacKind { profile: Profile::He, .. }) => "HE-AAC",
            Self::Aac(_) => "AAC",
            Self::Pcm(pcm) => pcm.format.name(),
            Self::TransportStream => "MPEG-TS",
            Self::Other(name, _) => name,
        }
    }
}

/// How fast timestamps go.
#[derive(Debug, Default)]
struct Rate {
    first: Option<Instant>,
    base: Option<(Instant, i64)>,
    newest: Option<(Instant, i64)>,
}

impl Rate {
    fn push(&mut self, now: Instant, timestamp: u32) {
        let first = *self.first.get_or_insert(now);
        let before = self.newest.map_or(i64::from(timestamp), |(_, newest)| newest);
        let time = before + i64::from(timestamp.wrapping_sub(before as u32) as i32);
        self.newest = Some((now, time));
        let stale = self.base.is_some_and(|(at, _)| now - at > LONGEST);
        if now.saturating_duration_since(first) >= RUN_IN && (self.base.is_none() || stale) {
            self.base = Some((now, time));
        }
    }

    /// Ticks a second; none before they were measured for long enough.
    fn measured(&self) -> Option<f64> {
        let ((from, begin), (to, end)) = (self.base?, self.newest?);
        let span = to.saturating_duration_since(from);
        (span >= SPAN).then(|| (end - begin) as f64 / span.as_secs_f64())
    }

    /// The one of these that it is, within so much.
    fn of(&self, rates: &[u32], within: f64) -> Option<u32> {
        let measured = self.measured()?;
        let off = |rate: &u32| (measured / f64::from(*rate) - 1.0).abs();
        let nearest = rates.iter().copied().min_by(|a, b| off(a).total_cmp(&off(b)))?;
        (off(&nearest) < within).then_some(nearest)
    }
}

/// Looks at the packets of one sender, in their order.
#[derive(Debug)]
pub(crate) struct Classifier {
    began: Option<Instant>,
    packets: u32,
    rate: Rate,
    /// Nothing contradicts it.
    h264: bool,
    h265: bool,
    /// The last packet's timestamp, and how many samples it has as Opus, and as AAC.
    last: Option<(u32, u32, u32)>,
    /// How many packets in a row went on as they should.
    opus: u32,
    aac: u32,
    he_aac: u32,
    /// It has begun anew.
    again: bool,
}

impl Default for Classifier {
    fn default() -> Self {
        Self {
            began: None,
            packets: 0,
            rate: Rate::default(),
            h264: true,
            h265: true,
            last: None,
            opus: 0,
            aac: 0,
            he_aac: 0,
            again: false,
        }
    }
}

impl Classifier {
    /// Enough has come, and it was nothing that is known.
    pub(crate) fn gave_up(&self) -> bool {
        self.again
    }

    /// Packets before the next one are lost.
    pub(crate) fn gap(&mut self) {
        self.last = None;
    }

    /// Looks at the next packet; says what they are, once it is certain.
    pub(crate) fn push(&mut self, now: Instant, packet: &Packet) -> Option<Told> {
        let payload = packet.payload.as_slice();
        if payload.is_empty() {
            return None;
        }
        if let Some((_, name)) = STATIC.iter().find(|(pt, _)| *pt == packet.pt) {
            return Some(Told::Other(name, matches!(packet.pt, 26..=34)));
        }
        if is_transport_stream(packet.pt, payload) {
            return Some(Told::TransportStream);
        }
        let began = *self.began.get_or_insert(now);
        let age = now.saturating_duration_since(began);
        if self.packets >= MOST || age >= PATIENCE {
            *self = Self { again: true, began: Some(now), ..Self::default() };
        }
        self.packets += 1;
        self.rate.push(now, packet.timestamp);
        self.picture(payload).or_else(|| self.sound(packet))
    }

    fn picture(&mut self, payload: &[u8]) -> Option<Told> {
        for (video, possible) in [(Video::H264, &mut self.h264), (Video::H265, &mut self.h265)] {
            let parts = video.parts(payload).filter(|parts| video.is_usual(parts));
            *possible &= parts.is_some();
            if let Some(parts) = parts
                && *possible
                && video.has_sequence(&parts)
            {
                return Some(Told::Picture(video));
            }
        }
        // The start code of a key frame, which nothing else has there.
        if inspect(Codec::Vp8, payload).size.is_some() {
            return Some(Told::Other("VP8", true));
        }
        let is_picture = self.packets >= ENOUGH && self.rate.of(&[90_000], 0.1).is_some();
        match (is_picture, self.h264, self.h265) {
            (true, true, _) => Some(Told::Picture(Video::H264)),
            (true, false, true) => Some(Told::Picture(Video::H265)),
            _ => None,
        }
    }

    fn sound(&mut self, packet: &Packet) -> Option<Told> {
        let samples = opus_samples(&packet.payload);
        let frames = aac::count(&packet.payload).unwrap_or(0);
        let last = self.last.replace((packet.timestamp, samples, frames));
        let (before, samples, frames) = last?;
        let step = packet.timestamp.wrapping_sub(before);
        let count = |row: &mut u32, goes_on: bool| *row = if goes_on { *row + 1 } else { 0 };
        count(&mut self.opus, samples > 0 && step == samples);
        count(&mut self.aac, frames > 0 && step == frames * aac::FRAME);
        count(&mut self.he_aac, frames > 0 && step == 2 * frames * aac::FRAME);
        if self.aac >= IN_A_ROW {
            return self.rate.of(&RATES, 0.03).map(AacKind::lc).map(Told::Aac);
        }
        if self.he_aac >= IN_A_ROW {
            return self.rate.of(&RATES, 0.03).and_then(AacKind::he).map(Told::Aac);
        }
        (self.opus >= IN_A_ROW).then_some(Told::Opus)
    }
}

/// Whether all of a payload are packets of a transport stream. A single one is believed where the
/// payload type says so.
fn is_transport_stream(pt: u8, payload: &[u8]) -> bool {
    let least = if pt == TRANSPORT_STREAM { CELL } else { 2 * CELL };
    payload.len() >= least
        && payload.len().is_multiple_of(CELL)
        && payload.chunks(CELL).all(|cell| cell[0] == SYNC)
}
