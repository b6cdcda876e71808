//! libdatachannel as a publisher, used the way OBS does: an offer without any
//! candidate, nothing trickled, no answer to key frame requests, retransmission of what the server
//! misses without RTX, and at the end DTLS closes before the DELETE, of which only a 200 counts.
//! Its certificate has X.509 version 1.

use std::collections::VecDeque;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use datachannel::sdp::parse_sdp;
use datachannel::{
    CertificateType, Codec, ConnectionState, DataChannelHandler, DataChannelInfo, Direction,
    GatheringState, PeerConnectionHandler, RtcConfig, RtcPeerConnection, RtcTrack, SdpType,
    SessionDescription, TrackHandler, TrackInit,
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use reqwest::{StatusCode, Url};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::shared::marshal::Marshal;
use rushes::demo::source::{Due, Pacer, frame_rtp_time, packet_rtp_time};
use rushes::demo::whip_client::WhipTarget;
use tokio::sync::watch;

use crate::camera::{self, Camera};
use crate::peer::Error;
use crate::peer::rtp::Packetizer;

/// What OBS waits for an answer and for the connection.
const TIMEOUT: Duration = Duration::from_secs(8);
const AUDIO_TYPE: u8 = 111;
const VIDEO_TYPE: u8 = 96;
/// Packets that are kept to be sent again.
const KEPT: usize = 1_000;

/// What may differ from what OBS does by default.
pub(crate) struct Manner {
    /// The key pair's kind.
    pub(crate) certificate: CertificateType,
    /// Frames from one key frame to the next, at 25 a second.
    pub(crate) key_interval: u32,
    /// Grains in each picture, which make it heavier.
    pub(crate) grains: usize,
}

impl Default for Manner {
    fn default() -> Self {
        Self { certificate: CertificateType::Default, key_interval: 25, grains: 0 }
    }
}

/// What the server has asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Key frames, which are not given.
    key_frames: AtomicU64,
    /// Packets that were sent again.
    packets: AtomicU64,
}

impl Asked {
    /// Packets that were sent again.
    pub(crate) fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }
}

/// A publisher that runs on a thread of its own.
pub(crate) struct ObsLike {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<Result<(), String>>>,
    connection: Option<Box<RtcPeerConnection<Events>>>,
    state: watch::Receiver<ConnectionState>,
    asked: Arc<Asked>,
    session: Url,
    bearer: String,
}

/// Forwards libdatachannel's callbacks.
struct Events {
    gathered: watch::Sender<bool>,
    state: watch::Sender<ConnectionState>,
}

/// What this publisher never gets: a data channel.
struct NoChannel;

impl DataChannelHandler for NoChannel {}

impl PeerConnectionHandler for Events {
    type DCH = NoChannel;

    fn data_channel_handler(&mut self, _info: DataChannelInfo) -> NoChannel {
        NoChannel
    }

    fn on_gathering_state_change(&mut self, state: GatheringState) {
        if state == GatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    fn on_connection_state_change(&mut self, state: ConnectionState) {
        self.state.send_replace(state);
    }
}

/// The sound's track, which hears nothing.
struct SendOnly;

impl TrackHandler for SendOnly {}

/// The picture's track, which hears what the server misses.
struct Feedback {
    asked: Arc<Asked>,
    missing: mpsc::Sender<u16>,
}

impl TrackHandler for Feedback {
    fn on_message(&mut self, message: &[u8]) {
        // What is not feedback is a report.
        let packets = rtc::rtcp::packet::unmarshal(&mut Bytes::copy_from_slice(message));
        for packet in packets.unwrap_or_default() {
            let packet = packet.as_any();
            if packet.is::<PictureLossIndication>() {
                self.asked.key_frames.fetch_add(1, Ordering::Relaxed);
            }
            let nack = packet.downcast_ref::<TransportLayerNack>();
            for number in nack.iter().flat_map(|nack| &nack.nacks).flat_map(|n| n.packet_list()) {
                // Nobody listens once the publisher ends.
                let _ = self.missing.send(number);
            }
        }
    }
}

impl ObsLike {
    /// Publishes the test pattern with key frames every second.
    pub(crate) async fn publish(target: &WhipTarget) -> Result<Self, Error> {
        Self::publish_so(target, Manner::default()).await
    }

