//! The offers of real clients, and whole sessions in virtual time.

mod answering;
mod publishing;
mod viewing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use super::sdp::Offer;
use super::*;
use crate::egress::Egress;
use crate::error::OfferError;
use crate::rtcp::WallClock;
use crate::rtp::Codec;
use crate::stream::{Outgoing, Stream, ViewerKey};
use publishing::Publishing;

const OBS: &str = include_str!("../../tests/sdp/obs-whip-offer.sdp");
const FFMPEG8: &str = include_str!("../../tests/sdp/ffmpeg8-whip-offer.sdp");
const FFMPEG9: &str = include_str!("../../tests/sdp/ffmpeg9-whip-offer.sdp");
const GST_WHIP: &str = include_str!("../../tests/sdp/gst-whip-whip-offer.sdp");
const GST_WHEP: &str = include_str!("../../tests/sdp/gst-whep-whep-offer.sdp");
const SIMPLE: &str = include_str!("../../tests/sdp/swc-whip-offer.sdp");
const FIREFOX: &str = include_str!("../../tests/sdp/firefox-VP8-whep-offer.sdp");

const SERVER: &str = "192.0.2.1:8189";

fn setup() -> Arc<PeerSetup> {
    Arc::new(PeerSetup::new(vec![SERVER.parse().unwrap()]).unwrap())
}

/// The lines of an answer: the head, and each section.
struct Read {
    head: String,
    sections: Vec<String>,
}

impl Read {
    fn of(sdp: &str) -> Self {
        assert!(sdp.ends_with("\r\n"));
        let mut parts = sdp.split("\r\nm=").map(str::to_owned);
        Self { head: parts.next().unwrap(), sections: parts.collect() }
    }

    fn section(&self, index: usize, wanted: &[&str]) {
        let lines: Vec<&str> = self.sections[index].lines().collect();
        for line in wanted {
            assert!(lines.contains(line), "no {line} in {lines:#?}");
        }
    }

    fn lacks(&self, index: usize, text: &str) {
        assert!(!self.sections[index].contains(text), "{text} in {}", self.sections[index]);
    }
}

fn published(offer: &str) -> Read {
    let (_, sdp) = Publisher::answer(&setup(), Instant::now(), offer).unwrap();
    Read::of(&sdp)
}

fn source_of(offer: &str) -> Source {
    *Publisher::answer(&setup(), Instant::now(), offer).unwrap().0.source()
}

fn viewed(offer: &str, source: &Source) -> Read {
    let (_, sdp) = Viewer::answer(&setup(), Instant::now(), offer, source).unwrap();
    Read::of(&sdp)
}

#[test]
fn obs_is_answered() {
    let answer = published(OBS);
    for line in ["a=ice-lite", "a=group:BUNDLE 0 1"] {
        assert!(answer.head.lines().any(|l| l == line), "{}", answer.head);
    }
    let audio = ["audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=recvonly", "a=setup:passive"];
    answer.section(0, &audio);
    answer.section(0, &["a=rtcp-mux", "a=rtpmap:111 opus/48000/2", "a=end-of-candidates"]);
    assert!(answer.sections[0].contains("192.0.2.1 8189 typ host"));
    let video = ["video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=recvonly", "a=rtcp-fb:96 nack"];
    answer.section(1, &video);
    answer.section(1, &["a=rtcp-fb:96 nack pli", "a=rtpmap:96 H264/90000"]);
    assert!(answer.sections[1].contains("profile-level-id=42e01f"));
    answer.lacks(1, "goog-remb");
    answer.lacks(1, "x-google-start-bitrate");
    answer.lacks(1, "a=ssrc");
}

#[test]
fn ffmpeg_makes_the_server_begin_the_handshake() {
    let answer = published(FFMPEG8);
    answer.section(0, &["a=setup:active"]);
    answer.section(1, &["video 9 UDP/TLS/RTP/SAVPF 106", "a=setup:active"]);
    answer.lacks(1, "nack");

    let answer = published(FFMPEG9);
    let video = ["video 9 UDP/TLS/RTP/SAVPF 106 105", "a=rtcp-fb:106 nack", "a=fmtp:105 apt=106"];
    answer.section(1, &video);
    answer.section(1, &["a=rtcp-rsize"]);
    answer.lacks(0, "a=rtcp-rsize");
}

