//! The formats that can be declared: by the parameters that are registered for each.

use std::sync::Arc;

use crate::nal::{h264, h265};
use crate::ts::{self, AacConfig, CLOCK, LatmElements, Profile};
use crate::webrtc::base64;

use super::aac::Widths;
use super::classify::{AacKind, Told};
use super::declared::{DeclaredTrack, Framing, Terms};
use super::frames::Video;
use super::pcm::{Format, Pcm};
use super::sdp::{Encoding, Media, excerpt};

/// The most channels: 5.1.
const CHANNELS: u32 = 6;
/// Sampling rates that are brought to 48 kHz.
const RATES: [u32; 10] =
    [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000];
/// Ticks of Opus, whatever it encodes (RFC 7587, 4.1).
const OPUS_CLOCK: u32 = 48_000;
/// The longest parameter sets, in bytes.
const SETS: usize = 4 << 10;
const START: [u8; 4] = [0, 0, 0, 1];

type Found = Result<DeclaredTrack, String>;

/// A picture that is taken.
pub(super) fn picture(media: &Media) -> Found {
    let encoding = encoding(media)?;
    let right_clock = encoding.clock == CLOCK;
    let track = match encoding.name.to_ascii_uppercase().as_str() {
        "H264" => h264(media)?,
        "H265" => h265(media)?,
        "MP2T" => track(media, "MP2T", CLOCK, Told::TransportStream),
        _ => {
            let name = excerpt(&encoding.name);
            return Err(format!("{name} is not supported: set the encoder to H264 or H265"));
        }
    };
    if right_clock { Ok(track) } else { Err("the clock of a picture is 90000".to_owned()) }
}

/// Sound that is taken.
pub(super) fn sound(media: &Media) -> Found {
    let encoding = encoding(media)?;
    match encoding.name.to_ascii_lowercase().as_str() {
        "mpeg4-generic" => generic(media, &encoding),
        "mp4a-latm" => latm(media, &encoding),
        "opus" => opus(media, &encoding),
        "l16" => pcm(media, &encoding, "L16", Format::L16),
        "l24" => pcm(media, &encoding, "L24", Format::L24),
        "pcmu" => pcm(media, &encoding, "PCMU", Format::Mu),
        "pcma" => pcm(media, &encoding, "PCMA", Format::A),
        _ => Err(format!(
            "{} is not supported: set the encoder to mpeg4-generic or MP4A-LATM (AAC), opus, L16, L24, PCMU \
             or PCMA",
            excerpt(&encoding.name)
        )),
    }
}

fn encoding(media: &Media) -> Result<Encoding, String> {
    let none = || format!("a=rtpmap:{} with a name and a clock is missing", media.pt);
    media.encoding().ok_or_else(none)
}

/// A track of which nothing more is to be said.
fn track(media: &Media, encoding_name: &'static str, clock_rate: u32, told: Told) -> DeclaredTrack {
    DeclaredTrack {
        payload_type: media.pt,
        encoding_name,
        clock_rate,
        codec: told.name(),
        sample_rate: None,
        channels: None,
        parameter_sets: None,
        terms: Terms { told, sets: None, framing: Framing::Generic(Widths::HBR) },
    }
}

/// A picture, with the parameter sets that are declared.
fn shown(media: &Media, name: &'static str, video: Video, sets: Option<Vec<u8>>) -> DeclaredTrack {
    let mut track = track(media, name, CLOCK, Told::Picture(video));
    track.parameter_sets = Some(sets.is_some());
    track.terms.sets = sets.map(Arc::from);
    track
}

/// RFC 6184, 8.1.
fn h264(media: &Media) -> Found {
    if media.number("packetization-mode")?.is_some_and(|mode| mode > 1) {
        return Err("packetization-mode is to be 0 or 1".to_owned());
    }
    let sets = match media.parameter("sprop-parameter-sets") {
        None => None,
        Some(value) => {
            let kind = |unit: &[u8]| unit[0] & 0x1f;
            let of = |kinds: &[u8]| [h264::SPS, h264::PPS].iter().all(|kind| kinds.contains(kind));
            Some(units("sprop-parameter-sets", [value], kind, of)?)
        }
    };
    Ok(shown(media, "H264", Video::H264, sets))
}

