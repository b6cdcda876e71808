//! Real clients against the real server: whatever publishes, a viewer that
//! shares no code with the server receives picture and sound.
//!
//! The server is the binary itself, as a child process with a data folder of
//! its own. ffmpeg 8 and 9 are found as `scripts/tools` puts them (see
//! [`ffmpeg`]), the browsers as Debian does (see [`browser`]); a missing one fails the test, with
//! the command that installs it. Clients that refuse the loopback run in network namespaces
//! (see [`namespace`]), and a bad network is a proxy of ours (see [`proxy`]).

mod beside;
mod browser;
mod camera;
mod chromium;
mod composite;
mod declared;
mod demo;
mod drain;
mod ffmpeg;
mod figures;
mod firefox;
mod gstreamer;
mod h265;
mod ice_tcp;
mod libdatachannel;
mod loss;
mod namespace;
mod peculiarities;
#[path = "../../examples/peer/mod.rs"]
mod peer;
mod proxy;
mod publish;
mod qtake;
mod recorded;
mod returns;
mod rtp;
mod rtp_reports;
mod server;
mod simulcast;
mod slate;
mod socket;
mod srt;
mod srt_wire;
mod surround;
mod takeover;
mod transcode;
mod turn;
