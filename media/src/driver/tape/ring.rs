//! The last minutes of a stream on the disk: what an instant replay is made of.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::ids::StreamId;
use crate::recording::{Format, Fragment, Ticks, begin, encode};

/// A file of the ring has so much at least: so exactly an instant replay begins where it is to.
const SEGMENT: Duration = Duration::from_secs(5);
/// What is kept of one stream, however short that is.
const MOST: u64 = 2 << 30;

/// Makes the folder anew, if there is anything to put into it.
pub(super) fn prepare(folder: &Path, keep: Duration) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if keep.is_zero() { Ok(()) } else { fs::create_dir_all(folder) }
}

/// A file of the ring.
#[derive(Debug)]
struct Spool {
    path: PathBuf,
    file: File,
    /// Bytes that it has on the disk, as of the last [`Spool::trim`].
    length: u64,
    /// Shared with the clips that are being made of it.
    readers: Arc<()>,
}

impl Spool {
    fn create(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { path, file, length: 0, readers: Arc::default() })
    }

    /// So much was written from its beginning on, and is all that comes. Gives back what it was
    /// longer before, if that is worth it.
    fn trim(&mut self, bytes: u64) -> io::Result<()> {
        self.length = self.length.max(bytes);
        if self.length - bytes > bytes / 4 {
            self.file.set_len(bytes)?;
            self.length = bytes;
        }
        Ok(())
    }

    /// Whether nobody reads it. Who will can only be told of it here.
    fn is_free(&self) -> bool {
        Arc::strong_count(&self.readers) == 1
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "stays where it is");
        }
    }
}

/// A part of it: fragments from a key frame on, at the beginning of a file.
#[derive(Debug)]
struct Segment {
    spool: Spool,
    /// What a file begins with that begins here.
    head: Vec<u8>,
    format: Format,
    start: Ticks,
    end: Ticks,
    sequence: u32,
    /// Bytes of whole fragments. What is behind them in the file is of before.
    bytes: u64,
}

/// The last minutes of one stream. Its files go with it.
#[derive(Debug)]
pub(super) struct Ring {
    folder: PathBuf,
    stream: StreamId,
    keep: i64,
    segments: VecDeque<Segment>,
    /// The file of a segment that is too old, for the next one: to make and to delete files for
    /// each, of hundreds of streams, costs a file system more than to write them.
    spare: Option<Spool>,
    next: u64,
}

fn ticks(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 90).saturating_mul(90)
}

impl Ring {
    pub(super) fn new(folder: &Path, stream: StreamId, keep: Duration) -> Self {
        let (folder, keep) = (folder.to_owned(), ticks(keep));
        Self { folder, stream, keep, segments: VecDeque::new(), spare: None, next: 0 }
    }

    /// Bytes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Keeps a fragment, and drops what is too old.
    pub(super) fn push(&mut self, fragment: &Fragment) -> io::Result<()> {
        // An instant replay is one file, and that has pictures of one format.
        if self.segments.back().is_some_and(|segment| segment.format != fragment.format()) {
            self.segments.clear();
        }
        let full = self
            .segments
            .back()
            .is_none_or(|segment| fragment.start().0 - segment.start.0 >= ticks(SEGMENT));
        if full && fragment.begins() {
            if let Some(Segment { spool, bytes, .. }) = self.segments.back_mut() {
                spool.trim(*bytes)?;
            }
            let segment = self.segment(fragment)?;
            self.segments.push_back(segment);
        }
        // None: nothing could begin yet.
        let Some(segment) = self.segments.back_mut() else { return Ok(()) };
        if fragment.start() >= segment.start {
            segment.sequence += 1;
            let encoded = encode(fragment, segment.start, segment.sequence);
            let encoded = encoded.map_err(io::Error::other)?;
            encoded.write_to(&mut &segment.spool.file)?;
            segment.bytes += encoded.size();
            segment.end = segment.end.max(fragment.end());
        }
        self.expire(fragment.end());
        Ok(())
    }

    fn segment(&mut self, first: &Fragment) -> io::Result<Segment> {
        let head = begin(first).map_err(io::Error::other)?;
        Ok(Segment {
            spool: self.spool()?,
            head,
            format: first.format(),
            start: first.start(),
            end: first.start(),
            sequence: 0,
            bytes: 0,
        })
    }

    /// A file to be written from its beginning.
    fn spool(&mut self) -> io::Result<Spool> {
        if let Some(mut spare) = self.spare.take() {
            spare.file.rewind()?;
            return Ok(spare);
        }
        let path = self.folder.join(format!("{}-{}.m4s", self.stream, self.next));
        self.next += 1;
        Spool::create(path)
    }

    /// Drops what is older than is kept, seen from a moment.
    pub(super) fn expire(&mut self, now: Ticks) {
        let keep = self.keep;
        let old = |segment: &mut Segment| now.0 - segment.end.0 > keep;
        while let Some(segment) = self.segments.pop_front_if(old) {
            self.drop_segment(segment);
        }
        while self.bytes() > MOST && self.segments.len() > 1 {
            if let Some(segment) = self.segments.pop_front() {
                self.drop_segment(segment);
            }
        }
        if self.segments.is_empty() {
            self.spare = None;
        }
    }

    fn drop_segment(&mut self, segment: Segment) {
        // One that is read stays readable though it is removed.
        if segment.spool.is_free() {
            self.spare = Some(segment.spool);
        }
    }

    /// The last part of it, up to so long and a little more: it begins with a key frame.
    pub(super) fn clip(&self, length: Duration) -> io::Result<Option<ReplayClip>> {
        let Some(last) = self.segments.back() else { return Ok(None) };
        let from = last.end.0 - ticks(length);
        let wanted = || self.segments.iter().filter(|segment| segment.end.0 > from);
        let Some(first) = wanted().next() else { return Ok(None) };
        let part = |Segment { spool, bytes, .. }: &Segment| {
            let (file, bytes) = (File::open(&spool.path)?, *bytes);
            Ok(Part { file, bytes, _reader: Arc::clone(&spool.readers) })
        };
        let parts = wanted().map(part).collect::<io::Result<_>>()?;
        Ok(Some(ReplayClip { head: first.head.clone(), parts }))
    }
}

/// The last part of a stream, to be written into a file of its own.
#[derive(Debug)]
pub struct ReplayClip {
    head: Vec<u8>,
    parts: Vec<Part>,
}

/// The beginning of a file of the ring, which is not written again while this is here.
#[derive(Debug)]
struct Part {
    file: File,
    bytes: u64,
    _reader: Arc<()>,
}

impl ReplayClip {
    /// Writes it into a new file, which is to be finished like a recording. Blocks.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn write(self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(&self.head)?;
        for Part { file: part, bytes, _reader } in self.parts {
            io::copy(&mut part.take(bytes), &mut file)?;
        }
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_again_is_not_much_longer_than_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(folder.path().join("a")).unwrap();
        for (bytes, length) in [(1_000, 1_000), (900, 1_000), (100, 100), (110, 110), (0, 0)] {
            spool.file.rewind().unwrap();
            spool.file.write_all(&vec![7; bytes]).unwrap();
            spool.trim(bytes as u64).unwrap();
            assert_eq!(spool.file.metadata().unwrap().len(), length);
        }
    }
}
