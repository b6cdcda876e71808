//! Sound as browsers take it: AAC-LC of one or two channels is decoded, brought to 48 kHz and
//! encoded as Opus, like what was decoded elsewhere; Opus stays as it is. Of six channels there are
//! two mixed ones, and all six besides while somebody takes them.

use std::time::{Duration, Instant};

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};
use symphonia_codec_aac::AacDecoder;
use symphonia_core::audio::layouts::{CHANNEL_LAYOUT_MONO, CHANNEL_LAYOUT_STEREO};
use symphonia_core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia_core::codecs::audio::{AudioCodecParameters, AudioDecoder as _};
use symphonia_core::packet::PacketRef;
use symphonia_core::units::{Duration as Span, Timestamp};
use thiserror::Error;

use crate::ts::{AAC_BLOCK, AacFrame};

use super::downmix;
use super::elsewhere::Decoded;
use super::multiopus::{self, MultiOpus};

/// Samples a second of what comes out.
pub(super) const RATE: u32 = 48_000;
/// Samples of a channel in an Opus packet: 20 ms.
const FRAME: usize = 960;
const BITRATE: i32 = 96_000;
const COMPLEXITY: i32 = 5;
/// The largest packet that is made; 20 ms at that bit rate are 240 bytes.
pub(super) const MOST: usize = 1200;
/// Where the time of a frame is off by more than this, something is missing before it.
const OFF: i64 = RATE as i64 / 50;
/// Frames in a row that do not decode before it is said that they do not.
const UNREADABLE: u32 = 20;

/// A piece of sound as it came.
#[derive(Debug, Clone)]
pub struct Sound {
    /// What it is.
    pub data: SoundData,
    /// When it is to be heard, in ticks of 90 kHz.
    pub ticks: i64,
    /// When that was, on this machine's clock.
    pub captured: Instant,
}

/// What carries a piece of sound.
#[derive(Debug, Clone)]
pub enum SoundData {
    /// A frame of AAC.
    Aac(AacFrame),
    /// A packet of Opus.
    Opus(Vec<u8>),
    /// Samples as they are.
    Pcm(Samples),
}

/// Some samples, interleaved as in [`Decoded`].
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// The samples of all channels, between -1 and 1.
    pub pcm: Vec<f32>,
    /// Channels, 1 to 6.
    pub channels: u8,
    /// Samples a second.
    pub rate: u32,
}

/// An Opus packet.
#[derive(Debug, Clone, PartialEq)]
pub struct OpusPacket {
    /// The packet.
    pub payload: Vec<u8>,
    /// The same sound in six channels, where it has them and they are wanted.
    pub surround: Option<Vec<u8>>,
    /// When it is to be heard, in samples of 48 kHz.
    pub samples: i64,
    /// When that was, on this machine's clock.
    pub captured: Instant,
    /// It does not continue the one before.
    pub begins: bool,
}

/// Why there is no sound, in words for those who set the encoder up.
#[derive(Debug, Error)]
pub enum SoundError {
    /// Nothing of it can be decoded.
    #[error("The sound cannot be decoded ({0}): set the encoder to AAC-LC, 48 kHz, stereo.")]
    Decode(symphonia_core::errors::Error),
    /// Its rate cannot be changed.
    #[error("The sound cannot be brought to 48 kHz ({0}): set the encoder to 48 kHz.")]
    Resample(String),
    /// What was decoded cannot be encoded.
    #[error("The sound cannot be encoded as Opus ({0}).")]
    Encode(#[from] opus::Error),
}

/// Makes Opus packets of what comes.
pub struct Transcoder {
    decoder: Option<Decoder>,
    line: Option<Line>,
    unreadable: u32,
    /// Six channels are wanted.
    surround: bool,
}

/// The decoder of one format.
struct Decoder {
    rate: u32,
    channels: u8,
    inner: AacDecoder,
}

/// Resampler and encoders of one rate, for two channels or for six.
struct Line {
    rate: u32,
    channels: usize,
    resampler: Option<Resampler>,
    encoder: opus::Encoder,
    /// Of all six channels, while they are wanted.
    surround: Option<MultiOpus>,
    /// Samples of 48 kHz, of all channels, that do not fill a packet yet.
    pending: Vec<f32>,
    /// When the first of them is to be heard, in samples, and when that was.
    at: Option<(i64, Instant)>,
    begins: bool,
}

struct Resampler {
    inner: Fft<f32>,
    channels: usize,
    /// Samples of all channels that are no block yet.
    waiting: Vec<f32>,
    /// Samples a second of what it is given.
    rate: u32,
    /// Samples at its beginning that are only its delay.
    to_skip: usize,
}

impl Default for Transcoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Transcoder {
    /// One that has heard nothing yet.
    pub fn new() -> Self {
        Self { decoder: None, line: None, unreadable: 0, surround: false }
    }

    /// Whether sound of six channels is to be encoded in all of them besides.
    pub fn want_surround(&mut self, wanted: bool) {
        self.surround = wanted;
    }

