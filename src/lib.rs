//! Rushes: a self-hosted server for film and television review.

pub mod contract;
pub mod demo;
pub mod error;
pub mod ids;
pub mod store;
pub mod time;
