//! MPEG transport streams (ISO/IEC 13818-1): tracks, access units, and what of AAC can be
//! told without decoding it.

mod aac;
mod adts;
mod align;
mod demux;
mod framer;
mod latm;
mod opus;

pub(crate) use aac::{AacConfig, RATES as AAC_RATES};
pub use aac::{AacFrame, BLOCK as AAC_BLOCK, Profile};
pub use adts::AdtsReader;
pub(crate) use adts::adts_frame;
pub use demux::Demuxer;
pub use latm::LatmReader;
pub(crate) use latm::{LatmElements, audio_specific_config};
pub use opus::packets as opus_packets;

/// Ticks of presentation times in a second.
pub const CLOCK: u32 = 90_000;

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackCodec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
    /// AAC in ADTS frames.
    AacAdts,
    /// AAC in LATM.
    AacLatm,
    /// Opus, of one or two channels.
    Opus,
    /// Opus of more channels: several streams in a packet, which RTP has no payload for.
    OpusSurround,
    /// MPEG-1 or MPEG-2 audio.
    Mp2,
    /// Dolby AC-3.
    Ac3,
    /// Dolby AC-3, enhanced.
    EAc3,
    /// MPEG-1 or MPEG-2 video.
    Mpeg2Video,
    /// Something else: the number is the stream type.
    Other(u8),
}

impl TrackCodec {
    /// Whether its units are given out.
    fn is_known(self) -> bool {
        matches!(self, Self::H264 | Self::H265 | Self::AacAdts | Self::AacLatm | Self::Opus)
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::AacAdts => "AAC",
            Self::AacLatm => "AAC in LATM",
            Self::Opus => "Opus",
            Self::OpusSurround => "Opus of more than two channels",
            Self::Mp2 => "MPEG audio (MP2)",
            Self::Ac3 => "AC-3",
            Self::EAc3 => "E-AC-3",
            Self::Mpeg2Video => "MPEG-2 video",
            Self::Other(_) => "an unknown format",
        }
    }

    /// Whether it is a picture.
    pub fn is_video(self) -> bool {
        matches!(self, Self::H264 | Self::H265 | Self::Mpeg2Video)
    }

    /// Whether it is sound.
    pub fn is_audio(self) -> bool {
        !self.is_video() && !matches!(self, Self::Other(_))
    }
}

/// A track of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track {
    /// Its packet identifier.
    pub pid: u16,
    /// What it carries.
    pub codec: TrackCodec,
}

/// What one PES packet carries: a frame of video, or some of audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The track's packet identifier.
    pub pid: u16,
    /// What it carries.
    pub codec: TrackCodec,
    /// When it is to be shown, in ticks of 90 kHz modulo 2^33.
    pub pts: Option<u64>,
    /// When it is to be decoded, where that is another time.
    pub dts: Option<u64>,
    /// The payload.
    pub data: Vec<u8>,
    /// Nothing of it was lost, as far as can be told.
    pub whole: bool,
}

/// What a stream has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Its tracks, when they are known and whenever they change.
    Tracks(Vec<Track>),
    /// A unit of one of them.
    Unit(Unit),
}
