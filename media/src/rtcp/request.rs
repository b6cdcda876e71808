//! What the server says to publishers: how their tracks arrive, and what it asks for.

use super::report::write_description;
use super::{PAYLOAD_FEEDBACK, RECEIVER_REPORT, ReceptionReport, TRANSPORT_FEEDBACK};

/// Reports that one packet holds (RFC 3550, 6.4.2).
const MOST_REPORTS: usize = 31;

/// Packets that are missing: `first`, and of the 16 after it those whose bit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) first: u16,
    pub(crate) following: u16,
}

/// Appends a header (RFC 3550, 6.4.2; RFC 4585, 6.1); its length is filled in by [`finish`].
fn begin(buf: &mut Vec<u8>, count: u8, kind: u8) -> usize {
    let start = buf.len();
    buf.extend_from_slice(&[0x80 | count, kind, 0, 0]);
    start
}

fn finish(buf: &mut [u8], start: usize) {
    // All that is written here is far below 64 Ki words.
    let words = ((buf.len() - start) / 4 - 1) as u16;
    buf[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// Appends what every compound packet begins with: how tracks arrive at `from`, and its name.
pub(crate) fn write_receiver_report(
    buf: &mut Vec<u8>,
    from: u32,
    reports: &[ReceptionReport],
    cname: &str,
) {
    let reports = &reports[..reports.len().min(MOST_REPORTS)];
    let start = begin(buf, reports.len() as u8, RECEIVER_REPORT);
    buf.extend_from_slice(&from.to_be_bytes());
    for report in reports {
        let lost = report.lost.clamp(-(1 << 23), (1 << 23) - 1) as u32 & 0xff_ffff;
        buf.extend_from_slice(&report.ssrc.to_be_bytes());
        buf.extend_from_slice(&(u32::from(report.fraction_lost) << 24 | lost).to_be_bytes());
        buf.extend_from_slice(&report.highest.to_be_bytes());
        buf.extend_from_slice(&report.jitter.to_be_bytes());
        buf.extend_from_slice(&report.last_report.to_be_bytes());
        buf.extend_from_slice(&report.delay.to_be_bytes());
    }
    finish(buf, start);
    write_description(buf, std::iter::once(from), cname);
}

/// Appends a request for missing packets (RFC 4585, 6.2.1).
pub(crate) fn write_nack(buf: &mut Vec<u8>, from: u32, ssrc: u32, gaps: &[Gap]) {
    let start = begin(buf, 1, TRANSPORT_FEEDBACK);
    buf.extend_from_slice(&from.to_be_bytes());
    buf.extend_from_slice(&ssrc.to_be_bytes());
    for gap in gaps {
        buf.extend_from_slice(&gap.first.to_be_bytes());
        buf.extend_from_slice(&gap.following.to_be_bytes());
    }
    finish(buf, start);
}

/// Appends a request for a key frame (RFC 4585, 6.3.1).
pub(crate) fn write_pli(buf: &mut Vec<u8>, from: u32, ssrc: u32) {
    let start = begin(buf, 1, PAYLOAD_FEEDBACK);
    buf.extend_from_slice(&from.to_be_bytes());
    buf.extend_from_slice(&ssrc.to_be_bytes());
    finish(buf, start);
}

/// Appends a command to send a key frame (RFC 5104, 4.3.1); `number` grows with each.
pub(crate) fn write_fir(buf: &mut Vec<u8>, from: u32, ssrc: u32, number: u8) {
    let start = begin(buf, 4, PAYLOAD_FEEDBACK);
    buf.extend_from_slice(&from.to_be_bytes());
    buf.extend_from_slice(&[0; 4]);
    buf.extend_from_slice(&ssrc.to_be_bytes());
    buf.extend_from_slice(&[number, 0, 0, 0]);
    finish(buf, start);
}

/// Appends transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1);
/// `body` is what follows the SSRC of the media, and is filled up with zeros.
pub(crate) fn write_transport_feedback(buf: &mut Vec<u8>, from: u32, ssrc: u32, body: &[u8]) {
    let start = begin(buf, 15, TRANSPORT_FEEDBACK);
    buf.extend_from_slice(&from.to_be_bytes());
    buf.extend_from_slice(&ssrc.to_be_bytes());
    buf.extend_from_slice(body);
    let padded = (buf.len() - start).next_multiple_of(4);
    buf.resize(start + padded, 0);
    finish(buf, start);
}

#[cfg(test)]
mod tests {
    use super::super::{Feedback, parse};
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let report = ReceptionReport {
            ssrc: 9,
            fraction_lost: 64,
            lost: -2,
            highest: 0x0001_0005,
            jitter: 90,
            last_report: 0x0001_0203,
            delay: 0x8000,
        };
        let gap = Gap { first: 7, following: 0x8001 };
        let mut buf = Vec::new();
        write_receiver_report(&mut buf, 5, &[report], "rushes");
        write_nack(&mut buf, 5, 9, &[gap]);
        write_pli(&mut buf, 5, 9);
        write_fir(&mut buf, 5, 8, 3);
        write_transport_feedback(&mut buf, 5, 9, &[0, 1, 0, 1, 0, 0, 0, 0, 0x20, 1, 4]);
        assert!(buf.len().is_multiple_of(4));
        let mut said = Vec::new();
        parse(&buf, |feedback| said.push(feedback));
        assert_eq!(
            said,
            [
                Feedback::Report(report),
                Feedback::Nack { ssrc: 9, first: 7, following: 0x8001 },
                Feedback::KeyFrame { ssrc: 9 },
                Feedback::KeyFrame { ssrc: 8 },
            ]
        );
    }
}
