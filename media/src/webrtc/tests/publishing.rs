//! Publishers with what real ones bring along.

use str0m::RtcConfig;
use str0m::change::SdpPendingOffer;
use str0m::config::DtlsCert;
use str0m::media::Simulcast;

use super::*;
use crate::webrtc::dtls_openssl;
use crate::webrtc::dtls_openssl::tests::certificate;
use crate::webrtc::peer::Peer;

/// A publishing client in virtual time, joined to its peer by a perfect network.
struct Camera {
    rtc: Rtc,
    address: std::net::SocketAddr,
    pending: Option<SdpPendingOffer>,
    connected: bool,
}

impl Camera {
    /// The client, and what it offers.
    fn new(now: Instant, config: RtcConfig, simulcast: Option<Simulcast>) -> (Self, String) {
        let address = "198.51.100.7:5000".parse().unwrap();
        let mut rtc = config.set_rtp_mode(true).build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut api = rtc.sdp_api();
        api.add_media(MediaKind::Video, Direction::SendOnly, None, None, simulcast);
        let (offer, pending) = api.apply().unwrap();
        let camera = Self { rtc, address, pending: Some(pending), connected: false };
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
                    Output::Event(event) => self.connected |= matches!(event, Event::Connected),
                }
            }
            if let Some(data) = up.pop_front() {
                peer.datagram(now, self.address, server, &data)?;
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
