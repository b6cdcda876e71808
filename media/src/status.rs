//! What a stream does at the moment, for those who show it.

use serde::Serialize;

use crate::ids::{RecordingId, StreamId};
use crate::rtp::Codec;
use crate::rtp_source::RtpStatus;
use crate::srt::SrtStatus;
use crate::transcode::TranscodeRefusal;

/// Whether a stream has a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "UPPERCASE")]
pub enum StreamState {
    /// Nobody publishes.
    #[default]
    Waiting,
    /// A publisher is there, and no media arrives (yet, or at the moment).
    Connecting,
    /// Media arrives.
    Live,
}

/// The figures of a stream. Rates are of the last three seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct StreamStatus {
    /// Whether anything is published.
    pub state: StreamState,
    /// The picture, if there is one.
    pub video: Option<VideoStatus>,
    /// The sound, if there is any.
    pub audio: Option<AudioStatus>,
    /// The layers of the picture, the smallest first; one where nothing else was
    /// agreed on.
    pub layers: Vec<Layer>,
    /// Viewers that are connected.
    pub viewers: usize,
    /// When media began to arrive, in unix milliseconds.
    pub since: Option<i64>,
    /// Whether viewers are sent the picture converted; none where nothing calls for it.
    pub transcode: Option<TranscodeStatus>,
}

/// Whether a picture is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TranscodeState {
    /// It soon will be, and is passed on as it comes until then.
    Starting,
    /// Viewers get it converted: all of them, or those who do not take it as it comes.
    Running,
    /// It is passed on as it comes, and would be converted for a viewer who does not take it; there
    /// is none.
    Ready,
    /// It is passed on as it comes.
    Refused,
}

/// Why a picture is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TranscodeCause {
    /// It has B-frames: what is made takes its place for all viewers.
    #[serde(rename = "B_FRAMES")]
    BFrames,
    /// Its codec, which is not H.264: what is made is for those who do not take that.
    #[serde(untagged)]
    Codec(Codec),
}

/// What comes of a picture that not all viewers show as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TranscodeStatus {
    /// What calls for it.
    pub cause: TranscodeCause,
    /// Whether it is converted.
    pub state: TranscodeState,
    /// The viewers for whom it is converted, as of the last second, where that is not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewers: Option<usize>,
    /// Pictures that were made.
    pub frames: u64,
    /// Pictures of the source that are not among them: they came faster than they are converted.
    pub frames_missed: u64,
    /// Frames that could not be decoded: incomplete, or after such a one and before a key frame.
    pub frames_lost: u64,
    /// Bits a second that are aimed at.
    pub bitrate: u32,
    /// The part of the last second that its thread was at work, 0 to 1.
    pub busy: f64,
    /// Pictures were missed within the last ten seconds.
    pub behind: bool,
    /// Why it is not converted.
    #[serde(skip)]
    pub refusal: Option<TranscodeRefusal>,
}

/// The figures of a video track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VideoStatus {
    /// The codec.
    pub codec: Codec,
    /// Columns, once a key frame has told them.
    pub width: Option<u32>,
    /// Rows, once a key frame has told them.
    pub height: Option<u32>,
    /// Frames per second.
    pub fps: f64,
    /// Payload bits per second.
    pub bitrate: u64,
    /// Seconds between the last two key frames.
    pub keyframe_interval: Option<f64>,
    /// Packets received.
    pub packets: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Interarrival jitter in milliseconds.
    pub jitter: f64,
    /// How often packets stayed away for more than half a second.
    pub gaps: u64,
    /// Whether there are B-frames, which browsers show out of order or not at all.
    pub b_frames: bool,
    /// The profile and level in words, as `High 4.0`; told of H.264 alone.
    pub profile: Option<String>,
}

/// The figures of an audio track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AudioStatus {
    /// The codec.
    pub codec: Codec,
    /// Payload bits per second.
    pub bitrate: u64,
    /// Packets received.
    pub packets: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Interarrival jitter in milliseconds.
    pub jitter: f64,
    /// How often packets stayed away for more than half a second.
    pub gaps: u64,
    /// Channels as of the last packet: one or two.
    pub channels: u8,
}

/// What is known of a source that sends a transport stream over SRT.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceStatus {
    /// Its connection.
    pub srt: SrtStatus,
    /// What is wrong with what it sends, in words for those who set the encoder up.
    pub problems: Vec<String>,
    /// Frames that came incomplete, and were left out.
    pub frames_lost: u64,
    /// Packets that were left out because this server was overloaded.
    pub skipped: u64,
}

/// What is known of a source that sends RTP.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RtpSourceStatus {
    /// Its senders.
    pub rtp: RtpStatus,
    /// What is wrong with what it sends, in words for those who set the encoder up.
    pub problems: Vec<String>,
    /// Frames that were left out: incomplete, or after such a one and before a key frame.
    pub frames_lost: u64,
    /// Packets that were left out because this server was overloaded.
    pub skipped: u64,
}

/// What a running recording has got so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordingStatus {
    /// Which one.
    pub id: RecordingId,
    /// When its first picture was, in unix milliseconds; none before it.
    pub since: Option<i64>,
    /// How long it is, in milliseconds.
    pub duration_ms: i64,
    /// Bytes of its file.
    pub bytes: u64,
    /// Frames that the stream's publisher sent and that are in no recording: incomplete ones, those
    /// up to the next key frame, and what came faster than it could be written.
    pub frames_left_out: u64,
    /// Why there is nothing yet, in words.
    pub problem: Option<String>,
}

