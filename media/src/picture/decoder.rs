//! H.264 into planes.

use openh264::OpenH264API;
use openh264::decoder::{DecodeOptions, DecoderConfig, Flush};
use thiserror::Error;

use crate::feed::annexb;
use crate::nal::h264::SPS;
use crate::rtp::{Codec, PictureSize, inspect};

use super::planes::{Planes, fits};

/// Why a frame is not decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// It is larger than what is decoded.
    #[error("a picture of {} x {} is too large", .0.width, .0.height)]
    TooLarge(PictureSize),
    /// It is damaged, or uses what the decoder does not know.
    #[error("the picture cannot be decoded")]
    Damaged,
}

/// Decodes the frames of one picture, in the order in which they were sent.
#[derive(Default)]
pub struct Decoder {
    /// None before the first key frame, and after an error.
    inner: Option<openh264::decoder::Decoder>,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("begun", &self.inner.is_some()).finish()
    }
}

impl Decoder {
    /// Whether only a key frame can be decoded.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.inner.is_none()
    }

    /// Begins anew with the next key frame.
    pub fn reset(&mut self) {
        self.inner = None;
    }

    /// Takes a whole frame (annex B), and gives out the picture that can be shown next, if there is
    /// one by then. Frames before the first key frame are passed over.
    ///
    /// # Errors
    /// See [`DecodeError`]; it goes on with the next key frame.
    pub fn decode(&mut self, frame: &[u8], key: bool) -> Result<Option<Planes>, DecodeError> {
        let decoded = self.try_decode(frame, key);
        if decoded.is_err() {
            self.reset();
        }
        decoded
    }

    fn try_decode(&mut self, frame: &[u8], key: bool) -> Result<Option<Planes>, DecodeError> {
        check_size(frame)?;
        if self.inner.is_none() {
            if !key {
                return Ok(None);
            }
            self.inner = Some(open()?);
        }
        let Some(decoder) = &mut self.inner else { return Ok(None) };
        let options = DecodeOptions::new().flush_after_decode(Flush::NoFlush);
        let decoded = decoder.decode_with_options(frame, options);
        match decoded.map_err(|_| DecodeError::Damaged)? {
            None => Ok(None),
            Some(picture) => Planes::copy(&picture).map(Some).ok_or(DecodeError::Damaged),
        }
    }

    /// The picture of a single key frame.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn single(frame: &[u8]) -> Result<Planes, DecodeError> {
        check_size(frame)?;
        let mut decoder = open()?;
        let decoded = decoder.decode(frame).map_err(|_| DecodeError::Damaged)?;
        decoded.and_then(|picture| Planes::copy(&picture)).ok_or(DecodeError::Damaged)
    }
}

fn open() -> Result<openh264::decoder::Decoder, DecodeError> {
    let api = OpenH264API::from_source();
    openh264::decoder::Decoder::with_api_config(api, DecoderConfig::new())
        .map_err(|_| DecodeError::Damaged)
}

/// Looks at the size before the decoder does, which would make room for it.
fn check_size(frame: &[u8]) -> Result<(), DecodeError> {
    for unit in annexb::units(frame).filter(|unit| unit[0] & 0x1f == SPS) {
        match inspect(Codec::H264, unit).size {
            Some(size) if fits(size) => {}
            Some(size) => return Err(DecodeError::TooLarge(size)),
            None => return Err(DecodeError::Damaged),
        }
    }
    Ok(())
}
