//! When a room is to begin, over HTTP: `PUT /rooms/{id}/schedule` says when, `DELETE` takes it back.
//!
//! The contract has a status for rooms that are planned, and no request that gives it.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    routing::put,
};
use serde::Deserialize;

use crate::{
    api::{self, ReviewSession, Schedule},
    app::App,
    error::{ApiError, ApiResult, Code},
    rpc::{self, Asking},
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
    State(app): State<Arc<App>>,
    asking: Asking,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<Json<ReviewSession>, ApiError> {
    let body: Body = serde_json::from_slice(&body).map_err(|error| {
        let code = Code::INVALID_DATA;
        ApiError::new(code).field("start_time", code, error.to_string())
    })?;
    schedule(&app, asking, &room, Some(body.start_time)).await
}

async fn clear(
    State(app): State<Arc<App>>,
    asking: Asking,
    Path(room): Path<String>,
) -> Result<Json<ReviewSession>, ApiError> {
    schedule(&app, asking, &room, None).await
}

async fn schedule(
    app: &Arc<App>,
    Asking { caller, peer }: Asking,
    room: &str,
    start_time: Option<Millis>,
) -> ApiResult<Json<ReviewSession>> {
    let id = room.parse().map_err(|_| ApiError::new(Code::ROOM_NOT_FOUND))?;
    let schedule = Schedule { id, start_time };
    Ok(Json(rpc::write(app, caller, peer, api::schedule_room, schedule).await?))
}
