//! The media plane: streams, their fan-out, and the WebRTC sessions that carry
//! them.
//!
//! [`Stream`](stream::Stream) is a sans-IO core; only `driver` knows sockets and
//! tokio.

mod driver;
mod egress;
mod error;
mod framing;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod ids;
mod network;
pub mod rtcp;
pub mod rtp;
pub mod srtp;
mod status;
pub mod stream;
mod webrtc;

pub use driver::{Absent, Answer, Media, MediaConfig, TcpLimits, Trickled};
pub use error::{OfferError, SelectError, TrickleError};
pub use ids::{BadId, SessionId, StreamId};
pub use network::network;
pub use status::{
    AudioStatus, Feed, Layer, LayerChoice, LayerLimits, Load, MediaEvent, StreamState,
    StreamStatus, Transport, VideoStatus, ViewerStatus,
};
