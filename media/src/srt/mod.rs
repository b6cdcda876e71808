//! SRT (draft-sharabayko-srt-01): the receiving end of live streams, for any number of
//! callers on one port.
//!
//! [`Listener`] is sans-IO: it is given datagrams and the time, and says what to send, who
//! asks to be let in, and what came. What a stranger sends costs a cookie; what is kept of
//! a caller begins with the cookie's return.

mod clock;
mod cookie;
mod handshake;
mod keys;
mod link;
mod listener;
mod packet;
mod seq;
mod spare;
mod stats;
mod stream_id;
#[cfg(test)]
pub(crate) mod tests;
mod window;

pub use handshake::Rejection;
pub use keys::{KeyMessage, Keys, PASSPHRASE};
pub use link::Closed;
pub use listener::{Call, CallId, Limits, LinkId, Listener, Output};
pub(crate) use stats::Rate;
pub use stats::SrtStatus;
pub use stream_id::{Mode, StreamRequest};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use {keys::sender::SenderKeys, packet::KeySlot};
