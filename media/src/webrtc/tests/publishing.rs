//! Publishers with what real ones bring along.

use str0m::bwe::{Bitrate, BweKind};
use str0m::change::SdpPendingOffer;
use str0m::config::DtlsCert;
use str0m::media::{Mid, Rid, Simulcast, SimulcastLayer};

use super::*;
use crate::stream::Packet;
use crate::webrtc::dtls_openssl;
use crate::webrtc::dtls_openssl::tests::certificate;

/// A publisher with what came of it.
pub(super) struct Publishing {
    pub(super) publisher: Publisher,
    pub(super) packets: Vec<Packet>,
    /// Said and not yet carried.
    said: VecDeque<Vec<u8>>,
    connected: bool,
    /// Its client chose another way.
    moved: bool,
    /// How often a layer was said to miss packets for good.
    lost: usize,
    /// Whether the last datagram proved to be the client's.
    proven: bool,
}

impl Publishing {
    fn new(publisher: Publisher) -> Self {
        let (packets, said) = (Vec::new(), VecDeque::new());
        Self { publisher, packets, said, connected: false, moved: false, lost: 0, proven: false }
    }

    pub(super) fn answer(setup: &Arc<PeerSetup>, now: Instant, offer: &str) -> (Self, String) {
        let (publisher, sdp) = Publisher::answer(setup, now, offer).unwrap();
        (Self::new(publisher), sdp)
    }
}

impl Server for Publishing {
    fn tick(&mut self, now: Instant) {
        self.publisher.tick(now);
    }

    fn datagram(&mut self, now: Instant, from: std::net::SocketAddr, data: &[u8]) {
        if is_stun(data) {
            let pair = Pair::udp(from, SERVER.parse().unwrap());
            if let Some(checked) = self.publisher.stun(now, pair, data) {
                self.moved |= checked.moved;
                self.said.push_back(checked.reply);
            }
            return;
        }
        let mut came = Vec::new();
        self.proven = self.publisher.datagrams(now, [data].into_iter(), &mut came);
        for media in came {
            self.packets.extend(media.before.map(|before| *before));
            self.packets.push(media.packet);
        }
    }

    fn poll(&mut self, down: &mut VecDeque<Vec<u8>>) {
        down.extend(self.said.drain(..));
        while let Some(output) = self.publisher.poll() {
            match output {
                PublisherOutput::Transmit(data) => down.push_back(data),
                PublisherOutput::Connected => self.connected = true,
                PublisherOutput::Lost(_) => self.lost += 1,
            }
        }
    }
}

/// A publishing client in virtual time, joined to its peer by a perfect network.
struct Camera {
    rtc: Rtc,
    address: std::net::SocketAddr,
    pending: Option<SdpPendingOffer>,
    connected: bool,
    video: Mid,
    /// The layers of which a key frame was asked for.
    asked: Vec<Option<Rid>>,
    /// What it believes that its network carries, by what it is told of its packets.
    estimate: Option<u64>,
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
        let (connected, asked, estimate) = (false, Vec::new(), None);
        let camera = Self { rtc, address, pending, connected, video, asked, estimate };
        (camera, offer.to_sdp_string())
    }

    fn answered(&mut self, sdp: &str) {
        let answer = SdpAnswer::from_sdp_string(sdp).unwrap();
        self.rtc.sdp_api().accept_answer(self.pending.take().unwrap(), answer).unwrap();
    }

    /// Carries all there is between the two.
    fn exchange(&mut self, now: Instant, publishing: &mut Publishing) {
        let server = SERVER.parse().unwrap();
        let (mut up, mut down) = (VecDeque::new(), VecDeque::new());
        publishing.tick(now);
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        loop {
            publishing.poll(&mut down);
            loop {
                match self.rtc.poll_output().unwrap() {
                    Output::Timeout(_) => break,
                    Output::Transmit(t) => up.push_back(t.contents),
                    Output::Event(Event::KeyframeRequest(request)) => self.asked.push(request.rid),
                    Output::Event(Event::EgressBitrateEstimate(BweKind::Twcc {
                        estimate, ..
                    })) => {
                        self.estimate = Some(estimate.as_u64());
                    }
                    Output::Event(event) => self.connected |= matches!(event, Event::Connected),
                }
            }
            if let Some(data) = up.pop_front() {
                publishing.datagram(now, self.address, &data);
            } else if let Some(data) = down.pop_front() {
                let receive = Receive::new(Protocol::Udp, server, self.address, &data).unwrap();
                self.rtc.handle_input(Input::Receive(now, receive)).unwrap();
            } else {
                return;
            }
        }
    }

    fn connect(&mut self, now: &mut Instant, publishing: &mut Publishing) {
        for _ in 0..500 {
            self.exchange(*now, publishing);
            if self.connected && publishing.connected {
                return;
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
        publishing: &mut Publishing,
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
        self.exchange(*now, publishing);
        std::mem::take(&mut publishing.packets)
    }
}

/// A client that signs with a key of its own: an RSA key, as GStreamer's.
pub(super) fn signing(certificate: DtlsCert) -> RtcConfig {
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
        let (mut publishing, sdp) = Publishing::answer(&setup, now, &offer);
        assert!(sdp.contains(&format!("a=setup:{answered}\r\n")));
        camera.answered(&sdp);
        camera.connect(&mut now, &mut publishing);
    }
}

