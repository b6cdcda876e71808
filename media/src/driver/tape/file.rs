//! The file of a recording.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::ids::RecordingId;
use crate::recording::{ConcludeError, Format, Fragment, Summary, Ticks, begin, conclude, encode};

/// What was written is on the disk after this: a power cut costs so much more than a crash.
const SYNC: Duration = Duration::from_secs(1);

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) id: RecordingId,
    file: File,
    /// The start of its first fragment.
    pub(super) origin: Option<Ticks>,
    pub(super) end: Ticks,
    /// The format of its picture.
    pub(super) format: Option<Format>,
    sequence: u32,
    /// Bytes of whole fragments.
    pub(super) bytes: u64,
    synced: Instant,
    dirty: bool,
    syncing: Option<JoinHandle<io::Result<()>>>,
}

impl Writing {
    /// A new file.
    pub(super) fn create(now: Instant, id: RecordingId, path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Self::of(now, id, file))
    }

    pub(super) fn of(now: Instant, id: RecordingId, file: File) -> Self {
        Self {
            id,
            file,
            origin: None,
            end: Ticks(0),
            format: None,
            sequence: 0,
            bytes: 0,
            synced: now,
            dirty: false,
            syncing: None,
        }
    }

    /// Writes a fragment; none before the first that a decoder can begin with, and none with a
    /// picture of another format than that has.
    pub(super) fn put(&mut self, fragment: &Fragment) -> io::Result<()> {
        let origin = match self.origin {
            Some(origin) => origin,
            None if !fragment.begins() => return Ok(()),
            None => {
                let bytes = begin(fragment).map_err(io::Error::other)?;
                self.file.write_all(&bytes)?;
                self.bytes += bytes.len() as u64;
                self.format = Some(fragment.format());
                *self.origin.insert(fragment.start())
            }
        };
        if fragment.start() < origin || self.format != Some(fragment.format()) {
            return Ok(()); // the sound of before it began, or what no player goes on with
        }
        self.sequence = self.sequence.wrapping_add(1);
        let encoded = encode(fragment, origin, self.sequence).map_err(io::Error::other)?;
        encoded.write_to(&mut self.file)?;
        self.bytes += encoded.size();
        self.dirty = true;
        self.end = self.end.max(fragment.end());
        Ok(())
    }

    /// Has the disk keep what was written, if it is time for that. Does not wait for it, and tells
    /// of what went wrong the time before. To be called within a runtime.
    pub(super) async fn sync(&mut self, now: Instant) -> io::Result<()> {
        if now.saturating_duration_since(self.synced) < SYNC {
            return Ok(());
        }
        if let Some(syncing) = self.syncing.take_if(|syncing| syncing.is_finished()) {
            syncing.await.map_err(io::Error::other)??;
        }
        if self.dirty && self.syncing.is_none() {
            let file = self.file.try_clone()?;
            self.syncing = Some(tokio::task::spawn_blocking(move || file.sync_data()));
            (self.synced, self.dirty) = (now, false);
        }
        Ok(())
    }

    /// Gives back the room of a fragment that was written in part only.
    pub(super) fn give_back(&self) {
        if let Err(error) = self.file.set_len(self.bytes) {
            tracing::debug!(%error, "a torn fragment stays at the end of a file");
        }
    }
}

/// Finishes the file of a recording, so that it is played like any other: what was torn off at its
/// end goes, and its index is written. A file that was finished before stays what it is.
/// Blocks.
///
/// # Errors
/// When there is no picture in it, or it cannot be read or written.
pub fn finish_recording(path: &Path) -> Result<Summary, ConcludeError> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let found = conclude(&mut io::BufReader::new(&file))?;
    file.set_len(found.end)?;
    file.seek(SeekFrom::Start(found.end))?;
    file.write_all(&found.index)?;
    // The index is there before anything refers to it.
    file.sync_data()?;
    file.seek(SeekFrom::Start(found.placeholder))?;
    file.write_all(&found.head)?;
    file.sync_all()?;
    Ok(found.summary)
}