/// Something that happened to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaEvent {
    /// Media arrives, where there was none.
    Live {
        /// The stream.
        stream: StreamId,
    },
    /// Media no longer arrives: the publisher left, or fell silent.
    Offline {
        /// The stream.
        stream: StreamId,
    },
}

/// A simulcast layer of a stream's picture.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Layer {
    /// The restriction identifier (RFC 8851); empty where there is only one layer.
    pub rid: String,
    /// Columns, once a key frame has told them.
    pub width: Option<u32>,
    /// Rows, once a key frame has told them.
    pub height: Option<u32>,
    /// Frames per second.
    pub fps: f64,
    /// Payload bits per second.
    pub bitrate: u64,
    /// Whether packets of it arrive.
    pub active: bool,
}

/// A change of a layer's bit rate beyond this share is news: it changes all the time.
const BITRATE_STEP: f64 = 0.25;

impl Layer {
    /// Whether this is news to who was last told of `told`.
    pub fn is_news(&self, told: &Self) -> bool {
        let step = self.bitrate.abs_diff(told.bitrate) as f64 > told.bitrate as f64 * BITRATE_STEP;
        let of = |layer: &Self| (layer.active, layer.width, layer.height);
        self.rid != told.rid || of(self) != of(told) || step
    }

    /// The same of all the layers of a picture.
    pub fn are_news(now: &[Self], told: &[Self]) -> bool {
        now.len() != told.len() || now.iter().zip(told).any(|(now, told)| now.is_news(told))
    }
}

/// What a viewer may be told of its stream while it watches; the latest counts.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Feed {
    /// Whether media arrives.
    pub active: bool,
    /// The layers of the picture, the smallest first.
    pub layers: Vec<Layer>,
    /// Viewers that are connected.
    pub viewers: usize,
    /// The server is about to end: the client should come again.
    pub reconnect: bool,
}

impl Feed {
    /// Whether there is anything to tell who was last told `told`.
    pub fn is_news(&self, told: &Self) -> bool {
        let of = |feed: &Self| (feed.active, feed.viewers, feed.reconnect);
        of(self) != of(told) || Layer::are_news(&self.layers, &told.layers)
    }
}

/// Which layer of the picture a viewer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayerLimits {
    /// No more columns than these.
    pub width: Option<u32>,
    /// No more rows than these.
    pub height: Option<u32>,
}

/// How a viewer's layer is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LayerChoice {
    /// As its network allows.
    #[default]
    Auto,
    /// This one, by its identifier, whatever the network says.
    Rid(String),
    /// As its network allows, of those that are not larger.
    Limited(LayerLimits),
}

/// How much there is of what has limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Sessions, connected or not yet.
    pub sessions: usize,
    /// TCP connections of clients.
    pub tcp_connections: usize,
    /// Those of them that have not shown yet whose session they are.
    pub tcp_unproven: usize,
    /// How often one of them took so little that all that waited for it was dropped.
    pub tcp_full: u64,
}

/// What carries a session's media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP (RFC 6544): its network lets no UDP through.
    Tcp,
}

/// How a viewer receives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewerStatus {
    /// The beginning of its session's identifier: the whole would let a reader end it.
    pub session: String,
    /// When it was connected, in unix milliseconds.
    pub since: i64,
    /// What carries its media; none while its client has lost its way here.
    pub transport: Option<Transport>,
    /// RTP packets sent, retransmissions included.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Packets sent again.
    pub retransmitted: u64,
    /// Packets that it says it never got.
    pub lost: u64,
    /// The share of packets lost before its last report, 0 to 1.
    pub loss: f64,
    /// Interarrival jitter in milliseconds, as it says.
    pub jitter: f64,
    /// Round trip in milliseconds.
    pub rtt: Option<f64>,
    /// Requests for missing packets.
    pub nacks: u64,
    /// Requests for a key frame.
    pub plis: u64,
    /// Its own estimate of its bandwidth in bits per second.
    pub bandwidth: Option<u64>,
    /// The layer that it is sent, where there are several.
    pub layer: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_rate_is_news_when_it_has_changed_by_a_quarter() {
        let feed = |bitrate, active| {
            let rid = "h".to_owned();
            let layer = Layer { rid, width: None, height: None, fps: 30.0, bitrate, active };
            Feed { active: true, layers: vec![layer], viewers: 1, reconnect: false }
        };
        let is_news = |told, now| feed(now, true).is_news(&feed(told, true));
        assert!(!is_news(1_000_000, 1_200_000));
        assert!(is_news(1_000_000, 1_300_000));
        assert!(is_news(1_000_000, 700_000));
        assert!(is_news(0, 1) && !is_news(0, 0));
        assert!(feed(1, false).is_news(&feed(1, true)));
        assert!(Feed { viewers: 2, ..feed(1, true) }.is_news(&feed(1, true)));
        assert!(Feed { layers: Vec::new(), ..feed(1, true) }.is_news(&feed(1, true)));
    }
}
