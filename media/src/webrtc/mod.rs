//! WebRTC peers: what is agreed on in SDP, ICE, DTLS and RTCP of those who publish and view,
//! and str0m in RTP mode for the members of meetings.
//!
//! Still sans-IO: datagrams and the clock are arguments.

mod answer;
mod direction;
mod dtls;
mod dtls_openssl;
mod ice;
mod link;
mod member;
mod multiopus;
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

pub(crate) use ice::Pair;
pub(crate) use link::{Link, is_media};
pub(crate) use member::Member;
pub use member::Offered;
pub(crate) use negotiate::{Source, TrackFormat};
pub(crate) use peer::PeerSetup;
pub(crate) use publisher::{Media as PublishedMedia, Output as PublisherOutput, Publisher};
pub(crate) use sprop::base64;
pub(crate) use stun::{is_stun, local_ufrag};
pub(crate) use trickle::Fragment;
pub(crate) use viewer::{Output as ViewerOutput, Viewer};
