//! The sound of a sender: from its packets, which are in order, to pieces with their timestamps.

use crate::feed::{Samples, SoundData, opus_samples};
use crate::ts::{AacFrame, LatmElements, Profile};

use super::aac::{self, AacFrames};
use super::classify::AacKind;
use super::declared::Framing;
use super::pcm::{Pcm, PcmFrames};

/// The largest element of LATM: six channels of the longest frames, and more.
const ELEMENT: usize = 16 << 10;
/// Packets after which timestamps that are not exact count too.
const ENOUGH: u32 = 8;

/// A piece of sound, whose first sample is that of a timestamp.
pub(super) type Piece = (u32, SoundData);

/// What makes pieces of the packets.
#[derive(Debug)]
pub(super) enum Hearing {
    Aac(Aac),
    Pcm(PcmFrames, Pcm),
    Opus,
}

/// AAC of one sender.
#[derive(Debug)]
pub(super) struct Aac {
    kind: AacKind,
    frames: Framed,
    /// Channels of the last frame that told them.
    channels: Option<u8>,
    pace: Pace,
}

#[derive(Debug)]
enum Framed {
    Generic(AacFrames),
    Latm {
        elements: LatmElements,
        /// The beginning of an element, and its timestamp.
        partial: Option<(u32, Vec<u8>)>,
    },
}

/// Whether the timestamps go as they should for the rate that is said. Where that is of HE-AAC what is
/// played, and not its core, which some say of it, they go twice as fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// What has come in a row, with nothing missing in between.
    Unknown(Option<Run>),
    /// Frames are of as many ticks as they should be, or of twice as many.
    Known { doubled: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: u32,
    frames: u32,
    packets: u32,
}

impl Hearing {
    pub(super) fn aac(kind: AacKind, framing: Framing) -> Self {
        let frames = match framing {
            Framing::Generic(widths) => Framed::Generic(AacFrames::new(widths)),
            Framing::Latm(elements) => Framed::Latm { elements, partial: None },
        };
        // What was told from the packets has the pace that they have.
        let is_told = kind.channels.is_none() || kind.profile == Profile::He;
        let pace = if is_told { Pace::Known { doubled: false } } else { Pace::Unknown(None) };
        Self::Aac(Aac { kind, frames, channels: kind.channels, pace })
    }

    /// Packets before the next one are lost.
    pub(super) fn gap(&mut self) {
        let Self::Aac(aac) = self else { return };
        match &mut aac.frames {
            Framed::Generic(frames) => frames.gap(),
            Framed::Latm { partial, .. } => *partial = None,
        }
        if let Pace::Unknown(run) = &mut aac.pace {
            *run = None;
        }
    }

    /// The pieces that a packet completes.
    pub(super) fn push(&mut self, timestamp: u32, marker: bool, payload: Vec<u8>) -> Vec<Piece> {
        match self {
            Self::Aac(aac) => aac.push(timestamp, marker, &payload),
            Self::Pcm(frames, Pcm { rate, channels, .. }) => {
                let (rate, channels) = (*rate, *channels);
                let gathered = frames.push(timestamp, &payload).into_iter();
                gathered
                    .map(|one| {
                        let samples = Samples { pcm: one.samples, channels, rate };
                        (one.timestamp, SoundData::Pcm(samples))
                    })
                    .collect()
            }
            Self::Opus if opus_samples(&payload) > 0 => vec![(timestamp, SoundData::Opus(payload))],
            Self::Opus => Vec::new(),
        }
    }
}

impl Aac {
    fn push(&mut self, timestamp: u32, marker: bool, payload: &[u8]) -> Vec<Piece> {
        let (timestamp, frames) = match &mut self.frames {
            Framed::Generic(frames) => {
                let AacKind { profile, rate, .. } = self.kind;
                let frames = frames.push(timestamp, payload).into_iter();
                let frame = |payload| AacFrame {
                    profile,
                    rate,
                    channels: self.kind.channels.unwrap_or(0),
                    blocks: 1,
                    payload,
                    began: 0,
                };
                (timestamp, frames.map(frame).collect())
            }
            Framed::Latm { elements, partial } => {
                let (began, element) =
                    partial.take().filter(|(began, _)| *began == timestamp).map_or_else(
                        || (timestamp, payload.to_vec()),
                        |(began, mut element)| {
                            element.extend_from_slice(payload);
                            (began, element)
                        },
                    );
                if marker {
                    (began, elements.push(&element))
                } else {
                    *partial = Some((began, element)).filter(|(_, one)| one.len() <= ELEMENT);
                    return Vec::new();
                }
            }
        };
        self.pieces(timestamp, frames)
    }

    /// The frames of a packet, each with its timestamp.
    fn pieces(&mut self, timestamp: u32, frames: Vec<AacFrame>) -> Vec<Piece> {
        let Some(first) = frames.first() else { return Vec::new() };
        let expected = self.ticks(first.rate);
        let count = frames.len() as u32;
        let Some(doubled) = self.pace.doubled(timestamp, count, expected) else {
            return Vec::new();
        };
        let mut pieces = Vec::with_capacity(frames.len());
        for (number, mut frame) in frames.into_iter().enumerate() {
            if doubled {
                (frame.rate, frame.profile) = (frame.rate / 2, Profile::He);
            }
            // One or two channels are as the frame says: HE-AAC of two may have a core of one.
            if self.kind.channels.is_none_or(|channels| channels <= 2) {
                self.channels = aac::channels(&frame.payload).or(self.channels);
                frame.channels = self.channels.unwrap_or(0);
            }
            if frame.channels == 0 {
                continue;
            }
            let later = number as u32 * self.ticks(frame.rate);
            pieces.push((timestamp.wrapping_add(later), SoundData::Aac(frame)));
        }
        pieces
    }

    /// Ticks of the timestamps for a frame.
    fn ticks(&self, rate: u32) -> u32 {
        (u64::from(aac::FRAME) * u64::from(self.kind.clock) / u64::from(rate.max(1))) as u32
    }
}

impl Pace {
    /// Whether frames last twice as long as they should; none as long as that is not known, which takes
    /// two packets in a row, and more where timestamps are not exact.
    fn doubled(&mut self, timestamp: u32, count: u32, expected: u32) -> Option<bool> {
        let run = match self {
            Self::Known { doubled } => return Some(*doubled),
            Self::Unknown(run) => {
                run.get_or_insert(Run { first: timestamp, frames: 0, packets: 0 })
            }
        };
        let step = u64::from(timestamp.wrapping_sub(run.first));
        let right = u64::from(run.frames) * u64::from(expected);
        run.frames = run.frames.saturating_add(count);
        run.packets += 1;
        // A clock of 90 kHz has no whole number of ticks for a frame.
        let near = |wanted: u64| step.abs_diff(wanted) <= u64::from(run.packets);
        let exact = near(right) || near(2 * right);
        if run.packets == 1 || !exact && run.packets < ENOUGH {
            return None;
        }
        let doubled = 2 * step > 3 * right;
        *self = Self::Known { doubled };
        Some(doubled)
    }
}
