//! The WebRTC half of a WHIP client: one str0m session that sends a picture
//! and a sound track over one UDP socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use reqwest::Url;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, Frequency, MediaKind, MediaTime, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcError};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::encode::EncodeError;
use super::publisher::PublisherStatus;
use super::source::{Due, LiveSource, Pacer, frame_rtp_time, packet_at, packet_rtp_time};
use super::whip_client::local_address;

/// How long ICE and DTLS may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server reports every second on what it receives, and answers ICE's checks. One that is
/// silent for this long is gone; ICE itself would take half a minute to say so.
const MAX_SILENCE: Duration = Duration::from_secs(5);
/// The largest datagram that WebRTC sends.
const MAX_DATAGRAM: usize = 2_000;

/// Why a session could not be held.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerError {
    #[error("the network: {0}")]
    Network(#[from] std::io::Error),
    #[error("WebRTC: {0}")]
    Rtc(#[from] RtcError),
    #[error("the answer is no SDP: {0}")]
    Sdp(String),
    #[error("the answer takes no {0}")]
    NotTaken(Codec),
    #[error("no connection within {CONNECT_TIMEOUT:?}")]
    Timeout,
    #[error("the connection was lost")]
    Lost,
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// How a session ended without an error.
pub(super) enum Ended {
    /// It was told to stop.
    Stopped,
}

/// A WebRTC session that only sends.
pub(super) struct Peer {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    video: Mid,
    audio: Mid,
    pending: Option<SdpPendingOffer>,
    connected: bool,
    lost: bool,
    key_wanted: bool,
    heard: Instant,
}

/// One thing that woke the session up.
enum Wake {
    Stop,
    Datagram(usize, SocketAddr),
    Time,
}

impl Peer {
    /// Opens a socket towards `url`'s host and makes the offer.
    pub(super) async fn offer(url: &Url) -> Result<(Self, String), PeerError> {
        let socket = UdpSocket::bind((local_address(url).await?, 0)).await?;
        let local = socket.local_addr()?;
        let mut rtc = Rtc::builder()
            .set_crypto_provider(Arc::new(str0m::crypto::from_feature_flags()))
            .clear_codecs()
            .enable_h264(true)
            .enable_opus(true, false)
            .build(Instant::now());
        let candidate = Candidate::host(local, "udp").map_err(RtcError::from)?;
        rtc.add_local_candidate(candidate);
        let mut api = rtc.sdp_api();
        let stream = || Some("rushes".to_owned());
        let sending = Direction::SendOnly;
        let video =
            api.add_media(MediaKind::Video, sending, stream(), Some("picture".into()), None);
        let audio = api.add_media(MediaKind::Audio, sending, stream(), Some("sound".into()), None);
        // Two lines were just added, so there is something to offer.
        let (offer, pending) = api.apply().ok_or(PeerError::Lost)?;
        let peer = Self {
            rtc,
            socket,
            local,
            video,
            audio,
            pending: Some(pending),
            connected: false,
            lost: false,
            key_wanted: true,
            heard: Instant::now(),
        };
        Ok((peer, offer.to_sdp_string()))
    }

    /// Takes the server's answer.
    pub(super) fn accept(&mut self, answer: &str) -> Result<(), PeerError> {
        let answer = SdpAnswer::from_sdp_string(answer)
            .map_err(|error| PeerError::Sdp(error.to_string()))?;
        if let Some(pending) = self.pending.take() {
            self.rtc.sdp_api().accept_answer(pending, answer)?;
        }
        Ok(())
    }

    /// Sends `source` until `stop`, or until the connection is lost.
    pub(super) async fn send(
        &mut self,
        source: &mut LiveSource,
        epoch: Instant,
        stop: &CancellationToken,
        status: &watch::Sender<PublisherStatus>,
    ) -> Result<Ended, PeerError> {
        let give_up = Instant::now() + CONNECT_TIMEOUT;
        let mut pacer: Option<Pacer> = None;
        let mut buffer = [0; MAX_DATAGRAM];
        loop {
            let timeout = self.drain().await?;
            if self.lost || self.connected && self.heard.elapsed() > MAX_SILENCE {
                return Err(PeerError::Lost);
            }
            if self.connected && pacer.is_none() {
                pacer = Some(Pacer::new(source.fps(), epoch.elapsed()));
                status.send_replace(PublisherStatus::Live);
            }
            let media_at = pacer.as_ref().map_or(give_up, |pacer| epoch + pacer.next_at());
            match self.wait(timeout.min(media_at), &mut buffer, stop).await? {
                Wake::Stop => {
                    self.rtc.close()?;
                    self.drain().await?;
                    return Ok(Ended::Stopped);
                }
                Wake::Datagram(length, from) => self.receive(&buffer[..length], from)?,
                Wake::Time => {
                    self.rtc.handle_input(Input::Timeout(Instant::now()))?;
                    self.drain().await?;
                    match &mut pacer {
                        Some(pacer) => self.send_due(source, pacer, epoch).await?,
                        None if Instant::now() >= give_up => return Err(PeerError::Timeout),
                        None => {}
                    }
                }
            }
        }
    }

    async fn wait(
        &self,
        until: Instant,
        buffer: &mut [u8],
        stop: &CancellationToken,
    ) -> Result<Wake, PeerError> {
        tokio::select! {
            () = stop.cancelled() => Ok(Wake::Stop),
            received = self.socket.recv_from(buffer) => match received {
                Ok((length, from)) => Ok(Wake::Datagram(length, from)),
                // A port that is closed for now shows up here; ICE decides when it is lost.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok(Wake::Time),
                Err(error) => Err(error.into()),
            },
            () = tokio::time::sleep_until(until.into()) => Ok(Wake::Time),
        }
    }

    fn receive(&mut self, datagram: &[u8], source: SocketAddr) -> Result<(), PeerError> {
        // What is neither STUN, DTLS nor RTP belongs to nobody.
        let Ok(contents) = datagram.try_into() else { return Ok(()) };
        let receive = Receive { proto: Protocol::Udp, source, destination: self.local, contents };
        let input = Input::Receive(Instant::now(), receive);
        if self.rtc.accepts(&input) {
            self.heard = Instant::now();
            self.rtc.handle_input(input)?;
        }
        Ok(())
    }

    /// Sends out what the session has, and notes its events; returns its next deadline.
    async fn drain(&mut self) -> Result<Instant, PeerError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => return Ok(at),
                Output::Transmit(packet) => {
                    // A datagram that cannot be sent is a lost one, which WebRTC is made for.
                    let sent = self.socket.send_to(&packet.contents, packet.destination).await;
                    if let Err(error) = sent {
                        tracing::trace!(%error, "a datagram was not sent");
                    }
                }
                Output::Event(event) => self.note(event),
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) | Event::Closed => {
                self.lost = true;
            }
            Event::KeyframeRequest(_) => self.key_wanted = true,
            _ => {}
        }
    }

    async fn send_due(
        &mut self,
        source: &mut LiveSource,
        pacer: &mut Pacer,
        epoch: Instant,
    ) -> Result<(), PeerError> {
        while let Some(due) = pacer.take(epoch.elapsed()) {
            match due {
                Due::Frame(frame) => {
                    let at = epoch + pacer.frame_at(frame);
                    let force_key = std::mem::take(&mut self.key_wanted);
                    let unit = source.frame(frame, SystemTime::now() - at.elapsed(), force_key)?;
                    let time = MediaTime::from_90khz(frame_rtp_time(frame, source.fps()));
                    self.write(self.video, Codec::H264, at, time, unit.data).await?;
                }
                Due::Packet(packet) => {
                    let data = source.packet(packet)?;
                    let time = MediaTime::new(packet_rtp_time(packet), Frequency::FORTY_EIGHT_KHZ);
                    self.write(self.audio, Codec::Opus, epoch + packet_at(packet), time, data)
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn write(
        &mut self,
        mid: Mid,
        codec: Codec,
        captured: Instant,
        time: MediaTime,
        data: Vec<u8>,
    ) -> Result<(), PeerError> {
        let pt = self.payload_type(mid, codec)?;
        let writer = self.rtc.writer(mid).ok_or(PeerError::NotTaken(codec))?;
        writer.write(pt, captured, time, data)?;
        self.drain().await?;
        // Packets leave the session when its time moves on.
        self.rtc.handle_input(Input::Timeout(Instant::now()))?;
        self.drain().await?;
        Ok(())
    }

    /// The payload type that the answer took for `codec`: for H.264 that of
    /// constrained baseline in packetization mode 1.
    fn payload_type(&mut self, mid: Mid, codec: Codec) -> Result<Pt, PeerError> {
        let writer = self.rtc.writer(mid).ok_or(PeerError::NotTaken(codec))?;
        let taken = writer.payload_params().filter(|params| params.spec().codec == codec);
        // Both codecs have one best form; another that was taken still serves.
        let best = taken.min_by_key(|params| {
            let format = params.spec().format;
            let baseline = format.profile_level_id.is_none_or(|id| id >> 16 == 0x42);
            !(codec != Codec::H264 || baseline && format.packetization_mode == Some(1))
        });
        best.map(|params| params.pt()).ok_or(PeerError::NotTaken(codec))
    }
}