#[test]
fn a_bundle_only_section_is_not_rejected() {
    let answer = published(GST_WHIP);
    assert!(answer.head.contains("a=group:BUNDLE video0 audio1"));
    answer.section(0, &["video 9 UDP/TLS/RTP/SAVPF 96 100", "a=mid:video0", "a=recvonly"]);
    answer.section(1, &["audio 9 UDP/TLS/RTP/SAVPF 97", "a=mid:audio1", "a=recvonly"]);
    let answer = published(SIMPLE);
    answer.section(0, &["video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 VP8/90000"]);
    answer.section(1, &["audio 9 UDP/TLS/RTP/SAVPF 100", "a=rtpmap:100 opus/48000/2"]);
}

#[test]
fn every_profile_is_answered_as_it_was_offered() {
    let mut rtc =
        Rtc::builder().clear_codecs().enable_h264(true).enable_vp9(true).build(Instant::now());
    let mut api = rtc.sdp_api();
    api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
    let (offer, _pending) = api.apply().unwrap();
    let offer = offer.to_sdp_string();
    let answer = published(&offer);
    let formats = |text: &str| -> Vec<String> {
        let kept = |l: &&str| l.starts_with("a=fmtp:") || l.starts_with("a=rtpmap:");
        let cut = |l: &str| l.split(";x-google").next().unwrap().to_owned();
        let mut lines: Vec<String> = text.lines().filter(kept).map(cut).collect();
        lines.sort();
        lines
    };
    let offered = formats(&offer);
    assert!(offered.iter().filter(|l| l.contains("profile-level-id")).count() >= 7);
    assert_eq!(formats(&answer.sections[0]), offered);
}

#[test]
fn a_viewer_gets_what_is_published() {
    let h264 = source_of(OBS);
    let answer = viewed(GST_WHEP, &h264);
    answer.section(0, &["video 9 UDP/TLS/RTP/SAVPF 96 100", "a=sendonly", "a=msid:rushes video"]);
    answer.section(0, &["a=fmtp:96 profile-level-id=42e016", "a=fmtp:100 apt=96"]);
    answer.section(1, &["audio 9 UDP/TLS/RTP/SAVPF 97", "a=sendonly", "a=msid:rushes audio"]);
    assert!(answer.sections[0].contains("a=ssrc-group:FID "));
    answer.lacks(0, "transport-cc");

    let vp8 = source_of(SIMPLE);
    let answer = viewed(FIREFOX, &vp8);
    answer.section(0, &["video 9 UDP/TLS/RTP/SAVPF 120", "a=rtpmap:120 VP8/90000", "a=sendonly"]);
    answer.section(1, &["audio 9 UDP/TLS/RTP/SAVPF 109", "a=sendonly"]);

    let refused = Viewer::answer(&setup(), Instant::now(), FIREFOX, &h264).unwrap_err();
    assert!(matches!(&refused, OfferError::NoCodec(text) if text.contains("H264")), "{refused}");
}

#[test]
fn the_payload_type_of_the_publishers_profile_is_chosen() {
    let source = source_of(OBS).video.unwrap();
    let mut rtc = Rtc::builder().clear_codecs().enable_h264(true).build(Instant::now());
    let mut api = rtc.sdp_api();
    api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
    let (offer, _pending) = api.apply().unwrap();
    let offer = Offer::parse(&offer.to_sdp_string()).unwrap();
    let chosen = source.choose(&offer.sections[0].codecs).unwrap();
    assert_eq!(chosen.format.profile_level_id, Some(0x42e01f));
    assert_eq!(chosen.format.packetization_mode, Some(1));
}