#[test]
fn another_certificate_than_the_offers_is_refused() {
    let setup = setup();
    for offered in ["actpass", "passive"] {
        let mut now = Instant::now();
        let (mut camera, offer) = Camera::new(now, signing(certificate(true, 2, 1)), None);
        let offer = offer.replace("a=setup:actpass", &format!("a=setup:{offered}"));
        let (mut publishing, sdp) = Publishing::answer(&setup, now, &viewing::forged(&offer));
        camera.answered(&sdp);
        for _ in 0..100 {
            camera.exchange(now, &mut publishing);
            now += STEP;
        }
        assert!(camera.connected, "it is the server who refuses");
        assert!(!publishing.connected && !publishing.publisher.is_alive(), "{offered}");
    }
}

fn h264() -> RtcConfig {
    Rtc::builder().clear_codecs().enable_h264(true)
}

/// A connected publisher with three layers.
fn layered(now: &mut Instant) -> (Camera, Publishing, String) {
    let mut simulcast = Simulcast::new();
    for rid in ["h", "m", "l"] {
        simulcast.add_send_layer(SimulcastLayer::new(rid));
    }
    let (mut camera, offer) = Camera::new(*now, h264(), Some(simulcast));
    let (mut publishing, sdp) = Publishing::answer(&setup(), *now, &offer);
    camera.answered(&sdp);
    camera.connect(now, &mut publishing);
    (camera, publishing, sdp)
}

#[test]
fn simulcast_layers_are_answered_and_told_apart() {
    let mut now = Instant::now();
    let (mut camera, mut publishing, sdp) = layered(&mut now);
    let answer = Read::of(&sdp);
    answer.section(0, &["a=rid:h recv", "a=rid:m recv", "a=rid:l recv"]);
    assert!(answer.sections[0].contains("a=simulcast:recv "), "{sdp}");
    assert!(answer.sections[0].contains("rtp-hdrext:sdes:rtp-stream-id"), "{sdp}");
    assert!(answer.sections[0].contains("rtp-hdrext:sdes:repaired-rtp-stream-id"), "{sdp}");
    assert_eq!(publishing.publisher.rids(), ["l", "m", "h"], "the smallest first");
    for (seq, (rid, layer)) in [("h", 2), ("l", 0), ("m", 1), ("l", 0), ("h", 2)].iter().enumerate()
    {
        let mark = [0x65, 0x88, *layer];
        let sent = camera.send(&mut now, &mut publishing, Some(rid), (seq as u64 + 1, &mark));
        let [packet] = &sent[..] else { panic!("{} packets of {rid}", sent.len()) };
        assert_eq!((packet.layer, &packet.payload[..]), (*layer, &mark[..]), "{rid}");
    }
}

