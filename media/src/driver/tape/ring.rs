//! The last minutes of a stream on the disk: what an instant replay is made of.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ids::StreamId;
use crate::recording::{Fragment, Ticks, begin, encode};
use crate::rtp::Codec;

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

/// A part of it: fragments from a key frame on.
#[derive(Debug)]
struct Segment {
    path: PathBuf,
    file: File,
    /// What a file begins with that begins here.
    head: Vec<u8>,
    codec: Codec,
    start: Ticks,
    end: Ticks,
    sequence: u32,
    /// Bytes of whole fragments.
    bytes: u64,
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "stays where it is");
        }
    }
}

/// The last minutes of one stream. Its files go with it.
#[derive(Debug)]
pub(super) struct Ring {
    folder: PathBuf,
    stream: StreamId,
    keep: i64,
    segments: VecDeque<Segment>,
    next: u64,
}

fn ticks(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 90).saturating_mul(90)
}

impl Ring {
    pub(super) fn new(folder: &Path, stream: StreamId, keep: Duration) -> Self {
        let (folder, keep) = (folder.to_owned(), ticks(keep));
        Self { folder, stream, keep, segments: VecDeque::new(), next: 0 }
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
        // An instant replay is one file, and that has pictures of one codec.
        if self.segments.back().is_some_and(|segment| segment.codec != fragment.codec()) {
            self.segments.clear();
        }
        let full = self
            .segments
            .back()
            .is_none_or(|segment| fragment.start().0 - segment.start.0 >= ticks(SEGMENT));
        if full && fragment.begins() {
            let segment = self.segment(fragment)?;
            self.segments.push_back(segment);
        }
        // None: nothing could begin yet.
        let Some(segment) = self.segments.back_mut() else { return Ok(()) };
        if fragment.start() >= segment.start {
            segment.sequence += 1;
            let encoded = encode(fragment, segment.start, segment.sequence);
            let encoded = encoded.map_err(io::Error::other)?;
            encoded.write_to(&mut segment.file)?;
            segment.bytes += encoded.size();
            segment.end = segment.end.max(fragment.end());
        }
        self.expire(fragment.end());
        Ok(())
    }

    fn segment(&mut self, first: &Fragment) -> io::Result<Segment> {
        let path = self.folder.join(format!("{}-{}.m4s", self.stream, self.next));
        self.next += 1;
        Ok(Segment {
            file: OpenOptions::new().write(true).create_new(true).open(&path)?,
            path,
            head: begin(first).map_err(io::Error::other)?,
            codec: first.codec(),
            start: first.start(),
            end: first.start(),
            sequence: 0,
            bytes: 0,
        })
    }

    /// Drops what is older than is kept, seen from a moment.
    pub(super) fn expire(&mut self, now: Ticks) {
        let keep = self.keep;
        let old = |segment: &mut Segment| now.0 - segment.end.0 > keep;
        while self.segments.pop_front_if(old).is_some() {}
        while self.bytes() > MOST && self.segments.len() > 1 {
            self.segments.pop_front();
        }
    }

    /// The last part of it, up to so long and a little more: it begins with a key frame.
    pub(super) fn clip(&self, length: Duration) -> io::Result<Option<ReplayClip>> {
        let Some(last) = self.segments.back() else { return Ok(None) };
        let from = last.end.0 - ticks(length);
        let wanted = || self.segments.iter().filter(|segment| segment.end.0 > from);
        let Some(first) = wanted().next() else { return Ok(None) };
        let part = |segment: &Segment| Ok((File::open(&segment.path)?, segment.bytes));
        let parts = wanted().map(part).collect::<io::Result<_>>()?;
        Ok(Some(ReplayClip { head: first.head.clone(), parts }))
    }
}

/// The last part of a stream, to be written into a file of its own.
#[derive(Debug)]
pub struct ReplayClip {
    head: Vec<u8>,
    /// Open files stay readable though the ring drops them.
    parts: Vec<(File, u64)>,
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
        for (part, bytes) in self.parts {
            io::copy(&mut part.take(bytes), &mut file)?;
        }
        file.sync_data()
    }
}
