//! The tracks of a finished MP4, as its index has them (ISO/IEC 14496-12), and what its
//! samples of H.264 are made of (ISO/IEC 14496-15, 5.3).

use std::num::NonZeroU32;

use shiguredo_mp4::aux::{SampleAccessor, SampleTableAccessor};
use shiguredo_mp4::boxes::{Avc1Box, AvccBox, MoovBox, SampleEntry, StblBox, TrakBox};
use shiguredo_mp4::{BoxHeader, BoxType, Decode as _};

use crate::error::RecordingError;
use crate::h264::{DELIMITER, IDR, PPS, SPS};
use crate::sdp::ProfileLevel;

/// The sample entry of H.264 whose parameter sets may stand in the samples. In all else
/// it is an `avc1`.
const AVC3: BoxType = BoxType::Normal(*b"avc3");

/// The picture of a movie, and its sound where that is Opus.
pub(super) struct Movie {
    pub(super) picture: Track,
    pub(super) sound: Option<Track>,
}

impl Movie {
    /// Finds the index, wherever it stands among the boxes, and the tracks in it.
    pub(super) fn read(file: &[u8]) -> Result<Self, RecordingError> {
        let index = index(file)?;
        let (mut picture, mut sound) = (None, None);
        for trak in index.trak_boxes {
            let entries = &trak.mdia_box.minf_box.stbl_box.stsd_box.entries;
            let place = if entries.iter().any(|entry| Avc::of(entry).is_some()) {
                &mut picture
            } else if entries.iter().any(|entry| matches!(entry, SampleEntry::Opus(_))) {
                &mut sound
            } else {
                continue;
            };
            if place.is_none() {
                *place = Some(Track::new(trak, index.mvhd_box.timescale)?);
            }
        }
        Ok(Self { picture: picture.ok_or(RecordingError::NoH264)?, sound })
    }
}

fn index(file: &[u8]) -> Result<MoovBox, RecordingError> {
    let mut rest = file;
    while !rest.is_empty() {
        // What is no box is what is behind the last one.
        let Ok((header, _)) = BoxHeader::decode(rest) else { break };
        if header.box_type == MoovBox::TYPE {
            return Ok(MoovBox::decode(rest)?.0);
        }
        // A length of zero: up to the end of the file.
        let len = usize::try_from(header.box_size.get()).ok().filter(|len| *len > 0);
        rest = len.and_then(|len| rest.get(len..)).unwrap_or_default();
    }
    Err(RecordingError::NoIndex)
}

/// One track.
pub(super) struct Track {
    table: SampleTableAccessor<StblBox>,
    clock: NonZeroU32,
    /// From the track's own time to the movie's, in nanoseconds.
    shift: i128,
}

/// One sample.
pub(super) struct Sample<'a> {
    /// Its number in the track, from 1.
    pub(super) number: usize,
    /// When it is shown, in nanoseconds of the movie.
    pub(super) shown: i128,
    /// Until when, if nothing comes before.
    pub(super) over: i128,
    pub(super) data: &'a [u8],
    /// The place of its sample entry.
    pub(super) entry: usize,
}

impl Track {
    fn new(trak: TrakBox, movie_clock: NonZeroU32) -> Result<Self, RecordingError> {
        let clock = trak.mdia_box.mdhd_box.timescale;
        let shift = shift(&trak, movie_clock);
        let table = SampleTableAccessor::new(trak.mdia_box.minf_box.stbl_box)
            .map_err(|error| RecordingError::Index(error.to_string()))?;
        Ok(Self { table, clock, shift })
    }

    /// The sample entries' H.264, each in its place.
    pub(super) fn avc(&self) -> Vec<Option<Avc>> {
        self.table.stbl_box().stsd_box.entries.iter().map(Avc::of).collect()
    }

    /// The samples in the order of decoding.
    pub(super) fn samples<'a>(
        &'a self,
        file: &'a [u8],
    ) -> impl Iterator<Item = Result<Sample<'a>, RecordingError>> {
        self.table.samples().map(|sample| self.sample(&sample, file))
    }

    fn sample<'a>(
        &self,
        sample: &SampleAccessor<'_, StblBox>,
        file: &'a [u8],
    ) -> Result<Sample<'a>, RecordingError> {
        let number = sample.index().get() as usize;
        let data = usize::try_from(sample.data_offset())
            .ok()
            .and_then(|start| file.get(start..)?.get(..sample.data_size() as usize))
            .ok_or(RecordingError::Torn(number))?;
        let offset = sample.composition_time_offset().unwrap_or(0);
        let shown = i128::from(sample.timestamp()) + i128::from(offset);
        let over = shown + i128::from(sample.duration());
        Ok(Sample {
            number,
            shown: nanos(shown, self.clock) + self.shift,
            over: nanos(over, self.clock) + self.shift,
            data,
            entry: sample.chunk().sample_entry_index(),
        })
    }
}

