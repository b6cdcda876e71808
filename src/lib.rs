//! Rushes: a self-hosted server for film and television review.

pub mod access;
pub mod api;
pub mod app;
mod bootstrap;
pub mod cli;
pub mod config;
pub mod contract;
mod csv_upload;
pub mod demo;
pub mod error;
pub mod events;
pub mod files;
pub mod ids;
pub mod jobs;
mod listen;
pub mod live;
pub mod login_guard;
pub mod mail;
pub mod meetings;
mod ops;
pub mod provision;
mod qr;
pub mod room_log;
mod room_people;
mod room_schedule;
pub mod rooms;
pub mod rpc;
pub mod secret;
pub mod server;
pub mod store;
pub mod time;
pub mod web;

pub use server::{Listeners, RunError, Server, run};
