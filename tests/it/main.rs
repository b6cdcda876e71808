//! Behaviour over the API.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod composite;
mod contract;
mod destination;
mod docs;
mod elemental;
mod files;
mod harness;
mod http;
mod identity;
mod layers;
mod live;
mod live_stage;
mod mail;
mod people;
mod playlists;
mod process;
mod qtake;
mod recording;
mod rooms;
mod rtp;
mod slate;
mod srt;
mod tree;
mod websocket;
mod whep;
mod whip;
mod world;
