//! One person of a room over HTTP: `DELETE /rooms/{id}/users/{user}` takes them out.
//!
//! `/update/review_session` names all who stay, so that whoever was invited since its sender asked
//! who is there would leave too.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::delete,
};

use crate::{
    api::{self, Removal},
    app::App,
    error::{ApiError, Code},
    rpc::{self, Asking},
};

/// The route.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().route("/rooms/{id}/users/{user}", delete(remove)).with_state(app)
}

async fn remove(
    State(app): State<Arc<App>>,
    Asking { caller, peer }: Asking,
    Path((room, user)): Path<(String, String)>,
) -> Result<Json<api::Success>, ApiError> {
    let removal = Removal {
        id: room.parse().map_err(|_| ApiError::new(Code::ROOM_NOT_FOUND))?,
        user_id: user.parse().map_err(|_| ApiError::new(Code::USER_NOT_FOUND))?,
    };
    Ok(Json(rpc::write(&app, caller, peer, api::remove_from_room, removal).await?))
}
