//! A client of the media plane: str0m over a real socket, publishing or viewing.

mod tcp;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;

pub(crate) use tcp::Tcp;

/// A test that waits longer than this for something has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Says of a datagram whether the network loses it.
type Loss = Box<dyn FnMut(&[u8]) -> bool + Send>;

pub(crate) struct Client {
    pub(crate) rtc: Rtc,
    pub(crate) video: Mid,
    pub(crate) socket: UdpSocket,
    /// What is used instead of it.
    pub(crate) tcp: Option<Tcp>,
    local: SocketAddr,
    pending: Option<SdpPendingOffer>,
    pub(crate) offer: String,
    events: VecDeque<Event>,
    /// Says of an incoming datagram whether the network loses it.
    pub(crate) lose: Loss,
    /// Likewise of an outgoing one.
    pub(crate) lose_sent: Loss,
    /// The encoder's state.
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) frame: u64,
}

pub(crate) fn h264_only() -> RtcConfig {
    Rtc::builder().clear_codecs().enable_h264(true).enable_opus(true, false)
}

pub(crate) fn vp8_only() -> RtcConfig {
    Rtc::builder().clear_codecs().enable_vp8(true).enable_opus(true, false)
}

/// H.264 without RTX, as OBS offers it.
pub(crate) fn h264_without_rtx() -> RtcConfig {
    let mut config = Rtc::builder().clear_codecs();
    config.codec_config().add_h264(96.into(), None, true, 0x42e01f);
    config.enable_opus(true, false)
}

/// The value of an attribute in an SDP or a fragment of one.
pub(crate) fn attribute<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim()
}

impl Client {
    pub(crate) async fn new(config: RtcConfig, direction: Direction) -> Self {
        Self::at(UdpSocket::bind("127.0.0.1:0").await.unwrap(), config, direction)
    }

    /// A client with this socket, which another may have had.
    pub(crate) fn at(socket: UdpSocket, config: RtcConfig, direction: Direction) -> Self {
        let candidate = Candidate::host(socket.local_addr().unwrap(), "udp").unwrap();
        Self::with(config, direction, socket, candidate, None)
    }

    fn with(
        config: RtcConfig,
        direction: Direction,
        socket: UdpSocket,
        candidate: Candidate,
        tcp: Option<Tcp>,
    ) -> Self {
        let local = candidate.addr();
        let mut rtc = config.set_rtp_mode(true).build(Instant::now());
        rtc.add_local_candidate(candidate);
        let mut api = rtc.sdp_api();
        api.add_media(MediaKind::Audio, direction, None, None, None);
        let video = api.add_media(MediaKind::Video, direction, None, None, None);
        let (offer, pending) = api.apply().unwrap();
        Self {
            rtc,
            video,
            socket,
            tcp,
            local,
            pending: Some(pending),
            offer: offer.to_sdp_string(),
            events: VecDeque::new(),
            lose: Box::new(|_| false),
            lose_sent: Box::new(|_| false),
            seq: 30,
            timestamp: 1_000,
            frame: 0,
        }
    }

    pub(crate) fn answered(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        let pending = self.pending.take().unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
    }

    /// Goes on from another address, with new credentials of its own and those of
    /// the server's answer to them.
    pub(crate) async fn moved(&mut self, creds: IceCreds, answer: &str) {
        self.socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        self.local = self.socket.local_addr().unwrap();
        let mut api = self.rtc.direct_api();
        api.set_local_ice_credentials(creds);
        api.set_remote_ice_credentials(IceCreds {
            ufrag: attribute(answer, "a=ice-ufrag:").to_owned(),
            pass: attribute(answer, "a=ice-pwd:").to_owned(),
        });
        self.rtc.add_local_candidate(Candidate::host(self.local, "udp").unwrap());
    }

