//! The end of a file: its index, and what it turned out to be.

use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroU32;

use shiguredo_mp4::boxes::{
    Co64Box, CttsBox, CttsEntry, EdtsBox, ElstBox, ElstEntry, MoovBox, StblBox, StscBox, StscEntry,
    StssBox, StszBox, SttsBox, SttsEntry,
};
use shiguredo_mp4::{Either, Encode as _, FixedPointNumber};
use thiserror::Error;

use crate::rtp::{Codec, PictureSize, inspect};

use super::EncodeError;
use super::boxes::{PICTURE, PLACEHOLDER, SOUND, Track, created, empty, movie};
use super::config::{Config, config_of};
use super::edges::{is_torn, last_group, leave_leading_out, leave_out_from};
use super::grid::FrameRate;
use super::sample_entry::{nothing_said, picture_entry, sound_entry};
use super::scan::{Place, Run, Scan, scan};
use super::time::{CLOCK, SAMPLES, Ticks};

/// Frames of which the rate is told, unless there are no more.
const ENOUGH: usize = 3;
/// What a decoder is to know stands at the beginning of a key frame: so far is looked for it.
const HEAD: u32 = 2_048;

/// What a finished recording is.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// When its first picture was, in unix milliseconds.
    pub start_ms: i64,
    /// Frames from its first to its last picture, those included that show what was before.
    pub frames: u64,
    /// Its frame rate.
    pub rate: FrameRate,
    /// How long it is, in milliseconds.
    pub duration_ms: u64,
    /// The codec of its picture.
    pub codec: Codec,
    /// The largest picture in it.
    pub size: PictureSize,
    /// The channels of its sound; none where there is no sound.
    pub channels: Option<u8>,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a recording could not be finished.
#[derive(Debug, Error)]
pub enum ConcludeError {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no picture in it.
    #[error("there is no picture in it")]
    Empty,
    /// Its index could not be made.
    #[error("its index: {0}")]
    Index(String),
}

impl From<EncodeError> for ConcludeError {
    fn from(error: EncodeError) -> Self {
        Self::Index(error.0)
    }
}

/// How a file is to be ended: what is behind `end` goes, `index` comes there, and then `head`
/// takes the place of the placeholder at `placeholder`.
#[derive(Debug)]
pub struct Conclusion {
    /// Where the last whole fragment ends.
    pub end: u64,
    /// The `moov`.
    pub index: Vec<u8>,
    /// Where the placeholder is.
    pub placeholder: u64,
    /// The head of an `mdat` that holds all fragments.
    pub head: [u8; 16],
    /// What is in the file.
    pub summary: Summary,
}

/// Says how a file of fragments is ended. A file that was ended before is ended again, the same.
///
/// # Errors
/// When the file cannot be read, or there is nothing in it.
pub fn conclude(file: &mut (impl Read + Seek)) -> Result<Conclusion, ConcludeError> {
    let mut found = scan(file)?;
    let picture = Picture::whole(&mut found.pictures);
    let seen = Seen::look(file, &found)?;
    let Some(start) = picture.start else { return Err(ConcludeError::Empty) };
    let rate = picture.rate;
    let (clock, frame) = rate.clock();
    let duration = picture.places as u64 * u64::from(frame);
    let shown = (u128::from(duration) * CLOCK as u128 / u128::from(clock)) as u64;
    let at = created(start);
    let config = seen.config.as_ref().ok_or_else(nothing_said)?;
    let entry = picture_entry(config, (seen.size, rate), seen.changes)?;
    let size = Some(seen.size);
    let table = picture.table(&found.pictures, duration);
    let mut tracks = vec![
        Track { id: PICTURE, entry, clock, size, table, duration, edits: None }.build(at, shown),
    ];
    let sound = Sounds::of(&found.sounds, start);
    if let (Some(sound), Some(channels)) = (&sound, seen.channels) {
        tracks.push(sound.track(channels).build(at, sound.shown()));
    }
    let whole = shown.max(sound.as_ref().map_or(0, Sounds::shown));
    let moov = MoovBox {
        mvhd_box: movie(at, whole),
        trak_boxes: tracks,
        mvex_box: None,
        unknown_boxes: Vec::new(),
    };
    let index = moov.encode_to_vec().map_err(EncodeError::from)?;
    let mut head = *b"\0\0\0\x01mdat\0\0\0\0\0\0\0\0";
    head[8..].copy_from_slice(&(found.end - found.placeholder).to_be_bytes());
    let duration_ms = picture.places as u64 * 1000 * u64::from(rate.den) / u64::from(rate.num);
    let summary = Summary {
        start_ms: start.unix_ms(),
        frames: picture.places as u64,
        rate,
        duration_ms,
        codec: config.format().codec(),
        size: seen.size,
        channels: seen.channels,
        bytes: found.end + index.len() as u64,
    };
    debug_assert_eq!(head.len() as u64, PLACEHOLDER);
    Ok(Conclusion { end: found.end, index, placeholder: found.placeholder, head, summary })
}

