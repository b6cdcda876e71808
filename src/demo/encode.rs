//! Encoders of the demo: H.264 in constrained baseline (no B-frames, so that
//! every browser plays it without delay) and Opus.

use std::f64::consts::TAU;

use openh264::OpenH264API;
use openh264::encoder::{
    Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile,
    RateControlMode, VuiConfig,
};

use super::picture::Picture;

/// Samples a second of all audio here.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples of one Opus packet (20 ms) per channel.
pub const PACKET_SAMPLES: usize = 960;
/// Duration of one Opus packet in milliseconds.
pub const PACKET_MS: u64 = 20;

/// What a codec refused to do.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The H.264 encoder failed.
    #[error("H.264: {0}")]
    Video(#[from] openh264::Error),
    /// The H.264 encoder gave nothing for a picture.
    #[error("H.264: the encoder skipped a picture")]
    Skipped,
    /// The Opus encoder failed.
    #[error("Opus: {0}")]
    Audio(#[from] opus::Error),
}

/// One encoded picture.
#[derive(Debug, Clone)]
pub struct AccessUnit {
    /// NAL units in Annex B form; a key frame begins with its SPS and PPS.
    pub data: Vec<u8>,
    /// Whether decoding can start here.
    pub key: bool,
}

/// How pictures are encoded.
#[derive(Debug, Clone, Copy)]
pub struct VideoConfig {
    /// Frames a second.
    pub fps: u32,
    /// Frames from one key frame to the next.
    pub key_interval: u32,
}

/// An H.264 encoder that never drops a picture.
pub struct VideoEncoder {
    encoder: Encoder,
    started: bool,
}

impl VideoEncoder {
    /// Makes an encoder; the size comes with the first picture.
    ///
    /// # Errors
    /// When the encoder cannot be set up.
    pub fn new(config: VideoConfig) -> Result<Self, EncodeError> {
        let config = EncoderConfig::new()
            .max_frame_rate(FrameRate::from_hz(config.fps as f32))
            .intra_frame_period(IntraFramePeriod::from_num_frames(config.key_interval))
            // Constant quality: the pattern's cost is known, and a rate control that may not
            // skip pictures (a hole in the frame numbers) would have nothing to control with.
            .rate_control_mode(RateControlMode::Off)
            .skip_frames(false)
            .profile(Profile::Baseline)
            .complexity(Complexity::Low)
            .scene_change_detect(false)
            .adaptive_quantization(false)
            .background_detection(false)
            .num_threads(1)
            .vui(VuiConfig::bt709());
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config)?;
        Ok(Self { encoder, started: false })
    }

    /// Encodes one picture, as a key frame when `force_key`.
    ///
    /// # Errors
    /// When the encoder fails or gives nothing.
    pub fn encode(
        &mut self,
        picture: &Picture,
        force_key: bool,
    ) -> Result<AccessUnit, EncodeError> {
        // The encoder exists only from its first picture on, which is a key frame anyway.
        if force_key && self.started {
            self.encoder.force_intra_frame();
        }
        self.started = true;
        let stream = self.encoder.encode(picture)?;
        let key = match stream.frame_type() {
            FrameType::IDR => true,
            FrameType::I | FrameType::P | FrameType::IPMixed => false,
            FrameType::Skip | FrameType::Invalid => return Err(EncodeError::Skipped),
        };
        Ok(AccessUnit { data: stream.to_vec(), key })
    }
}

impl std::fmt::Debug for VideoEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VideoEncoder").field("started", &self.started).finish_non_exhaustive()
    }
}

/// The NAL units of an Annex B stream, without their start codes.
pub fn nal_units(annex_b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(annex_b);
    std::iter::from_fn(move || {
        let unit = rest?;
        let end = unit.windows(3).position(|w| w == [0, 0, 1]);
        rest = end.map(|end| &unit[end + 3..]);
        let unit = &unit[..end.unwrap_or(unit.len())];
        // A four-byte start code's first zero, and trailing zeros, belong to no unit.
        let len = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Some(&unit[..len])
    })
}

