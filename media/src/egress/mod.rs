//! What one viewer is sent: RTP packets made and encrypted in place, behind each
//! other in a buffer that goes to the kernel as it is.
//!
//! Sans-IO: datagrams are appended to a buffer, and the clock is an argument.

mod history;
mod track;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::ahead::{Ahead, ahead};
use crate::rtcp::{WallClock, write_bye, write_sender_reports};
use crate::rtp::Kind;
use crate::srtp::{MasterKey, Sealer, SrtpError};
use crate::stream::{Origin, Outgoing, Packet};

use history::Sent;
pub(crate) use track::{Format, TrackSetup};
use track::{Header, Track};

/// Retransmissions may take half of what is sent: beyond, the network is full and
/// more of the same would keep it so. This much may be saved up, in bytes.
const MOST_SAVED: u32 = 512 * 1024;
/// What a viewer may have sent again before it has been sent much, in bytes.
const FIRST_SAVED: u32 = 64 * 1024;

/// What was sent to a viewer: written where it is sent, read where it is shown.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// RTP packets, retransmissions included.
    pub(crate) packets: AtomicU64,
    /// Bytes of them on the wire, without UDP and IP.
    pub(crate) bytes: AtomicU64,
    /// Packets that were sent again.
    pub(crate) again: AtomicU64,
}

impl Counters {
    fn add(&self, packets: u64, bytes: u64) {
        // One writer: no need for a locked addition.
        let add = |counter: &AtomicU64, more| {
            counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        };
        add(&self.packets, packets);
        add(&self.bytes, bytes);
    }
}

/// All that is needed to send to a viewer.
#[derive(Debug)]
pub(crate) struct EgressSetup {
    pub(crate) key: MasterKey,
    /// The name of the source (RFC 3550, 6.5.1).
    pub(crate) cname: String,
    pub(crate) video: Option<TrackSetup>,
    pub(crate) audio: Option<TrackSetup>,
}

/// The sending side of one viewer.
#[derive(Debug)]
pub(crate) struct Egress {
    sealer: Sealer,
    cname: String,
    video: Option<Track>,
    audio: Option<Track>,
    counters: Arc<Counters>,
    saved: u32,
}

impl Egress {
    /// # Errors
    /// If the key is not one of its profile.
    pub(crate) fn new(setup: EgressSetup, counters: Arc<Counters>) -> Result<Self, SrtpError> {
        Ok(Self {
            sealer: Sealer::new(&setup.key)?,
            cname: setup.cname,
            video: setup.video.map(Track::new),
            audio: setup.audio.map(Track::new),
            counters,
            saved: FIRST_SAVED,
        })
    }

    /// The publisher's encoding, as this viewer's payload types.
    pub(crate) fn follow(&mut self, video: Option<Format>, audio: Option<Format>) {
        for (track, format) in [(&mut self.video, video), (&mut self.audio, audio)] {
            if let (Some(track), Some(format)) = (track, format) {
                track.follow(format);
            }
        }
    }

    /// Appends a packet as a datagram of its own. Says whether it is one that this
    /// viewer takes, and never was sent before.
    pub(crate) fn write(&mut self, now: Instant, out: &Outgoing<'_>, buf: &mut Vec<u8>) -> bool {
        let kind = out.packet.codec.kind();
        let track = match kind {
            Kind::Audio => self.audio.as_mut(),
            Kind::Video => self.video.as_mut(),
        };
        let Some(track) = track else { return false };
        let Some(format) = track.format.filter(|f| f.codec == out.packet.codec) else {
            return false;
        };
        // Two contents under one number would give the key away (RFC 7714, 10.1).
        let news = kind == Kind::Audio || track.history.note(Sent::of(out));
        if !news || !track.first_use(out.seq) {
            return false;
        }
        let start = buf.len();
        let header = Header {
            pt: format.pt,
            marker: out.marker,
            seq: out.seq as u16,
            timestamp: out.timestamp,
            ssrc: track.setup.ssrc,
        };
        track.write_header(now, header, buf);
        track.sent(out);
        let (ssrc, payload) = (track.setup.ssrc, &out.packet.payload);
        let sealed = self.sealer.seal_rtp_apart(buf, start, payload, ssrc, out.seq);
        self.sealed(buf, start, sealed)
    }

