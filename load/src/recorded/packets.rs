//! The RTP payloads of an access unit (RFC 6184, packetization mode 1), and of what it is
//! filled up with.

use std::time::Duration;

use crate::h264::{FILLER, FU_A};
use crate::source::{HEADER, VIDEO_PACKET};

/// The longest payload of a video packet.
const PAYLOAD: usize = VIDEO_PACKET - HEADER;
/// Packets of filler data of one picture, whatever it lasts: 150 Mbit.
const MAX_FILL: u64 = 16_384;

/// The payloads of one NAL unit that is not empty: the unit itself, or fragments of it.
pub(super) fn payloads(unit: &[u8]) -> Vec<Vec<u8>> {
    if unit.len() <= PAYLOAD {
        return vec![unit.to_vec()];
    }
    let (importance, kind) = (unit[0] & 0xe0, unit[0] & 0x1f);
    let chunks = unit[1..].chunks(PAYLOAD - 2);
    let last = chunks.len() - 1;
    let fragment = |(at, chunk): (usize, &[u8])| {
        let start = if at == 0 { 0x80 } else { 0 };
        let end = if at == last { 0x40 } else { 0 };
        [&[importance | FU_A, start | end | kind], chunk].concat()
    };
    chunks.enumerate().map(fragment).collect()
}

/// A payload of filler data as long as a video packet's can be (H.264, 7.3.2.7).
pub(super) fn filler() -> Vec<u8> {
    let mut payload = vec![0xff; PAYLOAD];
    (payload[0], payload[PAYLOAD - 1]) = (FILLER, 0x80);
    payload
}

/// Keeps a stream at its bit rate by saying how much filler data each picture gets. What
/// large pictures are ahead is taken off those behind them.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bits a second; none: nothing is filled up.
    bitrate: Option<u64>,
    /// Bytes of all packets so far, with their RTP headers.
    sent: u64,
}

impl Budget {
    /// For a stream of `own` bits a second, as it is, that is to have `bitrate`.
    pub(super) fn new(own: u64, bitrate: u64) -> Self {
        Self { bitrate: (own < bitrate).then_some(bitrate), sent: 0 }
    }

    /// A packet with this payload is sent.
    pub(super) fn spend(&mut self, payload: &[u8]) {
        self.sent += packet_len(payload);
    }

    /// How many packets of filler data are sent so that the stream has its bit rate at
    /// `until`, counted from its beginning.
    pub(super) fn fill(&mut self, until: Duration) -> usize {
        let Some(bitrate) = self.bitrate else { return 0 };
        let due = u128::from(bitrate) * until.as_nanos() / 8 / 1_000_000_000;
        let short = due.saturating_sub(self.sent.into()) / VIDEO_PACKET as u128;
        let packets = u64::try_from(short).map_or(MAX_FILL, |short| short.min(MAX_FILL));
        self.sent += packets * VIDEO_PACKET as u64;
        packets as usize
    }
}

/// Bytes of the packet with this payload.
pub(super) fn packet_len(payload: &[u8]) -> u64 {
    (HEADER + payload.len()) as u64
}
