//! Real clients against the real server: whatever publishes, a viewer that
//! shares no code with the server receives picture and sound.
//!
//! The server is the binary itself, as a child process with a data folder of
//! its own. ffmpeg 8 and 9 are found as `scripts/tools` puts them (see
//! [`ffmpeg`]); a missing one fails the test, with the command that installs it.

mod demo;
mod ffmpeg;
mod libdatachannel;
#[path = "../../examples/peer/mod.rs"]
mod peer;
mod publish;
mod server;
mod takeover;