#[test]
fn sections_that_are_not_taken_are_rejected_in_their_place() {
    let (head, media) = OBS.split_once("m=audio").unwrap();
    let data =
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\n";
    let head = head.replace("BUNDLE 0 1", "BUNDLE 9 0 1");
    let answer = published(&format!("{head}{data}m=audio{media}"));
    assert!(answer.head.contains("a=group:BUNDLE 0 1"));
    answer.section(0, &["application 0 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:9", "a=inactive"]);
    answer.section(1, &["a=mid:0", "a=recvonly", "a=end-of-candidates"]);
    answer.section(2, &["a=mid:1", "a=recvonly"]);
}

#[test]
fn strange_mids_come_back_as_they_were() {
    let offer = OBS
        .replace("a=mid:0", "a=mid:{a-b}")
        .replace("a=mid:1", "a=mid:video-of-the-camera-on-the-left")
        .replace("BUNDLE 0 1", "BUNDLE {a-b} video-of-the-camera-on-the-left");
    let answer = published(&offer);
    answer.section(0, &["a=mid:{a-b}"]);
    answer.section(1, &["a=mid:video-of-the-camera-on-the-left"]);
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    type Check = fn(&OfferError) -> bool;
    let cases: [(&str, &str, &str, Check); 8] = [
        ("a=sendonly", "a=recvonly", "a=sendonly", |e| matches!(e, OfferError::Unsupported(_))),
        ("a=group:BUNDLE 0 1\r\n", "", "BUNDLE", |e| matches!(e, OfferError::Unsupported(_))),
        ("a=rtcp-mux\r\n", "", "a=rtcp-mux", |e| matches!(e, OfferError::Unsupported(_))),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "SAVPF", |e| matches!(e, OfferError::Unsupported(_))),
        ("H264/90000", "H263/90000", "VP8", |e| matches!(e, OfferError::NoCodec(_))),
        ("opus/48000/2", "PCMU/8000", "Opus", |e| matches!(e, OfferError::NoCodec(_))),
        ("a=mid:1", "a=mid:0", "a=mid", |e| matches!(e, OfferError::Malformed(_))),
        ("a=setup:actpass", "a=setup:maybe", "setup", |e| matches!(e, OfferError::Malformed(_))),
    ];
    for (from, to, reason, check) in cases {
        let error =
            Publisher::answer(&setup(), Instant::now(), &OBS.replace(from, to)).unwrap_err();
        assert!(check(&error) && error.to_string().contains(reason), "{from}: {error:?}");
    }
    let inactive = OBS.replace("a=sendonly", "a=inactive");
    let error = Publisher::answer(&setup(), Instant::now(), &inactive).unwrap_err();
    assert!(matches!(error, OfferError::NoMedia(_)));
}

proptest::proptest! {
    /// Whatever is done to an offer, it is answered or refused.
    #[test]
    fn no_offer_is_too_strange(cut in 0..OBS.len(), at in 0..OBS.len(), junk in "[ -~\r\n]{0,12}", which in 0..6usize) {
        let offers = [OBS, FFMPEG9, GST_WHIP, GST_WHEP, SIMPLE, FIREFOX];
        let text = offers[which];
        let mut offer = text[..text.len().min(cut + 200)].to_owned();
        offer.insert_str(at.min(offer.len()), &junk);
        let shared = SHARED.get_or_init(setup);
        let _ = Publisher::answer(shared, Instant::now(), &offer);
        let _ = Viewer::answer(shared, Instant::now(), &offer, &Source::default());
    }
}

static SHARED: std::sync::OnceLock<Arc<PeerSetup>> = std::sync::OnceLock::new();

/// The server's side of a client.
trait Server {
    fn tick(&mut self, now: Instant);
    fn datagram(&mut self, now: Instant, from: std::net::SocketAddr, data: &[u8]);
    fn poll(&mut self, down: &mut VecDeque<Vec<u8>>);
}

/// A viewer with what sends to it.
struct Viewing {
    viewer: Viewer,
    egress: Option<Egress>,
    /// Sent and not yet carried.
    sent: VecDeque<Vec<u8>>,
    wall: WallClock,
    said: Vec<ViewerOutput>,
}

impl Viewing {
    fn new(viewer: Viewer) -> Self {
        let wall = WallClock::new(Instant::now(), std::time::SystemTime::now());
        Self { viewer, egress: None, sent: VecDeque::new(), wall, said: Vec::new() }
    }

