//! WHIP, WHEP, the WebSocket envelope, the wire form of room commands and of voice and camera, and
//! how fast one may ask.

pub mod chat;
pub mod drawing;
pub mod envelope;
pub mod log;
pub mod meeting;
pub mod rate;
pub mod room;
pub mod voice;
pub mod whip;
