//! AAC in LATM, framed by LOAS (ISO/IEC 14496-3, 1.7).

use crate::rtp::bits::Bits;

use super::aac::{AacConfig, AacFrame, Profile, RATES};
use super::framer::{Framer, Framing};

/// The object types of ISO/IEC 14496-3, table 1.17, that are told apart.
const LC: u32 = 2;
const SBR: u32 = 5;
const PS: u32 = 29;
/// A sync extension says that there is spectral band replication (1.6.5).
const SYNC_EXTENSION: u32 = 0x2b7;

/// Finds frames in the units of a track, which may be cut anywhere.
#[derive(Debug, Default)]
pub struct LatmReader {
    framer: Framer,
    config: Option<Config>,
}

/// By 11 bits of sync word; 13 of length follow.
struct Loas;

impl Framing for Loas {
    const HEAD: usize = 3;

    fn length(head: &[u8]) -> Option<usize> {
        let &[a, b, c] = head else { return None };
        let length = usize::from(b & 0x1f) << 8 | usize::from(c);
        (a == 0x56 && b & 0xe0 == 0xe0 && length > 0).then_some(Self::HEAD + length)
    }
}

/// What the stream has last said of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Config {
    profile: Profile,
    rate: u32,
    channels: u8,
    /// Frames within one element.
    frames: u32,
}

impl Config {
    /// One whose frames are not looked for.
    fn unread(profile: Profile, rate: u32, channels: u8) -> Self {
        Self { profile, rate, channels, frames: 0 }
    }

    fn told(self) -> AacConfig {
        let Self { profile, rate, channels, .. } = self;
        AacConfig { profile, rate, channels }
    }
}

impl LatmReader {
    /// Forgets a frame under way: something was lost.
    pub fn reset(&mut self) {
        self.framer.reset();
    }

    /// Takes bytes, and gives out the frames that are whole.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<AacFrame> {
        let Self { framer, config } = self;
        let mut frames = Vec::new();
        framer.push::<Loas>(bytes, |frame, began| {
            element(config, frame.get(Loas::HEAD..).unwrap_or_default(), began, &mut frames);
        });
        frames
    }
}

/// AAC in elements that something else delimits (RFC 6416, 6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LatmElements {
    config: Option<Config>,
    /// The elements may have a configuration themselves.
    in_band: bool,
}

impl LatmElements {
    /// With the StreamMuxConfig that was agreed on; none if that cannot be read, or if there is neither that
    /// nor one in band.
    pub(crate) fn new(agreed: Option<&[u8]>, in_band: bool) -> Option<Self> {
        let config = match agreed {
            Some(agreed) => Some(config(&mut Bits::new(agreed))?),
            None => None,
        };
        (in_band || config.is_some()).then_some(Self { config, in_band })
    }

    /// What was agreed on, or has come.
    pub(crate) fn config(&self) -> Option<AacConfig> {
        self.config.map(Config::told)
    }

    /// The frames of a whole element.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<AacFrame> {
        let mut frames = Vec::new();
        if self.in_band {
            element(&mut self.config, bytes, 0, &mut frames);
        } else if let Some(config) = self.config {
            payloads(config, &mut Bits::new(bytes), bytes.len(), 0, &mut frames);
        }
        frames
    }
}

/// An AudioSpecificConfig that stands for itself (RFC 3640, 4.1); none if it is cut.
pub(crate) fn audio_specific_config(bytes: &[u8]) -> Option<AacConfig> {
    let length = u32::try_from(8 * bytes.len()).ok()?;
    audio_config(&mut Bits::new(bytes), Some(length)).map(Config::told)
}

/// AudioMuxElement, with the configuration that it has or that came before.
fn element(known: &mut Option<Config>, element: &[u8], began: i64, frames: &mut Vec<AacFrame>) {
    let mut bits = Bits::new(element);
    if bits.bit() == Some(false) {
        *known = config(&mut bits);
    }
    // One that joins in the middle waits until the configuration is repeated.
    let Some(config) = *known else { return };
    payloads(config, &mut bits, element.len(), began, frames);
}

