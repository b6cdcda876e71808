//! A publisher and a viewer on the `webrtc` crate, and a publisher on `srt-tokio`, which share no code
//! with the server's own WebRTC and SRT: the examples run them, and the interop tests hold the server
//! against them.

#![allow(dead_code, reason = "each program takes its part of this")]

pub(crate) mod connection;
pub(crate) mod publisher;
pub(crate) mod rtp;
pub(crate) mod srt;
pub(crate) mod viewer;

/// What goes wrong with a peer, as a sentence.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
