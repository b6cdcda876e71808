//! A viewer's session in virtual time, and a client that has its keys.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::rtcp::WallClock;
use crate::srtp::{Keys, Profile, Sealer};
use crate::webrtc::{Pair, PeerSetup, Source, Viewer};

use super::agreed::{MATERIAL, MATERIAL_LEN};
use super::session::{CLIENT, UFRAG, offer, request};

/// Numbers that stand for the session's own sources in a script.
const VIDEO: u32 = 2;
const AUDIO: u32 = 3;

pub(super) struct Viewing {
    setup: &'static Arc<PeerSetup>,
    viewer: Viewer,
    now: Instant,
    wall: WallClock,
    pair: Pair,
    sealer: Sealer,
    /// The session's sources: of the picture and of the sound.
    sources: [u32; 2],
}

impl Viewing {
    pub(super) fn new(setup: &'static Arc<PeerSetup>) -> Self {
        let now = Instant::now();
        let offer = offer(setup).replace("a=sendonly", "a=recvonly");
        let (viewer, answer) = Viewer::answer(setup, now, &offer, &Source::default())
            .expect("the offer is a good one");
        let keys = Keys::from_dtls(Profile::Aes128CmSha1_80, &MATERIAL[..MATERIAL_LEN]);
        let keys = keys.expect("as long as it must be");
        let source = |section: &str| {
            let line = section.lines().find_map(|line| line.strip_prefix("a=ssrc:"));
            line.and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or_default()
        };
        let sources = answer.split_once("\r\nm=audio").unwrap_or((&answer, ""));
        Self {
            setup,
            viewer,
            now,
            wall: WallClock::new(now, SystemTime::UNIX_EPOCH),
            pair: Pair::udp(
                CLIENT.parse().expect("a constant address"),
                super::SERVER.parse().expect("a constant address"),
            ),
            // The server begins the handshake, so that the client is its server.
            sealer: Sealer::new(&keys.server).expect("keys of the right length"),
            sources: [source(sources.0), source(sources.1)],
        }
    }

    pub(super) fn connect(&mut self) {
        self.check(&super::session::nomination());
    }

    /// A signed check with these attributes.
    fn check(&mut self, attributes: &[u8]) {
        let local = self.viewer.link.ice.local();
        let request = request(self.setup, (&local.ufrag, &local.pwd), UFRAG, attributes);
        let _ = self.viewer.stun(self.now, self.pair, &request);
        self.poll();
    }

    /// Datagrams one after the other: two bytes of length and one of what it is
    /// before each.
    pub(super) fn script(&mut self, mut data: &[u8]) {
        while let [high, low, kind, rest @ ..] = data {
            let length = usize::from(u16::from_be_bytes([*high & 7, *low])).min(rest.len());
            let (packet, tail) = rest.split_at(length);
            data = tail;
            match kind % 4 {
                0 => {
                    let _ = self.viewer.stun(self.now, self.pair, packet);
                    self.viewer.datagram(self.now, &self.wall, packet);
                }
                1 => self.check(packet),
                2 => {
                    let _ = self.viewer.restart(UFRAG.to_owned());
                }
                _ => self.rtcp(packet),
            }
            self.now += Duration::from_millis(u64::from(*high >> 3));
            self.viewer.tick(self.now);
            self.poll();
        }
    }

    fn rtcp(&mut self, packet: &[u8]) {
        let mut packet = packet.to_vec();
        for word in packet.chunks_exact_mut(4).skip(1) {
            let own = match u32::from_be_bytes([word[0], word[1], word[2], word[3]]) {
                VIDEO => self.sources[0],
                AUDIO => self.sources[1],
                _ => continue,
            };
            word.copy_from_slice(&own.to_be_bytes());
        }
        if packet.len() >= 8 && self.sealer.seal_rtcp(&mut packet, 0).is_ok() {
            self.viewer.datagram(self.now, &self.wall, &packet);
        }
    }

    fn poll(&mut self) {
        while self.viewer.poll().is_some() {}
    }

    /// Whether the session hears a request for a key frame.
    #[cfg(test)]
    pub(super) fn hears(&mut self) -> bool {
        let before = self.viewer.reception.plis;
        self.rtcp(&[0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, VIDEO as u8]);
        self.viewer.reception.plis > before
    }
}
