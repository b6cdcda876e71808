//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep, with its core extensions) over HTTP.
//!
//! | path | |
//! |---|---|
//! | `/start/live/whip/{project}/{device}/{stream}` | POST an offer to publish |
//! | `/live/whep/{id}` | POST an offer to view |
//! | `/live/session/{secret}` | PATCH to trickle or to restart ICE, DELETE to end |
//! | `/live/session/{secret}/layer` | POST the choice of a layer |
//! | `/live/session/{secret}/events` | POST a list of events for an event stream |
//! | `/live/session/{secret}/events/{stream}` | GET what happens, DELETE to end |
//!
//! Who may do what is the server's to decide, through [`Access`]. A session's URL cannot be guessed,
//! and wants the bearer that opened it besides.

mod access;
mod endpoint;
mod events;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod http;
mod layer;
mod limits;
mod link;
mod problem;
mod session;
mod table;
mod teller;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::any;
use rushes_media::Media;

pub use access::{Access, IceServer, Refusal, Target, WhipPath};
use limits::Limiter;
pub use limits::Limits;
use table::{Session, Sessions, View};

/// The media type of offers and answers.
const SDP: &str = "application/sdp";
/// The media type of trickle fragments (RFC 8840).
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// The media type of what the extensions of WHEP are told.
const JSON: &str = "application/json";
/// The longest SDP that is read, in bytes.
const MAX_SDP: usize = 64 * 1024;
/// The longest JSON that is read, in bytes.
const MAX_JSON: usize = 4 * 1024;
/// The preference (RFC 7240) by which a viewer asks for a session also while nobody publishes.
const WAIT: &str = "wait-for-publisher";

struct Shared<A> {
    media: Media,
    access: Arc<A>,
    sessions: Sessions,
    limits: Limits,
    limiter: Limiter,
}

type App<A> = Arc<Shared<A>>;

/// Those who view.
pub struct Viewers<A>(App<A>);

/// A right to view: a bearer's, to one source.
pub struct Right {
    view: View,
    /// What goes on by it.
    sessions: Vec<Arc<Session>>,
}

impl<A: Access> Viewers<A> {
    /// The rights that somebody views by, in an order that stays while others come and go.
    #[must_use]
    pub fn rights(&self) -> Vec<Right> {
        let Shared { media, sessions, .. } = &*self.0;
        let mut rights: BTreeMap<View, Vec<Arc<Session>>> = BTreeMap::new();
        for session in sessions.viewing(media) {
            if let Some(view) = session.view.clone() {
                rights.entry(view).or_default().push(session);
            }
        }
        rights.into_iter().map(|(view, sessions)| Right { view, sessions }).collect()
    }

    /// Ends what goes on by a right that has ended. May be given up on the way, and begun again.
    pub async fn look(&self, right: &Right) {
        let Shared { media, access, sessions, .. } = &*self.0;
        if access.still_views(&right.view.id, &right.view.bearer).await {
            return;
        }
        for session in &right.sessions {
            sessions.ended(session);
            media.close(session.id).await;
        }
    }
}

/// The routes of WHIP and WHEP, and those who view by them.
pub fn router<A: Access>(media: Media, access: Arc<A>, limits: Limits) -> (Router, Viewers<A>) {
    let (sessions, limiter) = (Sessions::default(), Limiter::new(&limits));
    let shared = Arc::new(Shared { media, access, sessions, limits, limiter });
    (routes(Arc::clone(&shared)), Viewers(shared))
}

fn routes<A: Access>(shared: App<A>) -> Router {
    Router::new()
        .route("/start/live/whip/{project}/{device}/{stream}", any(endpoint::whip::<A>))
        .route("/live/whep/{id}", any(endpoint::whep::<A>))
        .route("/live/session/{secret}", any(session::handle::<A>))
        .route("/live/session/{secret}/layer", any(layer::handle::<A>))
        .route("/live/session/{secret}/events", any(events::handle::<A>))
        .route("/live/session/{secret}/events/{stream}", any(events::stream::<A>))
        .layer(axum::middleware::map_response(cross_origin))
        .with_state(shared)
}

/// Players and encoders may be pages of other origins: no cookie is ever looked at here, only the
/// bearer, which such a page has to know.
async fn cross_origin(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let pairs = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, PATCH, DELETE, OPTIONS, GET, HEAD"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, if-match, link, prefer, last-event-id",
        ),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "location, link, etag, allow, accept-post, accept-patch, retry-after, \
             preference-applied",
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