/// What the samples themselves say.
struct Seen {
    /// What its key frames say, as far as one entry can say it of all of them.
    config: Option<Config>,
    size: PictureSize,
    /// There are key frames that say something else than the first.
    changes: bool,
    channels: Option<u8>,
}

impl Seen {
    fn look(file: &mut (impl Read + Seek), found: &Scan) -> io::Result<Self> {
        let mut seen = Self {
            config: None,
            size: PictureSize { width: 0, height: 0 },
            changes: false,
            channels: None,
        };
        let mut first = None;
        for place in found.pictures.iter().flatten().filter(|place| place.key) {
            let Some(config) = config_of(&head(file, place)?) else { continue };
            if let Some(size) = config.size() {
                let pixels = |size: PictureSize| u64::from(size.width) * u64::from(size.height);
                if pixels(size) > pixels(seen.size) {
                    seen.size = size;
                }
            }
            seen.changes |= *first.get_or_insert_with(|| config.clone()) != config;
            seen.config = Some(match seen.config.take() {
                Some(before) => before.covering(&config),
                None => config,
            });
        }
        if let Some(place) = found.sounds.iter().flatten().next() {
            let first = head(file, place)?;
            seen.channels = inspect(Codec::Opus, &first).channels;
        }
        Ok(seen)
    }
}