    fn follow(&mut self, source: &Source) {
        let (video, audio) = self.viewer.formats(source).unwrap();
        self.egress.as_mut().unwrap().follow(video, audio);
    }

    fn write(&mut self, now: Instant, out: &Outgoing<'_>) {
        let mut buf = Vec::new();
        assert!(self.egress.as_mut().unwrap().write(now, out, &mut buf));
        self.sent.push_back(buf);
    }
}

impl Server for Viewing {
    fn tick(&mut self, now: Instant) {
        self.viewer.tick(now);
    }

    fn datagram(&mut self, now: Instant, from: std::net::SocketAddr, data: &[u8]) {
        let pair = Pair::udp(from, SERVER.parse().unwrap());
        if is_stun(data) {
            let checked = self.viewer.stun(now, pair, data).unwrap();
            self.sent.push_back(checked.reply);
        } else {
            self.viewer.datagram(now, &self.wall, data);
        }
    }

    fn poll(&mut self, down: &mut VecDeque<Vec<u8>>) {
        down.extend(self.sent.drain(..));
        while let Some(output) = self.viewer.poll() {
            match output {
                ViewerOutput::Transmit(data) => down.push_back(data),
                ViewerOutput::Connected => {
                    let setup = self.viewer.take_egress().unwrap();
                    self.egress = Some(Egress::new(setup, Arc::default()).unwrap());
                }
                other => self.said.push(other),
            }
        }
    }
}

/// A client in virtual time, joined to its server-side peer by a perfect network.
struct Client {
    rtc: Rtc,
    address: std::net::SocketAddr,
    video: Mid,
    packets: Vec<RtpPacket>,
    connected: bool,
    seq: u64,
    timestamp: u32,
    frame: u8,
}

impl Client {
    /// The client with its offer answered by `answer`.
    fn join<T>(
        now: Instant,
        host: u8,
        direction: Direction,
        answer: impl FnOnce(&str) -> (T, String),
    ) -> (Self, T) {
        let config = Rtc::builder().clear_codecs().enable_h264(true).enable_opus(true, false);
        Self::join_as(config, now, host, direction, answer)
    }

    /// The same for a client of another kind.
    fn join_as<T>(
        config: RtcConfig,
        now: Instant,
        host: u8,
        direction: Direction,
        answer: impl FnOnce(&str) -> (T, String),
    ) -> (Self, T) {
        let address = format!("198.51.100.{host}:5000").parse().unwrap();
        let mut rtc = config.set_rtp_mode(true).build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut api = rtc.sdp_api();
        let video = api.add_media(MediaKind::Video, direction, None, None, None);
        let (offer, pending) = api.apply().unwrap();
        let (peer, sdp) = answer(&offer.to_sdp_string());
        rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&sdp).unwrap()).unwrap();
        let client = Self {
            rtc,
            address,
            video,
            packets: Vec::new(),
            connected: false,
            seq: u64::from(host) * 1000,
            timestamp: u32::from(host) * 77,
            frame: 0,
        };
        (client, peer)
    }

    /// Carries all there is between the two, a datagram at a time, as str0m wants it.
    fn exchange(&mut self, now: Instant, server: &mut impl Server) {
        let mut up = VecDeque::new();
        let mut down = VecDeque::new();
        server.tick(now);
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        loop {
            server.poll(&mut down);
            loop {
                match self.rtc.poll_output().unwrap() {
                    Output::Timeout(_) => break,
                    Output::Transmit(t) => up.push_back(t.contents),
                    Output::Event(event) => self.note(event),
                }
            }
            if let Some(data) = up.pop_front() {
                server.datagram(now, self.address, &data);
            } else if let Some(data) = down.pop_front() {
                let from = SERVER.parse().unwrap();
                let receive = Receive::new(Protocol::Udp, from, self.address, &data).unwrap();
                self.rtc.handle_input(Input::Receive(now, receive)).unwrap();
            } else {
                return;
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::RtpPacket(packet) => self.packets.push(packet),
            _ => {}
        }
    }

    fn send_frame(&mut self, now: Instant) {
        self.timestamp += 3600;
        let unit = if self.frame.is_multiple_of(10) { 0x65 } else { 0x41 };
        for part in 0..3u8 {
            self.seq += 1;
            let pt = self.rtc.media(self.video).unwrap().remote_pts()[0];
            let payload = vec![unit, self.frame, part, self.address.port() as u8];
            let write = RtpWrite::new(pt, self.seq.into(), self.timestamp, now, payload)
                .marker(part == 2)
                .nackable(true);
            self.rtc.direct_api().stream_tx_by_mid(self.video, None).unwrap().write_rtp(write);
        }
        self.frame += 1;
    }
}

