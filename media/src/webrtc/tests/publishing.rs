//! Publishers with what real ones bring along.

use str0m::RtcConfig;
use str0m::change::SdpPendingOffer;
use str0m::config::DtlsCert;
use str0m::media::{Mid, Rid, Simulcast, SimulcastLayer};

use super::*;
use crate::stream::Packet;
use crate::webrtc::dtls_openssl;
use crate::webrtc::dtls_openssl::tests::certificate;
use crate::webrtc::peer::Peer;

/// A publishing client in virtual time, joined to its peer by a perfect network.
struct Camera {
    rtc: Rtc,
    address: std::net::SocketAddr,
    pending: Option<SdpPendingOffer>,
    connected: bool,
    video: Mid,
    /// The layers of which a key frame was asked for.
    asked: Vec<Option<Rid>>,
}

impl Camera {
    /// The client, and what it offers.
    fn new(now: Instant, config: RtcConfig, simulcast: Option<Simulcast>) -> (Self, String) {
        let address = "198.51.100.7:5000".parse().unwrap();
        let mut rtc = config.set_rtp_mode(true).build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut api = rtc.sdp_api();
        let video = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, simulcast);
        let (offer, pending) = api.apply().unwrap();
        let pending = Some(pending);
        let (connected, asked) = (false, Vec::new());
        let camera = Self { rtc, address, pending, connected, video, asked };
        (camera, offer.to_sdp_string())
    }

    fn answered(&mut self, sdp: &str) {
        let answer = SdpAnswer::from_sdp_string(sdp).unwrap();
        self.rtc.sdp_api().accept_answer(self.pending.take().unwrap(), answer).unwrap();
    }

    /// Carries all there is between the two; gives back the server-side events.
    fn exchange(&mut self, now: Instant, peer: &mut Peer) -> Result<Vec<Event>, str0m::RtcError> {
        let server = SERVER.parse().unwrap();
        let mut events = Vec::new();
        let (mut up, mut down) = (VecDeque::new(), VecDeque::new());
        peer.tick(now)?;
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        loop {
            loop {
                match peer.poll()? {
                    Output::Timeout(_) => break,
                    Output::Transmit(t) => down.push_back(t.contents),
                    Output::Event(event) => events.push(event),
                }
            }
            loop {
                match self.rtc.poll_output().unwrap() {
                    Output::Timeout(_) => break,
                    Output::Transmit(t) => up.push_back(t.contents),
                    Output::Event(Event::KeyframeRequest(request)) => self.asked.push(request.rid),
                    Output::Event(event) => self.connected |= matches!(event, Event::Connected),
                }
            }
            if let Some(data) = up.pop_front() {
                peer.datagram(now, Pair::udp(self.address, server), &data)?;
            } else if let Some(data) = down.pop_front() {
                let receive = Receive::new(Protocol::Udp, server, self.address, &data).unwrap();
                self.rtc.handle_input(Input::Receive(now, receive)).unwrap();
            } else {
                return Ok(events);
            }
        }
    }

    fn connect(&mut self, now: &mut Instant, peer: &mut Peer) -> Result<(), str0m::RtcError> {
        for _ in 0..500 {
            self.exchange(*now, peer)?;
            if self.connected {
                return Ok(());
            }
            *now += STEP;
        }
        panic!("no connection within five seconds");
    }
}

impl Camera {
    /// Sends one packet of a layer, and gives back what the server makes of all
    /// that then comes.
    fn send(
        &mut self,
        now: &mut Instant,
        publisher: &mut Publisher,
        rid: Option<&str>,
        (seq, payload): (u64, &[u8]),
    ) -> Vec<Packet> {
        *now += STEP;
        let pt = self.rtc.media(self.video).unwrap().remote_pts()[0];
        let rid = rid.map(Rid::from);
        let write = RtpWrite::new(pt, seq.into(), seq as u32 * 3000, *now, payload.to_vec());
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_tx_by_mid(self.video, rid).unwrap();
        stream.write_rtp(write.marker(true).nackable(true));
        let mut packets = Vec::new();
        for event in self.exchange(*now, &mut publisher.peer).unwrap() {
            if let Event::RtpPacket(packet) = event {
                let packet = publisher.packet(packet).map(|(packet, _)| packet);
                packets.extend(publisher.before());
                packets.extend(packet);
            }
        }
        packets
    }
}

/// A client that signs with an RSA key, as GStreamer does.
fn signing(certificate: DtlsCert) -> RtcConfig {
    let mut crypto = str0m::crypto::from_feature_flags();
    crypto.dtls_provider = &dtls_openssl::PROVIDER;
    Rtc::builder()
        .set_crypto_provider(Arc::new(crypto))
        .set_dtls_cert(certificate)
        .clear_codecs()
        .enable_h264(true)
}

