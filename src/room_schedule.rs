//! When a room is to begin, over HTTP: `PUT /rooms/{id}/schedule` says when, `DELETE` takes it back.
//!
//! The contract has a status for rooms that are planned, and no request that gives it.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path, State},
    http::HeaderMap,
    routing::put,
};
use serde::Deserialize;

use crate::{
    api::{self, ReviewSession, Schedule},
    app::App,
    error::{ApiError, ApiResult, Code},
    rpc,
    time::Millis,
};

/// The largest body, in bytes; it is one date.
const BODY: usize = 1024;

/// The route.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/rooms/{id}/schedule", put(set).delete(clear))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(app)
}

#[derive(Deserialize)]
struct Body {
    start_time: Millis,
}

async fn set(
    app: State<Arc<App>>,
    peer: ConnectInfo<SocketAddr>,
    room: Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ReviewSession>, ApiError> {
    let body: Body = serde_json::from_slice(&body).map_err(|error| {
        let code = Code::INVALID_DATA;
        ApiError::new(code).field("start_time", code, error.to_string())
    })?;
    schedule(app, peer, room, headers, Some(body.start_time)).await
}

async fn clear(
    app: State<Arc<App>>,
    peer: ConnectInfo<SocketAddr>,
    room: Path<String>,
    headers: HeaderMap,
) -> Result<Json<ReviewSession>, ApiError> {
    schedule(app, peer, room, headers, None).await
}

async fn schedule(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(room): Path<String>,
    headers: HeaderMap,
    start_time: Option<Millis>,
) -> ApiResult<Json<ReviewSession>> {
    let peer = peer.ip().to_canonical();
    let caller = rpc::caller(&app, &headers, peer).await?;
    let id = room.parse().map_err(|_| ApiError::new(Code::ROOM_NOT_FOUND))?;
    let schedule = Schedule { id, start_time };
    Ok(Json(rpc::write(&app, caller, peer, api::schedule_room, schedule).await?))
}
