//! What a track says its samples are (ISO/IEC 14496-12, 8.5.2; ISO/IEC 14496-15; the
//! encapsulation of Opus in ISO base media files).

use std::num::NonZeroU16;

use shiguredo_mp4::boxes::{
    AudioSampleEntryFields, Avc1Box, AvccBox, DopsBox, Hev1Box, Hvc1Box, HvccBox, HvccNalUintArray,
    OpusBox, SampleEntry, UnknownBox, VisualSampleEntryFields,
};
use shiguredo_mp4::{BoxSize, BoxType, Encode as _, FixedPointNumber, Uint};

use crate::nal::h265::{PPS, SPS, VPS};
use crate::rtp::PictureSize;
use crate::rtp::h265::Sequence;

use super::EncodeError;
use super::sets::Sets;
use super::syntax::Syntax;
use super::time::SAMPLES;

/// Lengths of units have so many bytes, less one.
const LENGTH_LESS_ONE: u8 = 3;

/// The entry of a picture. Where `changes`, other parameter sets come in between, and the entry says
/// that they are to be looked for in the samples.
///
/// # Errors
/// When the parameter sets do not say what the entry is to say.
pub(super) fn picture_entry(
    sets: &Sets,
    size: PictureSize,
    changes: bool,
) -> Result<SampleEntry, EncodeError> {
    match sets.syntax {
        Syntax::H264 => avc(sets, size, changes),
        Syntax::H265 => hevc(sets, size, changes),
    }
}

fn visual(size: PictureSize) -> VisualSampleEntryFields {
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    VisualSampleEntryFields {
        data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
        width: side(size.width),
        height: side(size.height),
        horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
        vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
        frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
        compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
        depth: VisualSampleEntryFields::DEFAULT_DEPTH,
    }
}

fn nothing_said() -> EncodeError {
    EncodeError("there is no parameter set of the picture".to_owned())
}

/// `avc1`, or `avc3` (5.4.2).
fn avc(sets: &Sets, size: PictureSize, changes: bool) -> Result<SampleEntry, EncodeError> {
    let first = sets.sequence.first().map(Vec::as_slice).unwrap_or_default();
    let [_, profile, compatibility, level, ..] = *first else { return Err(nothing_said()) };
    // High profiles have more to say; what almost all cameras send is 4:2:0 of 8 bits.
    let high = matches!(profile, 100 | 110 | 122 | 144);
    let entry = Avc1Box {
        visual: visual(size),
        avcc_box: AvccBox {
            avc_profile_indication: profile,
            profile_compatibility: compatibility,
            avc_level_indication: level,
            length_size_minus_one: Uint::new(LENGTH_LESS_ONE),
            sps_list: sets.sequence.clone(),
            pps_list: sets.picture.clone(),
            chroma_format: high.then(|| Uint::new(1)),
            bit_depth_luma_minus8: high.then(|| Uint::new(0)),
            bit_depth_chroma_minus8: high.then(|| Uint::new(0)),
            sps_ext_list: Vec::new(),
        },
        unknown_boxes: Vec::new(),
    };
    if !changes {
        return Ok(SampleEntry::Avc1(entry));
    }
    // The same under another name.
    let payload = entry.encode_to_vec()?.split_off(8);
    let length = u32::try_from(payload.len() + 8).unwrap_or(u32::MAX);
    let (box_type, box_size) = (BoxType::Normal(*b"avc3"), BoxSize::U32(length));
    Ok(SampleEntry::Unknown(UnknownBox { box_type, box_size, payload }))
}

/// `hvc1`, or `hev1` (8.4.1).
fn hevc(sets: &Sets, size: PictureSize, changes: bool) -> Result<SampleEntry, EncodeError> {
    let said = sets.sequence.first().and_then(|set| Sequence::of(set)).ok_or_else(nothing_said)?;
    let [luma, chroma] = said.depths.ok_or_else(nothing_said)?;
    let array = |kind, sets: &[Vec<u8>]| HvccNalUintArray {
        array_completeness: Uint::new((!changes).into()),
        nal_unit_type: Uint::new(kind),
        nalus: sets.to_vec(),
    };
    let hvcc_box = HvccBox {
        general_profile_space: Uint::new(said.space),
        general_tier_flag: Uint::new(said.tier),
        general_profile_idc: Uint::new(said.profile),
        general_profile_compatibility_flags: said.compatibility,
        general_constraint_indicator_flags: Uint::new(said.constraints),
        general_level_idc: said.level,
        min_spatial_segmentation_idc: Uint::new(0),
        parallelism_type: Uint::new(0),
        chroma_format_idc: Uint::new(said.chroma_format),
        bit_depth_luma_minus8: Uint::new(luma),
        bit_depth_chroma_minus8: Uint::new(chroma),
        avg_frame_rate: 0,
        constant_frame_rate: Uint::new(0),
        num_temporal_layers: Uint::new(said.sub_layers),
        temporal_id_nested: Uint::new(said.nested.into()),
        length_size_minus_one: Uint::new(LENGTH_LESS_ONE),
        nalu_arrays: vec![
            array(VPS, &sets.video),
            array(SPS, &sets.sequence),
            array(PPS, &sets.picture),
        ],
    };
    let (visual, unknown_boxes) = (visual(size), Vec::new());
    Ok(if changes {
        SampleEntry::Hev1(Hev1Box { visual, hvcc_box, unknown_boxes })
    } else {
        SampleEntry::Hvc1(Hvc1Box { visual, hvcc_box, unknown_boxes })
    })
}

/// Opus as it comes over RTP: nothing of it is to be skipped.
pub(super) fn sound_entry(channels: u8) -> SampleEntry {
    SampleEntry::Opus(OpusBox {
        audio: AudioSampleEntryFields {
            data_reference_index: NonZeroU16::MIN,
            channelcount: channels.into(),
            samplesize: AudioSampleEntryFields::DEFAULT_SAMPLESIZE,
            samplerate: FixedPointNumber::new(SAMPLES as u16, 0),
        },
        dops_box: DopsBox {
            output_channel_count: channels,
            pre_skip: 0,
            input_sample_rate: SAMPLES as u32,
            output_gain: 0,
        },
        unknown_boxes: Vec::new(),
    })
}
