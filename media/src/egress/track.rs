//! One track towards one viewer.

use std::time::Instant;

use crate::ahead::{Ahead, ahead};
use crate::rtcp::{SenderReport, WallClock};
use crate::rtp::{Codec, Kind};
use crate::stream::Outgoing;

use super::history::{History, Sent};

/// The longest MID that fits a one-byte header extension (RFC 8285, 4.2).
const LONGEST_MID: usize = 16;

/// What was agreed on for a track.
#[derive(Debug, Clone)]
pub(crate) struct TrackSetup {
    pub(crate) kind: Kind,
    pub(crate) ssrc: u32,
    /// The source of retransmissions.
    pub(crate) rtx_ssrc: u32,
    /// The header extension that names the m-section, with what it says.
    pub(crate) mid: Option<(u8, String)>,
    /// The header extension that says when a packet left.
    pub(crate) send_time: Option<u8>,
}

/// A payload type of the viewer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) codec: Codec,
    pub(crate) pt: u8,
    /// The payload type of retransmissions.
    pub(crate) rtx: Option<u8>,
}

/// The fields of an RTP header that differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) pt: u8,
    pub(super) marker: bool,
    pub(super) seq: u16,
    pub(super) timestamp: u32,
    pub(super) ssrc: u32,
}

/// The latest numbers that were used.
#[derive(Debug, Default)]
struct Numbers {
    highest: Option<u64>,
    /// A bit for each of the 64 up to the highest, which is the lowest bit.
    used: u64,
}

impl Numbers {
    /// Takes note of a number; false if it was used, or is too old to know.
    fn note(&mut self, seq: u64) -> bool {
        let Some(highest) = self.highest.filter(|highest| seq <= *highest) else {
            let ahead = self.highest.map_or(64, |highest| seq - highest);
            let before = u32::try_from(ahead).ok().and_then(|ahead| self.used.checked_shl(ahead));
            self.used = before.unwrap_or(0) | 1;
            self.highest = Some(seq);
            return true;
        };
        let bit = u32::try_from(highest - seq).ok().and_then(|behind| 1u64.checked_shl(behind));
        let news = bit.is_some_and(|bit| self.used & bit == 0);
        self.used |= bit.unwrap_or(0);
        news
    }
}

#[derive(Debug)]
pub(super) struct Track {
    pub(super) setup: TrackSetup,
    pub(super) format: Option<Format>,
    pub(super) history: History,
    /// The header extensions as they are sent; empty if there are none.
    extensions: Vec<u8>,
    /// Where in them the time of sending goes.
    send_time_at: Option<usize>,
    started: Option<Instant>,
    rtx_seq: u64,
    sent: Numbers,
    packets: u32,
    octets: u32,
    /// The latest timestamp sent, and when it was captured.
    last: Option<(u32, Instant)>,
}

impl Track {
    pub(super) fn new(setup: TrackSetup) -> Self {
        let (extensions, send_time_at) = extensions(&setup);
        Self {
            setup,
            format: None,
            history: History::default(),
            extensions,
            send_time_at,
            started: None,
            rtx_seq: u64::from(rand::random::<u16>() % 20_000),
            sent: Numbers::default(),
            packets: 0,
            octets: 0,
            last: None,
        }
    }

    /// From now on packets go under this payload type. Those before are not sent
    /// again: under another type they would be other packets with the same number.
    pub(super) fn follow(&mut self, format: Format) {
        if self.format.is_some_and(|before| before != format) {
            self.history.seal();
        }
        self.format = Some(format);
    }

    /// Whether this number is surely new: sound has no history, but its numbers
    /// come from one counter and late ones are let through within a window.
    pub(super) fn first_use(&mut self, seq: u64) -> bool {
        if self.setup.kind == Kind::Video {
            return true;
        }
        self.sent.note(seq)
    }

    pub(super) fn next_rtx(&mut self) -> u64 {
        self.rtx_seq += 1;
        self.rtx_seq
    }

    /// The header with which a packet is sent again.
    pub(super) fn again(&self, format: Format, sent: &Sent) -> Header {
        Header {
            pt: format.rtx.unwrap_or(format.pt),
            marker: sent.marker,
            seq: sent.seq as u16,
            timestamp: sent.timestamp,
            ssrc: self.setup.ssrc,
        }
    }

    /// Appends an RTP header (RFC 3550, 5.1) and says how long it is.
    pub(super) fn write_header(
        &mut self,
        now: Instant,
        header: Header,
        buf: &mut Vec<u8>,
    ) -> usize {
        let mut head = [0; 12];
        head[0] = 0x80 | if self.extensions.is_empty() { 0 } else { 0x10 };
        head[1] = header.pt & 0x7f | u8::from(header.marker) << 7;
        head[2..4].copy_from_slice(&header.seq.to_be_bytes());
        head[4..8].copy_from_slice(&header.timestamp.to_be_bytes());
        head[8..12].copy_from_slice(&header.ssrc.to_be_bytes());
        buf.extend_from_slice(&head);
        if let Some(at) = self.send_time_at {
            let since = now.saturating_duration_since(*self.started.get_or_insert(now));
            // 6.18 fixed point seconds, in 24 bits.
            let time = ((since.as_micros() << 18) / 1_000_000) as u32;
            self.extensions[at..at + 3].copy_from_slice(&time.to_be_bytes()[1..]);
        }
        buf.extend_from_slice(&self.extensions);
        head.len() + self.extensions.len()
    }

    /// Counts a packet for the next report.
    pub(super) fn sent(&mut self, out: &Outgoing<'_>) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(out.packet.payload.len() as u32);
        let newer = self.last.is_none_or(|(last, _)| out.timestamp.wrapping_sub(last) < 1 << 31);
        if newer {
            self.last = Some((out.timestamp, out.captured));
        }
    }

    /// None before anything was sent.
    pub(super) fn report(&self, now: Instant, wall: &WallClock) -> Option<SenderReport> {
        let (timestamp, captured) = self.last?;
        let since = now.saturating_duration_since(captured).as_micros();
        let ticks = since * u128::from(self.setup.kind.clock()) / 1_000_000;
        Some(SenderReport {
            ssrc: self.setup.ssrc,
            ntp: wall.ntp(now),
            rtp: timestamp.wrapping_add(ticks as u32),
            packets: self.packets,
            octets: self.octets,
        })
    }
}

impl Ahead for Track {
    fn ahead(&self, depth: u8) {
        if depth == 1 {
            ahead(&self.extensions[..]);
            self.history.ahead(1);
        }
    }
}

/// The block of one-byte header extensions (RFC 8285, 4.2), and where in it the
/// time of sending stands.
fn extensions(setup: &TrackSetup) -> (Vec<u8>, Option<usize>) {
    let mut block = vec![0xbe, 0xde, 0, 0];
    if let Some((id, mid)) = &setup.mid
        && (1..=LONGEST_MID).contains(&mid.len())
    {
        block.push(id << 4 | (mid.len() as u8 - 1));
        block.extend_from_slice(mid.as_bytes());
    }
    let send_time_at = setup.send_time.map(|id| {
        block.extend_from_slice(&[id << 4 | 2, 0, 0, 0]);
        block.len() - 3
    });
    if block.len() == 4 {
        return (Vec::new(), None);
    }
    block.resize(block.len().next_multiple_of(4), 0);
    block[3] = (block.len() / 4 - 1) as u8;
    (block, send_time_at)
}
