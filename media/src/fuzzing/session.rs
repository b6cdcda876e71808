//! A publisher's session in virtual time, and a client that has its keys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::srtp::{Keys, Profile, Sealer};
use crate::webrtc::{Pair, PeerSetup, Publisher};

use super::agreed::{CERTIFICATE, MATERIAL, MATERIAL_LEN};

pub(super) const CLIENT: &str = "198.51.100.7:5000";
pub(crate) const UFRAG: &str = "client";
/// A record that begins a handshake in which there is nothing to agree on.
pub(crate) const HELLO: &[u8] = b"\x16 hello";
/// Outputs of one input; more would be a session that never comes to rest.
const OUTPUTS: usize = 10_000;
/// Payload types of the offer; every other one is the former's retransmission.
const TYPES: [u8; 9] = [96, 97, 98, 99, 100, 101, 102, 103, 111];
const HEADER: usize = 12;

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
    a=ice-ufrag:client\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=setup:actpass\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 102 103\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
    a=sendonly\r\na=rtcp-mux\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
    a=extmap:2 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
    a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\n\
    a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\n\
    a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
    a=rtpmap:98 VP8/90000\r\na=rtcp-fb:98 nack\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n\
    a=rtpmap:100 VP9/90000\r\na=rtcp-fb:100 nack\r\na=rtpmap:101 rtx/90000\r\na=fmtp:101 apt=100\r\n\
    a=rtpmap:102 AV1/90000\r\na=rtcp-fb:102 nack\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n\
    a=ssrc:1 cname:x\r\na=ssrc:2 cname:x\r\na=ssrc-group:FID 1 2\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendonly\r\na=rtcp-mux\r\n\
    a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=rtpmap:111 opus/48000/2\r\na=ssrc:3 cname:x\r\n";

pub(super) struct Session {
    setup: &'static Arc<PeerSetup>,
    publisher: Publisher,
    now: Instant,
    pair: Pair,
    sealer: Sealer,
}

impl Session {
    pub(super) fn new(setup: &'static Arc<PeerSetup>) -> Self {
        let now = Instant::now();
        let (publisher, _) =
            Publisher::answer(setup, now, &offer(setup)).expect("the offer is a good one");
        let keys = Keys::from_dtls(Profile::Aes128CmSha1_80, &MATERIAL[..MATERIAL_LEN]);
        let keys = keys.expect("as long as it must be");
        Self {
            setup,
            publisher,
            now,
            pair: Pair::udp(
                CLIENT.parse().expect("a constant address"),
                super::SERVER.parse().expect("a constant address"),
            ),
            sealer: Sealer::new(&keys.client).expect("keys of the right length"),
        }
    }

    /// A binding request with these attributes that proves to be the client's.
    pub(super) fn signed(&self, attributes: &[u8]) -> Vec<u8> {
        let local = self.publisher.link.ice.local();
        request(self.setup, (&local.ufrag, &local.pwd), UFRAG, attributes)
    }

    /// ICE and DTLS are done.
    pub(super) fn connect(&mut self) {
        let request = self.signed(&nomination());
        self.datagram(&request);
        // The client begins the handshake.
        self.datagram(HELLO);
        self.advance();
    }

    /// A datagram of the client, as the driver takes it.
    pub(super) fn datagram(&mut self, data: &[u8]) {
        let Self { publisher, now, pair, .. } = self;
        if crate::webrtc::is_stun(data) {
            let _ = publisher.stun(*now, *pair, data);
        } else {
            let _ = publisher.datagrams(*now, [data].into_iter(), &mut Vec::new());
        }
        self.poll();
    }

    /// Packets one after the other: two bytes of length and one of what it is
    /// before each.
    pub(super) fn script(&mut self, mut data: &[u8]) {
        while let [high, low, kind, rest @ ..] = data {
            let length = usize::from(u16::from_be_bytes([*high & 7, *low])).min(rest.len());
            let (packet, tail) = rest.split_at(length);
            data = tail;
            match kind % 4 {
                0 => self.datagram(packet),
                1 => self.rtcp(packet),
                2 => self.rtp(packet.to_vec()),
                _ => self.plausible(*kind, packet),
            }
            self.now += Duration::from_millis(u64::from(*high >> 3));
        }
    }

