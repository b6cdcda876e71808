//! The boxes of a recording (ISO/IEC 14496-12): what it begins with, and each fragment.
//!
//! A file is `ftyp`, a placeholder, `moov`, and then `prft`, `moof` and `mdat` for each fragment. When
//! it ends, the placeholder becomes the head of an `mdat` that reaches to the end of the last
//! fragment, and a `moov` with the place of every sample is put behind: the same bytes are then a
//! file that is not fragmented, and that any player seeks in. Until then it is playable too, and
//! what a crash leaves behind is whole up to its last fragment.

use std::num::NonZeroU32;
use std::time::Duration;

use shiguredo_mp4::boxes::{
    Brand, DinfBox, EdtsBox, FtypBox, HdlrBox, MdhdBox, MdiaBox, MediaHeader, MfhdBox, MinfBox,
    MoofBox, MoovBox, MvexBox, MvhdBox, SampleEntry, SmhdBox, StblBox, StcoBox, StscBox, StsdBox,
    StszBox, SttsBox, TfdtBox, TfhdBox, TkhdBox, TrafBox, TrakBox, TrexBox, TrunBox, TrunSample,
    VmhdBox,
};
use shiguredo_mp4::{
    Either, Encode as _, FixedPointNumber, LanguageCode, Mp4FileTime, SampleFlags,
};

use crate::rtp::{Codec, PictureSize};

use super::EncodeError;
use super::config::Config;
use super::fragment::{Fragment, Frame, Sound};
use super::grid::FrameRate;
use super::sample_entry::{picture_entry, sound_entry};
use super::time::{CLOCK, SAMPLES, Ticks};

/// The tracks.
pub(super) const PICTURE: u32 = 1;
pub(super) const SOUND: u32 = 2;
/// The length of the placeholder, and of the head of an `mdat` with 64 bits of length.
pub(super) const PLACEHOLDER: u64 = 16;
/// A key frame depends on no other; any other frame does, and is none to begin with.
const KEY: u32 = 0x0200_0000;
const DEPENDS: u32 = 0x0101_0000;
/// The rate of a picture is not known when its file begins. Few have more.
const HIGH: FrameRate = FrameRate { num: 60, den: 1 };

/// What the file is, by its length: where the placeholder is.
fn brand(codec: Codec) -> Result<Vec<u8>, EncodeError> {
    let mut compatible_brands = vec![Brand::ISOM, Brand::ISO5, Brand::ISO6, Brand::MP41];
    // AV1 binding to ISOBMFF, 2.1.
    compatible_brands.extend((codec == Codec::Av1).then_some(Brand::AV01));
    let brands = FtypBox { major_brand: Brand::ISOM, minor_version: 512, compatible_brands };
    Ok(brands.encode_to_vec()?)
}

/// What a file of fragments begins with.
pub(super) fn init(config: &Config, start: Ticks) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = brand(config.format().codec())?;
    bytes.extend_from_slice(&(PLACEHOLDER as u32).to_be_bytes());
    bytes.extend_from_slice(b"free\0\0\0\0\0\0\0\0");
    let at = created(start);
    let track = |id, entry, clock, size| {
        Track { id, entry, clock, size, table: empty(), duration: 0, edits: None }.build(at, 0)
    };
    let size = config.size().unwrap_or(PictureSize { width: 0, height: 0 });
    let entry = picture_entry(config, (size, HIGH), true)?;
    let moov = MoovBox {
        mvhd_box: movie(at, 0),
        trak_boxes: vec![
            track(PICTURE, entry, CLOCK as u32, Some(size)),
            track(SOUND, sound_entry(2), SAMPLES as u32, None),
        ],
        mvex_box: Some(MvexBox {
            mehd_box: None,
            trex_boxes: [PICTURE, SOUND].map(extends).to_vec(),
            unknown_boxes: Vec::new(),
        }),
        unknown_boxes: Vec::new(),
    };
    bytes.extend_from_slice(&moov.encode_to_vec()?);
    Ok(bytes)
}

fn extends(track_id: u32) -> TrexBox {
    TrexBox {
        track_id,
        default_sample_description_index: 1,
        default_sample_duration: 0,
        default_sample_size: 0,
        default_sample_flags: SampleFlags::empty(),
    }
}

pub(super) fn created(start: Ticks) -> Mp4FileTime {
    let ms = u64::try_from(start.unix_ms()).unwrap_or_default();
    Mp4FileTime::from_unix_time(Duration::from_millis(ms))
}

