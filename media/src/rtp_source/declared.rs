//! What a source is declared to send, where that cannot be told from its packets, or is not to be
//! guessed: by the SDP (RFC 8866) that its encoder prints.

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use crate::ts::Profile;

use super::classify::Told;
use super::format;
use super::sdp::{self, Media};

/// The longest text that is read, in bytes.
pub(super) const MOST: usize = 16 << 10;

/// Why a declaration is not taken, in words for those who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeclarationError {
    /// It is longer than what is read.
    #[error("the SDP is longer than {} bytes", MOST)]
    TooLong,
    /// It is no SDP.
    #[error("this is no SDP (RFC 8866): {0}")]
    Malformed(String),
    /// It describes neither a picture nor sound, or several.
    #[error("the SDP has {0}: there is to be one m=video, one m=audio, or one of each")]
    Media(&'static str),
    /// What it describes is not taken.
    #[error("the {media} cannot be taken: {why}")]
    Unsupported {
        /// The name of its m-line.
        media: &'static str,
        /// Why.
        why: String,
    },
    /// The ports of the registration do not go with it.
    #[error("the registration does not go with the SDP: {0}")]
    Ports(&'static str),
}

/// A track as it was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeclaredTrack {
    /// The payload type of its packets.
    pub payload_type: u8,
    /// The encoding's name, as it is registered for RTP.
    pub encoding_name: &'static str,
    /// Ticks of its timestamps in a second.
    pub clock_rate: u32,
    /// What it carries, in words.
    pub codec: &'static str,
    /// Samples a second that are encoded, of sound: of HE-AAC those of its core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Channels, of sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Whether parameter sets are declared, of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_sets: Option<bool>,
    #[serde(skip)]
    pub(super) terms: Terms,
}

/// What is needed to read the packets of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) told: Told,
    /// The parameter sets of a picture, with start codes before them (annex B).
    pub(super) sets: Option<Arc<[u8]>>,
    pub(super) framing: Framing,
}

/// How frames of AAC lie in packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    /// RFC 3640.
    Generic(super::aac::Widths),
    /// RFC 6416.
    Latm(crate::ts::LatmElements),
}

/// What a source is declared to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Declaration {
    /// From the port of its picture.
    pub video: Option<DeclaredTrack>,
    /// From the port of its sound.
    pub audio: Option<DeclaredTrack>,
}

impl Declaration {
    /// Reads an SDP. Each m-line counts with its first format; where the packets are sent to, and
    /// attributes that are not needed, are not looked at.
    ///
    /// # Errors
    /// If it is none, or describes what is not taken.
    pub fn parse(text: &str) -> Result<Self, DeclarationError> {
        let (mut video, mut audio) = (None, None);
        for media in sdp::parse(text)? {
            let (track, twice) = match media.kind.as_str() {
                "video" => (&mut video, "more than one m=video"),
                "audio" => (&mut audio, "more than one m=audio"),
                // Text, metadata and the like come from elsewhere, or are not looked at.
                _ => continue,
            };
            if track.is_some() {
                return Err(DeclarationError::Media(twice));
            }
            *track = Some(read(&media)?);
        }
        if video.is_none() && audio.is_none() {
            return Err(DeclarationError::Media("no m=video and no m=audio"));
        }
        Ok(Self { video, audio })
    }

    /// Whether it can be told which packets are meant, where picture and sound come from these ports, of
    /// which 0 is none.
    ///
    /// # Errors
    /// If it cannot.
    pub fn goes_with(&self, (video, audio): (u16, u16)) -> Result<(), DeclarationError> {
        let ports = |why| Err(DeclarationError::Ports(why));
        match (&self.video, &self.audio) {
            (Some(_), _) if video == 0 => ports("it has a picture, and there is no video_port"),
            (_, Some(_)) if audio == 0 => ports("it has sound, and there is no audio_port"),
            (Some(one), Some(other))
                if video == audio && one.payload_type == other.payload_type =>
            {
                ports("picture and sound come from one port, and have one payload type")
            }
            _ => Ok(()),
        }
    }
}

fn read(media: &Media) -> Result<DeclaredTrack, DeclarationError> {
    let is_video = media.kind == "video";
    let name = if is_video { "picture" } else { "sound" };
    let refused = |why| DeclarationError::Unsupported { media: name, why };
    // Without encryption, over UDP.
    if !["RTP/AVP", "RTP/AVPF", "RTP/AVP/UDP"].contains(&media.proto.as_str()) {
        return Err(refused(format!("{} is not RTP/AVP", sdp::excerpt(&media.proto))));
    }
    let found = if is_video { format::picture(media) } else { format::sound(media) };
    let mut track = found.map_err(refused)?;
    if let Told::Aac(aac) = track.terms.told {
        track.sample_rate = Some(aac.rate);
        track.channels = aac.channels;
        track.codec = if aac.profile == Profile::He { "HE-AAC" } else { "AAC" };
    }
    Ok(track)
}