    /// Publishes the test pattern in a manner of its own.
    pub(crate) async fn publish_so(target: &WhipTarget, manner: Manner) -> Result<Self, Error> {
        let (gathered_tx, mut gathered) = watch::channel(false);
        let (state_tx, mut state) = watch::channel(ConnectionState::New);
        let events = Events { gathered: gathered_tx, state: state_tx };
        let config = RtcConfig::new::<&str>(&[]).certificate_type(manner.certificate);
        let mut connection = RtcPeerConnection::new(&config, events)?;
        let audio_ssrc: u32 = rand::random();
        let video_ssrc = audio_ssrc.wrapping_add(1);
        let asked = Arc::new(Asked::default());
        let (missing_tx, missing) = mpsc::channel();
        let feedback = Feedback { asked: Arc::clone(&asked), missing: missing_tx };
        let audio = connection.add_track_ex(&audio_track(audio_ssrc)?, SendOnly)?;
        let video = connection.add_track_ex(&video_track(video_ssrc)?, feedback)?;
        connection.set_local_description(SdpType::Offer)?;
        tokio::time::timeout(TIMEOUT, gathered.wait_for(|done| *done)).await??;
        let offer = connection.local_description().ok_or("no local description")?;
        let (session, answer) = post(target, without_candidates(&offer.sdp.to_string())).await?;
        let answer = parse_sdp(&answer, false).map_err(|error| error.to_string())?;
        connection.set_remote_description(&SessionDescription {
            sdp: answer,
            sdp_type: SdpType::Answer,
        })?;
        reaches(&mut state, &[ConnectionState::Connected], TIMEOUT).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut sender = Sender {
            stop: Arc::clone(&stop),
            video,
            audio,
            pictures: Packetizer::h264(video_ssrc, VIDEO_TYPE),
            sounds: Packetizer::opus(audio_ssrc, AUDIO_TYPE),
            asked: Arc::clone(&asked),
            missing,
            kept: VecDeque::new(),
        };
        let thread = thread::spawn(move || sender.run(&manner).map_err(|error| error.to_string()));
        Ok(Self {
            stop,
            thread: Some(thread),
            connection: Some(connection),
            state,
            asked,
            session,
            bearer: target.bearer.clone(),
        })
    }

    /// What the server has asked for so far.
    pub(crate) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Waits until its connection is in one of these states.
    pub(crate) async fn reaches(
        &mut self,
        states: &[ConnectionState],
        within: Duration,
    ) -> Result<(), Error> {
        reaches(&mut self.state, states, within).await
    }

    /// Ends as OBS does: the connection first, then the session.
    pub(crate) async fn stop(mut self) -> Result<(), Error> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| "the sending thread panicked")??;
        }
        drop(self.connection.take());
        let request = reqwest::Client::new()
            .delete(self.session.clone())
            .header(AUTHORIZATION, format!("Bearer {}", self.bearer));
        let status = request.send().await?.status();
        if status == StatusCode::OK {
            return Ok(());
        }
        Err(format!("OBS takes nothing but 200 for its DELETE, and got {status}").into())
    }
}

impl Drop for ObsLike {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within a frame.
            let _ = thread.join();
        }
    }
}

async fn reaches(
    state: &mut watch::Receiver<ConnectionState>,
    states: &[ConnectionState],
    within: Duration,
) -> Result<(), Error> {
    let reached = state.wait_for(|state| states.contains(state));
    let reached = tokio::time::timeout(within, reached).await;
    reached.map_err(|_| format!("libdatachannel is not {states:?}"))??;
    Ok(())
}

fn audio_track(ssrc: u32) -> Result<TrackInit, Error> {
    let profile = "minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1";
    track(Codec::Opus, AUDIO_TYPE, ssrc, "0", profile)
}

fn video_track(ssrc: u32) -> Result<TrackInit, Error> {
    let profile = "profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1";
    track(Codec::H264, VIDEO_TYPE, ssrc, "1", profile)
}