    async fn drain(&mut self) -> Instant {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => return at,
                Output::Transmit(t) if (self.lose_sent)(&t.contents) => {}
                Output::Transmit(t) => match &mut self.tcp {
                    Some(tcp) => tcp.send(&t.contents).await,
                    None => {
                        self.socket.send_to(&t.contents, t.destination).await.unwrap();
                    }
                },
                Output::Event(event) => self.events.push_back(event),
            }
        }
    }

    /// One turn of the loop: until a datagram came or a timer ran out.
    pub(crate) async fn turn(&mut self) {
        let deadline = self.drain().await;
        let mut buffer = vec![0; 2000];
        let wait = deadline.saturating_duration_since(Instant::now());
        let received = match &mut self.tcp {
            Some(tcp) => tokio::time::timeout(wait, tcp.receive(&mut buffer)).await.map(Ok),
            None => tokio::time::timeout(wait, self.socket.recv_from(&mut buffer)).await,
        };
        let now = Instant::now();
        match received {
            Ok(Ok((length, from))) => self.take(now, from, &buffer[..length]),
            _ => self.rtc.handle_input(Input::Timeout(now)).unwrap(),
        }
        self.drain().await;
    }

    fn take(&mut self, now: Instant, from: SocketAddr, data: &[u8]) {
        let protocol = if self.tcp.is_some() { Protocol::Tcp } else { Protocol::Udp };
        if !(self.lose)(data)
            && let Ok(receive) = Receive::new(protocol, from, self.local, data)
        {
            self.rtc.handle_input(Input::Receive(now, receive)).unwrap();
        }
    }

    /// Runs until the function finds what it looks for among the events.
    pub(crate) async fn until<T>(&mut self, mut find: impl FnMut(Event) -> Option<T>) -> T {
        tokio::time::timeout(PATIENCE, async {
            loop {
                while let Some(event) = self.events.pop_front() {
                    if let Some(found) = find(event) {
                        return found;
                    }
                }
                self.turn().await;
            }
        })
        .await
        .expect("what was waited for did not happen")
    }

    pub(crate) async fn connected(&mut self) {
        self.until(|event| matches!(event, Event::Connected).then_some(())).await;
    }

    pub(crate) async fn packet(&mut self) -> RtpPacket {
        self.until(|event| match event {
            Event::RtpPacket(packet) => Some(packet),
            _ => None,
        })
        .await
    }

    pub(crate) async fn closed(&mut self) {
        self.until(|event| matches!(event, Event::Closed).then_some(())).await;
    }

    /// Sends one frame of four packets; every tenth is a key frame with its
    /// parameter sets.
    pub(crate) async fn send_frame(&mut self) {
        let key = self.frame.is_multiple_of(10);
        let number = self.frame as u8;
        self.frame += 1;
        self.timestamp = self.timestamp.wrapping_add(3600);
        let unit = if key { 0x65 } else { 0x41 };
        let mut payloads: Vec<Vec<u8>> = Vec::new();
        if key {
            payloads.push(SPS_720P.to_vec());
            payloads.push(vec![0x68, 0xce, 0x3c, 0x80]);
        }
        for part in 0..4 {
            let mut payload = vec![unit, number, part];
            payload.resize(900, 0xaa);
            payloads.push(payload);
        }
        let last = payloads.len() - 1;
        for (index, payload) in payloads.into_iter().enumerate() {
            self.send(payload, index == last).await;
        }
    }

    pub(crate) async fn send(&mut self, payload: Vec<u8>, marker: bool) {
        let mid = self.video;
        let pt = self.rtc.media(mid).unwrap().remote_pts()[0];
        self.seq += 1;
        let write = RtpWrite::new(pt, self.seq.into(), self.timestamp, Instant::now(), payload)
            .marker(marker)
            .nackable(true);
        self.rtc.direct_api().stream_tx_by_mid(mid, None).unwrap().write_rtp(write);
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        self.drain().await;
    }
}

/// x264, Constrained Baseline, 1280x720.
pub(crate) const SPS_720P: [u8; 25] = [
    0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x6a, 0x02, 0x02, 0x02, 0x80, 0x00,
    0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x47, 0x8c,
];