/// The frames of an AudioMuxElement of at most so many bytes, behind its configuration.
fn payloads(
    config: Config,
    bits: &mut Bits<'_>,
    most: usize,
    began: i64,
    frames: &mut Vec<AacFrame>,
) {
    let Config { profile, rate, channels, .. } = config;
    let mut push = |payload| {
        frames.push(AacFrame { profile, rate, channels, blocks: 1, payload, began });
    };
    if config.frames == 0 {
        return push(Vec::new());
    }
    for _ in 0..config.frames {
        let Some(payload) = payload(bits, most) else { return };
        push(payload);
    }
}

/// PayloadLengthInfo and PayloadMux of a single layer.
fn payload(bits: &mut Bits<'_>, most: usize) -> Option<Vec<u8>> {
    let mut length = 0;
    loop {
        let more = bits.take(8)?;
        length += more as usize;
        if more != 255 {
            break;
        }
    }
    // Its bytes begin at any bit.
    if length == 0 || length > most {
        return None;
    }
    (0..length).map(|_| bits.take(8).map(|byte| byte as u8)).collect()
}

/// StreamMuxConfig; none if it is cut.
fn config(bits: &mut Bits<'_>) -> Option<Config> {
    let version = bits.take(1)?;
    if version == 1 && bits.bit()? {
        return Some(Config::unread(Profile::Other, RATES[3], 2));
    }
    if version == 1 {
        value(bits)?;
    }
    let same_framing = bits.bit()?;
    let frames = bits.take(6)? + 1;
    let (programs, layers) = (bits.take(4)?, bits.take(3)?);
    let length = if version == 1 { Some(value(bits)?) } else { None };
    let asc = audio_config(bits, length)?;
    let simple = same_framing && programs == 0 && layers == 0;
    // Anything but frames of any length (type 0).
    if !simple || bits.take(3)? != 0 {
        return Some(Config::unread(Profile::Other, asc.rate, asc.channels));
    }
    if asc.profile == Profile::Other {
        return Some(Config::unread(asc.profile, asc.rate, asc.channels));
    }
    bits.skip(8)?;
    // Other data, which stands behind the frames.
    if bits.bit()? {
        if version == 1 {
            value(bits)?;
        } else {
            while bits.bit()? {
                bits.skip(8)?;
            }
            bits.skip(8)?;
        }
    }
    if bits.bit()? {
        bits.skip(8)?;
    }
    Some(Config { frames, ..asc })
}

/// LatmGetValue.
fn value(bits: &mut Bits<'_>) -> Option<u32> {
    let bytes = bits.take(2)? + 1;
    bits.take(8 * bytes)
}

/// AudioSpecificConfig (1.6.2.1), which is `length` bits long if that is said.
fn audio_config(bits: &mut Bits<'_>, length: Option<u32>) -> Option<Config> {
    let begin = bits.position();
    let mut kind = object_type(bits)?;
    let rate = rate(bits)?;
    let channels = bits.take(4)? as u8;
    let mut profile = if kind == LC { Profile::Lc } else { Profile::Other };
    if kind == SBR || kind == PS {
        self::rate(bits)?;
        kind = object_type(bits)?;
        profile = Profile::He;
    }
    // GASpecificConfig (4.4.1): blocks of 960 samples, a core coder, channels in the data.
    if kind != LC {
        return Some(Config::unread(Profile::Other, rate, channels));
    }
    let short = bits.bit()?;
    if bits.bit()? {
        bits.skip(14)?;
    }
    let extension = bits.bit()?;
    if short || channels == 0 {
        profile = Profile::Other;
    }
    if channels == 0 {
        return Some(Config::unread(profile, rate, channels));
    }
    if extension {
        bits.skip(1)?;
    }
    if let Some(length) = length {
        let left = length.checked_sub((bits.position() - begin) as u32)?;
        if left >= 17 && bits.take(11)? == SYNC_EXTENSION {
            let extended = object_type(bits)?;
            if extended == SBR && bits.bit()? && profile == Profile::Lc {
                profile = Profile::He;
            }
        }
        let used = (bits.position() - begin) as u32;
        bits.skip(length.checked_sub(used)?)?;
    }
    Some(Config { profile, rate, channels, frames: 1 })
}

fn object_type(bits: &mut Bits<'_>) -> Option<u32> {
    let kind = bits.take(5)?;
    if kind == 31 { Some(32 + bits.take(6)?) } else { Some(kind) }
}

fn rate(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(4)? {
        15 => bits.take(24),
        index => RATES.get(index as usize).copied(),
    }
}

#[cfg(test)]
mod tests;
