//! Watches a stream over WHEP: counts what arrives, decodes H.264, and reads
//! the frame number of the demo's test pattern.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use openh264::decoder::Decoder;
use openh264::formats::YUVSource;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::codec::h264::H264Packet;
use rtc::rtp::packet::Packet;
use rtc::rtp::packetizer::Depacketizer;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rushes::demo::encode::nal_units;
use rushes::demo::picture::Size;
use rushes::demo::strip;
use rushes::demo::whip_client::WhipTarget;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::RTCPeerConnectionState;

use super::Error;
use super::connection::Connection;
use super::publisher::{h264, opus};
use super::rtp::Reorder;

/// Key frames are asked for at most this often.
const KEY_REQUEST_INTERVAL: Duration = Duration::from_secs(1);

/// What a viewer has seen so far. Times are milliseconds since the request was sent.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Stats {
    pub(crate) video: TrackStats,
    pub(crate) audio: TrackStats,
    /// Whole pictures received, decoded or not.
    pub(crate) frames: u64,
    /// Pictures among them that decoding can start at: SPS, PPS and an IDR slice.
    pub(crate) key_frames: u64,
    /// Pictures decoded without an error.
    pub(crate) decoded: u64,
    /// The longest time between two decoded pictures.
    pub(crate) longest_gap_ms: u64,
    /// All times between two decoded pictures that were longer than 200 ms, the last few.
    pub(crate) gaps_ms: Vec<u64>,
    /// Key frames asked for.
    pub(crate) key_requests: u64,
    /// When the first whole key frame was there.
    pub(crate) first_key_frame_ms: Option<u64>,
    /// When the first picture was decoded.
    pub(crate) first_picture_ms: Option<u64>,
    /// Size of the last decoded picture.
    pub(crate) width: usize,
    /// Size of the last decoded picture.
    pub(crate) height: usize,
    /// The frame number read from the last decoded picture, where it carries one.
    pub(crate) frame_number: Option<u32>,
    /// Those of all decoded pictures, in the order in which they came: the first few.
    #[serde(skip)]
    pub(crate) frame_numbers: Vec<u32>,
    /// The packets of the sound, in their order: the first few.
    #[serde(skip)]
    pub(crate) sound: Vec<Vec<u8>>,
    /// The colour a little above the middle of each quarter of the last decoded picture: Y, U, V.
    pub(crate) quarters: [[u8; 3]; 4],
    #[serde(skip)]
    last_picture: Option<Instant>,
}

/// A time between two pictures that is worth a note.
const NOTED_GAP: Duration = Duration::from_millis(200);
/// How many of them are kept.
const NOTED_GAPS: usize = 50;
/// How many frame numbers are kept.
const NUMBERS: usize = 500;

/// How many packets of the sound are kept: six seconds.
const SOUNDS: usize = 300;

impl Stats {
    /// A picture was decoded.
    fn picture(&mut self, now: Instant) {
        self.decoded += 1;
        let gap = self.last_picture.map_or(Duration::ZERO, |last| now - last);
        self.last_picture = Some(now);
        let gap_ms = u64::try_from(gap.as_millis()).unwrap_or(u64::MAX);
        self.longest_gap_ms = self.longest_gap_ms.max(gap_ms);
        if gap > NOTED_GAP && self.gaps_ms.len() < NOTED_GAPS {
            self.gaps_ms.push(gap_ms);
        }
    }
}

/// What arrived on one track.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct TrackStats {
    /// The codec's MIME type; none until the track is there.
    pub(crate) codec: Option<String>,
    /// RTP packets.
    pub(crate) packets: u64,
    /// Bytes of RTP payload.
    pub(crate) bytes: u64,
    /// Packets that never came.
    pub(crate) missing: u64,
    /// Packets that came after later ones: late, or sent again.
    pub(crate) recovered: u64,
    /// When the first packet came.
    pub(crate) first_packet_ms: Option<u64>,
}

impl TrackStats {
    /// Counts a packet as it arrives.
    fn count(&mut self, packet: &Packet, started: Instant) {
        self.first_packet_ms.get_or_insert_with(|| millis(started));
        self.packets += 1;
        self.bytes += packet.payload.len() as u64;
    }
}

/// A running viewer.
pub(crate) struct Viewer {
    connection: Connection,
    stats: watch::Receiver<Stats>,
}

