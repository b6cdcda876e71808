//! The media plane: streams, their fan-out, and the WebRTC sessions that carry them.
