//! WebRTC peers: what is agreed on in SDP, and str0m in RTP mode behind it.
//!
//! Still sans-IO: datagrams and the clock are arguments.

mod answer;
mod clock;
mod direction;
mod dtls_openssl;
mod member;
mod negotiate;
mod peer;
mod publisher;
mod sdp;
mod simulcast;
mod sprop;
mod stun;
mod trickle;
mod viewer;

#[cfg(test)]
mod tests;

pub(crate) use member::Member;
pub use member::Offered;
pub(crate) use negotiate::{Source, TrackFormat};
pub(crate) use peer::{Peer, PeerSetup};
pub(crate) use publisher::Publisher;
pub(crate) use stun::{is_stun, local_ufrag};
pub(crate) use trickle::Fragment;
pub(crate) use viewer::{Output as ViewerOutput, Pair, Viewer};
