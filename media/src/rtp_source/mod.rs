//! Sources that send plain RTP (RFC 3550) without any agreement: who they are is told by their
//! address, what they send by their packets, or by what is declared for them.
//!
//! [`RtpSource`] is sans-IO: it is given a registered source's datagrams and the time, and makes
//! of them what a [`Feed`](crate::feed::Feed) makes of a transport stream.

mod aac;
mod classify;
mod clock;
mod declared;
mod format;
mod frames;
mod h264;
mod h265;
mod lane;
mod packet;
mod pcm;
mod reorder;
mod sdp;
mod sound;
mod source;
mod table;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use aac::AacFrames;
pub use declared::{Declaration, DeclarationError, DeclaredTrack};
pub(crate) use frames::{Frame, Frames, Video};
pub use source::{RtpSource, RtpStatus, RtpTrack};
pub(crate) use table::Table;
pub use table::{RtpOrigin, Stranger};
