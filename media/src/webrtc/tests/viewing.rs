//! Who a viewer has to be.

use super::*;
use crate::fuzzing::agreed::{MATERIAL, MATERIAL_LEN, PROVIDER};
use crate::fuzzing::session::{UFRAG, nomination, offer, request};
use crate::srtp::{Keys, Profile, Sealer};
use crate::webrtc::dtls_openssl::tests::certificate;

/// An offer of another certificate than the client's.
pub(super) fn forged(offer: &str) -> String {
    let line = offer.lines().find(|line| line.starts_with("a=fingerprint:")).unwrap();
    let digit = if line.ends_with('0') { '1' } else { '0' };
    offer.replace(line, &format!("{}{digit}", &line[..line.len() - 1]))
}

#[test]
fn a_viewer_has_the_certificate_of_its_offer_whoever_begins_the_handshake() {
    let setup = setup();
    let roles = [("actpass", "active"), ("active", "passive")];
    for ((offered, answered), rsa) in roles.iter().flat_map(|role| [(role, false), (role, true)]) {
        for honest in [true, false] {
            let mut now = Instant::now();
            let config = publishing::signing(certificate(rsa, 2, 1));
            let join = Client::join_as(config, now, 9, Direction::RecvOnly, |offer| {
                let offer = offer.replace("a=setup:actpass", &format!("a=setup:{offered}"));
                let offer = if honest { offer } else { forged(&offer) };
                let answer = Viewer::answer(&setup, now, &offer, &Source::default()).unwrap();
                assert!(answer.1.contains(&format!("a=setup:{answered}\r\n")));
                answer
            });
            let (mut client, viewer) = join;
            let mut viewing = Viewing::new(viewer);
            for _ in 0..100 {
                client.exchange(now, &mut viewing);
                now += STEP;
            }
            assert_eq!(viewing.egress.is_some(), honest, "{offered}, rsa {rsa}: keys");
            assert_eq!(viewing.viewer.is_alive(), honest, "{offered}");
        }
    }
}

/// A viewer that is connected, and what its client seals with.
fn connected(now: Instant) -> (Viewer, Sealer, u32) {
    let setup = PeerSetup::new(vec![SERVER.parse().unwrap()]).unwrap().with_dtls(&PROVIDER);
    let setup = Arc::new(setup);
    let offer = offer(&setup).replace("a=sendonly", "a=recvonly");
    let (mut viewer, _) = Viewer::answer(&setup, now, &offer, &Source::default()).unwrap();
    let local = viewer.link.ice.local().clone();
    let check = request(&setup, (&local.ufrag, &local.pwd), UFRAG, &nomination());
    let pair = Pair::udp("198.51.100.1:5000".parse().unwrap(), SERVER.parse().unwrap());
    assert!(viewer.stun(now, pair, &check).unwrap().moved);
    while viewer.poll().is_some() {}
    let keys = Keys::from_dtls(Profile::Aes128CmSha1_80, &MATERIAL[..MATERIAL_LEN]).unwrap();
    let ssrc = viewer.take_egress().unwrap().video.unwrap().ssrc;
    // The server began the handshake.
    (viewer, Sealer::new(&keys.server).unwrap(), ssrc)
}

#[test]
fn of_a_flood_of_requests_a_viewer_gets_what_an_honest_one_needs() {
    let now = Instant::now();
    let (mut viewer, mut sealer, ssrc) = connected(now);
    let wall = WallClock::new(now, std::time::SystemTime::now());
    let mut says = |now: Instant, data: &[u8], times: usize| {
        let (mut packets, mut keys) = (0, 0);
        for _ in 0..times {
            let mut sealed = data.to_vec();
            sealer.seal_rtcp(&mut sealed, 0).unwrap();
            assert!(viewer.datagram(now, &wall, &sealed));
            while let Some(output) = viewer.poll() {
                match output {
                    ViewerOutput::Missing { following, .. } => {
                        packets += 1 + following.count_ones()
                    }
                    ViewerOutput::KeyFrame => keys += 1,
                    other => panic!("{other:?}"),
                }
            }
        }
        (packets, keys)
    };
    let mut nacks = vec![0x81, 205, 1, 86, 0, 0, 0, 1];
    nacks.extend_from_slice(&ssrc.to_be_bytes());
    nacks.resize(12 + 4 * 340, 0xff);
    let (packets, _) = says(now, &nacks, 1_000);
    assert!((1_000..=5_000).contains(&packets), "{packets}");
    let (packets, _) = says(now + Duration::from_secs(1), &nacks, 1_000);
    assert!((1_000..=5_000).contains(&packets), "{packets}, a second later");

    let mut commands = vec![0x84, 206, 0, 102, 0, 0, 0, 1, 0, 0, 0, 0];
    for _ in 0..50 {
        commands.extend_from_slice(&ssrc.to_be_bytes());
        commands.extend_from_slice(&[1, 0, 0, 0]);
    }
    assert_eq!(says(now, &commands, 2), (0, 2), "one for each datagram");
}
