//! What of an offer is taken.

use std::collections::HashSet;

use str0m::format::FormatParams;

use crate::error::OfferError;
use crate::rtp::{Codec, Kind};

use super::sdp::{Offer, OfferedCodec, Section};

pub(super) const MID_EXTENSION: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
pub(super) const RID_EXTENSION: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
pub(super) const REPAIRED_RID_EXTENSION: &str =
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
pub(super) const TWCC_EXTENSION: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
pub(super) const SEND_TIME_EXTENSION: &str =
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";

/// Which end of a stream the client wants to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Publisher,
    Viewer,
}

/// How a publisher's track is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrackFormat {
    pub(crate) codec: Codec,
    pub(crate) format: FormatParams,
}

/// The tracks of a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Source {
    pub(crate) video: Option<TrackFormat>,
    pub(crate) audio: Option<TrackFormat>,
    /// The picture is known to have one layer and no other.
    pub(crate) single: bool,
    /// The sound has six channels, which those get that take [`Codec::MultiOpus`].
    pub(crate) surround: bool,
}

impl Source {
    /// The sound in all its channels, where it has more than the two of [`Self::audio`].
    pub(crate) fn all_channels(&self) -> Option<TrackFormat> {
        let six = TrackFormat { codec: Codec::MultiOpus, format: FormatParams::default() };
        self.audio.filter(|_| self.surround).map(|_| six)
    }

    fn track(&self, kind: Kind) -> Option<TrackFormat> {
        match kind {
            Kind::Audio => self.audio,
            Kind::Video => self.video,
        }
    }
}

/// Constrained baseline, which every viewer takes. Of the level nothing depends on it.
const ENCODED_HERE: u32 = 0x42_e028;

impl TrackFormat {
    /// A picture as this server encodes it.
    pub(crate) fn encoded_here() -> Self {
        let format = FormatParams {
            packetization_mode: Some(1),
            profile_level_id: Some(ENCODED_HERE),
            ..FormatParams::default()
        };
        Self { codec: Codec::H264, format }
    }

    /// How well a receiver's payload type suits this track; none if it cannot
    /// carry it.
    pub(crate) fn suits(&self, offered: &OfferedCodec) -> Option<u32> {
        if self.codec != offered.codec {
            return None;
        }
        match self.codec {
            Codec::H264 => Some(h264_score(&self.format, &offered.format)),
            // Main 10 shows what Main does, and nothing shows what goes beyond it.
            Codec::H265 => {
                let (from, to) = (h265_profile(&self.format), h265_profile(&offered.format));
                match to.checked_sub(from)? {
                    0 => Some(2),
                    _ => (from == 1 && to == 2).then_some(1),
                }
            }
            Codec::Vp9 => {
                let profile = |f: &FormatParams| f.profile_id.unwrap_or(0);
                (profile(&self.format) == profile(&offered.format)).then_some(1)
            }
            Codec::Av1 => {
                let profile = |f: &FormatParams| f.profile.unwrap_or(0);
                (profile(&self.format) == profile(&offered.format)).then_some(1)
            }
            Codec::Vp8 | Codec::Opus | Codec::MultiOpus => Some(1),
        }
    }

    /// The payload type that suits best, the client's earlier ones first.
    pub(crate) fn choose<'a>(&self, offered: &'a [OfferedCodec]) -> Option<&'a OfferedCodec> {
        let mut best: Option<(u32, &OfferedCodec)> = None;
        for codec in offered {
            if let Some(score) = self.suits(codec)
                && best.is_none_or(|(highest, _)| score > highest)
            {
                best = Some((score, codec));
            }
        }
        best.map(|(_, codec)| codec)
    }
}

/// Decoders take more than they say (High-profile bits under a Baseline payload
/// type decode in browsers), so that no H.264 is refused for its profile; but the
/// payload type that says so is preferred.
fn h264_score(source: &FormatParams, offered: &FormatParams) -> u32 {
    let mode = |f: &FormatParams| f.packetization_mode.unwrap_or(0);
    let (from, to) = (H264Profile::of(source), H264Profile::of(offered));
    let mut score = 1;
    if from == to {
        score += 8;
    } else if to > from {
        score += 4;
    }
    if mode(source) == mode(offered) {
        score += 2;
    }
    score
}

/// The profile-id; without one Main is meant (RFC 7798, 7.1).
fn h265_profile(format: &FormatParams) -> u32 {
    let whole = format.h265_profile_tier_level.map(|whole| u32::from(whole.profile_id()));
    whole.or(format.profile_id).unwrap_or(1)
}

/// Profiles in the order of what their decoders can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum H264Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    High,
    Other(u8),
}

impl H264Profile {
    /// RFC 6184, table 5, as far as clients use it; without the parameter
    /// Baseline is meant (8.1).
    pub(crate) fn of(format: &FormatParams) -> Self {
        let id = format.profile_level_id.unwrap_or(0x42_000a);
        let [_, idc, constraints, _] = id.to_be_bytes();
        match idc {
            0x42 if constraints & 0x40 != 0 => H264Profile::ConstrainedBaseline,
            0x4d if constraints & 0x80 != 0 => H264Profile::ConstrainedBaseline,
            0x42 => H264Profile::Baseline,
            0x4d => H264Profile::Main,
            0x64 => H264Profile::High,
            other => H264Profile::Other(other),
        }
    }
}