fn track(
    codec: Codec,
    payload_type: u8,
    ssrc: u32,
    mid: &str,
    profile: &str,
) -> Result<TrackInit, Error> {
    let text = |text: &str| CString::new(text);
    Ok(TrackInit {
        direction: Direction::SendOnly,
        codec,
        payload_type: payload_type.into(),
        ssrc,
        mid: text(mid)?,
        name: Some(text("rushes-interop")?),
        msid: Some(text("stream")?),
        track_id: Some(text(&format!("stream-{mid}"))?),
        profile: Some(text(profile)?),
    })
}

/// OBS offers before it has gathered, so that its offer has no candidates.
fn without_candidates(offer: &str) -> String {
    let kept = offer.lines().filter(|line| {
        !line.starts_with("a=candidate") && !line.starts_with("a=end-of-candidates")
    });
    kept.flat_map(|line| [line, "\r\n"]).collect()
}

async fn post(target: &WhipTarget, offer: String) -> Result<(Url, String), Error> {
    let response = reqwest::Client::new()
        .post(target.url.clone())
        .timeout(TIMEOUT)
        .header(AUTHORIZATION, format!("Bearer {}", target.bearer))
        .header(CONTENT_TYPE, "application/sdp")
        .body(offer)
        .send()
        .await?;
    let status = response.status();
    let location = response.headers().get(LOCATION).cloned();
    let base = response.url().clone();
    let answer = response.text().await?;
    if status != StatusCode::CREATED {
        return Err(format!("{status}: {answer}").into());
    }
    let location = location.ok_or("OBS needs a Location")?;
    Ok((base.join(location.to_str()?)?, answer))
}

/// The thread that sends.
struct Sender {
    stop: Arc<AtomicBool>,
    video: Box<RtcTrack<Feedback>>,
    audio: Box<RtcTrack<SendOnly>>,
    pictures: Packetizer,
    sounds: Packetizer,
    asked: Arc<Asked>,
    missing: mpsc::Receiver<u16>,
    /// The last packets of the picture, by their sequence numbers.
    kept: VecDeque<(u16, Vec<u8>)>,
}

impl Sender {
    fn run(&mut self, manner: &Manner) -> Result<(), Error> {
        let mut source = Camera::new(manner.key_interval, manner.grains)?;
        let epoch = Instant::now();
        let mut pacer = Pacer::new(camera::FPS, Duration::ZERO);
        while !self.stop.load(Ordering::Relaxed) {
            self.retransmit_until(epoch + pacer.next_at())?;
            while let Some(due) = pacer.take(epoch.elapsed()) {
                match due {
                    Due::Frame(n) => {
                        let time = frame_rtp_time(n, camera::FPS) as u32;
                        self.send_picture(source.frame(n)?, time)?;
                    }
                    Due::Packet(n) => {
                        let time = packet_rtp_time(n) as u32;
                        for packet in self.sounds.packets(source.packet(n)?, time)? {
                            // A server that has closed the connection ends the test elsewhere.
                            let _ = self.audio.send(&packet.marshal()?);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn send_picture(&mut self, data: Vec<u8>, time: u32) -> Result<(), Error> {
        for packet in self.pictures.packets(data, time)? {
            let bytes = packet.marshal()?.to_vec();
            let _ = self.video.send(&bytes);
            self.kept.push_back((packet.header.sequence_number, bytes));
        }
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
        Ok(())
    }

    /// Sends again what is asked for, as it was: there is no RTX.
    fn retransmit_until(&mut self, next: Instant) -> Result<(), Error> {
        loop {
            let wait = next.saturating_duration_since(Instant::now());
            match self.missing.recv_timeout(wait) {
                Ok(number) => {
                    if let Some((_, bytes)) = self.kept.iter().find(|(kept, _)| *kept == number) {
                        self.asked.packets.fetch_add(1, Ordering::Relaxed);
                        let _ = self.video.send(bytes);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => return Ok(()),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err("the track has lost its handler".into());
                }
            }
        }
    }
}
