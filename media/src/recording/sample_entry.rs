//! What a track says its samples are (ISO/IEC 14496-12, 8.5.2; ISO/IEC 14496-15; the VP Codec ISO
//! Media File Format Binding; the AV1 binding to ISOBMFF; the encapsulation of Opus in ISO base media
//! files).

use std::num::NonZeroU16;

use shiguredo_mp4::boxes::{
    AudioSampleEntryFields, Av01Box, Av1cBox, Avc1Box, AvccBox, DopsBox, Hev1Box, Hvc1Box, HvccBox,
    HvccNalUintArray, OpusBox, SampleEntry, UnknownBox, VisualSampleEntryFields, Vp09Box, VpccBox,
};
use shiguredo_mp4::{BoxSize, BoxType, Encode as _, FixedPointNumber, Uint};

use crate::coded::Head;
use crate::nal::h265::{PPS, SPS, VPS};
use crate::rtp::h265::Sequence;
use crate::rtp::{PictureSize, av1, vp9};

use super::EncodeError;
use super::config::Config;
use super::grid::FrameRate;
use super::level::vp9_level;
use super::sets::Sets;
use super::syntax::Syntax;
use super::time::SAMPLES;

/// Lengths of units have so many bytes, less one.
const LENGTH_LESS_ONE: u8 = 3;

/// The entry of a picture of a size and a rate. Where `changes`, other parameter sets come in between,
/// and the entry says that they are to be looked for in the samples.
///
/// # Errors
/// When it is not known what the entry is to say.
pub(super) fn picture_entry(
    config: &Config,
    (size, rate): (PictureSize, FrameRate),
    changes: bool,
) -> Result<SampleEntry, EncodeError> {
    match config {
        Config::Sets(sets) if sets.syntax == Syntax::H264 => avc(sets, size, changes),
        Config::Sets(sets) => hevc(sets, size, changes),
        Config::Head(head) => match &**head {
            Head::Vp9(key) => Ok(vp09(key, size, rate)),
            Head::Av1 { unit, sequence } => Ok(av01(unit, sequence, size, changes)),
            Head::Vp8 { .. } => Err(nothing_said()),
        },
        Config::Awaited(_) => Err(nothing_said()),
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

pub(super) fn nothing_said() -> EncodeError {
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

/// `vp09`. Another size needs no other entry: each key frame says its own.
fn vp09(key: &vp9::KeyFrame, size: PictureSize, rate: FrameRate) -> SampleEntry {
    let chroma_subsampling = match key.subsampling {
        // Where the samples lie, nothing in the bitstream says: with those of luma is the default.
        [true, true] => 1,
        [true, false] => 2,
        [false, false] => 3,
        [false, true] => 4,
    };
    let vpcc_box = VpccBox {
        profile: key.profile,
        level: vp9_level(size, rate),
        bit_depth: Uint::new(key.bit_depth),
        chroma_subsampling: Uint::new(chroma_subsampling),
        video_full_range_flag: Uint::new(key.colours.full_range.into()),
        colour_primaries: key.colours.primaries,
        transfer_characteristics: key.colours.transfer,
        matrix_coefficients: key.colours.matrix,
        codec_initialization_data: Vec::new(),
    };
    SampleEntry::Vp09(Vp09Box { visual: visual(size), vpcc_box, unknown_boxes: Vec::new() })
}

/// `av01`, with the sequence header where there is no other one.
fn av01(unit: &[u8], sequence: &av1::Sequence, size: PictureSize, changes: bool) -> SampleEntry {
    let flag = |flag: bool| u8::from(flag);
    let av1c_box = Av1cBox {
        seq_profile: Uint::new(sequence.profile),
        seq_level_idx_0: Uint::new(sequence.level),
        seq_tier_0: Uint::new(sequence.tier),
        high_bitdepth: Uint::new(flag(sequence.high_bitdepth)),
        twelve_bit: Uint::new(flag(sequence.twelve_bit)),
        monochrome: Uint::new(flag(sequence.monochrome)),
        chroma_subsampling_x: Uint::new(flag(sequence.subsampling[0])),
        chroma_subsampling_y: Uint::new(flag(sequence.subsampling[1])),
        chroma_sample_position: Uint::new(sequence.chroma_sample_position),
        initial_presentation_delay_minus_one: None,
        config_obus: if changes { Vec::new() } else { unit.to_vec() },
    };
    SampleEntry::Av01(Av01Box { visual: visual(size), av1c_box, unknown_boxes: Vec::new() })
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