/// A section that is taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Its place in the offer.
    pub(crate) index: usize,
    pub(crate) kind: Kind,
    pub(crate) mid: String,
    /// What is agreed on, the preferred first.
    pub(crate) codecs: Vec<OfferedCodec>,
    /// The identifiers of the publisher's simulcast layers, the lowest first.
    pub(crate) layers: Vec<String>,
    pub(crate) extensions: Vec<(u8, &'static str)>,
    /// RTCP of reduced size is taken (RFC 5506, 5).
    pub(crate) reduced: bool,
    /// Sources with those of their retransmissions, where the offer names them.
    pub(crate) pairs: Vec<(u32, u32)>,
}

/// What of an offer is taken.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) taken: Vec<Taken>,
}

/// Decides what of an offer is taken. `source` is what a viewer is to see.
pub(crate) fn plan(offer: &Offer, role: Role, source: &Source) -> Result<Plan, OfferError> {
    check_mids(offer)?;
    let mut taken: Vec<Taken> = Vec::new();
    let mut complaint = None;
    for (index, section) in offer.sections.iter().enumerate() {
        let Some(kind) = section.kind() else { continue };
        if taken.iter().any(|t| t.kind == kind) {
            // One track of each kind makes a stream. A publisher is told so (RFC 9725, 4.4.2).
            if role == Role::Publisher && take(offer, section, role, source).is_ok() {
                let name = &section.media;
                complaint = complaint.or(Some(OfferError::Unsupported(format!(
                    "the offer has two {name} sections; a stream has one track of each kind"
                ))));
            }
            continue;
        }
        match take(offer, section, role, source) {
            Ok((mid, codecs)) => {
                let mut extensions = extensions(section, role, source);
                let layers = layers(section, &extensions);
                if layers.is_empty() {
                    let names = [RID_EXTENSION, REPAIRED_RID_EXTENSION];
                    extensions.retain(|(_, uri)| !names.contains(uri));
                }
                // Layers are known by their names, not by what announces them.
                let named = role == Role::Publisher && layers.is_empty();
                let pairs = if named { section.pairs.clone() } else { Vec::new() };
                let reduced = section.rtcp_rsize;
                taken.push(Taken { index, kind, mid, codecs, layers, extensions, reduced, pairs });
            }
            Err(Refused::Quietly) => {}
            Err(Refused::Because(error)) => complaint = complaint.or(Some(error)),
        }
    }
    // A track that cannot be carried is no detail: better to say so than to make
    // half a stream of it.
    if let Some(error) = complaint {
        return Err(error);
    }
    if taken.is_empty() {
        return Err(OfferError::NoMedia(
            "the offer has no audio and no video section that is in use".into(),
        ));
    }
    check_payload_types(&taken)?;
    Ok(Plan { taken })
}

enum Refused {
    /// The client does not want it.
    Quietly,
    Because(OfferError),
}

fn take(
    offer: &Offer,
    section: &Section,
    role: Role,
    source: &Source,
) -> Result<(String, Vec<OfferedCodec>), Refused> {
    let because = |text: String| Err(Refused::Because(OfferError::Unsupported(text)));
    let Some(mid) = section.mid.clone() else {
        return Err(Refused::Because(OfferError::Malformed("a=mid is missing".into())));
    };
    let bundled = offer.bundle.as_ref().map(|mids| mids.contains(&mid));
    // With bundle-only, port 0 is no rejection (RFC 9143, 6).
    let in_use = section.port != 0 || (bundled == Some(true) && section.bundle_only);
    let direction = section.direction;
    if !in_use || direction.is_none_or(|d| !d.sends() && !d.receives()) {
        return Err(Refused::Quietly);
    }
    let name = &section.media;
    let fits =
        direction.is_some_and(|d| if role == Role::Publisher { d.sends() } else { d.receives() });
    if !fits {
        return because(match role {
            Role::Publisher => {
                format!("the {name} section only receives; a publisher offers a=sendonly")
            }
            Role::Viewer => format!("the {name} section only sends; a viewer offers a=recvonly"),
        });
    }
    if !section.proto.eq_ignore_ascii_case("UDP/TLS/RTP/SAVPF") {
        return because(format!("the {name} section must use UDP/TLS/RTP/SAVPF"));
    }
    if bundled == Some(false) || (bundled.is_none() && offer.sections.len() > 1) {
        return because(format!("the {name} section is not in a=group:BUNDLE; bundle all of them"));
    }
    if !section.rtcp_mux {
        return because(format!("the {name} section lacks a=rtcp-mux"));
    }
    let codecs = order(section, role, source);
    match codecs {
        Some(codecs) => Ok((mid, codecs)),
        None => Err(Refused::Because(OfferError::NoCodec(no_codec(section, role, source)))),
    }
}

