//! Behaviour over the API.

mod contract;
mod harness;
mod http;
mod layers;
mod websocket;
