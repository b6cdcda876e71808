//! Whether a picture is converted, and how it is encoded then.

use thiserror::Error;

use crate::picture::{Encoding, fits};
use crate::rtp::{Codec, PictureSize};

use super::OutsideCodec;

/// The largest picture that is encoded, in pixels, upright or not.
const LARGEST: PictureSize = PictureSize { width: 3840, height: 2160 };
/// Bits a second for those of the source, in quarters: the tools that are left do with half as
/// much again what B-frames and arithmetic coding did.
const QUARTERS: u64 = 6;
/// For those of H.265, VP9 and AV1, which need about half as many as H.264 does.
const QUARTERS_OF_NEWER: u64 = 10;
/// The least and the most bits a second.
const BITS: (u64, u64) = (400_000, 16_000_000);
/// The most frames a second.
const FASTEST: u32 = 240;
/// Rates are measured: a picture is too large when it is so by more than a tenth, and has become
/// too large when it is by a quarter.
const TENTHS: u64 = 11;
const GROWN: u64 = 5;
/// For so many looks: frames that a network held up come all at once.
const LASTS: u32 = 5;
/// A slower picture is none, or its rate is not known yet.
const SLOWEST: f64 = 0.5;

/// How much a server converts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TranscodeLimits {
    /// So many pictures at a time, each on a thread of its own; 0: none.
    pub most: usize,
    /// The largest of them, in pixels a second.
    pub pixels: u64,
}

impl TranscodeLimits {
    /// Pixels a second of 1920 x 1080 thirty times.
    pub const USUAL: u64 = 1920 * 1080 * 30;
    /// Nothing is converted.
    pub const NONE: Self = Self { most: 0, pixels: Self::USUAL };
}

/// Why a picture is passed on as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TranscodeRefusal {
    /// The server converts nothing.
    #[error("this server converts no pictures")]
    Off,
    /// It converts as many as it may.
    #[error("this server converts {most} picture{s} at a time", most = .0, s = if *.0 == 1 { "" } else { "s" })]
    Full(usize),
    /// It is larger than what is converted, in pixels a second.
    #[error("{pixels} pixels a second are more than {most}")]
    TooLarge {
        /// Its own.
        pixels: u64,
        /// Those that are allowed.
        most: u64,
    },
    /// It has more columns or rows than what is converted.
    #[error("{} x {} is larger than what is converted", .0.width, .0.height)]
    Size(PictureSize),
    /// It is nothing that is decoded.
    #[error("nothing is converted of {}", .0.name())]
    Codec(Codec),
    /// It is not H.264, and there is no ffmpeg.
    #[error("this server has no ffmpeg, which a picture that is not H.264 needs")]
    NoFfmpeg,
    /// ffmpeg failed.
    #[error("{0}")]
    Ffmpeg(OutsideFault),
    /// It comes in several layers.
    #[error("it comes in several layers")]
    Layers,
    /// Nothing could be decoded: not 8 bits and 4:2:0, or interlaced, or damaged all the time.
    #[error("it cannot be decoded")]
    Undecodable,
    /// The encoder failed.
    #[error("it cannot be encoded")]
    Unencodable,
    /// A defect of this server.
    #[error("a defect of this server")]
    Defect,
}

/// How ffmpeg failed to decode a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OutsideFault {
    /// It could not be started.
    #[error("ffmpeg cannot be started")]
    NotStarted,
    /// It has ended by itself.
    #[error("ffmpeg has ended")]
    Ended,
    /// It takes pictures and gives none out.
    #[error("ffmpeg takes pictures and gives none out")]
    Hangs,
    /// It gives out something else than it was asked for.
    #[error("ffmpeg gives out something else than pictures")]
    Garbled,
}

impl TranscodeRefusal {
    /// Whether it holds for as long as the publisher is the same.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Undecodable | Self::Unencodable | Self::Defect)
    }
}

