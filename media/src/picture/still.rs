//! One picture of a stream, as a JPEG.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use thiserror::Error;

use crate::rtp::{Kind, PictureSize};
use crate::stream::Packet;
use crate::transcode::{Framed, Framer, OutsideCodec, OutsideFault};

use super::decoder::DecodeError;
use super::planes::{Planes, fits};
use super::scale::{Crop, Scaler, contained};

/// A still is no larger, in pixels.
const LARGEST: PictureSize = PictureSize { width: 960, height: 960 };
/// From 1 to 100.
const QUALITY: u8 = 80;
/// From this height on colours are those of BT.709, below those of BT.601, where nothing else is
/// agreed on.
const HIGH_DEFINITION: u32 = 720;

/// Why there is no still of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StillError {
    /// Nobody publishes it, or its last key frame is too long ago.
    #[error("there is no key frame")]
    NoKeyFrame,
    /// The key frame is not decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It is not H.264, and there is no ffmpeg.
    #[error("this server has no ffmpeg, which a picture that is not H.264 needs")]
    NoFfmpeg,
    /// It is not H.264, and ffmpeg makes nothing of it.
    #[error("{0}")]
    Ffmpeg(OutsideFault),
    /// There is no JPEG of it.
    #[error("the picture cannot be encoded: {0}")]
    Encode(String),
    /// The server has no time for it.
    #[error("stills are not possible at the moment")]
    Unavailable,
}

/// A key frame of a picture, by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyFrame {
    /// H.264, which is decoded here.
    H264(Vec<u8>),
    /// Of another codec and of this size, which is not.
    Outside(OutsideCodec, PictureSize, Vec<u8>),
}

/// The key frame that a group of pictures begins with, of H.264 and H.265 behind its parameter sets
/// (annex B).
///
/// # Errors
/// See [`StillError`].
pub(crate) fn key_frame(group: &[Packet]) -> Result<KeyFrame, StillError> {
    let video: Vec<&Packet> = group.iter().filter(|p| p.codec.kind() == Kind::Video).collect();
    let key = video.iter().find(|packet| packet.inspection.key).ok_or(StillError::NoKeyFrame)?;
    let codec = key.codec;
    let is_set = |packet: &Packet| packet.inspection.parameters && !packet.inspection.key;
    let mut parts: Vec<&Packet> = video
        .iter()
        .copied()
        .filter(|packet| packet.codec == codec)
        .filter(|packet| packet.timestamp == key.timestamp || is_set(packet))
        .filter(|packet| packet.seq <= key.seq || packet.timestamp == key.timestamp)
        .collect();
    parts.sort_by_key(|packet| packet.seq);
    let size = parts.iter().rev().find_map(|packet| packet.inspection.size);
    if !parts.last().is_some_and(|packet| packet.marker) {
        return Err(StillError::NoKeyFrame); // it is under way
    }
    let mut framer = Framer::new(codec);
    let (mut whole, mut before) = (None, None::<&Packet>);
    for (left, packet) in (0..parts.len()).rev().zip(parts) {
        if !before.is_none_or(|b| b.seq + 1 == packet.seq || is_set(b)) {
            framer.gap();
        }
        before = Some(packet);
        // Parameter sets of before belong to no other frame: all are one.
        let part = Packet { timestamp: key.timestamp, marker: left == 0, ..packet.clone() };
        whole = framer.push(part).pop().or(whole);
    }
    let is_key = |framed: &Framed| framed.frame.whole && framed.frame.key;
    let Framed { frame, size: own } = whole.filter(is_key).ok_or(StillError::NoKeyFrame)?;
    match (OutsideCodec::of(codec), own.or(size)) {
        (None, _) => Ok(KeyFrame::H264(frame.data)),
        (Some(codec), Some(size)) if fits(size) => Ok(KeyFrame::Outside(codec, size, frame.data)),
        (Some(_), Some(size)) => Err(DecodeError::TooLarge(size).into()),
        (Some(_), None) => Err(DecodeError::Damaged.into()),
    }
}

/// A JPEG of a picture, of at most 960 pixels to each side.
///
/// # Errors
/// When it cannot be encoded.
pub fn jpeg(picture: &Planes) -> Result<Vec<u8>, StillError> {
    let size = picture.size();
    let high = size.height >= HIGH_DEFINITION;
    let fits = size.width <= LARGEST.width && size.height <= LARGEST.height;
    let scaled = (!fits)
        .then(|| Scaler::default().scale(picture, Crop::whole(size), contained(size, LARGEST)));
    let shown = scaled.flatten();
    let shown = shown.as_ref().unwrap_or(picture);
    let size = shown.size();
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(&rgb(shown, high), size.width, size.height, ExtendedColorType::Rgb8)
        .map_err(|error| StillError::Encode(error.to_string()))?;
    Ok(bytes)
}

/// Red, green and blue of each pixel, by integers of 16 bits after the point.
fn rgb(picture: &Planes, high: bool) -> Vec<u8> {
    let size = picture.size();
    let width = size.width as usize;
    // Red of Cr, green of Cb and of Cr, blue of Cb.
    let [rv, gu, gv, bu] =
        if high { [117_504, 13_954, 34_903, 138_453] } else { [104_597, 25_675, 53_279, 132_201] };
    let mut out = Vec::with_capacity(width * size.height as usize * 3);
    for (number, line) in picture.y.chunks_exact(width).enumerate() {
        let chroma = number / 2 * (width / 2);
        for (x, luma) in line.iter().enumerate() {
            let y = (i32::from(*luma) - 16) * 76_309 + 32_768;
            let u = i32::from(picture.u[chroma + x / 2]) - 128;
            let v = i32::from(picture.v[chroma + x / 2]) - 128;
            let byte = |value: i32| (value >> 16).clamp(0, 255) as u8;
            out.extend([byte(y + rv * v), byte(y - gu * u - gv * v), byte(y + bu * u)]);
        }
    }
    out
}