/// The beginning of a sample.
fn head(file: &mut (impl Read + Seek), place: &Place) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(place.offset))?;
    let mut bytes = vec![0; place.size.min(HEAD) as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// When each frame is shown, in the order of decoding.
fn moments(runs: &[Run]) -> Vec<i64> {
    runs.iter().flatten().map(|place| place.at).collect()
}

/// The frames in time.
struct Picture {
    start: Option<Ticks>,
    rate: FrameRate,
    /// When each is shown by the track's clock, in the order of decoding.
    shown: Vec<i64>,
    places: i64,
}

impl Picture {
    /// That of a file, of whose first and last frames those are left out that are shown beside a hole.
    fn whole(runs: &mut Vec<Run>) -> Self {
        leave_leading_out(runs);
        let at = moments(runs);
        if let Some(first) = last_group(&at) {
            // The steps of a torn group are none of its rate's.
            let enough = if first >= ENOUGH { first } else { at.len() };
            let mut sorted = at[..enough].to_vec();
            sorted.sort_unstable();
            let picture = Self::by(FrameRate::of(&sorted), &at);
            let (_, frame) = picture.rate.clock();
            if is_torn(&picture.shown, first, frame.into()) {
                leave_out_from(runs, first);
            }
        }
        let at = moments(runs);
        let mut sorted = at.clone();
        sorted.sort_unstable();
        Self::by(FrameRate::of(&sorted), &at)
    }

    /// Frames at these moments, in the order of decoding, by a rate.
    fn by(rate: FrameRate, at: &[i64]) -> Self {
        let mut order: Vec<usize> = (0..at.len()).collect();
        order.sort_by_key(|n| at[*n]);
        let sorted: Vec<i64> = order.iter().map(|n| at[*n]).collect();
        let places = rate.places(&sorted);
        let mut shown = vec![0; at.len()];
        for (n, moment) in order.into_iter().zip(places.moments) {
            shown[n] = moment;
        }
        let start = (!sorted.is_empty()).then_some(Ticks(places.start));
        Self { start, rate, shown, places: places.count }
    }

    fn table(&self, runs: &[Run], duration: u64) -> StblBox {
        // Each is decoded at the moment at which one is shown, the first at the first.
        let mut decoded = self.shown.clone();
        decoded.sort_unstable();
        let mut table = table(runs, &decoded, duration);
        let offsets = self.shown.iter().zip(&decoded).map(|(shown, decoded)| shown - decoded);
        if offsets.clone().any(|offset| offset != 0) {
            let entry = |(sample_count, sample_offset)| CttsEntry { sample_count, sample_offset };
            let entries = grouped(offsets).into_iter().map(entry).collect();
            table.ctts_box = Some(CttsBox { version: 1, entries });
        }
        let keys = runs.iter().flatten().enumerate().filter(|(_, place)| place.key);
        let number = |(n, _): (usize, &Place)| NonZeroU32::new(n as u32 + 1);
        table.stss_box = Some(StssBox { sample_numbers: keys.filter_map(number).collect() });
        table
    }
}

/// The sound in time.
struct Sounds {
    runs: Vec<Run>,
    /// When each packet is heard, in samples since the first picture.
    heard: Vec<i64>,
    /// When the last one is over.
    end: i64,
}

impl Sounds {
    /// None where there is none from the first picture on.
    fn of(runs: &[Run], start: Ticks) -> Option<Self> {
        let start = start.samples();
        let mut latest = -1;
        let mut keep = |place: &&Place| {
            let rises = place.at - start > latest;
            latest = latest.max(place.at - start);
            rises
        };
        let kept: Vec<Run> = runs
            .iter()
            .map(|run| run.iter().filter(&mut keep).copied().collect())
            .filter(|run: &Run| !run.is_empty())
            .collect();
        let heard: Vec<i64> = kept.iter().flatten().map(|place| place.at - start).collect();
        let last = *heard.last()?;
        // Packets last 20 ms mostly; that of the last one is no matter.
        Some(Self { runs: kept, heard, end: last + SAMPLES / 50 })
    }

    /// Its end in the movie's ticks.
    fn shown(&self) -> u64 {
        self.end as u64 * CLOCK as u64 / SAMPLES as u64
    }

    fn track(&self, channels: u8) -> Track {
        let first = self.heard[0];
        let duration = (self.end - first) as u64;
        let movie = |samples: i64| samples as u64 * CLOCK as u64 / SAMPLES as u64;
        let entry = |edit_duration, media_time| ElstEntry {
            edit_duration,
            media_time,
            media_rate: FixedPointNumber::new(1, 0),
        };
        // It begins a little after the picture.
        let edits = (first > 0).then(|| EdtsBox {
            elst_box: Some(ElstBox {
                entries: vec![entry(movie(first), -1), entry(movie(self.end - first), 0)],
            }),
            unknown_boxes: Vec::new(),
        });
        let heard: Vec<i64> = self.heard.iter().map(|at| at - first).collect();
        Track {
            id: SOUND,
            entry: sound_entry(channels),
            clock: SAMPLES as u32,
            size: None,
            table: table(&self.runs, &heard, duration),
            duration,
            edits,
        }
    }
}

/// A table of samples that are decoded at these moments; the last lasts until `end`.
fn table(runs: &[Run], decoded: &[i64], end: u64) -> StblBox {
    let next = decoded.iter().skip(1).copied().chain([end as i64]);
    let steps = decoded.iter().zip(next).map(|(at, next)| (next - at).clamp(0, u32::MAX.into()));
    let time = |(sample_count, step)| SttsEntry { sample_count, sample_delta: step as u32 };
    // Runs with samples between them that are left out are several chunks.
    let chunks: Vec<&[Place]> = runs.iter().flat_map(adjoining).collect();
    StblBox {
        stts_box: SttsBox { entries: grouped(steps).into_iter().map(time).collect() },
        stsc_box: StscBox { entries: chunk_sizes(&chunks) },
        stsz_box: StszBox::Variable {
            entry_sizes: runs.iter().flatten().map(|place| place.size).collect(),
        },
        stco_or_co64_box: Either::B(Co64Box {
            chunk_offsets: chunks.iter().map(|chunk| chunk[0].offset).collect(),
        }),
        ..empty()
    }
}

/// The parts of a run that lie behind each other without a hole.
fn adjoining(run: &Run) -> impl Iterator<Item = &[Place]> {
    run.chunk_by(|one, next| one.offset + u64::from(one.size) == next.offset)
}

fn chunk_sizes(chunks: &[&[Place]]) -> Vec<StscEntry> {
    let mut entries: Vec<StscEntry> = Vec::new();
    for (n, chunk) in chunks.iter().enumerate() {
        let sample_per_chunk = chunk.len() as u32;
        if entries.last().is_none_or(|entry| entry.sample_per_chunk != sample_per_chunk) {
            let first_chunk = NonZeroU32::MIN.saturating_add(n as u32);
            let sample_description_index = NonZeroU32::MIN;
            entries.push(StscEntry { first_chunk, sample_per_chunk, sample_description_index });
        }
    }
    entries
}

/// Values with how often they come in a row.
fn grouped(values: impl Iterator<Item = i64>) -> Vec<(u32, i64)> {
    let mut groups: Vec<(u32, i64)> = Vec::new();
    for value in values {
        match groups.last_mut() {
            Some((count, last)) if *last == value => *count += 1,
            _ => groups.push((1, value)),
        }
    }
    groups
}
