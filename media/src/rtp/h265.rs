//! H.265 (RFC 7798): key frames and the sequence parameter set.

use super::bits::{Bits, without_emulation_prevention};
use super::h264::read_colours;
use super::{Colours, Inspection, PictureSize};
use crate::nal::Aggregate;
use crate::nal::h265::{AGGREGATE, FRAGMENT, HEADER, PPS, SPS, VPS, is_key, kind};

/// Sets of reference pictures (ITU-T H.265, 7.4.3.2.1), and pictures of one on either side (7.4.8).
const MOST_SETS: u32 = 64;
const MOST_REFERENCES: u32 = 16;

pub(super) fn inspect(payload: &[u8]) -> Inspection {
    let mut found = Inspection::default();
    let Some((header, rest)) = payload.split_first_chunk::<HEADER>() else { return found };
    match kind(header[0]) {
        AGGREGATE => Aggregate(rest).for_each(|unit| note(&mut found, unit)),
        // Any fragment tells the kind of the whole unit.
        FRAGMENT => found.key = rest.first().is_some_and(|fu| is_key(fu & 0x3f)),
        _ => note(&mut found, payload),
    }
    found
}

fn note(found: &mut Inspection, unit: &[u8]) {
    let Some((header, body)) = unit.split_first_chunk::<HEADER>() else { return };
    match kind(header[0]) {
        VPS | PPS => found.parameters = true,
        SPS => {
            found.parameters = true;
            if let Some(set) = sequence(body) {
                found.size = Some(set.size);
                found.profile = Some([set.profile, set.tier, set.level]);
                found.bidirectional = set.reorders;
            }
        }
        kind => found.key |= is_key(kind),
    }
}

/// What a sequence parameter set says (ITU-T H.265, 7.3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// general_profile_space.
    pub(crate) space: u8,
    /// general_profile_idc.
    pub(crate) profile: u8,
    /// general_tier_flag.
    pub(crate) tier: u8,
    /// general_profile_compatibility_flag, the first in the highest bit.
    pub(crate) compatibility: u32,
    /// The 48 bits from general_progressive_source_flag on.
    pub(crate) constraints: u64,
    /// general_level_idc: thirty times the level.
    pub(crate) level: u8,
    /// How many temporal sub-layers there are, and whether they are nested.
    pub(crate) sub_layers: u8,
    pub(crate) nested: bool,
    /// chroma_format_idc.
    pub(crate) chroma_format: u8,
    /// bit_depth_luma_minus8 and bit_depth_chroma_minus8; none where the set is cut short.
    pub(crate) depths: Option<[u8; 2]>,
    pub(crate) size: PictureSize,
    /// Pictures come out in another order than they are sent.
    reorders: bool,
    colours: Colours,
}

/// What the first sequence parameter set in a payload says of colours; none where there is no set.
pub(super) fn colours(payload: &[u8]) -> Option<Colours> {
    let is_set = |unit: &&[u8]| unit.len() > HEADER && kind(unit[0]) == SPS;
    let set = match kind(*payload.first()?) {
        AGGREGATE => Aggregate(payload.get(HEADER..)?).find(is_set)?,
        _ => Some(payload).filter(is_set)?,
    };
    Some(sequence(&set[HEADER..]).map(|set| set.colours).unwrap_or_default())
}

impl Sequence {
    /// What a unit says that is a sequence parameter set.
    pub(crate) fn of(unit: &[u8]) -> Option<Self> {
        let (header, body) = unit.split_first_chunk::<HEADER>()?;
        if kind(header[0]) == SPS { sequence(body) } else { None }
    }
}

