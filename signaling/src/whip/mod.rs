//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) over HTTP.
//!
//! | path | |
//! |---|---|
//! | `/start/live/whip/{project}/{device}/{stream}` | POST an offer to publish |
//! | `/live/whep/{id}` | POST an offer to view |
//! | `/live/session/{secret}` | PATCH to trickle, DELETE to end |
//!
//! Who may do what is the server's to decide, through [`Access`]. A session's URL
//! cannot be guessed, and wants the bearer that opened it besides.

mod access;
mod endpoint;
mod problem;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::any;
use rushes_media::Media;

pub use access::{Access, IceServer, Refusal, WhipPath};
use session::Sessions;

/// The media type of offers and answers.
const SDP: &str = "application/sdp";
/// The media type of trickle fragments (RFC 8840).
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// The longest SDP that is read, in bytes.
const MAX_SDP: usize = 64 * 1024;

struct Shared<A> {
    media: Media,
    access: Arc<A>,
    sessions: Sessions,
}

type App<A> = Arc<Shared<A>>;

/// The routes of WHIP and WHEP.
pub fn router<A: Access>(media: Media, access: Arc<A>) -> Router {
    let shared = Arc::new(Shared { media, access, sessions: Sessions::default() });
    Router::new()
        .route("/start/live/whip/{project}/{device}/{stream}", any(endpoint::whip::<A>))
        .route("/live/whep/{id}", any(endpoint::whep::<A>))
        .route("/live/session/{secret}", any(session::handle::<A>))
        .layer(axum::middleware::map_response(cross_origin))
        .with_state(shared)
}

/// Players and encoders may be pages of other origins: no cookie is ever looked
/// at here, only the bearer, which such a page has to know.
async fn cross_origin(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let pairs = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, PATCH, DELETE, OPTIONS, GET, HEAD"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, if-match"),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "location, link, etag, accept-post, accept-patch, retry-after",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    for (name, value) in pairs {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