fn after_start_code(annex_b: &[u8]) -> Option<&[u8]> {
    let at = annex_b.windows(3).position(|w| w == [0, 0, 1])?;
    Some(&annex_b[at + 3..])
}

/// A tone with a short, higher and louder beep at the start of each second.
#[derive(Debug, Clone, Copy)]
pub struct Tone {
    /// Pitch of the tone in hertz; a whole number keeps it seamless.
    pub hertz: u32,
    /// Pitch of the beep in hertz.
    pub beep_hertz: u32,
}

impl Default for Tone {
    fn default() -> Self {
        Self { hertz: 440, beep_hertz: 1_760 }
    }
}

impl Tone {
    const LEVEL: f64 = 0.06;
    const BEEP_LEVEL: f64 = 0.22;
    /// The beep lasts 100 ms, with edges of 4 ms against clicks.
    const BEEP_SAMPLES: u64 = SAMPLE_RATE as u64 / 10;
    const EDGE_SAMPLES: f64 = SAMPLE_RATE as f64 * 0.004;

    /// The sample number `index` since the start, -1.0 to 1.0.
    #[must_use]
    pub fn sample(self, index: u64) -> f32 {
        let rate = u64::from(SAMPLE_RATE);
        let within = index % rate;
        let wave = |hertz: u32| {
            let cycle = (within * u64::from(hertz) % rate) as f64 / rate as f64;
            (cycle * TAU).sin()
        };
        let mut level = Self::LEVEL * wave(self.hertz);
        if within < Self::BEEP_SAMPLES {
            let to_edge = within.min(Self::BEEP_SAMPLES - within) as f64;
            let envelope = (to_edge / Self::EDGE_SAMPLES).min(1.0);
            level += Self::BEEP_LEVEL * envelope * wave(self.beep_hertz);
        }
        level as f32
    }
}

/// Encodes a [`Tone`] as stereo Opus packets of 20 ms.
pub struct ToneEncoder {
    tone: Tone,
    encoder: opus::Encoder,
}

impl ToneEncoder {
    /// Room for one packet; 96 kbit/s needs about 240 bytes.
    const MAX_PACKET: usize = 1_276;

    /// Makes an encoder for `tone`.
    ///
    /// # Errors
    /// When the codec cannot be set up.
    pub fn new(tone: Tone) -> Result<Self, EncodeError> {
        let mut encoder =
            opus::Encoder::new(SAMPLE_RATE, opus::Channels::Stereo, opus::Application::Audio)?;
        encoder.set_bitrate(opus::Bitrate::Bits(96_000))?;
        encoder.set_complexity(5)?;
        Ok(Self { tone, encoder })
    }

    /// Samples that a decoder must throw away at the start.
    ///
    /// # Errors
    /// When the codec does not tell.
    pub fn pre_skip(&mut self) -> Result<u16, EncodeError> {
        Ok(self.encoder.get_lookahead()?.try_into().unwrap_or(0))
    }

    /// Encodes the packet that begins at `index` x 20 ms.
    ///
    /// # Errors
    /// When the codec fails.
    pub fn packet(&mut self, index: u64) -> Result<Vec<u8>, EncodeError> {
        let first = index * PACKET_SAMPLES as u64;
        let samples: Vec<f32> = (first..first + PACKET_SAMPLES as u64)
            .flat_map(|at| [self.tone.sample(at); 2])
            .collect();
        Ok(self.encoder.encode_vec_float(&samples, Self::MAX_PACKET)?)
    }
}

