//! What the server reports of the tracks that it sends.

use super::{GOODBYE, SENDER_REPORT, SOURCE_DESCRIPTION};

/// The sender's part of a report (RFC 3550, 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SenderReport {
    pub(crate) ssrc: u32,
    /// The moment of the report.
    pub(crate) ntp: u64,
    /// The same moment in the track's clock.
    pub(crate) rtp: u32,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
}

/// Appends a compound packet: a report for each track, and the name that makes
/// them one source.
pub(crate) fn write_sender_reports(buf: &mut Vec<u8>, reports: &[SenderReport], cname: &str) {
    for report in reports {
        buf.extend_from_slice(&[0x80, SENDER_REPORT, 0, 6]);
        buf.extend_from_slice(&report.ssrc.to_be_bytes());
        buf.extend_from_slice(&report.ntp.to_be_bytes());
        buf.extend_from_slice(&report.rtp.to_be_bytes());
        buf.extend_from_slice(&report.packets.to_be_bytes());
        buf.extend_from_slice(&report.octets.to_be_bytes());
    }
    let ssrcs = reports.iter().map(|report| report.ssrc);
    write_description(buf, ssrcs, cname);
}

/// RFC 3550, 6.5. A name is at most 255 bytes.
pub(super) fn write_description(
    buf: &mut Vec<u8>,
    ssrcs: impl ExactSizeIterator<Item = u32>,
    cname: &str,
) {
    const CNAME: u8 = 1;
    let start = buf.len();
    buf.extend_from_slice(&[0x80 | ssrcs.len() as u8, SOURCE_DESCRIPTION, 0, 0]);
    let name = &cname.as_bytes()[..cname.len().min(255)];
    for ssrc in ssrcs {
        buf.extend_from_slice(&ssrc.to_be_bytes());
        buf.extend_from_slice(&[CNAME, name.len() as u8]);
        buf.extend_from_slice(name);
        // At least one zero ends the list.
        let padded = (buf.len() - start + 1).next_multiple_of(4);
        buf.resize(start + padded, 0);
    }
    let words = ((buf.len() - start) / 4 - 1) as u16;
    buf[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// Appends a goodbye (RFC 3550, 6.6).
pub(crate) fn write_bye(buf: &mut Vec<u8>, ssrcs: &[u32]) {
    buf.extend_from_slice(&[0x80 | ssrcs.len() as u8, GOODBYE, 0, ssrcs.len() as u8]);
    for ssrc in ssrcs {
        buf.extend_from_slice(&ssrc.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compound_packet_is_whole() {
        let report = |ssrc| SenderReport { ssrc, ntp: 1 << 33, rtp: 7, packets: 3, octets: 300 };
        let mut buf = vec![0xff];
        write_sender_reports(&mut buf, &[report(5), report(6)], "rushes");
        let mut rest = &buf[1..];
        let mut kinds = Vec::new();
        while !rest.is_empty() {
            let words = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            kinds.push((rest[1], rest[0] & 0x1f));
            rest = &rest[4 * (words + 1)..];
        }
        assert_eq!(kinds, [(200, 0), (200, 0), (202, 2)]);
        assert!(buf.windows(8).any(|w| w == b"\x01\x06rushes"));
    }

    #[test]
    fn goodbye_names_the_tracks() {
        let mut buf = Vec::new();
        write_bye(&mut buf, &[1, 2]);
        assert_eq!(buf, [0x82, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    }
}
