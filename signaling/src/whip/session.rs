//! A session's resource: PATCH to trickle or to restart ICE, DELETE to end.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rushes_media::Trickled;

use super::access::Access;
use super::http::{Sender, list, need_type, other_method, read};
use super::problem::Problem;
use super::table::{Session, no_session};
use super::{App, FRAGMENT, MAX_SDP, Shared};

const METHODS: &str = "PATCH, DELETE, OPTIONS, GET, HEAD";

pub(super) async fn handle<A: Access>(
    State(app): State<App<A>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response {
    let done = match *request.method() {
        Method::OPTIONS => {
            let patch = (HeaderName::from_static("accept-patch"), FRAGMENT);
            return (StatusCode::OK, [(header::ALLOW, METHODS), patch]).into_response();
        }
        Method::PATCH => patch(&app, &name, request).await,
        Method::DELETE => delete(&app, &name, &Sender::of(&request)).await,
        Method::GET | Method::HEAD => {
            let method = request.method();
            app.session(&name, &Sender::of(&request)).map(|_| other_method(method, METHODS))
        }
        _ => return other_method(request.method(), METHODS),
    };
    done.unwrap_or_else(Problem::into_response)
}

impl<A> Shared<A> {
    /// The sender's session of this name, unless they ask too fast.
    pub(super) fn session(&self, name: &str, sender: &Sender) -> Result<Arc<Session>, Problem> {
        let now = Instant::now();
        self.limiter.address(sender.peer, now)?;
        let session = self.sessions.owned(name, sender)?;
        self.limiter.session(session.id, now)?;
        Ok(session)
    }
}

/// RFC 9725, 4.3.
async fn patch<A: Access>(
    app: &Shared<A>,
    name: &str,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let session = app.session(name, &Sender::of(&request))?;
    let headers = request.headers().clone();
    need_type(&headers, FRAGMENT)?;
    if !headers.contains_key(header::IF_MATCH) {
        return Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "send the ETag of the last answer as If-Match, or * to restart ICE",
        ));
    }
    let fragment = read(request, MAX_SDP).await?;
    let mut tag = session.tag.lock().await;
    if !matches(&headers, &tag) {
        return Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "If-Match names an ICE session that is over: send the newest ETag, or * to restart ICE",
        ));
    }
    match app.media.trickle(session.id, fragment).await? {
        Trickled::Taken => Ok(StatusCode::NO_CONTENT.into_response()),
        Trickled::Restarted { fragment, etag } => {
            let mut response = (StatusCode::OK, fragment).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FRAGMENT));
            if let Ok(value) = HeaderValue::from_str(&etag) {
                headers.insert(header::ETAG, value);
            }
            *tag = etag;
            Ok(response)
        }
    }
}

/// RFC 9110, 13.1.1, by strong comparison. What the fragment says then decides between a trickle
/// and a restart (RFC 9725, 4.3.3), whichever of the two forms the condition has. The examples of
/// the RFC write the asterisk in quotes, and so do clients.
fn matches(headers: &HeaderMap, tag: &str) -> bool {
    list(headers, header::IF_MATCH).any(|member| matches!(member, "*" | "\"*\"") || member == tag)
}

async fn delete<A: Access>(
    app: &Shared<A>,
    name: &str,
    sender: &Sender,
) -> Result<Response, Problem> {
    let session = app.session(name, sender)?;
    app.sessions.ended(&session);
    // Only 200 counts for OBS, also when the session had ended a moment before.
    if app.media.close(session.id).await {
        Ok(StatusCode::OK.into_response())
    } else {
        Err(no_session())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_compared_strongly() {
        let sent = |value: &str| {
            matches(&HeaderMap::from_iter([(header::IF_MATCH, value.parse().unwrap())]), "\"a\"")
        };
        assert!(sent("\"a\"") && sent("\"b\", \"a\"") && sent("*") && sent("\"*\""));
        assert!(!sent("\"b\"") && !sent("a") && !sent("W/\"a\""));
    }
}
