//! The answer to a viewer's offer (RFC 8829, 5.3; RFC 8843).

use std::fmt::Write as _;

use crate::egress::TrackSetup;
use crate::rtp::{Codec, Kind};
use crate::webrtc::PeerSetup;
use crate::webrtc::answer::write_rejected;
use crate::webrtc::negotiate::{Plan, Taken};
use crate::webrtc::sdp::{Offer, OfferedCodec};

use super::ice::Credentials;

/// What an answer says besides what the offer said.
pub(super) struct Terms<'a> {
    pub(super) setup: &'a PeerSetup,
    pub(super) ice: &'a Credentials,
    /// Whether the server begins the DTLS handshake.
    pub(super) active: bool,
    pub(super) cname: &'a str,
    pub(super) tracks: &'a [&'a TrackSetup],
}

/// Writes the answer. Writing to a `String` cannot fail.
pub(super) fn write(offer: &Offer, plan: &Plan, terms: &Terms<'_>) -> String {
    let mut sdp = String::with_capacity(4_096);
    let mids: Vec<&str> = plan.taken.iter().map(|t| t.mid.as_str()).collect();
    let _ = write!(
        sdp,
        "v=0\r\no=rushes {} 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n\
         a=msid-semantic: WMS *\r\na=ice-lite\r\na=ice-options:trickle\r\n",
        rand::random::<u64>() >> 1,
        mids.join(" ")
    );
    for (index, section) in offer.sections.iter().enumerate() {
        let taken = plan.taken.iter().find(|taken| taken.index == index);
        let track = taken.and_then(|t| terms.tracks.iter().find(|track| track.kind == t.kind));
        match (taken, track) {
            (Some(taken), Some(track)) => write_section(&mut sdp, taken, track, terms),
            _ => write_rejected(&mut sdp, section),
        }
    }
    sdp
}

/// The answer to an ICE restart: new credentials, the same candidates.
pub(crate) fn fragment(setup: &PeerSetup, ice: &Credentials, first: Option<&Taken>) -> String {
    // What the answer said of ICE is said again (RFC 9725, 4.3.3).
    let mut text = format!(
        "a=ice-lite\r\na=ice-options:trickle\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
        ice.ufrag, ice.pwd
    );
    if let Some(taken) = first {
        let media = if taken.kind == Kind::Audio { "audio" } else { "video" };
        let _ = write!(text, "m={media} 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{}\r\n", taken.mid);
        setup.write_candidates(&mut text);
        text.push_str("a=end-of-candidates\r\n");
    }
    text
}

fn write_section(sdp: &mut String, taken: &Taken, track: &TrackSetup, terms: &Terms<'_>) {
    let name = match taken.kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    };
    let pts = taken.codecs.iter().flat_map(|c| std::iter::once(c.pt).chain(c.rtx));
    let pts: Vec<String> = pts.map(|pt| pt.to_string()).collect();
    let _ = write!(
        sdp,
        "m={name} 9 UDP/TLS/RTP/SAVPF {}\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\n",
        pts.join(" "),
        taken.mid
    );
    terms.setup.write_candidates(sdp);
    let _ = write!(
        sdp,
        "a=end-of-candidates\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:{}\r\n\
         a=setup:{}\r\na=sendonly\r\na=rtcp-mux\r\na=rtcp-mux-only\r\na=rtcp-rsize\r\n",
        terms.ice.ufrag,
        terms.ice.pwd,
        terms.setup.fingerprint,
        if terms.active { "active" } else { "passive" },
    );
    for (id, uri) in &taken.extensions {
        let _ = write!(sdp, "a=extmap:{id} {uri}\r\n");
    }
    for codec in &taken.codecs {
        write_codec(sdp, codec, track.send_time.is_some());
    }
    // The tracks belong together, so that the client keeps them in step.
    let _ = write!(sdp, "a=msid:rushes {name}\r\n");
    let mut sources = vec![track.ssrc];
    if taken.codecs.iter().any(|codec| codec.rtx.is_some()) {
        sources.push(track.rtx_ssrc);
        let _ = write!(sdp, "a=ssrc-group:FID {} {}\r\n", track.ssrc, track.rtx_ssrc);
    }
    for ssrc in sources {
        let _ = write!(
            sdp,
            "a=ssrc:{ssrc} cname:{}\r\na=ssrc:{ssrc} msid:rushes {name}\r\n",
            terms.cname
        );
    }
}

fn write_codec(sdp: &mut String, codec: &OfferedCodec, estimates: bool) {
    let pt = codec.pt;
    let clock = codec.codec.kind().clock();
    let channels = if codec.codec == Codec::Opus { "/2" } else { "" };
    let _ = write!(sdp, "a=rtpmap:{pt} {}/{clock}{channels}\r\n", codec.codec.name());
    let format = codec.format.to_string();
    if !format.is_empty() {
        let _ = write!(sdp, "a=fmtp:{pt} {format}\r\n");
    }
    let feedback = [
        (codec.nack, "nack"),
        (codec.pli, "nack pli"),
        (codec.fir, "ccm fir"),
        (codec.remb && estimates, "goog-remb"),
    ];
    for (_, name) in feedback.iter().filter(|(on, _)| *on) {
        let _ = write!(sdp, "a=rtcp-fb:{pt} {name}\r\n");
    }
    if let Some(rtx) = codec.rtx {
        let _ = write!(sdp, "a=rtpmap:{rtx} rtx/{clock}\r\na=fmtp:{rtx} apt={pt}\r\n");
    }
}