    /// A packet of a track that was agreed on, with what follows the header as given.
    fn plausible(&mut self, kind: u8, data: &[u8]) {
        let Some((head, payload)) = data.split_first_chunk::<4>() else { return };
        let index = usize::from(kind >> 2) % TYPES.len();
        let ssrc = if index == TYPES.len() - 1 { 3 } else { 1 + index as u32 % 2 };
        let mut packet = vec![0x80, TYPES[index] | (head[0] & 0x80), head[1], head[2]];
        packet.extend_from_slice(&(u32::from(head[3]) * 3_000).to_be_bytes());
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        self.rtp(packet);
    }

    fn rtp(&mut self, mut packet: Vec<u8>) {
        let Some(header) = header_len(&packet) else { return };
        let word = |at: usize| {
            u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
        };
        let (seq, ssrc) = (u64::from(word(0) & 0xffff), word(8));
        if self.sealer.seal_rtp(&mut packet, 0, header, ssrc, seq).is_ok() {
            self.datagram(&packet);
        }
    }

    fn rtcp(&mut self, packet: &[u8]) {
        let mut packet = packet.to_vec();
        if packet.len() >= 8 && self.sealer.seal_rtcp(&mut packet, 0).is_ok() {
            self.datagram(&packet);
        }
    }

    /// Lets a second pass: reports and requests become due.
    pub(super) fn advance(&mut self) {
        self.publisher.request_keyframe(self.now, 0);
        for _ in 0..10 {
            self.now += Duration::from_millis(100);
            self.publisher.tick(self.now);
            self.poll();
        }
    }

    fn poll(&mut self) {
        for _ in 0..OUTPUTS {
            if self.publisher.poll().is_none() {
                return;
            }
        }
        panic!("the session never comes to rest");
    }

    /// Whether packets of the session's client arrive.
    #[cfg(test)]
    pub(super) fn carries(&mut self, payload: &[u8]) -> bool {
        let before = *self.publisher.confirmed();
        let mut data = vec![0x80, 0, 1, 1];
        data.extend_from_slice(payload);
        self.plausible(3, &data);
        before != *self.publisher.confirmed()
    }
}

/// The offer of the sessions' client.
pub(crate) fn offer(setup: &PeerSetup) -> String {
    let hash = setup.sha256(CERTIFICATE).map(|byte| format!("{byte:02X}"));
    OFFER.replacen("a=setup", &format!("a=fingerprint:sha-256 {}\r\na=setup", hash.join(":")), 1)
}

/// The attributes of a check that chooses its path: PRIORITY, ICE-CONTROLLING,
/// USE-CANDIDATE.
pub(crate) fn nomination() -> Vec<u8> {
    let mut attributes = vec![0, 0x24, 0, 4, 0x6e, 0xff, 0xff, 0xff, 0x80, 0x2a, 0, 8];
    attributes.extend_from_slice(&[9; 8]);
    attributes.extend_from_slice(&[0, 0x25, 0, 0]);
    attributes
}

/// A binding request (RFC 8489) from `from`, signed with the receiver's password.
pub(crate) fn request(
    setup: &PeerSetup,
    (ufrag, password): (&str, &str),
    from: &str,
    attributes: &[u8],
) -> Vec<u8> {
    let user = format!("{ufrag}:{from}");
    let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    request.extend_from_slice(&[7; 12]);
    request.extend_from_slice(&[0, 6]);
    request.extend_from_slice(&(user.len() as u16).to_be_bytes());
    request.extend_from_slice(user.as_bytes());
    request.resize(request.len().next_multiple_of(4), 0);
    request.extend_from_slice(&attributes[..attributes.len().min(1_000)]);
    request.resize(request.len().next_multiple_of(4), 0);
    let length = (request.len() - 20 + 24) as u16;
    request[2..4].copy_from_slice(&length.to_be_bytes());
    let tag = setup.sha1_hmac(password.as_bytes(), &request);
    request.extend_from_slice(&[0, 8, 0, 20]);
    request.extend_from_slice(&tag);
    request
}

/// The length of an RTP header with its contributors and its extension.
fn header_len(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let mut length = HEADER + 4 * usize::from(first & 15);
    if first & 0x10 != 0 {
        let words = packet.get(length + 2..length + 4)?;
        length += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (packet.len() >= length).then_some(length)
}