fn nanos(ticks: i128, clock: NonZeroU32) -> i128 {
    ticks * 1_000_000_000 / i128::from(clock.get())
}

/// How an edit list moves the beginning of a track: empty edits delay it, and the first
/// that is not empty says where in the track it begins. Later edits are not followed.
fn shift(trak: &TrakBox, movie_clock: NonZeroU32) -> i128 {
    let list = trak.edts_box.as_ref().and_then(|edits| edits.elst_box.as_ref());
    let mut shift = 0;
    for edit in list.iter().flat_map(|list| &list.entries) {
        if edit.media_time >= 0 {
            return shift - nanos(edit.media_time.into(), trak.mdia_box.mdhd_box.timescale);
        }
        shift += nanos(edit.edit_duration.into(), movie_clock);
    }
    shift
}

/// What a sample entry says of H.264.
pub(super) struct Avc {
    pub(super) profile: ProfileLevel,
    /// Bytes of the length before each NAL unit.
    length: usize,
    /// Sequence parameter sets, then picture parameter sets.
    sets: Vec<Vec<u8>>,
}

impl Avc {
    fn of(entry: &SampleEntry) -> Option<Self> {
        match entry {
            SampleEntry::Avc1(avc1) => Some(Self::new(avc1.avcc_box.clone())),
            SampleEntry::Unknown(other) if other.box_type == AVC3 => {
                let len = u32::try_from(8 + other.payload.len()).ok()?;
                let avc1 = [&len.to_be_bytes()[..], b"avc1", &other.payload].concat();
                Some(Self::new(Avc1Box::decode(&avc1).ok()?.0.avcc_box))
            }
            _ => None,
        }
    }

    fn new(avcc: AvccBox) -> Self {
        let (profile, level) = (avcc.avc_profile_indication, avcc.avc_level_indication);
        Self {
            profile: ProfileLevel([profile, avcc.profile_compatibility, level]),
            length: usize::from(avcc.length_size_minus_one.get()) + 1,
            sets: avcc.sps_list.into_iter().chain(avcc.pps_list).collect(),
        }
    }

    /// The NAL units of a sample as they are to be sent, and whether it is a key frame.
    /// One that lacks parameter sets gets those of the sample entry.
    pub(super) fn access_unit<'a>(
        &'a self,
        sample: &Sample<'a>,
    ) -> Result<(Vec<&'a [u8]>, bool), RecordingError> {
        let torn = RecordingError::Torn(sample.number);
        let mut units = self.units(sample.data).filter(|units| !units.is_empty()).ok_or(torn)?;
        let has = |units: &[&[u8]], of: u8| units.iter().any(|unit| kind(unit) == of);
        let key = has(&units, IDR);
        if key && !(has(&units, SPS) && has(&units, PPS)) {
            // A delimiter stands before everything else (H.264, 7.4.1.2.3).
            let first = usize::from(kind(units[0]) == DELIMITER);
            units.splice(first..first, self.sets.iter().map(Vec::as_slice));
            if !(has(&units, SPS) && has(&units, PPS)) {
                return Err(RecordingError::NoParameterSets);
            }
        }
        Ok((units, key))
    }

    /// The NAL units of a sample, none of them empty; none where a length is wrong.
    fn units<'a>(&self, mut sample: &'a [u8]) -> Option<Vec<&'a [u8]>> {
        let mut units = Vec::new();
        while !sample.is_empty() {
            let (length, rest) = sample.split_at_checked(self.length)?;
            let length = length.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
            let (unit, rest) = rest.split_at_checked(length)?;
            if !unit.is_empty() {
                units.push(unit);
            }
            sample = rest;
        }
        Some(units)
    }
}

/// The type of a NAL unit that is not empty.
fn kind(unit: &[u8]) -> u8 {
    unit[0] & 0x1f
}