    /// Takes a piece of sound, and gives out the packets that it completes.
    ///
    /// # Errors
    /// If it cannot be decoded, as at last twenty in a row; or not be encoded.
    pub fn push(&mut self, sound: Sound) -> Result<Vec<OpusPacket>, SoundError> {
        let Sound { data, ticks, captured } = sound;
        let frame = match data {
            SoundData::Opus(payload) => {
                let samples = in_samples(ticks);
                let (surround, begins) = (None, false);
                return Ok(vec![OpusPacket { payload, surround, samples, captured, begins }]);
            }
            SoundData::Pcm(Samples { pcm, channels, rate }) => {
                return self.decoded(Decoded { pcm, channels, rate, ticks, captured });
            }
            SoundData::Aac(frame) => frame,
        };
        let AacFrame { rate, channels, payload, .. } = frame;
        let of = |decoder: &Decoder| (decoder.rate, decoder.channels) == (rate, channels);
        let decoder = match self.decoder.take().filter(of) {
            Some(decoder) => self.decoder.insert(decoder),
            None => self.decoder.insert(Decoder::new(rate, channels)?),
        };
        match decoder.decode(&payload) {
            Ok(pcm) => {
                self.unreadable = 0;
                let channels = channels.min(2);
                self.decoded(Decoded { pcm, channels, rate, ticks, captured })
            }
            Err(error) => {
                // A damaged frame is a gap. Only when there is nothing else it is a fault.
                self.unreadable += 1;
                decoder.inner.reset();
                if self.unreadable < UNREADABLE {
                    return Ok(Vec::new());
                }
                self.unreadable = 0;
                Err(SoundError::Decode(error))
            }
        }
    }

    /// Takes sound that was decoded, and gives out the packets that it completes.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub fn decoded(&mut self, decoded: Decoded) -> Result<Vec<OpusPacket>, SoundError> {
        let Decoded { pcm, channels, rate, ticks, captured } = decoded;
        // Six channels are mixed behind the resampler, so that the packets of all and of the two
        // stand for the same samples.
        let pcm = if channels == multiopus::CHANNELS {
            pcm
        } else {
            let Some(pcm) = downmix::stereo(&pcm, channels) else { return Ok(Vec::new()) };
            pcm
        };
        let channels = if channels == multiopus::CHANNELS { channels.into() } else { 2 };
        let fits = |line: &Line| (line.rate, line.channels) == (rate, channels);
        let line = match self.line.take().filter(fits) {
            Some(line) => self.line.insert(line),
            None => self.line.insert(Line::new(rate, channels)?),
        };
        line.want_surround(self.surround)?;
        line.push(&pcm, in_samples(ticks), captured)
    }
}

/// Ticks of 90 kHz in samples of what comes out.
fn in_samples(ticks: i64) -> i64 {
    ticks * i64::from(RATE) / i64::from(crate::ts::CLOCK)
}

impl Decoder {
    fn new(rate: u32, channels: u8) -> Result<Self, SoundError> {
        let layout = if channels == 1 { CHANNEL_LAYOUT_MONO } else { CHANNEL_LAYOUT_STEREO };
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(CODEC_ID_AAC).with_sample_rate(rate).with_channels(layout);
        let inner = AacDecoder::try_new(&parameters, &Default::default());
        Ok(Self { rate, channels, inner: inner.map_err(SoundError::Decode)? })
    }

    fn decode(&mut self, payload: &[u8]) -> Result<Vec<f32>, symphonia_core::errors::Error> {
        let packet = PacketRef::new(0, Timestamp::ZERO, Span::ZERO, payload);
        let mut pcm = Vec::new();
        self.inner.decode_ref(&packet)?.copy_to_vec_interleaved(&mut pcm);
        Ok(pcm)
    }
}

impl Line {
    fn new(rate: u32, channels: usize) -> Result<Self, SoundError> {
        Ok(Self {
            rate,
            channels,
            resampler: if rate == RATE { None } else { Some(Resampler::new(rate, channels)?) },
            encoder: opus_encoder()?,
            surround: None,
            pending: Vec::new(),
            at: None,
            begins: true,
        })
    }

    fn want_surround(&mut self, wanted: bool) -> Result<(), SoundError> {
        if !wanted || self.channels != usize::from(multiopus::CHANNELS) {
            self.surround = None;
        } else if self.surround.is_none() {
            self.surround = Some(MultiOpus::new()?);
        }
        Ok(())
    }

    fn push(
        &mut self,
        pcm: &[f32],
        samples: i64,
        captured: Instant,
    ) -> Result<Vec<OpusPacket>, SoundError> {
        self.place(samples, captured)?;
        match &mut self.resampler {
            Some(resampler) => self.pending.extend(resampler.push(pcm)?),
            None => self.pending.extend(pcm),
        }
        self.encode()
    }

