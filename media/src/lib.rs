//! The media plane: streams, their fan-out, and the WebRTC sessions that carry
//! them.
//!
//! [`Stream`](stream::Stream) is a sans-IO core; only `driver` knows sockets and
//! tokio.

mod ahead;
mod coded;
pub mod composite;
mod driver;
mod egress;
mod error;
pub mod feed;
mod framing;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod ids;
mod meeting;
mod nal;
mod network;
pub mod picture;
mod reception;
pub mod recording;
pub mod rtcp;
pub mod rtp;
mod rtp_source;
mod slate;
pub mod srt;
pub mod srtp;
mod status;
pub mod stream;
mod transcode;
pub mod ts;
mod uninit;
mod webrtc;

pub use driver::{
    Absent, Act, Admission, Answer, BoxFuture, Caller, CompositeError, CompositeStatus, Composites,
    Ffmpeg, Gate, Joined, Media, MediaConfig, Recorded, RecordingConfig, RecordingError,
    Recordings, ReplayClip, Rtp, RtpConfig, RtpGate, Srt, SrtConfig, Still, Stills, TapeLoad,
    TcpLimits, Trickled, finish_recording,
};
pub use error::{OfferError, SelectError, TrickleError};
pub use ids::{AttendeeId, BadId, MeetingId, RecordingId, SessionId, StreamId};
pub use meeting::{
    Attending, CAMERAS, Ending, Joining, LAYER_RATES, MEMBERS, MeetingError, MeetingEvent,
    PICTURES, Rules, Source, TALKERS, VOICES,
};
pub use network::network;
pub use rtp_source::{
    Declaration, DeclarationError, DeclaredTrack, RtpOrigin, RtpSource, RtpStatus, RtpTrack,
    Stranger,
};
pub use status::{
    AudioStatus, Feed, Layer, LayerChoice, LayerLimits, Load, MediaEvent, RecordingStatus,
    RtpSourceStatus, SourceStatus, StreamState, StreamStatus, TranscodeCause, TranscodeState,
    TranscodeStatus, Transport, VideoStatus, ViewerStatus,
};
pub use transcode::{OutsideFault, TranscodeLimits, TranscodeRefusal};
pub use webrtc::Offered;
