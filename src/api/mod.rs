//! The API: a file per category, and here the list of all that is built.
//!
//! `r.read(path, handler)` runs the handler in a transaction that only reads, `r.write(…)` in the
//! one that writes. Guests of rooms are refused everywhere but where `.guests()` follows; those
//! handlers check that a guest stays within their room. What is not listed answers error 501.

mod server;

use crate::{
    rooms,
    rpc::{Extensions, Routes},
};

/// All that is built of the contract.
#[must_use]
pub fn routes() -> Routes {
    let mut r = Routes::default();
    r.read("/ping", server::ping).guests();
    r.read("/server-status", server::status).guests();
    r
}

/// The WebSocket endpoints beyond the contract.
#[must_use]
pub fn extensions() -> Extensions {
    let mut extensions = Extensions::default();
    extensions.add("rushes/room/", rooms::RoomExtension::default());
    extensions
}