/// RFC 7798, 7.1.
fn h265(media: &Media) -> Found {
    if media.number("sprop-max-don-diff")?.is_some_and(|most| most > 0) {
        return Err("sprop-max-don-diff is to be 0: decoding order numbers are not read".to_owned());
    }
    if media.parameter("tx-mode").is_some_and(|mode| !mode.eq_ignore_ascii_case("SRST")) {
        return Err("tx-mode is to be SRST".to_owned());
    }
    let names = ["sprop-vps", "sprop-sps", "sprop-pps"];
    let values: Vec<&str> = names.iter().filter_map(|name| media.parameter(name)).collect();
    let sets = if values.is_empty() {
        None
    } else {
        let kind = |unit: &[u8]| unit[0] >> 1 & 0x3f;
        let wanted = [h265::VPS, h265::SPS, h265::PPS];
        let of = |kinds: &[u8]| wanted.iter().all(|kind| kinds.contains(kind));
        Some(units("sprop-vps, sprop-sps and sprop-pps", values, kind, of)?)
    };
    Ok(shown(media, "H265", Video::H265, sets))
}

/// Parameter sets with start codes before them; of all kinds that `whole` wants.
fn units<'a>(
    name: &str,
    values: impl IntoIterator<Item = &'a str>,
    kind: impl Fn(&[u8]) -> u8,
    whole: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, String> {
    let (mut kinds, mut bytes) = (Vec::new(), Vec::new());
    for text in values.into_iter().flat_map(|value| value.split(',')) {
        let unit = base64(text.trim()).filter(|unit| unit.len() > 2);
        let unit = unit.ok_or_else(|| format!("{name} is no base64 of parameter sets"))?;
        kinds.push(kind(&unit));
        bytes.extend_from_slice(&START);
        bytes.extend_from_slice(&unit);
        if bytes.len() > SETS {
            return Err(format!("{name} is longer than {SETS} bytes"));
        }
    }
    if whole(&kinds) { Ok(bytes) } else { Err(format!("{name} has not all parameter sets")) }
}

/// AAC by RFC 3640, 4.1.
fn generic(media: &Media, encoding: &Encoding) -> Found {
    let mode = media.parameter("mode").unwrap_or_default();
    if !["aac-hbr", "aac-lbr", "generic"].iter().any(|known| mode.eq_ignore_ascii_case(known)) {
        return Err(format!("mode={} is not supported: set it to AAC-hbr", excerpt(mode)));
    }
    for name in
        ["CTSDeltaLength", "DTSDeltaLength", "randomAccessIndication", "streamStateIndication"]
            .into_iter()
            .chain(["auxiliaryDataSizeLength", "constantSize", "maxDisplacement"])
    {
        if media.number(name)?.is_some_and(|value| value != 0) {
            return Err(format!("{name} is not supported"));
        }
    }
    let width = |name: &str| Ok::<u32, String>(media.number(name)?.unwrap_or(0));
    let (size, index, delta) =
        (width("sizeLength")?, width("indexLength")?, width("indexDeltaLength")?);
    if !(1..=16).contains(&size) || index > 8 || delta > 8 {
        return Err(
            "sizeLength is to be 1 to 16, indexLength and indexDeltaLength 0 to 8".to_owned()
        );
    }
    let config = media.parameter("config").ok_or("config (AudioSpecificConfig) is missing")?;
    let config = hex(config).and_then(|bytes| ts::audio_specific_config(&bytes));
    let config = config.ok_or("config is no AudioSpecificConfig in hexadecimal")?;
    let told = aac(config, encoding.clock)?;
    let mut track = track(media, "mpeg4-generic", encoding.clock, told);
    track.terms.framing = Framing::Generic(Widths { size, index, delta });
    Ok(track)
}

