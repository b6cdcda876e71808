//! What can be read from RTP packets without decoding them: codecs, key frames,
//! picture sizes and the figures of a track.

pub(crate) mod av1;
pub(crate) mod bits;
mod h264;
pub(crate) mod h265;
mod meter;
mod opus;
pub(crate) mod vp8;
pub(crate) mod vp9;

use serde::Serialize;

pub use meter::TrackMeter;

/// The two kinds of track a stream may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sound, at a clock of 48 kHz.
    Audio,
    /// Picture, at a clock of 90 kHz.
    Video,
}

impl Kind {
    /// Ticks of the RTP clock per second.
    pub fn clock(self) -> u32 {
        match self {
            Kind::Audio => 48_000,
            Kind::Video => 90_000,
        }
    }
}

/// A codec that passes through untouched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Codec {
    /// RFC 6184.
    H264,
    /// RFC 7798, which not every viewer can decode.
    H265,
    /// RFC 7741.
    #[serde(rename = "VP8")]
    Vp8,
    /// RFC 9628.
    #[serde(rename = "VP9")]
    Vp9,
    /// The AOM's RTP payload specification for AV1.
    #[serde(rename = "AV1")]
    Av1,
    /// RFC 7587.
    #[serde(rename = "opus")]
    Opus,
    /// Opus of six channels in four streams (RFC 7845, 5.1.1.2), in packets as of RFC 7587: there is no
    /// standard for it in SDP, and this is what Chromium calls it. No publisher sends it.
    #[serde(rename = "multiopus")]
    MultiOpus,
}

impl Codec {
    /// The kind of track the codec makes.
    pub fn kind(self) -> Kind {
        match self {
            Codec::Opus | Codec::MultiOpus => Kind::Audio,
            _ => Kind::Video,
        }
    }

    /// The encoding name of `a=rtpmap`, compared without regard to case.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            ("H264", Codec::H264),
            ("H265", Codec::H265),
            ("VP8", Codec::Vp8),
            ("VP9", Codec::Vp9),
            ("AV1", Codec::Av1),
            ("opus", Codec::Opus),
            ("multiopus", Codec::MultiOpus),
        ]
        .into_iter()
        .find_map(|(n, c)| n.eq_ignore_ascii_case(name).then_some(c))
    }

    /// Its name as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Codec::H264 => "H.264",
            Codec::H265 => "H.265",
            other => other.name(),
        }
    }

    /// The encoding name of `a=rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::H264 => "H264",
            Codec::H265 => "H265",
            Codec::Vp8 => "VP8",
            Codec::Vp9 => "VP9",
            Codec::Av1 => "AV1",
            Codec::Opus => "opus",
            Codec::MultiOpus => "multiopus",
        }
    }
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PictureSize {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// How a picture's numbers are colours, as its encoder says (ITU-T H.264, E.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colours {
    /// Black is 0 and not 16.
    pub full_range: bool,
    /// Table E-3.
    pub primaries: u8,
    /// Table E-4.
    pub transfer: u8,
    /// Table E-5.
    pub matrix: u8,
}

impl Default for Colours {
    /// Nothing is said of them.
    fn default() -> Self {
        Self { full_range: false, primaries: 2, transfer: 2, matrix: 2 }
    }
}

/// Whether a timestamp is later than another one, less than half of all from it.
pub(crate) fn is_later(timestamp: u32, than: u32) -> bool {
    timestamp != than && timestamp.wrapping_sub(than) < 1 << 31
}

/// What a payload says of colours; none where it has no sequence parameter set, or no head of a key
/// frame or of a sequence, and of VP8, whose colours are always the same (RFC 6386, 9.2).
pub(crate) fn colours(codec: Codec, payload: &[u8]) -> Option<Colours> {
    match codec {
        Codec::H264 => h264::colours(payload),
        Codec::H265 => h265::colours(payload),
        Codec::Vp9 => vp9::colours(payload),
        Codec::Av1 => av1::colours(payload),
        Codec::Vp8 | Codec::Opus | Codec::MultiOpus => None,
    }
}

