//! The answer to a viewer's offer.

use std::fmt::Write as _;

use crate::egress::TrackSetup;
use crate::webrtc::answer::{
    Extras, Terms, media, write_codec, write_extensions, write_head, write_rejected,
    write_transport,
};
use crate::webrtc::negotiate::{Plan, Taken};
use crate::webrtc::sdp::Offer;

/// Writes the answer, with the tracks that the viewer is sent.
pub(super) fn write(
    offer: &Offer,
    plan: &Plan,
    terms: &Terms<'_>,
    cname: &str,
    tracks: &[&TrackSetup],
) -> String {
    let mut sdp = String::with_capacity(4_096);
    write_head(&mut sdp, plan);
    for (index, section) in offer.sections.iter().enumerate() {
        let taken = plan.taken.iter().find(|taken| taken.index == index);
        let track = taken.and_then(|t| tracks.iter().find(|track| track.kind == t.kind));
        match (taken, track) {
            (Some(taken), Some(track)) => write_section(&mut sdp, taken, track, terms, cname),
            _ => write_rejected(&mut sdp, section),
        }
    }
    sdp
}

fn write_section(
    sdp: &mut String,
    taken: &Taken,
    track: &TrackSetup,
    terms: &Terms<'_>,
    cname: &str,
) {
    write_transport(sdp, taken, terms, "sendonly");
    sdp.push_str("a=rtcp-rsize\r\n");
    write_extensions(sdp, taken);
    for codec in &taken.codecs {
        write_codec(sdp, codec, Extras { remb: track.send_time.is_some(), ..Extras::default() });
    }
    let name = media(taken.kind);
    // The tracks belong together, so that the client keeps them in step.
    let _ = write!(sdp, "a=msid:rushes {name}\r\n");
    let mut sources = vec![track.ssrc];
    if taken.codecs.iter().any(|codec| codec.rtx.is_some()) {
        sources.push(track.rtx_ssrc);
        let _ = write!(sdp, "a=ssrc-group:FID {} {}\r\n", track.ssrc, track.rtx_ssrc);
    }
    for ssrc in sources {
        let _ = write!(sdp, "a=ssrc:{ssrc} cname:{cname}\r\na=ssrc:{ssrc} msid:rushes {name}\r\n");
    }
}
