//! What every answer gets, whichever part of the server it comes from: a request id, security
//! headers, CORS, a line in the log and a count.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{app::App, error::ApiError};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps all of the server's routes.
pub fn layered(router: Router, app: &Arc<App>) -> Router {
    router.layer(from_fn_with_state(Arc::clone(app), edge))
}

async fn edge(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = Uuid::now_v7().simple().to_string();
    let method = request.method().clone();
    // Without the query, which may carry a token.
    let path = request.uri().path().to_owned();
    let cross_origin = request.headers().contains_key(header::ORIGIN);
    let mut response = if is_preflight(&method, request.headers()) && !answers_itself(&path) {
        preflight()
    } else {
        // A panic is an error of this request alone.
        AssertUnwindSafe(next.run(request))
            .catch_unwind()
            .instrument(tracing::info_span!("request", %id))
            .await
            .unwrap_or_else(|_| ApiError::internal(&"a handler panicked").into_response())
    };
    let status = response.status();
    let headers = response.headers_mut();
    secure(headers);
    if cross_origin {
        allow_origin(headers);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    if let Some(counter) = app.metrics.http.get(usize::from(status.as_u16() / 100)) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
    let ms = started.elapsed().as_millis();
    if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
        tracing::warn!(%id, %method, path, status = status.as_u16(), ms, "request");
    } else {
        tracing::debug!(%id, %method, path, status = status.as_u16(), ms, "request");
    }
    response
}

/// A browser asks whether a page of another origin may send a request. Other OPTIONS requests
/// (WHIP has a use for them) go on to whoever serves the path.
fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Whether what serves this path answers preflights, too: WHIP has more to say to them.
fn answers_itself(path: &str) -> bool {
    path.starts_with("/live/") || path.starts_with("/start/live/whip/")
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, DELETE, OPTIONS"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, If-Match, Range, X-Token",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Pages of any origin may use the API: nothing is ever proven by a cookie, so a page can do no
/// more than whoever gave it a token.
fn allow_origin(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let exposed = "Content-Range, ETag, Link, Location, Retry-After, X-Request-Id";
    // A part that exposes more has said so.
    headers
        .entry(header::ACCESS_CONTROL_EXPOSE_HEADERS)
        .or_insert(HeaderValue::from_static(exposed));
}

fn secure(headers: &mut HeaderMap) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
