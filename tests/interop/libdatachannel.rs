//! libdatachannel as a publisher, used the way OBS does: an offer without any
//! candidate, nothing trickled, no answer to key frame requests, and at the end DTLS closes before
//! the DELETE, of which only a 200 counts.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use datachannel::sdp::parse_sdp;
use datachannel::{
    Codec, ConnectionState, DataChannelHandler, DataChannelInfo, Direction, GatheringState,
    PeerConnectionHandler, RtcConfig, RtcPeerConnection, RtcTrack, SdpType, SessionDescription,
    TrackHandler, TrackInit,
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use reqwest::{StatusCode, Url};
use rtc::shared::marshal::Marshal;
use rushes::demo::picture::Size;
use rushes::demo::source::{Due, LiveSource, Pacer, SourceConfig, frame_rtp_time, packet_rtp_time};
use rushes::demo::strip::Source;
use rushes::demo::whip_client::WhipTarget;
use tokio::sync::watch;

use crate::peer::Error;
use crate::peer::rtp::Packetizer;

/// What OBS waits for an answer and for the connection.
const TIMEOUT: Duration = Duration::from_secs(8);
const AUDIO_TYPE: u8 = 111;
const VIDEO_TYPE: u8 = 96;

/// A publisher that runs on a thread of its own.
pub(crate) struct ObsLike {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<Result<(), String>>>,
    connection: Option<Box<RtcPeerConnection<Events>>>,
    session: Url,
    bearer: String,
}

/// Forwards libdatachannel's callbacks.
struct Events {
    gathered: watch::Sender<bool>,
    connected: watch::Sender<bool>,
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
        self.connected.send_replace(state == ConnectionState::Connected);
    }
}

/// A track that hears nothing.
struct SendOnly;

impl TrackHandler for SendOnly {}

type Track = Box<RtcTrack<SendOnly>>;

impl ObsLike {
    /// Publishes the test pattern with key frames every second.
    pub(crate) async fn publish(target: &WhipTarget) -> Result<Self, Error> {
        let (gathered_tx, mut gathered) = watch::channel(false);
        let (connected_tx, mut connected) = watch::channel(false);
        let events = Events { gathered: gathered_tx, connected: connected_tx };
        let mut connection = RtcPeerConnection::new(&RtcConfig::new::<&str>(&[]), events)?;
        let audio_ssrc: u32 = rand::random();
        let video_ssrc = audio_ssrc.wrapping_add(1);
        let audio = connection.add_track_ex(&audio_track(audio_ssrc)?, SendOnly)?;
        let video = connection.add_track_ex(&video_track(video_ssrc)?, SendOnly)?;
        connection.set_local_description(SdpType::Offer)?;
        tokio::time::timeout(TIMEOUT, gathered.wait_for(|done| *done)).await??;
        let offer = connection.local_description().ok_or("no local description")?;
        let (session, answer) = post(target, without_candidates(&offer.sdp.to_string())).await?;
        let answer = parse_sdp(&answer, false).map_err(|error| error.to_string())?;
        connection.set_remote_description(&SessionDescription {
            sdp: answer,
            sdp_type: SdpType::Answer,
        })?;
        tokio::time::timeout(TIMEOUT, connected.wait_for(|connected| *connected))
            .await
            .map_err(|_| "libdatachannel does not connect")??;
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let packetizers =
            (Packetizer::h264(video_ssrc, VIDEO_TYPE), Packetizer::opus(audio_ssrc, AUDIO_TYPE));
        let thread = thread::spawn(move || {
            send(video, audio, packetizers, &ended).map_err(|error| error.to_string())
        });
        Ok(Self {
            stop,
            thread: Some(thread),
            connection: Some(connection),
            session,
            bearer: target.bearer.clone(),
        })
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
    }
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

fn send(
    mut video: Track,
    mut audio: Track,
    (mut pictures, mut sounds): (Packetizer, Packetizer),
    stop: &AtomicBool,
) -> Result<(), Error> {
    let config = SourceConfig {
        size: Size::new(640, 360)?,
        title: "LIBDATACHANNEL".into(),
        source: Source::Other,
        ..SourceConfig::default()
    };
    let mut source = LiveSource::new(&config)?;
    let epoch = Instant::now();
    let mut pacer = Pacer::new(config.fps, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(pacer.next_at().saturating_sub(epoch.elapsed()));
        while let Some(due) = pacer.take(epoch.elapsed()) {
            let (track, packets) = match due {
                Due::Frame(n) => {
                    let unit = source.frame(n, SystemTime::now(), false)?;
                    let time = frame_rtp_time(n, config.fps) as u32;
                    (&mut video, pictures.packets(unit.data, time)?)
                }
                Due::Packet(n) => {
                    let time = packet_rtp_time(n) as u32;
                    (&mut audio, sounds.packets(source.packet(n)?, time)?)
                }
            };
            for packet in packets {
                // A server that has closed the connection ends the test elsewhere.
                let _ = track.send(&packet.marshal()?);
            }
        }
    }
    Ok(())
}
