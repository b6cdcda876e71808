//! Files that shiguredo_mp4 writes.

use std::num::{NonZeroU16, NonZeroU32};

use shiguredo_mp4::boxes::{
    AudioSampleEntryFields, Avc1Box, AvccBox, DopsBox, MoovBox, OpusBox, SampleEntry,
    VisualSampleEntryFields,
};
use shiguredo_mp4::mux::{Mp4FileMuxer, Sample};
use shiguredo_mp4::{Encode as _, FixedPointNumber, TrackKind, Uint};

use crate::h264::{self, IDR};

/// One picture, in 90 kHz.
pub(super) const STEP: u32 = 3_000;
/// One packet of Opus, in samples.
pub(super) const OPUS: u32 = 960;

/// A file in the making.
pub(super) struct Maker {
    muxer: Mp4FileMuxer,
    pub(super) file: Vec<u8>,
    /// Whether the `avcC` has parameter sets.
    pub(super) sets: bool,
}

impl Maker {
    pub(super) fn new() -> Self {
        let muxer = Mp4FileMuxer::new().unwrap();
        let file = muxer.initial_boxes_bytes().to_vec();
        Self { muxer, file, sets: true }
    }

    /// A picture of these NAL units that is shown `offset` later than it is decoded.
    pub(super) fn picture(&mut self, units: &[Vec<u8>], offset: Option<i64>) {
        let key = units.iter().any(|unit| unit[0] & 0x1f == IDR);
        let start = self.file.len();
        for unit in units {
            self.file.extend_from_slice(&(unit.len() as u32).to_be_bytes());
            self.file.extend_from_slice(unit);
        }
        let (sps_list, pps_list) = match self.sets {
            true => (vec![h264::sps()], vec![h264::pps()]),
            false => (vec![], vec![]),
        };
        let entry = SampleEntry::Avc1(Avc1Box {
            visual: VisualSampleEntryFields {
                data_reference_index: NonZeroU16::MIN,
                width: 1280,
                height: 720,
                horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
                vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
                frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
                compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
                depth: VisualSampleEntryFields::DEFAULT_DEPTH,
            },
            avcc_box: AvccBox {
                avc_profile_indication: 0x42,
                profile_compatibility: 0xc0,
                avc_level_indication: 31,
                length_size_minus_one: Uint::new(3),
                sps_list,
                pps_list,
                chroma_format: None,
                bit_depth_luma_minus8: None,
                bit_depth_chroma_minus8: None,
                sps_ext_list: vec![],
            },
            unknown_boxes: vec![],
        });
        self.note(TrackKind::Video, entry, key, (90_000, STEP), offset, start);
    }

    pub(super) fn sound(&mut self, payload: &[u8]) {
        let start = self.file.len();
        self.file.extend_from_slice(payload);
        let entry = SampleEntry::Opus(OpusBox {
            audio: AudioSampleEntryFields {
                data_reference_index: NonZeroU16::MIN,
                channelcount: 2,
                samplesize: AudioSampleEntryFields::DEFAULT_SAMPLESIZE,
                samplerate: FixedPointNumber::new(48_000, 0),
            },
            dops_box: DopsBox {
                output_channel_count: 2,
                pre_skip: 312,
                input_sample_rate: 48_000,
                output_gain: 0,
            },
            unknown_boxes: vec![],
        });
        self.note(TrackKind::Audio, entry, true, (48_000, OPUS), None, start);
    }

    fn note(
        &mut self,
        track_kind: TrackKind,
        entry: SampleEntry,
        keyframe: bool,
        (timescale, duration): (u32, u32),
        composition_time_offset: Option<i64>,
        start: usize,
    ) {
        let sample = Sample {
            track_kind,
            sample_entry: Some(entry),
            keyframe,
            timescale: NonZeroU32::new(timescale).unwrap(),
            duration,
            composition_time_offset,
            data_offset: start as u64,
            data_size: self.file.len() - start,
        };
        self.muxer.append_sample(&sample).unwrap();
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.finish_with(|_| {})
    }

    /// The index stands behind the media.
    pub(super) fn finish_with(mut self, edit: impl FnOnce(&mut MoovBox)) -> Vec<u8> {
        let finished = self.muxer.finalize().unwrap();
        for (offset, bytes) in finished.offset_and_bytes_pairs() {
            let start = offset as usize;
            if start < self.file.len() {
                self.file[start..start + bytes.len()].copy_from_slice(bytes);
            }
        }
        let mut index = finished.moov_box().clone();
        edit(&mut index);
        [self.file, index.encode_to_vec().unwrap()].concat()
    }
}

/// A NAL unit of this type, `len` bytes long.
pub(super) fn unit(kind: u8, len: usize) -> Vec<u8> {
    let mut unit = vec![0x60 | kind];
    h264::fill(&mut unit, len, len as u64);
    unit
}

/// Ten pictures, of which the first and the sixth are key frames, and 16 packets of sound.
pub(super) fn clip() -> Maker {
    let mut maker = Maker::new();
    for at in 0..10 {
        let kind = if at % 5 == 0 { IDR } else { 1 };
        maker.picture(&[unit(kind, 200 + at), unit(kind, 3_000)], None);
    }
    for at in 0..16 {
        maker.sound(&[0xfc, at]);
    }
    maker
}