pub(super) fn movie(at: Mp4FileTime, duration: u64) -> MvhdBox {
    MvhdBox {
        creation_time: at,
        modification_time: at,
        timescale: NonZeroU32::new(CLOCK as u32).unwrap_or(NonZeroU32::MIN),
        duration,
        rate: MvhdBox::DEFAULT_RATE,
        volume: MvhdBox::DEFAULT_VOLUME,
        matrix: MvhdBox::DEFAULT_MATRIX,
        next_track_id: SOUND + 1,
    }
}

/// A table without samples.
pub(super) fn empty() -> StblBox {
    StblBox {
        stsd_box: StsdBox { entries: Vec::new() },
        stts_box: SttsBox { entries: Vec::new() },
        ctts_box: None,
        cslg_box: None,
        stsc_box: StscBox { entries: Vec::new() },
        stsz_box: StszBox::Variable { entry_sizes: Vec::new() },
        stco_or_co64_box: Either::A(StcoBox { chunk_offsets: Vec::new() }),
        stss_box: None,
        sdtp_box: None,
        unknown_boxes: Vec::new(),
    }
}

/// A track in the making.
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) entry: SampleEntry,
    /// Ticks in a second.
    pub(super) clock: u32,
    /// Of a picture.
    pub(super) size: Option<PictureSize>,
    pub(super) table: StblBox,
    /// In ticks.
    pub(super) duration: u64,
    pub(super) edits: Option<EdtsBox>,
}

impl Track {
    /// `shown` is its duration in the movie's ticks.
    pub(super) fn build(mut self, at: Mp4FileTime, shown: u64) -> TrakBox {
        let side = |side: u32| FixedPointNumber::new(i16::try_from(side).unwrap_or(i16::MAX), 0);
        let size = self.size.unwrap_or(PictureSize { width: 0, height: 0 });
        let picture = self.size.is_some();
        self.table.stsd_box.entries = vec![self.entry];
        TrakBox {
            tkhd_box: TkhdBox {
                flag_track_enabled: true,
                flag_track_in_movie: true,
                flag_track_in_preview: false,
                flag_track_size_is_aspect_ratio: false,
                creation_time: at,
                modification_time: at,
                track_id: self.id,
                duration: shown,
                layer: TkhdBox::DEFAULT_LAYER,
                alternate_group: TkhdBox::DEFAULT_ALTERNATE_GROUP,
                volume: if picture {
                    TkhdBox::DEFAULT_VIDEO_VOLUME
                } else {
                    TkhdBox::DEFAULT_AUDIO_VOLUME
                },
                matrix: TkhdBox::DEFAULT_MATRIX,
                width: side(size.width),
                height: side(size.height),
            },
            edts_box: self.edits,
            mdia_box: MdiaBox {
                mdhd_box: MdhdBox {
                    creation_time: at,
                    modification_time: at,
                    timescale: NonZeroU32::new(self.clock).unwrap_or(NonZeroU32::MIN),
                    duration: self.duration,
                    language: LanguageCode::UNDEFINED,
                },
                hdlr_box: HdlrBox {
                    handler_type: if picture { *b"vide" } else { *b"soun" },
                    name: vec![0],
                },
                minf_box: MinfBox {
                    media_header: Some(if picture {
                        MediaHeader::Vmhd(VmhdBox {
                            graphicsmode: VmhdBox::DEFAULT_GRAPHICSMODE,
                            opcolor: VmhdBox::DEFAULT_OPCOLOR,
                        })
                    } else {
                        MediaHeader::Smhd(SmhdBox { balance: SmhdBox::DEFAULT_BALANCE })
                    }),
                    dinf_box: DinfBox::LOCAL_FILE,
                    stbl_box: self.table,
                    unknown_boxes: Vec::new(),
                },
                unknown_boxes: Vec::new(),
            },
            unknown_boxes: Vec::new(),
        }
    }
}