/// AAC by RFC 6416, 7.3.
fn latm(media: &Media, encoding: &Encoding) -> Found {
    let config = match media.parameter("config") {
        Some(text) => Some(hex(text).ok_or("config is not hexadecimal")?),
        None => None,
    };
    let in_band = match media.number("cpresent")? {
        Some(0) => false,
        // It is 1 where it is not said.
        Some(1) | None => true,
        Some(other) => return Err(format!("cpresent={other} is neither 0 nor 1")),
    };
    if config.is_none() {
        return Err("config (StreamMuxConfig) is missing".to_owned());
    }
    let elements = LatmElements::new(config.as_deref(), in_band);
    let elements = elements.ok_or("config is no StreamMuxConfig in hexadecimal")?;
    let config = elements.config().ok_or("config is no StreamMuxConfig")?;
    let told = aac(config, encoding.clock)?;
    let mut track = track(media, "MP4A-LATM", encoding.clock, told);
    track.terms.framing = Framing::Latm(elements);
    Ok(track)
}

/// AAC with timestamps of so many ticks a second.
fn aac(config: AacConfig, clock: u32) -> Result<Told, String> {
    let AacConfig { profile, rate, channels } = config;
    if profile == Profile::Other {
        return Err(
            "config is of another profile than AAC-LC and HE-AAC, or has the layout of the \
                    channels in the data"
                .to_owned(),
        );
    }
    if !(1..=CHANNELS).contains(&channels.into()) {
        return Err("config has more channels than 5.1".to_owned());
    }
    if !ts::AAC_RATES.contains(&rate) || !(4_000..=192_000).contains(&clock) {
        return Err(format!("AAC of {rate} Hz with a clock of {clock} is not supported"));
    }
    Ok(Told::Aac(AacKind { clock, rate, profile, channels: Some(channels) }))
}

/// RFC 7587, 7.
fn opus(media: &Media, encoding: &Encoding) -> Found {
    if encoding.clock != OPUS_CLOCK || encoding.channels != Some(2) {
        return Err("it is to be opus/48000/2, of one or two channels".to_owned());
    }
    Ok(track(media, "opus", OPUS_CLOCK, Told::Opus))
}

/// RFC 3551, 4.5.11 and 4.5.14, and RFC 3190, 4.
fn pcm(media: &Media, encoding: &Encoding, name: &'static str, format: Format) -> Found {
    let (rate, channels) = (encoding.clock, encoding.channels.unwrap_or(1));
    if !RATES.contains(&rate) {
        return Err(format!("{name} of {rate} Hz is not supported: set the encoder to 48000"));
    }
    let channels = match u8::try_from(channels) {
        Ok(channels @ (1 | 2 | 3 | 5 | 6)) => channels,
        _ => return Err(format!("{name} is to have 1, 2, 3, 5 or 6 channels")),
    };
    if media.parameter("emphasis").is_some() {
        return Err("emphasis is not supported".to_owned());
    }
    // SMPTE ST 2110-30, 6.2.2: of five and one their order is the same as ours.
    let known: &[&str] = match channels {
        1 => &["SMPTE2110.(M)"],
        2 => &["SMPTE2110.(ST)", "SMPTE2110.(DM)"],
        6 => &["SMPTE2110.(51)"],
        _ => &[],
    };
    if let Some(order) = media.parameter("channel-order")
        && !known.iter().any(|known| known.eq_ignore_ascii_case(order))
    {
        let order = excerpt(order);
        return Err(format!("channel-order={order} is not supported for {channels} channels"));
    }
    let pcm = Pcm { format, rate, channels };
    let mut track = track(media, name, rate, Told::Pcm(pcm));
    (track.sample_rate, track.channels) = (Some(rate), Some(channels));
    Ok(track)
}

/// Bytes in hexadecimal.
fn hex(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    text.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