    /// Where the frame goes: behind what is pending, unless its time says that something else
    /// was to come between.
    fn place(&mut self, samples: i64, captured: Instant) -> Result<(), SoundError> {
        let pending = (self.pending.len() / self.channels) as i64;
        let held = self.resampler.as_ref().map_or(0, Resampler::held);
        let expected = self.at.map(|(at, _)| at + pending + held);
        if expected.is_none_or(|expected| (samples - expected).abs() > OFF) {
            self.pending.clear();
            if let Some(resampler) = &mut self.resampler {
                resampler.begin_anew();
            }
            self.at = Some((samples, captured));
            self.begins = true;
        } else if let Some((at, when)) = &mut self.at {
            // The machine's clock may have been followed meanwhile.
            let behind = Duration::from_micros((samples - *at).unsigned_abs() * 1000 / 48);
            *when = captured.checked_sub(behind).unwrap_or(*when);
        }
        Ok(())
    }

    fn encode(&mut self) -> Result<Vec<OpusPacket>, SoundError> {
        let mut packets = Vec::new();
        let length = self.channels * FRAME;
        let whole = self.pending.len() / length * length;
        for frame in self.pending[..whole].chunks_exact(length) {
            let Some((at, captured)) = self.at else { break };
            let mixed =
                (self.channels > 2).then(|| downmix::stereo(frame, multiopus::CHANNELS)).flatten();
            let payload = self.encoder.encode_vec_float(mixed.as_deref().unwrap_or(frame), MOST)?;
            let surround = self.surround.as_mut().map(|surround| surround.encode(frame));
            let (surround, begins) = (surround.transpose()?, std::mem::take(&mut self.begins));
            packets.push(OpusPacket { payload, surround, samples: at, captured, begins });
            self.at = Some((at + FRAME as i64, captured + Duration::from_millis(20)));
        }
        self.pending.drain(..whole);
        Ok(packets)
    }
}

impl Resampler {
    fn new(rate: u32, channels: usize) -> Result<Self, SoundError> {
        let (from, to) = (rate as usize, RATE as usize);
        let inner = Fft::new(from, to, AAC_BLOCK as usize, channels, FixedSync::Input);
        let inner = inner.map_err(|error| SoundError::Resample(error.to_string()))?;
        let to_skip = inner.output_delay();
        Ok(Self { inner, channels, waiting: Vec::new(), rate, to_skip })
    }

    /// How many samples of what it was given are not given out, in those of its output.
    fn held(&self) -> i64 {
        // All that is not skipped any more has come out; the rest is its delay.
        let waiting = (self.waiting.len() / self.channels) as i64;
        let waiting = waiting * i64::from(RATE) / i64::from(self.rate);
        (self.inner.output_delay() - self.to_skip) as i64 + waiting
    }

    fn begin_anew(&mut self) {
        self.inner.reset();
        self.waiting.clear();
        self.to_skip = self.inner.output_delay();
    }

    /// Takes samples of all channels, and gives out those of the blocks that are whole by then.
    fn push(&mut self, pcm: &[f32]) -> Result<Vec<f32>, SoundError> {
        let length = self.channels * AAC_BLOCK as usize;
        self.waiting.extend(pcm);
        let whole = self.waiting.len() / length * length;
        let blocks: Vec<f32> = self.waiting.drain(..whole).collect();
        let mut output = Vec::new();
        for block in blocks.chunks_exact(length) {
            output.extend(self.block(block)?);
        }
        Ok(output)
    }

    fn block(&mut self, pcm: &[f32]) -> Result<Vec<f32>, SoundError> {
        let failed = |error: String| SoundError::Resample(error);
        let input = InterleavedSlice::new(pcm, self.channels, pcm.len() / self.channels);
        let input = input.map_err(|error| failed(error.to_string()))?;
        let output = self.inner.process(&input, None).map_err(|error| failed(error.to_string()))?;
        let mut output = output.take_data();
        let skipped = self.to_skip.min(output.len() / self.channels);
        output.drain(..self.channels * skipped);
        self.to_skip -= skipped;
        Ok(output)
    }
}

/// An encoder of stereo of 48 kHz for viewers. It looks ahead by 2.5 ms; the mode that may also
/// encode as speech does would by 6.5 ms, and at this bit rate never does so.
///
/// # Errors
/// When there is no encoder.
pub(crate) fn opus_encoder() -> Result<opus::Encoder, opus::Error> {
    let (stereo, quick) = (opus::Channels::Stereo, opus::Application::LowDelay);
    let mut encoder = opus::Encoder::new(RATE, stereo, quick)?;
    encoder.set_bitrate(opus::Bitrate::Bits(BITRATE))?;
    encoder.set_complexity(COMPLEXITY)?;
    Ok(encoder)
}

/// How many samples of 48 kHz an Opus packet stands for (RFC 6716, 3.1).
pub(crate) fn opus_samples(packet: &[u8]) -> u32 {
    let Some(&toc) = packet.first() else { return 0 };
    let config = u32::from(toc >> 3);
    let frame = match config {
        0..=11 => [480, 960, 1920, 2880][config as usize % 4],
        12..=15 => [480, 960][config as usize % 2],
        _ => [120, 240, 480, 960][config as usize % 4],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |byte| u32::from(byte & 0x3f)),
    };
    (frame * count).min(5760)
}
