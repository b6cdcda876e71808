//! A publisher's answer as it is to see it: str0m's, in the order and the words of
//! the offer.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::rtp::Codec;

use super::negotiate::{Plan, Taken};
use super::sdp::{Offer, Section};

/// Where a browser's encoder begins, in kbit/s, instead of feeling its way up
/// for twenty seconds.
const START_KILOBITS: u32 = 2_500;

/// Puts str0m's answer to the canonical offer into the shape of the offer.
pub(crate) fn finish(answer: &str, offer: &Offer, plan: &Plan) -> String {
    let mut parts = answer.split("\r\nm=");
    let head = parts.next().unwrap_or_default();
    let answered: HashMap<usize, &str> =
        plan.taken.iter().map(|t| t.index).zip(parts.map(|p| p.trim_end())).collect();

    let mut sdp = String::with_capacity(answer.len() + 512);
    write_head(&mut sdp, head, plan);
    for (index, section) in offer.sections.iter().enumerate() {
        let taken = plan.taken.iter().find(|t| t.index == index);
        match (taken, answered.get(&index)) {
            (Some(taken), Some(lines)) => write_section(&mut sdp, lines, taken),
            _ => write_rejected(&mut sdp, section),
        }
    }
    sdp
}

/// A section that is not taken keeps its place (RFC 3264, 6).
pub(super) fn write_rejected(sdp: &mut String, section: &Section) {
    let Section { media, proto, formats, mid, .. } = section;
    let _ = write!(sdp, "m={media} 0 {proto} {formats}\r\nc=IN IP4 0.0.0.0\r\n");
    if let Some(mid) = mid {
        let _ = write!(sdp, "a=mid:{mid}\r\n");
    }
    sdp.push_str("a=inactive\r\n");
}

fn write_head(sdp: &mut String, head: &str, plan: &Plan) {
    for line in head.lines() {
        if line.starts_with("a=group:BUNDLE") {
            let mids: Vec<&str> = plan.taken.iter().map(|t| t.mid.as_str()).collect();
            let _ = write!(sdp, "a=group:BUNDLE {}\r\n", mids.join(" "));
        } else if line.starts_with("a=msid-semantic") {
            sdp.push_str("a=msid-semantic: WMS *\r\n");
        } else {
            let _ = write!(sdp, "{line}\r\n");
        }
    }
}

fn write_section(sdp: &mut String, lines: &str, taken: &Taken) {
    let mut lines = lines.lines();
    let _ = write!(sdp, "m={}\r\n", lines.next().unwrap_or_default());
    let mut candidates = false;
    for line in lines {
        if line.starts_with("a=candidate:") {
            candidates = true;
        } else if candidates {
            // All of them are here: nothing will trickle from this side.
            sdp.push_str("a=end-of-candidates\r\n");
            candidates = false;
        }
        write_line(sdp, line, taken);
    }
}

fn write_line(sdp: &mut String, line: &str, taken: &Taken) {
    if line.starts_with("a=mid:") {
        let _ = write!(sdp, "a=mid:{}\r\n", taken.mid);
    } else if line.starts_with("a=msid:") || line.contains(" msid:") {
        // A publisher gets no track from us.
    } else if line == "a=rtcp-mux" {
        // RFC 9725, 4.4.1: every section says that there is no other way.
        sdp.push_str("a=rtcp-mux\r\na=rtcp-mux-only\r\n");
    } else if starts_low(line, taken) {
        let _ = write!(sdp, "{line};x-google-start-bitrate={START_KILOBITS}\r\n");
    } else {
        let _ = write!(sdp, "{line}\r\n");
    }
}

/// Whether this is the format of a payload type whose encoder starts low: H.264
/// of a client with a bandwidth estimator, which browsers alone have.
fn starts_low(line: &str, taken: &Taken) -> bool {
    let pt = line.strip_prefix("a=fmtp:").and_then(|rest| rest.split_once(' '));
    let Some(pt) = pt.and_then(|(pt, _)| pt.parse::<u8>().ok()) else { return false };
    let codec = taken.codecs.iter().find(|c| c.pt == pt);
    codec.is_some_and(|c| c.codec == Codec::H264 && c.transport_cc)
}