/// What is known of a picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) codec: Codec,
    pub(crate) size: Option<PictureSize>,
    /// profile_idc of H.264, or general_profile_idc of H.265.
    pub(crate) profile: Option<u8>,
    /// Frames a second.
    pub(crate) rate: f64,
    /// Bits a second.
    pub(crate) bits: u64,
    /// Simulcast layers.
    pub(crate) layers: usize,
}

impl Measured {
    /// Pixels a second.
    fn pixels(&self, size: PictureSize) -> u64 {
        let pixels = f64::from(size.width) * f64::from(size.height) * self.rate;
        // A float becomes the nearest number that there is.
        pixels as u64
    }
}

/// Whether a picture is converted while so many others are; none where it is not known well enough
/// yet.
pub(crate) fn admit(
    limits: TranscodeLimits,
    running: usize,
    measured: &Measured,
    ffmpeg: bool,
) -> Option<Result<Encoding, TranscodeRefusal>> {
    if limits.most == 0 {
        return Some(Err(TranscodeRefusal::Off));
    }
    match (measured.codec, OutsideCodec::of(measured.codec)) {
        (Codec::H264, _) => {}
        (other, None) => return Some(Err(TranscodeRefusal::Codec(other))),
        (_, Some(_)) if ffmpeg => {}
        (_, Some(_)) => return Some(Err(TranscodeRefusal::NoFfmpeg)),
    }
    if measured.layers > 1 {
        return Some(Err(TranscodeRefusal::Layers));
    }
    let size = measured.size?;
    if measured.rate < SLOWEST {
        return None;
    }
    // Baseline, Main, Extended and High have 8 bits and 4:2:0; ffmpeg takes others.
    let usual = |profile| measured.codec != Codec::H264 || matches!(profile, 66 | 77 | 88 | 100);
    if !measured.profile.is_none_or(usual) {
        return Some(Err(TranscodeRefusal::Undecodable));
    }
    if !fits(size) || !is_encoded(size) {
        return Some(Err(TranscodeRefusal::Size(size)));
    }
    let pixels = measured.pixels(size);
    if pixels > limits.pixels.saturating_mul(TENTHS) / 10 {
        return Some(Err(TranscodeRefusal::TooLarge { pixels, most: limits.pixels }));
    }
    if running >= limits.most {
        return Some(Err(TranscodeRefusal::Full(limits.most)));
    }
    Some(Ok(encoding(measured)))
}

/// Whether a picture that is converted has become too large.
#[derive(Debug, Default)]
pub(crate) struct Growth(u32);

impl Growth {
    /// Looks at it, once a second; says why it is converted no more.
    pub(crate) fn look(
        &mut self,
        limits: TranscodeLimits,
        measured: &Measured,
    ) -> Option<TranscodeRefusal> {
        let size = measured.size?;
        if !is_encoded(size) {
            return Some(TranscodeRefusal::Size(size));
        }
        let pixels = measured.pixels(size);
        let grown = pixels > limits.pixels.saturating_mul(GROWN) / 4;
        self.0 = if grown { self.0 + 1 } else { 0 };
        let refusal = TranscodeRefusal::TooLarge { pixels, most: limits.pixels };
        (self.0 >= LASTS).then_some(refusal)
    }
}

fn is_encoded(size: PictureSize) -> bool {
    let (long, short) = (size.width.max(size.height), size.width.min(size.height));
    long <= LARGEST.width && short <= LARGEST.height
}

/// How a picture is encoded again.
pub(crate) fn encoding(measured: &Measured) -> Encoding {
    let quarters = match measured.codec {
        Codec::H265 | Codec::Vp9 | Codec::Av1 => QUARTERS_OF_NEWER,
        _ => QUARTERS,
    };
    let bits = (measured.bits.saturating_mul(quarters) / 4).clamp(BITS.0, BITS.1);
    // A float becomes the nearest number that there is, and the bits are no more than `BITS` has.
    let rate = (measured.rate.round() as u32).clamp(1, FASTEST);
    Encoding { rate, bits: bits as u32 }
}
