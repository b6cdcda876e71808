//! One stream on the thread that records.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::ids::StreamId;
use crate::recording::{Format, Fragment, Recorder};
use crate::rtcp::WallClock;
use crate::rtp::Codec;
use crate::status::RecordingStatus;
use crate::stream::Packet;

use super::file::Writing;
use super::ring::Ring;

/// What is kept from the last key frame on, for a recording that begins later.
const HEAD: usize = 32 << 20;

/// A stream: its recorder, and where its fragments go.
#[derive(Debug)]
pub(super) struct Reel {
    pub(super) recorder: Recorder,
    /// From the last key frame on.
    head: Vec<Rc<Fragment>>,
    pub(super) file: Option<Writing>,
    pub(super) ring: Option<Ring>,
    /// When the last packet came.
    pub(super) heard: Instant,
}

impl Reel {
    pub(super) fn new(
        now: Instant,
        wall: WallClock,
        stream: StreamId,
        (folder, keep): (&Path, Duration),
    ) -> Self {
        Self {
            recorder: Recorder::new(wall),
            head: Vec::new(),
            file: None,
            ring: (!keep.is_zero()).then(|| Ring::new(folder, stream, keep)),
            heard: now,
        }
    }

    /// Takes packets. An error: the recording cannot be written.
    pub(super) fn packets(
        &mut self,
        now: Instant,
        packets: impl IntoIterator<Item = Packet>,
    ) -> io::Result<()> {
        self.heard = now;
        for packet in packets {
            self.recorder.packet(now, packet);
        }
        self.take()
    }

    /// Begins a recording, from the last key frame on if that is there.
    pub(super) fn begin(&mut self, mut file: Writing) -> io::Result<()> {
        for fragment in &self.head {
            file.put(fragment)?;
        }
        self.file = Some(file);
        Ok(())
    }

    /// Writes what is ready.
    pub(super) fn take(&mut self) -> io::Result<()> {
        let mut result = Ok(());
        while let Some(fragment) = self.recorder.poll() {
            if let Some(file) = &mut self.file
                && result.is_ok()
            {
                result = file.put(&fragment);
            }
            if let Some(ring) = &mut self.ring
                && let Err(error) = ring.push(&fragment)
            {
                tracing::warn!(%error, "there is no instant replay of a stream any more");
                self.ring = None;
            }
            self.keep(fragment);
        }
        result
    }

    fn keep(&mut self, fragment: Fragment) {
        if fragment.begins() {
            self.head.clear();
        } else if self.head.is_empty() {
            return;
        }
        self.head.push(Rc::new(fragment));
        if self.head.iter().map(|fragment| fragment.size()).sum::<usize>() > HEAD {
            self.head.clear();
        }
    }

    /// What the recording has got so far.
    pub(super) fn status(&self) -> Option<RecordingStatus> {
        let file = self.file.as_ref()?;
        let refused = self.recorder.refused();
        let other = self.recorder.format().filter(|_| file.format.is_some());
        let other = other.filter(|format| file.format != Some(*format));
        Some(RecordingStatus {
            id: file.id,
            since: file.origin.map(crate::recording::Ticks::unix_ms),
            duration_ms: file.origin.map_or(0, |origin| file.end.unix_ms() - origin.unix_ms()),
            bytes: file.bytes,
            frames_left_out: self.recorder.counted().left_out,
            problem: refused.map(not_recorded).or_else(|| other.map(goes_elsewhere)),
        })
    }
}

/// Why nothing is recorded of a codec.
fn not_recorded(codec: Codec) -> String {
    format!(
        "The picture is {}, which is not recorded, for browsers do not play it in a file: send H.264, \
         H.265, VP9 or AV1.",
        codec.name()
    )
}

/// What is to be done where a source goes on in another format.
fn goes_elsewhere(format: Format) -> String {
    format!(
        "The picture is {format} now, which cannot go on in this recording: end it, and begin another."
    )
}
