//! Planes into H.264, as every browser plays it: constrained baseline, without B-frames.

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, ColorPrimaries, Complexity, EncoderConfig, FrameRate, FrameType, IntraFramePeriod,
    MatrixCoefficients, Profile, RateControlMode, TransferCharacteristics, VuiConfig,
};

use crate::rtp::Colours;

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
        // A frame is left out rather than that a network is sent too much.
        Self::open(config(encoding).skip_frames(true).vui(VuiConfig::bt709()))
    }

    /// The same for the pictures of another encoder, which said `colours` of them: none is left
    /// out, and what it said is said again.
    ///
    /// # Errors
    /// When there is none.
    pub fn every(encoding: Encoding, colours: Colours) -> Result<Self, EncodeError> {
        let config = config(encoding).skip_frames(false);
        Self::open(vui(colours).map_or(config, |vui| config.vui(vui)))
    }

    fn open(config: EncoderConfig) -> Result<Self, EncodeError> {
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

fn config(encoding: Encoding) -> EncoderConfig {
    EncoderConfig::new()
        .max_frame_rate(FrameRate::from_hz(encoding.rate as f32))
        .bitrate(BitRate::from_bps(encoding.bits))
        .rate_control_mode(RateControlMode::Bitrate)
        .intra_frame_period(IntraFramePeriod::from_num_frames(2 * encoding.rate))
        .profile(Profile::Baseline)
        .complexity(Complexity::Low)
        .scene_change_detect(false)
        .background_detection(false)
        .num_threads(1)
}

/// What is said of colours; nothing where nothing is known. What the encoder has no name for
/// is unspecified.
fn vui(colours: Colours) -> Option<VuiConfig> {
    let primaries = match colours.primaries {
        1 => ColorPrimaries::Bt709,
        4 => ColorPrimaries::Bt470M,
        5 => ColorPrimaries::Bt470BG,
        6 => ColorPrimaries::Smpte170M,
        7 => ColorPrimaries::Smpte240M,
        8 => ColorPrimaries::Film,
        9 => ColorPrimaries::Bt2020,
        _ => ColorPrimaries::Unspecified,
    };
    let transfer = match colours.transfer {
        1 => TransferCharacteristics::Bt709,
        4 => TransferCharacteristics::Bt470M,
        5 => TransferCharacteristics::Bt470Bg,
        6 => TransferCharacteristics::Smpte170M,
        7 => TransferCharacteristics::Smpte240M,
        8 => TransferCharacteristics::Linear,
        13 => TransferCharacteristics::Srgb,
        14 => TransferCharacteristics::Bt2020_10,
        15 => TransferCharacteristics::Bt2020_12,
        16 => TransferCharacteristics::Smpte2084,
        18 => TransferCharacteristics::Hlg,
        _ => TransferCharacteristics::Unspecified,
    };
    let matrix = match colours.matrix {
        1 => MatrixCoefficients::Bt709,
        4 => MatrixCoefficients::Fcc,
        5 => MatrixCoefficients::Bt470Bg,
        6 => MatrixCoefficients::Smpte170M,
        7 => MatrixCoefficients::Smpte240M,
        9 => MatrixCoefficients::Bt2020Ncl,
        10 => MatrixCoefficients::Bt2020Cl,
        // What is no luma and chroma is decoded as such all the same.
        _ => MatrixCoefficients::Unspecified,
    };
    let vui = VuiConfig::new()
        .color_primaries(primaries)
        .transfer_characteristics(transfer)
        .matrix_coefficients(matrix)
        .full_range(colours.full_range);
    (colours != Colours::default()).then_some(vui)
}
