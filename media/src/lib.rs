//! The media plane: streams, their fan-out, and the WebRTC sessions that carry
//! them.
//!
//! [`Stream`](stream::Stream) is a sans-IO core; only `driver` knows sockets and
//! tokio.

mod driver;
mod error;
mod ids;
pub mod rtp;
pub mod srtp;
mod status;
pub mod stream;
mod webrtc;

pub use driver::{Answer, Media, MediaConfig};
pub use error::{OfferError, TrickleError};
pub use ids::{BadId, SessionId, StreamId};
pub use status::{AudioStatus, MediaEvent, StreamState, StreamStatus, VideoStatus};
