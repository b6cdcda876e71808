//! WHIP, WHEP, the WebSocket envelope and the wire form of room commands.

pub mod envelope;
pub mod meeting;
pub mod room;
pub mod whip;
