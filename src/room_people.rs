//! One person of a room over HTTP: `DELETE /rooms/{id}/users/{user}` takes them out.
//!
//! `/update/review_session` names all who stay, so that whoever was invited since its sender asked
//! who is there would leave too.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{ConnectInfo, Path, State},
    http::HeaderMap,
    routing::delete,
};

use crate::{
    api::{self, Removal},
    app::App,
    error::{ApiError, Code},
    rpc,
};

/// The route.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().route("/rooms/{id}/users/{user}", delete(remove)).with_state(app)
}

async fn remove(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>,
    Path((room, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<api::Success>, ApiError> {
    let peer = peer.ip().to_canonical();
    let caller = rpc::caller(&app, &headers, peer).await?;
    let removal = Removal {
        id: room.parse().map_err(|_| ApiError::new(Code::ROOM_NOT_FOUND))?,
        user_id: user.parse().map_err(|_| ApiError::new(Code::USER_NOT_FOUND))?,
    };
    Ok(Json(rpc::write(&app, caller, peer, api::remove_from_room, removal).await?))
}
