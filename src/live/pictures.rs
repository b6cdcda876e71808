//! Pictures of live sources over HTTP, by short-lived signed links.
//!
//! Whoever may watch a source is given links to its picture (`picture_url`). Elements of browsers
//! send no header, so that the signature is a part of the link. What is made for one link is kept
//! for ten seconds for all.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rushes_media::picture::StillError;
use serde::Deserialize;

use super::{may_watch, stream_of};
use crate::{
    app::App,
    error::{ApiError, ApiResult, Code},
    files::{sign, subject, verify},
    ids::{RegistrationId, UserId},
    rpc::{Caller, CallerKind},
    store::{self, text::AccountStatus},
    time::Millis,
};

/// How long a link works. Who shows it for longer asks for the source again, and is given another.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// What signatures call a picture.
const KIND: &str = "picture";

/// The route of the pictures.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().route("/live/picture/{name}", get(serve)).with_state(app)
}

/// A link to the picture of a source for one user, absolute and good for ten minutes.
#[must_use]
pub(crate) fn url(app: &App, id: RegistrationId, user: UserId, now: Millis) -> String {
    let token = sign(app.store.signing_key(), &subject(KIND, id), user, now.plus(LIFETIME));
    format!("{}/live/picture/{id}.jpg?token={token}", app.public_url())
}

#[derive(Deserialize)]
struct Link {
    token: Option<String>,
}

async fn serve(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(link): Query<Link>,
) -> Result<Response, ApiError> {
    let id = admit(&app, &name, link.token.as_deref()).await?;
    let still = app.stills.get(stream_of(id)).await.map_err(|error| match error {
        StillError::Unavailable => ApiError::new(Code::TOO_FAST),
        error => ApiError::new(Code::FILE_MISSING).message(error.to_string()),
    })?;
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg")),
        // One person's link, and another picture in ten seconds.
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=5")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    Ok((headers, still.jpeg.to_vec()).into_response())
}

/// The source of a link, if whoever has it may watch the source by now.
async fn admit(app: &App, name: &str, token: Option<&str>) -> ApiResult<RegistrationId> {
    let now = Millis::now();
    let unknown = || ApiError::new(Code::NOT_FOUND);
    let id = name.strip_suffix(".jpg").ok_or_else(unknown)?;
    let id: RegistrationId = id.parse().map_err(|_| unknown())?;
    let what = subject(KIND, id);
    let user = token.and_then(|token| verify(app.store.signing_key(), &what, token, now));
    let user = user.ok_or(ApiError::new(Code::INVALID_TOKEN))?;
    let mut db = app.store.read().await?;
    let active = store::users::get(&mut db, user).await?;
    if active.is_none_or(|user| user.account_status == AccountStatus::Deleted) {
        return Err(ApiError::new(Code::INVALID_TOKEN));
    }
    let row = store::live::get(&mut db, id).await?.ok_or_else(unknown)?;
    // A link lasts for minutes, and rights may end sooner. Links are given to those who see the
    // source in its folder, never to guests.
    let caller = Caller { user_id: user, kind: CallerKind::User };
    may_watch(&mut db, &caller, &row).await?;
    Ok(id)
}