#[test]
fn each_layer_is_asked_for_its_own_key_frame() {
    let mut now = Instant::now();
    let (mut camera, mut publishing, _) = layered(&mut now);
    for rid in ["h", "m", "l"] {
        camera.send(&mut now, &mut publishing, Some(rid), (1, &[0x65, 0x88]));
    }
    for (layer, rid) in [(1, "m"), (0, "l"), (2, "h")] {
        publishing.publisher.request_keyframe(now, layer);
        camera.exchange(now, &mut publishing);
        assert_eq!(camera.asked.pop(), Some(Some(Rid::from(rid))), "layer {layer}");
        assert!(camera.asked.is_empty());
    }
    publishing.publisher.request_keyframe(now, 3);
    camera.exchange(now, &mut publishing);
    assert!(camera.asked.is_empty(), "there is no such layer");
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
        let (mut publishing, sdp) = Publishing::answer(&setup(), *now, &offer);
        camera.answered(&sdp);
        camera.connect(now, &mut publishing);
        (camera, publishing)
    };
    let seqs = |packets: &[Packet]| packets.iter().map(|p| p.seq).collect::<Vec<u64>>();

    let (mut camera, mut publishing) = offered(&mut now);
    let first = camera.send(&mut now, &mut publishing, None, (7, &[0x41, 0x9a]));
    assert_eq!(seqs(&first), [7]);
    let key = camera.send(&mut now, &mut publishing, None, (8, &[0x65, 0x88]));
    assert_eq!(seqs(&key), [8, 9]);
    assert!(key[0].inspection.parameters && !key[0].inspection.key && !key[0].marker);
    assert_eq!(key[0].timestamp, key[1].timestamp);
    assert_eq!(&key[1].payload[..], [0x65, 0x88]);
    let next = camera.send(&mut now, &mut publishing, None, (9, &[0x65, 0x88]));
    assert_eq!(seqs(&next), [10], "once is enough, and the numbers go on");

    let (mut camera, mut publishing) = offered(&mut now);
    let sets = camera.send(&mut now, &mut publishing, None, (7, &[0x67, 0x42, 0xc0, 0x1f]));
    let key = camera.send(&mut now, &mut publishing, None, (8, &[0x65, 0x88]));
    assert_eq!((seqs(&sets), seqs(&key)), (vec![7], vec![8]), "it sends its own");
}

#[test]
fn ice_is_restarted_under_the_flow() {
    let mut now = Instant::now();
    let (mut camera, offer) = Camera::new(now, h264(), None);
    let (mut publishing, sdp) = Publishing::answer(&setup(), now, &offer);
    camera.answered(&sdp);
    camera.connect(&mut now, &mut publishing);
    let local = |publishing: &Publishing| publishing.publisher.link.ice.local().ufrag.clone();
    let (before, first) = (local(&publishing), publishing.publisher.pair().unwrap());

    // The client has new credentials and a new address; its media flow on meanwhile.
    let creds = str0m::IceCreds::new();
    let fragment = publishing.publisher.restart(creds.ufrag.clone());
    assert_eq!(publishing.publisher.link.ice.remote_ufrag(), creds.ufrag);
    assert_ne!(local(&publishing), before);
    let value = |name: &str| {
        let line = fragment.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {fragment}")).to_owned()
    };
    assert_eq!(value("a=ice-ufrag:"), local(&publishing));
    assert!(value("a=candidate:").contains("192.0.2.1 8189 typ host"));
    let flowing = camera.send(&mut now, &mut publishing, None, (5, &[0x65, 0x88]));
    assert_eq!(flowing.len(), 1, "the old path carries on");
    assert_eq!(publishing.publisher.pair(), Some(first));

    camera.address = "203.0.113.9:6000".parse().unwrap();
    let mut direct = camera.rtc.direct_api();
    direct.set_local_ice_credentials(creds);
    direct.set_remote_ice_credentials(str0m::IceCreds {
        ufrag: value("a=ice-ufrag:"),
        pass: value("a=ice-pwd:"),
    });
    camera.rtc.add_local_candidate(Candidate::host(camera.address, "udp").unwrap());
    publishing.moved = false;
    for _ in 0..500 {
        now += STEP;
        camera.exchange(now, &mut publishing);
    }
    assert!(publishing.moved, "the new path was proven");
    assert_eq!(publishing.publisher.pair().unwrap().remote, camera.address);
    publishing.publisher.request_keyframe(now, 0);
    camera.exchange(now, &mut publishing);
    assert_eq!(camera.asked.len(), 1);
    let flowing = camera.send(&mut now, &mut publishing, None, (6, &[0x41, 0x9a]));
    assert_eq!(flowing.len(), 1);
    assert!(publishing.publisher.is_alive());
}

