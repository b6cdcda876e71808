//! What the fuzz targets call: whatever comes from the network, given to the
//! code that meets it first.
//!
//! Each function takes any bytes. It must return, and quickly; nothing that it
//! finds is looked at beyond what the code itself asserts.

pub(crate) mod agreed;
mod coded;
mod fanout;
mod rtp_source;
pub(crate) mod session;
mod sources;
mod srt;
mod viewing;

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::rtcp;
use crate::rtp::{self, Codec};
use crate::srtp::{Keys, Opener, Profile};
use crate::webrtc::{self, Fragment, PeerSetup, Publisher};

pub use coded::rtp_coded;
use fanout::Fanout;
pub use rtp_source::{rtp, rtp_aac, rtp_h264, rtp_h265, rtp_sdp};
use session::Session;
pub use sources::{adts, latm, ts};
pub use srt::srt;
use viewing::Viewing;

const CODECS: [Codec; 6] =
    [Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::Opus, Codec::H265];
/// The address that the server of the targets is at.
const SERVER: &str = "192.0.2.1:8189";

fn setup() -> &'static Arc<PeerSetup> {
    static SETUP: OnceLock<Arc<PeerSetup>> = OnceLock::new();
    SETUP.get_or_init(|| {
        let server = SERVER.parse().expect("a constant address");
        let setup = PeerSetup::new(vec![server]).expect("a certificate can be made");
        Arc::new(setup.with_dtls(&agreed::PROVIDER))
    })
}

/// A datagram from nowhere: told from others, and what looks like STUN read. The
/// same as attributes of a request that its sender signed with the right password.
pub fn stun(data: &[u8]) {
    let setup = setup();
    let _ = (webrtc::is_stun(data), webrtc::local_ufrag(data));
    let mut session = Session::new(setup);
    session.datagram(data);
    let request = session.signed(data);
    session.datagram(&request);
    session.advance();
}

/// An SDP offer, in both roles; what is answered begins its handshake.
pub fn offer(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (setup, now) = (setup(), Instant::now());
    if let Ok((mut publisher, answer)) = Publisher::answer(setup, now, text) {
        assert!(answer.starts_with("v=0\r\n") && answer.ends_with("\r\n"));
        publisher.tick(now);
        let _ = publisher.poll();
        // A viewer of what this one publishes, with the same offer the other way round.
        let turned = text.replace("a=sendonly", "a=recvonly");
        let _ = webrtc::Viewer::answer(setup, now, &turned, publisher.source());
    }
    let _ = webrtc::Viewer::answer(setup, now, text, &webrtc::Source::default());
}

/// The body of a PATCH.
pub fn fragment(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Fragment::parse(text);
    }
}

/// RTP and RTCP on a connected publisher's session: raw, and sealed by a client
/// who has the keys, so that all of what is inside is read too.
pub fn wire(data: &[u8]) {
    let mut session = Session::new(setup());
    session.connect();
    session.script(data);
    session.advance();
    open(data);
}

/// STUN, DTLS and RTCP on a viewer's session, likewise raw and sealed.
pub fn viewer(data: &[u8]) {
    let mut viewing = Viewing::new(setup());
    viewing.connect();
    viewing.script(data);
    rtcp::parse(data, |_| {});
}

/// The receiving end of our own SRTP.
fn open(data: &[u8]) {
    for (profile, length) in
        [(Profile::AeadAes128Gcm, 56), (Profile::AeadAes256Gcm, 88), (Profile::Aes128CmSha1_80, 60)]
    {
        let keys =
            Keys::from_dtls(profile, &agreed::MATERIAL[..length]).expect("as long as it must be");
        let mut opener = Opener::new(&keys.client).expect("keys of the right length");
        let mut out = Vec::new();
        let _ = opener.open_rtp(data, 7, &mut out);
        let _ = opener.open_rtcp(data, &mut out);
    }
}

/// The payload of a packet, of every codec.
pub fn inspect(data: &[u8]) {
    for codec in CODECS {
        let _ = rtp::inspect(codec, data);
        let _ = rtp::colours(codec, data);
    }
}

/// Packets of a publisher, fanned out to viewers who come, go, and change their minds.
pub fn fanout(data: &[u8]) {
    Fanout::new().script(data);
}

#[cfg(test)]
mod tests;
