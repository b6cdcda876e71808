//! What all endpoints read of a request in the same way.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Who sends a request, as far as the request itself tells.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) bearer: Option<String>,
    pub(super) peer: IpAddr,
}

impl Sender {
    pub(super) fn of(request: &Request<Body>) -> Self {
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.ip().to_canonical());
        Self { bearer: bearer(request.headers()), peer }
    }

    pub(super) fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref()
    }
}

/// The bearer token of a request (RFC 6750, 2.1).
fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
}

/// The body as text of at most `limit` bytes. A body that says it is too long is refused before
/// any of it is read; one that does not say is cut off.
pub(super) async fn read(request: Request<Body>, limit: usize) -> Result<String, Problem> {
    let too_long = || {
        let detail = format!("the body may have {limit} bytes at most");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_long());
    }
    let bytes = tokio::time::timeout(BODY_TIME, to_bytes(request.into_body(), limit))
        .await
        .map_err(|_| {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "send the whole body within ten seconds")
        })?
        .map_err(|_| too_long())?;
    String::from_utf8(bytes.into())
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body is not UTF-8"))
}

/// Refuses a body that is not of this type; parameters of the type do not matter.
pub(super) fn need_type(headers: &HeaderMap, wanted: &str) -> Result<(), Problem> {
    let essence = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    if essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted)) {
        return Ok(());
    }
    let detail = format!("send the body as Content-Type: {wanted}");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// Refuses a client that does not accept what it would get.
pub(super) fn need_accept(headers: &HeaderMap, offered: &str) -> Result<(), Problem> {
    let mut ranges = list(headers, header::ACCEPT).peekable();
    let family = offered.split('/').next().unwrap_or_default();
    let fits = |range: &str| {
        let (range, parameters) = range.split_once(';').unwrap_or((range, ""));
        let (kind, subtype) = range.trim().split_once('/').unwrap_or((range.trim(), ""));
        let refused = parameters.split(';').any(|p| {
            p.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0))
        });
        let any = kind == "*" || (kind.eq_ignore_ascii_case(family) && subtype == "*");
        !refused && (any || range.trim().eq_ignore_ascii_case(offered))
    };
    if ranges.peek().is_none() || ranges.any(fits) {
        return Ok(());
    }
    let detail = format!("the answer is {offered}: accept that, or send no Accept");
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, detail))
}

/// Whether the client states a preference (RFC 7240).
pub(super) fn prefers(headers: &HeaderMap, preference: &str) -> bool {
    list(headers, HeaderName::from_static("prefer")).any(|stated| {
        let token = stated.split([';', '=']).next().unwrap_or_default();
        token.trim().eq_ignore_ascii_case(preference)
    })
}

/// The members of a header that is a list, however many lines it has.
pub(super) fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|member| !member.is_empty())
}

/// Whether an OPTIONS request asks for another one's permission (the preflight of Fetch), and not
/// for itself.
pub(super) fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a resource says to a method that it has no own answer for: GET and HEAD succeed and are
/// empty (RFC 9725, 4.1), the rest is not for it.
pub(super) fn other_method(method: &Method, allow: &'static str) -> Response {
    if matches!(*method, Method::GET | Method::HEAD) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = format!("this address takes {allow}");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
    ([(header::ALLOW, allow)], problem).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_a_client_accepts() {
        let accepts = |values: &[&str]| {
            need_accept(&headers(header::ACCEPT, values), "application/sdp").is_ok()
        };
        assert!(accepts(&[]) && accepts(&["*/*"]) && accepts(&["application/*"]));
        assert!(accepts(&["text/html, Application/SDP;q=0.5"]));
        assert!(accepts(&["text/html", "application/sdp"]), "on a line of its own");
        assert!(!accepts(&["text/html"]) && !accepts(&["text/*"]));
        assert!(!accepts(&["application/sdp;q=0"]), "an explicit refusal");
    }

    #[test]
    fn preferences_are_a_list() {
        let prefers = |values: &[&str]| {
            prefers(&headers(HeaderName::from_static("prefer"), values), "wait-for-publisher")
        };
        assert!(
            prefers(&["wait-for-publisher"]) && prefers(&["respond-async, Wait-For-Publisher"])
        );
        assert!(prefers(&["respond-async", "wait-for-publisher; x=1"]));
        assert!(!prefers(&[]) && !prefers(&["wait=10"]) && !prefers(&["wait-for-publishers"]));
    }

    #[test]
    fn a_bearer_is_one_of_that_scheme() {
        let token = |value: &str| bearer(&headers(header::AUTHORIZATION, &[value]));
        assert_eq!(token("bearer  abc "), Some("abc".to_owned()));
        assert_eq!(token("Basic abc"), None);
        assert_eq!(token("Bearer "), None);
    }
}