impl std::fmt::Debug for ToneEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToneEncoder").field("tone", &self.tone).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use openh264::decoder::Decoder;
    use openh264::formats::YUVSource;

    use super::*;
    use crate::demo::pattern::{Clock, Pattern, PatternConfig};
    use crate::demo::picture::{Colour, Size};
    use crate::demo::strip::{self, Reading, Source};

    fn pattern(size: Size) -> Pattern {
        Pattern::new(PatternConfig {
            size,
            fps: 25,
            title: "ENCODER TEST".into(),
            accent: Colour::rgb(255, 170, 60),
            source: Source::ClipB,
        })
    }

    fn encoder(key_interval: u32) -> VideoEncoder {
        VideoEncoder::new(VideoConfig { fps: 25, key_interval }).unwrap()
    }

    #[test]
    fn the_frame_number_survives_the_codec() {
        for (width, height) in [(1280, 720), (320, 180)] {
            let size = Size::new(width, height).unwrap();
            let pattern = pattern(size);
            let mut picture = pattern.canvas();
            let mut encoder = encoder(12);
            let mut decoder = Decoder::new().unwrap();
            for frame in 1000..1030_u32 {
                pattern.draw(&mut picture, frame.into(), Clock::Elapsed);
                let unit = encoder.encode(&picture, false).unwrap();
                let decoded = decoder.decode(&unit.data).unwrap().expect("no delay");
                let reading = strip::read(decoded.y(), decoded.strides().0, size);
                assert_eq!(reading, Some(Reading { source: Source::ClipB, frame }));
            }
        }
    }

    #[test]
    fn key_frames_come_on_time_on_demand_and_with_their_parameter_sets() {
        let size = Size::new(320, 180).unwrap();
        let pattern = pattern(size);
        let mut picture = pattern.canvas();
        let mut encoder = encoder(10);
        let mut keys = Vec::new();
        for frame in 0..30 {
            pattern.draw(&mut picture, frame, Clock::Elapsed);
            let unit = encoder.encode(&picture, frame == 13).unwrap();
            let types: Vec<u8> = nal_units(&unit.data).map(|nal| nal[0] & 0x1F).collect();
            assert_eq!(unit.key, types.contains(&5));
            if unit.key {
                assert_eq!(types[..2], [7, 8], "SPS and PPS before frame {frame}");
                keys.push(frame);
            } else {
                assert!(types.iter().all(|t| *t == 1), "{types:?}");
            }
        }
        assert_eq!(keys, [0, 10, 13, 23]);
    }

    #[test]
    fn the_profile_is_constrained_baseline() {
        let size = Size::new(1280, 720).unwrap();
        let mut encoder = encoder(25);
        let unit = encoder.encode(&Picture::new(size, Colour::BLACK), false).unwrap();
        let sps = nal_units(&unit.data).next().unwrap();
        assert_eq!((sps[0] & 0x1F, sps[1]), (7, 66));
        assert_eq!(sps[2] & 0x40, 0x40, "constraint_set1_flag");
    }

    #[test]
    fn nal_units_are_split_at_either_start_code() {
        let stream = [0, 0, 0, 1, 7, 1, 0, 0, 1, 8, 2, 0, 0, 0, 1, 5, 3, 4, 0];
        let units: Vec<&[u8]> = nal_units(&stream).collect();
        assert_eq!(units, [&[7, 1][..], &[8, 2], &[5, 3, 4]]);
        assert_eq!(nal_units(&[1, 2, 3]).count(), 0);
    }

    #[test]
    fn the_tone_beeps_once_a_second_and_decodes() {
        let mut encoder = ToneEncoder::new(Tone::default()).unwrap();
        let mut decoder = opus::Decoder::new(SAMPLE_RATE, opus::Channels::Stereo).unwrap();
        let mut energy = Vec::new();
        for index in 0..100 {
            let mut pcm = [0.0_f32; PACKET_SAMPLES * 2];
            let packet = encoder.packet(index).unwrap();
            assert_eq!(decoder.decode_float(&packet, &mut pcm, false).unwrap(), PACKET_SAMPLES);
            energy.push(pcm.iter().map(|s| s * s).sum::<f32>() / pcm.len() as f32);
        }
        let loud: Vec<bool> = energy.iter().map(|e| *e > 0.01).collect();
        for second in [0, 50] {
            assert!(loud[second + 1..second + 4].iter().all(|l| *l), "beep at {second}");
            assert!(!loud[second + 7..second + 49].iter().any(|l| *l), "no beep after {second}");
            assert!(energy[second + 20] > 0.0005, "tone at {second}");
        }
    }
}