/// What one packet says about its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inspection {
    /// The packet belongs to a frame with which decoding can start.
    pub key: bool,
    /// The packet carries the parameter sets that decoding needs (always so for
    /// codecs which keep them within the key frame).
    pub parameters: bool,
    /// The picture's size, where the packet says it.
    pub size: Option<PictureSize>,
    /// The packet begins a slice that is predicted from both sides: its decoder
    /// has to reorder pictures, which browsers do not.
    pub bidirectional: bool,
    /// Where the packet says them, H.264's profile_idc, constraint flags and level_idc, or H.265's
    /// general_profile_idc, general_tier_flag and general_level_idc.
    pub profile: Option<[u8; 3]>,
    /// The channels of an audio packet.
    pub channels: Option<u8>,
}

/// The profile and level of a picture in words, `High 4.0`, of what [`Inspection::profile`] has.
pub fn profile_name(codec: Codec, profile: [u8; 3]) -> String {
    if codec == Codec::H265 { h265::profile_name(profile) } else { h264_profile(profile) }
}

/// ITU-T H.264, annex A.
fn h264_profile([idc, constraints, level]: [u8; 3]) -> String {
    let profile = match idc {
        66 if constraints & 0x40 != 0 => "Constrained Baseline",
        66 => "Baseline",
        77 => "Main",
        88 => "Extended",
        100 if constraints & 0x0c == 0x0c => "Constrained High",
        100 => "High",
        110 => "High 10",
        122 => "High 4:2:2",
        244 => "High 4:4:4 Predictive",
        _ => return format!("profile {idc}, level {}.{}", level / 10, level % 10),
    };
    // Level 1b is written as 1.1 with constraint_set3_flag.
    if level == 11 && constraints & 0x10 != 0 && matches!(idc, 66 | 77 | 88) {
        return format!("{profile} 1b");
    }
    format!("{profile} {}.{}", level / 10, level % 10)
}

/// Reads the beginning of a packet. Never fails: what is not understood
/// says nothing.
pub fn inspect(codec: Codec, payload: &[u8]) -> Inspection {
    match codec {
        Codec::H264 => h264::inspect(payload),
        Codec::H265 => h265::inspect(payload),
        Codec::Vp8 => vp8::inspect(payload),
        Codec::Vp9 => vp9::inspect(payload),
        Codec::Av1 => av1::inspect(payload),
        Codec::Opus => opus::inspect(payload),
        // Its first stream alone would say two.
        Codec::MultiOpus => Inspection { channels: Some(6), ..Inspection::default() },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_payload_is_too_strange(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let pictures = [Codec::H264, Codec::H265, Codec::Vp8, Codec::Vp9, Codec::Av1];
            for codec in pictures.into_iter().chain([Codec::Opus, Codec::MultiOpus]) {
                let _ = (inspect(codec, &payload), colours(codec, &payload));
            }
        }
    }

    #[test]
    fn profiles_have_names() {
        for (profile, name) in [
            ([0x42, 0xc0, 0x1f], "Constrained Baseline 3.1"),
            ([0x64, 0x00, 0x28], "High 4.0"),
            ([0x4d, 0x40, 0x0b], "Main 1.1"),
            ([0x4d, 0x10, 0x0b], "Main 1b"),
            ([9, 0, 51], "profile 9, level 5.1"),
        ] {
            assert_eq!(profile_name(Codec::H264, profile), name);
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(Codec::from_name("OPUS"), Some(Codec::Opus));
        assert_eq!(Codec::from_name("MultiOpus"), Some(Codec::MultiOpus));
        assert_eq!(Codec::from_name("h264"), Some(Codec::H264));
        assert_eq!(Codec::from_name("h265"), Some(Codec::H265));
        assert_eq!(Codec::from_name("H266"), None);
    }
}
