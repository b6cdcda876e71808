//! The answer to a publisher's offer.

use std::fmt::Write as _;

use crate::rtp::Codec;
use crate::webrtc::answer::{
    Extras, Terms, write_codec, write_extensions, write_head, write_rejected, write_transport,
};
use crate::webrtc::negotiate::{Plan, Taken};
use crate::webrtc::sdp::Offer;

/// Where a browser's encoder begins, in kbit/s, instead of feeling its way up
/// for twenty seconds.
const START_KILOBITS: u32 = 2_500;

/// Writes the answer.
pub(super) fn write(offer: &Offer, plan: &Plan, terms: &Terms<'_>) -> String {
    let mut sdp = String::with_capacity(4_096);
    write_head(&mut sdp, plan);
    for (index, section) in offer.sections.iter().enumerate() {
        match plan.taken.iter().find(|taken| taken.index == index) {
            Some(taken) => write_section(&mut sdp, taken, terms),
            None => write_rejected(&mut sdp, section),
        }
    }
    sdp
}

fn write_section(sdp: &mut String, taken: &Taken, terms: &Terms<'_>) {
    write_transport(sdp, taken, terms, "recvonly");
    if taken.reduced {
        sdp.push_str("a=rtcp-rsize\r\n");
    }
    write_extensions(sdp, taken);
    for codec in &taken.codecs {
        // An encoder starts low only with a bandwidth estimator, which browsers alone have.
        let low = codec.codec == Codec::H264 && codec.transport_cc;
        let start = low.then_some(START_KILOBITS);
        write_codec(sdp, codec, Extras { transport_cc: true, start, ..Extras::default() });
    }
    for rid in &taken.layers {
        let _ = write!(sdp, "a=rid:{rid} recv\r\n");
    }
    if !taken.layers.is_empty() {
        let _ = write!(sdp, "a=simulcast:recv {}\r\n", taken.layers.join(";"));
    }
}