impl Viewer {
    /// Asks `target` (a WHEP address) for picture and sound and starts to receive.
    pub(crate) async fn watch(target: WhipTarget) -> Result<Self, Error> {
        let mut media = MediaEngine::default();
        media.register_default_codecs()?;
        Self::take(target, media).await
    }

    /// The same, and takes no picture but H.264.
    pub(crate) async fn watch_h264(target: WhipTarget) -> Result<Self, Error> {
        let mut media = MediaEngine::default();
        media.register_codec(h264(), RtpCodecKind::Video)?;
        media.register_codec(opus(), RtpCodecKind::Audio)?;
        Self::take(target, media).await
    }

    /// Asks for what has `media`'s codecs.
    async fn take(target: WhipTarget, media: MediaEngine) -> Result<Self, Error> {
        let started = Instant::now();
        let (mut connection, tracks) = Connection::new(target, media).await?;
        for kind in [RtpCodecKind::Video, RtpCodecKind::Audio] {
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Recvonly,
                ..RTCRtpTransceiverInit::default()
            };
            connection.peer.add_transceiver_from_kind(kind, Some(init)).await?;
        }
        let (stats_tx, stats) = watch::channel(Stats::default());
        tokio::spawn(receive(tracks, started, stats_tx));
        connection.negotiate().await?;
        Ok(Self { connection, stats })
    }

    /// What was seen so far.
    pub(crate) fn stats(&self) -> Stats {
        self.stats.borrow().clone()
    }

    /// Waits until `seen` holds, at most `within`; the error shows what was seen instead.
    pub(crate) async fn wait_for(
        &self,
        within: Duration,
        mut seen: impl FnMut(&Stats) -> bool,
    ) -> Result<Stats, Error> {
        let mut stats = self.stats.clone();
        let found = tokio::time::timeout(within, stats.wait_for(|stats| seen(stats))).await;
        match found {
            Ok(Ok(stats)) => Ok(stats.clone()),
            Ok(Err(_)) => Err(format!("all tracks have ended: {:?}", self.stats()).into()),
            Err(_) => {
                let state = *self.connection.state.borrow();
                Err(format!("not within {within:?}, {state}: {:?}", self.stats()).into())
            }
        }
    }

    /// All states that the connection has been in.
    pub(crate) fn states(&self) -> Vec<RTCPeerConnectionState> {
        self.connection.states()
    }

    /// Ends the session.
    pub(crate) async fn close(self) -> Result<(), Error> {
        self.connection.close().await
    }
}

/// Starts a reader for each track that appears.
async fn receive(
    mut tracks: mpsc::UnboundedReceiver<Arc<dyn TrackRemote>>,
    started: Instant,
    stats: watch::Sender<Stats>,
) {
    while let Some(track) = tracks.recv().await {
        let stats = stats.clone();
        tokio::spawn(async move {
            match track.kind().await {
                RtpCodecKind::Video => read_video(track, started, stats).await,
                _ => read_audio(track, started, stats).await,
            }
        });
    }
}

async fn codec(track: &Arc<dyn TrackRemote>) -> Option<String> {
    let ssrc = *track.ssrcs().await.first()?;
    Some(track.codec(ssrc).await?.mime_type)
}

async fn read_audio(track: Arc<dyn TrackRemote>, started: Instant, stats: watch::Sender<Stats>) {
    let codec = codec(&track).await;
    stats.send_modify(|stats| stats.audio.codec = codec);
    let mut order = Reorder::default();
    while let Some(event) = track.poll().await {
        if let TrackRemoteEvent::OnRtpPacket(packet) = event {
            let now = Instant::now();
            stats.send_modify(|stats| {
                stats.audio.count(&packet, started);
                stats.audio.recovered += u64::from(order.push(now, packet));
                while let Some((packet, missing)) = order.pop(now) {
                    stats.audio.missing += missing;
                    if stats.sound.len() < SOUNDS {
                        stats.sound.push(packet.payload.to_vec());
                    }
                }
            });
        }
    }
}