#[test]
fn a_browsers_encoder_is_told_where_to_begin() {
    let offer =
        OBS.replace("a=rtcp-fb:96 nack\r\n", "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 transport-cc\r\n");
    assert!(published(&offer).sections[1].contains(";x-google-start-bitrate=2500\r\n"));
}

#[test]
fn what_comes_from_its_address_is_not_yet_the_publishers() {
    let mut now = Instant::now();
    let (mut camera, offer) = Camera::new(now, h264(), None);
    let (mut publishing, sdp) = Publishing::answer(&setup(), now, &offer);
    camera.answered(&sdp);
    camera.connect(&mut now, &mut publishing);
    camera.send(&mut now, &mut publishing, None, (5, &[0x65, 0x88]));
    assert!(publishing.proven);
    let mut forged = vec![0x80, 96, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1];
    forged.resize(60, 0xaa);
    for (first, kind) in
        [(0x80, 96), (0x80, 200), (0x80, 201), (20, 254), (22, 254), (23, 254), (90, 0)]
    {
        (forged[0], forged[1]) = (first, kind);
        publishing.datagram(now, camera.address, &forged);
        assert!(!publishing.proven, "{first} {kind}");
    }
    assert!(publishing.packets.is_empty() && publishing.publisher.is_alive());
}

#[test]
fn a_gap_that_is_too_long_to_ask_for_is_said_to_be_lost() {
    let mut now = Instant::now();
    let (mut camera, offer) = Camera::new(now, h264(), None);
    let (mut publishing, sdp) = Publishing::answer(&setup(), now, &offer);
    camera.answered(&sdp);
    camera.connect(&mut now, &mut publishing);
    camera.send(&mut now, &mut publishing, None, (5, &[0x65, 0x88]));
    camera.send(&mut now, &mut publishing, None, (7, &[0x41, 0x9a]));
    assert_eq!(publishing.lost, 0);
    camera.send(&mut now, &mut publishing, None, (1_000, &[0x41, 0x9a]));
    assert_eq!(publishing.lost, 1);
}

#[test]
fn a_publisher_is_told_goodbye_and_its_own_is_heard() {
    let connected = |now: &mut Instant| {
        let (mut camera, offer) = Camera::new(*now, h264(), None);
        let (mut publishing, sdp) = Publishing::answer(&setup(), *now, &offer);
        camera.answered(&sdp);
        camera.connect(now, &mut publishing);
        (camera, publishing)
    };
    let mut now = Instant::now();
    let (mut camera, mut publishing) = connected(&mut now);
    publishing.publisher.close();
    camera.exchange(now, &mut publishing);
    assert!(!camera.rtc.is_alive() && !publishing.publisher.is_alive());

    let (mut camera, mut publishing) = connected(&mut now);
    camera.rtc.close().unwrap();
    for _ in 0..10 {
        camera.exchange(now, &mut publishing);
        now += STEP;
    }
    assert!(!publishing.publisher.is_alive());
}

#[test]
fn a_sender_that_estimates_its_network_is_told_enough_to_speed_up() {
    let first = Bitrate::kbps(300);
    let mut now = Instant::now();
    let (mut camera, offer) = Camera::new(now, h264().enable_bwe(Some(first)), None);
    let (mut publishing, sdp) = Publishing::answer(&setup(), now, &offer);
    assert!(sdp.contains(" transport-cc\r\n"));
    camera.answered(&sdp);
    camera.connect(&mut now, &mut publishing);
    camera.rtc.bwe().set_bitrate(Bitrate::mbps(1), Bitrate::mbps(2));
    let mut payload = [0x41; 1_000];
    payload[1] = 0x9a;
    for number in 1..500 {
        camera.send(&mut now, &mut publishing, None, (number, &payload));
    }
    let estimate = camera.estimate.expect("there is one");
    assert!(estimate > 2 * first.as_u64(), "{estimate} bits a second");
}