impl Fragment {
    /// What stands before the samples, in a file whose moments are counted from `origin`, where the
    /// fragment is piece number `sequence`.
    ///
    /// # Errors
    /// When its moments are beyond all reason.
    pub(super) fn head(&self, origin: Ticks, sequence: u32) -> Result<Vec<u8>, EncodeError> {
        let pictures: usize = self.frames.iter().map(|frame| frame.data.len()).sum();
        let mut moof = self.moof(origin, sequence, [0, 0])?;
        // The lengths of the offsets do not depend on their values.
        let head = moof.encode_to_vec()?.len() + 8;
        let offset = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
        moof = self.moof(origin, sequence, [offset(head), offset(head + pictures)])?;
        let (mut bytes, moof) = (reference(origin, self.start()), moof.encode_to_vec()?);
        bytes.extend_from_slice(&moof);
        let length = u32::try_from(self.size() + 8)
            .map_err(|_| EncodeError("a fragment is too large".to_owned()))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(b"mdat");
        Ok(bytes)
    }

    fn moof(
        &self,
        origin: Ticks,
        sequence: u32,
        offsets: [i32; 2],
    ) -> Result<MoofBox, EncodeError> {
        let [pictures, sounds] = offsets;
        let mut traf_boxes = Vec::new();
        if let Some((first, samples)) = frames(&self.frames) {
            traf_boxes.push(track(PICTURE, first.0 - origin.0, pictures, samples)?);
        }
        if let Some(first) = self.sounds.first() {
            let since = first.at.samples() - origin.samples();
            traf_boxes.push(track(SOUND, since, sounds, packets(&self.sounds))?);
        }
        let mfhd_box = MfhdBox { sequence_number: sequence };
        Ok(MoofBox { mfhd_box, traf_boxes, unknown_boxes: Vec::new() })
    }
}

fn track(
    track_id: u32,
    since: i64,
    offset: i32,
    samples: Vec<TrunSample>,
) -> Result<TrafBox, EncodeError> {
    let base_media_decode_time = u64::try_from(since)
        .map_err(|_| EncodeError("a fragment is before its file begins".to_owned()))?;
    Ok(TrafBox {
        tfhd_box: TfhdBox {
            track_id,
            base_data_offset: None,
            sample_description_index: None,
            default_sample_duration: None,
            default_sample_size: None,
            default_sample_flags: None,
            duration_is_empty: false,
            default_base_is_moof: true,
        },
        tfdt_box: Some(TfdtBox { version: 1, base_media_decode_time }),
        trun_boxes: vec![TrunBox { data_offset: Some(offset), first_sample_flags: None, samples }],
        unknown_boxes: Vec::new(),
    })
}

/// The frames of a fragment, decoded at the moments at which they are shown, each in its turn.
fn frames(frames: &[Frame]) -> Option<(Ticks, Vec<TrunSample>)> {
    let mut shown: Vec<Ticks> = frames.iter().map(|frame| frame.at).collect();
    shown.sort_unstable();
    let first = *shown.first()?;
    let step = |n: usize| {
        let after = shown.get(n + 1).map(|next| next.0 - shown[n].0);
        // Of the last one nobody knows: like the one before it.
        let before = n.checked_sub(1).map(|before| shown[n].0 - shown[before].0);
        after.or(before).and_then(|step| u32::try_from(step).ok()).unwrap_or(CLOCK as u32 / 25)
    };
    let sample = |(n, frame): (usize, &Frame)| TrunSample {
        duration: Some(step(n)),
        size: Some(frame.data.len() as u32),
        flags: Some(SampleFlags::new(if frame.key { KEY } else { DEPENDS })),
        composition_time_offset: Some(frame.at.0 - shown[n].0),
    };
    Some((first, frames.iter().enumerate().map(sample).collect()))
}

fn packets(sounds: &[Sound]) -> Vec<TrunSample> {
    let sample = |(n, sound): (usize, &Sound)| {
        let after = sounds.get(n + 1).map(|next| next.at.samples() - sound.at.samples());
        TrunSample {
            duration: Some(
                after.and_then(|step| u32::try_from(step).ok()).unwrap_or(sound.samples),
            ),
            size: Some(sound.data.len() as u32),
            flags: Some(SampleFlags::new(KEY)),
            composition_time_offset: None,
        }
    };
    sounds.iter().enumerate().map(sample).collect()
}

/// Which moment of the server's clock the fragment begins at (`prft`, 8.16.5).
fn reference(origin: Ticks, start: Ticks) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    bytes.extend_from_slice(&32u32.to_be_bytes());
    bytes.extend_from_slice(b"prft\x01\0\0\0");
    bytes.extend_from_slice(&PICTURE.to_be_bytes());
    bytes.extend_from_slice(&start.ntp().to_be_bytes());
    bytes.extend_from_slice(&(start.0 - origin.0).to_be_bytes());
    bytes
}
