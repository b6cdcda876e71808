//! The committed seeds are met by every target, and the session that they are
//! meant for is a living one.

use std::path::Path;

use super::*;

#[test]
fn the_session_of_the_targets_is_connected() {
    let mut session = Session::new(setup());
    assert!(!session.carries(&[0x65, 0x88]), "nothing counts before ICE and DTLS");
    session.connect();
    assert!(session.carries(&[0x65, 0x88]), "then a sealed packet does");
}

#[test]
fn the_viewer_of_the_targets_is_connected() {
    let mut viewing = Viewing::new(setup());
    assert!(!viewing.hears(), "nothing counts before ICE and DTLS");
    viewing.connect();
    assert!(viewing.hears(), "then sealed RTCP does");
}

#[test]
fn the_stream_of_the_targets_is_watched() {
    let mut fanout = Fanout::new();
    // A publisher of two layers, a viewer, a key frame of the lower one, and the viewer is ready.
    fanout.script(&[12, 2, 8, 0, 0, 0x03, 2, 0x65, 0x88, 15, 1]);
    assert_eq!(fanout.sent, 1);
    // The upper one, captured with what was sent last: from what is kept of it, once nothing newer
    // comes.
    fanout.script(&[0, 0x43, 2, 0x65, 0x99, 10, 0x84, 15, 250]);
    assert_eq!(fanout.sent, 2);
}

#[test]
fn every_seed_is_survived() {
    type Target = (&'static str, fn(&[u8]));
    let targets: [Target; 17] = [
        ("stun", stun),
        ("offer", offer),
        ("fragment", fragment),
        ("wire", wire),
        ("viewer", viewer),
        ("inspect", inspect),
        ("fanout", fanout),
        ("srt", srt),
        ("ts", ts),
        ("adts", adts),
        ("latm", latm),
        ("rtp", rtp),
        ("rtp_h264", rtp_h264),
        ("rtp_h265", rtp_h265),
        ("rtp_aac", rtp_aac),
        ("rtp_sdp", rtp_sdp),
        ("rtp_coded", rtp_coded),
    ];
    for (name, target) in targets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
        let mut seeds = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            target(&std::fs::read(entry.unwrap().path()).unwrap());
            seeds += 1;
        }
        assert!(seeds > 0, "no seed in {}", folder.display());
    }
}
