//! The samples of a file of fragments, found again: up to the last fragment that is whole.

use std::io::{self, Read, Seek, SeekFrom};

use shiguredo_mp4::Decode as _;
use shiguredo_mp4::boxes::{MoofBox, TrafBox};

use super::boxes::{PICTURE, PLACEHOLDER, SOUND};
use super::time::Ticks;

/// The tables of a fragment are not larger than this.
const LARGEST: u64 = 1 << 20;
/// A file does not last longer than this, in ticks of either track: some years.
const LONGEST: u64 = 1 << 43;

/// A sample in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) size: u32,
    /// When it is shown in ticks since 1970, or heard in samples since 1970.
    pub(super) at: i64,
    pub(super) key: bool,
}

/// The samples of one track in one fragment; they lie behind each other.
pub(super) type Run = Vec<Place>;

/// What is in a file.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) pictures: Vec<Run>,
    pub(super) sounds: Vec<Run>,
    /// Where the placeholder is.
    pub(super) placeholder: u64,
    /// Where the last fragment ends.
    pub(super) end: u64,
}

/// Finds the fragments of a file. What comes after the last whole one is passed over.
///
/// # Errors
/// When the file cannot be read. A file that is none of ours has no fragments.
pub(super) fn scan(file: &mut (impl Read + Seek)) -> io::Result<Scan> {
    let mut found = Scan::default();
    let length = file.seek(SeekFrom::End(0))?;
    let mut at = 0;
    let mut origin = None;
    let mut moof: Option<(u64, MoofBox)> = None;
    let mut begun = false;
    while let Some((kind, head, size)) = header(file, at, length)? {
        let end = at + size;
        match &kind {
            b"ftyp" if at == 0 => found.placeholder = end,
            // A file that was ended before has it in this form.
            b"free" | b"mdat" if at == found.placeholder => {
                at += PLACEHOLDER;
                continue;
            }
            b"moov" if !begun => found.end = end.min(length),
            _ if end > length => break,
            b"prft" if size == 32 => origin = reference(&read(file, at + head, 24)?),
            b"moof" if size <= LARGEST => {
                let Ok((tables, _)) = MoofBox::decode(&read(file, at, size)?) else { break };
                moof = Some((at, tables));
            }
            b"mdat" => {
                let (Some((from, tables)), Some(origin)) = (moof.take(), origin) else { break };
                let Some(runs) = runs(from, &tables, origin, at + head..end) else { break };
                found.pictures.extend(runs.0);
                found.sounds.extend(runs.1);
                found.end = end;
            }
            _ => break,
        }
        begun = true;
        if &kind == b"ftyp" {
            begun = false;
        }
        at = end;
    }
    Ok(found)
}

/// The kind of a box, the length of its head, and its own; none if it is cut off.
fn header(
    file: &mut (impl Read + Seek),
    at: u64,
    length: u64,
) -> io::Result<Option<([u8; 4], u64, u64)>> {
    if at + 8 > length {
        return Ok(None);
    }
    let head = read(file, at, 16.min(length - at))?;
    let Some((size, rest)) = head.split_first_chunk::<4>() else { return Ok(None) };
    let Some((kind, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    let (head, size) = match (u32::from_be_bytes(*size), rest.first_chunk::<8>()) {
        (1, Some(long)) => (16, u64::from_be_bytes(*long)),
        (size, _) => (8, size.into()),
    };
    // Longer than any file is a torn one.
    Ok((size >= head && size < 1 << 60).then_some((*kind, head, size)))
}

fn read(file: &mut (impl Read + Seek), at: u64, size: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The moment from which a file counts, as a fragment's `prft` says; none beyond all reason.
fn reference(body: &[u8]) -> Option<Ticks> {
    let long = |at: usize| {
        let bytes = body.get(at..).and_then(|rest| rest.first_chunk::<8>());
        bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes))
    };
    let since = long(16);
    (since <= LONGEST).then(|| Ticks(Ticks::of_ntp(long(8)).0 - since as i64))
}

/// The samples of a fragment; none where they are not all within its `mdat`.
fn runs(
    from: u64,
    tables: &MoofBox,
    origin: Ticks,
    within: std::ops::Range<u64>,
) -> Option<(Option<Run>, Option<Run>)> {
    let of = |id: u32, origin: i64| -> Option<Option<Run>> {
        let Some(traf) = tables.traf_boxes.iter().find(|traf| traf.tfhd_box.track_id == id) else {
            return Some(None);
        };
        let run = run(from, traf, origin)?;
        let inside = |place: &Place| {
            place.offset >= within.start && place.offset + u64::from(place.size) <= within.end
        };
        run.iter().all(inside).then_some(Some(run))
    };
    Some((of(PICTURE, origin.0)?, of(SOUND, origin.samples())?))
}

fn run(from: u64, traf: &TrafBox, origin: i64) -> Option<Run> {
    let [trun] = traf.trun_boxes.as_slice() else { return None };
    let mut offset = from.checked_add_signed(trun.data_offset?.into())?;
    let since = traf.tfdt_box.as_ref()?.base_media_decode_time;
    let mut decoded = origin + i64::try_from(since.min(LONGEST)).ok()?;
    let mut run = Vec::with_capacity(trun.samples.len());
    for sample in &trun.samples {
        let size = sample.size?;
        run.push(Place {
            offset,
            size,
            at: decoded.checked_add(sample.composition_time_offset.unwrap_or_default())?,
            key: sample.flags?.get() & 0x0001_0000 == 0,
        });
        offset = offset.checked_add(size.into())?;
        decoded = decoded.checked_add(sample.duration?.into())?;
    }
    Some(run)
}