fn sequence(body: &[u8]) -> Option<Sequence> {
    let raw = without_emulation_prevention(body);
    let mut bits = Bits::new(&raw);
    bits.skip(4)?; // sps_video_parameter_set_id
    let sub_layers = bits.take(3)?; // less one
    let nested = bits.bit()?;
    let (space, tier, profile) = (bits.take(2)?, bits.take(1)?, bits.take(5)?);
    let compatibility = bits.take(32)?;
    let constraints = u64::from(bits.take(16)?) << 32 | u64::from(bits.take(32)?);
    let level = bits.take(8)?;
    skip_sub_layers(&mut bits, sub_layers)?;
    bits.ue()?; // sps_seq_parameter_set_id
    let chroma_format = bits.ue()?;
    let separate_planes = chroma_format == 3 && bits.bit()?;
    let (width, height) = (bits.ue()?, bits.ue()?);
    let crop = if bits.bit()? { [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?] } else { [0; 4] };
    let (unit_x, unit_y) = match (chroma_format, separate_planes) {
        (1, _) => (2, 2),
        (2, _) => (2, 1),
        _ => (1, 1),
    };
    let cropped = |full: u32, first: u32, last: u32, unit: u32| {
        full.checked_sub(first.checked_add(last)?.checked_mul(unit)?)
    };
    let width = cropped(width, crop[0], crop[1], unit_x)?;
    let height = cropped(height, crop[2], crop[3], unit_y)?;
    let size = PictureSize { width, height };
    // Of what comes after the size nothing is needed to show the picture.
    let depths = depths(&mut bits);
    let order = depths.and_then(|_| order(&mut bits, sub_layers));
    let colours = order.and_then(|order| skip_to_usability(&mut bits, order.digits));
    let colours = colours.and_then(|()| read_colours(&mut bits)).unwrap_or_default();
    // Each is no wider than its bits, and there are four chroma formats.
    Some(Sequence {
        space: space as u8,
        profile: profile as u8,
        tier: tier as u8,
        compatibility,
        constraints,
        level: level as u8,
        sub_layers: sub_layers as u8 + 1,
        nested,
        chroma_format: chroma_format.min(3) as u8,
        depths,
        size,
        reorders: order.is_some_and(|order| order.reorders),
        colours,
    })
}

/// What profile_tier_level (ITU-T H.265, 7.3.3) says of sub-layers.
fn skip_sub_layers(bits: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((bits.bit()?, bits.bit()?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers))?;
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Some(())
}

fn depths(bits: &mut Bits<'_>) -> Option<[u8; 2]> {
    let depth = |value: u32| u8::try_from(value).ok().filter(|depth| *depth <= 8);
    Some([depth(bits.ue()?)?, depth(bits.ue()?)?])
}

/// What a set says of the order of pictures.
#[derive(Debug, Clone, Copy)]
struct Order {
    /// A picture may be shown before one that is sent earlier, in the highest sub-layer.
    reorders: bool,
    /// Bits of a picture's place that slices tell.
    digits: u32,
}

fn order(bits: &mut Bits<'_>, sub_layers: u32) -> Option<Order> {
    let digits = bits.ue()?.checked_add(4)?; // log2_max_pic_order_cnt_lsb_minus4
    let told = if bits.bit()? { sub_layers + 1 } else { 1 };
    let mut most = 0;
    for _ in 0..told {
        bits.ue()?; // sps_max_dec_pic_buffering_minus1
        most = bits.ue()?;
        bits.ue()?; // sps_max_latency_increase_plus1
    }
    Some(Order { reorders: most > 0, digits })
}

/// Passes over all up to the usability information.
fn skip_to_usability(bits: &mut Bits<'_>, digits: u32) -> Option<()> {
    for _ in 0..6 {
        bits.ue()?; // sizes of blocks, and how they are divided
    }
    if bits.bit()? && bits.bit()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?; // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.bit()? {
        bits.skip(4 + 4)?; // bit depths of PCM
        bits.ue()?;
        bits.ue()?;
        bits.bit()?; // pcm_loop_filter_disabled_flag
    }
    let sets = bits.ue()?;
    if sets > MOST_SETS {
        return None;
    }
    let mut set = Vec::new();
    for number in 0..sets {
        set = references(bits, number, &set)?;
    }
    if bits.bit()? {
        for _ in 0..bits.ue()?.min(MOST_SETS) {
            bits.skip(digits)?; // lt_ref_pic_poc_lsb_sps
            bits.bit()?; // used_by_curr_pic_lt_sps_flag
        }
    }
    bits.skip(2) // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
}