#[test]
fn a_publisher_with_an_rsa_certificate_connects_in_either_role() {
    let setup = setup();
    for (offered, answered) in [("actpass", "passive"), ("passive", "active")] {
        let mut now = Instant::now();
        let (mut camera, offer) = Camera::new(now, signing(certificate(true, 2, 1)), None);
        let offer = offer.replace("a=setup:actpass", &format!("a=setup:{offered}"));
        let (mut publisher, sdp) = Publisher::answer(&setup, now, &offer).unwrap();
        assert!(sdp.contains(&format!("a=setup:{answered}\r\n")));
        camera.answered(&sdp);
        camera.connect(&mut now, &mut publisher.peer).unwrap();
    }
}

#[test]
fn another_certificate_than_the_offers_is_refused() {
    let setup = setup();
    let mut now = Instant::now();
    let (mut camera, offer) = Camera::new(now, signing(certificate(true, 2, 1)), None);
    let line = offer.lines().find(|l| l.starts_with("a=fingerprint:")).unwrap();
    let digit = if line.ends_with('0') { '1' } else { '0' };
    let offer = offer.replace(line, &format!("{}{digit}", &line[..line.len() - 1]));
    let (mut publisher, sdp) = Publisher::answer(&setup, now, &offer).unwrap();
    camera.answered(&sdp);
    let error = camera.connect(&mut now, &mut publisher.peer).unwrap_err();
    assert!(error.to_string().contains("fingerprint"), "{error}");
    assert!(!publisher.peer.is_alive());
}

fn h264() -> RtcConfig {
    Rtc::builder().clear_codecs().enable_h264(true)
}

/// A connected publisher with three layers.
fn layered(now: &mut Instant) -> (Camera, Publisher, String) {
    let mut simulcast = Simulcast::new();
    for rid in ["h", "m", "l"] {
        simulcast.add_send_layer(SimulcastLayer::new(rid));
    }
    let (mut camera, offer) = Camera::new(*now, h264(), Some(simulcast));
    let (mut publisher, sdp) = Publisher::answer(&setup(), *now, &offer).unwrap();
    camera.answered(&sdp);
    camera.connect(now, &mut publisher.peer).unwrap();
    (camera, publisher, sdp)
}

#[test]
fn simulcast_layers_are_answered_and_told_apart() {
    let mut now = Instant::now();
    let (mut camera, mut publisher, sdp) = layered(&mut now);
    let answer = Read::of(&sdp);
    answer.section(0, &["a=rid:h recv", "a=rid:m recv", "a=rid:l recv"]);
    assert!(answer.sections[0].contains("a=simulcast:recv "), "{sdp}");
    assert!(answer.sections[0].contains("rtp-hdrext:sdes:rtp-stream-id"), "{sdp}");
    assert!(answer.sections[0].contains("rtp-hdrext:sdes:repaired-rtp-stream-id"), "{sdp}");
    assert_eq!(publisher.rids(), ["l", "m", "h"], "the smallest first");
    for (seq, (rid, layer)) in [("h", 2), ("l", 0), ("m", 1), ("l", 0), ("h", 2)].iter().enumerate()
    {
        let mark = [0x65, 0x88, *layer];
        let sent = camera.send(&mut now, &mut publisher, Some(rid), (seq as u64 + 1, &mark));
        let [packet] = &sent[..] else { panic!("{} packets of {rid}", sent.len()) };
        assert_eq!((packet.layer, &packet.payload[..]), (*layer, &mark[..]), "{rid}");
    }
}

#[test]
fn each_layer_is_asked_for_its_own_key_frame() {
    let mut now = Instant::now();
    let (mut camera, mut publisher, _) = layered(&mut now);
    for rid in ["h", "m", "l"] {
        camera.send(&mut now, &mut publisher, Some(rid), (1, &[0x65, 0x88]));
    }
    for (layer, rid) in [(1, "m"), (0, "l"), (2, "h")] {
        publisher.request_keyframe(layer);
        now += STEP;
        camera.exchange(now, &mut publisher.peer).unwrap();
        assert_eq!(camera.asked.pop(), Some(Some(Rid::from(rid))), "layer {layer}");
        assert!(camera.asked.is_empty());
    }
    publisher.request_keyframe(3);
}

#[test]
fn layers_that_cannot_be_told_apart_make_one_picture() {
    let mut simulcast = Simulcast::new();
    simulcast.add_send_layer(SimulcastLayer::new("h"));
    simulcast.add_send_layer(SimulcastLayer::new("l"));
    let now = Instant::now();
    let (_, offer) = Camera::new(now, h264(), Some(simulcast));
    let extension = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
    assert!(offer.contains(extension));
    let offer = offer.replace(extension, "urn:example:other");
    let (publisher, sdp) = Publisher::answer(&setup(), now, &offer).unwrap();
    assert!(publisher.rids().is_empty());
    assert!(!sdp.contains("a=rid") && !sdp.contains("a=simulcast"), "{sdp}");
}

