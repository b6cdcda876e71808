//! `rushes demo`: a server on this machine that shows itself, with a test
//! pattern that is published the way a camera's encoder would.

pub mod clip;
pub mod encode;
pub mod pattern;
mod peer;
pub mod picture;
pub mod publisher;
pub mod source;
pub mod strip;
pub mod text;
pub mod whip_client;
