//! The answer as the client is to see it: str0m's, in the order and the words of
//! the offer.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::rtp::{Codec, Kind};

use super::negotiate::{Plan, Role, Taken};
use super::sdp::Offer;

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
            (Some(taken), Some(lines)) => write_section(&mut sdp, lines, taken, plan),
            _ => {
                let _ = write!(
                    sdp,
                    "m={} 0 {} {}\r\nc=IN IP4 0.0.0.0\r\n",
                    section.media, section.proto, section.formats
                );
                if let Some(mid) = &section.mid {
                    let _ = write!(sdp, "a=mid:{mid}\r\n");
                }
                sdp.push_str("a=inactive\r\n");
            }
        }
    }
    sdp
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

fn write_section(sdp: &mut String, lines: &str, taken: &Taken, plan: &Plan) {
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
        write_line(sdp, line, taken, plan.role);
    }
}

fn write_line(sdp: &mut String, line: &str, taken: &Taken, role: Role) {
    let track = match taken.kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    };
    if line.starts_with("a=mid:") {
        let _ = write!(sdp, "a=mid:{}\r\n", taken.mid);
    } else if line.starts_with("a=msid:") || line.contains(" msid:") {
        // A viewer's tracks belong together, so that it keeps them in step; a
        // publisher gets no track from us.
        if role == Role::Viewer {
            let (before, _) = line.split_once("msid:").unwrap_or((line, ""));
            let _ = write!(sdp, "{before}msid:rushes {track}\r\n");
        }
    } else if starts_low(line, taken, role) {
        let _ = write!(sdp, "{line};x-google-start-bitrate={START_KILOBITS}\r\n");
    } else {
        let _ = write!(sdp, "{line}\r\n");
    }
}

/// Whether this is the format of a payload type whose encoder starts low: H.264
/// of a client with a bandwidth estimator, which browsers alone have.
fn starts_low(line: &str, taken: &Taken, role: Role) -> bool {
    let pt = line.strip_prefix("a=fmtp:").and_then(|rest| rest.split_once(' '));
    let Some(pt) = pt.and_then(|(pt, _)| pt.parse::<u8>().ok()) else { return false };
    let codec = taken.codecs.iter().find(|c| c.pt == pt);
    role == Role::Publisher && codec.is_some_and(|c| c.codec == Codec::H264 && c.transport_cc)
}
