//! Behaviour over the API.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod contract;
mod harness;
mod http;
mod layers;
mod process;
mod rooms;
mod websocket;
