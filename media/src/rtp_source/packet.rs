//! A packet as it came.

use crate::reception::header::{self, Header};
use crate::srtp::rtp_header_len;

/// An RTP packet (RFC 3550, 5.1), without what stands around its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) pt: u8,
    pub(crate) marker: bool,
    pub(crate) seq: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    /// It may be empty: a sender keeps its way open.
    pub(crate) payload: Vec<u8>,
}

impl Packet {
    /// Reads a datagram; none if it is no RTP packet, or its lengths cannot be.
    pub(crate) fn parse(datagram: &[u8]) -> Option<Self> {
        let length = rtp_header_len(datagram).ok()?;
        let Header { pt, marker, seq, timestamp, ssrc } = Header::parse(datagram)?;
        let payload = header::payload(datagram, length)?.to_vec();
        Some(Self { pt, marker, seq, timestamp, ssrc, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_what_stands_between_extension_and_padding() {
        let mut datagram = vec![0xb1, 0xe0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5, 1, 1, 1, 1];
        datagram.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 9, 0, 0, 0x65, 0x88, 0, 2]);
        let packet = Packet::parse(&datagram).unwrap();
        assert_eq!((packet.pt, packet.marker, packet.seq), (96, true, 7));
        assert_eq!((packet.timestamp, packet.ssrc), (9, 5));
        assert_eq!(packet.payload, [0x65, 0x88]);
        // More padding than there is, an extension that is cut short, another version.
        for (at, value) in [(27, 9), (27, 0), (19, 9), (0, 0x71)] {
            let mut wrong = datagram.clone();
            wrong[at] = value;
            assert_eq!(Packet::parse(&wrong), None, "{at}");
        }
        assert_eq!(Packet::parse(&datagram[..11]), None);
    }
}
