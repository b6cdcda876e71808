//! Whether the server is there, and well.

use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::{
    error::ApiResult,
    rpc::{Ctx, Empty},
};

/// What `/ping` answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pong {
    #[serde(rename = "buildId")]
    build_id: Option<String>,
    #[serde(rename = "buildTime")]
    build_time: Option<String>,
    ip: Option<String>,
    maintenance_mode: Option<bool>,
    pong: Option<bool>,
    #[serde(rename = "sourceVersion")]
    source_version: Option<String>,
    time: Option<String>,
}

/// Says that the server is there, and what time it has.
pub(super) async fn ping(ctx: &mut Ctx, _: Empty) -> ApiResult<Pong> {
    Ok(Pong {
        build_id: None,
        build_time: None,
        ip: Some(ctx.peer.to_string()),
        maintenance_mode: Some(ctx.app().draining.load(Ordering::Relaxed)),
        pong: Some(true),
        source_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        time: Some(ctx.now().to_string()),
    })
}

/// What `/server-status` answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Status {
    ok: Option<bool>,
    status_error: Option<String>,
}

/// Says that the server can read its database: this runs inside a transaction.
pub(super) async fn status(ctx: &mut Ctx, _: Empty) -> ApiResult<Status> {
    let draining = ctx.app().draining.load(Ordering::Relaxed);
    Ok(Status { ok: Some(!draining), status_error: draining.then(|| "shutting down".to_owned()) })
}
