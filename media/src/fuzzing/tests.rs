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
fn every_seed_is_survived() {
    type Target = (&'static str, fn(&[u8]));
    let targets: [Target; 6] = [
        ("stun", stun),
        ("offer", offer),
        ("fragment", fragment),
        ("wire", wire),
        ("viewer", viewer),
        ("inspect", inspect),
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
