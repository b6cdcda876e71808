//! A recording that is published instead of a synthetic stream: H.264 and, where there is
//! some, Opus of a finished MP4.

mod mp4;
mod packets;
mod player;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use self::mp4::{Movie, Track};
pub(crate) use self::player::Player;
use crate::error::{Error, RecordingError};
use crate::sdp::ProfileLevel;

/// A last picture that says of itself that it lasts no time lasts so long.
const LEAST: Duration = Duration::from_millis(10);

/// A recording, ready to be sent.
#[derive(Debug)]
pub(crate) struct Recording {
    /// Never empty; the first is a key frame.
    pictures: Vec<Picture>,
    /// What is heard while the pictures are shown.
    sounds: Vec<Sound>,
    /// From its first picture to the end of the last.
    lasts: Duration,
    profile: ProfileLevel,
}

/// One access unit.
#[derive(Debug)]
struct Picture {
    /// Since the first picture.
    at: Duration,
    /// Until the next one.
    lasts: Duration,
    key: bool,
    /// Of its packets.
    payloads: Vec<Vec<u8>>,
}

/// One packet of Opus.
#[derive(Debug)]
struct Sound {
    /// Since the first picture.
    at: Duration,
    lasts: Duration,
    payload: Vec<u8>,
}

impl Recording {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As [`Self::read`], and when there is no such file.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let read = std::fs::read(path).map_err(RecordingError::from);
        read.and_then(|file| Self::read(&file))
            .map_err(|why| Error::Recording { path: path.to_owned(), why })
    }

    /// Reads a finished MP4. It begins with its first key frame; of its sound that is
    /// kept which is heard from there to the end of the last picture.
    ///
    /// # Errors
    /// When there is no H.264 in it, or none that WebRTC can carry as it is.
    pub(crate) fn read(file: &[u8]) -> Result<Self, RecordingError> {
        let movie = Movie::read(file)?;
        let (start, profile, pictures) = pictures(&movie.picture, file)?;
        let lasts = pictures.last().map_or(LEAST, |last| last.at + last.lasts);
        let sounds = match &movie.sound {
            Some(track) => sounds(track, file, start, lasts)?,
            None => Vec::new(),
        };
        Ok(Self { pictures, sounds, lasts, profile })
    }

    /// As its parameter sets have it.
    pub(crate) fn profile(&self) -> ProfileLevel {
        self.profile
    }

    /// How long it is.
    pub(crate) fn lasts(&self) -> Duration {
        self.lasts
    }

    /// How many pictures, and how many packets of sound.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.pictures.len(), self.sounds.len())
    }

    /// Bits a second of it as it is, on the level of RTP.
    pub(crate) fn bitrate(&self) -> u64 {
        let pictures = self.pictures.iter().flat_map(|picture| &picture.payloads);
        let payloads = pictures.chain(self.sounds.iter().map(|sound| &sound.payload));
        let bytes: u64 = payloads.map(|payload| packets::packet_len(payload)).sum();
        (bytes as f64 * 8.0 / self.lasts.as_secs_f64()) as u64
    }
}

/// When the first picture is shown in the movie, in nanoseconds, what it is, and all
/// pictures from there.
type Pictures = (i128, ProfileLevel, Vec<Picture>);

fn pictures(track: &Track, file: &[u8]) -> Result<Pictures, RecordingError> {
    let avc = track.avc();
    let mut pictures: Vec<Picture> = Vec::new();
    let mut first = None;
    let mut latest = None;
    for sample in track.samples(file) {
        let sample = sample?;
        if latest.replace(sample.shown).is_some_and(|latest| latest >= sample.shown) {
            return Err(RecordingError::Reordered);
        }
        let avc = avc[sample.entry].as_ref().ok_or(RecordingError::NoH264)?;
        let (units, key) = avc.access_unit(&sample)?;
        if first.is_none() && key {
            first = Some((sample.shown, avc.profile));
        }
        // Nothing can be made of what is before the first key frame.
        let Some((start, _)) = first else { continue };
        let at = since(start, sample.shown);
        if let Some(before) = pictures.last_mut() {
            before.lasts = at - before.at;
        }
        let payloads = units.iter().flat_map(|unit| packets::payloads(unit)).collect();
        let lasts = since(sample.shown, sample.over).max(LEAST);
        pictures.push(Picture { at, lasts, key, payloads });
    }
    let nothing = || latest.map_or(RecordingError::Empty, |_| RecordingError::NoKeyFrame);
    let (start, profile) = first.ok_or_else(nothing)?;
    Ok((start, profile, pictures))
}

fn sounds(
    track: &Track,
    file: &[u8],
    start: i128,
    lasts: Duration,
) -> Result<Vec<Sound>, RecordingError> {
    let mut sounds: Vec<Sound> = Vec::new();
    for sample in track.samples(file) {
        let sample = sample?;
        if sample.shown < start || sample.data.is_empty() {
            continue;
        }
        let (at, over) = (since(start, sample.shown), since(start, sample.over));
        if over <= lasts {
            sounds.push(Sound { at, lasts: over - at, payload: sample.data.to_vec() });
        }
    }
    Ok(sounds)
}

/// From one moment in nanoseconds to a later one.
fn since(start: i128, at: i128) -> Duration {
    Duration::from_nanos(u64::try_from(at - start).unwrap_or(0))
}