async fn read_video(track: Arc<dyn TrackRemote>, started: Instant, stats: watch::Sender<Stats>) {
    let codec = codec(&track).await;
    let is_h264 = codec.as_deref().is_some_and(|codec| codec.eq_ignore_ascii_case("video/h264"));
    stats.send_modify(|stats| stats.video.codec = codec);
    let mut pictures = is_h264.then(Pictures::new).flatten();
    let mut order = Reorder::default();
    let mut asked: Option<Instant> = None;
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
        let ssrc = packet.header.ssrc;
        let now = Instant::now();
        let mut wants_key = false;
        stats.send_modify(|stats| {
            stats.video.count(&packet, started);
            stats.video.recovered += u64::from(order.push(now, packet));
            while let Some((packet, missing)) = order.pop(now) {
                stats.video.missing += missing;
                if let Some(pictures) = &mut pictures {
                    pictures.add(&packet, missing > 0, started, stats);
                    wants_key = pictures.broken;
                }
            }
            let asks = wants_key && asked.is_none_or(|at| now - at > KEY_REQUEST_INTERVAL);
            stats.key_requests += u64::from(asks);
            wants_key = asks;
        });
        if wants_key {
            asked = Some(now);
            let request = PictureLossIndication { sender_ssrc: 0, media_ssrc: ssrc };
            // Without a connection there is nobody to ask; the loop ends by itself then.
            let _ = track.write_rtcp(vec![Box::new(request)]).await;
        }
    }
}

/// Puts H.264 pictures together and decodes them.
struct Pictures {
    depacketizer: H264Packet,
    unit: BytesMut,
    /// The timestamp of a picture whose last packet did not come yet.
    begun: Option<u32>,
    decoder: Decoder,
    /// Nothing can be decoded until the next key frame.
    broken: bool,
}

impl Pictures {
    fn new() -> Option<Self> {
        let decoder = Decoder::new().ok()?;
        Some(Self {
            depacketizer: H264Packet::default(),
            unit: BytesMut::new(),
            begun: None,
            decoder,
            broken: true,
        })
    }

    fn add(&mut self, packet: &Packet, gap: bool, started: Instant, stats: &mut Stats) {
        let timestamp = packet.header.timestamp;
        // Another picture begins in any case, whether the marker came or not (RFC 6184, 5.1).
        if gap || self.begun.is_some_and(|begun| begun != timestamp) {
            self.broken = true;
            self.unit.clear();
            self.depacketizer = H264Packet::default();
        }
        self.begun = (!packet.header.marker).then_some(timestamp);
        match self.depacketizer.depacketize(&packet.payload) {
            Ok(nal_units) => self.unit.extend_from_slice(&nal_units),
            // The rest of a picture whose start was lost, or padding.
            Err(_) => self.broken |= !packet.payload.is_empty(),
        }
        if packet.header.marker && !self.unit.is_empty() {
            let unit = self.unit.split();
            self.finish(&unit, started, stats);
        }
    }

    fn finish(&mut self, unit: &[u8], started: Instant, stats: &mut Stats) {
        let types: Vec<u8> =
            nal_units(unit).filter_map(|nal| nal.first().map(|b| b & 0x1F)).collect();
        stats.frames += 1;
        if [5, 7, 8].iter().all(|wanted| types.contains(wanted)) {
            stats.key_frames += 1;
            stats.first_key_frame_ms.get_or_insert_with(|| millis(started));
            self.broken = false;
        }
        if self.broken {
            return;
        }
        match self.decoder.decode(unit) {
            Ok(Some(picture)) => {
                let (width, height) = picture.dimensions();
                stats.picture(Instant::now());
                stats.first_picture_ms.get_or_insert_with(|| millis(started));
                (stats.width, stats.height) = (width, height);
                stats.quarters = quarters(&picture);
                stats.frame_number = Size::new(width, height)
                    .ok()
                    .and_then(|size| strip::read(picture.y(), picture.strides().0, size))
                    .map(|reading| reading.frame);
                if stats.frame_numbers.len() < NUMBERS {
                    stats.frame_numbers.extend(stats.frame_number);
                }
            }
            Ok(None) => {}
            Err(_) => self.broken = true,
        }
    }
}

/// The colour a little above the middle of each quarter of a picture, where a slate has no letters.
fn quarters(picture: &impl YUVSource) -> [[u8; 3]; 4] {
    let ((width, height), (luma, cb, cr)) = (picture.dimensions(), picture.strides());
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(across, down)| {
        let (x, y) = (width * across / 4, height * down / 4 - height / 16);
        let (u, v) = (y / 2 * cb + x / 2, y / 2 * cr + x / 2);
        [picture.y()[y * luma + x], picture.u()[u], picture.v()[v]]
    })
}

fn millis(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