/// ITU-T H.265, 7.3.4.
fn skip_scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !bits.bit()? {
                bits.ue()?; // as another one
                continue;
            }
            if size > 1 {
                bits.se()?; // scaling_list_dc_coef_minus8
            }
            for _ in 0..64.min(1 << (4 + 2 * size)) {
                bits.se()?;
            }
        }
    }
    Some(())
}

/// A set of reference pictures (ITU-T H.265, 7.3.7 and 7.4.8): how far they are from the picture,
/// those before it first, the nearest first. It may be said by what is other than in the one before.
fn references(bits: &mut Bits<'_>, number: u32, before: &[i64]) -> Option<Vec<i64>> {
    if number == 0 || !bits.bit()? {
        let (earlier, later) = (bits.ue()?, bits.ue()?);
        if earlier > MOST_REFERENCES || later > MOST_REFERENCES {
            return None;
        }
        let mut set = Vec::new();
        for (count, sign) in [(earlier, -1), (later, 1)] {
            let mut at = 0;
            for _ in 0..count {
                at += sign * (i64::from(bits.ue()?) + 1);
                bits.bit()?; // used_by_curr_pic_flag
                set.push(at);
            }
        }
        return Some(set);
    }
    let sign = if bits.bit()? { -1 } else { 1 };
    let shift = sign * (i64::from(bits.ue()?) + 1);
    let mut set = Vec::new();
    for from in before.iter().copied().chain([0]) {
        // Used by the picture, or else kept for others.
        if bits.bit()? || bits.bit()? {
            set.push(from + shift);
        }
    }
    set.retain(|at| *at != 0);
    set.sort_by_key(|at| (*at > 0, at.unsigned_abs()));
    (set.len() <= 2 * MOST_REFERENCES as usize).then_some(set)
}

