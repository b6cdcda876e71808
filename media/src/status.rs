//! What a stream does at the moment, for those who show it.

use serde::Serialize;

use crate::ids::StreamId;
use crate::rtp::Codec;

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
    /// Viewers that are connected.
    pub viewers: usize,
    /// When media began to arrive, in unix milliseconds.
    pub since: Option<i64>,
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
