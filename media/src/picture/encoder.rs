//! Planes into H.264, as every browser plays it: constrained baseline, without B-frames.

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile,
    RateControlMode, VuiConfig,
};

use super::planes::Planes;

/// The encoder gave nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("H.264 cannot be encoded: {0}")]
pub struct EncodeError(String);

/// How pictures are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// Frames a second.
    pub rate: u32,
    /// Bits a second.
    pub bits: u32,
}

/// An encoder of pictures that all have the same size.
pub struct Encoder {
    inner: openh264::encoder::Encoder,
    begun: bool,
    /// A key frame is wanted, and was left out.
    owes_key: bool,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("begun", &self.begun).finish_non_exhaustive()
    }
}

impl Encoder {
    /// An encoder that gives a key frame every two seconds, and when it is asked for one.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(encoding: Encoding) -> Result<Self, EncodeError> {
        let config = EncoderConfig::new()
            .max_frame_rate(FrameRate::from_hz(encoding.rate as f32))
            .bitrate(BitRate::from_bps(encoding.bits))
            .rate_control_mode(RateControlMode::Bitrate)
            // A frame is left out rather than that a network is sent too much.
            .skip_frames(true)
            .intra_frame_period(IntraFramePeriod::from_num_frames(2 * encoding.rate))
            .profile(Profile::Baseline)
            .complexity(Complexity::Low)
            .scene_change_detect(false)
            .background_detection(false)
            .num_threads(1)
            .vui(VuiConfig::bt709());
        let inner = openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config);
        let inner = inner.map_err(|error| EncodeError(error.to_string()))?;
        Ok(Self { inner, begun: false, owes_key: false })
    }

    /// Encodes a picture, as a key frame when `key` (annex B; a key frame begins with its
    /// parameter sets). None where the bit rate leaves no room for it; a key frame then comes next.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn encode(&mut self, picture: &Planes, key: bool) -> Result<Option<Vec<u8>>, EncodeError> {
        // The encoder exists only from its first picture on, which is a key frame anyway.
        let key = key || self.owes_key;
        if key && self.begun {
            self.inner.force_intra_frame();
        }
        self.begun = true;
        let stream = self.inner.encode(picture).map_err(|error| EncodeError(error.to_string()))?;
        match stream.frame_type() {
            FrameType::Invalid => Err(EncodeError("nothing came out".into())),
            FrameType::Skip => {
                self.owes_key = key;
                Ok(None)
            }
            _ => {
                self.owes_key = false;
                Ok(Some(stream.to_vec()))
            }
        }
    }
}
