//! `rushes demo`: a server on this machine that shows itself, with a test
//! pattern that is published the way a camera's encoder would.

pub mod clip;
pub mod encode;
pub mod pattern;
mod peer;
pub mod picture;
pub mod publisher;
pub mod source;
pub mod strip;
pub mod text;
pub mod whip_client;

use std::{future::Future, sync::Arc};

use crate::app::App;

/// Why the demo did not come up, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The server lacks what the demo shows.
    #[error("the demo is not there yet")]
    NotThere,
}

/// Puts the demo production, its room and its test pattern into a running server, prints the
/// links, and publishes until `shutdown` resolves.
///
/// # Errors
/// When something of it cannot be made.
pub async fn run(app: &Arc<App>, shutdown: impl Future<Output = ()>) -> Result<(), DemoError> {
    let _ = (app, shutdown);
    Err(DemoError::NotThere)
}