    /// Counts what was sealed. False leaves nothing behind.
    fn sealed(&mut self, buf: &mut Vec<u8>, start: usize, sealed: Result<(), SrtpError>) -> bool {
        if sealed.is_err() {
            buf.truncate(start);
            return false;
        }
        let length = buf.len() - start;
        self.saved = (self.saved + length as u32 / 2).min(MOST_SAVED);
        self.counters.add(1, length as u64);
        true
    }

    /// Appends a packet of the picture that the viewer misses: as RTX (RFC 4588)
    /// where that was agreed on, else as it was. Says whether it is still there
    /// and may be sent.
    pub(crate) fn write_again<'a>(
        &mut self,
        now: Instant,
        missing: u16,
        store: impl FnOnce(Origin) -> Option<&'a Packet>,
        buf: &mut Vec<u8>,
    ) -> bool {
        let Some(track) = self.video.as_mut() else { return false };
        let (Some(format), Some(sent)) = (track.format, track.history.find(missing)) else {
            return false;
        };
        let Some(packet) = store(sent.origin).filter(|p| p.codec == format.codec) else {
            return false;
        };
        let cost = packet.payload.len() as u32 + 64;
        if self.saved < cost {
            return false;
        }
        let start = buf.len();
        track.history.sent_again(missing);
        let header = track.again(format, &sent);
        let (ssrc, index) = match format.rtx {
            Some(_) => (track.setup.rtx_ssrc, track.next_rtx()),
            None => (track.setup.ssrc, sent.seq),
        };
        let header_len = track.write_header(now, Header { seq: index as u16, ssrc, ..header }, buf);
        if format.rtx.is_some() {
            buf.extend_from_slice(&missing.to_be_bytes());
        }
        buf.extend_from_slice(&packet.payload);
        let sealed = self.sealer.seal_rtp(buf, start, header_len, ssrc, index);
        let sealed = self.sealed(buf, start, sealed);
        self.saved = self.saved.saturating_sub(cost);
        self.counters.again.fetch_add(1, Ordering::Relaxed);
        sealed
    }

    /// Appends a report of what was sent (RFC 3550, 6.4). Says whether there is
    /// anything to report.
    pub(crate) fn write_report(
        &mut self,
        now: Instant,
        wall: &WallClock,
        buf: &mut Vec<u8>,
    ) -> bool {
        let tracks = [self.video.as_ref(), self.audio.as_ref()].into_iter().flatten();
        let reports: Vec<_> = tracks.filter_map(|track| track.report(now, wall)).collect();
        if reports.is_empty() {
            return false;
        }
        let start = buf.len();
        write_sender_reports(buf, &reports, &self.cname);
        self.seal_control(buf, start)
    }

    /// Appends a goodbye.
    pub(crate) fn write_bye(&mut self, buf: &mut Vec<u8>) -> bool {
        let tracks = [self.video.as_ref(), self.audio.as_ref()].into_iter().flatten();
        let ssrcs: Vec<u32> = tracks.map(|track| track.setup.ssrc).collect();
        let start = buf.len();
        // A goodbye does not stand alone: an empty report goes before it (RFC 3550, 6.1).
        buf.extend_from_slice(&[0x80, 201, 0, 1]);
        buf.extend_from_slice(&ssrcs.first().copied().unwrap_or_default().to_be_bytes());
        write_bye(buf, &ssrcs);
        self.seal_control(buf, start)
    }

    fn seal_control(&mut self, buf: &mut Vec<u8>, start: usize) -> bool {
        let sealed = self.sealer.seal_rtcp(buf, start).is_ok();
        if !sealed {
            buf.truncate(start);
        }
        sealed
    }
}

impl Ahead for Egress {
    fn ahead(&self, depth: u8) {
        if depth == 1 {
            ahead(&*self.counters);
            self.sealer.ahead(1);
            for track in [&self.video, &self.audio].into_iter().flatten() {
                track.ahead(1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