const STEP: Duration = Duration::from_millis(10);

fn connect(now: &mut Instant, client: &mut Client, peer: &mut impl Server) {
    for _ in 0..500 {
        client.exchange(*now, peer);
        if client.connected {
            return;
        }
        *now += STEP;
    }
    panic!("no connection within five seconds");
}

/// Sends frames through publisher, stream and viewer.
fn run(
    now: &mut Instant,
    frames: usize,
    (source, publishing): (&mut Client, &mut Publishing),
    stream: &mut Stream,
    (sink, viewing): (&mut Client, &mut Viewing),
) {
    for _ in 0..frames {
        *now += STEP;
        source.send_frame(*now);
        source.exchange(*now, publishing);
        let at = *now;
        let mut deliver = |_: ViewerKey, out: Outgoing<'_>| viewing.write(at, &out);
        for packet in publishing.packets.drain(..) {
            assert_eq!(packet.codec, Codec::H264);
            stream.packets(at, &[packet], &mut deliver);
        }
        stream.pump(at, &mut deliver);
        sink.exchange(at, viewing);
    }
}

#[test]
fn a_viewer_sees_a_decodable_stream_across_a_takeover() {
    let setup = setup();
    let mut now = Instant::now();
    let mut stream = Stream::default();
    let publish = |now, host| {
        Client::join(now, host, Direction::SendOnly, |offer| Publishing::answer(&setup, now, offer))
    };
    let (mut one, mut first) = publish(now, 1);
    connect(&mut now, &mut one, &mut first);
    stream.publish(1);
    let (mut sink, viewer) = Client::join(now, 9, Direction::RecvOnly, |offer| {
        Viewer::answer(&setup, now, offer, first.publisher.source()).unwrap()
    });
    let mut viewing = Viewing::new(viewer);
    connect(&mut now, &mut sink, &mut viewing);
    viewing.follow(first.publisher.source());
    stream.add_viewer(now, now, 0);
    run(&mut now, 25, (&mut one, &mut first), &mut stream, (&mut sink, &mut viewing));
    let before = sink.packets.len();
    assert_eq!(before, 25 * 3);

    let (mut two, mut second) = publish(now, 2);
    connect(&mut now, &mut two, &mut second);
    stream.publish(1);
    viewing.follow(second.publisher.source());
    run(&mut now, 25, (&mut two, &mut second), &mut stream, (&mut sink, &mut viewing));
    assert_eq!(sink.packets.len(), before + 25 * 3);

    // One unbroken numbering, whole frames in order, and a key frame where each begins.
    let seqs: Vec<u64> = sink.packets.iter().map(|p| *p.seq_no).collect();
    assert!(seqs.windows(2).all(|w| w[1] == w[0] + 1));
    for frame in sink.packets.chunks(3) {
        assert!(frame.iter().all(|p| p.header.timestamp == frame[0].header.timestamp));
        assert!(frame[2].header.marker && !frame[1].header.marker);
        let parts: Vec<u8> = frame.iter().map(|p| p.payload[2]).collect();
        assert_eq!(parts, [0, 1, 2]);
    }
    assert_eq!(sink.packets[0].payload[0], 0x65);
    assert_eq!(sink.packets[before].payload[0], 0x65);
    let times: Vec<u32> = sink.packets.iter().map(|p| p.header.timestamp).collect();
    assert!(times.windows(2).all(|w| w[1].wrapping_sub(w[0]) < 1 << 20), "time only grows");
}