/// H.265's profile and level in words: `Main 4.1` (ITU-T H.265, annex A).
pub(super) fn profile_name([profile, tier, level]: [u8; 3]) -> String {
    let name = match profile {
        1 => "Main",
        2 => "Main 10",
        3 => "Main Still Picture",
        4 => "Range Extensions",
        _ => return format!("profile {profile}, level {}.{}", level / 30, level % 30 / 3),
    };
    let tier = if tier == 1 { ", High tier" } else { "" };
    match level % 30 / 3 {
        0 => format!("{name} {}{tier}", level / 30),
        part => format!("{name} {}.{part}{tier}", level / 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x265, Main, 1280x720, without B-frames.
    const SPS_720P: [u8; 41] = [
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x5d, 0xa0, 0x02, 0x80, 0x80, 0x2d, 0x16, 0x5b, 0xa4, 0xa4, 0xc2, 0xf0, 0x16,
        0x80, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x0c, 0x84,
    ];
    /// x265, Main 10, 1920x1080 of 1088 rows, with B-frames.
    const SPS_1080P: [u8; 45] = [
        0x42, 0x01, 0x01, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80, 0x11, 0x07, 0xca, 0xd9, 0x65, 0x65, 0x4a, 0x4c,
        0x2f, 0x01, 0x68, 0x08, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x40,
    ];

    #[test]
    fn size_profile_and_order_are_read_from_parameter_sets() {
        let found = inspect(&SPS_720P);
        assert_eq!(found.size, Some(PictureSize { width: 1280, height: 720 }));
        assert_eq!(found.profile, Some([1, 0, 93]));
        assert!(found.parameters && !found.key && !found.bidirectional);
        let set = Sequence::of(&SPS_1080P).unwrap();
        assert_eq!((set.compatibility, set.constraints), (0x2000_0000, 0x9000_0000_0000));
        assert_eq!((set.sub_layers, set.nested, set.chroma_format), (1, true, 1));
        assert_eq!((set.depths, set.space), (Some([2, 2]), 0));
        assert_eq!(Sequence::of(&SPS_720P).and_then(|set| set.depths), Some([0, 0]));
        let found = inspect(&SPS_1080P);
        assert_eq!(found.size, Some(PictureSize { width: 1920, height: 1080 }));
        assert_eq!(found.profile, Some([2, 0, 120]));
        assert!(found.bidirectional, "its pictures are shown in another order");
        for cut in 0..SPS_1080P.len() {
            let of_cut = inspect(&SPS_1080P[..cut]).size;
            assert!(of_cut.is_none() || of_cut == found.size, "what is cut is not guessed: {cut}");
        }
    }

    /// x265, Main 10, with scaling lists and the colours of HDR10.
    const SPS_HDR: [u8; 47] = [
        0x42, 0x01, 0x01, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80, 0x10, 0xe4, 0xd9, 0x65, 0x65, 0x92, 0x4e, 0x57,
        0x80, 0xb5, 0x09, 0x10, 0x09, 0x04, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00,
        0x64, 0x20,
    ];

    #[test]
    fn colours_are_read_from_parameter_sets() {
        let hdr = Colours { full_range: false, primaries: 9, transfer: 16, matrix: 9 };
        assert_eq!(colours(&SPS_HDR), Some(hdr));
        let aggregate = [&[0x60, 1, 0, 3, 0x44, 1, 0xc1, 0, 47], &SPS_HDR[..]].concat();
        assert_eq!(colours(&aggregate), Some(hdr));
        assert_eq!(colours(&SPS_720P), Some(Colours::default()), "nothing is said");
        assert_eq!(colours(&[0x44, 1, 0xc1]), None, "no sequence's set");
        assert_eq!(colours(&SPS_HDR[..20]), Some(Colours::default()), "cut short");
    }

    #[test]
    fn sets_of_references_are_passed_over() {
        let written = |text: &str| -> Vec<u8> {
            let bits: Vec<u8> = text.bytes().filter(|b| *b != b' ').map(|b| b - b'0').collect();
            let byte =
                |bits: &[u8]| bits.iter().fold(0, |all, bit| all << 1 | bit) << (8 - bits.len());
            bits.chunks(8).map(byte).collect()
        };
        // Two before it and one after it: -1, -3, +2.
        let first = written("011 010 1 1 010 0 010 1");
        let first = references(&mut Bits::new(&first), 0, &[]).unwrap();
        assert_eq!(first, [-1, -3, 2]);
        // By what is other: one further back, without what would be the picture itself (+2 - 2), what
        // was the first kept for others, and the third and the picture of the set itself used.
        let second = written("1 1 010 01 00 1 1");
        let mut bits = Bits::new(&second);
        assert_eq!(references(&mut bits, 1, &first).unwrap(), [-2, -3]);
        assert_eq!(bits.position(), 11);
        assert_eq!(references(&mut Bits::new(&written("000010010 1")), 0, &[]), None, "too many");
    }

    #[test]
    fn key_frames_in_every_packetisation() {
        assert!(inspect(&[0x26, 1, 0xaf]).key, "IDR");
        assert!(inspect(&[0x2a, 1, 0xaf]).key, "CRA");
        assert!(!inspect(&[0x02, 1, 0xd0]).key, "a trailing picture");
        assert!(inspect(&[0x62, 1, 0x93, 1]).key, "first fragment");
        assert!(inspect(&[0x62, 1, 0x13, 1]).key, "later fragment");
        assert!(!inspect(&[0x62, 1, 0x81, 1]).key, "fragment, not key");
        let found = inspect(&[0x60, 1, 0, 3, 0x44, 1, 0xc1, 0, 3, 0x26, 1, 0xaf]);
        assert!(found.key && found.parameters, "aggregate");
        assert!(!inspect(&[0x60, 1, 0, 9, 0x26]).key, "a cut one is read as far as it goes");
        assert_eq!(inspect(&[0x26]), Inspection::default());
    }

    #[test]
    fn levels_are_told_in_words() {
        for (profile, name) in [
            ([1, 0, 93], "Main 3.1"),
            ([2, 0, 120], "Main 10 4"),
            ([1, 1, 153], "Main 5.1, High tier"),
            ([9, 0, 150], "profile 9, level 5.0"),
        ] {
            assert_eq!(profile_name(profile), name);
        }
    }
}
