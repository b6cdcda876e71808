//! Who a viewer has to be.

use super::*;

/// An offer of another certificate than the client's.
pub(super) fn forged(offer: &str) -> String {
    let line = offer.lines().find(|line| line.starts_with("a=fingerprint:")).unwrap();
    let digit = if line.ends_with('0') { '1' } else { '0' };
    offer.replace(line, &format!("{}{digit}", &line[..line.len() - 1]))
}

#[test]
fn a_viewer_has_the_certificate_of_its_offer_whoever_begins_the_handshake() {
    let setup = setup();
    for (offered, answered) in [("actpass", "active"), ("active", "passive")] {
        for honest in [true, false] {
            let mut now = Instant::now();
            let (mut client, viewer) = Client::join(now, 9, Direction::RecvOnly, |offer| {
                let offer = offer.replace("a=setup:actpass", &format!("a=setup:{offered}"));
                let offer = if honest { offer } else { forged(&offer) };
                let answer = Viewer::answer(&setup, now, &offer, &Source::default()).unwrap();
                assert!(answer.1.contains(&format!("a=setup:{answered}\r\n")));
                answer
            });
            let mut viewing = Viewing::new(viewer);
            for _ in 0..100 {
                client.exchange(now, &mut viewing);
                now += STEP;
            }
            assert_eq!(viewing.egress.is_some(), honest, "{offered}: keys to send with");
            assert_eq!(viewing.viewer.is_alive(), honest, "{offered}");
        }
    }
}
