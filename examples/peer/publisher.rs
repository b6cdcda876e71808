//! Publishes the demo's test pattern over WHIP.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_H264, MIME_TYPE_OPUS, MediaEngine,
};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use rushes::demo::source::{Due, LiveSource, Pacer, SourceConfig, frame_rtp_time, packet_rtp_time};
use rushes::demo::whip_client::WhipTarget;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;

use super::Error;
use super::connection::Connection;
use super::rtp::Packetizer;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const VIDEO_TYPE: u8 = 102;
const AUDIO_TYPE: u8 = 111;

/// A connected publisher.
pub(crate) struct Publisher {
    connection: Connection,
    video: Track,
    audio: Track,
}

/// One track with its packetiser.
struct Track {
    local: Arc<TrackLocalStaticRTP>,
    packetizer: Packetizer,
}

impl Publisher {
    /// Offers H.264 and Opus to `target` and waits for the connection.
    pub(crate) async fn connect(target: WhipTarget) -> Result<Self, Error> {
        let mut media = MediaEngine::default();
        media.register_codec(h264(), RtpCodecKind::Video)?;
        media.register_codec(opus(), RtpCodecKind::Audio)?;
        let (mut connection, _tracks) = Connection::new(target, media).await?;
        let (video_ssrc, audio_ssrc) = (rand::random(), rand::random());
        let video = Arc::new(local_track(RtpCodecKind::Video, h264().rtp_codec, video_ssrc));
        let audio = Arc::new(local_track(RtpCodecKind::Audio, opus().rtp_codec, audio_ssrc));
        connection.peer.add_track(Arc::clone(&video) as Arc<dyn TrackLocal>).await?;
        connection.peer.add_track(Arc::clone(&audio) as Arc<dyn TrackLocal>).await?;
        connection.negotiate().await?;
        connection.connected(CONNECT_TIMEOUT).await?;
        Ok(Self {
            connection,
            video: Track { local: video, packetizer: Packetizer::h264(video_ssrc, VIDEO_TYPE) },
            audio: Track { local: audio, packetizer: Packetizer::opus(audio_ssrc, AUDIO_TYPE) },
        })
    }

    /// Publishes in real time until `until` says enough of the number of frames sent.
    pub(crate) async fn publish(
        &mut self,
        config: &SourceConfig,
        mut enough: impl FnMut(u64) -> bool,
    ) -> Result<u64, Error> {
        let mut source = LiveSource::new(config)?;
        let epoch = Instant::now();
        let mut pacer = Pacer::new(config.fps, Duration::ZERO);
        let mut frames = 0;
        while !enough(frames) {
            tokio::time::sleep_until((epoch + pacer.next_at()).into()).await;
            while let Some(due) = pacer.take(epoch.elapsed()) {
                match due {
                    Due::Frame(n) => {
                        let unit = source.frame(n, SystemTime::now(), false)?;
                        self.video.send(unit.data, frame_rtp_time(n, config.fps)).await?;
                        frames += 1;
                    }
                    Due::Packet(n) => {
                        self.audio.send(source.packet(n)?, packet_rtp_time(n)).await?;
                    }
                }
            }
        }
        Ok(frames)
    }

    /// Ends the session.
    pub(crate) async fn close(self) -> Result<(), Error> {
        self.connection.close().await
    }
}

impl Track {
    async fn send(&mut self, data: Vec<u8>, time: u64) -> Result<(), Error> {
        // RTP time wraps at 32 bits.
        for packet in self.packetizer.packets(data, time as u32)? {
            self.local.write_rtp(packet).await?;
        }
        Ok(())
    }
}

fn local_track(kind: RtpCodecKind, codec: RTCRtpCodec, ssrc: u32) -> TrackLocalStaticRTP {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..RTCRtpCodingParameters::default()
        },
        codec,
        ..RTCRtpEncodingParameters::default()
    };
    let name = |part: &str| format!("pattern-{part}-{kind}");
    TrackLocalStaticRTP::new(MediaStreamTrack::new(
        "pattern".to_owned(),
        name("track"),
        name("label"),
        kind,
        vec![encoding],
    ))
}

/// Constrained baseline.
pub(super) fn h264() -> RTCRtpCodecParameters {
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: MIME_TYPE_H264.to_owned(),
            clock_rate: 90_000,
            channels: 0,
            sdp_fmtp_line: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
                .to_owned(),
            rtcp_feedback: vec![],
        },
        payload_type: VIDEO_TYPE,
    }
}

pub(super) fn opus() -> RTCRtpCodecParameters {
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: MIME_TYPE_OPUS.to_owned(),
            clock_rate: 48_000,
            channels: 2,
            sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
            rtcp_feedback: vec![],
        },
        payload_type: AUDIO_TYPE,
    }
}