/// The codecs to answer with. For a viewer those come first that suit what is
/// published; the others stay, for a publisher who comes later.
fn order(section: &Section, role: Role, source: &Source) -> Option<Vec<OfferedCodec>> {
    let mut codecs = distinct(&section.codecs);
    let six = |codec: &OfferedCodec| codec.codec == Codec::MultiOpus;
    if role == Role::Publisher {
        codecs.retain(|codec| !six(codec));
    }
    // Who takes six channels has to take two as well: a source of six may go on with two.
    if codecs.iter().all(six) {
        return None;
    }
    let track = section.kind().and_then(|kind| source.track(kind));
    if let (Role::Viewer, Some(track)) = (role, track) {
        codecs.sort_by_key(|codec| std::cmp::Reverse(track.suits(codec)));
        track.suits(&codecs[0])?;
    }
    codecs.sort_by_key(|codec| six(codec) != source.surround);
    Some(codecs)
}

/// Without those that say the same twice: the first of them is enough.
fn distinct(codecs: &[OfferedCodec]) -> Vec<OfferedCodec> {
    let mut kept: Vec<OfferedCodec> = Vec::new();
    for codec in codecs {
        let same = |other: &OfferedCodec| {
            other.codec == codec.codec
                && match codec.codec {
                    Codec::H264 => h264_identity(&other.format) == h264_identity(&codec.format),
                    Codec::Vp9 => other.format.profile_id == codec.format.profile_id,
                    Codec::H265 | Codec::Av1 => other.format == codec.format,
                    Codec::Vp8 | Codec::Opus | Codec::MultiOpus => true,
                }
        };
        if !kept.iter().any(same) {
            kept.push(codec.clone());
        }
    }
    kept
}

fn h264_identity(format: &FormatParams) -> (H264Profile, u8, u8) {
    let level = format.profile_level_id.unwrap_or(0x42_000a) as u8;
    (H264Profile::of(format), level, format.packetization_mode.unwrap_or(0))
}

fn no_codec(section: &Section, role: Role, source: &Source) -> String {
    let track = section.kind().and_then(|kind| source.track(kind));
    match (role, track, section.kind()) {
        (Role::Viewer, Some(track), _) => format!(
            "the stream's {} is {}, which the offer does not take",
            section.media,
            track.codec.name()
        ),
        (_, _, Some(Kind::Audio)) => "the audio section offers no Opus (48000 Hz)".to_owned(),
        _ => "the video section offers none of H264, H265, VP8, VP9 and AV1".to_owned(),
    }
}

/// The header extensions that are of use, with the client's identifiers. Those
/// that describe the picture or the network hop are not passed on. A viewer who can be sent one
/// layer alone need not estimate what its network bears.
fn extensions(section: &Section, role: Role, source: &Source) -> Vec<(u8, &'static str)> {
    let wanted: &[&'static str] = match role {
        Role::Publisher => &[
            MID_EXTENSION,
            TWCC_EXTENSION,
            SEND_TIME_EXTENSION,
            RID_EXTENSION,
            REPAIRED_RID_EXTENSION,
        ],
        Role::Viewer if source.single => &[MID_EXTENSION],
        Role::Viewer => &[MID_EXTENSION, SEND_TIME_EXTENSION],
    };
    // Only so much fits a one-byte header extension (RFC 8285, 4.2); others go by SSRC.
    let plain_mid = section
        .mid
        .as_ref()
        .is_some_and(|mid| mid.len() <= 16 && mid.bytes().all(|b| b.is_ascii_alphanumeric()));
    let mut found: Vec<(u8, &'static str)> = Vec::new();
    for uri in wanted {
        let id = section.extensions.iter().find(|(_, u)| u == uri).map(|(id, _)| *id);
        if let Some(id) = id
            && (plain_mid || *uri != MID_EXTENSION)
            && !found.iter().any(|(used, _)| *used == id)
        {
            found.push((id, uri));
        }
    }
    found
}

/// The simulcast layers, if their packets can be told apart (RFC 8852).
fn layers(section: &Section, extensions: &[(u8, &'static str)]) -> Vec<String> {
    let has = |wanted: &str| extensions.iter().any(|(_, uri)| *uri == wanted);
    let told = has(MID_EXTENSION) && has(RID_EXTENSION);
    if told && section.kind() == Some(Kind::Video) { section.layers.clone() } else { Vec::new() }
}

fn check_mids(offer: &Offer) -> Result<(), OfferError> {
    let mut seen = HashSet::new();
    for mid in offer.sections.iter().filter_map(|s| s.mid.as_deref()) {
        if !seen.insert(mid) {
            return Err(OfferError::Malformed("two sections have the same a=mid".into()));
        }
    }
    Ok(())
}

fn check_payload_types(taken: &[Taken]) -> Result<(), OfferError> {
    let mut seen = HashSet::new();
    for codec in taken.iter().flat_map(|t| &t.codecs) {
        for pt in std::iter::once(codec.pt).chain(codec.rtx) {
            if !seen.insert(pt) {
                return Err(OfferError::Malformed(format!("payload type {pt} means two things")));
            }
        }
    }
    Ok(())
}