#[test]
fn the_offers_parameter_sets_come_before_the_first_key_frame() {
    const SETS: &str = "sprop-parameter-sets=Z0LAH9kAUAW7AWoCAgKAAAADAIAAAB5HjA==,aM48gA==";
    let mut now = Instant::now();
    let offered = |now: &mut Instant| {
        let (mut camera, offer) = Camera::new(*now, h264(), None);
        let with = format!(";{SETS}\r\n");
        let lines = offer.split_inclusive("\r\n").map(|line| {
            let h264 = line.starts_with("a=fmtp:") && line.contains("profile-level-id");
            if h264 { line.replace("\r\n", &with) } else { line.to_owned() }
        });
        let offer: String = lines.collect();
        let (mut publisher, sdp) = Publisher::answer(&setup(), *now, &offer).unwrap();
        camera.answered(&sdp);
        camera.connect(now, &mut publisher.peer).unwrap();
        (camera, publisher)
    };
    let seqs = |packets: &[Packet]| packets.iter().map(|p| p.seq).collect::<Vec<u64>>();

    let (mut camera, mut publisher) = offered(&mut now);
    let first = camera.send(&mut now, &mut publisher, None, (7, &[0x41, 0x9a]));
    assert_eq!(seqs(&first), [7]);
    let key = camera.send(&mut now, &mut publisher, None, (8, &[0x65, 0x88]));
    assert_eq!(seqs(&key), [8, 9]);
    assert!(key[0].inspection.parameters && !key[0].inspection.key && !key[0].marker);
    assert_eq!(key[0].timestamp, key[1].timestamp);
    assert_eq!(&key[1].payload[..], [0x65, 0x88]);
    let next = camera.send(&mut now, &mut publisher, None, (9, &[0x65, 0x88]));
    assert_eq!(seqs(&next), [10], "once is enough, and the numbers go on");

    let (mut camera, mut publisher) = offered(&mut now);
    let sets = camera.send(&mut now, &mut publisher, None, (7, &[0x67, 0x42, 0xc0, 0x1f]));
    let key = camera.send(&mut now, &mut publisher, None, (8, &[0x65, 0x88]));
    assert_eq!((seqs(&sets), seqs(&key)), (vec![7], vec![8]), "it sends its own");
}

#[test]
fn ice_is_restarted_under_the_flow() {
    let mut now = Instant::now();
    let (mut camera, offer) = Camera::new(now, h264(), None);
    let (mut publisher, sdp) = Publisher::answer(&setup(), now, &offer).unwrap();
    camera.answered(&sdp);
    camera.connect(&mut now, &mut publisher.peer).unwrap();
    let before = publisher.peer.local_ufrag().to_owned();

    // The client has new credentials and a new address; its media flow on meanwhile.
    let creds = str0m::IceCreds::new();
    let fragment = publisher.peer.restart(&creds.ufrag, &creds.pass).unwrap();
    assert_eq!(publisher.peer.remote_ufrag(), creds.ufrag);
    assert_ne!(publisher.peer.local_ufrag(), before);
    let value = |name: &str| {
        let line = fragment.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {fragment}")).to_owned()
    };
    assert_eq!(value("a=ice-ufrag:"), publisher.peer.local_ufrag());
    assert!(value("a=candidate:").contains("192.0.2.1 8189 typ host"));
    let flowing = camera.send(&mut now, &mut publisher, None, (5, &[0x65, 0x88]));
    assert_eq!(flowing.len(), 1, "the old path carries on");

    camera.address = "203.0.113.9:6000".parse().unwrap();
    let mut direct = camera.rtc.direct_api();
    direct.set_local_ice_credentials(creds);
    direct.set_remote_ice_credentials(str0m::IceCreds {
        ufrag: value("a=ice-ufrag:"),
        pass: value("a=ice-pwd:"),
    });
    camera.rtc.add_local_candidate(Candidate::host(camera.address, "udp").unwrap());
    let mut checked = false;
    for _ in 0..500 {
        now += STEP;
        for event in camera.exchange(now, &mut publisher.peer).unwrap() {
            let state = str0m::IceConnectionState::Completed;
            checked |= matches!(event, Event::IceConnectionStateChange(s) if s == state);
        }
    }
    assert!(checked, "the new path was proven");
    publisher.request_keyframe(0);
    camera.exchange(now, &mut publisher.peer).unwrap();
    let flowing = camera.send(&mut now, &mut publisher, None, (6, &[0x41, 0x9a]));
    assert_eq!(flowing.len(), 1);
    assert!(publisher.peer.is_alive());
}

#[test]
fn a_browsers_encoder_is_told_where_to_begin() {
    let offer =
        OBS.replace("a=rtcp-fb:96 nack\r\n", "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 transport-cc\r\n");
    assert!(published(&offer).sections[1].contains(";x-google-start-bitrate=2500\r\n"));
}
