//! A session's resource: PATCH to trickle, DELETE to end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rushes_media::{Media, SessionId, Trickled};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::access::Access;
use super::endpoint::{bearer, is_type, read};
use super::problem::Problem;
use super::{App, FRAGMENT, Shared};

const METHODS: &str = "PATCH, DELETE, OPTIONS, GET, HEAD";
/// Below this many sessions nothing is swept.
const SWEEP_ABOVE: usize = 64;

/// What is kept of a session: enough to know its owner again.
#[derive(Debug)]
struct Owner {
    /// Of the bearer; none if there was none.
    digest: Option<[u8; 32]>,
    etag: String,
}

#[derive(Debug, Default)]
struct Table {
    owners: HashMap<SessionId, Owner>,
    /// How many there were after the last sweep.
    kept: usize,
}

/// The owners of sessions. Sessions that the media plane has forgotten are swept
/// when the table has doubled.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Table>);

impl Sessions {
    pub(super) fn open(&self, media: &Media, id: SessionId, bearer: Option<&str>, etag: &str) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.owners.len() > SWEEP_ABOVE.max(2 * table.kept) {
            table.owners.retain(|id, _| media.knows(*id));
            table.kept = table.owners.len();
        }
        let owner = Owner { digest: bearer.map(digest), etag: etag.to_owned() };
        table.owners.insert(id, owner);
    }

    /// The session has a new entity tag.
    fn restarted(&self, id: SessionId, etag: &str) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = table.owners.get_mut(&id) {
            owner.etag = etag.to_owned();
        }
    }

    /// The entity tag of the session, if the bearer is the one that opened it.
    fn etag(&self, id: SessionId, bearer: Option<&str>) -> Result<String, Problem> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = table.owners.get(&id).ok_or_else(not_found)?;
        match (owner.digest, bearer.map(digest)) {
            (None, _) => Ok(owner.etag.clone()),
            (Some(_), None) => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "send the token that opened the session as Authorization: Bearer",
            )),
            (Some(owned), Some(sent)) if bool::from(owned.ct_eq(&sent)) => Ok(owner.etag.clone()),
            (Some(_), Some(_)) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "the token is not the one that opened the session",
            )),
        }
    }
}

fn digest(bearer: &str) -> [u8; 32] {
    Sha256::digest(bearer.as_bytes()).into()
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such session")
}

pub(super) async fn handle<A: Access>(
    State(app): State<App<A>>,
    Path(secret): Path<String>,
    request: Request<Body>,
) -> Response {
    let allow = (header::ALLOW, METHODS);
    match *request.method() {
        Method::OPTIONS => {
            let patch = (header::HeaderName::from_static("accept-patch"), FRAGMENT);
            (StatusCode::NO_CONTENT, [allow, patch]).into_response()
        }
        // RFC 9725, 4.2: they succeed and are empty.
        Method::GET | Method::HEAD => StatusCode::NO_CONTENT.into_response(),
        Method::PATCH => match patch(&app, &secret, request).await {
            Ok(Trickled::Taken) => StatusCode::NO_CONTENT.into_response(),
            // RFC 9725, 4.3.3.
            Ok(Trickled::Restarted { fragment, etag }) => {
                let kind = (header::CONTENT_TYPE, FRAGMENT.to_owned());
                (StatusCode::OK, [kind, (header::ETAG, etag)], fragment).into_response()
            }
            Err(problem) => problem.into_response(),
        },
        // Only 200 counts for OBS.
        Method::DELETE => match delete(&app, &secret, bearer(request.headers())).await {
            Ok(()) => StatusCode::OK.into_response(),
            Err(problem) => problem.into_response(),
        },
        _ => {
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "use PATCH or DELETE");
            ([allow], problem).into_response()
        }
    }
}

async fn patch<A: Access>(
    app: &Shared<A>,
    secret: &str,
    request: Request<Body>,
) -> Result<Trickled, Problem> {
    let id: SessionId = secret.parse().map_err(|_| not_found())?;
    let etag = app.sessions.etag(id, bearer(request.headers()).as_deref())?;
    if !is_type(request.headers(), FRAGMENT) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("send the fragment as Content-Type: {FRAGMENT}"),
        ));
    }
    check_tag(request.headers(), &etag)?;
    let fragment = read(request).await?;
    let trickled = app.media.trickle(id, fragment).await?;
    if let Trickled::Restarted { etag, .. } = &trickled {
        app.sessions.restarted(id, etag);
    }
    Ok(trickled)
}

/// RFC 9725, 4.3.1: a trickle names the ICE session it belongs to; `*` asks for
/// a restart.
fn check_tag(headers: &HeaderMap, etag: &str) -> Result<(), Problem> {
    let sent = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    match sent.map(str::trim) {
        None => Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "send the ETag of the answer as If-Match",
        )),
        Some("*") => Ok(()),
        Some(tags) if tags.split(',').any(|tag| tag.trim() == etag) => Ok(()),
        Some(_) => {
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, "If-Match names another ICE session"))
        }
    }
}

async fn delete<A: Access>(
    app: &Shared<A>,
    secret: &str,
    bearer: Option<String>,
) -> Result<(), Problem> {
    let id: SessionId = secret.parse().map_err(|_| not_found())?;
    app.sessions.etag(id, bearer.as_deref())?;
    if app.media.close(id).await { Ok(()) } else { Err(not_found()) }
}
