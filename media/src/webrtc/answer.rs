//! What the answers to publishers and to viewers have in common (RFC 8829, 5.3; RFC 8843).

use std::fmt::Write as _;

use crate::rtp::{Codec, Kind};

use super::ice::Credentials;
use super::negotiate::{Plan, Taken};
use super::peer::PeerSetup;
use super::sdp::{OfferedCodec, Section};

/// What an answer says of the way to the server. Writing to a `String` cannot fail.
pub(super) struct Terms<'a> {
    pub(super) setup: &'a PeerSetup,
    pub(super) ice: &'a Credentials,
    /// Whether the server begins the DTLS handshake.
    pub(super) active: bool,
}

/// What is said of a codec beyond what both ends always say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extras {
    /// Feedback on the whole transport is given.
    pub(super) transport_cc: bool,
    /// Estimates of the bandwidth are taken.
    pub(super) remb: bool,
    /// Where a browser's encoder is to begin, in kbit/s.
    pub(super) start: Option<u32>,
}

pub(super) fn write_head(sdp: &mut String, plan: &Plan) {
    let mids: Vec<&str> = plan.taken.iter().map(|t| t.mid.as_str()).collect();
    let _ = write!(
        sdp,
        "v=0\r\no=rushes {} 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n\
         a=msid-semantic: WMS *\r\na=ice-lite\r\na=ice-options:trickle\r\n",
        rand::random::<u64>() >> 1,
        mids.join(" ")
    );
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

/// The beginning of a section that is taken: its media, its transport and its direction.
pub(super) fn write_transport(sdp: &mut String, taken: &Taken, terms: &Terms<'_>, way: &str) {
    let pts = taken.codecs.iter().flat_map(|c| std::iter::once(c.pt).chain(c.rtx));
    let pts: Vec<String> = pts.map(|pt| pt.to_string()).collect();
    let _ = write!(
        sdp,
        "m={} 9 UDP/TLS/RTP/SAVPF {}\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\n",
        media(taken.kind),
        pts.join(" "),
        taken.mid
    );
    terms.setup.write_candidates(sdp);
    // All of them are here: nothing will trickle from this side. And RFC 9725, 4.4.1: every
    // section says that there is no other way than the multiplexed one.
    let _ = write!(
        sdp,
        "a=end-of-candidates\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:{}\r\n\
         a=setup:{}\r\na={way}\r\na=rtcp-mux\r\na=rtcp-mux-only\r\n",
        terms.ice.ufrag,
        terms.ice.pwd,
        terms.setup.fingerprint,
        if terms.active { "active" } else { "passive" },
    );
}

pub(super) fn write_extensions(sdp: &mut String, taken: &Taken) {
    for (id, uri) in &taken.extensions {
        let _ = write!(sdp, "a=extmap:{id} {uri}\r\n");
    }
}

pub(super) fn write_codec(sdp: &mut String, codec: &OfferedCodec, extras: Extras) {
    let pt = codec.pt;
    let clock = codec.codec.kind().clock();
    let channels = match codec.codec {
        Codec::Opus => "/2",
        Codec::MultiOpus => "/6",
        _ => "",
    };
    let _ = write!(sdp, "a=rtpmap:{pt} {}/{clock}{channels}\r\n", codec.codec.name());
    let format = codec.order.map_or_else(|| codec.format.to_string(), |order| order.format());
    if !format.is_empty() {
        let _ = write!(sdp, "a=fmtp:{pt} {format}");
        if let Some(kilobits) = extras.start {
            let _ = write!(sdp, ";x-google-start-bitrate={kilobits}");
        }
        sdp.push_str("\r\n");
    }
    let feedback = [
        (codec.nack, "nack"),
        (codec.pli, "nack pli"),
        (codec.fir, "ccm fir"),
        (codec.remb && extras.remb, "goog-remb"),
        (codec.transport_cc && extras.transport_cc, "transport-cc"),
    ];
    for (_, name) in feedback.iter().filter(|(on, _)| *on) {
        let _ = write!(sdp, "a=rtcp-fb:{pt} {name}\r\n");
    }
    if let Some(rtx) = codec.rtx {
        let _ = write!(sdp, "a=rtpmap:{rtx} rtx/{clock}\r\na=fmtp:{rtx} apt={pt}\r\n");
    }
}

/// The answer to an ICE restart: new credentials, the same candidates.
pub(super) fn fragment(setup: &PeerSetup, ice: &Credentials, first: Option<&Taken>) -> String {
    // What the answer said of ICE is said again (RFC 9725, 4.3.3).
    let mut text = format!(
        "a=ice-lite\r\na=ice-options:trickle\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
        ice.ufrag, ice.pwd
    );
    if let Some(taken) = first {
        let media = media(taken.kind);
        let _ = write!(text, "m={media} 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{}\r\n", taken.mid);
        setup.write_candidates(&mut text);
        text.push_str("a=end-of-candidates\r\n");
    }
    text
}

/// The media name of a section.
pub(super) fn media(kind: Kind) -> &'static str {
    match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    }
}
